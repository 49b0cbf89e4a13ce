/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_packet.h"

#include "cli/client_properties.h"
#include "cli/decode_rules.h"

#include "base/reader.h"
#include "mqtt/auth.h"
#include "mqtt/connack.h"
#include "mqtt/connect.h"
#include "mqtt/disconnect.h"
#include "mqtt/field.h"
#include "mqtt/ping.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"
#include "mqtt/topic.h"
#include "mqtt/unsubscribe.h"
#include "mqtt/utf8.h"

#include <inttypes.h>
#include <stdarg.h>

/* A packet that is being told. When it is broken its reader has failed, and no more is told. */
struct walk {
    FILE *out;
    struct bytes packet;
    struct mqtt_header header;
    struct reader in;
    enum mqtt_version version;
    enum mqtt_sender sender;
    bool broken;
};

/* ---- Telling ---- */

static bool printable(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] < ' ' || bytes.data[i] == 0x7F)
            return false;
    return mqtt_utf8_valid(bytes);
}

void decode_print_bytes(FILE *out, struct bytes bytes)
{
    size_t shown = bytes.size < DECODE_SHOWN_MAX ? bytes.size : DECODE_SHOWN_MAX;

    if (bytes.size <= DECODE_SHOWN_MAX && printable(bytes)) {
        fprintf(out, "\"%.*s\"", (int)bytes.size, bytes.size > 0 ? (const char *)bytes.data : "");
        return;
    }
    for (size_t i = 0; i < shown; i++)
        fprintf(out, "%s%02x", i > 0 ? " " : "", bytes.data[i]);
    if (shown < bytes.size)
        fprintf(out, " ... (%zu bytes)", bytes.size);
}

__attribute__((format(printf, 3, 4))) static void tell(
        struct walk *walk, const char *name, const char *format, ...)
{
    va_list values;

    if (walk->in.failed)
        return;
    fprintf(walk->out, "  %-22s ", name);
    va_start(values, format);
    vfprintf(walk->out, format, values);
    va_end(values);
    fputc('\n', walk->out);
}

static void tell_bytes(struct walk *walk, const char *name, struct bytes bytes)
{
    if (walk->in.failed)
        return;
    fprintf(walk->out, "  %-22s ", name);
    decode_print_bytes(walk->out, bytes);
    fputc('\n', walk->out);
}

/* Where the reader stands, from the front of the packet. */
static size_t position(const struct walk *walk)
{
    return walk->packet.size - walk->in.rest.size;
}

static void fault(struct walk *walk, size_t at, enum decode_rule rule)
{
    const char *id = decode_rule_id(rule, walk->version);

    if (walk->broken)
        return;
    walk->broken = true;
    fprintf(walk->out, "  ! byte %zu: %s%s%s%s\n", at, decode_rule_words(rule), id ? " [" : "",
            id ? id : "", id ? "]" : "");
    reader_fail(&walk->in);
}

/* ---- Fields ---- */

static bool has(struct walk *walk, size_t size)
{
    if (walk->in.rest.size >= size)
        return true;
    if (!walk->in.failed)
        fault(walk, position(walk), RULE_SHORT);
    return false;
}

static uint8_t take_u8(struct walk *walk)
{
    return has(walk, 1) ? reader_u8(&walk->in) : 0;
}

static uint16_t take_u16(struct walk *walk)
{
    return has(walk, 2) ? reader_u16(&walk->in) : 0;
}

static struct bytes take_binary(struct walk *walk)
{
    struct bytes none = { 0 };
    uint16_t size = take_u16(walk);

    return has(walk, size) ? reader_bytes(&walk->in, size) : none;
}

static struct bytes take_text(struct walk *walk)
{
    size_t at = position(walk) + 2;
    struct bytes text = take_binary(walk);

    if (!walk->in.failed && text.data && !mqtt_utf8_valid(text)) {
        const uint8_t *nul = (const uint8_t *)memchr(text.data, 0, text.size);

        if (nul)
            fault(walk, at + (size_t)(nul - text.data), RULE_NUL);
        else
            fault(walk, at, RULE_TEXT);
    }
    return text;
}

static struct bytes take_topic_name(struct walk *walk, const char *name, bool may_be_empty)
{
    size_t at = position(walk) + 2;
    struct bytes topic = take_text(walk);

