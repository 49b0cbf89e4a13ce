/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/topic.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(a_field_becomes_a_topic_of_its_type)
{
    struct mqttsn_topic topic;

    assert_int_equal(mqttsn_topic_read(&topic, 0xFC, BYTES("ab")), MQTT_SUCCESS);
    assert_int_equal(topic.type, MQTTSN_TOPIC_NORMAL);
    assert_int_equal(topic.id, 0x6162);
    assert_int_equal(topic.name.size, 0);
    assert_int_equal(mqttsn_topic_read(&topic, 0xFD, BYTES("ab")), MQTT_SUCCESS);
    assert_int_equal(topic.type, MQTTSN_TOPIC_PREDEFINED);
    assert_int_equal(topic.name.size, 0);
    assert_int_equal(mqttsn_topic_read(&topic, 0xFE, BYTES("ab")), MQTT_SUCCESS);
    assert_int_equal(topic.type, MQTTSN_TOPIC_SHORT);
    assert_int_equal(topic.id, mqttsn_topic_short_id(BYTES("ab")));
    assert_true(bytes_equal(topic.name, BYTES("ab")));
}

TEST(a_field_that_is_refused_leaves_the_output_alone)
{
    struct mqttsn_topic topic = { MQTTSN_TOPIC_SHORT, 7, BYTES("xy") };

    assert_int_equal(mqttsn_topic_read(&topic, 3, BYTES("ab")), MQTT_PROTOCOL_ERROR);
    assert_int_equal(mqttsn_topic_read(&topic, 2, BYTES("/+")), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(mqttsn_topic_read(&topic, 1, BYTES("\0\0")), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(mqttsn_topic_read(&topic, 0, BYTES("\xFF\xFF")), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(topic.type, MQTTSN_TOPIC_SHORT);
    assert_int_equal(topic.id, 7);
    assert_true(bytes_equal(topic.name, BYTES("xy")));
}

TEST(all_ids_but_two_can_be_assigned)
{
    for (unsigned id = 0; id <= 0xFFFF; id++)
        assert_int_equal(mqttsn_topic_id_valid((uint16_t)id), id != 0 && id != 0xFFFF);
}

SPEC_TEST("SN-5.3.12-1", names_and_filters_are_text)
{
    assert_true(mqttsn_topic_name_valid(BYTES("a/b")));
    assert_false(mqttsn_topic_name_valid(BYTES("")));
    assert_false(mqttsn_topic_name_valid(BYTES("a/+")));
    assert_false(mqttsn_topic_name_valid(BYTES("\xC3\x28")));
    assert_true(mqttsn_topic_filter_valid(BYTES("a/+/#")));
    assert_true(mqttsn_topic_filter_valid(BYTES("$share/g/a")));
    assert_false(mqttsn_topic_filter_valid(BYTES("$share/g+/a")));
    assert_false(mqttsn_topic_filter_valid(BYTES("")));
    assert_false(mqttsn_topic_filter_valid(BYTES("\xC3\x28")));
}
