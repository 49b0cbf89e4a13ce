/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Mosquitto has kept, as it lies in one of its files: lists of sessions, subscriptions,
 * messages and their places. Nothing here is judged; import_records.h does that.
 *
 * Bytes borrow from the file, or from blocks that the lists' owner holds.
 */
#ifndef CLI_IMPORT_DATA_H
#define CLI_IMPORT_DATA_H

#include "base/bytes.h"

/* The states of a message in a session, by their numbers in the file. */
enum import_state {
    IMPORT_PUBLISH_0 = 1,
    IMPORT_PUBLISH_1 = 2,
    IMPORT_WAIT_PUBACK = 3,
    IMPORT_PUBLISH_2 = 4,
    IMPORT_WAIT_PUBREC = 5,
    IMPORT_RESEND_PUBREL = 6,
    IMPORT_WAIT_PUBREL = 7,
    IMPORT_RESEND_PUBCOMP = 8,
    IMPORT_WAIT_PUBCOMP = 9,
    IMPORT_SEND_PUBREC = 10,
    IMPORT_QUEUED = 11,
    IMPORT_STATE_MAX = IMPORT_QUEUED,
};

struct import_message {
    uint64_t id;
    int64_t expires_s; /* since 1970; 0: never */
    struct bytes topic;
    struct bytes properties; /* those of a PUBLISH, without their length */
    struct bytes payload;
    struct bytes source; /* the publisher's client id */
    uint8_t qos;
    bool retain;
};

struct import_session {
    struct bytes client_id;
    uint32_t expiry_interval_s; /* UINT32_MAX: never */
    int64_t expires_s;          /* since 1970; 0: its client was connected, or never */
};

enum { IMPORT_IDENTIFIER_MAX = 268435455 };

struct import_subscription {
    struct bytes client_id;
    struct bytes filter;
    uint32_t identifier; /* 0: none */
    uint8_t options;     /* as SUBSCRIBE of MQTT 5.0 has them */
};

/* A message of a session; they are in the order in which the client gets or has sent them. */
struct import_place {
    struct bytes client_id;
    uint64_t message; /* its id */
    uint32_t identifier;
    uint16_t packet_id; /* 0: none yet */
    uint8_t qos;
    uint8_t state; /* enum import_state, or 0 */
    bool incoming; /* the client has sent it */
    bool retain;
};

struct import_list {
    void *items;
    size_t count;
    size_t room;
};

struct import_block; /* of memory for bytes that lie in no file */

struct import_data {
    struct import_list messages;
    struct import_list sessions;
    struct import_list subscriptions;
    struct import_list places;
    struct import_list retained; /* uint64_t: ids of messages */
    uint64_t wills;              /* how many there are, none of which is read */
    struct import_block *blocks;
};

/* What is wrong with a file, for a person. */
struct import_fault {
    const char *what;
    uint64_t offset; /* in the file, or of a row in a table */
};

/* Starts as { 0 }. */
void import_data_deinit(struct import_data *data);

/* Room for one more item; NULL when memory is short. */
void *import_list_add(struct import_list *list, size_t item_size);

/* Memory that lives as long as the lists; NULL when it is short. */
uint8_t *import_data_take(struct import_data *data, size_t size);

#endif
