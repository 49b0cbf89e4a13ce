/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNACK: the server's answer to CONNECT, or to the last AUTH. (Source: MQTT-SN 2.0 §3.2)
 */
#ifndef MQTTSN2_CONNACK_H
#define MQTTSN2_CONNACK_H

#include "mqttsn2/authentication.h"
#include "mqttsn2/reason.h"

struct mqttsn2_connack {
    bool session_present; /* never with another code than MQTT_SUCCESS */
    bool has_session_expiry;
    bool has_keepalive;
    bool has_authentication;
    uint8_t code;
    uint16_t packet_id;                           /* of what is answered */
    uint16_t keepalive_s;                         /* the server's, in place of the client's */
    uint32_t session_expiry_s;                    /* likewise */
    struct mqttsn2_authentication authentication; /* has_authentication */
    struct bytes client_id; /* UTF-8; assigned by the server; empty: the client has one */
};

/**
 * Decodes the body of a CONNACK.
 *
 * Returns MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for a session that is present with another code than
 * MQTT_SUCCESS, and a keep alive of 0; MQTT_MALFORMED for a field that is missing or does not end,
 * a reserved bit, and text that is not UTF-8.
 * Source: [MQTTSN2-3.2.2-2], [MQTTSN2-3.2.2.1-5], [MQTTSN2-3.2.2.2-1], [MQTTSN2-3.2.2.2-2],
 * [MQTTSN2-3.2.2.3-1], [MQTTSN2-3.2.2.3-2], [MQTTSN2-3.2.2.4-1], [MQTTSN2-3.2.2.4-2],
 * [MQTTSN2-3.2.11-1]
 */
enum mqtt_reason mqttsn2_connack_decode(struct mqttsn2_connack *out, struct bytes body);

/* Writes the whole packet. Optional fields go by their has_ fields. */
void mqttsn2_connack_encode(struct writer *out, const struct mqttsn2_connack *connack);

#endif
