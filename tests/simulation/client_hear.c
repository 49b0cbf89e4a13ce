/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "tests/simulation/client.h"
#include "tests/simulation/host.h"
#include "tests/simulation/oracle.h"

#include <assert.h>
#include <inttypes.h>

#define FAIL(client, ...) world_fail((client)->world, "client " __VA_ARGS__)

/* Memory was short somewhere: nobody knows what the server holds for this client. */
static bool is_fuzzy(const struct client *client)
{
    return client->world->oracle->shadows[client->number].fuzzy;
}

/* False when an older CONNECT of its own came late and has begun another session meanwhile. */
static bool knows_session(const struct client *client)
{
    return client->incarnation == client->world->oracle->shadows[client->number].incarnation;
}

enum { NOBODY_LISTENS = 0x10, FAILURE = 0x80, NO_SUBSCRIPTION = 0x11 };

/* ---- CONNACK ---- */

/* What may go to another member of its group is not waited for any more. */
static void drop_shared_holdings(struct client *client)
{
    for (unsigned h = client->holding_count; h > 0; h--) {
        struct holding *holding = &client->holdings[h - 1];

        holding->counted = false;
        /* After a kill what is at QoS 1 comes under any id. */
        if ((holding->shared || client->robbed_now) && holding->qos == 1)
            client_drop_holding(client, holding);
    }
}

static void learn_limits(struct client *client, const struct wire_packet *packet)
{
    const struct plan *plan = &client->world->plan;

    client->server_receive_max = plan->settings.receive_max;
    client->server_alias_max = 0;
    if (client->version < 5)
        return;
    client->server_receive_max = wire_has(packet, WIRE_RECEIVE_MAX)
            ? (uint16_t)packet->numbers[WIRE_RECEIVE_MAX]
            : UINT16_MAX;
    if (client->server_receive_max != plan->settings.receive_max)
        FAIL(client, "%u was told a Receive Maximum of %u", client->number,
                client->server_receive_max);
    if (wire_has(packet, WIRE_ALIAS_MAX))
        client->server_alias_max = (uint16_t)packet->numbers[WIRE_ALIAS_MAX];
    if (client->server_alias_max != plan->listener.max_topic_alias)
        FAIL(client, "%u was told a Topic Alias Maximum of %u", client->number,
                client->server_alias_max);
}

static void hear_refusal(struct client *client, const struct wire_packet *packet)
{
    bool not_authorized = packet->reason == (client->version == 5 ? 0x87 : 5);

    if (client->link->call.stranger && not_authorized)
        world_count(client->world, TALLY_STRANGER_REFUSED);
    else if (client->world->plan.memory_refused_in == 0 && !client->world->host->stopped)
        FAIL(client, "%u was refused with 0x%02x", client->number, packet->reason);
    client->phase = CLIENT_LEAVING;
}

/* Whether the session goes on as the oracle says; false when the client gives this link up. */
static bool check_resumption(struct client *client, const struct wire_packet *packet)
{
    struct oracle *oracle = client->world->oracle;
    const struct shadow *shadow = &oracle->shadows[client->number];

    /* An older CONNECT that came late has taken the session over, or nobody can tell which session
     * this is. */
    if (shadow->link != client->link ||
            (shadow->resumed == RESUMED_UNSURE &&
                    (client->version == 3 || packet->session_present))) {
        client->wants_clean = true;
        client_cut(client);
        return false;
    }
    if (shadow->resumed == RESUMED_UNSURE)
        oracle_settle(oracle, client->number, packet->session_present);
    else if (client->version > 3 && packet->session_present != (shadow->resumed == RESUMED_YES))
        FAIL(client, "%u was told that its session is %s", client->number,
                packet->session_present ? "present" : "not present");
    if (shadow->resumed == RESUMED_YES)
        world_count(client->world, TALLY_RESUMED);
    return true;
}

static void hear_connack(struct client *client, const struct wire_packet *packet)
{
    const struct shadow *shadow = &client->world->oracle->shadows[client->number];

    if (client->phase != CLIENT_CALLING)
        FAIL(client, "%u got a second CONNACK", client->number);
    if (packet->reason) {
        hear_refusal(client, packet);
        return;
    }
    if (!check_resumption(client, packet))
        return;
    client->phase = CLIENT_UP;
    client->wants_clean = false;
    world_count(client->world, TALLY_CONNECTED);
    world_count(client->world, TALLY_CONNECTED_3_1 + client->version - 3);
    learn_limits(client, packet);
    if (client->incarnation != shadow->incarnation)
        client_forget(client);
    client->incarnation = shadow->incarnation;
    oracle_greeted(client->world->oracle, client->number, client->durable_at);
    drop_shared_holdings(client);
    client->robbed_now = false;
    client->counted = 0;
    client_resend(client);
}

