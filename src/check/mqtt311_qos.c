/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stddef.h>

enum {
    BATCH = 10,  /* messages on their way at once */
    MANY = 1000, /* messages in all */
};

/* ---- Packet ids ---- */

static void an_id_may_be_used_again_when_it_is_acknowledged(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 0);
    for (unsigned i = 0; i < 2; i++) {
        probe_send(a, "32 RL S'~/a' 0007 'one'");
        probe_expect(a, "40 02 0007");
        probe_send(a, "34 RL S'~/a' 0007 'two'");
        probe_expect(a, "50 02 0007");
        probe_send(a, "62 02 0007");
        probe_expect(a, "70 02 0007");
        probe_send(a, "82 RL 0007 S'~/b' 00");
        probe_expect(a, "90 03 0007 00");
        probe_send(a, "A2 RL 0007 S'~/b'");
        probe_expect(a, "B0 02 0007");
        probe_expect(b, "30 RL S'~/a' 'one' | 30 RL S'~/a' 'two'");
    }
}

/* Three messages are open; the first is acknowledged, and the others come again. */
static void the_server_keeps_to_its_ids(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    probe_publishes(b, 2, "~/a", "1");
    probe_publishes(b, 2, "~/a", "2");
    probe_publishes(b, 2, "~/a", "3");
    probe_expect(a, "32 RL S'~/a' id1 '1' | 32 RL S'~/a' id2 '2' | 32 RL S'~/a' id3 '3'");
    if (probe_id(a, 1) == probe_id(a, 2) || probe_id(a, 2) == probe_id(a, 3) ||
            probe_id(a, 1) == probe_id(a, 3))
        check_fail(check, "open exchanges have packet ids of their own");
    probe_send(a, "40 02 id1 | C0 00");
    probe_expect(a, "D0 00");
    probe_cut(a);
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "<32 3A> RL S'~/a' id2 '2' | <32 3A> RL S'~/a' id3 '3'");
    probe_expect_nothing(a);
}

static void qos_0_has_no_packet_id(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 2);
    probe_send(a, "30 RL S'~/a' 'x'");
    probe_expect(a, "30 0D S'~/a' 'x'");
}

static void acknowledgements_bear_the_id_of_the_publish(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 2);
    probe_send(a, "32 RL S'~/a' 1234 'x'");
    probe_expect(a, "40 02 1234");
    probe_expect(b, "32 RL S'~/a' id 'x'");
    probe_send(a, "34 RL S'~/a' FFFF 'x'");
    probe_expect(a, "50 02 FFFF");
    probe_send(a, "62 02 FFFF");
    probe_expect(a, "70 02 FFFF");
    probe_expect(b, "34 RL S'~/a' id1 'x'");
    probe_send(b, "50 02 id1");
    probe_expect(b, "62 02 id1");
}

static void requests_are_answered_with_their_id(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL ABCD S'~/a' 00 | A2 RL ABCE S'~/a' | 82 RL FFFF S'~/a' 00");
    probe_expect_all(a, "90 03 ABCD 00 | B0 02 ABCE | 90 03 FFFF 00");
}

/* ---- QoS 0 ---- */

static void a_delivery_of_qos_0_has_no_dup(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 0);
    probe_send(a, "3A RL S'~/a' 0001 'one' | 3A RL S'~/a' 0002 'two'");
    probe_expect(a, "40 02 0001 | 40 02 0002");
    probe_expect(b, "30 RL S'~/a' 'one' | 30 RL S'~/a' 'two'");
}

/* ---- QoS 1 ---- */

static void a_message_of_qos_1_is_open_until_its_puback(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    probe_publishes(b, 2, "~/a", "x");
    probe_expect(a, "32 RL S'~/a' id1 'x'");
    probe_send(a, "40 02 %04x", (unsigned)(probe_id(a, 1) ^ 0x4000));
    probe_cut(a);
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "<32 3A> RL S'~/a' id1 'x'");
    probe_send(a, "40 02 id1");
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    probe_publishes(b, 2, "~/a", "y");
    probe_receives(a, 0x32, "~/a", "y");
}

static void after_its_puback_an_id_means_a_new_message(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 0);
    for (unsigned i = 0; i < 2; i++) {
        probe_send(a, "3A RL S'~/a' 0005 'x'");
        probe_expect(a, "40 02 0005");
        probe_expect(b, "<30 38> RL S'~/a' 'x'");
    }
    probes_expect_nothing(check);
}

/* ---- QoS 2 ---- */

