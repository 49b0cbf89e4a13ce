/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/topic_order.h"

#include "base/random.h"
#include "mqtt/topic.h"
#include "tests/harness/test.h"

#include <stdlib.h>

enum { TOPICS_MAX = 2000, TEXT_MAX = 32 };

static int compare(const char *topic, const char *head, const char *tail)
{
    int order = topic_compare(bytes_of_text(topic),
            &(struct topic_bound){ bytes_of_text(head), bytes_of_text(tail) });

    return (order > 0) - (order < 0);
}

TEST(a_slash_comes_before_every_other_byte)
{
    assert_int_equal(compare("a/b", "a/b", ""), 0);
    assert_int_equal(compare("a/b", "a", "/b"), 0);
    assert_int_equal(compare("a/b", "", "a/b"), 0);
    assert_int_equal(compare("a/z", "a b", ""), -1);
    assert_int_equal(compare("a", "a", "/"), -1);
    assert_int_equal(compare("a/", "a", ""), 1);
    assert_int_equal(compare("a/b", "a", "\x01"), -1);
    assert_int_equal(compare("a\x01", "a", "\x01"), 0);
    assert_int_equal(compare("a ", "a", "\x01"), 1);
    assert_int_equal(compare("\xc3\xa9", "z", ""), 1);
    assert_int_equal(compare("", "", ""), 0);
    assert_int_equal(compare("", "a", ""), -1);
}

static void draw_levels(struct random *random, char *text, bool wildcards)
{
    static const char *levels[] = { "a", "b", "ab", "", "$s", "a b", "+", "+", "+" };
    uint64_t count = 1 + random_next(random) % 4;

    text[0] = '\0';
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0)
            strcat(text, "/");
        if (wildcards && i + 1 == count && random_next(random) % 3 == 0)
            strcat(text, "#");
        else
            strcat(text, levels[random_next(random) % (wildcards ? 9 : 6)]);
    }
    if (text[0] == '\0')
        strcpy(text, "b");
}

static int by_order(const void *a, const void *b)
{
    return topic_compare(bytes_of_text(a), &(struct topic_bound){ .head = bytes_of_text(b) });
}

/* Nothing that matches lies before where the filter's way begins, nor in what a step leaves out. */
static void check_way(char (*topics)[TEXT_MAX], size_t count, struct bytes filter)
{
    struct topic_bound first = topic_first(filter);

    for (size_t i = 0; i < count; i++) {
        struct bytes topic = bytes_of_text(topics[i]);
        struct topic_bound bound = { .head = topic };
        enum topic_step step = topic_step(filter, topic, &bound);

        assert_int_equal(step == TOPIC_MATCHES, mqtt_topic_match(filter, topic));
        if (step == TOPIC_MATCHES)
            assert_true(topic_compare(topic, &first) >= 0);
        if (step == TOPIC_SKIPS)
            assert_true(topic_compare(topic, &bound) < 0);
        for (size_t k = i + 1; k < count; k++) {
            struct bytes later = bytes_of_text(topics[k]);

            if (step == TOPIC_ENDS || topic_compare(later, &bound) < 0)
                assert_false(mqtt_topic_match(filter, later));
        }
    }
}

SPEC_TEST("MQTT5-4.7.2-1 MQTT311-4.7.2-1 U5-4.7.1-1 U311-4.7.1-a",
        a_filter_never_skips_a_topic_that_it_matches)
{
    struct random random = { 11 };
    char(*topics)[TEXT_MAX] = calloc(TOPICS_MAX, TEXT_MAX);
    char filter[TEXT_MAX];
    size_t count = 0;

    assert_non_null(topics);
    for (size_t i = 0; i < TOPICS_MAX; i++)
        draw_levels(&random, topics[i], false);
    qsort(topics, TOPICS_MAX, TEXT_MAX, by_order);
    for (size_t i = 0; i < TOPICS_MAX; i++) {
        if (i == 0 || strcmp(topics[i], topics[count - 1]) != 0)
            memmove(topics[count++], topics[i], TEXT_MAX);
    }
    assert_true(count > 500);
    for (int i = 0; i < 60; i++) {
        draw_levels(&random, filter, true);
        check_way(topics, count, bytes_of_text(filter));
    }
    free(topics);
}

static enum topic_step step_at(const char *filter, const char *topic, const char *bound)
{
    struct topic_bound got = { 0 };
    enum topic_step step = topic_step(bytes_of_text(filter), bytes_of_text(topic), &got);

    assert_int_equal(topic_compare(bytes_of_text(bound), &got), 0);
    return step;
}

TEST(a_step_leaves_out_as_much_as_it_can)
{
    assert_int_equal(step_at("a/+/m", "a/x/c", "a/x/m"), TOPIC_SKIPS);
    assert_int_equal(step_at("a/+/m", "a/x/t", "a/x\x01"), TOPIC_SKIPS);
    assert_int_equal(step_at("a/+/m", "a/x/m/1", "a/x/m\x01"), TOPIC_SKIPS);
    assert_int_equal(step_at("+/+", "$SYS/x", "$SYS\x01"), TOPIC_SKIPS);
    assert_int_equal(step_at("a/+/m", "a/x", ""), TOPIC_PASSES);
    assert_int_equal(step_at("a/+/m", "b", ""), TOPIC_ENDS);
    assert_int_equal(step_at("a/+/m", "a/x/m", ""), TOPIC_MATCHES);
}
