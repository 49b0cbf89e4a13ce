/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/traffic.h"
#include "broker/arrivals.h"
#include "broker/log_line.h"
#include "broker/mutexes.h"
#include "broker/review.h"
#include "broker/turn.h"
#include "loop/clock.h"
#include "tests/harness/test.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAUSE_MS = 60000, TURNS_MAX = 100 };

#define CONNECT                                                                                    \
    "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"                                                 \
    "a"
#define CONNACK "\x20\x02\x00\x00"

/* Without a clean session that takes a client id. */
#define NAMELESS "\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00"
#define REFUSAL "\x20\x02\x00\x02"

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
    int end;         /* what reads give once all is read; 0: the peer's end */
    int64_t read_ns; /* that a read takes at least, as one does that has a handshake to sign */
    const char *failure;
    const char *objection; /* to its peer, once there are other files of TLS */
    bool has_tls;
    unsigned judged;
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
    for (int64_t end_ns = clock_now_ns() + stack->read_ns; clock_now_ns() < end_ns;)
        continue;
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
    const struct stack *stack = (const struct stack *)stream;

    *out = (struct stream_peer){ .tls_version = "" };
    if (stack->has_tls)
        strcpy(out->tls_version, "TLSv1.3");
}

static const char *stack_objection(struct stream *stream, const struct tls_server *tls)
{
    (void)tls;
    stack_of(stream)->judged++;
    return stack_of(stream)->objection;
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
        .objection = stack_objection,
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
    struct persistence persistence; /* of none */
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
    assert_int_equal(credentials_read(&f->credentials, f->config, 1, &report), 0);
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
        .persistence = &f->persistence,
        .rulebook = f->rulebook,
        .credentials = f->credentials,
        .guard = guard_new(&(struct hash_key){ { 1, 2 } }),
    };
    assert_non_null(f->group.hub);
    assert_non_null(f->group.guard);
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
    guard_free(f->group.guard);
    log_close(f->group.log);
    unlink(f->log_file);
    credentials_free(f->credentials);
    rulebook_free(f->rulebook);
    config_free(f->config);
    free(f->shard);
}

/* As if it had been accepted so long ago. */
static void admit_late(struct fixture *f, int64_t late_ms, bool moved)
{
    f->link = link_new(&f->shard->memory, &f->stack.stream, 0, f->shard->now_ms - late_ms);
    assert_non_null(f->link);
    traffic_admit(f->shard, f->link, moved);
}

static void admit(struct fixture *f)
{
    admit_late(f, 0, false);
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

TEST(what_a_layer_says_as_it_gives_up_may_still_be_read)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.failure = "this is no HTTP request";
    f.stack.end = -EPROTO;
    admit(&f);
    make_readable(&f.stack);
    for (int i = 0; i < TURNS_MAX && f.shard->lingering_count == 0; i++)
        turn_run(f.shard);
    assert_true(f.stack.shut);
    assert_false(f.stack.closed);
    assert_null(f.link->connection);
    f.link->moment_ms += PAUSE_MS; /* its time to linger is not over, however long this takes */
    f.stack.end = -EAGAIN;         /* what comes is thrown away, until the peer ends */
    make_readable(&f.stack);
    turn_run(f.shard);
    assert_false(f.stack.closed);
    f.stack.end = 0;
    make_readable(&f.stack);
    run_until_closed(&f);
    assert_int_equal(f.shard->lingering_count, 0);
    fixture_close(&f);
}

TEST(a_layer_that_fails_otherwise_is_closed_at_once)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.end = -ECONNRESET;
    admit(&f);
    make_readable(&f.stack);
    run_until_closed(&f);
    assert_false(f.stack.shut);
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

/* ---- In their turn ---- */

