/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/front.h"

#include "base/reader.h"

enum {
    LONG_FORM = 0x01,     /* a first byte that announces two bytes of length */
    SHORT_SIZE_MAX = 255, /* bytes of a message that one byte of length can count */
};

bool mqttsn_front_read(struct mqttsn_front *out, struct bytes in)
{
    struct reader reader = { .rest = in };
    struct mqttsn_front front = { .size = 2, .length = reader_u8(&reader) };

    if (front.length == LONG_FORM) {
        front.size = MQTTSN_HEADER_SIZE_MAX;
        front.length = reader_u16(&reader);
    }
    front.type = reader_u8(&reader);
    if (reader.failed || front.length < front.size || front.length > in.size)
        return false;
    *out = front;
    return true;
}

size_t mqttsn_message_size(size_t body_size)
{
    return body_size + (2 + body_size <= SHORT_SIZE_MAX ? 2 : MQTTSN_HEADER_SIZE_MAX);
}

void mqttsn_front_encode(struct writer *out, uint8_t type, size_t body_size)
{
    size_t size = mqttsn_message_size(body_size);

    if (size > MQTTSN_MESSAGE_SIZE_MAX)
        out->failed = true;
    if (size <= SHORT_SIZE_MAX) {
        writer_u8(out, (uint8_t)size);
    } else {
        writer_u8(out, LONG_FORM);
        writer_u16(out, (uint16_t)size);
    }
    writer_u8(out, type);
}
