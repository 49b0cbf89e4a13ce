/* SPDX-License-Identifier: Apache-2.0 */
#include "store/record_log.h"

#include "store/record_log_state.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    FRAME_BATCHES_MAX = FILES_PIECES_MAX - 2, /* besides the head and the zeros */
    FRAME_BODY_WANTED = 8 << 20,              /* more is left for the next commit */
};

/* ---- Pushing ---- */

/* One that waits to be used again, with its buffer; or a new one, without; NULL when memory is
 * short. Under queue_lock. */
static struct waiting *take_buffer(struct record_log *log)
{
    struct list *node = list_take_first(&log->buffers);

    if (!node)
        return calloc(1, sizeof(struct waiting));
    log->buffer_count--;
    return container_of(node, struct waiting, link);
}

/* Who pushes quicker than the disk writes has to wait. One batch alone is always taken. */
static bool is_crowded(const struct record_log *log, size_t more)
{
    size_t waiting = record_log_waiting(log);

    return waiting > 0 && waiting + more > log->waiting_max;
}

uint64_t record_log_push(struct record_log *log, struct record_batch *batch)
{
    struct record_batch pushed = *batch;
    struct waiting *waiting = NULL;
    uint64_t position;

    assert(batch->count > 0);
    pthread_mutex_lock(&log->queue_lock);
    if (!is_crowded(log, batch->size))
        waiting = take_buffer(log);
    if (!waiting) {
        pthread_mutex_unlock(&log->queue_lock);
        return UINT64_MAX;
    }
    list_init(&waiting->link);
    *batch = waiting->batch;
    waiting->batch = pushed;
    /* Relaxed: a gauge; what it counts is handed over under the lock. */
    atomic_fetch_add_explicit(&log->waiting_size, pushed.size, memory_order_relaxed);
    position = record_log_next(log);
    atomic_store_explicit(&log->next, position + pushed.count, memory_order_relaxed);
    list_append(&log->queue, &waiting->link);
    pthread_cond_signal(&log->news);
    pthread_mutex_unlock(&log->queue_lock);
    return position;
}

uint64_t record_log_durable(const struct record_log *log)
{
    return atomic_load_explicit(&log->durable, memory_order_acquire);
}

uint64_t record_log_next(const struct record_log *log)
{
    return atomic_load_explicit(&log->next, memory_order_relaxed);
}

size_t record_log_waiting(const struct record_log *log)
{
    return atomic_load_explicit(&log->waiting_size, memory_order_relaxed);
}

int record_log_trouble(const struct record_log *log)
{
    return atomic_load_explicit(&log->trouble, memory_order_acquire);
}

uint64_t record_log_seed(const struct record_log *log)
{
    return log->seed;
}

/* ---- Segments ---- */

int record_log_reserve(struct record_log *log)
{
    return segment_reserve(log);
}

static int write_head(struct record_log *log, struct segment *segment, uint64_t *sum)
{
    uint8_t block[BLOCK_SIZE];
    const struct iovec piece = { block, sizeof(block) };
    const struct segment_head head = { segment->number, segment->position, log->chain, log->seed,
        segment->lazy ? SEGMENT_LAZY : 0 };

    *sum = segment_head_encode(&head, block);
    return log->files->write(log->files->context, segment->file, &piece, 1, 0);
}

/*
 * A frame whose write has failed may be there all the same. It must not be found once another
 * frame, in the next segment, has its position.
 */
static int erase_given_up(struct record_log *log)
{
    static const uint8_t zeros[BLOCK_SIZE];
    const struct iovec piece = { (void *)(uintptr_t)zeros, sizeof(zeros) };
    const struct segment *last = log->last;
    int result;

    if (!log->given_up || !last || last->used == last->size)
        return 0;
    result = log->files->write(log->files->context, last->file, &piece, 1, last->used);
    if (result == 0)
        log->given_up = false;
    return result;
}

/* Its frames outlive a power cut from here on, if they did not before. */
static int settle_last(struct record_log *log)
{
    const struct segment *last = log->last;

    return last && last->lazy ? log->files->flush(log->files->context, last->file) : 0;
}

