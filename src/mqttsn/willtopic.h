/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WILLTOPIC and WILLTOPICUPD: where a client's Will is to be published.
 * (Source: MQTT-SN 1.2 §5.4.7, §5.4.22)
 */
#ifndef MQTTSN_WILLTOPIC_H
#define MQTTSN_WILLTOPIC_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_willtopic {
    struct bytes topic; /* empty: the stored Will, topic and message, is to be deleted */
    int8_t qos;         /* 0, 1 or 2; 0 without a topic */
    bool retain;        /* false without a topic */
};

/**
 * Decodes the body of either.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_QOS_NOT_SUPPORTED for QoS -1;
 * MQTT_TOPIC_NAME_INVALID for a topic that is not UTF-8 or has wildcards;
 * MQTT_MALFORMED for flags without a topic.
 * Source: [SN-5.3.4-1], [SN-5.3.4-2], [SN-5.3.12-1], [SN-5.4.7-1], [SN-5.4.22-1], [SN-6.4-2]
 */
enum mqtt_reason mqttsn_willtopic_decode(struct mqttsn_willtopic *out, struct bytes body);

/* Writes the one of the two that `type` names; without a topic, in the form that deletes. */
void mqttsn_willtopic_encode(
        struct writer *out, const struct mqttsn_willtopic *willtopic, enum mqttsn_type type);

#endif
