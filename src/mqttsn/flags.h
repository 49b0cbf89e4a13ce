/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Flags octet. Each message gives meaning to some of its bits; the others are not looked at
 * when it is decoded, and are 0 when it is encoded. (Source: MQTT-SN 1.2 §5.3.4, [SN-5.3.4-1])
 */
#ifndef MQTTSN_FLAGS_H
#define MQTTSN_FLAGS_H

#include <stdint.h>

enum mqttsn_flags {
    MQTTSN_FLAG_DUP = 0x80,
    MQTTSN_FLAG_QOS = 0x60,
    MQTTSN_FLAG_RETAIN = 0x10,
    MQTTSN_FLAG_WILL = 0x08,
    MQTTSN_FLAG_CLEAN_SESSION = 0x04,
    MQTTSN_FLAG_TOPIC_ID_TYPE = 0x03,
};

enum { MQTTSN_QOS_SHIFT = 5 };

/* Of a PUBLISH without a connection; both bits are set then. Source: [SN-5.3.4-2] */
enum { MQTTSN_QOS_MINUS_1 = -1 };

/* The QoS that the flags say: -1, 0, 1 or 2. */
static inline int8_t mqttsn_flags_qos(uint8_t flags)
{
    uint8_t bits = (flags & MQTTSN_FLAG_QOS) >> MQTTSN_QOS_SHIFT;

    return bits == 3 ? MQTTSN_QOS_MINUS_1 : (int8_t)bits;
}

/* The flags that say the QoS. */
static inline uint8_t mqttsn_flags_of_qos(int8_t qos)
{
    return (uint8_t)((qos & 3) << MQTTSN_QOS_SHIFT);
}

#endif
