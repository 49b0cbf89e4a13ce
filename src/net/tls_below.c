/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_below.h"

#include "net/tls_stream.h"

#include <errno.h>

static int read_below(BIO *bio, char *buffer, int size)
{
    struct tls_stream *tls = BIO_get_data(bio);
    size_t room = (size_t)size < tls->allowance ? (size_t)size : tls->allowance;
    int result = room == 0 ? -EAGAIN : stream_read(tls->layer.below, buffer, room);

    BIO_clear_retry_flags(bio);
    tls->allowance -= result < (int)room ? tls->allowance : room;
    if (result > 0)
        return result;
    if (result == -EAGAIN)
        BIO_set_retry_read(bio);
    else if (result == 0)
        tls->ended = true;
    else
        tls->below_error = result;
    return result == 0 ? 0 : -1;
}

static int write_below(BIO *bio, const char *data, int size)
{
    struct tls_stream *tls = BIO_get_data(bio);
    struct iovec piece = stream_piece(bytes_of(data, (size_t)size));
    int result = stream_write(tls->layer.below, &piece, 1);

    BIO_clear_retry_flags(bio);
    if (result >= 0)
        return result;
    if (result == -EAGAIN)
        BIO_set_retry_write(bio);
    else
        tls->below_error = result;
    return -1;
}

static long control_below(BIO *bio, int command, long number, void *pointer)
{
    struct tls_stream *tls = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH: /* nothing is held back */
        return 1;
    case BIO_CTRL_EOF:
        return tls->ended;
    default:
        return 0;
    }
}

BIO_METHOD *tls_below_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");

    if (method && BIO_meth_set_read(method, read_below) &&
            BIO_meth_set_write(method, write_below) && BIO_meth_set_ctrl(method, control_below))
        return method;
    BIO_meth_free(method);
    return NULL;
}
