/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <string.h>

enum {
    PUBACK = 0x40,
    PUBREC = 0x50,
    PUBREL = 0x62,
    PUBCOMP = 0x70,
};

/* ---- Reason codes ---- */

/* That of a PUBACK, PUBREC, PUBREL or PUBCOMP; one that ends before it means 00. */
static uint8_t code_of(struct bytes packet)
{
    size_t at = packet.data[1] < 0x80 ? 4 : 5;

    return packet.size > at ? packet.data[at] : 0;
}

/* Publications without a subscriber, with one, and one that is refused: where the server ends the
 * connection instead, it gives no code. */
static void expect_codes_from_the_list(struct check *check, unsigned first, uint8_t type)
{
    static const uint8_t codes[] = { 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99 };
    const char *topics[] = { "~/nobody", "~/a", check_target(check)->denied_topic };
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]) && topics[i]; i++) {
        struct probe *b = probe_connected(check, "~b");
        struct bytes packet;

        probe_send(b, "%02x RL S'%s' 0005 00 'x'", first, topics[i]);
        packet = probe_take(b);
        if (packet.size > 0 && packet.data[0] == type &&
                !memchr(codes, code_of(packet), sizeof(codes)))
            check_fail(check, "%02x has a code of its list, not %02x", (unsigned)type,
                    (unsigned)code_of(packet));
    }
}

static void a_puback_has_a_code_of_its_list(struct check *check)
{
    expect_codes_from_the_list(check, 0x32, PUBACK);
}

static void a_pubrec_has_a_code_of_its_list(struct check *check)
{
    expect_codes_from_the_list(check, 0x34, PUBREC);
}

/* A PUBREC for an id that is not open may remain unanswered. */
static void a_pubrel_has_a_code_of_its_list(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct bytes packet;

    probe_subscribes(a, "~/a", 2);
    probe_publishes(probe_connected(check, "~b"), 4, "~/a", "x");
    probe_expect(a, "34 RL S'~/a' id 00 'x'");
    probe_send(a, "50 02 id");
    probe_expect_ack(a, PUBREL, probe_id(a, 0), "00 92");
    probe_send(a, "50 02 7ABC");
    packet = probe_take_any(a);
    if (packet.size > 0 && packet.data[0] == PUBREL && code_of(packet) != 0 &&
            code_of(packet) != 0x92)
        check_fail(check, "a PUBREL has the code 00 or 92");
}

static void a_pubcomp_has_a_code_of_its_list(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "62 02 0005");
    probe_expect_ack(a, PUBCOMP, 5, "00 92");
    probe_send(a, "34 RL S'~/a' 0005 00 'x'");
    probe_expect_ack(a, PUBREC, 5, "00 10");
    probe_send(a, "62 02 0005");
    probe_expect_ack(a, PUBCOMP, 5, "00 92");
}

/* ---- Maximum Packet Size ---- */

struct limited {
    struct probe *probe;
    size_t size_max;
};

/* A client that takes no packet larger than this one, or than its CONNACK where that is larger. */
static struct limited limited_to(struct check *check, const char *packet)
{
    struct probe *probe = probe_connected(check, "~limited");
    size_t size = probe_size(probe, "%s", packet);
    size_t connack = probe_connack(probe).size;
    struct limited limited = { .size_max = size > connack ? size : connack };

    probe_disconnects(probe);
    limited.probe = probe_connects(check, "02 0000 (27 %08zx) S'~limited'", limited.size_max);
    return limited;
}

static void expect_small(struct check *check, const struct limited *limited, struct bytes packet)
{
    if (packet.size > limited->size_max)
        check_fail(check, "no packet is larger than %zu bytes, the client's Maximum Packet Size",
                limited->size_max);
}

/* The answers to a message without a subscriber and to one that is refused, which has a reason. */
static void expect_small_answers(struct check *check, unsigned first)
{
    const char *topics[] = { "~/nobody", check_target(check)->denied_topic };

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]) && topics[i]; i++) {
        struct limited limited = limited_to(check, "40 03 0005 87");

        probe_send(limited.probe, "%02x RL S'%s' 0005 00 'x'", first, topics[i]);
        expect_small(check, &limited, probe_take(limited.probe));
    }
}

static void a_puback_keeps_to_the_maximum_packet_size(struct check *check)
{
    expect_small_answers(check, 0x32);
}

static void a_pubrec_keeps_to_the_maximum_packet_size(struct check *check)
{
    expect_small_answers(check, 0x34);
}

/* The answer to a PUBREC in its place and to one for an id that is not open, if there is any. */
static void a_pubrel_keeps_to_the_maximum_packet_size(struct check *check)
{
    struct limited limited = limited_to(check, "34 RL S'~/a' 0001 00");

    probe_subscribes(limited.probe, "~/a", 2);
    probe_publishes(probe_connected(check, "~b"), 4, "~/a", "");
    probe_expect(limited.probe, "34 RL S'~/a' id 00");
    probe_send(limited.probe, "50 02 id");
    expect_small(check, &limited, probe_take(limited.probe));
    limited = limited_to(check, "62 03 0005 92");
    probe_send(limited.probe, "50 02 7ABC");
    expect_small(check, &limited, probe_take_any(limited.probe));
}

