/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inspect.h"

#include "store/archive_lmdb.h"
#include "store/record_log_state.h"
#include "store/store_state.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MESSAGES = 300, TEXT_MAX = 4096, BODY = 500 };

/* Two folders: a store, and where it may be salvaged to. */
struct scene {
    char paths[2][32];
    struct files files;
    struct folder folder;
    struct archive archive;
    struct archive_lmdb *lmdb;
    struct store *store;
    struct record_batch batch;
    char text[TEXT_MAX]; /* of findings */
    uint64_t records;
    uint64_t items;
    uint64_t bytes;
};

static void open_store(struct scene *scene, unsigned folder)
{
    const struct store_setup setup = { .files = &scene->files,
        .archive = &scene->archive,
        .seed = 4711,
        .segment_size = SEGMENT_SIZE_MIN };
    struct store_finding finding;

    assert_int_equal(files_open(&scene->files, &scene->folder, scene->paths[folder]), 0);
    assert_int_equal(archive_lmdb_open(&scene->lmdb, &scene->archive, scene->paths[folder],
                             ARCHIVE_WRITES, 0),
            0);
    assert_int_equal(store_open(&scene->store, &setup, &finding), 0);
}

static void close_store(struct scene *scene)
{
    store_close(scene->store);
    archive_lmdb_close(scene->lmdb);
    files_close(&scene->folder);
}

/* A message and an entry, with a write of their own. */
static void push_one(struct scene *scene, unsigned i)
{
    const struct record_place place = { 7, BYTES("tag") };
    char key[16];
    int size = snprintf(key, sizeof(key), "key %03u", i);
    uint8_t *body = records_message(&scene->batch, &place, 1, BODY);

    memset(body, 'a' + (int)(i % 26), BODY);
    assert_true(records_note(&scene->batch, 7, RECORD_IN_BATCH, BYTES("note")));
    assert_true(records_set(&scene->batch, 2, bytes_of(key, (size_t)size), BYTES("v")));
    assert_true(store_push(scene->store, &scene->batch) != UINT64_MAX);
    assert_int_equal(record_log_commit(scene->store->log), 1);
}

/* Messages and entries, some of which are moved to the archive. */
static void fill_store(struct scene *scene)
{
    open_store(scene, 0);
    for (unsigned i = 0; i < MESSAGES; i++) {
        push_one(scene, i);
        if (i == MESSAGES / 3)
            assert_int_equal(checkpoint_step(scene->store), 1);
    }
    record_batch_reset(&scene->batch);
    close_store(scene);
}

static struct scene *scene_open(void)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    for (unsigned i = 0; i < 2; i++) {
        strcpy(scene->paths[i], "./inspect-XXXXXX");
        assert_non_null(mkdtemp(scene->paths[i]));
    }
    fill_store(scene);
    return scene;
}

static int remove_one(void *context, const char *name)
{
    const struct files *files = context;

    return name[0] == '.' ? 0 : files->remove(files->context, name);
}

static void scene_close(struct scene *scene)
{
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(files_open(&scene->files, &scene->folder, scene->paths[i]), 0);
        scene->files.list(scene->files.context, remove_one, &scene->files);
        files_close(&scene->folder);
        rmdir(scene->paths[i]);
    }
    free(scene);
}

