/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table: one row for each key of a configuration file. Reading, checking, --test-config,
 * reload and the reference page all read this table; a key's name stands nowhere else but where its
 * absence means something.
 */
#ifndef BROKER_CONFIG_OPTION_H
#define BROKER_CONFIG_OPTION_H

#include "base/bytes.h"

enum option_scope {
    SCOPE_GLOBAL,           /* the whole server */
    SCOPE_LISTENER,         /* the listener before it; without one it opens the default listener */
    SCOPE_OPENED_LISTENER,  /* the listener before it; an error without one */
    SCOPE_DEFAULT_LISTENER, /* opens the default listener, or changes it */
    SCOPE_BRIDGE,           /* the connection before it */
    SCOPE_PLUGIN,           /* the plugin before it */
};

enum option_type {
    OPTION_FLAG,       /* true, 1, false, 0 */
    OPTION_NUMBER,     /* decimal, 0x and hexadecimal, or 0 and octal; min..max */
    OPTION_BYTES,      /* a number of bytes, with k, M or G behind it 1024 of them and so on; 0, or
                      * min..max; with CLAMP_LOW, what is not a number counts as 0; where the
                      * default is "auto", that word as well, kept as OPTION_BYTES_AUTO */
    OPTION_DURATION,   /* a number and one of s h d w m y; kept in seconds */
    OPTION_WORD,       /* one of choices */
    OPTION_WORDS,      /* one of choices; several lines make a set of their values */
    OPTION_LOG_DEST,   /* the same, into struct log_destinations, as "file" has a path */
    OPTION_VERSIONS,   /* a list of 3, 4 and 5; kept as a set of bits 3..5 */
    OPTION_TEXT,       /* the rest of the line, UTF-8 */
    OPTION_LIST,       /* the same; several lines make one text, with a blank between them */
    OPTION_LINES,      /* the same, with a newline between them */
    OPTION_DURABILITY, /* one of choices, and after "interval" min..max; a struct durability */
    OPTION_NETWORKS,   /* addresses and networks, blanks or commas between; lines add up */
    OPTION_LISTENER,   /* a port and maybe an address, or 0 and a path: opens a listener */
    OPTION_INCLUDE,    /* a directory: reads its files */
    OPTION_IGNORED,    /* whatever follows is not looked at */
};

static const uint64_t OPTION_BYTES_AUTO = UINT64_MAX;

enum option_status {
    OPTION_HONOURED,
    OPTION_NOT_YET,   /* a warning: it has no effect in this version */
    OPTION_NO_EFFECT, /* a warning: it never has one here, and why */
    OPTION_REFUSED,   /* an error: going on without it would not be safe */
};

enum option_clamp { CLAMP_LOW = 1, CLAMP_HIGH = 2 }; /* flags: take the bound, with a warning */

struct option_choice {
    const char *name;
    uint32_t value;
    enum option_status status;
    const char *reason; /* where status is not OPTION_HONOURED */
};

struct option {
    const char *name;  /* one that ends in '*' stands for every key that starts so */
    const char *alias; /* another name for it, or NULL */
    enum option_scope scope;
    enum option_type type;
    enum option_status status;
    enum option_scope
            opens; /* what begins with it: a listener, bridge or plugin; else SCOPE_GLOBAL */
    bool live;     /* a reload applies it */
    bool replaces; /* a text given twice: the later counts; else it is an error */
    /* A text that is shown as OPTION_HIDDEN, and may be given as file:PATH; see expand.h. */
    bool secret;

    /* Where the value lies: in struct config, for the listener scopes in struct config_listener. */
    size_t offset;
    size_t size; /* 0: it is checked and not kept */

    /* Of a number; of a key with '*' the bytes that must stand for the '*'; of a list the words
     * that each line must have, 0: any. */
    int64_t min;
    int64_t max;
    uint32_t scale;                      /* the value is kept times this; 0 stands for 1 */
    unsigned clamp;                      /* of enum option_clamp */
    const struct option_choice *choices; /* ends with a NULL name */
    const char *initial;                 /* the default, as it would be written; NULL: none */

    /*
     * What it means under per_listener_settings true: the listener's key of this name; NULL where
     * that setting changes nothing.
     */
    const char *per_listener;
    const char *meaning; /* one phrase for the reference page */
    const char *reason;  /* what to say where status is not OPTION_HONOURED: why, and what to do */
};

enum { OPTION_MAX = 256 }; /* rows that a set of seen options has room for */

#define OPTION_HIDDEN "***"

extern const struct option option_table[];
extern const size_t option_count; /* at most OPTION_MAX */

/* Does its value belong to a listener? */
bool option_is_of_listener(const struct option *option);

/* Do several lines of it add up, so that none replaces another? */
bool option_adds_up(const struct option *option);

/* In a word or three what setting it does: "live", "restart", "not there yet", ... */
const char *option_effect(const struct option *option);

/* The row of a name or alias, or NULL. */
const struct option *option_find(struct bytes name);

/* The known name that a misspelt one is nearest to, or NULL when none is near. */
const char *option_nearest(struct bytes name);

#endif
