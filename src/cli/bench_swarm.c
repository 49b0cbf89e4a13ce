/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_swarm.h"

#include "loop/clock.h"
#include "mqtt/connack.h"
#include "mqtt/connect.h"
#include "mqtt/disconnect.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    READ_MAX = 256 << 10,
    PACKET_OVERHEAD_MAX = 2 * MQTT_TEXT_SIZE_MAX, /* a topic, properties, the fixed header */
    FILES_BESIDES = 64,
    PENDING_MAX =
            32, /* connections that are being opened at once: a slow login has to be in time */
    CONNECT_SIZE_MAX = 2048,
    KEEPALIVE_S = 3600, /* longer than any run: no ping is among what is measured */
};

static_assert(STREAM_IN == (int)POLL_READ && STREAM_OUT == (int)POLL_WRITE, "one set of flags");

static void *take(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void give(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static const struct memory heap = { .take = take, .give = give };

static int fail(struct bench_swarm *swarm, int result, const char *text)
{
    snprintf(swarm->problem, sizeof(swarm->problem), "%s: %s", text, strerror(-result));
    return result;
}

int bench_swarm_fail(
        struct bench_swarm *swarm, const struct bench_client *client, int result, const char *text)
{
    snprintf(
            swarm->problem, sizeof(swarm->problem), "client %" PRIu32 ": %s", client->number, text);
    return result;
}

static int fail_io(struct bench_swarm *swarm, const struct bench_client *client, int result)
{
    const char *text = client->stream ? stream_failure(client->stream) : NULL;

    if (!text)
        text = result == -EPIPE ? "the server ended the connection" : strerror(-result);
    return bench_swarm_fail(swarm, client, result, text);
}

/* Root may go above the hard limit, so that is tried first. */
static void raise_files_limit(uint32_t clients)
{
    rlim_t wanted = (rlim_t)clients + FILES_BESIDES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    if (limit.rlim_max >= wanted) {
        setrlimit(RLIMIT_NOFILE, &limit);
        return;
    }
    if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ wanted, wanted }) < 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int bench_swarm_open(struct bench_swarm *swarm, const struct bench_options *options,
        uint32_t capacity, uint32_t run)
{
    size_t buffer_size = READ_MAX + PACKET_OVERHEAD_MAX + (size_t)options->size;
    int result;

    *swarm = (struct bench_swarm){
        .options = options,
        .capacity = capacity,
        .run = run,
        .buffer_size = buffer_size,
        .deadline_ms = clock_now_ms() + options->limit_s * 1000,
    };
    result = bench_door_open(&swarm->door, options, swarm->problem);
    if (result < 0)
        return result;
    swarm->clients = calloc(capacity, sizeof(*swarm->clients));
    swarm->more = calloc(capacity, sizeof(*swarm->more));
    swarm->input = malloc(buffer_size);
    swarm->output = malloc(buffer_size);
    result = poll_open(&swarm->poll);
    if (result == 0 && (!swarm->clients || !swarm->more || !swarm->input || !swarm->output))
        result = -ENOMEM;
    if (result < 0) {
        bench_swarm_close(swarm);
        return fail(swarm, result, "cannot start");
    }
    raise_files_limit(capacity);
    for (uint32_t i = 0; i < capacity; i++)
        swarm->clients[i].number = i;
    return 0;
}

void bench_swarm_drop(struct bench_swarm *swarm, struct bench_client *client)
{
    if (!client->stream)
        return;
    poll_remove(swarm->poll, stream_fd(client->stream));
    stream_close(client->stream, STREAM_END_CLEAN);
    buffer_reset(&client->in, &heap);
    buffer_reset(&client->out, &heap);
    *client = (struct bench_client){ .number = client->number, .has_more = client->has_more };
}

void bench_swarm_leave(struct bench_swarm *swarm, uint32_t first, uint32_t end)
{
    static const struct mqtt_disconnect goodbye = { .reason = MQTT_SUCCESS };
    enum mqtt_version version = (enum mqtt_version)swarm->options->version;
    uint8_t packet[MQTT_HEADER_SIZE_MAX];

    for (uint32_t i = first; i < end; i++) {
        struct writer out = { .data = packet, .size = sizeof(packet) };

        mqtt_disconnect_encode(&out, &goodbye, version);
        if (swarm->clients[i].up)
            bench_swarm_send(swarm, &swarm->clients[i], writer_written(&out));
        bench_swarm_drop(swarm, &swarm->clients[i]);
    }
}

int bench_swarm_forget(struct bench_swarm *swarm, uint32_t first, uint32_t end)
{
    int result;

    bench_swarm_leave(swarm, first, end);
    swarm->kept = 0; /* a session that begins clean ends the kept one, and ends itself */
    result = bench_swarm_connect(swarm, first, end);
    bench_swarm_leave(swarm, first, end);
    return result;
}

void bench_swarm_close(struct bench_swarm *swarm)
{
    if (swarm->clients)
        bench_swarm_leave(swarm, 0, swarm->capacity);
    poll_close(swarm->poll);
    bench_door_close(&swarm->door);
    free(swarm->clients);
    free(swarm->more);
    free(swarm->input);
    free(swarm->output);
}

/* Tells the poll what a client waits for now, where that has changed. */
static int update_waits(struct bench_swarm *swarm, struct bench_client *client)
{
    unsigned wanted = client->out.size > 0 ? STREAM_IN | STREAM_OUT : STREAM_IN;
    unsigned waits = stream_waits(client->stream, wanted);

    if (waits & STREAM_READY && !client->has_more) {
        client->has_more = true;
        swarm->more[swarm->more_count++] = client->number;
    }
    waits &= POLL_READ | POLL_WRITE;
    if (waits == client->waits)
        return 0;
    client->waits = waits;
    return poll_change(swarm->poll, stream_fd(client->stream), waits, client);
}

int bench_swarm_send(struct bench_swarm *swarm, struct bench_client *client, struct bytes bytes)
{
    int result;

    if (client->out.size == 0) {
        struct iovec piece = stream_piece(bytes);

        result = stream_write(client->stream, &piece, 1);
        if (result < 0 && result != -EAGAIN)
            return fail_io(swarm, client, result);
        bytes = bytes_from(bytes, result > 0 ? (size_t)result : 0);
    }
    if (!buffer_append(&client->out, &heap, bytes))
        return fail_io(swarm, client, -ENOMEM);
    result = update_waits(swarm, client);
    return result < 0 ? fail_io(swarm, client, result) : 0;
}

/* Writes what the socket did not take before. */
static int flush(struct bench_swarm *swarm, struct bench_client *client)
{
    struct iovec piece = stream_piece(buffer_bytes(&client->out));
    int result;

    if (client->out.size == 0 || !client->stream)
        return 0;
    result = stream_write(client->stream, &piece, 1);
    if (result < 0 && result != -EAGAIN)
        return fail_io(swarm, client, result);
    buffer_consume(&client->out, &heap, result > 0 ? (size_t)result : 0);
    result = update_waits(swarm, client);
    return result < 0 ? fail_io(swarm, client, result) : 0;
}

static int send_connect(struct bench_swarm *swarm, struct bench_client *client)
{
    const struct bench_options *options = swarm->options;
    char id[24];
    uint8_t packet[CONNECT_SIZE_MAX];
    struct writer out = { .data = packet, .size = sizeof(packet) };
    struct mqtt_connect connect = {
        .version = (enum mqtt_version)options->version,
        .clean_start = client->number >= swarm->kept,
        .has_user_name = options->user_name,
        .has_password = options->password,
        .keepalive_s = KEEPALIVE_S,
    };

    if (connect.version == MQTT_5_0 && !connect.clean_start) {
        connect.properties.present = mqtt_property_bit(MQTT_SESSION_EXPIRY_INTERVAL);
        connect.properties.session_expiry_s = KEEPALIVE_S;
    }
    snprintf(id, sizeof(id), "b-%08" PRIx32 "-%06" PRIu32, swarm->run, client->number);
    connect.client_id = bytes_of_text(id);
    if (connect.has_user_name)
        connect.user_name = bytes_of_text(options->user_name);
    if (connect.has_password)
        connect.password = bytes_of_text(options->password);
    mqtt_connect_encode(&out, &connect);
    if (out.failed)
        return fail_io(swarm, client, -EMSGSIZE);
    return bench_swarm_send(swarm, client, writer_written(&out));
}

int bench_swarm_begin(struct bench_swarm *swarm, uint32_t number)
{
    struct bench_client *client = &swarm->clients[number];
    int result = bench_door_connect(&swarm->door, number, &client->stream);

    if (result < 0)
        return fail_io(swarm, client, result);
    client->waits = stream_waits(client->stream, STREAM_IN) & (POLL_READ | POLL_WRITE);
    result = poll_add(swarm->poll, stream_fd(client->stream), client->waits, client);
    if (result < 0)
        return fail_io(swarm, client, result);
    return send_connect(swarm, client);
}

/* Takes those of whom poll cannot tell off the list, as events. Returns how many. */
static int take_more(struct bench_swarm *swarm, struct poll_event events[], int max)
{
    int count = 0;

    while (swarm->more_count > 0 && count < max) {
        struct bench_client *client = &swarm->clients[swarm->more[--swarm->more_count]];

        client->has_more = false;
        if (client->stream)
            events[count++] = (struct poll_event){ .owner = client, .ready = POLL_READ };
    }
    return count;
}

int bench_swarm_wait(
        struct bench_swarm *swarm, struct poll_event events[static BENCH_BATCH], int timeout_ms)
{
    int inside = take_more(swarm, events, BENCH_BATCH / 2);
    int count = poll_wait(swarm->poll, events + inside, (size_t)(BENCH_BATCH - inside),
            inside > 0 ? 0 : timeout_ms);

    if (count < 0)
        return fail(swarm, count, "cannot wait");
    if (clock_now_ms() >= swarm->deadline_ms) {
        snprintf(swarm->problem, sizeof(swarm->problem),
                "not done within %" PRId64 " s; see --limit", swarm->options->limit_s);
        return -ETIMEDOUT;
    }
    count += inside;
    for (int i = 0; i < count; i++) {
        int result = flush(swarm, events[i].owner);

        /* A layer may have to write before it can read, and the other way round: both are tried. */
        if (bench_door_has_layers(&swarm->door))
            events[i].ready |= POLL_READ;
        if (result < 0)
            return result;
    }
    return count;
}

int bench_swarm_receive(
        struct bench_swarm *swarm, struct bench_client *client, struct bytes *packets)
{
    size_t kept = client->in.size;
    int result;
    int told;

    if (!client->stream) /* dropped in this batch of events */
        return 0;
    if (kept > 0)
        memcpy(swarm->input, client->in.data, kept);
    result = stream_read(client->stream, swarm->input + kept, READ_MAX);
    if (result <= 0 && result != -EAGAIN)
        return fail_io(swarm, client, result == 0 ? -EPIPE : result);
    told = update_waits(swarm, client);
    if (told < 0)
        return fail_io(swarm, client, told);
    if (result == -EAGAIN)
        return 0;
    buffer_reset(&client->in, &heap);
    *packets = bytes_of(swarm->input, kept + (size_t)result);
    return 1;
}

int bench_swarm_keep(struct bench_swarm *swarm, struct bench_client *client, struct bytes rest)
{
    if (rest.size > swarm->buffer_size - READ_MAX)
        return bench_swarm_fail(swarm, client, -EMSGSIZE, "the server's packet is too large");
    if (!buffer_append(&client->in, &heap, rest))
        return fail_io(swarm, client, -ENOMEM);
    return 0;
}

int bench_swarm_next(struct bench_swarm *swarm, const struct bench_client *client,
        struct bytes *rest, struct mqtt_header *header, struct bytes *body)
{
    switch (mqtt_header_read(header, *rest)) {
    case MQTT_HEADER_PARTIAL:
        return 0;
    case MQTT_HEADER_BAD:
        return bench_swarm_fail(swarm, client, -EPROTO, "the server does not speak MQTT");
    case MQTT_HEADER_DONE:
        break;
    }
    if (rest->size - header->size < header->remaining)
        return 0;
    *body = bytes_first(bytes_from(*rest, header->size), header->remaining);
    *rest = bytes_from(*rest, (size_t)header->size + header->remaining);
    return 1;
}

int bench_swarm_greet(struct bench_swarm *swarm, struct bench_client *client,
        const struct mqtt_header *header, struct bytes body)
{
    enum mqtt_version version = (enum mqtt_version)swarm->options->version;
    struct mqtt_connack connack;

    if (header->type != MQTT_CONNACK || client->up ||
            mqtt_connack_decode(&connack, body, version) != MQTT_SUCCESS)
        return bench_swarm_fail(swarm, client, -EPROTO, "the server sent no CONNACK");
    if (connack.reason != MQTT_SUCCESS)
        return bench_swarm_fail(swarm, client, -ECONNREFUSED, mqtt_reason_text(connack.reason));
    client->up = true;
    client->session_present = connack.session_present;
    client->receive_maximum = BENCH_WINDOW_MAX;
    if (mqtt_properties_have(&connack.properties, MQTT_RECEIVE_MAXIMUM))
        client->receive_maximum = connack.properties.receive_maximum;
    return 0;
}

/* Reads the CONNACK. Returns 1 when the client came up, 0 when it waits on, or -errno. */
static int await_greeting(struct bench_swarm *swarm, struct bench_client *client)
{
    struct mqtt_header header;
    struct bytes packets;
    struct bytes body;
    int result = bench_swarm_receive(swarm, client, &packets);

    if (result <= 0)
        return result;
    result = bench_swarm_next(swarm, client, &packets, &header, &body);
    if (result == 0)
        return bench_swarm_keep(swarm, client, packets);
    if (result == 1)
        result = bench_swarm_greet(swarm, client, &header, body);
    if (result == 0 && packets.size > 0)
        result = bench_swarm_fail(swarm, client, -EPROTO, "more than a CONNACK");
    return result < 0 ? result : 1;
}

int bench_swarm_connect(struct bench_swarm *swarm, uint32_t first, uint32_t end)
{
    struct poll_event events[BENCH_BATCH];
    uint32_t next = first;
    uint32_t up = first;

    while (up < end) {
        int count;

        for (; next < end && next - up < PENDING_MAX; next++) {
            int result = bench_swarm_begin(swarm, next);

            if (result < 0)
                return result;
        }
        count = bench_swarm_wait(swarm, events, -1);
        if (count < 0)
            return count;
        for (int i = 0; i < count; i++) {
            int result = await_greeting(swarm, events[i].owner);

            if (result < 0)
                return result;
            up += (uint32_t)result;
        }
    }
    return 0;
}
