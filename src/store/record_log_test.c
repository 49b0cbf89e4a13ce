/* SPDX-License-Identifier: Apache-2.0 */
#include "store/record_log.h"

#include "store/record_log_state.h"
#include "store/simulated_disk.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RECORDS_MAX = 20000, RECORD_MAX = 3000, SEGMENT = 64 << 10, BIG_RECORD = 100000 };

/* A log on a disk, and what was pushed: a record's bytes follow from its position and its mark. */
struct scene {
    struct simulated_disk *disk;
    struct record_log *log;
    struct record_log_finding finding;
    struct random random;
    enum log_flush flush;
    bool keeps_reserve;
    uint32_t marks[RECORDS_MAX]; /* by position */
    uint64_t pushed;
    uint64_t kept;  /* what is before it was forgotten */
    uint64_t given; /* by recovery: the position of the next */
    bool wrong;     /* recovery gave something else */
};

static size_t record_size(uint64_t position, uint32_t mark)
{
    return (position * 2654435761u + mark) % (mark % 97 == 0 ? RECORD_MAX : 100);
}

static uint8_t record_byte(uint64_t position, uint32_t mark, size_t at)
{
    return (uint8_t)(position * 31 + mark * 7 + at);
}

static bool is_record(struct bytes record, uint64_t position, uint32_t mark)
{
    if (record.size != record_size(position, mark))
        return false;
    for (size_t i = 0; i < record.size; i++) {
        if (record.data[i] != record_byte(position, mark, i))
            return false;
    }
    return true;
}

static int take_record(void *context, uint64_t position, struct bytes record)
{
    struct scene *scene = context;

    if (position != scene->given || position >= scene->pushed ||
            !is_record(record, position, scene->marks[position]))
        scene->wrong = true;
    scene->given = position + 1;
    return 0;
}

static int open_from(struct scene *scene, uint64_t from)
{
    const struct record_log_setup setup = { .files = &scene->disk->files,
        .seed = 4711,
        .segment_size = SEGMENT,
        .keeps_reserve = scene->keeps_reserve,
        .flush = scene->flush };

    scene->given = from;
    return record_log_open(&scene->log, &setup, from, take_record, scene, &scene->finding);
}

static struct scene *scene_open(uint64_t seed)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    scene->disk = calloc(1, sizeof(*scene->disk));
    assert_non_null(scene->disk);
    scene->random.state = seed;
    simulated_disk_init(scene->disk);
    assert_int_equal(open_from(scene, 0), 0);
    return scene;
}

static void scene_close(struct scene *scene)
{
    if (scene->log)
        record_log_close(scene->log);
    simulated_disk_deinit(scene->disk);
    free(scene->disk);
    free(scene);
}

static void push(struct scene *scene, unsigned count)
{
    struct record_batch batch = { 0 };

    for (unsigned i = 0; i < count; i++) {
        uint64_t position = scene->pushed + i;
        uint32_t mark = (uint32_t)random_next(&scene->random);
        size_t size = record_size(position, mark);
        uint8_t *record = record_batch_add(&batch, size);

        assert_non_null(record);
        assert_true(position < RECORDS_MAX);
        scene->marks[position] = mark;
        for (size_t at = 0; at < size; at++)
            record[at] = record_byte(position, mark, at);
    }
    assert_int_equal(record_log_push(scene->log, &batch), scene->pushed);
    assert_int_equal(batch.count, 0);
    record_batch_reset(&batch);
    scene->pushed += count;
}

static void commit_all(struct scene *scene)
{
    while (record_log_durable(scene->log) < scene->pushed)
        assert_int_equal(record_log_commit(scene->log), 1);
    assert_int_equal(record_log_commit(scene->log), 0);
}

/* Opens it anew and expects every record that was durable. What was not may be there or not. */
static void reopen(struct scene *scene, uint64_t from)
{
    uint64_t durable = record_log_durable(scene->log);

    record_log_close(scene->log);
    scene->log = NULL;
    assert_int_equal(open_from(scene, from), 0);
    assert_false(scene->wrong);
    assert_true(scene->given >= durable);
    assert_int_equal(record_log_durable(scene->log), scene->given);
    scene->pushed = scene->given;
}

static void expect_read(struct scene *scene, uint64_t position)
{
    static uint8_t out[RECORD_MAX];
    int64_t size = record_log_read(scene->log, position, out, sizeof(out));

    assert_true(size >= 0);
    assert_true(is_record(bytes_of(out, (size_t)size), position, scene->marks[position]));
}

