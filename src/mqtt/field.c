/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/field.h"

#include "mqtt/packet.h"
#include "mqtt/utf8.h"

uint32_t mqtt_varint_read(struct reader *in)
{
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = reader_u8(in);

        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte >= 0x80)
            continue;
        if (byte == 0 && shift > 0)
            break; /* A shorter form says the same. */
        return value;
    }
    reader_fail(in);
    return 0;
}

struct bytes mqtt_binary_read(struct reader *in)
{
    uint16_t size = reader_u16(in);

    return reader_bytes(in, size);
}

struct bytes mqtt_text_read(struct reader *in)
{
    struct bytes text = mqtt_binary_read(in);

    if (mqtt_utf8_valid(text))
        return text;
    reader_fail(in);
    return in->rest;
}

void mqtt_varint_write(struct writer *out, uint32_t value)
{
    if (value > MQTT_VARINT_MAX)
        out->failed = true;
    for (; value >= 0x80 && !out->failed; value >>= 7)
        writer_u8(out, (uint8_t)(value | 0x80));
    writer_u8(out, (uint8_t)value);
}

void mqtt_binary_write(struct writer *out, struct bytes value)
{
    if (value.size > MQTT_TEXT_SIZE_MAX)
        out->failed = true;
    writer_u16(out, (uint16_t)value.size);
    writer_bytes(out, value);
}
