/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/acl_file.h"
#include "broker/auth/fixture.h"
#include "tests/harness/test.h"

#include <errno.h>

static struct fixture fixture;

static struct acl_file *read_rules(const char *text)
{
    struct acl_file *file = NULL;

    fixture_start(&fixture);
    fixture_add(&fixture, "acl", text);
    if (acl_file_read(&file, "acl", &fixture.source, &fixture.report) != 0)
        fail_msg("told: %s", fixture.told);
    return file;
}

static void refuse(const char *text, const char *told)
{
    struct acl_file *file = NULL;

    fixture_start(&fixture);
    fixture_add(&fixture, "acl", text);
    assert_int_equal(acl_file_read(&file, "acl", &fixture.source, &fixture.report), -EINVAL);
    assert_null(file);
    if (!fixture_told(&fixture, told))
        fail_msg("told: %s", fixture.told);
}

struct row {
    const char *user; /* "": none */
    const char *client_id;
    const char *topic;
    const char *allowed; /* "rw", "r", "w" or "" */
    unsigned line;       /* that decides about reading; 0: none does, or it is not looked at */
};

static void judge(const struct acl_file *file, const struct row *row)
{
    const struct acl_who who = { bytes_of_text(row->user), bytes_of_text(row->client_id) };
    struct bytes topic = bytes_of_text(row->topic);
    struct acl_decision reads = acl_file_judge(file, &who, ACL_READ, topic);
    struct acl_decision writes = acl_file_judge(file, &who, ACL_WRITE, topic);

    if (reads.allowed != (strchr(row->allowed, 'r') != NULL) ||
            writes.allowed != (strchr(row->allowed, 'w') != NULL) ||
            (row->line > 0 && reads.line != row->line))
        fail_msg("user '%s' client '%s' topic '%s': read %d by line %u, write %d by line %u",
                row->user, row->client_id, row->topic, reads.allowed, reads.line, writes.allowed,
                writes.line);
}

#define JUDGE_ALL(file, rows)                                                                      \
    for (size_t i_ = 0; i_ < sizeof(rows) / sizeof((rows)[0]); i_++)                               \
    judge((file), &(rows)[i_])

