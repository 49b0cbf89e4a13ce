/* SPDX-License-Identifier: Apache-2.0 */
#include "store/hot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static const uint32_t SLOT_DONE = UINT32_MAX; /* in place of a note */
static const uint64_t MARK_DONE = UINT64_MAX; /* in place of a note's position */

enum { ROOM_MIN = 256, SORTED_BY_HAND = 16, PAGE_SIZE = 4096, ROW_OVERHEAD = 64 };

/* ---- Chunks ---- */

static void free_chunk(struct hot_chunk *chunk)
{
    free(chunk->places);
    free(chunk->slots);
    pairs_reset(&chunk->queues);
    pairs_reset(&chunk->marks);
    free(chunk);
}

static bool grow(void **items, size_t *room, size_t wanted, size_t item_size)
{
    size_t more = *room > 0 ? *room : ROOM_MIN;
    void *grown;

    if (wanted <= *room)
        return true;
    while (more < wanted)
        more *= 2;
    grown = realloc(*items, more * item_size);
    if (!grown)
        return false;
    *items = grown;
    *room = more;
    return true;
}

static bool reserve(struct hot_chunk *chunk, const struct hot_need *need)
{
    void *places = chunk->places;
    void *slots = chunk->slots;
    bool good = grow(
            &places, &chunk->place_room, chunk->count + need->records + 1, sizeof(*chunk->places));

    chunk->places = places;
    good = good &&
            grow(&slots, &chunk->slot_room, chunk->slot_count + need->slots, sizeof(*chunk->slots));
    chunk->slots = slots;
    return good && pairs_reserve(&chunk->queues, need->slots) &&
            pairs_reserve(&chunk->marks, need->marks);
}

static struct hot_chunk *add_chunk(struct hot *hot, const struct hot_need *need)
{
    struct hot_chunk *chunk = calloc(1, sizeof(*chunk));
    void *chunks = hot->chunks;
    bool good = chunk && grow(&chunks, &hot->room, hot->count + 1, sizeof(*hot->chunks));

    hot->chunks = chunks;
    if (!good || !reserve(chunk, need)) {
        if (chunk)
            free_chunk(chunk);
        return NULL;
    }
    chunk->first = hot->next;
    chunk->marked_first = UINT64_MAX;
    chunk->places[0] = 0;
    hot->chunks[hot->count++] = chunk;
    return chunk;
}

/* Gives back what is left of its room. */
static void close_chunk(struct hot_chunk *chunk)
{
    void *slots = chunk->slot_count > 0
            ? realloc(chunk->slots, chunk->slot_count * sizeof(*chunk->slots))
            : NULL;
    void *places = realloc(chunk->places, (chunk->count + 1) * sizeof(*chunk->places));

    chunk->closed = true;
    if (slots) {
        chunk->slots = slots;
        chunk->slot_room = chunk->slot_count;
    }
    if (places) {
        chunk->places = places;
        chunk->place_room = chunk->count + 1;
    }
}

static bool is_full(const struct hot *hot, const struct hot_chunk *chunk)
{
    return chunk->bytes >= hot->chunk_bytes || chunk->marks.count >= CHUNK_MARKS_MAX ||
            chunk->count >= CHUNK_RECORDS_MAX;
}

static struct hot_chunk *last_chunk(const struct hot *hot)
{
    return hot->count > 0 ? hot->chunks[hot->count - 1] : NULL;
}

/* The chunk that records come to has room for what is needed. */
static bool make_room(struct hot *hot)
{
    struct hot_chunk *last = last_chunk(hot);

    if (last && !last->closed && is_full(hot, last))
        close_chunk(last);
    return last && !last->closed ? reserve(last, &hot->need) : add_chunk(hot, &hot->need) != NULL;
}

/* The chunk that has the record at that position, or would have it. */
static struct hot_chunk *find_chunk(const struct hot *hot, uint64_t position)
{
    size_t low = 0;
    size_t high = hot->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (hot->chunks[middle]->first <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && position < hot->next ? hot->chunks[low - 1] : NULL;
}

/* ---- Slots ---- */

/* The slots of a record, without the one that counts them. */
struct span {
    uint32_t begin;
    uint32_t end;
};

static struct span span_of(const struct hot_chunk *chunk, uint64_t id)
{
    uint64_t at = id - chunk->first;
    struct span span = { chunk->places[at], chunk->places[at + 1] };

