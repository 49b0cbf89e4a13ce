/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar decode` of a packet: it finds a fault just where the codec finds one, and tells it
 * once.
 */
#include "cli/decode_packet.h"

#include "tests/fuzz/packet_input.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The packet with its remaining length. */
static struct bytes whole_packet(const struct packet_input *input)
{
    size_t remaining = input->packet.size - 1;
    size_t size = mqtt_packet_size(remaining);
    struct writer out = { .data = (uint8_t *)malloc(size), .size = size };

    assert(out.data);
    mqtt_header_encode(&out, input->type, input->packet.data[0] & 0x0F, remaining);
    writer_bytes(&out, bytes_from(input->packet, 1));
    assert(!out.failed);
    return bytes_of(out.data, out.used);
}

static size_t faults_in(const char *text)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, "\n  ! byte ")) != NULL; at++)
        count++;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packet_input input;
    struct bytes packet;
    enum decode_result result;
    enum mqtt_version judged;
    unsigned version;
    size_t used = 0;
    char *text = NULL;
    size_t text_size = 0;
    FILE *out;

    if (!packet_input_read(&input, data, size))
        return 0;
    packet = whole_packet(&input);
    version = input.version;
    out = open_memstream(&text, &text_size);
    assert(out);
    result = decode_packet(out, packet, input.sender, &version, &used);
    fclose(out);
    assert(used == packet.size);
    judged = (enum mqtt_version)version;
    assert((result == DECODE_GOOD) == (decode_judge(packet, input.sender, judged) == MQTT_SUCCESS));
    assert(faults_in(text) == (result == DECODE_GOOD ? 0 : 1));
    free(text);
    /* Cut short it is not whole, and without a version it is told as well. */
    out = open_memstream(&text, &text_size);
    assert(out);
    version = DECODE_VERSION_UNKNOWN;
    assert(decode_packet(out, bytes_first(packet, packet.size - 1), input.sender, &version,
                   &used) == DECODE_PARTIAL);
    decode_packet(out, packet, input.sender, &version, &used);
    fclose(out);
    free(text);
    free((uint8_t *)(uintptr_t)packet.data);
    return 0;
}
