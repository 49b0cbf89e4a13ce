/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

/* ---- Codes that end nothing ---- */

/* A client refuses a message of QoS 1 and one of QoS 2; all others go on. */
static void a_clients_refusal_is_of_one_message(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/t", 2);
    probe_publishes(b, 2, "~/t", "1");
    probe_publishes(b, 4, "~/t", "2");
    probe_publishes(b, 2, "~/t", "3");
    probe_expect_all(a,
            "32 RL S'~/t' id1 00 '1' | 34 RL S'~/t' id2 00 '2' | "
            "32 RL S'~/t' id3 00 '3'");
    probe_send(a, "40 03 id1 80 | 50 03 id2 97");
    probe_publishes(b, 2, "~/t", "4");
    probe_expect(a, "32 RL S'~/t' id4 00 '4'");
    probe_expect_nothing(a);
    /* What was refused is done with, and the rest is not. */
    probe_disconnects(a);
    a = probe_resumed(check, "~a", true);
    probe_expect_all(a, "<32 3A> RL S'~/t' id3 00 '3' | <32 3A> RL S'~/t' id4 00 '4'");
    probe_expect_nothing(a);
}

/* The answer to what the server refuses, of this type; a server may also end the connection. */
static struct bytes take_refusal(struct check *check, struct probe *probe, uint8_t type)
{
    struct bytes packet = probe_take(probe);

    if (packet.size == 0 || packet.data[0] != type)
        check_skip(check, "the server ends the connection of a client that it refuses something");
    return packet;
}

static void a_servers_refusal_is_of_one_filter(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct bytes packet;

    probe_send(a, "82 RL 0001 00 S'%s' 00 S'~/t' 00", check_target(check)->denied_topic);
    packet = take_refusal(check, a, 0x90);
    if (packet.data[packet.size - 2] < 0x80 && packet.data[packet.size - 1] == 0)
        check_skip(check, "the server grants the filter, and may judge each message");
    if (packet.data[packet.size - 2] < 0x80 || packet.data[packet.size - 1] != 0)
        check_fail(check, "the first filter is refused, and the second one is not");
    probe_publishes(a, 0, "~/t", "x");
    probe_receives(a, 0x30, "~/t", "x");
}

static void a_servers_refusal_is_of_one_message(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/t", 0);
    probe_send(a, "32 RL S'%s' 0001 00 'x'", check_target(check)->denied_topic);
    take_refusal(check, a, 0x40);
    probe_publishes(a, 0, "~/t", "x");
    probe_receives(a, 0x30, "~/t", "x");
}

/* ---- Codes that end the connection ---- */

static void a_client_that_tells_an_error_is_cut_off(struct check *check)
{
    static const char *const errors[] = { "E0 01 80", "E0 01 81", "E0 RL 95 (1F S'too large')" };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct probe *a = probe_connected(check, "~a");

        probe_send(a, "%s", errors[i]);
        probe_expect_closed(a);
    }
}

static const struct check_case cases[] = {
    { "MQTT5-4.13.1-1", "an_error_ends_the_connection",
            .refused = "00 00 | C1 00 | C0 80808080 01 | 36 RL S'~/t' 0001 00 'x' | "
                       "30 RL S'~/t' (7F 00) 'x' | 30 RL S'~/t' (01 00 01 00) 'x' | "
                       "30 RL 0001 00 00 'x' | 82 RL 0001 00 | D0 00 | 20 03 00 00 00 | "
                       "90 04 0001 00 00 | 10 RL S'MQTT' 05 02 0000 00 S'~c'",
            .codes = "81 82" },
    { "MQTT5-4.13.1-1", "an_error_in_connect_ends_the_connection",
            .refused_first = "10 RL S'MQTT' 05 03 0000 00 S'~c' | 10 RL S'MQTT' 05 02 0000 00 | "
                             "10 RL S'MQTT' 05 02 0000 (11 00000001 11 00000001) S'~c' | "
                             "10 RL S'MQTT' 05 02 0000 (27 00000000) S'~c'",
            .codes = "81 82" },
    { "MQTT5-4.13.2-1", "a_refusing_connack_ends_the_connection",
            .refused_first = "10 RL S'MQTT' 05 02 0000 (15 S'~no such method') S'~c' | "
                             "10 RL S'MQTT' 05 02 0000 (17 02) S'~c' | "
                             "10 RL S'MQTT' 05 02 0000 (21 0000) S'~c'",
            .codes = "81 82 87 8C" },
    { "MQTT5-4.13.2-1", CASE(a_client_that_tells_an_error_is_cut_off) },
    { "U5-4.13.1-1", "a_packet_that_ends_too_soon_is_malformed",
            .refused = "32 RL S'~/t' 00 | 30 RL 0009 'short' | 30 RL S'~/t' 05 01 00 | "
                       "82 RL 0001 00 0009 'short' 00 | 82 RL 0001 00 S'~/t' | A2 01 00 | "
                       "40 01 00 | 62 01 00 | E0 RL 00 05 11 00",
            .codes = "81" },
    { "U5-4.13.1-1", "a_connect_that_ends_too_soon_is_malformed",
            .refused_first = "10 00 | 10 RL S'MQTT' | 10 RL S'MQTT' 05 02 | "
                             "10 RL S'MQTT' 05 02 0000 05 11 00 | 10 RL S'MQTT' 05 02 0000 00 0009 "
                             "'short' | 10 RL S'MQTT' 05 06 0000 00 S'~c' 00 S'~/w'",
            .codes = "81" },
    { "U5-4.13.2-1", CASE(a_clients_refusal_is_of_one_message), NEED_QOS_2 },
    { "U5-4.13.2-1", CASE(a_servers_refusal_is_of_one_filter), NEED_RIGHTS },
    { "U5-4.13.2-1", CASE(a_servers_refusal_is_of_one_message), NEED_RIGHTS },
};

const struct check_chapter check_mqtt5_error = CHAPTER("Errors", MQTT_5_0, cases);
