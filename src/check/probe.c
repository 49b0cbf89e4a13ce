/* SPDX-License-Identifier: Apache-2.0 */
#include "check/probe.h"

#include "check/state.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ANSWER_TEXT_SIZE = 32,
    GRACE_S = 8, /* after which a silent client must have been cut off */
    CONNACK = 0x20,
    PUBREC = 0x50,
    DISCONNECT = 0xE0,
    REOPEN_SETTLES = 10, /* settling times before a server counts as gone */
    READ_SIZE = 65536,
    SHOWN_MAX = 64,  /* bytes of a packet in the transcript */
    OUR_ID = 0x7FFF, /* of what the functions at the end send; over when they return */
};

/* ---- Bytes ---- */

static void octets_add(struct probe *probe, struct octets *octets, struct bytes bytes)
{
    if (octets->size + bytes.size > octets->capacity) {
        size_t capacity = (octets->size + bytes.size) * 2;
        uint8_t *data = realloc(octets->data, capacity);

        if (!data)
            check_skip(probe->check, "there is no memory to keep what came");
        octets->data = data;
        octets->capacity = capacity;
    }
    if (bytes.size > 0)
        memcpy(octets->data + octets->size, bytes.data, bytes.size);
    octets->size += bytes.size;
}

static void octets_remove(struct octets *octets, size_t at, size_t size)
{
    octets->size -= size;
    memmove(octets->data + at, octets->data + at + size, octets->size - at);
}

static struct bytes octets_bytes(const struct octets *octets)
{
    return bytes_of(octets->data, octets->size);
}

static void note_bytes(const struct probe *probe, char direction, struct bytes bytes)
{
    bool login = direction == '>' && bytes.data[0] >> 4 == TYPE_CONNECT && probe->login_size > 0;
    size_t size = bytes.size - (login ? probe->login_size : 0);
    size_t shown = size < SHOWN_MAX ? size : SHOWN_MAX;
    char text[SHOWN_MAX * 3 + 1] = "";

    for (size_t i = 0; i < shown; i++)
        snprintf(text + i * 3, 4, " %02x", bytes.data[i]);
    if (login)
        check_note(
                probe->check, "client %u %c%s ... and the login", probe->number, direction, text);
    else if (shown < bytes.size)
        check_note(probe->check, "client %u %c%s ... %zu bytes in all", probe->number, direction,
                text, bytes.size);
    else
        check_note(probe->check, "client %u %c%s", probe->number, direction, text);
}

/* Writes the text's packets behind each other into the scratch. */
static struct bytes write_packets(struct check *check, const char *text)
{
    struct writer out = { .data = check->packets, .size = sizeof(check->packets) };

    do {
        struct writer one = { .data = out.data + out.used, .size = out.size - out.used };
        const char *wrong = notation_write(&one, &text, &check->scope);

        if (wrong || one.failed)
            check_fail(check, "the case itself is wrong: %s",
                    wrong ? wrong : "it sends too much at once");
        out.used += one.used;
    } while (*text);
    return writer_written(&out);
}

/* Puts printf's conversions into the scratch text. */
#define FORMAT(check, format)                                                                      \
    do {                                                                                           \
        va_list arguments;                                                                         \
                                                                                                   \
        va_start(arguments, format);                                                               \
        format_text((check), (format), arguments);                                                 \
        va_end(arguments);                                                                         \
    } while (0)

static void __attribute__((format(printf, 2, 0)))
format_text(struct check *check, const char *format, va_list arguments)
{
    int size = vsnprintf(check->text, sizeof(check->text), format, arguments);

    if (size < 0 || (size_t)size >= sizeof(check->text))
        check_fail(check, "the case itself is wrong: its text is too long: %.100s", format);
}

/* ---- Transports ---- */

static struct probe *open_door(struct check *check, enum wire_door door)
{
    const struct wire *wire = check->setup.wire;
    struct probe *probe = calloc(1, sizeof(*probe));

