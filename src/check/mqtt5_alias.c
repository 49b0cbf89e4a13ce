/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"
#include "check/chapters.h"
#include "check/probe.h"

enum {
    PUBACK = 0x40,
    TOPIC_ALIAS = 0x23,
};

/* ---- Aliases of the client ---- */

/* At QoS 1 with this topic, which may be empty, and alias. */
static void publishes(struct probe *probe, const char *topic, unsigned alias, const char *payload)
{
    probe_send(probe, "32 RL S'%s' 0001 (23 %04x) '%s'", topic, alias, payload);
    probe_expect_ack(probe, PUBACK, 1, "00 10");
}

static void an_alias_stands_for_the_topic_set_last(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/+", 0);
    publishes(publisher, "~/a", 1, "1");
    publishes(publisher, "", 1, "2");
    publishes(publisher, "~/b", 1, "3");
    publishes(publisher, "", 1, "4");
    probe_expect_all(a,
            "30 RL S'~/a' 00 '1' | 30 RL S'~/a' 00 '2' | "
            "30 RL S'~/b' 00 '3' | 30 RL S'~/b' 00 '4'");
}

/* All of them, or a thousand evenly apart. */
static void every_alias_up_to_the_maximum_is_taken(struct check *check)
{
    unsigned alias_max = check_target(check)->alias_max;
    unsigned step = alias_max / 1000 + 1;
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/+", 0);
    for (unsigned i = 0; i < alias_max; i += step)
        probe_send(publisher, "30 RL S'~/%u' (23 %04x) 'set'", alias_max - i, alias_max - i);
    for (unsigned i = 0; i < alias_max; i += step)
        probe_expect(a, "30 RL S'~/%u' 00 'set'", alias_max - i);
    for (unsigned i = 0; i < alias_max; i += step) {
        publishes(publisher, "", alias_max - i, "used");
        probe_expect(a, "30 RL S'~/%u' 00 'used'", alias_max - i);
    }
}

static void no_alias_above_the_maximum_is_taken(struct check *check)
{
    unsigned alias_max = check_target(check)->alias_max;
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");

    if (alias_max == UINT16_MAX)
        check_skip(check, "the server takes every alias");
    probe_subscribes(a, "~/a", 0);
    publishes(publisher, "~/a", alias_max, "x");
    probe_expect(a, "30 RL S'~/a' 00 'x'");
    probe_send(publisher, "30 RL S'~/a' (23 %04x) 'x'", alias_max + 1);
    probe_expect_end(publisher, "94");
    probe_expect_nothing(a);
}

static void aliases_of_the_client_end_with_its_connection(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *publisher = probe_resumed(check, "~publisher", false);

    probe_subscribes(a, "~/a", 0);
    publishes(publisher, "~/a", 1, "x");
    probe_expect(a, "30 RL S'~/a' 00 'x'");
    probe_disconnects(publisher);
    publisher = probe_resumed(check, "~publisher", true);
    probe_send(publisher, "30 RL 0000 (23 0001) 'x'");
    probe_expect_end(publisher, "82");
    probe_expect_nothing(a);
}

static void aliases_of_one_client_are_not_those_of_another(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *one = probe_connected(check, "~one");
    struct probe *other = probe_connected(check, "~other");

    probe_subscribes(a, "~/+", 0);
    publishes(one, "~/1", 1, "set");
    publishes(other, "~/2", 1, "set");
    publishes(one, "", 1, "used");
    publishes(other, "", 1, "used");
    probe_expect_all(a,
            "30 RL S'~/1' 00 'set' | 30 RL S'~/2' 00 'set' | "
            "30 RL S'~/1' 00 'used' | 30 RL S'~/2' 00 'used'");
}

/* ---- Aliases of the server ---- */

enum {
    ALIASES = 2, /* that the client allows */
    TOPICS = 5,  /* ~/1 .. ~/5, each with its digit as the payload */
};

/* The digit of the topic; known[alias] is that of the topic that the alias stands for. */
static uint8_t topic_digit(struct check *check, struct bytes packet, uint8_t known[ALIASES + 1])
{
    struct reader in = { .rest = bytes_from(packet, 2) };
    struct bytes topic = reader_bytes(&in, reader_u16(&in));
    uint32_t alias = 0;
    bool has_alias = probe_property(packet, TOPIC_ALIAS, &alias);

    if (has_alias && (alias < 1 || alias > ALIASES))
        check_fail(check, "no alias is above %d, and none is 0", ALIASES);
    if (topic.size == 0)
        return known[alias];
    if (has_alias)
        known[alias] = topic.data[topic.size - 1];
    return topic.data[topic.size - 1];
}

