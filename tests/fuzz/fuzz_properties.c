/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A property section: what is read is the same after it was written from its fields, and what is
 * forwarded is a section of a PUBLISH again. The first byte of the input says the packet.
 */
#include "mqtt/properties.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The properties that may be repeated, in their order. */
static void repeated_write(struct writer *out, struct bytes encoded)
{
    struct mqtt_property_value next;

    for (struct bytes rest = encoded; mqtt_property_next(&rest, &next);) {
        if (next.id == MQTT_USER_PROPERTY || next.id == MQTT_SUBSCRIPTION_IDENTIFIER)
            mqtt_property_write(out, &next);
    }
}

static void same(const struct mqtt_properties *a, const struct mqtt_properties *b)
{
    const struct bytes *views_a = &a->content_type;
    const struct bytes *views_b = &b->content_type;
    size_t numbers = offsetof(struct mqtt_properties, content_type);
    size_t views = (offsetof(struct mqtt_properties, encoded) - numbers) / sizeof(struct bytes);

    assert(memcmp(a, b, numbers) == 0);
    for (size_t i = 0; i < views; i++)
        assert(bytes_equal(views_a[i], views_b[i]));
    assert(a->encoded.size == b->encoded.size);
}

/* Writes fields and repeated ones to a section, and reads that. */
static void rewrite_check(const struct mqtt_properties *properties, unsigned packet)
{
    size_t size_max = properties->encoded.size + 8;
    struct writer repeated = { .data = malloc(size_max), .size = size_max };
    struct writer out = { .data = malloc(size_max), .size = size_max };
    struct mqtt_properties fields = *properties;
    struct mqtt_properties again = { .present = 0 };
    struct reader in;

    assert(repeated.data);
    assert(out.data);
    repeated_write(&repeated, properties->encoded);
    assert(!repeated.failed);
    fields.present &= ~mqtt_property_bit(MQTT_SUBSCRIPTION_IDENTIFIER);
    fields.encoded = writer_written(&repeated);
    mqtt_properties_write(&out, &fields);
    assert(!out.failed);
    assert(mqtt_properties_size(&fields) == out.used);
    in = (struct reader){ .rest = writer_written(&out) };
    assert(mqtt_properties_read(&again, &in, packet) == MQTT_SUCCESS);
    assert(in.rest.size == 0);
    same(properties, &again);
    free(repeated.data);
    free(out.data);
}

static void forward_check(const struct mqtt_properties *properties)
{
    size_t size_max = properties->encoded.size + 1;
    struct writer forwarded = { .data = malloc(size_max), .size = size_max };
    struct writer out = { .data = malloc(size_max + 4), .size = size_max + 4 };
    struct mqtt_properties section = { .present = 0 };
    struct mqtt_properties again = { .present = 0 };
    struct reader in;

    assert(forwarded.data);
    assert(out.data);
    assert(mqtt_properties_forward(&forwarded, properties->encoded) <= properties->encoded.size);
    section.encoded = writer_written(&forwarded);
    mqtt_properties_write(&out, &section);
    in = (struct reader){ .rest = writer_written(&out) };
    assert(mqtt_properties_read(&again, &in, MQTT_PUBLISH) == MQTT_SUCCESS);
    assert(again.user_property_count == properties->user_property_count);
    assert(bytes_equal(again.content_type, properties->content_type));
    assert(bytes_equal(again.correlation_data, properties->correlation_data));
    assert(!mqtt_properties_have(&again, MQTT_TOPIC_ALIAS));
    free(forwarded.data);
    free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_properties properties = { .present = 0 };
    struct reader in = { .rest = bytes_of(data, size) };
    unsigned packet = reader_u8(&in) % MQTT_WILL + 1;

    if (mqtt_properties_read(&properties, &in, packet) != MQTT_SUCCESS)
        return 0;
    rewrite_check(&properties, packet);
    if (packet == MQTT_PUBLISH || packet == MQTT_WILL)
        forward_check(&properties);
    return 0;
}
