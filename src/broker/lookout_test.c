/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lookout.h"

#include "tests/harness/test.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW_MS = 1000000 };

/* A listener's files in a folder of their own; what is told, as names of events. */
struct fixture {
    char folder[64];
    struct config *config;
    struct lookout lookout;
    struct journal journal;
    char told[256];
};

static void tell(void *context, const struct event *event)
{
    struct fixture *f = context;
    size_t used = strlen(f->told);

    snprintf(f->told + used, sizeof(f->told) - used, "%s ", event->name);
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void put_path(struct fixture *f, char *field, const char *name)
{
    snprintf(field, CONFIG_PATH_MAX, "%s/%s", f->folder, name);
}

static void look(struct fixture *f)
{
    lookout_at(&f->lookout, f->config, lookout_fingerprint(f->config), &f->journal);
}

static void fixture_open(struct fixture *f)
{
    struct config_tls *tls;

    *f = (struct fixture){ .folder = "/tmp/nightjar-lookout-XXXXXX" };
    f->journal = (struct journal){ EVENT_DEBUG, tell, f };
    assert_non_null(mkdtemp(f->folder));
    f->config = calloc(1, sizeof(*f->config));
    assert_non_null(f->config);
    f->config->tls_watch_files = true;
    f->config->listener_count = 1;
    tls = &f->config->listeners[0].tls;
    put_path(f, tls->certfile, "cert");
    put_path(f, tls->keyfile, "key");
    put_path(f, tls->named, "named");
    strcat(tls->named, " ");
    strcat(tls->named, f->folder);
    strcat(tls->named, "/named.key");
    write_file(f, "cert", "1");
    write_file(f, "key", "1");
    write_file(f, "named", "1");
    write_file(f, "named.key", "1");
    lookout_init(&f->lookout);
    look(f);
}

static void fixture_close(struct fixture *f)
{
    char command[128];

    lookout_close(&f->lookout);
    free(f->config);
    snprintf(command, sizeof(command), "rm -r %s", f->folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

static bool sees(struct fixture *f, int64_t now_ms)
{
    return lookout_sees_change(&f->lookout, f->config, now_ms);
}

TEST(a_change_is_seen_when_it_has_settled)
{
    struct fixture f;

    fixture_open(&f);
    assert_int_equal(lookout_due_ms(&f.lookout), INT64_MAX);
    assert_false(sees(&f, NOW_MS));
    write_file(&f, "cert", "22");
    assert_int_equal(poll(&(struct pollfd){ f.lookout.fd, POLLIN, 0 }, 1, 0), 1);
    assert_false(sees(&f, NOW_MS));
    assert_int_equal(lookout_due_ms(&f.lookout), NOW_MS + LOOKOUT_SETTLE_MS);
    write_file(&f, "key", "22");
    assert_false(sees(&f, NOW_MS + LOOKOUT_SETTLE_MS - 1)); /* and begins to settle anew */
    assert_false(sees(&f, NOW_MS + LOOKOUT_SETTLE_MS));
    assert_true(sees(&f, NOW_MS + 2 * LOOKOUT_SETTLE_MS - 1));
    assert_int_equal(lookout_due_ms(&f.lookout), INT64_MAX);
    fixture_close(&f);
}

TEST(a_folder_that_is_never_quiet_does_not_hide_a_change)
{
    struct fixture f;
    int64_t now_ms = NOW_MS;
    bool seen = false;

    fixture_open(&f);
    write_file(&f, "cert", "22");
    while (!seen && now_ms <= NOW_MS + LOOKOUT_SETTLE_MAX_MS) {
        write_file(&f, "unrelated", "x");
        seen = sees(&f, now_ms);
        now_ms += LOOKOUT_SETTLE_MS / 2;
    }
    assert_true(seen);
    fixture_close(&f);
}

TEST(what_happens_to_other_files_is_no_change)
{
    struct fixture f;

    fixture_open(&f);
    write_file(&f, "unrelated", "x");
    assert_false(sees(&f, NOW_MS));
    assert_false(sees(&f, NOW_MS + LOOKOUT_SETTLE_MS));
    assert_int_equal(lookout_due_ms(&f.lookout), INT64_MAX);
    fixture_close(&f);
}

TEST(further_certificates_count_as_well)
{
    struct fixture f;

    fixture_open(&f);
    write_file(&f, "named.key", "22");
    assert_false(sees(&f, NOW_MS));
    assert_true(sees(&f, NOW_MS + LOOKOUT_SETTLE_MS));
    fixture_close(&f);
}

TEST(a_file_that_is_gone_is_a_change_and_so_is_its_return)
{
    char path[PATH_MAX];
    struct fixture f;

    fixture_open(&f);
    snprintf(path, sizeof(path), "%s/cert", f.folder);
    assert_int_equal(unlink(path), 0);
    assert_false(sees(&f, NOW_MS));
    assert_true(sees(&f, NOW_MS + LOOKOUT_SETTLE_MS));
    look(&f);
    write_file(&f, "cert", "1");
    assert_false(sees(&f, NOW_MS));
    assert_true(sees(&f, NOW_MS + LOOKOUT_SETTLE_MS));
    fixture_close(&f);
}

TEST(what_changed_between_reading_and_watching_is_seen)
{
    struct fixture f;
    uint64_t before;

    fixture_open(&f);
    before = lookout_fingerprint(f.config);
    write_file(&f, "cert", "22");
    lookout_at(&f.lookout, f.config, before, &f.journal);
    assert_true(lookout_due_ms(&f.lookout) < NOW_MS);
    assert_true(sees(&f, NOW_MS));
    fixture_close(&f);
}

TEST(a_folder_of_authorities_changes_with_its_files)
{
    char path[PATH_MAX];
    struct fixture f;

    fixture_open(&f);
    snprintf(path, sizeof(path), "%s/cas", f.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    put_path(&f, f.config->listeners[0].tls.capath, "cas");
    write_file(&f, "cas/1", "1");
    look(&f);
    write_file(&f, "cas/1", "22");
    assert_false(sees(&f, NOW_MS));
    assert_true(sees(&f, NOW_MS + LOOKOUT_SETTLE_MS));
    fixture_close(&f);
}

TEST(nothing_is_watched_where_that_is_turned_off_or_there_is_no_tls)
{
    struct fixture f;

    fixture_open(&f);
    f.config->tls_watch_files = false;
    look(&f);
    assert_int_equal(f.lookout.fd, -1);
    assert_false(sees(&f, NOW_MS));
    f.config->tls_watch_files = true;
    memset(&f.config->listeners[0].tls, 0, sizeof(f.config->listeners[0].tls));
    look(&f);
    assert_int_equal(f.lookout.fd, -1);
    assert_string_equal(f.told, "");
    fixture_close(&f);
}

TEST(what_cannot_be_watched_is_told)
{
    char path[PATH_MAX];
    struct fixture f;

    fixture_open(&f);
    snprintf(path, sizeof(path), "%s/round", f.folder);
    assert_int_equal(symlink("round", path), 0);
    put_path(&f, f.config->listeners[0].tls.crlfile, "round");
    look(&f);
    assert_string_equal(f.told, "credentials.unwatched ");
    fixture_close(&f);
}
