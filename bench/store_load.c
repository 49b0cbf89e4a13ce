/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One measurement of bench/store, as a line of JSON:
 *
 *   store_load log FOLDER RECORD_SIZE RECORDS_PER_PUSH THREADS SECONDS
 *   store_load bare FOLDER RECORD_SIZE RECORDS_PER_WRITE 1 SECONDS
 *   store_load open FOLDER RECORD_SIZE RECORDS_PER_PUSH 1 MEGABYTES
 *   store_load store FOLDER BODY_SIZE MESSAGES_PER_PUSH THREADS SECONDS
 *   store_load backlog FOLDER BODY_SIZE MESSAGES_PER_PUSH 1 MESSAGES
 *
 * `log`: each thread pushes a batch, waits until it is durable, and pushes the next. `bare`: write
 * and fdatasync of frames of that size, one after the other, over a file of a segment's size. Both
 * write to files that have been written before. `open`: opens a log of so many megabytes, whose
 * bytes are in the system's memory. `store`: each thread pushes messages for a queue of its own, is
 * done with those LAG before, waits, and goes on. `backlog`: so many messages wait in a queue when
 * the process is killed; another one opens the store, stops it, opens it again, and takes them.
 */
#include "store/archive_lmdb.h"
#include "store/store.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LATENCIES_MAX = 1 << 20, THREADS_MAX = 16, WARM_PUSHES = 6 * 16, WARM_RECORD = 1 << 20 };
enum { LAG = 1000, FILL_WAITING_MAX = 8 << 20 };

struct load {
    struct files files;
    struct folder folder;
    struct record_log *log;
    struct archive archive;
    struct archive_lmdb *lmdb;
    struct store *store; /* in place of the log */
    size_t record_size;
    unsigned per_push;
    double until;
    uint64_t commits;
    bool keeps; /* everything */
    pthread_mutex_t lock;
    pthread_cond_t durable;
};

struct pusher {
    struct load *load;
    pthread_t thread;
    uint64_t records;
    size_t count;
    double *latencies;
};

struct measurement {
    double began;
    double cpu;
    unsigned long long written;
};

static void require(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "store_load: %s\n", what);
    exit(EXIT_FAILURE);
}

/* ---- Measuring ---- */

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Bytes that were handed to the system so far. */
static unsigned long long bytes_written(void)
{
    FILE *file = fopen("/proc/self/io", "r");
    unsigned long long written = 0;

    require(file && fscanf(file, "rchar: %*u wchar: %llu", &written) == 1, "/proc/self/io");
    fclose(file);
    return written;
}

static struct measurement begin_measurement(void)
{
    return (struct measurement){ now(), cpu_seconds(), bytes_written() };
}

static int compare(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;

    return (*a > *b) - (*a < *b);
}

static void report(const struct measurement *begin, uint64_t records, uint64_t commits,
        double latencies[], size_t count)
{
    double seconds = now() - begin->began;
    double cpu = cpu_seconds() - begin->cpu;
    unsigned long long written = bytes_written() - begin->written;

    require(records > 0 && commits > 0 && count > 0, "nothing was written");
    qsort(latencies, count, sizeof(*latencies), compare);
    printf("{\"records_per_s\": %.0f, \"cpu_us\": %.4f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
           "\"bytes\": %.1f, \"per_commit\": %.1f}\n",
            (double)records / seconds, cpu * 1e6 / (double)records, latencies[count / 2] * 1e6,
            latencies[count - 1 - count / 100] * 1e6, (double)written / (double)records,
            (double)records / (double)commits);
}

/* ---- The log ---- */

static void tell(void *context)
{
    struct load *load = context;

    load->commits++;
    require(record_log_trouble(load->log) == 0, "the log has ended");
    pthread_mutex_lock(&load->lock);
    pthread_cond_broadcast(&load->durable);
    pthread_mutex_unlock(&load->lock);
    if (!load->keeps && load->commits % 64 == 0)
        record_log_forget(load->log, record_log_durable(load->log));
}

static void push_and_wait(
        struct load *load, struct record_batch *batch, size_t size, unsigned count)
{
    uint64_t end;

