/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a log: what is there, what of it was durable, and whether anything is missing. */
#include "store/record_log_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ERASED_AT_ONCE = 1 << 20 };

struct recovery {
    struct record_log *log;
    uint64_t from;
    record_reader read;
    void *context;
    struct record_log_finding *finding;
    uint64_t *numbers; /* of the segments */
    size_t number_count;
    size_t number_room;
    uint8_t *body; /* of the frame that is read */
    size_t body_room;
    uint64_t next;    /* the position of the next record */
    uint64_t sum;     /* of the last frame or head */
    uint64_t tail;    /* where that begins in its segment */
    uint64_t unbegun; /* the number of a last segment that has no head; 0: none */
};

static void find_fault(
        struct recovery *recovery, uint64_t number, uint64_t offset, const char *text)
{
    segment_name(recovery->finding->file, "log", number);
    recovery->finding->offset = offset;
    recovery->finding->text = text;
}

/* ---- The folder ---- */

static int note_name(void *context, const char *name)
{
    struct recovery *recovery = context;
    uint64_t number;

    if (segment_number(name, "free", &number))
        return spares_add(recovery->log, number) ? 0 : -ENOMEM;
    if (!segment_number(name, "log", &number))
        return 0;
    if (recovery->number_count == recovery->number_room) {
        size_t room = recovery->number_room > 0 ? recovery->number_room * 2 : 16;
        uint64_t *numbers = realloc(recovery->numbers, room * sizeof(*numbers));

        if (!numbers)
            return -ENOMEM;
        recovery->numbers = numbers;
        recovery->number_room = room;
    }
    recovery->numbers[recovery->number_count++] = number;
    return 0;
}

static int compare_numbers(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return (*a > *b) - (*a < *b);
}

static int list_segments(struct recovery *recovery)
{
    const struct files *files = recovery->log->files;
    int result = files->list(files->context, note_name, recovery);

    if (result < 0)
        return result;
    if (recovery->number_count > 1)
        qsort(recovery->numbers, recovery->number_count, sizeof(uint64_t), compare_numbers);
    for (size_t i = 1; i < recovery->number_count; i++) {
        if (recovery->numbers[i] != recovery->numbers[i - 1] + 1) {
            find_fault(recovery, recovery->numbers[i - 1] + 1, 0, "the file is missing");
            return -EBADMSG;
        }
    }
    return 0;
}

/* ---- Frames ---- */

static bool make_body_room(struct recovery *recovery, size_t size)
{
    if (size <= recovery->body_room)
        return true;
    free(recovery->body);
    recovery->body = malloc(size);
    recovery->body_room = recovery->body ? size : 0;
    return recovery->body;
}

/*
 * Reads the frame at that offset of a file that ends at `end`, its body into recovery->body.
 * Returns 1; 0 when there is no frame whose sum is right; or -errno.
 */
static int read_frame(
        struct recovery *recovery, int file, uint64_t offset, uint64_t end, struct frame *frame)
{
    const struct record_log *log = recovery->log;
    uint8_t head[FRAME_HEAD_SIZE];
    struct iovec body;
    int64_t got = log->files->read(log->files->context, file, head, sizeof(head), offset);

    if (got < 0)
        return (int)got;
    if (got != sizeof(head) || !frame_decode(frame, log->seed, head) ||
            frame->position < recovery->next || frame_size(frame->body_size) > end - offset)
        return 0;
    if (!make_body_room(recovery, frame->body_size))
        return -ENOMEM;
    got = log->files->read(
            log->files->context, file, recovery->body, frame->body_size, offset + FRAME_HEAD_SIZE);
    if (got < 0)
        return (int)got;
    body = (struct iovec){ recovery->body, frame->body_size };
    return got == frame->body_size && frame_sum(frame, log->seed, &body, 1) == frame->sum;
}

static int give_records(struct recovery *recovery, const struct frame *frame)
{
    struct bytes rest = bytes_of(recovery->body, frame->body_size);
    uint64_t position = frame->position;
    struct bytes record;

    for (uint32_t i = 0; i < frame->count; i++, position++) {
        int result = 0;

        if (!record_take(&rest, &record))
            return -EBADMSG;
        if (position >= recovery->from)
            result = recovery->read(recovery->context, position, record);
        if (result < 0)
            return result;
    }
    return rest.size == 0 ? 0 : -EBADMSG;
}

