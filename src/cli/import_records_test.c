/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_records.h"

#include "broker/core/stored.h"
#include "store/frame.h"
#include "store/records.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>

enum { RECORDS_MAX = 64, NOW_S = 1700000000 };

/* What an import has written, record after record. */
struct written {
    struct import_data data;
    struct import_counts counts;
    struct record_batch batches[RECORDS_MAX];
    size_t batch_count;
    struct record records[RECORDS_MAX];
    size_t count;
    int result; /* of the sink */
};

static struct bytes text(const char *text)
{
    return bytes_of(text, strlen(text));
}

static int keep(void *context, struct record_batch *batch)
{
    struct written *written = context;
    struct bytes body = bytes_of(batch->data, batch->size);
    struct bytes bytes;

    if (written->result != 0)
        return written->result;
    while (record_take(&body, &bytes)) {
        assert_true(written->count < RECORDS_MAX);
        assert_true(records_decode(&written->records[written->count], written->count + 1, bytes));
        written->count++;
    }
    written->batches[written->batch_count++] = *batch;
    *batch = (struct record_batch){ 0 };
    return 0;
}

static void run(struct written *written)
{
    assert_int_equal(import_records_write(&written->data, (int64_t)NOW_S * 1000,
                             &(const struct import_sink){ keep, written }, &written->counts),
            written->result);
}

static void drop(struct written *written)
{
    for (size_t i = 0; i < written->batch_count; i++)
        record_batch_reset(&written->batches[i]);
    import_data_deinit(&written->data);
    free(written);
}

static struct written *begin(void)
{
    struct written *written = calloc(1, sizeof(*written));

    assert_non_null(written);
    return written;
}

static void add_session(
        struct written *written, const char *name, uint32_t interval_s, int64_t expires_s)
{
    struct import_session *session =
            import_list_add(&written->data.sessions, sizeof(struct import_session));

    assert_non_null(session);
    *session = (struct import_session){ text(name), interval_s, expires_s };
}

static void add_subscription(
        struct written *written, const char *name, const char *filter, uint8_t options)
{
    struct import_subscription *subscription =
            import_list_add(&written->data.subscriptions, sizeof(struct import_subscription));

    assert_non_null(subscription);
    *subscription = (struct import_subscription){ text(name), text(filter), 0, options };
}

static struct import_message *add_message(struct written *written, uint64_t id, const char *topic)
{
    struct import_message *message =
            import_list_add(&written->data.messages, sizeof(struct import_message));

    assert_non_null(message);
    *message = (struct import_message){
        .id = id, .topic = text(topic), .payload = text("payload"), .qos = 2
    };
    return message;
}

static struct import_place *add_place(struct written *written, const char *name, uint64_t message,
        uint8_t qos, enum import_state state, uint16_t packet_id)
{
    struct import_place *place =
            import_list_add(&written->data.places, sizeof(struct import_place));

    assert_non_null(place);
    *place = (struct import_place){ .client_id = text(name),
        .message = message,
        .packet_id = packet_id,
        .qos = qos,
        .state = (uint8_t)state };
    return place;
}

static void add_retained(struct written *written, uint64_t id)
{
    uint64_t *item = import_list_add(&written->data.retained, sizeof(id));

    assert_non_null(item);
    *item = id;
}

/* The n-th record of a kind and, for those that have one, a table. */
static const struct record *find(
        const struct written *written, enum record_kind kind, unsigned table, size_t n)
{
    for (size_t i = 0; i < written->count; i++) {
        const struct record *record = &written->records[i];

        if (record->kind == kind &&
                (kind == RECORD_MESSAGE || kind == RECORD_NOTE || record->table == table) &&
                n-- == 0)
            return record;
    }
    return NULL;
}

static uint64_t queue_of(const struct written *written, const char *name)
{
    for (size_t n = 0;; n++) {
        const struct record *record = find(written, RECORD_SET, STORED_SESSIONS, n);
        struct stored_session session;

        assert_non_null(record);
        assert_true(stored_session_read(&session, record->value));
        if (bytes_equal(record->key, text(name)))
            return session.queue;
    }
}

