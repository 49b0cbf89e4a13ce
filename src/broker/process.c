/* SPDX-License-Identifier: Apache-2.0 */
/* initgroups() is in every Unix but not in POSIX. */
#define _DEFAULT_SOURCE
#include "broker/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int process_raise_descriptors(uint64_t *out)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    *out = limit.rlim_cur;
    return 0;
}

bool process_is_root(void)
{
    return geteuid() == 0;
}

int process_find_user(struct process_user *out, const char *name)
{
    struct passwd *found;

    errno = 0;
    found = getpwnam(name);
    if (!found)
        return errno != 0 ? -errno : -ENOENT;
    *out = (struct process_user){ .name = name, .user = found->pw_uid, .group = found->pw_gid };
    return 0;
}

int process_find_runner(struct process_user *out, const char *name)
{
    int result = process_find_user(out, name);

    if (result != -ENOENT || strcmp(name, "mosquitto") != 0)
        return result;
    result = process_find_user(out, "nobody");
    return result == 0 ? 1 : result;
}

int process_become(const struct process_user *user)
{
    if (initgroups(user->name, user->group) < 0 || setgid(user->group) < 0 ||
            setuid(user->user) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

/* Input and output become /dev/null, so that nothing opened later gets their numbers. */
static int detach_output(void)
{
    int fd = open("/dev/null", O_RDWR);

    if (fd < 0)
        return -errno;
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
        if (dup2(fd, i) < 0)
            return -errno;
    }
    if (fd > STDERR_FILENO)
        close(fd);
    return 0;
}

int process_daemonise(void)
{
    pid_t child = fork();

    if (child != 0)
        return child < 0 ? -errno : 1;
    if (setsid() < 0)
        return -errno;
    return detach_output();
}

static int fill_pid_file(int fd, const struct process_user *user)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return dprintf(fd, "%ld", (long)getpid()) < 0 ? -errno : 0;
    if (status.st_nlink != 1)
        return -EMLINK;
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld", (long)getpid()) < 0 ||
            (user && fchown(fd, user->user, user->group) < 0))
        return -errno;
    return 0;
}

int process_write_pid(const char *path, const struct process_user *user)
{
    /* The folder mostly is the user's, who is to get no other file by a link that he puts there. */
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    int result;

    if (fd < 0)
        return -errno;
    result = fill_pid_file(fd, user);
    close(fd);
    return result;
}

int process_random(void *out, size_t size)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t taken;
    int result;

    if (fd < 0)
        return -errno;
    taken = read(fd, out, size); /* never short for so little */
    result = taken < 0 ? -errno : (size_t)taken == size ? 0 : -EIO;
    close(fd);
    return result;
}