/* Goes on in a new segment. A failure leaves none behind, so that it can be tried again. */
static int begin_segment(struct record_log *log, uint64_t position, uint64_t frame_bytes)
{
    uint64_t number = log->last ? log->last->number + 1 : 1;
    struct segment *segment;
    uint64_t sum = 0;
    int result = settle_last(log);

    if (result == 0)
        result = segment_make(log, number, BLOCK_SIZE + frame_bytes, &segment);
    if (result != 0)
        return result;
    segment->position = position;
    segment->lazy = log->flush == LOG_FLUSH_LAZY;
    segment->used = BLOCK_SIZE;
    result = write_head(log, segment, &sum);
    pthread_mutex_lock(&log->segments_lock);
    if (result == 0 && !segments_add(log, segment))
        result = -ENOMEM;
    if (result == 0 && log->last)
        segment_trim(log->last);
    pthread_mutex_unlock(&log->segments_lock);
    if (result < 0) {
        segment_unmake(log, segment);
        return result;
    }
    log->last = segment;
    log->chain = sum;
    return 0;
}

/* The preparer knows that the reserve is missing. */
static void tell_scarce(struct record_log *log)
{
    pthread_mutex_lock(&log->queue_lock);
    pthread_cond_signal(&log->preparer_news);
    pthread_mutex_unlock(&log->queue_lock);
}

/* Half of a segment is left to make the next one ready. */
static void want_next(struct record_log *log)
{
    const struct segment *last = log->last;

    if (!log->running || last->used < last->size / 2)
        return;
    pthread_mutex_lock(&log->queue_lock);
    if (log->wanted != last->number + 1) {
        log->wanted = last->number + 1;
        pthread_cond_signal(&log->preparer_news);
    }
    pthread_mutex_unlock(&log->queue_lock);
}

/* ---- Committing ---- */

/* What one commit writes. */
struct commit {
    struct list batches;
    struct frame frame;
    size_t piece_count; /* of the body */
    struct iovec pieces[FILES_PIECES_MAX];
};

static void take_batches(struct record_log *log, struct commit *commit)
{
    struct list *node;

    pthread_mutex_lock(&log->queue_lock);
    while (commit->piece_count < FRAME_BATCHES_MAX && !list_empty(&log->queue)) {
        const struct record_batch *batch =
                &container_of(log->queue.next, struct waiting, link)->batch;

        if (commit->piece_count > 0 && commit->frame.body_size + batch->size > FRAME_BODY_WANTED)
            break;
        node = list_take_first(&log->queue);
        list_append(&commit->batches, node);
        commit->frame.count += batch->count;
        commit->frame.body_size += (uint32_t)batch->size;
        commit->pieces[1 + commit->piece_count++] = (struct iovec){ batch->data, batch->size };
    }
    pthread_mutex_unlock(&log->queue_lock);
}

/* They wait again, before what has come since. */
static void put_back(struct record_log *log, struct commit *commit)
{
    pthread_mutex_lock(&log->queue_lock);
    list_move_all(&commit->batches, &log->queue);
    list_move_all(&log->queue, &commit->batches);
    pthread_mutex_unlock(&log->queue_lock);
}

static int write_frame(struct record_log *log, struct segment *segment, struct commit *commit)
{
    static const uint8_t zeros[BLOCK_SIZE];
    struct frame *frame = &commit->frame;
    const struct files *files = log->files;
    uint64_t end = FRAME_HEAD_SIZE + frame->body_size;
    uint8_t head[FRAME_HEAD_SIZE];

    frame->chain = log->chain;
    frame->sum = frame_sum(frame, log->seed, commit->pieces + 1, commit->piece_count);
    frame_encode(frame, log->seed, head);
    commit->pieces[0] = (struct iovec){ head, sizeof(head) };
    commit->pieces[1 + commit->piece_count] = (struct iovec){ (void *)(uintptr_t)zeros,
        (size_t)(frame_size(frame->body_size) - end) };
    return (segment->lazy ? files->put : files->write)(
            files->context, segment->file, commit->pieces, commit->piece_count + 2, segment->used);
}

