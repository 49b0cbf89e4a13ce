/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/wire.h"

#include <assert.h>

enum { HEADER_MAX = 5 };

enum property_kind { KIND_NONE, KIND_U8, KIND_U16, KIND_U32, KIND_VARINT, KIND_TEXT, KIND_PAIR };

#define ON(type) (1u << WIRE_##type)
#define ON_ANSWERS                                                                                 \
    (ON(PUBACK) | ON(PUBREC) | ON(PUBREL) | ON(PUBCOMP) | ON(SUBACK) | ON(UNSUBACK) |              \
            ON(DISCONNECT) | ON(CONNACK))

/* What a server may send, where. (Source: MQTT 5.0 §2.2.2.2) */
static const struct {
    enum property_kind kind;
    unsigned packets;
} property_rules[WIRE_PROPERTY_MAX + 1] = {
    [WIRE_PAYLOAD_FORMAT] = { KIND_U8, ON(PUBLISH) },
    [WIRE_MESSAGE_EXPIRY] = { KIND_U32, ON(PUBLISH) },
    [WIRE_CONTENT_TYPE] = { KIND_TEXT, ON(PUBLISH) },
    [WIRE_RESPONSE_TOPIC] = { KIND_TEXT, ON(PUBLISH) },
    [WIRE_CORRELATION] = { KIND_TEXT, ON(PUBLISH) },
    [WIRE_SUBSCRIPTION_ID] = { KIND_VARINT, ON(PUBLISH) },
    [WIRE_SESSION_EXPIRY] = { KIND_U32, ON(CONNACK) },
    [WIRE_ASSIGNED_ID] = { KIND_TEXT, ON(CONNACK) },
    [WIRE_SERVER_KEEP_ALIVE] = { KIND_U16, ON(CONNACK) },
    [WIRE_RESPONSE_INFORMATION] = { KIND_TEXT, ON(CONNACK) },
    [WIRE_SERVER_REFERENCE] = { KIND_TEXT, ON(CONNACK) | ON(DISCONNECT) },
    [WIRE_REASON_STRING] = { KIND_TEXT, ON_ANSWERS },
    [WIRE_RECEIVE_MAX] = { KIND_U16, ON(CONNACK) },
    [WIRE_ALIAS_MAX] = { KIND_U16, ON(CONNACK) },
    [WIRE_ALIAS] = { KIND_U16, ON(PUBLISH) },
    [WIRE_MAX_QOS] = { KIND_U8, ON(CONNACK) },
    [WIRE_RETAIN_AVAILABLE] = { KIND_U8, ON(CONNACK) },
    [WIRE_USER_PROPERTY] = { KIND_PAIR, ON_ANSWERS | ON(PUBLISH) },
    [WIRE_PACKET_MAX] = { KIND_U32, ON(CONNACK) },
    [WIRE_WILDCARDS_AVAILABLE] = { KIND_U8, ON(CONNACK) },
    [WIRE_SUBSCRIPTION_IDS_AVAILABLE] = { KIND_U8, ON(CONNACK) },
    [WIRE_SHARED_AVAILABLE] = { KIND_U8, ON(CONNACK) },
};

/* Gives zeros and empty views from the first byte that is not there on. */
struct cursor {
    struct bytes rest;
    bool failed;
};

static struct bytes cursor_raw(struct cursor *in, size_t size)
{
    struct bytes raw;

    if (in->failed || in->rest.size < size) {
        in->failed = true;
        return (struct bytes){ 0 };
    }
    raw = bytes_first(in->rest, size);
    in->rest = bytes_from(in->rest, size);
    return raw;
}

static uint32_t cursor_number(struct cursor *in, size_t size)
{
    struct bytes raw = cursor_raw(in, size);
    uint32_t number = 0;

    for (size_t i = 0; i < raw.size; i++)
        number = number << 8 | raw.data[i];
    return number;
}

static struct bytes cursor_text(struct cursor *in)
{
    return cursor_raw(in, cursor_number(in, 2));
}

