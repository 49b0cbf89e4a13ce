/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_records.h"

#include "broker/core/stored.h"
#include "mqtt/properties.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"
#include "store/records.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    BATCH_BYTES = 1 << 20, /* when one goes to the sink */
    IDENTIFIERS_MAX = 64,  /* of one message for one session */
    PLACES_MAX = 1 << 20,  /* of one record; more make another one */
    TAG_MAX = 1 + 4 * IDENTIFIERS_MAX,
    NAME_BYTES_MAX = UINT16_MAX,
};

/* A session that is taken, or not. */
struct taker {
    struct bytes client_id;
    uint64_t queue;          /* 0: it is not taken */
    uint64_t first_sequence; /* of what it has in flight */
    uint64_t sequence;       /* the last one; 0: there is none */
    uint64_t last_message;   /* the id of the last place */
    bool begun;              /* there was one */
    bool own;                /* its messages are not in the order of their ids */
};

struct group {
    struct bytes name; /* share name, '/', filter: the key */
    uint64_t queue;
};

/* A subscription of a session that is taken. */
struct listener {
    const struct import_subscription *subscription;
    struct taker *taker; /* NULL: of a group */
    struct bytes filter; /* without what shares it */
    uint64_t queue;
};

/* A place that is taken, with what follows from its state. */
struct entry {
    const struct import_place *place;
    const struct import_message *message;
    struct taker *taker;
    uint64_t sequence; /* 0: not in flight */
    size_t index;      /* among all: the order */
};

/* A match of a message that is handed on. */
struct match {
    const struct listener *listener;
    size_t index;
};

struct writing {
    struct import_data *data;
    const struct import_sink *sink;
    struct import_counts *counts;
    int64_t wall_ms;
    uint64_t queues; /* so far; each has a record of its own, so the store is past them */
    struct import_list takers;
    struct import_list groups;
    struct import_list listeners;
    struct import_list entries;
    struct import_list places; /* scratch: struct record_place */
    struct import_list tags;   /* scratch: bytes */
    struct import_list matches;
    struct record_batch batch;
    int result;
};

const char *import_reason_text(enum import_reason reason)
{
    static const char *const texts[IMPORT_REASONS] = {
        [IMPORT_SESSION_ENDED] = "sessions that end with their connection",
        [IMPORT_SESSION_EXPIRED] = "sessions that have expired",
        [IMPORT_SESSION_UNNAMED] = "sessions whose client id no client can have",
        [IMPORT_SESSION_TWICE] = "sessions that are there twice",
        [IMPORT_NO_SESSION] = "subscriptions and messages of sessions that are not taken",
        [IMPORT_BAD_FILTER] = "subscriptions whose filter is none",
        [IMPORT_NO_MESSAGE] = "messages that are named and not there",
        [IMPORT_BAD_TOPIC] = "messages whose topic is none",
        [IMPORT_MESSAGE_EXPIRED] = "messages that have expired",
        [IMPORT_NOT_KEPT] = "messages of QoS 0 that wait, which are not kept on disk",
        [IMPORT_UNACKNOWLEDGED] = "messages that were not acknowledged: their senders repeat them",
        [IMPORT_ID_TWICE] = "packet ids that are there twice",
        [IMPORT_WILL] = "wills: clients that connect give them again",
    };

    return texts[reason];
}

static void leave(struct writing *writing, enum import_reason reason)
{
    writing->counts->left[reason]++;
}

static void check(struct writing *writing, bool good)
{
    if (!good && writing->result == 0)
        writing->result = -ENOMEM;
}

static void *add(struct writing *writing, struct import_list *list, size_t item_size)
{
    void *item = writing->result == 0 ? import_list_add(list, item_size) : NULL;

    check(writing, item != NULL);
    return item;
}

/* Records that belong together are written before this is called. */
static void push_if(struct writing *writing, size_t size)
{
    if (writing->result == 0 && writing->batch.count > 0 && writing->batch.size >= size)
        writing->result = writing->sink->push(writing->sink->context, &writing->batch);
}

/* ---- Finding ---- */

static int compare_takers(const void *a, const void *b)
{
    return bytes_compare(
            ((const struct taker *)a)->client_id, ((const struct taker *)b)->client_id);
}

static struct taker *find_taker(const struct writing *writing, struct bytes client_id)
{
    const struct taker key = { .client_id = client_id };
    const struct import_list *list = &writing->takers;
    struct taker *taker = list->count > 0
            ? bsearch(&key, list->items, list->count, sizeof(key), compare_takers)
            : NULL;

