/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/log.h"
#include "broker/log_line.h"
#include "loop/clock.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char path[32];
    struct log_settings settings;
    struct log *log;
    struct log_source source;
    struct journal journal;
};

static void fixture_open(struct fixture *fixture, unsigned to)
{
    strcpy(fixture->path, "/tmp/log_test.XXXXXX");
    close(mkstemp(fixture->path));
    fixture->settings = (struct log_settings){
        .to = { .set = to },
        .types = LOG_TYPE_ERROR | LOG_TYPE_WARNING | LOG_TYPE_NOTICE | LOG_TYPE_INFORMATION,
        .connection_messages = true,
    };
    strcpy(fixture->settings.to.path, fixture->path);
    assert_int_equal(log_open(&fixture->log, &fixture->settings), 0);
    log_source_init(&fixture->source, fixture->log);
    fixture->journal = log_source_journal(&fixture->source, log_level(&fixture->settings));
}

static void fixture_close(struct fixture *fixture)
{
    log_source_deinit(&fixture->source);
    log_close(fixture->log);
    unlink(fixture->path);
}

static size_t count_lines(const char *path, const char *with)
{
    FILE *file = fopen(path, "r");
    char line[LOG_LINE_MAX + 1];
    size_t count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        count += strstr(line, with) ? 1 : 0;
    fclose(file);
    return count;
}

TEST(types_and_connection_messages_choose_the_lines)
{
    struct fixture f;

    fixture_open(&f, LOG_TO_FILE);
    assert_int_equal(f.journal.level, EVENT_INFO);
    journal_tell(&f.journal, EVENT_INFO, "client.connected", field_text("id", "a"));
    journal_tell(&f.journal, EVENT_INFO, "client.subscribed", field_text("id", "a"));
    f.settings.connection_messages = false;
    assert_int_equal(log_apply(f.log, &f.settings), 0);
    journal_tell(&f.journal, EVENT_INFO, "client.connected", field_text("id", "b"));
    assert_int_equal(count_lines(f.path, "id=a"), 1);
    assert_int_equal(count_lines(f.path, "id=b"), 0);
    fixture_close(&f);
}

/* How many lines the file says are not in it. */
static unsigned long count_suppressed(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    char line[LOG_LINE_MAX + 1];
    unsigned long count = 0;
    char wanted[64];

    assert_non_null(file);
    snprintf(wanted, sizeof(wanted), "log.suppressed event=%s lines=", name);
    while (fgets(line, sizeof(line), file)) {
        const char *at = strstr(line, wanted);

        count += at ? strtoul(at + strlen(wanted), NULL, 10) : 0;
    }
    fclose(file);
    return count;
}

TEST(a_flood_of_one_event_is_cut_and_counted)
{
    struct fixture f;
    size_t written;
    int64_t seconds;

    fixture_open(&f, LOG_TO_FILE);
    seconds = -(clock_now_ms() / 1000);
    for (int i = 0; i < 10 * LOG_LINES_MAX; i++)
        journal_tell(&f.journal, EVENT_INFO, "client.refused", field_text("id", "a"));
    seconds += clock_now_ms() / 1000 + 1; /* that it touched; on a quiet machine one or two */
    journal_tell(&f.journal, EVENT_INFO, "client.connected", field_text("id", "b"));
    assert_int_equal(count_lines(f.path, "client.connected"), 1);
    log_source_deinit(&f.source);
    log_close(f.log);
    written = count_lines(f.path, "client.refused id=a");
    assert_in_range(written, LOG_LINES_MAX, seconds * LOG_LINES_MAX);
    assert_int_equal(written + count_suppressed(f.path, "client.refused"), 10 * LOG_LINES_MAX);
    unlink(f.path);
}

TEST(a_file_that_was_moved_is_opened_anew)
{
    struct fixture f;
    char moved[40];

    fixture_open(&f, LOG_TO_FILE);
    journal_tell(&f.journal, EVENT_INFO, "x.one", field_number("n", 1));
    snprintf(moved, sizeof(moved), "%s.1", f.path);
    assert_int_equal(rename(f.path, moved), 0);
    assert_int_equal(log_reopen(f.log), 0);
    journal_tell(&f.journal, EVENT_INFO, "x.two", field_number("n", 2));
    assert_int_equal(count_lines(moved, "x.one"), 1);
    assert_int_equal(count_lines(f.path, "x.two"), 1);
    unlink(moved);
    fixture_close(&f);
}

TEST(a_file_that_cannot_be_opened_changes_nothing)
{
    struct fixture f;
    struct log_settings other;

    fixture_open(&f, LOG_TO_FILE);
    other = f.settings;
    strcpy(other.to.path, "/nowhere/at/all");
    assert_true(log_apply(f.log, &other) < 0);
    log_tell_failure(0, &other, &f.journal);
    log_tell_failure(-ENOENT, &other, &f.journal);
    assert_int_equal(count_lines(f.path, "log.failed"), 1);
    assert_int_equal(count_lines(f.path, "log.failed file=/nowhere/at/all text="), 1);
    journal_tell(&f.journal, EVENT_INFO, "x.one", field_number("n", 1));
    assert_int_equal(count_lines(f.path, "x.one"), 1);
    fixture_close(&f);
}

static void tell_another(void *context, const struct log_message *message)
{
    struct fixture *f = context;

    assert_string_equal(message->kind, "N");
    assert_memory_equal(message->text.data, "info client.connected", 21);
    journal_tell(&f->journal, EVENT_INFO, "client.connected", field_text("id", "again"));
}

static void count_call(void *context, const struct log_message *message)
{
    (void)message;
    ++*(int *)context;
}

TEST(lines_for_the_topic_wait_and_cause_no_further_ones)
{
    struct fixture f;
    int calls = 0;

    fixture_open(&f, LOG_TO_TOPIC);
    journal_tell(&f.journal, EVENT_INFO, "client.connected", field_text("id", "a"));
    log_source_take(&f.source, tell_another, &f);
    log_source_take(&f.source, count_call, &calls);
    assert_int_equal(calls, 0);
    for (int i = 0; i < 10000; i++)
        journal_tell(&f.journal, EVENT_INFO, "client.connected", field_text("id", "a"));
    assert_in_range(f.source.pending_size, 1, LOG_TOPIC_BYTES_MAX);
    fixture_close(&f);
}
