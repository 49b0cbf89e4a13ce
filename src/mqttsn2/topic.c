/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/topic.h"

#include "mqtt/field.h"
#include "mqtt/topic.h"

static enum mqtt_reason name_read(struct mqttsn2_topic *out, struct reader *in)
{
    struct bytes name = mqtt_text_read(in);

    if (in->failed)
        return MQTT_MALFORMED;
    if (!mqtt_topic_name_valid(name))
        return MQTT_TOPIC_NAME_INVALID;
    *out = (struct mqttsn2_topic){ .type = MQTTSN2_TOPIC_NAME, .name = name };
    return MQTT_SUCCESS;
}

enum mqtt_reason mqttsn2_topic_read(struct mqttsn2_topic *out, uint8_t flags, struct reader *in)
{
    struct mqttsn2_topic topic = {
        .type = (enum mqttsn2_topic_type)(flags & MQTTSN2_FLAG_TOPIC_TYPE),
    };

    switch (topic.type) {
    case MQTTSN2_TOPIC_NAME:
        return name_read(out, in);
    case MQTTSN2_TOPIC_SESSION:
    case MQTTSN2_TOPIC_PREDEFINED:
        topic.alias = reader_u16(in);
        if (in->failed)
            return MQTT_MALFORMED;
        *out = topic;
        return MQTT_SUCCESS;
    }
    return MQTT_MALFORMED;
}

void mqttsn2_topic_write(struct writer *out, const struct mqttsn2_topic *topic)
{
    if (topic->type == MQTTSN2_TOPIC_NAME)
        mqtt_binary_write(out, topic->name);
    else
        writer_u16(out, topic->alias);
}

size_t mqttsn2_topic_size(const struct mqttsn2_topic *topic)
{
    return 2 + (topic->type == MQTTSN2_TOPIC_NAME ? topic->name.size : 0);
}
