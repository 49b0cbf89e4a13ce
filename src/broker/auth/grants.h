/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights that come with a client's identity: rules that a token or a web service has for it, as
 * EMQX 5 writes them:
 *
 *     [ { "permission": "allow", "action": "publish", "topic": "home/${clientid}/#" },
 *       { "permission": "deny", "action": "all", "topics": ["home/+/key", "eq home/#"] },
 *       { "permission": "allow", "action": "subscribe", "topic": "home/#" } ]
 *
 * The first rule that fits decides. ${clientid}, or %c, stands for the client id, ${username}, or
 * %u, for the user name (acl_filter.h says which names are not put in). A topic behind "eq " is
 * compared as it is, and has no names in it: the rule is about subscriptions with exactly that
 * filter, and one that allows it is about all messages that come of it.
 */
#ifndef BROKER_AUTH_GRANTS_H
#define BROKER_AUTH_GRANTS_H

#include "base/memory.h"
#include "broker/auth/acl_filter.h"
#include "broker/core/core.h"

#include <jansson.h>

enum {
    GRANTS_MAX = 256,         /* topics of all rules together */
    GRANTS_BYTES_MAX = 16384, /* of their texts */
};

/* One topic of a rule. */
struct grant {
    struct acl_filter filter;
    uint16_t number; /* of the rule, from 1 */
    bool allows;
    bool exact; /* "eq " */
    bool publish;
    bool subscribe; /* and receive */
};

struct grants {
    size_t size; /* of this block; the filters' texts lie at its end */
    size_t count;
    struct grant rules[];
};

struct grants_decision {
    bool allowed;
    unsigned number; /* of the rule that decided; 0: none fits */
};

/**
 * Reads a list of rules, which the caller has from a JSON text without duplicate names.
 *
 * Returns NULL and grants for grants_free(), or why there are none, with *out untouched: a lasting
 * text, for the log.
 */
const char *grants_read(struct grants **out, const struct memory *memory, const json_t *list);

/* NULL is fine. */
void grants_free(const struct memory *memory, struct grants *grants);

/* `topic` is not empty; to subscribe it is a filter, with "$share/..." taken off. */
struct grants_decision grants_judge(const struct grants *grants, const struct acl_who *who,
        enum access_action action, struct bytes topic);

#endif