static void the_server_keeps_to_the_clients_maximum(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connects(check, "02 0000 (22 %04x) S'~a'", ALIASES);
    uint8_t known[ALIASES + 1] = { 0 };

    probe_subscribes(a, "~/+", 0);
    for (unsigned i = 0; i < 3 * TOPICS; i++) {
        unsigned topic = i % TOPICS + 1;
        struct bytes got;

        probe_send(publisher, "32 RL S'~/%u' 0001 00 '%u'", topic, topic);
        probe_expect_ack(publisher, PUBACK, 1, "00 10");
        got = probe_take(a);
        if (got.size < 2 || got.data[0] != 0x30 || got.data[got.size - 1] != '0' + topic)
            check_fail(check, "client 2 gets the message to topic %u", topic);
        if (topic_digit(check, got, known) != '0' + topic)
            check_fail(check, "topic and alias say that it was published to topic %u", topic);
    }
}

static void without_a_maximum_the_server_sets_none(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connects(check, "02 0000 (22 0000) S'~b'");

    probe_subscribes(a, "~/a", 0);
    probe_subscribes(b, "~/a", 0);
    for (unsigned i = 0; i < 3; i++) {
        probe_publishes(publisher, 2, "~/a", "x");
        probe_receives(a, 0x30, "~/a", "x");
        probe_receives(b, 0x30, "~/a", "x");
    }
}

/* A message whose topic stands in it, with an alias or not. */
static void receives_in_full(struct probe *probe)
{
    probe_expect_one(probe, "32 RL S'~/a' id 00 'x' | 32 RL S'~/a' id (23 0001) 'x'");
    probe_send(probe, "40 02 id");
}

static void aliases_of_the_server_end_with_the_connection(struct check *check)
{
    static const char connect[] = "00 0000 (11 0000003C 22 0001) S'~a'";
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connects(check, connect);

    probe_subscribes(a, "~/a", 1);
    probe_publishes(publisher, 2, "~/a", "x");
    receives_in_full(a);
    probe_disconnects(a);
    a = probe_connects(check, connect);
    probe_publishes(publisher, 2, "~/a", "x");
    receives_in_full(a);
}

/* The client has not seen a message that was too large for it, nor what alias it set. */
static void what_is_left_out_sets_no_alias(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~publisher");
    struct probe *a = probe_connects(check, "02 0000 (22 0001 27 00000064) S'~a'");

    probe_subscribes(a, "~/a", 1);
    probe_send(publisher, "32 RL S'~/a' 0001 00 {100}");
    probe_expect_ack(publisher, PUBACK, 1, "00 10");
    probe_publishes(publisher, 2, "~/a", "x");
    receives_in_full(a);
}

/* ---- The table ---- */

static const struct check_case cases[] = {
    { "MQTT5-3.3.2-7", CASE(aliases_of_the_client_end_with_its_connection), NEED_ALIASES },
    { "MQTT5-3.3.2-7", CASE(aliases_of_one_client_are_not_those_of_another), NEED_ALIASES },
    { "MQTT5-3.3.2-7", CASE(aliases_of_the_server_end_with_the_connection) },
    { "MQTT5-3.3.2-8 U5-3.3.4-1", "alias_0_is_invalid", .refused = "30 RL S'~/a' (23 0000) 'x'",
            .codes = "94" },
    { "MQTT5-3.3.2-9 U5-3.3.4-1", CASE(no_alias_above_the_maximum_is_taken), NEED_ALIASES },
    { "MQTT5-3.3.2-9 U5-3.3.4-1", "no_alias_is_taken_without_a_maximum", .need = NEED_NO_ALIASES,
            .refused = "30 RL S'~/a' (23 0001) 'x' | 30 RL S'~/a' (23 FFFF) 'x'", .codes = "94" },
    { "MQTT5-3.3.2-11", CASE(the_server_keeps_to_the_clients_maximum) },
    { "MQTT5-3.3.2-12", CASE(every_alias_up_to_the_maximum_is_taken), NEED_ALIASES },
    { "U5-3.3.2.3.4-1", CASE(an_alias_stands_for_the_topic_set_last), NEED_ALIASES },
    { "U5-3.3.2.3.4-1", CASE(what_is_left_out_sets_no_alias) },
    { "U5-3.3.4-2", "an_alias_that_was_not_set_is_an_error", .need = NEED_ALIASES,
            .refused = "30 RL 0000 (23 0001) 'x'", .codes = "82" },
    { "U5-3.3.2.3-1", "an_alias_stands_there_once", .need = NEED_ALIASES,
            .refused = "30 RL S'~/a' (23 0001 23 0001) 'x'", .codes = "82" },
    { "U5-3.1.2.11.5-1", CASE(without_a_maximum_the_server_sets_none) },
};

const struct check_chapter check_mqtt5_alias = CHAPTER("Topic aliases", MQTT_5_0, cases);
