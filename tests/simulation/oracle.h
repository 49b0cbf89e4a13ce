/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server must hold and do, from what it has been shown: every packet counts at the moment
 * when core has used its last byte, and since all shards run in one thread, these moments have one
 * order. From it follow the sessions, the subscriptions, the retained messages, and who must get
 * what. The oracle is told of every delivery, and fails the run at the first broken promise.
 */
#ifndef TESTS_SIMULATION_ORACLE_H
#define TESTS_SIMULATION_ORACLE_H

#include "tests/simulation/link.h"
#include "tests/simulation/world.h"

enum {
    CLIENT_PACKET_IDS = 128,
    ORDER_KINDS = 9,
    READS_MAX = 32,       /* retained reads of a topic that a session may have open */
    READ_ANY = INT32_MAX, /* nobody knows what was retained */
};

/* What one session is to get of one message. */
struct cell {
    uint8_t expected; /* copies that it may get as a live one */
    uint8_t received; /* of these */
    uint8_t read;     /* copies that came as the retained message */
    uint8_t qos;
    bool must;            /* at least one has to come, if the message is accepted */
    bool vague;           /* perhaps not all of the subscriptions hold */
    bool lossy;           /* a copy of it went at QoS 0 */
    uint8_t anew;         /* copies below QoS 2 that may come once more: the server was killed */
    uint32_t link_serial; /* one at QoS 0 must come if this link lasts; 0: none must */
    bool retain_may_be[2];
    uint16_t identifiers; /* bit f: that of filter f */
    uint32_t due;         /* the message's rank when it first was expected */
};

struct group_cell {
    uint8_t expected;
    uint8_t received;
    uint8_t received_2;   /* of these at QoS 2 */
    uint8_t acknowledged; /* PUBACKs that core has used */
    bool must;
    bool lasting; /* a member that outlives the server was there each time */
};

enum outcome { OUTCOME_OPEN, OUTCOME_ACCEPTED, OUTCOME_REFUSED };
enum will_state { WILL_NONE, WILL_ARMED, WILL_MAY, WILL_DUE, WILL_CANCELLED };

struct note {
    uint8_t publisher;
    uint8_t topic;
    uint8_t qos;
    bool retain;
    bool empty;
    bool stripped; /* sent with 3.x: without its expiry */
    bool retaken;  /* perhaps refused and then taken as new */
    bool killed;   /* taken and not acknowledged when the server was killed: perhaps lost */
    bool kept;     /* somebody who outlives the server surely was to get it */
    uint8_t will;  /* enum will_state */
    uint8_t outcome;
    uint8_t instances; /* how often core took it */
    uint8_t sendings;  /* how often the client sent it on a new link */
    bool matched;      /* somebody surely was to get it, when last taken */
    bool may_match;    /* somebody perhaps was */
    uint32_t size;     /* of the payload */
    uint32_t expiry_s; /* 0: never */
    uint32_t rank;     /* order in which messages were taken */
    uint64_t step;     /* when it was last taken */
    int64_t taken_ms;  /* when it was last taken; for a will when it fell due */
    int64_t first_ms;
    uint64_t turn;     /* of the host, when it was last taken */
    uint64_t position; /* of the store's next record, then: retained ones are before it */
    struct cell cells[CLIENTS_MAX];
    struct group_cell groups[GROUPS];
};

struct interest {
    bool active;
    bool sure; /* at once, but a shared one, or where memory fails, with its SUBACK */
    bool no_local;
    bool retain_as_published;
    bool identified;
    uint8_t qos;
    int64_t changed_ms;
    uint64_t turn; /* of the host, then */
};

enum session_state { SESSION_NONE, SESSION_LIVE };
enum resumption { RESUMED_NO, RESUMED_YES, RESUMED_UNSURE };

