/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stdio.h>

enum {
    CONNACK = 2,
    PUBLISH = 3,
    DISCONNECT = 14,
    ASSIGNED_CLIENT_IDENTIFIER = 0x12,
    SERVER_KEEP_ALIVE = 0x13,
    RESPONSE_INFORMATION = 0x1A,
    REASON_STRING = 0x1F,
    TOPIC_ALIAS = 0x23,
    USER_PROPERTY = 0x26,
};

/*
 * Whether the server lets the client in. It may as well refuse it, with one of two codes or without
 * a word.
 */
static bool lets_in(struct check *check, struct probe *probe, uint8_t code, uint8_t other)
{
    struct bytes answer = probe_take(probe);
    bool connack = answer.size >= 5 && answer.data[0] >> 4 == CONNACK;

    if (connack && answer.data[3] == 0)
        return true;
    if (answer.size > 0 && !(connack && (answer.data[3] == code || answer.data[3] == other)))
        check_fail(check, "CONNACK says 00, %02x or %02x", (unsigned)code, (unsigned)other);
    probe_expect_closed(probe);
    return false;
}

static void expect_pong(struct probe *probe)
{
    probe_send(probe, "c0 00");
    probe_expect(probe, "d0 00");
}

/* ---- First, and once ---- */

static void another_first_packet_is_cut_off_without_a_word(struct check *check)
{
    static const char *const packets[] = { "c0 00", "30 RL S'~/a' 00 'x'",
        "32 RL S'~/a' 0001 00 'x'", "82 RL 0001 00 S'~/a' 00", "a2 RL 0001 00 S'~/a'", "e0 00",
        "f0 00" };
    struct probe *witness = probe_connected(check, "~w");

    probe_subscribes(witness, "~/#", 0);
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct probe *a = probe_open(check);

        probe_send(a, "%s", packets[i]);
        probe_expect_closed(a);
    }
    probe_expect_nothing(witness);
}

static void a_second_connect_is_a_protocol_error(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "10 RL S'MQTT' 05 02 0000 00 S'~a'");
    probe_expect_end(a, "82");
}

static void a_second_connect_lets_the_will_out(struct check *check)
{
    struct probe *witness = probe_connected(check, "~w");
    struct probe *a;

    probe_subscribes(witness, "~/w", 0);
    a = probe_connects(check, "06 0000 00 S'~a' 00 S'~/w' S'bye'");
    probe_send(a, "10 RL S'MQTT' 05 06 0000 00 S'~a' 00 S'~/w' S'bye'");
    probe_expect_end(a, "82");
    probe_expect(witness, "30 RL S'~/w' 00 'bye'");
}

static void a_valid_connect_is_answered_by_connack_00(struct check *check)
{
    struct probe *a = probe_tries(check, "02 003c 00 S'~a'");

    probe_expect(a, "20 RL 00 00 [P]");
    expect_pong(a);
}

static void what_is_sent_before_connack_is_processed(struct check *check)
{
    struct probe *witness = probe_connected(check, "~w");
    struct probe *a;

    probe_subscribes(witness, "~/a", 0);
    a = probe_tries(check,
            "02 0000 00 S'~a' | 82 RL 0001 00 S'~/b' 00 |"
            "32 RL S'~/a' 0002 00 'x'");
    probe_expect(a, "20 RL 00 00 [P]");
    probe_expect_all(a, "90 RL 0001 [P] 00 | 40 RL 0002 *");
    probe_expect(witness, "30 RL S'~/a' 00 'x'");
}

static void nothing_behind_a_refused_connect_is_processed(struct check *check)
{
    /* An unknown method, a reserved flag and a Will to a wildcard. */
    static const char *const packets[] = { "10 RL S'MQTT' 05 02 0000 (15 S'~') S'~a'",
        "10 RL S'MQTT' 05 03 0000 00 S'~a'", "10 RL S'MQTT' 05 06 0000 00 S'~a' 00 S'~/+' S'x'" };
    struct probe *witness = probe_connected(check, "~w");

    probe_subscribes(witness, "~/#", 0);
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct probe *a = probe_open(check);

        probe_send(a, "%s | 30 RL S'~/a' 00 'x' | 32 RL S'~/a' 0001 00 'x'", packets[i]);
        probe_expect_end(a, "81 82 87 8c 90");
    }
    probe_expect_nothing(witness);
}

