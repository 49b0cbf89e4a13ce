/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include "loop/clock.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>

enum { RETRY_DOUBLINGS_MAX = 16 };

/* ---- The place of the server, for sentences ---- */

/* What is tried, or was: a sentence begins with `what`, and goes on with `why` and `hint`. */
static enum nj_error fail(struct nj_link *link, enum nj_error error, const char *what,
        const char *why, const char *hint)
{
    const struct nj_link_options *options = &link->options;
    const struct address *next = link->addresses + link->address_next;
    char numeric[ADDRESS_HOST_SIZE], own[LINK_PLACE_SIZE], other[LINK_PLACE_SIZE];
    const char *host = options->host;
    const char *through = "", *proxy = "";
    const char *place = options->path;

    if (link->proxy.host) {
        through = " through the proxy ";
        proxy = link_place(other, link->proxy.host, link->proxy.port);
    } else if (link->address_next > 0 &&
            getnameinfo(&next[-1].socket.any, address_size(&next[-1]), numeric, sizeof(numeric),
                    NULL, 0, NI_NUMERICHOST) == 0) {
        host = numeric;
    }
    if (options->transport != NJ_TRANSPORT_UNIX)
        place = link_place(own, host, options->port);
    return failure_tell(link->failure, error, "%s %.*s%s%s: %s%s", what, LINK_PLACE_SIZE, place,
            through, proxy, why, hint);
}

/* ---- Down ---- */

/* How long it rests: it doubles, and is shortened by lot, lest all clients come at once. */
static int64_t pause_ms(struct nj_link *link)
{
    uint32_t doublings = link->tries < RETRY_DOUBLINGS_MAX ? link->tries : RETRY_DOUBLINGS_MAX;
    uint64_t pause = (uint64_t)link->options.retry_min_ms << doublings;

    if (pause > link->options.retry_max_ms)
        pause = link->options.retry_max_ms;
    link->tries++;
    return (int64_t)(pause - link_draw() % (pause / 2 + 1));
}

/* A message that nobody has asked for yet: it was not acknowledged, and is to be told when it comes
 * again, though the engine has noted its id. */
static void return_offered(struct nj_link *link)
{
    uint16_t *id = link_held_id(link);

    if (link->hold != HOLD_OFFERED)
        return;
    if (id)
        *id = 0;
    link->hold = HOLD_NONE;
    link->tells_qos2 = false;
}

void link_close_transport(struct nj_link *link, enum stream_end end)
{
    link_resolve_stop(link->resolve); /* its descriptor leaves the poll when it is closed */
    link->resolve = NULL;
    if (link->stream) {
        poll_remove(link->poll, stream_fd(link->stream));
        stream_close(link->stream, end);
    }
    link->stream = NULL;
    link->unread = nj_bytes_of(NULL, 0);
    link->write_error = 0;
    return_offered(link);
    nj_engine_closed(&link->engine);
    link_trace_reset(link);
}

/* Messages of QoS 0 that were with the engine went down with the connection. */
static void lose_written(struct nj_link *link, enum nj_error error)
{
    while (!list_empty(&link->queue.written))
        link_finish(
                link, container_of(link->queue.written.next, struct outgoing, link), error, NULL);
}

void link_break(struct nj_link *link, enum nj_error error)
{
    link->phase = LINK_OVER;
    link->broken = error;
    link_stir(link);
    link_request_end_all(link, error);
}

static void tell_down(struct nj_link *link, struct nj_down *news)
{
    void (*callback)(struct nj_link *, void *, const struct nj_down *) =
            link->options.callbacks.down;
    char text[FAILURE_SIZE];

    if (!callback)
        return;
    memcpy(text, link->failure, sizeof(text));
    news->text = text;
    link_call(link);
    callback(link, link->options.context, news);
    link_called(link);
}

