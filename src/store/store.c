/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "store/store_state.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* ---- What the log tells ---- */

/* The archive has fallen too far behind: commits wait for it. */
static bool is_behind(struct store *store)
{
    bool marks;

    return hot_full_chunks(&store->hot, &marks) >= (size_t)store->window * WINDOWS_MAX;
}

static int await_checkpoints(struct store *store)
{
    int trouble = 0;

    pthread_mutex_lock(&store->lock);
    while (store->running && is_behind(store)) {
        trouble = atomic_load_explicit(&store->archive_trouble, memory_order_acquire);
        if (trouble != 0)
            break;
        pthread_cond_wait(&store->moved, &store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    /* On a full disk what comes makes room, or was pushed before that was known. */
    return trouble == -ENOSPC ? 0 : trouble;
}

static int expect_frame(void *context, const struct record_frame *frame)
{
    struct store *store = context;
    int trouble = atomic_load_explicit(&store->archive_trouble, memory_order_acquire);

    if (trouble != 0 && trouble != -ENOSPC)
        return trouble;
    trouble = await_checkpoints(store);
    if (trouble != 0)
        return trouble;
    return hot_expect(&store->hot, frame) ? 0 : -ENOMEM;
}

static int note_frame(void *context, const struct record_frame *frame)
{
    struct store *store = context;
    bool marks;

    hot_note_frame(&store->hot, frame);
    if (hot_full_chunks(&store->hot, &marks) > store->window || marks || store_is_scarce(store))
        checkpoint_wake(store);
    return 0;
}

static void tell_changed(void *context)
{
    struct store *store = context;

    fetch_wake(store);
    if (store->running && store->changed)
        store->changed(store->context);
}

/* ---- Opening ---- */

static int replay_record(void *context, uint64_t position, struct bytes bytes)
{
    struct store *store = context;
    struct record record;

    if (position == store->first &&
            (!records_decode(&record, position, bytes) || record.kind != RECORD_BEGIN))
        return -EPROTO;
    return hot_note(&store->hot, position, bytes);
}

static int open_log(
        struct store *store, const struct store_setup *setup, struct store_finding *finding)
{
    const struct record_log_setup log_setup = { .files = setup->files,
        .seed = setup->seed,
        .first = setup->first,
        .segment_size = setup->segment_size > 0 ? setup->segment_size : SEGMENT_SIZE_DEFAULT,
        .flush = setup->flush == FLUSH_EACH ? LOG_FLUSH_EACH : LOG_FLUSH_LAZY,
        .interval_ms = setup->flush == FLUSH_INTERVAL ? setup->interval_ms : 0,
        .keeps_reserve = true,
        .expect = expect_frame,
        .written = note_frame,
        .changed = tell_changed,
        .context = store };
    uint64_t from = store->cold.state.checkpointed;
    int result;

    hot_begin(&store->hot, from);
    result = record_log_open(&store->log, &log_setup, from, replay_record, store, &finding->log);
    if (result < 0)
        return result;
    finding->replayed = record_log_next(store->log) - from;
    if (from > store->first && record_log_seed(store->log) != store->cold.state.seed) {
        finding->archive = "it belongs to another log than the one beside it";
        return -EBADMSG;
    }
    store->cold.state.seed = record_log_seed(store->log);
    return 0;
}

/* The first record of a log is the store's own. Nothing was ever acknowledged there, so that it
 * need not be waited for: it is committed before, or with, whatever somebody waits for. */
static int begin_log(struct store *store)
{
    struct record_batch batch = { 0 };

    if (record_log_next(store->log) > store->first)
        return 0;
    if (!records_begin(&batch))
        return -ENOMEM;
    if (record_log_push(store->log, &batch) == UINT64_MAX) {
        record_batch_reset(&batch);
        return -ENOMEM;
    }
    return record_log_reserve(store->log);
}

static int open_archive(
        struct store *store, const struct store_setup *setup, struct store_finding *finding)
{
    int result = cold_open(&store->cold, setup->archive, setup->seed, setup->changes_max);

    if (result == 0 && store->cold.state.checkpointed < setup->first)
        store->cold.state.checkpointed = setup->first;
    if (result == -EPROTO)
        finding->archive = "another version has written it";
    else if (result < 0)
        finding->archive = "it cannot be read";
    return result;
}

/* Before anybody can be told something. */
static int open_past(struct store *store)
{
    uint64_t next = record_log_next(store->log);

    return past_open(
            &store->past, store->files, record_log_seed(store->log), next, next == store->first);
}

static int move_all(struct store *store, struct store_finding *finding)
{
    int result;

    while ((result = checkpoint_step(store)) > 0)
        ;
    if (result == -EBADMSG)
        finding->archive = "it cannot be read";
    if (result != -ENOSPC && result != -EDQUOT)
        return result;
    atomic_store_explicit(&store->archive_trouble, -ENOSPC, memory_order_release);
    return 0;
}

static struct store *new_store(const struct store_setup *setup)
{
    struct store *store = calloc(1, sizeof(*store));
    pthread_condattr_t monotonic;

    if (!store)
        return NULL;
    store->files = setup->files;
    store->archive = setup->archive;
    store->first = setup->first;
    store->changed = setup->changed;
    store->context = setup->context;
    store->lazy = setup->flush != FLUSH_EACH;
    store->window = setup->window > 0 ? setup->window : WINDOW_DEFAULT;
    list_init(&store->fetches);
    hot_init(&store->hot, setup->segment_size > 0 ? setup->segment_size : SEGMENT_SIZE_DEFAULT);
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->moving, NULL);
    pthread_mutex_init(&store->fetch_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&store->moved, NULL);
    pthread_cond_init(&store->fetch_news, NULL);
    return store;
}

int store_open(struct store **out, const struct store_setup *setup, struct store_finding *finding)
{
    struct store *store = new_store(setup);
    int result;

    *finding = (struct store_finding){ .log.text = "" };
    if (!store)
        return -ENOMEM;
    result = open_archive(store, setup, finding);
    if (result == 0)
        result = open_log(store, setup, finding);
    if (result == 0)
        result = open_past(store);
    if (result == 0)
        result = begin_log(store);
    if (result == 0)
        result = move_all(store, finding);
    if (result < 0) {
        store_close(store);
        return result;
    }
    *out = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store->log)
        record_log_close(store->log);
    cold_close(&store->cold);
    hot_deinit(&store->hot);
    free(store->places);
    pthread_cond_destroy(&store->fetch_news);
    pthread_cond_destroy(&store->moved);
    pthread_cond_destroy(&store->work);
    pthread_mutex_destroy(&store->fetch_lock);
    pthread_mutex_destroy(&store->moving);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- Threads ---- */

static void end_fetcher(struct store *store)
{
    pthread_mutex_lock(&store->fetch_lock);
    store->fetch_stopping = true;
    pthread_cond_signal(&store->fetch_news);
    pthread_mutex_unlock(&store->fetch_lock);
    pthread_join(store->fetcher, NULL);
}

/* Those that wait for it, committers among them, find it so. */
static void end_checkpointer(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_broadcast(&store->work);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->checkpointer, NULL);
    pthread_mutex_lock(&store->lock);
    store->running = false;
    pthread_cond_broadcast(&store->moved);
    pthread_mutex_unlock(&store->lock);
}

