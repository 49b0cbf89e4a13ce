/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/roster.h"

#include "broker/core/backlog.h"
#include "broker/core/connection.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/will.h"

uint32_t roster_slots(const struct core *core)
{
    return pool_slots(&core->sessions);
}

static struct client_will view_will(const struct will *will)
{
    if (!will)
        return (struct client_will){ 0 };
    return (struct client_will){ .present = true,
        .topic = message_topic(will->message),
        .payload_size = will->message->payload_size,
        .delay_s = will->delay_s,
        .qos = will->message->qos,
        .retain = will->message->retain };
}

static void view_connection(const struct connection *connection, struct client_view *out)
{
    out->connected = true;
    out->identity = connection->identity;
    out->link = connection->link;
    out->origin = &connection->origin;
    out->listener = connection->listener;
    out->version = (enum mqtt_version)connection->version;
    out->clean_start = connection->clean_start;
    out->keep_alive_s = (uint16_t)(connection->silence_max_ms / KEEP_ALIVE_GRACE_MS);
    out->connected_ms = connection->connected_s * INT64_C(1000);
    out->heard_ms = connection->heard_ms;
}

bool roster_client(const struct core *core, uint32_t slot, struct client_view *out)
{
    const struct session *session = pool_at(&core->sessions, slot);

    if (!session)
        return false;
    *out = (struct client_view){ .id = session_id(session),
        .identity = session->identity,
        .expiry_interval_s = session->expiry_interval_s,
        .subscriptions = session->receiver->subscriptions.count,
        .queued = session->receiver->outgoing.instant.count + (uint32_t)backlog_count(session),
        .in_flight = session->receiver->outgoing.flight_open,
        .of_groups = session->receiver->hands,
        .queued_bytes = session->receiver->outgoing.instant_bytes + backlog_bytes(session),
        .ledger = &session->receiver->ledger,
        .will = view_will(session->will),
        .expires_ms = session->expires_ms };
    if (session->connection)
        view_connection(session->connection, out);
    return true;
}

bool roster_find(const struct core *core, struct bytes id, uint32_t *slot)
{
    const struct session *session = session_find_id(core, id);

    if (session)
        *slot = session->pooled.slot;
    return session != NULL;
}

unsigned hub_home(const struct hub *hub, struct bytes id)
{
    return hub_home_of(hub, hash_bytes(&hub->setup.key, id));
}

bool roster_subscription(
        const struct core *core, uint32_t slot, uint32_t *at, struct subscription_view *out)
{
    const struct session *session = pool_at(&core->sessions, slot);
    const struct subscription *subscription =
            session ? map_next(&session->receiver->subscriptions, at) : NULL;

    if (!subscription)
        return false;
    *out = (struct subscription_view){ .filter = subscription_key(subscription),
        .identifier = subscription->identifier,
        .qos = subscription->qos };
    return true;
}

enum roster_kick roster_kick(struct core *core, struct bytes id, const char *text, int64_t now_ms)
{
    const struct ending kicked = {
        .reason = MQTT_ADMINISTRATIVE_ACTION, .text = text, .tell = true, .keep_will = true
    };
    const struct session *session = session_find_id(core, id);

    core->now_ms = now_ms;
    if (!session)
        return ROSTER_UNKNOWN;
    if (!session->connection)
        return ROSTER_ABSENT;
    connection_end(core, session->connection, &kicked);
    core_settle(core);
    return ROSTER_KICKED;
}
