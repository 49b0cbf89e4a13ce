/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/group.h"

#include "broker/core/ask.h"
#include "broker/core/backlog.h"
#include "broker/core/keep.h"
#include "broker/core/route.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

#include <assert.h>

enum { MEMBERS_MIN = 4 };

static struct bytes group_key(const void *value)
{
    const struct group *group = value;

    return bytes_of(group->name, group->name_size);
}

void groups_init(struct core *core)
{
    map_init(&core->groups_by_name, group_key);
    pool_init(&core->groups, sizeof(struct group));
}

struct target group_target(const struct core *core, const struct group *group)
{
    return (struct target){ .shard = (uint16_t)core->shard,
        .flags = TARGET_GROUP,
        .slot = group->pooled.slot,
        .generation = group->pooled.generation };
}

static struct bytes inner_filter(const struct group *group)
{
    return bytes_from(group_key(group), group->share_size + 1u);
}

/* ---- Life ---- */

static bool enter_index(struct core *core, struct group *group)
{
    const struct subscriber subscriber = {
        .target = group_target(core, group), .queue = group->queue, .qos = 2
    };
    enum index_result result;

    index_write_begin(core->hub->index);
    result = index_add(core->hub->index, inner_filter(group), &subscriber);
    index_write_end(core->hub->index);
    return result != INDEX_NO_MEMORY;
}

static void leave_index(struct core *core, struct group *group)
{
    const struct target target = group_target(core, group);

    index_leave(core->hub->index, inner_filter(group), &target);
}

static struct group *group_new(
        struct core *core, struct bytes name, const struct membership *membership)
{
    struct group *group = pool_take(&core->groups, &core->memory);

    if (!group)
        return NULL;
    list_init(&group->backlog);
    list_init(&group->fresh);
    list_init(&group->spilling);
    list_init(&group->waiters);
    group->hash = membership->group_hash;
    group->share_size = membership->share_size;
    group->name = memory_take(&core->memory, name.size);
    if (!group->name)
        goto no_name;
    memcpy(group->name, name.data, name.size);
    group->name_size = (uint32_t)name.size;
    if (!map_add(&core->groups_by_name, &core->memory, group->hash, group))
        goto no_entry;
    if (enter_index(core, group))
        return group;
    map_remove(&core->groups_by_name, &core->memory, group->hash, group);
no_entry:
    memory_give(&core->memory, group->name, group->name_size);
no_name:
    pool_give(&core->groups, group);
    return NULL;
}

/* From now on it outlives the process, and so does what is published to it. False when memory is
 * short. */
static bool group_make_lasting(struct core *core, struct group *group)
{
    group->queue = durable_new_queue(core);
    if (keep_group(core, group) && enter_index(core, group))
        return true;
    group->queue = 0;
    return false;
}

static void drop_hand(struct core *core, struct group *group, struct hand *hand, int fate)
{
    list_remove(&hand->link);
    if (fate != FATE_DROPPED + DROP_SESSION_ENDED) /* With the group all ends at once. */
        durable_done(core, group->queue, hand->message);
    group->backlog_count--;
    group->backlog_bytes -= hand->message->payload_size;
    ledger_count(core, &group->ledger, fate);
    hand_free(core, hand);
}

static void drop_backlog(struct core *core, struct group *group)
{
    while (!list_empty(&group->backlog))
        drop_hand(core, group, container_of(group->backlog.next, struct hand, link),
                FATE_DROPPED + DROP_SESSION_ENDED);
}

static void group_free(struct core *core, struct group *group)
{
    keep_group_ended(core, group);
    drop_backlog(core, group);
    group_forget_spill(core, group);
    ask_release(core, &group->waiters);
    /* Hands that are still out find the group gone and are freed; they end with it. */
    for (uint32_t i = 0; i < group->out; i++)
        ledger_count(core, &group->ledger, FATE_DROPPED + DROP_SESSION_ENDED);
    ledger_release(&group->ledger, &core->memory);
    map_remove(&core->groups_by_name, &core->memory, group->hash, group);
    memory_give(&core->memory, group->name, group->name_size);
    memory_give(&core->memory, group->members, group->member_capacity * sizeof(*group->members));
    pool_give(&core->groups, group);
}

