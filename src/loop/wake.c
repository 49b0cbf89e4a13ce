/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/wake.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int wake_open(struct wake *wake)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    wake->fd = fd;
    atomic_init(&wake->sent, false);
    return 0;
}

void wake_close(struct wake *wake)
{
    close(wake->fd);
}

int wake_fd(const struct wake *wake)
{
    return wake->fd;
}

void wake_send(struct wake *wake)
{
    uint64_t one = 1;

    /*
     * Release: what was left for the owner is seen by the owner that takes this flag away, also
     * when an earlier caller's wake-up serves for ours.
     */
    if (atomic_exchange_explicit(&wake->sent, true, memory_order_acq_rel))
        return;
    /* Nobody reads the counter; it is full after 2^64 wake-ups. */
    while (write(wake->fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

void wake_clear(struct wake *wake)
{
    /*
     * The descriptor stays readable, which costs no system call, for the poll tells of news only.
     * Acquire: pairs with the senders' release, so what they left before is seen after this.
     */
    atomic_exchange_explicit(&wake->sent, false, memory_order_acq_rel);
}

void wake_drain(struct wake *wake)
{
    uint64_t count;

    /* Before the flag: what is sent meanwhile can be read again. */
    while (read(wake->fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    wake_clear(wake);
}
