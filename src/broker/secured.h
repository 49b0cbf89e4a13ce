/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DTLS that a sensor speaks, and datagrams of it that wait until its newcomer has his turn: a
 * handshake takes as long as a hundred messages. It is the sensor's home's; where a client begins
 * anew it goes on to the next sensor, so that no handshake is needed for that.
 */
#ifndef BROKER_SECURED_H
#define BROKER_SECURED_H

#include "base/buffer.h"
#include "net/dtls.h"

enum { SECURED_UNREAD_MAX = 16 * 1024 }; /* bytes that wait; what is beyond is thrown away */

struct secured {
    uint64_t mark;        /* of the hello that it began with; ear's to read, as it never changes */
    struct dtls *dtls;    /* NULL before its first turn, and when it is gone */
    struct buffer unread; /* datagrams, each behind the two bytes of its size */
    int end;              /* -EAGAIN: it stands; 0: the peer has ended it; -EPROTO: it has failed */
    bool gone;            /* closed, or another sensor's */
};

/* One that is to begin with that hello. NULL when memory is short, or the hello too long for what
 * may wait. */
struct secured *secured_new(const struct memory *memory, uint64_t mark, struct bytes hello);

/* Tells the peer, where it stands, and is gone. */
void secured_close(struct secured *secured, const struct memory *memory);

/* The same, and frees it. NULL is fine. */
void secured_free(struct secured *secured, const struct memory *memory);

/* What it has as another one, whose datagrams go nowhere so far; this one is gone. NULL when memory
 * is short: then it is closed. */
struct secured *secured_hand_on(struct secured *secured, const struct memory *memory);

/* Whether that datagram would be too much beside those that wait; NULL: none does. */
bool secured_is_full(const struct secured *secured, struct bytes datagram);

/* Keeps a datagram. False when that would be too much, or memory is short. */
bool secured_keep(struct secured *secured, const struct memory *memory, struct bytes datagram);

/* Takes the next one of what was kept. */
struct bytes secured_next(struct bytes *unread);

/* Begins with that hello; its datagrams go to the port. Where it cannot, that is its end. */
void secured_begin(
        struct secured *secured, struct tls_server *tls, const struct dtls_options *options);

/* The next message of a datagram that it has been given: its size, or 0: none. */
size_t secured_read(
        struct secured *secured, uint8_t message[static DTLS_MESSAGE_SIZE_MAX], int64_t now_ms);

/* Does what is due. */
void secured_tick(struct secured *secured, int64_t now_ms);

/* Does a read of its sensor's stream learn anything by it? */
static inline bool secured_has_news(const struct secured *secured)
{
    return secured->unread.size > 0 || secured->end != -EAGAIN;
}

#endif
