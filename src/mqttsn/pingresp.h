/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINGRESP, WILLTOPICREQ and WILLMSGREQ, which have no body.
 * (Source: MQTT-SN 1.2 §5.4.6, §5.4.8, §5.4.20)
 */
#ifndef MQTTSN_PINGRESP_H
#define MQTTSN_PINGRESP_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

/**
 * MQTT_SUCCESS, or MQTT_MALFORMED when there is a body.
 * Source: [SN-5.4.6-1], [SN-5.4.8-1], [SN-5.4.20-1]
 */
static inline enum mqtt_reason mqttsn_pingresp_decode(struct bytes body)
{
    return body.size == 0 ? MQTT_SUCCESS : MQTT_MALFORMED;
}

/* Writes the one of the three that `type` names. */
static inline void mqttsn_pingresp_encode(struct writer *out, enum mqttsn_type type)
{
    mqttsn_header_encode(out, type, 0);
}

#endif
