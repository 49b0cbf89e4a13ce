/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/mqtt3.h"
#include "check/probe.h"

#include <stddef.h>

/* ---- Sessions ---- */

/* Leaves a session at the server, with a subscription to ~/a. */
static void leave_session(struct check *check, const char *id, uint8_t qos)
{
    struct probe *a = probe_resumed(check, id, false);

    probe_subscribes(a, "~/a", qos);
    probe_disconnects(a);
}

static void messages_of_qos_1_and_2_wait_in_the_session(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a;

    leave_session(check, "~a", 2);
    probe_publishes(b, 2, "~/a", "one");
    probe_publishes(b, 4, "~/a", "two");
    a = probe_resumed(check, "~a", true);
    probe_expect_all(a, "32 RL S'~/a' id1 'one' | 34 RL S'~/a' id2 'two'");
}

static void a_clean_session_wipes_what_was_kept(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a;

    leave_session(check, "~a", 1);
    probe_publishes(b, 2, "~/a", "kept");
    a = probe_connected(check, "~a");
    if (probe_present(a))
        check_fail(check, "Session Present is 0");
    probe_publishes(b, 2, "~/a", "x");
    probe_expect_nothing(a);
    probe_disconnects(a);
    a = probe_resumed(check, "~a", false);
    probe_publishes(b, 2, "~/a", "x");
    probe_expect_nothing(a);
}

static void the_id_names_the_session(struct check *check)
{
    struct probe *c = probe_connected(check, "~c");
    struct probe *a;
    struct probe *b;

    leave_session(check, "~a", 1);
    b = probe_resumed(check, "~b", false);
    probe_subscribes(b, "~/b", 1);
    probe_publishes(c, 2, "~/a", "x");
    a = probe_resumed(check, "~a", true);
    probe_receives(a, 0x32, "~/a", "x");
    probe_disconnects(b);
    probe_disconnects(a);
    b = probe_resumed(check, "~b", true);
    probe_publishes(c, 2, "~/a", "x");
    probe_expect_nothing(b);
}

static void clean_session_decides_what_a_connect_finds(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a;

    leave_session(check, "~a", 1);
    leave_session(check, "~c", 1);
    probe_publishes(b, 2, "~/a", "x");
    a = probe_resumed(check, "~a", true);
    probe_receives(a, 0x32, "~/a", "x");
    probe_expect(probe_tries(check, "02 0000 S'~c'"), "20 02 00 00");
    probes_expect_nothing(check);
}

/* What was sent and not acknowledged, what was subscribed to, and what waits. */
static void a_session_keeps_all_of_its_state(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *reader = probe_connected(check, "~r");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    probe_subscribes(reader, "~/b", 0);
    probe_publishes(publisher, 2, "~/a", "open");
    probe_expect(a, "32 RL S'~/a' id1 'open'");
    probe_send(a, "34 RL S'~/b' 0007 'once'");
    probe_expect(a, "50 02 0007");
    probe_cut(a);
    probe_publishes(publisher, 2, "~/a", "queued");
    a = probe_resumed(check, "~a", true);
    probe_expect(a, "<32 3A> RL S'~/a' id1 'open' | <32 3A> RL S'~/a' id2 'queued'");
    probe_send(a, "3C RL S'~/b' 0007 'once'");
    probe_expect(a, "50 02 0007");
    probe_send(a, "62 02 0007");
    probe_expect(a, "70 02 0007");
    probe_receives(reader, 0x30, "~/b", "once");
    probe_publishes(publisher, 2, "~/a", "live");
    probe_expect(a, "32 RL S'~/a' id3 'live'");
    probes_expect_nothing(check);
}

static void a_session_lasts_as_long_as_its_connection(struct check *check)
{
    struct probe *publisher = probe_connected(check, "~p");
    struct probe *clean = probe_connected(check, "~a");
    struct probe *kept = probe_resumed(check, "~b", false);

    probe_subscribes(clean, "~/a", 1);
    probe_subscribes(kept, "~/a", 1);
    check_wait(check, 2000);
    probe_publishes(publisher, 2, "~/a", "x");
    probe_receives(clean, 0x32, "~/a", "x");
    probe_receives(kept, 0x32, "~/a", "x");
}

