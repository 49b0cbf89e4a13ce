/* SPDX-License-Identifier: Apache-2.0 */
/* syscall() is not in POSIX. */
#define _DEFAULT_SOURCE
#include "broker/keeper.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITY_WORDS = 2 }; /* of the kernel's version 3 */

/* ---- Capabilities of the calling thread ---- */

/* All that it may have, and what of that is in effect. Returns 0, or -errno. */
static int set_capabilities(uint32_t permitted, uint32_t effective)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[CAPABILITY_WORDS] = {
        { .permitted = permitted, .effective = effective },
    };

    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static const uint32_t READ_ALL = UINT32_C(1) << CAP_DAC_READ_SEARCH;

/* ---- The thread ---- */

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0 && errno == EINTR)
        continue;
}

static void *run(void *context)
{
    struct keeper *keeper = context;

    for (;;) {
        wait_for(&keeper->asked);
        if (!keeper->work)
            return NULL;
        keeper->work(keeper->context);
        sem_post(&keeper->done);
    }
}

static void ask(struct keeper *keeper, void (*work)(void *context), void *context)
{
    keeper->work = work;
    keeper->context = context;
    sem_post(&keeper->asked);
}

static void ask_and_wait(struct keeper *keeper, void (*work)(void *context), void *context)
{
    ask(keeper, work, context);
    wait_for(&keeper->done);
}

/* ---- What it is given to do ---- */

static void hold_on(void *context)
{
    int *result = context;

    *result = prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static void give_up_others(void *context)
{
    int *result = context;

    *result = set_capabilities(READ_ALL, 0);
    /* What the other threads have from process_become(). */
    if (*result == 0 &&
            (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
        *result = -errno;
}

struct reading {
    void (*work)(void *context);
    void *context;
};

static void read_all(void *context)
{
    const struct reading *reading = context;

    /* Where the system says no, the work finds out which files it cannot open. */
    set_capabilities(READ_ALL, READ_ALL);
    reading->work(reading->context);
    set_capabilities(READ_ALL, 0);
}

/* ---- What its owner calls ---- */

int keeper_start(struct keeper *keeper)
{
    int result = -ENOMEM;

    *keeper = (struct keeper){ .runs = false };
    if (sem_init(&keeper->asked, 0, 0) < 0)
        return -errno;
    if (sem_init(&keeper->done, 0, 0) < 0) {
        result = -errno;
        sem_destroy(&keeper->asked);
        return result;
    }
    result = -pthread_create(&keeper->thread, NULL, run, keeper);
    if (result < 0) {
        sem_destroy(&keeper->done);
        sem_destroy(&keeper->asked);
        return result;
    }
    keeper->runs = true;
    ask_and_wait(keeper, hold_on, &result);
    if (result < 0)
        keeper_stop(keeper);
    return result;
}

int keeper_settle(struct keeper *keeper)
{
    int result = -EPERM;

    if (!keeper->runs)
        return result;
    ask_and_wait(keeper, give_up_others, &result);
    if (result < 0)
        keeper_stop(keeper);
    return result;
}

void keeper_do(struct keeper *keeper, void (*work)(void *context), void *context)
{
    struct reading reading = { work, context };

    if (keeper->runs)
        ask_and_wait(keeper, read_all, &reading);
    else
        work(context);
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper->runs)
        return;
    ask(keeper, NULL, NULL);
    pthread_join(keeper->thread, NULL);
    sem_destroy(&keeper->done);
    sem_destroy(&keeper->asked);
    keeper->runs = false;
}
