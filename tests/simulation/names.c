/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/names.h"

/* Topics under "s/" are those of the shared groups; no other filter but "#" matches them. */
static const char *const topics[TOPICS] = {
    "a/1",
    "a/2",
    "a/b/1",
    "b/1",
    "b/2",
    "b/b/2",
    "c",
    "/x",
    "a",
    "s/0/x",
    "s/0/y",
    "s/1/x",
    "s/2/x",
    "s/2/y",
    "$SYS/sim",
};

static const char *const filters[FILTERS] = {
    "a/1",
    "a/+",
    "a/#",
    "+/1",
    "b/#",
    "b/+/2",
    "c",
    "/+",
    "+/b/+",
    "b/1",
    "$SYS/#",
    "#",
    "$share/g0/s/0/#",
    "$share/g1/s/1/+",
    "$share/g2/s/2/+",
    "$share/g3/s/2/x",
};

/* Plain and slow, on purpose another way than the server's. */
static bool matches(const char *filter, const char *topic)
{
    if (*topic == '$' && (*filter == '+' || *filter == '#'))
        return false;
    for (;;) {
        if (*filter == '#')
            return true;
        if (*filter == '+') {
            filter++;
            while (*topic && *topic != '/')
                topic++;
        } else {
            while (*filter && *filter != '/' && *filter == *topic)
                filter++, topic++;
        }
        if (*filter == '\0' && *topic == '\0')
            return true;
        if (*topic == '\0' && strcmp(filter, "/#") == 0)
            return true;
        if (*filter != '/' || *topic != '/')
            return false;
        filter++, topic++;
    }
}

struct names names_make(void)
{
    struct names names = { .topics_of = { 0 } };

    for (unsigned f = 0; f < FILTERS; f++) {
        const char *filter = names_filter_shared(f) ? strchr(filters[f] + 7, '/') + 1 : filters[f];

        for (unsigned t = 0; t < TOPICS; t++) {
            if (!matches(filter, topics[t]))
                continue;
            names.topics_of[f] |= 1u << t;
            names.filters_of[t] |= 1u << f;
        }
    }
    return names;
}

struct bytes names_topic(unsigned topic)
{
    return bytes_of_text(topics[topic]);
}

struct bytes names_filter(unsigned filter)
{
    return bytes_of_text(filters[filter]);
}

unsigned names_find_topic(struct bytes topic)
{
    unsigned t = 0;

    while (t < TOPICS && !bytes_equal(names_topic(t), topic))
        t++;
    return t;
}
