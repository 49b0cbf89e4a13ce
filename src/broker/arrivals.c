/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/arrivals.h"

#include "broker/traffic.h"
#include "loop/clock.h"

#include <errno.h>
#include <unistd.h>

enum {
    ACCEPTS_MAX = 4, /* at a time, between two looks at the clock */
    /*
     * Of a turn for who leaves and who comes, and another one for accepting. A full handshake takes
     * longer than that: one ends the slice, and what is cheaper is done by the dozen.
     */
    SLICE_NS = 100000,
    DOORS_SHUT_MS = 100, /* after the system had no descriptor or memory for a connection */
};

/* ---- Who may come in ---- */

static struct guard_guest guest_of(const struct link *link, const struct address *address)
{
    return (struct guard_guest){ .address = address, .unproved = link->unproved };
}

static void tell_refused(struct shard *shard, struct guard_guest guest, enum refusal refusal)
{
    char text[ADDRESS_TEXT_SIZE];
    /* Those who make room for others may come from everywhere: one of them is told for all. */
    uint32_t connections = refusal == REFUSAL_HANDSHAKES
            ? untold_count(&shard->surplus, shard->now_ms, GUARD_QUIET_MS)
            : guard_note_refusal(shard->group->guard, guest, shard->now_ms);

    counter_add(&shard->refused[refusal], 1);
    if (connections > 0)
        journal_tell(&shard->journal, EVENT_WARN, "connection.refused",
                field_bytes("peer", bytes_of_text(address_format(guest.address, text))),
                field_text("reason", "quota_exceeded"), field_text("limit", refusal_name(refusal)),
                field_number("connections", connections));
}

void arrivals_tell_memory(
        struct shard *shard, const struct link *link, const struct address *address)
{
    tell_refused(shard, guest_of(link, address), REFUSAL_MEMORY);
}

/* Whether the listener is for that address; of a proxy's, which only brings clients, less is asked.
 * REFUSALS: it is. */
static enum refusal judge_place(
        const struct config_listener *listener, const struct address *address, bool of_proxy)
{
    if (address_family(address) == ADDRESS_ANY)
        return REFUSALS;
    if (network_list_contains(&listener->denied, address))
        return REFUSAL_DENIED;
    /* A proxy that asks how we are comes for itself. */
    if (of_proxy || listener->allowed.count == 0 ||
            network_list_contains(&listener->allowed, address) ||
            network_list_contains(&listener->trusted_proxies, address))
        return REFUSALS;
    return REFUSAL_NOT_ALLOWED;
}

static void make_leave(struct shard *shard, struct newcomer *newcomer, enum refusal refusal)
{
    tell_refused(shard, guest_of(newcomer->link, &newcomer->address), refusal);
    traffic_turn_away(shard, newcomer->link);
}

/* Lets the oldest newcomer who is the same visitor make room, when it is old enough. */
static bool make_room_of(struct shard *shard, struct guard_guest guest)
{
    struct newcomer *newcomer = newcomers_oldest(&shard->newcomers);

    while (newcomer && !guard_is_same(guest_of(newcomer->link, &newcomer->address), guest))
        newcomer = newcomers_younger(&shard->newcomers, newcomer);
    if (newcomer)
        make_leave(shard, newcomer, REFUSAL_ADDRESS_HANDSHAKES);
    return newcomer != NULL;
}

/* What the guard says; REFUSALS: the guest may come in, and *counts is what it has counted. */
static enum refusal ask_guard(struct shard *shard, struct guard_guest guest, unsigned *counts)
{
    static const enum refusal refusals[] = {
        [GUARD_GOOD] = REFUSALS,
        [GUARD_LOGIN_FAILURES] = REFUSAL_LOGIN_FAILURES,
        [GUARD_CONNECTION_RATE] = REFUSAL_CONNECTION_RATE,
        [GUARD_CONNECTIONS] = REFUSAL_ADDRESS_CONNECTIONS,
        [GUARD_HANDSHAKES] = REFUSAL_ADDRESS_HANDSHAKES,
    };
    const struct guard_settings *settings = &shard->config->guard;
    struct guard *guard = shard->group->guard;
    enum guard_limit limit = guard_enter(guard, settings, guest, shard->now_ms, counts);

