/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_file.h"

#include "net/stream.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PADDING = 8,           /* of it each record has a multiple, so that what it holds is aligned */
    PARTS_MAX = 4,         /* of a record, but for its head and the padding */
    SMALL_SIZE = 64 << 10, /* a file of so many bytes, or half its limit, is never wasteful */
};

enum kind { KIND_CLIENT = 1, KIND_RECORD, KIND_STATES };

/*
 * A file is read by a machine like the one that has written it, so numbers lie in it as they lie in
 * memory. It begins with a signature, which says the version of its form, and with a number of
 * which each byte is another one.
 */
struct start {
    char signature[16];
    uint64_t order;
};

static const struct start start = { "nightjar link 2", 0x0102030405060708 };

struct head {
    uint32_t size; /* of what follows, without the padding */
    uint32_t check;
    uint32_t kind;
    uint32_t size_again; /* inverted; 0 in files of before there was this, and where a power cut has
                            left no more of a head */
};

/* What stands before a message's topic, properties and payload. */
struct record {
    uint64_t number;
    uint64_t tag;
    uint32_t properties_size;
    uint16_t topic_size;
    uint8_t qos;
    uint8_t retain;
};

/* What stands before the lists of a session's state: flights, done, and held. */
struct counts {
    uint32_t flights;
    uint32_t held;
    uint64_t done;
};

static const char new_suffix[] = ".new";

struct link_file {
    uint64_t size;
    uint64_t size_max;
    uint64_t old_size; /* while a new one is written */
    int old_fd;        /* while a new one is written; else -1 */
    int fd;
    bool sync;
    char *failure; /* the opener's, for sentences */
    char *new_path;
    const char *folder;
    char path[]; /* behind it lie the other two */
};

/* What has come of something: NJ_OK, or NJ_FILE with a sentence where the result is a -errno. */
static enum nj_error outcome(struct link_file *file, const char *what, int result)
{
    return result == 0
            ? NJ_OK
            : failure_tell(file->failure, NJ_FILE, "cannot %s the file for messages %s: %s", what,
                      file->path, strerror(-result));
}

/* The same of a system call that has just failed. */
static enum nj_error fail(struct link_file *file, const char *what)
{
    return outcome(file, what, -errno);
}

/* ---- Writing ---- */

/* With what the check of a record begins, which finds what was not written whole. It is folded to
 * what a head has room for. */
static uint64_t check_begun(uint64_t kind, uint32_t size)
{
    return kind ^ (uint64_t)size << 32;
}

static uint32_t folded(uint64_t check)
{
    return (uint32_t)(check ^ check >> 32);
}

static uint64_t padded(uint64_t size)
{
    return (size + PADDING - 1) & ~(uint64_t)(PADDING - 1);
}

/* Goes to where the file ends from now on. 0, or -errno. */
static int cut(const struct link_file *file, uint64_t size)
{
    return ftruncate(file->fd, (off_t)size) < 0 || lseek(file->fd, (off_t)size, SEEK_SET) < 0
            ? -errno
            : 0;
}

/* All of it, in one write. 0, or -errno. */
static int write_all(struct link_file *file, const struct iovec pieces[], int count)
{
    ssize_t size = 0, written;

    for (int i = 0; i < count; i++)
        size += (ssize_t)pieces[i].iov_len;
    do
        written = writev(file->fd, pieces, count);
    while (written < 0 && errno == EINTR);
    if (written != size)
        return written < 0 ? -errno : -ENOSPC;
    file->size += (uint64_t)size;
    return 0;
}

/* Adds a record of that kind, made of these parts; all of it or, but for a crash, nothing. */
static enum nj_error append(
        struct link_file *file, enum kind kind, const struct nj_bytes parts[static PARTS_MAX])
{
    static const uint8_t zeros[PADDING];
    struct iovec pieces[1 + PARTS_MAX + 1];
    struct head head = { .kind = kind };
    uint64_t check;
    int result;