static int take_frame(struct recovery *recovery, struct segment *segment, const struct frame *frame)
{
    int result;

    if (!segment_make_room(segment, frame->count))
        return -ENOMEM;
    result = give_records(recovery, frame);
    if (result == -EBADMSG)
        find_fault(recovery, segment->number, segment->used, "a frame's records do not add up");
    if (result < 0)
        return result;
    segment_note(
            segment, segment->used + FRAME_HEAD_SIZE, bytes_of(recovery->body, frame->body_size));
    recovery->tail = segment->used;
    segment->used += frame_size(frame->body_size);
    recovery->next += frame->count;
    recovery->sum = frame->sum;
    return 0;
}

/* All frames from segment->used on that follow each other. */
static int read_frames(struct recovery *recovery, struct segment *segment)
{
    struct frame frame;
    int result;

    while ((result = read_frame(recovery, segment->file, segment->used, segment->size, &frame)) >
            0) {
        if (frame.position != recovery->next || frame.chain != recovery->sum)
            return 0;
        result = take_frame(recovery, segment, &frame);
        if (result < 0)
            return result;
    }
    return result;
}

/*
 * Whether a frame lies behind `offset` that was written after all that has been read: then what is
 * missing before it was durable, and something else than a power cut has taken it. A frame is only
 * begun when the one before it is durable, so at the log's end none follows a torn one.
 */
static int find_later_frame(struct recovery *recovery, int file, uint64_t offset, uint64_t size)
{
    struct frame frame;
    int result = 0;

    while (result == 0 && offset < size) {
        result = read_frame(recovery, file, offset, size, &frame);
        offset += BLOCK_SIZE;
    }
    return result;
}

/* ---- Segments ---- */

static int open_segment(struct recovery *recovery, uint64_t number, struct segment **out)
{
    const struct files *files = recovery->log->files;
    struct segment *segment = segment_new(number);
    char name[FILES_NAME_MAX + 1];
    int64_t size;

    if (!segment)
        return -ENOMEM;
    if (!segments_add(recovery->log, segment)) {
        segment_free(recovery->log, segment);
        return -ENOMEM;
    }
    segment_name(name, "log", number);
    segment->file = files->open(files->context, name, false);
    if (segment->file < 0)
        return segment->file;
    size = files->size(files->context, segment->file);
    if (size < 0)
        return (int)size;
    segment->used = BLOCK_SIZE;
    segment->size = (uint64_t)size;
    *out = segment;
    return 0;
}

/* Takes the head that a segment has of its own. Whoever asks for records before the first one's is
 * told so before what follows them seems wrong to him. */
static int take_head(struct recovery *recovery, struct segment *segment,
        const struct segment_head *head, const struct segment *before)
{
    if (!before && recovery->from < head->position) {
        find_fault(recovery, segment->number, 0, "records before this file are missing");
        return -EBADMSG;
    }
    if (!before) {
        recovery->log->seed = head->seed;
        recovery->next = head->position;
    } else if (head->position != recovery->next || head->chain != recovery->sum ||
            head->seed != recovery->log->seed) {
        find_fault(
                recovery, before->number, before->used, "frames are missing before the next file");
        return -EBADMSG;
    }
    segment->position = recovery->next;
    segment->lazy = head->flags & SEGMENT_LAZY;
    return 1;
}

/* Reads its head. Returns 1; 0 when it has none of its own; or -errno. */
static int read_head(
        struct recovery *recovery, struct segment *segment, const struct segment *before)
{
    const struct files *files = recovery->log->files;
    uint8_t block[BLOCK_SIZE];
    struct segment_head head;
    uint64_t sum;
    int64_t got = files->read(files->context, segment->file, block, sizeof(block), 0);
    enum segment_judgement judgement;
    int result;

    if (got < 0)
        return (int)got;
    if (got != sizeof(block))
        return 0;
    judgement = segment_head_decode(&head, &sum, block);
    if (judgement == SEGMENT_OF_OTHER_VERSION) {
        find_fault(recovery, segment->number, 0, "another version has written it");
        return -EPROTO;
    }
    if (judgement == SEGMENT_BROKEN || head.number != segment->number)
        return 0;
    result = take_head(recovery, segment, &head, before);
    if (result > 0) {
        recovery->sum = sum;
        recovery->tail = 0;
    }
    return result;
}

/* Whether anything in a file looks like a frame: of a log whose only head is broken not even the
 * sums can be checked. */
