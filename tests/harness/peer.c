/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/peer.h"

#include "check/notation.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_SIZE_MAX = 4096, /* of what a test writes at once */
    SHOWN_MAX = 40,       /* bytes of a packet in the transcript */
    DISCONNECT_BYTE = 0xE0,
    CONNACK_BYTE = 0x20,
};

/* Bytes that are added behind and taken in front. */
struct octets {
    uint8_t *data;
    size_t at; /* the first of them */
    size_t size;
    size_t capacity;
};

struct peer {
    struct server *server;
    struct peer *next;
    unsigned number;
    unsigned shard;
    uint8_t version;               /* that its first packet, a CONNECT, spoke */
    struct connection *connection; /* NULL while it moves, and when it is closed */
    bool at_side;                  /* it came to the side listener */
    bool open;
    bool waits;      /* it is not to be read */
    bool ended;      /* core reads it no more */
    bool deaf;       /* it takes no output */
    bool output_due; /* core has more to fill */
    int64_t opened_ms;
    struct octets up;     /* sent by the peer, not used by core */
    struct octets unsent; /* filled by core, not taken by the peer; then the tail */
    struct bytes tail;
    struct message *owner;
    struct octets down;  /* taken by the peer */
    struct octets taken; /* the packet that peer_take() gave */
};

/* ---- Bytes ---- */

static void octets_add(struct octets *octets, struct bytes bytes)
{
    if (octets->at + octets->size + bytes.size > octets->capacity) {
        size_t capacity = (octets->size + bytes.size) * 2;
        uint8_t *data = malloc(capacity);

        assert_non_null(data);
        if (octets->size > 0)
            memcpy(data, octets->data + octets->at, octets->size);
        free(octets->data);
        *octets = (struct octets){ data, 0, octets->size, capacity };
    }
    if (bytes.size > 0)
        memcpy(octets->data + octets->at + octets->size, bytes.data, bytes.size);
    octets->size += bytes.size;
}

static void octets_consume(struct octets *octets, size_t size)
{
    assert_in_range(size, 0, octets->size);
    octets->size -= size;
    octets->at = octets->size > 0 ? octets->at + size : 0;
}

static struct bytes octets_bytes(const struct octets *octets)
{
    return octets->data ? bytes_of(octets->data + octets->at, octets->size) : (struct bytes){ 0 };
}

static void octets_free(struct octets *octets)
{
    free(octets->data);
    *octets = (struct octets){ 0 };
}

static void note_bytes(const struct peer *peer, const char *direction, struct bytes bytes)
{
    char text[SHOWN_MAX * 3 + 1];
    size_t shown = bytes.size < SHOWN_MAX ? bytes.size : SHOWN_MAX;

    for (size_t i = 0; i < shown; i++)
        snprintf(text + i * 3, 4, "%02x ", bytes.data[i]);
    text[shown * 3] = '\0';
    server_note(peer->server, "peer %u %s (%zu) %s", peer->number, direction, bytes.size, text);
}

/* ---- Transports ---- */

void peer_taken_over(void *link)
{
    struct peer *peer = link;

    if (peer->server->taken_over)
        peer->server->taken_over(peer->server->taken_over_context, peer);
}

static bool land(struct peer *peer, bool moved)
{
    struct server *server = peer->server;
    enum mqtt_reason refusal = MQTT_SUCCESS;
    const struct arrival arrival = { .link = peer,
        .listener = peer->at_side ? &server->side_listener : &server->listener,
        .peer = BYTES("peer"),
        .accepted_ms = peer->opened_ms,
        .moved = moved };

    peer->connection =
            core_accept(server->shards[peer->shard].core, &arrival, server->now_ms, &refusal);
    server->shards[peer->shard].awake = true;
    if (peer->connection && server->introduction.peer.size > 0 &&
            !core_introduce(
                    server->shards[peer->shard].core, peer->connection, &server->introduction)) {
        core_close(server->shards[peer->shard].core, peer->connection, server->now_ms);
        peer->connection = NULL;
        refusal = MQTT_SERVER_BUSY;
    }
    if (peer->connection)
        return true;
    peer->open = false;
    server_note(server, "peer %u is refused: %s", peer->number, mqtt_reason_name(refusal));
    assert_true(refusal >= MQTT_UNSPECIFIED_ERROR);
    return false;
}

