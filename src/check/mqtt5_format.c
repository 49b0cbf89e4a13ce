/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

enum {
    DISCONNECT = 0xE0,
    PUBACK = 0x40,
    PUBREC = 0x50,
    PUBREL = 0x62,
    PUBCOMP = 0x70,
    QOS_1 = 2,
    QOS_2 = 4,
    FAILURE = 0x80, /* reason codes from here on */
};

/* ---- Strings and lengths ---- */

static void a_byte_order_mark_is_an_ordinary_character(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 00 000d '~/' efbbbf 'a' 00 S'~/a' 00");
    probe_expect(a, "90 RL 0001 [P] 00 00");
    probe_send(a, "30 RL 000d '~/' efbbbf 'a' (03 0004 efbbbf 't' 26 0003 efbbbf 0003 efbbbf) 'x'");
    probe_expect(
            a, "30 RL 000d '~/' efbbbf 'a' (03 0004 efbbbf 't', 26 0003 efbbbf 0003 efbbbf) 'x'");
    probe_expect_nothing(a);
}

/* The server ends the connection; its answer was a DISCONNECT with this code, or nothing. */
static void expect_refusal(
        struct check *check, struct probe *probe, struct bytes answer, uint8_t code)
{
    if (answer.size > 0 &&
            (answer.data[0] != DISCONNECT || answer.size < 3 || answer.data[2] != code))
        check_fail(check, "it is cut off, at most with a DISCONNECT %02x before", (unsigned)code);
    probe_expect_closed(probe);
}

static void control_characters_are_delivered_or_refused(struct check *check)
{
    /* U+0001, U+007F, U+0080, U+FDD0 and U+FFFF. */
    static const char *const topics[] = { "000a '~/' 01", "000a '~/' 7f", "000b '~/' c280",
        "000c '~/' efb790", "000c '~/' efbfbf" };
    struct probe *witness = probe_connected(check, "~w");

    probe_subscribes(witness, "~/+", 0);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        struct probe *a = probe_connected(check, "~a");
        struct bytes answer;

        probe_send(a, "32 RL %s 0001 00 'x'", topics[i]);
        answer = probe_take(a);
        if (answer.size == 0 || answer.data[0] != PUBACK)
            expect_refusal(check, a, answer, 0x81);
        else if (answer.size == 4 || answer.data[4] < FAILURE)
            probe_expect(witness, "30 RL %s 00 'x'", topics[i]);
    }
    probe_expect_nothing(witness);
}

static void lengths_take_no_more_bytes_than_they_need(struct check *check)
{
    static const struct {
        const char *sent;
        const char *expected;
    } rows[] = {
        { "30 RL S'~/a' 00 {114}", "30 7f S'~/a' 00 {114}" },
        { "30 RL S'~/a' 00 {115}", "30 8001 S'~/a' 00 {115}" },
        { "30 RL S'~/a' (26 S'k' S{121})", "30 RL S'~/a' 7f 26 S'k' S{121}" },
        { "30 RL S'~/a' (26 S'k' S{122})", "30 RL S'~/a' 8001 26 S'k' S{122}" },
        { "30 RL S'~/a' 00 {16370}", "30 ff7f S'~/a' 00 {16370}" },
        { "30 RL S'~/a' 00 {16371}", "30 808001 S'~/a' 00 {16371}" },
    };
    uint32_t limit = check_target(check)->packet_max;
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (limit > 0 && probe_size(a, "%s", rows[i].sent) > limit)
            break;
        probe_send(a, "%s", rows[i].sent);
        probe_expect(a, "%s", rows[i].expected);
    }
}

static void subscription_identifiers_take_no_more_bytes_than_they_need(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 (0b 7f) S'~/a' 00 | 82 RL 0002 (0b 8001) S'~/b' 00");
    probe_expect(a, "90 RL 0001 [P] 00 | 90 RL 0002 [P] 00");
    probe_send(a, "30 RL S'~/a' 00 'x' | 30 RL S'~/b' 00 'x'");
    probe_expect_all(a, "30 RL S'~/a' 02 0b 7f 'x' | 30 RL S'~/b' 03 0b 8001 'x'");
}

