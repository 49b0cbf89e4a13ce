/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Messages that come ---- */

struct incoming *link_incoming_new(const struct nj_message *message)
{
    struct incoming *incoming = malloc(sizeof(*incoming) + link_message_size(message));

    if (incoming)
        link_message_copy(&incoming->message, incoming->data, message);
    return incoming;
}

bool link_keep_incoming(struct nj_link *link, const struct nj_message *message)
{
    struct incoming *incoming =
            link->inbox_count < link->options.inbox_messages ? link_incoming_new(message) : NULL;

    if (!incoming)
        return false;
    list_append(&link->inbox, &incoming->link);
    link->inbox_count++;
    return true;
}

uint16_t *link_held_id(const struct nj_link *link)
{
    if (link->hold == HOLD_NONE || link->held_message.qos != 2)
        return NULL;
    for (size_t i = 0; i < link->options.receive_maximum; i++) {
        if (link->held[i] == link->held_message.id)
            return &link->held[i];
    }
    return NULL;
}

/* Another call waits for an answer that comes behind this message, so it is put aside. */
static bool put_aside(struct nj_link *link, const struct nj_message *message)
{
    bool kept = link->waiters > 0 && link_keep_incoming(link, message);

    if (kept)
        link_stir(link);
    return kept;
}

static void offer(struct nj_link *link, const struct nj_message *message)
{
    link->hold = HOLD_OFFERED;
    link->held_message = *message;
    link_stir(link);
}

static void take_message(struct nj_link *link, const struct nj_event *event)
{
    void (*callback)(struct nj_link *, void *, const struct nj_message *) =
            link->options.callbacks.message;

    link->tells_qos2 = event->message.qos == 2;
    if (link_request_takes(link, &event->message))
        return;
    if (callback) {
        link->tells = true;
        link_call(link);
        callback(link, link->options.context, &event->message);
        link_called(link);
        link->tells = false;
        if (link->leaves)
            offer(link, &event->message); /* to nobody, for the link parts */
    } else if (!put_aside(link, &event->message)) {
        offer(link, &event->message);
    }
}

/* ---- Messages that were sent ---- */

void link_finish(struct nj_link *link, struct outgoing *outgoing, enum nj_error error,
        const struct nj_event *event)
{
    uint8_t reason = event ? event->reason : 0;
    const struct nj_callbacks *callbacks = &link->options.callbacks;

    link_queue_remove(&link->queue, outgoing);
    link_keep_done(link, outgoing);
    link_stir(link);
    if (outgoing->waiter)
        *outgoing->waiter = (struct waiter){ true, error, reason };
    if (outgoing->request)
        link_request_sent(link, outgoing->request, error, reason);
    else if (!outgoing->waiter && !outgoing->quiet && callbacks->sent) {
        link_call(link);
        callbacks->sent(link, link->options.context, outgoing->tag, error, reason,
                event ? event->properties : nj_text(NULL));
        link_called(link);
    }
    free(outgoing);
}

static void take_done(struct nj_link *link, const struct nj_event *event)
{
    struct outgoing *outgoing = link->queue.flying[event->tag];
    enum nj_error error = event->reason >= 0x80 ? NJ_REFUSED : outgoing->given_up;

    link_finish(link, outgoing, error, event);
}

static void take_again(struct nj_link *link, const struct nj_event *event)
{
    struct outgoing *outgoing = link->queue.flying[event->tag];
    enum nj_error error = outgoing->given_up;

    if (error == NJ_OK)
        error = nj_engine_send_again(&link->engine, event->id, &outgoing->message, link->now_ms);
    if (error == NJ_OK || error == NJ_LATER || error == NJ_NOT_CONNECTED)
        return;
    outgoing->given_up = error;
    nj_engine_give_up(&link->engine, event->id);
    if (outgoing->message.qos == 1) /* with QoS 2 the server must release the id first */
        link_finish(link, outgoing, error, NULL);
}

/* With QoS 1 a second copy does no harm, so it is sent as if it was new. */
static void take_lost(struct nj_link *link, const struct nj_event *event)
{
    struct outgoing *outgoing = link->queue.flying[event->tag];

    if (outgoing->message.qos == 1 && outgoing->given_up == NJ_OK)
        link_queue_return(&link->queue, event->tag);
    else
        link_finish(link, outgoing, outgoing->given_up ? outgoing->given_up : NJ_LOST, NULL);
}

/* ---- The connection ---- */

/* Keeps the name that the server gave, for it is asked for by it from now on. */
static enum nj_error take_client_id(struct nj_link *link, struct nj_bytes properties)
{
    struct nj_property_value value;

    if (!nj_find_property(properties, NJ_ASSIGNED_CLIENT_IDENTIFIER, &value))
        return NJ_OK;
    return link_take_client_id(link, value.bytes) ? link_keep_client(link) : NJ_NO_MEMORY;
}

