/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stdio.h>
#include <string.h>

enum {
    CONNACK = 2,
    QOS_1 = 2,
    RETAIN = 1,
    SESSION_EXPIRY_INTERVAL = 0x11,
    ASSIGNED_CLIENT_IDENTIFIER = 0x12,
    SERVER_KEEP_ALIVE = 0x13,
    SERVER_REFERENCE = 0x1C,
    REASON_STRING = 0x1F,
    MAXIMUM_QOS = 0x24,
    USER_PROPERTY = 0x26,
    WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28,
    SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29,
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A,
};

/* ---- When it comes ---- */

static void connack_comes_before_all_that_has_waited(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    probe_publishes(publisher, QOS_1, "~/a", "one");
    probe_publishes(publisher, QOS_1, "~/a", "two");
    a = probe_tries(check, "00 0000 (11 0000003c) S'~a'");
    probe_expect(a, "20 RL 01 00 [P]");
    probe_receives(a, 0x32, "~/a", "one");
    probe_receives(a, 0x32, "~/a", "two");
}

static void connack_comes_once(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_expect_nothing(a);
    probe_send(a, "10 RL S'MQTT' 05 02 0000 00 S'~a'");
    probe_expect_end(a, "82");
}

/* ---- Session Present ---- */

static void only_session_present_is_flagged(struct check *check)
{
    struct probe *a = probe_tries(check, "00 0000 (11 0000003c) S'~a'");

    probe_expect(a, "20 RL 00 00 [P]");
    probe_disconnects(a);
    a = probe_tries(check, "00 0000 (11 0000003c) S'~a'");
    probe_expect(a, "20 RL 01 00 [P]");
}

static void a_clean_start_finds_no_session(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);

    probe_disconnects(a);
    a = probe_tries(check, "02 0000 00 S'~a'");
    probe_expect(a, "20 RL 00 00 [P]");
}

static void session_present_tells_whether_one_is_stored(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);

    probe_disconnects(a);
    a = probe_connects(check, "00 0000 00 S'~a'");
    if (!probe_present(a))
        check_fail(check, "CONNACK says Session Present: it is kept for a minute");
    probe_disconnects(a);
    probe_resumed(check, "~a", false);
}

static void a_refusal_does_not_say_session_present(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);

    probe_disconnects(a);
    a = probe_tries(check, "00 0000 (15 S'~') S'~a'");
    probe_expect_end(a, "87 8c");
}

static void a_wrong_login_does_not_show_the_session(struct check *check)
{
    const struct check_target *target = check_target(check);
    struct probe *a = probe_resumed(check, "~a", false);

    probe_disconnects(a);
    a = probe_open(check);
    probe_send(a, "10 RL S'MQTT' 05 c0 0000 00 S'~a' S'%s' S'%s'", target->wrong_user,
            target->wrong_password);
    probe_expect_end(a, "86 87");
}

/* ---- Reason codes ---- */

/* Whether a server has to refuse these is not the question here. */
static void a_refusal_has_a_code_of_connack_and_is_the_end(struct check *check)
{
    static const char *const packets[] = { "10 RL S'MQTT' 05 03 0000 00 S'~a'",
        "10 RL S'MQTT' 05 02 0000 00 S'~a' 00", "10 RL S'MQTT' 05 02 0000 (15 S'~') S'~a'",
        "10 RL S'MQTT' 05 02 0000 (21 0000) S'~a'", "10 RL S'MQTT' 05 02 0000 (23 0001) S'~a'",
        "10 RL S'MQTT' 05 06 0000 00 S'~a' 00 S'~/+' S'x'", "10 RL S'MQTT' 05 02 0000 00 0001 ff" };
    static const uint8_t codes[] = { 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
        0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F };

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct probe *a = probe_open(check);
        struct bytes answer;

        probe_send(a, "%s", packets[i]);
        answer = probe_take(a);
        if (answer.size < 5 || answer.data[0] >> 4 != CONNACK || answer.data[3] == 0)
            continue;
        if (!memchr(codes, answer.data[3], sizeof(codes)))
            check_fail(check, "%02x is no code of CONNACK", (unsigned)answer.data[3]);
        probe_expect_closed(a);
    }
}

/* ---- Maximum QoS ---- */

