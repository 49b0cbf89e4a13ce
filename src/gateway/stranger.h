/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a datagram from an address that no client is known at. Its sender may be any
 * address that somebody has put there, so an answer is never larger than what it answers; but for
 * GWINFO of 2.0, which is a byte larger than the smallest SEARCHGW.
 *
 * Types of 1.2 and 2.0 are the same numbers. Where 2.0 is spoken, a datagram that a client may send
 * in either is taken for one of 1.2, with two exceptions: a SUBSCRIBE of QoS 0 by a predefined id
 * looks like a PUBWOS, and a PINGRESP like a SEARCHGW, and are taken for these.
 */
#ifndef GATEWAY_STRANGER_H
#define GATEWAY_STRANGER_H

#include "base/bytes.h"
#include "base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum { GATEWAY_ANSWER_SIZE_MAX = 8 }; /* bytes of an answer */

enum gateway_welcome {
    GATEWAY_IGNORED,
    GATEWAY_ANSWERED, /* the answer is to be sent */
    GATEWAY_JOINS,    /* a CONNECT: it is for a new client */
    GATEWAY_SPEAKS,   /* a PUBLISH of QoS -1: it is for the gateway's own connection */

    /* Of 2.0: */
    GATEWAY_JOINS_LARGE,   /* as GATEWAY_JOINS, but what answers it may be larger than it is */
    GATEWAY_SPEAKS_DRAFT,  /* a PUBWOS: for gateway_client_speak() of that connection */
    GATEWAY_REFUSES_DRAFT, /* a CONNECT where 2.0 is not spoken: the answer is to be sent */
};

/**
 * Judges such a datagram; writes the answer where there is one: GWINFO with the gateway's id,
 * CONNACK to a CONNECT that is refused, or DISCONNECT to what only a client may say.
 *
 * Source: [SN-5.4.21-2], [SN-5.4.21-3], [SN-6.1-8], [SN-6.2-1], [SN-6.2-4], [SN-6.8-1], [SN-X-1];
 * [MQTTSN2-3.1.5-2], [MQTTSN2-3.11.3-3], [MQTTSN2-3.15.5-3], [MQTTSN2-4.14-2]
 */
enum gateway_welcome gateway_judge_stranger(
        struct writer *answer, struct bytes datagram, uint8_t gateway_id, bool speaks_draft);

/* Writes the answer to a CONNECT that was to join, where there is no room for its client now. */
void gateway_put_off(struct writer *answer, struct bytes connect);

#endif
