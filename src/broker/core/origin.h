/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a client's transport comes from: what the log and the authority are told. There are as many
 * as connections, and the text is read seldom, so an IPv4 address and port are kept as their
 * numbers. Any other one is a text in a block.
 */
#ifndef BROKER_CORE_ORIGIN_H
#define BROKER_CORE_ORIGIN_H

#include "base/bytes.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero: the empty text, which owns no memory. */
struct origin {
    uint64_t word; /* odd: address and port; else where its struct origin_block is */
};

/* Where the text of one is put that is not kept as a text. */
struct origin_room {
    uint8_t data[sizeof("255.255.255.255:65535") - 1];
};

/* The text of this one is "10.0.0.7:41312"; the address is given by its bytes as they are sent. */
static inline struct origin origin_of_ipv4(const uint8_t address[4], uint16_t port)
{
    uint64_t host = (uint64_t)address[0] << 24 | (uint64_t)address[1] << 16 |
            (uint64_t)address[2] << 8 | address[3];

    return (struct origin){ (host << 16 | port) << 1 | 1 };
}

/* Keeps a copy of a text of at most 65,535 bytes. False when memory is short. */
bool origin_copy_text(struct origin *origin, const struct memory *memory, struct bytes text);

void origin_deinit(struct origin *origin, const struct memory *memory);

/* The text; it lies in `room`, or in the origin's own block. */
struct bytes origin_text(const struct origin *origin, struct origin_room *room);

#endif