void groups_free(struct core *core)
{
    uint32_t slot = 0;
    struct group *group;

    while ((group = pool_next(&core->groups, &slot)))
        group_free(core, group);
    map_deinit(&core->groups_by_name, &core->memory);
    pool_deinit(&core->groups, &core->memory);
}

/* ---- Handing out ---- */

static uint8_t member_qos(const struct core *core, const struct group_member *member, uint8_t qos)
{
    if (core->settings->upgrade_outgoing_qos || member->qos < qos)
        return member->qos;
    return qos;
}

/* The next member in turn that can take a message of this QoS now; NULL: none. */
static struct group_member *choose(const struct core *core, struct group *group, uint8_t qos)
{
    for (uint32_t i = 0; i < group->member_count; i++) {
        uint32_t at = (group->turn + i) % group->member_count;
        struct group_member *member = &group->members[at];

        if (member->window == 0)
            continue;
        if (member_qos(core, member, qos) > 0 && member->outstanding >= member->window)
            continue;
        group->turn = at + 1;
        return member;
    }
    return NULL;
}

/* Gives a member what is QoS 0 for it. From here on it is the session's, and counted there. */
static enum drop_reason forward(
        struct core *core, const struct group_member *member, struct message *message)
{
    const struct match match = { .target = member->session,
        .qos = 0,
        .retain_as_published = member->retain_as_published,
        .identifier_count = member->identifier != 0,
        .identifier = member->identifier };
    struct session *session;

    if (member->session.shard != core->shard)
        return route_forward(core, message, &match) ? DROP_REASONS : DROP_MAILBOX_FULL;
    session = session_find(core, member->session);
    if (!session)
        return DROP_SESSION_ENDED;
    session_offer(core, session,
            &(struct offer){ .message = message,
                    .retain = message->retain && member->retain_as_published,
                    .identifier_count = match.identifier_count,
                    .identifiers = &match.identifier });
    return DROP_REASONS;
}

static void send_hand(
        struct core *core, struct group *group, struct group_member *member, struct hand *hand)
{
    enum drop_reason reason;

    hand->qos = member_qos(core, member, hand->message->qos);
    list_remove(&hand->link);
    group->backlog_count--;
    group->backlog_bytes -= hand->message->payload_size;
    if (hand->qos == 0) {
        durable_done(core, group->queue, hand->message);
        reason = forward(core, member, hand->message);
        if (reason == DROP_REASONS) {
            group->ledger.matched--; /* It has moved, and is counted once. */
            counter_add(&core->counters.matched, (uint64_t)-1);
        } else {
            ledger_count(core, &group->ledger, FATE_DROPPED + (int)reason);
        }
        hand_free(core, hand);
        return;
    }
    hand->session = member->session;
    hand->queue = group->queue;
    hand->subscription_id = member->identifier;
    hand->retain = hand->message->retain && member->retain_as_published;
    member->outstanding++;
    group->out++;
    core_post(core, member->session.shard, &hand->letter,
            &(struct mail){ .kind = MAIL_HAND, .of.hand = hand });
}

/* More waits for it than its limits allow, or would with so many more. */
static bool group_full(const struct core *core, const struct group *group, unsigned more)
{
    const struct core_settings *settings = core->settings;

    return (settings->max_queued_messages > 0 &&
                   group_waiting(group) + more > settings->max_queued_messages) ||
            (settings->max_queued_bytes > 0 &&
                    group_waiting_bytes(group) + more > settings->max_queued_bytes);
}

static void release_waiters(struct core *core, struct group *group)
{
    if (!list_empty(&group->waiters) && !group_full(core, group, 0))
        ask_release(core, &group->waiters);
}