    if (span.end - span.begin > 1)
        span.begin++;
    return span;
}

/* The slot of that queue, which are in order; UINT32_MAX: there is none. */
static uint32_t find_slot(const struct hot_chunk *chunk, uint64_t id, uint64_t queue)
{
    struct span span = span_of(chunk, id);

    while (span.begin < span.end) {
        uint32_t middle = span.begin + (span.end - span.begin) / 2;

        if (chunk->slots[middle].queue == queue)
            return middle;
        if (chunk->slots[middle].queue < queue)
            span.begin = middle + 1;
        else
            span.end = middle;
    }
    return UINT32_MAX;
}

/* The message whose slot it is. */
static uint64_t id_of_slot(const struct hot_chunk *chunk, uint32_t slot)
{
    uint64_t low = 0;
    uint64_t high = chunk->count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (chunk->places[middle + 1] <= slot)
            low = middle + 1;
        else
            high = middle;
    }
    return chunk->first + low;
}

static void finish_slot(struct hot_chunk *chunk, uint64_t id, uint32_t slot)
{
    uint32_t counter = chunk->places[id - chunk->first];

    if (chunk->slots[slot].note == SLOT_DONE)
        return;
    chunk->slots[slot].note = SLOT_DONE;
    if (counter == slot || --chunk->slots[counter].queue == 0)
        chunk->live--;
}

/* The first and the last slot of a queue, each + 1 and in half of a pair's value. */
static uint64_t ends_of(uint32_t first, uint32_t last)
{
    return (uint64_t)first << 32 | last;
}

static void link_slot(struct hot_chunk *chunk, uint32_t slot)
{
    struct pair *ends = pairs_add(&chunk->queues, chunk->slots[slot].queue, 0);
    uint32_t first = slot + 1;

    if (ends->value != 0) {
        first = (uint32_t)(ends->value >> 32);
        chunk->slots[(uint32_t)ends->value - 1].next = slot + 1;
    }
    ends->value = ends_of(first, slot + 1);
}

/* ---- Noting ---- */

static int compare_slots(const void *left, const void *right)
{
    const struct hot_slot *a = left;
    const struct hot_slot *b = right;

    return (a->queue > b->queue) - (a->queue < b->queue);
}

static void sort_slots(struct hot_slot *slots, size_t count)
{
    if (count > SORTED_BY_HAND) {
        qsort(slots, count, sizeof(*slots), compare_slots);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct hot_slot slot = slots[i];
        size_t at = i;

        for (; at > 0 && slots[at - 1].queue > slot.queue; at--)
            slots[at] = slots[at - 1];
        slots[at] = slot;
    }
}

static void note_message(struct hot_chunk *chunk, const struct record *record)
{
    struct bytes places = record->places;
    struct record_place place;
    uint32_t begin;

    if (record->place_count > 1)
        chunk->slots[chunk->slot_count++] = (struct hot_slot){ .queue = record->place_count };
    begin = (uint32_t)chunk->slot_count;
    while (records_place(&places, &place))
        chunk->slots[chunk->slot_count++] = (struct hot_slot){ .queue = place.queue };
    sort_slots(chunk->slots + begin, record->place_count);
    for (uint32_t i = 0; i < record->place_count; i++)
        link_slot(chunk, begin + i);
    chunk->live++;
}

/* A record about one message in one queue; value: MARK_DONE or the position of its note. */
static void note_word(
        struct hot *hot, struct hot_chunk *chunk, const struct record *record, uint64_t value)
{
    struct hot_chunk *home = find_chunk(hot, record->id);
    uint32_t slot = home ? find_slot(home, record->id, record->queue) : UINT32_MAX;
    struct pair *mark;

    if (slot != UINT32_MAX && value == MARK_DONE)
        finish_slot(home, record->id, slot);
    else if (slot != UINT32_MAX && home->slots[slot].note != SLOT_DONE)
        home->slots[slot].note = (uint32_t)(value - record->id);
    /* A note of another chunk is asked for when its message is in the archive, and it is not. */
    if (home && !home->frozen && (home == chunk || value == MARK_DONE))
        return;
    /* A note of what is done with already says nothing. */
    mark = pairs_add(&chunk->marks, record->queue, record->id);
    if (record->id < chunk->marked_first)
        chunk->marked_first = record->id;
    if (record->id > chunk->marked_last)
        chunk->marked_last = record->id;
    if (mark->value != MARK_DONE)
        mark->value = value;
}

