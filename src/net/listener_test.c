/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners and the streams of their connections, over loopback and at a path. */
#include "net/listener.h"
#include "net/tcp.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct listener_options loopback = { .host = "127.0.0.1" };

static struct listener open_one(const struct listener_options *options)
{
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;

    assert_int_equal(listener_open(listeners, options, &failure), 1);
    return listeners[0];
}

static void await(int fd, short events)
{
    struct pollfd wait = { .fd = fd, .events = events };

    assert_int_equal(poll(&wait, 1, 5000), 1);
}

static struct stream *connect_to(const struct listener *listener, const struct tcp_options *options)
{
    struct stream *stream;

    assert_int_equal(tcp_connect(&stream, &listener->address, options), 0);
    return stream;
}

static struct stream *accept_one(struct listener *listener)
{
    struct listener_accepted accepted;
    struct stream *stream;

    await(listener->fd, POLLIN);
    assert_int_equal(listener_accept(listener, &accepted, 1), 1);
    assert_int_equal(tcp_open(&stream, accepted.fd, &accepted.peer), 0);
    return stream;
}

struct line {
    struct listener listener;
    struct stream *client;
    struct stream *server;
};

static struct line line_open(void)
{
    static const struct tcp_options options = { .no_delay = true };
    struct line line = { .listener = open_one(&loopback) };

    line.client = connect_to(&line.listener, &options);
    line.server = accept_one(&line.listener);
    await(stream_fd(line.client), POLLOUT);
    return line;
}

static void line_close(struct line *line)
{
    stream_close(line->client, STREAM_END_ABRUPT);
    stream_close(line->server, STREAM_END_CLEAN);
    listener_close(&line->listener);
}

TEST(datagrams_come_to_one_of_the_sockets_that_share_a_port)
{
    static const struct listener_options options = {
        .host = "127.0.0.1", .datagrams = true, .shared = true, .no_delay = true
    };
    struct listener first = open_one(&options);
    struct listener second;
    struct pollfd wait[2] = { { .events = POLLIN }, { .events = POLLIN } };
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    char byte = 'x';

    assert_int_equal(listener_share(&second, &first, &options), 0);
    assert_int_equal(address_port(&second.address), address_port(&first.address));
    assert_int_equal(
            sendto(sender, &byte, 1, 0, &first.address.socket.any, address_size(&first.address)),
            1);
    wait[0].fd = first.fd;
    wait[1].fd = second.fd;
    assert_int_equal(poll(wait, 2, 5000), 1);
    close(sender);
    listener_close(&first);
    listener_close(&second);
}

TEST(a_port_of_datagrams_that_is_taken_is_refused)
{
    struct listener first =
            open_one(&(struct listener_options){ .host = "127.0.0.1", .datagrams = true });
    const struct listener_options again = {
        .host = "127.0.0.1", .port = address_port(&first.address), .datagrams = true, .shared = true
    };
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;

    assert_int_equal(listener_open(listeners, &again, &failure), -EADDRINUSE);
    listener_close(&first);
}

TEST(port_0_tells_the_port_it_got)
{
    struct listener listener = open_one(&loopback);

    assert_true(address_port(&listener.address) > 0);
    listener_close(&listener);
}

TEST(every_interface_has_one_port_for_both_families)
{
    static const struct listener_options all = { .port = 0 };
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;
    int count = listener_open(listeners, &all, &failure);

    assert_in_range(count, 1, 2);
    for (int i = 0; i < count; i++) {
        assert_int_equal(address_port(&listeners[i].address), address_port(&listeners[0].address));
        listener_close(&listeners[i]);
    }
}

TEST(a_port_in_use_is_told_in_a_sentence)
{
    struct listener first = open_one(&loopback);
    struct listener_options same = { .host = "127.0.0.1", .port = address_port(&first.address) };
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;
    char text[LISTENER_FAILURE_SIZE];
    char expected[LISTENER_FAILURE_SIZE];

    assert_int_equal(listener_open(listeners, &same, &failure), -EADDRINUSE);
    snprintf(expected, sizeof(expected),
            "cannot listen on 127.0.0.1:%u: Address already in use; another program has it: end "
            "that one, or listen elsewhere",
            same.port);
    assert_string_equal(listener_failure_text(&failure, text), expected);
    listener_close(&first);
}

