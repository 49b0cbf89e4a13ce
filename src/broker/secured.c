/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/secured.h"

#include "base/reader.h"

#include <errno.h>

enum { SIZE_SIZE = 2 };

static struct secured *make(const struct memory *memory, uint64_t mark)
{
    struct secured *secured = memory_take_zeroed(memory, sizeof(*secured));

    if (!secured)
        return NULL;
    secured->mark = mark;
    secured->end = -EAGAIN;
    return secured;
}

struct secured *secured_new(const struct memory *memory, uint64_t mark, struct bytes hello)
{
    struct secured *secured = make(memory, mark);

    if (!secured || secured_keep(secured, memory, hello))
        return secured;
    secured_free(secured, memory);
    return NULL;
}

void secured_close(struct secured *secured, const struct memory *memory)
{
    dtls_close(secured->dtls);
    secured->dtls = NULL;
    secured->gone = true;
    buffer_reset(&secured->unread, memory);
}

void secured_free(struct secured *secured, const struct memory *memory)
{
    if (!secured)
        return;
    secured_close(secured, memory);
    memory_give(memory, secured, sizeof(*secured));
}

static void send_nowhere(void *context, struct bytes datagram)
{
    (void)context;
    (void)datagram;
}

struct secured *secured_hand_on(struct secured *secured, const struct memory *memory)
{
    static const struct dtls_port nowhere = { send_nowhere, NULL };
    struct secured *next = secured->dtls ? make(memory, secured->mark) : NULL;

    if (next) {
        next->dtls = secured->dtls;
        secured->dtls = NULL;
        dtls_redirect(next->dtls, &nowhere);
    }
    secured_close(secured, memory);
    return next;
}

bool secured_is_full(const struct secured *secured, struct bytes datagram)
{
    size_t waiting = secured ? secured->unread.size : 0;

    return waiting + SIZE_SIZE + datagram.size > SECURED_UNREAD_MAX;
}

bool secured_keep(struct secured *secured, const struct memory *memory, struct bytes datagram)
{
    uint8_t *room;

    if (secured_is_full(secured, datagram))
        return false;
    room = buffer_room(&secured->unread, memory, SIZE_SIZE + datagram.size);
    if (!room)
        return false;
    room[0] = (uint8_t)(datagram.size >> 8);
    room[1] = (uint8_t)datagram.size;
    memcpy(room + SIZE_SIZE, datagram.data, datagram.size);
    secured->unread.size += (uint32_t)(SIZE_SIZE + datagram.size);
    return true;
}

struct bytes secured_next(struct bytes *unread)
{
    struct reader in = { .rest = *unread };
    struct bytes datagram = reader_bytes(&in, reader_u16(&in));

    *unread = in.rest;
    return datagram;
}

void secured_begin(
        struct secured *secured, struct tls_server *tls, const struct dtls_options *options)
{
    int result = tls ? dtls_accept(&secured->dtls, tls, options) : -EPROTO;

    if (result < 0)
        secured->end = result;
}

size_t secured_read(
        struct secured *secured, uint8_t message[static DTLS_MESSAGE_SIZE_MAX], int64_t now_ms)
{
    int size = secured->end == -EAGAIN && secured->dtls
            ? dtls_read(secured->dtls, message, DTLS_MESSAGE_SIZE_MAX, now_ms)
            : -EAGAIN;

    if (size > 0)
        return (size_t)size;
    if (secured->end == -EAGAIN)
        secured->end = size;
    return 0;
}

void secured_tick(struct secured *secured, int64_t now_ms)
{
    int result = secured->dtls && secured->end == -EAGAIN ? dtls_tick(secured->dtls, now_ms) : 0;

    if (result < 0)
        secured->end = result;
}
