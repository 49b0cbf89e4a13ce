/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT: who may come in, when, and who is refused. */
#include "broker/core/admission.h"
#include "broker/core/authenticate.h"
#include "broker/core/objection.h"
#include "broker/core/receive.h"
#include "broker/core/reserved.h"
#include "broker/core/rights.h"
#include "broker/core/state.h"
#include "broker/core/will.h"
#include "mqtt/connack.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <assert.h>

enum { REFUSAL_SIZE_MAX = 512 }; /* of a CONNACK that refuses */

/* ---- Refusing ---- */

static void tell_refused(struct core *core, const struct connection *connection,
        const struct mqtt_connect *connect, enum mqtt_reason reason, const char *text)
{
    struct origin_room room;

    counter_add(&core->counters.refused_connects, 1);
    journal_tell(&core->journal, EVENT_WARN, "client.refused",
            field_bytes("id", connect ? connect->client_id : (struct bytes){ 0 }),
            field_bytes("peer", connection_peer(connection, &room)),
            field_number("port", connection->listener->port),
            field_text("reason", mqtt_reason_name(reason)),
            field_bytes("user", admission_shown_name(connection, connect)),
            field_text("text", text ? text : ""));
}

/* The connection ends; what is in its control buffer still goes out. */
static void end_refused(struct core *core, struct connection *connection, enum mqtt_reason reason)
{
    const struct ending ending = { .reason = reason, .quiet = true };

    connection_end(core, connection, &ending);
}

/* In the manner of the version that its body, as far as it has come, speaks. */
static void refuse_unread(struct core *core, struct connection *connection, struct bytes body,
        enum mqtt_reason reason, const char *text)
{
    uint8_t bytes[REFUSAL_SIZE_MAX];
    struct writer out = { .data = bytes, .size = sizeof(bytes) };

    tell_refused(core, connection, NULL, reason, text);
    if (mqtt_connect_refuse(&out, body, reason) && !out.failed &&
            buffer_append(&connection->control, &core->memory, writer_written(&out)))
        counter_add(&core->counters.packets_sent, 1);
    end_refused(core, connection, reason);
}

void connect_refuse(struct core *core, struct connection *connection, struct bytes in,
        enum mqtt_reason reason, const char *text)
{
    struct mqtt_header header;
    struct bytes body = { 0 };

    if (mqtt_header_read(&header, in) == MQTT_HEADER_DONE && header.type == MQTT_CONNECT)
        body = bytes_from(in, header.size);
    refuse_unread(core, connection, body, reason, text);
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

    if (!admission->told)
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
    const struct acquaintance *acquaintance = connection_acquaintance(connection);

    connect->user_name = acquaintance ? acquaintance->user_name : (struct bytes){ 0 };
    connect->has_user_name = true;
    connect->password = (struct bytes){ 0 };
    connect->has_password = false;
}

/* What the client is called as its listener has it, whatever CONNECT says. */
static void settle_names(struct admission *admission, struct mqtt_connect *connect)
{
    const struct listener_settings *listener = admission->connection->listener;

    if (listener->user_name_proved)
        take_proved_name(admission->connection, connect);
    if (!listener->use_username_as_clientid)
        return;
    admission->assigned = connect->client_id.size == 0;
    connect->client_id = connect->user_name;
}

/* The reason, and for the log what it does not say. */
static enum mqtt_reason object(
        struct admission *admission, enum mqtt_reason reason, const char *text)
{
    admission->text = text;
    return reason;
}

static enum mqtt_reason judge_id(struct admission *admission)
{
    const struct core_settings *settings = admission->core->settings;
    const struct listener_settings *listener = admission->connection->listener;
    struct bytes id = admission->connect->client_id;

