/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/steering.h"

#include "broker/admin/control_place.h"
#include "broker/commands.h"
#include "broker/renewal.h"
#include "broker/state.h"
#include "broker/turn.h"
#include "loop/clock.h"
#include "loop/signals.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0755,
    OWN_WAITS = 3, /* what the server's thread waits for besides the control socket */
};

/* ---- The control socket ---- */

static int open_control(struct server *server, const char *path)
{
    const struct control_setup setup = { .path = path,
        .starter = server->starter,
        .commands = commands_of(server),
        .journal = &server->journal };
    int result = control_open(&server->control, &setup);

    if (result < 0)
        return result;
    if (server->user.name)
        result = control_give_file(server->control, server->user.user, server->user.group);
    journal_tell(&server->journal, EVENT_INFO, "control.opened", field_text("path", path));
    return result;
}

/* Makes the folder that a usual place lies in; one that is there stays as it is. */
static void make_folder(const struct server *server, const char *path)
{
    char folder[CONTROL_PATH_MAX + 1] = "";

    memcpy(folder, path, (size_t)(strrchr(path, '/') - path));
    /* Where one of the two fails, opening the socket tells, or its end leaves it behind. */
    if (mkdir(folder, FOLDER_MODE) == 0 && server->user.name &&
            lchown(folder, server->user.user, server->user.group) < 0)
        return;
}

static void open_usual_control(struct server *server)
{
    bool taken = false;
    char path[CONTROL_PATH_MAX + 1];

    for (unsigned i = 0; i < CONTROL_PLACES && !server->control; i++) {
        if (!control_place(i, path))
            continue;
        make_folder(server, path);
        taken |= open_control(server, path) == -EADDRINUSE;
    }
    if (!server->control && taken)
        journal_tell(&server->journal, EVENT_INFO, "control.taken",
                field_text("text",
                        "another server has the usual control socket, so this one has none; "
                        "give it one with control_socket"));
    else if (!server->control)
        journal_tell(&server->journal, EVENT_INFO, "control.nowhere",
                field_text("text",
                        "the control socket can be at none of the usual places, so nightjar ctl "
                        "does not reach this server; name a place with control_socket"));
}

static int open_named_control(struct server *server, const char *path)
{
    int result = open_control(server, path);

    if (result < 0)
        journal_tell(&server->journal, EVENT_ERROR, "control.failed", field_text("path", path),
                field_text("text",
                        result == -EADDRINUSE
                                ? "another server has it; stop that one, or give this one its own "
                                  "with control_socket"
                                : strerror(-result)));
    return result;
}

int steering_open(struct server *server)
{
    const char *path = server->config->control_socket;
    const struct notify_wishes wishes = notify_wishes();
    int result = notify_open(&server->notify, &wishes);

    if (result < 0)
        journal_tell(&server->journal, EVENT_WARN, "notify.failed",
                field_text("socket", wishes.socket), field_text("text", strerror(-result)));
    if (strcmp(path, "none") == 0)
        return 0;
    if (path[0] != '\0')
        return open_named_control(server, path);
    open_usual_control(server);
    return 0;
}

void steering_close(struct server *server)
{
    control_close(server->control);
    server->control = NULL;
    notify_close(&server->notify);
}

/* ---- Signs of life ---- */

static void ask(void *context, unsigned shard, struct errand *errand)
{
    struct server *server = context;

    shard_ask(&server->group.shards[shard], errand);
}

/* Where a shard hangs nothing is sent, and the service manager does what it was told to do. */
static void beat(struct server *server, int64_t now_ms)
{
    int missing;

    if (now_ms < server->heartbeat.due_ms)
        return;
    missing = heartbeat_beat(&server->heartbeat, now_ms, ask, server);
    if (missing == HEARTBEAT_ALL_WELL)
        notify_beat(&server->notify);
    else
        journal_tell(&server->journal, EVENT_ERROR, "shard.hangs", field_number("shard", missing),
                field_number("period_ms", server->heartbeat.period_ms));
}

static void tell_ready(struct server *server)
{
    const struct notify_wishes wishes = notify_wishes();
    int64_t watchdog_ms = server->notify.fd >= 0 ? notify_watchdog_ms(&wishes, getpid()) : 0;

    server->started_ms = clock_now_ms();
    heartbeat_init(&server->heartbeat, server->group.count, watchdog_ms / 2, server->started_ms);
    notify_send(&server->notify, "READY=1\nMAINPID=%ld\nSTATUS=Serving", (long)getpid());
}