    tell_bytes(walk, name, topic);
    if (walk->in.failed || (may_be_empty && topic.size == 0) || mqtt_topic_name_valid(topic))
        return topic;
    fault(walk, at, topic.size == 0 ? RULE_TOPIC_EMPTY : RULE_TOPIC_NAME);
    return topic;
}

static uint16_t take_packet_id(struct walk *walk)
{
    size_t at = position(walk);
    uint16_t id = take_u16(walk);

    tell(walk, "packet identifier", "%u", id);
    if (!walk->in.failed && id == 0)
        fault(walk, at, RULE_PACKET_ID);
    return id;
}

static void take_end(struct walk *walk)
{
    if (!walk->in.failed && walk->in.rest.size > 0)
        fault(walk, position(walk), RULE_TRAILING);
}

static void take_code(struct walk *walk, const char *name, enum decode_rule rule)
{
    size_t at = position(walk);
    uint8_t code = take_u8(walk);

    tell(walk, name, "0x%02x %s", code, mqtt_reason_text((enum mqtt_reason)code));
    if (!walk->in.failed &&
            !mqtt_reason_allowed((enum mqtt_reason)code, walk->header.type, walk->sender))
        fault(walk, at, rule);
}

/* ---- Properties ---- */

static void tell_property(struct walk *walk, const struct mqtt_property_value *value)
{
    fprintf(walk->out, "  %-22s %s ", "property",
            client_property_name((enum nj_property)value->id));
    if (value->id == MQTT_USER_PROPERTY) {
        decode_print_bytes(walk->out, value->name);
        fputs(" = ", walk->out);
    }
    if (value->bytes.data)
        decode_print_bytes(walk->out, value->bytes);
    else
        fprintf(walk->out, "%" PRIu32, value->number);
    fputc('\n', walk->out);
}

/* Whether another packet may have the property at the front. */
static bool is_foreign(struct bytes section)
{
    for (unsigned packet = MQTT_CONNECT; packet <= MQTT_WILL; packet++) {
        struct mqtt_properties ignored = { 0 };
        struct reader in = { .rest = section };

        if (mqtt_property_read(&ignored, &in, packet) != MQTT_MALFORMED)
            return true;
    }
    return false;
}

/* Whether the bytes behind the id are a length and so many bytes. */
static bool is_whole_text(struct bytes section)
{
    struct reader in = { .rest = bytes_from(section, 1) };

    mqtt_binary_read(&in);
    return !in.failed;
}

/* What is wrong with the property at the front, which the codec did not take. */
static enum decode_rule property_rule(
        const struct mqtt_properties *before, struct bytes section, enum mqtt_reason reason)
{
    enum mqtt_property id = (enum mqtt_property)section.data[0];

    if (reason == MQTT_TOPIC_ALIAS_INVALID)
        return RULE_ALIAS_ZERO;
    if (reason == MQTT_PROTOCOL_ERROR && mqtt_properties_have(before, id))
        return RULE_PROPERTY_REPEATED;
    if (reason == MQTT_PROTOCOL_ERROR)
        return id == MQTT_RESPONSE_TOPIC ? RULE_RESPONSE_TOPIC : RULE_PROPERTY_VALUE;
    if (id > MQTT_SHARED_SUBSCRIPTION_AVAILABLE || !client_property_name((enum nj_property)id) ||
            is_foreign(section))
        return RULE_PROPERTY_FOREIGN;
    return is_whole_text(section) ? RULE_TEXT : RULE_PROPERTY_LENGTH;
}

/* Tells a section; *out has what was in it. */
static void take_properties(struct walk *walk, struct mqtt_properties *out, unsigned packet)
{
    size_t at = position(walk);
    uint32_t size = mqtt_varint_read(&walk->in);
    struct reader section;

    *out = (struct mqtt_properties){ 0 };
    if (walk->broken)
        return;
    if (walk->in.failed) {
        fault(walk, at, RULE_LENGTH);
        return;
    }
    at = position(walk);
    if (walk->in.rest.size < size) {
        fault(walk, at, RULE_PROPERTY_LENGTH);
        return;
    }
    section = (struct reader){ .rest = reader_bytes(&walk->in, size) };
    while (section.rest.size > 0) {
        struct bytes rest = section.rest;
        struct mqtt_properties before = *out;
        struct mqtt_property_value value;
        enum mqtt_reason reason = mqtt_property_read(out, &section, packet);

        if (reason != MQTT_SUCCESS) {
            fault(walk, at, property_rule(&before, rest, reason));
            return;
        }
        at += rest.size - section.rest.size;
        rest.size -= section.rest.size;
        if (mqtt_property_next(&rest, &value))
            tell_property(walk, &value);
    }
}

