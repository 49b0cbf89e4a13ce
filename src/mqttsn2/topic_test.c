/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/topic.h"

#include "tests/harness/datagram_codec.h"
#include "tests/harness/test.h"

/* Reads a topic, and leaves in *left how many bytes are behind it. */
static enum mqtt_reason reason(uint8_t flags, const char *text, size_t *left)
{
    struct notation notation = notation_read(text);
    struct reader in = { .rest = notation_bytes(&notation) };
    struct mqttsn2_topic topic;
    enum mqtt_reason reason = mqttsn2_topic_read(&topic, flags, &in);

    *left = in.rest.size;
    return reason;
}

TEST(each_type_is_read_and_written)
{
    static const struct {
        uint8_t flags;
        const char *text;
        size_t left;
    } rows[] = {
        { MQTTSN2_TOPIC_SESSION, "0007 'xyz'", 3 },
        { MQTTSN2_TOPIC_PREDEFINED, "FFFF 'x'", 1 },
        { MQTTSN2_TOPIC_NAME, "0003 'a/b'", 0 },
        { 0xF0 | MQTTSN2_TOPIC_NAME, "0001 'a' 'xyz'", 3 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct notation notation = notation_read(rows[i].text);
        struct reader in = { .rest = notation_bytes(&notation) };
        uint8_t buffer[16];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };
        struct mqttsn2_topic topic;

        assert_int_equal(mqttsn2_topic_read(&topic, rows[i].flags, &in), MQTT_SUCCESS);
        assert_int_equal(in.rest.size, rows[i].left);
        assert_int_equal(topic.type, rows[i].flags & MQTTSN2_FLAG_TOPIC_TYPE);
        mqttsn2_topic_write(&out, &topic);
        assert_true(bytes_start_with(notation_bytes(&notation), writer_written(&out)));
        assert_int_equal(mqttsn2_topic_size(&topic), notation.size - rows[i].left);
        assert_int_equal(out.used, mqttsn2_topic_size(&topic));
    }
}

TEST(the_fourth_type_is_reserved)
{
    size_t left;

    assert_int_equal(reason(2, "0007", &left), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-4.7.1.1-1 MQTTSN2-4.7.1.3-1 MQTTSN2-4.7.1.3-2", names_are_those_of_topics)
{
    size_t left;

    assert_int_equal(reason(MQTTSN2_TOPIC_NAME, "0000", &left), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason(MQTTSN2_TOPIC_NAME, "0001 '#'", &left), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason(MQTTSN2_TOPIC_NAME, "0003 'a/+'", &left), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason(MQTTSN2_TOPIC_NAME, "0002 C328", &left), MQTT_MALFORMED);
    assert_int_equal(reason(MQTTSN2_TOPIC_NAME, "0001 00", &left), MQTT_MALFORMED);
}

TEST(what_is_cut_is_malformed)
{
    size_t left;

    assert_int_equal(reason(MQTTSN2_TOPIC_SESSION, "00", &left), MQTT_MALFORMED);
    assert_int_equal(reason(MQTTSN2_TOPIC_PREDEFINED, "", &left), MQTT_MALFORMED);
    assert_int_equal(reason(MQTTSN2_TOPIC_NAME, "00", &left), MQTT_MALFORMED);
    assert_int_equal(reason(MQTTSN2_TOPIC_NAME, "0003 'ab'", &left), MQTT_MALFORMED);
}
