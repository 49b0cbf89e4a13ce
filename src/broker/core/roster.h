/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard's clients as those see them who look after the server: who is there, what waits for each,
 * what it has subscribed to; and the end of one that is not wanted.
 *
 * Sessions are named by their slots, so that a walk can stop and go on in a later turn; sessions
 * that come and go meanwhile may be missed or met. All calls are made on the shard's own thread.
 */
#ifndef BROKER_CORE_ROSTER_H
#define BROKER_CORE_ROSTER_H

#include "broker/core/core.h"
#include "broker/core/origin.h"

struct client_will {
    bool present;
    struct bytes topic;
    uint32_t payload_size;
    uint32_t delay_s;
    uint8_t qos;
    bool retain;
};

/* One client. Borrows from core until the next call on it. */
struct client_view {
    struct bytes id;
    void *identity;             /* the authority's; NULL: none */
    uint32_t expiry_interval_s; /* of its session; UINT32_MAX: never */
    uint32_t subscriptions;
    uint32_t queued;    /* messages that wait for it */
    uint32_t in_flight; /* messages that it has not acknowledged */
    uint32_t of_groups; /* of these two, those that shared groups handed out and still count */
    uint64_t queued_bytes;
    const struct ledger *ledger;
    struct client_will will;

    bool connected;
    int64_t expires_ms; /* while absent; INT64_MAX: never */
    /* While it is connected: */
    void *link; /* the caller's object, as of struct arrival */
    const struct origin *origin;
    const struct listener_settings *listener;
    enum mqtt_version version;
    bool clean_start;
    uint16_t keep_alive_s; /* in force; 0: none */
    int64_t connected_ms;  /* to the second */
    int64_t heard_ms;      /* its last packet */
};

/* Slots are 0 up to this less 1. */
uint32_t roster_slots(const struct core *core);

/* The client in that slot; false where there is none. */
bool roster_client(const struct core *core, uint32_t slot, struct client_view *out);

/* Finds a client by its id; false where it has no session on this shard. */
bool roster_find(const struct core *core, struct bytes id, uint32_t *slot);

/* The shard on which a client of that id is at home. Any thread. */
unsigned hub_home(const struct hub *hub, struct bytes id);

struct subscription_view {
    struct bytes filter; /* as the client wrote it, with "$share/" */
    uint32_t identifier; /* 0: none */
    uint8_t qos;
};

/* The next subscription of the client in that slot: start with *at 0; false at the end. */
bool roster_subscription(
        const struct core *core, uint32_t slot, uint32_t *at, struct subscription_view *out);

enum roster_kick {
    ROSTER_UNKNOWN, /* there is no such client */
    ROSTER_ABSENT,  /* it is not connected; its session stays */
    ROSTER_KICKED,
};

/*
 * Ends a client's connection by administrative action (0x98); its session stays as far as it
 * outlives connections, and its will is published. `text` goes into the log and the Reason String;
 * NULL: none.
 */
enum roster_kick roster_kick(struct core *core, struct bytes id, const char *text, int64_t now_ms);

#endif
