/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/topic.h"

#include <assert.h>

#include "mqtt/topic.h"
#include "mqtt/utf8.h"
#include "mqttsn/flags.h"

enum mqtt_reason mqttsn_topic_read(struct mqttsn_topic *out, uint8_t flags, struct bytes field)
{
    struct mqttsn_topic topic = {
        .type = (enum mqttsn_topic_type)(flags & MQTTSN_FLAG_TOPIC_ID_TYPE),
    };

    assert(field.size == MQTTSN_TOPIC_SHORT_SIZE);
    topic.id = mqttsn_topic_short_id(field);
    switch (topic.type) {
    case MQTTSN_TOPIC_NORMAL:
    case MQTTSN_TOPIC_PREDEFINED:
        if (!mqttsn_topic_id_valid(topic.id))
            return MQTT_TOPIC_ALIAS_INVALID;
        *out = topic;
        return MQTT_SUCCESS;
    case MQTTSN_TOPIC_SHORT:
        if (!mqttsn_topic_name_valid(field))
            return MQTT_TOPIC_NAME_INVALID;
        topic.name = field;
        *out = topic;
        return MQTT_SUCCESS;
    }
    return MQTT_PROTOCOL_ERROR;
}

bool mqttsn_topic_name_valid(struct bytes name)
{
    return mqtt_utf8_valid(name) && mqtt_topic_name_valid(name);
}

bool mqttsn_topic_filter_valid(struct bytes filter)
{
    return mqtt_utf8_valid(filter) && mqtt_topic_filter_check(filter, MQTT_5_0) == MQTT_SUCCESS;
}
