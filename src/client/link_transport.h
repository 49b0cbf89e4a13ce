/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a server as one stream: a TCP connection or a Unix socket, and what the options put
 * on it.
 */
#ifndef CLIENT_LINK_TRANSPORT_H
#define CLIENT_LINK_TRANSPORT_H

#include "client/link_options.h"
#include "net/stream.h"

enum {
    LINK_HOST_MAX = 255,                  /* bytes of a host; of a longer one no more is shown */
    LINK_PLACE_SIZE = LINK_HOST_MAX + 10, /* with brackets, a port, and the NUL */
};

struct tls_client;

/*
 * Reads the files of TLS that the options name; *out is NULL where they ask for no TLS.
 * NJ_OK, NJ_NO_MEMORY, or NJ_TLS with a sentence.
 */
enum nj_error link_transport_prepare(struct tls_client **out, const struct nj_link_options *options,
        char failure[static FAILURE_SIZE]);

void link_transport_release(struct tls_client *tls);

struct link_url;

/*
 * Begins to connect to an address, which is the proxy's where that has a host, and is not looked at
 * for a Unix socket. It does not wait: the first byte that the stream takes tells that all layers
 * stand. The proxy is borrowed for as long as the stream lives. Returns 0, or -errno.
 */
int link_transport_open(struct stream **out, const struct nj_link_options *options,
        const struct link_url *proxy, struct tls_client *tls, const struct address *to);

/* Writes host:port, in brackets where the host is an address of IPv6. Returns text. */
const char *link_place(char text[static LINK_PLACE_SIZE], const char *host, uint16_t port);

#endif