    if (!probe)
        check_skip(check, "there is no memory for one more client");
    probe->check = check;
    probe->next = check->probes;
    check->probes = probe;
    probe->number = ++check->probe_count;
    probe->version = check->setup.version;
    probe->transport = wire->functions->open(wire->context, door);
    if (!probe->transport) {
        wire->functions->pass(wire->context, wire->settle_ms * REOPEN_SETTLES);
        probe->transport = wire->functions->open(wire->context, door);
    }
    check->unreachable |= !probe->transport;
    if (!probe->transport)
        check_fail(check, "the server lets client %u in", probe->number);
    return probe;
}

struct probe *probe_open(struct check *check)
{
    return open_door(check, WIRE_PLAIN);
}

struct probe *probe_open_websocket(struct check *check)
{
    return open_door(check, WIRE_WEBSOCKET);
}

void probe_cut(struct probe *probe)
{
    const struct wire *wire = probe->check->setup.wire;

    if (!probe->transport)
        return;
    wire->functions->cut(probe->transport);
    probe->transport = NULL;
    probe->closed = true;
    if (probe->check->clearing)
        return;
    check_note(probe->check, "client %u breaks its connection", probe->number);
    wire->functions->pass(wire->context, wire->settle_ms);
}

/* Ends a case with a server that always has more to say, or takes its time with each word. */
static void check_limits(const struct probe *probe)
{
    struct check *check = probe->check;

    if (probe->down.size > CHECK_HEARD_MAX)
        check_fail(check, "client %u gets no more than %d bytes that nobody asked for",
                probe->number, CHECK_HEARD_MAX);
    if (check_now_ms(check) > check->until_ms)
        check_fail(check, "the case is over by now; the server is slow, or goes on for ever");
}

/* A server may rightly end a client that was silent for half as long again. It counts from when it
 * heard the client: where an answer was slow in coming, it has counted for longer than the case. */
static void note_silence(const struct probe *probe)
{
    int64_t limit_ms = probe->keep_alive_s * INT64_C(1000) * 5 / 4;

    if (limit_ms > 0 && check_now_ms(probe->check) - probe->sent_ms > limit_ms)
        probe->check->late = true;
}

static void note_keep_alive(struct probe *probe, struct bytes connect)
{
    struct reader in = { .rest = check_body(connect) };

    reader_bytes(&in, reader_u16(&in)); /* the protocol's name */
    reader_u8(&in);                     /* its level */
    reader_u8(&in);                     /* flags */
    probe->keep_alive_s = reader_u16(&in);
}

/* Takes what has come, within this time; false when that is nothing. */
static bool hear(struct probe *probe, int64_t patience_ms)
{
    uint8_t bytes[READ_SIZE];
    int got;

    if (probe->closed)
        return false;
    check_limits(probe);
    got = probe->check->setup.wire->functions->receive(
            probe->transport, bytes, sizeof(bytes), patience_ms);
    if (got == 0) {
        probe->closed = true;
        check_note(probe->check, "client %u : the server has closed", probe->number);
        note_silence(probe);
    }
    if (got > 0)
        octets_add(probe, &probe->down, bytes_of(bytes, (size_t)got));
    return got >= 0;
}

bool probe_is_open(struct probe *probe)
{
    while (hear(probe, 0))
        continue;
    return !probe->closed;
}

/* ---- Sending ---- */

static void send_bytes(struct probe *probe, struct bytes bytes)
{
    int64_t began_ms = check_now_ms(probe->check);
    bool was_silent = probe->keep_alive_s > 0;
    struct bytes rest = bytes;

    check_limits(probe);
    while (rest.size > 0) {
        struct bytes packet = check_first_packet(rest);

        if (packet.size == 0)
            packet = rest;
        note_bytes(probe, '>', packet);
        check_guard_sent(probe, packet);
        check_clear_later(probe->check, packet);
        if (packet.data[0] >> 4 == TYPE_CONNECT && !probe->connected)
            note_keep_alive(probe, packet);
        rest = bytes_from(rest, packet.size);
    }
    if (!probe->closed)
        probe->check->setup.wire->functions->send(probe->transport, bytes);
    if (was_silent)
        note_silence(probe);
    probe->sent_ms = began_ms;
}

