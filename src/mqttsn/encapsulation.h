/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forwarder's frame around a message: which of the nodes behind it the message is from or for.
 * (Source: MQTT-SN 1.2 §5.5)
 */
#ifndef MQTTSN_ENCAPSULATION_H
#define MQTTSN_ENCAPSULATION_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

enum {
    MQTTSN_NODE_ID_SIZE_MAX = 252, /* bytes; as many as the short form of the header can count */
    MQTTSN_RADIUS_MAX = 3,
};

struct mqttsn_encapsulation {
    uint8_t radius;       /* hops of the forwarder's broadcast: 0 to 3 */
    struct bytes node_id; /* a wireless node's, in its network's form; may be empty */
    struct bytes inner;   /* the node's message, as a datagram of its own; not looked at */
};

/**
 * Takes the frame off a datagram. The reserved bits of Ctrl are not looked at.
 *
 * Returns MQTT_SUCCESS, or MQTT_MALFORMED for a datagram that is no frame or whose header is wrong,
 * a longer node id, no message within, and another frame within.
 * Source: [SN-5.5-1], [SN-5.5-2], [SN-5.5-4]
 */
enum mqtt_reason mqttsn_encapsulation_decode(
        struct mqttsn_encapsulation *out, struct bytes datagram);

/**
 * Writes the frame's own bytes; the message within is to be written behind them. `inner` is not
 * looked at. The writer fails when the radius or the node id exceeds its limit.
 */
void mqttsn_encapsulation_head_encode(
        struct writer *out, const struct mqttsn_encapsulation *encapsulation);

#endif
