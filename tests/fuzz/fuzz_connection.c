/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNECT, CONNACK, DISCONNECT, AUTH and the pings, and the answer to a CONNECT that is refused.
 */
#include "tests/fuzz/packet_input.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The longest answer is a CONNACK of 5.0 with a code and no properties. */
static void refusal_check(const struct packet_input *input)
{
    struct any_packet packet = { .type = input->type };
    enum mqtt_reason reason =
            any_packet_decode(&packet, input->packet, input->version, input->sender);
    uint8_t buffer[5];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    bool answers;

    if (reason == MQTT_SUCCESS)
        return;
    answers = mqtt_connect_refuse(&out, bytes_from(input->packet, 1), reason);
    assert(!out.failed);
    assert(answers == (out.used > 0));
    assert(!answers || buffer[0] == MQTT_CONNACK << 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned types = 1 << MQTT_CONNECT | 1 << MQTT_CONNACK | 1 << MQTT_DISCONNECT |
            1 << MQTT_AUTH | 1 << MQTT_PINGREQ | 1 << MQTT_PINGRESP;
    struct packet_input input;

    if (!packet_input_read(&input, data, size) || !(types >> input.type & 1))
        return 0;
    any_packet_check(input.packet, input.version, input.sender);
    if (input.type == MQTT_CONNECT)
        refusal_check(&input);
    return 0;
}
