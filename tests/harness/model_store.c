/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/model_store.h"

#include "base/hash.h"
#include "store/batch.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static const struct hash_key no_secret = { { 3, 4 } };

/* ---- Memory that does not fail ---- */

static void *take(void *context, size_t size)
{
    void *block = malloc(size);

    (void)context;
    assert_non_null(block);
    return block;
}

static void give(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static const struct memory plain = { take, give, NULL };

static uint8_t *copy(struct bytes bytes)
{
    uint8_t *block = take(NULL, bytes.size + 1);

    if (bytes.size > 0)
        memcpy(block, bytes.data, bytes.size);
    return block;
}

/* ---- What is there ---- */

static struct bytes entry_key(const void *value)
{
    const struct model_entry *entry = value;

    return bytes_of(entry->key, entry->key_size);
}

static struct bytes item_key(const void *value)
{
    const struct model_item *item = value;

    return bytes_of(item->key, sizeof(item->key));
}

static void set_item_key(uint8_t out[16], uint64_t queue, uint64_t id)
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(queue >> (56 - 8 * i));
        out[8 + i] = (uint8_t)(id >> (56 - 8 * i));
    }
}

static struct model_item *find_item(const struct model_store *store, uint64_t queue, uint64_t id)
{
    uint8_t key[16];

    set_item_key(key, queue, id);
    return map_find(&store->items, hash_bytes(&no_secret, bytes_of(key, sizeof(key))),
            bytes_of(key, sizeof(key)));
}

static void drop_entry(struct model_store *store, struct model_entry *entry)
{
    map_remove(&store->entries, &plain, hash_bytes(&no_secret, entry_key(entry)), entry);
    free(entry->key);
    free(entry->value);
    free(entry);
}

static void drop_item(struct model_store *store, struct model_item *item)
{
    map_remove(&store->items, &plain, hash_bytes(&no_secret, item_key(item)), item);
    free(item->tag);
    free(item->note);
    free(item->body);
    free(item);
}

