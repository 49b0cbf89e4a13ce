/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet addresses with a port: from text, from names, from the kernel, and back to text.
 *
 * An IPv4 address that comes mapped into IPv6 (::ffff:10.0.0.7) is made plain IPv4 on entry, so
 * that rules and log lines know only one form of it.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/bytes.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    ADDRESS_HOST_SIZE = 64, /* "fe80::1234:5678:9abc:def0%" and an interface's name, and the NUL */
    ADDRESS_BYTES_MAX = 16, /* of a host */
    ADDRESS_TEXT_SIZE = ADDRESS_HOST_SIZE + 8, /* the same with brackets, ":65535" */
};

enum address_family {
    ADDRESS_ANY, /* either family; as the family of an address: none, as for a Unix socket's peer */
    ADDRESS_IPV4,
    ADDRESS_IPV6,
};

/* Its zero value is "no address". */
struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
};

enum address_family address_family(const struct address *address);

/* The size of address->socket that system calls want. */
socklen_t address_size(const struct address *address);

/* 0 for no address. */
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/* Two addresses are equal when host and port are. */
bool address_equal(const struct address *a, const struct address *b);

/* What a system call gave; "no address" when it is neither IPv4 nor IPv6. */
struct address address_of(const struct sockaddr *socket, socklen_t size);

/**
 * Reads a numeric host, such as 127.0.0.1, ::1, [::1] or fe80::1%eth0. Never asks a name server.
 *
 * Returns 0, or -EINVAL when the host is no number.
 */
int address_parse(struct address *out, const char *host, uint16_t port);

/**
 * Reads a host as one machine writes it to another: four decimals, or one of RFC 4291's forms; no
 * brackets, no interface, nothing shorter (10.7). `family` leaves only that one.
 *
 * Returns whether it is one.
 */
bool address_read(
        struct address *out, struct bytes host, enum address_family family, uint16_t port);

/* The same, of which the host's bytes alone are wanted; ADDRESS_ANY: it is none. */
enum address_family address_read_host(uint8_t out[static ADDRESS_BYTES_MAX], struct bytes host);

/* Reads a number from 0 to 65535 that has no zero in front. Returns whether it is one. */
bool address_read_port(uint16_t *out, struct bytes text);

/* The address of a host's 4 or 16 bytes. */
struct address address_from(enum address_family family, const uint8_t *host, uint16_t port);

/**
 * Reads what address_format() has written; "-" is no address. Never asks a name server.
 *
 * Returns 0, or -EINVAL.
 */
int address_read_text(struct address *out, struct bytes text);

/**
 * Finds the addresses of a host, numeric or a name; of NULL, those that mean every interface of
 * this machine, IPv4 first. A name may be asked of a server, so this can wait for seconds: not for
 * use inside a loop. `family` leaves only that family.
 *
 * Writes at most `max` (1 or more) different addresses. Returns how many, 1 or more, or -errno:
 * -ENOENT when the name does not exist or has no address of the family, -EAGAIN when the name
 * server does not answer now, -ENOMEM, -EIO.
 */
int address_resolve(struct address out[], size_t max, const char *host, uint16_t port,
        enum address_family family);

/* The same of a name alone. */
int address_look_up(struct address out[], size_t max, const char *host, uint16_t port,
        enum address_family family);

/* Whether a text may be the name of a host: letters, digits and their like between dots, and not
 * digits alone behind the last one, as of an address with a number too much. */
bool address_is_name(const char *text);

/**
 * The same of a name that this machine knows by itself, as of /etc/hosts; nobody else is asked. Not
 * for two threads at once.
 *
 * Returns how many; 0: another machine may know it.
 */
int address_look_up_here(struct address out[], size_t max, const char *host, uint16_t port,
        enum address_family family);

/**
 * Writes host and port, "10.0.0.7:41312" or "[::1]:1883", or "-" for no address, with a NUL.
 * Returns text.
 */
const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_SIZE]);

/* Writes the host alone, "10.0.0.7" or "::1", or "-" for no address, with a NUL. Returns text. */
const char *address_host(const struct address *address, char text[static ADDRESS_HOST_SIZE]);

#endif