TEST(a_host_that_is_not_ours_is_told_in_a_sentence)
{
    static const struct listener_options other = { .host = "192.0.2.1", .port = 1 };
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;
    char text[LISTENER_FAILURE_SIZE];

    assert_int_equal(listener_open(listeners, &other, &failure), -EADDRNOTAVAIL);
    assert_string_equal(listener_failure_text(&failure, text),
            "cannot listen on 192.0.2.1:1: Cannot assign requested address");
}

TEST(an_interface_that_is_not_there_is_told_in_a_sentence)
{
    static const struct listener_options strange = { .host = "127.0.0.1", .interface = "nojar0" };
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;
    char text[LISTENER_FAILURE_SIZE];

    assert_true(listener_open(listeners, &strange, &failure) < 0);
    assert_non_null(
            strstr(listener_failure_text(&failure, text), "cannot listen on interface nojar0: "));
}

TEST(a_host_of_the_other_family_is_told_in_a_sentence)
{
    static const struct listener_options wrong = {
        .host = "127.0.0.1",
        .port = 1883,
        .family = ADDRESS_IPV6,
    };
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;
    char text[LISTENER_FAILURE_SIZE];

    assert_int_equal(listener_open(listeners, &wrong, &failure), -ENOENT);
    assert_string_equal(listener_failure_text(&failure, text),
            "cannot listen on 127.0.0.1:1883: the name has no address");
}

TEST(a_shared_port_is_joined_by_share_only)
{
    static const struct listener_options shared = { .host = "127.0.0.1", .shared = true };
    struct listener first = open_one(&shared);
    struct listener_options again = shared;
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;
    struct listener second;

    again.port = address_port(&first.address);
    assert_int_equal(listener_open(listeners, &again, &failure), -EADDRINUSE);
    assert_int_equal(listener_share(&second, &first, &shared), 0);
    assert_true(address_equal(&first.address, &second.address));
    listener_close(&first);
    listener_close(&second);
}

TEST(nobody_waiting_accepts_none)
{
    struct listener listener = open_one(&loopback);
    struct listener_accepted accepted[4];

    assert_int_equal(listener_accept(&listener, accepted, 4), 0);
    listener_close(&listener);
}

TEST(a_batch_is_accepted_in_parts)
{
    static const struct tcp_options options = { 0 };
    struct listener listener = open_one(&loopback);
    struct listener_accepted accepted[8];
    struct stream *clients[5];
    int count = 0;

    for (size_t i = 0; i < 5; i++) {
        clients[i] = connect_to(&listener, &options);
        await(stream_fd(clients[i]), POLLOUT);
    }
    while (count < 5) {
        int more;

        await(listener.fd, POLLIN);
        more = listener_accept(&listener, accepted + count, 3);
        assert_in_range(more, 1, 3);
        count += more;
    }
    for (size_t i = 0; i < 5; i++) {
        stream_close(clients[i], STREAM_END_CLEAN);
        close(accepted[i].fd);
    }
    listener_close(&listener);
}

TEST(accepted_connections_inherit_no_delay)
{
    for (int wanted = 0; wanted < 2; wanted++) {
        struct listener_options options = { .host = "127.0.0.1", .no_delay = wanted };
        struct listener listener = open_one(&options);
        struct tcp_options plain = { 0 };
        struct stream *client = connect_to(&listener, &plain);
        struct stream *server = accept_one(&listener);
        socklen_t size = sizeof(int);
        int got = -1;

        assert_int_equal(getsockopt(stream_fd(server), IPPROTO_TCP, TCP_NODELAY, &got, &size), 0);
        assert_int_equal(got != 0, wanted);
        stream_close(client, STREAM_END_CLEAN);
        stream_close(server, STREAM_END_CLEAN);
        listener_close(&listener);
    }
}

TEST(the_peer_is_where_the_client_connected_from)
{
    struct listener listener = open_one(&loopback);
    struct address from;
    struct tcp_options options = { .from = &from };
    struct stream_peer peer;
    struct stream *client;
    struct stream *server;
    char text[ADDRESS_HOST_SIZE];

    assert_int_equal(address_parse(&from, "127.0.0.9", 0), 0);
    client = connect_to(&listener, &options);
    server = accept_one(&listener);
    stream_peer(server, &peer);
    assert_string_equal(address_host(&peer.address, text), "127.0.0.9");
    assert_true(address_port(&peer.address) > 0);
    stream_peer(client, &peer);
    assert_true(address_equal(&peer.address, &listener.address));
    stream_close(client, STREAM_END_CLEAN);
    stream_close(server, STREAM_END_CLEAN);
    listener_close(&listener);
}

