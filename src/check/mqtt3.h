/* SPDX-License-Identifier: Apache-2.0 */
/* Cases that are the same in MQTT 3.1 and 3.1.1, for the chapters of both. */
#ifndef CHECK_MQTT3_H
#define CHECK_MQTT3_H

#include "base/bytes.h"

struct check;

/* Clean Session 0: subscriptions and messages are kept while the client is away. */
void mqtt3_session_is_continued(struct check *check);

/* Clean Session 1: nothing is kept. */
void mqtt3_clean_session_ends(struct check *check);

/* Who connects with an id that is connected ends the older connection. */
void mqtt3_older_connection_is_ended(struct check *check);

/* One and a half times Keep Alive without a packet is the end, and the Will is published. */
void mqtt3_silence_is_the_end(struct check *check);

/* With a Keep Alive of 0 it is not. */
void mqtt3_silence_is_allowed(struct check *check);

/* After a DISCONNECT no Will is published. */
void mqtt3_disconnect_takes_the_will_away(struct check *check);

/* A filter that begins with a wildcard matches no topic that begins with '$'. Needs NEED_STATUS. */
void mqtt3_wildcards_leave_out_topics_of_the_server(struct check *check);

/* The topic of a PUBLISH; empty for other packets. */
struct bytes mqtt3_topic(struct bytes packet);

#endif
