/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/control.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 << 20 };

/* A control socket in a folder of its own, and what was told of it. */
struct fixture {
    char folder[32];
    char path[64];
    unsigned told;
    size_t size; /* of the text that "size" answers */
    struct journal journal;
    struct control *control;
    int64_t now_ms;
};

static void count_event(void *context, const struct event *event)
{
    struct fixture *fixture = context;

    assert_string_equal(event->name, "control.refused");
    fixture->told++;
}

static json_t *run_ping(void *context, const json_t *request, char *problem)
{
    (void)context;
    (void)problem;
    return json_pack("{s:I}", "number", command_number(request, "number", 0));
}

static json_t *run_large(void *context, const json_t *request, char *problem)
{
    const struct fixture *fixture = context;
    char *text = malloc(fixture->size);
    json_t *made;

    (void)request;
    (void)problem;
    memset(text, 'x', fixture->size);
    made = json_pack("{s:s#}", "text", text, (int)fixture->size);
    free(text);
    return made;
}

static const struct command commands[] = {
    { "ping", run_ping, { { "number", JSON_INTEGER, false } } },
    { "large", run_large, { { 0 } } },
};

static int open_control(struct fixture *fixture, struct control **out)
{
    const struct control_setup setup = { .path = fixture->path,
        .starter = geteuid(),
        .commands = { commands, 2, fixture },
        .journal = &fixture->journal };

    return control_open(out, &setup);
}

static void fixture_start(struct fixture *fixture)
{
    *fixture = (struct fixture){ .folder = "/tmp/control-XXXXXX", .now_ms = 1000 };
    fixture->journal = (struct journal){ EVENT_DEBUG, count_event, fixture };
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->folder);
    assert_int_equal(open_control(fixture, &fixture->control), 0);
}

static void fixture_end(struct fixture *fixture)
{
    control_close(fixture->control);
    assert_int_equal(access(fixture->path, F_OK), -1);
    rmdir(fixture->folder);
}

