/* SPDX-License-Identifier: Apache-2.0 */
#include "store/simulated_disk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SIZE = 4096 };

/* ---- What can go wrong ---- */

/* Before each operation that changes something. Returns 0, or how it fails. */
int simulated_disk_operate(struct simulated_disk *disk)
{
    if (disk->dark)
        return -EIO;
    disk->operations++;
    if (disk->operations == disk->cut_at) {
        disk->dark = true;
        return -EIO;
    }
    if (disk->operations >= disk->fail_at && disk->operations < disk->fail_until)
        return disk->error;
    return 0;
}

/* ---- Folders ---- */

static struct disk_entry *find_entry(struct disk_folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->count; i++) {
        if (strcmp(folder->entries[i].name, name) == 0)
            return &folder->entries[i];
    }
    return NULL;
}

static void change_folder(struct disk_folder *folder, const struct disk_change *change)
{
    struct disk_entry *gone = find_entry(folder, change->name);

    if (gone)
        *gone = folder->entries[--folder->count];
    if (change->entry.file < 0)
        return;
    gone = find_entry(folder, change->entry.name); /* A rename replaces who has the name. */
    if (gone)
        *gone = folder->entries[--folder->count];
    assert(folder->count < DISK_FILES_MAX);
    folder->entries[folder->count++] = change->entry;
}

static void note_change(struct simulated_disk *disk, const char *gone, const char *name, int file)
{
    struct disk_change *change = &disk->changes[disk->change_count++];

    assert(disk->change_count <= DISK_PENDING_MAX);
    *change = (struct disk_change){ .entry.file = file };
    snprintf(change->name, sizeof(change->name), "%s", gone);
    snprintf(change->entry.name, sizeof(change->entry.name), "%s", name);
    change_folder(&disk->now, change);
}

/* ---- Files ---- */

static struct disk_file *file_of(struct simulated_disk *disk, int file)
{
    assert(file >= 0 && file < disk->stored_count);
    return &disk->stored[file];
}

static void grow(uint8_t **data, size_t *size, size_t wanted)
{
    uint8_t *grown;

    if (wanted <= *size)
        return;
    grown = realloc(*data, wanted);
    assert(grown);
    memset(grown + *size, 0, wanted - *size);
    *data = grown;
    *size = wanted;
}

static bool is_full(struct simulated_disk *disk, const struct disk_file *file, size_t wanted)
{
    size_t used = wanted > file->size ? wanted - file->size : 0;

    for (size_t i = 0; i < disk->now.count; i++)
        used += disk->stored[disk->now.entries[i].file].size;
    return disk->room_max > 0 && wanted > file->size && used > disk->room_max;
}

static void forget_writes(struct disk_file *file)
{
    for (size_t i = 0; i < file->write_count; i++)
        free(file->writes[i].data);
    free(file->writes);
    file->writes = NULL;
    file->write_count = 0;
}

static int do_open(void *context, const char *name, bool create)
{
    struct simulated_disk *disk = context;
    struct disk_entry *entry = find_entry(&disk->now, name);
    int result = create ? simulated_disk_operate(disk) : disk->dark ? -EIO : 0;

    if (result < 0)
        return result;
    if (!create)
        return entry ? entry->file : -ENOENT;
    if (entry)
        return -EEXIST;
    assert(disk->stored_count < DISK_FILES_MAX);
    disk->stored[disk->stored_count] = (struct disk_file){ .size = 0 };
    note_change(disk, "", name, disk->stored_count);
    return disk->stored_count++;
}

static void disk_close(void *context, int file)
{
    (void)context;
    (void)file;
}

static int64_t do_size(void *context, int file)
{
    struct simulated_disk *disk = context;

    return disk->dark ? -EIO : (int64_t)file_of(disk, file)->size;
}

static int64_t do_read(void *context, int file, void *buffer, size_t size, uint64_t offset)
{
    struct simulated_disk *disk = context;
    struct disk_file *stored = file_of(disk, file);
    size_t there = offset < stored->size ? stored->size - (size_t)offset : 0;
    size_t taken = there < size ? there : size;

    if (disk->dark)
        return -EIO;
    if (taken > 0)
        memcpy(buffer, stored->now + offset, taken);
    return (int64_t)taken;
}

static void keep_write(struct disk_file *file, uint64_t offset, size_t size)
{
    struct disk_write *writes =
            realloc(file->writes, (file->write_count + 1) * sizeof(*file->writes));
    struct disk_write *write;

    assert(writes);
    file->writes = writes;
    write = &writes[file->write_count++];
    *write = (struct disk_write){ offset, size, malloc(size) };
    assert(write->data);
    memcpy(write->data, file->now + offset, size);
}