static void note_records(struct record_log *log, struct segment *segment, struct commit *commit)
{
    uint64_t offset = segment->used + FRAME_HEAD_SIZE;

    pthread_mutex_lock(&log->segments_lock);
    for (size_t i = 1; i <= commit->piece_count; i++) {
        segment_note(
                segment, offset, bytes_of(commit->pieces[i].iov_base, commit->pieces[i].iov_len));
        offset += commit->pieces[i].iov_len;
    }
    segment->used += frame_size(commit->frame.body_size);
    pthread_mutex_unlock(&log->segments_lock);
}

/* Room in the last segment for the frame and for what is noted of its records. */
static int make_room(struct record_log *log, const struct frame *frame)
{
    uint64_t bytes = frame_size(frame->body_size);
    int result = 0;
    bool good;

    if (!log->last || log->last->used + bytes > log->last->size ||
            log->last->lazy != (log->flush == LOG_FLUSH_LAZY)) {
        result = erase_given_up(log);
        if (result == 0)
            result = begin_segment(log, frame->position, bytes);
        if (record_log_is_scarce(log))
            tell_scarce(log);
    }
    if (result < 0)
        return result;
    pthread_mutex_lock(&log->segments_lock);
    good = segment_make_room(log->last, frame->count);
    pthread_mutex_unlock(&log->segments_lock);
    return good ? 0 : -ENOMEM;
}

static void sign_records(const struct record_log *log, const struct commit *commit)
{
    uint64_t position = commit->frame.position;
    const struct list *node;

    for (node = commit->batches.next; node != &commit->batches; node = node->next) {
        const struct record_batch *batch = &container_of(node, struct waiting, link)->batch;

        record_sign_all(batch->data, batch->size, position, log->seed);
        position += batch->count;
    }
}

static int tell_frame(const struct record_log *log,
        int (*tell)(void *context, const struct record_frame *frame), const struct commit *commit)
{
    const struct record_frame frame = { commit->frame.position, commit->frame.count,
        commit->frame.body_size, commit->pieces + 1, commit->piece_count };

    return tell ? tell(log->context, &frame) : 0;
}

static int write_commit(struct record_log *log, struct commit *commit)
{
    int result;

    commit->frame.position = record_log_durable(log);
    result = make_room(log, &commit->frame);
    if (result == 0)
        result = tell_frame(log, log->expect, commit);
    if (result < 0)
        return result;
    sign_records(log, commit);
    result = write_frame(log, log->last, commit);
    log->given_up = result < 0;
    if (result < 0)
        return result;
    note_records(log, log->last, commit);
    tell_frame(log, log->written, commit);
    log->chain = commit->frame.sum;
    return 0;
}

/* Buffers of batches that are durable are used again, or given back. */
static void free_batches(struct record_log *log, struct list *batches)
{
    struct list *node;

    while ((node = list_take_first(batches))) {
        struct waiting *waiting = container_of(node, struct waiting, link);
        bool kept = waiting->batch.room <= BUFFER_KEPT_MAX;

        atomic_fetch_sub_explicit(&log->waiting_size, waiting->batch.size, memory_order_relaxed);
        waiting->batch.size = 0;
        waiting->batch.count = 0;
        pthread_mutex_lock(&log->queue_lock);
        kept = kept && log->buffer_count < BUFFERS_MAX;
        if (kept) {
            list_append(&log->buffers, &waiting->link);
            log->buffer_count++;
        }
        pthread_mutex_unlock(&log->queue_lock);
        if (!kept) {
            record_batch_reset(&waiting->batch);
            free(waiting);
        }
    }
}

/* Those that may pass by themselves; of any other nobody knows what it has left on the disk. */
static bool may_pass(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -ENOMEM || error == -EMFILE ||
            error == -ENFILE;
}

