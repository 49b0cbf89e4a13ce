/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/admission.h"

#include "broker/core/authenticate.h"
#include "broker/core/author.h"
#include "broker/core/hold.h"
#include "broker/core/keep.h"
#include "broker/core/mount.h"
#include "broker/core/rights.h"
#include "broker/core/state.h"
#include "broker/core/will.h"
#include "mqtt/connack.h"

#include <assert.h>

/* ---- Names ---- */

struct bytes admission_shown_name(
        const struct connection *connection, const struct mqtt_connect *connect)
{
    bool shown = connect && !connection->listener->user_name_hidden;

    return shown ? connect->user_name : (struct bytes){ 0 };
}

enum mqtt_reason admission_will_topic(const struct admission *admission, struct bytes *topic)
{
    const struct listener_settings *listener = admission->connection->listener;

    *topic = admission->connect->will.topic;
    return is_mounted(listener) ? mount_topic(admission->core, listener, topic) : MQTT_SUCCESS;
}

/* ---- The terms ---- */

uint32_t core_cap_expiry(const struct core *core, uint32_t wanted_s)
{
    uint64_t max_s = core->settings->session_expiry_s_max;

    return max_s > 0 && wanted_s > max_s ? (uint32_t)max_s : wanted_s;
}

static uint32_t wanted_expiry_s(const struct mqtt_connect *connect)
{
    if (connect->version == MQTT_5_0)
        return connect->properties.session_expiry_s;
    return connect->clean_start ? 0 : SESSION_EXPIRY_NEVER;
}

void admission_settle_terms(struct admission *admission)
{
    const struct core_settings *settings = admission->core->settings;
    const struct mqtt_connect *connect = admission->connect;
    uint16_t max_s = settings->max_keepalive_s;

    admission->keep_alive_s = connect->keepalive_s;
    if (max_s > 0 && (connect->keepalive_s == 0 || connect->keepalive_s > max_s))
        admission->keep_alive_s = max_s;
    admission->expiry_s = core_cap_expiry(admission->core, wanted_expiry_s(connect));
}

/* ---- The session ---- */

static void take_over(struct core *core, struct session *session)
{
    static const struct ending taken_over = { .reason = MQTT_SESSION_TAKEN_OVER,
        .text = "another connection uses this client id",
        .tell = true,
        .keep_will = true };

    if (!session->connection)
        return;
    if (core->taken_over)
        core->taken_over(connection_link(session->connection));
    connection_end(core, session->connection, &taken_over);
}

/* The session for this connection, old or new; NULL with the reason where there can be none. */
static struct session *find_session(
        struct admission *admission, bool *present, enum mqtt_reason *refusal)
{
    struct core *core = admission->core;
    struct session *session = session_find_id(core, admission->client_id);

    admission->lasted = session && session->lasting;
    if (session) {
        take_over(core, session);
        /* It may have ended with its connection. */
        session = session_find_id(core, admission->client_id);
    }
    if (session && admission->connect->clean_start) {
        session_end(core, session);
        session = NULL;
    }
    *present = session != NULL;
    if (session) {
        /* In time: a will that still waited is not sent [MQTT5-3.1.3-9]. */
        will_discard(core, session);
        return session;
    }
    return session_new(core, admission->client_id, refusal);
}

/* ---- The answer ---- */

