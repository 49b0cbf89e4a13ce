/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE. */
#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/hold.h"
#include "broker/core/keep.h"
#include "broker/core/mount.h"
#include "broker/core/reader.h"
#include "broker/core/receive.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"
#include "mqtt/topic.h"
#include "mqtt/unsubscribe.h"
#include "mqtt/utf8.h"

#include <assert.h>

enum { SUBACK_OVERHEAD = 16 };

/* The codes of an answer; it is sent when every group has answered. */
struct pending_suback {
    uint16_t packet_id;
    uint32_t count;
    uint8_t codes[];
};

/* One SUBSCRIBE under way. */
struct subscribing {
    struct core *core;
    struct connection *connection;
    struct session *session;
    const struct mqtt_subscribe *packet;
    struct pending_suback *answer;
};

/* ---- The answer ---- */

/* It is the connection's from now on. NULL when memory is short. */
static struct pending_suback *pending_new(
        struct core *core, struct connection *connection, uint16_t packet_id, uint32_t count)
{
    struct extras *extras = extras_of(core, connection);
    struct pending_suback *answer =
            extras ? memory_take(&core->memory, sizeof(*answer) + count + 1) : NULL;

    if (!answer)
        return NULL;
    answer->packet_id = packet_id;
    answer->count = count;
    extras->suback = answer;
    return answer;
}

void pending_suback_free(struct core *core, struct connection *connection)
{
    struct extras *extras = connection->extras;
    struct pending_suback *answer = extras ? extras->suback : NULL;

    if (!answer)
        return;
    extras->suback = NULL;
    memory_give(&core->memory, answer, sizeof(*answer) + answer->count + 1);
}

void pending_suback_send(struct core *core, struct connection *connection)
{
    struct pending_suback *answer = connection->extras->suback;
    const struct mqtt_suback packet = { .packet_id = answer->packet_id,
        .codes = bytes_of(answer->codes, answer->count) };
    struct writer out = { .size = answer->count + SUBACK_OVERHEAD };

    hold_close(core, connection); /* Retained messages come behind it. */
    out.data = connection_answer_room(core, connection, out.size);
    if (out.data) {
        mqtt_suback_encode(&out, &packet, MQTT_SUBACK, (enum mqtt_version)connection->version);
        assert(!out.failed);
        connection_answer_written(core, connection, out.used);
    }
    pending_suback_free(core, connection);
    extras_settle(core, connection);
}

void connection_answered_join(
        struct core *core, struct connection *connection, const struct membership *membership)
{
    const struct extras *extras = connection->extras;
    struct pending_suback *answer = extras ? extras->suback : NULL;

    if (answer && membership->reason != MQTT_SUCCESS)
        answer->codes[membership->position] = (uint8_t)membership->reason;
    connection_answered(core, connection);
}

/* ---- SUBSCRIBE ---- */

/* What the filter is called beyond the client's listener. */
static enum mqtt_reason full_name(
        struct core *core, const struct connection *connection, struct bytes *filter)
{
    return is_mounted(connection->listener) ? mount_filter(core, connection->listener, filter)
                                            : MQTT_SUCCESS;
}

static uint8_t granted_qos(
        const struct subscribing *subscribing, const struct mqtt_subscription *wish)
{
    uint8_t max_qos = subscribing->connection->listener->max_qos;

    return wish->qos < max_qos ? wish->qos : max_qos;
}

/* Whether the store takes nothing new that has to be kept with the session. */
static bool takes_nothing_new(const struct subscribing *subscribing)
{
    return subscribing->session->lasting && !durable_is_well(subscribing->core);
}

/* Whether the session has just that subscription, so that the store need not hear of it. */
static bool has_it(const struct subscribing *subscribing, const struct mqtt_subscription *wish)
{
    const struct subscription *there =
            session_subscription(subscribing->core, subscribing->session, wish->filter);

    return there && there->qos == granted_qos(subscribing, wish) &&
            there->identifier == subscribing->packet->properties.subscription_id &&
            there->no_local == wish->no_local &&
            there->retain_as_published == wish->retain_as_published;
}

