/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE. */
#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/reader.h"
#include "broker/core/receive.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"
#include "mqtt/topic.h"
#include "mqtt/unsuback.h"
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

static struct pending_suback *pending_new(struct core *core, uint16_t packet_id, uint32_t count)
{
    struct pending_suback *answer = memory_take(&core->memory, sizeof(*answer) + count + 1);

    if (answer) {
        answer->packet_id = packet_id;
        answer->count = count;
    }
    return answer;
}

void pending_suback_free(struct core *core, struct connection *connection)
{
    struct pending_suback *answer = connection->suback;

    connection->suback = NULL;
    if (answer)
        memory_give(&core->memory, answer, sizeof(*answer) + answer->count + 1);
}

void pending_suback_send(struct core *core, struct connection *connection)
{
    struct pending_suback *answer = connection->suback;
    const struct mqtt_suback packet = { .packet_id = answer->packet_id,
        .codes = bytes_of(answer->codes, answer->count) };
    struct writer out = { .size = answer->count + SUBACK_OVERHEAD };

    out.data = connection_control_room(core, connection, out.size);
    if (out.data) {
        mqtt_suback_encode(&out, &packet, (enum mqtt_version)connection->version);
        assert(!out.failed);
        connection_control_written(core, connection, out.used);
    }
    pending_suback_free(core, connection);
}

void connection_answered_join(
        struct core *core, struct connection *connection, const struct membership *membership)
{
    struct pending_suback *answer = connection->suback;

    if (answer && membership->reason != MQTT_SUCCESS)
        answer->codes[membership->position] = (uint8_t)membership->reason;
    connection_answered(core, connection);
}

/* ---- SUBSCRIBE ---- */

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
    if (wish->filter.size > settings->topic_levels_max &&
            mqtt_topic_levels(wish->filter) > settings->topic_levels_max)
        return MQTT_TOPIC_FILTER_INVALID;
    if (settings->strict_text && !mqtt_utf8_strict(wish->filter))
        return MQTT_TOPIC_FILTER_INVALID;
    if (!connection_may(subscribing->core, subscribing->connection, request))
        return MQTT_NOT_AUTHORIZED;
    return MQTT_SUCCESS;
}

/* The session's record of a filter, found or made; NULL when memory or the limit forbids it. */
static struct subscription *record(
        struct subscribing *subscribing, struct bytes filter, bool *is_new)
{
    struct core *core = subscribing->core;
    struct map *map = &subscribing->session->subscriptions;
    uint64_t hash = core_hash(core, filter);
    struct subscription *subscription = map_find(map, hash, filter);

    *is_new = !subscription;
    if (subscription || map->count >= core->settings->subscriptions_max)
        return subscription;
    subscription = memory_take_zeroed(&core->memory, sizeof(*subscription) + filter.size);
    if (!subscription)
        return NULL;
    subscription->filter_size = (uint16_t)filter.size;
    memcpy(subscription->filter, filter.data, filter.size);
    if (map_add(map, &core->memory, hash, subscription))
        return subscription;
    memory_give(&core->memory, subscription, sizeof(*subscription) + filter.size);
    return NULL;
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
    uint8_t max_qos = subscribing->connection->listener->max_qos;
    enum mqtt_reason reason = judge_filter(subscribing, wish);
    struct subscription *subscription;
    struct bytes unused;
    bool is_new;

    if (reason != MQTT_SUCCESS)
        return reason;
    subscription = record(subscribing, wish->filter, &is_new);
    if (!subscription)
        return MQTT_QUOTA_EXCEEDED;
    subscription->qos = wish->qos < max_qos ? wish->qos : max_qos;
    subscription->identifier = subscribing->packet->properties.subscription_id;
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
        connection_fail(core, connection, reason, mqtt_reason_text(reason));
        return;
    }
    subscribing.answer = pending_new(core, packet.packet_id, packet.count);
    if (!subscribing.answer) {
        connection_fail(core, connection, MQTT_QUOTA_EXCEEDED, "no memory for a SUBACK");
        return;
    }
    connection->suback = subscribing.answer;
    in_use = id_is_in_use(connection, packet.packet_id);
    while (mqtt_subscribe_next(&packet.subscriptions, &wish)) {
        reason = in_use ? MQTT_PACKET_ID_IN_USE : subscribe_one(&subscribing, &wish, position);
        subscribing.answer->codes[position++] = (uint8_t)reason;
        tell_subscribed(&subscribing, &wish, reason);
    }
    if (connection->waits == 0)
        pending_suback_send(core, connection);
}

/* ---- UNSUBSCRIBE ---- */

static enum mqtt_reason unsubscribe_one(
        struct core *core, struct session *session, struct bytes filter)
{
    struct subscription *subscription = session_subscription(core, session, filter);

    if (!subscription)
        return MQTT_NO_SUBSCRIPTION_EXISTED;
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
    const struct mqtt_unsuback packet = { .packet_id = packet_id, .codes = codes };
    struct writer out = { .size = codes.size + SUBACK_OVERHEAD };

    out.data = connection_control_room(core, connection, out.size);
    if (!out.data)
        return;
    mqtt_unsuback_encode(&out, &packet, (enum mqtt_version)connection->version);
    assert(!out.failed);
    connection_control_written(core, connection, out.used);
}

void receive_unsubscribe(struct core *core, struct connection *connection, struct bytes body)
{
    struct mqtt_unsubscribe packet;
    enum mqtt_reason reason =
            mqtt_unsubscribe_decode(&packet, body, (enum mqtt_version)connection->version);
    struct bytes filter;
    uint8_t *codes;
    uint32_t count = 0;
    bool in_use;

    if (reason != MQTT_SUCCESS) {
        connection_fail(core, connection, reason, mqtt_reason_text(reason));
        return;
    }
    codes = memory_take(&core->memory, packet.count + 1);
    if (!codes) {
        connection_fail(core, connection, MQTT_QUOTA_EXCEEDED, "no memory for an UNSUBACK");
        return;
    }
    in_use = id_is_in_use(connection, packet.packet_id);
    while (mqtt_unsubscribe_next(&packet.filters, &filter))
        codes[count++] = (uint8_t)(in_use ? MQTT_PACKET_ID_IN_USE
                                          : unsubscribe_one(core, connection->session, filter));
    say_unsuback(core, connection, packet.packet_id, bytes_of(codes, count));
    memory_give(&core->memory, codes, packet.count + 1);
}
