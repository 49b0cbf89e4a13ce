/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/grants.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

static const char *read_text(
        struct grants **out, const struct memory *memory, const char *text, size_t size)
{
    json_t *list = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = grants_read(out, memory, list);

    json_decref(list);
    return fault;
}

/* Rules, for as long as a test asks about them. */
struct court {
    struct test_memory memory;
    struct grants *grants;
};

static void court_open(struct court *court, const char *text)
{
    court->memory = test_memory_start();
    assert_null(read_text(&court->grants, &court->memory.memory, text, strlen(text)));
}

static void court_close(struct court *court)
{
    grants_free(&court->memory.memory, court->grants);
    assert_int_equal(court->memory.state->blocks, 0);
    test_memory_end(&court->memory);
}

/* The number of the rule that allows, negative where it denies, 0 where none fits. */
static int judge(const struct court *court, const char *user, const char *client,
        enum access_action action, const char *topic)
{
    const struct acl_who who = { bytes_of_text(user), bytes_of_text(client) };
    struct grants_decision decision =
            grants_judge(court->grants, &who, action, bytes_of_text(topic));

    return decision.allowed ? (int)decision.number : -(int)decision.number;
}

TEST(the_first_rule_that_fits_decides)
{
    struct court court;

    court_open(&court,
            "[{\"permission\":\"deny\",\"action\":\"publish\",\"topic\":\"a/secret\"},"
            "{\"permission\":\"allow\",\"action\":\"all\",\"topics\":[\"a/#\",\"b/+/c\"]},"
            "{\"action\":\"subscribe\",\"topic\":\"#\",\"permission\":\"deny\"}]");
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "a/secret"), -1);
    assert_int_equal(judge(&court, "u", "c", ACCESS_RECEIVE, "a/secret"), 2);
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "a"), 2);
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "b/x/c"), 2);
    assert_int_equal(judge(&court, "u", "c", ACCESS_SUBSCRIBE, "b/+/c"), 2);
    assert_int_equal(judge(&court, "u", "c", ACCESS_SUBSCRIBE, "b/#"), -3);
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "c"), 0);
    assert_int_equal(judge(&court, "u", "c", ACCESS_RECEIVE, "c"), -3);
    assert_int_equal(judge(&court, "u", "c", ACCESS_RECEIVE, "$SYS/x"), 0);
    court_close(&court);
}

TEST(names_stand_where_the_placeholders_are)
{
    struct court court;

    court_open(&court,
            "[{\"permission\":\"deny\",\"action\":\"all\",\"topic\":\"own/${clientid}/key\"},"
            "{\"permission\":\"allow\",\"action\":\"all\",\"topic\":\"own/${clientid}/#\"},"
            "{\"permission\":\"allow\",\"action\":\"all\",\"topic\":\"of/%u/%c\"}]");
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "own/c/x"), 2);
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "own/c/key"), -1);
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "own/d/x"), 0);
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "of/u/c"), 3);
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "of/c/u"), 0);
    assert_int_equal(judge(&court, "", "c", ACCESS_PUBLISH, "of//c"), 0);
    court_close(&court);
}

TEST(no_name_reaches_what_is_not_its_own)
{
    static const char *const names[] = { "+", "#", "a/b", "a/#", "+/b", "a#", "/" };
    static const char *const topics[] = { "own/a/x", "own/a/b/x", "own/+/x", "own/#", "own/a#/x",
        "own/a/b/#", "own//x", "own//", "own///x" };
    struct court court;

    court_open(&court,
            "[{\"permission\":\"allow\",\"action\":\"all\",\"topic\":\"own/${clientid}/#\"},"
            "{\"permission\":\"allow\",\"action\":\"all\",\"topic\":\"own/${username}/x\"}]");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t j = 0; j < sizeof(topics) / sizeof(topics[0]); j++) {
            assert_int_equal(judge(&court, names[i], names[i], ACCESS_SUBSCRIBE, topics[j]), 0);
            assert_int_equal(judge(&court, names[i], names[i], ACCESS_PUBLISH, topics[j]), 0);
        }
    }
    court_close(&court);
}

/* What denies is not got round by a name that is not put in. */
TEST(what_denies_takes_a_name_as_it_is)
{
    struct court court;

    court_open(&court,
            "[{\"permission\":\"deny\",\"action\":\"all\",\"topic\":\"x/${clientid}/#\"},"
            "{\"permission\":\"allow\",\"action\":\"all\",\"topic\":\"x/#\"}]");
    assert_int_equal(judge(&court, "u", "a/b", ACCESS_PUBLISH, "x/a/b/c"), -1);
    assert_int_equal(judge(&court, "u", "+", ACCESS_PUBLISH, "x/a"), 2);
    assert_int_equal(judge(&court, "u", "+", ACCESS_SUBSCRIBE, "x/+/#"), -1);
    assert_int_equal(judge(&court, "u", "+", ACCESS_SUBSCRIBE, "x/a/#"), 2);
    court_close(&court);
}

