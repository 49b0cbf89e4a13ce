/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "tests/simulation/client.h"
#include "tests/simulation/host.h"
#include "tests/simulation/oracle.h"

#include <assert.h>

enum { PAYLOAD_MIN = 8, PACKET_MAX_MIN = 60, WILL_SIZE = 16 };

#define PICK(random, ...)                                                                          \
    ((const uint32_t[]){ __VA_ARGS__ })[draw(                                                      \
            random, sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))]

/* A message's payload: its number twice, the second time mixed, and bytes that follow from it. */
static void write_payload(struct wire_draft *draft, uint32_t message, uint32_t size)
{
    if (size == 0)
        return;
    assert(size >= PAYLOAD_MIN);
    wire_u32(draft, message);
    wire_u32(draft, (uint32_t)hash_mix(message));
    for (uint32_t i = PAYLOAD_MIN; i < size; i++)
        wire_u8(draft, message + i);
}

/* ---- CONNECT ---- */

static uint32_t draw_will(struct client *client)
{
    struct world *world = client->world;
    uint32_t will = oracle_note_new(world->oracle);

    world->oracle->notes[will] = (struct note){
        .publisher = (uint8_t)client->number,
        .topic = (uint8_t)draw(&world->random, world->plan.mixed ? TOPIC_SERVER : 9),
        .qos = (uint8_t)draw(&world->random, 3),
        .retain = chance(&world->random, 5),
        .will = WILL_ARMED,
        .size = WILL_SIZE,
    };
    return will;
}

static struct call draw_call(struct client *client)
{
    struct world *world = client->world;
    struct random *random = &world->random;
    bool fuzzy = world->oracle->shadows[client->number].fuzzy;
    struct call call = {
        .clean = client->wants_clean || (!world->calm && chance(random, 6)) ||
                (fuzzy && (world->calm || chance(random, 2))),
        .stranger = !world->calm && chance(random, 50),
        .expiry_s = PICK(random, 0, 2, 10, 600, UINT32_MAX),
        .keepalive_s = (uint16_t)(world->plan.keepalive_max_s > 0
                        ? draw(random, world->plan.keepalive_max_s + 1)
                        : 0),
        .will = chance(random, 3) ? draw_will(client) : 0,
        .will_delay_s = PICK(random, 0, 0, 1, 3),
    };

    if (call.clean && chance(random, 3))
        client->version = (uint8_t)PICK(random, 3, 4, 5);
    call.version = client->version;
    if (call.version < 5)
        call.will_delay_s = 0;
    return call;
}

static void write_connect_properties(struct client *client, const struct call *call)
{
    struct wire_draft *draft = &client->draft;

    wire_properties_start(draft);
    if (call->expiry_s > 0) {
        wire_u8(draft, WIRE_SESSION_EXPIRY);
        wire_u32(draft, call->expiry_s);
    }
    if (client->receive_max < UINT16_MAX) {
        wire_u8(draft, WIRE_RECEIVE_MAX);
        wire_u16(draft, client->receive_max);
    }
    if (client->packet_max > 0) {
        wire_u8(draft, WIRE_PACKET_MAX);
        wire_u32(draft, client->packet_max);
    }
    if (client->alias_max > 0) {
        wire_u8(draft, WIRE_ALIAS_MAX);
        wire_u16(draft, client->alias_max);
    }
    wire_properties_end(draft);
}

static void write_will(struct client *client, const struct call *call)
{
    struct wire_draft *draft = &client->draft;
    const struct note *note = &client->world->oracle->notes[call->will];

    if (call->version == 5) {
        wire_properties_start(draft);
        if (call->will_delay_s > 0) {
            wire_u8(draft, WIRE_WILL_DELAY);
            wire_u32(draft, call->will_delay_s);
        }
        wire_properties_end(draft);
    }
    wire_text(draft, names_topic(note->topic));
    wire_u16(draft, note->size);
    write_payload(draft, call->will, note->size);
}

static struct bytes write_connect(struct client *client, const struct call *call)
{
    struct wire_draft *draft = &client->draft;
    const struct note *will = &client->world->oracle->notes[call->will];
    unsigned flags = call->clean ? 2 : 0;

