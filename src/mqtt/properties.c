/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/properties.h"

#include <assert.h>

#include "mqtt/field.h"
#include "mqtt/topic.h"

enum property_type {
    NO_PROPERTY,
    TYPE_U8,
    TYPE_U16,
    TYPE_U32,
    TYPE_VARINT,
    TYPE_TEXT,
    TYPE_BINARY,
    TYPE_PAIR, /* of texts; its field counts them */
};

enum property_rule {
    ANY_VALUE,
    FLAG, /* 0 or 1 */
    NOT_ZERO,
    ALIAS,      /* not 0 either, but with a reason code of its own */
    TOPIC_NAME, /* no wildcards */
};

/* No packet has the number 0, so the bits of all, and the Will's, fit into 16. */
#define BIT(packet) (1 << ((packet)-1))

enum {
    IN_CONNECT = BIT(MQTT_CONNECT),
    IN_CONNACK = BIT(MQTT_CONNACK),
    IN_PUBLISH = BIT(MQTT_PUBLISH),
    IN_SUBSCRIBE = BIT(MQTT_SUBSCRIBE),
    IN_DISCONNECT = BIT(MQTT_DISCONNECT),
    IN_AUTH = BIT(MQTT_AUTH),
    IN_WILL = BIT(MQTT_WILL),
    IN_HANDSHAKE = IN_CONNECT | IN_CONNACK,
    IN_MESSAGE = IN_PUBLISH | IN_WILL,
    IN_PUBACKS = BIT(MQTT_PUBACK) | BIT(MQTT_PUBREC) | BIT(MQTT_PUBREL) | BIT(MQTT_PUBCOMP),
    IN_ANSWERS = IN_CONNACK | IN_PUBACKS | BIT(MQTT_SUBACK) | BIT(MQTT_UNSUBACK) | IN_DISCONNECT |
            IN_AUTH,
    IN_ALL = IN_CONNECT | IN_WILL | IN_PUBLISH | IN_SUBSCRIBE | BIT(MQTT_UNSUBSCRIBE) | IN_ANSWERS,
};

/* Four bytes, for there are machines whose memory is small. */
struct property_row {
    unsigned type : 4;        /* enum property_type */
    unsigned rule : 4;        /* enum property_rule */
    unsigned offset : 8;      /* of the field in struct mqtt_properties */
    unsigned allowed_in : 16; /* packets: BIT() */
};

static_assert(sizeof(struct mqtt_properties) <= UINT8_MAX + 1, "each field has a small offset");

#define FIELD(name) offsetof(struct mqtt_properties, name)

