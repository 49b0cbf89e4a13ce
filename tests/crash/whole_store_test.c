/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that write a store and are killed at random moments, in checkpoints and while they open
 * it, too: what they have told to be durable is there afterwards, and all that is there is what was
 * there at one moment.
 *
 * ROUNDS in the environment says how many, in place of ROUNDS_DEFAULT.
 */
#include "store/archive_lmdb.h"
#include "tests/crash/store_model.h"
#include "tests/harness/test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS_DEFAULT = 15,
    WAITING_MAX = 16 << 10, /* bytes before the writer waits */
    NEWS_MAX = 60,          /* that are awaited before the kill */
    DELAY_MAX_US = 4000,    /* after them */
    ROUND_RECORDS_MAX = MODEL_RECORDS_MAX / 4,
    CHECKPOINT_EVERY = 50, /* batches */
    CHANGES_MAX = 100,     /* in a transaction: so there are many of them */
};

/* A store on disk. */
struct place {
    char path[24];
    struct files files;
    struct folder folder;
    struct archive_lmdb *lmdb;
    struct archive archive;
    struct store *store;
    struct store_finding finding;
};

static int open_place(struct place *place, void (*changed)(void *context), void *context)
{
    const struct store_setup setup = { .files = &place->files,
        .archive = &place->archive,
        .seed = 4711,
        .segment_size = SEGMENT_SIZE_MIN,
        .window = 2,
        .changes_max = CHANGES_MAX,
        .changed = changed,
        .context = context };

    if (files_open(&place->files, &place->folder, place->path) < 0 ||
            archive_lmdb_open(&place->lmdb, &place->archive, place->path, ARCHIVE_WRITES, 0) < 0)
        return -1;
    return store_open(&place->store, &setup, &place->finding);
}

static void close_place(struct place *place)
{
    store_close(place->store);
    archive_lmdb_close(place->lmdb);
    files_close(&place->folder);
}

static int remove_one(void *context, const char *name)
{
    const struct files *files = context;

    return name[0] == '.' ? 0 : files->remove(files->context, name);
}

static void empty_place(struct place *place)
{
    assert_int_equal(files_open(&place->files, &place->folder, place->path), 0);
    assert_int_equal(place->files.list(&place->folder, remove_one, &place->files), 0);
    files_close(&place->folder);
}

/* ---- The writer ---- */

struct writer {
    struct place *place;
    int pipe;
    pthread_mutex_t lock;
    pthread_cond_t told;
};

static void tell(void *context)
{
    struct writer *writer = context;
    uint64_t durable = store_durable(writer->place->store);

    if (write(writer->pipe, &durable, sizeof(durable)) != sizeof(durable) ||
            store_trouble(writer->place->store) != 0)
        _exit(EXIT_FAILURE);
    pthread_mutex_lock(&writer->lock);
    pthread_cond_broadcast(&writer->told);
    pthread_mutex_unlock(&writer->lock);
}

