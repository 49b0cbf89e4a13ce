/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/return_code.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

SPEC_TEST("SN-5.3.10-1", no_reason_becomes_a_reserved_code)
{
    for (unsigned reason = 0; reason <= 0xFF; reason++) {
        enum mqttsn_return_code code = mqttsn_return_code_of((enum mqtt_reason)reason);

        assert_true(code <= MQTTSN_NOT_SUPPORTED);
        assert_int_equal(code == MQTTSN_ACCEPTED, reason < 0x80);
    }
}

TEST(each_code_has_its_reasons)
{
    assert_int_equal(mqttsn_return_code_of(MQTT_SUCCESS), MQTTSN_ACCEPTED);
    assert_int_equal(mqttsn_return_code_of(MQTT_GRANTED_QOS_2), MQTTSN_ACCEPTED);
    assert_int_equal(mqttsn_return_code_of(MQTT_SERVER_UNAVAILABLE), MQTTSN_CONGESTION);
    assert_int_equal(mqttsn_return_code_of(MQTT_SERVER_BUSY), MQTTSN_CONGESTION);
    assert_int_equal(mqttsn_return_code_of(MQTT_SERVER_SHUTTING_DOWN), MQTTSN_CONGESTION);
    assert_int_equal(mqttsn_return_code_of(MQTT_RECEIVE_MAXIMUM_EXCEEDED), MQTTSN_CONGESTION);
    assert_int_equal(mqttsn_return_code_of(MQTT_MESSAGE_RATE_TOO_HIGH), MQTTSN_CONGESTION);
    assert_int_equal(mqttsn_return_code_of(MQTT_QUOTA_EXCEEDED), MQTTSN_CONGESTION);
    assert_int_equal(mqttsn_return_code_of(MQTT_CONNECTION_RATE_EXCEEDED), MQTTSN_CONGESTION);
    assert_int_equal(mqttsn_return_code_of(MQTT_TOPIC_ALIAS_INVALID), MQTTSN_INVALID_TOPIC_ID);
    assert_int_equal(mqttsn_return_code_of(MQTT_NOT_AUTHORIZED), MQTTSN_NOT_SUPPORTED);
    assert_int_equal(mqttsn_return_code_of(MQTT_UNSUPPORTED_VERSION), MQTTSN_NOT_SUPPORTED);
    assert_int_equal(mqttsn_return_code_of(MQTT_PROTOCOL_ERROR), MQTTSN_NOT_SUPPORTED);
}

TEST(codes_have_names)
{
    assert_string_equal(mqttsn_return_code_name(MQTTSN_ACCEPTED), "accepted");
    assert_string_equal(mqttsn_return_code_name(MQTTSN_CONGESTION), "congestion");
    assert_string_equal(mqttsn_return_code_name(MQTTSN_INVALID_TOPIC_ID), "invalid_topic_id");
    assert_string_equal(mqttsn_return_code_name(MQTTSN_NOT_SUPPORTED), "not_supported");
    assert_string_equal(mqttsn_return_code_name((enum mqttsn_return_code)4), "reserved");
    assert_string_equal(mqttsn_return_code_name((enum mqttsn_return_code)0xFF), "reserved");
}
