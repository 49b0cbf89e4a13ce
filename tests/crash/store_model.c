/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/store_model.h"

#include "base/hash.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    BATCH_MAX = 10,
    BODY_USUAL = 400,
    VALUE_MAX = 60,
    TAG_MAX = 12,
    NOTE_MAX = 20,
    KEY_MAX = 700,
    LONG_KEY_START = 600, /* bytes that long keys have in common */
    DIFFERENT = 1,
};

/* ---- What follows from a position ---- */

static size_t fill(uint8_t *out, uint64_t position, uint64_t salt, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(hash_mix(position * 31 + salt) >> i % 8 * 8 ^ i);
    return size;
}

static size_t make_value(uint8_t out[VALUE_MAX], uint64_t position)
{
    return fill(out, position, 1, (size_t)(hash_mix(position) % VALUE_MAX));
}

static size_t make_note(uint8_t out[NOTE_MAX], uint64_t position)
{
    return fill(out, position, 2, 1 + (size_t)(hash_mix(position) % (NOTE_MAX - 1)));
}

static size_t make_tag(uint8_t out[TAG_MAX], uint64_t position, unsigned queue)
{
    return fill(out, position, 3 + queue, (size_t)(hash_mix(position + queue) % TAG_MAX));
}

/* Keys begin with one of three letters; some are longer than the archive's may be. */
static size_t make_key(uint8_t out[KEY_MAX], unsigned key)
{
    size_t size = 1;

    out[0] = (uint8_t)('a' + key % 3);
    if (key % 5 == 0) {
        memset(out + 1, 'x', LONG_KEY_START);
        size += LONG_KEY_START;
    }
    out[size++] = (uint8_t)key;
    return size;
}

/* ---- What records make of it ---- */

static void remove_keys(struct store_model *model, unsigned table, unsigned letter)
{
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        if (key % 3 == letter)
            model->entries[table][key] = 0;
    }
}

static void drop_queue(struct store_model *model, unsigned queue, uint64_t position)
{
    for (uint64_t id = model->oldest; id < position; id++)
        model->messages[id].queues &= (uint8_t) ~(1u << queue);
}

static void apply(struct store_model *model, uint64_t position)
{
    const struct model_record *record = &model->records[position];
    struct model_message *about = &model->messages[record->about];

    model->messages[position] = (struct model_message){ .queues = 0 };
    switch ((enum record_kind)record->kind) {
    case RECORD_BEGIN:
        break;
    case RECORD_SET:
        model->entries[record->table][record->key] = (uint32_t)position;
        break;
    case RECORD_REMOVE:
        model->entries[record->table][record->key] = 0;
        break;
    case RECORD_REMOVE_ALL:
        remove_keys(model, record->table, record->key);
        break;
    case RECORD_MESSAGE:
        model->messages[position] =
                (struct model_message){ .queues = record->key, .size = record->size };
        break;
    case RECORD_DONE:
        about->queues &= (uint8_t) ~(1u << record->table);
        break;
    case RECORD_NOTE:
        about->notes[record->table] = (uint32_t)position;
        break;
    case RECORD_DROP:
        drop_queue(model, record->table, position);
        break;
    }
    while (model->oldest < position && model->messages[model->oldest].queues == 0)
        model->oldest++;
}

void store_model_init(struct store_model *model)
{
    memset(model, 0, sizeof(*model));
    model->pushed = 1;
    model->records[0].kind = RECORD_BEGIN;
    model->records[0].first = true;
    model->oldest = 1;
}

bool store_model_rewind(struct store_model *model, uint64_t position)
{
    if (position > model->pushed || (position < model->pushed && !model->records[position].first))
        return false;
    model->pushed = position;
    memset(model->entries, 0, sizeof(model->entries));
    model->oldest = 1;
    for (uint64_t i = 0; i < position; i++)
        apply(model, i);
    return true;
}

/* ---- Making records ---- */

