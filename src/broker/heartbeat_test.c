/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/heartbeat.h"

#include "tests/harness/test.h"

enum { SHARDS = 3, PERIOD_MS = 1000 };

/* The queues of shards that take a turn when the test says so. */
struct asked {
    struct errands errands[SHARDS];
    unsigned count;
};

static void ask(void *context, unsigned shard, struct errand *errand)
{
    struct asked *asked = context;

    asked->count++;
    errands_post(&asked->errands[shard], errand);
}

static void take_turns(struct asked *asked, unsigned but)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        if (i != but)
            errands_run(&asked->errands[i], NULL);
    }
}

TEST(all_is_well_while_every_shard_takes_turns)
{
    struct heartbeat heartbeat;
    struct asked asked = { .count = 0 };

    heartbeat_init(&heartbeat, SHARDS, PERIOD_MS, 50);
    assert_int_equal(heartbeat.due_ms, 50);
    for (int64_t now_ms = 50; now_ms < 5000; now_ms += PERIOD_MS) {
        assert_int_equal(heartbeat_beat(&heartbeat, now_ms, ask, &asked), HEARTBEAT_ALL_WELL);
        assert_int_equal(heartbeat.due_ms, now_ms + PERIOD_MS);
        take_turns(&asked, SHARDS);
    }
    assert_int_equal(asked.count, 5 * SHARDS);
}

TEST(a_shard_that_hangs_is_named_until_it_takes_a_turn_again)
{
    struct heartbeat heartbeat;
    struct asked asked = { .count = 0 };

    heartbeat_init(&heartbeat, SHARDS, PERIOD_MS, 0);
    assert_int_equal(heartbeat_beat(&heartbeat, 0, ask, &asked), HEARTBEAT_ALL_WELL);
    take_turns(&asked, 1);
    for (int64_t now_ms = PERIOD_MS; now_ms <= 3 * PERIOD_MS; now_ms += PERIOD_MS) {
        assert_int_equal(heartbeat_beat(&heartbeat, now_ms, ask, &asked), 1);
        take_turns(&asked, 1);
    }
    take_turns(&asked, SHARDS);
    assert_int_equal(heartbeat_beat(&heartbeat, 4 * PERIOD_MS, ask, &asked), HEARTBEAT_ALL_WELL);
    /* Not asked again while its errand was out. */
    assert_int_equal(asked.count, 5 * SHARDS - 3);
}

TEST(without_a_period_there_is_no_beat)
{
    struct heartbeat heartbeat;

    heartbeat_init(&heartbeat, SHARDS, 0, 50);
    assert_true(heartbeat.due_ms == INT64_MAX);
}
