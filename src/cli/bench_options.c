/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_options.h"

#include "cli/options.h"

#include <stddef.h>

#define FIELD(name) offsetof(struct bench_options, name)

static const struct option rows[] = {
    { "host", 'h', OPTION_TEXT, FIELD(host), 0, 0, "NAME", "the server; 127.0.0.1" },
    { "port", 'p', OPTION_NUMBER, FIELD(port), 1, 65535, "PORT", "its port; 1883" },
    { "unix", 0, OPTION_TEXT, FIELD(unix_path), 0, 0, "PATH", "a Unix socket, and no port" },
    { "username", 'u', OPTION_TEXT, FIELD(user_name), 0, 0, "NAME", "to log in with" },
    { "pw", 'P', OPTION_TEXT, FIELD(password), 0, 0, "WORD", "its password" },
    { "tls", 0, OPTION_SWITCH, FIELD(tls), 0, 0, NULL,
            "by TLS; this machine's authorities vouch for the server" },
    { "cafile", 0, OPTION_TEXT, FIELD(ca_file), 0, 0, "FILE", "by TLS; these authorities do" },
    { "insecure", 0, OPTION_SWITCH, FIELD(insecure), 0, 0, NULL, "by TLS; nobody needs to" },
    { "cert", 0, OPTION_TEXT, FIELD(certificate_file), 0, 0, "FILE", "by TLS; show this to it" },
    { "key", 0, OPTION_TEXT, FIELD(key_file), 0, 0, "FILE", "the certificate's key" },
    { "ws", 0, OPTION_SWITCH, FIELD(websocket), 0, 0, NULL, "by WebSocket" },
    { "version", 'V', OPTION_VERSION, FIELD(version), 0, 0, OPTION_VERSIONS,
            "MQTT 3.1, 3.1.1 or 5.0; 311" },
    { "qos", 'q', OPTION_NUMBER, FIELD(qos), 0, 2, "QOS", "of messages and subscriptions; 0" },
    { "scenario", 0, OPTION_TEXT, FIELD(scenario), 0, 0, "NAME", "as the argument" },
    { "publishers", 0, OPTION_NUMBER, FIELD(publishers), 1, 100000, "N", "connections that send" },
    { "subscribers", 0, OPTION_NUMBER, FIELD(subscribers), 1, 100000, "N",
            "connections that receive" },
    { "size", 0, OPTION_NUMBER, FIELD(size), BENCH_SIZE_MIN, 1 << 20, "BYTES", "of a payload; 64" },
    { "count", 0, OPTION_NUMBER, FIELD(count), 1, UINT32_MAX, "N",
            "messages to publish, or connections to make" },
    { "seconds", 0, OPTION_NUMBER, FIELD(seconds), 1, 3600, "S",
            "publish for that long, whatever the count" },
    { "rate", 0, OPTION_NUMBER, FIELD(rate), 1, 100000000, "N",
            "messages a second in total, each on time; latency counts from then" },
    { "pace", 0, OPTION_NUMBER, FIELD(pace_us), 0, 1000000, "US",
            "with --rate: a publisher gathers what is due for that long, then writes it; 200" },
    { "window", 0, OPTION_NUMBER, FIELD(window), 1, BENCH_WINDOW_MAX, "N",
            "messages under way per publisher (100; QoS 1 and 2: 20), or connects at once (64)" },
    { "connections", 0, OPTION_PAIR, FIELD(connections), 1, 1000000, "A,B",
            "memory at A and at B connections, sessions or subscriptions; 1000,15000" },
    { "filter", 0, OPTION_TEXT, FIELD(filter), 0, 0, "KIND",
            "of scenario subscriptions: exact, plus, hash or shared; exact" },
    { "limit", 0, OPTION_NUMBER, FIELD(limit_s), 1, 3600, "S", "end after that long; 60" },
    { "timeout", 0, OPTION_NUMBER, FIELD(timeout_s), 1, 3600, "S",
            "what has not come when nothing did for that long is lost; 10" },
    { "pid", 0, OPTION_NUMBER, FIELD(pid), 1, BENCH_PID_MAX, "PID", "the server's, to measure it" },
    { "json", 0, OPTION_SWITCH, FIELD(json), 0, 0, NULL, "print one JSON object" },
    { "help", 0, OPTION_SWITCH, FIELD(help), 0, 0, NULL, "print this" },
};

static const struct options options = {
    .command = "nightjar bench",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .argument = FIELD(scenario),
    .arguments = "one scenario is enough",
};

const struct options *bench_option_table(void)
{
    return &options;
}

int bench_options_read(struct bench_options *out, int argc, char **argv)
{
    struct bench_options read = {
        .host = "127.0.0.1",
        .port = 1883,
        .version = 4,
        .size = 64,
        .pace_us = 200,
        .connections = 1000,
        .connections_more = 15000,
        .limit_s = 60,
        .timeout_s = 10,
    };
    int result = options_read(&options, &read, argc, argv);

    if (result == 0)
        *out = read;
    return result;
}

void bench_options_help(void)
{
    options_help(&options);
}
