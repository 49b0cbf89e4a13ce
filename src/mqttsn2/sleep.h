/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SLEEPREQ, SLEEPRESP and WAKEUP: a client goes to sleep, and is asked to wake up.
 * (Source: MQTT-SN 2.0 §3.14 to §3.16)
 */
#ifndef MQTTSN2_SLEEP_H
#define MQTTSN2_SLEEP_H

#include "mqttsn2/reason.h"

struct mqttsn2_sleepreq {
    bool retain_aliases; /* those of the session outlive the sleep */
    uint16_t packet_id;  /* never 0 */
    uint32_t duration_s; /* never 0 */
};

struct mqttsn2_sleepresp {
    bool has_duration;
    uint8_t code;
    uint16_t packet_id;  /* of the SLEEPREQ */
    uint32_t duration_s; /* the server's, in place of the client's */
};

/**
 * MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for a packet identifier or a duration of 0; MQTT_MALFORMED when
 * the size is wrong or a reserved bit is set.
 * Source: [MQTTSN2-2.2-1], [MQTTSN2-3.15.2-2], [MQTTSN2-3.15.4-1]
 */
enum mqtt_reason mqttsn2_sleepreq_decode(struct mqttsn2_sleepreq *out, struct bytes body);

void mqttsn2_sleepreq_encode(struct writer *out, const struct mqttsn2_sleepreq *sleepreq);

/**
 * MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for a duration of 0; MQTT_MALFORMED when the size is wrong or a
 * reserved bit is set. Without a code it is MQTT_SUCCESS.
 * Source: [MQTTSN2-3.16.2-2], [MQTTSN2-3.16.2.1-1], [MQTTSN2-3.16.2.1-2]
 */
enum mqtt_reason mqttsn2_sleepresp_decode(struct mqttsn2_sleepresp *out, struct bytes body);

/* Without the code MQTT_SUCCESS. */
void mqttsn2_sleepresp_encode(struct writer *out, const struct mqttsn2_sleepresp *sleepresp);

/* MQTT_SUCCESS, or MQTT_MALFORMED when there is a body. */
static inline enum mqtt_reason mqttsn2_wakeup_decode(struct bytes body)
{
    return body.size == 0 ? MQTT_SUCCESS : MQTT_MALFORMED;
}

static inline void mqttsn2_wakeup_encode(struct writer *out)
{
    mqttsn2_header_encode(out, MQTTSN2_WAKEUP, 0);
}

#endif
