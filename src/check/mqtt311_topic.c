/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/mqtt3.h"
#include "check/probe.h"

#include <stddef.h>

enum {
    TOPICS_MAX = 4,      /* for one filter */
    PACKETS_MAX = 10000, /* that are looked at on a server that others use */
    TOPIC_SIZE_MAX = 65535,
    PIECES = 100, /* messages in a stream that is cut anywhere */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Filters ---- */

/* Retained messages of others may stand before the SUBACK. */
static void expect_grants(struct check *check, const char *const *filters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct probe *a = probe_connected(check, "~a");
        struct bytes packet = { 0 };

        probe_send(a, "82 RL 0001 S'%s' 00", filters[i]);
        for (unsigned j = 0; j < PACKETS_MAX; j++) {
            packet = probe_take(a);
            if (mqtt3_topic(packet).size == 0)
                break;
        }
        if (!bytes_equal(packet, BYTES("\x90\x03\x00\x01\x00")))
            check_fail(check, "a subscription to '%s' is granted", filters[i]);
    }
}

static void a_number_sign_may_be_the_last_level(struct check *check)
{
    static const char *const filters[] = { "#", "~/#", "~/a/#", "+/~/#", "/~/#" };

    expect_grants(check, filters, COUNT(filters));
}

static void a_plus_sign_may_be_any_level(struct check *check)
{
    static const char *const filters[] = { "+", "+/~", "~/+/+", "~/+/a", "/+/~", "~/+/#" };

    expect_grants(check, filters, COUNT(filters));
}

static void wildcards_match_levels(struct check *check)
{
    static const struct {
        const char *filter;
        const char *topics[TOPICS_MAX]; /* that match */
        const char *others[TOPICS_MAX];
    } rows[] = {
        { "~/a/#", { "~/a", "~/a/", "~/a/b/c" }, { "~/ab", "~", "~/b" } },
        { "~/#", { "~", "~/", "~//" }, { "x~/a", "~x" } },
        { "~/+", { "~/a", "~/" }, { "~", "~/a/b", "~//" } },
        { "~/+/c", { "~/b/c", "~//c" }, { "~/c", "~/b/d/c", "~/b/c/" } },
        { "+/~", { "/~", "a/~" }, { "~", "a/b/~" } },
        { "~/+/+/#", { "~/a/b", "~//", "~/a/b/c/d" }, { "~/a" } },
        { "~/a", { "~/a" }, { "~/a/", "~/A", "/~/a", "~/a/b" } },
    };
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    for (size_t i = 0; i < COUNT(rows); i++) {
        probe_subscribes(b, rows[i].filter, 0);
        for (size_t j = 0; j < TOPICS_MAX && rows[i].others[j]; j++)
            probe_publishes(a, 2, rows[i].others[j], "other");
        for (size_t j = 0; j < TOPICS_MAX && rows[i].topics[j]; j++) {
            probe_publishes(a, 2, rows[i].topics[j], "x");
            probe_receives(b, 0x30, rows[i].topics[j], "x");
        }
        probe_send(b, "A2 RL 0001 S'%s'", rows[i].filter);
        probe_expect(b, "B0 02 0001");
    }
    probe_expect_nothing(b);
}

/* ---- Names ---- */

/* A server may rewrite the name, but only to one that the filter matches. */
static void a_delivered_name_matches_the_filter(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    struct bytes topic;
    unsigned separators = 0;

    probe_subscribes(b, "~/+/c", 0);
    probe_publishes(a, 2, "~/b/d", "other");
    probe_publishes(a, 2, "~/b/c", "x");
    probe_expect(b, "30 .. 00 .. '~/' *");
    probe_publishes(a, 2, "~/b/c", "x");
    topic = mqtt3_topic(probe_take(b));
    for (size_t i = 0; i < topic.size; i++)
        separators += topic.data[i] == '/';
    if (separators != 2 || !bytes_equal(bytes_from(topic, topic.size - 2), BYTES("/c")))
        check_fail(check, "client 2 gets a PUBLISH whose topic matches '~/+/c'");
    probe_expect_nothing(b);
}

static void the_longest_name_goes_through(struct check *check)
{
    const unsigned rest = TOPIC_SIZE_MAX - CHECK_NAME_SIZE - 1;
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 %04x '~/' {%u} 00", (unsigned)TOPIC_SIZE_MAX, rest);
    probe_expect(a, "90 03 0001 00");
    probe_send(a, "30 RL %04x '~/' {%u} 'x'", (unsigned)TOPIC_SIZE_MAX, rest);
    probe_expect(a, "30 RL %04x '~/' {%u} 'x'", (unsigned)TOPIC_SIZE_MAX, rest);
}

/* Among them letters that are the same to a reader: U+00E9, and an 'e' with U+0301. */
static void names_are_compared_byte_by_byte(struct check *check)
{
    static const char *const names[] = { "000A '~/a'", "000A '~/A'", "000B '~/' C3A9",
        "000C '~/e' CC81", "000B '~/a '", "000C '~/a' C2A0" };
    struct probe *a = probe_connected(check, "~a");

    for (size_t i = 0; i < COUNT(names); i++) {
        struct probe *b = probe_connected(check, "~b");

        probe_send(b, "82 RL 0001 %s 00", names[i]);
        probe_expect(b, "90 03 0001 00");
        for (size_t j = 0; j < COUNT(names); j++) {
            probe_send(a, "32 RL %s 0001 '%zu'", names[j], j);
            probe_expect(a, "40 02 0001");
        }
        probe_expect(b, "30 RL %s '%zu'", names[i], i);
        probe_disconnects(b);
    }
}

