/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/front.h"

#include "tests/harness/datagram_codec.h"
#include "tests/harness/test.h"

SPEC_TEST("MQTTSN2-2.1.2-1", either_form_of_the_length_is_read)
{
    static const struct {
        const char *text;
        struct mqttsn_front front;
    } rows[] = {
        { "02 15", { 0x15, 2, 2 } },
        { "01 0004 15", { 0x15, 4, 4 } },
        { "05 FD 000000", { 0xFD, 2, 5 } },
        { "01 0102 00 {254}", { 0x00, 4, 258 } },
        { "03 17 00 'behind'", { 0x17, 2, 3 } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct notation notation = notation_read(rows[i].text);
        struct mqttsn_front front;

        assert_true(mqttsn_front_read(&front, notation_bytes(&notation)));
        assert_int_equal(front.type, rows[i].front.type);
        assert_int_equal(front.size, rows[i].front.size);
        assert_int_equal(front.length, rows[i].front.length);
    }
}

TEST(a_length_that_cannot_be_is_refused)
{
    static const char *const wrong[] = { "", "02", "00 15", "03 15", "01", "01 00", "01 0004",
        "01 0003 15", "01 0000 15", "01 0005 15", "01 FFFF 15" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct notation notation = notation_read(wrong[i]);
        struct mqttsn_front front = { 77, 7, 777 };

        assert_false(mqttsn_front_read(&front, notation_bytes(&notation)));
        assert_int_equal(front.type, 77);
        assert_int_equal(front.size, 7);
        assert_int_equal(front.length, 777);
    }
}

TEST(any_type_is_written_behind_the_shortest_length)
{
    static const struct {
        uint8_t type;
        size_t body_size;
        const char *text;
    } rows[] = {
        { 0x15, 0, "02 15" },
        { 0xFD, 253, "FF FD" },
        { 0x00, 254, "01 0102 00" },
        { 0xFF, 65531, "01 FFFF FF" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t buffer[MQTTSN_HEADER_SIZE_MAX];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };

        mqttsn_front_encode(&out, rows[i].type, rows[i].body_size);
        assert_true(datagram_is(&out, rows[i].text));
        assert_int_equal(mqttsn_message_size(rows[i].body_size), out.used + rows[i].body_size);
    }
}
