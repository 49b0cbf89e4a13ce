/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/differences.h"

#include "broker/config/fixture.h"
#include "tests/harness/test.h"

#include <stdlib.h>

/* Two configurations, which stay while the test runs. */
struct pair {
    struct fixture next;
    struct fixture running;
};

static void pair_read(struct pair *pair, const char *running, const char *next)
{
    assert_int_equal(fixture_load(&pair->running, running), 0);
    assert_int_equal(fixture_load(&pair->next, next), 0);
}

static void pair_end(struct pair *pair)
{
    fixture_end(&pair->next);
    fixture_end(&pair->running);
}

static void expect_row(const json_t *rows, size_t number, const char *text)
{
    char *row = json_dumps(json_array_get(rows, number), JSON_SORT_KEYS);

    assert_non_null(row);
    assert_string_equal(row, text);
    free(row);
}

TEST(each_difference_is_a_row_with_its_place)
{
    static struct pair pair;
    json_t *rows;

    pair_read(&pair, "listener 1883\nmax_keepalive 60\nuser a\n",
            "listener 1883\nmax_qos 1\nmax_keepalive 30\nuser b\nlistener 1884 ::1\n");
    rows = differences_of(pair.next.config, pair.running.config);
    assert_int_equal(json_array_size(rows), 4);
    expect_row(rows, 0,
            "{\"effect\": \"live\", \"file\": \"conf\", \"key\": \"max_keepalive\", "
            "\"line\": 3, \"new\": \"30\", \"old\": \"60\"}");
    expect_row(rows, 1,
            "{\"effect\": \"restart\", \"file\": \"conf\", \"key\": \"user\", "
            "\"line\": 4, \"new\": \"b\", \"old\": \"a\"}");
    expect_row(rows, 2,
            "{\"effect\": \"live\", \"file\": \"conf\", \"key\": \"listener\", "
            "\"line\": 5, \"new\": \"1884 ::1\", \"old\": \"\"}");
    expect_row(rows, 3,
            "{\"effect\": \"live\", \"file\": \"conf\", \"key\": \"max_qos\", "
            "\"line\": 2, \"listener\": 1883, \"new\": \"1\", \"old\": \"2\"}");
    json_decref(rows);
    pair_end(&pair);
}

TEST(a_key_of_several_lines_is_one_difference_in_one_line)
{
    static struct pair pair;
    json_t *rows;

    pair_read(&pair, "listener 1883\nsn_predefined 1 a\nsn_predefined 2 b/c\n",
            "listener 1883\nsn_predefined 1 a\nsn_predefined 2 b\nsn_predefined 3 d\n");
    rows = differences_of(pair.next.config, pair.running.config);
    assert_int_equal(json_array_size(rows), 1);
    expect_row(rows, 0,
            "{\"effect\": \"live\", \"file\": \"conf\", \"key\": \"sn_predefined\", \"line\": 2, "
            "\"new\": \"1 a, 2 b, 3 d\", \"old\": \"1 a, 2 b/c\"}");
    json_decref(rows);
    pair_end(&pair);
}

TEST(a_listener_that_is_gone_is_a_row_and_none_of_its_keys)
{
    static struct pair pair;
    json_t *rows;

    pair_read(&pair, "listener 1883\nlistener 1884\nmax_qos 1\n", "listener 1883\n");
    rows = differences_of(pair.next.config, pair.running.config);
    assert_int_equal(json_array_size(rows), 1);
    expect_row(rows, 0,
            "{\"effect\": \"live\", \"file\": \"\", \"key\": \"listener\", "
            "\"line\": 0, \"new\": \"\", \"old\": \"1884\"}");
    json_decref(rows);
    pair_end(&pair);
}

TEST(the_same_text_differs_in_nothing)
{
    static struct pair pair;
    json_t *rows;

    pair_read(&pair, "listener 1883\nmax_qos 1\n", "# again\nlistener 1883\nmax_qos 1\n");
    rows = differences_of(pair.next.config, pair.running.config);
    assert_int_equal(json_array_size(rows), 0);
    json_decref(rows);
    pair_end(&pair);
}

/* ---- Without memory ---- */

struct counter {
    unsigned taken;
    unsigned fail_at; /* the n-th, from 1; 0: none */
};

static struct counter *counter(void)
{
    static struct counter only;

    return &only;
}

static void *take(size_t size)
{
    return ++counter()->taken == counter()->fail_at ? NULL : malloc(size);
}

TEST(each_allocation_may_fail)
{
    static struct pair pair;
    bool good = false;

    json_set_alloc_funcs(take, free);
    pair_read(&pair, "max_qos 1\nmax_keepalive 5\n", "listener 1883\nallow_anonymous true\n");
    for (unsigned fail_at = 1; !good; fail_at++) {
        json_t *rows;

        *counter() = (struct counter){ .fail_at = fail_at };
        rows = differences_of(pair.next.config, pair.running.config);
        good = counter()->taken < fail_at;
        assert_true(!good || json_array_size(rows) >= 4);
        assert_true(good || !rows);
        *counter() = (struct counter){ 0 };
        json_decref(rows);
        assert_true(fail_at < 10000);
    }
    pair_end(&pair);
}