TEST(a_refused_connection_says_so_when_used)
{
    struct listener listener = open_one(&loopback);
    struct tcp_options options = { 0 };
    struct stream *client;
    char byte;

    listener_close(&listener);
    client = connect_to(&listener, &options);
    await(stream_fd(client), POLLOUT);
    assert_int_equal(stream_read(client, &byte, 1), -ECONNREFUSED);
    stream_close(client, STREAM_END_CLEAN);
}

TEST(pieces_arrive_in_order)
{
    struct line line = line_open();
    struct iovec pieces[] = {
        stream_piece(BYTES("night")),
        stream_piece(BYTES("")),
        stream_piece(BYTES("jar")),
    };
    char got[16];

    assert_int_equal(stream_read(line.server, got, sizeof(got)), -EAGAIN);
    assert_int_equal(stream_write(line.client, pieces, 3), 8);
    await(stream_fd(line.server), POLLIN);
    assert_int_equal(stream_read(line.server, got, sizeof(got)), 8);
    assert_memory_equal(got, "nightjar", 8);
    line_close(&line);
}

TEST(a_peer_that_does_not_read_makes_writes_short)
{
    static char block[1 << 16];
    struct line line = line_open();
    struct iovec piece = { block, sizeof(block) };
    int result = 0;

    for (int i = 0; i < 10000 && result >= 0; i++)
        result = stream_write(line.client, &piece, 1);
    assert_int_equal(result, -EAGAIN);
    assert_int_equal(stream_waits(line.client, STREAM_OUT), STREAM_OUT);
    assert_int_equal(stream_waits(line.client, STREAM_IN | STREAM_OUT), STREAM_IN | STREAM_OUT);
    line_close(&line);
}

TEST(after_shutdown_the_peer_reads_the_end_and_can_answer)
{
    struct line line = line_open();
    struct iovec piece = stream_piece(BYTES("bye"));
    char got[8];

    assert_int_equal(stream_write(line.client, &piece, 1), 3);
    assert_int_equal(stream_shutdown(line.client), 0);
    await(stream_fd(line.server), POLLIN);
    assert_int_equal(stream_read(line.server, got, sizeof(got)), 3);
    await(stream_fd(line.server), POLLIN);
    assert_int_equal(stream_read(line.server, got, sizeof(got)), 0);
    assert_int_equal(stream_write(line.server, &piece, 1), 3);
    await(stream_fd(line.client), POLLIN);
    assert_int_equal(stream_read(line.client, got, sizeof(got)), 3);
    line_close(&line);
}

TEST(a_clean_end_is_read_as_end_and_an_abrupt_one_as_reset)
{
    for (int end = STREAM_END_CLEAN; end <= STREAM_END_ABRUPT; end++) {
        struct line line = line_open();
        char byte;

        stream_close(line.server, (enum stream_end)end);
        line.server = NULL;
        await(stream_fd(line.client), POLLIN);
        assert_int_equal(
                stream_read(line.client, &byte, 1), end == STREAM_END_CLEAN ? 0 : -ECONNRESET);
        line_close(&line);
    }
}

TEST(writing_to_a_peer_that_is_gone_is_an_error_and_no_signal)
{
    struct line line = line_open();
    struct iovec piece = stream_piece(BYTES("x"));
    int result;

    stream_close(line.server, STREAM_END_ABRUPT);
    line.server = NULL;
    await(stream_fd(line.client), POLLIN);
    result = stream_write(line.client, &piece, 1);
    assert_int_equal(result, -ECONNRESET);
    assert_int_equal(stream_write(line.client, &piece, 1), -EPIPE);
    line_close(&line);
}

/* ---- Unix sockets ---- */

/* A directory of its own, with a path in it. */
struct place {
    char directory[32];
    char path[64];
    struct listener_options options;
};

