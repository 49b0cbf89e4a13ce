/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/datagram_codec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "mqttsn/front.h"

/* Ends the test program, telling of which sample that does not hold. */
static void expect(bool holds, const char *what, const char *text)
{
    if (holds)
        return;
    fprintf(stderr, "datagram %s: %s\n", text, what);
    abort();
}

/* In a block of its own, so that reading past its end is seen. */
static void check_copy(
        const struct datagram_codec *codec, struct bytes datagram, enum mqtt_sender sender)
{
    uint8_t *copy = malloc(datagram.size > 0 ? datagram.size : 1);

    assert(copy);
    memcpy(copy, datagram.data, datagram.size);
    codec->check(bytes_of(copy, datagram.size), sender);
    free(copy);
}

static enum mqtt_reason decode_new(const struct datagram_codec *codec, void **out,
        struct bytes datagram, enum mqtt_sender sender)
{
    *out = calloc(1, codec->size);
    assert(*out);
    return codec->decode(*out, datagram, sender);
}

static enum mqtt_reason decode_only(
        const struct datagram_codec *codec, struct bytes datagram, enum mqtt_sender sender)
{
    void *decoded;
    enum mqtt_reason reason = decode_new(codec, &decoded, datagram, sender);

    free(decoded);
    return reason;
}

/* The first `size` bytes of the body, behind a header that counts them. */
static void check_cut_body(const struct datagram_codec *codec, const struct mqttsn_front *front,
        struct bytes cut, struct datagram sample)
{
    uint8_t buffer[NOTATION_SIZE_MAX];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqttsn_front_encode(&out, front->type, cut.size);
    writer_bytes(&out, cut);
    expect(!out.failed, "is too long", sample.text);
    check_copy(codec, writer_written(&out), sample.sender);
}

static void check_truncations(
        const struct datagram_codec *codec, struct bytes datagram, struct datagram sample)
{
    struct mqttsn_front front = { .length = 0 };
    bool read = mqttsn_front_read(&front, datagram);
    /* What a frame that does not count it holds is not looked at, and may end anywhere. */
    bool is_frame = front.length != datagram.size;
    struct bytes body = bytes_from(datagram, front.size);

    expect(read, "has no header", sample.text);
    for (size_t size = 0; size < datagram.size; size++) {
        check_copy(codec, bytes_first(datagram, size), sample.sender);
        expect(is_frame ||
                        decode_only(codec, bytes_first(datagram, size), sample.sender) ==
                                MQTT_MALFORMED,
                "is accepted though it is cut", sample.text);
    }
    for (size_t size = 0; !is_frame && size < body.size; size++)
        check_cut_body(codec, &front, bytes_first(body, size), sample);
}

static void check_changes(
        const struct datagram_codec *codec, struct bytes datagram, struct datagram sample)
{
    uint8_t changed[NOTATION_SIZE_MAX];

    memcpy(changed, datagram.data, datagram.size);
    for (size_t i = 0; i < datagram.size; i++) {
        for (unsigned change = 1; change < 256; change++) {
            changed[i] = (uint8_t)(datagram.data[i] ^ change);
            check_copy(codec, bytes_of(changed, datagram.size), sample.sender);
        }
        changed[i] = datagram.data[i];
    }
}

void datagram_codec_samples(
        const struct datagram_codec *codec, const struct datagram *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct notation notation = notation_read(samples[i].text);
        struct bytes datagram = notation_bytes(&notation);
        void *decoded;

        expect(decode_new(codec, &decoded, datagram, samples[i].sender) == MQTT_SUCCESS,
                "is refused", samples[i].text);
        datagram_codec_encodes(codec, decoded, samples[i].text);
        free(decoded);
        check_truncations(codec, datagram, samples[i]);
        check_changes(codec, datagram, samples[i]);
    }
}

enum mqtt_reason datagram_codec_reason(
        const struct datagram_codec *codec, enum mqtt_sender sender, const char *text)
{
    struct notation notation = notation_read(text);

    check_copy(codec, notation_bytes(&notation), sender);
    return decode_only(codec, notation_bytes(&notation), sender);
}

void datagram_codec_encodes(
        const struct datagram_codec *codec, const void *message, const char *text)
{
    struct notation expected = notation_read(text);
    uint8_t buffer[NOTATION_SIZE_MAX];
    struct writer out = { .data = buffer, .size = expected.size };

    codec->encode(&out, message);
    expect(!out.failed && bytes_equal(writer_written(&out), notation_bytes(&expected)),
            "is encoded otherwise", text);
    for (size_t size = 0; size < expected.size; size++) {
        out = (struct writer){ .data = buffer, .size = size };
        codec->encode(&out, message);
        expect(out.failed && out.used <= size, "fits into less than its size", text);
    }
}

bool datagram_is(const struct writer *out, const char *text)
{
    struct notation expected = notation_read(text);

    return !out->failed && bytes_equal(writer_written(out), notation_bytes(&expected));
}
