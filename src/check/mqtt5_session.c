/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

enum {
    SERVER_KEEP_ALIVE = 0x13,
    LIMIT_S_MAX = 2, /* of a Server Keep Alive that is waited for */
};

static void expect_present(struct check *check, const struct probe *probe, bool present)
{
    if (probe_present(probe) != present)
        check_fail(check, "Session Present is %d in the last CONNACK", present);
}

/* A client with this id whose session expires after so many seconds; whether there was one. */
static struct probe *back(struct check *check, uint32_t expiry_s, bool present)
{
    struct probe *probe = probe_connects(check, "00 0000 (11 %08x) S'~a'", expiry_s);

    expect_present(check, probe, present);
    return probe;
}

/* ---- Clean Start ---- */

static void a_clean_start_throws_the_session_away(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/t", 1);
    probe_disconnects(a);
    probe_publishes(b, 2, "~/t", "waits");
    a = probe_connected(check, "~a");
    expect_present(check, a, false);
    probe_publishes(b, 2, "~/t", "finds nobody");
    probe_expect_nothing(a);
}

static void without_clean_start_the_session_goes_on(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/t", 1);
    probe_disconnects(a);
    probe_publishes(b, 2, "~/t", "waits");
    a = probe_resumed(check, "~a", true);
    probe_receives(a, 0x32, "~/t", "waits");
    probe_publishes(b, 2, "~/t", "comes");
    probe_receives(a, 0x32, "~/t", "comes");
}

static void without_a_session_a_new_one_begins(struct check *check)
{
    struct probe *a = probe_connects(check, "00 0000 00 S'~a'");

    expect_present(check, a, false);
    probe_subscribes(a, "~/t", 0);
    probe_publishes(a, 0, "~/t", "x");
    probe_receives(a, 0x30, "~/t", "x");
}

/* ---- Keep Alive ---- */

static void silence_beyond_keep_alive_ends_the_connection(struct check *check)
{
    struct probe *all = probe_connected(check, "~all");
    struct probe *a;
    uint32_t own_s;

    probe_subscribes(all, "~/w", 0);
    a = probe_connects(check, "06 0001 00 S'~a' 00 S'~/w' S'bye'");
    if (probe_property(probe_connack(a), SERVER_KEEP_ALIVE, &own_s) && own_s != 1)
        check_skip(check, "the server has a Keep Alive of its own");
    /* As often as this it has to speak, with whatever packet. */
    check_wait(check, 1000);
    probe_publishes(a, 2, "~/t", "x");
    check_wait(check, 1000);
    probe_send(a, "C0 00");
    probe_expect(a, "D0 00");
    check_wait(check, 2000);
    probe_expect_timeout(a);
    probe_expect(all, "30 RL S'~/w' 00 'bye'");
}

/* Its own Keep Alive would let it be silent for hours. */
static void the_servers_keep_alive_counts(struct check *check)
{
    uint16_t limit_s = check_target(check)->keep_alive_s;
    struct probe *a;

    if (limit_s > LIMIT_S_MAX)
        check_skip(check, "the Server Keep Alive is over %d seconds, too long to wait for",
                LIMIT_S_MAX);
    a = probe_connects(check, "02 FFFF 00 S'~a'");
    check_wait(check, limit_s * 1500 + 1000);
    probe_expect_timeout(a);
}

static void keep_alive_0_allows_silence(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    check_wait(check, 3000);
    probe_send(a, "C0 00");
    probe_expect(a, "D0 00");
}

/* ---- How long a session lasts ---- */

static void a_lost_connection_leaves_its_session(struct check *check)
{
    probe_cut(back(check, 30, false));
    back(check, 30, true);
}

/* Its time has begun to run, and must not run on. */
static void a_session_does_not_expire_while_connected(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a;

    probe_disconnects(back(check, 2, false));
    a = back(check, 2, true);
    probe_subscribes(a, "~/t", 0);
    check_wait(check, 3500);
    probe_publishes(b, 0, "~/t", "x");
    probe_receives(a, 0x30, "~/t", "x");
    probe_disconnects(a);
    back(check, 0, true);
}

