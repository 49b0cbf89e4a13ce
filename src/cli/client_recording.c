/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_recording.h"

#include "mqtt/properties.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/types.h>

enum { US_PER_S = 1000000, SECONDS_MAX = 1000000000 };

#define VERSION_MEMBER "nightjar-recording"

/* ---- Writing ---- */

static void print_json(FILE *out, json_t *value)
{
    if (value)
        json_dumpf(value, out, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(value);
}

static bool is_plain(struct nj_bytes bytes)
{
    return mqtt_utf8_valid(bytes_of(bytes.data, bytes.size));
}

static void print_text(FILE *out, struct nj_bytes text)
{
    print_json(out, json_stringn(text.size > 0 ? (const char *)text.data : "", text.size));
}

static void print_hex(FILE *out, struct nj_bytes bytes)
{
    fputc('"', out);
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(out, "%02x", ((const uint8_t *)bytes.data)[i]);
    fputc('"', out);
}

static void print_property(FILE *out, const struct nj_property_value *value)
{
    fprintf(out, "[\"%s\",", client_property_name(value->property));
    if (value->property == NJ_USER_PROPERTY) {
        print_text(out, value->name);
        fputc(',', out);
    }
    if (!value->bytes.data) {
        fprintf(out, "%" PRIu32, value->number);
    } else if (is_plain(value->bytes)) {
        print_text(out, value->bytes);
    } else {
        fputs("\"hex\",", out);
        print_hex(out, value->bytes);
    }
    fputc(']', out);
}

/* What the server alone may say is left out: it would be refused when it is played back. */
static void print_properties(FILE *out, struct nj_bytes properties)
{
    struct nj_property_value value;
    bool first = true;

    while (nj_next_property(&properties, &value)) {
        if (value.property == NJ_SUBSCRIPTION_IDENTIFIER || value.property == NJ_TOPIC_ALIAS)
            continue;
        fputs(first ? ",\"properties\":[" : ",", out);
        first = false;
        print_property(out, &value);
    }
    if (!first)
        fputc(']', out);
}

bool recording_begin(FILE *out)
{
    return fprintf(out, "{\"" VERSION_MEMBER "\":%d}\n", RECORDING_VERSION) > 0;
}

bool recording_write(FILE *out, const struct nj_message *message, int64_t time_us)
{
    fprintf(out, "{\"s\":%" PRId64 ".%06" PRId64 ",\"topic\":", time_us / US_PER_S,
            time_us % US_PER_S);
    print_text(out, message->topic);
    fprintf(out, ",\"qos\":%u,\"retain\":%s", message->qos, message->retain ? "true" : "false");
    print_properties(out, message->properties);
    if (is_plain(message->payload)) {
        fputs(",\"payload\":", out);
        print_text(out, message->payload);
    } else {
        fputs(",\"hex\":", out);
        print_hex(out, message->payload);
    }
    fputs("}\n", out);
    fflush(out);
    return !ferror(out);
}

/* ---- Reading ---- */

static int digit_of(char character)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = character != '\0' ? strchr(digits, character | 0x20) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* The bytes of a text of digits, to be freed; NULL: it is none, or memory is short. */
static uint8_t *from_hex(const json_t *value, size_t *size)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    uint8_t *bytes = text && length % 2 == 0 ? (uint8_t *)malloc(length / 2 + 1) : NULL;

    for (size_t i = 0; bytes && i < length; i += 2) {
        int high = digit_of(text[i]);
        int low = digit_of(text[i + 1]);

        if (high < 0 || low < 0) {
            free(bytes);
            return NULL;
        }
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    *size = length / 2;
    return bytes;
}

/* The bytes of a text, or of the digits that `hex` has, to be freed. */
static uint8_t *bytes_in(const json_t *text, const json_t *hex, size_t *size)
{
    uint8_t *bytes;

    if (!text)
        return from_hex(hex, size);
    if (!json_is_string(text))
        return NULL;
    *size = json_string_length(text);
    bytes = (uint8_t *)malloc(*size + 1);
    if (bytes)
        memcpy(bytes, json_string_value(text), *size);
    return bytes;
}

static enum nj_property property_named(const char *name)
{
    for (unsigned id = 1; name && id <= NJ_SHARED_SUBSCRIPTION_AVAILABLE; id++) {
        const char *known = client_property_name((enum nj_property)id);

        if (known && strcmp(known, name) == 0)
            return (enum nj_property)id;
    }
    return (enum nj_property)0;
}

static bool is_hex(const json_t *value)
{
    return json_is_string(value) && strcmp(json_string_value(value), "hex") == 0;
}

static bool read_property(struct client_properties *out, const json_t *list)
{
    enum nj_property property = property_named(json_string_value(json_array_get(list, 0)));
    bool is_pair = property == NJ_USER_PROPERTY;
    const json_t *value = json_array_get(list, is_pair ? 2 : 1);
    size_t count = json_array_size(list);
    bool hex = !is_pair && is_hex(value) && count == 3;
    json_int_t number = json_integer_value(value);
    uint8_t *bytes;
    size_t size;
    bool added;

    if (property == 0 || (count != (is_pair ? 3U : 2U) && !hex))
        return false;
    if (json_is_integer(value))
        return number >= 0 && number <= UINT32_MAX &&
                client_properties_add_number(out, property, (uint32_t)number);
    bytes = bytes_in(hex ? NULL : value, hex ? json_array_get(list, 2) : NULL, &size);
    if (!bytes)
        return false;
    added = is_pair ? json_is_string(json_array_get(list, 1)) &&
                    client_properties_add_pair(out,
                            nj_bytes_of(json_string_value(json_array_get(list, 1)),
                                    json_string_length(json_array_get(list, 1))),
                            nj_bytes_of(bytes, size))
                    : client_properties_add_bytes(out, property, nj_bytes_of(bytes, size));
    free(bytes);
    return added;
}

static bool read_properties(struct recording *recording, const json_t *list)
{
    struct mqtt_properties ignored = { 0 };

    client_properties_deinit(&recording->properties);
    if (list && !json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_property(&recording->properties, json_array_get(list, i)))
            return false;
    return mqtt_properties_section_read(&ignored,
                   bytes_of(recording->properties.memory, recording->properties.size),
                   MQTT_PUBLISH) == MQTT_SUCCESS;
}

/* Reads the members; what they point to is in the recording's own memory then. */
static bool read_message(struct recording *recording, const json_t *object)
{
    const json_t *seconds = json_object_get(object, "s");
    const json_t *topic = json_object_get(object, "topic");
    json_int_t qos = json_integer_value(json_object_get(object, "qos"));
    size_t size = 0;

    free(recording->payload);
    free(recording->topic);
    recording->payload =
            bytes_in(json_object_get(object, "payload"), json_object_get(object, "hex"), &size);
    recording->topic = json_is_string(topic) ? strdup(json_string_value(topic)) : NULL;
    if (!recording->payload || !recording->topic || !json_is_number(seconds) ||
            !(json_number_value(seconds) >= 0 && json_number_value(seconds) <= SECONDS_MAX) ||
            qos < 0 || qos > 2 || !mqtt_topic_name_valid(bytes_of_text(recording->topic)) ||
            !read_properties(recording, json_object_get(object, "properties")))
        return false;
    recording->time_us = (int64_t)(json_number_value(seconds) * US_PER_S + 0.5);
    recording->message = (struct nj_message){
        .topic = nj_text(recording->topic),
        .payload = nj_bytes_of(recording->payload, size),
        .properties = client_properties_bytes(&recording->properties),
        .qos = (uint8_t)qos,
        .retain = json_is_true(json_object_get(object, "retain")),
    };
    return true;
}

static enum recording_result read_first(struct recording *recording, const json_t *object)
{
    const json_t *version = json_object_get(object, VERSION_MEMBER);

    recording->begun = true;
    if (!json_is_integer(version))
        return RECORDING_NONE;
    if (json_integer_value(version) != RECORDING_VERSION)
        return RECORDING_NEWER;
    return RECORDING_MESSAGE;
}

/* Reads a line as an object; NULL: it is none. */
static json_t *read_object(struct recording *recording, enum recording_result *result)
{
    ssize_t size = getline(&recording->line, &recording->capacity, recording->in);

    recording->number++;
    *result = size >= 0 ? RECORDING_BROKEN : RECORDING_END;
    if (size > RECORDING_LINE_MAX || (size < 0 && ferror(recording->in)))
        *result = RECORDING_FAILURE;
    if (*result != RECORDING_BROKEN)
        return NULL;
    return json_loadb(recording->line, (size_t)size, 0, NULL);
}

enum recording_result recording_next(struct recording *recording)
{
    enum recording_result result;
    json_t *object;

    if (!recording->begun) {
        object = read_object(recording, &result);
        if (object || result != RECORDING_FAILURE)
            result = read_first(recording, object);
        json_decref(object);
        if (result != RECORDING_MESSAGE)
            return result;
    }
    object = read_object(recording, &result);
    if (object && read_message(recording, object))
        result = RECORDING_MESSAGE;
    json_decref(object);
    return result;
}

void recording_deinit(struct recording *recording)
{
    free(recording->line);
    free(recording->topic);
    free(recording->payload);
    client_properties_deinit(&recording->properties);
}
