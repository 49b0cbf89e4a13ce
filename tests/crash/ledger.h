/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was published, what of it the server has acknowledged, and who has got it: the judge of what
 * a server that is killed again and again has promised.
 *
 * A stream is what one publisher sends to one topic: messages 0, 1, 2, ... of one quality. A
 * receiver is a subscriber or a shared group. It must get every message of a stream that was sent
 * after its subscription was acknowledged: a subscriber in order; each once, or at QoS 1 at least
 * once.
 */
#ifndef TESTS_CRASH_LEDGER_H
#define TESTS_CRASH_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum verdict_kind {
    /* Faults. */
    VERDICT_LOST,       /* acknowledged to the publisher, and never received */
    VERDICT_MISSING,    /* the same, but not acknowledged either */
    VERDICT_DUPLICATED, /* QoS 2, twice */
    VERDICT_LATE,       /* for the first time after a later one of its stream */
    VERDICT_FORGOTTEN,  /* the server no longer knew a session that it had confirmed */
    VERDICT_RETAINED,   /* a retained message is not the last one that was acknowledged */
    VERDICT_REFUSED,    /* by the server: a connection, a message or a subscription */
    VERDICT_UNMARKED,   /* QoS 1, again without DUP, though its publisher has sent it once */
    VERDICT_BROKEN,     /* a client has found the server to break the protocol, or a payload bad */
    VERDICT_FAULTS,
    /* What is no fault, but must happen in a test that shows something. */
    VERDICT_RECEIVED = VERDICT_FAULTS,
    VERDICT_REPEATED,  /* QoS 1, twice or more */
    VERDICT_SENT,      /* messages */
    VERDICT_RESENT,    /* messages, with DUP */
    VERDICT_RESUMED,   /* connections to a session that was there */
    VERDICT_OVERTAKEN, /* a connection, by one that was cut before and whose CONNECT another thread
                          of the server has read later */
    VERDICT_KILLS,
    VERDICT_KINDS,
};

struct marks {
    uint8_t *bits;
    uint32_t size; /* bytes */
};

struct account {
    struct marks seen;
    uint32_t from;  /* the first that must come; UINT32_MAX: not subscribed */
    uint32_t next;  /* after the highest that has come */
    uint32_t count; /* that have come, from `from` on */
};

struct stream {
    uint32_t sent;
    uint32_t done; /* how many were acknowledged */
    struct marks acknowledged;
    struct marks resent; /* by the publisher: perhaps the server has two of them */
    uint8_t qos;
};

struct ledger {
    struct stream *streams;
    unsigned stream_count;
    struct account *accounts; /* receiver after receiver */
    unsigned receiver_count;
    uint64_t verdict[VERDICT_KINDS];
    char first_fault[200]; /* in words; empty: none */
};

/* All streams have QoS 1 until somebody says else. False when memory is short. */
bool ledger_init(struct ledger *ledger, unsigned stream_count, unsigned receiver_count);
void ledger_deinit(struct ledger *ledger);

/* Notes that something has happened. What is no fault has no words. */
void ledger_note(struct ledger *ledger, enum verdict_kind kind, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The next message of the stream is on its way: its number. */
uint32_t ledger_sent(struct ledger *ledger, unsigned stream);
void ledger_resent(struct ledger *ledger, unsigned stream, uint32_t number);
void ledger_acknowledged(struct ledger *ledger, unsigned stream, uint32_t number);

/* The receiver's subscription to the stream was acknowledged; said again, nothing changes. */
void ledger_subscribed(struct ledger *ledger, unsigned receiver, unsigned stream);

struct arrival {
    unsigned receiver;
    unsigned stream;
    uint32_t number;
    uint8_t qos; /* as it has come */
    bool dup;
    bool ordered; /* the receiver is no group */
};
void ledger_arrived(struct ledger *ledger, const struct arrival *arrival);

/* Messages that somebody must still get, counted for each receiver, and those not acknowledged. */
uint64_t ledger_open(const struct ledger *ledger);

/* Nothing will come any more: notes what is missing. */
void ledger_close(struct ledger *ledger);

uint64_t ledger_faults(const struct ledger *ledger);
void ledger_print(const struct ledger *ledger, FILE *out);

#endif