    return taker && taker->queue > 0 ? taker : NULL;
}

static int compare_messages(const void *a, const void *b)
{
    uint64_t first = ((const struct import_message *)a)->id;
    uint64_t second = ((const struct import_message *)b)->id;

    return (first > second) - (first < second);
}

/* NULL: it is not taken, which is counted. */
static const struct import_message *find_message(struct writing *writing, uint64_t id)
{
    const struct import_message key = { .id = id };
    const struct import_list *list = &writing->data->messages;
    const struct import_message *message = list->count > 0
            ? bsearch(&key, list->items, list->count, sizeof(key), compare_messages)
            : NULL;

    if (!message)
        leave(writing, IMPORT_NO_MESSAGE);
    else if (!mqtt_utf8_valid(message->topic) || !mqtt_topic_name_valid(message->topic))
        leave(writing, IMPORT_BAD_TOPIC);
    else if (message->expires_s > 0 && message->expires_s <= writing->wall_ms / 1000)
        leave(writing, IMPORT_MESSAGE_EXPIRED);
    else
        return message;
    return NULL;
}

static int64_t to_wall_ms(int64_t seconds)
{
    return seconds <= 0 || seconds > INT64_MAX / 1000 - 1 ? INT64_MAX : seconds * 1000;
}

/* ---- Sessions ---- */

static bool is_taken(struct writing *writing, const struct import_session *session)
{
    if (session->client_id.size == 0 || session->client_id.size > NAME_BYTES_MAX ||
            !mqtt_utf8_valid(session->client_id))
        leave(writing, IMPORT_SESSION_UNNAMED);
    else if (session->expiry_interval_s == 0)
        leave(writing, IMPORT_SESSION_ENDED);
    else if (session->expiry_interval_s < UINT32_MAX && session->expires_s > 0 &&
            session->expires_s <= writing->wall_ms / 1000)
        leave(writing, IMPORT_SESSION_EXPIRED);
    else
        return true;
    return false;
}

static void write_session(
        struct writing *writing, const struct import_session *from, struct taker *taker)
{
    struct stored_session session = { .expiry_interval_s = from->expiry_interval_s,
        .expires_wall_ms = INT64_MAX };
    struct writer out = { 0 };

    session.gone = from->expiry_interval_s == UINT32_MAX;
    session.queue = taker->queue;
    if (from->expiry_interval_s < UINT32_MAX) {
        session.expires_wall_ms = to_wall_ms(from->expires_s);
        session.connected = session.expires_wall_ms == INT64_MAX;
    }
    out.size = stored_session_size(&session);
    out.data = records_set_room(&writing->batch, STORED_SESSIONS, from->client_id, out.size);
    check(writing, out.data != NULL);
    if (out.data)
        stored_session_write(&out, &session);
}

static int compare_sessions(const void *a, const void *b)
{
    return bytes_compare(((const struct import_session *)a)->client_id,
            ((const struct import_session *)b)->client_id);
}

static void take_sessions(struct writing *writing)
{
    const struct import_list *list = &writing->data->sessions;
    struct import_session *sessions = list->items;

    if (list->count > 1)
        qsort(sessions, list->count, sizeof(*sessions), compare_sessions);
    for (size_t i = 0; i < list->count && writing->result == 0; i++) {
        struct taker *taker;

        if (i > 0 && bytes_equal(sessions[i].client_id, sessions[i - 1].client_id)) {
            leave(writing, IMPORT_SESSION_TWICE);
            continue;
        }
        if (!is_taken(writing, &sessions[i]))
            continue;
        taker = add(writing, &writing->takers, sizeof(*taker));
        if (!taker)
            return;
        *taker = (struct taker){ .client_id = sessions[i].client_id, .queue = ++writing->queues };
        write_session(writing, &sessions[i], taker);
        writing->counts->sessions++;
        push_if(writing, BATCH_BYTES);
    }
}

/* ---- Subscriptions ---- */

static int compare_groups(const void *a, const void *b)
{
    return bytes_compare(((const struct group *)a)->name, ((const struct group *)b)->name);
}

