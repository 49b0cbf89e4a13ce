/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/return_code.h"

#include <stddef.h>

enum mqttsn_return_code mqttsn_return_code_of(enum mqtt_reason reason)
{
    static const uint8_t passing[] = {
        MQTT_SERVER_UNAVAILABLE,
        MQTT_SERVER_BUSY,
        MQTT_SERVER_SHUTTING_DOWN,
        MQTT_RECEIVE_MAXIMUM_EXCEEDED,
        MQTT_MESSAGE_RATE_TOO_HIGH,
        MQTT_QUOTA_EXCEEDED,
        MQTT_CONNECTION_RATE_EXCEEDED,
    };

    if (reason < MQTT_UNSPECIFIED_ERROR) /* the lowest that is a failure */
        return MQTTSN_ACCEPTED;
    if (reason == MQTT_TOPIC_ALIAS_INVALID)
        return MQTTSN_INVALID_TOPIC_ID;
    for (size_t i = 0; i < sizeof(passing); i++)
        if (reason == passing[i])
            return MQTTSN_CONGESTION;
    return MQTTSN_NOT_SUPPORTED;
}

const char *mqttsn_return_code_name(enum mqttsn_return_code code)
{
    static const char *const names[] = {
        [MQTTSN_ACCEPTED] = "accepted",
        [MQTTSN_CONGESTION] = "congestion",
        [MQTTSN_INVALID_TOPIC_ID] = "invalid_topic_id",
        [MQTTSN_NOT_SUPPORTED] = "not_supported",
    };

    return code < sizeof(names) / sizeof(names[0]) ? names[code] : "reserved";
}