TEST(records_come_back_in_their_order)
{
    struct scene *scene = scene_open(1);

    for (unsigned i = 0; i < 200; i++) {
        push(scene, 1 + i % 7);
        if (i % 3 == 0)
            commit_all(scene);
    }
    commit_all(scene);
    reopen(scene, 0);
    assert_string_equal(scene->finding.file, "");
    push(scene, 5);
    commit_all(scene);
    reopen(scene, 100);
    assert_int_equal(scene->given, scene->pushed);
    scene_close(scene);
}

TEST(what_came_meanwhile_goes_in_one_commit)
{
    struct scene *scene = scene_open(2);
    uint64_t flushes;

    push(scene, 1);
    commit_all(scene);
    flushes = scene->disk->flushes;
    for (unsigned i = 0; i < 100; i++)
        push(scene, 3);
    assert_true(record_log_waiting(scene->log) > 0);
    assert_int_equal(record_log_commit(scene->log), 1);
    assert_int_equal(record_log_durable(scene->log), scene->pushed);
    assert_int_equal(scene->disk->flushes, flushes + 1);
    assert_int_equal(record_log_waiting(scene->log), 0);
    scene_close(scene);
}

TEST(every_record_can_be_read_again)
{
    struct scene *scene = scene_open(3);
    uint8_t out[1];

    for (unsigned i = 0; i < 300; i++)
        push(scene, 4);
    assert_int_equal(record_log_read(scene->log, 0, out, sizeof(out)), -ENOENT);
    commit_all(scene);
    for (uint64_t position = 0; position < scene->pushed; position++)
        expect_read(scene, position);
    reopen(scene, 0);
    for (uint64_t position = 0; position < scene->pushed; position++)
        expect_read(scene, position);
    assert_int_equal(record_log_read(scene->log, scene->pushed, out, sizeof(out)), -ENOENT);
    scene_close(scene);
}

TEST(a_record_larger_than_a_segment_gets_one_of_its_own)
{
    struct simulated_disk *disk = calloc(1, sizeof(*disk));
    const struct record_log_setup setup = { .files = &disk->files, .segment_size = SEGMENT };
    struct record_log_finding finding;
    struct record_batch batch = { 0 };
    struct record_log *log;
    uint8_t *out = malloc(BIG_RECORD);

    assert_non_null(disk);
    assert_non_null(out);
    simulated_disk_init(disk);
    assert_int_equal(record_log_open(&log, &setup, 0, NULL, NULL, &finding), 0);
    for (int i = 0; i < 3; i++) {
        uint8_t *record = record_batch_add(&batch, BIG_RECORD);

        assert_non_null(record);
        memset(record, 'a' + i, BIG_RECORD);
        assert_int_equal(record_log_push(log, &batch), i);
        assert_int_equal(record_log_commit(log), 1);
        assert_int_equal(record_log_read(log, (uint64_t)i, out, 10), BIG_RECORD);
        assert_int_equal(record_log_read(log, (uint64_t)i, out, BIG_RECORD), BIG_RECORD);
        assert_int_equal(out[BIG_RECORD - 1], 'a' + i);
    }
    assert_int_equal(batch.count, 0);
    assert_null(record_batch_add(&batch, (size_t)RECORD_SIZE_MAX + 1));
    record_batch_reset(&batch);
    record_log_close(log);
    simulated_disk_deinit(disk);
    free(disk);
    free(out);
}

TEST(what_is_forgotten_takes_no_room)
{
    struct scene *scene = scene_open(4);
    uint64_t most = 0;
    uint8_t out[1];

    for (unsigned i = 0; i < 1500; i++) {
        push(scene, 8);
        commit_all(scene);
        assert_int_equal(record_log_forget(scene->log, scene->pushed), 0);
        most = record_log_size(scene->log) > most ? record_log_size(scene->log) : most;
    }
    assert_int_equal(most, SEGMENT);
    assert_true(scene->disk->stored_count <= 3);
    assert_int_equal(record_log_read(scene->log, 0, out, sizeof(out)), -ENOENT);
    /* From where the log begins, it is as it was. */
    reopen(scene, scene->pushed - 1);
    scene_close(scene);
}

/* ---- Power cuts ---- */

