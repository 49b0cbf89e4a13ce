/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "store/simulated_archive.h"
#include "store/store_state.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEGMENT = 64 << 10, TEXT_MAX = 64 << 10 };

/* A store in memory, without threads. */
struct scene {
    struct simulated_disk *disk;
    struct simulated_archive archive;
    struct store *store;
    struct store_finding finding;
    struct record_batch batch;
    char text[TEXT_MAX]; /* what a walk or a fetch has told */
    size_t size;
};

static int open_store(struct scene *scene)
{
    const struct store_setup setup = { .files = &scene->disk->files,
        .archive = &scene->archive.archive,
        .seed = 4711,
        .segment_size = SEGMENT };

    return store_open(&scene->store, &setup, &scene->finding);
}

static struct scene *scene_open(void)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    scene->disk = calloc(1, sizeof(*scene->disk));
    assert_non_null(scene->disk);
    simulated_disk_init(scene->disk);
    simulated_archive_init(&scene->archive, scene->disk, 1);
    assert_int_equal(open_store(scene), 0);
    return scene;
}

static void scene_close(struct scene *scene)
{
    if (scene->store)
        store_close(scene->store);
    record_batch_reset(&scene->batch);
    simulated_archive_deinit(&scene->archive);
    simulated_disk_deinit(scene->disk);
    free(scene->disk);
    free(scene);
}

static uint64_t commit(struct scene *scene)
{
    uint64_t position = store_push(scene->store, &scene->batch);

    assert_true(position != UINT64_MAX);
    assert_int_equal(record_log_commit(scene->store->log), 1);
    return position;
}

static void move_all(struct scene *scene)
{
    int result;

    while ((result = checkpoint_step(scene->store)) > 0)
        ;
    assert_int_equal(result, 0);
}

static void reopen(struct scene *scene)
{
    store_close(scene->store);
    scene->store = NULL;
    assert_int_equal(open_store(scene), 0);
}

/* A message for some queues, each with its number as tag; its id is known after the commit. */
static void add_message(struct scene *scene, const char *body, unsigned count, ...)
{
    struct record_place places[8];
    char tags[8][24];
    va_list queues;
    uint8_t *out;

    va_start(queues, count);
    for (unsigned i = 0; i < count; i++) {
        places[i].queue = (uint64_t)va_arg(queues, int);
        snprintf(tags[i], sizeof(tags[i]), "t%d", (int)places[i].queue);
        places[i].tag = bytes_of_text(tags[i]);
    }
    va_end(queues);
    out = records_message(&scene->batch, places, count, strlen(body));
    assert_non_null(out);
    memcpy(out, body, strlen(body));
}

static uint64_t message(struct scene *scene, const char *body, unsigned queue)
{
    add_message(scene, body, 1, (int)queue);
    return commit(scene);
}

/* ---- What is told ---- */

__attribute__((format(printf, 2, 3))) static void tell(struct scene *scene, const char *format, ...)
{
    va_list values;
    int size;

    va_start(values, format);
    size = vsnprintf(scene->text + scene->size, sizeof(scene->text) - scene->size, format, values);
    va_end(values);
    assert_true(size >= 0 && scene->size + (size_t)size < sizeof(scene->text));
    scene->size += (size_t)size;
}

static int tell_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    tell(context, "%u %.*s=%.*s\n", table, (int)key.size, (const char *)key.data, (int)value.size,
            (const char *)value.data);
    return 0;
}

static void tell_one(struct scene *scene, const char *what, const struct store_item *item)
{
    tell(scene, "%s %d:%d %.*s [%.*s] %.*s\n", what, (int)item->queue, (int)item->id,
            (int)item->tag.size, (const char *)item->tag.data, (int)item->note.size,
            (const char *)item->note.data, (int)item->body.size, (const char *)item->body.data);
}

static int tell_item(void *context, const struct store_item *item)
{
    tell_one(context, "item", item);
    return 0;
}

static int tell_noted(void *context, const struct store_item *item)
{
    tell_one(context, "noted", item);
    return 0;
}

static int tell_queue(void *context, uint64_t queue, uint64_t count, uint64_t bytes, uint64_t first,
        uint64_t last)
{
    tell(context, "queue %d: %d, %d bytes, %d..%d\n", (int)queue, (int)count, (int)bytes,
            (int)first, (int)last);
    return 0;
}

static void expect_text(struct scene *scene, const char *text)
{
    assert_string_equal(scene->text, text);
    scene->size = 0;
    scene->text[0] = '\0';
}

