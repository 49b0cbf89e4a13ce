/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stdio.h>

enum {
    MEMBERS = 3,
    MESSAGES = 300,
    LARGE_MESSAGES = 10,
    PAYLOAD_SIZE = 3, /* of a message that is counted: its number in digits */
    LIMIT_ROOM = 32,  /* bytes of a packet, for a small message */
};

/* ---- Filters ---- */

static void a_share_has_a_name(struct check *check)
{
    check_refuses_filters(check, "S'$share//~/a' 00 | S'$share//' 00 | S'$share//#' 01");
}

static void a_share_name_is_a_level_before_a_filter(struct check *check)
{
    check_refuses_filters(check,
            "S'$share/~g' 00 | S'$share/~g/' 00 | S'$share/+/~/a' 00 | "
            "S'$share/#' 00 | S'$share/#/~/a' 00 | S'$share/~+/~/a' 00 | "
            "S'$share/~#/~/a' 00 | S'$share/~g/~/a#' 00");
}

/* ---- To whom a message goes ---- */

struct tally {
    bool seen[MESSAGES];
    unsigned count;
};

static unsigned number_of(struct bytes packet)
{
    unsigned number = 0;

    for (size_t i = packet.size - PAYLOAD_SIZE; i < packet.size; i++)
        number = number * 10 + (unsigned)(packet.data[i] - '0');
    return number;
}

/* Takes all that a member has got at QoS 1, and acknowledges it. */
/* What a member is to get may come to any of them, so none is waited for alone. */
static int64_t patience_ends_ms(const struct check *check)
{
    return check_now_ms(check) + check_patience_ms(check);
}

static void tally_member(struct check *check, struct probe *member, struct tally *tally)
{
    struct bytes got;

    while ((got = probe_take_any(member)).size > 0) {
        const uint8_t *id = got.data + got.size - PAYLOAD_SIZE - 3;
        unsigned number = number_of(got);

        if (got.data[0] != 0x32 || number >= MESSAGES)
            check_fail(check, "the members get only what was published");
        if (tally->seen[number])
            check_fail(check, "message %u goes to one member, once", number);
        tally->seen[number] = true;
        tally->count++;
        probe_send(member, "40 02 %02x%02x", (unsigned)id[0], (unsigned)id[1]);
    }
}

static void each_message_goes_to_one_member(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *members[MEMBERS];
    struct tally tally = { 0 };
    int64_t until_ms;

    for (unsigned i = 0; i < MEMBERS; i++) {
        const char id[] = { '~', (char)('a' + i), '\0' };

        members[i] = probe_connected(check, id);
        probe_subscribes(members[i], "$share/~g/~/a", 1);
    }
    for (unsigned i = 0; i < MESSAGES; i++) {
        char payload[PAYLOAD_SIZE + 1];

        snprintf(payload, sizeof(payload), "%03u", i);
        probe_publishes(publisher, 2, "~/a", payload);
    }
    until_ms = patience_ends_ms(check);
    do {
        for (unsigned i = 0; i < MEMBERS; i++)
            tally_member(check, members[i], &tally);
    } while (tally.count < MESSAGES && check_now_ms(check) < until_ms);
    if (tally.count < MESSAGES)
        check_fail(check, "all %d messages go to a member; %u do", MESSAGES, tally.count);
    probes_expect_nothing(check);
}

/* Two members of one share and one of another: three subscriptions, two copies. */
static void each_share_gets_its_own_copy(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "$share/~g/~/a", 1);
    probe_subscribes(b, "$share/~h/~/#", 1);
    for (unsigned i = 0; i < 4; i++) {
        probe_publishes(publisher, 2, "~/a", "x");
        probe_receives(a, 0x32, "~/a", "x");
        probe_receives(b, 0x32, "~/a", "x");
    }
    probes_expect_nothing(check);
}

static void own_and_shared_subscriptions_are_independent(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 0);
    probe_subscribes(a, "$share/~g/~/a", 1);
    probe_publishes(b, 2, "~/a", "x");
    probe_expect_all(a, "30 RL S'~/a' 00 'x' | 32 RL S'~/a' id 00 'x'");
    probe_expect_nothing(a);
}

