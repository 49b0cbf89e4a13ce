/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/commands.h"

#include "broker/census.h"
#include "broker/core/roster.h"
#include "broker/differences.h"
#include "broker/explain.h"
#include "broker/renewal.h"
#include "broker/state.h"
#include "loop/clock.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    REASON_MAX = 200, /* bytes of a kick's reason: it has to fit a DISCONNECT */
    BANS_MAX = 500,   /* on one page */
};

static json_t *fail(char *problem, const char *text)
{
    snprintf(problem, COMMAND_PROBLEM_MAX + 1, "%s", text);
    return NULL;
}

/* ---- status ---- */

static json_t *describe_listener(const struct config_listener *listener, struct entrance *entrance)
{
    /* Relaxed: a gauge. */
    int64_t connections = atomic_load_explicit(&entrance->connections, memory_order_relaxed);

    return json_pack("{s:i, s:s, s:s, s:b, s:I}", "port", (int)listener->settings.port, "address",
            listener->address, "protocol",
            listener->protocol == CONFIG_PROTOCOL_WEBSOCKETS ? "websockets" : "mqtt", "tls",
            listener->tls.certfile[0] != '\0' || listener->tls.psk_hint[0] != '\0', "connections",
            (json_int_t)connections);
}

static json_t *describe_listeners(struct server *server)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < server->group.entrance_count; i++) {
        const struct config_listener *listener = &server->config->listeners[i];

        if (!listener->closed)
            json_array_append_new(rows, describe_listener(listener, &server->group.entrances[i]));
    }
    return rows;
}

/* The sum over the shards of the counter at this offset of struct counters. */
static uint64_t sum_at(const struct shard_group *group, size_t offset)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < group->count; i++)
        sum += counter_read(
                (const counter *)(const void *)((const char *)group->counters[i] + offset));
    return sum;
}
#define SUM(group, member) ((json_int_t)sum_at((group), offsetof(struct counters, member)))

static json_t *describe_messages(const struct shard_group *group)
{
    json_t *dropped = json_object();
    json_int_t done = SUM(group, delivered) + SUM(group, expired);

    for (int reason = 0; reason < DROP_REASONS; reason++) {
        json_int_t count = (json_int_t)sum_at(
                group, offsetof(struct counters, dropped) + sizeof(counter) * (unsigned)reason);

        done += count;
        json_object_set_new(
                dropped, drop_reason_name((enum drop_reason)reason), json_integer(count));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "received",
            SUM(group, publish_received), "sent", SUM(group, publish_sent), "matched",
            SUM(group, matched), "delivered", SUM(group, delivered), "waiting",
            SUM(group, matched) - done, "expired", SUM(group, expired), "dropped", dropped);
}

static json_t *describe_memory(const struct server *server)
{
    const struct shard_group *group = &server->group;
    int64_t used = budget_share_used(group->hub_share);

    for (unsigned i = 0; i < group->count; i++)
        used += budget_share_used(&group->shards[i].share);
    return json_pack("{s:I, s:I, s:I}", "used", (json_int_t)used, "maximum",
            (json_int_t)budget_maximum(group->budget), "limit",
            (json_int_t)budget_limit_bytes(group->budget));
}

static json_t *describe_store(struct server *server)
{
    static const char *const healths[] = {
        [STORAGE_WELL] = "well",
        [STORAGE_SCARCE] = "scarce",
        [STORAGE_FULL] = "full",
        [STORAGE_DEAD] = "failed",
    };
    struct persistence_figures figures;
    const struct store_figures *store = &figures.store;

    if (!persistence_count(&server->persistence, &figures, clock_now_ms()))
        return json_null();
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
            "directory", server->persistence.directory, "health", healths[figures.health],
            "position", (json_int_t)store->pushed, "durable", (json_int_t)store->durable,
            "waiting_bytes", (json_int_t)store->waiting_bytes, "commits",
            (json_int_t)store->commits, "written_bytes", (json_int_t)store->written_bytes,
            "slowest_commit_us", (json_int_t)(figures.slowest_ns / 1000), "checkpoints",
            (json_int_t)store->checkpoints, "log_bytes", (json_int_t)store->log_bytes,
            "log_messages", (json_int_t)store->log_live, "archive_bytes",
            (json_int_t)store->archive_bytes, "archive_messages", (json_int_t)store->archived);
}