static int compare_bytes(struct bytes a, struct bytes b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_entries(const void *a, const void *b)
{
    return compare_bytes(entry_key(*(void *const *)a), entry_key(*(void *const *)b));
}

static int compare_items(const void *a, const void *b)
{
    return compare_bytes(item_key(*(void *const *)a), item_key(*(void *const *)b));
}

/* All objects of a map in order, and NULL. */
static void **sorted(const struct map *map, int (*compare)(const void *, const void *))
{
    void **list = take(NULL, (map->count + 1) * sizeof(*list));
    uint32_t position = 0;
    uint32_t count = 0;
    void *value;

    while ((value = map_next(map, &position)))
        list[count++] = value;
    list[count] = NULL;
    qsort(list, count, sizeof(*list), compare);
    return list;
}

struct model_entry **model_store_entries(const struct model_store *store)
{
    return (struct model_entry **)sorted(&store->entries, compare_entries);
}

struct model_item **model_store_items(const struct model_store *store)
{
    return (struct model_item **)sorted(&store->items, compare_items);
}

/* ---- Records ---- */

/* The table's number and the key. */
static struct bytes full_key(const struct record *record, uint8_t **block)
{
    *block = take(NULL, record->key.size + 1);
    (*block)[0] = record->table;
    if (record->key.size > 0)
        memcpy(*block + 1, record->key.data, record->key.size);
    return bytes_of(*block, record->key.size + 1);
}

static struct model_entry *find_entry(const struct model_store *store, const struct record *record)
{
    uint8_t *block;
    struct bytes key = full_key(record, &block);
    struct model_entry *entry = map_find(&store->entries, hash_bytes(&no_secret, key), key);

    free(block);
    return entry;
}

static void set(struct model_store *store, const struct record *record)
{
    struct model_entry *entry = find_entry(store, record);

    if (!entry) {
        entry = take(NULL, sizeof(*entry));
        entry->key_size = full_key(record, &entry->key).size;
        entry->value = NULL;
        assert_true(
                map_add(&store->entries, &plain, hash_bytes(&no_secret, entry_key(entry)), entry));
    }
    free(entry->value);
    entry->value = copy(record->value);
    entry->value_size = record->value.size;
}

static void remove_all(struct model_store *store, const struct record *record)
{
    struct model_entry **entries = model_store_entries(store);

    for (struct model_entry **at = entries; *at; at++) {
        if ((*at)->key[0] == record->table &&
                bytes_start_with(bytes_from(entry_key(*at), 1), record->key))
            drop_entry(store, *at);
    }
    free(entries);
}

static void add_message(struct model_store *store, const struct record *record)
{
    struct bytes places = record->places;
    struct record_place place;

    while (records_place(&places, &place)) {
        struct model_item *item = take(NULL, sizeof(*item));

        *item = (struct model_item){ .queue = place.queue,
            .id = record->id,
            .tag = copy(place.tag),
            .tag_size = place.tag.size,
            .body = copy(record->value),
            .body_size = record->value.size };
        set_item_key(item->key, item->queue, item->id);
        assert_true(map_add(&store->items, &plain, hash_bytes(&no_secret, item_key(item)), item));
    }
}

static void note(struct model_item *item, struct bytes note)
{
    free(item->note);
    item->note = copy(note);
    item->note_size = note.size;
}

static void drop_queue(struct model_store *store, uint64_t queue)
{
    struct model_item **items = model_store_items(store);

    for (struct model_item **at = items; *at; at++) {
        if ((*at)->queue == queue)
            drop_item(store, *at);
    }
    free(items);
}

static void apply(struct model_store *store, const struct record *record)
{
    struct model_entry *entry;
    struct model_item *item;

    switch (record->kind) {
    case RECORD_BEGIN:
        break;
    case RECORD_SET:
        set(store, record);
        break;
    case RECORD_REMOVE:
        entry = find_entry(store, record);
        if (entry)
            drop_entry(store, entry);
        break;
    case RECORD_REMOVE_ALL:
        remove_all(store, record);
        break;
    case RECORD_MESSAGE:
        add_message(store, record);
        break;
    case RECORD_DONE:
        item = find_item(store, record->queue, record->id);
        if (item)
            drop_item(store, item);
        break;
    case RECORD_NOTE:
        item = find_item(store, record->queue, record->id);
        if (item)
            note(item, record->value);
        break;
    case RECORD_DROP:
        drop_queue(store, record->queue);
        break;
    }
}

/* ---- Life ---- */

void model_store_init(struct model_store *store)
{
    *store = (struct model_store){ .next = 1, .durable = 1 };
    list_init(&store->batches);
    map_init(&store->entries, entry_key);
    map_init(&store->items, item_key);
}

void model_store_kill(struct model_store *store)
{
    struct list *link;

    while ((link = list_take_first(&store->batches))) {
        struct model_batch *batch = container_of(link, struct model_batch, link);

        record_batch_reset(&batch->records);
        free(batch);
    }
    store->next = store->durable;
    store->doubts.absent = store->doubts.present;
    if (!store->stopped)
        store->doubts.present = store->next;
    store->stopped = false;
}

void model_store_deinit(struct model_store *store)
{
    uint32_t position = 0;
    void *value;

    model_store_kill(store);
    while ((value = map_next(&store->entries, &position))) {
        drop_entry(store, value);
        position = 0;
    }
    while ((value = map_next(&store->items, &position))) {
        drop_item(store, value);
        position = 0;
    }
    map_deinit(&store->entries, &plain);
    map_deinit(&store->items, &plain);
}

/* ---- What core calls ---- */

static uint64_t push(void *context, struct record_batch *batch)
{
    struct model_store *store = ((struct model_face *)context)->store;
    struct model_batch *kept = take(NULL, sizeof(*kept));

    assert_true(batch->count > 0);
    *kept = (struct model_batch){ .records = *batch, .position = store->next };
    list_init(&kept->link);
    list_append(&store->batches, &kept->link);
    *batch = (struct record_batch){ 0 };
    store->next += kept->records.count;
    return kept->position;
}

struct model_wish {
    struct list link;
    struct storage_wish wish;
    uint64_t ids[STORAGE_WISH_MAX];
};

static bool fetch(void *context, const struct storage_wish *wish)
{
    struct model_face *face = context;
    struct model_wish *kept = take(NULL, sizeof(*kept));

    assert_true(wish->count > 0);
    assert_true(wish->count <= STORAGE_WISH_MAX);
    list_init(&kept->link);
    kept->wish = *wish;
    if (wish->ids)
        memcpy(kept->ids, wish->ids, wish->count * sizeof(*wish->ids));
    list_append(&face->wishes, &kept->link);
    return true;
}

struct storage model_store_face(
        struct model_store *store, struct model_face *face, enum storage_patience patience)
{
    *face = (struct model_face){ .store = store };
    list_init(&face->wishes);
    return (struct storage){ .push = push, .fetch = fetch, .context = face, .patience = patience };
}

bool model_store_commit(struct model_store *store)
{
    struct list *link = list_take_first(&store->batches);
    struct model_batch *batch;
    struct bytes body;
    uint64_t position;

    if (!link)
        return false;
    batch = container_of(link, struct model_batch, link);
    body = bytes_of(batch->records.data, batch->records.size);
    for (position = batch->position; body.size > 0; position++) {
        struct record record;
        size_t size = body.data[0] | (size_t)body.data[1] << 8 | (size_t)body.data[2] << 16 |
                (size_t)body.data[3] << 24;

        assert_true(
                records_decode(&record, position, bytes_of(body.data + RECORD_HEAD_SIZE, size)));
        apply(store, &record);
        body = bytes_from(body, record_room(size));
    }
    store->durable = position;
    record_batch_reset(&batch->records);
    free(batch);
    return true;
}

void model_store_commit_all(struct model_store *store)
{
    while (model_store_commit(store))
        ;
}

/* ---- Answers ---- */

static struct storage_item answer_of(const struct model_item *item)
{
    return (struct storage_item){ .id = item->id,
        .tag = bytes_of(item->tag, item->tag_size),
        .note = bytes_of(item->note, item->note_size),
        .body = bytes_of(item->body, item->body_size) };
}

static int compare_answers(const void *a, const void *b)
{
    const struct storage_item *x = a;
    const struct storage_item *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void find_listed(const struct model_store *store, const struct model_wish *wish,
        struct storage_item out[], struct storage_answer *answer)
{
    for (uint32_t i = 0; i < wish->wish.count; i++) {
        const struct model_item *item = find_item(store, wish->wish.queue, wish->ids[i]);

        if (item)
            out[answer->count++] = answer_of(item);
    }
    answer->complete = true;
    qsort(out, answer->count, sizeof(*out), compare_answers);
}

static void find_range(const struct model_store *store, const struct model_wish *wish,
        struct storage_item out[], struct storage_answer *answer)
{
    struct model_item **items = model_store_items(store);

    answer->complete = true;
    for (struct model_item **at = items; *at; at++) {
        if ((*at)->queue != wish->wish.queue || (*at)->id <= wish->wish.after ||
                (*at)->id >= wish->wish.before)
            continue;
        if (answer->count == wish->wish.count) {
            answer->complete = false;
            break;
        }
        out[answer->count++] = answer_of(*at);
    }
    free(items);
}

static bool waits(const struct model_store *store, const struct model_wish *wish)
{
    for (uint32_t i = 0; wish->wish.ids && i < wish->wish.count; i++) {
        if (wish->ids[i] >= store->durable)
            return true;
    }
    return false;
}

bool model_face_answer(struct model_face *face, int64_t now_ms)
{
    struct storage_item items[STORAGE_WISH_MAX];
    struct storage_answer answer = { .items = items, .failed = face->store->deaf };
    struct model_wish *wish;

    if (list_empty(&face->wishes))
        return false;
    wish = container_of(face->wishes.next, struct model_wish, link);
    if (waits(face->store, wish))
        return false;
    list_remove(&wish->link);
    answer.who = wish->wish.who;
    answer.queue = wish->wish.queue;
    if (!answer.failed && wish->wish.ids)
        find_listed(face->store, wish, items, &answer);
    else if (!answer.failed)
        find_range(face->store, wish, items, &answer);
    core_fetched(face->core, &answer, now_ms);
    free(wish);
    return true;
}

void model_face_reset(struct model_face *face)
{
    struct list *link;

    while ((link = list_take_first(&face->wishes)))
        free(container_of(link, struct model_wish, link));
}

/* ---- Another start ---- */

static bool went_well(enum restored restored)
{
    return restored == RESTORED || restored == RESTORED_NOTHING;
}

static struct restore_item restore_form(const struct model_item *item)
{
    return (struct restore_item){ .queue = item->queue,
        .id = item->id,
        .tag = bytes_of(item->tag, item->tag_size),
        .note = bytes_of(item->note, item->note_size),
        .body = bytes_of(item->body, item->body_size) };
}

static enum restored restore_entries(const struct model_store *store, struct restoring *restoring)
{
    struct model_entry **entries = model_store_entries(store);
    enum restored restored = RESTORED;

    for (struct model_entry **at = entries; *at && went_well(restored); at++)
        restored = restore_entry(restoring, (*at)->key[0], bytes_from(entry_key(*at), 1),
                bytes_of((*at)->value, (*at)->value_size));
    free(entries);
    return restored;
}

static enum restored restore_flights(struct model_item *const items[], struct restoring *restoring)
{
    enum restored restored = RESTORED;

    for (; *items && went_well(restored); items++) {
        struct restore_item item = restore_form(*items);

        if (item.note.size > 0)
            restored = restore_flight(restoring, &item);
    }
    return restored;
}

/* One queue, whose items these are; *items stands behind them then. */
static enum restored restore_backlog(struct model_item ***items, struct restoring *restoring)
{
    struct model_item **first = *items;
    uint64_t queue = (*first)->queue;
    enum restored restored = RESTORED;
    uint64_t count = 0;
    uint64_t bytes = 0;
    uint64_t last = 0;

    for (; **items && (**items)->queue == queue; ++*items) {
        if ((**items)->note_size > 0)
            continue;
        count++;
        bytes += (**items)->body_size;
        last = (**items)->id;
    }
    if (count > 0)
        restored = restore_queue(restoring, queue, count, bytes, (*first)->id - 1, last + 1);
    if (restored != RESTORE_EACH)
        return restored;
    restored = RESTORED;
    for (; first < *items && went_well(restored); first++) {
        struct restore_item item = restore_form(*first);

        if (item.note.size == 0)
            restored = restore_waiting(restoring, &item);
    }
    return restored;
}

static enum restored restore_items(const struct model_store *store, struct restoring *restoring)
{
    struct model_item **items = model_store_items(store);
    struct model_item **at = items;
    enum restored restored = restore_flights(items, restoring);

    while (*at && went_well(restored))
        restored = restore_backlog(&at, restoring);
    free(items);
    return restored;
}

enum restored model_store_restore(const struct model_store *store, struct core *const cores[],
        unsigned count, int64_t now_ms, int64_t wall_ms, struct restore_counts *out)
{
    struct restoring *restoring = restore_begin(cores, count, now_ms, wall_ms, store->doubts);
    enum restored restored;

    if (!restoring)
        return RESTORE_NO_MEMORY;
    restored = restore_entries(store, restoring);
    if (went_well(restored))
        restored = restore_items(store, restoring);
    if (went_well(restored)) {
        restore_end(restoring, store->next, out);
        return RESTORED;
    }
    restore_give_up(restoring);
    return restored;
}

size_t model_store_count(const struct model_store *store, unsigned table)
{
    uint32_t position = 0;
    const struct model_entry *entry;
    size_t count = 0;

    while ((entry = map_next(&store->entries, &position)))
        count += entry->key[0] == table;
    return count;
}