static void a_packet_size_counts_the_fixed_header(struct check *check)
{
    /* 3 bytes of fixed header, 12 of topic and 1 of properties leave 184 of 200. */
    struct probe *a = probe_connects(check, "02 0000 (27 000000c8) S'~a'");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 0);
    probe_send(b, "32 RL S'~/a' 0001 00 {185} | 32 RL S'~/a' 0002 00 {184}");
    probe_expect(a, "30 RL S'~/a' 00 {184}");
}

/* ---- Flags of the fixed header ---- */

static void a_disconnect_with_wrong_flags_is_none(struct check *check)
{
    struct probe *a = probe_connects(check, "06 0000 00 S'~a' 00 S'~/w' S'bye'");
    struct probe *witness = probe_connected(check, "~w");

    probe_subscribes(witness, "~/w", 0);
    probe_send(a, "e1 00");
    probe_expect_end(a, "81");
    probe_expect(witness, "30 RL S'~/w' 00 'bye'");
}

/* ---- Packet identifiers ---- */

static void a_qos_0_publish_has_no_id(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    struct probe *publisher = probe_connected(check, "~p");

    probe_subscribes(a, "~/a", 0);
    probe_subscribes(b, "~/a", 1);
    probe_publishes(publisher, QOS_1, "~/a", "x");
    probe_expect(a, "30 RL S'~/a' 00 'x'");
    probe_receives(b, 0x32, "~/a", "x");
    probe_send(publisher, "30 RL S'~/a' 00 'y'");
    probe_expect(a, "30 RL S'~/a' 00 'y'");
    probe_expect(b, "30 RL S'~/a' 00 'y'");
}

enum { OPEN_COUNT = 8 };

/* Sends one more message, and gives the id with which it comes. */
static uint16_t next_id(struct probe *from, struct probe *to, uint8_t flags)
{
    probe_publishes(from, flags, "~/a", "x");
    probe_expect(to, "%02x RL S'~/a' id 00 'x'", 0x30u | flags);
    return probe_id(to, 0);
}

static void expect_distinct(struct check *check, const uint16_t ids[OPEN_COUNT])
{
    for (unsigned i = 0; i < OPEN_COUNT; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (ids[i] == ids[j])
                check_fail(check, "id %u is given to one message at a time", (unsigned)ids[i]);
        }
    }
}

static void open_messages_have_different_ids(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    uint16_t ids[OPEN_COUNT];

    probe_subscribes(b, "~/a", 2);
    for (unsigned i = 0; i < OPEN_COUNT; i++)
        ids[i] = next_id(a, b, i % 2 ? QOS_2 : QOS_1);
    expect_distinct(check, ids);
    for (unsigned i = 0; i < OPEN_COUNT; i += 2) {
        probe_send(b, "40 02 %04x", (unsigned)ids[i]);
        ids[i] = next_id(a, b, QOS_1);
        expect_distinct(check, ids);
    }
}

static void acknowledgements_repeat_the_id(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(a, "32 RL S'~/a' 1234 00 'x'");
    probe_expect_ack(a, PUBACK, 0x1234, "00 10");
    probe_send(a, "34 RL S'~/a' abcd 00 'x'");
    probe_expect_ack(a, PUBREC, 0xABCD, "00 10");
    probe_send(a, "62 02 abcd");
    probe_expect_ack(a, PUBCOMP, 0xABCD, "00");

    probe_subscribes(b, "~/a", 2);
    probe_publishes(a, QOS_2, "~/a", "x");
    probe_expect(b, "34 RL S'~/a' id 00 'x'");
    probe_send(b, "50 02 id");
    probe_expect_ack(b, PUBREL, probe_id(b, 0), "00");
}

static void suback_and_unsuback_repeat_the_id(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL abcd 00 S'~/a' 00");
    probe_expect(a, "90 RL abcd [P] 00");
    probe_send(a, "a2 RL abce 00 S'~/a'");
    probe_expect(a, "b0 RL abce [P] 00");
}

static void both_directions_have_ids_of_their_own(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    uint16_t id;

    probe_subscribes(a, "~/a", 2);
    probe_publishes(b, QOS_2, "~/a", "x");
    probe_expect(a, "34 RL S'~/a' id 00 'x'");
    id = probe_id(a, 0);
    probe_send(a, "34 RL S'~/b' %04x 00 'y'", (unsigned)id);
    probe_expect_ack(a, PUBREC, id, "00 10");
    probe_send(a, "50 02 %04x", (unsigned)id);
    probe_expect_ack(a, PUBREL, id, "00");
    probe_send(a, "62 02 %04x", (unsigned)id);
    probe_expect_ack(a, PUBCOMP, id, "00");
    probe_send(a, "70 02 %04x", (unsigned)id);
    probe_expect_nothing(a);
}

