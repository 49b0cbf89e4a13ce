/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/refusal.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

/* Holds the answer to a packet that is refused against the text; NULL: there is none. */
static void refusal_is(const char *text, uint8_t code, const char *answer)
{
    struct notation notation = notation_read(text);
    uint8_t buffer[MQTTSN2_REFUSAL_SIZE_MAX];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    struct mqttsn2_packet packet;

    assert_int_equal(mqttsn2_packet_read(&packet, notation_bytes(&notation), MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_int_equal(mqttsn2_refuse(&out, &packet, code), answer != NULL);
    assert_true(datagram_is(&out, answer ? answer : ""));
}

SPEC_TEST("MQTTSN2-3.1.5-2", a_connect_is_refused_by_a_connack)
{
    refusal_is("0A 01 81 1234 02 003C 0000", MQTT_MALFORMED, "06 02 00 1234 81");
    refusal_is("0A 01 01 0000 02 003C 0000", MQTT_PROTOCOL_ERROR, "06 02 00 0000 82");
    refusal_is("0A 01 01 1234 03 003C 0000", MQTT_UNSUPPORTED_VERSION, "06 02 00 1234 84");
    refusal_is("03 01 01", MQTT_MALFORMED, "06 02 00 0000 81");
}

TEST(any_other_packet_is_refused_by_a_disconnect)
{
    refusal_is("06 03 0C 0001 00", MQTT_MALFORMED, "04 0E 04 81");
    refusal_is("07 03 2C 1234 0001", MQTT_MALFORMED, "06 0E 05 1234 81");
    refusal_is("04 0C 1234", MQTTSN2_NO_VIRTUAL_CONNECTION, "06 0E 05 1234 F4");
    refusal_is("06 08 63 1234 'a'", MQTT_PROTOCOL_ERROR, "06 0E 05 1234 82");
    refusal_is("07 08 03 1234 'a#'", MQTT_TOPIC_FILTER_INVALID, "06 0E 05 1234 8F");
    refusal_is("03 10 00", MQTT_MALFORMED, "04 0E 04 81");
    refusal_is("02 FF", MQTTSN2_PROTECTION_NOT_SUPPORTED, "04 0E 04 F2");
    refusal_is("02 FC", MQTTSN2_FORWARDER_NOT_SUPPORTED, "04 0E 04 F3");
    refusal_is("02 FE", MQTT_PROTOCOL_ERROR, "04 0E 04 82");
}

TEST(what_needs_no_connection_is_not_answered_nor_is_a_disconnect)
{
    refusal_is("02 12", MQTT_MALFORMED, NULL);
    refusal_is("02 16", MQTT_MALFORMED, NULL);
    refusal_is("02 17", MQTT_MALFORMED, NULL);
    refusal_is("02 18", MQTT_MALFORMED, NULL);
    refusal_is("05 0E 01 1234", MQTTSN2_NO_VIRTUAL_CONNECTION, NULL);
}

TEST(a_code_that_the_answer_may_not_say_is_replaced)
{
    refusal_is("0A 01 01 1234 02 003C 0000", MQTT_QUOTA_EXCEEDED, "06 02 00 1234 F1");
    refusal_is("04 0C 1234", MQTTSN2_CONGESTION, "06 0E 05 1234 80");
}
