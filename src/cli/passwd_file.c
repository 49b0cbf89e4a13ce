/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passwd_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static int read_text(struct passwd_file *file)
{
    size_t size = 0;

    if (file->status.st_size > PASSWD_FILE_BYTES_MAX)
        return -EFBIG;
    file->text = malloc((size_t)file->status.st_size + 1);
    if (!file->text)
        return -ENOMEM;
    while (size < (size_t)file->status.st_size) {
        ssize_t got = read(file->fd, file->text + size, (size_t)file->status.st_size - size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    file->size = size;
    return 0;
}

/* Locks the file that the path names. Returns 1 when another one has replaced it meanwhile. */
static int lock(struct passwd_file *file)
{
    struct stat now;

    file->fd = open(file->path, O_RDWR | O_CLOEXEC);
    if (file->fd < 0)
        return -errno;
    while (flock(file->fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    if (fstat(file->fd, &file->status) < 0)
        return -errno;
    if (!S_ISREG(file->status.st_mode))
        return -EINVAL;
    if (stat(file->path, &now) < 0 || now.st_ino != file->status.st_ino) {
        close(file->fd);
        file->fd = -1;
        return 1;
    }
    return 0;
}

int passwd_file_open(struct passwd_file *out, const char *path, bool create)
{
    struct passwd_file file = { .path = realpath(path, NULL), .fd = -1 };
    int result = file.path ? 1 : -errno;

    if (result == -ENOENT && create) {
        file.path = strdup(path);
        result = file.path ? 0 : -ENOMEM;
    } else {
        while (file.path && result > 0)
            result = lock(&file);
    }
    if (result == 0 && file.fd >= 0 && !create)
        result = read_text(&file);
    if (result == 0)
        *out = file;
    else
        passwd_file_close(&file);
    return result;
}

static int write_text(int fd, struct bytes text)
{
    while (text.size > 0) {
        ssize_t written = write(fd, text.data, text.size);

        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0)
            text = bytes_from(text, (size_t)written);
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* Makes it the old one's like: owner and group first, for a change of them clears rights. */
static int take_over_rights(const struct passwd_file *file, int fd)
{
    if (file->fd < 0)
        return 0;
    if (fchown(fd, file->status.st_uid, file->status.st_gid) < 0 ||
            fchmod(fd, file->status.st_mode & (S_IRWXU | S_IRWXG)) < 0)
        return -errno;
    return 0;
}

/* So that the new name is on disk too. */
static int sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int result = fd < 0 || fsync(fd) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    free(copy);
    return result;
}

int passwd_file_replace(const struct passwd_file *file, struct bytes text)
{
    size_t size = strlen(file->path) + sizeof(".XXXXXX");
    char *path = malloc(size);
    int result;
    int fd;

    if (!path)
        return -ENOMEM;
    snprintf(path, size, "%s.XXXXXX", file->path);
    fd = mkstemp(path); /* with mode 0600 */
    if (fd < 0) {
        result = -errno;
        free(path);
        return result;
    }
    result = take_over_rights(file, fd);
    if (result == 0)
        result = write_text(fd, text);
    if (result == 0 && rename(path, file->path) < 0)
        result = -errno;
    if (result < 0)
        unlink(path);
    else
        result = sync_directory(file->path);
    close(fd);
    free(path);
    return result;
}

void passwd_file_close(struct passwd_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->text);
    free(file->path);
}
