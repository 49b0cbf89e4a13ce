/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/connection.h"

#include "broker/core/authenticate.h"
#include "broker/core/hold.h"
#include "broker/core/rights.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/will.h"
#include "mqtt/disconnect.h"
#include "mqtt/puback.h"

#include <assert.h>

static_assert(sizeof(struct connection) <= 184, "an idle connection is to cost little");

enum {
    PROPERTY_OVERHEAD = 8, /* lengths and id around one Reason String */
    THROTTLING_TOLD_EVERY_S = 60,
    MOVED_MS = 1000, /* at least, for one that was moved to be heard */
    REASON_TEXT_SIZE_MAX = 256,
};

struct target connection_target(const struct core *core, const struct connection *connection)
{
    return (struct target){ .shard = (uint16_t)core->shard,
        .slot = connection->pooled.slot,
        .generation = connection->pooled.generation };
}

struct connection *connection_find(const struct core *core, struct target target)
{
    assert(target.shard == core->shard);
    return pool_find(&core->connections, target.slot, target.generation);
}

void connection_has_output(struct core *core, struct connection *connection)
{
    if (!list_linked(&connection->output))
        list_append(&core->output, &connection->output);
}

/* Without memory for what it must be told, a connection cannot go on. */
static const struct ending no_memory = {
    .reason = MQTT_QUOTA_EXCEEDED, .name = "no_memory", .keep_will = true, .at_once = true
};

static uint8_t *room_in(
        struct core *core, struct connection *connection, struct buffer *buffer, size_t size)
{
    uint8_t *room = buffer_room(buffer, &core->memory, size);

    if (!room)
        connection_condemn_for_memory(core, connection);
    return room;
}

static void written_to(
        struct core *core, struct connection *connection, struct buffer *buffer, size_t size)
{
    if (buffer == &connection->control)
        connection_has_output(core, connection);
    else if (!hold_written(core, connection, size))
        return;
    buffer->size += (uint32_t)size;
    counter_add(&core->counters.packets_sent, 1);
}

/* Nothing overtakes a CONNACK. */
static struct buffer *control_buffer(struct connection *connection)
{
    return hold_is_closed(connection) ? &connection->hold->bytes : &connection->control;
}

uint8_t *connection_control_room(struct core *core, struct connection *connection, size_t size)
{
    return room_in(core, connection, control_buffer(connection), size);
}

void connection_control_written(struct core *core, struct connection *connection, size_t size)
{
    written_to(core, connection, control_buffer(connection), size);
}

uint8_t *connection_answer_room(struct core *core, struct connection *connection, size_t size)
{
    return room_in(core, connection, hold_buffer(core, connection), size);
}

void connection_answer_written(struct core *core, struct connection *connection, size_t size)
{
    written_to(core, connection, hold_buffer(core, connection), size);
}

/* A reason string only where the client wants one, and never beyond what it takes. */
static bool add_reason_text(const struct connection *connection, struct mqtt_properties *properties,
        const char *text, size_t bare_size)
{
    struct bytes reason = bytes_of_text(text);

    if (reason.size == 0 || bare_size + reason.size + PROPERTY_OVERHEAD > connection->packet_max)
        return false;
    properties->present |= mqtt_property_bit(MQTT_REASON_STRING);
    properties->reason_string = reason;
    return true;
}

/* A failure explains itself; the packet stays within Maximum Packet Size [MQTT5-3.4.2-2]. */
static void acknowledge_with_text(struct core *core, struct connection *connection,
        enum mqtt_type type, uint16_t packet_id, enum mqtt_reason reason)
{
    struct mqtt_puback packet = { .packet_id = packet_id, .reason = reason };
    size_t size = MQTT_PUBACK_SIZE + 1;
    struct writer out = { 0 };

    if (add_reason_text(connection, &packet.properties, mqtt_reason_text(reason), size))
        size += PROPERTY_OVERHEAD + packet.properties.reason_string.size;
    out.data = connection_answer_room(core, connection, size);
    if (!out.data)
        return;
    out.size = size;
    mqtt_puback_encode(&out, &packet, type, connection->version);
    assert(!out.failed);
    connection_answer_written(core, connection, out.used);
}

