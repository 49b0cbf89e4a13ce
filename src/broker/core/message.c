/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/message.h"

#include "broker/core/author.h"

#include <assert.h>

/* Bytes of the received properties that are forwarded: all but the few that are for one hop. */
static size_t forwarded_size(const struct mqtt_properties *properties)
{
    static const struct {
        enum mqtt_property property;
        uint8_t size;
    } consumed[] = {
        { MQTT_MESSAGE_EXPIRY_INTERVAL, 5 },
        { MQTT_TOPIC_ALIAS, 3 },
        { MQTT_WILL_DELAY_INTERVAL, 5 },
    };
    size_t size = properties ? properties->encoded.size : 0;

    for (size_t i = 0; size > 0 && i < sizeof(consumed) / sizeof(consumed[0]); i++) {
        if (mqtt_properties_have(properties, consumed[i].property))
            size -= consumed[i].size;
    }
    return size;
}

struct message *message_new(const struct memory *memory, const struct message_parts *parts)
{
    size_t properties_size = parts->forwarded.size + forwarded_size(parts->properties);
    size_t size = parts->topic.size + properties_size + parts->payload.size;
    struct message *message = memory_take(
            memory, sizeof(*message) + size + (parts->author ? author_room(parts->author) : 0));
    struct writer out;

    assert(parts->topic.size <= UINT16_MAX);
    if (!message)
        return NULL;
    *message = (struct message){ .references = 1,
        .topic_size = (uint16_t)parts->topic.size,
        .properties_size = (uint32_t)properties_size,
        .payload_size = (uint32_t)parts->payload.size,
        .qos = parts->qos,
        .retain = parts->retain,
        .expiry_s = parts->expiry_s,
        .expires_ms = parts->expires_ms };
    out = (struct writer){ .data = message->data, .size = size };
    writer_bytes(&out, parts->topic);
    writer_bytes(&out, parts->forwarded);
    if (properties_size > parts->forwarded.size)
        mqtt_properties_forward(&out, parts->properties->encoded);
    writer_bytes(&out, parts->payload);
    assert(!out.failed);
    assert(out.used == size);
    if (parts->author)
        author_write(message, parts->author);
    return message;
}

size_t message_unref(const struct memory *memory, struct message *message)
{
    size_t size;

    /* Release: our reads of the block come before another shard frees it; acquire: theirs before
     * ours. Whose reference is the only one needs no exchange with others to let go of it. */
    if (atomic_load_explicit(&message->references, memory_order_acquire) > 1 &&
            atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) > 1)
        return 0;
    size = message_size(message);
    if (message->authored)
        author_give_message(memory, message);
    else
        memory_give(memory, message, size);
    return size;
}
