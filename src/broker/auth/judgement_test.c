/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/fixture.h"
#include "broker/auth/judgement.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

static const char lines[] = "user alice\n"
                            "topic read home/#\n"
                            "topic deny home/alarm\n";

struct court {
    struct fixture fixture;
    struct acl_file *acl;
    struct rules rules;
    struct grants *grants;
    bool superuser;
};

static void court_open(struct court *court)
{
    fixture_start(&court->fixture);
    fixture_add(&court->fixture, "rules", lines);
    court->acl = NULL;
    court->grants = NULL;
    court->superuser = false;
    assert_int_equal(
            acl_file_read(&court->acl, "rules", &court->fixture.source, &court->fixture.report), 0);
    court->rules = (struct rules){ .acl = court->acl, .check_subscribe = true };
}

static void court_close(struct court *court)
{
    acl_file_free(court->acl);
}

static void expect(const struct court *court, enum access_action action, const char *topic,
        bool allowed, const char *text)
{
    const struct judged alice = { .user = BYTES("alice"),
        .client_id = BYTES("c"),
        .grants = court->grants,
        .superuser = court->superuser };
    struct judgement judgement = judgement_of(&court->rules, &alice, action, bytes_of_text(topic));
    char shown[JUDGEMENT_TEXT_MAX + 1];

    judgement_text(&judgement, shown);
    assert_int_equal(judgement.allowed, allowed);
    assert_string_equal(shown, text);
}

TEST(the_line_of_the_file_that_decides_is_named)
{
    struct court court;

    court_open(&court);
    expect(&court, ACCESS_RECEIVE, "home/door", true, "rules:2");
    expect(&court, ACCESS_RECEIVE, "home/alarm", false, "rules:3");
    expect(&court, ACCESS_PUBLISH, "home/door", false, "no rule of rules fits");
    expect(&court, ACCESS_SUBSCRIBE, "home/#", true, "rules:2");
    expect(&court, ACCESS_SUBSCRIBE, "$share/g/home/alarm", false, "rules:3");
    court_close(&court);
}

TEST(what_is_not_checked_says_so)
{
    struct court court;

    court_open(&court);
    court.rules.check_subscribe = false;
    expect(&court, ACCESS_SUBSCRIBE, "home/alarm", true,
            "subscriptions are not checked (acl_check_subscribe)");
    court.rules.acl = NULL;
    expect(&court, ACCESS_PUBLISH, "any", true, "there is no acl_file");
    court_close(&court);
}

static void give_grants(struct court *court, const struct memory *memory, const char *text)
{
    json_t *list = json_loads(text, 0, NULL);

    assert_null(grants_read(&court->grants, memory, list));
    json_decref(list);
}

TEST(rights_that_came_with_the_login_come_first)
{
    struct test_memory memory = test_memory_start();
    struct court court;

    court_open(&court);
    give_grants(&court, &memory.memory,
            "[{\"permission\":\"allow\",\"action\":\"all\",\"topic\":\"home/alarm\"},"
            "{\"permission\":\"deny\",\"action\":\"subscribe\",\"topic\":\"home/door\"}]");
    expect(&court, ACCESS_RECEIVE, "home/alarm", true, "rule 1 of those that came with its login");
    expect(&court, ACCESS_SUBSCRIBE, "$share/g/home/door", false,
            "rule 2 of those that came with its login");
    expect(&court, ACCESS_RECEIVE, "home/light", true, "rules:2");
    expect(&court, ACCESS_PUBLISH, "home/light", false, "no rule of rules fits");
    court.rules.acl = NULL;
    expect(&court, ACCESS_RECEIVE, "home/light", false, "no rule fits");
    court.superuser = true;
    expect(&court, ACCESS_SUBSCRIBE, "home/door", true, "it is a superuser (auth_http)");
    grants_free(&memory.memory, court.grants);
    court_close(&court);
    test_memory_end(&memory);
}
