/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <string.h>

enum {
    PUBACK = 0x40,
    PUBREC = 0x50,
    PUBCOMP = 0x70,
    SUBSCRIPTION_IDENTIFIER = 0x0B,
};

/* ---- DUP and QoS ---- */

static void what_is_sent_again_has_dup(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 2);
    probe_publishes(publisher, 2, "~/a", "1");
    probe_publishes(publisher, 4, "~/a", "2");
    probe_expect_all(a, "32 RL S'~/a' id1 00 '1' | 34 RL S'~/a' id2 00 '2'");
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    probe_expect_all(a, "3A RL S'~/a' id1 00 '1' | 3C RL S'~/a' id2 00 '2'");
}

static void qos_0_comes_without_dup(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    probe_send(publisher, "3A RL S'~/a' 0005 00 'x'");
    probe_expect_ack(publisher, PUBACK, 5, "00 10");
    probe_expect(a, "30 RL S'~/a' 00 'x'");
}

static void dup_of_the_publisher_is_not_forwarded(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 2);
    probe_send(publisher, "3A RL S'~/a' 0005 00 'x'");
    probe_expect_ack(publisher, PUBACK, 5, "00 10");
    probe_expect(a, "32 RL S'~/a' id 00 'x'");
    probe_send(publisher, "3C RL S'~/a' 0006 00 'y'");
    probe_expect_ack(publisher, PUBREC, 6, "00 10");
    probe_send(publisher, "62 02 0006");
    probe_expect_ack(publisher, PUBCOMP, 6, "00");
    probe_expect(a, "34 RL S'~/a' id 00 'y'");
}

static void each_qos_is_answered_in_its_way(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "30 RL S'~/a' 00 'x' | 32 RL S'~/a' 0005 00 'x'");
    probe_expect_ack(a, PUBACK, 5, "00 10");
    probe_send(a, "34 RL S'~/a' 0006 00 'x'");
    probe_expect_ack(a, PUBREC, 6, "00 10");
    probe_expect_nothing(a);
}

/* ---- The topic ---- */

static void topics_that_come_match_the_filter(struct check *check)
{
    static const char *const topics[] = { "~/a", "~/b", "~/a/b", "~/a/c", "~/a/b/c", "~/", "~" };
    static const struct {
        const char *filter;
        const char *matches; /* which of the topics */
    } rows[] = {
        { "~/a", "1000000" },
        { "~/+", "1100010" },
        { "~/+/b", "0010000" },
        { "~/a/+", "0011000" },
        { "~/a/#", "1011100" },
        { "~/#", "1111111" },
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *subscribers[ROWS];

    for (size_t i = 0; i < ROWS; i++) {
        subscribers[i] = probe_connects(check, "02 0000 00 S'~%zu'", i);
        probe_subscribes(subscribers[i], rows[i].filter, 0);
    }
    for (size_t topic = 0; topic < sizeof(topics) / sizeof(topics[0]); topic++) {
        probe_publishes(publisher, 2, topics[topic], "x");
        for (size_t i = 0; i < ROWS; i++) {
            if (rows[i].matches[topic] == '1')
                probe_expect(subscribers[i], "30 RL S'%s' 00 'x'", topics[topic]);
        }
    }
    probes_expect_nothing(check);
}

/* ---- Properties that are forwarded ---- */

/* The live message, the retained one and the Will each arrive with just these properties. */
static void is_forwarded(struct check *check, const char *properties)
{
    unsigned retain = check_target(check)->retain_available;
    struct probe *publisher =
            probe_connects(check, "06 0000 00 S'~publisher' (%s) S'~/will' S'bye'", properties);
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/+", 0);
    probe_send(publisher, "%02x RL S'~/a' 0001 (%s) 'x'", 0x32 | retain, properties);
    probe_expect_ack(publisher, PUBACK, 1, "00 10");
    probe_expect(a, "30 RL S'~/a' (%s) 'x'", properties);
    if (retain) {
        probe_send(a, "82 RL 0001 00 S'~/a' 00");
        probe_expect_all(a, "90 RL 0001 [P] 00 | 31 RL S'~/a' (%s) 'x'", properties);
    }
    probe_send(publisher, "E0 01 04");
    probe_expect(a, "30 RL S'~/will' (%s) 'bye'", properties);
}

static void payload_format_indicator_is_forwarded(struct check *check)
{
    is_forwarded(check, "01 01");
}

static void response_topic_is_forwarded(struct check *check)
{
    is_forwarded(check, "08 S'~/r/1'");
}

static void correlation_data_is_forwarded(struct check *check)
{
    is_forwarded(check, "09 0003 00FF01");
}

static void all_user_properties_are_forwarded(struct check *check)
{
    is_forwarded(check, "26 S'k' S'v' 26 S'k' S'v' 26 S'k' S'v'");
}

static void user_properties_keep_their_order(struct check *check)
{
    is_forwarded(check, "26 S'z' S'2' 26 S'a' S'3' 26 S'' S'' 26 S'a' S'1'");
}

static void content_type_is_forwarded(struct check *check)
{
    is_forwarded(check, "03 S'text/plain'");
}

/* ---- Message expiry ---- */

static void publishes_with(struct probe *probe, const char *properties, const char *payload)
{
    probe_send(probe, "32 RL S'~/a' 0001 (%s) '%s'", properties, payload);
    probe_expect_ack(probe, PUBACK, 1, "00 10");
}

static void what_expired_before_its_turn_is_dropped(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *live = probe_connected(check, "~live");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(live, "~/a", 0);
    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    publishes_with(publisher, "02 00000001", "1");
    publishes_with(publisher, "", "2");
    probe_expect(live, "30 RL S'~/a' (02 000000 <00 01>) '1' | 30 RL S'~/a' 00 '2'");
    check_wait(check, 2100);
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "32 RL S'~/a' id 00 '2'");
    probe_expect_nothing(a);
}