/* Works until the power goes, then starts again; returns false when something durable is lost. */
static bool survives(struct scene *scene, enum disk_survival survival)
{
    uint64_t durable;
    uint64_t steps = 0;

    scene->disk->cut_at = scene->disk->operations + 1 + random_next(&scene->random) % 40;
    while (!scene->disk->dark && steps++ < 200 && scene->pushed < RECORDS_MAX - 100) {
        push(scene, 1 + (unsigned)(random_next(&scene->random) % 20));
        if (random_next(&scene->random) % 3 > 0)
            record_log_commit(scene->log);
        if (random_next(&scene->random) % 8 == 0) {
            scene->kept = record_log_durable(scene->log);
            record_log_forget(scene->log, scene->kept);
        }
    }
    durable = record_log_durable(scene->log);
    record_log_close(scene->log);
    scene->log = NULL;
    /* Half of the ends take the process alone: the next cut may be the first that the disk sees. */
    if (random_next(&scene->random) % 2 == 0)
        simulated_disk_revive(scene->disk);
    else
        simulated_disk_restart(scene->disk, &scene->random, survival);
    if (open_from(scene, scene->kept) < 0)
        return false;
    scene->pushed = scene->given;
    return !scene->wrong && scene->given >= durable;
}

static unsigned count_losses(bool lies, unsigned images)
{
    unsigned losses = 0;
    unsigned image = 0;

    for (uint64_t seed = 1; image < images; seed++) {
        struct scene *scene = scene_open(seed);

        scene->disk->lies = lies;
        for (unsigned i = 0; i < 8 && scene->log && image < images; i++, image++) {
            enum disk_survival survival =
                    (enum disk_survival)(random_next(&scene->random) % SURVIVALS);

            if (survives(scene, survival))
                continue;
            losses++;
            if (!lies)
                fail_msg("seed %llu, cut %u, survival %d: %s at %s:%llu", (unsigned long long)seed,
                        i, survival, scene->wrong ? "another record" : scene->finding.text,
                        scene->finding.file, (unsigned long long)scene->finding.offset);
            break;
        }
        scene_close(scene);
    }
    return losses;
}

TEST(no_power_cut_loses_what_was_durable)
{
    assert_int_equal(count_losses(false, 2000), 0);
}

TEST(without_flushes_power_cuts_do_lose)
{
    assert_true(count_losses(true, 200) > 20);
}

/* ---- Without a flush for each commit ---- */

/* Writes, flushes at times, and cuts the power; returns what was flushed. */
static uint64_t write_lazily(struct scene *scene)
{
    uint64_t flushed = record_log_durable(scene->log);

    scene->disk->cut_at = scene->disk->operations + 1 + random_next(&scene->random) % 60;
    while (!scene->disk->dark && scene->pushed < RECORDS_MAX - 100) {
        push(scene, 1 + (unsigned)(random_next(&scene->random) % 20));
        record_log_commit(scene->log);
        if (random_next(&scene->random) % 6 == 0 && record_log_flush(scene->log) == 0)
            flushed = record_log_durable(scene->log);
    }
    return flushed;
}

TEST(what_was_flushed_is_there_and_nothing_bars_the_start)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct scene *scene = scene_open(seed);

        for (unsigned i = 0; i < 6 && scene->pushed < RECORDS_MAX - 2000; i++) {
            uint64_t flushed;

            /* Both ways of writing take turns in one log. */
            scene->flush = random_next(&scene->random) % 4 == 0 ? LOG_FLUSH_EACH : LOG_FLUSH_LAZY;
            reopen(scene, 0);
            flushed = scene->flush == LOG_FLUSH_LAZY ? write_lazily(scene) : scene->pushed;
            if (scene->flush == LOG_FLUSH_EACH) {
                push(scene, 10);
                commit_all(scene);
                flushed = scene->pushed;
            }
            record_log_close(scene->log);
            scene->log = NULL;
            simulated_disk_restart(scene->disk, &scene->random,
                    (enum disk_survival)(random_next(&scene->random) % SURVIVALS));
            assert_int_equal(open_from(scene, 0), 0);
            assert_false(scene->wrong);
            assert_true(scene->given >= flushed);
            scene->pushed = scene->given;
        }
        scene_close(scene);
    }
}

TEST(an_end_without_a_cut_takes_nothing_that_was_written_lazily)
{
    struct scene *scene = scene_open(7);

    scene->flush = LOG_FLUSH_LAZY;
    reopen(scene, 0);
    for (unsigned i = 0; i < 50; i++) {
        push(scene, 20);
        commit_all(scene);
    }
    record_log_close(scene->log);
    scene->log = NULL;
    simulated_disk_revive(scene->disk);
    assert_int_equal(open_from(scene, 0), 0);
    assert_int_equal(scene->given, scene->pushed);
    assert_false(scene->wrong);
    /* Opening has flushed it. */
    simulated_disk_restart(scene->disk, &scene->random, SURVIVE_NONE);
    record_log_close(scene->log);
    scene->log = NULL;
    assert_int_equal(open_from(scene, 0), 0);
    assert_int_equal(scene->given, scene->pushed);
    scene_close(scene);
}

