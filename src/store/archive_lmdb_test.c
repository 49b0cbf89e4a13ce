/* SPDX-License-Identifier: Apache-2.0 */
#include "store/archive_lmdb.h"

#include "store/simulated_archive.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS = 6000, MAP_SMALL = 4 << 20, KEYS = 300, VALUE_MAX = 9000, LARGE_VALUE = 600000 };

/* An archive on disk beside one in memory: both are told the same, and must answer the same. */
struct both {
    char path[32];
    struct archive_lmdb *lmdb;
    struct archive real;
    struct simulated_disk *disk;
    struct simulated_archive model;
    struct archive_view *views[2];
    struct random random;
};

static const struct archive *archive_of(struct both *both, unsigned i)
{
    return i == 0 ? &both->real : &both->model.archive;
}

static void open_lmdb(struct both *both, uint64_t map_size)
{
    assert_int_equal(
            archive_lmdb_open(&both->lmdb, &both->real, both->path, ARCHIVE_WRITES, map_size), 0);
}

static struct both *both_open(uint64_t seed, uint64_t map_size)
{
    struct both *both = calloc(1, sizeof(*both));

    assert_non_null(both);
    both->disk = calloc(1, sizeof(*both->disk));
    assert_non_null(both->disk);
    both->random.state = seed;
    strcpy(both->path, "./archive-XXXXXX");
    assert_non_null(mkdtemp(both->path));
    open_lmdb(both, map_size);
    simulated_disk_init(both->disk);
    simulated_archive_init(&both->model, both->disk, seed);
    return both;
}

static void remove_file(const char *folder, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
}

static void both_close(struct both *both)
{
    archive_lmdb_close(both->lmdb);
    remove_file(both->path, ARCHIVE_FILE);
    remove_file(both->path, ARCHIVE_FILE ARCHIVE_LOCK_SUFFIX);
    remove_file(both->path, ARCHIVE_NEW_FILE);
    remove_file(both->path, ARCHIVE_NEW_FILE ARCHIVE_LOCK_SUFFIX);
    assert_int_equal(rmdir(both->path), 0);
    simulated_archive_deinit(&both->model);
    simulated_disk_deinit(both->disk);
    free(both->disk);
    free(both);
}

static void begin(struct both *both)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct archive *archive = archive_of(both, i);

        assert_int_equal(archive->begin(archive->context, &both->views[i]), 0);
    }
}

/* Keys of all sizes, of which many begin alike. */
static size_t make_key(struct both *both, uint8_t out[ARCHIVE_KEY_MAX])
{
    uint64_t n = random_next(&both->random) % KEYS;
    size_t size = n % 7 == 0 ? ARCHIVE_KEY_MAX : 1 + n % 20;

    memset(out, 'a' + (int)(n % 3), size);
    out[size - 1] = (uint8_t)(n % 256);
    return size;
}

static void expect_same(const int results[2], const struct bytes values[2])
{
    assert_int_equal(results[0], results[1]);
    if (results[0] == 0) {
        assert_int_equal(values[0].size, values[1].size);
        if (values[0].size > 0)
            assert_memory_equal(values[0].data, values[1].data, values[0].size);
    }
}

static void put_one(struct both *both, unsigned table, struct bytes key, size_t size)
{
    uint8_t *value = malloc(size + 1);

    assert_non_null(value);
    memset(value, (int)random_next(&both->random), size);
    for (unsigned i = 0; i < 2; i++) {
        const struct archive *archive = archive_of(both, i);

        assert_int_equal(
                archive->put(archive->context, both->views[i], table, key, bytes_of(value, size)),
                0);
    }
    free(value);
}

static void remove_one(struct both *both, unsigned table, struct bytes key)
{
    const struct bytes nothing[2] = { { 0 } };
    int results[2];

    for (unsigned i = 0; i < 2; i++) {
        const struct archive *archive = archive_of(both, i);

        results[i] = archive->remove(archive->context, both->views[i], table, key);
    }
    expect_same(results, nothing);
}

static void look_one(struct both *both, unsigned table, struct bytes key)
{
    struct bytes values[2] = { { 0 } };
    struct bytes keys[2] = { { 0 } };
    int results[2];

    for (unsigned i = 0; i < 2; i++) {
        const struct archive *archive = archive_of(both, i);

        results[i] = archive->get(archive->context, both->views[i], table, key, &values[i]);
    }
    expect_same(results, values);
    for (unsigned i = 0; i < 2; i++) {
        const struct archive *archive = archive_of(both, i);

        results[i] =
                archive->seek(archive->context, both->views[i], table, key, &keys[i], &values[i]);
    }
    expect_same(results, keys);
    expect_same(results, values);
}