/* Writes the first `limit` bytes of the pieces. */
static void apply_write(struct disk_file *file, const struct iovec pieces[], size_t count,
        uint64_t offset, size_t limit)
{
    size_t done = 0;

    if (limit == 0)
        return;
    grow(&file->now, &file->size, (size_t)offset + limit);
    for (size_t i = 0; i < count && done < limit; i++) {
        size_t size = pieces[i].iov_len < limit - done ? pieces[i].iov_len : limit - done;

        if (size > 0)
            memcpy(file->now + offset + done, pieces[i].iov_base, size);
        done += size;
    }
    keep_write(file, offset, done);
}

static void flush_file(struct disk_file *file)
{
    free(file->flushed);
    file->flushed = NULL;
    file->flushed_size = 0;
    grow(&file->flushed, &file->flushed_size, file->size);
    if (file->flushed)
        memcpy(file->flushed, file->now, file->size);
    forget_writes(file);
}

static int write_or_put(struct simulated_disk *disk, int file, const struct iovec pieces[],
        size_t count, uint64_t offset)
{
    struct disk_file *stored = file_of(disk, file);
    int result = simulated_disk_operate(disk);
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += pieces[i].iov_len;
    if (result == 0 && is_full(disk, stored, (size_t)offset + size))
        result = -ENOSPC;
    /* When the power goes in the middle of it, it may have been done or not. */
    if (result < 0 && !disk->dark && disk->fail_part < size)
        size = disk->fail_part;
    apply_write(stored, pieces, count, offset, size);
    return result;
}

static int do_put(
        void *context, int file, const struct iovec pieces[], size_t count, uint64_t offset)
{
    return write_or_put(context, file, pieces, count, offset);
}

static int begin_flush(struct simulated_disk *disk)
{
    int result = simulated_disk_operate(disk);

    disk->flushes++;
    if (result < 0)
        disk->flush_failed = true;
    return result;
}

static int do_flush(void *context, int file)
{
    struct simulated_disk *disk = context;
    int result = begin_flush(disk);

    if (result == 0 && !disk->lies)
        flush_file(file_of(disk, file));
    return result;
}

static int do_write(
        void *context, int file, const struct iovec pieces[], size_t count, uint64_t offset)
{
    struct simulated_disk *disk = context;
    int result = write_or_put(disk, file, pieces, count, offset);

    disk->flushes++;
    if (result == 0 && !disk->lies)
        flush_file(file_of(disk, file));
    return result;
}

static int do_reserve(void *context, int file, uint64_t size)
{
    struct simulated_disk *disk = context;
    struct disk_file *stored = file_of(disk, file);
    int result = simulated_disk_operate(disk);

    if (result < 0)
        return result;
    if (is_full(disk, stored, (size_t)size))
        return -ENOSPC;
    grow(&stored->now, &stored->size, (size_t)size);
    return 0;
}

static int do_rename(void *context, const char *from, const char *to)
{
    struct simulated_disk *disk = context;
    struct disk_entry *entry = find_entry(&disk->now, from);
    int result = simulated_disk_operate(disk);

    if (result < 0)
        return result;
    if (!entry)
        return -ENOENT;
    note_change(disk, from, to, entry->file);
    return 0;
}

static int do_remove(void *context, const char *name)
{
    struct simulated_disk *disk = context;
    int result = simulated_disk_operate(disk);

    if (result < 0)
        return result;
    if (!find_entry(&disk->now, name))
        return -ENOENT;
    note_change(disk, name, "", -1);
    return 0;
}

static int do_sync_folder(void *context)
{
    struct simulated_disk *disk = context;
    int result = begin_flush(disk);

    if (result < 0 || disk->lies || disk->forgets_names)
        return result;
    disk->flushed = disk->now;
    disk->change_count = 0;
    return 0;
}

/* Whoever is told may ask for more: it is done before there are threads. */
static int disk_list(void *context, int (*each)(void *to, const char *name), void *to)
{
    struct simulated_disk *disk = context;
    int result = disk->dark ? -EIO : 0;

    for (size_t i = 0; result == 0 && i < disk->now.count; i++)
        result = each(to, disk->now.entries[i].name);
    return result;
}

/* ---- One operation at a time ---- */