    for (size_t i = 0; i < PARTS_MAX; i++) {
        head.size += (uint32_t)parts[i].size;
        pieces[1 + i] = stream_piece(bytes_of(parts[i].data, parts[i].size));
    }
    head.size_again = ~head.size;
    pieces[0] = stream_piece(bytes_of(&head, sizeof(head)));
    pieces[1 + PARTS_MAX] = stream_piece(bytes_of(zeros, padded(head.size) - head.size));
    check = check_begun(kind, head.size);
    for (size_t i = 1; i < 1 + PARTS_MAX + 1; i++)
        check = link_check(check, bytes_of(pieces[i].iov_base, pieces[i].iov_len));
    head.check = folded(check);
    result = write_all(file, pieces, 1 + PARTS_MAX + 1);
    if (result == 0)
        return file->sync && fdatasync(file->fd) < 0 ? fail(file, "write") : NJ_OK;
    outcome(file, "write", result);
    /* What was written of it would hide what comes behind it. */
    outcome(file, "repair", cut(file, file->size));
    return NJ_FILE;
}

enum nj_error link_file_add_client(struct link_file *file, struct nj_bytes client_id)
{
    return append(file, KIND_CLIENT, (const struct nj_bytes[PARTS_MAX]){ client_id });
}

uint64_t link_file_size_of(const struct nj_message *message)
{
    return sizeof(struct head) +
            padded(sizeof(struct record) + (uint64_t)message->topic.size +
                    message->properties.size + message->payload.size);
}

enum nj_error link_file_add(
        struct link_file *file, uint64_t number, uint64_t tag, const struct nj_message *message)
{
    const struct record form = { number, tag, (uint32_t)message->properties.size,
        (uint16_t)message->topic.size, message->qos, message->retain };
    const struct nj_bytes parts[PARTS_MAX] = { nj_bytes_of(&form, sizeof(form)), message->topic,
        message->properties, message->payload };

    if (file->size + link_file_size_of(message) > file->size_max)
        return failure_tell(file->failure, NJ_FULL,
                "the file for messages %s has reached its limit of %llu bytes (file_bytes)",
                file->path, (unsigned long long)file->size_max);
    return append(file, KIND_RECORD, parts);
}

enum nj_error link_file_add_states(struct link_file *file, const struct link_states *states)
{
    const struct counts counts = { states->flight_count, states->held_count, states->done_count };
    const struct nj_bytes parts[PARTS_MAX] = {
        nj_bytes_of(&counts, sizeof(counts)),
        nj_bytes_of(states->flights, states->flight_count * sizeof(*states->flights)),
        nj_bytes_of(states->done, states->done_count * sizeof(*states->done)),
        nj_bytes_of(states->held, states->held_count * sizeof(*states->held)),
    };

    return append(file, KIND_STATES, parts);
}

/* ---- Reading ---- */

static enum nj_error read_record(struct bytes body, const struct link_file_reader *reader)
{
    const struct record *form = (const void *)body.data;
    struct link_record record;
    const uint8_t *from = body.data + sizeof(*form);
    size_t size;

    if (body.size < sizeof(*form))
        return NJ_FILE;
    size = (size_t)form->topic_size + form->properties_size;
    if (body.size - sizeof(*form) < size || form->qos == 0 || form->qos > 2)
        return NJ_FILE;
    record = (struct link_record){
        form->number,
        form->tag,
        {
                nj_bytes_of(from, form->topic_size),
                nj_bytes_of(from + size, body.size - sizeof(*form) - size),
                nj_bytes_of(from + form->topic_size, form->properties_size),
                .qos = form->qos,
                .retain = form->retain,
        },
    };
    return reader->record(reader->context, &record);
}

static enum nj_error read_states(struct bytes body, const struct link_file_reader *reader)
{
    const struct counts *counts = (const void *)body.data;
    struct link_states states;

