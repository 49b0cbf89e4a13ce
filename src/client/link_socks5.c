/* SPDX-License-Identifier: Apache-2.0 */
#include "nightjar/socks5.h"

#include "client/link_proxy.h"
#include "net/socks_client.h"

static enum nj_error take(struct link_url *out, const struct nj_link_options *options,
        char failure[static FAILURE_SIZE])
{
    const char *wrong = link_url_parse_proxy(out, (char *)(uintptr_t)options->proxy.url);

    if (wrong)
        return failure_tell(failure, NJ_INVALID, "the proxy's URL is not good: %s", wrong);
    if (options->transport == NJ_TRANSPORT_UNIX)
        return failure_tell(failure, NJ_INVALID, "the options are not good: %s",
                "a Unix socket is not reached through a proxy");
    return NJ_OK;
}

static int open_through(
        struct stream **stream, const struct link_url *proxy, const char *host, uint16_t port)
{
    const struct socks_wish wish = {
        .host = host,
        .user = proxy->user_name,
        .password = proxy->password,
        .port = port,
    };

    return socks_client_open(stream, *stream, &wish);
}

struct nj_proxy nj_socks5(const char *url)
{
    static const struct nj_proxy_kind kind = { .take = take, .open = open_through };

    return (struct nj_proxy){ .kind = &kind, .url = url };
}
