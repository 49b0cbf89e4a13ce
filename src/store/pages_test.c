/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pages.h"

#include "store/archive_lmdb.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TABLES = 3,
    ROUNDS = 6,
    PUTS = 300,
    REMOVES = 200,
    LARGE_EVERY = 37,
    LARGE_VALUE = 6000,
    TREE_OF_FREE = 40, /* where a head has the record of that tree, and then of that of tables */
    TREE_OF_TABLES = 88,
    LAST_PAGE = 136,
    TURN = 144, /* the number of the transaction that has written a head */
    ROOT = 40,  /* in a record */
};

/* An archive on disk, and what was written to its file. */
struct paged {
    char folder[32];
    char path[64];
    uint8_t *data;
    size_t size;
    size_t page_size;
};

static uint64_t number_at(const struct paged *paged, size_t at, unsigned size)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number |= (uint64_t)paged->data[at + i] << 8 * i;
    return number;
}

static struct bytes make_key(char text[static 64], unsigned number)
{
    int size = snprintf(text, 64, "key %06u %0*u", number, (int)(number % 40) + 1, number);

    return bytes_of((const uint8_t *)text, (size_t)size);
}

static void change(const struct archive *archive, unsigned round)
{
    static const uint8_t value[LARGE_VALUE];
    struct archive_view *view;
    char text[64];

    assert_int_equal(archive->begin(archive->context, &view), 0);
    for (unsigned i = round * PUTS; i < (round + 1) * PUTS; i++)
        assert_int_equal(archive->put(archive->context, view, i % TABLES, make_key(text, i),
                                 bytes_of(value, i % LARGE_EVERY == 0 ? LARGE_VALUE : i % 90)),
                0);
    for (unsigned i = 0; round > 1 && i < REMOVES; i++) {
        unsigned number = (round - 2) * PUTS + i;

        assert_int_equal(
                archive->remove(archive->context, view, number % TABLES, make_key(text, number)),
                0);
    }
    assert_int_equal(archive->commit(archive->context, view), 0);
}

static int check(const struct paged *paged)
{
    uint64_t offset = 0;
    int result = pages_check(paged->folder, UINT64_MAX, &offset);

    assert_true(offset <= paged->size);
    return result;
}

static void read_all(struct paged *paged)
{
    int file = open(paged->path, O_RDONLY);

    assert_true(file >= 0);
    paged->size = (size_t)lseek(file, 0, SEEK_END);
    paged->data = malloc(paged->size);
    assert_non_null(paged->data);
    assert_int_equal(pread(file, paged->data, paged->size, 0), paged->size);
    close(file);
    paged->page_size = (size_t)number_at(paged, TREE_OF_FREE, 4);
}

/* Each round is found to be in order, and the file has something of everything at the end. */
static struct paged *paged_open(void)
{
    struct paged *paged = calloc(1, sizeof(*paged));
    struct archive archive;
    struct archive_lmdb *lmdb;

    assert_non_null(paged);
    strcpy(paged->folder, "./pages-XXXXXX");
    assert_non_null(mkdtemp(paged->folder));
    snprintf(paged->path, sizeof(paged->path), "%s/" ARCHIVE_FILE, paged->folder);
    paged->size = SIZE_MAX;
    assert_int_equal(archive_lmdb_open(&lmdb, &archive, paged->folder, ARCHIVE_WRITES, 0), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        change(&archive, round);
        assert_int_equal(check(paged), 0);
    }
    archive_lmdb_close(lmdb);
    read_all(paged);
    return paged;
}

static void paged_close(struct paged *paged)
{
    char lock[80];

    snprintf(lock, sizeof(lock), "%s" ARCHIVE_LOCK_SUFFIX, paged->path);
    unlink(paged->path);
    unlink(lock);
    assert_int_equal(rmdir(paged->folder), 0);
    free(paged->data);
    free(paged);
}

/* What the check says of the file with one byte that is another one. */
static int check_changed(const struct paged *paged, size_t at, uint8_t bits)
{
    uint8_t byte = paged->data[at] ^ bits;
    int file = open(paged->path, O_WRONLY);
    int result;

    assert_true(file >= 0);
    assert_int_equal(pwrite(file, &byte, 1, (off_t)at), 1);
    result = check(paged);
    assert_int_equal(pwrite(file, &paged->data[at], 1, (off_t)at), 1);
    close(file);
    return result;
}

/* The head of the last transaction. */
static size_t head_of(const struct paged *paged)
{
    return number_at(paged, TURN, 8) > number_at(paged, paged->page_size + TURN, 8)
            ? 0
            : paged->page_size;
}

static size_t root_of(const struct paged *paged, size_t record)
{
    return (size_t)number_at(paged, head_of(paged) + record + ROOT, 8) * paged->page_size;
}

/* The first node of a page, its head before its key. */
static size_t node_at(const struct paged *paged, size_t page, size_t number)
{
    return page + (size_t)number_at(paged, page + 16 + 2 * number, 2);
}

