/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/topic.h"

#include "tests/harness/test.h"

static bool name_valid(const char *name)
{
    return mqtt_topic_name_valid(bytes_of_text(name));
}

static bool filter_valid(const char *filter)
{
    return mqtt_topic_filter_valid(bytes_of_text(filter));
}

static bool match(const char *filter, const char *name)
{
    return mqtt_topic_match(bytes_of_text(filter), bytes_of_text(name));
}

SPEC_TEST("MQTT5-4.7.0-1 MQTT311-4.7.1-1 MQTT5-3.3.2-2 MQTT311-3.3.2-2", a_name_has_no_wildcard)
{
    assert_true(name_valid("a"));
    assert_true(name_valid("/"));
    assert_true(name_valid("a//b /$c"));
    assert_false(name_valid("+"));
    assert_false(name_valid("#"));
    assert_false(name_valid("a/b#"));
    assert_false(name_valid("a+/b"));
}

SPEC_TEST("MQTT5-4.7.3-1 MQTT311-4.7.3-1 MQTT5-4.7.3-3 MQTT311-4.7.3-3",
        names_and_filters_have_1_to_65535_bytes)
{
    static uint8_t topic[65536];

    memset(topic, 'z', sizeof(topic));
    assert_false(name_valid(""));
    assert_false(filter_valid(""));
    assert_true(mqtt_topic_name_valid(bytes_of(topic, 65535)));
    assert_true(mqtt_topic_filter_valid(bytes_of(topic, 65535)));
    assert_false(mqtt_topic_name_valid(bytes_of(topic, 65536)));
    assert_false(mqtt_topic_filter_valid(bytes_of(topic, 65536)));
}

SPEC_TEST("MQTT5-4.7.1-1 MQTT311-4.7.1-2", hash_is_the_whole_last_level)
{
    assert_true(filter_valid("#"));
    assert_true(filter_valid("a/#"));
    assert_true(filter_valid("/#"));
    assert_false(filter_valid("a#"));
    assert_false(filter_valid("#/a"));
    assert_false(filter_valid("#/"));
    assert_false(filter_valid("a/#/b"));
    assert_false(filter_valid("##"));
}

SPEC_TEST("MQTT5-4.7.1-2 MQTT311-4.7.1-3", plus_is_a_whole_level)
{
    assert_true(filter_valid("+"));
    assert_true(filter_valid("+/a"));
    assert_true(filter_valid("a/+/+"));
    assert_true(filter_valid("+/+/#"));
    assert_false(filter_valid("a+"));
    assert_false(filter_valid("+a/b"));
    assert_false(filter_valid("a/b+"));
    assert_false(filter_valid("++"));
    assert_false(filter_valid("+#"));
}

