/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes around a packet: a forwarder's says which of the nodes behind it the packet is from or
 * for; a connection's which client sends it, whatever its address is now; a protection's proves who
 * sent it. Unlike the forwarder's frame of 1.2 they count what they hold in their length.
 *
 * A forwarder's may hold any packet but another forwarder's envelope. What is within is taken apart
 * by mqttsn2_packet_read(), of the same sender. (Source: MQTT-SN 2.0 §3.17 to §3.19)
 */
#ifndef MQTTSN2_ENVELOPE_H
#define MQTTSN2_ENVELOPE_H

#include "mqttsn2/packet.h"

enum {
    MQTTSN2_NODE_SIZE_MAX = 255, /* bytes */
    MQTTSN2_SENDER_ID_SIZE = 8,
    MQTTSN2_RANDOM_SIZE = 4,
};

struct mqttsn2_forwarder {
    struct bytes node;  /* addressing information in the forwarder's form; may be empty */
    struct bytes inner; /* the node's packet, as a datagram of its own; not taken apart */
};

struct mqttsn2_connection {
    struct bytes client_id; /* UTF-8, not empty */
    struct bytes inner;     /* a packet of one of the types that may be here; not taken apart */
};

/* What stands before the packet within, which only its key opens. */
struct mqttsn2_protection {
    uint8_t scheme;
    uint8_t tag_length;     /* as its four bits say it, from 0; their meaning is the scheme's */
    struct bytes sender_id; /* MQTTSN2_SENDER_ID_SIZE bytes */
    struct bytes random;    /* MQTTSN2_RANDOM_SIZE bytes */
    struct bytes material;  /* 0, 2, 4 or 12 bytes */
    struct bytes counter;   /* 0, 2 or 4 bytes */
    struct bytes sealed;    /* the packet, as the scheme has it, and the tag */
};

/**
 * MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for a forwarder's envelope within; MQTT_MALFORMED when a field
 * is missing or nothing is within.
 */
enum mqtt_reason mqttsn2_forwarder_decode(struct mqttsn2_forwarder *out, struct bytes body);

/**
 * MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for a packet within that may not be there: it must be PUBLISH,
 * SUBSCRIBE, UNSUBSCRIBE, REGISTER, DISCONNECT, SLEEPREQ or PINGREQ; MQTT_MALFORMED when a field or
 * the packet's header is missing, and for a client id that is empty or not UTF-8.
 * Source: [MQTTSN2-3.18-3]
 */
enum mqtt_reason mqttsn2_connection_decode(struct mqttsn2_connection *out, struct bytes body);

/**
 * MQTT_SUCCESS, or MQTT_MALFORMED when a field is missing, nothing is within, and for reserved
 * lengths of counter and tag.
 * Source: [MQTTSN2-3.17.2.1-1] to [MQTTSN2-3.17.2.1-4], [MQTTSN2-3.17.2.2-1] to
 * [MQTTSN2-3.17.2.2-4], [MQTTSN2-3.17.2.3-3]
 */
enum mqtt_reason mqttsn2_protection_decode(struct mqttsn2_protection *out, struct bytes body);

/**
 * These write what stands before the packet within, which the caller writes behind it; of `inner`
 * only its size is looked at, which the length counts. The writer fails for a field above its size.
 */
void mqttsn2_forwarder_head_encode(struct writer *out, const struct mqttsn2_forwarder *forwarder);
void mqttsn2_connection_head_encode(
        struct writer *out, const struct mqttsn2_connection *connection);

#endif
