/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ctl_store_words.h"

#include "broker/core/stored.h"

/* ---- Values ---- */

/* A text that a client has chosen; what is not UTF-8 is told as null. */
static json_t *text_of(struct bytes text)
{
    json_t *string = json_stringn((const char *)text.data, text.size);

    return string ? string : json_null();
}

static void add_text(json_t *object, const char *name, struct bytes text)
{
    json_object_set_new(object, name, text_of(text));
}

static void add_number(json_t *object, const char *name, uint64_t number)
{
    json_object_set_new(object, name, json_integer((json_int_t)number));
}

static void add_flag(json_t *object, const char *name, bool flag)
{
    json_object_set_new(object, name, json_boolean(flag));
}

/* Milliseconds since 1970; null: never. */
static void add_time(json_t *object, const char *name, int64_t wall_ms)
{
    json_object_set_new(
            object, name, wall_ms == INT64_MAX ? json_null() : json_integer((json_int_t)wall_ms));
}

static json_t *begin(const char *kind)
{
    return json_pack("{s:s}", "kind", kind);
}

static json_t *unreadable(json_t *object, size_t size)
{
    add_flag(object, "unreadable", true);
    add_number(object, "bytes", size);
    return object;
}

static void add_message(json_t *object, const struct stored_message *message)
{
    if (message->topic.size > 0)
        add_text(object, "topic", message->topic);
    add_number(object, "qos", message->qos);
    add_flag(object, "retain", message->retain);
    add_number(object, "payload_bytes", message->payload.size);
    add_time(object, "expires_ms", message->expires_wall_ms);
    if (!message->authored)
        return;
    add_text(object, "author_listener", message->author_listener);
    add_text(object, "author_user", message->author_user);
    add_text(object, "author_client", message->author_client_id);
}

/* ---- Entries: one function for each table ---- */

static bool add_session(json_t *object, struct bytes key, struct bytes value)
{
    struct stored_session session;

    add_text(object, "client", key);
    if (!stored_session_read(&session, value))
        return false;
    add_number(object, "queue", session.queue);
    add_number(object, "expiry_interval_s", session.expiry_interval_s);
    add_flag(object, "connected", session.connected);
    if (session.gone)
        add_flag(object, "gone", true);
    add_time(object, "expires_ms", session.expires_wall_ms);
    if (session.will == 0)
        return true;
    add_number(object, "will", session.will);
    add_time(object, "will_due_ms", session.will_due_wall_ms);
    return true;
}

static bool add_subscription(json_t *object, struct bytes key, struct bytes value)
{
    struct stored_subscription subscription;
    struct bytes filter;
    uint64_t queue;

    if (!stored_filter_key_read(key, &queue, &filter) ||
            !stored_subscription_read(&subscription, value))
        return false;
    add_number(object, "queue", queue);
    add_text(object, "filter", filter);
    add_number(object, "qos", subscription.qos);
    add_flag(object, "no_local", subscription.no_local);
    add_flag(object, "retain_as_published", subscription.retain_as_published);
    add_number(object, "retain_handling", subscription.retain_handling);
    if (subscription.identifier > 0)
        add_number(object, "identifier", subscription.identifier);
    return true;
}

static bool add_packet_id(json_t *object, struct bytes key, struct bytes value)
{
    uint64_t queue;
    uint16_t packet_id;

    (void)value;
    if (!stored_packet_key_read(key, &queue, &packet_id))
        return false;
    add_number(object, "queue", queue);
    add_number(object, "packet_id", packet_id);
    return true;
}

static bool add_group(json_t *object, struct bytes key, struct bytes value)
{
    uint64_t queue;

    add_text(object, "name", key);
    if (!stored_number_read(&queue, value))
        return false;
    add_number(object, "queue", queue);
    return true;
}

static bool add_retained(json_t *object, struct bytes key, struct bytes value)
{
    struct stored_message message;

    add_text(object, "topic", key);
    if (!stored_message_read(&message, value))
        return false;
    add_message(object, &message);
    add_time(object, "given_until_ms", message.retained_until_wall_ms);
    return true;
}

static bool add_will(json_t *object, struct bytes key, struct bytes value)
{
    struct stored_will will;
    uint64_t number;

    if (!stored_number_read(&number, key) || !stored_will_read(&will, value))
        return false;
    add_number(object, "number", number);
    add_number(object, "queue", will.queue);
    add_number(object, "delay_s", will.delay_s);
    add_message(object, &will.message);
    return true;
}

