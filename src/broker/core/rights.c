/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/rights.h"

#include "broker/core/author.h"
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

static bool author_may(const struct core *core, const struct message *message)
{
    const struct access *access = &core->access;
    struct author author;

    return !access->author_may || !author_read(message, &author) ||
            access->author_may(access->context, &author, message_topic(message));
}

bool rights_to_publish(
        const struct core *core, const struct session *session, const struct message *message)
{
    if (session->unseen)
        return author_may(core, message);
    return may(core, session, message, ACCESS_PUBLISH);
}

const struct author *rights_known_author(const struct core *core,
        const struct connection *connection, struct bytes client_id, struct author *out)
{
    const struct access *access = &core->access;

    if (!access->goes_by_name || !access->goes_by_name(access->context, connection->identity))
        return NULL;
    *out = (struct author){ connection->listener->number,
        access->name(access->context, connection->identity), client_id };
    return out;
}

const struct author *rights_author(const struct core *core, const struct connection *connection,
        struct bytes client_id, struct author *out)
{
    if (!core->settings->check_retain_source)
        return NULL;
    return rights_known_author(core, connection, client_id, out);
}

bool rights_of_author(const struct core *core, const struct message *message)
{
    return !core->settings->check_retain_source || author_may(core, message);
}

struct bytes rights_name(const struct core *core, const struct connection *connection)
{
    const struct access *access = &core->access;

    if (!access->name || !connection->identity)
        return (struct bytes){ 0 };
    return access->name(access->context, connection->identity);
}

bool rights_to_id(
        const struct core *core, const struct connection *connection, struct bytes client_id)
{
    struct bytes name = rights_name(core, connection);

    if (!connection->listener->use_username_as_clientid)
        return true;
    return name.size > 0 && bytes_equal(name, client_id);
}

void rights_keep(struct session *session, struct connection *connection)
{
    session->identity = connection->identity;
    connection->identity = NULL;
}

int64_t rights_end_ms(const struct core *core, void *identity)
{
    const struct access *access = &core->access;
    int64_t lasts_ms = INT64_MAX;

    if (identity && access->lasts_ms)
        lasts_ms = access->lasts_ms(access->context, identity);
    return lasts_ms < INT64_MAX - core->now_ms ? core->now_ms + lasts_ms : INT64_MAX;
}

void rights_forget(struct core *core, void **identity)
{
    void *before = *identity;

    *identity = NULL;
    if (before && core->access.forget)
        core->access.forget(core->access.context, before);
}

enum access_standing rights_standing(const struct core *core, void *identity)
{
    if (!core->access.standing)
        return ACCESS_FREE;
    return core->access.standing(core->access.context, identity);
}

struct sweep {
    struct core *core;
    struct session *session;
};

static bool keep_allowed(void *context, struct delivery *delivery)
{
    struct sweep *sweep = context;
    struct outgoing *outgoing = &sweep->session->receiver->outgoing;

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
    if (!session->judged || !session_receives(session))
        return;
    deliveries_filter(&session->receiver->outgoing.queue, &core->memory, keep_allowed, &sweep);
    deliveries_filter(&session->receiver->outgoing.instant, &core->memory, keep_allowed, &sweep);
    session_has_room(core, session);
}

void rights_settle(struct core *core, struct session *session)
{
    session->unseen = false;
    judge(core, session, rights_standing(core, identity_of(session)));
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
        enum access_standing standing;

        if (session->unseen)
            continue;
        standing = rights_standing(core, identity_of(session));
        judge(core, session, standing);
        if (standing == ACCESS_WITHDRAWN && session->connection)
            connection_condemn(core, session->connection, &withdrawn);
    }
    core_settle(core);
}

void core_withdraw(
        struct core *core, struct connection *connection, const char *text, int64_t now_ms)
{
    const struct ending withdrawn = { .reason = MQTT_NOT_AUTHORIZED,
        .name = "access_withdrawn",
        .text = text,
        .tell = true,
        .keep_will = true };

    core->now_ms = now_ms;
    connection_end(core, connection, &withdrawn);
    core_settle(core);
}