void link_go_down(struct nj_link *link, enum nj_error error, const struct nj_event *event)
{
    bool parted = link->phase == LINK_PARTS;
    struct nj_down news = { .error = error };

    if (link->phase == LINK_OVER)
        return;
    if (event) {
        news.reason = event->reason;
        news.by_server = event->by_server;
        news.properties = event->properties;
    }
    link->downs++;
    link_stir(link);
    link->error = error;
    link->reason = news.reason;
    if (link->phase == LINK_UP && link->now_ms - link->up_ms > link->options.retry_max_ms)
        link->tries = 0;
    link->phase = LINK_RESTS;
    link_ask_lost(link);
    news.retry_ms = parted || link->parts || link->options.once ? -1 : pause_ms(link);
    link->due_ms = link->now_ms + news.retry_ms;
    if (news.retry_ms < 0)
        link_break(link, parted || link->parts ? NJ_CLOSED : error);
    lose_written(link, error);
    if (!parted || error != NJ_CLOSED)
        tell_down(link, &news);
    link_close_transport(link, parted ? STREAM_END_CLEAN : STREAM_END_ABRUPT);
}

/* That the link has been told to end is said as any other failure. */
static enum nj_error closed(struct nj_link *link)
{
    return failure_tell(link->failure, NJ_CLOSED, "%s", nj_error_text(NJ_CLOSED));
}

/* ---- Connecting ---- */

static bool is_clean(const struct nj_link *link)
{
    const struct nj_link_options *options = &link->options;

    return (options->clean_start && !link->had_session) ||
            (options->version != NJ_MQTT_5_0 && options->session_expiry_s == 0);
}

enum nj_error link_greet(struct nj_link *link)
{
    const struct nj_link_options *options = &link->options;
    const struct nj_connect_options connect = {
        .client_id = link->client_id,
        .user_name = nj_text(options->user_name),
        .password = options->password,
        .will = options->will,
        .properties = link->connect_properties,
        .keep_alive_s = options->keep_alive_s,
        .clean_start = is_clean(link),
    };
    enum nj_error error = nj_engine_connect(&link->engine, &connect, link->now_ms);

    return error == NJ_OK ? NJ_OK
                          : link_failed(link, error, "cannot write CONNECT as the options say");
}

/* What may be behind it that a server leaves without a word: the two speak something else. */
static const char *hint(const struct nj_link *link, int error)
{
    bool tls = link_is_tls(link->options.transport);
    bool websocket = link_is_websocket(link->options.transport);
    bool left = error == 0 || error == ECONNRESET || error == EPIPE;

    if (!left || link->heard)
        return "";
    if (link->phase == LINK_TRIES && tls)
        return "; does it speak TLS at this port?";
    if (link->phase == LINK_TRIES)
        return websocket ? "; does it speak WebSocket at this port, and with TLS or without?" : "";
    if (link->phase != LINK_GREETS)
        return "";
    return tls || websocket ? "; does it want another version of MQTT?"
                            : "; does it want TLS at this port, or another version of MQTT?";
}

/* Which layer a failure is of; `known` is what one of them says, or NULL. */
static enum nj_error layer_of(int error, const char *known)
{
    if (known && error == EPROTO)
        return NJ_TLS;
    return known && error == EBADMSG ? NJ_WEBSOCKET : NJ_NETWORK;
}

/* Why the transport has failed. */
static enum nj_error blame(struct nj_link *link, const char *what, int error)
{
    const char *known = link->stream ? stream_failure(link->stream) : NULL;

    return fail(link, layer_of(error, known), what,
            known           ? known
                    : error ? strerror(error)
                            : "the server has closed the connection",
            hint(link, error));
}

static void try_next(struct nj_link *link);

/* One address is no good; the next may be, but for one that took our words. */
static void fail_transport(struct nj_link *link, int error)
{
    bool tries = link->phase == LINK_TRIES;
    enum nj_error blamed =
            blame(link, tries ? "cannot connect to" : "lost the connection to", error);

    if (tries && link->address_next < link->address_count) {
        link_close_transport(link, STREAM_END_ABRUPT);
        try_next(link);
    } else {
        link_go_down(link, blamed, NULL);
    }
}

static void begin(struct nj_link *link)
{
    enum nj_error error = link_greet(link);

    if (error == NJ_OK)
        return;
    link_break(link, error);
    link_close_transport(link, STREAM_END_ABRUPT);
}

