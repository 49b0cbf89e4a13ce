/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include <stdlib.h>

enum { DONE_MIN = 64, REWRITE_PAUSE_MS = 10000 };

/* ---- Taking over ---- */

static enum nj_error take_client(void *context, struct nj_bytes client_id)
{
    struct nj_link *link = context;
    const char *own = link->options.client_id;

    if (own && !bytes_equal(bytes_of_text(own), bytes_of(client_id.data, client_id.size)))
        return failure_tell(link->failure, NJ_FILE,
                "the file for messages %s belongs to another client id, %.*s", link->options.file,
                link_shown(client_id), (const char *)client_id.data);
    return link_take_client_id(link, client_id) ? NJ_OK : NJ_NO_MEMORY;
}

static enum nj_error take_record(void *context, const struct link_record *record)
{
    struct nj_link *link = context;
    struct outgoing *outgoing = link_queue_add(&link->queue, &record->message, record->tag);

    if (!outgoing)
        return NJ_NO_MEMORY;
    outgoing->number = record->number;
    if (link->queue.next_number <= record->number)
        link->queue.next_number = record->number + 1;
    link->needed += link_file_size_of(&record->message);
    return NJ_OK;
}

static void drop(struct nj_link *link, struct outgoing *outgoing)
{
    link->needed -= link_file_size_of(&outgoing->message);
    link_queue_remove(&link->queue, outgoing);
    free(outgoing);
}

static enum nj_error put_in_slot(
        struct nj_link *link, const struct link_flight *flight, uint32_t index)
{
    struct outgoing *outgoing = link_queue_find(&link->queue, flight->number);

    if (!outgoing)
        return NJ_FILE;
    link_queue_fly(&link->queue, outgoing, index);
    link->slots[index] =
            (struct nj_slot){ index, (uint16_t)flight->id, (uint8_t)flight->state, false };
    return NJ_OK;
}

/* All that flew waits again, for the states that come now are the whole truth. */
static void empty_slots(struct nj_link *link)
{
    for (uint32_t i = 0; i < link->queue.flying_max; i++) {
        if (link->queue.flying[i])
            link_queue_return(&link->queue, i);
    }
    memset(link->slots, 0, link->state_size);
}

static enum nj_error take_states(void *context, const struct link_states *states)
{
    struct nj_link *link = context;
    enum nj_error error = NJ_OK;

    if (states->flight_count > link->options.in_flight ||
            states->held_count > link->options.receive_maximum)
        return failure_tell(link->failure, NJ_FILE,
                "the file for messages %s has %u messages in flight and %u held; let in_flight and "
                "receive_maximum be as large",
                link->options.file, states->flight_count, states->held_count);
    empty_slots(link);
    for (uint32_t i = 0; i < states->done_count; i++) {
        struct outgoing *outgoing = link_queue_find(&link->queue, states->done[i]);

        if (outgoing)
            drop(link, outgoing);
    }
    for (uint32_t i = 0; i < states->flight_count && error == NJ_OK; i++)
        error = put_in_slot(link, &states->flights[i], i);
    memcpy(link->held, states->held, states->held_count * sizeof(*link->held));
    return error;
}

static void note_kept(struct nj_link *link)
{
    memcpy(link->kept, link->slots, link->state_size);
    link->done_count = 0;
}

/* That a message is done must find room, so that is made while the message may still be refused. */
static bool reserve_done(struct nj_link *link)
{
    size_t wanted = link->done_count + link->queue.count;
    size_t max = link->done_max ? link->done_max : DONE_MIN;
    uint64_t *done;

    if (wanted <= link->done_max)
        return true;
    while (max < wanted)
        max *= 2;
    done = realloc(link->done, max * sizeof(*done));
    if (!done)
        return false;
    link->done = done;
    link->done_max = max;
    return true;
}

enum nj_error link_keep_open(struct nj_link *link)
{
    const struct link_file_reader reader = { take_client, take_record, take_states, link };
    bool known = link->client_id.size > 0;
    enum nj_error error;

    if (!link->options.file)
        return NJ_OK;
    link->kept = malloc(link->state_size);
    if (!link->kept)
        return NJ_NO_MEMORY;
    error = link_file_open(&link->file, &link->options, &reader, link->failure);
    if (error != NJ_OK)
        return error;
    note_kept(link);
    if (!reserve_done(link))
        return NJ_NO_MEMORY;
    return known ? link_keep_client(link) : NJ_OK;
}

void link_keep_close(struct nj_link *link)
{
    link_file_close(link->file);
    free(link->kept);
    free(link->done);
}

