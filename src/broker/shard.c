/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/shard.h"

#include "broker/turn.h"
#include "loop/clock.h"

#include <errno.h>
#include <stdlib.h>

enum {
    /* Holds hundreds of packets, so that a busy peer costs few calls, and fits a core's cache. */
    INPUT_SIZE = 128 * 1024,
    OUTPUT_SIZE = 64 * 1024,
};

static int open_doors(struct shard *shard)
{
    struct shard_group *group = shard->group;
    size_t count = 0;

    for (size_t i = 0; i < group->entrance_count; i++)
        count += group->entrances[i].socket_count;
    shard->doors = calloc(count, sizeof(*shard->doors));
    if (!shard->doors)
        return -ENOMEM;
    for (size_t i = 0; i < group->entrance_count; i++) {
        for (size_t j = 0; j < group->entrances[i].socket_count; j++) {
            struct door *door = &shard->doors[shard->door_count];
            int result = door_open(door, &group->entrances[i], j, shard->number == 0);

            if (result < 0)
                return result;
            shard->door_count++;
            result = poll_add(shard->poll, door->listener.fd, POLL_READ, &door->waiter);
            if (result < 0)
                return result;
        }
    }
    return 0;
}

static int open_waiting(struct shard *shard)
{
    int result = poll_open(&shard->poll);

    if (result < 0)
        return result;
    return poll_add(shard->poll, wake_fd(&shard->wake), POLL_READ | POLL_NEWS, &shard->wake_waiter);
}

/* Another thread has checked a password. */
static void ring(void *shard)
{
    shard_rouse(shard);
}

static int make_core(struct shard *shard, uint64_t seed)
{
    struct core_setup setup;

    hash_desk_init(&shard->desk, shard->group->hashers, ring, shard);
    shard->authority = (struct authority){
        .book = shard->group->rulebook,
        .memory = &shard->memory,
        .journal = &shard->journal,
        .desk = &shard->desk,
    };
    setup = (struct core_setup){
        .hub = shard->group->hub,
        .shard = shard->number,
        .settings = &shard->config->core,
        .memory = shard->memory,
        .journal = shard->journal,
        .access = authority_access(&shard->authority),
        .seed = seed,
    };

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

static void copy_listeners(struct shard *shard, const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++)
        shard->listeners[i] = config->listeners[i].settings;
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
        .now_ms = clock_now_ms(),
    };
    list_init(&shard->links);
    list_init(&shard->unread);
    list_init(&shard->lingering);
    list_init(&shard->closed);
    budget_share_init(&shard->share, shard->group->budget);
    shard->memory = budget_share_memory(&shard->share);
    log_source_init(&shard->log, shard->group->log);
    shard->journal = log_source_journal(&shard->log, log_level(&setup->config->log));
    copy_listeners(shard, setup->config);
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

void shard_configure(struct shard *shard, const struct config *config)
{
    atomic_store(&shard->next_config, config);
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
}

void shard_close_parcels(struct shard *shard)
{
    struct link *link;

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

void shard_deinit(struct shard *shard)
{
    if (shard->core) {
        free_links(shard, &shard->links);
        free_links(shard, &shard->unread);
        free_links(shard, &shard->lingering);
        free_links(shard, &shard->closed);
    }
    for (size_t i = 0; i < shard->door_count; i++)
        door_close(&shard->doors[i]);
    free(shard->doors);
    sys_free(shard->sys);
    if (shard->core)
        core_free(shard->core);
    if (shard->desk.hashers)
        hash_desk_deinit(&shard->desk, &shard->memory);
    memory_give(&shard->memory, shard->input.data, shard->input.size);
    memory_give(&shard->memory, shard->output.data, shard->output.size);
    poll_close(shard->poll);
    if (shard->wake.fd >= 0)
        wake_close(&shard->wake);
    log_source_deinit(&shard->log);
}