struct peer *peer_open(struct server *server)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    assert_non_null(peer);
    server_start(server);
    peer->server = server;
    peer->next = server->peers;
    server->peers = peer;
    peer->number = ++server->arrivals;
    peer->shard = server->arrivals % server->shard_count;
    peer->at_side = server->at_side;
    peer->open = true;
    peer->opened_ms = server->now_ms;
    if (!land(peer, false) && !server->may_refuse)
        server_note(server, "peer %u is not taken in", peer->number);
    server_run(server);
    return peer;
}

static void close_transport(struct peer *peer)
{
    struct core *core = peer->server->shards[peer->shard].core;

    if (!peer->open)
        return;
    if (peer->owner)
        message_release(core, peer->owner);
    peer->owner = NULL;
    if (peer->connection)
        core_close(core, peer->connection, peer->server->now_ms);
    peer->connection = NULL;
    peer->open = false;
    peer->server->shards[peer->shard].awake = true;
    server_note(peer->server, "peer %u closed", peer->number);
}

void peer_cut(struct peer *peer)
{
    server_note(peer->server, "peer %u cuts", peer->number);
    close_transport(peer);
    server_run(peer->server);
}

void peer_evict(struct peer *peer)
{
    struct server *server = peer->server;

    core_evict(server->shards[peer->shard].core, peer->connection, server->now_ms);
    server->shards[peer->shard].awake = true;
    server_run(server);
}

enum mqtt_reason peer_changes_will(struct peer *peer, const struct mqtt_will *will)
{
    struct server *server = peer->server;

    server->shards[peer->shard].awake = true;
    return core_change_will(
            server->shards[peer->shard].core, peer->connection, will, server->now_ms);
}

struct bytes peer_client_id(const struct peer *peer)
{
    return peer->connection ? connection_client_id(peer->connection) : (struct bytes){ 0 };
}

uint32_t peer_session_expiry_s(const struct peer *peer)
{
    return peer->connection ? connection_session_expiry_s(peer->connection) : 0;
}

void peer_stop_reading(struct peer *peer)
{
    peer->deaf = true;
}

void peer_read_on(struct peer *peer)
{
    peer->deaf = false;
    peer->server->shards[peer->shard].awake = true;
    server_run(peer->server);
}

bool peer_is_open(const struct peer *peer)
{
    return peer->open;
}

/* ---- The server's turns ---- */

static void feed(struct peer *peer)
{
    struct server *server = peer->server;
    struct core *core = server->shards[peer->shard].core;
    struct core_received received;

    do {
        received = core_receive(core, peer->connection, octets_bytes(&peer->up), server->now_ms);
        octets_consume(&peer->up, received.used);
        peers_write_full(server, peer->shard);
    } while (received.verdict == CORE_AGAIN && peer->open);
    assert_int_equal(server->locks.state->held, 0);
    switch (received.verdict) {
    case CORE_READ:
    case CORE_AGAIN:
        break;
    case CORE_WAIT:
        peer->waits = true;
        break;
    case CORE_MOVE:
        if (core_send_parcel(core, peer->connection, received.home, peer)) {
            peer->connection = NULL;
            peer->shard = received.home;
        }
        peer->waits = true;
        break;
    case CORE_END:
        peer->ended = true;
        peer->output_due = true;
        break;
    }
}

static void read_peer(struct peer *peer)
{
    if (!peer->connection || peer->waits || peer->ended)
        return;
    feed(peer);
}

void peers_read(struct server *server, unsigned shard)
{
    /* In order of arrival. */
    for (unsigned number = 1; number <= server->arrivals; number++) {
        for (struct peer *peer = server->peers; peer; peer = peer->next) {
            if (peer->number == number && peer->shard == shard && peer->up.size > 0)
                read_peer(peer);
        }
    }
}

