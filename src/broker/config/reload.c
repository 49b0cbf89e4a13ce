/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"
#include "broker/config/option.h"
#include "broker/config/value.h"

#include <errno.h>
#include <stdlib.h>

enum { SHOWN_MAX = 127 }; /* bytes of a value that a message shows */

/* What stands for an empty value in a message. */
static const char *shown(const char *value)
{
    return value[0] ? value : "(nothing)";
}

/*
 * Compares one option's field. What cannot change now gets its old value back. Returns 1 when it
 * changes.
 */
static int change(const struct option *option, void *next, const void *running,
        struct report_origin origin, struct report *report)
{
    char old_value[SHOWN_MAX + 1];
    char new_value[SHOWN_MAX + 1];

    if (memcmp(next, running, option->size) == 0)
        return 0;
    value_write(option, running, old_value, sizeof(old_value));
    value_write(option, next, new_value, sizeof(new_value));
    if (option->live) {
        report_tell(report, REPORT_NOTICE, origin, "%s changes from %s to %s", option->name,
                shown(old_value), shown(new_value));
        return 1;
    }
    report_tell(report, REPORT_WARNING, origin, "%s stays %s; restart the server to make it %s",
            option->name, shown(old_value), shown(new_value));
    memcpy(next, running, option->size);
    return 0;
}

static bool is_same_listener(const struct config_listener *a, const struct config_listener *b)
{
    return a->settings.port == b->settings.port && strcmp(a->address, b->address) == 0;
}

/* The index of a listener that listens where that one does, or -1. */
static int find_listener(const struct config *config, const struct config_listener *wanted)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (is_same_listener(&config->listeners[i], wanted))
            return (int)i;
    }
    return -1;
}

static int change_listener(struct config *next, int index, const struct config_listener *running,
        struct report *report)
{
    struct config_listener *listener = &next->listeners[index];
    int changes = 0;

    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option_is_of_listener(option) && option->type != OPTION_LISTENER && option->size > 0)
            changes += change(option, (char *)listener + option->offset,
                    (const char *)running + option->offset,
                    config_origin(next, option->name, index), report);
    }
    return changes;
}

/* Lets settings point at the listeners' new places; -1 for those that are not open. */
static void move_settings(struct config *next, const int *places)
{
    for (size_t i = 0; i < next->setting_count; i++) {
        if (next->settings[i].listener >= 0)
            next->settings[i].listener = places[next->settings[i].listener];
    }
}

/* Gives `next` the listeners of `running`, in their order, with the settings that `next` has. */
static int change_listeners(
        struct config *next, const struct config *running, struct report *report)
{
    struct config_listener *kept = malloc(running->listener_count * sizeof(*kept));
    int places[CONFIG_LISTENERS_MAX];
    int changes = 0;

    if (!kept)
        return -ENOMEM;
    for (size_t i = 0; i < next->listener_count; i++) {
        const struct config_listener *listener = &next->listeners[i];

        places[i] = find_listener(running, listener);
        if (places[i] < 0)
            report_tell(report, REPORT_WARNING, listener->origin,
                    "listener %u%s%s is new; restart the server to open it",
                    listener->settings.port, listener->address[0] ? " " : "", listener->address);
    }
    for (size_t i = 0; i < running->listener_count; i++) {
        int index = find_listener(next, &running->listeners[i]);

        kept[i] = running->listeners[i];
        kept[i].origin = (struct report_origin){ 0 };
        if (index >= 0) {
            changes += change_listener(next, index, &running->listeners[i], report);
            kept[i] = next->listeners[index];
            kept[i].settings.number = (uint16_t)i;
        } else {
            report_tell(report, REPORT_WARNING, kept[i].origin,
                    "listener %u%s%s is gone from the configuration; restart the server to close "
                    "it",
                    kept[i].settings.port, kept[i].address[0] ? " " : "", kept[i].address);
        }
    }
    memcpy(next->listeners, kept, running->listener_count * sizeof(kept[0]));
    free(kept);
    next->listener_count = running->listener_count;
    next->local_only = running->local_only;
    move_settings(next, places);
    return changes;
}

int config_reload(struct config *next, const struct config *running, struct report *report)
{
    int changes = 0;
    int result;

    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->scope == SCOPE_GLOBAL && option->size > 0)
            changes += change(option, (char *)next + option->offset,
                    (const char *)running + option->offset, config_origin(next, option->name, -1),
                    report);
    }
    result = change_listeners(next, running, report);
    return result < 0 ? result : changes + result;
}