static int try_connect(const struct fixture *fixture)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(address.sun_path, fixture->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Serves until nothing is ready. */
static void serve(struct fixture *fixture)
{
    struct pollfd waits[CONTROL_WAITS_MAX];
    size_t count;

    do {
        count = control_waits(fixture->control, waits);
        if (poll(waits, count, 0) <= 0)
            count = 0;
        control_serve(fixture->control, waits, count, fixture->now_ms);
    } while (count > 0);
}

static int connected(struct fixture *fixture)
{
    int fd = try_connect(fixture);

    serve(fixture);
    return fd;
}

static void say(struct fixture *fixture, int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    serve(fixture);
}

static void expect(int fd, const char *text)
{
    char got[1024] = "";
    ssize_t size = recv(fd, got, sizeof(got) - 1, 0);

    assert_true(size >= 0);
    assert_string_equal(got, text);
}

static void expect_nothing(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

/* Its end, whether by FIN or by reset. */
static void expect_closed(int fd)
{
    char byte;

    assert_true(recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET);
    close(fd);
}

TEST(the_socket_is_its_owners_alone)
{
    struct fixture fixture;
    struct stat status;

    fixture_start(&fixture);
    assert_int_equal(stat(fixture.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    fixture_end(&fixture);
}

TEST(a_live_socket_is_left_alone_and_a_dead_one_replaced)
{
    struct fixture fixture;
    struct control *second = NULL;
    char aside[80];
    int fd;

    fixture_start(&fixture);
    assert_int_equal(open_control(&fixture, &second), -EADDRINUSE);
    assert_null(second);
    fd = connected(&fixture);
    say(&fixture, fd, "{\"command\":\"ping\"}\n");
    expect(fd, "{\"ok\":true,\"answer\":{\"number\":0}}\n");
    close(fd);
    /* A server that was killed leaves its file. */
    snprintf(aside, sizeof(aside), "%s/aside", fixture.folder);
    assert_int_equal(rename(fixture.path, aside), 0);
    control_close(fixture.control);
    assert_int_equal(rename(aside, fixture.path), 0);
    assert_int_equal(open_control(&fixture, &fixture.control), 0);
    fixture_end(&fixture);
}

TEST(lines_are_answered_one_by_one_however_they_come)
{
    struct fixture fixture;
    int fd;

    fixture_start(&fixture);
    fd = connected(&fixture);
    say(&fixture, fd, "{\"command\":\"pi");
    expect_nothing(fd);
    say(&fixture, fd, "ng\",\"number\":1}");
    expect_nothing(fd);
    say(&fixture, fd, "\n{\"command\":\"ping\",\"number\":2}\n\n{\"command\"");
    expect(fd,
            "{\"ok\":true,\"answer\":{\"number\":1}}\n"
            "{\"ok\":true,\"answer\":{\"number\":2}}\n"
            "{\"ok\":false,\"problem\":\"the request is no JSON object in one line: "
            "'[' or '{' expected near end of file\"}\n");
    say(&fixture, fd, ":\"ping\",\"number\":3}\n");
    expect(fd, "{\"ok\":true,\"answer\":{\"number\":3}}\n");
    close(fd);
    fixture_end(&fixture);
}

TEST(all_lines_of_one_who_has_ended_its_side_are_answered)
{
    struct fixture fixture;
    int fd;

    fixture_start(&fixture);
    fd = try_connect(&fixture);
    assert_true(send(fd, "{\"command\":\"ping\"}\n{\"command\":\"ping\"}\n", 38, 0) == 38);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    serve(&fixture);
    expect(fd,
            "{\"ok\":true,\"answer\":{\"number\":0}}\n{\"ok\":true,\"answer\":{\"number\":0}}\n");
    expect_closed(fd);
    fixture_end(&fixture);
}

TEST(a_line_too_long_ends_the_connection)
{
    struct fixture fixture;
    char text[1024];
    int fd;

    fixture_start(&fixture);
    fd = connected(&fixture);
    memset(text, ' ', sizeof(text));
    for (size_t sent = 0; sent < CONTROL_LINE_MAX; sent += sizeof(text)) {
        assert_int_equal(send(fd, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
        serve(&fixture);
    }
    expect_closed(fd);
    fixture_end(&fixture);
}

TEST(a_long_answer_waits_for_its_reader_and_holds_nobody_up)
{
    struct fixture fixture;
    size_t got = 0;
    char *text = malloc(ANSWER_MAX);
    int slow;
    int other;

    fixture_start(&fixture);
    fixture.size = 2 << 20;
    slow = connected(&fixture);
    say(&fixture, slow, "{\"command\":\"large\"}\n{\"command\":\"ping\"}\n");
    other = connected(&fixture);
    say(&fixture, other, "{\"command\":\"ping\"}\n");
    expect(other, "{\"ok\":true,\"answer\":{\"number\":0}}\n");
    for (ssize_t size = 1; size > 0; got += size > 0 ? (size_t)size : 0) {
        size = recv(slow, text + got, ANSWER_MAX - got, 0);
        serve(&fixture);
    }
    assert_true(got > fixture.size);
    text[got] = '\0';
    assert_string_equal(strstr(text, "\"}}\n"), "\"}}\n{\"ok\":true,\"answer\":{\"number\":0}}\n");
    free(text);
    close(slow);
    close(other);
    fixture_end(&fixture);
}

TEST(who_is_silent_too_long_is_closed)
{
    struct fixture fixture;
    int silent;
    int dripping;
    int busy;

    fixture_start(&fixture);
    assert_true(control_due_ms(fixture.control) == INT64_MAX);
    silent = connected(&fixture);
    dripping = connected(&fixture);
    busy = connected(&fixture);
    assert_true(control_due_ms(fixture.control) == fixture.now_ms + CONTROL_SILENCE_MS);
    say(&fixture, dripping, "{");
    for (unsigned i = 0; i < 4; i++) {
        fixture.now_ms += CONTROL_SILENCE_MS / 4;
        say(&fixture, busy, "{\"command\":\"ping\"}\n");
        expect(busy, "{\"ok\":true,\"answer\":{\"number\":0}}\n");
        if (i < 3)
            say(&fixture, dripping, " ");
    }
    serve(&fixture);
    control_serve(fixture.control, NULL, 0, fixture.now_ms);
    expect_closed(silent);
    expect_closed(dripping);
    expect_nothing(busy);
    close(busy);
    fixture_end(&fixture);
}

TEST(one_client_too_many_is_closed_and_told_of)
{
    struct fixture fixture;
    int fds[CONTROL_CLIENTS_MAX];
    int more;

    fixture_start(&fixture);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        fds[i] = connected(&fixture);
    more = connected(&fixture);
    expect_closed(more);
    assert_int_equal(fixture.told, 1);
    close(fds[0]);
    serve(&fixture);
    fds[0] = connected(&fixture);
    say(&fixture, fds[0], "{\"command\":\"ping\"}\n");
    expect(fds[0], "{\"ok\":true,\"answer\":{\"number\":0}}\n");
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
    fixture_end(&fixture);
}

TEST(without_a_socket_there_is_nothing_to_wait_for)
{
    struct pollfd waits[CONTROL_WAITS_MAX];

    assert_int_equal(control_waits(NULL, waits), 0);
    assert_true(control_due_ms(NULL) == INT64_MAX);
    control_serve(NULL, waits, 0, 0);
    control_close(NULL);
}

TEST(a_socket_that_was_left_to_another_process_keeps_its_file)
{
    struct fixture fixture;

    fixture_start(&fixture);
    control_leave(fixture.control);
    control_close(fixture.control);
    assert_int_equal(access(fixture.path, F_OK), 0);
    unlink(fixture.path);
    rmdir(fixture.folder);
    control_leave(NULL);
}