/* Findings up to that severity, as an array of objects. */
static json_t *describe_findings(const struct findings *findings, enum report_severity last)
{
    static const char *const names[] = {
        [REPORT_ERROR] = "error", [REPORT_WARNING] = "warning", [REPORT_NOTICE] = "notice"
    };
    json_t *rows = json_array();

    for (unsigned i = 0; findings && i < findings->count; i++) {
        const struct finding *finding = &findings->kept[i];

        if (finding->severity <= last)
            json_array_append_new(rows,
                    json_pack("{s:s, s:o}", "severity", names[finding->severity], "text",
                            command_text(bytes_of_text(finding->text))));
    }
    return rows;
}

static json_t *describe_reload(const struct server *server)
{
    const struct last_reload *last = &server->last_reload;

    if (last->wall_ms == 0)
        return json_null();
    return json_pack("{s:I, s:b, s:i}", "ago_s",
            (json_int_t)((clock_wall_ms() - last->wall_ms) / 1000), "applied", last->result >= 0,
            "changes", last->result >= 0 ? last->result : 0);
}

static json_t *run_status(void *context, const json_t *request, char *problem)
{
    struct server *server = context;
    const struct shard_group *group = &server->group;
    struct hub_counts hub = hub_count(group->hub, 0);
    const char *file = server->arguments.config_file;

    (void)request;
    (void)problem;
    return json_pack("{s:s, s:i, s:s, s:I, s:s, s:i, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, "
                     "s:o, s:o}",
            "version", NIGHTJAR_VERSION, "pid", (int)getpid(), "control_socket",
            control_path(server->control), "uptime_s",
            (json_int_t)((clock_now_ms() - server->started_ms) / 1000), "config_file",
            file ? file : "", "threads", (int)group->count, "listeners", describe_listeners(server),
            "clients", SUM(group, connections), "sockets", SUM(group, sockets), "sessions",
            SUM(group, sessions), "subscriptions",
            (json_int_t)hub.subscriptions + (json_int_t)hub.shared_subscriptions, "retained",
            (json_int_t)(hub.retained - hub.retained_own), "messages", describe_messages(group),
            "memory", describe_memory(server), "store", describe_store(server), "last_reload",
            describe_reload(server), "warnings",
            describe_findings(server->findings, REPORT_WARNING));
}

/* ---- clients, subscriptions ---- */

/* The port that a request names; 0: none. False: it is no port, which `problem` says. */
static bool read_port(const json_t *request, int *out, char *problem)
{
    json_int_t port = command_number(request, "listener", 0);

    if (port < 0 || port > UINT16_MAX)
        return fail(problem, "\"listener\" has to be a port") != NULL;
    *out = (int)port;
    return true;
}

/* What a request says of whom it wants. False: `problem` says what is wrong. */
static bool read_filter(const json_t *request, struct census_filter *out, char *problem)
{
    const char *address = command_string(request, "address");
    const char *topic = command_string(request, "topic");
    json_t *connected = json_object_get(request, "connected");

    *out = (struct census_filter){ .id = command_string(request, "id"),
        .user = command_string(request, "user"),
        .topic = topic,
        .connected = json_is_true(connected) };
    if (out->id && strlen(out->id) > CENSUS_PATTERN_MAX)
        return fail(problem, "\"id\" has to be a pattern of at most 256 bytes") != NULL;
    if (!read_port(request, &out->port, problem))
        return false;
    if (topic && !mqtt_topic_name_valid(bytes_of_text(topic)))
        return fail(problem, "\"topic\" has to be a topic name, without + and #") != NULL;
    out->has_network = address != NULL;
    if (address && network_parse(&out->network, bytes_of_text(address)) < 0)
        return fail(problem, "\"address\" has to be an address, or a network such as 10.0.0.0/8") !=
                NULL;
    return true;
}

/* Reads digits up to that character and moves behind it. */
static bool read_part(const char **text, char end, uint32_t *out)
{
    uint64_t number = 0;

    if (**text < '0' || **text > '9')
        return false;
    for (; **text >= '0' && **text <= '9' && number <= UINT32_MAX; ++*text)
        number = number * 10 + (uint64_t)(**text - '0');
    if (**text != end || number > UINT32_MAX)
        return false;
    *text += end != '\0';
    *out = (uint32_t)number;
    return true;
}