/* A full disk takes no subscription, but clients ask for those that they have whenever they come,
 * and leave when these are refused: nobody would take what waits for them. */
static bool can_be_kept(const struct subscribing *subscribing, const struct mqtt_subscription *wish)
{
    return !takes_nothing_new(subscribing) ||
            (durable_works(subscribing->core) && has_it(subscribing, wish));
}

static enum mqtt_reason judge_filter(
        const struct subscribing *subscribing, const struct mqtt_subscription *wish)
{
    const struct core_settings *settings = subscribing->core->settings;
    const struct access_request request = { .action = ACCESS_SUBSCRIBE,
        .client_id = session_id(subscribing->session),
        .topic = wish->filter,
        .qos = wish->qos };
    struct bytes unused;

    if (mqtt_share_split(wish->filter, &unused, &unused) == MQTT_SHARE_INVALID)
        return MQTT_TOPIC_FILTER_INVALID; /* 3.x knows no rules for it, and gets here. */
    if (settings_topic_limit(settings, wish->filter))
        return MQTT_TOPIC_FILTER_INVALID;
    if (settings->strict_text && !mqtt_utf8_strict(wish->filter))
        return MQTT_TOPIC_FILTER_INVALID;
    if (!connection_may(subscribing->core, subscribing->connection, request))
        return MQTT_NOT_AUTHORIZED;
    return can_be_kept(subscribing, wish) ? MQTT_SUCCESS : MQTT_QUOTA_EXCEEDED;
}

/* The session's record of a filter, found or made; NULL when memory or the limit forbids it. */
static struct subscription *record(
        struct subscribing *subscribing, struct bytes filter, bool *is_new)
{
    struct core *core = subscribing->core;
    struct map *map = &subscribing->session->receiver->subscriptions;
    struct subscription *subscription = map_find(map, core_hash(core, filter), filter);

    *is_new = !subscription;
    if (subscription || map->count >= core->settings->subscriptions_max)
        return subscription;
    return session_add_subscription(core, subscribing->session, filter);
}

static bool wants_retained(const struct mqtt_subscription *wish, bool is_new)
{
    switch (wish->retain_handling) {
    case MQTT_RETAINED_ALWAYS:
        return true;
    case MQTT_RETAINED_IF_NEW:
        return is_new;
    case MQTT_RETAINED_NEVER:
        return false;
    }
    return false;
}

static enum mqtt_reason subscribe_plain(struct subscribing *subscribing,
        struct subscription *subscription, const struct mqtt_subscription *wish, bool is_new)
{
    struct core *core = subscribing->core;
    bool retained = core->settings->retain_available && wants_retained(wish, is_new);
    struct subscriber subscriber = { .target = session_target(core, subscribing->session),
        .queue = session_queue(subscribing->session),
        .identifier = subscription->identifier,
        .qos = subscription->qos,
        .no_local = wish->no_local,
        .retain_as_published = wish->retain_as_published };
    uint64_t revision;
    enum index_result result;

    index_write_begin(core->hub->index);
    revision = retained_revision(core->hub->retained); /* In here, as index.h demands. */
    subscriber.retained_from = retained ? revision : 0;
    result = index_add(core->hub->index, wish->filter, &subscriber);
    index_write_end(core->hub->index);
    if (result == INDEX_NO_MEMORY)
        return MQTT_QUOTA_EXCEEDED;
    if (retained && !retained_read_start(core, subscribing->session, subscription, revision))
        return MQTT_QUOTA_EXCEEDED;
    if (!takes_nothing_new(subscribing) &&
            !keep_subscription(core, subscribing->session, wish->filter,
                    &(struct stored_subscription){ .identifier = subscription->identifier,
                            .qos = subscription->qos,
                            .no_local = wish->no_local,
                            .retain_as_published = wish->retain_as_published,
                            .retain_handling = (uint8_t)wish->retain_handling }))
        return MQTT_QUOTA_EXCEEDED;
    return (enum mqtt_reason)subscription->qos;
}

