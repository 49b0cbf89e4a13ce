/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

enum {
    PINGRESP = 0xD0,
    FILTERS_MAX = 256, /* in one packet */
    REQUEST_SIZE = FILTERS_MAX * 8,
    ANSWER_SIZE = FILTERS_MAX * 48,
};

/* Takes this one subscription back. */
static void unsubscribe(struct probe *probe, const char *filter)
{
    probe_send(probe, "A2 RL 0001 00 S'%s'", filter);
    probe_expect(probe, "B0 RL 0001 [P] 00");
}

/* ---- UNSUBACK ---- */

static void every_unsubscribe_is_answered(struct check *check)
{
    static const char *const rest[] = { "00 S'~/a'", "00 S'~/a'", "00 S'$SYS/~'", "00 S'~/b/c'",
        "(26 S'k' S'v') S'~/b'", "00 S'~/c' S'~/d'" };
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
        probe_send(a, "A2 RL 0001 %s", rest[i]);
        probe_expect(a, "B0 RL 0001 *");
    }
}

static void an_unsuback_has_the_id_of_its_unsubscribe(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    probe_send(a,
            "A2 RL ABCD 00 S'~/a' | A2 RL 0001 00 S'~/a' | A2 RL FFFF 00 S'~/b' | "
            "A2 RL 0100 00 S'~/c'");
    probe_expect_all(a,
            "B0 RL ABCD [P] .. | B0 RL 0001 [P] .. | B0 RL FFFF [P] .. | "
            "B0 RL 0100 [P] ..");
    probe_expect_nothing(a);
}

static void codes_of_an_unsuback_stand_in_the_order_of_filters(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    probe_subscribes(a, "~/d", 0);
    probe_send(a, "A2 RL 0001 00 S'~/b' S'~/a' S'~/c' S'~/d'");
    probe_expect(a, "B0 RL 0001 [P] 11 00 11 00");
}

static void an_unsuback_has_one_code_for_each_filter(struct check *check)
{
    static const unsigned counts[] = { 1, 3, 100 };
    struct probe *a = probe_connected(check, "~a");
    char request[REQUEST_SIZE];
    char answer[ANSWER_SIZE];

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        probe_subscribes(a, "~/a", 0);
        probe_send(a, "A2 RL 0001 00 %s",
                check_repeat(request, sizeof(request), "S'~/a' ", counts[i]));
        probe_expect(a, "B0 RL 0001 [P] %s",
                check_repeat(answer, sizeof(answer), "<00 11 80 83 87 8F 91>", counts[i]));
    }
}

/* The last filter is the first one again, which is no subscription any more. */
static void many_filters_end_as_many_subscriptions_with_one_answer(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 0);
    probe_subscribes(a, "~/b", 0);
    probe_send(a, "A2 RL 0001 00 S'~/a' S'~/b' S'~/c' S'~/a'");
    probe_expect(a, "B0 RL 0001 [P] 00 00 11 11");
    probe_publishes(b, 2, "~/a", "x");
    probe_publishes(b, 2, "~/b", "x");
    probe_expect_nothing(a);
}

/* Without properties the UNSUBACK is as large as the client allows, which is hardly more than the
 * server's CONNACK. */
static void an_unsuback_keeps_to_the_maximum_packet_size(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    unsigned count = (unsigned)probe_connack(b).size;
    char request[REQUEST_SIZE];
    char answer[ANSWER_SIZE];
    struct probe *a;

    if (count >= FILTERS_MAX)
        check_skip(check, "the server's CONNACK is larger than any UNSUBACK in this case");
    a = probe_connects(check, "02 0000 (27 %08zx) S'~a'",
            probe_size(b, "B0 RL 0001 00 %s", check_repeat(answer, sizeof(answer), " 11", count)));
    probe_send(a, "A2 RL 0001 (26 S'k' S'v') %s",
            check_repeat(request, sizeof(request), "S'~/a' ", count));
    probe_expect(a, "B0 RL 0001 00 %s", check_repeat(answer, sizeof(answer), " ..", count));
}

/* A client whose UNSUBSCRIBE has the id of a message that it has not released. */
static struct probe *one_that_takes_an_id_twice(struct check *check, const char *id)
{
    struct probe *probe = probe_connected(check, id);

    probe_subscribes(probe, "~/a", 0);
    probe_send(probe, "34 RL S'~/t' 0007 00 'x'");
    probe_expect_ack(probe, 0x50, 7, "00 10");
    probe_send(probe, "A2 RL 0007 00 S'~/a' S'~/b' S'~/c'");
    return probe;
}

