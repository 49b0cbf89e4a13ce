/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNECT: who the client is and what it wants, its Will included. (Source: MQTT-SN 2.0 §3.1)
 */
#ifndef MQTTSN2_CONNECT_H
#define MQTTSN2_CONNECT_H

#include "mqttsn2/authentication.h"
#include "mqttsn2/packet.h"
#include "mqttsn2/topic.h"

enum {
    MQTTSN2_PROTOCOL_VERSION = 0x02,
    MQTTSN2_CONNECT_SIZE_MIN = 10, /* bytes of the whole packet; also the least packet_size_max */
};

#define MQTTSN2_SESSION_EXPIRY_NEVER UINT32_MAX

struct mqttsn2_will {
    struct mqttsn2_topic topic;
    struct bytes payload;
    uint8_t qos;
    bool retain;
};

struct mqttsn2_connect {
    bool clean_start;
    bool has_will;
    bool has_authentication;
    bool has_session_expiry;
    bool has_awake_messages;
    bool allows_address_change; /* the connection envelope may be used */
    bool allows_suggestions;    /* the server may say other times in CONNACK and SLEEPRESP */
    uint8_t awake_messages_max; /* that an awake client takes; 0: the server's choice */
    uint16_t packet_id;         /* never 0 */
    uint16_t keepalive_s;       /* never 0 */
    uint16_t packet_size_max;   /* bytes that the client takes; 0: no limit */
    uint32_t session_expiry_s;  /* 0: the session ends with the virtual connection */
    struct mqttsn2_will will;   /* has_will */
    struct mqttsn2_authentication authentication; /* has_authentication */
    struct bytes client_id;                       /* UTF-8; empty: the server is to assign one */
};

/**
 * Decodes the body of a CONNECT. A client id of any length passes. What is absent is 0 or empty.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_UNSUPPORTED_VERSION for another protocol version;
 * MQTT_TOPIC_NAME_INVALID for a Will topic that is an empty name or has wildcards;
 * MQTT_PROTOCOL_ERROR for a packet identifier or a keep alive of 0, and a maximum packet size below
 * MQTTSN2_CONNECT_SIZE_MIN;
 * MQTT_MALFORMED for all else: a field is missing or does not end, a reserved bit is set, the Will
 * has QoS 3 or the reserved topic type, or text is not UTF-8.
 * Source: [MQTTSN2-2.2-1], [MQTTSN2-3.1.2-2], [MQTTSN2-3.1.2.2-1], [MQTTSN2-3.1.2.3-1],
 * [MQTTSN2-3.1.2.4-1], [MQTTSN2-3.1.2.5-1], [MQTTSN2-3.1.3-3], [MQTTSN2-3.1.5-1],
 * [MQTTSN2-3.1.6-4], [MQTTSN2-3.1.7-1], [MQTTSN2-3.1.11-1], [MQTTSN2-3.1.18-1],
 * [MQTTSN2-3.1.19-1]
 */
enum mqtt_reason mqttsn2_connect_decode(struct mqttsn2_connect *out, struct bytes body);

/* Writes the whole packet. Optional fields go by their has_ fields. */
void mqttsn2_connect_encode(struct writer *out, const struct mqttsn2_connect *connect);

/**
 * Whether a datagram from an address that is not known yet is a CONNECT of 2.0, if it is anything,
 * rather than a message of 1.2: that has its SEARCHGW at the same type, which is shorter.
 */
bool mqttsn2_connect_likely(struct bytes datagram);

#endif