/* The record's n-th place. */
static struct record_place place_of(const struct record *record, size_t n)
{
    struct bytes rest = record->places;
    struct record_place place;

    do
        assert_true(records_place(&rest, &place));
    while (n-- > 0);
    return place;
}

static void assert_topic(const struct record *record, const char *topic)
{
    struct stored_message message;

    assert_non_null(record);
    assert_true(stored_message_read(&message, record->value));
    assert_true(bytes_equal(message.topic, text(topic)));
}

TEST(sessions_are_taken_as_long_as_they_last)
{
    struct written *written = begin();
    struct stored_session session;

    add_session(written, "never", UINT32_MAX, 0);
    add_session(written, "later", 60, NOW_S + 30);
    add_session(written, "connected", 60, 0);
    add_session(written, "expired", 60, NOW_S - 1);
    add_session(written, "ended", 0, 0);
    add_session(written, "", UINT32_MAX, 0);
    add_session(written, "never", 60, 0);
    run(written);
    assert_int_equal(written->counts.sessions, 3);
    assert_int_equal(written->counts.left[IMPORT_SESSION_EXPIRED], 1);
    assert_int_equal(written->counts.left[IMPORT_SESSION_ENDED], 1);
    assert_int_equal(written->counts.left[IMPORT_SESSION_UNNAMED], 1);
    assert_int_equal(written->counts.left[IMPORT_SESSION_TWICE], 1);
    assert_int_equal(written->count, 3);
    assert_true(stored_session_read(&session, written->records[0].value));
    assert_true(session.connected && session.expiry_interval_s == 60);
    assert_true(stored_session_read(&session, written->records[1].value));
    assert_true(!session.connected);
    assert_true(session.expires_wall_ms == (int64_t)(NOW_S + 30) * 1000);
    assert_true(stored_session_read(&session, written->records[2].value));
    assert_true(!session.connected && session.expires_wall_ms == INT64_MAX);
    drop(written);
}

TEST(subscriptions_and_groups_are_taken)
{
    struct written *written = begin();
    struct stored_subscription subscription;
    const struct record *record;
    struct bytes filter;
    uint64_t queue;

    add_session(written, "a", UINT32_MAX, 0);
    add_session(written, "b", UINT32_MAX, 0);
    add_subscription(written, "a", "x/#", 0x2d);
    add_subscription(written, "a", "$share/g/y", 2);
    add_subscription(written, "b", "$share/g/y", 2);
    add_subscription(written, "b", "wrong/#/filter", 2);
    add_subscription(written, "nobody", "x", 2);
    run(written);
    assert_int_equal(written->counts.subscriptions, 3);
    assert_int_equal(written->counts.groups, 1);
    assert_int_equal(written->counts.left[IMPORT_BAD_FILTER], 1);
    assert_int_equal(written->counts.left[IMPORT_NO_SESSION], 1);
    record = find(written, RECORD_SET, STORED_SUBSCRIPTIONS, 0);
    assert_true(stored_filter_key_read(record->key, &queue, &filter));
    assert_true(queue == queue_of(written, "a") && bytes_equal(filter, text("x/#")));
    assert_true(stored_subscription_read(&subscription, record->value));
    assert_true(subscription.qos == 1 && subscription.no_local &&
            subscription.retain_as_published && subscription.retain_handling == 2);
    record = find(written, RECORD_SET, STORED_GROUPS, 0);
    assert_true(bytes_equal(record->key, text("g/y")));
    assert_null(find(written, RECORD_SET, STORED_GROUPS, 1));
    drop(written);
}