static int find_any_frame(struct recovery *recovery, const struct segment *segment)
{
    const struct files *files = recovery->log->files;
    uint8_t head[FRAME_HEAD_SIZE];

    for (uint64_t offset = BLOCK_SIZE; offset < segment->size; offset += BLOCK_SIZE) {
        int64_t got = files->read(files->context, segment->file, head, sizeof(head), offset);

        if (got < 0)
            return (int)got;
        if (got == sizeof(head) && frame_resembles(head))
            return 1;
    }
    return 0;
}

/*
 * The last segment's head is not there: the power went before it was durable, and so before there
 * was a frame in it.
 */
static int drop_unbegun(struct recovery *recovery, struct segment *segment, bool first)
{
    uint64_t number = segment->number;
    int result = first ? find_any_frame(recovery, segment)
                       : find_later_frame(recovery, segment->file, BLOCK_SIZE, segment->size);

    if (result > 0) {
        find_fault(recovery, number, 0, "the file's head is broken");
        result = -EBADMSG;
    }
    if (result < 0)
        return result;
    segments_drop_last(recovery->log);
    recovery->unbegun = number;
    return 0;
}

/* The end of the log: a frame that was being written is no loss, one that is missing is. */
static int judge_end(struct recovery *recovery, struct segment *segment)
{
    uint8_t head[FRAME_HEAD_SIZE];
    const struct files *files = recovery->log->files;
    struct frame frame;
    int64_t got = files->read(files->context, segment->file, head, sizeof(head), segment->used);
    int result;

    if (got < 0)
        return (int)got;
    result = find_later_frame(recovery, segment->file, segment->used, segment->size);
    if (result > 0 && segment->lazy) {
        find_fault(recovery, segment->number, segment->used,
                "writes that had not been flushed are missing, and what follows them is left out");
        recovery->finding->cut = segment->size - segment->used;
        return 0;
    }
    if (result > 0) {
        find_fault(recovery, segment->number, segment->used,
                "a frame is broken, and later ones are there");
        return -EBADMSG;
    }
    if (result == 0 && got == sizeof(head) && frame_decode(&frame, recovery->log->seed, head) &&
            frame.position == recovery->next && frame.chain == recovery->sum) {
        find_fault(recovery, segment->number, segment->used,
                segment->lazy ? "the last write was not finished"
                              : "the last write was not finished; nothing in it was acknowledged");
        recovery->finding->cut = frame_size(frame.body_size);
    }
    return result;
}

static int read_segment(struct recovery *recovery, size_t index)
{
    bool is_last = index + 1 == recovery->number_count;
    const struct segment *before = index > 0 ? recovery->log->segments[index - 1] : NULL;
    struct segment *segment = NULL;
    int result = open_segment(recovery, recovery->numbers[index], &segment);

    if (result == 0)
        result = read_head(recovery, segment, before);
    if (result < 0)
        return result;
    if (result == 0 && is_last)
        return drop_unbegun(recovery, segment, index == 0);
    if (result == 0) {
        find_fault(recovery, segment->number, 0, "the file's head is broken");
        return -EBADMSG;
    }
    result = read_frames(recovery, segment);
    if (result == 0 && is_last)
        return judge_end(recovery, segment);
    segment_trim(segment);
    return result;
}

/* Whoever has seen records that are not there is told so. */
static int expect_wanted(struct recovery *recovery)
{
    const struct record_log *log = recovery->log;
    const struct segment *last =
            log->segment_count > 0 ? log->segments[log->segment_count - 1] : NULL;

    if (recovery->from > recovery->next) {
        find_fault(recovery, last ? last->number : 1, last ? last->used : 0,
                "the end of the log is missing");
        return -EBADMSG;
    }
    return 0;
}

static int read_log(struct recovery *recovery)
{
    struct record_log *log = recovery->log;
    int result = list_segments(recovery);

    for (size_t i = 0; result == 0 && i < recovery->number_count; i++)
        result = read_segment(recovery, i);
    if (result < 0)
        return result;
    /* A last segment that never began may have had the end of the log before it. */
    if (log->segment_count > 0 && log->segment_count < recovery->number_count)
        result = judge_end(recovery, log->segments[log->segment_count - 1]);
    return result < 0 ? result : expect_wanted(recovery);
}

/*
 * What has been read may be in the system's memory alone, when only the process had ended. The last
 * write is made once more: after a flush that failed, another flush alone would do nothing. All
 * writes before it were flushed before it began, unless they are flushed lazily.
 */