    if (body.size < sizeof(*counts) || counts->done > body.size ||
            body.size !=
                    sizeof(*counts) + counts->flights * (uint64_t)sizeof(*states.flights) +
                            counts->done * sizeof(*states.done) +
                            counts->held * (uint64_t)sizeof(*states.held))
        return NJ_FILE;
    states.flights = (const void *)(counts + 1);
    states.done = (const void *)(states.flights + counts->flights);
    states.held = (const void *)(states.done + counts->done);
    states.flight_count = counts->flights;
    states.held_count = counts->held;
    states.done_count = (uint32_t)counts->done;
    return reader->states(reader->context, &states);
}

static enum nj_error read_body(
        uint64_t kind, struct bytes body, const struct link_file_reader *reader)
{
    switch (kind) {
    case KIND_CLIENT:
        return reader->client(reader->context, nj_bytes_of(body.data, body.size));
    case KIND_RECORD:
        return read_record(body, reader);
    case KIND_STATES:
        return read_states(body, reader);
    default:
        return NJ_FILE;
    }
}

static bool is_zero(struct bytes bytes)
{
    return bytes.data[0] == 0 && memcmp(bytes.data, bytes.data + 1, bytes.size - 1) == 0;
}

/* Takes the records of a file, of which all is aligned; *good gets the size of what is whole. */
static enum nj_error replay(
        struct bytes rest, const struct link_file_reader *reader, uint64_t *good)
{
    enum nj_error error = NJ_OK;

    for (*good = 0; error == NJ_OK && rest.size > 0 && !is_zero(rest);) {
        const struct head *head = (const void *)rest.data;
        struct bytes body;
        uint64_t size;

        if (rest.size < sizeof(*head))
            return NJ_OK;
        /* A size that is wrong would seem to be that of a record which was not written whole. */
        if (head->size_again != 0 && head->size_again != ~head->size)
            return NJ_FILE;
        size = padded(head->size);
        if (rest.size - sizeof(*head) < size)
            return NJ_OK;
        body = bytes_of(head + 1, size);
        rest = bytes_from(rest, sizeof(*head) + size);
        if (folded(link_check(check_begun(head->kind, head->size), body)) != head->check)
            return rest.size == 0 ? NJ_OK : NJ_FILE;
        error = read_body(head->kind, bytes_first(body, head->size), reader);
        if (error == NJ_OK)
            *good += sizeof(*head) + size;
    }
    return error;
}

/* ---- Opening ---- */

/* The name of a file is on the disk when its folder is. */
static enum nj_error sync_folder(struct link_file *file)
{
    enum nj_error error = NJ_OK;
    int fd;

    if (!file->sync)
        return NJ_OK;
    fd = open(file->folder, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        error = fail(file, "flush");
    if (fd >= 0)
        close(fd);
    return error;
}

static enum nj_error begin_empty(struct link_file *file)
{
    const struct iovec begins = stream_piece(bytes_of(&start, sizeof(start)));
    int result = cut(file, 0);

    file->size = 0;
    if (result == 0)
        result = write_all(file, &begins, 1);
    return outcome(file, "write", result);
}

static enum nj_error read_from(
        struct link_file *file, struct bytes content, const struct link_file_reader *reader)
{
    struct bytes begins = bytes_of(&start, sizeof(start));
    uint64_t good = 0;
    enum nj_error error;

    if (content.size < begins.size && bytes_start_with(begins, content))
        return begin_empty(file); /* new, or it was killed in its first write */
    if (!bytes_start_with(content, begins))
        return failure_tell(file->failure, NJ_FILE,
                "the file for messages %s is none of this program's; name another one", file->path);
    file->failure[0] = '\0';
    error = replay(bytes_from(content, begins.size), reader, &good);
    file->size = begins.size + good;
    if (error == NJ_FILE && file->failure[0] == '\0')
        return failure_tell(file->failure, NJ_FILE,
                "the file for messages %s is broken at byte %llu; move it away to begin a new one",
                file->path, (unsigned long long)file->size);
    return error == NJ_OK ? outcome(file, "repair", cut(file, file->size)) : error;
}

/* Opens, and holds it alone; *opened is what it is. Another link may put a new file in its place
 * meanwhile. */
static enum nj_error open_alone(struct link_file *file, struct stat *opened)
{
    struct stat named;