void probe_send(struct probe *probe, const char *format, ...)
{
    FORMAT(probe->check, format);
    send_bytes(probe, write_packets(probe->check, probe->check->text));
}

void probe_send_part(struct probe *probe, size_t size, const char *format, ...)
{
    const char *text;
    const char *last;
    struct bytes all;
    size_t before = 0;

    FORMAT(probe->check, format);
    text = probe->check->text;
    for (last = text; *notation_next(last);)
        last = notation_next(last);
    all = write_packets(probe->check, text);
    if (last != text) {
        before = all.size - write_packets(probe->check, last).size;
        all = write_packets(probe->check, text);
    }
    assert(before + size <= all.size);
    send_bytes(probe, bytes_first(all, before + size));
}

/* ---- Receiving ---- */

/* From a CONNACK that lets it in on, a client is connected. */
static void keep_connack(struct probe *probe, struct bytes packet)
{
    struct bytes body = check_body(packet);

    if (probe->connected || packet.data[0] != CONNACK || body.size < 2 || body.data[1] != 0)
        return;
    probe->connected = true;
    octets_add(probe, &probe->connack, packet);
    check_clear_assigned(probe->check, packet);
}

/* Which packets to take. */
enum taking {
    TAKE_ANY,
    TAKE_ANSWER, /* no PUBLISH: it stays, to be taken later */
};

/* The first packet of that kind that has come whole; empty when there is none. */
static struct bytes find_packet(const struct probe *probe, enum taking taking)
{
    struct bytes rest = octets_bytes(&probe->down);
    struct bytes packet = check_first_packet(rest);

    while (taking == TAKE_ANSWER && packet.size > 0 && packet.data[0] >> 4 == TYPE_PUBLISH) {
        rest = bytes_from(rest, packet.size);
        packet = check_first_packet(rest);
    }
    return packet;
}

/* The next packet of that kind within this time, or empty. */
static struct bytes take_within(struct probe *probe, enum taking taking, int64_t patience_ms)
{
    const struct check *check = probe->check;
    int64_t until_ms = check_now_ms(check) + patience_ms;
    struct bytes packet = find_packet(probe, taking);

    while (packet.size == 0) {
        int64_t rest_ms = until_ms - check_now_ms(check);

        if (!hear(probe, rest_ms > 0 ? rest_ms : 0))
            break;
        packet = find_packet(probe, taking);
    }
    probe->taken.size = 0;
    octets_add(probe, &probe->taken, packet);
    if (packet.size > 0)
        octets_remove(&probe->down, (size_t)(packet.data - probe->down.data), packet.size);
    packet = octets_bytes(&probe->taken);
    if (packet.size > 0) {
        note_bytes(probe, '<', packet);
        check_guard_received(probe, packet);
        keep_connack(probe, packet);
    }
    return packet;
}

struct bytes probe_take(struct probe *probe)
{
    return take_within(probe, TAKE_ANY, probe->check->setup.wire->patience_ms);
}

struct bytes probe_take_any(struct probe *probe)
{
    return take_within(probe, TAKE_ANY, probe->check->setup.wire->window_ms);
}

struct bytes probe_take_bytes(struct probe *probe)
{
    if (probe->down.size == 0)
        hear(probe, probe->check->setup.wire->patience_ms);
    probe->taken.size = 0;
    octets_add(probe, &probe->taken, octets_bytes(&probe->down));
    probe->down.size = 0;
    if (probe->taken.size > 0)
        note_bytes(probe, '<', octets_bytes(&probe->taken));
    return octets_bytes(&probe->taken);
}

