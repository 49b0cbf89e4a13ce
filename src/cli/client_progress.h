/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line on a terminal that tells how far something has come. Elsewhere nothing is printed.
 */
#ifndef CLI_CLIENT_PROGRESS_H
#define CLI_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct client_progress {
    bool shown;
    uint64_t total; /* 0: nobody knows */
    int64_t begin_us;
    int64_t next_us;
};

/* `wanted` is whether it may be shown, if standard error is a terminal. */
void client_progress_init(
        struct client_progress *progress, bool wanted, uint64_t total, int64_t now_us);

/* So many are done. Prints some times a second. */
void client_progress_tell(struct client_progress *progress, uint64_t done, int64_t now_us);

/* Prints the last state and ends the line. */
void client_progress_end(struct client_progress *progress, uint64_t done, int64_t now_us);

/* Takes the line away. */
void client_progress_clear(const struct client_progress *progress);

#endif