/* All of every table, from the first key on. */
static void expect_equal_tables(struct both *both)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct archive *archive = archive_of(both, i);

        assert_int_equal(archive->look(archive->context, &both->views[i]), 0);
    }
    for (unsigned table = 0; table < ARCHIVE_TABLES; table++) {
        const struct archive_rows *rows = &both->model.tables[table];

        look_one(both, table,
                rows->count > 0 ? bytes_of(rows->rows[0].key, rows->rows[0].key_size) : BYTES("a"));
        for (size_t i = 0; i < rows->count; i++)
            look_one(both, table, bytes_of(rows->rows[i].key, rows->rows[i].key_size));
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct archive *archive = archive_of(both, i);

        archive->abandon(archive->context, both->views[i]);
    }
}

static void end_transaction(struct both *both)
{
    bool commits = random_next(&both->random) % 4 > 0;

    for (unsigned i = 0; i < 2; i++) {
        const struct archive *archive = archive_of(both, i);

        if (commits)
            assert_int_equal(archive->commit(archive->context, both->views[i]), 0);
        else
            archive->abandon(archive->context, both->views[i]);
    }
}

static void step(struct both *both)
{
    uint8_t bytes[ARCHIVE_KEY_MAX];
    struct bytes key = bytes_of(bytes, make_key(both, bytes));
    unsigned table = (unsigned)(random_next(&both->random) % 3) * 11;
    uint64_t what = random_next(&both->random) % 8;

    if (what < 3)
        put_one(both, table, key,
                (size_t)(random_next(&both->random) % (what == 0 ? VALUE_MAX : 100)));
    else if (what < 5)
        remove_one(both, table, key);
    else
        look_one(both, table, key);
}

TEST(the_archive_on_disk_does_what_the_one_in_memory_does)
{
    struct both *both = both_open(1, 0);

    for (unsigned i = 0; i < STEPS / 100; i++) {
        begin(both);
        for (unsigned j = 0; j < 100; j++)
            step(both);
        end_transaction(both);
        if (i % 10 == 0) {
            archive_lmdb_close(both->lmdb);
            open_lmdb(both, 0);
        }
        expect_equal_tables(both);
    }
    both_close(both);
}

/* Begins anew when that is asked for. */
static void put_large(struct both *both, uint8_t n)
{
    const struct archive *archive = &both->real;
    struct archive_view *view;
    uint8_t *room;
    unsigned tries = 0;
    int result;

    do {
        assert_int_equal(archive->begin(archive->context, &view), 0);
        result = archive->put_room(archive->context, view, 0, bytes_of(&n, 1), LARGE_VALUE, &room);
        if (result == 0) {
            memset(room, n, LARGE_VALUE);
            result = archive->commit(archive->context, view);
        } else {
            archive->abandon(archive->context, view);
        }
    } while (result == -EAGAIN && ++tries < 10);
    assert_int_equal(result, 0);
}

TEST(rising_keys_and_others_may_come_in_one_transaction)
{
    struct both *both = both_open(5, 0);

    for (unsigned i = 0; i < 20; i++) {
        begin(both);
        for (unsigned j = 0; j < 200; j++) {
            uint8_t key[3] = { (uint8_t)('k' + i / 10), (uint8_t)(i % 10), (uint8_t)j };

            put_one(both, 0, bytes_of(key, sizeof(key)), 30 + j);
            if (i % 4 == 1 && j == 100)
                put_one(both, 0, BYTES("b"), 10 + i);
            if (i % 3 == 2 && j % 10 == 0)
                remove_one(both, 0, bytes_of(key, sizeof(key)));
            if (i % 3 == 1 && j % 10 == 0)
                put_one(both, 0, bytes_of(key, sizeof(key)), 300);
        }
        end_transaction(both);
        expect_equal_tables(both);
    }
    both_close(both);
}

TEST(the_map_grows_with_what_is_in_it)
{
    struct both *both = both_open(2, MAP_SMALL);
    const struct archive *archive = &both->real;
    struct archive_view *view;
    struct bytes value;

    for (uint8_t n = 0; n < 40; n++)
        put_large(both, n);
    assert_true(archive->size(archive->context) > 40 * LARGE_VALUE);
    assert_int_equal(archive->look(archive->context, &view), 0);
    for (uint8_t n = 0; n < 40; n++) {
        assert_int_equal(archive->get(archive->context, view, 0, bytes_of(&n, 1), &value), 0);
        assert_int_equal(value.size, LARGE_VALUE);
        assert_int_equal(value.data[LARGE_VALUE - 1], n);
    }
    archive->abandon(archive->context, view);
    both_close(both);
}

