/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/data_folder.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_choice(const struct data_folder_wishes *wishes, const char *expected)
{
    char path[STORE_PATH_MAX + 1];

    data_folder_choose(wishes, path);
    assert_string_equal(path, expected);
}

TEST(what_is_configured_comes_before_the_environment_and_that_before_the_usual_place)
{
    struct data_folder_wishes wishes = {
        .configured = "/a/b//", .variable = "/c", .usual = "/nowhere", .is_root = true
    };

    expect_choice(&wishes, "/a/b");
    wishes.configured = "";
    expect_choice(&wishes, "/c");
    wishes.variable = "";
    expect_choice(&wishes, "/nowhere");
    wishes.variable = NULL;
    expect_choice(&wishes, "/nowhere");
    wishes.configured = "/";
    expect_choice(&wishes, "/");
}

TEST(without_root_the_usual_place_is_taken_only_where_it_may_be_written)
{
    char usual[] = "/tmp/data_folder_XXXXXX";
    struct data_folder_wishes wishes = { .configured = "", .usual = usual };

    assert_non_null(mkdtemp(usual));
    expect_choice(&wishes, usual);
    rmdir(usual);
    expect_choice(&wishes, DATA_FOLDER_HERE);
}

TEST(a_folder_is_made_for_its_owner_alone_and_one_that_is_there_stays)
{
    char parent[] = "/tmp/data_folder_XXXXXX";
    char path[64];
    struct stat status;

    assert_non_null(mkdtemp(parent));
    snprintf(path, sizeof(path), "%s/data", parent);
    assert_int_equal(data_folder_make(path, NULL), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(data_folder_check(path), 0);
    assert_int_equal(chmod(path, 0750), 0);
    assert_int_equal(data_folder_make(path, NULL), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0750);
    assert_true(data_folder_has(parent, "data"));
    rmdir(path);
    assert_false(data_folder_has(parent, "data"));
    rmdir(parent);
    assert_int_equal(data_folder_make(path, NULL), -ENOENT);
    assert_int_equal(data_folder_check(path), -ENOENT);
    assert_int_equal(data_folder_make("/dev/null", NULL), -ENOTDIR);
}

TEST(a_folder_that_cannot_be_there_is_seen_before_it_is_made)
{
    char parent[] = "/tmp/data_folder_XXXXXX";
    char path[64];

    assert_non_null(mkdtemp(parent));
    assert_int_equal(data_folder_try(parent), 0);
    snprintf(path, sizeof(path), "%s/data//", parent);
    assert_int_equal(data_folder_try(path), 0);
    assert_int_equal(data_folder_try("no-such-folder"), 0);
    assert_int_equal(data_folder_try("/no-such-folder"), 0);
    assert_int_equal(data_folder_try("/"), 0);
    snprintf(path, sizeof(path), "%s/more/data", parent);
    assert_int_equal(data_folder_try(path), -ENOENT);
    snprintf(path, sizeof(path), "%s/link", parent);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(data_folder_try(path), -ENOENT);
    assert_int_equal(data_folder_make(path, NULL), -ENOENT);
    unlink(path);
    rmdir(parent);
    assert_int_equal(data_folder_try("/dev/null"), -ENOTDIR);
    assert_int_equal(data_folder_try("/dev/null/data"), -ENOTDIR);
}