void connection_acknowledge(struct core *core, struct connection *connection, enum mqtt_type type,
        uint16_t packet_id, enum mqtt_reason reason)
{
    struct writer out = { .size = MQTT_PUBACK_SIZE + 1 };

    if (reason >= MQTT_UNSPECIFIED_ERROR && connection->version == MQTT_5_0 &&
            connection->problem_information) {
        acknowledge_with_text(core, connection, type, packet_id, reason);
        return;
    }
    out.data = connection_answer_room(core, connection, out.size);
    if (!out.data)
        return;
    mqtt_puback_brief_encode(&out, type, packet_id, reason, (enum mqtt_version)connection->version);
    assert(!out.failed);
    connection_answer_written(core, connection, out.used);
}

/* A DISCONNECT, if the client's version has one from the server and it takes packets of that size.
 */
static void say_disconnect(
        struct core *core, struct connection *connection, const struct ending *ending)
{
    struct mqtt_disconnect packet = { .reason = ending->reason };
    struct buffer *buffer =
            hold_is_full(connection) ? &connection->hold->bytes : &connection->control;
    uint8_t bytes[REASON_TEXT_SIZE_MAX + PROPERTY_OVERHEAD * 2];
    struct writer out = { .data = bytes, .size = sizeof(bytes) };

    if (ending->text && strlen(ending->text) <= REASON_TEXT_SIZE_MAX)
        add_reason_text(connection, &packet.properties, ending->text, 4);
    mqtt_disconnect_encode(&out, &packet, connection->version);
    assert(!out.failed);
    /* What cannot be said for want of memory is left unsaid. */
    if (!buffer_append(buffer, &core->memory, writer_written(&out)))
        return;
    if (buffer != &connection->control)
        hold_written(core, connection, out.used);
    counter_add(&core->counters.packets_sent, 1);
}

static void tell_ending(
        struct core *core, const struct connection *connection, const struct ending *ending)
{
    const char *reason = ending->name ? ending->name : mqtt_reason_name(ending->reason);
    const char *text = ending->text ? ending->text : "";

    struct origin_room room;
    struct bytes peer = connection_peer(connection, &room);

    if (connection->session)
        journal_tell(&core->journal, EVENT_INFO, "client.disconnected",
                field_bytes("id", session_id(connection->session)), field_bytes("peer", peer),
                field_text("reason", reason), field_text("text", text));
    else
        journal_tell(&core->journal, EVENT_INFO, "connection.ended", field_bytes("peer", peer),
                field_text("reason", reason), field_text("text", text));
}

/* A client that has not said that it goes. */
static void note_loss(struct core *core, const struct session *session)
{
    const struct visit_limit limit = visit_limit_of_losses(core->settings);

    habit_add(&visits_of(&core->visits, core_hash(core, session_id(session)))->losses, limit, 1,
            core->now_ms);
}

/* What it waited for, and what waited for it. */
static void end_waiting(struct core *core, struct connection *connection)
{
    struct extras *extras = connection->extras;

    connection->unread = false;
    if (!extras)
        return;
    extras->waits = 0;
    extras->throttled_until_ms = 0;
    pending_suback_free(core, connection);
    buffer_reset(&extras->connect, &core->memory);
    withheld_reset(&extras->withheld, &core->memory);
    authentication_free(core, connection);
}

void connection_end(struct core *core, struct connection *connection, const struct ending *ending)
{
    struct session *session = connection->session;
    bool told;

    if (connection->phase >= PHASE_DRAINING)
        return;
    if (!ending->quiet)
        tell_ending(core, connection, ending);
    /* What is held is told first, in the time that it has to drain; who has heard nothing yet, and
     * will not, is not told that it is out. */
    told = !hold_has_connack(connection) || durable_works(core);
    if (ending->at_once || !durable_works(core))
        hold_free(core, connection);
    if (session && ending->tell && connection->version == MQTT_5_0 && told)
        say_disconnect(core, connection, ending);
    connection->phase = ending->at_once ? PHASE_DROPPED : PHASE_DRAINING;
    end_waiting(core, connection);
    if (session)
        rights_keep(session, connection);
    rights_forget(core, &connection->identity);
    list_remove(&connection->ready);
    timer_start(&core->connection_timers, &connection->timer, core->now_ms + DRAIN_MS);
    connection_has_output(core, connection);
    if (!session)
        return;
    connection->session = NULL;
    if (ending->keep_will)
        note_loss(core, session);
    else
        will_discard(core, session);
    session_detach(core, session);
}