/* All groups, each once and in order. */
static void name_groups(struct writing *writing)
{
    const struct import_list *list = &writing->data->subscriptions;
    const struct import_subscription *subscriptions = list->items;
    struct group *groups;
    size_t count = 0;

    for (size_t i = 0; i < list->count && writing->result == 0; i++) {
        struct bytes share;
        struct bytes filter;
        struct group *group;

        if (mqtt_share_split(subscriptions[i].filter, &share, &filter) != MQTT_SHARE_VALID)
            continue;
        group = add(writing, &writing->groups, sizeof(*group));
        if (group) /* they lie side by side in the filter, a slash between */
            *group = (struct group){ { share.data, share.size + 1 + filter.size }, 0 };
    }
    groups = writing->groups.items;
    if (writing->groups.count > 1)
        qsort(groups, writing->groups.count, sizeof(*groups), compare_groups);
    for (size_t i = 0; i < writing->groups.count; i++) {
        if (count == 0 || compare_groups(&groups[count - 1], &groups[i]) != 0)
            groups[count++] = groups[i];
    }
    writing->groups.count = count;
}

/* The group's queue, and its record when it is the first time. */
static uint64_t take_group(struct writing *writing, struct bytes name)
{
    const struct group key = { .name = name };
    struct group *group = bsearch(
            &key, writing->groups.items, writing->groups.count, sizeof(key), compare_groups);
    uint8_t value[STORED_NUMBER_SIZE];

    assert(group);
    if (group->queue > 0)
        return group->queue;
    group->queue = ++writing->queues;
    stored_number_write(value, group->queue);
    check(writing,
            records_set(&writing->batch, STORED_GROUPS, name, bytes_of(value, sizeof(value))));
    writing->counts->groups++;
    return group->queue;
}

static void write_subscription(
        struct writing *writing, const struct import_subscription *from, uint64_t queue)
{
    const struct stored_subscription subscription = {
        .identifier = from->identifier,
        .qos = from->options & 3,
        .no_local = from->options & 4,
        .retain_as_published = from->options & 8,
        .retain_handling = from->options >> 4 & 3,
    };
    uint8_t value[STORED_SUBSCRIPTION_SIZE];
    uint8_t key[STORED_QUEUE_SIZE + NAME_BYTES_MAX];

    stored_queue_key(key, queue);
    memcpy(key + STORED_QUEUE_SIZE, from->filter.data, from->filter.size);
    stored_subscription_write(value, &subscription);
    check(writing,
            records_set(&writing->batch, STORED_SUBSCRIPTIONS,
                    bytes_of(key, STORED_QUEUE_SIZE + from->filter.size),
                    bytes_of(value, sizeof(value))));
}

static void take_subscription(struct writing *writing, const struct import_subscription *from)
{
    struct taker *taker = find_taker(writing, from->client_id);
    struct listener listener = { .subscription = from, .taker = taker, .filter = from->filter };
    struct listener *item;
    struct bytes share;
    enum mqtt_share kind;

    if (!taker) {
        leave(writing, IMPORT_NO_SESSION);
        return;
    }
    kind = mqtt_share_split(from->filter, &share, &listener.filter);
    if (!mqtt_utf8_valid(from->filter) || !mqtt_topic_filter_valid(from->filter) ||
            kind == MQTT_SHARE_INVALID) {
        leave(writing, IMPORT_BAD_FILTER);
        return;
    }
    listener.queue = taker->queue;
    if (kind == MQTT_SHARE_VALID) {
        listener.taker = NULL;
        listener.queue =
                take_group(writing, bytes_of(share.data, share.size + 1 + listener.filter.size));
    }
    write_subscription(writing, from, taker->queue);
    writing->counts->subscriptions++;
    item = add(writing, &writing->listeners, sizeof(*item));
    if (item)
        *item = listener;
}

static void take_subscriptions(struct writing *writing)
{
    const struct import_list *list = &writing->data->subscriptions;
    const struct import_subscription *subscriptions = list->items;

    name_groups(writing);
    for (size_t i = 0; i < list->count && writing->result == 0; i++) {
        take_subscription(writing, &subscriptions[i]);
        push_if(writing, BATCH_BYTES);
    }
}

/* ---- What a session has to send ---- */

/*
 * The next number that stands for this packet id. As long as all of a session's lie within one
 * round of ids, none is there twice; 0: this one would not.
 */
