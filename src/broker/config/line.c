/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/line.h"

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

bool line_take(struct bytes *rest, struct bytes *line)
{
    const uint8_t *end;
    size_t size;

    if (rest->size == 0)
        return false;
    end = memchr(rest->data, '\n', rest->size);
    size = end ? (size_t)(end - rest->data) : rest->size;
    *line = bytes_first(*rest, size);
    *rest = bytes_from(*rest, end ? size + 1 : size);
    while (line->size > 0 && line->data[line->size - 1] == '\r')
        line->size--;
    return true;
}

struct bytes line_word(struct bytes *rest)
{
    size_t start = 0;
    size_t end;
    struct bytes word;

    while (start < rest->size && is_blank(rest->data[start]))
        start++;
    end = start;
    while (end < rest->size && !is_blank(rest->data[end]))
        end++;
    word = bytes_first(bytes_from(*rest, start), end - start);
    *rest = bytes_from(*rest, end);
    return word;
}

struct bytes line_trim(struct bytes text)
{
    while (text.size > 0 && is_blank(text.data[0]))
        text = bytes_from(text, 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}
