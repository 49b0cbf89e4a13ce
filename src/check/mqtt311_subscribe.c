/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stddef.h>

/* ---- SUBACK ---- */

static void a_subscribe_is_answered(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 S'~/a' 00");
    probe_expect(a, "90 03 0001 00");
    probe_expect_nothing(a);
}

static void suback_bears_the_id_of_the_subscribe(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL ABCD S'~/a' 00 | 82 RL 0001 S'~/b' 00");
    probe_expect_all(a, "90 03 ABCD 00 | 90 03 0001 00");
}

static void several_filters_get_one_suback(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(a, "82 RL 0001 S'~/a' 01 S'~/b' 00 S'~/c' 01");
    probe_expect(a, "90 05 0001 01 00 01");
    probe_publishes(b, 2, "~/a", "1");
    probe_receives(a, 0x32, "~/a", "1");
    probe_publishes(b, 2, "~/b", "2");
    probe_receives(a, 0x30, "~/b", "2");
    probe_publishes(b, 2, "~/c", "3");
    probe_receives(a, 0x32, "~/c", "3");
    probe_expect_nothing(a);
}

static void there_is_a_code_for_each_filter(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 S'~/a' 01 S'%s' 01 S'~/b' 00", check_target(check)->denied_topic);
    probe_expect(a, "90 05 0001 01 <00 01 80> 00");
}

static void codes_stand_in_the_order_of_the_filters(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 S'~/a' 02 S'~/b' 00 S'~/c' 01");
    probe_expect(a, "90 05 0001 02 00 01");
}

/* There is none of 5.0 among them, even for a filter that 5.0 has rules for. */
static void codes_are_0_1_2_and_80(struct check *check)
{
    const char *denied = check_target(check)->denied_topic;
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 S'~/a' 02 S'~/+' 01 S'%s' 02 S'$share/~g/~/a' 01 S'~/b' 00",
            denied ? denied : "~/c");
    probe_expect(a, "90 07 0001 <00 01 02 80> <00 01 80> <00 01 02 80> <00 01 80> <00 80>");
}

static void wildcards_are_refused(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 S'~/+' 00 S'~/#' 00 S'~/a' 00");
    probe_expect(a, "90 05 0001 80 80 00");
}

/* ---- What a subscription brings ---- */

static void the_same_filter_replaces_the_subscription(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_publishes(b, 3, "~/a", "kept");
    for (unsigned qos = 0; qos <= 1; qos++) {
        probe_send(a, "82 RL 0001 S'~/a' %02x", qos);
        probe_expect_all(a, "90 03 0001 %02x | %s RL S'~/a' %s 'kept'", qos, qos ? "33" : "31",
                qos ? "id" : "");
    }
    probe_publishes(b, 2, "~/a", "x");
    probe_receives(a, 0x32, "~/a", "x");
    probe_expect_nothing(a);
}

/* What is published at any time while a client subscribes again and again comes to it. */
static void no_message_is_lost_while_a_subscription_is_replaced(struct check *check)
{
    enum { ROUNDS = 20 };
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 0);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        probe_send(b, "32 RL S'~/a' %04x '%u'", i, i);
        probe_send(a, "82 RL %04x S'~/a' 00", i);
        probe_expect(b, "40 02 %04x", i);
        probe_expect_all(a, "90 03 %04x 00 | 30 RL S'~/a' '%u'", i, i);
    }
    probe_expect_nothing(a);
}

static void the_lower_of_both_qos_is_delivered(struct check *check)
{
    static const char *const payloads[] = { "0", "1", "2" };
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    for (unsigned granted = 0; granted <= 2; granted++) {
        probe_subscribes(b, "~/a", (uint8_t)granted);
        for (unsigned qos = 0; qos <= 2; qos++) {
            unsigned lower = qos < granted ? qos : granted;

            probe_publishes(a, (uint8_t)(qos << 1), "~/a", payloads[qos]);
            probe_receives(b, (uint8_t)(0x30 | lower << 1), "~/a", payloads[qos]);
        }
    }
    probe_expect_nothing(b);
}

static void a_retained_message_and_suback_come_in_any_order(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_publishes(b, 3, "~/a", "kept");
    probe_send(a, "82 RL 0001 S'~/a' 01");
    probe_expect_all(a, "33 RL S'~/a' id 'kept' | 90 03 0001 01");
    probe_expect_nothing(a);
}

/* ---- UNSUBSCRIBE ---- */

static void filters_are_compared_letter_by_letter(struct check *check)
{
    static const char *const others[] = { "~/a/b", "~/a/#", "~/+/+", "~/A/+", "~/a/+/" };
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a/+", 1);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        probe_send(a, "A2 RL 0001 S'%s'", others[i]);
        probe_expect(a, "B0 02 0001");
        probe_publishes(b, 2, "~/a/b", "x");
        probe_receives(a, 0x32, "~/a/b", "x");
    }
    probe_send(a, "A2 RL 0001 S'~/a/+'");
    probe_expect(a, "B0 02 0001");
    probe_publishes(b, 2, "~/a/b", "x");
    probe_expect_nothing(a);
}

static void a_subscription_that_is_gone_brings_nothing(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 1);
    probe_send(a, "A2 RL 0001 S'~/a'");
    probe_expect(a, "B0 02 0001");
    probe_publishes(b, 2, "~/a", "x");
    probe_publishes(b, 0, "~/a", "x");
    probe_expect_nothing(a);
    probe_disconnects(a);
    probe_publishes(b, 2, "~/a", "x");
    a = probe_connects(check, "00 0000 S'~a'");
    probe_expect_nothing(a);
}

