/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_properties.h"

#include "mqtt/field.h"
#include "mqtt/properties.h"
#include "mqtt/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { PROPERTY_HEAD = 5 }; /* bytes of one besides its texts: id, and a number or two lengths */

/* All properties of MQTT 5.0; those with `max` 0 are texts or binary data. */
static const struct named_property {
    const char *name;
    enum nj_property property;
    uint32_t max;
} named_properties[] = {
    { "assigned-client-identifier", NJ_ASSIGNED_CLIENT_IDENTIFIER, 0 },
    { "authentication-data", NJ_AUTHENTICATION_DATA, 0 },
    { "authentication-method", NJ_AUTHENTICATION_METHOD, 0 },
    { "content-type", NJ_CONTENT_TYPE, 0 },
    { "correlation-data", NJ_CORRELATION_DATA, 0 },
    { "maximum-packet-size", NJ_MAXIMUM_PACKET_SIZE, UINT32_MAX },
    { "maximum-qos", NJ_MAXIMUM_QOS, UINT8_MAX },
    { "message-expiry-interval", NJ_MESSAGE_EXPIRY_INTERVAL, UINT32_MAX },
    { "payload-format-indicator", NJ_PAYLOAD_FORMAT_INDICATOR, UINT8_MAX },
    { "reason-string", NJ_REASON_STRING, 0 },
    { "receive-maximum", NJ_RECEIVE_MAXIMUM, UINT16_MAX },
    { "request-problem-information", NJ_REQUEST_PROBLEM_INFORMATION, UINT8_MAX },
    { "request-response-information", NJ_REQUEST_RESPONSE_INFORMATION, UINT8_MAX },
    { "response-information", NJ_RESPONSE_INFORMATION, 0 },
    { "response-topic", NJ_RESPONSE_TOPIC, 0 },
    { "retain-available", NJ_RETAIN_AVAILABLE, UINT8_MAX },
    { "server-keep-alive", NJ_SERVER_KEEP_ALIVE, UINT16_MAX },
    { "server-reference", NJ_SERVER_REFERENCE, 0 },
    { "session-expiry-interval", NJ_SESSION_EXPIRY_INTERVAL, UINT32_MAX },
    { "shared-subscription-available", NJ_SHARED_SUBSCRIPTION_AVAILABLE, UINT8_MAX },
    { "subscription-identifier", NJ_SUBSCRIPTION_IDENTIFIER, MQTT_VARINT_MAX },
    { "subscription-identifier-available", NJ_SUBSCRIPTION_IDENTIFIER_AVAILABLE, UINT8_MAX },
    { "topic-alias", NJ_TOPIC_ALIAS, UINT16_MAX },
    { "topic-alias-maximum", NJ_TOPIC_ALIAS_MAXIMUM, UINT16_MAX },
    { "user-property", NJ_USER_PROPERTY, 0 },
    { "wildcard-subscription-available", NJ_WILDCARD_SUBSCRIPTION_AVAILABLE, UINT8_MAX },
    { "will-delay-interval", NJ_WILL_DELAY_INTERVAL, UINT32_MAX },
};

enum { NOT_SETTABLE = CLIENT_PROPERTY_SETS };

