/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/host.h"

#include "broker/core/connection.h"
#include "tests/simulation/client.h"
#include "tests/simulation/oracle.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    CALM_WINDOW = 1 << 20,
    DEADLINE_LATE_MAX_MS = 20,
    WALL_MS = 1000000, /* of the wall clock, when now_ms is 0 */
    ANSWERS_MAX = 2,   /* of the store, in one turn */
};

/* ---- Locks: taken in the order of their making, never twice, never held across a call ---- */

static void *create_lock(void *context)
{
    struct host *host = context;
    struct lock *lock;

    assert(host->lock_count < LOCKS_MAX);
    lock = &host->locks[host->lock_count];
    lock->rank = host->lock_count++;
    return lock;
}

static void destroy_lock(void *context, void *data)
{
    struct lock *lock = data;

    (void)context;
    assert(!lock->held);
}

static void acquire_lock(void *context, void *data)
{
    struct host *host = context;
    struct lock *lock = data;

    if (lock->held)
        world_fail(host->world, "lock %u is taken twice", lock->rank);
    if (host->held_count > 0 && host->held[host->held_count - 1]->rank > lock->rank)
        world_fail(host->world, "lock %u is taken after lock %u", lock->rank,
                host->held[host->held_count - 1]->rank);
    lock->held = true;
    host->held[host->held_count++] = lock;
}

static void release_lock(void *context, void *data)
{
    struct host *host = context;
    struct lock *lock = data;
    unsigned at = 0;

    if (!lock->held)
        world_fail(host->world, "lock %u is released but not held", lock->rank);
    lock->held = false;
    while (host->held[at] != lock)
        at++;
    host->held_count--;
    memmove(&host->held[at], &host->held[at + 1], (host->held_count - at) * sizeof(host->held[0]));
}

static void check_no_lock(const struct host *host, const char *where)
{
    if (host->held_count > 0)
        world_fail(host->world, "lock %u is held %s", host->held[0]->rank, where);
}

/* ---- What core calls ---- */

static void write_event(void *context, const struct event *event)
{
    struct host *host = context;

    check_no_lock(host, "while an event is told");
    if (strcmp(event->name, "message.dropped") == 0)
        host->told_drops++;
    if (!host->world->trace)
        return;
    printf("        %s", event->name);
    for (size_t i = 0; i < event->field_count; i++) {
        const struct field *field = &event->fields[i];

        if (field->kind == FIELD_NUMBER)
            printf(" %s=%" PRId64, field->name, field->number);
        else if (field->kind == FIELD_TEXT)
            printf(" %s=%s", field->name, field->text);
        else
            printf(" %s=\"%.*s\"", field->name, (int)field->bytes.size,
                    (const char *)field->bytes.data);
    }
    printf("\n");
}

/* Who is let in gets the host for an identity, which is to come back as often as it was given. */
static struct access_verdict decide(struct host *host, bool stranger)
{
    if (stranger)
        return (struct access_verdict){ .reason = MQTT_NOT_AUTHORIZED };
    host->identities++;
    return (struct access_verdict){ .reason = MQTT_SUCCESS, .identity = host };
}

/* At once, or later: then give_verdicts() does. */
static struct access_verdict admit(void *context, const struct access_arrival *arrival)
{
    const struct mqtt_connect *connect = arrival->connect;
    struct host *host = context;

    bool stranger = connect->has_user_name && bytes_equal(connect->user_name, BYTES("stranger"));

    check_no_lock(host, "while a client is admitted");
    if (host->verdict_count == VERDICTS_MAX || !chance(&host->world->random, 3))
        return decide(host, stranger);
    host->verdicts[host->verdict_count++] = (struct verdict){
        .ticket = arrival->ticket,
        .link = host->asking,
        .shard = host->asking->shard,
        .serial = host->asking->serial,
        .stranger = stranger,
    };
    host->asking = NULL;
    return (struct access_verdict){ .reason = MQTT_CONTINUE_AUTHENTICATION };
}

static void forget(void *context, void *identity)
{
    struct host *host = context;

    assert(identity == host);
    assert(host->identities > 0);
    host->identities--;
}

static bool allows(void *context, const struct access_request *request)
{
    check_no_lock(context, "while rights are asked");
    assert(request->identity == context);
    return true;
}

/* ---- Start and end ---- */

