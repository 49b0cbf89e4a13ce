/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ctl_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_SIZE = 1024, /* of a value shown in a line; a longer one is cut */
    COLUMNS_MAX = 12,
    WIDTH_MAX = 48, /* of a column; a wider value moves its own row alone */
    MINUTE_S = 60,
    HOUR_S = 3600,
    DAY_S = 86400,
};

/* ---- Values ---- */

/* Copies without control characters (C0, DEL and, in UTF-8, C1), each as a '?'. */
static void write_text(char out[TEXT_SIZE], const char *text)
{
    size_t used = 0;

    for (; *text != '\0' && used + 1 < TEXT_SIZE; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0)
            text++, out[used++] = '?';
        else
            out[used++] = byte < ' ' || byte == 0x7f ? '?' : *text;
    }
    out[used] = '\0';
}

static void write_duration(char out[TEXT_SIZE], json_int_t seconds)
{
    if (seconds < MINUTE_S)
        snprintf(out, TEXT_SIZE, "%" JSON_INTEGER_FORMAT "s", seconds);
    else if (seconds < HOUR_S)
        snprintf(out, TEXT_SIZE, "%" JSON_INTEGER_FORMAT "m %" JSON_INTEGER_FORMAT "s",
                seconds / MINUTE_S, seconds % MINUTE_S);
    else if (seconds < DAY_S)
        snprintf(out, TEXT_SIZE, "%" JSON_INTEGER_FORMAT "h %" JSON_INTEGER_FORMAT "m",
                seconds / HOUR_S, seconds % HOUR_S / MINUTE_S);
    else
        snprintf(out, TEXT_SIZE, "%" JSON_INTEGER_FORMAT "d %" JSON_INTEGER_FORMAT "h",
                seconds / DAY_S, seconds % DAY_S / HOUR_S);
}

/* A member as text; its name ends in "_s" where it is a number of seconds. */
static void write_value(char out[TEXT_SIZE], const json_t *row, const char *name)
{
    const json_t *value = json_object_get(row, name);
    size_t size = strlen(name);

    memcpy(out, "-", 2);
    if (json_is_string(value) && json_string_length(value) > 0)
        write_text(out, json_string_value(value));
    else if (json_is_boolean(value))
        snprintf(out, TEXT_SIZE, "%s", json_is_true(value) ? "yes" : "no");
    else if (json_is_integer(value) && size > 2 && strcmp(name + size - 2, "_s") == 0)
        write_duration(out, json_integer_value(value));
    else if (json_is_integer(value))
        snprintf(out, TEXT_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

static json_int_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* ---- Columns ---- */

struct column {
    const char *title;
    const char *member;
    bool zero_is_none;
};

/* A value as its column shows it. */
static void write_cell(char out[TEXT_SIZE], const json_t *row, const struct column *column)
{
    const json_t *value = json_object_get(row, column->member);

    write_value(out, row, column->member);
    if (column->zero_is_none && json_is_integer(value) && json_integer_value(value) == 0)
        memcpy(out, "-", 2);
}

/* Characters of a text in UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void measure(
        size_t widths[], const struct column columns[], size_t count, const json_t *rows)
{
    char text[TEXT_SIZE];

    for (size_t i = 0; i < count; i++) {
        widths[i] = strlen(columns[i].title);
        for (size_t j = 0; j < json_array_size(rows); j++) {
            size_t width;

            write_cell(text, json_array_get(rows, j), &columns[i]);
            width = width_of(text);
            if (width > widths[i])
                widths[i] = width < WIDTH_MAX ? width : WIDTH_MAX;
        }
    }
}

static void print_cell(const char *text, size_t width, bool last)
{
    size_t has = width_of(text);

    printf("%s%*s", text, last ? 0 : has < width ? (int)(width - has) + 2 : 2, "");
}

static void print_table(const struct column columns[], size_t count, const json_t *rows, bool first)
{
    size_t widths[COLUMNS_MAX];
    char text[TEXT_SIZE];

    measure(widths, columns, count, rows);
    for (size_t i = 0; i < count && first; i++)
        print_cell(columns[i].title, widths[i], i + 1 == count);
    if (first)
        putchar('\n');
    for (size_t j = 0; j < json_array_size(rows); j++) {
        for (size_t i = 0; i < count; i++) {
            write_cell(text, json_array_get(rows, j), &columns[i]);
            print_cell(text, widths[i], i + 1 == count);
        }
        putchar('\n');
    }
}

void ctl_show_clients(const json_t *rows, bool first)
{
    static const struct column columns[] = {
        { "ID", "id" },
        { "USER", "user" },
        { "PEER", "peer" },
        { "PORT", "listener" },
        { "MQTT", "version" },
        { "CONNECTED", "connected_s" },
        { "KEEPALIVE", "keep_alive_s" },
        { "CLEAN", "clean_start" },
        { "SUBS", "subscriptions" },
        { "QUEUED", "queued" },
        { "INFLIGHT", "in_flight" },
        { "TLS", "tls" },
    };

    print_table(columns, sizeof(columns) / sizeof(columns[0]), rows, first);
}

void ctl_show_subscriptions(const json_t *rows, bool first)
{
    static const struct column columns[] = {
        { "FILTER", "filter" },
        { "QOS", "qos" },
        { "ID", "id" },
        { "USER", "user" },
        { "CONNECTED", "connected" },
    };

    print_table(columns, sizeof(columns) / sizeof(columns[0]), rows, first);
}

void ctl_show_bans(const json_t *rows, bool first)
{
    static const struct column columns[] = {
        { "ADDRESS", "network" }, { "WRONG LOGINS", "failures" },
        { "BANNED FOR", "banned_s", .zero_is_none = true }, /* only wrong logins */
    };

    print_table(columns, sizeof(columns) / sizeof(columns[0]), rows, first);
}

