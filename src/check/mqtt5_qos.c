/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

enum {
    PUBACK = 0x40,
    PUBREC = 0x50,
    PUBREL = 0x62,
    PUBCOMP = 0x70,
};

/* A subscriber to ~/a at the highest QoS that takes so many open messages; its session goes on. */
static struct probe *subscriber(struct check *check, unsigned receive_max)
{
    struct probe *probe = probe_connects(check, "02 0000 (11 0000003C 21 %04x) S'~a'", receive_max);

    probe_subscribes(probe, "~/a", check_target(check)->maximum_qos);
    return probe;
}

/* The same client, back in its session. */
static struct probe *back(struct check *check)
{
    return probe_resumed(check, "~a", true);
}

/* ---- QoS 0 ---- */

/* Neither the DUP of its publisher nor what became of it before is passed on. */
static void qos_0_is_sent_without_dup(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 0);
    probe_publishes(b, 0, "~/a", "0");
    probe_receives(a, 0x30, "~/a", "0");
    probe_send(b, "3B RL S'~/a' 0005 00 '1'");
    probe_expect_ack(b, PUBACK, 5, "00");
    probe_receives(a, 0x30, "~/a", "1");
    probe_subscribes(a, "~/a", 0);
    probe_receives(a, 0x31, "~/a", "1");
}

/* ---- What QoS 1 and 2 have in common ---- */

/* A message is open until its last acknowledgement: after PUBREC, too. */
static void expect_ids_of_their_own(struct check *check, uint8_t flags)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");
    uint16_t open[10];

    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        probe_publishes(b, flags, "~/a", "x");
        probe_expect(a, "%02x RL S'~/a' id 00 'x'", 0x30u | flags);
        open[i] = probe_id(a, 0);
        for (size_t j = 0; j < i; j++) {
            if (open[i] == open[j])
                check_fail(check, "no two open messages have the same packet id");
        }
        if (flags == 4 && i % 2) {
            probe_send(a, "50 02 id");
            probe_expect_ack(a, PUBREL, open[i], "00");
        }
    }
}

/* Once from a publisher that says DUP, and once from the queue of a client that was away. */
static void expect_first_without_dup(struct check *check, uint8_t flags)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");

    probe_send(b, "%02x RL S'~/a' 0005 00 '1'", 0x38u | flags);
    probe_expect_ack(b, flags == 2 ? PUBACK : PUBREC, 5, "00");
    if (flags == 4) {
        probe_send(b, "62 02 0005");
        probe_expect_ack(b, PUBCOMP, 5, "00");
    }
    probe_receives(a, (uint8_t)(0x30 | flags), "~/a", "1");
    probe_disconnects(a);
    probe_publishes(b, flags, "~/a", "2");
    probe_receives(back(check), (uint8_t)(0x30 | flags), "~/a", "2");
}

/* With a Receive Maximum of 1 the second message would tell that the first one counts as done. The
 * server may answer an acknowledgement that it did not expect, or end the connection. */
static void expect_open_until_acknowledged(struct check *check, uint8_t flags, uint8_t type)
{
    struct probe *a = subscriber(check, 1);
    struct probe *b = probe_connected(check, "~b");
    struct bytes packet;

    probe_publishes(b, flags, "~/a", "1");
    probe_publishes(b, flags, "~/a", "2");
    probe_expect(a, "%02x RL S'~/a' id1 00 '1'", 0x30u | flags);
    probe_send(a, "%02x 02 %04x", (unsigned)type, (probe_id(a, 1) + 0x5555u) % 0xFFFF + 1);
    while ((packet = probe_take_any(a)).size > 0) {
        if (packet.data[0] >> 4 == 3)
            check_fail(check, "nothing is sent until the open message is acknowledged");
    }
    probe_cut(a);
    a = back(check);
    probe_expect(a, "%02x RL S'~/a' id1 00 '1' | %02x RL S'~/a' id2 00 '2'", 0x38u | flags,
            0x30u | flags);
}

