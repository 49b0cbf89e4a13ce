/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's name for a family of ours. */
static int domain_of(enum address_family family)
{
    static const int domains[] = { AF_UNSPEC, AF_INET, AF_INET6 };

    return domains[family];
}

enum address_family address_family(const struct address *address)
{
    switch (address->socket.any.sa_family) {
    case AF_INET:
        return ADDRESS_IPV4;
    case AF_INET6:
        return ADDRESS_IPV6;
    default:
        return ADDRESS_ANY;
    }
}

socklen_t address_size(const struct address *address)
{
    static const socklen_t sizes[] = { 0, sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6) };

    return sizes[address_family(address)];
}

uint16_t address_port(const struct address *address)
{
    switch (address_family(address)) {
    case ADDRESS_IPV4:
        return ntohs(address->socket.v4.sin_port);
    case ADDRESS_IPV6:
        return ntohs(address->socket.v6.sin6_port);
    case ADDRESS_ANY:
        break;
    }
    return 0;
}

void address_set_port(struct address *address, uint16_t port)
{
    switch (address_family(address)) {
    case ADDRESS_IPV4:
        address->socket.v4.sin_port = htons(port);
        break;
    case ADDRESS_IPV6:
        address->socket.v6.sin6_port = htons(port);
        break;
    case ADDRESS_ANY:
        break;
    }
}

bool address_equal(const struct address *a, const struct address *b)
{
    const struct sockaddr_in6 *six_a = &a->socket.v6;
    const struct sockaddr_in6 *six_b = &b->socket.v6;

    if (address_family(a) != address_family(b) || address_port(a) != address_port(b))
        return false;
    switch (address_family(a)) {
    case ADDRESS_IPV4:
        return a->socket.v4.sin_addr.s_addr == b->socket.v4.sin_addr.s_addr;
    case ADDRESS_IPV6:
        return six_a->sin6_scope_id == six_b->sin6_scope_id &&
                memcmp(&six_a->sin6_addr, &six_b->sin6_addr, sizeof(six_a->sin6_addr)) == 0;
    case ADDRESS_ANY:
        break;
    }
    return true;
}

/* Makes plain IPv4 of an IPv4 address that was mapped into IPv6. */
static void unmap(struct address *address)
{
    const struct sockaddr_in6 six = address->socket.v6;
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = six.sin6_port };

    if (address_family(address) != ADDRESS_IPV6 || !IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
        return;
    memcpy(&four.sin_addr, &six.sin6_addr.s6_addr[12], sizeof(four.sin_addr));
    address->socket.v4 = four;
}

struct address address_of(const struct sockaddr *socket, socklen_t size)
{
    struct address address = { 0 };
    socklen_t wanted = 0;

    if (size >= sizeof(sa_family_t) && socket->sa_family == AF_INET)
        wanted = sizeof(address.socket.v4);
    if (size >= sizeof(sa_family_t) && socket->sa_family == AF_INET6)
        wanted = sizeof(address.socket.v6);
    if (size < wanted)
        return address;
    memcpy(&address.socket, socket, wanted);
    unmap(&address);
    return address;
}

/* Looks a host up; 0 or one of getaddrinfo's own errors. */
static int look_up(struct addrinfo **list, const char *host, int flags, enum address_family family)
{
    struct addrinfo hints = {
        .ai_flags = flags,
        .ai_family = domain_of(family),
        .ai_socktype = SOCK_STREAM,
    };

    return getaddrinfo(host, host ? NULL : "0", &hints, list);
}

int address_parse(struct address *out, const char *host, uint16_t port)
{
    char plain[ADDRESS_HOST_SIZE];
    struct addrinfo *list;
    size_t size = strlen(host);

    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        host++;
        size -= 2;
    }
    if (size == 0 || size >= sizeof(plain))
        return -EINVAL;
    memcpy(plain, host, size);
    plain[size] = '\0';
    if (look_up(&list, plain, AI_NUMERICHOST, ADDRESS_ANY) != 0)
        return -EINVAL;
    *out = address_of(list->ai_addr, list->ai_addrlen);
    address_set_port(out, port);
    freeaddrinfo(list);
    return 0;
}

static int errno_of_lookup(int error)
{
    switch (error) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
    case EAI_FAIL:
        return -ENOENT;
    case EAI_AGAIN:
        return -EAGAIN;
    case EAI_MEMORY:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

/* Adds an address where it is not there yet and there is room. Returns the new count. */
static size_t add(struct address out[], size_t count, size_t max, const struct address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (address_equal(&out[i], address))
            return count;
    }
    if (count < max)
        out[count++] = *address;
    return count;
}

/* Every interface. getaddrinfo() would leave the order of the two to the machine's settings. */
static int resolve_all(struct address out[], size_t max, uint16_t port, enum address_family family)
{
    static const char *const hosts[] = { "0.0.0.0", "::" };
    static const enum address_family families[] = { ADDRESS_IPV4, ADDRESS_IPV6 };
    size_t count = 0;

    for (size_t i = 0; i < 2 && count < max; i++) {
        if (family == ADDRESS_ANY || family == families[i])
            address_parse(&out[count++], hosts[i], port);
    }
    return (int)count;
}

int address_resolve(struct address out[], size_t max, const char *host, uint16_t port,
        enum address_family family)
{
    struct addrinfo *list;
    size_t count = 0;
    int error;

    if (!host)
        return resolve_all(out, max, port, family);
    if (address_parse(&out[0], host, port) == 0)
        return family == ADDRESS_ANY || family == address_family(&out[0]) ? 1 : -ENOENT;
    error = look_up(&list, host, 0, family);
    if (error != 0)
        return errno_of_lookup(error);
    for (const struct addrinfo *entry = list; entry; entry = entry->ai_next) {
        struct address address = address_of(entry->ai_addr, entry->ai_addrlen);

        address_set_port(&address, port);
        if (address_family(&address) != ADDRESS_ANY)
            count = add(out, count, max, &address);
    }
    freeaddrinfo(list);
    return count > 0 ? (int)count : -ENOENT;
}

const char *address_host(const struct address *address, char text[static ADDRESS_HOST_SIZE])
{
    const struct sockaddr_in6 *six = &address->socket.v6;
    char interface[IF_NAMESIZE];
    size_t size;

    switch (address_family(address)) {
    case ADDRESS_IPV4:
        inet_ntop(AF_INET, &address->socket.v4.sin_addr, text, ADDRESS_HOST_SIZE);
        return text;
    case ADDRESS_IPV6:
        inet_ntop(AF_INET6, &six->sin6_addr, text, ADDRESS_HOST_SIZE);
        size = strlen(text);
        if (six->sin6_scope_id != 0 && if_indextoname(six->sin6_scope_id, interface))
            snprintf(text + size, ADDRESS_HOST_SIZE - size, "%%%s", interface);
        return text;
    case ADDRESS_ANY:
        break;
    }
    strcpy(text, "-");
    return text;
}

const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_SIZE])
{
    char host[ADDRESS_HOST_SIZE];
    bool six = address_family(address) == ADDRESS_IPV6;

    address_host(address, host);
    if (address_family(address) == ADDRESS_ANY)
        return strcpy(text, host);
    snprintf(text, ADDRESS_TEXT_SIZE, "%s%s%s:%u", six ? "[" : "", host, six ? "]" : "",
            address_port(address));
    return text;
}
