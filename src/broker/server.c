/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/server.h"

#include "broker/differences.h"
#include "broker/explain.h"
#include "broker/log_line.h"
#include "broker/mutexes.h"
#include "broker/renewal.h"
#include "broker/state.h"
#include "broker/steering.h"
#include "broker/surroundings.h"
#include "broker/threads.h"
#include "loop/signals.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { CACHE_LINE_SIZE = 64 };

static void tell_failure(struct server *server, const char *text)
{
    journal_tell(&server->journal, EVENT_ERROR, "server.failed", field_text("text", text));
}

/* ---- Start: configuration and log ---- */

static bool load_config(struct server *server, struct findings *findings)
{
    struct config_request request = arguments_request(&server->arguments);

    lookout_init(&server->lookout);
    if (config_load(&server->config, &request, &findings->report) < 0 ||
            !threads_have_memory(server->config, &findings->report) ||
            rulebook_read(&server->rulebook, server->config, NULL, &findings->report) < 0)
        return false;
    /* A start finds out by itself. */
    if (server->arguments.action == ARGUMENTS_TEST_CONFIG &&
            !surroundings_suit(server->config, &findings->report))
        return false;
    server->lookout.fingerprint = lookout_fingerprint(server->config);
    return credentials_read(&server->credentials, server->config, ++server->readings,
                   &findings->report) == 0;
}

/* Who starts a server looks at its stderr: an error before it runs is told there too. */
static void write_at_start(void *context, const struct event *event)
{
    struct server *server = context;
    struct log_settings plain = { .format = LOG_FORMAT_MOSQUITTO };
    struct log_line line;

    log_source_journal(&server->source, EVENT_DEBUG).write(&server->source, event);
    if (event->level > EVENT_ERROR || server->config->log.to.set & LOG_TO_STDERR)
        return;
    log_line_write(&line, event, &plain, 0);
    fwrite(line.text, 1, line.size, stderr);
}

/* A log file that cannot be opened does not keep the server from its clients: stderr takes over. */
static int open_log(struct server *server)
{
    struct log_settings *settings = &server->config->log;
    int failure = log_open(&server->log, settings);

    if (failure < 0) {
        settings->to.set = (settings->to.set & ~(unsigned)LOG_TO_FILE) | LOG_TO_STDERR;
        if (log_open(&server->log, settings) < 0)
            return -ENOMEM;
    }
    log_source_init(&server->source, server->log);
    server->journal = (struct journal){ log_level(settings), write_at_start, server };
    if (failure < 0)
        journal_tell(&server->journal, EVENT_ERROR, "log.failed",
                field_text("file", settings->to.path), field_text("text", strerror(-failure)));
    return 0;
}

static void tell_start(struct server *server)
{
    uint64_t descriptors = 0;

    journal_tell(&server->journal, EVENT_INFO, "server.starting",
            field_text("version", NIGHTJAR_VERSION));
    if (server->arguments.config_file)
        journal_tell(&server->journal, EVENT_INFO, "config.loaded",
                field_text("file", server->arguments.config_file));
    if (process_raise_descriptors(&descriptors) == 0)
        journal_tell(&server->journal, EVENT_INFO, "server.descriptors",
                field_number("max", (int64_t)descriptors));
}

/* ---- Start: what needs privileges, and dropping them ---- */

/* Who the server is to become. False when that cannot be found out, which is told. */
static bool find_user(struct server *server)
{
    const char *name = server->config->user;
    int result;

    if (!process_is_root() || strcmp(name, "root") == 0)
        return true;
    result = process_find_runner(&server->user, name);
    if (result == 1)
        journal_tell(&server->journal, EVENT_WARN, "server.user_missing", field_text("user", name),
                field_text("text", "there is no such user; running as nobody instead"));
    if (result >= 0)
        return true;
    journal_tell(&server->journal, EVENT_ERROR, "server.user_missing", field_text("user", name),
            field_text("text",
                    "cannot drop privileges to a user that does not exist;"
                    " create it or name another one with `user`"));
    return false;
}

/* A reload opens files again, without the privileges that they were first read with. Where that
 * cannot be, one of them is kept. */