/* ---- QoS 1 ---- */

static void open_messages_of_qos_1_have_their_own_ids(struct check *check)
{
    expect_ids_of_their_own(check, 2);
}

static void the_first_publish_of_qos_1_has_no_dup(struct check *check)
{
    expect_first_without_dup(check, 2);
}

static void qos_1_is_open_until_its_puback(struct check *check)
{
    expect_open_until_acknowledged(check, 2, PUBACK);
}

static void qos_1_is_answered_by_puback_with_its_id(struct check *check)
{
    static const uint16_t ids[] = { 1, 5, 0x1234, 0xFFFF };
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        probe_send(b, "32 RL S'~/a' %04x 00 'x'", (unsigned)ids[i]);
        probe_expect_ack(b, PUBACK, ids[i], "00");
        probe_receives(a, 0x32, "~/a", "x");
    }
}

static void after_puback_the_id_means_a_new_message(struct check *check)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");

    for (unsigned i = 0; i < 3; i++) {
        probe_send(b, "3A RL S'~/a' 0005 00 'x'");
        probe_expect_ack(b, PUBACK, 5, "00");
        probe_receives(a, 0x32, "~/a", "x");
    }
}

/* ---- QoS 2 from the server ---- */

static void open_messages_of_qos_2_have_their_own_ids(struct check *check)
{
    expect_ids_of_their_own(check, 4);
}

static void the_first_publish_of_qos_2_has_no_dup(struct check *check)
{
    expect_first_without_dup(check, 4);
}

static void qos_2_is_open_until_its_pubrec(struct check *check)
{
    expect_open_until_acknowledged(check, 4, PUBREC);
}

/* A PUBREC with a failure ends the exchange: the next message comes, and no PUBREL. */
static void pubrec_is_answered_by_pubrel_unless_it_fails(struct check *check)
{
    struct probe *a = subscriber(check, 1);
    struct probe *b = probe_connected(check, "~b");

    for (unsigned i = 1; i <= 3; i++)
        probe_publishes(b, 4, "~/a", "x");
    probe_expect(a, "34 RL S'~/a' id 00 'x'");
    probe_send(a, "50 02 id");
    probe_expect_ack(a, PUBREL, probe_id(a, 0), "00");
    probe_send(a, "70 02 id");
    probe_expect(a, "34 RL S'~/a' id 00 'x'");
    probe_send(a, "50 03 id 80");
    probe_expect(a, "34 RL S'~/a' id 00 'x'");
}

/* A client that has had PUBREL for id1 and was cut off, back in its session. */
static struct probe *back_after_pubrel(struct check *check)
{
    struct probe *a = subscriber(check, 100);

    probe_publishes(probe_connected(check, "~b"), 4, "~/a", "x");
    probe_expect(a, "34 RL S'~/a' id1 00 'x'");
    probe_send(a, "50 02 id1");
    probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
    probe_cut(a);
    return back(check);
}

static void pubrel_is_open_until_its_pubcomp(struct check *check)
{
    struct probe *a = back_after_pubrel(check);

    probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
    probe_send(a, "70 02 id1");
    probe_cut(a);
    probe_expect_nothing(back(check));
}

static void no_publish_follows_its_pubrel(struct check *check)
{
    struct probe *a = back_after_pubrel(check);
    struct bytes packet;

    while ((packet = probe_take_any(a)).size > 0) {
        if (packet.data[0] >> 4 == 3)
            check_fail(check, "the PUBLISH is not sent again after its PUBREL");
    }
}

