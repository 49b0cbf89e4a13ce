/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/subscribe.h"

#include "mqtt/field.h"
#include "mqtt/topic.h"

enum subscription_options {
    OPTION_QOS = 0x03,
    OPTION_NO_LOCAL = 0x04,
    OPTION_RETAIN_AS_PUBLISHED = 0x08,
    OPTION_RETAIN_HANDLING = 0x30,
    OPTION_RESERVED = 0xC0,
};

enum { RETAIN_HANDLING_SHIFT = 4 };

static enum mqtt_reason options_check(uint8_t options, enum mqtt_version version)
{
    /* [MQTT311-3.8.3-4] */
    if (version != MQTT_5_0)
        return options <= 2 ? MQTT_SUCCESS : MQTT_MALFORMED;
    /* [MQTT5-3.8.3-5] */
    if (options & OPTION_RESERVED)
        return MQTT_MALFORMED;
    /* [U5-3.8.3.1-1], [U5-3.8.3.1-2] */
    if ((options & OPTION_QOS) == OPTION_QOS ||
            (options & OPTION_RETAIN_HANDLING) == OPTION_RETAIN_HANDLING)
        return MQTT_PROTOCOL_ERROR;
    return MQTT_SUCCESS;
}

static enum mqtt_reason subscription_check(struct reader *in, enum mqtt_version version)
{
    struct bytes filter = mqtt_text_read(in);
    uint8_t options = reader_u8(in);
    enum mqtt_reason reason = in->failed ? MQTT_MALFORMED : options_check(options, version);

    if (reason == MQTT_SUCCESS)
        reason = mqtt_topic_filter_check(filter, version);
    if (reason != MQTT_SUCCESS)
        return reason;
    /* [MQTT5-3.8.3-4] */
    if (options & OPTION_NO_LOCAL && bytes_start_with(filter, BYTES("$share/")))
        return MQTT_PROTOCOL_ERROR;
    return MQTT_SUCCESS;
}

enum mqtt_reason mqtt_subscribe_decode(
        struct mqtt_subscribe *out, struct bytes body, enum mqtt_version version)
{
    struct reader in = { .rest = body };
    struct mqtt_subscribe subscribe = { .packet_id = reader_u16(&in) };
    enum mqtt_reason reason = MQTT_SUCCESS;

    if (in.failed)
        return MQTT_MALFORMED;
    if (subscribe.packet_id == 0)
        return MQTT_PROTOCOL_ERROR;
    if (version == MQTT_5_0)
        reason = mqtt_properties_read(&subscribe.properties, &in, MQTT_SUBSCRIBE);
    subscribe.subscriptions = in.rest;
    for (; reason == MQTT_SUCCESS && in.rest.size > 0; subscribe.count++)
        reason = subscription_check(&in, version);
    if (reason != MQTT_SUCCESS)
        return reason;
    /* 3.1 does not forbid it. [V31-20] */
    if (subscribe.count == 0 && version != MQTT_3_1)
        return MQTT_PROTOCOL_ERROR;
    *out = subscribe;
    return MQTT_SUCCESS;
}

bool mqtt_subscribe_next(struct bytes *rest, struct mqtt_subscription *out)
{
    struct reader in = { .rest = *rest };
    struct bytes filter = mqtt_binary_read(&in);
    uint8_t options = reader_u8(&in);

    if (in.failed)
        return false;
    *out = (struct mqtt_subscription){
        .filter = filter,
        .qos = options & OPTION_QOS,
        .no_local = options & OPTION_NO_LOCAL,
        .retain_as_published = options & OPTION_RETAIN_AS_PUBLISHED,
        .retain_handling = (enum mqtt_retain_handling)(
                (options & OPTION_RETAIN_HANDLING) >> RETAIN_HANDLING_SHIFT),
    };
    *rest = in.rest;
    return true;
}

void mqtt_subscription_write(
        struct writer *out, const struct mqtt_subscription *subscription, enum mqtt_version version)
{
    unsigned options = subscription->qos;

    if (version == MQTT_5_0)
        options |= (subscription->no_local ? OPTION_NO_LOCAL : 0u) |
                (subscription->retain_as_published ? OPTION_RETAIN_AS_PUBLISHED : 0u) |
                (unsigned)subscription->retain_handling << RETAIN_HANDLING_SHIFT;
    mqtt_binary_write(out, subscription->filter);
    writer_u8(out, (uint8_t)options);
}

void mqtt_subscribe_encode(
        struct writer *out, const struct mqtt_subscribe *subscribe, enum mqtt_version version)
{
    bool v5 = version == MQTT_5_0;
    size_t properties_size = v5 ? mqtt_properties_size(&subscribe->properties) : 0;

    mqtt_header_encode(out, MQTT_SUBSCRIBE, 2, 2 + properties_size + subscribe->subscriptions.size);
    writer_u16(out, subscribe->packet_id);
    if (v5)
        mqtt_properties_write(out, &subscribe->properties);
    writer_bytes(out, subscribe->subscriptions);
}
