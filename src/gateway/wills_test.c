/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wills.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

static const struct hash_key key = { { 1, 2 } };

static struct gateway_will will_of(const struct memory *memory, struct bytes id)
{
    struct gateway_said *said = gateway_said_new(memory, id, BYTES("wt"), BYTES("bye"));

    assert_non_null(said);
    return (struct gateway_will){ .said = said, .qos = 1, .retain = true };
}

/* Whether the client has one; it is gone then. */
static bool take(
        struct gateway_wills *wills, const struct memory *memory, struct bytes id, int64_t now_ms)
{
    struct gateway_said *said = gateway_wills_take(wills, memory, id, now_ms).said;

    gateway_said_free(said, memory);
    return said != NULL;
}

static bool keep(struct gateway_wills *wills, const struct memory *memory, struct bytes id,
        uint32_t lasts_s, int64_t now_ms)
{
    return gateway_wills_keep(wills, memory, will_of(memory, id), lasts_s, now_ms);
}

/* Of a client of 2.0. */
TEST(topics_are_kept_as_well_and_freed_with_the_rest)
{
    struct test_memory memory = test_memory_start();
    struct gateway_wills wills;

    gateway_wills_init(&wills, key);
    for (unsigned i = 0; i < 3; i++) {
        struct gateway_will will = will_of(&memory.memory, BYTES("one"));

        will.topics.max = 1;
        assert_non_null(gateway_topics_add(&will.topics, &memory.memory, BYTES("a")));
        assert_true(gateway_wills_keep(&wills, &memory.memory, will, 1, 0));
        if (i == 1) {
            will = gateway_wills_take(&wills, &memory.memory, BYTES("one"), 0);
            assert_non_null(gateway_topics_find_name(&will.topics, BYTES("a")));
            gateway_will_reset(&will, &memory.memory);
        }
    }
    gateway_wills_deinit(&wills, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_will_is_its_clients_and_taken_once)
{
    struct test_memory memory = test_memory_start();
    struct gateway_wills wills;
    struct gateway_will taken;

    gateway_wills_init(&wills, key);
    assert_true(keep(&wills, &memory.memory, BYTES("one"), 1, 0));
    assert_true(keep(&wills, &memory.memory, BYTES("other"), 1, 0));
    assert_false(take(&wills, &memory.memory, BYTES("on"), 0));
    taken = gateway_wills_take(&wills, &memory.memory, BYTES("one"), 0);
    assert_true(bytes_equal(gateway_said_will_topic(taken.said), BYTES("wt")));
    assert_int_equal(taken.qos, 1);
    assert_true(taken.retain);
    gateway_said_free(taken.said, &memory.memory);
    assert_false(take(&wills, &memory.memory, BYTES("one"), 0));
    gateway_wills_deinit(&wills, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_later_will_takes_the_place_of_the_one_before)
{
    struct test_memory memory = test_memory_start();
    struct gateway_wills wills;
    struct gateway_will later;

    gateway_wills_init(&wills, key);
    assert_true(keep(&wills, &memory.memory, BYTES("one"), 1, 0));
    later = will_of(&memory.memory, BYTES("one"));
    later.qos = 2;
    assert_true(gateway_wills_keep(&wills, &memory.memory, later, 1, 999));
    later = gateway_wills_take(&wills, &memory.memory, BYTES("one"), 1998);
    assert_int_equal(later.qos, 2);
    gateway_said_free(later.said, &memory.memory);
    assert_false(take(&wills, &memory.memory, BYTES("one"), 1998));
    gateway_wills_deinit(&wills, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_will_whose_time_is_over_is_gone)
{
    struct test_memory memory = test_memory_start();
    struct gateway_wills wills;
    size_t kept;

    gateway_wills_init(&wills, key);
    assert_true(keep(&wills, &memory.memory, BYTES("one"), 1, 0));
    assert_true(keep(&wills, &memory.memory, BYTES("two"), 2, 0));
    kept = memory.state->bytes;
    gateway_wills_tick(&wills, &memory.memory, 999);
    assert_int_equal(memory.state->bytes, kept);
    gateway_wills_tick(&wills, &memory.memory, 1000);
    assert_true(memory.state->bytes < kept);
    assert_false(take(&wills, &memory.memory, BYTES("one"), 0));
    assert_false(take(&wills, &memory.memory, BYTES("two"), 2000));
    assert_int_equal(memory.state->blocks, 0);
    gateway_wills_deinit(&wills, &memory.memory);
    test_memory_end(&memory);
}

TEST(no_will_is_kept_for_ever)
{
    const int64_t most_ms = INT64_C(1000) * GATEWAY_WILL_KEPT_MAX_S;
    struct test_memory memory = test_memory_start();
    struct gateway_wills wills;

    gateway_wills_init(&wills, key);
    assert_true(keep(&wills, &memory.memory, BYTES("one"), UINT32_MAX, 0));
    assert_true(keep(&wills, &memory.memory, BYTES("two"), UINT32_MAX, 0));
    assert_true(take(&wills, &memory.memory, BYTES("one"), most_ms - 1));
    assert_false(take(&wills, &memory.memory, BYTES("two"), most_ms));
    gateway_wills_deinit(&wills, &memory.memory);
    test_memory_end(&memory);
}

TEST(of_so_many_the_one_that_was_kept_longest_makes_room)
{
    struct test_memory memory = test_memory_start();
    struct gateway_wills wills;
    unsigned first = 0;
    unsigned second = 1;

    gateway_wills_init(&wills, key);
    for (unsigned i = 0; i < GATEWAY_WILLS_MAX; i++)
        assert_true(keep(&wills, &memory.memory, bytes_of(&i, sizeof(i)), UINT32_MAX, 0));
    /* Its client keeps its place. */
    assert_true(keep(&wills, &memory.memory, bytes_of(&first, sizeof(first)), UINT32_MAX, 0));
    assert_false(keep(&wills, &memory.memory, BYTES("one more"), UINT32_MAX, 0));
    assert_false(take(&wills, &memory.memory, bytes_of(&second, sizeof(second)), 0));
    assert_true(take(&wills, &memory.memory, bytes_of(&first, sizeof(first)), 0));
    assert_true(take(&wills, &memory.memory, BYTES("one more"), 0));
    gateway_wills_deinit(&wills, &memory.memory);
    test_memory_end(&memory);
}

TEST(short_memory_keeps_none)
{
    for (uint64_t at = 1; at <= 2; at++) {
        struct test_memory memory = test_memory_start();
        struct gateway_will will = will_of(&memory.memory, BYTES("one"));
        struct gateway_wills wills;

        gateway_wills_init(&wills, key);
        memory.state->fail_at = memory.state->fail_until = memory.state->taken + at;
        assert_false(gateway_wills_keep(&wills, &memory.memory, will, 1, 0));
        assert_int_equal(memory.state->blocks, 0);
        gateway_wills_deinit(&wills, &memory.memory);
        test_memory_end(&memory);
    }
}
