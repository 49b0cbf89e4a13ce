/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixed header: what is read is written to the same bytes, and fewer bytes are never an error.
 */
#include "mqtt/packet.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_header header = { .remaining = 0 };
    enum mqtt_header_result result = mqtt_header_read(&header, bytes_of(data, size));
    uint8_t buffer[MQTT_HEADER_SIZE_MAX];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    if (result != MQTT_HEADER_DONE)
        return 0;
    assert(header.size <= size);
    mqtt_header_encode(&out, header.type, header.flags, header.remaining);
    assert(bytes_equal(writer_written(&out), bytes_of(data, header.size)));
    assert(mqtt_packet_size(header.remaining) == header.size + (size_t)header.remaining);
    for (size_t cut = 0; cut < header.size; cut++)
        assert(mqtt_header_read(&header, bytes_of(data, cut)) == MQTT_HEADER_PARTIAL);
    return 0;
}