TEST(an_exact_topic_is_that_filter_and_what_comes_of_it)
{
    struct court court;

    court_open(&court,
            "[{\"permission\":\"deny\",\"action\":\"all\",\"topic\":\"eq a/#\"},"
            "{\"permission\":\"allow\",\"action\":\"all\",\"topic\":\"eq a/+\"}]");
    assert_int_equal(judge(&court, "u", "c", ACCESS_SUBSCRIBE, "a/#"), -1);
    assert_int_equal(judge(&court, "u", "c", ACCESS_SUBSCRIBE, "a/+"), 2);
    assert_int_equal(judge(&court, "u", "c", ACCESS_SUBSCRIBE, "a/b"), 0);
    assert_int_equal(judge(&court, "u", "c", ACCESS_RECEIVE, "a/b"), 2);
    assert_int_equal(judge(&court, "u", "c", ACCESS_RECEIVE, "a/b/c"), 0);
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "a/b"), 0);
    court_close(&court);
}

TEST(no_rules_allow_nothing)
{
    struct court court;

    court_open(&court, "[]");
    assert_int_equal(judge(&court, "u", "c", ACCESS_PUBLISH, "a"), 0);
    court_close(&court);
}

#define RULE(members) "[{" members "}]"
#define PERMIT "\"permission\":\"allow\","
#define ACTION "\"action\":\"all\","

TEST(what_is_not_understood_gives_no_rights)
{
    static const char *const texts[] = {
        "{}",
        "\"a\"",
        "null",
        "[1]",
        "[[]]",
        RULE(""),
        RULE(PERMIT ACTION "\"topic\":1"),
        RULE(PERMIT ACTION "\"topic\":\"\""),
        RULE(PERMIT ACTION "\"topic\":\"a/#/b\""),
        RULE(PERMIT ACTION "\"topic\":\"eq \""),
        RULE(PERMIT ACTION "\"topic\":\"a${cert_common_name}\""),
        RULE(PERMIT ACTION "\"topic\":\"eq ${peerhost}\""),
        RULE(PERMIT ACTION "\"topic\":\"eq home/${clientid}\""),
        RULE(PERMIT ACTION "\"topic\":\"eq home/${username}\""),
        RULE(PERMIT ACTION "\"topics\":[\"a\",1]"),
        RULE(PERMIT ACTION "\"topics\":{}"),
        RULE(PERMIT ACTION "\"topic\":\"a\",\"topics\":[\"b\"]"),
        RULE(PERMIT ACTION "\"topic\":\"a\",\"qos\":[0]"),
        RULE(PERMIT ACTION "\"topic\":\"a\",\"retain\":true"),
        RULE(PERMIT "\"topic\":\"a\",\"qos\":1"),
        RULE(ACTION "\"topic\":\"a\",\"x\":1"),
        RULE("\"permission\":\"Allow\"," ACTION "\"topic\":\"a\""),
        RULE("\"permission\":true," ACTION "\"topic\":\"a\""),
        RULE(PERMIT "\"action\":\"pubsub\",\"topic\":\"a\""),
        RULE(PERMIT "\"action\":[\"publish\"],\"topic\":\"a\""),
    };
    struct test_memory memory = test_memory_start();

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct grants *grants = NULL;

        if (!read_text(&grants, &memory.memory, texts[i], strlen(texts[i])))
            fail_msg("%s", texts[i]);
        assert_null(grants);
    }
    assert_int_equal(memory.state->blocks, 0);
    test_memory_end(&memory);
}

/* A list of rules of one topic each, the topics so long. */
static char *many_rules(size_t count, size_t topic_size)
{
    char *text = malloc(count * (topic_size + 64) + 3);
    size_t used = 1;

    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)sprintf(text + used, "%s{" PERMIT ACTION "\"topic\":\"", i > 0 ? "," : "");
        memset(text + used, 'a', topic_size);
        used += topic_size;
        used += (size_t)sprintf(text + used, "\"}");
    }
    strcpy(text + used, "]");
    return text;
}

TEST(rights_have_a_limit)
{
    static const struct {
        size_t count;
        size_t topic_size;
        bool good;
    } rows[] = {
        { GRANTS_MAX, 1, true },
        { GRANTS_MAX + 1, 1, false },
        { 1, GRANTS_BYTES_MAX, true },
        { 1, GRANTS_BYTES_MAX + 1, false },
        { 2, GRANTS_BYTES_MAX / 2, true },
        { 2, GRANTS_BYTES_MAX / 2 + 1, false },
    };
    struct test_memory memory = test_memory_start();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = many_rules(rows[i].count, rows[i].topic_size);
        struct grants *grants = NULL;
        const char *fault = read_text(&grants, &memory.memory, text, strlen(text));

        assert_int_equal(!fault, rows[i].good);
        grants_free(&memory.memory, grants);
        free(text);
    }
    test_memory_end(&memory);
}

TEST(without_memory_there_are_none)
{
    struct test_memory memory = test_memory_start();
    struct grants *grants = NULL;

    memory.state->fail_at = 1;
    memory.state->fail_until = 1;
    assert_non_null(read_text(&grants, &memory.memory, "[]", 2));
    assert_null(grants);
    test_memory_end(&memory);
}
