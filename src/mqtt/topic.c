/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/topic.h"

static bool size_valid(struct bytes topic)
{
    return topic.size > 0 && topic.size <= MQTT_TEXT_SIZE_MAX;
}

/* A machine's word at a time. The two wildcards differ in one bit: with it set, both are '+'. */
static bool contains_wildcard(struct bytes text)
{
    const size_t ones = SIZE_MAX / 0xFF; /* 0x0101... */
    const uint8_t differ = '+' ^ '#';
    size_t word;

    for (; text.size >= sizeof(word); text = bytes_from(text, sizeof(word))) {
        memcpy(&word, text.data, sizeof(word));
        word = (word | ones * differ) ^ ones * '+';
        if ((word - ones) & ~word & ones << 7) /* One of its bytes is zero. */
            return true;
    }
    for (size_t i = 0; i < text.size; i++) {
        if ((text.data[i] | differ) == '+')
            return true;
    }
    return false;
}

static bool is(struct bytes level, char wildcard)
{
    return level.size == 1 && level.data[0] == wildcard;
}

bool mqtt_topic_name_valid(struct bytes name)
{
    return size_valid(name) && !contains_wildcard(name);
}

bool mqtt_topic_filter_valid(struct bytes filter)
{
    struct bytes level;

    if (!size_valid(filter))
        return false;
    while (mqtt_topic_level_next(&filter, &level)) {
        if (is(level, '+') || (is(level, '#') && !filter.data))
            continue;
        if (contains_wildcard(level))
            return false;
    }
    return true;
}

bool mqtt_topic_match(struct bytes filter, struct bytes name)
{
    struct bytes wanted;
    struct bytes level;

    if (bytes_start_with(name, BYTES("$")) &&
            (bytes_start_with(filter, BYTES("+")) || bytes_start_with(filter, BYTES("#"))))
        return false;
    while (mqtt_topic_level_next(&filter, &wanted)) {
        if (is(wanted, '#'))
            return true; /* Also where the name has ended: the parent level is included. */
        if (!mqtt_topic_level_next(&name, &level))
            return false;
        if (!is(wanted, '+') && !bytes_equal(wanted, level))
            return false;
    }
    return !name.data;
}

size_t mqtt_topic_levels(struct bytes topic)
{
    size_t levels = 1;

    for (size_t i = 0; i < topic.size; i++)
        levels += topic.data[i] == '/';
    return levels;
}

bool mqtt_topic_level_next(struct bytes *rest, struct bytes *level)
{
    const uint8_t *slash;

    if (!rest->data)
        return false;
    slash = memchr(rest->data, '/', rest->size);
    if (slash) {
        *level = bytes_first(*rest, (size_t)(slash - rest->data));
        *rest = bytes_from(*rest, level->size + 1);
    } else {
        *level = *rest;
        *rest = (struct bytes){ 0 };
    }
    return true;
}

enum mqtt_share mqtt_share_split(
        struct bytes filter, struct bytes *share_name, struct bytes *inner_filter)
{
    const struct bytes prefix = BYTES("$share/");
    struct bytes name;

    if (!bytes_start_with(filter, prefix))
        return MQTT_SHARE_NONE;
    filter = bytes_from(filter, prefix.size);
    mqtt_topic_level_next(&filter, &name);
    if (!mqtt_topic_name_valid(name) || !mqtt_topic_filter_valid(filter))
        return MQTT_SHARE_INVALID;
    *share_name = name;
    *inner_filter = filter;
    return MQTT_SHARE_VALID;
}

enum mqtt_reason mqtt_topic_filter_check(struct bytes filter, enum mqtt_version version)
{
    struct bytes share_name;
    struct bytes inner_filter;

    if (version != MQTT_5_0)
        return mqtt_topic_filter_valid(filter) ? MQTT_SUCCESS : MQTT_MALFORMED;
    if (!mqtt_topic_filter_valid(filter) ||
            mqtt_share_split(filter, &share_name, &inner_filter) == MQTT_SHARE_INVALID)
        return MQTT_TOPIC_FILTER_INVALID;
    return MQTT_SUCCESS;
}
