/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The properties of MQTT 5.0: all 27, of every packet and of the Will.
 *
 * `present` has one bit for each property: bit 0x21 for Receive Maximum, and so on. After a decode
 * the fields of absent properties are 0 or empty, which is not always the standard's default.
 *
 * Decoded, `encoded` is the whole section as received, without its length, already checked; the
 * properties that may come many times are walked in it. To encode, set fields and their bits, and
 * let `encoded` hold what is already encoded and goes behind them (user properties, or what
 * mqtt_properties_forward() gave). So decoded properties are sent on unchanged with present = 0.
 *
 * Source: MQTT 5.0 §2.2.2
 */
#ifndef MQTT_PROPERTIES_H
#define MQTT_PROPERTIES_H

#include "base/bytes.h"
#include "base/reader.h"
#include "base/writer.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"

enum mqtt_property {
    MQTT_PAYLOAD_FORMAT_INDICATOR = 0x01,
    MQTT_MESSAGE_EXPIRY_INTERVAL = 0x02,
    MQTT_CONTENT_TYPE = 0x03,
    MQTT_RESPONSE_TOPIC = 0x08,
    MQTT_CORRELATION_DATA = 0x09,
    MQTT_SUBSCRIPTION_IDENTIFIER = 0x0B,
    MQTT_SESSION_EXPIRY_INTERVAL = 0x11,
    MQTT_ASSIGNED_CLIENT_IDENTIFIER = 0x12,
    MQTT_SERVER_KEEP_ALIVE = 0x13,
    MQTT_AUTHENTICATION_METHOD = 0x15,
    MQTT_AUTHENTICATION_DATA = 0x16,
    MQTT_REQUEST_PROBLEM_INFORMATION = 0x17,
    MQTT_WILL_DELAY_INTERVAL = 0x18,
    MQTT_REQUEST_RESPONSE_INFORMATION = 0x19,
    MQTT_RESPONSE_INFORMATION = 0x1A,
    MQTT_SERVER_REFERENCE = 0x1C,
    MQTT_REASON_STRING = 0x1F,
    MQTT_RECEIVE_MAXIMUM = 0x21,
    MQTT_TOPIC_ALIAS_MAXIMUM = 0x22,
    MQTT_TOPIC_ALIAS = 0x23,
    MQTT_MAXIMUM_QOS = 0x24,
    MQTT_RETAIN_AVAILABLE = 0x25,
    MQTT_USER_PROPERTY = 0x26,
    MQTT_MAXIMUM_PACKET_SIZE = 0x27,
    MQTT_WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28,
    MQTT_SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29,
    MQTT_SHARED_SUBSCRIPTION_AVAILABLE = 0x2A,
};

/* Stands beside the packet types where a property section is named: the Will's own. */
enum { MQTT_WILL = 16 };

struct mqtt_properties {
    uint64_t present;
    uint32_t user_property_count; /* set by decode; encode does not look at it */
    uint32_t message_expiry_s;
    uint32_t session_expiry_s;
    uint32_t will_delay_s;
    uint32_t subscription_id; /* the last one, where there are several */
    uint32_t maximum_packet_size;
    uint16_t server_keep_alive_s;
    uint16_t receive_maximum;
    uint16_t topic_alias_maximum;
    uint16_t topic_alias;
    uint8_t payload_format_indicator;
    uint8_t request_problem_information;
    uint8_t request_response_information;
    uint8_t maximum_qos;
    uint8_t retain_available;
    uint8_t wildcard_subscription_available;
    uint8_t subscription_identifier_available;
    uint8_t shared_subscription_available;
    struct bytes content_type;
    struct bytes response_topic;
    struct bytes correlation_data;
    struct bytes assigned_client_id;
    struct bytes authentication_method;
    struct bytes authentication_data;
    struct bytes response_information;
    struct bytes server_reference;
    struct bytes reason_string;
    struct bytes encoded;
};

static inline uint64_t mqtt_property_bit(enum mqtt_property property)
{
    return (uint64_t)1 << property;
}

static inline bool mqtt_properties_have(
        const struct mqtt_properties *properties, enum mqtt_property property)
{
    return properties->present & mqtt_property_bit(property);
}

/**
 * Reads a property section, its length first. `packet` is an enum mqtt_type, or MQTT_WILL.
 * *out must be zero before; it changes on success only, and an empty section leaves it so.
 *
 * Returns MQTT_SUCCESS; MQTT_MALFORMED when the section or a field of it is ill-formed, or a
 * property is unknown or foreign to the packet; MQTT_PROTOCOL_ERROR when one that may come once is
 * repeated or has a value that the standard forbids; MQTT_TOPIC_ALIAS_INVALID when the alias is 0.
 * Source: MQTT 5.0 §2.2.2, [U5-2.2.2-1], [U5-2.2.2-2], [MQTT5-3.3.2-8], [MQTT5-3.3.2-14]
 */
enum mqtt_reason mqtt_properties_read(
        struct mqtt_properties *out, struct reader *in, unsigned packet);

/* The same of a section that stands without its length, as `encoded` does. */
enum mqtt_reason mqtt_properties_section_read(
        struct mqtt_properties *out, struct bytes encoded, unsigned packet);

/* Reads one property of a section, whose others *out has; what is left of `in` when that fails has
 * no meaning. Returns as mqtt_properties_section_read() does. */
enum mqtt_reason mqtt_property_read(
        struct mqtt_properties *out, struct reader *in, unsigned packet);

/* Authentication Data has no meaning without a method. Source: [U5-3.1.2.11.10-1] */
static inline bool mqtt_properties_authentication_valid(const struct mqtt_properties *properties)
{
    return !mqtt_properties_have(properties, MQTT_AUTHENTICATION_DATA) ||
            mqtt_properties_have(properties, MQTT_AUTHENTICATION_METHOD);
}

/* Bytes that mqtt_properties_write() writes, the section's length included. */
size_t mqtt_properties_size(const struct mqtt_properties *properties);

/* Writes the section: its length, the fields named in present (user properties aside), encoded. */
void mqtt_properties_write(struct writer *out, const struct mqtt_properties *properties);

/* Writes one of several subscription identifiers, to be gathered for `encoded`. */
void mqtt_subscription_id_write(struct writer *out, uint32_t id);

/* A property with its value, whichever it is. */
struct mqtt_property_value {
    enum mqtt_property id;
    uint32_t number;    /* where it is one */
    struct bytes bytes; /* of a text, of binary data, and the value of a user property */
    struct bytes name;  /* of a user property */
};

/* Takes the next property off *rest, which starts as a decoded `encoded`; false at the end. */
bool mqtt_property_next(struct bytes *rest, struct mqtt_property_value *out);

/* Writes one property, to be gathered for `encoded`; the writer fails where the id is none. */
void mqtt_property_write(struct writer *out, const struct mqtt_property_value *property);

/**
 * Copies of a PUBLISH's or Will's decoded section what a server forwards untouched, in its order:
 * payload format, content type, response topic, correlation data, user properties. Left out are
 * message expiry, subscription identifiers, topic alias and will delay. Never longer than encoded.
 *
 * Returns the bytes written; the writer is failed when they did not fit.
 * Source: [MQTT5-3.3.2-4], [MQTT5-3.3.2-15], [MQTT5-3.3.2-16], [MQTT5-3.3.2-17], [MQTT5-3.3.2-18],
 * [MQTT5-3.3.2-20], [MQTT5-3.1.3-10]
 */
size_t mqtt_properties_forward(struct writer *out, struct bytes encoded);

#endif
