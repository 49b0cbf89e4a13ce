/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client says to a SOCKS5 proxy, and what it makes of the answers, until the proxy passes
 * on all that comes: bytes in and bytes out, without a socket. The proxy is given the server's
 * name, and resolves it itself.
 *
 * Source: RFC 1928; RFC 1929 for user name and password.
 */
#ifndef NET_SOCKS_H
#define NET_SOCKS_H

#include "base/bytes.h"

#include <stdbool.h>

enum {
    SOCKS_TEXT_MAX = 255, /* bytes of a host, a user name or a password */
    SOCKS_OUT_SIZE = 3 + 2 * SOCKS_TEXT_MAX,
    SOCKS_IN_SIZE = 4 + 1 + SOCKS_TEXT_MAX + 2,
};

enum socks_state {
    SOCKS_OFFERS,    /* ways to log in */
    SOCKS_LOGS_IN,   /* by user name and password */
    SOCKS_ASKS,      /* for a connection */
    SOCKS_CONNECTED, /* the server's bytes come, and ours go to it */
    SOCKS_FAILED,
};

/* Where the connection is to lead to. */
struct socks_wish {
    const char *host; /* a name or a number */
    const char *user; /* "" or NULL: none */
    const char *password;
    uint16_t port;
};

struct socks {
    enum socks_state state;
    int error;           /* of SOCKS_FAILED, the -errno that comes nearest to the failure */
    const char *failure; /* of SOCKS_FAILED, a phrase that lasts */
    struct socks_wish wish;
    bool can_log_in;
    uint16_t out_used;
    uint16_t out_sent;
    uint16_t in_used;
    uint8_t in[SOCKS_IN_SIZE];   /* the answer, as far as it has come */
    uint8_t out[SOCKS_OUT_SIZE]; /* what is said now */
};

/**
 * Begins; the texts of the wish must last. Returns whether it can be said: the host has from 1 to
 * SOCKS_TEXT_MAX bytes, user name and password at most so many.
 */
bool socks_init(struct socks *socks, const struct socks_wish *wish);

/* What is to be sent now; empty: an answer is awaited, or it is over. What was sent is added to
 * socks->out_sent. */
static inline struct bytes socks_output(const struct socks *socks)
{
    return bytes_of(socks->out + socks->out_sent, (size_t)socks->out_used - socks->out_sent);
}

/* How many bytes of the answer come next for sure; what lies behind them is not the proxy's. 0:
 * something is to be sent first, or it is over. */
size_t socks_wanted(const struct socks *socks);

/* Takes bytes that have come, at most socks_wanted(), and lie in socks->in behind those before. */
void socks_take(struct socks *socks, size_t size);

#endif