static void make_core(struct host *host, unsigned shard)
{
    const struct world *world = host->world;
    struct shard *made = &host->shards[shard];
    const struct core_setup setup = {
        .hub = host->hub,
        .shard = shard,
        .settings = &world->plan.settings,
        .memory = heap_memory(&host->world->heap),
        .journal = { EVENT_DEBUG, write_event, host },
        .access = { .admit = admit, .forget = forget, .allows = allows, .context = host },
        .storage = world->plan.stores
                ? model_store_face(&host->store, &made->face, world->plan.patience)
                : (struct storage){ 0 },
        .wall_ms = world->now_ms + WALL_MS,
        .seed = random_next(&host->world->random),
    };

    made->core = core_new(&setup, world->now_ms);
    assert(made->core);
    made->face.core = made->core;
    made->durable = 0;
    made->awake = true;
}

static void make_cores(struct host *host)
{
    struct world *world = host->world;
    const struct hub_setup setup = {
        .shards = world->plan.shards,
        .mailbox_slots = world->plan.mailbox_slots,
        .key = { { random_next(&world->random), random_next(&world->random) } },
        .memory = heap_memory(&world->heap),
        .locks = { create_lock, destroy_lock, acquire_lock, release_lock, host },
    };

    host->hub = hub_new(&setup);
    assert(host->hub);
    host->started = 0;
    host->started_turn = HOST_NOT_YET;
    for (unsigned s = 0; s < world->plan.shards; s++)
        make_core(host, s);
}

static void restore(struct host *host)
{
    struct core *cores[SHARDS_SIMULATED_MAX];
    struct world *world = host->world;
    struct restore_counts counts;

    for (unsigned s = 0; s < world->plan.shards; s++)
        cores[s] = host->shards[s].core;
    if (model_store_restore(&host->store, cores, world->plan.shards, world->now_ms,
                world->now_ms + WALL_MS, &counts) != RESTORED)
        world_fail(world, "what the store has cannot be restored");
}

void host_open(struct host *host, struct world *world)
{
    *host = (struct host){ .world = world, .head_size = world->plan.head_size };
    host->head = malloc(host->head_size);
    assert(host->head);
    model_store_init(&host->store);
    make_cores(host);
    if (world->plan.stores)
        restore(host);
}

static void free_link(struct link *link)
{
    pipe_close(&link->up);
    pipe_close(&link->down);
    pipe_close(&link->head);
    free(link->marks);
    *link = (struct link){ .place = LINK_FREE };
}

static void free_cores(struct host *host)
{
    for (unsigned s = 0; s < host->world->plan.shards; s++) {
        core_free(host->shards[s].core);
        if (host->world->plan.stores)
            model_face_reset(&host->shards[s].face);
    }
    hub_free(host->hub);
    check_no_lock(host, "at the end");
    if (host->identities > 0)
        world_fail(host->world, "%u identities are never given back", host->identities);
    if (host->world->heap.blocks > 0)
        world_fail(host->world, "%zu blocks of %zu bytes are never given back",
                host->world->heap.blocks, host->world->heap.bytes);
}

void host_close(struct host *host)
{
    for (unsigned l = 0; l < LINKS_MAX; l++) {
        struct link *link = &host->links[l];

        if (link->owner)
            message_release(host->shards[link->shard].core, link->owner);
        free_link(link);
    }
    free_cores(host);
    model_store_deinit(&host->store);
    free(host->positions);
    free(host->head);
}

uint64_t host_sum(const struct host *host, size_t offset)
{
    uint64_t sum = 0;

    for (unsigned s = 0; s < host->world->plan.shards; s++) {
        const struct counters *counters = core_counters(host->shards[s].core);

        sum += counter_read((const counter *)((const uint8_t *)counters + offset));
    }
    return sum;
}

/* ---- Links ---- */

static bool land(struct host *host, struct link *link, bool moved)
{
    char peer[24];
    enum mqtt_reason refusal = MQTT_SUCCESS;
    struct arrival arrival = {
        .link = link,
        .listener = &host->world->plan.listener,
        .accepted_ms = link->opened_ms,
        .moved = moved,
    };

    snprintf(peer, sizeof(peer), "client-%u:%u", link->client, link->serial);
    arrival.peer = bytes_of_text(peer);
    link->connection =
            core_accept(host->shards[link->shard].core, &arrival, host->world->now_ms, &refusal);
    host->shards[link->shard].awake = true;
    if (link->connection)
        return true;
    if (host->world->plan.memory_refused_in == 0 && !host->stopped)
        world_fail(host->world, "a transport was refused: %s", mqtt_reason_name(refusal));
    return false;
}

struct link *host_connect(struct host *host, unsigned client)
{
    struct link *link = host->links;