/* The server need not notice it: then both exchanges go their way. */
static void a_subscribe_with_the_id_of_an_open_publish_does_not_end_it(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct bytes answer;

    probe_send(a, "34 RL S'~/a' 0007 00 'x'");
    probe_expect_ack(a, PUBREC, 7, "00 10");
    probe_send(a, "82 RL 0007 00 S'~/b' 00");
    answer = probe_take(a);
    if (answer.size == 0 || answer.data[0] == DISCONNECT) {
        expect_refusal(check, a, answer, 0x82);
        return;
    }
    if (answer.data[0] != 0x90 || (answer.data[answer.size - 1] | 0x91) != 0x91)
        check_fail(check, "SUBACK says 00 or 91");
    probe_send(a, "62 02 0007");
    probe_expect_ack(a, PUBCOMP, 7, "00");
}

static void an_acknowledged_id_is_free_again(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 0);
    for (unsigned round = 0; round < 2; round++) {
        probe_send(a, "32 RL S'~/a' 0005 00 'one'");
        probe_expect_ack(a, PUBACK, 5, "00");
        probe_send(a, "34 RL S'~/a' 0005 00 'two'");
        probe_expect_ack(a, PUBREC, 5, "00");
        probe_send(a, "62 02 0005");
        probe_expect_ack(a, PUBCOMP, 5, "00");
        probe_send(a, "82 RL 0005 00 S'~/b' 00");
        probe_expect(a, "90 RL 0005 [P] 00");
        probe_send(a, "a2 RL 0005 00 S'~/b'");
        probe_expect(a, "b0 RL 0005 [P] 00");
        probe_expect(b, "30 RL S'~/a' 00 'one' | 30 RL S'~/a' 00 'two'");
    }
}

static void a_refused_publish_leaves_its_id_free(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    struct bytes answer;

    probe_subscribes(b, "~/a", 0);
    probe_send(a, "34 RL S'%s' 0005 00 'x'", check_target(check)->denied_topic);
    answer = probe_take(a);
    if (answer.size <= 4 || answer.data[0] != PUBREC || answer.data[4] < FAILURE)
        check_skip(check, "the server does not refuse a PUBLISH by PUBREC");
    probe_send(a, "34 RL S'~/a' 0005 00 'y'");
    probe_expect_ack(a, PUBREC, 5, "00");
    probe_send(a, "62 02 0005");
    probe_expect_ack(a, PUBCOMP, 5, "00");
    probe_expect(b, "30 RL S'~/a' 00 'y'");
}

/* ---- Properties and reason codes ---- */

static void a_packet_without_properties_says_so(struct check *check)
{
    struct probe *a = probe_tries(check, "02 0000 00 S'~a'");

    probe_expect(a, "20 RL 00 00 [P]");
    probe_send(a, "82 RL 0001 00 S'~/a' 00");
    probe_expect(a, "90 RL 0001 [P] 00");
    probe_send(a, "30 RL S'~/a' 00 'x'");
    probe_expect(a, "30 RL S'~/a' 00 'x'");
    probe_send(a, "a2 RL 0002 00 S'~/a'");
    probe_expect(a, "b0 RL 0002 [P] 00");
}

static void properties_come_in_any_order(struct check *check)
{
    static const struct {
        const char *connect;
        const char *publish;
    } rows[] = {
        { "(11 00000000 17 01 19 00 21 000a 22 0000 26 S'k' S'v' 27 00010000)",
                "(01 01 03 S'text' 08 S'~/r' 09 S'c' 26 S'k' S'v')" },
        { "(27 00010000 26 S'k' S'v' 22 0000 21 000a 19 00 17 01 11 00000000)",
                "(26 S'k' S'v' 09 S'c' 08 S'~/r' 03 S'text' 01 01)" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct probe *a = probe_connects(check, "02 0000 %s S'~a'", rows[i].connect);

        probe_subscribes(a, "~/a", 0);
        probe_send(a, "30 RL S'~/a' %s 'x'", rows[i].publish);
        probe_expect(a, "30 RL S'~/a' (01 01, 03 S'text', 08 S'~/r', 09 S'c', 26 S'k' S'v') 'x'");
        probe_disconnects(a);
    }
}

static void codes_from_80_on_mean_failure(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 2);
    probe_publishes(a, QOS_2, "~/a", "x");
    probe_expect(b, "34 RL S'~/a' id 00 'x'");
    probe_send(b, "50 03 id 80 | c0 00");
    probe_expect(b, "d0 00");
    probe_publishes(a, QOS_2, "~/a", "y");
    probe_expect(b, "34 RL S'~/a' id 00 'y'");
    probe_send(b, "50 03 id 00");
    probe_expect_ack(b, PUBREL, probe_id(b, 0), "00");
}

