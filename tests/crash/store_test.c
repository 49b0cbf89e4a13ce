/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that write a log and are killed at random moments: what they have told to be durable is
 * there afterwards, in order, and nothing that was not written.
 *
 * ROUNDS in the environment says how many, in place of ROUNDS_DEFAULT.
 */
#include "base/random.h"
#include "store/record_log.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS_DEFAULT = 30,
    PUSHERS = 4,
    BATCH_MAX = 20,
    PAYLOAD_MAX = 600,
    WAITING_MAX = 8 << 10, /* bytes before a pusher waits */
    KEPT = 2000,           /* records before the durable position that are not forgotten */
    NEWS_MAX = 100,        /* that are awaited before the kill */
    DELAY_MAX_US = 3000,   /* after them */
};

/* What a writer tells before it goes on: it fits a pipe whole. */
struct news {
    uint64_t durable;
    uint64_t kept; /* what is before it may be forgotten */
};

/* A record, and then bytes that follow from it. */
struct stamp {
    uint32_t round;
    uint32_t pusher;
    uint32_t number; /* of this pusher's in this round */
    uint32_t size;   /* of what follows */
};

static uint8_t byte_at(const struct stamp *stamp, size_t at)
{
    return (uint8_t)(stamp->round * 7 + stamp->pusher * 31 + stamp->number * 13 + at);
}

/* ---- The writer ---- */

struct writer {
    struct record_log *log;
    struct news news;
    uint32_t round;
    int pipe;
    pthread_mutex_t lock; /* for who waits until less waits in the log */
    pthread_cond_t told;
};

struct pusher {
    struct writer *writer;
    uint32_t index;
    uint32_t number;
    struct random random;
};

static void tell(void *context)
{
    struct writer *writer = context;
    struct news news = { record_log_durable(writer->log), writer->news.kept };

    if (news.durable > news.kept + KEPT)
        news.kept = news.durable - KEPT;
    writer->news = news;
    if (write(writer->pipe, &news, sizeof(news)) != sizeof(news) ||
            record_log_trouble(writer->log) != 0 || record_log_forget(writer->log, news.kept) < 0)
        _exit(EXIT_FAILURE);
    pthread_mutex_lock(&writer->lock);
    pthread_cond_broadcast(&writer->told);
    pthread_mutex_unlock(&writer->lock);
}

static void push_some(struct pusher *pusher)
{
    struct record_batch batch = { 0 };
    unsigned count = 1 + (unsigned)(random_next(&pusher->random) % BATCH_MAX);

    for (unsigned i = 0; i < count; i++) {
        const struct stamp stamp = { pusher->writer->round, pusher->index, pusher->number++,
            (uint32_t)(random_next(&pusher->random) % PAYLOAD_MAX) };
        uint8_t *out = record_batch_add(&batch, sizeof(stamp) + stamp.size);

        if (!out)
            _exit(EXIT_FAILURE);
        memcpy(out, &stamp, sizeof(stamp));
        for (size_t at = 0; at < stamp.size; at++)
            out[sizeof(stamp) + at] = byte_at(&stamp, at);
    }
    if (record_log_push(pusher->writer->log, &batch) == UINT64_MAX)
        _exit(EXIT_FAILURE);
    record_batch_reset(&batch);
}

static void *push_for_ever(void *context)
{
    struct pusher *pusher = context;
    struct writer *writer = pusher->writer;

    for (;;) {
        push_some(pusher);
        pthread_mutex_lock(&writer->lock);
        while (record_log_waiting(writer->log) > WAITING_MAX)
            pthread_cond_wait(&writer->told, &writer->lock);
        pthread_mutex_unlock(&writer->lock);
    }
    return NULL;
}

static int pass_over(void *context, uint64_t position, struct bytes record)
{
    (void)context;
    (void)position;
    (void)record;
    return 0;
}

/* Writes until it is killed. Each way of writing has its turn. */
static void write_log(const char *path, uint32_t round, struct news last, int out)
{
    struct writer writer = { .news = last, .round = round, .pipe = out };
    struct pusher pushers[PUSHERS];
    struct folder folder;
    struct files files;
    const struct record_log_setup setup = { .files = &files,
        .seed = 4711,
        .segment_size = SEGMENT_SIZE_MIN,
        .changed = tell,
        .context = &writer };
    struct record_log_finding finding;

    pthread_mutex_init(&writer.lock, NULL);
    pthread_cond_init(&writer.told, NULL);
    if (files_open(&files, &folder, path) < 0)
        _exit(EXIT_FAILURE);
    folder.way = (enum files_way)(round % (FILES_FLUSH + 1));
    if (record_log_open(&writer.log, &setup, last.kept, pass_over, NULL, &finding) < 0 ||
            record_log_start(writer.log) < 0)
        _exit(EXIT_FAILURE);
    for (uint32_t i = 0; i < PUSHERS; i++) {
        pthread_t thread;

        pushers[i] = (struct pusher){ &writer, i, 0, { round * PUSHERS + i } };
        if (pthread_create(&thread, NULL, push_for_ever, &pushers[i]) != 0)
            _exit(EXIT_FAILURE);
    }
    for (;;)
        pause();
}

/* ---- The judge ---- */

