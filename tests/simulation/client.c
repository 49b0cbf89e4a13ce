/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/client.h"

#include "tests/simulation/host.h"
#include "tests/simulation/oracle.h"

#include <assert.h>
#include <stdio.h>

enum {
    UPSTREAM_MAX = 200000, /* bytes that a client lets wait before it writes no more */
    CALM_ANSWERS = 8,
};

static const unsigned versions[] = { 3, 4, 5, 5, 5 };

void client_open(struct client *client, struct world *world, unsigned number)
{
    *client = (struct client){
        .world = world,
        .number = number,
        .version = (uint8_t)versions[draw(&world->random, 5)],
    };
    snprintf(client->id, sizeof(client->id), "client-%u", number);
}

void client_send(struct client *client, struct bytes packet, const struct mark *mark)
{
    if (!client->link || client->link->place == LINK_CLOSED)
        return;
    world_tell(client->world, "client %u sends type %u id %u message %u qos %u filter %u%s",
            client->number, mark->type, mark->id, mark->message, mark->qos, mark->filter,
            mark->dup ? " dup" : "");
    client->spoke_ms = client->world->now_ms;
    host_send(client->world->host, client->link, packet, mark);
}

/* ---- Coming and going ---- */

static void reset_connection(struct client *client)
{
    client->link = NULL;
    client->phase = CLIENT_AWAY;
    client->answer_count = client->received_count = client->counted = client->pings = 0;
    client->unanswered_count[0] = client->unanswered_count[1] = 0;
    memset(client->requests, 0, sizeof(client->requests));
    client->new_came = false;
}

/* What may have made the server end the connection. */
static bool end_has_reason(const struct client *client)
{
    const struct world *world = client->world;
    const struct plan *plan = &world->plan;

    return client->phase == CLIENT_LEAVING || world->host->stopped || plan->memory_refused_in > 0 ||
            world->oracle->shadows[client->number].link != client->link ||
            (plan->limited && plan->settings.queue_full_policy == QUEUE_DISCONNECT) ||
            (client->phase == CLIENT_CALLING && world->now_ms - client->link->opened_ms >= 9900);
}

/* Ended for silence, or for its CONNECT that did not come: that needs its time. */
static bool was_silent(const struct client *client)
{
    return client->keepalive_s > 0 &&
            client->world->now_ms - client->link->used_ms + 100 >=
            client->keepalive_s * INT64_C(1500);
}

void client_lost(struct client *client)
{
    if (was_silent(client))
        world_count(client->world, TALLY_ENDED_KEEP_ALIVE);
    else if (client->link->ended && !end_has_reason(client))
        world_fail(client->world, "client %u: the server closed the connection for no reason",
                client->number);
    if (client->world->host->stopped)
        world_count(client->world, TALLY_ENDED_SHUT_DOWN);
    reset_connection(client);
}

void client_cut(struct client *client)
{
    struct random *random = &client->world->random;
    struct link *link = client->link;
    size_t under_way = pipe_size(&link->up);

    world_count(client->world, TALLY_CUT);
    world_tell(client->world, "client %u cuts link %u", client->number, link->serial);
    reset_connection(client);
    host_cut(client->world->host, link,
            chance(random, 2) ? under_way : draw(random, (uint32_t)under_way + 1));
}

/* The old connection lives on at the server, and what is under way in it still arrives. */
static void abandon(struct client *client)
{
    struct link *link = client->link;

    world_tell(client->world, "client %u abandons link %u", client->number, link->serial);
    if (link->place == LINK_CLOSED) {
        client_cut(client);
    } else {
        link->heard = false;
        reset_connection(client);
    }
    client_connect(client);
}

static void leave(struct client *client)
{
    struct random *random = &client->world->random;
    struct mark mark = { .type = WIRE_DISCONNECT };

    wire_start(&client->draft);
    if (client->version == 5 && chance(random, 2)) {
        mark.reason = chance(random, 3) ? 4 : 0;
        wire_u8(&client->draft, mark.reason);
        wire_properties_start(&client->draft);
        if (client->expiry_s > 0 && chance(random, 2)) {
            mark.has_expiry = true;
            mark.expiry_s = draw(random, 3) * 5;
            wire_u8(&client->draft, WIRE_SESSION_EXPIRY);
            wire_u32(&client->draft, mark.expiry_s);
        }
        wire_properties_end(&client->draft);
    }
    client_send(client, wire_finish(&client->draft, WIRE_DISCONNECT, 0), &mark);
    client->phase = CLIENT_LEAVING;
    world_count(client->world, TALLY_DISCONNECTED);
}

void client_ping(struct client *client)
{
    const struct mark mark = { .type = WIRE_PINGREQ };

    if (client->pings > 2)
        return;
    wire_start(&client->draft);
    client_send(client, wire_finish(&client->draft, WIRE_PINGREQ, 0), &mark);
    client->pings++;
}

void client_forget(struct client *client)
{
    client->sending_count = 0;
    client->holding_count = 0;
    client->counted = 0;
}

/* ---- Acknowledging ---- */

struct holding *client_find_holding(struct client *client, uint16_t id)
{
    for (unsigned h = 0; h < client->holding_count; h++) {
        if (client->holdings[h].id == id)
            return &client->holdings[h];
    }
    return NULL;
}

void client_drop_holding(struct client *client, struct holding *holding)
{
    if (holding->counted)
        client->counted--;
    *holding = client->holdings[--client->holding_count];
}

void client_owe(struct client *client, enum wire_type type, uint16_t id)
{
    assert(client->answer_count < HOLDINGS_MAX * 2);
    client->answers[client->answer_count++] = (struct answer){ id, (uint8_t)type };
}