/* ---- The Will ---- */

/* Connects ~a with a Will for ~/w, and ~watcher, who subscribes to it. */
struct will {
    struct probe *owner;
    struct probe *watcher;
};

static struct will connect_with_will(struct check *check)
{
    struct will will = { .watcher = probe_connected(check, "~watcher") };

    probe_subscribes(will.watcher, "~/w", 2);
    will.owner = probe_connects(check, "06 0000 S'~a' S'~/w' S'bye'");
    return will;
}

static void a_will_is_published_when_the_connection_breaks(struct check *check)
{
    struct will will = connect_with_will(check);

    probe_cut(will.owner);
    probe_receives(will.watcher, 0x30, "~/w", "bye");
}

static void a_will_is_published_after_a_protocol_error(struct check *check)
{
    struct will will = connect_with_will(check);

    probe_send(will.owner, "F0 00");
    probe_expect_closed(will.owner);
    probe_receives(will.watcher, 0x30, "~/w", "bye");
}

static void a_will_is_published_after_a_second_connect(struct check *check)
{
    struct will will = connect_with_will(check);

    probe_send(will.owner, "10 RL S'MQTT' 04 02 0000 S'~a'");
    probe_expect_closed(will.owner);
    probe_receives(will.watcher, 0x30, "~/w", "bye");
}

static void a_will_is_published_at_a_take_over(struct check *check)
{
    struct will will = connect_with_will(check);

    probe_connected(check, "~a");
    probe_receives(will.watcher, 0x30, "~/w", "bye");
}

static void a_will_has_the_qos_and_retain_of_its_flags(struct check *check)
{
    static const struct {
        const char *topic;
        uint8_t flags; /* of CONNECT */
        uint8_t first; /* of the PUBLISH that a new subscriber gets */
    } rows[] = { { "~/1", 0x2E, 0x33 }, { "~/2", 0x36, 0x35 } };
    struct probe *watcher = probe_connected(check, "~watcher");
    struct probe *late = probe_connected(check, "~late");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        probe_subscribes(watcher, rows[i].topic, 2);
        probe_cut(probe_connects(
                check, "%02x 0000 S'~a' S'%s' S'bye'", (unsigned)rows[i].flags, rows[i].topic));
        probe_receives(watcher, rows[i].first & 0xFE, rows[i].topic, "bye");
        probe_send(late, "82 RL 0001 S'%s' 02", rows[i].topic);
        probe_expect_all(late, "90 03 0001 02 | %02x RL S'%s' id 'bye'", (unsigned)rows[i].first,
                rows[i].topic);
    }
}

static void a_will_is_published_once(struct check *check)
{
    struct will will = connect_with_will(check);

    probe_cut(will.owner);
    probe_receives(will.watcher, 0x30, "~/w", "bye");
    probe_cut(probe_connected(check, "~a"));
    probe_connected(check, "~a");
    probe_expect_nothing(will.watcher);
}

static void without_a_will_nothing_is_published(struct check *check)
{
    struct probe *watcher = probe_connected(check, "~watcher");

    probe_subscribes(watcher, "~/#", 0);
    probe_cut(probe_connected(check, "~a"));
    probe_cut(probe_resumed(check, "~b", false));
    /* They are known to be gone when others have taken their places. */
    probe_connected(check, "~a");
    probe_connected(check, "~b");
    probe_expect_nothing(watcher);
}

/* Publishes a Will with this flag of CONNECT, and has someone subscribe to it only then. */
static struct probe *subscribe_after_will(struct check *check, uint8_t retain)
{
    struct probe *watcher = probe_connected(check, "~watcher");
    struct probe *late = probe_connected(check, "~late");

    probe_subscribes(watcher, "~/w", 0);
    probe_cut(probe_connects(check, "%02x 0000 S'~a' S'~/w' S'bye'", 0x0Eu | retain));
    probe_receives(watcher, 0x30, "~/w", "bye");
    probe_send(late, "82 RL 0001 S'~/w' 01");
    return late;
}

static void a_will_without_retain_is_not_retained(struct check *check)
{
    struct probe *late = subscribe_after_will(check, 0);

    probe_expect(late, "90 03 0001 01");
    probe_expect_nothing(late);
}

