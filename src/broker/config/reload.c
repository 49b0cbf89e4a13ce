/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/compare.h"
#include "broker/config/option.h"

#include <errno.h>
#include <stdlib.h>

/* What stands for an empty value in a message. */
static const char *shown(const char *value)
{
    return value[0] ? value : "(nothing)";
}

/* A reload while it looks at what differs. */
struct reload {
    struct config *next;
    const struct config *running;
    struct report *report;
    int changes;
};

/* What cannot change now gets its old value back. */
static void take_option(struct reload *reload, const struct config_change *change)
{
    const struct option *option = change->option;
    const char *from = (const char *)reload->running;
    char *to = (char *)reload->next;

    if (option->live) {
        report_tell(reload->report, REPORT_NOTICE, change->origin, "%s changes from %s to %s",
                option->name, shown(change->old_value), shown(change->new_value));
        reload->changes++;
        return;
    }
    report_tell(reload->report, REPORT_WARNING, change->origin,
            "%s stays %s; restart the server to make it %s", option->name, shown(change->old_value),
            shown(change->new_value));
    if (change->next_listener >= 0) {
        from = (const char *)&reload->running->listeners[change->running_listener];
        to = (char *)&reload->next->listeners[change->next_listener];
    }
    memcpy(to + option->offset, from + option->offset, option->size);
}

static void take_change(void *context, const struct config_change *change)
{
    struct reload *reload = context;

    if (change->option) {
        take_option(reload, change);
        return;
    }
    reload->changes++;
    if (change->running_listener < 0)
        report_tell(reload->report, REPORT_NOTICE, change->origin, "listener %s opens",
                change->new_value);
    else
        report_tell(reload->report, REPORT_NOTICE, change->origin,
                "listener %s closes, as it is gone from the configuration", change->old_value);
}

/* Lets settings point at the listeners' new places. */
static void move_settings(struct config *next, const int *places)
{
    for (size_t i = 0; i < next->setting_count; i++) {
        if (next->settings[i].listener >= 0)
            next->settings[i].listener = places[next->settings[i].listener];
    }
}

/* What is left of a listener that is gone: nobody comes in, and it names no file. */
static struct config_listener closed(const struct config_listener *listener)
{
    struct config_listener left = { .settings = listener->settings, .closed = true };

    left.settings.allow_anonymous = false;
    left.settings.user_name_proved = false;
    memcpy(left.address, listener->address, sizeof(left.address));
    return left;
}

/* Those of `running` stay in their places, where one that was closed comes back to, too; the new
 * ones come behind. Returns how many there are, or -EINVAL. */
static int place_listeners(
        const struct config *next, const struct config *running, int *places, struct report *report)
{
    int count = (int)running->listener_count;

    for (size_t i = 0; i < next->listener_count; i++) {
        places[i] = config_find_listener(running, &next->listeners[i], false);
        if (places[i] < 0)
            places[i] = config_find_listener(running, &next->listeners[i], true);
        if (places[i] < 0)
            places[i] = count++;
    }
    if (count <= CONFIG_LISTENERS_MAX)
        return count;
    report_tell(report, REPORT_ERROR, (struct report_origin){ 0 },
            "with this there would have been listeners at more than %d addresses since the start; "
            "restart the server",
            CONFIG_LISTENERS_MAX);
    return -EINVAL;
}

static int take_listeners(struct config *next, const struct config *running, struct report *report)
{
    int places[CONFIG_LISTENERS_MAX];
    int count = place_listeners(next, running, places, report);
    struct config_listener *listeners;

    if (count < 0)
        return count;
    listeners = calloc((size_t)count, sizeof(*listeners));
    if (!listeners)
        return -ENOMEM;
    for (size_t i = 0; i < running->listener_count; i++)
        listeners[i] = closed(&running->listeners[i]);
    for (size_t i = 0; i < next->listener_count; i++)
        listeners[places[i]] = next->listeners[i];
    for (int i = 0; i < count; i++)
        listeners[i].settings.number = (uint16_t)i;
    memcpy(next->listeners, listeners, (size_t)count * sizeof(listeners[0]));
    free(listeners);
    next->listener_count = (size_t)count;
    move_settings(next, places);
    return 0;
}

int config_reload(struct config *next, const struct config *running, struct report *report)
{
    struct reload reload = { .next = next, .running = running, .report = report };
    int result;

    config_compare(next, running, take_change, &reload);
    result = take_listeners(next, running, report);
    return result < 0 ? result : reload.changes;
}
