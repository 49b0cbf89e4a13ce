/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/mqtt3.h"
#include "check/probe.h"

#include <stddef.h>

enum { TOPIC_SIZE_MAX = 32767 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- CONNECT ---- */

static void expect_refusal(struct probe *probe, unsigned code)
{
    probe_expect(probe, "20 02 00 %02x", code);
    probe_expect_closed(probe);
}

static void a_client_of_mqisdp_is_let_in(struct check *check)
{
    struct probe *a = probe_tries(check, "02 003C S'~a'");

    probe_expect(a, "20 02 00 00");
    probe_expect_nothing(a);
}

static void another_level_is_refused_with_1(struct check *check)
{
    static const char *const levels[] = { "00", "01", "02", "04", "05" };

    for (size_t i = 0; i < COUNT(levels); i++) {
        struct probe *a = probe_open(check);

        probe_send(a, "10 RL S'MQIsdp' %s 02 003C S'~c'", levels[i]);
        expect_refusal(a, 1);
    }
}

/* By the text 23 characters are the limit; a server may let longer ids in. */
static void an_id_of_24_characters_is_let_in_or_refused_with_2(struct check *check)
{
    struct probe *a;

    probe_expect(probe_tries(check, "02 003C S'~0123456789abcde'"), "20 02 00 00");
    a = probe_tries(check, "02 003C S'~0123456789abcdef'");
    if (probe_expect_one(a, "20 02 00 00 | 20 02 00 02") == 1)
        probe_expect_closed(a);
}

static void an_empty_id_is_refused_with_2(struct check *check)
{
    expect_refusal(probe_tries(check, "02 003C S''"), 2);
    expect_refusal(probe_tries(check, "00 003C S''"), 2);
}

static void connack_does_not_say_that_a_session_is_there(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    a = probe_tries(check, "00 0000 S'~a'");
    probe_expect(a, "20 02 00 00");
    probe_publishes(b, 2, "~/a", "x");
    probe_receives(a, 0x32, "~/a", "x");
}

static void the_lowest_connect_flag_means_nothing(struct check *check)
{
    probe_expect(probe_tries(check, "03 003C S'~a'"), "20 02 00 00");
    probe_expect(probe_tries(check, "01 003C S'~a'"), "20 02 00 00");
}

/* This CONNECT is let in. A server that wants to know who it is may refuse it for that alone. */
static void expect_legal(struct check *check, const char *connect)
{
    struct probe *a = probe_open(check);

    probe_send(a, "%s", connect);
    probe_expect(a, "20 02 00 %s", check_target(check)->user ? "<00 04 05>" : "00");
}

static void header_flags_of_connect_mean_nothing(struct check *check)
{
    expect_legal(check, "11 RL S'MQIsdp' 03 02 003C S'~a'");
    expect_legal(check, "14 RL S'MQIsdp' 03 02 003C S'~b'");
    expect_legal(check, "18 RL S'MQIsdp' 03 02 003C S'~c'");
}

static void a_login_may_be_missing_against_its_flags(struct check *check)
{
    expect_legal(check, "10 RL S'MQIsdp' 03 82 003C S'~a'");
    expect_legal(check, "10 RL S'MQIsdp' 03 C2 003C S'~b'");
}

static void a_password_may_be_missing_against_its_flag(struct check *check)
{
    struct probe *a = probe_open(check);

    /* The name is there, and the server may not know it. */
    probe_send(a, "10 RL S'MQIsdp' 03 C2 003C S'~a' S'user'");
    probe_expect(a, "20 02 00 <00 04 05>");
}

static void a_login_may_be_longer_than_12_characters(struct check *check)
{
    struct probe *a = probe_open(check);

    probe_send(a, "10 RL S'MQIsdp' 03 C2 003C S'~a' S{40} S{40}");
    probe_expect(a, "20 02 00 <00 04 05>");
}

static void a_wrong_password_is_refused_with_4_or_5(struct check *check)
{
    const struct check_target *target = check_target(check);
    struct probe *a = probe_open(check);

    probe_send(a, "10 RL S'MQIsdp' 03 C2 003C S'~a' S'%s' S'%s'", target->wrong_user,
            target->wrong_password);
    probe_expect(a, "20 02 00 <04 05>");
    probe_expect_closed(a);
}

/* ---- Sent again ---- */

static void dup_is_accepted_in_all_that_is_acknowledged(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "8A RL 0001 S'~/a' 00 | AA RL 0002 S'~/a' | 34 RL S'~/b' 0003 'x'");
    probe_expect_all(a, "90 03 0001 00 | B0 02 0002 | 50 02 0003");
    probe_send(a, "6A 02 0003");
    probe_expect(a, "70 02 0003");
}

