/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

#include <string.h>

enum {
    PUBACK = 0x40,
    PUBREC = 0x50,
    PUBREL = 0x62,
    PUBCOMP = 0x70,
    SUBSCRIPTION_IDENTIFIER = 0x0B,
    TOPIC_ALIAS = 0x23,
};

/* Where a case needs several things. */
static void needs(struct check *check, enum check_need need)
{
    if (!check_target_offers(check_target(check), need))
        check_skip(check, "%s", check_need_text(need));
}

static unsigned qos_of(struct bytes publish)
{
    return publish.data[0] >> 1 & 3;
}

/* ---- Session expiry, will delay, take-over and Clean Start ---- */

enum ending {
    NO_SESSION = 1, /* the session ends with its connection, otherwise a minute later */
    DELAYED = 2,    /* the will has a delay of a minute, otherwise none */
    TAKEN_OVER = 4, /* by the next connection, otherwise the connection breaks before */
    GOES_ON = 8,    /* the next connection wants the old session, otherwise a clean start */
    ENDINGS = 16,
    UNSETTLED = 15, /* the standard says both that this will is sent and that it is not */
};

static void expect_will(struct probe *watcher, unsigned ending)
{
    probe_expect(watcher, "30 RL S'~/w' 00 '%02u'", ending);
}

/* Ends a connection with a will and comes back, seeing to the will in between. Gives the new
 * connection. */
static struct probe *end_and_return(struct check *check, struct probe *watcher, unsigned ending)
{
    bool at_once = !(ending & TAKEN_OVER) && ((ending & NO_SESSION) || !(ending & DELAYED));
    bool at_return = !at_once && (!(ending & GOES_ON) || !(ending & DELAYED));
    unsigned expiry_s = ending & NO_SESSION ? 0 : 60;
    struct probe *old = probe_connects(check, "06 0000 (11 %08x) S'~%x' (18 %08x) S'~/w' S'%02u'",
            expiry_s, ending, ending & DELAYED ? 60u : 0u, ending);
    struct probe *next;

    probe_subscribes(old, "~/t", 0);
    if (!(ending & TAKEN_OVER))
        probe_cut(old);
    if (at_once)
        expect_will(watcher, ending);
    next = probe_connects(
            check, "%02x 0000 (11 0000003C) S'~%x'", ending & GOES_ON ? 0u : 2u, ending);
    if (ending & TAKEN_OVER)
        probe_expect_end(old, "8E");
    if (at_return)
        expect_will(watcher, ending);
    if (ending != UNSETTLED &&
            probe_present(next) != ((ending & GOES_ON) && !(ending & NO_SESSION)))
        check_fail(check, "Session Present is %d", !probe_present(next));
    return next;
}

/* What was subscribed to in a session is there as long as the session. */
static void every_end_of_a_connection_has_its_will_and_session(struct check *check)
{
    struct probe *watcher = probe_connected(check, "~watcher");
    struct probe *next[ENDINGS];

    probe_subscribes(watcher, "~/w", 0);
    for (unsigned ending = 0; ending < ENDINGS; ending++)
        next[ending] = end_and_return(check, watcher, ending);
    if (probe_take_any(watcher).size > 0)
        probe_expect_nothing(watcher);
    probe_publishes(watcher, 2, "~/t", "x");
    for (unsigned ending = 0; ending < ENDINGS; ending++) {
        if (probe_present(next[ending]))
            probe_receives(next[ending], 0x30, "~/t", "x");
    }
    probes_expect_nothing(check);
}

/* Whichever is shorter, the will's delay or the session's, brings the will; who comes back before
 * has it cancelled, also with another expiry. While a delay runs, no answer is waited for that the
 * server may give late, as from a slow disk. */
static void the_shorter_of_delay_and_session_brings_the_will(struct check *check)
{
    static const struct {
        uint32_t expiry_s;
        uint32_t delay_s;
        bool returns;
    } rows[] = { { 2, 60, false }, { 60, 2, false }, { 2, 2, false }, { 60, 60, false },
        { 2, 60, true }, { 60, 2, true }, { 2, 2, true } };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    struct probe *watcher = probe_connected(check, "~watcher");
    struct probe *probes[ROWS];

    probe_subscribes(watcher, "~/w", 0);
    for (unsigned i = 0; i < ROWS; i++)
        probes[i] = probe_connects(check, "06 0000 (11 %08x) S'~%u' (18 %08x) S'~/w' S'%u'",
                (unsigned)rows[i].expiry_s, i, (unsigned)rows[i].delay_s, i);
    for (unsigned i = 0; i < ROWS; i++)
        probe_cut(probes[i]);
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].returns)
            probes[i] = probe_tries(check, "00 0000 (11 0000003C) S'~%u'", i);
    }
    probe_expect_nothing(watcher);
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].returns)
            probe_expect(probes[i], "20 RL 01 00 [P]");
    }
    check_wait(check, 2500);
    probe_expect_all(watcher, "30 RL S'~/w' 00 '0' | 30 RL S'~/w' 00 '1' | 30 RL S'~/w' 00 '2'");
    probe_expect_nothing(watcher);
}

