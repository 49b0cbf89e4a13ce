/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dtls_below.h"

/* A whole datagram, or as much of it as there is room for. */
static int read_below(BIO *bio, char *buffer, int size)
{
    struct dtls_below *below = BIO_get_data(bio);
    struct bytes came = below->came;

    BIO_clear_retry_flags(bio);
    below->came = (struct bytes){ 0 };
    if (came.size == 0 || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    came = bytes_first(came, came.size < (size_t)size ? came.size : (size_t)size);
    memcpy(buffer, came.data, came.size);
    return (int)came.size;
}

static int write_below(BIO *bio, const char *data, int size)
{
    struct dtls_below *below = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    below->port.send(below->port.context, bytes_of(data, (size_t)size));
    return size;
}

static long control_below(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* nothing is held back; all else it does not know */
}

BIO_METHOD *dtls_below_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "datagrams");

    if (method && BIO_meth_set_read(method, read_below) &&
            BIO_meth_set_write(method, write_below) && BIO_meth_set_ctrl(method, control_below))
        return method;
    BIO_meth_free(method);
    return NULL;
}
