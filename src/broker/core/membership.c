/* SPDX-License-Identifier: Apache-2.0 */
/* The member's side of shared subscriptions; see group.h. */
#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/keep.h"
#include "broker/core/launch.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "mqtt/outflow.h"
#include "mqtt/topic.h"

#include <assert.h>

static struct membership *membership_new(
        struct core *core, const struct session *session, const struct joining *joining)
{
    const struct subscription *subscription = joining->subscription;
    struct membership *membership =
            memory_take_zeroed(&core->memory, sizeof(*membership) + subscription->filter_size);

    if (!membership)
        return NULL;
    letter_init(&membership->letter);
    list_init(&membership->sibling);
    membership->session = session_target(core, session);
    membership->lasting = session->lasting != NULL;
    membership->share_size = (uint16_t)joining->share_name.size;
    membership->filter_size = subscription->filter_size;
    memcpy(membership->filter, subscription->filter, subscription->filter_size);
    membership->group_hash = core_hash(core,
            bytes_from(
                    bytes_of(membership->filter, membership->filter_size), sizeof("$share/") - 1));
    return membership;
}

/* The membership goes to the group's home for good. */
static void send_leave(struct core *core, struct membership *membership)
{
    core_post(core, membership->group.shard, &membership->letter,
            &(struct mail){ .kind = MAIL_LEAVE, .of.membership = membership });
}

/* The session has no more to do with it. */
static void abandon(struct core *core, struct membership *membership)
{
    list_remove(&membership->sibling);
    if (membership->travels)
        membership->gone = true; /* It leaves when it is back. */
    else
        send_leave(core, membership);
}

/* Another one has taken its place, which says all that it was to tell. It leaves behind that one's
 * joining: a group without members in between would end, and what waits there with it. */
static void supersede(struct core *core, struct membership *membership)
{
    if (!membership->travels)
        list_remove(&membership->letter.link);
    abandon(core, membership);
}

bool membership_join(struct core *core, struct session *session, struct connection *connection,
        const struct joining *joining)
{
    struct subscription *subscription = joining->subscription;
    struct membership *old = subscription->membership;
    struct membership *membership = old;

    if (!old && session->receiver->membership_count == MEMBERSHIPS_MAX)
        return false;
    /* One whose letter is under way cannot be changed now. */
    if (!old || old->travels || list_linked(&old->letter.link)) {
        membership = membership_new(core, session, joining);
        if (!membership)
            return false;
        list_append(&session->receiver->memberships, &membership->sibling);
    }
    if (!old)
        session->receiver->membership_count++;
    subscription->membership = membership;
    membership->identifier = subscription->identifier;
    membership->qos = subscription->qos;
    membership->retain_as_published = joining->retain_as_published;
    membership->connection = connection_target(core, connection);
    membership->position = joining->position;
    membership->window = session->window;
    membership->travels = true;
    connection_wait(connection);
    core_post(core, core_home(core, membership->group_hash), &membership->letter,
            &(struct mail){ .kind = MAIL_JOIN, .of.membership = membership });
    if (old && old != membership)
        supersede(core, old);
    return true;
}

static void tell(struct core *core, struct membership *membership, uint32_t window)
{
    core_post(core, membership->group.shard, &membership->letter,
            &(struct mail){ .kind = MAIL_MEMBER,
                    .window = window,
                    .group = membership->group,
                    .session = membership->session });
}

void membership_free(const struct memory *memory, struct membership *membership)
{
    memory_give(memory, membership, sizeof(*membership) + membership->filter_size);
}

/* The group could not take it: the subscription is as if it had never been. */
static void join_failed(struct core *core, struct session *session, struct membership *membership)
{
    struct bytes filter = bytes_of(membership->filter, membership->filter_size);
    struct subscription *subscription = session_subscription(core, session, filter);

    if (subscription && subscription->membership == membership) {
        subscription->membership = NULL;
        session_forget_subscription(core, session, subscription);
    }
}

/* Its group is in the store by now; where the client waits to be told, it waits for this as well.
 * Without memory the client is lost: it asks again. */
static void keep_membership(
        struct core *core, struct session *session, const struct membership *membership)
{
    struct bytes filter = bytes_of(membership->filter, membership->filter_size);
    const struct stored_subscription form = { .identifier = membership->identifier,
        .qos = membership->qos,
        .retain_as_published = membership->retain_as_published };

    if (!session->lasting)
        return;
    if (!keep_subscription(core, session, filter, &form) && session->connection)
        connection_condemn_for_memory(core, session->connection);
    durable_bind(core, session);
}