static void leave_index(struct core *core, const struct session *session, struct bytes filter)
{
    const struct target target = session_target(core, session);

    index_leave(core->hub->index, filter, &target);
}

static enum mqtt_reason subscribe_shared(struct subscribing *subscribing,
        struct subscription *subscription, const struct mqtt_subscription *wish, uint32_t position)
{
    struct joining joining = { .subscription = subscription,
        .retain_as_published = wish->retain_as_published,
        .position = position };

    if (takes_nothing_new(subscribing))
        return (enum mqtt_reason)subscription->qos; /* It is a member already. */
    mqtt_share_split(wish->filter, &joining.share_name, &joining.filter);
    if (!membership_join(
                subscribing->core, subscribing->session, subscribing->connection, &joining))
        return MQTT_QUOTA_EXCEEDED;
    return (enum mqtt_reason)subscription->qos;
}

static enum mqtt_reason subscribe_one(
        struct subscribing *subscribing, const struct mqtt_subscription *wish, uint32_t position)
{
    struct core *core = subscribing->core;
    enum mqtt_reason reason = judge_filter(subscribing, wish);
    struct subscription *subscription;
    struct bytes unused;
    bool is_new;

    if (reason != MQTT_SUCCESS)
        return reason;
    subscription = record(subscribing, wish->filter, &is_new);
    if (!subscription)
        return MQTT_QUOTA_EXCEEDED;
    subscription->qos = granted_qos(subscribing, wish);
    subscription->identifier = subscribing->packet->properties.subscription_id;
    subscription->no_local = wish->no_local;
    subscription->retain_as_published = wish->retain_as_published;
    reason = mqtt_share_split(wish->filter, &unused, &unused) == MQTT_SHARE_VALID
            ? subscribe_shared(subscribing, subscription, wish, position)
            : subscribe_plain(subscribing, subscription, wish, is_new);
    if (reason >= MQTT_UNSPECIFIED_ERROR && is_new) {
        leave_index(core, subscribing->session, wish->filter);
        session_forget_subscription(core, subscribing->session, subscription);
    }
    return reason;
}

static void tell_subscribed(const struct subscribing *subscribing,
        const struct mqtt_subscription *wish, enum mqtt_reason reason)
{
    struct core *core = subscribing->core;

    if (reason < MQTT_UNSPECIFIED_ERROR)
        journal_tell(&core->journal, EVENT_DEBUG, "client.subscribed",
                field_bytes("id", session_id(subscribing->session)),
                field_bytes("filter", wish->filter), field_number("qos", reason));
    else
        journal_tell(&core->journal, EVENT_WARN, "subscribe.refused",
                field_bytes("id", session_id(subscribing->session)),
                field_bytes("filter", wish->filter),
                field_text("reason", mqtt_reason_name(reason)));
}

/* An id that an unfinished PUBLISH of the client still has names no other packet of 5.0, which
 * alone has a code for that [U5-2.2.1-1], [U5-3.11.3-1]. */
static bool id_is_in_use(const struct connection *connection, uint16_t packet_id)
{
    return connection->version == MQTT_5_0 &&
            packet_ids_have(&connection->session->incoming, packet_id);
}

/* What it is told of its subscriptions waits for the store. False when memory is short. */
static bool bind(struct core *core, const struct connection *connection)
{
    return !connection->session->lasting || durable_bind(core, connection->session);
}