    if (call->will)
        flags |= 4 | (unsigned)will->qos << 3 | (will->retain ? 32 : 0);
    if (call->stranger)
        flags |= 128;
    wire_start(draft);
    wire_text(draft, call->version == 3 ? BYTES("MQIsdp") : BYTES("MQTT"));
    wire_u8(draft, call->version);
    wire_u8(draft, flags);
    wire_u16(draft, call->keepalive_s);
    if (call->version == 5)
        write_connect_properties(client, call);
    wire_text(draft, bytes_of_text(client->id));
    if (call->will)
        write_will(client, call);
    if (call->stranger)
        wire_text(draft, BYTES("stranger"));
    return wire_finish(draft, WIRE_CONNECT, 0);
}

void client_connect(struct client *client)
{
    const struct mark mark = { .type = WIRE_CONNECT };
    struct random *random = &client->world->random;
    struct call call;

    client->link = host_connect(client->world->host, client->number);
    if (!client->link)
        return;
    call = draw_call(client);
    client->phase = CLIENT_CALLING;
    client->receive_max = (uint16_t)PICK(random, 1, 2, 10, UINT16_MAX, UINT16_MAX);
    client->packet_max = client->world->plan.sizes_limited && chance(random, 2)
            ? PACKET_MAX_MIN + draw(random, 300)
            : 0;
    client->alias_max = (uint16_t)PICK(random, 0, 1, 3, ALIASES_MAX);
    client->keepalive_s = call.keepalive_s;
    client->expiry_s = call.expiry_s;
    if (call.version < 5) {
        client->receive_max = client->world->plan.settings.max_inflight_messages;
        client->packet_max = client->alias_max = 0;
    }
    memset(client->alias_topics, TOPICS, sizeof(client->alias_topics));
    memset(client->server_alias_topics, TOPICS, sizeof(client->server_alias_topics));
    client->link->call = call;
    client_send(client, write_connect(client, &call), &mark);
}

/* ---- PUBLISH ---- */

static bool id_is_free(const struct client *client, uint16_t id)
{
    for (unsigned s = 0; s < client->sending_count; s++) {
        if (client->sendings[s].id == id)
            return false;
    }
    for (unsigned r = 0; r < REQUESTS_MAX; r++) {
        if (client->requests[r].id == id)
            return false;
    }
    return true;
}

static uint16_t draw_id(struct client *client)
{
    uint16_t id = (uint16_t)(1 + draw(&client->world->random, CLIENT_PACKET_IDS - 1));

    while (!id_is_free(client, id))
        id = (uint16_t)(id % (CLIENT_PACKET_IDS - 1) + 1);
    return id;
}

/* Sets or uses an alias; the topic to write then. */
static struct bytes draw_alias(struct client *client, unsigned topic, unsigned *alias)
{
    *alias = 0;
    if (client->server_alias_max == 0 || chance(&client->world->random, 3))
        return names_topic(topic);
    *alias = 1 +
            draw(&client->world->random,
                    client->server_alias_max < ALIASES_MAX ? client->server_alias_max
                                                           : ALIASES_MAX);
    if (client->server_alias_topics[*alias] == topic) {
        world_count(client->world, TALLY_ALIAS_SENT);
        return bytes_of(NULL, 0);
    }
    client->server_alias_topics[*alias] = (uint8_t)topic;
    return names_topic(topic);
}

static void write_publish_properties(
        struct wire_draft *draft, const struct note *note, unsigned alias)
{
    wire_properties_start(draft);
    if (alias > 0) {
        wire_u8(draft, WIRE_ALIAS);
        wire_u16(draft, alias);
    }
    if (note->expiry_s > 0) {
        wire_u8(draft, WIRE_MESSAGE_EXPIRY);
        wire_u32(draft, note->expiry_s);
    }
    if (note->size % 3 == 1) {
        wire_u8(draft, WIRE_USER_PROPERTY);
        wire_text(draft, BYTES("name"));
        wire_text(draft, BYTES("value"));
    }
    wire_properties_end(draft);
}

static void send_publish(struct client *client, const struct sending *sending, bool dup)
{
    struct wire_draft *draft = &client->draft;
    struct note *note = &client->world->oracle->notes[sending->message];
    unsigned flags = (unsigned)sending->qos << 1 | (note->retain ? 1 : 0) | (dup ? 8 : 0);
    unsigned alias = 0;
    struct mark mark = {
        .type = WIRE_PUBLISH,
        .id = sending->id,
        .message = sending->message,
        .qos = sending->qos,
        .dup = dup,
    };

    note->sendings++;
    note->stripped |= client->version < 5;
    wire_start(draft);
    if (client->version == 5)
        wire_text(draft, draw_alias(client, note->topic, &alias));
    else
        wire_text(draft, names_topic(note->topic));
    if (sending->qos > 0) {
        wire_u16(draft, sending->id);
        client->unanswered[sending->qos - 1][client->unanswered_count[sending->qos - 1]++] =
                sending->id;
    }
    if (client->version == 5)
        write_publish_properties(draft, note, alias);
    write_payload(draft, sending->message, note->size);
    client_send(client, wire_finish(draft, WIRE_PUBLISH, flags), &mark);
}

