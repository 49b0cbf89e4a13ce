/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/durable.h"

#include "broker/core/hold.h"
#include "broker/core/keep.h"
#include "broker/core/launch.h"
#include "broker/core/route.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

#include <assert.h>

bool durable_is_on(const struct core *core)
{
    return core->durable.storage.push;
}

bool durable_is_well(const struct core *core)
{
    return core->durable.health == STORAGE_WELL;
}

bool durable_works(const struct core *core)
{
    return core->durable.health == STORAGE_WELL || core->durable.health == STORAGE_SCARCE;
}

const char *durable_lack(const struct core *core)
{
    return core->durable.health == STORAGE_DEAD ? "the disk, which has failed" : "room on the disk";
}

void durable_init(struct core *core, const struct core_setup *setup)
{
    struct durable *durable = &core->durable;

    durable->storage = setup->storage;
    durable->wall_offset_ms = setup->wall_ms - core->now_ms;
    list_init(&durable->holders);
    list_init(&durable->stages);
    list_init(&durable->launches);
    list_init(&durable->spills);
    list_init(&durable->group_spills);
    list_init(&durable->farewells);
}

static void forget_messages(struct core *core)
{
    struct message **messages = core->durable.messages.items;

    for (size_t i = 0; i < core->durable.messages.count; i++)
        core_unref(core, messages[i]);
    core->durable.messages.count = 0;
}

void durable_deinit(struct core *core)
{
    struct durable *durable = &core->durable;

    forget_messages(core);
    keep_forget_farewells(core);
    array_deinit(&durable->messages, &core->memory, sizeof(struct message *));
    array_deinit(&durable->places, &core->memory, sizeof(struct record_place));
    array_deinit(&durable->tags, &core->memory, 1);
    marks_reset(&durable->weights, &core->memory);
    record_batch_reset(&durable->batch);
}

struct record_batch *durable_batch(struct core *core)
{
    return &core->durable.batch;
}

bool durable_bind(struct core *core, struct session *session)
{
    core->durable.urgent = true;
    return !session->connection || hold_bind(core, session->connection);
}

void durable_await(struct core *core, uint64_t position)
{
    core->durable.written = true;
    if (core->durable.awaited < position)
        core->durable.awaited = position;
}

uint64_t durable_new_queue(struct core *core)
{
    /* Relaxed: a number, which orders nothing. */
    return atomic_fetch_add_explicit(&core->hub->queue_next, 1, memory_order_relaxed) + 1;
}

int64_t durable_to_wall(const struct core *core, int64_t ms)
{
    return ms == INT64_MAX ? INT64_MAX : ms + core->durable.wall_offset_ms;
}

int64_t durable_from_wall(const struct core *core, int64_t wall_ms)
{
    return wall_ms == INT64_MAX ? INT64_MAX : wall_ms - core->durable.wall_offset_ms;
}

void core_set_wall(struct core *core, int64_t wall_ms, int64_t now_ms)
{
    core->durable.wall_offset_ms = wall_ms - now_ms;
}

/* ---- Messages ---- */

/* How a receiver has the message. */
static struct stored_place place_of(const struct core *core, const struct message *message,
        const struct match *match, const uint32_t *identifiers)
{
    bool upgraded = core->settings->upgrade_outgoing_qos;

    return (struct stored_place){
        .qos = upgraded || match->qos < message->qos ? match->qos : message->qos,
        .retain = message->retain && match->retain_as_published,
        .identifier_count = match->identifier_count,
        .identifiers = identifiers,
    };
}

