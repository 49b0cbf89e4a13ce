/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_packet.h"

#include "cli/decode_rules.h"

#include "tests/harness/notation.h"
#include "tests/harness/samples.h"
#include "tests/harness/test.h"

#include <stdlib.h>

enum { TEXT_SIZE = 8192 };

struct told {
    char text[TEXT_SIZE];
    enum decode_result result;
    unsigned version;
    size_t size;
};

static struct told decode(struct bytes packet, enum mqtt_sender sender, unsigned version)
{
    struct told told = { .text = "", .version = version };
    FILE *out = fmemopen(told.text, sizeof(told.text), "w");

    assert_non_null(out);
    told.result = decode_packet(out, packet, sender, &told.version, &told.size);
    fclose(out);
    return told;
}

static struct told decode_text(const char *text, enum mqtt_sender sender, unsigned version)
{
    struct notation packet = notation_read(text);

    return decode(notation_bytes(&packet), sender, version);
}

TEST(a_connect_is_told_field_by_field)
{
    struct told told = decode_text("10 26 0004 'MQTT' 05 c6 003c 05 11 0000001e 0001 'c' 00"
                                   " 0001 'w' 0003 01 ff 02 0004 'user' 0002 'pw'",
            MQTT_FROM_CLIENT, DECODE_VERSION_UNKNOWN);

    assert_string_equal(told.text,
            "CONNECT from client, 40 bytes\n"
            "  protocol name          \"MQTT\"\n"
            "  protocol version       5\n"
            "  protocol               MQTT 5.0\n"
            "  clean start            yes\n"
            "  keep alive             60 s\n"
            "  property               session-expiry-interval 30\n"
            "  client identifier      \"c\"\n"
            "  will QoS               0\n"
            "  will retain            no\n"
            "  will topic             \"w\"\n"
            "  will payload           01 ff 02\n"
            "  user name              \"user\"\n"
            "  password               2 bytes\n");
    assert_int_equal(told.result, DECODE_GOOD);
    assert_int_equal(told.version, MQTT_5_0);
    assert_int_equal(told.size, 40);
}

TEST(the_byte_at_fault_is_told_with_the_statement_it_breaks)
{
    static const struct {
        const char *packet;
        enum mqtt_version version;
        enum mqtt_sender sender;
        const char *fault;
    } faults[] = {
        { "36 06 0001 'a' 0005 00", MQTT_5_0, MQTT_FROM_CLIENT,
                "  ! byte 0: there is no QoS 3 [MQTT5-3.3.1-4]\n" },
        { "36 05 0001 'a' 0005", MQTT_3_1_1, MQTT_FROM_CLIENT,
                "  ! byte 0: there is no QoS 3 [MQTT311-3.3.1-4]\n" },
        { "30 05 0002 'a' ff 00", MQTT_5_0, MQTT_FROM_CLIENT,
                "  ! byte 4: this is no UTF-8 [MQTT5-1.5.4-1]\n" },
        { "30 04 0002 'a' 00", MQTT_3_1_1, MQTT_FROM_CLIENT,
                "  ! byte 5: text with the character U+0000 [MQTT311-1.5.3-2]\n" },
        { "30 07 0001 'a' 03 23 0000", MQTT_5_0, MQTT_FROM_CLIENT,
                "  ! byte 6: a topic alias cannot be 0 [MQTT5-3.3.2-8]\n" },
        { "30 09 0001 'a' 05 11 00000000", MQTT_5_0, MQTT_FROM_CLIENT,
                "  ! byte 6: this packet has no such property [U5-2.2.2-1]\n" },
        { "30 0a 0001 'a' 06 23 0001 23 0002", MQTT_5_0, MQTT_FROM_CLIENT,
                "  ! byte 9: this property may come once [U5-3.2.2.3-1]\n" },
        { "82 0a 0001 00 0004 'a/#b' 00", MQTT_5_0, MQTT_FROM_CLIENT,
                "  ! byte 9: \"#\" stands alone, behind a slash, and last, or nowhere "
                "[MQTT5-4.7.1-1]\n" },
        { "80 06 0001 0001 'a' 00", MQTT_3_1_1, MQTT_FROM_CLIENT,
                "  ! byte 0: the flags of the fixed header are not what this type has "
                "[MQTT311-2.2.2-2]\n" },
        { "20 02 01 02", MQTT_3_1_1, MQTT_FROM_SERVER,
                "  ! byte 2: a refusal cannot tell of a session [MQTT311-3.2.2-4]\n" },
        { "40 03 0001 00", MQTT_3_1_1, MQTT_FROM_SERVER,
                "  ! byte 4: there are bytes behind the last field [U311-2.x-a]\n" },
        { "40 01 00", MQTT_5_0, MQTT_FROM_SERVER, "  ! byte 2: the packet ends within a field\n" },
        { "20 02 00 00", MQTT_3_1_1, MQTT_FROM_CLIENT,
                "  ! byte 0: this side does not send packets of this type\n" },
        { "e0 02 8e 00", MQTT_5_0, MQTT_FROM_CLIENT,
                "  ! byte 2: a DISCONNECT has no such code from this side [MQTT5-3.14.2-1]\n" },
    };

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct told told = decode_text(faults[i].packet, faults[i].sender, faults[i].version);
        char *line = strstr(told.text, "  ! ");

        assert_int_equal(told.result, DECODE_BROKEN);
        assert_non_null(line);
        assert_string_equal(line, faults[i].fault);
    }
}

