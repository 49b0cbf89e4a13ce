/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/link.h"

#include <assert.h>
#include <errno.h>

/* The room made at once for more of a large packet: one who only announces it gets no more. */
enum { LARGE_STEP = 64 * 1024 };

static_assert(sizeof(struct link) <= 96, "an idle connection is to cost little");

struct link *link_new(
        const struct memory *memory, struct stream *stream, unsigned entrance, int64_t now_ms)
{
    struct link *link = memory_take_zeroed(memory, sizeof(*link));

    if (!link)
        return NULL;
    link->waiter.kind = WAITER_LINK;
    link->entrance = (uint8_t)entrance;
    link->stream = stream;
    link->moment_ms = now_ms;
    list_init(&link->node);
    return link;
}

static void drop_leftover(struct link *link, const struct memory *memory, struct core *core)
{
    struct leftover *leftover = link->leftover;

    if (!leftover)
        return;
    if (leftover->owner)
        message_release(core, leftover->owner);
    memory_give(memory, leftover, leftover->size);
    link->leftover = NULL;
}

void link_close(
        struct link *link, const struct memory *memory, struct core *core, enum stream_end end)
{
    stream_close(link->stream, end);
    link->stream = NULL;
    drop_leftover(link, memory, core);
    buffer_reset(&link->input, memory);
    link->state = LINK_CLOSED;
}

void link_free(
        struct link *link, const struct memory *memory, struct core *core, enum stream_end end)
{
    link_close(link, memory, core, end);
    memory_give(memory, link, sizeof(*link));
}

/* ---- Input ---- */

/* Reads behind what is kept, in the link's own buffer: for packets too large for the scratch. */
static int read_large(struct link *link, const struct memory *memory, struct bytes *in)
{
    uint32_t kept = link->input.size;
    size_t more = link->wanted > kept ? link->wanted - kept : LARGE_STEP;
    size_t step = kept > LARGE_STEP ? kept : LARGE_STEP;
    uint8_t *room;
    int size;

    if (more > step)
        more = step;
    room = buffer_room(&link->input, memory, more);
    if (!room)
        return -ENOMEM;
    size = stream_read(link->stream, room, more);
    if (size > 0)
        link->input.size += (uint32_t)size;
    *in = buffer_bytes(&link->input);
    return size;
}

int link_read(
        struct link *link, const struct memory *memory, struct scratch scratch, struct bytes *in)
{
    uint32_t kept = link->input.size;
    int size;

    if (kept > scratch.size / 2)
        return read_large(link, memory, in);
    size = stream_read(link->stream, scratch.data + kept, scratch.size - kept);
    if (size <= 0)
        return size;
    /* The few kept bytes are copied, so that they and what came are one piece. */
    if (kept > 0)
        memcpy(scratch.data, link->input.data, kept);
    *in = bytes_of(scratch.data, kept + (size_t)size);
    return size;
}

bool link_keep(
        struct link *link, const struct memory *memory, struct bytes in, size_t used, size_t wanted)
{
    assert(used <= in.size);
    link->wanted = (uint32_t)wanted;
    if (in.data == link->input.data) {
        buffer_consume(&link->input, memory, used);
        return true;
    }
    if (used == in.size) {
        buffer_reset(&link->input, memory);
        return true;
    }
    link->input.size = 0;
    return buffer_append(&link->input, memory, bytes_from(in, used));
}

/* ---- Output ---- */

/* Takes written bytes off the front of head and tail. */
static void take_off(struct bytes *head, struct bytes *tail, size_t size)
{
    size_t of_head = size < head->size ? size : head->size;

    *head = bytes_from(*head, of_head);
    *tail = bytes_from(*tail, size - of_head);
}

static struct iovec piece(struct bytes bytes)
{
    /* The pointer lacks a const, for struct iovec serves reads too; a write changes nothing. */
    return (struct iovec){ .iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.size };
}

/* Writes both in one call. Returns 0 when the socket is gone on with, or -errno when it failed. */
static int write_once(struct stream *stream, struct bytes *head, struct bytes *tail)
{
    struct iovec pieces[2];
    size_t count = 0;
    int size;

    if (head->size > 0)
        pieces[count++] = piece(*head);
    if (tail->size > 0)
        pieces[count++] = piece(*tail);
    if (count == 0)
        return 0;
    size = stream_write(stream, pieces, count);
    if (size < 0)
        return size == -EAGAIN ? 0 : size;
    take_off(head, tail, (size_t)size);
    return 0;
}

static int keep_leftover(struct link *link, const struct memory *memory, struct bytes head,
        struct bytes tail, struct message *owner)
{
    size_t size = sizeof(struct leftover) + head.size;
    struct leftover *leftover = memory_take(memory, size);
    uint8_t *copy;

    if (!leftover)
        return -ENOMEM;
    copy = (uint8_t *)(leftover + 1);
    if (head.size > 0)
        memcpy(copy, head.data, head.size);
    *leftover = (struct leftover){
        .head = bytes_of(copy, head.size), .tail = tail, .owner = owner, .size = size
    };
    link->leftover = leftover;
    return 0;
}

int link_write(
        struct link *link, const struct memory *memory, struct core *core, const struct output *out)
{
    struct bytes head = bytes_of(out->head, out->head_used);
    struct bytes tail = out->tail;
    int result = write_once(link->stream, &head, &tail);

    assert(!link->leftover);
    if (result == 0 && head.size + tail.size > 0) {
        result = keep_leftover(link, memory, head, tail, tail.size > 0 ? out->owner : NULL);
        if (result == 0 && tail.size > 0)
            return 0;
    }
    if (out->owner)
        message_release(core, out->owner);
    return result;
}

int link_flush(struct link *link, const struct memory *memory, struct core *core)
{
    struct leftover *leftover = link->leftover;
    int result;

    if (!leftover)
        return 0;
    result = write_once(link->stream, &leftover->head, &leftover->tail);
    if (leftover->head.size + leftover->tail.size == 0)
        drop_leftover(link, memory, core);
    return result;
}

size_t link_leftover_size(const struct link *link)
{
    return link->leftover ? link->leftover->head.size + link->leftover->tail.size : 0;
}