static void a_session_expires(struct check *check)
{
    probe_cut(back(check, 1, false));
    check_wait(check, 3500);
    back(check, 0, false);
}

static void without_an_expiry_the_session_ends_at_once(struct check *check)
{
    probe_disconnects(probe_connects(check, "00 0000 00 S'~a'"));
    back(check, 0, false);
}

/* A sum of the time and FFFFFFFF that overflows would be in the past. */
static void a_session_can_be_for_good(struct check *check)
{
    probe_disconnects(back(check, UINT32_MAX, false));
    check_wait(check, 2000);
    back(check, 0, true);
}

/* ---- Take-over ---- */

static void the_newer_connection_takes_over(struct check *check)
{
    struct probe *first = probe_connected(check, "~a");
    struct probe *second = probe_connected(check, "~a");

    probe_expect(first, "E0 RL 8E *");
    probe_expect_closed(first);
    probe_send(second, "C0 00");
    probe_expect(second, "D0 00");
}

/* A connection whose session holds a message that was not acknowledged. */
static struct probe *owing(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/t", 1);
    probe_publishes(b, 2, "~/t", "x");
    probe_expect(a, "32 RL S'~/t' id1 00 'x'");
    return a;
}

static void a_take_over_goes_on_with_the_session(struct check *check)
{
    struct probe *first = owing(check);
    struct probe *second = probe_resumed(check, "~a", true);

    probe_expect_end(first, "8E");
    probe_expect(second, "<32 3A> RL S'~/t' id 00 'x'");
}

static void a_take_over_with_clean_start_ends_the_session(struct check *check)
{
    struct probe *first = owing(check);
    struct probe *second = probe_connected(check, "~a");

    expect_present(check, second, false);
    probe_expect_end(first, "8E");
    probe_publishes(second, 2, "~/t", "finds nobody");
    probe_expect_nothing(second);
}

/* ---- What belongs to a session ---- */

static void a_session_keeps_subscriptions_with_identifiers(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_send(a, "82 RL 0001 (0B C801) S'~/t' 01");
    probe_expect(a, "90 RL 0001 [P] 01");
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    probe_publishes(b, 2, "~/t", "x");
    probe_expect(a, "32 RL S'~/t' id (0B C801) 'x'");
}

/* QoS 1 before its PUBACK, QoS 2 before its PUBREC and before its PUBCOMP. */
static void a_session_keeps_what_is_not_acknowledged(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/t", 2);
    probe_publishes(b, 2, "~/t", "1");
    probe_publishes(b, 4, "~/t", "2");
    probe_publishes(b, 4, "~/t", "3");
    probe_expect_all(a,
            "32 RL S'~/t' id1 00 '1' | 34 RL S'~/t' id2 00 '2' | "
            "34 RL S'~/t' id3 00 '3'");
    probe_send(a, "50 02 id3");
    probe_expect_ack(a, 0x62, probe_id(a, 3), "00");
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    probe_expect_all(
            a, "<32 3A> RL S'~/t' id1 00 '1' | <34 3C> RL S'~/t' id2 00 '2' | 62 RL id3 *");
    probe_expect_nothing(a);
}

static void a_session_keeps_the_ids_of_qos_2(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/t", 0);
    probe_send(a, "34 RL S'~/t' 0001 00 'x'");
    probe_expect_ack(a, 0x50, 1, "00");
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    probe_send(a, "3C RL S'~/t' 0001 00 'x'");
    probe_expect_ack(a, 0x50, 1, "00 10");
    probe_send(a, "62 02 0001");
    probe_expect_ack(a, 0x70, 1, "00");
    probe_receives(b, 0x30, "~/t", "x");
    probe_expect_nothing(b);
}

