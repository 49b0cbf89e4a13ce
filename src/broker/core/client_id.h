/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session's client id: in place where it is short, as most are, else in a block. Its bytes are
 * good as long as it lies where it is.
 */
#ifndef BROKER_CORE_CLIENT_ID_H
#define BROKER_CORE_CLIENT_ID_H

#include "base/bytes.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLIENT_ID_NEAR_MAX = 18 }; /* longer ones have a block */

/* All zero: empty. It may be moved as a whole. */
struct client_id {
    uint16_t size;
    uint8_t near[CLIENT_ID_NEAR_MAX]; /* the id, or a pointer to its block */
};

/* Keeps a copy of at most 65,535 bytes. False when memory is short. */
bool client_id_init(struct client_id *id, const struct memory *memory, struct bytes from);

void client_id_deinit(struct client_id *id, const struct memory *memory);

static inline struct bytes client_id_bytes(const struct client_id *id)
{
    const uint8_t *block;

    if (id->size <= CLIENT_ID_NEAR_MAX)
        return bytes_of(id->near, id->size);
    memcpy(&block, id->near, sizeof(block));
    return bytes_of(block, id->size);
}

#endif