/* ---- Writing down ---- */

enum nj_error link_keep_client(struct nj_link *link)
{
    return link->file ? link_file_add_client(link->file, link->client_id) : NJ_OK;
}

static enum nj_error write_message(struct nj_link *link, const struct outgoing *outgoing)
{
    return link_file_add(link->file, outgoing->number, outgoing->tag, &outgoing->message);
}

enum nj_error link_keep_message(struct nj_link *link, const struct outgoing *outgoing)
{
    enum nj_error error;

    if (!link->file || outgoing->message.qos == 0)
        return NJ_OK;
    if (!reserve_done(link))
        return NJ_NO_MEMORY;
    error = write_message(link, outgoing);
    if (error == NJ_OK)
        link->needed += link_file_size_of(&outgoing->message);
    return error;
}

void link_keep_done(struct nj_link *link, const struct outgoing *outgoing)
{
    if (!link->file || outgoing->message.qos == 0)
        return;
    link->done[link->done_count++] = outgoing->number;
    link->needed -= link_file_size_of(&outgoing->message);
}

/* Writes the states that are true now. `flights` is room for all. */
static enum nj_error write_into(struct nj_link *link, struct link_flight *flights)
{
    uint16_t *held = (uint16_t *)(flights + link->options.in_flight);
    struct link_states states = { flights, held, link->done,
        .done_count = (uint32_t)link->done_count };

    for (size_t i = 0; i < link->options.in_flight && link->slots[i].id != 0; i++) {
        const struct nj_slot *slot = &link->slots[i];

        flights[states.flight_count++] =
                (struct link_flight){ link->queue.flying[slot->tag]->number, slot->id,
                    slot->state };
    }
    for (size_t i = 0; i < link->options.receive_maximum; i++) {
        if (link->held[i] != 0)
            held[states.held_count++] = link->held[i];
    }
    return link_file_add_states(link->file, &states);
}

static enum nj_error write_states(struct nj_link *link)
{
    struct link_flight *flights = malloc(link->options.in_flight * sizeof(*flights) +
            link->options.receive_maximum * sizeof(*link->held));
    enum nj_error error;

    if (!flights)
        return link_failed(link, NJ_NO_MEMORY, "cannot write the file for messages");
    error = write_into(link, flights);
    free(flights);
    return error;
}

/* ---- Anew ---- */

static enum nj_error write_all(struct nj_link *link)
{
    enum nj_error error = NJ_OK;

    if (link->client_id.size > 0)
        error = link_keep_client(link);
    for (size_t i = 0; i < link->queue.flying_max && error == NJ_OK; i++) {
        if (link->queue.flying[i])
            error = write_message(link, link->queue.flying[i]);
    }
    for (struct list *at = link->queue.waiting.next; at != &link->queue.waiting && error == NJ_OK;
            at = at->next) {
        const struct outgoing *outgoing = container_of(at, struct outgoing, link);

        if (outgoing->message.qos > 0)
            error = write_message(link, outgoing);
    }
    return error == NJ_OK ? write_states(link) : error;
}

/* The old file stays good where that fails, and is tried again later. */
static void rewrite(struct nj_link *link)
{
    enum nj_error error = link_file_begin(link->file);

    if (error == NJ_OK) {
        error = write_all(link);
        if (error == NJ_OK)
            error = link_file_replace(link->file);
        else
            link_file_keep(link->file);
    }
    if (error != NJ_OK)
        link->rewrite_ms = link->now_ms + REWRITE_PAUSE_MS;
}

static bool has_changed(const struct nj_link *link)
{
    return link->done_count > 0 || memcmp(link->kept, link->slots, link->state_size) != 0;
}

static enum nj_error keep_changes(struct nj_link *link)
{
    enum nj_error error;

    if (!has_changed(link))
        return NJ_OK;
    error = write_states(link);
    if (error == NJ_OK)
        note_kept(link);
    return error;
}

enum nj_error link_keep_states(struct nj_link *link)
{
    uint16_t *held;
    uint16_t id = 0;
    enum nj_error error;

    if (!link->file)
        return NJ_OK;
    held = link_held_id(link);
    if (held) { /* a program that dies over the message is to get it again */
        id = *held;
        *held = 0;
    }
    error = keep_changes(link);
    if (error == NJ_OK && link->now_ms >= link->rewrite_ms &&
            link_file_is_wasteful(link->file, link->needed))
        rewrite(link);
    if (held)
        *held = id;
    return error;
}
