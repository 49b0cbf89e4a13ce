/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread of the library's own in somebody else's program.
 */
#ifndef CLIENT_LINK_THREAD_H
#define CLIENT_LINK_THREAD_H

#include <pthread.h>

/* Starts one that no signal of the program's is delivered to. Returns 0, or -errno. */
int link_thread_start(pthread_t *out, void *(*run)(void *context), void *context);

#endif
