/* SPDX-License-Identifier: Apache-2.0 */
#include "net/multicast.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

static int set(int fd, int level, int option, const void *value, size_t size)
{
    return setsockopt(fd, level, option, value, (socklen_t)size) == 0 ? 0 : -errno;
}

static int switch_to(int fd, int level, int option, int value)
{
    return set(fd, level, option, &value, sizeof(value));
}

bool multicast_is_group(const struct address *address)
{
    switch (address_family(address)) {
    case ADDRESS_IPV4:
        return IN_MULTICAST(ntohl(address->socket.v4.sin_addr.s_addr));
    case ADDRESS_IPV6:
        return IN6_IS_ADDR_MULTICAST(&address->socket.v6.sin6_addr);
    case ADDRESS_ANY:
        break;
    }
    return false;
}

int multicast_hear_own(int fd, enum address_family family)
{
    return family == ADDRESS_IPV6 ? switch_to(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)
                                  : switch_to(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

/* 0: any. */
static int find_interface(const char *interface, unsigned *index)
{
    *index = interface ? if_nametoindex(interface) : 0;
    return interface && *index == 0 ? -ENODEV : 0;
}

int multicast_reach(int fd, enum address_family family, unsigned hops)
{
    return family == ADDRESS_IPV6 ? switch_to(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, (int)hops)
                                  : switch_to(fd, IPPROTO_IP, IP_MULTICAST_TTL, (int)hops);
}

int multicast_aim(int fd, enum address_family family, const char *interface, unsigned hops)
{
    unsigned index;
    int result = find_interface(interface, &index);
    struct ip_mreqn by = { .imr_ifindex = (int)index };

    if (result < 0)
        return result;
    if (family == ADDRESS_IPV6)
        result = switch_to(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index);
    else
        result = set(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by));
    return result < 0 ? result : multicast_reach(fd, family, hops);
}

static int join(int fd, const struct address *group, unsigned interface)
{
    struct ip_mreqn of_ipv4 = { .imr_ifindex = (int)interface };
    struct ipv6_mreq of_ipv6 = { .ipv6mr_interface = interface };

    if (address_family(group) == ADDRESS_IPV6) {
        of_ipv6.ipv6mr_multiaddr = group->socket.v6.sin6_addr;
        return set(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &of_ipv6, sizeof(of_ipv6));
    }
    of_ipv4.imr_multiaddr = group->socket.v4.sin_addr;
    return set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &of_ipv4, sizeof(of_ipv4));
}

/* A socket that is bound to the group's address hears nothing else. */
static int bind_and_join(int fd, const struct address *group, unsigned interface)
{
    enum address_family family = address_family(group);
    int result = switch_to(fd, SOL_SOCKET, SO_REUSEPORT, 1);

    if (result == 0 && family == ADDRESS_IPV6)
        result = switch_to(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (result == 0)
        result = multicast_hear_own(fd, family);
    if (result == 0 && bind(fd, &group->socket.any, address_size(group)) < 0)
        result = -errno;
    return result < 0 ? result : join(fd, group, interface);
}

int multicast_open(struct listener *out, const struct address *group, const char *interface,
        struct listener_failure *failure)
{
    struct listener listener = { .address = *group };
    unsigned index;
    int result = find_interface(interface, &index);

    *failure =
            (struct listener_failure){ .step = result < 0 ? LISTENER_INTERFACE : LISTENER_GROUP };
    if (interface)
        snprintf(failure->interface, sizeof(failure->interface), "%s", interface);
    address_format(group, failure->place);
    failure->error = -result;
    if (result < 0)
        return result;
    if (address_family(group) == ADDRESS_IPV6)
        listener.address.socket.v6.sin6_scope_id = index;
    listener.fd = socket(group->socket.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    result = listener.fd < 0 ? -errno : bind_and_join(listener.fd, &listener.address, index);
    if (result < 0) {
        failure->error = -result;
        if (listener.fd >= 0)
            close(listener.fd);
        return result;
    }
    *out = listener;
    return 0;
}
