/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transport between a client and the server, with what is under way in it in both directions.
 */
#ifndef TESTS_SIMULATION_LINK_H
#define TESTS_SIMULATION_LINK_H

#include "broker/core/core.h"
#include "tests/simulation/pipe.h"
#include "tests/simulation/wire.h"

/* What a mark says about the packet that it stands behind. */
struct mark {
    uint64_t end; /* of the packet, in bytes since the link was opened */
    enum wire_type type;
    uint16_t id;
    uint32_t message; /* PUBLISH */
    uint8_t filter;   /* SUBSCRIBE, UNSUBSCRIBE: one mark for each filter */
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling;
    bool identified; /* SUBSCRIBE with an identifier */
    bool dup;
    uint8_t reason;  /* PUBREC, DISCONNECT */
    bool has_expiry; /* DISCONNECT */
    uint32_t expiry_s;
    bool wrong; /* the packet breaks the protocol */
};

/* What the CONNECT of a link says. */
struct call {
    unsigned version;
    bool clean;
    bool stranger;     /* to be refused */
    uint32_t expiry_s; /* 5.0; UINT32_MAX: never */
    uint16_t keepalive_s;
    uint32_t will; /* a message; 0: none */
    uint32_t will_delay_s;
};

/* Up to which byte of what core has filled the store had come so far. */
struct fill_note {
    uint64_t end;
    uint64_t durable;
};

enum { FILL_NOTES_MAX = 32 };

enum link_place {
    LINK_FREE,
    LINK_AT_SHARD,
    LINK_TRAVELS, /* in a parcel */
    LINK_CLOSED,  /* by the server; the client has not yet read all */
};

struct link {
    enum link_place place;
    unsigned shard;
    uint32_t serial;
    unsigned client;
    struct call call;
    bool heard; /* the client still listens: it is its present link */
    struct connection *connection;
    int64_t opened_ms;
    int64_t used_ms; /* when core last took something */
    /* To the server. */
    struct pipe up;
    size_t up_arrived;      /* how much of it the server could read */
    bool up_cut;            /* its end follows those bytes */
    bool fresh;             /* something arrived that core has not been shown */
    bool waits;             /* CORE_WAIT, or a parcel that had no room */
    bool admitting;         /* its CONNECT is read, and the verdict comes later */
    bool ended;             /* CORE_END, or a fate */
    int64_t answer_ms;      /* the verdict is known, but held back until then; 0: it is not */
    uint64_t answer_number; /* in order of such verdicts */
    bool end_told;          /* to the oracle */
    struct mark *marks;     /* a ring */
    uint32_t marks_capacity;
    uint32_t marks_first;
    uint32_t marks_count;
    /* To the client. */
    struct pipe down;
    struct pipe head; /* filled by core, not yet accepted by the network */
    struct bytes tail;
    struct message *owner;
    bool output_due; /* core has more */
    uint64_t filled; /* bytes so far */
    struct fill_note fills[FILL_NOTES_MAX];
    unsigned fill_count;
};

#endif
