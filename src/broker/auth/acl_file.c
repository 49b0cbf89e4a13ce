/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/acl_file.h"

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

static bool contains(struct bytes bytes, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + size <= bytes.size; i++) {
        if (memcmp(bytes.data + i, text, size) == 0)
            return true;
    }
    return false;
}

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

/* It grows whenever the count is a power of two. */
static int add_rule(struct acl_file *file, const struct acl_rule *rule)
{
    if ((file->count & (file->count - 1)) == 0) {
        size_t room = file->count > 0 ? file->count * 2 : 1;
        struct acl_rule *rules = realloc(file->rules, room * sizeof(*rules));

        if (!rules)
            return -ENOMEM;
        file->rules = rules;
    }
    file->rules[file->count++] = *rule;
    return 0;
}

static void describe_pattern(struct acl_reader *reader, struct acl_rule *rule)
{
    rule->kind = ACL_PATTERN;
    rule->has_client_id = contains(rule->filter, "%c");
    rule->has_user_name = contains(rule->filter, "%u");
    if (!rule->has_client_id && !rule->has_user_name)
        report_tell(reader->report, REPORT_WARNING, reader->origin,
                "the pattern has neither %%c nor %%u, so it holds for every client as it stands");
}

/* What follows `topic` or `pattern`: an access, which may be left out, and a filter. */
static int read_rule(struct acl_reader *reader, struct bytes text, bool pattern)
{
    struct acl_rule rule = { .access = ACL_READ | ACL_WRITE, .line = reader->origin.line };
    struct bytes after = text;
    struct bytes word = line_word(&after);

    rule.filter = line_trim(after);
    if (word.size == 0)
        return tell_error(reader, word, "no topic filter; add one");
    if (rule.filter.size == 0)
        rule.filter = word; /* A word alone is the filter, even if it is "read". */
    else if (!access_of(word, &rule.access))
        return tell_error(reader, word,
                "is not read, write, readwrite or deny; a filter with a blank in it needs one of "
                "these before it");
    if (!mqtt_utf8_valid(rule.filter) || !mqtt_topic_filter_valid(rule.filter))
        return tell_error(reader, rule.filter,
                "is not a topic filter; + and # must stand alone between slashes, # only at the "
                "end");
    if (reader->file->count == ACL_RULES_MAX)
        return tell_error(reader, rule.filter, "is one rule too many; remove some");
    rule.kind = reader->user.data ? ACL_USER : ACL_ANONYMOUS;
    rule.user = reader->user;
    if (pattern)
        describe_pattern(reader, &rule);
    return add_rule(reader->file, &rule);
}

static int read_line(struct acl_reader *reader, struct bytes line)
{
    struct bytes text = line;
    struct bytes key = line_word(&text);

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

static int compare_bytes(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_rules(const void *left, const void *right)
{
    const struct acl_rule *a = left;
    const struct acl_rule *b = right;
    int order = (int)a->kind - (int)b->kind;

    if (order == 0 && a->kind == ACL_USER)
        order = compare_bytes(a->user, b->user);
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

static int read_lines(struct acl_file *file, struct report *report)
{
    struct acl_reader reader = { .file = file, .report = report, .origin = { file->path, 0 } };
    unsigned errors = report->errors;
    struct bytes rest = file->text;
    struct bytes line;
    int result = 0;

    while (result == 0 && line_take(&rest, &line)) {
        reader.origin.line++;
        result = read_line(&reader, line);
    }
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
    file->path = strdup(path);
    result = file->path ? source_read_told(source, path, &file->text, report) : -ENOMEM;
    if (result == 0)
        result = read_lines(file, report);
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
    free((void *)(uintptr_t)file->text.data);
    free(file->path);
    free(file);
}

/* ---- Whether a rule fits ---- */

/* A rule's filter byte by byte, in a pattern with the names in their places. */
struct filter_text {
    const struct acl_who *who; /* NULL: no pattern */
    struct bytes rest;
    struct bytes name; /* what is left of one that is being put in */
};

enum { FILTER_END = -1, FILTER_ONE = -2, FILTER_ALL = -3 };

static uint8_t take_byte(struct bytes *bytes)
{
    uint8_t byte = bytes->data[0];

    *bytes = bytes_from(*bytes, 1);
    return byte;
}

/* The next byte, or one of the values above: a '+' or '#' of a name is but a byte. */
static int next_of(struct filter_text *text)
{
    uint8_t byte;

    while (text->name.size == 0 && text->who) {
        if (bytes_start_with(text->rest, BYTES("%c")))
            text->name = text->who->client_id;
        else if (bytes_start_with(text->rest, BYTES("%u")))
            text->name = text->who->user;
        else
            break;
        text->rest = bytes_from(text->rest, 2);
    }
    if (text->name.size > 0)
        return take_byte(&text->name);
    if (text->rest.size == 0)
        return FILTER_END;
    byte = take_byte(&text->rest);
    return byte == '+' ? FILTER_ONE : byte == '#' ? FILTER_ALL : byte;
}

static struct bytes skip_level(struct bytes topic)
{
    const uint8_t *slash = topic.size > 0 ? memchr(topic.data, '/', topic.size) : NULL;

    return bytes_from(topic, slash ? (size_t)(slash - topic.data) : topic.size);
}

/* Whether the text matches the topic, or all that a filter in the topic's place matches. */
static bool matches(struct filter_text text, struct bytes topic)
{
    for (;;) {
        int next = next_of(&text);

        if (next == FILTER_END)
            return topic.size == 0;
        if (next == FILTER_ALL)
            return true;
        if (next == FILTER_ONE) {
            if (bytes_equal(topic, BYTES("#")))
                return false; /* More than one level. */
            topic = skip_level(topic);
            continue;
        }
        if (topic.size == 0) /* "a/#" is about "a" too. */
            return next == '/' && text.name.size == 0 && bytes_equal(text.rest, BYTES("#"));
        if (topic.data[0] != next)
            return false;
        topic = bytes_from(topic, 1);
    }
}

static bool has_byte(struct bytes bytes, int byte)
{
    return bytes.size > 0 && memchr(bytes.data, byte, bytes.size);
}

static bool is_dangerous(struct bytes name)
{
    return has_byte(name, '+') || has_byte(name, '#');
}

static bool fits(const struct acl_rule *rule, const struct acl_who *who, struct bytes topic)
{
    struct filter_text text = { .rest = rule->filter };

    if (topic.data[0] == '$' && rule->filter.data[0] != '$')
        return false;
    if (rule->kind == ACL_PATTERN) {
        bool slash = (rule->has_client_id && has_byte(who->client_id, '/')) ||
                (rule->has_user_name && has_byte(who->user, '/'));

        /* A name with a '/' would reach into what belongs to another name. */
        if ((slash && rule->access != ACL_DENY) || (rule->has_user_name && who->user.size == 0))
            return false;
        text.who = who;
    }
    return matches(text, topic);
}

/* ---- Judging ---- */

/* The first rule of that user, or where it would stand. */
static size_t find_user(const struct acl_file *file, struct bytes user)
{
    size_t low = file->anonymous_count;
    size_t high = file->pattern_start;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_bytes(file->rules[middle].user, user) < 0)
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
        if ((rule->access == ACL_DENY || rule->access & wanted) && fits(rule, who, topic))
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
    if (!rule && !is_dangerous(who->user) && !is_dangerous(who->client_id))
        rule = decide(file, file->pattern_start, file->count, who, wanted, topic);
    if (!rule)
        return (struct acl_decision){ .allowed = false };
    return (struct acl_decision){ rule->access != ACL_DENY, rule->line };
}
