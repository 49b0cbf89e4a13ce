/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of a link: copied whole, with the URL taken apart and every default filled in.
 */
#ifndef CLIENT_LINK_OPTIONS_H
#define CLIENT_LINK_OPTIONS_H

#include "nightjar/link.h"

#include "net/failure.h"

#include "base/bytes.h"

/*
 * Copies `given`; `out` owns all that its members point to, also on failure. Afterwards url is
 * NULL and transport, host, port and path say where the server is.
 *
 * NJ_OK, NJ_NO_MEMORY, or NJ_INVALID with a sentence.
 */
enum nj_error link_options_copy(struct nj_link_options *out, const struct nj_link_options *given,
        char failure[static FAILURE_SIZE]);

void link_options_deinit(struct nj_link_options *options);

/* Goes on with a check of bytes (FNV-1a), which begins as you like; no help against malice. */
uint64_t link_check(uint64_t before, struct bytes bytes);

/* A copy with a NUL behind it; NULL when memory is short. */
char *link_text_copy(const void *data, size_t size);

static inline bool link_is_websocket(enum nj_transport transport)
{
    return transport == NJ_TRANSPORT_WEBSOCKET || transport == NJ_TRANSPORT_WEBSOCKET_TLS;
}

static inline bool link_is_tls(enum nj_transport transport)
{
    return transport == NJ_TRANSPORT_TLS || transport == NJ_TRANSPORT_WEBSOCKET_TLS;
}

#endif
