/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_plan.h"

#include "mqtt/topic.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>

static int make(struct bench_plan *plan, struct bench_options options)
{
    return bench_plan_init(plan, &options, 0xbe);
}

static uint32_t count_wanted(const struct bench_plan *plan, uint32_t subscriber)
{
    bool *wanted = calloc(plan->channels, sizeof(*wanted));
    uint32_t count = 0;

    assert_non_null(wanted);
    bench_plan_match(plan, subscriber, wanted);
    for (uint32_t i = 0; i < plan->channels; i++)
        count += wanted[i];
    free(wanted);
    return count;
}

TEST(each_pair_has_a_topic_of_its_own)
{
    struct bench_plan plan;
    bool wanted[3];

    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "p2p", .publishers = 3 }), 0);
    assert_int_equal(plan.subscribers, 3);
    for (uint32_t i = 0; i < 3; i++) {
        bench_plan_match(&plan, i, wanted);
        for (uint32_t j = 0; j < 3; j++)
            assert_int_equal(wanted[j], i == j);
    }
}

TEST(who_fans_in_or_shares_hears_every_publisher)
{
    static const char *const names[] = { "fan-in", "shared", "fan-out" };

    for (size_t i = 0; i < 3; i++) {
        struct bench_options options = { .scenario = names[i], .publishers = 7, .subscribers = 2 };
        struct bench_plan plan;

        assert_int_equal(make(&plan, options), 0);
        assert_int_equal(count_wanted(&plan, 0), 7);
        assert_int_equal(count_wanted(&plan, 1), 7);
    }
}

TEST(a_shared_filter_is_valid)
{
    struct bench_plan plan;
    char text[BENCH_TOPIC_SIZE];

    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "shared" }), 0);
    bench_plan_filter(&plan, 0, 0, text);
    assert_string_equal(text, "$share/bench/bench/000000be/+");
}

TEST(the_wildcard_filters_of_a_subscriber_do_not_overlap)
{
    struct bench_plan plan;
    uint32_t total = 0;

    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "wildcard" }), 0);
    for (uint32_t subscriber = 0; subscriber < plan.subscribers; subscriber++) {
        for (uint32_t channel = 0; channel < plan.channels; channel++) {
            char topic[BENCH_TOPIC_SIZE];
            char filter[BENCH_TOPIC_SIZE];
            uint32_t matches = 0;

            bench_plan_topic(&plan, channel, topic);
            for (uint32_t index = 0; index < plan.filters; index++) {
                bench_plan_filter(&plan, subscriber, index, filter);
                matches += mqtt_topic_match(bytes_of_text(filter), bytes_of_text(topic));
            }
            assert_in_range(matches, 0, 1);
            total += matches;
        }
    }
    /* Ten filters match the 8 devices of a site, ten the 4 metrics of a device. */
    assert_int_equal(total, plan.subscribers * (10 * 8 + 10 * 4));
}

TEST(what_does_not_fit_is_refused)
{
    struct bench_plan plan;

    assert_int_equal(make(&plan, (struct bench_options){ 0 }), -EINVAL);
    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "p3p" }), -EINVAL);
    assert_int_equal(
            make(&plan,
                    (struct bench_options){ .scenario = "p2p", .publishers = 2, .subscribers = 3 }),
            -EINVAL);
    assert_int_equal(
            make(&plan, (struct bench_options){ .scenario = "wildcard", .publishers = 1281 }),
            -EINVAL);
    assert_int_equal(
            make(&plan, (struct bench_options){ .scenario = "retained", .rate = 5 }), -EINVAL);
}

TEST(only_a_load_has_a_rate)
{
    static const char *const others[] = { "offline", "idle", "sessions", "subscriptions",
        "connect" };
    struct bench_plan plan;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(
                make(&plan, (struct bench_options){ .scenario = others[i], .rate = 5 }), -EINVAL);
        assert_int_equal(make(&plan, (struct bench_options){ .scenario = others[i] }), 0);
    }
    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "p2p", .rate = 5 }), 0);
}

TEST(nothing_is_kept_for_the_absent_below_qos_1)
{
    struct bench_plan plan;

    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "offline" }), 0);
    assert_int_equal(plan.qos, 1);
    assert_int_equal(plan.window, 20);
    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "offline", .qos = 2 }), 0);
    assert_int_equal(plan.qos, 2);
}

TEST(a_kind_of_filter_says_how_many_subscriptions_look)
{
    static const struct {
        const char *kind;
        const char *filter;
    } rows[] = {
        { NULL, "bench/000000be/area2/device2345/value" },
        { "exact", "bench/000000be/area2/device2345/value" },
        { "plus", "bench/000000be/area2/device2345/+" },
        { "hash", "bench/000000be/area2/device2345/#" },
        { "shared", "$share/bench/bench/000000be/area2/device2345/value" },
    };
    struct bench_options options = { .scenario = "subscriptions" };
    struct bench_plan plan;
    char text[BENCH_TOPIC_SIZE];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        options.filter = rows[i].kind;
        assert_int_equal(make(&plan, options), 0);
        bench_plan_filter(&plan, 7, 2345, text);
        assert_string_equal(text, rows[i].filter);
    }
    options.filter = "any";
    assert_int_equal(make(&plan, options), -EINVAL);
}

TEST(the_window_goes_by_qos)
{
    struct bench_plan plan;

    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "p2p" }), 0);
    assert_int_equal(plan.window, 100);
    assert_int_equal(make(&plan, (struct bench_options){ .scenario = "p2p", .qos = 1 }), 0);
    assert_int_equal(plan.window, 20);
}