TEST(a_newcomers_bytes_inside_wait_for_its_turn)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    f.stack.read_max = 1;
    admit(&f);
    assert_false(list_empty(&f.shard->unread));
    traffic_read_unread(f.shard);
    assert_int_equal(f.stack.inside.size, BYTES(CONNECT).size);
    assert_true(list_empty(&f.shard->unread));
    assert_true(traffic_serve_newcomer(f.shard));
    assert_int_equal(f.stack.inside.size, BYTES(CONNECT).size - 1);
    run_until_written(&f, BYTES(CONNACK));
    fixture_close(&f);
}

/* A server that stood still hears them before it judges them. */
TEST(who_has_said_connect_is_not_too_late)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    admit_late(&f, f.config->core.connect_timeout_ms + 1, false);
    run_until_written(&f, BYTES(CONNACK));
    fixture_close(&f);
}

TEST(who_is_refused_before_the_server_stands_still_is_told)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(NAMELESS);
    f.shard->now_ms -= PAUSE_MS;
    admit(&f);
    traffic_read_unread(f.shard);
    assert_true(traffic_serve_newcomer(f.shard));
    run_until_written(&f, BYTES(REFUSAL));
    fixture_close(&f);
}

TEST(who_has_said_half_of_it_is_too_late)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = bytes_first(BYTES(CONNECT), 5);
    admit_late(&f, f.config->core.connect_timeout_ms + 1, false);
    turn_run(f.shard);
    assert_true(f.stack.closed);
    assert_int_equal(f.stack.inside.size, 0);
    assert_true(log_has(&f, "connect_timeout"));
    fixture_close(&f);
}

TEST(one_that_has_moved_and_cannot_stay_gives_up_its_place)
{
    struct fixture f;
    struct arrival arrival;
    enum mqtt_reason refusal;
    int file;

    fixture_open(&f);
    f.config->core.global_max_connections = 1;
    arrival = (struct arrival){
        .link = &f, .listener = &f.shard->listeners[0], .accepted_ms = f.shard->now_ms
    };
    assert_non_null(core_accept(f.shard->core, &arrival, f.shard->now_ms, &refusal));
    assert_null(core_accept(f.shard->core, &arrival, f.shard->now_ms, &refusal));
    /* That is where it has come in. Here no poll takes it, as it is a file now. */
    file = open(f.log_file, O_RDONLY);
    assert_int_equal(dup2(file, f.stack.fd), f.stack.fd);
    close(file);
    admit_late(&f, 0, true);
    assert_true(f.stack.closed);
    assert_non_null(core_accept(f.shard->core, &arrival, f.shard->now_ms, &refusal));
    fixture_close(&f);
}

/* However many newcomers there are, those who are in wait for one dear step and no more. */
TEST(a_dear_step_of_a_newcomer_is_the_last_of_its_turn)
{
    enum { NEWCOMERS = 5 };
    static struct stack newcomers[NEWCOMERS];
    struct fixture f;

    fixture_open(&f);
    admit(&f);
    for (size_t i = 0; i < NEWCOMERS; i++) {
        stack_open(&newcomers[i]);
        newcomers[i].read_ns = 1000000;
        make_readable(&newcomers[i]);
        traffic_admit(f.shard, link_new(&f.shard->memory, &newcomers[i].stream, 0, f.shard->now_ms),
                false);
        newcomers[i].end = 0;
    }
    for (size_t turn = 1; turn <= NEWCOMERS; turn++) {
        size_t served = 0;

        turn_run(f.shard);
        for (size_t i = 0; i < NEWCOMERS; i++)
            served += newcomers[i].closed;
        assert_int_equal(served, turn);
    }
    fixture_close(&f);
    for (size_t i = 0; i < NEWCOMERS; i++) {
        close(newcomers[i].fd);
        close(newcomers[i].peer);
    }
}

