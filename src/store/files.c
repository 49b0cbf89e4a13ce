/* SPDX-License-Identifier: Apache-2.0 */
#include "store/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MODE = 0600,
    SELF_PATH_SIZE = 32,
    ZEROS_SIZE = 4096, /* that are written from, so many times at once: */
    ZEROS_PIECES = 16,
};

static int result_of(int result)
{
    return result < 0 ? -errno : result;
}

static int fd_of(void *context)
{
    const struct folder *folder = context;

    return folder->fd;
}

/* Relaxed, here as everywhere: who else looks only asks whether it is a file of its own. */
static int direct_of(const struct folder *folder)
{
    return atomic_load_explicit(&folder->direct_of, memory_order_relaxed);
}

static void set_direct(struct folder *folder, int direct, int file)
{
    if (folder->direct >= 0)
        close(folder->direct);
    folder->direct = direct;
    atomic_store_explicit(&folder->direct_of, file, memory_order_relaxed);
}

static int open_file(void *context, const char *name, bool create)
{
    const struct folder *folder = context;
    int flags = O_CLOEXEC | O_NOFOLLOW | (folder->buffer ? O_RDWR : O_RDONLY);

    if (create)
        flags |= O_CREAT | O_EXCL;
    return result_of(openat(folder->fd, name, flags, FILE_MODE));
}

static void close_file(void *context, int file)
{
    struct folder *folder = context;

    if (direct_of(folder) == file)
        set_direct(folder, -1, -1);
    close(file);
}

static int64_t size_of_file(void *context, int file)
{
    struct stat status;

    (void)context;
    return fstat(file, &status) < 0 ? -errno : (int64_t)status.st_size;
}

