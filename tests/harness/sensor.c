/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/sensor.h"

#include "base/hash.h"
#include "base/list.h"
#include "gateway/stranger.h"
#include "mqttsn2/ping.h"
#include "tests/harness/notation.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_SIZE_MAX = 1024,
    INBOX_MAX = 256, /* datagrams that a test has not taken */
    ROUNDS_MAX = 100000,
};

struct datagram_in {
    uint8_t *data;
    size_t size;
};

struct sensor {
    struct air *air;
    struct sensor *next;
    bool known; /* the gateway has a client at its address */
    struct gateway_client client;
    struct peer *peer;
    struct buffer held; /* packets that the client has not taken */
    struct datagram_in inbox[INBOX_MAX];
    size_t inbox_size;
    struct datagram_in taken;
};

/* ---- The network ---- */

/* True in so many of a hundred cases as there is trouble. */
static bool strikes(struct air *air)
{
    air->luck = hash_mix(air->luck + 1);
    return air->luck % 100 < air->trouble;
}

/* ---- What the gateway calls ---- */

static void put_in(struct sensor *sensor, struct bytes datagram)
{
    struct datagram_in *place = &sensor->inbox[sensor->inbox_size++];

    assert_true(sensor->inbox_size <= INBOX_MAX);
    place->size = datagram.size;
    place->data = malloc(datagram.size);
    assert_non_null(place->data);
    memcpy(place->data, datagram.data, datagram.size);
    server_note(sensor->air->server, "    datagram to a sensor, type %02x, %zu bytes",
            datagram.size > 1 ? datagram.data[1] : 0u, datagram.size);
}

static void deliver(struct sensor *sensor, struct bytes datagram)
{
    if (strikes(sensor->air))
        return;
    put_in(sensor, datagram);
    if (strikes(sensor->air))
        put_in(sensor, datagram);
}

static void send_datagram(struct gateway_client *client, struct bytes datagram)
{
    deliver(container_of(client, struct sensor, client), datagram);
}

static enum mqtt_reason change_will(struct gateway_client *client, const struct mqtt_will *will)
{
    struct sensor *sensor = container_of(client, struct sensor, client);

    return peer_changes_will(sensor->peer, will);
}

static struct bytes client_id(const struct gateway_client *client)
{
    const struct sensor *sensor = container_of(client, const struct sensor, client);

    return sensor->peer ? peer_client_id(sensor->peer) : (struct bytes){ 0 };
}

static uint32_t session_expiry_s(const struct gateway_client *client)
{
    const struct sensor *sensor = container_of(client, const struct sensor, client);

    return sensor->peer ? peer_session_expiry_s(sensor->peer) : 0;
}

/* ---- Between client and core ---- */

static bool give_packets(struct sensor *sensor)
{
    struct bytes packets = gateway_client_packets(&sensor->client);

    if (packets.size == 0 || !sensor->peer || !peer_is_open(sensor->peer))
        return false;
    /* Copied by the peer before the server does anything. */
    peer_send_bytes(sensor->peer, packets);
    gateway_client_consume(&sensor->client, packets.size);
    return true;
}

static bool take_packets(struct sensor *sensor)
{
    const struct memory *memory = &sensor->air->server->memory.memory;
    int64_t now_ms = sensor->air->server->now_ms;
    size_t used;

    if (!gateway_client_takes(&sensor->client)) {
        /* A link tries, and keeps what is not taken. */
        if (peer_backlog(sensor->peer) > 0 && sensor_phase(sensor) == GATEWAY_ASLEEP)
            assert_int_equal(gateway_client_take(&sensor->client, BYTES("\x30"), now_ms), 0);
        peer_stop_reading(sensor->peer);
        return false;
    }
    peer_read_on(sensor->peer);
    if (sensor->held.size == 0)
        assert_true(buffer_append(&sensor->held, memory, peer_take(sensor->peer)));
    used = gateway_client_take(&sensor->client, buffer_bytes(&sensor->held), now_ms);
    buffer_consume(&sensor->held, memory, used);
    return used > 0;
}

static bool drain(struct sensor *sensor)
{
    uint64_t waiting = sensor->held.size + peer_untaken(sensor->peer) > 0
            ? MQTTSN2_REMAINING_SOME
            : peer_backlog(sensor->peer);

    if (!gateway_client_is_settled(&sensor->client) ||
            (waiting > 0 && !gateway_client_is_sated(&sensor->client)))
        return false;
    gateway_client_drained(&sensor->client, waiting, sensor->air->server->now_ms);
    return true;
}

static void forget_client(struct sensor *sensor)
{
    if (!sensor->known)
        return;
    give_packets(sensor);
    gateway_client_deinit(&sensor->client);
    buffer_reset(&sensor->held, &sensor->air->server->memory.memory);
    if (sensor->peer && peer_is_open(sensor->peer))
        peer_cut(sensor->peer);
    sensor->peer = NULL;
    sensor->known = false;
}

