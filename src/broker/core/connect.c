/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT: who comes in, with which session, and what he is told. */
#include "broker/core/authenticate.h"
#include "broker/core/connection.h"
#include "broker/core/receive.h"
#include "broker/core/reserved.h"
#include "broker/core/rights.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/will.h"
#include "mqtt/connack.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <assert.h>

enum {
    ASSIGNED_DIGITS = 22,   /* behind auto_id_prefix */
    REFUSAL_SIZE_MAX = 512, /* of a CONNACK that refuses */
};

/* A CONNECT on its way to a CONNACK. */
struct admission {
    struct core *core;
    struct connection *connection;
    const struct mqtt_connect *connect;
    const char *text; /* why it is refused, where the reason does not say it; NULL */
    struct bytes authentication_data; /* the last of the exchange, for CONNACK */
    struct bytes client_id;           /* the effective one */
    bool assigned;
    uint8_t assigned_text[CLIENT_ID_PREFIX_MAX + ASSIGNED_DIGITS];
    uint16_t keep_alive_s; /* in force */
    uint32_t expiry_s;     /* in force */
};

/* ---- Refusing ---- */

/* What a stranger speaks instead, from the first byte he sent and what follows; NULL: who knows. */
static const char *guess(uint8_t first, struct bytes rest)
{
    if (first == 0x16 && rest.size > 0 && rest.data[0] <= 3)
        return "it looks like TLS; this listener is not for that";
    if (first == 'G' || first == 'P' || first == 'H')
        return "it looks like HTTP or WebSocket; this listener is not for that";
    return NULL;
}

static void tell_refused(struct core *core, const struct connection *connection,
        const struct mqtt_connect *connect, enum mqtt_reason reason, const char *text)
{
    counter_add(&core->counters.refused_connects, 1);
    journal_tell(&core->journal, EVENT_WARN, "client.refused",
            field_bytes("id", connect ? connect->client_id : (struct bytes){ 0 }),
            field_bytes("peer", connection_peer_bytes(connection)),
            field_text("reason", mqtt_reason_name(reason)),
            field_bytes("user", connect ? connect->user_name : (struct bytes){ 0 }),
            field_text("text", text ? text : ""));
}

/* The connection ends; what is in its control buffer still goes out. */
static void end_refused(struct core *core, struct connection *connection, enum mqtt_reason reason)
{
    const struct ending ending = { .reason = reason, .quiet = true };

    connection_end(core, connection, &ending);
}

void connect_refuse(struct core *core, struct connection *connection, uint8_t first,
        struct bytes body, enum mqtt_reason reason)
{
    uint8_t bytes[REFUSAL_SIZE_MAX];
    struct writer out = { .data = bytes, .size = sizeof(bytes) };

    tell_refused(core, connection, NULL, reason, guess(first, body));
    if (mqtt_connect_refuse(&out, body, reason) && !out.failed &&
            buffer_append(&connection->control, &core->memory, writer_written(&out)))
        counter_add(&core->counters.packets_sent, 1);
    end_refused(core, connection, reason);
}

/* With a CONNACK of the client's own version; 3.x knows few reasons, and else gets none. */
static void refuse(struct admission *admission, enum mqtt_reason reason)
{
    struct core *core = admission->core;
    struct connection *connection = admission->connection;
    struct mqtt_connack connack = { .reason = reason };
    struct bytes text = bytes_of_text(mqtt_reason_text(reason));
    uint8_t bytes[REFUSAL_SIZE_MAX];
    struct writer out = { .data = bytes, .size = sizeof(bytes) };

    tell_refused(core, connection, admission->connect, reason, admission->text);
    if (text.size + 16 <= connection->packet_max) { /* [MQTT5-3.2.2-19] */
        connack.properties.present = mqtt_property_bit(MQTT_REASON_STRING);
        connack.properties.reason_string = text;
    }
    mqtt_connack_encode(&out, &connack, connection->version);
    if (!out.failed && out.used <= connection->packet_max &&
            buffer_append(&connection->control, &core->memory, writer_written(&out)))
        counter_add(&core->counters.packets_sent, 1);
    end_refused(core, connection, reason);
}

