/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lookout.h"

#include "base/hash.h"
#include "broker/credentials.h"
#include "loop/watch.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Fingerprints ---- */

static uint64_t mixed_in(uint64_t fingerprint, uint64_t number)
{
    return hash_mix(fingerprint + number + 1);
}

static uint64_t time_of(struct timespec time)
{
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static uint64_t status_of(uint64_t fingerprint, const struct stat *status)
{
    fingerprint = mixed_in(fingerprint, status->st_dev);
    fingerprint = mixed_in(fingerprint, status->st_ino);
    fingerprint = mixed_in(fingerprint, (uint64_t)status->st_size);
    fingerprint = mixed_in(fingerprint, time_of(status->st_mtim));
    return mixed_in(fingerprint, time_of(status->st_ctim));
}

/* The files of a folder in any order, for a folder gives them so. */
static uint64_t folder_of(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    uint64_t sum = 0;
    struct stat status;

    while (folder && (entry = readdir(folder))) {
        if (fstatat(dirfd(folder), entry->d_name, &status, 0) == 0)
            sum += status_of(0, &status);
    }
    if (folder)
        closedir(folder);
    return sum;
}

static void add_path(void *context, const char *path)
{
    uint64_t *fingerprint = context;
    struct stat status;

    if (stat(path, &status) < 0) {
        *fingerprint = mixed_in(*fingerprint, (uint64_t)errno);
        return;
    }
    *fingerprint = status_of(*fingerprint, &status);
    if (S_ISDIR(status.st_mode))
        *fingerprint = mixed_in(*fingerprint, folder_of(path));
}

uint64_t lookout_fingerprint(const struct config *config)
{
    uint64_t fingerprint = 0;

    credentials_each_path(config, add_path, &fingerprint);
    return fingerprint;
}

/* ---- Watching ---- */

void lookout_init(struct lookout *lookout)
{
    *lookout = (struct lookout){ .fd = -1 };
}

void lookout_close(struct lookout *lookout)
{
    if (lookout->fd >= 0)
        watch_close(lookout->fd);
    lookout_init(lookout);
}

struct watching {
    int fd;
    size_t paths;
    const struct journal *journal;
};

static void tell_unwatched(const struct journal *journal, const char *path, int error)
{
    journal_tell(journal, EVENT_WARN, "credentials.unwatched", field_text("file", path),
            field_text("text", strerror(error)));
}

static void watch_path(void *context, const char *path)
{
    struct watching *watching = context;
    int result = watch_add(watching->fd, path);

    watching->paths++;
    if (result < 0)
        tell_unwatched(watching->journal, path, -result);
}

void lookout_at(struct lookout *lookout, const struct config *config, uint64_t fingerprint,
        const struct journal *journal)
{
    struct watching watching = { .journal = journal };

    lookout_close(lookout);
    if (!config->tls_watch_files)
        return;
    watching.fd = watch_open();
    if (watching.fd < 0) {
        tell_unwatched(journal, "-", -watching.fd);
        return;
    }
    credentials_each_path(config, watch_path, &watching);
    *lookout = (struct lookout){ .fd = watching.fd, .fingerprint = fingerprint };
    if (watching.paths == 0)
        lookout_close(lookout);
    /* What has happened since they were read was not watched yet. */
    else if (lookout_fingerprint(config) != fingerprint)
        lookout->since_ms = lookout->due_ms = 1;
}

int64_t lookout_due_ms(const struct lookout *lookout)
{
    return lookout->since_ms == 0 ? INT64_MAX : lookout->due_ms;
}

bool lookout_sees_change(struct lookout *lookout, const struct config *config, int64_t now_ms)
{
    if (lookout->fd >= 0 && watch_take(lookout->fd)) {
        if (lookout->since_ms == 0)
            lookout->since_ms = now_ms;
        lookout->due_ms = now_ms + LOOKOUT_SETTLE_MS;
        if (lookout->due_ms > lookout->since_ms + LOOKOUT_SETTLE_MAX_MS)
            lookout->due_ms = lookout->since_ms + LOOKOUT_SETTLE_MAX_MS;
    }
    if (lookout->since_ms == 0 || now_ms < lookout->due_ms)
        return false;
    lookout->since_ms = lookout->due_ms = 0;
    return lookout_fingerprint(config) != lookout->fingerprint;
}
