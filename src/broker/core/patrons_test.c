/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/patrons.h"

#include "tests/harness/locks.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

enum { ADA = 7, BOB = 8 };

TEST(each_user_has_so_many_and_no_more)
{
    struct test_memory memory = test_memory_start();
    struct test_locks locks = test_locks_start();
    struct patrons *patrons = patrons_new(&memory.memory, &locks.locks);

    assert_int_equal(patrons_enter(patrons, 1, ADA, 2), PATRONS_ENTERED);
    assert_int_equal(patrons_enter(patrons, 2, ADA, 2), PATRONS_ENTERED);
    assert_int_equal(patrons_enter(patrons, 3, ADA, 2), PATRONS_FULL);
    assert_int_equal(patrons_enter(patrons, 4, BOB, 2), PATRONS_ENTERED);
    /* Who is counted is not counted again, whatever the limit is now. */
    assert_int_equal(patrons_enter(patrons, 1, ADA, 1), PATRONS_ENTERED);
    assert_int_equal(patrons_enter(patrons, 4, ADA, 2), PATRONS_FULL);
    patrons_leave(patrons, 1);
    patrons_leave(patrons, 1);
    assert_int_equal(patrons_enter(patrons, 3, ADA, 2), PATRONS_ENTERED);
    patrons_free(patrons);
    patrons_free(NULL);
    test_locks_end(&locks);
    test_memory_end(&memory);
}

TEST(session_passes_from_one_user_to_another)
{
    struct test_memory memory = test_memory_start();
    struct test_locks locks = test_locks_start();
    struct patrons *patrons = patrons_new(&memory.memory, &locks.locks);

    assert_int_equal(patrons_enter(patrons, 1, ADA, 1), PATRONS_ENTERED);
    assert_int_equal(patrons_enter(patrons, 1, BOB, 1), PATRONS_ENTERED);
    assert_int_equal(patrons_enter(patrons, 2, BOB, 1), PATRONS_FULL);
    assert_int_equal(patrons_enter(patrons, 2, ADA, 1), PATRONS_ENTERED);
    patrons_leave(patrons, 1);
    assert_int_equal(patrons_enter(patrons, 3, BOB, 1), PATRONS_ENTERED);
    patrons_free(patrons);
    test_locks_end(&locks);
    test_memory_end(&memory);
}

TEST(without_memory_nobody_enters_and_nothing_changes)
{
    struct test_memory memory = test_memory_start();
    struct test_locks locks = test_locks_start();
    struct patrons *patrons;
    enum patrons_entry entry = PATRONS_NO_MEMORY;
    unsigned failures = 0;

    locks.state->fail_at = 1;
    assert_null(patrons_new(&memory.memory, &locks.locks));
    locks.state->fail_at = 0;
    memory.state->fail_at = memory.state->fail_until = memory.state->taken + 1;
    assert_null(patrons_new(&memory.memory, &locks.locks));
    patrons = patrons_new(&memory.memory, &locks.locks);
    assert_non_null(patrons);
    for (unsigned at = 1; entry == PATRONS_NO_MEMORY; at++) {
        memory.state->fail_at = memory.state->fail_until = memory.state->taken + at;
        entry = patrons_enter(patrons, 1, ADA, 1);
        failures += entry == PATRONS_NO_MEMORY;
    }
    assert_int_equal(entry, PATRONS_ENTERED);
    assert_true(failures >= 2); /* the user's memory, and the session's */
    assert_int_equal(patrons_enter(patrons, 2, ADA, 1), PATRONS_FULL);
    patrons_free(patrons);
    test_locks_end(&locks);
    test_memory_end(&memory);
}
