/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINGREQ and PINGRESP: a sign of life, and the beginning and the end of a sleeping client's time
 * awake. (Source: MQTT-SN 2.0 §3.11, §3.12)
 */
#ifndef MQTTSN2_PING_H
#define MQTTSN2_PING_H

#include "mqttsn2/packet.h"

/* Messages that wait, when their number is not told. */
enum { MQTTSN2_REMAINING_SOME = 0xFF };

struct mqttsn2_ping {
    uint16_t packet_id; /* in PINGREQ never 0 */
    bool has_remaining; /* in PINGRESP only */
    uint8_t remaining;  /* messages that still wait for the client, or MQTTSN2_REMAINING_SOME */
};

/**
 * Decodes the body of either, which `type` names.
 *
 * Returns MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for a PINGREQ with packet identifier 0; MQTT_MALFORMED
 * when the size is wrong. Source: [MQTTSN2-2.2-1]
 */
enum mqtt_reason mqttsn2_ping_decode(
        struct mqttsn2_ping *out, struct bytes body, enum mqttsn2_type type);

/* Writes the one of the two that `type` names; a PINGREQ has no remaining messages. */
void mqttsn2_ping_encode(
        struct writer *out, const struct mqttsn2_ping *ping, enum mqttsn2_type type);

#endif