TEST(each_form_of_a_rule_says_what_it_says)
{
    static const struct row rows[] = {
        { "", "c", "plain", "rw", 2 },
        { "", "c", "in", "r", 3 },
        { "", "c", "out", "w", 0 },
        { "", "c", "both", "rw", 5 },
        { "", "c", "read", "rw", 6 },
        { "", "c", "with blanks in it", "r", 7 },
        { "", "c", "indented", "rw", 9 },
        { "", "c", "tabs", "w", 0 },
        { "", "c", "windows", "rw", 11 },
        { "", "c", "nothing", "", 0 },
        { "", "c", "plain/", "", 0 },
        { "", "c", "Plain", "", 0 },
    };
    struct acl_file *file = read_rules("# comment\n"
                                       "topic plain\n"
                                       "topic read in\n"
                                       "topic write out\n"
                                       "topic readwrite both\n"
                                       "topic read\n"
                                       "topic read with blanks in it\n"
                                       "   # an indented comment\n"
                                       "  topic indented  \n"
                                       "topic\twrite\ttabs\n"
                                       "topic windows\r\n"
                                       "\n   \n");

    assert_int_equal(fixture.report.warnings, 0);
    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(rules_before_any_user_are_for_clients_without_a_name)
{
    static const struct row rows[] = {
        { "", "c", "open", "rw", 1 },
        { "alice", "c", "open", "", 0 },
        { "", "c", "hers", "", 0 },
        { "alice", "c", "hers", "rw", 3 },
        { "alice", "c", "hers/too", "rw", 7 },
        { "bob", "c", "hers", "", 0 },
        { "bob", "c", "his", "r", 5 },
        { "alic", "c", "hers", "", 0 },
        { "alicea", "c", "hers", "", 0 },
        { "two words", "c", "theirs", "rw", 9 },
        { "stranger", "c", "open", "", 0 },
    };
    struct acl_file *file = read_rules("topic open\nuser alice\ntopic hers\nuser bob\n"
                                       "topic read his\nuser alice\ntopic hers/too\n"
                                       "user  two words \ntopic theirs\n");

    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(wildcards_reach_as_far_as_in_subscriptions)
{
    static const struct row rows[] = {
        { "", "c", "a", "r", 1 },
        { "", "c", "a/", "r", 1 },
        { "", "c", "a/b/c", "r", 1 },
        { "", "c", "ab", "", 0 },
        { "", "c", "b/x/c", "w", 0 },
        { "", "c", "b//c", "w", 0 },
        { "", "c", "b/x/y/c", "", 0 },
        { "", "c", "d/x", "rw", 3 },
        { "", "c", "d/", "rw", 3 },
        { "", "c", "d", "", 0 },
        { "", "c", "/e", "rw", 4 },
        { "", "c", "x/e", "rw", 4 },
    };
    struct acl_file *file = read_rules("topic read a/#\ntopic write b/+/c\ntopic d/+\ntopic +/e\n");

    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(what_denies_comes_before_what_allows_in_any_order)
{
    static const struct row rows[] = {
        { "u", "c", "a/b", "rw", 2 },
        { "u", "c", "a/secret", "", 3 },
        { "u", "c", "a/secret/x", "rw", 2 },
        { "u", "c", "p/c/x", "rw", 5 },
        { "u", "c", "p/c/deep", "", 6 },
        /* The user's own rules come before the patterns, whatever those deny. */
        { "u", "c", "a/deep", "rw", 2 },
    };
    struct acl_file *file = read_rules(
            "user u\ntopic a/#\ntopic deny a/secret\n"
            "topic deny z\npattern p/%c/#\npattern deny +/%c/deep\npattern deny a/deep\n");

    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(a_dollar_topic_fits_only_rules_that_begin_so)
{
    static const struct row rows[] = {
        { "", "c", "$SYS/broker/uptime", "r", 2 },
        { "", "c", "$other", "", 0 },
        { "", "c", "x/$SYS", "rw", 1 },
        { "u", "$SYS", "$SYS/broker/version", "", 0 },
        { "$SYS", "c", "$SYS/broker/version", "", 0 },
        { "u", "$SYS", "x/$SYS", "rw", 0 },
    };
    struct acl_file *file = read_rules(
            "topic #\ntopic read $SYS/broker/#\npattern %c/#\npattern %u/#\npattern +/%c\n");

    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(patterns_hold_for_everybody_with_his_own_names)
{
    static const struct row rows[] = {
        { "u", "c", "id/c/x", "w", 0 },
        { "u", "c", "id/d/x", "", 0 },
        { "u", "c", "user/u", "r", 2 },
        { "", "c", "user/", "", 0 },
        { "", "c", "user/%u", "", 0 },
        { "u", "c", "u/is/c", "rw", 3 },
        { "u", "c", "c/is/u", "", 0 },
        { "u", "c", "pre-c-post", "rw", 4 },
        { "u", "c", "c-c", "rw", 5 },
        { "u", "c", "c-d", "", 0 },
        { "u", "c", "100%/x", "rw", 6 },
        { "%c", "victim", "user/victim", "", 0 },
        { "%c", "victim", "user/%c", "r", 2 },
        { "u", "", "id//x", "w", 0 },
    };
    struct acl_file *file = read_rules("pattern write id/%c/#\npattern read user/%u\n"
                                       "pattern %u/is/%c\npattern pre-%c-post\npattern %c-%c\n"
                                       "pattern 100%/x\n");

    assert_int_equal(fixture.report.warnings, 1);
    assert_true(fixture_told(&fixture, "warning: acl:6: the pattern has neither %c nor %u"));
    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(no_name_makes_a_pattern_wider)
{
    static const struct row rows[] = {
        { "u", "+", "dev/other/x", "", 0 },
        { "u", "#", "dev/other/x", "", 0 },
        { "u", "+", "dev/+/x", "", 0 },
        { "+", "c", "dev/c/x", "", 0 },
        { "a#b", "c", "dev/c/x", "", 0 },
        /* Rules of the name itself are no patterns. */
        { "+", "c", "mine", "rw", 5 },
        /* A '/' would reach into the topics of another name. */
        { "u", "other/x", "dev/other/x/y", "", 0 },
        { "u/v", "c", "user/u/v", "", 0 },
        { "u/v", "c", "dev/c/x", "rw", 1 },
        /* What denies is not got around by it. */
        { "u", "a/b", "all/x", "rw", 0 },
        { "u", "a/b", "all/a/b", "", 3 },
        { "u", "/", "all/x", "rw", 0 },
    };
    struct acl_file *file =
            read_rules("pattern dev/%c/#\npattern user/%u\npattern deny all/%c\nuser +\n"
                       "topic mine\npattern all/#\n");

    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(a_filter_is_allowed_where_a_rule_allows_all_of_it)
{
    static const struct row rows[] = {
        { "", "c", "a/#", "r", 1 },
        { "", "c", "a", "r", 1 },
        { "", "c", "a/+", "r", 1 },
        { "", "c", "a/+/#", "r", 1 },
        { "", "c", "a/secret/#", "", 2 },
        { "", "c", "a/secret/x", "", 2 },
        { "", "c", "#", "", 0 },
        { "", "c", "+/b", "", 0 },
        { "", "c", "b/+", "r", 3 },
        { "", "c", "b/x", "r", 3 },
        { "", "c", "b/#", "", 0 },
        { "", "c", "b/+/#", "", 0 },
        { "", "c", "b/+/c", "", 0 },
        { "", "c", "p/+", "", 0 },
        { "", "c", "p/c", "r", 4 },
        { "", "c", "$SYS/#", "", 0 },
    };
    struct acl_file *file = read_rules("topic read a/#\ntopic deny a/secret/#\ntopic read b/+\n"
                                       "pattern read p/%c\n");

    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(a_file_without_rules_allows_nothing)
{
    static const struct row rows[] = { { "", "c", "a", "", 0 }, { "u", "c", "a", "", 0 } };
    struct acl_file *file = read_rules("");

    JUDGE_ALL(file, rows);
    acl_file_free(file);
}

TEST(lines_that_are_no_rule_are_told_with_their_place)
{
    refuse("topic\n", "error: acl:1: no topic filter; add one");
    refuse("topic a\npattern  \n", "error: acl:2: no topic filter; add one");
    refuse("topic wrote a\n", "error: acl:1: \"wrote\" is not read, write, readwrite or deny");
    refuse("topic a#\n", "error: acl:1: \"a#\" is not a topic filter");
    refuse("topic read a/#/b\n", "error: acl:1: \"a/#/b\" is not a topic filter");
    refuse("topic read a+\n", "error: acl:1: \"a+\" is not a topic filter");
    refuse("topic read \xff\n", "is not a topic filter");
    refuse("user\n", "error: acl:1: no user name; add one");
    refuse("Topic a\n", "error: acl:1: \"Topic\" is not user, topic or pattern");
    refuse("users a\n", "error: acl:1: \"users\" is not user, topic or pattern");
    refuse("topic a#\ntopic b#\n", "error: acl:2: \"b#\" is not a topic filter");
}

TEST(a_file_that_is_not_there_is_told)
{
    struct acl_file *file = NULL;

    fixture_start(&fixture);
    assert_int_equal(acl_file_read(&file, "none", &fixture.source, &fixture.report), -EINVAL);
    assert_true(fixture_told(&fixture, "error: none: cannot be read: No such file or directory"));
}
