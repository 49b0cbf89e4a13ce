/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/test.h"

enum { PATH_SIZE = 128 };

struct directory {
    char path[PATH_SIZE];
};

static struct directory directory_new(void)
{
    struct directory directory = { "/tmp/nightjar-source-XXXXXX" };

    assert_non_null(mkdtemp(directory.path));
    return directory;
}

static void path_in(const struct directory *directory, const char *name, char *path)
{
    snprintf(path, PATH_SIZE + 64, "%s/%s", directory->path, name);
}

static void write_file(const struct directory *directory, const char *name, const char *text)
{
    char path[PATH_SIZE + 64];
    FILE *file;

    path_in(directory, name, path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_file(const struct directory *directory, const char *name)
{
    char path[PATH_SIZE + 64];

    path_in(directory, name, path);
    assert_int_equal(remove(path), 0);
}

TEST(a_file_is_read_whole)
{
    struct directory directory = directory_new();
    struct source source = source_system();
    char path[PATH_SIZE + 64];
    char text[10001];
    struct bytes got = { 0 };

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    write_file(&directory, "a", text);
    path_in(&directory, "a", path);
    assert_int_equal(source.read(source.context, path, &got), 0);
    assert_true(bytes_equal(got, bytes_of_text(text)));
    free((void *)(uintptr_t)got.data);
    remove_file(&directory, "a");
    rmdir(directory.path);
}

TEST(a_directory_and_a_missing_file_are_errors)
{
    struct source source = source_system();
    struct bytes got = { 0 };

    assert_int_equal(source.read(source.context, "/tmp", &got), -EISDIR);
    assert_int_equal(source.read(source.context, "/tmp/no/such/file", &got), -ENOENT);
    assert_null(got.data);
}

TEST(only_names_that_end_in_conf_are_listed)
{
    static const char *const files[] = { "b.conf", "a.conf", "c.conf~", ".conf", "conf", "d.txt" };
    struct directory directory = directory_new();
    struct source source = source_system();
    struct source_names names = { 0 };
    char path[PATH_SIZE + 64];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        write_file(&directory, files[i], "");
    assert_int_equal(source.list(source.context, directory.path, &names), 0);
    source_names_sort(&names);
    assert_int_equal(names.count, 2);
    path_in(&directory, "a.conf", path);
    assert_string_equal(names.paths[0], path);
    path_in(&directory, "b.conf", path);
    assert_string_equal(names.paths[1], path);
    source_names_free(&names);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        remove_file(&directory, files[i]);
    rmdir(directory.path);
}

TEST(a_directory_with_too_many_files_is_an_error)
{
    struct directory directory = directory_new();
    struct source source = source_system();
    struct source_names names = { 0 };
    char name[32];

    for (int i = 0; i <= SOURCE_NAMES_MAX; i++) {
        snprintf(name, sizeof(name), "%d.conf", i);
        write_file(&directory, name, "");
    }
    assert_int_equal(source.list(source.context, directory.path, &names), -E2BIG);
    for (int i = 0; i <= SOURCE_NAMES_MAX; i++) {
        snprintf(name, sizeof(name), "%d.conf", i);
        remove_file(&directory, name);
    }
    rmdir(directory.path);
}

TEST(a_missing_directory_is_an_error)
{
    struct source source = source_system();
    struct source_names names = { 0 };

    assert_int_equal(source.list(source.context, "/tmp/no/such/directory", &names), -ENOENT);
}

TEST(capitals_stand_before_small_ones_of_the_same_letter)
{
    static const char *const sorted[] = { "00.conf", "01.conf", "A.conf", "a.conf", "B.conf",
        "b.conf", "ba.conf" };
    static const size_t mixed[] = { 5, 0, 6, 3, 1, 4, 2 };
    enum { COUNT = sizeof(mixed) / sizeof(mixed[0]) };
    struct source_names names = { calloc(COUNT, sizeof(char *)), COUNT };

    assert_non_null(names.paths);
    for (size_t i = 0; i < COUNT; i++)
        names.paths[i] = strdup(sorted[mixed[i]]);
    source_names_sort(&names);
    for (size_t i = 0; i < COUNT; i++)
        assert_string_equal(names.paths[i], sorted[i]);
    source_names_free(&names);
}
