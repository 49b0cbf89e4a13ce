/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/config/fixture.h"
#include "tests/harness/test.h"

/* The linker puts __wrap_X in the place of X, for which __real_X then stands. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);

struct counter {
    unsigned taken;
    unsigned fail_at; /* the n-th, from 1; 0: none */
};

static struct counter *counter(void)
{
    static struct counter only;

    return &only;
}

static bool fails(void)
{
    return ++counter()->taken == counter()->fail_at;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

TEST(each_allocation_may_fail)
{
    static struct fixture fixture;
    int result = -ENOMEM;
    unsigned failures = 0;

    while (result < 0) {
        fixture_add(&fixture, "d/a.conf", "max_keepalive 5\n");
        fixture_add(&fixture, "d/b.conf", "user x\n");
        *counter() = (struct counter){ .fail_at = failures + 1 };
        result = fixture_load(&fixture,
                "listener 1\ninclude_dir d\nuser y\nmax_qos 1\n"
                "allow_anonymous true\n");
        *counter() = (struct counter){ 0 };
        if (result < 0) {
            assert_int_equal(result, -ENOMEM);
            assert_null(fixture.config);
            failures++;
        }
        fixture_end(&fixture);
    }
    assert_true(failures > 10);
}