/* Where the server wants responses to go. Without memory they go where they go by default. */
static void take_response_information(struct nj_link *link, struct nj_bytes properties)
{
    struct nj_property_value value;

    free(link->response_prefix);
    link->response_prefix = NULL;
    if (nj_find_property(properties, NJ_RESPONSE_INFORMATION, &value))
        link->response_prefix = link_text_copy(value.bytes.data, value.bytes.size);
}

static void take_connected(struct nj_link *link, const struct nj_event *event)
{
    const struct nj_callbacks *callbacks = &link->options.callbacks;
    enum nj_error error = take_client_id(link, event->properties);
    struct nj_connected news;

    if (error != NJ_OK) {
        link_go_down(link, link_failed(link, error, "cannot keep the client id"), event);
        return;
    }
    take_response_information(link, event->properties);
    link->phase = LINK_UP;
    link->up_ms = link->now_ms;
    link->had_session = true;
    link->failure[0] = '\0';
    link->error = NJ_OK;
    link->reason = 0;
    link_stir(link);
    if (!event->session_present)
        link_ask_renew(link);
    if (!callbacks->connected)
        return;
    news = (struct nj_connected){ event->session_present, event->properties, link->client_id };
    link_call(link);
    callbacks->connected(link, link->options.context, &news);
    link_called(link);
}

static void take_refused(struct nj_link *link, const struct nj_event *event)
{
    link_refused(link, NJ_REFUSED, event->reason, "the server does not let the client in");
    link_go_down(link, NJ_REFUSED, event);
}

/* What the server speaks instead of MQTT, by its first bytes, which are still where they were read;
 * "": who knows. */
static const char *other_protocol(const struct nj_link *link)
{
    struct bytes first = bytes_of(link->read, LINK_READ_SIZE);

    if (link->phase != LINK_GREETS)
        return "";
    if (bytes_start_with(first, BYTES("HTTP/")))
        return "; the server answers in HTTP: is this port for WebSockets?";
    if (bytes_start_with(first, BYTES("\x15\x03")))
        return "; the server answers in TLS: connect by that";
    return "";
}

static void take_ended(struct nj_link *link, const struct nj_event *event)
{
    failure_tell(link->failure, NJ_NOT_CONNECTED, "%s has ended the connection: %s%s",
            event->by_server ? "the server" : "the client", nj_reason_text(event->reason),
            event->by_server ? "" : other_protocol(link));
    /* What the engine says last is for the server to read; it goes as far as it goes. */
    if (!event->by_server) {
        struct nj_bytes output = nj_engine_output(&link->engine);
        struct iovec piece = stream_piece(bytes_of(output.data, output.size));

        link_trace_output(link);
        if (output.size > 0)
            stream_write(link->stream, &piece, 1);
        stream_shutdown(link->stream);
    }
    link_go_down(link, NJ_NOT_CONNECTED, event);
}

static void take_auth(struct nj_link *link, const struct nj_event *event)
{
    const struct nj_callbacks *callbacks = &link->options.callbacks;

    if (!callbacks->auth)
        return;
    link_call(link);
    callbacks->auth(link, link->options.context, event->reason, event->properties);
    link_called(link);
}

static void take(struct nj_link *link, const struct nj_event *event)
{
    switch (event->kind) {
    case NJ_EVENT_CONNECTED:
        take_connected(link, event);
        break;
    case NJ_EVENT_REFUSED:
        take_refused(link, event);
        break;
    case NJ_EVENT_MESSAGE:
        take_message(link, event);
        break;
    case NJ_EVENT_DONE:
        take_done(link, event);
        break;
    case NJ_EVENT_SEND_AGAIN:
        take_again(link, event);
        break;
    case NJ_EVENT_LOST:
        take_lost(link, event);
        break;
    case NJ_EVENT_SUBSCRIBED:
    case NJ_EVENT_UNSUBSCRIBED:
        link_ask_answered(link, event);
        break;
    case NJ_EVENT_AUTH:
        take_auth(link, event);
        break;
    case NJ_EVENT_ENDED:
        take_ended(link, event);
        break;
    }
}

/* The message before is over. That it was taken must be known before it is said. */
static bool keep_taken(struct nj_link *link)
{
    bool tells = link->tells_qos2;

    link->tells_qos2 = false;
    return !tells || link_keep_states(link) == NJ_OK;
}

void link_take_events(struct nj_link *link)
{
    struct nj_event event;

    while (link->stream && !link_is_paused(link)) {
        if (!keep_taken(link)) {
            link_go_down(link, NJ_FILE, NULL);
            return;
        }
        if (!nj_engine_next(&link->engine, &event, link->now_ms))
            return;
        if (link->parts && event.kind == NJ_EVENT_MESSAGE)
            offer(link, &event.message); /* to nobody: the server keeps it */
        else
            take(link, &event);
    }
}
