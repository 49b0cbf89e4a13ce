/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hundreds of clients in one thread: publishers of QoS 1 and 2, durable subscribers that come and
 * go, and members of shared groups. Who loses his connection comes back, and goes on as MQTT
 * demands. The ledger judges.
 */
#ifndef TESTS_CRASH_LOAD_H
#define TESTS_CRASH_LOAD_H

#include "base/random.h"
#include "tests/crash/client.h"
#include "tests/crash/ledger.h"

enum {
    LOAD_PUBLISHERS = 20,
    LOAD_TOPICS = 4, /* of each; half of them QoS 2, half of each retained */
    LOAD_WATCHERS = 200,
    LOAD_GROUPS = 20,
    LOAD_MEMBERS = 5, /* of each */
    LOAD_STREAMS = LOAD_PUBLISHERS * LOAD_TOPICS,
    LOAD_RECEIVERS = LOAD_WATCHERS + LOAD_GROUPS,
    LOAD_CLIENTS = LOAD_PUBLISHERS + LOAD_WATCHERS + LOAD_GROUPS * LOAD_MEMBERS,
    LOAD_PAYLOAD_MAX = 20 << 10,
};

struct participant {
    struct client client;
    unsigned index;
    uint32_t next;   /* of a publisher: how many it has sent, to all its topics in turn */
    int64_t back_ms; /* without a connection: when it tries again */
    bool known;      /* the server has confirmed a session */
    bool subscribed; /* SUBACK has come */
    bool asked;      /* SUBSCRIBE was sent on this connection */
};

struct load {
    struct ledger ledger;
    struct participant *participants; /* LOAD_CLIENTS */
    const char *path;                 /* of the server's socket; borrowed */
    struct random random;
    int epoll;
    int64_t now_ms;
    unsigned rate;    /* messages a second that are published; 0: none */
    double allowance; /* messages that may be sent now */
    unsigned turn;    /* of the publishers */
    bool restless;    /* connections are cut and clients stay away for a while */
    int64_t next_cut_ms;
    uint64_t progress; /* acknowledgements and arrivals so far */
    uint8_t payload[LOAD_PAYLOAD_MAX];
};

/* `path` is borrowed. False when the system lacks something. */
bool load_init(struct load *load, const char *path, uint64_t seed);
void load_deinit(struct load *load);

/* One turn: waits at most a millisecond for something to happen, and lets everyone act. */
void load_turn(struct load *load);

/* Whether every message has come where it must, and everyone is there. */
bool load_settled(const struct load *load);

/* A newcomer asks for the retained messages; they must be the last ones that were sent. */
void load_check_retained(struct load *load, int64_t patience_ms);

#endif
