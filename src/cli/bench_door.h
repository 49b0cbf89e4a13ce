/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to the server: TCP or a Unix socket, and TLS and WebSocket on it where the options ask.
 */
#ifndef CLI_BENCH_DOOR_H
#define CLI_BENCH_DOOR_H

#include "cli/bench_options.h"

#include "net/address.h"
#include "net/stream.h"

enum { BENCH_PROBLEM_SIZE = 512 };

struct tls_client;

struct bench_door {
    const struct bench_options *options;
    struct address server;  /* of TCP */
    struct tls_client *tls; /* NULL: in clear text */
};

/**
 * Asks for the server's address, and reads the files of TLS. Borrows options. On failure nothing
 * is left open, and `problem` holds a sentence.
 *
 * Returns 0, or -errno.
 */
int bench_door_open(struct bench_door *door, const struct bench_options *options,
        char problem[static BENCH_PROBLEM_SIZE]);

/* Whether there is more than a socket, so that what to wait for may be another than is wanted. */
bool bench_door_has_layers(const struct bench_door *door);

/* Streams that were made may live on. */
void bench_door_close(struct bench_door *door);

/**
 * Begins to connect client `number` and does not wait: what is written waits until all layers
 * stand. On loopback the clients come from several addresses, for each has its own ports.
 *
 * Returns 0, or -errno.
 */
int bench_door_connect(const struct bench_door *door, uint32_t number, struct stream **out);

#endif