static void add_message(struct store_model *model, struct record_batch *batch, uint64_t position)
{
    const struct model_record *record = &model->records[position];
    struct record_place places[MODEL_QUEUES];
    uint8_t tags[MODEL_QUEUES][TAG_MAX];
    size_t count = 0;
    uint8_t *body;

    /* In an order that is not that of the queues. */
    for (unsigned i = MODEL_QUEUES; i-- > 0;) {
        if (record->key & 1u << i) {
            places[count] = (struct record_place){ i + 1,
                bytes_of(tags[count], make_tag(tags[count], position, i)) };
            count++;
        }
    }
    body = records_message(batch, places, count, record->size);
    assert(body);
    fill(body, position, 0, record->size);
    (void)model;
}

/* A message that is known already: of this batch, or another one. */
static uint64_t id_in_batch(const struct record_batch *batch, uint64_t position, uint64_t about)
{
    uint64_t begin = position - batch->count;

    return about >= begin ? RECORD_IN_BATCH + (about - begin) : about;
}

static void add_record(struct store_model *model, struct record_batch *batch, uint64_t position)
{
    const struct model_record *record = &model->records[position];
    uint64_t id = id_in_batch(batch, position, record->about);
    uint8_t key[KEY_MAX];
    uint8_t value[VALUE_MAX];
    bool good = true;

    switch ((enum record_kind)record->kind) {
    case RECORD_BEGIN:
        break;
    case RECORD_SET:
        good = records_set(batch, record->table, bytes_of(key, make_key(key, record->key)),
                bytes_of(value, make_value(value, position)));
        break;
    case RECORD_REMOVE:
        good = records_remove(batch, record->table, bytes_of(key, make_key(key, record->key)));
        break;
    case RECORD_REMOVE_ALL:
        key[0] = (uint8_t)('a' + record->key);
        good = records_remove_all(batch, record->table, bytes_of(key, 1));
        break;
    case RECORD_MESSAGE:
        add_message(model, batch, position);
        break;
    case RECORD_DONE:
        good = records_done(batch, record->table + 1u, id);
        break;
    case RECORD_NOTE:
        good = records_note(
                batch, record->table + 1u, id, bytes_of(value, make_note(value, position)));
        break;
    case RECORD_DROP:
        good = records_drop(batch, record->table + 1u);
        break;
    }
    assert(good);
}

/* Any message that waits somewhere; 0: there is none. */
static uint64_t any_message(const struct store_model *model, struct random *random)
{
    uint64_t span = model->pushed - model->oldest;

    for (unsigned tries = 0; span > 0 && tries < 20; tries++) {
        uint64_t id = model->oldest + random_next(random) % span;

        if (tries > 10) /* the oldest are to go, too */
            id = model->oldest + (id - model->oldest) / 16;
        if (model->messages[id].queues != 0)
            return id;
    }
    return 0;
}

static unsigned any_queue(unsigned queues, struct random *random)
{
    unsigned queue = (unsigned)(random_next(random) % MODEL_QUEUES);

    while (!(queues & 1u << queue))
        queue = (queue + 1) % MODEL_QUEUES;
    return queue;
}

static struct model_record make_message(struct random *random)
{
    uint64_t chance = random_next(random);
    struct model_record record = { .kind = RECORD_MESSAGE, .key = 1u << chance % MODEL_QUEUES };

    if (chance >> 8 & 1)
        record.key = 1 + (chance >> 16) % ((1u << MODEL_QUEUES) - 1);
    record.size = (uint16_t)((chance >> 32) % ((chance >> 9) % 16 ? BODY_USUAL : MODEL_BODY_MAX));
    return record;
}

static struct model_record make_record(const struct store_model *model, struct random *random)
{
    uint64_t chance = random_next(random);
    uint64_t about = any_message(model, random);
    struct model_record record = { .table = (uint8_t)((chance >> 8) % MODEL_TABLES),
        .key = (uint8_t)((chance >> 16) % MODEL_KEYS),
        .about = (uint32_t)about };
    unsigned kind = (unsigned)(chance % 64);

