/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

enum {
    DISCONNECT = 0xE0,
    SESSION_EXPIRY_INTERVAL = 0x11,
};

/* A client with a will to ~/w, and these properties. */
static struct probe *mortal(struct check *check, const char *properties)
{
    return probe_connects(check, "06 0000 %s S'~mortal' 00 S'~/w' S'bye'", properties);
}

static struct probe *watcher(struct check *check)
{
    struct probe *probe = probe_connected(check, "~watcher");

    probe_subscribes(probe, "~/w", 0);
    return probe;
}

static void expect_will(struct probe *probe)
{
    probe_expect(probe, "30 RL S'~/w' 00 'bye'");
}

/* A client sends this in place of a DISCONNECT: an error with one of the codes, so that its will is
 * published. */
static void refuse(struct check *check, struct probe *all, const char *packet, const char *codes)
{
    struct probe *probe = mortal(check, "00");

    probe_send(probe, "%s", packet);
    probe_expect_end(probe, codes);
    expect_will(all);
}

/* ---- PINGREQ ---- */

static void a_ping_is_answered(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "C0 00");
    probe_expect(a, "D0 00");
    probe_send(a, "C0 00 | C0 00");
    probe_expect(a, "D0 00 | D0 00");
    probe_expect_nothing(a);
}

/* ---- The client's DISCONNECT ---- */

static void every_form_of_disconnect_00_drops_the_will(struct check *check)
{
    static const char *const forms[] = { "E0 00", "E0 01 00", "E0 02 00 00",
        "E0 RL 00 (26 S'k' S'v')" };
    struct probe *all = watcher(check);

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct probe *probe = mortal(check, "00");

        probe_send(probe, "%s", forms[i]);
        probe_expect_closed(probe);
    }
    probe_expect_nothing(all);
}

static void expect_will_after(struct check *check, const char *const packets[], size_t count)
{
    struct probe *all = watcher(check);

    for (size_t i = 0; i < count; i++) {
        struct probe *probe = mortal(check, "00");

        probe_send(probe, "%s", packets[i]);
        probe_expect_closed(probe);
        expect_will(all);
    }
    probe_expect_nothing(all);
}

static void disconnect_04_leaves_the_will(struct check *check)
{
    static const char *const forms[] = { "E0 01 04", "E0 02 04 00", "E0 RL 04 (1F S'tired')" };

    expect_will_after(check, forms, sizeof(forms) / sizeof(forms[0]));
}

static void disconnect_with_an_error_leaves_the_will(struct check *check)
{
    static const char *const forms[] = { "E0 01 80", "E0 02 81 00", "E0 RL 98 (1F S'tired')" };

    expect_will_after(check, forms, sizeof(forms) / sizeof(forms[0]));
}

static void reserved_bits_of_disconnect_are_checked(struct check *check)
{
    struct probe *all = watcher(check);

    refuse(check, all, "E1 00", "81");
    refuse(check, all, "E2 00", "81");
    refuse(check, all, "E4 00", "81");
    refuse(check, all, "E8 02 00 00", "81");
}

static void reasons_of_disconnect_are_checked(struct check *check)
{
    struct probe *all = watcher(check);
    struct probe *probe = probe_connected(check, "~a");

    /* This one is a server's, which may let it pass from a client. */
    probe_send(probe, "E0 01 8E");
    probe_expect_end(probe, "81 82");
    refuse(check, all, "E0 01 03", "81 82");
    refuse(check, all, "E0 01 7F", "81 82");
    refuse(check, all, "E0 01 FF", "81 82");
}

static void properties_of_disconnect_do_not_repeat(struct check *check)
{
    struct probe *all = watcher(check);

    refuse(check, all, "E0 RL 00 (11 00000000 11 00000000)", "82");
    refuse(check, all, "E0 RL 00 (1F S'a' 1F S'a')", "82");
}

static void disconnect_cannot_begin_to_keep_a_session(struct check *check)
{
    struct probe *all = watcher(check);
    struct probe *probe;

    refuse(check, all, "E0 07 00 05 11 0000000A", "82");
    probe = mortal(check, "(11 00000000)");
    probe_send(probe, "E0 07 00 05 11 FFFFFFFF");
    probe_expect_end(probe, "82");
    expect_will(all);
}

static void disconnect_can_end_the_session(struct check *check)
{
    struct probe *a = probe_connects(check, "00 0000 (11 0000003C) S'~a'");

    probe_send(a, "E0 07 00 05 11 00000000");
    probe_expect_closed(a);
    probe_resumed(check, "~a", false);
}

static void disconnect_can_shorten_the_session(struct check *check)
{
    struct probe *a = probe_connects(check, "00 0000 (11 0000003C) S'~a'");

    probe_send(a, "E0 07 00 05 11 00000001");
    probe_expect_closed(a);
    check_wait(check, 3500);
    probe_resumed(check, "~a", false);
}

static void disconnect_can_prolong_the_session(struct check *check)
{
    struct probe *a = probe_connects(check, "00 0000 (11 00000001) S'~a'");

    probe_send(a, "E0 07 00 05 11 0000003C");
    probe_expect_closed(a);
    check_wait(check, 3500);
    probe_resumed(check, "~a", true);
}

static void what_follows_disconnect_is_ignored(struct check *check)
{
    struct probe *all = probe_connected(check, "~all");
    struct probe *a = probe_connected(check, "~a");

    probe_subscribes(all, "~/#", 0);
    probe_send(a, "E0 00 | 32 RL S'~/t' 0001 00 'late' | C0 00");
    probe_expect_closed(a);
    probe_expect_nothing(all);
}

