/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/keep.h"

#include "broker/core/author.h"
#include "broker/core/group.h"
#include "broker/core/reserved.h"
#include "broker/core/rights.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/will.h"

#include <assert.h>

/* ---- Sessions ---- */

/* Written as not connected, it is the same whether its client is there or not. */
static bool is_plain(const struct session *session)
{
    return session->expiry_interval_s == SESSION_EXPIRY_NEVER && !session->will;
}

static struct stored_session session_form(
        const struct core *core, const struct session *session, bool connected)
{
    bool there = connected && !is_plain(session);
    const struct will *will = session->will;

    return (struct stored_session){
        .queue = session->lasting->queue,
        .expiry_interval_s = session->expiry_interval_s,
        .connected = there,
        .gone = !connected && is_plain(session),
        .expires_wall_ms = connected ? INT64_MAX : durable_to_wall(core, session->expires_ms),
        .will = will ? will->number : 0,
        .will_due_wall_ms = will && will->number > 0 && !connected
                ? durable_to_wall(core, will->due_ms)
                : INT64_MAX,
    };
}

static bool write_session(struct core *core, struct session *session, bool connected)
{
    struct lasting *lasting = session->lasting;
    struct stored_session form = session_form(core, session, connected);
    struct writer out = { 0 };

    out.size = stored_session_size(&form);
    out.data =
            records_set_room(durable_batch(core), STORED_SESSIONS, session_id(session), out.size);
    if (!out.data)
        return false;
    stored_session_write(&out, &form);
    assert(!out.failed);
    lasting->plain = is_plain(session);
    lasting->gone = form.gone;
    return true;
}

bool keep_session(struct core *core, struct session *session, bool connected)
{
    const struct lasting *lasting = session->lasting;

    if (!lasting || (lasting->plain && is_plain(session) && !(connected && lasting->gone)))
        return true;
    return write_session(core, session, connected);
}

void keep_absence(struct core *core, struct session *session)
{
    const struct lasting *lasting = session->lasting;

    if (lasting && lasting->plain && !lasting->gone && durable_is_on(core) &&
            write_session(core, session, false))
        durable_lazy(core);
}

/* ---- Their end ---- */

/* Repeated, it says the same; so it may be begun anew where memory was short in the middle. */
static bool tell_end(struct core *core, struct bytes id, uint64_t queue)
{
    struct record_batch *batch = durable_batch(core);
    const struct session *heir = session_find_id(core, id);
    uint8_t bytes[STORED_QUEUE_SIZE];
    struct bytes key = bytes_of(bytes, sizeof(bytes));

    stored_queue_key(bytes, queue);
    return ((heir && heir->lasting) || records_remove(batch, STORED_SESSIONS, id)) &&
            records_remove_all(batch, STORED_SUBSCRIPTIONS, key) &&
            records_remove_all(batch, STORED_INCOMING, key) &&
            records_remove_all(batch, STORED_RELEASES, key) && records_drop(batch, queue);
}

static void lasting_free(struct core *core, struct lasting *lasting)
{
    client_id_deinit(&lasting->id, &core->memory);
    memory_give(&core->memory, lasting, sizeof(*lasting));
}

void keep_session_ended(struct core *core, struct session *session)
{
    struct lasting *lasting = session->lasting;

    if (!lasting)
        return;
    session->lasting = NULL;
    if (!durable_is_on(core) || tell_end(core, session_id(session), lasting->queue)) {
        lasting_free(core, lasting);
        return;
    }
    lasting->id = session->id;
    lasting->session = NULL;
    session->id = (struct client_id){ 0 };
    list_append(&core->durable.farewells, &lasting->launch);
}

void keep_farewells(struct core *core)
{
    struct list *farewells = &core->durable.farewells;

    while (!list_empty(farewells)) {
        struct lasting *lasting = container_of(farewells->next, struct lasting, launch);

        if (!tell_end(core, client_id_bytes(&lasting->id), lasting->queue))
            return;
        list_remove(&lasting->launch);
        lasting_free(core, lasting);
    }
}

void keep_forget_farewells(struct core *core)
{
    struct list *link;

    while ((link = list_take_first(&core->durable.farewells)))
        lasting_free(core, container_of(link, struct lasting, launch));
}

/* ---- Wills ---- */

/* The author as the message says it, if it does, with the name of his listener. */
static void add_author(
        const struct core *core, const struct author *author, struct stored_message *message)
{
    const struct access *access = &core->access;

    if (!author || !access->listener_name)
        return;
    message->authored = true;
    message->author_listener = access->listener_name(access->context, author->listener);
    message->author_user = author->user;
    message->author_client_id = author->client_id;
}

