/* SPDX-License-Identifier: Apache-2.0 */
#include "store/files.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct scene {
    char path[64];
    struct folder folder;
    struct files files;
};

static void scene_open(struct scene *scene)
{
    strcpy(scene->path, "/tmp/nightjar-files-XXXXXX");
    assert_non_null(mkdtemp(scene->path));
    assert_int_equal(files_open(&scene->files, &scene->folder, scene->path), 0);
}

static void scene_close(struct scene *scene)
{
    files_close(&scene->folder);
    assert_int_equal(rmdir(scene->path), 0); /* The test has removed all of its files. */
}

TEST(what_was_written_is_read)
{
    struct scene scene;
    const struct files *files = &scene.files;
    char first[] = "nightjar";
    char second[] = "!";
    const struct iovec pieces[] = { { first, 8 }, { second, 0 }, { second, 1 } };
    char out[16] = "";
    int file;

    scene_open(&scene);
    file = files->open(files->context, "a", true);
    assert_true(file >= 0);
    assert_int_equal(files->write(files->context, file, pieces, 3, 4), 0);
    assert_int_equal(files->sync_folder(files->context), 0);
    assert_int_equal(files->size(files->context, file), 13);
    assert_int_equal(files->read(files->context, file, out, sizeof(out), 4), 9);
    assert_string_equal(out, "nightjar!");
    assert_int_equal(files->read(files->context, file, out, sizeof(out), 13), 0);
    files->close(files->context, file);
    assert_int_equal(files->open(files->context, "a", true), -EEXIST);
    assert_int_equal(files->open(files->context, "b", false), -ENOENT);
    assert_int_equal(files->remove(files->context, "a"), 0);
    scene_close(&scene);
}

TEST(many_pieces_are_written_whole)
{
    struct scene scene;
    const struct files *files = &scene.files;
    struct iovec pieces[FILES_PIECES_MAX + 1];
    static char bytes[FILES_PIECES_MAX][1000];
    static char out[sizeof(bytes)];
    int file;

    scene_open(&scene);
    for (size_t i = 0; i < FILES_PIECES_MAX; i++) {
        memset(bytes[i], (int)i, sizeof(bytes[i]));
        pieces[i] = (struct iovec){ bytes[i], sizeof(bytes[i]) };
    }
    file = files->open(files->context, "a", true);
    assert_int_equal(files->write(files->context, file, pieces, FILES_PIECES_MAX, 0), 0);
    assert_int_equal(files->read(files->context, file, out, sizeof(out), 0), sizeof(out));
    assert_memory_equal(out, bytes, sizeof(out));
    assert_int_equal(files->write(files->context, file, pieces, FILES_PIECES_MAX + 1, 0), -EINVAL);
    files->close(files->context, file);
    assert_int_equal(files->remove(files->context, "a"), 0);
    scene_close(&scene);
}

/* Every way of writing gives the same file, whatever is written: blocks or a few bytes, less than
 * is ever written past the system's memory or more. */
TEST(all_ways_write_the_same)
{
    static const struct {
        uint64_t offset;
        size_t size;
    } writes[] = { { 0, 4096 }, { 4096, 3 * 4096 }, { 5, 10 }, { 8192, 4096 },
        { 16384, FILES_DIRECT_MAX }, { 4096, FILES_DIRECT_MAX + 4096 }, { 12288, 100 } };
    enum { SIZE = FILES_DIRECT_MAX + 64 * 1024 };
    char *bytes = malloc(SIZE);
    char *expected = calloc(1, SIZE);
    char *out = malloc(SIZE);
    struct scene scene;

    assert_true(bytes && expected && out);
    for (enum files_way way = FILES_DIRECT; way <= FILES_FLUSH; way++) {
        int file;

        scene_open(&scene);
        scene.folder.way = way;
        file = scene.files.open(&scene.folder, "a", true);
        memset(expected, 0, SIZE);
        assert_int_equal(scene.files.reserve(&scene.folder, file, SIZE), 0);
        for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
            const struct iovec pieces[] = { { bytes, 3 }, { bytes + 3, writes[i].size - 3 } };

            memset(bytes, (int)(i + 1), writes[i].size);
            memcpy(expected + writes[i].offset, bytes, writes[i].size);
            assert_int_equal(
                    scene.files.write(&scene.folder, file, pieces, 2, writes[i].offset), 0);
            assert_int_equal(scene.files.read(&scene.folder, file, out, SIZE, 0), SIZE);
            assert_memory_equal(out, expected, SIZE);
        }
        assert_true(scene.folder.way >= way);
        scene.files.close(&scene.folder, file);
        assert_int_equal(scene.files.remove(&scene.folder, "a"), 0);
        scene_close(&scene);
    }
    free(bytes);
    free(expected);
    free(out);
}

/* A file system may let a file be opened for that and refuse the write. */
TEST(a_refused_way_is_not_taken_again)
{
    struct scene scene;
    char bytes[FILES_ALIGNMENT] = "nightjar";
    char out[8];
    const struct iovec piece = { bytes, sizeof(bytes) };
    int file;

    scene_open(&scene);
    file = scene.files.open(&scene.folder, "a", true);
    assert_int_equal(scene.files.write(&scene.folder, file, &piece, 1, 0), 0);
    /* An offset that no file has is refused by all ways: none is left then. */
    assert_int_equal(scene.files.write(&scene.folder, file, &piece, 1, (uint64_t)1 << 63), -EINVAL);
    assert_int_equal(scene.folder.way, FILES_FLUSH);
    assert_int_equal(scene.files.write(&scene.folder, file, &piece, 1, 0), 0);
    assert_int_equal(scene.files.read(&scene.folder, file, out, 8, 0), 8);
    assert_memory_equal(out, "nightjar", 8);
    scene.files.close(&scene.folder, file);
    assert_int_equal(scene.files.remove(&scene.folder, "a"), 0);
    scene_close(&scene);
}

static int count_name(void *to, const char *name)
{
    if (strcmp(name, "b") == 0)
        ++*(int *)to;
    return 0;
}

static int stop(void *to, const char *name)
{
    (void)to;
    (void)name;
    return -E2BIG;
}

TEST(a_folder_is_listed_and_changed)
{
    struct scene scene;
    const struct files *files = &scene.files;
    int count = 0;
    int file;

    scene_open(&scene);
    file = files->open(files->context, "a", true);
    assert_int_equal(files->reserve(files->context, file, 100000), 0);
    assert_int_equal(files->size(files->context, file), 100000);
    files->close(files->context, file);
    assert_int_equal(files->rename(files->context, "a", "b"), 0);
    assert_int_equal(files->list(files->context, count_name, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(files->list(files->context, stop, NULL), -E2BIG);
    assert_int_equal(files->remove(files->context, "b"), 0);
    assert_int_equal(files->remove(files->context, "b"), -ENOENT);
    scene_close(&scene);
}

TEST(a_folder_has_one_opener)
{
    struct scene scene;
    struct folder other;
    struct files files;

    scene_open(&scene);
    assert_int_equal(files_open(&files, &other, scene.path), -EBUSY);
    files_close(&scene.folder);
    assert_int_equal(files_open(&scene.files, &scene.folder, scene.path), 0);
    assert_int_equal(files_open(&files, &other, "/proc/self/nonexistent"), -ENOENT);
    scene_close(&scene);
}