    if (limit == GUARD_HANDSHAKES && make_room_of(shard, guest))
        limit = guard_enter(guard, settings, guest, shard->now_ms, counts);
    return refusals[limit];
}

static enum refusal judge(
        struct shard *shard, unsigned listener, struct guard_guest guest, unsigned *counts)
{
    enum refusal refusal = judge_place(&shard->config->listeners[listener], guest.address, false);

    return refusal == REFUSALS ? ask_guard(shard, guest, counts) : refusal;
}

bool arrivals_unveil(struct shard *shard, struct link *link, const struct address *address)
{
    struct newcomer *newcomer = link->newcomer;
    unsigned counts = 0;
    enum refusal refusal;

    if (!link->veiled && address_equal(&newcomer->address, address))
        return true;
    guard_leave(shard->group->guard, guest_of(link, &newcomer->address), link->guarded);
    link->guarded = 0;
    link->veiled = false;
    /* It is nobody's while it is judged: it is not to make room for itself. */
    newcomer->address = (struct address){ 0 };
    refusal = judge(shard, link->entrance, guest_of(link, address), &counts);
    newcomer->address = *address;
    if (refusal != REFUSALS) {
        tell_refused(shard, guest_of(link, address), refusal);
        core_turn_away(shard->core, link->connection, shard->now_ms);
        return false;
    }
    link->guarded = (uint8_t)counts;
    newcomer->is_crowd = counts & GUARD_IS_CROWD;
    return true;
}

/* ---- Until they are in, and until they leave ---- */

/* Gives back some of what the guard has counted for that address. */
static void give_back(
        struct shard *shard, struct link *link, const struct address *address, unsigned counts)
{
    counts &= link->guarded;
    guard_leave(shard->group->guard, guest_of(link, address), counts);
    link->guarded &= (uint8_t)~counts;
}

void arrivals_settle(struct shard *shard, struct link *link)
{
    struct newcomer *newcomer = link->newcomer;
    unsigned counts = GUARD_COUNTS_HANDSHAKE;

    if (!newcomer)
        return;
    /* Its layers may name another address by now than the one it was counted for. */
    if (link->stranger)
        counts |= GUARD_COUNTS_CONNECTION;
    give_back(shard, link, &newcomer->address, counts);
    newcomers_remove(&shard->newcomers, &shard->memory, newcomer);
    link->newcomer = NULL;
}

void arrivals_leave(struct shard *shard, struct link *link)
{
    struct stream_peer peer;

    arrivals_settle(shard, link);
    if (link->guarded == 0)
        return;
    stream_peer(link->stream, &peer);
    give_back(shard, link, &peer.address, GUARD_COUNTS_HANDSHAKE | GUARD_COUNTS_CONNECTION);
}

static void check_again(struct shard *shard, struct link *link)
{
    struct stream_peer peer;
    enum refusal refusal;

    if (!link->connection)
        return;
    stream_peer(link->stream, &peer);
    refusal = judge_place(&shard->config->listeners[link->entrance], &peer.address, link->veiled);
    if (refusal == REFUSALS)
        return;
    counter_add(&shard->refused[refusal], 1);
    core_withdraw(shard->core, link->connection,
            "its listener does not let its address in any more", shard->now_ms);
}

void arrivals_check_again(struct shard *shard)
{
    struct list *const lists[] = { &shard->links, &shard->unjudged, &shard->unread,
        &shard->leaving };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct list *next;

        for (struct list *node = lists[i]->next; node != lists[i]; node = next) {
            next = node->next;
            check_again(shard, container_of(node, struct link, node));
        }
    }
}

/* Who has come to that listener from there; `answered`: he has heard us. */
static struct guard_guest guest_at(
        const struct shard *shard, unsigned listener, const struct address *address, bool answered)
{
    bool by_datagrams = shard->config->listeners[listener].protocol == CONFIG_PROTOCOL_MQTTSN &&
            !shard->credentials->listeners[listener];

    return (struct guard_guest){ .address = address, .unproved = by_datagrams && !answered };
}