static void drop_in(struct hot_chunk *chunk, uint64_t queue)
{
    struct pair *ends = pairs_find(&chunk->queues, queue, 0);
    uint32_t last;

    if (!ends)
        return;
    last = (uint32_t)ends->value;
    for (uint32_t at = (uint32_t)(ends->value >> 32); at != 0; at = chunk->slots[at - 1].next)
        finish_slot(chunk, id_of_slot(chunk, at - 1), at - 1);
    ends->value = ends_of(last, last);
}

static void note_drop(struct hot *hot, struct hot_chunk *chunk, uint64_t queue, uint64_t position)
{
    for (size_t i = 0; i < hot->count; i++)
        drop_in(hot->chunks[i], queue);
    pairs_add(&chunk->marks, queue, RECORD_NO_ID)->value = position;
    chunk->drops++;
}

static void note_record(struct hot *hot, const struct record *record, size_t size)
{
    struct hot_chunk *chunk = last_chunk(hot);
    uint64_t position = hot->next;

    switch (record->kind) {
    case RECORD_BEGIN:
        break;
    case RECORD_SET:
    case RECORD_REMOVE:
    case RECORD_REMOVE_ALL:
        chunk->entries++;
        chunk->entry_bytes += size;
        break;
    case RECORD_MESSAGE:
        chunk->messages++;
        chunk->message_bytes += size;
        note_message(chunk, record);
        break;
    case RECORD_DONE:
        note_word(hot, chunk, record, MARK_DONE);
        break;
    case RECORD_NOTE:
        note_word(hot, chunk, record, position);
        break;
    case RECORD_DROP:
        note_drop(hot, chunk, record->queue, position);
        break;
    }
    chunk->places[++chunk->count] = (uint32_t)chunk->slot_count;
    chunk->bytes += record_room(size);
    hot->next++;
}

static void add_need(struct hot_need *need, const struct record *record)
{
    need->records++;
    if (record->kind == RECORD_MESSAGE)
        need->slots += record->place_count + (record->place_count > 1);
    if (record->kind == RECORD_DONE || record->kind == RECORD_NOTE || record->kind == RECORD_DROP)
        need->marks++;
}

/* Each record of a frame, decoded: what is committed was encoded by this process. */
struct walk {
    const struct record_frame *frame;
    struct bytes rest; /* of a body */
    size_t body;       /* the next one */
    uint64_t position;
};

static bool walk_next(struct walk *walk, struct record *out, size_t *size)
{
    struct bytes bytes;
    bool good;

    while (walk->rest.size == 0 && walk->body < walk->frame->body_count) {
        const struct iovec *body = &walk->frame->bodies[walk->body++];

        walk->rest = bytes_of(body->iov_base, body->iov_len);
    }
    if (!record_take(&walk->rest, &bytes))
        return false;
    good = records_decode(out, walk->position++, bytes);
    assert(good);
    *size = bytes.size;
    return true;
}

bool hot_expect(struct hot *hot, const struct record_frame *frame)
{
    struct walk walk = { .frame = frame, .position = frame->position };
    struct hot_need need = { 0 };
    struct record record;
    size_t size;
    bool good;

    while (walk_next(&walk, &record, &size))
        add_need(&need, &record);
    pthread_mutex_lock(&hot->lock);
    hot->need = need;
    good = make_room(hot);
    pthread_mutex_unlock(&hot->lock);
    return good;
}

void hot_note_frame(struct hot *hot, const struct record_frame *frame)
{
    struct walk walk = { .frame = frame, .position = frame->position };
    struct record record;
    size_t size;

    pthread_mutex_lock(&hot->lock);
    assert(hot->next == frame->position);
    while (walk_next(&walk, &record, &size))
        note_record(hot, &record, size);
    hot->need = (struct hot_need){ 0 };
    pthread_mutex_unlock(&hot->lock);
}

