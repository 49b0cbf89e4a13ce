/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Forwarded-For: the addresses that HTTP proxies in front have seen, each adding the one that it
 * was asked from, at the right.
 *
 * What a client has written there itself stands at the left, so only what trusted proxies have
 * written counts: from the right up to the first address that is none of theirs.
 */
#ifndef NET_FORWARDED_H
#define NET_FORWARDED_H

#include "net/address.h"
#include "net/http.h"
#include "net/network.h"

enum forwarded {
    FORWARDED_NOTHING, /* the request has no such field, or an empty one */
    FORWARDED_CLIENT,  /* *out is the client */
    FORWARDED_BAD,     /* where it should stand, there is no address */
};

/**
 * Finds the client of a request that came from a trusted proxy: the last address of the field that
 * is not trusted; the first one where all are. Addresses may have a port behind them; a client
 * without one gets the port 0. *out is written with FORWARDED_CLIENT only.
 */
enum forwarded forwarded_find(struct address *out, const struct http_request *request,
        const struct network_list *trusted);

#endif
