/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program around the cores, as far as they can tell: links, turns, sleeping shards, and locks
 * that check how they are used.
 */
#ifndef TESTS_SIMULATION_HOST_H
#define TESTS_SIMULATION_HOST_H

#include "tests/harness/model_store.h"
#include "tests/simulation/link.h"
#include "tests/simulation/world.h"

enum { LINKS_MAX = 64, LOCKS_MAX = 256, VERDICTS_MAX = 64 };

static const uint64_t HOST_NOT_YET = UINT64_MAX;

struct lock {
    unsigned rank; /* in order of creation: locks are taken in this order */
    bool held;
};

struct shard {
    struct core *core;
    struct model_face face; /* where the plan has a store */
    uint64_t durable;       /* as it was told last */
    bool awake;
    int64_t deadline_ms;
};

/* A client that is to learn later whether it comes in; it may be gone by then. */
struct verdict {
    struct access_ticket ticket;
    struct link *link;
    unsigned shard;
    uint32_t serial; /* of the link, which may be another one's now */
    bool stranger;
};

struct host {
    struct world *world;
    struct hub *hub;
    struct shard shards[SHARDS_SIMULATED_MAX];
    struct link links[LINKS_MAX];
    struct lock locks[LOCKS_MAX];
    unsigned lock_count;
    struct lock *held[LOCKS_MAX]; /* in the order of taking */
    unsigned held_count;
    uint64_t answers; /* that were held back */
    uint32_t serials;
    uint32_t identities;                   /* that core holds */
    struct verdict verdicts[VERDICTS_MAX]; /* to be given, in no order */
    unsigned verdict_count;
    struct link *asking; /* the link that core_receive() is about; NULL once it was told to wait */
    uint8_t *head;       /* the buffer that cores fill */
    size_t head_size;
    bool stopped; /* host_shut_down() was called */
    struct model_store store;
    uint64_t turns;      /* so far */
    uint64_t *positions; /* the store's next one after each of them */
    uint64_t positions_capacity;
    uint64_t started;      /* bit n: shard n has taken a turn since the last start */
    uint64_t started_turn; /* in which the last one of them did; HOST_NOT_YET */
    /* What core's counters are compared with. */
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t told_drops; /* events that told of lost messages */
};

void host_open(struct host *host, struct world *world);

/* Ends all, and fails the run where memory or a lock is left. */
void host_close(struct host *host);

/* A new transport to any shard; NULL when the server has too many. */
struct link *host_connect(struct host *host, unsigned client);

/* A packet of the client, with what it is about; `mark->end` is set here. */
void host_send(struct host *host, struct link *link, struct bytes packet, const struct mark *mark);

/* One more mark for the packet sent last. */
void host_mark(struct link *link, const struct mark *mark);

/* The client's side is gone: what had not arrived is lost, after `arrives` more bytes. */
void host_cut(struct host *host, struct link *link, size_t arrives);

/* The network brings at most `size` bytes; the second returns false when there was nothing. */
bool host_upstream(struct host *host, struct link *link, size_t size);
bool host_downstream(struct host *host, struct link *link, size_t size);

/* One turn of a shard. */
void host_turn(struct host *host, unsigned shard);

/* A shard that has something to do, a random one of them; plan.shards when all sleep. */
unsigned host_pick_awake(struct host *host);

/* Time moves on, not beyond the first deadline by more than a little. */
void host_pass_time(struct host *host, int64_t more_ms);

/* When the first shard wants to be called; INT64_MAX: none does. */
int64_t host_deadline(const struct host *host);

/* Is what was told to the store in that turn (host->turns, then) before this position? */
bool host_turn_is_before(const struct host *host, uint64_t turn, uint64_t position);

/* How far the store had come when core gave out the byte before this one. */
uint64_t host_durable_at(const struct link *link, uint64_t end);

/* The process is killed, and started again with so many shards. What the store was told beyond what
 * is durable is gone. */
void host_kill(struct host *host, unsigned shards);

/* At most so many batches become durable; false: there was none. */
bool host_commit(struct host *host, unsigned batches);

/* The server publishes; false when it had no room. */
bool host_announce(struct host *host, unsigned shard, const struct announcement *announcement);

/* The server stops: every shard says so to its clients. */
void host_shut_down(struct host *host);

/* The sum over the shards of the counter at this offset of struct counters. */
uint64_t host_sum(const struct host *host, size_t offset);
#define HOST_SUM(host, member) host_sum((host), offsetof(struct counters, member))

/* Whether bytes, output or closing links are left anywhere. */
bool host_busy(const struct host *host);

#endif
