/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/predefined.h"

#include "tests/harness/test.h"

TEST(a_line_is_an_id_a_topic_and_maybe_a_client)
{
    struct bytes rest = BYTES("1 a/b\n65534  c sensor");
    struct predefined_line line;

    assert_int_equal(predefined_next(&rest, &line), PREDEFINED_LINE);
    assert_int_equal(line.id, 1);
    assert_true(bytes_equal(line.topic, BYTES("a/b")));
    assert_int_equal(line.client_id.size, 0);
    assert_int_equal(predefined_next(&rest, &line), PREDEFINED_LINE);
    assert_int_equal(line.id, 65534);
    assert_true(bytes_equal(line.topic, BYTES("c")));
    assert_true(bytes_equal(line.client_id, BYTES("sensor")));
    assert_int_equal(predefined_next(&rest, &line), PREDEFINED_END);
}

TEST(what_is_none_is_wrong)
{
    static const char *const wrongs[] = { "0 a", "65535 a", "99999999999 a", "a 1", "1", "1 a/#",
        "1 +/b", "1 \xC3\x28", "1 a b c", "-1 a" };
    struct predefined_line line;

    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        struct bytes rest = bytes_of_text(wrongs[i]);

        assert_int_equal(predefined_next(&rest, &line), PREDEFINED_WRONG);
        assert_int_equal(predefined_next(&rest, &line), PREDEFINED_END);
    }
}

TEST(an_id_is_given_once_to_each)
{
    struct predefined_line line;

    assert_false(predefined_repeats((struct bytes){ 0 }, &line));
    assert_false(predefined_repeats(BYTES("5 a\n5 b x\n5 c y\n6 a"), &line));
    assert_true(predefined_repeats(BYTES("5 a\n6 b\n5 c"), &line));
    assert_true(bytes_equal(line.topic, BYTES("c")));
    assert_true(predefined_repeats(BYTES("5 a\n6 b x\n6 c x\n5 d"), &line));
    assert_int_equal(line.id, 6);
}