/* ---- QoS 2, with every packet lost in turn ---- */

enum loss {
    LOST_PUBLISH = 1,
    LOST_PUBREC = 2,
    LOST_PUBREL = 4,
    LOST_PUBCOMP = 8,
    LOSSES = 16,
};

static struct probe *reconnected(struct check *check, struct probe *probe, const char *id)
{
    probe_cut(probe);
    return probe_resumed(check, id, true);
}

/* A packet of ours that is lost is cut off in its middle; one of the server's has come in vain. */
static struct probe *publishes_with_losses(struct check *check, struct probe *b, unsigned lost)
{
    if (lost & LOST_PUBLISH) {
        probe_send_part(b, 10, "34 RL S'~/a' 0005 00 '%02u'", lost);
        b = reconnected(check, b, "~b");
    }
    probe_send(b, "%02x RL S'~/a' 0005 00 '%02u'", lost & LOST_PUBLISH ? 0x3Cu : 0x34u, lost);
    probe_expect_ack(b, PUBREC, 5, "00");
    if (lost & LOST_PUBREC) {
        b = reconnected(check, b, "~b");
        probe_send(b, "3C RL S'~/a' 0005 00 '%02u'", lost);
        probe_expect_ack(b, PUBREC, 5, "00 10");
    }
    if (lost & LOST_PUBREL) {
        probe_send_part(b, 3, "62 02 0005");
        b = reconnected(check, b, "~b");
    }
    probe_send(b, "62 02 0005");
    probe_expect_ack(b, PUBCOMP, 5, "00");
    if (lost & LOST_PUBCOMP) {
        b = reconnected(check, b, "~b");
        probe_send(b, "62 02 0005");
        probe_expect_ack(b, PUBCOMP, 5, "00 92");
    }
    return b;
}

static void qos_2_to_the_server_survives_every_loss(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_resumed(check, "~b", false);

    probe_subscribes(a, "~/a", 2);
    for (unsigned lost = 0; lost < LOSSES; lost++) {
        char payload[] = { (char)('0' + lost / 10), (char)('0' + lost % 10), '\0' };

        b = publishes_with_losses(check, b, lost);
        probe_receives(a, 0x34, "~/a", payload);
    }
    probes_expect_nothing(check);
}

/* The connection breaks behind a packet, and the server has not been read: whether the packet has
 * come is not known, nor what was answered. */
static void qos_2_survives_a_break_behind_each_packet(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_resumed(check, "~b", false);

    probe_subscribes(a, "~/a", 2);
    for (unsigned i = 0; i < 4; i++) {
        probe_send(b, "34 RL S'~/a' 0005 00 'x'");
        b = reconnected(check, b, "~b");
        probe_send(b, "3C RL S'~/a' 0005 00 'x'");
        probe_expect_ack(b, PUBREC, 5, "00 10");
        probe_send(b, "62 02 0005");
        b = reconnected(check, b, "~b");
        probe_send(b, "62 02 0005");
        probe_expect_ack(b, PUBCOMP, 5, "00 92");
        probe_receives(a, 0x34, "~/a", "x");
    }
    probes_expect_nothing(check);
}

static struct probe *receives_with_losses(struct check *check, struct probe *a, unsigned lost)
{
    probe_forget_ids(a);
    probe_expect(a, "34 RL S'~/a' id1 00 '%02u'", lost);
    if (lost & LOST_PUBLISH) {
        a = reconnected(check, a, "~a");
        probe_expect(a, "3C RL S'~/a' id1 00 '%02u'", lost);
    }
    if (lost & LOST_PUBREC) {
        probe_send_part(a, 3, "50 02 id1");
        a = reconnected(check, a, "~a");
        probe_expect(a, "3C RL S'~/a' id1 00 '%02u'", lost);
    }
    probe_send(a, "50 02 id1");
    probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
    if (lost & LOST_PUBREL) {
        a = reconnected(check, a, "~a");
        probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
    }
    if (lost & LOST_PUBCOMP) {
        probe_send_part(a, 3, "70 02 id1");
        a = reconnected(check, a, "~a");
        probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
    }
    probe_send(a, "70 02 id1");
    return a;
}

static void qos_2_from_the_server_survives_every_loss(struct check *check)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/a", 2);
    for (unsigned lost = 0; lost < LOSSES; lost++) {
        char payload[] = { (char)('0' + lost / 10), (char)('0' + lost % 10), '\0' };

        probe_publishes(b, 4, "~/a", payload);
        a = receives_with_losses(check, a, lost);
    }
    a = reconnected(check, a, "~a");
    probe_expect_nothing(a);
}

