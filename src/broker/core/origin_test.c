/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/origin.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

static void expect(const struct origin *origin, const char *text)
{
    struct origin_room room;

    assert_true(bytes_equal(origin_text(origin, &room), bytes_of_text(text)));
}

TEST(an_ipv4_address_is_written_as_a_text)
{
    static const struct {
        uint8_t address[4];
        uint16_t port;
        const char *text;
    } rows[] = {
        { { 0, 0, 0, 0 }, 0, "0.0.0.0:0" },
        { { 10, 0, 0, 7 }, 41312, "10.0.0.7:41312" },
        { { 127, 100, 20, 3 }, 9, "127.100.20.3:9" },
        { { 9, 99, 199, 1 }, 99, "9.99.199.1:99" },
        { { 1, 2, 3, 4 }, 999, "1.2.3.4:999" },
        { { 1, 2, 3, 4 }, 1883, "1.2.3.4:1883" },
        { { 255, 255, 255, 255 }, 65535, "255.255.255.255:65535" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct origin origin = origin_of_ipv4(rows[i].address, rows[i].port);

        expect(&origin, rows[i].text);
        origin_deinit(&origin, NULL); /* It has no block. */
        expect(&origin, "");
    }
}

TEST(any_other_text_is_given_back_as_it_was)
{
    static const char *const texts[] = { "", "-", "local", "[2001:db8::7]:41312", "10.0.0.7:1" };
    struct test_memory memory = test_memory_start();

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct origin origin;

        assert_true(origin_copy_text(&origin, &memory.memory, bytes_of_text(texts[i])));
        expect(&origin, texts[i]);
        origin_deinit(&origin, &memory.memory);
        expect(&origin, "");
        assert_int_equal(memory.state->blocks, 0);
    }
    test_memory_end(&memory);
}

TEST(a_text_that_memory_is_too_short_for_is_empty)
{
    struct test_memory memory = test_memory_start();
    struct origin origin;

    memory.state->fail_at = memory.state->fail_until = 1;
    assert_false(origin_copy_text(&origin, &memory.memory, BYTES("local")));
    expect(&origin, "");
    test_memory_end(&memory);
}
