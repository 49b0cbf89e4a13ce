/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet of MQTT-SN 2.0 of any type behind one pair of functions, for tests that treat all alike.
 */
#ifndef TESTS_HARNESS_ANY_PACKET2_H
#define TESTS_HARNESS_ANY_PACKET2_H

#include "mqttsn2/auth.h"
#include "mqttsn2/connack.h"
#include "mqttsn2/connect.h"
#include "mqttsn2/disconnect.h"
#include "mqttsn2/discovery.h"
#include "mqttsn2/envelope.h"
#include "mqttsn2/ping.h"
#include "mqttsn2/puback.h"
#include "mqttsn2/publish.h"
#include "mqttsn2/regack.h"
#include "mqttsn2/register.h"
#include "mqttsn2/sleep.h"
#include "mqttsn2/subscribe.h"

struct any_packet2 {
    enum mqttsn2_type type;
    struct bytes body; /* as it came, for the protection envelope, which has no encoder */
    union {
        struct mqttsn2_connect connect;
        struct mqttsn2_connack connack;
        struct mqttsn2_auth auth;
        struct mqttsn2_register registration;
        struct mqttsn2_regack regack;       /* SUBACK too */
        struct mqttsn2_publish publish;     /* PUBWOS too */
        struct mqttsn2_puback puback;       /* PUBREC, PUBREL, PUBCOMP and UNSUBACK too */
        struct mqttsn2_subscribe subscribe; /* UNSUBSCRIBE too */
        struct mqttsn2_ping ping;           /* PINGREQ and PINGRESP */
        struct mqttsn2_disconnect disconnect;
        struct mqttsn2_sleepreq sleepreq;
        struct mqttsn2_sleepresp sleepresp;
        struct mqttsn_advertise advertise;
        struct mqttsn2_searchgw searchgw;
        struct mqttsn_gwinfo gwinfo;
        struct mqttsn2_forwarder forwarder;
        struct mqttsn2_connection connection;
        struct mqttsn2_protection protection;
    } as;
};

/* Takes a datagram from that side apart and decodes it. *out is written on success only. */
enum mqtt_reason any_packet2_decode(
        struct any_packet2 *out, struct bytes datagram, enum mqtt_sender sender);

/* Encodes the whole datagram. */
void any_packet2_encode(struct writer *out, const struct any_packet2 *packet);

/**
 * Decodes, and aborts unless a refusal leaves the output as it was and gets an answer that the
 * other side can read and that may say its code, or none; and unless what is accepted is encoded to
 * the same bytes again, but for a longer header than needed, a code that need not be said, and what
 * a SUBACK without an alias leaves out.
 */
void any_packet2_check(struct bytes datagram, enum mqtt_sender sender);

#endif
