/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a log: making them ready, and using them again. */
#include "store/record_log_state.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_DIGITS = 16 };

/* ---- Segments in memory ---- */

void segment_name(char out[FILES_NAME_MAX + 1], const char *kind, uint64_t number)
{
    snprintf(out, FILES_NAME_MAX + 1, "%s-%016" PRIx64, kind, number);
}

bool segment_number(const char *name, const char *kind, uint64_t *out)
{
    size_t size = strlen(kind);
    char again[FILES_NAME_MAX + 1];

    if (strncmp(name, kind, size) != 0 || name[size] != '-' ||
            strlen(name) != size + 1 + NAME_DIGITS)
        return false;
    *out = strtoull(name + size + 1, NULL, 16);
    segment_name(again, kind, *out);
    return strcmp(name, again) == 0;
}

struct segment *segment_new(uint64_t number)
{
    struct segment *segment = calloc(1, sizeof(*segment));

    if (segment) {
        segment->number = number;
        segment->file = -1;
    }
    return segment;
}

void segment_free(struct record_log *log, struct segment *segment)
{
    if (!segment)
        return;
    if (segment->file >= 0)
        log->files->close(log->files->context, segment->file);
    free(segment->places);
    free(segment);
}

bool segments_add(struct record_log *log, struct segment *segment)
{
    if (log->segment_count == SEGMENTS_MAX)
        return false;
    if (log->segment_count == log->segment_room) {
        size_t room = log->segment_room > 0 ? log->segment_room * 2 : 8;
        struct segment **segments = realloc(log->segments, room * sizeof(*segments));

        if (!segments)
            return false;
        log->segments = segments;
        log->segment_room = room;
    }
    log->segments[log->segment_count++] = segment;
    return true;
}

void segments_drop_last(struct record_log *log)
{
    segment_free(log, log->segments[--log->segment_count]);
}

bool spares_add(struct record_log *log, uint64_t number)
{
    if (log->spare_count == log->spare_room) {
        size_t room = log->spare_room > 0 ? log->spare_room * 2 : 8;
        uint64_t *spares = realloc(log->spares, room * sizeof(*spares));

        if (!spares)
            return false;
        log->spares = spares;
        log->spare_room = room;
    }
    log->spares[log->spare_count++] = number;
    return true;
}

bool segment_make_room(struct segment *segment, uint32_t count)
{
    size_t room = segment->room > 0 ? segment->room : 1024;
    uint32_t *places;

    if (segment->count + count <= segment->room)
        return true;
    while (room < segment->count + count)
        room *= 2;
    places = realloc(segment->places, room * sizeof(*places));
    if (!places)
        return false;
    segment->places = places;
    segment->room = room;
    return true;
}

void segment_trim(struct segment *segment)
{
    uint32_t *places = NULL;

    if (segment->count > 0)
        places = realloc(segment->places, segment->count * sizeof(*places));
    if (!places)
        return;
    segment->places = places;
    segment->room = segment->count;
}

void segment_note(struct segment *segment, uint64_t offset, struct bytes body)
{
    const uint8_t *start = body.data;
    struct bytes record;

    while (record_take(&body, &record)) {
        uint64_t place = offset + (uint64_t)(record.data - RECORD_HEAD_SIZE - start);

        segment->places[segment->count++] = (uint32_t)(place / RECORD_ALIGNMENT);
    }
}

/* ---- Files ---- */

/* What a flush has failed for may be lost without another word: that never passes. */
static int flush_folder(struct record_log *log)
{
    return log->files->sync_folder(log->files->context) < 0 ? -EIO : 0;
}

/* A file for the segment, in its name: one that is free, or a new one. `kept`: how many are to stay
 * free. */
static int take_file(struct record_log *log, uint64_t number, size_t kept)
{
    const struct files *files = log->files;
    char name[FILES_NAME_MAX + 1];
    char spare[FILES_NAME_MAX + 1];
    int result = -ENOENT;

    segment_name(name, "log", number);
    /* One that is not there any more was removed by someone who needed room. */
    while (result == -ENOENT && log->spare_count > kept) {
        segment_name(spare, "free", log->spares[log->spare_count - 1]);
        result = files->rename(files->context, spare, name);
        if (result == 0 || result == -ENOENT)
            log->spare_count--;
    }
    if (result == 0)
        return files->open(files->context, name, false);
    if (result != -ENOENT)
        return result;
    result = files->open(files->context, name, true);
    /* One that was given up may not have been removed. */
    return result == -EEXIST ? files->open(files->context, name, false) : result;
}

static void remove_made(struct record_log *log, struct segment *segment)
{
    char name[FILES_NAME_MAX + 1];

    segment_name(name, "log", segment->number);
    segment_free(log, segment);
    log->files->remove(log->files->context, name);
}

