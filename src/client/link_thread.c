/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_thread.h"

#include <signal.h>

int link_thread_start(pthread_t *out, void *(*run)(void *context), void *context)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(out, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}
