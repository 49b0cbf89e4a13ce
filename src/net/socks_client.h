/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection through a SOCKS5 proxy, as a stream over the one to the proxy: the first write or
 * read asks the proxy, and none takes or gives a byte before the server is reached.
 */
#ifndef NET_SOCKS_CLIENT_H
#define NET_SOCKS_CLIENT_H

#include "net/socks.h"
#include "net/stream.h"

/**
 * Makes a stream of `below`, which it takes, also on failure. The texts of the wish must last as
 * long as the stream.
 *
 * Where the proxy says no, reads and writes fail with the -errno that comes nearest to it, such as
 * -ECONNREFUSED, and stream_failure() says why; with -ECONNABORTED where it does not speak SOCKS5.
 *
 * Returns 0, -ENOMEM, or -EINVAL where the wish cannot be said to a proxy.
 */
int socks_client_open(struct stream **out, struct stream *below, const struct socks_wish *wish);

#endif
