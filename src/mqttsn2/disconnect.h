/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DISCONNECT: the end of a virtual connection, or word that there is none.
 * (Source: MQTT-SN 2.0 §3.13)
 */
#ifndef MQTTSN2_DISCONNECT_H
#define MQTTSN2_DISCONNECT_H

#include "mqttsn2/reason.h"

struct mqttsn2_disconnect {
    bool has_packet_id;
    bool has_session_expiry;    /* a client's only */
    uint8_t code;               /* MQTT_SUCCESS: an ordinary end, without the Will */
    uint16_t packet_id;         /* of the packet that is the cause; given as it came, even 0 */
    uint32_t session_expiry_s;  /* in place of what CONNECT said */
    struct bytes reason_string; /* UTF-8, for people; may be empty */
};

/**
 * Decodes the body of a DISCONNECT from that side. Without a code it is MQTT_SUCCESS.
 *
 * Returns MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for a session expiry from the server; MQTT_MALFORMED
 * when a field is missing, a reserved bit is set, or the reason string is not UTF-8.
 * Source: [MQTTSN2-3.13.2-2], [MQTTSN2-3.13.2.1-1], [MQTTSN2-3.13.2.1-2], [MQTTSN2-3.13.2.2-1],
 * [MQTTSN2-3.13.2.2-2], [MQTTSN2-3.13.2.3-1], [MQTTSN2-3.13.2.3-2], [MQTTSN2-3.13.5-1]
 */
enum mqtt_reason mqttsn2_disconnect_decode(
        struct mqttsn2_disconnect *out, struct bytes body, enum mqtt_sender sender);

/* Writes the whole packet, without the code MQTT_SUCCESS. */
void mqttsn2_disconnect_encode(struct writer *out, const struct mqttsn2_disconnect *disconnect);

#endif
