/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/blocks.h"
#include "tests/harness/test.h"

#include <stdbool.h>
#include <string.h>

TEST(a_block_that_was_given_back_is_taken_again_for_a_like_size)
{
    struct blocks blocks = { 0 };
    void *first = blocks_take(&blocks, 137);
    void *second;

    assert_non_null(first);
    blocks_give(&blocks, first, 137);
    second = blocks_take(&blocks, 140);
    assert_ptr_equal(second, first);
    blocks_give(&blocks, second, 140);
    blocks_release(&blocks);
}

TEST(every_block_has_the_room_that_was_asked_for)
{
    struct blocks blocks = { 0 };

    /* Twice, so that the second round takes what the first one gave; valgrind sees each byte. */
    for (int round = 0; round < 2; round++) {
        for (size_t size = 1; size <= BLOCKS_SIZE_MAX + BLOCKS_GRAIN; size++) {
            uint8_t *taken = blocks_take(&blocks, size);
            uint8_t *other = blocks_new(size);

            assert_non_null(taken);
            assert_non_null(other);
            memset(taken, 0xAA, size);
            memset(other, 0x55, size);
            assert_int_equal(taken[size - 1], 0xAA);
            blocks_give(&blocks, taken, size);
            blocks_give(&blocks, other, size);
        }
    }
    blocks_release(&blocks);
}

enum { SIZE = 1024, CHAIN = BLOCKS_CHAIN_MAX / SIZE, MANY = 2 * DEPOT_KEPT_MAX / SIZE };

static void take_many(struct blocks *blocks, void *taken[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        taken[i] = blocks_take(blocks, SIZE);
        assert_non_null(taken[i]);
        memset(taken[i], 0xAA, SIZE);
    }
}

static void give_many(struct blocks *blocks, void *taken[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        blocks_give(blocks, taken[i], SIZE);
}

static size_t count_kept(const struct blocks *blocks)
{
    size_t count = 0;

    for (size_t kind = 0; kind < BLOCKS_KINDS; kind++) {
        const struct shelf *shelf = &blocks->shelves[kind];

        for (const struct block *block = shelf->first; block; block = block->next)
            count++;
        for (const struct block *block = shelf->spare; block; block = block->next)
            count++;
    }
    return count;
}

TEST(of_one_size_no_more_is_kept_than_two_chains)
{
    struct blocks blocks = { 0 };
    static void *taken[MANY];

    take_many(&blocks, taken, MANY);
    assert_int_equal(count_kept(&blocks), 0);
    give_many(&blocks, taken, MANY);
    assert_in_range(count_kept(&blocks), CHAIN / 2, 2 * CHAIN);
    blocks_release(&blocks);
    assert_int_equal(count_kept(&blocks), 0);
}

static bool is_among(const void *block, void *const taken[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (taken[i] == block)
            return true;
    }
    return false;
}

TEST(what_one_thread_has_too_much_of_is_taken_by_another)
{
    enum { COUNT = 4 * CHAIN };
    struct depot depot;
    struct blocks giver = { .depot = &depot };
    struct blocks taker = { .depot = &depot };
    void *taken[COUNT];
    void *got;

    depot_init(&depot);
    take_many(&giver, taken, COUNT);
    assert_int_equal(depot.kept, 0);
    give_many(&giver, taken, COUNT);
    assert_true(depot.kept > 0);
    got = blocks_take(&taker, SIZE);
    assert_true(is_among(got, taken, COUNT));
    assert_in_range(count_kept(&taker), 1, CHAIN);
    blocks_give(&taker, got, SIZE);
    blocks_release(&giver);
    blocks_release(&taker);
    depot_deinit(&depot);
}

TEST(a_depot_keeps_no_more_than_its_limit)
{
    struct depot depot;
    struct blocks blocks = { .depot = &depot };
    static void *taken[MANY];

    depot_init(&depot);
    take_many(&blocks, taken, MANY);
    give_many(&blocks, taken, MANY);
    assert_in_range(depot.kept, DEPOT_KEPT_MAX - BLOCKS_CHAIN_MAX, DEPOT_KEPT_MAX);
    take_many(&blocks, taken, MANY);
    assert_int_equal(depot.kept, 0);
    give_many(&blocks, taken, MANY);
    blocks_release(&blocks);
    depot_deinit(&depot);
}

static void *take_and_give(void *context)
{
    enum { ROUNDS = 50, COUNT = 8 * CHAIN };
    struct blocks blocks = { .depot = context };
    void *taken[COUNT];

    for (int i = 0; i < ROUNDS; i++) {
        take_many(&blocks, taken, COUNT);
        give_many(&blocks, taken, COUNT);
    }
    blocks_release(&blocks);
    return NULL;
}

TEST(threads_use_a_depot_at_the_same_time)
{
    struct depot depot;
    pthread_t other;

    depot_init(&depot);
    assert_int_equal(pthread_create(&other, NULL, take_and_give, &depot), 0);
    take_and_give(&depot);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_in_range(depot.kept, 0, DEPOT_KEPT_MAX);
    depot_deinit(&depot);
}
