/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVENTS_SIZE = 4096 }; /* read at once */

/* The way to a file: what is resolved, without links, and what is still to be. */
struct way {
    int fd;
    unsigned links;
    char done[PATH_MAX]; /* a folder; "" stands for the working directory */
    char rest[PATH_MAX];
};

int watch_open(void)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

void watch_close(int fd)
{
    close(fd);
}

static int watch_folder(int fd, const char *folder)
{
    static const uint32_t events = IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
            IN_DELETE_SELF | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF | IN_ONLYDIR;
    const char *path = folder[0] != '\0' ? folder : ".";

    return inotify_add_watch(fd, path, events) < 0 ? -errno : 0;
}

/* Takes the next name off the rest. False at the end, or for a name that is too long. */
static bool take_name(struct way *way, char name[static NAME_MAX + 1])
{
    size_t begin = strspn(way->rest, "/");
    size_t size = strcspn(way->rest + begin, "/");

    if (size == 0 || size > NAME_MAX)
        return false;
    memcpy(name, way->rest + begin, size);
    name[size] = '\0';
    memmove(way->rest, way->rest + begin + size, strlen(way->rest + begin + size) + 1);
    return true;
}

/* Joins two parts of a path, with `between` in between. False when that is too long. */
static bool join(
        char out[static PATH_MAX], const char *first, const char *between, const char *second)
{
    char joined[PATH_MAX];
    int size = snprintf(joined, sizeof(joined), "%s%s%s", first, between, second);

    if (size < 0 || (size_t)size >= sizeof(joined))
        return false;
    memcpy(out, joined, (size_t)size + 1);
    return true;
}

/* The place of a name in the folder that is resolved. */
static bool place_of(const struct way *way, const char *name, char out[static PATH_MAX])
{
    size_t size = strlen(way->done);
    bool needs_slash = size > 0 && way->done[size - 1] != '/';

    return join(out, way->done, needs_slash ? "/" : "", name);
}

/* What a link says stands in the place of its name. */
static int follow(struct way *way, const char *place)
{
    char target[PATH_MAX];
    ssize_t size = readlink(place, target, sizeof(target) - 1);

    if (size < 0)
        return -errno;
    target[size] = '\0';
    if (++way->links > WATCH_LINKS_MAX)
        return -ELOOP;
    if (!join(way->rest, target, "/", way->rest))
        return -ENAMETOOLONG;
    if (target[0] == '/')
        strcpy(way->done, "/");
    return 0;
}

/* Goes one name on. Returns 1 when there is more to go, 0 at the end, or -errno. */
static int step(struct way *way)
{
    char name[NAME_MAX + 1];
    char place[PATH_MAX];
    struct stat status;
    int result;

    if (!take_name(way, name))
        return 0;
    if (!place_of(way, name, place))
        return -ENAMETOOLONG;
    if (lstat(place, &status) < 0)
        return watch_folder(way->fd, way->done);
    if (S_ISLNK(status.st_mode)) {
        result = watch_folder(way->fd, way->done);
        if (result == 0)
            result = follow(way, place);
        return result < 0 ? result : 1;
    }
    if (!S_ISDIR(status.st_mode))
        return watch_folder(way->fd, way->done);
    memcpy(way->done, place, strlen(place) + 1);
    if (way->rest[strspn(way->rest, "/")] == '\0')
        return watch_folder(way->fd, way->done);
    return 1;
}

int watch_add(int fd, const char *path)
{
    struct way way = { .fd = fd };
    int result = 1;

    if (strlen(path) >= sizeof(way.rest))
        return -ENAMETOOLONG;
    strcpy(way.rest, path);
    if (path[0] == '/')
        strcpy(way.done, "/");
    while (result > 0)
        result = step(&way);
    return result;
}

bool watch_take(int fd)
{
    /* What happened is not looked at: events may be lost, and one about a folder says little. */
    char events[EVENTS_SIZE];
    bool any = false;

    while (read(fd, events, sizeof(events)) > 0)
        any = true;
    return any;
}
