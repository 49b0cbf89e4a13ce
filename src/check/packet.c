/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of MQTT's format as cases need to find their way in a packet: lengths and properties.
 * Written apart from src/mqtt, which is under test.
 */
#include "base/reader.h"
#include "check/probe.h"
#include "check/state.h"

struct bytes check_first_packet(struct bytes bytes)
{
    struct reader in = { .rest = bytes };
    uint32_t remaining;

    reader_u8(&in);
    remaining = notation_length(&in);
    if (in.failed || in.rest.size < remaining)
        return (struct bytes){ 0 };
    return bytes_first(bytes, bytes.size - in.rest.size + remaining);
}

struct bytes check_body(struct bytes packet)
{
    struct reader in = { .rest = packet };

    reader_u8(&in);
    notation_length(&in);
    return in.rest;
}

/* ---- Properties ---- */

enum property_kind {
    KIND_UNKNOWN,
    KIND_U8,
    KIND_U16,
    KIND_U32,
    KIND_VARINT,
    KIND_STRING, /* or binary */
    KIND_PAIR,
};

static enum property_kind kind_of(uint8_t property)
{
    static const uint8_t kinds[] = { [0x01] = KIND_U8,
        [0x02] = KIND_U32,
        [0x03] = KIND_STRING,
        [0x08] = KIND_STRING,
        [0x09] = KIND_STRING,
        [0x0B] = KIND_VARINT,
        [0x11] = KIND_U32,
        [0x12] = KIND_STRING,
        [0x13] = KIND_U16,
        [0x15] = KIND_STRING,
        [0x16] = KIND_STRING,
        [0x17] = KIND_U8,
        [0x18] = KIND_U32,
        [0x19] = KIND_U8,
        [0x1A] = KIND_STRING,
        [0x1C] = KIND_STRING,
        [0x1F] = KIND_STRING,
        [0x21] = KIND_U16,
        [0x22] = KIND_U16,
        [0x23] = KIND_U16,
        [0x24] = KIND_U8,
        [0x25] = KIND_U8,
        [0x26] = KIND_PAIR,
        [0x27] = KIND_U32,
        [0x28] = KIND_U8,
        [0x29] = KIND_U8,
        [0x2A] = KIND_U8 };

    return property < sizeof(kinds) ? (enum property_kind)kinds[property] : KIND_UNKNOWN;
}

/* Reads one value: numbers into *number, strings into *text. */
static void read_value(
        struct reader *in, enum property_kind kind, uint32_t *number, struct bytes *text)
{
    switch (kind) {
    case KIND_U8:
        *number = reader_u8(in);
        break;
    case KIND_U16:
        *number = reader_u16(in);
        break;
    case KIND_U32:
        *number = reader_u32(in);
        break;
    case KIND_VARINT:
        *number = notation_length(in);
        break;
    case KIND_PAIR:
        reader_bytes(in, reader_u16(in));
        *text = reader_bytes(in, reader_u16(in));
        break;
    case KIND_STRING:
        *text = reader_bytes(in, reader_u16(in));
        break;
    case KIND_UNKNOWN:
        reader_fail(in);
        break;
    }
}

/* The property section of a packet of 5.0 that a server sends; empty where it has none. */
static struct bytes section(struct bytes packet)
{
    struct reader in = { .rest = check_body(packet) };
    unsigned type = packet.size > 0 ? packet.data[0] >> 4 : 0;

    if (type == 2 || type == 9 || type == 11)
        reader_u16(&in);
    else if (type == 3)
        reader_bytes(&in, reader_u16(&in) + (packet.data[0] & 6 ? 2u : 0u));
    else if (type >= 4 && type <= 7)
        reader_bytes(&in, 3);
    else
        reader_u8(&in);
    return reader_bytes(&in, in.rest.size > 0 ? notation_length(&in) : 0);
}

static bool find(struct bytes packet, uint8_t property, uint32_t *number, struct bytes *text)
{
    struct reader in = { .rest = section(packet) };

    while (in.rest.size > 0) {
        uint8_t id = reader_u8(&in);

        read_value(&in, kind_of(id), number, text);
        if (id == property && !in.failed)
            return true;
    }
    return false;
}

bool probe_property(struct bytes packet, uint8_t property, uint32_t *value)
{
    struct bytes text;
    uint32_t number = 0;

    if (!find(packet, property, &number, &text))
        return false;
    *value = number;
    return true;
}

bool probe_has(struct bytes packet, uint8_t property)
{
    uint32_t value;

    return probe_property(packet, property, &value);
}

struct bytes probe_property_text(struct bytes packet, uint8_t property)
{
    struct bytes text = { 0 };
    uint32_t number;

    return find(packet, property, &number, &text) ? text : (struct bytes){ 0 };
}
