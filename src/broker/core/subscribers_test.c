/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/subscribers.h"

#include "base/random.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <stdlib.h>

enum { CROWD = 100000 };

/* Number n of a crowd of distinct targets that differ in every part. */
static struct target target_of(uint32_t n)
{
    return (struct target){
        .shard = n % 4, .flags = n % 7 == 0, .slot = n / 2, .generation = n % 2
    };
}

static struct subscriber subscriber_of(uint32_t n)
{
    return (struct subscriber){ .target = target_of(n), .identifier = n };
}

static bool holds(const struct subscribers *set, uint32_t n)
{
    struct target target = target_of(n);

    for (uint32_t i = 0; set && i < set->count; i++) {
        if (target_equal(&set->items[i].target, &target))
            return set->items[i].identifier == n;
    }
    return false;
}

TEST(subscribers_agree_with_a_list_whatever_is_added_and_removed)
{
    enum { TARGETS = 300 };
    struct test_memory memory = test_memory_start();
    struct random random = { 3 };
    struct subscribers *set = NULL;
    bool in[TARGETS] = { 0 };
    uint32_t count = 0;

    for (int step = 0; step < 60000; step++) {
        uint32_t n = (uint32_t)(random_next(&random) % TARGETS);
        bool filling = step / 5000 % 2 == 0; /* now and then it is large, and then small again */
        struct subscriber subscriber = subscriber_of(n);

        if (random_next(&random) % 4 < (filling ? 3 : 1)) {
            assert_int_equal(subscribers_add(&set, &memory.memory, &subscriber),
                    in[n] ? SUBSCRIBERS_REPLACED : SUBSCRIBERS_ADDED);
            count += !in[n];
            in[n] = true;
        } else {
            assert_int_equal(subscribers_remove(&set, &memory.memory, &subscriber.target), in[n]);
            count -= in[n];
            in[n] = false;
        }
        assert_int_equal(set ? set->count : 0, count);
        n = (uint32_t)(random_next(&random) % TARGETS);
        assert_int_equal(holds(set, n), in[n]);
    }
    subscribers_clear(&set, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_hundred_thousand_subscribers_come_and_go_in_any_order)
{
    struct test_memory memory = test_memory_start();
    struct random random = { 4 };
    struct subscribers *set = NULL;
    uint32_t *order = calloc(CROWD, sizeof(*order));

    assert_non_null(order);
    for (uint32_t n = 0; n < CROWD; n++) {
        uint32_t other = (uint32_t)(random_next(&random) % (n + 1));

        order[n] = order[other];
        order[other] = n;
    }
    for (uint32_t n = 0; n < CROWD; n++) {
        struct subscriber subscriber = subscriber_of(order[n]);

        assert_int_equal(subscribers_add(&set, &memory.memory, &subscriber), SUBSCRIBERS_ADDED);
    }
    assert_int_equal(set->count, CROWD);
    for (uint32_t n = 0; n < CROWD; n++) {
        struct target target = target_of(n);

        assert_true(subscribers_remove(&set, &memory.memory, &target));
    }
    assert_null(set);
    test_memory_end(&memory);
    free(order);
}

TEST(a_replaced_subscriber_has_the_new_options_and_the_old_start)
{
    struct test_memory memory = test_memory_start();
    struct subscribers *set = NULL;
    struct subscriber old = { .target = target_of(1), .qos = 2, .no_local = 1, .retained_from = 5 };
    struct subscriber new = { .target = target_of(1), .identifier = 9, .retained_from = 8 };

    subscribers_add(&set, &memory.memory, &old);
    assert_int_equal(subscribers_add(&set, &memory.memory, &new), SUBSCRIBERS_REPLACED);
    assert_int_equal(set->count, 1);
    assert_int_equal(set->items[0].qos, 0);
    assert_int_equal(set->items[0].no_local, 0);
    assert_int_equal(set->items[0].identifier, 9);
    assert_int_equal(set->items[0].retained_from, 5);
    subscribers_clear(&set, &memory.memory);
    test_memory_end(&memory);
}

TEST(every_part_of_a_target_tells_it_from_another)
{
    static const struct target targets[] = { { 0, 0, 0, 0 }, { 1, 0, 0, 0 },
        { 0, TARGET_GROUP, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 } };
    struct test_memory memory = test_memory_start();
    struct subscribers *set = NULL;

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct subscriber subscriber = { .target = targets[i] };

        assert_int_equal(subscribers_add(&set, &memory.memory, &subscriber), SUBSCRIBERS_ADDED);
    }
    assert_true(subscribers_remove(&set, &memory.memory, &targets[4]));
    assert_false(subscribers_remove(&set, &memory.memory, &targets[4]));
    assert_int_equal(set->count, 4);
    subscribers_clear(&set, &memory.memory);
    test_memory_end(&memory);
}

TEST(subscribers_stay_as_they_were_when_memory_is_short)
{
    struct test_memory memory = test_memory_start();
    struct subscribers *set = NULL;
    uint32_t refused = 0;

    for (uint32_t n = 0; n < 200; n++) {
        struct subscriber subscriber = subscriber_of(n);

        memory.state->fail_at = memory.state->taken + 1;
        memory.state->fail_until = memory.state->fail_at;
        if (subscribers_add(&set, &memory.memory, &subscriber) == SUBSCRIBERS_NO_MEMORY) {
            refused++;
            assert_int_equal(set ? set->count : 0, n);
            assert_int_equal(subscribers_add(&set, &memory.memory, &subscriber), SUBSCRIBERS_ADDED);
        }
    }
    assert_int_equal(refused, 9); /* capacities 1, 2, 4, ... 256 */
    memory.state->fail_at = 1;
    memory.state->fail_until = UINT64_MAX;
    for (uint32_t n = 0; n < 200; n++) {
        struct target target = target_of(n);

        assert_true(subscribers_remove(&set, &memory.memory, &target));
        assert_int_equal(set ? set->count : 0, 199 - n);
    }
    test_memory_end(&memory);
}
