/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of captured frames (pcap, or pcapng), and what of IP is in them.
 *
 * Of links these are known: Ethernet, with VLAN tags; Linux's "any" device in both forms; loopback
 * of BSD; IP without a link. IP's own fragments are passed over, for neither TCP nor small
 * datagrams come in any.
 */
#ifndef CLI_DECODE_CAPTURE_H
#define CLI_DECODE_CAPTURE_H

#include "base/bytes.h"

enum {
    CAPTURE_INTERFACES_MAX = 64, /* of a pcapng file; frames of more are passed over */
    CAPTURE_ADDRESS_SIZE = 16,
};

struct capture_interface {
    uint32_t link;
    uint64_t ticks_per_s;
};

/* A file that is being read; it borrows the bytes. */
struct capture {
    struct bytes rest;
    bool swapped; /* numbers have the other order of bytes than big-endian */
    bool blocks;  /* pcapng */
    struct capture_interface interfaces[CAPTURE_INTERFACES_MAX];
    size_t interface_count;
};

struct capture_frame {
    uint32_t link;
    uint64_t time_ns;
    struct bytes bytes;
};

/* A segment of TCP, or a datagram of UDP. */
struct capture_packet {
    bool tcp;
    bool ipv6;
    bool begins; /* TCP: it has SYN */
    bool resets; /* TCP: it has RST */
    uint32_t sequence;
    uint16_t from_port;
    uint16_t to_port;
    uint8_t from[CAPTURE_ADDRESS_SIZE]; /* IPv4 in the first four bytes */
    uint8_t to[CAPTURE_ADDRESS_SIZE];
    struct bytes payload;
};

/* False when the bytes are not the front of a capture. */
bool capture_open(struct capture *out, struct bytes file);

/* The next frame; false at the end, and where the file is cut short. */
bool capture_next(struct capture *capture, struct capture_frame *frame);

/* What of TCP or UDP is in a frame; false when it has neither, or is cut short. */
bool capture_unpack(const struct capture_frame *frame, struct capture_packet *packet);

#endif