static void expiry_goes_down_by_the_time_waited(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *live = probe_connected(check, "~live");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(live, "~/a", 0);
    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    publishes_with(publisher, "02 0000000A", "x");
    probe_expect(live, "30 RL S'~/a' (02 000000 <09 0A>) 'x'");
    check_wait(check, 3000);
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "32 RL S'~/a' id (02 000000 <06 07 08>) 'x'");
}

/* ---- Payload format ---- */

static void payload_that_is_not_text_is_refused_or_forwarded(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    publishes_with(publisher, "01 01", "text");
    probe_expect(a, "30 RL S'~/a' (01 01) 'text'");
    probe_send(publisher, "32 RL S'~/a' 0001 (01 01) FF");
    switch (probe_expect_one(publisher, "40 RL 0001 99 * | E0 RL 99 * | 40 RL 0001 *")) {
    case 1:
        probe_expect_closed(publisher);
        break;
    case 2:
        probe_expect(a, "30 RL S'~/a' (01 01) FF");
        break;
    }
    probes_expect_nothing(check);
}

/* ---- Subscriptions that overlap ---- */

static void overlapping_subscriptions_get_the_highest_qos(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");
    unsigned copies[4] = { 0 };

    probe_subscribes(a, "~/#", 0);
    probe_subscribes(a, "~/b", 2);
    probe_subscribes(a, "~/+", 1);
    probe_publishes(publisher, 4, "~/b", "x");
    for (struct bytes got = probe_take(a); got.size > 0; got = probe_take_any(a)) {
        if (got.size < probe_size(a, "30 RL S'~/b' 00 'x'") || (got.data[0] & 0xF9) != 0x30)
            check_fail(check, "nothing but copies of the message comes");
        copies[got.data[0] >> 1 & 3]++;
    }
    if (copies[2] != 1 || copies[1] > 1 || copies[0] > 1)
        check_fail(check, "one copy has QoS 2, and at most one QoS 1 and one QoS 0");
}

static void subscribes_with_identifier(
        struct check *check, struct probe *probe, const char *filter, const char *identifier)
{
    if (!check_target(check)->identifiers)
        check_skip(check, "the server has no Subscription Identifiers");
    probe_send(probe, "82 RL 0001 (0B %s) S'%s' 00", identifier, filter);
    probe_expect(probe, "90 RL 0001 [P] 00");
}

