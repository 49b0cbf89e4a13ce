/* SPDX-License-Identifier: Apache-2.0 */
#include "store/records.h"

#include <assert.h>

enum { TABLE_SHIFT = 4, KIND_MASK = 15, IN_BATCH = 1, BEGIN_SIZE = 1 };

/* ---- Numbers: seven bits in a byte, the lowest first; the highest bit says that more come ---- */

enum { NUMBER_BITS = 7, NUMBER_MORE = 1 << NUMBER_BITS };

static size_t number_size(uint64_t number)
{
    size_t size = 1;

    while (number >>= NUMBER_BITS)
        size++;
    return size;
}

static uint8_t *put_number(uint8_t *out, uint64_t number)
{
    for (; number >= NUMBER_MORE; number >>= NUMBER_BITS)
        *out++ = (uint8_t)(number | NUMBER_MORE);
    *out++ = (uint8_t)number;
    return out;
}

static uint8_t *put_bytes(uint8_t *out, struct bytes bytes)
{
    if (bytes.size > 0)
        memcpy(out, bytes.data, bytes.size);
    return out + bytes.size;
}

static bool take_large_number(struct bytes *in, uint64_t *out)
{
    uint64_t number = 0;
    uint64_t digit;

    for (size_t i = 0; i < in->size && i * NUMBER_BITS < 64; i++) {
        digit = in->data[i] & (NUMBER_MORE - 1);
        if (digit << i * NUMBER_BITS >> i * NUMBER_BITS != digit)
            return false;
        number |= digit << i * NUMBER_BITS;
        if (in->data[i] & NUMBER_MORE)
            continue;
        *out = number;
        *in = bytes_from(*in, i + 1);
        return true;
    }
    return false;
}

/* False where none is left, or one that does not fit 64 bits; nothing is taken then. Most have one
 * byte. */
static inline bool take_number(struct bytes *in, uint64_t *out)
{
    if (in->size == 0 || in->data[0] & NUMBER_MORE)
        return take_large_number(in, out);
    *out = in->data[0];
    *in = bytes_from(*in, 1);
    return true;
}

static bool take_sized(struct bytes *in, size_t size_max, struct bytes *out)
{
    struct bytes rest = *in;
    uint64_t size;

    if (!take_number(&rest, &size) || size > rest.size || size > size_max)
        return false;
    *out = bytes_first(rest, (size_t)size);
    *in = bytes_from(rest, (size_t)size);
    return true;
}

/* ---- Writing ---- */

static uint8_t *add(struct record_batch *batch, enum record_kind kind, unsigned table, size_t size)
{
    uint8_t *out = record_batch_add(batch, 1 + size);

    assert(table < STORE_TABLES_MAX);
    if (!out)
        return NULL;
    *out = (uint8_t)((unsigned)kind | table << TABLE_SHIFT);
    return out + 1;
}

/* A message of the same batch is named by how far it lies before: so its name holds wherever the
 * batch comes in the log. */
static uint64_t id_code(const struct record_batch *batch, uint64_t id)
{
    uint64_t place = id & ~RECORD_IN_BATCH;

    assert(id != RECORD_NO_ID);
    if (place == id)
        return id << 1;
    assert(place < batch->count);
    return (batch->count - place) << 1 | IN_BATCH;
}

bool records_begin(struct record_batch *batch)
{
    uint8_t *out = add(batch, RECORD_BEGIN, 0, BEGIN_SIZE);

    if (!out)
        return false;
    *out = RECORDS_VERSION;
    return true;
}

uint8_t *records_set_room(
        struct record_batch *batch, unsigned table, struct bytes key, size_t value_size)
{
    size_t head = number_size(key.size) + key.size;
    uint8_t *out;

    assert(key.size > 0);
    assert(key.size <= RECORD_KEY_MAX);
    if (value_size > RECORD_SIZE_MAX)
        return NULL;
    out = add(batch, RECORD_SET, table, head + value_size);
    return out ? put_bytes(put_number(out, key.size), key) : NULL;
}

bool records_set(struct record_batch *batch, unsigned table, struct bytes key, struct bytes value)
{
    uint8_t *out = records_set_room(batch, table, key, value.size);

    if (out)
        put_bytes(out, value);
    return out;
}

static bool add_key(
        struct record_batch *batch, enum record_kind kind, unsigned table, struct bytes key)
{
    uint8_t *out;

    assert(key.size > 0);
    assert(key.size <= RECORD_KEY_MAX);
    out = add(batch, kind, table, key.size);
    if (out)
        put_bytes(out, key);
    return out;
}

bool records_remove(struct record_batch *batch, unsigned table, struct bytes key)
{
    return add_key(batch, RECORD_REMOVE, table, key);
}

bool records_remove_all(struct record_batch *batch, unsigned table, struct bytes prefix)
{
    return add_key(batch, RECORD_REMOVE_ALL, table, prefix);
}