/* Hands out what members have room for, in order. */
static void hand_out(struct core *core, struct group *group)
{
    while (!list_empty(&group->backlog)) {
        struct hand *hand = container_of(group->backlog.next, struct hand, link);
        struct group_member *member;

        if (message_expired(hand->message, core->now_ms)) {
            drop_hand(core, group, hand, FATE_EXPIRED);
            continue;
        }
        member = choose(core, group, hand->message->qos);
        if (!member)
            return;
        send_hand(core, group, member, hand);
    }
}

void group_pump(struct core *core, struct group *group)
{
    hand_out(core, group);
    group_refill(core, group);
    release_waiters(core, group);
}

static void note_expiry(struct group *group, const struct hand *hand)
{
    if (hand->message->expires_ms < group->expires_ms)
        group->expires_ms = hand->message->expires_ms;
}

/* Only when something in the backlog can have expired since the last time. */
static void sweep_expired(struct core *core, struct group *group)
{
    struct list *link = group->backlog.next;

    if (group->expires_ms > core->now_ms)
        return;
    group->expires_ms = INT64_MAX;
    while (link != &group->backlog) {
        struct hand *hand = container_of(link, struct hand, link);

        link = link->next;
        if (message_expired(hand->message, core->now_ms))
            drop_hand(core, group, hand, FATE_EXPIRED);
        else
            note_expiry(group, hand);
    }
}

static void tell_loss(struct core *core, struct group *group, const struct message *message,
        enum drop_reason reason)
{
    loss_tell(core, &group->losses,
            &(struct loss){ .who = group_key(group),
                    .message = message,
                    .reason = reason,
                    .queued_bytes = group_waiting_bytes(group) });
}

/* One that has not come to the backlog. */
static void lose(struct core *core, struct group *group, const struct message *message,
        enum drop_reason reason)
{
    tell_loss(core, group, message, reason);
    durable_done(core, group->queue, message);
    ledger_count(core, &group->ledger, FATE_DROPPED + (int)reason);
}

static void drop_and_tell(
        struct core *core, struct group *group, struct hand *hand, enum drop_reason reason)
{
    tell_loss(core, group, hand->message, reason);
    drop_hand(core, group, hand, FATE_DROPPED + (int)reason);
}

void group_drop_oldest(struct core *core, struct group *group, enum drop_reason reason)
{
    drop_and_tell(core, group, container_of(group->backlog.next, struct hand, link), reason);
    release_waiters(core, group);
}

/* What has been appended last is one too many: what the policy says. False when it is dropped. */
static bool relieve(struct core *core, struct group *group, struct ask *ask)
{
    struct list *loser = group->backlog.previous;

    switch (core->settings->queue_full_policy) {
    case QUEUE_DROP_OLD:
        loser = group->backlog.next;
        break;
    case QUEUE_BACKPRESSURE:
        if (ask && ask_wait(core, ask, &group->waiters))
            return true;
        break;
    case QUEUE_DROP_NEW:
    case QUEUE_DISCONNECT: /* A group is nobody's connection. */
        break;
    }
    drop_and_tell(core, group, container_of(loser, struct hand, link), DROP_QUEUE_FULL);
    return core->settings->queue_full_policy == QUEUE_DROP_OLD;
}

static bool offer_instant(struct core *core, struct group *group, struct message *message)
{
    struct group_member *member = choose(core, group, 0);
    enum drop_reason reason = member ? forward(core, member, message) : DROP_OFFLINE;

    if (reason == DROP_REASONS)
        return true;
    ledger_match(core, &group->ledger);
    ledger_count(core, &group->ledger, FATE_DROPPED + (int)reason);
    return true; /* At QoS 0 nobody is told. */
}

struct hand *hand_new(struct core *core, struct group *group, struct message *message)
{
    struct hand *hand = memory_take_zeroed(&core->memory, sizeof(*hand));

    if (!hand)
        return NULL;
    letter_init(&hand->letter);
    list_init(&hand->link);
    hand->group = group_target(core, group);
    hand->message = message;
    message_ref(message);
    return hand;
}

void group_append(struct group *group, struct hand *hand)
{
    hand->number = group->numbers++;
    list_append(&group->backlog, &hand->link);
    group->backlog_count++;
    group->backlog_bytes += hand->message->payload_size;
    note_expiry(group, hand);
}