    if (kind < 6 || (kind < 34 && about == 0)) {
        record.kind = kind % 2 == 0 ? RECORD_SET : RECORD_REMOVE;
    } else if (kind < 34) {
        record.kind = kind < 28 ? RECORD_DONE : RECORD_NOTE;
        record.table = (uint8_t)any_queue(model->messages[about].queues, random);
    } else if (kind == 34) {
        record.kind = RECORD_REMOVE_ALL;
        record.key %= 3;
    } else if (kind == 35) {
        record.kind = RECORD_DROP;
        record.table = (uint8_t)((chance >> 24) % MODEL_QUEUES);
    } else {
        return make_message(random);
    }
    return record;
}

bool store_model_step(struct store_model *model, struct random *random, struct record_batch *batch)
{
    unsigned count = 1 + (unsigned)(random_next(random) % BATCH_MAX);

    if (model->pushed + count > MODEL_RECORDS_MAX)
        return false;
    for (unsigned i = 0; i < count; i++) {
        model->records[model->pushed] = make_record(model, random);
        model->records[model->pushed].first = i == 0;
        add_record(model, batch, model->pushed);
        apply(model, model->pushed++);
    }
    return true;
}

/* ---- Comparing ---- */

/* What a walk has told so far. */
struct comparison {
    struct store_model *model;
    size_t entries;
    size_t items;
    size_t noted;
    uint64_t counts[MODEL_QUEUES];
    uint64_t bytes[MODEL_QUEUES];
    uint64_t first[MODEL_QUEUES];
    uint64_t last[MODEL_QUEUES];
    uint64_t queue; /* of the last item, and its id */
    uint64_t id;
};

__attribute__((format(printf, 2, 3))) static int differ(
        struct store_model *model, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(model->text, sizeof(model->text), format, values);
    va_end(values);
    return DIFFERENT;
}

static int compare_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    struct comparison *comparison = context;
    struct store_model *model = comparison->model;
    unsigned number = key.size > 0 ? key.data[key.size - 1] : MODEL_KEYS;
    uint8_t bytes[KEY_MAX];
    uint8_t expected[VALUE_MAX];

    if (table >= MODEL_TABLES || number >= MODEL_KEYS ||
            !bytes_equal(key, bytes_of(bytes, make_key(bytes, number))))
        return differ(model, "table %u has a key of no record", table);
    if (model->entries[table][number] == 0)
        return differ(model, "table %u has key %u, which was removed", table, number);
    if (!bytes_equal(
                value, bytes_of(expected, make_value(expected, model->entries[table][number]))))
        return differ(model, "table %u key %u has another value than that of record %u", table,
                number, model->entries[table][number]);
    comparison->entries++;
    return 0;
}

static int compare_one(struct store_model *model, const struct store_item *item)
{
    unsigned queue = (unsigned)item->queue - 1;
    uint8_t bytes[MODEL_BODY_MAX];
    const struct model_message *message;
    size_t note = 0;

    if (queue >= MODEL_QUEUES || item->id >= model->pushed)
        return differ(model, "queue %u has a message of no record", queue);
    message = &model->messages[item->id];
    if (!(message->queues & 1u << queue))
        return differ(
                model, "queue %u has %u again, with which it was done", queue, (unsigned)item->id);
    if (!bytes_equal(item->body, bytes_of(bytes, fill(bytes, item->id, 0, message->size))))
        return differ(model, "message %u has another body", (unsigned)item->id);
    if (!bytes_equal(item->tag, bytes_of(bytes, make_tag(bytes, item->id, queue))))
        return differ(model, "message %u has another tag", (unsigned)item->id);
    if (message->notes[queue] > 0)
        note = make_note(bytes, message->notes[queue]);
    if (!bytes_equal(item->note, bytes_of(bytes, note)))
        return differ(model, "message %u has another note than that of record %u",
                (unsigned)item->id, message->notes[queue]);
    return 0;
}

