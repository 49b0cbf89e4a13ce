/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wakes a thread that waits in its poll, from any other thread.
 *
 * The woken thread has wake_fd() in its poll. It calls wake_clear() first and looks for what the
 * others left it second: in that order nothing that was left before a wake_send() is overlooked.
 */
#ifndef LOOP_WAKE_H
#define LOOP_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>

struct wake {
    int fd;
    atomic_bool sent; /* a wake-up is under way, so another one needs no system call */
};

/* Opens into the caller's memory, which must stay where it is. Returns 0, or -errno. */
int wake_open(struct wake *wake);

/* No other thread may use it any more. */
void wake_close(struct wake *wake);

/* The descriptor that tells of each wake-up; give it to poll_add() with POLL_READ | POLL_NEWS. */
int wake_fd(const struct wake *wake);

/**
 * Wakes the owner, now or when it next waits. Many calls before the owner runs wake it once.
 * Safe from any thread; never waits and never fails.
 */
void wake_send(struct wake *wake);

/* By the owner: takes the wake-up away, before it looks for what the others left. */
void wake_clear(struct wake *wake);

/* The same for an owner whose poll tells of the descriptor for as long as it can be read. */
void wake_drain(struct wake *wake);

#endif
