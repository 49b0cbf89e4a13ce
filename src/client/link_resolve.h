/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host's addresses, found by a thread that lives for this one question: the C library may wait
 * for a name server for seconds, and cannot be told to stop.
 */
#ifndef CLIENT_LINK_RESOLVE_H
#define CLIENT_LINK_RESOLVE_H

#include "net/address.h"

enum { LINK_ADDRESSES_MAX = 16 };

struct link_resolve;

/* Asks. Returns 0, or -errno: -ENOMEM, -EAGAIN (no thread), -EMFILE. */
int link_resolve_start(struct link_resolve **out, const char *host, uint16_t port);

/* A descriptor that can be read when the answer is there. */
int link_resolve_fd(const struct link_resolve *resolve);

/* How many addresses, 1 or more; 0: it is not known yet; or -errno as of address_resolve(). */
int link_resolve_answer(
        const struct link_resolve *resolve, struct address out[static LINK_ADDRESSES_MAX]);

/* Nobody wants to know any more; the thread ends by itself. NULL is fine. */
void link_resolve_stop(struct link_resolve *resolve);

#endif
