/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport's side of a connection: a stream, the bytes of it that core cannot use yet, and the
 * bytes for it that the socket does not take yet. An idle link holds neither.
 *
 * A link belongs to one shard at a time; as the parcel of a hand-over it goes to another one with
 * all that it holds.
 */
#ifndef BROKER_LINK_H
#define BROKER_LINK_H

#include "base/buffer.h"
#include "base/list.h"
#include "broker/core/core.h"
#include "net/stream.h"

struct newcomer;

/* What a shard's poll tells of: the first member of every owner says what kind it is. */
enum waiter_kind {
    WAITER_WAKE,
    WAITER_DOOR,
    WAITER_LINK,
};

struct waiter {
    uint8_t kind; /* enum waiter_kind */
};

enum link_state {
    LINK_OPEN,
    LINK_DRAINS,  /* core has ended it: nothing is read, its output goes out */
    LINK_LINGERS, /* our side is ended, core has forgotten it: what still comes is thrown away */
    LINK_CLOSED,  /* kept only until no event of this turn can name it */
};

/* What OpenSSL takes for a connection, about: its own memory cannot be counted. For DTLS it keeps
 * the handshake's buffer. */
enum { LINK_KIB = 1024, LINK_TLS_KIB = 16, LINK_DTLS_KIB = 40 };

/* Output that the socket did not take. */
struct leftover {
    struct bytes head; /* what is left of it; lies behind this struct */
    struct bytes tail; /* what is left of it; borrows from owner */
    struct message *owner;
    size_t size; /* of this block */
};

struct link {
    struct waiter waiter;
    uint8_t state;     /* enum link_state */
    uint8_t wants;     /* enum stream_waits: to read, to write */
    uint8_t waits;     /* enum poll_waits: what the poll has been told, as the stream said */
    bool held : 1;     /* CORE_WAIT: not read until core names it ready */
    bool more : 1;     /* core has more output than one turn may write */
    bool told : 1;     /* something was written after it had ended */
    bool veiled : 1;   /* its address is a proxy's: the client's is still to be told */
    uint8_t guarded;   /* enum guard_counts: what the guard has counted of it */
    bool stranger;     /* core is still to be told what its layers find out about the peer */
    bool unjudged : 1; /* in the shard's list of those whom new files of TLS may not let in */
    bool leaves : 1;   /* in the shard's list of those whose peers write no more */
    bool unproved : 1; /* its address is what its datagrams say; see guard.h */
    uint8_t entrance;  /* the number of its listener */
    uint8_t tls_kib;   /* that are counted for its TLS */
    uint32_t wanted;   /* size of the packet that `input` begins; 0 while unknown */
    struct list node;  /* in the shard's list for its state */
    struct stream *stream;
    struct connection *connection; /* NULL before core accepts it and once it lingers */
    int64_t moment_ms;         /* when it was accepted; of one that lingers: when that is over */
    struct buffer input;       /* from the first byte on that core has not used */
    struct leftover *leftover; /* NULL while the socket keeps up */
    struct newcomer *newcomer; /* until its CONNECT is accepted, and while a shard has it */
};

/* A shard's buffer to read into; what is in it lasts until the next read. */
struct scratch {
    uint8_t *data;
    size_t size;
};

/* Takes the stream, on success only. NULL when memory is short. */
struct link *link_new(
        const struct memory *memory, struct stream *stream, unsigned entrance, int64_t now_ms);

/* Closes the stream, gives back all buffers, frees the link. Without leftover core may be NULL. */
void link_free(
        struct link *link, const struct memory *memory, struct core *core, enum stream_end end);

/* The same but for the link itself, which an event may still name; it is LINK_CLOSED then. */
void link_close(
        struct link *link, const struct memory *memory, struct core *core, enum stream_end end);

/**
 * Reads once. *in is then all that core has not used: what was kept and what came. It lies in
 * `scratch` or in the link's buffer, and is to be given to link_keep() before the next link_read().
 *
 * Returns the number of bytes that came, 0 at the peer's end, -EAGAIN for nothing, or -errno.
 */
int link_read(
        struct link *link, const struct memory *memory, struct scratch scratch, struct bytes *in);

/*
 * Keeps the end of *in that core did not use: all but its first `used` bytes. `wanted` is the size
 * of the packet that begins there, or 0. False when memory is short: the link must be closed.
 */
bool link_keep(struct link *link, const struct memory *memory, struct bytes in, size_t used,
        size_t wanted);

/**
 * Writes what core filled in, in one call, and keeps what the socket does not take; takes
 * out->owner. Only while there is no leftover.
 *
 * Returns 0, or -errno when the stream has failed or memory is short: the link must be closed.
 */
int link_write(struct link *link, const struct memory *memory, struct core *core,
        const struct output *out);

/* Writes the leftover, as much as goes. Returns as link_write() does. */
int link_flush(struct link *link, const struct memory *memory, struct core *core);

/* Bytes that the socket did not take yet. */
size_t link_leftover_size(const struct link *link);

#endif
