/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/connack.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "03 05 00" },
        { MQTT_FROM_SERVER, "03 05 01" },
        { MQTT_FROM_SERVER, "03 1B 02" },
        { MQTT_FROM_SERVER, "03 1D 03" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.5-1 SN-5.4.24-1 SN-5.4.25-1", the_three_are_a_return_code)
{
    static const struct {
        enum mqttsn_type type;
        const char *text;
    } rows[] = {
        { MQTTSN_CONNACK, "03 05 03" },
        { MQTTSN_WILLTOPICRESP, "03 1B 03" },
        { MQTTSN_WILLMSGRESP, "03 1D 03" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t buffer[3];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };
        struct mqttsn_connack connack;

        mqttsn_connack_encode(&out, rows[i].type, MQTTSN_NOT_SUPPORTED);
        assert_true(datagram_is(&out, rows[i].text));
        assert_int_equal(
                mqttsn_connack_decode(&connack, bytes_from(writer_written(&out), 2)), MQTT_SUCCESS);
        assert_int_equal(connack.code, MQTTSN_NOT_SUPPORTED);
    }
}

TEST(a_reserved_code_is_given_as_it_came)
{
    struct mqttsn_connack connack;

    assert_int_equal(mqttsn_connack_decode(&connack, BYTES("\xFF")), MQTT_SUCCESS);
    assert_int_equal(connack.code, 0xFF);
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "02 05"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "04 05 00 00"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "02 1B"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "04 1D 00 00"), MQTT_MALFORMED);
}
