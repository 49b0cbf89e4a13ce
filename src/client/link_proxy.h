/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of proxy does for a link, which knows none by itself: so the code of a kind is only
 * in the programs that name its function.
 */
#ifndef CLIENT_LINK_PROXY_H
#define CLIENT_LINK_PROXY_H

#include "client/link_options.h"
#include "client/link_url.h"
#include "net/stream.h"

struct nj_proxy_kind {
    /* Takes the URL of the options' proxy apart, which is cut to pieces by that and has the texts
     * of *out. NJ_OK, or NJ_INVALID with a sentence where it is not good, or the server cannot be
     * reached so. */
    enum nj_error (*take)(struct link_url *out, const struct nj_link_options *options,
            char failure[static FAILURE_SIZE]);

    /* Puts a stream over the one to the proxy, in *stream, that leads on to a host, a name or a
     * number. It takes the one below also on failure, and borrows proxy and host for as long as it
     * lives. Returns 0, or -errno. */
    int (*open)(
            struct stream **stream, const struct link_url *proxy, const char *host, uint16_t port);
};

#endif
