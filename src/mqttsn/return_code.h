/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The return codes of MQTT-SN, and what becomes of the reasons of MQTT in them.
 */
#ifndef MQTTSN_RETURN_CODE_H
#define MQTTSN_RETURN_CODE_H

#include "mqtt/reason.h"

/**
 * The other values are reserved. Decoders give them as they came: such a code is a refusal too.
 * Source: MQTT-SN 1.2 §5.3.10, [SN-5.3.10-1]
 */
enum mqttsn_return_code {
    MQTTSN_ACCEPTED = 0,
    MQTTSN_CONGESTION = 1, /* the request may be repeated after T_WAIT */
    MQTTSN_INVALID_TOPIC_ID = 2,
    MQTTSN_NOT_SUPPORTED = 3,
};

/**
 * The code that says the reason: MQTTSN_CONGESTION where waiting may help, MQTTSN_INVALID_TOPIC_ID
 * for MQTT_TOPIC_ALIAS_INVALID, for decoders say so of a topic id; else MQTTSN_NOT_SUPPORTED.
 */
enum mqttsn_return_code mqttsn_return_code_of(enum mqtt_reason reason);

/* "invalid_topic_id", for logs; "reserved" for a value outside the enum. */
const char *mqttsn_return_code_name(enum mqttsn_return_code code);

#endif
