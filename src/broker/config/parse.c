/* SPDX-License-Identifier: Apache-2.0 */
/* explicit_bzero() is not in POSIX. */
#define _DEFAULT_SOURCE
#include "broker/config/parse.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/config/expand.h"
#include "broker/config/extend.h"
#include "broker/config/line.h"
#include "broker/config/value.h"

/* Where in which file reading has come to. Listener, bridge and plugin end with their file. */
struct place {
    struct report_origin origin;
    bool included;
    int listener; /* -1: none yet */
    bool bridge;
    bool plugin;
};

static int read_file(struct parser *parser, const char *path, bool included);

static size_t index_of(const struct option *option)
{
    return (size_t)(option - option_table);
}

/* The listener that a setting of this option belongs to, or -1. */
static int owner_of(const struct option *option, const struct place *place)
{
    return option_is_of_listener(option) ? place->listener : -1;
}

static uint32_t *seen_of(struct parser *parser, const struct option *option, int listener)
{
    return listener < 0 ? &parser->seen[index_of(option)]
                        : &parser->listener_seen[listener][index_of(option)];
}

bool parse_seen(const struct parser *parser, const struct option *option, int listener)
{
    return listener < 0 ? parser->seen[index_of(option)] > 0
                        : parser->listener_seen[listener][index_of(option)] > 0;
}

struct config_listener *parse_open_listener(struct parser *parser, struct report_origin origin)
{
    struct config *config = parser->config;
    struct config_listener *listener;

    if (config->listener_count == CONFIG_LISTENERS_MAX) {
        report_tell(parser->report, REPORT_ERROR, origin, "more than %d listeners; remove some",
                CONFIG_LISTENERS_MAX);
        return NULL;
    }
    listener = &config->listeners[config->listener_count++];
    *listener = (struct config_listener){ .origin = origin };
    listener_settings_init(&listener->settings);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option_is_of_listener(option) && option->initial && option->size > 0)
            value_reset(option, (char *)listener + option->offset);
    }
    return listener;
}

static bool open_default_listener(struct parser *parser, struct place *place)
{
    if (parser->default_listener < 0) {
        if (!parse_open_listener(parser, place->origin))
            return false;
        parser->default_listener = (int)parser->config->listener_count - 1;
    }
    place->listener = parser->default_listener;
    return true;
}

static bool needs(struct parser *parser, const struct place *place, const struct option *option,
        const char *what)
{
    report_tell(parser->report, REPORT_ERROR, place->origin,
            "%s has no %s before it that it could be about; put it after one", option->name, what);
    return false;
}

/* Begins what the option begins. False after an error. */
static bool open_scope(struct parser *parser, struct place *place, const struct option *option)
{
    if (option->opens == SCOPE_LISTENER) {
        parser->opened = true;
        if (!parse_open_listener(parser, place->origin))
            return false;
        place->listener = (int)parser->config->listener_count - 1;
    }
    place->bridge |= option->opens == SCOPE_BRIDGE;
    place->plugin |= option->opens == SCOPE_PLUGIN;
    return true;
}

/* The same for a key of listeners, as it is written. */
static bool needs_listener(
        struct parser *parser, const struct place *place, const struct option *written)
{
    report_tell(parser->report, REPORT_ERROR, place->origin,
            "%s has no listener before it that it could be about; put it after one%s",
            written->name,
            written->scope == SCOPE_GLOBAL ? ", for per_listener_settings is true" : "");
    return false;
}

/* Sees to it that what the option is about exists; `written` is the key that the line has for it.
 * False after an error. */
static bool enter_scope(struct parser *parser, struct place *place, const struct option *option,
        const struct option *written)
{
    switch (option->scope) {
    case SCOPE_GLOBAL:
        return true;
    case SCOPE_LISTENER:
        if (place->listener >= 0)
            return true;
        if (parser->default_listener < 0) {
            parser->implicit = option;
            parser->implicit_origin = place->origin;
        }
        return open_default_listener(parser, place);
    case SCOPE_OPENED_LISTENER:
        return place->listener >= 0 || needs_listener(parser, place, written);
    case SCOPE_DEFAULT_LISTENER:
        parser->opened = true;
        parser->implicit = NULL;
        return open_default_listener(parser, place);
    case SCOPE_BRIDGE:
        return place->bridge || needs(parser, place, option, "connection");
    case SCOPE_PLUGIN:
        return place->plugin || needs(parser, place, option, "plugin");
    }
    return false;
}

/* Keeps the line for config_dump(), in the place of one that it replaces. */
static int remember(struct parser *parser, const struct place *place, const struct option *option,
        struct bytes text)
{
    struct config *config = parser->config;
    uint32_t *seen = seen_of(parser, option, owner_of(option, place));
    struct config_setting setting = { option, place->origin, owner_of(option, place), NULL };
    struct config_setting *settings =
            extend(config->settings, config->setting_count, sizeof(*settings));

