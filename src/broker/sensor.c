/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sensor.h"

#include "broker/sensors.h"
#include "broker/shard.h"

#include <assert.h>
#include <errno.h>

static_assert(offsetof(struct sensor, key) <= 126, "an idle device is to cost little");

static size_t put(uint8_t *to, size_t used, const void *from, size_t size)
{
    if (size > 0)
        memcpy(to + used, from, size);
    return used + size;
}

size_t sensor_key(const struct sensor_place *place, uint8_t key[SENSOR_KEY_SIZE_MAX])
{
    const struct address *address = &place->address;
    uint16_t port = address_port(address);
    size_t size = 0;

    key[size++] = place->entrance;
    key[size++] = place->socket;
    key[size++] = place->wrap;
    key[size++] = (uint8_t)address_family(address);
    size = put(key, size, &port, sizeof(port));
    if (address_family(address) == ADDRESS_IPV4) {
        size = put(key, size, &address->socket.v4.sin_addr, 4);
    } else if (address_family(address) == ADDRESS_IPV6) {
        size = put(key, size, &address->socket.v6.sin6_addr, 16);
        size = put(key, size, &address->socket.v6.sin6_scope_id, 4);
    }
    return put(key, size, place->node_id.data, place->node_id.size);
}

struct sensor_place sensor_place(const struct sensor *sensor)
{
    const uint8_t *key = sensor->key;
    enum address_family family = (enum address_family)key[3];
    struct sensor_place place = { .entrance = key[0], .socket = key[1], .wrap = key[2] };
    size_t used = 6;
    uint16_t port;

    memcpy(&port, key + 4, sizeof(port));
    if (family != ADDRESS_ANY)
        place.address = address_from(family, key + used, port);
    if (family == ADDRESS_IPV6)
        memcpy(&place.address.socket.v6.sin6_scope_id, key + used + 16, 4);
    used += family == ADDRESS_IPV4 ? 4 : family == ADDRESS_IPV6 ? 16 + 4 : 0;
    place.node_id = bytes_of(key + used, sensor->key_size - used);
    return place;
}

struct shard *sensor_ear(const struct sensor *sensor)
{
    return &sensors_shard(sensor->client.gateway)->group->shards[sensor->ear_number];
}

struct shard *sensor_home(const struct sensor *sensor)
{
    return sensor->travels ? NULL : sensors_shard(sensor->client.gateway);
}

/* ---- As a stream ---- */

static const struct sensor *sensor_const(const struct stream *stream)
{
    return (const struct sensor *)stream;
}

static int read_packets(struct stream *stream, void *buffer, size_t size)
{
    struct sensor *sensor = (struct sensor *)stream;
    struct gateway_client *client = &sensor->client;
    struct bytes packets = gateway_client_packets(client);

    if (packets.size == 0 && gateway_client_is_over(client))
        return 0;
    if (packets.size == 0)
        return sensor->secured ? sensor->secured->end : -EAGAIN;
    if (packets.size < size)
        size = packets.size;
    memcpy(buffer, packets.data, size);
    gateway_client_consume(client, size);
    return (int)size;
}

static size_t total_size(const struct iovec pieces[], size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += pieces[i].iov_len;
    return size;
}

static int write_packets(struct stream *stream, const struct iovec pieces[], size_t count)
{
    struct sensor *sensor = (struct sensor *)stream;
    bool sleeps = gateway_client_phase(&sensor->client) == GATEWAY_ASLEEP;
    size_t taken = 0;

    /* The server has ended it: whoever sleeps is not told, and learns it when it wakes. */
    if (sleeps && sensor->link->state == LINK_DRAINS)
        return (int)total_size(pieces, count);
    for (size_t i = 0; i < count; i++) {
        struct bytes piece = bytes_of(pieces[i].iov_base, pieces[i].iov_len);
        size_t used = gateway_client_take(&sensor->client, piece, sensor_home(sensor)->now_ms);

        taken += used;
        if (used < piece.size)
            break;
    }
    sensor_arm(sensor);
    return taken > 0 ? (int)taken : -EAGAIN;
}

static int end_writing(struct stream *stream)
{
    (void)stream;
    return 0;
}

static void hurry(struct stream *stream)
{
    (void)stream;
}

static void close_sensor(struct stream *stream, enum stream_end end)
{
    (void)end;
    sensors_close((struct sensor *)stream);
}

/* It has no descriptor, and is told of all that happens. */
static unsigned waits(const struct stream *stream, unsigned wanted)
{
    const struct sensor *sensor = sensor_const(stream);
    const struct gateway_client *client = &sensor->client;
    bool has_news = gateway_client_packets(client).size > 0 || gateway_client_is_over(client) ||
            (sensor->secured && secured_has_news(sensor->secured));

    return wanted & STREAM_IN && has_news ? wanted | STREAM_READY : wanted;
}

static int no_descriptor(const struct stream *stream)
{
    (void)stream;
    return -1;
}

static bool has_dtls(const struct sensor *sensor)
{
    return sensor->secured && sensor->secured->dtls;
}

static const char *failure(const struct stream *stream)
{
    const struct sensor *sensor = sensor_const(stream);
    const struct gateway_client *client = &sensor->client;

    if (gateway_client_phase(client) == GATEWAY_LOST)
        return client->broken ? "memory was short" : "nothing has come from it for too long";
    return has_dtls(sensor) ? dtls_failure(sensor->secured->dtls) : NULL;
}

