/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/core.h"

#include "broker/core/ask.h"
#include "broker/core/backlog.h"
#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/keep.h"
#include "broker/core/launch.h"
#include "broker/core/reader.h"
#include "broker/core/route.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/will.h"

#include <assert.h>

/* ---- Messages ---- */

struct message *core_message_new(struct core *core, const struct message_parts *parts)
{
    struct message *message = message_new(&core->memory, parts);

    if (message) {
        counter_add(&core->counters.messages, 1);
        counter_add(&core->counters.message_bytes, message_size(message));
    }
    return message;
}

void core_unref(struct core *core, struct message *message)
{
    size_t size;

    if (core->hub->setup.shards == 1 && message_unref_alone(message))
        return;
    size = message_unref(&core->memory, message);
    if (size == 0)
        return;
    counter_add(&core->counters.messages, (uint64_t)-1);
    counter_add(&core->counters.message_bytes, (uint64_t)-size);
}

void message_release(struct core *core, struct message *owner)
{
    core_unref(core, owner);
}

/* The retained store lets go on whichever thread; the hub counts what that frees. */
static void hub_unref(void *context, struct message *message)
{
    struct hub *hub = context;
    size_t size = message_unref(&hub->setup.memory, message);

    if (size == 0)
        return;
    /* Relaxed: two gauges. */
    atomic_fetch_add_explicit(&hub->retained_freed, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&hub->retained_freed_bytes, size, memory_order_relaxed);
}

/* ---- The hub ---- */

static bool make_mailboxes(struct hub *hub)
{
    size_t count = (size_t)hub->setup.shards * hub->setup.shards;

    hub->mailboxes = memory_take_zeroed(&hub->setup.memory, count * sizeof(*hub->mailboxes));
    if (!hub->mailboxes)
        return false;
    for (size_t i = 0; i < count; i++) {
        bool itself = i / hub->setup.shards == i % hub->setup.shards;

        if (!itself &&
                !mailbox_init(&hub->mailboxes[i], &hub->setup.memory, hub->setup.mailbox_slots,
                        sizeof(struct mail)))
            return false;
    }
    return true;
}

struct hub *hub_new(const struct hub_setup *setup)
{
    struct hub *hub = memory_take_zeroed(&setup->memory, sizeof(*hub));
    const struct index_setup index_setup = { .memory = setup->memory,
        .locks = setup->locks,
        .key = setup->key,
        .shard_count = (uint16_t)setup->shards };
    const struct retained_setup retained_setup = { .memory = setup->memory,
        .locks = setup->locks,
        .key = setup->key,
        .entries_max = setup->retained_max,
        .unref = hub_unref,
        .context = hub };

    assert(setup->shards >= 1);
    assert(setup->shards <= SHARDS_MAX);
    if (!hub)
        return NULL;
    hub->setup = *setup;
    list_init(&hub->orphans);
    for (unsigned i = 0; i < setup->shards; i++)
        atomic_init(&hub->fatness[i].at_ms, INT64_MIN);
    hub->index = index_new(&index_setup);
    hub->retained = retained_new(&retained_setup);
    hub->patrons = patrons_new(&setup->memory, &setup->locks);
    if (hub->index && hub->retained && hub->patrons && make_mailboxes(hub))
        return hub;
    hub_free(hub);
    return NULL;
}

void hub_free(struct hub *hub)
{
    size_t count = (size_t)hub->setup.shards * hub->setup.shards;
    struct memory memory = hub->setup.memory;
    struct list *orphan;

    index_free(hub->index);
    retained_free(hub->retained);
    patrons_free(hub->patrons);
    while ((orphan = list_take_first(&hub->orphans)))
        membership_free(&memory, container_of(orphan, struct membership, letter.link));
    for (size_t i = 0; hub->mailboxes && i < count; i++)
        mailbox_deinit(&hub->mailboxes[i], &memory);
    memory_give(&memory, hub->mailboxes, count * sizeof(*hub->mailboxes));
    memory_give(&memory, hub, sizeof(*hub));
}

struct hub_counts hub_count(struct hub *hub, unsigned shard)
{
    struct index_counts counts = index_count(hub->index, (uint16_t)shard);
    uint64_t own = retained_own_count(hub->retained); /* first, lest it be above all */

