/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBSCRIBE, UNSUBSCRIBE and their answers; and their lists, walked and written again.
 */
#include "tests/fuzz/packet_input.h"

#include <assert.h>
#include <stdlib.h>

#include "mqtt/field.h"
#include "mqtt/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void subscriptions_check(const struct mqtt_subscribe *subscribe, enum mqtt_version version)
{
    struct bytes rest = subscribe->subscriptions;
    struct writer out = { .data = malloc(rest.size + 1), .size = rest.size };
    struct mqtt_subscription subscription;
    uint32_t count = 0;

    assert(out.data);
    for (; mqtt_subscribe_next(&rest, &subscription); count++) {
        assert(mqtt_topic_filter_check(subscription.filter, version) == MQTT_SUCCESS);
        mqtt_subscription_write(&out, &subscription, version);
    }
    assert(count == subscribe->count);
    assert(bytes_equal(writer_written(&out), subscribe->subscriptions));
    free(out.data);
}

static void filters_check(const struct mqtt_unsubscribe *unsubscribe, enum mqtt_version version)
{
    struct bytes rest = unsubscribe->filters;
    struct writer out = { .data = malloc(rest.size + 1), .size = rest.size };
    struct bytes filter;
    uint32_t count = 0;

    assert(out.data);
    for (; mqtt_unsubscribe_next(&rest, &filter); count++) {
        assert(mqtt_topic_filter_check(filter, version) == MQTT_SUCCESS);
        mqtt_binary_write(&out, filter);
    }
    assert(count == unsubscribe->count);
    assert(bytes_equal(writer_written(&out), unsubscribe->filters));
    free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned types =
            1 << MQTT_SUBSCRIBE | 1 << MQTT_SUBACK | 1 << MQTT_UNSUBSCRIBE | 1 << MQTT_UNSUBACK;
    struct any_packet packet = { .type = MQTT_SUBSCRIBE };
    struct packet_input input;

    if (!packet_input_read(&input, data, size) || !(types >> input.type & 1))
        return 0;
    any_packet_check(input.packet, input.version, input.sender);
    if (any_packet_decode(&packet, input.packet, input.version, input.sender) != MQTT_SUCCESS)
        return 0;
    if (packet.type == MQTT_SUBSCRIBE)
        subscriptions_check(&packet.as.subscribe, packet.version);
    if (packet.type == MQTT_UNSUBSCRIBE)
        filters_check(&packet.as.unsubscribe, packet.version);
    return 0;
}
