/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/rights.h"

#include "broker/core/connection.h"
#include "broker/core/offer.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

static void *identity_of(const struct session *session)
{
    return session->connection ? session->connection->identity : session->identity;
}

static bool may(const struct core *core, const struct session *session,
        const struct message *message, enum access_action action)
{
    const struct access_request request = { .action = action,
        .identity = identity_of(session),
        .client_id = session_id(session),
        .topic = message_topic(message),
        .qos = message->qos,
        .retain = message->retain };

    return !core->access.allows || core->access.allows(core->access.context, &request);
}

bool rights_to_receive(
        const struct core *core, const struct session *session, const struct message *message)
{
    return may(core, session, message, ACCESS_RECEIVE);
}

bool rights_to_publish(
        const struct core *core, const struct session *session, const struct message *message)
{
    return may(core, session, message, ACCESS_PUBLISH);
}

void rights_keep(struct session *session, struct connection *connection)
{
    session->identity = connection->identity;
    connection->identity = NULL;
}

void rights_forget(struct core *core, void **identity)
{
    void *before = *identity;

    *identity = NULL;
    if (before && core->access.forget)
        core->access.forget(core->access.context, before);
}

static enum access_standing standing_of(const struct core *core, const struct session *session)
{
    if (!core->access.standing)
        return ACCESS_FREE;
    return core->access.standing(core->access.context, identity_of(session));
}

struct sweep {
    struct core *core;
    struct session *session;
};

static bool keep_allowed(void *context, struct delivery *delivery)
{
    struct sweep *sweep = context;
    struct outgoing *outgoing = &sweep->session->outgoing;

    if (rights_to_receive(sweep->core, sweep->session, delivery->message))
        return true;
    if (delivery->qos > 0)
        outgoing->queue_bytes -= delivery->message->payload_size;
    else
        outgoing->instant_bytes -= delivery_size(delivery);
    delivery_end(sweep->core, sweep->session, delivery, FATE_DROPPED + DROP_NOT_ALLOWED);
    return false;
}

static void judge(struct core *core, struct session *session, enum access_standing standing)
{
    struct sweep sweep = { core, session };

    session->judged = standing != ACCESS_FREE;
    if (!session->judged)
        return;
    deliveries_filter(&session->outgoing.queue, &core->memory, keep_allowed, &sweep);
    deliveries_filter(&session->outgoing.instant, &core->memory, keep_allowed, &sweep);
    session_has_room(core, session);
}

void rights_settle(struct core *core, struct session *session)
{
    judge(core, session, standing_of(core, session));
}

void core_access_changed(struct core *core, int64_t now_ms)
{
    static const struct ending withdrawn = { .reason = MQTT_NOT_AUTHORIZED,
        .name = "access_withdrawn",
        .text = "by the rules that hold now it would not be let in",
        .tell = true,
        .keep_will = true };
    struct session *session;
    uint32_t slot = 0;

    core->now_ms = now_ms;
    while ((session = pool_next(&core->sessions, &slot))) {
        enum access_standing standing = standing_of(core, session);

        judge(core, session, standing);
        if (standing == ACCESS_WITHDRAWN && session->connection)
            connection_condemn(core, session->connection, &withdrawn);
    }
    core_settle(core);
}