/* True when something has happened. */
static bool pump_sensor(struct sensor *sensor)
{
    bool moved;

    if (!sensor->known)
        return false;
    moved = give_packets(sensor);
    moved = take_packets(sensor) || moved;
    if (!moved)
        moved = drain(sensor);
    if (!moved && !peer_is_open(sensor->peer) && !gateway_client_is_over(&sensor->client)) {
        gateway_client_end(&sensor->client, sensor->air->server->now_ms);
        moved = true;
    }
    if (!moved && gateway_client_is_over(&sensor->client))
        forget_client(sensor);
    return moved;
}

static void pump(struct air *air)
{
    bool moved = true;

    for (unsigned rounds = 0; moved; rounds++) {
        assert_true(rounds < ROUNDS_MAX);
        moved = false;
        server_run(air->server);
        for (struct sensor *sensor = air->sensors; sensor; sensor = sensor->next)
            moved |= pump_sensor(sensor);
    }
}

/* ---- The air ---- */

static void take_over(void *context, struct peer *peer)
{
    struct air *air = context;

    for (struct sensor *sensor = air->sensors; sensor; sensor = sensor->next) {
        if (sensor->known && sensor->peer == peer)
            gateway_client_yield(&sensor->client, air->server->now_ms);
    }
}

struct air *air_new(struct server *server)
{
    struct air *air = calloc(1, sizeof(*air));

    assert_non_null(air);
    air->server = server;
    air->gateway = (struct gateway){
        .memory = server->memory.memory,
        .settings = { .retry_ms = 10000,
                .retries_max = 3,
                .topics_max = 16,
                .message_size_max = 1400 },
        .send = send_datagram,
        .change_will = change_will,
        .client_id = client_id,
        .session_expiry_s = session_expiry_s,
    };
    gateway_init(&air->gateway, (struct hash_key){ { 1, 2 } });
    server->taken_over = take_over;
    server->taken_over_context = air;
    return air;
}

static void sensor_free(struct sensor *sensor)
{
    forget_client(sensor);
    for (size_t i = 0; i < sensor->inbox_size; i++)
        free(sensor->inbox[i].data);
    free(sensor->taken.data);
    free(sensor);
}

void air_end(struct air *air)
{
    struct sensor *next;

    pump(air);
    for (struct sensor *sensor = air->sensors; sensor; sensor = next) {
        next = sensor->next;
        sensor_free(sensor);
    }
    gateway_deinit(&air->gateway);
    air->server->taken_over = NULL;
    free(air);
}

static int64_t next_due_ms(const struct air *air)
{
    int64_t due_ms = INT64_MAX;

    for (const struct sensor *sensor = air->sensors; sensor; sensor = sensor->next) {
        if (sensor->known && gateway_client_due_ms(&sensor->client) < due_ms)
            due_ms = gateway_client_due_ms(&sensor->client);
    }
    return due_ms;
}

void air_advance(struct air *air, int64_t ms)
{
    int64_t until_ms = air->server->now_ms + ms;

    while (air->server->now_ms < until_ms) {
        int64_t due_ms = next_due_ms(air);
        int64_t to_ms = due_ms < until_ms ? due_ms : until_ms;

        if (to_ms > air->server->now_ms)
            clock_advance(air->server, to_ms - air->server->now_ms);
        for (struct sensor *sensor = air->sensors; sensor; sensor = sensor->next) {
            if (sensor->known)
                gateway_client_tick(&sensor->client, air->server->now_ms);
        }
        pump(air);
    }
}

struct sensor *sensor_new(struct air *air)
{
    struct sensor *sensor = calloc(1, sizeof(*sensor));

    assert_non_null(sensor);
    sensor->air = air;
    sensor->next = air->sensors;
    air->sensors = sensor;
    return sensor;
}

/* ---- Datagrams ---- */

static void begin_client(struct sensor *sensor)
{
    forget_client(sensor);
    gateway_client_init(&sensor->client, &sensor->air->gateway);
    sensor->client.may_draft = sensor->air->speaks_draft;
    sensor->peer = peer_open(sensor->air->server);
    sensor->known = true;
}

/* The gateway's own connection says it. */
static void speak(struct air *air, struct bytes datagram, bool is_draft)
{
    if (!air->voice) {
        air->voice = sensor_new(air);
        begin_client(air->voice);
        gateway_client_receive(
                &air->voice->client, BYTES("\x06\x04\x04\x01\0\0"), air->server->now_ms);
    }
    if (is_draft)
        gateway_client_speak(&air->voice->client, datagram);
    else
        gateway_client_receive(&air->voice->client, datagram, air->server->now_ms);
}

