/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one publishing connection sends next, and what of it is under way.
 *
 * A message's payload begins with its channel, its number in the channel and a time, in the
 * machine's own byte order, and is filled up with zeros.
 */
#ifndef CLI_BENCH_PUBLISHER_H
#define CLI_BENCH_PUBLISHER_H

#include "base/bytes.h"
#include "base/writer.h"
#include "mqtt/packet.h"

/* What a payload says. Its size is BENCH_SIZE_MIN. */
struct bench_stamp {
    uint32_t channel;
    uint32_t number;
    int64_t time_ns; /* when it was sent, or was to be sent */
};

/* What all PUBLISH packets of one run share; the arrays are the caller's. */
struct bench_letterhead {
    enum mqtt_version version;
    uint8_t qos;
    bool retain;
    size_t payload_size;
    const uint8_t *heads;      /* the start of a PUBLISH of each channel, up to its payload */
    const uint32_t *head_ends; /* where in heads that of each channel ends */
};

enum bench_id_state {
    BENCH_ID_FREE,
    BENCH_ID_WAITS,    /* for PUBACK or PUBREC */
    BENCH_ID_RELEASED, /* PUBREL is sent, for PUBCOMP */
};

struct bench_publisher {
    struct bench_client *client;
    uint32_t channel; /* of the next message */
    uint64_t sent;
    int64_t wrote_ns;   /* when it wrote last */
    uint64_t released;  /* how many may be sent by now */
    uint64_t under_way; /* deliveries that are awaited */
    uint16_t *ids;      /* packet ids that are free, the first free_count of them */
    uint8_t *id_states; /* enum bench_id_state of id 1 at 0, and so on */
    uint32_t free_count;
    uint32_t window; /* packet ids in all */
    bool queued;     /* in the list of those that may have something to send */
};

/* Makes the packet ids 1 to window. Returns 0, or -ENOMEM. */
int bench_publisher_init(struct bench_publisher *publisher, uint32_t window);
void bench_publisher_deinit(struct bench_publisher *publisher);

/* Writes the whole PUBLISH of a message; at QoS 1 and 2 takes a packet id, which must be free. */
void bench_publisher_write(struct bench_publisher *publisher, struct writer *out,
        const struct bench_letterhead *letterhead, const struct bench_stamp *stamp);

/**
 * Takes a PUBACK, PUBREC or PUBCOMP, and writes the answer to a PUBREC.
 *
 * Returns 1 when the message is acknowledged and its id free again, 0 when more is to come, or
 * -EPROTO when the packet does not fit or says a failure.
 */
int bench_publisher_acknowledge(struct bench_publisher *publisher, struct writer *out,
        enum mqtt_type type, struct bytes body, const struct bench_letterhead *letterhead);

#endif
