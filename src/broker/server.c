/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/server.h"

#include "broker/config/arguments.h"
#include "broker/findings.h"
#include "broker/log_line.h"
#include "broker/mutexes.h"
#include "broker/process.h"
#include "broker/shard.h"
#include "loop/cpu.h"
#include "loop/signals.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { CACHE_LINE_SIZE = 64 };

struct server {
    struct arguments arguments;
    struct config *config;
    struct rulebook *rulebook;
    struct credentials *credentials;
    struct log *log;
    struct log_source source; /* of this thread */
    struct journal journal;
    struct process_user user; /* with a name when there are privileges to drop */
    struct budget budget;
    struct budget_share hub_share;
    struct shard_group group;
    struct hashers hashers;
    unsigned shards_made;
    unsigned shards_running;
    int signals;
};

static void tell_failure(struct server *server, const char *text)
{
    journal_tell(&server->journal, EVENT_ERROR, "server.failed", field_text("text", text));
}

/* ---- Start: configuration and log ---- */

static bool load_config(struct server *server, struct findings *findings)
{
    struct config_request request = arguments_request(&server->arguments);

    return config_load(&server->config, &request, &findings->report) == 0 &&
            rulebook_read(&server->rulebook, server->config, NULL, &findings->report) == 0 &&
            credentials_read(&server->credentials, server->config, &findings->report) == 0;
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
    result = process_find_user(&server->user, name);
    if (result == -ENOENT && strcmp(name, "mosquitto") == 0) {
        journal_tell(&server->journal, EVENT_WARN, "server.user_missing", field_text("user", name),
                field_text("text", "there is no such user; running as nobody instead"));
        result = process_find_user(&server->user, "nobody");
    }
    if (result == 0)
        return true;
    journal_tell(&server->journal, EVENT_ERROR, "server.user_missing", field_text("user", name),
            field_text("text",
                    "cannot drop privileges to a user that does not exist;"
                    " create it or name another one with `user`"));
    return false;
}

