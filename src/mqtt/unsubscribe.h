/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UNSUBSCRIBE: filters no longer wanted. (Source: MQTT 3.1.1 §3.10, MQTT 5.0 §3.10)
 */
#ifndef MQTT_UNSUBSCRIBE_H
#define MQTT_UNSUBSCRIBE_H

#include "mqtt/properties.h"

struct mqtt_unsubscribe {
    uint16_t packet_id;
    uint32_t count;                    /* of filters; 1 or more, but 0 or more in 3.1 */
    struct bytes filters;              /* encoded; for mqtt_unsubscribe_next() */
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of an UNSUBSCRIBE, and checks every filter in it.
 *
 * Returns as mqtt_subscribe_decode() does.
 * Source: [MQTT5-2.2.1-3], [MQTT5-3.10.3-1], [MQTT5-3.10.3-2], [MQTT311-3.10.3-1],
 * [MQTT311-3.10.3-2], [V31-20]
 */
enum mqtt_reason mqtt_unsubscribe_decode(
        struct mqtt_unsubscribe *out, struct bytes body, enum mqtt_version version);

/* Takes the next filter off *rest, which starts as a decoded `filters`; false at the end. */
bool mqtt_unsubscribe_next(struct bytes *rest, struct bytes *filter);

/* Writes the whole packet; `filters` are strings as mqtt_binary_write() writes them. */
void mqtt_unsubscribe_encode(
        struct writer *out, const struct mqtt_unsubscribe *unsubscribe, enum mqtt_version version);

#endif