bool keep_will(struct core *core, const struct session *session,
        const struct connection *connection, struct will *will)
{
    struct stored_will form = {
        .expires = will->expires, .expiry_s = will->expiry_s, .delay_s = will->delay_s
    };
    uint64_t number;
    uint8_t key[STORED_NUMBER_SIZE];
    struct writer out = { 0 };
    struct author place;

    if (!session->lasting)
        return true;
    number = durable_new_queue(core);
    form.message = durable_form(core, will->message);
    form.queue = session->lasting->queue;
    add_author(core, rights_known_author(core, connection, session_id(session), &place),
            &form.message);
    stored_number_write(key, number);
    out.size = stored_will_size(&form);
    out.data = records_set_room(
            durable_batch(core), STORED_WILLS, bytes_of(key, sizeof(key)), out.size);
    if (!out.data)
        return false;
    stored_will_write(&out, &form);
    assert(!out.failed);
    will->number = number;
    return true;
}

void keep_will_gone(struct core *core, struct will *will)
{
    uint8_t key[STORED_NUMBER_SIZE];

    if (will->number == 0 || !durable_is_on(core))
        return;
    stored_number_write(key, will->number);
    if (records_remove(durable_batch(core), STORED_WILLS, bytes_of(key, sizeof(key))))
        will->number = 0;
}

/* ---- Subscriptions ---- */

/* The queue and the filter, in the turn's scratch; the empty view when memory is short. */
static struct bytes filter_key(
        struct core *core, const struct session *session, struct bytes filter)
{
    struct array *scratch = &core->durable.tags;
    size_t size = STORED_QUEUE_SIZE + filter.size;

    if (!array_reserve(scratch, &core->memory, 1, size))
        return (struct bytes){ 0 };
    stored_queue_key(scratch->items, session->lasting->queue);
    memcpy((uint8_t *)scratch->items + STORED_QUEUE_SIZE, filter.data, filter.size);
    return bytes_of(scratch->items, size);
}

bool keep_subscription(struct core *core, const struct session *session, struct bytes filter,
        const struct stored_subscription *subscription)
{
    uint8_t value[STORED_SUBSCRIPTION_SIZE];
    struct bytes key;

    if (!session->lasting)
        return true;
    key = filter_key(core, session, filter);
    stored_subscription_write(value, subscription);
    return key.size > 0 &&
            records_set(
                    durable_batch(core), STORED_SUBSCRIPTIONS, key, bytes_of(value, sizeof(value)));
}

bool keep_unsubscribed(struct core *core, const struct session *session, struct bytes filter)
{
    struct bytes key;

    if (!session->lasting)
        return true;
    key = filter_key(core, session, filter);
    return key.size > 0 && records_remove(durable_batch(core), STORED_SUBSCRIPTIONS, key);
}

/* ---- Groups ---- */

bool keep_group(struct core *core, const struct group *group)
{
    uint8_t value[STORED_NUMBER_SIZE];

    stored_number_write(value, group->queue);
    return records_set(durable_batch(core), STORED_GROUPS, bytes_of(group->name, group->name_size),
            bytes_of(value, sizeof(value)));
}

void keep_group_ended(struct core *core, const struct group *group)
{
    struct record_batch *batch = durable_batch(core);

    if (group->queue == 0 || !durable_is_on(core))
        return;
    /* Where memory is short it stays: a group without members, which the next start takes out. */
    records_remove(batch, STORED_GROUPS, bytes_of(group->name, group->name_size));
    records_drop(batch, group->queue);
}

/* ---- Retained messages ---- */

static bool write_retained(struct core *core, const struct message *message, int64_t expires_ms,
        struct record_batch *batch)
{
    struct stored_message form = durable_form(core, message);
    struct writer out = { 0 };
    struct author author;

    form.topic = (struct bytes){ 0 };
    form.retained_until_wall_ms = durable_to_wall(core, expires_ms);
    if (author_read(message, &author))
        add_author(core, &author, &form);
    out.size = stored_message_size(&form);
    out.data = records_set_room(batch, STORED_RETAINED, message_topic(message), out.size);
    if (!out.data)
        return false;
    stored_message_write(&out, &form);
    assert(!out.failed);
    return true;
}

bool keep_retained(struct core *core, const struct message *message, int64_t expires_ms,
        struct retained_change *out)
{
    struct bytes topic = message_topic(message);

    *out = (struct retained_change){ .storage = &core->durable.storage };
    if (!durable_is_on(core) || topic_reserved(topic))
        return true;
    if (message->payload_size == 0)
        return records_remove(&out->batch, STORED_RETAINED, topic);
    return write_retained(core, message, expires_ms, &out->batch);
}
