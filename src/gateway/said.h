/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client has said of itself: its id and its Will, in one block of just their size. It does
 * not change; who says something else gets another block.
 */
#ifndef GATEWAY_SAID_H
#define GATEWAY_SAID_H

#include "base/bytes.h"
#include "base/memory.h"

struct gateway_said;

/* Copies these, each of at most 65,535 bytes. NULL when memory is short. */
struct gateway_said *gateway_said_new(const struct memory *memory, struct bytes id,
        struct bytes will_topic, struct bytes will_message);

/* NULL is fine, here and below. */
void gateway_said_free(struct gateway_said *said, const struct memory *memory);

struct bytes gateway_said_id(const struct gateway_said *said);
struct bytes gateway_said_will_topic(const struct gateway_said *said);
struct bytes gateway_said_will_message(const struct gateway_said *said);

#endif
