/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUBLISH: a message on its way, in either direction. (Source: MQTT-SN 1.2 §5.4.12)
 */
#ifndef MQTTSN_PUBLISH_H
#define MQTTSN_PUBLISH_H

#include "mqttsn/message.h"
#include "mqttsn/topic.h"

struct mqttsn_publish {
    struct mqttsn_topic topic; /* its name is that of a short one; else empty */
    struct bytes data;
    uint16_t msg_id; /* at QoS 0 and -1 encoded as 0, decoded as it came, for a PUBACK repeats it */
    int8_t qos;      /* -1 (a client's, who needs no connection), 0, 1 or 2 */
    bool dup;
    bool retain;
};

/**
 * Decodes the body of a PUBLISH from that side. Whether a topic id is known, the caller knows.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_TOPIC_ALIAS_INVALID for a topic id that is never assigned;
 * MQTT_TOPIC_NAME_INVALID for a short name that no topic can have;
 * MQTT_PROTOCOL_ERROR for the reserved type of topic ids, MsgId 0 at QoS 1 and 2, and QoS -1 from
 * the gateway or with a normal topic id, which only a connection gives a meaning;
 * MQTT_MALFORMED when a field is missing.
 * Source: [SN-5.3.4-1] to [SN-5.3.4-4], [SN-5.3.11-1], [SN-5.4.12-1], [SN-6.7-4], [SN-6.8-2]
 */
enum mqtt_reason mqttsn_publish_decode(
        struct mqttsn_publish *out, struct bytes body, enum mqtt_sender sender);

/* Bytes of the whole message. */
size_t mqttsn_publish_size(const struct mqttsn_publish *publish);

/**
 * Writes everything before the data, which the caller sends behind it; the length counts the
 * data's size.
 */
void mqttsn_publish_head_encode(struct writer *out, const struct mqttsn_publish *publish);

/* Writes the whole message. */
void mqttsn_publish_encode(struct writer *out, const struct mqttsn_publish *publish);

#endif