    if (listener->use_username_as_clientid && id.size == 0)
        return object(admission, MQTT_NOT_AUTHORIZED,
                "it has no user name to be its id (use_username_as_clientid)");
    if (id.size == 0 && !listener->allow_zero_length_clientid)
        return object(admission, MQTT_CLIENT_ID_NOT_VALID,
                "it has no client id (allow_zero_length_clientid)");
    if (settings->strict_text && !mqtt_utf8_strict(id))
        return object(admission, MQTT_CLIENT_ID_NOT_VALID,
                "its client id has characters that strict_text does not allow");
    if (id.size == 0) /* It will get one that starts so. */
        id = bytes_of_text(listener->auto_id_prefix);
    if (!bytes_start_with(id, bytes_of_text(settings->clientid_prefixes)))
        return object(
                admission, MQTT_NOT_AUTHORIZED, "its id does not start as clientid_prefixes says");
    return MQTT_SUCCESS;
}

static enum mqtt_reason judge_will(struct admission *admission, const struct mqtt_will *will)
{
    const struct core_settings *settings = admission->core->settings;

    if (will->qos > admission->connection->listener->max_qos) /* [MQTT5-3.2.2-12] */
        return object(admission, MQTT_QOS_NOT_SUPPORTED, "the QoS of its will is above max_qos");
    if (will->retain && !settings->retain_available) /* [MQTT5-3.2.2-13] */
        return object(admission, MQTT_RETAIN_NOT_SUPPORTED,
                "its will is to be retained (retain_available)");
    if (topic_reserved(will->topic))
        return object(admission, MQTT_NOT_AUTHORIZED, "its will is on a $ topic");
    admission->text = settings_topic_limit(settings, will->topic);
    if (admission->text)
        return MQTT_TOPIC_NAME_INVALID;
    if (settings->message_size_limit > 0 && will->payload.size > settings->message_size_limit)
        return object(
                admission, MQTT_PACKET_TOO_LARGE, "its will is larger than message_size_limit");
    if (will->properties.user_property_count > settings->user_properties_max)
        return object(admission, MQTT_QUOTA_EXCEEDED,
                "its will has more user properties than user_properties_max");
    if (will->properties.payload_format_indicator == 1 &&
            !mqtt_utf8_valid(will->payload)) /* [U5-3.1.3.2.3-1] */
        return object(
                admission, MQTT_PAYLOAD_FORMAT_INVALID, "its will is to be text, and is not UTF-8");
    return MQTT_SUCCESS;
}

static enum mqtt_reason judge_keep_alive(struct admission *admission)
{
    uint16_t max_s = admission->core->settings->max_keepalive_s;
    uint16_t wanted_s = admission->connect->keepalive_s;

    /* Only 5.0 can be told another value; the others are refused as Mosquitto refuses them. */
    if (max_s == 0 || admission->connect->version == MQTT_5_0 ||
            (wanted_s > 0 && wanted_s <= max_s))
        return MQTT_SUCCESS;
    return object(
            admission, MQTT_CLIENT_ID_NOT_VALID, "its keep alive is longer than max_keepalive");
}

/* All but who the client is and what it may do, which its home shard alone asks. */
static enum mqtt_reason judge(struct admission *admission)
{
    const struct core *core = admission->core;
    const struct mqtt_connect *connect = admission->connect;
    enum mqtt_reason reason;

    if (core->shutting_down)
        return MQTT_SERVER_UNAVAILABLE;
    if (!(admission->connection->listener->protocol_versions >> connect->version & 1))
        return object(admission, MQTT_UNSUPPORTED_VERSION,
                "its listener does not speak this version (accept_protocol_versions)");
    if (connect->properties.user_property_count > core->settings->user_properties_max)
        return object(admission, MQTT_QUOTA_EXCEEDED,
                "it has more user properties than user_properties_max");
    if (admission->connection->listener->user_name_proved && connect->user_name.size == 0)
        return object(admission, MQTT_BAD_USER_NAME_OR_PASSWORD,
                "it has no name by a certificate or a key, and its listener takes no other");
    reason = judge_id(admission);
    if (reason == MQTT_SUCCESS && connect->has_will)
        reason = judge_will(admission, &connect->will);
    if (reason == MQTT_SUCCESS)
        reason = judge_keep_alive(admission);
    return reason;
}

