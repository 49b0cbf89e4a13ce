/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a client is, and by what that was shown: the authority's word for a client, which core keeps
 * and hands back.
 */
#ifndef BROKER_AUTH_IDENTITY_H
#define BROKER_AUTH_IDENTITY_H

#include "base/bytes.h"
#include "base/memory.h"
#include "broker/auth/grants.h"
#include "broker/auth/password_hash.h"

enum { PROOF_MARK_SIZE = 16 };

enum proof_kind {
    PROOF_NONE,      /* nothing was asked for */
    PROOF_TRANSPORT, /* a certificate or key: the name was proved before there was any MQTT */
    PROOF_PASSWORD,  /* a user of the password file */
    PROOF_TOKEN,     /* auth_jwt */
    PROOF_SERVICE,   /* auth_http */
};

/* What shows who a client is. */
struct proof {
    enum proof_kind kind;
    /* Of what it was checked against, such as the first bytes of a password's hash: when the rules
     * have another one, the proof counts no more. */
    uint8_t mark[PROOF_MARK_SIZE];
};

/* Of who has proved to know a password by its hash or key. */
struct proof proof_by_password(const struct password_hash *hash);

/* Every client has one, so it is small: who has proved nothing has no mark either. */
struct identity {
    uint16_t listener;
    uint16_t user_size;
    uint8_t kind;          /* enum proof_kind */
    bool superuser;        /* it may do everything */
    int64_t ends_s;        /* since 1970; 0: it does not end by itself */
    struct grants *grants; /* its own; NULL: none came with it */
    uint8_t texts[];       /* the name it has, empty for none, and its proof's mark, if any */
};

/* Without grants and without an end, which the maker may add. NULL when memory is short. */
struct identity *identity_new(const struct memory *memory, uint16_t listener, struct bytes user,
        const struct proof *proof);

/* NULL is fine. */
void identity_free(const struct memory *memory, struct identity *identity);

static inline struct bytes identity_user(const struct identity *identity)
{
    return bytes_of(identity->texts, identity->user_size);
}

/* Whether its proof is of that kind, and was checked against the same. */
bool identity_has_proof(const struct identity *identity, const struct proof *proof);

#endif
