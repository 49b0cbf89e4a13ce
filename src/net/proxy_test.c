/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy.h"

#include "tests/harness/scripted.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define OVER_4 SIGNATURE "\x21\x11\0\x0c\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b"

/* A header whose client shows a certificate to the proxy. */
#define SSL_PART                                                                                   \
    "\x20\0\x31\7\0\0\0\0"                                                                         \
    "\x21\0\7TLSv1.3"                                                                              \
    "\x22\0\6sensor"                                                                               \
    "\x23\0\x16TLS_AES_128_GCM_SHA256"
#define PART(literal)                                                                              \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

static const struct proxy_options version_1 = { .version = PROXY_1 };
static const struct proxy_options version_2 = { .version = PROXY_2 };

static void expect_address(const struct address *address, const char *expected)
{
    char text[ADDRESS_TEXT_SIZE];

    assert_string_equal(address_format(address, text), expected);
}

static struct proxy_header header_of(struct bytes bytes, enum proxy_version version)
{
    struct proxy_header header;

    assert_int_equal(proxy_header_read(&header, bytes, version), PROXY_WHOLE);
    assert_int_equal(header.size, bytes.size);
    return header;
}

TEST(version_1_names_the_client)
{
    struct proxy_header header =
            header_of(BYTES("PROXY TCP4 10.0.0.7 10.0.0.1 41312 1883\r\n"), PROXY_1);

    assert_true(header.known);
    assert_false(header.tls || header.local);
    expect_address(&header.client, "10.0.0.7:41312");
    header = header_of(BYTES("PROXY TCP6 2001:db8::7 ::1 0 65535\r\n"), PROXY_1);
    expect_address(&header.client, "[2001:db8::7]:0");
    header = header_of(BYTES("PROXY TCP6 ::ffff:10.0.0.7 ::ffff:10.0.0.1 1 2\r\n"), PROXY_1);
    expect_address(&header.client, "10.0.0.7:1");
}

TEST(version_1_may_not_know_the_client)
{
    assert_false(header_of(BYTES("PROXY UNKNOWN\r\n"), PROXY_1).known);
    assert_false(header_of(BYTES("PROXY UNKNOWN ffff::1 anything 1\r\n"), PROXY_1).known);
}

TEST(version_1_is_refused_where_it_is_malformed)
{
    static const char *const rows[] = {
        "GET / HTTP/1.1\r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY TCP5 10.0.0.7 10.0.0.1 1 2\r\n",
        "PROXY tcp4 10.0.0.7 10.0.0.1 1 2\r\n",
        "PROXY TCP4 10.0.0.7 10.0.0.1 1\r\n",
        "PROXY TCP4 10.0.0.7 10.0.0.1 1 2 3\r\n",
        "PROXY TCP4  10.0.0.7 10.0.0.1 1 2\r\n",
        "PROXY TCP4 10.0.0.256 10.0.0.1 1 2\r\n",
        "PROXY TCP4 10.0.7 10.0.0.1 1 2\r\n",
        "PROXY TCP4 localhost 10.0.0.1 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP4 10.0.0.7 x 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
        "PROXY TCP4 10.0.0.7 10.0.0.1 65536 2\r\n",
        "PROXY TCP4 10.0.0.7 10.0.0.1 01 2\r\n",
        "PROXY TCP4 10.0.0.7 10.0.0.1 -1 2\r\n",
        "PROXY TCP4 10.0.0.7 10.0.0.1 1 \r\n",
        "PROXY TCP4 10.0.0.7 10.0.0.1 1 2\n",
        "PROXY TCP4 10.0.0.7 10.0.0.1 1 2 \r\n",
    };
    struct proxy_header header;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(proxy_header_read(&header, bytes_of_text(rows[i]), PROXY_1), PROXY_BAD);
}

TEST(version_1_has_a_limit)
{
    char line[PROXY_1_SIZE_MAX + 2];
    struct proxy_header header;

    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + PROXY_1_SIZE_MAX - 2, "\r\n", 2);
    header_of(bytes_of(line, PROXY_1_SIZE_MAX), PROXY_1);
    memcpy(line + PROXY_1_SIZE_MAX - 2, "x\r\n", 3);
    assert_int_equal(proxy_header_read(&header, bytes_of(line, PROXY_1_SIZE_MAX - 1), PROXY_1),
            PROXY_PARTIAL);
    assert_int_equal(
            proxy_header_read(&header, bytes_of(line, PROXY_1_SIZE_MAX + 1), PROXY_1), PROXY_BAD);
}

