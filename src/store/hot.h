/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of messages whose records are in the log and not in the archive yet: in which
 * queues they wait, and what the log says of messages that are in the archive already.
 *
 * Records come in chunks, of which a checkpoint moves the oldest. A record takes 4 bytes, a
 * message's place in a queue 16, a record about an archived message 24 and some; all of that is
 * given back with its chunk. All functions may be called by any thread unless they say who.
 */
#ifndef STORE_HOT_H
#define STORE_HOT_H

#include "store/pairs.h"
#include "store/record_log.h"
#include "store/records.h"

#include <pthread.h>

enum {
    CHUNK_MARKS_MAX = 1 << 16, /* records about archived messages before a chunk is full */
    CHUNK_RECORDS_MAX = 1 << 24,
};

/* A message's place in a queue; in front of more than one, how many of them still wait. */
struct hot_slot {
    uint64_t queue; /* or that number */
    uint32_t next;  /* slot of that queue + 1; 0: the last one */
    uint32_t note;  /* how far behind the message its note's record is; 0: none */
};

struct hot_chunk {
    uint64_t first; /* position of its first record */
    uint64_t count; /* of records */
    uint64_t bytes;
    uint64_t entries; /* records of entries among them */
    uint64_t entry_bytes;
    uint64_t messages; /* records of messages */
    uint64_t message_bytes;
    bool closed;      /* nothing more comes */
    bool frozen;      /* a checkpoint is moving it */
    uint32_t *places; /* for each record its first slot, and where the slots of the last end */
    size_t place_room;
    struct hot_slot *slots;
    size_t slot_count;
    size_t slot_room;
    struct pairs queues;   /* (queue, 0): first and last slot */
    struct pairs marks;    /* (queue, id): what comes of an archived message; (queue, 0): a drop */
    uint64_t marked_first; /* no mark but a drop's is of an id less than this */
    uint64_t marked_last;
    uint64_t drops; /* among the marks */
    uint64_t live;  /* messages that still wait somewhere */
};

/* Room that records need at most. */
struct hot_need {
    uint64_t records;
    size_t slots;
    size_t marks;
};

struct hot {
    pthread_mutex_t lock;      /* of all below */
    struct hot_chunk **chunks; /* in order of position; only the first may be frozen */
    size_t count;
    size_t room;
    uint64_t next;        /* position after the last record */
    uint64_t chunk_bytes; /* before a chunk is full */
    struct hot_need need; /* of the records that are to be noted next */
};

void hot_init(struct hot *hot, uint64_t chunk_bytes);
void hot_deinit(struct hot *hot);

/* Where the first record will be. Before any is noted. */
void hot_begin(struct hot *hot, uint64_t position);

/* ---- Noting what is durable: one thread ---- */

/* Room for the records of a frame, which are noted next or never. False when memory is short. */
bool hot_expect(struct hot *hot, const struct record_frame *frame);

void hot_note_frame(struct hot *hot, const struct record_frame *frame);

/* Both for one record. Returns 0, -ENOMEM, or -EBADMSG: it is none. */
int hot_note(struct hot *hot, uint64_t position, struct bytes record);

/* ---- Asking ---- */

/* What the log says of a message's place in a queue. */
struct hot_word {
    bool gone;     /* it is done with, or dropped */
    uint64_t note; /* position of the record of its note; 0: the log has none */
};

/* Whether the message is in the log: then *out says how it is with its place in the queue. */
bool hot_find(struct hot *hot, uint64_t queue, uint64_t id, struct hot_word *out);

/* The same of one that is in the archive. */
void hot_judge_archived(struct hot *hot, uint64_t queue, uint64_t id, struct hot_word *out);

/* What waits in a queue, with ids between these two: at most `count_max`. Returns how many. */
struct hot_item {
    uint64_t id;
    uint64_t note; /* as above */
};
size_t hot_list(struct hot *hot, uint64_t queue, uint64_t after, uint64_t before,
        struct hot_item out[], size_t count_max);

/* Ids from here on are in the log; those before are in the archive. */
uint64_t hot_first(struct hot *hot);

/* Messages that somebody waits for. */
uint64_t hot_live(struct hot *hot);

/* Chunks that are full, and whether one of them is so by its marks. */
size_t hot_full_chunks(struct hot *hot, bool *marks);

/* ---- Moving: one thread, which may be another one ---- */

/* The oldest chunk, to which nothing comes any more. */
struct hot_range {
    uint64_t first;
    uint64_t end;  /* position after its last record */
    uint64_t room; /* bytes that the archive needs for it, about */
    bool has_entries;
    bool is_idle; /* the archive needs nothing of it */
};

/* That of a chunk, from the oldest on. False: there is none. */
bool hot_range(struct hot *hot, size_t index, struct hot_range *out);

/* Freezes it: from now on what comes of its messages is told by hot_judge_archived() too. Returns
 * 1; 0: there is none; or -ENOMEM. */
int hot_freeze(struct hot *hot, struct hot_range *out);

/* It is in the archive. */
void hot_forget(struct hot *hot);

#endif