/* Whether the packet fits the text, which moves on. */
static bool fits(struct probe *probe, struct bytes packet, const char **text)
{
    enum notation_match match = notation_fits(packet, text, &probe->check->scope);

    if (match == NOTATION_WRONG)
        check_fail(probe->check, "the case itself is wrong: %s", *text);
    return match == NOTATION_FITS;
}

/* For the end of a sentence about what should have come. */
static const char *what_came(const struct probe *probe, struct bytes packet)
{
    if (packet.size > 0)
        return "but another packet came";
    return probe->closed ? "but it was cut off" : "but nothing came";
}

/* Whether a PUBLISH is expected that a server may hold back until another one is acknowledged. */
static bool may_wait(const struct probe *probe, const char *text)
{
    text += strspn(text, " <");
    return probe->check->setup.target->one_at_a_time && !probe->closed && text[0] == '3' &&
            strchr("234567abcdABCD", text[1]);
}

_Noreturn static void fail_packet(struct probe *probe, const char *text, struct bytes packet)
{
    int size = (int)(notation_next(text) - text);

    if (packet.size == 0 && may_wait(probe, text))
        check_skip(probe->check,
                "needs a server that sends a message before the last one is "
                "acknowledged; this one may lawfully wait");

    if (size > 0 && text[size - 1] == '|')
        size--;
    check_fail(probe->check, "client %u gets: %.*s; %s", probe->number, size, text,
            what_came(probe, packet));
}

void probe_expect(struct probe *probe, const char *format, ...)
{
    const char *text = probe->check->text;

    FORMAT(probe->check, format);
    do {
        const char *expected = text;
        struct bytes packet = probe_take(probe);

        if (packet.size == 0 || !fits(probe, packet, &text))
            fail_packet(probe, expected, packet);
    } while (*text);
}

unsigned probe_expect_one(struct probe *probe, const char *format, ...)
{
    const char *text = probe->check->text;
    struct bytes packet;
    unsigned number = 0;

    FORMAT(probe->check, format);
    packet = probe_take(probe);
    for (; *text && packet.size > 0; number++) {
        if (fits(probe, packet, &text))
            return number;
    }
    check_fail(probe->check, "client %u gets one of: %s; %s", probe->number, probe->check->text,
            what_came(probe, packet));
}

enum { PACKETS_MAX = 256 }; /* that one expectation names */

void probe_expect_all(struct probe *probe, const char *format, ...)
{
    const char *expected[PACKETS_MAX];
    const char *text = probe->check->text;
    size_t count = 0;

    FORMAT(probe->check, format);
    for (; *text && count < PACKETS_MAX; text = notation_next(text))
        expected[count++] = text;
    while (count > 0) {
        struct bytes packet = probe_take(probe);
        size_t i = 0;

        for (; i < count && packet.size > 0; i++) {
            text = expected[i];
            if (fits(probe, packet, &text))
                break;
        }
        if (packet.size == 0 || i == count)
            fail_packet(probe, expected[0], packet);
        expected[i] = expected[--count];
    }
}

bool probe_expect_or_closed(struct probe *probe, const char *format, ...)
{
    const char *text = probe->check->text;
    struct bytes packet;

    FORMAT(probe->check, format);
    packet = probe_take(probe);
    if (packet.size == 0 && probe->closed)
        return false;
    if (packet.size == 0 || !fits(probe, packet, &text))
        fail_packet(probe, probe->check->text, packet);
    return true;
}

/* ---- Reason codes ---- */

/* Whether the list, in hex, has the code. */
static bool has_code(const char *codes, uint8_t code)
{
    while (*codes) {
        char *end;

        if (strtoul(codes, &end, 16) == code)
            return true;
        codes = *end ? end + 1 : end;
    }
    return false;
}