/* ---- Lines of a name and a value ---- */

static void print_line(const char *title, const char *text)
{
    printf("%-18s %s\n", title, text);
}

static void print_members(const struct column lines[], size_t count, const json_t *object)
{
    char text[TEXT_SIZE];

    for (size_t i = 0; i < count; i++) {
        if (!json_object_get(object, lines[i].member))
            continue;
        write_value(text, object, lines[i].member);
        print_line(lines[i].title, text);
    }
}

static void print_number(const char *title, json_int_t number)
{
    char text[TEXT_SIZE];

    snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, number);
    print_line(title, text);
}

/* Those reasons for which anything was dropped. */
static void print_dropped(const json_t *messages)
{
    const json_t *dropped = json_object_get(messages, "dropped");
    json_t *all = (json_t *)(uintptr_t)dropped;
    char title[64];

    for (void *at = json_object_iter(all); at; at = json_object_iter_next(all, at)) {
        const json_t *count = json_object_iter_value(at);

        snprintf(title, sizeof(title), "  dropped %s", json_object_iter_key(at));
        if (json_integer_value(count) > 0)
            print_number(title, json_integer_value(count));
    }
}

static void print_account(const json_t *messages)
{
    static const struct column lines[] = {
        { "messages in", "received" },
        { "messages out", "sent" },
        { "matched", "matched" },
        { "  delivered", "delivered" },
        { "  waiting", "waiting" },
        { "  expired", "expired" },
    };

    print_members(lines, sizeof(lines) / sizeof(lines[0]), messages);
    print_dropped(messages);
}

/* ---- status ---- */

static void print_memory(const json_t *memory)
{
    char text[TEXT_SIZE];
    json_int_t limit = number_of(memory, "limit");
    int used = snprintf(text, sizeof(text), "%.1f MB, at most %.1f MB so far",
            (double)number_of(memory, "used") / 1e6, (double)number_of(memory, "maximum") / 1e6);

    if (limit > 0)
        snprintf(text + used, sizeof(text) - (size_t)used, "; the limit is %.1f MB",
                (double)limit / 1e6);
    print_line("memory", text);
}