/* What the CONNACK says: 2 where it says nothing. */
static uint32_t maximum_qos(struct check *check, const struct probe *probe)
{
    uint32_t value;

    if (!probe_property(probe_connack(probe), MAXIMUM_QOS, &value))
        return 2;
    if (value > 1)
        check_fail(check, "Maximum QoS is 0 or 1");
    return value;
}

static void a_server_without_qos_2_says_so(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    if (maximum_qos(check, a) == 2)
        check_fail(check, "CONNACK has a Maximum QoS");
}

static void every_qos_up_to_the_maximum_is_taken(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    uint32_t maximum = maximum_qos(check, a);

    for (unsigned qos = 1; qos <= maximum; qos++)
        probe_publishes(a, (uint8_t)(qos << 1), "~/a", "x");
}

static void a_subscription_may_ask_for_more_than_the_maximum_qos(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 00 S'~/a' 00 S'~/b' 01 S'~/c' 02");
    probe_expect(a, "90 RL 0001 [P] 00 <00 01> <00 01>");
}

static void a_publish_above_the_maximum_qos_is_refused(struct check *check)
{
    uint32_t maximum = maximum_qos(check, probe_connected(check, "~a"));

    for (unsigned qos = maximum + 1; qos <= 2; qos++) {
        struct probe *a = probe_connected(check, "~b");

        probe_send(a, "%02x RL S'~/a' 0001 00 'x'", 0x30 | qos << 1);
        probe_expect_end(a, "9b");
    }
}

static void a_will_above_the_maximum_qos_is_refused(struct check *check)
{
    uint32_t maximum = maximum_qos(check, probe_connected(check, "~a"));

    for (unsigned qos = maximum + 1; qos <= 2; qos++) {
        struct probe *a =
                probe_tries(check, "%02x 0000 00 S'~b' 00 S'~/w' S'bye'", 0x06 | qos << 3);

        probe_expect_end(a, "9b");
    }
}

/* ---- Retain Available ---- */

static void a_retained_will_is_refused_without_retained_messages(struct check *check)
{
    struct probe *a = probe_tries(check, "26 0000 00 S'~a' 00 S'~/w' S'bye'");

    probe_expect_end(a, "9a");
}

static void messages_are_retained_unless_connack_denies_it(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(a, QOS_1 | RETAIN, "~/a", "x");
    probe_send(a, "82 RL 0001 00 S'~/a' 00");
    probe_expect_all(a, "90 RL 0001 [P] 00 | 31 RL S'~/a' 00 'x'");
}

/* ---- Maximum Packet Size ---- */

enum {
    CHUNK = 100000,      /* bytes sent at once */
    TRIED_MAX = 1 << 24, /* larger packets take too long */
    VARINT_TEXT = 9,     /* up to four bytes in hex */
};

/* A variable byte integer in hex; gives how many bytes it has. */
static unsigned format_varint(char text[VARINT_TEXT], uint32_t value)
{
    unsigned size = 0;

    do {
        snprintf(text + size * 2, 3, "%02x", (value & 0x7F) | (value > 0x7F ? 0x80u : 0));
        value >>= 7;
        size++;
    } while (value > 0 && size < 4);
    return size;
}

/* What the server announces, where packets of that size can be tried. */
static uint32_t tried_packet_max(struct check *check)
{
    uint32_t limit = check_target(check)->packet_max;

    if (limit > TRIED_MAX)
        check_skip(
                check, "its Maximum Packet Size of %u bytes is too much to send", (unsigned)limit);
    return limit;
}

/* Sends a QoS 1 PUBLISH of this size, while the server listens. */
static void send_publish(struct probe *probe, uint32_t size)
{
    enum { BEFORE_PAYLOAD = 15 }; /* the topic, the id and no properties */
    char length[VARINT_TEXT];
    unsigned length_size = format_varint(length, size - 5);
    uint32_t rest;

    format_varint(length, size - 1 - length_size);
    rest = size - 1 - length_size - BEFORE_PAYLOAD;
    probe_send(probe, "32 %s S'~/a' 0001 00", length);
    while (rest > 0 && probe_is_open(probe)) {
        uint32_t chunk = rest < CHUNK ? rest : CHUNK;

        probe_send(probe, "{%u}", (unsigned)chunk);
        rest -= chunk;
    }
}

static void a_packet_of_the_servers_maximum_size_is_taken(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    send_publish(a, tried_packet_max(check));
    probe_expect_ack(a, 0x40, 1, "00 10");
}

