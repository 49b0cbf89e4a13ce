/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GWINFO: the answer to SEARCHGW. (Source: MQTT-SN 1.2 §5.4.3)
 */
#ifndef MQTTSN_GWINFO_H
#define MQTTSN_GWINFO_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_gwinfo {
    uint8_t gateway_id;
    struct bytes gateway_address; /* in the network's form; empty: the sender is the gateway */
};

/* MQTT_SUCCESS, or MQTT_MALFORMED for an empty body. Source: [SN-5.4.3-1] */
enum mqtt_reason mqttsn_gwinfo_decode(struct mqttsn_gwinfo *out, struct bytes body);

void mqttsn_gwinfo_encode(struct writer *out, const struct mqttsn_gwinfo *gwinfo);

#endif