void connection_fail(
        struct core *core, struct connection *connection, enum mqtt_reason reason, const char *text)
{
    const struct ending ending = {
        .reason = reason, .text = text, .tell = true, .keep_will = true
    };

    if (connection->phase == PHASE_AUTHENTICATING)
        connect_decide(
                core, connection, &(struct access_verdict){ .reason = reason, .text = text });
    else
        connection_end(core, connection, &ending);
}

void connection_fail_packet(struct core *core, struct connection *connection, enum mqtt_type type,
        enum mqtt_reason reason)
{
    static const char *const texts[] = {
        [MQTT_PUBLISH] = "the PUBLISH is not valid",
        [MQTT_PUBACK] = "the PUBACK is not valid",
        [MQTT_PUBREC] = "the PUBREC is not valid",
        [MQTT_PUBREL] = "the PUBREL is not valid",
        [MQTT_PUBCOMP] = "the PUBCOMP is not valid",
        [MQTT_SUBSCRIBE] = "the SUBSCRIBE is not valid",
        [MQTT_UNSUBSCRIBE] = "the UNSUBSCRIBE is not valid",
        [MQTT_DISCONNECT] = "the DISCONNECT is not valid",
        [MQTT_AUTH] = "the AUTH is not valid",
    };
    bool is_vague = reason == MQTT_MALFORMED || reason == MQTT_PROTOCOL_ERROR;

    connection_fail(core, connection, reason, is_vague ? texts[type] : mqtt_reason_text(reason));
}

void connection_condemn(
        struct core *core, struct connection *connection, const struct ending *sentence)
{
    if (connection->sentence)
        return;
    connection->sentence = sentence;
    list_remove(&connection->ready); /* It will not be read again. */
    list_append(&core->condemned, &connection->ready);
}

void connection_condemn_for_memory(struct core *core, struct connection *connection)
{
    connection_condemn(core, connection, &no_memory);
}

void connections_end_condemned(struct core *core)
{
    struct list *link;

    while ((link = list_take_first(&core->condemned))) {
        struct connection *connection = container_of(link, struct connection, ready);

        connection_end(core, connection, connection->sentence);
    }
}

void connection_wait(struct connection *connection)
{
    assert(connection->extras && connection->extras->suback);
    connection->extras->waits++;
}

void connection_read_on(struct core *core, struct connection *connection)
{
    if (!connection->unread || connection_is_throttled(connection) ||
            connection_must_wait(connection))
        return;
    assert(connection->phase == PHASE_CONNECTED);
    connection->unread = false;
    connection->heard_ms = core->now_ms; /* It was we who did not read. */
    if (!list_linked(&connection->ready))
        list_append(&core->ready, &connection->ready);
}

void connection_answered(struct core *core, struct connection *connection)
{
    struct extras *extras = connection->extras;

    if (!extras || extras->waits == 0 || --extras->waits > 0)
        return;
    pending_suback_send(core, connection);
    connection_read_on(core, connection);
}

struct acknowledgement *connection_withhold(struct core *core, struct connection *connection)
{
    struct extras *extras = extras_of(core, connection);

    if (!extras || !withheld_add(&extras->withheld, &core->memory))
        return NULL;
    return withheld_last(&extras->withheld);
}

void connection_release(struct core *core, struct connection *connection)
{
    struct extras *extras = connection->extras;
    struct acknowledgement next;

    while (extras && withheld_take(&extras->withheld, &core->memory, &next))
        connection_acknowledge(core, connection, (enum mqtt_type)next.type, next.packet_id,
                (enum mqtt_reason)next.reason);
    connection_read_on(core, connection);
}

