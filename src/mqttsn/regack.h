/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REGACK and PUBACK: a return code for a topic id. (Source: MQTT-SN 1.2 §5.4.11, §5.4.13)
 */
#ifndef MQTTSN_REGACK_H
#define MQTTSN_REGACK_H

#include "mqttsn/message.h"
#include "mqttsn/return_code.h"

struct mqttsn_regack {
    uint16_t topic_id; /* the one assigned; in PUBACK the TopicId field of the PUBLISH */
    uint16_t msg_id;   /* of what is answered */
    enum mqttsn_return_code code;
};

/**
 * Decodes the body of either. Whether an assigned id can be one, the caller asks by
 * mqttsn_topic_id_valid(): a PUBACK repeats what it answers, and a client may do so in its REGACK.
 *
 * Returns MQTT_SUCCESS, or MQTT_MALFORMED when the size is wrong.
 * Source: [SN-5.3.7-1], [SN-5.4.11-1], [SN-5.4.13-1]
 */
enum mqtt_reason mqttsn_regack_decode(struct mqttsn_regack *out, struct bytes body);

/* Writes the one of the two that `type` names. */
void mqttsn_regack_encode(
        struct writer *out, const struct mqttsn_regack *regack, enum mqttsn_type type);

#endif
