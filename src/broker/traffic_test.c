/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/traffic.h"
#include "broker/log_line.h"
#include "broker/mutexes.h"
#include "broker/turn.h"
#include "tests/harness/test.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS_MAX = 100 };

#define CONNECT                                                                                    \
    "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"                                                 \
    "a"
#define CONNACK "\x20\x02\x00\x00"

/* A stack of streams whose layers do what the test says, on a socket that the poll knows. */
struct stack {
    struct stream stream;
    int fd;
    int peer;            /* the socket's other end */
    struct bytes inside; /* what reads give, of which the socket knows nothing */
    size_t read_max;
    unsigned read_waits; /* where nothing is to be read */
    unsigned write_waits;
    unsigned reads_refused; /* so many reads give -EAGAIN */
    unsigned writes_refused;
    unsigned shutdowns_refused;
    int end; /* what reads give once all is read; 0: the peer's end */
    const char *failure;
    uint8_t written[256];
    size_t written_size;
    bool shut;
    bool closed;
};

static struct stack *stack_of(struct stream *stream)
{
    return (struct stack *)stream;
}

static int stack_read(struct stream *stream, void *buffer, size_t size)
{
    struct stack *stack = stack_of(stream);
    size_t taken = stack->inside.size < stack->read_max ? stack->inside.size : stack->read_max;

    assert(taken <= size);
    if (stack->reads_refused > 0) {
        stack->reads_refused--;
        return -EAGAIN;
    }
    stack->read_waits = STREAM_IN;
    if (taken == 0)
        return stack->end;
    memcpy(buffer, stack->inside.data, taken);
    stack->inside = bytes_from(stack->inside, taken);
    return (int)taken;
}

static int stack_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    struct stack *stack = stack_of(stream);
    size_t before = stack->written_size;

    if (stack->writes_refused > 0) {
        stack->writes_refused--;
        return -EAGAIN;
    }
    stack->write_waits = STREAM_OUT;
    for (size_t i = 0; i < count; i++) {
        memcpy(stack->written + stack->written_size, pieces[i].iov_base, pieces[i].iov_len);
        stack->written_size += pieces[i].iov_len;
    }
    return (int)(stack->written_size - before);
}

static int stack_shutdown(struct stream *stream)
{
    struct stack *stack = stack_of(stream);

    if (stack->shutdowns_refused > 0) {
        stack->shutdowns_refused--;
        return -EAGAIN;
    }
    stack->shut = true;
    return 0;
}

static void stack_hasten(struct stream *stream)
{
    (void)stream;
}

static void stack_close(struct stream *stream, enum stream_end end)
{
    (void)end;
    stack_of(stream)->closed = true;
}

static unsigned stack_waits(const struct stream *stream, unsigned wanted)
{
    const struct stack *stack = (const struct stack *)stream;
    bool ready = stack->inside.size > 0 && stack->reads_refused == 0;

    return (wanted & STREAM_IN ? stack->read_waits | (ready ? STREAM_READY : 0u) : 0u) |
            (wanted & STREAM_OUT ? stack->write_waits : 0u);
}

static int stack_fd(const struct stream *stream)
{
    return ((const struct stack *)stream)->fd;
}

static const char *stack_failure(const struct stream *stream)
{
    return ((const struct stack *)stream)->failure;
}

static void stack_peer(const struct stream *stream, struct stream_peer *out)
{
    (void)stream;
    *out = (struct stream_peer){ .preliminary = false };
}

static void stack_open(struct stack *stack)
{
    static const struct stream_functions functions = {
        .read = stack_read,
        .write = stack_write,
        .shutdown = stack_shutdown,
        .hasten = stack_hasten,
        .close = stack_close,
        .waits = stack_waits,
        .fd = stack_fd,
        .failure = stack_failure,
        .peer = stack_peer,
    };
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *stack = (struct stack){
        .stream.functions = &functions,
        .fd = fds[0],
        .peer = fds[1],
        .read_max = SIZE_MAX,
        .read_waits = STREAM_IN,
        .write_waits = STREAM_OUT,
        .end = -EAGAIN,
    };
}

/* The socket can be read from now on. */
static void make_readable(struct stack *stack)
{
    assert_int_equal(write(stack->peer, "x", 1), 1);
}

/* ---- A shard without doors ---- */

struct fixture {
    struct shard *shard;
    struct config *config;
    struct rulebook *rulebook;
    struct credentials *credentials;
    struct budget budget;
    struct budget_share hub_share;
    struct entrance entrance;
    struct shard_group group;
    char log_file[32];
    struct stack stack;
    struct link *link; /* the stack's; gone once that is closed */
};

static void read_config(struct fixture *f)
{
    struct config_request request = { .file = NULL };
    struct report report = { .tell = NULL };

    assert_int_equal(config_load(&f->config, &request, &report), 0);
    assert_int_equal(rulebook_read(&f->rulebook, f->config, NULL, &report), 0);
    assert_int_equal(credentials_read(&f->credentials, f->config, &report), 0);
    strcpy(f->log_file, "/tmp/traffic_test.XXXXXX");
    close(mkstemp(f->log_file));
    f->config->log.to.set = LOG_TO_FILE;
    strcpy(f->config->log.to.path, f->log_file);
}