    for (;;) {
        file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file->fd < 0)
            return fail(file, "open");
        if (flock(file->fd, LOCK_EX | LOCK_NB) < 0)
            return failure_tell(file->failure, NJ_FILE,
                    "the file for messages %s is in use by another program or link", file->path);
        if (fstat(file->fd, opened) < 0)
            return fail(file, "open");
        if (stat(file->path, &named) == 0 && named.st_ino == opened->st_ino)
            return NJ_OK;
        close(file->fd);
    }
}

/* Reads the whole of it. */
static enum nj_error load(struct link_file *file, const struct link_file_reader *reader)
{
    struct stat opened = { 0 };
    enum nj_error error = open_alone(file, &opened);
    size_t size = 0;
    uint8_t *data;
    ssize_t count;

    if (error != NJ_OK)
        return error;
    data = malloc((size_t)opened.st_size + 1);
    if (!data)
        return NJ_NO_MEMORY;
    while ((count = read(file->fd, data + size, (size_t)opened.st_size - size)) > 0)
        size += (size_t)count;
    error = count < 0 ? fail(file, "read") : read_from(file, bytes_of(data, size), reader);
    free(data);
    return error == NJ_OK ? sync_folder(file) : error;
}

/* In one block with its names. NULL: no memory. */
static struct link_file *new_file(const struct nj_link_options *options)
{
    size_t size = strlen(options->file) + sizeof(new_suffix);
    struct link_file *file = calloc(1, sizeof(*file) + 3 * size);

    if (!file)
        return NULL;
    file->new_path = stpcpy(file->path, options->file) + 1;
    stpcpy(stpcpy(file->new_path, options->file), new_suffix);
    file->folder = dirname(strcpy(file->new_path + size, options->file));
    file->size_max = options->file_bytes;
    file->sync = options->file_sync;
    file->fd = file->old_fd = -1;
    return file;
}

enum nj_error link_file_open(struct link_file **out, const struct nj_link_options *options,
        const struct link_file_reader *reader, char failure[static FAILURE_SIZE])
{
    struct link_file *file = new_file(options);
    enum nj_error error;

    if (!file)
        return NJ_NO_MEMORY;
    file->failure = failure;
    error = load(file, reader);
    if (error == NJ_OK)
        *out = file;
    else
        link_file_close(file);
    return error;
}

void link_file_close(struct link_file *file)
{
    if (!file)
        return;
    link_file_keep(file);
    if (file->fd >= 0)
        close(file->fd);
    free(file);
}

/* ---- Writing it anew ---- */

bool link_file_is_wasteful(const struct link_file *file, uint64_t needed)
{
    uint64_t small = file->size_max / 2 < SMALL_SIZE ? file->size_max / 2 : SMALL_SIZE;

    return file->size > small && file->size / 2 > needed;
}

enum nj_error link_file_begin(struct link_file *file)
{
    int fd = open(file->new_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        fail(file, "write anew");
        if (fd >= 0)
            close(fd);
        return NJ_FILE;
    }
    file->old_fd = file->fd;
    file->old_size = file->size;
    file->fd = fd;
    if (begin_empty(file) == NJ_OK)
        return NJ_OK;
    link_file_keep(file);
    return NJ_FILE;
}

enum nj_error link_file_replace(struct link_file *file)
{
    /* The name must not come to the disk before the content does. */
    if (fdatasync(file->fd) < 0 || rename(file->new_path, file->path) < 0) {
        fail(file, "replace");
        link_file_keep(file);
        return NJ_FILE;
    }
    close(file->old_fd);
    file->old_fd = -1;
    return sync_folder(file);
}

void link_file_keep(struct link_file *file)
{
    if (file->old_fd < 0)
        return;
    close(file->fd);
    unlink(file->new_path);
    file->fd = file->old_fd;
    file->size = file->old_size;
    file->old_fd = -1;
}
