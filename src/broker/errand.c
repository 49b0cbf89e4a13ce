/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/errand.h"

#include "base/list.h"

#include <errno.h>
#include <stddef.h>

void errands_post(struct errands *errands, struct errand *errand)
{
    /* Release: the shard sees what the errand holds. Sequentially consistent, so that it also comes
     * before the look at `asleep` in shard_rouse(). */
    errand->next = atomic_load_explicit(&errands->posted, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&errands->posted, &errand->next, errand))
        continue;
}

bool errands_wait(struct errands *errands)
{
    return errands->first || atomic_load(&errands->posted);
}

/* Moves what was posted behind the shard's own. */
static void collect(struct errands *errands)
{
    struct errand *posted = NULL;
    struct errand *newest = NULL;
    struct errand **end = &errands->first;

    if (atomic_load_explicit(&errands->posted, memory_order_relaxed))
        newest = atomic_exchange(&errands->posted, NULL);
    while (newest) {
        struct errand *older = newest->next;

        newest->next = posted;
        posted = newest;
        newest = older;
    }
    while (*end)
        end = &(*end)->next;
    *end = posted;
}

struct errand *errands_take(struct errands *errands,
        enum errand_state (*run)(struct errand *errand, struct shard *shard))
{
    struct errand **place = &errands->first;
    struct errand *taken;

    collect(errands);
    while (*place && (*place)->run != run)
        place = &(*place)->next;
    taken = *place;
    if (taken)
        *place = taken->next;
    return taken;
}

void errands_run(struct errands *errands, struct shard *shard)
{
    struct errand **place = &errands->first;

    collect(errands);
    while (*place) {
        struct errand *errand = *place;

        if (errand->run(errand, shard) == ERRAND_GOES_ON) {
            place = &errand->next;
            continue;
        }
        *place = errand->next;
        errand->done(errand);
    }
}

static void tell_done(struct errand *errand)
{
    sem_post(&container_of(errand, struct awaited_errand, errand)->done);
}

int awaited_errand_init(struct awaited_errand *awaited,
        enum errand_state (*run)(struct errand *errand, struct shard *shard))
{
    *awaited = (struct awaited_errand){ .errand = { .run = run, .done = tell_done } };
    return sem_init(&awaited->done, 0, 0) < 0 ? -errno : 0;
}

void awaited_errand_deinit(struct awaited_errand *awaited)
{
    sem_destroy(&awaited->done);
}

void awaited_errand_wait(struct awaited_errand *awaited)
{
    while (sem_wait(&awaited->done) < 0 && errno == EINTR)
        continue;
}
