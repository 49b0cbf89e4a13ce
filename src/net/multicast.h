/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of multicast: sockets that hear what is sent to one, and datagrams to all in one.
 */
#ifndef NET_MULTICAST_H
#define NET_MULTICAST_H

#include "net/listener.h"

/* Whether the address is that of a group. */
bool multicast_is_group(const struct address *address);

/**
 * Opens a non-blocking socket that hears what comes to the group, at its port, by one interface;
 * NULL: by the one that the system chooses. Others may share the port that do likewise, see
 * listener_share(), at the group's address or at any.
 *
 * Returns 0, or -errno with *failure written: -ENODEV where there is no such interface.
 */
int multicast_open(struct listener *out, const struct address *group, const char *interface,
        struct listener_failure *failure);

/* How a socket is to send to groups: by which interface (NULL: the system chooses), so many hops
 * far. Returns 0, or -errno. */
int multicast_aim(int fd, enum address_family family, const char *interface, unsigned hops);

/* Changes how far. Returns 0, or -errno. */
int multicast_reach(int fd, enum address_family family, unsigned hops);

/* The socket hears only the groups that it has joined itself, not those of others on this machine.
 * Returns 0, or -errno. */
int multicast_hear_own(int fd, enum address_family family);

#endif