/* "shard.slot.subscription", as write_place() has written it. */
static bool read_place(const json_t *request, struct census_place *out)
{
    const char *text = command_string(request, "after");

    *out = (struct census_place){ 0 };
    return !text ||
            (read_part(&text, '.', &out->shard) && read_part(&text, '.', &out->slot) &&
                    read_part(&text, '\0', &out->subscription));
}

static json_t *write_place(const struct shard_group *group, const struct census_place *place)
{
    char text[64];

    if (place->shard >= group->count)
        return json_null();
    snprintf(text, sizeof(text), "%u.%" PRIu32 ".%" PRIu32, place->shard, place->slot,
            place->subscription);
    return json_string(text);
}

/* A page of what `list` lists, and under "next" what to ask for to get the one after it. */
static json_t *run_page(struct server *server, const json_t *request, char *problem,
        const char *name,
        json_t *(*list)(struct shard_group *group, const struct census_filter *filter, size_t rows,
                struct census_place *place))
{
    json_int_t limit = command_number(request, "limit", CENSUS_ROWS_MAX);
    struct census_filter filter;
    struct census_place place;
    json_t *rows;

    if (limit < 1 || limit > CENSUS_ROWS_MAX)
        return fail(problem, "\"limit\" has to be a number from 1 to 1000");
    if (!read_place(request, &place))
        return fail(problem, "\"after\" has to be what the page before said as \"next\"");
    if (!read_filter(request, &filter, problem))
        return NULL;
    rows = list(&server->group, &filter, (size_t)limit, &place);
    return rows ? json_pack("{s:o, s:o}", name, rows, "next", write_place(&server->group, &place))
                : NULL;
}

static json_t *run_clients(void *context, const json_t *request, char *problem)
{
    return run_page(context, request, problem, "clients", census_clients);
}

static json_t *run_subscriptions(void *context, const json_t *request, char *problem)
{
    return run_page(context, request, problem, "subscriptions", census_subscriptions);
}

/* ---- client, kick ---- */

static json_t *run_client(void *context, const json_t *request, char *problem)
{
    struct server *server = context;
    json_t *client = census_client(&server->group, bytes_of_text(command_string(request, "id")));

    (void)problem;
    return client ? json_pack("{s:o}", "client", client) : NULL;
}

static json_t *run_kick(void *context, const json_t *request, char *problem)
{
    struct server *server = context;
    const char *id = command_string(request, "id");
    const char *reason = command_string(request, "reason");
    int result;

    if (reason && strlen(reason) > REASON_MAX)
        return fail(problem, "\"reason\" has to be at most 200 bytes long");
    if (reason && !mqtt_utf8_strict(bytes_of_text(reason)))
        return fail(problem, "\"reason\" may have no control characters");
    result = census_kick(&server->group, bytes_of_text(id), reason);
    if (result < 0)
        return NULL;
    return json_pack(
            "{s:b, s:b}", "known", result != ROSTER_UNKNOWN, "kicked", result == ROSTER_KICKED);
}

/* ---- explain ---- */

static json_t *run_explain(void *context, const json_t *request, char *problem)
{
    struct server *server = context;
    struct explain_question question = {
        .user = bytes_of_text(command_string(request, "user")),
        .client_id = bytes_of_text(command_string(request, "client")),
        .topic = bytes_of_text(command_string(request, "topic")),
    };
    json_t *rows;

    if (!read_port(request, &question.port, problem))
        return NULL;
    if (!explain_action(command_string(request, "action"), &question.action))
        return fail(problem, "\"action\" has to be read, write or subscribe");
    rows = explain_running(&server->group, server->config, &question);
    if (rows && json_array_size(rows) == 0) {
        json_decref(rows);
        return fail(problem, "no listener has that port");
    }
    return rows ? json_pack("{s:o}", "decisions", rows) : NULL;
}

/* ---- bans, unban ---- */

static json_t *describe_suspect(const struct guard_suspect *suspect)
{
    char network[NETWORK_TEXT_SIZE];

    return json_pack("{s:s, s:I, s:I}", "network", network_format(&suspect->network, network),
            "failures", (json_int_t)suspect->failures, "banned_s",
            (json_int_t)((suspect->banned_ms + 999) / 1000));
}

