/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_target.h"

#include "store/archive_lmdb.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAITING_BYTES_MAX = 64 << 20 }; /* that are pushed and not durable, before a push waits */

struct import_target {
    char place[PATH_MAX];
    char folder[PATH_MAX + 16]; /* while it is made */
    bool had_place;             /* an empty directory */
    bool is_given;              /* the new one gets the owner and rights of: */
    struct stat facts;
    struct folder files_folder;
    struct files files;
    struct archive archive;
    struct archive_lmdb *lmdb;
    struct store *store;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

/* ---- The place ---- */

static bool is_own_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Calls `each` for every name in the folder until it returns other than 0. Returns that, 0, or
 * -errno. */
static int for_each_name(
        const char *path, int (*each)(int folder, const char *name, void *context), void *context)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    int result = 0;

    if (!folder)
        return -errno;
    while (result == 0 && (entry = readdir(folder)) != NULL) {
        if (!is_own_or_parent(entry->d_name))
            result = each(dirfd(folder), entry->d_name, context);
    }
    closedir(folder);
    return result;
}

static int refuse_any(int folder, const char *name, void *context)
{
    (void)folder;
    (void)name;
    (void)context;
    return -ENOTEMPTY;
}

static int remove_one(int folder, const char *name, void *context)
{
    (void)context;
    return unlinkat(folder, name, 0) == 0 ? 0 : -errno;
}

static int give_one(int folder, const char *name, void *context)
{
    const struct stat *facts = context;

    return fchownat(folder, name, facts->st_uid, facts->st_gid, AT_SYMLINK_NOFOLLOW) == 0 ? 0
                                                                                          : -errno;
}

/* An empty directory, or nothing. */
static int look_at_place(struct import_target *target)
{
    if (stat(target->place, &target->facts) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(target->facts.st_mode))
        return -ENOTEMPTY;
    target->had_place = target->is_given = true;
    return for_each_name(target->place, refuse_any, NULL);
}

static void choose_heir(struct import_target *target, const struct import_heir *heir)
{
    if (!heir || (heir->yields && target->had_place && target->facts.st_uid != 0))
        return;
    if (!target->had_place)
        target->facts.st_mode = S_IRWXU;
    target->facts.st_uid = heir->user;
    target->facts.st_gid = heir->group;
    target->is_given = true;
}

static int name_folders(struct import_target *target, const char *path)
{
    size_t size = strlen(path);

    while (size > 1 && path[size - 1] == '/')
        size--;
    if (size == 0 || size >= sizeof(target->place))
        return size == 0 ? -ENOENT : -ENAMETOOLONG;
    memcpy(target->place, path, size);
    snprintf(target->folder, sizeof(target->folder), "%s.import-XXXXXX", target->place);
    return 0;
}

/* ---- The store ---- */

static void tell(void *context)
{
    struct import_target *target = context;

    pthread_mutex_lock(&target->lock);
    pthread_cond_broadcast(&target->changed);
    pthread_mutex_unlock(&target->lock);
}

static bool is_durable(struct import_target *target, uint64_t waiting_bytes)
{
    struct store_figures figures;

    store_figures(target->store, &figures);
    return figures.durable == figures.pushed || figures.waiting_bytes < waiting_bytes;
}

/* Waits until less than that is not durable; 0: nothing. Returns 0, or -errno. */
static int await_durable(struct import_target *target, uint64_t bytes)
{
    pthread_mutex_lock(&target->lock);
    while (store_trouble(target->store) == 0 && !is_durable(target, bytes))
        pthread_cond_wait(&target->changed, &target->lock);
    pthread_mutex_unlock(&target->lock);
    return store_trouble(target->store);
}

static int open_store(struct import_target *target)
{
    struct store_setup setup = { .files = &target->files,
        .archive = &target->archive,
        .flush = FLUSH_EACH,
        .changed = tell,
        .context = target };
    struct store_finding finding;
    int result = files_open(&target->files, &target->files_folder, target->folder);

    if (result < 0)
        return result;
    if (getrandom(&setup.seed, sizeof(setup.seed), 0) != sizeof(setup.seed))
        return -EIO;
    result = archive_lmdb_open(&target->lmdb, &target->archive, target->folder, ARCHIVE_WRITES, 0);
    if (result == 0)
        result = store_open(&target->store, &setup, &finding);
    if (result == 0)
        result = store_start(target->store);
    target->started = result == 0;
    return result;
}

static void close_store(struct import_target *target)
{
    if (target->started)
        store_stop(target->store);
    if (target->store)
        store_close(target->store);
    if (target->lmdb)
        archive_lmdb_close(target->lmdb);
    if (target->files.context)
        files_close(&target->files_folder);
    target->started = false;
    target->store = NULL;
    target->lmdb = NULL;
    target->files.context = NULL;
}

/* ---- The whole ---- */

int import_target_open(struct import_target **out, const char *path, const struct import_heir *heir)
{
    struct import_target *target = calloc(1, sizeof(*target));
    int result;

    if (!target)
        return -ENOMEM;
    pthread_mutex_init(&target->lock, NULL);
    pthread_cond_init(&target->changed, NULL);
    result = name_folders(target, path);
    if (result == 0)
        result = look_at_place(target);
    choose_heir(target, heir);
    if (result == 0 && !mkdtemp(target->folder))
        result = -errno;
    if (result < 0) {
        free(target);
        return result;
    }
    result = open_store(target);
    if (result < 0)
        import_target_abandon(target);
    else
        *out = target;
    return result;
}

int import_target_push(void *context, struct record_batch *batch)
{
    struct import_target *target = context;

    if (store_push(target->store, batch) == UINT64_MAX)
        return -ENOMEM;
    return await_durable(target, WAITING_BYTES_MAX);
}

static int give_away(struct import_target *target)
{
    int result;

    if (!target->is_given)
        return 0;
    result = for_each_name(target->folder, give_one, &target->facts);
    if (result == 0 &&
            (chmod(target->folder, target->facts.st_mode & 07777) < 0 ||
                    chown(target->folder, target->facts.st_uid, target->facts.st_gid) < 0))
        result = -errno;
    return result;
}

/* A name outlives a power cut when the folder that it is in was flushed. */
static int flush_parent(struct import_target *target)
{
    char *slash = strrchr(target->place, '/');
    int folder;
    int result;

    if (slash && slash > target->place)
        *slash = '\0';
    folder = open(!slash                    ? "."
                    : slash > target->place ? target->place
                                            : "/",
            O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    result = fsync(folder) == 0 ? 0 : -errno;
    close(folder);
    return result;
}

int import_target_finish(struct import_target *target)
{
    int result = await_durable(target, 0);

    close_store(target);
    if (result == 0)
        result = give_away(target);
    if (result == 0 && rename(target->folder, target->place) < 0)
        result = errno == EEXIST ? -ENOTEMPTY : -errno;
    if (result < 0) {
        import_target_abandon(target);
        return result;
    }
    result = flush_parent(target);
    free(target);
    return result;
}

void import_target_abandon(struct import_target *target)
{
    close_store(target);
    for_each_name(target->folder, remove_one, NULL);
    rmdir(target->folder);
    free(target);
}
