/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUBLISH and the four packets that answer it.
 */
#include "tests/fuzz/packet_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned types = 1 << MQTT_PUBLISH | 1 << MQTT_PUBACK | 1 << MQTT_PUBREC |
            1 << MQTT_PUBREL | 1 << MQTT_PUBCOMP;
    struct packet_input input;

    if (packet_input_read(&input, data, size) && types >> input.type & 1)
        any_packet_check(input.packet, input.version, input.sender);
    return 0;
}
