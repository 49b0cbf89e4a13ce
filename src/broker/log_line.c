/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/log_line.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

/* Room that is kept free while fields are written, for what closes the line. */
enum { LINE_END_ROOM = 8 };

/* ---- Putting text together: what does not fit is left out. ---- */

static void put(struct log_line *line, const char *text, size_t size)
{
    size_t room = LOG_LINE_MAX - LINE_END_ROOM - line->size;

    if (size > room)
        size = room;
    memcpy(line->text + line->size, text, size);
    line->size += size;
}

static void put_text(struct log_line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_number(struct log_line *line, int64_t number)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%lld", (long long)number);
    put_text(line, digits);
}

/* Ends a line; the room for it was kept. */
static void put_end(struct log_line *line, const char *end)
{
    size_t size = strlen(end);

    assert(size <= LINE_END_ROOM);
    memcpy(line->text + line->size, end, size);
    line->size += size;
}

/* ---- Bytes of peers ---- */

/* How many bytes of UTF-8 start here that may be shown as they are; 0 for a byte to be escaped. */
static size_t plain_size(struct bytes rest)
{
    uint8_t first = rest.data[0];
    size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    if (first < 0x20 || first == 0x7f || (first >= 0x80 && first < 0xc3) || first > 0xf4)
        return 0; /* also 0xc2, which starts the controls U+0080 to U+009F */
    if (size > rest.size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((rest.data[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

/* How a byte that must not be shown is written, and whether the value stands in quotes. */
enum escape { ESCAPE_BARE, ESCAPE_QUOTED, ESCAPE_JSON };

static void put_escaped(struct log_line *line, struct bytes bytes, enum escape escape)
{
    bool cut = bytes.size > LOG_VALUE_MAX;
    struct bytes rest = bytes_first(bytes, cut ? LOG_VALUE_MAX : bytes.size);

    while (rest.size > 0) {
        size_t size = plain_size(rest);
        char text[8];

        if (escape != ESCAPE_BARE && (rest.data[0] == '"' || rest.data[0] == '\\'))
            put_text(line, "\\");
        if (size > 0) {
            put(line, (const char *)rest.data, size);
        } else {
            size = 1;
            snprintf(text, sizeof(text), escape == ESCAPE_JSON ? "\\u%04x" : "\\x%02x",
                    rest.data[0]);
            put_text(line, text);
        }
        rest = bytes_from(rest, size);
    }
    if (cut)
        put_text(line, "...");
}

static struct bytes field_value(const struct field *field)
{
    return field->kind == FIELD_BYTES ? field->bytes : bytes_of_text(field->text);
}

static void put_quoted(struct log_line *line, const struct field *field, enum escape escape)
{
    put_text(line, "\"");
    put_escaped(line, field_value(field), escape);
    put_text(line, "\"");
}

/* ---- Time ---- */

static void put_iso_time(struct log_line *line, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[40];
    size_t size;

    gmtime_r(&seconds, &utc);
    size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + size, sizeof(text) - size, ".%03dZ", (int)(wall_ms % 1000));
    put_text(line, text);
}

/* The user's own format, in local time as in Mosquitto. */
static void put_formatted_time(struct log_line *line, const char *format, int64_t wall_ms)
{
    /* Through a pointer, since the compiler wants to see the format of a direct call. */
    size_t (*form)(char *, size_t, const char *, const struct tm *) = strftime;
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;
    char text[256];

    localtime_r(&seconds, &local);
    put(line, text, form(text, sizeof(text), format, &local));
}

/* ---- Format text ---- */

static bool text_is_plain(const struct field *field)
{
    struct bytes value = field_value(field);

    /* A peer's address is made by us; everything else of a peer stands in quotes. */
    if (field->kind == FIELD_BYTES)
        return strcmp(field->name, "peer") == 0 || strcmp(field->name, "other_peer") == 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] <= ' ' || value.data[i] == '"' || value.data[i] >= 0x7f)
            return false;
    }
    return value.size > 0;
}

static void put_text_field(struct log_line *line, const struct field *field)
{
    put_text(line, " ");
    put_text(line, field->name);
    put_text(line, "=");
    if (field->kind == FIELD_NUMBER)
        put_number(line, field->number);
    else if (text_is_plain(field))
        put_escaped(line, field_value(field), ESCAPE_BARE);
    else
        put_quoted(line, field, ESCAPE_QUOTED);
}

static const char *level_name(enum event_level level)
{
    static const char *const names[] = {
        [EVENT_ERROR] = "error",
        [EVENT_WARN] = "warn",
        [EVENT_INFO] = "info",
        [EVENT_DEBUG] = "debug",
    };

    return names[level];
}

static void put_fields(struct log_line *line, const struct event *event)
{
    for (size_t i = 0; i < event->field_count; i++) {
        const struct field *field = &event->fields[i];

        /* An empty text of our own says nothing; an empty name of a peer does. */
        if (field->kind != FIELD_TEXT || field_value(field).size > 0)
            put_text_field(line, field);
    }
}

static void write_text(struct log_line *line, const struct event *event)
{
    put_text(line, level_name(event->level));
    put_text(line, " ");
    put_text(line, event->name);
    put_fields(line, event);
}

/* ---- Format json ---- */

static void put_json_field(struct log_line *line, const struct field *field)
{
    size_t before = line->size;

    put_text(line, ",\"");
    put_text(line, field->name);
    put_text(line, "\":");
    if (field->kind == FIELD_NUMBER)
        put_number(line, field->number);
    else
        put_quoted(line, field, ESCAPE_JSON);
    if (line->size == LOG_LINE_MAX - LINE_END_ROOM)
        line->size = before; /* it may be cut in the middle: rather no field than a broken object */
}

static void write_json(struct log_line *line, const struct event *event, const int64_t *wall_ms)
{
    put_text(line, "{");
    if (wall_ms) {
        put_text(line, "\"time\":\"");
        put_iso_time(line, *wall_ms);
        put_text(line, "\",");
    }
    put_text(line, "\"level\":\"");
    put_text(line, level_name(event->level));
    put_text(line, "\",\"event\":\"");
    put_text(line, event->name);
    put_text(line, "\"");
    for (size_t i = 0; i < event->field_count; i++)
        put_json_field(line, &event->fields[i]);
    put_end(line, "}");
}

/* ---- Format mosquitto ---- */

/*
 * A row for an event, or for an event with a field "reason" of that value. In a format,
 *   {name}      is a field's value;
 *   {name#}     is an MQTT version's number in Mosquitto's lines;
 *   [.. {name}] stands only where the field is there and not empty.
 */
static const struct kind_row {
    const char *event;
    const char *reason; /* NULL: any */
    struct log_kind kind;
} kind_rows[] = {
    { "connection.opened", NULL,
            { LOG_TYPE_NOTICE, true, "New connection from {peer} on port {port}." } },
    { "connection.refused", NULL,
            { LOG_TYPE_NOTICE, false, "Client connection from {peer} refused: {reason}." } },
    { "connection.ended", "connection_lost",
            { LOG_TYPE_NOTICE, true, "Client <unknown> closed its connection." } },
    { "connection.ended", "protocol_error",
            { LOG_TYPE_NOTICE, true, "Client <unknown> disconnected due to protocol error." } },
    { "connection.ended", "malformed_packet",
            { LOG_TYPE_NOTICE, true, "Client <unknown> disconnected due to malformed packet." } },
    { "connection.ended", NULL,
            { LOG_TYPE_NOTICE, true, "Client <unknown> disconnected: {reason}." } },
    { "client.connected", NULL,
            { LOG_TYPE_NOTICE, true,
                    "New client connected from {peer} as {id}"
                    " (p{version#}, c{clean}, k{keepalive}[, u'{user}'])." } },
    { "client.refused", "not_authorized",
            { LOG_TYPE_NOTICE, false, "Client {id} disconnected, not authorised." } },
    { "client.refused", NULL, { LOG_TYPE_NOTICE, false, "Client {id} disconnected: {reason}." } },
    { "client.disconnected", "normal", { LOG_TYPE_NOTICE, true, "Client {id} disconnected." } },
    { "client.disconnected", "connection_lost",
            { LOG_TYPE_NOTICE, true, "Client {id} closed its connection." } },
    { "client.disconnected", "keep_alive_timeout",
            { LOG_TYPE_NOTICE, true, "Client {id} has exceeded timeout, disconnecting." } },
    { "client.disconnected", "session_taken_over",
            { LOG_TYPE_NOTICE, true, "Client {id} already connected, closing old connection." } },
    { "client.disconnected", "protocol_error",
            { LOG_TYPE_NOTICE, true, "Client {id} disconnected due to protocol error." } },
    { "client.disconnected", "malformed_packet",
            { LOG_TYPE_NOTICE, true, "Client {id} disconnected due to malformed packet." } },
    { "client.disconnected", "packet_too_large",
            { LOG_TYPE_NOTICE, true, "Client {id} disconnected due to oversize packet." } },
    { "client.disconnected", NULL,
            { LOG_TYPE_NOTICE, true, "Client {id} disconnected: {reason}." } },
    { "client.subscribed", NULL, { LOG_TYPE_SUBSCRIBE, false, "{id} {qos} {filter}" } },
    { "client.unsubscribed", NULL, { LOG_TYPE_UNSUBSCRIBE, false, "{id} {filter}" } },
    { "session.expired", NULL, { LOG_TYPE_NOTICE, false, "Expiring client {id} due to timeout." } },
    { "message.dropped", "queue_full",
            { LOG_TYPE_NOTICE, false, "Outgoing messages are being dropped for client {id}." } },
    { "server.starting", NULL,
            { LOG_TYPE_INFORMATION, false, "nightjar version {version} starting" } },
    { "server.running", NULL,
            { LOG_TYPE_INFORMATION, false, "nightjar version {version} running" } },
    { "server.stopped", NULL,
            { LOG_TYPE_INFORMATION, false, "nightjar version {version} terminating" } },
    { "config.loaded", NULL, { LOG_TYPE_INFORMATION, false, "Config loaded from {file}." } },
    { "config.reloading", NULL, { LOG_TYPE_INFORMATION, false, "Reloading config." } },
    { "config.error", NULL, { LOG_TYPE_ERROR, false, "Error: {text}" } },
    { "config.warning", NULL, { LOG_TYPE_WARNING, false, "Warning: {text}" } },
    { "config.notice", NULL, { LOG_TYPE_NOTICE, false, "{text}" } },
    { "listener.opened", NULL,
            { LOG_TYPE_INFORMATION, false,
                    "Opening {family} listen socket[ on port {port}][ on path {path}]." } },
    { "listener.failed", NULL, { LOG_TYPE_ERROR, false, "Error: {text}" } },
};

static const struct field *find_field(const struct event *event, struct bytes name)
{
    for (size_t i = 0; i < event->field_count; i++) {
        if (bytes_equal(bytes_of_text(event->fields[i].name), name))
            return &event->fields[i];
    }
    return NULL;
}

struct log_kind log_kind_of(const struct event *event)
{
    static const enum log_type types[] = {
        [EVENT_ERROR] = LOG_TYPE_ERROR,
        [EVENT_WARN] = LOG_TYPE_WARNING,
        [EVENT_INFO] = LOG_TYPE_INFORMATION,
        [EVENT_DEBUG] = LOG_TYPE_DEBUG,
    };
    const struct field *reason = find_field(event, BYTES("reason"));

    for (size_t i = 0; i < sizeof(kind_rows) / sizeof(kind_rows[0]); i++) {
        const struct kind_row *row = &kind_rows[i];

        if (strcmp(row->event, event->name) != 0)
            continue;
        if (!row->reason ||
                (reason && bytes_equal(field_value(reason), bytes_of_text(row->reason))))
            return row->kind;
    }
    return (struct log_kind){ .type = types[event->level] };
}

/* Mosquitto's number for a version of the protocol: 1 for 3.1, 2 for 3.1.1, 5 for 5.0. */
static int64_t mosquitto_version(int64_t version)
{
    return version == 5 ? 5 : version - 2;
}

static void put_field_value(struct log_line *line, const struct event *event, struct bytes name)
{
    bool as_version = name.size > 0 && name.data[name.size - 1] == '#';
    const struct field *field =
            find_field(event, bytes_first(name, name.size - (as_version ? 1 : 0)));

    if (!field)
        put_text(line, "-");
    else if (field->kind == FIELD_NUMBER)
        put_number(line, as_version ? mosquitto_version(field->number) : field->number);
    else
        put_escaped(line, field_value(field), ESCAPE_BARE);
}

static struct bytes name_in_braces(const char *open)
{
    return bytes_of(open + 1, strcspn(open + 1, "}"));
}

/* At a '[': true when the field named in it is there and not empty. */
static bool option_holds(const struct event *event, const char *open)
{
    const struct field *field = find_field(event, name_in_braces(strchr(open, '{')));

    return field && (field->kind == FIELD_NUMBER || field_value(field).size > 0);
}

static void put_formatted(struct log_line *line, const struct event *event, const char *format)
{
    for (const char *at = format; *at != '\0'; at++) {
        if (*at == '{') {
            struct bytes name = name_in_braces(at);

            put_field_value(line, event, name);
            at += name.size + 1;
        } else if (*at == '[' && !option_holds(event, at)) {
            at = strchr(at, ']');
        } else if (*at != '[' && *at != ']') {
            put(line, at, 1);
        }
    }
}

static void write_mosquitto(struct log_line *line, const struct event *event)
{
    struct log_kind kind = log_kind_of(event);

    if (kind.mosquitto) {
        put_formatted(line, event, kind.mosquitto);
    } else {
        put_text(line, event->name);
        put_fields(line, event);
    }
}

/* ---- All of them ---- */

void log_line_write_bare(
        struct log_line *line, const struct event *event, const struct log_settings *settings)
{
    line->size = 0;
    switch (settings->format) {
    case LOG_FORMAT_TEXT:
        write_text(line, event);
        break;
    case LOG_FORMAT_JSON:
        write_json(line, event, NULL);
        break;
    case LOG_FORMAT_MOSQUITTO:
        write_mosquitto(line, event);
        break;
    }
}

void log_line_write(struct log_line *line, const struct event *event,
        const struct log_settings *settings, int64_t wall_ms)
{
    bool mosquitto = settings->format == LOG_FORMAT_MOSQUITTO;

    line->size = 0;
    if (settings->format == LOG_FORMAT_JSON) {
        write_json(line, event, settings->timestamp ? &wall_ms : NULL);
    } else {
        if (settings->timestamp) {
            if (settings->timestamp_format[0] != '\0')
                put_formatted_time(line, settings->timestamp_format, wall_ms);
            else if (mosquitto)
                put_number(line, wall_ms / 1000);
            else
                put_iso_time(line, wall_ms);
            put_text(line, mosquitto ? ": " : " ");
        }
        if (mosquitto)
            write_mosquitto(line, event);
        else
            write_text(line, event);
    }
    put_end(line, "\n");
}
