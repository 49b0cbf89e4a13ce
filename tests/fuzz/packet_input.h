/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target's input as a packet: a byte that says version and sender, the packet's first byte,
 * and its body. The remaining length is left out, so that no input is lost for a wrong one.
 */
#ifndef TESTS_FUZZ_PACKET_INPUT_H
#define TESTS_FUZZ_PACKET_INPUT_H

#include "tests/harness/any_packet.h"

struct packet_input {
    enum mqtt_version version;
    enum mqtt_sender sender;
    enum mqtt_type type;
    struct bytes packet; /* its first byte, then its body */
};

/* False for an input that is too short or of no type. */
static inline bool packet_input_read(struct packet_input *out, const uint8_t *data, size_t size)
{
    static const enum mqtt_version versions[] = { MQTT_5_0, MQTT_3_1_1, MQTT_3_1, MQTT_5_0 };

    if (size < 2 || data[1] >> 4 < MQTT_CONNECT)
        return false;
    *out = (struct packet_input){
        .version = versions[data[0] & 3],
        .sender = data[0] & 4 ? MQTT_FROM_SERVER : MQTT_FROM_CLIENT,
        .type = (enum mqtt_type)(data[1] >> 4),
        .packet = bytes_of(data + 1, size - 1),
    };
    return true;
}

#endif