    return (struct hub_counts){
        .retained = retained_count(hub->retained),
        .retained_own = own,
        .subscriptions = counts.subscriptions,
        .shared_subscriptions = counts.groups,
        .messages_freed = atomic_load_explicit(&hub->retained_freed, memory_order_relaxed),
        .message_bytes_freed =
                atomic_load_explicit(&hub->retained_freed_bytes, memory_order_relaxed),
    };
}

static struct mailbox *mailbox_between(struct hub *hub, unsigned from, unsigned to)
{
    return &hub->mailboxes[from * hub->setup.shards + to];
}

/* ---- A shard ---- */

static struct bytes session_key(const void *session)
{
    return session_id(session);
}

static void init_lists(struct core *core)
{
    list_init(&core->output);
    list_init(&core->full);
    list_init(&core->ready);
    list_init(&core->stalled);
    list_init(&core->condemned);
    list_init(&core->due_wills);
    list_init(&core->readers);
    for (unsigned i = 0; i < core->hub->setup.shards; i++) {
        list_init(&core->outboxes[i].waiting);
        if (i != core->shard)
            core->outboxes[i].mailbox = mailbox_between(core->hub, core->shard, i);
    }
}

static bool make_parcel_room(struct core *core)
{
    uint32_t max = (core->hub->setup.shards - 1) * core->hub->setup.mailbox_slots;

    if (max == 0)
        return true;
    core->parcels = memory_take(&core->memory, max * sizeof(*core->parcels));
    if (!core->parcels)
        return false;
    core->parcels_max = max;
    return true;
}

static void free_parcel_room(struct core *core)
{
    memory_give(&core->memory, core->parcels, core->parcels_max * sizeof(*core->parcels));
}

struct core *core_new(const struct core_setup *setup, int64_t now_ms)
{
    struct core *core = memory_take_zeroed(&setup->memory, sizeof(*core));
    uint16_t shards = (uint16_t)setup->hub->setup.shards;

    if (!core)
        return NULL;
    core->hub = setup->hub;
    core->shard = setup->shard;
    core->settings = setup->settings;
    core->rates = rates_of(setup->settings->packet_rate_max, setup->settings->byte_rate_max);
    core->memory = setup->memory;
    core->journal = setup->journal;
    core->access = setup->access;
    core->is_held = setup->is_held;
    core->is_full = setup->is_full;
    core->dialect_of = setup->dialect_of;
    core->taken_over = setup->taken_over;
    core->random.state = setup->seed;
    core->now_ms = now_ms;
    durable_init(core, setup);
    if (!make_parcel_room(core) || !visits_init(&core->visits, &core->memory) ||
            !matches_init(&core->matches, &core->memory, shards)) {
        visits_deinit(&core->visits, &core->memory);
        free_parcel_room(core);
        memory_give(&setup->memory, core, sizeof(*core));
        return NULL;
    }
    route_cache_init(&core->routes, &core->memory, shards);
    pool_init(&core->connections, sizeof(struct connection));
    pool_init(&core->sessions, sizeof(struct session));
    map_init(&core->sessions_by_id, session_key);
    groups_init(core);
    timer_wheel_init(&core->connection_timers, now_ms);
    timer_wheel_init(&core->session_timers, now_ms);
    init_lists(core);
    return core;
}

/* Mail that nobody will take any more. */
static void drop_mail(struct core *core, const struct mail *mail)
{
    switch (mail->kind) {
    case MAIL_PUBLISH:
        if (mail->of.list->ask)
            memory_give(&core->memory, mail->of.list->ask, sizeof(*mail->of.list->ask));
        delivery_list_free(core, mail->of.list);
        break;
    case MAIL_JOIN:
    case MAIL_JOINED:
        list_remove(&mail->of.membership->letter.link);
        list_append(&core->hub->orphans, &mail->of.membership->letter.link);
        break;
    case MAIL_LEAVE:
        membership_free(&core->memory, mail->of.membership);
        break;
    case MAIL_HAND:
    case MAIL_HAND_BACK:
        hand_free(core, mail->of.hand);
        break;
    case MAIL_ASK_DONE:
        memory_give(&core->memory, mail->of.ask, sizeof(*mail->of.ask));
        break;
    case MAIL_PARCEL: /* The program has taken them all, or forgets them with its links. */
    case MAIL_MEMBER:
        break;
    }
}