static void place_init(struct place *place)
{
    strcpy(place->directory, "/tmp/nightjar-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof(place->path), "%s/socket", place->directory);
    place->options = (struct listener_options){ .path = place->path };
}

static void place_deinit(struct place *place)
{
    unlink(place->path);
    assert_int_equal(rmdir(place->directory), 0);
}

static int connect_to_path(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    strcpy(address.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void expect_no_listener(const struct listener_options *options, const char *reason)
{
    struct listener listeners[LISTENER_SOCKETS_MAX];
    struct listener_failure failure;
    char text[LISTENER_FAILURE_SIZE];
    char expected[LISTENER_FAILURE_SIZE];

    assert_true(listener_open(listeners, options, &failure) < 0);
    snprintf(expected, sizeof(expected), "cannot listen on %s: %s", options->path, reason);
    assert_string_equal(listener_failure_text(&failure, text), expected);
}

TEST(a_path_is_listened_on)
{
    struct place place;
    struct listener listener;
    struct stream *server;
    struct stream_peer peer;
    char got[8];
    int client;

    place_init(&place);
    listener = open_one(&place.options);
    client = connect_to_path(place.path);
    server = accept_one(&listener);
    stream_peer(server, &peer);
    assert_int_equal(address_family(&peer.address), ADDRESS_ANY);
    assert_int_equal(write(client, "night", 5), 5);
    await(stream_fd(server), POLLIN);
    assert_int_equal(stream_read(server, got, sizeof(got)), 5);
    stream_hasten(server);
    stream_close(server, STREAM_END_CLEAN);
    assert_int_equal(read(client, got, sizeof(got)), 0);
    close(client);
    listener_remove(&place.options);
    assert_int_equal(access(place.path, F_OK), -1);
    listener_close(&listener);
    place_deinit(&place);
}

TEST(a_path_is_for_owner_and_group_whatever_the_mask)
{
    static const mode_t masks[] = { 0, 0022, 0777 };

    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        struct place place;
        struct listener listener;
        struct stat status;
        mode_t before;

        place_init(&place);
        before = umask(masks[i]);
        listener = open_one(&place.options);
        umask(before);
        assert_int_equal(stat(place.path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0770);
        listener_close(&listener);
        place_deinit(&place);
    }
}

TEST(a_path_that_nobody_listens_on_is_taken_over)
{
    struct place place;
    struct listener listener;

    place_init(&place);
    listener = open_one(&place.options);
    expect_no_listener(&place.options,
            "Address already in use; another program has it: end that one, or listen elsewhere");
    close(connect_to_path(place.path));
    listener_close(&listener);
    listener = open_one(&place.options);
    close(connect_to_path(place.path));
    listener_close(&listener);
    place_deinit(&place);
}

TEST(what_is_no_socket_is_left_at_its_path)
{
    struct place place;
    FILE *file;

    place_init(&place);
    file = fopen(place.path, "w");
    assert_non_null(file);
    fclose(file);
    expect_no_listener(&place.options, "File exists");
    assert_int_equal(access(place.path, F_OK), 0);
    place_deinit(&place);
}

TEST(a_path_that_cannot_be_is_told_in_a_sentence)
{
    char path[LISTENER_PATH_MAX + 2];
    struct listener_options options = { .path = path };

    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    expect_no_listener(&options, "File name too long");
    strcpy(path, "/nowhere/socket");
    expect_no_listener(&options, "No such file or directory");
}

TEST(a_shared_path_is_accepted_from_by_each)
{
    struct place place;
    struct listener first;
    struct listener second;
    int client;

    place_init(&place);
    first = open_one(&place.options);
    assert_int_equal(listener_share(&second, &first, &place.options), 0);
    listener_close(&first);
    client = connect_to_path(place.path);
    stream_close(accept_one(&second), STREAM_END_CLEAN);
    close(client);
    listener_close(&second);
    place_deinit(&place);
}

TEST(an_address_is_tried_without_listening)
{
    struct address address;

    assert_int_equal(address_parse(&address, "127.0.0.1", 1), 0); /* whoever may have the port */
    assert_int_equal(listener_try(&address, false), 0);
    assert_int_equal(listener_try(&address, true), 0);
    assert_int_equal(address_port(&address), 1);
    assert_int_equal(address_parse(&address, "192.0.2.7", 1883), 0);
    assert_int_equal(listener_try(&address, false), -EADDRNOTAVAIL);
    assert_int_equal(listener_try(&address, true), -EADDRNOTAVAIL);
}
