/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as something to read: no handler runs, and no call is ever interrupted.
 *
 * These are taken: SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGRTMIN. SIGPIPE and
 * SIGXFSZ are ignored, for a peer that is gone, or a file that must not grow, shows as a result of
 * write.
 */
#ifndef LOOP_SIGNALS_H
#define LOOP_SIGNALS_H

/**
 * Blocks the signals above in the calling thread and gives the descriptor that tells them. Call it
 * before any thread is started: threads inherit the mask, and one that does not block a signal
 * would die of it.
 *
 * Returns the descriptor (to be closed with signals_close()), or -errno.
 */
int signals_open(void);

/* Closes the descriptor; the signals stay blocked. */
void signals_close(int fd);

/* Takes the next signal. Returns its number, 0 when there is none, or -errno. */
int signals_take(int fd);

#endif
