/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

/* A client that publishes; only for servers that retain. */
static struct probe *publisher_of_retained(struct check *check)
{
    if (!check_target(check)->retain_available)
        check_skip(check, "the server retains no messages");
    return probe_connected(check, "~publisher");
}

/* Subscribes, and is granted QoS 0; at once or later these packets come, and no others. */
static void subscribes_and_gets(
        struct probe *probe, const char *filter, unsigned options, const char *packets)
{
    probe_send(probe, "82 RL 0001 00 S'%s' %02x", filter, options);
    if (*packets)
        probe_expect_all(probe, "90 RL 0001 [P] 00 | %s", packets);
    else
        probe_expect(probe, "90 RL 0001 [P] 00");
}

/* ---- What is stored ---- */

static void the_last_retained_message_replaces_the_others(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(publisher, 3, "~/a", "first");
    probe_publishes(publisher, 5, "~/a", "second");
    probe_publishes(publisher, 3, "~/a", "third");
    probe_publishes(publisher, 3, "~/b", "other");
    subscribes_and_gets(a, "~/+", 0, "31 RL S'~/a' 00 'third' | 31 RL S'~/b' 00 'other'");
    probe_expect_nothing(a);
}

static void an_empty_one_is_forwarded_and_removes_it(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *live = probe_connected(check, "~live");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(live, "~/a", 0);
    probe_publishes(publisher, 3, "~/a", "x");
    probe_publishes(publisher, 3, "~/a", "");
    probe_expect(live, "30 RL S'~/a' 00 'x' | 30 RL S'~/a' 00");
    subscribes_and_gets(a, "~/a", 0, "");
    probes_expect_nothing(check);
}

static void an_empty_one_is_not_stored(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(publisher, 3, "~/a", "");
    subscribes_and_gets(a, "~/a", 0, "");
    probe_expect_nothing(a);
}

static void without_retain_the_stored_one_stays(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(publisher, 3, "~/a", "kept");
    probe_publishes(publisher, 2, "~/a", "passing");
    probe_publishes(publisher, 2, "~/a", "");
    probe_publishes(publisher, 2, "~/b", "passing");
    subscribes_and_gets(a, "~/+", 0, "31 RL S'~/a' 00 'kept'");
    probe_expect_nothing(a);
}

/* The same client subscribes: its packets are in order, those of two are not. */
static void qos_0_is_retained_too(struct check *check)
{
    struct probe *a = publisher_of_retained(check);

    probe_send(a, "31 RL S'~/a' 00 'x' | 82 RL 0001 00 S'~/a' 00");
    if (probe_expect_one(a, "90 RL 0001 [P] 00 | 31 RL S'~/a' 00 'x'") == 1) {
        probe_expect(a, "90 RL 0001 [P] 00");
    } else {
        struct bytes got = probe_take(a);

        if (got.size == 0)
            check_skip(check, "the server did not keep a message of QoS 0, as it may");
        if (got.data[0] != 0x31 || got.size != probe_size(a, "31 RL S'~/a' 00 'x'"))
            check_fail(check, "the retained message comes as it was published");
    }
}

/* ---- When it expires ---- */

static void publishes_with_expiry(struct probe *probe, const char *topic, unsigned expiry_s)
{
    probe_send(probe, "33 RL S'%s' 0001 (02 %08x) 'x'", topic, expiry_s);
    probe_expect_ack(probe, 0x40, 1, "00 10");
}

static void a_retained_message_expires(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    publishes_with_expiry(publisher, "~/a", 1);
    probe_publishes(publisher, 3, "~/b", "stays");
    check_wait(check, 2100);
    subscribes_and_gets(a, "~/+", 0, "31 RL S'~/b' 00 'stays'");
    probe_expect_nothing(a);
}

static void the_expiry_of_a_retained_message_goes_down(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    publishes_with_expiry(publisher, "~/a", 10);
    check_wait(check, 3000);
    subscribes_and_gets(a, "~/a", 0, "31 RL S'~/a' (02 000000 <06 07 08>) 'x'");
}

/* ---- Retain Handling ---- */

enum { HANDLING_0 = 0x00, HANDLING_1 = 0x10, HANDLING_2 = 0x20 };

static const char *const both = "31 RL S'~/a' 00 'a' | 31 RL S'~/b' 00 'b'";

static void retain_both(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);

    probe_publishes(publisher, 3, "~/a", "a");
    probe_publishes(publisher, 3, "~/b", "b");
}