void peers_take_parcels(struct server *server, unsigned shard)
{
    struct peer *peer;

    while ((peer = core_next_parcel(server->shards[shard].core))) {
        assert_int_equal(peer->shard, shard);
        server_note(server, "peer %u moves to shard %u", peer->number, shard);
        peer->waits = false;
        if (peer->open && land(peer, true))
            read_peer(peer);
    }
}

/* What the peer's system takes of what was filled; false when it takes nothing. */
static bool push(struct peer *peer)
{
    if (peer->deaf && peer->unsent.size + peer->tail.size > 0)
        return false;
    octets_add(&peer->down, octets_bytes(&peer->unsent));
    octets_add(&peer->down, peer->tail);
    peer->unsent.size = 0;
    peer->tail = (struct bytes){ 0 };
    if (peer->owner)
        message_release(peer->server->shards[peer->shard].core, peer->owner);
    peer->owner = NULL;
    return true;
}

static void fill(struct peer *peer)
{
    struct server *server = peer->server;
    struct core *core = server->shards[peer->shard].core;
    struct output out = { .head = server->head, .head_size = server->head_size };

    peer->output_due = core_fill(core, peer->connection, &out, server->now_ms);
    if (out.head_wanted > 0) {
        assert_true(out.head_wanted > out.head_size);
        out.head_size = out.head_wanted;
        out.head = malloc(out.head_size);
        assert_non_null(out.head);
        peer->output_due = core_fill(core, peer->connection, &out, server->now_ms);
        assert_int_equal(out.head_wanted, 0);
    }
    assert_true(out.head_used <= out.head_size);
    octets_add(&peer->unsent, bytes_of(out.head, out.head_used));
    peer->tail = out.tail;
    peer->owner = out.owner;
    if (out.head != server->head)
        free(out.head);
}

static void write_peer(struct peer *peer)
{
    if (connection_fate(peer->connection) == CONNECTION_DROPS) {
        close_transport(peer);
        return;
    }
    while (push(peer) && peer->output_due) {
        fill(peer);
        if (peer->output_due && peer->unsent.size + peer->tail.size == 0)
            break; /* It has something, but cannot now: it is short of memory. */
    }
    if (connection_fate(peer->connection) != CONNECTION_STAYS && !peer->output_due &&
            peer->unsent.size + peer->tail.size == 0)
        close_transport(peer);
}

void peers_write(struct server *server, unsigned shard)
{
    struct connection *connection;

    while ((connection = core_next_output(server->shards[shard].core)))
        ((struct peer *)connection_link(connection))->output_due = true;
    for (struct peer *peer = server->peers; peer; peer = peer->next) {
        if (peer->shard == shard && peer->connection)
            write_peer(peer);
    }
}

void peers_write_full(struct server *server, unsigned shard)
{
    struct connection *connection;

    while ((connection = core_next_full(server->shards[shard].core))) {
        struct peer *peer = connection_link(connection);

        peer->output_due = true;
        write_peer(peer);
    }
}

void peers_wake(struct server *server, unsigned shard)
{
    struct connection *connection;

    while ((connection = core_next_ready(server->shards[shard].core))) {
        ((struct peer *)connection_link(connection))->waits = false;
        server->shards[shard].awake = true;
    }
}

void peers_lose(struct server *server)
{
    for (struct peer *peer = server->peers; peer; peer = peer->next) {
        if (peer->owner)
            message_release(server->shards[peer->shard].core, peer->owner);
        peer->owner = NULL;
        peer->connection = NULL;
        peer->open = false;
    }
}

void peers_free(struct server *server)
{
    struct peer *peer;

    while ((peer = server->peers)) {
        close_transport(peer);
        server->peers = peer->next;
        octets_free(&peer->up);
        octets_free(&peer->unsent);
        octets_free(&peer->down);
        octets_free(&peer->taken);
        free(peer);
    }
}

/* ---- Sending ---- */

