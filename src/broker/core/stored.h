/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How core's sessions, messages and the like look in a store: pure functions over bytes, for core,
 * for tools, and for what brings other servers' data here. docs/store-format.md has the layout.
 *
 * Times are of the wall clock, in milliseconds since 1970; INT64_MAX: never. Nothing here names a
 * shard, a slot or a descriptor, nor how many threads there are.
 *
 * Every decoder borrows from its bytes and returns false for what is none of ours.
 */
#ifndef BROKER_CORE_STORED_H
#define BROKER_CORE_STORED_H

#include "base/bytes.h"
#include "base/writer.h"
#include "broker/core/storage.h"

enum {
    STORED_QUEUE_SIZE = 8, /* a queue as (the start of) a key, big-endian: in order */
    STORED_PACKET_KEY_SIZE = STORED_QUEUE_SIZE + 2,
};

void stored_queue_key(uint8_t out[STORED_QUEUE_SIZE], uint64_t queue);

/* Of STORED_INCOMING and STORED_RELEASES. */
void stored_packet_key(uint8_t out[STORED_PACKET_KEY_SIZE], uint64_t queue, uint16_t packet_id);
bool stored_packet_key_read(struct bytes key, uint64_t *queue, uint16_t *packet_id);

/* ---- Messages: bodies of messages, values of STORED_RETAINED ---- */

struct stored_message {
    struct bytes topic;      /* empty in STORED_RETAINED, where it is the key */
    struct bytes properties; /* those that are forwarded, encoded as MQTT 5.0 has them */
    struct bytes payload;
    uint8_t qos;
    bool retain; /* the publisher's RETAIN flag */
    int64_t expires_wall_ms;
    int64_t retained_until_wall_ms; /* in STORED_RETAINED: until when it is given; INT64_MAX else */
    /* Who published it, where it is known (author.h). The listener's place in the file may change:
     * its name stands for it. At most 65,535 bytes each. */
    bool authored;
    struct bytes author_listener;
    struct bytes author_user;
    struct bytes author_client_id;
};
size_t stored_message_size(const struct stored_message *message);
void stored_message_write(struct writer *out, const struct stored_message *message);

/* The topic is a valid name or empty, and the properties are such as a PUBLISH has. */
bool stored_message_read(struct stored_message *out, struct bytes in);

/* ---- Sessions: values of STORED_SESSIONS ---- */

struct stored_session {
    uint64_t queue;
    uint32_t expiry_interval_s;
    bool connected; /* when this was written: the server's end has ended the connection */
    bool gone; /* of one that never expires and has no will: its client was surely not connected */
    int64_t expires_wall_ms;  /* INT64_MAX: never, or it was connected */
    uint64_t will;            /* its number; 0: none */
    int64_t will_due_wall_ms; /* INT64_MAX: now, or it was connected */
};
size_t stored_session_size(const struct stored_session *session);
void stored_session_write(struct writer *out, const struct stored_session *session);
bool stored_session_read(struct stored_session *out, struct bytes in);

/* ---- Wills: values of STORED_WILLS; there until they are published or discarded ---- */

struct stored_will {
    struct stored_message message; /* expires_wall_ms is not used: */
    bool expires;
    uint32_t expiry_s; /* begins when it is published */
    uint32_t delay_s;
    uint64_t queue; /* of its session; where that names another will, or is gone, this one is due */
};
size_t stored_will_size(const struct stored_will *will);
void stored_will_write(struct writer *out, const struct stored_will *will);
bool stored_will_read(struct stored_will *out, struct bytes in);

/* ---- Subscriptions: values of STORED_SUBSCRIPTIONS; the key is the queue and the filter ---- */

/* False also where the filter, "$share/" and all that follows included, is no valid one. */
bool stored_filter_key_read(struct bytes key, uint64_t *queue, struct bytes *filter);

struct stored_subscription {
    uint32_t identifier; /* 0: none */
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling;
};
enum { STORED_SUBSCRIPTION_SIZE = 5 };
void stored_subscription_write(
        uint8_t out[STORED_SUBSCRIPTION_SIZE], const struct stored_subscription *subscription);
bool stored_subscription_read(struct stored_subscription *out, struct bytes in);

/* ---- A message's place in a queue: its tag, and its note once it has a packet id ---- */

/* Of one place. Who matches by more subscriptions is told of so many of their identifiers. */
enum { STORED_IDENTIFIERS_MAX = 16000 };

struct stored_place {
    uint8_t qos; /* for this receiver, 1 or 2 */
    bool retain; /* the RETAIN flag that it bears */
    uint32_t identifier_count;
    const uint32_t *identifiers; /* written */
    struct bytes identifiers_in; /* read: for stored_place_identifier() */
};
size_t stored_place_size(const struct stored_place *place);
void stored_place_write(struct writer *out, const struct stored_place *place);
bool stored_place_read(struct stored_place *out, struct bytes in);
uint32_t stored_place_identifier(const struct stored_place *place, uint32_t n);

struct stored_flight {
    uint64_t session;  /* the queue of the session that has it in flight: its own, or a member's */
    uint64_t sequence; /* outgoing.h: it tells the packet id and the order of sending */
    /* As that client gets it, which of a group's message goes by the member: */
    uint8_t qos;
    bool retain;
    uint32_t subscription_id; /* 0: none */
};
enum { STORED_FLIGHT_SIZE = 21 };
void stored_flight_write(uint8_t out[STORED_FLIGHT_SIZE], const struct stored_flight *flight);
bool stored_flight_read(struct stored_flight *out, struct bytes in);

/* ---- Values of STORED_RELEASES (a sequence) and STORED_GROUPS (a queue), keys of STORED_WILLS
 * ---- */

enum { STORED_NUMBER_SIZE = 8 };
void stored_number_write(uint8_t out[STORED_NUMBER_SIZE], uint64_t number);
bool stored_number_read(uint64_t *out, struct bytes in);

#endif
