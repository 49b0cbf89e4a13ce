/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/pubrec.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "04 0F 000A" },
        { MQTT_FROM_CLIENT, "04 10 000A" },
        { MQTT_FROM_SERVER, "04 0E FFFF" },
        { MQTT_FROM_SERVER, "04 15 0000" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.14-1 SN-5.4.18-1", the_four_are_a_message_id)
{
    static const struct {
        enum mqttsn_type type;
        const char *text;
    } rows[] = {
        { MQTTSN_PUBREC, "04 0F 1234" },
        { MQTTSN_PUBREL, "04 10 1234" },
        { MQTTSN_PUBCOMP, "04 0E 1234" },
        { MQTTSN_UNSUBACK, "04 15 1234" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t buffer[4];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };
        struct mqttsn_pubrec pubrec;

        mqttsn_pubrec_encode(&out, rows[i].type, 0x1234);
        assert_true(datagram_is(&out, rows[i].text));
        assert_int_equal(
                mqttsn_pubrec_decode(&pubrec, bytes_from(writer_written(&out), 2)), MQTT_SUCCESS);
        assert_int_equal(pubrec.msg_id, 0x1234);
    }
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "03 0F 00"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "05 10 0001 00"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "02 0E"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "05 15 0001 00"), MQTT_MALFORMED);
}