/* What is there, in the store that is opened anew. */
static void expect_all(struct scene *scene, const char *text)
{
    const struct store_visitor visitor = { tell_entry, tell_noted, tell_queue, tell_item, scene };

    reopen(scene);
    assert_int_equal(store_walk(scene->store, &visitor), 0);
    expect_text(scene, text);
}

static void take_answer(struct store_fetch *fetch)
{
    list_init(&fetch->link);
}

/* What a range of a queue has. */
static void expect_range(
        struct scene *scene, uint64_t queue, uint64_t after, uint32_t count_max, const char *text)
{
    struct store_fetch fetch = { .queue = queue,
        .after = after,
        .before = store_durable(scene->store),
        .count_max = count_max,
        .done = take_answer,
        .result = 77 };

    store_fetch(scene->store, &fetch);
    fetch_step(scene->store);
    assert_int_equal(fetch.result, 0);
    for (uint32_t i = 0; i < fetch.item_count; i++)
        tell_one(scene, "item", &fetch.items[i]);
    if (!fetch.complete)
        tell(scene, "more\n");
    store_fetch_release(&fetch);
    expect_text(scene, text);
}

/* ---- Entries ---- */

TEST(the_last_record_of_a_key_counts)
{
    struct scene *scene = scene_open();

    assert_true(records_set(&scene->batch, 2, BYTES("b"), BYTES("1")));
    assert_true(records_set(&scene->batch, 2, BYTES("a"), BYTES("2")));
    assert_true(records_set(&scene->batch, 1, BYTES("c"), BYTES("")));
    assert_true(records_set(&scene->batch, 2, BYTES("b"), BYTES("3")));
    commit(scene);
    assert_true(records_set(&scene->batch, 1, BYTES("d"), BYTES("4")));
    assert_true(records_remove(&scene->batch, 1, BYTES("c")));
    assert_true(records_remove(&scene->batch, 1, BYTES("never")));
    commit(scene);
    expect_all(scene, "1 d=4\n2 a=2\n2 b=3\n");
    assert_true(records_remove(&scene->batch, 2, BYTES("a")));
    assert_true(records_set(&scene->batch, 2, BYTES("b"), BYTES("5")));
    commit(scene);
    move_all(scene);
    assert_true(records_set(&scene->batch, 2, BYTES("a"), BYTES("6")));
    commit(scene);
    expect_all(scene, "1 d=4\n2 a=6\n2 b=5\n");
    scene_close(scene);
}

TEST(all_keys_that_begin_so_are_removed)
{
    struct scene *scene = scene_open();

    assert_true(records_set(&scene->batch, 0, BYTES("a"), BYTES("1")));
    assert_true(records_set(&scene->batch, 0, BYTES("ab"), BYTES("2")));
    assert_true(records_set(&scene->batch, 0, BYTES("abc"), BYTES("3")));
    assert_true(records_set(&scene->batch, 0, BYTES("ac"), BYTES("4")));
    commit(scene);
    move_all(scene);
    assert_true(records_set(&scene->batch, 0, BYTES("abd"), BYTES("5")));
    assert_true(records_remove_all(&scene->batch, 0, BYTES("ab")));
    assert_true(records_set(&scene->batch, 0, BYTES("abe"), BYTES("6")));
    commit(scene);
    expect_all(scene, "0 a=1\n0 abe=6\n0 ac=4\n");
    scene_close(scene);
}

/* ---- Messages ---- */

TEST(a_message_waits_until_each_queue_is_done_with_it)
{
    struct scene *scene = scene_open();
    uint64_t id;

    add_message(scene, "hello", 3, 7, 5, 6);
    id = commit(scene);
    assert_int_equal(id, 1);
    assert_true(records_done(&scene->batch, 6, id));
    commit(scene);
    expect_range(scene, 5, 0, 0, "item 5:1 t5 [] hello\n");
    expect_range(scene, 6, 0, 0, "");
    expect_all(scene,
            "queue 5: 1, 7 bytes, 1..1\n"
            "queue 7: 1, 7 bytes, 1..1\n"
            "item 5:1 t5 [] hello\n"
            "item 7:1 t7 [] hello\n");
    assert_true(records_done(&scene->batch, 5, id));
    commit(scene);
    expect_range(scene, 5, 0, 0, "");
    expect_range(scene, 7, 0, 0, "item 7:1 t7 [] hello\n");
    assert_true(records_done(&scene->batch, 7, id));
    commit(scene);
    expect_all(scene, "");
    scene_close(scene);
}