static const struct property_row rows[] = {
    [MQTT_PAYLOAD_FORMAT_INDICATOR] = { TYPE_U8, FLAG, FIELD(payload_format_indicator),
            IN_MESSAGE },
    [MQTT_MESSAGE_EXPIRY_INTERVAL] = { TYPE_U32, ANY_VALUE, FIELD(message_expiry_s), IN_MESSAGE },
    [MQTT_CONTENT_TYPE] = { TYPE_TEXT, ANY_VALUE, FIELD(content_type), IN_MESSAGE },
    [MQTT_RESPONSE_TOPIC] = { TYPE_TEXT, TOPIC_NAME, FIELD(response_topic), IN_MESSAGE },
    [MQTT_CORRELATION_DATA] = { TYPE_BINARY, ANY_VALUE, FIELD(correlation_data), IN_MESSAGE },
    [MQTT_SUBSCRIPTION_IDENTIFIER] = { TYPE_VARINT, NOT_ZERO, FIELD(subscription_id),
            IN_PUBLISH | IN_SUBSCRIBE },
    [MQTT_SESSION_EXPIRY_INTERVAL] = { TYPE_U32, ANY_VALUE, FIELD(session_expiry_s),
            IN_HANDSHAKE | IN_DISCONNECT },
    [MQTT_ASSIGNED_CLIENT_IDENTIFIER] = { TYPE_TEXT, ANY_VALUE, FIELD(assigned_client_id),
            IN_CONNACK },
    [MQTT_SERVER_KEEP_ALIVE] = { TYPE_U16, ANY_VALUE, FIELD(server_keep_alive_s), IN_CONNACK },
    [MQTT_AUTHENTICATION_METHOD] = { TYPE_TEXT, ANY_VALUE, FIELD(authentication_method),
            IN_HANDSHAKE | IN_AUTH },
    [MQTT_AUTHENTICATION_DATA] = { TYPE_BINARY, ANY_VALUE, FIELD(authentication_data),
            IN_HANDSHAKE | IN_AUTH },
    [MQTT_REQUEST_PROBLEM_INFORMATION] = { TYPE_U8, FLAG, FIELD(request_problem_information),
            IN_CONNECT },
    [MQTT_WILL_DELAY_INTERVAL] = { TYPE_U32, ANY_VALUE, FIELD(will_delay_s), IN_WILL },
    [MQTT_REQUEST_RESPONSE_INFORMATION] = { TYPE_U8, FLAG, FIELD(request_response_information),
            IN_CONNECT },
    [MQTT_RESPONSE_INFORMATION] = { TYPE_TEXT, ANY_VALUE, FIELD(response_information), IN_CONNACK },
    [MQTT_SERVER_REFERENCE] = { TYPE_TEXT, ANY_VALUE, FIELD(server_reference),
            IN_CONNACK | IN_DISCONNECT },
    [MQTT_REASON_STRING] = { TYPE_TEXT, ANY_VALUE, FIELD(reason_string), IN_ANSWERS },
    [MQTT_RECEIVE_MAXIMUM] = { TYPE_U16, NOT_ZERO, FIELD(receive_maximum), IN_HANDSHAKE },
    [MQTT_TOPIC_ALIAS_MAXIMUM] = { TYPE_U16, ANY_VALUE, FIELD(topic_alias_maximum), IN_HANDSHAKE },
    [MQTT_TOPIC_ALIAS] = { TYPE_U16, ALIAS, FIELD(topic_alias), IN_PUBLISH },
    [MQTT_MAXIMUM_QOS] = { TYPE_U8, FLAG, FIELD(maximum_qos), IN_CONNACK },
    [MQTT_RETAIN_AVAILABLE] = { TYPE_U8, FLAG, FIELD(retain_available), IN_CONNACK },
    [MQTT_USER_PROPERTY] = { TYPE_PAIR, ANY_VALUE, FIELD(user_property_count), IN_ALL },
    [MQTT_MAXIMUM_PACKET_SIZE] = { TYPE_U32, NOT_ZERO, FIELD(maximum_packet_size), IN_HANDSHAKE },
    [MQTT_WILDCARD_SUBSCRIPTION_AVAILABLE] = { TYPE_U8, FLAG,
            FIELD(wildcard_subscription_available), IN_CONNACK },
    [MQTT_SUBSCRIPTION_IDENTIFIER_AVAILABLE] = { TYPE_U8, FLAG,
            FIELD(subscription_identifier_available), IN_CONNACK },
    [MQTT_SHARED_SUBSCRIPTION_AVAILABLE] = { TYPE_U8, FLAG, FIELD(shared_subscription_available),
            IN_CONNACK },
};

/* The row of a property; of an unknown one a row that is allowed nowhere. */
static const struct property_row *row_find(uint32_t id)
{
    return id < sizeof(rows) / sizeof(rows[0]) ? &rows[id] : &rows[0];
}

/* Reads a value into its field; gives the value again, where it is a number. */
static uint32_t field_read(void *field, struct reader *in, enum property_type type)
{
    switch (type) {
    case TYPE_U8:
        return *(uint8_t *)field = reader_u8(in);
    case TYPE_U16:
        return *(uint16_t *)field = reader_u16(in);
    case TYPE_U32:
        return *(uint32_t *)field = reader_u32(in);
    case TYPE_VARINT:
        return *(uint32_t *)field = mqtt_varint_read(in);
    case TYPE_TEXT:
        *(struct bytes *)field = mqtt_text_read(in);
        return 0;
    case TYPE_BINARY:
        *(struct bytes *)field = mqtt_binary_read(in);
        return 0;
    case TYPE_PAIR:
        mqtt_text_read(in);
        mqtt_text_read(in);
        return ++*(uint32_t *)field;
    case NO_PROPERTY:
        break;
    }
    reader_fail(in);
    return 0;
}

static enum mqtt_reason rule_check(enum property_rule rule, uint32_t number, const void *field)
{
    switch (rule) {
    case ANY_VALUE:
        return MQTT_SUCCESS;
    case FLAG:
        return number <= 1 ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case NOT_ZERO:
        return number > 0 ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case ALIAS:
        return number > 0 ? MQTT_SUCCESS : MQTT_TOPIC_ALIAS_INVALID;
    case TOPIC_NAME:
        break;
    }
    return mqtt_topic_name_valid(*(const struct bytes *)field) ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
}

