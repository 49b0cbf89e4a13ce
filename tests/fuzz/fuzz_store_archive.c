/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever lies in the tables of an archive, it is told, changed, or refused.
 *
 * The input is rows: a table, the size of a key, that of a value, then both. The first byte says
 * what is done afterwards.
 */
#include "store/simulated_archive.h"
#include "store/store_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    assert(table < STORE_TABLES_MAX);
    *(size_t *)context += key.size + value.size;
    return 0;
}

static int count_item(void *context, const struct store_item *item)
{
    *(size_t *)context += item->tag.size + item->note.size + item->body.size;
    return 0;
}

static int count_queue(void *context, uint64_t queue, uint64_t count, uint64_t bytes,
        uint64_t first, uint64_t last)
{
    *(size_t *)context += queue + count + bytes + first + last;
    return 0;
}

static void put_rows(const struct archive *archive, struct bytes rest)
{
    struct archive_view *view;

    assert(archive->begin(archive->context, &view) == 0);
    while (rest.size >= 3) {
        unsigned table = rest.data[0] % ARCHIVE_TABLES;
        size_t key_size = rest.data[1];
        size_t value_size = rest.data[2];
        struct bytes key;

        rest = bytes_from(rest, 3);
        if (key_size == 0 || key_size + value_size > rest.size)
            break;
        key = bytes_first(rest, key_size);
        rest = bytes_from(rest, key_size);
        assert(archive->put(archive->context, view, table, key, bytes_first(rest, value_size)) ==
                0);
        rest = bytes_from(rest, value_size);
    }
    assert(archive->commit(archive->context, view) == 0);
}

static bool is_answer(int result)
{
    return result == 0 || result == 1 || result == -EBADMSG || result == -ENOENT;
}

/* Changes something of what may be there. */
static void change(struct cold *cold, uint8_t what)
{
    uint64_t queue = what >> 4;
    int result = cold_begin(cold);

    assert(result == 0);
    switch (what % 5) {
    case 0:
        result = cold_done(cold, queue, 1);
        break;
    case 1:
        result = cold_note(cold, queue, 1, BYTES("note"));
        break;
    case 2:
        result = cold_drop(cold, queue, 3);
        break;
    case 3:
        result = cold_sweep(cold);
        break;
    default:
        result = cold_remove_all(cold, queue, BYTES("k"));
        break;
    }
    assert(is_answer(result));
    if (result < 0)
        cold_abandon(cold);
    else
        assert(cold_commit(cold, 5) == 0);
}

static void read_and_change(const struct archive *archive, uint8_t what)
{
    size_t total = 0;
    const struct store_visitor visitor = { count_entry, count_item, count_queue, count_item,
        &total };
    struct cold cold;
    int result = cold_open(&cold, archive, 7, 0);

    assert(result == 0 || result == -EBADMSG || result == -EPROTO);
    assert(is_answer(walk_archive(archive, &visitor)));
    if (result == 0) {
        change(&cold, what);
        assert(is_answer(walk_archive(archive, &visitor)));
    }
    cold_close(&cold);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct simulated_disk *disk;
    struct simulated_archive archive;

    if (size == 0)
        return 0;
    disk = calloc(1, sizeof(*disk));
    assert(disk);
    simulated_disk_init(disk);
    simulated_archive_init(&archive, disk, 1);
    put_rows(&archive.archive, bytes_of(data + 1, size - 1));
    read_and_change(&archive.archive, data[0]);
    simulated_archive_deinit(&archive);
    simulated_disk_deinit(disk);
    free(disk);
    return 0;
}