void connection_wait_no_more(struct core *core, struct connection *connection)
{
    struct withheld *withheld = &connection->extras->withheld;

    for (uint32_t i = 0; i < withheld->count; i++)
        withheld->entries[i].waits = 0;
    connection_release(core, connection);
}

/* Its timer is to be due when the first of its ends may have come. */
static void await_end(struct core *core, struct connection *connection)
{
    const struct extras *extras = connection->extras;
    int64_t due_ms = extras ? extras->identity_ends_ms : INT64_MAX;
    int64_t next_ms = connection->heard_ms + connection->silence_max_ms;

    /* Keep Alive does not run while it is throttled. */
    if (connection_is_throttled(connection))
        next_ms = extras->throttled_until_ms;
    else if (connection->silence_max_ms == 0)
        next_ms = INT64_MAX;
    if (next_ms < due_ms)
        due_ms = next_ms;
    if (due_ms < INT64_MAX)
        timer_start(&core->connection_timers, &connection->timer, due_ms);
    else
        timer_stop(&connection->timer);
}

void connection_identify(struct core *core, struct connection *connection, void *identity)
{
    int64_t ends_ms = rights_end_ms(core, identity);
    struct extras *extras = ends_ms < INT64_MAX ? extras_of(core, connection) : connection->extras;

    rights_forget(core, &connection->identity);
    connection->identity = identity;
    if (extras)
        extras->identity_ends_ms = ends_ms;
    else if (ends_ms < INT64_MAX) /* Without a note of that, it would stay for good. */
        connection_condemn_for_memory(core, connection);
    if (!connection->session)
        return;
    rights_settle(core, connection->session);
    await_end(core, connection);
}

bool connection_may(
        const struct core *core, const struct connection *connection, struct access_request request)
{
    request.identity = connection->identity;
    return !core->access.allows || core->access.allows(core->access.context, &request);
}

void connection_keep_alive(struct core *core, struct connection *connection, uint16_t keep_alive_s)
{
    connection->silence_max_ms = keep_alive_s * (uint32_t)KEEP_ALIVE_GRACE_MS;
    connection->heard_ms = core->now_ms;
    await_end(core, connection);
}

/* ---- Rates ---- */

static void tell_throttling(struct core *core, struct connection *connection, const char *limit)
{
    struct extras *extras = connection->extras;
    struct origin_room room;

    journal_tell(&core->journal, EVENT_WARN, "client.throttled",
            field_bytes("id", session_id(connection->session)),
            field_bytes("peer", connection_peer(connection, &room)), field_text("limit", limit),
            field_number("times", extras->throttlings));
    extras->throttlings = 0;
    extras->throttling_quiet_s = (uint32_t)(core->now_ms / 1000) + THROTTLING_TOLD_EVERY_S;
}

void connection_throttle(
        struct core *core, struct connection *connection, int64_t pause_ms, const char *limit)
{
    struct extras *extras = extras_of(core, connection);

    if (!extras) {
        connection_condemn_for_memory(core, connection);
        return;
    }
    extras->throttled_until_ms = core->now_ms + pause_ms;
    connection->unread = true;
    await_end(core, connection);
    counter_add(&core->counters.throttlings, 1);
    extras->throttlings++;
    if (core->now_ms / 1000 >= extras->throttling_quiet_s)
        tell_throttling(core, connection, limit);
}

static void end_throttling(struct core *core, struct connection *connection)
{
    connection->extras->throttled_until_ms = 0;
    connection->heard_ms = core->now_ms; /* It was we who did not read. */
    connection_read_on(core, connection);
}

void connections_forgive(struct core *core)
{
    struct connection *connection;
    uint32_t slot = 0;

    while ((connection = pool_next(&core->connections, &slot))) {
        connection->paid_ns = INT64_MIN;
        if (!connection_is_throttled(connection))
            continue;
        end_throttling(core, connection);
        await_end(core, connection);
    }
}

/* ---- Ends ---- */

/* The authority is asked again: what it said before was reckoned from the time at which that turn
 * began, and so falls short by as long as the turn had lasted. */