/* Keeps CONNECT until it is answered. False when memory is short. */
static bool keep(struct admission *admission)
{
    struct extras *extras = extras_of(admission->core, admission->connection);

    return extras &&
            (extras->connect.size > 0 ||
                    buffer_append(&extras->connect, &admission->core->memory, admission->body));
}

/* Who it is: said by the authority at once, or later, or at the end of the exchange that it asks
 * for. */
static enum mqtt_reason identify(struct admission *admission)
{
    struct core *core = admission->core;
    struct connection *connection = admission->connection;
    const struct mqtt_connect *connect = admission->connect;
    const struct acquaintance *acquaintance = connection_acquaintance(connection);
    struct origin_room room;
    const struct access_arrival arrival = { .connect = connect,
        .listener = connection->listener,
        .peer = connection_peer(connection, &room),
        .certificate_name = acquaintance ? acquaintance->certificate_name : (struct bytes){ 0 },
        .ticket = { connection->pooled.slot, connection->pooled.generation } };
    struct access_verdict verdict;

    if (mqtt_properties_have(&connect->properties, MQTT_AUTHENTICATION_METHOD))
        return authentication_start(
                core, connection, connect, admission->body, &admission->delay_ms);
    verdict = core->access.admit(core->access.context, &arrival);
    admission->text = verdict.text;
    admission->delay_ms = verdict.delay_ms;
    if (verdict.reason == MQTT_SUCCESS)
        connection_identify(core, connection, verdict.identity);
    if (verdict.reason == MQTT_CONTINUE_AUTHENTICATION) {
        if (!keep(admission))
            return MQTT_QUOTA_EXCEEDED;
        connection->phase = PHASE_ADMITTING;
        /* It has said all that it is to say: connect_timeout is not for the time that we take. */
        timer_stop(&connection->timer);
    }
    return verdict.reason;
}

/* Nobody gets an id by a name that he has given but not proved. */
static enum mqtt_reason judge_name(struct admission *admission)
{
    if (rights_to_id(admission->core, admission->connection, admission->client_id))
        return MQTT_SUCCESS;
    return object(admission, MQTT_NOT_AUTHORIZED,
            "its user name in CONNECT, to be its id, is not the name that it has proved");
}

static enum mqtt_reason judge_rights(struct admission *admission)
{
    const struct mqtt_will *will = &admission->connect->will;
    struct access_request wish = { .action = ACCESS_PUBLISH,
        .client_id = admission->client_id,
        .qos = will->qos,
        .retain = will->retain };
    enum mqtt_reason reason;

    if (!admission->connect->has_will)
        return MQTT_SUCCESS;
    reason = admission_will_topic(admission, &wish.topic);
    if (reason != MQTT_SUCCESS)
        return reason;
    if (connection_may(admission->core, admission->connection, wish))
        return MQTT_SUCCESS;
    return object(
            admission, MQTT_NOT_AUTHORIZED, "its will is on a topic where it may not publish");
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
    const char *prefix_text = admission->connection->listener->auto_id_prefix;
    size_t prefix = strlen(prefix_text);
    size_t size = prefix + ASSIGNED_DIGITS;

    memcpy(admission->assigned_text, prefix_text, prefix);
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

static void name_client(struct admission *admission)
{
    admission->client_id = admission->connect->client_id;
    if (admission->client_id.size == 0)
        assign_id(admission);
}

/* ---- The session ---- */

/* Where the store takes nothing now, no session is begun or changed that it has to keep; where it
 * lives on its reserve, none is begun. */
static enum mqtt_reason judge_lasting(struct admission *admission)
{
    const struct core *core = admission->core;
    const struct session *session = session_find_id(core, admission->client_id);
    bool is_kept = session && session->lasting;

