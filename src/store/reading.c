/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a log, read again. */
#include "store/record_log_state.h"

#include <errno.h>
#include <stdlib.h>

enum { SCAN_ROOM = 256 << 10, SCAN_PLACES = 1024 };

/* Where some records lie that follow each other. */
struct places {
    int file;
    size_t count;
    uint64_t offsets[SCAN_PLACES]; /* of their heads */
};

const struct segment *segments_find(const struct record_log *log, uint64_t position)
{
    size_t low = 0;
    size_t high = log->segment_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (log->segments[middle]->position <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? log->segments[low - 1] : NULL;
}

/* Finds at most `wanted`, all in one file; false when not even the first is there. */
static bool find_places(
        struct record_log *log, uint64_t position, uint64_t wanted, struct places *out)
{
    const struct segment *segment;
    uint64_t first;

    out->count = 0;
    pthread_mutex_lock(&log->segments_lock);
    segment = segments_find(log, position);
    first = segment ? position - segment->position : 0;
    if (segment)
        out->file = segment->file;
    while (segment && out->count < wanted && out->count < SCAN_PLACES &&
            first + out->count < segment->count) {
        out->offsets[out->count] = (uint64_t)segment->places[first + out->count] * RECORD_ALIGNMENT;
        out->count++;
    }
    pthread_mutex_unlock(&log->segments_lock);
    return out->count > 0;
}

/* ---- One record ---- */

static uint32_t size_in(const uint8_t head[RECORD_HEAD_SIZE])
{
    uint32_t size = 0;

    for (unsigned i = 0; i < sizeof(size); i++)
        size |= (uint32_t)head[i] << 8 * i;
    return size;
}

int64_t record_log_read(struct record_log *log, uint64_t position, void *out, size_t size)
{
    const struct files *files = log->files;
    uint8_t head[RECORD_HEAD_SIZE];
    struct places place;
    uint32_t record_size;
    int64_t got;

    if (!find_places(log, position, 1, &place))
        return -ENOENT;
    got = files->read(files->context, place.file, head, sizeof(head), place.offsets[0]);
    if (got != sizeof(head))
        return got < 0 ? got : -EBADMSG;
    record_size = size_in(head);
    if (record_size > RECORD_SIZE_MAX)
        return -EBADMSG;
    if (record_size > size)
        return (int64_t)record_size;
    got = files->read(
            files->context, place.file, out, record_size, place.offsets[0] + sizeof(head));
    if (got < 0)
        return got;
    if (got != record_size ||
            !record_has_sum(bytes_of(out, record_size), position, log->seed, head))
        return -EBADMSG;
    return got;
}

/* ---- Many ---- */

/* Part of a file. */
struct scan {
    struct record_log *log;
    uint8_t *bytes;
    size_t room;
    uint64_t begin; /* in the file */
    uint64_t size;
};

/* Has at least so many bytes from that offset on, and reads ahead. */
static int load(struct scan *scan, int file, uint64_t offset, size_t size)
{
    const struct files *files = scan->log->files;
    int64_t got;

    if (scan->bytes && offset >= scan->begin && offset + size <= scan->begin + scan->size)
        return 0;
    if (size > scan->room) {
        free(scan->bytes);
        scan->room = size > SCAN_ROOM ? size : SCAN_ROOM;
        scan->bytes = malloc(scan->room);
        scan->size = 0;
        if (!scan->bytes) {
            scan->room = 0;
            return -ENOMEM;
        }
    }
    got = files->read(files->context, file, scan->bytes, scan->room, offset);
    if (got < 0)
        return (int)got;
    scan->begin = offset;
    scan->size = (uint64_t)got;
    return (uint64_t)got < size ? -EBADMSG : 0;
}

static int read_one(struct scan *scan, int file, uint64_t offset, uint64_t position,
        record_reader read, void *context)
{
    int result = load(scan, file, offset, RECORD_HEAD_SIZE);
    struct bytes record;
    uint32_t size;

    if (result < 0)
        return result;
    size = size_in(scan->bytes + (offset - scan->begin));
    if (size > RECORD_SIZE_MAX)
        return -EBADMSG;
    result = load(scan, file, offset, RECORD_HEAD_SIZE + size);
    if (result < 0)
        return result;
    record = bytes_of(scan->bytes + (offset - scan->begin) + RECORD_HEAD_SIZE, size);
    if (!record_has_sum(record, position, scan->log->seed, record.data - RECORD_HEAD_SIZE))
        return -EBADMSG;
    return read(context, position, record);
}

int record_log_scan(
        struct record_log *log, uint64_t from, uint64_t to, record_reader read, void *context)
{
    struct scan scan = { .log = log };
    struct places places;
    int result = 0;

    while (result == 0 && from < to) {
        scan.size = 0; /* of another file, it may be */
        if (!find_places(log, from, to - from, &places))
            result = -ENOENT;
        for (size_t i = 0; result == 0 && i < places.count; i++, from++)
            result = read_one(&scan, places.file, places.offsets[i], from, read, context);
    }
    free(scan.bytes);
    return result;
}