/* ---- The cases ---- */

/* Surrogates, overlong forms, above U+10FFFF, cut short, out of place. */
#define WITH_EACH(before, after)                                                                   \
    before "000c '~/' eda080" after "|" before "000b '~/' c0af" after "|" before                   \
           "000c '~/' e080af" after "|" before "000d '~/' f08080af" after "|" before               \
           "000d '~/' f4908080" after "|" before "000a '~/' ff" after "|" before                   \
           "000a '~/' c3" after "|" before "000b '~/' c328" after "|" before "000a '~/' 80" after

static const struct check_case cases[] = {
    { "MQTT5-1.5.4-1", "ill_formed_topics_and_client_ids_are_malformed",
            .refused = WITH_EACH("30 RL", "00 'x'"),
            .refused_first = WITH_EACH("10 RL S'MQTT' 05 02 0000 00", ""), .codes = "81" },
    { "MQTT5-1.5.4-1", "ill_formed_strings_of_any_field_are_malformed",
            .refused = "82 RL 0001 00 000b '~/' c328 00 | a2 RL 0001 00 000b '~/' c328 |"
                       "30 RL S'~/a' (03 0002 c328) 'x' | 30 RL S'~/a' (08 000b '~/' c328) 'x'",
            .codes = "81" },
    { "MQTT5-1.5.4-2", "a_string_with_u_0000_is_malformed",
            .refused = "30 RL 000b '~/' 6100 00 'x' | 30 RL S'~/a' (03 0001 00) 'x' |"
                       "82 RL 0001 00 000b '~/' 0061 00 | a2 RL 0001 00 000b '~/' 0061",
            .refused_first = "10 RL S'MQTT' 05 02 0000 00 000a '~' 6100", .codes = "81" },
    { "MQTT5-1.5.4-3", CASE(a_byte_order_mark_is_an_ordinary_character) },
    { "U5-1.5.4-1", CASE(control_characters_are_delivered_or_refused) },
    { "MQTT5-1.5.5-1", CASE(lengths_take_no_more_bytes_than_they_need) },
    { "MQTT5-1.5.5-1", CASE(subscription_identifiers_take_no_more_bytes_than_they_need),
            .need = NEED_IDENTIFIER },
    { "MQTT5-1.5.5-1", "a_length_of_more_bytes_than_needed_is_malformed",
            .refused = "c0 8000 | 30 RL S'~/a' 8000 'x' | 82 RL 0001 (0b 8100) S'~/a' 00",
            .refused_first = "10 9600 S'MQTT' 05 02 0000 00 S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 8000 S'~a'",
            .codes = "81" },
    { "U5-1.5.5-1", "a_length_of_five_bytes_is_malformed",
            .refused = "30 8080808001 | 30 RL S'~/a' 8080808000 'x' |"
                       "82 RL 0001 (0b 8080808001) S'~/a' 00",
            .refused_first = "10 8080808001 S'MQTT' 05 02 0000 00 S'~a'", .codes = "81" },
    { "MQTT5-1.5.7-1", "both_halves_of_a_pair_are_strings",
            .refused = "30 RL S'~/a' (26 0001 ff S'v') 'x' | 30 RL S'~/a' (26 S'k' 0001 ff) 'x' |"
                       "30 RL S'~/a' (26 0001 00 S'v') 'x' | 30 RL S'~/a' (26 S'k' 0001 00) 'x'",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (26 0001 ff S'v') S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (26 S'k' 0001 ff) S'~a'",
            .codes = "81" },
    { "MQTT5-2.1.3-1", "reserved_flags_that_are_wrong_are_malformed",
            .refused = "42 02 0001 | 51 02 0001 | 60 02 0001 | 71 02 0001 | c1 00 | c8 00 |"
                       "80 RL 0001 00 S'~/a' 00 | 83 RL 0001 00 S'~/a' 00 |"
                       "a0 RL 0001 00 S'~/a' | ab RL 0001 00 S'~/a'",
            .refused_first = "11 RL S'MQTT' 05 02 0000 00 S'~a' |"
                             "18 RL S'MQTT' 05 02 0000 00 S'~a'",
            .codes = "81" },
    { "MQTT5-2.1.3-1", CASE(a_disconnect_with_wrong_flags_is_none) },
    { "U5-2.1.4-1", CASE(a_packet_size_counts_the_fixed_header) },
    { "MQTT5-2.2.1-2", CASE(a_qos_0_publish_has_no_id) },
    { "MQTT5-2.2.1-3", "a_packet_id_of_0_is_refused",
            .refused = "82 RL 0000 00 S'~/a' 00 | a2 RL 0000 00 S'~/a' | 32 RL S'~/a' 0000 00 'x'",
            .codes = "81 82" },
    { "MQTT5-2.2.1-3", "a_packet_id_of_0_is_refused_with_qos_2_too",
            .refused = "34 RL S'~/a' 0000 00 'x'", .codes = "81 82", .need = NEED_QOS_2 },
    { "MQTT5-2.2.1-4", CASE(open_messages_have_different_ids), .need = NEED_QOS_2 },
    { "MQTT5-2.2.1-5", CASE(acknowledgements_repeat_the_id), .need = NEED_QOS_2 },
    { "MQTT5-2.2.1-6", CASE(suback_and_unsuback_repeat_the_id) },
    { "U5-2.2.1-1", CASE(both_directions_have_ids_of_their_own), .need = NEED_QOS_2 },
    { "U5-2.2.1-1", CASE(a_subscribe_with_the_id_of_an_open_publish_does_not_end_it),
            .need = NEED_QOS_2 },
    { "U5-2.2.1-2", CASE(an_acknowledged_id_is_free_again), .need = NEED_QOS_2 },
    { "U5-2.2.1-2", CASE(a_refused_publish_leaves_its_id_free), .need = NEED_RIGHTS },
    { "MQTT5-2.2.2-1", CASE(a_packet_without_properties_says_so) },
    { "MQTT5-2.2.2-1", "a_packet_without_a_property_length_is_malformed",
            .refused = "30 RL S'~/a' | 82 RL 0001 S'~/a' 00 | a2 RL 0001 S'~/a'",
            .refused_first = "10 RL S'MQTT' 05 02 0000 S'~a'", .codes = "81" },
    { "U5-2.2.2-1", "a_property_of_another_packet_is_malformed",
            .refused = "30 RL S'~/a' (11 00000001) 'x' | 30 RL S'~/a' (21 0001) 'x' |"
                       "82 RL 0001 (23 0001) S'~/a' 00 | a2 RL 0001 (0b 01) S'~/a' |"
                       "40 RL 0001 00 (11 00000001) | e0 RL 00 (21 0001)",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (23 0001) S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (12 S'x') S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (1f S'x') S'~a'",
            .codes = "81" },
    { "U5-2.2.2-1", "an_unknown_property_is_malformed",
            .refused = "30 RL S'~/a' (00) 'x' | 30 RL S'~/a' (2b 00) 'x' |"
                       "82 RL 0001 (7f 00) S'~/a' 00 | a2 RL 0001 (8001 00) S'~/a'",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (00) S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (04 01) S'~a'",
            .codes = "81" },
    { "U5-2.2.2-1", "a_property_that_runs_past_its_end_is_malformed",
            .refused = "30 RL S'~/a' 7f 'x' | 30 RL S'~/a' (02 0001) 'x' |"
                       "30 RL S'~/a' (26 S'k') 'x' | 82 RL 0001 7f S'~/a' 00",
            .refused_first = "10 RL S'MQTT' 05 02 0000 7f S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (21 01) S'~a'",
            .codes = "81" },
    { "U5-2.2.2-2", CASE(properties_come_in_any_order) },
    { "U5-2.4-1", CASE(codes_from_80_on_mean_failure), .need = NEED_QOS_2 },
};

const struct check_chapter check_mqtt5_format =
        CHAPTER("Strings, lengths and flags", MQTT_5_0, cases);
