/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves what is still needed of the log's oldest records to the archive.
 *
 * A chunk is moved in one or more transactions, each of which says how far it has come in the log:
 * whatever happens, the archive together with the log from there on is the whole.
 */
#include "store/store_state.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* A chunk on its way. */
struct move {
    struct store *store;
    struct hot_range range;
    struct pairs last_words; /* sums of a table and a key: position of the last record of it, + 1 */
    bool foresees;           /* nothing is committed */
};

/* ---- Entries: of all records of a key in the chunk only the last one is applied ---- */

static bool is_of_key(const struct record *record)
{
    return record->kind == RECORD_SET || record->kind == RECORD_REMOVE;
}

/* 128 bits that who writes keys cannot foresee: no two keys have the same. */
static void sum_key(const struct move *move, const struct record *record, uint64_t out[2])
{
    const uint64_t seed = move->store->cold.state.seed;

    for (uint64_t half = 0; half < 2; half++) {
        const struct hash_key key = { { seed + half, hash_mix(seed ^ record->table) } };

        out[half] = hash_bytes(&key, record->key);
    }
}

static int note_last_word(void *context, uint64_t position, struct bytes bytes)
{
    struct move *move = context;
    struct record record;
    uint64_t sums[2];

    if (!records_decode(&record, position, bytes))
        return -EBADMSG;
    if (!is_of_key(&record))
        return 0;
    if (!pairs_reserve(&move->last_words, 1))
        return -ENOMEM;
    sum_key(move, &record, sums);
    pairs_add(&move->last_words, sums[0], sums[1])->value = position + 1;
    return 0;
}

static bool is_last_word(const struct move *move, const struct record *record, uint64_t position)
{
    uint64_t sums[2];
    const struct pair *last;

    sum_key(move, record, sums);
    last = pairs_find(&move->last_words, sums[0], sums[1]);
    return !last || last->value == position + 1;
}

/* ---- Messages ---- */

static bool make_place_room(struct store *store, size_t count)
{
    struct record_place *places;

    if (count <= store->place_room)
        return true;
    places = realloc(store->places, count * sizeof(*places));
    if (!places)
        return false;
    store->places = places;
    store->place_room = count;
    return true;
}

/* Moves a message for those queues that still wait for it. */
static int move_message(struct store *store, const struct record *record, uint64_t id)
{
    struct bytes rest = record->places;
    struct record_place place;
    struct hot_word word;
    size_t count = 0;

    if (!make_place_room(store, record->place_count))
        return -ENOMEM;
    while (records_place(&rest, &place)) {
        if (hot_find(&store->hot, place.queue, id, &word) && !word.gone)
            store->places[count++] = place;
    }
    return count > 0 ? cold_message(&store->cold, id, store->places, count, record->value) : 0;
}

static int move_note(struct store *store, const struct record *record)
{
    struct hot_word word;

    if (hot_find(&store->hot, record->queue, record->id, &word) && word.gone)
        return 0;
    return cold_note(&store->cold, record->queue, record->id, record->value);
}

/* ---- Records ---- */

/* Returns 0; 1: not all of it is done yet, and it is to be applied again; or -errno. */
static int apply(struct move *move, const struct record *record, uint64_t position)
{
    struct store *store = move->store;
    struct cold *cold = &store->cold;

    if (is_of_key(record) && !is_last_word(move, record, position))
        return 0;
    switch (record->kind) {
    case RECORD_BEGIN:
        return 0;
    case RECORD_SET:
        return cold_set(cold, record->table, record->key, record->value);
    case RECORD_REMOVE:
        return cold_remove(cold, record->table, record->key);
    case RECORD_REMOVE_ALL:
        return cold_remove_all(cold, record->table, record->key);
    case RECORD_MESSAGE:
        return move_message(store, record, position);
    case RECORD_DONE:
        /* Of a message of this chunk: it has not been moved at all. */
        return record->id < move->range.first ? cold_done(cold, record->queue, record->id) : 0;
    case RECORD_NOTE:
        return move_note(store, record);
    case RECORD_DROP:
        return cold_drop(cold, record->queue, position);
    }
    return -EBADMSG;
}

/* All before that position is applied. */
static int end_transaction(struct store *store, uint64_t position)
{
    int result = cold_commit(&store->cold, position);

    if (result < 0)
        return result;
    atomic_store_explicit(&store->archived, store->cold.state.messages, memory_order_relaxed);
    atomic_store_explicit(&store->drops, store->cold.state.drops, memory_order_relaxed);
    return 0;
}