/* ---- Receive Maximum 1, with QoS 1 and 2 waiting ---- */

/* The answer to a ping comes next, and so no message before it. */
static void expect_held_up(struct probe *probe)
{
    probe_send(probe, "C0 00");
    probe_expect(probe, "D0 00");
}

/* Takes one message, '0' + number, and ends its exchange: by success, or by a refusal. */
static void take_one_of_two(struct probe *probe, unsigned next[2], bool refuses)
{
    unsigned qos_2 = probe_expect_one(probe, "32 RL S'~/a' id 00 '%c' | 34 RL S'~/a' id 00 '%c'",
            'a' + next[0], 'a' + next[1]);

    next[qos_2] += 2;
    expect_held_up(probe);
    if (refuses) {
        probe_send(probe, qos_2 ? "50 03 id 80" : "40 03 id 80");
        return;
    }
    if (!qos_2) {
        probe_send(probe, "40 02 id");
        return;
    }
    probe_send(probe, "50 02 id");
    probe_expect_ack(probe, PUBREL, probe_id(probe, 0), "00");
    expect_held_up(probe);
    probe_send(probe, "70 02 id");
}

/* Those of QoS 1 and those of QoS 2 each come in their order. */
static void one_at_a_time_comes_in_order(struct check *check)
{
    enum { MESSAGES = 12 };
    struct probe *b = probe_connected(check, "~b");

    for (unsigned away = 0; away < 2; away++) {
        struct probe *a = probe_connects(check, "02 0000 (11 0000003C 21 0001) S'~a'");
        unsigned next[] = { 0, 1 };

        probe_subscribes(a, "~/a", 2);
        if (away)
            probe_disconnects(a);
        for (unsigned i = 0; i < MESSAGES; i++) {
            char payload[] = { (char)('a' + i), '\0' };

            probe_publishes(b, i % 2 ? 4 : 2, "~/a", payload);
        }
        if (away)
            a = probe_connects(check, "00 0000 (11 0000003C 21 0001) S'~a'");
        for (unsigned i = 0; i < MESSAGES; i++)
            take_one_of_two(a, next, i % 5 > 2);
        probe_expect_nothing(a);
    }
}

/* What is sent again takes the one place, each time anew. */
static void one_at_a_time_is_sent_again_alone(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a = probe_connects(check, "02 0000 (11 0000003C 21 0001) S'~a'");

    probe_subscribes(a, "~/a", 2);
    for (unsigned i = 0; i < 4; i++)
        probe_publishes(b, i % 2 ? 4 : 2, "~/a", "x");
    for (unsigned i = 0; i < 4; i++) {
        unsigned qos_2;

        probe_forget_ids(a);
        qos_2 = probe_expect_one(a, "32 RL S'~/a' id1 00 'x' | 34 RL S'~/a' id1 00 'x'");
        for (unsigned again = 0; again < 2; again++) {
            probe_cut(a);
            a = probe_connects(check, "00 0000 (11 0000003C 21 0001) S'~a'");
            probe_expect(a, "%02x RL S'~/a' id1 00 'x'", qos_2 ? 0x3Cu : 0x3Au);
            expect_held_up(a);
        }
        probe_send(a, qos_2 ? "50 02 id1" : "40 02 id1");
        if (!qos_2)
            continue;
        probe_expect_ack(a, PUBREL, probe_id(a, 1), "00");
        probe_send(a, "70 02 id1");
    }
    probe_expect_nothing(a);
}

/* ---- Topic aliases after a reconnect ---- */

static void a_clients_alias_ends_with_its_connection(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_resumed(check, "~b", false);

    probe_subscribes(a, "~/1", 0);
    probe_subscribes(a, "~/2", 0);
    for (unsigned taken_over = 0; taken_over < 2; taken_over++) {
        probe_send(b, "32 RL S'~/1' 0005 (23 0001) 'x' | 32 RL 0000 0006 (23 0001) 'y'");
        probe_expect_ack(b, PUBACK, 5, "00");
        probe_expect_ack(b, PUBACK, 6, "00");
        probe_expect(a, "30 RL S'~/1' 00 'x' | 30 RL S'~/1' 00 'y'");
        if (!taken_over)
            probe_disconnects(b);
        b = probe_resumed(check, "~b", true);
        probe_send(b, "32 RL 0000 0005 (23 0001) 'z'");
        probe_expect_end(b, "82");
        b = probe_resumed(check, "~b", true);
        probe_send(b, "32 RL S'~/2' 0005 (23 0001) 'x' | 32 RL 0000 0006 (23 0001) 'y'");
        probe_expect_ack(b, PUBACK, 5, "00");
        probe_expect_ack(b, PUBACK, 6, "00");
        probe_expect(a, "30 RL S'~/2' 00 'x' | 30 RL S'~/2' 00 'y'");
    }
    probe_expect_nothing(a);
}

