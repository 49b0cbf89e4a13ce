/* SPDX-License-Identifier: Apache-2.0 */
#include "check/campaign.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Choosing ---- */

static size_t chosen(const char *only, uint8_t versions)
{
    const struct campaign_options options = { .only = only, .versions = versions };
    struct campaign campaign;
    size_t count;

    if (campaign_init(&campaign, &options) == -ENOENT)
        return 0;
    count = campaign.count;
    campaign_deinit(&campaign);
    return count;
}

TEST(cases_are_chosen_by_version_statement_and_name)
{
    size_t all = chosen(NULL, 1 << MQTT_3_1 | 1 << MQTT_3_1_1 | 1 << MQTT_5_0);
    size_t each = chosen(NULL, 1 << MQTT_3_1) + chosen(NULL, 1 << MQTT_3_1_1) +
            chosen(NULL, 1 << MQTT_5_0);

    assert_int_equal(all, each);
    assert_in_range(all, 300, 1023); /* A case's name in a run has room for so many. */
    assert_true(chosen("MQTT5-3.12.4-1", 1 << MQTT_5_0) >= 1);
    assert_int_equal(chosen("MQTT5-3.12.4-1", 1 << MQTT_3_1_1), 0);
    assert_int_equal(chosen("MQTT5-3.12.4", 1 << MQTT_5_0), 0);
    assert_int_equal(chosen("no_such_case", 1 << MQTT_5_0), 0);
}

TEST(every_case_is_either_played_or_refused_and_has_a_name_of_its_own)
{
    const struct campaign_options options = { .versions = 0xFF };
    struct campaign campaign;

    assert_int_equal(campaign_init(&campaign, &options), 0);
    for (size_t i = 0; i < campaign.count; i++) {
        const struct check_case *test = campaign.entries[i].test;
        bool refuses = test->refused || test->refused_first;

        assert_true(refuses != (test->run != NULL));
        assert_true(!refuses || test->codes || campaign.entries[i].chapter->version < MQTT_5_0);
        for (size_t j = 0; j < i; j++) {
            if (campaign.entries[j].chapter->version == campaign.entries[i].chapter->version)
                assert_string_not_equal(test->name, campaign.entries[j].test->name);
        }
    }
    campaign_deinit(&campaign);
}

/* ---- Summing up ---- */

static const struct check_case cases[] = {
    { "MQTT5-1 MQTT5-2", "one", NULL, NEED_NOTHING, NULL, NULL, NULL },
    { "MQTT5-2", "two", NULL, NEED_NOTHING, NULL, NULL, NULL },
    { NULL, "three", NULL, NEED_NOTHING, NULL, NULL, NULL },
};
static const struct check_chapter chapter = CHAPTER("", MQTT_5_0, cases);

/* The outcomes of the three cases make those of MQTT5-1, MQTT5-2 and the combination. */
static void assert_sums(const enum check_outcome outcomes[3], const enum check_outcome sums[3])
{
    struct campaign_entry entries[3];
    const struct campaign campaign = { .entries = entries, .count = 3 };
    struct campaign_verdict *verdicts;

    for (size_t i = 0; i < 3; i++)
        entries[i] = (struct campaign_entry){ &chapter, &cases[i], { .outcome = outcomes[i] } };
    assert_int_equal(campaign_sum(&verdicts, &campaign), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(verdicts[i].outcome, sums[i]);
    assert_memory_equal(verdicts[1].id, "MQTT5-2", verdicts[1].id_size);
    assert_int_equal(verdicts[2].id_size, 0);
    free(verdicts);
}

TEST(a_statement_fails_with_one_case_and_passes_with_one_that_was_played)
{
    static const enum check_outcome table[][2][3] = {
        { { CHECK_PASS, CHECK_PASS, CHECK_PASS }, { CHECK_PASS, CHECK_PASS, CHECK_PASS } },
        { { CHECK_PASS, CHECK_FAIL, CHECK_SKIP }, { CHECK_PASS, CHECK_FAIL, CHECK_SKIP } },
        { { CHECK_FAIL, CHECK_PASS, CHECK_FAIL }, { CHECK_FAIL, CHECK_FAIL, CHECK_FAIL } },
        { { CHECK_PASS, CHECK_SKIP, CHECK_PASS }, { CHECK_PASS, CHECK_PASS, CHECK_PASS } },
        { { CHECK_SKIP, CHECK_PASS, CHECK_PASS }, { CHECK_SKIP, CHECK_PASS, CHECK_PASS } },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_sums(table[i][0], table[i][1]);
}

/* ---- Playing ---- */

static void *open_nothing(void *context, enum wire_door door)
{
    (void)context;
    (void)door;
    return NULL;
}

static void pass_no_time(void *context, int64_t ms)
{
    (void)context;
    (void)ms;
}

static int64_t no_time(void *context)
{
    (void)context;
    return 0;
}

TEST(a_server_that_is_gone_is_not_looked_for_again_and_again)
{
    static const struct wire_functions functions = {
        .open = open_nothing, .pass = pass_no_time, .now_ms = no_time
    };
    const struct wire wire = { .functions = &functions };
    const struct campaign_options options = {
        .versions = 0xFF, .jobs = 4, .limit_ms = 60000, .name = "nctest"
    };
    struct campaign campaign;
    struct check_target target;
    size_t failed = 0;

    check_target_init(&target);
    target.speaks[MQTT_3_1] = target.speaks[MQTT_3_1_1] = target.speaks[MQTT_5_0] = true;
    assert_int_equal(campaign_init(&campaign, &options), 0);
    assert_int_equal(campaign_run(&campaign, &options, &target, &wire), 0);
    for (size_t i = 0; i < campaign.count; i++) {
        const struct check_result *result = &campaign.entries[i].result;

        assert_int_equal(result->unreachable, result->outcome == CHECK_FAIL);
        failed += result->outcome == CHECK_FAIL;
    }
    assert_in_range(failed, 1, options.jobs);
    campaign_deinit(&campaign);
}

TEST(when_the_time_is_over_no_case_is_begun)
{
    const struct campaign_options options = { .versions = 0xFF, .jobs = 2, .name = "nctest" };
    struct campaign campaign;
    struct check_target target;

    check_target_init(&target);
    assert_int_equal(campaign_init(&campaign, &options), 0);
    assert_int_equal(campaign_run(&campaign, &options, &target, NULL), 0);
    for (size_t i = 0; i < campaign.count; i++)
        assert_int_equal(campaign.entries[i].result.outcome, CHECK_SKIP);
    campaign_deinit(&campaign);
}
