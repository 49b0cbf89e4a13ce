/* SPDX-License-Identifier: Apache-2.0 */
/* What of a group's backlog lies in the store alone, and how it comes back. */
#include "broker/core/backlog.h"
#include "broker/core/group.h"
#include "broker/core/state.h"

uint64_t group_waiting(const struct group *group)
{
    return group->backlog_count + spill_count(&group->spill) + group->fresh_count;
}

uint64_t group_waiting_bytes(const struct group *group)
{
    return group->backlog_bytes + spill_bytes(&group->spill) + group->fresh_bytes;
}

/* ---- Out of memory's way ---- */

bool group_is_long(
        const struct core *core, const struct group *group, const struct message *message)
{
    if (group->queue == 0 || !core->durable.storage.fetch || message->id == RECORD_NO_ID)
        return false;
    return spill_count(&group->spill) > 0 || group->fresh_count > 0 ||
            group->backlog_count >= BACKLOG_HOT_MAX ||
            group->backlog_bytes >= BACKLOG_HOT_BYTES_MAX;
}

void group_put_aside(struct core *core, struct group *group, struct hand *hand)
{
    list_append(&group->fresh, &hand->link);
    group->fresh_count++;
    group->fresh_bytes += hand->message->payload_size;
    if (!list_linked(&group->spilling))
        list_append(&core->durable.group_spills, &group->spilling);
}

static void take_off_fresh(struct group *group, struct hand *hand)
{
    list_remove(&hand->link);
    group->fresh_count--;
    group->fresh_bytes -= hand->message->payload_size;
}

/* False when memory is short: the rest stays in it. */
static bool spill_fresh(struct core *core, struct group *group)
{
    while (!list_empty(&group->fresh)) {
        struct hand *hand = container_of(group->fresh.next, struct hand, link);

        if (!backlog_spill(core, &group->spill, hand->message))
            return false;
        take_off_fresh(group, hand);
        hand_free(core, hand);
    }
    return true;
}

void groups_spill(struct core *core)
{
    struct list kept;
    struct list *link;

    list_init(&kept);
    while ((link = list_take_first(&core->durable.group_spills))) {
        struct group *group = container_of(link, struct group, spilling);

        if (!spill_fresh(core, group))
            list_append(&kept, &group->spilling);
        group_refill(core, group);
    }
    while ((link = list_take_first(&kept)))
        list_append(&core->durable.group_spills, link);
}

/* ---- Back into memory ---- */

static bool has_takers(const struct group *group)
{
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (group->members[i].window > 0)
            return true;
    }
    return false;
}

void group_refill(struct core *core, struct group *group)
{
    if (group->spill.fetching > 0 || spill_count(&group->spill) == 0 ||
            group->backlog_count > BACKLOG_LOW || group->backlog_bytes > BACKLOG_LOW_BYTES ||
            !has_takers(group))
        return;
    /* Where memory is short for that, the next message or acknowledgement tries again. */
    backlog_ask(core, &group->spill, group_target(core, group), group->queue, STORAGE_WISH_MAX);
}

/* A group, in which a message arrives. */
struct arriving {
    struct core *core;
    struct group *group;
};

static enum fetched take(void *context, const struct storage_item *item)
{
    const struct arriving *arriving = context;
    struct core *core = arriving->core;
    struct message *message;
    struct hand *hand;
    bool broken;

    message = durable_read(core, item->id, item->body, &broken);
    if (!message)
        return broken ? FETCHED_BROKEN : FETCHED_NO_MEMORY;
    hand = hand_new(core, arriving->group, message);
    core_unref(core, message);
    if (!hand)
        return FETCHED_NO_MEMORY;
    group_append(arriving->group, hand);
    return FETCHED;
}

static void lose(void *context)
{
    const struct arriving *arriving = context;

    ledger_count(arriving->core, &arriving->group->ledger, FATE_DROPPED + DROP_UNREADABLE);
}

void group_fetched(struct core *core, const struct storage_answer *answer)
{
    struct group *group = group_find(core, answer->who);
    struct arriving arriving = { core, group };
    const struct backlog_taker taker = { take, lose, &arriving };

    if (!group || group->queue != answer->queue)
        return; /* It has ended since. */
    if (answer->failed) {
        backlog_unreadable(core, &group->spill, bytes_of(group->name, group->name_size));
        return; /* It is tried again with the next message, acknowledgement or member. */
    }
    backlog_take(core, &group->spill, answer, &taker);
    group_pump(core, group);
}

/* ---- The end ---- */

void group_forget_spill(struct core *core, struct group *group)
{
    list_remove(&group->spilling);
    backlog_lose_spill(core, &group->spill, group->fresh_count, &group->ledger);
    while (!list_empty(&group->fresh)) {
        struct hand *hand = container_of(group->fresh.next, struct hand, link);

        take_off_fresh(group, hand);
        hand_free(core, hand);
    }
}