TEST(one_value_larger_than_the_map_gets_room)
{
    struct both *both = both_open(3, MAP_SMALL);
    const struct archive *archive = &both->real;
    struct archive_view *view;
    uint8_t *room;
    int result = -EAGAIN;

    for (unsigned tries = 0; result == -EAGAIN && tries < 10; tries++) {
        assert_int_equal(archive->begin(archive->context, &view), 0);
        result = archive->put_room(archive->context, view, 0, BYTES("k"), 5 * MAP_SMALL, &room);
        archive->abandon(archive->context, view);
    }
    assert_int_equal(result, 0);
    both_close(both);
}

TEST(what_is_no_archive_is_told_so)
{
    struct both *both = both_open(4, 0);
    struct archive_lmdb *other;
    struct archive archive;
    char path[128];
    FILE *file;

    assert_int_equal(archive_lmdb_open(&other, &archive, "./no-such", ARCHIVE_WRITES, 0), -ENOENT);
    archive_lmdb_close(both->lmdb);
    snprintf(path, sizeof(path), "%s/" ARCHIVE_FILE, both->path);
    file = fopen(path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 16384; i++)
        assert_true(fputc('x', file) != EOF);
    fclose(file);
    assert_int_equal(archive_lmdb_open(&other, &archive, both->path, ARCHIVE_WRITES, 0), -EBADMSG);
    unlink(path);
    open_lmdb(both, 0);
    both_close(both);
}

/* All values, in order; 0, or why not. */
static int read_all(const struct archive *archive)
{
    struct archive_view *view;
    struct bytes value;
    char key[8];
    int result = archive->look(archive->context, &view);

    for (unsigned i = 0; result == 0 && i < KEYS; i++) {
        snprintf(key, sizeof(key), "k%04u", i);
        result = archive->get(archive->context, view, 1, bytes_of(key, 5), &value);
        if (result == 0)
            assert_int_equal(value.size, VALUE_MAX / 10);
    }
    archive->abandon(archive->context, view);
    return result;
}

static void put_all(const struct archive *archive)
{
    static const uint8_t value[VALUE_MAX / 10];
    struct archive_view *view;
    char key[8];

    assert_int_equal(archive->begin(archive->context, &view), 0);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "k%04u", i);
        assert_int_equal(archive->put(archive->context, view, 1, bytes_of(key, 5),
                                 bytes_of(value, sizeof(value))),
                0);
    }
    assert_int_equal(archive->commit(archive->context, view), 0);
}

TEST(an_archive_that_was_cut_off_anywhere_is_told_so)
{
    static const off_t kept[] = { 5000, 8192, 20000, 65536, 200000 };
    struct both *both = both_open(5, 0);
    struct archive archive;
    struct archive_lmdb *cut;
    char path[128];

    snprintf(path, sizeof(path), "%s/" ARCHIVE_FILE, both->path);
    for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        int result;

        put_all(&both->real);
        assert_int_equal(read_all(&both->real), 0);
        archive_lmdb_close(both->lmdb);
        assert_int_equal(truncate(path, kept[i]), 0);
        result = archive_lmdb_open(
                &cut, &archive, both->path, i % 2 == 0 ? ARCHIVE_READS : ARCHIVE_WRITES, 0);
        if (result == 0) {
            result = read_all(&archive);
            archive_lmdb_close(cut);
        }
        assert_int_equal(result, -EBADMSG);
        unlink(path);
        open_lmdb(both, 0);
    }
    both_close(both);
}

/* ---- Room on the disk ---- */

static uint64_t blocks_of(const struct both *both)
{
    char path[128];
    struct stat found;

    snprintf(path, sizeof(path), "%s/" ARCHIVE_FILE, both->path);
    assert_int_equal(stat(path, &found), 0);
    return (uint64_t)found.st_blocks * 512;
}

TEST(room_can_be_taken_before_it_is_needed)
{
    enum { ROOM = 8 << 20 };
    struct both *both = both_open(9, 0);
    uint64_t used;

    put_all(&both->real);
    used = both->real.size(both->real.context);
    assert_int_equal(both->real.reserve(both->real.context, ROOM), 0);
    assert_true(blocks_of(both) >= used + ROOM);
    assert_int_equal(both->real.size(both->real.context), used);
    archive_lmdb_close(both->lmdb);
    open_lmdb(both, 0);
    assert_int_equal(read_all(&both->real), 0);
    assert_int_equal(both->real.reserve(both->real.context, ROOM), 0);
    both_close(both);
}

/* ---- One that is made ---- */

/* 0: there is no such file. */
static ino_t inode_of(const struct both *both, const char *name)
{
    char path[128];
    struct stat found;

    snprintf(path, sizeof(path), "%s/%s", both->path, name);
    return stat(path, &found) == 0 ? found.st_ino : 0;
}

/* What is left of its file is as a power cut may leave it: `size` bytes, of which a page is zeros,
 * or none is, where `zeros` is behind them. */