TEST(what_waits_becomes_one_record_for_all_and_what_is_under_way_has_its_packet_id)
{
    struct written *written = begin();
    struct stored_flight flight;
    struct stored_place place;
    const struct record *record;

    add_session(written, "a", UINT32_MAX, 0);
    add_session(written, "b", UINT32_MAX, 0);
    add_message(written, 2, "second");
    add_message(written, 1, "first");
    add_place(written, "a", 1, 2, IMPORT_WAIT_PUBREC, 65535);
    add_place(written, "a", 2, 1, IMPORT_WAIT_PUBACK, 1);
    add_place(written, "b", 1, 1, IMPORT_QUEUED, 0)->identifier = 7;
    add_place(written, "b", 3, 1, IMPORT_QUEUED, 0);
    add_place(written, "b", 1, 0, IMPORT_PUBLISH_0, 0);
    run(written);
    assert_int_equal(written->counts.in_flight, 2);
    assert_int_equal(written->counts.queued, 1);
    assert_int_equal(written->counts.left[IMPORT_NO_MESSAGE], 1);
    assert_int_equal(written->counts.left[IMPORT_NOT_KEPT], 1);
    record = find(written, RECORD_MESSAGE, 0, 0);
    assert_topic(record, "first");
    assert_int_equal(record->place_count, 2);
    assert_true(place_of(record, 1).queue == queue_of(written, "b"));
    assert_true(stored_place_read(&place, place_of(record, 1).tag));
    assert_true(place.qos == 1 && place.identifier_count == 1);
    assert_int_equal(stored_place_identifier(&place, 0), 7);
    record = find(written, RECORD_NOTE, 0, 0);
    assert_true(record->queue == queue_of(written, "a"));
    assert_true(stored_flight_read(&flight, record->value));
    assert_true(flight.qos == 2 && flight.session == queue_of(written, "a"));
    assert_int_equal(flight.sequence % UINT16_MAX + 1, 65535);
    record = find(written, RECORD_NOTE, 0, 1);
    assert_true(stored_flight_read(&flight, record->value));
    assert_int_equal(flight.sequence % UINT16_MAX + 1, 1);
    assert_topic(find(written, RECORD_MESSAGE, 0, 1), "second");
    drop(written);
}

/* As after a subscription that brought an old retained message. */
TEST(a_session_in_another_order_has_records_of_its_own)
{
    struct written *written = begin();

    add_session(written, "a", UINT32_MAX, 0);
    add_session(written, "b", UINT32_MAX, 0);
    add_message(written, 1, "first");
    add_message(written, 2, "second");
    add_place(written, "a", 2, 1, IMPORT_QUEUED, 0);
    add_place(written, "a", 1, 1, IMPORT_QUEUED, 0);
    add_place(written, "b", 1, 1, IMPORT_QUEUED, 0);
    add_place(written, "b", 2, 1, IMPORT_QUEUED, 0);
    run(written);
    assert_topic(find(written, RECORD_MESSAGE, 0, 0), "first");
    assert_topic(find(written, RECORD_MESSAGE, 0, 1), "second");
    assert_topic(find(written, RECORD_MESSAGE, 0, 2), "second");
    assert_topic(find(written, RECORD_MESSAGE, 0, 3), "first");
    for (size_t n = 0; n < 4; n++) {
        const struct record *record = find(written, RECORD_MESSAGE, 0, n);

        assert_int_equal(record->place_count, 1);
        assert_true(place_of(record, 0).queue == queue_of(written, n < 2 ? "b" : "a"));
    }
    drop(written);
}

/* One for who has several subscriptions; none for who has said so, or for nobody. */
TEST(what_was_received_and_not_released_is_handed_on)
{
    struct written *written = begin();
    struct import_message *message;
    struct stored_place place;
    const struct record *record;
    uint64_t queue;
    uint16_t id;

    add_session(written, "a", UINT32_MAX, 0);
    add_session(written, "b", UINT32_MAX, 0);
    add_subscription(written, "a", "x/#", 0x06);
    add_subscription(written, "b", "x/+", 1);
    add_subscription(written, "b", "x/y", 0x0a);
    add_subscription(written, "b", "$share/g/#", 1);
    message = add_message(written, 1, "x/y");
    message->retain = true;
    add_place(written, "a", 1, 2, IMPORT_WAIT_PUBREL, 5)->incoming = true;
    add_place(written, "a", 1, 2, IMPORT_QUEUED, 6)->incoming = true;
    run(written);
    assert_int_equal(written->counts.received, 1);
    assert_int_equal(written->counts.queued, 2);
    assert_int_equal(written->counts.left[IMPORT_UNACKNOWLEDGED], 1);
    record = find(written, RECORD_SET, STORED_INCOMING, 0);
    assert_true(stored_packet_key_read(record->key, &queue, &id));
    assert_true(queue == queue_of(written, "a") && id == 5);
    record = find(written, RECORD_MESSAGE, 0, 0);
    assert_int_equal(record->place_count, 2);
    assert_true(place_of(record, 0).queue == queue_of(written, "b"));
    assert_true(stored_place_read(&place, place_of(record, 0).tag));
    assert_true(place.qos == 2 && place.retain);
    assert_null(find(written, RECORD_MESSAGE, 0, 1));
    record = find(written, RECORD_SET, STORED_RETAINED, 0);
    assert_non_null(record);
    assert_true(bytes_equal(record->key, text("x/y")));
    drop(written);
}