    for (unsigned i = 0; i < count; i++) {
        uint8_t *record = record_batch_add(batch, size);

        require(record, "no memory");
        memset(record, 'a' + (int)(i % 26), size);
    }
    end = record_log_push(load->log, batch);
    require(end != UINT64_MAX, "no memory");
    end += count;
    pthread_mutex_lock(&load->lock);
    while (record_log_durable(load->log) < end)
        pthread_cond_wait(&load->durable, &load->lock);
    pthread_mutex_unlock(&load->lock);
}

static void *push_on(void *context)
{
    struct pusher *pusher = context;
    struct load *load = pusher->load;
    struct record_batch batch = { 0 };

    for (double begin = now(); begin < load->until; begin = now()) {
        push_and_wait(load, &batch, load->record_size, load->per_push);
        pusher->records += load->per_push;
        if (pusher->count < LATENCIES_MAX)
            pusher->latencies[pusher->count++] = now() - begin;
    }
    record_batch_reset(&batch);
    return NULL;
}

static int count_record(void *context, uint64_t position, struct bytes record)
{
    (void)position;
    (void)record;
    ++*(uint64_t *)context;
    return 0;
}

static void open_log(struct load *load, const char *path, uint64_t *records)
{
    const struct record_log_setup setup = { .files = &load->files,
        .seed = 4711,
        .segment_size = SEGMENT_SIZE_DEFAULT,
        .changed = tell,
        .context = load };
    struct record_log_finding finding;

    require(files_open(&load->files, &load->folder, path) == 0, "the folder cannot be opened");
    require(record_log_open(&load->log, &setup, 0, count_record, records, &finding) == 0,
            "the log cannot be opened");
}

static void close_log(struct load *load)
{
    record_log_stop(load->log);
    record_log_close(load->log);
    files_close(&load->folder);
}

static void measure_log(struct load *load, const char *path, unsigned threads, double seconds)
{
    struct pusher pushers[THREADS_MAX];
    double *latencies = malloc((size_t)threads * LATENCIES_MAX * sizeof(*latencies));
    struct measurement begin;
    struct record_batch batch = { 0 };
    uint64_t records = 0;
    size_t count = 0;

    require(latencies && threads <= THREADS_MAX, "too many threads");
    open_log(load, path, &records);
    require(record_log_start(load->log) == 0, "no thread");
    for (unsigned i = 0; i < WARM_PUSHES; i++)
        push_and_wait(load, &batch, WARM_RECORD, 1);
    record_batch_reset(&batch);
    load->commits = 0;
    load->until = now() + seconds;
    begin = begin_measurement();
    for (unsigned i = 0; i < threads; i++) {
        pushers[i] = (struct pusher){ .load = load, .latencies = latencies + i * LATENCIES_MAX };
        require(pthread_create(&pushers[i].thread, NULL, push_on, &pushers[i]) == 0, "no thread");
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(pushers[i].thread, NULL);
        records += pushers[i].records;
        memmove(latencies + count, pushers[i].latencies, pushers[i].count * sizeof(*latencies));
        count += pushers[i].count;
    }
    report(&begin, records, load->commits, latencies, count);
    close_log(load);
    free(latencies);
}

/* ---- Beside it ---- */

