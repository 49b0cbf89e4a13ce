/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include "base/decimal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_PART_MAX = 63 }; /* letters between two dots */

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

/* So no port needs to be told by its family. */
static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
        "both kinds have their port at one place");

uint16_t address_port(const struct address *address)
{
    return ntohs(address->socket.v4.sin_port);
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address_family(address) != ADDRESS_ANY)
        address->socket.v4.sin_port = htons(port);
}

bool address_equal(const struct address *a, const struct address *b)
{
    const struct sockaddr_in6 *six_a = &a->socket.v6;
    const struct sockaddr_in6 *six_b = &b->socket.v6;
    enum address_family family = address_family(a);

    if (family != address_family(b) || address_port(a) != address_port(b))
        return false;
    switch (family) {
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

/* Makes plain IPv4 of an address of IPv6 into which it was mapped. */
static void unmap(struct address *address)
{
    const struct sockaddr_in6 six = address->socket.v6;
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = six.sin6_port };

    if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
        return;
    memcpy(&four.sin_addr, &six.sin6_addr.s6_addr[12], sizeof(four.sin_addr));
    *address = (struct address){ .socket.v4 = four };
}

struct address address_of(const struct sockaddr *socket, socklen_t size)
{
    struct address address = { 0 };

    if (size >= sizeof(address.socket.v4) && socket->sa_family == AF_INET)
        memcpy(&address.socket.v4, socket, sizeof(address.socket.v4));
    if (size >= sizeof(address.socket.v6) && socket->sa_family == AF_INET6) {
        memcpy(&address.socket.v6, socket, sizeof(address.socket.v6));
        unmap(&address);
    }
    return address;
}

static int errno_of_lookup(int error)
{
    if (error == EAI_AGAIN)
        return -EAGAIN;
    if (error == EAI_MEMORY)
        return -ENOMEM;
    return error == EAI_SYSTEM ? -EIO : -ENOENT;
}

/* Adds an address where it is not there yet and there is room. Returns the new count. All are of
 * getaddrinfo(), which leaves none of their bytes to chance. */
static size_t add(struct address out[], size_t count, size_t max, const struct address *address)
{
    struct bytes new = bytes_of(address, sizeof(*address));

    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(bytes_of(&out[i], sizeof(out[i])), new))
            return count;
    }
    if (count < max)
        out[count++] = *address;
    return count;
}

/* Finds addresses of a host; `flags` are getaddrinfo()'s. Returns how many, or -errno. */
static int look_up(struct address out[], size_t max, const char *host, uint16_t port,
        enum address_family family, int flags)
{
    const struct addrinfo hints = {
        .ai_flags = flags,
        .ai_family = domain_of(family),
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *list;
    size_t count = 0;
    int error = getaddrinfo(host, NULL, &hints, &list);

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

int address_parse(struct address *out, const char *host, uint16_t port)
{
    char plain[ADDRESS_HOST_SIZE];
    size_t size = strlen(host);

    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        host++;
        size -= 2;
    }
    if (size == 0 || size >= sizeof(plain))
        return -EINVAL;
    memcpy(plain, host, size);
    plain[size] = '\0';
    return look_up(out, 1, plain, port, ADDRESS_ANY, AI_NUMERICHOST) > 0 ? 0 : -EINVAL;
}

struct address address_from(enum address_family family, const uint8_t *host, uint16_t port)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    if (family == ADDRESS_IPV4) {
        memcpy(&four.sin_addr, host, sizeof(four.sin_addr));
        return address_of((struct sockaddr *)&four, sizeof(four));
    }
    memcpy(&six.sin6_addr, host, sizeof(six.sin6_addr));
    return address_of((struct sockaddr *)&six, sizeof(six));
}

enum address_family address_read_host(uint8_t out[static ADDRESS_BYTES_MAX], struct bytes host)
{
    char text[ADDRESS_HOST_SIZE];

    if (host.size == 0 || host.size >= sizeof(text) || memchr(host.data, '\0', host.size))
        return ADDRESS_ANY;
    memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    if (inet_pton(AF_INET, text, out) == 1)
        return ADDRESS_IPV4;
    return inet_pton(AF_INET6, text, out) == 1 ? ADDRESS_IPV6 : ADDRESS_ANY;
}

bool address_read(struct address *out, struct bytes host, enum address_family family, uint16_t port)
{
    uint8_t bytes[ADDRESS_BYTES_MAX];
    enum address_family found = address_read_host(bytes, host);

    if (found == ADDRESS_ANY || (family != ADDRESS_ANY && family != found))
        return false;
    *out = address_from(found, bytes, port);
    return true;
}

