/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/shard.h"

#include "broker/arrivals.h"
#include "broker/sensors.h"
#include "broker/turn.h"
#include "loop/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    /* Holds hundreds of packets, so that a busy peer costs few calls, and fits a core's cache. */
    INPUT_SIZE = 128 * 1024,
    OUTPUT_SIZE = 64 * 1024,
};

int shard_bring_door(struct shard *shard, struct entrance *entrance, size_t number)
{
    struct door *door = malloc(sizeof(*door));
    int result;

    if (!door)
        return -ENOMEM;
    result = door_open(door, entrance, number, shard->number == 0);
    if (result < 0) {
        free(door);
        return result;
    }
    door->next = shard->new_doors;
    shard->new_doors = door;
    return 0;
}

void shard_drop_new_doors(struct shard *shard)
{
    struct door *door;

    while ((door = shard->new_doors)) {
        shard->new_doors = door->next;
        door_close(door);
        free(door);
    }
}

/* Returns 0, or the first -errno; the others are taken all the same. */
static int take_doors(struct shard *shard)
{
    int first_failure = 0;
    struct door *door;

    while ((door = shard->new_doors)) {
        unsigned waits = door->entrance->options.datagrams ? POLL_READ : arrivals_door_waits(shard);
        int result = poll_add(shard->poll, door->listener.fd, waits, &door->waiter);

        shard->new_doors = door->next;
        if (result == 0) {
            assert(shard->door_count < DOORS_MAX);
            shard->doors[shard->door_count++] = door;
            continue;
        }
        if (first_failure == 0)
            first_failure = result;
        door_close(door);
        free(door);
    }
    return first_failure;
}

static void shut_door(struct shard *shard, size_t i)
{
    struct door *door = shard->doors[i];

    sensors_flush(shard);
    if (shard->poll)
        poll_remove(shard->poll, door->listener.fd);
    door_close(door);
    door->next = shard->shut_doors;
    shard->shut_doors = door;
    shard->doors[i] = shard->doors[--shard->door_count];
}

/* No event of this turn names those that an earlier one has shut. */
static void free_shut_doors(struct shard *shard)
{
    struct door *door;

    while ((door = shard->shut_doors)) {
        shard->shut_doors = door->next;
        free(door);
    }
}

void shard_use_doors(struct shard *shard, const struct config *config)
{
    int result = take_doors(shard);

    if (result < 0)
        journal_tell(&shard->journal, EVENT_ERROR, "listener.failed",
                field_text("text", strerror(-result)));
    free_shut_doors(shard);
    for (size_t i = shard->door_count; i-- > 0;) {
        if (config->listeners[shard->doors[i]->entrance->number].closed)
            shut_door(shard, i);
    }
}

void shard_stop_accepting(struct shard *shard)
{
    for (size_t i = shard->door_count; i-- > 0;) {
        if (!shard->doors[i]->entrance->options.datagrams || shard->doors[i]->is_group)
            shut_door(shard, i);
    }
}

static void shut_doors(struct shard *shard)
{
    while (shard->door_count > 0)
        shut_door(shard, shard->door_count - 1);
}

static int open_doors(struct shard *shard)
{
    struct shard_group *group = shard->group;

    shard->doors = calloc(DOORS_MAX, sizeof(struct door *));
    if (!shard->doors)
        return -ENOMEM;
    for (size_t i = 0; i < group->entrance_count; i++) {
        size_t doors = entrance_door_count(&group->entrances[i], shard->number == 0);

        for (size_t j = 0; j < doors; j++) {
            int result = shard_bring_door(shard, &group->entrances[i], j);

            if (result < 0)
                return result;
        }
    }
    return take_doors(shard);
}

static int open_waiting(struct shard *shard)
{
    int result = poll_open(&shard->poll);

    if (result < 0)
        return result;
    return poll_add(shard->poll, wake_fd(&shard->wake), POLL_READ | POLL_NEWS, &shard->wake_waiter);
}

