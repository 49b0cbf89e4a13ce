/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sn_transport.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_TEXT_MAX = 8 };

static void send_datagram(struct sn_transport *transport, const void *data, size_t size)
{
    /* A gateway that is not there shows as an error of a datagram before; the next try may find it
     * there. */
    if (send(transport->fd, data, size, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
        (void)!send(transport->fd, data, size, MSG_NOSIGNAL);
}

static ssize_t receive_datagram(struct sn_transport *transport, void *data, size_t size)
{
    return recv(transport->fd, data, size, MSG_DONTWAIT);
}

static void renew_nothing(struct sn_transport *transport)
{
    (void)transport;
}

static void close_socket(struct sn_transport *transport)
{
    close(transport->fd);
    transport->fd = -1;
}

/* Sends from this port of ours, whatever the address. */
static bool bind_port(int fd, int family, uint16_t port)
{
    const struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
    const struct sockaddr_in6 here_6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    if (port == 0)
        return true;
    if (family == AF_INET)
        return bind(fd, (const struct sockaddr *)&here, sizeof(here)) == 0;
    return bind(fd, (const struct sockaddr *)&here_6, sizeof(here_6)) == 0;
}

static int connect_to(const struct addrinfo *address, uint16_t source_port)
{
    int fd = socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind_port(fd, address->ai_family, source_port) &&
            connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int connect_to_family(const struct addrinfo *addresses, bool ipv4, uint16_t source_port)
{
    for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
        int fd = (at->ai_family == AF_INET) == ipv4 ? connect_to(at, source_port) : -1;

        if (fd >= 0)
            return fd;
    }
    return -1;
}

bool sn_udp_open(struct sn_transport *transport, const struct sn_options *options)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
    uint16_t source_port = (uint16_t)options->source_port;
    struct addrinfo *addresses = NULL;
    char port[PORT_TEXT_MAX];
    int failure;
    int fd;

    snprintf(port, sizeof(port), "%u", (unsigned)options->port);
    failure = getaddrinfo(options->host, port, &hints, &addresses);
    if (failure != 0) {
        fprintf(stderr, "Error: %s: %s\n", options->host, gai_strerror(failure));
        return false;
    }
    fd = connect_to_family(addresses, true, source_port);
    if (fd < 0)
        fd = connect_to_family(addresses, false, source_port);
    if (fd < 0)
        fprintf(stderr, "Error: %s port %s: %s\n", options->host, port, strerror(errno));
    freeaddrinfo(addresses);
    *transport = (struct sn_transport){ .fd = fd,
        .due_ms = SN_NEVER_MS,
        .renew = renew_nothing,
        .send = send_datagram,
        .receive = receive_datagram,
        .close = close_socket };
    return fd >= 0;
}
