/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_options.h"

#include "tests/harness/test.h"

#include <errno.h>

enum { WORDS_MAX = 16, LINE_MAX = 256 };

/* Reads a command line of words with one space between them. */
static int read_line(struct bench_options *out, const char *line)
{
    static char copy[LINE_MAX]; /* the options borrow from it */
    char *argv[WORDS_MAX] = { NULL };
    char *rest = copy;
    int argc = 0;

    assert_true(strlen(line) < sizeof(copy));
    strcpy(copy, line);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    return bench_options_read(out, argc, argv);
}

TEST(without_options_the_defaults_hold)
{
    struct bench_options options;

    assert_int_equal(read_line(&options, "bench p2p"), 0);
    assert_string_equal(options.scenario, "p2p");
    assert_string_equal(options.host, "127.0.0.1");
    assert_int_equal(options.port, 1883);
    assert_int_equal(options.version, 4);
    assert_int_equal(options.size, 64);
    assert_int_equal(options.limit_s, 60);
    assert_int_equal(options.timeout_s, 10);
    assert_int_equal(options.pace_us, 200);
    assert_false(options.json);
}

TEST(letters_names_and_the_scenario_come_in_any_order)
{
    struct bench_options options;

    assert_int_equal(
            read_line(&options, "bench -p 7 --json idle --connections 10,20 -h x -q 2"), 0);
    assert_string_equal(options.scenario, "idle");
    assert_string_equal(options.host, "x");
    assert_int_equal(options.port, 7);
    assert_int_equal(options.qos, 2);
    assert_int_equal(options.connections, 10);
    assert_int_equal(options.connections_more, 20);
    assert_true(options.json);
}

TEST(what_makes_no_sense_is_refused_and_changes_nothing)
{
    static const char *const lines[] = {
        "bench p2p --no-such 1",
        "bench p2p -x",
        "bench p2p --qos",
        "bench p2p --qos 3",
        "bench p2p --qos -1",
        "bench p2p --size 15",
        "bench p2p --rate 10 --pace 1000001",
        "bench p2p --size 64k",
        "bench p2p --count 99999999999999999999",
        "bench p2p fan-out",
        "bench idle --connections 5",
        "bench idle --connections 5,5",
        "bench idle --connections 5,x",
        "bench idle --connections ,5",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct bench_options options = { .size = 12345 };

        assert_int_equal(read_line(&options, lines[i]), -EINVAL);
        assert_int_equal(options.size, 12345);
    }
}
