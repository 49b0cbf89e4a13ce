/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In what two configurations differ: one change for each option and listener, with both values.
 */
#ifndef BROKER_CONFIG_COMPARE_H
#define BROKER_CONFIG_COMPARE_H

#include "broker/config/config.h"

enum { CONFIG_SHOWN_MAX = 127 }; /* bytes of a value that a change shows */

/* One difference. Borrows from the two configurations. */
struct config_change {
    const struct option *option; /* NULL: it is a listener as a whole that is new or gone */
    int next_listener;           /* its index in `next`; -1: of the whole server, or it is gone */
    int running_listener;        /* its index in `running`; -1: of the whole server, or it is new */
    struct report_origin origin; /* in `next`; of a listener that is gone in `running` */
    /* As they would stand in a file; "": nothing. Of a listener, its port and address. */
    char old_value[CONFIG_SHOWN_MAX + 1];
    char new_value[CONFIG_SHOWN_MAX + 1];
};

/* Tells each difference: what `next` would change where `running` is in force. */
void config_compare(const struct config *next, const struct config *running,
        void (*each)(void *context, const struct config_change *change), void *context);

/* The index of the listener that listens where that one does, and is closed or is not; or -1. */
int config_find_listener(
        const struct config *config, const struct config_listener *wanted, bool closed);

#endif
