/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <string.h>

enum {
    TOPICS_MAX = 4,    /* for one filter */
    OTHERS_MAX = 1000, /* packets that are looked at on a server that others use */
    TOPIC_SIZE_MAX = 65535,
    TOPIC_REST = TOPIC_SIZE_MAX - CHECK_NAME_SIZE - 1, /* behind '~/' */
    PACKET_REST = 32, /* generous: what a PUBLISH has besides its topic */
};

/* ---- Filters ---- */

struct matching {
    const char *filter;
    const char *topics[TOPICS_MAX]; /* that match */
    const char *others[TOPICS_MAX]; /* that do not */
};

static void expect_matches(struct check *check, const struct matching *rows, size_t count)
{
    struct probe *probe = probe_connected(check, "~a");
    struct probe *publisher = probe_connected(check, "~p");

    for (size_t i = 0; i < count; i++) {
        const struct matching *row = &rows[i];

        probe_subscribes(probe, row->filter, 1);
        for (size_t j = 0; j < TOPICS_MAX && row->others[j]; j++)
            probe_publishes(publisher, 2, row->others[j], "other");
        for (size_t j = 0; j < TOPICS_MAX && row->topics[j]; j++) {
            probe_publishes(publisher, 2, row->topics[j], "x");
            probe_receives(probe, 0x32, row->topics[j], "x");
        }
        probe_send(probe, "A2 RL 0001 00 S'%s'", row->filter);
        probe_expect(probe, "B0 RL 0001 [P] 00");
    }
    probe_expect_nothing(probe);
}

static void a_plus_matches_one_level(struct check *check)
{
    static const struct matching rows[] = {
        { "~/+", { "~/a", "~/" }, { "~", "~/a/b", "~//" } },
        { "~/+/c", { "~/a/c", "~//c" }, { "~/a/b", "~/c", "~/a/c/", "~/a/b/c" } },
        { "~/+/+", { "~/a/b", "~//" }, { "~/a", "~/a/b/c" } },
        { "+/~/b", { "a/~/b", "/~/b" }, { "~/b", "a/~", "a/b/~/b" } },
        { "+/~/#", { "a/~", "/~/b/c" }, { "~/a", "a/b/~" } },
    };

    expect_matches(check, rows, sizeof(rows) / sizeof(rows[0]));
}

static void a_number_sign_matches_all_levels_below(struct check *check)
{
    static const struct matching rows[] = {
        { "~/#", { "~/a", "~/", "~/a/b/c", "~/a//" }, { "x~/a", "~x/a" } },
        { "~/a/b/#", { "~/a/b/c", "~/a/b/" }, { "~/a", "~/a/bc", "~/b/c" } },
    };

    expect_matches(check, rows, sizeof(rows) / sizeof(rows[0]));
}

static void a_number_sign_includes_its_parent(struct check *check)
{
    static const struct matching rows[] = {
        { "~/#", { "~" }, { "x~", "~x" } },
        { "~/a/#", { "~/a", "~/a/b" }, { "~/ab", "~" } },
        { "~/+/#", { "~/a", "~/" }, { "~", "~x/a" } },
    };

    expect_matches(check, rows, sizeof(rows) / sizeof(rows[0]));
}

static void a_number_sign_stands_alone_at_the_end(struct check *check)
{
    check_refuses_filters(check,
            "S'~/a#' 00 | S'~/#a' 00 | S'~/#/a' 00 | S'#/~' 00 | S'~#' 00 | "
            "S'~/##' 00 | S'~/#/' 00 | S'~/+#' 00");
}

static void a_plus_stands_alone_in_its_level(struct check *check)
{
    check_refuses_filters(check,
            "S'~/a+' 00 | S'~/+a' 00 | S'~+' 00 | S'+~' 00 | "
            "S'~/a/b+/c' 00 | S'~/++' 00");
}

static void a_filter_has_a_character(struct check *check)
{
    check_refuses_filters(check, "S'' 00");
}

/* ---- Topics that begin with $ ---- */

/* Whether it is a PUBLISH to such a topic. */
static bool is_reserved(struct bytes packet)
{
    size_t at = 1;

    while (packet.data[at] & 0x80)
        at++;
    return packet.data[0] >> 4 == 3 && packet.data[at + 3] == '$';
}

static void wildcards_first_match_no_reserved_topic(struct check *check)
{
    const char *topic = check_target(check)->status_topic;
    const char *below = strchr(topic, '/');
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    bool answered = false;

    probe_send(a, "82 RL 0001 00 S'%s' 00", topic);
    probe_expect_all(a, "90 RL 0001 [P] 00 | 31 RL S'%s' [P] *", topic);
    probe_send(b, "82 RL 0001 00 S'#' 00 S'+%s' 00", below ? below : "/#");
    for (unsigned i = 0; i < OTHERS_MAX; i++) {
        struct bytes got = answered ? probe_take_any(b) : probe_take(b);

        if (got.size == 0)
            break;
        answered |= got.data[0] == 0x90;
        if (is_reserved(got))
            check_fail(check, "'#' and '+' do not match $ at the beginning of a topic");
    }
    if (!answered)
        check_fail(check, "client 2 gets a SUBACK");
}