/* The log's files are as large from the start as they may become, so an empty one has a size. */
static void print_parts(const json_t *store)
{
    char text[TEXT_SIZE];

    snprintf(text, sizeof(text), "%.1f MB set aside on disk, messages in it: %" JSON_INTEGER_FORMAT,
            (double)number_of(store, "log_bytes") / 1e6, number_of(store, "log_messages"));
    print_line("  log", text);
    snprintf(text, sizeof(text), "%.1f MB, messages in it: %" JSON_INTEGER_FORMAT,
            (double)number_of(store, "archive_bytes") / 1e6, number_of(store, "archive_messages"));
    print_line("  archive", text);
}

static void print_store(const json_t *store)
{
    char directory[TEXT_SIZE];
    char health[TEXT_SIZE];
    char text[2 * TEXT_SIZE + 2];

    if (!json_is_object(store)) {
        print_line("store", "none: all is in memory");
        return;
    }
    write_value(directory, store, "directory");
    write_value(health, store, "health");
    snprintf(text, sizeof(text), "%s, %s", directory, health);
    print_line("store", text);
    print_parts(store);
    snprintf(text, sizeof(text),
            "%" JSON_INTEGER_FORMAT ", the slowest of late took %.1f ms, bytes that wait: "
            "%" JSON_INTEGER_FORMAT,
            number_of(store, "commits"), (double)number_of(store, "slowest_commit_us") / 1e3,
            number_of(store, "waiting_bytes"));
    print_line("  commits", text);
}

static void print_reload(const json_t *reload)
{
    char text[TEXT_SIZE];
    char ago[TEXT_SIZE];

    if (!json_is_object(reload))
        return;
    write_duration(ago, number_of(reload, "ago_s"));
    if (is_true(reload, "applied"))
        snprintf(text, sizeof(text), "%.32s ago, %" JSON_INTEGER_FORMAT " changes", ago,
                number_of(reload, "changes"));
    else
        snprintf(text, sizeof(text), "%.32s ago, failed: nothing was changed", ago);
    print_line("last reload", text);
}

static void print_listeners(const json_t *listeners)
{
    for (size_t i = 0; i < json_array_size(listeners); i++) {
        const json_t *row = json_array_get(listeners, i);
        const char *address = json_string_value(json_object_get(row, "address"));
        json_int_t port = number_of(row, "port");
        char text[TEXT_SIZE];

        if (port > 0)
            snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT " %s", port,
                    address && address[0] != '\0' ? address : "every address");
        else
            snprintf(text, sizeof(text), "%s", address ? address : "");
        printf("%-18s %s, %s%s, connections: %" JSON_INTEGER_FORMAT "\n", "listener", text,
                json_string_value(json_object_get(row, "protocol")),
                is_true(row, "tls") ? " over TLS" : "", number_of(row, "connections"));
    }
}

/* Findings as lines; returns how many. */
static size_t print_findings(const json_t *findings)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *row = json_array_get(findings, i);
        char severity[TEXT_SIZE];
        char text[TEXT_SIZE];

        write_value(severity, row, "severity");
        write_value(text, row, "text");
        printf("%s: %s\n", severity, text);
    }
    return json_array_size(findings);
}

void ctl_show_status(const json_t *answer)
{
    static const struct column lines[] = {
        { "version", "version" },
        { "process", "pid" },
        { "control socket", "control_socket" },
        { "running for", "uptime_s" },
        { "configuration", "config_file" },
        { "threads", "threads" },
        { "clients", "clients" },
        { "sockets", "sockets" },
        { "sessions", "sessions" },
        { "subscriptions", "subscriptions" },
        { "retained", "retained" },
    };

    print_members(lines, sizeof(lines) / sizeof(lines[0]), answer);
    print_account(json_object_get(answer, "messages"));
    print_memory(json_object_get(answer, "memory"));
    print_store(json_object_get(answer, "store"));
    print_reload(json_object_get(answer, "last_reload"));
    print_listeners(json_object_get(answer, "listeners"));
    print_findings(json_object_get(answer, "warnings"));
}

