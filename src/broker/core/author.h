/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who published a message, for rights that are judged later; see struct access. It lies behind the
 * payload of those few messages of which that will be asked.
 */
#ifndef BROKER_CORE_AUTHOR_H
#define BROKER_CORE_AUTHOR_H

#include "broker/core/message.h"

struct author {
    uint16_t listener;
    struct bytes user; /* at most 65,535 bytes, as the next */
    struct bytes client_id;
};

/* The bytes that it takes in a message. */
size_t author_room(const struct author *author);

/* Writes it into a new message, which has the room and all the rest. */
void author_write(struct message *message, const struct author *author);

/* Gives back the block of a message that has one. */
void author_give_message(const struct memory *memory, struct message *message);

/* Reads it, borrowed from the message; false: it has none. */
bool author_read(const struct message *message, struct author *out);

#endif