TEST(lazy_commits_flush_nothing)
{
    struct scene *scene = scene_open(8);
    uint64_t flushes;

    scene->flush = LOG_FLUSH_LAZY;
    reopen(scene, 0);
    push(scene, 1);
    commit_all(scene);
    flushes = scene->disk->flushes;
    for (unsigned i = 0; i < 10; i++) {
        push(scene, 1);
        commit_all(scene);
    }
    assert_int_equal(scene->disk->flushes, flushes);
    assert_int_equal(record_log_flush(scene->log), 0);
    assert_int_equal(scene->disk->flushes, flushes + 1);
    scene_close(scene);
}

TEST(a_flush_that_fails_ends_commits)
{
    struct scene *scene = scene_open(9);

    scene->flush = LOG_FLUSH_LAZY;
    reopen(scene, 0);
    push(scene, 1);
    commit_all(scene);
    scene->disk->fail_at = scene->disk->operations + 1;
    scene->disk->fail_until = scene->disk->fail_at + 1;
    scene->disk->error = -EIO;
    assert_int_equal(record_log_flush(scene->log), -EIO);
    push(scene, 1);
    assert_int_equal(record_log_commit(scene->log), -EIO);
    assert_int_equal(record_log_trouble(scene->log), -EIO);
    scene_close(scene);
}

TEST(a_file_that_is_made_ready_is_used_next)
{
    struct scene *scene = scene_open(10);

    for (unsigned i = 0; i < 400; i++) {
        push(scene, 8);
        commit_all(scene);
        if (i % 10 == 0) /* often of one that is there already, or much later */
            segment_prepare(scene->log, 1 + i / 30);
        if (i % 50 == 0) {
            record_log_forget(scene->log, scene->pushed / 2);
            scene->kept = scene->pushed / 2;
        }
    }
    reopen(scene, scene->kept);
    for (uint64_t position = scene->kept; position < scene->pushed; position += 7)
        expect_read(scene, position);
    scene_close(scene);
}

TEST(who_pushes_quicker_than_the_disk_writes_has_to_wait)
{
    struct simulated_disk *disk = calloc(1, sizeof(*disk));
    const struct record_log_setup setup = {
        .files = &disk->files, .segment_size = SEGMENT, .waiting_max = 2 * BIG_RECORD
    };
    struct record_log_finding finding;
    struct record_batch batch = { 0 };
    struct record_log *log;

    assert_non_null(disk);
    simulated_disk_init(disk);
    assert_int_equal(record_log_open(&log, &setup, 0, NULL, NULL, &finding), 0);
    assert_non_null(record_batch_add(&batch, (size_t)3 * BIG_RECORD)); /* alone it is taken */
    assert_int_equal(record_log_push(log, &batch), 0);
    assert_non_null(record_batch_add(&batch, 1));
    assert_true(record_log_push(log, &batch) == UINT64_MAX);
    assert_int_equal(batch.count, 1);
    assert_int_equal(record_log_commit(log), 1);
    assert_int_equal(record_log_push(log, &batch), 1);
    record_batch_reset(&batch);
    record_log_close(log);
    simulated_disk_deinit(disk);
    free(disk);
}

TEST(records_are_scanned_in_their_order)
{
    struct scene *scene = scene_open(11);

    for (unsigned i = 0; i < 300; i++) {
        push(scene, 9);
        commit_all(scene);
    }
    scene->given = 100;
    assert_int_equal(record_log_scan(scene->log, 100, scene->pushed, take_record, scene), 0);
    assert_int_equal(scene->given, scene->pushed);
    assert_false(scene->wrong);
    assert_int_equal(
            record_log_scan(scene->log, 0, scene->pushed + 1, take_record, scene), -ENOENT);
    scene_close(scene);
}

TEST(a_record_that_has_changed_on_disk_is_not_given)
{
    struct scene *scene = scene_open(12);
    uint8_t out[RECORD_MAX];

    push(scene, 1);
    assert_true(record_size(0, scene->marks[0]) > 3);
    commit_all(scene);
    expect_read(scene, 0);
    assert_true(simulated_disk_damage(scene->disk, "log-0000000000000001",
            BLOCK_SIZE + FRAME_HEAD_SIZE + RECORD_HEAD_SIZE + 2));
    assert_int_equal(record_log_read(scene->log, 0, out, sizeof(out)), -EBADMSG);
    assert_int_equal(record_log_scan(scene->log, 0, 1, take_record, scene), -EBADMSG);
    scene_close(scene);
}