static void drop_connections(struct core *core)
{
    struct connection *connection;
    uint32_t slot = 0;

    while ((connection = pool_next(&core->connections, &slot)))
        core_close(core, connection, core->now_ms);
}

static void drop_sessions(struct core *core)
{
    struct session *session;
    uint32_t slot = 0;

    while ((session = pool_next(&core->sessions, &slot))) {
        will_discard(core, session);
        session_end(core, session);
    }
}

static void drop_letters(struct core *core)
{
    for (unsigned i = 0; i < core->hub->setup.shards; i++) {
        struct list *link;

        while ((link = list_take_first(&core->outboxes[i].waiting)))
            drop_mail(core, &container_of(link, struct letter, link)->mail);
    }
    for (unsigned i = 0; i < core->hub->setup.shards; i++) {
        struct mail *mail;

        if (i == core->shard)
            continue;
        mailbox_publish(mailbox_between(core->hub, core->shard, i));
        /* What this shard has not taken of others, and what others will not take of it. */
        while ((mail = mailbox_take(mailbox_between(core->hub, i, core->shard))))
            drop_mail(core, mail);
        while ((mail = mailbox_take(mailbox_between(core->hub, core->shard, i))))
            drop_mail(core, mail);
    }
}

void core_free(struct core *core)
{
    struct memory memory = core->memory;

    core->journal.write = NULL;
    core->durable.storage.push = NULL; /* What ends here outlives the process. */
    drop_connections(core);
    drop_sessions(core);
    wills_free(core);
    groups_free(core);
    drop_letters(core);
    durable_deinit(core);
    route_cache_deinit(&core->routes);
    matches_deinit(&core->matches);
    visits_deinit(&core->visits, &memory);
    free_parcel_room(core);
    buffer_reset(&core->scratch, &memory);
    map_deinit(&core->sessions_by_id, &memory);
    pool_deinit(&core->sessions, &memory);
    pool_deinit(&core->connections, &memory);
    memory_give(&memory, core, sizeof(*core));
}

void core_apply(struct core *core, const struct core_settings *settings, int64_t now_ms)
{
    struct rates rates = rates_of(settings->packet_rate_max, settings->byte_rate_max);

    core->now_ms = now_ms;
    core->settings = settings;
    if (memcmp(&rates, &core->rates, sizeof(rates)) == 0)
        return;
    core->rates = rates;
    connections_forgive(core);
}

void core_tell_up_to(struct core *core, enum event_level level)
{
    core->journal.level = level;
}

const struct counters *core_counters(const struct core *core)
{
    return &core->counters;
}

/* ---- Mail ---- */

bool core_has_room(struct core *core)
{
    for (unsigned i = 0; i < core->hub->setup.shards; i++) {
        if (i != core->shard && !outbox_has_room(&core->outboxes[i]))
            return false;
    }
    return true;
}

bool core_takes_publish(struct core *core)
{
    return !(core->is_held && *core->is_held) && core_has_room(core);
}

void core_post(struct core *core, unsigned shard, struct letter *letter, const struct mail *mail)
{
    struct outbox *outbox = core_outbox(core, shard);

    if (shard != core->shard) {
        outbox_post(outbox, letter, mail);
        return;
    }
    letter->mail = *mail;
    if (!list_linked(&letter->link))
        list_append(&outbox->waiting, &letter->link);
}

