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
#include "broker/core/counters.h"
#include "broker/core/index.h"
#include "broker/core/outgoing.h"
#include "broker/core/packet_ids.h"

struct core;
struct connection;
struct will;

/* An expiry interval that is none. */
static const uint32_t SESSION_EXPIRY_NEVER = UINT32_MAX;

/* One filter of a session. */
struct subscription {
    uint32_t identifier; /* 0: none */
    uint16_t filter_size;
    uint8_t qos;
    struct membership *membership; /* of a shared filter; else NULL */
    struct retained_read *read;    /* of retained messages for it, under way; NULL: none */
    uint8_t filter[];              /* as the client wrote it, with $share */
};

struct session {
    struct pooled pooled;
    uint32_t expiry_interval_s; /* after the connection; SESSION_EXPIRY_NEVER */
    uint64_t id_hash;
    uint8_t *id;
    uint16_t id_size;
    struct connection *connection; /* NULL: the client is absent */
    void *identity;                /* while absent: the authority's last; NULL: none */
    struct timer timer;       /* while absent: the will's or the session's end, what is first */
    int64_t expires_ms;       /* while absent; INT64_MAX: never */
    struct will *will;        /* NULL: none */
    struct map subscriptions; /* by filter as written */
    struct list memberships;  /* of those that are shared */
    uint32_t membership_count;
    uint32_t hands; /* deliveries that belong to groups */
    struct outgoing outgoing;
    struct packet_ids incoming; /* QoS 2 PUBLISHes received and not yet released */
    struct list retained_reads; /* retained messages still to be read for a SUBSCRIBE */
    struct list reader;         /* in core->readers while it is to be given some */
    struct list waiters;        /* publishers that wait for room here */
    struct ledger ledger;
    struct loss_notes losses;
    bool judged; /* its client may not have everything; see rights.h */
};

static inline struct bytes session_id(const struct session *session)
{
    return bytes_of(session->id, session->id_size);
}

struct target session_target(const struct core *core, const struct session *session);

/* NULL when there is none, or its generation has passed. */
struct session *session_find(const struct core *core, struct target target);
struct session *session_find_id(const struct core *core, struct bytes id);

/* A new session without a connection. NULL when memory is short or global_max_clients is reached,
 * with the reason. */
struct session *session_new(struct core *core, struct bytes id, enum mqtt_reason *refusal);

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

/* While absent: its timer is due. */
void session_timer_due(struct core *core, struct session *session);

struct bytes subscription_key(const void *subscription);

/* Forgets a subscription that is in no index and no group any more, and reads nothing for it. */
void session_forget_subscription(
        struct core *core, struct session *session, struct subscription *subscription);

/* The subscription of that filter, as written; NULL: none. */
struct subscription *session_subscription(
        const struct core *core, const struct session *session, struct bytes filter);

#endif