int store_start(struct store *store)
{
    int result;

    store->stopping = false;
    store->fetch_stopping = false;
    store->running = true;
    result = -pthread_create(&store->checkpointer, NULL, checkpoint_run, store);
    if (result < 0) {
        store->running = false;
        return result;
    }
    result = -pthread_create(&store->fetcher, NULL, fetch_run, store);
    if (result == 0)
        result = record_log_start(store->log);
    else
        end_checkpointer(store);
    if (result < 0 && store->running) {
        end_fetcher(store);
        end_checkpointer(store);
    }
    return result;
}

void store_stop(struct store *store)
{
    if (!store->running)
        return;
    record_log_stop(store->log);
    end_fetcher(store);
    end_checkpointer(store);
    if (record_log_trouble(store->log) == 0 &&
            record_log_durable(store->log) == record_log_next(store->log))
        past_close(&store->past, store->files, record_log_seed(store->log),
                record_log_next(store->log));
}

struct store_past store_past(const struct store *store)
{
    return (struct store_past){ store->past.broken_off, store->past.before };
}

int store_walk(struct store *store, const struct store_visitor *visitor)
{
    if (hot_first(&store->hot) < record_log_durable(store->log))
        return checkpoint_foresee(store, visitor);
    return walk_archive(store->archive, visitor);
}

/* ---- Writing ---- */

uint64_t store_push(struct store *store, struct record_batch *batch)
{
    return record_log_push(store->log, batch);
}

uint64_t store_durable(const struct store *store)
{
    return store->lazy ? record_log_next(store->log) : record_log_durable(store->log);
}

uint64_t store_next(const struct store *store)
{
    return record_log_next(store->log);
}

int store_trouble(const struct store *store)
{
    int trouble = record_log_trouble(store->log);
    int archive = atomic_load_explicit(&store->archive_trouble, memory_order_acquire);

    return trouble != 0 && trouble != -ENOSPC    ? trouble
            : archive != 0 && archive != -ENOSPC ? archive
                                                 : trouble;
}

bool store_is_scarce(const struct store *store)
{
    return record_log_is_scarce(store->log) ||
            atomic_load_explicit(&store->archive_trouble, memory_order_acquire) == -ENOSPC;
}

int store_condition(const struct store *store)
{
    int trouble = store_trouble(store);

    return trouble == 0 && store_is_scarce(store) ? STORE_SCARCE : trouble;
}

/* ---- Looking after it ---- */

void store_checkpoint(struct store *store)
{
    uint64_t durable = record_log_durable(store->log);

    pthread_mutex_lock(&store->lock);
    if (store->wanted < durable)
        store->wanted = durable;
    pthread_cond_broadcast(&store->work);
    pthread_mutex_unlock(&store->lock);
}

void store_figures(struct store *store, struct store_figures *out)
{
    struct record_log_figures log;

    record_log_figures(store->log, &log);
    *out = (struct store_figures){
        .pushed = record_log_next(store->log),
        .durable = store_durable(store),
        .waiting_bytes = record_log_waiting(store->log),
        .log_bytes = record_log_size(store->log),
        .log_live = hot_live(&store->hot),
        .archived = atomic_load_explicit(&store->archived, memory_order_relaxed),
        .archive_bytes = store->archive->size(store->archive->context),
        .checkpoints = atomic_load_explicit(&store->checkpoints, memory_order_relaxed),
        .commits = log.commits,
        .written_bytes = log.written_bytes,
        .commit_ns_max = log.commit_ns_max,
    };
}
