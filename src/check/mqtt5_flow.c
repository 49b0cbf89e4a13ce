/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"
#include "check/chapters.h"
#include "check/probe.h"

#include <stdio.h>

enum {
    PUBACK = 0x40,
    PUBREC = 0x50,
    PUBREL = 0x62,
    PUBCOMP = 0x70,
};

/* ---- Receive Maximum of the client ---- */

/* A client whose session is kept, and that wants no more open at once. */
static struct probe *connects_with_window(struct check *check, unsigned receive_max)
{
    return probe_connects(check, "00 0000 (11 0000003C 21 %04x) S'~a'", receive_max);
}

/* Publishes '1', '2' .. to ~/a. */
static void publishes_many(struct probe *probe, uint8_t flags, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        char payload[16];

        snprintf(payload, sizeof(payload), "%u", i);
        probe_publishes(probe, flags, "~/a", payload);
    }
}

/* Nothing stands before the answer to a ping. */
static void answers_ping_at_once(struct probe *probe)
{
    probe_send(probe, "C0 00");
    probe_expect(probe, "D0 00");
}

static void the_next_comes_when_one_is_acknowledged(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = connects_with_window(check, 1);

    probe_subscribes(a, "~/a", 1);
    publishes_many(publisher, 2, 2);
    probe_expect(a, "32 RL S'~/a' id 00 '1'");
    probe_expect_nothing(a);
    probe_send(a, "40 02 id");
    probe_expect(a, "32 RL S'~/a' id 00 '2'");
}

static void no_more_are_open_than_the_client_wants(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = connects_with_window(check, 2);

    probe_subscribes(a, "~/a", 2);
    publishes_many(publisher, 4, 3);
    probe_expect(a, "34 RL S'~/a' id1 00 '1' | 34 RL S'~/a' id2 00 '2'");
    probe_expect_nothing(a);
    probe_send(a, "50 02 id2");
    probe_expect_ack(a, PUBREL, probe_id(a, 2), "00");
    probe_expect_nothing(a);
    probe_send(a, "70 02 id2");
    probe_expect(a, "34 RL S'~/a' id3 00 '3'");
}

/* The packet id of a PUBLISH of fewer than 128 bytes. */
static uint16_t publish_id(struct bytes packet)
{
    struct reader in = { .rest = bytes_from(packet, 2) };

    reader_bytes(&in, reader_u16(&in));
    return reader_u16(&in);
}

static void a_new_client_is_sent_as_many_as_it_wants(struct check *check)
{
    enum { MESSAGES = 50, RECEIVE_MAX = 10 };
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = connects_with_window(check, RECEIVE_MAX);
    uint16_t ids[RECEIVE_MAX];
    unsigned count = 0;

    probe_subscribes(a, "~/a", 1);
    publishes_many(publisher, 2, MESSAGES);
    for (struct bytes got = probe_take(a); got.size > 0; got = probe_take_any(a)) {
        if (got.data[0] != 0x32 || count == RECEIVE_MAX)
            check_fail(check, "client 2 gets at most %d messages", RECEIVE_MAX);
        ids[count++] = publish_id(got);
    }
    if (count == 0)
        check_fail(check, "client 2 gets at least one message");
    for (unsigned i = 0; i < count; i++)
        probe_send(a, "40 02 %04x", ids[i]);
    for (; count < MESSAGES; count++) {
        probe_expect(a, "32 RL S'~/a' id 00 '%u'", count + 1);
        probe_send(a, "40 02 id");
    }
    probe_expect_nothing(a);
}

