/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES_FIRST = 4096 };

static const char suffix[] = ".conf";

/* What to begin with: all that a file has and a byte more, so that no copy of it is left behind. */
static size_t first_room(int descriptor)
{
    struct stat status;
    bool known = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
            status.st_size < SOURCE_FILE_BYTES_MAX;

    return known ? (size_t)status.st_size + 1 : READ_BYTES_FIRST;
}

/* Reads up to the end into a block that doubles: nobody knows the size of a pipe. */
static int read_all(int descriptor, struct bytes *out)
{
    size_t room = first_room(descriptor);
    size_t size = 0;
    uint8_t *data = malloc(room);
    int result = -ENOMEM;

    while (data) {
        ssize_t got = read(descriptor, data + size, room - size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            result = got < 0 ? -errno : 0;
            break;
        }
        size += (size_t)got;
        if (size > SOURCE_FILE_BYTES_MAX) {
            result = -EFBIG;
            break;
        }
        if (size == room) {
            uint8_t *larger = realloc(data, room * 2);

            if (!larger)
                break;
            data = larger;
            room *= 2;
        }
    }
    if (result == 0)
        *out = bytes_of(data, size);
    else
        free(data);
    return result;
}

static int system_read(void *context, const char *path, struct bytes *out)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    int result;

    (void)context;
    if (descriptor < 0)
        return -errno;
    result = read_all(descriptor, out); /* of a directory it is -EISDIR */
    close(descriptor);
    return result;
}

static bool is_configuration(const char *name)
{
    size_t size = strlen(name);

    return size >= sizeof(suffix) && strcmp(name + size - (sizeof(suffix) - 1), suffix) == 0;
}

/* Adds directory/name. Returns 0, -E2BIG or -ENOMEM. */
static int add(struct source_names *names, const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path;

    if (names->count == SOURCE_NAMES_MAX)
        return -E2BIG;
    path = malloc(size);
    if (!path)
        return -ENOMEM;
    snprintf(path, size, "%s/%s", directory, name);
    names->paths[names->count++] = path;
    return 0;
}

static int system_list(void *context, const char *directory, struct source_names *out)
{
    struct source_names names = { calloc(SOURCE_NAMES_MAX, sizeof(char *)), 0 };
    DIR *stream = NULL;
    struct dirent *entry;
    int result = -ENOMEM;

    (void)context;
    if (!names.paths)
        return -ENOMEM;
    stream = opendir(directory);
    result = stream ? 0 : -errno;
    while (stream && result == 0 && (errno = 0, entry = readdir(stream)) != NULL) {
        if (is_configuration(entry->d_name))
            result = add(&names, directory, entry->d_name);
    }
    if (result == 0 && errno != 0)
        result = -errno;
    if (stream)
        closedir(stream);
    if (result == 0)
        *out = names;
    else
        source_names_free(&names);
    return result;
}

static const char *system_variable(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

struct source source_system(void)
{
    return (struct source){ .read = system_read, .list = system_list, .variable = system_variable };
}

static int lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : (unsigned char)letter;
}

static int compare(const void *left, const void *right)
{
    const char *a = *(char *const *)left;
    const char *b = *(char *const *)right;

    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (lower(*a) != lower(*b))
        return lower(*a) - lower(*b);
    return (unsigned char)*a - (unsigned char)*b;
}

void source_names_sort(struct source_names *names)
{
    if (names->count > 1)
        qsort(names->paths, names->count, sizeof(names->paths[0]), compare);
}

void source_names_free(struct source_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->paths[i]);
    free(names->paths);
    *names = (struct source_names){ 0 };
}

int source_read_told(
        const struct source *source, const char *path, struct bytes *out, struct report *report)
{
    int result = source->read(source->context, path, out);

    if (result == 0 || result == -ENOMEM)
        return result;
    report_tell(report, REPORT_ERROR, source->named, "%.512s: cannot be read: %s", path,
            strerror(-result));
    return -EINVAL;
}

void source_check_access(const char *path, struct report *report)
{
    if (access(path, R_OK) < 0)
        report_tell(report, REPORT_WARNING, (struct report_origin){ path, 0 },
                "the user that the server runs as cannot read it (%s), so a reload would fail; "
                "let that user read the file",
                strerror(errno));
}
