/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/predefined.h"

#include "mqtt/utf8.h"

enum { ID_MIN = 1, ID_MAX = 0xFFFE };

static struct bytes take_until(struct bytes *rest, uint8_t end)
{
    const uint8_t *found = rest->size > 0 ? memchr(rest->data, end, rest->size) : NULL;
    size_t size = found ? (size_t)(found - rest->data) : rest->size;
    struct bytes taken = bytes_first(*rest, size);

    *rest = bytes_from(*rest, found ? size + 1 : size);
    return taken;
}

static struct bytes take_word(struct bytes *rest)
{
    struct bytes word = { 0 };

    while (word.size == 0 && rest->size > 0)
        word = take_until(rest, ' ');
    return word;
}

/* 0 for what is no id. */
static uint16_t read_id(struct bytes word)
{
    uint32_t id = 0;

    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9' || id > ID_MAX)
            return 0;
        id = id * 10 + (word.data[i] - '0');
    }
    return id >= ID_MIN && id <= ID_MAX ? (uint16_t)id : 0;
}

static bool is_topic(struct bytes topic)
{
    return topic.size > 0 && topic.size <= UINT16_MAX && mqtt_utf8_valid(topic) &&
            !memchr(topic.data, '+', topic.size) && !memchr(topic.data, '#', topic.size);
}

enum predefined_result predefined_next(struct bytes *rest, struct predefined_line *out)
{
    struct predefined_line line;
    struct bytes words;

    if (rest->size == 0)
        return PREDEFINED_END;
    words = take_until(rest, '\n');
    line.id = read_id(take_word(&words));
    line.topic = take_word(&words);
    line.client_id = take_word(&words);
    if (line.id == 0 || !is_topic(line.topic) || take_word(&words).size > 0)
        return PREDEFINED_WRONG;
    *out = line;
    return PREDEFINED_LINE;
}

/* Whether one of the lines is about that id and client. */
static bool has(struct bytes lines, const struct predefined_line *wanted)
{
    struct predefined_line line;

    while (predefined_next(&lines, &line) == PREDEFINED_LINE) {
        if (line.id == wanted->id && bytes_equal(line.client_id, wanted->client_id))
            return true;
    }
    return false;
}

bool predefined_repeats(struct bytes lines, struct predefined_line *out)
{
    struct bytes rest = lines;
    struct predefined_line line;
    size_t before = 0;

    while (predefined_next(&rest, &line) == PREDEFINED_LINE) {
        if (has(bytes_first(lines, before), &line)) {
            *out = line;
            return true;
        }
        before = lines.size - rest.size;
    }
    return false;
}