void receive_subscribe(struct core *core, struct connection *connection, struct bytes body)
{
    struct mqtt_subscribe packet;
    enum mqtt_reason reason =
            mqtt_subscribe_decode(&packet, body, (enum mqtt_version)connection->version);
    struct subscribing subscribing = {
        .core = core, .connection = connection, .session = connection->session, .packet = &packet
    };
    struct mqtt_subscription wish;
    uint32_t position = 0;
    bool in_use;

    if (reason != MQTT_SUCCESS) {
        connection_fail_packet(core, connection, MQTT_SUBSCRIBE, reason);
        return;
    }
    subscribing.answer = pending_new(core, connection, packet.packet_id, packet.count);
    if (!subscribing.answer) {
        connection_fail(core, connection, MQTT_QUOTA_EXCEEDED, "no memory for a SUBACK");
        return;
    }
    in_use = id_is_in_use(connection, packet.packet_id);
    while (mqtt_subscribe_next(&packet.subscriptions, &wish)) {
        reason = in_use ? MQTT_PACKET_ID_IN_USE : full_name(core, connection, &wish.filter);
        if (reason == MQTT_SUCCESS)
            reason = subscribe_one(&subscribing, &wish, position);
        subscribing.answer->codes[position++] = (uint8_t)reason;
        tell_subscribed(&subscribing, &wish, reason);
    }
    if (!bind(core, connection))
        return;
    if (connection->extras->waits == 0)
        pending_suback_send(core, connection);
}

/* ---- UNSUBSCRIBE ---- */

static enum mqtt_reason unsubscribe_one(
        struct core *core, const struct connection *connection, struct bytes filter)
{
    struct session *session = connection->session;
    enum mqtt_reason reason = full_name(core, connection, &filter);
    struct subscription *subscription;

    if (reason != MQTT_SUCCESS)
        return reason;
    subscription = session_subscription(core, session, filter);
    if (!subscription)
        return MQTT_NO_SUBSCRIPTION_EXISTED;
    if (session->lasting && !durable_works(core))
        return MQTT_IMPLEMENTATION_ERROR;
    if (!keep_unsubscribed(core, session, filter))
        return MQTT_IMPLEMENTATION_ERROR;
    if (subscription->membership) {
        membership_leave(core, session, subscription);
    } else {
        leave_index(core, session, filter);
    }
    session_forget_subscription(core, session, subscription);
    journal_tell(&core->journal, EVENT_DEBUG, "client.unsubscribed",
            field_bytes("id", session_id(session)), field_bytes("filter", filter));
    return MQTT_SUCCESS;
}

static void say_unsuback(
        struct core *core, struct connection *connection, uint16_t packet_id, struct bytes codes)
{
    const struct mqtt_suback packet = { .packet_id = packet_id, .codes = codes };
    struct writer out = { .size = codes.size + SUBACK_OVERHEAD };

    out.data = connection_answer_room(core, connection, out.size);
    if (!out.data)
        return;
    mqtt_suback_encode(&out, &packet, MQTT_UNSUBACK, (enum mqtt_version)connection->version);
    assert(!out.failed);
    connection_answer_written(core, connection, out.used);
}

void receive_unsubscribe(struct core *core, struct connection *connection, struct bytes body)
{
    struct mqtt_unsubscribe packet;
    enum mqtt_reason reason =
            mqtt_unsubscribe_decode(&packet, body, (enum mqtt_version)connection->version);
    struct bytes filter;
    uint8_t *codes;
    uint32_t count = 0;
    bool failed = false;
    bool in_use;

    if (reason != MQTT_SUCCESS) {
        connection_fail_packet(core, connection, MQTT_UNSUBSCRIBE, reason);
        return;
    }
    codes = memory_take(&core->memory, packet.count + 1);
    if (!codes) {
        connection_fail(core, connection, MQTT_QUOTA_EXCEEDED, "no memory for an UNSUBACK");
        return;
    }
    in_use = id_is_in_use(connection, packet.packet_id);
    while (mqtt_unsubscribe_next(&packet.filters, &filter)) {
        reason = in_use ? MQTT_PACKET_ID_IN_USE : unsubscribe_one(core, connection, filter);
        failed |= reason == MQTT_IMPLEMENTATION_ERROR;
        codes[count++] = (uint8_t)reason;
    }
    if (failed && connection->version != MQTT_5_0) /* Which has no word for it. */
        connection_fail(
                core, connection, MQTT_IMPLEMENTATION_ERROR, "its unsubscribing cannot be stored");
    else if (bind(core, connection))
        say_unsuback(core, connection, packet.packet_id, bytes_of(codes, count));
    memory_give(&core->memory, codes, packet.count + 1);
}