static void tell_guesses(struct shard *shard, const struct login_failure *failure,
        const struct guard_login *login, const struct address *address)
{
    const struct guard_settings *settings = &shard->config->guard;
    char host[ADDRESS_HOST_SIZE];

    if (login->banned) {
        counter_add(&shard->bans, 1);
        journal_tell(&shard->journal, EVENT_WARN, "address.banned",
                field_text("address", address_host(address, host)),
                field_text("limit", "login_failures_max"),
                field_number("failures", login->failures),
                field_number("seconds", settings->login_ban_time_s),
                field_bytes("user", failure->user));
    }
    if (login->would_ban)
        journal_tell(&shard->journal, EVENT_WARN, "address.unproved",
                field_text("address", address_host(address, host)),
                field_text("limit", "login_failures_max"),
                field_number("failures", login->failures), field_bytes("user", failure->user));
}

uint32_t arrivals_login_failed(void *context, const struct login_failure *failure)
{
    struct shard *shard = context;
    struct guard_login login;
    struct address address;

    counter_add(&shard->logins_failed, 1);
    if (address_read_text(&address, failure->peer) < 0)
        return 0;
    login = guard_login_failed(shard->group->guard, &shard->config->guard,
            guest_at(shard, failure->listener, &address, failure->answered), failure->user,
            failure->secret, shard->now_ms);
    tell_guesses(shard, failure, &login, &address);
    return login.delay_ms;
}

bool arrivals_suspects(void *context, struct bytes peer, unsigned listener)
{
    const struct shard *shard = context;
    struct address address;

    return address_read_text(&address, peer) == 0 &&
            guard_suspects(
                    shard->group->guard, guest_at(shard, listener, &address, false), shard->now_ms);
}

/* ---- Accepting ---- */

/* Makes a link, and counts what its TLS takes. NULL when memory is short; `stream` is closed. */
static struct link *make_link(
        struct shard *shard, struct stream *stream, unsigned entrance, unsigned tls_kib)
{
    int64_t size = (int64_t)LINK_KIB * tls_kib;
    bool charged = size == 0 || budget_share_charge(&shard->share, size);
    struct link *link = NULL;

    if (charged)
        link = link_new(&shard->memory, stream, entrance, shard->now_ms);
    if (link) {
        link->tls_kib = (uint8_t)tls_kib;
        return link;
    }
    if (charged)
        budget_share_charge(&shard->share, -size);
    stream_close(stream, STREAM_END_CLEAN);
    return NULL;
}

/* REFUSALS: the link is made, and has taken the descriptor; else that is closed. */
static enum refusal open_link(struct shard *shard, struct entrance *entrance,
        const struct listener_accepted *accepted, struct link **out)
{
    struct tls_server *tls = shard->credentials->listeners[entrance->number];
    struct stream *stream;

    if (entrance_open_stream(&stream, accepted, &shard->layers[entrance->number], tls) < 0)
        return REFUSAL_MEMORY;
    *out = make_link(shard, stream, entrance->number, tls ? LINK_TLS_KIB : 0);
    return *out ? REFUSALS : REFUSAL_MEMORY;
}

/* REFUSALS: it may come in, as far as its place and its peer's address say. */
static enum refusal judge_arrival(struct shard *shard, const struct entrance *entrance,
        struct guard_guest peer, bool veiled, unsigned *counts)
{
    int64_t max = shard->listeners[entrance->number].max_connections;

    if (max >= 0 && atomic_load_explicit(&entrance->connections, memory_order_relaxed) > max)
        return REFUSAL_CONNECTIONS;
    if (veiled)
        return judge_place(&shard->config->listeners[entrance->number], peer.address, true);
    return judge(shard, entrance->number, peer, counts);
}

/* Takes the link in, or tells why there is none. */
static void settle_arrival(struct shard *shard, struct entrance *entrance, struct guard_guest peer,
        struct link *link, enum refusal refusal, unsigned counts)
{
    if (refusal == REFUSALS) {
        link->unproved = peer.unproved;
        link->guarded = (uint8_t)counts;
        traffic_admit(shard, link, false);
        return;
    }
    atomic_fetch_sub_explicit(&entrance->connections, 1, memory_order_relaxed);
    guard_leave(shard->group->guard, peer, counts);
    tell_refused(shard, peer, refusal);
}

static void end_surplus(struct shard *shard)
{
    size_t max = shard->config->guard.handshakes_max;
    struct newcomer *oldest;

    while (max > 0 && shard->newcomers.count > max &&
            (oldest = newcomers_oldest(&shard->newcomers)))
        make_leave(shard, oldest, REFUSAL_HANDSHAKES);
}