/* Begins with the next address; there is one. */
static void try_next(struct nj_link *link)
{
    int result = link_transport_open(&link->stream, &link->options, &link->proxy, link->tls,
            &link->addresses[link->address_next++]);

    link->phase = LINK_TRIES;
    link->heard = false;
    link->due_ms = link->now_ms + link->options.connect_ms;
    if (result < 0)
        link->stream = NULL;
    else
        result = poll_add(link->poll, stream_fd(link->stream), POLL_WRITE, link);
    link->waits = POLL_WRITE;
    if (result < 0)
        fail_transport(link, -result);
    else
        begin(link);
}

static void take_answer(struct nj_link *link, int count)
{
    link->address_next = 0;
    link->address_count = count > 0 ? count : 0;
    if (count > 0)
        try_next(link);
    else
        link_go_down(link,
                fail(link, NJ_NO_ADDRESS,
                        link->proxy.host ? "cannot find the proxy's address to connect to"
                                         : "cannot find an address of",
                        count == -ENOENT           ? "there is none of that name"
                                : count == -EAGAIN ? "the name server does not answer"
                                                   : strerror(-count),
                        ""),
                NULL);
}

static void resolve(struct nj_link *link)
{
    const struct nj_link_options *options = &link->options;
    const char *host = link->proxy.host ? link->proxy.host : options->host;
    uint16_t port = link->proxy.host ? link->proxy.port : options->port;
    int result;

    link->address_next = 0;
    if (options->transport == NJ_TRANSPORT_UNIX ||
            address_parse(&link->addresses[0], host, port) == 0) {
        take_answer(link, 1);
        return;
    }
    result = link_resolve_start(&link->resolve, host, port);
    if (result == 0) {
        link->phase = LINK_RESOLVES;
        result = poll_add(link->poll, link_resolve_fd(link->resolve), POLL_READ, link->resolve);
    }
    if (result < 0)
        take_answer(link, result);
}

static void look_at_answer(struct nj_link *link)
{
    int count = link_resolve_answer(link->resolve, link->addresses);

    if (count == 0)
        return;
    poll_remove(link->poll, link_resolve_fd(link->resolve));
    link_resolve_stop(link->resolve);
    link->resolve = NULL;
    take_answer(link, count);
}

/* ---- Parting ---- */

/* Says goodbye, once what was received is acknowledged. */
static void part(struct nj_link *link)
{
    enum nj_error error;

    if (link->phase != LINK_UP) {
        link_break(link, closed(link));
        link_close_transport(link, STREAM_END_ABRUPT);
        return;
    }
    error = nj_engine_disconnect(
            &link->engine, link->part_reason, link->part_properties, link->now_ms);
    if (error == NJ_TOO_LARGE) /* [MQTT5-3.14.2-3]; without DISCONNECT the will would be sent */
        error = nj_engine_disconnect(&link->engine, link->part_reason, nj_text(NULL), link->now_ms);
    if (error == NJ_LATER)
        return;
    link->phase = LINK_PARTS;
    link->due_ms = link->now_ms + link->options.connect_ms;
}

static void end_parting(struct nj_link *link)
{
    stream_shutdown(link->stream);
    link_go_down(link, closed(link), NULL);
}

/* ---- Writing ---- */

/* Messages of QoS 0 whose last byte is written are done. */
static void finish_written(struct nj_link *link)
{
    while (!list_empty(&link->queue.written)) {
        struct outgoing *first = container_of(link->queue.written.next, struct outgoing, link);

        if (first->end > link->written)
            return;
        link_finish(link, first, NJ_OK, NULL);
    }
}

