/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers to packets that break the rules. They end the virtual connection, whether the answer
 * arrives or not. (Source: MQTT-SN 2.0 §4.12)
 */
#ifndef MQTTSN2_REFUSAL_H
#define MQTTSN2_REFUSAL_H

#include "mqttsn2/reason.h"

enum { MQTTSN2_REFUSAL_SIZE_MAX = 6 }; /* bytes */

/**
 * Writes the server's answer to a client's packet that is refused for a code, which is a failure:
 * what a decoder returned, or MQTTSN2_NO_VIRTUAL_CONNECTION, or another that DISCONNECT may say. It
 * is CONNACK for CONNECT, else DISCONNECT, with the packet's identifier where it has one; a code
 * that the answer may not say is replaced by mqttsn2_reason_fit().
 *
 * Returns whether there is an answer to send: PUBWOS, ADVERTISE, SEARCHGW and GWINFO need no
 * virtual connection and get none, and a DISCONNECT is never answered.
 * Source: [MQTTSN2-3.1.19-1], [MQTTSN2-4.12.1-2]
 */
bool mqttsn2_refuse(struct writer *out, const struct mqttsn2_packet *packet, uint8_t code);

#endif
