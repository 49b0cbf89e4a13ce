/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/identity.h"

#include <assert.h>

struct proof proof_by_password(const struct password_hash *hash)
{
    struct proof proof = { .kind = PROOF_PASSWORD };

    static_assert((int)PROOF_MARK_SIZE <= (int)PASSWORD_HASH_MIN, "every hash has a mark");
    memcpy(proof.mark, hash->hash, sizeof(proof.mark));
    return proof;
}

/* Nothing was checked against anything of ours. */
static size_t mark_size(enum proof_kind kind)
{
    return kind == PROOF_NONE || kind == PROOF_TRANSPORT ? 0 : PROOF_MARK_SIZE;
}

static size_t size_of(enum proof_kind kind, size_t user_size)
{
    return sizeof(struct identity) + user_size + mark_size(kind);
}

struct identity *identity_new(const struct memory *memory, uint16_t listener, struct bytes user,
        const struct proof *proof)
{
    struct identity *identity = memory_take_zeroed(memory, size_of(proof->kind, user.size));

    assert(user.size <= UINT16_MAX);
    if (!identity)
        return NULL;
    identity->listener = listener;
    identity->kind = (uint8_t)proof->kind;
    identity->user_size = (uint16_t)user.size;
    if (user.size > 0)
        memcpy(identity->texts, user.data, user.size);
    memcpy(identity->texts + user.size, proof->mark, mark_size(proof->kind));
    return identity;
}

bool identity_has_proof(const struct identity *identity, const struct proof *proof)
{
    return identity->kind == proof->kind &&
            memcmp(identity->texts + identity->user_size, proof->mark, mark_size(proof->kind)) == 0;
}

void identity_free(const struct memory *memory, struct identity *identity)
{
    if (!identity)
        return;
    grants_free(memory, identity->grants);
    memory_give(memory, identity, size_of((enum proof_kind)identity->kind, identity->user_size));
}
