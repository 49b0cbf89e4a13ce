/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/connection.h"

#include "broker/core/authenticate.h"
#include "broker/core/rights.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/will.h"
#include "mqtt/disconnect.h"
#include "mqtt/puback.h"

#include <assert.h>

enum {
    PROPERTY_OVERHEAD = 8, /* lengths and id around one Reason String */
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

uint8_t *connection_control_room(struct core *core, struct connection *connection, size_t size)
{
    uint8_t *room = buffer_room(&connection->control, &core->memory, size);

    if (!room)
        connection_condemn_for_memory(core, connection);
    return room;
}

void connection_control_written(struct core *core, struct connection *connection, size_t size)
{
    connection->control.size += (uint32_t)size;
    counter_add(&core->counters.packets_sent, 1);
    connection_has_output(core, connection);
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

void connection_acknowledge(struct core *core, struct connection *connection, enum mqtt_type type,
        uint16_t packet_id, enum mqtt_reason reason)
{
    struct mqtt_puback packet = { .packet_id = packet_id, .reason = reason };
    size_t size = MQTT_PUBACK_SIZE + 1;
    struct writer out = { 0 };

    /* A failure explains itself; the packet stays within Maximum Packet Size [MQTT5-3.4.2-2]. */
    if (reason >= MQTT_UNSPECIFIED_ERROR && connection->version == MQTT_5_0 &&
            connection->problem_information &&
            add_reason_text(connection, &packet.properties, mqtt_reason_text(reason), size))
        size += PROPERTY_OVERHEAD + packet.properties.reason_string.size;
    out.data = connection_control_room(core, connection, size);
    if (!out.data)
        return;
    out.size = size;
    mqtt_puback_encode(&out, &packet, type, connection->version);
    assert(!out.failed);
    connection_control_written(core, connection, out.used);
}

/* A DISCONNECT, if the client's version has one from the server and it takes packets of that size.
 */
static void say_disconnect(
        struct core *core, struct connection *connection, const struct ending *ending)
{
    struct mqtt_disconnect packet = { .reason = ending->reason };
    uint8_t bytes[REASON_TEXT_SIZE_MAX + PROPERTY_OVERHEAD * 2];
    struct writer out = { .data = bytes, .size = sizeof(bytes) };

    if (ending->text && strlen(ending->text) <= REASON_TEXT_SIZE_MAX)
        add_reason_text(connection, &packet.properties, ending->text, 4);
    mqtt_disconnect_encode(&out, &packet, connection->version);
    assert(!out.failed);
    /* What cannot be said for want of memory is left unsaid. */
    if (buffer_append(&connection->control, &core->memory, writer_written(&out)))
        counter_add(&core->counters.packets_sent, 1);
}

static void tell_ending(
        struct core *core, const struct connection *connection, const struct ending *ending)
{
    const char *reason = ending->name ? ending->name : mqtt_reason_name(ending->reason);
    const char *text = ending->text ? ending->text : "";

    if (connection->session)
        journal_tell(&core->journal, EVENT_INFO, "client.disconnected",
                field_bytes("id", session_id(connection->session)),
                field_bytes("peer", connection_peer_bytes(connection)),
                field_text("reason", reason), field_text("text", text));
    else
        journal_tell(&core->journal, EVENT_INFO, "connection.ended",
                field_bytes("peer", connection_peer_bytes(connection)),
                field_text("reason", reason), field_text("text", text));
}

void connection_end(struct core *core, struct connection *connection, const struct ending *ending)
{
    struct session *session = connection->session;

    if (connection->phase >= PHASE_DRAINING)
        return;
    if (!ending->quiet)
        tell_ending(core, connection, ending);
    if (session && ending->tell && connection->version == MQTT_5_0)
        say_disconnect(core, connection, ending);
    connection->phase = ending->at_once ? PHASE_DROPPED : PHASE_DRAINING;
    connection->waits = 0;
    connection->unread = false;
    pending_suback_free(core, connection);
    buffer_reset(&connection->connect, &core->memory);
    withheld_reset(&connection->withheld, &core->memory);
    authentication_free(core, connection);
    if (session)
        rights_keep(session, connection);
    rights_forget(core, &connection->identity);
    list_remove(&connection->ready);
    timer_start(&core->connection_timers, &connection->timer, core->now_ms + DRAIN_MS);
    connection_has_output(core, connection);
    if (!session)
        return;
    connection->session = NULL;
    if (!ending->keep_will)
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
        connect_refuse_kept(core, connection, reason, text);
    else
        connection_end(core, connection, &ending);
}

void connection_condemn(
        struct core *core, struct connection *connection, const struct ending *sentence)
{
    if (list_linked(&connection->condemned))
        return;
    connection->sentence = sentence;
    list_append(&core->condemned, &connection->condemned);
}

void connection_condemn_for_memory(struct core *core, struct connection *connection)
{
    connection_condemn(core, connection, &no_memory);
}

void connections_end_condemned(struct core *core)
{
    struct list *link;

    while ((link = list_take_first(&core->condemned))) {
        struct connection *connection = container_of(link, struct connection, condemned);

        connection_end(core, connection, connection->sentence);
    }
}

void connection_wait(struct connection *connection)
{
    connection->waits++;
}

void connection_read_on(struct core *core, struct connection *connection)
{
    if (!connection->unread || connection->waits > 0 || connection->withheld.count >= WITHHELD_MAX)
        return;
    connection->unread = false;
    connection->heard_ms = core->now_ms; /* It was we who did not read. */
    if (!list_linked(&connection->ready))
        list_append(&core->ready, &connection->ready);
}

void connection_answered(struct core *core, struct connection *connection)
{
    if (connection->waits == 0 || --connection->waits > 0)
        return;
    pending_suback_send(core, connection);
    connection_read_on(core, connection);
}

void connection_release(struct core *core, struct connection *connection)
{
    struct acknowledgement next;

    while (withheld_take(&connection->withheld, &core->memory, &next))
        connection_acknowledge(core, connection, (enum mqtt_type)next.type, next.packet_id,
                (enum mqtt_reason)next.reason);
    connection_read_on(core, connection);
}

void connection_identify(struct core *core, struct connection *connection, void *identity)
{
    rights_forget(core, &connection->identity);
    connection->identity = identity;
    if (connection->session)
        rights_settle(core, connection->session);
}

bool connection_may(
        const struct core *core, const struct connection *connection, struct access_request request)
{
    request.identity = connection->identity;
    return !core->access.allows || core->access.allows(core->access.context, &request);
}

void connection_keep_alive(struct core *core, struct connection *connection, uint16_t keep_alive_s)
{
    connection->silence_max_ms = keep_alive_s * 1500u;
    connection->heard_ms = core->now_ms;
    if (keep_alive_s > 0)
        timer_start(&core->connection_timers, &connection->timer,
                core->now_ms + connection->silence_max_ms);
    else
        timer_stop(&connection->timer);
}

/* Packets only note the time; the timer, when it is due, looks at the note [MQTT5-3.1.2-22]. */
static void check_silence(struct core *core, struct connection *connection)
{
    static const struct ending silent = { .reason = MQTT_KEEP_ALIVE_TIMEOUT,
        .text = "no packet within one and a half times Keep Alive",
        .tell = true,
        .keep_will = true };

    if (connection->unread || list_linked(&connection->ready))
        connection->heard_ms = core->now_ms; /* It is left unread. */
    if (core->now_ms - connection->heard_ms >= connection->silence_max_ms) {
        connection_end(core, connection, &silent);
        return;
    }
    outgoing_release(&connection->session->outgoing, &core->memory);
    timer_start(&core->connection_timers, &connection->timer,
            connection->heard_ms + connection->silence_max_ms);
}

void connection_timer_due(struct core *core, struct connection *connection)
{
    static const struct ending late = { .reason = MQTT_MAXIMUM_CONNECT_TIME,
        .name = "connect_timeout",
        .text = "no CONNECT, or no end of its authentication, within connect_timeout" };

    switch ((enum connection_phase)connection->phase) {
    case PHASE_EXPECT_CONNECT:
    case PHASE_ADMITTING:
    case PHASE_AUTHENTICATING:
        connection_end(core, connection, &late);
        break;
    case PHASE_CONNECTED:
        check_silence(core, connection);
        break;
    case PHASE_DRAINING:
        connection->phase = PHASE_DROPPED;
        connection_has_output(core, connection);
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

static struct connection *connection_new(
        struct core *core, const struct arrival *arrival, enum mqtt_reason *refusal)
{
    struct connection *connection = pool_take(&core->connections, &core->memory);

    *refusal = MQTT_SERVER_BUSY;
    if (!connection)
        return NULL;
    connection->peer = memory_take(&core->memory, arrival->peer.size + 1);
    if (!connection->peer) {
        pool_give(&core->connections, connection);
        return NULL;
    }
    connection->peer_size = (uint16_t)arrival->peer.size;
    memcpy(connection->peer, arrival->peer.data, arrival->peer.size);
    connection->link = arrival->link;
    connection->listener = arrival->listener;
    connection->moved = arrival->moved;
    connection->packet_max = UINT32_MAX;
    list_init(&connection->output);
    list_init(&connection->condemned);
    list_init(&connection->ready);
    timer_init(&connection->timer);
    aliases_in_init(&connection->aliases_in, 0);
    aliases_out_init(&connection->aliases_out, 0);
    return connection;
}

struct connection *core_accept(
        struct core *core, const struct arrival *arrival, int64_t now_ms, enum mqtt_reason *refusal)
{
    struct connection *connection = NULL;

    core->now_ms = now_ms;
    if (admit_socket(core, arrival, refusal)) {
        connection = connection_new(core, arrival, refusal);
        if (!connection)
            give_up_place(core);
    }
    if (!connection) {
        counter_add(&core->counters.refused_connects, 1);
        journal_tell(&core->journal, EVENT_WARN, "connection.refused",
                field_bytes("peer", arrival->peer),
                field_text("reason", mqtt_reason_name(*refusal)),
                field_text("limit",
                        *refusal == MQTT_QUOTA_EXCEEDED ? "global_max_connections" : "memory"));
        return NULL;
    }
    if (!arrival->moved) {
        counter_add(&core->counters.sockets_opened, 1);
        journal_tell(&core->journal, EVENT_DEBUG, "connection.opened",
                field_bytes("peer", arrival->peer), field_number("port", arrival->listener->port));
    }
    counter_add(&core->counters.sockets, 1);
    timer_start(&core->connection_timers, &connection->timer,
            arrival->accepted_ms + core->settings->connect_timeout_ms);
    return connection;
}

/* ---- Introductions ---- */

void connection_forget_acquaintance(struct core *core, struct connection *connection)
{
    if (connection->acquaintance)
        memory_give(&core->memory, connection->acquaintance, connection->acquaintance->size);
    connection->acquaintance = NULL;
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
    struct bytes user_name = introduction->user_name;
    size_t size = sizeof(struct acquaintance) + version.size + cipher.size + user_name.size + 3;
    struct acquaintance *acquaintance = memory_take(&core->memory, size);
    uint8_t *room;

    if (!acquaintance)
        return NULL;
    room = (uint8_t *)(acquaintance + 1);
    acquaintance->size = size;
    acquaintance->tls_version = (const char *)keep_text(&room, version);
    acquaintance->tls_cipher = (const char *)keep_text(&room, cipher);
    acquaintance->user_name = bytes_of(keep_text(&room, user_name), user_name.size);
    return acquaintance;
}

bool core_introduce(
        struct core *core, struct connection *connection, const struct introduction *introduction)
{
    struct acquaintance *acquaintance = acquaintance_new(core, introduction);
    struct bytes address = introduction->peer;
    uint8_t *peer = memory_take(&core->memory, address.size + 1);

    assert(!connection->acquaintance);
    if (!acquaintance || !peer) {
        if (acquaintance)
            memory_give(&core->memory, acquaintance, acquaintance->size);
        memory_give(&core->memory, peer, address.size + 1);
        return false;
    }
    memcpy(peer, address.data, address.size);
    memory_give(&core->memory, connection->peer, connection->peer_size + 1u);
    connection->peer = peer;
    connection->peer_size = (uint16_t)address.size;
    connection->acquaintance = acquaintance;
    return true;
}

static void connection_free(struct core *core, struct connection *connection)
{
    connection_forget_acquaintance(core, connection);
    list_remove(&connection->output);
    list_remove(&connection->condemned);
    list_remove(&connection->ready);
    timer_stop(&connection->timer);
    buffer_reset(&connection->control, &core->memory);
    aliases_in_deinit(&connection->aliases_in, &core->memory);
    aliases_out_deinit(&connection->aliases_out, &core->memory);
    memory_give(&core->memory, connection->peer, connection->peer_size + 1u);
    counter_add(&core->counters.sockets, (uint64_t)-1);
    if (connection->counted)
        counter_add(&core->counters.connections, (uint64_t)-1);
    pool_give(&core->connections, connection);
}

void core_close(struct core *core, struct connection *connection, int64_t now_ms)
{
    static const struct ending lost = {
        .reason = MQTT_UNSPECIFIED_ERROR, .name = "connection_lost", .keep_will = true
    };

    core->now_ms = now_ms;
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

enum connection_fate connection_fate(const struct connection *connection)
{
    switch ((enum connection_phase)connection->phase) {
    case PHASE_EXPECT_CONNECT:
    case PHASE_ADMITTING:
    case PHASE_AUTHENTICATING:
    case PHASE_CONNECTED:
        return CONNECTION_STAYS;
    case PHASE_DRAINING:
        return CONNECTION_DRAINS;
    case PHASE_DROPPED:
        return CONNECTION_DROPS;
    }
    return CONNECTION_DROPS;
}
