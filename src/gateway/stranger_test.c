/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stranger.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

enum { OUR_ID = 7 };

static enum gateway_welcome judge_where(bool speaks_draft, const char *text, const char *answer)
{
    struct notation datagram = notation_read(text);
    uint8_t data[GATEWAY_ANSWER_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };
    enum gateway_welcome welcome =
            gateway_judge_stranger(&out, notation_bytes(&datagram), OUR_ID, speaks_draft);

    assert_true(datagram_is(&out, answer));
    /* GWINFO of 2.0 is a byte larger than the smallest question. */
    assert_true(out.used <= datagram.size + (speaks_draft && datagram.data[1] == 0x17));
    return welcome;
}

static enum gateway_welcome judge(const char *text, const char *answer)
{
    return judge_where(false, text, answer);
}

SPEC_TEST("SN-6.1-8 SN-5.4.3-1", a_search_is_answered)
{
    assert_int_equal(judge("03 01 00", "03 02 07"), GATEWAY_ANSWERED);
    assert_int_equal(judge("03 01 01", "03 02 07"), GATEWAY_ANSWERED);
    assert_int_equal(judge("02 01", ""), GATEWAY_IGNORED);
}

SPEC_TEST("SN-5.4.21-3 SN-6.2-1 SN-6.12-1 SN-X-1", whoever_is_not_connected_hears_so)
{
    static const char *const messages[] = { "02 16", "06 16 'clid'", "02 18", "04 18 000A",
        "08 0C 20 0001 0009 'x'", "06 12 00 0002 'a'", "07 0A 0000 0001 'a'", "05 09 'bye'",
        "07 0D 0001 0001 00", "04 10 0001" };

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        assert_int_equal(judge(messages[i], "02 18"), GATEWAY_ANSWERED);
}

SPEC_TEST("SN-5.2.2-2 SN-5.2.1-5", what_no_client_says_is_ignored)
{
    static const char *const messages[] = { "", "01", "05 16", "03 05 00", "02 06", "02 11",
        "02 FF", "05 00 07 0384", "03 02 08", "02 17", "03 FE 00", "04 0C 60 00" };

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        assert_int_equal(judge(messages[i], ""), GATEWAY_IGNORED);
}

SPEC_TEST("SN-6.2-4 SN-5.3.8-1", a_connect_that_makes_no_sense_is_refused)
{
    assert_int_equal(judge("0A 04 04 01 003C 'clid'", ""), GATEWAY_JOINS);
    assert_int_equal(judge("06 04 04 01 003C", ""), GATEWAY_JOINS);
    assert_int_equal(judge("06 04 00 01 003C", "03 05 03"), GATEWAY_ANSWERED);
    assert_int_equal(judge("0A 04 04 02 003C 'clid'", "03 05 03"), GATEWAY_ANSWERED);
    assert_int_equal(judge("08 04 04 01 003C C328", "03 05 03"), GATEWAY_ANSWERED);
}

SPEC_TEST("SN-6.8-1 SN-6.8-2", a_message_of_qos_minus_1_needs_no_connection)
{
    assert_int_equal(judge("09 0C 62 'ab' 0000 'hi'", ""), GATEWAY_SPEAKS);
    assert_int_equal(judge("09 0C 61 0005 0000 'hi'", ""), GATEWAY_SPEAKS);
    assert_int_equal(judge("09 0C 60 0005 0000 'hi'", ""), GATEWAY_IGNORED);
    assert_int_equal(judge("09 0C 62 '#b' 0000 'hi'", ""), GATEWAY_IGNORED);
}

static enum gateway_welcome judge_draft(const char *text, const char *answer)
{
    return judge_where(true, text, answer);
}

SPEC_TEST("MQTTSN2-3.1.19-1 MQTTSN2-3.1.5-2", a_connect_of_2_0_joins_where_2_0_is_spoken)
{
    static const char connect[] = "0B 01 01 00C0 02 003C 0000 'a'";

    assert_int_equal(judge(connect, "06 02 00 00C0 84"), GATEWAY_REFUSES_DRAFT);
    assert_int_equal(judge_draft(connect, ""), GATEWAY_JOINS);
    assert_int_equal(judge_draft("0A 04 04 01 003C 'clid'", ""), GATEWAY_JOINS);
    assert_int_equal(
            judge_draft("0A 01 81 00C0 02 003C 0000", "06 02 00 00C0 81"), GATEWAY_ANSWERED);
}

TEST(what_is_answered_by_more_than_was_said_is_known)
{
    assert_int_equal(judge_draft("0A 01 01 00C0 02 003C 0000", ""), GATEWAY_JOINS_LARGE);
    assert_int_equal(judge_draft("17 01 05 00C0 02 003C 0000 09 'CHALLENGE' 0000 'a'", ""),
            GATEWAY_JOINS_LARGE);
    assert_int_equal(
            judge_draft("20 01 05 00C0 02 003C 0000 0A 'MQTT-BASIC' 0008 S'ab' S'cd' 'a'", ""),
            GATEWAY_JOINS);
}

static void put_off(const char *connect, const char *answer)
{
    struct notation datagram = notation_read(connect);
    uint8_t data[GATEWAY_ANSWER_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    gateway_put_off(&out, notation_bytes(&datagram));
    assert_true(datagram_is(&out, answer));
}

TEST(whoever_is_put_off_hears_so_in_its_own_version)
{
    put_off("0A 04 04 01 003C 'clid'", "03 05 01");
    put_off("0B 01 01 00C0 02 003C 0000 'a'", "06 02 00 00C0 89");
    put_off("0A 01 01 00C0 02 003C 0000", "06 02 00 00C0 89");
}

SPEC_TEST("MQTTSN2-3.11.3-3 MQTTSN2-4.14-2", versions_are_told_apart_by_type_and_size)
{
    static const char *const old[] = { "02 16", "06 16 'clid'", "02 18", "08 0C 20 0001 0009 'x'",
        "06 12 20 0002 'a'", "07 0A 0000 0001 'a'", "05 09 'bye'", "07 0D 0001 0001 00",
        "04 10 0001" };
    static const char *const fresh[] = { "04 0C 0001", "06 03 00 0001 'x'", "04 04 0001",
        "06 08 03 0001 'b'", "06 10 00 0001 'b'", "09 13 01 0002 00000064",
        "09 FE 0001 'a' 04 0C 0001" };

    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++)
        assert_int_equal(judge_draft(old[i], "02 18"), GATEWAY_ANSWERED);
    for (size_t i = 0; i < sizeof(fresh) / sizeof(fresh[0]); i++)
        assert_int_equal(judge_draft(fresh[i], "04 0E 04 F4"), GATEWAY_ANSWERED);
    assert_int_equal(judge_draft("02 17", "03 18 07"), GATEWAY_ANSWERED);
    assert_int_equal(judge_draft("03 01 00", "03 02 07"), GATEWAY_ANSWERED);
    assert_int_equal(judge_draft("07 12 01 0005 'ab'", ""), GATEWAY_SPEAKS_DRAFT);
    assert_int_equal(judge_draft("09 0C 61 0005 0000 'hi'", ""), GATEWAY_SPEAKS);
    /* Nothing is answered by more than it is. */
    assert_int_equal(judge_draft("03 03 00", ""), GATEWAY_IGNORED);
}
