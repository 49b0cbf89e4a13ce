/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/traffic.h"

#include "broker/arrivals.h"
#include "broker/reception.h"
#include "broker/review.h"
#include "broker/sensors.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

enum {
    FILLS_MAX = 16, /* writes of one connection and turn: a fast reader does not starve others */
    UNWRITTEN_MAX = 64 * 1024, /* bytes that are read before what has come of them is written */
    LINGER_MS = 1000,     /* for a peer to read why it was refused, before the socket is closed */
    LINGERING_MAX = 1000, /* links that linger; beyond it they are closed at once */
    HEAD_SIZE_MAX = INT_MAX,
};

/* ---- Links ---- */

/* The poll's part of it; what has no descriptor tells of itself, see traffic_stir(). */
static int change_poll(struct shard *shard, struct link *link, unsigned waits)
{
    int fd = stream_fd(link->stream);

    return fd < 0 ? 0 : poll_change(shard->poll, fd, waits, &link->waiter);
}

static int enter_poll(struct shard *shard, struct link *link, unsigned waits)
{
    int fd = stream_fd(link->stream);

    return fd < 0 ? 0 : poll_add(shard->poll, fd, waits, &link->waiter);
}

static void leave_poll(struct shard *shard, struct link *link)
{
    int fd = stream_fd(link->stream);

    if (fd >= 0)
        poll_remove(shard->poll, fd);
}

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
        link->leaves = false;
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
    if (change_poll(shard, link, waits) < 0)
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
    arrivals_leave(shard, link);
    if (link->state == LINK_LINGERS)
        shard->lingering_count--;
    leave_poll(shard, link);
    /* First, for a peer that sees its connection end may come again at once, by another thread. */
    atomic_fetch_sub_explicit(&entrance->connections, 1, memory_order_relaxed);
    link_close(link, &shard->memory, shard->core, end);
    budget_share_charge(&shard->share, -LINK_KIB * link->tls_kib);
    count_leftover(shard, link, leftover);
    list_remove(&link->node);
    list_append(&shard->closed, &link->node);
}

