/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two clients of MQTT-SN, one of them at a listener of 2.0, and a server that say anything at any
 * time: what the translator makes of it are whole packets and whole datagrams, it always comes to
 * rest, and what one client does changes nothing of the other.
 *
 * The input is a row of steps: a byte that says the kind and whose it is, one that says how many
 * bytes follow, and these.
 */
#include "gateway/client.h"
#include "gateway/stranger.h"
#include "mqtt/packet.h"
#include "mqttsn2/packet.h"
#include "tests/fuzz/system_memory.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step { STEP_DATAGRAM, STEP_PACKETS, STEP_TIME, STEP_DRAINED, STEP_ENDED, STEP_READ, STEPS };

enum { MESSAGE_SIZE_MAX = 100, TIME_UNIT_MS = 100, CLIENTS = 2, SESSION_S = 5 };

/* All of a client but its topics, which lie elsewhere. */
struct state {
    struct gateway_client client;
    struct gateway_underway underway; /* where there is one */
};

static void check_packet(struct bytes datagram)
{
    struct mqttsn2_packet packet;

    assert(mqttsn2_packet_read(&packet, datagram, MQTT_FROM_SERVER) == MQTT_SUCCESS);
    assert(datagram.size <= MESSAGE_SIZE_MAX || packet.type == MQTTSN2_CONNACK ||
            packet.type == MQTTSN2_AUTH);
}

static void check_datagram(struct gateway_client *client, struct bytes datagram)
{
    struct mqttsn_message message;

    /* One whose CONNECT is refused has not become one of 2.0. */
    if (client->is_draft || (client->may_draft && datagram.data[1] == MQTTSN2_CONNACK)) {
        check_packet(datagram);
        return;
    }
    assert(datagram.size <= MESSAGE_SIZE_MAX);
    assert(mqttsn_message_read(&message, datagram, MQTT_FROM_SERVER));
}

static enum mqtt_reason take_will(struct gateway_client *client, const struct mqtt_will *will)
{
    (void)client;
    return will && will->topic.size > 8 ? MQTT_NOT_AUTHORIZED : MQTT_SUCCESS;
}

static uint32_t keep_for_a_time(const struct gateway_client *client)
{
    (void)client;
    return SESSION_S;
}

static struct bytes name_it(const struct gateway_client *client)
{
    (void)client;
    return BYTES("clid");
}

static void check_packets(struct bytes packets)
{
    while (packets.size > 0) {
        struct mqtt_header header;

        assert(mqtt_header_read(&header, packets) == MQTT_HEADER_DONE);
        assert(packets.size >= header.size + header.remaining);
        packets = bytes_from(packets, header.size + header.remaining);
    }
}

static void check_stranger(struct bytes datagram, bool speaks_draft)
{
    uint8_t data[GATEWAY_ANSWER_SIZE_MAX];
    struct writer answer = { .data = data, .size = sizeof(data) };
    enum gateway_welcome welcome = gateway_judge_stranger(&answer, datagram, 1, speaks_draft);

    assert((welcome == GATEWAY_ANSWERED || welcome == GATEWAY_REFUSES_DRAFT) == (answer.used > 0));
    assert(!answer.failed);
    /* GWINFO of 2.0 may be one byte larger. */
    assert(answer.used <= datagram.size || (speaks_draft && answer.used == 3));
}

static struct state state_of(const struct gateway_client *client)
{
    struct state state;

    memset(&state, 0, sizeof(state));
    memcpy(&state.client, client, sizeof(*client));
    if (client->underway)
        memcpy(&state.underway, client->underway, sizeof(state.underway));
    return state;
}

static void check_untouched(const struct state *before, const struct gateway_client *client)
{
    struct state after = state_of(client);

    assert(memcmp(before, &after, sizeof(after)) == 0);
}

static void do_step(
        struct gateway_client *client, enum step step, struct bytes bytes, int64_t *now_ms)
{
    switch (step) {
    case STEP_DATAGRAM:
        check_stranger(bytes, client->may_draft);
        gateway_client_receive(client, bytes, *now_ms);
        break;
    case STEP_PACKETS:
        assert(gateway_client_take(client, bytes, *now_ms) <= bytes.size);
        break;
    case STEP_TIME:
        *now_ms += (int64_t)bytes.size * bytes.size * TIME_UNIT_MS;
        gateway_client_tick(client, *now_ms);
        break;
    case STEP_DRAINED:
        if (gateway_client_is_settled(client))
            gateway_client_drained(client, bytes.size, *now_ms);
        break;
    case STEP_ENDED:
        if (bytes.size % 2 == 1)
            gateway_client_yield(client, *now_ms);
        gateway_client_end(client, *now_ms);
        break;
    case STEP_READ:
        check_packets(gateway_client_packets(client));
        gateway_client_consume(client, gateway_client_packets(client).size);
        break;
    case STEPS:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gateway_predefined_topic topics[] = {
        { 5, { 0 }, { (const uint8_t *)"agreed", 6 } },
    };
    struct gateway gateway = { .memory = system_memory(),
        .settings = { .retry_ms = 1000,
                .retries_max = 2,
                .topics_max = 3,
                .message_size_max = MESSAGE_SIZE_MAX,
                .predefined = { topics, 1 } },
        .send = check_datagram,
        .change_will = take_will,
        .client_id = name_it,
        .session_expiry_s = keep_for_a_time };
    struct gateway_client clients[CLIENTS];
    struct bytes rest = bytes_of(data, size);
    int64_t now_ms = 1000;

    gateway_init(&gateway, (struct hash_key){ { 1, 2 } });
    for (size_t i = 0; i < CLIENTS; i++)
        gateway_client_init(&clients[i], &gateway);
    clients[1].may_draft = true;
    while (rest.size >= 2) {
        enum step step = (enum step)(rest.data[0] % STEPS);
        size_t whose = rest.data[0] / STEPS % CLIENTS;
        size_t length = rest.data[1] < rest.size - 2 ? rest.data[1] : rest.size - 2;
        struct state other = state_of(&clients[1 - whose]);

        do_step(&clients[whose], step, bytes_first(bytes_from(rest, 2), length), &now_ms);
        check_untouched(&other, &clients[1 - whose]);
        rest = bytes_from(rest, 2 + length);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        check_packets(gateway_client_packets(&clients[i]));
        assert(!gateway_client_is_over(&clients[i]) ||
                gateway_client_due_ms(&clients[i]) == INT64_MAX);
        gateway_client_deinit(&clients[i]);
    }
    gateway_deinit(&gateway);
    return 0;
}