    while (link < host->links + LINKS_MAX && link->place != LINK_FREE)
        link++;
    if (link == host->links + LINKS_MAX)
        return NULL;
    *link = (struct link){
        .place = LINK_AT_SHARD,
        .shard = draw(&host->world->random, host->world->plan.shards),
        .serial = ++host->serials,
        .client = client,
        .heard = true,
        .opened_ms = host->world->now_ms,
    };
    if (land(host, link, false))
        return link;
    free_link(link);
    return NULL;
}

void host_mark(struct link *link, const struct mark *mark)
{
    if (link->marks_count == link->marks_capacity) {
        uint32_t capacity = link->marks_capacity * 2 + 16;
        struct mark *marks = malloc(capacity * sizeof(*marks));

        assert(marks);
        for (uint32_t i = 0; i < link->marks_count; i++)
            marks[i] = link->marks[(link->marks_first + i) % link->marks_capacity];
        free(link->marks);
        link->marks = marks;
        link->marks_capacity = capacity;
        link->marks_first = 0;
    }
    link->marks[(link->marks_first + link->marks_count++) % link->marks_capacity] = *mark;
    link->marks[(link->marks_first + link->marks_count - 1) % link->marks_capacity].end =
            link->up.taken + pipe_size(&link->up);
}

void host_send(struct host *host, struct link *link, struct bytes packet, const struct mark *mark)
{
    (void)host;
    pipe_put(&link->up, packet);
    host_mark(link, mark);
}

void host_cut(struct host *host, struct link *link, size_t arrives)
{
    struct world *world = host->world;

    link->heard = false;
    if (link->place == LINK_CLOSED) {
        free_link(link);
        return;
    }
    if (arrives > pipe_size(&link->up) - link->up_arrived)
        arrives = pipe_size(&link->up) - link->up_arrived;
    link->up_arrived += arrives;
    link->fresh |= arrives > 0;
    pipe_cut(&link->up, link->up_arrived);
    if (link->up_arrived > 0 && link->marks_count > 0)
        world_count(world, TALLY_CUT_INSIDE_PACKET);
    link->up_cut = true;
    host->shards[link->shard].awake = true;
}

static void end_link(struct host *host, struct link *link)
{
    if (link->ended)
        return;
    link->ended = true;
    oracle_link_ended(host->world->oracle, link);
}

/* The client has read all that there is, and sees the end. */
static void lose_link(struct host *host, struct link *link)
{
    client_lost(&host->world->clients[link->client]);
    free_link(link);
}

/* The server closes it, or learns that it is closed. */
static void close_link(struct host *host, struct link *link)
{
    struct core *core = host->shards[link->shard].core;

    world_tell(host->world, "link %u of client %u closed", link->serial, link->client);
    end_link(host, link);
    if (link->connection)
        core_close(core, link->connection, host->world->now_ms);
    if (link->owner)
        message_release(core, link->owner);
    link->owner = NULL;
    link->connection = NULL;
    link->place = LINK_CLOSED;
    if (!link->heard) {
        free_link(link);
        return;
    }
    if (pipe_size(&link->down) == 0)
        lose_link(host, link);
}

bool host_upstream(struct host *host, struct link *link, size_t size)
{
    size_t under_way = pipe_size(&link->up) - link->up_arrived;

    if (link->place == LINK_FREE || link->place == LINK_CLOSED || under_way == 0)
        return false;
    link->up_arrived += under_way < size ? under_way : size;
    link->fresh = true;
    if (link->place == LINK_AT_SHARD)
        host->shards[link->shard].awake = true;
    return true;
}

bool host_downstream(struct host *host, struct link *link, size_t size)
{
    size_t have = pipe_size(&link->down);

    if (link->place == LINK_FREE || !link->heard)
        return false;
    if (have > 0) {
        struct client *client = &host->world->clients[link->client];

        /* What the client leaves is the start of a packet: it wants to see it again. */
        have = client_hear(client, bytes_first(pipe_bytes(&link->down), size < have ? size : have));
        if (!link->heard || link->place == LINK_FREE)
            return true;
        pipe_take(&link->down, have);
        if (link->place == LINK_AT_SHARD &&
                (pipe_size(&link->head) > 0 || link->tail.size > 0 || link->output_due))
            host->shards[link->shard].awake = true;
    }
    if (link->place == LINK_CLOSED && (have == 0 || pipe_size(&link->down) == 0)) {
        lose_link(host, link);
        return true;
    }
    return have > 0;
}

