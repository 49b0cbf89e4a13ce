/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pairs.h"
#include "tests/harness/test.h"

enum { MANY = 5000 };

TEST(each_pair_of_numbers_has_its_own_value)
{
    struct pairs pairs = { 0 };

    assert_null(pairs_find(&pairs, 1, 2));
    for (uint64_t i = 0; i < MANY; i++) {
        assert_true(pairs_reserve(&pairs, 1));
        pairs_add(&pairs, i % 7, i)->value = i + 1;
    }
    assert_int_equal(pairs.count, MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(pairs_find(&pairs, i % 7, i)->value, i + 1);
        assert_null(pairs_find(&pairs, i % 7 + 1, i));
    }
    pairs_reset(&pairs);
    assert_null(pairs_find(&pairs, 0, 0));
}

TEST(what_is_there_is_not_added_again)
{
    struct pairs pairs = { 0 };

    assert_true(pairs_reserve(&pairs, 2));
    pairs_add(&pairs, 5, 6)->value = 1;
    assert_int_equal(pairs_add(&pairs, 5, 6)->value, 1);
    assert_int_equal(pairs.count, 1);
    pairs_reset(&pairs);
}

TEST(room_that_was_reserved_is_there)
{
    struct pairs pairs = { 0 };
    size_t room;

    assert_true(pairs_reserve(&pairs, MANY));
    room = pairs.room;
    for (uint64_t i = 0; i < MANY; i++)
        pairs_add(&pairs, i, 0)->value = 1;
    assert_int_equal(pairs.room, room);
    assert_true(pairs_reserve(&pairs, 0));
    assert_int_equal(pairs.room, room);
    pairs_reset(&pairs);
}