/* What was sent with an alias is the same message when it is sent again with its topic. */
static void a_repeat_may_name_its_topic_otherwise(struct check *check)
{
    struct probe *a = probe_connected(check, "~a");
    struct probe *b = probe_resumed(check, "~b", false);

    needs(check, NEED_QOS_2);
    probe_subscribes(a, "~/a", 0);
    probe_send(b, "30 RL S'~/a' (23 0001) '0' | 34 RL 0000 0005 (23 0001) 'x'");
    probe_expect_ack(b, PUBREC, 5, "00");
    b = reconnected(check, b, "~b");
    probe_send(b, "3C RL S'~/a' 0005 (23 0002) 'x'");
    probe_expect_ack(b, PUBREC, 5, "00 10");
    probe_send(b, "62 02 0005 | 30 RL 0000 (23 0002) '1'");
    probe_expect_ack(b, PUBCOMP, 5, "00");
    probe_expect_all(a, "30 RL S'~/a' 00 '0' | 30 RL S'~/a' 00 'x' | 30 RL S'~/a' 00 '1'");
    probe_expect_nothing(a);
}

enum { ALIASES = 2, OPEN = 6 };

/* The next messages come to ~/1 and ~/2, and have the topic's digit as payload. Each says where it
 * belongs by its topic or by an alias that this connection has been told. */
static void expect_topics(struct check *check, struct probe *probe, uint32_t alias_max)
{
    char told[ALIASES + 1] = "";

    for (unsigned i = 0; i < OPEN; i++) {
        struct bytes packet = probe_take(probe);
        uint32_t alias = 0;
        bool has_alias = probe_property(packet, TOPIC_ALIAS, &alias);
        char digit;

        if (packet.size == 0 || packet.data[0] >> 4 != 3)
            check_fail(check, "the next message comes");
        if (has_alias && (alias == 0 || alias > alias_max))
            check_fail(check, "no alias is beyond the client's Topic Alias Maximum");
        digit = (char)packet.data[packet.size - 1];
        if (packet.data[3] > 0)
            told[alias] = (char)packet.data[3 + packet.data[3]];
        else if (!has_alias)
            check_fail(check, "a message has a topic or an alias");
        if (told[alias] != digit)
            check_fail(check, "the message to ~/%c says where it belongs", digit);
    }
}

static void a_servers_alias_ends_with_its_connection(struct check *check)
{
    struct probe *a = probe_connects(check, "02 0000 (11 0000003C 22 0002) S'~a'");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(a, "~/1", 1);
    probe_subscribes(a, "~/2", 1);
    for (unsigned i = 0; i < OPEN; i++)
        probe_publishes(b, 2, i % 2 ? "~/2" : "~/1", i % 2 ? "2" : "1");
    expect_topics(check, a, ALIASES);
    for (uint32_t alias_max = ALIASES + 1; alias_max-- > 0;) {
        probe_cut(a);
        a = probe_connects(check, "00 0000 (11 0000003C 22 %04x) S'~a'", (unsigned)alias_max);
        expect_topics(check, a, alias_max);
    }
    probe_expect_nothing(a);
}

/* ---- Shared subscriptions of unequal members ---- */

enum { SHARED_MESSAGES = 24 };

struct member {
    enum mqtt_version version;
    uint8_t qos;
    uint16_t receive_max;
    struct probe *probe;
    unsigned open_count;
    struct {
        uint8_t answer; /* PUBACK or PUBREC */
        uint16_t id;
    } open[SHARED_MESSAGES];
};

static void join(struct check *check, struct member *member, unsigned number)
{
    if (member->version == MQTT_5_0)
        member->probe = probe_connects(
                check, "02 0000 (21 %04x) S'~%u'", (unsigned)member->receive_max, number);
    else
        member->probe = probe_connects_as(check, member->version, "02 0000 S'~%u'", number);
    probe_subscribes(member->probe, "$share/~g/~/a", member->qos);
}

/* The payload says which message it is, and so the QoS that it was published at. */
static void tally(struct check *check, const struct member *member, struct bytes packet,
        bool seen[SHARED_MESSAGES])
{
    unsigned number = packet.data[packet.size - 1] - 'A';
    unsigned published = number % 2 ? 2 : 1;

    if (packet.data[0] >> 4 != 3 || number >= SHARED_MESSAGES || seen[number])
        check_fail(check, "each message comes once, to one member");
    if (qos_of(packet) != (published < member->qos ? published : member->qos))
        check_fail(check, "a message has its own QoS, or the member's where that is lower");
    seen[number] = true;
}

