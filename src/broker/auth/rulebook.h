/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of who may come in and what he may do, as the configuration names them: for each
 * listener its password file and its access rules. Files that several listeners name are read once.
 */
#ifndef BROKER_AUTH_RULEBOOK_H
#define BROKER_AUTH_RULEBOOK_H

#include "broker/auth/acl_file.h"
#include "broker/auth/password_file.h"
#include "broker/config/config.h"

struct rules {
    const struct password_file *passwords; /* NULL: names are not checked */
    const struct acl_file *acl;            /* NULL: everything is allowed */
    bool allow_anonymous;
    bool user_name_proved; /* by the transport: whoever comes has one, and no other is asked for */
    bool check_subscribe;
};

/* Never changes once read; any thread may read it. */
struct rulebook {
    struct rules listeners[CONFIG_LISTENERS_MAX];
    size_t listener_count;
    struct password_file *password_files[CONFIG_LISTENERS_MAX];
    size_t password_file_count;
    struct acl_file *acl_files[CONFIG_LISTENERS_MAX];
    size_t acl_file_count;
};

/**
 * Reads every file that the configuration names; it borrows nothing of it. `source` NULL is the
 * file system, where a warning tells of files that everybody may read.
 *
 * Returns 0 and a rulebook for rulebook_free(); or with *out untouched -EINVAL when an error was
 * told, -ENOMEM.
 */
int rulebook_read(struct rulebook **out, const struct config *config, const struct source *source,
        struct report *report);

/* NULL is fine. */
void rulebook_free(struct rulebook *book);

/* Tells the report of each file of the book that this process could not open again now. */
void rulebook_check_access(const struct rulebook *book, struct report *report);

#endif
