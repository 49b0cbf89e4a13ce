/* SPDX-License-Identifier: Apache-2.0 */
#include "nightjar/mqtt.h"

#include "mqtt/properties.h"

static struct bytes bytes_in(struct nj_bytes given)
{
    return bytes_of(given.data, given.size);
}

static void add(struct nj_properties *properties, const struct mqtt_property_value *property)
{
    struct writer out = { .data = properties->memory + properties->used,
        .size = properties->size - properties->used };

    mqtt_property_write(&out, property);
    properties->failed |= out.failed;
    properties->used += out.used;
}

void nj_add_number(struct nj_properties *properties, enum nj_property property, uint32_t value)
{
    add(properties,
            &(const struct mqtt_property_value){
                    .id = (enum mqtt_property)property, .number = value });
}

void nj_add_bytes(
        struct nj_properties *properties, enum nj_property property, struct nj_bytes value)
{
    add(properties,
            &(const struct mqtt_property_value){
                    .id = (enum mqtt_property)property, .bytes = bytes_in(value) });
}

void nj_add_pair(struct nj_properties *properties, struct nj_bytes name, struct nj_bytes value)
{
    add(properties,
            &(const struct mqtt_property_value){
                    .id = MQTT_USER_PROPERTY, .bytes = bytes_in(value), .name = bytes_in(name) });
}

struct nj_bytes nj_properties_bytes(const struct nj_properties *properties)
{
    if (properties->failed)
        return nj_bytes_of(NULL, SIZE_MAX);
    return nj_bytes_of(properties->memory, properties->used);
}

bool nj_next_property(struct nj_bytes *rest, struct nj_property_value *out)
{
    struct mqtt_property_value value;
    struct bytes left = bytes_in(*rest);

    if (!mqtt_property_next(&left, &value))
        return false;
    *rest = nj_bytes_of(left.data, left.size);
    *out = (struct nj_property_value){
        .property = (enum nj_property)value.id,
        .number = value.number,
        .bytes = nj_bytes_of(value.bytes.data, value.bytes.size),
        .name = nj_bytes_of(value.name.data, value.name.size),
    };
    return true;
}

bool nj_find_property(
        struct nj_bytes properties, enum nj_property property, struct nj_property_value *out)
{
    struct nj_property_value value;

    while (nj_next_property(&properties, &value)) {
        if (value.property != property)
            continue;
        *out = value;
        return true;
    }
    return false;
}
