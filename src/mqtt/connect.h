/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNECT: who the client is and what it wants. (Source: MQTT 3.1.1 §3.1, MQTT 5.0 §3.1)
 */
#ifndef MQTT_CONNECT_H
#define MQTT_CONNECT_H

#include "mqtt/properties.h"

/* The byte of flags before Keep Alive. Source: MQTT 5.0 §3.1.2.3 */
enum mqtt_connect_flags {
    MQTT_CONNECT_RESERVED = 0x01,
    MQTT_CONNECT_CLEAN_START = 0x02,
    MQTT_CONNECT_WILL = 0x04,
    MQTT_CONNECT_WILL_QOS = 0x18,
    MQTT_CONNECT_WILL_RETAIN = 0x20,
    MQTT_CONNECT_PASSWORD = 0x40,
    MQTT_CONNECT_USER_NAME = 0x80,
};

enum { MQTT_WILL_QOS_SHIFT = 3 };

struct mqtt_will {
    struct bytes topic;
    struct bytes payload;
    uint8_t qos;
    bool retain;
    struct mqtt_properties properties; /* 5.0 */
};

struct mqtt_connect {
    enum mqtt_version version;
    bool clean_start; /* called Clean Session before 5.0 */
    bool has_will;
    bool has_user_name;
    bool has_password;
    uint16_t keepalive_s; /* 0: off */
    struct bytes client_id;
    struct bytes user_name;
    struct bytes password;
    struct mqtt_will will;             /* has_will */
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of a CONNECT of any version; `flags` are the fixed header's.
 * On failure *out keeps its old value, and mqtt_connect_refuse() writes the answer, if any is due.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_UNSUPPORTED_VERSION for a protocol name or level that we do not serve;
 * MQTT_CLIENT_ID_NOT_VALID for an empty client id in 3.1, or in 3.1.1 without Clean Session;
 * MQTT_TOPIC_NAME_INVALID for a Will topic that is empty or has wildcards;
 * MQTT_PROTOCOL_ERROR for properties that contradict the standard, such as Authentication Data
 * without a method, or as mqtt_properties_read() says;
 * MQTT_MALFORMED for all else.
 * MQTT 3.1 gets its leniencies: free flag bits, and credentials that are announced but absent.
 *
 * Source: MQTT 3.1.1 §3.1, MQTT 5.0 §3.1, [MQTT5-3.1.2-1], [MQTT5-3.1.2-2], [MQTT5-3.1.2-3],
 * [MQTT5-3.1.2-9], [MQTT5-3.1.2-11], [MQTT5-3.1.2-12], [MQTT5-3.1.2-13], [MQTT5-3.1.2-16],
 * [MQTT5-3.1.2-17], [MQTT5-3.1.2-18], [MQTT5-3.1.2-19], [MQTT5-3.1.3-1], [MQTT311-3.1.2-22],
 * [MQTT311-3.1.3-8], [U5-3.1.2.11.10-1], [V31-1], [V31-4], [V31-6], [V31-7], [V31-8], [V31-9]
 */
enum mqtt_reason mqtt_connect_decode(struct mqtt_connect *out, uint8_t flags, struct bytes body);

/**
 * Writes the CONNACK that answers a CONNECT which is refused for `reason`, in the manner of the
 * version that its body speaks or comes nearest to. Writes nothing where the connection is to be
 * closed silently: the protocol name is not ours, or no code of 3.1 and 3.1.1 says the reason.
 *
 * Returns whether there is an answer to send.
 * Source: [MQTT311-3.1.2-2], [MQTT311-3.1.4-1], [MQTT5-3.1.2-2], [V31-2], wire format of both
 */
bool mqtt_connect_refuse(struct writer *out, struct bytes body, enum mqtt_reason reason);

/* Writes the whole packet. The Will and the credentials go by their has_ fields. */
void mqtt_connect_encode(struct writer *out, const struct mqtt_connect *connect);

#endif