static void check_access(struct server *server)
{
    struct findings *findings = findings_new();

    if (!findings)
        return;
    config_check_access(server->config, &findings->report);
    rulebook_check_access(server->rulebook, &findings->report);
    credentials_check_access(server->config, &findings->report);
    if (findings->report.warnings == 0)
        keeper_stop(&server->keeper);
    else if (server->keeper.runs)
        journal_tell(&server->journal, EVENT_INFO, "server.keeps_privilege",
                field_number("files", findings->report.warnings),
                field_text("text",
                        "the user cannot read them, so one thread keeps the privilege to read "
                        "every file, for reloads; keep_read_privilege false gives it up"));
    else
        findings_tell(findings, &server->journal);
    findings_free(findings);
}

static bool drop_privileges(struct server *server)
{
    int result;

    if (!server->user.name) {
        if (process_is_root())
            journal_tell(&server->journal, EVENT_WARN, "server.is_root",
                    field_text("text", "the server should not run as root; see `user`"));
        return true;
    }
    log_give_file(server->log, server->user.user, server->user.group);
    if (server->config->keep_read_privilege)
        keeper_start(&server->keeper);
    result = process_become(&server->user);
    keeper_settle(&server->keeper);
    if (result < 0) {
        journal_tell(&server->journal, EVENT_ERROR, "server.user_failed",
                field_text("user", server->user.name), field_text("text", strerror(-result)));
        return false;
    }
    journal_tell(
            &server->journal, EVENT_INFO, "server.user", field_text("user", server->user.name));
    check_access(server);
    return true;
}

static bool open_entrances(struct server *server)
{
    const struct config *config = server->config;
    struct shard_group *group = &server->group;
    bool any = false;

    group->entrances = calloc(CONFIG_LISTENERS_MAX, sizeof(*group->entrances));
    if (!group->entrances)
        return false;
    group->entrance_count = config->listener_count;
    for (unsigned i = 0; i < config->listener_count; i++) {
        int result =
                entrance_open(&group->entrances[i], config, i, group->count > 1, &server->journal);

        any |= result == 0;
        if (entrance_is_missed(config, result))
            return false;
    }
    return any;
}

static bool claim_data(struct server *server)
{
    return persistence_claim(&server->persistence, server->config,
                   server->user.name ? &server->user : NULL, &server->journal) == 0;
}

/* ---- Start: hub and shards ---- */

static bool make_hub(struct server *server)
{
    struct hub_setup setup = {
        .shards = server->group.count,
        .mailbox_slots = MAILBOX_SLOTS_DEFAULT,
        .locks = mutexes(server->group.count),
        .retained_max = server->config->core.retained_max,
    };

    budget_init(&server->budget, budget_of_setting(server->config->memory_limit_bytes));
    budget_share_init(&server->hub_share, &server->budget);
    setup.memory = budget_shared_memory(&server->hub_share);
    if (process_random(&setup.key, sizeof(setup.key)) < 0)
        return false;
    server->group.guard = guard_new(&setup.key);
    server->group.hub = hub_new(&setup);
    server->group.hub_share = &server->hub_share;
    server->group.budget = &server->budget;
    server->group.log = server->log;
    server->group.rulebook = server->rulebook;
    server->group.hashers = &server->hashers;
    server->group.web = &server->web;
    server->group.credentials = server->credentials;
    server->group.persistence = &server->persistence;
    return server->group.hub && server->group.guard;
}

static bool make_shards(struct server *server)
{
    struct shard_group *group = &server->group;

    static_assert(sizeof(struct shard) % CACHE_LINE_SIZE == 0, "shards share no cache line");
    group->shards = aligned_alloc(CACHE_LINE_SIZE, group->count * sizeof(*group->shards));
    if (!group->shards)
        return false;
    for (unsigned i = group->count; i-- > 0;) {
        struct shard_setup setup = { .group = group, .number = i, .config = server->config };
        int result = process_random(&setup.seed, sizeof(setup.seed));

        if (result == 0) {
            server->shards_made++;
            result = shard_init(&group->shards[i], &setup);
        }
        if (result < 0) {
            tell_failure(server, strerror(-result));
            return false;
        }
    }
    return true;
}

/* As many as there are shards, for who hashes has no time for anything else. */
static bool start_hashers(struct server *server)
{
    unsigned wanted = server->group.count < HASHERS_MAX ? server->group.count : HASHERS_MAX;

    return hashers_start(&server->hashers, wanted) == 0;
}

/* Only where there is a service to ask. */
static bool start_asker(struct server *server)
{
    return !server->rulebook->service || web_asker_start(&server->web) == 0;
}