static void a_message_of_qos_2_goes_on_where_it_stopped(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 2);
    probe_publishes(b, 4, "~/a", "x");
    probe_expect(a, "34 RL S'~/a' id1 'x'");
    probe_cut(a);
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "<34 3C> RL S'~/a' id1 'x'");
    probe_send(a, "50 02 id1");
    probe_expect(a, "62 02 id1");
    probe_cut(a);
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "62 02 id1");
    probe_expect_nothing(a);
    probe_send(a, "70 02 id1");
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    probe_expect_nothing(a);
}

static void a_message_of_qos_2_is_taken_once(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 0);
    for (unsigned i = 0; i < 2; i++) {
        probe_send(a, "34 RL S'~/a' 0005 'x'");
        probe_expect(a, "50 02 0005");
        probe_send(a, "3C RL S'~/a' 0005 'x'");
        probe_expect(a, "50 02 0005");
        probe_send(a, "62 02 0005");
        probe_expect(a, "70 02 0005");
        probe_expect(b, "<30 38> RL S'~/a' 'x'"); /* DUP is another statement. */
    }
    probes_expect_nothing(check);
}

static void a_pubrel_is_answered_even_if_nothing_is_open(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "62 02 0009");
    probe_expect(a, "70 02 0009");
}

/* ---- Sent again ---- */

static void all_that_is_open_is_sent_again_after_a_break(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 2);
    probe_publishes(b, 4, "~/a", "released");
    probe_expect(a, "34 RL S'~/a' id1 'released'");
    probe_send(a, "50 02 id1");
    probe_expect(a, "62 02 id1");
    probe_publishes(b, 4, "~/a", "two");
    probe_expect(a, "34 RL S'~/a' id2 'two'");
    probe_publishes(b, 2, "~/a", "one");
    probe_expect(a, "32 RL S'~/a' id3 'one'");
    probe_cut(a);
    a = probe_resumed(check, "~a", true);
    probe_expect_all(a, "62 02 id1 | <34 3C> RL S'~/a' id2 'two' | <32 3A> RL S'~/a' id3 'one'");
    probe_expect_nothing(a);
}

static void what_is_sent_again_keeps_its_order(struct check *check)
{
    static const char *const payloads[] = { "1", "2", "3", "4", "5" };
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    for (unsigned i = 0; i < 5; i++) {
        probe_publishes(b, 2, "~/a", payloads[i]);
        probe_expect(a, "32 RL S'~/a' id%u '%s'", i + 1, payloads[i]);
    }
    probe_cut(a);
    a = probe_resumed(check, "~a", true);
    for (unsigned i = 0; i < 5; i++)
        probe_expect(a, "<32 3A> RL S'~/a' id%u '%s'", i + 1, payloads[i]);
}

/* ---- Order ---- */

static void pubacks_come_in_the_order_of_the_messages(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "32 RL S'~/a' 0003 'x' | 32 RL S'~/b' 0001 'x' | 32 RL S'~/a' 0002 'x'");
    probe_expect(a, "40 02 0003 | 40 02 0001 | 40 02 0002");
}

static void pubrecs_come_in_the_order_of_the_messages(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "34 RL S'~/a' 0003 'x' | 34 RL S'~/b' 0001 'x' | 34 RL S'~/a' 0002 'x'");
    probe_expect(a, "50 02 0003 | 50 02 0001 | 50 02 0002");
}

static void pubrels_come_in_the_order_of_the_pubrecs(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 2);
    probe_publishes(b, 4, "~/a", "1");
    probe_publishes(b, 4, "~/a", "2");
    probe_publishes(b, 4, "~/a", "3");
    probe_expect(a, "34 RL S'~/a' id1 '1' | 34 RL S'~/a' id2 '2' | 34 RL S'~/a' id3 '3'");
    probe_send(a, "50 02 id2 | 50 02 id1 | 50 02 id3");
    probe_expect(a, "62 02 id2 | 62 02 id1 | 62 02 id3");
}

/* Publishes messages with these numbers at QoS 1; each of ~/a is received in order by both. */
static void send_batch(struct probe *publisher, struct probe *const readers[2], unsigned first)
{
    for (unsigned i = first; i < first + BATCH; i++)
        probe_send(publisher, "32 RL S'~/a' %04x '%u'", i, i);
    for (unsigned i = 0; i < BATCH; i++)
        probe_expect(publisher, "40 02 .. ..");
    for (unsigned i = first; i < first + BATCH; i++) {
        probe_expect(readers[0], "32 RL S'~/a' id '%u'", i);
        probe_send(readers[0], "40 02 id");
        probe_expect(readers[1], "30 RL S'~/a' '%u'", i);
    }
}

