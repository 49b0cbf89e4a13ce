/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What carries datagrams to one gateway and back: UDP, and DTLS over it. Another transport is
 * another file beside sn_udp.c.
 */
#ifndef CLI_SN_TRANSPORT_H
#define CLI_SN_TRANSPORT_H

#include "cli/sn_options.h"

#include <sys/types.h>

#define SN_NEVER_MS INT64_MAX

struct sn_transport {
    int fd;               /* becomes readable when a datagram has come; -1: it is not open */
    int64_t due_ms;       /* when receive() is to be called even so; SN_NEVER_MS: not before */
    const char *failure;  /* why it is of no more use; lasts for ever. NULL: it is of use */
    struct sn_dtls *dtls; /* of DTLS alone */
    /* A connection is to begin: whoever was there before may know nothing any more. */
    void (*renew)(struct sn_transport *transport);
    /* Sends one; may get lost without a word. */
    void (*send)(struct sn_transport *transport, const void *data, size_t size);
    /* Takes the next one: its size, or -1 where there is none. */
    ssize_t (*receive)(struct sn_transport *transport, void *data, size_t size);
    void (*close)(struct sn_transport *transport);
};

/* Opens UDP to the gateway of the options; of several addresses of a host one of IPv4 goes first.
 * False: it says on stderr what is wrong. */
bool sn_udp_open(struct sn_transport *transport, const struct sn_options *options);

/* The same by DTLS, where the options ask for it. It shakes hands when something is sent, also when
 * the gateway has ended the association before. */
bool sn_dtls_open(struct sn_transport *transport, const struct sn_options *options);

#endif
