/* SPDX-License-Identifier: Apache-2.0 */
#include "store/archive_lmdb.h"

#include "store/archive_sum.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    FILE_MODE = 0600,
    READERS_MAX = 16,
    NAME_SIZE = 16,
    HEADROOM = 5,          /* the part of the map that is to be free: one in so many */
    NEARLY_FULL = 1 << 20, /* bytes free on a disk that count as none */
    FREE_TABLE = 0,        /* LMDB's list of free pages */
};

static const uint64_t MAP_SIZE_DEFAULT = UINT64_C(1) << (sizeof(void *) > 4 ? 40 : 30);
static const uint64_t MAP_SIZE_MIN = 4 << 20;

struct archive_lmdb {
    MDB_env *env;
    MDB_dbi tables[ARCHIVE_TABLES];
    uint64_t map_size;
    bool summed;       /* its values have sums; those of an older version have none */
    bool passes_over;  /* a value whose sum is wrong is as none */
    bool overran;      /* the map was too small for the last transaction */
    bool is_new;       /* its file has ARCHIVE_NEW_FILE for its name; the writer's own */
    uint64_t reserved; /* bytes of its file that have room on the disk, as far as is known */
    /* Held for reading by every view: neither the map nor flags change under it. */
    pthread_rwlock_t map_lock;
    char folder[PATH_MAX];
    char path[PATH_MAX]; /* by which it was opened */
};

struct archive_view {
    MDB_txn *txn;
    bool writes;
    MDB_cursor *cursors[ARCHIVE_TABLES]; /* that have been needed */
    bool mixed[ARCHIVE_TABLES];          /* keys did not come in rising order behind all others */
    uint8_t *room; /* the value that was put last, which has no sum yet; NULL: none */
    size_t room_size;
    uint64_t room_seed;
};

/* ---- Errors ---- */

/* LMDB tells of a write that ended early, as it does on a full disk, by EIO. */
static bool is_nearly_full(const struct archive_lmdb *archive)
{
    struct statvfs status;

    return statvfs(archive->folder, &status) == 0 &&
            (uint64_t)status.f_bavail * status.f_frsize < NEARLY_FULL;
}

static int error_of(struct archive_lmdb *archive, int error)
{
    switch (error) {
    case MDB_SUCCESS:
        return 0;
    case MDB_NOTFOUND:
        return -ENOENT;
    case MDB_MAP_FULL:
        archive->overran = true;
        return -EAGAIN;
    case MDB_VERSION_MISMATCH:
        return -EPROTO;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return -EBADMSG;
    case MDB_READERS_FULL:
        return -EMFILE;
    case EIO:
        return is_nearly_full(archive) ? -ENOSPC : -EIO;
    default:
        return error > 0 ? -error : -EIO;
    }
}

/* ---- Room ---- */

/* Under map_lock, with no view. */
static int grow_map(struct archive_lmdb *archive)
{
    int result;

    if (archive->map_size > SIZE_MAX / 2)
        return -ENOSPC;
    result = mdb_env_set_mapsize(archive->env, (size_t)(archive->map_size * 2));
    if (result != MDB_SUCCESS)
        return result == ENOMEM ? -ENOSPC : error_of(archive, result);
    archive->map_size *= 2;
    archive->overran = false;
    return 0;
}