static void judge_ack(
        struct probe *probe, struct bytes packet, uint8_t type, uint16_t id, const char *codes)
{
    struct bytes body = check_body(packet);
    bool named = packet.size > 0 && packet.data[0] == type && body.size >= 2 &&
            (body.data[0] << 8 | body.data[1]) == id;
    bool long_form = probe->version == MQTT_5_0 && body.size > 2;

    if (!named || (body.size > 2 && !long_form) || !has_code(codes, long_form ? body.data[2] : 0))
        check_fail(probe->check, "client %u gets: %02x RL %04x with code %s; %s", probe->number,
                (unsigned)type, (unsigned)id, codes, what_came(probe, packet));
}

void probe_expect_ack(struct probe *probe, uint8_t type, uint16_t id, const char *codes)
{
    judge_ack(probe, probe_take(probe), type, id, codes);
}

/* ---- Nothing, and the end ---- */

static void expect_nothing_within(struct probe *probe, int64_t patience_ms)
{
    if (take_within(probe, TAKE_ANY, patience_ms).size > 0)
        check_fail(probe->check, "client %u gets no more than that", probe->number);
    if (probe->closed)
        check_fail(probe->check, "client %u stays connected", probe->number);
    if (probe->down.size > 0)
        check_fail(probe->check, "client %u gets whole packets", probe->number);
}

void probe_expect_nothing(struct probe *probe)
{
    expect_nothing_within(probe, probe->check->setup.wire->window_ms);
}

void probes_expect_nothing(struct check *check)
{
    const struct wire *wire = check->setup.wire;

    wire->functions->pass(wire->context, wire->window_ms);
    for (struct probe *probe = check->probes; probe; probe = probe->next) {
        if (!probe->closed)
            expect_nothing_within(probe, 0);
    }
}

void probe_expect_closed(struct probe *probe)
{
    if (probe_take(probe).size > 0)
        check_fail(probe->check, "client %u is cut off without another packet", probe->number);
    if (!probe->closed)
        check_fail(probe->check, "client %u is cut off", probe->number);
}

/* The packet, if there is one, is the last in 5.0. */
static void expect_last(struct probe *probe, struct bytes packet, const char *codes)
{
    uint8_t type = probe->connected ? DISCONNECT : CONNACK;
    struct bytes body = check_body(packet);
    uint8_t code = 0;

    if (packet.size == 0 && probe->closed)
        return;
    if (type == DISCONNECT && body.size > 0)
        code = body.data[0];
    if (type == CONNACK && body.size > 1 && body.data[0] == 0)
        code = body.data[1];
    if (packet.size == 0 || packet.data[0] != type || !has_code(codes, code))
        check_fail(probe->check, "client %u is cut off, at most with a %s %s before", probe->number,
                type == CONNACK ? "CONNACK" : "DISCONNECT", codes);
    probe_expect_closed(probe);
}

void probe_expect_end(struct probe *probe, const char *codes)
{
    if (probe->version == MQTT_5_0)
        expect_last(probe, probe_take(probe), codes);
    else
        probe_expect_closed(probe);
}

/* ---- Connecting ---- */

/* In hex, for names and passwords may hold the notation's own marks. */
void check_login(const struct check *check, char *out, size_t size)
{
    const struct check_target *target = check->setup.target;
    const char *const texts[] = { target->user, target->password };

    *out = '\0';
    for (size_t i = 0; i < 2 && texts[i]; i++) {
        size_t used = strlen(out);

        used += (size_t)snprintf(out + used, size - used, " %04zx ", strlen(texts[i]));
        for (const char *at = texts[i]; *at && used + 3 < size; at++)
            used += (size_t)snprintf(out + used, size - used, "%02x", (unsigned char)*at);
    }
}

/* Of what check_login() says, in bytes. */
static size_t login_size(const struct check_target *target)
{
    size_t size = target->user ? 2 + strlen(target->user) : 0;

    return target->user && target->password ? size + 2 + strlen(target->password) : size;
}