    if (durable_is_well(core) || (admission->expiry_s == 0 && !is_kept))
        return MQTT_SUCCESS;
    if (is_kept && durable_works(core))
        return MQTT_SUCCESS;
    return object(admission, MQTT_SERVER_UNAVAILABLE,
            "its session cannot be stored: the disk is full or has failed");
}

/* Where users may have so many sessions, its own counts from here on, for the one that is there,
 * which may have to give way, or for the one that is to be. */
static enum mqtt_reason judge_patron(struct admission *admission)
{
    struct core *core = admission->core;
    struct session *session = session_find_id(core, admission->client_id);
    struct bytes user = rights_name(core, admission->connection);
    uint32_t max = core->settings->sessions_per_user_max;

    if (max == 0 || user.size == 0)
        return MQTT_SUCCESS;
    switch (patrons_enter(core->hub->patrons, core_hash(core, admission->client_id),
            core_hash(core, user), max)) {
    case PATRONS_ENTERED:
        break;
    case PATRONS_FULL:
        counter_add(&core->counters.user_refusals, 1);
        return object(admission, MQTT_QUOTA_EXCEEDED,
                "its user has as many sessions as sessions_per_user_max allows");
    case PATRONS_NO_MEMORY:
        return object(admission, MQTT_SERVER_BUSY,
                "memory is short: its session cannot be counted for its user");
    }
    admission->has_patron = true;
    if (session)
        session->has_patron = false;
    return MQTT_SUCCESS;
}

/* ---- Another will ---- */

/* A client's own protocol may let it change its will; the connection's session is there. */
static enum mqtt_reason judge_new_will(struct admission *admission)
{
    const struct mqtt_will *will = &admission->connect->will;
    enum mqtt_reason reason = judge_will(admission, will);

    if (reason == MQTT_SUCCESS)
        reason = judge_rights(admission);
    if (reason != MQTT_SUCCESS)
        journal_tell(&admission->core->journal, EVENT_WARN, "will.refused",
                field_bytes("id", admission->client_id), field_bytes("topic", will->topic),
                field_text("reason", mqtt_reason_name(reason)),
                field_text("text", admission->text));
    return reason;
}

enum mqtt_reason core_change_will(struct core *core, struct connection *connection,
        const struct mqtt_will *will, int64_t now_ms)
{
    struct session *session = connection->session;
    struct mqtt_connect connect = { .version = MQTT_5_0, .has_will = will != NULL };
    struct admission admission = { .core = core, .connection = connection, .connect = &connect };
    enum mqtt_reason reason = MQTT_SUCCESS;
    struct will *fresh;
    struct will *old;

    core->now_ms = now_ms;
    if (!connection_is_in(connection))
        return MQTT_SERVER_BUSY;
    old = session->will;
    admission.client_id = session_id(session);
    admission.expiry_s = session->expiry_interval_s;
    if (will) {
        connect.will = *will;
        reason = judge_new_will(&admission);
    }
    if (reason == MQTT_SUCCESS && session->lasting && !durable_is_well(core))
        reason = MQTT_SERVER_UNAVAILABLE;
    if (reason != MQTT_SUCCESS)
        return reason;
    session->will = NULL;
    if (!admission_settle_session(&admission, session, true)) {
        will_discard(core, session);
        session->will = old;
        return MQTT_QUOTA_EXCEEDED;
    }
    fresh = session->will;
    session->will = old;
    will_discard(core, session);
    session->will = fresh;
    return MQTT_SUCCESS;
}

/* ---- Too often ---- */

/* Without the port, which is another one for each connection. */
static struct bytes host_of(const struct connection *connection, struct origin_room *room)
{
    struct bytes peer = connection_peer(connection, room);

