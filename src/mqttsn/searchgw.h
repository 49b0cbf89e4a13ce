/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEARCHGW: a client looks for gateways, by broadcast. (Source: MQTT-SN 1.2 §5.4.2)
 */
#ifndef MQTTSN_SEARCHGW_H
#define MQTTSN_SEARCHGW_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_searchgw {
    uint8_t radius; /* hops of the broadcast; 0: the whole network. [SN-5.3.9-1] */
};

/* MQTT_SUCCESS, or MQTT_MALFORMED when the size is wrong. Source: [SN-5.4.2-1] */
enum mqtt_reason mqttsn_searchgw_decode(struct mqttsn_searchgw *out, struct bytes body);

void mqttsn_searchgw_encode(struct writer *out, const struct mqttsn_searchgw *searchgw);

#endif