TEST(the_last_note_counts)
{
    struct scene *scene = scene_open();
    uint64_t id = message(scene, "a", 5);
    uint64_t other = message(scene, "b", 5);

    assert_true(records_note(&scene->batch, 5, id, BYTES("one")));
    assert_true(records_note(&scene->batch, 5, id, BYTES("two")));
    assert_true(records_note(&scene->batch, 6, id, BYTES("none")));
    commit(scene);
    expect_range(scene, 5, 0, 0, "item 5:1 t5 [two] a\nitem 5:2 t5 [] b\n");
    expect_all(scene,
            "noted 5:1 t5 [two] a\nqueue 5: 2, 6 bytes, 1..2\n"
            "item 5:1 t5 [two] a\nitem 5:2 t5 [] b\n");
    assert_true(records_note(&scene->batch, 5, id, BYTES("three")));
    assert_true(records_note(&scene->batch, 5, other, BYTES("four")));
    commit(scene);
    expect_range(scene, 5, 0, 0, "item 5:1 t5 [three] a\nitem 5:2 t5 [four] b\n");
    assert_true(records_done(&scene->batch, 5, id));
    commit(scene);
    expect_all(scene, "noted 5:2 t5 [four] b\nqueue 5: 1, 3 bytes, 2..2\nitem 5:2 t5 [four] b\n");
    scene_close(scene);
}

TEST(a_dropped_queue_is_empty_and_can_be_used_again)
{
    struct scene *scene = scene_open();

    message(scene, "a", 5);
    message(scene, "b", 6);
    move_all(scene);
    message(scene, "c", 5);
    assert_true(records_drop(&scene->batch, 5));
    commit(scene);
    expect_range(scene, 5, 0, 0, "");
    message(scene, "d", 5);
    expect_range(scene, 5, 0, 0, "item 5:5 t5 [] d\n");
    expect_all(scene,
            "queue 5: 1, 3 bytes, 5..5\nqueue 6: 1, 3 bytes, 2..2\n"
            "item 5:5 t5 [] d\nitem 6:2 t6 [] b\n");
    scene_close(scene);
}

TEST(a_range_goes_through_archive_and_log)
{
    struct scene *scene = scene_open();

    for (unsigned i = 1; i <= 6; i++) {
        message(scene, "x", 5 + i % 2);
        if (i == 3)
            move_all(scene);
    }
    expect_range(scene, 5, 0, 0, "item 5:2 t5 [] x\nitem 5:4 t5 [] x\nitem 5:6 t5 [] x\n");
    expect_range(scene, 5, 0, 1, "item 5:2 t5 [] x\nmore\n");
    expect_range(scene, 5, 2, 1, "item 5:4 t5 [] x\nmore\n");
    expect_range(scene, 5, 4, 1, "item 5:6 t5 [] x\n");
    expect_range(scene, 6, 2, 0, "item 6:3 t6 [] x\nitem 6:5 t6 [] x\n");
    expect_range(scene, 9, 0, 0, "");
    scene_close(scene);
}

TEST(a_list_is_answered_in_order_and_without_what_is_done)
{
    struct scene *scene = scene_open();
    uint64_t ids[] = { 5, 1, 3, 2, 4 };
    struct store_fetch fetch = { .queue = 5, .ids = ids, .id_count = 5, .done = take_answer };

    for (unsigned i = 1; i <= 5; i++) {
        message(scene, i % 2 ? "odd" : "even", i == 4 ? 6 : 5);
        if (i == 2)
            move_all(scene);
    }
    assert_true(records_done(&scene->batch, 5, 3));
    commit(scene);
    store_fetch(scene->store, &fetch);
    fetch_step(scene->store);
    assert_int_equal(fetch.result, 0);
    assert_true(fetch.complete);
    for (uint32_t i = 0; i < fetch.item_count; i++)
        tell_one(scene, "item", &fetch.items[i]);
    store_fetch_release(&fetch);
    expect_text(scene, "item 5:1 t5 [] odd\nitem 5:2 t5 [] even\nitem 5:5 t5 [] odd\n");
    scene_close(scene);
}

TEST(what_is_not_durable_yet_is_waited_for)
{
    struct scene *scene = scene_open();
    uint64_t id = 1;
    struct store_fetch fetch = {
        .queue = 5, .ids = &id, .id_count = 1, .done = take_answer, .result = 77
    };

    add_message(scene, "x", 1, 5);
    assert_int_equal(store_push(scene->store, &scene->batch), id);
    store_fetch(scene->store, &fetch);
    fetch_step(scene->store);
    assert_int_equal(fetch.result, 77);
    assert_int_equal(record_log_commit(scene->store->log), 1);
    fetch_step(scene->store);
    assert_int_equal(fetch.result, 0);
    assert_int_equal(fetch.item_count, 1);
    store_fetch_release(&fetch);
    fetch.result = 77;
    id = 100;
    store_fetch(scene->store, &fetch);
    fetch_step(scene->store);
    assert_int_equal(fetch.result, 77);
    fetch_give_up(scene->store, -ECANCELED);
    assert_int_equal(fetch.result, -ECANCELED);
    scene_close(scene);
}

