/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/acl_filter.h"

static bool contains(struct bytes bytes, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + size <= bytes.size; i++) {
        if (memcmp(bytes.data + i, text, size) == 0)
            return true;
    }
    return false;
}

struct acl_filter acl_filter_with_names(struct bytes text)
{
    return (struct acl_filter){ text, contains(text, "%c"), contains(text, "%u") };
}

/* A filter byte by byte, with the names in their places. */
struct filter_text {
    const struct acl_who *who; /* NULL: no names are put in */
    struct bytes rest;
    struct bytes name; /* what is left of one that is being put in */
};

enum { FILTER_END = -1, FILTER_ONE = -2, FILTER_ALL = -3 };

static uint8_t take_byte(struct bytes *bytes)
{
    uint8_t byte = bytes->data[0];

    *bytes = bytes_from(*bytes, 1);
    return byte;
}

/* The next byte, or one of the values above: a '+' or '#' of a name is but a byte. */
static int next_of(struct filter_text *text)
{
    uint8_t byte;

    while (text->name.size == 0 && text->who) {
        if (bytes_start_with(text->rest, BYTES("%c")))
            text->name = text->who->client_id;
        else if (bytes_start_with(text->rest, BYTES("%u")))
            text->name = text->who->user;
        else
            break;
        text->rest = bytes_from(text->rest, 2);
    }
    if (text->name.size > 0)
        return take_byte(&text->name);
    if (text->rest.size == 0)
        return FILTER_END;
    byte = take_byte(&text->rest);
    return byte == '+' ? FILTER_ONE : byte == '#' ? FILTER_ALL : byte;
}

static struct bytes skip_level(struct bytes topic)
{
    const uint8_t *slash = topic.size > 0 ? memchr(topic.data, '/', topic.size) : NULL;

    return bytes_from(topic, slash ? (size_t)(slash - topic.data) : topic.size);
}

/* Whether the text matches the topic, or all that a filter in the topic's place matches. */
static bool matches(struct filter_text text, struct bytes topic)
{
    for (;;) {
        int next = next_of(&text);

        if (next == FILTER_END)
            return topic.size == 0;
        if (next == FILTER_ALL)
            return true;
        if (next == FILTER_ONE) {
            if (bytes_equal(topic, BYTES("#")))
                return false; /* More than one level. */
            topic = skip_level(topic);
            continue;
        }
        if (topic.size == 0) /* "a/#" is about "a" too. */
            return next == '/' && text.name.size == 0 && bytes_equal(text.rest, BYTES("#"));
        if (topic.data[0] != next)
            return false;
        topic = bytes_from(topic, 1);
    }
}

static bool has_byte(struct bytes bytes, int byte)
{
    return bytes.size > 0 && memchr(bytes.data, byte, bytes.size);
}

bool acl_name_is_wild(struct bytes name)
{
    return has_byte(name, '+') || has_byte(name, '#');
}

/* Whether a name would reach into what belongs to another one. */
static bool reaches_out(struct bytes name)
{
    return has_byte(name, '/') || acl_name_is_wild(name);
}

bool acl_filter_fits(
        const struct acl_filter *filter, const struct acl_who *who, bool grants, struct bytes topic)
{
    struct filter_text text = { .rest = filter->text };

    if (topic.data[0] == '$' && filter->text.data[0] != '$')
        return false;
    if (!filter->has_client_id && !filter->has_user_name)
        return bytes_equal(filter->text, BYTES("#")) || matches(text, topic);
    text.who = who;
    if (grants &&
            ((filter->has_client_id && reaches_out(who->client_id)) ||
                    (filter->has_user_name && reaches_out(who->user))))
        return false;
    if (filter->has_user_name && who->user.size == 0)
        return false;
    return matches(text, topic);
}
