/* SPDX-License-Identifier: Apache-2.0 */
#include "store/simulated_archive.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIES_FOR = 8,        /* commits */
    REMOVER_NEEDS = 256, /* bytes that even one that removes may add, of its own state */
};

struct archive_view {
    bool writes;
    struct archive_rows tables[ARCHIVE_TABLES]; /* its own copy */
};

/* ---- Rows ---- */

static struct bytes key_of(const struct archive_row *row)
{
    return bytes_of(row->key, row->key_size);
}

/* The first row whose key is not less. */
static size_t lower_bound(const struct archive_rows *rows, struct bytes key)
{
    size_t low = 0;
    size_t high = rows->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (bytes_compare(key_of(&rows->rows[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct archive_rows *rows, size_t at, struct bytes key)
{
    return at < rows->count && bytes_equal(key_of(&rows->rows[at]), key);
}

static uint8_t *copy_of(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);

    assert(copy);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

static void insert_row(struct archive_rows *rows, size_t at, struct bytes key)
{
    if (rows->count == rows->room) {
        rows->room = rows->room > 0 ? rows->room * 2 : 16;
        rows->rows = realloc(rows->rows, rows->room * sizeof(*rows->rows));
        assert(rows->rows);
    }
    memmove(rows->rows + at + 1, rows->rows + at, (rows->count - at) * sizeof(*rows->rows));
    rows->count++;
    rows->rows[at] = (struct archive_row){ .key = copy_of(key), .key_size = key.size };
}

static void free_row(struct archive_row *row)
{
    free(row->key);
    free(row->value);
}

static void free_tables(struct archive_rows tables[ARCHIVE_TABLES])
{
    for (unsigned i = 0; i < ARCHIVE_TABLES; i++) {
        for (size_t at = 0; at < tables[i].count; at++)
            free_row(&tables[i].rows[at]);
        free(tables[i].rows);
        tables[i] = (struct archive_rows){ 0 };
    }
}

static void copy_tables(
        struct archive_rows to[ARCHIVE_TABLES], const struct archive_rows from[ARCHIVE_TABLES])
{
    for (unsigned i = 0; i < ARCHIVE_TABLES; i++) {
        for (size_t at = 0; at < from[i].count; at++) {
            const struct archive_row *row = &from[i].rows[at];

            insert_row(&to[i], at, key_of(row));
            to[i].rows[at].value = copy_of(bytes_of(row->value, row->value_size));
            to[i].rows[at].value_size = row->value_size;
        }
    }
}

/* ---- Views ---- */

static int make_view(struct simulated_archive *archive, bool writes, struct archive_view **out)
{
    struct archive_view *view;

    if (archive->disk->dark)
        return -EIO;
    view = calloc(1, sizeof(*view));
    assert(view);
    view->writes = writes;
    copy_tables(view->tables, archive->tables);
    *out = view;
    return 0;
}

static int simulated_begin(void *context, struct archive_view **out)
{
    return make_view(context, true, out);
}

static int simulated_look(void *context, struct archive_view **out)
{
    return make_view(context, false, out);
}

static void simulated_abandon(void *context, struct archive_view *view)
{
    (void)context;
    free_tables(view->tables);
    free(view);
}

static uint64_t bytes_in(const struct archive_rows tables[ARCHIVE_TABLES])
{
    uint64_t size = 0;

    for (unsigned i = 0; i < ARCHIVE_TABLES; i++) {
        for (size_t at = 0; at < tables[i].count; at++)
            size += tables[i].rows[at].key_size + tables[i].rows[at].value_size;
    }
    return size;
}

/* What removes always finds room. */
static bool has_no_room(const struct simulated_archive *archive, const struct archive_view *view)
{
    uint64_t wanted = bytes_in(view->tables);

    return archive->room_max > 0 && wanted > archive->room_max &&
            wanted > bytes_in(archive->tables) + REMOVER_NEEDS;
}

static int simulated_commit(void *context, struct archive_view *view)
{
    struct simulated_archive *archive = context;
    int result = simulated_disk_operate(archive->disk);

    if (result == 0 && has_no_room(archive, view))
        result = -ENOSPC;
    bool takes = result == 0 || (archive->disk->dark && random_next(&archive->random) % 2 == 0);

    assert(view->writes);
    if (takes) {
        if (archive->commits % LIES_FOR == 0) {
            free_tables(archive->before);
            copy_tables(archive->before, archive->tables);
        }
        free_tables(archive->tables);
        memcpy(archive->tables, view->tables, sizeof(view->tables));
        memset(view->tables, 0, sizeof(view->tables));
        archive->commits++;
    }
    simulated_abandon(archive, view);
    return result;
}

/* ---- What is in them ---- */

static int simulated_put_room(void *context, struct archive_view *view, unsigned table,
        struct bytes key, size_t value_size, uint8_t **out)
{
    struct archive_rows *rows = &view->tables[table];
    size_t at = lower_bound(rows, key);
    struct archive_row *row;

    (void)context;
    assert(view->writes);
    assert(key.size > 0);
    assert(key.size <= ARCHIVE_KEY_MAX);
    if (!is_at(rows, at, key))
        insert_row(rows, at, key);
    row = &rows->rows[at];
    free(row->value);
    row->value = malloc(value_size + 1);
    row->value_size = value_size;
    assert(row->value);
    *out = row->value;
    return 0;
}

static int simulated_put(void *context, struct archive_view *view, unsigned table, struct bytes key,
        struct bytes value)
{
    uint8_t *room;
    int result = simulated_put_room(context, view, table, key, value.size, &room);

    if (value.size > 0)
        memcpy(room, value.data, value.size);
    return result;
}

static int simulated_remove(
        void *context, struct archive_view *view, unsigned table, struct bytes key)
{
    struct archive_rows *rows = &view->tables[table];
    size_t at = lower_bound(rows, key);

    (void)context;
    assert(view->writes);
    if (!is_at(rows, at, key))
        return -ENOENT;
    free_row(&rows->rows[at]);
    rows->count--;
    memmove(rows->rows + at, rows->rows + at + 1, (rows->count - at) * sizeof(*rows->rows));
    return 0;
}

static int simulated_seek(void *context, struct archive_view *view, unsigned table,
        struct bytes from, struct bytes *key, struct bytes *value)
{
    const struct archive_rows *rows = &view->tables[table];
    size_t at = lower_bound(rows, from);

    (void)context;
    if (at == rows->count)
        return -ENOENT;
    *key = key_of(&rows->rows[at]);
    *value = bytes_of(rows->rows[at].value, rows->rows[at].value_size);
    return 0;
}

static int simulated_get(void *context, struct archive_view *view, unsigned table, struct bytes key,
        struct bytes *value)
{
    struct bytes found;
    struct bytes content;
    int result = simulated_seek(context, view, table, key, &found, &content);

    if (result < 0 || !bytes_equal(found, key))
        return -ENOENT;
    *value = content;
    return 0;
}

static uint64_t simulated_size(void *context)
{
    const struct simulated_archive *archive = context;

    return bytes_in(archive->tables);
}

static int simulated_reserve(void *context, uint64_t bytes)
{
    const struct simulated_archive *archive = context;

    return archive->room_max > 0 && bytes_in(archive->tables) + bytes > archive->room_max ? -ENOSPC
                                                                                          : 0;
}

void simulated_archive_init(
        struct simulated_archive *archive, struct simulated_disk *disk, uint64_t seed)
{
    *archive = (struct simulated_archive){
        .archive = { simulated_begin, simulated_commit, simulated_abandon, simulated_look,
                simulated_put, simulated_put_room, simulated_remove, simulated_get, simulated_seek,
                simulated_size, simulated_reserve, archive },
        .disk = disk,
        .random = { seed },
    };
}

void simulated_archive_restart(struct simulated_archive *archive)
{
    if (!archive->lies)
        return;
    free_tables(archive->tables);
    copy_tables(archive->tables, archive->before);
}

void simulated_archive_deinit(struct simulated_archive *archive)
{
    free_tables(archive->before);
    free_tables(archive->tables);
}
