/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store must have: random records, and what becomes of them. A store that was opened has all
 * records before one position and none from there on; the model says what that is.
 */
#ifndef TESTS_CRASH_STORE_MODEL_H
#define TESTS_CRASH_STORE_MODEL_H

#include "base/random.h"
#include "store/store.h"

enum {
    MODEL_RECORDS_MAX = 1 << 16,
    MODEL_TABLES = 3,
    MODEL_KEYS = 24,
    MODEL_QUEUES = 6,
    MODEL_BODY_MAX = 3000,
    MODEL_TEXT_MAX = 160,
};

/* One record: what it says besides follows from its position. */
struct model_record {
    uint8_t kind;   /* enum record_kind */
    uint8_t table;  /* or queue */
    uint8_t key;    /* or queues, as bits */
    bool first;     /* of a batch */
    uint32_t about; /* position of a message */
    uint16_t size;  /* of a body */
};

/* What has become of a message. */
struct model_message {
    uint8_t queues; /* bits: it waits there */
    uint16_t size;
    uint32_t notes[MODEL_QUEUES]; /* positions; 0: none */
};

struct store_model {
    struct model_record records[MODEL_RECORDS_MAX]; /* by position */
    uint64_t pushed;                                /* position of the next one */
    uint32_t entries[MODEL_TABLES][MODEL_KEYS];     /* positions of values; 0: none */
    struct model_message messages[MODEL_RECORDS_MAX];
    uint64_t oldest;           /* no message before that waits */
    char text[MODEL_TEXT_MAX]; /* the first difference that was found */
};

/* After what a store writes by itself. */
void store_model_init(struct store_model *model);

/* The position of the first record of the batch that is made next is model->pushed. The same chance
 * makes the same records. False: there is no room. */
bool store_model_step(struct store_model *model, struct random *random, struct record_batch *batch);

/* As if nothing from that position on had been pushed. False: it lies within a batch. */
bool store_model_rewind(struct store_model *model, uint64_t position);

/* Whether a store that was just opened has just what it must have; else model->text says what it
 * has not. */
bool store_model_agrees(struct store_model *model, struct store *store);

/* The same of the answer to a fetch of all of a queue, of which nothing has been left out. */
bool store_model_agrees_on_queue(struct store_model *model, const struct store_fetch *fetch);

#endif