static void take_properties_of_5(struct walk *walk, struct mqtt_properties *out)
{
    *out = (struct mqtt_properties){ 0 };
    if (walk->version == MQTT_5_0)
        take_properties(walk, out, walk->header.type);
}

static void judge_authentication(struct walk *walk, const struct mqtt_properties *properties)
{
    if (!walk->in.failed && !mqtt_properties_authentication_valid(properties))
        fault(walk, position(walk), RULE_AUTHENTICATION_DATA);
}

/* ---- CONNECT ---- */

static const char *version_name(enum mqtt_version version)
{
    return version == MQTT_5_0 ? "5.0" : version == MQTT_3_1_1 ? "3.1.1" : "3.1";
}

static void take_version(struct walk *walk)
{
    size_t at = position(walk);
    struct bytes name = take_binary(walk);
    size_t level_at = position(walk);
    uint8_t level = take_u8(walk);
    bool old_name = bytes_equal(name, BYTES("MQIsdp"));

    if (walk->in.failed)
        return;
    tell_bytes(walk, "protocol name", name);
    tell(walk, "protocol version", "%u", level);
    if (!old_name && !bytes_equal(name, BYTES("MQTT"))) {
        fault(walk, at, RULE_PROTOCOL_NAME);
    } else if (old_name ? level != MQTT_3_1 : level != MQTT_3_1_1 && level != MQTT_5_0) {
        walk->version = old_name ? MQTT_3_1 : MQTT_5_0;
        fault(walk, level_at, RULE_PROTOCOL_LEVEL);
    } else {
        walk->version = (enum mqtt_version)level;
        tell(walk, "protocol", "MQTT %s", version_name(walk->version));
    }
}

static void judge_connect_flags(struct walk *walk, size_t at, uint8_t flags)
{
    if (walk->header.flags != 0 && walk->version != MQTT_3_1)
        fault(walk, 0, RULE_FLAGS);
    else if (flags & MQTT_CONNECT_RESERVED && walk->version != MQTT_3_1)
        fault(walk, at, RULE_CONNECT_RESERVED);
    else if (!(flags & MQTT_CONNECT_WILL) &&
            flags & (MQTT_CONNECT_WILL_QOS | MQTT_CONNECT_WILL_RETAIN))
        fault(walk, at, RULE_WILL_FLAGS);
    else if ((flags & MQTT_CONNECT_WILL_QOS) == MQTT_CONNECT_WILL_QOS)
        fault(walk, at, RULE_WILL_QOS);
    else if (walk->version != MQTT_5_0 && flags & MQTT_CONNECT_PASSWORD &&
            !(flags & MQTT_CONNECT_USER_NAME))
        fault(walk, at, RULE_PASSWORD_ALONE);
}

static void take_will(struct walk *walk, uint8_t flags)
{
    struct mqtt_properties ignored;

    tell(walk, "will QoS", "%u", (flags & MQTT_CONNECT_WILL_QOS) >> MQTT_WILL_QOS_SHIFT);
    tell(walk, "will retain", "%s", flags & MQTT_CONNECT_WILL_RETAIN ? "yes" : "no");
    if (walk->version == MQTT_5_0)
        take_properties(walk, &ignored, MQTT_WILL);
    take_topic_name(walk, "will topic", false);
    tell_bytes(walk, "will payload", take_binary(walk));
}

/* A secret is not shown, for what is decoded is passed on. Old clients of 3.1 announce one that
 * they do not send. [V31-8] */
static void take_credentials(struct walk *walk, uint8_t flags)
{
    bool may_lack = walk->version == MQTT_3_1;

    if (flags & MQTT_CONNECT_USER_NAME && !(may_lack && walk->in.rest.size == 0))
        tell_bytes(walk, "user name", take_text(walk));
    if (flags & MQTT_CONNECT_PASSWORD && !(may_lack && walk->in.rest.size == 0))
        tell(walk, "password", "%zu bytes", take_binary(walk).size);
}

