/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/message.h"

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
    size_t properties_size = forwarded_size(parts->properties);
    size_t size = parts->topic.size + properties_size + parts->payload.size;
    struct message *message = memory_take(memory, sizeof(*message) + size);
    struct writer out;

    assert(parts->topic.size <= UINT16_MAX);
    if (!message)
        return NULL;
    atomic_init(&message->references, 1);
    message->topic_size = (uint16_t)parts->topic.size;
    message->properties_size = (uint32_t)properties_size;
    message->payload_size = (uint32_t)parts->payload.size;
    message->qos = parts->qos;
    message->retain = parts->retain;
    message->expires_ms = parts->expires_ms;
    message->revision = 0;
    out = (struct writer){ .data = message->data, .size = size };
    writer_bytes(&out, parts->topic);
    if (properties_size > 0)
        mqtt_properties_forward(&out, parts->properties->encoded);
    writer_bytes(&out, parts->payload);
    assert(!out.failed);
    assert(out.used == size);
    return message;
}

bool message_unref(const struct memory *memory, struct message *message)
{
    /* Release: our reads of the block come before another shard frees it; acquire: theirs before
     * ours. */
    if (atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) > 1)
        return false;
    memory_give(memory, message, message_size(message));
    return true;
}
