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

void aliases_out_deinit(struct aliases_out *aliases, const struct memory *memory)
{
    uint32_t at = 0;
    struct alias_text *text;

    if (!aliases->topics)
        return;
    while ((text = map_next(aliases->topics, &at)))
        text_free(memory, text);
    map_deinit(aliases->topics, memory);
    memory_give(memory, aliases->topics, sizeof(*aliases->topics));
    aliases->topics = NULL;
}

uint16_t aliases_out_find(const struct aliases_out *aliases, uint64_t hash, struct bytes topic)
{
    const struct alias_text *text = aliases->topics ? map_find(aliases->topics, hash, topic) : NULL;

    return text ? text->alias : 0;
}

uint16_t aliases_out_next(const struct aliases_out *aliases)
{
    uint32_t used = aliases->topics ? aliases->topics->count : 0;

    return used < aliases->max ? (uint16_t)(used + 1) : 0;
}

static bool make_topics(struct aliases_out *aliases, const struct memory *memory)
{
    if (aliases->topics)
        return true;
    aliases->topics = memory_take(memory, sizeof(*aliases->topics));
    if (aliases->topics)
        map_init(aliases->topics, text_key);
    return aliases->topics != NULL;
}

uint16_t aliases_out_set(
        struct aliases_out *aliases, const struct memory *memory, uint64_t hash, struct bytes topic)
{
    uint16_t alias = aliases_out_next(aliases);
    struct alias_text *text;

    if (alias == 0 || !make_topics(aliases, memory))
        return 0;
    text = text_new(memory, hash, alias, topic);
    if (!text)
        return 0;
    if (!map_add(aliases->topics, memory, hash, text)) {
        text_free(memory, text);
        return 0;
    }
    return alias;
}
