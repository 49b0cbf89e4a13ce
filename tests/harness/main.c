/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { TESTS_MAX = 4096 };

static const struct test_case *tests[TESTS_MAX];
static size_t test_count;

void test_register(const struct test_case *test)
{
    if (test_count == TESTS_MAX) {
        fprintf(stderr, "more than %d tests in one program\n", TESTS_MAX);
        abort();
    }
    tests[test_count++] = test;
}

static void run_one(void **state)
{
    const struct test_case *test = *state;

    if (test->run)
        test->run();
    else
        test->run_on(test->subject);
}

static int list(void)
{
    for (size_t i = 0; i < test_count; i++)
        printf("%s\t%s\n", tests[i]->statements ? tests[i]->statements : "-", tests[i]->name);
    return 0;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest cases[TESTS_MAX];
    const char *only = argc > 1 ? argv[1] : NULL;
    size_t count = 0;

    if (only && strcmp(only, "--list") == 0)
        return list();
    for (size_t i = 0; i < test_count; i++) {
        if (only && strcmp(only, tests[i]->name) != 0)
            continue;
        cases[count++] = (struct CMUnitTest){
            .name = tests[i]->name,
            .test_func = run_one,
            .initial_state = (void *)(uintptr_t)tests[i],
        };
    }
    if (count == 0) {
        fprintf(stderr, "%s: no such test\n", only ? only : argv[0]);
        return 2;
    }
    return _cmocka_run_group_tests(argv[0], cases, count, NULL, NULL) == 0 ? 0 : 1;
}
