/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks: an address and how many of its first bits count, as 192.0.2.0/24, 2001:db8::/32 or,
 * where all count, 192.0.2.7; and short lists of them.
 *
 * Both are plain values without padding: equal ones are equal bytes.
 */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "base/bytes.h"

#include <stdbool.h>

enum {
    NETWORK_TEXT_SIZE = 64, /* an address, "/128" and the NUL */
    NETWORK_LIST_MAX = 128, /* networks of one list */
};

struct address;

struct network {
    uint8_t family;    /* enum address_family; its zero value is no network */
    uint8_t prefix;    /* bits that count: 0..32, or 0..128 of IPv6 */
    uint8_t bytes[16]; /* of the address, of IPv4 the first 4; zero behind the prefix */
};

struct network_list {
    uint16_t count;
    struct network networks[NETWORK_LIST_MAX]; /* zero behind the last */
};

/**
 * Reads an address, or an address and a prefix behind a slash. IPv4 that is mapped into IPv6
 * (::ffff:10.0.0.0/104) is made plain IPv4, as addresses are; host names and interfaces (%eth0)
 * are none of a network.
 *
 * Returns 0, or -EINVAL: it is no address, or its prefix is none, is too long, or has bits of the
 * address behind it (10.0.0.7/8), so that two things may be meant.
 */
int network_parse(struct network *out, struct bytes text);

/* Writes it as network_parse() reads it, an address alone where all bits count. Returns text. */
const char *network_format(const struct network *network, char text[static NETWORK_TEXT_SIZE]);

/* Whether it is one address, and that of a group of multicast. */
bool network_is_group(const struct network *network);

/* Its address, with this port; only of one that is an address. */
struct address network_address(const struct network *network, uint16_t port);

/* The port does not matter. "No address", a Unix socket's peer, is in no network. */
bool network_contains(const struct network *network, const struct address *address);

bool network_list_contains(const struct network_list *list, const struct address *address);

#endif