static void what_is_sent_again_is_answered_again(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(b, "82 RL 0001 S'~/a' 00 | 8A RL 0001 S'~/a' 00");
    probe_expect(b, "90 03 0001 00 | 90 03 0001 00");
    probe_send(a, "34 RL S'~/a' 0005 'x' | 3C RL S'~/a' 0005 'x'");
    probe_expect(a, "50 02 0005 | 50 02 0005");
    probe_send(a, "62 02 0005 | 6A 02 0005");
    probe_expect(a, "70 02 0005 | 70 02 0005");
    probe_expect(b, "30 RL S'~/a' 'x'");
    probe_send(b, "A2 RL 0002 S'~/a' | AA RL 0002 S'~/a'");
    probe_expect(b, "B0 02 0002 | B0 02 0002");
    probes_expect_nothing(check);
}

/* ---- Rights ---- */

static void a_subscription_without_the_right_to_is_granted(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(a, "82 RL 0001 S'%s' 02 S'~/a' 01", check_target(check)->denied_topic);
    probe_expect(a, "90 04 0001 <00 01 02> 01");
    probe_publishes(b, 2, "~/a", "x");
    probe_receives(a, 0x32, "~/a", "x");
}

static void a_publish_without_the_right_to_is_acknowledged(struct check *check)
{
    const char *topic = check_target(check)->denied_topic;
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/#", 0);
    probe_publishes(a, 0, topic, "x");
    probe_publishes(a, 2, topic, "x");
    probe_publishes(a, 4, topic, "x");
    probes_expect_nothing(check);
}

/* ---- Sessions ---- */

static void a_clean_session_clears_what_was_kept(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    probe_publishes(b, 2, "~/a", "kept");
    a = probe_connected(check, "~a");
    probe_publishes(b, 2, "~/a", "x");
    probe_expect_nothing(a);
}

/* ---- Strings, topics and ids ---- */

static void strings_are_utf8(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 000F '~/' C3A9 F09F9880 01");
    probe_expect(a, "90 03 0001 01");
    probe_send(a, "30 RL 000F '~/' C3A9 F09F9880 'x'");
    probe_expect(a, "30 RL 000F '~/' C3A9 F09F9880 'x'");
}

/* The text of 3.1 does not forbid it. */
static void a_nul_is_refused_or_kept(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/#", 0);
    probe_send(a, "32 RL 000C '~/a' 00 'b' 0001 'x'");
    if (probe_expect_or_closed(a, "40 02 0001"))
        probe_expect(b, "30 RL 000C '~/a' 00 'b' 'x'");
    probe_expect_nothing(b);
}

static void a_request_without_filters_is_answered_or_refused(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(a, "82 02 0001");
    probe_expect_or_closed(a, "90 02 0001");
    probe_send(b, "A2 02 0001");
    probe_expect_or_closed(b, "B0 02 0001");
}

static void a_subscription_again_brings_retained_messages_again(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_publishes(a, 3, "~/a", "kept");
    for (unsigned i = 1; i <= 2; i++) {
        probe_send(a, "82 RL 0001 S'~/a' 01");
        probe_expect_all(a, "90 03 0001 01 | 33 RL S'~/a' id 'kept'");
    }
}

static void a_name_of_32767_bytes_goes_through(struct check *check)
{
    const unsigned rest = TOPIC_SIZE_MAX - CHECK_NAME_SIZE - 1;
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/+", 0);
    probe_send(a, "30 RL %04x '~/' {%u} 'x'", (unsigned)TOPIC_SIZE_MAX, rest);
    probe_expect(a, "30 RL %04x '~/' {%u} 'x'", (unsigned)TOPIC_SIZE_MAX, rest);
}