static void every_end_of_an_exchange_makes_room(struct check *check)
{
    static const struct {
        uint8_t flags;
        bool received; /* a PUBREC comes before the end */
        const char *end;
    } rows[] = {
        { 2, false, "40 02 id" },
        { 2, false, "40 03 id 80" },
        { 4, false, "50 03 id 80" },
        { 4, false, "50 03 id 97" },
        { 4, true, "70 02 id" },
        { 4, true, "70 03 id 92" },
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = connects_with_window(check, 1);

    probe_subscribes(a, "~/a", 2);
    for (size_t i = 0; i < ROWS; i++)
        probe_publishes(publisher, rows[i].flags, "~/a", "x");
    for (size_t i = 0; i < ROWS; i++) {
        probe_expect(a, "%02x RL S'~/a' id 00 'x'", 0x30u | rows[i].flags);
        if (rows[i].received) {
            probe_send(a, "50 02 id");
            probe_expect_ack(a, PUBREL, probe_id(a, 0), "00");
        }
        answers_ping_at_once(a);
        probe_send(a, "%s", rows[i].end);
    }
    probe_expect_nothing(a);
}

static void an_exchange_from_before_makes_no_more_room(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = connects_with_window(check, 1);

    probe_subscribes(a, "~/a", 2);
    publishes_many(publisher, 4, 3);
    probe_expect(a, "34 RL S'~/a' id1 00 '1'");
    probe_send(a, "50 02 id1");
    probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
    probe_disconnects(a);
    a = connects_with_window(check, 1);
    probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
    probe_send(a, "70 02 id1");
    probe_expect(a, "34 RL S'~/a' id2 00 '2'");
    probe_expect_nothing(a);
    probe_send(a, "50 02 id2");
    probe_expect_ack(a, PUBREL, probe_id(a, 2), "00");
    probe_send(a, "70 02 id2");
    probe_expect(a, "34 RL S'~/a' id3 00 '3'");
}

static void what_is_sent_again_keeps_to_the_new_maximum(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = connects_with_window(check, 3);

    probe_subscribes(a, "~/a", 1);
    publishes_many(publisher, 2, 3);
    probe_expect(a,
            "32 RL S'~/a' id1 00 '1' | 32 RL S'~/a' id2 00 '2' | "
            "32 RL S'~/a' id3 00 '3'");
    probe_disconnects(a);
    a = connects_with_window(check, 1);
    for (unsigned i = 1; i <= 3; i++) {
        probe_expect(a, "3A RL S'~/a' id%u 00 '%u'", i, i);
        answers_ping_at_once(a);
        probe_send(a, "40 02 id%u", i);
    }
}

static void other_packets_are_answered_at_quota_zero(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = connects_with_window(check, 1);

    probe_subscribes(a, "~/a", 2);
    publishes_many(publisher, 4, 2);
    probe_expect(a, "34 RL S'~/a' id1 00 '1'");
    answers_ping_at_once(a);
    probe_send(a, "82 RL 0005 00 S'~/b' 00");
    probe_expect(a, "90 RL 0005 [P] 00");
    probe_send(a, "A2 RL 0006 00 S'~/b'");
    probe_expect(a, "B0 RL 0006 [P] 00");
    probe_publishes(a, 2, "~/c", "x");
    probe_publishes(a, 4, "~/c", "x");
    probe_send(a, "50 02 id1");
    probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
    answers_ping_at_once(a);
}

/* ---- Receive Maximum of the server ---- */

/* Has as many publishes open as the server allows: their PUBREL is still to be sent. */
static void opens_all(struct check *check, struct probe *probe)
{
    enum { PUBLISHES_MAX = 1000 };
    unsigned receive_max = check_target(check)->receive_max;

    if (receive_max > PUBLISHES_MAX)
        check_skip(check, "the server allows so many open publishes that it would take too long");
    for (unsigned i = 1; i <= receive_max; i++) {
        probe_send(probe, "34 RL S'~/a' %04x 00 'x'", i);
        probe_expect_ack(probe, PUBREC, (uint16_t)i, "00 10");
    }
}

static void one_open_publish_too_many_ends_the_connection(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    opens_all(check, a);
    probe_send(a, "34 RL S'~/a' 7000 00 'x'");
    probe_expect_end(a, "93");
}

static void at_quota_zero_the_client_may_send_all_else(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    opens_all(check, a);
    answers_ping_at_once(a);
    probe_subscribes(a, "~/b", 0);
    probe_send(a, "30 RL S'~/b' 00 'x'");
    probe_expect(a, "30 RL S'~/b' 00 'x'");
    probe_send(a, "A2 RL 7000 00 S'~/b'");
    probe_expect(a, "B0 RL 7000 [P] 00");
    probe_send(a, "62 02 0001");
    probe_expect_ack(a, PUBCOMP, 1, "00");
    probe_send(a, "32 RL S'~/a' 7000 00 'x'");
    probe_expect_ack(a, PUBACK, 0x7000, "00 10");
}

static void finished_publishes_are_open_no_more(struct check *check)
{
    unsigned receive_max = check_target(check)->receive_max;
    struct probe *a = probe_connected(check, "~a");

    opens_all(check, a);
    for (unsigned i = 1; i <= receive_max; i++) {
        probe_send(a, "62 02 %04x", i);
        probe_expect_ack(a, PUBCOMP, (uint16_t)i, "00");
    }
    publishes_many(a, 2, receive_max + 1);
    opens_all(check, a);
    probe_expect_nothing(a);
}

static void refused_publishes_are_open_no_more(struct check *check)
{
    unsigned receive_max = check_target(check)->receive_max;
    const char *topic = check_target(check)->denied_topic;
    struct probe *a = probe_connected(check, "~a");

    if (receive_max == 0)
        check_skip(check, "the server announces no Receive Maximum");
    for (unsigned i = 0; i <= receive_max; i++) {
        probe_send(a, "34 RL S'%s' 7001 00 'x'", topic);
        if (probe_expect_one(a, "50 RL 7001 <80 83 87 97> * | 50 RL 7001 * | E0 RL 87 *") > 0)
            check_skip(check, "the server does not tell by PUBREC that the publish is refused");
    }
    opens_all(check, a);
}

/* ---- The table ---- */

static const struct check_case cases[] = {
    { "MQTT5-3.3.4-7 U5-3.3.4-5", CASE(one_open_publish_too_many_ends_the_connection),
            NEED_RECEIVE_LIMIT },
    { "MQTT5-3.3.4-8", CASE(at_quota_zero_the_client_may_send_all_else), NEED_RECEIVE_LIMIT },
    { "MQTT5-3.3.4-9", CASE(no_more_are_open_than_the_client_wants) },
    { "MQTT5-3.3.4-9", CASE(what_is_sent_again_keeps_to_the_new_maximum) },
    { "MQTT5-3.3.4-10 MQTT5-4.9.0-3", CASE(other_packets_are_answered_at_quota_zero) },
    { "MQTT5-4.9.0-1", CASE(a_new_client_is_sent_as_many_as_it_wants) },
    { "MQTT5-4.9.0-2", CASE(the_next_comes_when_one_is_acknowledged) },
    { "U5-4.9-1", CASE(every_end_of_an_exchange_makes_room) },
    { "U5-4.9-1", CASE(an_exchange_from_before_makes_no_more_room) },
    { "U5-4.9-1", CASE(finished_publishes_are_open_no_more), NEED_RECEIVE_LIMIT },
    { "U5-4.9-1", CASE(refused_publishes_are_open_no_more), NEED_RIGHTS },
};

const struct check_chapter check_mqtt5_flow = CHAPTER("Flow control", MQTT_5_0, cases);
