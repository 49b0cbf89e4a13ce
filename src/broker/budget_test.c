/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/budget.h"
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