static void joining_again_changes_the_options(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "$share/~g/~/a", 0);
    probe_publishes(b, 2, "~/a", "1");
    probe_receives(a, 0x30, "~/a", "1");
    probe_subscribes(a, "$share/~g/~/a", 1);
    for (unsigned i = 0; i < 4; i++) {
        probe_publishes(b, 2, "~/a", "2");
        probe_receives(a, 0x32, "~/a", "2");
    }
    probe_send(a, "A2 RL 0001 00 S'$share/~g/~/a'");
    probe_expect(a, "B0 RL 0001 [P] 00");
    probe_publishes(b, 2, "~/a", "3");
    probe_expect_nothing(a);
}

/* ---- How it is delivered ---- */

/* Counts the PUBLISHes that have come; all have this first byte. */
static unsigned count_publishes(struct check *check, struct probe *probe, uint8_t first)
{
    struct bytes got;
    unsigned count = 0;

    for (; (got = probe_take_any(probe)).size > 0; count++) {
        if (got.data[0] != first)
            check_fail(check, "the member gets messages at the QoS granted to it");
    }
    return count;
}

static void delivery_has_the_qos_of_the_member(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *low = probe_connected(check, "~low");
    struct probe *high = probe_connected(check, "~high");
    unsigned count = 0;
    int64_t until_ms;

    probe_subscribes(low, "$share/~g/~/a", 1);
    probe_publishes(publisher, 4, "~/a", "1");
    probe_receives(low, 0x32, "~/a", "1");
    probe_subscribes(high, "$share/~g/~/a", 2);
    for (unsigned i = 0; i < 6; i++)
        probe_publishes(publisher, 4, "~/a", "2");
    until_ms = patience_ends_ms(check);
    do {
        count += count_publishes(check, low, 0x32);
        count += count_publishes(check, high, 0x34);
    } while (count < 6 && check_now_ms(check) < until_ms);
    if (count != 6)
        check_fail(check, "6 messages go to a member; %u do", count);
    probe_send(low, "A2 RL 0001 00 S'$share/~g/~/a'");
    probe_expect(low, "B0 RL 0001 [P] 00");
    probe_publishes(publisher, 4, "~/a", "3");
    probe_receives(high, 0x34, "~/a", "3");
}

/* The other member joins when the first one has got its message. */
static struct probe *late_member(struct check *check)
{
    struct probe *probe = probe_connected(check, "~late");

    probe_subscribes(probe, "$share/~g/~/a", 2);
    return probe;
}

static void qos_2_is_finished_with_its_member(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "$share/~g/~/a", 2);
    probe_publishes(publisher, 4, "~/a", "x");
    probe_expect(a, "34 RL S'~/a' id1 00 'x'");
    probe_send(a, "50 02 id1");
    probe_expect_ack(a, 0x62, probe_id(a, 1), "00");
    late_member(check);
    probe_cut(a);
    probes_expect_nothing(check);
    a = probe_resumed(check, "~a", true);
    probe_expect_ack(a, 0x62, probe_id(a, 1), "00");
    probe_send(a, "70 02 id1");
    probes_expect_nothing(check);
}

static void qos_2_is_sent_again_to_its_member(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "$share/~g/~/a", 2);
    probe_publishes(publisher, 4, "~/a", "x");
    probe_expect(a, "34 RL S'~/a' id1 00 'x'");
    late_member(check);
    probe_cut(a);
    probes_expect_nothing(check);
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "3C RL S'~/a' id1 00 'x'");
    probes_expect_nothing(check);
}

/* One session ends with its connection, the other by a clean start. */
static void qos_2_ends_with_the_session_of_its_member(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *a = probe_connected(check, "~a");
    struct probe *b;

    probe_subscribes(a, "$share/~g/~/a", 2);
    probe_publishes(publisher, 4, "~/a", "1");
    probe_expect(a, "34 RL S'~/a' id1 00 '1'");
    b = probe_resumed(check, "~b", false);
    probe_subscribes(b, "$share/~g/~/a", 2);
    probe_cut(a);
    probe_expect_nothing(b);
    probe_publishes(publisher, 4, "~/a", "2");
    probe_expect(b, "34 RL S'~/a' id2 00 '2'");
    late_member(check);
    probe_cut(b);
    probe_connected(check, "~b");
    probes_expect_nothing(check);
}