static uint16_t id_at(struct bytes packet, size_t at)
{
    return (uint16_t)(packet.data[at] << 8 | packet.data[at + 1]);
}

static void acknowledge(struct member *member)
{
    for (unsigned i = 0; i < member->open_count; i++)
        probe_send(member->probe, "%02x 02 %04x", (unsigned)member->open[i].answer,
                (unsigned)member->open[i].id);
    member->open_count = 0;
}

/* Takes what comes until nothing does. */
static void take_all(
        struct check *check, struct member *member, bool seen[SHARED_MESSAGES], bool acknowledges)
{
    struct bytes packet;

    while ((packet = probe_take_any(member->probe)).size > 0) {
        unsigned qos = qos_of(packet);

        if (packet.data[0] == PUBREL) {
            probe_send(member->probe, "70 02 %04x", (unsigned)id_at(packet, 2));
            continue;
        }
        tally(check, member, packet, seen);
        if (qos == 0)
            continue;
        if (member->open_count == member->receive_max)
            check_fail(check, "no member gets more than its Receive Maximum");
        member->open[member->open_count].answer = qos == 1 ? PUBACK : PUBREC;
        member->open[member->open_count++].id = id_at(packet, 4 + packet.data[3]);
        if (acknowledges)
            acknowledge(member);
    }
}

/* First no member acknowledges what it gets, then all do, until all messages have come. */
static void unequal_members_share_each_message_once(struct check *check)
{
    struct member members[] = { { MQTT_5_0, 0, 100, .open_count = 0 },
        { MQTT_5_0, 1, 1, .open_count = 0 }, { MQTT_5_0, 2, 2, .open_count = 0 },
        { MQTT_3_1_1, 1, SHARED_MESSAGES, .open_count = 0 } };
    unsigned member_count = check_target(check)->speaks[MQTT_3_1_1] ? 4 : 3;
    struct probe *b = probe_connected(check, "~b");
    bool seen[SHARED_MESSAGES] = { false };
    int64_t until_ms;

    needs(check, NEED_QOS_2);
    for (unsigned i = 0; i < member_count; i++)
        join(check, &members[i], i);
    for (unsigned i = 0; i < SHARED_MESSAGES; i++) {
        char payload[] = { (char)('A' + i), '\0' };

        probe_publishes(b, i % 2 ? 4 : 2, "~/a", payload);
    }
    for (unsigned i = 0; i < member_count; i++)
        take_all(check, &members[i], seen, false);
    until_ms = check_now_ms(check) + check_patience_ms(check);
    for (unsigned i = 0; memchr(seen, false, sizeof(seen)) && check_now_ms(check) < until_ms; i++) {
        acknowledge(&members[i % member_count]);
        take_all(check, &members[i % member_count], seen, true);
    }
    if (memchr(seen, false, sizeof(seen)))
        check_fail(check, "every message comes to one of the members");
    probes_expect_nothing(check);
}

/* ---- Retained messages and what a subscription says of them ---- */

enum { OPTIONS = 12 };

/* All values of No Local, Retain As Published and Retain Handling, as bits of a subscription. */
static unsigned options_of(unsigned number)
{
    return (number & 1) << 2 | (number & 2) << 2 | (number >> 2) << 4;
}

/* Subscribes to all topics, for the first time or again, and gets what is retained for them. */
static void subscribe_to_retained(struct probe *probe, unsigned options, bool again)
{
    unsigned handling = options >> 4;
    bool wants = handling == 0 || (handling == 1 && !again);

    probe_send(probe, "82 RL 0001 00 S'~/plain' %02x S'~/long' %02x S'~/short' %02x S'~/live' %02x",
            options, options, options, options);
    probe_expect_all(probe,
            wants ? "90 RL 0001 [P] 00 00 00 00 | 31 RL S'~/plain' 00 'x' | "
                    "31 RL S'~/long' (02 000000..) 'x'"
                  : "90 RL 0001 [P] 00 00 00 00");
}

/* Each one's message comes to all, but to itself where it has said No Local. */
static void expect_live(struct check *check, struct probe *probes[OPTIONS])
{
    for (unsigned from = 0; from < OPTIONS; from++) {
        probe_publishes(probes[from], 1, "~/live", "x");
        for (unsigned to = 0; to < OPTIONS; to++) {
            unsigned options = options_of(to);

            if (from == to && (options & 4))
                continue;
            probe_receives(probes[to], options & 8 ? 0x31 : 0x30, "~/live", "x");
        }
    }
    probes_expect_nothing(check);
}

