/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <stddef.h>

/* ---- Strings ---- */

static void a_byte_order_mark_is_a_character_like_any_other(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "82 RL 0001 000D EFBBBF '~/a' 00 000D '~/' EFBBBF 'a' 00");
    probe_expect(a, "90 04 0001 00 00");
    probe_send(a, "30 RL S'~/a' 'without'");
    probe_send(a, "30 RL 000D EFBBBF '~/a' 'first'");
    probe_send(a, "30 RL 000D '~/' EFBBBF 'a' 'inside'");
    probe_expect(a, "30 RL 000D EFBBBF '~/a' 'first' | 30 RL 000D '~/' EFBBBF 'a' 'inside'");
    probe_expect_nothing(a);
}

/* Control characters and non-characters: the server closes, or the message goes through whole. */
static void control_characters_are_refused_or_kept(struct check *check)
{
    static const struct {
        unsigned size; /* of the topic, with "~/" before the character */
        const char *character;
    } rows[] = { { 10, "01" }, { 10, "1F" }, { 10, "7F" }, { 11, "C280" }, { 11, "C29F" },
        { 12, "EFB790" }, { 12, "EFBFBE" }, { 13, "F09FBFBF" } };
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/#", 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct probe *a = probe_connected(check, "~a");

        probe_send(a, "32 RL %04x '~/' %s 0001 'x'", rows[i].size, rows[i].character);
        if (probe_expect_or_closed(a, "40 02 0001"))
            probe_expect(b, "30 RL %04x '~/' %s 'x'", rows[i].size, rows[i].character);
    }
    probe_expect_nothing(b);
}

/* ---- Lengths ---- */

static void remaining_lengths_of_one_to_three_bytes_are_read(struct check *check)
{
    static const unsigned payloads[] = { 0, 113, 114, 115, 116, 16369, 16370, 16371, 16372, 65536 };
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 0);
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        probe_send(a, "30 RL S'~/a' {%u}", payloads[i]);
        probe_expect(a, "30 RL S'~/a' {%u}", payloads[i]);
    }
}

/* ---- Flags ---- */

static void every_packet_of_the_server_has_its_own_flags(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(b, "82 RL 0001 S'~/a' 02");
    probe_expect(b, "90 03 0001 02");
    probe_send(a, "30 RL S'~/a' '0' | 32 RL S'~/a' 0001 '1' | 34 RL S'~/a' 0002 '2'");
    probe_expect_all(a, "40 02 0001 | 50 02 0002");
    probe_send(a, "62 02 0002");
    probe_expect(a, "70 02 0002");
    probe_expect_all(b, "30 RL S'~/a' '0' | 32 RL S'~/a' id1 '1' | 34 RL S'~/a' id2 '2'");
    probe_send(b, "40 02 id1 | 50 02 id2");
    probe_expect(b, "62 02 id2");
    probe_send(b, "70 02 id2 | A2 RL 0002 S'~/a' | C0 00");
    probe_expect_all(b, "B0 02 0002 | D0 00");
}

static const struct check_case cases[] = {
    { "MQTT311-1.5.3-1", "ill_formed_utf8_ends_the_connection",
            .refused_first = "10 RL S'MQTT' 04 02 003C 000B '~' EDA080 |"
                             "10 RL S'MQTT' 04 02 003C 000A '~' C328 |"
                             "10 RL S'MQTT' 04 02 003C 000A '~' C0AF |"
                             "10 RL S'MQTT' 04 02 003C 000C '~' F4908080 |"
                             "10 RL S'MQTT' 04 02 003C 0009 '~' C3",
            .refused = "30 RL 000B '~/' C328 'x' | 30 RL 000C '~/' EDA080 'x' |"
                       "82 RL 0001 000B '~/' C0AF 00 | A2 RL 0001 000D '~/' F4908080" },
    { "MQTT311-1.5.3-2", "a_nul_in_any_string_ends_the_connection",
            .refused_first = "10 RL S'MQTT' 04 02 003C 0009 '~' 00 |"
                             "10 RL S'MQTT' 04 06 003C S'~c' 000B '~/w' 00 S'bye' |"
                             "10 RL S'MQTT' 04 82 003C S'~c' 0002 'u' 00",
            .refused = "30 RL 000C '~/a' 00 'b' 'x' | 82 RL 0001 000B '~/a' 00 00 |"
                       "A2 RL 0001 000B '~/a' 00" },
    { "MQTT311-1.5.3-3", CASE(a_byte_order_mark_is_a_character_like_any_other) },
    { "U311-1.5.3-a", CASE(control_characters_are_refused_or_kept) },
    { "U311-2.2.3-a", CASE(remaining_lengths_of_one_to_three_bytes_are_read) },
    { "U311-2.2.3-a", "a_remaining_length_of_five_bytes_ends_the_connection",
            .refused_first = "10 FF FF FF FF 7F",
            .refused = "30 FF FF FF FF 01 | 30 80 80 80 80 00 | C0 80 80 80 80 00" },
    { "U311-2.x-a", "a_packet_longer_or_shorter_than_its_type_is_refused",
            .refused = "C0 01 00 | E0 01 00 | 40 03 0001 00 | 40 01 00 | 40 00 | 50 03 0001 00 |"
                       "50 01 00 | 62 03 0001 00 | 62 01 00 | 70 03 0001 00 | 70 01 00" },
    { "MQTT311-2.2.2-1", CASE(every_packet_of_the_server_has_its_own_flags) },
    { "MQTT311-2.2.2-2", "other_flags_than_the_reserved_ones_are_refused",
            .refused_first = "11 RL S'MQTT' 04 02 003C S'~c' | 18 RL S'MQTT' 04 02 003C S'~c'",
            .refused = "41 02 0001 | 48 02 0001 | 52 02 0001 | 60 02 0001 | 63 02 0001 |"
                       "72 02 0001 | 80 RL 0001 S'~/a' 00 | 83 RL 0001 S'~/a' 00 |"
                       "A0 RL 0001 S'~/a' | A6 RL 0001 S'~/a' | C1 00 | C2 00 | E1 00 | E8 00" },
    { "MQTT311-4.8.0-1", "packets_that_no_client_may_send_end_the_connection",
            .refused = "00 00 | F0 00 | 20 02 00 00 | 90 03 0001 00 | B0 02 0001 | D0 00" },
};

const struct check_chapter check_mqtt311_format =
        CHAPTER("Strings, lengths and flags", MQTT_3_1_1, cases);
