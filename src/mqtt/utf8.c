/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/utf8.h"

/* Drops the ASCII without NUL at the front, a machine's word at a time as long as that goes. */
static struct bytes ascii_skip(struct bytes text)
{
    const size_t ones = SIZE_MAX / 0xFF; /* 0x0101... */
    size_t word;

    while (text.size >= sizeof(word)) {
        memcpy(&word, text.data, sizeof(word));
        /* The top bit of a byte gets set by a byte from 0x80, and by a NUL that borrows. */
        if (((word - ones) | word) & ones << 7)
            break;
        text = bytes_from(text, sizeof(word));
    }
    while (text.size > 0 && text.data[0] > 0 && text.data[0] < 0x80)
        text = bytes_from(text, 1);
    return text;
}

/* Takes the first character off text that is not empty; 0, which is none, if it is ill-formed. */
static uint32_t character_take(struct bytes *text)
{
    static const uint32_t least[] = { [1] = 1, [2] = 0x80, [3] = 0x800, [4] = 0x10000 };
    static const uint8_t lead_bits[] = { [1] = 0x7F, [2] = 0x1F, [3] = 0x0F, [4] = 0x07 };
    uint8_t lead = text->data[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t character;

    if (size == 0 || lead >= 0xF8 || size > text->size)
        return 0;
    character = lead & lead_bits[size];
    for (size_t i = 1; i < size; i++) {
        if (text->data[i] >> 6 != 2)
            return 0;
        character = character << 6 | (text->data[i] & 0x3F);
    }
    if (character < least[size] || character > 0x10FFFF || character >> 11 == 0xD800 >> 11)
        return 0;
    *text = bytes_from(*text, size);
    return character;
}

bool mqtt_utf8_valid(struct bytes text)
{
    for (text = ascii_skip(text); text.size > 0;)
        if (character_take(&text) == 0)
            return false;
    return true;
}

bool mqtt_utf8_strict(struct bytes text)
{
    while (text.size > 0) {
        uint32_t character = character_take(&text);

        if (character < 0x20 || (character >= 0x7F && character < 0xA0))
            return false;
        if ((character >= 0xFDD0 && character <= 0xFDEF) || (character & 0xFFFE) == 0xFFFE)
            return false;
    }
    return true;
}
