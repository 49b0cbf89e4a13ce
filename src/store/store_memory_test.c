/* SPDX-License-Identifier: Apache-2.0 */
/* A store whose every allocation fails once: it goes on afterwards, and loses nothing. */
#include "store/archive_pages.h"
#include "store/store.h"
#include "store/store_state.h"
#include "tests/harness/failing.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TRIES = 3, MESSAGES = 5, MOVED = 3 };

struct scene {
    char path[32];
    struct files files;
    struct folder folder;
    struct archive archive;
    struct archive_lmdb *lmdb;
    struct store *store;
    struct record_batch batch;
    unsigned told;
};

/* Each is tried again after it has failed for want of memory. */
static bool try_again(int result, unsigned *tries)
{
    if (result != -ENOMEM)
        return false;
    assert_true(++*tries < TRIES);
    return true;
}

static void open_scene(struct scene *scene)
{
    const struct store_setup setup = { .files = &scene->files,
        .archive = &scene->archive,
        .seed = 4711,
        .segment_size = SEGMENT_SIZE_MIN };
    struct store_finding finding;
    unsigned tries = 0;
    int result;

    assert_int_equal(files_open(&scene->files, &scene->folder, scene->path), 0);
    do
        result = archive_lmdb_open(&scene->lmdb, &scene->archive, scene->path, ARCHIVE_WRITES, 0);
    while (try_again(result, &tries));
    assert_int_equal(result, 0);
    do
        result = store_open(&scene->store, &setup, &finding);
    while (try_again(result, &tries));
    assert_int_equal(result, 0);
}

static void close_scene(struct scene *scene)
{
    store_close(scene->store);
    archive_lmdb_close(scene->lmdb);
    files_close(&scene->folder);
}

/* Adds it, whatever it takes. */
static void add_message(struct scene *scene, unsigned n)
{
    const struct record_place places[] = { { 5, BYTES("five") }, { 6, BYTES("six") } };
    uint8_t *body;
    unsigned tries = 0;

    do
        body = records_message(&scene->batch, places, 1 + n % 2, 4);
    while (!body && ++tries < TRIES);
    assert_non_null(body);
    memcpy(body, "body", 4); /* NOLINT(clang-analyzer-core.NonNullParamChecker): it is there */
    while (!records_set(&scene->batch, 1, BYTES("key"), BYTES("value")))
        assert_true(++tries < TRIES);
    while (!records_note(&scene->batch, 5, RECORD_IN_BATCH, BYTES("note")))
        assert_true(++tries < TRIES);
}

static void commit(struct scene *scene)
{
    unsigned tries = 0;
    int result;

    while (store_push(scene->store, &scene->batch) == UINT64_MAX)
        assert_true(++tries < TRIES);
    do
        result = record_log_commit(scene->store->log);
    while (try_again(result, &tries));
    assert_int_equal(result, 1);
    assert_int_equal(store_trouble(scene->store), 0);
}

static void move_all(struct scene *scene)
{
    unsigned tries = 0;
    int result;

    do
        result = checkpoint_step(scene->store);
    while (result > 0 || try_again(result, &tries));
    assert_int_equal(result, 0);
}

static void take_answer(struct store_fetch *fetch)
{
    list_init(&fetch->link);
}

static void fetch_all(struct scene *scene)
{
    struct store_fetch fetch = {
        .queue = 5, .before = store_durable(scene->store), .done = take_answer
    };
    unsigned tries = 0;

    do {
        store_fetch(scene->store, &fetch);
        fetch_step(scene->store);
    } while (try_again(fetch.result, &tries));
    assert_int_equal(fetch.result, 0);
    assert_int_equal(fetch.item_count, MESSAGES);
    assert_true(bytes_equal(fetch.items[MESSAGES - 1].note, BYTES("note")));
    store_fetch_release(&fetch);
}

static int count_item(void *context, const struct store_item *item)
{
    struct scene *scene = context;

    assert_true(bytes_equal(item->body, BYTES("body")));
    scene->told++;
    return 0;
}

static int refuse_page(void *context, uint64_t offset)
{
    (void)context;
    (void)offset;
    return -EIO;
}

static int refuse_value(void *context, unsigned table, struct bytes key)
{
    (void)context;
    (void)table;
    (void)key;
    return -EIO;
}

/* What was moved to the archive, read as one with a broken page is. */
static void read_pages(struct scene *scene)
{
    const struct archive_pages_findings findings = { refuse_page, refuse_value, NULL };
    const struct store_visitor visitor = { .item = count_item, .context = scene };
    struct archive_pages *pages;
    struct archive archive;
    unsigned tries = 0;
    int result;

    do
        result = archive_pages_open(&pages, &archive, scene->path, &findings);
    while (try_again(result, &tries));
    assert_int_equal(result, 0);
    assert_int_equal(walk_archive(&archive, &visitor), 0);
    assert_int_equal(scene->told, MOVED + MOVED / 2);
    archive_pages_close(pages);
}

static void run(struct scene *scene)
{
    const struct store_visitor visitor = { .item = count_item, .context = scene };
    unsigned tries = 0;
    int result;

    open_scene(scene);
    for (unsigned i = 0; i < MESSAGES; i++) {
        add_message(scene, i);
        commit(scene);
        if (i + 1 == MOVED)
            move_all(scene);
    }
    fetch_all(scene);
    record_batch_reset(&scene->batch);
    close_scene(scene);
    read_pages(scene);
    open_scene(scene);
    do {
        scene->told = 0;
        result = store_walk(scene->store, &visitor);
    } while (try_again(result, &tries));
    assert_int_equal(result, 0);
    assert_int_equal(scene->told, MESSAGES + MESSAGES / 2);
    close_scene(scene);
}

static int remove_one(void *context, const char *name)
{
    const struct files *files = context;

    return name[0] == '.' ? 0 : files->remove(files->context, name);
}

TEST(every_allocation_may_fail_once)
{
    unsigned fail_at = 0;

    do {
        struct scene scene = { .path = "./memory-XXXXXX" };

        assert_non_null(mkdtemp(scene.path));
        *failing() = (struct failing){ .fail_at = ++fail_at };
        run(&scene);
        assert_int_equal(files_open(&scene.files, &scene.folder, scene.path), 0);
        scene.files.list(scene.files.context, remove_one, &scene.files);
        files_close(&scene.folder);
        rmdir(scene.path);
    } while (failing()->taken >= fail_at);
    assert_true(fail_at > 20);
}
