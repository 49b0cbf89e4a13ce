/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void taken(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGUSR2);
    sigaddset(set, SIGRTMIN);
}

/* Those that tell what a write's result tells as well. */
static int ignore_failed_writes(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };

    if (sigaction(SIGPIPE, &action, NULL) < 0 || sigaction(SIGXFSZ, &action, NULL) < 0)
        return -errno;
    return 0;
}

int signals_open(void)
{
    sigset_t set;
    int result;
    int fd;

    taken(&set);
    result = ignore_failed_writes();
    if (result < 0)
        return result;
    result = -pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (result < 0)
        return result;
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void signals_close(int fd)
{
    close(fd);
}

int signals_take(int fd)
{
    struct signalfd_siginfo signal;
    ssize_t size = read(fd, &signal, sizeof(signal));

    if (size < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    return (int)signal.ssi_signo;
}
