/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store on a disk in memory whose power is cut at any operation, or that fails in any: what was
 * durable is there afterwards, each record once, and nothing bars the start.
 *
 * IMAGES in the environment says how many power cuts, in place of IMAGES_DEFAULT; FAULTS how many
 * operations are left out between two that fail.
 */
#include "store/record_log_state.h"
#include "store/simulated_archive.h"
#include "store/store_state.h"
#include "tests/crash/store_model.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    IMAGES_DEFAULT = 400,
    CONTROL_IMAGES = 200,
    CUTS_OF_ONE = 12,     /* before the next one starts from nothing */
    OPERATIONS_MAX = 160, /* before the power goes */
    STEPS_MAX = 400,
    SEGMENT = 64 << 10,
    FAULT_STEPS = 120,
    MAKING_STEPS = 30, /* with the first commits of a new store */
    MAKINGS = 12,
    CRAMPED_SEEDS = 12,
    FAULTS_DEFAULT = 7,
};

struct scene {
    struct simulated_disk disk;
    struct simulated_archive archive;
    struct store_model model;
    struct random random;
    struct store *store;
    struct store_finding finding;
    struct record_batch batch;
    enum store_flush flush;
    size_t changes_max;
    bool marks_early; /* a control: what is pushed counts as if it were durable */
    bool wrong;       /* a fetch gave something else */
    uint64_t durable; /* before the last cut */
    uint64_t cuts_in_opening;
};

static int open_store(struct scene *scene)
{
    const struct store_setup setup = { .files = &scene->disk.files,
        .archive = &scene->archive.archive,
        .seed = 4711,
        .segment_size = SEGMENT,
        .changes_max = scene->changes_max,
        .flush = scene->flush };

    return store_open(&scene->store, &setup, &scene->finding);
}

/* One whose store is still to be opened. */
static struct scene *scene_unopened(uint64_t seed)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    scene->random.state = seed;
    scene->changes_max = seed % 3 == 0 ? 0 : 4 + seed % 40;
    simulated_disk_init(&scene->disk);
    simulated_archive_init(&scene->archive, &scene->disk, seed);
    store_model_init(&scene->model);
    return scene;
}

static struct scene *scene_new(uint64_t seed)
{
    struct scene *scene = scene_unopened(seed);

    assert_int_equal(open_store(scene), 0);
    return scene;
}

static void scene_free(struct scene *scene)
{
    if (scene->store)
        store_close(scene->store);
    record_batch_reset(&scene->batch);
    simulated_archive_deinit(&scene->archive);
    simulated_disk_deinit(&scene->disk);
    free(scene);
}

/* ---- What a store does ---- */

/* Every message that a record in the batch is done with counts as done before that is durable. */
static void mark_early(struct scene *scene, uint64_t first)
{
    for (uint64_t i = first; i < scene->model.pushed; i++) {
        const struct model_record *record = &scene->model.records[i];

        for (size_t n = 0; record->kind == RECORD_DONE && n < scene->store->hot.count; n++) {
            struct hot_chunk *chunk = scene->store->hot.chunks[n];
            uint64_t at = record->about - chunk->first;

            for (uint32_t slot = at < chunk->count ? chunk->places[at] : 1;
                    at < chunk->count && slot < chunk->places[at + 1]; slot++) {
                if (chunk->slots[slot].queue == record->table + 1u)
                    chunk->slots[slot].note = UINT32_MAX;
            }
        }
    }
}

static void push(struct scene *scene)
{
    uint64_t first = scene->model.pushed;

    if (!store_model_step(&scene->model, &scene->random, &scene->batch))
        return;
    assert_int_equal(store_push(scene->store, &scene->batch), first);
    if (scene->marks_early)
        mark_early(scene, first);
}

static void take_answer(struct store_fetch *fetch)
{
    list_init(&fetch->link);
}

/* What the store tells of a queue, while all that was pushed is durable. */
static void fetch_queue(struct scene *scene)
{
    uint64_t chance = random_next(&scene->random);
    struct store_fetch fetch = { .queue = 1 + chance % MODEL_QUEUES,
        .after = (chance >> 8) % 2 ? 0 : (chance >> 16) % scene->model.pushed,
        .before = record_log_durable(scene->store->log),
        .count_max = (chance >> 40) % 20,
        .done = take_answer };

    if (fetch.before < scene->model.pushed)
        return;
    store_fetch(scene->store, &fetch);
    fetch_step(scene->store);
    if (!scene->disk.dark && !scene->marks_early &&
            (fetch.result < 0 || !store_model_agrees_on_queue(&scene->model, &fetch)))
        scene->wrong = true;
    store_fetch_release(&fetch);
}