static void what_was_sent_at_qos_2_does_not_expire(struct check *check)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");

    for (uint16_t id = 1; id <= 2; id++) {
        probe_send(b, "34 RL S'~/a' %04x (02 00000002) '%u'", (unsigned)id, (unsigned)id);
        probe_expect_ack(b, PUBREC, id, "00");
        probe_send(b, "62 02 %04x", (unsigned)id);
        probe_expect_ack(b, PUBCOMP, id, "00");
    }
    probe_expect(a, "34 RL S'~/a' id1 [P] '1' | 34 RL S'~/a' id2 [P] '2'");
    probe_send(a, "50 02 id2");
    probe_expect_ack(a, PUBREL, probe_id(a, 2), "00");
    probe_cut(a);
    check_wait(check, 3000);
    a = back(check);
    probe_expect_all(a, "3C RL S'~/a' id1 [P] '1' | 62 RL id2 *");
    probe_send(a, "50 02 id1 | 70 02 id2");
    probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
}

/* ---- QoS 2 to the server ---- */

static void qos_2_is_answered_by_pubrec_with_its_id(struct check *check)
{
    static const uint16_t ids[] = { 1, 5, 0x1234, 0xFFFF };
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        probe_send(b, "34 RL S'~/a' %04x 00 'x'", (unsigned)ids[i]);
        probe_expect_ack(b, PUBREC, ids[i], "00");
        probe_send(b, "62 02 %04x", (unsigned)ids[i]);
        probe_expect_ack(b, PUBCOMP, ids[i], "00");
        probe_receives(a, 0x34, "~/a", "x");
    }
}

static void after_a_refusal_the_id_means_a_new_message(struct check *check)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");
    struct bytes packet;

    probe_send(b, "34 RL S'%s' 0005 00 'x'", check_target(check)->denied_topic);
    packet = probe_take(b);
    if (packet.size < 5 || packet.data[0] != PUBREC || packet.data[4] < 0x80)
        check_skip(check, "the server does not refuse by PUBREC what may not be published");
    probe_send(b, "34 RL S'~/a' 0005 00 'x'");
    probe_expect_ack(b, PUBREC, 5, "00");
    probe_send(b, "62 02 0005");
    probe_expect_ack(b, PUBCOMP, 5, "00");
    probe_receives(a, 0x34, "~/a", "x");
}

/* Once on the same connection, and once on the next one. */
static void a_repeat_before_pubrel_is_not_delivered(struct check *check)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_resumed(check, "~b", false);

    probe_send(b, "34 RL S'~/a' 0005 00 'x'");
    probe_expect_ack(b, PUBREC, 5, "00");
    probe_send(b, "3C RL S'~/a' 0005 00 'x'");
    probe_expect_ack(b, PUBREC, 5, "00 10");
    probe_disconnects(b);
    b = probe_resumed(check, "~b", true);
    probe_send(b, "3C RL S'~/a' 0005 00 'x'");
    probe_expect_ack(b, PUBREC, 5, "00 10");
    probe_send(b, "62 02 0005");
    probe_expect_ack(b, PUBCOMP, 5, "00");
    probe_receives(a, 0x34, "~/a", "x");
    probe_expect_nothing(a);
}

/* Also where the id is not open, or no longer. */
static void pubrel_is_answered_by_pubcomp_with_its_id(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");

    probe_send(b, "34 RL S'~/a' 0005 00 'x'");
    probe_expect_ack(b, PUBREC, 5, "00 10");
    probe_send(b, "62 02 0006");
    probe_expect_ack(b, PUBCOMP, 6, "00 92");
    probe_send(b, "62 02 0005");
    probe_expect_ack(b, PUBCOMP, 5, "00");
    probe_send(b, "62 02 0005");
    probe_expect_ack(b, PUBCOMP, 5, "00 92");
}

static void after_pubcomp_the_id_means_a_new_message(struct check *check)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");

    for (unsigned i = 0; i < 3; i++) {
        probe_send(b, "3C RL S'~/a' 0005 00 'x'");
        probe_expect_ack(b, PUBREC, 5, "00");
        probe_send(b, "62 02 0005");
        probe_expect_ack(b, PUBCOMP, 5, "00");
        probe_receives(a, 0x34, "~/a", "x");
    }
}

static void qos_2_is_finished_though_it_has_expired(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");

    probe_send(b, "34 RL S'~/a' 0005 (02 00000001) 'x'");
    probe_expect_ack(b, PUBREC, 5, "00 10");
    check_wait(check, 2000);
    probe_send(b, "62 02 0005");
    probe_expect_ack(b, PUBCOMP, 5, "00");
}