/* Another thread has answered a question of the authority. */
static void ring(void *shard)
{
    shard_rouse(shard);
}

static int make_core(struct shard *shard, uint64_t seed)
{
    struct core_setup setup;
    int64_t wall_ms = clock_wall_ms();

    desk_init(&shard->desk, ring, shard);
    shard->authority = (struct authority){
        .book = shard->group->rulebook,
        .memory = &shard->memory,
        .journal = &shard->journal,
        .desk = &shard->desk,
        .hashers = shard->group->hashers,
        .web = shard->group->web,
        .failed = arrivals_login_failed,
        .suspects = arrivals_suspects,
        .failed_context = shard,
        .wall_ms = clock_wall_ms,
    };
    setup = (struct core_setup){
        .hub = shard->group->hub,
        .shard = shard->number,
        .settings = &shard->config->core,
        .memory = shard->memory,
        .journal = shard->journal,
        .access = authority_access(&shard->authority),
        .storage = persistence_storage(shard->group->persistence, shard),
        .wall_ms = wall_ms,
        .is_held = &shard->share.is_held,
        .is_full = &shard->share.is_full,
        .dialect_of = sensor_dialect_of,
        .taken_over = sensor_taken_over,
        .seed = seed,
    };

    shard->wall_offset_ms = wall_ms - shard->now_ms;

    shard->core = core_new(&setup, shard->now_ms);
    return shard->core ? 0 : -ENOMEM;
}

static int make_sys(struct shard *shard)
{
    struct sys_setup setup = {
        .memory = shard->memory,
        .core = shard->core,
        .hub = shard->group->hub,
        .shard = shard->number,
        .shards = shard->group->count,
        .counters = shard->group->counters,
        .version = "nightjar version " NIGHTJAR_VERSION,
        .interval_ms = shard->config->sys_interval_s * INT64_C(1000),
    };

    if (shard->number != 0)
        return 0;
    shard->sys = sys_new(&setup, shard->now_ms);
    return shard->sys ? 0 : -ENOMEM;
}

static int make_buffers(struct shard *shard)
{
    shard->input = (struct scratch){ memory_take(&shard->memory, INPUT_SIZE), INPUT_SIZE };
    shard->output = (struct scratch){ memory_take(&shard->memory, OUTPUT_SIZE), OUTPUT_SIZE };
    return shard->input.data && shard->output.data ? 0 : -ENOMEM;
}

void shard_use_listeners(struct shard *shard, const struct config *config)
{
    for (unsigned i = 0; i < config->listener_count; i++) {
        shard->listeners[i] = config->listeners[i].settings;
        shard->layers[i] = entrance_layers_of(config, i);
    }
    if (!sensors_configure(shard, config))
        journal_tell(&shard->journal, EVENT_WARN, "memory.short",
                field_text("text", "the keys of MQTT-SN stay as they were"));
}

int shard_init(struct shard *shard, const struct shard_setup *setup)
{
    int result;

    *shard = (struct shard){
        .group = setup->group,
        .number = setup->number,
        .config = setup->config,
        .credentials = setup->group->credentials,
        .wake_waiter = { WAITER_WAKE },
        .stored = PERSISTENCE_UNKNOWN,
        .now_ms = clock_now_ms(),
    };
    list_init(&shard->links);
    list_init(&shard->unjudged);
    list_init(&shard->unread);
    list_init(&shard->leaving);
    list_init(&shard->lingering);
    list_init(&shard->closed);
    newcomers_init(&shard->newcomers, shard->now_ms);
    budget_share_init(&shard->share, shard->group->budget);
    shard->memory = budget_share_memory(&shard->share);
    log_source_init(&shard->log, shard->group->log);
    shard->journal = log_source_journal(&shard->log, log_level(&setup->config->log));
    shard->sensors = sensors_new(shard, setup->seed);
    if (!shard->sensors) {
        shard->wake.fd = -1;
        return -ENOMEM;
    }
    shard_use_listeners(shard, setup->config);
    result = wake_open(&shard->wake);
    if (result < 0) {
        shard->wake.fd = -1;
        return result;
    }
    result = open_waiting(shard);
    if (result == 0)
        result = make_buffers(shard);
    if (result == 0)
        result = make_core(shard, setup->seed);
    if (result == 0) {
        shard->group->counters[shard->number] = core_counters(shard->core);
        result = make_sys(shard);
    }
    return result == 0 ? open_doors(shard) : result;
}

