/* SPDX-License-Identifier: Apache-2.0 */
/* Reads messages again, from the log or the archive, whichever has them. */
#include "store/store_state.h"

#include <errno.h>
#include <stdlib.h>

enum { SCRATCH_MIN = 64 << 10 };

/* An answer, which the items of a fetch lie in. */
struct answer {
    uint8_t *data; /* tags, notes and bodies one after the other */
    size_t size;
    size_t room;
    struct store_item items[];
};

/* A fetch on its way. */
struct reading {
    struct store *store;
    struct store_fetch *fetch;
    struct archive_view *view; /* NULL: none yet */
    uint64_t hot_first;        /* ids from there on are in the log */
    uint32_t count_max;
    uint32_t count;
    struct answer *answer;
    uint8_t *record; /* scratch */
    size_t record_room;
    uint8_t note[1 + 2 * 10 + RECORD_NOTE_MAX]; /* a record of one */
};

/* ---- Answers ---- */

/* The same bytes in another buffer. */
static struct bytes moved(struct bytes bytes, const uint8_t *from, const uint8_t *to)
{
    return bytes_of(to + (bytes.data - from), bytes.size);
}

static bool make_room(struct reading *reading, size_t more)
{
    struct answer *answer = reading->answer;
    size_t room = answer->room > 0 ? answer->room : SCRATCH_MIN;
    uint8_t *data;

    if (answer->data && answer->size + more <= answer->room)
        return true;
    while (room < answer->size + more)
        room *= 2;
    data = malloc(room);
    if (!data)
        return false;
    if (answer->data && answer->size > 0)
        memcpy(data, answer->data, answer->size);
    for (uint32_t i = 0; i < reading->count; i++) {
        struct store_item *item = &answer->items[i];

        item->tag = moved(item->tag, answer->data, data);
        item->note = moved(item->note, answer->data, data);
        item->body = moved(item->body, answer->data, data);
    }
    free(answer->data);
    answer->data = data;
    answer->room = room;
    return true;
}

static struct bytes keep(struct answer *answer, struct bytes bytes)
{
    struct bytes kept = bytes_of(answer->data + answer->size, bytes.size);

    if (bytes.size > 0)
        memcpy(answer->data + answer->size, bytes.data, bytes.size);
    answer->size += bytes.size;
    return kept;
}

/* Returns 0; 1: no more fits, and this one is not taken; or -ENOMEM. */
static int add_item(struct reading *reading, uint64_t id, struct bytes tag, struct bytes note,
        struct bytes body)
{
    struct answer *answer = reading->answer;
    size_t size = tag.size + note.size + body.size;

    if (reading->count == reading->count_max ||
            (reading->count > 0 && answer->size + size > FETCH_BYTES_MAX))
        return 1;
    if (!make_room(reading, size))
        return -ENOMEM;
    answer->items[reading->count++] = (struct store_item){ .queue = reading->fetch->queue,
        .id = id,
        .tag = keep(answer, tag),
        .note = keep(answer, note),
        .body = keep(answer, body) };
    return 0;
}

/* ---- Reading records ---- */

/* A record of a note is small, and read into a place of its own. */
static int read_note(struct reading *reading, uint64_t position, struct bytes *out)
{
    struct record record;
    int64_t size =
            record_log_read(reading->store->log, position, reading->note, sizeof(reading->note));

    if (size < 0)
        return (int)size;
    if ((uint64_t)size > sizeof(reading->note) ||
            !records_decode(&record, position, bytes_of(reading->note, (size_t)size)) ||
            record.kind != RECORD_NOTE)
        return -EBADMSG;
    *out = record.value;
    return 0;
}

static int64_t read_record(struct reading *reading, uint64_t position)
{
    int64_t size =
            record_log_read(reading->store->log, position, reading->record, reading->record_room);

    if (size > (int64_t)reading->record_room) {
        free(reading->record);
        reading->record_room = (size_t)size > SCRATCH_MIN ? (size_t)size : SCRATCH_MIN;
        reading->record = malloc(reading->record_room);
        if (!reading->record) {
            reading->record_room = 0;
            return -ENOMEM;
        }
        size = record_log_read(
                reading->store->log, position, reading->record, reading->record_room);
    }
    return size;
}

static bool find_place(const struct record *record, uint64_t queue, struct bytes *tag)
{
    struct bytes rest = record->places;
    struct record_place place;

    while (records_place(&rest, &place)) {
        if (place.queue == queue) {
            *tag = place.tag;
            return true;
        }
    }
    return false;
}