/* ---- One client ---- */

static void print_will(const json_t *will)
{
    char topic[TEXT_SIZE];
    char text[TEXT_SIZE];

    if (!json_is_object(will))
        return;
    write_value(topic, will, "topic");
    snprintf(text, sizeof(text),
            "%.700s, QoS %" JSON_INTEGER_FORMAT "%s, %" JSON_INTEGER_FORMAT
            " bytes, after %" JSON_INTEGER_FORMAT "s",
            topic, number_of(will, "qos"), is_true(will, "retain") ? ", retained" : "",
            number_of(will, "payload_bytes"), number_of(will, "delay_s"));
    print_line("will", text);
}

void ctl_show_client(const json_t *answer)
{
    static const struct column lines[] = {
        { "id", "id" },
        { "user", "user" },
        { "connected", "connected" },
        { "peer", "peer" },
        { "listener", "listener" },
        { "MQTT", "version" },
        { "asleep", "asleep" },
        { "TLS", "tls" },
        { "connected for", "connected_s" },
        { "last heard", "silent_s" },
        { "keep alive", "keep_alive_s" },
        { "clean start", "clean_start" },
        { "expires after", "expires_s" },
        { "subscriptions", "subscriptions" },
        { "queued", "queued" },
        { "in flight", "in_flight" },
    };
    static const struct column filters[] = { { "FILTER", "filter" }, { "QOS", "qos" } };
    const json_t *client = json_object_get(answer, "client");

    if (!json_is_object(client)) {
        puts("there is no such client");
        return;
    }
    print_members(lines, sizeof(lines) / sizeof(lines[0]), client);
    print_will(json_object_get(client, "will"));
    print_account(json_object_get(client, "account"));
    print_table(filters, 2, json_object_get(client, "filters"), true);
}

void ctl_show_kick(const json_t *answer)
{
    puts(is_true(answer, "kicked")             ? "its connection is ended"
                    : is_true(answer, "known") ? "it is not connected"
                                               : "there is no such client");
}

void ctl_show_unban(const json_t *answer)
{
    puts(is_true(answer, "lifted") ? "its wrong logins are forgotten" : "it has no wrong logins");
}

void ctl_show_checkpoint(const json_t *answer)
{
    puts(is_true(answer, "begun") ? "the log is being moved to the archive" : "nothing is done");
}

/* ---- Rules and files ---- */

void ctl_show_explain(const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "decisions");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char listener[TEXT_SIZE];
        char because[TEXT_SIZE];

        write_value(listener, row, "listener");
        write_value(because, row, "because");
        printf("listener %s: %s: %s%s\n", listener, is_true(row, "allowed") ? "allowed" : "denied",
                because,
                is_true(row, "by_name_alone") ? " (by name alone: no such client is there)" : "");
    }
}

void ctl_show_reload(const json_t *answer)
{
    print_findings(json_object_get(answer, "findings"));
    if (is_true(answer, "applied"))
        printf("applied; values that changed: %" JSON_INTEGER_FORMAT "\n",
                number_of(answer, "changes"));
    else
        puts("failed: nothing is changed");
}

void ctl_show_diff(const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "differences");

    print_findings(json_object_get(answer, "findings"));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char text[TEXT_SIZE];

        write_value(text, row, "file");
        if (number_of(row, "line") > 0)
            printf("%s:%" JSON_INTEGER_FORMAT ": ", text, number_of(row, "line"));
        if (json_object_get(row, "listener"))
            printf("listener %" JSON_INTEGER_FORMAT ": ", number_of(row, "listener"));
        write_value(text, row, "key");
        printf("%s: ", text);
        write_value(text, row, "old");
        printf("%s -> ", text);
        write_value(text, row, "new");
        printf("%s (%s)\n", text, json_string_value(json_object_get(row, "effect")));
    }
    if (!is_true(answer, "usable"))
        puts("the file cannot be used");
}