/* ---- The server's own topics ---- */

static void clients_do_not_talk_by_topics_of_the_server(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(b, "82 RL 0001 S'$SYS/~/a' 00");
    probe_expect(b, "90 03 0001 <00 80>");
    probe_send(a, "32 RL S'$SYS/~/a' 0001 'x'");
    probe_expect_or_closed(a, "40 02 0001");
    probe_expect_nothing(b);
}

/* ---- The ground ---- */

/* What any client does, and nothing that only this server knows. */
static void a_client_needs_no_more_than_the_standard(struct check *check)
{
    struct probe *a = probe_connects(check, "02 003C S'~a'");

    probe_send(a, "82 RL 0001 S'~/a' 00 S'~/+' 02 S'~/b' 01");
    probe_expect(a, "90 05 0001 00 02 01");
    for (unsigned qos = 0; qos <= 2; qos++) {
        struct probe *b = probe_connects(check, "02 003C S'~b'");

        probe_publishes(b, (uint8_t)(qos << 1), "~/c", "x");
        probe_receives(a, (uint8_t)(0x30 | qos << 1), "~/c", "x");
        probe_disconnects(b);
    }
    probe_send(a, "A2 RL 0002 S'~/a' S'~/+' S'~/b'");
    probe_expect(a, "B0 02 0002");
    probe_send(a, "C0 00");
    probe_expect(a, "D0 00");
    probe_disconnects(a);
}

/* A stream has no boundaries: packets come in parts, and many at once. */
static void the_transport_is_a_stream(struct check *check)
{
    static const char *const pieces[] = { "C0", "00 C0", "00", "30", "0D 00", "0A '~/'", "'a'",
        "'x' C0", "00" };
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    for (size_t i = 0; i < COUNT(pieces); i++)
        probe_send(a, "%s", pieces[i]);
    probe_expect_all(a, "D0 00 | D0 00 | D0 00 | 30 RL S'~/a' 'x'");
    for (unsigned i = 0; i < PIECES; i++)
        probe_send(a, "30 RL S'~/a' {%u}", i * 10);
    for (unsigned i = 0; i < PIECES; i++)
        probe_expect(a, "30 RL S'~/a' {%u}", i * 10);
}

static const struct check_case cases[] = {
    { "MQTT311-4.7.1-1", "wildcards_in_a_name_are_refused",
            .refused_first = "10 RL S'MQTT' 04 06 0000 S'~c' S'~/w/#' S'bye' |"
                             "10 RL S'MQTT' 04 06 0000 S'~c' S'~/+/w' S'bye'",
            .refused =
                    "30 RL S'~/a/#' 'x' | 30 RL S'~/+/a' 'x' | 30 RL S'+' 'x' | 30 RL S'#' 'x'" },
    { "MQTT311-4.7.1-2", CASE(a_number_sign_may_be_the_last_level) },
    { "MQTT311-4.7.1-2", "a_number_sign_elsewhere_is_refused",
            .refused = "82 RL 0001 S'~/a#' 00 | 82 RL 0001 S'#/~' 00 | 82 RL 0001 S'~/#/b' 00 |"
                       "82 RL 0001 S'~/##' 00 | 82 RL 0001 S'~/#a' 00 | 82 RL 0001 S'~/#/' 00" },
    { "MQTT311-4.7.1-3", CASE(a_plus_sign_may_be_any_level) },
    { "MQTT311-4.7.1-3", "a_plus_sign_beside_others_is_refused",
            .refused = "82 RL 0001 S'~/a+' 00 | 82 RL 0001 S'+~' 00 | 82 RL 0001 S'~/+b/c' 00 |"
                       "82 RL 0001 S'~/++' 00 | 82 RL 0001 S'~/+#' 00" },
    { "U311-4.7.1-a", CASE(wildcards_match_levels) },
    { "MQTT311-3.3.2-3 U311-3.3.2-a", CASE(a_delivered_name_matches_the_filter) },
    { "MQTT311-4.7.2-1", "wildcards_match_no_topic_of_the_server",
            mqtt3_wildcards_leave_out_topics_of_the_server, NEED_STATUS },
    { "U311-4.7.2-a", CASE(clients_do_not_talk_by_topics_of_the_server) },
    { "MQTT311-4.7.3-1", "an_empty_name_or_filter_is_refused",
            .refused_first = "10 RL S'MQTT' 04 06 0000 S'~c' S'' S'bye'",
            .refused = "30 RL S'' 'x' | 32 RL S'' 0001 'x' | 82 RL 0001 S'' 00 | A2 RL 0001 S''" },
    { "MQTT311-4.7.3-2", "a_nul_in_a_name_or_filter_is_refused",
            .refused_first = "10 RL S'MQTT' 04 06 0000 S'~c' 000C '~/w' 00 'x' S'bye'",
            .refused = "30 RL 000C '~/a' 00 'b' 'x' | 82 RL 0001 000B '~/a' 00 00 |"
                       "A2 RL 0001 000B '~/' 00 'a'" },
    { "MQTT311-4.7.3-3", CASE(the_longest_name_goes_through) },
    { "MQTT311-4.7.3-4", CASE(names_are_compared_byte_by_byte) },
    { "MQTT311-7.0.0-2", CASE(a_client_needs_no_more_than_the_standard) },
    { "MQTT311-7.1.1-1", CASE(the_transport_is_a_stream) },
};

const struct check_chapter check_mqtt311_topic = CHAPTER("Topics", MQTT_3_1_1, cases);