static bool may_repeat(uint32_t id, unsigned packet)
{
    return id == MQTT_USER_PROPERTY ||
            (id == MQTT_SUBSCRIPTION_IDENTIFIER && packet == MQTT_PUBLISH);
}

enum mqtt_reason mqtt_property_read(struct mqtt_properties *out, struct reader *in, unsigned packet)
{
    uint32_t id = mqtt_varint_read(in);
    const struct property_row *row = row_find(id);
    void *field = (uint8_t *)out + row->offset;
    uint64_t bit;
    uint32_t number;

    if (!(row->allowed_in >> (packet - 1) & 1))
        return MQTT_MALFORMED;
    bit = mqtt_property_bit((enum mqtt_property)id);
    if ((out->present & bit) && !may_repeat(id, packet))
        return MQTT_PROTOCOL_ERROR;
    number = field_read(field, in, (enum property_type)row->type);
    if (in->failed)
        return MQTT_MALFORMED;
    out->present |= bit;
    return rule_check((enum property_rule)row->rule, number, field);
}

enum mqtt_reason mqtt_properties_section_read(
        struct mqtt_properties *out, struct bytes encoded, unsigned packet)
{
    struct reader section = { .rest = encoded };
    struct mqtt_properties properties;

    if (encoded.size == 0)
        return MQTT_SUCCESS; /* as in most packets: *out is zero already, and need not be copied */
    properties = (struct mqtt_properties){ .encoded = encoded };
    while (section.rest.size > 0) {
        enum mqtt_reason reason = mqtt_property_read(&properties, &section, packet);

        if (reason != MQTT_SUCCESS)
            return reason;
    }
    *out = properties;
    return MQTT_SUCCESS;
}

enum mqtt_reason mqtt_properties_read(
        struct mqtt_properties *out, struct reader *in, unsigned packet)
{
    uint32_t size = mqtt_varint_read(in);
    struct bytes encoded = reader_bytes(in, size);

    return in->failed ? MQTT_MALFORMED : mqtt_properties_section_read(out, encoded, packet);
}

static size_t field_size(const void *field, enum property_type type)
{
    switch (type) {
    case TYPE_U8:
        return 1;
    case TYPE_U16:
        return 2;
    case TYPE_U32:
        return 4;
    case TYPE_VARINT:
        return mqtt_varint_size(*(const uint32_t *)field);
    case TYPE_TEXT:
    case TYPE_BINARY:
        return 2 + ((const struct bytes *)field)->size;
    case TYPE_PAIR:
    case NO_PROPERTY:
        break;
    }
    return 0;
}

static void field_write(struct writer *out, const void *field, enum property_type type)
{
    switch (type) {
    case TYPE_U8:
        writer_u8(out, *(const uint8_t *)field);
        break;
    case TYPE_U16:
        writer_u16(out, *(const uint16_t *)field);
        break;
    case TYPE_U32:
        writer_u32(out, *(const uint32_t *)field);
        break;
    case TYPE_VARINT:
        mqtt_varint_write(out, *(const uint32_t *)field);
        break;
    case TYPE_TEXT:
    case TYPE_BINARY:
        mqtt_binary_write(out, *(const struct bytes *)field);
        break;
    case TYPE_PAIR:
    case NO_PROPERTY:
        break;
    }
}

/* Takes the lowest property off a set of bits that is not empty. */
static unsigned property_take(uint64_t *set)
{
    unsigned id = (unsigned)__builtin_ctzll(*set);

    assert(row_find(id)->type != NO_PROPERTY);
    *set &= *set - 1;
    return id;
}

/* The properties that have a field to be written from. */
static uint64_t fields_present(const struct mqtt_properties *properties)
{
    return properties->present & ~mqtt_property_bit(MQTT_USER_PROPERTY);
}

static size_t section_size(const struct mqtt_properties *properties)
{
    size_t size = properties->encoded.size;

    for (uint64_t set = fields_present(properties); set != 0;) {
        const struct property_row *row = &rows[property_take(&set)];

        size += 1 + field_size((const uint8_t *)properties + row->offset, row->type);
    }
    return size;
}

size_t mqtt_properties_size(const struct mqtt_properties *properties)
{
    size_t size = section_size(properties);

    return mqtt_varint_size((uint32_t)size) + size;
}