/* ---- PUBLISH ---- */

/* The topic's number, by name or by alias. */
static unsigned hear_topic(struct client *client, const struct wire_packet *packet)
{
    unsigned topic = names_find_topic(packet->topic);
    uint32_t alias = packet->numbers[WIRE_ALIAS];

    if (packet->topic.size > 0 && topic == TOPICS)
        FAIL(client, "%u got a topic that nobody publishes to", client->number);
    if (!wire_has(packet, WIRE_ALIAS))
        return topic;
    if (alias == 0 || alias > client->alias_max ||
            alias > client->world->plan.listener.max_topic_alias_broker)
        FAIL(client, "%u got alias %" PRIu32 " with a maximum of %u", client->number, alias,
                client->alias_max);
    if (packet->topic.size > 0) {
        client->alias_topics[alias] = (uint8_t)topic;
        return topic;
    }
    world_count(client->world, TALLY_ALIAS_RECEIVED);
    if (client->alias_topics[alias] == TOPICS)
        FAIL(client, "%u got alias %" PRIu32 " that was never set", client->number, alias);
    return client->alias_topics[alias];
}

/* The number in the payload; 0 for an empty one. */
static uint32_t hear_payload(struct client *client, struct bytes payload)
{
    uint32_t message = 0;
    uint32_t mixed = 0;

    if (payload.size == 0)
        return 0;
    if (payload.size < 8)
        FAIL(client, "%u got a payload of %zu bytes", client->number, payload.size);
    for (unsigned i = 0; i < 4; i++) {
        message = message << 8 | payload.data[i];
        mixed = mixed << 8 | payload.data[4 + i];
    }
    if (mixed != (uint32_t)hash_mix(message))
        FAIL(client, "%u got a payload that nobody sent", client->number);
    for (size_t i = 8; i < payload.size; i++) {
        if (payload.data[i] != (uint8_t)(message + i))
            FAIL(client, "%u got message %" PRIu32 " changed at byte %zu", client->number, message,
                    i);
    }
    return message;
}

static void count_open(struct client *client, struct holding *holding)
{
    holding->link_serial = client->link->serial;
    holding->counted = true;
    if (++client->counted > client->receive_max)
        FAIL(client, "%u has %u messages open with a Receive Maximum of %u", client->number,
                client->counted, client->receive_max);
    client_owe(client, holding->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, holding->id);
}

/* The same again on a new connection. */
static void hear_repetition(struct client *client, struct holding *holding, uint32_t message,
        const struct wire_packet *packet)
{
    if (!packet->dup)
        FAIL(client, "%u got id %u again for message %" PRIu32 " while message %" PRIu32 " is open",
                client->number, packet->id, message, holding->message);
    if (holding->message != message || holding->qos != packet->qos)
        FAIL(client, "%u got message %" PRIu32 " as a repetition of %" PRIu32 " (id %u)",
                client->number, message, holding->message, packet->id);
    if (holding->state >= HOLDING_RECEIVED && !is_fuzzy(client) && !client->robbed)
        FAIL(client, "%u got message %" PRIu32 " again after its PUBREC was taken", client->number,
                message);
    if (client->new_came)
        FAIL(client, "%u got a repetition (message %" PRIu32 ") after a new message",
                client->number, message);
    world_count(client->world, TALLY_REPEATED);
    holding->state = HOLDING_GOT;
    holding->refused = false;
    count_open(client, holding);
}

static struct holding *hold(
        struct client *client, uint32_t message, unsigned topic, const struct wire_packet *packet)
{
    struct holding *holding = &client->holdings[client->holding_count];

    if (client->holding_count++ == HOLDINGS_MAX)
        FAIL(client, "%u has more than %d messages open", client->number, HOLDINGS_MAX);
    *holding = (struct holding){
        .message = message,
        .id = packet->id,
        .qos = packet->qos,
        .shared = client_may_join(client) &&
                client->world->names.filters_of[topic] >> FILTER_SHARED_FIRST,
        .empty = packet->payload.size == 0,
    };
    return holding;
}