static void a_wrong_login_is_refused(struct check *check)
{
    const struct check_target *target = check_target(check);
    struct probe *a = probe_open(check);

    probe_send(a, "10 RL S'MQTT' 05 c2 0000 00 S'~a' S'%s' S'%s'", target->wrong_user,
            target->wrong_password);
    probe_expect_end(a, "86 87");
}

static void a_transport_without_connect_is_closed_in_time(struct check *check)
{
    struct probe *silent = probe_open(check);
    struct probe *half = probe_open(check);

    probe_send(half, "10 16 S'MQTT' 05");
    check_wait(check, (int64_t)check_target(check)->connect_timeout_ms + 1000);
    probe_expect_closed(silent);
    probe_expect_closed(half);
}

/* ---- Fields ---- */

static void a_password_needs_no_user_name(struct check *check)
{
    struct probe *a = probe_open(check);

    probe_send(a, "10 RL S'MQTT' 05 42 0000 00 S'~a' S'pw'");
    if (lets_in(check, a, 0x86, 0x87))
        expect_pong(a);
}

/* The login is the server's where it wants one. */
static void the_fields_of_connect_stand_in_order(struct check *check)
{
    bool anonymous = !check_target(check)->user;
    struct probe *witness = probe_connected(check, "~w");
    struct probe *a;

    probe_subscribes(witness, "~/w", 1);
    a = probe_connects(check,
            "%s 0000 (11 0000003c 26 S'k' S'v') S'~a' (01 01 03 S'text') S'~/w' S'bye' %s",
            anonymous ? "cc" : "0c", anonymous ? "S'u' S'pw'" : "");
    probe_cut(a);
    probe_expect(witness, "32 RL S'~/w' id (01 01, 03 S'text') 'bye'");
    probe_resumed(check, "~a", true);
}

static void a_client_that_pings_is_kept_and_another_is_not(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0001 00 S'~a'");
    struct probe *silent = probe_connects(check, "02 0001 00 S'~b'");

    if (probe_has(probe_connack(a), SERVER_KEEP_ALIVE))
        check_skip(check, "the server has a Keep Alive of its own");
    for (unsigned i = 0; i < 4; i++) {
        check_wait(check, 750);
        expect_pong(a);
    }
    probe_expect_timeout(silent);
}

static void a_bad_payload_of_a_text_will_is_taken_or_refused(struct check *check)
{
    struct probe *a = probe_tries(check, "06 0000 00 S'~a' (01 01) S'~/w' 0001 ff");

    if (lets_in(check, a, 0x99, 0x99))
        expect_pong(a);
}

/* ---- Client identifiers ---- */

static void the_client_id_names_the_session(struct check *check)
{
    probe_disconnects(probe_resumed(check, "~a", false));
    probe_disconnects(probe_resumed(check, "~b", false));
    probe_disconnects(probe_resumed(check, "~A", false));
    probe_resumed(check, "~a", true);
}

/* Those of 23 characters have all letters and digits between them. */
static void ids_of_1_to_23_letters_and_digits_are_taken(struct check *check)
{
    static const char *const ids[] = { "~0123456789abcde", "~fghijklmnopqrst", "~uvwxyzABCDEFGHI",
        "~JKLMNOPQRSTUVWX", "~YZ0123456789abc", "n" };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (*ids[i] == '~' || check_target(check)->alone)
            expect_pong(probe_connected(check, ids[i]));
    }
}

/* Connects without an id; gives the one that is assigned. */
static struct bytes connect_without_id(
        struct check *check, struct probe **probe, const char *properties)
{
    struct bytes id;

    if (check_target(check)->refuses_empty_id)
        check_skip(check, "the server takes no client without an id");
    *probe = probe_connects(check, "02 0000 %s S''", properties);
    id = probe_property_text(probe_connack(*probe), ASSIGNED_CLIENT_IDENTIFIER);
    if (id.size == 0)
        check_fail(check, "CONNACK has an Assigned Client Identifier");
    return id;
}

static void a_client_without_an_id_is_given_one(struct check *check)
{
    struct probe *a;
    struct probe *b;
    struct bytes id = connect_without_id(check, &a, "00");

    if (bytes_equal(id, connect_without_id(check, &b, "00")))
        check_fail(check, "two clients are given different ids");
    expect_pong(a);
    expect_pong(b);
}