/* The power goes in the middle of a frame's write. Returns whether recovery tells of a torn end. */
static bool tell_torn_end(uint64_t seed)
{
    struct scene *scene = scene_open(seed);
    uint64_t durable;
    bool told;

    push(scene, 10);
    commit_all(scene);
    durable = scene->pushed;
    for (unsigned i = 0; i < 30; i++)
        push(scene, 10);
    scene->disk->cut_at = scene->disk->operations + 1;
    assert_int_equal(record_log_commit(scene->log), -EIO);
    record_log_close(scene->log);
    scene->log = NULL;
    simulated_disk_restart(scene->disk, &scene->random, SURVIVE_PAGES);
    assert_int_equal(open_from(scene, 0), 0);
    assert_true(scene->given == durable || scene->given == scene->pushed);
    told = scene->finding.cut > 0;
    assert_true(!told || strcmp(scene->finding.file, "log-0000000000000001") == 0);
    scene->pushed = scene->given;
    push(scene, 1);
    commit_all(scene);
    reopen(scene, 0);
    scene_close(scene);
    return told;
}

TEST(a_torn_end_is_cut_and_told)
{
    unsigned told = 0;

    /* Chance leaves the frame's first page, and not all others, now and then. */
    for (uint64_t seed = 1; seed <= 40; seed++)
        told += tell_torn_end(seed);
    assert_in_range(told, 5, 35);
}

/* ---- Failing disks ---- */

TEST(a_byte_that_has_changed_is_found)
{
    for (unsigned turn = 0; turn < 200; turn++) {
        struct scene *scene = scene_open(turn);
        uint64_t offset;
        int result;

        for (unsigned i = 0; i < 12; i++) {
            push(scene, 10);
            commit_all(scene);
        }
        record_log_close(scene->log);
        scene->log = NULL;
        /* Of the last frame nobody can tell a change from a write that was not finished. */
        offset = random_next(&scene->random) % (11 * BLOCK_SIZE);
        assert_true(simulated_disk_damage(scene->disk, "log-0000000000000001", offset));
        result = open_from(scene, 0);
        /* A change behind a frame's end, where nothing lies, does no harm. */
        if (result == 0) {
            assert_int_equal(scene->given, scene->pushed);
            assert_false(scene->wrong);
        } else {
            assert_true(result == -EBADMSG || result == -EPROTO);
            assert_string_equal(scene->finding.file, "log-0000000000000001");
            assert_true(scene->finding.offset <= offset);
        }
        scene_close(scene);
    }
}

static int remove_first(void *context, const char *name)
{
    struct scene *scene = context;

    (void)name;
    return scene->disk->files.remove(scene->disk, "log-0000000000000002") < 0 ? -ENOENT : 1;
}

TEST(a_file_that_is_missing_is_told)
{
    struct scene *scene = scene_open(6);

    while (record_log_size(scene->log) < 3 * SEGMENT) {
        push(scene, 10);
        commit_all(scene);
    }
    record_log_close(scene->log);
    scene->log = NULL;
    assert_int_equal(remove_first(scene, ""), 1);
    assert_int_equal(open_from(scene, 0), -EBADMSG);
    assert_string_equal(scene->finding.file, "log-0000000000000002");
    assert_string_equal(scene->finding.text, "the file is missing");
    scene_close(scene);
}

TEST(a_full_disk_delays_and_loses_nothing)
{
    struct scene *scene = scene_open(7);
    int result = 1;

    scene->disk->room_max = (size_t)2 * SEGMENT;
    while (result > 0 && scene->pushed < RECORDS_MAX - 100) {
        push(scene, 10);
        result = record_log_commit(scene->log);
    }
    assert_int_equal(result, -ENOSPC);
    assert_int_equal(record_log_trouble(scene->log), -ENOSPC);
    assert_true(record_log_durable(scene->log) < scene->pushed);
    push(scene, 10);
    assert_int_equal(record_log_commit(scene->log), -ENOSPC);
    assert_int_equal(record_log_forget(scene->log, record_log_durable(scene->log)), 0);
    commit_all(scene);
    assert_int_equal(record_log_trouble(scene->log), 0);
    scene->disk->room_max = 0;
    reopen(scene, scene->pushed - 1);
    scene_close(scene);
}

/* ---- The reserve ---- */

static struct scene *scene_open_with_reserve(uint64_t seed)
{
    struct scene *scene = scene_open(seed);

    scene->keeps_reserve = true;
    reopen(scene, 0);
    assert_true(reserve_restock(scene->log));
    return scene;
}