static void retained_messages_come_as_each_subscription_says(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *probes[OPTIONS];

    probe_publishes(b, 3, "~/plain", "x");
    probe_send(
            b, "33 RL S'~/long' 0005 (02 00000078) 'x' | 33 RL S'~/short' 0006 (02 00000001) 'x'");
    probe_expect_ack(b, PUBACK, 5, "00 10");
    probe_expect_ack(b, PUBACK, 6, "00 10");
    check_wait(check, 2000);
    for (unsigned i = 0; i < OPTIONS; i++) {
        probes[i] = probe_connects(check, "02 0000 00 S'~%u'", i);
        subscribe_to_retained(probes[i], options_of(i), false);
        subscribe_to_retained(probes[i], options_of(i), true);
    }
    expect_live(check, probes);
}

/* ---- Message expiry counts down ---- */

/* A minute, less two seconds and what a slow network takes. */
static const char less_than_a_minute[] = "(02 000000 <30 31 32 33 34 35 36 37 38 39 3A 3B>)";

/* While its receiver is away, while the receiver's window is full, and while it is retained. */
static void expiry_counts_down_wherever_a_message_waits(struct check *check)
{
    struct probe *away = probe_resumed(check, "~away", false);
    struct probe *slow = probe_connects(check, "02 0000 (21 0001) S'~slow'");
    struct probe *b = probe_connected(check, "~b");

    probe_subscribes(away, "~/a", 1);
    probe_subscribes(slow, "~/a", 1);
    probe_disconnects(away);
    probe_send(b,
            "32 RL S'~/a' 0001 00 'first' | 32 RL S'~/a' 0002 (02 00000001) 'short' | "
            "33 RL S'~/a' 0003 (02 0000003C) 'long' | 32 RL S'~/a' 0004 (02 00000001) 'short' | "
            "32 RL S'~/a' 0005 (02 FFFFFFFF) 'longest' | 32 RL S'~/a' 0006 00 'last'");
    for (uint16_t id = 1; id <= 6; id++)
        probe_expect_ack(b, PUBACK, id, "00");
    check_wait(check, 2500);
    for (unsigned i = 0; i < 2; i++) {
        struct probe *probe = i == 0 ? slow : probe_resumed(check, "~away", true);

        probe_receives(probe, 0x32, "~/a", "first");
        probe_expect(probe, "32 RL S'~/a' id %s 'long'", less_than_a_minute);
        probe_send(probe, "40 02 id");
        probe_expect(probe, "32 RL S'~/a' id (02 FFFFFF..) 'longest'");
        probe_send(probe, "40 02 id");
        probe_receives(probe, 0x32, "~/a", "last");
    }
    probe_send(b, "82 RL 0001 00 S'~/a' 00");
    probe_expect_all(b, "90 RL 0001 [P] 00 | 31 RL S'~/a' %s 'long'", less_than_a_minute);
    probes_expect_nothing(check);
}

/* A client of 3.1.1 is told nothing of expiry, and gets nothing that has expired. */
static void expiry_holds_for_clients_of_3_1_1(struct check *check)
{
    struct probe *b = probe_connected(check, "~b");
    struct probe *a;

    if (!check_target(check)->speaks[MQTT_3_1_1])
        check_skip(check, "the server does not speak MQTT 3.1.1");
    a = probe_connects_as(check, MQTT_3_1_1, "00 0000 S'~a'");
    probe_subscribes(a, "~/a", 1);
    probe_disconnects(a);
    probe_send(
            b, "32 RL S'~/a' 0001 (02 00000001) 'short' | 32 RL S'~/a' 0002 (02 0000003C) 'long'");
    probe_expect_ack(b, PUBACK, 1, "00");
    probe_expect_ack(b, PUBACK, 2, "00");
    check_wait(check, 2000);
    a = probe_connects_as(check, MQTT_3_1_1, "00 0000 S'~a'");
    probe_receives(a, 0x32, "~/a", "long");
    probe_expect_nothing(a);
}

/* ---- Maximum Packet Size, with and without properties ---- */

/* What makes a message larger on its way: properties that its publisher gave, or the subscription's
 * identifier. */
struct burden {
    const char *published;
    const char *subscribed;
    const char *received;
    size_t identifier_size;
};

/* A message of 60 characters; its exchange is finished with success. */
static void publish_burden(struct probe *probe, unsigned qos, const char *properties)
{
    probe_send(
            probe, "%02x RL S'~/a' %s %s {60}", 0x30 | qos << 1, qos > 0 ? "0005" : "", properties);
    if (qos > 0)
        probe_expect_ack(probe, qos == 1 ? PUBACK : PUBREC, 5, "00 10");
    if (qos < 2)
        return;
    probe_send(probe, "62 02 0005");
    probe_expect_ack(probe, PUBCOMP, 5, "00");
}