static void identifiers_say_which_subscriptions_match(struct check *check)
{
    static const char *const copies[] = { "(0B 01)", "(0B 02)", "00" };
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");
    unsigned first;

    subscribes_with_identifier(check, a, "~/#", "01");
    subscribes_with_identifier(check, a, "~/b", "02");
    subscribes_with_identifier(check, a, "~/c", "03");
    probe_subscribes(a, "~/+", 0);
    probe_publishes(publisher, 2, "~/b", "x");
    /* One copy for all, or one for each. */
    first = probe_expect_one(a,
            "30 RL S'~/b' %s 'x' | 30 RL S'~/b' %s 'x' | 30 RL S'~/b' %s 'x' | "
            "30 RL S'~/b' (0B 01, 0B 02) 'x'",
            copies[0], copies[1], copies[2]);
    if (first < 3)
        probe_expect_all(a, "30 RL S'~/b' %s 'x' | 30 RL S'~/b' %s 'x'", copies[(first + 1) % 3],
                copies[(first + 2) % 3]);
    probe_expect_nothing(a);
}

static void the_same_identifier_stands_there_twice(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");

    subscribes_with_identifier(check, a, "~/#", "05");
    subscribes_with_identifier(check, a, "~/b", "05");
    probe_publishes(publisher, 2, "~/b", "x");
    if (probe_expect_one(a, "30 RL S'~/b' (0B 05, 0B 05) 'x' | 30 RL S'~/b' (0B 05) 'x'") == 1)
        probe_expect(a, "30 RL S'~/b' (0B 05) 'x'");
    probe_expect_nothing(a);
}

static void identifiers_have_up_to_four_bytes(struct check *check)
{
    static const char *const identifiers[] = { "01", "7F", "8001", "FF7F", "808001", "FFFF7F",
        "80808001", "FFFFFF7F" };
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");

    for (size_t i = 0; i < sizeof(identifiers) / sizeof(identifiers[0]); i++) {
        subscribes_with_identifier(check, a, "~/a", identifiers[i]);
        probe_publishes(publisher, 2, "~/a", "x");
        probe_expect(a, "30 RL S'~/a' (0B %s) 'x'", identifiers[i]);
    }
}

/* Takes what comes of a group's messages, each with this identifier alone; gives how many. */
static unsigned take_own(struct check *check, struct probe *probe, uint32_t identifier)
{
    size_t size = probe_size(probe, "30 RL S'~/a' (0B 01) 'x'");
    unsigned count = 0;

    for (struct bytes got; (got = probe_take_any(probe)).size > 0; count++) {
        uint32_t value = 0;

        if (!probe_property(got, SUBSCRIPTION_IDENTIFIER, &value) || value != identifier ||
                got.size != size)
            check_fail(check, "the member's own identifier alone is in the message");
    }
    return count;
}

static void members_of_a_group_see_their_own_identifier(struct check *check)
{
    enum { MESSAGES = 10 };
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    unsigned count = 0;
    int64_t until_ms;

    if (!check_target(check)->shared)
        check_skip(check, "the server has no Shared Subscriptions");
    subscribes_with_identifier(check, a, "$share/~g/~/a", "01");
    subscribes_with_identifier(check, b, "$share/~g/~/a", "02");
    for (unsigned i = 0; i < MESSAGES; i++)
        probe_publishes(publisher, 2, "~/a", "x");
    until_ms = check_now_ms(check) + check_patience_ms(check);
    do {
        count += take_own(check, a, 1) + take_own(check, b, 2);
    } while (count < MESSAGES && check_now_ms(check) < until_ms);
    if (count != MESSAGES)
        check_fail(check, "each message comes to one member of the group");
}

/* ---- Maximum Packet Size of the client ---- */

enum { PACKET_MAX = 100 };

static struct probe *connects_with_limit(struct check *check)
{
    return probe_connects(check, "02 0000 (21 0001 27 %08x) S'~limited'", PACKET_MAX);
}

/* A payload that is too large with any topic. */
struct too_large {
    char payload[PACKET_MAX + 1];
};

static struct too_large too_large(void)
{
    struct too_large text = { "" };

    memset(text.payload, 'x', PACKET_MAX);
    return text;
}

