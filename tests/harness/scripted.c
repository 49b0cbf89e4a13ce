/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/scripted.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static struct scripted *scripted_of(struct stream *stream)
{
    return (struct scripted *)stream;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int scripted_read(struct stream *stream, void *buffer, size_t size)
{
    struct scripted *scripted = scripted_of(stream);

    assert(size > 0 && !scripted->closed);
    if (scripted->input.size == 0)
        return scripted->ended ? 0 : -EAGAIN;
    size = least(size, scripted->input.size);
    if (scripted->read_max > 0)
        size = least(size, scripted->read_max);
    memcpy(buffer, scripted->input.data, size);
    scripted->input = bytes_from(scripted->input, size);
    return (int)size;
}

/* What was refused before must come again, first. */
static void expect_refused(const struct scripted *scripted, struct bytes offered)
{
    assert(bytes_start_with(offered, bytes_of(scripted->refused, scripted->refused_size)));
}

static uint8_t *resized(uint8_t *block, size_t size)
{
    uint8_t *made = realloc(block, size + 1);

    assert(made);
    return made;
}

static void take(struct scripted *scripted, struct bytes bytes)
{
    size_t size = least(bytes.size, scripted->room);

    scripted->output = resized(scripted->output, scripted->output_size + size);
    memcpy(scripted->output + scripted->output_size, bytes.data, size);
    scripted->output_size += size;
    scripted->room -= size;
    bytes = bytes_from(bytes, size);
    scripted->refused = resized(scripted->refused, bytes.size);
    memcpy(scripted->refused, bytes.data, bytes.size);
    scripted->refused_size = bytes.size;
}

static int scripted_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    struct scripted *scripted = scripted_of(stream);
    size_t before = scripted->output_size;
    uint8_t *offered = NULL;
    size_t size = 0;

    assert(!scripted->closed && !scripted->shut && count <= STREAM_PIECES_MAX);
    if (scripted->write_error < 0)
        return scripted->write_error;
    for (size_t i = 0; i < count; i++) {
        offered = resized(offered, size + pieces[i].iov_len);
        memcpy(offered + size, pieces[i].iov_base, pieces[i].iov_len);
        size += pieces[i].iov_len;
    }
    if (size > 0) {
        expect_refused(scripted, bytes_of(offered, size));
        take(scripted, bytes_of(offered, size));
    }
    free(offered);
    if (size > 0 && scripted->output_size == before)
        return -EAGAIN;
    return (int)(scripted->output_size - before);
}

static int scripted_shutdown(struct stream *stream)
{
    scripted_of(stream)->shut = true;
    return 0;
}

static void scripted_hasten(struct stream *stream)
{
    (void)stream;
}

static void scripted_close(struct stream *stream, enum stream_end end)
{
    assert(!scripted_of(stream)->closed);
    scripted_of(stream)->closed = true;
    scripted_of(stream)->how = end;
}

static unsigned scripted_waits(const struct stream *stream, unsigned wanted)
{
    (void)stream;
    return wanted;
}

static int scripted_fd(const struct stream *stream)
{
    (void)stream;
    return -1;
}

static const char *scripted_failure(const struct stream *stream)
{
    (void)stream;
    return NULL;
}

static void scripted_peer(const struct stream *stream, struct stream_peer *out)
{
    *out = ((const struct scripted *)stream)->peer;
}

void scripted_init(struct scripted *scripted, struct bytes input)
{
    static const struct stream_functions functions = {
        .read = scripted_read,
        .write = scripted_write,
        .shutdown = scripted_shutdown,
        .hasten = scripted_hasten,
        .close = scripted_close,
        .waits = scripted_waits,
        .fd = scripted_fd,
        .failure = scripted_failure,
        .peer = scripted_peer,
    };

    *scripted =
            (struct scripted){ .stream.functions = &functions, .input = input, .room = SIZE_MAX };
}

void scripted_deinit(struct scripted *scripted)
{
    assert(scripted->closed);
    free(scripted->output);
    free(scripted->refused);
}

struct bytes scripted_take_output(struct scripted *scripted)
{
    struct bytes all = bytes_of(scripted->output, scripted->output_size);
    struct bytes taken = bytes_from(all, scripted->output_taken);

    scripted->output_taken = scripted->output_size;
    return taken;
}