/* ---- Judging ---- */

/* Where the transport proves who a client is, what CONNECT says about that is not looked at. */
static void take_proved_name(const struct connection *connection, struct mqtt_connect *connect)
{
    const struct acquaintance *acquaintance = connection->acquaintance;

    if (!connection->listener->user_name_proved)
        return;
    connect->user_name = acquaintance ? acquaintance->user_name : (struct bytes){ 0 };
    connect->has_user_name = true;
    connect->password = (struct bytes){ 0 };
    connect->has_password = false;
}

static enum mqtt_reason judge_will(struct admission *admission, const struct mqtt_will *will)
{
    const struct core_settings *settings = admission->core->settings;

    if (will->qos > admission->connection->listener->max_qos)
        return MQTT_QOS_NOT_SUPPORTED; /* [MQTT5-3.2.2-12] */
    if (will->retain && !settings->retain_available)
        return MQTT_RETAIN_NOT_SUPPORTED; /* [MQTT5-3.2.2-13] */
    if (topic_reserved(will->topic)) {
        admission->text = "its will is on a $ topic";
        return MQTT_NOT_AUTHORIZED;
    }
    if (mqtt_topic_levels(will->topic) > settings->topic_levels_max)
        return MQTT_TOPIC_NAME_INVALID;
    if (settings->message_size_limit > 0 && will->payload.size > settings->message_size_limit)
        return MQTT_PACKET_TOO_LARGE;
    if (will->properties.user_property_count > settings->user_properties_max)
        return MQTT_QUOTA_EXCEEDED;
    if (will->properties.payload_format_indicator == 1 && !mqtt_utf8_valid(will->payload))
        return MQTT_PAYLOAD_FORMAT_INVALID; /* [U5-3.1.3.2.3-1] */
    return MQTT_SUCCESS;
}

static enum mqtt_reason judge_keep_alive(const struct admission *admission)
{
    uint16_t max_s = admission->core->settings->max_keepalive_s;
    uint16_t wanted_s = admission->connect->keepalive_s;

    /* Only 5.0 can be told another value; the others are refused as Mosquitto refuses them. */
    if (max_s > 0 && admission->connect->version != MQTT_5_0 && (wanted_s == 0 || wanted_s > max_s))
        return MQTT_CLIENT_ID_NOT_VALID;
    return MQTT_SUCCESS;
}

/* All but who the client is and what it may do, which its home shard alone asks. */
static enum mqtt_reason judge(struct admission *admission)
{
    const struct core *core = admission->core;
    const struct mqtt_connect *connect = admission->connect;
    enum mqtt_reason reason = MQTT_SUCCESS;

    if (core->shutting_down)
        return MQTT_SERVER_UNAVAILABLE;
    if (!(admission->connection->listener->protocol_versions >> connect->version & 1))
        return MQTT_UNSUPPORTED_VERSION;
    if (connect->client_id.size == 0 && !core->settings->allow_zero_length_clientid)
        return MQTT_CLIENT_ID_NOT_VALID;
    if (core->settings->strict_text && !mqtt_utf8_strict(connect->client_id))
        return MQTT_CLIENT_ID_NOT_VALID;
    if (connect->properties.user_property_count > core->settings->user_properties_max)
        return MQTT_QUOTA_EXCEEDED;
    if (admission->connection->listener->user_name_proved && connect->user_name.size == 0) {
        admission->text =
                "it has no name by a certificate or a key, and its listener takes no other";
        return MQTT_BAD_USER_NAME_OR_PASSWORD;
    }
    if (connect->has_will)
        reason = judge_will(admission, &connect->will);
    if (reason == MQTT_SUCCESS)
        reason = judge_keep_alive(admission);
    return reason;
}

/* Who it is: said by the authority at once, or later, or at the end of the exchange that it asks
 * for. */
