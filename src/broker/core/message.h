/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A published message: one immutable, counted block, shared by every queue that holds it.
 *
 * References are atomic since queues of several shards hold the same block. The last one to let go
 * gives the memory back, on whichever shard that is.
 */
#ifndef BROKER_CORE_MESSAGE_H
#define BROKER_CORE_MESSAGE_H

#include "base/bytes.h"
#include "base/memory.h"
#include "mqtt/properties.h"

#include <stdatomic.h>

struct message {
    _Atomic uint32_t references;
    uint32_t properties_size;
    uint32_t payload_size;
    uint16_t topic_size;
    uint8_t qos;
    bool retain : 1;    /* the publisher's RETAIN flag */
    bool authored : 1;  /* it says who published it: author.h */
    uint32_t expiry_s;  /* what was left when its publisher's shard took it; 0: not known */
    int64_t expires_ms; /* INT64_MAX: never */
    uint64_t id;        /* in the store, or in this turn's batch (records.h); 0: it is not there.
                         * Known to who has it from its publisher's shard, not from elsewhere */
    uint64_t revision;  /* of the retained store; 0: not retained. Written before it is shared */
    uint8_t data[];     /* topic, properties to forward (encoded), payload, maybe the author */
};

struct author;

/* What a message is made of; all is copied. */
struct message_parts {
    struct bytes topic;
    const struct mqtt_properties *properties; /* as received: those to forward are taken; or NULL */
    struct bytes forwarded; /* the same as message_properties() has them; or empty */
    struct bytes payload;
    uint8_t qos;
    bool retain;
    uint32_t expiry_s; /* as in the message */
    int64_t expires_ms;
    const struct author *author; /* NULL: nobody asks */
};

/* A message with one reference; NULL when memory is short. */
struct message *message_new(const struct memory *memory, const struct message_parts *parts);

static inline void message_ref(struct message *message)
{
    /* Relaxed: who takes a reference holds one already. */
    atomic_fetch_add_explicit(&message->references, 1, memory_order_relaxed);
}

/* The same where one thread alone has all references there are. Relaxed, and in two steps: nobody
 * comes in between. */
static inline void message_ref_alone(struct message *message)
{
    uint32_t references = atomic_load_explicit(&message->references, memory_order_relaxed);

    atomic_store_explicit(&message->references, references + 1, memory_order_relaxed);
}

/* Lets go of one that is not the last, where one thread alone has all references there are. False:
 * it is the last. */
static inline bool message_unref_alone(struct message *message)
{
    uint32_t references = atomic_load_explicit(&message->references, memory_order_relaxed);

    if (references == 1)
        return false;
    atomic_store_explicit(&message->references, references - 1, memory_order_relaxed);
    return true;
}

/* Lets go of one reference. Returns 0, or the message's size when it was the last one and the block
 * is gone. */
size_t message_unref(const struct memory *memory, struct message *message);

static inline struct bytes message_topic(const struct message *message)
{
    return bytes_of(message->data, message->topic_size);
}

static inline struct bytes message_properties(const struct message *message)
{
    return bytes_of(message->data + message->topic_size, message->properties_size);
}

static inline struct bytes message_payload(const struct message *message)
{
    return bytes_of(
            message->data + message->topic_size + message->properties_size, message->payload_size);
}

/* Its bytes, as limits and gauges count them: what every receiver's queue asks for each message, so
 * its author, whom few have, is left out. */
static inline size_t message_size(const struct message *message)
{
    return sizeof(*message) + message->topic_size + message->properties_size +
            message->payload_size;
}

static inline bool message_expired(const struct message *message, int64_t now_ms)
{
    return message->expires_ms <= now_ms;
}

#endif