/* Free files of the log have room to give, but for the one that is its reserve. */
static int reserve(struct store *store, uint64_t bytes)
{
    const struct archive *archive = store->archive;
    int result;

    do
        result = archive->reserve(archive->context, bytes);
    while (result == -ENOSPC && record_log_give_room(store->log));
    return result;
}

static bool takes_little(const struct hot_range *range)
{
    return range->room <= ARCHIVE_RESERVE / RESERVE_PART;
}

/* On a disk that is full, what takes much room leaves the reserve to the rest. */
static int begin_transaction(const struct move *move)
{
    int room = reserve(move->store, ARCHIVE_RESERVE);

    if (room < 0 && !takes_little(&move->range))
        return room;
    return cold_begin(&move->store->cold);
}

static int next_transaction(const struct move *move, uint64_t position)
{
    int result = move->foresees ? 0 : end_transaction(move->store, position);

    return result < 0 || move->foresees ? result : begin_transaction(move);
}

static int move_record(void *context, uint64_t position, struct bytes bytes)
{
    struct move *move = context;
    struct cold *cold = &move->store->cold;
    struct record record;
    int result = 0;

    if (!records_decode(&record, position, bytes))
        return -EBADMSG;
    if (cold_is_full(cold))
        result = next_transaction(move, position);
    if (result == 0)
        result = apply(move, &record, position);
    while (result > 0) {
        result = next_transaction(move, position);
        if (result == 0)
            result = apply(move, &record, position);
    }
    return result;
}

/* ---- Chunks ---- */

/* Where it goes on in the range. */
static uint64_t start_of(const struct move *move)
{
    uint64_t checkpointed = move->store->cold.state.checkpointed;

    return checkpointed < move->range.first ? move->range.first : checkpointed;
}

static int note_last_words(struct move *move)
{
    return move->range.has_entries ? record_log_scan(move->store->log, start_of(move),
                                             move->range.end, note_last_word, move)
                                   : 0;
}

static int apply_records(struct move *move)
{
    return move->range.is_idle
            ? 0
            : record_log_scan(move->store->log, start_of(move), move->range.end, move_record, move);
}

/* Once there was no room, nothing is begun that may not come to its end. */
static int await_room(const struct move *move)
{
    if (takes_little(&move->range) || !store_is_scarce(move->store))
        return 0;
    return reserve(move->store, ARCHIVE_RESERVE + move->range.room);
}

static int move_records(struct move *move)
{
    struct store *store = move->store;
    int result = await_room(move);

    if (result == 0)
        result = note_last_words(move);
    if (result == 0) /* The archive must not know of more than the log will have. */
        result = record_log_flush(store->log);
    if (result == 0)
        result = begin_transaction(move);
    if (result == 0)
        result = apply_records(move);
    if (result == 0)
        return end_transaction(store, move->range.end);
    if (store->cold.view)
        cold_abandon(&store->cold);
    return result;
}

int checkpoint_step(struct store *store)
{
    struct move move = { .store = store };
    int result = hot_freeze(&store->hot, &move.range);

    if (result <= 0)
        return result;
    do {
        result = move_records(&move);
        pairs_reset(&move.last_words);
    } while (result == -EAGAIN);
    if (result < 0)
        return result;
    pthread_mutex_lock(&store->moving);
    hot_forget(&store->hot);
    result = record_log_forget(store->log, move.range.end);
    pthread_mutex_unlock(&store->moving);
    atomic_fetch_add_explicit(&store->checkpoints, 1, memory_order_relaxed);
    return result < 0 ? result : 1;
}

/* ---- Foreseeing ---- */

/* Applies the chunks as they would be moved, one after the other, in one transaction. */
static int foresee_chunks(struct store *store)
{
    struct move move = { .store = store, .foresees = true };
    int result = cold_begin(&store->cold);

    for (size_t i = 0; result == 0 && hot_range(&store->hot, i, &move.range); i++) {
        result = note_last_words(&move);
        if (result == 0)
            result = apply_records(&move);
        pairs_reset(&move.last_words);
    }
    if (result == 0)
        result = cold_complete(&store->cold, record_log_durable(store->log));
    if (result < 0 && store->cold.view)
        cold_abandon(&store->cold);
    return result;
}

int checkpoint_foresee(struct store *store, const struct store_visitor *visitor)
{
    int result;

    do
        result = foresee_chunks(store);
    while (result == -EAGAIN);
    if (result < 0)
        return result;
    result = walk_view(store->archive, store->cold.view, visitor);
    cold_abandon(&store->cold);
    return result;
}

