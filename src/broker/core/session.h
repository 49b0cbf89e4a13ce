/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: what the server keeps for a client id, connected or not. It lives on one shard, the
 * home of its id.
 */
#ifndef BROKER_CORE_SESSION_H
#define BROKER_CORE_SESSION_H

#include "base/map.h"
#include "base/pool.h"
#include "base/timer.h"
#include "broker/core/client_id.h"
#include "broker/core/counters.h"
#include "broker/core/index.h"
#include "broker/core/ledger.h"
#include "broker/core/marks.h"
#include "broker/core/outgoing.h"
#include "broker/core/packet_ids.h"
#include "broker/core/spill.h"

struct core;
struct connection;
struct lasting;
struct will;

/*
 * What a session has that outlives the process. Whether it does is settled when it is made, and
 * never changes.
 */
struct lasting {
    uint64_t queue; /* in the store: never another one's */
    struct session *session;
    struct list launch;      /* in core->durable.launches; launch.h for these */
    struct list staging;     /* in core->durable.stages */
    struct marks staged;     /* deliveries at the end of the flight that were not sent yet */
    uint32_t sure;           /* of those, from the first on: they may be sent */
    uint32_t early;          /* of those staged, that have gone before they were sure */
    struct list spilling;    /* in core->durable.spills; backlog.h for these */
    struct spill spill;      /* what waits behind the queue and not in memory */
    struct deliveries fresh; /* what waits behind that, as it came in this turn */
    uint64_t fresh_bytes;
    bool plain;          /* the store has it as never expiring and without a will */
    bool gone;           /* the store has it as such a one whose client is away */
    bool was_absent;     /* at the server's start: its client had gone before that */
    struct client_id id; /* once it has ended and the store could not be told; else empty */
};

/* An expiry interval that is none. */
static const uint32_t SESSION_EXPIRY_NEVER = UINT32_MAX;

/* One filter of a session. */
struct subscription {
    uint32_t identifier; /* 0: none */
    uint16_t filter_size;
    uint8_t qos;
    bool no_local : 1;
    bool retain_as_published : 1;
    struct membership *membership; /* of a shared filter; else NULL */
    struct retained_read *read;    /* of retained messages for it, under way; NULL: none */
    uint8_t filter[];              /* as the client wrote it, with $share */
};

/*
 * What a session has for messages that it may get: from its first subscription on, for good. Many
 * clients only publish, and are to cost little. Until then all share one that is empty and is not
 * to be written to.
 */
struct receiver {
    struct session *session;
    struct map subscriptions; /* by filter as written */
    struct outgoing outgoing;
    struct ledger ledger;
    struct list memberships; /* of those subscriptions that are shared */
    uint32_t membership_count;
    uint32_t hands;             /* deliveries that belong to groups */
    struct list retained_reads; /* retained messages still to be read for a SUBSCRIBE */
    struct list reader;         /* in core->readers while it is to be given some */
    struct list waiters;        /* publishers that wait for room here */
    struct loss_notes losses;
};

struct session {
    struct pooled pooled;
    uint32_t expiry_interval_s; /* after the connection; SESSION_EXPIRY_NEVER */
    struct client_id id;
    uint16_t window;               /* Receive Maximum of the client or max_inflight_messages */
    bool judged : 1;               /* its client may not have everything; see rights.h */
    bool unseen : 1;               /* restored: its client has not come since the start */
    bool has_patron : 1;           /* it counts for its user; see patrons.h */
    struct connection *connection; /* NULL: the client is absent */
    void *identity;                /* while absent: the authority's last; NULL: none */
    struct timer timer;         /* while absent: the will's or the session's end, what is first */
    int64_t expires_ms;         /* while absent; INT64_MAX: never */
    struct will *will;          /* NULL: none */
    struct lasting *lasting;    /* of one that outlives the process; else NULL */
    struct packet_ids incoming; /* QoS 2 PUBLISHes received and not yet released */
    struct receiver *receiver;
};

static inline struct bytes session_id(const struct session *session)
{
    return client_id_bytes(&session->id);
}

/* Its queue in the store; 0: it ends with the process. */
static inline uint64_t session_queue(const struct session *session)
{
    return session->lasting ? session->lasting->queue : 0;
}

/* The same whatever global_max_clients says: one that was there before the server started. It has
 * no connection, and its client is unseen. */
struct session *session_restore(struct core *core, struct bytes id);

/* All that a restored session has is there: its expiry and its will's delay run from now on. One
 * that has expired meanwhile ends at once. */
void session_restored(struct core *core, struct session *session);

/* From now on it outlives the process; right after session_new(). False when memory is short.
 * `queue`: the one that it has had; 0: a new one. */
bool session_make_lasting(struct core *core, struct session *session, uint64_t queue);

/* Whether it has ever had a subscription: it has a receiver of its own. */
static inline bool session_receives(const struct session *session)
{
    return session->receiver->session == session;
}

struct target session_target(const struct core *core, const struct session *session);

/* NULL when there is none, or its generation has passed. */
struct session *session_find(const struct core *core, struct target target);
struct session *session_find_id(const struct core *core, struct bytes id);

/* A new session without a connection. NULL when memory is short or global_max_clients is reached,
 * with the reason. */
struct session *session_new(struct core *core, struct bytes id, enum mqtt_reason *refusal);

/* It counts for no user any more. */
void session_leave_patron(struct core *core, struct session *session);

/* Ends it: its will is due now, its queues are dropped, its subscriptions are gone. It must not be
 * connected. */
void session_end(struct core *core, struct session *session);

/*
 * The session loses its connection: hands of groups that were not acknowledged go back, the will
 * and the expiry run from now on; a session that does not outlive its connection ends at once, and
 * the will then is due at once.
 */
void session_detach(struct core *core, struct session *session);

/* The session has a connection again; the will that waited is gone, flows begin anew. */
void session_attach(struct core *core, struct session *session, struct connection *connection);

/* A new connection's window; all that is in flight is to be sent again, and the client's own quota
 * is whole. Before it is attached. */
void session_resume(struct session *session, uint16_t window);

/* While absent: its timer is due. */
void session_timer_due(struct core *core, struct session *session);

struct bytes subscription_key(const void *subscription);

/* A new subscription, in no index and no group yet; the session has none of that filter. NULL when
 * memory is short. */
struct subscription *session_add_subscription(
        struct core *core, struct session *session, struct bytes filter);

/* Forgets a subscription that is in no index and no group any more, and reads nothing for it. */
void session_forget_subscription(
        struct core *core, struct session *session, struct subscription *subscription);

/* The subscription of that filter, as written; NULL: none. */
struct subscription *session_subscription(
        const struct core *core, const struct session *session, struct bytes filter);

#endif
