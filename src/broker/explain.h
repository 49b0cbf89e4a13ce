/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a client may read, write or subscribe to a topic, and what says so. Topics are full
 * names, with a listener's mount point.
 */
#ifndef BROKER_EXPLAIN_H
#define BROKER_EXPLAIN_H

#include "broker/auth/judgement.h"
#include "broker/shard.h"

#include <jansson.h>

struct explain_question {
    struct bytes user; /* empty: without a name */
    struct bytes client_id;
    struct bytes topic; /* to subscribe, the filter, "$share/..." included */
    enum access_action action;
    int port; /* of the listener; 0: each */
};

struct explanation {
    bool allowed;
    char because[JUDGEMENT_TEXT_MAX + 1]; /* a phrase, such as "rules.acl:12" */
};

/* Reads "read", "write" or "subscribe". False for any other word. */
bool explain_action(const char *word, enum access_action *out);

/* What holds for a client of that name and id at a listener, whatever else it came in with; the
 * rules are the listener's. */
void explain_by_name(struct explanation *out, const struct rules *rules,
        const struct core_settings *settings, const struct listener_settings *listener,
        const struct explain_question *question);

/*
 * The answer of a running server, whose configuration that is: for a client that is there and has
 * the name by what it came in with, else for each listener by name alone. Asks the client's shard
 * and waits for it. An array; NULL when memory is short.
 */
json_t *explain_running(struct shard_group *group, const struct config *config,
        const struct explain_question *question);

/* Prints the answer for a configuration, a line for each listener; true where all are the same and
 * allow it. */
bool explain_print(const struct config *config, const struct rulebook *book,
        const struct explain_question *question);

#endif