static void the_assigned_id_is_as_good_as_one_that_was_sent(struct check *check)
{
    enum { ID_SIZE_MAX = 1000 };
    struct probe *a;
    struct bytes id = connect_without_id(check, &a, "(11 0000003c)");
    char text[ID_SIZE_MAX * 2 + 1];

    if (id.size > ID_SIZE_MAX)
        check_fail(check, "the assigned id is no longer than %d bytes", ID_SIZE_MAX);
    for (size_t i = 0; i < id.size; i++)
        snprintf(text + i * 2, 3, "%02x", id.data[i]);
    probe_disconnects(a);
    a = probe_connects(check, "00 0000 (11 0000003c) %04zx %s", id.size, text);
    if (!probe_present(a))
        check_fail(check, "CONNACK says Session Present");
}

static void a_refused_id_is_told_by_85(struct check *check)
{
    struct probe *a = probe_tries(check, "02 0000 00 S'%s'", check_target(check)->refused_id);

    probe_expect_end(a, "85");
}

static void an_empty_id_that_is_refused_is_told_by_85(struct check *check)
{
    struct probe *a = probe_tries(check, "02 0000 00 S''");

    probe_expect_end(a, "85");
}

/* ---- Properties ---- */

/* Publishes to five topics in turn, and looks at the aliases of what comes. */
static void expect_aliases_up_to(struct check *check, uint32_t alias_max, const char *properties)
{
    struct probe *a = probe_connects(check, "02 0000 %s S'~a'", properties);

    probe_subscribes(a, "~/+", 0);
    for (unsigned i = 0; i < 15; i++) {
        struct bytes packet;
        uint32_t alias;

        probe_send(a, "30 RL S'~/%u' 00 'x'", i % 5);
        packet = probe_take(a);
        if (packet.size == 0 || packet.data[0] != PUBLISH << 4)
            check_fail(check, "client 1 gets its message");
        if (probe_property(packet, TOPIC_ALIAS, &alias) && (alias == 0 || alias > alias_max))
            check_fail(check, "its Topic Alias is from 1 to %u", (unsigned)alias_max);
    }
    probe_disconnects(a);
}

static void aliases_keep_to_the_clients_maximum(struct check *check)
{
    expect_aliases_up_to(check, 2, "(22 0002)");
}

static void a_client_that_says_nothing_gets_no_aliases(struct check *check)
{
    expect_aliases_up_to(check, 0, "00");
}

static void a_maximum_of_0_means_no_aliases(struct check *check)
{
    expect_aliases_up_to(check, 0, "(22 0000)");
}

static void expect_no_response_information(struct check *check, const char *properties)
{
    struct probe *a = probe_connects(check, "02 0000 %s S'~a'", properties);

    if (probe_has(probe_connack(a), RESPONSE_INFORMATION))
        check_fail(check, "CONNACK has no Response Information");
    probe_disconnects(a);
}

static void response_information_comes_only_on_request(struct check *check)
{
    expect_no_response_information(check, "00");
    expect_no_response_information(check, "(19 00)");
}

/* The next packet, or the end, does not say more than its reason code. */
static void expect_bare_code(struct check *check, struct probe *probe)
{
    struct bytes packet = probe_take(probe);
    unsigned type = packet.size > 0 ? packet.data[0] >> 4 : DISCONNECT;

    if (packet.size == 0)
        probe_expect_closed(probe);
    if (type != DISCONNECT &&
            (probe_has(packet, REASON_STRING) || probe_has(packet, USER_PROPERTY)))
        check_fail(check, "the answer has neither a Reason String nor a User Property");
}

static void who_wants_no_problem_information_gets_none(struct check *check)
{
    static const char *const packets[] = { "32 RL S'~/a' 0001 00 'x'", "34 RL S'~/a' 0002 00 'x'",
        "62 02 0002", "82 RL 0003 00 S'~/b' 00", "a2 RL 0004 00 S'~/b'", "a2 RL 0005 00 S'~/c'",
        "62 02 0006" };
    struct probe *a = probe_connects(check, "02 0000 (17 00) S'~a'");

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        probe_send(a, "%s", packets[i]);
        expect_bare_code(check, a);
    }
}

static void who_wants_no_problem_information_is_denied_by_code(struct check *check)
{
    static const struct {
        const char *before; /* the topic */
        const char *behind;
    } packets[] = { { "82 RL 0001 00", "00" }, { "32 RL", "0001 00 'x'" },
        { "34 RL", "0001 00 'x'" } };

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct probe *a = probe_connects(check, "02 0000 (17 00) S'~%zu'", i);

        probe_send(a, "%s S'%s' %s", packets[i].before, check_target(check)->denied_topic,
                packets[i].behind);
        expect_bare_code(check, a);
    }
}