static bool identity_has_ended(struct core *core, struct connection *connection)
{
    struct extras *extras = connection->extras;

    if (!extras || core->now_ms < extras->identity_ends_ms)
        return false;
    extras->identity_ends_ms = rights_end_ms(core, connection->identity);
    return core->now_ms >= extras->identity_ends_ms;
}

/* Packets only note the time; the timer, when it is due, looks at the note [MQTT5-3.1.2-22]. */
static void check_ends(struct core *core, struct connection *connection)
{
    static const struct ending expired = { .reason = MQTT_MAXIMUM_CONNECT_TIME,
        .name = "identity_expired",
        .text = "what it has shown who it is with has expired; it may come in again with a new one",
        .tell = true,
        .keep_will = true };
    static const struct ending silent = { .reason = MQTT_KEEP_ALIVE_TIMEOUT,
        .text = "no packet within one and a half times Keep Alive",
        .tell = true,
        .keep_will = true };

    const struct extras *extras = connection->extras;

    if (connection_is_throttled(connection) && core->now_ms >= extras->throttled_until_ms)
        end_throttling(core, connection);
    if (connection->unread || list_linked(&connection->ready))
        connection->heard_ms = core->now_ms; /* It is left unread. */
    if (identity_has_ended(core, connection)) {
        connection_end(core, connection, &expired);
        return;
    }
    if (connection->silence_max_ms > 0 &&
            core->now_ms - connection->heard_ms >= connection->silence_max_ms) {
        connection_end(core, connection, &silent);
        return;
    }
    if (session_receives(connection->session))
        outgoing_release(&connection->session->receiver->outgoing, &core->memory);
    await_end(core, connection);
}

/* Where nobody has come yet to take what it is to be told, it is we who are late: as after a pause
 * of the machine. */
static void drain_on(struct core *core, struct connection *connection)
{
    if (list_linked(&connection->output)) {
        timer_start(&core->connection_timers, &connection->timer, core->now_ms + DRAIN_MS);
        return;
    }
    connection->phase = PHASE_DROPPED;
    connection_has_output(core, connection);
}

void connection_timer_due(struct core *core, struct connection *connection)
{
    static const struct ending late = { .reason = MQTT_MAXIMUM_CONNECT_TIME,
        .name = "connect_timeout",
        .text = "no CONNECT, or no end of its authentication, within connect_timeout" };

    switch ((enum connection_phase)connection->phase) {
    case PHASE_EXPECT_CONNECT:
    case PHASE_AUTHENTICATING:
        connection_end(core, connection, &late);
        break;
    case PHASE_ADMITTING: /* The authority has limits of its own. */
        break;
    case PHASE_HELD:
        connect_answer_held(core, connection);
        break;
    case PHASE_CONNECTED:
        check_ends(core, connection);
        break;
    case PHASE_DRAINING:
        drain_on(core, connection);
        break;
    case PHASE_DROPPED:
        break;
    }
}

/* ---- The contract's side ---- */

static void give_up_place(struct core *core)
{
    atomic_fetch_sub_explicit(&core->hub->connections, 1, memory_order_relaxed);
}

/* One that has moved keeps the place that it was given where it came in. */
static bool admit_socket(
        struct core *core, const struct arrival *arrival, enum mqtt_reason *refusal)
{
    int64_t limit = core->settings->global_max_connections;

    if (arrival->moved)
        return true;
    /* Relaxed: a limit counts, it orders nothing. */
    if (atomic_fetch_add_explicit(&core->hub->connections, 1, memory_order_relaxed) < limit ||
            limit < 0)
        return true;
    give_up_place(core);
    *refusal = MQTT_QUOTA_EXCEEDED;
    return false;
}

/* False when memory is short. */
static bool keep_origin(
        const struct core *core, struct origin *origin, struct bytes text, struct origin ipv4)
{
    *origin = ipv4;
    return text.size == 0 || origin_copy_text(origin, &core->memory, text);
}

static struct connection *connection_new(
        struct core *core, const struct arrival *arrival, enum mqtt_reason *refusal)
{
    struct connection *connection = pool_take(&core->connections, &core->memory);