static void walk_connect(struct walk *walk)
{
    struct mqtt_properties properties = { 0 };
    size_t at;
    uint8_t flags;
    struct bytes client_id;

    take_version(walk);
    at = position(walk);
    flags = take_u8(walk);
    tell(walk, "clean start", "%s", flags & MQTT_CONNECT_CLEAN_START ? "yes" : "no");
    tell(walk, "keep alive", "%u s", take_u16(walk));
    if (!walk->in.failed)
        judge_connect_flags(walk, at, flags);
    take_properties_of_5(walk, &properties);
    judge_authentication(walk, &properties);
    at = position(walk);
    client_id = take_text(walk);
    tell_bytes(walk, "client identifier", client_id);
    if (flags & MQTT_CONNECT_WILL)
        take_will(walk, flags);
    take_credentials(walk, flags);
    take_end(walk);
    if (!walk->in.failed && client_id.size == 0 && walk->version != MQTT_5_0 &&
            (walk->version == MQTT_3_1 || !(flags & MQTT_CONNECT_CLEAN_START)))
        fault(walk, at, RULE_CLIENT_ID);
}

static void walk_connack(struct walk *walk)
{
    static const char *const codes[] = { "accepted", "unacceptable protocol version",
        "identifier rejected", "server unavailable", "bad user name or password",
        "not authorized" };
    struct mqtt_properties properties;
    size_t at = position(walk);
    uint8_t flags = take_u8(walk);
    uint8_t code = walk->in.rest.size > 0 ? walk->in.rest.data[0] : 0;

    tell(walk, "session present", "%s", flags & 1 ? "yes" : "no");
    if (!walk->in.failed && flags > 1 && walk->version != MQTT_3_1)
        fault(walk, at, RULE_CONNACK_FLAGS);
    if (walk->version == MQTT_5_0) {
        take_code(walk, "reason", RULE_CONNACK_CODE);
    } else {
        take_u8(walk);
        tell(walk, "return code", "%u %s", code, code < 6 ? codes[code] : "(reserved)");
        if (!walk->in.failed && code > 5)
            fault(walk, at + 1, RULE_CONNACK_CODE);
    }
    if (!walk->in.failed && flags & 1 && code != 0 && walk->version != MQTT_3_1)
        fault(walk, at, RULE_CONNACK_SESSION);
    take_properties_of_5(walk, &properties);
    judge_authentication(walk, &properties);
    take_end(walk);
}

/* ---- Messages ---- */

static void walk_publish(struct walk *walk)
{
    uint8_t flags = walk->header.flags;
    uint8_t qos = (uint8_t)(flags >> 1 & 3);
    struct mqtt_properties properties;
    size_t at = position(walk);
    struct bytes topic;

    tell(walk, "QoS", "%u", qos);
    tell(walk, "retain", "%s", flags & 1 ? "yes" : "no");
    tell(walk, "duplicate", "%s", flags & 8 ? "yes" : "no");
    if (qos == 3)
        fault(walk, 0, RULE_QOS);
    else if (qos == 0 && flags & 8)
        fault(walk, 0, RULE_DUP);
    topic = take_topic_name(walk, "topic", walk->version == MQTT_5_0);
    if (qos > 0)
        take_packet_id(walk);
    take_properties_of_5(walk, &properties);
    if (!walk->in.failed && topic.size == 0 && !mqtt_properties_have(&properties, MQTT_TOPIC_ALIAS))
        fault(walk, at, RULE_TOPIC_NO_ALIAS);
    if (!walk->in.failed && walk->sender == MQTT_FROM_CLIENT &&
            mqtt_properties_have(&properties, MQTT_SUBSCRIPTION_IDENTIFIER))
        fault(walk, at, RULE_SUBSCRIPTION_ID);
    tell_bytes(walk, "payload", walk->in.rest);
}

static void walk_puback(struct walk *walk)
{
    static const enum decode_rule rules[] = {
        [MQTT_PUBACK] = RULE_PUBACK_CODE,
        [MQTT_PUBREC] = RULE_PUBREC_CODE,
        [MQTT_PUBREL] = RULE_PUBREL_CODE,
        [MQTT_PUBCOMP] = RULE_PUBCOMP_CODE,
    };
    struct mqtt_properties ignored;

    take_packet_id(walk);
    if (walk->version == MQTT_5_0 && walk->in.rest.size > 0)
        take_code(walk, "reason", rules[walk->header.type]);
    if (walk->version == MQTT_5_0 && walk->in.rest.size > 0)
        take_properties_of_5(walk, &ignored);
    take_end(walk);
}

