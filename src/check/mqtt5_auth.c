/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    PACKET_SIZE = 512,
    CONNACK = 0x20,
    AUTH = 0xF0,
    SUCCESS = 0x00,
    CONTINUE_AUTHENTICATION = 0x18,
    AUTHENTICATION_METHOD = 0x15,
    AUTHENTICATION_DATA = 0x16,
};

/* What a server may say of a proof that it does not take. */
static const char refusals[] = "80 83 86 87 8A 8C";

static const char *method(const struct check *check)
{
    return check_target(check)->method;
}

static const char *proof(const struct check *check)
{
    return check_target(check)->answer;
}

static void expect_method(struct check *check, struct bytes packet)
{
    if (!bytes_equal(
                probe_property_text(packet, AUTHENTICATION_METHOD), bytes_of_text(method(check))))
        check_fail(check, "the Authentication Method is that of CONNECT");
}

/* An AUTH with this code comes, and names the method. */
static struct bytes take_auth(struct check *check, struct probe *probe, uint8_t code)
{
    struct bytes packet = probe_take(probe);

    /* The code stands behind a length of one byte or two. */
    if (packet.size < 4 || packet.data[0] != AUTH ||
            packet.data[packet.data[1] < 0x80 ? 2 : 3] != code)
        check_fail(check, "the server sends an AUTH %02x", code);
    expect_method(check, packet);
    return packet;
}

/* ---- Who has come how far ---- */

/* A CONNECT with the method and this property before it. */
static struct probe *open_with(struct check *check, const char *property)
{
    struct probe *probe = probe_open(check);

    probe_send(probe, "10 RL S'MQTT' 05 02 0000 (%s 15 S'%s') S'~a'", property, method(check));
    return probe;
}

/* Up to the server's question. */
static struct probe *asked(struct check *check)
{
    struct probe *probe = open_with(check, "");

    take_auth(check, probe, CONTINUE_AUTHENTICATION);
    return probe;
}

static void answer(struct check *check, struct probe *probe)
{
    probe_send(probe, "F0 RL 18 (15 S'%s' 16 S'%s')", method(check), proof(check));
}

/* Up to a CONNACK that lets it in. */
static struct probe *proven(struct check *check)
{
    struct probe *probe = asked(check);

    answer(check, probe);
    probe_expect(probe, "20 RL 00 00 [P]");
    return probe;
}

/* It authenticates again, up to the server's question. */
static struct probe *asked_again(struct check *check)
{
    struct probe *probe = proven(check);

    probe_send(probe, "F0 RL 19 (15 S'%s')", method(check));
    take_auth(check, probe, CONTINUE_AUTHENTICATION);
    return probe;
}

