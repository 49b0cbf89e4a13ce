/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ADVERTISE, SEARCHGW and GWINFO: how clients find gateways, by broadcast. Their types are new;
 * what the first and the last have to say is that of 1.2, and so are their structs.
 * (Source: MQTT-SN 2.0 §3.20)
 */
#ifndef MQTTSN2_DISCOVERY_H
#define MQTTSN2_DISCOVERY_H

#include "mqttsn/advertise.h"
#include "mqttsn/gwinfo.h"
#include "mqttsn2/packet.h"

struct mqttsn2_searchgw {
    struct bytes network_info; /* in the network's form; may be empty */
};

/* MQTT_SUCCESS, or MQTT_MALFORMED when the size is wrong. */
static inline enum mqtt_reason mqttsn2_advertise_decode(
        struct mqttsn_advertise *out, struct bytes body)
{
    return mqttsn_advertise_decode(out, body);
}

/* MQTT_SUCCESS: any body will do. */
static inline enum mqtt_reason mqttsn2_searchgw_decode(
        struct mqttsn2_searchgw *out, struct bytes body)
{
    *out = (struct mqttsn2_searchgw){ .network_info = body };
    return MQTT_SUCCESS;
}

/* MQTT_SUCCESS, or MQTT_MALFORMED for an empty body. */
static inline enum mqtt_reason mqttsn2_gwinfo_decode(struct mqttsn_gwinfo *out, struct bytes body)
{
    return mqttsn_gwinfo_decode(out, body);
}

void mqttsn2_advertise_encode(struct writer *out, const struct mqttsn_advertise *advertise);
void mqttsn2_searchgw_encode(struct writer *out, const struct mqttsn2_searchgw *searchgw);
void mqttsn2_gwinfo_encode(struct writer *out, const struct mqttsn_gwinfo *gwinfo);

#endif
