/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this shard tells the store in a turn, and what waits for the store.
 *
 * Whatever changes what must outlive the process adds records to the turn's batch. Who then tells a
 * client that it is so binds the client's session to the turn (durable_bind()): acknowledgements of
 * a session are held until the store is past all that it is bound to (hold.h).
 *
 * All of this does nothing where there is no store; the functions that add then say that all went
 * well.
 */
#ifndef BROKER_CORE_DURABLE_H
#define BROKER_CORE_DURABLE_H

#include "base/array.h"
#include "base/list.h"
#include "broker/core/core.h"
#include "broker/core/marks.h"
#include "broker/core/message.h"
#include "broker/core/route_cache.h"
#include "broker/core/storage.h"
#include "broker/core/stored.h"

struct session;

enum {
    /* What only says that something is done with waits so long for what is urgent. */
    DURABLE_LAZY_MS = 50,
    DURABLE_LAZY_BYTES_MAX = 32 << 10,
    /* Who publishes while so much of a shard is pushed and not durable is left unread. */
    DURABLE_WAITING_MAX = 16 << 20,
};

struct durable {
    struct storage storage;
    struct doubts doubts;
    int64_t wall_offset_ms; /* of the wall clock against now_ms */
    struct record_batch batch;
    struct array messages; /* struct message *, each with a reference: those in the batch that
                              wait for their id */
    struct array places;   /* scratch: struct record_place, and their tags */
    struct array tags;
    struct list holders;      /* connections' holds in which something waits, in no order */
    struct list stages;       /* sessions that have QoS 2 messages staged, in no order */
    struct list launches;     /* sessions that may stage more of them in this turn */
    struct list spills;       /* sessions with messages that need not stay in memory */
    struct list group_spills; /* groups with such */
    struct list farewells;    /* of sessions that have ended, and the store does not know: keep.h */
    uint64_t position;        /* the store has come so far */
    uint64_t awaited;         /* what was pushed last ends there */
    struct marks weights;     /* bytes that were pushed and are not durable */
    uint64_t waiting;         /* their sum */
    uint32_t lazy;            /* records of the batch that nobody waits for */
    int64_t lazy_ms;          /* when they are to be pushed all the same; while there are some */
    bool urgent;              /* somebody waits for this turn's records */
    enum storage_health health;
    bool written; /* since it was set to false: something that an answer must wait for */
};

bool durable_is_on(const struct core *core);

/* False: the disk is full or dead, and what would have to be stored is to be refused. */
bool durable_is_well(const struct core *core);

/* True also on a full disk with a reserve: who comes for what waits for him is served, and what
 * takes no more room than that is stored. */
bool durable_works(const struct core *core);

/* What it lacks where it is not well, for the log. */
const char *durable_lack(const struct core *core);

void durable_init(struct core *core, const struct core_setup *setup);
void durable_deinit(struct core *core);

/* The turn's records, to add to; for entries of any table. */
struct record_batch *durable_batch(struct core *core);

/* What the session's client is told from now on waits for this turn's records. False when memory is
 * short: its connection is condemned then, and nothing that is said reaches it. */
bool durable_bind(struct core *core, struct session *session);

/* Something was pushed at once that this turn's clients wait for as well: what is before that
 * position. */
void durable_await(struct core *core, uint64_t position);

/* A queue that nobody has had. Any shard. */
uint64_t durable_new_queue(struct core *core);

/* A moment of now_ms's clock by the wall's, and back; INT64_MAX stays what it is. */
int64_t durable_to_wall(const struct core *core, int64_t ms);
int64_t durable_from_wall(const struct core *core, int64_t wall_ms);

/* How the store has a message; borrows from it. */
struct stored_message durable_form(const struct core *core, const struct message *message);

enum durable_result {
    DURABLE_DONE,      /* or there was nothing to do */
    DURABLE_NO_MEMORY, /* nothing was stored, so that it must not be delivered */
    DURABLE_SICK,      /* the same: the disk is full or dead */
};

/*
 * The message is about to be delivered by this route: it is stored for those queues of it that
 * outlive the process, if any. Not for QoS 0. Sets message->id.
 */
enum durable_result durable_message(
        struct core *core, struct message *message, const struct route *route);

/* The same for one receiver, of a message that no other shard knows. */
enum durable_result durable_message_for(struct core *core, struct message *message,
        const struct match *match, const uint32_t *identifiers);

/* What durable_message() has stored is not delivered after all: nobody waits for it. */
void durable_take_back(struct core *core, const struct message *message, const struct route *route);

/* The queue is done with the message; nothing where it was not stored for it. False when memory is
 * short: after a restart it waits there again. */
bool durable_done(struct core *core, uint64_t queue, const struct message *message);

/* A message as the store has it. NULL: it cannot be read, or memory is short (*broken tells). */
struct message *durable_read(struct core *core, uint64_t id, struct bytes body, bool *broken);

/* The last record that was added to the batch is one that nobody waits for. */
void durable_lazy(struct core *core);

/* When the batch is to be pushed: INT64_MAX: it is empty. */
int64_t durable_due_ms(const struct core *core);

/* The turn ends: its batch goes to the store, unless it can wait. False when there is no memory for
 * that: then nothing of the turn may be seen by others yet. */
bool durable_push(struct core *core);

#endif
