/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AUTH: one step of an authentication that takes several. (Source: MQTT-SN 2.0 §3.3)
 */
#ifndef MQTTSN2_AUTH_H
#define MQTTSN2_AUTH_H

#include "mqttsn2/authentication.h"
#include "mqttsn2/reason.h"

struct mqttsn2_auth {
    uint16_t packet_id; /* never 0; from the server that of the CONNECT or AUTH it answers */
    uint8_t code;
    struct mqttsn2_authentication authentication;
};

/**
 * Decodes the body of an AUTH.
 *
 * Returns MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for packet identifier 0; MQTT_MALFORMED for a field
 * that is missing or does not end, and for a method that is not UTF-8.
 * Source: [MQTTSN2-2.2-1], [MQTTSN2-3.3.2-1]
 */
enum mqtt_reason mqttsn2_auth_decode(struct mqttsn2_auth *out, struct bytes body);

void mqttsn2_auth_encode(struct writer *out, const struct mqttsn2_auth *auth);

#endif
