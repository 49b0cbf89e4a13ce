/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/said.h"

#include <assert.h>
#include <stdint.h>

struct gateway_said {
    uint16_t id_size;
    uint16_t topic_size;
    uint16_t message_size;
    uint8_t data[]; /* the three, in this order */
};

static size_t said_size(const struct gateway_said *said)
{
    return sizeof(*said) + said->id_size + said->topic_size + said->message_size;
}

static uint8_t *put(uint8_t *to, struct bytes from)
{
    if (from.size > 0)
        memcpy(to, from.data, from.size);
    return to + from.size;
}

struct gateway_said *gateway_said_new(const struct memory *memory, struct bytes id,
        struct bytes will_topic, struct bytes will_message)
{
    const struct gateway_said sizes = { (uint16_t)id.size, (uint16_t)will_topic.size,
        (uint16_t)will_message.size };
    struct gateway_said *said;

    assert(id.size <= UINT16_MAX && will_topic.size <= UINT16_MAX);
    assert(will_message.size <= UINT16_MAX);
    said = memory_take(memory, said_size(&sizes));
    if (!said)
        return NULL;
    said->id_size = sizes.id_size;
    said->topic_size = sizes.topic_size;
    said->message_size = sizes.message_size;
    put(put(put(said->data, id), will_topic), will_message);
    return said;
}

void gateway_said_free(struct gateway_said *said, const struct memory *memory)
{
    if (said)
        memory_give(memory, said, said_size(said));
}

struct bytes gateway_said_id(const struct gateway_said *said)
{
    return said ? bytes_of(said->data, said->id_size) : (struct bytes){ 0 };
}

struct bytes gateway_said_will_topic(const struct gateway_said *said)
{
    return said ? bytes_of(said->data + said->id_size, said->topic_size) : (struct bytes){ 0 };
}

struct bytes gateway_said_will_message(const struct gateway_said *said)
{
    return said ? bytes_of(said->data + said->id_size + said->topic_size, said->message_size)
                : (struct bytes){ 0 };
}