struct link *arrivals_bring(struct shard *shard, struct entrance *entrance, struct stream *stream,
        const struct address *peer, unsigned tls_kib)
{
    struct guard_guest guest = { .address = peer, .unproved = tls_kib == 0 };
    size_t max = shard->config->guard.handshakes_max;
    unsigned counts = 0;
    enum refusal refusal = REFUSAL_HANDSHAKES;
    struct link *link = NULL;

    atomic_fetch_add_explicit(&entrance->connections, 1, memory_order_relaxed);
    if (newcomers_room(&shard->newcomers, max, 1) > 0)
        refusal = judge_arrival(shard, entrance, guest, false, &counts);
    if (refusal == REFUSALS) {
        link = make_link(shard, stream, entrance->number, tls_kib);
        refusal = link ? REFUSALS : REFUSAL_MEMORY;
    } else {
        stream_close(stream, STREAM_END_CLEAN);
    }
    settle_arrival(shard, entrance, guest, link, refusal, counts);
    end_surplus(shard);
    return link && link->state != LINK_CLOSED ? link : NULL;
}

static void take_connection(
        struct shard *shard, struct entrance *entrance, const struct listener_accepted *accepted)
{
    bool veiled = entrance_is_veiled(&shard->layers[entrance->number], &accepted->peer);
    struct guard_guest guest = { .address = &accepted->peer };
    unsigned counts = 0;
    enum refusal refusal;
    struct link *link = NULL;

    atomic_fetch_add_explicit(&entrance->connections, 1, memory_order_relaxed);
    refusal = judge_arrival(shard, entrance, guest, veiled, &counts);
    if (refusal == REFUSALS)
        refusal = open_link(shard, entrance, accepted, &link);
    else
        close(accepted->fd);
    if (link)
        link->veiled = veiled;
    settle_arrival(shard, entrance, guest, link, refusal, counts);
}

/* ---- Doors ---- */

static void await_doors(struct shard *shard, unsigned waits)
{
    for (size_t i = 0; i < shard->door_count; i++) {
        struct door *door = shard->doors[i];

        /* There those who are in are heard, too. */
        if (door->entrance->options.datagrams)
            continue;
        poll_change(shard->poll, door->listener.fd, waits, &door->waiter);
        door->knocked = false;
    }
}

/* Connections wait but the system cannot give them: to ask at once again would be to spin. */
static void shut_for_a_time(struct shard *shard, int error)
{
    journal_tell(&shard->journal, EVENT_WARN, "accept.failed", field_text("text", strerror(-error)),
            field_number("again_in_ms", DOORS_SHUT_MS));
    await_doors(shard, 0);
    shard->doors_open_ms = shard->now_ms + DOORS_SHUT_MS;
}

/* Those who come wait in the kernel's queue until a newcomer is in, or old enough to make room. */
static void shut_for_the_crowd(struct shard *shard)
{
    await_doors(shard, 0);
    shard->crowded = true;
    if (untold_count(&shard->crowds, shard->now_ms, GUARD_QUIET_MS) == 0)
        return;
    journal_tell(&shard->journal, EVENT_WARN, "accept.waits",
            field_text("limit", refusal_name(REFUSAL_HANDSHAKES)),
            field_number("handshakes", (int64_t)shard->newcomers.count));
}

unsigned arrivals_door_waits(const struct shard *shard)
{
    return shard->crowded || shard->doors_open_ms > 0 ? 0 : POLL_READ;
}

void arrivals_open_doors(struct shard *shard)
{
    bool was_shut = shard->crowded || shard->doors_open_ms > 0;

    if (!was_shut)
        return;
    if (shard->crowded)
        end_surplus(shard);
    if (shard->crowded &&
            newcomers_room(&shard->newcomers, shard->config->guard.handshakes_max, 1) > 0)
        shard->crowded = false;
    if (shard->now_ms >= shard->doors_open_ms)
        shard->doors_open_ms = 0;
    if (!shard->crowded && shard->doors_open_ms == 0)
        await_doors(shard, POLL_READ);
}