/* Adds a message that is in the log; as add_item(). */
static int add_hot(struct reading *reading, uint64_t id, uint64_t note_position)
{
    int64_t size = read_record(reading, id);
    struct record record;
    struct bytes note = { 0 };
    struct bytes tag = { 0 };
    int result = 0;

    if (size < 0)
        return (int)size;
    if (!records_decode(&record, id, bytes_of(reading->record, (size_t)size)) ||
            record.kind != RECORD_MESSAGE || !find_place(&record, reading->fetch->queue, &tag))
        return -EBADMSG;
    if (note_position > 0)
        result = read_note(reading, note_position, &note);
    return result < 0 ? result : add_item(reading, id, tag, note, record.value);
}

/* Adds a message of the archive, unless the log says that it is gone; as add_item(). */
static int add_cold(struct reading *reading, const struct cold_item *item)
{
    struct bytes note = item->note;
    struct hot_word word;
    int result = 0;

    hot_judge_archived(&reading->store->hot, item->queue, item->id, &word);
    if (word.gone)
        return 0;
    if (word.note > 0)
        result = read_note(reading, word.note, &note);
    return result < 0 ? result : add_item(reading, item->id, item->tag, note, item->body);
}

static int open_view(struct reading *reading)
{
    return reading->view ? 0 : cold_look(reading->store->archive, &reading->view);
}

/* ---- Lists and ranges ---- */

static int compare_ids(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return (*a > *b) - (*a < *b);
}

static int add_id(struct reading *reading, uint64_t id)
{
    struct store *store = reading->store;
    struct cold_item item;
    struct hot_word word;
    int result;

    if (id >= reading->hot_first) {
        if (!hot_find(&store->hot, reading->fetch->queue, id, &word) || word.gone)
            return 0;
        return add_hot(reading, id, word.note);
    }
    result = open_view(reading);
    if (result == 0)
        result = cold_find(store->archive, reading->view, reading->fetch->queue, id, &item);
    if (result != 0)
        return result == -ENOENT ? 0 : result;
    return add_cold(reading, &item);
}

static int read_list(struct reading *reading)
{
    const struct store_fetch *fetch = reading->fetch;
    uint64_t ids[FETCH_ITEMS_MAX];
    int result = 0;

    if (fetch->id_count > FETCH_ITEMS_MAX)
        return -EINVAL;
    memcpy(ids, fetch->ids, fetch->id_count * sizeof(ids[0]));
    qsort(ids, fetch->id_count, sizeof(ids[0]), compare_ids);
    for (uint32_t i = 0; result == 0 && i < fetch->id_count; i++)
        result = add_id(reading, ids[i]);
    return result;
}

static int read_cold_range(struct reading *reading)
{
    const struct store_fetch *fetch = reading->fetch;
    uint64_t from = fetch->after + 1;
    struct cold_item item;
    int result = open_view(reading);

    while (result == 0) {
        result = cold_next(reading->store->archive, reading->view, fetch->queue, from, &item);
        if (result == -ENOENT)
            return 0;
        if (result < 0 || item.id >= fetch->before || item.id >= reading->hot_first)
            break;
        result = add_cold(reading, &item);
        from = item.id + 1;
    }
    return result;
}

static int read_hot_range(struct reading *reading)
{
    const struct store_fetch *fetch = reading->fetch;
    struct hot_item items[FETCH_ITEMS_MAX];
    uint64_t after = fetch->after;
    size_t count;
    int result = 0;

    if (after < reading->hot_first && reading->hot_first > 0)
        after = reading->hot_first - 1;
    /* One more than there may be in the answer: so it is known whether that is all. */
    do {
        count = hot_list(
                &reading->store->hot, fetch->queue, after, fetch->before, items, FETCH_ITEMS_MAX);
        for (size_t i = 0; result == 0 && i < count; i++)
            result = add_hot(reading, items[i].id, items[i].note);
        if (count > 0)
            after = items[count - 1].id;
    } while (result == 0 && count == FETCH_ITEMS_MAX);
    return result;
}

static int read_range(struct reading *reading)
{
    int result = 0;

    if (reading->fetch->after < UINT64_MAX && reading->fetch->after + 1 < reading->hot_first)
        result = read_cold_range(reading);
    return result == 0 ? read_hot_range(reading) : result;
}

/* ---- One fetch ---- */

static uint32_t count_max_of(const struct store_fetch *fetch)
{
    if (fetch->ids || fetch->count_max == 0 || fetch->count_max > FETCH_ITEMS_MAX)
        return FETCH_ITEMS_MAX;
    return fetch->count_max;
}

