/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reason codes of MQTT 5.0, which are also what our decoders return.
 */
#ifndef MQTT_REASON_H
#define MQTT_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "mqtt/packet.h"

/* Source: MQTT 5.0 §2.4 */
enum mqtt_reason {
    MQTT_SUCCESS = 0x00, /* in SUBACK: granted QoS 0; in DISCONNECT: normal disconnection */
    MQTT_GRANTED_QOS_1 = 0x01,
    MQTT_GRANTED_QOS_2 = 0x02,
    MQTT_DISCONNECT_WITH_WILL = 0x04,
    MQTT_NO_MATCHING_SUBSCRIBERS = 0x10,
    MQTT_NO_SUBSCRIPTION_EXISTED = 0x11,
    MQTT_CONTINUE_AUTHENTICATION = 0x18,
    MQTT_REAUTHENTICATE = 0x19,
    MQTT_UNSPECIFIED_ERROR = 0x80,
    MQTT_MALFORMED = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_IMPLEMENTATION_ERROR = 0x83,
    MQTT_UNSUPPORTED_VERSION = 0x84,
    MQTT_CLIENT_ID_NOT_VALID = 0x85,
    MQTT_BAD_USER_NAME_OR_PASSWORD = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_SERVER_UNAVAILABLE = 0x88,
    MQTT_SERVER_BUSY = 0x89,
    MQTT_BANNED = 0x8A,
    MQTT_SERVER_SHUTTING_DOWN = 0x8B,
    MQTT_BAD_AUTHENTICATION_METHOD = 0x8C,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8D,
    MQTT_SESSION_TAKEN_OVER = 0x8E,
    MQTT_TOPIC_FILTER_INVALID = 0x8F,
    MQTT_TOPIC_NAME_INVALID = 0x90,
    MQTT_PACKET_ID_IN_USE = 0x91,
    MQTT_PACKET_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    MQTT_TOPIC_ALIAS_INVALID = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_MESSAGE_RATE_TOO_HIGH = 0x96,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_ADMINISTRATIVE_ACTION = 0x98,
    MQTT_PAYLOAD_FORMAT_INVALID = 0x99,
    MQTT_RETAIN_NOT_SUPPORTED = 0x9A,
    MQTT_QOS_NOT_SUPPORTED = 0x9B,
    MQTT_USE_ANOTHER_SERVER = 0x9C,
    MQTT_SERVER_MOVED = 0x9D,
    MQTT_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E,
    MQTT_CONNECTION_RATE_EXCEEDED = 0x9F,
    MQTT_MAXIMUM_CONNECT_TIME = 0xA0,
    MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xA1,
    MQTT_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2,
};

/* "not_authorized", for logs and metrics; "unknown" for a value outside the enum. */
const char *mqtt_reason_name(enum mqtt_reason reason);

/* "Not authorized", for people; "Unknown" for a value outside the enum. */
const char *mqtt_reason_text(enum mqtt_reason reason);

/**
 * Whether MQTT 5.0 lets that side send that code in that packet; false for packets without codes.
 * 0x8C in DISCONNECT counts as forbidden, for only the general table of codes has it there.
 *
 * Source: MQTT 5.0 §2.4 and each packet's own table, [MQTT5-3.2.2-8], [MQTT5-3.4.2-1],
 * [MQTT5-3.5.2-1], [MQTT5-3.6.2-1], [MQTT5-3.7.2-1], [MQTT5-3.9.3-2], [MQTT5-3.11.3-2],
 * [MQTT5-3.14.2-1], [MQTT5-3.15.2-1]
 */
bool mqtt_reason_allowed(enum mqtt_reason reason, enum mqtt_type type, enum mqtt_sender sender);

/**
 * The CONNACK code of MQTT 3.1 and 3.1.1 that says the reason, 1 to 5; 0 where none fits and the
 * connection is closed without CONNACK (and for MQTT_SUCCESS, whose code 0 is).
 *
 * Source: MQTT 3.1.1 §3.2.2.3, [MQTT311-3.2.2-6], [U311-3.2.2-a], [V31-15]
 */
uint8_t mqtt_connack_code_v3(enum mqtt_reason reason);

#endif
