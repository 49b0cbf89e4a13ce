/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/command.h"

#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

/* The linker puts __wrap_malloc in the place of malloc, for which __real_malloc then stands. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

struct counter {
    unsigned taken;
    unsigned fail_at; /* the n-th, from 1; 0: none */
};

static struct counter *counter(void)
{
    static struct counter only;

    return &only;
}

void *__wrap_malloc(size_t size)
{
    return ++counter()->taken == counter()->fail_at ? NULL : __real_malloc(size);
}

/* ---- A table ---- */

static json_t *run_echo(void *context, const json_t *request, char *problem)
{
    ++*(unsigned *)context;
    (void)problem;
    return json_pack("{s:s, s:I}", "text", command_string(request, "text"), "number",
            command_number(request, "number", -1));
}

static json_t *run_fail(void *context, const json_t *request, char *problem)
{
    ++*(unsigned *)context;
    (void)request;
    strcpy(problem, "it cannot be done");
    return NULL;
}

static const struct command commands[] = {
    { "echo", run_echo,
            { { "text", JSON_STRING, true }, { "number", JSON_INTEGER, false },
                    { "loud", JSON_TRUE, false } } },
    { "fail", run_fail, { { 0 } } },
};

static void expect_answer_to_bytes(struct bytes request, unsigned runs, const char *expected)
{
    unsigned ran = 0;
    const struct command_table table = { commands, 2, &ran };
    char *answer = command_answer(&table, request);

    assert_non_null(answer);
    assert_string_equal(answer, expected);
    assert_int_equal(ran, runs);
    free(answer);
}

static void expect_answer(const char *request, unsigned runs, const char *expected)
{
    expect_answer_to_bytes(bytes_of_text(request), runs, expected);
}

static void expect_problem(const char *request, const char *part)
{
    unsigned ran = 0;
    const struct command_table table = { commands, 2, &ran };
    char *answer = command_answer(&table, bytes_of_text(request));

    assert_non_null(answer);
    assert_non_null(strstr(answer, "\"ok\":false"));
    if (!strstr(answer, part))
        fail_msg("%s has no %s", answer, part);
    assert_int_equal(ran, 0);
    free(answer);
}

TEST(a_command_gets_its_arguments_and_answers)
{
    expect_answer("{\"command\": \"echo\", \"text\": \"a\\\"\\u00fc\", \"number\": 7}", 1,
            "{\"ok\":true,\"answer\":{\"text\":\"a\\\"\xc3\xbc\",\"number\":7}}\n");
    expect_answer(" {\"text\":\"\",\"command\":\"echo\",\"loud\":false} ", 1,
            "{\"ok\":true,\"answer\":{\"text\":\"\",\"number\":-1}}\n");
}

TEST(a_command_that_fails_says_why)
{
    expect_answer(
            "{\"command\":\"fail\"}", 1, "{\"ok\":false,\"problem\":\"it cannot be done\"}\n");
}

TEST(a_request_that_the_table_does_not_allow_runs_nothing)
{
    expect_problem("", "no JSON object");
    expect_problem("\x80", "no JSON object");
    expect_problem("7", "no JSON object");
    expect_problem("{\"command\":\"echo\"", "no JSON object");
    expect_problem("{\"command\":\"echo\",\"text\":\"a\",\"text\":\"b\"}", "no JSON object");
    expect_problem("[]", "is an object");
    expect_problem("{}", "is an object");
    expect_problem("{\"command\":7}", "is an object");
    expect_problem("{\"command\":\"nothing\"}", "there is no command \\\"nothing\\\"");
    expect_problem("{\"command\":\"echo\"}", "echo needs \\\"text\\\"");
    expect_problem("{\"command\":\"echo\",\"text\":7}", "\\\"text\\\" has to be a text");
    expect_problem("{\"command\":\"echo\",\"text\":null}", "\\\"text\\\" has to be a text");
    expect_problem("{\"command\":\"echo\",\"text\":\"\",\"number\":1.5}",
            "\\\"number\\\" has to be a whole number");
    expect_problem("{\"command\":\"echo\",\"text\":\"\",\"loud\":1}",
            "\\\"loud\\\" has to be true or false");
    expect_problem(
            "{\"command\":\"echo\",\"text\":\"\",\"nubmer\":1}", "echo has no \\\"nubmer\\\"");
}

TEST(deep_and_long_requests_are_refused)
{
    char deep[8192];
    char longer[8192];

    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    expect_problem(deep, "no JSON object");
    strcpy(longer, "{\"command\":\"");
    memset(longer + 12, 'x', 8000);
    strcpy(longer + 8012, "\"}");
    expect_problem(longer, "there is no command");
}

TEST(bytes_that_are_no_text_are_shown_all_the_same)
{
    json_t *text = command_text(BYTES("caf\xc3\xa9"));

    assert_string_equal(json_string_value(text), "caf\xc3\xa9");
    json_decref(text);
    text = command_text(BYTES("caf\xe9\xff"));
    assert_string_equal(json_string_value(text), "caf??");
    json_decref(text);
    text = command_text((struct bytes){ 0 });
    assert_string_equal(json_string_value(text), "");
    json_decref(text);
}

TEST(each_allocation_may_fail)
{
    const struct bytes request = BYTES("{\"command\":\"echo\",\"text\":\"a\",\"number\":1}");
    unsigned ran = 0;
    const struct command_table table = { commands, 2, &ran };
    bool good = false;

    json_set_alloc_funcs(__wrap_malloc, free);
    for (unsigned fail_at = 1; !good; fail_at++) {
        char *answer;

        *counter() = (struct counter){ .fail_at = fail_at };
        answer = command_answer(&table, request);
        good = counter()->taken < fail_at;
        *counter() = (struct counter){ 0 };
        assert_true(!answer || strstr(answer, good ? "\"ok\":true" : "\"ok\":"));
        free(answer);
        assert_true(fail_at < 1000);
    }
    assert_true(ran > 0);
}