TEST(what_was_acknowledged_half_is_not_sent_again)
{
    struct written *written = begin();
    const struct record *record;
    uint64_t sequence;
    uint64_t queue;
    uint16_t id;

    add_session(written, "a", UINT32_MAX, 0);
    add_message(written, 1, "x");
    add_place(written, "a", 1, 2, IMPORT_WAIT_PUBCOMP, 300);
    run(written);
    assert_int_equal(written->counts.released, 1);
    record = find(written, RECORD_SET, STORED_RELEASES, 0);
    assert_true(stored_packet_key_read(record->key, &queue, &id));
    assert_int_equal(id, 300);
    assert_true(stored_number_read(&sequence, record->value));
    assert_int_equal(sequence % UINT16_MAX + 1, 300);
    assert_null(find(written, RECORD_MESSAGE, 0, 0));
    drop(written);
}

/* No file should have that; a server that finds it in its store does not start. */
TEST(no_packet_id_is_taken_twice)
{
    struct written *written = begin();

    add_session(written, "a", UINT32_MAX, 0);
    add_message(written, 1, "x");
    add_message(written, 2, "y");
    add_place(written, "a", 1, 1, IMPORT_WAIT_PUBACK, 8);
    add_place(written, "a", 2, 1, IMPORT_WAIT_PUBACK, 8);
    add_place(written, "a", 2, 2, IMPORT_WAIT_PUBCOMP, 8);
    run(written);
    assert_int_equal(written->counts.in_flight, 1);
    assert_int_equal(written->counts.queued, 1);
    assert_int_equal(written->counts.released, 0);
    assert_int_equal(written->counts.left[IMPORT_ID_TWICE], 1);
    assert_null(find(written, RECORD_NOTE, 0, 1));
    drop(written);
}

TEST(retained_messages_are_taken_unless_they_have_expired)
{
    struct written *written = begin();
    struct stored_message message;

    add_message(written, 1, "kept")->expires_s = NOW_S + 5;
    add_message(written, 2, "expired")->expires_s = NOW_S - 5;
    add_message(written, 3, "wrong/#");
    add_retained(written, 1);
    add_retained(written, 2);
    add_retained(written, 3);
    written->data.wills = 4;
    run(written);
    assert_int_equal(written->counts.retained, 1);
    assert_int_equal(written->counts.left[IMPORT_MESSAGE_EXPIRED], 1);
    assert_int_equal(written->counts.left[IMPORT_BAD_TOPIC], 1);
    assert_int_equal(written->counts.left[IMPORT_WILL], 4);
    assert_int_equal(written->count, 1);
    assert_true(bytes_equal(written->records[0].key, text("kept")));
    assert_true(stored_message_read(&message, written->records[0].value));
    assert_true(message.retain && message.expires_wall_ms == (int64_t)(NOW_S + 5) * 1000);
    assert_true(bytes_equal(message.payload, text("payload")));
    drop(written);
}

TEST(a_sink_that_fails_ends_the_import)
{
    struct written *written = begin();

    add_session(written, "a", UINT32_MAX, 0);
    written->result = -ENOSPC;
    run(written);
    drop(written);
}

TEST(every_reason_has_words)
{
    for (unsigned reason = 0; reason < IMPORT_REASONS; reason++)
        assert_non_null(import_reason_text((enum import_reason)reason));
}