static void a_session_without_expiry_ends_with_its_connection(struct check *check)
{
    probe_disconnects(probe_connects(check, "00 0000 00 S'~a'"));
    probe_resumed(check, "~a", false);
}

static void an_expiry_of_ffffffff_keeps_the_session(struct check *check)
{
    probe_disconnects(probe_connects(check, "00 0000 (11 ffffffff) S'~a'"));
    probe_resumed(check, "~a", true);
}

static void receive_maximum_is_that_of_the_connection(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    probe_publishes(publisher, 2, "~/a", "one");
    probe_publishes(publisher, 2, "~/a", "two");
    a = probe_connects(check, "00 0000 (11 0000003c 21 0001) S'~a'");
    probe_expect(a, "32 RL S'~/a' id 00 'one'");
    probe_expect_nothing(a);
    probe_send(a, "40 02 id");
    probe_expect(a, "32 RL S'~/a' id 00 'two'");
}

static void a_client_without_a_limit_gets_large_packets(struct check *check)
{
    enum { LARGE = 100000, OVERHEAD = 100 };
    uint32_t limit = check_target(check)->packet_max;
    unsigned size = limit > 0 && limit < LARGE + OVERHEAD ? limit - OVERHEAD : LARGE;
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    probe_send(a, "30 RL S'~/a' 00 {%u}", size);
    probe_expect(a, "30 RL S'~/a' 00 {%u}", size);
}

enum { SMALL_MAX = 100 }; /* bytes of a packet that every member takes */

/* How many of the packets that have come are small; none may be over the limit. */
static unsigned count_small(struct check *check, struct probe *probe, size_t limit)
{
    struct bytes packet;
    unsigned count = 0;

    while ((packet = probe_take_any(probe)).size > 0) {
        if (packet.size > limit)
            check_fail(check, "no packet is larger than %zu bytes", limit);
        count += packet.size <= SMALL_MAX;
    }
    if (!probe_is_open(probe))
        check_fail(check, "the member stays connected");
    return count;
}

static void a_shared_message_may_be_too_large_for_a_member(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *small = probe_connects(check, "02 0000 (27 %08x) S'~s'", SMALL_MAX);
    struct probe *large = probe_connected(check, "~l");
    unsigned count = 0;
    int64_t until_ms;

    probe_subscribes(small, "$share/~g/~/a", 0);
    probe_subscribes(large, "$share/~g/~/a", 0);
    for (unsigned i = 1; i <= 4; i++) {
        probe_send(publisher, "32 RL S'~/a' %04x 00 {200}", i);
        probe_expect_ack(publisher, 0x40, (uint16_t)i, "00 10");
    }
    probe_publishes(publisher, 2, "~/a", "fits");
    until_ms = check_now_ms(check) + check_patience_ms(check);
    do {
        count += count_small(check, small, SMALL_MAX) + count_small(check, large, SIZE_MAX);
    } while (count == 0 && check_now_ms(check) < until_ms);
    if (count != 1)
        check_fail(check, "one member gets the message that fits both");
}

/* ---- The cases ---- */