static void await_room(struct writer *writer)
{
    struct store_figures figures;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        store_figures(writer->place->store, &figures);
        if (figures.waiting_bytes <= WAITING_MAX)
            break;
        pthread_cond_wait(&writer->told, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
}

/* Writes until it is killed. */
static void write_store(struct place *place, struct store_model *model, uint64_t seed, int out)
{
    struct writer writer = { .place = place, .pipe = out };
    struct random random = { seed };
    struct record_batch batch = { 0 };
    uint64_t end = model->pushed + ROUND_RECORDS_MAX;

    pthread_mutex_init(&writer.lock, NULL);
    pthread_cond_init(&writer.told, NULL);
    if (open_place(place, tell, &writer) < 0 || store_start(place->store) < 0)
        _exit(EXIT_FAILURE);
    for (unsigned i = 0; model->pushed < end; i++) {
        if (!store_model_step(model, &random, &batch) ||
                store_push(place->store, &batch) == UINT64_MAX)
            _exit(EXIT_FAILURE);
        if (i % CHECKPOINT_EVERY == 0)
            store_checkpoint(place->store);
        await_room(&writer);
    }
    for (;;)
        pause();
}

/* ---- The judge ---- */

/* Reads what the writer tells for so many times, then for so long. Returns the last. */
static uint64_t hear(int in, unsigned times, uint64_t delay_us)
{
    struct pollfd news = { .fd = in, .events = POLLIN };
    const struct timespec delay = { 0, (long)delay_us * 1000 };
    uint64_t durable = 0;

    for (unsigned i = 0; i < times; i++)
        assert_int_equal(read(in, &durable, sizeof(durable)), sizeof(durable));
    ppoll(&news, 0, &delay, NULL); /* a kill then does not follow from what was told */
    return durable;
}

/* One writer from its start to its kill, which comes after so many news. Returns what it has told
 * to be durable. */
static uint64_t run_writer(struct place *place, struct store_model *model, uint64_t seed,
        unsigned times, struct random *random)
{
    uint64_t durable;
    uint64_t more;
    int status;
    int ends[2];
    pid_t writer;

    assert_int_equal(pipe(ends), 0);
    writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        close(ends[0]);
        write_store(place, model, seed, ends[1]);
    }
    close(ends[1]);
    durable = hear(ends[0], times, random_next(random) % DELAY_MAX_US);
    kill(writer, SIGKILL);
    while (read(ends[0], &more, sizeof(more)) == sizeof(more))
        durable = more;
    close(ends[0]);
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return durable;
}

/* The same steps again, as many as are in the store. */
static void judge_place(
        struct place *place, struct store_model *model, uint64_t seed, uint64_t durable)
{
    struct random random = { seed };
    struct record_batch batch = { 0 };
    uint64_t next;

    if (open_place(place, NULL, NULL) < 0)
        fail_msg("log: %s in %s at %llu; archive: %s", place->finding.log.text,
                place->finding.log.file, (unsigned long long)place->finding.log.offset,
                place->finding.archive ? place->finding.archive : "");
    next = store_next(place->store);
    assert_true(next >= durable);
    while (model->pushed < next) {
        assert_true(store_model_step(model, &random, &batch));
        record_batch_reset(&batch);
    }
    assert_true(store_model_rewind(model, next));
    if (!store_model_agrees(model, place->store))
        fail_msg("%s", model->text);
    close_place(place);
}

static unsigned rounds_wanted(void)
{
    const char *wanted = getenv("ROUNDS");

    return wanted ? (unsigned)strtoul(wanted, NULL, 10) : ROUNDS_DEFAULT;
}

/* Each begins with nothing, and is killed before, in or soon after its first commits. */
TEST(a_process_that_is_killed_while_it_makes_its_store_bars_no_start)
{
    unsigned rounds = rounds_wanted();
    struct random random = { (uint64_t)time(NULL) };
    struct place place = { .path = "./crash-XXXXXX" };
    struct store_model *model = calloc(1, sizeof(*model));

    assert_non_null(model);
    assert_non_null(mkdtemp(place.path));
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t seed = random_next(&random);

        store_model_init(model);
        judge_place(&place, model, seed, run_writer(&place, model, seed, round % 4, &random));
        empty_place(&place);
    }
    assert_int_equal(rmdir(place.path), 0);
    free(model);
}

TEST(what_a_killed_process_has_told_is_in_its_store)
{
    unsigned rounds = rounds_wanted();
    struct random random = { (uint64_t)time(NULL) };
    struct place place = { .path = "./crash-XXXXXX" }; /* on a disk, as /tmp may not be */
    struct store_model *model = calloc(1, sizeof(*model));
    uint64_t records = 0;

    assert_non_null(model);
    assert_non_null(mkdtemp(place.path));
    store_model_init(model);
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t seed = random_next(&random);
        uint64_t before = model->pushed;

        unsigned times = (unsigned)(random_next(&random) % NEWS_MAX);

        judge_place(&place, model, seed, run_writer(&place, model, seed, times, &random));
        records += model->pushed - before;
        if (model->pushed < MODEL_RECORDS_MAX - ROUND_RECORDS_MAX - 100)
            continue;
        empty_place(&place);
        store_model_init(model);
    }
    printf("%u kills, %llu records\n", rounds, (unsigned long long)records);
    empty_place(&place);
    assert_int_equal(rmdir(place.path), 0);
    free(model);
}
