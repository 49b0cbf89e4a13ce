/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard at the doors: what the addresses have done lately that clients come from, and which of
 * them may open one more connection. One table for the process, asked once per connection and for
 * each wrong login; it knows neither sockets nor clocks.
 *
 * An IPv4 address is one visitor. Of IPv6 the first 64 bits are, for whoever has one address there
 * has all 2^64 of its network and could come from a new one each time. "No address", the peer of a
 * Unix socket, and those that the settings exempt are nobody's visitors: they always come in.
 *
 * An address that only datagrams have named is unproved, for anyone may put it there. Who comes by
 * it is another visitor than who has shown that he is there: what a forger does costs nobody else
 * his place, and wrong logins of it are held back, but lead to no ban. A ban of the proved address
 * holds for it, too.
 *
 * Of GUARD_VISITORS_MAX visitors the one that matters least gives way to a new one: neither banned
 * nor with wrong logins nor connected, and longest not seen. One with counted connections never
 * does; where only such are, the new one comes in uncounted.
 */
#ifndef BROKER_GUARD_H
#define BROKER_GUARD_H

#include "base/hash.h"
#include "broker/config/guard_settings.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GUARD_VISITORS_MAX = 32768,
    GUARD_CROWD = 4,            /* handshakes of an address that are more than one client's */
    GUARD_BURST_S = 2,          /* seconds' worth of connections that may come at once */
    GUARD_LOGINS_FREE = 3,      /* wrong logins that are answered at once */
    GUARD_LOGIN_DELAY_MS = 100, /* of the next one's answer; then twice as much each time */
    GUARD_QUIET_MS = 1000,      /* between two lines of the log about one address */
};

/* Why a connection does not come in. */
enum guard_limit {
    GUARD_GOOD,
    GUARD_LOGIN_FAILURES, /* its address is banned */
    GUARD_CONNECTION_RATE,
    GUARD_CONNECTIONS,
    GUARD_HANDSHAKES,
};

/* What is counted for a connection, and is to be given back by guard_leave(). The last is only
 * told: the address has GUARD_CROWD handshakes already. */
enum guard_counts { GUARD_COUNTS_HANDSHAKE = 1, GUARD_COUNTS_CONNECTION = 2, GUARD_IS_CROWD = 4 };

struct guard;

/* Somebody at the doors. */
struct guard_guest {
    const struct address *address; /* borrowed */
    bool unproved;                 /* a datagram alone says so */
};

/**
 * The key keeps peers from choosing which addresses share a place.
 *
 * NULL when memory is short.
 */
struct guard *guard_new(const struct hash_key *key);

/* NULL is fine. */
void guard_free(struct guard *guard);

/* All below may be called by any thread. */

/**
 * A connection wants in. With GUARD_GOOD *counts is what is counted for it (enum
 * guard_counts, 0 for none); else it stays, and a refused connection has cost its address nothing.
 */
enum guard_limit guard_enter(struct guard *guard, const struct guard_settings *settings,
        struct guard_guest guest, int64_t now_ms, unsigned *counts);

/* Gives back what was counted of a connection: its handshake is over, or it has ended. */
void guard_leave(struct guard *guard, struct guard_guest guest, unsigned counts);

/**
 * A guest has been turned away, for whatever reason.
 *
 * Returns how many that makes since the log was last told of one from there, or 0 when it is not to
 * be told now: it is at most once each GUARD_QUIET_MS, and once while the address is banned.
 */
uint32_t guard_note_refusal(struct guard *guard, struct guard_guest guest, int64_t now_ms);

/* A wrong login. */
struct guard_login {
    uint32_t delay_ms; /* its answer is to be held back for so long */
    bool banned;       /* with it, the address is banned */
    bool would_ban;    /* it is not, as it is unproved; told once for each login_failures_max */
    uint32_t failures; /* different wrong logins of the guest that have led to one of these */
};

/**
 * A login of that guest was wrong. The same credentials once more delay the answer further, but
 * do not count for the ban: a device with an old password tries for ever, and guesses nothing.
 * (Different ones count by 512 marks made of keyed hashes, so that a few in a hundred may count as
 * the same.) A good login takes nothing back: else one who has an account could guess on others.
 * Neither the secret nor its hash is kept.
 */
struct guard_login guard_login_failed(struct guard *guard, const struct guard_settings *settings,
        struct guard_guest guest, struct bytes user, struct bytes secret, int64_t now_ms);

/* Were logins of that guest wrong within the window? Those that are exempt are told of, too. */
bool guard_suspects(struct guard *guard, struct guard_guest guest, int64_t now_ms);

/* An address that is banned, or has wrong logins that count. */
struct guard_suspect {
    struct network network; /* of IPv6 with its 64 bits */
    uint32_t failures;
    int64_t banned_ms; /* for how long still; 0: it is not */
};

/**
 * Writes the next `max` of them, from *position on, which starts at 0. Who comes or goes between
 * two calls may be missed.
 *
 * Returns how many; less than `max` at the end.
 */
size_t guard_list(struct guard *guard, size_t *position, struct guard_suspect out[], size_t max,
        int64_t now_ms);

/* Lifts the ban of an address and forgets its wrong logins, also as an unproved one. False where it
 * had none. */
bool guard_lift(struct guard *guard, const struct address *address);

/* Are two guests one visitor? */
bool guard_is_same(struct guard_guest a, struct guard_guest b);

#endif