static bool start_shards(struct server *server)
{
    for (unsigned i = 0; i < server->group.count; i++) {
        if (shard_start(&server->group.shards[i]) < 0)
            return false;
        server->shards_running++;
    }
    return true;
}

/* ---- Stop ---- */

static void stop_shards(struct server *server)
{
    struct shard *shards = server->group.shards;

    for (size_t i = 0; i < server->group.entrance_count; i++)
        entrance_hide(&server->group.entrances[i]);
    for (unsigned i = 0; i < server->shards_running; i++)
        shard_stop(&shards[i]);
    for (unsigned i = 0; i < server->shards_running; i++)
        shard_join(&shards[i]);
    server->shards_running = 0;
}

/* Shards are made from the last to the first. */
static struct shard *first_made(struct server *server)
{
    return server->group.shards + server->group.count - server->shards_made;
}

static void close_server(struct server *server)
{
    struct shard_group *group = &server->group;

    steering_close(server);
    lookout_close(&server->lookout);
    keeper_stop(&server->keeper);
    stop_shards(server);
    persistence_stop(&server->persistence);
    hashers_stop(&server->hashers);
    web_asker_stop(&server->web);
    for (unsigned i = 0; i < server->shards_made; i++)
        shard_close_parcels(first_made(server) + i);
    for (unsigned i = 0; i < server->shards_made; i++)
        shard_drop_errands(first_made(server) + i);
    for (unsigned i = 0; i < server->shards_made; i++)
        shard_deinit(first_made(server) + i);
    free(group->shards);
    hashers_deinit(&server->hashers);
    web_asker_deinit(&server->web);
    if (group->hub)
        hub_free(group->hub);
    guard_free(group->guard);
    persistence_close(&server->persistence);
    if (group->budget)
        budget_deinit(&server->budget);
    for (size_t i = 0; i < group->entrance_count; i++)
        entrance_close(&group->entrances[i]);
    free(group->entrances);
    sem_destroy(&group->taken);
    if (server->signals >= 0)
        signals_close(server->signals);
}

/* ---- The whole ---- */

/* Opens and makes all that comes before the threads. False when it failed, which is told. */
static bool prepare(struct server *server)
{
    server->group.count = threads_count(server->config);
    hashers_init(&server->hashers);
    web_asker_init(&server->web);
    /* Signals first: whoever sees the server listen may send one, and it is not to die of it. */
    server->signals = signals_open();
    if (server->signals < 0 || sem_init(&server->group.taken, 0, 0) < 0) {
        tell_failure(server, "the system gives no signals or no semaphore");
        return false;
    }
    /* The control socket before the listeners: who sees the server listen may ask it at once. */
    if (!find_user(server) || steering_open(server) < 0 || !open_entrances(server) ||
            !claim_data(server))
        return false;
    if (!make_hub(server)) {
        tell_failure(server, "not enough memory to start");
        return false;
    }
    return make_shards(server);
}

/* Goes into the background where that is asked for. Returns 1 in the process that is to end. */
static int detach(struct server *server)
{
    const char *path = server->config->pid_file;
    int result = server->arguments.daemon ? process_daemonise() : 0;

    if (result == 0 && path[0] != '\0') {
        result = process_write_pid(path, server->user.name ? &server->user : NULL);
        if (result < 0)
            journal_tell(&server->journal, EVENT_ERROR, "server.pid_file_failed",
                    field_text("file", path), field_text("text", strerror(-result)));
    }
    return result;
}

/* What is open belongs to the process in the background. */
static void leave(struct server *server)
{
    for (size_t i = 0; i < server->group.entrance_count; i++)
        entrance_leave(&server->group.entrances[i]);
    for (unsigned i = 0; i < server->shards_made; i++)
        shard_leave(first_made(server) + i);
    control_leave(server->control);
}

static enum server_status serve(struct server *server)
{
    int result = prepare(server) ? detach(server) : -1;