static void retained_messages_are_not_of_the_session(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b;

    probe_publishes(a, 3, "~/t", "stays");
    probe_disconnects(a);
    b = probe_connected(check, "~b");
    probe_subscribes(b, "~/t", 0);
    probe_receives(b, 0x31, "~/t", "stays");
}

static void every_matching_session_gets_the_message(struct check *check)
{
    struct probe *away = probe_resumed(check, "~away", false);
    struct probe *here = probe_connected(check, "~here");
    struct probe *all = probe_connected(check, "~all");
    struct probe *other = probe_connected(check, "~other");

    probe_subscribes(away, "~/a/t", 1);
    probe_disconnects(away);
    probe_subscribes(here, "~/+/t", 1);
    probe_subscribes(all, "~/#", 0);
    probe_subscribes(other, "~/b/#", 0);
    probe_publishes(other, 2, "~/a/t", "x");
    probe_receives(here, 0x32, "~/a/t", "x");
    probe_receives(all, 0x30, "~/a/t", "x");
    probe_receives(probe_resumed(check, "~away", true), 0x32, "~/a/t", "x");
    probes_expect_nothing(check);
}

/* ---- The transport ---- */

/* Packets are found in the stream wherever its pieces begin and end. */
static void the_transport_is_a_stream_of_bytes(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/t", 0);
    probe_send(a, "C0");
    probe_send(a, "00 C0");
    probe_send(a, "00");
    probe_expect(a, "D0 00 | D0 00");
    probe_send(a, "30 RL S'~/t' 00 '1' {9000} | 30 RL S'~/t' 00 '2' {100} | 30 RL S'~/t' 00 '3'");
    probe_expect(a, "30 RL S'~/t' 00 '1' {9000} | 30 RL S'~/t' 00 '2' {100} | 30 RL S'~/t' 00 '3'");
}

static const struct check_case cases[] = {
    { "MQTT5-3.1.2-4", CASE(a_clean_start_throws_the_session_away) },
    { "MQTT5-3.1.2-5", CASE(without_clean_start_the_session_goes_on) },
    { "MQTT5-3.1.2-6", CASE(without_a_session_a_new_one_begins) },
    { "MQTT5-3.1.2-21", CASE(the_servers_keep_alive_counts), NEED_KEEP_ALIVE_LIMIT },
    { "MQTT5-3.1.2-22", CASE(silence_beyond_keep_alive_ends_the_connection) },
    { "U5-3.1.2-2", CASE(keep_alive_0_allows_silence) },
    { "MQTT5-3.1.2-23", CASE(a_lost_connection_leaves_its_session) },
    { "MQTT5-4.1.0-1", CASE(a_session_does_not_expire_while_connected) },
    { "MQTT5-4.1.0-2", CASE(a_session_expires) },
    { "U5-3.1.2.11.2-1", CASE(without_an_expiry_the_session_ends_at_once) },
    { "U5-3.1.2.11.2-1", CASE(a_session_can_be_for_good) },
    { "MQTT5-3.1.4-3", CASE(the_newer_connection_takes_over) },
    { "MQTT5-3.1.4-4", CASE(a_take_over_goes_on_with_the_session) },
    { "MQTT5-3.1.4-4", CASE(a_take_over_with_clean_start_ends_the_session) },
    { "U5-4.1-1", CASE(a_session_keeps_subscriptions_with_identifiers), NEED_IDENTIFIER },
    { "U5-4.1-1", CASE(a_session_keeps_what_is_not_acknowledged), NEED_QOS_2 },
    { "U5-4.1-1", CASE(a_session_keeps_the_ids_of_qos_2), NEED_QOS_2 },
    { "U5-4.1-2", CASE(retained_messages_are_not_of_the_session), NEED_RETAIN },
    { "MQTT5-4.5.0-1", CASE(every_matching_session_gets_the_message) },
    { "MQTT5-4.2.0-1", CASE(the_transport_is_a_stream_of_bytes) },
};

const struct check_chapter check_mqtt5_session =
        CHAPTER("Sessions and Keep Alive", MQTT_5_0, cases);
