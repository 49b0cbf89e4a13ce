/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store on disk with all its threads: some push, fetch what they have pushed and are done with
 * it, while checkpoints move it. Each knows what waits in its queue.
 */
#include "base/random.h"
#include "store/archive_lmdb.h"
#include "store/store.h"
#include "tests/harness/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PUSHERS = 4,
    ROUNDS = 300,
    HELD_MAX = 600,
    SEGMENT = 64 << 10,
    SHARED_QUEUE = 100,
    BODY_MAX = 400,
};

struct scene {
    char path[32];
    struct files files;
    struct folder folder;
    struct archive_lmdb *lmdb;
    struct archive archive;
    struct store *store;
    enum store_flush flush;
    pthread_mutex_t lock;
    pthread_cond_t news; /* of the store */
};

struct pusher {
    struct scene *scene;
    pthread_t thread;
    uint64_t queue;
    struct random random;
    uint64_t held[HELD_MAX]; /* ids that wait in the queue, in order */
    size_t count;
    bool wrong;
};

static void tell(void *context)
{
    struct scene *scene = context;

    pthread_mutex_lock(&scene->lock);
    pthread_cond_broadcast(&scene->news);
    pthread_mutex_unlock(&scene->lock);
}

static void open_scene(struct scene *scene)
{
    struct store_setup setup = { .files = &scene->files,
        .archive = &scene->archive,
        .seed = 4711,
        .segment_size = SEGMENT,
        .window = 2,
        .flush = scene->flush,
        .interval_ms = 2,
        .changed = tell,
        .context = scene };
    struct store_finding finding;

    assert_int_equal(files_open(&scene->files, &scene->folder, scene->path), 0);
    assert_int_equal(
            archive_lmdb_open(&scene->lmdb, &scene->archive, scene->path, ARCHIVE_WRITES, 0), 0);
    assert_int_equal(store_open(&scene->store, &setup, &finding), 0);
}

static void close_scene(struct scene *scene)
{
    store_close(scene->store);
    archive_lmdb_close(scene->lmdb);
    files_close(&scene->folder);
}

static int remove_one(void *context, const char *name)
{
    const struct scene *scene = context;
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", scene->path, name);
    unlink(path);
    return 0;
}

static void remove_scene(struct scene *scene)
{
    assert_int_equal(files_open(&scene->files, &scene->folder, scene->path), 0);
    scene->files.list(scene->files.context, remove_one, scene);
    files_close(&scene->folder);
    rmdir(scene->path);
}

/* ---- Pushing ---- */

static uint8_t byte_of(uint64_t queue, size_t size)
{
    return (uint8_t)(queue * 31 + size);
}

static void add_messages(struct pusher *pusher, struct record_batch *batch, unsigned count)
{
    const struct record_place places[] = { { SHARED_QUEUE, BYTES("s") },
        { pusher->queue, BYTES("own") } };

    for (unsigned i = 0; i < count; i++) {
        size_t size = (size_t)(random_next(&pusher->random) % BODY_MAX);
        unsigned shared = random_next(&pusher->random) % 4 == 0;
        uint64_t id = RECORD_IN_BATCH + batch->count;
        uint8_t *body = records_message(batch, places + !shared, 1 + shared, size);

        if (!body) {
            pusher->wrong = true;
            return;
        }
        memset(body, byte_of(pusher->queue, size), size);
        pusher->held[pusher->count++] = id;
    }
}

/* Some that are held are done with. */
static void add_dones(struct pusher *pusher, struct record_batch *batch)
{
    size_t kept = 0;

    for (size_t i = 0; i < pusher->count; i++) {
        bool done = random_next(&pusher->random) % 3 == 0;

        if (done && !records_done(batch, pusher->queue, pusher->held[i]))
            pusher->wrong = true;
        if (!done)
            pusher->held[kept++] = pusher->held[i];
    }
    pusher->count = kept;
}

/* Returns the position after all of it. */
static uint64_t push(struct pusher *pusher)
{
    struct record_batch batch = { 0 };
    uint64_t position;
    uint64_t end;

    if (pusher->count > HELD_MAX / 2)
        add_dones(pusher, &batch);
    add_messages(pusher, &batch, 1 + (unsigned)(random_next(&pusher->random) % 30));
    end = batch.count;
    position = store_push(pusher->scene->store, &batch);
    for (size_t i = 0; i < pusher->count; i++) {
        if (pusher->held[i] & RECORD_IN_BATCH)
            pusher->held[i] = position + (pusher->held[i] & ~RECORD_IN_BATCH);
    }
    record_batch_reset(&batch);
    return position + end;
}

/* ---- Fetching ---- */

struct wait {
    struct store_fetch fetch;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;
};

static void take_answer(struct store_fetch *fetch)
{
    struct wait *wait = container_of(fetch, struct wait, fetch);

    pthread_mutex_lock(&wait->lock);
    wait->done = true;
    pthread_cond_signal(&wait->answered);
    pthread_mutex_unlock(&wait->lock);
}

static void await_answer(struct store *store, struct wait *wait)
{
    wait->done = false;
    wait->fetch.done = take_answer;
    store_fetch(store, &wait->fetch);
    pthread_mutex_lock(&wait->lock);
    while (!wait->done)
        pthread_cond_wait(&wait->answered, &wait->lock);
    pthread_mutex_unlock(&wait->lock);
}

