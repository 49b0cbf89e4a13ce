/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text, topic names and filters, against plain retellings of the standard's rules.
 * The first byte of the input says how many bytes the filter has; the name is the rest.
 */
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The well-formed sequences of the Unicode standard's table 3-7, without U+0000. */
static const struct {
    uint8_t lead_min, lead_max, second_min, second_max;
    size_t size;
} sequences[] = {
    { 0x01, 0x7F, 0x00, 0x00, 1 },
    { 0xC2, 0xDF, 0x80, 0xBF, 2 },
    { 0xE0, 0xE0, 0xA0, 0xBF, 3 },
    { 0xE1, 0xEC, 0x80, 0xBF, 3 },
    { 0xED, 0xED, 0x80, 0x9F, 3 },
    { 0xEE, 0xEF, 0x80, 0xBF, 3 },
    { 0xF0, 0xF0, 0x90, 0xBF, 4 },
    { 0xF1, 0xF3, 0x80, 0xBF, 4 },
    { 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

/* Bytes of the well-formed sequence at the front of text that is not empty; 0: there is none. */
static size_t sequence_size(struct bytes text)
{
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        size_t size = sequences[i].size;

        if (text.data[0] < sequences[i].lead_min || text.data[0] > sequences[i].lead_max)
            continue;
        if (text.size < size)
            return 0;
        if (size > 1 &&
                (text.data[1] < sequences[i].second_min || text.data[1] > sequences[i].second_max))
            return 0;
        for (size_t at = 2; at < size; at++)
            if (text.data[at] < 0x80 || text.data[at] > 0xBF)
                return 0;
        return size;
    }
    return 0;
}

static bool well_formed(struct bytes text)
{
    while (text.size > 0) {
        size_t size = sequence_size(text);

        if (size == 0)
            return false;
        text = bytes_from(text, size);
    }
    return true;
}

/* Matching letter by letter; 0 stands for the end of either. */
static bool matches(const uint8_t *filter, size_t filter_size, const uint8_t *name, size_t size)
{
    if (filter_size == 0)
        return size == 0;
    if (filter[0] == '#')
        return true;
    if (size == 0 && filter_size == 2 && filter[0] == '/' && filter[1] == '#')
        return true;
    if (filter[0] == '+') {
        size_t level = 0;

        while (level < size && name[level] != '/')
            level++;
        return matches(filter + 1, filter_size - 1, name + level, size - level);
    }
    return size > 0 && filter[0] == name[0] &&
            matches(filter + 1, filter_size - 1, name + 1, size - 1);
}

static void levels_check(struct bytes topic)
{
    struct bytes rest = topic;
    struct bytes level;
    size_t count = 0;
    size_t size = 0;

    for (; mqtt_topic_level_next(&rest, &level); count++)
        size += level.size;
    assert(count == mqtt_topic_levels(topic));
    assert(size + count - 1 == topic.size);
}

static void share_check(struct bytes filter)
{
    const struct bytes prefix = BYTES("$share/");
    struct bytes name = { 0 };
    struct bytes inner = { 0 };
    enum mqtt_share share = mqtt_share_split(filter, &name, &inner);

    assert((share == MQTT_SHARE_NONE) == !bytes_start_with(filter, prefix));
    if (share != MQTT_SHARE_VALID)
        return;
    assert(name.size > 0);
    assert(mqtt_topic_levels(name) == 1);
    assert(mqtt_topic_filter_valid(inner));
    assert(prefix.size + name.size + 1 + inner.size == filter.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t filter_size = size > 0 && data[0] < size ? data[0] : 0;
    struct bytes filter;
    struct bytes name;
    bool dollar;

    if (size == 0)
        return 0;
    filter = bytes_of(data + 1, filter_size);
    name = bytes_of(data + 1 + filter_size, size - 1 - filter_size);
    assert(mqtt_utf8_valid(filter) == well_formed(filter));
    assert(mqtt_utf8_valid(name) == well_formed(name));
    if (!mqtt_utf8_valid(filter) || !mqtt_utf8_valid(name))
        return 0;
    mqtt_utf8_strict(name);
    levels_check(filter);
    levels_check(name);
    share_check(filter);
    if (!mqtt_topic_filter_valid(filter) || !mqtt_topic_name_valid(name))
        return 0;
    dollar = name.data[0] == '$' && (filter.data[0] == '+' || filter.data[0] == '#');
    assert(mqtt_topic_match(filter, name) ==
            (!dollar && matches(filter.data, filter.size, name.data, name.size)));
    return 0;
}
