/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/budget.h"
#include "broker/config/option.h"
#include "loop/ram.h"
#include "tests/harness/test.h"

TEST(memory_is_counted_when_taken_and_when_given_back)
{
    struct budget budget;
    struct budget_share share;
    struct memory memory;
    void *block;

    budget_init(&budget, 0);
    budget_share_init(&share, &budget);
    memory = budget_share_memory(&share);
    block = memory_take(&memory, 1000);
    assert_non_null(block);
    assert_int_equal(budget_share_used(&share), 1000);
    assert_int_equal(budget_maximum(&budget), BUDGET_BLOCK);
    memory_give(&memory, block, 1000);
    assert_int_equal(budget_share_used(&share), 0);
}

TEST(what_others_have_allocated_counts_as_well)
{
    struct budget budget;
    struct budget_share share;
    struct memory memory;

    budget_init(&budget, 2 * BUDGET_BLOCK);
    budget_share_init(&share, &budget);
    memory = budget_share_memory(&share);
    assert_true(budget_share_charge(&share, BUDGET_BLOCK + 1));
    assert_int_equal(budget_share_used(&share), BUDGET_BLOCK + 1);
    assert_false(budget_share_charge(&share, BUDGET_BLOCK));
    assert_int_equal(budget_share_used(&share), BUDGET_BLOCK + 1);
    assert_null(memory_take(&memory, BUDGET_BLOCK));
    assert_true(budget_share_charge(&share, -BUDGET_BLOCK - 1));
    assert_int_equal(budget_share_used(&share), 0);
}

TEST(beyond_the_limit_nothing_is_given)
{
    struct budget budget;
    struct budget_share share;
    struct memory memory;
    void *block;

    budget_init(&budget, 2 * BUDGET_BLOCK);
    budget_share_init(&share, &budget);
    memory = budget_share_memory(&share);
    block = memory_take(&memory, 2 * BUDGET_BLOCK);
    assert_non_null(block);
    assert_null(memory_take(&memory, 1));
    memory_give(&memory, block, 2 * BUDGET_BLOCK);
    block = memory_take(&memory, 1);
    assert_non_null(block);
    memory_give(&memory, block, 1);
}

TEST(a_share_is_held_from_when_it_grows_while_memory_is_short)
{
    struct budget budget;
    struct budget_share share;
    struct budget_share other;
    struct memory memory;
    void *large;
    void *small;

    budget_init(&budget, 100 * BUDGET_BLOCK);
    budget_share_init(&share, &budget);
    budget_share_init(&other, &budget);
    memory = budget_share_memory(&share);
    large = memory_take(&memory, 88 * BUDGET_BLOCK);
    assert_false(share.is_held);
    small = memory_take(&memory, 4 * BUDGET_BLOCK);
    assert_true(share.is_held);
    assert_false(other.is_held);
    budget_share_hold(&other, true);
    assert_true(other.is_held);
    /* Where nothing gives way it may go on. */
    budget_share_hold(&share, false);
    assert_false(share.is_held);
    memory_give(&memory, small, 4 * BUDGET_BLOCK);
    small = memory_take(&memory, 4 * BUDGET_BLOCK);
    assert_false(share.is_held);
    memory_give(&memory, large, 88 * BUDGET_BLOCK);
    budget_share_hold(&other, true);
    assert_false(other.is_held);
    memory_give(&memory, small, 4 * BUDGET_BLOCK);
}

TEST(a_share_is_full_before_the_limit_is_reached)
{
    struct budget budget;
    struct budget_share share;
    struct budget_share other;
    struct memory memory;
    void *large;
    void *small;

    budget_init(&budget, 2 * BUDGET_SPARE * BUDGET_BLOCK);
    budget_share_init(&share, &budget);
    budget_share_init(&other, &budget);
    memory = budget_share_memory(&share);
    large = memory_take(&memory, (2 * BUDGET_SPARE - 2) * BUDGET_BLOCK);
    assert_false(share.is_full);
    small = memory_take(&memory, 1);
    assert_non_null(small);
    assert_true(share.is_full);
    budget_share_hold(&other, false);
    assert_true(other.is_full);
    memory_give(&memory, small, 1);
    memory_give(&memory, large, (2 * BUDGET_SPARE - 2) * BUDGET_BLOCK);
    budget_share_hold(&share, false);
    budget_share_hold(&other, false);
    assert_false(share.is_full || other.is_full);
}

