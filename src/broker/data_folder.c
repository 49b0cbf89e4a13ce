/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/data_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *choice(const struct data_folder_wishes *wishes)
{
    if (wishes->configured[0] != '\0')
        return wishes->configured;
    if (wishes->variable && wishes->variable[0] != '\0')
        return wishes->variable;
    if (wishes->is_root || data_folder_check(wishes->usual) == 0)
        return wishes->usual;
    return DATA_FOLDER_HERE;
}

void data_folder_trim(const char *path, char out[STORE_PATH_MAX + 1])
{
    size_t size;

    snprintf(out, STORE_PATH_MAX + 1, "%s", path);
    /* With a slash behind it, a link would be followed where it must not be. */
    for (size = strlen(out); size > 1 && out[size - 1] == '/'; size--)
        out[size - 1] = '\0';
}

void data_folder_choose(const struct data_folder_wishes *wishes, char out[STORE_PATH_MAX + 1])
{
    data_folder_trim(choice(wishes), out);
}

/* The folder may lie in one that is the user's, who is to get no other one by a link that he puts
 * in its place. */
static int give(const char *path, const struct process_user *user)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int result;

    if (fd < 0)
        return -errno;
    result = fchown(fd, user->user, user->group) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int data_folder_make(const char *path, const struct process_user *user)
{
    struct stat status;

    if (mkdir(path, S_IRWXU) == 0)
        return user ? give(path, user) : 0;
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &status) < 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

/* The folder that something lies in. */
static void find_parent(const char *path, char out[STORE_PATH_MAX + 1])
{
    char *slash;

    data_folder_trim(path, out);
    slash = strrchr(out, '/');
    if (!slash)
        strcpy(out, ".");
    else
        slash[slash == out] = '\0';
}

int data_folder_try(const char *path)
{
    char plain[STORE_PATH_MAX + 1];
    struct stat status;
    int result;

    data_folder_trim(path, plain);
    result = stat(plain, &status) < 0 ? -errno : 0;
    if (result == -ENOENT) {
        /* A link to nowhere is in the way of what would be made. */
        if (lstat(plain, &status) == 0)
            return -ENOENT;
        find_parent(path, plain);
        result = stat(plain, &status) < 0 ? -errno : 0;
    }
    if (result == 0 && !S_ISDIR(status.st_mode))
        return -ENOTDIR;
    /* What may not be looked at is for whom the server runs as to see. */
    return result == -ENOENT || result == -ENOTDIR ? result : 0;
}

int data_folder_check(const char *path)
{
    /* By the user that the process is now, not by the one that has started it. */
    return faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

bool data_folder_has(const char *path, const char *name)
{
    char file[STORE_PATH_MAX + 64];
    int size = snprintf(file, sizeof(file), "%s/%s", path, name);

    return size > 0 && (size_t)size < sizeof(file) && access(file, F_OK) == 0;
}