    if (result == 1) {
        leave(server);
        return SERVER_OK;
    }
    if (result < 0)
        return SERVER_FAILED;
    if (!drop_privileges(server))
        return SERVER_FAILED;
    if (persistence_open(&server->persistence, &server->group) < 0)
        return SERVER_FAILED;
    /* Before the shards: who is served finds the whole server there. */
    renewal_watch(server, server->lookout.fingerprint);
    if (!start_hashers(server) || !start_asker(server) ||
            persistence_start(&server->persistence) < 0 || !start_shards(server)) {
        tell_failure(server, "the system gives no thread");
        return SERVER_FAILED;
    }
    server->journal = log_source_journal(&server->source, server->journal.level);
    journal_tell(&server->journal, EVENT_INFO, "server.running",
            field_text("version", NIGHTJAR_VERSION), field_number("threads", server->group.count));
    steering_serve(server);
    steering_stop(server);
    stop_shards(server);
    persistence_stop(&server->persistence);
    if (server->config->pid_file[0] != '\0')
        unlink(server->config->pid_file);
    journal_tell(&server->journal, EVENT_INFO, "server.stopped",
            field_text("version", NIGHTJAR_VERSION));
    return SERVER_OK;
}

static enum server_status run_with_log(struct server *server)
{
    enum server_status status;

    if (open_log(server) < 0)
        return SERVER_FAILED;
    tell_start(server);
    findings_tell(server->findings, &server->journal);
    status = serve(server);
    close_server(server);
    log_source_deinit(&server->source);
    log_close(server->log);
    return status;
}

static enum server_status explain(const struct server *server)
{
    const struct arguments_explain *asked = &server->arguments.explain;
    struct explain_question question = {
        .user = bytes_of_text(strcmp(asked->user, "-") == 0 ? "" : asked->user),
        .client_id = bytes_of_text(asked->client),
        .topic = bytes_of_text(asked->topic),
        .port = asked->port,
    };

    explain_action(asked->action, &question.action); /* which the command line was checked for */
    return explain_print(server->config, server->rulebook, &question) ? SERVER_OK : SERVER_FAILED;
}

/* What another file would change. */
static enum server_status diff(struct server *server)
{
    struct findings *findings = findings_new();
    struct config *other;
    size_t count = 0;

    if (!findings)
        return SERVER_FAILED;
    other = renewal_try(server, server->arguments.other_file, &findings->report);
    findings_print(findings);
    findings_free(findings);
    if (!other)
        return SERVER_BAD_CONFIG;
    count = differences_print(other, server->config);
    config_free(other);
    return count == 0 ? SERVER_OK : SERVER_FAILED;
}

/* The warnings stand above all that is printed between. */
static void print_verdict(const struct findings *findings)
{
    fputs("The configuration can be used", stdout);
    if (findings->report.warnings > 0)
        printf("; warnings, at the top: %u", findings->report.warnings);
    putchar('\n');
}

/* What the command line asks for, of a configuration that can be used. */
static enum server_status act(struct server *server)
{
    switch (server->arguments.action) {
    case ARGUMENTS_TEST_CONFIG:
        findings_print(server->findings);
        config_dump(server->config, stdout);
        print_verdict(server->findings);
        return SERVER_OK;
    case ARGUMENTS_EXPLAIN:
        return explain(server);
    case ARGUMENTS_DIFF:
        return diff(server);
    case ARGUMENTS_RUN:
    case ARGUMENTS_HELP:
    case ARGUMENTS_VERSION:
        break;
    }
    return run_with_log(server);
}

static enum server_status run(struct server *server)
{
    enum server_status status = SERVER_BAD_CONFIG;

    server->starter = getuid();
    server->notify.fd = -1;
    server->findings = findings_new();
    if (!server->findings)
        return SERVER_FAILED;
    if (load_config(server, server->findings))
        status = act(server);
    else
        findings_print(server->findings);
    findings_free(server->findings);
    credentials_free(server->credentials);
    rulebook_free(server->rulebook);
    config_free(server->config);
    return status;
}

enum server_status server_main(int argc, char *const argv[])
{
    struct server *server = calloc(1, sizeof(*server));
    char problem[ARGUMENTS_PROBLEM_MAX + 1];
    enum server_status status = SERVER_OK;

    if (!server)
        return SERVER_FAILED;
    if (arguments_read(&server->arguments, argc, argv, problem) < 0) {
        fprintf(stderr, "%s\n", problem);
        status = SERVER_BAD_CONFIG;
    } else if (server->arguments.action == ARGUMENTS_HELP) {
        arguments_help(stdout);
    } else if (server->arguments.action == ARGUMENTS_VERSION) {
        printf("nightjar version %s\n", NIGHTJAR_VERSION);
    } else {
        status = run(server);
    }
    free(server);
    return status;
}