static void spoil_new(const struct both *both, off_t size, off_t zeros)
{
    static const uint8_t page[4096];
    char path[128];
    int file;

    snprintf(path, sizeof(path), "%s/" ARCHIVE_NEW_FILE, both->path);
    assert_int_equal(truncate(path, size), 0);
    file = open(path, O_WRONLY);
    assert_true(file >= 0);
    if (zeros < size)
        assert_int_equal(pwrite(file, page, sizeof(page), zeros), sizeof(page));
    close(file);
}

TEST(an_archive_that_was_never_written_in_is_made_anew_whatever_is_left_of_it)
{
    static const off_t sizes[] = { 0, 4096, 8192, 12288, 5000 };
    struct both *both = both_open(6, 0);

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (off_t zeros = 0; zeros <= sizes[i]; zeros += 4096) {
            assert_int_equal(inode_of(both, ARCHIVE_FILE), 0);
            archive_lmdb_close(both->lmdb);
            spoil_new(both, sizes[i], zeros);
            open_lmdb(both, 0);
            assert_int_equal(read_all(&both->real), -ENOENT);
        }
    }
    put_all(&both->real);
    assert_int_equal(read_all(&both->real), 0);
    both_close(both);
}

/* Whoever opens it by its name meets those who had it open before. */
TEST(an_archive_gets_its_name_when_something_is_written_in_it)
{
    struct both *both = both_open(7, 0);
    ino_t file = inode_of(both, ARCHIVE_NEW_FILE);
    ino_t lock = inode_of(both, ARCHIVE_NEW_FILE ARCHIVE_LOCK_SUFFIX);

    assert_int_equal(read_all(&both->real), -ENOENT);
    assert_int_equal(inode_of(both, ARCHIVE_FILE), 0);
    put_all(&both->real);
    assert_int_equal(inode_of(both, ARCHIVE_FILE), file);
    assert_int_equal(inode_of(both, ARCHIVE_FILE ARCHIVE_LOCK_SUFFIX), lock);
    assert_int_equal(inode_of(both, ARCHIVE_NEW_FILE), 0);
    assert_int_equal(inode_of(both, ARCHIVE_NEW_FILE ARCHIVE_LOCK_SUFFIX), 0);
    archive_lmdb_close(both->lmdb);
    open_lmdb(both, 0);
    assert_int_equal(inode_of(both, ARCHIVE_NEW_FILE), 0);
    assert_int_equal(read_all(&both->real), 0);
    both_close(both);
}

/* As versions without sums made them. */
static void make_without_sums(const char *folder)
{
    char path[128];
    char name[4];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    char text[] = "kold";
    MDB_val key = { 1, text };
    MDB_val value = { 3, text + 1 };

    snprintf(path, sizeof(path), "%s/" ARCHIVE_FILE, folder);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, ARCHIVE_TABLES), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    for (unsigned i = 0; i < ARCHIVE_TABLES; i++) {
        snprintf(name, sizeof(name), "%02u", i % 100);
        assert_int_equal(mdb_dbi_open(txn, name, MDB_CREATE, &table), 0);
        assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static int count_broken(void *context, unsigned table, struct bytes key)
{
    (void)table;
    (void)key;
    ++*(unsigned *)context;
    return 0;
}

TEST(an_archive_without_sums_goes_on_without)
{
    struct both *both = both_open(9, 0);
    const struct archive *archive = &both->real;
    struct archive_view *view;
    struct bytes value;
    unsigned broken = 0;

    archive_lmdb_close(both->lmdb);
    make_without_sums(both->path);
    for (unsigned turn = 0; turn < 2; turn++) {
        open_lmdb(both, 0);
        assert_int_equal(archive->begin(archive->context, &view), 0);
        assert_int_equal(archive->get(archive->context, view, 3, BYTES("k"), &value), 0);
        assert_true(bytes_equal(value, turn == 0 ? BYTES("old") : BYTES("new")));
        assert_int_equal(archive->put(archive->context, view, 3, BYTES("k"), BYTES("new")), 0);
        assert_int_equal(archive->commit(archive->context, view), 0);
        assert_int_equal(archive_lmdb_verify(both->lmdb, count_broken, &broken), 0);
        assert_int_equal(broken, 0);
        if (turn == 0)
            archive_lmdb_close(both->lmdb);
    }
    both_close(both);
}

TEST(an_archive_that_cannot_get_its_name_is_not_written_in)
{
    struct both *both = both_open(8, 0);
    struct archive_view *view;
    char path[128];

    snprintf(path, sizeof(path), "%s/" ARCHIVE_FILE, both->path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(both->real.begin(both->real.context, &view), -EISDIR);
    assert_int_equal(rmdir(path), 0);
    put_all(&both->real);
    assert_int_equal(read_all(&both->real), 0);
    both_close(both);
}