static int write_tail_again(struct recovery *recovery, const struct segment *segment)
{
    const struct files *files = recovery->log->files;
    size_t size = (size_t)(segment->used - recovery->tail);
    struct iovec piece;
    int64_t got;

    if (!make_body_room(recovery, size))
        return -ENOMEM;
    got = files->read(files->context, segment->file, recovery->body, size, recovery->tail);
    if (got < 0)
        return (int)got;
    if ((uint64_t)got != size)
        return -EIO;
    piece = (struct iovec){ recovery->body, size };
    got = files->write(files->context, segment->file, &piece, 1, recovery->tail);
    return got == 0 && segment->lazy ? files->flush(files->context, segment->file) : (int)got;
}

/* What lies behind a cut of lazy writes would pass for later frames when the log is there again. */
static int erase_rest(struct recovery *recovery, const struct segment *segment)
{
    const struct files *files = recovery->log->files;
    struct iovec piece;
    int result = 0;

    if (!make_body_room(recovery, ERASED_AT_ONCE))
        return -ENOMEM;
    memset(recovery->body, 0, ERASED_AT_ONCE);
    for (uint64_t offset = segment->used; result == 0 && offset < segment->size;
            offset += piece.iov_len) {
        uint64_t left = segment->size - offset;

        piece = (struct iovec){ recovery->body,
            left < ERASED_AT_ONCE ? (size_t)left : ERASED_AT_ONCE };
        result = files->write(files->context, segment->file, &piece, 1, offset);
    }
    return result;
}

/* Makes durable what has been found. Names are: each was flushed before its head was written. */
static int settle(struct recovery *recovery)
{
    const struct record_log *log = recovery->log;
    const struct segment *last =
            log->segment_count > 0 ? log->segments[log->segment_count - 1] : NULL;
    char name[FILES_NAME_MAX + 1];
    int result = 0;

    if (last)
        result = write_tail_again(recovery, last);
    if (result == 0 && last && last->lazy && recovery->finding->cut > 0)
        result = erase_rest(recovery, last);
    if (result == 0 && recovery->unbegun > 0) {
        segment_name(name, "log", recovery->unbegun);
        result = log->files->remove(log->files->context, name);
    }
    return result;
}

/* ---- The whole ---- */

static struct record_log *new_log(const struct record_log_setup *setup)
{
    struct record_log *log = calloc(1, sizeof(*log));
    pthread_condattr_t monotonic;

    if (!log)
        return NULL;
    log->files = setup->files;
    log->seed = setup->seed;
    log->segment_size =
            setup->segment_size > SEGMENT_SIZE_MIN ? setup->segment_size : SEGMENT_SIZE_MIN;
    log->expect = setup->expect;
    log->written = setup->written;
    log->changed = setup->changed;
    log->waiting_max = setup->waiting_max > 0 ? setup->waiting_max : LOG_WAITING_MAX;
    log->keeps_reserve = setup->keeps_reserve;
    log->flush = setup->flush;
    log->interval_ms = setup->interval_ms;
    log->flush_at_ms = INT64_MAX;
    log->context = setup->context;
    list_init(&log->queue);
    list_init(&log->buffers);
    pthread_mutex_init(&log->files_lock, NULL);
    pthread_mutex_init(&log->queue_lock, NULL);
    pthread_mutex_init(&log->segments_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&log->news, &monotonic);
    pthread_cond_init(&log->preparer_news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return log;
}

int record_log_open(struct record_log **out, const struct record_log_setup *setup, uint64_t from,
        record_reader read, void *context, struct record_log_finding *finding)
{
    struct recovery recovery = { .log = new_log(setup),
        .from = from,
        .read = read,
        .context = context,
        .finding = finding,
        .next = setup->first };
    struct record_log *log = recovery.log;
    int result;

    *finding = (struct record_log_finding){ .text = "" };
    if (!log)
        return -ENOMEM;
    result = read_log(&recovery);
    if (result == 0)
        result = settle(&recovery);
    free(recovery.numbers);
    free(recovery.body);
    if (result < 0) {
        record_log_close(log);
        return result;
    }
    atomic_init(&log->next, recovery.next);
    log->chain = recovery.sum;
    log->last = log->segment_count > 0 ? log->segments[log->segment_count - 1] : NULL;
    log->made = log->last ? log->last->number : 0;
    atomic_init(&log->durable, recovery.next);
    *out = log;
    return 0;
}
