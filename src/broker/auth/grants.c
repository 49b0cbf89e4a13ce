/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/grants.h"

#include "mqtt/topic.h"
#include "mqtt/utf8.h"

/* ---- Reading ---- */

static const char not_valid[] = "a topic of its rights is no topic filter";
static const char too_many[] = "it brings more rights than GRANTS_MAX or GRANTS_BYTES_MAX allow";

/* Reads twice: first it counts, then it writes into the block. */
struct grants_reader {
    struct grants *grants; /* NULL: to count */
    size_t count;
    uint8_t *room; /* for the texts */
    size_t text_size;
};

static bool text_is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool read_permission(const json_t *value, struct grant *rule)
{
    rule->allows = text_is(value, "allow");
    return rule->allows || text_is(value, "deny");
}

static bool read_action(const json_t *value, struct grant *rule)
{
    bool all = text_is(value, "all");

    rule->publish = all || text_is(value, "publish");
    rule->subscribe = all || text_is(value, "subscribe");
    return rule->publish || rule->subscribe;
}

/* Writes the text with EMQX's placeholders as Mosquitto's, which are shorter. Returns its size. */
static size_t write_names(struct bytes text, uint8_t *out)
{
    static const struct {
        struct bytes theirs;
        struct bytes ours;
    } names[] = {
        { { (const uint8_t *)"${clientid}", 11 }, { (const uint8_t *)"%c", 2 } },
        { { (const uint8_t *)"${username}", 11 }, { (const uint8_t *)"%u", 2 } },
    };
    size_t size = 0;

    while (text.size > 0) {
        size_t name = 0;

        while (name < 2 && !bytes_start_with(text, names[name].theirs))
            name++;
        if (name < 2) {
            memcpy(out + size, names[name].ours.data, 2);
            size += 2;
            text = bytes_from(text, names[name].theirs.size);
        } else {
            out[size++] = text.data[0];
            text = bytes_from(text, 1);
        }
    }
    return size;
}

static bool has_placeholder(struct bytes text)
{
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i - 1] == '$' && text.data[i] == '{')
            return true;
    }
    return false;
}

/* One topic of a rule. */
static const char *read_topic(
        struct grants_reader *reader, const struct grant *rule, const json_t *value)
{
    struct bytes text = bytes_of(json_string_value(value), json_string_length(value));
    struct grant grant = *rule;
    uint8_t written[GRANTS_BYTES_MAX];

    grant.exact = bytes_start_with(text, BYTES("eq "));
    if (grant.exact)
        text = bytes_from(text, 3);
    if (text.size > GRANTS_BYTES_MAX || reader->text_size + text.size > GRANTS_BYTES_MAX ||
            reader->count == GRANTS_MAX)
        return too_many;
    if (!grant.exact)
        text = bytes_of(written, write_names(text, written));
    if (has_placeholder(text))
        return "a topic of its rights has a placeholder other than ${clientid} and ${username}, or "
               "has one behind eq";
    if (!mqtt_utf8_valid(text) || !mqtt_topic_filter_valid(text))
        return not_valid;
    if (reader->grants) {
        memcpy(reader->room + reader->text_size, text.data, text.size);
        text.data = reader->room + reader->text_size;
        grant.filter =
                grant.exact ? (struct acl_filter){ .text = text } : acl_filter_with_names(text);
        reader->grants->rules[reader->count] = grant;
    }
    reader->count++;
    reader->text_size += text.size;
    return NULL;
}

static const char *read_topics(
        struct grants_reader *reader, const struct grant *rule, const json_t *topics)
{
    const char *fault = NULL;
    const json_t *topic;
    size_t i;

    if (json_is_string(topics))
        return read_topic(reader, rule, topics);
    if (!json_is_array(topics))
        return "a rule of its rights has no topic";
    json_array_foreach(topics, i, topic)
    {
        fault = json_is_string(topic) ? read_topic(reader, rule, topic) : not_valid;
        if (fault)
            return fault;
    }
    return NULL;
}

static const char *read_rule(struct grants_reader *reader, const json_t *value, size_t number)
{
    struct grant rule = { .number = (uint16_t)number };
    const json_t *topic = json_object_get(value, "topic");
    const json_t *topics = json_object_get(value, "topics");

    if (!json_is_object(value))
        return "a rule of its rights is no object";
    /* What is not understood may well have narrowed the rule. */
    if (json_object_size(value) != 3 || !topic == !topics)
        return "a rule of its rights has not just permission, action, and topic or topics";
    if (!read_permission(json_object_get(value, "permission"), &rule))
        return "the permission of its rights is neither allow nor deny";
    if (!read_action(json_object_get(value, "action"), &rule))
        return "the action of its rights is none of publish, subscribe and all";
    return read_topics(reader, &rule, topic ? topic : topics);
}

static const char *read_rules(struct grants_reader *reader, const json_t *list)
{
    const char *fault = NULL;
    const json_t *rule;
    size_t i;

    if (!json_is_array(list))
        return "its rights are no list";
    if (json_array_size(list) > GRANTS_MAX)
        return too_many;
    json_array_foreach(list, i, rule)
    {
        fault = read_rule(reader, rule, i + 1);
        if (fault)
            return fault;
    }
    return NULL;
}

const char *grants_read(struct grants **out, const struct memory *memory, const json_t *list)
{
    struct grants_reader counted = { .grants = NULL };
    struct grants_reader reader = { .grants = NULL };
    const char *fault = read_rules(&counted, list);
    size_t head = sizeof(struct grants) + counted.count * sizeof(struct grant);
    struct grants *grants;

    if (fault)
        return fault;
    grants = memory_take(memory, head + counted.text_size);
    if (!grants)
        return "no memory for its rights";
    *grants = (struct grants){ .size = head + counted.text_size, .count = counted.count };
    reader.grants = grants;
    reader.room = (uint8_t *)grants + head;
    read_rules(&reader, list);
    *out = grants;
    return NULL;
}

void grants_free(const struct memory *memory, struct grants *grants)
{
    if (grants)
        memory_give(memory, grants, grants->size);
}

/* ---- Judging ---- */

static bool fits(const struct grant *rule, const struct acl_who *who, enum access_action action,
        struct bytes topic)
{
    if (action == ACCESS_PUBLISH ? !rule->publish : !rule->subscribe)
        return false;
    if (!rule->exact || (action == ACCESS_RECEIVE && rule->allows))
        return acl_filter_fits(&rule->filter, who, rule->allows, topic);
    return bytes_equal(rule->filter.text, topic);
}

struct grants_decision grants_judge(const struct grants *grants, const struct acl_who *who,
        enum access_action action, struct bytes topic)
{
    for (size_t i = 0; i < grants->count; i++) {
        const struct grant *rule = &grants->rules[i];

        if (fits(rule, who, action, topic))
            return (struct grants_decision){ rule->allows, rule->number };
    }
    return (struct grants_decision){ .allowed = false };
}
