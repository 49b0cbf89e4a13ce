/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include <stdlib.h>

static bool has_room(const struct nj_link *link)
{
    return nj_engine_output(&link->engine).size < LINK_OUTPUT_MARK;
}

/* Gives one that waits to the engine. NJ_LATER and NJ_NOT_CONNECTED: it still waits. */
static enum nj_error give(struct nj_link *link, struct outgoing *outgoing)
{
    uint32_t index = 0;
    uint16_t id;
    enum nj_error error;

    if (outgoing->message.qos > 0) {
        if (link->queue.flying_count >= link->queue.flying_max)
            return NJ_LATER;
        index = link_queue_free_index(&link->queue);
    }
    error = nj_engine_send(&link->engine, &outgoing->message, index, &id, link->now_ms);
    if (error != NJ_OK)
        return error;
    if (outgoing->message.qos > 0) {
        link_queue_fly(&link->queue, outgoing, index);
    } else {
        list_remove(&outgoing->link);
        list_append(&link->queue.written, &outgoing->link);
        outgoing->end = link->written + nj_engine_output(&link->engine).size;
    }
    return NJ_OK;
}

void link_feed(struct nj_link *link)
{
    struct outgoing *outgoing;

    if (link->phase != LINK_UP || !link_ask_feed(link))
        return;
    while ((outgoing = link_queue_first(&link->queue)) && has_room(link)) {
        enum nj_error error = give(link, outgoing);

        if (error == NJ_LATER || error == NJ_NOT_CONNECTED)
            return;
        if (error != NJ_OK)
            link_finish(link, outgoing, error, NULL);
    }
}

static bool is_next(const struct nj_link *link)
{
    return link->phase == LINK_UP && list_empty(&link->queue.waiting) && list_empty(&link->asks) &&
            has_room(link);
}

/* A message of QoS 0 needs no copy when it goes at once. */
static enum nj_error send_at_once(struct nj_link *link, const struct nj_message *message,
        uint64_t tag, struct waiter *waiter, struct outgoing **out)
{
    bool told = waiter || out || link->options.callbacks.sent;
    enum nj_error error;
    struct outgoing *outgoing;

    if (!told)
        return nj_engine_send(&link->engine, message, 0, NULL, link->now_ms);
    outgoing = link_queue_add_written(&link->queue, tag);
    if (!outgoing)
        return NJ_NO_MEMORY;
    error = nj_engine_send(&link->engine, message, 0, NULL, link->now_ms);
    if (error != NJ_OK) {
        link_queue_remove(&link->queue, outgoing);
        free(outgoing);
        return error;
    }
    outgoing->end = link->written + nj_engine_output(&link->engine).size;
    outgoing->waiter = waiter;
    if (out)
        *out = outgoing;
    return NJ_OK;
}

/* Queues a copy, and where nothing is before it gives it to the engine. */
static enum nj_error enqueue(struct nj_link *link, const struct nj_message *message, uint64_t tag,
        struct waiter *waiter, struct outgoing **out, bool next)
{
    struct outgoing *outgoing = link_queue_add(&link->queue, message, tag);
    enum nj_error error = NJ_NO_MEMORY;

    if (outgoing)
        error = link_keep_message(link, outgoing);
    if (error == NJ_OK && next) {
        error = give(link, outgoing);
        if (error == NJ_LATER || error == NJ_NOT_CONNECTED)
            error = NJ_OK; /* it waits */
        else if (error != NJ_OK)
            link_keep_done(link, outgoing);
    }
    if (error != NJ_OK) {
        if (outgoing)
            link_queue_remove(&link->queue, outgoing);
        free(outgoing);
        return error;
    }
    outgoing->waiter = waiter;
    if (out)
        *out = outgoing;
    return NJ_OK;
}

/* Whether it is larger than a packet, or than the queue or the file would be without any other. */
static bool never_fits(const struct nj_link *link, const struct nj_message *message)
{
    const struct nj_link_options *options = &link->options;
    size_t size = link_message_size(message);

    return size + 16 > options->packet_size_max || size > options->queue_bytes ||
            (link->file && message->qos > 0 && link_file_size_of(message) > options->file_bytes);
}

/* What can be said against a message at once. */
static enum nj_error check(const struct nj_link *link, const struct nj_message *message, bool waits)
{
    enum nj_error error = nj_engine_check(&link->engine, message);

    if (error != NJ_OK)
        return error;
    if (message->topic.size == 0 && message->qos > 0)
        return NJ_INVALID; /* a topic alias means nothing in another connection */
    if (never_fits(link, message))
        return NJ_TOO_LARGE;
    if (message->qos == 0 && link->phase != LINK_UP && !waits && !link->options.qos0_waits)
        return NJ_NOT_CONNECTED;
    return link_queue_has_room(&link->queue, message) ? NJ_OK : NJ_FULL;
}

enum nj_error link_send(struct nj_link *link, const struct nj_message *message, uint64_t tag,
        struct waiter *waiter, struct outgoing **out)
{
    enum nj_error error;

    if (link->broken != NJ_OK)
        return link->broken;
    error = check(link, message, waiter != NULL);
    if (error == NJ_OK) {
        bool next = is_next(link);
        enum nj_error at_once = NJ_LATER;

        if (message->qos == 0 && next)
            at_once = send_at_once(link, message, tag, waiter, out);
        /* An alias alone must not wait, for the connection may change. */
        error = (at_once == NJ_LATER || at_once == NJ_NOT_CONNECTED) && message->topic.size > 0
                ? enqueue(link, message, tag, waiter, out, next)
                : at_once;
    }
    if (error != NJ_OK)
        return link_failed_to_send(link, error, message);
    link_poke(link);
    return NJ_OK;
}

enum nj_error nj_link_send(struct nj_link *link, const struct nj_message *message, uint64_t tag)
{
    if (!link)
        return NJ_NO_MEMORY;
    link_lock(link);
    return link_unlock_with(link, link_send(link, message, tag, NULL, NULL));
}

size_t nj_link_pending(const struct nj_link *link)
{
    struct nj_link *locked = (struct nj_link *)(uintptr_t)link;
    size_t count;

    if (!link)
        return 0;
    link_lock(locked);
    count = link->queue.count;
    link_unlock(locked);
    return count;
}