static void what_a_member_refuses_is_discarded(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "$share/~g/~/a", 2);
    probe_publishes(publisher, 2, "~/a", "1");
    probe_expect(a, "32 RL S'~/a' id1 00 '1'");
    probe_publishes(publisher, 4, "~/a", "2");
    probe_expect(a, "34 RL S'~/a' id2 00 '2'");
    late_member(check);
    probe_send(a, "40 03 id1 80 | 50 03 id2 97");
    probes_expect_nothing(check);
    probe_disconnects(a);
    probes_expect_nothing(check);
}

static void qos_1_of_an_ended_session_goes_to_another_member(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *a = probe_connected(check, "~a");
    struct probe *late;

    probe_subscribes(a, "$share/~g/~/a", 1);
    probe_publishes(publisher, 2, "~/a", "x");
    probe_expect(a, "32 RL S'~/a' id 00 'x'");
    late = late_member(check);
    probe_cut(a);
    probe_expect(late, "<32 3A> RL S'~/a' id 00 'x'");
}

/* The same up to the connection's end, for which it asks: what is on its way may come before. */
static unsigned count_until_gone(struct check *check, struct probe *probe, uint8_t first)
{
    unsigned count = count_publishes(check, probe, first);

    probe_send(probe, "E0 00");
    for (struct bytes got; (got = probe_take(probe)).size > 0; count++) {
        if (got.data[0] != first)
            check_fail(check, "the member gets messages at the QoS granted to it");
    }
    probe_expect_closed(probe);
    return count;
}

/* Either is right: that another member gets it, or that nobody does. */
static void what_is_too_large_for_a_member_is_not_sent_to_it(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    size_t limit = probe_connack(publisher).size + LIMIT_ROOM;
    struct probe *small = probe_connects(check, "02 0000 (27 %08zx) S'~small'", limit);
    struct probe *large = probe_connected(check, "~large");

    probe_subscribes(small, "$share/~g/~/a", 1);
    probe_subscribes(large, "$share/~g/~/a", 1);
    for (unsigned i = 0; i < LARGE_MESSAGES; i++) {
        probe_send(publisher, "32 RL S'~/a' 0001 00 {%zu}", limit);
        probe_expect_ack(publisher, 0x40, 1, "00 10");
    }
    if (count_until_gone(check, large, 0x32) > LARGE_MESSAGES)
        check_fail(check, "each message goes to one member, once");
    probe_publishes(publisher, 2, "~/a", "x");
    probe_receives(small, 0x32, "~/a", "x");
    probe_expect_nothing(small);
}

static const struct check_case cases[] = {
    { "MQTT5-4.8.2-1", CASE(a_share_has_a_name), NEED_SHARED },
    { "MQTT5-4.8.2-2", CASE(a_share_name_is_a_level_before_a_filter), NEED_SHARED },
    { "MQTT5-4.8.2-3", CASE(delivery_has_the_qos_of_the_member), NEED_SHARED },
    { "MQTT5-4.8.2-4", CASE(qos_2_is_finished_with_its_member), NEED_SHARED },
    { "MQTT5-4.8.2-4", CASE(qos_2_is_sent_again_to_its_member), NEED_SHARED },
    { "MQTT5-4.8.2-5", CASE(qos_2_ends_with_the_session_of_its_member), NEED_SHARED },
    { "MQTT5-4.8.2-6", CASE(what_a_member_refuses_is_discarded), NEED_SHARED },
    { "U5-3.1.2.11.4-3", CASE(what_is_too_large_for_a_member_is_not_sent_to_it), NEED_SHARED },
    { "U5-4.8.2-1", CASE(each_message_goes_to_one_member), NEED_SHARED },
    { "U5-4.8.2-1", CASE(each_share_gets_its_own_copy), NEED_SHARED },
    { "U5-4.8.2-2", CASE(qos_1_of_an_ended_session_goes_to_another_member), NEED_SHARED },
    { "U5-4.8.2-3", CASE(own_and_shared_subscriptions_are_independent), NEED_SHARED },
    { "U5-4.8.2-4", CASE(joining_again_changes_the_options), NEED_SHARED },
};

const struct check_chapter check_mqtt5_shared = CHAPTER("Shared subscriptions", MQTT_5_0, cases);
