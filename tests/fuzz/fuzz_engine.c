/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client engine as the victim of its server, which sends any bytes in any pieces while the
 * program sends, subscribes, waits, and connects again. What the engine tells is well-formed, and
 * all that it sends are packets that a client may send.
 *
 * The first byte of the input says the version, and whether the session is a new one. Then come
 * pieces: a byte of which two bits say what the program does before, and six how many bytes of the
 * server follow.
 */
#include "nightjar/engine.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"
#include "tests/harness/any_packet.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SLOTS = 3,
    HELD = 2,
    ALIASES = 2,
    ALIAS_SIZE = 8,
    BUFFER_SIZE = 64,
    PIECE_MAX = 63,
    STEP_MS = 7000,
    ANSWER_MAX = 8, /* bytes of the longest packet that the engine sends for one that came */
};

enum action { SEND, SUBSCRIBE, WRITE, CONNECT_AGAIN };

struct victim {
    struct nj_engine engine;
    uint8_t in[BUFFER_SIZE];
    uint8_t out[BUFFER_SIZE];
    struct nj_slot slots[SLOTS];
    uint16_t held[HELD];
    uint8_t aliases[ALIASES * ALIAS_SIZE];
    enum mqtt_version version;
    uint8_t stream[BUFFER_SIZE * 2]; /* what went out, up to the end of the last packet */
    size_t stream_size;
    bool has_connected; /* CONNECT went out */
    bool ended;         /* the end of the connection was told */
    bool clean_start;
    unsigned steps;
    int64_t now_ms;
};

/* Takes the packets off what went out; each is one that a client may send. */
static void check_stream(struct victim *victim)
{
    struct bytes rest = bytes_of(victim->stream, victim->stream_size);
    struct mqtt_header header;

    while (mqtt_header_read(&header, rest) == MQTT_HEADER_DONE &&
            rest.size >= header.size + header.remaining) {
        struct any_packet packet = { .type = header.type };
        uint8_t plain[BUFFER_SIZE];

        plain[0] = rest.data[0];
        memcpy(plain + 1, rest.data + header.size, header.remaining);
        assert(any_packet_decode(&packet, bytes_of(plain, 1 + header.remaining), victim->version,
                       MQTT_FROM_CLIENT) == MQTT_SUCCESS);
        assert((header.type == MQTT_CONNECT) == !victim->has_connected);
        victim->has_connected = true;
        rest = bytes_from(rest, header.size + header.remaining);
    }
    assert(mqtt_header_read(&header, rest) != MQTT_HEADER_BAD);
    memmove(victim->stream, rest.data, rest.size);
    victim->stream_size = rest.size;
}

static void write_some(struct victim *victim, size_t size)
{
    struct nj_bytes output = nj_engine_output(&victim->engine);

    if (size > output.size)
        size = output.size;
    assert(victim->stream_size + size <= sizeof(victim->stream));
    if (size > 0)
        memcpy(victim->stream + victim->stream_size, output.data, size);
    victim->stream_size += size;
    nj_engine_sent(&victim->engine, size);
    check_stream(victim);
}

static void connect(struct victim *victim)
{
    const struct nj_connect_options options = {
        .client_id = nj_text("c"),
        .clean_start = victim->clean_start,
        .keep_alive_s = 20,
        .properties =
                nj_bytes_of("\x15\0\1M", victim->version == MQTT_5_0 && victim->steps % 2 ? 4 : 0),
    };

    victim->stream_size = 0;
    victim->has_connected = victim->ended = false;
    assert(nj_engine_connect(&victim->engine, &options, victim->now_ms) == NJ_OK);
}

static void check_properties(struct nj_bytes properties)
{
    struct nj_property_value value;

    while (nj_next_property(&properties, &value))
        assert(value.bytes.size <= BUFFER_SIZE && value.name.size <= BUFFER_SIZE);
    assert(properties.size == 0);
}

static void check_message(const struct nj_message *message)
{
    const struct bytes topic = bytes_of(message->topic.data, message->topic.size);

    assert(message->qos <= 2);
    assert(mqtt_utf8_valid(topic) && mqtt_topic_name_valid(topic));
    assert(message->payload.size <= BUFFER_SIZE);
    check_properties(message->properties);
}

