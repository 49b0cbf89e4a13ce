/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passwd_file.h"
#include "tests/harness/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A directory of the test's own, with one path in it. */
struct place {
    char directory[32];
    char path[64];
};

static struct place place_make(void)
{
    struct place place = { .directory = "/tmp/passwdXXXXXX" };

    assert_non_null(mkdtemp(place.directory));
    snprintf(place.path, sizeof(place.path), "%s/file", place.directory);
    return place;
}

static void place_remove(const struct place *place)
{
    unlink(place->path);
    assert_int_equal(rmdir(place->directory), 0); /* nothing else is left there */
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void expect_file(const char *path, const char *text, mode_t mode)
{
    char found[256] = "";
    FILE *file = fopen(path, "r");
    struct stat status;

    assert_non_null(file);
    found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(found, text);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, mode);
}

static void replace(const char *path, bool create, const char *text)
{
    struct passwd_file file;

    assert_int_equal(passwd_file_open(&file, path, create), 0);
    assert_int_equal(passwd_file_replace(&file, bytes_of_text(text)), 0);
    passwd_file_close(&file);
}

TEST(a_new_file_is_its_owners_alone)
{
    struct place place = place_make();

    replace(place.path, true, "a\n");
    expect_file(place.path, "a\n", 0600);
    place_remove(&place);
}

TEST(an_old_file_is_read_and_replaced_and_closed_to_others)
{
    struct place place = place_make();
    struct passwd_file file;

    write_file(place.path, "old\n", 0644);
    assert_int_equal(passwd_file_open(&file, place.path, false), 0);
    assert_true(bytes_equal(bytes_of(file.text, file.size), BYTES("old\n")));
    assert_int_equal(passwd_file_replace(&file, BYTES("new\n")), 0);
    passwd_file_close(&file);
    expect_file(place.path, "new\n", 0640);
    replace(place.path, true, "newer\n");
    expect_file(place.path, "newer\n", 0640);
    place_remove(&place);
}

TEST(what_a_link_names_is_replaced_and_the_link_stays)
{
    struct place place = place_make();
    char link[80];
    struct stat status;

    snprintf(link, sizeof(link), "%s.link", place.path);
    write_file(place.path, "old\n", 0600);
    assert_int_equal(symlink("file", link), 0);
    replace(link, false, "new\n");
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    expect_file(place.path, "new\n", 0600);
    unlink(link);
    place_remove(&place);
}

TEST(what_cannot_be_opened_is_told)
{
    struct place place = place_make();
    struct passwd_file file;

    assert_int_equal(passwd_file_open(&file, place.path, false), -ENOENT);
    assert_int_equal(passwd_file_open(&file, place.directory, false), -EISDIR);
    assert_int_equal(passwd_file_open(&file, "/dev/null", false), -EINVAL);
    place_remove(&place);
}

TEST(a_file_that_cannot_be_replaced_stays)
{
    struct place place = place_make();
    struct passwd_file file;

    assert_int_equal(passwd_file_open(&file, place.path, true), 0);
    assert_int_equal(rmdir(place.directory), 0);
    assert_int_equal(passwd_file_replace(&file, BYTES("new\n")), -ENOENT);
    passwd_file_close(&file);
}