int64_t arrivals_due_ms(const struct shard *shard)
{
    int64_t due_ms = INT64_MAX;

    if (shard->crowded)
        due_ms = newcomers_due_ms(&shard->newcomers);
    if (shard->doors_open_ms > 0 && shard->doors_open_ms < due_ms)
        due_ms = shard->doors_open_ms;
    return due_ms;
}

/* Takes some connections in. False when none waits there, or none can be taken. */
static bool serve_door(struct shard *shard, struct door *door)
{
    struct listener_accepted accepted[ACCEPTS_MAX];
    size_t room =
            newcomers_room(&shard->newcomers, shard->config->guard.handshakes_max, ACCEPTS_MAX);
    int count;

    if (room == 0) {
        shut_for_the_crowd(shard);
        return false;
    }
    count = listener_accept(&door->listener, accepted, room);
    if (count < 0)
        shut_for_a_time(shard, count);
    for (int i = 0; i < count; i++)
        take_connection(shard, door->entrance, &accepted[i]);
    end_surplus(shard);
    return count == (int)room;
}

/* Each in turn until none is knocked at, or the time is over: then the poll will tell again. */
static void serve_doors(struct shard *shard)
{
    int64_t end_ns = 0;

    for (size_t i = 0; i < shard->door_count; i++) {
        struct door *door = shard->doors[(shard->first_door + i) % shard->door_count];
        bool more = door->knocked;

        door->knocked = false;
        while (more && (end_ns == 0 || clock_now_ns() < end_ns)) {
            if (end_ns == 0)
                end_ns = clock_now_ns() + SLICE_NS;
            more = serve_door(shard, door);
        }
    }
    shard->first_door++;
}

/* Who leaves is heard to the end first: he may be back among the newcomers, under the same name. */
static bool serve_next(struct shard *shard)
{
    return traffic_serve_leaver(shard) || traffic_serve_newcomer(shard);
}

static void serve_in_turn(struct shard *shard)
{
    int64_t end_ns;

    if (list_empty(&shard->leaving) && newcomers_are_served(&shard->newcomers))
        return;
    end_ns = clock_now_ns() + SLICE_NS;
    while (serve_next(shard) && clock_now_ns() < end_ns)
        continue;
    /* What has come of it is for the next turn. */
    shard->again = true;
}

/* The first, behind that place in the order of arrival, who has not been heard yet though its time
 * is over. */
static struct newcomer *find_overdue(const struct shard *shard, const struct list *place)
{
    const struct list *all = &shard->newcomers.all;
    int64_t accepted_ms = shard->now_ms - shard->config->core.connect_timeout_ms;

    for (struct list *node = place->next; node != all; node = node->next) {
        struct newcomer *newcomer = container_of(node, struct newcomer, node);

        if (newcomer->link->moment_ms > accepted_ms)
            return NULL;
        if (list_linked(&newcomer->turn) && !newcomer->hastened)
            return newcomer;
    }
    return NULL;
}

/* To hear them all now would keep those waiting who are in: they have as long again. */
static void wait_for_overdue(struct shard *shard)
{
    int64_t due_ms = shard->now_ms + shard->config->core.connect_timeout_ms;
    struct list *place = &shard->newcomers.all;
    struct newcomer *newcomer;

    while ((newcomer = find_overdue(shard, place))) {
        newcomer->hastened = true;
        core_wait_longer(shard->core, newcomer->link->connection, due_ms);
        place = &newcomer->node;
    }
}

void arrivals_hear(struct shard *shard, bool late)
{
    int64_t end_ns = 0;
    struct newcomer *newcomer;

    while (late && traffic_serve_leaver(shard))
        continue;
    /* Each once: it may want more at once, as one with whom a handshake has not come to its end. */
    while ((newcomer = find_overdue(shard, &shard->newcomers.all))) {
        if (end_ns == 0)
            end_ns = clock_now_ns() + SLICE_NS;
        newcomer->hastened = true;
        traffic_hasten_newcomer(shard, newcomer);
        if (clock_now_ns() >= end_ns)
            wait_for_overdue(shard);
    }
}

void arrivals_serve(struct shard *shard)
{
    serve_in_turn(shard);
    /* Before others come, who are not to be as old as the time since the turn before. */
    newcomers_look(&shard->newcomers, shard->now_ms,
            shard->kept_up && newcomers_are_served(&shard->newcomers));
    serve_doors(shard);
}
