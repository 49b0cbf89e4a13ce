/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/notation.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void give_up(const char *what, const char *at)
{
    fprintf(stderr, "%s at: %s\n", what, at);
    abort();
}

static void put(struct notation *out, uint8_t byte, const char *at)
{
    if (out->size == NOTATION_SIZE_MAX)
        give_up("more bytes than notation holds", at);
    out->data[out->size++] = byte;
}

static unsigned hex_digit(char digit, const char *at)
{
    const char *digits = "0123456789abcdef";
    const char *found = strchr(digits, tolower((unsigned char)digit));

    if (digit == '\0' || !found)
        give_up("no hex pair", at);
    return (unsigned)(found - digits);
}

/* Puts the characters between apostrophes; gives what stands behind them. */
static const char *read_characters(struct notation *out, const char *at, bool with_size)
{
    const char *end = strchr(at + 1, '\'');
    size_t size;

    if (!end) {
        give_up("no closing apostrophe", at);
        return at;
    }
    size = (size_t)(end - at - 1);
    if (with_size) {
        put(out, (uint8_t)(size >> 8), at);
        put(out, (uint8_t)size, at);
    }
    for (at++; at < end; at++)
        put(out, (uint8_t)*at, at);
    return end + 1;
}

/* Puts how many bytes there are, as a variable byte integer, and then them. */
static void put_counted(struct notation *out, const struct notation *counted, const char *at)
{
    size_t size = counted->size;

    for (; size >= 0x80; size >>= 7)
        put(out, (uint8_t)(size | 0x80), at);
    put(out, (uint8_t)size, at);
    for (size_t i = 0; i < counted->size; i++)
        put(out, counted->data[i], at);
}

static const char *read_until(struct notation *out, const char *text, char closing);

/* Reads "(...)", or "RL" with all up to the closing character; gives what stands behind. */
static const char *read_counted(struct notation *out, const char *text, char closing)
{
    struct notation counted = { .size = 0 };
    const char *end = *text == '(' ? read_until(&counted, text + 1, ')') + 1
                                   : read_until(&counted, text + 2, closing);

    put_counted(out, &counted, text);
    return end;
}

/* Reads up to the closing character, and gives where that stands. */
static const char *read_until(struct notation *out, const char *text, char closing)
{
    while (*text && *text != closing) {
        if (isspace((unsigned char)*text)) {
            text++;
        } else if (*text == '\'') {
            text = read_characters(out, text, false);
        } else if (strncmp(text, "S'", 2) == 0) {
            text = read_characters(out, text + 1, true);
        } else if (*text == '(' || strncmp(text, "RL", 2) == 0) {
            text = read_counted(out, text, closing);
        } else {
            put(out, (uint8_t)(hex_digit(text[0], text) << 4 | hex_digit(text[1], text)), text);
            text += 2;
        }
    }
    if (*text != closing)
        give_up("no closing parenthesis", text);
    return text;
}

struct notation notation_read(const char *text)
{
    struct notation out = { .size = 0 };

    read_until(&out, text, '\0');
    return out;
}
