/* SPDX-License-Identifier: Apache-2.0 */
#include "store/past.h"

#include "store/simulated_disk.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>

enum { SEED = 4711 };

static struct simulated_disk *new_disk(void)
{
    struct simulated_disk *disk = calloc(1, sizeof(*disk));

    assert_non_null(disk);
    simulated_disk_init(disk);
    return disk;
}

static void free_disk(struct simulated_disk *disk)
{
    simulated_disk_deinit(disk);
    free(disk);
}

/* A run that finds a log of that length. */
static struct past begin(struct simulated_disk *disk, uint64_t next)
{
    struct past past;

    assert_int_equal(past_open(&past, &disk->files, SEED, next, false), 0);
    return past;
}

static void expect(struct past past, uint64_t broken_off, uint64_t before)
{
    assert_int_equal(past.broken_off, broken_off);
    assert_int_equal(past.before, before);
}

TEST(a_run_that_was_not_stopped_was_broken_off_where_the_log_ends)
{
    struct simulated_disk *disk = new_disk();
    struct past past;

    assert_int_equal(past_open(&past, &disk->files, SEED, 0, true), 0);
    expect(past, 0, 0);
    expect(begin(disk, 10), 10, 10); /* Nothing says how the run before ended. */
    past = begin(disk, 20);
    expect(past, 20, 10);
    past_close(&past, &disk->files, SEED, 30);
    past = begin(disk, 30);
    expect(past, 20, 20);
    past_close(&past, &disk->files, SEED, 35);
    expect(begin(disk, 35), 20, 20);
    expect(begin(disk, 40), 40, 20);
    free_disk(disk);
}

TEST(a_new_store_that_was_stopped_was_never_broken_off)
{
    struct simulated_disk *disk = new_disk();
    struct past past;

    assert_int_equal(past_open(&past, &disk->files, SEED, 0, true), 0);
    assert_int_equal(disk->flushes, 0);
    past_close(&past, &disk->files, SEED, 5);
    expect(begin(disk, 5), 0, 0);
    free_disk(disk);
}

TEST(what_cannot_be_read_or_is_of_another_log_says_nothing)
{
    for (unsigned damage = 0; damage < 4; damage++) {
        struct simulated_disk *disk = new_disk();
        struct past past = begin(disk, 10);

        past_close(&past, &disk->files, SEED, 20);
        if (damage == 0)
            assert_true(simulated_disk_damage(disk, PAST_FILE, 20));
        if (damage == 1) {
            assert_int_equal(past_open(&past, &disk->files, SEED + 1, 20, false), 0);
            expect(past, 20, 20);
        } else if (damage == 2) {
            expect(begin(disk, 5), 5, 5); /* A log of less than was there. */
        } else {
            expect(begin(disk, 20), damage == 3 ? 10 : 20, damage == 3 ? 10 : 20);
        }
        free_disk(disk);
    }
}

/* Once a run has begun, nothing that a power cut leaves says that the one before was the last. */
TEST(a_power_cut_does_not_bring_the_stop_before_back)
{
    for (unsigned survival = 0; survival < SURVIVALS; survival++) {
        for (uint64_t at = 1; at < 6; at++) {
            struct random random = { at };
            struct simulated_disk *disk = new_disk();
            struct past past = begin(disk, 10);
            int result;

            past_close(&past, &disk->files, SEED, 20);
            disk->cut_at = disk->operations + at;
            result = past_open(&past, &disk->files, SEED, 20, false);
            simulated_disk_restart(disk, &random, (enum disk_survival)survival);
            if (result == 0)
                expect(begin(disk, 20), 20, 10);
            else
                assert_true(begin(disk, 20).broken_off >= 10);
            free_disk(disk);
        }
    }
}

TEST(a_full_disk_takes_the_word_away)
{
    struct simulated_disk *disk = new_disk();
    struct past past = begin(disk, 10);

    past_close(&past, &disk->files, SEED, 20);
    disk->fail_at = disk->operations + 1;
    disk->fail_until = disk->operations + 2;
    disk->error = -ENOSPC;
    expect(begin(disk, 20), 10, 10);
    expect(begin(disk, 20), 20, 20); /* Nothing is there. */
    disk->fail_at = disk->operations + 1;
    disk->fail_until = disk->operations + 9;
    disk->error = -EIO;
    assert_int_equal(past_open(&past, &disk->files, SEED, 20, false), -EIO);
    free_disk(disk);
}
