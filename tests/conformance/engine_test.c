/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client engine against the server: two of them send each other messages, and the first one's
 * connection is cut behind every packet and every event in turn, with and without the end of its
 * program. Nothing that was acknowledged is lost, QoS 2 comes once, and the order is kept.
 */
#include "nightjar/engine.h"
#include "tests/harness/peer.h"

enum {
    MESSAGES = 3, /* each way */
    SLOTS = 2,
    HELD = 2,
    ROOMY = 256,
    TINY_OUT = 40, /* bytes: a CONNECT of 5.0 fits, and two of our messages do not */
    TINY_IN = 64,
    SEEN_MAX = 64,
    STEPS_MAX = 1000,
    NEVER = 1000, /* no run has so many packets */
};

static const enum nj_version versions[] = { NJ_MQTT_3_1_1, NJ_MQTT_5_0 };

/* What a run is about. */
struct trial {
    enum nj_version version;
    uint8_t qos;
    bool tiny;     /* buffers hold hardly a message, and bytes come one by one */
    bool restarts; /* with the connection the program ends; slots and held ids were kept */
    unsigned cut;  /* behind so many packets and events of the first client */
};

/* A client, what it works in, and what it has heard. */
struct station {
    const struct trial *trial;
    struct server *server;
    struct peer *peer;
    struct nj_engine engine;
    struct nj_engine_setup setup;
    uint8_t in[ROOMY];
    uint8_t out[ROOMY];
    struct nj_slot slots[SLOTS];
    uint16_t held[HELD];
    const char *id; /* also the topic that it subscribes */
    const char *other;
    bool connected;
    bool subscribed;
    unsigned sent;
    unsigned done;
    char seen[SEEN_MAX]; /* the payloads that came, in their order */
    size_t seen_count;
    unsigned crossings; /* packets and events since the cuts count */
    bool counts;
    bool was_cut;
};

static void station_connect(struct station *station)
{
    const struct nj_connect_options options = {
        .client_id = nj_text(station->id),
        .properties =
                nj_bytes_of("\x11\xff\xff\xff\xff", station->trial->version == NJ_MQTT_5_0 ? 5 : 0),
    };

    station->peer = peer_open(station->server);
    station->connected = false;
    assert_int_equal(nj_engine_connect(&station->engine, &options, station->server->now_ms), NJ_OK);
}

static void station_init(struct station *station, struct server *server, const struct trial *trial,
        const char *id, const char *other)
{
    *station = (struct station){ .trial = trial, .server = server, .id = id, .other = other };
    station->setup = (struct nj_engine_setup){
        .version = trial->version,
        .in = station->in,
        .in_size = trial->tiny ? TINY_IN : ROOMY,
        .out = station->out,
        .out_size = trial->tiny ? TINY_OUT : ROOMY,
        .slots = station->slots,
        .slot_count = SLOTS,
        .held = station->held,
        .held_count = HELD,
    };
    nj_engine_init(&station->engine, &station->setup);
    station_connect(station);
}

/* Counts a packet or event; true when the connection is cut behind it, and a new one made. */
static bool crosses(struct station *station)
{
    if (!station->counts || station->was_cut || ++station->crossings != station->trial->cut)
        return false;
    station->was_cut = true;
    peer_cut(station->peer);
    server_run(station->server);
    if (station->trial->restarts)
        nj_engine_init(&station->engine, &station->setup);
    else
        nj_engine_closed(&station->engine);
    station_connect(station);
    return true;
}

static struct nj_message message_of(const struct station *station, uint32_t tag, char *payload)
{
    *payload = (char)('0' + tag);
    return (struct nj_message){
        .topic = nj_text(station->other),
        .payload = nj_bytes_of(payload, 1),
        .qos = station->trial->qos,
    };
}

static void send_again(struct station *station, const struct nj_event *event)
{
    char payload;
    struct nj_message message = message_of(station, event->tag, &payload);
    enum nj_error error =
            nj_engine_send_again(&station->engine, event->id, &message, station->server->now_ms);

    assert_true(error == NJ_OK || error == NJ_LATER);
}

static void hear(struct station *station, const struct nj_event *event)
{
    switch (event->kind) {
    case NJ_EVENT_CONNECTED:
        station->connected = true;
        assert_int_equal(event->session_present, station->was_cut);
        break;
    case NJ_EVENT_MESSAGE:
        assert_true(station->seen_count < SEEN_MAX);
        station->seen[station->seen_count++] = *(const char *)event->message.payload.data;
        break;
    case NJ_EVENT_DONE:
        assert_int_equal(event->reason, 0);
        station->done++;
        break;
    case NJ_EVENT_SEND_AGAIN:
        send_again(station, event);
        break;
    case NJ_EVENT_SUBSCRIBED:
        station->subscribed = true;
        break;
    case NJ_EVENT_REFUSED:
    case NJ_EVENT_LOST:
    case NJ_EVENT_UNSUBSCRIBED:
    case NJ_EVENT_AUTH:
    case NJ_EVENT_ENDED:
        fail_msg("event %d, reason %#x", (int)event->kind, event->reason);
    }
}

/* Takes events until there is none; true when the connection was cut on the way. */
static bool listen(struct station *station)
{
    struct nj_event event;

    while (nj_engine_next(&station->engine, &event, station->server->now_ms)) {
        hear(station, &event);
        if (crosses(station))
            return true;
    }
    return false;
}

