/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WILLMSG and WILLMSGUPD: what a client's Will says. (Source: MQTT-SN 1.2 §5.4.9, §5.4.23)
 */
#ifndef MQTTSN_WILLMSG_H
#define MQTTSN_WILLMSG_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_willmsg {
    struct bytes message; /* may be empty */
};

/* MQTT_SUCCESS, for any body is a message. Source: [SN-5.4.9-1], [SN-5.4.23-1] */
static inline enum mqtt_reason mqttsn_willmsg_decode(struct mqttsn_willmsg *out, struct bytes body)
{
    out->message = body;
    return MQTT_SUCCESS;
}

/* Writes the one of the two that `type` names. */
static inline void mqttsn_willmsg_encode(
        struct writer *out, const struct mqttsn_willmsg *willmsg, enum mqttsn_type type)
{
    mqttsn_header_encode(out, type, willmsg->message.size);
    writer_bytes(out, willmsg->message);
}

#endif