/* Notes a receiver's place, its tag as an offset for now. False when memory is short. */
static bool add_place(struct core *core, const struct message *message, const struct match *match,
        const uint32_t *identifiers)
{
    struct durable *durable = &core->durable;
    struct record_place *places;
    struct stored_place place;
    struct writer out = { 0 };
    size_t size;

    if (match->queue == 0)
        return true;
    place = place_of(core, message, match, identifiers);
    if (place.qos == 0)
        return true;
    size = stored_place_size(&place);
    out.size = size;
    if (!array_reserve(&durable->tags, &core->memory, 1, durable->tags.count + size) ||
            !array_reserve(
                    &durable->places, &core->memory, sizeof(*places), durable->places.count + 1))
        return false;
    out.data = (uint8_t *)durable->tags.items + durable->tags.count;
    stored_place_write(&out, &place);
    assert(!out.failed);
    assert(out.used == size);
    places = durable->places.items;
    places[durable->places.count++] = (struct record_place){ match->queue, { NULL, size } };
    durable->tags.count += size;
    return true;
}

struct stored_message durable_form(const struct core *core, const struct message *message)
{
    return (struct stored_message){
        .topic = message_topic(message),
        .properties = message_properties(message),
        .payload = message_payload(message),
        .qos = message->qos,
        .retain = message->retain,
        .expires_wall_ms = durable_to_wall(core, message->expires_ms),
        .retained_until_wall_ms = INT64_MAX,
    };
}

/* Adds the record of the message for the places that were noted. */
static bool add_record(struct core *core, struct message *message)
{
    struct durable *durable = &core->durable;
    struct record_place *places = durable->places.items;
    struct message **messages;
    const struct stored_message stored = durable_form(core, message);
    struct writer out = { .size = stored_message_size(&stored) };
    const uint8_t *tag = durable->tags.items;
    uint32_t count = durable->batch.count;

    if (!array_reserve(&durable->messages, &core->memory, sizeof(struct message *),
                durable->messages.count + 1))
        return false;
    for (size_t i = 0; i < durable->places.count; i++) {
        places[i].tag.data = tag;
        tag += places[i].tag.size;
    }
    out.data = records_message(&durable->batch, places, durable->places.count, out.size);
    if (!out.data)
        return false;
    stored_message_write(&out, &stored);
    assert(!out.failed);
    message->id = RECORD_IN_BATCH | count;
    messages = durable->messages.items;
    messages[durable->messages.count++] = message;
    message_ref(message);
    durable->written = true;
    return true;
}

static enum durable_result store_places(struct core *core, struct message *message)
{
    if (core->durable.places.count == 0)
        return DURABLE_DONE;
    if (!durable_is_well(core))
        return DURABLE_SICK;
    return add_record(core, message) ? DURABLE_DONE : DURABLE_NO_MEMORY;
}

static void begin_places(struct core *core)
{
    core->durable.places.count = 0;
    core->durable.tags.count = 0;
}

enum durable_result durable_message(
        struct core *core, struct message *message, const struct route *route)
{
    if (!route->lasting || !durable_is_on(core))
        return DURABLE_DONE;
    begin_places(core);
    for (unsigned shard = 0; shard < core->hub->setup.shards; shard++) {
        const struct match_range *range = &route->shards[shard];

        for (uint32_t i = 0; i < range->count; i++) {
            const struct match *match = &route->entries[range->start + i];

            if (!add_place(core, message, match, route_identifiers(route, match)))
                return DURABLE_NO_MEMORY;
        }
    }
    return store_places(core, message);
}

enum durable_result durable_message_for(struct core *core, struct message *message,
        const struct match *match, const uint32_t *identifiers)
{
    if (match->queue == 0 || !durable_is_on(core))
        return DURABLE_DONE;
    begin_places(core);
    if (!add_place(core, message, match, identifiers))
        return DURABLE_NO_MEMORY;
    return store_places(core, message);
}

bool durable_done(struct core *core, uint64_t queue, const struct message *message)
{
    if (queue == 0 || message->id == RECORD_NO_ID || !durable_is_on(core))
        return true;
    if (!records_done(&core->durable.batch, queue, message->id))
        return false;
    durable_lazy(core);
    return true;
}

void durable_take_back(struct core *core, const struct message *message, const struct route *route)
{
    for (unsigned shard = 0; shard < core->hub->setup.shards; shard++) {
        const struct match_range *range = &route->shards[shard];

        for (uint32_t i = 0; i < range->count; i++)
            durable_done(core, route->entries[range->start + i].queue, message);
    }
}

