/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/connect.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_CLIENT, "10 10 00 06 4D 51 49 73 64 70 03 02 00 3C 00 02 63 31" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "10 0E 00 04 4D 51 54 54 04 02 00 3C 00 02 63 31" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT,
                "10 RL S'MQTT' 04 EE 0000 S'c1' S'w/t' S'gone' S'user' 0003 FF00FF" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "10 0C S'MQTT' 04 02 0000 0000" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "10 0F 00 04 4D 51 54 54 05 02 00 3C 00 00 02 63 31" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "10 RL S'MQTT' 05 40 FFFF 00 S'' S'secret'" },
        { MQTT_5_0, MQTT_FROM_CLIENT,
                "10 RL S'MQTT' 05 F6 001E"
                "  (1100000E10 15S'SCRAM' 16 0002 00FF 1701 1901 210014 22000A 2700010000"
                "     26S'k'S'v' 26S'k'S'')"
                "  S'c1' (18 00000005 0101 02 0000000A 03S'' 08S'r' 09 0000) S'w' S'gone'"
                "  S'u' S'p'" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

static enum mqtt_reason decode(struct mqtt_connect *out, const char *text)
{
    struct notation notation = notation_read(text);

    /* What is decoded borrows from the notation, so only values are looked at below. */
    return mqtt_connect_decode(out, 0, notation_bytes(&notation));
}

static enum mqtt_reason reason(const char *text)
{
    return sample_reason((struct sample){ MQTT_3_1_1, MQTT_FROM_CLIENT, text });
}

SPEC_TEST("MQTT5-3.1.3-1 MQTT311-3.1.3-1 MQTT5-3.1.2-9", each_field_lands_in_its_place)
{
    struct notation notation = notation_read("S'MQTT' 05 EE 001E 03 210014 S'c1' 05 18 00000007"
                                             " S'w/t' S'gone' S'user' S'pass'");
    struct mqtt_connect connect;

    assert_int_equal(mqtt_connect_decode(&connect, 0, notation_bytes(&notation)), MQTT_SUCCESS);
    assert_int_equal(connect.version, MQTT_5_0);
    assert_true(connect.clean_start);
    assert_int_equal(connect.keepalive_s, 30);
    assert_int_equal(connect.properties.receive_maximum, 20);
    assert_true(bytes_equal(connect.client_id, BYTES("c1")));
    assert_true(connect.has_will);
    assert_int_equal(connect.will.properties.will_delay_s, 7);
    assert_true(bytes_equal(connect.will.topic, BYTES("w/t")));
    assert_true(bytes_equal(connect.will.payload, BYTES("gone")));
    assert_int_equal(connect.will.qos, 1);
    assert_true(connect.will.retain);
    assert_true(connect.has_user_name);
    assert_true(bytes_equal(connect.user_name, BYTES("user")));
    assert_true(connect.has_password);
    assert_true(bytes_equal(connect.password, BYTES("pass")));
}

SPEC_TEST("MQTT311-3.1.2-1 MQTT5-3.1.2-1 MQTT311-3.1.2-2 MQTT5-3.1.2-2 V31-1 V31-2",
        only_three_protocols_are_served)
{
    static const struct {
        const char *text;
        const char *answer; /* empty: silence */
    } rows[] = {
        { "S'MQTX' 04 02 003C S'c'", "" },
        { "S'MQTX' 05 02 003C 00 S'c'", "" },
        { "S'mqtt' 04 02 003C S'c'", "" },
        { "S'' 04 02 003C S'c'", "" },
        { "S'MQTT' 03 02 003C S'c'", "20 02 00 01" },
        { "S'MQTT' 00 02 003C S'c'", "20 02 00 01" },
        { "S'MQTT' 06 02 003C 00 S'c'", "20 03 00 84 00" },
        { "S'MQTT' 07 02 003C 00 S'c'", "20 03 00 84 00" },
        { "S'MQTT' 84 02 003C S'c'", "20 02 00 01" },
        { "S'MQTT' 85 02 003C 00 S'c'", "20 03 00 84 00" },
        { "S'MQIsdp' 02 02 003C S'c'", "20 02 00 01" },
        { "S'MQIsdp' 04 02 003C S'c'", "20 02 00 01" },
        { "S'MQIsdp' 83 02 003C S'c'", "20 02 00 01" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct notation body = notation_read(rows[i].text);
        struct notation answer = notation_read(rows[i].answer);
        uint8_t buffer[16];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };
        struct mqtt_connect connect;

        assert_int_equal(
                mqtt_connect_decode(&connect, 0, notation_bytes(&body)), MQTT_UNSUPPORTED_VERSION);
        assert_int_equal(mqtt_connect_refuse(&out, notation_bytes(&body), MQTT_UNSUPPORTED_VERSION),
                answer.size > 0);
        assert_false(out.failed);
        assert_true(bytes_equal(writer_written(&out), notation_bytes(&answer)));
    }
}

static bool answer_is(const char *body_text, enum mqtt_reason refusal, const char *answer_text)
{
    struct notation body = notation_read(body_text);
    struct notation answer = notation_read(answer_text);
    uint8_t buffer[16];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    bool answers = mqtt_connect_refuse(&out, notation_bytes(&body), refusal);

    return answers == (answer.size > 0) &&
            bytes_equal(writer_written(&out), notation_bytes(&answer));
}

SPEC_TEST("MQTT311-3.1.4-1 MQTT5-3.1.4-1 MQTT311-3.2.2-6", old_clients_are_closed_silently)
{
    assert_true(answer_is("S'MQTT' 04 03 003C S'c'", MQTT_MALFORMED, ""));
    assert_true(answer_is("S'MQIsdp' 03 06 003C S'c'", MQTT_MALFORMED, ""));
    assert_true(answer_is("S'MQTT' 04 06 003C S'c' S'#' S''", MQTT_TOPIC_NAME_INVALID, ""));
    assert_true(answer_is("S'MQTT' 05 03 003C 00 S'c'", MQTT_MALFORMED, "20 03 00 81 00"));
    assert_true(answer_is("S'MQTT' 05", MQTT_MALFORMED, "20 03 00 81 00"));
    assert_true(answer_is("S'MQTT'", MQTT_MALFORMED, ""));
    assert_true(answer_is("00", MQTT_MALFORMED, ""));
    assert_true(answer_is("", MQTT_MALFORMED, ""));
}

SPEC_TEST("MQTT311-3.1.3-8 V31-4", who_may_have_no_client_id)
{
    assert_int_equal(reason("10 RL S'MQTT' 04 02 003C S''"), MQTT_SUCCESS);
    assert_int_equal(reason("10 0C S'MQTT' 04 00 003C 0000"), MQTT_CLIENT_ID_NOT_VALID);
    assert_true(answer_is("S'MQTT' 04 00 003C 0000", MQTT_CLIENT_ID_NOT_VALID, "20 02 00 02"));
    assert_int_equal(reason("10 RL S'MQIsdp' 03 02 003C S''"), MQTT_CLIENT_ID_NOT_VALID);
    assert_true(answer_is("S'MQIsdp' 03 02 003C S''", MQTT_CLIENT_ID_NOT_VALID, "20 02 00 02"));
    assert_int_equal(reason("10 RL S'MQTT' 05 00 003C 00 S''"), MQTT_SUCCESS);
}

SPEC_TEST("MQTT311-3.1.2-3 MQTT5-3.1.2-3 V31-6", the_reserved_flag_is_0_but_in_3_1)
{
    assert_int_equal(reason("10 RL S'MQTT' 04 03 003C S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 0F 00 04 4D 51 54 54 05 03 00 3C 00 00 02 63 31"), MQTT_MALFORMED);
    assert_int_equal(reason("10 0F S'MQIsdp' 03 03 003C S'c'"), MQTT_SUCCESS);
}

SPEC_TEST("MQTT5-2.1.3-1 MQTT311-2.2.2-2 V31-7", header_flags_are_0_but_in_3_1)
{
    assert_int_equal(reason("11 RL S'MQTT' 04 02 003C S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("11 RL S'MQTT' 05 02 003C 00 S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("14 0F S'MQIsdp' 03 02 003C S'c'"), MQTT_SUCCESS);
}

SPEC_TEST("MQTT311-3.1.2-11 MQTT311-3.1.2-13 MQTT311-3.1.2-14 MQTT311-3.1.2-15 MQTT5-3.1.2-11 "
          "MQTT5-3.1.2-12 MQTT5-3.1.2-13",
        will_flags_go_together)
{
    assert_int_equal(reason("10 RL S'MQTT' 04 0A 003C S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 12 003C S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 0D S'MQTT' 04 22 003C S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 1E 003C S'c' S'w' S'x'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 0F S'MQTT' 05 0A 003C 00 S'c1'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 0F S'MQTT' 05 22 003C 00 S'c1'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 05 1E 003C 00 S'c1' 00 S'w' S'x'"), MQTT_MALFORMED);
}

SPEC_TEST("MQTT311-3.1.2-9 MQTT311-3.1.2-11 MQTT311-3.1.2-18 MQTT311-3.1.2-19 MQTT311-3.1.2-20 "
          "MQTT311-3.1.2-21 MQTT5-3.1.2-9 MQTT5-3.1.2-16 MQTT5-3.1.2-17 MQTT5-3.1.2-18 "
          "MQTT5-3.1.2-19 MQTT311-3.1.3-3 MQTT5-3.1.3-3",
        fields_are_there_just_where_flags_say)
{
    assert_int_equal(reason("10 0A S'MQTT' 04 02 003C"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 003C 00"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 06 003C S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 06 003C S'c' S'w'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 02 003C S'c' S'more'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 82 003C S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 82 003C S'c' S'u' S'p'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 C2 003C S'c' S'u'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 C2 003C S'c' S'u' S''"), MQTT_SUCCESS);
    assert_int_equal(reason("10 RL S'MQTT' 05 06 003C 00 S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 05 82 003C 00 S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 05 42 003C 00 S'c'"), MQTT_MALFORMED);
}

SPEC_TEST("MQTT311-3.1.2-22 V31-9 MQTT5-3.1.2-19", only_version_5_takes_a_password_alone)
{
    assert_int_equal(reason("10 RL S'MQTT' 04 42 003C S'c' S'pw'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQIsdp' 03 42 003C S'c' S'pw'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 05 42 003C 00 S'c' S'pw'"), MQTT_SUCCESS);
}

SPEC_TEST("V31-8 V31-10", version_3_1_may_announce_credentials_and_send_none)
{
    struct mqtt_connect connect;

    assert_int_equal(decode(&connect, "S'MQIsdp' 03 82 003C S'c'"), MQTT_SUCCESS);
    assert_false(connect.has_user_name);
    assert_int_equal(decode(&connect, "S'MQIsdp' 03 C2 003C S'c' S'u'"), MQTT_SUCCESS);
    assert_true(connect.has_user_name);
    assert_false(connect.has_password);
    assert_int_equal(decode(&connect, "S'MQIsdp' 03 C2 003C S'c' 0009 'u'"), MQTT_MALFORMED);
    assert_int_equal(decode(&connect,
                             "S'MQIsdp' 03 C2 003C S'c'"
                             "S'a user name above twelve' S'and a password as well'"),
            MQTT_SUCCESS);
}

SPEC_TEST("MQTT311-1.5.3-1 MQTT5-1.5.4-1 MQTT311-3.1.3-4 MQTT5-3.1.3-4 MQTT311-3.1.3-10 "
          "MQTT5-3.1.3-11 MQTT311-3.1.3-11 MQTT5-3.1.3-12",
        texts_are_utf8_and_the_password_need_not_be)
{
    assert_int_equal(reason("10 0D S'MQTT' 04 02 003C 0001FF"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 003C 00 0003EDA080"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 06 003C S'c' 0002C328 S'x'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 82 003C S'c' 0001FF"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 04 C2 003C S'c' S'u' 0002FF00"), MQTT_SUCCESS);
    assert_int_equal(reason("10 RL S'MQTT' 04 06 003C S'c' S'w' 0002FF00"), MQTT_SUCCESS);
}

SPEC_TEST("MQTT311-4.7.1-1 MQTT5-4.7.0-1 MQTT5-3.1.3-11", a_will_topic_is_a_topic_name)
{
    assert_int_equal(reason("10 RL S'MQTT' 04 06 003C S'c' S'w/#' S'x'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(
            reason("10 RL S'MQTT' 05 06 003C 00 S'c' 00 S'w/+' S'x'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(
            reason("10 RL S'MQTT' 05 06 003C 00 S'c' 00 S'' S'x'"), MQTT_TOPIC_NAME_INVALID);
}

SPEC_TEST("U5-3.1.2.11-1 U5-3.1.2.11.3-1 U5-3.1.2.11.4-1 U5-3.1.2.11.6-1 U5-3.1.2.11.7-1 "
          "U5-3.1.2.11.10-1 U5-2.2.2-1 U5-3.1.3.2-1 U5-3.1.3.2-2",
        property_rules_hold_in_connect)
{
    assert_int_equal(reason("10 RL S'MQTT' 05 02 0000 03 210000 S'c'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 0000 06 210001 210001 S'c'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 0000 05 2700000000 S'c'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 0000 02 1902 S'c'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 0000 02 1702 S'c'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 0000 04 16000100 S'c'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 0000 03 230001 S'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("10 RL S'MQTT' 05 02 0000 (26 0001FF S'v') S'c'"), MQTT_MALFORMED);
    assert_int_equal(
            reason("10 RL S'MQTT' 05 06 0000 00 S'c' 04 01000100 S'w' S'x'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(
            reason("10 RL S'MQTT' 05 06 0000 00 S'c' 03 230001 S'w' S'x'"), MQTT_MALFORMED);
}

TEST(a_packet_is_made_of_its_fields)
{
    struct any_packet packet = {
        .type = MQTT_CONNECT,
        .version = MQTT_3_1_1,
        .as.connect = {
            .version = MQTT_3_1_1,
            .has_will = true,
            .has_user_name = true,
            .has_password = true,
            .keepalive_s = 60,
            .client_id = BYTES("c1"),
            .user_name = BYTES("u"),
            .password = BYTES("p"),
            .will = { .topic = BYTES("w"), .payload = BYTES("x"), .qos = 2 },
        },
    };

    sample_encodes(&packet, "10 RL S'MQTT' 04 D4 003C S'c1' S'w' S'x' S'u' S'p'");
    packet.as.connect.version = MQTT_3_1;
    packet.as.connect.clean_start = true;
    packet.as.connect.has_will = false;
    sample_encodes(&packet, "10 RL S'MQIsdp' 03 C2 003C S'c1' S'u' S'p'");
}