/* True when something was written and more may be. */
static bool write_some(struct nj_link *link)
{
    struct nj_bytes output;
    struct iovec piece;
    int result;

    link_trace_output(link);
    output = nj_engine_output(&link->engine);
    if (output.size == 0 || link->write_error)
        return false;
    piece = stream_piece(bytes_of(output.data, output.size));
    result = stream_write(link->stream, &piece, 1);
    if (result == -EAGAIN)
        return false;
    if (result < 0 && link->phase == LINK_TRIES) {
        fail_transport(link, -result);
        return false;
    }
    if (result < 0) { /* the server may have said why; that is to be read first */
        link->write_error = -result;
        return false;
    }
    if (link->phase == LINK_TRIES) {
        link->phase = LINK_GREETS;
        link->engine.ping_ms = link->now_ms; /* now the server has its time for an answer */
    }
    nj_engine_sent(&link->engine, (size_t)result);
    link_trace_sent(link, (size_t)result);
    link->written += (uint64_t)result;
    finish_written(link);
    return (size_t)result == output.size;
}

/* Gives the engine what waits and writes what it has, while that goes. */
static void work(struct nj_link *link)
{
    enum nj_error error = NJ_OK;
    bool more = true;

    while (more && link->stream) {
        link_feed(link);
        error = link_keep_states(link);
        if (error != NJ_OK) {
            link_go_down(link, error, NULL);
            return;
        }
        more = write_some(link);
    }
    if (link->phase == LINK_PARTS && link->stream &&
            (link->write_error || nj_engine_output(&link->engine).size == 0))
        end_parting(link);
}

/* ---- Reading ---- */

/* Gives the engine what came; with a trace, packet by packet. */
static void give_input(struct nj_link *link)
{
    size_t size = link->unread.size;

    if (link->trace_in.data)
        size = link_trace_input(link, link->unread);
    nj_engine_receive(&link->engine, link->unread.data, size);
    link->unread = nj_bytes_of((const uint8_t *)link->unread.data + size, link->unread.size - size);
}

static void take_input(struct nj_link *link)
{
    link_take_events(link);
    while (link->stream && link->unread.size > 0 && !link_is_paused(link) &&
            nj_engine_may_receive(&link->engine)) {
        give_input(link);
        link_take_events(link);
    }
}

static void read_some(struct nj_link *link)
{
    int result;

    if (link->unread.size > 0 || !nj_engine_may_receive(&link->engine) || link_is_paused(link))
        return;
    result = stream_read(link->stream, link->read, LINK_READ_SIZE);
    if (result == -EAGAIN && link->write_error)
        result = -link->write_error;
    if (result == -EAGAIN)
        return;
    if (result <= 0)
        fail_transport(link, -result);
    else
        link->unread = nj_bytes_of(link->read, (size_t)result);
    if (result > 0) {
        link->heard = true;
        link->heard_ms = link->now_ms;
    }
}

/* ---- The turn ---- */

/* What the stream waits for now; the poll is told when it is something else than before. */
static unsigned wanted(const struct nj_link *link)
{
    unsigned waits = 0;

    if (!link_is_paused(link))
        waits |= STREAM_IN;
    if (nj_engine_output(&link->engine).size > 0 && !link->write_error)
        waits |= STREAM_OUT;
    return stream_waits(link->stream, waits);
}

static void tell_poll(struct nj_link *link)
{
    unsigned waits;

    if (!link->stream)
        return;
    waits = wanted(link) & (STREAM_IN | STREAM_OUT);
    waits = (waits & STREAM_IN ? POLL_READ : 0u) | (waits & STREAM_OUT ? POLL_WRITE : 0u);
    if (waits == link->waits)
        return;
    link->waits = waits;
    /* Who waits for nothing is told of an end all the same; once is enough. */
    poll_change(link->poll, stream_fd(link->stream), waits ? waits : POLL_NEWS, link);
}

static bool can_send(const struct nj_link *link)
{
    return link->phase == LINK_UP && !link->asks_late &&
            (!list_empty(&link->queue.waiting) || !list_empty(&link->asks)) &&
            nj_engine_output(&link->engine).size == 0 && link->queue.flying_count == 0;
}

