/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/acl_file.h"

#include "broker/config/extend.h"
#include "broker/config/line.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <errno.h>
#include <stdlib.h>

enum { SHOWN_MAX = 80 }; /* bytes of a word that a message shows */

/* ---- Reading ---- */

struct acl_reader {
    struct acl_file *file;
    struct report *report;
    struct report_origin origin;
    struct bytes user; /* of the last `user` line; NULL: there was none */
};

/* Tells of a word of the line, and why it cannot stand there. */
static int tell_error(struct acl_reader *reader, struct bytes word, const char *text)
{
    bool none = word.size == 0;

    report_tell(reader->report, REPORT_ERROR, reader->origin, "%s%.*s%s%s", none ? "" : "\"",
            (int)(word.size < SHOWN_MAX ? word.size : SHOWN_MAX),
            none ? "" : (const char *)word.data, none ? "" : "\" ", text);
    return 0;
}

static bool access_of(struct bytes word, uint8_t *access)
{
    static const struct {
        const char *name;
        uint8_t access;
    } words[] = {
        { "read", ACL_READ },
        { "write", ACL_WRITE },
        { "readwrite", ACL_READ | ACL_WRITE },
        { "deny", ACL_DENY },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!bytes_equal(word, bytes_of_text(words[i].name)))
            continue;
        *access = words[i].access;
        return true;
    }
    return false;
}

static int add_rule(struct acl_file *file, const struct acl_rule *rule)
{
    struct acl_rule *rules = extend(file->rules, file->count, sizeof(*rules));

    if (!rules)
        return -ENOMEM;
    file->rules = rules;
    rules[file->count++] = *rule;
    return 0;
}

static void describe_pattern(struct acl_reader *reader, struct acl_rule *rule)
{
    rule->kind = ACL_PATTERN;
    rule->filter = acl_filter_with_names(rule->filter.text);
    if (!rule->filter.has_client_id && !rule->filter.has_user_name)
        report_tell(reader->report, REPORT_WARNING, reader->origin,
                "the pattern has neither %%c nor %%u, so it holds for every client as it stands");
}

/* What follows `topic` or `pattern`: an access, which may be left out, and a filter. */
static int read_rule(struct acl_reader *reader, struct bytes text, bool pattern)
{
    struct acl_rule rule = { .access = ACL_READ | ACL_WRITE, .line = reader->origin.line };
    struct bytes after = text;
    struct bytes word = line_word(&after);

    rule.filter.text = line_trim(after);
    if (word.size == 0)
        return tell_error(reader, word, "no topic filter; add one");
    if (rule.filter.text.size == 0)
        rule.filter.text = word; /* A word alone is the filter, even if it is "read". */
    else if (!access_of(word, &rule.access))
        return tell_error(reader, word,
                "is not read, write, readwrite or deny; a filter with a blank in it needs one of "
                "these before it");
    if (!mqtt_utf8_valid(rule.filter.text) || !mqtt_topic_filter_valid(rule.filter.text))
        return tell_error(reader, rule.filter.text,
                "is not a topic filter; + and # must stand alone between slashes, # only at the "
                "end");
    if (reader->file->count == ACL_RULES_MAX)
        return tell_error(reader, rule.filter.text, "is one rule too many; remove some");
    rule.kind = reader->user.data ? ACL_USER : ACL_ANONYMOUS;
    rule.user = reader->user;
    if (pattern)
        describe_pattern(reader, &rule);
    return add_rule(reader->file, &rule);
}

static int read_line(
        void *context, struct bytes line, struct report_origin origin, struct report *report)
{
    struct acl_reader *reader = context;
    struct bytes text = line;
    struct bytes key = line_word(&text);

    reader->report = report;
    reader->origin = origin;
    text = line_trim(text);
    if (key.size == 0 || key.data[0] == '#')
        return 0;
    if (bytes_equal(key, BYTES("topic")) || bytes_equal(key, BYTES("pattern")))
        return read_rule(reader, text, key.data[0] == 'p');
    if (!bytes_equal(key, BYTES("user")))
        return tell_error(reader, key, "is not user, topic or pattern");
    if (text.size == 0)
        return tell_error(reader, text, "no user name; add one");
    reader->user = text;
    return 0;
}

static int compare_rules(const void *left, const void *right)
{
    const struct acl_rule *a = left;
    const struct acl_rule *b = right;
    int order = (int)a->kind - (int)b->kind;

    if (order == 0 && a->kind == ACL_USER)
        order = bytes_compare(a->user, b->user);
    if (order == 0)
        order = (a->access != ACL_DENY) - (b->access != ACL_DENY);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static void sort_rules(struct acl_file *file)
{
    if (file->count > 1)
        qsort(file->rules, file->count, sizeof(file->rules[0]), compare_rules);
    file->pattern_start = file->count;
    for (size_t i = 0; i < file->count; i++) {
        file->anonymous_count += file->rules[i].kind == ACL_ANONYMOUS;
        file->pattern_start -= file->rules[i].kind == ACL_PATTERN;
    }
}

static int read_rules(
        struct acl_file *file, const char *path, const struct source *source, struct report *report)
{
    struct acl_reader reader = { .file = file };
    unsigned errors = report->errors;
    int result = line_file_read(&file->lines, path, source, report, read_line, &reader);

    if (result == 0 && report->errors > errors)
        result = -EINVAL;
    if (result == 0)
        sort_rules(file);
    return result;
}

int acl_file_read(
        struct acl_file **out, const char *path, const struct source *source, struct report *report)
{
    struct acl_file *file = calloc(1, sizeof(*file));
    int result;

    if (!file)
        return -ENOMEM;
    result = read_rules(file, path, source, report);
    if (result == 0)
        *out = file;
    else
        acl_file_free(file);
    return result;
}

void acl_file_free(struct acl_file *file)
{
    if (!file)
        return;
    free(file->rules);
    line_file_deinit(&file->lines);
    free(file);
}

/* ---- Judging ---- */

/* The first rule of that user, or where it would stand. */
static size_t find_user(const struct acl_file *file, struct bytes user)
{
    size_t low = file->anonymous_count;
    size_t high = file->pattern_start;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (bytes_compare(file->rules[middle].user, user) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The rule among those of [start, end) that decides; NULL: none does. */
static const struct acl_rule *decide(const struct acl_file *file, size_t start, size_t end,
        const struct acl_who *who, enum acl_access wanted, struct bytes topic)
{
    for (size_t i = start; i < end; i++) {
        const struct acl_rule *rule = &file->rules[i];

        if (rule->kind == ACL_USER && !bytes_equal(rule->user, who->user))
            return NULL;
        if ((rule->access == ACL_DENY || rule->access & wanted) &&
                acl_filter_fits(&rule->filter, who, rule->access != ACL_DENY, topic))
            return rule;
    }
    return NULL;
}

struct acl_decision acl_file_judge(const struct acl_file *file, const struct acl_who *who,
        enum acl_access wanted, struct bytes topic)
{
    const struct acl_rule *rule;

    if (topic.size == 0)
        return (struct acl_decision){ .allowed = false };
    if (who->user.size == 0)
        rule = decide(file, 0, file->anonymous_count, who, wanted, topic);
    else
        rule = decide(file, find_user(file, who->user), file->pattern_start, who, wanted, topic);
    if (!rule && !acl_name_is_wild(who->user) && !acl_name_is_wild(who->client_id))
        rule = decide(file, file->pattern_start, file->count, who, wanted, topic);
    if (!rule)
        return (struct acl_decision){ .allowed = false };
    return (struct acl_decision){ rule->access != ACL_DENY, rule->line };
}
