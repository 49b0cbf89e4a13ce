/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/locks.h"

#include "tests/harness/test.h"

#include <stdlib.h>

static void *create(void *context)
{
    struct test_locks_state *state = context;

    assert_in_range(state->created, 0, TEST_LOCKS_MAX - 1);
    if (state->fail_at == state->created + 1)
        return NULL;
    return &state->all[state->created++];
}

static void destroy(void *context, void *lock)
{
    struct test_locks_state *state = context;

    assert_false(((struct test_lock *)lock)->held);
    state->destroyed++;
    if (state->destroyed == state->created) /* There is room for those of the next one. */
        state->destroyed = state->created = 0;
}

static void acquire(void *context, void *lock)
{
    struct test_locks_state *state = context;
    struct test_lock *this = lock;

    for (struct test_lock *l = this; l < state->all + state->created; l++)
        assert_false(l->held);
    this->held = true;
    state->held++;
    if (state->held > state->held_max)
        state->held_max = state->held;
}

static void release(void *context, void *lock)
{
    struct test_locks_state *state = context;
    struct test_lock *this = lock;

    assert_true(this->held);
    this->held = false;
    state->held--;
}

struct test_locks test_locks_start(void)
{
    struct test_locks_state *state = calloc(1, sizeof(*state));

    assert_non_null(state);
    return (struct test_locks){ { create, destroy, acquire, release, state }, state };
}

void test_locks_end(struct test_locks *locks)
{
    assert_int_equal(locks->state->held, 0);
    assert_int_equal(locks->state->destroyed, locks->state->created);
    free(locks->state);
    locks->state = NULL;
}