uint8_t *records_message(struct record_batch *batch, const struct record_place places[],
        size_t count, size_t body_size)
{
    size_t size = number_size(count);
    uint8_t *out;

    assert(count > 0);
    assert(count <= RECORD_PLACES_MAX);
    for (size_t i = 0; i < count; i++) {
        assert(places[i].tag.size <= RECORD_TAG_MAX);
        size += number_size(places[i].queue) + number_size(places[i].tag.size) + places[i].tag.size;
    }
    if (size > RECORD_SIZE_MAX || body_size > RECORD_SIZE_MAX)
        return NULL;
    out = add(batch, RECORD_MESSAGE, 0, size + body_size);
    if (!out)
        return NULL;
    out = put_number(out, count);
    for (size_t i = 0; i < count; i++) {
        out = put_number(out, places[i].queue);
        out = put_bytes(put_number(out, places[i].tag.size), places[i].tag);
    }
    return out;
}

/* A record about one message in one queue. */
static bool add_about(struct record_batch *batch, enum record_kind kind, uint64_t queue,
        uint64_t id, struct bytes rest)
{
    uint64_t code = id_code(batch, id);
    uint8_t *out = add(batch, kind, 0, number_size(queue) + number_size(code) + rest.size);

    if (out)
        put_bytes(put_number(put_number(out, queue), code), rest);
    return out;
}

bool records_done(struct record_batch *batch, uint64_t queue, uint64_t id)
{
    return add_about(batch, RECORD_DONE, queue, id, (struct bytes){ 0 });
}

bool records_note(struct record_batch *batch, uint64_t queue, uint64_t id, struct bytes note)
{
    assert(note.size <= RECORD_NOTE_MAX);
    return add_about(batch, RECORD_NOTE, queue, id, note);
}

bool records_drop(struct record_batch *batch, uint64_t queue)
{
    uint8_t *out = add(batch, RECORD_DROP, 0, number_size(queue));

    if (out)
        put_number(out, queue);
    return out;
}

/* ---- Reading ---- */

bool records_place(struct bytes *places, struct record_place *out)
{
    struct bytes rest = *places;
    struct record_place place;

    if (!take_number(&rest, &place.queue) || !take_sized(&rest, RECORD_TAG_MAX, &place.tag))
        return false;
    *out = place;
    *places = rest;
    return true;
}

static bool decode_message(struct record *out, struct bytes rest)
{
    struct bytes places;
    struct record_place place;
    uint64_t count;

    if (!take_number(&rest, &count) || count == 0 || count > RECORD_PLACES_MAX)
        return false;
    places = rest;
    for (uint64_t i = 0; i < count; i++) {
        if (!records_place(&rest, &place))
            return false;
    }
    out->place_count = (uint32_t)count;
    out->places = bytes_first(places, places.size - rest.size);
    out->value = rest;
    return true;
}

static bool take_id(struct bytes *rest, uint64_t position, uint64_t *out)
{
    uint64_t code;
    uint64_t id;

    if (!take_number(rest, &code))
        return false;
    id = code >> 1;
    if (code & IN_BATCH)
        id = id > 0 && id < position ? position - id : RECORD_NO_ID;
    *out = id;
    return id != RECORD_NO_ID;
}

static bool is_key(struct bytes key)
{
    return key.size > 0 && key.size <= RECORD_KEY_MAX;
}

/* What follows the first byte of a record, by its kind. */
static bool decode_rest(struct record *out, uint64_t position, struct bytes rest)
{
    switch (out->kind) {
    case RECORD_BEGIN:
        return rest.size == BEGIN_SIZE && rest.data[0] == RECORDS_VERSION;
    case RECORD_SET:
        if (!take_sized(&rest, RECORD_KEY_MAX, &out->key))
            return false;
        out->value = rest;
        return is_key(out->key);
    case RECORD_REMOVE:
    case RECORD_REMOVE_ALL:
        out->key = rest;
        return is_key(out->key);
    case RECORD_MESSAGE:
        out->id = position;
        return decode_message(out, rest);
    case RECORD_DONE:
        return take_number(&rest, &out->queue) && take_id(&rest, position, &out->id) &&
                rest.size == 0;
    case RECORD_NOTE:
        if (!take_number(&rest, &out->queue) || !take_id(&rest, position, &out->id))
            return false;
        out->value = rest;
        return rest.size <= RECORD_NOTE_MAX;
    case RECORD_DROP:
        return take_number(&rest, &out->queue) && rest.size == 0;
    }
    return false;
}

static bool has_table(enum record_kind kind)
{
    return kind == RECORD_SET || kind == RECORD_REMOVE || kind == RECORD_REMOVE_ALL;
}

bool records_decode(struct record *out, uint64_t position, struct bytes bytes)
{
    struct record record;

    if (bytes.size == 0)
        return false;
    record = (struct record){ .kind = (enum record_kind)(bytes.data[0] & KIND_MASK),
        .table = (uint8_t)(bytes.data[0] >> TABLE_SHIFT) };
    if (record.kind > RECORD_DROP || (record.table > 0 && !has_table(record.kind)) ||
            !decode_rest(&record, position, bytes_from(bytes, 1)))
        return false;
    *out = record;
    return true;
}
