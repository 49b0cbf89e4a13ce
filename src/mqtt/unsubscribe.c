/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/unsubscribe.h"

#include "mqtt/field.h"
#include "mqtt/topic.h"

enum mqtt_reason mqtt_unsubscribe_decode(
        struct mqtt_unsubscribe *out, struct bytes body, enum mqtt_version version)
{
    struct reader in = { .rest = body };
    struct mqtt_unsubscribe unsubscribe = { .packet_id = reader_u16(&in) };
    enum mqtt_reason reason = MQTT_SUCCESS;

    if (in.failed)
        return MQTT_MALFORMED;
    if (unsubscribe.packet_id == 0)
        return MQTT_PROTOCOL_ERROR;
    if (version == MQTT_5_0)
        reason = mqtt_properties_read(&unsubscribe.properties, &in, MQTT_UNSUBSCRIBE);
    unsubscribe.filters = in.rest;
    for (; reason == MQTT_SUCCESS && in.rest.size > 0; unsubscribe.count++) {
        struct bytes filter = mqtt_text_read(&in);

        reason = in.failed ? MQTT_MALFORMED : mqtt_topic_filter_check(filter, version);
    }
    if (reason != MQTT_SUCCESS)
        return reason;
    /* 3.1 does not forbid it. [V31-20] */
    if (unsubscribe.count == 0 && version != MQTT_3_1)
        return MQTT_PROTOCOL_ERROR;
    *out = unsubscribe;
    return MQTT_SUCCESS;
}

bool mqtt_unsubscribe_next(struct bytes *rest, struct bytes *filter)
{
    struct reader in = { .rest = *rest };
    struct bytes next = mqtt_binary_read(&in);

    if (in.failed)
        return false;
    *filter = next;
    *rest = in.rest;
    return true;
}

void mqtt_unsubscribe_encode(
        struct writer *out, const struct mqtt_unsubscribe *unsubscribe, enum mqtt_version version)
{
    bool v5 = version == MQTT_5_0;
    size_t properties_size = v5 ? mqtt_properties_size(&unsubscribe->properties) : 0;

    mqtt_header_encode(out, MQTT_UNSUBSCRIBE, 2, 2 + properties_size + unsubscribe->filters.size);
    writer_u16(out, unsubscribe->packet_id);
    if (v5)
        mqtt_properties_write(out, &unsubscribe->properties);
    writer_bytes(out, unsubscribe->filters);
}