static void peer(const struct stream *stream, struct stream_peer *out)
{
    const struct sensor *sensor = sensor_const(stream);

    *out = (struct stream_peer){ .preliminary = sensor->secured && !sensor->secured->gone };
    if (has_dtls(sensor))
        dtls_peer(sensor->secured->dtls, out);
    out->address = sensor_place(sensor).address;
}

static const char *objection(struct stream *stream, const struct tls_server *tls)
{
    struct sensor *sensor = (struct sensor *)stream;

    return has_dtls(sensor) ? dtls_objection(sensor->secured->dtls, tls) : NULL;
}

static const struct stream_functions functions = {
    .read = read_packets,
    .write = write_packets,
    .shutdown = end_writing,
    .hasten = hurry,
    .close = close_sensor,
    .waits = waits,
    .fd = no_descriptor,
    .failure = failure,
    .peer = peer,
    .objection = objection,
};

struct sensor *sensor_of(struct stream *stream)
{
    return stream->functions == &functions ? (struct sensor *)stream : NULL;
}

struct dialect sensor_dialect_of(const void *link)
{
    const struct sensor *sensor = sensor_of(((const struct link *)link)->stream);

    if (!sensor)
        return (struct dialect){ 0 };
    return (struct dialect){
        .version = gateway_client_speaks_draft(&sensor->client) ? "SN 2.0" : "SN 1.2",
        .keepalive_s = gateway_client_keep_alive_s(&sensor->client),
    };
}

void sensor_taken_over(void *link)
{
    struct sensor *sensor = sensor_of(((struct link *)link)->stream);

    if (sensor)
        gateway_client_yield(&sensor->client, sensor_home(sensor)->now_ms);
}

/* ---- Its life ---- */

static void send_to_place(void *context, struct bytes datagram)
{
    const struct sensor *sensor = context;
    struct shard *home = sensor_home(sensor);
    struct sensor_place place;

    if (!home)
        return;
    place = sensor_place(sensor);
    sensors_send(home, &place, datagram);
}

struct dtls_port sensor_port(struct sensor *sensor)
{
    return (struct dtls_port){ send_to_place, sensor };
}

/* One that has spoken DTLS hears nothing in the clear. */
void sensor_send(struct gateway_client *client, struct bytes datagram)
{
    struct sensor *sensor = container_of(client, struct sensor, client);

    if (!sensor->secured)
        send_to_place(sensor, datagram);
    else if (sensor->secured->dtls)
        dtls_send(sensor->secured->dtls, datagram);
}

enum mqtt_reason sensor_change_will(struct gateway_client *client, const struct mqtt_will *will)
{
    struct sensor *sensor = container_of(client, struct sensor, client);
    struct shard *home = sensor_home(sensor);

    if (!sensor->link || !sensor->link->connection)
        return MQTT_SERVER_BUSY;
    return core_change_will(home->core, sensor->link->connection, will, home->now_ms);
}

struct bytes sensor_client_id(const struct gateway_client *client)
{
    const struct sensor *sensor = container_of(client, struct sensor, client);

    if (!sensor->link || !sensor->link->connection)
        return (struct bytes){ 0 };
    return connection_client_id(sensor->link->connection);
}

uint32_t sensor_session_expiry_s(const struct gateway_client *client)
{
    const struct sensor *sensor = container_of(client, struct sensor, client);

    return sensor->link && sensor->link->connection
            ? connection_session_expiry_s(sensor->link->connection)
            : 0;
}

void sensor_will_lost(struct gateway_client *client)
{
    sensors_tell_will_lost(sensor_home(container_of(client, struct sensor, client)));
}

/* The key may begin before the end of the struct. */
static size_t sensor_size(size_t key_size)
{
    return offsetof(struct sensor, key) + key_size;
}

struct sensor *sensor_new(struct shard *shard, struct bytes key)
{
    struct sensor *sensor = memory_take_zeroed(&shard->memory, sensor_size(key.size));

    if (!sensor)
        return NULL;
    sensor->stream.functions = &functions;
    sensor->ear_number = sensor->home_number = (uint8_t)shard->number;
    sensor->key_size = (uint16_t)key.size;
    memcpy(sensor->key, key.data, key.size);
    timer_init(&sensor->timer);
    gateway_client_init(&sensor->client, sensors_gateway(shard));
    return sensor;
}

void sensor_free(struct sensor *sensor, const struct memory *memory)
{
    gateway_client_deinit(&sensor->client);
    secured_free(sensor->secured, memory);
    memory_give(memory, sensor, sensor_size(sensor->key_size));
}

void sensor_arm(struct sensor *sensor)
{
    int64_t due_ms = gateway_client_due_ms(&sensor->client);

    if (has_dtls(sensor) && dtls_due_ms(sensor->secured->dtls) < due_ms)
        due_ms = dtls_due_ms(sensor->secured->dtls);
    sensors_note_phase(sensor);
    if (sensor->parts)
        return;
    if (due_ms < INT64_MAX)
        timer_start(sensors_wheel(sensor_home(sensor)), &sensor->timer, due_ms);
    else
        timer_stop(&sensor->timer);
}