/* ---- What a server sends ---- */

static void the_servers_packets_are_those_of_3_1_1(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/a", 2);
    probe_send(a, "30 RL S'~/a' '0' | 32 RL S'~/a' 0001 '1' | 34 RL S'~/a' 0002 '2'");
    probe_expect_all(a, "40 02 0001 | 50 02 0002");
    probe_send(a, "62 02 0002");
    probe_expect(a, "70 02 0002");
    probe_expect_all(b, "30 RL S'~/a' '0' | 32 RL S'~/a' id1 '1' | 34 RL S'~/a' id2 '2'");
    probe_send(b, "40 02 id1 | 50 02 id2");
    probe_expect(b, "62 02 id2");
    probe_send(b, "70 02 id2 | A2 RL 0003 S'~/a' | C0 00");
    probe_expect_all(b, "B0 02 0003 | D0 00");
    probe_disconnects(b);
}

static const struct check_case cases[] = {
    { "V31-1", CASE(a_client_of_mqisdp_is_let_in) },
    { "V31-2", CASE(another_level_is_refused_with_1) },
    { "V31-3", CASE(an_id_of_24_characters_is_let_in_or_refused_with_2) },
    { "V31-4", CASE(an_empty_id_is_refused_with_2) },
    { "V31-5", CASE(connack_does_not_say_that_a_session_is_there) },
    { "V31-6", CASE(the_lowest_connect_flag_means_nothing) },
    { "V31-7", CASE(header_flags_of_connect_mean_nothing) },
    { "V31-8", CASE(a_login_may_be_missing_against_its_flags) },
    { "V31-8", CASE(a_password_may_be_missing_against_its_flag) },
    { "V31-9", "a_password_without_a_user_name_is_refused",
            .refused_first = "10 RL S'MQIsdp' 03 42 003C S'~c' S'password'" },
    { "V31-10", CASE(a_login_may_be_longer_than_12_characters) },
    { "V31-11", CASE(dup_is_accepted_in_all_that_is_acknowledged) },
    { "V31-12", CASE(what_is_sent_again_is_answered_again) },
    { "V31-13", CASE(a_subscription_without_the_right_to_is_granted), NEED_RIGHTS },
    { "V31-14", CASE(a_publish_without_the_right_to_is_acknowledged), NEED_RIGHTS },
    { "V31-15", CASE(a_wrong_password_is_refused_with_4_or_5), NEED_LOGIN },
    { "V31-16", "the_older_connection_of_an_id_is_ended", mqtt3_older_connection_is_ended },
    { "V31-17", "silence_of_one_and_a_half_keep_alive_is_the_end", mqtt3_silence_is_the_end },
    { "V31-17", "a_keep_alive_of_0_allows_silence", mqtt3_silence_is_allowed },
    { "V31-18", "a_session_is_continued", mqtt3_session_is_continued },
    { "V31-18", "a_clean_session_ends_with_its_connection", mqtt3_clean_session_ends },
    { "V31-18", CASE(a_clean_session_clears_what_was_kept) },
    { "V31-19", CASE(strings_are_utf8) },
    { "V31-19", CASE(a_nul_is_refused_or_kept) },
    { "V31-20", CASE(a_request_without_filters_is_answered_or_refused) },
    { "V31-21", "wildcards_leave_out_topics_of_the_server",
            mqtt3_wildcards_leave_out_topics_of_the_server, NEED_STATUS },
    { "V31-21", CASE(a_subscription_again_brings_retained_messages_again) },
    { "V31-22", CASE(a_name_of_32767_bytes_goes_through) },
    { "V31-23", "packet_id_0_is_refused",
            .refused = "32 RL S'~/a' 0000 'x' | 34 RL S'~/a' 0000 'x' | 82 RL 0000 S'~/a' 00 |"
                       "A2 RL 0000 S'~/a'" },
    { "V31-25", CASE(the_servers_packets_are_those_of_3_1_1) },
    { "V31-25", "a_disconnect_takes_the_will_away", mqtt3_disconnect_takes_the_will_away },
};

const struct check_chapter check_mqtt31 = CHAPTER("What differs from 3.1.1", MQTT_3_1, cases);
