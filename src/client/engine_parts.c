/* SPDX-License-Identifier: Apache-2.0 */
#include "client/engine_parts.h"

#include "mqtt/reason.h"

#include <assert.h>

enum { ANSWER_MIN_MS = 10000 }; /* that a server has for PINGRESP and CONNACK; or the keep alive */

void nj_engine_init(struct nj_engine *engine, const struct nj_engine_setup *setup)
{
    assert(setup->version >= NJ_MQTT_3_1 && setup->version <= NJ_MQTT_5_0);
    assert(setup->in_size >= NJ_BUFFER_MIN);
    assert(setup->out_size >= NJ_BUFFER_MIN);
    *engine = (struct nj_engine){ .setup = *setup, .next_id = 1, .ping_ms = -1 };
}

void nj_engine_closed(struct nj_engine *engine)
{
    engine->state = ENGINE_IDLE;
    engine->rest = nj_bytes_of(NULL, 0);
    engine->in_used = engine->in_done = 0;
    engine->out_used = engine->out_sent = 0;
    engine->pending = engine->fault = 0;
    engine->recovering = engine->again_later = engine->stuck = false;
    engine->ping_ms = -1;
    memset(engine->asked, 0, sizeof(engine->asked));
}

/* ---- Output ---- */

struct nj_bytes nj_engine_output(const struct nj_engine *engine)
{
    return nj_bytes_of(engine->setup.out + engine->out_sent, engine->out_used - engine->out_sent);
}

void nj_engine_sent(struct nj_engine *engine, size_t size)
{
    assert(size <= engine->out_used - engine->out_sent);
    engine->out_sent += size;
    engine->again_later = false;
    if (engine->stuck && size > 0) { /* the server hears of us; a PINGREQ fits soon */
        engine->stuck = false;
        engine->ping_ms = -1;
    }
    if (engine->out_sent == engine->out_used)
        engine->out_sent = engine->out_used = 0;
}

struct writer engine_room(struct nj_engine *engine)
{
    size_t left = engine->out_used - engine->out_sent;

    if (engine->out_sent > 0)
        memmove(engine->setup.out, engine->setup.out + engine->out_sent, left);
    engine->out_sent = 0;
    engine->out_used = left;
    return (struct writer){
        .data = engine->setup.out + left,
        .size = engine->setup.out_size - left,
    };
}

enum nj_error engine_put(struct nj_engine *engine, const struct writer *out, int64_t now_ms)
{
    if (out->failed)
        return engine->out_used > 0 ? NJ_LATER : NJ_TOO_LARGE;
    if (engine->state == ENGINE_CONNECTED && out->used > engine->packet_max)
        return NJ_TOO_LARGE;
    engine->out_used += out->used;
    engine->sent_ms = now_ms;
    return NJ_OK;
}

/* ---- Ids and slots ---- */

struct nj_slot *engine_find_slot(struct nj_engine *engine, uint16_t id)
{
    for (size_t i = 0; i < engine->setup.slot_count; i++) {
        if (engine->setup.slots[i].id == id && id != 0)
            return &engine->setup.slots[i];
    }
    return NULL;
}

uint16_t *engine_find_id(uint16_t ids[], size_t count, uint16_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id)
            return &ids[i];
    }
    return NULL;
}

uint16_t *engine_find_asked(struct nj_engine *engine, bool unsubscribes, uint16_t id)
{
    size_t each = sizeof(engine->asked) / sizeof(engine->asked[0]) / 2;

    return engine_find_id(engine->asked + (unsubscribes ? each : 0), each, id);
}

uint16_t engine_new_id(struct nj_engine *engine)
{
    uint16_t id;

    do {
        id = engine->next_id;
        engine->next_id = (uint16_t)(id == UINT16_MAX ? 1 : id + 1);
    } while (engine_find_slot(engine, id) ||
            engine_find_id(engine->asked, sizeof(engine->asked) / sizeof(engine->asked[0]), id));
    return id;
}

void engine_free_slot(struct nj_engine *engine, struct nj_slot *slot)
{
    struct nj_slot *end = engine->setup.slots + engine->setup.slot_count;

    for (; slot + 1 < end && slot[1].id != 0; slot++)
        slot[0] = slot[1];
    *slot = (struct nj_slot){ 0 };
}

