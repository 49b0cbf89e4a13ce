/* SPDX-License-Identifier: Apache-2.0 */
#include "nightjar/mqtt.h"
#include "tests/harness/test.h"

TEST(what_is_added_is_found_again)
{
    uint8_t memory[128];
    struct nj_properties properties = nj_properties_in(memory, sizeof(memory));
    struct nj_property_value value;
    struct nj_bytes rest;

    nj_add_number(&properties, NJ_MESSAGE_EXPIRY_INTERVAL, 0x01020304);
    nj_add_number(&properties, NJ_PAYLOAD_FORMAT_INDICATOR, 1);
    nj_add_number(&properties, NJ_TOPIC_ALIAS, 0x0506);
    nj_add_number(&properties, NJ_SUBSCRIPTION_IDENTIFIER, 300);
    nj_add_bytes(&properties, NJ_CONTENT_TYPE, nj_text("text"));
    nj_add_pair(&properties, nj_text("unit"), nj_text("kPa"));
    rest = nj_properties_bytes(&properties);
    assert_int_equal(rest.size, 5 + 2 + 3 + 3 + 7 + 12);
    assert_true(nj_find_property(rest, NJ_TOPIC_ALIAS, &value));
    assert_int_equal(value.number, 0x0506);
    assert_false(nj_find_property(rest, NJ_REASON_STRING, &value));
    assert_true(nj_next_property(&rest, &value));
    assert_int_equal(value.property, NJ_MESSAGE_EXPIRY_INTERVAL);
    assert_int_equal(value.number, 0x01020304);
    assert_true(nj_next_property(&rest, &value));
    assert_int_equal(value.number, 1);
    assert_true(nj_next_property(&rest, &value));
    assert_true(nj_next_property(&rest, &value));
    assert_int_equal(value.number, 300);
    assert_true(nj_next_property(&rest, &value));
    assert_int_equal(value.bytes.size, 4);
    assert_memory_equal(value.bytes.data, "text", 4);
    assert_true(nj_next_property(&rest, &value));
    assert_int_equal(value.property, NJ_USER_PROPERTY);
    assert_memory_equal(value.name.data, "unit", 4);
    assert_memory_equal(value.bytes.data, "kPa", 3);
    assert_false(nj_next_property(&rest, &value));
}

TEST(what_does_not_fit_or_does_not_exist_makes_all_invalid)
{
    uint8_t memory[8];
    struct nj_properties properties = nj_properties_in(memory, sizeof(memory));

    nj_add_bytes(&properties, NJ_CONTENT_TYPE, nj_text("seven.."));
    assert_int_equal(nj_properties_bytes(&properties).size, SIZE_MAX);
    properties = nj_properties_in(memory, sizeof(memory));
    nj_add_number(&properties, (enum nj_property)0x7f, 1);
    assert_int_equal(nj_properties_bytes(&properties).size, SIZE_MAX);
    properties = nj_properties_in(memory, sizeof(memory));
    nj_add_number(&properties, NJ_TOPIC_ALIAS, 0x10000);
    assert_int_equal(nj_properties_bytes(&properties).size, SIZE_MAX);
}

TEST(errors_and_reasons_are_sentences)
{
    for (int error = NJ_OK; error <= NJ_UNKNOWN_ID; error++)
        assert_true(strlen(nj_error_text((enum nj_error)error)) > 3);
    assert_string_equal(nj_reason_text(0x87), "Not authorized");
    assert_string_equal(nj_reason_text(0x50), "Unknown");
}
