/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stddef.h>

/* A new client subscribes to ~/a/+ and gets just these packets. */
static void expect_retained(struct check *check, uint8_t qos, const char *packets)
{
    struct probe *late = probe_connected(check, "~late");

    probe_send(late, "82 RL 0001 S'~/a/+' %02x", (unsigned)qos);
    probe_expect_all(late, "90 03 0001 %02x %s", (unsigned)qos, packets);
    probe_expect_nothing(late);
    probe_disconnects(late);
}

static void a_retained_message_is_kept_with_its_qos(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(a, 3, "~/a/1", "one");
    probe_publishes(a, 5, "~/a/2", "two");
    expect_retained(check, 2, "| 33 RL S'~/a/1' id1 'one' | 35 RL S'~/a/2' id2 'two'");
}

static void a_new_subscription_gets_the_newest_of_each_topic(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(a, 3, "~/a/1", "old");
    probe_publishes(a, 3, "~/a/2", "two");
    probe_publishes(a, 3, "~/b", "other");
    probe_publishes(a, 3, "~/a/1", "new");
    expect_retained(check, 1, "| 33 RL S'~/a/1' id1 'new' | 33 RL S'~/a/2' id2 'two'");
}

/* The server may throw a message of QoS 0 away at any time; what that has replaced is gone. */
static void a_retained_message_of_qos_0_replaces_the_older(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    struct probe *late = probe_connected(check, "~late");
    struct bytes packet;

    probe_subscribes(b, "~/a", 0);
    probe_publishes(a, 3, "~/a", "old");
    probe_publishes(a, 1, "~/a", "new");
    probe_expect(b, "30 RL S'~/a' 'old' | 30 RL S'~/a' 'new'");
    probe_send(late, "82 RL 0001 S'~/a' 01");
    while ((packet = probe_take_any(late)).size > 0) {
        bool publish = packet.data[0] >> 4 == 3;

        if (publish && !bytes_equal(bytes_from(packet, packet.size - 3), BYTES("new")))
            check_fail(check, "a new subscription gets 'new' or nothing");
    }
}

static void what_a_new_subscription_brings_has_retain(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(a, 5, "~/a/1", "x");
    expect_retained(check, 0, "| <31 33 35> RL S'~/a/1' *");
    expect_retained(check, 1, "| <31 33 35> RL S'~/a/1' *");
    expect_retained(check, 2, "| <31 33 35> RL S'~/a/1' *");
}

static void what_is_forwarded_has_no_retain(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a/1", 2);
    probe_publishes(a, 1, "~/a/1", "0");
    probe_receives(b, 0x30, "~/a/1", "0");
    probe_publishes(a, 3, "~/a/1", "1");
    probe_receives(b, 0x32, "~/a/1", "1");
    probe_publishes(a, 5, "~/a/1", "2");
    probe_receives(b, 0x34, "~/a/1", "2");
}

static void an_empty_message_is_forwarded_and_erases(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_publishes(a, 3, "~/a/1", "one");
    probe_publishes(a, 3, "~/a/2", "two");
    probe_send(b, "82 RL 0001 S'~/a/1' 01");
    probe_expect_all(b, "90 03 0001 01 | 33 RL S'~/a/1' id 'one'");
    probe_publishes(a, 3, "~/a/1", "");
    probe_receives(b, 0x32, "~/a/1", "");
    expect_retained(check, 1, "| 33 RL S'~/a/2' id 'two'");
}

static void an_empty_message_is_not_kept(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(a, 3, "~/a/1", "");
    probe_publishes(a, 5, "~/a/2", "");
    expect_retained(check, 2, "");
}

static void without_retain_the_kept_message_stays(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(a, 3, "~/a/1", "kept");
    probe_publishes(a, 2, "~/a/1", "passing");
    probe_publishes(a, 2, "~/a/1", "");
    probe_publishes(a, 2, "~/a/2", "passing");
    expect_retained(check, 1, "| 33 RL S'~/a/1' id 'kept'");
}

static void retained_messages_outlive_sessions(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_resumed(check, "~b", false);

    probe_publishes(a, 3, "~/a/1", "one");
    probe_publishes(b, 3, "~/a/2", "two");
    probe_disconnects(a);
    probe_disconnects(b);
    probe_disconnects(probe_connected(check, "~b"));
    expect_retained(check, 1, "| 33 RL S'~/a/1' id1 'one' | 33 RL S'~/a/2' id2 'two'");
}

static const struct check_case cases[] = {
    { "MQTT311-3.3.1-5", CASE(a_retained_message_is_kept_with_its_qos) },
    { "MQTT311-3.3.1-6", CASE(a_new_subscription_gets_the_newest_of_each_topic) },
    { "MQTT311-3.3.1-7", CASE(a_retained_message_of_qos_0_replaces_the_older) },
    { "MQTT311-3.3.1-8", CASE(what_a_new_subscription_brings_has_retain) },
    { "MQTT311-3.3.1-9", CASE(what_is_forwarded_has_no_retain) },
    { "MQTT311-3.3.1-10", CASE(an_empty_message_is_forwarded_and_erases) },
    { "MQTT311-3.3.1-11", CASE(an_empty_message_is_not_kept) },
    { "MQTT311-3.3.1-12", CASE(without_retain_the_kept_message_stays) },
    { "MQTT311-3.1.2-7", CASE(retained_messages_outlive_sessions) },
};

const struct check_chapter check_mqtt311_retained = CHAPTER("Retained messages", MQTT_3_1_1, cases);
