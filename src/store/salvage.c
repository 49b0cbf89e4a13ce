/* SPDX-License-Identifier: Apache-2.0 */
#include "store/archive_lmdb.h"
#include "store/inspect.h"
#include "store/pairs.h"
#include "store/store_state.h"

#include <errno.h>
#include <stdlib.h>

enum { BATCH_WANTED = 1 << 20 };

/* A new store that is being filled. */
struct salvage {
    struct store *store;
    struct record_batch batch;
    struct pairs ids; /* (queue, id in the old store): id in the new one, or in the batch */
    struct record_place *places;
    size_t place_room;
    int (*finding)(void *context, const struct inspect_finding *finding);
    void *context;
    struct salvage_summary *summary;
};

/* ---- Writing ---- */

/* What is in the batch gets its ids. */
static int push_batch(struct salvage *salvage)
{
    uint64_t position = store_push(salvage->store, &salvage->batch);

    if (position == UINT64_MAX)
        return -ENOMEM;
    for (size_t i = 0; i < salvage->ids.room; i++) {
        uint64_t *id = &salvage->ids.slots[i].value;

        if (*id & RECORD_IN_BATCH)
            *id = position + (*id & ~RECORD_IN_BATCH);
    }
    return 0;
}

/* All that was copied so far, and the new store's own beginning, is durable then. */
static int push(struct salvage *salvage)
{
    int pushed = salvage->batch.count > 0 ? push_batch(salvage) : 0;

    if (pushed < 0)
        return pushed;
    while (record_log_waiting(salvage->store->log) > 0) {
        int result = record_log_commit(salvage->store->log);

        if (result < 0)
            return result;
    }
    return 0;
}

/* Moves on what was written, so that neither memory nor the log grows. */
static int end_record(struct salvage *salvage, bool good)
{
    int result = good ? 0 : -ENOMEM;
    bool marks;

    if (result == 0 && salvage->batch.size > BATCH_WANTED)
        result = push(salvage);
    while (result == 0 && hot_full_chunks(&salvage->store->hot, &marks) > 0) {
        result = checkpoint_step(salvage->store);
        result = result > 0 ? 0 : result;
    }
    return result;
}

static int note_id(struct salvage *salvage, uint64_t queue, uint64_t id, uint64_t place)
{
    if (!pairs_reserve(&salvage->ids, 1))
        return -ENOMEM;
    pairs_add(&salvage->ids, queue, id)->value = RECORD_IN_BATCH + place;
    return 0;
}

/* The new id of a message; RECORD_NO_ID: it has not come here. */
static uint64_t new_id(const struct salvage *salvage, uint64_t queue, uint64_t id)
{
    const struct pair *pair = pairs_find(&salvage->ids, queue, id);

    return pair ? pair->value : RECORD_NO_ID;
}

static int copy_message(struct salvage *salvage, uint64_t id, const struct record_place places[],
        size_t count, struct bytes body)
{
    uint64_t place = salvage->batch.count;
    uint8_t *out = records_message(&salvage->batch, places, count, body.size);
    int result = 0;

    if (!out)
        return -ENOMEM;
    if (body.size > 0)
        memcpy(out, body.data, body.size);
    for (size_t i = 0; result == 0 && i < count; i++)
        result = note_id(salvage, places[i].queue, id, place);
    salvage->summary->messages++;
    return result;
}

/* ---- What the archive has ---- */

static int copy_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    struct salvage *salvage = context;

    salvage->summary->entries++;
    return end_record(salvage, records_set(&salvage->batch, table, key, value));
}

static int copy_item(void *context, const struct store_item *item)
{
    struct salvage *salvage = context;
    const struct record_place place = { item->queue, item->tag };
    int result = copy_message(salvage, item->id, &place, 1, item->body);
    bool good = true;

    if (result == 0 && item->note.size > 0)
        good = records_note(
                &salvage->batch, item->queue, new_id(salvage, item->queue, item->id), item->note);
    return result < 0 ? result : end_record(salvage, good);
}

/* ---- What the log has ---- */