static uint32_t draw_message(struct client *client, uint8_t qos)
{
    struct world *world = client->world;
    struct random *random = &world->random;
    uint32_t message = oracle_note_new(world->oracle);
    struct note *note = &world->oracle->notes[message];

    note->publisher = (uint8_t)client->number;
    note->topic = (uint8_t)draw(random, TOPIC_SERVER);
    note->qos = qos;
    note->retain = chance(random, 6);
    note->empty = chance(random, 40);
    note->size = PAYLOAD_MIN + draw(random, chance(random, 6) ? world->plan.payload_max : 30);
    if (note->empty)
        note->size = 0;
    if (client->version == 5 && world->plan.expires && chance(random, 3))
        note->expiry_s = 1 + draw(random, 10);
    return message;
}

void client_publish(struct client *client)
{
    struct world *world = client->world;
    struct sending sending = { .qos = (uint8_t)draw(&world->random, 3) };
    unsigned limit = client->server_receive_max;

    if (limit > SENDINGS_MAX)
        limit = SENDINGS_MAX;
    if (sending.qos > 0 && client->sending_count >= limit)
        return;
    sending.message = draw_message(client, sending.qos);
    world_count(world, TALLY_PUBLISHED_0 + sending.qos);
    if (sending.qos > 0) {
        sending.id = draw_id(client);
        client->sendings[client->sending_count++] = sending;
    }
    send_publish(client, &sending, false);
}

void client_release(struct client *client, uint16_t id)
{
    const struct mark mark = { .type = WIRE_PUBREL, .id = id };

    wire_start(&client->draft);
    wire_u16(&client->draft, id);
    client_send(client, wire_finish(&client->draft, WIRE_PUBREL, 2), &mark);
}

void client_resend(struct client *client)
{
    for (unsigned s = 0; s < client->sending_count; s++) {
        world_count(client->world, TALLY_RESENT);
        if (client->sendings[s].released)
            client_release(client, client->sendings[s].id);
        else
            send_publish(client, &client->sendings[s], true);
    }
}

/* ---- SUBSCRIBE and UNSUBSCRIBE ---- */

static struct request *free_request(struct client *client)
{
    for (unsigned r = 0; r < REQUESTS_MAX; r++) {
        if (client->requests[r].id == 0)
            return &client->requests[r];
    }
    return NULL;
}

/*
 * A client gets a message of the groups' topics in one way only, so that it is known by whose hand:
 * it is a member of one group of a topic at most, and of none where it may listen to everything.
 */
static bool filter_suits(const struct client *client, unsigned filter)
{
    bool mixed = client->world->plan.mixed;

    if (filter == FILTER_ALL)
        return mixed && client->number % 2 == 0;
    if (names_filter_shared(filter) && !client_may_join(client))
        return false;
    return filter < FILTER_SHARED_FIRST + 2 || (filter - client->number) % 2 == 0;
}

static uint8_t draw_filter(struct client *client)
{
    uint8_t filter;

    do {
        filter = (uint8_t)draw(&client->world->random, FILTERS);
    } while (!filter_suits(client, filter));
    return filter;
}

static bool filter_identified(const struct client *client, unsigned filter)
{
    return client->version == 5 && !names_filter_shared(filter) &&
            (filter + client->number) % 3 != 0;
}

static void write_subscription(struct client *client, struct request *request, struct mark *mark)
{
    struct random *random = &client->world->random;
    bool shared = names_filter_shared(mark->filter);

    mark->qos = (uint8_t)draw(random, 3);
    if (shared && mark->qos == 0 && !chance(random, 8))
        mark->qos = (uint8_t)(1 + draw(random, 2));
    if (client->version == 5) {
        mark->no_local = !shared && chance(random, 4);
        mark->retain_as_published = chance(random, 3);
        mark->retain_handling = (uint8_t)draw(random, 3);
    }
    request->filters[request->count] = mark->filter;
    request->qos[request->count++] = mark->qos;
    wire_text(&client->draft, names_filter(mark->filter));
    wire_u8(&client->draft,
            mark->qos | (mark->no_local ? 4u : 0) | (mark->retain_as_published ? 8u : 0) |
                    (unsigned)mark->retain_handling << 4);
}

