/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/samples.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the test program, telling of which sample that does not hold. */
static void expect(bool holds, const char *what, const char *text)
{
    if (holds)
        return;
    fprintf(stderr, "sample %s: %s\n", text, what);
    abort();
}

static uint8_t *block_new(size_t size)
{
    uint8_t *block = malloc(size > 0 ? size : 1);

    assert(block);
    return block;
}

/* The packet without its remaining length, in a new block of just that size. */
static struct bytes sample_open(struct sample sample)
{
    struct notation notation = notation_read(sample.text);
    struct mqtt_header header = { .remaining = 0 };
    uint8_t *packet;

    expect(mqtt_header_read(&header, notation_bytes(&notation)) == MQTT_HEADER_DONE &&
                    header.size + header.remaining == notation.size,
            "is not one whole packet", sample.text);
    packet = block_new(1 + (size_t)header.remaining);
    packet[0] = notation.data[0];
    memcpy(packet + 1, notation.data + header.size, header.remaining);
    return bytes_of(packet, 1 + (size_t)header.remaining);
}

static void check_truncations(struct bytes packet, struct sample sample)
{
    for (size_t size = 0; size < packet.size; size++) {
        /* A block of its own, so that reading past its end is seen. */
        uint8_t *cut = block_new(size);

        memcpy(cut, packet.data, size);
        any_packet_check(bytes_of(cut, size), sample.version, sample.sender);
        free(cut);
    }
}

static void check_changes(struct bytes packet, struct sample sample)
{
    uint8_t *changed = block_new(packet.size);

    memcpy(changed, packet.data, packet.size);
    for (size_t i = 0; i < packet.size; i++) {
        for (unsigned change = 1; change < 256; change++) {
            changed[i] = (uint8_t)(packet.data[i] ^ change);
            any_packet_check(bytes_of(changed, packet.size), sample.version, sample.sender);
        }
        changed[i] = packet.data[i];
    }
    free(changed);
}

void samples_check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes packet = sample_open(samples[i]);
        struct any_packet decoded = { .type = MQTT_CONNECT };

        expect(any_packet_decode(&decoded, packet, samples[i].version, samples[i].sender) ==
                        MQTT_SUCCESS,
                "is refused", samples[i].text);
        sample_encodes(&decoded, samples[i].text);
        check_truncations(packet, samples[i]);
        check_changes(packet, samples[i]);
        free((void *)(uintptr_t)packet.data);
    }
}

enum mqtt_reason sample_reason(struct sample sample)
{
    struct bytes packet = sample_open(sample);
    struct any_packet decoded = { .type = MQTT_CONNECT };
    enum mqtt_reason reason = any_packet_decode(&decoded, packet, sample.version, sample.sender);

    free((void *)(uintptr_t)packet.data);
    return reason;
}

void sample_encodes(const struct any_packet *packet, const char *text)
{
    struct notation expected = notation_read(text);
    uint8_t buffer[NOTATION_SIZE_MAX];
    struct writer out = { .data = buffer, .size = expected.size };

    any_packet_encode(&out, packet);
    expect(!out.failed && bytes_equal(writer_written(&out), notation_bytes(&expected)),
            "is encoded otherwise", text);
    for (size_t size = 0; size < expected.size; size++) {
        out = (struct writer){ .data = buffer, .size = size };
        any_packet_encode(&out, packet);
        expect(out.failed && out.used <= size, "fits into less than its size", text);
    }
}