    for (size_t i = peer.size; i > 0; i--) {
        if (peer.data[i - 1] == ':')
            return bytes_first(peer, i - 1);
    }
    return peer;
}

/* Its connection has been lost too often lately: how long it waits. */
static uint32_t delay_flapping(const struct admission *admission, struct visit *visit)
{
    struct core *core = admission->core;
    struct visit_limit limit = visit_limit_of_losses(core->settings);
    uint32_t delay_ms = habit_delay_ms(&visit->losses, limit, core->now_ms);
    uint32_t times = delay_ms > 0 ? habit_tell(&visit->losses, core->now_ms) : 0;
    struct origin_room room;

    if (delay_ms > 0)
        counter_add(&core->counters.flappings, 1);
    if (times > 0)
        journal_tell(&core->journal, EVENT_WARN, "client.flapping",
                field_bytes("id", admission->connect->client_id),
                field_bytes("peer", connection_peer(admission->connection, &room)),
                field_bytes("user", rights_name(core, admission->connection)),
                field_number("times", times), field_number("delay_ms", delay_ms));
    return delay_ms;
}

static void tell_fight(const struct admission *admission, const struct connection *other,
        uint32_t times, uint32_t delay_ms)
{
    const struct core *core = admission->core;
    struct origin_room room;
    struct origin_room other_room;

    journal_tell(&core->journal, EVENT_WARN, "client.id_fight",
            field_bytes("id", admission->connect->client_id),
            field_bytes("peer", connection_peer(admission->connection, &room)),
            field_bytes("user", rights_name(core, admission->connection)),
            field_bytes("other_peer", connection_peer(other, &other_room)),
            field_bytes("other_user", rights_name(core, other)), field_number("times", times),
            field_number("delay_ms", delay_ms));
}

/* It takes the session over from another connection: how long it waits. */
static uint32_t delay_fight(const struct admission *admission, const struct connection *other)
{
    struct core *core = admission->core;
    struct habit *fights =
            &visits_of(&core->visits, core_hash(core, session_id(other->session)))->fights;
    struct visit_limit limit = visit_limit_of_fights(core->settings);
    struct origin_room room;
    struct origin_room other_room;
    bool same = bytes_equal(host_of(admission->connection, &room), host_of(other, &other_room));
    uint32_t delay_ms;
    uint32_t times;

    habit_add(fights, limit, same ? ID_FIGHT_SAME_ADDRESS : 1, core->now_ms);
    delay_ms = habit_delay_ms(fights, limit, core->now_ms);
    if (delay_ms == 0)
        return 0;
    counter_add(&core->counters.id_fights, 1);
    times = habit_tell(fights, core->now_ms);
    if (times > 0)
        tell_fight(admission, other, times, delay_ms);
    return delay_ms;
}

/* Only for who has come in otherwise: nobody makes another one wait by his mere id. */
static void delay_visit(struct admission *admission)
{
    struct core *core = admission->core;
    uint64_t hash = core_hash(core, admission->connect->client_id);
    struct visit *visit = visits_find(&core->visits, hash);
    struct session *session;
    uint32_t delay_ms = visit ? delay_flapping(admission, visit) : 0;

    if (delay_ms > admission->delay_ms)
        admission->delay_ms = delay_ms;
    session = session_find_id(core, admission->connect->client_id);
    if (!session || !session->connection)
        return;
    delay_ms = delay_fight(admission, session->connection);
    if (delay_ms > admission->delay_ms)
        admission->delay_ms = delay_ms;
}

/* ---- The verdict ---- */

/* Its identity is known, and it is its time. */
static void let_in(struct admission *admission)
{
    enum mqtt_reason reason;

    if (admission->client_id.size == 0)
        name_client(admission);
    reason = judge_name(admission);
    if (reason == MQTT_SUCCESS)
        reason = judge_rights(admission);
    admission_settle_terms(admission);
    if (reason == MQTT_SUCCESS)
        reason = judge_lasting(admission);
    if (reason == MQTT_SUCCESS && !admission_fits(admission))
        reason = object(admission, MQTT_PACKET_TOO_LARGE,
                "its Maximum Packet Size does not allow the answer");
    if (reason == MQTT_SUCCESS)
        reason = judge_patron(admission);
    if (reason == MQTT_SUCCESS)
        reason = admission_complete(admission);
    if (reason != MQTT_SUCCESS)
        refuse(admission, reason);
}

/* Where its answer is delayed and there is memory for that, it is kept until then. */
static bool hold(struct admission *admission, enum mqtt_reason reason)
{
    struct core *core = admission->core;
    struct connection *connection = admission->connection;
    uint32_t delay_ms = admission->delay_ms;

    if (delay_ms == 0 || !keep(admission))
        return false;
    if (reason != MQTT_SUCCESS) {
        tell_refused(core, connection, admission->connect, reason, admission->text);
        authentication_finish(core, connection);
    }
    connection->phase = PHASE_HELD;
    connection->extras->verdict = (uint8_t)reason;
    timer_start(&core->connection_timers, &connection->timer,
            core->now_ms + (delay_ms < VERDICT_DELAY_MAX_MS ? delay_ms : VERDICT_DELAY_MAX_MS));
    counter_add(&core->counters.delayed_connects, 1);
    return true;
}

static void answer(struct admission *admission, enum mqtt_reason reason)
{
    if (reason == MQTT_SUCCESS)
        let_in(admission);
    else
        refuse(admission, reason);
}

/* At once, or when its delay is over. */
static void conclude(struct admission *admission, enum mqtt_reason reason)
{
    if (reason == MQTT_SUCCESS && admission->connect->client_id.size > 0)
        delay_visit(admission);
    if (!hold(admission, reason))
        answer(admission, reason);
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
    struct admission admission = {
        .core = core, .connection = connection, .connect = &connect, .body = body
    };
    enum mqtt_reason reason = mqtt_connect_decode(&connect, flags, body);

    if (reason != MQTT_SUCCESS) {
        refuse_unread(core, connection, body, reason, objection_to_connect(flags, body));
        return HANDLED;
    }
    set_version(connection, &connect);
    settle_names(&admission, &connect);
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
    reason = identify(&admission);
    if (reason != MQTT_CONTINUE_AUTHENTICATION)
        conclude(&admission, reason);
    return HANDLED;
}

/* The CONNECT of a connection that waits for its CONNACK. It was decoded once, so it is sound. */
static void read_kept(struct admission *admission, struct mqtt_connect *connect)
{
    const struct buffer *kept = &admission->connection->extras->connect;
    enum mqtt_reason reason = mqtt_connect_decode(connect, 0, buffer_bytes(kept));

    assert(reason == MQTT_SUCCESS);
    settle_names(admission, connect);
}

void connect_decide(
        struct core *core, struct connection *connection, const struct access_verdict *verdict)
{
    struct mqtt_connect connect;
    struct admission admission = { .core = core,
        .connection = connection,
        .connect = &connect,
        .delay_ms = verdict->delay_ms,
        .text = verdict->text };
    enum mqtt_reason reason = verdict->reason;

    read_kept(&admission, &connect);
    if (reason == MQTT_SUCCESS)
        reason = judge(&admission); /* Settings may have changed meanwhile. */
    conclude(&admission, reason);
}

/* The rules, too, may be others by now. */
static enum mqtt_reason judge_identity(struct admission *admission)
{
    if (rights_standing(admission->core, admission->connection->identity) != ACCESS_WITHDRAWN)
        return MQTT_SUCCESS;
    return object(
            admission, MQTT_NOT_AUTHORIZED, "by the rules that hold now it would not be let in");
}

void connect_answer_held(struct core *core, struct connection *connection)
{
    struct mqtt_connect connect;
    struct admission admission = { .core = core, .connection = connection, .connect = &connect };
    enum mqtt_reason reason = (enum mqtt_reason)connection->extras->verdict;

    read_kept(&admission, &connect);
    admission.told = reason != MQTT_SUCCESS;
    if (reason == MQTT_SUCCESS)
        reason = judge(&admission);
    if (reason == MQTT_SUCCESS)
        reason = judge_identity(&admission);
    answer(&admission, reason);
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
    if (verdict->reason == MQTT_SUCCESS)
        connection_identify(core, connection, identity);
    connect_decide(core, connection, verdict);
    core_settle(core);
}