/* What comes while the backlog lies in the store: as relieve(), but that it is not there yet. False
 * when it is refused. */
static bool admit_to_spill(
        struct core *core, struct group *group, const struct message *message, struct ask *ask)
{
    if (!group_full(core, group, 1))
        return true;
    if (core->settings->queue_full_policy == QUEUE_DROP_OLD && !list_empty(&group->backlog)) {
        group_drop_oldest(core, group, DROP_QUEUE_FULL);
        return true;
    }
    if (core->settings->queue_full_policy == QUEUE_DROP_OLD &&
            backlog_drop_spilled(core, &group->spill, group->queue, &group->ledger))
        return true;
    if (core->settings->queue_full_policy == QUEUE_BACKPRESSURE && ask &&
            ask_wait(core, ask, &group->waiters))
        return true;
    lose(core, group, message, DROP_QUEUE_FULL);
    return false;
}

/* What lies in the store alone may be too much by itself, where the limits have become lower: then
 * nothing of what has come at last need be left here. */
static bool has_too_much(const struct core *core, const struct group *group)
{
    return group_full(core, group, 0) && !list_empty(&group->backlog);
}

bool group_offer(struct core *core, struct group *group, struct message *message, struct ask *ask)
{
    struct hand *hand;

    if (message->qos == 0 &&
            (list_empty(&group->backlog) || !core->settings->queue_qos0_messages) &&
            (!core->settings->queue_qos0_messages || choose(core, group, 0)))
        return offer_instant(core, group, message);
    ledger_match(core, &group->ledger);
    hand = hand_new(core, group, message);
    if (!hand) {
        lose(core, group, message, DROP_NO_MEMORY);
        return false;
    }
    if (group_is_long(core, group, message)) {
        if (admit_to_spill(core, group, message, ask)) {
            group_put_aside(core, group, hand);
            return true;
        }
        hand_free(core, hand);
        return false;
    }
    group_append(group, hand);
    group_pump(core, group);
    if (!has_too_much(core, group))
        return true;
    sweep_expired(core, group);
    if (has_too_much(core, group))
        return relieve(core, group, ask);
    release_waiters(core, group);
    return true;
}

/* Back to its place: before all that arrived later. */
static void requeue(struct group *group, struct hand *hand)
{
    struct list *link = group->backlog.next;

    while (link != &group->backlog && container_of(link, struct hand, link)->number < hand->number)
        link = link->next;
    list_append(link, &hand->link); /* That is: before `link`. */
    note_expiry(group, hand);
    group->backlog_count++;
    group->backlog_bytes += hand->message->payload_size;
}

/* ---- Members ---- */

static struct group_member *find_member(struct group *group, const struct target *session)
{
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (target_equal(&group->members[i].session, session))
            return &group->members[i];
    }
    return NULL;
}

static struct group_member *add_member(struct core *core, struct group *group)
{
    if (group->member_count == group->member_capacity) {
        uint32_t capacity = group->member_capacity ? group->member_capacity * 2 : MEMBERS_MIN;
        struct group_member *members = memory_resize(&core->memory, group->members,
                group->member_capacity * sizeof(*members), capacity * sizeof(*members));

        if (!members)
            return NULL;
        group->members = members;
        group->member_capacity = capacity;
    }
    group->members[group->member_count] = (struct group_member){ 0 };
    return &group->members[group->member_count++];
}

static struct bytes membership_group_name(const struct membership *membership)
{
    return bytes_from(bytes_of(membership->filter, membership->filter_size), sizeof("$share/") - 1);
}

