/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/newcomers.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

enum { START_MS = 1000 };

static const struct address nowhere;

struct hall {
    struct test_memory memory;
    struct newcomers newcomers;
    int64_t now_ms;
};

static void hall_open(struct hall *hall)
{
    hall->memory = test_memory_start();
    hall->now_ms = START_MS;
    newcomers_init(&hall->newcomers, hall->now_ms);
}

static void hall_close(struct hall *hall)
{
    newcomers_deinit(&hall->newcomers, &hall->memory.memory);
    assert_int_equal(hall->memory.state->blocks, 0);
    test_memory_end(&hall->memory);
}

static struct newcomer *come(struct hall *hall)
{
    struct newcomer *newcomer =
            newcomers_add(&hall->newcomers, &hall->memory.memory, NULL, &nowhere);

    assert_non_null(newcomer);
    return newcomer;
}

static void leave(struct hall *hall, struct newcomer *newcomer)
{
    newcomers_remove(&hall->newcomers, &hall->memory.memory, newcomer);
}

static void pass(struct hall *hall, int64_t ms, bool kept_up)
{
    hall->now_ms += ms;
    newcomers_look(&hall->newcomers, hall->now_ms, kept_up);
}

TEST(whoever_wants_something_gets_it_in_the_order_of_asking)
{
    struct hall hall;
    struct newcomer *a;
    struct newcomer *b;

    hall_open(&hall);
    a = come(&hall);
    b = come(&hall);
    assert_null(newcomers_next(&hall.newcomers));
    newcomers_queue(&hall.newcomers, b);
    newcomers_queue(&hall.newcomers, a);
    newcomers_queue(&hall.newcomers, b);
    assert_ptr_equal(newcomers_next(&hall.newcomers), b);
    assert_ptr_equal(newcomers_next(&hall.newcomers), a);
    assert_null(newcomers_next(&hall.newcomers));
    newcomers_queue(&hall.newcomers, a);
    leave(&hall, a);
    assert_null(newcomers_next(&hall.newcomers));
    hall_close(&hall);
}

TEST(a_crowd_lets_others_before_it_and_gets_its_turn)
{
    struct hall hall;
    struct newcomer *crowd[3];
    struct newcomer *others[5];

    hall_open(&hall);
    for (int i = 0; i < 3; i++) {
        crowd[i] = come(&hall);
        crowd[i]->is_crowd = true;
        newcomers_queue(&hall.newcomers, crowd[i]);
    }
    for (int i = 0; i < 5; i++)
        newcomers_queue(&hall.newcomers, others[i] = come(&hall));
    assert_false(newcomers_are_served(&hall.newcomers));
    for (int i = 0; i < NEWCOMER_OTHERS; i++)
        assert_ptr_equal(newcomers_next(&hall.newcomers), others[i]);
    assert_ptr_equal(newcomers_next(&hall.newcomers), crowd[0]);
    assert_ptr_equal(newcomers_next(&hall.newcomers), others[3]);
    assert_ptr_equal(newcomers_next(&hall.newcomers), others[4]);
    assert_ptr_equal(newcomers_next(&hall.newcomers), crowd[1]);
    assert_ptr_equal(newcomers_next(&hall.newcomers), crowd[2]);
    assert_true(newcomers_are_served(&hall.newcomers));
    assert_null(newcomers_next(&hall.newcomers));
    hall_close(&hall);
}

TEST(the_oldest_must_make_room_when_it_has_had_its_time)
{
    struct hall hall;
    struct newcomer *a;
    struct newcomer *b;

    hall_open(&hall);
    assert_null(newcomers_oldest(&hall.newcomers));
    a = come(&hall);
    pass(&hall, 100, true);
    b = come(&hall);
    pass(&hall, NEWCOMER_PATIENCE_MS - 101, true);
    assert_null(newcomers_oldest(&hall.newcomers));
    pass(&hall, 1, true);
    assert_ptr_equal(newcomers_oldest(&hall.newcomers), a);
    assert_null(newcomers_younger(&hall.newcomers, a));
    pass(&hall, 100, true);
    assert_ptr_equal(newcomers_younger(&hall.newcomers, a), b);
    assert_null(newcomers_younger(&hall.newcomers, b));
    leave(&hall, a);
    assert_ptr_equal(newcomers_oldest(&hall.newcomers), b);
    hall_close(&hall);
}

TEST(nobody_grows_old_while_the_shard_does_not_keep_up)
{
    struct hall hall;
    struct newcomer *a;

    hall_open(&hall);
    a = come(&hall);
    for (int i = 0; i < 100; i++)
        pass(&hall, NEWCOMER_PATIENCE_MS, false);
    assert_null(newcomers_oldest(&hall.newcomers));
    pass(&hall, NEWCOMER_PATIENCE_MS, true);
    assert_ptr_equal(newcomers_oldest(&hall.newcomers), a);
    hall_close(&hall);
}

TEST(there_is_room_for_as_many_as_places_are_free_or_taken_by_the_old)
{
    struct hall hall;

    hall_open(&hall);
    for (int i = 0; i < 3; i++)
        come(&hall);
    assert_int_equal(newcomers_room(&hall.newcomers, 0, 64), 64);
    assert_int_equal(newcomers_room(&hall.newcomers, 100, 64), 64);
    assert_int_equal(newcomers_room(&hall.newcomers, 5, 64), 2);
    assert_int_equal(newcomers_room(&hall.newcomers, 3, 64), 0);
    assert_int_equal(newcomers_room(&hall.newcomers, 1, 64), 0);
    pass(&hall, NEWCOMER_PATIENCE_MS, true);
    come(&hall);
    assert_int_equal(newcomers_room(&hall.newcomers, 5, 64), 4);
    assert_int_equal(newcomers_room(&hall.newcomers, 4, 64), 3);
    assert_int_equal(newcomers_room(&hall.newcomers, 4, 2), 2);
    assert_int_equal(newcomers_room(&hall.newcomers, 2, 64), 1);
    assert_int_equal(newcomers_room(&hall.newcomers, 1, 64), 0);
    hall_close(&hall);
}

TEST(it_is_known_when_the_oldest_will_be_old_enough)
{
    struct hall hall;

    hall_open(&hall);
    assert_true(newcomers_due_ms(&hall.newcomers) == INT64_MAX);
    come(&hall);
    assert_int_equal(newcomers_due_ms(&hall.newcomers), START_MS + NEWCOMER_PATIENCE_MS);
    pass(&hall, 10, true);
    assert_int_equal(newcomers_due_ms(&hall.newcomers), START_MS + NEWCOMER_PATIENCE_MS);
    pass(&hall, 10, false);
    assert_int_equal(newcomers_due_ms(&hall.newcomers), START_MS + NEWCOMER_PATIENCE_MS + 10);
    hall_close(&hall);
}

TEST(without_memory_nobody_comes)
{
    struct hall hall;

    hall_open(&hall);
    hall.memory.state->fail_at = 1;
    hall.memory.state->fail_until = UINT64_MAX;
    assert_null(newcomers_add(&hall.newcomers, &hall.memory.memory, NULL, &nowhere));
    assert_int_equal(hall.newcomers.count, 0);
    leave(&hall, NULL);
    hall_close(&hall);
}