/* How much of a file is made ready. */
typedef int (*make_ready)(void *context, int file, uint64_t size);

static int make_file(
        struct record_log *log, struct segment *segment, uint64_t bytes, make_ready make)
{
    int result = take_file(log, segment->number, log->keeps_reserve);

    if (result < 0)
        return result;
    segment->file = result;
    segment->size = bytes > log->segment_size ? bytes : log->segment_size;
    return make(log->files->context, segment->file, segment->size);
}

/* Before the head: it must not get into a file that has an older segment's name on disk. */
static int flush_name(struct record_log *log, struct segment *segment)
{
    int result = segment->named ? 0 : flush_folder(log);

    segment->named = result == 0;
    return result;
}

/* Under files_lock. */
static int make_segment(struct record_log *log, uint64_t number, uint64_t bytes, make_ready make,
        struct segment **out)
{
    struct segment *segment = segment_new(number);
    int result = segment ? make_file(log, segment, bytes, make) : -ENOMEM;

    if (result == 0)
        *out = segment;
    else if (segment)
        remove_made(log, segment);
    return result;
}

static bool is_full(int error)
{
    return error == -ENOSPC || error == -EDQUOT;
}

static void set_scarce(struct record_log *log, bool scarce)
{
    atomic_store_explicit(&log->scarce, scarce, memory_order_release);
}

/* A segment with a file of the reserve, which has the usual size. */
static int take_reserve(struct record_log *log, uint64_t number, struct segment **out)
{
    struct segment *segment = segment_new(number);
    int result = segment ? take_file(log, number, 0) : -ENOMEM;

    if (result < 0) {
        free(segment);
        return result;
    }
    segment->file = result;
    segment->size = log->segment_size;
    *out = segment;
    set_scarce(log, true);
    return 0;
}

/* One that is there at once, whatever it takes. */
static int make_at_once(
        struct record_log *log, uint64_t number, uint64_t bytes, struct segment **out)
{
    int result = make_segment(log, number, bytes, log->files->reserve, out);

    if (!is_full(result) || !log->keeps_reserve || log->spare_count == 0 ||
            bytes > log->segment_size)
        return result;
    return take_reserve(log, number, out);
}

int segment_make(struct record_log *log, uint64_t number, uint64_t bytes, struct segment **out)
{
    const struct files *files = log->files;
    struct segment *segment;
    int result;

    pthread_mutex_lock(&log->files_lock);
    result = log->prepare_error;
    segment = log->prepared;
    log->prepared = NULL;
    assert(!segment || segment->number == number);
    if (result == 0 && segment && bytes > segment->size) {
        segment->size = bytes;
        result = files->reserve(files->context, segment->file, bytes);
    }
    if (result == 0 && !segment)
        result = make_at_once(log, number, bytes, &segment);
    if (result == 0)
        result = flush_name(log, segment);
    if (result < 0 && segment)
        remove_made(log, segment);
    if (result == 0) {
        log->made = number;
        *out = segment;
    }
    pthread_mutex_unlock(&log->files_lock);
    return result;
}

int segment_reserve(struct record_log *log)
{
    int result = 0;

    pthread_mutex_lock(&log->files_lock);
    if (!log->last && !log->prepared)
        result = make_segment(log, log->made + 1, 0, log->files->reserve, &log->prepared);
    pthread_mutex_unlock(&log->files_lock);
    return result;
}

void segment_unmake(struct record_log *log, struct segment *segment)
{
    pthread_mutex_lock(&log->files_lock);
    log->made = segment->number - 1;
    remove_made(log, segment);
    pthread_mutex_unlock(&log->files_lock);
}

void segment_prepare(struct record_log *log, uint64_t number)
{
    int result = 0;

    pthread_mutex_lock(&log->files_lock);
    /* It may be in use meanwhile: then the committer did not wait for it. */
    if (!log->prepared && log->made + 1 == number) {
        result = make_segment(log, number, 0, log->files->prewrite, &log->prepared);
        if (result == 0)
            result = flush_name(log, log->prepared);
    }
    /* Anything else the committer meets itself. */
    if (result == -EIO)
        log->prepare_error = result;
    pthread_mutex_unlock(&log->files_lock);
}

/* ---- The reserve: a free file ---- */

bool record_log_is_scarce(const struct record_log *log)
{
    return atomic_load_explicit(&log->scarce, memory_order_acquire);
}

/* Returns whether it is news that there is one. Under files_lock. */
static bool count_reserve(struct record_log *log)
{
    if (log->spare_count == 0 || !record_log_is_scarce(log))
        return false;
    set_scarce(log, false);
    return true;
}

