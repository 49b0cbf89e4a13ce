/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened, as a name and fields: the unit of logging.
 *
 * Code that has something to tell builds an event on its stack and gives it to a journal; the
 * journal formats it before it returns, so fields may borrow anything that lives that long.
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include "base/bytes.h"

enum event_level {
    EVENT_ERROR, /* someone must act */
    EVENT_WARN,
    EVENT_INFO, /* a state changed */
    EVENT_DEBUG,
};

enum field_kind {
    FIELD_TEXT,  /* a C string of our own, such as a reason's name */
    FIELD_BYTES, /* what a peer sent; escaped when written */
    FIELD_NUMBER,
};

struct field {
    const char *name;
    enum field_kind kind;
    const char *text;
    struct bytes bytes;
    int64_t number;
};

struct event {
    enum event_level level;
    const char *name; /* "client.connected": a noun and what became of it */
    const struct field *fields;
    size_t field_count;
};

/* Where events go. `write` must not keep the event nor anything that it points to. */
struct journal {
    enum event_level level; /* events above this level need not be built */
    void (*write)(void *context, const struct event *event);
    void *context;
};

static inline struct field field_text(const char *name, const char *text)
{
    return (struct field){ .name = name, .kind = FIELD_TEXT, .text = text };
}

static inline struct field field_bytes(const char *name, struct bytes bytes)
{
    return (struct field){ .name = name, .kind = FIELD_BYTES, .bytes = bytes };
}

static inline struct field field_number(const char *name, int64_t number)
{
    return (struct field){ .name = name, .kind = FIELD_NUMBER, .number = number };
}

static inline bool journal_wants(const struct journal *journal, enum event_level level)
{
    return journal->write && level <= journal->level;
}

/* Tells the journal, where it wants events of that level. */
#define journal_tell(journal, event_level_, event_name, ...)                                       \
    do {                                                                                           \
        if (journal_wants((journal), (event_level_))) {                                            \
            const struct field fields_[] = { __VA_ARGS__ };                                        \
            (journal)->write((journal)->context,                                                   \
                    &(const struct event){ (event_level_), (event_name), fields_,                  \
                            sizeof(fields_) / sizeof(fields_[0]) });                               \
        }                                                                                          \
    } while (0)

#endif