static void announce(const struct admission *admission, struct mqtt_properties *properties)
{
    const struct core_settings *settings = admission->core->settings;
    const struct listener_settings *listener = admission->connection->listener;
    uint64_t present = mqtt_property_bit(MQTT_MAXIMUM_PACKET_SIZE);

    properties->maximum_packet_size = settings->max_packet_size;
    properties->receive_maximum = settings->receive_max;
    properties->topic_alias_maximum = listener->max_topic_alias;
    properties->maximum_qos = listener->max_qos;
    properties->retain_available = settings->retain_available;
    properties->session_expiry_s = admission->expiry_s;
    properties->server_keep_alive_s = admission->keep_alive_s;
    properties->assigned_client_id = admission->client_id;
    if (settings->receive_max > 0)
        present |= mqtt_property_bit(MQTT_RECEIVE_MAXIMUM);
    if (listener->max_topic_alias > 0)
        present |= mqtt_property_bit(MQTT_TOPIC_ALIAS_MAXIMUM);
    if (listener->max_qos < 2)
        present |= mqtt_property_bit(MQTT_MAXIMUM_QOS);
    if (!settings->retain_available)
        present |= mqtt_property_bit(MQTT_RETAIN_AVAILABLE);
    if (admission->expiry_s != wanted_expiry_s(admission->connect))
        present |= mqtt_property_bit(MQTT_SESSION_EXPIRY_INTERVAL);
    if (admission->keep_alive_s != admission->connect->keepalive_s)
        present |= mqtt_property_bit(MQTT_SERVER_KEEP_ALIVE);
    if (admission->assigned)
        present |= mqtt_property_bit(MQTT_ASSIGNED_CLIENT_IDENTIFIER);
    properties->present = present;
    authentication_describe(admission->connection, properties);
}

/* The answer to a client that comes in, and the bytes that it takes. */
static size_t prepare_connack(const struct admission *admission, struct mqtt_connack *connack)
{
    *connack = (struct mqtt_connack){ .reason = MQTT_SUCCESS };
    if (admission->connect->version != MQTT_5_0)
        return mqtt_packet_size(2);
    announce(admission, &connack->properties);
    return mqtt_packet_size(2 + mqtt_properties_size(&connack->properties));
}

bool admission_fits(const struct admission *admission)
{
    struct mqtt_connack connack;

    return prepare_connack(admission, &connack) <= admission->connection->packet_max;
}

static void say_connack(struct admission *admission, bool session_present)
{
    struct connection *connection = admission->connection;
    struct mqtt_connack connack;
    struct writer out = { .size = prepare_connack(admission, &connack) };

    out.data = connection_answer_room(admission->core, connection, out.size);
    if (!out.data)
        return;
    connack.session_present = session_present;
    mqtt_connack_encode(&out, &connack, admission->connect->version);
    assert(!out.failed);
    connection_answer_written(admission->core, connection, out.used);
}

/* The user name in CONNECT; where there is none, the one that an exchange or a token has shown. */
static struct bytes name_inside(const struct admission *admission)
{
    const struct connection *connection = admission->connection;
    struct bytes shown = admission_shown_name(connection, admission->connect);

    if (shown.size > 0 || connection->listener->user_name_hidden)
        return shown;
    return rights_name(admission->core, connection);
}

static struct dialect dialect_of(const struct admission *admission)
{
    const struct core *core = admission->core;

    if (!core->dialect_of)
        return (struct dialect){ 0 };
    return core->dialect_of(connection_link(admission->connection));
}

static void tell_connected(const struct admission *admission, bool session_present)
{
    const struct mqtt_connect *connect = admission->connect;
    const struct dialect dialect = dialect_of(admission);
    const struct acquaintance *acquaintance = connection_acquaintance(admission->connection);
    struct origin_room room;

    journal_tell(&admission->core->journal, EVENT_INFO, "client.connected",
            field_bytes("id", admission->client_id),
            field_bytes("peer", connection_peer(admission->connection, &room)),
            field_number("port", admission->connection->listener->port),
            dialect.version ? field_text("version", dialect.version)
                            : field_number("version", connect->version),
            field_number("clean", connect->clean_start),
            field_number("keepalive", dialect.version ? dialect.keepalive_s : connect->keepalive_s),
            field_bytes("user", name_inside(admission)),
            field_number("session_present", session_present),
            field_text("tls", acquaintance ? acquaintance->tls_version : ""),
            field_text("cipher", acquaintance ? acquaintance->tls_cipher : ""));
}

/* ---- Coming in ---- */

