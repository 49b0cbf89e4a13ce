/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's answers as text for people. What clients have chosen is shown without its control
 * characters, so that no client writes to the terminal.
 */
#ifndef CLI_CTL_SHOW_H
#define CLI_CTL_SHOW_H

#include <jansson.h>
#include <stdbool.h>

void ctl_show_status(const json_t *answer);
void ctl_show_client(const json_t *answer);
void ctl_show_kick(const json_t *answer);
void ctl_show_unban(const json_t *answer);
void ctl_show_checkpoint(const json_t *answer);
void ctl_show_explain(const json_t *answer);
void ctl_show_reload(const json_t *answer);
void ctl_show_diff(const json_t *answer);

/* A page of a list; the first one has the columns' names above. */
void ctl_show_clients(const json_t *rows, bool first);
void ctl_show_bans(const json_t *rows, bool first);
void ctl_show_subscriptions(const json_t *rows, bool first);

#endif
