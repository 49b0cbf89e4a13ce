/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/reason.h"

#include "tests/harness/test.h"

/* Each packet's own table of reason codes, up to 0xFF where it ends. */
static const struct {
    enum mqtt_type type;
    enum mqtt_sender sender;
    uint8_t codes[40];
} tables[] = {
    { MQTT_CONNACK, MQTT_FROM_SERVER,
            { 0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90,
                    0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F, 0xFF } },
    { MQTT_PUBACK, MQTT_FROM_CLIENT, { 0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99, 0xFF } },
    { MQTT_PUBACK, MQTT_FROM_SERVER,
            { 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99, 0xFF } },
    { MQTT_PUBREC, MQTT_FROM_CLIENT, { 0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99, 0xFF } },
    { MQTT_PUBREC, MQTT_FROM_SERVER,
            { 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99, 0xFF } },
    { MQTT_PUBREL, MQTT_FROM_CLIENT, { 0x00, 0x92, 0xFF } },
    { MQTT_PUBREL, MQTT_FROM_SERVER, { 0x00, 0x92, 0xFF } },
    { MQTT_PUBCOMP, MQTT_FROM_CLIENT, { 0x00, 0x92, 0xFF } },
    { MQTT_PUBCOMP, MQTT_FROM_SERVER, { 0x00, 0x92, 0xFF } },
    { MQTT_SUBACK, MQTT_FROM_SERVER,
            { 0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2, 0xFF } },
    { MQTT_UNSUBACK, MQTT_FROM_SERVER, { 0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91, 0xFF } },
    { MQTT_DISCONNECT, MQTT_FROM_CLIENT,
            { 0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
                    0xFF } },
    { MQTT_DISCONNECT, MQTT_FROM_SERVER,
            { 0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
                    0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1,
                    0xA2, 0xFF } },
    { MQTT_AUTH, MQTT_FROM_CLIENT, { 0x18, 0x19, 0xFF } },
    { MQTT_AUTH, MQTT_FROM_SERVER, { 0x00, 0x18, 0xFF } },
};

static bool listed(unsigned code, enum mqtt_type type, enum mqtt_sender sender)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (tables[i].type == type && tables[i].sender == sender)
            for (const uint8_t *at = tables[i].codes; *at != 0xFF; at++)
                if (*at == code)
                    return true;
    return false;
}

SPEC_TEST("MQTT5-3.2.2-8 MQTT5-3.4.2-1 MQTT5-3.5.2-1 MQTT5-3.6.2-1 MQTT5-3.7.2-1 MQTT5-3.9.3-2 "
          "MQTT5-3.11.3-2 MQTT5-3.14.2-1 MQTT5-3.15.2-1",
        each_packet_and_side_has_its_own_codes)
{
    for (unsigned code = 0; code < 0x100; code++) {
        for (unsigned type = MQTT_CONNECT; type <= MQTT_AUTH; type++) {
            enum mqtt_reason reason = (enum mqtt_reason)code;

            if (mqtt_reason_allowed(reason, (enum mqtt_type)type, MQTT_FROM_CLIENT) !=
                    listed(code, (enum mqtt_type)type, MQTT_FROM_CLIENT))
                fail_msg("client: 0x%02X in packet %u", code, type);
            if (mqtt_reason_allowed(reason, (enum mqtt_type)type, MQTT_FROM_SERVER) !=
                    listed(code, (enum mqtt_type)type, MQTT_FROM_SERVER))
                fail_msg("server: 0x%02X in packet %u", code, type);
        }
    }
}

TEST(each_code_has_a_name_and_a_text_of_its_own)
{
    unsigned named = 0;

    for (unsigned code = 0; code < 0x200; code++) {
        const char *name = mqtt_reason_name((enum mqtt_reason)code);

        assert_non_null(mqtt_reason_text((enum mqtt_reason)code));
        if (strcmp(name, "unknown") == 0)
            continue;
        named++;
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(name));
        for (unsigned other = 0; other < code; other++)
            assert_string_not_equal(name, mqtt_reason_name((enum mqtt_reason)other));
    }
    assert_int_equal(named, 43);
    assert_string_equal(mqtt_reason_name(MQTT_NOT_AUTHORIZED), "not_authorized");
    assert_string_equal(mqtt_reason_text(MQTT_NOT_AUTHORIZED), "Not authorized");
}

SPEC_TEST("U311-3.2.2-a V31-15 MQTT311-3.2.2-6", old_connack_codes_say_what_they_can)
{
    static const uint8_t codes[0x100] = {
        [0x84] = 1,
        [0x85] = 2,
        [0x86] = 4,
        [0x87] = 5,
        [0x88] = 3,
        [0x89] = 3,
        [0x8A] = 5,
        [0x8B] = 3,
        [0x8C] = 5,
        [0x9C] = 3,
        [0x9D] = 3,
        [0x9F] = 3,
    };

    for (unsigned code = 0; code < 0x100; code++)
        assert_int_equal(mqtt_connack_code_v3((enum mqtt_reason)code), codes[code]);
}
