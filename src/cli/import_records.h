/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Mosquitto has kept, as records of our store: which sessions are taken, what of their
 * messages, and what is left behind for which reason.
 *
 * A message for several sessions becomes one record, as long as each of them has its messages in
 * the order of their ids; a session that has not gets records of its own, in its order.
 *
 * Mosquitto hands a message of QoS 2 on when it is released, we when it comes (decision 6). What it
 * has received and not handed on is handed on here, behind all that waits already.
 */
#ifndef CLI_IMPORT_RECORDS_H
#define CLI_IMPORT_RECORDS_H

#include "cli/import_data.h"
#include "store/batch.h"

/* Why something is not taken. */
enum import_reason {
    IMPORT_SESSION_ENDED,   /* sessions that end with their connection */
    IMPORT_SESSION_EXPIRED, /* sessions */
    IMPORT_SESSION_UNNAMED, /* sessions whose client id no client can have */
    IMPORT_SESSION_TWICE,   /* sessions of which there are two */
    IMPORT_NO_SESSION,      /* subscriptions and messages of a session that is not taken */
    IMPORT_BAD_FILTER,      /* subscriptions with a filter that is none */
    IMPORT_NO_MESSAGE,      /* places and retained messages whose message is not in the file */
    IMPORT_BAD_TOPIC,       /* the same, with a topic that is none */
    IMPORT_MESSAGE_EXPIRED, /* the same */
    IMPORT_NOT_KEPT,        /* messages of QoS 0 that wait */
    IMPORT_UNACKNOWLEDGED,  /* messages that were received and not acknowledged: they come again */
    IMPORT_ID_TWICE, /* packet ids of messages to a client; the messages wait, if they are whole */
    IMPORT_WILL,     /* wills */
    IMPORT_REASONS,
};

struct import_counts {
    uint64_t sessions;
    uint64_t subscriptions;
    uint64_t groups; /* shared groups, of those */
    uint64_t retained;
    uint64_t queued;    /* messages that wait, counted for each session */
    uint64_t in_flight; /* sent and not acknowledged: they are sent again */
    uint64_t released;  /* PUBRELs that are not answered */
    uint64_t received;  /* of QoS 2, whose PUBREL is still to come */
    uint64_t left[IMPORT_REASONS];
};

struct import_sink {
    /* Takes a batch of records, which is empty afterwards. 0, or -errno, which ends the import. */
    int (*push)(void *context, struct record_batch *batch);
    void *context;
};

/* In words, for a person: "3 sessions have expired" is the count and this. */
const char *import_reason_text(enum import_reason reason);

/*
 * Gives all records to the sink, a batch after the other. `wall_ms` is now, since 1970. The lists
 * of `data` may be sorted.
 *
 * Returns 0, -ENOMEM, or what the sink has returned.
 */
int import_records_write(struct import_data *data, int64_t wall_ms, const struct import_sink *sink,
        struct import_counts *out);

#endif