/* Changes a byte of a file of the store. */
static void damage(struct scene *scene, const char *name, off_t offset)
{
    char path[128];
    char byte;
    int file;

    snprintf(path, sizeof(path), "%s/%s", scene->paths[0], name);
    file = open(path, O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(pread(file, &byte, 1, offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    close(file);
}

static void remove_file(struct scene *scene, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", scene->paths[0], name);
    assert_int_equal(unlink(path), 0);
}

static int note_finding(void *context, const struct inspect_finding *finding)
{
    struct scene *scene = context;
    size_t used = strlen(scene->text);

    snprintf(scene->text + used, sizeof(scene->text) - used, "%s:%llu %s%s, %llu\n", finding->file,
            (unsigned long long)finding->offset, finding->loss ? "LOSS " : "", finding->text,
            (unsigned long long)finding->missing);
    return 0;
}

static int count_record(void *context, const char *file, uint64_t offset, uint64_t position,
        const struct record *record)
{
    struct scene *scene = context;

    assert_true(strncmp(file, "log-", 4) == 0);
    assert_true(offset >= BLOCK_SIZE + FRAME_HEAD_SIZE);
    assert_true(position > 0);
    assert_true(record->kind <= RECORD_DROP);
    scene->records++;
    return 0;
}

static void inspect(struct scene *scene, struct inspect_summary *out)
{
    const struct inspect_visitor visitor = { note_finding, count_record, NULL, scene };

    scene->text[0] = '\0';
    scene->records = 0;
    assert_int_equal(inspect_store(scene->paths[0], &visitor, out), 0);
    assert_int_equal(scene->records, out->needed);
}

TEST(a_good_store_has_no_findings)
{
    struct scene *scene = scene_open();
    struct inspect_summary summary;

    inspect(scene, &summary);
    assert_string_equal(scene->text, "");
    assert_true(summary.has_archive);
    assert_false(summary.in_use);
    assert_true(summary.segments > 2);
    assert_true(summary.checkpointed > MESSAGES);
    assert_int_equal(summary.next, 1 + 3 * MESSAGES);
    assert_int_equal(summary.needed, summary.next - summary.checkpointed);
    assert_int_equal(summary.entries * 3 + summary.needed, 3 * MESSAGES);
    assert_int_equal(summary.items, summary.entries);
    assert_int_equal(summary.queues, 1);
    open_store(scene, 0); /* now a server has it */
    inspect(scene, &summary);
    assert_true(summary.in_use);
    assert_string_equal(scene->text, "");
    close_store(scene);
    scene_close(scene);
}

TEST(a_folder_without_a_store_is_told_so)
{
    struct scene *scene = scene_open();
    const struct inspect_visitor visitor = { 0 };
    struct inspect_summary summary;

    assert_int_equal(inspect_store(scene->paths[1], &visitor, &summary), -ENOENT);
    assert_int_equal(inspect_store("./no-such-folder", &visitor, &summary), -ENOENT);
    scene_close(scene);
}

TEST(what_is_broken_is_told_by_file_and_offset)
{
    struct scene *scene = scene_open();
    struct inspect_summary summary;

    damage(scene, "log-000000000000000c", 3 * BLOCK_SIZE + 100);
    inspect(scene, &summary);
    assert_string_equal(scene->text,
            "log-000000000000000c:12288 LOSS a frame is broken, and later ones are there, 0\n"
            "log-000000000000000c:16384 LOSS records before this are missing, 3\n");
    assert_int_equal(summary.losses, 2);
    remove_file(scene, "log-000000000000000d");
    inspect(scene, &summary);
    assert_non_null(strstr(scene->text, "log-000000000000000d:0 LOSS the file is missing, 0\n"));
    damage(scene, "log-000000000000000e", 20);
    inspect(scene, &summary);
    assert_non_null(
            strstr(scene->text, "log-000000000000000e:0 LOSS the file's head is broken, 0\n"));
    scene_close(scene);
}

/* ---- The archive, with something broken anywhere in it ---- */

static void digest(uint64_t *sum, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        *sum = (*sum ^ bytes.data[i]) * UINT64_C(0x100000001b3);
}

static int digest_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    uint64_t *sum = context;

    *sum += table;
    digest(sum, key);
    digest(sum, value);
    return 0;
}

static int digest_item(void *context, const struct store_item *item)
{
    uint64_t *sum = context;

    *sum += item->queue + item->id;
    digest(sum, item->tag);
    digest(sum, item->note);
    digest(sum, item->body);
    return 0;
}

static uint64_t digest_of(struct scene *scene)
{
    uint64_t sum = 1;
    const struct store_visitor archive = {
        .entry = digest_entry, .item = digest_item, .context = &sum
    };
    const struct inspect_visitor visitor = { .archive = &archive };
    struct inspect_summary summary;

    assert_int_equal(inspect_store(scene->paths[0], &visitor, &summary), 0);
    return sum;
}

/* Told, or nothing that is told is another thing than was written. All is read in either case, and
 * nobody dies of it. */
static bool is_told_or_harmless(struct scene *scene, uint64_t good)
{
    struct inspect_summary summary;
    uint64_t sum = digest_of(scene);

    inspect(scene, &summary);
    return summary.losses > 0 || sum == good;
}

TEST(whatever_is_broken_in_an_archive_is_told_or_does_no_harm)
{
    struct scene *scene = scene_open();
    uint64_t good = digest_of(scene);
    unsigned told = 0;
    char path[64];
    off_t size;
    int file;

    snprintf(path, sizeof(path), "%s/" ARCHIVE_FILE, scene->paths[0]);
    file = open(path, O_RDWR);
    assert_true(file >= 0);
    size = lseek(file, 0, SEEK_END);
    for (off_t at = 0; at < size; at += 1009) {
        damage(scene, ARCHIVE_FILE, at);
        assert_true(is_told_or_harmless(scene, good));
        told += scene->text[0] != '\0';
        damage(scene, ARCHIVE_FILE, at);
    }
    assert_true(told > 10);
    for (off_t at = 0; at < size; at += BLOCK_SIZE) {
        static const uint8_t zeros[BLOCK_SIZE];
        uint8_t page[BLOCK_SIZE];

        assert_int_equal(pread(file, page, sizeof(page), at), sizeof(page));
        assert_int_equal(pwrite(file, zeros, sizeof(zeros), at), sizeof(zeros));
        assert_true(is_told_or_harmless(scene, good));
        assert_int_equal(pwrite(file, page, sizeof(page), at), sizeof(page));
    }
    close(file);
    assert_int_equal(digest_of(scene), good);
    scene_close(scene);
}

/* Writes zeros over the first page that some messages of the archive are on, and not all. Returns
 * how many they are. */
static uint64_t break_page(struct scene *scene, uint64_t *offset)
{
    static const uint8_t zeros[BLOCK_SIZE];
    struct inspect_summary summary;
    uint8_t page[BLOCK_SIZE];
    uint64_t items;
    char path[64];
    int file;

    inspect(scene, &summary);
    items = summary.items;
    snprintf(path, sizeof(path), "%s/" ARCHIVE_FILE, scene->paths[0]);
    file = open(path, O_RDWR);
    assert_true(file >= 0);
    for (*offset = 0; pread(file, page, sizeof(page), (off_t)*offset) == sizeof(page);
            *offset += BLOCK_SIZE) {
        assert_int_equal(pwrite(file, zeros, sizeof(zeros), (off_t)*offset), sizeof(zeros));
        inspect(scene, &summary);
        if (summary.items > 0 && summary.items < items)
            break;
        assert_int_equal(pwrite(file, page, sizeof(page), (off_t)*offset), sizeof(page));
    }
    close(file);
    assert_true(summary.items > 0 && summary.items < items);
    return items - summary.items;
}

TEST(what_is_on_sound_pages_is_salvaged)
{
    struct scene *scene = scene_open();
    struct salvage_summary summary;
    uint64_t offset;
    uint64_t lost = break_page(scene, &offset);
    char wanted[64];

    snprintf(wanted, sizeof(wanted), ARCHIVE_FILE ":%llu LOSS a page is broken, 0\n",
            (unsigned long long)offset);
    scene->text[0] = '\0';
    assert_int_equal(
            salvage_store(scene->paths[0], scene->paths[1], 99, note_finding, scene, &summary), 0);
    assert_string_equal(scene->text, wanted);
    assert_int_equal(summary.messages, MESSAGES - lost);
    assert_int_equal(summary.entries, MESSAGES);
    scene_close(scene);
}

/* Until the log has a file that is all in the archive, and a later one. */
static uint64_t fill_file(struct scene *scene)
{
    uint64_t number;

    open_store(scene, 0);
    for (unsigned i = 0; i == 0 || scene->store->log->segment_count < 2; i++) {
        assert_true(checkpoint_step(scene->store) >= 0);
        push_one(scene, i);
    }
    number = scene->store->log->segments[0]->number;
    record_batch_reset(&scene->batch);
    close_store(scene);
    return number;
}

TEST(a_gap_is_told_though_the_archive_has_what_was_there)
{
    struct scene *scene = scene_open();
    uint64_t number = fill_file(scene);
    struct inspect_summary summary;
    struct store_setup setup = { .files = &scene->files, .archive = &scene->archive };
    struct store_finding finding;
    char wanted[128];
    char path[128];

    inspect(scene, &summary);
    assert_string_equal(scene->text, "");
    snprintf(path, sizeof(path), "%s/log-%016llx", scene->paths[0], (unsigned long long)number);
    assert_int_equal(truncate(path, (off_t)2 * BLOCK_SIZE), 0);
    inspect(scene, &summary);
    snprintf(wanted, sizeof(wanted), "log-%016llx:0 LOSS records before this are missing, 0\n",
            (unsigned long long)number + 1);
    assert_string_equal(scene->text, wanted);

    /* No server starts with it. */
    assert_int_equal(files_open(&scene->files, &scene->folder, scene->paths[0]), 0);
    assert_int_equal(
            archive_lmdb_open(&scene->lmdb, &scene->archive, scene->paths[0], ARCHIVE_WRITES, 0),
            0);
    assert_int_equal(store_open(&scene->store, &setup, &finding), -EBADMSG);
    archive_lmdb_close(scene->lmdb);
    files_close(&scene->folder);
    scene_close(scene);
}

/* ---- Salvage ---- */

static int count_item(void *context, const struct store_item *item)
{
    struct scene *scene = context;

    assert_true(item->id > 3 * MESSAGES);
    assert_int_equal(item->queue, 7);
    assert_true(bytes_equal(item->tag, BYTES("tag")));
    assert_true(bytes_equal(item->note, BYTES("note")));
    assert_int_equal(item->body.size, BODY);
    scene->items++;
    return 0;
}

static int count_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    struct scene *scene = context;

    assert_int_equal(table, 2);
    assert_true(bytes_start_with(key, BYTES("key ")));
    assert_true(bytes_equal(value, BYTES("v")));
    scene->bytes++;
    return 0;
}

static void expect_salvaged(struct scene *scene, uint64_t lost)
{
    const struct store_visitor visitor = {
        .entry = count_entry, .item = count_item, .context = scene
    };
    struct salvage_summary summary;

    scene->text[0] = '\0';
    assert_int_equal(
            salvage_store(scene->paths[0], scene->paths[1], 99, note_finding, scene, &summary), 0);
    assert_int_equal(summary.messages, MESSAGES - lost);
    assert_int_equal(summary.entries, MESSAGES - lost);
    open_store(scene, 1);
    assert_int_equal(store_walk(scene->store, &visitor), 0);
    assert_int_equal(scene->items, MESSAGES - lost);
    assert_int_equal(scene->bytes, MESSAGES - lost);
    close_store(scene);
}

TEST(all_of_a_good_store_is_salvaged)
{
    struct scene *scene = scene_open();

    expect_salvaged(scene, 0);
    assert_string_equal(scene->text, "");
    scene_close(scene);
}

TEST(all_but_what_is_broken_is_salvaged)
{
    struct scene *scene = scene_open();

    damage(scene, "log-000000000000000c", 3 * BLOCK_SIZE + 100);
    expect_salvaged(scene, 1);
    scene_close(scene);
}

TEST(a_store_is_salvaged_to_an_empty_folder_alone)
{
    struct scene *scene = scene_open();
    struct salvage_summary summary;

    expect_salvaged(scene, 0);
    assert_int_equal(
            salvage_store(scene->paths[0], scene->paths[1], 99, NULL, NULL, &summary), -ENOTEMPTY);
    assert_int_equal(
            salvage_store(scene->paths[0], "./no-such-folder", 99, NULL, NULL, &summary), -ENOENT);
    scene_close(scene);
}
