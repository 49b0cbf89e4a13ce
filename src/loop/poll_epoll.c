/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/poll.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH_MAX = 512 };

struct poll {
    int fd;
    struct epoll_event batch[BATCH_MAX];
};

int poll_open(struct poll **out)
{
    struct poll *poll = malloc(sizeof(*poll));

    if (!poll)
        return -ENOMEM;
    poll->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poll->fd < 0) {
        int error = errno;

        free(poll);
        return -error;
    }
    *out = poll;
    return 0;
}

void poll_close(struct poll *poll)
{
    if (!poll)
        return;
    close(poll->fd);
    free(poll);
}

int poll_fd(const struct poll *poll)
{
    return poll->fd;
}

static int control(struct poll *poll, int operation, int fd, unsigned waits, void *owner)
{
    struct epoll_event event = { .data.ptr = owner };

    if (waits & POLL_READ)
        event.events |= EPOLLIN | EPOLLRDHUP;
    if (waits & POLL_WRITE)
        event.events |= EPOLLOUT;
    if (waits & POLL_NEWS)
        event.events |= EPOLLET;
    return epoll_ctl(poll->fd, operation, fd, &event) == 0 ? 0 : -errno;
}

int poll_add(struct poll *poll, int fd, unsigned waits, void *owner)
{
    return control(poll, EPOLL_CTL_ADD, fd, waits, owner);
}

int poll_change(struct poll *poll, int fd, unsigned waits, void *owner)
{
    return control(poll, EPOLL_CTL_MOD, fd, waits, owner);
}

int poll_remove(struct poll *poll, int fd)
{
    return control(poll, EPOLL_CTL_DEL, fd, 0, NULL);
}

/*
 * An error or an end makes both a read and a write return at once, and either tells the reason; so
 * it is told as both, for the kernel does not say here which of them the owner had asked for.
 */
static unsigned ready_of(uint32_t events)
{
    unsigned ready = 0;

    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        ready |= POLL_READ;
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        ready |= POLL_WRITE;
    if (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP))
        ready |= POLL_ENDED;
    return ready;
}

int poll_wait(struct poll *poll, struct poll_event events[], size_t max, int timeout_ms)
{
    int count;

    assert(max > 0);
    count = epoll_wait(poll->fd, poll->batch, max < BATCH_MAX ? (int)max : BATCH_MAX, timeout_ms);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        events[i].owner = poll->batch[i].data.ptr;
        events[i].ready = ready_of(poll->batch[i].events);
    }
    return count;
}
