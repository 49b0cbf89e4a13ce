/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINGREQ: a sign of life, or a sleeping client's call for its messages.
 * (Source: MQTT-SN 1.2 §5.4.19)
 */
#ifndef MQTTSN_PINGREQ_H
#define MQTTSN_PINGREQ_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_pingreq {
    struct bytes client_id; /* of a sleeping client that calls for its messages; else empty */
};

/**
 * Decodes the body of a PINGREQ from that side.
 *
 * Returns MQTT_SUCCESS, or MQTT_MALFORMED for a client id from the gateway, or one that is not
 * UTF-8, which no client can have.
 * Source: [SN-5.4.19-1]
 */
enum mqtt_reason mqttsn_pingreq_decode(
        struct mqttsn_pingreq *out, struct bytes body, enum mqtt_sender sender);

void mqttsn_pingreq_encode(struct writer *out, const struct mqttsn_pingreq *pingreq);

#endif