static int copy_places(struct salvage *salvage, const struct record *record, uint64_t position)
{
    struct bytes rest = record->places;
    struct record_place place;
    size_t count = 0;

    if (record->place_count > salvage->place_room) {
        free(salvage->places);
        salvage->place_room = record->place_count;
        salvage->places = malloc(salvage->place_room * sizeof(place));
        if (!salvage->places) {
            salvage->place_room = 0;
            return -ENOMEM;
        }
    }
    while (records_place(&rest, &place))
        salvage->places[count++] = place;
    return copy_message(salvage, position, salvage->places, count, record->value);
}

/* What is said of a message that is not there, is not said again. */
static bool copy_word(struct salvage *salvage, const struct record *record)
{
    uint64_t id = new_id(salvage, record->queue, record->id);

    if (id == RECORD_NO_ID)
        return true;
    if (record->kind == RECORD_NOTE)
        return records_note(&salvage->batch, record->queue, id, record->value);
    return records_done(&salvage->batch, record->queue, id);
}

static int copy_record(void *context, const char *file, uint64_t offset, uint64_t position,
        const struct record *record)
{
    struct salvage *salvage = context;
    struct record_batch *batch = &salvage->batch;
    bool good = true;
    int result = 0;

    (void)file;
    (void)offset;
    switch (record->kind) {
    case RECORD_BEGIN:
        break;
    case RECORD_SET:
        salvage->summary->entries++;
        good = records_set(batch, record->table, record->key, record->value);
        break;
    case RECORD_REMOVE:
        good = records_remove(batch, record->table, record->key);
        break;
    case RECORD_REMOVE_ALL:
        good = records_remove_all(batch, record->table, record->key);
        break;
    case RECORD_MESSAGE:
        result = copy_places(salvage, record, position);
        break;
    case RECORD_DONE:
    case RECORD_NOTE:
        good = copy_word(salvage, record);
        break;
    case RECORD_DROP:
        good = records_drop(batch, record->queue);
        break;
    }
    return result < 0 ? result : end_record(salvage, good);
}

/* ---- Both folders ---- */

static int tell_finding(void *context, const struct inspect_finding *finding)
{
    struct salvage *salvage = context;

    return salvage->finding ? salvage->finding(salvage->context, finding) : 0;
}

static int copy_all(struct salvage *salvage, const char *from)
{
    const struct store_visitor archive = {
        .entry = copy_entry, .item = copy_item, .context = salvage
    };
    const struct inspect_visitor visitor = { tell_finding, copy_record, &archive, salvage };
    int result = inspect_store(from, &visitor, &salvage->summary->found);

    if (result == 0)
        result = push(salvage);
    while (result == 0 && (result = checkpoint_step(salvage->store)) > 0)
        result = 0;
    return result;
}

static int refuse_file(void *context, const char *name)
{
    (void)context;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? 0 : -ENOTEMPTY;
}

static int salvage_to(struct salvage *salvage, const char *from, const char *to,
        const struct files *files, uint64_t seed)
{
    struct archive_lmdb *lmdb;
    struct archive archive;
    const struct store_setup setup = {
        .files = files, .archive = &archive, .seed = seed, .first = salvage->summary->found.next
    };
    struct store_finding finding;
    int result = archive_lmdb_open(&lmdb, &archive, to, ARCHIVE_WRITES, 0);

    if (result < 0)
        return result;
    result = store_open(&salvage->store, &setup, &finding);
    if (result == 0) {
        result = copy_all(salvage, from);
        store_close(salvage->store);
    }
    archive_lmdb_close(lmdb);
    return result;
}

int salvage_store(const char *from, const char *to, uint64_t seed,
        int (*finding)(void *context, const struct inspect_finding *finding), void *context,
        struct salvage_summary *out)
{
    struct salvage salvage = { .finding = finding, .context = context, .summary = out };
    const struct inspect_visitor nobody = { 0 };
    struct folder folder;
    struct files files;
    int result = files_open(&files, &folder, to);

    *out = (struct salvage_summary){ 0 };
    if (result < 0)
        return result;
    result = files.list(files.context, refuse_file, NULL);
    if (result == 0) /* for the position that the new store begins at */
        result = inspect_store(from, &nobody, &out->found);
    if (result == 0)
        result = salvage_to(&salvage, from, to, &files, seed);
    record_batch_reset(&salvage.batch);
    pairs_reset(&salvage.ids);
    free(salvage.places);
    files_close(&folder);
    return result;
}