/* The server's side of it is gone; what has left the server may still arrive. */
static void kill_link(struct host *host, struct link *link)
{
    struct random *random = &host->world->random;

    if (link->owner)
        message_release(host->shards[link->shard].core, link->owner);
    link->owner = NULL;
    link->tail = (struct bytes){ 0 };
    link->connection = NULL;
    link->place = LINK_CLOSED;
    link->admitting = link->waits = link->output_due = false;
    link->answer_ms = 0;
    if (!link->heard) {
        free_link(link);
        return;
    }
    if (chance(random, 2))
        pipe_cut(&link->down, draw(random, (uint32_t)pipe_size(&link->down) + 1));
    if (pipe_size(&link->down) == 0)
        lose_link(host, link);
}

void host_kill(struct host *host, unsigned shards)
{
    struct world *world = host->world;
    uint32_t refuse_in = world->heap.refuse_in;

    for (unsigned l = 0; l < LINKS_MAX; l++) {
        if (host->links[l].place == LINK_AT_SHARD || host->links[l].place == LINK_TRAVELS)
            kill_link(host, &host->links[l]);
    }
    free_cores(host);
    model_store_kill(&host->store);
    host->verdict_count = host->lock_count = 0;
    host->bytes_received = host->bytes_sent = host->told_drops = 0;
    world->plan.shards = shards;
    world->heap.refuse_in = 0;
    make_cores(host);
    world->empty_bytes = world->heap.bytes;
    restore(host);
    world->heap.refuse_in = refuse_in;
    for (unsigned s = 0; s < shards; s++)
        host->shards[s].deadline_ms = world->now_ms;
}

/* Core reads it no more, though something may still be held back that its client is told. */
static bool has_ended(const struct link *link)
{
    return link->connection->phase >= PHASE_DRAINING;
}

/* ---- Output ---- */

/* What the network accepts of what was filled; false when that is not all. */
static bool push_output(struct host *host, struct link *link)
{
    struct world *world = host->world;
    size_t window = world->calm ? CALM_WINDOW : world->plan.down_window;
    size_t held = pipe_size(&link->down);
    size_t room = held < window ? window - held : 0;
    size_t size = pipe_size(&link->head) < room ? pipe_size(&link->head) : room;

    if (!world->calm && size > 1 && chance(&world->random, 8))
        size = 1 + draw(&world->random, (uint32_t)size);
    pipe_put(&link->down, bytes_first(pipe_bytes(&link->head), size));
    pipe_take(&link->head, size);
    if (pipe_size(&link->head) > 0) {
        world_count(world, TALLY_PARTIAL_WRITE);
        return false;
    }
    room -= size;
    size = link->tail.size < room ? link->tail.size : room;
    pipe_put(&link->down, bytes_first(link->tail, size));
    link->tail = bytes_from(link->tail, size);
    if (link->tail.size > 0)
        return false;
    if (link->owner)
        message_release(host->shards[link->shard].core, link->owner);
    link->owner = NULL;
    return true;
}

static void note_fill(const struct host *host, struct link *link, size_t size)
{
    struct fill_note *last = link->fill_count > 0 ? &link->fills[link->fill_count - 1] : NULL;

    link->filled += size;
    if (!last || last->durable != host->store.durable) {
        if (link->fill_count == FILL_NOTES_MAX)
            memmove(link->fills, link->fills + 1, --link->fill_count * sizeof(link->fills[0]));
        last = &link->fills[link->fill_count++];
    }
    *last = (struct fill_note){ link->filled, host->store.durable };
}

uint64_t host_durable_at(const struct link *link, uint64_t end)
{
    for (unsigned f = 0; f < link->fill_count; f++) {
        if (end <= link->fills[f].end)
            return link->fills[f].durable;
    }
    return UINT64_MAX;
}

static void fill(struct host *host, struct link *link)
{
    struct world *world = host->world;
    struct core *core = host->shards[link->shard].core;
    struct output out = { .head = host->head, .head_size = world->plan.head_size };

    link->output_due = core_fill(core, link->connection, &out, world->now_ms);
    if (out.head_wanted > 0) {
        assert(out.head_wanted > out.head_size);
        world_count(world, TALLY_HEAD_WANTED);
        if (out.head_wanted > host->head_size) {
            host->head = realloc(host->head, out.head_wanted);
            host->head_size = out.head_wanted;
            assert(host->head);
        }
        out = (struct output){ .head = host->head, .head_size = out.head_wanted };
        link->output_due = core_fill(core, link->connection, &out, world->now_ms);
        assert(out.head_wanted == 0);
    }
    assert(out.head_used <= out.head_size);
    pipe_put(&link->head, bytes_of(host->head, out.head_used));
    link->tail = out.tail;
    link->owner = out.owner;
    if (out.owner)
        world_count(world, TALLY_TAIL);
    host->bytes_sent += out.head_used + out.tail.size;
    note_fill(host, link, out.head_used + out.tail.size);
}