/* Our side is ended: the peer gets a moment to read what was written last. */
static void linger(struct shard *shard, struct link *link)
{
    core_close(shard->core, link->connection, shard->now_ms);
    link->connection = NULL;
    arrivals_settle(shard, link);
    link->state = LINK_LINGERS;
    link->leaves = false;
    link->moment_ms = shard->now_ms + LINGER_MS;
    list_remove(&link->node);
    list_append(&shard->lingering, &link->node);
    shard->lingering_count++;
    if (!await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
}

static void tell_failure(struct shard *shard, const struct link *link)
{
    const char *text = stream_failure(link->stream);
    struct stream_peer peer;
    char address[ADDRESS_TEXT_SIZE];

    if (!text)
        return;
    stream_peer(link->stream, &peer);
    journal_tell(&shard->journal, EVENT_INFO, "connection.failed",
            field_bytes("peer", bytes_of_text(address_format(&peer.address, address))),
            field_number("port", shard->listeners[link->entrance].port), field_text("text", text));
}

/* Its stream has failed with this -errno, or with 0, the peer's end. */
static void fail_link(struct shard *shard, struct link *link, int error)
{
    bool lingers = error == -EPROTO && !is_full(link) && stream_fd(link->stream) >= 0 &&
            shard->lingering_count < LINGERING_MAX;

    tell_failure(shard, link);
    /* The layer that gave up may have told the peer why. */
    if (lingers && stream_shutdown(link->stream) == 0)
        linger(shard, link);
    else
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

/* Core has ended it and all is written: our side ends. */
static void finish_link(struct shard *shard, struct link *link)
{
    /* What has no descriptor has delivered all that it took. */
    bool lingers =
            link->told && stream_fd(link->stream) >= 0 && shard->lingering_count < LINGERING_MAX;
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
        fail_link(shard, link, result);
    else if (result == 0 && !link->leftover && link->state == LINK_DRAINS &&
            connection_fate(link->connection) != CONNECTION_STAYS)
        finish_link(shard, link);
    else if (!await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
}

/* Does what core wants of a connection that it has named. */
static void serve_output(struct shard *shard, struct link *link)
{
    enum connection_fate fate = connection_fate(link->connection);

    if (link->newcomer && connection_is_in(link->connection))
        arrivals_settle(shard, link);
    if (fate == CONNECTION_DROPS) {
        end_link(shard, link, STREAM_END_ABRUPT);
        return;
    }
    if (fate == CONNECTION_DRAINS)
        link->state = LINK_DRAINS;
    /* One whose socket is full is written to when the poll says so, and not tried before; without a
     * socket nobody says so. */
    if (!is_full(link) || stream_fd(link->stream) < 0)
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

    shard->unwritten = 0;
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
    struct connection *connection = link->connection;
    struct newcomer *newcomer = link->newcomer;

    leave_poll(shard, link);
    list_remove(&link->node);
    link->waits = link->wants = 0;
    link->held = false;
    link->newcomer = NULL;
    link->connection = NULL;
    sensors_send_off(link, home);
    if (core_send_parcel(shard->core, connection, home, link)) {
        newcomers_remove(&shard->newcomers, &shard->memory, newcomer);
        return;
    }
    link->newcomer = newcomer;
    link->connection = connection;
    /* No room in the mailbox: core will name it when there is, and all of this is done again. */
    link->held = true;
    sensors_take_in(shard, link);
    review_keep(shard, link);
    if (enter_poll(shard, link, 0) < 0)
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

    if (!tls->use_identity_as_username)
        return bytes_of_text(peer->subject);
    return bytes_of_text(peer->psk_identity[0] != '\0' ? peer->psk_identity : peer->common_name);
}

/* An address as core takes it: most by their numbers, any other one by the text that this gives. */
static struct bytes describe(
        const struct address *address, struct origin *ipv4, char text[static ADDRESS_TEXT_SIZE])
{
    uint8_t octets[4];

    if (address_family(address) != ADDRESS_IPV4)
        return bytes_of_text(address_format(address, text));
    memcpy(octets, &address->socket.v4.sin_addr, sizeof(octets));
    *ipv4 = origin_of_ipv4(octets, address_port(address));
    return (struct bytes){ 0 };
}

/* Tells core what the layers have found out, once they are ready. False: the link must be closed,
 * also where the client's address is told at last, and may not come in. */
static bool introduce(struct shard *shard, struct link *link)
{
    struct stream_peer peer;
    struct introduction introduction;
    char text[ADDRESS_TEXT_SIZE];
    struct origin ipv4 = { 0 };
    struct bytes address;

    if (!link->stranger)
        return true;
    /* Its handshake may have begun, or its way to this shard, before the files were read again. */
    if (!review_admits(shard, link))
        return false;
    stream_peer(link->stream, &peer);
    if (!arrivals_unveil(shard, link, &peer.address))
        return false;
    address = describe(&peer.address, &ipv4, text);
    introduction = (struct introduction){
        .peer = address,
        .ipv4 = ipv4,
        .tls_version = peer.tls_version,
        .tls_cipher = peer.tls_cipher,
        .user_name = proved_name(shard, link, &peer),
        .certificate_name = bytes_of_text(peer.common_name),
    };
    link->stranger = false;
    if (core_introduce(shard->core, link->connection, &introduction))
        return true;
    arrivals_tell_memory(shard, link, &peer.address);
    return false;
}

/*
 * When much lies unread everywhere, as after a pause, a turn is long. Who waits for its messages
 * does not wait for all of it, and they are still in the processor's cache when they are written.
 * With other shards there is mail for them first, at the turn's end: an answer that left before it
 * would say that something is done which they have not heard of.
 */
static void write_early(struct shard *shard, size_t size)
{
    shard->unwritten += size;
    if (shard->unwritten >= UNWRITTEN_MAX && shard->group->count == 1)
        traffic_write(shard);
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
        fail_link(shard, link, size);
    else if (size > 0 ? !introduce(shard, link) : !await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
    else if (size > 0)
        digest(shard, link, in);
    if (size > 0)
        write_early(shard, (size_t)size);
}

/* What comes from a peer that has been told its end is thrown away, until it ends as well. */
static void discard_input(struct shard *shard, struct link *link)
{
    int size = stream_read(link->stream, shard->input.data, shard->input.size);

    if (size == 0 || (size < 0 && size != -EAGAIN) || !await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
}

/* A newcomer takes its turn; while it waits for that the poll need not tell of it again. */
static void queue_newcomer(struct shard *shard, struct link *link, unsigned ready)
{
    struct newcomer *newcomer = link->newcomer;

    newcomer->ready |= ready;
    if (!list_linked(&newcomer->turn)) {
        newcomers_queue(&shard->newcomers, newcomer);
    } else if (link->waits != 0 && change_poll(shard, link, 0) == 0) {
        link->waits = 0;
        newcomer->silenced = true;
    }
}

/* Its peer writes no more: it takes its turn. The poll would tell an end again and again, whatever
 * it is asked, but as news it tells it once. */
static void queue_leaver(struct shard *shard, struct link *link)
{
    if (!link->leaves) {
        link->leaves = true;
        list_remove(&link->node);
        list_append(&shard->leaving, &link->node);
    }
    if (link->waits != POLL_NEWS &&
            poll_change(shard->poll, stream_fd(link->stream), POLL_NEWS, &link->waiter) == 0)
        link->waits = POLL_NEWS;
}

static void serve_ready(struct shard *shard, struct link *link, unsigned ready)
{
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

void traffic_serve(struct shard *shard, struct link *link, unsigned ready)
{
    if (link->state == LINK_CLOSED)
        return;
    if (link->newcomer && (link->state == LINK_OPEN || list_linked(&link->newcomer->turn)))
        queue_newcomer(shard, link, ready);
    else if (link->leaves ||
            (link->state == LINK_OPEN && ready & POLL_ENDED && link->waits & POLL_READ))
        queue_leaver(shard, link);
    else if (link->waits == 0)
        /* The poll tells of one that waits for nothing only when it has failed. */
        end_link(shard, link, STREAM_END_CLEAN);
    else
        serve_ready(shard, link, ready);
}

void traffic_stir(struct shard *shard, struct link *link)
{
    unsigned ready = POLL_READ | POLL_WRITE;

    if (link->state == LINK_CLOSED)
        return;
    if (link->newcomer && (link->state == LINK_OPEN || list_linked(&link->newcomer->turn)))
        queue_newcomer(shard, link, ready);
    else
        serve_ready(shard, link, ready);
}

static void serve_newcomer(struct shard *shard, struct newcomer *newcomer)
{
    struct link *link = newcomer->link;
    unsigned ready = newcomer->ready;
    /* Of one that waits for nothing the poll tells only that. */
    bool failed = link->waits == 0 && !newcomer->silenced && stream_fd(link->stream) >= 0;
    bool has_bytes = newcomer->has_bytes && link->state == LINK_OPEN;

    newcomer->ready = 0;
    newcomer->has_bytes = newcomer->silenced = false;
    reception_take_turn(shard, link);
    if (link->state == LINK_CLOSED)
        return;
    /* Heard again before it is served: afterwards it may be another shard's. */
    if ((failed && !has_bytes) || !await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
    else if (has_bytes)
        digest(shard, link, buffer_bytes(&link->input));
    else
        serve_ready(shard, link, ready);
}

bool traffic_serve_newcomer(struct shard *shard)
{
    struct newcomer *newcomer = newcomers_next(&shard->newcomers);

    if (newcomer)
        serve_newcomer(shard, newcomer);
    return newcomer != NULL;
}

void traffic_hasten_newcomer(struct shard *shard, struct newcomer *newcomer)
{
    list_remove(&newcomer->turn);
    serve_newcomer(shard, newcomer);
}

bool traffic_serve_leaver(struct shard *shard)
{
    struct list *node = list_take_first(&shard->leaving);
    struct link *link;

    if (!node)
        return false;
    link = container_of(node, struct link, node);
    link->leaves = false;
    review_keep(shard, link);
    serve_ready(shard, link, POLL_READ | POLL_WRITE);
    /* It had more to say, or cannot be read now. */
    if (link->state != LINK_CLOSED && link->waits == POLL_NEWS && !await(shard, link))
        end_link(shard, link, STREAM_END_CLEAN);
    return true;
}

static struct link *link_at(struct list *node)
{
    return container_of(node, struct link, node);
}

/* The largest of the packets that have come in part. */
static uint64_t largest_unfinished(struct shard *shard)
{
    uint64_t most = 0;

    for (struct list *node = shard->links.next; node != &shard->links; node = node->next) {
        if (link_at(node)->state == LINK_OPEN && link_at(node)->input.size > most)
            most = link_at(node)->input.size;
    }
    return most;
}

/* Ends those with more than so many bytes of a packet, as long as memory is short. */
static void evict_above(struct shard *shard, uint64_t most)
{
    struct list *node = shard->links.next;

    while (node != &shard->links && budget_is_short(shard->group->budget)) {
        struct link *link = link_at(node);

        node = node->next;
        if (link->state != LINK_OPEN || link->input.size <= most)
            continue;
        core_evict(shard->core, link->connection, shard->now_ms);
        buffer_reset(&link->input, &shard->memory);
    }
}

void traffic_relieve(struct shard *shard, uint64_t fat_bytes)
{
    uint64_t most;

    while (budget_is_short(shard->group->budget) && (most = largest_unfinished(shard)) >= fat_bytes)
        evict_above(shard, most / 2);
}

/* What a newcomer's layers hold may be as dear to read as what its socket does. */
static void queue_unread(struct shard *shard, struct newcomer *newcomer)
{
    newcomer->ready |= POLL_READ;
    newcomers_queue(&shard->newcomers, newcomer);
}

static void serve_unread(struct shard *shard, struct link *link)
{
    reception_take_turn(shard, link);
    if (link->state == LINK_OPEN)
        serve_input(shard, link);
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

        review_keep(shard, link);
        if (link->newcomer)
            queue_unread(shard, link->newcomer);
        else
            serve_unread(shard, link);
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

/* It has come with its CONNECT, which waits for its turn. */
static void queue_bytes(struct shard *shard, struct link *link)
{
    link->newcomer->has_bytes = true;
    newcomers_queue(&shard->newcomers, link->newcomer);
}

static bool enter_core(
        struct shard *shard, struct link *link, const struct stream_peer *peer, bool moved)
{
    char text[ADDRESS_TEXT_SIZE];
    enum mqtt_reason refusal;
    struct arrival arrival = {
        .link = link,
        .listener = &shard->listeners[link->entrance],
        .accepted_ms = link->moment_ms,
        .moved = moved,
    };

    arrival.peer = describe(&peer->address, &arrival.ipv4, text);
    link->connection = core_accept(shard->core, &arrival, shard->now_ms, &refusal);
    return link->connection;
}

static bool enter_newcomers(struct shard *shard, struct link *link, const struct stream_peer *peer)
{
    link->newcomer = newcomers_add(&shard->newcomers, &shard->memory, link, &peer->address);
    if (!link->newcomer) {
        arrivals_tell_memory(shard, link, &peer->address);
        return false;
    }
    link->newcomer->is_crowd = link->guarded & GUARD_IS_CROWD;
    return true;
}

/* Makes the link known to core and poll; `moved` when it comes from another shard. Core comes
 * first: it gives up the place that one which has moved brings along. */
void traffic_admit(struct shard *shard, struct link *link, bool moved)
{
    struct stream_peer peer;

    /* Where admission fails, end_link() is not to close a connection of the shard it came from. */
    assert(!link->connection);
    if (moved)
        sensors_take_in(shard, link);
    list_append(&shard->links, &link->node);
    stream_peer(link->stream, &peer);
    link->stranger = peer.preliminary || peer.tls_version[0] != '\0';
    link->waits = ask_stream(shard, link);
    if (!enter_core(shard, link, &peer, moved) || enter_poll(shard, link, link->waits) < 0 ||
            !enter_newcomers(shard, link, &peer) || (moved && !introduce(shard, link)))
        end_link(shard, link, STREAM_END_CLEAN);
    else if (link->input.size > 0)
        queue_bytes(shard, link);
}

void traffic_turn_away(struct shard *shard, struct link *link)
{
    if (link->connection)
        core_turn_away(shard->core, link->connection, shard->now_ms);
    end_link(shard, link, STREAM_END_CLEAN);
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
