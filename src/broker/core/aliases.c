/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/aliases.h"

#include <assert.h>

static struct alias_text *text_new(
        const struct memory *memory, uint64_t hash, uint16_t alias, struct bytes topic)
{
    struct alias_text *text = memory_take(memory, sizeof(*text) + topic.size);

    if (!text)
        return NULL;
    text->hash = hash;
    text->alias = alias;
    text->size = (uint16_t)topic.size;
    memcpy(text->topic, topic.data, topic.size);
    return text;
}

static void text_free(const struct memory *memory, struct alias_text *text)
{
    if (text)
        memory_give(memory, text, sizeof(*text) + text->size);
}

void aliases_in_init(struct aliases_in *aliases, uint16_t max)
{
    *aliases = (struct aliases_in){ .max = max };
}

void aliases_in_deinit(struct aliases_in *aliases, const struct memory *memory)
{
    if (!aliases->topics)
        return;
    for (uint16_t i = 0; i < aliases->max; i++)
        text_free(memory, aliases->topics[i]);
    memory_give(memory, aliases->topics, aliases->max * sizeof(*aliases->topics));
    aliases->topics = NULL;
}

bool aliases_in_set(
        struct aliases_in *aliases, const struct memory *memory, uint16_t alias, struct bytes topic)
{
    struct alias_text *text;

    assert(alias >= 1);
    assert(alias <= aliases->max);
    if (!aliases->topics)
        aliases->topics = memory_take_zeroed(memory, aliases->max * sizeof(*aliases->topics));
    if (!aliases->topics)
        return false;
    text = aliases->topics[alias - 1];
    if (text && bytes_equal(bytes_of(text->topic, text->size), topic))
        return true;
    text = text_new(memory, 0, alias, topic);
    if (!text)
        return false;
    text_free(memory, aliases->topics[alias - 1]);
    aliases->topics[alias - 1] = text;
    return true;
}

struct bytes aliases_in_find(const struct aliases_in *aliases, uint16_t alias)
{
    const struct alias_text *text;

    if (!aliases->topics || alias < 1 || alias > aliases->max)
        return (struct bytes){ 0 };
    text = aliases->topics[alias - 1];
    return text ? bytes_of(text->topic, text->size) : (struct bytes){ 0 };
}

static struct bytes text_key(const void *value)
{
    const struct alias_text *text = value;

    return bytes_of(text->topic, text->size);
}

void aliases_out_init(struct aliases_out *aliases, uint16_t max)
{
    aliases->max = max;
    map_init(&aliases->topics, text_key);
}

void aliases_out_deinit(struct aliases_out *aliases, const struct memory *memory)
{
    uint32_t at = 0;
    struct alias_text *text;

    while ((text = map_next(&aliases->topics, &at)))
        text_free(memory, text);
    map_deinit(&aliases->topics, memory);
}

uint16_t aliases_out_find(const struct aliases_out *aliases, uint64_t hash, struct bytes topic)
{
    const struct alias_text *text = map_find(&aliases->topics, hash, topic);

    return text ? text->alias : 0;
}

uint16_t aliases_out_set(
        struct aliases_out *aliases, const struct memory *memory, uint64_t hash, struct bytes topic)
{
    struct alias_text *text;

    if (aliases->topics.count >= aliases->max)
        return 0;
    text = text_new(memory, hash, (uint16_t)(aliases->topics.count + 1), topic);
    if (!text)
        return 0;
    if (!map_add(&aliases->topics, memory, hash, text)) {
        text_free(memory, text);
        return 0;
    }
    return text->alias;
}