static void messages_of_a_topic_come_in_their_order(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *const readers[] = { probe_connected(check, "~a"), probe_connected(check, "~b") };

    probe_subscribes(readers[0], "~/a", 1);
    probe_subscribes(readers[1], "~/#", 0);
    for (unsigned i = 1; i < MANY; i += BATCH)
        send_batch(publisher, readers, i);
}

/* Publishes 1, 2 and 3 without waiting for the server in between. */
static void publish_three(struct probe *probe, unsigned qos, const char *topic)
{
    static const unsigned acks[] = { 0, 0x40, 0x50 };

    for (unsigned i = 1; i <= 3; i++) {
        if (qos == 0)
            probe_send(probe, "30 RL S'%s' '%u'", topic, i);
        else
            probe_send(probe, "%02x RL S'%s' %04x '%u'", 0x30 | qos << 1, topic, i, i);
    }
    for (unsigned i = 1; i <= 3 && qos > 0; i++)
        probe_expect(probe, "%02x 02 %04x", acks[qos], i);
    if (qos < 2)
        return;
    probe_send(probe, "62 02 0001 | 62 02 0002 | 62 02 0003");
    probe_expect(probe, "70 02 0001 | 70 02 0002 | 70 02 0003");
}

/* Whatever its name is: there are unordered ones only where someone has said so. */
static void every_topic_is_an_ordered_one(struct check *check)
{
    static const char *const topics[] = { "~", "~/", "~//a", "~/a b" };
    struct probe *a = probe_connected(check, "~a");

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        struct probe *b = probe_connected(check, "~b");

        probe_subscribes(b, topics[i], 2);
        for (unsigned qos = 0; qos <= 2; qos++) {
            publish_three(a, qos, topics[i]);
            for (unsigned j = 1; j <= 3; j++)
                probe_expect(b, "%02x RL S'%s' %s '%u'", 0x30 | qos << 1, topics[i],
                        qos > 0 ? "id" : "", j);
        }
        probe_disconnects(b);
    }
}

static const struct check_case cases[] = {
    { "MQTT311-2.3.1-1", "packet_id_0_is_refused",
            .refused = "82 RL 0000 S'~/a' 00 | A2 RL 0000 S'~/a' | 32 RL S'~/a' 0000 'x' |"
                       "34 RL S'~/a' 0000 'x'" },
    { "MQTT311-2.3.1-3", CASE(an_id_may_be_used_again_when_it_is_acknowledged) },
    { "MQTT311-2.3.1-4", CASE(the_server_keeps_to_its_ids) },
    { "MQTT311-2.3.1-5", CASE(qos_0_has_no_packet_id) },
    { "MQTT311-2.3.1-6", CASE(acknowledgements_bear_the_id_of_the_publish), NEED_QOS_2 },
    { "MQTT311-2.3.1-7", CASE(requests_are_answered_with_their_id) },
    { "MQTT311-3.6.1-1", "other_flags_of_pubrel_are_refused",
            .refused = "60 02 0001 | 61 02 0001 | 64 02 0001 | 66 02 0001 | 6A 02 0001" },
    { "MQTT311-4.3.1-1", CASE(a_delivery_of_qos_0_has_no_dup) },
    { "MQTT311-4.3.2-1", CASE(a_message_of_qos_1_is_open_until_its_puback) },
    { "MQTT311-4.3.2-2", CASE(after_its_puback_an_id_means_a_new_message) },
    { "MQTT311-4.3.3-1", CASE(a_message_of_qos_2_goes_on_where_it_stopped), NEED_QOS_2 },
    { "MQTT311-4.3.3-2", CASE(a_message_of_qos_2_is_taken_once) },
    { "MQTT311-4.3.3-2", CASE(a_pubrel_is_answered_even_if_nothing_is_open) },
    { "MQTT311-4.4.0-1", CASE(all_that_is_open_is_sent_again_after_a_break), NEED_QOS_2 },
    { "MQTT311-4.6.0-1", CASE(what_is_sent_again_keeps_its_order) },
    { "MQTT311-4.6.0-2", CASE(pubacks_come_in_the_order_of_the_messages) },
    { "MQTT311-4.6.0-3", CASE(pubrecs_come_in_the_order_of_the_messages) },
    { "MQTT311-4.6.0-4", CASE(pubrels_come_in_the_order_of_the_pubrecs), NEED_QOS_2 },
    { "MQTT311-4.6.0-5", CASE(every_topic_is_an_ordered_one), NEED_QOS_2 },
    { "MQTT311-4.6.0-6", CASE(messages_of_a_topic_come_in_their_order) },
};

const struct check_chapter check_mqtt311_qos = CHAPTER("Quality of service", MQTT_3_1_1, cases);