/* Lets one packet of the engine's output go. */
static bool write_one(struct station *station)
{
    struct nj_bytes output = nj_engine_output(&station->engine);
    struct mqtt_header header = { 0 };

    if (output.size == 0)
        return false;
    assert_int_equal(
            mqtt_header_read(&header, bytes_of(output.data, output.size)), MQTT_HEADER_DONE);
    peer_send_bytes(station->peer, bytes_of(output.data, header.size + header.remaining));
    nj_engine_sent(&station->engine, header.size + header.remaining);
    crosses(station);
    return true;
}

/* Gives the engine one packet, in one piece or byte by byte. */
static bool read_one(struct station *station)
{
    uint8_t copy[ROOMY];
    struct bytes packet;
    size_t piece;

    if (listen(station) || !nj_engine_may_receive(&station->engine))
        return false;
    packet = peer_take(station->peer);
    if (packet.size == 0)
        return false;
    assert_true(packet.size <= sizeof(copy));
    memcpy(copy, packet.data, packet.size);
    piece = station->trial->tiny ? 1 : packet.size;
    for (size_t at = 0; at < packet.size; at += piece) {
        nj_engine_receive(&station->engine, copy + at, piece);
        if (listen(station))
            return true;
        while (!nj_engine_may_receive(&station->engine)) {
            assert_true(write_one(station));
            if (listen(station))
                return true;
        }
    }
    crosses(station);
    return true;
}

static bool send_one(struct station *station)
{
    char payload;
    struct nj_message message;
    uint16_t id;

    if (!station->counts || !station->connected || station->sent == MESSAGES)
        return false;
    message = message_of(station, station->sent, &payload);
    if (nj_engine_send(&station->engine, &message, station->sent, &id, station->server->now_ms) !=
            NJ_OK)
        return false;
    station->sent++;
    return true;
}

/* Until neither has anything to do. */
static void run(struct station *a, struct station *b)
{
    unsigned steps = 0;
    bool busy = true;

    while (busy) {
        busy = send_one(a);
        busy |= write_one(a);
        busy |= read_one(a);
        busy |= send_one(b);
        busy |= write_one(b);
        busy |= read_one(b);
        assert_true(++steps < STEPS_MAX);
    }
}

static void subscribe(struct station *station)
{
    const struct nj_subscription wanted = { .filter = nj_text(station->id), .qos = 2 };
    uint16_t id;

    assert_true(station->connected);
    assert_int_equal(nj_engine_subscribe(&station->engine, &wanted, 1, nj_bytes_of(NULL, 0), &id,
                             station->server->now_ms),
            NJ_OK);
}

/* What came: of QoS 0 some, of QoS 1 all and perhaps some twice, of QoS 2 all once; in order. */
static void check(const struct station *station, unsigned run_number)
{
    const struct trial *trial = station->trial;
    char first[MESSAGES + 1] = "";
    size_t count = 0;

    for (size_t i = 0; i < station->seen_count; i++) {
        if (count > 0 && station->seen[i] <= first[count - 1]) {
            if (trial->qos != 1)
                fail_msg("cut %u: %s hears %s", run_number, station->id, station->seen);
            continue;
        }
        assert_true(count < MESSAGES);
        first[count++] = station->seen[i];
    }
    if (trial->qos > 0 && strcmp(first, "012") != 0)
        fail_msg("cut %u: %s hears %s", run_number, station->id, station->seen);
    assert_int_equal(station->done, trial->qos > 0 ? MESSAGES : 0);
}

/* One run; false when it ended before the cut was reached. */
static bool try_cut(const struct trial *trial)
{
    struct server *server = server_new(2);
    struct station a;
    struct station b;
    bool was_cut;

    station_init(&a, server, trial, "a", "b");
    station_init(&b, server, trial, "b", "a");
    run(&a, &b);
    subscribe(&a);
    subscribe(&b);
    run(&a, &b);
    assert_true(a.subscribed && b.subscribed);
    a.counts = b.counts = true;
    b.was_cut = true; /* its connection stays */
    run(&a, &b);
    was_cut = a.was_cut;
    assert_int_equal(a.sent, MESSAGES);
    assert_int_equal(b.sent, MESSAGES);
    if (was_cut || trial->qos > 0) {
        check(&a, trial->cut);
        check(&b, trial->cut);
    }
    server_end(server);
    return was_cut;
}

static void try_all_cuts(uint8_t qos)
{
    for (unsigned i = 0; i < 2 * 2 * 2; i++) {
        struct trial trial = {
            .version = versions[i & 1], .qos = qos, .tiny = i & 2, .restarts = i & 4
        };

        for (trial.cut = 1; try_cut(&trial); trial.cut++)
            assert_true(trial.cut < NEVER);
        assert_true(trial.cut > MESSAGES); /* there was something to cut */
    }
}

TEST(qos_0_keeps_its_order_through_every_cut)
{
    try_all_cuts(0);
}

SPEC_TEST("MQTT5-4.3.2-3 MQTT5-4.4.0-1 MQTT311-4.3.2-1 MQTT311-4.4.0-1 MQTT5-4.6.0-1",
        qos_1_is_lost_at_no_cut)
{
    try_all_cuts(1);
}

SPEC_TEST("MQTT5-4.3.3-3 MQTT5-4.3.3-5 MQTT5-4.3.3-6 MQTT5-4.3.3-10 MQTT311-4.3.3-1 "
          "MQTT311-4.3.3-2 MQTT5-4.6.0-1",
        qos_2_comes_once_through_every_cut)
{
    try_all_cuts(2);
}
