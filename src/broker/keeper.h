/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that keeps one privilege when the server gives up root's: to read every file. With it a
 * reload can open again what only root may read, such as a key.
 *
 * It is Linux's CAP_DAC_READ_SEARCH: to read files and search directories, not to write. No other
 * thread has it, and this one makes use of it only while it does the work that it is given; without
 * work it waits. Whoever could make the server run code of his own could have that work done, so it
 * is kept only where a file needs it, and not where keep_read_privilege is false.
 */
#ifndef BROKER_KEEPER_H
#define BROKER_KEEPER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

/* Starts as { 0 }: then it keeps nothing, and the caller's thread does the work. */
struct keeper {
    bool runs;
    pthread_t thread;
    sem_t asked;
    sem_t done;
    void (*work)(void *context); /* NULL: the thread is to end */
    void *context;
};

/* To be called while the process is root: a thread starts that will keep its privileges when the
 * process becomes another user. Returns 0, or -errno: then it keeps nothing. */
int keeper_start(struct keeper *keeper);

/* To be called once the process is another user: gives up all but the one privilege. Returns 0, or
 * -errno where the system does not leave it: then the keeper has stopped. */
int keeper_settle(struct keeper *keeper);

/* Does the work, which may read every file if the keeper runs, and returns when it is done. For one
 * thread of the server alone. */
void keeper_do(struct keeper *keeper, void (*work)(void *context), void *context);

/* The privilege is gone. Fine for one that does not run. */
void keeper_stop(struct keeper *keeper);

#endif
