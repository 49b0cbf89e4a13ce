/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_door.h"

#include "net/tcp.h"
#include "net/tls_client.h"
#include "net/websocket_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SOURCES = 32, /* addresses to connect from, each with its own ports */
    HOST_SIZE = 300,
};

static bool is_tls(const struct bench_options *options)
{
    return options->tls || options->ca_file || options->insecure || options->certificate_file;
}

static int open_tls(struct bench_door *door, char *problem)
{
    const struct bench_options *options = door->options;
    const struct tls_client_options wanted = {
        .ca_file = options->ca_file,
        .system_authorities = !options->ca_file,
        .certificate_file = options->certificate_file,
        .key_file = options->key_file,
        .server_name = options->host,
        .any_name = options->insecure,
        .any_certificate = options->insecure,
    };
    char told[FAILURE_SIZE] = "";
    int result = tls_client_new(&door->tls, &wanted, told);

    if (result < 0)
        snprintf(problem, BENCH_PROBLEM_SIZE, "%.*s", BENCH_PROBLEM_SIZE - 1,
                told[0] ? told : strerror(-result));
    return result;
}

int bench_door_open(struct bench_door *door, const struct bench_options *options,
        char problem[static BENCH_PROBLEM_SIZE])
{
    int result = 0;

    *door = (struct bench_door){ .options = options };
    if (!options->unix_path)
        result = address_resolve(
                &door->server, 1, options->host, (uint16_t)options->port, ADDRESS_ANY);
    if (result < 0) {
        snprintf(problem, BENCH_PROBLEM_SIZE, "%s: %s", options->host, strerror(-result));
        return result;
    }
    return is_tls(options) ? open_tls(door, problem) : 0;
}

bool bench_door_has_layers(const struct bench_door *door)
{
    return door->tls || door->options->websocket;
}

void bench_door_close(struct bench_door *door)
{
    tls_client_free(door->tls);
    door->tls = NULL;
}

/*
 * One address has some 28,000 ports to connect from, and those closed last rest for a minute. On
 * loopback there are more addresses to connect from.
 */
static bool choose_source(const struct address *to, uint32_t number, struct address *from)
{
    char host[ADDRESS_HOST_SIZE];

    if (address_family(to) != ADDRESS_IPV4 || ntohl(to->socket.v4.sin_addr.s_addr) >> 24 != 127)
        return false;
    snprintf(host, sizeof(host), "127.0.0.%" PRIu32, 2 + number % SOURCES);
    return address_parse(from, host, 0) == 0;
}

static int open_tcp(const struct address *to, uint32_t number, struct stream **out)
{
    struct address from;
    bool has_source = choose_source(to, number, &from);
    struct tcp_options options = { .from = has_source ? &from : NULL, .no_delay = true };

    return tcp_connect(out, to, &options);
}

static int open_websocket(const struct bench_options *options, struct stream **stream)
{
    char host[HOST_SIZE];
    bool is_v6 = strchr(options->host, ':');

    snprintf(host, sizeof(host), "%s%s%s:%" PRId64, is_v6 ? "[" : "", options->host,
            is_v6 ? "]" : "", options->port);
    return websocket_client_open(stream, *stream, host, "/mqtt");
}

int bench_door_connect(const struct bench_door *door, uint32_t number, struct stream **out)
{
    const struct bench_options *options = door->options;
    struct stream *stream = NULL;
    int result = options->unix_path ? tcp_connect_unix(&stream, options->unix_path)
                                    : open_tcp(&door->server, number, &stream);

    if (result == 0 && door->tls)
        result = tls_client_open(&stream, stream, door->tls);
    if (result == 0 && options->websocket)
        result = open_websocket(options, &stream);
    if (result == 0)
        *out = stream;
    return result;
}