TEST(one_share_gives_back_what_another_took)
{
    struct budget budget;
    struct budget_share taker;
    struct budget_share giver;
    struct memory taking;
    struct memory giving;

    budget_init(&budget, 4 * BUDGET_BLOCK);
    budget_share_init(&taker, &budget);
    budget_share_init(&giver, &budget);
    taking = budget_share_memory(&taker);
    giving = budget_share_memory(&giver);
    /* Far more than the limit in all: the budget must get back what the other share gives. */
    for (int i = 0; i < 1000; i++) {
        void *block = memory_take(&taking, 4000);

        assert_non_null(block);
        memory_give(&giving, block, 4000);
        assert_int_equal(budget_share_used(&taker) + budget_share_used(&giver), 0);
    }
}

TEST(a_shared_table_counts_to_the_byte)
{
    struct budget budget;
    struct budget_share share;
    struct memory memory;
    void *block;

    budget_init(&budget, 100);
    budget_share_init(&share, &budget);
    memory = budget_shared_memory(&share);
    block = memory_take(&memory, 100);
    assert_non_null(block);
    assert_null(memory_take(&memory, 1));
    budget_limit(&budget, 101);
    memory_give(&memory, memory_take(&memory, 1), 1);
    memory_give(&memory, block, 100);
    assert_int_equal(budget_share_used(&share), 0);
    assert_int_equal(budget_maximum(&budget), 101);
}

TEST(memory_is_short_from_nine_tenths_until_eight)
{
    struct budget budget;
    struct budget_share share;
    struct memory memory;
    void *eight;
    void *one;

    budget_init(&budget, 10 * BUDGET_BLOCK);
    budget_share_init(&share, &budget);
    memory = budget_share_memory(&share);
    assert_false(budget_is_short(&budget));
    eight = memory_take(&memory, 8 * BUDGET_BLOCK);
    one = memory_take(&memory, BUDGET_BLOCK);
    assert_false(budget_is_short(&budget));
    memory_give(&memory, one, BUDGET_BLOCK);
    one = memory_take(&memory, BUDGET_BLOCK + 1);
    assert_true(budget_is_short(&budget));
    memory_give(&memory, one, BUDGET_BLOCK + 1);
    /* Two blocks stay with the share, as it may want them again. */
    assert_true(budget_is_short(&budget));
    memory_give(&memory, eight, 8 * BUDGET_BLOCK);
    assert_false(budget_is_short(&budget));
    eight = memory_take(&memory, 8 * BUDGET_BLOCK);
    assert_false(budget_is_short(&budget));
    memory_give(&memory, eight, 8 * BUDGET_BLOCK);
}

TEST(without_a_limit_memory_is_never_short)
{
    struct budget budget;
    struct budget_share share;
    struct memory memory;
    void *block;

    budget_init(&budget, 0);
    budget_share_init(&share, &budget);
    memory = budget_share_memory(&share);
    block = memory_take(&memory, 10 * BUDGET_BLOCK);
    assert_false(budget_is_short(&budget));
    memory_give(&memory, block, 10 * BUDGET_BLOCK);
}

TEST(limit_that_is_left_to_the_server_leaves_some_to_others)
{
    assert_int_equal(budget_of_setting(0), 0);
    assert_int_equal(budget_of_setting(1000), 1000);
    assert_in_range(budget_of_setting(OPTION_BYTES_AUTO), ram_size() / 2, ram_size());
}
