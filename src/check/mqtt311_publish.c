/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

/* ---- DUP ---- */

static void dup_is_set_when_a_message_is_sent_again(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 2);
    probe_publishes(b, 2, "~/a", "one");
    probe_expect(a, "32 RL S'~/a' id1 'one'");
    probe_publishes(b, 4, "~/a", "two");
    probe_expect(a, "34 RL S'~/a' id2 'two'");
    probe_cut(a);
    a = probe_resumed(check, "~a", true);
    probe_expect_all(a, "3A RL S'~/a' id1 'one' | 3C RL S'~/a' id2 'two'");
}

static void the_publishers_dup_is_not_passed_on(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 2);
    probe_send(a, "3A RL S'~/a' 0001 'one'");
    probe_expect(a, "40 02 0001");
    probe_receives(b, 0x32, "~/a", "one");
    probe_send(a, "3C RL S'~/a' 0002 'two'");
    probe_expect(a, "50 02 0002");
    probe_send(a, "62 02 0002");
    probe_expect(a, "70 02 0002");
    probe_receives(b, 0x34, "~/a", "two");
}

/* ---- Answers ---- */

static void the_answer_is_that_of_the_qos(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "30 RL S'~/a' 'x' | 32 RL S'~/a' 0001 'x' | 34 RL S'~/a' 0002 'x' | C0 00");
    probe_expect_all(a, "40 02 0001 | 50 02 0002 | D0 00");
    probe_expect_nothing(a);
}

static void a_publish_without_the_right_to_goes_nowhere(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/#", 0);
    probe_send(a, "32 RL S'%s' 0001 'x'", check_target(check)->denied_topic);
    probe_expect_or_closed(a, "40 02 0001");
    probe_expect_nothing(b);
}

/* ---- Receivers ---- */

/* A copy for each subscription is allowed. */
static void overlapping_subscriptions_give_the_highest_qos(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/#", 0);
    probe_subscribes(b, "~/b", 2);
    probe_subscribes(b, "~/+", 1);
    probe_publishes(a, 4, "~/b", "x");
    while (probe_expect_one(b, "34 RL S'~/b' id1 'x' | 30 RL S'~/b' 'x' | 32 RL S'~/b' id2 'x'") >
            0)
        continue;
}

static void a_message_reaches_every_session_that_subscribes(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *online = probe_connected(check, "~on");
    struct probe *offline = probe_resumed(check, "~off", false);
    struct probe *other = probe_connected(check, "~other");

    probe_subscribes(online, "~/+", 1);
    probe_subscribes(offline, "~/a", 1);
    probe_subscribes(publisher, "~/#", 1);
    probe_subscribes(other, "~/b", 1);
    probe_disconnects(offline);
    probe_send(publisher, "32 RL S'~/a' 0001 'x'");
    probe_expect_all(publisher, "40 02 0001 | 32 RL S'~/a' id 'x'");
    probe_receives(online, 0x32, "~/a", "x");
    offline = probe_resumed(check, "~off", true);
    probe_receives(offline, 0x32, "~/a", "x");
    probe_expect_nothing(other);
}

static const struct check_case cases[] = {
    { "MQTT311-3.3.1-1", CASE(dup_is_set_when_a_message_is_sent_again) },
    { "MQTT311-3.3.1-2", "dup_with_qos_0_is_refused",
            .refused = "38 RL S'~/a' 'x' | 39 RL S'~/a' 'x'" },
    { "MQTT311-3.3.1-3", CASE(the_publishers_dup_is_not_passed_on) },
    { "MQTT311-3.3.1-4", "qos_3_is_refused",
            .refused = "36 RL S'~/a' 0001 'x' | 3E RL S'~/a' 0001 'x' | 37 RL S'~/a' 0001 'x'" },
    { "MQTT311-3.3.2-1", "a_publish_without_a_topic_name_is_refused",
            .refused = "30 00 | 30 01 00 | 30 02 0005 | 30 RL 000B '~/' | 32 RL S'~/a' 00" },
    { "MQTT311-3.3.2-2", "a_topic_name_with_wildcards_is_refused",
            .refused = "30 RL S'~/+' 'x' | 30 RL S'~/#' 'x' | 30 RL S'~/a+' 'x' |"
                       "30 RL S'+/~' 'x' | 30 RL S'#' 'x' | 32 RL S'~/a/#' 0001 'x'" },
    { "MQTT311-3.3.4-1", CASE(the_answer_is_that_of_the_qos) },
    { "MQTT311-3.3.5-1", CASE(overlapping_subscriptions_give_the_highest_qos) },
    { "MQTT311-3.3.5-2", CASE(a_publish_without_the_right_to_goes_nowhere), NEED_RIGHTS },
    { "MQTT311-4.5.0-1", CASE(a_message_reaches_every_session_that_subscribes) },
};

const struct check_chapter check_mqtt311_publish = CHAPTER("PUBLISH", MQTT_3_1_1, cases);