/* Nor when their time is over, as in a flood that takes us longer than connect_timeout. */
TEST(dear_steps_of_those_who_are_overdue_take_no_turn_for_themselves)
{
    enum { NEWCOMERS = 5 };
    static struct stack newcomers[NEWCOMERS];
    size_t served = 0;
    struct fixture f;

    fixture_open(&f);
    for (size_t i = 0; i < NEWCOMERS; i++) {
        stack_open(&newcomers[i]);
        newcomers[i].read_ns = 1000000;
        make_readable(&newcomers[i]);
        traffic_admit(f.shard,
                link_new(&f.shard->memory, &newcomers[i].stream, 0,
                        f.shard->now_ms - f.config->core.connect_timeout_ms - 1),
                false);
        newcomers[i].end = 0;
    }
    admit(&f);
    for (size_t turn = 1; served < NEWCOMERS; turn++) {
        served = 0;
        turn_run(f.shard);
        for (size_t i = 0; i < NEWCOMERS; i++)
            served += newcomers[i].closed;
        /* One before its turn, once, and then one in each turn. */
        assert_in_range(served, turn, turn + 1);
    }
    assert_false(log_has(&f, "connect_timeout"));
    fixture_close(&f);
    for (size_t i = 0; i < NEWCOMERS; i++) {
        close(newcomers[i].fd);
        close(newcomers[i].peer);
    }
}

TEST(one_who_writes_no_more_is_heard_in_his_turn_to_the_end)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    admit(&f);
    run_until_written(&f, BYTES(CONNACK));
    f.stack.inside = BYTES("\xc0\x00");
    f.stack.end = 0;
    make_readable(&f.stack);
    assert_int_equal(shutdown(f.stack.peer, SHUT_WR), 0);
    for (int i = 0; i < 2; i++) /* the poll may tell it twice */
        traffic_serve(f.shard, f.link, POLL_READ | POLL_ENDED);
    assert_int_equal(f.stack.inside.size, 2);
    assert_true(traffic_serve_leaver(f.shard));
    assert_false(traffic_serve_leaver(f.shard));
    assert_int_equal(f.link->waits, POLL_READ);
    run_until_written(&f, BYTES(CONNACK "\xd0\x00"));
    run_until_closed(&f);
    assert_true(log_has(&f, "client.disconnected id=\"a\""));
    fixture_close(&f);
}

TEST(one_who_leaves_while_he_is_not_read_is_waited_for_as_before)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    admit(&f);
    run_until_written(&f, BYTES(CONNACK));
    f.link->held = true;
    assert_int_equal(shutdown(f.stack.peer, SHUT_WR), 0);
    turn_run(f.shard);
    assert_true(list_empty(&f.shard->leaving));
    assert_int_equal(f.link->waits, 0);
    /* All is over: the poll tells that though nothing is waited for. */
    close(f.stack.peer);
    f.stack.peer = open("/dev/null", O_RDONLY);
    run_until_closed(&f);
    fixture_close(&f);
}

TEST(one_who_is_back_at_once_has_been_heard_before)
{
    struct stack back;
    struct fixture f;
    struct link *link;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    admit(&f);
    run_until_written(&f, BYTES(CONNACK));
    stack_open(&back);
    back.inside = BYTES(CONNECT);
    link = link_new(&f.shard->memory, &back.stream, 0, f.shard->now_ms);
    traffic_admit(f.shard, link, false);
    f.stack.inside = BYTES("\xe0\x00");
    traffic_serve(f.shard, link, POLL_READ);
    traffic_serve(f.shard, f.link, POLL_READ | POLL_ENDED);
    arrivals_serve(f.shard);
    for (int i = 0; i < TURNS_MAX && back.written_size == 0; i++)
        turn_run(f.shard);
    assert_true(log_has(&f, "client.disconnected id=\"a\""));
    assert_false(log_has(&f, "session_taken_over"));
    fixture_close(&f);
    close(back.fd);
    close(back.peer);
}

/* ---- Clients judged again ---- */

static struct bytes find_key(const void *context, struct bytes identity)
{
    (void)context;
    (void)identity;
    return (struct bytes){ 0 };
}