static void free_answer(struct answer *answer)
{
    free(answer->data);
    free(answer);
}

static int read_all(struct reading *reading)
{
    struct store *store = reading->store;
    int result;

    /* What the log has stays there, and the archive does not get more of it. */
    pthread_mutex_lock(&store->moving);
    reading->hot_first = hot_first(&store->hot);
    result = reading->fetch->ids ? read_list(reading) : read_range(reading);
    pthread_mutex_unlock(&store->moving);
    if (reading->view)
        store->archive->abandon(store->archive->context, reading->view);
    free(reading->record);
    return result;
}

static void answer_fetch(struct store *store, struct store_fetch *fetch)
{
    struct reading reading = { .store = store, .fetch = fetch, .count_max = count_max_of(fetch) };
    int result = -ENOMEM;

    reading.answer =
            calloc(1, sizeof(*reading.answer) + reading.count_max * sizeof(struct store_item));
    if (reading.answer)
        result = read_all(&reading);
    if (result < 0 && reading.answer)
        free_answer(reading.answer);
    fetch->result = result < 0 ? result : 0;
    fetch->items = result < 0 ? NULL : reading.answer->items;
    fetch->item_count = result < 0 ? 0 : reading.count;
    fetch->complete = result == 0;
    fetch->done(fetch);
}

void store_fetch_release(struct store_fetch *fetch)
{
    if (fetch->items)
        free_answer(container_of(fetch->items, struct answer, items));
    fetch->items = NULL;
    fetch->item_count = 0;
}

/* ---- All of them ---- */

/* All that it asks for is known to hot. */
static bool is_ready(const struct store *store, const struct store_fetch *fetch)
{
    uint64_t durable = record_log_durable(store->log);

    if (!fetch->ids)
        return fetch->before <= durable;
    for (uint32_t i = 0; i < fetch->id_count; i++) {
        if (fetch->ids[i] >= durable)
            return false;
    }
    return true;
}

static struct store_fetch *take_ready(struct store *store)
{
    struct store_fetch *found = NULL;
    struct list *node;

    pthread_mutex_lock(&store->fetch_lock);
    for (node = store->fetches.next; !found && node != &store->fetches; node = node->next) {
        if (is_ready(store, container_of(node, struct store_fetch, link)))
            found = container_of(node, struct store_fetch, link);
    }
    if (found)
        list_remove(&found->link);
    pthread_mutex_unlock(&store->fetch_lock);
    return found;
}

void fetch_step(struct store *store)
{
    struct store_fetch *fetch;

    while ((fetch = take_ready(store)))
        answer_fetch(store, fetch);
}

void fetch_give_up(struct store *store, int error)
{
    struct list *node;

    for (;;) {
        struct store_fetch *fetch;

        pthread_mutex_lock(&store->fetch_lock);
        node = list_take_first(&store->fetches);
        pthread_mutex_unlock(&store->fetch_lock);
        if (!node)
            return;
        fetch = container_of(node, struct store_fetch, link);
        fetch->result = error;
        fetch->items = NULL;
        fetch->item_count = 0;
        fetch->complete = false;
        fetch->done(fetch);
    }
}

void store_fetch(struct store *store, struct store_fetch *fetch)
{
    list_init(&fetch->link);
    pthread_mutex_lock(&store->fetch_lock);
    list_append(&store->fetches, &fetch->link);
    store->fetch_told = true;
    pthread_cond_signal(&store->fetch_news);
    pthread_mutex_unlock(&store->fetch_lock);
}

void fetch_wake(struct store *store)
{
    pthread_mutex_lock(&store->fetch_lock);
    if (!list_empty(&store->fetches)) {
        store->fetch_told = true;
        pthread_cond_signal(&store->fetch_news);
    }
    pthread_mutex_unlock(&store->fetch_lock);
}

/* What waits for ids that will never be durable is given up. */
void *fetch_run(void *context)
{
    struct store *store = context;
    bool stopping = false;

    while (!stopping) {
        int trouble;

        fetch_step(store);
        trouble = store_trouble(store);
        if (trouble != 0 && trouble != -ENOSPC)
            fetch_give_up(store, trouble);
        pthread_mutex_lock(&store->fetch_lock);
        while (!store->fetch_stopping && !store->fetch_told)
            pthread_cond_wait(&store->fetch_news, &store->fetch_lock);
        store->fetch_told = false;
        stopping = store->fetch_stopping;
        pthread_mutex_unlock(&store->fetch_lock);
    }
    fetch_step(store);
    fetch_give_up(store, -ECANCELED);
    return NULL;
}