static void a_packet_above_the_servers_maximum_size_is_refused(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    send_publish(a, tried_packet_max(check) + 1);
    probe_expect_end(a, "95");
}

/* It is full of User Properties. */
static void a_connect_above_the_servers_maximum_size_is_refused(struct check *check)
{
    enum { PAIR = 1 + 2 + CHUNK / 2 + 2 + CHUNK / 2 };
    enum { BESIDES = 10 + 11 }; /* what stands before the properties, and the client id */
    uint32_t pairs = tried_packet_max(check) / PAIR + 1;
    struct probe *a = probe_open(check);
    char properties[VARINT_TEXT];
    char length[VARINT_TEXT];

    format_varint(length, BESIDES + format_varint(properties, pairs * PAIR) + pairs * PAIR);
    probe_send(a, "10 %s S'MQTT' 05 02 0000 %s", length, properties);
    for (uint32_t i = 0; i < pairs && probe_is_open(a); i++)
        probe_send(a, "26 S{%u} S{%u}", CHUNK / 2, CHUNK / 2);
    if (probe_is_open(a))
        probe_send(a, "S'~a'");
    probe_expect_end(a, "95");
}

/* No CONNACK within five bytes has room for more than its code. */
static void expect_connack_without(struct check *check, uint8_t property)
{
    static const char *const properties[] = { "(27 00000005)", "(27 00000005 15 S'~')" };

    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        struct probe *a = probe_tries(check, "02 0000 %s S'~a'", properties[i]);
        struct bytes answer = probe_take(a);

        if (answer.size > 0 && answer.data[0] >> 4 == CONNACK && probe_has(answer, property))
            check_fail(check, "no property %02x makes CONNACK larger than 5 bytes",
                    (unsigned)property);
        probe_cut(a);
    }
}

static void a_reason_string_does_not_make_connack_too_large(struct check *check)
{
    expect_connack_without(check, REASON_STRING);
}

static void a_user_property_does_not_make_connack_too_large(struct check *check)
{
    expect_connack_without(check, USER_PROPERTY);
}

/* ---- Assigned Client Identifier ---- */

static void no_two_sessions_have_the_same_assigned_id(struct check *check)
{
    enum { COUNT = 100 };
    struct bytes ids[COUNT];

    if (check_target(check)->refuses_empty_id)
        check_skip(check, "the server takes no client without an id");
    for (unsigned i = 0; i < COUNT; i++) {
        struct probe *a = probe_connects(check, "02 0000 %s S''", i == 0 ? "(11 0000003c)" : "00");

        ids[i] = probe_property_text(probe_connack(a), ASSIGNED_CLIENT_IDENTIFIER);
        if (ids[i].size == 0)
            check_fail(check, "CONNACK has an Assigned Client Identifier");
        for (unsigned j = 0; j < i; j++) {
            if (bytes_equal(ids[i], ids[j]))
                check_fail(check, "clients %u and %u have different ids", j + 1, i + 1);
        }
        if (i == 0)
            probe_disconnects(a);
    }
}

/* ---- Topic Alias Maximum ---- */

static void an_alias_above_the_servers_maximum_is_refused(struct check *check)
{
    unsigned alias = check_target(check)->alias_max + 1u;
    struct probe *a = probe_connected(check, "~a");

    if (alias > UINT16_MAX)
        check_skip(check, "the server takes every alias");
    probe_send(a, "30 RL S'~/a' (23 %04x) 'x'", alias);
    probe_expect_end(a, "94");
}

/* ---- Keep Alive and session expiry ---- */

static void the_servers_keep_alive_rules(struct check *check)
{
    enum { TRIED_MAX_S = 60 };
    struct probe *a = probe_connects(check, "02 ffff 00 S'~a'");
    uint32_t keep_alive_s;

    if (!probe_property(probe_connack(a), SERVER_KEEP_ALIVE, &keep_alive_s))
        check_fail(check, "CONNACK has a Server Keep Alive");
    if (keep_alive_s > TRIED_MAX_S)
        check_skip(check, "its Keep Alive of %u s is too long to wait for", (unsigned)keep_alive_s);
    check_wait(check, (int64_t)keep_alive_s * 1000);
    if (!probe_is_open(a))
        check_fail(check, "the client has one and a half times its Keep Alive");
    check_wait(check, (int64_t)keep_alive_s * 500 + 1000);
    probe_expect_timeout(a);
}

