/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/renewal.h"

#include "broker/state.h"
#include "broker/surroundings.h"
#include "broker/threads.h"
#include "loop/clock.h"

#include <errno.h>

/* What is read, all of it or nothing. */
struct renewal {
    struct config *config; /* NULL: something cannot be used */
    struct rulebook *rulebook;
    struct credentials *credentials;
    uint64_t fingerprint; /* of the credentials' files, before they were read */
    int changes;
};

/* Something that opens files, for the keeper to do: it may read what the server's user may not. */
struct reading {
    struct server *server;
    struct report *report;
    const char *file;       /* of a configuration to be tried; NULL: the server's own */
    struct renewal renewal; /* what is found */
    int64_t now_ms;
    bool changed;
};

static void read_again(void *context)
{
    struct reading *reading = context;
    struct server *server = reading->server;
    struct report *report = reading->report;
    struct config_request request = arguments_request(&server->arguments);
    struct renewal renewal = { 0 };

    if (config_load(&renewal.config, &request, report) < 0)
        return;
    renewal.changes = config_reload(renewal.config, server->config, report);
    renewal.fingerprint = lookout_fingerprint(renewal.config);
    if (renewal.changes >= 0 && threads_have_memory(renewal.config, report) &&
            rulebook_read(&renewal.rulebook, renewal.config, NULL, report) == 0 &&
            credentials_read(&renewal.credentials, renewal.config, ++server->readings, report) ==
                    0) {
        reading->renewal = renewal;
        return;
    }
    rulebook_free(renewal.rulebook);
    config_free(renewal.config);
}

static void watch_files(void *context)
{
    const struct reading *reading = context;
    struct server *server = reading->server;

    lookout_at(&server->lookout, server->config, reading->renewal.fingerprint, &server->journal);
}

void renewal_watch(struct server *server, uint64_t fingerprint)
{
    struct reading reading = { .server = server, .renewal.fingerprint = fingerprint };

    keeper_do(&server->keeper, watch_files, &reading);
}

/* Every shard takes what is new in the group on its own thread; then nobody reads the old. */
static void hand_out(struct shard_group *group, const struct config *config)
{
    for (unsigned i = 0; i < group->count; i++)
        shard_configure(&group->shards[i], config);
    for (unsigned i = 0; i < group->count; i++) {
        while (sem_wait(&group->taken) < 0 && errno == EINTR)
            continue;
    }
}

static void swap(struct server *server, const struct renewal *next)
{
    struct shard_group *group = &server->group;

    group->rulebook = next->rulebook;
    group->credentials = next->credentials;
    budget_limit(&server->budget, budget_of_setting(next->config->memory_limit_bytes));
    hand_out(group, next->config);
    config_free(server->config);
    server->config = next->config;
    rulebook_free(server->rulebook);
    server->rulebook = next->rulebook;
    credentials_free(server->credentials);
    server->credentials = next->credentials;
    renewal_watch(server, next->fingerprint);
}

/* ---- Listeners ---- */

static int bring_doors(struct shard_group *group, struct entrance *entrance)
{
    int result = 0;

    for (unsigned i = group->count; i-- > 0 && result == 0;) {
        size_t doors = entrance_door_count(entrance, i == 0);

        for (size_t j = 0; j < doors && result == 0; j++)
            result = shard_bring_door(&group->shards[i], entrance, j);
    }
    return result;
}

/* Whether the server has that listener of `next` not open yet. */
static bool is_new(const struct server *server, const struct config *next, size_t i)
{
    const struct config *running = server->config;

    return !next->listeners[i].closed &&
            (i >= running->listener_count || running->listeners[i].closed);
}

static void close_new(struct server *server, const struct config *next, size_t count)
{
    struct shard_group *group = &server->group;

    for (size_t i = 0; i < count; i++) {
        if (!is_new(server, next, i))
            continue;
        entrance_hide(&group->entrances[i]);
        entrance_close(&group->entrances[i]);
    }
    for (unsigned i = 0; i < group->count; i++)
        shard_drop_new_doors(&group->shards[i]);
}

/* Opens those that the server does not have yet, all or none. False when one fails, which is
 * told. */
static bool open_new(struct server *server, const struct config *next)
{
    struct shard_group *group = &server->group;

    for (size_t i = 0; i < next->listener_count; i++) {
        int result;

        if (!is_new(server, next, i))
            continue;
        result = entrance_open(
                &group->entrances[i], next, (unsigned)i, group->count > 1, &server->journal);
        if (result < 0 && !entrance_is_missed(next, result))
            continue;
        if (result == 0)
            result = bring_doors(group, &group->entrances[i]);
        if (result < 0) {
            close_new(server, next, i + 1);
            return false;
        }
    }
    group->entrance_count = next->listener_count;
    return true;
}

/* Tells of those that are gone. Their sockets are closed by the shards. */
static void leave_old(struct server *server, const struct config *next)
{
    for (size_t i = 0; i < server->config->listener_count; i++) {
        const struct config_listener *listener = &next->listeners[i];

        if (!listener->closed || server->config->listeners[i].closed)
            continue;
        entrance_hide(&server->group.entrances[i]);
        journal_tell(&server->journal, EVENT_INFO, "listener.closed",
                field_text("address", listener->address),
                field_number("port", listener->settings.port));
    }
}

/* ---- The whole ---- */

