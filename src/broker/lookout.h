/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks out for changes of the files of TLS on disk, for the server's thread.
 *
 * Who writes files writes several, and some of them in parts: so a change counts when nothing has
 * happened for LOOKOUT_SETTLE_MS, and only if a file is another one now, or another size or time.
 */
#ifndef BROKER_LOOKOUT_H
#define BROKER_LOOKOUT_H

#include "base/event.h"
#include "broker/config/config.h"

enum {
    LOOKOUT_SETTLE_MS = 500,
    LOOKOUT_SETTLE_MAX_MS = 5000, /* where something happens all the time */
};

struct lookout {
    int fd;               /* to be polled for input; -1: it looks at nothing */
    int64_t since_ms;     /* something has happened, first then; 0: nothing has */
    int64_t due_ms;       /* when that counts */
    uint64_t fingerprint; /* of the files as they were when they were last read */
};

/* What the files of a configuration are now: their places, sizes and times, as one number. */
uint64_t lookout_fingerprint(const struct config *config);

/* A lookout that looks at nothing. */
void lookout_init(struct lookout *lookout);

/*
 * From now on it looks at the files of this configuration, where `tls_watch_files` is set and there
 * are any; `fingerprint` was taken before they were read. What cannot be watched is told.
 */
void lookout_at(struct lookout *lookout, const struct config *config, uint64_t fingerprint,
        const struct journal *journal);

void lookout_close(struct lookout *lookout);

/* When lookout_sees_change() is to be called at the latest; INT64_MAX: when a poll says so. */
int64_t lookout_due_ms(const struct lookout *lookout);

/**
 * To be called after each poll. True when files have changed and are to be read again: then
 * lookout_at() is called again with a fingerprint taken before that, also where they cannot be
 * used, for they are tried again only when they change further.
 */
bool lookout_sees_change(struct lookout *lookout, const struct config *config, int64_t now_ms);

#endif