static void a_pubcomp_keeps_to_the_maximum_packet_size(struct check *check)
{
    struct limited limited = limited_to(check, "70 03 0005 92");

    probe_send(limited.probe, "62 02 0005");
    expect_small(check, &limited, probe_take(limited.probe));
}

/* ---- Forms ---- */

static const char *const forms[] = { "02 id", "03 id 00", "04 id 00 00",
    "RL id 00 (1F S'all is well' 26 S'k' S'v')" };

enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

/* With a Receive Maximum of 1 the next message shows that the server has understood. */
static void acknowledgements_are_taken_in_each_form(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0000 (21 0001) S'~a'");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 2);
    for (size_t i = 0; i < FORMS; i++) {
        probe_publishes(b, 2, "~/a", "1");
        probe_publishes(b, 4, "~/a", "2");
        probe_expect(a, "32 RL S'~/a' id 00 '1'");
        probe_send(a, "40 %s", forms[i]);
        probe_expect(a, "34 RL S'~/a' id 00 '2'");
        probe_send(a, "50 %s", forms[i]);
        probe_expect_ack(a, PUBREL, probe_id(a, 0), "00");
        probe_send(a, "70 %s", forms[i]);
    }
    for (size_t i = 0; i < FORMS; i++) {
        probe_send(b, "34 RL S'~/b' id 00 'x'");
        probe_expect_ack(b, PUBREC, probe_id(b, 0), "00 10");
        probe_send(b, "62 %s", forms[i]);
        probe_expect_ack(b, PUBCOMP, probe_id(b, 0), "00");
    }
}

/* ---- Checks before success ---- */

/* Who has no right to publish is not told of success, and is not asked to go on. */
static void what_is_refused_is_not_acknowledged_with_success(struct check *check)
{
    static const unsigned firsts[] = { 0x32, 0x34 };

    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct probe *a = probe_connected(check, "~a");
        struct bytes packet;

        probe_send(a, "%02x RL S'%s' 0005 00 'x'", firsts[i], check_target(check)->denied_topic);
        packet = probe_take(a);
        if (packet.size > 0 && packet.data[0] >> 4 != 0xE && code_of(packet) < 0x80)
            check_fail(check, "what may not be published is refused");
    }
}

static const struct check_case cases[] = {
    { "MQTT5-3.4.2-1", CASE(a_puback_has_a_code_of_its_list) },
    { "MQTT5-3.4.2-2 MQTT5-3.4.2-3", CASE(a_puback_keeps_to_the_maximum_packet_size) },
    { "MQTT5-3.5.2-1", CASE(a_pubrec_has_a_code_of_its_list), NEED_QOS_2 },
    { "MQTT5-3.5.2-2 MQTT5-3.5.2-3", CASE(a_pubrec_keeps_to_the_maximum_packet_size), NEED_QOS_2 },
    { "MQTT5-3.6.1-1", "a_pubrel_has_the_flags_0010",
            .refused = "60 02 0005 | 61 02 0005 | 63 02 0005 | 64 02 0005 | 66 02 0005 | "
                       "6A 02 0005 | 6F 02 0005",
            .codes = "81" },
    { "MQTT5-3.6.2-1", CASE(a_pubrel_has_a_code_of_its_list), NEED_QOS_2 },
    { "MQTT5-3.6.2-1", "a_pubrel_with_another_code_is_an_error",
            .refused = "62 03 0005 81 | 62 04 0005 10 00", .codes = "81 82" },
    { "MQTT5-3.6.2-2 MQTT5-3.6.2-3", CASE(a_pubrel_keeps_to_the_maximum_packet_size), NEED_QOS_2 },
    { "MQTT5-3.7.2-1", CASE(a_pubcomp_has_a_code_of_its_list), NEED_QOS_2 },
    { "MQTT5-3.7.2-2 MQTT5-3.7.2-3", CASE(a_pubcomp_keeps_to_the_maximum_packet_size) },
    { "U5-3.4.2.1-1", CASE(acknowledgements_are_taken_in_each_form), NEED_QOS_2 },
    { "U5-3.4.2.2-1", "two_reason_strings_are_an_error",
            .refused = "40 RL 0005 00 (1F S'a' 1F S'b') | 50 RL 0005 00 (1F S'a' 1F S'b') | "
                       "62 RL 0005 00 (1F S'a' 1F S'b') | 70 RL 0005 00 (1F S'a' 1F S'b') | "
                       "E0 RL 00 (1F S'a' 1F S'b')",
            .codes = "82" },
    { "U5-4.3.3-1", CASE(what_is_refused_is_not_acknowledged_with_success), NEED_RIGHTS },
};

const struct check_chapter check_mqtt5_ack =
        CHAPTER("PUBACK, PUBREC, PUBREL and PUBCOMP", MQTT_5_0, cases);