/* ---- Sending again ---- */

static void only_a_resumed_session_is_sent_things_again(struct check *check)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");

    probe_publishes(b, 2, "~/a", "1");
    probe_publishes(b, 4, "~/a", "2");
    probe_publishes(b, 4, "~/a", "3");
    probe_expect_all(
            a, "32 RL S'~/a' id1 00 '1' | 34 RL S'~/a' id2 00 '2' | 34 RL S'~/a' id3 00 '3'");
    probe_send(a, "50 02 id3");
    probe_expect_ack(a, PUBREL, probe_id(a, 3), "00");
    check_wait(check, 3000);
    probe_expect_nothing(a);
    probe_cut(a);
    a = back(check);
    probe_expect_all(a, "3A RL S'~/a' id1 00 '1' | 3C RL S'~/a' id2 00 '2' | 62 RL id3 *");
    probe_expect_nothing(a);
}

/* With a Clean Start, and where the session ended with the connection. */
static void a_new_session_is_sent_nothing_again(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");

    for (unsigned clean = 0; clean < 2; clean++) {
        struct probe *a = probe_connects(check, "02 0000 (11 %08x) S'~a'", clean ? 60u : 0u);

        probe_subscribes(a, "~/a", 2);
        probe_publishes(b, 2, "~/a", "1");
        probe_publishes(b, 4, "~/a", "2");
        probe_expect_all(a, "32 RL S'~/a' id 00 '1' | 34 RL S'~/a' id 00 '2'");
        probe_disconnects(a);
        a = probe_connects(check, "%02x 0000 00 S'~a'", clean << 1);
        probe_expect_nothing(a);
    }
}

static void what_a_client_refuses_is_not_sent_again(struct check *check)
{
    struct probe *a = subscriber(check, 100);
    struct probe *b = probe_connected(check, "~b");

    probe_publishes(b, 2, "~/a", "1");
    probe_publishes(b, 4, "~/a", "2");
    probe_expect_all(a, "32 RL S'~/a' id1 00 '1' | 34 RL S'~/a' id2 00 '2'");
    probe_send(a, "40 03 id1 80 | 50 03 id2 97");
    probe_disconnects(a);
    probe_expect_nothing(back(check));
}

/* ---- Order ---- */

enum { BATCH = 10 };

static void publish_batch(struct probe *probe, unsigned from)
{
    for (unsigned i = from; i < from + BATCH; i++)
        probe_send(probe, "32 RL S'~/a' %04x 00 '%04u'", i, i);
    for (unsigned i = from; i < from + BATCH; i++)
        probe_expect_ack(probe, PUBACK, (uint16_t)i, "00");
}

/* One subscriber takes few at a time, so that messages have to wait. */
static void messages_keep_their_order(struct check *check)
{
    struct probe *a = subscriber(check, 3);
    struct probe *b = probe_connected(check, "~b");
    struct probe *c = probe_connected(check, "~c");

    probe_subscribes(c, "~/a", 1);
    for (unsigned from = 1; from < 1000; from += BATCH) {
        publish_batch(b, from);
        for (unsigned i = from; i < from + BATCH; i++) {
            probe_expect(a, "32 RL S'~/a' id 00 '%04u'", i);
            probe_send(a, "40 02 id");
            probe_expect(c, "32 RL S'~/a' id 00 '%04u'", i);
            probe_send(c, "40 02 id");
        }
    }
}

/* Across a reconnect: some were sent and not acknowledged, the others came meanwhile. Each topic is
 * ordered for itself. */