SPEC_TEST("U5-4.7.1-1 U311-4.7.1-a", wildcards_match_levels)
{
    static const struct {
        const char *filter;
        const char *name;
        bool matches;
    } rows[] = {
        { "a", "a", true },
        { "a", "b", false },
        { "a", "a/", false },
        { "a", "aa", false },
        { "aa", "a", false },
        { "/a", "a", false },
        { "a/b", "a/b", true },
        { "a/b", "a", false },
        { "+", "a", true },
        { "+", "/f", false },
        { "+/+", "/f", true },
        { "/+", "/f", true },
        { "+/+", "f", false },
        { "a/+", "a/", true },
        { "a/+", "a", false },
        { "a/+", "a/b", true },
        { "a/+", "a/b/c", false },
        { "a/+/c", "a/b/c", true },
        { "a/+/c", "a/b/d", false },
        { "+/b/+", "a/b/c", true },
        { "a/+/#", "a/b", true },
        { "a/+/#", "a", false },
        { "#", "a", true },
        { "#", "/", true },
        { "#", "a/b/c", true },
        { "a/#", "a", true },
        { "a/#", "a/", true },
        { "a/#", "a/b/c", true },
        { "a/#", "ab", false },
        { "a//#", "a", false },
        { "/", "/", true },
        { "/", "//", false },
        { "//", "//", true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (match(rows[i].filter, rows[i].name) != rows[i].matches)
            fail_msg("%s and %s", rows[i].filter, rows[i].name);
}

SPEC_TEST("MQTT5-4.7.2-1 MQTT311-4.7.2-1", leading_wildcards_skip_dollar_topics)
{
    assert_false(match("#", "$SYS/x"));
    assert_false(match("+/x", "$SYS/x"));
    assert_false(match("+", "$SYS"));
    assert_true(match("$SYS/#", "$SYS/x"));
    assert_true(match("$SYS/+", "$SYS/x"));
    assert_true(match("a/+", "a/$b"));
    assert_true(match("#", "a/$b"));
}

SPEC_TEST("MQTT5-4.7.3-4 MQTT311-4.7.3-4 MQTT5-1.5.4-3", nothing_is_folded_or_normalised)
{
    assert_false(match("A", "a"));
    assert_false(match("\xC3\xA9", "e\xCC\x81"));
    assert_false(match("\xEF\xBB\xBF"
                       "a",
            "a"));
    assert_false(match("a ", "a"));
}

TEST(levels_are_walked_empty_ones_too)
{
    static const struct {
        const char *topic;
        size_t count;
        const char *levels[4];
    } rows[] = {
        { "a", 1, { "a" } },
        { "a/b", 2, { "a", "b" } },
        { "a/", 2, { "a", "" } },
        { "/", 2, { "", "" } },
        { "a//b/", 4, { "a", "", "b", "" } },
        { "", 1, { "" } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes rest = bytes_of_text(rows[i].topic);
        struct bytes level;

        assert_int_equal(mqtt_topic_levels(rest), rows[i].count);
        for (size_t n = 0; n < rows[i].count; n++) {
            assert_true(mqtt_topic_level_next(&rest, &level));
            assert_true(bytes_equal(level, bytes_of_text(rows[i].levels[n])));
        }
        assert_false(mqtt_topic_level_next(&rest, &level));
    }
}

SPEC_TEST("MQTT5-4.8.2-1 MQTT5-4.8.2-2", shared_filters_are_split_or_refused)
{
    const char *bad[] = { "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a",
        "$share/g#/a", "$share/#", "$share/g/a#", "$share/g/#/a" };
    const char *ordinary[] = { "a", "$share", "$shared/g/a", "$Share/g/a", "share/g/a", "#" };
    struct bytes name = BYTES("old");
    struct bytes inner = BYTES("old");

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(
                mqtt_share_split(bytes_of_text(bad[i]), &name, &inner), MQTT_SHARE_INVALID);
    for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++)
        assert_int_equal(
                mqtt_share_split(bytes_of_text(ordinary[i]), &name, &inner), MQTT_SHARE_NONE);
    assert_true(bytes_equal(name, BYTES("old")));
    assert_true(bytes_equal(inner, BYTES("old")));

    assert_int_equal(mqtt_share_split(BYTES("$share/g/a/#"), &name, &inner), MQTT_SHARE_VALID);
    assert_true(bytes_equal(name, BYTES("g")));
    assert_true(bytes_equal(inner, BYTES("a/#")));
    assert_int_equal(mqtt_share_split(BYTES("$share/g//f"), &name, &inner), MQTT_SHARE_VALID);
    assert_true(bytes_equal(inner, BYTES("/f")));
}

TEST(only_version_5_judges_shared_filters)
{
    assert_int_equal(mqtt_topic_filter_check(BYTES("a/#"), MQTT_5_0), MQTT_SUCCESS);
    assert_int_equal(mqtt_topic_filter_check(BYTES("a#"), MQTT_5_0), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(
            mqtt_topic_filter_check(BYTES("$share/g"), MQTT_5_0), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(mqtt_topic_filter_check(BYTES("a#"), MQTT_3_1_1), MQTT_MALFORMED);
    assert_int_equal(mqtt_topic_filter_check(BYTES("$share/g"), MQTT_3_1_1), MQTT_SUCCESS);
}
