/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program with a file for messages is killed at each of its system calls in turn, and run again
 * until all is done. The linker puts the functions below in the place of the calls by which
 * the program changes anything outside itself, or learns of it. How many packets a call takes
 * depends on how fast both sides are, so calls are counted by their kind: each kind is met then,
 * however the machine is loaded.
 */
#include "nightjar/link.h"
#include "tests/harness/frail_server.h"
#include "tests/harness/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MESSAGES = 8,
    PAYLOAD_SIZE = 12000, /* so that the file is written anew */
    PATIENCE_MS = 60000
};

/* Where the program dies. */
enum place {
    BEFORE_WRITEV,
    WITHIN_WRITEV, /* a part of it was written */
    BEFORE_SEND,
    BEHIND_SEND,
    BEHIND_RECV,
    BEFORE_RENAME,
    BEFORE_FTRUNCATE,
    BEFORE_WORK, /* on a message that its callback was given */
    BEHIND_WORK,
    PLACES
};

struct counter {
    unsigned passed; /* times that it has come to the place */
    enum place place;
    unsigned kill_at; /* at the n-th time; 0: never */
};

static struct counter *counter(void)
{
    static struct counter only;

    return &only;
}

static bool is_last(enum place place)
{
    return place == counter()->place && ++counter()->passed == counter()->kill_at;
}

static void may_die(enum place place)
{
    if (is_last(place))
        raise(SIGKILL);
}

static void note(const char *path, const char *text)
{
    char line[FRAIL_TEXT_SIZE + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int size = snprintf(line, sizeof(line), "%s\n", text);

    if (fd < 0 || write(fd, line, (size_t)size) != size)
        abort();
    close(fd);
}

ssize_t __real_writev(int fd, const struct iovec *pieces, int count);
ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_ftruncate64(int fd, off_t size); /* so the C library calls it where off_t is large */
int __wrap_ftruncate64(int fd, off_t size);

/* A write may be cut by the kill too: half of a record is then in the file. */
ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count)
{
    may_die(BEFORE_WRITEV);
    if (is_last(WITHIN_WRITEV)) {
        __real_writev(fd, pieces, 1);
        raise(SIGKILL);
    }
    return __real_writev(fd, pieces, count);
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
    ssize_t result;

    may_die(BEFORE_SEND);
    result = __real_send(fd, data, size, flags);
    may_die(BEHIND_SEND);
    return result;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t result;

    may_die(BEFORE_SEND);
    result = __real_sendmsg(fd, message, flags);
    may_die(BEHIND_SEND);
    return result;
}

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags)
{
    ssize_t result = __real_recv(fd, data, size, flags);

    may_die(BEHIND_RECV);
    return result;
}

int __wrap_rename(const char *from, const char *to)
{
    may_die(BEFORE_RENAME);
    return __real_rename(from, to);
}

int __wrap_ftruncate64(int fd, off_t size)
{
    may_die(BEFORE_FTRUNCATE);
    return __real_ftruncate64(fd, size);
}

/* ---- The program ---- */

/* What program and test agree on: files of the program's own, written without the calls above. */
struct program {
    char folder[64];
    char file[96];
    char accepted[96]; /* a line for each message that nj_link_send() has taken */
    char received[96]; /* a line for each message that a callback was given, when it returned */
    char done[96];     /* there when all messages of a run were acknowledged */
    char url[64];
    enum nj_version version;
};

static unsigned count_lines(const char *path, const char *text)
{
    FILE *file = fopen(path, "r");
    char line[FRAIL_TEXT_SIZE + 2];
    unsigned count = 0;

    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        count += text == NULL || strcmp(line, text) == 0;
    }
    if (file)
        fclose(file);
    return count;
}

static void take_message(struct nj_link *link, void *context, const struct nj_message *message)
{
    const struct program *program = context;
    char text[FRAIL_TEXT_SIZE];

    (void)link;
    snprintf(text, sizeof(text), "%.*s", (int)message->payload.size,
            (const char *)message->payload.data);
    may_die(BEFORE_WORK);
    note(program->received, text);
    may_die(BEHIND_WORK);
}

/* Sends what was not accepted yet, each with a text that no other run gives, and runs on until it
 * has nothing more to do for a while. */
static void run_program(const struct program *program, unsigned run)
{
    struct nj_link_options options = {
        .url = program->url,
        .version = program->version,
        .client_id = "c",
        .session_expiry_s = 100,
        .retry_min_ms = 1,
        .retry_max_ms = 2,
        .file = program->file,
        .callbacks.message = take_message,
    };
    struct nj_link *link;
    char payload[PAYLOAD_SIZE] = "";

    options.context = (void *)(uintptr_t)program;
    link = nj_link_new(&options);
    for (unsigned i = count_lines(program->accepted, NULL); i < MESSAGES; i++) {
        struct nj_message message = { .topic = nj_text("topic"), .qos = (uint8_t)(1 + i % 2) };

        snprintf(payload, FRAIL_TEXT_SIZE, "%u of run %u, QoS %u", i, run, message.qos);
        message.payload = nj_bytes_of(payload, sizeof(payload));
        if (nj_link_send(link, &message, i) != NJ_OK) {
            fprintf(stderr, "%s\n", nj_link_failure(link));
            abort();
        }
        note(program->accepted, payload);
    }
    while (nj_link_pending(link) > 0)
        nj_link_run_once(link, NJ_FOREVER);
    note(program->done, "done");
    for (;;)
        nj_link_run_once(link, NJ_FOREVER);
}

