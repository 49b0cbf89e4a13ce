/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token has to be for its bearer to come in, as the configuration says.
 */
#ifndef BROKER_AUTH_TOKEN_RULES_H
#define BROKER_AUTH_TOKEN_RULES_H

#include "broker/auth/identity.h"
#include "broker/auth/token_keys.h"
#include "broker/config/config.h"

/* Never changes once read; any thread may read it. */
struct token_rules {
    struct config_jwt wanted;
    struct token_keys *keys;
    /* For each key, what shows that it has proved a client under these rules: another issuer or
     * audience makes it another proof. */
    struct proof proofs[TOKEN_KEYS_MAX];
};

/**
 * Reads the keys of auth_jwt, which is not "". It borrows nothing.
 *
 * Returns 0 and rules for token_rules_free(); or with *out untouched -EINVAL when an error was
 * told, -ENOMEM.
 */
int token_rules_read(struct token_rules **out, const struct config_jwt *wanted,
        const struct source *source, struct report *report);

/* NULL is fine. */
void token_rules_free(struct token_rules *rules);

#endif