static void open_mail(struct core *core, const struct mail *mail)
{
    switch (mail->kind) {
    case MAIL_PUBLISH:
        route_arrived(core, mail->of.list);
        break;
    case MAIL_PARCEL:
        assert(core->parcel_count < core->parcels_max);
        core->parcels[core->parcel_count++] = mail->of.parcel;
        break;
    case MAIL_JOIN:
        group_join(core, mail->of.membership);
        break;
    case MAIL_JOINED:
        membership_joined(core, mail->of.membership);
        break;
    case MAIL_MEMBER:
        group_member_changed(core, mail);
        break;
    case MAIL_LEAVE:
        group_leave(core, mail->of.membership);
        break;
    case MAIL_HAND:
        hand_arrived(core, mail->of.hand);
        break;
    case MAIL_HAND_BACK:
        group_hand_back(core, mail->of.hand);
        break;
    case MAIL_ASK_DONE:
        ask_returned(core, mail->of.ask);
        break;
    }
}

void core_settle_all(struct core *core)
{
    struct list *waiting = &core->outboxes[core->shard].waiting;

    do {
        struct list *link;

        while ((link = list_take_first(waiting))) {
            struct mail mail = container_of(link, struct letter, link)->mail;

            open_mail(core, &mail);
        }
        connections_end_condemned(core);
        wills_publish(core);
    } while (!list_empty(waiting));
}

void core_take_mail(struct core *core, int64_t now_ms)
{
    core->now_ms = now_ms;
    for (unsigned i = 0; i < core->hub->setup.shards; i++) {
        struct mailbox *mailbox = mailbox_between(core->hub, i, core->shard);
        struct mail *mail;

        if (i == core->shard)
            continue;
        /* The rest stays where it is while parcels are not asked for, or output is to go first. */
        while (core->parcel_count < core->parcels_max && list_empty(&core->full) &&
                (mail = mailbox_take(mailbox))) {
            if (mail->kind == MAIL_PUBLISH)
                mailbox_shed_weight(mailbox, message_size(mail->of.list->message));
            open_mail(core, mail);
            core_settle(core);
        }
        if (mailbox_finish(mailbox))
            core->wake |= (uint64_t)1 << i;
    }
}

void *core_next_parcel(struct core *core)
{
    void *parcel;

    if (core->parcel_count == 0)
        return NULL;
    parcel = core->parcels[0]; /* In order of arrival: it decides between two of one client. */
    core->parcel_count--;
    memmove(core->parcels, core->parcels + 1, core->parcel_count * sizeof(*core->parcels));
    return parcel;
}

uint64_t core_end_turn(struct core *core)
{
    uint64_t wake;

    wills_publish(core);
    readers_turn(core);
    core_settle(core);
    launches_stage(core);
    keep_farewells(core);
    if (!durable_push(core))
        return 0;
    backlogs_spill(core);
    for (unsigned i = 0; i < core->hub->setup.shards; i++) {
        if (i == core->shard)
            continue;
        outbox_push(&core->outboxes[i]);
        if (mailbox_publish(core->outboxes[i].mailbox))
            core->wake |= (uint64_t)1 << i;
    }
    wake = core->wake;
    core->wake = 0;
    return wake;
}

/* ---- Time ---- */