/* ---- The test ---- */

static pid_t start_program(
        const struct program *program, unsigned run, enum place place, unsigned kill_at)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    *counter() = (struct counter){ .place = place, .kill_at = kill_at };
    run_program(program, run);
    _exit(1);
}

static void make_program(
        struct program *program, const struct frail_server *server, enum nj_version version)
{
    program->version = version;
    snprintf(program->folder, sizeof(program->folder), "/tmp/nightjar-link-XXXXXX");
    assert_non_null(mkdtemp(program->folder));
    snprintf(program->file, sizeof(program->file), "%s/messages", program->folder);
    snprintf(program->accepted, sizeof(program->accepted), "%s/accepted", program->folder);
    snprintf(program->received, sizeof(program->received), "%s/received", program->folder);
    snprintf(program->done, sizeof(program->done), "%s/done", program->folder);
    snprintf(program->url, sizeof(program->url), "mqtt://127.0.0.1:%u", server->port);
}

static void remove_program(const struct program *program)
{
    char fresh[128];

    snprintf(fresh, sizeof(fresh), "%s.new", program->file);
    unlink(fresh);
    unlink(program->file);
    unlink(program->accepted);
    unlink(program->received);
    unlink(program->done);
    rmdir(program->folder);
}

static bool is_complete(const struct program *program, const struct frail_server *server)
{
    FILE *file = fopen(program->accepted, "r");
    char line[FRAIL_TEXT_SIZE + 2];
    unsigned there = 0;

    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        there += frail_server_taken(server, line) > 0;
    }
    if (file)
        fclose(file);
    return there == MESSAGES && count_lines(program->received, NULL) >= 3 &&
            count_lines(program->done, NULL) > 0 && frail_server_is_even(server);
}

/* Serves until all is done, or the program was killed where it was to be. */
static bool serve(const struct program *program, struct frail_server *server, pid_t pid)
{
    int status;

    for (unsigned turns = 0; turns < PATIENCE_MS; turns++) {
        frail_server_turn(server, 1);
        if (waitpid(pid, &status, WNOHANG) == pid) {
            assert_true(WIFSIGNALED(status));
            assert_int_equal(WTERMSIG(status), SIGKILL);
            return false;
        }
        if (is_complete(program, server)) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
            return true;
        }
    }
    kill(pid, SIGKILL);
    fail();
    return false;
}

/*
 * The program may be given a message of QoS 2 twice where it dies after its callback has done its
 * work, up to the end of the write that says so.
 */
static bool may_repeat(enum place place)
{
    return place == BEHIND_WORK || place == BEFORE_WRITEV || place == WITHIN_WRITEV;
}

/* Kills the first run there, at the n-th time. Returns false when it came to its end without. */
static bool survive(enum nj_version version, enum place place, unsigned kill_at)
{
    struct frail_server server;
    struct program program;
    bool killed;

    frail_server_open(&server);
    make_program(&program, &server, version);
    frail_server_give(&server, "down 1", 1);
    frail_server_give(&server, "down 2", 2);
    frail_server_give(&server, "down 3", 1);
    killed = !serve(&program, &server, start_program(&program, 1, place, kill_at));
    if (killed)
        assert_true(serve(&program, &server, start_program(&program, 2, place, 0)));
    for (size_t i = 0; i < server.taken_count; i++) {
        if (strstr(server.taken[i].text, "QoS 2"))
            assert_int_equal(server.taken[i].count, 1);
    }
    assert_in_range(count_lines(program.received, "down 1"), 1, 2);
    assert_in_range(count_lines(program.received, "down 3"), 1, 2);
    assert_in_range(count_lines(program.received, "down 2"), 1, may_repeat(place) ? 2 : 1);
    remove_program(&program);
    frail_server_close(&server);
    return killed;
}

static void survive_everywhere(enum nj_version version)
{
    /* So often a whole run comes there at least, whatever was gathered into one call. */
    static const unsigned least[PLACES] = {
        [BEFORE_WRITEV] = 2 + MESSAGES, /* signature, client id, messages */
        [WITHIN_WRITEV] = 2 + MESSAGES,
        [BEFORE_SEND] = 3, /* CONNECT, PUBLISH, PUBREL */
        [BEHIND_SEND] = 3,
        [BEHIND_RECV] = 3, /* what answers these */
        [BEFORE_RENAME] = 1,
        [BEFORE_FTRUNCATE] = 2, /* a new file, twice */
        [BEFORE_WORK] = 3,
        [BEHIND_WORK] = 3,
    };

    for (unsigned place = 0; place < PLACES; place++) {
        unsigned kill_at = 1;

        while (survive(version, (enum place)place, kill_at))
            kill_at++;
        assert_true(kill_at > least[place]);
    }
}

TEST(nothing_is_lost_where_the_program_is_killed_at_any_call)
{
    survive_everywhere(NJ_MQTT_5_0);
    survive_everywhere(NJ_MQTT_3_1_1);
}