    *refusal = MQTT_SERVER_BUSY;
    if (!connection)
        return NULL;
    if (!keep_origin(core, &connection->origin, arrival->peer, arrival->ipv4)) {
        pool_give(&core->connections, connection);
        return NULL;
    }
    connection->link = arrival->link;
    connection->listener = arrival->listener;
    connection->moved = arrival->moved;
    connection->packet_max = UINT32_MAX;
    connection->paid_ns = INT64_MIN;
    list_init(&connection->output);
    list_init(&connection->ready);
    timer_init(&connection->timer);
    return connection;
}

/* One that was moved has said its CONNECT in time, however long the way took: it is to be heard. */
static int64_t connect_due_ms(const struct core *core, const struct arrival *arrival)
{
    int64_t due_ms = arrival->accepted_ms + core->settings->connect_timeout_ms;
    int64_t earliest_ms = core->now_ms + (arrival->moved ? MOVED_MS : 0);

    return due_ms < earliest_ms ? earliest_ms : due_ms;
}

struct connection *core_accept(
        struct core *core, const struct arrival *arrival, int64_t now_ms, enum mqtt_reason *refusal)
{
    struct connection *connection = NULL;
    struct origin_room room;
    struct bytes peer = arrival->peer;

    core->now_ms = now_ms;
    if (peer.size == 0)
        peer = origin_text(&arrival->ipv4, &room);
    if (admit_socket(core, arrival, refusal)) {
        connection = connection_new(core, arrival, refusal);
        if (!connection)
            give_up_place(core);
    }
    if (!connection) {
        counter_add(&core->counters.refused_connects, 1);
        journal_tell(&core->journal, EVENT_WARN, "connection.refused", field_bytes("peer", peer),
                field_text("reason", mqtt_reason_name(*refusal)),
                field_text("limit",
                        *refusal == MQTT_QUOTA_EXCEEDED ? "global_max_connections" : "memory"));
        return NULL;
    }
    if (!arrival->moved) {
        counter_add(&core->counters.sockets_opened, 1);
        journal_tell(&core->journal, EVENT_DEBUG, "connection.opened", field_bytes("peer", peer),
                field_number("port", arrival->listener->port));
    }
    counter_add(&core->counters.sockets, 1);
    timer_start(&core->connection_timers, &connection->timer, connect_due_ms(core, arrival));
    return connection;
}

/* ---- Introductions ---- */

void connection_forget_acquaintance(struct core *core, struct connection *connection)
{
    struct extras *extras = connection->extras;

    if (!extras || !extras->acquaintance)
        return;
    memory_give(&core->memory, extras->acquaintance, extras->acquaintance->size);
    extras->acquaintance = NULL;
}

/* Copies a text and its NUL to where *room points, and moves that behind it. */
static uint8_t *keep_text(uint8_t **room, struct bytes text)
{
    uint8_t *copy = *room;

    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *room += text.size + 1;
    return copy;
}

static struct acquaintance *acquaintance_new(
        const struct core *core, const struct introduction *introduction)
{
    struct bytes version = bytes_of_text(introduction->tls_version);
    struct bytes cipher = bytes_of_text(introduction->tls_cipher);
    struct bytes user = introduction->user_name;
    struct bytes certificate = introduction->certificate_name;
    size_t size = sizeof(struct acquaintance) + version.size + cipher.size + user.size +
            certificate.size + 4;
    struct acquaintance *acquaintance = memory_take(&core->memory, size);
    uint8_t *room;

    if (!acquaintance)
        return NULL;
    room = (uint8_t *)(acquaintance + 1);
    acquaintance->size = size;
    acquaintance->tls_version = (const char *)keep_text(&room, version);
    acquaintance->tls_cipher = (const char *)keep_text(&room, cipher);
    acquaintance->user_name = bytes_of(keep_text(&room, user), user.size);
    acquaintance->certificate_name = bytes_of(keep_text(&room, certificate), certificate.size);
    return acquaintance;
}