static void make_shard(struct fixture *f)
{
    struct hub_setup hub = { .shards = 1, .mailbox_slots = 1, .locks = mutexes(1) };
    struct shard_setup setup = { .group = &f->group, .config = f->config };

    budget_init(&f->budget, 0);
    budget_share_init(&f->hub_share, &f->budget);
    hub.memory = budget_shared_memory(&f->hub_share);
    f->shard = aligned_alloc(64, sizeof(*f->shard));
    assert_non_null(f->shard);
    f->group = (struct shard_group){
        .count = 1,
        .shards = f->shard,
        .entrances = &f->entrance,
        .entrance_count = 1,
        .hub = hub_new(&hub),
        .budget = &f->budget,
        .hub_share = &f->hub_share,
        .rulebook = f->rulebook,
        .credentials = f->credentials,
    };
    assert_non_null(f->group.hub);
    assert_int_equal(log_open(&f->group.log, &f->config->log), 0);
    assert_int_equal(shard_init(f->shard, &setup), 0);
}

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){ 0 };
    read_config(f);
    make_shard(f);
    stack_open(&f->stack);
}

static void fixture_close(struct fixture *f)
{
    shard_deinit(f->shard);
    assert_true(f->stack.closed);
    close(f->stack.fd);
    close(f->stack.peer);
    hub_free(f->group.hub);
    log_close(f->group.log);
    unlink(f->log_file);
    credentials_free(f->credentials);
    rulebook_free(f->rulebook);
    config_free(f->config);
    free(f->shard);
}

static void admit(struct fixture *f)
{
    f->link = link_new(&f->shard->memory, &f->stack.stream, 0, f->shard->now_ms);
    assert_non_null(f->link);
    traffic_admit(f->shard, f->link, false);
}

static void run_until_written(struct fixture *f, struct bytes wanted)
{
    for (int i = 0; i < TURNS_MAX && f->stack.written_size < wanted.size; i++)
        turn_run(f->shard);
    assert_true(bytes_equal(bytes_of(f->stack.written, f->stack.written_size), wanted));
}

static void run_until_closed(struct fixture *f)
{
    for (int i = 0; i < TURNS_MAX && !f->stack.closed; i++)
        turn_run(f->shard);
    assert_true(f->stack.closed);
}

static bool log_has(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->log_file, "r");
    char line[LOG_LINE_MAX + 1];
    bool found = false;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        found |= strstr(line, text) != NULL;
    fclose(file);
    return found;
}

/* ---- What layers may do ---- */

TEST(bytes_inside_a_stack_are_read_though_the_poll_tells_nothing)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    f.stack.read_max = 4;
    admit(&f);
    run_until_written(&f, BYTES(CONNACK));
    assert_true(list_empty(&f.shard->unread));
    assert_int_equal(f.link->waits, POLL_READ);
    fixture_close(&f);
}

TEST(bytes_inside_are_not_read_while_core_does_not_want_any)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    admit(&f);
    f.link->held = true;
    turn_run(f.shard);
    assert_int_equal(f.stack.written_size, 0);
    assert_true(list_empty(&f.shard->unread));
    assert_int_equal(f.link->waits, 0);
    fixture_close(&f);
}

TEST(a_read_that_must_write_first_waits_for_room)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    f.stack.reads_refused = 2;
    f.stack.read_waits = STREAM_OUT;
    admit(&f);
    assert_int_equal(f.link->waits, POLL_WRITE);
    run_until_written(&f, BYTES(CONNACK));
    assert_int_equal(f.link->waits, POLL_READ);
    fixture_close(&f);
}

TEST(a_write_that_must_read_first_waits_for_bytes)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    f.stack.writes_refused = 1;
    f.stack.write_waits = STREAM_IN;
    admit(&f);
    for (int i = 0; i < TURNS_MAX && f.stack.writes_refused > 0; i++)
        turn_run(f.shard);
    assert_int_equal(f.link->wants, STREAM_IN | STREAM_OUT);
    assert_int_equal(f.link->waits, POLL_READ);
    make_readable(&f.stack);
    run_until_written(&f, BYTES(CONNACK));
    assert_int_equal(f.link->wants, STREAM_IN);
    fixture_close(&f);
}

TEST(an_end_that_finds_no_room_is_said_later)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES("\x10\x0c\x00\x04MQTT\x07\x02\x00\x3c\x00\x00");
    f.stack.shutdowns_refused = 3;
    admit(&f);
    for (int i = 0; i < TURNS_MAX && f.shard->lingering_count == 0; i++)
        turn_run(f.shard);
    assert_true(f.stack.shut);
    assert_true(f.stack.written_size > 0);
    assert_false(f.stack.closed);
    f.stack.end = 0;
    make_readable(&f.stack);
    run_until_closed(&f);
    assert_int_equal(f.shard->lingering_count, 0);
    fixture_close(&f);
}

TEST(a_layer_that_fails_says_why_in_the_log)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.failure = "the dog ate the certificate";
    f.stack.end = -EPROTO;
    admit(&f);
    make_readable(&f.stack);
    run_until_closed(&f);
    assert_true(log_has(&f, "info connection.failed"));
    assert_true(log_has(&f, "the dog ate the certificate"));
    fixture_close(&f);
}

TEST(an_end_without_a_failure_is_no_failure)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.end = 0;
    admit(&f);
    make_readable(&f.stack);
    run_until_closed(&f);
    assert_false(log_has(&f, "connection.failed"));
    fixture_close(&f);
}
