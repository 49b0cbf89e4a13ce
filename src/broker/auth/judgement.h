/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a client may do something with a topic, and which rule says so.
 */
#ifndef BROKER_AUTH_JUDGEMENT_H
#define BROKER_AUTH_JUDGEMENT_H

#include "broker/auth/rulebook.h"
#include "broker/core/core.h"

enum { JUDGEMENT_TEXT_MAX = SOURCE_PATH_MAX + 100 };

enum judgement_origin {
    JUDGED_BY_FILE,      /* the rule at file:number */
    JUDGED_BY_GRANTS,    /* the rule of that number among those that came with the identity */
    JUDGED_BY_ABSENCE,   /* no rule fits, and what no rule allows is denied */
    JUDGED_AS_UNCHECKED, /* acl_check_subscribe is false: only what is delivered is judged */
    JUDGED_AS_FREE,      /* there is no acl_file, so everything is allowed */
    JUDGED_AS_SUPERUSER, /* auth_http has said that it is one */
};

struct judgement {
    bool allowed;
    enum judgement_origin origin;
    const char *file; /* acl_file, where there is one; else NULL */
    unsigned number;  /* of the line or rule, from 1 */
};

/* Whose doing is judged. */
struct judged {
    struct bytes user; /* empty: without a name */
    struct bytes client_id;
    const struct grants *grants; /* rules that came with its identity; NULL: none */
    bool superuser;
};

/*
 * The rules that came with the identity come first. Where none of them fits acl_file decides, if
 * there is one; else the answer is no. `topic` is not empty; to subscribe it is the filter,
 * "$share/..." included.
 */
struct judgement judgement_of(const struct rules *rules, const struct judged *who,
        enum access_action action, struct bytes topic);

/* Writes what decided as a phrase, such as "rules.acl:12" or "no rule of rules.acl fits". */
void judgement_text(const struct judgement *judgement, char out[JUDGEMENT_TEXT_MAX + 1]);

#endif