/* Several filters only where none of them has an identifier, for it would be that of all. */
static unsigned choose_filters(struct client *client, uint8_t *filters)
{
    unsigned wanted = 1 + draw(&client->world->random, REQUEST_FILTERS_MAX);
    unsigned count = 1;

    filters[0] = draw_filter(client);
    while (count < wanted && !filter_identified(client, filters[0])) {
        uint8_t filter = draw_filter(client);

        if (filter_identified(client, filter))
            break;
        filters[count++] = filter;
    }
    return count;
}

void client_subscribe(struct client *client)
{
    struct request *request = free_request(client);
    struct mark marks[REQUEST_FILTERS_MAX];
    uint8_t filters[REQUEST_FILTERS_MAX];
    unsigned count;

    if (!request)
        return;
    count = choose_filters(client, filters);
    *request = (struct request){ .id = draw_id(client), .type = WIRE_SUBSCRIBE };
    wire_start(&client->draft);
    wire_u16(&client->draft, request->id);
    if (client->version == 5) {
        wire_properties_start(&client->draft);
        if (filter_identified(client, filters[0])) {
            wire_u8(&client->draft, WIRE_SUBSCRIPTION_ID);
            wire_varint(&client->draft, filters[0] + 1u);
        }
        wire_properties_end(&client->draft);
    }
    for (unsigned f = 0; f < count; f++) {
        marks[f] = (struct mark){
            .type = WIRE_SUBSCRIBE,
            .id = request->id,
            .filter = filters[f],
            .identified = filter_identified(client, filters[0]),
        };
        write_subscription(client, request, &marks[f]);
    }
    client_send(client, wire_finish(&client->draft, WIRE_SUBSCRIBE, 2), &marks[0]);
    for (unsigned f = 1; f < count; f++)
        host_mark(client->link, &marks[f]);
}

void client_unsubscribe(struct client *client)
{
    struct request *request = free_request(client);
    struct mark mark = { .type = WIRE_UNSUBSCRIBE };

    if (!request)
        return;
    mark.id = draw_id(client);
    mark.filter = draw_filter(client);
    *request = (struct request){
        .id = mark.id, .type = WIRE_UNSUBSCRIBE, .count = 1, .filters = { mark.filter }
    };
    wire_start(&client->draft);
    wire_u16(&client->draft, mark.id);
    if (client->version == 5)
        wire_u8(&client->draft, 0);
    wire_text(&client->draft, names_filter(mark.filter));
    client_send(client, wire_finish(&client->draft, WIRE_UNSUBSCRIBE, 2), &mark);
}

/* ---- What no client may send ---- */

struct wrong {
    enum wire_type type;
    unsigned flags;
    uint8_t size;
    char body[15];
    bool only_5_0;
};

void client_break_rules(struct client *client)
{
    static const struct wrong wrongs[] = {
        { WIRE_CONNECT, 0, 14, "\0\4MQTT\4\2\0\0\0\2xy", false },
        { WIRE_PUBLISH, 6, 9, "\0\1a\0\1data", false },      /* QoS 3 */
        { WIRE_PUBLISH, 0, 9, "\0\3a/#data", false },        /* a wildcard */
        { WIRE_PUBLISH, 2, 6, "\0\1a\0\0\0", false },        /* packet id 0 */
        { WIRE_PUBLISH, 0, 7, "\0\1a\3\x23\xff\xff", true }, /* an alias beyond the limit */
        { WIRE_SUBSCRIBE, 2, 2, "\0\1", false },             /* no filter at all */
        { WIRE_SUBSCRIBE, 0, 7, "\0\1\0\0\1a\0", false },    /* wrong flags */
        { WIRE_SUBACK, 0, 3, "\0\1\0", false },              /* a server's packet */
        { WIRE_PINGREQ, 0, 1, "x", false },
    };
    const struct wrong *wrong;
    struct mark mark = { .wrong = true };

    do {
        wrong = &wrongs[draw(&client->world->random, sizeof(wrongs) / sizeof(wrongs[0]))];
    } while ((wrong->only_5_0 && client->version < 5) ||
            (wrong->type == WIRE_SUBSCRIBE && client->version == 3));
    mark.type = wrong->type;
    wire_start(&client->draft);
    wire_raw(&client->draft, bytes_of(wrong->body, wrong->size));
    client_send(client, wire_finish(&client->draft, wrong->type, wrong->flags), &mark);
    client->phase = CLIENT_LEAVING;
}