/* Expired retained messages are given to nobody; now and then they also make room. */
static void sweep(struct core *core)
{
    int64_t next_ms = INT64_MAX;

    if (core->now_ms < core->sweep_ms)
        return;
    for (unsigned stripe = core->shard; stripe < RETAINED_STRIPES;
            stripe += core->hub->setup.shards) {
        retained_sweep(core->hub->retained, stripe, core->now_ms, RETAINED_SWEEP_LIMIT,
                &core->durable.storage);
        if (retained_expiry_ms(core->hub->retained, stripe) < next_ms)
            next_ms = retained_expiry_ms(core->hub->retained, stripe);
    }
    core->sweep_ms = core->now_ms + RETAINED_SWEEP_MS;
    core->sweep_due_ms = next_ms < core->sweep_ms ? core->sweep_ms : next_ms;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/* Something has been said since the turn's end that no shard can see yet, though it could. */
static bool has_unsent_mail(struct core *core)
{
    for (unsigned i = 0; i < core->hub->setup.shards; i++) {
        struct outbox *outbox = &core->outboxes[i];

        if (i == core->shard ? !list_empty(&outbox->waiting)
                             : mailbox_unpublished(outbox->mailbox) ||
                                (!list_empty(&outbox->waiting) &&
                                        mailbox_has_room(outbox->mailbox)))
            return true;
    }
    return false;
}

bool core_has_mail(struct core *core)
{
    for (unsigned i = 0; i < core->hub->setup.shards; i++) {
        if (i != core->shard && mailbox_waiting(mailbox_between(core->hub, i, core->shard)))
            return true;
    }
    return has_unsent_mail(core) || (!list_empty(&core->stalled) && core_takes_publish(core)) ||
            (!list_empty(&core->due_wills) && core_has_room(core));
}

int64_t core_due_ms(struct core *core)
{
    int64_t due_ms =
            earlier(timer_next_ms(&core->connection_timers), timer_next_ms(&core->session_timers));

    if (!list_empty(&core->condemned) || !list_empty(&core->readers) || has_unsent_mail(core) ||
            !list_empty(&core->durable.launches) ||
            (!list_empty(&core->due_wills) && core_has_room(core)))
        return core->now_ms;
    return earlier(earlier(due_ms, core->sweep_due_ms), durable_due_ms(core));
}

void core_tick(struct core *core, int64_t now_ms)
{
    struct timer *timer;

    core->now_ms = now_ms;
    while ((timer = timer_take_due(&core->connection_timers, now_ms)))
        connection_timer_due(core, container_of(timer, struct connection, timer));
    while ((timer = timer_take_due(&core->session_timers, now_ms)))
        session_timer_due(core, container_of(timer, struct session, timer));
    sweep(core);
    wills_publish(core);
    core_settle(core);
}

/* ---- What comes next ---- */

struct connection *core_next_full(struct core *core)
{
    struct list *link = list_take_first(&core->full);

    return link ? container_of(link, struct connection, output) : NULL;
}

struct connection *core_next_output(struct core *core)
{
    struct list *link = list_take_first(&core->output);

    return link ? container_of(link, struct connection, output) : core_next_full(core);
}

struct connection *core_next_ready(struct core *core)
{
    struct list *link = list_take_first(&core->ready);

    if (!link && !list_empty(&core->stalled) && core_takes_publish(core))
        link = list_take_first(&core->stalled);
    if (!link)
        return NULL;
    return container_of(link, struct connection, ready);
}

/* ---- The server's own voice ---- */

bool core_announce(struct core *core, const struct announcement *announcement, int64_t now_ms)
{
    const struct message_parts parts = { .topic = announcement->topic,
        .payload = announcement->payload,
        .qos = announcement->qos,
        .retain = announcement->retain,
        .expires_ms = INT64_MAX };

    core->now_ms = now_ms;
    return core_has_room(core) && !route_publish(core, &parts, NULL, NULL).no_memory;
}

void core_shut_down(struct core *core, int64_t now_ms)
{
    static const struct ending stopping = {
        .reason = MQTT_SERVER_SHUTTING_DOWN, .tell = true, .keep_will = true
    };
    struct connection *connection;
    uint32_t slot = 0;

    core->now_ms = now_ms;
    core->shutting_down = true;
    while ((connection = pool_next(&core->connections, &slot)))
        connection_end(core, connection, &stopping);
}

/* ---- Audit ---- */

/* Those of groups are counted with their groups. */
static uint64_t session_waiting(const struct session *session)
{
    return session->receiver->outgoing.instant.count + backlog_count(session) +
            session->receiver->outgoing.flight_open - session->receiver->hands;
}

struct bytes connection_client_id(const struct connection *connection)
{
    return connection->session ? session_id(connection->session) : (struct bytes){ 0 };
}

uint32_t connection_session_expiry_s(const struct connection *connection)
{
    return connection->session ? connection->session->expiry_interval_s : 0;
}

uint64_t connection_backlog(const struct connection *connection)
{
    const struct session *session = connection->session;

    return session ? session_waiting(session) + session->receiver->hands : 0;
}

uint64_t core_waiting(const struct core *core)
{
    uint64_t waiting = 0;
    uint32_t slot = 0;
    const struct session *session;
    const struct group *group;

    while ((session = pool_next(&core->sessions, &slot)))
        waiting += session_waiting(session);
    slot = 0;
    while ((group = pool_next(&core->groups, &slot)))
        waiting += group_waiting(group) + group->out;
    return waiting;
}
