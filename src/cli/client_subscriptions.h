/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of a command line: subscribing them, and which topics they match.
 */
#ifndef CLI_CLIENT_SUBSCRIPTIONS_H
#define CLI_CLIENT_SUBSCRIPTIONS_H

#include "cli/client_session.h"

/* Tags of what the server answers. */
enum client_answer { CLIENT_SUBSCRIBED = 1, CLIENT_UNSUBSCRIBED };

/**
 * Subscribes all topics of the options in one packet, if there are any; unsubscribes those of -U,
 * each in a packet of its own. *answers counts how many answers are to come. Says what is wrong.
 */
bool client_subscribe(struct client_session *session, size_t *answers);
bool client_unsubscribe(struct client_session *session, size_t *answers);

/* Subscribes one filter with the options' QoS and flags. */
bool client_subscribe_one(struct client_session *session, const char *filter);

/* Whether one of a SUBACK's codes is no refusal. */
bool client_some_granted(struct nj_bytes codes);

/* Whether the topic matches one of the filters. */
bool client_matches_one(const struct client_list *filters, struct nj_bytes topic);

#endif
