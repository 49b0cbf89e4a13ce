/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the listeners show and ask for in TLS, read from the files that the configuration names.
 * Never changes once read; any thread may read it.
 */
#ifndef BROKER_CREDENTIALS_H
#define BROKER_CREDENTIALS_H

#include "broker/auth/psk_file.h"
#include "broker/config/config.h"
#include "net/tls_server.h"

struct credentials {
    struct tls_server *listeners[CONFIG_LISTENERS_MAX]; /* NULL: clear text */
    /* Files of keys that several listeners name are read once. */
    struct psk_file *psk_files[CONFIG_LISTENERS_MAX];
    size_t psk_file_count;
};

/**
 * Reads every file. Borrows nothing of the configuration. `reading` is higher than that of all that
 * were read before.
 *
 * Returns 0 and credentials for credentials_free(); or with *out untouched -EINVAL when an error
 * was told, -ENOMEM.
 */
int credentials_read(struct credentials **out, const struct config *config, uint64_t reading,
        struct report *report);

/* Connections keep what they began with. NULL is fine. */
void credentials_free(struct credentials *credentials);

/* Tells the report of each file that this process could not open again now. */
void credentials_check_access(const struct config *config, struct report *report);

/* Calls `visit` with the path of each file and folder that credentials_read() reads. */
void credentials_each_path(
        const struct config *config, void (*visit)(void *context, const char *path), void *context);

#endif