/* A server may also take the request as it is, or end the connection for the client's error. */
static void an_id_in_use_is_said_for_each_filter(struct check *check)
{
    struct bytes got = probe_take(one_that_takes_an_id_twice(check, "~a"));

    if (got.size == 0 || got.data[0] == 0xE0)
        check_skip(check, "the server ends the connection of who takes a packet id twice");
    probe_expect_one(one_that_takes_an_id_twice(check, "~b"),
            "B0 RL 0007 [P] 91 91 91 | B0 RL 0007 [P] 00 11 11");
}

/* ---- What is compared, and what goes ---- */

/* At the subscription's QoS it is seen by which of them a message comes. */
static void filters_are_compared_by_their_characters(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a/+", 0);
    probe_subscribes(a, "~/a/b", 1);
    probe_send(a, "A2 RL 0001 00 S'~/a/#' S'~/a' S'~/a/B' S'~/+/b' S'~/a/b/'");
    probe_expect(a, "B0 RL 0001 [P] 11 11 11 11 11");
    unsubscribe(a, "~/a/b");
    probe_publishes(b, 2, "~/a/b", "1");
    probe_receives(a, 0x30, "~/a/b", "1");
    unsubscribe(a, "~/a/+");
    probe_publishes(b, 2, "~/a/b", "2");
    probe_expect_nothing(a);
}

static void a_shared_filter_is_compared_with_its_prefix(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "$share/~g/~/a", 1);
    probe_send(a, "A2 RL 0001 00 S'~/a' S'$share/~h/~/a'");
    probe_expect(a, "B0 RL 0001 [P] 11 11");
    probe_publishes(b, 2, "~/a", "1");
    probe_receives(a, 0x32, "~/a", "1");
    probe_subscribes(a, "~/a", 0);
    unsubscribe(a, "$share/~g/~/a");
    probe_publishes(b, 2, "~/a", "2");
    probe_receives(a, 0x30, "~/a", "2");
    probe_expect_nothing(a);
}

static void nothing_more_comes_after_the_unsuback(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 1);
    probe_publishes(b, 2, "~/a", "1");
    probe_receives(a, 0x32, "~/a", "1");
    unsubscribe(a, "~/a");
    probe_publishes(b, 0, "~/a", "2");
    probe_publishes(b, 2, "~/a", "3");
    probe_expect_nothing(a);
}

static void a_delivery_that_began_is_finished(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 2);
    probe_publishes(b, 4, "~/a", "x");
    probe_expect(a, "34 RL S'~/a' id1 00 'x'");
    unsubscribe(a, "~/a");
    probe_send(a, "50 02 id1");
    probe_expect_ack(a, 0x62, probe_id(a, 1), "00");
    probe_send(a, "70 02 id1");
    probe_expect_nothing(a);
}

static void a_delivery_that_began_is_resumed(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 2);
    probe_publishes(b, 2, "~/a", "1");
    probe_expect(a, "32 RL S'~/a' id1 00 '1'");
    probe_publishes(b, 4, "~/a", "2");
    probe_expect(a, "34 RL S'~/a' id2 00 '2'");
    unsubscribe(a, "~/a");
    probe_cut(a);
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "3A RL S'~/a' id1 00 '1' | 3C RL S'~/a' id2 00 '2'");
}

/* Message 2 waits when the subscription goes, so it may come or not. */
static void what_waited_may_come_and_nothing_new(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0000 (21 0001) S'~a'");
    struct probe *b = probe_connected(check, "~b");
    struct bytes got;
    bool answered = false;
    bool came = false;

    probe_subscribes(a, "~/a", 1);
    probe_publishes(b, 2, "~/a", "1");
    probe_publishes(b, 2, "~/a", "2");
    probe_expect(a, "32 RL S'~/a' id1 00 '1'");
    unsubscribe(a, "~/a");
    probe_publishes(b, 2, "~/a", "3");
    /* The answer tells that the server has taken the acknowledgement, however slow it is. */
    probe_send(a, "40 02 id1 | C0 00");
    while ((got = answered ? probe_take_any(a) : probe_take(a)).size > 0) {
        if (got.data[0] == PINGRESP) {
            answered = true;
            continue;
        }
        if (came || got.data[got.size - 1] != '2')
            check_fail(check, "message 2 comes, or nothing");
        came = true;
        probe_send(a, "40 02 %02x%02x", (unsigned)got.data[got.size - 4],
                (unsigned)got.data[got.size - 3]);
    }
    if (!answered)
        check_fail(check, "client 1 gets a PINGRESP");
    probe_expect_nothing(a);
}

