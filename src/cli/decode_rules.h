/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be wrong with a packet, and which statement of the standard says so. The ids are those
 * of docs/spec.
 */
#ifndef CLI_DECODE_RULES_H
#define CLI_DECODE_RULES_H

#include "mqtt/version.h"

enum decode_rule {
    RULE_TYPE,
    RULE_LENGTH,
    RULE_FLAGS,
    RULE_SIDE,
    RULE_SHORT,
    RULE_TRAILING,
    RULE_TEXT,
    RULE_NUL,
    RULE_PROTOCOL_NAME,
    RULE_PROTOCOL_LEVEL,
    RULE_CONNECT_RESERVED,
    RULE_WILL_FLAGS,
    RULE_WILL_QOS,
    RULE_PASSWORD_ALONE,
    RULE_CLIENT_ID,
    RULE_TOPIC_NAME,
    RULE_TOPIC_EMPTY,
    RULE_AUTHENTICATION_DATA,
    RULE_PROPERTY_FOREIGN,
    RULE_PROPERTY_REPEATED,
    RULE_PROPERTY_VALUE,
    RULE_PROPERTY_LENGTH,
    RULE_ALIAS_ZERO,
    RULE_RESPONSE_TOPIC,
    RULE_QOS,
    RULE_DUP,
    RULE_PACKET_ID,
    RULE_TOPIC_NO_ALIAS,
    RULE_SUBSCRIPTION_ID,
    RULE_SUBSCRIBE_EMPTY,
    RULE_SUBSCRIBE_OPTIONS,
    RULE_SUBSCRIBE_QOS,
    RULE_RETAIN_HANDLING,
    RULE_FILTER_HASH,
    RULE_FILTER_PLUS,
    RULE_FILTER_EMPTY,
    RULE_SHARE,
    RULE_SHARE_NO_LOCAL,
    RULE_UNSUBSCRIBE_EMPTY,
    RULE_SUBACK_EMPTY,
    RULE_CONNACK_FLAGS,
    RULE_CONNACK_SESSION,
    RULE_CONNACK_CODE,
    RULE_PUBACK_CODE,
    RULE_PUBREC_CODE,
    RULE_PUBREL_CODE,
    RULE_PUBCOMP_CODE,
    RULE_SUBACK_CODE,
    RULE_UNSUBACK_CODE,
    RULE_DISCONNECT_CODE,
    RULE_DISCONNECT_PROPERTY,
    RULE_DISCONNECT_BY_SERVER,
    RULE_AUTH_CODE,
    RULE_AUTH_METHOD,
    DECODE_RULES,
};

/* What is wrong, as the rest of a sentence. */
const char *decode_rule_words(enum decode_rule rule);

/* The statement that is broken in that version; NULL where none has a number. */
const char *decode_rule_id(enum decode_rule rule, enum mqtt_version version);

#endif