static void *ref_keys(void *context)
{
    return context;
}

static void unref_keys(void *context)
{
    (void)context;
}

/* Gives the shard files of TLS that ask something of clients; it takes them in its next turn. */
static void renew_credentials(struct fixture *f)
{
    const struct tls_keys keys = { find_key, ref_keys, unref_keys, f };
    const struct tls_server_options options = { .keys = &keys };
    struct credentials *old = f->credentials;
    char told[FAILURE_SIZE];

    f->credentials = calloc(1, sizeof(*f->credentials));
    assert_non_null(f->credentials);
    credentials_free(old);
    assert_int_equal(tls_server_new(&f->credentials->listeners[0], &options, told), 0);
    f->group.credentials = f->credentials;
    shard_configure(f->shard, f->config);
}

TEST(who_is_objected_to_is_ended)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    f.stack.objection = "certificate revoked";
    admit(&f);
    run_until_written(&f, BYTES(CONNACK));
    renew_credentials(&f);
    run_until_closed(&f);
    assert_true(log_has(&f, "client.disconnected id=\"a\""));
    assert_true(log_has(&f, "reason=access_withdrawn text=\"certificate revoked\""));
    fixture_close(&f);
}

TEST(who_is_not_objected_to_stays_and_is_judged_once)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    admit(&f);
    run_until_written(&f, BYTES(CONNACK));
    renew_credentials(&f);
    for (int i = 0; i < 3; i++) {
        make_readable(&f.stack);
        turn_run(f.shard);
    }
    assert_int_equal(f.stack.judged, 1);
    assert_false(f.stack.closed);
    fixture_close(&f);
}

TEST(who_is_read_without_waiting_is_judged_as_well)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.inside = BYTES(CONNECT);
    f.stack.read_max = 1;
    admit(&f);
    turn_run(f.shard);
    assert_false(list_empty(&f.shard->unread));
    renew_credentials(&f);
    for (int i = 0; i < TURNS_MAX && f.stack.judged == 0; i++)
        turn_run(f.shard);
    assert_int_equal(f.stack.judged, 1);
    run_until_written(&f, BYTES(CONNACK));
    fixture_close(&f);
}

TEST(a_handshake_that_ends_after_the_files_have_changed_is_judged_at_its_end)
{
    struct fixture f;

    fixture_open(&f);
    f.stack.has_tls = true;
    admit(&f);
    renew_credentials(&f);
    turn_run(f.shard);
    assert_false(f.stack.closed);
    f.stack.objection = "certificate revoked";
    f.stack.inside = BYTES(CONNECT);
    make_readable(&f.stack);
    run_until_closed(&f);
    assert_int_equal(f.stack.written_size, 0);
    assert_true(log_has(&f, "connection.failed"));
    fixture_close(&f);
}

TEST(a_turn_judges_no_more_than_some)
{
    enum { OTHERS = 2 * REVIEWS_MAX };
    static struct stack others[OTHERS];
    struct fixture f;
    unsigned judged = 0;

    fixture_open(&f);
    admit(&f);
    for (size_t i = 0; i < OTHERS; i++) {
        stack_open(&others[i]);
        traffic_admit(
                f.shard, link_new(&f.shard->memory, &others[i].stream, 0, f.shard->now_ms), false);
    }
    renew_credentials(&f);
    turn_run(f.shard);
    for (size_t i = 0; i < OTHERS; i++)
        judged += others[i].judged;
    assert_int_equal(judged + f.stack.judged, REVIEWS_MAX);
    for (int i = 0; i < 2; i++)
        turn_run(f.shard);
    assert_false(review_is_due(f.shard));
    for (size_t i = 0; i < OTHERS; i++)
        assert_int_equal(others[i].judged, 1);
    fixture_close(&f);
    for (size_t i = 0; i < OTHERS; i++) {
        close(others[i].fd);
        close(others[i].peer);
    }
}