static uint8_t login_flags(const struct check_target *target)
{
    return (uint8_t)((target->user ? 0x80 : 0) | (target->user && target->password ? 0x40 : 0));
}

/* Sends the CONNECT whose text from the flags on is in the scratch, and what stands behind it. */
static struct probe *send_connect(struct check *check, enum mqtt_version version)
{
    static const char *const names[] = {
        [MQTT_3_1] = "MQIsdp", [MQTT_3_1_1] = "MQTT", [MQTT_5_0] = "MQTT"
    };
    const struct check_target *target = check->setup.target;
    const char *behind = notation_next(check->text);
    char login[CHECK_TEXT_SIZE / 8];
    char text[CHECK_TEXT_SIZE * 2];
    struct probe *probe = open_door(check, WIRE_PLAIN);
    int size = (int)(behind - check->text) - (*behind ? 1 : 0);
    struct bytes packets;

    probe->version = version;
    probe->login_size = login_size(target);
    check_login(check, login, sizeof(login));
    snprintf(text, sizeof(text), "10 RL S'%s' %02x %.*s %s %s%s", names[version], (unsigned)version,
            size, check->text, login, *behind ? "|" : "", behind);
    packets = write_packets(check, text);
    /* The flags stand behind the name and the level. */
    check->packets[packets.size - check_body(packets).size + strlen(names[version]) + 3] |=
            login_flags(target);
    send_bytes(probe, packets);
    return probe;
}

static struct probe *connect_as_said(struct check *check, enum mqtt_version version)
{
    struct probe *probe = send_connect(check, version);
    const char *connack = version == MQTT_5_0 ? "20 RL <00 01> 00 [P]" : "20 02 <00 01> 00";
    const char *expected = connack;
    struct bytes packet = probe_take(probe);

    if (packet.size == 0 || !fits(probe, packet, &connack))
        fail_packet(probe, expected, packet);
    return probe;
}

struct probe *probe_tries(struct check *check, const char *format, ...)
{
    FORMAT(check, format);
    return send_connect(check, check->setup.version);
}

struct probe *probe_connects(struct check *check, const char *format, ...)
{
    FORMAT(check, format);
    return connect_as_said(check, check->setup.version);
}

struct probe *probe_connects_as(
        struct check *check, enum mqtt_version version, const char *format, ...)
{
    FORMAT(check, format);
    return connect_as_said(check, version);
}

struct probe *probe_connected(struct check *check, const char *id)
{
    return probe_connects(
            check, "02 0000 %s S'%s'", check->setup.version == MQTT_5_0 ? "00" : "", id);
}

struct probe *probe_resumed(struct check *check, const char *id, bool present)
{
    bool v5 = check->setup.version == MQTT_5_0;
    struct probe *probe = probe_connects(check, "00 0000 %s S'%s'", v5 ? "(11 0000003c)" : "", id);

    if (check->setup.version != MQTT_3_1 && probe_present(probe) != present)
        check_fail(check, "Session Present is %d for client %u", present, probe->number);
    return probe;
}

bool probe_present(const struct probe *probe)
{
    struct bytes body = check_body(octets_bytes(&probe->connack));

    return body.size > 0 && (body.data[0] & 1);
}

struct bytes probe_connack(const struct probe *probe)
{
    return octets_bytes(&probe->connack);
}

void probe_disconnects(struct probe *probe)
{
    probe_send(probe, "E0 00");
    probe_expect_closed(probe);
}

/* ---- Packet ids and sizes ---- */

uint16_t probe_id(const struct probe *probe, unsigned which)
{
    assert(which < NOTATION_IDS);
    return probe->check->scope.ids[which];
}

void probe_forget_ids(struct probe *probe)
{
    memset(probe->check->scope.ids, 0, sizeof(probe->check->scope.ids));
}

const char *check_repeat(char *out, size_t size, const char *part, unsigned times)
{
    size_t part_size = strlen(part);

    assert(part_size * times < size);
    for (unsigned i = 0; i < times; i++)
        memcpy(out + i * part_size, part, part_size);
    out[part_size * times] = '\0';
    return out;
}

