/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a file of Mosquitto's holds, it is refused with its place, or becomes records that our
 * own decoders read.
 */
#include "broker/core/stored.h"
#include "cli/import_db.h"
#include "cli/import_records.h"
#include "store/frame.h"
#include "store/records.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_MS = 1000 };

static void check_entry(const struct record *record)
{
    struct stored_subscription subscription;
    struct stored_message message;
    struct stored_session session;
    struct bytes filter;
    uint64_t number;
    uint16_t id;

    if (record->table == STORED_SESSIONS)
        assert(stored_session_read(&session, record->value));
    if (record->table == STORED_SUBSCRIPTIONS)
        assert(stored_filter_key_read(record->key, &number, &filter) &&
                stored_subscription_read(&subscription, record->value));
    if (record->table == STORED_INCOMING || record->table == STORED_RELEASES)
        assert(stored_packet_key_read(record->key, &number, &id));
    if (record->table == STORED_RELEASES || record->table == STORED_GROUPS)
        assert(stored_number_read(&number, record->value));
    if (record->table == STORED_RETAINED)
        assert(stored_message_read(&message, record->value));
}

static int check_batch(void *context, struct record_batch *batch)
{
    struct bytes body = bytes_of(batch->data, batch->size);
    uint64_t *position = context;
    struct bytes bytes;

    while (record_take(&body, &bytes)) {
        struct stored_message message;
        struct stored_flight flight;
        struct record record;

        assert(records_decode(&record, ++*position, bytes));
        if (record.kind == RECORD_SET)
            check_entry(&record);
        if (record.kind == RECORD_MESSAGE)
            assert(stored_message_read(&message, record.value));
        if (record.kind == RECORD_NOTE)
            assert(stored_flight_read(&flight, record.value));
    }
    record_batch_reset(batch);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import_data lists = { 0 };
    struct import_fault fault = { 0 };
    struct import_counts counts;
    uint64_t position = 0;

    if (import_db_read(&lists, bytes_of(data, size), &fault))
        assert(import_records_write(&lists, NOW_MS,
                       &(const struct import_sink){ check_batch, &position }, &counts) == 0);
    else
        assert(fault.what && fault.offset <= size);
    import_data_deinit(&lists);
    return 0;
}
