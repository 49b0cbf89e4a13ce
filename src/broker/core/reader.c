/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/reader.h"

#include "broker/core/backlog.h"
#include "broker/core/offer.h"
#include "broker/core/rights.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

enum { SLICES_MAX = 256 }; /* of one session and turn */

/* How many wait for the session and are not in memory. */
static uint64_t count_elsewhere(const struct session *session)
{
    const struct lasting *lasting = session->lasting;

    return lasting ? spill_count(&lasting->spill) + lasting->fresh.count : 0;
}

static struct retained_read *read_of(struct list *link)
{
    return container_of(link, struct retained_read, link);
}

/* Has the session a read whose turn it is? Who never catches up with what comes waits no longer
 * than for what was there before. */
static bool has_read(const struct session *session)
{
    struct list *reads = &session->receiver->retained_reads;

    return !list_empty(reads) &&
            (read_of(reads->next)->ahead == 0 || count_elsewhere(session) == 0);
}

static bool is_hungry(const struct session *session)
{
    return session->connection && has_read(session) &&
            session->receiver->outgoing.instant.count == 0 &&
            session->receiver->outgoing.queue.count < RETAINED_SLICE_MAX;
}

void retained_reads_go_on(struct core *core, struct session *session)
{
    if (!list_linked(&session->receiver->reader) && is_hungry(session))
        list_append(&core->readers, &session->receiver->reader);
}

static void read_free(struct core *core, struct retained_read *read)
{
    read->subscription->read = NULL;
    list_remove(&read->link);
    retained_cursor_reset(core->hub->retained, &read->cursor);
    memory_give(&core->memory, read, sizeof(*read));
}

bool retained_read_start(struct core *core, struct session *session,
        struct subscription *subscription, uint64_t revision_max)
{
    struct retained_read *read;

    retained_read_stop(core, session, subscription);
    read = memory_take_zeroed(&core->memory, sizeof(*read));
    if (!read)
        return false;
    list_init(&read->link);
    read->subscription = subscription;
    read->revision_max = revision_max;
    read->ahead = count_elsewhere(session);
    subscription->read = read;
    list_append(&session->receiver->retained_reads, &read->link);
    retained_reads_go_on(core, session);
    return true;
}

void retained_read_stop(
        struct core *core, struct session *session, struct subscription *subscription)
{
    if (subscription->read)
        read_free(core, subscription->read);
    if (list_empty(&session->receiver->retained_reads))
        list_remove(&session->receiver->reader);
}

void retained_reads_near(struct session *session, uint64_t messages)
{
    struct list *reads = &session->receiver->retained_reads;

    for (struct list *link = reads->next; link != reads; link = link->next) {
        struct retained_read *read = read_of(link);

        read->ahead -= messages < read->ahead ? messages : read->ahead;
    }
}

void retained_reads_delay(struct session *session, uint64_t messages)
{
    struct list *reads = &session->receiver->retained_reads;

    for (struct list *link = reads->next; link != reads; link = link->next)
        read_of(link)->ahead += messages;
}

bool retained_reads_are_next(const struct session *session)
{
    return list_linked(&session->receiver->reader);
}

uint64_t retained_reads_ahead(const struct session *session)
{
    struct list *reads = &session->receiver->retained_reads;

    for (struct list *link = reads->next; link != reads; link = link->next) {
        if (read_of(link)->ahead > 0)
            return read_of(link)->ahead;
    }
    return UINT64_MAX;
}

void retained_reads_drop(struct core *core, struct session *session)
{
    while (!list_empty(&session->receiver->retained_reads))
        read_free(core, read_of(session->receiver->retained_reads.next));
    list_remove(&session->receiver->reader);
}

/* A session that outlives the process has a message in the store that is its alone. NULL when it
 * cannot be stored. */
static struct message *lasting_copy(struct core *core, struct session *session,
        const struct subscription *subscription, const struct message *message)
{
    const struct mqtt_properties properties = { .encoded = message_properties(message) };
    const struct message_parts parts = { .topic = message_topic(message),
        .properties = &properties,
        .payload = message_payload(message),
        .qos = message->qos,
        .retain = true,
        .expiry_s = message->expiry_s,
        .expires_ms = message->expires_ms };
    const struct match match = { .queue = session_queue(session),
        .qos = subscription->qos,
        .retain_as_published = true,
        .identifier_count = subscription->identifier != 0 };
    struct message *copy = core_message_new(core, &parts);

    if (copy && durable_message_for(core, copy, &match, &subscription->identifier) == DURABLE_DONE)
        return copy;
    if (copy)
        core_unref(core, copy);
    return NULL;
}

static void offer(struct core *core, struct session *session,
        const struct subscription *subscription, struct message *message, uint8_t qos)
{
    session_offer(core, session,
            &(struct offer){ .message = message,
                    .qos = qos,
                    .retain = true,
                    .unlimited = true,
                    .identifier_count = subscription->identifier != 0,
                    .identifiers = &subscription->identifier });
}

static void give(struct core *core, struct session *session,
        const struct subscription *subscription, struct message *message)
{
    uint8_t qos = message->qos;
    struct message *copy;

    if (core->settings->upgrade_outgoing_qos || subscription->qos < qos)
        qos = subscription->qos;
    if (qos == 0 || !session->lasting) {
        offer(core, session, subscription, message, qos);
        return;
    }
    copy = lasting_copy(core, session, subscription, message);
    if (!copy) {
        session_lose(core, session, message);
        return;
    }
    offer(core, session, subscription, copy, qos);
    core_unref(core, copy);
}

/* Returns how many messages it found. */
static size_t read_slice(struct core *core, struct session *session)
{
    struct retained_read *read = read_of(session->receiver->retained_reads.next);
    const struct subscription *subscription = read->subscription;
    const struct retained_query query = { subscription_key(subscription), read->revision_max,
        core->now_ms, &core->durable.storage };
    struct message *found[RETAINED_SLICE_MAX];
    size_t count = retained_read(core->hub->retained, &query, &read->cursor, found);

    for (size_t i = 0; i < count; i++) {
        if (rights_of_author(core, found[i]))
            give(core, session, subscription, found[i]);
        core_unref(core, found[i]);
    }
    if (read->cursor.done)
        read_free(core, read);
    return count;
}

/* As many messages as one slice may have, from however many filters. */
static void read_some(struct core *core, struct session *session)
{
    size_t messages = 0;

    for (unsigned slices = 0;
            slices < SLICES_MAX && messages < RETAINED_SLICE_MAX && has_read(session); slices++)
        messages += read_slice(core, session);
}

void readers_turn(struct core *core)
{
    struct list turn;
    struct list *link;

    list_init(&turn);
    list_move_all(&turn, &core->readers);
    while ((link = list_take_first(&turn))) {
        struct session *session = container_of(link, struct receiver, reader)->session;

        if (is_hungry(session))
            read_some(core, session);
        if (session->lasting)
            backlog_refill(core, session);
        retained_reads_go_on(core, session);
    }
}
