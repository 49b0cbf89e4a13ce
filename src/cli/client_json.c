/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_json.h"

#include "cli/client_properties.h"

#include <jansson.h>
#include <stdlib.h>

enum { TIME_SIZE = 64, NUMBER_SIZE = 40 };

/* An object or array that is being printed is one level deep; members are parted by commas. */
struct printer {
    FILE *out;
    bool pretty;
    unsigned depth;
    bool first; /* no member of the innermost one is printed yet */
};

static void print_string(struct printer *printer, struct nj_bytes text)
{
    static const char escaped[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    const char *bytes = (const char *)text.data;

    fputc('"', printer->out);
    for (size_t i = 0; i < text.size; i++) {
        const char *known = bytes[i] == '\0' ? NULL : strchr(escaped, bytes[i]);

        if (known)
            fprintf(printer->out, "\\%c", names[known - escaped]);
        else if ((unsigned char)bytes[i] < ' ')
            fprintf(printer->out, "\\u%04x", (unsigned)bytes[i]);
        else
            fputc(bytes[i], printer->out);
    }
    fputc('"', printer->out);
}

static void indent(struct printer *printer)
{
    for (unsigned i = 0; i < printer->depth; i++)
        fputc('\t', printer->out);
}

static void begin(struct printer *printer, char bracket)
{
    fputc(bracket, printer->out);
    printer->depth++;
    printer->first = true;
}

static void begin_object(struct printer *printer)
{
    begin(printer, '{');
    if (printer->pretty)
        fputc('\n', printer->out);
}

static void end_object(struct printer *printer)
{
    printer->depth--;
    if (printer->pretty) {
        if (!printer->first)
            fputc('\n', printer->out);
        indent(printer);
    }
    fputc('}', printer->out);
    printer->first = false;
}

/* The name of the member that is printed next. */
static void print_name(struct printer *printer, struct nj_bytes name)
{
    if (!printer->first)
        fputs(printer->pretty ? ",\n" : ",", printer->out);
    printer->first = false;
    if (printer->pretty)
        indent(printer);
    print_string(printer, name);
    fputs(printer->pretty ? ":\t" : ":", printer->out);
}

static void print_text_member(struct printer *printer, const char *name, struct nj_bytes text)
{
    print_name(printer, nj_text(name));
    print_string(printer, text);
}

static void print_number_member(struct printer *printer, const char *name, size_t number)
{
    print_name(printer, nj_text(name));
    fprintf(printer->out, "%zu", number);
}

/* ---- A payload that is JSON itself ---- */

/* In as few digits as give the same number again. */
static void print_number(struct printer *printer, double number)
{
    char text[NUMBER_SIZE];

    snprintf(text, sizeof(text), "%1.15g", number);
    if (strtod(text, NULL) != number)
        snprintf(text, sizeof(text), "%1.17g", number);
    fputs(text, printer->out);
}

static void print_value(struct printer *printer, json_t *value);

static void print_array(struct printer *printer, json_t *array)
{
    begin(printer, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            fputs(printer->pretty ? ", " : ",", printer->out);
        print_value(printer, json_array_get(array, i));
    }
    printer->depth--;
    fputc(']', printer->out);
    printer->first = false;
}

static void print_object(struct printer *printer, json_t *object)
{
    begin_object(printer);
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        print_name(printer, nj_text(json_object_iter_key(at)));
        print_value(printer, json_object_iter_value(at));
        printer->first = false;
    }
    end_object(printer);
}

/* Recurses no deeper than the parser goes. */
static void print_value(struct printer *printer, json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        print_object(printer, value);
        break;
    case JSON_ARRAY:
        print_array(printer, value);
        break;
    case JSON_STRING:
        print_string(printer, nj_bytes_of(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        print_number(printer, json_number_value(value));
        break;
    case JSON_TRUE:
        fputs("true", printer->out);
        break;
    case JSON_FALSE:
        fputs("false", printer->out);
        break;
    case JSON_NULL:
        fputs("null", printer->out);
        break;
    }
}

/* ---- The message ---- */

static void print_user_properties(struct printer *printer, struct nj_bytes properties)
{
    struct nj_property_value value;

    print_name(printer, nj_text("user-properties"));
    begin_object(printer);
    while (nj_next_property(&properties, &value)) {
        if (value.property != NJ_USER_PROPERTY)
            continue;
        print_name(printer, value.name);
        print_string(printer, value.bytes);
    }
    end_object(printer);
}

static bool is_text(enum nj_property property)
{
    return property == NJ_CONTENT_TYPE || property == NJ_RESPONSE_TOPIC ||
            property == NJ_CORRELATION_DATA;
}

static void print_properties(struct printer *printer, struct nj_bytes properties)
{
    struct nj_bytes rest = properties;
    struct nj_property_value value;
    bool user_properties = false;

    print_name(printer, nj_text("properties"));
    begin_object(printer);
    while (nj_next_property(&rest, &value)) {
        if (value.property == NJ_USER_PROPERTY) {
            if (!user_properties)
                print_user_properties(printer, properties);
            user_properties = true;
        } else if (is_text(value.property)) {
            print_text_member(printer, client_property_name(value.property), value.bytes);
        } else {
            print_number_member(printer, client_property_name(value.property), value.number);
        }
    }
    end_object(printer);
}

static struct nj_bytes time_text(char text[TIME_SIZE], struct timespec at)
{
    char zone[TIME_SIZE] = "";
    char seconds[TIME_SIZE] = "";
    struct tm parts;

    if (localtime_r(&at.tv_sec, &parts)) {
        strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &parts);
        strftime(zone, sizeof(zone), "%z", &parts);
    }
    snprintf(text, TIME_SIZE, "%.24s.%06ldZ%.8s", seconds, at.tv_nsec / 1000, zone);
    return nj_text(text);
}

/* Prints the object; `value` is the payload where it is JSON. */
static void print_message(
        struct printer *printer, const struct client_message *message, json_t *value)
{
    const struct nj_message *sent = &message->message;
    char text[TIME_SIZE];

    begin_object(printer);
    print_text_member(printer, "tst", time_text(text, message->time));
    print_text_member(printer, "topic", sent->topic);
    print_number_member(printer, "qos", sent->qos);
    print_number_member(printer, "retain", sent->retain);
    print_number_member(printer, "payloadlen", sent->payload.size);
    if (sent->qos > 0)
        print_number_member(printer, "mid", sent->id);
    if (sent->properties.size > 0)
        print_properties(printer, sent->properties);
    print_name(printer, nj_text("payload"));
    if (value)
        print_value(printer, value);
    else if (sent->payload.size == 0)
        fputs("null", printer->out);
    else
        print_string(printer, sent->payload);
    printer->first = false;
    end_object(printer);
}

bool client_json_print(FILE *out, const struct client_message *message,
        enum client_json_payload payload, bool pretty)
{
    struct printer printer = { .out = out, .pretty = pretty };
    struct nj_bytes bytes = message->message.payload;
    json_t *value = NULL;

    if (payload == CLIENT_JSON_VALUE && bytes.size > 0) {
        value = json_loadb((const char *)bytes.data, bytes.size,
                JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
        if (!value)
            return false;
    }
    print_message(&printer, message, value);
    json_decref(value);
    return true;
}