TEST(without_a_connect_the_version_that_fits_is_taken)
{
    struct told told =
            decode_text("30 06 0001 'a' 'hey'", MQTT_FROM_CLIENT, DECODE_VERSION_UNKNOWN);

    assert_non_null(strstr(told.text, "payload                \"hey\"\n"));
    assert_int_equal(told.result, DECODE_GOOD);
    assert_int_equal(told.version, DECODE_VERSION_UNKNOWN);
    told = decode_text("30 07 0001 'a' 00 'hey'", MQTT_FROM_CLIENT, DECODE_VERSION_UNKNOWN);
    assert_non_null(strstr(told.text, "payload                \"hey\"\n"));
}

TEST(a_header_that_is_wrong_ends_the_story)
{
    assert_int_equal(decode_text("05 00", MQTT_FROM_CLIENT, MQTT_5_0).result, DECODE_LOST);
    assert_int_equal(
            decode_text("30 ff ff ff ff 01", MQTT_FROM_CLIENT, MQTT_5_0).result, DECODE_LOST);
    assert_int_equal(decode_text("30 05 00", MQTT_FROM_CLIENT, MQTT_5_0).result, DECODE_PARTIAL);
}

TEST(each_rule_has_words_and_most_have_a_statement)
{
    unsigned without = 0;

    for (unsigned rule = 0; rule < DECODE_RULES; rule++) {
        assert_non_null(decode_rule_words((enum decode_rule)rule));
        without += !decode_rule_id((enum decode_rule)rule, MQTT_5_0) &&
                !decode_rule_id((enum decode_rule)rule, MQTT_3_1_1);
    }
    assert_int_equal(without, 2); /* packets from the wrong side, of 3.1.1's DISCONNECT too */
}

/* For each byte of each sample and each value: a fault is told where the codec finds one. */
TEST(faults_are_told_where_the_codec_finds_them)
{
    static const struct sample samples[] = {
        { MQTT_5_0, MQTT_FROM_CLIENT,
                "10 29 0004 'MQTT' 05 e6 003c 08 11 0000001e 21 0014 0001 'c' 00"
                " 0001 'w' 0003 01 ff 02 0004 'user' 0002 'pw'" },
        { MQTT_3_1, MQTT_FROM_CLIENT, "10 0f 0006 'MQIsdp' 03 02 003c 0001 'c'" },
        { MQTT_5_0, MQTT_FROM_SERVER, "20 08 00 00 05 27 00001000" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "32 11 0001 'a' 0007 09 01 01 08 0001 'r' 23 0001 'xy'" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "82 0f 0001 02 0b 07 0007 '$share/' 2d" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "90 04 0001 02 80" },
        { MQTT_5_0, MQTT_FROM_SERVER, "e0 02 8e 00" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "f0 07 18 05 15 0002 'SC'" },
    };

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct notation packet = notation_read(samples[i].text);

        for (size_t at = 2; at < packet.size; at++) {
            uint8_t kept = packet.data[at];

            for (unsigned value = 0; value < 256; value++) {
                struct told told;
                bool good;

                packet.data[at] = (uint8_t)value;
                told = decode(notation_bytes(&packet), samples[i].sender, samples[i].version);
                good = decode_judge(notation_bytes(&packet), samples[i].sender,
                               (enum mqtt_version)told.version) == MQTT_SUCCESS;
                assert_int_equal(told.result, good ? DECODE_GOOD : DECODE_BROKEN);
            }
            packet.data[at] = kept;
        }
    }
}