int hot_note(struct hot *hot, uint64_t position, struct bytes bytes)
{
    struct record record;
    int result = 0;

    if (position != hot->next || !records_decode(&record, position, bytes))
        return -EBADMSG;
    pthread_mutex_lock(&hot->lock);
    hot->need = (struct hot_need){ 0 };
    add_need(&hot->need, &record);
    if (make_room(hot))
        note_record(hot, &record, bytes.size);
    else
        result = -ENOMEM;
    hot->need = (struct hot_need){ 0 };
    pthread_mutex_unlock(&hot->lock);
    return result;
}

/* ---- Asking ---- */

static struct hot_word word_of_slot(const struct hot_slot *slot, uint64_t id)
{
    if (slot->note == SLOT_DONE)
        return (struct hot_word){ .gone = true };
    return (struct hot_word){ .note = slot->note > 0 ? id + slot->note : 0 };
}

bool hot_find(struct hot *hot, uint64_t queue, uint64_t id, struct hot_word *out)
{
    const struct hot_chunk *chunk;

    pthread_mutex_lock(&hot->lock);
    chunk = find_chunk(hot, id);
    if (chunk) {
        uint32_t slot = find_slot(chunk, id, queue);

        *out = slot == UINT32_MAX ? (struct hot_word){ .gone = true }
                                  : word_of_slot(&chunk->slots[slot], id);
    }
    pthread_mutex_unlock(&hot->lock);
    return chunk;
}

/* What one chunk says of a message that is in the archive, where no later one has said more. */
static void judge_by(
        const struct hot_chunk *chunk, uint64_t queue, uint64_t id, struct hot_word *word)
{
    const struct pair *dropped =
            chunk->drops > 0 ? pairs_find(&chunk->marks, queue, RECORD_NO_ID) : NULL;
    const struct pair *mark = NULL;

    /* Who goes through a queue is mostly ahead of what it is done with. */
    if (id >= chunk->marked_first && id <= chunk->marked_last)
        mark = pairs_find(&chunk->marks, queue, id);
    word->gone = (dropped && dropped->value > id) || (mark && mark->value == MARK_DONE);
    if (mark && word->note == 0)
        word->note = mark->value;
}

void hot_judge_archived(struct hot *hot, uint64_t queue, uint64_t id, struct hot_word *out)
{
    struct hot_word word = { 0 };

    pthread_mutex_lock(&hot->lock);
    for (size_t i = hot->count; i-- > 0 && !word.gone;)
        judge_by(hot->chunks[i], queue, id, &word);
    pthread_mutex_unlock(&hot->lock);
    *out = word;
}

/* Where a walk over a queue's slots begins, + 1. What is done with at its start is passed over for
 * good. */
static uint32_t first_slot(struct hot_chunk *chunk, uint64_t queue, uint64_t after)
{
    struct pair *ends = pairs_find(&chunk->queues, queue, 0);
    uint32_t at;
    uint32_t last;

    if (!ends)
        return 0;
    if (after >= chunk->first && after < chunk->first + chunk->count) {
        at = find_slot(chunk, after, queue);
        if (at != UINT32_MAX)
            return chunk->slots[at].next;
    }
    at = (uint32_t)(ends->value >> 32);
    last = (uint32_t)ends->value;
    while (at != last && chunk->slots[at - 1].note == SLOT_DONE)
        at = chunk->slots[at - 1].next;
    ends->value = ends_of(at, last);
    return at;
}

static size_t list_chunk(struct hot_chunk *chunk, uint64_t queue, uint64_t after, uint64_t before,
        struct hot_item out[], size_t count_max)
{
    size_t count = 0;

    for (uint32_t at = first_slot(chunk, queue, after); at != 0 && count < count_max;
            at = chunk->slots[at - 1].next) {
        uint64_t id = id_of_slot(chunk, at - 1);
        struct hot_word word = word_of_slot(&chunk->slots[at - 1], id);

        if (id >= before)
            break;
        if (id > after && !word.gone)
            out[count++] = (struct hot_item){ id, word.note };
    }
    return count;
}

size_t hot_list(struct hot *hot, uint64_t queue, uint64_t after, uint64_t before,
        struct hot_item out[], size_t count_max)
{
    size_t count = 0;

    pthread_mutex_lock(&hot->lock);
    for (size_t i = 0; i < hot->count && count < count_max; i++) {
        struct hot_chunk *chunk = hot->chunks[i];

        if (chunk->first + chunk->count > after && chunk->first < before)
            count += list_chunk(chunk, queue, after, before, out + count, count_max - count);
    }
    pthread_mutex_unlock(&hot->lock);
    return count;
}

