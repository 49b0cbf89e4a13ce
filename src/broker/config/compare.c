/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/compare.h"

#include "broker/config/option.h"
#include "broker/config/value.h"

struct comparison {
    const struct config *next;
    const struct config *running;
    void (*each)(void *context, const struct config_change *change);
    void *context;
};

static void compare_option(const struct comparison *comparison, const struct option *option,
        int next_listener, int running_listener)
{
    const struct config *next = comparison->next;
    const struct config *running = comparison->running;
    const char *to =
            next_listener < 0 ? (const char *)next : (const char *)&next->listeners[next_listener];
    const char *from = running_listener < 0 ? (const char *)running
                                            : (const char *)&running->listeners[running_listener];
    struct config_change change = {
        .option = option, .next_listener = next_listener, .running_listener = running_listener
    };

    if (memcmp(to + option->offset, from + option->offset, option->size) == 0)
        return;
    change.origin = config_origin(next, option->name, next_listener);
    value_write(option, from + option->offset, change.old_value, sizeof(change.old_value));
    value_write(option, to + option->offset, change.new_value, sizeof(change.new_value));
    comparison->each(comparison->context, &change);
}

static bool is_same_listener(const struct config_listener *a, const struct config_listener *b)
{
    return a->settings.port == b->settings.port && strcmp(a->address, b->address) == 0;
}

int config_find_listener(
        const struct config *config, const struct config_listener *wanted, bool closed)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];

        if (listener->closed == closed && is_same_listener(listener, wanted))
            return (int)i;
    }
    return -1;
}

static void write_place(const struct config_listener *listener, char out[CONFIG_SHOWN_MAX + 1])
{
    snprintf(out, CONFIG_SHOWN_MAX + 1, "%u%s%.110s", listener->settings.port,
            listener->address[0] ? " " : "", listener->address);
}

/* Listeners that are in one of the two alone. */
static void compare_places(const struct comparison *comparison)
{
    const struct config *next = comparison->next;
    const struct config *running = comparison->running;

    for (size_t i = 0; i < next->listener_count; i++) {
        struct config_change change = {
            .next_listener = (int)i, .running_listener = -1, .origin = next->listeners[i].origin
        };

        if (config_find_listener(running, &next->listeners[i], false) >= 0)
            continue;
        write_place(&next->listeners[i], change.new_value);
        comparison->each(comparison->context, &change);
    }
    for (size_t i = 0; i < running->listener_count; i++) {
        struct config_change change = { .next_listener = -1, .running_listener = (int)i };

        if (running->listeners[i].closed ||
                config_find_listener(next, &running->listeners[i], false) >= 0)
            continue;
        write_place(&running->listeners[i], change.old_value);
        comparison->each(comparison->context, &change);
    }
}

static void compare_listener(
        const struct comparison *comparison, int next_listener, int running_listener)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option_is_of_listener(option) && option->type != OPTION_LISTENER && option->size > 0)
            compare_option(comparison, option, next_listener, running_listener);
    }
}

void config_compare(const struct config *next, const struct config *running,
        void (*each)(void *context, const struct config_change *change), void *context)
{
    const struct comparison comparison = { next, running, each, context };

    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->scope == SCOPE_GLOBAL && option->size > 0)
            compare_option(&comparison, option, -1, -1);
    }
    compare_places(&comparison);
    for (size_t i = 0; i < running->listener_count; i++) {
        int index = running->listeners[i].closed
                ? -1
                : config_find_listener(next, &running->listeners[i], false);

        if (index >= 0)
            compare_listener(&comparison, index, (int)i);
    }
}
