/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams of the draft of MQTT-SN 2.0 in words, as decode_packet tells packets.
 */
#ifndef CLI_DECODE_SN2_H
#define CLI_DECODE_SN2_H

#include "base/bytes.h"
#include "mqtt/packet.h"

#include <stdbool.h>
#include <stdio.h>

/* Describes a datagram, with the packets in its envelopes. False when it breaks the draft. */
bool decode_sn2(FILE *out, struct bytes datagram, enum mqtt_sender sender);

/* The side that alone sends datagrams of this type; false: both do, or it is none. */
bool decode_sn2_sender_known(struct bytes datagram, enum mqtt_sender *sender);

#endif