/* The size of the packet that stands first; 0 when there is no whole one. */
static size_t packet_size(struct bytes bytes, size_t *head_size)
{
    size_t remaining = 0;
    size_t at = 1;

    for (; at < bytes.size && at <= 4; at++) {
        remaining |= (size_t)(bytes.data[at] & 0x7F) << (at - 1) * 7;
        if (bytes.data[at] < 0x80)
            break;
    }
    *head_size = at + 1;
    return at >= bytes.size || at + 1 + remaining > bytes.size ? 0 : at + 1 + remaining;
}

/* The level of a CONNECT, which stands behind the protocol's name. */
static uint8_t level_of(struct bytes packet)
{
    size_t at;

    if (packet_size(packet, &at) < at + 2 || packet.size <= at + 2u + packet.data[at + 1])
        return 0;
    return packet.data[at + 2u + packet.data[at + 1]];
}

void peer_send_bytes(struct peer *peer, struct bytes bytes)
{
    if (peer->version == 0)
        peer->version = level_of(bytes);
    note_bytes(peer, ">>", bytes);
    if (!peer->open)
        return;
    octets_add(&peer->up, bytes);
    peer->server->shards[peer->shard].awake = true;
    server_run(peer->server);
}

void peer_send(struct peer *peer, const char *format, ...)
{
    static const struct notation_scope scope;
    char text[TEXT_SIZE_MAX];
    uint8_t bytes[TEXT_SIZE_MAX];
    struct writer out = { .data = bytes, .size = sizeof(bytes) };
    const char *rest = text;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_in_range(size, 0, sizeof(text) - 1);
    while (*rest) {
        struct writer one = { .data = bytes + out.used, .size = sizeof(bytes) - out.used };

        if (notation_write(&one, &rest, &scope) || one.failed)
            server_fail(peer->server, __FILE__, __LINE__, "not in the notation: %s", rest);
        out.used += one.used;
    }
    peer_send_bytes(peer, writer_written(&out));
}

size_t peer_unread(const struct peer *peer)
{
    return peer->up.size;
}

/* ---- Expecting ---- */

struct bytes peer_take(struct peer *peer)
{
    size_t head_size;
    size_t size = packet_size(octets_bytes(&peer->down), &head_size);

    peer->taken.size = 0;
    octets_add(&peer->taken, bytes_first(octets_bytes(&peer->down), size));
    octets_consume(&peer->down, size);
    if (size > 0)
        note_bytes(peer, "<<", octets_bytes(&peer->taken));
    return octets_bytes(&peer->taken);
}

struct bytes peer_take_bytes(struct peer *peer, size_t size_max)
{
    size_t size = peer->down.size < size_max ? peer->down.size : size_max;

    peer->taken.size = 0;
    octets_add(&peer->taken, bytes_first(octets_bytes(&peer->down), size));
    octets_consume(&peer->down, size);
    return octets_bytes(&peer->taken);
}

size_t peer_untaken(const struct peer *peer)
{
    return peer->down.size;
}

uint64_t peer_backlog(const struct peer *peer)
{
    return peer->connection ? connection_backlog(peer->connection) : 0;
}

void peer_expect_at(const char *file, int line, struct peer *peer, const char *format, ...)
{
    struct notation_scope scope = { 0 };
    char text[TEXT_SIZE_MAX];
    const char *rest = text;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_in_range(size, 0, sizeof(text) - 1);
    while (*rest) {
        const char *expected = rest;
        struct bytes got = peer_take(peer);

        if (got.size == 0)
            server_fail(peer->server, file, line, "nothing has come for peer %u instead of: %s",
                    peer->number, expected);
        if (notation_fits(got, &rest, &scope) != NOTATION_FITS)
            server_fail(peer->server, file, line, "the last packet of peer %u is not: %s",
                    peer->number, expected);
    }
}

void peer_expect_nothing_at(const char *file, int line, struct peer *peer)
{
    if (peer->down.size > 0) {
        peer_take(peer);
        server_fail(peer->server, file, line, "peer %u got more", peer->number);
    }
    if (!peer->open)
        server_fail(peer->server, file, line, "peer %u is closed", peer->number);
}