static void tell_changed(const struct record_log *log)
{
    if (log->changed)
        log->changed(log->context);
}

/* Makes a file with room for a segment. Segments have numbers from 1 on. */
static int make_reserve(struct record_log *log)
{
    const struct files *files = log->files;
    char name[FILES_NAME_MAX + 1];
    int file;
    int result;

    segment_name(name, "free", 0);
    file = files->open(files->context, name, true);
    if (file < 0)
        return file;
    result = files->reserve(files->context, file, log->segment_size);
    files->close(files->context, file);
    if (result == 0 && !spares_add(log, 0))
        result = -ENOMEM;
    if (result < 0)
        files->remove(files->context, name);
    return result;
}

bool reserve_restock(struct record_log *log)
{
    bool is_news;
    int result = 0;

    pthread_mutex_lock(&log->files_lock);
    if (log->keeps_reserve && log->spare_count == 0)
        result = make_reserve(log);
    is_news = count_reserve(log);
    pthread_mutex_unlock(&log->files_lock);
    if (is_news)
        tell_changed(log);
    return result == 0;
}

/* The next opening would find a last segment that was never begun, and remove it. */
static void give_back_prepared(struct record_log *log)
{
    char name[FILES_NAME_MAX + 1];
    char spare[FILES_NAME_MAX + 1];

    segment_name(name, "log", log->prepared->number);
    segment_name(spare, "free", log->prepared->number);
    log->files->rename(log->files->context, name, spare);
    segment_free(log, log->prepared);
}

void segments_deinit(struct record_log *log)
{
    if (log->prepared)
        give_back_prepared(log);
    for (size_t i = 0; i < log->segment_count; i++)
        segment_free(log, log->segments[i]);
    free(log->segments);
    free(log->spares);
}

/* ---- Forgetting ---- */

/* The first segment, if all of its records are before that position; NULL: they are not. */
static struct segment *first_before(struct record_log *log, uint64_t position)
{
    struct segment *first = NULL;

    pthread_mutex_lock(&log->segments_lock);
    if (log->segment_count > 1 && log->segments[1]->position <= position)
        first = log->segments[0];
    pthread_mutex_unlock(&log->segments_lock);
    return first;
}

/* The first segment's file is free. Its name says so before anything is written to it: a recovery
 * must not begin with it. */
static int retire_first(struct record_log *log, struct segment *segment)
{
    char name[FILES_NAME_MAX + 1];
    char spare[FILES_NAME_MAX + 1];
    int result;

    segment_name(name, "log", segment->number);
    segment_name(spare, "free", segment->number);
    result = log->files->rename(log->files->context, name, spare);
    if (result < 0)
        return result;
    if (log->spare_count >= SPARES_MAX || segment->size > log->segment_size ||
            !spares_add(log, segment->number))
        log->files->remove(log->files->context, spare);
    pthread_mutex_lock(&log->segments_lock);
    log->segment_count--;
    memmove(log->segments, log->segments + 1, log->segment_count * sizeof(*log->segments));
    pthread_mutex_unlock(&log->segments_lock);
    segment_free(log, segment);
    return 0;
}

int record_log_forget(struct record_log *log, uint64_t position)
{
    struct segment *first;
    bool is_news;
    int result = 0;

    pthread_mutex_lock(&log->files_lock);
    while (result == 0 && (first = first_before(log, position)))
        result = retire_first(log, first);
    is_news = count_reserve(log);
    pthread_mutex_unlock(&log->files_lock);
    if (is_news)
        tell_changed(log);
    return result;
}

bool record_log_give_room(struct record_log *log)
{
    char name[FILES_NAME_MAX + 1];
    bool gives;

    pthread_mutex_lock(&log->files_lock);
    gives = log->spare_count > log->keeps_reserve;
    if (gives) {
        segment_name(name, "free", log->spares[--log->spare_count]);
        log->files->remove(log->files->context, name);
    }
    pthread_mutex_unlock(&log->files_lock);
    return gives;
}

uint64_t record_log_last_start(struct record_log *log)
{
    uint64_t start = 0;

    pthread_mutex_lock(&log->segments_lock);
    if (log->segment_count > 0)
        start = log->segments[log->segment_count - 1]->position;
    pthread_mutex_unlock(&log->segments_lock);
    return start;
}

uint64_t record_log_size(struct record_log *log)
{
    uint64_t size = 0;

    pthread_mutex_lock(&log->segments_lock);
    for (size_t i = 0; i < log->segment_count; i++)
        size += log->segments[i]->size;
    pthread_mutex_unlock(&log->segments_lock);
    return size;
}