struct judge {
    struct news news;   /* the last that was told */
    bool begun;         /* a record was seen since the log was opened */
    uint32_t round;     /* of the last record */
    bool partly;        /* that round's first records may have been forgotten */
    bool seen[PUSHERS]; /* in that round */
    uint32_t last[PUSHERS];
};

static void judge_order(struct judge *judge, const struct stamp *stamp)
{
    if (!judge->begun || stamp->round != judge->round) {
        assert_true(!judge->begun || stamp->round > judge->round);
        judge->partly = !judge->begun;
        judge->begun = true;
        judge->round = stamp->round;
        memset(judge->seen, 0, sizeof(judge->seen));
    }
    if (judge->seen[stamp->pusher])
        assert_int_equal(stamp->number, judge->last[stamp->pusher] + 1);
    else if (!judge->partly)
        assert_int_equal(stamp->number, 0);
    judge->seen[stamp->pusher] = true;
    judge->last[stamp->pusher] = stamp->number;
}

static int judge_record(void *context, uint64_t position, struct bytes record)
{
    struct judge *judge = context;
    struct stamp stamp;

    (void)position;
    assert_true(record.size >= sizeof(stamp));
    memcpy(&stamp, record.data, sizeof(stamp));
    assert_int_equal(record.size, sizeof(stamp) + stamp.size);
    assert_true(stamp.pusher < PUSHERS);
    for (size_t at = 0; at < stamp.size; at++)
        assert_int_equal(record.data[sizeof(stamp) + at], byte_at(&stamp, at));
    judge_order(judge, &stamp);
    return 0;
}

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Reads what the writer tells, until so much was told or it is gone. Returns how much was. */
static unsigned hear(struct judge *judge, int in, unsigned most)
{
    unsigned heard = 0;
    struct news news;

    while (heard < most && read(in, &news, sizeof(news)) == sizeof(news)) {
        assert_true(news.durable >= judge->news.durable && news.kept >= judge->news.kept);
        judge->news = news;
        heard++;
    }
    return heard;
}

/* Goes on hearing for that long: a kill then does not follow from what was told. */
static void hear_for(struct judge *judge, int in, uint64_t duration_us)
{
    struct pollfd news = { .fd = in, .events = POLLIN };
    uint64_t end_us = now_us() + duration_us;

    for (uint64_t now = now_us(); now < end_us; now = now_us()) {
        const struct timespec rest = { 0, (long)(end_us - now) * 1000 };

        if (ppoll(&news, 1, &rest, NULL) > 0)
            hear(judge, in, 1);
    }
}

/* One writer from its start to its kill. */
static void run_writer(struct judge *judge, const char *path, uint32_t round, struct random *random)
{
    unsigned wanted = 1 + (unsigned)(random_next(random) % NEWS_MAX);
    int status;
    int ends[2];
    pid_t writer;

    assert_int_equal(pipe(ends), 0);
    writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        close(ends[0]);
        write_log(path, round, judge->news, ends[1]);
    }
    close(ends[1]);
    assert_int_equal(hear(judge, ends[0], wanted), wanted);
    hear_for(judge, ends[0], random_next(random) % DELAY_MAX_US);
    kill(writer, SIGKILL);
    hear(judge, ends[0], UINT32_MAX);
    close(ends[0]);
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void judge_log(struct judge *judge, const char *path)
{
    struct folder folder;
    struct files files;
    const struct record_log_setup setup = { .files = &files, .segment_size = SEGMENT_SIZE_MIN };
    struct record_log_finding finding;
    struct record_log *log;

    judge->begun = false;
    assert_int_equal(files_open(&files, &folder, path), 0);
    if (record_log_open(&log, &setup, judge->news.kept, judge_record, judge, &finding) < 0)
        fail_msg(
                "%s in %s at %llu", finding.text, finding.file, (unsigned long long)finding.offset);
    assert_true(record_log_durable(log) >= judge->news.durable);
    judge->news.durable = record_log_durable(log);
    record_log_close(log);
    files_close(&folder);
}

static int remove_one(void *context, const char *name)
{
    const struct files *files = context;

    return name[0] == '.' ? 0 : files->remove(files->context, name);
}

static void remove_folder(const char *path)
{
    struct folder folder;
    struct files files;

    assert_int_equal(files_open(&files, &folder, path), 0);
    assert_int_equal(files.list(&folder, remove_one, &files), 0);
    files_close(&folder);
    assert_int_equal(rmdir(path), 0);
}

TEST(what_a_killed_process_has_told_is_there)
{
    const char *wanted = getenv("ROUNDS");
    uint32_t rounds = wanted ? (uint32_t)strtoul(wanted, NULL, 10) : ROUNDS_DEFAULT;
    struct random random = { (uint64_t)time(NULL) };
    char path[] = "./crash-XXXXXX"; /* where the program runs: on a disk, as /tmp may not be */
    struct judge judge = { .begun = false };

    assert_non_null(mkdtemp(path));
    for (uint32_t round = 0; round < rounds; round++) {
        run_writer(&judge, path, round, &random);
        judge_log(&judge, path);
    }
    printf("%u kills, %llu records\n", rounds, (unsigned long long)judge.news.durable);
    remove_folder(path);
}