static void answer(struct victim *victim, const struct nj_event *event)
{
    const struct nj_message again = { .topic = nj_text("t"), .qos = (uint8_t)event->tag };
    enum nj_error error = nj_engine_send_again(&victim->engine, event->id, &again, victim->now_ms);

    if (error != NJ_OK && error != NJ_LATER)
        assert(nj_engine_give_up(&victim->engine, event->id) == NJ_OK);
}

static void check_event(struct victim *victim, const struct nj_event *event)
{
    assert(!victim->ended);
    check_properties(event->properties);
    switch (event->kind) {
    case NJ_EVENT_MESSAGE:
        check_message(&event->message);
        break;
    case NJ_EVENT_SEND_AGAIN:
        answer(victim, event);
        break;
    case NJ_EVENT_DONE:
    case NJ_EVENT_LOST:
        assert(event->id != 0 && (event->tag == 1 || event->tag == 2));
        break;
    case NJ_EVENT_SUBSCRIBED:
        assert(event->id != 0 && event->codes.size > 0);
        break;
    case NJ_EVENT_UNSUBSCRIBED:
        assert(event->id != 0);
        break;
    case NJ_EVENT_REFUSED:
        assert(event->reason >= MQTT_UNSPECIFIED_ERROR);
        victim->ended = true;
        break;
    case NJ_EVENT_ENDED:
        victim->ended = true;
        break;
    case NJ_EVENT_CONNECTED:
    case NJ_EVENT_AUTH:
        break;
    }
}

static void listen(struct victim *victim)
{
    struct nj_event event;

    while (nj_engine_next(&victim->engine, &event, victim->now_ms))
        check_event(victim, &event);
}

static void act(struct victim *victim, enum action action)
{
    const uint8_t qos = victim->steps % 3;
    const struct nj_message message = { .topic = nj_text("t"), .qos = qos };
    const struct nj_subscription wanted = { .filter = nj_text("t/#"), .qos = qos };
    uint16_t id;

    switch (action) {
    case SEND:
        nj_engine_send(&victim->engine, &message, qos, &id, victim->now_ms);
        break;
    case SUBSCRIBE:
        nj_engine_subscribe(&victim->engine, &wanted, 1, nj_bytes_of(NULL, 0), &id, victim->now_ms);
        break;
    case WRITE:
        write_some(victim, victim->steps % ANSWER_MAX);
        break;
    case CONNECT_AGAIN:
        nj_engine_closed(&victim->engine);
        connect(victim);
        write_some(victim, BUFFER_SIZE);
        break;
    }
    victim->now_ms += STEP_MS;
    nj_engine_tick(&victim->engine, victim->now_ms);
}

/* Gives the piece in memory of just its size, until the engine is through with it. */
static void give(struct victim *victim, const uint8_t *data, size_t size)
{
    uint8_t *piece = malloc(size > 0 ? size : 1);

    assert(piece);
    memcpy(piece, data, size);
    nj_engine_receive(&victim->engine, piece, size);
    listen(victim);
    while (!nj_engine_may_receive(&victim->engine)) {
        write_some(victim, BUFFER_SIZE);
        listen(victim);
    }
    free(piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct victim victim = { .version = size > 0 && data[0] & 1 ? MQTT_5_0 : MQTT_3_1_1 };
    struct nj_engine_setup setup = { .version = (enum nj_version)victim.version,
        .in = victim.in,
        .in_size = BUFFER_SIZE,
        .out = victim.out,
        .out_size = BUFFER_SIZE,
        .slots = victim.slots,
        .slot_count = SLOTS,
        .held = victim.held,
        .held_count = HELD,
        .aliases = victim.aliases,
        .alias_count = ALIASES,
        .alias_size = ALIAS_SIZE };

    if (size == 0)
        return 0;
    victim.clean_start = data[0] & 2;
    nj_engine_init(&victim.engine, &setup);
    connect(&victim);
    write_some(&victim, BUFFER_SIZE);
    for (size_t at = 1; at < size; victim.steps++) {
        size_t piece = data[at] & PIECE_MAX;

        act(&victim, (enum action)(data[at++] >> 6));
        listen(&victim);
        if (piece > size - at)
            piece = size - at;
        if (nj_engine_may_receive(&victim.engine))
            give(&victim, data + at, piece);
        at += piece;
    }
    write_some(&victim, BUFFER_SIZE);
    assert(victim.stream_size == 0);
    return 0;
}