void peer_expect_end_at(const char *file, int line, struct peer *peer, enum mqtt_reason reason)
{
    struct bytes last = peer_take(peer);

    if (last.size > 0) {
        size_t at = last.data[0] == CONNACK_BYTE ? 3 : 2;
        bool says_why = last.data[0] == CONNACK_BYTE || last.data[0] == DISCONNECT_BYTE;

        if (!says_why || last.size <= at || last.data[at] != reason)
            server_fail(peer->server, file, line, "the last packet of peer %u does not say %02x",
                    peer->number, (unsigned)reason);
    }
    peer_expect_closed_at(file, line, peer);
}

void peer_expect_closed_at(const char *file, int line, struct peer *peer)
{
    if (peer->down.size > 0) {
        peer_take(peer);
        server_fail(peer->server, file, line, "peer %u got more", peer->number);
    }
    if (peer->open)
        server_fail(peer->server, file, line, "peer %u is still open", peer->number);
}

/* ---- What most tests begin with ---- */

struct peer *peer_connected_at(const char *file, int line, struct server *server, const char *id,
        enum mqtt_version version)
{
    struct peer *peer = peer_open(server);
    const char *name = version == MQTT_3_1 ? "MQIsdp" : "MQTT";
    bool v5 = version == MQTT_5_0;

    peer_send(
            peer, "10 RL S'%s' %02x 02 0000 %s S'%s'", name, (unsigned)version, v5 ? "00" : "", id);
    peer_expect_at(file, line, peer, v5 ? "20 RL 00 00 *" : "20 RL 00 00");
    return peer;
}

struct peer *peer_resumed_at(const char *file, int line, struct server *server, const char *id,
        enum mqtt_version version, bool present)
{
    struct peer *peer = peer_open(server);
    const char *name = version == MQTT_3_1 ? "MQIsdp" : "MQTT";
    bool v5 = version == MQTT_5_0;

    peer_send(peer, "10 RL S'%s' %02x 00 0000 %s S'%s'", name, (unsigned)version,
            v5 ? "(11 ffffffff)" : "", id);
    peer_expect_at(file, line, peer, v5 ? "20 RL %02x 00 *" : "20 RL %02x 00",
            present && version != MQTT_3_1);
    return peer;
}

/* The packet id of what the helpers send; their exchanges are over when they return. */
enum { HELPER_ID = 0x7FFF };

void peer_subscribed_at(
        const char *file, int line, struct peer *peer, const char *filter, uint8_t options)
{
    const char *properties = peer->version == MQTT_5_0 ? "00" : "";

    peer_send(peer, "82 RL %04x %s S'%s' %02x", HELPER_ID, properties, filter, options);
    peer_expect_at(file, line, peer, "90 RL %04x %s %02x", HELPER_ID, properties, options & 3);
}

void peer_publishes_at(const char *file, int line, struct peer *peer, uint8_t flags,
        const char *topic, const char *payload)
{
    const char *properties = peer->version == MQTT_5_0 ? "00" : "";
    unsigned qos = flags >> 1 & 3;
    struct bytes answer;

    if (qos == 0) {
        peer_send(peer, "%02x RL S'%s' %s '%s'", 0x30u | flags, topic, properties, payload);
        return;
    }
    peer_send(peer, "%02x RL S'%s' %04x %s '%s'", 0x30u | flags, topic, HELPER_ID, properties,
            payload);
    answer = peer_take(peer);
    if (answer.size < 4 || answer.data[0] != (qos == 1 ? 0x40 : 0x50) ||
            (answer.size > 4 && answer.data[4] >= MQTT_UNSPECIFIED_ERROR))
        server_fail(peer->server, file, line, "peer %u is not acknowledged", peer->number);
    if (qos == 1)
        return;
    peer_send(peer, "62 02 %04x", HELPER_ID);
    peer_expect_at(file, line, peer, "70 02 %04x", HELPER_ID);
}