void steering_stop(struct server *server)
{
    notify_send(&server->notify, "STOPPING=1\nSTATUS=Stopping");
    control_close(server->control);
    server->control = NULL;
}

/* ---- Signals ---- */

static void reload(struct server *server)
{
    struct findings *findings = findings_new();

    if (findings && renewal_apply(server, findings) < 0)
        findings_free(findings);
}

static void save(struct server *server)
{
    if (persistence_checkpoint(&server->persistence))
        journal_tell(&server->journal, EVENT_INFO, "store.checkpoint",
                field_text("text",
                        "what is in the log goes to the archive; nothing has waited for that"));
    else
        journal_tell(&server->journal, EVENT_INFO, "store.nothing",
                field_text("text", "there is nothing to save: persistence is false"));
}

/* Obeys a signal. False: it asks to stop. */
static bool obey(struct server *server, int signal)
{
    if (signal == SIGHUP)
        reload(server);
    else if (signal == SIGUSR1)
        save(server);
    else if (signal == SIGUSR2)
        dump_start(&server->dump, clock_now_ms());
    else if (signal == SIGRTMIN)
        log_tell_failure(log_reopen(server->log), &server->config->log, &server->journal);
    return signal != SIGTERM && signal != SIGINT && signal >= 0;
}

/* ---- The log as messages ---- */

/* The lines of this thread, which a shard is to publish. */
struct lines {
    struct awaited_errand awaited;
    struct log_source *source;
};

static enum errand_state announce(struct errand *errand, struct shard *shard)
{
    struct awaited_errand *awaited = container_of(errand, struct awaited_errand, errand);

    turn_announce(shard, container_of(awaited, struct lines, awaited)->source);
    return ERRAND_DONE;
}

static void announce_lines(struct server *server)
{
    struct lines lines = { .source = &server->source };

    if (server->source.pending_size == 0 || awaited_errand_init(&lines.awaited, announce) < 0)
        return;
    shard_ask(&server->group.shards[0], &lines.awaited.errand);
    awaited_errand_wait(&lines.awaited);
    awaited_errand_deinit(&lines.awaited);
}

/* ---- Serving ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int timeout_ms(const struct server *server)
{
    int64_t due_ms = earlier(control_due_ms(server->control),
            earlier(server->heartbeat.due_ms, dump_due_ms(&server->dump)));
    int64_t left_ms;

    due_ms = earlier(due_ms, lookout_due_ms(&server->lookout));
    due_ms = earlier(due_ms, persistence_due_ms(&server->persistence));
    if (server->notify.waiting_count > 0)
        due_ms = earlier(due_ms, clock_now_ms() + NOTIFY_AGAIN_MS);
    if (due_ms == INT64_MAX)
        return -1;
    left_ms = due_ms - clock_now_ms();
    return left_ms <= 0 ? 0 : (int)earlier(left_ms, INT_MAX);
}

void steering_serve(struct server *server)
{
    struct pollfd waits[OWN_WAITS + CONTROL_WAITS_MAX];
    int signal = 0;

    tell_ready(server);
    while (obey(server, signal)) {
        size_t count = control_waits(server->control, waits + OWN_WAITS);
        int64_t now_ms;

        announce_lines(server);
        waits[0] = (struct pollfd){ .fd = server->signals, .events = POLLIN };
        waits[1] = (struct pollfd){ .fd = server->lookout.fd, .events = POLLIN };
        waits[2] = (struct pollfd){ .fd = persistence_fd(&server->persistence), .events = POLLIN };
        if (poll(waits, (nfds_t)count + OWN_WAITS, timeout_ms(server)) < 0)
            count = 0; /* What it would have said is not known. */
        now_ms = clock_now_ms();
        control_serve(server->control, waits + OWN_WAITS, count, now_ms);
        persistence_watch(&server->persistence, now_ms);
        beat(server, now_ms);
        notify_go_on(&server->notify);
        dump_go_on(&server->dump, &server->group, &server->journal, now_ms);
        renewal_look(server, now_ms);
        signal = signals_take(server->signals);
    }
}