struct message *durable_read(struct core *core, uint64_t id, struct bytes body, bool *broken)
{
    struct stored_message stored;
    struct message *message;

    *broken = !stored_message_read(&stored, body);
    if (*broken)
        return NULL;
    message = core_message_new(core,
            &(struct message_parts){ .topic = stored.topic,
                    .forwarded = stored.properties,
                    .payload = stored.payload,
                    .qos = stored.qos,
                    .retain = stored.retain,
                    .expires_ms = durable_from_wall(core, stored.expires_wall_ms) });
    if (message)
        message->id = id;
    return message;
}

/* ---- The turn's end, and what comes of it ---- */

/* The messages of the batch have their ids. */
static void name_messages(struct core *core, uint64_t first)
{
    struct message **messages = core->durable.messages.items;

    for (size_t i = 0; i < core->durable.messages.count; i++)
        messages[i]->id = first + (messages[i]->id & ~RECORD_IN_BATCH);
    forget_messages(core);
}

void durable_lazy(struct core *core)
{
    struct durable *durable = &core->durable;

    if (durable->lazy++ == 0)
        durable->lazy_ms = core->now_ms + DURABLE_LAZY_MS;
}

int64_t durable_due_ms(const struct core *core)
{
    const struct durable *durable = &core->durable;

    if (durable->batch.count == 0)
        return INT64_MAX;
    return durable->urgent || durable->batch.count > durable->lazy || core->shutting_down ||
                    durable->batch.size > DURABLE_LAZY_BYTES_MAX
            ? core->now_ms
            : durable->lazy_ms;
}

/* False when memory is short. */
static bool push(struct core *core)
{
    struct durable *durable = &core->durable;
    uint32_t count = durable->batch.count;
    size_t size = durable->batch.size;
    uint64_t first;

    if (!marks_add(&durable->weights, &core->memory, size))
        return false;
    first = durable->storage.push(durable->storage.context, &durable->batch);
    if (first == UINT64_MAX) {
        marks_settle(&durable->weights, 0); /* It weighs nothing yet, and goes next time. */
        marks_take(&durable->weights, 0);
        return false;
    }
    marks_settle(&durable->weights, first + count);
    durable->waiting += size;
    durable->lazy = 0;
    durable->urgent = false;
    name_messages(core, first);
    if (durable->awaited < first + count)
        durable->awaited = first + count;
    return true;
}

/* A dead store gets nothing more, or memory would fill up with what nobody will write. */
static void discard(struct core *core)
{
    struct durable *durable = &core->durable;
    struct message **messages = durable->messages.items;

    for (size_t i = 0; i < durable->messages.count; i++)
        messages[i]->id = RECORD_NO_ID;
    forget_messages(core);
    record_batch_reset(&durable->batch);
    durable->lazy = 0;
    durable->urgent = false;
    holds_end(core);
}

bool durable_push(struct core *core)
{
    struct durable *durable = &core->durable;

    if (!durable_is_on(core))
        return true;
    if (durable->health == STORAGE_DEAD) {
        discard(core);
        return true;
    }
    if (durable_due_ms(core) <= core->now_ms && !push(core))
        return false;
    holds_settle(core, durable->awaited);
    stages_settle(core, durable->awaited);
    if (durable->awaited <= durable->position)
        core_durable(core, durable->position, durable->health, core->now_ms);
    return true;
}

void core_durable(struct core *core, uint64_t position, enum storage_health health, int64_t now_ms)
{
    bool dies = health == STORAGE_DEAD && core->durable.health != STORAGE_DEAD;

    core->now_ms = now_ms;
    core->durable.position = position;
    core->durable.health = health;
    core->durable.waiting -= marks_take(&core->durable.weights, position);
    holds_release(core, position);
    stages_release(core, position);
    if (dies)
        holds_end(core);
}

uint64_t core_waits_for(const struct core *core)
{
    const struct durable *durable = &core->durable;

    return list_empty(&durable->holders) && list_empty(&durable->stages) ? 0 : durable->awaited;
}
