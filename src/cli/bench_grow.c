/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_grow.h"

#include "loop/clock.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"

#include <errno.h>

enum {
    SESSIONS_AT_ONCE = 512, /* that are connected, to be left again */
    FILTERS_AT_ONCE = 128,  /* in one SUBSCRIBE */
    US_PER_MS = 1000,
};

/* ---- Sessions ---- */

static int add_sessions(struct bench_swarm *swarm, uint32_t first, uint32_t end)
{
    swarm->kept = end;
    while (first < end) {
        uint32_t next = end - first > SESSIONS_AT_ONCE ? first + SESSIONS_AT_ONCE : end;
        int result = bench_swarm_connect(swarm, first, next);

        if (result < 0)
            return result;
        bench_swarm_leave(swarm, first, next);
        first = next;
        client_progress_tell(&swarm->progress, first, clock_now_ms() * US_PER_MS);
    }
    return 0;
}

static int end_sessions(struct bench_swarm *swarm, uint32_t end)
{
    for (uint32_t first = 0; first < end; first += SESSIONS_AT_ONCE) {
        uint32_t next = end - first > SESSIONS_AT_ONCE ? first + SESSIONS_AT_ONCE : end;
        int result = bench_swarm_forget(swarm, first, next);

        if (result < 0)
            return result;
    }
    return 0;
}

/* ---- Subscriptions ---- */

/* Writes a SUBSCRIBE of `count` filters of one client, from number `first` on. */
static bool write_subscribe(struct bench_swarm *swarm, const struct bench_plan *plan,
        uint32_t client, uint32_t first, uint32_t count, struct writer *out)
{
    enum mqtt_version version = (enum mqtt_version)swarm->options->version;
    struct writer list = { .data = swarm->input, .size = swarm->buffer_size };
    struct mqtt_subscribe subscribe = { .packet_id = 1 };

    for (uint32_t i = 0; i < count; i++) {
        char text[BENCH_TOPIC_SIZE];
        struct mqtt_subscription subscription = { .qos = plan->qos };

        bench_plan_filter(plan, client, first + i, text);
        subscription.filter = bytes_of_text(text);
        mqtt_subscription_write(&list, &subscription, version);
    }
    subscribe.subscriptions = writer_written(&list);
    mqtt_subscribe_encode(out, &subscribe, version);
    return !list.failed && !out->failed;
}

/* Reads a SUBACK. Returns 1, 0 when not all of it is there yet, or -errno. */
static int take_suback(
        struct bench_swarm *swarm, const struct bench_plan *plan, struct bench_client *client)
{
    struct mqtt_suback suback;
    struct mqtt_header header;
    struct bytes packets;
    struct bytes body;
    int result = bench_swarm_receive(swarm, client, &packets);

    if (result <= 0)
        return result;
    result = bench_swarm_next(swarm, client, &packets, &header, &body);
    if (result == 0)
        return bench_swarm_keep(swarm, client, packets);
    if (result < 0 || header.type != MQTT_SUBACK || packets.size > 0 ||
            mqtt_suback_decode(&suback, MQTT_SUBACK, body,
                    (enum mqtt_version)swarm->options->version) != MQTT_SUCCESS)
        return bench_swarm_fail(swarm, client, -EPROTO, "the server sent no SUBACK");
    for (size_t i = 0; i < suback.codes.size; i++) {
        if (suback.codes.data[i] != plan->qos)
            return bench_swarm_fail(swarm, client, -EPROTO, "the server refused a subscription");
    }
    return 1;
}

/* Subscribes with one client and waits for the answer; the others have nothing to say meanwhile. */
static int subscribe(struct bench_swarm *swarm, const struct bench_plan *plan, uint32_t client,
        uint32_t first, uint32_t count)
{
    struct writer out = { .data = swarm->output, .size = swarm->buffer_size };
    struct bench_client *to = &swarm->clients[client];
    struct poll_event events[BENCH_BATCH];
    int result;

    if (!write_subscribe(swarm, plan, client, first, count, &out))
        return bench_swarm_fail(swarm, to, -EMSGSIZE, "too many filters for one packet");
    result = bench_swarm_send(swarm, to, writer_written(&out));
    while (result == 0) {
        int ready = bench_swarm_wait(swarm, events, -1);

        if (ready < 0)
            return ready;
        for (int i = 0; result == 0 && i < ready; i++)
            result = take_suback(swarm, plan, events[i].owner);
    }
    return result < 0 ? result : 0;
}

/* Each client in turn takes a packet full. */
static int add_subscriptions(
        struct bench_swarm *swarm, const struct bench_plan *plan, uint32_t first, uint32_t end)
{
    int result = 0;

    if (!swarm->clients[0].up)
        result = bench_swarm_connect(swarm, 0, plan->subscribers);
    while (result == 0 && first < end) {
        uint32_t count = end - first > FILTERS_AT_ONCE ? FILTERS_AT_ONCE : end - first;

        result = subscribe(swarm, plan, first / FILTERS_AT_ONCE % plan->subscribers, first, count);
        first += count;
        client_progress_tell(&swarm->progress, first, clock_now_ms() * US_PER_MS);
    }
    return result;
}

int bench_grow(
        struct bench_swarm *swarm, const struct bench_plan *plan, uint32_t first, uint32_t end)
{
    client_progress_init(&swarm->progress, true, end, clock_now_ms() * US_PER_MS);
    switch (plan->scenario->grows) {
    case BENCH_CONNECTIONS:
        return bench_swarm_connect(swarm, first, end);
    case BENCH_SESSIONS:
        return add_sessions(swarm, first, end);
    case BENCH_SUBSCRIPTIONS:
        return add_subscriptions(swarm, plan, first, end);
    }
    return 0;
}

int bench_grow_end(struct bench_swarm *swarm, const struct bench_plan *plan, uint32_t end)
{
    return plan->scenario->grows == BENCH_SESSIONS ? end_sessions(swarm, end) : 0;
}