/* Commits until there is no room, or until the reserve is in use. Returns the last result. */
static int fill_disk(struct scene *scene, bool until_scarce)
{
    int result = 1;

    while (result > 0 && !(until_scarce && record_log_is_scarce(scene->log))) {
        push(scene, 10);
        result = record_log_commit(scene->log);
    }
    return result;
}

static bool has_file(struct scene *scene, const char *name)
{
    return scene->disk->files.open(scene->disk, name, false) >= 0;
}

TEST(on_a_full_disk_the_reserve_is_written_to)
{
    struct scene *scene = scene_open_with_reserve(20);
    uint64_t before;

    assert_true(has_file(scene, "free-0000000000000000"));
    scene->disk->room_max = (size_t)3 * SEGMENT;
    assert_int_equal(fill_disk(scene, true), 1);
    assert_int_equal(record_log_trouble(scene->log), 0);
    assert_int_equal(record_log_size(scene->log), 3 * SEGMENT);
    assert_false(reserve_restock(scene->log));
    before = record_log_durable(scene->log);
    assert_int_equal(fill_disk(scene, false), -ENOSPC);
    assert_true(record_log_durable(scene->log) > before);
    assert_int_equal(record_log_trouble(scene->log), -ENOSPC);
    reopen(scene, 0);
    scene_close(scene);
}

TEST(the_first_file_that_is_forgotten_is_the_reserve_again)
{
    struct scene *scene = scene_open_with_reserve(21);

    scene->disk->room_max = (size_t)3 * SEGMENT;
    assert_int_equal(fill_disk(scene, true), 1);
    scene->kept = record_log_last_start(scene->log);
    assert_int_equal(record_log_forget(scene->log, scene->kept), 0);
    assert_false(record_log_is_scarce(scene->log));
    assert_true(record_log_give_room(scene->log)); /* Two were forgotten. */
    assert_false(record_log_give_room(scene->log));
    assert_int_equal(fill_disk(scene, true), 1); /* Another one from the disk, and the reserve. */
    assert_int_equal(record_log_size(scene->log), 3 * SEGMENT);
    reopen(scene, scene->kept);
    scene_close(scene);
}

TEST(with_room_again_the_reserve_is_made_anew)
{
    struct scene *scene = scene_open_with_reserve(22);

    scene->disk->room_max = (size_t)2 * SEGMENT;
    assert_int_equal(fill_disk(scene, true), 1);
    assert_false(reserve_restock(scene->log));
    assert_false(has_file(scene, "free-0000000000000000"));
    scene->disk->room_max = (size_t)3 * SEGMENT;
    assert_true(reserve_restock(scene->log));
    assert_false(record_log_is_scarce(scene->log));
    reopen(scene, 0);
    assert_true(has_file(scene, "free-0000000000000000"));
    scene_close(scene);
}

/* A batch that no file of the usual size can take leaves the reserve to others. */
TEST(what_is_larger_than_the_reserve_waits_for_room)
{
    struct scene *scene = scene_open_with_reserve(23);
    struct record_batch batch = { 0 };

    push(scene, 10);
    commit_all(scene);
    scene->disk->room_max = (size_t)2 * SEGMENT;
    assert_non_null(record_batch_add(&batch, BIG_RECORD));
    assert_true(record_log_push(scene->log, &batch) != UINT64_MAX);
    assert_int_equal(record_log_commit(scene->log), -ENOSPC);
    assert_false(record_log_is_scarce(scene->log));
    assert_true(has_file(scene, "free-0000000000000000"));
    record_batch_reset(&batch);
    scene_close(scene);
}

/* Lets the next operations fail so. */
static void fail_next(struct scene *scene, uint64_t count, int error)
{
    scene->disk->error = error;
    scene->disk->fail_at = scene->disk->operations + 1;
    scene->disk->fail_until = scene->disk->fail_at + count;
}

/* A write that fails may have left its whole frame; what is tried again is larger and goes to
 * another segment, from the same position on. */
TEST(a_frame_that_was_given_up_is_not_found_again)
{
    struct scene *scene = scene_open(9);

    push(scene, 10);
    commit_all(scene);
    push(scene, 10);
    scene->disk->fail_part = SEGMENT;
    fail_next(scene, 1, -ENOSPC);
    assert_int_equal(record_log_commit(scene->log), -ENOSPC);
    while (record_log_waiting(scene->log) < SEGMENT)
        push(scene, 100);
    commit_all(scene);
    assert_true(record_log_size(scene->log) > SEGMENT);
    reopen(scene, 0);
    scene_close(scene);
}