bool address_read_port(uint16_t *out, struct bytes text)
{
    uint32_t port = 0;

    if (text.size == 0 || text.size > 5 || (text.size > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    return true;
}

int address_read_text(struct address *out, struct bytes text)
{
    char host[ADDRESS_TEXT_SIZE];
    char *colon;
    uint16_t port;

    if (bytes_equal(text, BYTES("-"))) {
        *out = (struct address){ 0 };
        return 0;
    }
    if (text.size == 0 || text.size >= sizeof(host))
        return -EINVAL;
    memcpy(host, text.data, text.size);
    host[text.size] = '\0';
    colon = strrchr(host, ':');
    if (!colon || !address_read_port(&port, bytes_of_text(colon + 1)))
        return -EINVAL;
    *colon = '\0';
    return address_parse(out, host, port);
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

int address_look_up(struct address out[], size_t max, const char *host, uint16_t port,
        enum address_family family)
{
    return look_up(out, max, host, port, family, 0);
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool is_of_name(char letter)
{
    char small = letter | 0x20;

    return (small >= 'a' && small <= 'z') || is_digit(letter) || letter == '-' || letter == '_';
}

bool address_is_name(const char *text)
{
    bool digits = false; /* the part has nothing else so far */
    size_t size = 0;     /* of the part */

    for (; *text != '\0'; text++) {
        bool begins = size == 0;

        if (*text == '.' ? begins : !is_of_name(*text))
            return false;
        if (*text == '.') {
            size = 0;
            continue;
        }
        digits = is_digit(*text) && (begins || digits);
        if (++size > NAME_PART_MAX)
            return false;
    }
    return size > 0 && !digits;
}

static bool is_called(const struct hostent *entry, const char *host)
{
    bool is = strcasecmp(entry->h_name, host) == 0;

    for (char *const *alias = entry->h_aliases; !is && *alias; alias++)
        is = strcasecmp(*alias, host) == 0;
    return is;
}

int address_look_up_here(struct address out[], size_t max, const char *host, uint16_t port,
        enum address_family family)
{
    const struct hostent *entry;
    size_t count = 0;

    sethostent(0);
    while ((entry = gethostent())) {
        enum address_family its = entry->h_addrtype == AF_INET6 ? ADDRESS_IPV6 : ADDRESS_IPV4;

        if (!is_called(entry, host) || (family != ADDRESS_ANY && family != its))
            continue;
        for (char *const *next = entry->h_addr_list; *next && count < max; next++)
            out[count++] = address_from(its, (const uint8_t *)*next, port);
    }
    endhostent();
    return (int)count;
}

int address_resolve(struct address out[], size_t max, const char *host, uint16_t port,
        enum address_family family)
{
    if (!host)
        return resolve_all(out, max, port, family);
    if (address_parse(&out[0], host, port) == 0)
        return family == ADDRESS_ANY || family == address_family(&out[0]) ? 1 : -ENOENT;
    return address_look_up(out, max, host, port, family);
}

static char *write_number(char *to, uint16_t number)
{
    return (char *)decimal_write((uint8_t *)to, number);
}

/* Returns where it ends, without a NUL. */
static char *write_ipv4(char *to, const struct in_addr *host)
{
    uint8_t parts[sizeof(*host)];

    memcpy(parts, host, sizeof(parts));
    for (size_t i = 0; i < sizeof(parts); i++) {
        if (i > 0)
            *to++ = '.';
        to = write_number(to, parts[i]);
    }
    return to;
}

const char *address_host(const struct address *address, char text[static ADDRESS_HOST_SIZE])
{
    const struct sockaddr_in6 *six = &address->socket.v6;
    char interface[IF_NAMESIZE];
    size_t size;

    switch (address_family(address)) {
    case ADDRESS_IPV4:
        *write_ipv4(text, &address->socket.v4.sin_addr) = '\0';
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
    char *end;

    switch (address_family(address)) {
    case ADDRESS_IPV4:
        end = write_ipv4(text, &address->socket.v4.sin_addr);
        *end++ = ':';
        *write_number(end, address_port(address)) = '\0';
        return text;
    case ADDRESS_IPV6:
        snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%u", address_host(address, host),
                address_port(address));
        return text;
    case ADDRESS_ANY:
        break;
    }
    return address_host(address, text);
}
