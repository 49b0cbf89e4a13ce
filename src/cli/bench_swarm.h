/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many MQTT connections held by one thread: opened, read in batches, and written to.
 *
 * All share one buffer to read into and one to write from; a connection keeps only what is partial.
 * What goes wrong is written as a sentence into `problem`, by whoever returns the -errno.
 */
#ifndef CLI_BENCH_SWARM_H
#define CLI_BENCH_SWARM_H

#include "cli/bench_door.h"
#include "cli/bench_options.h"
#include "cli/client_progress.h"

#include "base/buffer.h"
#include "base/bytes.h"
#include "loop/poll.h"
#include "mqtt/packet.h"
#include "net/stream.h"

enum { BENCH_BATCH = 512 };

struct bench_client {
    struct stream *stream; /* NULL when it is not open */
    uint32_t number;
    uint32_t receive_maximum; /* of the server */
    bool up;                  /* CONNACK came */
    bool session_present;     /* as it said */
    bool has_more;            /* in the list of those with bytes inside their stack */
    unsigned waits;           /* what the poll was told */
    struct buffer in;         /* the partial packet */
    struct buffer out;        /* what the socket did not take */
};

struct bench_swarm {
    const struct bench_options *options;
    struct poll *poll;
    struct bench_client *clients;
    uint32_t capacity;
    uint32_t run;  /* makes client ids differ from other runs' */
    uint32_t kept; /* the sessions of the first so many clients outlive their connections */
    struct client_progress progress; /* how far it is, on a terminal */
    uint8_t *input;                  /* see bench_swarm_receive() */
    uint8_t *output;                 /* for the caller to encode into; as large as input */
    size_t buffer_size;
    struct bench_door door;
    uint32_t *more; /* numbers of clients that poll cannot tell of: their bytes were read already */
    uint32_t more_count;
    int64_t deadline_ms; /* for the whole run */
    char problem[BENCH_PROBLEM_SIZE];
};

/**
 * Makes room for `capacity` clients and raises the limit of open files as far as they need.
 * Borrows options. On failure `problem` is written and nothing is left open.
 *
 * Returns 0, or -errno.
 */
int bench_swarm_open(struct bench_swarm *swarm, const struct bench_options *options,
        uint32_t capacity, uint32_t run);

/* Says DISCONNECT on all connections that are up, and closes everything. */
void bench_swarm_close(struct bench_swarm *swarm);

/* Begins to connect one client, its CONNECT included. Returns 0, or -errno. */
int bench_swarm_begin(struct bench_swarm *swarm, uint32_t number);

/* Says DISCONNECT for the clients first to end - 1, those that are up, and closes. */
void bench_swarm_leave(struct bench_swarm *swarm, uint32_t first, uint32_t end);

/* Ends the sessions that were kept of the clients first to end - 1. Returns 0, or -errno. */
int bench_swarm_forget(struct bench_swarm *swarm, uint32_t first, uint32_t end);

/* Closes the connection of one client, without a word. */
void bench_swarm_drop(struct bench_swarm *swarm, struct bench_client *client);

/* Connects the clients first to end - 1 and waits for every CONNACK. Returns 0, or -errno. */
int bench_swarm_connect(struct bench_swarm *swarm, uint32_t first, uint32_t end);

/**
 * Waits at most `timeout_ms`, and writes what had waited on connections that take more. The
 * owners of the events are clients.
 *
 * Returns the number of events, or -errno: -ETIMEDOUT after the deadline of the run.
 */
int bench_swarm_wait(
        struct bench_swarm *swarm, struct poll_event events[static BENCH_BATCH], int timeout_ms);

/**
 * Reads once from a client's connection. *packets borrows the input buffer until the next call;
 * walk it with bench_swarm_next(), and give what is left to bench_swarm_keep().
 *
 * Returns 1 when there are packets, 0 when nothing is there, or -errno: -EPIPE when the server has
 * ended the connection.
 */
int bench_swarm_receive(
        struct bench_swarm *swarm, struct bench_client *client, struct bytes *packets);

/* Keeps a partial packet until the next read. Returns 0, or -errno. */
int bench_swarm_keep(struct bench_swarm *swarm, struct bench_client *client, struct bytes rest);

/**
 * Takes the next whole packet off *rest.
 *
 * Returns 1, 0 when only a partial packet is left, or -EPROTO when it is none of MQTT's.
 */
int bench_swarm_next(struct bench_swarm *swarm, const struct bench_client *client,
        struct bytes *rest, struct mqtt_header *header, struct bytes *body);

/* Looks at a CONNACK. Returns 0 when the client is up, or -errno. */
int bench_swarm_greet(struct bench_swarm *swarm, struct bench_client *client,
        const struct mqtt_header *header, struct bytes body);

/* Writes bytes to a client, and keeps what the socket does not take. Returns 0, or -errno. */
int bench_swarm_send(struct bench_swarm *swarm, struct bench_client *client, struct bytes bytes);

/* Writes the problem of a client, as "client 7: text". Returns `result`. */
int bench_swarm_fail(
        struct bench_swarm *swarm, const struct bench_client *client, int result, const char *text);

#endif