/* Writes as much as goes; closes what is to be closed then. */
static void write_link(struct host *host, struct link *link)
{
    for (;;) {
        if (has_ended(link))
            end_link(host, link);
        if (connection_fate(link->connection) == CONNECTION_DROPS) {
            close_link(host, link);
            return;
        }
        if (!push_output(host, link))
            return;
        if (!link->output_due)
            break;
        fill(host, link);
    }
    if (link->ended && connection_fate(link->connection) != CONNECTION_STAYS)
        close_link(host, link);
}

static void write_all(struct host *host, unsigned shard)
{
    struct connection *connection;

    while ((connection = core_next_output(host->shards[shard].core))) {
        struct link *link = connection_link(connection);

        assert(link->shard == shard && link->connection == connection);
        link->output_due = true;
    }
    for (unsigned l = 0; l < LINKS_MAX; l++) {
        struct link *link = &host->links[l];

        if (link->place == LINK_AT_SHARD && link->shard == shard && link->connection &&
                (link->output_due || link->ended || pipe_size(&link->head) > 0 || link->owner))
            write_link(host, link);
    }
}

/* ---- Input ---- */

/*
 * Whether any packet may end its connection: memory is short, or a client's own message fills its
 * queue. Core then counts all that it was given as used, so it is given one packet at a time.
 */
static bool may_end_any(const struct world *world)
{
    return world->plan.memory_refused_in > 0 ||
            (world->plan.limited && world->plan.settings.queue_full_policy == QUEUE_DISCONNECT);
}

static uint64_t publishes_of(const struct host *host, const struct link *link)
{
    const struct counters *counters = core_counters(host->shards[link->shard].core);

    return counter_read(&counters->publish_received);
}

/*
 * What core has used is shown to the oracle and to the client, packet by packet. A PUBLISH that it
 * threw away unread, for its connection had ended before it, was not taken: `unread` says so.
 */
static void take_marks(struct host *host, struct link *link, enum core_verdict verdict, bool unread)
{
    struct world *world = host->world;
    bool may_end = may_end_any(world) || host->stopped;

    while (link->marks_count > 0 && link->marks[link->marks_first].end <= link->up.taken) {
        struct mark mark = link->marks[link->marks_first];

        link->marks_first = (link->marks_first + 1) % link->marks_capacity;
        link->marks_count--;
        world_tell(world,
                "    took type %u id %u message %u qos %u filter %u retain handling %u of "
                "client %u",
                mark.type, mark.id, mark.message, mark.qos, mark.filter, mark.retain_handling,
                link->client);
        if (unread && mark.type == WIRE_PUBLISH && !mark.wrong)
            continue;
        oracle_took(world->oracle, link, &mark, verdict == CORE_END);
        client_taken(&world->clients[link->client], link, &mark);
        if (mark.wrong && verdict != CORE_END)
            world_fail(world, "client %u broke the rules and was not ended", link->client);
        may_end |= mark.wrong || mark.type == WIRE_DISCONNECT || mark.type == WIRE_CONNECT;
        if (mark.wrong)
            world_count(world, TALLY_WRONGDOER_ENDED);
        /* Nobody knows how far it got before memory was short. */
        if (verdict == CORE_END && world->plan.memory_refused_in > 0 &&
                mark.type != WIRE_DISCONNECT)
            world->oracle->shadows[link->client].fuzzy = true;
    }
    if (verdict != CORE_END || may_end)
        return;
    if (link->marks_count == 0 || !link->marks[link->marks_first].wrong)
        world_fail(world, "client %u was ended for no reason", link->client);
    world_count(world, TALLY_WRONGDOER_ENDED);
}

static void move_link(struct host *host, struct link *link, unsigned home)
{
    assert(home < host->world->plan.shards && home != link->shard);
    if (!core_send_parcel(host->shards[link->shard].core, link->connection, home, link)) {
        link->waits = true;
        world_count(host->world, TALLY_PARCEL_DELAYED);
        return;
    }
    world_count(host->world, TALLY_PARCEL);
    link->connection = NULL;
    link->place = LINK_TRAVELS;
    link->shard = home;
}

