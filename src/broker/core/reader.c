/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/reader.h"

#include "broker/core/offer.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

enum { SLICES_MAX = 256 }; /* of one session and turn */

static bool is_hungry(const struct session *session)
{
    return session->connection && !list_empty(&session->retained_reads) &&
            session->outgoing.instant.count == 0 &&
            session->outgoing.queue.count < RETAINED_SLICE_MAX;
}

void retained_reads_go_on(struct core *core, struct session *session)
{
    if (!list_linked(&session->reader) && is_hungry(session))
        list_append(&core->readers, &session->reader);
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
    subscription->read = read;
    list_append(&session->retained_reads, &read->link);
    retained_reads_go_on(core, session);
    return true;
}

void retained_read_stop(
        struct core *core, struct session *session, struct subscription *subscription)
{
    if (subscription->read)
        read_free(core, subscription->read);
    if (list_empty(&session->retained_reads))
        list_remove(&session->reader);
}

void retained_reads_drop(struct core *core, struct session *session)
{
    while (!list_empty(&session->retained_reads))
        read_free(core, container_of(session->retained_reads.next, struct retained_read, link));
    list_remove(&session->reader);
}

/* Returns how many messages it gave. */
static size_t read_slice(struct core *core, struct session *session)
{
    struct retained_read *read =
            container_of(session->retained_reads.next, struct retained_read, link);
    const struct subscription *subscription = read->subscription;
    const struct retained_query query = { subscription_key(subscription), read->revision_max,
        core->now_ms };
    struct message *found[RETAINED_SLICE_MAX];
    size_t count = retained_read(core->hub->retained, &query, &read->cursor, found);

    for (size_t i = 0; i < count; i++) {
        uint8_t qos = found[i]->qos;

        if (core->settings->upgrade_outgoing_qos || subscription->qos < qos)
            qos = subscription->qos;
        session_offer(core, session,
                &(struct offer){ .message = found[i],
                        .qos = qos,
                        .retain = true,
                        .unlimited = true,
                        .identifier_count = subscription->identifier != 0,
                        .identifiers = &subscription->identifier });
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

    for (unsigned slices = 0; slices < SLICES_MAX && messages < RETAINED_SLICE_MAX &&
            !list_empty(&session->retained_reads);
            slices++)
        messages += read_slice(core, session);
}

void readers_turn(struct core *core)
{
    struct list turn;
    struct list *link;

    list_init(&turn);
    list_move_all(&turn, &core->readers);
    while ((link = list_take_first(&turn))) {
        struct session *session = container_of(link, struct session, reader);

        if (is_hungry(session))
            read_some(core, session);
        retained_reads_go_on(core, session);
    }
}
