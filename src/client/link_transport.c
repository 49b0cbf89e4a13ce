/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_transport.h"

#include "client/link_proxy.h"
#include "net/tcp.h"
#include "net/tls_client.h"
#include "net/websocket_client.h"

#include <assert.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>

static_assert(TLS1_3_VERSION == TLS1_2_VERSION + 1, "versions follow each other, as ours do");

#define TEXT(given, wanted)                                                                        \
    {                                                                                              \
        offsetof(struct nj_tls_options, given), offsetof(struct tls_client_options, wanted)        \
    }

/* Where the texts of the options lie, and where TLS wants them. */
static const struct {
    uint8_t from;
    uint8_t to;
} texts[] = {
    TEXT(ca_file, ca_file),
    TEXT(ca_folder, ca_folder),
    TEXT(certificate_file, certificate_file),
    TEXT(key_file, key_file),
    TEXT(key_password, key_password),
    TEXT(psk_identity, psk_identity),
    TEXT(psk, psk),
    TEXT(server_name, server_name),
    TEXT(ciphers, ciphers),
    TEXT(suites, suites),
    TEXT(alpn, application),
    TEXT(engine, engine),
    TEXT(engine_password, engine_password),
    TEXT(keylog_file, keylog_file),
};

static int version_of(enum nj_tls_version version)
{
    return version == NJ_TLS_ANY ? 0 : TLS1_2_VERSION + (int)(version - NJ_TLS_1_2);
}

enum nj_error link_transport_prepare(struct tls_client **out, const struct nj_link_options *options,
        char failure[static FAILURE_SIZE])
{
    const struct nj_tls_options *tls = &options->tls;
    struct tls_client_options wanted = {
        .system_authorities = tls->system_authorities,
        .version_min = version_of(tls->version_min),
        .version_max = version_of(tls->version_max),
        .engine_has_key = tls->engine_has_key,
        .any_name = tls->any_name,
        .any_certificate = tls->any_certificate,
    };
    int result;

    *out = NULL;
    if (!link_is_tls(options->transport))
        return NJ_OK;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *(const char **)((uintptr_t)&wanted + texts[i].to) =
                *(const char *const *)((uintptr_t)tls + texts[i].from);
    if (!wanted.server_name)
        wanted.server_name = options->host;
    result = tls_client_new(out, &wanted, failure);
    if (result == -ENOMEM)
        return NJ_NO_MEMORY;
    return result < 0 ? NJ_TLS : NJ_OK;
}

void link_transport_release(struct tls_client *tls)
{
    tls_client_free(tls);
}

const char *link_place(char text[static LINK_PLACE_SIZE], const char *host, uint16_t port)
{
    bool is_v6 = strchr(host, ':');

    snprintf(text, LINK_PLACE_SIZE, "%s%.*s%s:%u", is_v6 ? "[" : "", LINK_HOST_MAX, host,
            is_v6 ? "]" : "", port);
    return text;
}

static int open_socket(
        struct stream **out, const struct nj_link_options *options, const struct address *to)
{
    struct tcp_options tcp = { .no_delay = true };
    struct address from;

    if (options->transport == NJ_TRANSPORT_UNIX)
        return tcp_connect_unix(out, options->path);
    if (options->bind_address && address_parse(&from, options->bind_address, 0) == 0)
        tcp.from = &from;
    return tcp_connect(out, to, &tcp);
}

int link_transport_open(struct stream **out, const struct nj_link_options *options,
        const struct link_url *proxy, struct tls_client *tls, const struct address *to)
{
    char place[LINK_PLACE_SIZE];
    int result = open_socket(out, options, to);

    if (result == 0 && proxy->host)
        result = options->proxy.kind->open(out, proxy, options->host, options->port);
    if (result == 0 && tls)
        result = tls_client_open(out, *out, tls);
    if (result == 0 && link_is_websocket(options->transport))
        result = websocket_client_open(
                out, *out, link_place(place, options->host, options->port), options->path);
    return result;
}