struct shadow {
    enum session_state state;
    bool fuzzy; /* no longer known what it holds: nothing is demanded of it */
    uint32_t incarnation;
    struct link *link; /* the connection that core has for it */
    uint32_t link_serial;
    unsigned version;
    bool ends_with_link;
    bool lasting;       /* it outlives the server */
    bool greeted;       /* its client has heard the CONNACK */
    bool has_left;      /* a DISCONNECT was taken */
    bool had_will;      /* with its last CONNECT */
    uint64_t came_turn; /* of the host, when that was taken */
    uint64_t left_turn; /* and when its link ended, or the session itself */
    uint32_t expiry_s;  /* after the link; UINT32_MAX: never */
    int64_t ends_ms;    /* without a link */
    enum resumption resumed;
    uint32_t will; /* a message; 0: none */
    uint32_t will_delay_s;
    int64_t will_due_ms; /* without a link */
    struct interest interests[FILTERS];
    bool joined[GROUPS];                       /* it is or was a member */
    bool joined_as_published[GROUPS];          /* once with Retain As Published */
    uint32_t incoming[CLIENT_PACKET_IDS];      /* QoS 2: the message held under an id */
    uint64_t released_turn[CLIENT_PACKET_IDS]; /* of the host, when a PUBREL was taken */
    uint32_t reads[TOPICS][READS_MAX];         /* retained messages that may be read; 0: none */
    uint32_t owed[TOPICS];    /* the retained message that it, or a later one, must come */
    uint8_t owed_for[TOPICS]; /* the filter whose read it is */
    uint32_t order[CLIENTS_MAX + 1][TOPICS][ORDER_KINDS]; /* rank of the last one received */
};

struct oracle {
    struct world *world;
    struct note *notes; /* [0] is unused */
    uint32_t note_count;
    uint32_t note_capacity;
    uint32_t open_first; /* those before it are settled */
    uint32_t ranks;
    struct shadow shadows[CLIENTS_MAX];
    uint32_t retained[TOPICS]; /* the message; 0: none */
    bool retained_fuzzy[TOPICS];
    int64_t retained_ms[TOPICS];    /* when it was set */
    uint64_t retained_turn[TOPICS]; /* of the host, then */
    bool will_under_way[TOPICS];    /* a retained one fell due since the last rest */
    bool group_lived[GROUPS];       /* it has or had members, since the last rest */
    bool group_lossy[GROUPS];       /* it has or had a member at QoS 0, since the last rest */
    bool cleared[TOPICS];           /* an empty message was published to it */
    uint64_t told;                  /* losses already set against the server's counters */
    uint32_t killed_before;         /* the first message that was not published when the server was
                                       killed last; 0: it never was */
    uint64_t told_before;           /* of servers that were killed since the last rest */
};

void oracle_open(struct oracle *oracle, struct world *world);
void oracle_close(struct oracle *oracle);

/* The number of a new message; the caller fills in what it is. */
uint32_t oracle_note_new(struct oracle *oracle);

/* core has used all bytes of this packet. `refused`: it ended the connection at once. */
void oracle_took(struct oracle *oracle, struct link *link, const struct mark *mark, bool refused);

/* core has ended the connection of this link, or was told that the link is gone. */
void oracle_link_ended(struct oracle *oracle, const struct link *link);

/* The publisher got its acknowledgement. */
void oracle_acknowledged(
        struct oracle *oracle, uint32_t message, bool accepted, uint64_t durable_at);

/* The server published this by itself. */
void oracle_announced(struct oracle *oracle, uint32_t message);

/* A will came that is only known to be due about now; false when it is not. */
bool oracle_will_is_due(struct oracle *oracle, uint32_t message);

/* A SUBACK granted it; `durable_at` is how far the store was when it was given out. */
void oracle_granted(struct oracle *oracle, unsigned client, unsigned filter, uint64_t durable_at);

/* The client has heard the PUBCOMP of that id, or the PUBREL that follows the PUBREC which core has
 * taken in that turn. */
void oracle_completed(struct oracle *oracle, unsigned client, uint16_t id, uint64_t durable_at);
void oracle_released(
        struct oracle *oracle, unsigned client, uint16_t id, uint64_t turn, uint64_t durable_at);

/* The client has heard its CONNACK. */
void oracle_greeted(struct oracle *oracle, unsigned client, uint64_t durable_at);

/* The server is about to be killed; what is durable by now will be there again. */
void oracle_killed(struct oracle *oracle);

/* A CONNACK came for a session of which the oracle was not sure. */
void oracle_settle(struct oracle *oracle, unsigned client, bool resumed);

/* What a client got, for the first time under this packet id. */
void oracle_received(struct oracle *oracle, unsigned client, uint32_t message,
        const struct wire_packet *packet, uint64_t durable_at);

/* A subscriber's acknowledgement of a message reached core. */
void oracle_delivery_done(struct oracle *oracle, unsigned client, uint32_t message, uint8_t qos);

/* The server's counters are about to be gone with it. */
void oracle_keep_losses(struct oracle *oracle);

/* Time passed. */
void oracle_pass_time(struct oracle *oracle);

/* All is at rest but one client, which is away: the other members of its groups have got what they
 * had to. */
void oracle_check_groups(const struct oracle *oracle);

/* Everything is at rest, every client connected: all that must be delivered is. */
void oracle_check_rest(struct oracle *oracle);

#endif