static void measure_bare(const struct load *load, const char *path, double seconds)
{
    size_t size = (size_t)frame_size((uint32_t)(record_room(load->record_size) * load->per_push));
    size_t room = size > SEGMENT_SIZE_DEFAULT ? size : SEGMENT_SIZE_DEFAULT / size * size;
    double *latencies = malloc(LATENCIES_MAX * sizeof(*latencies));
    uint8_t *bytes = malloc(room);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int file = openat(folder, "bare", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct measurement begin;
    uint64_t writes = 0;
    size_t count = 0;

    require(latencies && bytes && file >= 0, "no file");
    memset(bytes, 'a', room);
    require(pwrite(file, bytes, room, 0) == (ssize_t)room && fsync(file) == 0, "no room");
    begin = begin_measurement();
    for (double before = now(); before < begin.began + seconds; before = now(), writes++) {
        off_t offset = (off_t)(writes * size % room);

        require(pwrite(file, bytes, size, offset) == (ssize_t)size && fdatasync(file) == 0, "disk");
        if (count < LATENCIES_MAX)
            latencies[count++] = now() - before;
    }
    report(&begin, writes * load->per_push, writes, latencies, count);
    close(file);
    close(folder);
    free(bytes);
    free(latencies);
}

static void measure_open(struct load *load, const char *path, double megabytes)
{
    struct record_batch batch = { 0 };
    uint64_t records = 0;
    size_t before;
    size_t memory; /* without the buffer that is there once */
    double began;
    double opened;

    load->keeps = true;
    open_log(load, path, &records);
    require(record_log_start(load->log) == 0, "no thread");
    for (double done = 0; done < megabytes * (1 << 20);
            done += (double)(record_room(load->record_size) * load->per_push))
        push_and_wait(load, &batch, load->record_size, load->per_push);
    record_batch_reset(&batch);
    close_log(load);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    began = now();
    records = 0;
    open_log(load, path, &records);
    opened = now();
    memory = mallinfo2().uordblks + mallinfo2().hblkhd - before - FILES_DIRECT_MAX;
    printf("{\"open_ms\": %.1f, \"records\": %llu, \"memory_bytes\": %.2f}\n",
            (opened - began) * 1e3, (unsigned long long)records, (double)memory / (double)records);
    close_log(load);
}

/* ---- The store ---- */

static void tell_store(void *context)
{
    struct load *load = context;

    require(store_trouble(load->store) == 0, "the store has ended");
    pthread_mutex_lock(&load->lock);
    pthread_cond_broadcast(&load->durable);
    pthread_mutex_unlock(&load->lock);
}

/* Returns how many records were replayed. */
static uint64_t open_store(struct load *load, const char *path)
{
    const struct store_setup setup = { .files = &load->files,
        .archive = &load->archive,
        .seed = 4711,
        .changed = tell_store,
        .context = load };
    struct store_finding finding;

    require(files_open(&load->files, &load->folder, path) == 0, "the folder cannot be opened");
    require(archive_lmdb_open(&load->lmdb, &load->archive, path, ARCHIVE_WRITES, 0) == 0,
            "the archive cannot be opened");
    require(store_open(&load->store, &setup, &finding) == 0, "the store cannot be opened");
    return finding.replayed;
}

static void close_store(struct load *load)
{
    store_close(load->store);
    archive_lmdb_close(load->lmdb);
    files_close(&load->folder);
}

static void await_durable(struct load *load, uint64_t end)
{
    pthread_mutex_lock(&load->lock);
    while (store_durable(load->store) < end)
        pthread_cond_wait(&load->durable, &load->lock);
    pthread_mutex_unlock(&load->lock);
}

static void add_message(struct record_batch *batch, uint64_t queue, size_t size)
{
    const struct record_place place = { queue, BYTES("tag") };
    uint8_t *body = records_message(batch, &place, 1, size);

    require(body, "no memory");
    memset(body, 'a', size);
}

/* The messages of one thread that it is not done with. */
struct flow {
    uint64_t ids[LAG];
    uint64_t count; /* ever */
};

/* Returns the position after all of it. */
static uint64_t push_flow(
        struct load *load, struct record_batch *batch, struct flow *flow, uint64_t queue)
{
    uint64_t position;
    uint64_t end;

    for (unsigned i = 0; i < load->per_push; i++) {
        uint64_t *id = &flow->ids[flow->count++ % LAG];

        if (*id != 0)
            require(records_done(batch, queue, *id), "no memory");
        *id = RECORD_IN_BATCH + batch->count;
        add_message(batch, queue, load->record_size);
    }
    end = batch->count;
    position = store_push(load->store, batch);
    require(position != UINT64_MAX, "no memory");
    for (unsigned i = 0; i < LAG; i++) {
        if (flow->ids[i] & RECORD_IN_BATCH)
            flow->ids[i] = position + (flow->ids[i] & ~RECORD_IN_BATCH);
    }
    return position + end;
}

static void *flow_on(void *context)
{
    struct pusher *pusher = context;
    struct load *load = pusher->load;
    struct record_batch batch = { 0 };
    struct flow *flow = calloc(1, sizeof(*flow));
    uint64_t queue = 1 + (uint64_t)((uintptr_t)pusher >> 4 & 1023);

    require(flow, "no memory");
    for (double begin = now(); begin < load->until; begin = now()) {
        await_durable(load, push_flow(load, &batch, flow, queue));
        pusher->records += load->per_push;
        if (pusher->count < LATENCIES_MAX)
            pusher->latencies[pusher->count++] = now() - begin;
    }
    record_batch_reset(&batch);
    free(flow);
    return NULL;
}

static void measure_store(struct load *load, const char *path, unsigned threads, double seconds)
{
    struct pusher pushers[THREADS_MAX];
    double *latencies = malloc((size_t)threads * LATENCIES_MAX * sizeof(*latencies));
    struct pusher warm = { .load = load, .latencies = latencies };
    struct store_figures before;
    struct store_figures figures;
    struct measurement begin;
    uint64_t records = 0;
    size_t count = 0;

    require(latencies && threads <= THREADS_MAX, "too many threads");
    open_store(load, path);
    require(store_start(load->store) == 0, "no thread");
    load->until = now() + 1; /* until all files have been written once */
    flow_on(&warm);
    store_figures(load->store, &before);
    load->until = now() + seconds;
    begin = begin_measurement();
    for (unsigned i = 0; i < threads; i++) {
        pushers[i] = (struct pusher){ .load = load, .latencies = latencies + i * LATENCIES_MAX };
        require(pthread_create(&pushers[i].thread, NULL, flow_on, &pushers[i]) == 0, "no thread");
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(pushers[i].thread, NULL);
        records += pushers[i].records;
        memmove(latencies + count, pushers[i].latencies, pushers[i].count * sizeof(*latencies));
        count += pushers[i].count;
    }
    store_figures(load->store, &figures);
    report(&begin, records, figures.commits - before.commits, latencies, count);
    store_stop(load->store);
    close_store(load);
    free(latencies);
}

/* ---- A backlog ---- */

/* In a process of its own, which does not come to an end. */
static void fill(struct load *load, const char *path, uint64_t messages)
{
    struct record_batch batch = { 0 };
    double began = now();
    uint64_t end = 0;

    open_store(load, path);
    require(store_start(load->store) == 0, "no thread");
    for (uint64_t done = 0; done < messages; done += load->per_push) {
        for (unsigned i = 0; i < load->per_push; i++)
            add_message(&batch, 7, load->record_size);
        end = store_push(load->store, &batch) + load->per_push;
        if (done % FILL_WAITING_MAX < load->per_push * load->record_size)
            await_durable(load, end);
    }
    await_durable(load, end);
    printf("{\"fill_per_s\": %.0f", (double)messages / (now() - began));
    fflush(stdout);
    _exit(EXIT_SUCCESS);
}

struct taking {
    struct store_fetch fetch;
    struct load *load;
    bool answered;
};

static void take_answer(struct store_fetch *fetch)
{
    struct taking *taking = container_of(fetch, struct taking, fetch);

    pthread_mutex_lock(&taking->load->lock);
    taking->answered = true;
    pthread_cond_broadcast(&taking->load->durable);
    pthread_mutex_unlock(&taking->load->lock);
}

/* Fetches all of them, and is done with each. */
static uint64_t take_all(struct load *load)
{
    struct taking taking = { .fetch = { .queue = 7, .done = take_answer }, .load = load };
    struct record_batch batch = { 0 };
    uint64_t taken = 0;

    taking.fetch.before = store_durable(load->store);
    do {
        taking.answered = false;
        store_fetch(load->store, &taking.fetch);
        pthread_mutex_lock(&load->lock);
        while (!taking.answered)
            pthread_cond_wait(&load->durable, &load->lock);
        pthread_mutex_unlock(&load->lock);
        require(taking.fetch.result == 0, "a fetch has failed");
        for (uint32_t i = 0; i < taking.fetch.item_count; i++) {
            taking.fetch.after = taking.fetch.items[i].id;
            require(records_done(&batch, 7, taking.fetch.after), "no memory");
        }
        taken += taking.fetch.item_count;
        store_fetch_release(&taking.fetch);
        if (batch.count > 0)
            require(store_push(load->store, &batch) != UINT64_MAX, "no memory");
    } while (!taking.fetch.complete);
    await_durable(load, store_next(load->store));
    record_batch_reset(&batch);
    return taken;
}

static size_t private_memory(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static int count_one(void *context, uint64_t queue, uint64_t count, uint64_t bytes, uint64_t first,
        uint64_t last)
{
    (void)queue;
    (void)bytes;
    (void)first;
    (void)last;
    *(uint64_t *)context += count;
    return 0;
}

static double time_opening(
        struct load *load, const char *path, uint64_t messages, uint64_t *replayed)
{
    uint64_t count = 0;
    const struct store_visitor visitor = { .queue = count_one, .context = &count };
    double began = now();
    double opened;

    *replayed = open_store(load, path);
    require(store_walk(load->store, &visitor) == 0, "the store cannot be read");
    opened = now() - began;
    require(count == messages, "not all that was pushed is there");
    return opened;
}

static void measure_backlog(struct load *load, const char *path, uint64_t messages)
{
    pid_t filler = fork();
    uint64_t replayed;
    double after_kill;
    double cpu;
    double began;
    size_t memory;
    int status;

    if (filler == 0)
        fill(load, path, messages);
    require(waitpid(filler, &status, 0) == filler && status == 0, "filling has failed");
    memory = private_memory();
    cpu = cpu_seconds();
    after_kill = time_opening(load, path, messages, &replayed);
    printf(", \"replayed\": %llu, \"open_after_kill_ms\": %.0f, \"open_after_kill_cpu_ms\": %.0f, "
           "\"memory_mb\": %.1f",
            (unsigned long long)replayed, after_kill * 1e3, (cpu_seconds() - cpu) * 1e3,
            (double)(private_memory() - memory) / (1 << 20));
    require(store_start(load->store) == 0, "no thread");
    store_stop(load->store);
    close_store(load);
    printf(", \"open_after_stop_ms\": %.1f", time_opening(load, path, messages, &replayed) * 1e3);
    require(store_start(load->store) == 0, "no thread");
    began = now();
    require(take_all(load) == messages, "not all that was pushed was fetched");
    printf(", \"drain_per_s\": %.0f, \"memory_after_mb\": %.1f", (double)messages / (now() - began),
            (double)(private_memory() - memory) / (1 << 20));
    began = now();
    store_stop(load->store);
    printf(", \"stop_ms\": %.0f}\n", (now() - began) * 1e3);
    close_store(load);
}

int main(int count, char *words[])
{
    struct load load = { .keeps = false };

    require(count == 7,
            "log|bare|open|store|backlog FOLDER RECORD_SIZE RECORDS THREADS SECONDS|MEGABYTES");
    load.record_size = strtoul(words[3], NULL, 10);
    load.per_push = (unsigned)strtoul(words[4], NULL, 10);
    require(load.per_push > 0, "records per push: at least 1");
    pthread_mutex_init(&load.lock, NULL);
    pthread_cond_init(&load.durable, NULL);
    if (strcmp(words[1], "log") == 0)
        measure_log(&load, words[2], (unsigned)strtoul(words[5], NULL, 10), strtod(words[6], NULL));
    else if (strcmp(words[1], "bare") == 0)
        measure_bare(&load, words[2], strtod(words[6], NULL));
    else if (strcmp(words[1], "open") == 0)
        measure_open(&load, words[2], strtod(words[6], NULL));
    else if (strcmp(words[1], "store") == 0)
        measure_store(
                &load, words[2], (unsigned)strtoul(words[5], NULL, 10), strtod(words[6], NULL));
    else if (strcmp(words[1], "backlog") == 0)
        measure_backlog(
                &load, words[2], strtoul(words[6], NULL, 10) / load.per_push * load.per_push);
    else
        require(false, "log, bare, open, store or backlog");
    return 0;
}
