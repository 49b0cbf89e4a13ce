/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field types that MQTT has beyond plain integers: variable byte integers, strings and binary
 * data. (Source: MQTT 5.0 §1.5, MQTT 3.1.1 §1.5)
 */
#ifndef MQTT_FIELD_H
#define MQTT_FIELD_H

#include "base/reader.h"
#include "base/writer.h"

enum { MQTT_VARINT_MAX = 268435455 };

/**
 * A variable byte integer; the reader fails when it has more than four bytes or is not in its
 * shortest form. Source: [MQTT5-1.5.5-1], [U5-1.5.5-1]
 */
uint32_t mqtt_varint_read(struct reader *in);

/* Binary data, its two bytes of length first. */
struct bytes mqtt_binary_read(struct reader *in);

/**
 * A string, its two bytes of length first; the reader fails when it is not UTF-8 or has U+0000.
 * Source: [MQTT5-1.5.4-1], [MQTT5-1.5.4-2], [MQTT311-1.5.3-1], [MQTT311-1.5.3-2], [V31-19]
 */
struct bytes mqtt_text_read(struct reader *in);

/* Bytes of a variable byte integer, 1 to 4; value must not exceed MQTT_VARINT_MAX. */
static inline size_t mqtt_varint_size(uint32_t value)
{
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

/* The writer fails when value exceeds MQTT_VARINT_MAX. */
void mqtt_varint_write(struct writer *out, uint32_t value);

/* A string or binary data with its length; the writer fails when it is above 65,535 bytes. */
void mqtt_binary_write(struct writer *out, struct bytes value);

#endif