static int step(struct scene *scene)
{
    uint64_t chance = random_next(&scene->random) % 32;
    int result = 0;

    if (chance < 12)
        push(scene);
    else if (chance < 24)
        result = record_log_commit(scene->store->log);
    else if (chance < 25)
        result = checkpoint_step(scene->store);
    else if (chance < 27)
        result = checkpoint_sweep(scene->store);
    else if (chance == 27)
        result = record_log_flush(scene->store->log);
    else if (chance == 28)
        segment_prepare(scene->store->log, scene->store->log->made + 1);
    else
        fetch_queue(scene);
    return result;
}

/* ---- Power cuts ---- */

/* Half of the ends take the process alone: the next cut may be the first that the disk sees. */
static void come_back(struct scene *scene, enum disk_survival survival)
{
    if (scene->store)
        store_close(scene->store);
    scene->store = NULL;
    if (random_next(&scene->random) % 2 == 0) {
        simulated_disk_revive(&scene->disk);
        return;
    }
    simulated_disk_restart(&scene->disk, &scene->random, survival);
    simulated_archive_restart(&scene->archive);
}

static void cut_later(struct scene *scene)
{
    scene->disk.cut_at = scene->disk.operations + 1 + random_next(&scene->random) % OPERATIONS_MAX;
}

/* Opens it, and maybe cuts the power in that, too. */
static int open_again(struct scene *scene)
{
    int result;

    for (unsigned tries = 0; tries < 3; tries++) {
        scene->disk.cut_at = scene->disk.operations + 1 + random_next(&scene->random) % 6;
        result = open_store(scene);
        if (!scene->disk.dark)
            return result;
        scene->cuts_in_opening++;
        come_back(scene, (enum disk_survival)(random_next(&scene->random) % SURVIVALS));
    }
    return open_store(scene);
}

/* Works until the power goes, or for so many steps. */
static void work(struct scene *scene, unsigned steps)
{
    for (unsigned i = 0; i < steps && !scene->disk.dark && !scene->wrong; i++)
        step(scene);
    scene->durable = record_log_durable(scene->store->log);
}

/* Starts again; false when something is not as it must be. */
static bool recovers(struct scene *scene, enum disk_survival survival)
{
    if (scene->wrong)
        return false;
    record_batch_reset(&scene->batch);
    come_back(scene, survival);
    if (open_again(scene) < 0)
        return false;
    if (scene->flush == FLUSH_EACH && store_next(scene->store) < scene->durable)
        return false;
    return store_model_rewind(&scene->model, store_next(scene->store)) &&
            store_model_agrees(&scene->model, scene->store);
}

static bool survives(struct scene *scene, enum disk_survival survival)
{
    cut_later(scene);
    work(scene, STEPS_MAX);
    return recovers(scene, survival);
}

static void tell_loss(const struct scene *scene, uint64_t seed, unsigned cut, int survival)
{
    fail_msg("seed %llu, cut %u, survival %d: %s; log: %s at %s:%llu; archive: %s; next %llu, "
             "durable %llu",
            (unsigned long long)seed, cut, survival, scene->model.text, scene->finding.log.text,
            scene->finding.log.file, (unsigned long long)scene->finding.log.offset,
            scene->finding.archive ? scene->finding.archive : "",
            (unsigned long long)(scene->store ? store_next(scene->store) : 0),
            (unsigned long long)scene->durable);
}

/* How a scene differs from one that must lose nothing. */
typedef void (*control)(struct scene *scene);

static unsigned count_losses(control spoil, enum store_flush flush, unsigned images)
{
    unsigned losses = 0;
    unsigned image = 0;

    for (uint64_t seed = 1; image < images; seed++) {
        struct scene *scene = scene_new(seed);

        scene->flush = flush;
        if (spoil)
            spoil(scene);
        for (unsigned i = 0; i < CUTS_OF_ONE && image < images; i++, image++) {
            enum disk_survival survival =
                    (enum disk_survival)(random_next(&scene->random) % SURVIVALS);

            if (survives(scene, survival))
                continue;
            losses++;
            if (!spoil)
                tell_loss(scene, seed, i, (int)survival);
            break;
        }
        scene_free(scene);
    }
    return losses;
}