/* A server that was killed does not know what of QoS 1 it has sent. */
static bool is_in_doubt(
        const struct client *client, uint32_t message, const struct wire_packet *packet)
{
    return packet->qos == 1 && message < client->world->oracle->killed_before;
}

/* A message with an id; true when it is the first time. */
static bool hear_flow(
        struct client *client, uint32_t message, unsigned topic, const struct wire_packet *packet)
{
    struct holding *holding = client_find_holding(client, packet->id);

    if (holding && holding->link_serial == client->link->serial)
        FAIL(client,
                "%u got id %u for message %" PRIu32 " while message %" PRIu32
                " has it on this connection",
                client->number, packet->id, message, holding->message);
    if (holding && !packet->dup && holding->message != message &&
            (holding->shared || client->world->plan.sizes_limited)) {
        client_drop_holding(client, holding);
        holding = NULL;
    }
    if (holding) {
        hear_repetition(client, holding, message, packet);
        return false;
    }
    if (packet->dup && knows_session(client) && !is_in_doubt(client, message, packet) &&
            (client->new_came ||
                    client->world->oracle->shadows[client->number].resumed == RESUMED_NO))
        FAIL(client, "%u got DUP on message %" PRIu32 ", which is new", client->number, message);
    client->new_came |= !packet->dup;
    count_open(client, hold(client, message, topic, packet));
    return true;
}

static void hear_publish(struct client *client, const struct wire_packet *packet)
{
    struct oracle *oracle = client->world->oracle;
    unsigned topic = hear_topic(client, packet);
    uint32_t message = hear_payload(client, packet->payload);

    world_tell(client->world, "client %u hears message %" PRIu32 " topic %u qos %u id %u%s%s",
            client->number, message, topic, packet->qos, packet->id, packet->dup ? " dup" : "",
            packet->retain ? " retain" : "");
    if (message > 0 && (message >= oracle->note_count || oracle->notes[message].topic != topic))
        FAIL(client, "%u got message %" PRIu32 " on topic %u", client->number, message, topic);
    if (message == 0 && !oracle->cleared[topic])
        FAIL(client, "%u got an empty message on topic %u", client->number, topic);
    if (packet->qos > 0 && !hear_flow(client, message, topic, packet))
        return;
    if (message > 0 && knows_session(client))
        oracle_received(oracle, client->number, message, packet, client->durable_at);
}

/* The server has not kept that this was done: it is told again. */
static struct holding *hold_released(struct client *client, uint16_t id)
{
    struct holding *holding = &client->holdings[client->holding_count++];

    assert(client->holding_count <= HOLDINGS_MAX);
    *holding = (struct holding){ .id = id, .qos = 2, .state = HOLDING_RECEIVED, .empty = true };
    return holding;
}

static void hear_pubrel(struct client *client, const struct wire_packet *packet)
{
    struct holding *holding = client_find_holding(client, packet->id);
    bool again = holding && holding->link_serial != client->link->serial;

    if (is_fuzzy(client) && (!holding || holding->state < HOLDING_RECEIVED))
        return;
    if (!holding && client->robbed)
        holding = hold_released(client, packet->id);
    if (!holding || holding->qos != 2 || holding->state < HOLDING_RECEIVED ||
            (!again && holding->state != HOLDING_RECEIVED))
        FAIL(client, "%u got PUBREL %u, which it does not wait for (state %d)", client->number,
                packet->id, holding ? holding->state : -1);
    for (unsigned r = 0; r < client->received_count; r++) {
        if (client->received[r] != packet->id)
            continue;
        if (r > 0)
            FAIL(client, "%u got PUBREL %u before %u", client->number, packet->id,
                    client->received[0]);
        memmove(client->received, client->received + 1,
                --client->received_count * sizeof(client->received[0]));
    }
    if (!again && knows_session(client))
        oracle_released(client->world->oracle, client->number, packet->id, holding->taken_turn,
                client->durable_at);
    holding->link_serial = client->link->serial;
    holding->state = HOLDING_RELEASED;
    client_owe(client, WIRE_PUBCOMP, packet->id);
}

/* ---- Answers to what the client sent ---- */

static struct sending *find_sending(struct client *client, uint16_t id)
{
    for (unsigned s = 0; s < client->sending_count; s++) {
        if (client->sendings[s].id == id)
            return &client->sendings[s];
    }
    return NULL;
}

