/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ctl_store.h"

#include "cli/ctl_store_words.h"
#include "store/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_NO = 1, EXIT_USAGE = 2 };

static const char *text_of(const json_t *request, const char *name)
{
    return json_string_value(json_object_get(request, name));
}

static int fail(const char *place, int failure)
{
    static const struct {
        int failure;
        const char *text;
    } rows[] = {
        { -ENOENT, "there is no store" },
        { -ENOTEMPTY, "is not empty; name a new directory" },
        { -EBUSY, "a server uses it; stop that first" },
    };
    const char *text = strerror(-failure);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].failure == failure)
            text = rows[i].text;
    }
    fprintf(stderr, "nightjar ctl: %s: %s\n", place, text);
    return EXIT_NO;
}

/* ---- Printing objects ---- */

/* Does a text hold one of the control characters that JSON leaves as they are (C1)? */
static bool has_controls(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text == 0xc2 && (unsigned char)text[1] >= 0x80 &&
                (unsigned char)text[1] < 0xa0)
            return true;
    }
    return false;
}

static void print_value(const json_t *value)
{
    size_t flags = JSON_ENCODE_ANY | JSON_COMPACT;

    if (json_is_string(value) && has_controls(json_string_value(value)))
        flags |= JSON_ENSURE_ASCII;
    json_dumpf(value, stdout, flags);
}

/* Prints the object as a line: as JSON, or its kind and then its members. Takes it. */
static int print_object(json_t *object, bool json)
{
    const char *name;
    json_t *value;

    if (!object)
        return -ENOMEM;
    if (json) {
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(object);
        return 0;
    }
    json_object_foreach(object, name, value)
    {
        if (strcmp(name, "kind") == 0) {
            fputs(json_string_value(value), stdout);
            continue;
        }
        printf(" %s=", name);
        print_value(value);
    }
    putchar('\n');
    json_decref(object);
    return 0;
}

static int print_finding(void *context, const struct inspect_finding *finding)
{
    const bool *json = context;
    json_t *object = json_pack("{s:s, s:s, s:I, s:s, s:b, s:I}", "kind",
            finding->loss ? "broken" : "unfinished", "file", finding->file, "offset",
            (json_int_t)finding->offset, "text", finding->text, "loss", finding->loss, "missing",
            (json_int_t)finding->missing);

    if (finding->key[0] != '\0')
        json_object_set_new(object, "key", json_string(finding->key));
    return print_object(object, *json);
}

/* ---- check ---- */

static json_t *describe(const struct inspect_summary *summary)
{
    return json_pack("{s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "kind",
            "summary", "in_use", summary->in_use, "has_archive", summary->has_archive, "segments",
            (json_int_t)summary->segments, "log_bytes", (json_int_t)summary->log_bytes, "records",
            (json_int_t)summary->records, "needed_records", (json_int_t)summary->needed, "entries",
            (json_int_t)summary->entries, "messages", (json_int_t)summary->items, "queues",
            (json_int_t)summary->queues, "findings", (json_int_t)summary->findings, "losses",
            (json_int_t)summary->losses);
}

static const char *verdict(const struct inspect_summary *summary)
{
    if (summary->in_use)
        return "a server uses it: what it writes just now may look unfinished";
    if (summary->losses > 0)
        return "something is broken that was on disk; nightjar ctl store salvage saves the rest";
    if (summary->findings > 0)
        return "all that was acknowledged is there; what was not finished is left out at the next "
               "start";
    return "all is well";
}

static int check(const char *directory, bool json)
{
    const struct inspect_visitor visitor = { .finding = print_finding, .context = &json };
    struct inspect_summary summary;
    int result = inspect_store(directory, &visitor, &summary);

    if (result == 0)
        result = print_object(describe(&summary), json);
    if (result < 0)
        return fail(directory, result);
    if (!json)
        puts(verdict(&summary));
    return summary.losses > 0 ? EXIT_NO : 0;
}

/* ---- dump ---- */

static int dump_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    const bool *json = context;

    return print_object(store_words_entry(table, key, value), *json);
}

static int dump_item(void *context, const struct store_item *item)
{
    const bool *json = context;

    return print_object(store_words_item(item), *json);
}

static int dump_record(void *context, const char *file, uint64_t offset, uint64_t position,
        const struct record *record)
{
    const bool *json = context;
    json_t *object = store_words_record(record);

    if (!object)
        return -ENOMEM;
    json_object_set_new(object, "log", json_string(file));
    json_object_set_new(object, "offset", json_integer((json_int_t)offset));
    json_object_set_new(object, "position", json_integer((json_int_t)position));
    return print_object(object, *json);
}

static int dump(const char *directory, bool json)
{
    const struct store_visitor archive = {
        .entry = dump_entry, .item = dump_item, .context = &json
    };
    const struct inspect_visitor visitor = {
        .finding = print_finding, .record = dump_record, .archive = &archive, .context = &json
    };
    struct inspect_summary summary;
    int result = inspect_store(directory, &visitor, &summary);

    if (result < 0)
        return fail(directory, result);
    return summary.losses > 0 ? EXIT_NO : 0;
}

/* ---- salvage ---- */

static int draw(uint64_t *seed)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    int result = 0;

    if (fd < 0)
        return -errno;
    if (read(fd, seed, sizeof(*seed)) != (ssize_t)sizeof(*seed))
        result = -EIO;
    close(fd);
    return result;
}

static int salvage(const char *directory, const char *to, bool json)
{
    struct salvage_summary summary;
    uint64_t seed = 0;
    int result = draw(&seed);

    if (result == 0 && mkdir(to, S_IRWXU) < 0 && errno != EEXIST)
        result = -errno;
    if (result < 0)
        return fail(to, result);
    result = salvage_store(directory, to, seed, print_finding, &json, &summary);
    if (result < 0)
        return fail(result == -ENOTEMPTY ? to : directory, result);
    result = print_object(
            json_pack("{s:s, s:I, s:I, s:I}", "kind", "salvaged", "entries",
                    (json_int_t)summary.entries, "messages", (json_int_t)summary.messages, "losses",
                    (json_int_t)summary.found.losses),
            json);
    if (result < 0)
        return fail(to, result);
    if (!json)
        printf("%s has what could be read; give it to the server's user, and let "
               "persistence_location name it\n",
                to);
    return 0;
}

/* ---- The command ---- */

int ctl_store(const json_t *request, bool json)
{
    const char *action = text_of(request, "action");
    const char *directory = text_of(request, "directory");
    const char *to = text_of(request, "to");
    bool salvages = strcmp(action, "salvage") == 0;

    if (salvages != (to != NULL)) {
        fprintf(stderr,
                "nightjar ctl: store: salvage, and nothing else, needs a second "
                "directory, a new one\n");
        return EXIT_USAGE;
    }
    if (salvages)
        return salvage(directory, to, json);
    if (strcmp(action, "check") == 0)
        return check(directory, json);
    if (strcmp(action, "dump") == 0)
        return dump(directory, json);
    fprintf(stderr, "nightjar ctl: store: what to do has to be check, salvage or dump\n");
    return EXIT_USAGE;
}
