/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that were given to a link and are not done: those that wait, in the order of giving,
 * and those that the engine has in its slots.
 */
#ifndef CLIENT_LINK_QUEUE_H
#define CLIENT_LINK_QUEUE_H

#include "nightjar/link.h"

#include "base/list.h"

/* A call that waits for the end of something. */
struct waiter {
    bool done;
    enum nj_error error;
    uint8_t reason;
};

struct link_request;

struct outgoing {
    struct list link;
    struct nj_message message; /* its bytes lie behind, but for QoS 0 that was written at once */
    uint64_t number;           /* by which the order of giving is told, and the file names it */
    uint64_t tag;
    uint64_t end; /* QoS 0, given to the engine: it is written when so many bytes are */
    struct waiter *waiter;
    bool quiet; /* a call waited for it and has given up: nobody is to be told */
    struct link_request *request;
    enum nj_error given_up; /* it will not be sent again: what is to be told when its id is free */
    size_t size;            /* that counts for the limit */
    uint8_t data[];
};

struct link_queue {
    struct list waiting;
    struct list written;      /* QoS 0: with the engine, and not written yet */
    struct outgoing **flying; /* in the engine's slots; its tag is the index here */
    size_t flying_max;
    size_t flying_count;
    size_t count; /* of all */
    size_t size;
    size_t count_max;
    size_t size_max;
    uint64_t next_number;
};

/* Bytes of a message that lie elsewhere: of its topic, payload and properties. */
size_t link_message_size(const struct nj_message *message);

/* Copies a message, and these bytes of it to where there is room for them. */
void link_message_copy(struct nj_message *to, uint8_t *bytes, const struct nj_message *from);

/* The same for bytes alone: `*to` goes behind them. */
struct nj_bytes link_bytes_copy(uint8_t **to, struct nj_bytes from);

/* False when memory is short. */
bool link_queue_init(struct link_queue *queue, const struct nj_link_options *options);

/* Frees all that is in it; nobody is told. */
void link_queue_deinit(struct link_queue *queue);

/* Whether a message more is within the limits. */
bool link_queue_has_room(const struct link_queue *queue, const struct nj_message *message);

/* Adds a copy of a message behind those that wait, without asking for room. NULL: no memory. */
struct outgoing *link_queue_add(
        struct link_queue *queue, const struct nj_message *message, uint64_t tag);

/* Adds one of QoS 0 that is written at once: it has no bytes, and its `end` is yours to set. NULL:
 * no memory. */
struct outgoing *link_queue_add_written(struct link_queue *queue, uint64_t tag);

/* The first that waits; NULL: none does. */
struct outgoing *link_queue_first(const struct link_queue *queue);

/* A free index for the engine; there is one when the engine has a slot. */
uint32_t link_queue_free_index(const struct link_queue *queue);

/* One that waits is now in a slot. */
void link_queue_fly(struct link_queue *queue, struct outgoing *outgoing, uint32_t index);

/* One that flew waits again, where the order of giving wants it. */
void link_queue_return(struct link_queue *queue, uint32_t index);

/* Takes one out of the queue, wherever it is. It is the caller's to free(). */
void link_queue_remove(struct link_queue *queue, struct outgoing *outgoing);

/* The one of that number among those that wait; NULL. */
struct outgoing *link_queue_find(const struct link_queue *queue, uint64_t number);

#endif