static uint64_t used_bytes(const struct archive_lmdb *archive)
{
    MDB_envinfo info;
    MDB_stat stat;

    mdb_env_info(archive->env, &info);
    mdb_env_stat(archive->env, &stat);
    return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

static int keep_headroom(struct archive_lmdb *archive)
{
    uint64_t used = used_bytes(archive);
    int result = 0;

    if (!archive->overran && used <= archive->map_size - archive->map_size / HEADROOM)
        return 0;
    pthread_rwlock_wrlock(&archive->map_lock);
    result = grow_map(archive);
    pthread_rwlock_unlock(&archive->map_lock);
    /* What is there is enough for most. */
    return archive->overran ? result : 0;
}

/* Pages in use that nothing is in. LMDB lists them in a table of its own, the first one: each row
 * begins with how many it has. */
static int count_free(struct archive_lmdb *archive, uint64_t *out)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    uint64_t pages = 0;
    size_t count;
    int result = mdb_txn_begin(archive->env, NULL, MDB_RDONLY, &txn);

    if (result != MDB_SUCCESS)
        return error_of(archive, result);
    result = mdb_cursor_open(txn, FREE_TABLE, &cursor);
    if (result == MDB_SUCCESS) {
        while ((result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
            memcpy(&count, value.mv_data, sizeof(count));
            pages += count;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    if (result != MDB_NOTFOUND)
        return error_of(archive, result);
    *out = pages;
    return 0;
}

/* As posix_fallocate() without changing the size, which LMDB does not mind, and without writing. */
static int take_room(struct archive_lmdb *archive, uint64_t size)
{
    int file;
    int result;

    mdb_env_get_fd(archive->env, &file);
    do
        result = fallocate(file, FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        archive->reserved = size;
    return result < 0 && (errno == ENOSPC || errno == EDQUOT) ? -ENOSPC : 0;
}

/* Looks at the pages that are free only where the disk has nothing more to give. */
static int lmdb_reserve(void *context, uint64_t bytes)
{
    struct archive_lmdb *archive = context;
    uint64_t used = used_bytes(archive);
    uint64_t pages = 0;
    MDB_stat stat;
    int result = 0;

    if (used + bytes > archive->reserved)
        result = take_room(archive, used + bytes);
    if (result != -ENOSPC)
        return result;
    result = count_free(archive, &pages);
    mdb_env_stat(archive->env, &stat);
    return result < 0 || pages * stat.ms_psize >= bytes ? result : -ENOSPC;
}

/* ---- Its name ---- */

static bool name_file(const struct archive_lmdb *archive, const char *name, char out[PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/%s", archive->folder, name) < PATH_MAX;
}

static int rename_file(const struct archive_lmdb *archive, const char *from, const char *to)
{
    char paths[2][PATH_MAX];

    if (!name_file(archive, from, paths[0]) || !name_file(archive, to, paths[1]))
        return -ENAMETOOLONG;
    return rename(paths[0], paths[1]) < 0 ? -errno : 0;
}

static int flush_folder(const struct archive_lmdb *archive)
{
    int folder = open(archive->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result;

    if (folder < 0)
        return -errno;
    result = fsync(folder) < 0 ? -EIO : 0;
    close(folder);
    return result;
}

/*
 * From now on each transaction is flushed, and what there is has its name on disk. The lock gets
 * its name first: whoever finds the archive meets this process's readers there. A failure can be
 * tried again, unless it is a flush's.
 */
static int settle(struct archive_lmdb *archive)
{
    int result = mdb_env_sync(archive->env, 1) == MDB_SUCCESS ? 0 : -EIO;

    if (result == 0)
        result = rename_file(
                archive, ARCHIVE_NEW_FILE ARCHIVE_LOCK_SUFFIX, ARCHIVE_FILE ARCHIVE_LOCK_SUFFIX);
    if (result == 0 || result == -ENOENT)
        result = rename_file(archive, ARCHIVE_NEW_FILE, ARCHIVE_FILE);
    if (result == 0)
        result = flush_folder(archive);
    if (result < 0)
        return result;
    pthread_rwlock_wrlock(&archive->map_lock);
    mdb_env_set_flags(archive->env, MDB_NOSYNC, 0);
    pthread_rwlock_unlock(&archive->map_lock);
    archive->is_new = false;
    return 0;
}

/* ---- Sums ---- */

/* The value that was put last is filled in by now. */
static void sign(struct archive_view *view)
{
    if (view->room)
        archive_sum_encode(view->room + view->room_size, bytes_of(view->room, view->room_size),
                view->room_seed);
    view->room = NULL;
}

/* Takes the sum off a value that has one. False when it is wrong. */
static bool take_sum(
        const struct archive_lmdb *archive, unsigned table, struct bytes key, struct bytes *value)
{
    return !archive->summed || archive_sum_take(table, key, value);
}

/* ---- Views ---- */

static int begin_view(struct archive_lmdb *archive, bool writes, struct archive_view **out)
{
    struct archive_view *view = calloc(1, sizeof(*view));
    int result;

    if (!view)
        return -ENOMEM;
    view->writes = writes;
    pthread_rwlock_rdlock(&archive->map_lock);
    result = mdb_txn_begin(archive->env, NULL, writes ? 0 : MDB_RDONLY, &view->txn);
    if (result != MDB_SUCCESS) {
        pthread_rwlock_unlock(&archive->map_lock);
        free(view);
        return error_of(archive, result);
    }
    *out = view;
    return 0;
}

static int lmdb_begin(void *context, struct archive_view **out)
{
    struct archive_lmdb *archive = context;
    int result = archive->is_new ? settle(archive) : 0;

    if (result == 0)
        result = keep_headroom(archive);
    return result < 0 ? result : begin_view(archive, true, out);
}

static int lmdb_look(void *context, struct archive_view **out)
{
    return begin_view(context, false, out);
}

static void close_cursors(struct archive_view *view)
{
    for (unsigned i = 0; i < ARCHIVE_TABLES; i++) {
        if (view->cursors[i])
            mdb_cursor_close(view->cursors[i]);
    }
}

static int lmdb_commit(void *context, struct archive_view *view)
{
    struct archive_lmdb *archive = context;
    int result;

    sign(view);
    close_cursors(view);
    result = error_of(archive, mdb_txn_commit(view->txn));
    pthread_rwlock_unlock(&archive->map_lock);
    free(view);
    return result;
}

static void lmdb_abandon(void *context, struct archive_view *view)
{
    struct archive_lmdb *archive = context;

    close_cursors(view);
    mdb_txn_abort(view->txn);
    pthread_rwlock_unlock(&archive->map_lock);
    free(view);
}

/* ---- What is in them ---- */

static MDB_val val_of(struct bytes bytes)
{
    return (MDB_val){ bytes.size, (void *)(uintptr_t)bytes.data };
}

static struct bytes bytes_of_val(const MDB_val *val)
{
    return bytes_of(val->mv_data, val->mv_size);
}

/* A cursor that stays where it was finds what comes next in no time. */
static int open_cursor(struct archive_lmdb *archive, struct archive_view *view, unsigned table)
{
    if (view->cursors[table])
        return MDB_SUCCESS;
    return mdb_cursor_open(view->txn, archive->tables[table], &view->cursors[table]);
}

static int lmdb_put_room(void *context, struct archive_view *view, unsigned table, struct bytes key,
        size_t value_size, uint8_t **out)
{
    struct archive_lmdb *archive = context;
    MDB_val name = val_of(key);
    MDB_val value = { value_size + (archive->summed ? ARCHIVE_SUM_SIZE : 0), NULL };
    bool behind = !view->mixed[table];
    int result;

    sign(view);
    result = open_cursor(archive, view, table);

    /* What is put behind all others fills its pages, and is found at once. */
    if (result == MDB_SUCCESS && behind)
        result = mdb_cursor_put(view->cursors[table], &name, &value, MDB_RESERVE | MDB_APPEND);
    view->mixed[table] |= result == MDB_KEYEXIST;
    if (result == MDB_KEYEXIST || (result == MDB_SUCCESS && !behind))
        result = mdb_cursor_put(view->cursors[table], &name, &value, MDB_RESERVE);
    if (result != MDB_SUCCESS)
        return error_of(archive, result);
    *out = value.mv_data;
    if (archive->summed) {
        view->room = value.mv_data;
        view->room_size = value_size;
        view->room_seed = archive_sum_seed(table, key);
    }
    return 0;
}

static int lmdb_put(void *context, struct archive_view *view, unsigned table, struct bytes key,
        struct bytes value)
{
    uint8_t *room = NULL;
    int result = lmdb_put_room(context, view, table, key, value.size, &room);

    if (result == 0 && room && value.size > 0)
        memcpy(room, value.data, value.size);
    return result;
}

static int lmdb_remove(void *context, struct archive_view *view, unsigned table, struct bytes key)
{
    struct archive_lmdb *archive = context;
    MDB_val name = val_of(key);

    sign(view);
    return error_of(archive, mdb_del(view->txn, archive->tables[table], &name, NULL));
}

static int lmdb_get(void *context, struct archive_view *view, unsigned table, struct bytes key,
        struct bytes *value)
{
    struct archive_lmdb *archive = context;
    MDB_val name = val_of(key);
    MDB_val found;
    struct bytes bytes;
    int result;

    sign(view);
    result = mdb_get(view->txn, archive->tables[table], &name, &found);
    if (result != MDB_SUCCESS)
        return error_of(archive, result);
    bytes = bytes_of_val(&found);
    if (!take_sum(archive, table, key, &bytes))
        return archive->passes_over ? -ENOENT : -EBADMSG;
    *value = bytes;
    return 0;
}

static int lmdb_seek(void *context, struct archive_view *view, unsigned table, struct bytes from,
        struct bytes *key, struct bytes *value)
{
    struct archive_lmdb *archive = context;
    MDB_val name = val_of(from);
    MDB_val found;
    struct bytes bytes = { 0 };
    bool good = false;
    int result;

    sign(view);
    result = open_cursor(archive, view, table);
    if (result == MDB_SUCCESS)
        result = mdb_cursor_get(
                view->cursors[table], &name, &found, from.size > 0 ? MDB_SET_RANGE : MDB_FIRST);
    while (result == MDB_SUCCESS) {
        bytes = bytes_of_val(&found);
        /* A broken page may have any keys: who goes on from one comes to an end all the same. */
        if (name.mv_size > ARCHIVE_KEY_MAX || bytes_compare(bytes_of_val(&name), from) < 0)
            return -EBADMSG;
        good = take_sum(archive, table, bytes_of_val(&name), &bytes);
        if (good || !archive->passes_over)
            break;
        result = mdb_cursor_get(view->cursors[table], &name, &found, MDB_NEXT);
    }
    if (result != MDB_SUCCESS || !good)
        return result == MDB_SUCCESS ? -EBADMSG : error_of(archive, result);
    *key = bytes_of_val(&name);
    *value = bytes;
    return 0;
}

/* The map's size less what is free in it would be more exact, but to count that takes a walk. */
static uint64_t lmdb_size(void *context)
{
    return used_bytes(context);
}

/* ---- Verifying ---- */

static bool is_next_key(struct bytes key, const uint8_t *last, size_t last_size)
{
    return key.size > 0 && key.size <= ARCHIVE_KEY_MAX &&
            bytes_compare(bytes_of(last, last_size), key) < 0;
}

static int verify_table(struct archive_lmdb *archive, struct archive_view *view, unsigned table,
        archive_tell_broken tell, void *context)
{
    uint8_t last[ARCHIVE_KEY_MAX];
    size_t last_size = 0;
    MDB_val name;
    MDB_val found;
    int result = open_cursor(archive, view, table);
    int told = 0;

    while (result == MDB_SUCCESS && told == 0 &&
            (result = mdb_cursor_get(view->cursors[table], &name, &found, MDB_NEXT)) ==
                    MDB_SUCCESS) {
        struct bytes value = bytes_of_val(&found);
        struct bytes key = bytes_of_val(&name);

        if (!is_next_key(key, last, last_size))
            return -EBADMSG;
        last_size = key.size;
        memcpy(last, key.data, key.size);
        if (!take_sum(archive, table, key, &value))
            told = tell(context, table, key);
    }
    if (told != 0)
        return told;
    return result == MDB_NOTFOUND ? 0 : error_of(archive, result);
}

int archive_lmdb_verify(struct archive_lmdb *archive, archive_tell_broken tell, void *context)
{
    struct archive_view *view;
    int result = begin_view(archive, false, &view);

    if (result < 0)
        return result;
    for (unsigned table = 0; result == 0 && table < ARCHIVE_TABLES; table++)
        result = verify_table(archive, view, table, tell, context);
    lmdb_abandon(archive, view);
    return result;
}

/* ---- Opening ---- */

/*
 * Pages are read by the map, and a signal ends the process where the file ends before them. So what
 * has been cut off is made up for with zeros, which then are found to be no pages. It cannot just
 * be refused: pages that were freed before they were ever written may be missing at the end of a
 * good file. Growing is all that this does, so it may be done beside a server. A disk that is full
 * has no room for the zeros: then they take none.
 */
static int make_up_for_end(const struct archive_lmdb *archive)
{
    MDB_envinfo info;
    MDB_stat layout;
    struct stat found;
    off_t size;
    int file;
    int result = mdb_env_info(archive->env, &info);

    if (result == MDB_SUCCESS)
        result = mdb_env_stat(archive->env, &layout);
    if (result != MDB_SUCCESS)
        return result;
    if (stat(archive->path, &found) < 0)
        return errno;
    size = (off_t)(info.me_last_pgno + 1) * (off_t)layout.ms_psize;
    if (found.st_size >= size)
        return MDB_SUCCESS;
    file = open(archive->path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return errno;
    result = posix_fallocate(file, found.st_size, size - found.st_size);
    if (result == ENOSPC)
        result = ftruncate(file, size) < 0 ? errno : 0;
    close(file);
    return result;
}

/* The names say whether values have sums: 00, 01... where they have none, else 00s, 01s... An
 * archive stays as it was made. */
static int choose_tables(struct archive_lmdb *archive, MDB_txn *txn)
{
    int result = mdb_dbi_open(txn, "00", 0, &archive->tables[0]);

    archive->summed = result == MDB_NOTFOUND;
    return archive->summed ? MDB_SUCCESS : result;
}

static int open_tables(struct archive_lmdb *archive, enum archive_access access)
{
    char name[NAME_SIZE];
    MDB_txn *txn;
    unsigned flags = access == ARCHIVE_WRITES ? MDB_CREATE : 0;
    int result = mdb_txn_begin(archive->env, NULL, access == ARCHIVE_WRITES ? 0 : MDB_RDONLY, &txn);

    if (result != MDB_SUCCESS)
        return result;
    result = choose_tables(archive, txn);
    for (unsigned i = 0; result == MDB_SUCCESS && i < ARCHIVE_TABLES; i++) {
        snprintf(name, sizeof(name), "%02u%s", i, archive->summed ? "s" : "");
        result = mdb_dbi_open(txn, name, flags, &archive->tables[i]);
    }
    if (result == MDB_SUCCESS)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    /* An environment without a table of ours is another one's. */
    return result == MDB_NOTFOUND ? MDB_INVALID : result;
}

static int open_environment(struct archive_lmdb *archive, enum archive_access access)
{
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD;
    int result = mdb_env_create(&archive->env);

    if (access != ARCHIVE_WRITES)
        flags |= MDB_RDONLY;
    if (archive->is_new)
        flags |= MDB_NOSYNC;
    if (result == MDB_SUCCESS)
        result = mdb_env_set_maxdbs(archive->env, ARCHIVE_TABLES);
    if (result == MDB_SUCCESS)
        result = mdb_env_set_maxreaders(archive->env, READERS_MAX);
    if (result == MDB_SUCCESS)
        result = mdb_env_set_mapsize(archive->env, (size_t)archive->map_size);
    if (result == MDB_SUCCESS)
        result = mdb_env_open(archive->env, archive->path, flags, FILE_MODE);
    if (result != MDB_SUCCESS && archive->env) {
        mdb_env_close(archive->env);
        archive->env = NULL;
    }
    return result;
}

/* Decides by which name it is opened. What is left of one that was never written in goes. */
static bool choose_file(
        struct archive_lmdb *archive, const char *folder, enum archive_access access)
{
    char lock[PATH_MAX];

    if (snprintf(archive->folder, sizeof(archive->folder), "%s", folder) >=
            (int)sizeof(archive->folder))
        return false;
    if (!name_file(archive, ARCHIVE_FILE, archive->path))
        return false;
    archive->is_new = access == ARCHIVE_WRITES && faccessat(AT_FDCWD, archive->path, F_OK, 0) < 0 &&
            errno == ENOENT;
    if (!archive->is_new)
        return true;
    if (!name_file(archive, ARCHIVE_NEW_FILE, archive->path) ||
            !name_file(archive, ARCHIVE_NEW_FILE ARCHIVE_LOCK_SUFFIX, lock))
        return false;
    unlink(archive->path);
    unlink(lock);
    return true;
}

int archive_lmdb_open(struct archive_lmdb **out, struct archive *archive, const char *folder,
        enum archive_access access, uint64_t map_size)
{
    struct archive_lmdb *made = calloc(1, sizeof(*made));
    int result = ENOMEM;

    if (!made)
        return -ENOMEM;
    pthread_rwlock_init(&made->map_lock, NULL);
    made->map_size = map_size > 0 ? map_size : MAP_SIZE_DEFAULT;
    made->passes_over = access == ARCHIVE_SALVAGES;
    if (!choose_file(made, folder, access)) {
        archive_lmdb_close(made);
        return -ENAMETOOLONG;
    }
    /* Where address space is limited, less of it has to do; valgrind says so by EINVAL. */
    while (made->map_size >= MAP_SIZE_MIN) {
        result = open_environment(made, access);
        if (result != ENOMEM && result != EINVAL)
            break;
        made->map_size /= 2;
    }
    if (result == MDB_SUCCESS)
        result = make_up_for_end(made);
    if (result == MDB_SUCCESS)
        result = open_tables(made, access);
    if (result != MDB_SUCCESS) {
        result = error_of(made, result);
        archive_lmdb_close(made);
        return result;
    }
    *archive = (struct archive){ lmdb_begin, lmdb_commit, lmdb_abandon, lmdb_look, lmdb_put,
        lmdb_put_room, lmdb_remove, lmdb_get, lmdb_seek, lmdb_size, lmdb_reserve, made };
    *out = made;
    return 0;
}

void archive_lmdb_close(struct archive_lmdb *archive)
{
    if (archive->env)
        mdb_env_close(archive->env);
    pthread_rwlock_destroy(&archive->map_lock);
    free(archive);
}