/* ---- Sweeping ---- */

int checkpoint_sweep(struct store *store)
{
    struct cold *cold = &store->cold;
    int result;

    if (cold->state.drops == 0)
        return 0;
    result = cold_begin(cold);
    if (result < 0)
        return result;
    result = cold_sweep(cold);
    if (result == 0)
        result = end_transaction(store, cold->state.checkpointed);
    else
        cold_abandon(cold);
    return result == 0 || result == -EAGAIN ? 1 : result;
}

/* ---- The thread ---- */

void checkpoint_wake(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    pthread_cond_broadcast(&store->work);
    pthread_mutex_unlock(&store->lock);
}

static bool is_wanted(struct store *store)
{
    bool marks;
    size_t full = hot_full_chunks(&store->hot, &marks);

    return full > store->window || marks || hot_first(&store->hot) < store->wanted;
}

/* On a full disk the log's oldest file is used again as soon as it can be. */
static bool lacks_room(struct store *store)
{
    return store_is_scarce(store) && hot_first(&store->hot) < record_log_last_start(store->log);
}

enum duty { DUTY_CHECKPOINT, DUTY_SWEEP, DUTY_MAKE_ROOM, DUTY_END };

/* When stopping, all that is durable is moved; what was dropped can wait until the next start. */
static enum duty await_duty(struct store *store)
{
    enum duty duty = DUTY_END;

    pthread_mutex_lock(&store->lock);
    for (;;) {
        if (store->stopping)
            store->wanted = record_log_durable(store->log);
        if (is_wanted(store)) {
            duty = DUTY_CHECKPOINT;
            break;
        }
        if (store->stopping)
            break;
        if (store->cold.state.drops > 0) {
            duty = DUTY_SWEEP;
            break;
        }
        if (lacks_room(store)) {
            duty = DUTY_MAKE_ROOM;
            break;
        }
        pthread_cond_wait(&store->work, &store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return duty;
}

/* Those that may pass by themselves. */
static bool may_pass(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -ENOMEM || error == -EMFILE ||
            error == -ENFILE || error == -EAGAIN;
}

static void set_trouble(struct store *store, int trouble)
{
    if (trouble != 0 && may_pass(trouble))
        trouble = -ENOSPC;
    if (atomic_exchange_explicit(&store->archive_trouble, trouble, memory_order_acq_rel) == trouble)
        return;
    if (store->changed)
        store->changed(store->context);
}

/* Lets some time pass, unless the store stops. False: it does, and there is no time. */
static bool wait_for_room(struct store *store)
{
    struct timespec until;
    int waited = 0;
    bool goes_on;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += FULL_RETRY_MS / 1000;
    pthread_mutex_lock(&store->lock);
    while (!store->stopping && waited == 0)
        waited = pthread_cond_timedwait(&store->work, &store->lock, &until);
    goes_on = !store->stopping;
    pthread_mutex_unlock(&store->lock);
    return goes_on;
}

/* Moves the oldest chunk where the archive has the room: nothing demands it yet. Returns as
 * checkpoint_step(); 0 also where it is to wait. */
static int make_room(struct store *store)
{
    struct hot_range range;

    if (!hot_range(&store->hot, 0, &range))
        return 0;
    if (!takes_little(&range) && reserve(store, ARCHIVE_RESERVE + range.room) < 0)
        return 0;
    return checkpoint_step(store);
}

static int perform(struct store *store, enum duty duty)
{
    switch (duty) {
    case DUTY_CHECKPOINT:
        return checkpoint_step(store);
    case DUTY_SWEEP:
        return checkpoint_sweep(store);
    case DUTY_MAKE_ROOM:
        return make_room(store);
    case DUTY_END:
        break;
    }
    return 0;
}

void *checkpoint_run(void *context)
{
    struct store *store = context;
    bool goes_on = true;

    reserve(store, ARCHIVE_RESERVE); /* That there is less now is met when it is needed. */
    while (goes_on) {
        enum duty duty = await_duty(store);
        bool waits;
        int result;

        if (duty == DUTY_END)
            break;
        result = perform(store, duty);
        waits = result == 0 && duty == DUTY_MAKE_ROOM;
        if (!waits)
            set_trouble(store, result < 0 ? result : 0);
        if (result < 0 || waits)
            goes_on = (waits || may_pass(result)) && wait_for_room(store);
        pthread_mutex_lock(&store->lock);
        pthread_cond_broadcast(&store->moved);
        pthread_mutex_unlock(&store->lock);
    }
    return NULL;
}
