/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topic ids of one client: which id stands for which name, and what the client knows of it.
 *
 * Ids are a client's own: another client's table has the same numbers for other names. The table
 * holds at most as many names as its owner allows; a client that asks for more is refused. Empty,
 * it owns no memory.
 */
#ifndef GATEWAY_TOPICS_H
#define GATEWAY_TOPICS_H

#include "base/bytes.h"
#include "base/memory.h"
#include "mqttsn/topic.h"

#include <stdbool.h>
#include <stdint.h>

struct gateway_topic {
    struct gateway_topic *next;
    uint16_t id;      /* the TopicId field of messages on it */
    uint16_t size;    /* of the name */
    uint8_t type;     /* by which the client knows the name; enum mqttsn_topic_type */
    bool ours : 1;    /* the gateway began it, for a delivery: it may give way to another one */
    bool given : 1;   /* the client has been told it: what it sends by the id has this name */
    bool told : 1;    /* and knows it for sure: what is sent to it may go by the id */
    bool refused : 1; /* the client wants nothing on this name; until it asks for it again */
    uint8_t name[];
};

struct gateway_topics {
    struct gateway_topic *first; /* the one that was added last */
    uint16_t count;
    uint16_t last_id;     /* the normal id that was given last */
    uint16_t max;         /* of entries */
    uint16_t last_msg_id; /* of the REGISTER that was sent last; its owner's */
};

static inline struct bytes gateway_topic_name(const struct gateway_topic *topic)
{
    return bytes_of(topic->name, topic->size);
}

void gateway_topics_deinit(struct gateway_topics *topics, const struct memory *memory);

/* NULL when there is none. */
struct gateway_topic *gateway_topics_find_name(
        const struct gateway_topics *topics, struct bytes name);

/* The one of a normal id; NULL when there is none. */
struct gateway_topic *gateway_topics_find_normal(const struct gateway_topics *topics, uint16_t id);

/* The same, but only one that the client was given. */
struct gateway_topic *gateway_topics_find_id(const struct gateway_topics *topics, uint16_t id);

/**
 * Makes an entry of a name that has none, of at most 65,535 bytes, with an id that no other one
 * has. A full table drops one that is `ours` first.
 *
 * Returns NULL when it is full all the same, or memory is short.
 * Source: [SN-5.3.11-1], [SN-7.3-1]
 */
struct gateway_topic *gateway_topics_add(
        struct gateway_topics *topics, const struct memory *memory, struct bytes name);

/* Gives an entry of another type a normal id. */
void gateway_topics_make_normal(struct gateway_topics *topics, struct gateway_topic *topic);

/* The client may have forgotten all: nothing of it is told. */
void gateway_topics_forget(struct gateway_topics *topics);

/* The client has given its normal ids up: none means anything before it is given again. */
void gateway_topics_withdraw(struct gateway_topics *topics);

#endif