static uint64_t next_sequence(struct taker *taker, uint16_t packet_id)
{
    uint64_t wanted = packet_id - 1u;
    uint64_t sequence = taker->sequence + 1;

    sequence += (wanted + UINT16_MAX - sequence % UINT16_MAX) % UINT16_MAX;
    if (taker->sequence > 0 && sequence - taker->first_sequence >= UINT16_MAX)
        return 0;
    if (taker->sequence == 0)
        taker->first_sequence = sequence;
    taker->sequence = sequence;
    return sequence;
}

static void write_packet(struct writing *writing, unsigned table, const struct import_place *place,
        struct bytes value)
{
    uint8_t key[STORED_PACKET_KEY_SIZE];

    stored_packet_key(key, find_taker(writing, place->client_id)->queue, place->packet_id);
    check(writing, records_set(&writing->batch, table, bytes_of(key, sizeof(key)), value));
}

/* The client has acknowledged the message, but not its release. */
static void take_release(
        struct writing *writing, const struct import_place *place, struct taker *taker)
{
    uint64_t sequence = next_sequence(taker, place->packet_id);
    uint8_t value[STORED_NUMBER_SIZE];

    if (sequence == 0) {
        leave(writing, IMPORT_ID_TWICE);
        return;
    }
    stored_number_write(value, sequence);
    write_packet(writing, STORED_RELEASES, place, bytes_of(value, sizeof(value)));
    writing->counts->released++;
}

static void take_outgoing(
        struct writing *writing, const struct import_place *place, struct taker *taker)
{
    bool waits = place->state == IMPORT_QUEUED || place->packet_id == 0;
    struct entry entry = { .place = place, .taker = taker };
    struct entry *item;

    if (place->qos == 0 || place->state == IMPORT_PUBLISH_0) {
        leave(writing, IMPORT_NOT_KEPT);
        return;
    }
    if (!waits && (place->state == IMPORT_RESEND_PUBREL || place->state == IMPORT_WAIT_PUBCOMP)) {
        take_release(writing, place, taker);
        return;
    }
    entry.message = find_message(writing, place->message);
    if (!entry.message)
        return;
    if (taker->begun && place->message <= taker->last_message)
        taker->own = true;
    taker->begun = true;
    taker->last_message = place->message;
    if (!waits)
        entry.sequence = next_sequence(taker, place->packet_id);
    entry.index = writing->entries.count;
    *(entry.sequence == 0 ? &writing->counts->queued : &writing->counts->in_flight) += 1;
    item = add(writing, &writing->entries, sizeof(*item));
    if (item)
        *item = entry;
}

/* ---- What a session has received ---- */

static bool is_acknowledged(const struct import_place *place)
{
    return place->qos == 2 && place->packet_id > 0 &&
            (place->state == IMPORT_WAIT_PUBREL || place->state == IMPORT_SEND_PUBREC);
}

static void take_incoming(struct writing *writing, const struct import_place *place)
{
    if (!is_acknowledged(place)) {
        leave(writing, IMPORT_UNACKNOWLEDGED);
        return;
    }
    write_packet(writing, STORED_INCOMING, place, (struct bytes){ 0 });
    writing->counts->received++;
}

static void take_places(struct writing *writing)
{
    const struct import_list *list = &writing->data->places;
    const struct import_place *places = list->items;

    for (size_t i = 0; i < list->count && writing->result == 0; i++) {
        struct taker *taker = find_taker(writing, places[i].client_id);

        if (!taker)
            leave(writing, IMPORT_NO_SESSION);
        else if (places[i].incoming)
            take_incoming(writing, &places[i]);
        else
            take_outgoing(writing, &places[i], taker);
        push_if(writing, BATCH_BYTES);
    }
}

/* ---- Messages ---- */

static struct stored_message stored_of(struct writing *writing, const struct import_message *from)
{
    struct stored_message message = { .topic = from->topic,
        .payload = from->payload,
        .qos = from->qos,
        .retain = from->retain,
        .expires_wall_ms = to_wall_ms(from->expires_s),
        .retained_until_wall_ms = INT64_MAX };
    struct writer out = { .size = from->properties.size };

    if (from->properties.size == 0)
        return message;
    out.data = import_data_take(writing->data, out.size);
    check(writing, out.data != NULL);
    if (out.data && mqtt_properties_forward(&out, from->properties) > 0)
        message.properties = writer_written(&out);
    return message;
}