/* All packets that have properties; to some of them a tool cannot add any. */
static const struct packet {
    const char *name;
    unsigned type;
    unsigned set; /* enum client_property_set, or NOT_SETTABLE */
} packets[] = {
    { "connect", MQTT_CONNECT, CLIENT_CONNECT_PROPERTIES },
    { "publish", MQTT_PUBLISH, CLIENT_PUBLISH_PROPERTIES },
    { "subscribe", MQTT_SUBSCRIBE, CLIENT_SUBSCRIBE_PROPERTIES },
    { "unsubscribe", MQTT_UNSUBSCRIBE, CLIENT_UNSUBSCRIBE_PROPERTIES },
    { "disconnect", MQTT_DISCONNECT, CLIENT_DISCONNECT_PROPERTIES },
    { "will", MQTT_WILL, CLIENT_WILL_PROPERTIES },
    { "connack", MQTT_CONNACK, NOT_SETTABLE },
    { "puback", MQTT_PUBACK, NOT_SETTABLE },
    { "pubrec", MQTT_PUBREC, NOT_SETTABLE },
    { "pubrel", MQTT_PUBREL, NOT_SETTABLE },
    { "pubcomp", MQTT_PUBCOMP, NOT_SETTABLE },
    { "suback", MQTT_SUBACK, NOT_SETTABLE },
    { "unsuback", MQTT_UNSUBACK, NOT_SETTABLE },
    { "auth", MQTT_AUTH, NOT_SETTABLE },
};

const char *client_property_name(enum nj_property property)
{
    for (size_t i = 0; i < sizeof(named_properties) / sizeof(named_properties[0]); i++)
        if (named_properties[i].property == property)
            return named_properties[i].name;
    return NULL;
}

static const struct named_property *find_property(const char *name)
{
    for (size_t i = 0; i < sizeof(named_properties) / sizeof(named_properties[0]); i++)
        if (strcasecmp(named_properties[i].name, name) == 0)
            return &named_properties[i];
    return NULL;
}

static const struct packet *find_packet(const char *name)
{
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
        if (strcasecmp(packets[i].name, name) == 0)
            return &packets[i];
    return NULL;
}

/* ---- Adding one ---- */

/* Makes room for one with so many bytes of text; `out` goes on behind what there is. */
static bool begin(struct nj_properties *out, struct client_properties *properties, size_t text_size)
{
    size_t size = properties->size + PROPERTY_HEAD + text_size;
    uint8_t *memory = (uint8_t *)realloc(properties->memory, size);

    if (!memory)
        return false;
    properties->memory = memory;
    *out = nj_properties_in(memory, size);
    out->used = properties->size;
    return true;
}

static bool end(struct client_properties *properties, const struct nj_properties *out)
{
    if (out->failed)
        return false;
    properties->size = out->used;
    return true;
}

bool client_properties_add_number(
        struct client_properties *properties, enum nj_property property, uint32_t number)
{
    struct nj_properties out;

    if (!begin(&out, properties, 0))
        return false;
    nj_add_number(&out, property, number);
    return end(properties, &out);
}

bool client_properties_add_bytes(
        struct client_properties *properties, enum nj_property property, struct nj_bytes bytes)
{
    struct nj_properties out;

    if (!begin(&out, properties, bytes.size))
        return false;
    nj_add_bytes(&out, property, bytes);
    return end(properties, &out);
}

bool client_properties_append(struct client_properties *properties, struct nj_bytes more)
{
    struct nj_properties out;

    if (more.size == 0)
        return true;
    if (!begin(&out, properties, more.size))
        return false;
    memcpy(properties->memory + properties->size, more.data, more.size);
    properties->size += more.size;
    return true;
}

bool client_properties_add_pair(
        struct client_properties *properties, struct nj_bytes name, struct nj_bytes value)
{
    struct nj_properties out;

    if (!begin(&out, properties, name.size + value.size))
        return false;
    nj_add_pair(&out, name, value);
    return end(properties, &out);
}

void client_properties_deinit(struct client_properties *properties)
{
    free(properties->memory);
    *properties = (struct client_properties){ 0 };
}

/* ---- From a command line ---- */

