/* SPDX-License-Identifier: Apache-2.0 */
#include "check/mqtt3.h"

#include "base/reader.h"
#include "check/probe.h"

#include <string.h>

enum {
    KEEP_ALIVE_S = 1,
    STEP_MS = 250,
    SILENCE_MS_MAX = 10000, /* after which even a server that looks seldom has seen the silence */
    TYPE_PUBLISH = 3,
    PACKETS_MAX = 10000, /* that are looked at on a server that others use */
};

/* ---- Sessions ---- */

void mqtt3_session_is_continued(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_resumed(check, "~a", false);

    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    probe_publishes(b, 2, "~/a", "while away");
    a = probe_resumed(check, "~a", true);
    probe_receives(a, 0x32, "~/a", "while away");
    probe_publishes(b, 2, "~/a", "when back");
    probe_receives(a, 0x32, "~/a", "when back");
}

void mqtt3_clean_session_ends(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    probe_publishes(b, 2, "~/a", "while away");
    a = probe_resumed(check, "~a", false);
    probe_publishes(b, 2, "~/a", "when back");
    probe_expect_nothing(a);
}

void mqtt3_older_connection_is_ended(struct check *check)
{
    struct probe *first = probe_connected(check, "~a");
    struct probe *second = probe_connects(check, "00 0000 S'~a'");
    struct probe *third;

    probe_expect_closed(first);
    third = probe_connected(check, "~a");
    probe_expect_closed(second);
    probe_send(third, "C0 00");
    probe_expect(third, "D0 00");
}

/* ---- Keep Alive ---- */

void mqtt3_silence_is_the_end(struct check *check)
{
    struct probe *watcher = probe_connected(check, "~watcher");
    struct probe *a;
    int64_t until_ms;

    probe_subscribes(watcher, "~/w", 0);
    a = probe_connects(check, "06 %04x S'~a' S'~/w' S'bye'", (unsigned)KEEP_ALIVE_S);
    /* As often as this it has to speak, with whatever packet. */
    check_wait(check, KEEP_ALIVE_S * 1000);
    probe_publishes(a, 2, "~/t", "x");
    check_wait(check, KEEP_ALIVE_S * 1000);
    probe_send(a, "C0 00");
    probe_expect(a, "D0 00");
    until_ms = check_now_ms(check) + SILENCE_MS_MAX;
    while (probe_is_open(a) && check_now_ms(check) < until_ms)
        check_wait(check, STEP_MS);
    probe_expect_closed(a);
    probe_receives(watcher, 0x30, "~/w", "bye");
}

void mqtt3_silence_is_allowed(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    check_wait(check, 3000);
    if (!probe_is_open(a))
        check_fail(check, "the client stays connected however long it is silent");
    probe_send(a, "C0 00");
    probe_expect(a, "D0 00");
}

/* ---- The Will ---- */

void mqtt3_disconnect_takes_the_will_away(struct check *check)
{
    struct probe *watcher = probe_connected(check, "~watcher");
    struct probe *a;

    probe_subscribes(watcher, "~/w", 0);
    a = probe_connects(check, "06 0000 S'~a' S'~/w' S'bye'");
    probe_disconnects(a);
    /* When its id is someone else's, the server is done with it. */
    probe_connected(check, "~a");
    probe_expect_nothing(watcher);
}

/* ---- Topics ---- */

struct bytes mqtt3_topic(struct bytes packet)
{
    struct reader in = { .rest = packet };

    if (reader_u8(&in) >> 4 != TYPE_PUBLISH)
        return (struct bytes){ 0 };
    while (reader_u8(&in) & 0x80)
        continue;
    return reader_bytes(&in, reader_u16(&in));
}

void mqtt3_wildcards_leave_out_topics_of_the_server(struct check *check)
{
    const char *topic = check_target(check)->status_topic;
    const char *below = strchr(topic, '/');
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_connected(check, "~b");
    struct bytes packet;
    bool answered = false;

    probe_send(b, "82 RL 0001 S'%s' 00", topic);
    probe_expect_all(b, "90 03 0001 00 | 31 RL S'%s' *", topic);
    probe_send(a, "82 RL 0001 S'#' 00 S'+%s' 00", below ? below : "");
    for (unsigned i = 0; i < PACKETS_MAX; i++) {
        packet = answered ? probe_take_any(a) : probe_take(a);
        if (packet.size == 0)
            break;
        if (bytes_start_with(mqtt3_topic(packet), BYTES("$")))
            check_fail(check, "neither '#' nor '+' matches what begins with '$'");
        answered |= bytes_equal(packet, BYTES("\x90\x04\x00\x01\x00\x00"));
    }
    if (!answered)
        check_fail(check, "both filters are granted");
}