/* What has ended commits is never taken back. */
static void set_trouble(struct record_log *log, int trouble)
{
    int before = record_log_trouble(log);

    if (trouble != 0 && may_pass(trouble))
        trouble = -ENOSPC;
    do {
        if (before == trouble || (before != 0 && before != -ENOSPC))
            return;
    } while (!atomic_compare_exchange_weak_explicit(
            &log->trouble, &before, trouble, memory_order_acq_rel, memory_order_acquire));
    if (log->changed)
        log->changed(log->context);
}

/* ---- Flushing lazily ---- */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t now_ms(void)
{
    return now_ns() / 1000000;
}

/* What is written is to be flushed in time. */
static void want_flush(struct record_log *log)
{
    if (log->flush == LOG_FLUSH_LAZY && log->interval_ms > 0 && log->flush_at_ms == INT64_MAX)
        log->flush_at_ms = now_ms() + log->interval_ms;
}

int record_log_flush(struct record_log *log)
{
    int file = -1;
    int result = record_log_trouble(log);

    if (log->flush != LOG_FLUSH_LAZY || (result != 0 && !may_pass(result)))
        return log->flush == LOG_FLUSH_LAZY ? result : 0;
    pthread_mutex_lock(&log->segments_lock);
    if (log->segment_count > 0)
        file = log->segments[log->segment_count - 1]->file;
    pthread_mutex_unlock(&log->segments_lock);
    result = file >= 0 ? log->files->flush(log->files->context, file) : 0;
    if (result < 0)
        set_trouble(log, result);
    return result;
}

/* ---- One commit ---- */