static void drop_sending(struct client *client, struct sending *sending)
{
    size_t at = (size_t)(sending - client->sendings);

    memmove(sending, sending + 1, (--client->sending_count - at) * sizeof(*sending));
}

/* 0x10 says that nobody listened; it is neither said wrongly nor left out. */
static void check_reason(
        struct client *client, const struct note *note, const struct wire_packet *packet)
{
    const struct plan *plan = &client->world->plan;

    if (packet->reason == NOBODY_LISTENS)
        world_count(client->world, TALLY_NOBODY_LISTENED);
    if (packet->reason >= FAILURE && !plan->limited && plan->memory_refused_in == 0)
        FAIL(client, "%u was refused a message with 0x%02x", client->number, packet->reason);
    if (client->version < 5 || note->instances != 1 || note->sendings != 1 ||
            plan->memory_refused_in > 0)
        return;
    if (packet->reason == NOBODY_LISTENS && note->matched)
        FAIL(client, "%u was told that nobody listened", client->number);
    if (packet->reason == 0 && !note->may_match)
        FAIL(client, "%u was not told that nobody listened", client->number);
}

static void hear_acknowledgement(struct client *client, const struct wire_packet *packet)
{
    unsigned qos = packet->type == WIRE_PUBACK ? 1 : 2;
    struct sending *sending = find_sending(client, packet->id);
    uint16_t *unanswered = client->unanswered[qos - 1];

    if (!sending || sending->qos != qos || sending->released)
        FAIL(client, "%u got an acknowledgement for id %u, which it does not wait for",
                client->number, packet->id);
    if (client->unanswered_count[qos - 1] == 0 || unanswered[0] != packet->id)
        FAIL(client, "%u got the acknowledgement of id %u out of order", client->number,
                packet->id);
    memmove(unanswered, unanswered + 1, --client->unanswered_count[qos - 1] * sizeof(*unanswered));
    check_reason(client, &client->world->oracle->notes[sending->message], packet);
    oracle_acknowledged(
            client->world->oracle, sending->message, packet->reason < FAILURE, client->durable_at);
    if (qos == 1 || packet->reason >= FAILURE) {
        drop_sending(client, sending);
        return;
    }
    sending->released = true;
    if (client->phase == CLIENT_UP)
        client_release(client, packet->id);
}

static void hear_pubcomp(struct client *client, const struct wire_packet *packet)
{
    struct sending *sending = find_sending(client, packet->id);

    if (!sending || !sending->released)
        FAIL(client, "%u got PUBCOMP %u, which it does not wait for", client->number, packet->id);
    if (packet->reason && client->world->plan.memory_refused_in == 0 && knows_session(client) &&
            client->world->oracle->shadows[client->number].resumed == RESUMED_NO)
        FAIL(client, "%u got PUBCOMP %u with 0x%02x", client->number, packet->id, packet->reason);
    if (knows_session(client))
        oracle_completed(client->world->oracle, client->number, packet->id, client->durable_at);
    drop_sending(client, sending);
}

/* Another SUBSCRIBE or UNSUBSCRIBE of that filter is under way. */
static bool is_asked_again(
        const struct client *client, const struct request *request, uint8_t filter)
{
    for (unsigned r = 0; r < REQUESTS_MAX; r++) {
        const struct request *other = &client->requests[r];

        for (unsigned f = 0; other != request && other->id && f < other->count; f++) {
            if (other->filters[f] == filter)
                return true;
        }
    }
    return false;
}

static void check_grant(
        struct client *client, const struct request *request, unsigned f, uint8_t code)
{
    if (code == request->qos[f]) {
        if (!knows_session(client))
            return;
        oracle_granted(client->world->oracle, client->number, request->filters[f],
                is_asked_again(client, request, request->filters[f]) ? UINT64_MAX
                                                                     : client->durable_at);
        return;
    }
    /* In 3.1 a failure looks like a grant of QoS 0. */
    if (client->world->plan.memory_refused_in == 0)
        FAIL(client, "%u asked for QoS %u and got 0x%02x", client->number, request->qos[f], code);
    client->world->oracle->shadows[client->number].fuzzy = true;
}

static void check_ungrant(struct client *client, uint8_t code)
{
    if (code == 0 || code == NO_SUBSCRIPTION)
        return;
    if (client->world->plan.memory_refused_in == 0)
        FAIL(client, "%u got 0x%02x for UNSUBSCRIBE", client->number, code);
    client->world->oracle->shadows[client->number].fuzzy = true;
}