static size_t key_size_at(const struct paged *paged, size_t node)
{
    return (size_t)number_at(paged, node + 6, 2);
}

/* The root of a table of values, which is a branch. */
static size_t table_of(const struct paged *paged, size_t *record)
{
    size_t node = node_at(paged, root_of(paged, TREE_OF_TABLES), 0);

    *record = node + 8 + key_size_at(paged, node);
    return (size_t)number_at(paged, *record + ROOT, 8) * paged->page_size;
}

/* A value on pages of its own in one of a branch's leaves. */
static size_t large_of(const struct paged *paged, size_t branch)
{
    size_t count = (size_t)(number_at(paged, branch + 12, 2) - 16) / 2;

    for (size_t i = 0; i < count; i++) {
        size_t leaf = (size_t)number_at(paged, node_at(paged, branch, i), 6) * paged->page_size;
        size_t nodes = (size_t)(number_at(paged, leaf + 12, 2) - 16) / 2;

        for (size_t j = 0; j < nodes; j++) {
            size_t node = node_at(paged, leaf, j);
            size_t key_size = key_size_at(paged, node);

            if (number_at(paged, node + 4, 2) == 1)
                return (size_t)number_at(paged, node + 8 + key_size, 8) * paged->page_size;
        }
    }
    fail_msg("no value is large");
    return 0;
}

TEST(what_lmdb_would_believe_of_a_page_is_looked_at)
{
    struct paged *paged = paged_open();
    size_t record;
    size_t branch = table_of(paged, &record);
    size_t leaf = (size_t)number_at(paged, node_at(paged, branch, 1), 6) * paged->page_size;
    size_t large = large_of(paged, branch);
    size_t node = node_at(paged, leaf, 0);

    assert_int_equal(number_at(paged, branch + 10, 2), 1);
    assert_int_equal(number_at(paged, leaf + 10, 2), 2);
    assert_int_equal(check(paged), 0);
    assert_int_equal(check_changed(paged, leaf + 10, 0x10), -EBADMSG);  /* being written */
    assert_int_equal(check_changed(paged, large + 10, 0x10), -EBADMSG); /* the same */
    assert_int_equal(check_changed(paged, large + 12, 4), -EBADMSG);    /* more pages than it has */
    assert_int_equal(check_changed(paged, leaf + 12, 2), -EBADMSG);     /* one key less, or more */
    assert_int_equal(check_changed(paged, branch + 12, 2), -EBADMSG);
    assert_int_equal(check_changed(paged, node + 8, 0x80), -EBADMSG); /* a key not in order */
    assert_int_equal(check_changed(paged, node + 8, 2), -EBADMSG);
    assert_int_equal(check_changed(paged, node_at(paged, branch, 1) + 8 + 9, 8), -EBADMSG);
    assert_int_equal(check_changed(paged, record + 4, 4), -EBADMSG); /* the tables's flags */
    assert_int_equal(check_changed(paged, record + 32, 1), -EBADMSG);
    assert_int_equal(check(paged), 0);
    paged_close(paged);
}

/* The numbers of a list of free pages may be any: LMDB would write to them. */
TEST(lists_of_free_pages_are_looked_at)
{
    struct paged *paged = paged_open();
    size_t leaf = root_of(paged, TREE_OF_FREE);
    size_t node = node_at(paged, leaf, 0);
    size_t list = node + 16;

    assert_int_equal(number_at(paged, leaf + 10, 2), 2);
    assert_int_equal(number_at(paged, node + 4, 2), 0);
    assert_true(number_at(paged, list, 8) > 1);
    for (unsigned bit = 0; bit < 8; bit++)
        assert_int_equal(check_changed(paged, list + 1, (uint8_t)(1 << bit)), -EBADMSG);
    assert_int_equal(check_changed(paged, list + 8 + 3, 1), -EBADMSG); /* behind the last page */
    assert_int_equal(check_changed(paged, list + 7, 0x80), -EBADMSG);
    paged_close(paged);
}

TEST(heads_are_of_turns_and_of_a_file_that_is_there)
{
    struct paged *paged = paged_open();
    size_t earlier = paged->page_size - head_of(paged);

    assert_int_equal(check_changed(paged, earlier + TURN + 1, 1), -EBADMSG); /* now the later one */
    assert_int_equal(check_changed(paged, earlier + TURN, 1), -EBADMSG);
    assert_int_equal(check_changed(paged, head_of(paged) + LAST_PAGE + 2, 0x40), -EBADMSG);
    assert_int_equal(check_changed(paged, head_of(paged) + TREE_OF_FREE + 4, 4), -EBADMSG);
    assert_int_equal(truncate(paged->path, (off_t)(paged->size - paged->page_size * 4)), 0);
    assert_int_equal(check(paged), -EBADMSG);
    paged_close(paged);
}
