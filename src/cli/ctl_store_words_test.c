/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ctl_store_words.h"

#include "broker/core/stored.h"

#include "tests/harness/test.h"

#include <stdlib.h>

/* What the object says, as JSON; takes it. */
static void expect(json_t *object, const char *text)
{
    char *told = json_dumps(object, JSON_COMPACT);

    assert_string_equal(told, text);
    free(told);
    json_decref(object);
}

TEST(a_session_is_told_with_its_client)
{
    uint8_t data[64];
    struct writer out = { .data = data, .size = sizeof(data) };
    struct stored_session session = {
        .queue = 7, .expiry_interval_s = 60, .expires_wall_ms = 5000, .will_due_wall_ms = INT64_MAX
    };

    stored_session_write(&out, &session);
    assert_false(out.failed);
    expect(store_words_entry(STORED_SESSIONS, BYTES("cam"), bytes_of(data, out.used)),
            "{\"kind\":\"session\",\"client\":\"cam\",\"queue\":7,\"expiry_interval_s\":60,"
            "\"connected\":false,\"expires_ms\":5000}");
}

TEST(packet_ids_are_told_with_their_queue)
{
    uint8_t key[STORED_PACKET_KEY_SIZE];

    stored_packet_key(key, 7, 513);
    expect(store_words_entry(STORED_INCOMING, bytes_of(key, sizeof(key)), BYTES("")),
            "{\"kind\":\"received\",\"queue\":7,\"packet_id\":513}");
}

TEST(what_cannot_be_read_is_told_with_its_size)
{
    expect(store_words_entry(STORED_SESSIONS, BYTES("cam"), BYTES("?")),
            "{\"kind\":\"session\",\"client\":\"cam\",\"unreadable\":true,\"bytes\":4}");
    expect(store_words_entry(STORED_INCOMING, BYTES("k"), BYTES("v")),
            "{\"kind\":\"received\",\"unreadable\":true,\"bytes\":2}");
    expect(store_words_entry(15, BYTES("k"), BYTES("v")),
            "{\"kind\":\"entry\",\"table\":15,\"unreadable\":true,\"bytes\":2}");
}

TEST(a_client_id_that_is_not_utf_8_is_told_as_null)
{
    expect(store_words_entry(STORED_SESSIONS, BYTES("\xff"), BYTES("?")),
            "{\"kind\":\"session\",\"client\":null,\"unreadable\":true,\"bytes\":2}");
}

static void decode(struct record *record, struct record_batch *batch)
{
    struct bytes all = bytes_of(batch->data, batch->size);
    struct bytes bytes;

    assert_true(record_take(&all, &bytes));
    assert_true(records_decode(record, 100, bytes));
}

TEST(a_record_tells_what_it_changes)
{
    struct record_batch batch = { .count = 0 };
    struct record record;

    assert_true(records_done(&batch, 7, 42));
    decode(&record, &batch);
    expect(store_words_record(&record), "{\"kind\":\"done\",\"queue\":7,\"id\":42}");
    record_batch_reset(&batch);
    assert_true(records_remove(&batch, STORED_RETAINED, BYTES("a/b")));
    decode(&record, &batch);
    expect(store_words_record(&record),
            "{\"kind\":\"removed\",\"of\":\"retained\",\"topic\":\"a/b\"}");
    record_batch_reset(&batch);
    assert_true(records_drop(&batch, 7));
    decode(&record, &batch);
    expect(store_words_record(&record), "{\"kind\":\"dropped\",\"queue\":7}");
    record_batch_reset(&batch);
}
