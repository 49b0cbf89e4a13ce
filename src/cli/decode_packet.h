/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT packets in words: a heading, a line for each field, and for the first byte that breaks the
 * standard a line that says where, how, and by which statement.
 */
#ifndef CLI_DECODE_PACKET_H
#define CLI_DECODE_PACKET_H

#include "base/bytes.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"

#include <stdio.h>

enum {
    DECODE_SHOWN_MAX = 256,     /* bytes of a payload or text that are shown */
    DECODE_VERSION_UNKNOWN = 0, /* no CONNECT was seen: what fits is taken */
};

enum decode_result {
    DECODE_GOOD,
    DECODE_BROKEN,  /* it breaks the standard; the packet's end is known */
    DECODE_PARTIAL, /* it is not whole */
    DECODE_LOST,    /* its fixed header is wrong, and so nobody knows where the next one begins */
};

/**
 * Describes the packet at the front of `in`. *version is what the connection speaks, or
 * DECODE_VERSION_UNKNOWN; a CONNECT sets it. *size becomes the packet's, with DECODE_GOOD and
 * DECODE_BROKEN.
 */
enum decode_result decode_packet(
        FILE *out, struct bytes in, enum mqtt_sender sender, unsigned *version, size_t *size);

/* What the codec says of a whole packet; MQTT_SUCCESS where decode_packet() finds no fault. */
enum mqtt_reason decode_judge(
        struct bytes packet, enum mqtt_sender sender, enum mqtt_version version);

/* Prints text in quotes, or bytes in hexadecimal, at most DECODE_SHOWN_MAX of them. */
void decode_print_bytes(FILE *out, struct bytes bytes);

/* The side that sends packets of this type; false: both do. */
bool decode_sender_known(enum mqtt_type type, enum mqtt_sender *sender);

#endif