static void deliveries_that_began_are_finished(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 2);
    probe_publishes(b, 4, "~/a", "two");
    probe_expect(a, "34 RL S'~/a' id2 'two'");
    probe_publishes(b, 2, "~/a", "one");
    probe_expect(a, "32 RL S'~/a' id1 'one'");
    probe_send(a, "A2 RL 0001 S'~/a'");
    probe_expect(a, "B0 02 0001");
    probe_send(a, "50 02 id2");
    probe_expect(a, "62 02 id2");
    probe_cut(a);
    a = probe_connects(check, "00 0000 S'~a'");
    probe_expect_all(a, "62 02 id2 | <32 3A> RL S'~/a' id1 'one'");
    probe_send(a, "70 02 id2 | 40 02 id1");
    probe_expect_nothing(a);
}

static void unsuback_bears_the_id_of_the_unsubscribe(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    probe_send(a, "A2 RL ABCD S'~/a'");
    probe_expect(a, "B0 02 ABCD");
}

static void unsuback_comes_even_if_nothing_was_subscribed(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "A2 RL 0001 S'~/never' | A2 RL 0002 S'~/+/#'");
    probe_expect_all(a, "B0 02 0001 | B0 02 0002");
}

static void several_filters_get_one_unsuback(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 1);
    probe_subscribes(a, "~/b", 1);
    probe_subscribes(a, "~/c", 1);
    probe_send(a, "A2 RL 0001 S'~/a' S'~/never' S'~/c'");
    probe_expect(a, "B0 02 0001");
    probe_publishes(b, 2, "~/a", "1");
    probe_publishes(b, 2, "~/b", "2");
    probe_publishes(b, 2, "~/c", "3");
    probe_receives(a, 0x32, "~/b", "2");
    probe_expect_nothing(a);
}

static const struct check_case cases[] = {
    { "MQTT311-3.8.1-1", "other_flags_of_subscribe_are_refused",
            .refused = "80 RL 0001 S'~/a' 00 | 81 RL 0001 S'~/a' 00 | 83 RL 0001 S'~/a' 00 |"
                       "86 RL 0001 S'~/a' 00 | 8A RL 0001 S'~/a' 00" },
    { "MQTT311-3.8.3-1", "a_filter_that_is_no_utf8_is_refused",
            .refused = "82 RL 0001 000B '~/' C328 00 | 82 RL 0001 S'~/a' 00 000C '~/' EDA080 00" },
    { "MQTT311-3.8.3-2", CASE(wildcards_are_refused), NEED_NO_WILDCARD },
    { "MQTT311-3.8.3-3", "a_subscribe_without_a_filter_is_refused", .refused = "82 02 0001" },
    { "MQTT311-3.8.3-4", "a_requested_qos_other_than_0_1_and_2_is_refused",
            .refused = "82 RL 0001 S'~/a' 03 | 82 RL 0001 S'~/a' 04 | 82 RL 0001 S'~/a' 08 |"
                       "82 RL 0001 S'~/a' 10 | 82 RL 0001 S'~/a' 80 |"
                       "82 RL 0001 S'~/a' 00 S'~/b' 41 | 82 RL 0001 S'~/a'" },
    { "MQTT311-3.8.4-1", CASE(a_subscribe_is_answered) },
    { "MQTT311-3.8.4-2", CASE(suback_bears_the_id_of_the_subscribe) },
    { "MQTT311-3.8.4-3", CASE(the_same_filter_replaces_the_subscription) },
    { "MQTT311-3.8.4-3", CASE(no_message_is_lost_while_a_subscription_is_replaced) },
    { "MQTT311-3.8.4-4", CASE(several_filters_get_one_suback) },
    { "MQTT311-3.8.4-5", CASE(there_is_a_code_for_each_filter), NEED_RIGHTS },
    { "MQTT311-3.8.4-6", CASE(the_lower_of_both_qos_is_delivered), NEED_QOS_2 },
    { "MQTT311-3.9.3-1", CASE(codes_stand_in_the_order_of_the_filters), NEED_QOS_2 },
    { "MQTT311-3.9.3-2", CASE(codes_are_0_1_2_and_80) },
    { "U311-3.8.4-a", CASE(a_retained_message_and_suback_come_in_any_order) },
    { "MQTT311-3.10.1-1", "other_flags_of_unsubscribe_are_refused",
            .refused = "A0 RL 0001 S'~/a' | A1 RL 0001 S'~/a' | A3 RL 0001 S'~/a' |"
                       "A6 RL 0001 S'~/a' | AA RL 0001 S'~/a'" },
    { "MQTT311-3.10.3-1", "an_unsubscribe_of_no_utf8_is_refused",
            .refused = "A2 RL 0001 000B '~/' C328 | A2 RL 0001 S'~/a' 000C '~/' EDA080 |"
                       "A2 RL 0001 S'~/a' 0005 'b'" },
    { "MQTT311-3.10.3-2", "an_unsubscribe_without_a_filter_is_refused", .refused = "A2 02 0001" },
    { "MQTT311-3.10.4-1", CASE(filters_are_compared_letter_by_letter) },
    { "MQTT311-3.10.4-2", CASE(a_subscription_that_is_gone_brings_nothing) },
    { "MQTT311-3.10.4-3", CASE(deliveries_that_began_are_finished), NEED_QOS_2 },
    { "MQTT311-3.10.4-4", CASE(unsuback_bears_the_id_of_the_unsubscribe) },
    { "MQTT311-3.10.4-5", CASE(unsuback_comes_even_if_nothing_was_subscribed) },
    { "MQTT311-3.10.4-6", CASE(several_filters_get_one_unsuback) },
};

const struct check_chapter check_mqtt311_subscribe =
        CHAPTER("SUBSCRIBE and UNSUBSCRIBE", MQTT_3_1_1, cases);