static void receive_burden(struct probe *probe, unsigned qos, const char *properties)
{
    probe_expect(
            probe, "%02x RL S'~/a' %s %s {60}", 0x30 | qos << 1, qos > 0 ? "id" : "", properties);
    if (qos == 1)
        probe_send(probe, "40 02 id");
    if (qos < 2)
        return;
    probe_send(probe, "50 02 id");
    probe_expect_ack(probe, PUBREL, probe_id(probe, 0), "00");
    probe_send(probe, "70 02 id");
}

/* The message is as large as the limit, or off it by this much. What is too large takes no place:
 * with a Receive Maximum of 1 the message behind it would not come. */
static void publish_at_limit(
        struct check *check, const struct burden *burden, unsigned qos, int above)
{
    struct probe *b = probe_connected(check, "~b");
    size_t size = probe_size(b, "%02x RL S'~/a' %s %s {60}", 0x30 | qos << 1, qos > 0 ? "0001" : "",
                          burden->published) +
            burden->identifier_size;
    struct probe *a = probe_connects(
            check, "02 0000 (21 0001 27 %08x) S'~a'", (unsigned)size - (unsigned)above);

    probe_send(a, "82 RL 0001 %s S'~/a' %02x", burden->subscribed, qos);
    probe_expect(a, "90 RL 0001 [P] %02x", qos);
    publish_burden(b, qos, burden->published);
    probe_publishes(b, (uint8_t)(qos << 1), "~/a", "small");
    if (above <= 0)
        receive_burden(a, qos, burden->received);
    probe_expect(a, "%02x RL S'~/a' %s %s 'small'", 0x30 | qos << 1, qos > 0 ? "id" : "",
            burden->subscribed);
}

static void each_message_is_held_against_the_packet_size(struct check *check)
{
    static const struct burden burdens[] = {
        { "00", "00", "00", 0 },
        { "(03 S'text' 26 S'key' S'value')", "00", "(03 S'text', 26 S'key' S'value')", 0 },
        { "00", "(0B 05)", "(0B 05)", 2 },
        { "(26 S'key' S'value')", "(0B 05)", "(26 S'key' S'value', 0B 05)", 2 },
    };

    needs(check, NEED_IDENTIFIER);
    for (size_t i = 0; i < sizeof(burdens) / sizeof(burdens[0]); i++) {
        for (unsigned qos = 0; qos <= 2; qos++) {
            for (int above = -1; above <= 1; above++)
                publish_at_limit(check, &burdens[i], qos, above);
        }
    }
}

/* ---- Overlapping subscriptions with identifiers ---- */

enum { IDENTIFIERS = 10 };

struct overlap {
    const char *packet; /* that changes the subscriptions */
    const char *identifiers;
    unsigned qos; /* the highest of those that match */
};

/* Counts the identifiers, all below 128, of a PUBLISH that has no other property. */
static void count_identifiers(
        struct check *check, struct bytes publish, unsigned counts[IDENTIFIERS])
{
    size_t at = 4 + publish.data[3] + (qos_of(publish) > 0 ? 2u : 0u);
    size_t end = at + 1 + publish.data[at];

    for (at++; at + 1 < end; at += 2) {
        if (publish.data[at] != SUBSCRIPTION_IDENTIFIER || publish.data[at + 1] >= IDENTIFIERS)
            check_fail(check, "the message has identifiers of the subscriptions, and no more");
        counts[publish.data[at + 1]]++;
    }
}

/* Whether each identifier has come as often as its digit stands there. */
static bool are_all(const unsigned counts[IDENTIFIERS], const char *identifiers)
{
    for (unsigned i = 0; i < IDENTIFIERS; i++) {
        unsigned wanted = 0;

        for (const char *digit = identifiers; *digit; digit++)
            wanted += (unsigned)(*digit - '0') == i;
        if (counts[i] != wanted)
            return false;
    }
    return true;
}

/* Publishes a message, and takes one copy or several: all identifiers are there, as often as
 * subscriptions have them, and one copy has the highest QoS. */
static void expect_identifiers(struct check *check, struct probe *subscriber,
        struct probe *publisher, const struct overlap *overlap)
{
    unsigned counts[IDENTIFIERS] = { 0 };
    unsigned qos = 0;
    unsigned copies = 0;
    bool whole = false;
    struct bytes packet;

    probe_publishes(publisher, 2, "~/a", "x");
    while ((packet = whole ? probe_take_any(subscriber) : probe_take(subscriber)).size > 0) {
        copies++;
        if (packet.data[0] >> 4 != 3)
            check_fail(check, "the message comes");
        count_identifiers(check, packet, counts);
        if (qos_of(packet) > 0) {
            qos = qos_of(packet);
            probe_send(subscriber, "40 02 %04x", (unsigned)id_at(packet, 4 + packet.data[3]));
        }
        whole = qos == overlap->qos && are_all(counts, overlap->identifiers);
    }
    if (copies == 0 || qos != overlap->qos)
        check_fail(check, "the message comes with QoS %u", overlap->qos);
    if (!whole)
        check_fail(check, "the message comes with the identifiers %s", overlap->identifiers);
}

