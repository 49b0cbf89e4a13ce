/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_properties.h"

#include "mqtt/properties.h"

#include <jansson.h>

enum { BINARY_MAX = UINT16_MAX };

enum value_kind { VALUE_NUMBER, VALUE_TEXT, VALUE_HEX, VALUE_PAIR };

static const struct known {
    const char *name;
    enum mqtt_property property;
    enum value_kind kind;
} known[] = {
    { "payload-format-indicator", MQTT_PAYLOAD_FORMAT_INDICATOR, VALUE_NUMBER },
    { "content-type", MQTT_CONTENT_TYPE, VALUE_TEXT },
    { "response-topic", MQTT_RESPONSE_TOPIC, VALUE_TEXT },
    { "correlation-data", MQTT_CORRELATION_DATA, VALUE_HEX },
    { "user-property", MQTT_USER_PROPERTY, VALUE_PAIR },
};

static const struct known *find_known(const char *name)
{
    for (size_t i = 0; name && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    }
    return NULL;
}

static struct bytes text_of(const json_t *value)
{
    return bytes_of(json_string_value(value), json_string_length(value));
}

/* -1: it is no digit. */
static int digit_of(uint8_t letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Each byte has two digits. */
static bool write_hex(struct writer *out, enum mqtt_property property, struct bytes text)
{
    if (text.size % 2 != 0 || text.size / 2 > BINARY_MAX)
        return false;
    writer_u8(out, (uint8_t)property);
    writer_u16(out, (uint16_t)(text.size / 2));
    for (size_t i = 0; i < text.size; i += 2) {
        int high = digit_of(text.data[i]);
        int low = digit_of(text.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        writer_u8(out, (uint8_t)(high << 4 | low));
    }
    return true;
}

static bool write_one(struct writer *out, const json_t *object)
{
    const struct known *row = find_known(json_string_value(json_object_get(object, "identifier")));
    const json_t *value = json_object_get(object, "value");
    struct mqtt_property_value property = { 0 };

    if (!row) /* one that is for one hop, or has been dealt with */
        return json_is_string(json_object_get(object, "identifier"));
    property.id = row->property;
    if (row->kind == VALUE_NUMBER ? !json_is_integer(value) : !json_is_string(value))
        return false;
    if (row->kind == VALUE_HEX)
        return write_hex(out, row->property, text_of(value));
    if (row->kind == VALUE_NUMBER)
        property.number = (uint32_t)json_integer_value(value);
    else
        property.bytes = text_of(value);
    if (row->kind == VALUE_PAIR)
        property.name = text_of(json_object_get(object, "name"));
    mqtt_property_write(out, &property);
    return true;
}

bool import_properties_write(struct writer *out, struct bytes text)
{
    json_t *array = json_loadb((const char *)text.data, text.size, 0, NULL);
    struct mqtt_properties properties = { 0 };
    size_t begin = out->used;
    bool good = json_is_array(array);
    size_t i;
    json_t *object;

    json_array_foreach(array, i, object) good = good && write_one(out, object);
    json_decref(array);
    return good && !out->failed &&
            mqtt_properties_section_read(&properties,
                    bytes_of(out->data + begin, out->used - begin), MQTT_PUBLISH) == MQTT_SUCCESS;
}