static void uncount(struct client *client, struct holding *holding)
{
    if (holding->counted)
        client->counted--;
    holding->counted = false;
}

/* Sets what follows for the holding from the answer that goes out. */
static void answer_holding(struct client *client, struct holding *holding, struct mark *mark)
{
    bool refusing = client->version == 5 && client->world->plan.refuses && !client->world->calm &&
            chance(&client->world->random, 10);

    if (mark->type == WIRE_PUBCOMP) {
        holding->state = HOLDING_COMPLETED;
        uncount(client, holding);
        return;
    }
    holding->state = HOLDING_ANSWERED;
    if (refusing) {
        holding->refused = true;
        mark->reason = 0x80;
        world_count(client->world, TALLY_REFUSED_BY_CLIENT);
    }
    if (mark->type == WIRE_PUBACK || refusing)
        uncount(client, holding);
    else
        client->received[client->received_count++] = holding->id;
}

void client_answer(struct client *client)
{
    struct mark mark;
    struct holding *holding;

    if (client->answer_count == 0)
        return;
    mark = (struct mark){ .type = client->answers[0].type, .id = client->answers[0].id };
    memmove(client->answers, client->answers + 1, --client->answer_count * sizeof(struct answer));
    holding = client_find_holding(client, mark.id);
    assert(holding);
    mark.message = holding->message;
    answer_holding(client, holding, &mark);
    wire_start(&client->draft);
    wire_u16(&client->draft, mark.id);
    if (mark.reason)
        wire_u8(&client->draft, mark.reason);
    client_send(client, wire_finish(&client->draft, mark.type, 0), &mark);
}

void client_taken(struct client *client, const struct link *link, const struct mark *mark)
{
    struct holding *holding;

    (void)link;
    if (mark->wrong ||
            (mark->type != WIRE_PUBACK && mark->type != WIRE_PUBREC && mark->type != WIRE_PUBCOMP))
        return;
    holding = client_find_holding(client, mark->id);
    if (!holding)
        return;
    if (mark->type == WIRE_PUBREC && !mark->reason) {
        holding->state = HOLDING_RECEIVED;
        holding->taken_turn = client->world->host->turns;
        return;
    }
    if (!holding->empty && mark->type == WIRE_PUBACK)
        oracle_delivery_done(client->world->oracle, client->number, holding->message, holding->qos);
    client_drop_holding(client, holding);
}

/* ---- Acting ---- */

static void act_up(struct client *client, enum act act)
{
    struct random *random = &client->world->random;

    switch (act) {
    case ACT_PUBLISH:
        client_publish(client);
        break;
    case ACT_SUBSCRIBE:
        client_subscribe(client);
        break;
    case ACT_UNSUBSCRIBE:
        client_unsubscribe(client);
        break;
    case ACT_ACKNOWLEDGE:
        if (!client->lazy)
            client_answer(client);
        break;
    case ACT_PING:
        client_ping(client);
        break;
    case ACT_LEAVE:
        leave(client);
        break;
    case ACT_CUT:
        client_cut(client);
        break;
    case ACT_ABANDON:
        abandon(client);
        break;
    case ACT_MOOD:
        client->keeps_still = chance(random, 4);
        client->lazy = chance(random, 3);
        break;
    case ACT_WRONG:
        client_break_rules(client);
        break;
    case ACT_CONNECT:
    case ACTS:
        break;
    }
}

void client_act(struct client *client)
{
    const struct plan *plan = &client->world->plan;
    enum act act = draw_weighted(&client->world->random, plan->acts, ACTS);

    switch (client->phase) {
    case CLIENT_AWAY:
        if (chance(&client->world->random, 1 + 200u / plan->acts[ACT_CONNECT]))
            client_connect(client);
        break;
    case CLIENT_UP:
        if (pipe_size(&client->link->up) < UPSTREAM_MAX)
            act_up(client, act);
        break;
    case CLIENT_CALLING:
    case CLIENT_LEAVING:
        if (act == ACT_CUT)
            client_cut(client);
        else if (act == ACT_ABANDON)
            abandon(client);
        break;
    }
}

bool client_act_calmly(struct client *client)
{
    int64_t silent_ms = client->world->now_ms - client->spoke_ms;

    client->keeps_still = client->lazy = false;
    if (client->phase == CLIENT_AWAY) {
        client_connect(client);
        return true;
    }
    if (client->phase != CLIENT_UP)
        return true;
    if (client->keepalive_s > 0 && silent_ms >= client->keepalive_s * INT64_C(500))
        client_ping(client);
    for (unsigned i = 0; i < CALM_ANSWERS; i++)
        client_answer(client);
    return client->answer_count > 0 || client->pings > 0;
}

void client_check_rest(const struct client *client)
{
    if (client->sending_count > 0)
        world_fail(client->world, "client %u: message %u (id %u) is not done at rest",
                client->number, client->sendings[0].message, client->sendings[0].id);
    /* A message that has become too large for its receiver is given up without a word. */
    if (client->holding_count > 0 && !client->world->plan.sizes_limited &&
            !client->world->oracle->shadows[client->number].fuzzy)
        world_fail(client->world,
                "client %u: the flow of message %u (id %u, state %u) is not done at rest",
                client->number, client->holdings[0].message, client->holdings[0].id,
                client->holdings[0].state);
    for (unsigned r = 0; r < REQUESTS_MAX; r++) {
        if (client->requests[r].id)
            world_fail(client->world, "client %u: request %u is not answered at rest",
                    client->number, client->requests[r].id);
    }
}
