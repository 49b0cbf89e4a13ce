/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet of any type behind one pair of functions, for tests that treat all alike.
 *
 * What is decoded here is a packet without its remaining length: the first byte, then the body. So
 * a body can be cut short or changed without making the fixed header wrong.
 */
#ifndef TESTS_HARNESS_ANY_PACKET_H
#define TESTS_HARNESS_ANY_PACKET_H

#include "mqtt/auth.h"
#include "mqtt/connack.h"
#include "mqtt/connect.h"
#include "mqtt/disconnect.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"
#include "mqtt/unsubscribe.h"

struct any_packet {
    enum mqtt_type type;
    enum mqtt_version version; /* a CONNECT's own, else the one given */
    union {
        struct mqtt_connect connect;
        struct mqtt_connack connack;
        struct mqtt_publish publish;
        struct mqtt_puback puback;
        struct mqtt_subscribe subscribe;
        struct mqtt_suback suback;
        struct mqtt_unsubscribe unsubscribe;
        struct mqtt_disconnect disconnect;
        struct mqtt_auth auth;
    } as;
};

/* Checks the flags and decodes; *out is as it was when the result is not MQTT_SUCCESS. */
enum mqtt_reason any_packet_decode(struct any_packet *out, struct bytes packet,
        enum mqtt_version version, enum mqtt_sender sender);

/* Encodes the whole packet, remaining length included; decoded properties go out as they came. */
void any_packet_encode(struct writer *out, const struct any_packet *packet);

/**
 * Decodes and, where that succeeds, encodes and decodes again; aborts unless a refusal leaves the
 * output as it was, and an acceptance gives the same bytes again. (Packets that have a longer form
 * than needed give their shortest one, the same ever after.)
 */
void any_packet_check(struct bytes packet, enum mqtt_version version, enum mqtt_sender sender);

#endif