/* Its CONNECT is decided on, and the answer held back; then it takes effect later still. */
static bool is_held(struct host *host, struct link *link)
{
    if (link->connection->phase != PHASE_HELD)
        return false;
    link->answer_ms = link->connection->timer.due_ms;
    link->answer_number = ++host->answers;
    return true;
}

static void receive(struct host *host, struct link *link)
{
    struct world *world = host->world;
    size_t size = link->up_arrived;
    uint64_t published = publishes_of(host, link);
    struct core_received received;

    if (!world->calm && size > 1 && chance(&world->random, 3))
        size = 1 + draw(&world->random, (uint32_t)size);
    if (may_end_any(world) && link->marks_count > 0 &&
            size > link->marks[link->marks_first].end - link->up.taken)
        size = link->marks[link->marks_first].end - link->up.taken;
    host->asking = link;
    received = core_receive(host->shards[link->shard].core, link->connection,
            bytes_first(pipe_bytes(&link->up), size), world->now_ms);
    assert(received.used <= size);
    check_no_lock(host, "after core_receive()");
    link->fresh = size < link->up_arrived;
    host->bytes_received += received.used;
    pipe_take(&link->up, received.used);
    link->up_arrived -= received.used;
    if (received.used > 0)
        link->used_ms = world->now_ms;
    link->admitting = received.verdict == CORE_WAIT && (!host->asking || is_held(host, link));
    /* A CONNECT takes effect with its verdict. */
    if (!link->admitting)
        take_marks(host, link, received.verdict,
                received.verdict == CORE_END && may_end_any(world) &&
                        published == publishes_of(host, link));
    switch (received.verdict) {
    case CORE_READ:
        break;
    case CORE_AGAIN:
        link->fresh = true;
        break;
    case CORE_WAIT:
        link->waits = true;
        world_count(world, TALLY_WAITED);
        break;
    case CORE_MOVE:
        move_link(host, link, received.home);
        break;
    case CORE_END:
        end_link(host, link);
        link->output_due = true;
        break;
    }
}

/* What core holds too much output for is written before the turn ends. */
static void write_full(struct host *host, unsigned shard)
{
    struct connection *connection;

    while ((connection = core_next_full(host->shards[shard].core))) {
        struct link *link = connection_link(connection);

        link->output_due = true;
        write_link(host, link);
    }
}

/* What comes after the end is thrown away, whatever it is. */
static void check_deaf(struct host *host, const struct link *link)
{
    struct bytes in = bytes_first(pipe_bytes(&link->up), link->up_arrived);
    struct core_received received =
            core_receive(host->shards[link->shard].core, link->connection, in, host->world->now_ms);

    assert(received.verdict == CORE_END);
    assert(received.used == in.size);
}

/* Reads one link; what is left of it keeps the shard awake. */
static void read_link(struct host *host, struct link *link)
{
    struct world *world = host->world;

    if (link->place != LINK_AT_SHARD)
        return;
    if (has_ended(link)) {
        if (link->up_arrived > 0)
            check_deaf(host, link);
        end_link(host, link);
    }
    if (!link->ended && !link->waits && link->fresh && link->up_arrived > 0)
        receive(host, link);
    if (link->place != LINK_AT_SHARD)
        return;
    if (link->up_cut &&
            (link->ended || !link->fresh || link->up_arrived == 0 || link->waits ||
                    chance(&world->random, 8))) {
        close_link(host, link);
        return;
    }
    if (!link->ended && !link->waits && link->fresh && link->up_arrived > 0)
        host->shards[link->shard].awake = true;
}

static void read_all(struct host *host, unsigned shard)
{
    unsigned first = draw(&host->world->random, LINKS_MAX);

    for (unsigned l = 0; l < LINKS_MAX; l++) {
        struct link *link = &host->links[(first + l) % LINKS_MAX];

        if (link->shard != shard || link->place != LINK_AT_SHARD)
            continue;
        if (!host->world->calm && chance(&host->world->random, 8)) {
            host->shards[shard].awake = true; /* its bytes come a turn later */
            continue;
        }
        read_link(host, link);
        write_full(host, shard);
    }
}

/* It has been told whether it comes in. */
static void take_answer(struct host *host, struct link *link)
{
    bool stays = !has_ended(link);

    /* It may have been let in, and another one have taken its session over at the same moment. */
    if (stays || link->connection->counted)
        take_marks(host, link, CORE_READ, false);
    else if (!link->ended)
        take_marks(host, link, CORE_END, false);
    if (stays)
        return;
    end_link(host, link);
    link->output_due = true;
}

