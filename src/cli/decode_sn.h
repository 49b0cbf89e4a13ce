/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams of MQTT-SN 1.2 in words, as decode_packet tells packets.
 */
#ifndef CLI_DECODE_SN_H
#define CLI_DECODE_SN_H

#include "base/bytes.h"
#include "mqtt/packet.h"

#include <stdbool.h>
#include <stdio.h>

/* Describes a datagram, with what is in a forwarder's frame; MQTT_FROM_SERVER is the gateway. False
 * when it breaks the specification. */
bool decode_sn(FILE *out, struct bytes datagram, enum mqtt_sender sender);

/* The side that alone sends datagrams of this type; false: both do, or it is none. */
bool decode_sn_sender_known(struct bytes datagram, enum mqtt_sender *sender);

#endif