TEST(an_answer_has_its_limit_but_at_least_one_message)
{
    struct scene *scene = scene_open();
    struct store_fetch fetch = { .queue = 5, .done = take_answer };
    uint32_t told = 0;

    for (unsigned i = 0; i < 8; i++) {
        size_t size = i % 3 == 2 ? FETCH_BYTES_MAX + 1000 : FETCH_BYTES_MAX / 2 - 100;
        const struct record_place place = { 5, BYTES("t") };
        uint8_t *body = records_message(&scene->batch, &place, 1, size);

        assert_non_null(body);
        memset(body, 'a' + (int)i, size);
        commit(scene);
        if (i == 3)
            move_all(scene);
    }
    fetch.before = store_durable(scene->store);
    do {
        size_t bytes = 0;

        store_fetch(scene->store, &fetch);
        fetch_step(scene->store);
        assert_int_equal(fetch.result, 0);
        assert_true(fetch.item_count > 0);
        for (uint32_t i = 0; i < fetch.item_count; i++, told++) {
            bytes += fetch.items[i].body.size;
            assert_int_equal(fetch.items[i].body.data[fetch.items[i].body.size - 1], 'a' + told);
        }
        assert_true(bytes <= FETCH_BYTES_MAX || fetch.item_count == 1);
        fetch.after = fetch.items[fetch.item_count - 1].id;
        store_fetch_release(&fetch);
    } while (!fetch.complete);
    assert_int_equal(told, 8);
    scene_close(scene);
}

TEST(a_large_queue_that_is_dropped_is_taken_out_bit_by_bit)
{
    struct scene *scene = scene_open();
    struct store_figures figures;
    unsigned steps = 0;

    for (unsigned i = 0; i < 600; i++)
        add_message(scene, "x", 2, 5, 6);
    commit(scene);
    move_all(scene);
    assert_true(records_drop(&scene->batch, 5));
    commit(scene);
    add_message(scene, "new", 1, 5);
    commit(scene);
    expect_range(scene, 5, 0, 0, "item 5:602 t5 [] new\n");
    move_all(scene);
    store_figures(scene->store, &figures);
    assert_int_equal(figures.archived, 601);
    assert_true(scene->store->drops > 0);
    expect_range(scene, 5, 0, 0, "item 5:602 t5 [] new\n");
    assert_true(records_done(&scene->batch, 5, 500)); /* It is there, and nobody's. */
    assert_true(records_note(&scene->batch, 5, 501, BYTES("n")));
    assert_true(records_drop(&scene->batch, 6));
    commit(scene);
    move_all(scene);
    while (checkpoint_sweep(scene->store) > 0)
        steps++;
    assert_true(steps > 1);
    store_figures(scene->store, &figures);
    assert_int_equal(figures.archived, 1);
    expect_all(scene, "queue 5: 1, 5 bytes, 602..602\nitem 5:602 t5 [] new\n");
    scene_close(scene);
}

/* Keys that are longer than the archive's may be, and begin alike. */
TEST(long_keys_are_kept_whole)
{
    enum { LONG = 3000 };
    struct scene *scene = scene_open();
    static char key[LONG + 1];
    static char text[8 * LONG];
    size_t size = 0;

    memset(key, 'k', LONG);
    for (char last = 'a'; last <= 'c'; last++) {
        key[LONG - 1] = last;
        assert_true(records_set(&scene->batch, 1, bytes_of(key, LONG), bytes_of(&last, 1)));
    }
    assert_true(records_set(&scene->batch, 1, bytes_of(key, COLD_KEY_MAX), BYTES("short")));
    assert_true(records_set(&scene->batch, 1, BYTES("l"), BYTES("other")));
    commit(scene);
    move_all(scene);
    key[LONG - 1] = 'b';
    assert_true(records_remove(&scene->batch, 1, bytes_of(key, LONG)));
    key[LONG - 1] = 'c';
    assert_true(records_remove_all(&scene->batch, 1, bytes_of(key, LONG - 0)));
    commit(scene);
    key[LONG - 1] = 'a';
    size = (size_t)snprintf(text, sizeof(text), "1 %.*s=short\n1 %.*s=a\n1 l=other\n", COLD_KEY_MAX,
            key, LONG, key);
    assert_true(size < sizeof(text));
    expect_all(scene, text);
    assert_true(records_remove_all(&scene->batch, 1, bytes_of(key, COLD_KEY_MAX + 1)));
    commit(scene);
    size = (size_t)snprintf(text, sizeof(text), "1 %.*s=short\n1 l=other\n", COLD_KEY_MAX, key);
    assert_true(size < sizeof(text));
    expect_all(scene, text);
    assert_true(records_remove_all(&scene->batch, 1, BYTES("kk")));
    commit(scene);
    expect_all(scene, "1 l=other\n");
    scene_close(scene);
}