/* ---- Subscriptions ---- */

static void judge_filter(struct walk *walk, size_t at, struct bytes filter)
{
    struct bytes rest = filter;
    struct bytes level;

    if (walk->in.failed || mqtt_topic_filter_check(filter, walk->version) == MQTT_SUCCESS)
        return;
    if (filter.size == 0) {
        fault(walk, at, RULE_FILTER_EMPTY);
        return;
    }
    while (mqtt_topic_level_next(&rest, &level)) {
        const uint8_t *hash = (const uint8_t *)memchr(level.data, '#', level.size);
        const uint8_t *plus = (const uint8_t *)memchr(level.data, '+', level.size);

        if (hash && (level.size > 1 || rest.data))
            fault(walk, at + (size_t)(hash - filter.data), RULE_FILTER_HASH);
        else if (plus && level.size > 1)
            fault(walk, at + (size_t)(plus - filter.data), RULE_FILTER_PLUS);
    }
    if (!walk->broken)
        fault(walk, at, RULE_SHARE);
}

static void judge_options(struct walk *walk, size_t at, uint8_t options, struct bytes filter)
{
    if (walk->in.failed)
        return;
    if (options & (walk->version == MQTT_5_0 ? 0xC0 : 0xFC))
        fault(walk, at, RULE_SUBSCRIBE_OPTIONS);
    else if ((options & 3) == 3)
        fault(walk, at, RULE_SUBSCRIBE_QOS);
    else if ((options & 0x30) == 0x30)
        fault(walk, at, RULE_RETAIN_HANDLING);
    else if (options & 4 && bytes_start_with(filter, BYTES("$share/")))
        fault(walk, at, RULE_SHARE_NO_LOCAL);
}

static void tell_subscription(struct walk *walk, struct bytes filter, uint8_t options)
{
    if (walk->in.failed)
        return;
    fprintf(walk->out, "  %-22s ", "filter");
    decode_print_bytes(walk->out, filter);
    fprintf(walk->out, ", QoS %u", options & 3);
    if (walk->version == MQTT_5_0)
        fprintf(walk->out, "%s%s, retain handling %u", options & 4 ? ", no local" : "",
                options & 8 ? ", retain as published" : "", options >> 4 & 3);
    fputc('\n', walk->out);
}

static void walk_subscribe(struct walk *walk)
{
    struct mqtt_properties ignored;

    take_packet_id(walk);
    take_properties_of_5(walk, &ignored);
    if (!walk->in.failed && walk->in.rest.size == 0 && walk->version != MQTT_3_1)
        fault(walk, position(walk), RULE_SUBSCRIBE_EMPTY);
    while (!walk->in.failed && walk->in.rest.size > 0) {
        size_t at = position(walk) + 2;
        struct bytes filter = take_text(walk);
        size_t options_at = position(walk);
        uint8_t options = take_u8(walk);

        tell_subscription(walk, filter, options);
        judge_options(walk, options_at, options, filter);
        judge_filter(walk, at, filter);
    }
}

static void walk_unsubscribe(struct walk *walk)
{
    struct mqtt_properties ignored;

    take_packet_id(walk);
    take_properties_of_5(walk, &ignored);
    if (!walk->in.failed && walk->in.rest.size == 0 && walk->version != MQTT_3_1)
        fault(walk, position(walk), RULE_UNSUBSCRIBE_EMPTY);
    while (!walk->in.failed && walk->in.rest.size > 0) {
        size_t at = position(walk) + 2;
        struct bytes filter = take_text(walk);

        tell_bytes(walk, "filter", filter);
        judge_filter(walk, at, filter);
    }
}