/* The held link of this shard whose answer has gone out first; NULL: no more. */
static struct link *next_answered(struct host *host, unsigned shard)
{
    struct link *first = NULL;

    for (unsigned l = 0; l < LINKS_MAX; l++) {
        struct link *link = &host->links[l];

        if (link->shard != shard || link->place != LINK_AT_SHARD || link->answer_ms == 0 ||
                link->connection->phase == PHASE_HELD)
            continue;
        if (!first || link->answer_ms < first->answer_ms ||
                (link->answer_ms == first->answer_ms && link->answer_number < first->answer_number))
            first = link;
    }
    return first;
}

/* Those whose time has come. */
static void take_answers(struct host *host, unsigned shard)
{
    struct link *link;

    while ((link = next_answered(host, shard))) {
        link->answer_ms = 0;
        link->admitting = false;
        take_answer(host, link);
    }
}

/* One verdict, in any order; the link may have ended, or be another one. */
static void give_verdict(struct host *host, unsigned number)
{
    struct verdict due = host->verdicts[number];
    struct access_verdict verdict = decide(host, due.stranger);
    struct link *link = due.link;

    host->verdicts[number] = host->verdicts[--host->verdict_count];
    core_admitted(host->shards[due.shard].core, due.ticket, &verdict, host->world->now_ms);
    check_no_lock(host, "after core_admitted()");
    if (link->serial != due.serial || !link->connection || !link->admitting) {
        world_count(host->world, TALLY_VERDICT_IN_VAIN);
        return;
    }
    world_count(host->world, TALLY_VERDICT_LATER);
    link->admitting = is_held(host, link);
    if (!link->admitting)
        take_answer(host, link);
}

static void give_verdicts(struct host *host, unsigned shard)
{
    for (unsigned v = host->verdict_count; v-- > 0;) {
        if (host->verdicts[v].shard != shard)
            continue;
        if (host->world->calm || chance(&host->world->random, 2))
            give_verdict(host, v);
        else
            host->shards[shard].awake = true;
    }
}

/* ---- Turns ---- */

static void take_parcels(struct host *host, unsigned shard)
{
    struct link *link;

    while ((link = core_next_parcel(host->shards[shard].core))) {
        assert(link->place == LINK_TRAVELS && link->shard == shard);
        link->place = LINK_AT_SHARD;
        link->fresh = true;
        if (land(host, link, true))
            read_link(host, link);
        else
            close_link(host, link);
    }
}

static void wake(struct host *host, uint64_t shards)
{
    for (unsigned s = 0; s < host->world->plan.shards; s++) {
        if (!(shards >> s & 1))
            continue;
        host->shards[s].awake = true;
        world_count(host->world, TALLY_WOKEN_BY_SHARD);
    }
}

static bool shortage_lasts(void *context)
{
    struct world *world = context;

    return !chance(&world->random, 4);
}

/* Memory is said to be short now and then, and not when all that waits is to come. */
static void relieve(struct host *host, unsigned shard)
{
    struct world *world = host->world;
    struct shortage shortage = { .lasts = shortage_lasts, .context = world };

    if (!world->plan.relieves || world->calm || !chance(&world->random, 10))
        return;
    shortage.fat_bytes = chance(&world->random, 2) ? 100 : 2000;
    (void)core_relieve(host->shards[shard].core, &shortage, world->now_ms);
}

/* How far the store has come, and what it was asked for. */
static void hear_store(struct host *host, struct shard *shard)
{
    int64_t now_ms = host->world->now_ms;

    shard->durable = host->store.durable;
    core_durable(shard->core, shard->durable, STORAGE_WELL, now_ms);
    for (unsigned a = 0; a < ANSWERS_MAX; a++) {
        if (!host->world->calm && chance(&host->world->random, 2))
            break;
        if (!model_face_answer(&shard->face, now_ms))
            break;
        world_count(host->world, TALLY_FETCHED);
    }
    shard->awake |= !list_empty(&shard->face.wishes) && host->world->calm;
}

bool host_commit(struct host *host, unsigned batches)
{
    bool moved = false;

    while (batches-- > 0 && model_store_commit(&host->store))
        moved = true;
    for (unsigned s = 0; moved && s < host->world->plan.shards; s++) {
        struct shard *shard = &host->shards[s];

        if (core_waits_for(shard->core) > shard->durable || !list_empty(&shard->face.wishes))
            shard->awake = true;
    }
    return moved;
}

