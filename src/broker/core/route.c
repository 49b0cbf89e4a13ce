/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/route.h"

#include "base/hash.h"
#include "broker/core/ask.h"
#include "broker/core/group.h"
#include "broker/core/keep.h"
#include "broker/core/offer.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

#include <assert.h>

/* ---- Finding who gets it ---- */

/* False when memory is short. The route is good until the next one is asked for. */
static bool find_route(struct core *core, const struct publication *publication, struct route *out)
{
    struct bytes topic = publication->topic;
    uint64_t version;
    uint64_t hash;

    if (publication->revision > 0) {
        if (!index_match(core->hub->index, (uint16_t)core->shard, publication, &core->matches))
            return false;
        *out = route_of(&core->matches);
        return true;
    }
    hash = hash_quick(topic);
    version = index_version(core->hub->index);
    if (route_cache_find(&core->routes, hash, topic, version, out))
        return true;
    if (!index_match(core->hub->index, (uint16_t)core->shard, publication, &core->matches))
        return false;
    route_cache_keep(&core->routes, hash, topic, &core->matches);
    *out = route_of(&core->matches);
    return true;
}

/* ---- On this shard ---- */

/* False when the session or group refuses the message for want of room or memory. */
static bool deliver(struct core *core, struct message *message, const struct match *match,
        const uint32_t *identifiers, struct ask *ask)
{
    struct session *session;
    uint8_t qos = message->qos;

    if (match->target.flags & TARGET_GROUP) {
        struct group *group =
                pool_find(&core->groups, match->target.slot, match->target.generation);

        return !group || group_offer(core, group, message, ask);
    }
    session = session_find(core, match->target);
    if (!session)
        return true; /* It has ended since. */
    if (core->settings->upgrade_outgoing_qos || match->qos < qos)
        qos = match->qos;
    return session_offer(core, session,
            &(struct offer){ .message = message,
                    .qos = qos,
                    .retain = message->retain && match->retain_as_published,
                    .identifier_count = match->identifier_count,
                    .identifiers = identifiers,
                    .ask = ask });
}

static void deliver_here(struct core *core, struct message *message, const struct route *route,
        struct ask *ask, struct routed *routed)
{
    const struct match_range *range = &route->shards[core->shard];

    for (uint32_t i = 0; i < range->count; i++) {
        const struct match *match = &route->entries[range->start + i];

        if (!deliver(core, message, match, route_identifiers(route, match), ask))
            routed->refused++;
    }
}

/* ---- For another shard ---- */

static uint32_t *list_identifiers(struct delivery_list *list)
{
    return (uint32_t *)(void *)(list->targets + list->count);
}

static struct delivery_list *list_new(
        struct core *core, const struct match *entries, uint32_t count, const struct route *route)
{
    uint32_t identifier_count = 0;
    struct delivery_list *list;
    uint32_t *identifiers;
    size_t size;

    for (uint32_t i = 0; i < count; i++)
        identifier_count += entries[i].identifier_count > 1 ? entries[i].identifier_count : 0;
    size = sizeof(*list) + count * sizeof(*entries) + identifier_count * sizeof(uint32_t);
    list = memory_take(&core->memory, size);
    if (!list)
        return NULL;
    *list = (struct delivery_list){
        .count = count, .identifier_count = identifier_count, .size = size
    };
    memcpy(list->targets, entries, count * sizeof(*entries));
    identifiers = list_identifiers(list);
    identifier_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].identifier_count < 2)
            continue;
        memcpy(identifiers + identifier_count, route_identifiers(route, &entries[i]),
                entries[i].identifier_count * sizeof(uint32_t));
        list->targets[i].identifier = identifier_count;
        identifier_count += entries[i].identifier_count;
    }
    return list;
}

void delivery_list_free(struct core *core, struct delivery_list *list)
{
    core_unref(core, list->message);
    memory_give(&core->memory, list, list->size);
}

static void put_list(
        struct core *core, unsigned shard, struct delivery_list *list, struct message *message)
{
    list->message = message;
    message_ref(message);
    outbox_put(core_outbox(core, shard), &(struct mail){ .kind = MAIL_PUBLISH, .of.list = list });
    mailbox_add_weight(core_outbox(core, shard)->mailbox, message_size(message));
}

bool route_forward(struct core *core, struct message *message, const struct match *match)
{
    struct outbox *outbox = core_outbox(core, match->target.shard);
    const struct route route = { .count = 1, .entries = match };
    struct delivery_list *list;

    if (!outbox_has_room(outbox))
        return false;
    list = list_new(core, match, 1, &route);
    if (!list)
        return false;
    put_list(core, match->target.shard, list, message);
    return true;
}

/* The mails of one publication, made before anything is delivered, so that a lack of memory leaves
 * nothing half done. */
struct mails {
    unsigned count; /* of shards */
    struct delivery_list *lists[SHARDS_MAX];
    struct ask *asks[SHARDS_MAX];
};

static void mails_free(struct core *core, struct mails *mails, struct connection *waiting)
{
    for (unsigned i = 0; i < mails->count; i++) {
        if (mails->lists[i])
            memory_give(&core->memory, mails->lists[i], mails->lists[i]->size);
        if (mails->asks[i])
            ask_cancel(core, mails->asks[i], waiting);
    }
}

