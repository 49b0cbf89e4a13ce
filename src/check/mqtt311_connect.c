/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stddef.h>

/* A CONNACK by which a server may say that it does not know the user name or its password. */
#define BAD_LOGIN "20 02 00 <04 05>"

/* ---- Let in ---- */

static void a_valid_connect_is_answered_with_0(struct check *check)
{
    struct probe *a = probe_tries(check, "02 003C S'~a'");

    probe_expect(a, "20 02 00 00");
    probe_expect_nothing(a);
}

static void the_payload_has_the_will_before_the_login(struct check *check)
{
    const char *user = check_target(check)->user;
    struct probe *watcher = probe_connected(check, "~watcher");
    struct probe *a;

    probe_subscribes(watcher, "~/#", 0);
    /* Where the server wants a login, it is added behind the will. */
    a = probe_tries(check,
            user ? "06 0000 S'~a' S'~/w' S'bye'"
                 : "C6 0000 S'~a' S'~/w' S'bye' S'user' S'password'");
    if (probe_expect_one(a, "20 02 00 00 | " BAD_LOGIN) == 1)
        check_skip(check, "the server refuses a user name it does not know; give --user");
    probe_cut(a);
    probe_receives(watcher, 0x30, "~/w", "bye");
    probe_expect_nothing(watcher);
}

static void a_login_behind_the_will_is_judged(struct check *check)
{
    const struct check_target *target = check_target(check);
    struct probe *a = probe_open(check);

    probe_send(a, "10 RL S'MQTT' 04 C6 0000 S'~a' S'~/w' S'bye' S'%s' S'%s'", target->wrong_user,
            target->wrong_password);
    probe_expect(a, BAD_LOGIN);
    probe_expect_closed(a);
    probe_connects(check, "06 0000 S'~a' S'~/w' S'bye'");
}

/* Whether this login is let in is the server's own affair; that it is one is not. */
static void expect_login_is_judged(struct check *check, const char *flags_and_payload)
{
    struct probe *a = probe_open(check);

    probe_send(a, "10 RL S'MQTT' 04 %s", flags_and_payload);
    probe_expect(a, "20 02 00 <00 04 05>");
}

static void an_empty_password_is_a_password(struct check *check)
{
    expect_login_is_judged(check, "C2 0000 S'~a' S'user' S''");
}

static void a_password_is_any_bytes(struct check *check)
{
    expect_login_is_judged(check, "C2 0000 S'~a' S'user' 0003 FF00C3");
}

/* ---- Client ids ---- */

static void ids_of_1_to_23_letters_and_digits_are_accepted(struct check *check)
{
    static const char *const ids[] = { "~0123456789abcde", "~fghijklmnopqrst", "~uvwxyzABCDEFGHI",
        "~JKLMNOPQRSTUVWX", "~YZ", "a", "Z9" };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (*ids[i] == '~' || check_target(check)->alone)
            probe_disconnects(probe_connected(check, ids[i]));
    }
}

static void clients_without_an_id_get_different_ones(struct check *check)
{
    struct probe *first;
    struct probe *second;

    if (check_target(check)->refuses_empty_id)
        check_skip(check, "the server may refuse a client without an id, and does");
    first = probe_connected(check, "");
    second = probe_connected(check, "");
    probe_subscribes(first, "~/a", 0);
    probe_subscribes(second, "~/a", 0);
    probe_publishes(first, 0, "~/a", "x");
    probe_receives(first, 0x30, "~/a", "x");
    probe_receives(second, 0x30, "~/a", "x");
}

static void refuses_id(struct check *check, const char *flags, const char *id)
{
    struct probe *a = probe_tries(check, "%s 003C S'%s'", flags, id);

    probe_expect(a, "20 02 00 02");
    probe_expect_closed(a);
}

static void no_id_and_no_clean_session_is_refused_with_2(struct check *check)
{
    refuses_id(check, "00", "");
}

static void an_id_is_refused_with_2(struct check *check)
{
    refuses_id(check, "02", check_target(check)->refused_id);
}