static void play_overlaps(struct check *check, const struct overlap *overlaps, size_t count)
{
    struct probe *a = probe_resumed(check, "~a", false);
    struct probe *b = probe_connected(check, "~b");

    needs(check, NEED_WILDCARD);
    for (size_t i = 0; i < count; i++) {
        probe_send(a, "%s", overlaps[i].packet);
        probe_expect_one(a, "90 RL 0001 [P] <00 01> | B0 RL 0001 [P] 00");
        expect_identifiers(check, a, b, &overlaps[i]);
    }
    probe_disconnects(a);
    expect_identifiers(check, probe_resumed(check, "~a", true), b, &overlaps[count - 1]);
}

static void overlapping_subscriptions_keep_their_identifiers(struct check *check)
{
    static const struct overlap overlaps[] = {
        { "82 RL 0001 (0B 01) S'~/#' 00", "1", 0 },
        { "82 RL 0001 (0B 02) S'~/a' 01", "12", 1 },
        { "82 RL 0001 00 S'~/+' 00", "12", 1 },
        { "82 RL 0001 (0B 02) S'~/a/#' 00", "122", 1 },
        { "82 RL 0001 (0B 03) S'~/a' 00", "123", 0 },
        { "82 RL 0001 (0B 04) S'~/+' 01", "1234", 1 },
        { "82 RL 0001 00 S'~/a' 01", "124", 1 },
        { "A2 RL 0001 00 S'~/#'", "24", 1 },
        { "A2 RL 0001 00 S'~/a'", "24", 1 },
        { "82 RL 0001 (0B 01) S'~/a' 00", "124", 1 },
        { "A2 RL 0001 00 S'~/+'", "12", 0 },
    };

    play_overlaps(check, overlaps, sizeof(overlaps) / sizeof(overlaps[0]));
}

/* What comes by a shared subscription is a copy of its own. */
static void shared_subscriptions_overlap_with_others(struct check *check)
{
    static const struct overlap overlaps[] = {
        { "82 RL 0001 (0B 01) S'~/+' 00", "1", 0 },
        { "82 RL 0001 (0B 02) S'$share/~g/~/a' 01", "12", 1 },
        { "82 RL 0001 (0B 01) S'$share/~h/~/#' 00", "112", 1 },
        { "82 RL 0001 (0B 03) S'$share/~g/~/a' 00", "113", 0 },
        { "82 RL 0001 00 S'$share/~h/~/#' 01", "13", 1 },
        { "A2 RL 0001 00 S'~/+'", "3", 1 },
        { "A2 RL 0001 00 S'$share/~g/~/a'", "", 1 },
        { "82 RL 0001 (0B 04) S'~/a' 00", "4", 1 },
    };

    needs(check, NEED_IDENTIFIER);
    play_overlaps(check, overlaps, sizeof(overlaps) / sizeof(overlaps[0]));
}

static const struct check_case cases[] = {
    { NULL, CASE(every_end_of_a_connection_has_its_will_and_session) },
    { NULL, CASE(the_shorter_of_delay_and_session_brings_the_will) },
    { NULL, CASE(qos_2_to_the_server_survives_every_loss), NEED_QOS_2 },
    { NULL, CASE(qos_2_survives_a_break_behind_each_packet), NEED_QOS_2 },
    { NULL, CASE(qos_2_from_the_server_survives_every_loss), NEED_QOS_2 },
    { NULL, CASE(one_at_a_time_comes_in_order), NEED_QOS_2 },
    { NULL, CASE(one_at_a_time_is_sent_again_alone), NEED_QOS_2 },
    { NULL, CASE(a_clients_alias_ends_with_its_connection), NEED_ALIASES },
    { NULL, CASE(a_repeat_may_name_its_topic_otherwise), NEED_ALIASES },
    { NULL, CASE(a_servers_alias_ends_with_its_connection) },
    { NULL, CASE(unequal_members_share_each_message_once), NEED_SHARED },
    { NULL, CASE(retained_messages_come_as_each_subscription_says), NEED_RETAIN },
    { NULL, CASE(expiry_counts_down_wherever_a_message_waits), NEED_RETAIN },
    { NULL, CASE(expiry_holds_for_clients_of_3_1_1) },
    { NULL, CASE(each_message_is_held_against_the_packet_size), NEED_QOS_2 },
    { NULL, CASE(overlapping_subscriptions_keep_their_identifiers), NEED_IDENTIFIER },
    { NULL, CASE(shared_subscriptions_overlap_with_others), NEED_SHARED },
};

const struct check_chapter check_combination = CHAPTER("Combinations", MQTT_5_0, cases);
