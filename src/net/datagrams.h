/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams of UDP in batches: one call reads as many as have come, and one call sends as many as
 * wait for the same socket. It knows no sockets of its own; each call names one.
 *
 * What is read lies in a room that is taken at the first read, of DATAGRAMS_READ_MAX times
 * DATAGRAM_SIZE_MAX bytes; the system gives only those pages of it that are ever written.
 */
#ifndef NET_DATAGRAMS_H
#define NET_DATAGRAMS_H

#include "base/memory.h"
#include "net/address.h"

#include <sys/uio.h>

enum {
    DATAGRAM_SIZE_MAX = 65535,
    DATAGRAMS_READ_MAX = 16,          /* of one call */
    DATAGRAMS_WAIT_MAX = 64,          /* to be sent; then they are */
    DATAGRAMS_WAIT_BYTES = 64 * 1024, /* the same */
};

struct datagram {
    struct address peer;
    struct bytes data;
};

/* Starts as { .memory = ... }. */
struct datagrams {
    const struct memory *memory;     /* borrowed */
    struct datagrams_inbox *inbox;   /* NULL before the first read */
    struct datagrams_outbox *outbox; /* NULL before anything is sent */
};

/* Sends what waits, and gives the memory back. */
void datagrams_deinit(struct datagrams *datagrams);

/**
 * Reads what has come to a non-blocking socket. What `out` points to is good until the next read.
 *
 * Returns how many, less than DATAGRAMS_READ_MAX when no more have come; or -errno: -EAGAIN when
 * none has; -ENOMEM when memory is short, and then one has been thrown away; others, as
 * -ECONNREFUSED, tell of something that was sent before, and the next read goes on.
 */
int datagrams_read(
        struct datagrams *datagrams, int fd, struct datagram out[static DATAGRAMS_READ_MAX]);

/**
 * Puts a datagram of at most 65,535 bytes, in pieces, behind those that wait to be sent; it is
 * copied. Where memory is short it is sent at once. What the network does not take is lost.
 */
void datagrams_send(struct datagrams *datagrams, int fd, const struct address *peer,
        const struct iovec pieces[], size_t count);

/* Sends what waits: at the end of a turn, and before a socket that was named is closed. */
void datagrams_flush(struct datagrams *datagrams);

#endif