/* A place for the next record, whose tag goes to the end of the scratch. */
static void add_place(struct writing *writing, uint64_t queue, const struct stored_place *from)
{
    struct record_place *place = add(writing, &writing->places, sizeof(*place));
    size_t size = stored_place_size(from);
    uint8_t tag[TAG_MAX];
    struct writer out = { .data = tag, .size = sizeof(tag) };

    if (!place)
        return;
    stored_place_write(&out, from);
    assert(!out.failed && out.used == size);
    *place = (struct record_place){ queue, { NULL, size } };
    for (size_t i = 0; i < size; i++) {
        uint8_t *byte = add(writing, &writing->tags, 1);

        if (byte)
            *byte = tag[i];
    }
}

/* Writes the message for the places that were added; the scratch is empty afterwards. */
static uint64_t write_message(struct writing *writing, const struct import_message *from)
{
    uint64_t id = RECORD_IN_BATCH + writing->batch.count;
    struct record_place *places = writing->places.items;
    const uint8_t *tag = writing->tags.items;
    struct stored_message message = stored_of(writing, from);
    struct writer out = { .size = stored_message_size(&message) };

    for (size_t i = 0; i < writing->places.count; i++) {
        places[i].tag.data = tag;
        tag += places[i].tag.size;
    }
    if (writing->result == 0 && writing->places.count > 0) {
        out.data = records_message(&writing->batch, places, writing->places.count, out.size);
        check(writing, out.data != NULL);
        if (out.data)
            stored_message_write(&out, &message);
    }
    writing->places.count = 0;
    writing->tags.count = 0;
    return id;
}

static void write_note(struct writing *writing, const struct entry *entry, uint64_t id)
{
    const struct stored_flight flight = {
        .session = entry->taker->queue,
        .sequence = entry->sequence,
        .qos = entry->place->qos,
        .retain = entry->place->retain,
    };
    uint8_t note[STORED_FLIGHT_SIZE];

    if (entry->sequence == 0 || writing->result != 0)
        return;
    stored_flight_write(note, &flight);
    check(writing,
            records_note(&writing->batch, entry->taker->queue, id, bytes_of(note, sizeof(note))));
}

/* One record for the places of one message. */
static void write_entries(struct writing *writing, const struct entry *entries, size_t count)
{
    uint64_t id;

    for (size_t i = 0; i < count; i++) {
        const struct import_place *from = entries[i].place;
        const struct stored_place place = {
            .qos = from->qos,
            .retain = from->retain,
            .identifier_count = from->identifier > 0,
            .identifiers = &from->identifier,
        };

        add_place(writing, entries[i].taker->queue, &place);
    }
    id = write_message(writing, entries[0].message);
    for (size_t i = 0; i < count; i++)
        write_note(writing, &entries[i], id);
    push_if(writing, BATCH_BYTES);
}

/* Those that share records by message, then the others; each in order. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *first = a;
    const struct entry *second = b;

    if (first->taker->own != second->taker->own)
        return first->taker->own ? 1 : -1;
    if (!first->taker->own && first->message->id != second->message->id)
        return first->message->id < second->message->id ? -1 : 1;
    return (first->index > second->index) - (first->index < second->index);
}

static void write_waiting(struct writing *writing)
{
    struct entry *entries = writing->entries.items;
    size_t count = writing->entries.count;
    size_t first = 0;

    if (count > 1)
        qsort(entries, count, sizeof(*entries), compare_entries);
    while (first < count && writing->result == 0) {
        size_t end = first + 1;

        while (!entries[first].taker->own && end < count && end - first < PLACES_MAX &&
                !entries[end].taker->own && entries[end].message == entries[first].message)
            end++;
        write_entries(writing, &entries[first], end - first);
        first = end;
    }
}

/* ---- What was received and not handed on ---- */

static int compare_matches(const void *a, const void *b)
{
    const struct match *first = a;
    const struct match *second = b;
    uint64_t one = first->listener->queue;
    uint64_t other = second->listener->queue;

    if (one != other)
        return one < other ? -1 : 1;
    return (first->index > second->index) - (first->index < second->index);
}

static void find_matches(
        struct writing *writing, const struct import_message *message, struct bytes source)
{
    const struct listener *listeners = writing->listeners.items;

    writing->matches.count = 0;
    for (size_t i = 0; i < writing->listeners.count; i++) {
        const struct listener *listener = &listeners[i];
        bool no_local = listener->subscription->options & 4;
        struct match *match;

        if (!mqtt_topic_match(listener->filter, message->topic) ||
                (no_local && bytes_equal(listener->subscription->client_id, source)))
            continue;
        match = add(writing, &writing->matches, sizeof(*match));
        if (match)
            *match = (struct match){ listener, i };
    }
    if (writing->matches.count > 1)
        qsort(writing->matches.items, writing->matches.count, sizeof(struct match),
                compare_matches);
}