static void discard(struct renewal *renewal)
{
    config_free(renewal->config);
    rulebook_free(renewal->rulebook);
    credentials_free(renewal->credentials);
    *renewal = (struct renewal){ 0 };
}

static void try(void *context)
{
    struct reading *reading = context;
    struct config_request request = arguments_request(&reading->server->arguments);
    struct rulebook *rulebook = NULL;
    struct credentials *credentials = NULL;
    struct config *config = NULL;

    if (reading->file)
        request.file = reading->file;
    if (config_load(&config, &request, reading->report) == 0 &&
            (!threads_have_memory(config, reading->report) ||
                    !surroundings_suit(config, reading->report) ||
                    rulebook_read(&rulebook, config, NULL, reading->report) < 0 ||
                    credentials_read(&credentials, config, 0, reading->report) < 0)) {
        config_free(config);
        config = NULL;
    }
    credentials_free(credentials);
    rulebook_free(rulebook);
    reading->renewal.config = config;
}

struct config *renewal_try(struct server *server, const char *file, struct report *report)
{
    struct reading reading = { .server = server, .report = report, .file = file };

    /* Another file is the choice of whoever asks, who may not read everything. */
    if (file)
        try(&reading);
    else
        keeper_do(&server->keeper, try, &reading);
    return reading.renewal.config;
}

/* A service that was not there before needs the thread that asks it. */
static void start_asker(struct server *server, struct renewal *renewal, struct report *report)
{
    static const struct report_origin nowhere;

    if (!renewal->config || !renewal->rulebook->service || web_asker_start(&server->web) == 0)
        return;
    report_tell(report, REPORT_ERROR, nowhere,
            "the system gives no thread to ask auth_http's service; try again later");
    discard(renewal);
}

static int apply(struct server *server, struct findings *findings)
{
    const char *file = server->arguments.config_file;
    struct reading reading = { .server = server, .report = &findings->report };
    struct renewal renewal;

    journal_tell(&server->journal, EVENT_INFO, "config.reloading",
            field_text("file", file ? file : "-"));
    keeper_do(&server->keeper, read_again, &reading);
    renewal = reading.renewal;
    start_asker(server, &renewal, &findings->report);
    findings_tell(findings, &server->journal);
    if (renewal.config && !open_new(server, renewal.config))
        discard(&renewal);
    if (!renewal.config) {
        log_tell_failure(log_reopen(server->log), &server->config->log, &server->journal);
        journal_tell(&server->journal, EVENT_ERROR, "config.kept",
                field_text("text",
                        "a file cannot be used, or a listener not opened; nothing is changed"));
        return -EINVAL;
    }
    log_tell_failure(
            log_apply(server->log, &renewal.config->log), &renewal.config->log, &server->journal);
    server->journal.level = log_level(&renewal.config->log);
    leave_old(server, renewal.config);
    swap(server, &renewal);
    journal_tell(&server->journal, EVENT_INFO, "config.reloaded",
            field_number("changes", renewal.changes));
    return renewal.changes;
}

int renewal_apply(struct server *server, struct findings *findings)
{
    int result;

    notify_send(&server->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
            (long long)(clock_now_ns() / 1000));
    result = apply(server, findings);
    if (result >= 0) {
        findings_free(server->findings);
        server->findings = findings;
    }
    server->last_reload = (struct last_reload){ clock_wall_ms(), result };
    notify_send(&server->notify, "READY=1\nSTATUS=%s",
            result >= 0 ? "Serving" : "Serving; a reload has failed and changed nothing");
    return result;
}

static void swap_credentials(struct server *server, struct credentials *next)
{
    server->group.credentials = next;
    hand_out(&server->group, server->config);
    credentials_free(server->credentials);
    server->credentials = next;
}

static void read_credentials(void *context)
{
    struct reading *reading = context;
    struct server *server = reading->server;
    struct renewal *renewal = &reading->renewal;

    renewal->fingerprint = lookout_fingerprint(server->config);
    if (credentials_read(
                &renewal->credentials, server->config, ++server->readings, reading->report) < 0)
        renewal->credentials = NULL;
}

static void renew_credentials(struct server *server, struct findings *findings)
{
    struct reading reading = { .server = server, .report = &findings->report };

    keeper_do(&server->keeper, read_credentials, &reading);
    findings_tell(findings, &server->journal);
    renewal_watch(server, reading.renewal.fingerprint);
    if (!reading.renewal.credentials) {
        journal_tell(&server->journal, EVENT_ERROR, "credentials.kept",
                field_text("text",
                        "a file of TLS has changed and cannot be used; the old ones "
                        "stay until it changes again"));
        return;
    }
    swap_credentials(server, reading.renewal.credentials);
    journal_tell(&server->journal, EVENT_INFO, "credentials.reloaded",
            field_text("text", "files of TLS have changed on disk"));
}

static void look(void *context)
{
    struct reading *reading = context;
    struct server *server = reading->server;

    reading->changed = lookout_sees_change(&server->lookout, server->config, reading->now_ms);
}

void renewal_look(struct server *server, int64_t now_ms)
{
    struct reading reading = { .server = server, .now_ms = now_ms };
    struct findings *findings;

    keeper_do(&server->keeper, look, &reading);
    if (!reading.changed)
        return;
    findings = findings_new();
    if (findings)
        renew_credentials(server, findings);
    findings_free(findings);
}