static unsigned number_from(const char *name, unsigned usual)
{
    const char *wanted = getenv(name);

    return wanted ? (unsigned)strtoul(wanted, NULL, 10) : usual;
}

TEST(no_power_cut_takes_what_was_durable)
{
    unsigned images = number_from("IMAGES", IMAGES_DEFAULT);

    assert_int_equal(count_losses(NULL, FLUSH_EACH, images), 0);
    printf("%u power cuts\n", images);
}

TEST(without_flushes_what_is_there_is_what_was_there_at_one_moment)
{
    assert_int_equal(count_losses(NULL, FLUSH_NEVER, number_from("IMAGES", IMAGES_DEFAULT) / 4), 0);
}

/* ---- The making of a store ---- */

/* The power goes at that operation from the first one on. *whole: it was made before. */
static bool making_survives(struct scene *scene, uint64_t cut_at, bool *whole)
{
    enum disk_survival survival = (enum disk_survival)(cut_at % SURVIVALS);

    scene->disk.cut_at = cut_at;
    if (open_store(scene) == 0)
        work(scene, MAKING_STEPS);
    else
        scene->store = NULL;
    *whole = !scene->disk.dark;
    return recovers(scene, survival);
}

static unsigned count_losses_in_making(control spoil)
{
    unsigned losses = 0;

    for (uint64_t seed = 1; seed <= MAKINGS; seed++) {
        bool whole = false;

        for (uint64_t cut_at = 1; !whole; cut_at++) {
            struct scene *scene = scene_unopened(seed * 1000 + cut_at);
            bool good;

            if (spoil)
                spoil(scene);
            good = making_survives(scene, cut_at, &whole);
            losses += !good;
            if (!good && !spoil)
                tell_loss(scene, seed, (unsigned)cut_at, (int)(cut_at % SURVIVALS));
            scene_free(scene);
        }
    }
    return losses;
}

TEST(a_store_whose_making_is_cut_is_begun_anew_or_goes_on)
{
    assert_int_equal(count_losses_in_making(NULL), 0);
}

static void forget_names(struct scene *scene)
{
    scene->disk.forgets_names = true;
}

TEST(an_acknowledgement_before_the_names_are_on_disk_is_found_out)
{
    assert_true(count_losses_in_making(forget_names) > 5);
}

/* ---- Controls ---- */

static void let_disk_lie(struct scene *scene)
{
    scene->disk.lies = true;
}

static void let_archive_lie(struct scene *scene)
{
    scene->archive.lies = true;
}

static void mark_too_early(struct scene *scene)
{
    scene->marks_early = true;
}

TEST(a_disk_that_lies_is_found_out)
{
    assert_true(count_losses(let_disk_lie, FLUSH_EACH, CONTROL_IMAGES) > 10);
}

TEST(an_archive_that_lies_is_found_out)
{
    assert_true(count_losses(let_archive_lie, FLUSH_EACH, CONTROL_IMAGES) > 10);
}

TEST(marks_that_are_taken_before_they_are_durable_are_found_out)
{
    assert_true(count_losses(mark_too_early, FLUSH_EACH, CONTROL_IMAGES) > 2);
}

/* ---- An archive without room ---- */

/* Ends the process or cuts the power, and opens the store again. */
static void reopen_and_judge(struct scene *scene, uint64_t seed)
{
    if (!recovers(scene, (enum disk_survival)(seed % SURVIVALS)))
        tell_loss(scene, seed, 0, (int)(seed % SURVIVALS));
}

TEST(a_store_whose_archive_has_no_room_is_opened_as_it_was)
{
    unsigned cramped = 0;

    for (uint64_t seed = 1; seed <= CRAMPED_SEEDS; seed++) {
        struct scene *scene = scene_new(seed);

        work(scene, MAKING_STEPS * (unsigned)(1 + seed % 4));
        for (unsigned i = 0; i < CUTS_OF_ONE; i++) {
            scene->archive.room_max = scene->archive.archive.size(&scene->archive) + 1;
            scene->disk.cut_at = 0;
            work(scene, MAKING_STEPS);
            reopen_and_judge(scene, seed);
            cramped += store_is_scarce(scene->store);
            work(scene, MAKING_STEPS / 2);
            reopen_and_judge(scene, seed + i);
            scene->archive.room_max = 0;
            work(scene, MAKING_STEPS / 2);
        }
        reopen_and_judge(scene, seed);
        assert_false(store_is_scarce(scene->store));
        scene_free(scene);
    }
    assert_true(cramped > CRAMPED_SEEDS);
}

