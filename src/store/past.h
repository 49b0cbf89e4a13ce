/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the runs before this one ended: a file beside the log says how far the log had come when a
 * store was stopped in order. Where it says something else, or nothing, the last run was broken
 * off: its process was killed, or the power cut.
 */
#ifndef STORE_PAST_H
#define STORE_PAST_H

#include "store/files.h"

#define PAST_FILE "run"

struct past {
    uint64_t broken_off; /* where the last run ended that was not stopped; a position, 0: none */
    uint64_t before;     /* what that was when the last run began */
};

/* The log is of `seed` and ends before `next`; `is_new`: no run has been there. Tells the past, and
 * notes, before it returns, that a run goes on. Returns 0, or -errno. */
int past_open(
        struct past *past, const struct files *files, uint64_t seed, uint64_t next, bool is_new);

/* The run ends in order, with all before `next` on disk. A failure says that it was broken off. */
void past_close(const struct past *past, const struct files *files, uint64_t seed, uint64_t next);

#endif
