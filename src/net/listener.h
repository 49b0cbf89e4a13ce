/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets, of TCP or at a path (Unix sockets): opened, shared between threads, and
 * accepted from. Also sockets of UDP, which are opened and shared in the same manner.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/address.h"

enum {
    LISTENER_SOCKETS_MAX = 16,   /* addresses that one host name may open */
    LISTENER_FAILURE_SIZE = 512, /* a failure's sentence with its NUL */
    LISTENER_PATH_MAX = 107,     /* bytes of a Unix socket's path; Linux's, without the NUL */
};

/* What the configuration says; the texts are borrowed for the call. */
struct listener_options {
    unsigned mode;              /* of a Unix socket's file; 0: 0770 */
    const char *path;           /* of a Unix socket, which has no host, port or family; else NULL */
    const char *host;           /* number or name; NULL: every interface */
    uint16_t port;              /* 0: any free one, the same for all addresses */
    enum address_family family; /* ADDRESS_ANY: IPv4 and IPv6 */
    const char *interface;      /* only what comes in there (SO_BINDTODEVICE); NULL: any */
    int backlog;                /* connections that wait to be accepted; 0: 1024 */
    bool datagrams;             /* UDP: nothing is accepted, and each socket reads for itself */
    bool no_delay;              /* accepted connections have TCP_NODELAY, at no call of their own */
    bool shared;                /* other threads will open it too: see listener_share() */
};

/* One listening socket. */
struct listener {
    int fd;
    struct address address; /* where it really listens, with the real port; none at a path */
};

/* Why it could not be opened; listener_failure_text() makes the sentence. */
struct listener_failure {
    enum listener_step {
        LISTENER_RESOLVE,
        LISTENER_INTERFACE,
        LISTENER_LISTEN,
        LISTENER_GROUP, /* of multicast, which listener_open() knows nothing of */
    } step;
    int error;       /* a positive errno */
    char place[256]; /* the address, or host and port as given where there is no address */
    char interface[16];
};

/**
 * Opens one socket for each address of the host, or the one at the path. A host of NULL needs one
 * family only to work, for a machine may have no IPv6; any other address that cannot be opened
 * makes the whole fail. Resolves names, so it may wait: for use at start and reload.
 *
 * A Unix socket may be used by its owner and group (0770), as Mosquitto's, unless `mode` says else.
 * One that another server
 * has left at the path, so that nobody listens there, is removed first; what is no socket, or is
 * listened on, stays. See listener_remove() for the end.
 *
 * Returns the number of sockets written to `out` (the caller's, each to be closed with
 * listener_close()), or -errno, with *failure written and nothing left open.
 */
int listener_open(struct listener out[LISTENER_SOCKETS_MAX], const struct listener_options *options,
        struct listener_failure *failure);

/* Whether an address can be listened on here, whatever its port. Returns 0, or -errno:
 * -EADDRNOTAVAIL when this machine does not have it, -EAFNOSUPPORT when it has not its family. */
int listener_try(const struct address *address, bool datagrams);

/**
 * Opens another socket at the very address of `first`, which was opened with `shared`: the kernel
 * spreads the connections over all of them (SO_REUSEPORT), one for each thread. Only this function
 * joins: listener_open() refuses a port that someone listens on, ours or another server's.
 *
 * Of datagrams, those that are sent to all hosts of a network come to `first` alone.
 *
 * Unix sockets know nothing of the kind, so theirs is the same socket under another descriptor: all
 * threads wake for a connection, and one gets it. That costs little, as connections come from this
 * machine alone, and no thread has to pass on what it accepted.
 *
 * Returns 0, or -errno.
 */
int listener_share(
        struct listener *out, const struct listener *first, const struct listener_options *options);

void listener_close(struct listener *listener);

/**
 * Removes a Unix socket's file; without a path: nothing. While a listener at it is still open: then
 * no other server can have put its own in that place.
 */
void listener_remove(const struct listener_options *options);

/* A connection that was accepted. */
struct listener_accepted {
    int fd; /* non-blocking, close-on-exec; the caller's */
    struct address peer;
};

/**
 * Accepts what waits, at most `max`. A connection that broke while it waited is left out.
 *
 * Returns how many, 0 when none waits, or -errno when not even one could be taken: at -EMFILE,
 * -ENFILE, -ENOBUFS and -ENOMEM connections do wait and the socket stays ready, so the caller
 * leaves it out of its poll for a while.
 */
int listener_accept(struct listener *listener, struct listener_accepted out[], size_t max);

/**
 * Writes the sentence, such as "cannot listen on 0.0.0.0:1883: Address already in use".
 * Returns text.
 */
const char *listener_failure_text(
        const struct listener_failure *failure, char text[static LISTENER_FAILURE_SIZE]);

#endif
