/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/newcomers.h"

void newcomers_init(struct newcomers *newcomers, int64_t now_ms)
{
    *newcomers = (struct newcomers){ .looked_ms = now_ms };
    list_init(&newcomers->all);
    list_init(&newcomers->waiting);
    list_init(&newcomers->crowd);
}

void newcomers_deinit(struct newcomers *newcomers, const struct memory *memory)
{
    while (!list_empty(&newcomers->all))
        newcomers_remove(
                newcomers, memory, container_of(newcomers->all.next, struct newcomer, node));
}

struct newcomer *newcomers_add(struct newcomers *newcomers, const struct memory *memory,
        struct link *link, const struct address *address)
{
    struct newcomer *newcomer = memory_take_zeroed(memory, sizeof(*newcomer));

    if (!newcomer)
        return NULL;
    newcomer->link = link;
    newcomer->address = *address;
    newcomer->came_ms = newcomers->clock_ms;
    list_append(&newcomers->all, &newcomer->node);
    list_init(&newcomer->turn);
    newcomers->count++;
    return newcomer;
}

void newcomers_remove(
        struct newcomers *newcomers, const struct memory *memory, struct newcomer *newcomer)
{
    if (!newcomer)
        return;
    list_remove(&newcomer->node);
    list_remove(&newcomer->turn);
    newcomers->count--;
    memory_give(memory, newcomer, sizeof(*newcomer));
}

void newcomers_queue(struct newcomers *newcomers, struct newcomer *newcomer)
{
    if (!list_linked(&newcomer->turn))
        list_append(newcomer->is_crowd ? &newcomers->crowd : &newcomers->waiting, &newcomer->turn);
}

struct newcomer *newcomers_next(struct newcomers *newcomers)
{
    bool of_crowd = list_empty(&newcomers->waiting) ||
            (newcomers->others >= NEWCOMER_OTHERS && !list_empty(&newcomers->crowd));
    struct list *turn = list_take_first(of_crowd ? &newcomers->crowd : &newcomers->waiting);

    newcomers->others = of_crowd ? 0 : newcomers->others + 1;
    return turn ? container_of(turn, struct newcomer, turn) : NULL;
}

void newcomers_look(struct newcomers *newcomers, int64_t now_ms, bool kept_up)
{
    if (kept_up)
        newcomers->clock_ms += now_ms - newcomers->looked_ms;
    newcomers->looked_ms = now_ms;
}

static struct newcomer *old_one(const struct newcomers *newcomers, struct list *node)
{
    struct newcomer *newcomer = container_of(node, struct newcomer, node);

    if (node == &newcomers->all || newcomers->clock_ms - newcomer->came_ms < NEWCOMER_PATIENCE_MS)
        return NULL;
    return newcomer;
}

struct newcomer *newcomers_oldest(const struct newcomers *newcomers)
{
    return old_one(newcomers, newcomers->all.next);
}

struct newcomer *newcomers_younger(
        const struct newcomers *newcomers, const struct newcomer *newcomer)
{
    return old_one(newcomers, newcomer->node.next);
}

size_t newcomers_room(const struct newcomers *newcomers, size_t max, size_t wanted)
{
    const struct newcomer *old = newcomers_oldest(newcomers);
    size_t room = max > newcomers->count ? max - newcomers->count : 0;
    size_t over = newcomers->count > max ? newcomers->count - max : 0;

    if (max == 0 || room >= wanted)
        return wanted;
    for (; old && over > 0; over--)
        old = newcomers_younger(newcomers, old);
    for (; old && room < wanted; room++)
        old = newcomers_younger(newcomers, old);
    return room;
}

int64_t newcomers_due_ms(const struct newcomers *newcomers)
{
    const struct newcomer *first = container_of(newcomers->all.next, struct newcomer, node);

    if (list_empty(&newcomers->all))
        return INT64_MAX;
    return newcomers->looked_ms + NEWCOMER_PATIENCE_MS - (newcomers->clock_ms - first->came_ms);
}