bool core_introduce(
        struct core *core, struct connection *connection, const struct introduction *introduction)
{
    struct extras *extras = extras_of(core, connection);
    struct origin origin;

    if (!extras || !keep_origin(core, &origin, introduction->peer, introduction->ipv4))
        return false;
    assert(!extras->acquaintance);
    extras->acquaintance = acquaintance_new(core, introduction);
    if (!extras->acquaintance) {
        origin_deinit(&origin, &core->memory);
        return false;
    }
    origin_deinit(&connection->origin, &core->memory);
    connection->origin = origin;
    return true;
}

static void connection_free(struct core *core, struct connection *connection)
{
    connection_forget_acquaintance(core, connection);
    hold_free(core, connection);
    list_remove(&connection->output);
    list_remove(&connection->ready);
    timer_stop(&connection->timer);
    buffer_reset(&connection->control, &core->memory);
    extras_free(core, connection);
    origin_deinit(&connection->origin, &core->memory);
    counter_add(&core->counters.sockets, (uint64_t)-1);
    if (connection->counted)
        counter_add(&core->counters.connections, (uint64_t)-1);
    pool_give(&core->connections, connection);
}

/* One that came and went, as those do by which balancers see whether we are alive. */
static void tell_visit(struct core *core, const struct connection *connection)
{
    struct origin_room room;

    journal_tell(&core->journal, EVENT_DEBUG, "connection.ended",
            field_bytes("peer", connection_peer(connection, &room)),
            field_text("reason", "connection_lost"));
}

void core_wait_longer(struct core *core, struct connection *connection, int64_t due_ms)
{
    if (connection->phase == PHASE_EXPECT_CONNECT || connection->phase == PHASE_AUTHENTICATING)
        timer_start(&core->connection_timers, &connection->timer, due_ms);
}

void core_turn_away(struct core *core, struct connection *connection, int64_t now_ms)
{
    static const struct ending told = { .reason = MQTT_UNSPECIFIED_ERROR, .quiet = true };

    core->now_ms = now_ms;
    connection_end(core, connection, &told);
    core_settle(core);
}

void core_close(struct core *core, struct connection *connection, int64_t now_ms)
{
    bool visits = !connection->heard && connection->phase < PHASE_DRAINING;
    const struct ending lost = {
        .reason = MQTT_UNSPECIFIED_ERROR,
        .name = "connection_lost",
        .keep_will = true,
        .quiet = visits,
    };

    core->now_ms = now_ms;
    if (visits)
        tell_visit(core, connection);
    connection_end(core, connection, &lost);
    connection_free(core, connection);
    give_up_place(core);
}

bool core_send_parcel(struct core *core, struct connection *connection, unsigned home, void *parcel)
{
    struct outbox *outbox = core_outbox(core, home);

    if (!outbox_has_room(outbox)) {
        if (!list_linked(&connection->ready))
            list_append(&core->stalled, &connection->ready);
        return false;
    }
    outbox_put(outbox, &(struct mail){ .kind = MAIL_PARCEL, .of.parcel = parcel });
    connection_free(core, connection);
    return true;
}

bool connection_wants_haste(struct connection *connection)
{
    bool haste =
            connection->publishes && connection->acknowledged && !list_linked(&connection->output);

    connection->acknowledged = false;
    return haste;
}

void *connection_link(const struct connection *connection)
{
    return connection->link;
}

bool connection_is_in(const struct connection *connection)
{
    return connection->phase == PHASE_CONNECTED;
}

enum connection_fate connection_fate(const struct connection *connection)
{
    switch ((enum connection_phase)connection->phase) {
    case PHASE_EXPECT_CONNECT:
    case PHASE_ADMITTING:
    case PHASE_AUTHENTICATING:
    case PHASE_HELD:
    case PHASE_CONNECTED:
        return CONNECTION_STAYS;
    case PHASE_DRAINING: /* What is held goes out first, in the time that it has. */
        return hold_is_full(connection) ? CONNECTION_STAYS : CONNECTION_DRAINS;
    case PHASE_DROPPED:
        return CONNECTION_DROPS;
    }
    return CONNECTION_DROPS;
}