/* A reload opens files again, without the privileges that they were first read with. */
static void check_access(struct server *server)
{
    struct findings *findings = malloc(sizeof(*findings));

    if (!findings)
        return;
    findings_init(findings);
    rulebook_check_access(server->rulebook, &findings->report);
    credentials_check_access(server->config, &findings->report);
    findings_tell(findings, &server->journal);
    findings_deinit(findings);
    free(findings);
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
    result = process_become(&server->user);
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

/* In local-only mode one of the two loopback addresses is enough: a machine may have no IPv6. */
static bool open_entrances(struct server *server)
{
    const struct config *config = server->config;
    struct shard_group *group = &server->group;
    bool any = false;

    group->entrances = calloc(config->listener_count, sizeof(*group->entrances));
    if (!group->entrances)
        return false;
    group->entrance_count = config->listener_count;
    for (unsigned i = 0; i < config->listener_count; i++) {
        int result =
                entrance_open(&group->entrances[i], config, i, group->count > 1, &server->journal);

        any |= result == 0;
        if (result == -EADDRINUSE || result == -EACCES || (result < 0 && !config->local_only))
            return false;
    }
    return any;
}

/* ---- Start: hub and shards ---- */

static unsigned shard_count(const struct config *config)
{
    unsigned wanted = config->threads > 0 ? config->threads : (unsigned)cpu_count();

    return wanted < SHARDS_MAX ? wanted : SHARDS_MAX;
}

static bool make_hub(struct server *server)
{
    struct hub_setup setup = {
        .shards = server->group.count,
        .mailbox_slots = MAILBOX_SLOTS_DEFAULT,
        .locks = mutexes(server->group.count),
        .retained_max = server->config->core.retained_max,
    };

    budget_init(&server->budget, (int64_t)server->config->memory_limit_bytes);
    budget_share_init(&server->hub_share, &server->budget);
    setup.memory = budget_shared_memory(&server->hub_share);
    if (process_random(&setup.key, sizeof(setup.key)) < 0)
        return false;
    server->group.hub = hub_new(&setup);
    server->group.hub_share = &server->hub_share;
    server->group.budget = &server->budget;
    server->group.log = server->log;
    server->group.rulebook = server->rulebook;
    server->group.hashers = &server->hashers;
    server->group.credentials = server->credentials;
    return server->group.hub != NULL;
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

static bool start_shards(struct server *server)
{
    for (unsigned i = 0; i < server->group.count; i++) {
        if (shard_start(&server->group.shards[i]) < 0)
            return false;
        server->shards_running++;
    }
    return true;
}

/* ---- While it runs ---- */

/* What a reload has read, all of it or nothing. */
struct renewal {
    struct config *config; /* NULL: something cannot be used */
    struct rulebook *rulebook;
    struct credentials *credentials;
    int changes;
};

/* Every shard takes what is new on its own thread; then nobody reads the old. */
static void swap_config(struct server *server, const struct renewal *next)
{
    struct shard_group *group = &server->group;

    group->rulebook = next->rulebook;
    group->credentials = next->credentials;
    budget_limit(&server->budget, (int64_t)next->config->memory_limit_bytes);
    for (unsigned i = 0; i < group->count; i++)
        shard_configure(&group->shards[i], next->config);
    for (unsigned i = 0; i < group->count; i++) {
        while (sem_wait(&group->taken) < 0 && errno == EINTR)
            continue;
    }
    config_free(server->config);
    server->config = next->config;
    rulebook_free(server->rulebook);
    server->rulebook = next->rulebook;
    credentials_free(server->credentials);
    server->credentials = next->credentials;
}

static void tell_log_failure(struct server *server, int result)
{
    if (result < 0)
        journal_tell(
                &server->journal, EVENT_ERROR, "log.failed", field_text("text", strerror(-result)));
}

static struct renewal read_again(struct server *server, struct report *report)
{
    struct config_request request = arguments_request(&server->arguments);
    struct renewal renewal = { 0 };

    if (config_load(&renewal.config, &request, report) < 0)
        return renewal;
    renewal.changes = config_reload(renewal.config, server->config, report);
    if (renewal.changes >= 0 &&
            rulebook_read(&renewal.rulebook, renewal.config, NULL, report) == 0 &&
            credentials_read(&renewal.credentials, renewal.config, report) == 0)
        return renewal;
    rulebook_free(renewal.rulebook);
    config_free(renewal.config);
    return (struct renewal){ 0 };
}

static void reload(struct server *server)
{
    const char *file = server->arguments.config_file;
    struct findings *findings = malloc(sizeof(*findings));
    struct renewal renewal;

    if (!findings)
        return;
    findings_init(findings);
    journal_tell(&server->journal, EVENT_INFO, "config.reloading",
            field_text("file", file ? file : "-"));
    renewal = read_again(server, &findings->report);
    findings_tell(findings, &server->journal);
    if (renewal.config) {
        tell_log_failure(server, log_apply(server->log, &renewal.config->log));
        server->journal.level = log_level(&renewal.config->log);
        swap_config(server, &renewal);
        journal_tell(&server->journal, EVENT_INFO, "config.reloaded",
                field_number("changes", renewal.changes));
    } else {
        tell_log_failure(server, log_reopen(server->log));
        journal_tell(&server->journal, EVENT_ERROR, "config.kept",
                field_text("text", "a file cannot be used; nothing is changed"));
    }
    findings_deinit(findings);
    free(findings);
}

/* Does what signals ask for until one asks to stop. */
static void serve_signals(struct server *server)
{
    struct pollfd waiting = { .fd = server->signals, .events = POLLIN };

    for (;;) {
        int signal = signals_take(server->signals);

        if (signal == 0)
            poll(&waiting, 1, -1);
        else if (signal == SIGHUP)
            reload(server);
        else if (signal == SIGRTMIN)
            tell_log_failure(server, log_reopen(server->log));
        else if (signal == SIGTERM || signal == SIGINT || signal < 0)
            return;
    }
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

    stop_shards(server);
    hashers_stop(&server->hashers);
    for (unsigned i = 0; i < server->shards_made; i++)
        shard_close_parcels(first_made(server) + i);
    for (unsigned i = 0; i < server->shards_made; i++)
        shard_deinit(first_made(server) + i);
    free(group->shards);
    hashers_deinit(&server->hashers);
    if (group->hub)
        hub_free(group->hub);
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
    server->group.count = shard_count(server->config);
    hashers_init(&server->hashers);
    /* Signals first: whoever sees the server listen may send one, and it is not to die of it. */
    server->signals = signals_open();
    if (server->signals < 0 || sem_init(&server->group.taken, 0, 0) < 0) {
        tell_failure(server, "the system gives no signals or no semaphore");
        return false;
    }
    if (!find_user(server) || !open_entrances(server))
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

static enum server_status serve(struct server *server)
{
    int result = prepare(server) ? detach(server) : -1;

    if (result != 0)
        return result == 1 ? SERVER_OK : SERVER_FAILED;
    if (!drop_privileges(server))
        return SERVER_FAILED;
    if (!start_hashers(server) || !start_shards(server)) {
        tell_failure(server, "the system gives no thread");
        return SERVER_FAILED;
    }
    server->journal = log_source_journal(&server->source, server->journal.level);
    journal_tell(&server->journal, EVENT_INFO, "server.running",
            field_text("version", NIGHTJAR_VERSION), field_number("threads", server->group.count));
    serve_signals(server);
    stop_shards(server);
    if (server->config->pid_file[0] != '\0')
        unlink(server->config->pid_file);
    journal_tell(&server->journal, EVENT_INFO, "server.stopped",
            field_text("version", NIGHTJAR_VERSION));
    return SERVER_OK;
}

static enum server_status run_with_log(struct server *server, struct findings *findings)
{
    enum server_status status;

    if (open_log(server) < 0)
        return SERVER_FAILED;
    tell_start(server);
    findings_tell(findings, &server->journal);
    findings_deinit(findings);
    status = serve(server);
    close_server(server);
    log_source_deinit(&server->source);
    log_close(server->log);
    return status;
}

static enum server_status test_config(const struct server *server, const struct findings *findings)
{
    findings_print(findings);
    config_dump(server->config, stdout);
    return SERVER_OK;
}

static enum server_status run(struct server *server)
{
    struct findings findings;
    enum server_status status = SERVER_BAD_CONFIG;

    findings_init(&findings);
    if (!load_config(server, &findings))
        findings_print(&findings);
    else if (server->arguments.action == ARGUMENTS_TEST_CONFIG)
        status = test_config(server, &findings);
    else
        status = run_with_log(server, &findings);
    findings_deinit(&findings);
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
