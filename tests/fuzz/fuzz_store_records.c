/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever bytes are in a record, it is refused, or it is one that can be written again and then
 * says the same. The first byte is the record's position.
 */
#include "store/frame.h"
#include "store/records.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLACES_MAX = 256 };

static bool write_message(struct record_batch *batch, const struct record *record)
{
    struct record_place places[PLACES_MAX];
    struct bytes rest = record->places;
    size_t count = 0;
    uint8_t *body;

    while (count < PLACES_MAX && records_place(&rest, &places[count]))
        count++;
    if (count == PLACES_MAX)
        return false;
    assert(count == record->place_count);
    assert(rest.size == 0);
    body = records_message(batch, places, count, record->value.size);
    assert(body);
    if (record->value.size > 0)
        memcpy(body, record->value.data, record->value.size);
    return true;
}

/* False for a record that is too large for this target. */
static bool write_again(struct record_batch *batch, const struct record *record)
{
    switch (record->kind) {
    case RECORD_BEGIN:
        return records_begin(batch);
    case RECORD_SET:
        return records_set(batch, record->table, record->key, record->value);
    case RECORD_REMOVE:
        return records_remove(batch, record->table, record->key);
    case RECORD_REMOVE_ALL:
        return records_remove_all(batch, record->table, record->key);
    case RECORD_MESSAGE:
        return write_message(batch, record);
    case RECORD_DONE:
        return records_done(batch, record->queue, record->id);
    case RECORD_NOTE:
        return records_note(batch, record->queue, record->id, record->value);
    case RECORD_DROP:
        return records_drop(batch, record->queue);
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_batch batch = { 0 };
    struct record record;
    struct record again;
    struct bytes body;
    struct bytes bytes;

    if (size == 0 || !records_decode(&record, data[0], bytes_of(data + 1, size - 1)))
        return 0;
    if (write_again(&batch, &record)) {
        body = bytes_of(batch.data, batch.size);
        assert(record_take(&body, &bytes));
        assert(records_decode(&again, data[0], bytes));
        assert(again.kind == record.kind && again.table == record.table);
        assert(again.queue == record.queue && again.id == record.id);
        assert(bytes_equal(again.key, record.key) && bytes_equal(again.value, record.value));
        assert(again.place_count == record.place_count);
    }
    record_batch_reset(&batch);
    return 0;
}
