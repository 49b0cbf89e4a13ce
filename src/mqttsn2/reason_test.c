/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/reason.h"

#include "tests/harness/test.h"

static bool server_may(uint8_t code, enum mqttsn2_type type)
{
    return mqttsn2_reason_allowed(code, type, MQTT_FROM_SERVER);
}

static bool client_may(uint8_t code, enum mqttsn2_type type)
{
    return mqttsn2_reason_allowed(code, type, MQTT_FROM_CLIENT);
}

static uint8_t fit(uint8_t code, enum mqttsn2_type type)
{
    return mqttsn2_reason_fit(code, type, MQTT_FROM_SERVER);
}

TEST(each_packet_has_its_codes)
{
    static const struct {
        enum mqttsn2_type type;
        unsigned client; /* how many codes it may say */
        unsigned server;
    } rows[] = {
        { MQTTSN2_CONNECT, 0, 0 },
        { MQTTSN2_CONNACK, 0, 22 },
        { MQTTSN2_PUBLISH, 0, 0 },
        { MQTTSN2_PUBACK, 11, 11 },
        { MQTTSN2_PUBREC, 11, 11 },
        { MQTTSN2_PUBREL, 3, 3 },
        { MQTTSN2_PUBCOMP, 3, 3 },
        { MQTTSN2_SUBACK, 0, 15 },
        { MQTTSN2_UNSUBACK, 0, 9 },
        { MQTTSN2_PINGRESP, 0, 0 },
        { MQTTSN2_DISCONNECT, 18, 35 },
        { MQTTSN2_AUTH, 3, 3 },
        { MQTTSN2_REGACK, 9, 9 },
        { MQTTSN2_SLEEPRESP, 0, 3 },
        { MQTTSN2_PROTECTION, 0, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned client = 0;
        unsigned server = 0;

        for (unsigned code = 0; code <= 0xFF; code++) {
            client += client_may((uint8_t)code, rows[i].type);
            server += server_may((uint8_t)code, rows[i].type);
        }
        assert_int_equal(client, rows[i].client);
        assert_int_equal(server, rows[i].server);
    }
}

TEST(some_codes_are_for_one_side)
{
    assert_true(client_may(MQTT_DISCONNECT_WITH_WILL, MQTTSN2_DISCONNECT));
    assert_false(server_may(MQTT_DISCONNECT_WITH_WILL, MQTTSN2_DISCONNECT));
    assert_false(client_may(MQTT_SESSION_TAKEN_OVER, MQTTSN2_DISCONNECT));
    assert_true(server_may(MQTT_SESSION_TAKEN_OVER, MQTTSN2_DISCONNECT));
    assert_false(client_may(MQTT_SUCCESS, MQTTSN2_AUTH));
    assert_true(server_may(MQTT_SUCCESS, MQTTSN2_AUTH));
    assert_true(client_may(MQTT_REAUTHENTICATE, MQTTSN2_AUTH));
    assert_false(server_may(MQTT_REAUTHENTICATE, MQTTSN2_AUTH));
    assert_true(server_may(MQTTSN2_NO_VIRTUAL_CONNECTION, MQTTSN2_DISCONNECT));
    assert_false(server_may(MQTTSN2_NO_VIRTUAL_CONNECTION, MQTTSN2_PUBACK));
}

TEST(what_a_packet_may_not_say_is_said_by_what_comes_nearest)
{
    assert_int_equal(fit(MQTT_NOT_AUTHORIZED, MQTTSN2_PUBACK), MQTT_NOT_AUTHORIZED);
    assert_int_equal(fit(MQTT_QUOTA_EXCEEDED, MQTTSN2_SUBACK), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(fit(MQTT_QUOTA_EXCEEDED, MQTTSN2_PUBACK), MQTTSN2_CONGESTION);
    assert_int_equal(fit(MQTT_SERVER_BUSY, MQTTSN2_REGACK), MQTTSN2_CONGESTION);
    assert_int_equal(fit(MQTT_SERVER_BUSY, MQTTSN2_UNSUBACK), MQTT_UNSPECIFIED_ERROR);
    assert_int_equal(fit(MQTT_TOPIC_ALIAS_INVALID, MQTTSN2_PUBREC), MQTTSN2_UNKNOWN_TOPIC_ALIAS);
    assert_int_equal(fit(MQTT_PACKET_TOO_LARGE, MQTTSN2_PUBACK), MQTT_UNSPECIFIED_ERROR);
    assert_int_equal(fit(MQTT_TOPIC_NAME_INVALID, MQTTSN2_REGACK), MQTT_IMPLEMENTATION_ERROR);
    assert_int_equal(fit(MQTT_NOT_AUTHORIZED, MQTTSN2_PUBCOMP), MQTT_NOT_AUTHORIZED);
    assert_int_equal(
            fit(MQTT_NO_MATCHING_SUBSCRIBERS, MQTTSN2_PUBACK), MQTT_NO_MATCHING_SUBSCRIBERS);
    assert_int_equal(fit(MQTT_GRANTED_QOS_1, MQTTSN2_REGACK), MQTT_SUCCESS);
}

TEST(codes_have_names)
{
    assert_string_equal(mqttsn2_reason_name(MQTT_NOT_AUTHORIZED), "not_authorized");
    assert_string_equal(mqttsn2_reason_name(MQTTSN2_CONGESTION), "congestion");
    assert_string_equal(mqttsn2_reason_name(MQTTSN2_TOPIC_ALIAS_EXISTS), "topic_alias_exists");
    assert_string_equal(mqttsn2_reason_name(0xF5), "unknown");
    assert_string_equal(mqttsn2_reason_name(0x7F), "unknown");
}