static void judge_item(struct pusher *pusher, const struct store_item *item, uint64_t id)
{
    if (item->id != id || !bytes_equal(item->tag, BYTES("own")))
        pusher->wrong = true;
    for (size_t i = 0; i < item->body.size; i++) {
        if (item->body.data[i] != byte_of(pusher->queue, item->body.size))
            pusher->wrong = true;
    }
}

/* All that waits, in pieces of some. */
static void judge_range(struct pusher *pusher, uint64_t end)
{
    struct wait wait = { .fetch = { .queue = pusher->queue, .before = end, .count_max = 50 } };
    size_t told = 0;

    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.answered, NULL);
    do {
        await_answer(pusher->scene->store, &wait);
        if (wait.fetch.result < 0 || told + wait.fetch.item_count > pusher->count) {
            pusher->wrong = true;
            break;
        }
        for (uint32_t i = 0; i < wait.fetch.item_count; i++)
            judge_item(pusher, &wait.fetch.items[i], pusher->held[told++]);
        wait.fetch.after = told > 0 ? pusher->held[told - 1] : 0;
        store_fetch_release(&wait.fetch);
    } while (!wait.fetch.complete);
    pusher->wrong |= told != pusher->count;
    pthread_mutex_destroy(&wait.lock);
    pthread_cond_destroy(&wait.answered);
}

static void judge_list(struct pusher *pusher)
{
    size_t count = pusher->count < 20 ? pusher->count : 20;
    const uint64_t *ids = pusher->held + (pusher->count - count);
    struct wait wait = {
        .fetch = { .queue = pusher->queue, .ids = ids, .id_count = (uint32_t)count }
    };

    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.answered, NULL);
    await_answer(pusher->scene->store, &wait);
    pusher->wrong |= wait.fetch.result < 0 || wait.fetch.item_count != count;
    for (size_t i = 0; !pusher->wrong && i < count; i++)
        judge_item(pusher, &wait.fetch.items[i], ids[i]);
    store_fetch_release(&wait.fetch);
    pthread_mutex_destroy(&wait.lock);
    pthread_cond_destroy(&wait.answered);
}

static void *push_and_fetch(void *context)
{
    struct pusher *pusher = context;
    struct scene *scene = pusher->scene;

    for (unsigned i = 0; i < ROUNDS && !pusher->wrong; i++) {
        uint64_t end = push(pusher);

        if (i % 5 == 0)
            judge_list(pusher);
        pthread_mutex_lock(&scene->lock);
        while (store_durable(scene->store) < end)
            pthread_cond_wait(&scene->news, &scene->lock);
        pthread_mutex_unlock(&scene->lock);
        if (i % 10 == 0)
            judge_range(pusher, end);
        if (i % 40 == 0)
            store_checkpoint(scene->store);
    }
    return NULL;
}

/* ---- Afterwards ---- */

struct judge {
    struct pusher *pushers;
    size_t told[PUSHERS];
};

static int judge_walked(void *context, const struct store_item *item)
{
    struct judge *judge = context;
    struct pusher *pusher;

    if (item->queue == SHARED_QUEUE)
        return 0;
    pusher = &judge->pushers[item->queue - 1];
    assert_true(judge->told[item->queue - 1] < pusher->count);
    judge_item(pusher, item, pusher->held[judge->told[item->queue - 1]++]);
    return 0;
}

static void work_together(enum store_flush flush)
{
    struct scene scene = { .path = "./store-XXXXXX", .flush = flush };
    struct pusher *pushers = calloc(PUSHERS, sizeof(*pushers));
    struct judge judge = { .pushers = pushers };
    const struct store_visitor visitor = { .item = judge_walked, .context = &judge };
    struct store_figures figures;

    pthread_mutex_init(&scene.lock, NULL);
    pthread_cond_init(&scene.news, NULL);
    assert_non_null(pushers);
    assert_non_null(mkdtemp(scene.path));
    open_scene(&scene);
    assert_int_equal(store_start(scene.store), 0);
    for (unsigned i = 0; i < PUSHERS; i++) {
        pushers[i] = (struct pusher){ .scene = &scene, .queue = i + 1, .random = { i } };
        assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_and_fetch, &pushers[i]), 0);
    }
    for (unsigned i = 0; i < PUSHERS; i++)
        pthread_join(pushers[i].thread, NULL);
    store_stop(scene.store);
    store_figures(scene.store, &figures);
    assert_true(figures.checkpoints > 10);
    close_scene(&scene);
    open_scene(&scene);
    assert_int_equal(store_past(scene.store).broken_off, 0);
    assert_int_equal(store_walk(scene.store, &visitor), 0);
    for (unsigned i = 0; i < PUSHERS; i++) {
        assert_false(pushers[i].wrong);
        assert_int_equal(judge.told[i], pushers[i].count);
    }
    close_scene(&scene);
    open_scene(&scene);
    assert_int_equal(store_past(scene.store).broken_off, figures.pushed);
    close_scene(&scene);
    remove_scene(&scene);
    pthread_mutex_destroy(&scene.lock);
    pthread_cond_destroy(&scene.news);
    free(pushers);
}

TEST(all_threads_of_a_store_work_together)
{
    work_together(FLUSH_EACH);
}

TEST(they_do_where_flushes_come_once_in_a_while)
{
    work_together(FLUSH_INTERVAL);
}

TEST(they_do_without_flushes)
{
    work_together(FLUSH_NEVER);
}