static void count_commit(struct record_log *log, const struct commit *commit, int64_t ns)
{
    atomic_fetch_add_explicit(&log->commits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(
            &log->written_bytes, frame_size(commit->frame.body_size), memory_order_relaxed);
    if (ns > atomic_load_explicit(&log->commit_ns_max, memory_order_relaxed))
        atomic_store_explicit(&log->commit_ns_max, ns, memory_order_relaxed);
}

void record_log_figures(struct record_log *log, struct record_log_figures *out)
{
    out->commits = atomic_load_explicit(&log->commits, memory_order_relaxed);
    out->written_bytes = atomic_load_explicit(&log->written_bytes, memory_order_relaxed);
    out->commit_ns_max = atomic_exchange_explicit(&log->commit_ns_max, 0, memory_order_relaxed);
}

int record_log_commit(struct record_log *log)
{
    int trouble = record_log_trouble(log);
    struct commit commit = { .piece_count = 0 };
    int64_t began = now_ns();
    int result;

    if (trouble != 0 && !may_pass(trouble))
        return trouble;
    list_init(&commit.batches);
    take_batches(log, &commit);
    if (commit.piece_count == 0)
        return 0;
    result = write_commit(log, &commit);
    if (result < 0) {
        put_back(log, &commit);
        set_trouble(log, result);
        return result;
    }
    count_commit(log, &commit, now_ns() - began);
    atomic_store_explicit(
            &log->durable, commit.frame.position + commit.frame.count, memory_order_release);
    free_batches(log, &commit.batches);
    want_next(log);
    want_flush(log);
    set_trouble(log, 0);
    if (log->changed)
        log->changed(log->context);
    return 1;
}

/* ---- The committer ---- */

enum work { WORK_COMMIT, WORK_FLUSH, WORK_END };

static bool is_full(const struct record_log *log)
{
    return record_log_trouble(log) == -ENOSPC;
}

static void wait_until(pthread_cond_t *news, pthread_mutex_t *lock, int64_t alarm_ms)
{
    struct timespec until = { .tv_sec = alarm_ms / 1000, .tv_nsec = alarm_ms % 1000 * 1000000 };

    if (alarm_ms == INT64_MAX)
        pthread_cond_wait(news, lock);
    else
        pthread_cond_timedwait(news, lock, &until);
}

/* Waits until there is something to do; on a full disk, until it is time to try again. */
static enum work await_work(struct record_log *log)
{
    int64_t retry_ms = now_ms() + (is_full(log) ? FULL_RETRY_MS : 0);
    enum work work = WORK_END;

    pthread_mutex_lock(&log->queue_lock);
    for (;;) {
        bool waits = !list_empty(&log->queue);
        int64_t ms = now_ms();

        if (log->stopping && (is_full(log) || !waits))
            break;
        if (waits && ms >= retry_ms)
            work = WORK_COMMIT;
        else if (ms >= log->flush_at_ms)
            work = WORK_FLUSH;
        if (work != WORK_END)
            break;
        wait_until(&log->news, &log->queue_lock,
                waits && retry_ms < log->flush_at_ms ? retry_ms : log->flush_at_ms);
    }
    pthread_mutex_unlock(&log->queue_lock);
    return work;
}

static void *run(void *context)
{
    struct record_log *log = context;
    enum work work = WORK_COMMIT;
    int result = 0;

    while (result >= 0 && (work = await_work(log)) != WORK_END) {
        if (work == WORK_COMMIT)
            result = record_log_commit(log);
        if (work == WORK_FLUSH) {
            log->flush_at_ms = INT64_MAX;
            result = record_log_flush(log);
        }
        if (result < 0 && is_full(log))
            result = 0;
    }
    record_log_flush(log);
    return NULL;
}

/* ---- The preparer ---- */

/* Waits for the wish for another segment than the last one, or until it is time to look at the
 * reserve again, if that is missing. False: the log stops. */
static bool await_wish(struct record_log *log, bool restocked, uint64_t *number)
{
    int64_t retry_ms = now_ms() + FULL_RETRY_MS;
    bool goes_on;

    pthread_mutex_lock(&log->queue_lock);
    while (!log->stopping && log->wanted == *number) {
        bool lacks = !restocked || record_log_is_scarce(log);

        if (lacks && now_ms() >= retry_ms)
            break;
        wait_until(&log->preparer_news, &log->queue_lock, lacks ? retry_ms : INT64_MAX);
    }
    goes_on = !log->stopping;
    *number = log->wanted;
    pthread_mutex_unlock(&log->queue_lock);
    return goes_on;
}

static void *run_preparer(void *context)
{
    struct record_log *log = context;
    uint64_t number = 0;
    uint64_t done = 0;

    while (await_wish(log, reserve_restock(log), &number)) {
        if (number != done)
            segment_prepare(log, number);
        done = number;
    }
    return NULL;
}

/* ---- Both ---- */

static void tell_stop(struct record_log *log, bool stopping)
{
    pthread_mutex_lock(&log->queue_lock);
    log->stopping = stopping;
    pthread_cond_signal(&log->news);
    pthread_cond_signal(&log->preparer_news);
    pthread_mutex_unlock(&log->queue_lock);
}

int record_log_start(struct record_log *log)
{
    int result;

    tell_stop(log, false);
    log->wanted = 0;
    result = -pthread_create(&log->preparer, NULL, run_preparer, log);
    if (result < 0)
        return result;
    log->running = true;
    result = -pthread_create(&log->thread, NULL, run, log);
    if (result == 0)
        return 0;
    log->running = false;
    tell_stop(log, true);
    pthread_join(log->preparer, NULL);
    return result;
}

void record_log_stop(struct record_log *log)
{
    if (!log->running)
        return;
    tell_stop(log, true);
    pthread_join(log->thread, NULL);
    pthread_join(log->preparer, NULL);
    log->running = false;
}

static void free_buffers(struct list *buffers)
{
    struct list *node;

    while ((node = list_take_first(buffers))) {
        struct waiting *waiting = container_of(node, struct waiting, link);

        record_batch_reset(&waiting->batch);
        free(waiting);
    }
}

void record_log_close(struct record_log *log)
{
    free_buffers(&log->queue);
    free_buffers(&log->buffers);
    segments_deinit(log);
    pthread_mutex_destroy(&log->segments_lock);
    pthread_mutex_destroy(&log->files_lock);
    pthread_mutex_destroy(&log->queue_lock);
    pthread_cond_destroy(&log->news);
    pthread_cond_destroy(&log->preparer_news);
    free(log);
}