static uint32_t cursor_varint(struct cursor *in)
{
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint32_t byte = cursor_number(in, 1);

        value |= (byte & 127) << shift;
        if (byte < 128) {
            if (shift > 0 && byte == 0)
                in->failed = true;
            return value;
        }
    }
    in->failed = true;
    return 0;
}

static void read_property(struct wire_packet *out, struct cursor *in)
{
    uint32_t id = cursor_varint(in);
    bool repeats = id == WIRE_USER_PROPERTY || id == WIRE_SUBSCRIPTION_ID;

    if (in->failed || id > WIRE_PROPERTY_MAX || !(property_rules[id].packets >> out->type & 1) ||
            (!repeats && wire_has(out, id))) {
        in->failed = true;
        return;
    }
    out->properties |= UINT64_C(1) << id;
    switch (property_rules[id].kind) {
    case KIND_U8:
        out->numbers[id] = cursor_number(in, 1);
        break;
    case KIND_U16:
        out->numbers[id] = cursor_number(in, 2);
        break;
    case KIND_U32:
        out->numbers[id] = cursor_number(in, 4);
        break;
    case KIND_VARINT:
        out->numbers[id] = cursor_varint(in);
        if (out->numbers[id] == 0 || out->subscription_id_count == WIRE_SUBSCRIPTION_IDS_MAX)
            in->failed = true;
        else
            out->subscription_ids[out->subscription_id_count++] = out->numbers[id];
        break;
    case KIND_PAIR:
        (void)cursor_text(in);
        out->texts[id] = cursor_text(in);
        break;
    case KIND_TEXT:
        out->texts[id] = cursor_text(in);
        break;
    case KIND_NONE:
        in->failed = true;
        break;
    }
}

static void read_properties(struct wire_packet *out, struct cursor *in, unsigned version)
{
    struct cursor inside = { .failed = false };

    if (version < 5)
        return;
    inside.rest = cursor_raw(in, cursor_varint(in));
    while (inside.rest.size > 0 && !inside.failed)
        read_property(out, &inside);
    in->failed |= inside.failed;
}

static void read_publish(
        struct wire_packet *out, struct cursor *in, unsigned flags, unsigned version)
{
    out->dup = flags & 8;
    out->qos = flags >> 1 & 3;
    out->retain = flags & 1;
    out->topic = cursor_text(in);
    if (out->qos > 0) {
        out->id = (uint16_t)cursor_number(in, 2);
        in->failed |= out->id == 0;
    }
    read_properties(out, in, version);
    out->payload = in->rest;
    in->rest.size = 0;
    if (out->qos == 3 || (out->qos == 0 && out->dup) ||
            (out->topic.size == 0 && !wire_has(out, WIRE_ALIAS)))
        in->failed = true;
}

/* PUBACK and its like, DISCONNECT: reason and properties may be left out. */
static void read_short(struct wire_packet *out, struct cursor *in, unsigned version)
{
    if (in->rest.size == 0 || in->failed)
        return;
    if (version < 5) {
        in->failed = true;
        return;
    }
    out->reason = (uint8_t)cursor_number(in, 1);
    if (in->rest.size > 0)
        read_properties(out, in, version);
}

static void read_body(struct wire_packet *out, struct cursor *in, unsigned flags, unsigned version)
{
    unsigned expected_flags = out->type == WIRE_PUBREL ? 2 : 0;

    if (out->type != WIRE_PUBLISH && flags != expected_flags)
        in->failed = true;
    switch (out->type) {
    case WIRE_CONNACK: {
        uint32_t acknowledge = cursor_number(in, 1);

        out->session_present = acknowledge & 1;
        out->reason = (uint8_t)cursor_number(in, 1);
        read_properties(out, in, version);
        in->failed |= acknowledge > 1 || (out->reason && out->session_present);
        break;
    }
    case WIRE_PUBLISH:
        read_publish(out, in, flags, version);
        break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP:
        out->id = (uint16_t)cursor_number(in, 2);
        read_short(out, in, version);
        in->failed |= out->id == 0;
        break;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK:
        out->id = (uint16_t)cursor_number(in, 2);
        read_properties(out, in, version);
        if (version == 5 || out->type == WIRE_SUBACK) {
            out->codes = in->rest;
            in->rest.size = 0;
        }
        break;
    case WIRE_DISCONNECT:
        in->failed |= version < 5;
        read_short(out, in, version);
        break;
    case WIRE_PINGRESP:
        break;
    case WIRE_CONNECT:
    case WIRE_SUBSCRIBE:
    case WIRE_UNSUBSCRIBE:
    case WIRE_PINGREQ:
    default: /* the type comes from the wire */
        in->failed = true;
        break;
    }
}