static void handling_0_sends_at_every_subscribe(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);

    retain_both(check);
    subscribes_and_gets(a, "~/+", HANDLING_0, both);
    subscribes_and_gets(a, "~/+", HANDLING_0, both);
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    subscribes_and_gets(a, "~/+", HANDLING_0, both);
    probe_expect_nothing(a);
}

static void handling_1_sends_to_new_subscriptions_only(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);

    retain_both(check);
    subscribes_and_gets(a, "~/+", HANDLING_1, both);
    subscribes_and_gets(a, "~/+", HANDLING_1, "");
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    subscribes_and_gets(a, "~/+", HANDLING_1, "");
    probe_expect_nothing(a);
    probe_send(a, "A2 RL 0002 00 S'~/+'");
    probe_expect(a, "B0 RL 0002 [P] 00");
    subscribes_and_gets(a, "~/+", HANDLING_1, both);
    probe_expect_nothing(a);
}

static void handling_2_sends_none(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    retain_both(check);
    subscribes_and_gets(a, "~/+", HANDLING_2, "");
    subscribes_and_gets(a, "~/+", HANDLING_2, "");
    probe_expect_nothing(a);
}

/* ---- Retain As Published ---- */

enum { AS_PUBLISHED = 0x08 };

static void retain_is_cleared_when_forwarded(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 2);
    probe_publishes(publisher, 1, "~/a", "0");
    probe_receives(a, 0x30, "~/a", "0");
    probe_publishes(publisher, 3, "~/a", "1");
    probe_receives(a, 0x32, "~/a", "1");
    probe_publishes(publisher, 5, "~/a", "2");
    probe_receives(a, 0x34, "~/a", "2");
}

static void retain_as_published_keeps_retain(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", AS_PUBLISHED | 2);
    for (uint8_t flags = 0; flags <= 5; flags++) {
        probe_publishes(publisher, flags, "~/a", "x");
        probe_receives(a, 0x30 | flags, "~/a", "x");
    }
}

static void retained_messages_at_subscribe_have_retain(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(publisher, 3, "~/a", "x");
    subscribes_and_gets(a, "~/a", 0, "31 RL S'~/a' 00 'x'");
    subscribes_and_gets(a, "~/a", AS_PUBLISHED, "31 RL S'~/a' 00 'x'");
}

/* ---- Shared ---- */

static void shared_subscriptions_get_no_retained_message(struct check *check)
{
    struct probe *publisher = publisher_of_retained(check);
    struct probe *a = probe_connected(check, "~a");

    if (!check_target(check)->shared)
        check_skip(check, "the server has no Shared Subscriptions");
    probe_publishes(publisher, 3, "~/a", "retained");
    subscribes_and_gets(a, "$share/~g/~/a", HANDLING_0, "");
    probe_expect_nothing(a);
    probe_publishes(publisher, 3, "~/a", "live");
    probe_expect(a, "30 RL S'~/a' 00 'live'");
}

/* ---- The table ---- */

static const struct check_case cases[] = {
    { "MQTT5-3.3.1-5", CASE(the_last_retained_message_replaces_the_others) },
    { "MQTT5-3.3.1-6", CASE(an_empty_one_is_forwarded_and_removes_it) },
    { "MQTT5-3.3.1-7", CASE(an_empty_one_is_not_stored) },
    { "MQTT5-3.3.1-8", CASE(without_retain_the_stored_one_stays) },
    { "MQTT5-3.3.1-9", CASE(handling_0_sends_at_every_subscribe) },
    { "MQTT5-3.3.1-10", CASE(handling_1_sends_to_new_subscriptions_only) },
    { "MQTT5-3.3.1-11", CASE(handling_2_sends_none) },
    { "MQTT5-3.3.1-12", CASE(retain_is_cleared_when_forwarded) },
    { "MQTT5-3.3.1-13", CASE(retain_as_published_keeps_retain) },
    { "U5-3.3.1.3-1", CASE(qos_0_is_retained_too) },
    { "U5-3.3.1.3-2", CASE(a_retained_message_expires) },
    { "MQTT5-3.3.2-6", CASE(the_expiry_of_a_retained_message_goes_down) },
    { "U5-3.3.1.3-3", CASE(retained_messages_at_subscribe_have_retain) },
    { "U5-3.8.4-2", CASE(shared_subscriptions_get_no_retained_message) },
};

const struct check_chapter check_mqtt5_retained = CHAPTER("Retained messages", MQTT_5_0, cases);
