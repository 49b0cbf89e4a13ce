/* SPDX-License-Identifier: Apache-2.0 */
#include "store/archive_pages.h"

#include "store/archive_sum.h"
#include "store/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS_ROOM_MIN = 1024 };

/* A value, in the file. */
struct row {
    struct bytes key;
    struct bytes value;
    unsigned table;
};

/* All that anyone sees is the same at all times. */
struct archive_view {
    bool is_whole;
};

struct archive_pages {
    struct bytes content; /* of the file: its map */
    struct row *rows;     /* in order of table and key */
    size_t row_count;
    size_t row_room;
    const struct archive_pages_findings *findings; /* while it is opened */
    struct archive_view view;
};

/* ---- Finding all of it ---- */

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;

    if (a->table != b->table)
        return (a->table > b->table) - (a->table < b->table);
    return bytes_compare(a->key, b->key);
}

static int add_row(struct archive_pages *archive, const struct row *row)
{
    if (archive->row_count == archive->row_room) {
        size_t room = archive->row_room > 0 ? archive->row_room * 2 : ROWS_ROOM_MIN;
        struct row *rows = realloc(archive->rows, room * sizeof(*rows));

        if (!rows)
            return -ENOMEM;
        archive->rows = rows;
        archive->row_room = room;
    }
    archive->rows[archive->row_count++] = *row;
    return 0;
}

/* The name of a table is its number in two digits, and an s where values have sums. */
static bool read_table_name(struct bytes name, unsigned *table, bool *summed)
{
    *summed = name.size == 3 && name.data[2] == 's';
    if (name.size < 2 || (name.size > 2 && !*summed) || name.data[0] < '0' || name.data[0] > '9' ||
            name.data[1] < '0' || name.data[1] > '9')
        return false;
    *table = (name.data[0] - '0') * 10u + name.data[1] - '0';
    return *table < ARCHIVE_TABLES;
}

static int take_value(void *context, struct bytes table, struct bytes key, struct bytes value)
{
    struct archive_pages *archive = context;
    struct row row = { .key = key, .value = value };
    bool summed;

    if (!read_table_name(table, &row.table, &summed) || key.size == 0 || key.size > ARCHIVE_KEY_MAX)
        return 0;
    if (summed && !archive_sum_take(row.table, key, &row.value))
        return archive->findings->value(archive->findings->context, row.table, key);
    return add_row(archive, &row);
}

static int take_broken(void *context, uint64_t offset)
{
    const struct archive_pages *archive = context;

    return archive->findings->page(archive->findings->context, offset);
}

/* ---- Looking ---- */

/* The place of the first row that is not before that one. */
static size_t find_row(const struct archive_pages *archive, unsigned table, struct bytes key)
{
    const struct row wanted = { .key = key, .table = table };
    size_t low = 0;
    size_t high = archive->row_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_rows(&archive->rows[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int pages_look(void *context, struct archive_view **out)
{
    struct archive_pages *archive = context;

    *out = &archive->view;
    return 0;
}

static void pages_abandon(void *context, struct archive_view *view)
{
    (void)context;
    (void)view;
}

static int pages_seek(void *context, struct archive_view *view, unsigned table, struct bytes from,
        struct bytes *key, struct bytes *value)
{
    const struct archive_pages *archive = context;
    size_t place = find_row(archive, table, from);

    (void)view;
    if (place == archive->row_count || archive->rows[place].table != table)
        return -ENOENT;
    *key = archive->rows[place].key;
    *value = archive->rows[place].value;
    return 0;
}

static int pages_get(void *context, struct archive_view *view, unsigned table, struct bytes key,
        struct bytes *value)
{
    struct bytes found;
    struct bytes content;
    int result = pages_seek(context, view, table, key, &found, &content);

    if (result == 0 && !bytes_equal(found, key))
        return -ENOENT;
    if (result == 0)
        *value = content;
    return result;
}

/* ---- Opening ---- */

/* An empty file cannot be mapped, and need not be. */
static int map_file(struct archive_pages *archive, int file)
{
    struct stat status;
    void *map;

    if (fstat(file, &status) < 0)
        return -errno;
    if (status.st_size == 0)
        return 0;
    map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (map == MAP_FAILED)
        return -errno;
    archive->content = bytes_of(map, (size_t)status.st_size);
    return 0;
}

static int read_all(struct archive_pages *archive)
{
    const struct pages_visitor visitor = { take_broken, take_value, archive };
    int result = pages_read(archive->content, &visitor);

    if (archive->row_count > 1)
        qsort(archive->rows, archive->row_count, sizeof(*archive->rows), compare_rows);
    return result;
}

int archive_pages_open(struct archive_pages **out, struct archive *archive, const char *folder,
        const struct archive_pages_findings *findings)
{
    struct archive_pages *made;
    int file = pages_open(folder);
    int result;

    if (file < 0)
        return file;
    made = calloc(1, sizeof(*made));
    result = made ? map_file(made, file) : -ENOMEM;
    close(file);
    if (result == 0) {
        made->findings = findings;
        result = read_all(made);
    }
    if (result != 0) {
        archive_pages_close(made);
        return result;
    }
    *archive = (struct archive){ .abandon = pages_abandon,
        .look = pages_look,
        .get = pages_get,
        .seek = pages_seek,
        .context = made };
    *out = made;
    return 0;
}

void archive_pages_close(struct archive_pages *archive)
{
    if (!archive)
        return;
    if (archive->content.data)
        munmap((void *)(uintptr_t)archive->content.data, archive->content.size);
    free(archive->rows);
    free(archive);
}