static void hear_answer(struct client *client, const struct wire_packet *packet)
{
    struct request *request = NULL;
    uint8_t type = packet->type == WIRE_SUBACK ? WIRE_SUBSCRIBE : WIRE_UNSUBSCRIBE;

    for (unsigned r = 0; r < REQUESTS_MAX; r++) {
        if (client->requests[r].id == packet->id && client->requests[r].type == type)
            request = &client->requests[r];
    }
    if (!request)
        FAIL(client, "%u got an answer to request %u, which it did not make", client->number,
                packet->id);
    if ((type == WIRE_SUBSCRIBE || client->version == 5) && packet->codes.size != request->count)
        FAIL(client, "%u got %zu codes for %u filters", client->number, packet->codes.size,
                request->count);
    for (unsigned c = 0; c < packet->codes.size; c++) {
        if (type == WIRE_SUBSCRIBE)
            check_grant(client, request, c, packet->codes.data[c]);
        else
            check_ungrant(client, packet->codes.data[c]);
    }
    request->id = 0;
}

static void hear_disconnect(struct client *client, const struct wire_packet *packet)
{
    const struct world *world = client->world;
    const struct plan *plan = &world->plan;
    bool excused = client->phase == CLIENT_LEAVING || plan->memory_refused_in > 0;

    switch (packet->reason) {
    case 0x8d: /* keep alive timeout */
        excused |= client->keepalive_s > 0 &&
                world->now_ms - client->link->used_ms + 100 >= client->keepalive_s * INT64_C(1500);
        break;
    case 0x8e: /* taken over */
        excused |= world->oracle->shadows[client->number].link != client->link;
        break;
    case 0x97: /* quota exceeded */
        excused |= plan->limited && plan->settings.queue_full_policy == QUEUE_DISCONNECT;
        world_count(client->world, TALLY_ENDED_QUEUE_FULL);
        break;
    case 0x8b: /* server shutting down */
        excused |= world->host->stopped;
        break;
    default:
        break;
    }
    if (!excused)
        FAIL(client, "%u was disconnected with 0x%02x", client->number, packet->reason);
    if (client->phase == CLIENT_UP)
        client->phase = CLIENT_LEAVING;
}

static void hear_packet(struct client *client, const struct wire_packet *packet)
{
    if (client->packet_max > 0 && packet->size > client->packet_max)
        FAIL(client, "%u got a packet of %zu bytes with a maximum of %" PRIu32, client->number,
                packet->size, client->packet_max);
    if (client->phase == CLIENT_CALLING && packet->type != WIRE_CONNACK)
        FAIL(client, "%u got a packet before CONNACK", client->number);
    switch (packet->type) {
    case WIRE_CONNACK:
        hear_connack(client, packet);
        break;
    case WIRE_PUBLISH:
        hear_publish(client, packet);
        break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
        hear_acknowledgement(client, packet);
        break;
    case WIRE_PUBREL:
        hear_pubrel(client, packet);
        break;
    case WIRE_PUBCOMP:
        hear_pubcomp(client, packet);
        break;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK:
        hear_answer(client, packet);
        break;
    case WIRE_PINGRESP:
        if (client->pings-- == 0)
            FAIL(client, "%u got a PINGRESP that it did not ask for", client->number);
        break;
    case WIRE_DISCONNECT:
        hear_disconnect(client, packet);
        break;
    case WIRE_CONNECT:
    case WIRE_SUBSCRIBE:
    case WIRE_UNSUBSCRIBE:
    case WIRE_PINGREQ:
        break;
    }
}

size_t client_hear(struct client *client, struct bytes in)
{
    const struct link *link = client->link;
    size_t heard = 0;
    struct wire_packet packet;

    while (client->link == link && heard < in.size) {
        switch (wire_read(&packet, bytes_from(in, heard), client->version)) {
        case WIRE_MORE:
            return heard;
        case WIRE_BAD:
            FAIL(client, "%u cannot read a packet of type %u", client->number, in.data[heard] >> 4);
        case WIRE_READ:
            client->durable_at = host_durable_at(link, link->down.taken + heard + packet.size);
            hear_packet(client, &packet);
            heard += packet.size;
            break;
        }
    }
    return heard;
}
