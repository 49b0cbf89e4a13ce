/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line of `nightjar bench` says. One table row for each option: parsing, ranges
 * and --help read it.
 */
#ifndef CLI_BENCH_OPTIONS_H
#define CLI_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BENCH_SIZE_MIN = 16, /* channel, number and time of each message */
    BENCH_WINDOW_MAX = 65535,
    BENCH_PID_MAX = 4194304, /* of Linux */
};

/* Texts borrow from argv. A number that is 0 was not given, and the scenario chooses. */
struct bench_options {
    const char *scenario;
    const char *host;
    int64_t port;
    const char *unix_path; /* NULL: TCP */
    const char *user_name;
    const char *password;
    bool tls; /* also where one of the next four is given */
    const char *ca_file;
    const char *certificate_file;
    const char *key_file;
    bool insecure; /* the server's certificate is not verified */
    bool websocket;
    int64_t version; /* 3, 4 or 5: an enum mqtt_version */
    int64_t qos;
    int64_t publishers;
    int64_t subscribers;
    int64_t size;        /* bytes of a payload */
    int64_t count;       /* messages to publish, or connections to make */
    int64_t seconds;     /* publish for that long instead */
    int64_t rate;        /* messages a second in total, sent on time; 0: as the window allows */
    int64_t pace_us;     /* with a rate: the least time between two writes of a publisher */
    int64_t window;      /* messages of a publisher under way */
    int64_t connections; /* of the scenarios that grow: the first count, */
    int64_t connections_more; /* and the second one */
    const char *filter;       /* of scenario subscriptions; NULL: exact */
    int64_t limit_s;          /* of the whole run */
    int64_t timeout_s;        /* without anything that comes: the rest is lost */
    int64_t pid;              /* of the server, to measure it */
    bool json;
    bool help;
};

/**
 * Reads the command line; argv[0] is skipped. Says on stderr what is wrong.
 *
 * Returns 0, or -EINVAL.
 */
int bench_options_read(struct bench_options *out, int argc, char **argv);

struct options;

/* The options, for the shells' completion. */
const struct options *bench_option_table(void);

/* Prints one line for each option to stdout. */
void bench_options_help(void);

#endif