enum wire_result wire_read(struct wire_packet *out, struct bytes in, unsigned version)
{
    struct cursor header = { .rest = in };
    struct cursor body = { .failed = false };
    uint32_t first = cursor_number(&header, 1);
    uint32_t length = cursor_varint(&header);

    if (header.failed)
        return in.size >= HEADER_MAX ? WIRE_BAD : WIRE_MORE;
    if (header.rest.size < length)
        return WIRE_MORE;
    body.rest = bytes_first(header.rest, length);
    out->type = first >> 4;
    out->size = in.size - header.rest.size + length;
    out->id = 0;
    out->reason = 0;
    out->session_present = out->dup = out->retain = false;
    out->qos = 0;
    out->topic = out->payload = out->codes = (struct bytes){ 0 };
    out->properties = 0;
    out->subscription_id_count = 0;
    read_body(out, &body, first & 15, version);
    return body.failed || body.rest.size > 0 ? WIRE_BAD : WIRE_READ;
}

void wire_start(struct wire_draft *draft)
{
    draft->size = HEADER_MAX;
}

void wire_raw(struct wire_draft *draft, struct bytes bytes)
{
    assert(draft->size + bytes.size <= WIRE_DRAFT_MAX);
    if (bytes.size > 0)
        memcpy(draft->bytes + draft->size, bytes.data, bytes.size);
    draft->size += bytes.size;
}

void wire_u8(struct wire_draft *draft, uint32_t value)
{
    uint8_t byte = (uint8_t)value;

    wire_raw(draft, bytes_of(&byte, 1));
}

void wire_u16(struct wire_draft *draft, uint32_t value)
{
    wire_u8(draft, value >> 8);
    wire_u8(draft, value);
}

void wire_u32(struct wire_draft *draft, uint32_t value)
{
    wire_u16(draft, value >> 16);
    wire_u16(draft, value);
}

void wire_text(struct wire_draft *draft, struct bytes text)
{
    wire_u16(draft, (uint32_t)text.size);
    wire_raw(draft, text);
}

void wire_varint(struct wire_draft *draft, uint32_t value)
{
    for (; value > 127; value >>= 7)
        wire_u8(draft, (value & 127) | 128);
    wire_u8(draft, value);
}

void wire_properties_start(struct wire_draft *draft)
{
    draft->properties_at = draft->size;
    wire_u8(draft, 0);
}

void wire_properties_end(struct wire_draft *draft)
{
    size_t length = draft->size - draft->properties_at - 1;
    uint8_t *at = draft->bytes + draft->properties_at;

    assert(length < 128 * 128);
    if (length < 128) {
        *at = (uint8_t)length;
        return;
    }
    wire_u8(draft, 0);
    memmove(at + 2, at + 1, length);
    at[0] = (uint8_t)((length & 127) | 128);
    at[1] = (uint8_t)(length >> 7);
}

struct bytes wire_finish(struct wire_draft *draft, enum wire_type type, unsigned flags)
{
    size_t length = draft->size - HEADER_MAX;
    size_t length_size = length < 128 ? 1 : length < 128 * 128 ? 2 : 3;
    size_t start = HEADER_MAX - 1 - length_size;

    draft->bytes[start] = (uint8_t)((unsigned)type << 4 | flags);
    for (size_t i = 0; i < length_size; i++)
        draft->bytes[start + 1 + i] =
                (uint8_t)((length >> 7 * i & 127) | (i + 1 < length_size ? 128 : 0));
    return bytes_of(draft->bytes + start, draft->size - start);
}