static int disk_open(void *context, const char *name, bool create)
{
    struct simulated_disk *disk = context;
    int result;

    pthread_mutex_lock(&disk->lock);
    result = do_open(disk, name, create);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int64_t disk_size(void *context, int file)
{
    struct simulated_disk *disk = context;
    int64_t result;

    pthread_mutex_lock(&disk->lock);
    result = do_size(disk, file);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int64_t disk_read(void *context, int file, void *buffer, size_t size, uint64_t offset)
{
    struct simulated_disk *disk = context;
    int64_t result;

    pthread_mutex_lock(&disk->lock);
    result = do_read(disk, file, buffer, size, offset);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int disk_write(
        void *context, int file, const struct iovec pieces[], size_t count, uint64_t offset)
{
    struct simulated_disk *disk = context;
    int result;

    pthread_mutex_lock(&disk->lock);
    result = do_write(disk, file, pieces, count, offset);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int disk_put(
        void *context, int file, const struct iovec pieces[], size_t count, uint64_t offset)
{
    struct simulated_disk *disk = context;
    int result;

    pthread_mutex_lock(&disk->lock);
    result = do_put(disk, file, pieces, count, offset);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int disk_flush(void *context, int file)
{
    struct simulated_disk *disk = context;
    int result;

    pthread_mutex_lock(&disk->lock);
    result = do_flush(disk, file);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int disk_reserve(void *context, int file, uint64_t size)
{
    struct simulated_disk *disk = context;
    int result;

    pthread_mutex_lock(&disk->lock);
    result = do_reserve(disk, file, size);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int disk_rename(void *context, const char *from, const char *to)
{
    struct simulated_disk *disk = context;
    int result;

    pthread_mutex_lock(&disk->lock);
    result = do_rename(disk, from, to);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int disk_remove(void *context, const char *name)
{
    struct simulated_disk *disk = context;
    int result;

    pthread_mutex_lock(&disk->lock);
    result = do_remove(disk, name);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static int disk_sync_folder(void *context)
{
    struct simulated_disk *disk = context;
    int result;

    pthread_mutex_lock(&disk->lock);
    result = do_sync_folder(disk);
    pthread_mutex_unlock(&disk->lock);
    return result;
}

/* ---- The disk ---- */

void simulated_disk_init(struct simulated_disk *disk)
{
    *disk = (struct simulated_disk){ .files = { disk_open, disk_close, disk_size, disk_read,
                                             disk_write, disk_put, disk_flush, disk_reserve,
                                             disk_reserve, disk_rename, disk_remove,
                                             disk_sync_folder, disk_list, disk } };
    pthread_mutex_init(&disk->lock, NULL);
}

static void free_file(struct disk_file *file)
{
    forget_writes(file);
    free(file->now);
    free(file->flushed);
}

void simulated_disk_deinit(struct simulated_disk *disk)
{
    for (int i = 0; i < disk->stored_count; i++)
        free_file(&disk->stored[i]);
    pthread_mutex_destroy(&disk->lock);
}

/* Puts those parts of a write that have survived over what was flushed. */
static void survive_write(struct disk_file *file, const struct disk_write *write,
        struct random *random, enum disk_survival survival)
{
    size_t unit = survival == SURVIVE_PAGES ? PAGE_SIZE : SECTOR_SIZE;
    size_t size;

    for (size_t done = 0; done < write->size; done += size) {
        size = unit - (size_t)((write->offset + done) % unit);
        if (size > write->size - done)
            size = write->size - done;
        if (survival != SURVIVE_ALL && random_next(random) % 2 == 0)
            continue;
        grow(&file->flushed, &file->flushed_size, (size_t)write->offset + done + size);
        memcpy(file->flushed + write->offset + done, write->data + done, size);
    }
}

static void restart_file(struct disk_file *file, struct random *random, enum disk_survival survival)
{
    for (size_t i = 0; survival != SURVIVE_NONE && i < file->write_count; i++)
        survive_write(file, &file->writes[i], random, survival);
    forget_writes(file);
    free(file->now);
    file->now = NULL;
    file->size = 0;
    grow(&file->now, &file->size, file->flushed_size);
    if (file->size > 0)
        memcpy(file->now, file->flushed, file->size);
}

void simulated_disk_restart(
        struct simulated_disk *disk, struct random *random, enum disk_survival survival)
{
    size_t kept = 0;

    if (survival == SURVIVE_ALL)
        kept = disk->change_count;
    else if (survival != SURVIVE_NONE && disk->change_count > 0)
        kept = (size_t)(random_next(random) % (disk->change_count + 1));
    for (size_t i = 0; i < kept; i++)
        change_folder(&disk->flushed, &disk->changes[i]);
    disk->now = disk->flushed;
    disk->change_count = 0;
    for (int i = 0; i < disk->stored_count; i++)
        restart_file(&disk->stored[i], random, survival);
    disk->dark = false;
    disk->cut_at = 0;
}

void simulated_disk_revive(struct simulated_disk *disk)
{
    disk->dark = false;
    disk->cut_at = 0;
}

bool simulated_disk_damage(struct simulated_disk *disk, const char *name, uint64_t offset)
{
    struct disk_entry *entry = find_entry(&disk->now, name);
    struct disk_file *file = entry ? &disk->stored[entry->file] : NULL;

    if (!file || offset >= file->size || offset >= file->flushed_size)
        return false;
    file->now[offset] ^= 0x40;
    file->flushed[offset] ^= 0x40;
    return true;
}
