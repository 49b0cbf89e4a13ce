/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/arguments.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/harness/test.h"

enum { WORDS_MAX = 32 };

struct line {
    struct arguments arguments;
    char problem[ARGUMENTS_PROBLEM_MAX + 1];
    int result;
};

/* Reads words that end with NULL, after the program's name. */
static struct line read_words(const char *const words[])
{
    char name[] = "nightjar";
    char *argv[WORDS_MAX] = { name };
    struct line line = { .problem = "" };
    int argc = 1;

    while (words[argc - 1]) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1]; /* only read, as main's are */
        argc++;
    }
    line.result = arguments_read(&line.arguments, argc, argv, line.problem);
    return line;
}

#define LINE(...) read_words((const char *[]){ __VA_ARGS__, NULL })

TEST(no_arguments_run_the_server_with_defaults)
{
    struct line line = read_words((const char *[]){ NULL });

    assert_int_equal(line.result, 0);
    assert_int_equal(line.arguments.action, ARGUMENTS_RUN);
    assert_null(line.arguments.config_file);
    assert_int_equal(line.arguments.port_count, 0);
}

TEST(short_and_long_names_mean_the_same)
{
    struct line brief = LINE("-c", "a.conf", "-d", "-p", "1884", "-q", "-v");
    struct line spelt =
            LINE("--config-file", "a.conf", "--daemon", "--port", "1884", "--quiet", "--verbose");
    const struct line *lines[] = { &brief, &spelt };

    for (size_t i = 0; i < 2; i++) {
        const struct arguments *arguments = &lines[i]->arguments;

        assert_int_equal(lines[i]->result, 0);
        assert_string_equal(arguments->config_file, "a.conf");
        assert_int_equal(arguments->port_count, 1);
        assert_int_equal(arguments->ports[0], 1884);
        assert_true(arguments->daemon && arguments->quiet && arguments->verbose);
    }
}

TEST(ten_ports_are_taken_and_an_eleventh_refused)
{
    struct line ten = LINE("-p", "1", "-p", "2", "-p", "3", "-p", "4", "-p", "5", "-p", "6", "-p",
            "7", "-p", "8", "-p", "9", "-p", "10");
    struct line eleven = LINE("-p", "1", "-p", "2", "-p", "3", "-p", "4", "-p", "5", "-p", "6",
            "-p", "7", "-p", "8", "-p", "9", "-p", "10", "-p", "11");

    assert_int_equal(ten.result, 0);
    assert_int_equal(ten.arguments.port_count, CONFIG_PORTS_MAX);
    assert_int_equal(eleven.result, -EINVAL);
}

TEST(a_port_is_a_number_from_1_to_65535)
{
    assert_int_equal(LINE("-p", "0").result, -EINVAL);
    assert_int_equal(LINE("-p", "65536").result, -EINVAL);
    assert_int_equal(LINE("-p", "18x").result, -EINVAL);
    assert_string_equal(
            LINE("-p", "no").problem, "Error: -p no is not a port; give a number, 1 to 65535.");
}

TEST(a_missing_word_and_an_unknown_option_are_told)
{
    assert_string_equal(
            LINE("-c").problem, "Error: -c argument given, but not followed by a file.");
    assert_string_equal(LINE("-x").problem,
            "Error: Unknown option '-x'; nightjar --help lists those that are known.");
    assert_string_equal(LINE("--test-confg").problem,
            "Error: Unknown option '--test-confg'; did you mean --test-config? nightjar --help "
            "lists those that are known.");
    assert_int_equal(LINE("bench").result, -EINVAL);
}

TEST(help_and_version_win_over_what_follows)
{
    assert_int_equal(LINE("-h", "-x").arguments.action, ARGUMENTS_HELP);
    assert_int_equal(LINE("--version", "-x").arguments.action, ARGUMENTS_VERSION);
    assert_int_equal(LINE("--test-config", "-c", "f").arguments.action, ARGUMENTS_TEST_CONFIG);
}

TEST(tls_keylog_is_refused_while_there_is_no_tls)
{
    assert_int_equal(LINE("--tls-keylog", "keys").result, -EINVAL);
}

TEST(the_request_is_what_the_arguments_say)
{
    struct line line = LINE("-c", "f", "-p", "1884", "-v");
    struct config_request request = arguments_request(&line.arguments);

    assert_string_equal(request.file, "f");
    assert_int_equal(request.port_count, 1);
    assert_int_equal(request.ports[0], 1884);
    assert_true(request.verbose);
    assert_false(request.quiet);
}

TEST(help_names_every_option_and_bench)
{
    static const char *const words[] = { "-c", "--config-file", "-d", "--daemon", "-h", "--help",
        "-p", "--port", "-q", "--quiet", "-v", "--verbose", "--test-config", "--tls-keylog",
        "--version", "nightjar bench" };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    arguments_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_non_null(strstr(text, words[i]));
    free(text);
}

TEST(explain_takes_four_words_and_a_port)
{
    struct line line =
            LINE("--explain", "ada", "cam-1", "write", "a/b", "--listener", "8883", "-c", "f");
    const struct arguments_explain *explain = &line.arguments.explain;

    assert_int_equal(line.result, 0);
    assert_int_equal(line.arguments.action, ARGUMENTS_EXPLAIN);
    assert_string_equal(explain->user, "ada");
    assert_string_equal(explain->client, "cam-1");
    assert_string_equal(explain->action, "write");
    assert_string_equal(explain->topic, "a/b");
    assert_int_equal(explain->port, 8883);
    assert_string_equal(line.arguments.config_file, "f");
    assert_int_equal(LINE("--explain", "ada", "cam-1", "write").result, -EINVAL);
    line = LINE("--explain", "ada", "cam-1", "publish", "a/b");
    assert_int_equal(line.result, -EINVAL);
    assert_non_null(strstr(line.problem, "read, write or subscribe"));
    assert_int_equal(LINE("--listener", "0").result, -EINVAL);
}

TEST(diff_takes_a_file)
{
    struct line line = LINE("--diff", "other", "-c", "one");

    assert_int_equal(line.result, 0);
    assert_int_equal(line.arguments.action, ARGUMENTS_DIFF);
    assert_string_equal(line.arguments.other_file, "other");
    assert_string_equal(line.arguments.config_file, "one");
    assert_int_equal(LINE("--diff").result, -EINVAL);
}
