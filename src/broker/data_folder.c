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

void data_folder_choose(const struct data_folder_wishes *wishes, char out[STORE_PATH_MAX + 1])
{
    size_t size;

    snprintf(out, STORE_PATH_MAX + 1, "%s", choice(wishes));
    /* With a slash behind it, a link would be followed where it must not be. */
    for (size = strlen(out); size > 1 && out[size - 1] == '/'; size--)
        out[size - 1] = '\0';
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
