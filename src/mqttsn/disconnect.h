/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DISCONNECT: the end of a connection, or the beginning of a client's sleep.
 * (Source: MQTT-SN 1.2 §5.4.21)
 */
#ifndef MQTTSN_DISCONNECT_H
#define MQTTSN_DISCONNECT_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_disconnect {
    bool has_duration; /* a client's that goes to sleep */
    uint16_t duration_s;
};

/**
 * Decodes the body of a DISCONNECT from that side.
 *
 * Returns MQTT_SUCCESS, or MQTT_MALFORMED when the size is wrong, or the gateway gives a duration.
 * Source: [SN-5.3.3-1], [SN-5.4.21-1]
 */
enum mqtt_reason mqttsn_disconnect_decode(
        struct mqttsn_disconnect *out, struct bytes body, enum mqtt_sender sender);

void mqttsn_disconnect_encode(struct writer *out, const struct mqttsn_disconnect *disconnect);

#endif
