/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard's authority: answers core's questions (struct access) by the rulebook.
 *
 * A client that gives a name comes in where its listener's password file has that name with its
 * password; where there is no such file a name says nothing, and whoever gives one is anonymous but
 * for the access rules, which go by it. A client without a name comes in where allow_anonymous says
 * so. Where names are the transport's to prove, whoever has one comes in. What a client may do,
 * acl_file says.
 */
#ifndef BROKER_AUTH_AUTHORITY_H
#define BROKER_AUTH_AUTHORITY_H

#include "broker/auth/hashers.h"
#include "broker/auth/rulebook.h"
#include "broker/core/core.h"

struct authority {
    const struct rulebook *book;   /* borrowed until authority_use() gives another */
    const struct memory *memory;   /* borrowed, for identities */
    const struct journal *journal; /* borrowed */
    struct hash_desk *desk;        /* borrowed; NULL: expensive hashes are checked at once, too */
};

/* What core is given; the authority must stay where it is. */
struct access authority_access(struct authority *authority);

/* From now on these rules hold; core_access_changed() is to follow. */
static inline void authority_use(struct authority *authority, const struct rulebook *book)
{
    authority->book = book;
}

/* The next verdict that was to come later, for core_admitted(); false when there is none now. */
bool authority_next(const struct authority *authority, struct access_ticket *ticket,
        struct access_verdict *verdict);

#endif
