/* SPDX-License-Identifier: Apache-2.0 */
#include "net/network.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    IPV4_BITS = 32,
    IPV6_BITS = 128,
    MAPPED_BITS = 96,  /* that stand before an IPv4 address which is mapped into IPv6 */
    PREFIX_DIGITS = 3, /* at most, as in /128 */
};

static_assert(sizeof(struct network) == 18, "equal networks are equal bytes");

static unsigned bits_of(uint8_t family)
{
    return family == ADDRESS_IPV4 ? IPV4_BITS : IPV6_BITS;
}

/* Are the first `bits` bits of both the same? */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

    return memcmp(a, b, whole) == 0 && (bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool is_mapped(const struct network *network)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    return network->family == ADDRESS_IPV6 && network->prefix >= MAPPED_BITS &&
            same_bits(network->bytes, mapped, MAPPED_BITS);
}

static bool read_host(struct network *out, struct bytes text)
{
    char host[ADDRESS_HOST_SIZE];

    if (text.size == 0 || text.size >= sizeof(host) || memchr(text.data, '\0', text.size))
        return false;
    memcpy(host, text.data, text.size);
    host[text.size] = '\0';
    if (inet_pton(AF_INET, host, out->bytes) == 1)
        out->family = ADDRESS_IPV4;
    else if (inet_pton(AF_INET6, host, out->bytes) == 1)
        out->family = ADDRESS_IPV6;
    return out->family != ADDRESS_ANY;
}

static bool read_prefix(struct network *out, struct bytes digits)
{
    unsigned prefix = 0;

    if (digits.size == 0 || digits.size > PREFIX_DIGITS)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        prefix = prefix * 10 + (digits.data[i] - '0');
    }
    if (prefix > bits_of(out->family))
        return false;
    out->prefix = (uint8_t)prefix;
    return true;
}

/* Is every bit behind the prefix 0? */
static bool is_bare(const struct network *network)
{
    uint8_t bare[sizeof(network->bytes)] = { 0 };
    unsigned whole = network->prefix / 8;

    memcpy(bare, network->bytes, whole);
    if (network->prefix % 8 > 0)
        bare[whole] = network->bytes[whole] & (uint8_t)(0xff00 >> network->prefix % 8);
    return memcmp(bare, network->bytes, sizeof(bare)) == 0;
}

static void unmap(struct network *network)
{
    struct network plain = { .family = ADDRESS_IPV4 };

    if (!is_mapped(network))
        return;
    plain.prefix = (uint8_t)(network->prefix - MAPPED_BITS);
    memcpy(plain.bytes, network->bytes + MAPPED_BITS / 8, IPV4_BITS / 8);
    *network = plain;
}

int network_parse(struct network *out, struct bytes text)
{
    const uint8_t *slash = text.size > 0 ? memchr(text.data, '/', text.size) : NULL;
    size_t host_size = slash ? (size_t)(slash - text.data) : text.size;
    struct network network = { 0 };

    if (!read_host(&network, bytes_first(text, host_size)))
        return -EINVAL;
    network.prefix = (uint8_t)bits_of(network.family);
    if (slash && !read_prefix(&network, bytes_from(text, host_size + 1)))
        return -EINVAL;
    if (!is_bare(&network))
        return -EINVAL;
    unmap(&network);
    *out = network;
    return 0;
}

const char *network_format(const struct network *network, char text[static NETWORK_TEXT_SIZE])
{
    size_t size;

    if (network->family == ADDRESS_ANY)
        return strcpy(text, "-");
    inet_ntop(network->family == ADDRESS_IPV4 ? AF_INET : AF_INET6, network->bytes, text,
            NETWORK_TEXT_SIZE);
    size = strlen(text);
    if (network->prefix < bits_of(network->family))
        snprintf(text + size, NETWORK_TEXT_SIZE - size, "/%u", network->prefix);
    return text;
}

bool network_contains(const struct network *network, const struct address *address)
{
    if (network->family != address_family(address))
        return false;
    switch (address_family(address)) {
    case ADDRESS_IPV4:
        return same_bits(
                network->bytes, (const uint8_t *)&address->socket.v4.sin_addr, network->prefix);
    case ADDRESS_IPV6:
        return same_bits(network->bytes, address->socket.v6.sin6_addr.s6_addr, network->prefix);
    case ADDRESS_ANY:
        break;
    }
    return false;
}

bool network_list_contains(const struct network_list *list, const struct address *address)
{
    for (size_t i = 0; i < list->count; i++) {
        if (network_contains(&list->networks[i], address))
            return true;
    }
    return false;
}

bool network_is_group(const struct network *network)
{
    if (network->family == ADDRESS_IPV4)
        return network->prefix == 32 && network->bytes[0] >> 4 == 0xE;
    return network->family == ADDRESS_IPV6 && network->prefix == 128 && network->bytes[0] == 0xFF;
}

struct address network_address(const struct network *network, uint16_t port)
{
    return address_from((enum address_family)network->family, network->bytes, port);
}