    if (!settings)
        return -ENOMEM;
    config->settings = settings;
    setting.value = calloc(1, text.size + 1);
    if (!setting.value)
        return -ENOMEM;
    if (text.size > 0)
        memcpy(setting.value, text.data, text.size);
    if (*seen > 0 && !option_adds_up(option)) {
        free(settings[*seen - 1].value);
        settings[*seen - 1] = setting;
        return 0;
    }
    settings[config->setting_count++] = setting;
    *seen = (uint32_t)config->setting_count;
    return 0;
}

/* Says what becomes of a key that is not honoured. */
static void tell_status(
        struct parser *parser, const struct place *place, const struct option *option)
{
    bool *warned = &parser->warned[index_of(option)];

    switch (option->status) {
    case OPTION_HONOURED:
        return;
    case OPTION_NOT_YET:
        if (!*warned)
            report_tell(parser->report, REPORT_WARNING, place->origin,
                    "%s is not there yet, has no effect in this version: %s", option->name,
                    option->reason);
        break;
    case OPTION_NO_EFFECT:
        if (!*warned)
            report_tell(parser->report, REPORT_WARNING, place->origin, "%s has no effect: %s",
                    option->name, option->reason);
        break;
    case OPTION_REFUSED:
        /* What began the bridge or plugin has told it for all its keys. */
        if (option->scope != SCOPE_BRIDGE && option->scope != SCOPE_PLUGIN)
            report_tell(parser->report, REPORT_ERROR, place->origin, "%s: %s", option->name,
                    option->reason);
        break;
    }
    *warned = true;
}

static bool is_second_text(
        struct parser *parser, const struct place *place, const struct option *option)
{
    int owner = owner_of(option, place);
    struct report_origin first;

    if (option->type != OPTION_TEXT || option->replaces || option->scope == SCOPE_BRIDGE ||
            !parse_seen(parser, option, owner))
        return false;
    first = parser->config->settings[*seen_of(parser, option, owner) - 1].origin;
    report_tell(parser->report, REPORT_ERROR, place->origin,
            "%s is set a second time, after %s:%u; remove one of the two", option->name, first.file,
            first.line);
    return true;
}

/* per_listener_settings comes before what it changes, and stays; see mosquitto.conf(5). */
static void check_per_listener(struct parser *parser, const struct place *place, bool before)
{
    bool *now = &parser->config->per_listener_settings;

    if (before && !*now) {
        *now = true;
        report_tell(parser->report, REPORT_WARNING, place->origin,
                "per_listener_settings stays true, as an earlier line set it");
    }
    if (!before && *now && parser->security_seen)
        report_tell(parser->report, REPORT_ERROR, place->origin,
                "per_listener_settings comes after a key whose meaning it changes; make it the "
                "first line");
}

static void *field_of(struct parser *parser, const struct place *place, const struct option *option)
{
    void *base = option_is_of_listener(option) ? (void *)&parser->config->listeners[place->listener]
                                               : (void *)parser->config;

    return (char *)base + option->offset;
}

static int read_setting(
        struct parser *parser, struct place *place, const struct option *option, struct bytes text)
{
    bool per_listener = parser->config->per_listener_settings;
    void *field = field_of(parser, place, option);

    if (is_second_text(parser, place, option))
        return 0;
    if (option_adds_up(option) && !parse_seen(parser, option, owner_of(option, place)))
        memset(field, 0, option->size); /* the first line puts an end to the default */
    if (!value_read(option, text, field, parser->report, place->origin))
        return 0;
    check_per_listener(parser, place, per_listener);
    parser->security_seen |= option->per_listener && !per_listener;
    if (!value_is_initial(option, text))
        tell_status(parser, place, option);
    return remember(parser, place, option, option->secret ? BYTES(OPTION_HIDDEN) : text);
}

static int read_directory(struct parser *parser, const struct place *place, struct bytes text)
{
    const struct source *source = parser->source;
    struct source_names names = { 0 };
    char path[SOURCE_PATH_MAX + 1];
    int result;

    if (place->included || text.size > SOURCE_PATH_MAX) {
        report_tell(parser->report, REPORT_ERROR, place->origin,
                place->included ? "include_dir counts in the main file only; move it there"
                                : "include_dir has too long a path; shorten it");
        return 0;
    }
    memcpy(path, text.data, text.size);
    path[text.size] = '\0';
    result = source->list(source->context, path, &names);
    if (result < 0 && result != -ENOMEM) {
        report_tell(parser->report, REPORT_ERROR, place->origin,
                "include_dir %s cannot be read: %s", path, strerror(-result));
        return 0;
    }
    source_names_sort(&names);
    for (size_t i = 0; i < names.count && result == 0; i++)
        result = read_file(parser, names.paths[i], true);
    source_names_free(&names);
    return result;
}

/* Under per_listener_settings some keys stand for one of the listener before them. */
static const struct option *meant(const struct parser *parser, const struct option *option)
{
    if (!parser->config->per_listener_settings || !option->per_listener)
        return option;
    return option_find(bytes_of_text(option->per_listener));
}

