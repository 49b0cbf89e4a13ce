/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/rulebook.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct rulebook_reader {
    struct rulebook *book;
    const struct source *source;
    bool of_system;
    struct report *report;
};

/* Password hashes that everybody may read are guessed by whoever likes to. */
static void warn_if_open(struct rulebook_reader *reader, const char *path)
{
    struct stat status;

    if (reader->of_system && stat(path, &status) == 0 && status.st_mode & S_IROTH)
        report_tell(reader->report, REPORT_WARNING, (struct report_origin){ path, 0 },
                "every user of this machine may read it; chmod o= %.512s", path);
}

static int read_passwords(
        struct rulebook_reader *reader, const char *path, const struct password_file **out)
{
    struct rulebook *book = reader->book;
    struct password_file **next = &book->password_files[book->password_file_count];
    int result;

    for (size_t i = 0; i < book->password_file_count; i++) {
        *out = book->password_files[i];
        if (strcmp((*out)->path, path) == 0)
            return 0;
    }
    result = password_file_read(next, path, reader->source, reader->report);
    if (result < 0)
        return result;
    warn_if_open(reader, path);
    book->password_file_count++;
    *out = *next;
    return 0;
}

static int read_acl(struct rulebook_reader *reader, const char *path, const struct acl_file **out)
{
    struct rulebook *book = reader->book;
    struct acl_file **next = &book->acl_files[book->acl_file_count];
    int result;

    for (size_t i = 0; i < book->acl_file_count; i++) {
        *out = book->acl_files[i];
        if (strcmp((*out)->path, path) == 0)
            return 0;
    }
    result = acl_file_read(next, path, reader->source, reader->report);
    if (result < 0)
        return result;
    book->acl_file_count++;
    *out = *next;
    return 0;
}

static int read_listener(struct rulebook_reader *reader, const struct config *config, size_t number)
{
    const struct config_listener *listener = &config->listeners[number];
    struct rules *rules = &reader->book->listeners[number];
    int result = 0;

    rules->allow_anonymous = listener->settings.allow_anonymous;
    rules->user_name_proved = listener->settings.user_name_proved;
    rules->check_subscribe = config->acl_check_subscribe;
    if (listener->password_file[0] != '\0')
        result = read_passwords(reader, listener->password_file, &rules->passwords);
    if (result == 0 && listener->acl_file[0] != '\0')
        result = read_acl(reader, listener->acl_file, &rules->acl);
    return result;
}

int rulebook_read(struct rulebook **out, const struct config *config, const struct source *source,
        struct report *report)
{
    struct source system = source_system();
    struct rulebook *book = calloc(1, sizeof(*book));
    struct rulebook_reader reader = {
        .book = book,
        .source = source ? source : &system,
        .of_system = !source,
        .report = report,
    };
    int result = book ? 0 : -ENOMEM;

    for (size_t i = 0; result == 0 && i < config->listener_count; i++)
        result = read_listener(&reader, config, i);
    if (result < 0) {
        rulebook_free(book);
        return result;
    }
    book->listener_count = config->listener_count;
    *out = book;
    return 0;
}

void rulebook_free(struct rulebook *book)
{
    if (!book)
        return;
    for (size_t i = 0; i < book->password_file_count; i++)
        password_file_free(book->password_files[i]);
    for (size_t i = 0; i < book->acl_file_count; i++)
        acl_file_free(book->acl_files[i]);
    free(book);
}

static void check_file(const char *path, struct report *report)
{
    if (access(path, R_OK) < 0)
        report_tell(report, REPORT_WARNING, (struct report_origin){ path, 0 },
                "the user that the server runs as cannot read it (%s), so a reload would fail; "
                "let that user read the file",
                strerror(errno));
}

void rulebook_check_access(const struct rulebook *book, struct report *report)
{
    for (size_t i = 0; i < book->password_file_count; i++)
        check_file(book->password_files[i]->path, report);
    for (size_t i = 0; i < book->acl_file_count; i++)
        check_file(book->acl_files[i]->path, report);
}