void mqtt_properties_write(struct writer *out, const struct mqtt_properties *properties)
{
    mqtt_varint_write(out, (uint32_t)section_size(properties));
    for (uint64_t set = fields_present(properties); set != 0;) {
        unsigned id = property_take(&set);

        writer_u8(out, (uint8_t)id);
        field_write(out, (const uint8_t *)properties + rows[id].offset, rows[id].type);
    }
    writer_bytes(out, properties->encoded);
}

/*
 * Takes one property off a section that was checked: its id, and the bytes behind the id; 0 at the
 * end.
 */
static unsigned encoded_next(struct reader *in, struct bytes *value)
{
    struct bytes start;
    unsigned id;

    if (in->rest.size == 0)
        return 0;
    id = reader_u8(in);
    start = in->rest;
    switch (row_find(id)->type) {
    case TYPE_U8:
        reader_bytes(in, 1);
        break;
    case TYPE_U16:
        reader_bytes(in, 2);
        break;
    case TYPE_U32:
        reader_bytes(in, 4);
        break;
    case TYPE_VARINT:
        mqtt_varint_read(in);
        break;
    case TYPE_PAIR:
        mqtt_binary_read(in);
        mqtt_binary_read(in);
        break;
    case TYPE_TEXT:
    case TYPE_BINARY:
        mqtt_binary_read(in);
        break;
    case NO_PROPERTY:
        reader_fail(in);
        break;
    }
    assert(!in->failed);
    *value = bytes_first(start, start.size - in->rest.size);
    return id;
}

bool mqtt_property_next(struct bytes *rest, struct mqtt_property_value *out)
{
    struct reader in = { .rest = *rest };
    struct reader value = { .rest = { 0 } };
    unsigned id = encoded_next(&in, &value.rest);
    enum property_type type = row_find(id)->type;

    *rest = in.rest;
    if (id == 0)
        return false;
    *out = (struct mqtt_property_value){ .id = (enum mqtt_property)id };
    if (type == TYPE_PAIR)
        out->name = mqtt_binary_read(&value);
    if (type == TYPE_PAIR || type == TYPE_TEXT || type == TYPE_BINARY)
        out->bytes = mqtt_binary_read(&value);
    else if (type == TYPE_VARINT)
        out->number = mqtt_varint_read(&value);
    while (value.rest.size > 0)
        out->number = out->number << 8 | reader_u8(&value);
    return true;
}

void mqtt_property_write(struct writer *out, const struct mqtt_property_value *property)
{
    const uint8_t narrow = (uint8_t)property->number;
    const uint16_t middle = (uint16_t)property->number;

    writer_u8(out, (uint8_t)property->id);
    switch (row_find(property->id)->type) {
    case TYPE_U8:
        out->failed |= property->number > UINT8_MAX;
        field_write(out, &narrow, TYPE_U8);
        break;
    case TYPE_U16:
        out->failed |= property->number > UINT16_MAX;
        field_write(out, &middle, TYPE_U16);
        break;
    case TYPE_U32:
    case TYPE_VARINT:
        field_write(out, &property->number, row_find(property->id)->type);
        break;
    case TYPE_PAIR:
        mqtt_binary_write(out, property->name);
        mqtt_binary_write(out, property->bytes);
        break;
    case TYPE_TEXT:
    case TYPE_BINARY:
        mqtt_binary_write(out, property->bytes);
        break;
    case NO_PROPERTY:
        out->failed = true;
        break;
    }
}

void mqtt_subscription_id_write(struct writer *out, uint32_t id)
{
    writer_u8(out, MQTT_SUBSCRIPTION_IDENTIFIER);
    mqtt_varint_write(out, id);
}

size_t mqtt_properties_forward(struct writer *out, struct bytes encoded)
{
    const uint64_t forwarded = mqtt_property_bit(MQTT_PAYLOAD_FORMAT_INDICATOR) |
            mqtt_property_bit(MQTT_CONTENT_TYPE) | mqtt_property_bit(MQTT_RESPONSE_TOPIC) |
            mqtt_property_bit(MQTT_CORRELATION_DATA) | mqtt_property_bit(MQTT_USER_PROPERTY);
    struct reader in = { .rest = encoded };
    size_t used_before = out->used;
    struct bytes value;
    unsigned id;

    while ((id = encoded_next(&in, &value)) != 0) {
        if (!(forwarded >> id & 1))
            continue;
        writer_u8(out, (uint8_t)id);
        writer_bytes(out, value);
    }
    return out->used - used_before;
}