static const struct check_case cases[] = {
    { "MQTT5-3.1.0-1", CASE(another_first_packet_is_cut_off_without_a_word) },
    { "MQTT5-3.1.0-2", CASE(a_second_connect_is_a_protocol_error) },
    { "MQTT5-3.1.0-2", CASE(a_second_connect_lets_the_will_out) },
    { "MQTT5-3.1.2-1", "another_protocol_name_is_refused",
            .refused_first = "10 RL S'MQTX' 05 02 0000 00 S'~a' |"
                             "10 RL S'mqtt' 05 02 0000 00 S'~a' |"
                             "10 RL S'MQTTX' 05 02 0000 00 S'~a'",
            .codes = "84" },
    { "MQTT5-3.1.2-2", "another_protocol_version_is_refused",
            .refused_first = "10 RL S'MQTT' 06 02 0000 00 S'~a' |"
                             "10 RL S'MQTT' 7f 02 0000 00 S'~a'",
            .codes = "84" },
    { "MQTT5-3.1.2-3", "the_reserved_flag_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 03 0000 00 S'~a' |"
                             "10 RL S'MQTT' 05 01 0000 00 S'~a'",
            .codes = "81" },
    { "MQTT5-3.1.2-9", "a_will_flag_without_the_whole_will_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 06 0000 00 S'~a' |"
                             "10 RL S'MQTT' 05 06 0000 00 S'~a' 00 |"
                             "10 RL S'MQTT' 05 06 0000 00 S'~a' 00 S'~/w' |"
                             "10 RL S'MQTT' 05 06 0000 00 S'~a' S'~/w' S'x'",
            .codes = "81" },
    { "MQTT5-3.1.2-11", "a_will_qos_without_a_will_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 0a 0000 00 S'~a' |"
                             "10 RL S'MQTT' 05 12 0000 00 S'~a' |"
                             "10 RL S'MQTT' 05 1a 0000 00 S'~a'",
            .codes = "81" },
    { "MQTT5-3.1.2-12", "a_will_qos_of_3_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 1e 0000 00 S'~a' 00 S'~/w' S'x'", .codes = "81" },
    { "MQTT5-3.1.2-13", "a_will_retain_without_a_will_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 22 0000 00 S'~a'", .codes = "81" },
    { "MQTT5-3.1.2-16", "a_user_name_without_its_flag_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 02 0000 00 S'~a' S'u'", .codes = "81" },
    { "MQTT5-3.1.2-17", "a_user_name_flag_without_the_name_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 82 0000 00 S'~a'", .codes = "81" },
    { "MQTT5-3.1.2-18", "a_password_without_its_flag_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 82 0000 00 S'~a' S'u' S'pw'", .codes = "81" },
    { "MQTT5-3.1.2-19", "a_password_flag_without_the_password_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 42 0000 00 S'~a' |"
                             "10 RL S'MQTT' 05 c2 0000 00 S'~a' S'u'",
            .codes = "81" },
    { "MQTT5-3.1.2-19", CASE(a_password_needs_no_user_name) },
    { "MQTT5-3.1.2-20", CASE(a_client_that_pings_is_kept_and_another_is_not) },
    { "MQTT5-3.1.2-26", CASE(aliases_keep_to_the_clients_maximum) },
    { "MQTT5-3.1.2-27 U5-3.1.2.11.5-1", CASE(a_client_that_says_nothing_gets_no_aliases) },
    { "MQTT5-3.1.2-27", CASE(a_maximum_of_0_means_no_aliases) },
    { "MQTT5-3.1.2-28", CASE(response_information_comes_only_on_request) },
    { "MQTT5-3.1.2-29", CASE(who_wants_no_problem_information_gets_none) },
    { "MQTT5-3.1.2-29", CASE(who_wants_no_problem_information_is_denied_by_code),
            .need = NEED_RIGHTS },
    { "MQTT5-3.1.3-1", CASE(the_fields_of_connect_stand_in_order) },
    { "MQTT5-3.1.3-2", CASE(the_client_id_names_the_session) },
    { "MQTT5-3.1.3-3", "a_connect_without_a_client_id_field_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 02 0000 00", .codes = "81" },
    { "MQTT5-3.1.3-4", "a_client_id_that_is_no_string_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 02 0000 00 0001 ff", .codes = "81" },
    { "MQTT5-3.1.3-5", CASE(ids_of_1_to_23_letters_and_digits_are_taken) },
    { "MQTT5-3.1.3-6", CASE(a_client_without_an_id_is_given_one) },
    { "MQTT5-3.1.3-7", CASE(the_assigned_id_is_as_good_as_one_that_was_sent) },
    { "MQTT5-3.1.3-8", CASE(a_refused_id_is_told_by_85), .need = NEED_REFUSED_ID },
    { "MQTT5-3.1.3-8", CASE(an_empty_id_that_is_refused_is_told_by_85), .need = NEED_NO_EMPTY_ID },
    { "MQTT5-3.1.3-11", "a_will_topic_that_is_no_string_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 06 0000 00 S'~a' 00 000b '~/' c328 S'x'",
            .codes = "81" },
    { "MQTT5-3.1.3-11", "a_will_topic_with_a_wildcard_is_refused",
            .refused_first = "10 RL S'MQTT' 05 06 0000 00 S'~a' 00 S'~/+' S'x' |"
                             "10 RL S'MQTT' 05 06 0000 00 S'~a' 00 S'~/#' S'x'",
            .codes = "81 82 90" },
    { "MQTT5-3.1.3-12", "a_user_name_that_is_no_string_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 82 0000 00 S'~a' 0001 ff", .codes = "81" },
    { "MQTT5-3.1.4-1", "a_connect_cut_short_or_with_more_behind_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 02 |"
                             "10 RL S'MQTT' 05 02 0000 |"
                             "10 RL S'MQTT' 05 02 0000 00 0009 'short' |"
                             "10 RL S'MQTT' 05 02 0000 00 S'~a' 00",
            .codes = "81" },
    { "MQTT5-3.1.4-2", CASE(a_wrong_login_is_refused), .need = NEED_LOGIN },
    { "MQTT5-3.1.4-5", CASE(a_valid_connect_is_answered_by_connack_00) },
    { "MQTT5-3.1.4-6", CASE(nothing_behind_a_refused_connect_is_processed) },
    { "U5-3.1.4-1", CASE(a_transport_without_connect_is_closed_in_time),
            .need = NEED_CONNECT_TIMEOUT },
    { "U5-3.1.4-3", CASE(what_is_sent_before_connack_is_processed) },
    { "U5-3.1.2.11-1", "a_property_of_connect_that_comes_twice_is_refused",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (11 00000001 11 00000001) S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (21 0001 21 0001) S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (27 00001000 27 00001000) S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (22 0001 22 0001) S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (19 01 19 01) S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (17 01 17 01) S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (15 S'~' 15 S'~') S'~a' |"
                             "10 RL S'MQTT' 05 02 0000 (15 S'~' 16 S'd' 16 S'd') S'~a'",
            .codes = "82" },
    { "U5-3.1.2.11.2-1", CASE(a_session_without_expiry_ends_with_its_connection) },
    { "U5-3.1.2.11.2-1", CASE(an_expiry_of_ffffffff_keeps_the_session) },
    { "U5-3.1.2.11.3-1", "a_receive_maximum_of_0_is_refused",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (21 0000) S'~a'", .codes = "82" },
    { "U5-3.1.2.11.3-1", CASE(receive_maximum_is_that_of_the_connection) },
    { "U5-3.1.2.11.4-1", "a_maximum_packet_size_of_0_is_refused",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (27 00000000) S'~a'", .codes = "82" },
    { "U5-3.1.2.11.4-1", CASE(a_client_without_a_limit_gets_large_packets) },
    { "U5-3.1.2.11.4-3", CASE(a_shared_message_may_be_too_large_for_a_member),
            .need = NEED_SHARED },
    { "U5-3.1.2.11.6-1", "a_request_for_response_information_is_0_or_1",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (19 02) S'~a'", .codes = "82" },
    { "U5-3.1.2.11.7-1", "a_request_for_problem_information_is_0_or_1",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (17 02) S'~a'", .codes = "82" },
    { "U5-3.1.2.11.10-1", "authentication_data_without_a_method_is_refused",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (16 S'd') S'~a'", .codes = "82" },
    { "U5-3.1.3.2-1", "a_property_of_the_will_that_comes_twice_is_refused",
            .refused_first =
                    "10 RL S'MQTT' 05 06 0000 00 S'~a' (18 00000001 18 00000001) S'~/w' S'x' |"
                    "10 RL S'MQTT' 05 06 0000 00 S'~a' (01 00 01 00) S'~/w' S'x' |"
                    "10 RL S'MQTT' 05 06 0000 00 S'~a' (02 00000001 02 00000001) S'~/w' S'x' |"
                    "10 RL S'MQTT' 05 06 0000 00 S'~a' (03 S't' 03 S't') S'~/w' S'x' |"
                    "10 RL S'MQTT' 05 06 0000 00 S'~a' (08 S'~/r' 08 S'~/r') S'~/w' S'x' |"
                    "10 RL S'MQTT' 05 06 0000 00 S'~a' (09 S'd' 09 S'd') S'~/w' S'x'",
            .codes = "82" },
    { "U5-3.1.3.2-2", "a_property_that_no_will_has_is_malformed",
            .refused_first = "10 RL S'MQTT' 05 06 0000 00 S'~a' (23 0001) S'~/w' S'x' |"
                             "10 RL S'MQTT' 05 06 0000 00 S'~a' (11 00000001) S'~/w' S'x' |"
                             "10 RL S'MQTT' 05 06 0000 00 S'~a' (0b 01) S'~/w' S'x' |"
                             "10 RL S'MQTT' 05 06 0000 00 S'~a' (1f S'r') S'~/w' S'x'",
            .codes = "81" },
    { "U5-3.1.3.2.3-1", CASE(a_bad_payload_of_a_text_will_is_taken_or_refused) },
};

const struct check_chapter check_mqtt5_connect = CHAPTER("CONNECT", MQTT_5_0, cases);
