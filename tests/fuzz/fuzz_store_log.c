/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever lies in the files of a log, opening it gives records or tells what is wrong. What it has
 * given it gives again, and records that are written then follow.
 *
 * The input's first byte says how the rest becomes segments: 0 and 1 take it as it is, 1 divided
 * after as many blocks as the second byte says. 2 makes frames of it with right sums, each from a
 * count, a size in two bytes and a body, so that what lies behind the sums is reached.
 */
#include "store/record_log.h"
#include "store/simulated_disk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MODE_ONE_FILE, MODE_TWO_FILES, MODE_FRAMES, MODES, POSITION_AT = 20, SEED = 7 };

enum { FRAMES_MAX = 32, FRAME_BLOCKS_MAX = 17 };

/* What opening has given. */
struct given {
    uint64_t first;
    uint64_t count;
    uint64_t digest;
};

static int take_record(void *context, uint64_t position, struct bytes record)
{
    struct given *given = context;

    assert(position == given->first + given->count);
    given->count++;
    given->digest = given->digest * 31 + record.size;
    for (size_t i = 0; i < record.size; i++)
        given->digest = given->digest * 31 + record.data[i];
    return 0;
}

static void store_file(struct simulated_disk *disk, const char *name, struct bytes content)
{
    const struct iovec piece = { (void *)(uintptr_t)content.data, content.size };
    int file = disk->files.open(disk, name, true);

    assert(file >= 0);
    assert(disk->files.write(disk, file, &piece, content.size > 0, 0) == 0);
}

static size_t add_frame(uint8_t *out, struct bytes *rest, struct frame *frame)
{
    struct bytes body;
    struct iovec piece;

    frame->count = rest->data[0];
    frame->body_size = (uint32_t)(rest->data[1] | rest->data[2] << 8);
    body = bytes_from(*rest, 3);
    if (body.size > frame->body_size)
        body = bytes_first(body, frame->body_size);
    frame->body_size = (uint32_t)body.size;
    *rest = bytes_from(*rest, 3 + body.size);
    piece = (struct iovec){ (void *)(uintptr_t)body.data, body.size };
    frame->sum = frame_sum(frame, SEED, &piece, 1);
    frame_encode(frame, SEED, out);
    if (body.size > 0)
        memcpy(out + FRAME_HEAD_SIZE, body.data, body.size);
    frame->position += frame->count;
    frame->chain = frame->sum;
    return (size_t)frame_size(frame->body_size);
}

static void store_frames(struct simulated_disk *disk, struct bytes rest)
{
    const struct segment_head head = { .number = 1, .seed = SEED };
    uint8_t *file = calloc(1 + FRAMES_MAX * FRAME_BLOCKS_MAX, BLOCK_SIZE);
    size_t used = BLOCK_SIZE;
    struct frame frame = { 0 };

    assert(file);
    frame.chain = segment_head_encode(&head, file);
    for (unsigned i = 0; i < FRAMES_MAX && rest.size >= 3; i++)
        used += add_frame(file + used, &rest, &frame);
    store_file(disk, "log-0000000000000001", bytes_of(file, used));
    free(file);
}

/* Returns the position that the first file claims to begin with. */
static uint64_t store_input(struct simulated_disk *disk, const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of(data + 2, size - 2);
    uint64_t position = 0;
    size_t first = rest.size;

    if (data[0] % MODES == MODE_FRAMES) {
        store_frames(disk, rest);
        return 0;
    }
    if (data[0] % MODES == MODE_TWO_FILES && (size_t)data[1] * BLOCK_SIZE < rest.size)
        first = (size_t)data[1] * BLOCK_SIZE;
    store_file(disk, "log-0000000000000001", bytes_first(rest, first));
    if (first < rest.size)
        store_file(disk, "log-0000000000000002", bytes_from(rest, first));
    for (size_t i = 0; i < 8 && POSITION_AT + i < first; i++)
        position |= (uint64_t)rest.data[POSITION_AT + i] << 8 * i;
    return position;
}

static int open_log(struct record_log **log, struct simulated_disk *disk, struct given *given)
{
    const struct record_log_setup setup = { .files = &disk->files, .seed = SEED };
    struct record_log_finding finding;
    int result;

    given->count = 0;
    given->digest = 0;
    result = record_log_open(log, &setup, given->first, take_record, given, &finding);
    assert(result == 0 || result == -EBADMSG || result == -EPROTO);
    assert(result == 0 || finding.file[0] != '\0');
    assert(result < 0 || record_log_durable(*log) == given->first + given->count);
    return result;
}

/* Opens it again, and then with one record more. */
static void go_on(struct record_log *log, struct simulated_disk *disk, struct given given)
{
    struct given again = { .first = given.first };
    struct record_batch batch = { 0 };

    record_log_close(log);
    assert(open_log(&log, disk, &again) == 0);
    assert(again.count == given.count && again.digest == given.digest);
    assert(record_batch_add(&batch, 0));
    assert(record_log_push(log, &batch) == given.first + given.count);
    record_batch_reset(&batch);
    assert(record_log_commit(log) == 1);
    record_log_close(log);
    assert(open_log(&log, disk, &again) == 0);
    assert(again.count == given.count + 1 && again.digest == given.digest * 31);
    record_log_close(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct simulated_disk *disk;
    struct record_log *log;
    struct given given = { 0 };

    if (size < 2)
        return 0;
    disk = calloc(1, sizeof(*disk));
    assert(disk);
    simulated_disk_init(disk);
    given.first = store_input(disk, data, size);
    if (open_log(&log, disk, &given) == 0)
        go_on(log, disk, given);
    simulated_disk_deinit(disk);
    free(disk);
    return 0;
}
