/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/objection.h"

#include "mqtt/connect.h"
#include "tests/harness/notation.h"
#include "tests/harness/test.h"

static const char *to_stranger(const char *text)
{
    struct notation in = notation_read(text);

    return objection_to_stranger(notation_bytes(&in));
}

TEST(who_knocks_at_the_wrong_door_is_recognised)
{
    static const struct {
        const char *in;
        const char *said;
    } rows[] = {
        { "'GET / HTTP/1.1'", "HTTP" },
        { "'GE'", "HTTP" },
        { "'PUT /x'", "HTTP" },
        { "'POST /x'", "HTTP" },
        { "'PROXY TCP4 10.0.0.7'", "enable_proxy_protocol" },
        { "0d0a 0d0a 00 0d0a 51", "enable_proxy_protocol" },
        { "'SSH-2.0-x'", "SSH" },
        { "30 05 0001 61", "no CONNECT" },
        { "'G'", "no CONNECT" },
        { "f0 00", "no CONNECT" },
        { "00 00", "no packet of MQTT" },
        { "10 ffffffff 01", "length" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_non_null(strstr(to_stranger(rows[i].in), rows[i].said));
}

static const char *to_connect(uint8_t flags, const char *text)
{
    struct notation body = notation_read(text);

    return objection_to_connect(flags, notation_bytes(&body));
}

TEST(each_fault_of_a_connect_has_its_words)
{
    static const struct {
        const char *body;
        const char *said;
    } rows[] = {
        { "", "version" },
        { "S'MQTT'", "version" },
        { "S'MQTX' 04 02 003c S'c'", "name" },
        { "S'MQTT' 06 02 003c 00 S'c'", "none of MQTT 3.1" },
        { "S'MQIsdp' 04 02 003c S'c'", "none of MQTT 3.1" },
        { "S'MQTT' 84 02 003c S'c'", "bridge" },
        { "S'MQTT' 04 02 00", "keep alive" },
        { "S'MQTT' 04 03 003c S'c'", "reserved" },
        { "S'MQTT' 04 22 003c S'c'", "no will" },
        { "S'MQTT' 04 1e 003c S'c' S'w' S''", "QoS 3" },
        { "S'MQTT' 04 42 003c S'c' S'p'", "no user name" },
        { "S'MQTT' 05 02 003c 03 210000 S'c'", "properties" },
        { "S'MQTT' 05 02 003c 04 16 S'x' S'c'", "authentication method" },
        { "S'MQTT' 04 02 003c 0003 'c'", "client id" },
        { "S'MQTT' 04 02 003c 0002 c0af", "client id" },
        { "S'MQTT' 05 06 003c 00 S'c' 03 210005 S'w' S''", "will's properties" },
        { "S'MQTT' 04 06 003c S'c' S'#' S''", "wildcard" },
        { "S'MQTT' 04 06 003c S'c' 0001 ff S''", "will's topic" },
        { "S'MQTT' 04 06 003c S'c' S'w' 0001", "payload" },
        { "S'MQTT' 04 82 003c S'c' 0001 ff", "user name" },
        { "S'MQTT' 04 c2 003c S'c' S'u' 0002 'p'", "password" },
        { "S'MQTT' 04 02 003c S'c' 00", "behind" },
        { "S'MQTT' 04 00 003c S''", "clean session" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_non_null(strstr(to_connect(0, rows[i].body), rows[i].said));
    assert_non_null(strstr(to_connect(1, "S'MQTT' 04 02 003c S'c'"), "fixed header"));
    assert_non_null(strstr(to_connect(6, "01 02 00"), "TLS"));
}

/* Whatever the decoder does not take is objected to, and nothing else is. */
static void agrees(uint8_t flags, struct bytes body)
{
    struct mqtt_connect connect;
    bool taken = mqtt_connect_decode(&connect, flags, body) == MQTT_SUCCESS;

    assert_int_equal(objection_to_connect(flags, body) == NULL, taken);
}

TEST(what_the_decoder_takes_is_not_objected_to)
{
    static const char *const bodies[] = {
        "S'MQIsdp' 03 ce 003c S'c1' S'w' S'x' S'u' S'p'",
        "S'MQTT' 04 ee 0000 S'c1' S'w/t' S'gone' S'user' 0003 ff00ff",
        "S'MQTT' 04 02 0000 0000",
        ("S'MQTT' 05 f6 001e (11 00000e10 15 S'SCRAM' 16 0002 00ff 17 01 19 01 21 0014)"
         " S'c1' (18 00000005 01 01 02 0000000a 03 S'') S'w' S'gone' S'u' S'p'"),
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct notation notation = notation_read(bodies[i]);
        struct bytes body = notation_bytes(&notation);
        uint8_t copy[128];

        assert_true(body.size <= sizeof(copy));
        assert_null(objection_to_connect(0, body));
        for (size_t size = 0; size < body.size; size++)
            agrees(0, bytes_first(body, size));
        for (size_t change = 0; change < body.size * 256; change++) {
            memcpy(copy, body.data, body.size);
            copy[change / 256] = (uint8_t)change;
            for (uint8_t flags = 0; flags < 16; flags += 3)
                agrees(flags, bytes_of(copy, body.size));
        }
    }
}