static uint16_t send_window(const struct core *core, const struct mqtt_connect *connect)
{
    uint16_t ours = core->settings->max_inflight_messages ? core->settings->max_inflight_messages
                                                          : UINT16_MAX;
    uint16_t theirs = mqtt_properties_have(&connect->properties, MQTT_RECEIVE_MAXIMUM)
            ? connect->properties.receive_maximum
            : UINT16_MAX;

    return ours < theirs ? ours : theirs;
}

static void set_up_connection(struct admission *admission)
{
    struct core *core = admission->core;
    struct connection *connection = admission->connection;
    const struct mqtt_properties *wishes = &admission->connect->properties;
    uint16_t aliases_out = connection->listener->max_topic_alias_broker;

    connection->phase = PHASE_CONNECTED;
    connection->counted = true;
    connection->connected_s = (uint32_t)(core->now_ms / 1000);
    connection->clean_start = admission->connect->clean_start;
    connection->expiry_zero = wanted_expiry_s(admission->connect) == 0;
    if (wishes->topic_alias_maximum < aliases_out)
        aliases_out = wishes->topic_alias_maximum;
    connection->aliases_in_max =
            connection->version == MQTT_5_0 ? connection->listener->max_topic_alias : 0;
    connection->aliases_out_max = aliases_out;
    connection_keep_alive(core, connection, admission->keep_alive_s);
    counter_add(&core->counters.connections, 1);
    counter_add(&core->counters.connections_opened, 1);
}

static struct will *new_will(const struct admission *admission, const struct session *session)
{
    struct core *core = admission->core;
    const struct mqtt_will *from = &admission->connect->will;
    const struct author *author = NULL;
    struct author place;
    struct bytes topic;

    if (admission_will_topic(admission, &topic) != MQTT_SUCCESS)
        return NULL;
    if (from->retain)
        author = rights_author(core, admission->connection, session_id(session), &place);
    return will_new(core, from, topic, author, session_target(core, session));
}

bool admission_settle_session(struct admission *admission, struct session *session, bool present)
{
    struct core *core = admission->core;
    uint32_t before_s = session->expiry_interval_s;

    if (!present && admission->expiry_s > 0 && !session_make_lasting(core, session, 0))
        return false;
    if (admission->connect->has_will) {
        session->will = new_will(admission, session);
        if (!session->will || !keep_will(core, session, admission->connection, session->will))
            return false;
    }
    session->expiry_interval_s = admission->expiry_s;
    if (keep_session(core, session, true))
        return true;
    session->expiry_interval_s = before_s;
    return false;
}

/* The CONNACK waits where the store does not have the session yet, or still has the one before. */
static bool wait_for_store(const struct admission *admission, struct session *session)
{
    struct core *core = admission->core;
    const struct durable *durable = &core->durable;

    return (!session->lasting && !admission->lasted) ||
            (durable->batch.count == 0 && durable->awaited <= durable->position) ||
            durable_bind(core, session);
}

enum mqtt_reason admission_complete(struct admission *admission)
{
    struct core *core = admission->core;
    struct connection *connection = admission->connection;
    enum mqtt_reason reason = MQTT_SUCCESS;
    struct session *session;
    bool present;

    session = find_session(admission, &present, &reason);
    if (!session) {
        if (admission->has_patron)
            patrons_leave(core->hub->patrons, core_hash(core, admission->client_id));
        return reason;
    }
    session_leave_patron(core, session);
    session->has_patron = admission->has_patron;
    if (!admission_settle_session(admission, session, present)) {
        will_discard(core, session);
        if (!present)
            session_end(core, session);
        return MQTT_QUOTA_EXCEEDED;
    }
    session_resume(session, send_window(core, admission->connect));
    set_up_connection(admission);
    session_attach(core, session, connection);
    if (!wait_for_store(admission, session))
        return MQTT_SUCCESS;
    hold_connack(core, connection);
    say_connack(admission, present);
    tell_connected(admission, present);
    authentication_finish(core, connection);
    connection_forget_acquaintance(core, connection);
    extras_settle(core, connection);
    connection_read_on(core, connection);
    return MQTT_SUCCESS;
}