static void messages_over_the_limit_are_left_out(struct check *check)
{
    const struct too_large large = too_large();
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *limited = connects_with_limit(check);
    struct probe *other = probe_connected(check, "~other");

    probe_subscribes(limited, "~/a", 0);
    probe_subscribes(other, "~/a", 0);
    probe_publishes(publisher, 2, "~/a", large.payload);
    probe_publishes(publisher, 2, "~/a", "small");
    probe_expect(other, "30 RL S'~/a' 00 {%d} | 30 RL S'~/a' 00 'small'", PACKET_MAX);
    probe_expect(limited, "30 RL S'~/a' 00 'small'");
    probes_expect_nothing(check);
}

static void retained_messages_over_the_limit_are_left_out(struct check *check)
{
    const struct too_large large = too_large();
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *limited = connects_with_limit(check);

    if (!check_target(check)->retain_available)
        check_skip(check, "the server retains no messages");
    probe_publishes(publisher, 3, "~/a", large.payload);
    probe_publishes(publisher, 3, "~/b", "small");
    probe_send(limited, "82 RL 0001 00 S'~/+' 00");
    probe_expect_all(limited, "90 RL 0001 [P] 00 | 31 RL S'~/b' 00 'small'");
    probe_expect_nothing(limited);
}

/* The limit is what the server's CONNACK has: less would not let it say yes. */
static void the_last_word_keeps_to_the_limit(struct check *check)
{
    size_t size_max = probe_connack(probe_connected(check, "~a")).size;
    struct probe *a = probe_connects(check, "02 0000 (27 %08zx) S'~b'", size_max);
    struct bytes got;

    probe_send(a, "30 RL S'~/#' 00 'x'");
    got = probe_take(a);
    if (got.size > size_max)
        check_fail(check, "no packet has more than %zu bytes", size_max);
    probe_expect_closed(a);
}

/* There is none of less than five bytes. */
static void a_connack_keeps_to_the_limit(struct check *check)
{
    struct probe *a = probe_tries(check, "02 0000 (27 00000004) S'~a'");

    if (probe_take_any(a).size > 0)
        check_fail(check, "no packet has more than the 4 bytes that the client takes");
}

static void what_is_left_out_counts_as_delivered(struct check *check)
{
    const struct too_large large = too_large();
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *limited = connects_with_limit(check);

    probe_subscribes(limited, "~/a", 2);
    for (uint8_t flags = 2; flags <= 4; flags += 2) {
        probe_publishes(publisher, flags, "~/a", large.payload);
        probe_publishes(publisher, flags, "~/a", "small");
        probe_receives(limited, 0x30 | flags, "~/a", "small");
    }
    probe_expect_nothing(limited);
}

static void the_limit_counts_the_whole_packet(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *limited = connects_with_limit(check);
    size_t room = PACKET_MAX - probe_size(limited, "32 RL S'~/a' 0001 00");
    struct too_large text = too_large();

    probe_subscribes(limited, "~/a", 1);
    text.payload[room] = '\0';
    probe_publishes(publisher, 2, "~/a", text.payload);
    probe_receives(limited, 0x32, "~/a", text.payload);
    probe_send(publisher, "32 RL S'~/a' 0001 00 {%zu}", room + 1);
    probe_expect_ack(publisher, PUBACK, 1, "00 10");
    probe_expect_nothing(limited);
}

/* ---- The table ---- */