static void tell_unknown(struct parser *parser, const struct place *place, struct bytes key)
{
    const char *nearest = option_nearest(key);

    if (bytes_start_with(key, BYTES("\xEF\xBB\xBF"))) {
        report_tell(parser->report, REPORT_ERROR, place->origin,
                "a byte order mark, which cannot be seen, stands before the key; save the file "
                "as UTF-8 without it");
        return;
    }
    report_tell(parser->report, REPORT_ERROR, place->origin, "%.*s is not a known key%s%s%s",
            (int)(key.size < 80 ? key.size : 80), (const char *)key.data,
            nearest ? "; did you mean " : "; nightjar.conf(5) lists those that are",
            nearest ? nearest : "", nearest ? "?" : "");
}

/* Keeps the name for the origins that borrow it. NULL when there is no memory. */
static const char *keep_name(struct config *config, const char *path)
{
    char **files = realloc(config->files, (config->file_count + 1) * sizeof(*files));
    char *name;

    if (!files)
        return NULL;
    config->files = files;
    name = strdup(path);
    if (name)
        files[config->file_count++] = name;
    return name;
}

/* Whether it says what the default listener would have without it. Before any listener that opens
 * none, as with Mosquitto. */
static bool says_nothing(const struct parser *parser, const struct place *place,
        const struct option *option, struct bytes text)
{
    return option->scope == SCOPE_LISTENER && place->listener < 0 && parser->default_listener < 0 &&
            value_is_initial(option, text);
}

/* What follows the key of that option. */
static int read_value(
        struct parser *parser, struct place *place, const struct option *written, struct bytes text)
{
    const struct option *option = meant(parser, written);
    int result;

    if (says_nothing(parser, place, option, text) || !open_scope(parser, place, option) ||
            !enter_scope(parser, place, option, written))
        return 0;
    result = read_setting(parser, place, option, text);
    if (option->type == OPTION_INCLUDE && text.size > 0 && result == 0)
        result = read_directory(parser, place, text);
    return result;
}

static int read_line(struct parser *parser, struct place *place, struct bytes line)
{
    struct bytes text = line;
    struct bytes key = line_word(&text);
    struct expanded value = { 0 };
    const struct option *option;
    int result;

    if (key.size == 0 || key.data[0] == '#')
        return 0;
    option = option_find(key);
    /* A key with '*' must have some bytes of its own. */
    if (!option ||
            (option->name[strlen(option->name) - 1] == '*' &&
                    key.size < strlen(option->name) - 1 + (size_t)option->min)) {
        tell_unknown(parser, place, key);
        return 0;
    }
    result = expand(&value, option, line_trim(text), parser->source, parser->report, place->origin);
    if (result == 0 && value.path && !keep_name(parser->config, value.path))
        result = -ENOMEM;
    if (result == 0)
        result = read_value(parser, place, option, value.text);
    expanded_free(&value);
    return result == -ENOMEM ? result : 0;
}

static int read_lines(struct parser *parser, struct place *place, struct bytes text)
{
    struct bytes line;
    int result = 0;

    while (result == 0 && line_take(&text, &line)) {
        place->origin.line++;
        if (parser->config->setting_count == CONFIG_SETTINGS_MAX) {
            report_tell(parser->report, REPORT_ERROR, place->origin,
                    "more than %d settings; remove some", CONFIG_SETTINGS_MAX);
            break;
        }
        if (line.size > CONFIG_LINE_BYTES_MAX)
            report_tell(parser->report, REPORT_ERROR, place->origin,
                    "the line is longer than %d bytes; shorten it", CONFIG_LINE_BYTES_MAX);
        else
            result = read_line(parser, place, line);
    }
    return result;
}

static int read_file(struct parser *parser, const char *path, bool included)
{
    const struct source *source = parser->source;
    struct place place = { .included = included, .listener = -1 };
    struct bytes text = { 0 };
    int result;

    if (parser->config->file_count == CONFIG_FILES_MAX) {
        report_tell(parser->report, REPORT_ERROR, (struct report_origin){ path, 0 },
                "more than %d files; include fewer", CONFIG_FILES_MAX);
        return 0;
    }
    place.origin.file = keep_name(parser->config, path);
    if (!place.origin.file)
        return -ENOMEM;
    result = source->read(source->context, path, &text);
    if (result < 0 && result != -ENOMEM) {
        report_tell(parser->report, REPORT_ERROR, place.origin, "cannot be read: %s",
                strerror(-result));
        return 0;
    }
    if (result == 0)
        result = read_lines(parser, &place, text);
    if (text.size > 0)
        explicit_bzero((void *)(uintptr_t)text.data, text.size); /* There may be secrets in it. */
    free((void *)(uintptr_t)text.data);
    return result;
}

int parse_file(struct parser *parser, const char *path)
{
    return read_file(parser, path, false);
}