static void a_will_with_retain_is_retained(struct check *check)
{
    struct probe *late = subscribe_after_will(check, 0x20);

    probe_expect_all(late, "90 03 0001 01 | 33 RL S'~/w' id 'bye'");
}

/* ---- Keep Alive ---- */

static void a_ping_is_answered(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "C0 00 | C0 00");
    probe_expect(a, "D0 00 | D0 00");
    probe_expect_nothing(a);
}

/* ---- The end ---- */

static void flags_of_disconnect_are_checked(struct check *check)
{
    static const char *const packets[] = { "E1 00", "E2 00", "E4 00", "E8 00" };

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct will will = connect_with_will(check);

        probe_send(will.owner, "%s", packets[i]);
        probe_expect_closed(will.owner);
        probe_receives(will.watcher, 0x30, "~/w", "bye");
        probe_disconnects(will.watcher);
    }
}

static void the_server_closes_after_a_disconnect(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "E0 00");
    probe_expect_closed(a);
}

static void what_follows_a_disconnect_is_ignored(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(b, "~/#", 0);
    probe_send(a, "E0 00 | 30 RL S'~/a' 'x' | C0 00");
    probe_expect_closed(a);
    probe_expect_nothing(b);
}

static const struct check_case cases[] = {
    { "MQTT311-3.1.2-4", "a_session_is_continued_with_its_subscriptions",
            mqtt3_session_is_continued },
    { "MQTT311-3.1.2-5", CASE(messages_of_qos_1_and_2_wait_in_the_session) },
    { "MQTT311-3.1.2-6", CASE(a_clean_session_wipes_what_was_kept) },
    { "MQTT311-3.1.2-6", "a_clean_session_ends_with_its_connection", mqtt3_clean_session_ends },
    { "MQTT311-3.1.3-2", CASE(the_id_names_the_session) },
    { "MQTT311-3.1.4-2", "the_older_connection_of_an_id_is_ended",
            mqtt3_older_connection_is_ended },
    { "MQTT311-3.1.4-3", CASE(clean_session_decides_what_a_connect_finds) },
    { "MQTT311-4.1.0-1", CASE(a_session_keeps_all_of_its_state) },
    { "MQTT311-4.1.0-2", CASE(a_session_lasts_as_long_as_its_connection) },
    { "MQTT311-3.1.2-8", CASE(a_will_is_published_when_the_connection_breaks) },
    { "MQTT311-3.1.2-8", CASE(a_will_is_published_after_a_protocol_error) },
    { "MQTT311-3.1.2-8", CASE(a_will_is_published_after_a_second_connect) },
    { "MQTT311-3.1.2-8", CASE(a_will_is_published_at_a_take_over) },
    { "MQTT311-3.1.2-9", CASE(a_will_has_the_qos_and_retain_of_its_flags) },
    { "MQTT311-3.1.2-10", CASE(a_will_is_published_once) },
    { "MQTT311-3.1.2-12", CASE(without_a_will_nothing_is_published) },
    { "MQTT311-3.1.2-16", CASE(a_will_without_retain_is_not_retained) },
    { "MQTT311-3.1.2-17", CASE(a_will_with_retain_is_retained) },
    /* What becomes of a client that breaks its promise is how a server shows that it was one. */
    { "MQTT311-3.1.2-23 MQTT311-3.1.2-24", "silence_of_one_and_a_half_keep_alive_is_the_end",
            mqtt3_silence_is_the_end },
    { "MQTT311-3.1.2-24", "a_keep_alive_of_0_allows_silence", mqtt3_silence_is_allowed },
    { "MQTT311-3.12.4-1", CASE(a_ping_is_answered) },
    { "MQTT311-3.14.1-1", CASE(flags_of_disconnect_are_checked) },
    { "MQTT311-3.14.4-1 U311-3.14.4-a", CASE(the_server_closes_after_a_disconnect) },
    { "MQTT311-3.14.4-2", CASE(what_follows_a_disconnect_is_ignored) },
    { "MQTT311-3.14.4-3", "a_disconnect_takes_the_will_away",
            mqtt3_disconnect_takes_the_will_away },
};

const struct check_chapter check_mqtt311_session =
        CHAPTER("Sessions, the Will and Keep Alive", MQTT_3_1_1, cases);
