/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What core asks of a store (store/store.h has a real one): a table of functions, so that the
 * simulation can have one of its own.
 *
 * A turn's records go there as one batch, at core_end_turn(), before the turn's mail is seen by
 * other shards. The program tells core by core_durable() how far the store has come; what must not
 * leave earlier waits for that.
 */
#ifndef BROKER_CORE_STORAGE_H
#define BROKER_CORE_STORAGE_H

#include "broker/core/target.h"
#include "store/records.h"

/* What a store has in its tables; stored.h says what keys and values look like. */
enum storage_table {
    STORED_SESSIONS = 1,  /* by client id */
    STORED_SUBSCRIPTIONS, /* by queue and filter */
    STORED_INCOMING,      /* QoS 2 packet ids received and not released: by queue and packet id */
    STORED_RELEASES,      /* PUBRELs that are not answered: by queue and packet id */
    STORED_GROUPS,        /* queues of shared groups, by share name and filter */
    STORED_RETAINED,      /* by topic */
    STORED_WILLS,         /* by a number that is never used again, as queues are */
};

enum storage_health {
    STORAGE_WELL,
    STORAGE_SCARCE, /* the disk is full, and there is a reserve: for what makes room */
    STORAGE_FULL,   /* that is used up, too: what is pushed waits until there is room */
    STORAGE_DEAD, /* nothing more will be durable */
};

/*
 * Who is sent a message of QoS 1 is not written while he is connected: of what waits for a session
 * after the server was killed, anything may have been sent. Positions of the store, 0: none; what
 * is stored from there on was not.
 */
struct doubts {
    uint64_t present; /* of sessions whose client was connected, or may have been */
    uint64_t absent;  /* of those whose client was away: what it had been sent is in flight */
};

/* How much of what a client is told waits for the disk. */
enum storage_patience {
    STORAGE_WAITS,      /* acknowledgements, and QoS 2 messages to clients */
    STORAGE_WAITS_MORE, /* and QoS 1 messages to clients: durability always */
    STORAGE_NEVER_WAITS,
};

/* Messages of a queue that core wants in memory again: of a list of ids, or the next of a range. */
struct storage_wish {
    struct target who; /* given back with the answer */
    uint64_t queue;
    const uint64_t *ids; /* borrowed until fetch() returns; NULL: a range */
    uint32_t count;      /* of ids, or at most of the range; at most STORAGE_WISH_MAX */
    uint64_t after;      /* of the range: ids greater than this... */
    uint64_t before;     /* ...and less than this */
};
enum { STORAGE_WISH_MAX = 128 };

struct storage_item {
    uint64_t id;
    struct bytes tag;
    struct bytes note; /* empty: it has none */
    struct bytes body;
};

struct storage_answer {
    struct target who;
    uint64_t queue;
    bool failed;                      /* nothing could be read */
    const struct storage_item *items; /* in order of id; without those that are done with */
    uint32_t count;
    bool complete; /* there are no more in the range */
};

struct storage {
    /*
     * Takes a batch of at least one record, which is empty afterwards. Returns the position of its
     * first record, from 1 on; the others follow. UINT64_MAX: no memory, and the batch is left as
     * it was. NULL: there is no store, and nothing outlives the process.
     */
    uint64_t (*push)(void *context, struct record_batch *batch);

    /* Reads messages again; the answer comes by core_fetched(), always, and not before this has
     * returned. False when memory is short. */
    bool (*fetch)(void *context, const struct storage_wish *wish);

    void *context;
    enum storage_patience patience;
};

#endif
