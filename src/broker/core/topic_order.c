/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/topic_order.h"

#include "mqtt/topic.h"

/* The least byte but '/', which is the first one: no topic has a NUL. */
static const uint8_t SECOND = 1;

static int rank(uint8_t byte)
{
    return byte == '/' ? 0 : byte;
}

/* Both are at least `size` long. */
static int compare_bytes(const uint8_t *a, const uint8_t *b, size_t size)
{
    size_t i = 0;

    while (i < size && a[i] == b[i])
        i++;
    return i < size ? rank(a[i]) - rank(b[i]) : 0;
}

/* Compares the start of *topic with a part, and takes it off when it is equal. */
static int compare_part(struct bytes *topic, struct bytes part)
{
    size_t size = topic->size < part.size ? topic->size : part.size;
    int order = compare_bytes(topic->data, part.data, size);

    if (order == 0 && size < part.size)
        return -1;
    *topic = bytes_from(*topic, size);
    return order;
}

int topic_compare(struct bytes topic, const struct topic_bound *bound)
{
    int order = compare_part(&topic, bound->head);

    if (order == 0)
        order = compare_part(&topic, bound->tail);
    if (order == 0)
        order = topic.size > 0;
    return order;
}

struct topic_bound topic_first(struct bytes filter)
{
    size_t size = 0;

    while (size < filter.size && filter.data[size] != '+' && filter.data[size] != '#')
        size++;
    /* Without the slash before the wildcard, for '#' includes the level above. */
    return (struct topic_bound){ .head = bytes_first(filter, size > 0 ? size - 1 : 0) };
}

struct topic_bound topic_after(struct bytes topic)
{
    return (struct topic_bound){ topic, BYTES("/") };
}

/* The place after all that lies below a topic. */
static struct topic_bound after_branch(struct bytes topic)
{
    return (struct topic_bound){ topic, bytes_of(&SECOND, 1) };
}

static bool is_wildcard(struct bytes level)
{
    return level.size == 1 && (level.data[0] == '+' || level.data[0] == '#');
}

enum topic_step topic_step(struct bytes filter, struct bytes topic, struct topic_bound *bound)
{
    struct bytes filter_rest = filter, topic_rest = topic;
    struct bytes wanted, level;
    size_t before = 0; /* bytes of the topic's levels that match, each with its slash */

    while (mqtt_topic_level_next(&filter_rest, &wanted)) {
        int order = 0;

        if (is_wildcard(wanted)) {
            if (before == 0 && topic.data[0] == '$') {
                mqtt_topic_level_next(&topic_rest, &level);
                *bound = after_branch(level);
                return TOPIC_SKIPS;
            }
            if (wanted.data[0] == '#')
                return TOPIC_MATCHES;
        }
        if (!mqtt_topic_level_next(&topic_rest, &level))
            return TOPIC_PASSES;
        if (!is_wildcard(wanted))
            order = topic_compare(level, &(struct topic_bound){ .head = wanted });
        if (order < 0) {
            *bound = (struct topic_bound){ bytes_first(topic, before), wanted };
            return TOPIC_SKIPS;
        }
        if (order > 0)
            break;
        before += level.size + 1;
    }
    if (before > topic.size)
        return TOPIC_MATCHES;
    if (before == 0)
        return TOPIC_ENDS;
    /* The topic is past what matches in its branch, or lies below a topic that does. */
    *bound = after_branch(bytes_first(topic, before - 1));
    return TOPIC_SKIPS;
}
