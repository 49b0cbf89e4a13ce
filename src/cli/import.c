/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import.h"

#include "cli/import_db.h"
#include "cli/import_owner.h"
#include "cli/import_records.h"
#include "cli/import_sqlite.h"
#include "cli/import_target.h"
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct import_line {
    const char *file;
    const char *to;
    const char *config;
    bool help;
};

static const struct option rows[] = {
    { "to", 't', OPTION_TEXT, offsetof(struct import_line, to), 0, 0, "directory",
            "the new data directory; else that of -c, or nightjar-data" },
    { "config-file", 'c', OPTION_TEXT, offsetof(struct import_line, config), 0, 0, "FILE",
            "the server's configuration, whose user the directory is given to" },
    { "help", 'h', OPTION_SWITCH, offsetof(struct import_line, help), 0, 0, NULL, "print this" },
};

static const struct options options = {
    .command = "nightjar import",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .argument = offsetof(struct import_line, file),
    .arguments = "one file is enough",
};

const struct options *import_option_table(void)
{
    return &options;
}

static void print_help(void)
{
    puts("Usage: nightjar import FILE [-c CONFIGURATION] [--to DIRECTORY]\n"
         "Brings what Mosquitto has kept into a new data directory: sessions, subscriptions,\n"
         "retained messages, and messages that wait or are under way. FILE is a mosquitto.db\n"
         "of Mosquitto 1.0 to 2.1, or the database of its plugin persist-sqlite. Stop Mosquitto\n"
         "first.\n"
         "\n"
         "Options:");
    options_help(&options);
}

/* ---- Reading ---- */

/* A file in memory; borrowed from the system until munmap(). Returns 0, or -errno. */
static int map_file(const char *path, struct bytes *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    void *data = NULL;
    int result = 0;

    *out = (struct bytes){ 0 };
    if (file < 0)
        return -errno;
    if (fstat(file, &facts) < 0)
        result = -errno;
    else if (!S_ISREG(facts.st_mode))
        result = -EINVAL;
    else if (facts.st_size > 0)
        data = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED)
        result = -errno;
    else if (data)
        *out = bytes_of(data, (size_t)facts.st_size);
    close(file);
    return result;
}

static bool read_data(
        struct import_data *out, const char *path, struct bytes file, struct import_fault *fault)
{
    bool is_table = import_sqlite_is_one(file);
    bool good = is_table ? import_sqlite_read(out, path, fault) : import_db_read(out, file, fault);

    if (good)
        return true;
    fprintf(stderr, "nightjar import: %s: %s", path, fault->what ? fault->what : strerror(ENOMEM));
    if (fault->what)
        fprintf(stderr, is_table ? ", row %" PRIu64 : ", at byte %" PRIu64, fault->offset);
    fprintf(stderr, "; nothing was imported\n");
    return false;
}

/* ---- Telling ---- */

/* A server that cannot write there would not start. */
static void print_owner(const char *to, const struct import_owner *owner, bool has_configuration)
{
    struct stat facts;

    if (stat(to, &facts) < 0)
        return;
    if (owner->name[0] != '\0' && facts.st_uid == owner->user)
        printf("it is given to the user %s, as whom the server runs%s\n", owner->name,
                has_configuration ? "" : " where its configuration names no other");
    else if (owner->name[0] == '\0')
        puts("it belongs to you, as whom the server has to be started; where root starts it, let "
             "root import");
}

/* The first ones always, the others where there are any. */
static void print_taken(const struct import_counts *counts)
{
    const struct {
        uint64_t count;
        const char *text;
        bool always;
    } kinds[] = {
        { counts->sessions, "sessions", true },
        { counts->subscriptions, "subscriptions", true },
        { counts->groups, "shared groups", false },
        { counts->retained, "retained messages", true },
        { counts->queued, "messages that wait", true },
        { counts->in_flight, "messages under way to clients", false },
        { counts->released, "of QoS 2 that clients have and have not confirmed", false },
        { counts->received, "of QoS 2 received and not released", false },
    };
    const char *before = "taken: ";

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].count == 0 && !kinds[i].always)
            continue;
        printf("%s%" PRIu64 " %s", before, kinds[i].count, kinds[i].text);
        before = ", ";
    }
    putchar('\n');
}

static void print_counts(const struct import_counts *counts, const char *to)
{
    print_taken(counts);
    for (unsigned reason = 0; reason < IMPORT_REASONS; reason++) {
        if (counts->left[reason] > 0)
            printf("not taken: %" PRIu64 " %s\n", counts->left[reason],
                    import_reason_text((enum import_reason)reason));
    }
    printf("%s is ready: persistence_location is to name it\n", to);
}

/* ---- The command ---- */

static int complain(const char *path, int result)
{
    fprintf(stderr, "nightjar import: %s: %s; nothing was imported\n", path,
            result == -ENOTEMPTY ? "something is there already; name a new directory with --to, or "
                                   "move that one away"
                                 : strerror(-result));
    return EXIT_FAILED;
}

static const char *place_of(const struct import_line *line, const struct import_owner *owner)
{
    if (line->to)
        return line->to;
    return owner->location[0] != '\0' ? owner->location : "nightjar-data";
}

static int write_data(
        struct import_data *data, const struct import_line *line, const struct import_owner *owner)
{
    const char *to = place_of(line, owner);
    const struct import_heir heir = { owner->user, owner->group, !owner->is_configured };
    struct import_target *target;
    struct import_counts counts;
    struct timespec now;
    int result = import_target_open(&target, to, owner->name[0] != '\0' ? &heir : NULL);

    if (result < 0)
        return complain(to, result);
    clock_gettime(CLOCK_REALTIME, &now);
    result = import_records_write(data, (int64_t)now.tv_sec * 1000,
            &(const struct import_sink){ import_target_push, target }, &counts);
    if (result == 0)
        result = import_target_finish(target);
    else
        import_target_abandon(target);
    if (result < 0)
        return complain(to, result);
    print_counts(&counts, to);
    print_owner(to, owner, line->config != NULL);
    return 0;
}

static int import(const struct import_line *line)
{
    struct import_data data = { 0 };
    struct import_fault fault = { 0 };
    struct import_owner owner;
    struct bytes file;
    int status;

    if (!import_owner_find(&owner, line->config))
        return EXIT_FAILED;
    status = map_file(line->file, &file);
    if (status < 0)
        return complain(line->file, status);
    status = read_data(&data, line->file, file, &fault) ? write_data(&data, line, &owner)
                                                        : EXIT_FAILED;
    import_data_deinit(&data);
    if (file.size > 0)
        munmap((void *)(uintptr_t)file.data, file.size);
    return status;
}

int import_main(int argc, char **argv)
{
    struct import_line line = { .to = NULL };

    if (options_read(&options, &line, argc, argv) < 0)
        return EXIT_USAGE;
    if (line.help) {
        print_help();
        return 0;
    }
    if (!line.file) {
        fprintf(stderr, "nightjar import: which file? see nightjar import --help\n");
        return EXIT_USAGE;
    }
    return import(&line);
}
