/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/predefined.h"

struct bytes gateway_predefined_find(
        const struct gateway_predefined *predefined, struct bytes client_id, uint16_t id)
{
    struct bytes common = { 0 };

    for (size_t i = 0; i < predefined->count; i++) {
        const struct gateway_predefined_topic *topic = &predefined->topics[i];

        if (topic->id != id)
            continue;
        if (topic->client_id.size == 0)
            common = topic->name;
        else if (bytes_equal(topic->client_id, client_id))
            return topic->name;
    }
    return common;
}

uint16_t gateway_predefined_find_id(
        const struct gateway_predefined *predefined, struct bytes client_id, struct bytes name)
{
    for (size_t i = 0; i < predefined->count; i++) {
        const struct gateway_predefined_topic *topic = &predefined->topics[i];

        /* Another client's may have this name; and this client's own line takes the id away. */
        if (bytes_equal(topic->name, name) &&
                bytes_equal(gateway_predefined_find(predefined, client_id, topic->id), name))
            return topic->id;
    }
    return 0;
}

static bool has(
        const struct gateway_predefined *predefined, const struct gateway_predefined_topic *pair)
{
    for (size_t i = 0; i < predefined->count; i++) {
        const struct gateway_predefined_topic *topic = &predefined->topics[i];

        if (topic->id == pair->id && bytes_equal(topic->name, pair->name) &&
                bytes_equal(topic->client_id, pair->client_id))
            return true;
    }
    return false;
}

size_t gateway_predefined_missing(
        const struct gateway_predefined *predefined, const struct gateway_predefined *other)
{
    size_t count = 0;

    for (size_t i = 0; i < predefined->count; i++)
        count += !has(other, &predefined->topics[i]);
    return count;
}