static void *run(void *context)
{
    struct shard *shard = context;

    while (turn_run(shard))
        continue;
    return NULL;
}

int shard_start(struct shard *shard)
{
    return -pthread_create(&shard->thread, NULL, run, shard);
}

void shard_rouse(struct shard *shard)
{
    /*
     * Sequentially consistent, as is the sleeper's store: what the caller has made visible comes
     * before this load, the sleeper's last look comes after its store, so one of the two sees the
     * other. An awake shard sees it before it sleeps, at no cost.
     */
    if (atomic_load(&shard->asleep))
        wake_send(&shard->wake);
}

void shard_rouse_for_store(struct shard *shard, bool any)
{
    if (atomic_load(&shard->asleep) &&
            (any || atomic_load_explicit(&shard->awaits_store, memory_order_relaxed)))
        wake_send(&shard->wake);
}

void shard_configure(struct shard *shard, const struct config *config)
{
    atomic_store(&shard->next_config, config);
    shard_rouse(shard);
}

void shard_ask(struct shard *shard, struct errand *errand)
{
    errands_post(&shard->errands, errand);
    shard_rouse(shard);
}

void shard_stop(struct shard *shard)
{
    atomic_store(&shard->stop, true);
    shard_rouse(shard);
}

void shard_join(struct shard *shard)
{
    pthread_join(shard->thread, NULL);
    shard->has_ended = true;
    core_end_turn(shard->core);
}

void shard_drop_errands(struct shard *shard)
{
    while (errands_wait(&shard->errands))
        errands_run(&shard->errands, shard);
}

void shard_close_parcels(struct shard *shard)
{
    struct link *link;

    sensors_end(shard);
    if (!shard->core)
        return;
    core_take_mail(shard->core, shard->now_ms);
    while ((link = core_next_parcel(shard->core)))
        link_free(link, &shard->memory, shard->core, STREAM_END_CLEAN);
}

static void free_links(struct shard *shard, struct list *links)
{
    struct list *node;

    while ((node = list_take_first(links)))
        link_free(container_of(node, struct link, node), &shard->memory, shard->core,
                STREAM_END_CLEAN);
}

void shard_leave(struct shard *shard)
{
    /* Both processes have the same poll: what one takes out of it is out for the other, too. */
    poll_close(shard->poll);
    shard->poll = NULL;
}

void shard_deinit(struct shard *shard)
{
    if (shard->core) {
        free_links(shard, &shard->links);
        free_links(shard, &shard->unjudged);
        free_links(shard, &shard->unread);
        free_links(shard, &shard->leaving);
        free_links(shard, &shard->lingering);
        free_links(shard, &shard->closed);
        newcomers_deinit(&shard->newcomers, &shard->memory);
    }
    shard_drop_new_doors(shard);
    shut_doors(shard);
    free_shut_doors(shard);
    free(shard->doors);
    sys_free(shard->sys);
    sensors_free(shard);
    if (shard->core)
        core_free(shard->core);
    if (shard->desk.ring)
        desk_deinit(&shard->desk, &shard->memory);
    memory_give(&shard->memory, shard->input.data, shard->input.size);
    memory_give(&shard->memory, shard->output.data, shard->output.size);
    budget_share_deinit(&shard->share);
    poll_close(shard->poll);
    if (shard->wake.fd >= 0)
        wake_close(&shard->wake);
    log_source_deinit(&shard->log);
}