/* A page of those who are banned or have wrong logins that count. */
static json_t *run_bans(void *context, const json_t *request, char *problem)
{
    struct server *server = context;
    json_int_t after = command_number(request, "after", 0);
    struct guard_suspect suspects[BANS_MAX];
    size_t position = (size_t)after;
    json_t *rows = json_array();
    size_t count;

    if (after < 0) {
        json_decref(rows);
        return fail(problem, "\"after\" has to be what the page before said as \"next\"");
    }
    count = guard_list(server->group.guard, &position, suspects, BANS_MAX, clock_now_ms());
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, describe_suspect(&suspects[i]));
    return json_pack("{s:o, s:o}", "bans", rows, "next",
            count < BANS_MAX ? json_null() : json_integer((json_int_t)position));
}

static json_t *run_unban(void *context, const json_t *request, char *problem)
{
    struct server *server = context;
    const char *text = command_string(request, "address");
    struct address address;
    bool lifted;

    if (address_parse(&address, text, 0) < 0)
        return fail(problem, "\"address\" has to be an address, such as 192.0.2.7 or 2001:db8::1");
    lifted = guard_lift(server->group.guard, &address);
    if (lifted)
        journal_tell(&server->journal, EVENT_INFO, "address.forgiven",
                field_bytes("address", bytes_of_text(text)));
    return json_pack("{s:b}", "lifted", lifted);
}

/* ---- reload, diff ---- */

static json_t *run_reload(void *context, const json_t *request, char *problem)
{
    struct server *server = context;
    struct findings *findings = findings_new();
    json_t *told;
    int result;

    (void)request;
    (void)problem;
    if (!findings)
        return NULL;
    result = renewal_apply(server, findings);
    told = describe_findings(result >= 0 ? server->findings : findings, REPORT_NOTICE);
    if (result < 0)
        findings_free(findings);
    return json_pack("{s:b, s:i, s:o}", "applied", result >= 0, "changes", result >= 0 ? result : 0,
            "findings", told);
}

static json_t *run_diff(void *context, const json_t *request, char *problem)
{
    struct server *server = context;
    struct findings *findings = findings_new();
    struct config *config = NULL;
    json_t *answer;

    (void)problem;
    if (!findings)
        return NULL;
    config = renewal_try(server, command_string(request, "file"), &findings->report);
    answer = json_pack("{s:b, s:o, s:o}", "usable", config != NULL, "differences",
            config ? differences_of(config, server->config) : json_array(), "findings",
            describe_findings(findings, REPORT_WARNING));
    config_free(config);
    findings_free(findings);
    return answer;
}

/* ---- checkpoint ---- */

static json_t *run_checkpoint(void *context, const json_t *request, char *problem)
{
    struct server *server = context;

    (void)request;
    if (!persistence_checkpoint(&server->persistence))
        return fail(problem, "there is nothing to save: persistence is false");
    return json_pack("{s:b}", "begun", true);
}

/* ---- The table ---- */

static const struct command commands[] = {
    { "status", run_status, { { 0 } } },
    { "clients", run_clients,
            { { "id", JSON_STRING, false }, { "user", JSON_STRING, false },
                    { "address", JSON_STRING, false }, { "listener", JSON_INTEGER, false },
                    { "connected", JSON_TRUE, false }, { "limit", JSON_INTEGER, false },
                    { "after", JSON_STRING, false } } },
    { "client", run_client, { { "id", JSON_STRING, true } } },
    { "kick", run_kick, { { "id", JSON_STRING, true }, { "reason", JSON_STRING, false } } },
    { "subscriptions", run_subscriptions,
            { { "id", JSON_STRING, false }, { "user", JSON_STRING, false },
                    { "topic", JSON_STRING, false }, { "connected", JSON_TRUE, false },
                    { "limit", JSON_INTEGER, false }, { "after", JSON_STRING, false } } },
    { "explain", run_explain,
            { { "user", JSON_STRING, true }, { "client", JSON_STRING, true },
                    { "action", JSON_STRING, true }, { "topic", JSON_STRING, true },
                    { "listener", JSON_INTEGER, false } } },
    { "bans", run_bans, { { "after", JSON_INTEGER, false } } },
    { "unban", run_unban, { { "address", JSON_STRING, true } } },
    { "reload", run_reload, { { 0 } } },
    { "diff", run_diff, { { "file", JSON_STRING, false } } },
    { "checkpoint", run_checkpoint, { { 0 } } },
};

struct command_table commands_of(struct server *server)
{
    return (struct command_table){ commands, sizeof(commands) / sizeof(commands[0]), server };
}
