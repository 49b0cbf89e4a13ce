/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the service manager how the server fares, by the protocol of systemd's sd_notify(3): a
 * datagram of lines NAME=value to the socket that NOTIFY_SOCKET names.
 */
#ifndef BROKER_NOTIFY_H
#define BROKER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

enum {
    NOTIFY_TEXT_MAX = 511,  /* bytes of one datagram; a longer one is cut */
    NOTIFY_WAITING_MAX = 4, /* datagrams that find no room in the manager's queue; then the oldest
                               is lost */
    NOTIFY_AGAIN_MS = 100,  /* after that time those are tried again */
};

struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_size;
    char waiting[NOTIFY_WAITING_MAX][NOTIFY_TEXT_MAX + 1]; /* the oldest first */
    size_t waiting_count;
};

/* What the service manager has left in the environment; NULL: nothing. */
struct notify_wishes {
    const char *socket;        /* NOTIFY_SOCKET: a path, or after '@' an abstract name */
    const char *watchdog_usec; /* WATCHDOG_USEC */
    const char *watchdog_pid;  /* WATCHDOG_PID: for whom it is */
};

/* Those of this process's environment; borrows from it. */
struct notify_wishes notify_wishes(void);

/**
 * Opens the way to the socket; without one nothing is ever sent.
 *
 * Returns 0, or -errno and a notify that sends nothing: -EAFNOSUPPORT for an address of another
 * kind, -ENAMETOOLONG.
 */
int notify_open(struct notify *notify, const struct notify_wishes *wishes);

/* What waits still is tried once more. */
void notify_close(struct notify *notify);

/* Sends one datagram, formatted as by printf, without waiting: what finds no room is kept for
 * notify_go_on(). What cannot be sent otherwise is lost. */
void notify_send(struct notify *notify, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Sends a sign of life. Where others wait it is lost, for it is worth nothing later. */
void notify_beat(struct notify *notify);

/* Sends what waits. True: something still does. */
bool notify_go_on(struct notify *notify);

/* How many milliseconds the manager waits for a sign of life of process `pid`; 0: it does not. */
int64_t notify_watchdog_ms(const struct notify_wishes *wishes, pid_t pid);

#endif
