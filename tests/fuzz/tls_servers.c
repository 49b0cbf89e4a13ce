/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/tls_servers.h"

#include "tests/harness/certificates.h"

#include <assert.h>

static struct tls_server *make_server(bool datagrams)
{
    struct certificates certificates;
    struct tls_server_options options = { .require_certificate = true, .datagrams = datagrams };
    struct tls_server *server;
    char failure[FAILURE_SIZE];

    certificates_init(&certificates);
    options.application = datagrams ? NULL : "mqtt";
    options.pair = (struct tls_pair){ certificates.server_file, certificates.server_key_file };
    options.ca_file = certificates.authority_file;
    if (tls_server_new(&server, &options, failure) < 0)
        server = NULL;
    certificates_deinit(&certificates);
    return server;
}

static struct bytes find_key(const void *context, struct bytes identity)
{
    (void)context;
    return identity.size > 4 ? BYTES("a key that nobody knows") : (struct bytes){ 0 };
}

static void *ref_keys(void *context)
{
    return context;
}

static void unref_keys(void *context)
{
    (void)context;
}

static struct tls_server *make_server_of_keys(bool datagrams)
{
    static const char context[] = "keys";
    struct tls_keys keys = { find_key, ref_keys, unref_keys, (void *)(uintptr_t)context };
    struct tls_server_options options = {
        .keys = &keys, .psk_hint = "x", .ciphers = "PSK", .datagrams = datagrams
    };
    struct tls_server *server;
    char failure[FAILURE_SIZE];

    return tls_server_new(&server, &options, failure) < 0 ? NULL : server;
}

void tls_servers_make(struct tls_server *servers[TLS_SERVERS], bool datagrams)
{
    servers[0] = make_server(datagrams);
    servers[1] = make_server_of_keys(datagrams);
    assert(servers[0] && servers[1]);
}