/* When it has something to do; INT64_MAX: when the descriptor says so. */
static int64_t due_ms(const struct nj_link *link, int64_t now_ms)
{
    int64_t due = link_request_due_ms(link);
    int64_t engine = link->phase == LINK_TRIES ? INT64_MAX : nj_engine_due_ms(&link->engine);
    unsigned waits;

    if (link->phase == LINK_OVER)
        return INT64_MAX;
    if (link->parts && link->phase != LINK_PARTS &&
            (link->phase != LINK_UP || nj_engine_output(&link->engine).size == 0))
        return now_ms;
    if (link->phase != LINK_RESOLVES && link->phase != LINK_GREETS && link->phase != LINK_UP &&
            link->due_ms < due)
        due = link->due_ms;
    if (!link->stream)
        return due;
    waits = wanted(link);
    if (can_send(link) || waits & STREAM_READY ||
            (link->unread.size > 0 && !link_is_paused(link)) ||
            (waits & STREAM_OUT && !(link->waits & POLL_WRITE)))
        return now_ms;
    return engine < due ? engine : due;
}

int link_left_ms(const struct nj_link *link, int64_t now_ms)
{
    int64_t due = due_ms(link, now_ms);
    int64_t left = due > now_ms ? due - now_ms : 0;

    if (due == INT64_MAX)
        return -1;
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* What is due by the clock. */
static void tick(struct nj_link *link)
{
    link_request_tick(link);
    if (link->now_ms < link->due_ms)
        return;
    if (link->phase == LINK_RESTS && !link->parts)
        resolve(link);
    else if (link->phase == LINK_TRIES)
        fail_transport(link, ETIMEDOUT);
    else if (link->phase == LINK_PARTS)
        end_parting(link);
}

/*
 * The engine's part, once what has come is read: the answer to a PINGREQ may be among it. Whatever
 * comes shows that the server is there. While a message is held nothing is read, the answer
 * neither. And who sends all the time must ask too, or he hears of a lost connection from TCP,
 * which takes a quarter of an hour.
 */
static void tick_engine(struct nj_link *link)
{
    struct nj_engine *engine = &link->engine;
    bool paused = link_is_paused(link);

    if (link->phase == LINK_UP && !engine->stuck) {
        if (paused || link->heard_ms > engine->ping_ms)
            engine->ping_ms = -1;
        if (!paused && link->heard_ms < engine->sent_ms && engine->ping_ms < 0)
            engine->sent_ms = link->heard_ms;
    }
    if (link->phase == LINK_GREETS || link->phase == LINK_UP)
        nj_engine_tick(engine, link->now_ms);
}

static int wait_ms(const struct nj_link *link, int timeout_ms)
{
    int left = link_left_ms(link, link->now_ms);

    return left < 0 || (timeout_ms >= 0 && timeout_ms < left) ? timeout_ms : left;
}

/* Waits without the lock; whoever has something to do for the loop wakes it. Returns whether the
 * stream may be read. */
static bool wait_for_news(struct nj_link *link, int timeout_ms)
{
    struct poll_event events[4];
    bool readable = link->stream && wanted(link) & STREAM_READY;
    int wait = link->stirred ? 0 : wait_ms(link, timeout_ms);
    int count;

    link_unlock(link);
    count = poll_wait(link->poll, events, sizeof(events) / sizeof(events[0]), wait);
    link_lock(link);
    wake_clear(&link->wake);
    link->now_ms = clock_now_ms();
    for (int i = 0; i < count; i++)
        readable |= events[i].owner == link; /* a layer may have to write before it can read */
    return readable;
}

void link_turn(struct nj_link *link, int timeout_ms)
{
    bool readable;

    link->stirred = false;
    link->now_ms = clock_now_ms();
    tick(link);
    take_input(link);
    work(link);
    tell_poll(link);
    if (link->phase == LINK_OVER)
        return;
    readable = wait_for_news(link, timeout_ms);
    if (link->phase == LINK_RESOLVES)
        look_at_answer(link);
    if (link->stream && readable)
        read_some(link);
    take_input(link);
    tick(link);
    tick_engine(link);
    take_input(link); /* the tick may have found the end */
    if (link->parts && link->phase != LINK_PARTS && link->phase != LINK_OVER)
        part(link);
    work(link);
    tell_poll(link);
}
