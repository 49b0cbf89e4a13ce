/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every datagram of MQTT-SN starts with, whatever its version: a length of one or three bytes,
 * and the type. (Source: MQTT-SN 1.2 §5.2, MQTT-SN 2.0 §2.1)
 */
#ifndef MQTTSN_FRONT_H
#define MQTTSN_FRONT_H

#include "base/bytes.h"
#include "base/writer.h"

enum {
    MQTTSN_MESSAGE_SIZE_MAX = 65535, /* bytes, header included */
    MQTTSN_HEADER_SIZE_MAX = 4,
};

struct mqttsn_front {
    uint8_t type;    /* what it means, and whether it means anything, the version says */
    uint8_t size;    /* bytes of the header itself: 2, or 4 in the long form */
    uint16_t length; /* bytes of the whole message, header included */
};

/**
 * Reads the header at the front of `in`, in its short or its long form, whatever the length.
 * *out is written on success only.
 *
 * Returns false for a length that is below the header's own size or above in.size.
 * Source: [SN-5.2.1-1], [SN-5.2.1-2], [SN-5.2.1-3], [MQTTSN2-2.1.2-1]
 */
bool mqttsn_front_read(struct mqttsn_front *out, struct bytes in);

/* Bytes of a whole message whose body has that many, with the shortest header. */
size_t mqttsn_message_size(size_t body_size);

/* Writes the shortest header; the writer fails where the message exceeds its largest size. */
void mqttsn_front_encode(struct writer *out, uint8_t type, size_t body_size);

#endif