static int64_t read_file(void *context, int file, void *buffer, size_t size, uint64_t offset)
{
    uint8_t *bytes = buffer;
    size_t done = 0;

    (void)context;
    while (done < size) {
        ssize_t got = pread(file, bytes + done, size - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

/* Takes `written` bytes off the front of the pieces. */
static void advance(struct iovec pieces[], size_t count, size_t *first, size_t written)
{
    while (*first < count && written >= pieces[*first].iov_len)
        written -= pieces[(*first)++].iov_len;
    if (*first < count) {
        pieces[*first].iov_base = (uint8_t *)pieces[*first].iov_base + written;
        pieces[*first].iov_len -= written;
    }
}

/* A container may answer EPERM for a call that it does not let through. */
static bool is_refusal(int error)
{
    return error == EINVAL || error == EOPNOTSUPP || error == ENOSYS || error == EPERM;
}

/* Returns 0; 1 when it has to be written otherwise; or -errno. */
static int write_direct(
        struct folder *folder, const struct iovec pieces[], size_t count, uint64_t offset)
{
    struct iovec whole = { folder->buffer, 0 };
    ssize_t written;

    for (size_t i = 0; i < count; i++) {
        if (pieces[i].iov_len > 0)
            memcpy(folder->buffer + whole.iov_len, pieces[i].iov_base, pieces[i].iov_len);
        whole.iov_len += pieces[i].iov_len;
    }
    do
        written = pwritev2(folder->direct, &whole, 1, (off_t)offset, RWF_DSYNC);
    while (written < 0 && errno == EINTR);
    if (written < 0 && !is_refusal(errno))
        return -errno;
    if (written < 0) {
        folder->way = FILES_DSYNC;
        set_direct(folder, -1, -1);
    }
    return written < 0 || (size_t)written < whole.iov_len;
}

/* The second descriptor of a file is made when it is written for the first time. */
static bool open_direct(struct folder *folder, int file)
{
    char path[SELF_PATH_SIZE];

    if (direct_of(folder) != file) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
        set_direct(folder, open(path, O_WRONLY | O_DIRECT | O_CLOEXEC), file);
    }
    if (folder->direct < 0)
        folder->way = FILES_DSYNC;
    return folder->direct >= 0;
}

static bool can_be_direct(
        struct folder *folder, int file, const struct iovec pieces[], size_t count, uint64_t offset)
{
    size_t size = 0;

    if (folder->way != FILES_DIRECT)
        return false;
    for (size_t i = 0; i < count && size <= FILES_DIRECT_MAX; i++)
        size += pieces[i].iov_len;
    return size <= FILES_DIRECT_MAX && size % FILES_ALIGNMENT == 0 &&
            offset % FILES_ALIGNMENT == 0 && open_direct(folder, file);
}

/* Writes some of them. Where RWF_DSYNC is not known, pwritev2() may not be there at all. */
static ssize_t write_pieces(
        int file, const struct iovec pieces[], int count, off_t offset, enum files_way way)
{
    if (way == FILES_FLUSH)
        return pwritev(file, pieces, count, offset);
    return pwritev2(file, pieces, count, offset, RWF_DSYNC);
}

/* Writes all of them through the system's memory; the way may turn out to be another one. */
static int write_through(
        int file, const struct iovec pieces[], size_t count, uint64_t offset, enum files_way *way)
{
    struct iovec left[FILES_PIECES_MAX];
    size_t first = 0;

    for (size_t i = 0; i < count; i++)
        left[i] = pieces[i];
    advance(left, count, &first, 0);
    while (first < count) {
        ssize_t written =
                write_pieces(file, left + first, (int)(count - first), (off_t)offset, *way);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && *way != FILES_FLUSH && is_refusal(errno)) {
            *way = FILES_FLUSH;
            continue;
        }
        if (written < 0)
            return -errno;
        if (written == 0)
            return -EIO;
        offset += (uint64_t)written;
        advance(left, count, &first, (size_t)written);
    }
    return 0;
}

/* Bytes that a flush has failed for may be lost without another word. */
static int flush_file(void *context, int file)
{
    (void)context;
    return fdatasync(file) < 0 ? -EIO : 0;
}

static int write_file(
        void *context, int file, const struct iovec pieces[], size_t count, uint64_t offset)
{
    struct folder *folder = context;
    enum files_way way;
    int result = 1;

    if (count > FILES_PIECES_MAX)
        return -EINVAL;
    if (can_be_direct(folder, file, pieces, count, offset))
        result = write_direct(folder, pieces, count, offset);
    if (result <= 0)
        return result;
    way = folder->way;
    result = write_through(file, pieces, count, offset, &way);
    if (way == FILES_FLUSH)
        folder->way = FILES_FLUSH;
    return result == 0 && way == FILES_FLUSH ? flush_file(folder, file) : result;
}

static int put_file(
        void *context, int file, const struct iovec pieces[], size_t count, uint64_t offset)
{
    enum files_way way = FILES_FLUSH;

    (void)context;
    return count > FILES_PIECES_MAX ? -EINVAL : write_through(file, pieces, count, offset, &way);
}

/* Writes some zeros, at most `size`. Returns how many, or -1, as pwritev() does. */
static ssize_t write_some_zeros(int file, uint64_t at, uint64_t size)
{
    static const uint8_t zeros[ZEROS_SIZE];
    struct iovec pieces[ZEROS_PIECES];
    int count = 0;

    for (; size > 0 && count < ZEROS_PIECES; count++) {
        size_t more = size < sizeof(zeros) ? (size_t)size : sizeof(zeros);

        pieces[count] = (struct iovec){ .iov_base = (void *)(uintptr_t)zeros, .iov_len = more };
        size -= more;
    }
    return pwritev(file, pieces, count, (off_t)at);
}

/* Where the file system cannot reserve, zeros behind what is there take the room. */
static int write_zeros(int file, uint64_t there, uint64_t size)
{
    for (uint64_t done = there; done < size;) {
        ssize_t written = write_some_zeros(file, done, size - done);

        if (written < 0 && errno != EINTR)
            return -errno;
        if (written == 0)
            return -EIO;
        done += written > 0 ? (uint64_t)written : 0;
    }
    return 0;
}

static int reserve_file(void *context, int file, uint64_t size)
{
    int64_t there;
    int result;

    do
        result = fallocate(file, 0, 0, (off_t)size);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        return 0;
    if (errno != EOPNOTSUPP)
        return -errno;
    there = size_of_file(context, file);
    return there < 0 ? (int)there : write_zeros(file, (uint64_t)there, size);
}

/* What was written stays out of the system's memory: later writes go past it. */
static int prewrite_file(void *context, int file, uint64_t size)
{
    int64_t there = size_of_file(context, file);
    int result = there < 0 ? (int)there : reserve_file(context, file, size);

    if (result < 0 || (uint64_t)there >= size)
        return result;
    result = write_zeros(file, (uint64_t)there, size);
    if (result == 0)
        result = flush_file(context, file);
    if (result == 0)
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    return result;
}

static int rename_file(void *context, const char *from, const char *to)
{
    return result_of(renameat(fd_of(context), from, fd_of(context), to));
}

static int remove_file(void *context, const char *name)
{
    return result_of(unlinkat(fd_of(context), name, 0));
}

static int sync_folder(void *context)
{
    return result_of(fsync(fd_of(context)));
}

static int list_files(void *context, int (*each)(void *to, const char *name), void *to)
{
    int fd = openat(fd_of(context), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int result = 0;

    if (!folder) {
        result = -errno;
        if (fd >= 0)
            close(fd);
        return result;
    }
    while (result == 0) {
        errno = 0;
        entry = readdir(folder);
        if (!entry)
            break;
        result = each(to, entry->d_name);
    }
    if (result == 0)
        result = -errno;
    closedir(folder);
    return result;
}

static void fill(struct files *files, struct folder *folder, int fd, uint8_t *buffer)
{
    folder->fd = fd;
    folder->way = FILES_DIRECT;
    folder->direct = -1;
    atomic_init(&folder->direct_of, -1);
    folder->buffer = buffer;
    *files = (struct files){ open_file, close_file, size_of_file, read_file, write_file, put_file,
        flush_file, reserve_file, prewrite_file, rename_file, remove_file, sync_folder, list_files,
        folder };
}

static int open_folder(const char *path)
{
    return result_of(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int files_open(struct files *files, struct folder *folder, const char *path)
{
    int fd = open_folder(path);
    uint8_t *buffer = NULL;
    int result = 0;

    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        result = errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (result == 0)
        buffer = aligned_alloc(FILES_ALIGNMENT, FILES_DIRECT_MAX);
    if (result == 0 && !buffer)
        result = -ENOMEM;
    if (result < 0) {
        close(fd);
        return result;
    }
    fill(files, folder, fd, buffer);
    return 0;
}

int files_open_reading(struct files *files, struct folder *folder, const char *path, bool *in_use)
{
    int fd = open_folder(path);

    if (fd < 0)
        return fd;
    *in_use = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    flock(fd, LOCK_UN);
    fill(files, folder, fd, NULL);
    return 0;
}

void files_close(struct folder *folder)
{
    set_direct(folder, -1, -1);
    free(folder->buffer);
    close(folder->fd);
}