static enum mqtt_reason identify(struct admission *admission, struct bytes body)
{
    struct core *core = admission->core;
    struct connection *connection = admission->connection;
    const struct mqtt_connect *connect = admission->connect;
    const struct access_arrival arrival = { connect, connection->listener,
        { connection->pooled.slot, connection->pooled.generation } };
    struct access_verdict verdict;

    if (mqtt_properties_have(&connect->properties, MQTT_AUTHENTICATION_METHOD))
        return authentication_start(
                core, connection, connect, body, &admission->authentication_data);
    verdict = core->access.admit(core->access.context, &arrival);
    admission->text = verdict.text;
    if (verdict.reason == MQTT_SUCCESS)
        connection_identify(core, connection, verdict.identity);
    if (verdict.reason == MQTT_CONTINUE_AUTHENTICATION) {
        if (!buffer_append(&connection->connect, &core->memory, body))
            return MQTT_QUOTA_EXCEEDED;
        connection->phase = PHASE_ADMITTING;
    }
    return verdict.reason;
}

static enum mqtt_reason judge_rights(struct admission *admission)
{
    const struct mqtt_will *will = &admission->connect->will;
    const struct access_request wish = { .action = ACCESS_PUBLISH,
        .client_id = admission->client_id,
        .topic = will->topic,
        .qos = will->qos,
        .retain = will->retain };

    if (!admission->connect->has_will ||
            connection_may(admission->core, admission->connection, wish))
        return MQTT_SUCCESS;
    admission->text = "its will is on a topic where it may not publish";
    return MQTT_NOT_AUTHORIZED;
}

/* ---- The client id and its home ---- */

static bool id_is_free(const struct core *core, struct bytes id)
{
    return core_home(core, core_hash(core, id)) == core->shard && !session_find_id(core, id);
}

/* An id that nobody has, and that is at home on this shard [MQTT5-3.1.3-6], [MQTT5-3.2.2-16]. */
static void assign_id(struct admission *admission)
{
    static const char digits[32] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    struct core *core = admission->core;
    size_t prefix = strlen(core->settings->auto_id_prefix);
    size_t size = prefix + ASSIGNED_DIGITS;

    memcpy(admission->assigned_text, core->settings->auto_id_prefix, prefix);
    do {
        uint64_t bits = 0;

        for (size_t i = prefix; i < size; i++) {
            if ((i - prefix) % 12 == 0)
                bits = random_next(&core->random);
            admission->assigned_text[i] = (uint8_t)digits[bits & 31];
            bits >>= 5;
        }
        admission->client_id = bytes_of(admission->assigned_text, size);
    } while (!id_is_free(core, admission->client_id));
    admission->assigned = true;
}

/* ---- The session ---- */

static void take_over(struct core *core, struct session *session)
{
    static const struct ending taken_over = { .reason = MQTT_SESSION_TAKEN_OVER,
        .text = "another connection uses this client id",
        .tell = true,
        .keep_will = true };

    if (session->connection)
        connection_end(core, session->connection, &taken_over);
}