/* SUBACK, and UNSUBACK, which before 5.0 has no codes. */
static void walk_suback(struct walk *walk)
{
    bool suback = walk->header.type == MQTT_SUBACK;
    struct mqtt_properties ignored;

    take_packet_id(walk);
    take_properties_of_5(walk, &ignored);
    if (!suback && walk->version != MQTT_5_0) {
        take_end(walk);
        return;
    }
    if (!walk->in.failed && walk->in.rest.size == 0 && walk->version != MQTT_3_1)
        fault(walk, position(walk), RULE_SUBACK_EMPTY);
    while (!walk->in.failed && walk->in.rest.size > 0) {
        size_t at = position(walk);
        uint8_t code = walk->in.rest.data[0];

        if (walk->version == MQTT_5_0) {
            take_code(walk, "code", suback ? RULE_SUBACK_CODE : RULE_UNSUBACK_CODE);
            continue;
        }
        take_u8(walk);
        tell(walk, "code", "0x%02x %s", code, mqtt_reason_text((enum mqtt_reason)code));
        if (code > 2 && (code != 0x80 || walk->version == MQTT_3_1))
            fault(walk, at, RULE_SUBACK_CODE);
    }
}

/* ---- The rest ---- */

static void walk_disconnect(struct walk *walk)
{
    enum mqtt_property foreign =
            walk->sender == MQTT_FROM_SERVER ? MQTT_SESSION_EXPIRY_INTERVAL : MQTT_SERVER_REFERENCE;
    struct mqtt_properties properties = { 0 };
    size_t at = position(walk);

    if (walk->version == MQTT_5_0 && walk->in.rest.size > 0)
        take_code(walk, "reason", RULE_DISCONNECT_CODE);
    if (walk->version == MQTT_5_0 && walk->in.rest.size > 0)
        take_properties_of_5(walk, &properties);
    take_end(walk);
    if (!walk->in.failed && walk->version != MQTT_5_0 && walk->sender == MQTT_FROM_SERVER)
        fault(walk, 0, RULE_DISCONNECT_BY_SERVER);
    if (!walk->in.failed && mqtt_properties_have(&properties, foreign))
        fault(walk, at, RULE_DISCONNECT_PROPERTY);
}

static void walk_auth(struct walk *walk)
{
    struct mqtt_properties properties = { 0 };
    size_t at = position(walk);

    if (walk->in.rest.size > 0) {
        take_code(walk, "reason", RULE_AUTH_CODE);
        take_properties_of_5(walk, &properties);
    }
    take_end(walk);
    if (!walk->in.failed && !mqtt_properties_have(&properties, MQTT_AUTHENTICATION_METHOD))
        fault(walk, at, RULE_AUTH_METHOD);
}

static void walk_body(struct walk *walk)
{
    switch (walk->header.type) {
    case MQTT_CONNECT:
        walk_connect(walk);
        break;
    case MQTT_CONNACK:
        walk_connack(walk);
        break;
    case MQTT_PUBLISH:
        walk_publish(walk);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        walk_puback(walk);
        break;
    case MQTT_SUBSCRIBE:
        walk_subscribe(walk);
        break;
    case MQTT_UNSUBSCRIBE:
        walk_unsubscribe(walk);
        break;
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        walk_suback(walk);
        break;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        take_end(walk);
        break;
    case MQTT_DISCONNECT:
        walk_disconnect(walk);
        break;
    case MQTT_AUTH:
        walk_auth(walk);
        break;
    }
}

/* ---- A packet ---- */

bool decode_sender_known(enum mqtt_type type, enum mqtt_sender *sender)
{
    const unsigned clients =
            1U << MQTT_CONNECT | 1U << MQTT_SUBSCRIBE | 1U << MQTT_UNSUBSCRIBE | 1U << MQTT_PINGREQ;
    const unsigned servers =
            1U << MQTT_CONNACK | 1U << MQTT_SUBACK | 1U << MQTT_UNSUBACK | 1U << MQTT_PINGRESP;

    if (clients >> type & 1)
        *sender = MQTT_FROM_CLIENT;
    else if (servers >> type & 1)
        *sender = MQTT_FROM_SERVER;
    return (clients | servers) >> type & 1;
}

static bool is_from_wrong_side(enum mqtt_type type, enum mqtt_sender sender)
{
    enum mqtt_sender right = sender;

    return decode_sender_known(type, &right) && right != sender;
}

enum mqtt_reason decode_judge(
        struct bytes packet, enum mqtt_sender sender, enum mqtt_version version)
{
    union {
        struct mqtt_connect connect;
        struct mqtt_connack connack;
        struct mqtt_publish publish;
        struct mqtt_puback puback;
        struct mqtt_subscribe subscribe;
        struct mqtt_suback suback;
        struct mqtt_unsubscribe unsubscribe;
        struct mqtt_disconnect disconnect;
        struct mqtt_auth auth;
    } decoded;
    struct mqtt_header header;
    struct bytes body;