TEST(what_passes_does_not_end_the_log)
{
    static const int errors[] = { -ENOSPC, -EDQUOT, -ENOMEM, -EMFILE, -ENFILE };

    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        struct scene *scene = scene_open(10);

        push(scene, 10);
        fail_next(scene, 1, errors[i]);
        assert_int_equal(record_log_commit(scene->log), errors[i]);
        assert_int_equal(record_log_trouble(scene->log), -ENOSPC);
        commit_all(scene);
        reopen(scene, 0);
        scene_close(scene);
    }
}

TEST(a_folder_that_cannot_be_flushed_ends_the_log)
{
    struct scene *scene = scene_open(11);

    push(scene, 10);
    fail_next(scene, 1, -ENOSPC);
    scene->disk->fail_at += 2; /* after the file was made, and had its room */
    scene->disk->fail_until += 2;
    assert_int_equal(record_log_commit(scene->log), -EIO);
    assert_int_equal(record_log_commit(scene->log), -EIO);
    assert_int_equal(record_log_trouble(scene->log), -EIO);
    scene_close(scene);
}

/* Fills that many segments, and forgets what is in them. */
static void fill_and_forget(struct scene *scene, unsigned segments)
{
    while (record_log_size(scene->log) < (uint64_t)(segments + 1) * SEGMENT) {
        push(scene, 20);
        commit_all(scene);
    }
    scene->kept = scene->pushed;
    assert_int_equal(record_log_forget(scene->log, scene->kept), 0);
}

TEST(free_files_may_be_removed)
{
    struct scene *scene = scene_open(12);
    const struct files *files = &scene->disk->files;

    fill_and_forget(scene, 2);
    assert_int_equal(files->remove(scene->disk, "free-0000000000000001"), 0);
    assert_int_equal(files->remove(scene->disk, "free-0000000000000002"), 0);
    fill_and_forget(scene, 2);
    reopen(scene, scene->kept);
    scene_close(scene);
}

TEST(a_file_that_is_larger_than_others_is_not_kept)
{
    struct scene *scene = scene_open(13);

    push(scene, 10);
    commit_all(scene);
    while (record_log_waiting(scene->log) < (size_t)4 * SEGMENT)
        push(scene, 100);
    commit_all(scene);
    push(scene, 100);
    commit_all(scene);
    scene->kept = scene->pushed;
    assert_int_equal(record_log_forget(scene->log, scene->kept), 0);
    for (size_t i = 0; i < scene->disk->now.count; i++)
        assert_true(scene->disk->stored[scene->disk->now.entries[i].file].size <= SEGMENT);
    scene_close(scene);
}

TEST(records_that_are_asked_for_and_missing_are_told)
{
    struct scene *scene = scene_open(14);
    uint64_t end;

    fill_and_forget(scene, 1);
    end = scene->pushed;
    record_log_close(scene->log);
    scene->log = NULL;
    assert_int_equal(open_from(scene, 0), -EBADMSG);
    assert_string_equal(scene->finding.file, "log-0000000000000002");
    assert_int_equal(open_from(scene, end + 1), -EBADMSG);
    assert_string_equal(scene->finding.file, "log-0000000000000002");
    assert_true(scene->finding.offset > 0);
    assert_int_equal(open_from(scene, end), 0);
    scene_close(scene);
}

TEST(a_log_that_is_gone_is_told)
{
    struct scene *scene = scene_open(15);

    record_log_close(scene->log);
    scene->log = NULL;
    assert_int_equal(open_from(scene, 1), -EBADMSG);
    assert_string_equal(scene->finding.file, "log-0000000000000001");
    scene_close(scene);
}

