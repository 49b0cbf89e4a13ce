/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password file: a line "name:hash" for each user (password_hash.h). A line that begins with '#'
 * or has no ':' says nothing; what follows a second ':' is not looked at.
 */
#ifndef BROKER_AUTH_PASSWORD_FILE_H
#define BROKER_AUTH_PASSWORD_FILE_H

#include "broker/auth/password_hash.h"
#include "broker/config/line_file.h"

enum { PASSWORD_USERS_MAX = 1000000, PASSWORD_SECRET_SIZE = 32 };

struct password_user {
    struct bytes name;
    unsigned line;
    struct password_hash hash;
};

/* Never changes once read; any thread may read it. */
struct password_file {
    struct line_file lines; /* the names borrow them */
    struct password_user *users;
    size_t count;
    uint8_t secret[PASSWORD_SECRET_SIZE]; /* of its hashes; nobody else knows it */
    uint32_t scram_rounds;                /* of the first user who has such a key */
};

/* The parts of a line. */
struct password_line {
    struct bytes name; /* trimmed */
    struct bytes hash;
};

/* False for a line that says nothing. */
bool password_line_read(struct bytes line, struct password_line *out);

/**
 * Reads a file and tells the report of every line that cannot be used: no name, a name that an
 * earlier line has, no hash or one that is in no known form.
 *
 * Returns 0 and a file for password_file_free(); or with *out untouched -EINVAL when an error was
 * told, -ENOMEM.
 */
int password_file_read(struct password_file **out, const char *path, const struct source *source,
        struct report *report);

/* NULL is fine. */
void password_file_free(struct password_file *file);

/*
 * The key to begin an exchange by SCRAM with. A name that has none gets an invented one, the same
 * each time, so that a stranger cannot find out which names there are. True: it is the user's.
 */
bool password_file_scram_key(
        const struct password_file *file, struct bytes name, struct password_hash *out);

/* NULL when there is no such user. */
const struct password_user *password_file_find(const struct password_file *file, struct bytes name);

#endif