/* Who answers with this packet is cut off, at first and when it authenticates again. */
__attribute__((format(printf, 3, 4))) static void refuse_answer(
        struct check *check, const char *codes, const char *format, ...)
{
    struct probe *(*const ways[])(struct check * check) = { asked, asked_again };
    char packet[PACKET_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(packet, sizeof(packet), format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct probe *probe = ways[i](check);

        probe_send(probe, "%s", packet);
        probe_expect_end(probe, codes);
    }
}

/* ---- AUTH ---- */

static void reserved_bits_of_auth_are_checked(struct check *check)
{
    refuse_answer(check, "81", "F1 RL 18 (15 S'%s' 16 S'%s')", method(check), proof(check));
    refuse_answer(check, "81", "F8 RL 18 (15 S'%s' 16 S'%s')", method(check), proof(check));
}

static void reasons_of_auth_are_checked(struct check *check)
{
    refuse_answer(check, "81 82", "F0 RL 01 (15 S'%s' 16 S'%s')", method(check), proof(check));
    refuse_answer(check, "81 82", "F0 RL 87 (15 S'%s' 16 S'%s')", method(check), proof(check));
    /* It is the server's to say that all is well. */
    refuse_answer(check, "82", "F0 RL 00 (15 S'%s' 16 S'%s')", method(check), proof(check));
}

static void auth_needs_a_method(struct check *check)
{
    refuse_answer(check, "82", "F0 00");
    refuse_answer(check, "82", "F0 02 18 00");
    refuse_answer(check, "82", "F0 RL 18 (16 S'%s')", proof(check));
}

static void properties_of_auth_do_not_repeat(struct check *check)
{
    refuse_answer(check, "82", "F0 RL 18 (15 S'%s' 15 S'%s' 16 S'%s')", method(check),
            method(check), proof(check));
    refuse_answer(check, "82", "F0 RL 18 (15 S'%s' 16 S'%s' 16 S'%s')", method(check), proof(check),
            proof(check));
}

static void an_auth_of_another_method_is_an_error(struct check *check)
{
    refuse_answer(check, "82 8C", "F0 RL 18 (15 S'~other' 16 S'%s')", proof(check));
}

/* The limit is the size of the same AUTH without Reason String and User Property. */
static void auth_keeps_to_the_limit(struct check *check)
{
    struct probe *probe = open_with(check, "");
    struct bytes asked_first = take_auth(check, probe, CONTINUE_AUTHENTICATION);
    size_t data_size = probe_property_text(asked_first, AUTHENTICATION_DATA).size;
    size_t limit = probe_size(probe, "F0 RL 18 (15 S'%s' 16 S{%zu})", method(check), data_size);
    char property[sizeof("27 00000000")];

    snprintf(property, sizeof(property), "27 %08zx", limit);
    probe = open_with(check, property);
    if (take_auth(check, probe, CONTINUE_AUTHENTICATION).size > limit)
        check_fail(check, "no packet has more than the %zu bytes that the client takes", limit);
}

/* ---- At CONNECT ---- */

static void the_server_asks_with_code_18(struct check *check)
{
    probe_expect_nothing(asked(check));
}

static void the_client_answers_with_code_18(struct check *check)
{
    struct probe *probe = asked(check);

    answer(check, probe);
    probe_expect(probe, "20 RL 00 00 [P]");
    refuse_answer(check, "82", "F0 RL 00 (15 S'%s' 16 S'%s')", method(check), proof(check));
    refuse_answer(check, "82", "F0 RL 19 (15 S'%s' 16 S'%s')", method(check), proof(check));
}

static void a_wrong_proof_is_refused(struct check *check)
{
    struct probe *probe = asked(check);

    probe_send(probe, "F0 RL 18 (15 S'%s' 16 S'~not %s')", method(check), proof(check));
    probe_expect_end(probe, refusals);
}

static void the_method_is_the_same_to_the_end(struct check *check)
{
    struct probe *probe = asked(check);
    struct bytes connack;

    answer(check, probe);
    connack = probe_take(probe);
    if (connack.size < 4 || connack.data[0] != CONNACK)
        check_fail(check, "the right answer is followed by CONNACK");
    expect_method(check, connack);
}

static void without_a_method_there_is_no_auth(struct check *check)
{
    struct probe *probe = probe_connected(check, "~a");
    struct bytes connack = probe_connack(probe);

    if (probe_property_text(connack, AUTHENTICATION_METHOD).size > 0 ||
            probe_property_text(connack, AUTHENTICATION_DATA).size > 0)
        check_fail(check, "CONNACK names no method and has no data");
    probe_send(probe, "C0 00");
    probe_expect(probe, "D0 00");
    probe_expect_nothing(probe);
}

static void until_connack_there_is_auth_alone(struct check *check)
{
    static const char *const packets[] = { "30 RL S'~/t' 00 'x'", "82 RL 0001 00 S'~/t' 00",
        "C0 00", "10 RL S'MQTT' 05 02 0000 00 S'~a'" };
    struct probe *all = probe_connected(check, "~all");
    struct probe *probe;

    probe_subscribes(all, "~/#", 0);
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        probe = asked(check);
        probe_send(probe, "%s", packets[i]);
        probe_expect_end(probe, "82");
    }
    probe = asked(check);
    probe_send(probe, "E0 00");
    probe_expect_closed(probe);
    probe_expect_nothing(all);
}

