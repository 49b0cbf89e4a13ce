/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/refusal.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

/* The answer to that datagram, refused for that reason, is these bytes; no bytes: silence. */
static bool answer_is(
        enum mqtt_sender sender, const char *text, enum mqtt_reason reason, const char *answer_text)
{
    struct notation notation = notation_read(text);
    struct notation answer = notation_read(answer_text);
    uint8_t buffer[MQTTSN_REFUSAL_SIZE_MAX];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    struct mqttsn_message message;
    bool answers;

    assert_true(mqttsn_message_read(&message, notation_bytes(&notation), sender));
    answers = mqttsn_refuse(&out, &message, reason);
    return answers == (answer.size > 0) && datagram_is(&out, answer_text);
}

/* As above, for the reason that the decoder has. */
static bool verdict_is(enum mqtt_sender sender, const char *text, const char *answer_text)
{
    return answer_is(sender, text, datagram_reason(sender, text), answer_text);
}

SPEC_TEST("SN-5.3.7-1 SN-5.3.10-1 SN-5.4.13-1 SN-5.4.18-1", each_request_has_its_answer)
{
    static const struct {
        const char *text;
        enum mqtt_reason reason;
        const char *answer;
    } rows[] = {
        { "0A 04 04 01 003C 'clid'", MQTT_NOT_AUTHORIZED, "03 05 03" },
        { "0A 04 04 01 003C 'clid'", MQTT_SERVER_BUSY, "03 05 01" },
        { "05 07 20 'wt'", MQTT_NOT_AUTHORIZED, "03 05 03" },
        { "05 09 'bye'", MQTT_QUOTA_EXCEEDED, "03 05 01" },
        { "07 0A 0000 1234 'a'", MQTT_QUOTA_EXCEEDED, "07 0B 0000 1234 01" },
        { "08 0C 01 7FFF 0000 'x'", MQTT_TOPIC_ALIAS_INVALID, "07 0D 7FFF 0000 02" },
        { "08 0C 20 0001 1234 'x'", MQTT_NOT_AUTHORIZED, "07 0D 0001 1234 03" },
        { "08 0C 42 'ab' 1234 'x'", MQTT_QUOTA_EXCEEDED, "07 0D 'ab' 1234 01" },
        { "06 12 20 1234 'a'", MQTT_NOT_AUTHORIZED, "08 13 00 0000 1234 03" },
        { "07 12 21 1234 7FFF", MQTT_TOPIC_ALIAS_INVALID, "08 13 00 0000 1234 02" },
        { "06 14 00 1234 'a'", MQTT_NOT_AUTHORIZED, "04 15 1234" },
        { "05 1A 20 'wt'", MQTT_NOT_AUTHORIZED, "03 1B 03" },
        { "05 1C 'bye'", MQTT_QUOTA_EXCEEDED, "03 1D 01" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(answer_is(MQTT_FROM_CLIENT, rows[i].text, rows[i].reason, rows[i].answer));
}

TEST(what_asks_nothing_gets_no_answer)
{
    static const char *const texts[] = {
        "03 01 00",
        "07 0B 0005 0007 00",
        "07 0D 0005 0007 00",
        "04 0E 0001",
        "04 0F 0001",
        "04 10 0001",
        "02 16",
        "06 16 'clid'",
        "02 17",
        "02 18",
        "04 18 000A",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_true(answer_is(MQTT_FROM_CLIENT, texts[i], MQTT_NOT_AUTHORIZED, ""));
    assert_true(answer_is(MQTT_FROM_SERVER, "03 05 00", MQTT_NOT_AUTHORIZED, ""));
    assert_true(answer_is(MQTT_FROM_SERVER, "03 1D 00", MQTT_NOT_AUTHORIZED, ""));
}

TEST(an_empty_body_is_answered_where_the_answer_repeats_nothing)
{
    assert_true(answer_is(MQTT_FROM_CLIENT, "02 07", MQTT_NOT_AUTHORIZED, "03 05 03"));
    assert_true(answer_is(MQTT_FROM_CLIENT, "02 09", MQTT_NOT_AUTHORIZED, "03 05 03"));
    assert_true(answer_is(MQTT_FROM_CLIENT, "02 1A", MQTT_NOT_AUTHORIZED, "03 1B 03"));
    assert_true(answer_is(MQTT_FROM_CLIENT, "02 1C", MQTT_NOT_AUTHORIZED, "03 1D 03"));
    assert_true(answer_is(MQTT_FROM_CLIENT, "02 0A", MQTT_NOT_AUTHORIZED, ""));
    assert_true(answer_is(MQTT_FROM_CLIENT, "06 0C 00 0001 00", MQTT_NOT_AUTHORIZED, ""));
    assert_true(answer_is(MQTT_FROM_CLIENT, "04 12 00 00", MQTT_NOT_AUTHORIZED, ""));
}

TEST(a_publish_of_qos_minus_1_gets_no_answer)
{
    assert_true(answer_is(MQTT_FROM_CLIENT, "09 0C 62 'ab' 0000 'hi'", MQTT_NOT_AUTHORIZED, ""));
    assert_true(verdict_is(MQTT_FROM_CLIENT, "08 0C 60 0001 0000 'x'", ""));
    assert_true(verdict_is(MQTT_FROM_CLIENT, "08 0C 63 0001 0000 'x'", ""));
    assert_true(verdict_is(MQTT_FROM_SERVER, "08 0C 61 0001 0000 'x'", ""));
}

SPEC_TEST("SN-5.2.1-5", malformed_messages_get_no_answer)
{
    static const char *const texts[] = {
        "05 04 00 02 00",
        "03 07 00",
        "05 0A 0000 00",
        "06 0B 0001 0001",
        "06 0C 00 0001 00",
        "05 12 20 0002",
        "06 12 21 0002 01",
        "05 14 00 0002",
        "03 18 00",
        "03 1A 00",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_true(verdict_is(MQTT_FROM_CLIENT, texts[i], ""));
}

SPEC_TEST("SN-5.3.4-2 SN-5.3.4-4 SN-5.3.8-1 SN-5.3.12-1 SN-X-3", what_a_decoder_refuses_is_answered)
{
    static const struct {
        const char *text;
        const char *answer;
    } rows[] = {
        { "0A 04 04 02 003C 'clid'", "03 05 03" },
        { "06 04 00 01 003C", "03 05 03" },
        { "06 07 00 'w/#'", "03 05 03" },
        { "07 0A 0000 0001 '#'", "07 0B 0000 0001 03" },
        { "06 0A 0000 0001", "07 0B 0000 0001 03" },
        { "08 0A 0000 0001 C328", "07 0B 0000 0001 03" },
        { "08 0C 03 0001 0000 'x'", "07 0D 0001 0000 03" },
        { "08 0C 00 FFFF 0005 'x'", "07 0D FFFF 0005 02" },
        { "08 0C 20 0001 0000 'x'", "07 0D 0001 0000 03" },
        { "06 12 60 0002 'a'", "08 13 00 0000 0002 03" },
        { "07 12 20 0002 'a#'", "08 13 00 0000 0002 03" },
        { "07 14 00 0002 'a#'", "04 15 0002" },
        { "05 1A 60 'wt'", "03 1B 03" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(verdict_is(MQTT_FROM_CLIENT, rows[i].text, rows[i].answer));
}

TEST(a_client_answers_its_gateway)
{
    assert_true(verdict_is(MQTT_FROM_SERVER, "07 0A 0005 0007 '#'", "07 0B 0005 0007 03"));
    assert_true(verdict_is(MQTT_FROM_SERVER, "07 0A FFFF 0007 'a'", "07 0B FFFF 0007 02"));
    assert_true(answer_is(MQTT_FROM_SERVER, "08 0C 20 7FFE 0007 'x'", MQTT_TOPIC_ALIAS_INVALID,
            "07 0D 7FFE 0007 02"));
}
