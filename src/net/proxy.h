/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PROXY protocol, versions 1 and 2: a proxy in front begins each connection with a header that
 * tells who the client is. The format is HAProxy's, doc/proxy-protocol.txt.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "net/network.h"
#include "net/stream.h"

enum {
    PROXY_1_SIZE_MAX = 107,  /* bytes of a header of version 1, its line's end included */
    PROXY_2_SIZE_MAX = 2048, /* of version 2, with all that a proxy adds about TLS */
};

enum proxy_version { PROXY_1 = 1, PROXY_2 = 2 };

/* What a header says. Its views borrow from the header. */
struct proxy_header {
    size_t size;           /* bytes of it */
    bool local;            /* the proxy speaks for itself, as to see whether we are alive */
    bool known;            /* it tells who the client is: */
    struct address client; /* "no address" for one of a Unix socket */
    bool tls;              /* the client speaks TLS with the proxy: */
    bool certified;        /* and has shown a certificate, which the proxy has verified: */
    struct bytes name;     /* its common name, if it has one */
    struct bytes version;  /* such as "TLSv1.3", if the proxy tells it */
    struct bytes cipher;   /* such as "TLS_AES_128_GCM_SHA256", the same */
};

enum proxy_result {
    PROXY_PARTIAL, /* more must come */
    PROXY_WHOLE,
    PROXY_BAD, /* it is not a header of that version, or it is malformed or too large */
};

/* Reads the header that the bytes begin with. *out is written with PROXY_WHOLE only. */
enum proxy_result proxy_header_read(
        struct proxy_header *out, struct bytes bytes, enum proxy_version version);

struct proxy_options {
    enum proxy_version version;         /* the only one that is taken */
    bool require_tls;                   /* refuse clients that did not reach the proxy by TLS */
    const struct network_list *trusted; /* the addresses of proxies; NULL: any */
};

/**
 * Makes a stream of `below` that first reads the header. Until it is there, reads give -EAGAIN;
 * from then on stream_peer() tells the client that the header names, or, where it names none, who
 * is connected. A header that is missing or malformed makes reads fail with -EPROTO; so does a
 * client without TLS, where that is required, and a peer that is no trusted proxy.
 *
 * Takes `below`, also on failure; keeps nothing of the options. Returns 0, or -ENOMEM.
 */
int proxy_open(struct stream **out, struct stream *below, const struct proxy_options *options);

#endif
