/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdbool.h>

enum { WORDS = 3 };

struct line {
    const char *words[WORDS];
    const char *text;
    bool flag;
};

static const struct option rows[] = {
    { "text", 't', OPTION_TEXT, offsetof(struct line, text), 0, 0, "text", "a text" },
    { "flag", 'f', OPTION_SWITCH, offsetof(struct line, flag), 0, 0, NULL, "a switch" },
};

static const struct options options = { .command = "test",
    .rows = rows,
    .count = 2,
    .argument = offsetof(struct line, words),
    .argument_max = WORDS,
    .arguments = "a word too many" };

static int read_line(struct line *line, const char *const words[])
{
    char *argv[16] = { NULL };
    int argc = 1;

    *line = (struct line){ 0 };
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return options_read(&options, line, argc, argv);
}

#define READ(line, ...) read_line(line, (const char *[]){ __VA_ARGS__, NULL })

TEST(words_come_in_their_order_among_options)
{
    struct line line;

    assert_int_equal(READ(&line, "a", "-f", "b", "--text", "x", "c"), 0);
    assert_string_equal(line.words[0], "a");
    assert_string_equal(line.words[1], "b");
    assert_string_equal(line.words[2], "c");
    assert_string_equal(line.text, "x");
    assert_true(line.flag);
    assert_int_equal(READ(&line, "a", "b", "c", "d"), -EINVAL);
}

TEST(a_lone_dash_is_a_word)
{
    struct line line;

    assert_int_equal(READ(&line, "-", "-t", "-"), 0);
    assert_string_equal(line.words[0], "-");
    assert_string_equal(line.text, "-");
}

TEST(behind_two_dashes_all_are_words)
{
    struct line line;

    assert_int_equal(READ(&line, "-f", "--", "-t", "--", "--flag"), 0);
    assert_string_equal(line.words[0], "-t");
    assert_string_equal(line.words[1], "--");
    assert_string_equal(line.words[2], "--flag");
    assert_int_equal(READ(&line, "--flog"), -EINVAL);
    assert_int_equal(READ(&line, "--text"), -EINVAL);
}

struct many {
    int64_t level;
    int64_t number;
    bool flag;
    struct option_list list;
};

static const struct option many_rows[] = {
    { "level", 'd', OPTION_COUNT, offsetof(struct many, level), 0, 0, NULL, "one more" },
    { "number", 'n', OPTION_NUMBER, offsetof(struct many, number), -1, 9, "N", "a number" },
    { "flag", 'f', OPTION_SWITCH, offsetof(struct many, flag), 0, 0, NULL, "a switch" },
    { "item", 't', OPTION_LIST, offsetof(struct many, list), 0, 0, "TEXT", "a text" },
};

static const struct options many_options = {
    .command = "test", .rows = many_rows, .count = 4, .wordless = true, .bundles = true
};

static int read_many(struct many *many, const char *const words[])
{
    char *argv[OPTION_LIST_MAX * 2] = { NULL };
    int argc = 1;

    *many = (struct many){ 0 };
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return options_read(&many_options, many, argc, argv);
}

#define READ_MANY(many, ...) read_many(many, (const char *[]){ __VA_ARGS__, NULL })

TEST(options_in_bundles_are_read_as_getopt_does)
{
    struct many many;

    assert_int_equal(READ_MANY(&many, "-ddfn-1", "-d", "-ta", "-t", "b", "--item=c=d", "-t="), 0);
    assert_int_equal(many.level, 3);
    assert_int_equal(many.number, -1);
    assert_true(many.flag);
    assert_int_equal(many.list.count, 4);
    assert_string_equal(many.list.items[0], "a");
    assert_string_equal(many.list.items[1], "b");
    assert_string_equal(many.list.items[2], "c=d");
    assert_string_equal(many.list.items[3], "=");
    assert_int_equal(READ_MANY(&many, "-fn", "7"), 0);
    assert_int_equal(many.number, 7);
}

TEST(bundles_with_what_is_not_known_are_refused)
{
    struct many many;

    assert_int_equal(READ_MANY(&many, "-fx"), -EINVAL);
    assert_int_equal(READ_MANY(&many, "-f-"), -EINVAL);
    assert_int_equal(READ_MANY(&many, "--flag=1"), -EINVAL);
    assert_int_equal(READ_MANY(&many, "--fla"), -EINVAL);
    assert_int_equal(READ_MANY(&many, "--itemize"), -EINVAL);
    assert_int_equal(READ_MANY(&many, "-fn"), -EINVAL);
    assert_int_equal(READ_MANY(&many, "-n10"), -EINVAL);
    assert_int_equal(READ_MANY(&many, "word"), -EINVAL);
}

struct versioned {
    int64_t version;
    const char *word;
};

static int read_version(int64_t *out, const char *text)
{
    static const struct option row = { "version", 'V', OPTION_VERSION,
        offsetof(struct versioned, version), 0, 0, OPTION_VERSIONS, "a version" };
    static const struct options one = {
        .command = "test", .rows = &row, .count = 1, .argument = offsetof(struct versioned, word)
    };
    char *argv[] = { NULL, (char *)(uintptr_t) "-V", (char *)(uintptr_t)text };
    struct versioned versioned = { 0 };
    int result = options_read(&one, &versioned, 3, argv);

    *out = versioned.version;
    return result;
}

TEST(a_version_is_what_mosquittos_tools_take_and_what_commands_once_took)
{
    static const struct {
        const char *text;
        int64_t version;
        bool old;
    } rows_of[] = { { "31", 3, false }, { "mqttv31", 3, false }, { "311", 4, false },
        { "mqttv311", 4, false }, { "5", 5, false }, { "mqttv5", 5, false }, { "3", 3, true },
        { "4", 4, true }, { "3.1", 3, true }, { "3.1.1", 4, true }, { "5.0", 5, true } };
    int64_t version;

    for (size_t i = 0; i < sizeof(rows_of) / sizeof(rows_of[0]); i++) {
        assert_int_equal(read_version(&version, rows_of[i].text), 0);
        assert_int_equal(version, rows_of[i].version);
        version = 0;
        assert_int_equal(option_version(&version, rows_of[i].text), !rows_of[i].old);
        assert_int_equal(version, rows_of[i].old ? 0 : rows_of[i].version);
    }
    assert_int_equal(read_version(&version, "6"), -EINVAL);
    assert_int_equal(read_version(&version, "mqttv3"), -EINVAL);
    assert_int_equal(read_version(&version, ""), -EINVAL);
}

TEST(a_list_has_a_limit)
{
    const char *words[OPTION_LIST_MAX + 2] = { NULL };
    struct many many;

    for (int i = 0; i <= OPTION_LIST_MAX; i++)
        words[i] = "-tx";
    assert_int_equal(read_many(&many, words), -EINVAL);
    words[OPTION_LIST_MAX] = NULL;
    assert_int_equal(read_many(&many, words), 0);
    assert_int_equal(many.list.count, OPTION_LIST_MAX);
}
