/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for many descriptors at once: who may be read or written without waiting.
 *
 * One thread uses one poll. It is level triggered: an owner that leaves bytes unread is told again.
 * An owner that has nothing to write does not ask for POLL_WRITE, and asks only after a write came
 * up short, so a connection costs no system call of its own but its reads and writes.
 * The file that implements this is chosen by the build (poll_epoll.c).
 */
#ifndef LOOP_POLL_H
#define LOOP_POLL_H

#include <stddef.h>

/* What an owner waits for; `<signal.h>` has taken the names POLL_IN and POLL_OUT. */
enum poll_waits {
    POLL_READ = 1,
    POLL_WRITE = 2,
    POLL_NEWS = 4,  /* tells what has changed, not what stays so: for who does not empty it yet */
    POLL_ENDED = 8, /* is told, not waited for: the peer writes no more, or all is over */
};

struct poll;

struct poll_event {
    void *owner;
    unsigned ready; /* enum poll_waits; an error or an end of both sides shows as read and write */
};

/* Opens a poll with nothing in it. Returns 0, or -errno. */
int poll_open(struct poll **out);

/* Closes the poll, not the descriptors in it. NULL is fine. */
void poll_close(struct poll *poll);

/* A descriptor that can be read while the poll has something to tell, for a poll that waits for
 * this one. The poll keeps it. */
int poll_fd(const struct poll *poll);

/**
 * Waits for `fd` from now on, for what `waits` says (enum poll_waits, 0: only errors), and tells
 * `owner` of it. That the peer writes no more is told to who waits for POLL_READ. The poll borrows
 * fd and owner until poll_remove().
 *
 * Returns 0, or -errno: -EEXIST when fd is in the poll, -EPERM when it cannot be waited for.
 */
int poll_add(struct poll *poll, int fd, unsigned waits, void *owner);

/* Replaces what poll_add() said. Returns 0, or -errno: -ENOENT when fd is not in the poll. */
int poll_change(struct poll *poll, int fd, unsigned waits, void *owner);

/**
 * Forgets fd; call it before fd is closed. An event of the last poll_wait() that is not yet handled
 * may still name the owner, so the owner's memory must outlive that batch.
 *
 * Returns 0, or -errno: -ENOENT when fd is not in the poll.
 */
int poll_remove(struct poll *poll, int fd);

/**
 * Waits until a descriptor is ready or `timeout_ms` have passed (0: does not wait, negative: waits
 * for ever) and writes at most `max` (1 or more) events. What does not fit is told next time,
 * those not told yet first.
 *
 * Returns the number of events, 0 after the time or when a signal handler ran, or -errno.
 */
int poll_wait(struct poll *poll, struct poll_event events[], size_t max, int timeout_ms);

#endif
