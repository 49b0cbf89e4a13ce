/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/traffic.h"

#include <errno.h>
#include <limits.h>

enum {
    FILLS_MAX = 16,   /* writes of one connection and turn: a fast reader does not starve others */
    LINGER_MS = 1000, /* for a peer to read why it was refused, before the socket is closed */
    LINGERING_MAX = 1000, /* links that linger; beyond it they are closed at once */
    HEAD_SIZE_MAX = INT_MAX,
};

/* ---- Links ---- */

/* Whether what is left to write waits for the socket. */
static bool is_full(const struct link *link)
{
    return link->leftover || link->more;
}

static unsigned wanted(const struct link *link)
{
    bool reads = link->state == LINK_LINGERS || (link->state == LINK_OPEN && !link->held);

    return (reads ? STREAM_IN : 0) | (is_full(link) ? STREAM_OUT : 0);
}

/*
 * What the stack waits for at its descriptor, for what the link wants now. When that is nothing but
 * to be read, as bytes lie inside, the link is read again in the next turn.
 */
static uint8_t ask_stream(struct shard *shard, struct link *link)
{
    unsigned waits;

    link->wants = (uint8_t)wanted(link);
    waits = stream_waits(link->stream, link->wants);
    if (waits & STREAM_READY && link->state == LINK_OPEN) {
        list_remove(&link->node);
        list_append(&shard->unread, &link->node);
    }
    return (uint8_t)(waits & (STREAM_IN | STREAM_OUT));
}

/*
 * Tells the poll, where that is news, what a link waits for: after all that may have changed it,
 * each read and write included. False: the link must be closed.
 */
static bool await(struct shard *shard, struct link *link)
{
    uint8_t waits = ask_stream(shard, link);

    if (link->waits == waits)
        return true;
    if (poll_change(shard->poll, stream_fd(link->stream), waits, &link->waiter) < 0)
        return false;
    link->waits = waits;
    return true;
}

static void count_leftover(struct shard *shard, const struct link *link, size_t before)
{
    size_t after = link_leftover_size(link);

    counter_add(&shard->output_bytes, (uint64_t)after - before);
    counter_add(&shard->output_packets, (uint64_t)(after > 0) - (before > 0));
}

static void end_link(struct shard *shard, struct link *link, enum stream_end end)
{
    struct entrance *entrance = &shard->group->entrances[link->entrance];
    size_t leftover = link_leftover_size(link);

    if (link->connection)
        core_close(shard->core, link->connection, shard->now_ms);
    link->connection = NULL;
    if (link->state == LINK_LINGERS)
        shard->lingering_count--;
    poll_remove(shard->poll, stream_fd(link->stream));
    link_close(link, &shard->memory, shard->core, end);
    count_leftover(shard, link, leftover);
    atomic_fetch_sub_explicit(&entrance->connections, 1, memory_order_relaxed);
    list_remove(&link->node);
    list_append(&shard->closed, &link->node);
}

/* Its stream has failed: with -errno, or with the peer's end. */
static void fail_link(struct shard *shard, struct link *link)
{
    const char *text = stream_failure(link->stream);
    struct stream_peer peer;
    char address[ADDRESS_TEXT_SIZE];

    if (text) {
        stream_peer(link->stream, &peer);
        journal_tell(&shard->journal, EVENT_INFO, "connection.failed",
                field_bytes("peer", bytes_of_text(address_format(&peer.address, address))),
                field_text("text", text));
    }
    end_link(shard, link, STREAM_END_CLEAN);
}

/* After events of this turn cannot name them any more. */
void traffic_free_closed(struct shard *shard)
{
    struct list *node;

    while ((node = list_take_first(&shard->closed)))
        memory_give(&shard->memory, container_of(node, struct link, node), sizeof(struct link));
}

/* ---- Output ---- */