static const struct {
    const char *kind;
    bool (*add)(json_t *object, struct bytes key, struct bytes value);
} tables[] = {
    [STORED_SESSIONS] = { "session", add_session },
    [STORED_SUBSCRIPTIONS] = { "subscription", add_subscription },
    [STORED_INCOMING] = { "received", add_packet_id },
    [STORED_RELEASES] = { "released", add_packet_id },
    [STORED_GROUPS] = { "group", add_group },
    [STORED_RETAINED] = { "retained", add_retained },
    [STORED_WILLS] = { "will", add_will },
};

static const char *kind_of(unsigned table)
{
    bool is_known = table < sizeof(tables) / sizeof(tables[0]) && tables[table].kind;

    return is_known ? tables[table].kind : NULL;
}

json_t *store_words_entry(unsigned table, struct bytes key, struct bytes value)
{
    const char *kind = kind_of(table);
    json_t *object = begin(kind ? kind : "entry");

    if (!object)
        return NULL;
    if (!kind)
        add_number(object, "table", table);
    if (kind && tables[table].add(object, key, value))
        return object;
    return unreadable(object, key.size + value.size);
}

/* ---- Messages ---- */

static bool add_place(json_t *object, struct bytes tag)
{
    struct stored_place place;

    if (!stored_place_read(&place, tag))
        return false;
    add_number(object, "delivery_qos", place.qos);
    return true;
}

static bool add_flight(json_t *object, struct bytes note)
{
    struct stored_flight flight;

    if (note.size == 0)
        return true;
    if (!stored_flight_read(&flight, note))
        return false;
    add_number(object, "in_flight_of", flight.session);
    add_number(object, "sequence", flight.sequence);
    return true;
}

static bool add_body(json_t *object, struct bytes body)
{
    struct stored_message message;

    if (!stored_message_read(&message, body))
        return false;
    add_message(object, &message);
    return true;
}

json_t *store_words_item(const struct store_item *item)
{
    json_t *object = begin("message");

    if (!object)
        return NULL;
    add_number(object, "queue", item->queue);
    add_number(object, "id", item->id);
    if (add_place(object, item->tag) && add_flight(object, item->note) &&
            add_body(object, item->body))
        return object;
    return unreadable(object, item->tag.size + item->note.size + item->body.size);
}

/* ---- Records ---- */

static json_t *message_record(const struct record *record)
{
    json_t *object = begin("message");
    json_t *queues = json_array();
    struct bytes rest = record->places;
    struct record_place place;

    add_number(object, "id", record->id);
    while (records_place(&rest, &place))
        json_array_append_new(queues, json_integer((json_int_t)place.queue));
    json_object_set_new(object, "queues", queues);
    return object && add_body(object, record->value) ? object
                                                     : unreadable(object, record->value.size);
}

/* The key of an entry that is gone: what its table makes of it without a value. */
static json_t *removal_record(const struct record *record)
{
    json_t *object = begin(record->kind == RECORD_REMOVE ? "removed" : "removed_all");
    const char *kind = kind_of(record->table);
    uint64_t queue;
    struct bytes filter;

    if (!object)
        return NULL;
    json_object_set_new(object, "of", json_string(kind ? kind : "entry"));
    if (record->table == STORED_SESSIONS)
        add_text(object, "client", record->key);
    else if (record->table == STORED_RETAINED)
        add_text(object, "topic", record->key);
    else if (record->table == STORED_GROUPS)
        add_text(object, "name", record->key);
    else if (record->table == STORED_SUBSCRIPTIONS &&
            stored_filter_key_read(record->key, &queue, &filter))
        json_object_update_new(object,
                json_pack("{s:I, s:o}", "queue", (json_int_t)queue, "filter", text_of(filter)));
    else if (record->kind == RECORD_REMOVE)
        add_packet_id(object, record->key, (struct bytes){ 0 });
    return object;
}

json_t *store_words_record(const struct record *record)
{
    json_t *object = NULL;

    switch (record->kind) {
    case RECORD_SET:
        return store_words_entry(record->table, record->key, record->value);
    case RECORD_REMOVE:
    case RECORD_REMOVE_ALL:
        return removal_record(record);
    case RECORD_MESSAGE:
        return message_record(record);
    case RECORD_BEGIN:
        return begin("begin");
    case RECORD_DONE:
        object = begin("done");
        break;
    case RECORD_NOTE:
        object = begin("sent");
        break;
    case RECORD_DROP:
        object = begin("dropped");
        break;
    }
    if (!object)
        return NULL;
    add_number(object, "queue", record->queue);
    if (record->kind == RECORD_DROP)
        return object;
    add_number(object, "id", record->id);
    if (record->kind == RECORD_NOTE && !add_flight(object, record->value))
        return unreadable(object, record->value.size);
    return object;
}