struct bytes probe_bytes(struct probe *probe, const char *format, ...)
{
    FORMAT(probe->check, format);
    return write_packets(probe->check, probe->check->text);
}

size_t probe_size(struct probe *probe, const char *format, ...)
{
    FORMAT(probe->check, format);
    return write_packets(probe->check, probe->check->text).size;
}

/* ---- What most cases do ---- */

static const char *no_properties(const struct probe *probe)
{
    return probe->version == MQTT_5_0 ? "00" : "";
}

static struct bytes take_answer(struct probe *probe)
{
    return take_within(probe, TAKE_ANSWER, probe->check->setup.wire->patience_ms);
}

void probe_subscribes(struct probe *probe, const char *filter, uint8_t options)
{
    char text[ANSWER_TEXT_SIZE];
    const char *expected = text;
    struct bytes packet;

    probe_send(probe, "82 RL %04x %s S'%s' %02x", OUR_ID, no_properties(probe), filter, options);
    snprintf(text, sizeof(text), "90 RL %04x %s %02x", OUR_ID,
            probe->version == MQTT_5_0 ? "[P]" : "", options & 3);
    packet = take_answer(probe);
    if (packet.size == 0 || !fits(probe, packet, &expected))
        fail_packet(probe, text, packet);
}

static void expect_no_grant(struct probe *probe)
{
    const char *suback = "90 RL 0001 [P] 8F";
    struct bytes packet;

    if (probe->version != MQTT_5_0) {
        probe_expect_closed(probe);
        return;
    }
    packet = probe_take(probe);
    if (packet.size == 0 || !fits(probe, packet, &suback))
        expect_last(probe, packet, "81 82 8F");
}

void check_refuses_filters(struct check *check, const char *filters)
{
    for (const char *next; *filters; filters = next) {
        struct probe *probe = probe_connected(check, "~c");

        next = notation_next(filters);
        probe_send(
                probe, "82 RL 0001 %s %.*s", no_properties(probe), (int)(next - filters), filters);
        expect_no_grant(probe);
    }
}

void probe_publishes(struct probe *probe, uint8_t flags, const char *topic, const char *payload)
{
    unsigned qos = flags >> 1 & 3;
    const char *properties = no_properties(probe);

    if (qos == 0) {
        probe_send(probe, "%02x RL S'%s' %s '%s'", 0x30u | flags, topic, properties, payload);
        return;
    }
    probe_send(
            probe, "%02x RL S'%s' %04x %s '%s'", 0x30u | flags, topic, OUR_ID, properties, payload);
    judge_ack(probe, take_answer(probe), qos == 1 ? 0x40 : PUBREC, OUR_ID, "00 10");
    if (qos == 1)
        return;
    probe_send(probe, "62 02 %04x", OUR_ID);
    judge_ack(probe, take_answer(probe), 0x70, OUR_ID, "00");
}

void probe_receives(struct probe *probe, uint8_t first, const char *topic, const char *payload)
{
    unsigned qos = first >> 1 & 3;
    uint16_t id;

    probe_expect(probe, "%02x RL S'%s' %s %s '%s'", (unsigned)first, topic, qos > 0 ? "id" : "",
            no_properties(probe), payload);
    id = probe_id(probe, 0);
    if (qos == 1)
        probe_send(probe, "40 02 %04x", (unsigned)id);
    if (qos < 2)
        return;
    probe_send(probe, "50 02 %04x", (unsigned)id);
    probe_expect_ack(probe, 0x62, id, "00");
    probe_send(probe, "70 02 %04x", (unsigned)id);
}

void probe_expect_timeout(struct probe *probe)
{
    for (unsigned s = 0; s < GRACE_S && probe_is_open(probe); s++)
        check_wait(probe->check, 1000);
    probe_expect_end(probe, "8D");
}