/* Whether the number is one and fits; says what is wrong. */
static bool read_number(uint32_t *out, const struct named_property *named, const char *text)
{
    char *rest;
    long long number;

    errno = 0;
    number = strtoll(text, &rest, 0);
    if (rest == text || *rest != '\0') {
        fprintf(stderr, "Error: Property value '%s' not a number.\n", text);
        return false;
    }
    if (errno != 0 || number < 0 || number > named->max) {
        fprintf(stderr, "Error: Property value (%s) out of range for property %s.\n", text,
                named->name);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static bool is_binary(enum nj_property property)
{
    return property == NJ_CORRELATION_DATA || property == NJ_AUTHENTICATION_DATA;
}

/* Adds what `count` words say; says what is wrong. */
static bool add(struct client_properties *out, const struct named_property *named,
        const char *const words[], int count)
{
    uint32_t number;
    bool added;

    for (int i = 2; i < count && !is_binary(named->property); i++) {
        if (!mqtt_utf8_valid(bytes_of_text(words[i]))) {
            fputs("Error: Malformed UTF-8 in --property argument.\n", stderr);
            return false;
        }
    }
    if (named->max > 0) {
        if (!read_number(&number, named, words[2]))
            return false;
        added = client_properties_add_number(out, named->property, number);
    } else if (named->property == NJ_USER_PROPERTY) {
        added = client_properties_add_pair(out, nj_text(words[2]), nj_text(words[3]));
    } else {
        added = client_properties_add_bytes(out, named->property, nj_text(words[2]));
    }
    if (!added)
        fprintf(stderr, "Error: Property value too long for property %s.\n", named->name);
    return added;
}

static enum mqtt_reason judge(struct bytes section, unsigned type)
{
    struct mqtt_properties ignored = { 0 };

    return mqtt_properties_section_read(&ignored, section, type);
}

/* Whether the packet may have the property that was added behind `old_size`, and all together. */
static bool may_have(const struct client_properties *properties, size_t old_size,
        const struct packet *packet, const struct named_property *named)
{
    struct bytes all = bytes_of(properties->memory, properties->size);
    enum mqtt_reason reason = judge(bytes_from(all, old_size), packet->type);

    if (reason == MQTT_MALFORMED)
        fprintf(stderr, "Error: %s property not allowed for %s in --property argument.\n",
                named->name, packet->name);
    else if (reason != MQTT_SUCCESS)
        fprintf(stderr, "Error: Property value not allowed for property %s.\n", named->name);
    else if (judge(all, packet->type) != MQTT_SUCCESS)
        fprintf(stderr, "Error in %s properties: Duplicate property %s.\n", packet->name,
                named->name);
    else
        return true;
    return false;
}

/* The subscription identifier of a PUBLISH is the server's to add. */
static bool is_settable(const struct packet *packet, const struct named_property *named)
{
    return packet->set < CLIENT_PROPERTY_SETS &&
            (packet->type != MQTT_PUBLISH || named->property != NJ_SUBSCRIPTION_IDENTIFIER);
}

int client_properties_read(
        struct client_properties sets[CLIENT_PROPERTY_SETS], const char *const words[], int count)
{
    const struct packet *packet = count > 0 ? find_packet(words[0]) : NULL;
    const struct named_property *named = count > 1 ? find_property(words[1]) : NULL;
    struct client_properties probe = { 0 };
    struct client_properties *set;
    int taken = named && named->property == NJ_USER_PROPERTY ? 4 : 3;
    size_t old_size;

    if (count < 3 || count < taken)
        fputs("Error: --property argument given but not enough arguments specified.\n", stderr);
    else if (!packet)
        fprintf(stderr, "Error: Invalid command %s given in --property argument.\n", words[0]);
    else if (!named)
        fprintf(stderr, "Error: Invalid property name %s given in --property argument.\n",
                words[1]);
    if (count < taken || !packet || !named)
        return 0;
    set = is_settable(packet, named) ? &sets[packet->set] : &probe;
    old_size = set->size;
    if (!add(set, named, words, taken) || !may_have(set, old_size, packet, named))
        taken = 0;
    if (set == &probe && taken > 0) {
        fprintf(stderr, "Error: %s property not supported for %s in --property argument.\n",
                named->name, packet->name);
        taken = 0;
    }
    client_properties_deinit(&probe);
    return taken;
}