struct nj_slot *engine_free_place(struct nj_engine *engine)
{
    for (size_t i = 0; i < engine->quota; i++) {
        if (engine->setup.slots[i].id == 0)
            return &engine->setup.slots[i];
    }
    return NULL;
}

/* ---- Input ---- */

bool nj_engine_may_receive(const struct nj_engine *engine)
{
    return engine->rest.size == 0;
}

void nj_engine_receive(struct nj_engine *engine, const void *data, size_t size)
{
    assert(nj_engine_may_receive(engine));
    engine->rest = nj_bytes_of(data, size);
}

static void drop_rest(struct nj_engine *engine, size_t size)
{
    engine->rest = nj_bytes_of((const uint8_t *)engine->rest.data + size, engine->rest.size - size);
}

/* Moves bytes that came to those of a packet that began before, until it has so many. */
static void gather(struct nj_engine *engine, size_t wanted)
{
    size_t more = wanted > engine->in_used ? wanted - engine->in_used : 0;

    if (more > engine->rest.size)
        more = engine->rest.size;
    if (more == 0)
        return;
    memcpy(engine->setup.in + engine->in_used, engine->rest.data, more);
    engine->in_used += more;
    drop_rest(engine, more);
}

/* Reads the header of the next packet, where it lies. */
static enum mqtt_header_result read_header(struct nj_engine *engine, struct mqtt_header *header)
{
    enum mqtt_header_result result;

    if (engine->in_used == 0)
        return mqtt_header_read(header, bytes_in(engine->rest));
    for (;;) {
        result = mqtt_header_read(header, bytes_of(engine->setup.in, engine->in_used));
        if (result != MQTT_HEADER_PARTIAL || engine->rest.size == 0)
            return result;
        gather(engine, engine->in_used + 1);
    }
}

bool engine_take_packet(struct nj_engine *engine, struct mqtt_header *header, struct bytes *body)
{
    enum mqtt_header_result result = read_header(engine, header);
    size_t size;

    if (result == MQTT_HEADER_BAD)
        engine->fault = MQTT_MALFORMED;
    if (result == MQTT_HEADER_PARTIAL)
        gather(engine, MQTT_HEADER_SIZE_MAX);
    if (result != MQTT_HEADER_DONE)
        return false;
    size = header->size + header->remaining;
    if (size > engine->setup.in_size) {
        engine->fault = MQTT_PACKET_TOO_LARGE;
        return false;
    }
    if (engine->in_used == 0 && engine->rest.size >= size) {
        *body = bytes_of((const uint8_t *)engine->rest.data + header->size, header->remaining);
        drop_rest(engine, size);
        return true;
    }
    gather(engine, size);
    if (engine->in_used < size)
        return false;
    *body = bytes_of(engine->setup.in + header->size, header->remaining);
    engine->in_done = size;
    return true;
}

/* ---- Time ---- */

/* How long the server may take for an answer. */
static int32_t patience_ms(const struct nj_engine *engine)
{
    int32_t keep_alive_ms = engine->keep_alive_s * 1000;

    return keep_alive_ms > ANSWER_MIN_MS ? keep_alive_ms : ANSWER_MIN_MS;
}

int64_t nj_engine_due_ms(const struct nj_engine *engine)
{
    if (engine->state != ENGINE_CONNECTING && engine->state != ENGINE_CONNECTED)
        return INT64_MAX;
    if (engine->ping_ms >= 0)
        return engine->ping_ms + patience_ms(engine);
    if (engine->keep_alive_s == 0)
        return INT64_MAX;
    return engine->sent_ms + engine->keep_alive_s * 1000;
}

void nj_engine_tick(struct nj_engine *engine, int64_t now_ms)
{
    struct writer out;

    if (now_ms < nj_engine_due_ms(engine))
        return;
    if (engine->ping_ms >= 0) {
        engine->fault = MQTT_KEEP_ALIVE_TIMEOUT;
        return;
    }
    out = engine_room(engine);
    mqtt_header_encode(&out, MQTT_PINGREQ, 0, 0);
    engine->stuck = engine_put(engine, &out, now_ms) != NJ_OK;
    engine->ping_ms = now_ms; /* where nothing has gone out by then either, the server is lost */
}
