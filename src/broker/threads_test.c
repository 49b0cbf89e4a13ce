/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/threads.h"

#include "broker/budget.h"
#include "broker/config/fixture.h"
#include "broker/core/core.h"
#include "broker/mutexes.h"
#include "loop/cpu.h"
#include "tests/harness/test.h"

/* Whether the threads have memory by these lines; what is told stays in the fixture. */
static bool suffices(struct fixture *fixture, const char *text)
{
    bool result;

    assert_int_equal(fixture_load(fixture, text), 0);
    fixture->told[0] = '\0';
    result = threads_have_memory(fixture->config, &fixture->report);
    assert_int_equal(fixture->report.errors, !result);
    return result;
}

TEST(there_are_as_many_threads_as_are_set_or_as_there_are_cores)
{
    struct config config = { .threads = 3 };

    assert_int_equal(threads_count(&config), 3);
    config.threads = 0;
    assert_int_equal(threads_count(&config), cpu_count() < SHARDS_MAX ? cpu_count() : SHARDS_MAX);
}

TEST(a_memory_limit_too_small_for_the_threads_is_told_with_its_place)
{
    static struct fixture fixture;

    assert_false(suffices(&fixture, "threads 1\nmemory_limit 1\n"));
    assert_string_equal(fixture.told,
            "error: conf:2: memory_limit 1 is less than the 524288 bytes that 1 thread takes "
            "before anybody comes; raise it\n");
    fixture_end(&fixture);
    assert_false(suffices(&fixture, "memory_limit 512k\nthreads 2\n"));
    if (!fixture_told(&fixture, "conf:1: memory_limit 524288 is less than the ") ||
            !fixture_told(&fixture,
                    " bytes that 2 threads take before anybody comes; raise it, or set threads to "
                    "fewer\n"))
        fail_msg("told: %s", fixture.told);
    fixture_end(&fixture);
}

TEST(a_memory_limit_is_enough_from_what_the_threads_take)
{
    static struct fixture fixture;
    char text[64];

    for (unsigned count = 1; count <= SHARDS_MAX; count *= 4) {
        for (int less = 0; less <= 1; less++) {
            snprintf(text, sizeof(text), "threads %u\nmemory_limit %lld\n", count,
                    (long long)threads_memory(count) - less);
            assert_int_equal(suffices(&fixture, text), !less);
            fixture_end(&fixture);
        }
    }
    assert_true(suffices(&fixture, "threads 64\nmemory_limit 0\n"));
    fixture_end(&fixture);
}

/* A hub and the cores of as many shards, by nothing but that memory. */
static void make_cores(unsigned count)
{
    static const struct core_settings settings;
    static struct budget_share shares[SHARDS_MAX + 1];
    struct core *cores[SHARDS_MAX];
    struct budget budget;
    struct hub_setup setup = {
        .shards = count, .mailbox_slots = MAILBOX_SLOTS_DEFAULT, .locks = mutexes(count)
    };
    struct hub *hub;

    budget_init(&budget, threads_memory(count));
    for (unsigned i = 0; i <= count; i++)
        budget_share_init(&shares[i], &budget);
    setup.memory = budget_shared_memory(&shares[count]);
    hub = hub_new(&setup);
    assert_non_null(hub);
    for (unsigned i = 0; i < count; i++) {
        struct core_setup core = { .hub = hub, .shard = i, .settings = &settings };

        core.memory = budget_share_memory(&shares[i]);
        cores[i] = core_new(&core, 0);
        assert_non_null(cores[i]);
    }
    for (unsigned i = 0; i < count; i++)
        core_free(cores[i]);
    hub_free(hub);
    for (unsigned i = 0; i <= count; i++)
        budget_share_deinit(&shares[i]);
    budget_deinit(&budget);
}

TEST(what_the_threads_take_is_enough_for_their_cores)
{
    make_cores(1);
    make_cores(2);
    make_cores(16);
}
