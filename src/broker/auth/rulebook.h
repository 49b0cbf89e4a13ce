/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of who may come in and what he may do, as the configuration names them: for each
 * listener its password file and its access rules. Files that several listeners name are read once.
 */
#ifndef BROKER_AUTH_RULEBOOK_H
#define BROKER_AUTH_RULEBOOK_H

#include "broker/auth/acl_file.h"
#include "broker/auth/identity.h"
#include "broker/auth/password_file.h"
#include "broker/auth/token_rules.h"
#include "broker/auth/web_service.h"
#include "broker/config/config.h"

enum { ASKED_MAX = 3 };

/* All zero, as of a listener that is closed: nobody comes in. */
struct rules {
    const struct password_file *passwords; /* of PROOF_PASSWORD */
    const struct token_rules *tokens;      /* of PROOF_TOKEN */
    struct web_service *service;           /* of PROOF_SERVICE; only its count changes */
    const struct acl_file *acl;            /* NULL: everything is allowed */
    /* The authenticators that are configured, in the order in which they are asked. None: names are
     * not checked. */
    enum proof_kind asked[ASKED_MAX];
    size_t asked_count;
    bool allow_anonymous;
    bool user_name_proved; /* by the transport: whoever comes has one, and no other is asked for */
    bool check_subscribe;
    char name[CONFIG_ADDRESS_MAX + sizeof(":65535")]; /* address and port, or path */
};

/* Never changes once read; any thread may read it. */
struct rulebook {
    struct rules listeners[CONFIG_LISTENERS_MAX];
    size_t listener_count;
    struct password_file *password_files[CONFIG_LISTENERS_MAX];
    size_t password_file_count;
    struct acl_file *acl_files[CONFIG_LISTENERS_MAX];
    size_t acl_file_count;
    struct web_service *service;      /* NULL: none is asked */
    struct token_rules *tokens;       /* NULL: no tokens are known */
    enum proof_kind order[ASKED_MAX]; /* auth_order, without regard to what is configured */
    size_t order_count;
};

/* Whether that authenticator is asked. */
static inline bool rules_ask(const struct rules *rules, enum proof_kind kind)
{
    for (size_t i = 0; i < rules->asked_count; i++) {
        if (rules->asked[i] == kind)
            return true;
    }
    return false;
}

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
