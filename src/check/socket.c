/* SPDX-License-Identifier: Apache-2.0 */
#include "check/socket.h"

#include "loop/clock.h"
#include "net/tcp.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>

enum {
    PATIENCE_MS = 3000,
    WINDOW_MS = 300,
    SETTLE_MS = 100,
};

/* Waits until the stream can do what is wanted, at most until then. */
static bool wait_until(struct stream *stream, unsigned wanted, int64_t until_ms)
{
    unsigned waits = stream_waits(stream, wanted);
    struct pollfd entry = { .fd = stream_fd(stream) };
    int64_t rest_ms = until_ms - clock_now_ms();

    entry.events = (short)((waits & STREAM_IN ? POLLIN : 0) | (waits & STREAM_OUT ? POLLOUT : 0));
    if (waits & STREAM_READY)
        return true;
    return poll(&entry, 1, rest_ms > 0 ? (int)rest_ms : 0) > 0;
}

static int connect_to(struct stream **out, const struct address *to)
{
    const struct tcp_options options = { .no_delay = true };
    struct stream *stream;
    int result = tcp_connect(&stream, to, &options);

    if (result < 0)
        return result;
    result = -ETIMEDOUT;
    if (wait_until(stream, STREAM_OUT, clock_now_ms() + PATIENCE_MS))
        result = stream_write(stream, NULL, 0);
    if (result < 0)
        stream_close(stream, STREAM_END_ABRUPT);
    else
        *out = stream;
    return result;
}

static void *socket_open(void *context, enum wire_door door)
{
    const struct socket_doors *doors = context;
    struct stream *stream = NULL;

    connect_to(&stream, door == WIRE_PLAIN ? &doors->plain : &doors->websocket);
    return stream;
}

int socket_try(const struct address *to)
{
    struct stream *stream;
    int result = connect_to(&stream, to);

    if (result >= 0)
        stream_close(stream, STREAM_END_CLEAN);
    return result;
}

static void socket_send(void *transport, struct bytes bytes)
{
    int64_t until_ms = clock_now_ms() + PATIENCE_MS;

    while (bytes.size > 0) {
        struct iovec piece = stream_piece(bytes);
        int sent = stream_write(transport, &piece, 1);

        if (sent > 0)
            bytes = bytes_from(bytes, (size_t)sent);
        else if (sent != -EAGAIN || !wait_until(transport, STREAM_OUT, until_ms))
            return;
    }
}

static int socket_receive(void *transport, uint8_t *buffer, size_t size, int64_t patience_ms)
{
    int64_t until_ms = clock_now_ms() + patience_ms;
    int got;

    do
        got = stream_read(transport, buffer, size);
    while (got == -EAGAIN && wait_until(transport, STREAM_IN, until_ms));
    /* A reset is the end as well: the server had not read all that it was sent. */
    return got < 0 && got != -EAGAIN ? 0 : got;
}

/* Not a reset, which would take from the server what it has not read yet. */
static void socket_cut(void *transport)
{
    stream_close(transport, STREAM_END_CLEAN);
}

static void socket_pass(void *context, int64_t ms)
{
    struct timespec rest = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)context;
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        continue;
}

static int64_t socket_now_ms(void *context)
{
    (void)context;
    return clock_now_ms();
}

static const struct wire_functions functions = {
    socket_open,
    socket_send,
    socket_receive,
    socket_cut,
    socket_pass,
    socket_now_ms,
};

struct wire socket_wire(struct socket_doors *doors)
{
    return (struct wire){ .functions = &functions,
        .context = doors,
        .patience_ms = PATIENCE_MS,
        .window_ms = WINDOW_MS,
        .settle_ms = SETTLE_MS };
}