static void note_turn(struct host *host, unsigned shard)
{
    if (host->turns == host->positions_capacity) {
        host->positions_capacity = host->positions_capacity * 2 + 1024;
        host->positions =
                realloc(host->positions, host->positions_capacity * sizeof(*host->positions));
        assert(host->positions);
    }
    host->started |= UINT64_C(1) << shard;
    if (host->started_turn == HOST_NOT_YET &&
            host->started + 1 == UINT64_C(1) << host->world->plan.shards)
        host->started_turn = host->turns;
    world_tell(host->world, "turn %" PRIu64 " of shard %u ends at %" PRIu64 ", durable %" PRIu64,
            host->turns, shard, host->store.next, host->store.durable);
    host->positions[host->turns++] = host->store.next;
}

bool host_turn_is_before(const struct host *host, uint64_t turn, uint64_t position)
{
    return turn < host->turns && host->positions[turn] <= position;
}

void host_turn(struct host *host, unsigned shard)
{
    struct shard *at = &host->shards[shard];
    struct world *world = host->world;
    struct connection *connection;

    at->awake = false;
    if (at->deadline_ms <= world->now_ms)
        world_count(world, TALLY_TIMER_DUE);
    if (world->plan.stores)
        hear_store(host, at);
    read_all(host, shard);
    core_take_mail(at->core, world->now_ms);
    write_full(host, shard);
    take_parcels(host, shard);
    give_verdicts(host, shard);
    core_tick(at->core, world->now_ms);
    take_answers(host, shard);
    relieve(host, shard);
    wake(host, core_end_turn(at->core));
    write_all(host, shard);
    while ((connection = core_next_ready(at->core))) {
        struct link *link = connection_link(connection);

        link->waits = false;
        link->fresh = true;
        at->awake = true;
    }
    at->deadline_ms = core_due_ms(at->core);
    if (at->deadline_ms <= world->now_ms || core_has_mail(at->core) ||
            (world->plan.stores && !list_empty(&at->face.wishes)))
        at->awake = true;
    check_no_lock(host, "after a turn");
    note_turn(host, shard);
}

unsigned host_pick_awake(struct host *host)
{
    unsigned shards = host->world->plan.shards;
    unsigned first = draw(&host->world->random, shards);

    for (unsigned s = 0; s < shards; s++) {
        if (host->shards[(first + s) % shards].awake)
            return (first + s) % shards;
    }
    return shards;
}

int64_t host_deadline(const struct host *host)
{
    int64_t deadline_ms = INT64_MAX;

    for (unsigned s = 0; s < host->world->plan.shards; s++) {
        if (host->shards[s].deadline_ms < deadline_ms)
            deadline_ms = host->shards[s].deadline_ms;
    }
    return deadline_ms;
}

void host_pass_time(struct host *host, int64_t more_ms)
{
    struct world *world = host->world;
    int64_t deadline_ms = host_deadline(host);
    int64_t late_ms = draw(&world->random, DEADLINE_LATE_MAX_MS);

    /* A shard that is due takes its turn before much time passes, as it would in real life. */
    if (deadline_ms <= world->now_ms)
        return;
    if (deadline_ms - world->now_ms + late_ms < more_ms)
        more_ms = deadline_ms - world->now_ms + late_ms;
    world->now_ms += more_ms;
    for (unsigned s = 0; s < world->plan.shards; s++) {
        if (host->shards[s].deadline_ms <= world->now_ms)
            host->shards[s].awake = true;
    }
}

bool host_announce(struct host *host, unsigned shard, const struct announcement *announcement)
{
    host->shards[shard].awake = true;
    return core_announce(host->shards[shard].core, announcement, host->world->now_ms);
}

void host_shut_down(struct host *host)
{
    host->stopped = true;
    for (unsigned s = 0; s < host->world->plan.shards; s++) {
        core_shut_down(host->shards[s].core, host->world->now_ms);
        host->shards[s].awake = true;
    }
}

bool host_busy(const struct host *host)
{
    if (host->verdict_count > 0)
        return true;
    for (unsigned s = 0; s < host->world->plan.shards; s++) {
        if (host->shards[s].awake)
            return true;
    }
    for (unsigned l = 0; l < LINKS_MAX; l++) {
        const struct link *link = &host->links[l];

        if (link->place == LINK_TRAVELS || link->place == LINK_CLOSED ||
                (link->place == LINK_AT_SHARD &&
                        (link->up_cut || pipe_size(&link->down) > 0 || pipe_size(&link->up) > 0)))
            return true;
    }
    return false;
}
