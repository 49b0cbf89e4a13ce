/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message of MQTT-SN of any type behind one pair of functions, for tests that treat all alike.
 */
#ifndef TESTS_HARNESS_ANY_MESSAGE_H
#define TESTS_HARNESS_ANY_MESSAGE_H

#include "mqttsn/advertise.h"
#include "mqttsn/connack.h"
#include "mqttsn/connect.h"
#include "mqttsn/disconnect.h"
#include "mqttsn/encapsulation.h"
#include "mqttsn/gwinfo.h"
#include "mqttsn/pingreq.h"
#include "mqttsn/publish.h"
#include "mqttsn/pubrec.h"
#include "mqttsn/regack.h"
#include "mqttsn/register.h"
#include "mqttsn/searchgw.h"
#include "mqttsn/suback.h"
#include "mqttsn/subscribe.h"
#include "mqttsn/willmsg.h"
#include "mqttsn/willtopic.h"

struct any_message {
    enum mqttsn_type type;
    union {
        struct mqttsn_advertise advertise;
        struct mqttsn_searchgw searchgw;
        struct mqttsn_gwinfo gwinfo;
        struct mqttsn_connect connect;
        struct mqttsn_connack connack; /* WILLTOPICRESP and WILLMSGRESP too */
        struct mqttsn_willtopic willtopic;
        struct mqttsn_willmsg willmsg;
        struct mqttsn_register registration;
        struct mqttsn_regack regack; /* PUBACK too */
        struct mqttsn_publish publish;
        struct mqttsn_pubrec pubrec; /* PUBREL, PUBCOMP and UNSUBACK too */
        struct mqttsn_subscribe subscribe;
        struct mqttsn_suback suback;
        struct mqttsn_pingreq pingreq;
        struct mqttsn_disconnect disconnect;
        struct mqttsn_encapsulation encapsulation;
    } as;
};

/**
 * Takes a datagram from that side apart and decodes it, a forwarder's frame included. *out is as it
 * was when the result is not MQTT_SUCCESS; MQTT_MALFORMED stands for all that is to be ignored.
 */
enum mqtt_reason any_message_decode(
        struct any_message *out, struct bytes datagram, enum mqtt_sender sender);

/* Encodes the whole datagram. */
void any_message_encode(struct writer *out, const struct any_message *message);

/**
 * Decodes, and aborts unless a refusal leaves the output as it was and gets an answer that the
 * other side can read, or none; and unless what is accepted is encoded to the same bytes again, but
 * for a longer header than needed and for bits that mean nothing, which are 0 then.
 */
void any_message_check(struct bytes datagram, enum mqtt_sender sender);

#endif