static void every_topic_keeps_its_order(struct check *check)
{
    enum { SENT = 6, ALL = 20 };
    static const char *const topics[] = { "~/a", "~/b" };
    struct probe *a = subscriber(check, SENT);
    struct probe *b = probe_connected(check, "~b");
    unsigned next[] = { 0, 1 };

    probe_subscribes(a, "~/b", 2);
    for (unsigned i = 0; i < ALL; i++) {
        char payload[] = { (char)('a' + i), '\0' };

        probe_publishes(b, 2, topics[i % 2], payload);
        if (i < SENT)
            probe_expect(a, "32 RL S'%s' id 00 '%s'", topics[i % 2], payload);
        if (i == SENT)
            probe_cut(a);
    }
    a = back(check);
    for (unsigned i = 0; i < ALL; i++) {
        unsigned topic =
                probe_expect_one(a, "<32 3A> RL S'~/a' id 00 '%c' | <32 3A> RL S'~/b' id 00 '%c'",
                        'a' + next[0], 'a' + next[1]);

        next[topic] += 2;
        probe_send(a, "40 02 id");
    }
    probe_expect_nothing(a);
}

static const struct check_case cases[] = {
    { "MQTT5-4.3.1-1", CASE(qos_0_is_sent_without_dup), NEED_RETAIN },
    { "MQTT5-4.3.2-1", CASE(open_messages_of_qos_1_have_their_own_ids) },
    { "MQTT5-4.3.2-2", CASE(the_first_publish_of_qos_1_has_no_dup) },
    { "MQTT5-4.3.2-3", CASE(qos_1_is_open_until_its_puback) },
    { "MQTT5-4.3.2-4", CASE(qos_1_is_answered_by_puback_with_its_id) },
    { "MQTT5-4.3.2-5", CASE(after_puback_the_id_means_a_new_message) },
    { "MQTT5-4.3.3-1", CASE(open_messages_of_qos_2_have_their_own_ids), NEED_QOS_2 },
    { "MQTT5-4.3.3-2", CASE(the_first_publish_of_qos_2_has_no_dup), NEED_QOS_2 },
    { "MQTT5-4.3.3-3", CASE(qos_2_is_open_until_its_pubrec), NEED_QOS_2 },
    { "MQTT5-4.3.3-4", CASE(pubrec_is_answered_by_pubrel_unless_it_fails), NEED_QOS_2 },
    { "MQTT5-4.3.3-5", CASE(pubrel_is_open_until_its_pubcomp), NEED_QOS_2 },
    { "MQTT5-4.3.3-6", CASE(no_publish_follows_its_pubrel), NEED_QOS_2 },
    { "MQTT5-4.3.3-7", CASE(what_was_sent_at_qos_2_does_not_expire), NEED_QOS_2 },
    { "MQTT5-4.3.3-8", CASE(qos_2_is_answered_by_pubrec_with_its_id), NEED_QOS_2 },
    { "MQTT5-4.3.3-9", CASE(after_a_refusal_the_id_means_a_new_message), NEED_RIGHTS },
    { "MQTT5-4.3.3-10", CASE(a_repeat_before_pubrel_is_not_delivered), NEED_QOS_2 },
    { "MQTT5-4.3.3-11", CASE(pubrel_is_answered_by_pubcomp_with_its_id), NEED_QOS_2 },
    { "MQTT5-4.3.3-12", CASE(after_pubcomp_the_id_means_a_new_message), NEED_QOS_2 },
    { "MQTT5-4.3.3-13", CASE(qos_2_is_finished_though_it_has_expired), NEED_QOS_2 },
    { "MQTT5-4.4.0-1", CASE(only_a_resumed_session_is_sent_things_again), NEED_QOS_2 },
    { "MQTT5-4.4.0-1", CASE(a_new_session_is_sent_nothing_again), NEED_QOS_2 },
    { "MQTT5-4.4.0-2", CASE(what_a_client_refuses_is_not_sent_again), NEED_QOS_2 },
    { "MQTT5-4.6.0-5", CASE(messages_keep_their_order) },
    { "MQTT5-4.6.0-6", CASE(every_topic_keeps_its_order) },
};

const struct check_chapter check_mqtt5_qos = CHAPTER("Quality of service", MQTT_5_0, cases);
