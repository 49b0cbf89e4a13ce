/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/stored.h"

#include "base/reader.h"
#include "mqtt/properties.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <assert.h>

enum {
    TIME_SIZE = 8,
    NAME_HEAD_SIZE = 2, /* the size before a name */
    QOS_MASK = 3,
    PROPERTIES_HEAD_SIZE = 4,
    IDENTIFIER_SIZE = 4,
};

static_assert(1 + STORED_IDENTIFIERS_MAX * IDENTIFIER_SIZE <= RECORD_TAG_MAX, "they fit a tag");

/* ---- Numbers and names ---- */

static void put_u64(uint8_t out[8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

static void write_u64(struct writer *out, uint64_t value)
{
    writer_u32(out, (uint32_t)(value >> 32));
    writer_u32(out, (uint32_t)value);
}

static uint64_t read_u64(struct reader *in)
{
    uint64_t high = reader_u32(in);

    return high << 32 | reader_u32(in);
}

/* A time that "never" is not written for. */
static void write_time(struct writer *out, int64_t time_ms)
{
    if (time_ms < INT64_MAX)
        write_u64(out, (uint64_t)time_ms);
}

static size_t time_size(int64_t time_ms)
{
    return time_ms < INT64_MAX ? TIME_SIZE : 0;
}

static int64_t read_time(struct reader *in, bool there)
{
    int64_t time_ms = there ? (int64_t)read_u64(in) : INT64_MAX;

    if (there && (time_ms < 0 || time_ms == INT64_MAX))
        reader_fail(in);
    return time_ms;
}

static void write_name(struct writer *out, struct bytes name)
{
    assert(name.size <= UINT16_MAX);
    writer_u16(out, (uint16_t)name.size);
    writer_bytes(out, name);
}

static struct bytes read_name(struct reader *in)
{
    return reader_bytes(in, reader_u16(in));
}

static bool is_read(const struct reader *in)
{
    return !in->failed && in->rest.size == 0;
}

/* ---- Keys ---- */

void stored_queue_key(uint8_t out[STORED_QUEUE_SIZE], uint64_t queue)
{
    put_u64(out, queue);
}

void stored_packet_key(uint8_t out[STORED_PACKET_KEY_SIZE], uint64_t queue, uint16_t packet_id)
{
    put_u64(out, queue);
    out[STORED_QUEUE_SIZE] = (uint8_t)(packet_id >> 8);
    out[STORED_QUEUE_SIZE + 1] = (uint8_t)packet_id;
}

bool stored_packet_key_read(struct bytes key, uint64_t *queue, uint16_t *packet_id)
{
    struct reader in = { .rest = key };
    uint64_t number = read_u64(&in);
    uint16_t id = reader_u16(&in);

    if (!is_read(&in) || number == 0 || id == 0)
        return false;
    *queue = number;
    *packet_id = id;
    return true;
}

bool stored_filter_key_read(struct bytes key, uint64_t *queue, struct bytes *filter)
{
    struct reader in = { .rest = key };
    uint64_t number = read_u64(&in);
    struct bytes unused;

    if (in.failed || number == 0 || !mqtt_utf8_valid(in.rest) ||
            !mqtt_topic_filter_valid(in.rest) ||
            mqtt_share_split(in.rest, &unused, &unused) == MQTT_SHARE_INVALID)
        return false;
    *queue = number;
    *filter = in.rest;
    return true;
}

/* ---- Messages ---- */

enum message_flags {
    MESSAGE_RETAIN = 4, /* above the QoS */
    MESSAGE_EXPIRES = 8,
    MESSAGE_RETAINED_UNTIL = 16,
    MESSAGE_AUTHORED = 32,
    MESSAGE_HAS_PROPERTIES = 64,
    MESSAGE_FLAGS = 127,
};

static uint8_t message_flags(const struct stored_message *message)
{
    return (uint8_t)(message->qos | (message->retain ? MESSAGE_RETAIN : 0) |
            (message->expires_wall_ms < INT64_MAX ? MESSAGE_EXPIRES : 0) |
            (message->retained_until_wall_ms < INT64_MAX ? MESSAGE_RETAINED_UNTIL : 0) |
            (message->authored ? MESSAGE_AUTHORED : 0) |
            (message->properties.size > 0 ? MESSAGE_HAS_PROPERTIES : 0));
}

size_t stored_message_size(const struct stored_message *message)
{
    size_t size = 1 + NAME_HEAD_SIZE + message->topic.size + message->payload.size;

    size += time_size(message->expires_wall_ms) + time_size(message->retained_until_wall_ms);
    if (message->authored)
        size += 3 * NAME_HEAD_SIZE + message->author_listener.size + message->author_user.size +
                message->author_client_id.size;
    if (message->properties.size > 0)
        size += PROPERTIES_HEAD_SIZE + message->properties.size;
    return size;
}

void stored_message_write(struct writer *out, const struct stored_message *message)
{
    assert(message->qos <= 2);
    writer_u8(out, message_flags(message));
    write_name(out, message->topic);
    write_time(out, message->expires_wall_ms);
    write_time(out, message->retained_until_wall_ms);
    if (message->authored) {
        write_name(out, message->author_listener);
        write_name(out, message->author_user);
        write_name(out, message->author_client_id);
    }
    if (message->properties.size > 0) {
        writer_u32(out, (uint32_t)message->properties.size);
        writer_bytes(out, message->properties);
    }
    writer_bytes(out, message->payload);
}

/* Such as a client may have sent, and another gets. */
static bool properties_valid(struct bytes encoded)
{
    static const uint64_t for_one_hop = UINT64_C(1) << MQTT_MESSAGE_EXPIRY_INTERVAL |
            UINT64_C(1) << MQTT_TOPIC_ALIAS | UINT64_C(1) << MQTT_SUBSCRIPTION_IDENTIFIER;
    struct mqtt_properties properties = { 0 };

    return encoded.size == 0 ||
            (mqtt_properties_section_read(&properties, encoded, MQTT_PUBLISH) == MQTT_SUCCESS &&
                    (properties.present & for_one_hop) == 0);
}

static void read_author(struct reader *in, struct stored_message *out)
{
    if (!out->authored)
        return;
    out->author_listener = read_name(in);
    out->author_user = read_name(in);
    out->author_client_id = read_name(in);
}

static bool topic_valid(struct bytes topic)
{
    return topic.size == 0 || (mqtt_utf8_valid(topic) && mqtt_topic_name_valid(topic));
}

/* It goes to the end of what is read. */
static struct stored_message read_message(struct reader *in)
{
    uint8_t flags = reader_u8(in);
    struct stored_message message = { .qos = flags & QOS_MASK,
        .retain = flags & MESSAGE_RETAIN,
        .authored = flags & MESSAGE_AUTHORED };

    message.topic = read_name(in);
    message.expires_wall_ms = read_time(in, flags & MESSAGE_EXPIRES);
    message.retained_until_wall_ms = read_time(in, flags & MESSAGE_RETAINED_UNTIL);
    read_author(in, &message);
    if (flags & MESSAGE_HAS_PROPERTIES) {
        message.properties = reader_bytes(in, reader_u32(in));
        if (message.properties.size == 0)
            reader_fail(in);
    }
    message.payload = reader_bytes(in, in->rest.size);
    if (message.qos > 2 || (flags & ~MESSAGE_FLAGS) || message.payload.size > UINT32_MAX ||
            !topic_valid(message.topic) || !properties_valid(message.properties))
        reader_fail(in);
    return message;
}

bool stored_message_read(struct stored_message *out, struct bytes bytes)
{
    struct reader in = { .rest = bytes };
    struct stored_message message = read_message(&in);

    if (!is_read(&in))
        return false;
    *out = message;
    return true;
}

/* ---- Sessions ---- */

enum session_flags {
    SESSION_CONNECTED = 1,
    SESSION_EXPIRES = 2,
    SESSION_HAS_WILL = 4,
    SESSION_WILL_DUE = 8,
    SESSION_GONE = 16,
    SESSION_FLAGS = 31,
};

size_t stored_session_size(const struct stored_session *session)
{
    return 1 + STORED_QUEUE_SIZE + 4 + time_size(session->expires_wall_ms) +
            (session->will > 0 ? STORED_NUMBER_SIZE : 0) + time_size(session->will_due_wall_ms);
}

void stored_session_write(struct writer *out, const struct stored_session *session)
{
    writer_u8(out,
            (uint8_t)((session->connected ? SESSION_CONNECTED : 0) |
                    (session->gone ? SESSION_GONE : 0) |
                    (session->expires_wall_ms < INT64_MAX ? SESSION_EXPIRES : 0) |
                    (session->will > 0 ? SESSION_HAS_WILL : 0) |
                    (session->will_due_wall_ms < INT64_MAX ? SESSION_WILL_DUE : 0)));
    write_u64(out, session->queue);
    writer_u32(out, session->expiry_interval_s);
    write_time(out, session->expires_wall_ms);
    if (session->will > 0)
        write_u64(out, session->will);
    write_time(out, session->will_due_wall_ms);
}

bool stored_session_read(struct stored_session *out, struct bytes bytes)
{
    struct reader in = { .rest = bytes };
    uint8_t flags = reader_u8(&in);
    struct stored_session session = { .connected = flags & SESSION_CONNECTED,
        .gone = flags & SESSION_GONE };

    session.queue = read_u64(&in);
    session.expiry_interval_s = reader_u32(&in);
    session.expires_wall_ms = read_time(&in, flags & SESSION_EXPIRES);
    if (flags & SESSION_HAS_WILL)
        session.will = read_u64(&in);
    session.will_due_wall_ms = read_time(&in, flags & SESSION_WILL_DUE);
    if (!is_read(&in) || session.queue == 0 || (flags & ~SESSION_FLAGS) ||
            !(flags & SESSION_HAS_WILL) != (session.will == 0))
        return false;
    *out = session;
    return true;
}

/* ---- Wills ---- */

enum { WILL_EXPIRES = 1 };

size_t stored_will_size(const struct stored_will *will)
{
    return 1 + STORED_QUEUE_SIZE + 4 + (will->expires ? 4 : 0) +
            stored_message_size(&will->message);
}

void stored_will_write(struct writer *out, const struct stored_will *will)
{
    writer_u8(out, will->expires ? WILL_EXPIRES : 0);
    write_u64(out, will->queue);
    writer_u32(out, will->delay_s);
    if (will->expires)
        writer_u32(out, will->expiry_s);
    stored_message_write(out, &will->message);
}

bool stored_will_read(struct stored_will *out, struct bytes bytes)
{
    struct reader in = { .rest = bytes };
    uint8_t flags = reader_u8(&in);
    struct stored_will will = { .expires = flags & WILL_EXPIRES };

    will.queue = read_u64(&in);
    will.delay_s = reader_u32(&in);
    if (will.expires)
        will.expiry_s = reader_u32(&in);
    will.message = read_message(&in);
    if (!is_read(&in) || will.message.topic.size == 0 || will.queue == 0 || (flags & ~WILL_EXPIRES))
        return false;
    *out = will;
    return true;
}

/* ---- Subscriptions ---- */

enum subscription_options { /* as in SUBSCRIBE, MQTT 5.0 §3.8.3.1 */
    OPTION_NO_LOCAL = 4,
    OPTION_RETAIN_AS_PUBLISHED = 8,
    OPTION_RETAIN_HANDLING_SHIFT = 4,
    OPTION_BITS = 6,
};

enum { SUBSCRIPTION_ID_MAX = (1 << 28) - 1, RETAIN_HANDLING_MAX = 2 };

void stored_subscription_write(
        uint8_t bytes[STORED_SUBSCRIPTION_SIZE], const struct stored_subscription *subscription)
{
    struct writer out = { .data = bytes, .size = STORED_SUBSCRIPTION_SIZE };

    writer_u8(&out,
            (uint8_t)(subscription->qos | (subscription->no_local ? OPTION_NO_LOCAL : 0) |
                    (subscription->retain_as_published ? OPTION_RETAIN_AS_PUBLISHED : 0) |
                    subscription->retain_handling << OPTION_RETAIN_HANDLING_SHIFT));
    writer_u32(&out, subscription->identifier);
}

bool stored_subscription_read(struct stored_subscription *out, struct bytes bytes)
{
    struct reader in = { .rest = bytes };
    uint8_t options = reader_u8(&in);
    struct stored_subscription subscription = { .qos = options & QOS_MASK,
        .no_local = options & OPTION_NO_LOCAL,
        .retain_as_published = options & OPTION_RETAIN_AS_PUBLISHED,
        .retain_handling = options >> OPTION_RETAIN_HANDLING_SHIFT & 3 };

    subscription.identifier = reader_u32(&in);
    if (!is_read(&in) || subscription.qos > 2 || options >> OPTION_BITS ||
            subscription.retain_handling > RETAIN_HANDLING_MAX ||
            subscription.identifier > SUBSCRIPTION_ID_MAX)
        return false;
    *out = subscription;
    return true;
}

/* ---- Places in queues ---- */

enum { PLACE_RETAIN = 4, PLACE_FLAGS = 7 };

static uint32_t identifiers_kept(const struct stored_place *place)
{
    return place->identifier_count < STORED_IDENTIFIERS_MAX ? place->identifier_count
                                                            : STORED_IDENTIFIERS_MAX;
}

size_t stored_place_size(const struct stored_place *place)
{
    return 1 + (size_t)identifiers_kept(place) * IDENTIFIER_SIZE;
}

void stored_place_write(struct writer *out, const struct stored_place *place)
{
    writer_u8(out, (uint8_t)(place->qos | (place->retain ? PLACE_RETAIN : 0)));
    for (uint32_t i = 0; i < identifiers_kept(place); i++)
        writer_u32(out, place->identifiers[i]);
}

static bool identifier_valid(uint32_t identifier)
{
    return identifier > 0 && identifier <= SUBSCRIPTION_ID_MAX;
}

bool stored_place_read(struct stored_place *out, struct bytes bytes)
{
    struct reader in = { .rest = bytes };
    uint8_t flags = reader_u8(&in);
    struct stored_place place = { .qos = flags & QOS_MASK,
        .retain = flags & PLACE_RETAIN,
        .identifier_count = (uint32_t)(in.rest.size / IDENTIFIER_SIZE),
        .identifiers_in = in.rest };

    if (in.failed || place.qos == 0 || place.qos > 2 || (flags & ~PLACE_FLAGS) ||
            in.rest.size % IDENTIFIER_SIZE != 0 || place.identifier_count > STORED_IDENTIFIERS_MAX)
        return false;
    for (uint32_t i = 0; i < place.identifier_count; i++) {
        if (!identifier_valid(stored_place_identifier(&place, i)))
            return false;
    }
    *out = place;
    return true;
}

uint32_t stored_place_identifier(const struct stored_place *place, uint32_t n)
{
    struct reader in = { .rest = bytes_from(place->identifiers_in, (size_t)n * IDENTIFIER_SIZE) };

    return reader_u32(&in);
}

void stored_flight_write(uint8_t bytes[STORED_FLIGHT_SIZE], const struct stored_flight *flight)
{
    struct writer out = { .data = bytes, .size = STORED_FLIGHT_SIZE };

    writer_u8(&out, (uint8_t)(flight->qos | (flight->retain ? PLACE_RETAIN : 0)));
    write_u64(&out, flight->session);
    write_u64(&out, flight->sequence);
    writer_u32(&out, flight->subscription_id);
}

bool stored_flight_read(struct stored_flight *out, struct bytes bytes)
{
    struct reader in = { .rest = bytes };
    uint8_t flags = reader_u8(&in);
    struct stored_flight flight = { .qos = flags & QOS_MASK, .retain = flags & PLACE_RETAIN };

    flight.session = read_u64(&in);
    flight.sequence = read_u64(&in);
    flight.subscription_id = reader_u32(&in);
    if (!is_read(&in) || flight.qos == 0 || flight.qos > 2 || (flags & ~PLACE_FLAGS) ||
            flight.session == 0 || flight.sequence >= UINT64_MAX / 2 ||
            flight.subscription_id > SUBSCRIPTION_ID_MAX)
        return false;
    *out = flight;
    return true;
}

/* ---- Numbers ---- */

void stored_number_write(uint8_t out[STORED_NUMBER_SIZE], uint64_t number)
{
    put_u64(out, number);
}

bool stored_number_read(uint64_t *out, struct bytes bytes)
{
    struct reader in = { .rest = bytes };
    uint64_t number = read_u64(&in);

    if (!is_read(&in))
        return false;
    *out = number;
    return true;
}