/* The session for this connection, old or new; NULL with the reason where there can be none. */
static struct session *find_session(
        struct admission *admission, bool *present, enum mqtt_reason *refusal)
{
    struct core *core = admission->core;
    struct session *session = session_find_id(core, admission->client_id);

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

static void settle_terms(struct admission *admission)
{
    const struct core_settings *settings = admission->core->settings;
    const struct mqtt_connect *connect = admission->connect;
    uint16_t max_s = settings->max_keepalive_s;

    admission->keep_alive_s = connect->keepalive_s;
    if (max_s > 0 && (connect->keepalive_s == 0 || connect->keepalive_s > max_s))
        admission->keep_alive_s = max_s;
    admission->expiry_s = core_cap_expiry(admission->core, wanted_expiry_s(connect));
}

static uint16_t send_window(const struct core *core, const struct mqtt_connect *connect)
{
    uint16_t ours = core->settings->max_inflight_messages ? core->settings->max_inflight_messages
                                                          : UINT16_MAX;
    uint16_t theirs = mqtt_properties_have(&connect->properties, MQTT_RECEIVE_MAXIMUM)
            ? connect->properties.receive_maximum
            : UINT16_MAX;

    return ours < theirs ? ours : theirs;
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
    authentication_describe(admission->connection, admission->authentication_data, properties);
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

/* False for a client that does not take even what it must be told. */
static bool connack_fits(const struct admission *admission)
{
    struct mqtt_connack connack;

    return prepare_connack(admission, &connack) <= admission->connection->packet_max;
}

static void say_connack(struct admission *admission, bool session_present)
{
    struct connection *connection = admission->connection;
    struct mqtt_connack connack;
    struct writer out = { .size = prepare_connack(admission, &connack) };

    out.data = connection_control_room(admission->core, connection, out.size);
    if (!out.data)
        return;
    connack.session_present = session_present;
    mqtt_connack_encode(&out, &connack, admission->connect->version);
    assert(!out.failed);
    connection_control_written(admission->core, connection, out.used);
}

static void tell_connected(const struct admission *admission, bool session_present)
{
    const struct mqtt_connect *connect = admission->connect;
    const struct acquaintance *acquaintance = admission->connection->acquaintance;

    journal_tell(&admission->core->journal, EVENT_INFO, "client.connected",
            field_bytes("id", admission->client_id),
            field_bytes("peer", connection_peer_bytes(admission->connection)),
            field_number("version", connect->version), field_number("clean", connect->clean_start),
            field_number("keepalive", connect->keepalive_s),
            field_bytes("user", connect->user_name),
            field_number("session_present", session_present),
            field_text("tls", acquaintance ? acquaintance->tls_version : ""),
            field_text("cipher", acquaintance ? acquaintance->tls_cipher : ""));
}

/* ---- Coming in ---- */

static void set_up_connection(struct admission *admission)
{
    struct core *core = admission->core;
    struct connection *connection = admission->connection;
    const struct mqtt_properties *wishes = &admission->connect->properties;
    uint16_t aliases_out = connection->listener->max_topic_alias_broker;

    connection->phase = PHASE_CONNECTED;
    connection->counted = true;
    connection->expiry_zero = wanted_expiry_s(admission->connect) == 0;
    if (wishes->topic_alias_maximum < aliases_out)
        aliases_out = wishes->topic_alias_maximum;
    aliases_in_init(&connection->aliases_in,
            connection->version == MQTT_5_0 ? connection->listener->max_topic_alias : 0);
    aliases_out_init(&connection->aliases_out, aliases_out);
    connection_keep_alive(core, connection, admission->keep_alive_s);
    counter_add(&core->counters.connections, 1);
    counter_add(&core->counters.connections_opened, 1);
}

static void come_in(struct admission *admission)
{
    struct core *core = admission->core;
    struct connection *connection = admission->connection;
    enum mqtt_reason reason = MQTT_SUCCESS;
    struct session *session;
    struct will *will = NULL;
    bool present;

    session = find_session(admission, &present, &reason);
    if (!session) {
        refuse(admission, reason);
        return;
    }
    if (admission->connect->has_will) {
        will = will_new(core, &admission->connect->will, session_target(core, session));
        if (!will) {
            if (!present)
                session_end(core, session);
            refuse(admission, MQTT_QUOTA_EXCEEDED);
            return;
        }
    }
    session->will = will;
    session->expiry_interval_s = admission->expiry_s;
    outgoing_resume(&session->outgoing, send_window(core, admission->connect));
    set_up_connection(admission);
    session_attach(core, session, connection);
    say_connack(admission, present);
    tell_connected(admission, present);
    authentication_finish(core, connection);
    buffer_reset(&connection->connect, &core->memory);
    connection_forget_acquaintance(core, connection);
}

/* Its identity is known. */
static void let_in(struct admission *admission)
{
    enum mqtt_reason reason = judge_rights(admission);

    settle_terms(admission);
    if (reason == MQTT_SUCCESS && !connack_fits(admission))
        reason = MQTT_PACKET_TOO_LARGE;
    if (reason == MQTT_SUCCESS)
        come_in(admission);
    else
        refuse(admission, reason);
}

static void name_client(struct admission *admission)
{
    admission->client_id = admission->connect->client_id;
    if (admission->client_id.size == 0)
        assign_id(admission);
}

static void set_version(struct connection *connection, const struct mqtt_connect *connect)
{
    const struct mqtt_properties *wishes = &connect->properties;

    connection->version = (uint8_t)connect->version;
    connection->problem_information =
            !mqtt_properties_have(wishes, MQTT_REQUEST_PROBLEM_INFORMATION) ||
            wishes->request_problem_information;
    if (mqtt_properties_have(wishes, MQTT_MAXIMUM_PACKET_SIZE))
        connection->packet_max = wishes->maximum_packet_size;
}

enum handled receive_connect(struct core *core, struct connection *connection, uint8_t flags,
        struct bytes body, unsigned *home)
{
    struct mqtt_connect connect;
    struct admission admission = { .core = core, .connection = connection, .connect = &connect };
    enum mqtt_reason reason = mqtt_connect_decode(&connect, flags, body);

    if (reason != MQTT_SUCCESS) {
        connect_refuse(core, connection, (uint8_t)(MQTT_CONNECT << 4 | flags), body, reason);
        return HANDLED;
    }
    set_version(connection, &connect);
    take_proved_name(connection, &connect);
    /* What came by parcel has been judged by the shard that took it in. */
    if (!connection->moved || core->shutting_down)
        reason = judge(&admission);
    if (reason != MQTT_SUCCESS) {
        refuse(&admission, reason);
        return HANDLED;
    }
    name_client(&admission);
    *home = core_home(core, core_hash(core, admission.client_id));
    if (*home != core->shard)
        return HANDLE_AT_HOME;
    reason = identify(&admission, body);
    if (reason == MQTT_SUCCESS)
        let_in(&admission);
    else if (reason != MQTT_CONTINUE_AUTHENTICATION)
        refuse(&admission, reason);
    return HANDLED;
}

/* The CONNECT of a connection that waits for its CONNACK. It was decoded once, so it is sound. */
static void read_kept(const struct connection *connection, struct mqtt_connect *connect)
{
    enum mqtt_reason reason = mqtt_connect_decode(connect, 0, buffer_bytes(&connection->connect));

    assert(reason == MQTT_SUCCESS);
    take_proved_name(connection, connect);
}

void connect_refuse_kept(
        struct core *core, struct connection *connection, enum mqtt_reason reason, const char *text)
{
    struct mqtt_connect connect;
    struct admission admission = {
        .core = core, .connection = connection, .connect = &connect, .text = text
    };

    read_kept(connection, &connect);
    refuse(&admission, reason);
}

void connect_resume(struct core *core, struct connection *connection, struct bytes data)
{
    struct mqtt_connect connect;
    struct admission admission = {
        .core = core, .connection = connection, .connect = &connect, .authentication_data = data
    };
    enum mqtt_reason reason;

    read_kept(connection, &connect);
    reason = judge(&admission); /* Settings may have changed meanwhile. */
    if (reason != MQTT_SUCCESS) {
        refuse(&admission, reason);
        return;
    }
    name_client(&admission);
    let_in(&admission);
}

void core_admitted(struct core *core, struct access_ticket ticket,
        const struct access_verdict *verdict, int64_t now_ms)
{
    struct connection *connection = pool_find(&core->connections, ticket.slot, ticket.generation);
    void *identity = verdict->identity;

    core->now_ms = now_ms;
    if (!connection || connection->phase != PHASE_ADMITTING) {
        rights_forget(core, &identity);
        return;
    }
    if (verdict->reason == MQTT_SUCCESS) {
        connection_identify(core, connection, identity);
        connect_resume(core, connection, (struct bytes){ 0 });
        connection_read_on(core, connection);
    } else {
        connect_refuse_kept(core, connection, verdict->reason, verdict->text);
    }
    core_settle(core);
}