static void the_clients_keep_alive_rules_where_the_server_gives_none(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0001 00 S'~a'");

    if (probe_has(probe_connack(a), SERVER_KEEP_ALIVE))
        check_skip(check, "the server has a Keep Alive of its own");
    check_wait(check, 1000);
    if (!probe_is_open(a))
        check_fail(check, "the client has one and a half times its Keep Alive");
    check_wait(check, 1500);
    probe_expect_timeout(a);
}

static void a_shorter_session_expiry_is_announced(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0000 (11 ffffffff) S'~a'");
    uint32_t expiry_s;

    if (!probe_property(probe_connack(a), SESSION_EXPIRY_INTERVAL, &expiry_s) ||
            expiry_s == UINT32_MAX)
        check_fail(check, "CONNACK has a Session Expiry Interval that ends");
}

static void the_clients_expiry_rules_where_the_server_gives_none(struct check *check)
{
    struct probe *a = probe_connects(check, "00 0000 (11 00000001) S'~a'");
    struct probe *b = probe_connects(check, "00 0000 (11 0000003c) S'~b'");

    if (probe_has(probe_connack(a), SESSION_EXPIRY_INTERVAL) ||
            probe_has(probe_connack(b), SESSION_EXPIRY_INTERVAL))
        check_skip(check, "the server has a session expiry of its own");
    probe_disconnects(a);
    probe_disconnects(b);
    check_wait(check, 2500);
    probe_resumed(check, "~a", false);
    probe_resumed(check, "~b", true);
}

/* ---- What subscriptions may ask for ---- */

/* Where the server says it has it, it may still refuse the one subscription, with the same code. */
static void expect_as_announced(struct check *check, uint8_t property, uint8_t code,
        const char *subscribe, const char *delivered)
{
    struct probe *a = probe_connected(check, "~a");
    uint32_t available = 1;
    char codes[3];

    if (probe_property(probe_connack(a), property, &available) && available > 1)
        check_fail(check, "property %02x of CONNACK is 0 or 1", (unsigned)property);
    probe_send(a, "%s", subscribe);
    if (!available) {
        snprintf(codes, sizeof(codes), "%02x", (unsigned)code);
        probe_expect_end(a, codes);
        return;
    }
    if (probe_expect_one(a, "90 RL 0001 [P] 00 | 90 RL 0001 [P] %02x", (unsigned)code) > 0)
        return;
    probe_send(a, "30 RL S'~/a' 00 'x'");
    probe_expect(a, "%s", delivered);
}

static void wildcards_are_as_announced(struct check *check)
{
    expect_as_announced(check, WILDCARD_SUBSCRIPTION_AVAILABLE, 0xA2, "82 RL 0001 00 S'~/#' 00",
            "30 RL S'~/a' 00 'x'");
}

static void subscription_identifiers_are_as_announced(struct check *check)
{
    expect_as_announced(check, SUBSCRIPTION_IDENTIFIER_AVAILABLE, 0xA1,
            "82 RL 0001 (0b 01) S'~/a' 00", "30 RL S'~/a' (0b 01) 'x'");
}

static void shared_subscriptions_are_as_announced(struct check *check)
{
    expect_as_announced(check, SHARED_SUBSCRIPTION_AVAILABLE, 0x9E,
            "82 RL 0001 00 S'$share/~g/~/a' 00", "30 RL S'~/a' 00 'x'");
}

/* ---- Server Reference ---- */

static void only_who_is_sent_elsewhere_gets_a_reference(struct check *check)
{
    /* Welcome, with an unknown method, and malformed. */
    static const char *const packets[] = { "02 0000 00 S'~a'", "02 0000 (15 S'~') S'~a'",
        "03 0000 00 S'~a'" };

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct bytes answer = probe_take(probe_tries(check, "%s", packets[i]));
        bool connack = answer.size >= 5 && answer.data[0] >> 4 == CONNACK;

        if (connack && answer.data[3] != 0x9C && answer.data[3] != 0x9D &&
                probe_has(answer, SERVER_REFERENCE))
            check_fail(check, "CONNACK %02x has no Server Reference", (unsigned)answer.data[3]);
    }
}

/* ---- The cases ---- */

