/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small client engine as the victim of its server, which sends any bytes in any pieces while
 * the program sends, subscribes, waits, and connects again. What it tells lies in what was given,
 * and all that it sends are packets that a client may send.
 *
 * The input is pieces: a byte of which two bits say what the program does before, and six how many
 * bytes of the server follow.
 */
#include "nightjar/engine.h"
#include "tests/harness/any_packet.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOTS = 2, BUFFER_SIZE = 64, PIECE_MAX = 63, STEP_MS = 7000 };

enum action { SEND, SUBSCRIBE, WRITE, CONNECT_AGAIN };

struct victim {
    struct nj_engine engine;
    uint8_t in[BUFFER_SIZE];
    uint8_t out[BUFFER_SIZE];
    struct nj_slot slots[SLOTS];
    bool ended; /* the end of the connection was told */
    unsigned steps;
    int64_t now_ms;
};

/* Writes all that there is; each packet is one that a client may send. */
static void write_all(struct victim *victim)
{
    struct nj_bytes output = nj_engine_output(&victim->engine);
    struct bytes rest = bytes_of(output.data, output.size);
    struct mqtt_header header;

    while (rest.size > 0) {
        struct any_packet packet = { .type = MQTT_PUBLISH };
        uint8_t plain[BUFFER_SIZE];

        assert(mqtt_header_read(&header, rest) == MQTT_HEADER_DONE);
        assert(rest.size >= header.size + header.remaining);
        plain[0] = rest.data[0];
        memcpy(plain + 1, rest.data + header.size, header.remaining);
        assert(any_packet_decode(&packet, bytes_of(plain, 1 + header.remaining), MQTT_3_1_1,
                       MQTT_FROM_CLIENT) == MQTT_SUCCESS);
        rest = bytes_from(rest, header.size + header.remaining);
    }
    nj_engine_sent(&victim->engine, output.size);
}

static void connect(struct victim *victim)
{
    const struct nj_connect_options options = { .client_id = nj_text("c"), .keep_alive_s = 20 };

    victim->ended = false;
    assert(nj_engine_connect(&victim->engine, &options, victim->now_ms) == NJ_OK);
    write_all(victim);
}

/* Reads all of it, so that a view of foreign memory is found. */
static unsigned sum_of(struct nj_bytes bytes)
{
    unsigned sum = 0;

    assert(bytes.size <= BUFFER_SIZE);
    for (size_t i = 0; i < bytes.size; i++)
        sum += ((const uint8_t *)bytes.data)[i];
    return sum;
}

static void listen(struct victim *victim)
{
    struct nj_event event;

    while (nj_engine_next(&victim->engine, &event, victim->now_ms)) {
        volatile unsigned sum =
                sum_of(event.message.topic) + sum_of(event.message.payload) + sum_of(event.codes);

        (void)sum;
        assert(!victim->ended && event.message.qos <= 1);
        if (event.kind == NJ_EVENT_DONE || event.kind == NJ_EVENT_LOST)
            assert(event.id != 0 && event.tag == 7);
        victim->ended = event.kind == NJ_EVENT_REFUSED || event.kind == NJ_EVENT_ENDED;
    }
}

static void act(struct victim *victim, enum action action)
{
    const struct nj_message message = { .topic = nj_text("t"), .qos = victim->steps % 2 };
    const struct nj_subscription wanted = { .filter = nj_text("t/#"), .qos = 1 };
    uint16_t id;

    switch (action) {
    case SEND:
        nj_engine_send(&victim->engine, &message, 7, &id, victim->now_ms);
        break;
    case SUBSCRIBE:
        nj_engine_subscribe(&victim->engine, &wanted, 1, nj_bytes_of(NULL, 0), &id, victim->now_ms);
        break;
    case WRITE:
        write_all(victim);
        break;
    case CONNECT_AGAIN:
        nj_engine_closed(&victim->engine);
        connect(victim);
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
        write_all(victim);
        listen(victim);
    }
    free(piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct victim victim = { .now_ms = 0 };
    const struct nj_engine_setup setup = { .version = NJ_MQTT_3_1_1,
        .in = victim.in,
        .in_size = BUFFER_SIZE,
        .out = victim.out,
        .out_size = BUFFER_SIZE,
        .slots = victim.slots,
        .slot_count = SLOTS };

    nj_engine_init(&victim.engine, &setup);
    connect(&victim);
    for (size_t at = 0; at < size; victim.steps++) {
        size_t piece = data[at] & PIECE_MAX;

        act(&victim, (enum action)(data[at++] >> 6));
        listen(&victim);
        if (piece > size - at)
            piece = size - at;
        if (nj_engine_may_receive(&victim.engine))
            give(&victim, data + at, piece);
        at += piece;
    }
    return 0;
}
