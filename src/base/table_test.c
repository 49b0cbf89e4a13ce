/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "base/random.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <stdlib.h>

enum { OBJECTS = 20000 };

struct object {
    struct table_link link;
    bool in;
};

static bool found(const struct table *table, const struct object *object)
{
    for (struct table_link *l = table_first(table, object->link.hash); l; l = table_next(l)) {
        if (l == &object->link)
            return true;
    }
    return false;
}

static struct object *objects_new(struct random *random)
{
    struct object *objects = calloc(OBJECTS, sizeof(*objects));

    assert_non_null(objects);
    for (size_t i = 0; i < OBJECTS; i++) /* every hash about twice */
        objects[i].link.hash = (uint32_t)(random_next(random) % (OBJECTS / 2)) * 0x9e3779b1;
    return objects;
}

TEST(table_finds_what_was_added_and_not_removed)
{
    struct test_memory memory = test_memory_start();
    struct random random = { 1 };
    struct object *objects = objects_new(&random);
    struct table table;
    uint32_t count = 0;

    table_init(&table);
    for (size_t step = 0; step < 10 * OBJECTS; step++) {
        struct object *object = &objects[random_next(&random) % OBJECTS];

        assert_int_equal(found(&table, object), object->in);
        if (object->in)
            table_remove(&table, &memory.memory, &object->link);
        else
            assert_true(table_add(&table, &memory.memory, &object->link));
        object->in = !object->in;
        count = object->in ? count + 1 : count - 1;
        assert_int_equal(table.count, count);
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        assert_int_equal(found(&table, &objects[i]), objects[i].in);
        if (objects[i].in)
            table_remove(&table, &memory.memory, &objects[i].link);
    }
    assert_int_equal(table.buckets, TABLE_FIRST_SEGMENT);
    assert_null(table_deinit(&table, &memory.memory));
    test_memory_end(&memory);
    free(objects);
}

TEST(table_works_on_without_memory_to_grow)
{
    struct test_memory memory = test_memory_start();
    struct random random = { 2 };
    struct object *objects = objects_new(&random);
    struct table table;
    size_t left = 0;

    memory.state->fail_at = 1;
    memory.state->fail_until = UINT64_MAX;
    table_init(&table);
    assert_false(table_add(&table, &memory.memory, &objects[0].link));
    memory.state->fail_at = 0;
    assert_true(table_add(&table, &memory.memory, &objects[0].link));
    memory.state->fail_at = 1;
    for (size_t i = 1; i < 200; i++)
        assert_true(table_add(&table, &memory.memory, &objects[i].link));
    assert_int_equal(table.buckets, TABLE_FIRST_SEGMENT);
    memory.state->fail_at = 0;
    for (size_t i = 200; i < OBJECTS; i++)
        assert_true(table_add(&table, &memory.memory, &objects[i].link));
    for (size_t i = 0; i < OBJECTS; i++)
        assert_true(found(&table, &objects[i]));
    for (struct table_link *l = table_deinit(&table, &memory.memory); l; l = l->next)
        left++;
    assert_int_equal(left, OBJECTS);
    test_memory_end(&memory);
    free(objects);
}
