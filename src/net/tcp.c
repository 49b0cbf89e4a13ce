/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tcp.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

struct tcp {
    struct stream stream;
    int fd;
    struct address peer;
};

static_assert(STREAM_PIECES_MAX == IOV_MAX, "one write takes what the kernel takes");

/* stream is the first member, so its address is the whole's. */
static struct tcp *tcp_of(struct stream *stream)
{
    return (struct tcp *)stream;
}

static const struct tcp *tcp_of_const(const struct stream *stream)
{
    return (const struct tcp *)stream;
}

static int tcp_read(struct stream *stream, void *buffer, size_t size)
{
    ssize_t taken;

    do
        taken = recv(tcp_of(stream)->fd, buffer, size < INT_MAX ? size : INT_MAX, 0);
    while (taken < 0 && errno == EINTR);
    return taken < 0 ? -errno : (int)taken;
}

/* One piece is by far the most frequent, and for it the kernel has a call that reads less. */
static ssize_t send_pieces(int fd, const struct iovec pieces[], size_t count)
{
    struct msghdr message = { .msg_iovlen = count };

    if (count == 1)
        return send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    /* The kernel's type lacks a const here too. */
    message.msg_iov = (struct iovec *)(uintptr_t)pieces;
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static int tcp_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    ssize_t taken;

    assert(count <= STREAM_PIECES_MAX);
    do
        taken = send_pieces(tcp_of(stream)->fd, pieces, count);
    while (taken < 0 && errno == EINTR);
    if (taken < 0)
        return -errno;
    return taken < INT_MAX ? (int)taken : INT_MAX;
}

static void tcp_hasten(struct stream *stream)
{
    int on = 1;

    /* It holds until the kernel thinks otherwise, so it is said each time. */
    setsockopt(tcp_of(stream)->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static int tcp_shutdown(struct stream *stream)
{
    return shutdown(tcp_of(stream)->fd, SHUT_WR) == 0 ? 0 : -errno;
}

static void tcp_close(struct stream *stream, enum stream_end end)
{
    static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    struct tcp *tcp = tcp_of(stream);

    if (end == STREAM_END_ABRUPT) /* a failure leaves a clean end, which does no harm */
        setsockopt(tcp->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(tcp->fd);
    free(tcp);
}

static unsigned tcp_waits(const struct stream *stream, unsigned wanted)
{
    (void)stream;
    return wanted;
}

static int tcp_fd(const struct stream *stream)
{
    return tcp_of_const(stream)->fd;
}

static const char *tcp_failure(const struct stream *stream)
{
    (void)stream;
    return NULL;
}

static void tcp_peer(const struct stream *stream, struct stream_peer *out)
{
    *out = (struct stream_peer){ .address = tcp_of_const(stream)->peer };
}

int tcp_open(struct stream **out, int fd, const struct address *peer)
{
    static const struct stream_functions functions = {
        .read = tcp_read,
        .write = tcp_write,
        .shutdown = tcp_shutdown,
        .hasten = tcp_hasten,
        .close = tcp_close,
        .waits = tcp_waits,
        .fd = tcp_fd,
        .failure = tcp_failure,
        .peer = tcp_peer,
    };
    struct tcp *tcp = malloc(sizeof(*tcp));

    if (!tcp) {
        close(fd);
        return -ENOMEM;
    }
    *tcp = (struct tcp){ .stream.functions = &functions, .fd = fd, .peer = *peer };
    *out = &tcp->stream;
    return 0;
}

/* Leaves the choice of the port to the connect, which alone can use one port for many peers. */
static int bind_from(int fd, const struct address *from)
{
    static const int on = 1;

    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
        return -errno;
    return bind(fd, &from->socket.any, address_size(from)) == 0 ? 0 : -errno;
}

static int begin(int fd, const struct address *to, const struct tcp_options *options)
{
    static const int on = 1;

    if (options->no_delay && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return -errno;
    if (options->from) {
        int result = bind_from(fd, options->from);

        if (result < 0)
            return result;
    }
    if (connect(fd, &to->socket.any, address_size(to)) < 0 && errno != EINPROGRESS)
        return -errno;
    return 0;
}

int tcp_connect(struct stream **out, const struct address *to, const struct tcp_options *options)
{
    int fd = socket(to->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return -errno;
    result = begin(fd, to, options);
    if (result < 0) {
        close(fd);
        return result;
    }
    return tcp_open(out, fd, to);
}

int tcp_connect_unix(struct stream **out, const char *path)
{
    static const struct address none;
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    size_t size = strlen(path);
    int fd;
    int error;

    if (size >= sizeof(name.sun_path))
        return -ENAMETOOLONG;
    memcpy(name.sun_path, path, size);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
        return tcp_open(out, fd, &none);
    error = errno; /* EAGAIN: too many wait there to be accepted */
    close(fd);
    return error == EAGAIN ? -EBUSY : -error;
}
