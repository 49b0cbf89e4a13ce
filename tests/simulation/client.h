/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated client: it keeps what it sent and what was acknowledged, acknowledges what it gets,
 * and holds the server to the protocol in every packet.
 */
#ifndef TESTS_SIMULATION_CLIENT_H
#define TESTS_SIMULATION_CLIENT_H

#include "tests/simulation/link.h"
#include "tests/simulation/world.h"

enum {
    SENDINGS_MAX = 64, /* own messages in flight */
    HOLDINGS_MAX = 256,
    REQUESTS_MAX = 2,
    REQUEST_FILTERS_MAX = 3,
    ALIASES_MAX = 16,
};

enum client_phase { CLIENT_AWAY, CLIENT_CALLING, CLIENT_UP, CLIENT_LEAVING };

/* One of its own messages that is not done. */
struct sending {
    uint32_t message;
    uint16_t id;
    uint8_t qos;
    bool released; /* PUBREC came: PUBREL is sent */
};

enum holding_state {
    HOLDING_GOT,       /* an acknowledgement is owed */
    HOLDING_ANSWERED,  /* PUBACK or PUBREC sent, core has not taken it */
    HOLDING_RECEIVED,  /* QoS 2: core has taken the PUBREC */
    HOLDING_RELEASED,  /* QoS 2: PUBREL came, PUBCOMP is owed */
    HOLDING_COMPLETED, /* QoS 2: PUBCOMP sent, core has not taken it */
};

/* One message of the server's that is not done. */
struct holding {
    uint32_t message;
    uint32_t link_serial; /* where it came last */
    uint64_t taken_turn;  /* of the host, when core took the PUBREC */
    uint16_t id;
    uint8_t qos;
    uint8_t state; /* enum holding_state */
    bool shared;   /* on a topic of the groups: it may go to another member */
    bool refused;  /* answered with a PUBREC of 0x80 or above */
    bool empty;    /* without a number in it */
    bool counted;  /* sent on this link: it counts against Receive Maximum */
};

struct answer {
    uint16_t id;
    uint8_t type; /* enum wire_type */
};

struct request {
    uint16_t id; /* 0: free */
    uint8_t type;
    uint8_t count;
    uint8_t filters[REQUEST_FILTERS_MAX];
    uint8_t qos[REQUEST_FILTERS_MAX];
};

struct client {
    struct world *world;
    unsigned number;
    char id[24];
    uint8_t version;
    enum client_phase phase;
    struct link *link;    /* NULL while away */
    uint32_t incarnation; /* of the session that it knows of */
    bool keeps_still;     /* does not read */
    bool lazy;            /* does not acknowledge */
    bool wants_clean;     /* the next CONNECT must be clean */
    bool robbed;     /* since the last rest the server was killed: it may repeat what is done */
    bool robbed_now; /* and the client has not come back since */
    bool left_cleanly;
    /* What holds on this connection. */
    uint16_t receive_max;                  /* ours */
    uint32_t packet_max;                   /* ours; 0: none */
    uint16_t alias_max;                    /* ours */
    uint8_t alias_topics[ALIASES_MAX + 1]; /* set by the server; TOPICS: not */
    uint16_t server_receive_max;
    uint16_t server_alias_max;
    uint8_t server_alias_topics[ALIASES_MAX + 1]; /* set by us */
    uint32_t server_packet_max;
    uint32_t keepalive_s;
    uint32_t expiry_s; /* of the CONNECT */
    int64_t spoke_ms;
    unsigned pings;      /* not answered */
    uint64_t durable_at; /* how far the store was when the packet heard now was given out */
    bool new_came;       /* a first sending came: no repetition may follow */
    /* Own messages. */
    struct sending sendings[SENDINGS_MAX];
    unsigned sending_count;
    uint16_t unanswered[2][SENDINGS_MAX]; /* ids in order of sending on this link: QoS 1 and 2 */
    unsigned unanswered_count[2];
    struct request requests[REQUESTS_MAX];
    /* The server's messages. */
    struct holding holdings[HOLDINGS_MAX];
    unsigned holding_count;
    unsigned counted;                        /* holdings that count against Receive Maximum */
    struct answer answers[HOLDINGS_MAX * 2]; /* owed, oldest first */
    unsigned answer_count;
    uint16_t received[HOLDINGS_MAX]; /* PUBRECs sent on this link, in order, PUBREL not come */
    unsigned received_count;
    struct wire_draft draft;
};

void client_open(struct client *client, struct world *world, unsigned number);

/* Does something; which depends on the plan. */
void client_act(struct client *client);

/* In calm weather: connects, keeps alive, acknowledges. True when there was something to do. */
bool client_act_calmly(struct client *client);

/* Bytes came: takes what it can, returns how much. */
size_t client_hear(struct client *client, struct bytes in);

/* core has taken a packet of this client, from this link or from one it has left. */
void client_taken(struct client *client, const struct link *link, const struct mark *mark);

/* Its present link is gone. */
void client_lost(struct client *client);

/* Fails the run when anything is left that a server at rest must have finished. */
void client_check_rest(const struct client *client);

/* ---- Between the client's files ---- */

void client_send(struct client *client, struct bytes packet, const struct mark *mark);
void client_connect(struct client *client);
void client_publish(struct client *client);
void client_subscribe(struct client *client);
void client_unsubscribe(struct client *client);
void client_resend(struct client *client);
void client_ping(struct client *client);
void client_break_rules(struct client *client);

/* Sends one of the acknowledgements that it owes. */
void client_answer(struct client *client);
void client_owe(struct client *client, enum wire_type type, uint16_t id);
void client_release(struct client *client, uint16_t id);

/* Nobody is told: the client just goes. `arrives` as in host_cut(). */
void client_cut(struct client *client);

/* A new session: what it knew of the old one is gone. */
void client_forget(struct client *client);

/* Whether it ever is a member of a group; the others may listen to everything. */
static inline bool client_may_join(const struct client *client)
{
    return !client->world->plan.mixed || client->number % 2 == 1;
}

struct holding *client_find_holding(struct client *client, uint16_t id);
void client_drop_holding(struct client *client, struct holding *holding);

#endif
