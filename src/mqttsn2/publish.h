/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUBLISH, and PUBWOS, which needs no session: a message on its way, in either direction.
 * (Source: MQTT-SN 2.0 §3.6.1, §3.6.2)
 */
#ifndef MQTTSN2_PUBLISH_H
#define MQTTSN2_PUBLISH_H

#include "mqttsn2/packet.h"
#include "mqttsn2/topic.h"

struct mqttsn2_publish {
    struct mqttsn2_topic topic; /* of PUBWOS never an alias of the session */
    struct bytes payload;
    uint16_t packet_id; /* never 0 at QoS 1 and 2; else absent and 0 */
    uint8_t qos;        /* of PUBWOS 0 */
    bool dup;           /* only at QoS 2 */
    bool retain;
};

/**
 * Decodes the body of either, which `type` names. Whether an alias is known, the caller knows.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_TOPIC_NAME_INVALID for a name that is empty or has wildcards;
 * MQTT_PROTOCOL_ERROR for packet identifier 0, and a PUBWOS with an alias of the session;
 * MQTT_MALFORMED for all else: a field is missing, a reserved bit is set, QoS 3, DUP at QoS 0 and
 * 1, the reserved topic type, or a name that is not UTF-8.
 * Source: [MQTTSN2-2.2-2], [MQTTSN2-2.2-3], [MQTTSN2-3.6.1.2-2], [MQTTSN2-3.6.1.2.1-1],
 * [MQTTSN2-3.6.2.2-2], [MQTTSN2-3.6.2.2.1-1], [MQTTSN2-3.6.2.2.3-1], [MQTTSN2-3.6.2.3-1],
 * [MQTTSN2-3.6.2.3-2], and those of mqttsn2_topic_read()
 */
enum mqtt_reason mqttsn2_publish_decode(
        struct mqttsn2_publish *out, struct bytes body, enum mqttsn2_type type);

/* Bytes of the whole packet. A PUBWOS has the size of a PUBLISH of QoS 0. */
size_t mqttsn2_publish_size(const struct mqttsn2_publish *publish);

/**
 * Writes everything before the payload, which the caller sends behind it; the length counts the
 * payload's size. `type` is MQTTSN2_PUBLISH or MQTTSN2_PUBWOS, which has QoS 0.
 */
void mqttsn2_publish_head_encode(
        struct writer *out, const struct mqttsn2_publish *publish, enum mqttsn2_type type);

/* Writes the whole packet. */
void mqttsn2_publish_encode(
        struct writer *out, const struct mqttsn2_publish *publish, enum mqttsn2_type type);

#endif