static bool mails_prepare(struct core *core, const struct route *route, struct connection *waiting,
        struct mails *mails)
{
    mails->count = core->hub->setup.shards;
    for (unsigned i = 0; i < mails->count; i++) {
        mails->lists[i] = NULL;
        mails->asks[i] = NULL;
    }
    for (unsigned i = 0; i < mails->count; i++) {
        const struct match_range *range = &route->shards[i];

        if (range->count == 0)
            continue;
        if (i != core->shard) {
            mails->lists[i] = list_new(core, route->entries + range->start, range->count, route);
            if (!mails->lists[i])
                return false;
        }
        if (waiting) {
            mails->asks[i] = ask_new(core, waiting);
            if (!mails->asks[i])
                return false;
        }
    }
    return true;
}

static bool spread(struct core *core, struct message *message, const struct route *route,
        struct connection *waiting, struct routed *routed)
{
    struct mails mails;

    if (!waiting && route->shards[core->shard].count == route->count) {
        deliver_here(core, message, route, NULL, routed);
        return true;
    }
    if (!mails_prepare(core, route, waiting, &mails)) {
        mails_free(core, &mails, waiting);
        return false;
    }
    for (unsigned i = 0; i < mails.count; i++) {
        if (!mails.lists[i])
            continue;
        mails.lists[i]->ask = mails.asks[i];
        put_list(core, i, mails.lists[i], message);
    }
    deliver_here(core, message, route, mails.asks[core->shard], routed);
    if (mails.asks[core->shard])
        ask_settle(core, mails.asks[core->shard]);
    return true;
}

void route_arrived(struct core *core, struct delivery_list *list)
{
    const uint32_t *identifiers = list_identifiers(list);

    for (uint32_t i = 0; i < list->count; i++) {
        const struct match *match = &list->targets[i];

        deliver(core, list->message, match,
                match->identifier_count > 1 ? identifiers + match->identifier : &match->identifier,
                list->ask);
    }
    if (list->ask)
        ask_settle(core, list->ask);
    delivery_list_free(core, list);
}

/* Stores it for those whom it must outlive the process for, then delivers it. */
static void store_and_spread(struct core *core, struct message *message, const struct route *route,
        struct connection *waiting, struct routed *routed)
{
    enum durable_result stored = durable_message(core, message, route);

    routed->matched = route->count;
    routed->not_stored = stored == DURABLE_SICK;
    routed->no_memory = stored == DURABLE_NO_MEMORY;
    if (stored == DURABLE_DONE && !spread(core, message, route, waiting, routed)) {
        durable_take_back(core, message, route);
        routed->no_memory = true;
    }
}

/* ---- The whole way ---- */

static int64_t retained_expiry(const struct core *core, const struct message *message)
{
    uint64_t limit_s = core->settings->retain_expiry_s;

    if (message->expires_ms < INT64_MAX || limit_s == 0)
        return message->expires_ms;
    return core->now_ms + (int64_t)limit_s * 1000;
}

static enum retained_result set_or_clear(struct core *core, struct message *message,
        struct retained_change *change, int64_t expires_ms)
{
    if (message->payload_size == 0)
        return retained_clear(core->hub->retained, message, change);
    return retained_set(core->hub->retained, message, expires_ms, change);
}

/* False when memory is short: then nothing has changed. */
static bool retain(struct core *core, struct message *message, struct routed *routed)
{
    int64_t expires_ms = retained_expiry(core, message);
    enum retained_result result = RETAINED_NO_MEMORY;
    struct retained_change change;

    if (keep_retained(core, message, expires_ms, &change))
        result = set_or_clear(core, message, &change, expires_ms);
    record_batch_reset(&change.batch);
    if (change.end > 0)
        durable_await(core, change.end);
    routed->retained_full = result == RETAINED_FULL;
    return result != RETAINED_NO_MEMORY;
}

struct routed route_message(struct core *core, struct message *message,
        const struct target *publisher, struct connection *waiting)
{
    struct routed routed = { 0 };
    struct publication publication = { .topic = message_topic(message), .publisher = publisher };
    struct route route;

    routed.no_memory =
            message->retain && core->settings->retain_available && !retain(core, message, &routed);
    publication.revision = message->revision;
    if (!routed.no_memory && find_route(core, &publication, &route)) {
        if (route.count > 0)
            store_and_spread(core, message, &route, waiting, &routed);
    } else {
        routed.no_memory = true;
    }
    core_unref(core, message);
    return routed;
}

struct routed route_publish(struct core *core, const struct message_parts *parts,
        const struct target *publisher, struct connection *waiting)
{
    const struct publication publication = { .topic = parts->topic, .publisher = publisher };
    struct message *message;
    struct route route;
    struct routed routed = { 0 };

    if (!parts->retain) {
        /* Nobody there: no message is made at all. */
        if (!find_route(core, &publication, &route))
            return (struct routed){ .no_memory = true };
        if (route.count == 0)
            return routed;
    }
    message = core_message_new(core, parts);
    if (!message)
        return (struct routed){ .no_memory = true };
    if (parts->retain)
        return route_message(core, message, publisher, waiting);
    store_and_spread(core, message, &route, waiting, &routed);
    core_unref(core, message);
    return routed;
}
