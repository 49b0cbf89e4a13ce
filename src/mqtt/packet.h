/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all control packets share: their types and the fixed header.
 *
 * Every packet has a file of its own beside this one, with struct mqtt_X, mqtt_X_decode() and
 * mqtt_X_encode(). Decoders take the body, the fixed header already taken off; encoders write the
 * whole packet. A decoder changes its *out on success only, and what it gives borrows from the
 * body. A writer that is failed after encoding says that the packet did not fit, or cannot be said
 * at all (a string above 65,535 bytes, a body above 268,435,455).
 */
#ifndef MQTT_PACKET_H
#define MQTT_PACKET_H

#include "base/bytes.h"
#include "base/writer.h"
#include "mqtt/version.h"

/* Source: MQTT 5.0 §2.1.2 */
enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};

/* Who sent a packet, where that decides what it may say. */
enum mqtt_sender {
    MQTT_FROM_CLIENT = 0,
    MQTT_FROM_SERVER = 1,
};

enum {
    MQTT_REMAINING_MAX = 268435455, /* bytes after the fixed header */
    MQTT_HEADER_SIZE_MAX = 5,
    MQTT_TEXT_SIZE_MAX = 65535, /* bytes of a string or of binary data */
};

struct mqtt_header {
    enum mqtt_type type;
    uint8_t flags;      /* the low nibble of the first byte */
    uint8_t size;       /* bytes of the fixed header itself, 2 to 5 */
    uint32_t remaining; /* bytes that follow it; the packet has size + remaining */
};

enum mqtt_header_result {
    MQTT_HEADER_PARTIAL, /* no fault so far, but bytes are missing */
    MQTT_HEADER_DONE,
    MQTT_HEADER_BAD, /* type 0, a fifth length byte, or a length that is not in its shortest form */
};

/**
 * Reads the fixed header at the front of `in`; *out is written when the result is
 * MQTT_HEADER_DONE. The body may still be missing: the packet is whole when in.size is at least
 * out->size + out->remaining.
 *
 * Source: MQTT 5.0 §2.1, §1.5.5, [MQTT5-1.5.5-1], [U5-1.5.5-1], [U311-2.2.3-a]
 */
static inline enum mqtt_header_result mqtt_header_read(struct mqtt_header *out, struct bytes in)
{
    uint32_t remaining = 0;

    if (in.size == 0)
        return MQTT_HEADER_PARTIAL;
    if (in.data[0] < MQTT_CONNECT << 4)
        return MQTT_HEADER_BAD;
    for (uint8_t size = 2; size <= MQTT_HEADER_SIZE_MAX; size++) {
        uint8_t byte;

        if (in.size < size)
            return MQTT_HEADER_PARTIAL;
        byte = in.data[size - 1];
        remaining |= (uint32_t)(byte & 0x7F) << 7 * (size - 2);
        if (byte >= 0x80)
            continue;
        if (byte == 0 && size > 2)
            return MQTT_HEADER_BAD;
        *out = (struct mqtt_header){
            .type = (enum mqtt_type)(in.data[0] >> 4),
            .flags = in.data[0] & 0x0F,
            .size = size,
            .remaining = remaining,
        };
        return MQTT_HEADER_DONE;
    }
    return MQTT_HEADER_BAD;
}

/**
 * Whether the packet type exists in that version and its flags are what that version prescribes.
 * PUBLISH always passes, for its decoder judges its flags; so do CONNECT's, since only its body
 * says the version: mqtt_connect_decode() judges them.
 *
 * Source: MQTT 5.0 §2.1.3, [MQTT5-2.1.3-1], [MQTT311-2.2.2-2], [V31-11]
 */
bool mqtt_header_flags_valid(const struct mqtt_header *header, enum mqtt_version version);

/* Bytes of a whole packet whose body has `remaining` bytes. */
size_t mqtt_packet_size(size_t remaining);

/* Writes a fixed header; the writer fails when remaining is above MQTT_REMAINING_MAX. */
void mqtt_header_encode(struct writer *out, enum mqtt_type type, uint8_t flags, size_t remaining);

/* "CONNECT", for logs. */
const char *mqtt_type_name(enum mqtt_type type);

#endif