/* ---- Shared subscriptions ---- */

static void who_leaves_a_share_gets_no_more_of_it(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    struct probe *publisher = probe_connected(check, "~p");

    probe_subscribes(a, "$share/~g/~/a", 1);
    probe_subscribes(b, "$share/~g/~/a", 1);
    unsubscribe(a, "$share/~g/~/a");
    for (unsigned i = 0; i < 4; i++) {
        probe_publishes(publisher, 2, "~/a", "x");
        probe_receives(b, 0x32, "~/a", "x");
    }
    unsubscribe(b, "$share/~g/~/a");
    probe_publishes(publisher, 2, "~/a", "y");
    probes_expect_nothing(check);
}

/* Message 2 waits for the member when it leaves: nobody who comes later gets it. */
static void the_last_who_leaves_a_share_ends_it(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0000 (21 0001) S'~a'");
    struct probe *b = probe_connected(check, "~b");
    struct probe *publisher = probe_connected(check, "~p");

    probe_subscribes(a, "$share/~g/~/a", 1);
    probe_publishes(publisher, 2, "~/a", "1");
    probe_publishes(publisher, 2, "~/a", "2");
    probe_expect(a, "32 RL S'~/a' id 00 '1'");
    unsubscribe(a, "$share/~g/~/a");
    probe_publishes(publisher, 2, "~/a", "3");
    probe_subscribes(b, "$share/~g/~/a", 1);
    probe_publishes(publisher, 2, "~/a", "4");
    probe_receives(b, 0x32, "~/a", "4");
    probes_expect_nothing(check);
}

static const struct check_case cases[] = {
    { "MQTT5-3.10.1-1", "unsubscribe_has_the_flags_0010",
            .refused = "A0 RL 0001 00 S'~/a' | A1 RL 0001 00 S'~/a' | A3 RL 0001 00 S'~/a' | "
                       "A4 RL 0001 00 S'~/a' | A6 RL 0001 00 S'~/a' | AA RL 0001 00 S'~/a' | "
                       "AF RL 0001 00 S'~/a'",
            .codes = "81" },
    { "MQTT5-3.10.3-1", "filters_to_unsubscribe_from_are_strings",
            .refused = "A2 RL 0001 00 0001 FF | A2 RL 0001 00 S'~/a' 0002 C328 | "
                       "A2 RL 0001 00 0003 EDA080",
            .codes = "81" },
    { "MQTT5-3.10.3-2", "unsubscribe_has_a_filter", .refused = "A2 RL 0001 00", .codes = "82 81" },
    { "MQTT5-3.10.4-1", CASE(filters_are_compared_by_their_characters), NEED_WILDCARD },
    { "MQTT5-3.10.4-1", CASE(a_shared_filter_is_compared_with_its_prefix), NEED_SHARED },
    { "MQTT5-3.10.4-2", CASE(nothing_more_comes_after_the_unsuback) },
    { "MQTT5-3.10.4-3", CASE(a_delivery_that_began_is_finished), NEED_QOS_2 },
    { "MQTT5-3.10.4-3", CASE(a_delivery_that_began_is_resumed), NEED_QOS_2 },
    { "MQTT5-3.10.4-4", CASE(every_unsubscribe_is_answered) },
    { "MQTT5-3.10.4-5", CASE(an_unsuback_has_the_id_of_its_unsubscribe) },
    { "MQTT5-3.10.4-6", CASE(many_filters_end_as_many_subscriptions_with_one_answer) },
    { "MQTT5-3.11.2-1 MQTT5-3.11.2-2", CASE(an_unsuback_keeps_to_the_maximum_packet_size) },
    { "MQTT5-3.11.3-1", CASE(codes_of_an_unsuback_stand_in_the_order_of_filters) },
    { "MQTT5-3.11.3-2", CASE(an_unsuback_has_one_code_for_each_filter) },
    { "U5-3.10.4-1", CASE(what_waited_may_come_and_nothing_new) },
    { "U5-3.10.4-2", CASE(who_leaves_a_share_gets_no_more_of_it), NEED_SHARED },
    { "U5-3.10.4-2", CASE(the_last_who_leaves_a_share_ends_it), NEED_SHARED },
    { "U5-3.11.3-1", CASE(an_id_in_use_is_said_for_each_filter), NEED_QOS_2 },
};

const struct check_chapter check_mqtt5_unsubscribe =
        CHAPTER("UNSUBSCRIBE and UNSUBACK", MQTT_5_0, cases);
