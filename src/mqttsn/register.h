/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REGISTER: a client asks for a topic's id, or the gateway tells it. (Source: MQTT-SN 1.2 §5.4.10)
 */
#ifndef MQTTSN_REGISTER_H
#define MQTTSN_REGISTER_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_register {
    uint16_t topic_id; /* from a client 0, and of no meaning */
    uint16_t msg_id;
    struct bytes topic_name;
};

/**
 * Decodes the body of a REGISTER from that side.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_TOPIC_ALIAS_INVALID for an id from the gateway that is never assigned;
 * MQTT_TOPIC_NAME_INVALID for a name that is empty, not UTF-8, or has wildcards;
 * MQTT_MALFORMED when a field is missing.
 * Source: [SN-5.3.11-1], [SN-5.3.12-1], [SN-5.4.10-1], [SN-X-3]
 */
enum mqtt_reason mqttsn_register_decode(
        struct mqttsn_register *out, struct bytes body, enum mqtt_sender sender);

void mqttsn_register_encode(struct writer *out, const struct mqttsn_register *message);

#endif
