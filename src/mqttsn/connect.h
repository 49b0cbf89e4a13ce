/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNECT: who the client is and what it wants. (Source: MQTT-SN 1.2 §5.4.4)
 */
#ifndef MQTTSN_CONNECT_H
#define MQTTSN_CONNECT_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

enum {
    MQTTSN_PROTOCOL_ID = 0x01,
    MQTTSN_CLIENT_ID_CHARACTERS_MAX = 23, /* what the specification grants a client */
};

struct mqttsn_connect {
    bool clean_session;
    bool has_will; /* the gateway is to ask for topic and message */
    uint16_t keepalive_s;
    struct bytes client_id; /* UTF-8; may be empty with clean_session */
};

/**
 * Decodes the body of a CONNECT. A client id of any length passes: see mqttsn_client_id_short().
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_UNSUPPORTED_VERSION for another ProtocolId;
 * MQTT_CLIENT_ID_NOT_VALID for a client id that is not UTF-8, or is empty without clean_session;
 * MQTT_MALFORMED when a field is missing.
 *
 * The specification demands a client id. As MQTT 3.1.1 does, we let a client have none that leaves
 * nothing behind; real devices rely on it.
 * Source: [SN-5.3.1-1], [SN-5.3.3-1], [SN-5.3.4-1], [SN-5.3.8-1], [SN-5.4.4-1]
 */
enum mqtt_reason mqttsn_connect_decode(struct mqttsn_connect *out, struct bytes body);

/* Whether the client id, which is UTF-8, has no more characters than the specification grants. */
bool mqttsn_client_id_short(struct bytes client_id);

void mqttsn_connect_encode(struct writer *out, const struct mqttsn_connect *connect);

#endif