static void an_empty_id_is_refused_with_2(struct check *check)
{
    refuses_id(check, "02", "");
}

/* ---- Refused ---- */

static void another_level_is_refused_with_1(struct check *check)
{
    static const char *const levels[] = { "00", "01", "02", "03" };
    struct probe *a;

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        a = probe_open(check);
        probe_send(a, "10 RL S'MQTT' %s 02 003C S'~c'", levels[i]);
        probe_expect(a, "20 02 00 01");
        probe_expect_closed(a);
    }
    /* A server of 5.0 may answer a later version by the rules of 5.0. */
    a = probe_open(check);
    probe_send(a, "10 RL S'MQTT' 07 02 003C 00 S'~c'");
    probe_expect_one(
            a, "20 02 00 01 %s", check_target(check)->speaks[MQTT_5_0] ? "| 20 RL 00 84 [P]" : "");
    probe_expect_closed(a);
}

static void a_second_connect_ends_the_connection(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "10 RL S'MQTT' 04 02 0000 S'~a'");
    probe_expect_closed(a);
}

static void what_follows_a_refused_connect_is_not_processed(struct check *check)
{
    const struct check_target *target = check_target(check);
    struct probe *watcher = probe_connected(check, "~watcher");
    struct probe *a = probe_open(check);

    probe_subscribes(watcher, "~/#", 0);
    probe_send(a, "10 RL S'MQTT' 04 C2 0000 S'~a' S'%s' S'%s' | 30 RL S'~/a' 'x'",
            target->wrong_user, target->wrong_password);
    probe_expect(a, BAD_LOGIN);
    probe_expect_closed(a);
    probe_expect_nothing(watcher);
}

static void a_transport_without_connect_is_closed_in_time(struct check *check)
{
    struct probe *a = probe_open(check);

    check_wait(check, check_target(check)->connect_timeout_ms);
    probe_expect_closed(a);
}

/* ---- CONNACK ---- */

static void connack_comes_before_what_the_session_holds(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    probe_publishes(b, 2, "~/a", "1");
    probe_publishes(b, 2, "~/a", "2");
    a = probe_tries(check, "00 0000 S'~a'");
    probe_expect(a, "20 02 01 00 | 32 RL S'~/a' id '1' | 32 RL S'~/a' id '2'");
}

static void session_present_is_0_for_a_clean_session(struct check *check)
{
    probe_disconnects(probe_resumed(check, "~a", false));
    probe_expect(probe_tries(check, "02 0000 S'~a'"), "20 02 00 00");
}

static void session_present_is_1_for_a_session_that_is_kept(struct check *check)
{
    probe_disconnects(probe_resumed(check, "~a", false));
    probe_expect(probe_tries(check, "00 0000 S'~a'"), "20 02 01 00");
}

static void session_present_is_0_where_nothing_was_kept(struct check *check)
{
    probe_expect(probe_tries(check, "00 0000 S'~a'"), "20 02 00 00");
    probe_disconnects(probe_connected(check, "~b"));
    probe_expect(probe_tries(check, "00 0000 S'~b'"), "20 02 00 00");
}

static void session_present_is_0_for_a_refusal(struct check *check)
{
    const struct check_target *target = check_target(check);
    struct probe *a;

    probe_disconnects(probe_resumed(check, "~a", false));
    a = probe_open(check);
    probe_send(a, "10 RL S'MQTT' 04 C0 0000 S'~a' S'%s' S'%s'", target->wrong_user,
            target->wrong_password);
    probe_expect(a, BAD_LOGIN);
    probe_resumed(check, "~a", true);
}

/* Whichever of these a server refuses, and with whatever code. */
static void a_code_other_than_0_is_followed_by_the_end(struct check *check)
{
    static const char *const connects[] = {
        "10 RL S'MQTT' 02 02 003C S'~c'",
        "10 RL S'MQTT' 04 00 003C S''",
        "10 RL S'MQTT' 04 C2 003C S'~c' S'~' S'~'",
    };
    unsigned refused = 0;

    for (size_t i = 0; i < sizeof(connects) / sizeof(connects[0]); i++) {
        struct probe *a = probe_open(check);
        struct bytes connack;

        probe_send(a, "%s", connects[i]);
        connack = probe_take(a);
        if (connack.size == 0 || connack.data[connack.size - 1] == 0)
            continue;
        probe_expect_closed(a);
        refused++;
    }
    if (refused == 0)
        check_skip(check, "the server refuses none of the tried CONNECTs with a code");
}