void membership_joined(struct core *core, struct membership *membership)
{
    struct session *session = session_find(core, membership->session);
    struct connection *connection = connection_find(core, membership->connection);
    bool failed = membership->reason != MQTT_SUCCESS;

    membership->travels = false;
    membership->group = membership->answer;
    if (!failed && session && !membership->gone)
        keep_membership(core, session, membership);
    if (failed && session && !membership->gone) {
        session->receiver->membership_count--;
        list_remove(&membership->sibling);
        join_failed(core, session, membership);
    }
    if (connection)
        connection_answered_join(core, connection, membership);
    if (failed)
        membership_free(&core->memory, membership);
    else if (!session || membership->gone)
        send_leave(core, membership);
    else if (!session->connection || session->window != membership->window)
        tell(core, membership, session->connection ? session->window : 0);
}

struct returning {
    struct core *core;
    struct session *session;
    const struct target *group; /* NULL: of any */
};

static bool keep_unless_of_group(void *context, struct delivery *delivery)
{
    struct returning *returning = context;

    if (!(delivery->flags & DELIVERY_SHARED) ||
            (returning->group && !target_equal(&delivery->extra.hand->group, returning->group)))
        return true;
    returning->session->receiver->outgoing.queue_bytes -= delivery->message->payload_size;
    delivery_end(returning->core, returning->session, delivery, FATE_RETURNED);
    return false;
}

static void return_unsent(struct core *core, struct session *session, const struct target *group)
{
    struct returning returning = { core, session, group };

    if (session->receiver->hands > 0)
        deliveries_filter(&session->receiver->outgoing.queue, &core->memory, keep_unless_of_group,
                &returning);
}

void hands_return(struct core *core, struct session *session)
{
    struct outgoing *outgoing = &session->receiver->outgoing;

    return_unsent(core, session, NULL);
    for (uint32_t i = 0; i < outgoing->flight.count && session->receiver->hands > 0; i++) {
        struct delivery *delivery = deliveries_at(&outgoing->flight, i);

        if (!(delivery->flags & DELIVERY_SHARED) || delivery->state != OUT_WAIT_PUBACK)
            continue;
        outgoing->flight_bytes -= delivery->message->payload_size;
        launch_over(session, delivery);
        delivery_end(core, session, delivery, FATE_RETURNED);
        outgoing_drop(outgoing, delivery);
    }
    outgoing_trim(outgoing, &core->memory);
}

void membership_leave(struct core *core, struct session *session, struct subscription *subscription)
{
    struct membership *membership = subscription->membership;

    if (!membership)
        return;
    subscription->membership = NULL;
    session->receiver->membership_count--;
    return_unsent(core, session, &membership->group);
    abandon(core, membership);
}

void memberships_tell(struct core *core, struct session *session, uint32_t window)
{
    for (struct list *link = session->receiver->memberships.next;
            link != &session->receiver->memberships; link = link->next) {
        struct membership *membership = container_of(link, struct membership, sibling);

        if (!membership->travels)
            tell(core, membership, window);
    }
}

/* A hand may still be on its way to a session that has left the group since. */
static bool is_member(const struct session *session, const struct hand *hand)
{
    for (struct list *link = session->receiver->memberships.next;
            link != &session->receiver->memberships; link = link->next) {
        const struct membership *membership = container_of(link, struct membership, sibling);

        if (!membership->travels && target_equal(&membership->group, &hand->group))
            return true;
    }
    return false;
}

void hand_arrived(struct core *core, struct hand *hand)
{
    struct session *session = session_find(core, hand->session);

    if (!session || !session->connection || !is_member(session, hand)) {
        hand_back(core, hand, FATE_RETURNED);
        return;
    }
    /* Whatever becomes of it, delivery_end() or a refusal counts it off. */
    session->receiver->hands++;
    /* Or it would never acknowledge this one: see leave_unread() in receive.c. */
    if (connection_awaits_room(session->connection))
        connection_wait_no_more(core, session->connection);
    session_offer(core, session,
            &(struct offer){ .message = hand->message,
                    .qos = hand->qos,
                    .retain = hand->retain,
                    .identifier_count = hand->subscription_id != 0,
                    .identifiers = &hand->subscription_id,
                    .hand = hand });
}

void hand_back(struct core *core, struct hand *hand, int fate)
{
    hand->fate = fate;
    core_post(core, hand->group.shard, &hand->letter,
            &(struct mail){ .kind = MAIL_HAND_BACK, .of.hand = hand });
}

void hand_free(struct core *core, struct hand *hand)
{
    core_unref(core, hand->message);
    memory_give(&core->memory, hand, sizeof(*hand));
}

struct membership *membership_restore(struct core *core, struct session *session,
        struct subscription *subscription, bool retain_as_published)
{
    struct joining joining = { .subscription = subscription };
    struct membership *membership;

    mqtt_share_split(subscription_key(subscription), &joining.share_name, &joining.filter);
    membership = membership_new(core, session, &joining);
    if (!membership)
        return NULL;
    session->receiver->membership_count++;
    list_append(&session->receiver->memberships, &membership->sibling);
    subscription->membership = membership;
    membership->identifier = subscription->identifier;
    membership->qos = subscription->qos;
    membership->retain_as_published = retain_as_published;
    return membership;
}
