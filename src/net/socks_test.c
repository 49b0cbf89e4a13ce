/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socks_client.h"

#include "tests/harness/scripted.h"
#include "tests/harness/test.h"

#include <string.h>

struct scene {
    struct scripted below;
    struct stream *stream;
};

static const struct socks_wish plain = { .host = "mqtt.example", .port = 1883 };
static const struct socks_wish with_login = {
    .host = "10.0.0.7",
    .port = 8883,
    .user = "ada",
    .password = "wonder",
};

static void begin(struct scene *scene, const struct socks_wish *wish)
{
    *scene = (struct scene){ .stream = NULL };
    scripted_init(&scene->below, (struct bytes){ 0 });
    assert_int_equal(socks_client_open(&scene->stream, &scene->below.stream, wish), 0);
}

static void end(struct scene *scene)
{
    stream_close(scene->stream, STREAM_END_CLEAN);
    scripted_deinit(&scene->below);
}

static int write_hello(struct scene *scene)
{
    struct iovec piece = stream_piece(BYTES("hello"));

    return stream_write(scene->stream, &piece, 1);
}

static void expect_said(struct scene *scene, struct bytes expected)
{
    struct bytes said = scripted_take_output(&scene->below);

    assert_int_equal(said.size, expected.size);
    assert_memory_equal(said.data, expected.data, expected.size);
}

/* The proxy answers with this, and then nothing more comes. */
static void answer(struct scene *scene, struct bytes bytes)
{
    scene->below.input = bytes;
    assert_int_equal(write_hello(scene), -EAGAIN);
}

#define REACHED "\x05\x00\x00\x01\x7f\x00\x00\x01\x10\x20"

TEST(a_name_goes_to_the_proxy_as_it_is)
{
    struct scene scene;
    char buffer[8];

    begin(&scene, &plain);
    assert_int_equal(stream_waits(scene.stream, STREAM_IN), STREAM_OUT);
    assert_int_equal(write_hello(&scene), -EAGAIN);
    expect_said(&scene, BYTES("\x05\x01\x00"));
    assert_int_equal(stream_waits(scene.stream, STREAM_OUT), STREAM_IN);
    answer(&scene, BYTES("\x05\x00"));
    expect_said(&scene, BYTES("\x05\x01\x00\x03\x0cmqtt.example\x07\x5b"));
    scene.below.input = BYTES(REACHED "back");
    assert_int_equal(write_hello(&scene), 5);
    expect_said(&scene, BYTES("hello"));
    assert_int_equal(stream_waits(scene.stream, STREAM_IN), STREAM_IN);
    assert_int_equal(stream_read(scene.stream, buffer, sizeof(buffer)), 4);
    assert_memory_equal(buffer, "back", 4);
    end(&scene);
}

TEST(a_login_and_a_number_are_said_too)
{
    struct scene scene;

    begin(&scene, &with_login);
    assert_int_equal(write_hello(&scene), -EAGAIN);
    expect_said(&scene, BYTES("\x05\x02\x00\x02"));
    answer(&scene, BYTES("\x05\x02"));
    expect_said(&scene,
            BYTES("\x01\x03"
                  "ada\x06wonder"));
    answer(&scene, BYTES("\x01\x00"));
    expect_said(&scene, BYTES("\x05\x01\x00\x01\x0a\x00\x00\x07\x22\xb3"));
    scene.below.input = BYTES(REACHED);
    assert_int_equal(write_hello(&scene), 5);
    end(&scene);
}

TEST(an_address_of_ipv6_is_said_as_one)
{
    const struct socks_wish wish = { .host = "::1", .port = 1 };
    struct scene scene;

    begin(&scene, &wish);
    answer(&scene, BYTES("\x05\x00"));
    expect_said(&scene,
            BYTES("\x05\x01\x00\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x01"));
    end(&scene);
}

TEST(an_address_with_an_interface_goes_as_a_name)
{
    const struct socks_wish wish = { .host = "fe80::1%lo", .port = 1 };
    struct scene scene;

    begin(&scene, &wish);
    answer(&scene, BYTES("\x05\x00"));
    expect_said(&scene,
            BYTES("\x05\x01\x00\x05\x01\x00\x03\x0a"
                  "fe80::1%lo\x00\x01"));
    end(&scene);
}