static int compare_item(void *context, const struct store_item *item)
{
    struct comparison *comparison = context;
    unsigned queue = (unsigned)item->queue - 1;

    if (item->queue < comparison->queue ||
            (item->queue == comparison->queue && item->id <= comparison->id))
        return differ(comparison->model, "items are out of order");
    comparison->queue = item->queue;
    comparison->id = item->id;
    if (compare_one(comparison->model, item) != 0)
        return DIFFERENT;
    if (item->id < comparison->first[queue] || item->id > comparison->last[queue])
        return differ(
                comparison->model, "queue %u has %u, out of its bounds", queue, (unsigned)item->id);
    comparison->items++;
    comparison->counts[queue]--;
    comparison->bytes[queue] -= item->tag.size + item->body.size;
    return 0;
}

static int compare_noted(void *context, const struct store_item *item)
{
    struct comparison *comparison = context;

    if (item->note.size == 0)
        return differ(comparison->model, "message %u has no note", (unsigned)item->id);
    comparison->noted++;
    return compare_one(comparison->model, item);
}

static int note_queue(void *context, uint64_t queue, uint64_t count, uint64_t bytes, uint64_t first,
        uint64_t last)
{
    struct comparison *comparison = context;

    if (queue == 0 || queue > MODEL_QUEUES || count == 0)
        return differ(comparison->model, "there is a queue that there is not");
    comparison->counts[queue - 1] = count;
    comparison->bytes[queue - 1] = bytes;
    comparison->first[queue - 1] = first;
    comparison->last[queue - 1] = last;
    return 0;
}

static int compare_counts(const struct comparison *comparison)
{
    struct store_model *model = comparison->model;
    size_t entries = 0;
    size_t items = 0;
    size_t noted = 0;

    for (unsigned i = 0; i < MODEL_TABLES * MODEL_KEYS; i++)
        entries += model->entries[i / MODEL_KEYS][i % MODEL_KEYS] > 0;
    for (uint64_t id = model->oldest; id < model->pushed; id++) {
        for (unsigned queue = 0; queue < MODEL_QUEUES; queue++) {
            bool waits = model->messages[id].queues & 1u << queue;

            items += waits;
            noted += waits && model->messages[id].notes[queue] > 0;
        }
    }
    for (unsigned queue = 0; queue < MODEL_QUEUES; queue++) {
        if (comparison->counts[queue] != 0 || comparison->bytes[queue] != 0)
            return differ(model, "queue %u does not have what it says", queue);
    }
    if (entries != comparison->entries || items != comparison->items || noted != comparison->noted)
        return differ(model, "%zu entries, %zu messages, %zu notes where %zu, %zu, %zu must be",
                comparison->entries, comparison->items, comparison->noted, entries, items, noted);
    return 0;
}

bool store_model_agrees(struct store_model *model, struct store *store)
{
    struct comparison comparison = { .model = model };
    const struct store_visitor visitor = { compare_entry, compare_noted, note_queue, compare_item,
        &comparison };
    int result = store_walk(store, &visitor);

    if (result < 0)
        differ(model, "the store cannot be read: %d", result);
    return result == 0 && compare_counts(&comparison) == 0;
}

bool store_model_agrees_on_queue(struct store_model *model, const struct store_fetch *fetch)
{
    uint64_t id = fetch->after + 1 > model->oldest ? fetch->after + 1 : model->oldest;
    uint32_t told = 0;

    for (; id < fetch->before; id++) {
        if (!(model->messages[id].queues & 1u << (fetch->queue - 1)))
            continue;
        if (told == fetch->item_count)
            break;
        if (fetch->items[told].id != id)
            return differ(model, "fetched %u in place of %u", (unsigned)fetch->items[told].id,
                           (unsigned)id) == 0;
        if (compare_one(model, &fetch->items[told++]) != 0)
            return false;
    }
    if (told < fetch->item_count || (fetch->complete && id < fetch->before))
        return differ(model, "a fetch told %u messages, and then %s", fetch->item_count,
                       fetch->complete ? "that this was all" : "more") == 0;
    return true;
}