/* ---- Again ---- */

static void a_client_can_authenticate_again(struct check *check)
{
    struct probe *probe = asked_again(check);

    answer(check, probe);
    take_auth(check, probe, SUCCESS);
    probe_send(probe, "F0 RL 19 (15 S'%s') | C0 00", method(check));
    take_auth(check, probe, CONTINUE_AUTHENTICATION);
    probe_expect(probe, "D0 00");
}

static void a_client_cannot_change_its_method(struct check *check)
{
    struct probe *probe = proven(check);

    probe_send(probe, "F0 RL 19 (15 S'~other')");
    probe_expect_end(probe, "82 8C");
}

static void a_wrong_proof_ends_the_connection(struct check *check)
{
    struct probe *probe = asked_again(check);

    probe_send(probe, "F0 RL 18 (15 S'%s' 16 S'~not %s')", method(check), proof(check));
    probe_expect_end(probe, refusals);
}

static void other_packets_flow_meanwhile(struct check *check)
{
    struct probe *probe = asked_again(check);

    probe_subscribes(probe, "~/t", 1);
    probe_publishes(probe, 0, "~/t", "1");
    probe_receives(probe, 0x30, "~/t", "1");
    probe_publishes(probe_connected(check, "~b"), 2, "~/t", "2");
    probe_receives(probe, 0x32, "~/t", "2");
    answer(check, probe);
    take_auth(check, probe, SUCCESS);
}

static const struct check_case cases[] = {
    { "MQTT5-3.15.1-1", CASE(reserved_bits_of_auth_are_checked), NEED_METHOD },
    { "MQTT5-3.15.2-1", CASE(reasons_of_auth_are_checked), NEED_METHOD },
    { "U5-3.15.2-1", CASE(auth_needs_a_method), NEED_METHOD },
    { "U5-3.15.2-1", CASE(properties_of_auth_do_not_repeat), NEED_METHOD },
    { "U5-3.15.0-1", CASE(an_auth_of_another_method_is_an_error), NEED_METHOD },
    { "MQTT5-3.15.2-2 MQTT5-3.15.2-3", CASE(auth_keeps_to_the_limit), NEED_METHOD },
    { "MQTT5-4.12.0-1", "an_unknown_method_is_refused",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (15 S'~nope') S'~a' | "
                             "10 RL S'MQTT' 05 02 0000 (15 S'~nope' 16 S'x') S'~a'",
            .codes = "87 8C" },
    { "MQTT5-4.12.0-2", CASE(the_server_asks_with_code_18), NEED_METHOD },
    { "MQTT5-4.12.0-3", CASE(the_client_answers_with_code_18), NEED_METHOD },
    { "MQTT5-4.12.0-4", CASE(a_wrong_proof_is_refused), NEED_METHOD },
    { "MQTT5-4.12.0-5", CASE(the_method_is_the_same_to_the_end), NEED_METHOD },
    { "MQTT5-4.12.0-6", CASE(without_a_method_there_is_no_auth) },
    { "MQTT5-4.12.0-7 U5-3.15.0-1", "who_named_no_method_sends_no_auth",
            .refused = "F0 RL 18 (15 S'~m') | F0 RL 19 (15 S'~m') | F0 RL 18 (15 S'~m' 16 S'x')",
            .codes = "82" },
    { "MQTT5-3.1.2-30", CASE(until_connack_there_is_auth_alone), NEED_METHOD },
    { "MQTT5-4.12.1-1", CASE(a_client_can_authenticate_again), NEED_METHOD },
    { "MQTT5-4.12.1-1", CASE(a_client_cannot_change_its_method), NEED_METHOD },
    { "MQTT5-4.12.1-2", CASE(a_wrong_proof_ends_the_connection), NEED_METHOD },
    { "U5-4.12.1-1", CASE(other_packets_flow_meanwhile), NEED_METHOD },
};

const struct check_chapter check_mqtt5_auth = CHAPTER("Enhanced authentication", MQTT_5_0, cases);
