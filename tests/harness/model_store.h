/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store as simple as can be, for cores under test: what is pushed is durable when the test says
 * so, and what was not is gone when the test kills the server. Nothing in it fails.
 */
#ifndef TESTS_HARNESS_MODEL_STORE_H
#define TESTS_HARNESS_MODEL_STORE_H

#include "base/list.h"
#include "base/map.h"
#include "broker/core/core.h"
#include "broker/core/restore.h"
#include "broker/core/storage.h"

struct model_batch {
    struct list link;
    struct record_batch records;
    uint64_t position;
};

struct model_entry {
    uint8_t *key; /* the table's number first */
    size_t key_size;
    uint8_t *value;
    size_t value_size;
};

struct model_item {
    uint8_t key[16]; /* queue and id, big-endian */
    uint64_t queue;
    uint64_t id;
    uint8_t *tag;
    size_t tag_size;
    uint8_t *note;
    size_t note_size;
    uint8_t *body;
    size_t body_size;
};

/* What core of a shard sees of it. */
struct model_face {
    struct model_store *store;
    struct core *core; /* that gets the answers */
    struct list wishes;
};

struct model_store {
    uint64_t next;       /* position */
    uint64_t durable;    /* position: what is before it is in the maps */
    struct list batches; /* that are not durable */
    struct map entries;
    struct map items;
    struct doubts doubts; /* of the next run */
    bool stopped;         /* this one ends in order: model_store_kill() then breaks nothing off */
    bool deaf;            /* fetches fail */
};

void model_store_init(struct model_store *store);
void model_store_deinit(struct model_store *store);

/* What a core is given; the face must stay where it is. */
struct storage model_store_face(
        struct model_store *store, struct model_face *face, enum storage_patience patience);

/* The next batch is durable; false: there is none. */
bool model_store_commit(struct model_store *store);

/* All are. */
void model_store_commit_all(struct model_store *store);

/* The process is killed: what is not durable is gone. */
void model_store_kill(struct model_store *store);

/* Answers one wish of the face's core; false: there is none. Only what is durable is found: others
 * wait. */
bool model_face_answer(struct model_face *face, int64_t now_ms);

/* Forgets its wishes, as its core is gone. */
void model_face_reset(struct model_face *face);

/*
 * Tells new cores what is there, by restore.h, as the server's program does. RESTORED; or what went
 * wrong, and they are to be freed.
 */
enum restored model_store_restore(const struct model_store *store, struct core *const cores[],
        unsigned count, int64_t now_ms, int64_t wall_ms, struct restore_counts *out);

/* How many entries the table has. */
size_t model_store_count(const struct model_store *store, unsigned table);

/* Tells all that is there, in order: entries by key, then items by queue and id. For a restart. */
struct model_entry **model_store_entries(const struct model_store *store); /* NULL at the end; */
struct model_item **model_store_items(const struct model_store *store);    /* for free() */

#endif