static void the_server_closes_after_disconnect(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");

    probe_send(a, "E0 00");
    if (probe_take(a).size > 0)
        check_fail(check, "a DISCONNECT is not answered");
    if (probe_is_open(a))
        check_skip(check, "the server leaves it to the client to close, as it may");
}

/* ---- The server's DISCONNECT ---- */

/* What most servers answer by a DISCONNECT. */
static const char *const mistakes[] = { "10 RL S'MQTT' 05 02 0000 00 S'~a'", "00 00",
    "30 RL 0000 00 'x'", "36 RL S'~/t' 0001 00 'x'", "82 RL 0001 00 S'~/t' 03" };

enum { MISTAKES = sizeof(mistakes) / sizeof(mistakes[0]) };

/* The DISCONNECT that a client gets for a mistake with pings right behind it; empty where there is
 * none, which is the server's right. */
static struct bytes last_words(struct probe *probe, const char *mistake)
{
    struct bytes packet;

    probe_send(probe, "%s | C0 00 | C0 00", mistake);
    do
        packet = probe_take(probe);
    while (packet.size > 0 && packet.data[0] != DISCONNECT);
    return packet;
}

static void skip_without_any(struct check *check, unsigned heard)
{
    if (heard == 0)
        check_skip(check, "the server closes without a DISCONNECT, as it may");
}

static void the_servers_disconnect_is_its_last_packet(struct check *check)
{
    unsigned heard = 0;

    for (size_t i = 0; i < MISTAKES; i++) {
        struct probe *a = probe_connected(check, "~a");

        if (last_words(a, mistakes[i]).size == 0)
            continue;
        probe_expect_closed(a);
        heard++;
    }
    skip_without_any(check, heard);
}

static void the_servers_disconnect_has_no_expiry(struct check *check)
{
    unsigned heard = 0;
    uint32_t expiry_s;

    for (size_t i = 0; i < MISTAKES; i++) {
        struct probe *a = probe_connects(check, "02 0000 (11 0000003C) S'~a'");
        struct bytes packet = last_words(a, mistakes[i]);

        if (probe_property(packet, SESSION_EXPIRY_INTERVAL, &expiry_s))
            check_fail(check, "the server's DISCONNECT has no Session Expiry Interval");
        heard += packet.size > 0;
    }
    skip_without_any(check, heard);
}

/* The limit is the size of a CONNACK, for less would let no connection begin. */
static void the_servers_disconnect_keeps_to_the_limit(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0000 (27 00010000) S'~a'");
    size_t limit = probe_connack(a).size;
    unsigned heard = 0;

    for (size_t i = 0; i < MISTAKES; i++) {
        size_t size;

        a = probe_connects(check, "02 0000 (27 %08zx) S'~a'", limit);
        size = last_words(a, mistakes[i]).size;
        if (size > limit)
            check_fail(check, "no packet has more than the %zu bytes that the client takes", limit);
        heard += size > 0;
    }
    skip_without_any(check, heard);
}

static const struct check_case cases[] = {
    { "MQTT5-3.12.4-1", CASE(a_ping_is_answered) },
    { "U5-3.12-1", "a_ping_has_no_payload", .refused = "C0 01 00", .codes = "81" },
    { "MQTT5-3.14.1-1", CASE(reserved_bits_of_disconnect_are_checked) },
    { "MQTT5-3.14.2-1", CASE(reasons_of_disconnect_are_checked) },
    { "U5-3.14.2.2-1", CASE(properties_of_disconnect_do_not_repeat) },
    { "U5-3.14.2.2.2-2", CASE(disconnect_cannot_begin_to_keep_a_session) },
    { "U5-3.14.2.2.2-1", CASE(disconnect_can_end_the_session) },
    { "U5-3.14.2.2.2-1", CASE(disconnect_can_shorten_the_session) },
    { "U5-3.14.2.2.2-1", CASE(disconnect_can_prolong_the_session) },
    { "MQTT5-3.14.4-3 U5-3.14.2.1-1", CASE(every_form_of_disconnect_00_drops_the_will) },
    { "MQTT5-3.14.4-3", CASE(disconnect_04_leaves_the_will) },
    { "MQTT5-3.1.2-8", CASE(disconnect_with_an_error_leaves_the_will) },
    { "MQTT5-3.14.4-1", CASE(what_follows_disconnect_is_ignored) },
    { "U5-3.14.4-1", CASE(the_server_closes_after_disconnect) },
    { "MQTT5-3.14.4-1 MQTT5-3.14.4-2", CASE(the_servers_disconnect_is_its_last_packet) },
    { "MQTT5-3.14.2-2", CASE(the_servers_disconnect_has_no_expiry) },
    { "MQTT5-3.14.2-3 MQTT5-3.14.2-4", CASE(the_servers_disconnect_keeps_to_the_limit) },
    { "MQTT5-3.14.0-1", "before_a_connack_there_is_no_disconnect",
            .refused_first = "10 RL S'MQTT' 05 03 0000 00 S'~a' | 10 RL S'MQTT' 05 1E 0000 00 "
                             "S'~a' 00 S'~/w' S'x' | 10 RL S'MQTT' 05 02 0000 (21 0000) S'~a' | "
                             "10 RL S'MQTT' 05 02 0000 (0B 01) S'~a' | 10 RL S'MQTT' 05 02 0000 "
                             "00 S'~a' 00 | 11 RL S'MQTT' 05 02 0000 00 S'~a' | C0 00 | "
                             "30 RL S'~/t' 00 'x' | E0 00",
            .codes = "81 82" },
};

const struct check_chapter check_mqtt5_disconnect =
        CHAPTER("PINGREQ and DISCONNECT", MQTT_5_0, cases);
