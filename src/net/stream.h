/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection as a stream of bytes that never waits and never calls back: it reads, writes, and
 * tells what it waits for. The loop calls.
 *
 * Streams stack: TLS or WebSocket is a stream that owns the one below it. Whoever holds the top
 * one holds the whole stack, may hand it to another thread, and ends it with stream_close().
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/address.h"

#include "base/bytes.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/uio.h>

enum stream_waits {
    STREAM_IN = 1,    /* until the descriptor can be read */
    STREAM_OUT = 2,   /* until the descriptor can be written */
    STREAM_READY = 4, /* for nothing: bytes lie inside the stack, read them without waiting */
};

enum stream_end {
    STREAM_END_CLEAN,  /* what was written still reaches the peer, as far as the peer lets it */
    STREAM_END_ABRUPT, /* at once: what was not sent is thrown away, TCP sends a reset */
};

enum {
    STREAM_TLS_SIZE = 64,      /* a version's or cipher's name with its NUL */
    STREAM_NAME_SIZE = 512,    /* a name in a certificate */
    STREAM_SUBJECT_SIZE = 1024 /* all of its names */
};

/* Who is at the other end, as far as the layers of the stack found out. */
struct stream_peer {
    struct address address; /* "no address" for a Unix socket */
    bool preliminary;       /* a layer is still finding out: ask again once bytes have come */

    /* Of TLS, once it is negotiated; else "". */
    char tls_version[STREAM_TLS_SIZE]; /* such as "TLSv1.3" */
    char tls_cipher[STREAM_TLS_SIZE];

    /* The peer has shown a certificate, and it was verified. */
    bool certified;
    /* What that says; "" where it says nothing, or what is too long or has a NUL in it. */
    char common_name[STREAM_NAME_SIZE];
    char subject[STREAM_SUBJECT_SIZE]; /* in the form of RFC 2253 */

    /* The identity of the pre-shared key by which it has come in; "": by none. */
    char psk_identity[STREAM_NAME_SIZE];
};

struct stream;
struct tls_server;

/* What each kind of stream does; the functions below say what is expected. */
struct stream_functions {
    int (*read)(struct stream *stream, void *buffer, size_t size);
    int (*write)(struct stream *stream, const struct iovec pieces[], size_t count);
    int (*shutdown)(struct stream *stream);
    void (*hasten)(struct stream *stream);
    void (*close)(struct stream *stream, enum stream_end end);
    unsigned (*waits)(const struct stream *stream, unsigned wanted);
    int (*fd)(const struct stream *stream);
    const char *(*failure)(const struct stream *stream);
    void (*peer)(const struct stream *stream, struct stream_peer *out);
    /* NULL: there is no TLS in it. */
    const char *(*objection)(struct stream *stream, const struct tls_server *tls);
};

/* The first member of every kind of stream. */
struct stream {
    const struct stream_functions *functions;
};

/* One write takes at most this many pieces; the rest is for the next write. */
enum { STREAM_PIECES_MAX = 1024 };

/* A piece to write. The kernel's type lacks a const: what is written is only read. */
static inline struct iovec stream_piece(struct bytes bytes)
{
    return (struct iovec){ (void *)(uintptr_t)bytes.data, bytes.size };
}

/**
 * Reads what is there, at most `size` bytes (1 or more).
 *
 * Returns the number of bytes, 0 when the peer has ended its side, -EAGAIN when nothing is there
 * yet, or another -errno, after which the stream is of no more use than to be closed.
 */
static inline int stream_read(struct stream *stream, void *buffer, size_t size)
{
    return stream->functions->read(stream, buffer, size);
}

/**
 * Writes as much of the pieces, in order, as goes without waiting. The stream keeps none of them.
 * After -EAGAIN or a short write the same bytes must come again first, for a layer of the stack
 * may have worked on them already.
 *
 * Returns the number of bytes taken, -EAGAIN when none, or another -errno (-EPIPE or -ECONNRESET
 * when the peer is gone), after which the stream is of no more use than to be closed.
 */
static inline int stream_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    return stream->functions->write(stream, pieces, count);
}

/**
 * Ends our side: the peer reads what was written and then the end. Reading goes on, and a server
 * that has just refused a client does read on for a moment: closed with unread input, TCP sends a
 * reset, and the peer may lose the reason that was written last. So this may be called after a read
 * has given -EPROTO, too, as the layer that did may have told the peer why: reads then throw away
 * what comes, and give -EAGAIN until its end.
 *
 * Returns 0, -EAGAIN when it waits (call again when ready), or another -errno.
 */
static inline int stream_shutdown(struct stream *stream)
{
    return stream->functions->shutdown(stream);
}

/* What such a read does, with the stream below the layer that has failed. */
static inline int stream_discard(struct stream *below, void *buffer, size_t size)
{
    int result = stream_read(below, buffer, size);

    return result > 0 ? -EAGAIN : result;
}

/**
 * What came last gets no answer: a transport that puts off its own acknowledgement in the hope of
 * one sends it now. A peer that does not send the next small packet before (Nagle's algorithm)
 * would lose some 40 ms. Only a hint.
 */
static inline void stream_hasten(struct stream *stream)
{
    stream->functions->hasten(stream);
}

/* Closes the whole stack and frees it. Take the descriptor out of its poll before. NULL is fine. */
static inline void stream_close(struct stream *stream, enum stream_end end)
{
    if (stream)
        stream->functions->close(stream, end);
}

/**
 * What to wait for at the descriptor when the caller wants to read (STREAM_IN), to write
 * (STREAM_OUT), both or nothing (0). A layer that negotiates may have to read before it can write,
 * so the answer can differ from what was wanted, and from one read or write to the next: ask after
 * each. Where it does differ, readiness of either kind may help both: try both. STREAM_READY comes
 * only to one who wants to read. STREAM_IN and STREAM_OUT have poll's values.
 */
static inline unsigned stream_waits(const struct stream *stream, unsigned wanted)
{
    return stream->functions->waits(stream, wanted);
}

/* The descriptor at the bottom; the stream keeps it. */
static inline int stream_fd(const struct stream *stream)
{
    return stream->functions->fd(stream);
}

/**
 * Why the last call failed, in words for a log, where a layer knows more than the error says, such
 * as which certificate was not good; else NULL. Good until the next call.
 */
static inline const char *stream_failure(const struct stream *stream)
{
    return stream->functions->failure(stream);
}

/* What is known by now; layers learn more until the first byte has been read. */
static inline void stream_peer(const struct stream *stream, struct stream_peer *out)
{
    stream->functions->peer(stream, out);
}

/**
 * Why the peer, who has come in, would not come in by the files that its listener's TLS has now
 * (net/tls_server.h), in words that last for ever. NULL: it would, or it is too early to say, or
 * those files are not newer than the ones it came in by.
 */
static inline const char *stream_objection(struct stream *stream, const struct tls_server *tls)
{
    return stream->functions->objection ? stream->functions->objection(stream, tls) : NULL;
}

#endif