TEST(version_2_names_the_client)
{
    struct proxy_header header = header_of(BYTES(OVER_4), PROXY_2);

    assert_true(header.known);
    assert_false(header.tls || header.local);
    expect_address(&header.client, "10.0.0.7:41312");
    header = header_of(BYTES(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
                                       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xa1\x60\7\x5b"),
            PROXY_2);
    expect_address(&header.client, "[2001:db8::7]:41312");
}

TEST(version_2_may_not_know_the_client)
{
    static const struct bytes rows[] = {
        PART(SIGNATURE "\x21\x00\0\0"),       /* unspecified */
        PART(SIGNATURE "\x21\x00\0\3\4\0\0"), /* the same, with a part */
        PART(SIGNATURE "\x20\x11\0\2xx"),     /* the proxy speaks for itself */
        PART(SIGNATURE "\x21\x12\0\x0c\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b"), /* UDP */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(header_of(rows[i], PROXY_2).known);
    assert_true(header_of(rows[2], PROXY_2).local);
}

TEST(version_2_knows_a_client_of_a_unix_socket_without_address)
{
    uint8_t bytes[16 + 216] = SIGNATURE "\x21\x31\0\xd8";
    struct proxy_header header = header_of(bytes_of(bytes, sizeof(bytes)), PROXY_2);

    assert_true(header.known);
    expect_address(&header.client, "-");
}

/* Version 2 over IPv4, with these parts behind the addresses. */
static enum proxy_result read_with_parts(struct proxy_header *header, struct bytes parts)
{
    static uint8_t bytes[256];

    memcpy(bytes, OVER_4, sizeof(OVER_4) - 1);
    bytes[15] = (uint8_t)(12 + parts.size);
    memcpy(bytes + sizeof(OVER_4) - 1, parts.data, parts.size);
    return proxy_header_read(header, bytes_of(bytes, sizeof(OVER_4) - 1 + parts.size), PROXY_2);
}

TEST(version_2_tells_about_tls)
{
    struct proxy_header header;

    assert_int_equal(read_with_parts(&header, BYTES("\4\0\1x" SSL_PART)), PROXY_WHOLE);
    assert_true(header.tls && header.certified);
    assert_true(bytes_equal(header.name, BYTES("sensor")));
    assert_true(bytes_equal(header.version, BYTES("TLSv1.3")));
    assert_true(bytes_equal(header.cipher, BYTES("TLS_AES_128_GCM_SHA256")));
}

TEST(a_certificate_that_the_proxy_has_not_verified_names_nobody)
{
    struct proxy_header header;

    assert_int_equal(
            read_with_parts(&header, BYTES("\x20\0\x0e\7\0\0\0\1\x22\0\6sensor")), PROXY_WHOLE);
    assert_true(header.tls);
    assert_false(header.certified);
    assert_int_equal(header.name.size, 0);
    assert_int_equal(
            read_with_parts(&header, BYTES("\x20\0\x0e\1\0\0\0\0\x22\0\6sensor")), PROXY_WHOLE);
    assert_false(header.certified);
    assert_int_equal(header.name.size, 0);
}

TEST(version_2_is_refused_where_it_is_malformed)
{
    static const struct bytes rows[] = {
        PART("PROXY TCP4 10.0.0.7 10.0.0.1 1 2\r\n"), PART("\x10\x0e"),
        PART(SIGNATURE "\x11\x11\0\x0c\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b"), /* another version */
        PART(SIGNATURE "\x22\x11\0\x0c\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b"), /* and command */
        PART(SIGNATURE "\x21\x41\0\0"),                                     /* and family */
        PART(SIGNATURE "\x21\x13\0\x0c\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b"), /* and transport */
        PART(SIGNATURE "\x21\x11\0\x0b\x0a\0\0\7\x0a\0\0\1\xa1\x60\7"),     /* too short */
        PART(SIGNATURE "\x21\x11\7\xf1"),                                   /* too large */
    };
    static const struct bytes parts[] = {
        PART("\4"),
        PART("\4\0\2x"),
        PART("\x20\0\4\1\0\0\0"),
        PART("\x20\0\7\1\0\0\0\0\x21\0"),
    };
    struct proxy_header header;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(proxy_header_read(&header, rows[i], PROXY_2), PROXY_BAD);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        assert_int_equal(read_with_parts(&header, parts[i]), PROXY_BAD);
}

static const struct bytes samples[] = {
    [PROXY_1] = PART("PROXY TCP4 10.0.0.7 10.0.0.1 41312 1883\r\n"),
    [PROXY_2] = PART(OVER_4),
};

TEST(each_truncation_is_partial)
{
    for (int version = PROXY_1; version <= PROXY_2; version++) {
        struct proxy_header header;

        for (size_t size = 0; size < samples[version].size; size++)
            assert_int_equal(proxy_header_read(&header, bytes_first(samples[version], size),
                                     (enum proxy_version)version),
                    PROXY_PARTIAL);
    }
}

/* ---- The stream ---- */

/* Reads until nothing comes; gives what the last read gave. */
static int read_all(struct stream *stream, const struct scripted *below, size_t step, char *out)
{
    int result;

    do {
        result = stream_read(stream, out, step);
        out += result > 0 ? result : 0;
    } while (result > 0 || (result == -EAGAIN && (below->input.size > 0 || below->ended)));
    *out = '\0';
    return result;
}

static struct stream *proxy_on(struct scripted *below, const struct proxy_options *options)
{
    struct stream *stream;

    assert_int_equal(address_parse(&below->peer.address, "192.0.2.1", 9), 0);
    assert_int_equal(proxy_open(&stream, &below->stream, options), 0);
    return stream;
}

static void expect_peer(const struct stream *stream, const char *expected)
{
    struct stream_peer peer;

    stream_peer(stream, &peer);
    expect_address(&peer.address, expected);
}

TEST(what_follows_the_header_is_read)
{
    static const struct proxy_options *const options[] = {
        [PROXY_1] = &version_1, [PROXY_2] = &version_2
    };

    for (int version = PROXY_1; version <= PROXY_2; version++) {
        uint8_t input[128];
        size_t size = samples[version].size;

        memcpy(input, samples[version].data, size);
        memcpy(input + size, "hello", 5);
        for (size_t step = 1; step < 10; step++) {
            struct scripted below;
            struct stream *stream;
            struct stream_peer peer;
            char got[64];

            scripted_init(&below, bytes_of(input, size + 5));
            below.read_max = step % 3;
            stream = proxy_on(&below, options[version]);
            expect_peer(stream, "192.0.2.1:9");
            stream_peer(stream, &peer);
            assert_true(peer.preliminary);
            assert_int_equal(read_all(stream, &below, step, got), -EAGAIN);
            assert_string_equal(got, "hello");
            expect_peer(stream, "10.0.0.7:41312");
            stream_peer(stream, &peer);
            assert_false(peer.preliminary);
            assert_int_equal(stream_waits(stream, STREAM_IN), STREAM_IN);
            below.input = BYTES("more");
            assert_int_equal(read_all(stream, &below, step, got), -EAGAIN);
            assert_string_equal(got, "more");
            stream_close(stream, STREAM_END_CLEAN);
            scripted_deinit(&below);
        }
    }
}

TEST(what_came_with_the_header_lies_inside)
{
    struct scripted below;
    struct stream *stream;
    char byte;

    scripted_init(&below, BYTES(OVER_4 "ab"));
    stream = proxy_on(&below, &version_2);
    assert_int_equal(stream_read(stream, &byte, 1), 1);
    assert_int_equal(stream_waits(stream, STREAM_IN), STREAM_IN | STREAM_READY);
    assert_int_equal(stream_waits(stream, 0), 0);
    assert_int_equal(stream_read(stream, &byte, 1), 1);
    assert_int_equal(byte, 'b');
    assert_int_equal(stream_waits(stream, STREAM_IN), STREAM_IN);
    stream_close(stream, STREAM_END_ABRUPT);
    assert_int_equal(below.how, STREAM_END_ABRUPT);
    scripted_deinit(&below);
}

TEST(what_the_proxy_knows_of_tls_is_told)
{
    static const char cut[] = SIGNATURE "\x21\x11\0\x23\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b"
                                        "\x20\0\x14\7\0\0\0\0\x21\0\3TLS\x22\0\6sen\0or";
    static const char whole[] =
            SIGNATURE "\x21\x11\0\x40\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b" SSL_PART;
    struct bytes inputs[] = { bytes_of(cut, sizeof(cut) - 1), bytes_of(whole, sizeof(whole) - 1) };

    for (int i = 0; i < 2; i++) {
        struct scripted below;
        struct stream *stream;
        struct stream_peer peer;
        char got[16];

        scripted_init(&below, inputs[i]);
        stream = proxy_on(&below, &version_2);
        assert_int_equal(read_all(stream, &below, 8, got), -EAGAIN);
        stream_peer(stream, &peer);
        expect_address(&peer.address, "10.0.0.7:41312");
        assert_true(peer.certified);
        assert_string_equal(peer.tls_version, i ? "TLSv1.3" : "TLS");
        assert_string_equal(peer.tls_cipher, i ? "TLS_AES_128_GCM_SHA256" : "");
        assert_string_equal(peer.common_name, i ? "sensor" : "");
        stream_close(stream, STREAM_END_CLEAN);
        scripted_deinit(&below);
    }
}

TEST(who_speaks_for_himself_keeps_his_address)
{
    struct scripted below;
    struct stream *stream;
    char got[16];

    scripted_init(&below, BYTES(SIGNATURE "\x20\0\0\0x"));
    stream = proxy_on(&below, &version_2);
    assert_int_equal(read_all(stream, &below, 8, got), -EAGAIN);
    assert_string_equal(got, "x");
    expect_peer(stream, "192.0.2.1:9");
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
}

/* Reads fail, and say why. */
static void expect_failure(struct bytes input, const struct proxy_options *options, const char *why)
{
    struct scripted below;
    struct stream *stream;
    char got[64];

    scripted_init(&below, input);
    below.ended = true;
    stream = proxy_on(&below, options);
    assert_int_equal(read_all(stream, &below, 8, got), -EPROTO);
    assert_string_equal(stream_failure(stream), why);
    assert_int_equal(stream_read(stream, got, 1), -EPROTO);
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
}

TEST(a_header_that_is_not_the_one_wanted_is_refused)
{
    static const char other[] = "the PROXY header is not one of the version that is wanted";

    expect_failure(samples[PROXY_1], &version_2, other);
    expect_failure(samples[PROXY_2], &version_1, other);
    expect_failure(BYTES("\x10\x0e\0\4MQTT"), &version_1, other);
}

TEST(a_header_that_ends_early_is_refused_and_none_at_all_is_an_end)
{
    struct scripted below;
    struct stream *stream;
    char byte;

    expect_failure(bytes_first(samples[PROXY_1], 20), &version_1, "the PROXY header is not there");
    scripted_init(&below, (struct bytes){ 0 });
    below.ended = true;
    stream = proxy_on(&below, &version_2);
    assert_int_equal(stream_read(stream, &byte, 1), 0);
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
}

TEST(tls_may_be_required)
{
    static const struct proxy_options strict = { .version = PROXY_2, .require_tls = true };
    static const struct bytes good[] = {
        PART(SIGNATURE "\x20\0\0\0x"),
        PART(SIGNATURE "\x21\x11\0\x14\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b\x20\0\5\1\0\0\0\0x"),
    };

    for (size_t i = 0; i < 2; i++) {
        struct scripted below;
        struct stream *stream;
        char byte;

        scripted_init(&below, good[i]);
        stream = proxy_on(&below, &strict);
        assert_int_equal(stream_read(stream, &byte, 1), 1);
        stream_close(stream, STREAM_END_CLEAN);
        scripted_deinit(&below);
    }
    expect_failure(BYTES(OVER_4 "x"), &strict, "the client reached the proxy without TLS");
    expect_failure(
            BYTES(SIGNATURE "\x21\0\0\0x"), &strict, "the client reached the proxy without TLS");
}

TEST(after_a_fault_and_a_shutdown_what_comes_is_thrown_away)
{
    struct scripted below;
    struct stream *stream;
    char byte;

    scripted_init(&below, BYTES("GARBAGE"));
    stream = proxy_on(&below, &version_1);
    assert_int_equal(stream_read(stream, &byte, 1), -EPROTO);
    assert_int_equal(stream_shutdown(stream), 0);
    below.input = BYTES("x");
    below.ended = true;
    assert_int_equal(stream_read(stream, &byte, 1), -EAGAIN);
    assert_int_equal(stream_read(stream, &byte, 1), 0);
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
}

TEST(only_trusted_proxies_may_tell)
{
    static struct network_list trusted = { .count = 1 };
    static const struct proxy_options listed = { .version = PROXY_2, .trusted = &trusted };

    assert_int_equal(network_parse(&trusted.networks[0], BYTES("192.0.2.0/24")), 0);
    for (int i = 0; i < 3; i++) {
        static const char *const peers[] = { "192.0.2.7", "192.0.3.7", NULL };
        struct scripted below;
        struct stream *stream;
        char byte;

        scripted_init(&below, BYTES(OVER_4 "x"));
        if (peers[i])
            assert_int_equal(address_parse(&below.peer.address, peers[i], 1), 0);
        assert_int_equal(proxy_open(&stream, &below.stream, &listed), 0);
        assert_int_equal(stream_read(stream, &byte, 1), i == 0 ? 1 : -EPROTO);
        if (i > 0)
            assert_string_equal(
                    stream_failure(stream), "the peer is none of the proxies that are trusted");
        stream_close(stream, STREAM_END_CLEAN);
        scripted_deinit(&below);
    }
}

TEST(the_rest_of_a_stream_is_what_lies_below)
{
    struct scripted below;
    struct iovec piece = stream_piece(BYTES("out"));
    struct stream *stream;

    scripted_init(&below, (struct bytes){ 0 });
    stream = proxy_on(&below, &version_1);
    assert_int_equal(stream_write(stream, &piece, 1), 3);
    assert_true(bytes_equal(scripted_take_output(&below), BYTES("out")));
    assert_null(stream_failure(stream));
    assert_int_equal(stream_shutdown(stream), 0);
    assert_true(below.shut);
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
}
