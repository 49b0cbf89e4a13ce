/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/watch.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of the test's own, in which paths are given. */
struct fixture {
    char folder[64];
    int fd;
};

static void fixture_open(struct fixture *f)
{
    strcpy(f->folder, "/tmp/nightjar-watch-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->fd = watch_open();
    assert_true(f->fd >= 0);
}

static const char *in(const struct fixture *f, const char *name)
{
    static char path[4][PATH_MAX];
    static unsigned next;
    char *out = path[next++ % 4];

    snprintf(out, PATH_MAX, "%s/%s", f->folder, name);
    return out;
}

static void write_file(const struct fixture *f, const char *name)
{
    int fd = open(in(f, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void make_folder(const struct fixture *f, const char *name)
{
    assert_int_equal(mkdir(in(f, name), 0700), 0);
}

static void make_link(const struct fixture *f, const char *target, const char *name)
{
    assert_int_equal(symlink(target, in(f, name)), 0);
}

static void rename_to(const struct fixture *f, const char *from, const char *to)
{
    assert_int_equal(rename(in(f, from), in(f, to)), 0);
}

static void watch(struct fixture *f, const char *name)
{
    assert_int_equal(watch_add(f->fd, in(f, name)), 0);
    assert_false(watch_take(f->fd));
}

static void fixture_close(struct fixture *f)
{
    char command[128];

    watch_close(f->fd);
    snprintf(command, sizeof(command), "rm -r %s", f->folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

TEST(a_file_that_is_written_replaced_or_removed_is_told_once)
{
    struct fixture f;

    fixture_open(&f);
    write_file(&f, "file");
    watch(&f, "file");
    write_file(&f, "file");
    assert_true(watch_take(f.fd));
    assert_false(watch_take(f.fd));
    write_file(&f, "new");
    rename_to(&f, "new", "file");
    assert_true(watch_take(f.fd));
    assert_int_equal(chmod(in(&f, "file"), 0), 0);
    assert_true(watch_take(f.fd));
    assert_int_equal(unlink(in(&f, "file")), 0);
    assert_true(watch_take(f.fd));
    fixture_close(&f);
}

/* As certbot does: live/x/cert.pem leads to ../../archive/x/cert1.pem. */
TEST(a_link_that_leads_to_another_file_is_told)
{
    struct fixture f;

    fixture_open(&f);
    make_folder(&f, "live");
    make_folder(&f, "archive");
    write_file(&f, "archive/cert1");
    make_link(&f, "../archive/cert1", "live/cert");
    watch(&f, "live/cert");
    write_file(&f, "archive/cert1");
    assert_true(watch_take(f.fd));
    write_file(&f, "archive/cert2");
    watch_take(f.fd);
    make_link(&f, "../archive/cert2", "live/new");
    rename_to(&f, "live/new", "live/cert");
    assert_true(watch_take(f.fd));
    fixture_close(&f);
}

/* As Kubernetes does: tls.crt leads to ..data/tls.crt, and ..data to a folder with a date. */
TEST(a_folder_that_is_swapped_by_its_link_is_told)
{
    struct fixture f;

    fixture_open(&f);
    make_folder(&f, "volume");
    make_folder(&f, "volume/..1");
    write_file(&f, "volume/..1/tls.crt");
    make_link(&f, "..1", "volume/..data");
    make_link(&f, "..data/tls.crt", "volume/tls.crt");
    make_link(&f, in(&f, "volume"), "here");
    watch(&f, "here/tls.crt");
    make_link(&f, "..2", "volume/..data_tmp");
    rename_to(&f, "volume/..data_tmp", "volume/..data");
    assert_true(watch_take(f.fd));
    make_link(&f, "volume", "there");
    assert_true(watch_take(f.fd)); /* the link "here" lies in this folder */
    rename_to(&f, "there", "here");
    assert_true(watch_take(f.fd));
    fixture_close(&f);
}

TEST(what_lies_in_a_folder_is_watched)
{
    struct fixture f;

    fixture_open(&f);
    make_folder(&f, "cas");
    watch(&f, "cas/");
    write_file(&f, "cas/a");
    assert_true(watch_take(f.fd));
    fixture_close(&f);
}

TEST(where_a_path_leads_nowhere_the_last_folder_is_watched)
{
    struct fixture f;

    fixture_open(&f);
    watch(&f, "not/there");
    make_folder(&f, "not");
    assert_true(watch_take(f.fd));
    fixture_close(&f);
}

TEST(what_is_elsewhere_is_not_told)
{
    struct fixture f;

    fixture_open(&f);
    make_folder(&f, "a");
    make_folder(&f, "b");
    write_file(&f, "a/file");
    watch(&f, "a/file");
    write_file(&f, "b/file");
    assert_false(watch_take(f.fd));
    fixture_close(&f);
}

TEST(links_that_lead_round_are_an_error)
{
    struct fixture f;

    fixture_open(&f);
    make_link(&f, "two", "one");
    make_link(&f, "one", "two");
    assert_int_equal(watch_add(f.fd, in(&f, "one")), -ELOOP);
    fixture_close(&f);
}

TEST(a_path_that_is_too_long_is_an_error)
{
    static char path[PATH_MAX + 1];
    struct fixture f;

    fixture_open(&f);
    memset(path, 'x', PATH_MAX);
    assert_int_equal(watch_add(f.fd, path), -ENAMETOOLONG);
    memset(path, '/', PATH_MAX - 1);
    path[PATH_MAX - 1] = '\0';
    assert_int_equal(watch_add(f.fd, path), 0); /* the root, at length */
    fixture_close(&f);
}
