/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include <assert.h>

bool mailbox_init(
        struct mailbox *mailbox, const struct memory *memory, uint32_t slots, size_t slot_size)
{
    assert(slots > 0);
    assert((slots & (slots - 1)) == 0);
    memset(mailbox, 0, sizeof(*mailbox));
    mailbox->slots = slots;
    mailbox->slot_size = slot_size;
    mailbox->data = memory_take(memory, slots * slot_size);
    return mailbox->data != NULL;
}

void mailbox_deinit(struct mailbox *mailbox, const struct memory *memory)
{
    memory_give(memory, mailbox->data, mailbox->slots * mailbox->slot_size);
    mailbox->data = NULL;
}

static bool room_seen(const struct mailbox *mailbox)
{
    return mailbox->filled - mailbox->head_seen < mailbox->slots &&
            mailbox->weight_put - mailbox->weight_seen < MAILBOX_WEIGHT_MAX;
}

static bool look_for_room(struct mailbox *mailbox, memory_order order)
{
    mailbox->head_seen = atomic_load_explicit(&mailbox->head, order);
    /* Relaxed: it was stored before the head that we have seen. */
    mailbox->weight_seen = atomic_load_explicit(&mailbox->weight_shed, memory_order_relaxed);
    return room_seen(mailbox);
}

bool mailbox_has_room(struct mailbox *mailbox)
{
    /* Acquire: the consumer has done with a slot before it is written again. */
    if (room_seen(mailbox) || look_for_room(mailbox, memory_order_acquire))
        return true;
    /* Both sides store, then load, sequentially consistent: either we see the room that the
     * consumer makes, or it sees that we wait. */
    atomic_store(&mailbox->starved, true);
    return look_for_room(mailbox, memory_order_seq_cst);
}

void *mailbox_put(struct mailbox *mailbox)
{
    assert(room_seen(mailbox));
    return mailbox->data + (mailbox->filled++ & (mailbox->slots - 1)) * mailbox->slot_size;
}

bool mailbox_publish(struct mailbox *mailbox)
{
    if (!mailbox_unpublished(mailbox))
        return false;
    /* Sequentially consistent, which includes release: the slots are written before they are seen,
     * and the caller's next look at "is it asleep" comes after this store. */
    atomic_store(&mailbox->tail, mailbox->filled);
    return true;
}

void *mailbox_take(struct mailbox *mailbox)
{
    /* Acquire: the slot's content is seen with the tail that covers it. */
    if (mailbox->taken == atomic_load_explicit(&mailbox->tail, memory_order_acquire))
        return NULL;
    return mailbox->data + (mailbox->taken++ & (mailbox->slots - 1)) * mailbox->slot_size;
}

bool mailbox_finish(struct mailbox *mailbox)
{
    if (atomic_load_explicit(&mailbox->head, memory_order_relaxed) == mailbox->taken)
        return false;
    atomic_store_explicit(&mailbox->weight_shed, mailbox->weight_taken, memory_order_relaxed);
    atomic_store(&mailbox->head, mailbox->taken);
    return atomic_load(&mailbox->starved) && atomic_exchange(&mailbox->starved, false);
}

bool mailbox_waiting(struct mailbox *mailbox)
{
    return mailbox->taken != atomic_load(&mailbox->tail);
}
