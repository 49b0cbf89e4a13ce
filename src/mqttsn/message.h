/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all messages of MQTT-SN 1.2 share: their types and the header.
 *
 * A datagram holds one message; mqttsn_message_read() takes it apart. Messages of one shape share a
 * file beside this one, with struct mqttsn_X, mqttsn_X_decode() and mqttsn_X_encode(). Decoders
 * take the body, the header already taken off; encoders write the whole message. A decoder changes
 * its *out on success only, and what it gives borrows from the body. MQTT_MALFORMED from a decoder
 * says that the datagram is to be ignored silently; any other failure is answered by
 * mqttsn_refuse(), where an answer is due. A writer that is failed after encoding says that the
 * message did not fit.
 */
#ifndef MQTTSN_MESSAGE_H
#define MQTTSN_MESSAGE_H

#include "base/bytes.h"
#include "base/writer.h"
#include "mqtt/packet.h"
#include "mqttsn/front.h"

/* Source: MQTT-SN 1.2 §5.2.2; 0x03, 0x11, 0x19, 0x1E to 0xFD and 0xFF are reserved. */
enum mqttsn_type {
    MQTTSN_ADVERTISE = 0x00,
    MQTTSN_SEARCHGW = 0x01,
    MQTTSN_GWINFO = 0x02,
    MQTTSN_CONNECT = 0x04,
    MQTTSN_CONNACK = 0x05,
    MQTTSN_WILLTOPICREQ = 0x06,
    MQTTSN_WILLTOPIC = 0x07,
    MQTTSN_WILLMSGREQ = 0x08,
    MQTTSN_WILLMSG = 0x09,
    MQTTSN_REGISTER = 0x0A,
    MQTTSN_REGACK = 0x0B,
    MQTTSN_PUBLISH = 0x0C,
    MQTTSN_PUBACK = 0x0D,
    MQTTSN_PUBCOMP = 0x0E,
    MQTTSN_PUBREC = 0x0F,
    MQTTSN_PUBREL = 0x10,
    MQTTSN_SUBSCRIBE = 0x12,
    MQTTSN_SUBACK = 0x13,
    MQTTSN_UNSUBSCRIBE = 0x14,
    MQTTSN_UNSUBACK = 0x15,
    MQTTSN_PINGREQ = 0x16,
    MQTTSN_PINGRESP = 0x17,
    MQTTSN_DISCONNECT = 0x18,
    MQTTSN_WILLTOPICUPD = 0x1A,
    MQTTSN_WILLTOPICRESP = 0x1B,
    MQTTSN_WILLMSGUPD = 0x1C,
    MQTTSN_WILLMSGRESP = 0x1D,
    MQTTSN_ENCAPSULATED = 0xFE, /* a forwarder's frame around a message: see encapsulation.h */
};

struct mqttsn_header {
    enum mqttsn_type type;
    uint8_t size;    /* bytes of the header itself: 2, or 4 in the long form */
    uint16_t length; /* bytes of the whole message, header included */
};

struct mqttsn_message {
    enum mqttsn_type type;
    struct bytes body; /* what follows the header */
};

/**
 * Reads the header at the front of `in`, in its short or its long form, whatever the length.
 * *out is written on success only.
 *
 * Returns false for a type that the specification reserves, and for a length that is below the
 * header's own size or above in.size.
 * Source: MQTT-SN 1.2 §5.2, [SN-5.2.1-1], [SN-5.2.1-2], [SN-5.2.1-3], [SN-5.2.2-1]
 */
bool mqttsn_header_read(struct mqttsn_header *out, struct bytes in);

/**
 * Takes a datagram from that side apart; MQTT_FROM_SERVER is the gateway. ADVERTISE, SEARCHGW and
 * GWINFO are broadcast for all who hear them, and pass from either side. *out is written on success
 * only; its body borrows from the datagram.
 *
 * Returns false for a datagram that is to be ignored: mqttsn_header_read() fails, the length is not
 * the datagram's, the type is one that only the other side sends, or it is a forwarder's frame.
 * Source: [SN-5.2.1-5], [SN-5.2.2-1], [SN-5.2.2-2]
 */
bool mqttsn_message_read(
        struct mqttsn_message *out, struct bytes datagram, enum mqtt_sender sender);

/* Writes the shortest header; the writer fails where the message exceeds its largest size. */
void mqttsn_header_encode(struct writer *out, enum mqttsn_type type, size_t body_size);

/* "CONNECT", for logs. */
const char *mqttsn_type_name(enum mqttsn_type type);

#endif
