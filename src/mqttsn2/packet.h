/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all packets of the draft of MQTT-SN 2.0 share: their types, the header and the packet
 * identifier. Names are the draft's: what 1.2 called a message is a packet, and a topic id an
 * alias.
 *
 * A datagram holds one packet; mqttsn2_packet_read() takes it apart. Packets of one shape share a
 * file beside this one, with struct mqttsn2_X, mqttsn2_X_decode() and mqttsn2_X_encode(). Decoders
 * take the body, the header already taken off; encoders write the whole packet. A decoder changes
 * its *out on success only, and what it gives borrows from the body. What a decoder returns instead
 * of MQTT_SUCCESS ends the virtual connection: see refusal.h. A writer that is failed after
 * encoding says that the packet did not fit, or cannot be said at all. Statements of the draft are
 * cited as [MQTTSN2-3.1.2-1].
 */
#ifndef MQTTSN2_PACKET_H
#define MQTTSN2_PACKET_H

#include "base/bytes.h"
#include "base/writer.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"
#include "mqttsn/front.h"

/* Source: MQTT-SN 2.0 §2.1.3; 0x00, 0x19 to 0xFB and 0xFD are reserved. */
enum mqttsn2_type {
    MQTTSN2_CONNECT = 0x01,
    MQTTSN2_CONNACK = 0x02,
    MQTTSN2_PUBLISH = 0x03,
    MQTTSN2_PUBACK = 0x04,
    MQTTSN2_PUBREC = 0x05,
    MQTTSN2_PUBREL = 0x06,
    MQTTSN2_PUBCOMP = 0x07,
    MQTTSN2_SUBSCRIBE = 0x08,
    MQTTSN2_SUBACK = 0x09,
    MQTTSN2_UNSUBSCRIBE = 0x0A,
    MQTTSN2_UNSUBACK = 0x0B,
    MQTTSN2_PINGREQ = 0x0C,
    MQTTSN2_PINGRESP = 0x0D,
    MQTTSN2_DISCONNECT = 0x0E,
    MQTTSN2_AUTH = 0x0F,
    MQTTSN2_REGISTER = 0x10,
    MQTTSN2_REGACK = 0x11,
    MQTTSN2_PUBWOS = 0x12, /* a PUBLISH without a session */
    MQTTSN2_SLEEPREQ = 0x13,
    MQTTSN2_SLEEPRESP = 0x14,
    MQTTSN2_WAKEUP = 0x15,
    MQTTSN2_ADVERTISE = 0x16,
    MQTTSN2_SEARCHGW = 0x17,
    MQTTSN2_GWINFO = 0x18,
    MQTTSN2_FORWARDER = 0xFC, /* the envelopes around another packet: see envelope.h */
    MQTTSN2_CONNECTION = 0xFE,
    MQTTSN2_PROTECTION = 0xFF,
};

struct mqttsn2_packet {
    enum mqttsn2_type type;
    struct bytes body; /* what follows the header */
};

/**
 * Takes a datagram from that side apart, or the packet within an envelope. ADVERTISE, SEARCHGW and
 * GWINFO are for all who hear them, and pass from either side. *out is written on success only; its
 * body borrows from the datagram. Envelopes are packets as others are.
 *
 * Returns MQTT_SUCCESS;
 * MQTT_MALFORMED for a type that the draft reserves, and for a length that is not the datagram's;
 * MQTT_PROTOCOL_ERROR for a type that only the other side sends.
 * Source: MQTT-SN 2.0 §2.1, [MQTTSN2-2.1.2-1], [MQTTSN2-3.15.5-1], [MQTTSN2-3.18-2]
 */
enum mqtt_reason mqttsn2_packet_read(
        struct mqttsn2_packet *out, struct bytes datagram, enum mqtt_sender sender);

/**
 * The packet identifier as it stands in a packet whose body nobody has decoded yet; false where it
 * has none: the type or its flags leave it out, or the body is too short. *out is written on
 * success only.
 * Source: MQTT-SN 2.0 §2.2
 */
bool mqttsn2_packet_id_find(uint16_t *out, const struct mqttsn2_packet *packet);

/* Writes the shortest header; the writer fails where the packet exceeds MQTTSN_MESSAGE_SIZE_MAX. */
static inline void mqttsn2_header_encode(
        struct writer *out, enum mqttsn2_type type, size_t body_size)
{
    mqttsn_front_encode(out, (uint8_t)type, body_size);
}

/* "CONNECT", for logs. */
const char *mqttsn2_type_name(enum mqttsn2_type type);

#endif
