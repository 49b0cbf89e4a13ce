/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard's authority: answers core's questions (struct access) by the rulebook.
 *
 * A login goes from one authenticator of its listener to the next until one knows it and says yes
 * or no: the password file knows the names that are in it. Where there are authenticators and none
 * knows it, a client without a name comes in where allow_anonymous says so, and one with a name
 * does not. Where there is none a name says nothing, and whoever gives one is anonymous but for the
 * access rules, which go by it. Where names are the transport's to prove, whoever has one comes in.
 * What a client may do, acl_file says.
 */
#ifndef BROKER_AUTH_AUTHORITY_H
#define BROKER_AUTH_AUTHORITY_H

#include "broker/auth/hashers.h"
#include "broker/auth/identity.h"
#include "broker/auth/judgement.h"
#include "broker/auth/rulebook.h"
#include "broker/auth/web_asker.h"
#include "broker/core/core.h"

/* Credentials that were wrong. */
struct login_failure {
    struct bytes peer; /* as in struct access_arrival */
    struct bytes user;
    struct bytes secret; /* what was shown for it; the same once more is no second guess */
    uint16_t listener;   /* its number */
    bool answered;       /* it is an answer to what this server has said to that peer */
};

/* Who has no name and has proved nothing is like all others of his listener: they are many, and
 * have one identity. */
struct nameless {
    struct identity *identity; /* NULL: nobody is */
    uint32_t holders;          /* clients and sessions that have it */
};

struct authority {
    const struct rulebook *book;   /* borrowed until authority_use() gives another */
    const struct memory *memory;   /* borrowed, for identities */
    const struct journal *journal; /* borrowed */
    struct desk *desk;             /* borrowed; where answers of other threads come back */
    struct hashers *hashers;       /* borrowed; NULL: expensive hashes are checked at once, too */
    struct web_asker *web;         /* borrowed; needed where auth_http is set */
    int64_t (*wall_ms)(void);      /* what time it is, in milliseconds since 1970 */
    /*
     * Called for each client whose credentials are wrong: an unknown name or a wrong password, at
     * once or when the verdict comes later. Not for one that gives none, nor when they could not be
     * checked. Returns for how many milliseconds the refusal is to be held back. NULL: nobody wants
     * to know.
     */
    uint32_t (*failed)(void *context, const struct login_failure *failure);
    /* Whether logins from that peer's address at that listener were wrong lately. NULL: nobody
     * knows. */
    bool (*suspects)(void *context, struct bytes peer, unsigned listener);
    void *failed_context;                           /* of both */
    struct nameless nameless[CONFIG_LISTENERS_MAX]; /* by listener; all zero at first */
};

/* What core is given; the authority must stay where it is. */
struct access authority_access(struct authority *authority);

/* From now on these rules hold; core_access_changed() is to follow. */
static inline void authority_use(struct authority *authority, const struct rulebook *book)
{
    authority->book = book;
}

/* Asks `failed`, also for what proves names elsewhere than in admit(); returns what it says. */
uint32_t authority_failed(const struct authority *authority, const struct login_failure *failure);

/* Whether the client of that identity may do that now, and what says so. */
struct judgement authority_judge(const struct authority *authority, const void *identity,
        struct bytes client_id, enum access_action action, struct bytes topic);

/* The next verdict that was to come later, for core_admitted(); false when there is none now. */
bool authority_next(
        struct authority *authority, struct access_ticket *ticket, struct access_verdict *verdict);

#endif
