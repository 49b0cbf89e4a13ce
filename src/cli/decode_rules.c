/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_rules.h"

#include <stddef.h>

/* The ids are of MQTT 5.0, 3.1.1 and 3.1, in this order; 3.1 follows 3.1.1 where it has none. */
static const struct rule {
    const char *words;
    const char *ids[3];
} rules[DECODE_RULES] = {
    [RULE_TYPE] = { "there is no packet of this type", { "MQTT5-2.1.3-1", "MQTT311-2.2.2-2" } },
    [RULE_LENGTH] = { "a length has more than four bytes, or more than it needs",
            { "MQTT5-1.5.5-1", "U311-2.2.3-a" } },
    [RULE_FLAGS] = { "the flags of the fixed header are not what this type has",
            { "MQTT5-2.1.3-1", "MQTT311-2.2.2-2", "V31-11" } },
    [RULE_SIDE] = { "this side does not send packets of this type", { NULL } },
    [RULE_SHORT] = { "the packet ends within a field", { NULL, "U311-2.x-a" } },
    [RULE_TRAILING] = { "there are bytes behind the last field", { NULL, "U311-2.x-a" } },
    [RULE_TEXT] = { "this is no UTF-8", { "MQTT5-1.5.4-1", "MQTT311-1.5.3-1", "V31-19" } },
    [RULE_NUL] = { "text with the character U+0000",
            { "MQTT5-1.5.4-2", "MQTT311-1.5.3-2", "V31-19" } },
    [RULE_PROTOCOL_NAME] = { "the protocol's name is neither \"MQTT\" nor \"MQIsdp\"",
            { "MQTT5-3.1.2-1", "MQTT311-3.1.2-1", "V31-1" } },
    [RULE_PROTOCOL_LEVEL] = { "this name has no such version",
            { "MQTT5-3.1.2-2", "MQTT311-3.1.2-2", "V31-2" } },
    [RULE_CONNECT_RESERVED] = { "the reserved connect flag is set",
            { "MQTT5-3.1.2-3", "MQTT311-3.1.2-3" } },
    [RULE_WILL_FLAGS] = { "without a will its QoS and retain flag must be 0",
            { "MQTT5-3.1.2-11", "MQTT311-3.1.2-13" } },
    [RULE_WILL_QOS] = { "a will cannot have QoS 3", { "MQTT5-3.1.2-12", "MQTT311-3.1.2-14" } },
    [RULE_PASSWORD_ALONE] = { "a password without a user name",
            { NULL, "MQTT311-3.1.2-22", "V31-9" } },
    [RULE_CLIENT_ID] = { "an empty client id needs a clean session",
            { NULL, "MQTT311-3.1.3-8", "V31-4" } },
    [RULE_TOPIC_NAME] = { "a topic name has a wildcard", { "MQTT5-3.3.2-2", "MQTT311-3.3.2-2" } },
    [RULE_TOPIC_EMPTY] = { "a topic name is empty", { "MQTT5-4.7.3-1", "MQTT311-4.7.3-1" } },
    [RULE_AUTHENTICATION_DATA] = { "authentication data without a method", { "U5-3.1.2.11.10-1" } },
    [RULE_PROPERTY_FOREIGN] = { "this packet has no such property", { "U5-2.2.2-1" } },
    [RULE_PROPERTY_REPEATED] = { "this property may come once", { "U5-3.2.2.3-1" } },
    [RULE_PROPERTY_VALUE] = { "this property cannot have that value", { "U5-2.2.2-1" } },
    [RULE_PROPERTY_LENGTH] = { "the properties' length goes beyond the packet, or ends within one",
            { "U5-2.2.2-1" } },
    [RULE_ALIAS_ZERO] = { "a topic alias cannot be 0", { "MQTT5-3.3.2-8" } },
    [RULE_RESPONSE_TOPIC] = { "the response topic is no topic name", { "MQTT5-3.3.2-14" } },
    [RULE_QOS] = { "there is no QoS 3", { "MQTT5-3.3.1-4", "MQTT311-3.3.1-4" } },
    [RULE_DUP] = { "a message of QoS 0 cannot be a duplicate",
            { "MQTT5-3.3.1-2", "MQTT311-3.3.1-2" } },
    [RULE_PACKET_ID] = { "a packet identifier cannot be 0",
            { "MQTT5-2.2.1-3", "MQTT311-2.3.1-1", "V31-23" } },
    [RULE_TOPIC_NO_ALIAS] = { "an empty topic needs a topic alias", { "U5-3.3.2.1-1" } },
    [RULE_SUBSCRIPTION_ID] = { "a client's PUBLISH has no subscription identifier",
            { "MQTT5-3.3.4-6" } },
    [RULE_SUBSCRIBE_EMPTY] = { "a SUBSCRIBE needs a filter",
            { "MQTT5-3.8.3-2", "MQTT311-3.8.3-3" } },
    [RULE_SUBSCRIBE_OPTIONS] = { "reserved bits of the subscription's options are set",
            { "MQTT5-3.8.3-5", "MQTT311-3.8.3-4" } },
    [RULE_SUBSCRIBE_QOS] = { "there is no QoS 3", { "U5-3.8.3.1-1", "MQTT311-3.8.3-4" } },
    [RULE_RETAIN_HANDLING] = { "there is no retain handling 3", { "U5-3.8.3.1-2" } },
    [RULE_FILTER_HASH] = { "\"#\" stands alone, behind a slash, and last, or nowhere",
            { "MQTT5-4.7.1-1", "MQTT311-4.7.1-2" } },
    [RULE_FILTER_PLUS] = { "\"+\" fills a whole level, or stands nowhere",
            { "MQTT5-4.7.1-2", "MQTT311-4.7.1-3" } },
    [RULE_FILTER_EMPTY] = { "a topic filter is empty", { "MQTT5-4.7.3-1", "MQTT311-4.7.3-1" } },
    [RULE_SHARE] = { "a shared subscription is \"$share/NAME/FILTER\"", { "MQTT5-4.8.2-2" } },
    [RULE_SHARE_NO_LOCAL] = { "a shared subscription cannot have No Local", { "MQTT5-3.8.3-4" } },
    [RULE_UNSUBSCRIBE_EMPTY] = { "an UNSUBSCRIBE needs a filter",
            { "MQTT5-3.10.3-2", "MQTT311-3.10.3-2" } },
    [RULE_SUBACK_EMPTY] = { "there is no code", { "MQTT5-3.9.3-1", "MQTT311-3.9.3-1" } },
    [RULE_CONNACK_FLAGS] = { "reserved acknowledge flags are set",
            { "MQTT5-3.2.2-1", "MQTT311-2.2.2-1" } },
    [RULE_CONNACK_SESSION] = { "a refusal cannot tell of a session",
            { "MQTT5-3.2.2-6", "MQTT311-3.2.2-4" } },
    [RULE_CONNACK_CODE] = { "a CONNACK has no such code",
            { "MQTT5-3.2.2-8", "U311-3.2.2-a", "V31-15" } },
    [RULE_PUBACK_CODE] = { "a PUBACK has no such code from this side", { "MQTT5-3.4.2-1" } },
    [RULE_PUBREC_CODE] = { "a PUBREC has no such code from this side", { "MQTT5-3.5.2-1" } },
    [RULE_PUBREL_CODE] = { "a PUBREL has no such code", { "MQTT5-3.6.2-1" } },
    [RULE_PUBCOMP_CODE] = { "a PUBCOMP has no such code", { "MQTT5-3.7.2-1" } },
    [RULE_SUBACK_CODE] = { "a SUBACK has no such code",
            { "MQTT5-3.9.3-2", "MQTT311-3.9.3-2", "V31-13" } },
    [RULE_UNSUBACK_CODE] = { "an UNSUBACK has no such code", { "MQTT5-3.11.3-2" } },
    [RULE_DISCONNECT_CODE] = { "a DISCONNECT has no such code from this side",
            { "MQTT5-3.14.2-1" } },
    [RULE_DISCONNECT_PROPERTY] = { "this property is the other side's to send",
            { "MQTT5-3.14.2-2" } },
    [RULE_DISCONNECT_BY_SERVER] = { "before MQTT 5.0 a server sends no DISCONNECT", { NULL } },
    [RULE_AUTH_CODE] = { "an AUTH has no such code from this side", { "MQTT5-3.15.2-1" } },
    [RULE_AUTH_METHOD] = { "an AUTH needs an authentication method", { "U5-3.15.2-1" } },
};

const char *decode_rule_words(enum decode_rule rule)
{
    return rules[rule].words;
}

const char *decode_rule_id(enum decode_rule rule, enum mqtt_version version)
{
    const char *const *ids = rules[rule].ids;

    if (version == MQTT_5_0)
        return ids[0];
    return version == MQTT_3_1 && ids[2] ? ids[2] : ids[1];
}