static uint64_t first_of(const struct hot *hot)
{
    return hot->count > 0 ? hot->chunks[0]->first : hot->next;
}

uint64_t hot_first(struct hot *hot)
{
    uint64_t first;

    pthread_mutex_lock(&hot->lock);
    first = first_of(hot);
    pthread_mutex_unlock(&hot->lock);
    return first;
}

uint64_t hot_live(struct hot *hot)
{
    uint64_t live = 0;

    pthread_mutex_lock(&hot->lock);
    for (size_t i = 0; i < hot->count; i++)
        live += hot->chunks[i]->live;
    pthread_mutex_unlock(&hot->lock);
    return live;
}

size_t hot_full_chunks(struct hot *hot, bool *marks)
{
    size_t count = 0;

    *marks = false;
    pthread_mutex_lock(&hot->lock);
    for (size_t i = 0; i < hot->count; i++) {
        count += is_full(hot, hot->chunks[i]);
        *marks |= hot->chunks[i]->marks.count >= CHUNK_MARKS_MAX;
    }
    pthread_mutex_unlock(&hot->lock);
    return count;
}

/* ---- Moving ---- */

/* What so many records take there: large ones have pages of their own, and the pages of small ones
 * are not full. */
static uint64_t room_for(uint64_t count, uint64_t bytes)
{
    uint64_t each = count > 0 ? bytes / count : 0;

    each += ROW_OVERHEAD;
    return count * (each > PAGE_SIZE / 2 ? (each / PAGE_SIZE + 1) * PAGE_SIZE : each + each / 2);
}

static struct hot_range range_of(const struct hot_chunk *chunk)
{
    uint64_t room = room_for(chunk->messages, chunk->message_bytes);

    if (chunk->messages > 0)
        room = room / chunk->messages * chunk->live;
    return (struct hot_range){ .first = chunk->first,
        .end = chunk->first + chunk->count,
        .room = room + room_for(chunk->entries, chunk->entry_bytes),
        .has_entries = chunk->entries > 0,
        .is_idle = chunk->entries == 0 && chunk->live == 0 && chunk->marks.count == 0 };
}

bool hot_range(struct hot *hot, size_t index, struct hot_range *out)
{
    bool found;

    pthread_mutex_lock(&hot->lock);
    found = index < hot->count;
    if (found)
        *out = range_of(hot->chunks[index]);
    pthread_mutex_unlock(&hot->lock);
    return found;
}

int hot_freeze(struct hot *hot, struct hot_range *out)
{
    struct hot_chunk *chunk;
    int result = 0;

    pthread_mutex_lock(&hot->lock);
    chunk = hot->count > 0 ? hot->chunks[0] : NULL;
    if (chunk && chunk->count > 0) {
        /* What has been expected comes to another one then. */
        if (hot->count == 1 && !chunk->closed && !add_chunk(hot, &hot->need))
            result = -ENOMEM;
        else
            result = 1;
    }
    if (result > 0) {
        if (!chunk->closed)
            close_chunk(chunk);
        chunk->frozen = true;
        *out = range_of(chunk);
    }
    pthread_mutex_unlock(&hot->lock);
    return result;
}

void hot_forget(struct hot *hot)
{
    struct hot_chunk *chunk;

    pthread_mutex_lock(&hot->lock);
    assert(hot->count > 0);
    chunk = hot->chunks[0];
    assert(chunk->frozen);
    hot->count--;
    memmove(hot->chunks, hot->chunks + 1, hot->count * sizeof(*hot->chunks));
    pthread_mutex_unlock(&hot->lock);
    free_chunk(chunk);
}

/* ---- The whole ---- */

void hot_init(struct hot *hot, uint64_t chunk_bytes)
{
    *hot = (struct hot){ .chunk_bytes = chunk_bytes };
    pthread_mutex_init(&hot->lock, NULL);
}

void hot_deinit(struct hot *hot)
{
    for (size_t i = 0; i < hot->count; i++)
        free_chunk(hot->chunks[i]);
    free(hot->chunks);
    pthread_mutex_destroy(&hot->lock);
}

void hot_begin(struct hot *hot, uint64_t position)
{
    hot->next = position;
}
