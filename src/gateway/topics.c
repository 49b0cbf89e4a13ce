/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/topics.h"

#include <assert.h>

static size_t entry_size(size_t name_size)
{
    return sizeof(struct gateway_topic) + name_size;
}

/* Takes out and frees the one that this pointer leads to. */
static void drop(
        struct gateway_topics *topics, const struct memory *memory, struct gateway_topic **place)
{
    struct gateway_topic *topic = *place;

    *place = topic->next;
    topics->count--;
    memory_give(memory, topic, entry_size(topic->size));
}

void gateway_topics_deinit(struct gateway_topics *topics, const struct memory *memory)
{
    while (topics->first)
        drop(topics, memory, &topics->first);
}

struct gateway_topic *gateway_topics_find_name(
        const struct gateway_topics *topics, struct bytes name)
{
    struct gateway_topic *topic = topics->first;

    while (topic && !bytes_equal(gateway_topic_name(topic), name))
        topic = topic->next;
    return topic;
}

struct gateway_topic *gateway_topics_find_normal(const struct gateway_topics *topics, uint16_t id)
{
    struct gateway_topic *topic = topics->first;

    while (topic && (topic->id != id || topic->type != MQTTSN_TOPIC_NORMAL))
        topic = topic->next;
    return topic;
}

struct gateway_topic *gateway_topics_find_id(const struct gateway_topics *topics, uint16_t id)
{
    struct gateway_topic *topic = gateway_topics_find_normal(topics, id);

    return topic && topic->given ? topic : NULL;
}

/* The oldest that the gateway began gives way; false where there is none. */
static bool make_room(struct gateway_topics *topics, const struct memory *memory)
{
    struct gateway_topic **oldest = NULL;

    for (struct gateway_topic **at = &topics->first; *at; at = &(*at)->next) {
        if ((*at)->ours)
            oldest = at;
    }
    if (oldest)
        drop(topics, memory, oldest);
    return oldest != NULL;
}

/* There is one: the table has fewer entries than there are ids. */
static uint16_t free_id(struct gateway_topics *topics)
{
    do {
        topics->last_id =
                topics->last_id < MQTTSN_TOPIC_ID_MAX ? topics->last_id + 1 : MQTTSN_TOPIC_ID_MIN;
    } while (gateway_topics_find_normal(topics, topics->last_id));
    return topics->last_id;
}

struct gateway_topic *gateway_topics_add(
        struct gateway_topics *topics, const struct memory *memory, struct bytes name)
{
    struct gateway_topic *topic;

    assert(topics->max <= MQTTSN_TOPIC_ID_MAX && name.size <= UINT16_MAX);
    if (topics->count >= topics->max && !make_room(topics, memory))
        return NULL;
    topic = memory_take(memory, entry_size(name.size));
    if (!topic)
        return NULL;
    *topic = (struct gateway_topic){
        .next = topics->first, .id = free_id(topics), .size = (uint16_t)name.size
    };
    memcpy(topic->name, name.data, name.size);
    topics->first = topic;
    topics->count++;
    return topic;
}

void gateway_topics_make_normal(struct gateway_topics *topics, struct gateway_topic *topic)
{
    topic->id = free_id(topics);
    topic->type = MQTTSN_TOPIC_NORMAL;
}

void gateway_topics_forget(struct gateway_topics *topics)
{
    for (struct gateway_topic *topic = topics->first; topic; topic = topic->next)
        topic->told = topic->refused = false;
}

void gateway_topics_withdraw(struct gateway_topics *topics)
{
    for (struct gateway_topic *topic = topics->first; topic; topic = topic->next) {
        if (topic->type != MQTTSN_TOPIC_NORMAL)
            continue;
        topic->given = topic->told = topic->refused = false;
        topic->ours = true;
    }
}