    if (mqtt_header_read(&header, packet) != MQTT_HEADER_DONE ||
            !mqtt_header_flags_valid(&header, version))
        return MQTT_MALFORMED;
    if (is_from_wrong_side(header.type, sender))
        return MQTT_PROTOCOL_ERROR;
    body = bytes_from(packet, header.size);
    switch (header.type) {
    case MQTT_CONNECT:
        return mqtt_connect_decode(&decoded.connect, header.flags, body);
    case MQTT_CONNACK:
        return mqtt_connack_decode(&decoded.connack, body, version);
    case MQTT_PUBLISH:
        return mqtt_publish_decode(&decoded.publish, header.flags, body, version, sender);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return mqtt_puback_decode(&decoded.puback, header.type, body, version, sender);
    case MQTT_SUBSCRIBE:
        return mqtt_subscribe_decode(&decoded.subscribe, body, version);
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return mqtt_suback_decode(&decoded.suback, header.type, body, version);
    case MQTT_UNSUBSCRIBE:
        return mqtt_unsubscribe_decode(&decoded.unsubscribe, body, version);
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        return mqtt_ping_decode(body);
    case MQTT_DISCONNECT:
        return mqtt_disconnect_decode(&decoded.disconnect, body, version, sender);
    case MQTT_AUTH:
        return mqtt_auth_decode(&decoded.auth, body, sender);
    }
    return MQTT_MALFORMED;
}

/* Of a connection whose CONNECT nobody saw: the newest version in which the packet is right. */
static enum mqtt_version guess(struct bytes packet, enum mqtt_sender sender)
{
    for (int version = MQTT_5_0; version >= MQTT_3_1; version--)
        if (decode_judge(packet, sender, (enum mqtt_version)version) == MQTT_SUCCESS)
            return (enum mqtt_version)version;
    return MQTT_5_0;
}

/* A fixed header that is wrong; before the packet has a type, it is told by its first byte. */
static enum decode_result lose(FILE *out, struct bytes in, unsigned version)
{
    struct walk walk = { .out = out,
        .packet = in,
        .in = { .rest = in },
        .version = version == DECODE_VERSION_UNKNOWN ? MQTT_5_0 : (enum mqtt_version)version };

    fprintf(out, "a packet that begins with 0x%02x\n", in.data[0]);
    fault(&walk, in.data[0] >> 4 == 0 ? 0 : 1, in.data[0] >> 4 == 0 ? RULE_TYPE : RULE_LENGTH);
    return DECODE_LOST;
}

enum decode_result decode_packet(
        FILE *out, struct bytes in, enum mqtt_sender sender, unsigned *version, size_t *size)
{
    struct walk walk = { .out = out, .sender = sender };
    enum mqtt_header_result result = mqtt_header_read(&walk.header, in);

    if (result == MQTT_HEADER_BAD)
        return lose(out, in, *version);
    if (result == MQTT_HEADER_PARTIAL || in.size - walk.header.size < walk.header.remaining)
        return DECODE_PARTIAL;
    *size = walk.header.size + walk.header.remaining;
    walk.packet = bytes_first(in, *size);
    walk.in.rest = bytes_from(walk.packet, walk.header.size);
    walk.version = *version == DECODE_VERSION_UNKNOWN ? guess(walk.packet, sender)
                                                      : (enum mqtt_version) * version;
    fprintf(out, "%s from %s, %zu bytes\n", mqtt_type_name(walk.header.type),
            sender == MQTT_FROM_CLIENT ? "client" : "server", *size);
    if (is_from_wrong_side(walk.header.type, sender))
        fault(&walk, 0, RULE_SIDE);
    else if (!mqtt_header_flags_valid(&walk.header, walk.version))
        fault(&walk, 0,
                walk.header.type == MQTT_AUTH && walk.version != MQTT_5_0 ? RULE_TYPE : RULE_FLAGS);
    if (!walk.broken)
        walk_body(&walk);
    if (walk.header.type == MQTT_CONNECT && !walk.broken)
        *version = walk.version;
    return walk.broken ? DECODE_BROKEN : DECODE_GOOD;
}
