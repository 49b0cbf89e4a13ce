/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of pre-shared keys: a line "identity:key" for each client, the key in hexadecimal digits.
 * A line that begins with '#' or has no ':' says nothing.
 *
 * Counted, for connections of TLS keep the keys that they began with. Never changes once read; any
 * thread may read it.
 */
#ifndef BROKER_AUTH_PSK_FILE_H
#define BROKER_AUTH_PSK_FILE_H

#include "broker/config/line_file.h"

#include <stdatomic.h>

enum {
    PSK_IDENTITIES_MAX = 1000000,
    PSK_IDENTITY_MAX = 255, /* bytes */
    PSK_KEY_MAX = 256,      /* bytes, of twice as many digits */
    PSK_KEY_STRONG = 16,    /* bytes of a key that nobody guesses; a shorter one is warned of */
};

struct psk {
    struct bytes identity; /* these two borrow the file's text */
    struct bytes key;
    unsigned line;
};

struct psk_file {
    /* Relaxed to take one, released and acquired to give it back: the last one frees. */
    _Atomic unsigned references;
    struct line_file lines; /* with each key's bytes in the place of its digits */
    struct psk *psks;       /* in order of identity */
    size_t count;
};

/**
 * Reads a file and tells the report of every line that cannot be used: no identity, one that is too
 * long or not UTF-8, one that an earlier line has, no key or what is none.
 *
 * Of an odd number of digits the first one is a byte by itself, as in Mosquitto.
 *
 * Returns 0 and one reference; or with *out untouched -EINVAL when an error was told, -ENOMEM.
 */
int psk_file_read(struct psk_file **out, const char *path, const struct source *source,
        struct report *report);

struct psk_file *psk_file_ref(struct psk_file *file);

/* The last one wipes the keys. NULL is fine. */
void psk_file_unref(struct psk_file *file);

/* NULL when there is no such identity. */
const struct psk *psk_file_find(const struct psk_file *file, struct bytes identity);

#endif
