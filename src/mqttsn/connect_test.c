/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/connect.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return datagram_reason(MQTT_FROM_CLIENT, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "0A 04 04 01 003C 'clid'" },
        { MQTT_FROM_CLIENT, "0A 04 0C 01 003C 'clid'" },
        { MQTT_FROM_CLIENT, "07 04 00 01 0000 'c'" },
        { MQTT_FROM_CLIENT, "06 04 04 01 FFFF" },
        { MQTT_FROM_CLIENT, "1D 04 08 01 0001 {23}" },
        { MQTT_FROM_CLIENT, "01 0132 04 00 01 003C {298}" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.4-1 SN-5.3.3-1", each_field_lands_in_its_place)
{
    struct mqttsn_connect connect;

    assert_int_equal(mqttsn_connect_decode(&connect,
                             BYTES("\x08\x01\x01\x0A"
                                   "clid")),
            MQTT_SUCCESS);
    assert_true(connect.has_will);
    assert_false(connect.clean_session);
    assert_int_equal(connect.keepalive_s, 266);
    assert_true(bytes_equal(connect.client_id, BYTES("clid")));
    assert_int_equal(mqttsn_connect_decode(&connect, BYTES("\x04\x01\xFF\xFF")), MQTT_SUCCESS);
    assert_false(connect.has_will);
    assert_true(connect.clean_session);
    assert_int_equal(connect.keepalive_s, 65535);
    assert_int_equal(connect.client_id.size, 0);
}

SPEC_TEST("SN-5.3.4-1", only_will_and_clean_session_mean_something)
{
    struct mqttsn_connect connect;

    for (unsigned flags = 0; flags <= 0xFF; flags++) {
        uint8_t body[] = { (uint8_t)flags, 1, 0, 60, 'c' };

        assert_int_equal(
                mqttsn_connect_decode(&connect, bytes_of(body, sizeof(body))), MQTT_SUCCESS);
        assert_int_equal(connect.has_will, (flags & 0x08) != 0);
        assert_int_equal(connect.clean_session, (flags & 0x04) != 0);
    }
}

SPEC_TEST("SN-5.3.8-1", the_protocol_id_is_1)
{
    assert_int_equal(reason("0A 04 04 00 003C 'clid'"), MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(reason("0A 04 04 02 003C 'clid'"), MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(reason("0A 04 04 FF 003C 'clid'"), MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(reason("06 04 00 02 003C"), MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(reason("05 04 00 02 00"), MQTT_MALFORMED);
    assert_int_equal(reason("02 04"), MQTT_MALFORMED);
}

TEST(who_may_have_no_client_id)
{
    assert_int_equal(reason("06 04 04 01 003C"), MQTT_SUCCESS);
    assert_int_equal(reason("06 04 0C 01 003C"), MQTT_SUCCESS);
    assert_int_equal(reason("06 04 00 01 003C"), MQTT_CLIENT_ID_NOT_VALID);
    assert_int_equal(reason("06 04 08 01 003C"), MQTT_CLIENT_ID_NOT_VALID);
}

TEST(a_client_id_is_text)
{
    assert_int_equal(reason("08 04 04 01 003C C328"), MQTT_CLIENT_ID_NOT_VALID);
    assert_int_equal(reason("09 04 04 01 003C 'a' 00 'b'"), MQTT_CLIENT_ID_NOT_VALID);
    assert_int_equal(reason("08 04 04 01 003C C3A9"), MQTT_SUCCESS);
}

TEST(the_specification_grants_23_characters)
{
    struct notation umlauts = notation_read("C3A4 C3A4 C3A4 C3A4 C3A4 C3A4 C3A4 C3A4 C3A4 C3A4"
                                            "C3A4 C3A4 C3A4 C3A4 C3A4 C3A4 C3A4 C3A4 C3A4 C3A4"
                                            "C3A4 C3A4 C3A4 C3A4");

    assert_true(mqttsn_client_id_short(BYTES("")));
    assert_true(mqttsn_client_id_short(BYTES("12345678901234567890123")));
    assert_false(mqttsn_client_id_short(BYTES("123456789012345678901234")));
    assert_true(mqttsn_client_id_short(bytes_of(umlauts.data, 46)));
    assert_false(mqttsn_client_id_short(notation_bytes(&umlauts)));
    assert_int_equal(reason("1E 04 04 01 003C {24}"), MQTT_SUCCESS);
}
