/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_connect.h"

#include "loop/clock.h"
#include "mqtt/disconnect.h"

#include <errno.h>
#include <stdlib.h>

enum { NS_PER_US = 1000 };

struct storm {
    struct bench_swarm *swarm;
    struct bench_histogram *latency;
    int64_t *begun_ns; /* of each client */
    uint32_t to_begin;
    uint32_t to_end;
};

static int begin(struct storm *storm, uint32_t number)
{
    if (storm->to_begin == 0)
        return 0;
    storm->to_begin--;
    storm->begun_ns[number] = clock_now_ns();
    return bench_swarm_begin(storm->swarm, number);
}

static int say_goodbye(struct storm *storm, struct bench_client *client)
{
    static const struct mqtt_disconnect goodbye = { .reason = MQTT_SUCCESS };
    uint8_t packet[MQTT_HEADER_SIZE_MAX];
    struct writer out = { .data = packet, .size = sizeof(packet) };

    mqtt_disconnect_encode(&out, &goodbye, (enum mqtt_version)storm->swarm->options->version);
    return bench_swarm_send(storm->swarm, client, writer_written(&out));
}

static int take_connack(struct storm *storm, struct bench_client *client, struct bytes packets)
{
    struct mqtt_header header;
    struct bytes body;
    int result = bench_swarm_next(storm->swarm, client, &packets, &header, &body);

    if (result == 0)
        return bench_swarm_keep(storm->swarm, client, packets);
    if (result == 1)
        result = bench_swarm_greet(storm->swarm, client, &header, body);
    if (result < 0)
        return result;
    bench_histogram_add(storm->latency, clock_now_ns() - storm->begun_ns[client->number]);
    return say_goodbye(storm, client);
}

static int serve(struct storm *storm, struct bench_client *client)
{
    bool up = client->up;
    struct bytes packets;
    int result = bench_swarm_receive(storm->swarm, client, &packets);

    if (up && (result == -EPIPE || result == -ECONNRESET)) {
        bench_swarm_drop(storm->swarm, client);
        storm->to_end--;
        client_progress_tell(
                &storm->swarm->progress, storm->latency->count, clock_now_ns() / NS_PER_US);
        return begin(storm, client->number);
    }
    if (result == 1 && up)
        return bench_swarm_fail(storm->swarm, client, -EPROTO, "more than a CONNACK");
    return result == 1 ? take_connack(storm, client, packets) : result;
}

static int run(struct storm *storm)
{
    struct poll_event events[BENCH_BATCH];

    for (uint32_t i = 0; i < storm->swarm->capacity; i++) {
        int result = begin(storm, i);

        if (result < 0)
            return result;
    }
    while (storm->to_end > 0) {
        int count = bench_swarm_wait(storm->swarm, events, -1);

        if (count < 0)
            return count;
        for (int i = 0; i < count; i++) {
            int result = events[i].ready & POLL_READ ? serve(storm, events[i].owner) : 0;

            if (result < 0)
                return result;
        }
    }
    return 0;
}

int bench_connect_run(struct bench_swarm *swarm, uint32_t count, struct bench_histogram *latency)
{
    struct storm storm = {
        .swarm = swarm,
        .latency = latency,
        .begun_ns = calloc(swarm->capacity, sizeof(*storm.begun_ns)),
        .to_begin = count,
        .to_end = count,
    };
    int result;

    client_progress_init(&swarm->progress, true, count, clock_now_ns() / NS_PER_US);
    result = storm.begun_ns ? run(&storm) : -ENOMEM;

    free(storm.begun_ns);
    return result;
}
