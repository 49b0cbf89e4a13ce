/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reason codes: those of MQTT 5.0, and some that MQTT-SN 2.0 adds. In packets they are bytes, which
 * are values of either enum; from MQTT_UNSPECIFIED_ERROR on they are failures. Decoders give them
 * as they came, known or not. (Source: MQTT-SN 2.0 §2.3)
 */
#ifndef MQTTSN2_REASON_H
#define MQTTSN2_REASON_H

#include "mqttsn2/packet.h"

/* The values that MQTT 5.0 does not have. */
enum mqttsn2_reason {
    MQTTSN2_TOPIC_ALIAS_EXISTS = 0x1A,
    MQTTSN2_ONLY_PROTECTION_SUPPORTED = 0xE6,
    MQTTSN2_PROTECTION_SCHEME_INVALID = 0xE7,
    MQTTSN2_UNKNOWN_SENDER_ID = 0xE8,
    MQTTSN2_UNKNOWN_TOPIC_ALIAS = 0xF0,
    MQTTSN2_CONGESTION = 0xF1, /* the request may be repeated later */
    MQTTSN2_PROTECTION_NOT_SUPPORTED = 0xF2,
    MQTTSN2_FORWARDER_NOT_SUPPORTED = 0xF3,
    MQTTSN2_NO_VIRTUAL_CONNECTION = 0xF4,
};

/**
 * Whether the draft lets that side say that code in that packet; false for packets without codes.
 * Source: MQTT-SN 2.0 §2.3, [MQTTSN2-3.2.4-1], [MQTTSN2-3.3.3-1], [MQTTSN2-3.5.5-1],
 * [MQTTSN2-3.6.3.3-1], [MQTTSN2-3.6.4.3-1], [MQTTSN2-3.6.5.3-1], [MQTTSN2-3.6.6.3-1],
 * [MQTTSN2-3.8.5-1], [MQTTSN2-3.10.3-1], [MQTTSN2-3.13.4-1], [MQTTSN2-3.16.4-1]
 */
bool mqttsn2_reason_allowed(uint8_t code, enum mqttsn2_type type, enum mqtt_sender sender);

/**
 * The code to say in that packet for one that MQTT would say: the code itself where it is allowed;
 * of a success MQTT_SUCCESS; of a failure MQTTSN2_CONGESTION where waiting may help, else
 * MQTT_UNSPECIFIED_ERROR or MQTT_IMPLEMENTATION_ERROR, the first of them that is allowed. Where the
 * packet can say none of these, the code itself.
 */
uint8_t mqttsn2_reason_fit(uint8_t code, enum mqttsn2_type type, enum mqtt_sender sender);

/* "not_authorized", for logs; "unknown" for a value outside both enums. */
const char *mqttsn2_reason_name(uint8_t code);

#endif
