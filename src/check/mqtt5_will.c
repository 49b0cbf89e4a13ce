/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

/* A client with a will to ~/w: these flags besides Clean Start and Will Flag, and these properties
 * of the CONNECT and of the will. */
static struct probe *mortal(
        struct check *check, unsigned flags, const char *properties, const char *will_properties)
{
    return probe_connects(check, "%02x 0000 %s S'~mortal' %s S'~/w' S'bye'", flags | 6, properties,
            will_properties);
}

/* The same client once more, without a will, in the session that it left. */
static struct probe *reborn(struct check *check)
{
    return probe_connects(check, "00 0000 (11 0000003C) S'~mortal'");
}

static struct probe *watcher(struct check *check, const char *id)
{
    struct probe *probe = probe_connected(check, id);

    probe_subscribes(probe, "~/w", 0);
    return probe;
}

static void expect_will(struct probe *probe)
{
    probe_expect(probe, "30 RL S'~/w' 00 'bye'");
}

/* ---- When it is published ---- */

static void a_lost_connection_leaves_its_will(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "00", "00"));
    expect_will(all);
}

/* Its session goes on for long, so that it is not the session's end that brings the will. */
static void a_will_without_delay_is_published_at_once(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "(11 0000003C)", "00"));
    expect_will(all);
}

static void a_will_is_published_after_its_delay(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "(11 0000003C)", "(18 00000002)"));
    check_wait(check, 500);
    probe_expect_nothing(all);
    check_wait(check, 2000);
    expect_will(all);
}

static void the_end_of_a_session_publishes_its_will(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "(11 00000002)", "(18 0000003C)"));
    check_wait(check, 500);
    probe_expect_nothing(all);
    check_wait(check, 2000);
    expect_will(all);
}

/* The session ends with its connection, and nothing delays the will beyond that. */
static void a_will_without_a_session_is_not_delayed(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "00", "(18 0000003C)"));
    expect_will(all);
}

static void a_clean_start_publishes_the_delayed_will(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "(11 0000003C)", "(18 0000003C)"));
    probe_connected(check, "~mortal");
    expect_will(all);
}

static void an_error_of_the_client_leaves_its_will(struct check *check)
{
    static const char *const errors[] = { "36 RL S'~/t' 0001 00 'x'", "82 02 0001",
        "10 RL S'MQTT' 05 02 0000 00 S'~mortal'" };
    struct probe *all = watcher(check, "~watcher");

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct probe *probe = mortal(check, 0, "00", "00");

        probe_send(probe, "%s", errors[i]);
        probe_expect_end(probe, "81 82");
        expect_will(all);
    }
}

/* ---- When it is not ---- */

static void coming_back_in_time_cancels_the_will(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");
    struct probe *probe;

    probe_cut(mortal(check, 0, "(11 0000003C)", "(18 00000002)"));
    probe = reborn(check);
    check_wait(check, 3000);
    probe_expect_nothing(all);
    probe_expect_nothing(probe);
}

/* The third connection sees to it that the server has noticed the end of the second. */
static void a_will_is_published_only_once(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "(11 0000003C)", "00"));
    expect_will(all);
    probe_cut(reborn(check));
    reborn(check);
    probe_expect_nothing(all);
}

static void a_discarded_will_does_not_come_back(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_disconnects(mortal(check, 0, "(11 0000003C)", "00"));
    probe_cut(reborn(check));
    reborn(check);
    probe_expect_nothing(all);
}

/*
 * A connection takes over from one with a will, whose session would go on for a minute. Only where
 * the new one goes on with the session, within the delay, the will is not sent.
 */
static void a_take_over_decides_about_the_will(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    for (unsigned row = 0; row < 4; row++) {
        bool delayed = row & 1;
        bool clean = row & 2;
        struct probe *first = mortal(check, 0, "(11 0000003C)", delayed ? "(18 00000005)" : "00");
        struct probe *second = probe_connects(check, "%02x 0000 00 S'~mortal'", clean ? 2u : 0u);

        probe_expect_end(first, "8E");
        if (delayed && !clean)
            probe_expect_nothing(all);
        else
            expect_will(all);
        probe_disconnects(second);
    }
}

/* ---- How it is published ---- */

static void a_will_is_not_retained_unasked(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "00", "00"));
    expect_will(all);
    watcher(check, "~later");
    probes_expect_nothing(check);
}

static void a_will_is_retained_where_asked_for(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0x20, "00", "00"));
    expect_will(all);
    probe_expect(watcher(check, "~later"), "31 RL S'~/w' 00 'bye'");
}

static void user_properties_of_a_will_keep_their_order(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "00", "(26 S'k' S'1' 26 S'k' S'2' 26 S'a' S'3' 26 S'k' S'1')"));
    probe_expect(all, "30 RL S'~/w' (26 S'k' S'1' 26 S'k' S'2' 26 S'a' S'3' 26 S'k' S'1') 'bye'");
}

/* It has five seconds to live, of which the delay takes none. */
static void a_will_expires_from_its_publication_on(struct check *check)
{
    struct probe *all = watcher(check, "~watcher");

    probe_cut(mortal(check, 0, "(11 0000003C)", "(18 00000002 02 00000005)"));
    check_wait(check, 2500);
    probe_expect(all, "30 RL S'~/w' (02 000000<04 05>) 'bye'");
}

static const struct check_case cases[] = {
    { "MQTT5-3.1.2-7", CASE(a_lost_connection_leaves_its_will) },
    { "U5-3.1.3.2.2-1", CASE(a_will_without_delay_is_published_at_once) },
    { "MQTT5-3.1.2-8", CASE(a_will_is_published_after_its_delay) },
    { "MQTT5-3.1.2-8", CASE(the_end_of_a_session_publishes_its_will) },
    { "MQTT5-3.1.2-8 U5-3.1.3.2.2-1", CASE(a_will_without_a_session_is_not_delayed) },
    { "MQTT5-3.1.2-8", CASE(a_clean_start_publishes_the_delayed_will) },
    { "MQTT5-3.1.2-8", CASE(an_error_of_the_client_leaves_its_will) },
    { "MQTT5-3.1.2-8 MQTT5-3.1.3-9", CASE(coming_back_in_time_cancels_the_will) },
    { "MQTT5-3.1.2-10", CASE(a_will_is_published_only_once) },
    { "MQTT5-3.1.2-10", CASE(a_discarded_will_does_not_come_back) },
    { "U5-3.1.4-2", CASE(a_take_over_decides_about_the_will) },
    { "MQTT5-3.1.2-14", CASE(a_will_is_not_retained_unasked) },
    { "MQTT5-3.1.2-15", CASE(a_will_is_retained_where_asked_for), NEED_RETAIN },
    { "MQTT5-3.1.3-10", CASE(user_properties_of_a_will_keep_their_order) },
    { "U5-3.1.3.2.4-1", CASE(a_will_expires_from_its_publication_on) },
};

const struct check_chapter check_mqtt5_will = CHAPTER("The Will", MQTT_5_0, cases);
