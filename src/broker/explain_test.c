/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/explain.h"

#include "broker/auth/fixture.h"
#include "tests/harness/test.h"

enum { DEEP_SIZE = 402 };

struct court {
    struct fixture fixture;
    struct acl_file *acl;
    struct rules rules;
    struct core_settings settings;
    struct listener_settings listener;
};

static void court_open(struct court *court)
{
    court->acl = NULL;
    court->listener = (struct listener_settings){ .number = 0 };
    core_settings_init(&court->settings);
    fixture_start(&court->fixture);
    fixture_add(&court->fixture, "rules", "user ada\ntopic home/#\ntopic deny home/alarm\n");
    assert_int_equal(
            acl_file_read(&court->acl, "rules", &court->fixture.source, &court->fixture.report), 0);
    court->rules = (struct rules){ .acl = court->acl, .check_subscribe = true };
}

static void expect(const struct court *court, const char *action, struct bytes topic, bool allowed,
        const char *because)
{
    struct explain_question question = {
        .user = BYTES("ada"), .client_id = BYTES("c"), .topic = topic
    };
    struct explanation explanation;

    assert_true(explain_action(action, &question.action));
    explain_by_name(&explanation, &court->rules, &court->settings, &court->listener, &question);
    assert_int_equal(explanation.allowed, allowed);
    assert_string_equal(explanation.because, because);
}

TEST(actions_are_read_write_and_subscribe)
{
    enum access_action action = ACCESS_PUBLISH;

    assert_true(explain_action("read", &action));
    assert_int_equal(action, ACCESS_RECEIVE);
    assert_true(explain_action("write", &action));
    assert_int_equal(action, ACCESS_PUBLISH);
    assert_true(explain_action("subscribe", &action));
    assert_int_equal(action, ACCESS_SUBSCRIBE);
    assert_false(explain_action("publish", &action));
    assert_false(explain_action("", &action));
}

TEST(the_rule_that_decides_is_named)
{
    struct court court;

    court_open(&court);
    expect(&court, "read", BYTES("home/x"), true, "rules:2");
    expect(&court, "write", BYTES("home/alarm"), false, "rules:3");
    expect(&court, "subscribe", BYTES("$share/g/home/+"), true, "rules:2");
    expect(&court, "read", BYTES("away"), false, "no rule of rules fits");
    acl_file_free(court.acl);
}

TEST(what_no_rule_can_allow_is_told_first)
{
    struct court court;
    uint8_t deep[DEEP_SIZE];

    court_open(&court);
    memset(deep, '/', sizeof(deep));
    expect(&court, "write", BYTES("$SYS/x"), false, "topics beginning with $ are the server's own");
    expect(&court, "read", BYTES("$SYS/x"), false, "no rule of rules fits");
    expect(&court, "write", BYTES("home/#"), false, "it is no topic name");
    expect(&court, "read", BYTES(""), false, "it is no topic name");
    expect(&court, "subscribe", BYTES("home/#/x"), false, "it is no topic filter");
    expect(&court, "subscribe", BYTES("$share/g"), false, "it is no topic filter");
    expect(&court, "subscribe", BYTES(""), false, "it is no topic filter");
    expect(&court, "write", BYTES("home/\xff"), false, "it is not valid UTF-8");
    expect(&court, "write", bytes_of(deep, sizeof(deep)), false, "topic_levels_max");
    expect(&court, "subscribe", bytes_of(deep, sizeof(deep)), false, "topic_levels_max");
    acl_file_free(court.acl);
}
