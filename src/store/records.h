/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store keeps, as records of its log: pure functions over bytes.
 *
 * There are two things. An entry is a value under a key, in one of a few tables; the last record of
 * a key counts. A message is a body that waits in one or more queues until it is done with there;
 * its id is the position of its record in the log, so that ids rise in order of writing. In each
 * queue it has a tag, which never changes, and maybe a note, of which the last one counts.
 *
 * A queue is a number that is never used again for another one. Nobody makes a queue: it is there
 * as long as something waits in it.
 */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "base/bytes.h"
#include "store/batch.h"

enum {
    RECORDS_VERSION = 1,
    STORE_TABLES_MAX = 16,          /* tables are 0..15 */
    RECORD_KEY_MAX = 2 * 65535 + 8, /* bytes; a key has at least one */
    RECORD_TAG_MAX = 65535,
    RECORD_NOTE_MAX = 255,
    RECORD_PLACES_MAX = 1 << 24,
};

/*
 * A message's id. As long as its record lies in a batch that has not been pushed, it is named by
 * its place there: the number of records before it in the batch, with this bit.
 */
static const uint64_t RECORD_IN_BATCH = UINT64_C(1) << 63;

/* No message has this id: the first record of a log is the store's own. */
static const uint64_t RECORD_NO_ID = 0;

/* A message's place in a queue. */
struct record_place {
    uint64_t queue;
    struct bytes tag;
};

/* ---- Writing: false or NULL when memory is short; the batch is as it was before then ---- */

/* The key has this value now. */
bool records_set(struct record_batch *batch, unsigned table, struct bytes key, struct bytes value);

/* The same, with the value to be filled in before the next call. */
uint8_t *records_set_room(
        struct record_batch *batch, unsigned table, struct bytes key, size_t value_size);

/* The key has none any more; it may have had none. */
bool records_remove(struct record_batch *batch, unsigned table, struct bytes key);

/* The same for all keys of the table that begin so; the prefix has at least one byte. */
bool records_remove_all(struct record_batch *batch, unsigned table, struct bytes prefix);

/*
 * A message that waits in each of these queues, at least one, each once. Returns where its body is
 * to be written before the next call. Its id: RECORD_IN_BATCH + the batch's count before.
 */
uint8_t *records_message(struct record_batch *batch, const struct record_place places[],
        size_t count, size_t body_size);

/* The queue is done with the message, or has never had it. */
bool records_done(struct record_batch *batch, uint64_t queue, uint64_t id);

/* The message has this note in the queue, if it waits there. */
bool records_note(struct record_batch *batch, uint64_t queue, uint64_t id, struct bytes note);

/* Whatever waits in the queue does so no more. */
bool records_drop(struct record_batch *batch, uint64_t queue);

/* The store's own: the first record of a log, which says in what version the others are. */
bool records_begin(struct record_batch *batch);

/* ---- Reading ---- */

enum record_kind {
    RECORD_BEGIN, /* the store's own: the first of a log */
    RECORD_SET,
    RECORD_REMOVE,
    RECORD_REMOVE_ALL,
    RECORD_MESSAGE,
    RECORD_DONE,
    RECORD_NOTE,
    RECORD_DROP,
};

struct record {
    enum record_kind kind;
    uint8_t table;
    struct bytes key;   /* or prefix */
    struct bytes value; /* or body, or note */
    uint64_t queue;
    uint64_t id;         /* of the message; of one's own record, its position */
    struct bytes places; /* for records_place() */
    uint32_t place_count;
};

/* Reads the record at that position of the log; false: it is none. What it holds borrows from the
 * bytes. */
bool records_decode(struct record *out, uint64_t position, struct bytes bytes);

/* Takes the next place off record->places; false after the last one. */
bool records_place(struct bytes *places, struct record_place *out);

#endif
