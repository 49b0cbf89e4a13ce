/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REGISTER: a client asks for a topic's alias, or the server tells it. (Source: MQTT-SN 2.0 §3.4)
 */
#ifndef MQTTSN2_REGISTER_H
#define MQTTSN2_REGISTER_H

#include "mqttsn2/packet.h"

struct mqttsn2_register {
    bool has_alias;     /* the server's has one, a client's none */
    uint16_t alias;     /* of the session */
    uint16_t packet_id; /* never 0 */
    struct bytes topic_name;
};

/**
 * Decodes the body of a REGISTER from that side.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_TOPIC_NAME_INVALID for a name that is empty or has wildcards;
 * MQTT_PROTOCOL_ERROR for packet identifier 0, an alias from a client, and none from the server;
 * MQTT_MALFORMED when a field is missing, a reserved bit is set, or the name is not UTF-8.
 * Source: [MQTTSN2-2.2-1], [MQTTSN2-3.4-1], [MQTTSN2-3.4-2], [MQTTSN2-3.4.2-2],
 * [MQTTSN2-3.4.2.1-1], [MQTTSN2-3.4.2.1-2]
 */
enum mqtt_reason mqttsn2_register_decode(
        struct mqttsn2_register *out, struct bytes body, enum mqtt_sender sender);

void mqttsn2_register_encode(struct writer *out, const struct mqttsn2_register *packet);

#endif