static void receive_stranger(struct sensor *sensor, struct bytes datagram)
{
    uint8_t data[GATEWAY_ANSWER_SIZE_MAX];
    struct writer answer = { .data = data, .size = sizeof(data) };

    switch (gateway_judge_stranger(
            &answer, datagram, SENSOR_GATEWAY_ID, sensor->air->speaks_draft)) {
    case GATEWAY_IGNORED:
        break;
    case GATEWAY_REFUSES_DRAFT:
    case GATEWAY_ANSWERED:
        assert_true(answer.used <= datagram.size || datagram.data[1] == MQTTSN2_SEARCHGW);
        deliver(sensor, writer_written(&answer));
        break;
    case GATEWAY_JOINS:
    case GATEWAY_JOINS_LARGE:
        begin_client(sensor);
        assert_true(gateway_client_receive(&sensor->client, datagram, sensor->air->server->now_ms));
        break;
    case GATEWAY_SPEAKS:
        speak(sensor->air, datagram, false);
        break;
    case GATEWAY_SPEAKS_DRAFT:
        speak(sensor->air, datagram, true);
        break;
    }
}

static void arrive(struct sensor *sensor, struct bytes datagram)
{
    int64_t now_ms = sensor->air->server->now_ms;

    server_note(sensor->air->server, "sensor sends type %02x, %zu bytes",
            datagram.size > 1 ? datagram.data[1] : 0u, datagram.size);
    if (!sensor->known || !gateway_client_receive(&sensor->client, datagram, now_ms)) {
        forget_client(sensor);
        receive_stranger(sensor, datagram);
    }
    pump(sensor->air);
}

void sensor_send_bytes(struct sensor *sensor, struct bytes datagram)
{
    if (strikes(sensor->air))
        return;
    arrive(sensor, datagram);
    if (strikes(sensor->air))
        arrive(sensor, datagram);
}

static struct notation read_text(const char *format, va_list arguments)
        __attribute__((format(printf, 1, 0)));
static struct notation read_text(const char *format, va_list arguments)
{
    char text[TEXT_SIZE_MAX];

    assert_true(vsnprintf(text, sizeof(text), format, arguments) < (int)sizeof(text));
    return notation_read(text);
}

void sensor_send(struct sensor *sensor, const char *format, ...)
{
    struct notation datagram;
    va_list arguments;

    va_start(arguments, format);
    datagram = read_text(format, arguments);
    va_end(arguments);
    sensor_send_bytes(sensor, notation_bytes(&datagram));
}

struct bytes sensor_take(struct sensor *sensor)
{
    free(sensor->taken.data);
    sensor->taken = (struct datagram_in){ 0 };
    if (sensor->inbox_size == 0)
        return (struct bytes){ 0 };
    sensor->taken = sensor->inbox[0];
    sensor->inbox_size--;
    memmove(sensor->inbox, sensor->inbox + 1, sensor->inbox_size * sizeof(sensor->inbox[0]));
    return bytes_of(sensor->taken.data, sensor->taken.size);
}

static void describe(struct bytes datagram, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < datagram.size && 3 * i + 4 < size; i++)
        snprintf(text + 3 * i, 4, "%02x ", datagram.data[i]);
}

void sensor_expect_at(const char *file, int line, struct sensor *sensor, const char *format, ...)
{
    struct notation_scope scope = { 0 };
    char text[TEXT_SIZE_MAX];
    char came[TEXT_SIZE_MAX];
    const char *rest = text;
    va_list arguments;

    va_start(arguments, format);
    assert_true(vsnprintf(text, sizeof(text), format, arguments) < (int)sizeof(text));
    va_end(arguments);
    pump(sensor->air);
    while (*rest != '\0') {
        const char *wanted = rest;
        struct bytes datagram = sensor_take(sensor);

        if (notation_fits(datagram, &rest, &scope) == NOTATION_FITS)
            continue;
        describe(datagram, came, sizeof(came));
        server_fail(sensor->air->server, file, line, "expected %s\n     got %s", wanted,
                datagram.size > 0 ? came : "nothing");
    }
}

void sensor_expect_nothing_at(const char *file, int line, struct sensor *sensor)
{
    char came[TEXT_SIZE_MAX];

    pump(sensor->air);
    if (sensor->inbox_size == 0)
        return;
    describe(sensor_take(sensor), came, sizeof(came));
    server_fail(sensor->air->server, file, line, "expected nothing\n     got %s", came);
}

struct sensor *sensor_connected_at(const char *file, int line, struct air *air, const char *id)
{
    struct sensor *sensor = sensor_new(air);

    sensor_send(sensor, "%02x 04 04 01 003C '%s'", (unsigned)(6 + strlen(id)), id);
    sensor_expect_at(file, line, sensor, "03 05 00");
    return sensor;
}

enum gateway_phase sensor_phase(const struct sensor *sensor)
{
    return sensor->known ? gateway_client_phase(&sensor->client) : GATEWAY_NEW;
}