/* What is refused was not touched, a last file that was never begun included. */
TEST(a_broken_log_is_left_as_it_is)
{
    struct scene *scene = scene_open(16);
    const struct files *files = &scene->disk->files;

    for (unsigned i = 0; i < 3; i++) {
        push(scene, 10);
        commit_all(scene);
    }
    assert_true(files->open(scene->disk, "log-0000000000000002", true) >= 0);
    record_log_close(scene->log);
    scene->log = NULL;
    assert_true(simulated_disk_damage(scene->disk, "log-0000000000000001", BLOCK_SIZE + 50));
    assert_int_equal(open_from(scene, 0), -EBADMSG);
    assert_true(files->open(scene->disk, "log-0000000000000002", false) >= 0);
    scene_close(scene);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* However much is pushed meanwhile. */
TEST(a_full_disk_is_tried_again_in_its_time)
{
    struct scene *scene = scene_open(17);
    uint64_t began_ms = now_ms();
    uint64_t operations;
    uint64_t seconds;

    scene->disk->room_max = 1;
    assert_int_equal(record_log_start(scene->log), 0);
    push(scene, 1);
    while (record_log_trouble(scene->log) == 0)
        sched_yield();
    for (unsigned i = 0; i < 3000 && now_ms() < began_ms + 500; i++) {
        push(scene, 1);
        sched_yield();
    }
    record_log_stop(scene->log);
    operations = scene->disk->operations;
    seconds = (now_ms() - began_ms) / 1000;
    /* One try is 3 of them; one is made at first, one a second, and one at the end. */
    assert_in_range(operations, 1, 3 * (seconds + 3));
    scene_close(scene);
}

TEST(after_a_failed_flush_nothing_becomes_durable)
{
    struct scene *scene = scene_open(8);
    uint64_t durable;

    push(scene, 3);
    commit_all(scene);
    durable = scene->pushed;
    push(scene, 3);
    fail_next(scene, 1, -EIO);
    assert_int_equal(record_log_commit(scene->log), -EIO);
    assert_int_equal(record_log_commit(scene->log), -EIO);
    assert_int_equal(record_log_trouble(scene->log), -EIO);
    assert_int_equal(record_log_durable(scene->log), durable);
    reopen(scene, 0);
    scene_close(scene);
}

TEST(whichever_operation_fails_nothing_durable_is_lost)
{
    static const int errors[] = { -EIO, -ENOSPC };

    for (uint64_t at = 1; at < 60; at++) {
        for (size_t i = 0; i < 2; i++) {
            struct scene *scene = scene_open(at);

            scene->disk->error = errors[i];
            scene->disk->fail_at = at;
            scene->disk->fail_until = at + 1;
            for (unsigned turn = 0; turn < 60 && record_log_trouble(scene->log) != -EIO; turn++) {
                push(scene, 30);
                record_log_commit(scene->log);
                if (turn % 10 == 9)
                    record_log_forget(scene->log, record_log_durable(scene->log) / 2);
            }
            scene->disk->fail_at = 0;
            scene->disk->fail_until = 0;
            reopen(scene, record_log_durable(scene->log) / 2);
            scene_close(scene);
        }
    }
}

/* ---- Threads ---- */

enum { PUSHERS = 4, PUSHES = 500 };

struct pusher {
    struct record_log *log;
    pthread_t thread;
    unsigned number;
    uint64_t positions[PUSHES];
};

static void *push_all(void *context)
{
    struct pusher *pusher = context;
    struct record_batch batch = { 0 };

    for (unsigned i = 0; i < PUSHES; i++) {
        uint8_t *record = record_batch_add(&batch, 8);

        memcpy(record, (unsigned[]){ pusher->number, i }, 8);
        pusher->positions[i] = record_log_push(pusher->log, &batch);
    }
    record_batch_reset(&batch);
    return NULL;
}

static void count_change(void *context)
{
    atomic_fetch_add((atomic_uint *)context, 1);
}

TEST(threads_push_and_one_commits)
{
    struct simulated_disk *disk = calloc(1, sizeof(*disk));
    struct pusher *pushers = calloc(PUSHERS, sizeof(*pushers));
    atomic_uint changes = 0;
    const struct record_log_setup setup = {
        .files = &disk->files, .segment_size = SEGMENT, .changed = count_change, .context = &changes
    };
    struct record_log_finding finding;
    struct record_log *log;

    assert_true(disk && pushers);
    simulated_disk_init(disk);
    assert_int_equal(record_log_open(&log, &setup, 0, NULL, NULL, &finding), 0);
    assert_int_equal(record_log_start(log), 0);
    for (unsigned i = 0; i < PUSHERS; i++) {
        pushers[i].log = log;
        pushers[i].number = i;
        assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_all, &pushers[i]), 0);
    }
    for (unsigned i = 0; i < PUSHERS; i++)
        pthread_join(pushers[i].thread, NULL);
    record_log_stop(log);
    assert_int_equal(record_log_durable(log), PUSHERS * PUSHES);
    assert_int_equal(record_log_next(log), PUSHERS * PUSHES);
    assert_true(atomic_load(&changes) > 0);
    for (unsigned i = 0; i < PUSHERS; i++) {
        for (unsigned j = 0; j < PUSHES; j++) {
            unsigned record[2];

            assert_int_equal(record_log_read(log, pushers[i].positions[j], record, 8), 8);
            assert_true(record[0] == i && record[1] == j);
            assert_true(j == 0 || pushers[i].positions[j] > pushers[i].positions[j - 1]);
        }
    }
    record_log_close(log);
    simulated_disk_deinit(disk);
    free(pushers);
    free(disk);
}