TEST(an_archive_of_another_log_is_told)
{
    struct scene *scene = scene_open();
    struct simulated_disk *other = calloc(1, sizeof(*other));
    struct simulated_disk *own = scene->disk;

    assert_non_null(other);
    message(scene, "x", 5);
    move_all(scene);
    store_close(scene->store);
    scene->store = NULL;
    simulated_disk_init(other);
    scene->disk = other;
    assert_int_equal(open_store(scene), -EBADMSG); /* A log that has nothing. */
    assert_string_equal(scene->finding.log.text, "the end of the log is missing");
    scene->disk = own;
    simulated_disk_deinit(other);
    free(other);
    assert_int_equal(open_store(scene), 0);
    scene_close(scene);
}

TEST(what_another_version_has_written_is_told)
{
    struct scene *scene = scene_open();
    struct archive_view *view;
    const struct archive *archive = &scene->archive.archive;

    store_close(scene->store);
    scene->store = NULL;
    assert_int_equal(archive->begin(archive->context, &view), 0);
    assert_int_equal(archive->put(archive->context, view, STORE_TABLES_MAX, BYTES("state"),
                             BYTES("\x02\0\0\0what")),
            0);
    assert_int_equal(archive->commit(archive->context, view), 0);
    assert_int_equal(open_store(scene), -EPROTO);
    assert_string_equal(scene->finding.archive, "another version has written it");
    scene_close(scene);
}

TEST(a_store_that_is_begun_waits_for_no_flush_and_has_its_room)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    uint64_t begun;

    assert_non_null(scene);
    scene->disk = calloc(1, sizeof(*scene->disk));
    assert_non_null(scene->disk);
    simulated_disk_init(scene->disk);
    simulated_archive_init(&scene->archive, scene->disk, 1);
    scene->disk->room_max = SEGMENT - 1;
    assert_int_equal(open_store(scene), -ENOSPC);
    scene->disk->room_max = SEGMENT;
    scene->store = NULL;
    assert_int_equal(open_store(scene), 0);
    assert_int_equal(scene->disk->flushes, 0);
    assert_int_equal(scene->archive.commits, 0);
    begun = message(scene, "x", 5);
    assert_int_equal(begun, 1);
    reopen(scene);
    expect_all(scene, "queue 5: 1, 3 bytes, 1..1\nitem 5:1 t5 [] x\n");
    scene_close(scene);
}

TEST(lazily_what_is_pushed_counts_as_durable)
{
    struct scene *scene = scene_open();
    const struct store_setup setup = { .files = &scene->disk->files,
        .archive = &scene->archive.archive,
        .segment_size = SEGMENT,
        .flush = FLUSH_NEVER };

    store_close(scene->store);
    assert_int_equal(store_open(&scene->store, &setup, &scene->finding), 0);
    add_message(scene, "x", 1, 5);
    assert_int_equal(store_push(scene->store, &scene->batch), 1);
    assert_int_equal(store_durable(scene->store), 2);
    assert_int_equal(record_log_durable(scene->store->log), 0);
    assert_int_equal(record_log_commit(scene->store->log), 1);
    expect_range(scene, 5, 0, 0, "item 5:1 t5 [] x\n");
    scene_close(scene);
}

TEST(what_is_done_with_soon_costs_the_archive_nothing)
{
    struct scene *scene = scene_open();
    uint64_t before = 0;

    for (unsigned i = 0; i < 20; i++) {
        uint64_t id = message(scene, "x", 5);

        assert_true(records_done(&scene->batch, 5, id));
        commit(scene);
        if (i > 0)
            continue;
        move_all(scene); /* Then it says how far it has come, as it always will. */
        before = scene->archive.archive.size(&scene->archive);
    }
    move_all(scene);
    assert_int_equal(scene->archive.archive.size(&scene->archive), before);
    expect_all(scene, "");
    scene_close(scene);
}