/* One place for all matches of a queue, from *first on, which is moved behind them. */
static void add_matches(
        struct writing *writing, const struct import_message *message, size_t *first)
{
    const struct match *matches = writing->matches.items;
    const struct listener *one = matches[*first].listener;
    uint32_t identifiers[IDENTIFIERS_MAX];
    struct stored_place place = { .identifiers = identifiers };
    uint8_t qos = one->taker ? 0 : 2; /* a group's member has a say when it gets it */

    for (; *first < writing->matches.count && matches[*first].listener->queue == one->queue;
            ++*first) {
        const struct import_subscription *from = matches[*first].listener->subscription;

        if (!one->taker)
            continue;
        qos = (from->options & 3) > qos ? from->options & 3 : qos;
        place.retain = place.retain || (message->retain && (from->options & 8) != 0);
        if (from->identifier > 0 && place.identifier_count < IDENTIFIERS_MAX)
            identifiers[place.identifier_count++] = from->identifier;
    }
    place.qos = qos < message->qos ? qos : message->qos;
    if (place.qos == 0)
        return;
    add_place(writing, one->queue, &place);
    writing->counts->queued++;
}

static void hand_on(
        struct writing *writing, const struct import_message *message, struct bytes source)
{
    size_t first = 0;

    find_matches(writing, message, source);
    while (first < writing->matches.count && writing->result == 0)
        add_matches(writing, message, &first);
    write_message(writing, message);
    push_if(writing, BATCH_BYTES);
}

/* ---- Retained messages ---- */

static void write_retained(struct writing *writing, const struct import_message *from)
{
    struct stored_message message = stored_of(writing, from);
    struct writer out = { 0 };

    message.topic = (struct bytes){ 0 };
    message.retain = true;
    out.size = stored_message_size(&message);
    if (writing->result != 0)
        return;
    out.data = records_set_room(&writing->batch, STORED_RETAINED, from->topic, out.size);
    check(writing, out.data != NULL);
    if (out.data)
        stored_message_write(&out, &message);
    push_if(writing, BATCH_BYTES);
}

static void take_retained(struct writing *writing)
{
    const struct import_list *list = &writing->data->retained;
    const uint64_t *ids = list->items;

    for (size_t i = 0; i < list->count && writing->result == 0; i++) {
        const struct import_message *message = find_message(writing, ids[i]);

        if (!message || message->payload.size == 0)
            continue;
        write_retained(writing, message);
        writing->counts->retained++;
    }
}

/* What was received becomes what is handed on, and what is retained. */
static void take_received(struct writing *writing)
{
    const struct import_list *list = &writing->data->places;
    const struct import_place *places = list->items;

    for (size_t i = 0; i < list->count && writing->result == 0; i++) {
        const struct import_message *message;

        if (!places[i].incoming || !is_acknowledged(&places[i]) ||
                !find_taker(writing, places[i].client_id))
            continue;
        message = find_message(writing, places[i].message);
        if (!message)
            continue;
        hand_on(writing, message, places[i].client_id);
        if (message->retain && message->payload.size > 0)
            write_retained(writing, message);
        else if (message->retain)
            check(writing, records_remove(&writing->batch, STORED_RETAINED, message->topic));
    }
}

int import_records_write(struct import_data *data, int64_t wall_ms, const struct import_sink *sink,
        struct import_counts *out)
{
    struct writing writing = { .data = data, .sink = sink, .counts = out, .wall_ms = wall_ms };

    *out = (struct import_counts){ 0 };
    out->left[IMPORT_WILL] = data->wills;
    if (data->messages.count > 1)
        qsort(data->messages.items, data->messages.count, sizeof(struct import_message),
                compare_messages);
    take_sessions(&writing);
    take_subscriptions(&writing);
    take_places(&writing);
    write_waiting(&writing);
    take_retained(&writing);
    take_received(&writing);
    push_if(&writing, 0);
    record_batch_reset(&writing.batch);
    free(writing.takers.items);
    free(writing.groups.items);
    free(writing.listeners.items);
    free(writing.entries.items);
    free(writing.places.items);
    free(writing.tags.items);
    free(writing.matches.items);
    return writing.result;
}
