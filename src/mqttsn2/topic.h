/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands for a topic: an alias of the session, a predefined alias, or a whole name or filter.
 */
#ifndef MQTTSN2_TOPIC_H
#define MQTTSN2_TOPIC_H

#include "base/bytes.h"
#include "base/reader.h"
#include "base/writer.h"
#include "mqtt/reason.h"

/* The lowest two bits of most flags. Source: MQTT-SN 2.0 §2.4; 2 is reserved. */
enum mqttsn2_topic_type {
    MQTTSN2_TOPIC_SESSION = 0,    /* an alias that the server has given out in this session */
    MQTTSN2_TOPIC_PREDEFINED = 1, /* an alias that both sides know beforehand */
    MQTTSN2_TOPIC_NAME = 3,       /* in SUBSCRIBE and UNSUBSCRIBE a filter */
};

enum { MQTTSN2_FLAG_TOPIC_TYPE = 0x03 };

/* Aliases of the two types are different numbers. The draft lets each have all 65,536 values. */
struct mqttsn2_topic {
    enum mqttsn2_topic_type type;
    uint16_t alias;    /* of MQTTSN2_TOPIC_NAME 0 */
    struct bytes name; /* of MQTTSN2_TOPIC_NAME; else empty */
};

/**
 * Reads the topic of a PUBLISH, a PUBWOS or a Will: two bytes that are an alias or the length of
 * the name that follows; `flags` say which. Whether an alias is known, the caller knows. *out is
 * written on success only, and borrows from what is read.
 *
 * Returns MQTT_SUCCESS; MQTT_TOPIC_NAME_INVALID for a name that is empty or has wildcards;
 * MQTT_MALFORMED for one that is not UTF-8, for the reserved type, and where `in` runs short.
 * Source: [MQTTSN2-3.6.1.4-1], [MQTTSN2-3.6.1.4-2], [MQTTSN2-3.6.2.5-1], [MQTTSN2-3.6.2.5-2],
 * [MQTTSN2-3.1.11-1], [MQTTSN2-4.7.1.1-1], [MQTTSN2-4.7.1.3-1], [MQTTSN2-4.7.1.3-2]
 */
enum mqtt_reason mqttsn2_topic_read(struct mqttsn2_topic *out, uint8_t flags, struct reader *in);

/* Writes what mqttsn2_topic_read() reads; the writer fails for a name above 65,535 bytes. */
void mqttsn2_topic_write(struct writer *out, const struct mqttsn2_topic *topic);

/* Bytes that mqttsn2_topic_write() writes. */
size_t mqttsn2_topic_size(const struct mqttsn2_topic *topic);

#endif
