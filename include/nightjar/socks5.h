/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a link (nightjar/link.h) through a SOCKS5 proxy, as RFC 1928 and RFC 1929 have it. A
 * program that is linked statically has this in it only where it names the function:
 *
 *     struct nj_link_options options = {
 *         .url = "mqtts://mqtt.example",
 *         .proxy = nj_socks5("socks5h://ada:secret@proxy.example"),
 *     };
 *     struct nj_link *link = nj_link_new(&options);
 */
#ifndef NIGHTJAR_SOCKS5_H
#define NIGHTJAR_SOCKS5_H

#include "nightjar/link.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/*
 * The proxy at socks5h://[user[:password]@]host[:port], for the options of a link; port 1080 where
 * none is said. Bytes may be written as %41. The proxy resolves the server's name. NULL: no proxy.
 *
 * The URL is borrowed until nj_link_new() has copied it, which also judges it: NJ_INVALID. What the
 * proxy refuses is NJ_NETWORK later.
 */
struct nj_proxy nj_socks5(const char *url);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