/* Answers cut anywhere, with each kind of address, come to the same. */
TEST(answers_come_in_any_pieces)
{
    static const struct bytes reached[] = {
        { (const uint8_t *)"\x05\x00" REACHED "x", 13 },
        { (const uint8_t *)"\x05\x00\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x01x",
                25 },
        { (const uint8_t *)"\x05\x00\x05\x00\x00\x03\x02"
                           "ab\x00\x01x",
                12 },
        { (const uint8_t *)"\x05\x00\x05\x00\x00\x03\x00\x00\x01x", 10 },
    };

    for (size_t i = 0; i < sizeof(reached) / sizeof(reached[0]); i++) {
        struct scene scene;
        char buffer[8];
        int result = -EAGAIN;

        begin(&scene, &plain);
        scene.below.read_max = 1;
        scene.below.input = reached[i];
        while (result == -EAGAIN && scene.below.input.size > 0)
            result = stream_read(scene.stream, buffer, sizeof(buffer));
        assert_int_equal(result, 1);
        assert_int_equal(buffer[0], 'x');
        end(&scene);
    }
}

TEST(a_proxy_that_says_no_is_told_with_its_reason)
{
    static const struct {
        struct bytes answers;
        bool logs_in;
        int error;
        const char *failure;
    } rows[] = {
        { { (const uint8_t *)"\x05\xff", 2 }, false, -EACCES, "wants a user name" },
        { { (const uint8_t *)"\x05\xff", 2 }, true, -EACCES, "kind that is not known" },
        { { (const uint8_t *)"\x05\x02", 2 }, false, -EACCES, "kind that is not known" },
        { { (const uint8_t *)"\x05\x02\x01\x01", 4 }, true, -EACCES, "does not take this user" },
        { { (const uint8_t *)"\x04\x00", 2 }, false, -ECONNABORTED, "none of SOCKS5" },
        { { (const uint8_t *)"HT", 2 }, false, -ECONNABORTED, "none of SOCKS5" },
        { { (const uint8_t *)"\x05\x00\x05\x02", 4 }, false, -EACCES, "rules" },
        { { (const uint8_t *)"\x05\x00\x05\x03", 4 }, false, -ENETUNREACH, "network" },
        { { (const uint8_t *)"\x05\x00\x05\x05\x00\x01\0\0\0\0\0\0", 12 }, false, -ECONNREFUSED,
                "refuses" },
        { { (const uint8_t *)"\x05\x00\x05\x63", 4 }, false, -ECONNABORTED, "none of SOCKS5" },
        { { (const uint8_t *)"\x05\x00\x05\x00\x00\x09\x00", 7 }, false, -ECONNABORTED,
                "none of SOCKS5" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;

        begin(&scene, rows[i].logs_in ? &with_login : &plain);
        scene.below.input = rows[i].answers;
        assert_int_equal(write_hello(&scene), rows[i].error);
        assert_non_null(strstr(stream_failure(scene.stream), rows[i].failure));
        assert_int_equal(write_hello(&scene), rows[i].error);
        end(&scene);
    }
}

TEST(a_proxy_that_leaves_in_between_is_one_that_fails)
{
    struct scene scene;

    begin(&scene, &plain);
    scene.below.input = BYTES("\x05\x00\x05");
    scene.below.ended = true;
    assert_int_equal(write_hello(&scene), -ECONNRESET);
    end(&scene);
}

TEST(what_cannot_be_said_is_no_wish)
{
    char text[SOCKS_TEXT_MAX + 2];
    struct socks_wish wish = { .host = "a", .port = 1 };
    struct scripted below;
    struct stream *stream;

    memset(text, 'a', sizeof(text) - 1);
    text[SOCKS_TEXT_MAX + 1] = '\0';
    scripted_init(&below, (struct bytes){ 0 });
    wish.host = text;
    assert_int_equal(socks_client_open(&stream, &below.stream, &wish), -EINVAL);
    assert_true(below.closed);
    scripted_deinit(&below);
    scripted_init(&below, (struct bytes){ 0 });
    text[SOCKS_TEXT_MAX] = '\0';
    wish.user = wish.password = wish.host;
    assert_int_equal(socks_client_open(&stream, &below.stream, &wish), 0);
    below.input = BYTES("\x05\x02\x01\x00" REACHED);
    assert_int_equal(stream_read(stream, text, sizeof(text)), -EAGAIN);
    assert_int_equal(scripted_take_output(&below).size, 4 + 3 + 2 * 255 + 7 + 255);
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
}
