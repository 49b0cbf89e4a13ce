/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One side of an association of DTLS 1.2, by OpenSSL, as a translator: datagrams of the network and
 * time go in, datagrams for it come out by a port, and what the peer says is read one message at a
 * time. It knows neither socket nor clock.
 *
 * The server's begins with a ClientHello whose cookie was found to be good (net/dtls_cookie.h). The
 * handshake is done by the first reads, the client's first one begins it. Between two calls an
 * association keeps no buffers.
 */
#ifndef NET_DTLS_H
#define NET_DTLS_H

#include "net/dtls_below.h"
#include "net/stream.h"
#include "net/tls_client.h"
#include "net/tls_server.h"

enum {
    DTLS_MESSAGE_SIZE_MAX = 16384, /* bytes that one record carries */
    DTLS_MTU_MIN = 256,            /* bytes of a handshake's datagram */
    DTLS_MTU_MAX = 1500,
};

struct dtls;

struct dtls_options {
    struct dtls_port port;
    struct bytes hello; /* the server's: the datagram it begins with; borrowed for the call */
    unsigned mtu;       /* DTLS_MTU_MIN to DTLS_MTU_MAX */
};

/**
 * Begins one. `server` was made for datagrams, and a reference to it is kept. Nothing is sent yet.
 *
 * Returns 0, -EPROTO when OpenSSL does not take the hello for one, or -ENOMEM.
 */
int dtls_accept(struct dtls **out, struct tls_server *server, const struct dtls_options *options);

/* What a client's side is made with, as options of net/tls_client.h. */
extern const struct tls_client_kind dtls_client_kind;

/* The same for a client. Returns 0, or -ENOMEM. */
int dtls_connect(struct dtls **out, struct tls_client *client, const struct dtls_options *options);

/* Gives it a datagram that has come, or an empty one; then dtls_read() is to be called until it has
 * no more. Borrowed until then. */
void dtls_receive(struct dtls *dtls, struct bytes datagram);

/**
 * Reads the next message. `size` is DTLS_MESSAGE_SIZE_MAX or more.
 *
 * Returns its bytes, -EAGAIN for none, 0 when the peer has ended it, or -EPROTO: the handshake has
 * failed. What makes no sense later, as from somebody else, is passed over.
 */
int dtls_read(struct dtls *dtls, void *buffer, size_t size, int64_t now_ms);

/* Sends a message of at most DTLS_MESSAGE_SIZE_MAX bytes. Before the handshake is over, and after
 * it has failed, it is lost. */
void dtls_send(struct dtls *dtls, struct bytes message);

/* When dtls_tick() is to be called, which sends again what the peer has not answered of a
 * handshake; INT64_MAX: never. Returns 0, or -EPROTO as above. */
int64_t dtls_due_ms(const struct dtls *dtls);
int dtls_tick(struct dtls *dtls, int64_t now_ms);

/* From now on its datagrams go there. */
void dtls_redirect(struct dtls *dtls, const struct dtls_port *port);

/* Whether its handshake still goes on; and what may keep it from its end, for one who gives up. The
 * text lasts for ever. */
bool dtls_is_unfinished(const struct dtls *dtls);
const char *dtls_unfinished_text(const struct dtls *dtls);

/* As stream_failure(); and, the server's side alone, stream_peer() but for the address, and
 * stream_objection(). */
const char *dtls_failure(const struct dtls *dtls);
void dtls_peer(const struct dtls *dtls, struct stream_peer *out);
const char *dtls_objection(struct dtls *dtls, const struct tls_server *now);

/* Tells the peer (close_notify) and frees it. NULL is fine. */
void dtls_close(struct dtls *dtls);

#endif
