/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests as sentences: TEST(name) and SPEC_TEST(statement ids, name) on top of cmocka.
 *
 * Each test program links tests/harness/main.c, which runs every test of its files, and with
 * `--list` prints one line per test: its statement ids (or "-") and its name.
 */
#ifndef TESTS_HARNESS_TEST_H
#define TESTS_HARNESS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct test_case {
    const char *name;
    const char *statements; /* space-separated ids such as "MQTT5-3.1.0-2"; NULL for none */
    void (*run)(void);
    void (*run_on)(const void *subject); /* instead of run, for tests that are made of a table */
    const void *subject;
};

/* Called before main() by the macros below; keeps the pointer for the life of the program. */
void test_register(const struct test_case *test);

#define TEST(function) SPEC_TEST(NULL, function)

#define SPEC_TEST(ids, function)                                                                   \
    static void function(void);                                                                    \
    __attribute__((constructor)) static void test_register_##function(void)                        \
    {                                                                                              \
        static const struct test_case test = { #function, ids, function };                         \
        test_register(&test);                                                                      \
    }                                                                                              \
    static void function(void)

#endif
