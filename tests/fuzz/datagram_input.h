/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target's input as a datagram of MQTT-SN. Its first byte says who sends (bit 0) and what
 * the rest is: a datagram (bit 1), or a type and a body, which are given a header that fits, so
 * that no input is lost for a wrong one.
 */
#ifndef TESTS_FUZZ_DATAGRAM_INPUT_H
#define TESTS_FUZZ_DATAGRAM_INPUT_H

#include <assert.h>
#include <stdlib.h>

#include "mqtt/packet.h"
#include "mqttsn/front.h"

/* Gives the datagram to check(), in a block of its own where a header was added. */
static inline void datagram_input_check(const uint8_t *data, size_t size,
        void (*check)(struct bytes datagram, enum mqtt_sender sender))
{
    enum mqtt_sender sender;
    struct writer out = { .size = 0 };

    if (size < 2)
        return;
    sender = data[0] & 1 ? MQTT_FROM_SERVER : MQTT_FROM_CLIENT;
    if (data[0] & 2) {
        check(bytes_of(data + 1, size - 1), sender);
        return;
    }
    out.size = mqttsn_message_size(size - 2);
    if (out.size > MQTTSN_MESSAGE_SIZE_MAX)
        return;
    out.data = malloc(out.size);
    assert(out.data);
    mqttsn_front_encode(&out, data[1], size - 2);
    writer_bytes(&out, bytes_of(data + 2, size - 2));
    assert(!out.failed);
    check(writer_written(&out), sender);
    free(out.data);
}

#endif
