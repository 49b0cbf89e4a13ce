/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 65536 }; /* bytes that are read at once */

/* Room for one more chunk behind what there is. */
static bool make_room(struct client_source *source)
{
    size_t size = source->size > 0 ? source->size * 2 : CHUNK;
    char *memory;

    if (source->size - source->used >= CHUNK)
        return true;
    memory = (char *)realloc(source->memory, size + CHUNK);
    if (!memory)
        return false;
    source->memory = memory;
    source->size = size + CHUNK;
    return true;
}

/* Reads a chunk; false when that fails. */
static bool read_chunk(struct client_source *source)
{
    ssize_t count;

    if (!make_room(source))
        return false;
    do
        count = read(source->fd, source->memory + source->used, CHUNK);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return false;
    source->used += (size_t)count;
    source->ended = count == 0;
    return true;
}

static bool read_all(struct client_source *source)
{
    while (!source->ended)
        if (source->used > CLIENT_PAYLOAD_MAX || !read_chunk(source))
            return false;
    source->whole = nj_bytes_of(source->memory, source->used);
    return source->used <= CLIENT_PAYLOAD_MAX;
}

static bool open_file(struct client_source *source, const char *path)
{
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd >= 0 && (source->lines || read_all(source)))
        return true;
    if (source->fd < 0)
        fprintf(stderr, "Error: Unable to open file \"%s\".\n", path);
    fprintf(stderr, "Error loading input file \"%s\".\n", path);
    return false;
}

bool client_source_open(struct client_source *source, const struct client_options *options)
{
    *source = (struct client_source){ .fd = -1, .ended = true };
    switch (options->payload) {
    case CLIENT_PAYLOAD_NONE:
    case CLIENT_PAYLOAD_NULL:
        return true;
    case CLIENT_PAYLOAD_TEXT:
        source->whole = nj_text(options->payload_text);
        return true;
    case CLIENT_PAYLOAD_FILE:
        source->ended = false;
        return open_file(source, options->payload_text);
    case CLIENT_PAYLOAD_FILE_LINES:
        source->lines = true;
        source->ended = false;
        return open_file(source, options->payload_text);
    case CLIENT_PAYLOAD_STDIN_LINES:
        source->lines = true;
        source->ended = false;
        source->fd = STDIN_FILENO;
        return true;
    case CLIENT_PAYLOAD_STDIN:
        source->ended = false;
        source->fd = STDIN_FILENO;
        if (read_all(source))
            return true;
        fputs("Error loading input from stdin.\n", stderr);
        return false;
    }
    return false;
}

bool client_source_read(struct client_source *source)
{
    size_t left = source->used - source->taken;
    size_t searched = source->searched > source->taken ? source->searched - source->taken : 0;

    if (source->taken > 0)
        memmove(source->memory, source->memory + source->taken, left);
    if (left > searched && !memchr(source->memory + searched, '\n', left - searched))
        searched = left;
    source->used = left;
    source->taken = 0;
    source->searched = searched;
    if (left <= CLIENT_PAYLOAD_MAX && read_chunk(source))
        return true;
    source->ended = true;
    return false;
}

bool client_source_line(const struct client_source *source, struct nj_bytes *line)
{
    size_t from = source->searched > source->taken ? source->searched : source->taken;
    const char *start = source->memory + source->taken;
    const char *end = NULL;

    if (source->used == source->taken)
        return false;
    if (source->used > from)
        end = (const char *)memchr(source->memory + from, '\n', source->used - from);
    if (!end && !source->ended)
        return false;
    *line = nj_bytes_of(start, (size_t)((end ? end : source->memory + source->used) - start));
    return true;
}

void client_source_take(struct client_source *source, struct nj_bytes line)
{
    source->taken += line.size;
    if (source->taken < source->used)
        source->taken++; /* its end */
}

void client_source_close(struct client_source *source)
{
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    free(source->memory);
}