/* Our side is ended: the peer gets a moment to read what was written last. */
static void linger(struct shard *shard, struct link *link)
{
    core_close(shard->core, link->connection, shard->now_ms);
    link->connection = NULL;
    link->state = LINK_LINGERS;
    link->moment_ms = shard->now_ms + LINGER_MS;
    list_remove(&link->node);
    list_append(&shard->lingering, &link->node);
    shard->lingering_count++;
    if (!await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
}

/* Core has ended it and all is written: our side ends. */
static void finish_link(struct shard *shard, struct link *link)
{
    bool lingers = link->told && shard->lingering_count < LINGERING_MAX;
    int result = lingers ? stream_shutdown(link->stream) : 0;

    /* A layer that has an end of its own to write may find the socket full: that is output too. */
    link->more = result == -EAGAIN;
    if (lingers && result == 0)
        linger(shard, link);
    else if (!link->more || !await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
}

static bool grow_output(struct shard *shard, size_t size)
{
    uint8_t *data;

    if (size > HEAD_SIZE_MAX)
        return false;
    /* Nothing is to be copied: core has filled nothing in. */
    data = memory_take(&shard->memory, size);
    if (!data)
        return false;
    memory_give(&shard->memory, shard->output.data, shard->output.size);
    shard->output = (struct scratch){ data, size };
    return true;
}

/*
 * Lets core fill the scratch once and writes that. Returns 1 when there is more to write and the
 * socket takes it, 0 when there is not or it does not, or -errno: the link must be closed.
 */
static int fill_and_write(struct shard *shard, struct link *link)
{
    struct output out = { .head = shard->output.data, .head_size = shard->output.size };
    bool more = core_fill(shard->core, link->connection, &out, shard->now_ms);
    int result;

    if (out.head_wanted > 0)
        return grow_output(shard, out.head_wanted) ? 1 : -ENOMEM;
    if (out.head_used + out.tail.size == 0)
        return 0;
    link->told |= link->state == LINK_DRAINS;
    result = link_write(link, &shard->memory, shard->core, &out);
    if (result < 0)
        return result;
    count_leftover(shard, link, 0);
    return more && !link->leftover ? 1 : 0;
}

static int flush_leftover(struct shard *shard, struct link *link)
{
    size_t before = link_leftover_size(link);
    int result = link_flush(link, &shard->memory, shard->core);

    count_leftover(shard, link, before);
    return result;
}

/* Writes what the link has to write, as much as the socket takes. Returns 1 when there is more that
 * it would take, 0, or -errno. */
static int write_out(struct shard *shard, struct link *link)
{
    int result = flush_leftover(shard, link);

    if (result < 0 || link->leftover)
        return result;
    result = 1;
    for (unsigned i = 0; i < FILLS_MAX && result > 0; i++)
        result = fill_and_write(shard, link);
    return result;
}

static void write_link(struct shard *shard, struct link *link)
{
    int result = write_out(shard, link);

    link->more = result > 0;
    if (result < 0)
        fail_link(shard, link);
    else if (result == 0 && !link->leftover && link->state == LINK_DRAINS)
        finish_link(shard, link);
    else if (!await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
}

/* Does what core wants of a connection that it has named. */
static void serve_output(struct shard *shard, struct link *link)
{
    enum connection_fate fate = connection_fate(link->connection);

    if (fate == CONNECTION_DROPS) {
        end_link(shard, link, STREAM_END_ABRUPT);
        return;
    }
    if (fate == CONNECTION_DRAINS)
        link->state = LINK_DRAINS;
    /* One whose socket is full is written to when the poll says so, and not tried before. */
    if (!is_full(link))
        write_link(shard, link);
    else if (!await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
}

void traffic_write_full(struct shard *shard)
{
    struct connection *connection;

    while ((connection = core_next_full(shard->core)))
        serve_output(shard, connection_link(connection));
}

void traffic_write(struct shard *shard)
{
    struct connection *connection;

    while ((connection = core_next_output(shard->core)))
        serve_output(shard, connection_link(connection));
}

/* ---- Input ---- */

/*
 * Hands a link over to its home. It leaves this shard's poll and lists first, for once the parcel
 * is sent the link is the other shard's.
 */
static void move_link(struct shard *shard, struct link *link, unsigned home)
{
    poll_remove(shard->poll, stream_fd(link->stream));
    list_remove(&link->node);
    link->waits = link->wants = 0;
    link->held = false;
    if (core_send_parcel(shard->core, link->connection, home, link))
        return;
    /* No room in the mailbox: core will name it when there is, and all of this is done again. */
    link->held = true;
    list_append(&shard->links, &link->node);
    if (poll_add(shard->poll, stream_fd(link->stream), 0, &link->waiter) < 0)
        end_link(shard, link, STREAM_END_CLEAN);
}

/*
 * Gives core the unread bytes, and writes out in between what core has too much of. False when that
 * has ended this very link.
 */
static bool feed(struct shard *shard, struct link *link, struct bytes in, struct core_received *out)
{
    size_t used = 0;

    do {
        *out = core_receive(shard->core, link->connection, bytes_from(in, used), shard->now_ms);
        used += out->used;
        traffic_write_full(shard);
        if (!link->connection)
            return false;
    } while (out->verdict == CORE_AGAIN);
    out->used = used;
    return true;
}

/* Gives core the unread bytes and does what it says; the link may be gone afterwards. */
static void digest(struct shard *shard, struct link *link, struct bytes in)
{
    struct core_received received;
    bool kept = true;

    if (!feed(shard, link, in, &received))
        return;
    if (connection_wants_haste(link->connection))
        stream_hasten(link->stream);
    link->held = received.verdict == CORE_WAIT;
    if (received.verdict == CORE_END)
        /* Core names it among those with output, and there it is written and closed. */
        link->state = LINK_DRAINS;
    else
        kept = link_keep(link, &shard->memory, in, received.used, received.wanted);
    if (!kept || (received.verdict == CORE_READ && !await(shard, link)))
        end_link(shard, link, STREAM_END_CLEAN);
    else if (received.verdict == CORE_MOVE)
        move_link(shard, link, received.home);
}

/* The name that a client has proved to have, by what its listener goes by; empty: none. */
static struct bytes proved_name(
        const struct shard *shard, const struct link *link, const struct stream_peer *peer)
{
    const struct config_tls *tls = &shard->config->listeners[link->entrance].tls;

    return bytes_of_text(tls->use_identity_as_username ? peer->common_name : peer->subject);
}

/* Tells core what the layers have found out, once they are ready. False: the link must be closed.
 */
static bool introduce(struct shard *shard, struct link *link)
{
    struct stream_peer peer;
    struct introduction introduction;
    char text[ADDRESS_TEXT_SIZE];

    if (!link->stranger)
        return true;
    stream_peer(link->stream, &peer);
    introduction = (struct introduction){
        .peer = bytes_of_text(address_format(&peer.address, text)),
        .tls_version = peer.tls_version,
        .tls_cipher = peer.tls_cipher,
        .user_name = proved_name(shard, link, &peer),
    };
    link->stranger = false;
    return core_introduce(shard->core, link->connection, &introduction);
}

/* At most one buffer-full for each turn: a busy peer does not starve others. */
static void serve_input(struct shard *shard, struct link *link)
{
    struct bytes in;
    int size;

    if (link->held) {
        /* It is only now that leaving it unread has a cost: the poll would tell it every turn. */
        if (!await(shard, link))
            end_link(shard, link, STREAM_END_CLEAN);
        return;
    }
    size = link_read(link, &shard->memory, shard->input, &in);
    if (size <= 0 && size != -EAGAIN)
        fail_link(shard, link);
    else if (size > 0 ? !introduce(shard, link) : !await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
    else if (size > 0)
        digest(shard, link, in);
}

/* What comes from a peer that has been told its end is thrown away, until it ends as well. */
static void discard_input(struct shard *shard, struct link *link)
{
    int size = stream_read(link->stream, shard->input.data, shard->input.size);

    if (size == 0 || (size < 0 && size != -EAGAIN) || !await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
}

void traffic_serve(struct shard *shard, struct link *link, unsigned ready)
{
    if (link->state == LINK_CLOSED)
        return;
    if (link->waits == 0) {
        /* The poll tells of one that waits for nothing only when it has failed. */
        end_link(shard, link, STREAM_END_CLEAN);
        return;
    }
    /* A layer that waits otherwise than we do may need the one for the other. */
    if (link->waits != link->wants)
        ready = POLL_READ | POLL_WRITE;
    /* A failure shows as both, whatever was waited for; the read tells it then. */
    if (ready & POLL_WRITE && is_full(link))
        write_link(shard, link);
    if (!(ready & POLL_READ))
        return;
    if (link->state == LINK_OPEN)
        serve_input(shard, link);
    else if (link->state == LINK_LINGERS)
        discard_input(shard, link);
}

/* Reads on where bytes lay inside the stack, of which the poll knows nothing. */
void traffic_read_unread(struct shard *shard)
{
    struct list unread;
    struct list *node;

    list_init(&unread);
    list_move_all(&unread, &shard->unread);
    while ((node = list_take_first(&unread))) {
        struct link *link = container_of(node, struct link, node);

        list_append(&shard->links, node);
        if (link->state == LINK_OPEN)
            serve_input(shard, link);
    }
}

/* Reads on where core had waited: first what is kept, then, by the poll, what comes. */
void traffic_resume(struct shard *shard)
{
    struct connection *connection;

    while ((connection = core_next_ready(shard->core))) {
        struct link *link = connection_link(connection);

        shard->again = true;
        digest(shard, link, buffer_bytes(&link->input));
    }
}

/* ---- The whole of a link ---- */

/* Makes the link known to poll and core; `moved` when it comes from another shard. */
void traffic_admit(struct shard *shard, struct link *link, bool moved)
{
    struct stream_peer peer;
    char text[ADDRESS_TEXT_SIZE];
    enum mqtt_reason refusal;
    struct arrival arrival = {
        .link = link,
        .listener = &shard->listeners[link->entrance],
        .accepted_ms = link->moment_ms,
        .moved = moved,
    };

    list_append(&shard->links, &link->node);
    link->waits = ask_stream(shard, link);
    if (poll_add(shard->poll, stream_fd(link->stream), link->waits, &link->waiter) < 0) {
        end_link(shard, link, STREAM_END_CLEAN);
        return;
    }
    stream_peer(link->stream, &peer);
    arrival.peer = bytes_of_text(address_format(&peer.address, text));
    link->connection = core_accept(shard->core, &arrival, shard->now_ms, &refusal);
    link->stranger = peer.preliminary || peer.tls_version[0] != '\0';
    if (!link->connection || (moved && !introduce(shard, link)))
        end_link(shard, link, STREAM_END_CLEAN);
    else if (link->input.size > 0)
        digest(shard, link, buffer_bytes(&link->input));
}

void traffic_end_lingering(struct shard *shard)
{
    while (!list_empty(&shard->lingering)) {
        struct link *link = container_of(shard->lingering.next, struct link, node);

        if (link->moment_ms > shard->now_ms)
            return;
        end_link(shard, link, STREAM_END_CLEAN);
    }
}
