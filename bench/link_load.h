/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of bench/link: one client library in one process, and what it costs it to send or take
 * so many messages. link_load.c is the same for all libraries; each library has a file that defines
 * load_run().
 */
#ifndef BENCH_LINK_LOAD_H
#define BENCH_LINK_LOAD_H

#include <stdbool.h>
#include <stdint.h>

/* The window is what each library is told to have in flight. */
enum { LOAD_PAYLOAD_SIZE = 32, LOAD_WINDOW = 64, LOAD_PATIENCE_MS = 10000 };

#define LOAD_TOPIC "bench/link/topic"

struct load {
    bool receives; /* else it publishes */
    uint8_t qos;
    bool is_v5;
    uint64_t count;
    uint16_t port; /* of the peer, at 127.0.0.1 */
    char payload[LOAD_PAYLOAD_SIZE];
    uint64_t taken;
    uint64_t begun_ns; /* processor time of the process when the first message went or came */
    uint64_t ended_ns;
};

/*
 * Connects to the peer; publishes `count` messages, from load_begins() until all are acknowledged
 * or written and load_ends(); or subscribes and calls load_takes() for each that comes, until that
 * gives true: one behind the last of them says that all are acknowledged. Ends the process by
 * load_fails() where something goes wrong.
 */
void load_run(struct load *load);

void load_begins(struct load *load);
void load_ends(struct load *load);

/* A message has come. True: it was the one behind the last. */
bool load_takes(struct load *load);

/* Says what has failed, and ends the process with 1. */
_Noreturn void load_fails(const char *what);

#endif