static const struct check_case cases[] = {
    { "MQTT5-3.3.1-1", CASE(what_is_sent_again_has_dup) },
    { "MQTT5-3.3.1-2", "dup_with_qos_0_is_malformed", .refused = "38 RL S'~/a' 00 'x'",
            .codes = "81 82" },
    { "MQTT5-3.3.1-2", CASE(qos_0_comes_without_dup) },
    { "MQTT5-3.3.1-3", CASE(dup_of_the_publisher_is_not_forwarded) },
    { "MQTT5-3.3.1-4", "qos_3_is_malformed",
            .refused = "36 RL S'~/a' 0005 00 'x' | 3E RL S'~/a' 0005 00 'x'", .codes = "81" },
    { "MQTT5-3.3.2-1", "a_publish_begins_with_a_topic",
            .refused = "30 00 | 30 02 0005 | 30 RL 0002 C328 00 'x'", .codes = "81" },
    { "MQTT5-3.3.2-2", "a_topic_has_no_wildcards",
            .refused = "30 RL S'~/#' 00 'x' | 30 RL S'~/+' 00 'x' | 30 RL S'~/+/a' 00 'x' | "
                       "30 RL S'~/a#' 00 'x' | 30 RL S'~/a+' 00 'x'",
            .codes = "90 81 82" },
    { "MQTT5-3.3.2-3", CASE(topics_that_come_match_the_filter) },
    { "MQTT5-3.3.2-4", CASE(payload_format_indicator_is_forwarded) },
    { "MQTT5-3.3.2-5", CASE(what_expired_before_its_turn_is_dropped) },
    { "MQTT5-3.3.2-6", CASE(expiry_goes_down_by_the_time_waited) },
    { "MQTT5-3.3.2-13", "a_response_topic_is_a_string", .refused = "30 RL S'~/a' (08 0001 FF) 'x'",
            .codes = "81" },
    { "MQTT5-3.3.2-14", "a_response_topic_has_no_wildcards",
            .refused = "30 RL S'~/a' (08 S'~/r/+') 'x' | 30 RL S'~/a' (08 S'~/#') 'x'",
            .codes = "90 81 82" },
    { "MQTT5-3.3.2-15", CASE(response_topic_is_forwarded) },
    { "MQTT5-3.3.2-16", CASE(correlation_data_is_forwarded) },
    { "MQTT5-3.3.2-17", CASE(all_user_properties_are_forwarded) },
    { "MQTT5-3.3.2-18", CASE(user_properties_keep_their_order) },
    { "MQTT5-3.3.2-19", "a_content_type_is_a_string", .refused = "30 RL S'~/a' (03 0001 FF) 'x'",
            .codes = "81" },
    { "MQTT5-3.3.2-20", CASE(content_type_is_forwarded) },
    { "U5-3.3.2.1-1", "an_empty_topic_without_alias_is_an_error", .refused = "30 RL 0000 00 'x'",
            .codes = "82" },
    { "U5-3.3.2.3-1", "a_property_of_publish_stands_there_once",
            .refused = "30 RL S'~/a' (01 00 01 00) 'x' | 30 RL S'~/a' (01 01 01 00) 'x' | "
                       "30 RL S'~/a' (02 00000001 02 00000001) 'x' | "
                       "30 RL S'~/a' (03 S't' 03 S't') 'x' | 30 RL S'~/a' (08 S't' 08 S't') 'x' | "
                       "30 RL S'~/a' (09 S't' 26 S'k' S'v' 09 S't') 'x'",
            .codes = "82" },
    { "U5-3.3.2.3.2-1", CASE(payload_that_is_not_text_is_refused_or_forwarded) },
    { "MQTT5-3.3.4-1", CASE(each_qos_is_answered_in_its_way) },
    { "MQTT5-3.3.4-2", CASE(overlapping_subscriptions_get_the_highest_qos) },
    { "MQTT5-3.3.4-3 MQTT5-3.3.4-4 MQTT5-3.3.4-5",
            CASE(identifiers_say_which_subscriptions_match) },
    { "MQTT5-3.3.4-4 MQTT5-3.3.4-5", CASE(the_same_identifier_stands_there_twice) },
    { "MQTT5-3.3.4-6 U5-3.3.2.3.8-1", "clients_publish_no_subscription_identifier",
            .refused = "30 RL S'~/a' (0B 01) 'x' | 30 RL S'~/a' (0B 00) 'x'", .codes = "82" },
    { "U5-3.3.2.3.8-1", CASE(identifiers_have_up_to_four_bytes) },
    { "U5-3.3.4-3", CASE(members_of_a_group_see_their_own_identifier) },
    { "MQTT5-3.1.2-24", CASE(messages_over_the_limit_are_left_out) },
    { "MQTT5-3.1.2-24", CASE(retained_messages_over_the_limit_are_left_out) },
    { "MQTT5-3.1.2-24", CASE(the_last_word_keeps_to_the_limit) },
    { "MQTT5-3.1.2-24", CASE(a_connack_keeps_to_the_limit) },
    { "MQTT5-3.1.2-25", CASE(what_is_left_out_counts_as_delivered) },
    { "MQTT5-3.1.2-24 U5-2.1.4-1", CASE(the_limit_counts_the_whole_packet) },
};

const struct check_chapter check_mqtt5_publish = CHAPTER("PUBLISH", MQTT_5_0, cases);