static void clients_do_not_talk_over_reserved_topics(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_send(a, "82 RL 0001 00 S'$SYS/~/x' 01");
    probe_expect(a, "90 RL 0001 [P] ..");
    probe_send(b, "32 RL S'$SYS/~/x' 0001 00 'x'");
    probe_take(b);
    probe_expect_nothing(a);
}

/* ---- Characters ---- */

/* Each filter has one topic that differs from it, and only in a way that a server might level. */
static void topics_are_not_normalised(struct check *check)
{
    static const struct {
        const char *filter;
        const char *other;
    } rows[] = {
        { "000B '~/' C3A9", "000C '~/' 65CC81" }, /* e with an acute accent, in one and in two */
        { "000C '~/' E284AB", "000B '~/' C385" }, /* angstrom sign, A with a ring */
        { "000C '~/' EFBC A1", "000A '~/A'" },    /* full width */
        { "000D '~/' EFBBBF 'a'", "000A '~/a'" }, /* byte order mark */
        { "000B '~/' CDB8", "000C '~/' EFBFBD" }, /* no character yet, replacement character */
        { "000A '~/a'", "000A '~/A'" },
        { "000B '~//a'", "000A '~/a'" },
        { "000B '~/a/'", "000A '~/a'" },
        { "000C '~/./a'", "000A '~/a'" },
        { "000B '~/a '", "000A '~/a'" },
    };
    struct probe *publisher = probe_connected(check, "~p");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct probe *probe = probe_connected(check, "~a");

        probe_send(probe, "82 RL 0001 00 %s 00", rows[i].filter);
        probe_expect(probe, "90 RL 0001 [P] 00");
        probe_send(publisher, "32 RL %s 0001 00 'other'", rows[i].other);
        probe_expect_ack(publisher, 0x40, 1, "00 10");
        probe_send(publisher, "32 RL %s 0001 00 'x'", rows[i].filter);
        probe_expect_ack(publisher, 0x40, 1, "00 10");
        probe_expect(probe, "30 RL %s 00 'x'", rows[i].filter);
        probe_disconnects(probe);
    }
}

static void the_longest_topic_is_delivered(struct check *check)
{
    uint32_t packet_max = check_target(check)->packet_max;
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    if (packet_max > 0 && packet_max < TOPIC_SIZE_MAX + PACKET_REST)
        check_skip(check, "the server takes no packet so large");
    probe_send(a, "82 RL 0001 00 FFFF '~/' {%d} 00", TOPIC_REST);
    probe_expect(a, "90 RL 0001 [P] 00");
    probe_send(b, "32 RL FFFF '~/' {%d} 0001 00 'y'", TOPIC_REST);
    probe_expect_ack(b, 0x40, 1, "00 10");
    probe_expect(a, "30 RL FFFF '~/' {%d} 00 'y'", TOPIC_REST);
}

static const struct check_case cases[] = {
    { "MQTT5-4.7.0-1", "a_topic_has_no_wildcard",
            .refused = "30 RL S'~/+' 00 'x' | 30 RL S'~/#' 00 'x' | 30 RL S'~/a+/b' 00 'x' | "
                       "30 RL S'~/#/a' 00 'x' | 30 RL S'+' 00 'x' | 30 RL S'#' 00 'x'",
            .codes = "90 81 82" },
    { "MQTT5-4.7.1-1", CASE(a_number_sign_stands_alone_at_the_end), NEED_WILDCARD },
    { "MQTT5-4.7.1-1", CASE(a_number_sign_matches_all_levels_below), NEED_WILDCARD },
    { "MQTT5-4.7.1-2", CASE(a_plus_stands_alone_in_its_level), NEED_WILDCARD },
    { "MQTT5-4.7.1-2", CASE(a_plus_matches_one_level), NEED_WILDCARD },
    { "U5-4.7.1-1", CASE(a_number_sign_includes_its_parent), NEED_WILDCARD },
    { "MQTT5-4.7.2-1", CASE(wildcards_first_match_no_reserved_topic), NEED_STATUS },
    { "U5-4.7.2-1", CASE(clients_do_not_talk_over_reserved_topics) },
    { "MQTT5-4.7.3-1", CASE(a_filter_has_a_character) },
    { "MQTT5-4.7.3-1", "a_topic_has_a_character", .refused = "30 RL S'' 00 'x'", .codes = "82" },
    { "MQTT5-4.7.3-2", "topics_and_filters_have_no_null_character",
            .refused = "30 RL 000B '~/' 0062 00 'x' | 82 RL 0001 00 000B '~/' 0062 00 | "
                       "A2 RL 0001 00 000B '~/' 0062 | 30 RL 0001 00 00 'x'",
            .codes = "81" },
    { "MQTT5-4.7.3-3", CASE(the_longest_topic_is_delivered) },
    { "MQTT5-4.7.3-4", CASE(topics_are_not_normalised) },
};

const struct check_chapter check_mqtt5_topic = CHAPTER("Topics", MQTT_5_0, cases);