void group_join(struct core *core, struct membership *membership)
{
    struct bytes name = membership_group_name(membership);
    struct group *group = map_find(&core->groups_by_name, membership->group_hash, name);
    struct group_member *member = NULL;
    bool refused = false;

    if (!group)
        group = group_new(core, name, membership);
    if (group)
        member = find_member(group, &membership->session);
    if (group && membership->lasting && durable_is_on(core) && group->queue == 0 &&
            !group_make_lasting(core, group))
        refused = true;
    if (group && !member && !refused)
        member = add_member(core, group);
    if (refused)
        member = NULL;
    membership->reason = member ? MQTT_SUCCESS : MQTT_QUOTA_EXCEEDED;
    if (member) {
        member->session = membership->session;
        member->membership = membership;
        member->window = membership->window;
        member->identifier = membership->identifier;
        member->qos = membership->qos;
        member->retain_as_published = membership->retain_as_published;
        membership->answer = group_target(core, group);
    } else if (group && group->member_count == 0) {
        leave_index(core, group);
        group_free(core, group);
    }
    core_post(core, membership->session.shard, &membership->letter,
            &(struct mail){ .kind = MAIL_JOINED, .of.membership = membership });
    /* What waits is for the newcomer too; it comes to it behind the answer. */
    if (member)
        group_pump(core, group);
}

struct group *group_find(const struct core *core, struct target target)
{
    assert(target.shard == core->shard);
    return pool_find(&core->groups, target.slot, target.generation);
}

void group_leave(struct core *core, struct membership *membership)
{
    struct group *group = group_find(core, membership->group);
    struct group_member *member = group ? find_member(group, &membership->session) : NULL;

    if (member && member->membership == membership) {
        *member = group->members[--group->member_count];
        if (group->member_count == 0) {
            leave_index(core, group);
            group_free(core, group);
        } else {
            group_pump(core, group);
        }
    }
    membership_free(&core->memory, membership);
}

void group_member_changed(struct core *core, const struct mail *mail)
{
    struct group *group = group_find(core, mail->group);
    struct group_member *member = group ? find_member(group, &mail->session) : NULL;

    if (!member)
        return;
    member->window = mail->window;
    group_pump(core, group);
}

void group_hand_back(struct core *core, struct hand *hand)
{
    struct group *group = group_find(core, hand->group);
    struct group_member *member;

    if (!group) {
        hand_free(core, hand);
        return;
    }
    group->out--;
    member = find_member(group, &hand->session);
    if (member && member->outstanding > 0)
        member->outstanding--;
    if (hand->fate == FATE_RETURNED) {
        requeue(group, hand);
    } else {
        durable_done(core, hand->queue, hand->message);
        ledger_count(core, &group->ledger, hand->fate);
        hand_free(core, hand);
    }
    group_pump(core, group);
}

/* ---- When the server starts ---- */

struct group *group_find_name(const struct core *core, struct bytes name)
{
    return map_find(&core->groups_by_name, core_hash(core, name), name);
}

struct group *group_restore(struct core *core, struct membership *membership)
{
    struct bytes name = membership_group_name(membership);
    struct group *group = group_find_name(core, name);
    struct group_member *member = NULL;

    if (!group)
        group = group_new(core, name, membership);
    if (group)
        member = add_member(core, group);
    if (!member)
        return NULL;
    *member = (struct group_member){ .session = membership->session,
        .membership = membership,
        .identifier = membership->identifier,
        .qos = membership->qos,
        .retain_as_published = membership->retain_as_published };
    membership->group = group_target(core, group);
    return group;
}

bool group_restore_queue(struct core *core, struct group *group, uint64_t queue)
{
    if (queue == 0)
        return group_make_lasting(core, group);
    group->queue = queue;
    return enter_index(core, group);
}

struct hand *group_restore_hand(struct core *core, struct group *group, struct message *message)
{
    struct hand *hand = hand_new(core, group, message);

    if (!hand)
        return NULL;
    group_append(group, hand);
    ledger_match(core, &group->ledger);
    return hand;
}

void group_restore_out(struct group *group, struct hand *hand, struct target session)
{
    struct group_member *member = find_member(group, &session);

    list_remove(&hand->link);
    group->backlog_count--;
    group->backlog_bytes -= hand->message->payload_size;
    group->out++;
    if (member)
        member->outstanding++;
    hand->queue = group->queue;
    hand->session = session;
}
