/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers to messages that are refused.
 */
#ifndef MQTTSN_REFUSAL_H
#define MQTTSN_REFUSAL_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

enum { MQTTSN_REFUSAL_SIZE_MAX = 8 }; /* bytes */

/**
 * Writes the answer to a message that is refused for a reason, which is a failure: what a decoder
 * returned, or the receiver's own. The answer repeats the ids of the message.
 *
 *   CONNECT, WILLTOPIC, WILLMSG    CONNACK
 *   REGISTER                       REGACK
 *   PUBLISH                        PUBACK; silence at QoS -1
 *   SUBSCRIBE                      SUBACK
 *   UNSUBSCRIBE                    UNSUBACK, which cannot say why
 *   WILLTOPICUPD, WILLMSGUPD       WILLTOPICRESP, WILLMSGRESP
 *
 * Returns whether there is an answer to send: no other message has one, and none is given for
 * MQTT_MALFORMED. The answer has at most MQTTSN_REFUSAL_SIZE_MAX bytes.
 * Source: [SN-5.2.1-5], [SN-5.3.10-1], [SN-5.4.13-1], [SN-5.4.17-1], [SN-6.2-4], [SN-6.8-1],
 * [SN-X-3]
 */
bool mqttsn_refuse(
        struct writer *out, const struct mqttsn_message *message, enum mqtt_reason reason);

#endif
