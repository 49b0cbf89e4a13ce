/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another configuration for a running server: read again with all that it names, and taken over
 * whole or not at all.
 */
#ifndef BROKER_RENEWAL_H
#define BROKER_RENEWAL_H

#include "broker/findings.h"

struct config;
struct server;

/**
 * Reads the server's files again and, where all of them can be used, has every shard take over what
 * they say; opens the log file anew either way. Each finding is told to the log, and stays in
 * `findings`, which the server takes for its own where it returns no error.
 *
 * Returns how many settings change, or -EINVAL when a file cannot be used and nothing is changed.
 */
int renewal_apply(struct server *server, struct findings *findings);

/*
 * Reads a configuration file (NULL: the server's own) and all that it names, and takes over
 * nothing. Returns the configuration, for config_free(), or NULL where the file cannot be used,
 * which the report is told.
 */
struct config *renewal_try(struct server *server, const char *file, struct report *report);

/* From now on it is looked out for changes of the files of TLS, whose fingerprint is that of
 * lookout_at(). */
void renewal_watch(struct server *server, uint64_t fingerprint);

/* To be called after each poll: where files of TLS have changed on disk, reads them again, as
 * above, and nothing else. */
void renewal_look(struct server *server, int64_t now_ms);

#endif