/* ---- Failures ---- */

enum fault { FAULT_FULL, FAULT_WRITE, FAULT_FLUSH, FAULT_READ_ONLY, FAULTS };

/* What fails from one operation on: for some time, or for good. */
static void let_fail(struct simulated_disk *disk, enum fault fault, uint64_t at)
{
    static const int errors[FAULTS] = { -ENOSPC, -EIO, -EIO, -EROFS };

    disk->fail_at = at;
    disk->fail_until = fault == FAULT_FULL ? at + 3
            : fault == FAULT_READ_ONLY     ? UINT64_MAX
                                           : at + 1;
    disk->error = errors[fault];
    disk->fail_part = fault == FAULT_FLUSH ? SIZE_MAX : fault == FAULT_WRITE ? 600 : 0;
}

/* The same steps for the same seed, whatever fails. Returns what did: 0, or the error that ended
 * commits or checkpoints for good. */
static int run_script(struct scene *scene)
{
    int ended = 0;

    for (unsigned i = 0; i < FAULT_STEPS; i++) {
        int result = step(scene);

        if (result < 0 && result != -ENOSPC)
            ended = result;
    }
    for (unsigned tries = 0; tries < 10 && record_log_waiting(scene->store->log) > 0; tries++)
        record_log_commit(scene->store->log);
    return ended;
}

static uint64_t count_operations(uint64_t seed)
{
    struct scene *scene = scene_new(seed);
    uint64_t operations;

    run_script(scene);
    operations = scene->disk.operations;
    scene_free(scene);
    return operations;
}

/* Nothing that was durable is lost, be it the process that ends or the power that goes. */
static void judge_failure(struct scene *scene, enum fault fault, uint64_t at, int ended)
{
    uint64_t durable = record_log_durable(scene->store->log);

    assert_false(scene->wrong);
    if (fault == FAULT_FULL && !scene->disk.flush_failed) { /* It has passed. */
        assert_int_equal(ended, 0);
        assert_int_equal(durable, scene->model.pushed);
        assert_int_equal(record_log_trouble(scene->store->log), 0);
    }
    let_fail(&scene->disk, FAULT_FULL, 0);
    scene->disk.fail_until = 0;
    record_batch_reset(&scene->batch);
    come_back(scene, (enum disk_survival)(at % SURVIVALS));
    assert_int_equal(open_store(scene), 0);
    assert_true(store_next(scene->store) >= durable);
    assert_true(store_model_rewind(&scene->model, store_next(scene->store)));
    if (!store_model_agrees(&scene->model, scene->store))
        fail_msg(
                "fault %d at operation %llu: %s", fault, (unsigned long long)at, scene->model.text);
}

static void fail_everywhere(enum fault fault)
{
    unsigned stride = number_from("FAULTS", FAULTS_DEFAULT);

    for (uint64_t seed = 1; seed <= 3; seed++) {
        uint64_t operations = count_operations(seed);

        for (uint64_t at = 5 + seed % stride; at <= operations; at += stride) {
            struct scene *scene = scene_new(seed);
            int ended;

            let_fail(&scene->disk, fault, at);
            ended = run_script(scene);
            judge_failure(scene, fault, at, ended);
            scene_free(scene);
        }
    }
}

TEST(a_disk_that_is_full_for_a_while_delays_and_loses_nothing)
{
    fail_everywhere(FAULT_FULL);
}

TEST(a_write_that_fails_loses_nothing_that_was_durable)
{
    fail_everywhere(FAULT_WRITE);
}

TEST(a_flush_that_fails_loses_nothing_that_was_durable)
{
    fail_everywhere(FAULT_FLUSH);
}

TEST(a_disk_that_turns_read_only_loses_nothing_that_was_durable)
{
    fail_everywhere(FAULT_READ_ONLY);
}