static void a_wrong_password_is_refused_with_4_or_5(struct check *check)
{
    const struct check_target *target = check_target(check);
    struct probe *a = probe_open(check);

    probe_send(a, "10 RL S'MQTT' 04 C2 0000 S'~a' S'%s' S'%s'", target->wrong_user,
            target->wrong_password);
    probe_expect(a, BAD_LOGIN);
    probe_expect_closed(a);
}

/* A CONNECT of 3.1.1 from its flags on. */
#define CONNECT(flags_and_payload) "10 RL S'MQTT' 04 " flags_and_payload

static const struct check_case cases[] = {
    { "MQTT311-3.1.0-1", "the_first_packet_is_connect",
            .refused_first = "C0 00 | E0 00 | 30 RL S'~/a' 'x' | 32 RL S'~/a' 0001 'x' |"
                             "40 02 0001 | 62 02 0001 | 82 RL 0001 S'~/a' 00 |"
                             "A2 RL 0001 S'~/a' | 20 02 00 00 | 00 00 | F0 00" },
    { "MQTT311-3.1.0-2", CASE(a_second_connect_ends_the_connection) },
    { "MQTT311-3.1.2-1", "another_protocol_name_is_not_served",
            .refused_first = "10 RL S'MQTX' 04 02 003C S'~c' | 10 RL S'mqtt' 04 02 003C S'~c' |"
                             "10 RL S'MQTT1' 04 02 003C S'~c' | 10 RL S'' 04 02 003C S'~c'" },
    { "MQTT311-3.1.2-2", CASE(another_level_is_refused_with_1) },
    { "MQTT311-3.1.2-3", "the_reserved_connect_flag_is_refused",
            .refused_first = CONNECT("03 003C S'~c'") "|" CONNECT("01 003C S'~c'") },
    { "MQTT311-3.1.2-9", "a_will_flag_without_a_will_is_refused",
            .refused_first = CONNECT("06 003C S'~c'") "|" CONNECT("06 003C S'~c' S'~/w'") },
    { "MQTT311-3.1.2-11", "a_will_without_its_flag_is_refused",
            .refused_first = CONNECT("02 003C S'~c' S'~/w' S'bye'") },
    { "MQTT311-3.1.2-13", "a_will_qos_without_a_will_is_refused",
            .refused_first = CONNECT("0A 003C S'~c'") "|" CONNECT("12 003C S'~c'") },
    { "MQTT311-3.1.2-14", "a_will_of_qos_3_is_refused",
            .refused_first = CONNECT("1E 003C S'~c' S'~/w' S'bye'") },
    { "MQTT311-3.1.2-15", "will_retain_without_a_will_is_refused",
            .refused_first = CONNECT("22 003C S'~c'") },
    { "MQTT311-3.1.2-18", "a_user_name_without_its_flag_is_refused",
            .refused_first = CONNECT("02 003C S'~c' S'user'") },
    { "MQTT311-3.1.2-19", "a_user_name_flag_without_a_user_name_is_refused",
            .refused_first = CONNECT("82 003C S'~c'") "|" CONNECT("86 003C S'~c' S'~/w' S'bye'") },
    { "MQTT311-3.1.2-20", "a_password_without_its_flag_is_refused",
            .refused_first = CONNECT("82 003C S'~c' S'user' S'password'") },
    { "MQTT311-3.1.2-21", "a_password_flag_without_a_password_is_refused",
            .refused_first = CONNECT("C2 003C S'~c' S'user'") },
    { "MQTT311-3.1.2-21", CASE(an_empty_password_is_a_password) },
    { "MQTT311-3.1.2-22", "a_password_without_a_user_name_is_refused",
            .refused_first = CONNECT("42 003C S'~c' S'password'") },
    { "MQTT311-3.1.3-1", CASE(the_payload_has_the_will_before_the_login) },
    { "MQTT311-3.1.3-1", CASE(a_login_behind_the_will_is_judged), NEED_LOGIN },
    { "MQTT311-3.1.3-3", "a_connect_without_a_client_id_is_refused",
            .refused_first = CONNECT("02 003C") },
    { "MQTT311-3.1.3-4", "a_client_id_that_is_no_utf8_is_refused",
            .refused_first = CONNECT("02 003C 0001 FF") "|" CONNECT("02 003C 000A '~' C328") },
    { "MQTT311-3.1.3-5", CASE(ids_of_1_to_23_letters_and_digits_are_accepted) },
    { "MQTT311-3.1.3-6", CASE(clients_without_an_id_get_different_ones) },
    { "MQTT311-3.1.3-7 MQTT311-3.1.3-8", CASE(no_id_and_no_clean_session_is_refused_with_2) },
    { "MQTT311-3.1.3-9", CASE(an_id_is_refused_with_2), NEED_REFUSED_ID },
    { "MQTT311-3.1.3-9", CASE(an_empty_id_is_refused_with_2), NEED_NO_EMPTY_ID },
    { "MQTT311-3.1.3-10", "a_will_topic_that_is_no_utf8_is_refused",
            .refused_first = CONNECT("06 003C S'~c' 000B '~/w' FE S'bye'") "|" CONNECT(
                    "06 003C S'~c' 000B '~/' C328 S'bye'") },
    { "MQTT311-3.1.3-11", "a_user_name_that_is_no_utf8_is_refused",
            .refused_first = CONNECT("82 003C S'~c' 0001 FF") "|" CONNECT(
                    "C2 003C S'~c' 0002 C328 S'password'") },
    { "MQTT311-3.1.3-11", CASE(a_password_is_any_bytes) },
    { "MQTT311-3.1.4-1", "a_malformed_connect_is_closed_without_connack",
            .refused_first = "10 00 | 10 RL 00 | 10 RL S'MQTT' | 10 RL S'MQTT' 04 |"
                             "10 RL S'MQTT' 04 02 | 10 RL S'MQTT' 04 02 00 |"
                             "10 RL S'MQTT' 04 02 003C 00 | 10 RL S'MQTT' 04 02 003C 0009 '~' |"
                             "10 RL S'MQTT' 04 02 003C S'~c' 00 |"
                             "10 RL S'MQTT' 04 06 003C S'~c' S'~/w' 0005 'bye'" },
    { "MQTT311-3.1.4-4", CASE(a_valid_connect_is_answered_with_0) },
    { "MQTT311-3.1.4-5", CASE(what_follows_a_refused_connect_is_not_processed), NEED_LOGIN },
    { "U311-3.1.4-a", CASE(a_transport_without_connect_is_closed_in_time), NEED_CONNECT_TIMEOUT },
    { "MQTT311-3.2.0-1", CASE(connack_comes_before_what_the_session_holds) },
    { "MQTT311-3.2.2-1", CASE(session_present_is_0_for_a_clean_session) },
    { "MQTT311-3.2.2-2", CASE(session_present_is_1_for_a_session_that_is_kept) },
    { "MQTT311-3.2.2-3", CASE(session_present_is_0_where_nothing_was_kept) },
    { "MQTT311-3.2.2-4", CASE(session_present_is_0_for_a_refusal), NEED_LOGIN },
    { "MQTT311-3.2.2-5", CASE(a_code_other_than_0_is_followed_by_the_end) },
    { "MQTT311-3.2.2-6", "a_refusal_that_no_code_tells_is_silent",
            .refused_first = CONNECT("03 003C S'~c'") },
    { "U311-3.2.2-a", CASE(a_wrong_password_is_refused_with_4_or_5), NEED_LOGIN },
};

const struct check_chapter check_mqtt311_connect = CHAPTER("CONNECT", MQTT_3_1_1, cases);