static const struct check_case cases[] = {
    { "MQTT5-3.2.0-1", CASE(connack_comes_before_all_that_has_waited) },
    { "MQTT5-3.2.0-2", CASE(connack_comes_once) },
    { "MQTT5-3.2.2-1", CASE(only_session_present_is_flagged) },
    { "MQTT5-3.2.2-2", CASE(a_clean_start_finds_no_session) },
    { "MQTT5-3.2.2-3", CASE(session_present_tells_whether_one_is_stored) },
    { "MQTT5-3.2.2-6", CASE(a_refusal_does_not_say_session_present) },
    { "MQTT5-3.2.2-6", CASE(a_wrong_login_does_not_show_the_session), .need = NEED_LOGIN },
    { "MQTT5-3.2.2-7 MQTT5-3.2.2-8", CASE(a_refusal_has_a_code_of_connack_and_is_the_end) },
    { "MQTT5-3.2.2-9", CASE(a_server_without_qos_2_says_so), .need = NEED_QOS_LIMIT },
    { "MQTT5-3.2.2-9 U5-3.2.2.3.4-1", CASE(every_qos_up_to_the_maximum_is_taken) },
    { "MQTT5-3.2.2-10", CASE(a_subscription_may_ask_for_more_than_the_maximum_qos),
            .need = NEED_QOS_LIMIT },
    { "MQTT5-3.2.2-11 U5-3.2.2.3.4-2", CASE(a_publish_above_the_maximum_qos_is_refused),
            .need = NEED_QOS_LIMIT },
    { "MQTT5-3.2.2-12", CASE(a_will_above_the_maximum_qos_is_refused), .need = NEED_QOS_LIMIT },
    { "MQTT5-3.2.2-13", CASE(a_retained_will_is_refused_without_retained_messages),
            .need = NEED_NO_RETAIN },
    { "MQTT5-3.2.2-14 U5-3.2.2.3.5-1", "retain_is_refused_without_retained_messages",
            .refused = "31 RL S'~/a' 00 'x' | 33 RL S'~/a' 0001 00 'x'", .codes = "9a",
            .need = NEED_NO_RETAIN },
    { "U5-3.2.2.3.5-1", CASE(messages_are_retained_unless_connack_denies_it), .need = NEED_RETAIN },
    { "U5-2.1.4-1", CASE(a_packet_of_the_servers_maximum_size_is_taken),
            .need = NEED_PACKET_LIMIT },
    { "MQTT5-3.2.2-15 U5-3.2.2.3.6-1", CASE(a_packet_above_the_servers_maximum_size_is_refused),
            .need = NEED_PACKET_LIMIT },
    { "U5-3.2.2.3.6-1", CASE(a_connect_above_the_servers_maximum_size_is_refused),
            .need = NEED_PACKET_LIMIT },
    { "MQTT5-3.2.2-16", CASE(no_two_sessions_have_the_same_assigned_id) },
    { "MQTT5-3.2.2-17", CASE(an_alias_above_the_servers_maximum_is_refused), .need = NEED_ALIASES },
    { "MQTT5-3.2.2-18", "an_alias_is_refused_where_connack_allows_none",
            .refused = "30 RL S'~/a' (23 0001) 'x' | 32 RL S'~/a' 0001 (23 0001) 'x'",
            .codes = "94", .need = NEED_NO_ALIASES },
    { "MQTT5-3.2.2-19", CASE(a_reason_string_does_not_make_connack_too_large) },
    { "MQTT5-3.2.2-20", CASE(a_user_property_does_not_make_connack_too_large) },
    { "MQTT5-3.2.2-21", CASE(the_servers_keep_alive_rules), .need = NEED_KEEP_ALIVE_LIMIT },
    { "MQTT5-3.2.2-22", CASE(the_clients_keep_alive_rules_where_the_server_gives_none) },
    { "U5-3.2.2.3.2-1", CASE(a_shorter_session_expiry_is_announced), .need = NEED_EXPIRY_LIMIT },
    { "U5-3.2.2.3.2-1", CASE(the_clients_expiry_rules_where_the_server_gives_none) },
    { "U5-3.2.2.3.11-1", CASE(wildcards_are_as_announced) },
    { "U5-3.2.2.3.12-1", CASE(subscription_identifiers_are_as_announced) },
    { "U5-3.2.2.3.13-1", CASE(shared_subscriptions_are_as_announced) },
    { "U5-3.2.2.3.16-1", CASE(only_who_is_sent_elsewhere_gets_a_reference) },
};

const struct check_chapter check_mqtt5_connack = CHAPTER("CONNACK", MQTT_5_0, cases);
