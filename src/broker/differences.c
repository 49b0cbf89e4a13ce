/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/differences.h"

#include "broker/config/compare.h"
#include "broker/config/option.h"

#include <stdio.h>

static const char *key_of(const struct config_change *change)
{
    return change->option ? change->option->name : "listener";
}

static bool is_live(const struct config_change *change)
{
    return !change->option || change->option->live; /* Listeners open and close. */
}

/* ---- JSON ---- */

struct collection {
    const struct config *next;
    json_t *rows; /* NULL: memory is short */
};

static void collect(void *context, const struct config_change *change)
{
    struct collection *collection = context;
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s}", "key", key_of(change), "old",
            change->old_value, "new", change->new_value, "file",
            change->origin.file ? change->origin.file : "", "line", (int)change->origin.line,
            "effect", is_live(change) ? "live" : "restart");
    int result = row ? 0 : -1;

    if (result == 0 && change->option && change->next_listener >= 0)
        result = json_object_set_new(row, "listener",
                json_integer(collection->next->listeners[change->next_listener].settings.port));
    if (result < 0)
        json_decref(row);
    else
        result = json_array_append_new(collection->rows, row);
    if (result < 0) {
        json_decref(collection->rows);
        collection->rows = NULL;
    }
}

json_t *differences_of(const struct config *next, const struct config *running)
{
    struct collection collection = { next, json_array() };

    config_compare(next, running, collect, &collection);
    return collection.rows;
}

/* ---- Lines ---- */

struct printing {
    const struct config *next;
    size_t count;
};

static void print(void *context, const struct config_change *change)
{
    struct printing *printing = context;

    printing->count++;
    if (change->origin.file)
        printf("%s:%u: ", change->origin.file, change->origin.line);
    if (change->option && change->next_listener >= 0)
        printf("listener %u: ", printing->next->listeners[change->next_listener].settings.port);
    printf("%s: %s -> %s (%s)\n", key_of(change),
            change->old_value[0] ? change->old_value : "(nothing)",
            change->new_value[0] ? change->new_value : "(nothing)",
            is_live(change) ? "live" : "restart");
}

size_t differences_print(const struct config *next, const struct config *running)
{
    struct printing printing = { .next = next };

    config_compare(next, running, print, &printing);
    return printing.count;
}
