/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the listeners show and ask for in TLS, read from the files that the configuration names.
 * Never changes once read; any thread may read it.
 */
#ifndef BROKER_CREDENTIALS_H
#define BROKER_CREDENTIALS_H

#include "broker/config/config.h"
#include "net/tls_server.h"

struct credentials {
    struct tls_server *listeners[CONFIG_LISTENERS_MAX]; /* NULL: clear text */
};

/**
 * Reads every file. Borrows nothing of the configuration.
 *
 * Returns 0 and credentials for credentials_free(); or with *out untouched -EINVAL when an error
 * was told, -ENOMEM.
 */
int credentials_read(struct credentials **out, const struct config *config, struct report *report);

/* Connections keep what they began with. NULL is fine. */
void credentials_free(struct credentials *credentials);

/* Tells the report of each file that this process could not open again now. */
void credentials_check_access(const struct config *config, struct report *report);

#endif
