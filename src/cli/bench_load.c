/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_load.h"

#include "loop/clock.h"
#include "mqtt/field.h"
#include "mqtt/ping.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HEAD_SIZE_MAX = 160,
    CHUNK_SIZE = 64 << 10, /* what one publisher writes in one turn at most */
    SPIN_NS = 1000000,     /* nearer than that, the next message is awaited without sleeping */
    LOOK_NS = 50000,       /* of the open loop: so often is sent what is due, while much is read */
    TURN_MS = 100,
    SECOND_NS = 1000000000,
    NS_PER_US = 1000,
};

static enum mqtt_version version_of(const struct bench_load *load)
{
    return load->letterhead.version;
}

/* Writes the start of each channel's PUBLISH. */
static int write_heads(struct bench_load *load)
{
    const struct bench_plan *plan = load->plan;
    struct writer out = { .size = (size_t)plan->channels * HEAD_SIZE_MAX };

    load->heads = malloc(out.size);
    load->head_ends = calloc(plan->channels, sizeof(*load->head_ends));
    if (!load->heads || !load->head_ends)
        return -ENOMEM;
    out.data = load->heads;
    for (uint32_t i = 0; i < plan->channels; i++) {
        char topic[BENCH_TOPIC_SIZE];
        struct mqtt_publish publish = {
            .qos = load->letterhead.qos,
            .retain = load->letterhead.retain,
            .packet_id = 1, /* replaced in each message */
            .payload = bytes_of(NULL, load->letterhead.payload_size),
        };

        bench_plan_topic(plan, i, topic);
        publish.topic = bytes_of_text(topic);
        mqtt_publish_head_encode(&out, &publish, version_of(load));
        load->head_ends[i] = (uint32_t)out.used;
    }
    load->letterhead.heads = load->heads;
    load->letterhead.head_ends = load->head_ends;
    return out.failed ? -EMSGSIZE : 0;
}

static int make_tally(struct bench_load *load)
{
    const struct bench_plan *plan = load->plan;
    bool *wanted = calloc(plan->channels, sizeof(*wanted));
    int result;

    if (!wanted)
        return -ENOMEM;
    result = bench_tally_init(
            &load->tally, plan->subscribers, plan->channels, plan->scenario->shared);
    for (uint32_t i = 0; result == 0 && i < plan->subscribers; i++) {
        bench_plan_match(plan, i, wanted);
        result = bench_tally_want(&load->tally, i, wanted);
    }
    free(wanted);
    return result;
}

static int make_publishers(struct bench_load *load)
{
    uint32_t count = load->plan->publishers;

    load->publishers = calloc(count, sizeof(*load->publishers));
    load->queue = calloc(count, sizeof(*load->queue));
    if (!load->publishers || !load->queue)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct bench_client *client = &load->swarm->clients[load->plan->subscribers + i];
        uint32_t window = load->plan->window;
        int result;

        if (window > client->receive_maximum)
            window = client->receive_maximum;
        load->publishers[i].client = client;
        load->publishers[i].channel = i;
        result = bench_publisher_init(&load->publishers[i], window);
        if (result < 0)
            return result;
    }
    return 0;
}

int bench_load_open(
        struct bench_load *load, struct bench_swarm *swarm, const struct bench_plan *plan)
{
    const struct bench_options *options = swarm->options;
    uint32_t subscribers = plan->subscribers;
    int result;

    *load = (struct bench_load){
        .swarm = swarm,
        .plan = plan,
        .letterhead = {
            .version = (enum mqtt_version)options->version,
            .qos = plan->qos,
            .retain = plan->scenario->kind == BENCH_RETAINED,
            .payload_size = (size_t)options->size,
        },
        .quota = options->seconds > 0 ? UINT64_MAX : plan->count,
    };
    result = bench_swarm_connect(swarm, 0, subscribers);
    if (result == 0)
        result = bench_swarm_connect(swarm, subscribers, subscribers + plan->publishers);
    if (result < 0)
        return result;
    result = write_heads(load);
    if (result == 0)
        result = make_tally(load);
    if (result == 0)
        result = make_publishers(load);
    return result < 0 ? bench_swarm_fail(swarm, swarm->clients, result, "cannot make ready") : 0;
}

void bench_load_close(struct bench_load *load)
{
    for (uint32_t i = 0; load->publishers && i < load->plan->publishers; i++)
        bench_publisher_deinit(&load->publishers[i]);
    bench_tally_deinit(&load->tally);
    free(load->publishers);
    free(load->queue);
    free(load->heads);
    free(load->head_ends);
}

/* Puts a publisher into the list of those that may have something to send. */
static void enqueue(struct bench_load *load, struct bench_publisher *publisher)
{
    if (publisher->queued)
        return;
    publisher->queued = true;
    load->queue[load->queue_count++] = (uint32_t)(publisher - load->publishers);
}

/* When message k of all is to be sent, in the open loop. */
static int64_t due_ns(const struct bench_load *load, uint64_t k)
{
    uint64_t rate = (uint64_t)load->plan->rate;

    /* In two parts, so that the product stays small. */
    return load->started_ns + (int64_t)(k / rate * SECOND_NS + k % rate * SECOND_NS / rate);
}

static bool published_all(const struct bench_load *load)
{
    return load->tally.sent >= load->quota;
}

/* Lets go what may be sent by now: by the clock in the open loop, else all at once. */
static void release(struct bench_load *load, int64_t now_ns)
{
    uint32_t count = load->plan->publishers;

    if (load->stop_ns != 0 && now_ns >= load->stop_ns && !published_all(load)) {
        load->quota = load->tally.sent;
        return;
    }
    if (load->plan->rate > 0) {
        for (; load->released < load->quota && due_ns(load, load->released) <= now_ns;
                load->released++) {
            struct bench_publisher *publisher = &load->publishers[load->released % count];

            publisher->released++;
            enqueue(load, publisher);
        }
    } else if (load->released < load->quota) {
        load->released = load->quota;
        for (uint32_t i = 0; i < count; i++) {
            load->publishers[i].released = load->quota / count + (i < load->quota % count);
            enqueue(load, &load->publishers[i]);
        }
    }
}

/* Of the open loop: what is due is gathered until the publisher may write again. */
static bool is_paced(
        const struct bench_load *load, const struct bench_publisher *publisher, int64_t now_ns)
{
    int64_t pace_ns = load->swarm->options->pace_us * NS_PER_US;

    return load->plan->rate > 0 && publisher->wrote_ns > now_ns - pace_ns;
}

static bool may_send(const struct bench_load *load, const struct bench_publisher *publisher)
{
    uint64_t targets = load->tally.channels[publisher->channel].targets;

    if (publisher->sent >= publisher->released || published_all(load))
        return false;
    if (load->letterhead.qos > 0 && publisher->free_count == 0)
        return false;
    if (load->plan->rate > 0 || !load->waits_for_deliveries)
        return true;
    return publisher->under_way <= (publisher->window - 1) * (targets > 0 ? targets : 1);
}

/* Writes the next message of a publisher. */
static void write_message(struct bench_load *load, struct bench_publisher *publisher,
        struct writer *out, int64_t now_ns)
{
    uint32_t publishers = load->plan->publishers;
    uint32_t channel = publisher->channel;
    uint64_t place = publisher->sent * publishers + (uint64_t)(publisher - load->publishers);
    struct bench_stamp stamp = {
        .channel = channel,
        .number = bench_tally_send(&load->tally, channel),
        .time_ns = load->plan->rate > 0 ? due_ns(load, place) : now_ns,
    };

    bench_publisher_write(publisher, out, &load->letterhead, &stamp);
    publisher->sent++;
    publisher->under_way += load->tally.channels[channel].targets;
    load->unacknowledged += load->letterhead.qos > 0;
    publisher->channel += publishers;
    if (publisher->channel >= load->plan->channels)
        publisher->channel %= publishers;
}

/* Sends what one publisher may send, in one write. Returns 0, or -errno. */
static int pump(struct bench_load *load, struct bench_publisher *publisher, int64_t now_ns)
{
    size_t message_size = HEAD_SIZE_MAX + load->letterhead.payload_size;
    struct writer out = { .data = load->swarm->output, .size = load->swarm->buffer_size };

    if (publisher->client->out.size > 0) /* back in the list when the socket has taken it */
        return 0;
    if (is_paced(load, publisher, now_ns)) {
        if (may_send(load, publisher))
            enqueue(load, publisher);
        return 0;
    }
    while (may_send(load, publisher) && out.used < CHUNK_SIZE &&
            out.size - out.used >= message_size)
        write_message(load, publisher, &out, now_ns);
    if (may_send(load, publisher))
        enqueue(load, publisher);
    if (out.used == 0)
        return 0;
    publisher->wrote_ns = now_ns;
    return bench_swarm_send(load->swarm, publisher->client, writer_written(&out));
}

static int pump_all(struct bench_load *load, int64_t now_ns)
{
    uint32_t count = load->queue_count;
    int result = 0;

    /* pump() may put a publisher into the list again: behind those of this turn. */
    load->queue_count = 0;
    for (uint32_t i = 0; result == 0 && i < count; i++) {
        struct bench_publisher *publisher = &load->publishers[load->queue[i]];

        publisher->queued = false;
        result = pump(load, publisher, now_ns);
    }
    return result;
}

/* Sends what may be sent by now. Returns 0, or -errno. */
static int send_due(struct bench_load *load, int64_t now_ns)
{
    if (load->publishing)
        release(load, now_ns);
    return pump_all(load, now_ns);
}

static int refuse(struct bench_load *load, const struct bench_client *client, enum mqtt_type type)
{
    char text[64];

    snprintf(text, sizeof(text), "a %s that does not fit", mqtt_type_name(type));
    return bench_swarm_fail(load->swarm, client, -EPROTO, text);
}

/*
 * Takes a delivery. The packet is read here and not by mqtt_publish_decode(), for this side must
 * cost less than the server, and whether topics are valid UTF-8 is not what is measured.
 */
static int take_delivery(struct bench_load *load, const struct bench_client *client,
        const struct mqtt_header *header, struct bytes body, int64_t now_ns, struct writer *out)
{
    struct reader in = { .rest = body };
    uint8_t qos = header->flags >> 1 & 3;
    struct bench_stamp stamp;
    uint16_t id = 0;

    reader_bytes(&in, reader_u16(&in));
    if (qos > 0)
        id = reader_u16(&in);
    if (version_of(load) == MQTT_5_0)
        reader_bytes(&in, mqtt_varint_read(&in));
    if (in.failed || client->number >= load->plan->subscribers)
        return refuse(load, client, MQTT_PUBLISH);
    if (qos > 0)
        mqtt_puback_brief_encode(
                out, qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, id, MQTT_SUCCESS, version_of(load));
    load->progress_ns = now_ns;
    if (in.rest.size < sizeof(stamp)) {
        load->tally.unexpected++;
        return 0;
    }
    memcpy(&stamp, in.rest.data, sizeof(stamp));
    if (bench_tally_receive(&load->tally, client->number, stamp.channel, stamp.number)) {
        struct bench_publisher *publisher =
                &load->publishers[stamp.channel % load->plan->publishers];

        bench_histogram_add(&load->latency, now_ns - stamp.time_ns);
        publisher->under_way--;
        enqueue(load, publisher);
    }
    return 0;
}

static int take_acknowledgement(struct bench_load *load, const struct bench_client *client,
        enum mqtt_type type, struct bytes body, int64_t now_ns, struct writer *out)
{
    uint32_t index = client->number - load->plan->subscribers;
    int result = -EPROTO;

    if (client->number >= load->plan->subscribers)
        result = bench_publisher_acknowledge(
                &load->publishers[index], out, type, body, &load->letterhead);
    if (result < 0)
        return refuse(load, client, type);
    load->progress_ns = now_ns;
    load->unacknowledged -= (uint64_t)result;
    if (result == 1)
        enqueue(load, &load->publishers[index]);
    return 0;
}

/* Answers the second half of a QoS 2 delivery. */
static int take_release(struct bench_load *load, const struct bench_client *client,
        struct bytes body, struct writer *out)
{
    struct mqtt_puback pubrel;

    if (mqtt_puback_decode(&pubrel, MQTT_PUBREL, body, version_of(load), MQTT_FROM_SERVER) !=
            MQTT_SUCCESS)
        return refuse(load, client, MQTT_PUBREL);
    mqtt_puback_brief_encode(out, MQTT_PUBCOMP, pubrel.packet_id, MQTT_SUCCESS, version_of(load));
    return 0;
}

static int take_suback(
        struct bench_load *load, const struct bench_client *client, struct bytes body)
{
    struct mqtt_suback suback;

    if (load->subacks_awaited == 0 ||
            mqtt_suback_decode(&suback, MQTT_SUBACK, body, version_of(load)) != MQTT_SUCCESS ||
            suback.codes.size != load->plan->filters)
        return refuse(load, client, MQTT_SUBACK);
    for (size_t i = 0; i < suback.codes.size; i++) {
        if (suback.codes.data[i] != load->letterhead.qos)
            return bench_swarm_fail(
                    load->swarm, client, -EPROTO, "the server refused a subscription or its QoS");
    }
    load->subacks_awaited--;
    return 0;
}

/* Greets a subscriber that has come again. */
static int take_connack(struct bench_load *load, const struct bench_client *client,
        const struct mqtt_header *header, struct bytes body)
{
    int result;

    if (load->connacks_awaited == 0)
        return refuse(load, client, MQTT_CONNACK);
    result = bench_swarm_greet(load->swarm, &load->swarm->clients[client->number], header, body);
    if (result == 0 && !client->session_present)
        result = bench_swarm_fail(
                load->swarm, client, -EPROTO, "the server has forgotten the session");
    load->connacks_awaited--;
    return result;
}

static int take_packet(struct bench_load *load, const struct bench_client *client,
        const struct mqtt_header *header, struct bytes body, int64_t now_ns, struct writer *out)
{
    switch (header->type) {
    case MQTT_PUBLISH:
        return take_delivery(load, client, header, body, now_ns, out);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBCOMP:
        return take_acknowledgement(load, client, header->type, body, now_ns, out);
    case MQTT_PUBREL:
        return take_release(load, client, body, out);
    case MQTT_SUBACK:
        return take_suback(load, client, body);
    case MQTT_PINGRESP:
        load->pongs_awaited -= load->pongs_awaited > 0;
        return 0;
    case MQTT_CONNACK:
        return take_connack(load, client, header, body);
    case MQTT_CONNECT:
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
    case MQTT_UNSUBACK:
    case MQTT_PINGREQ:
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        break;
    }
    return refuse(load, client, header->type);
}

/* Reads one client and answers all that it got in one write. Returns 0, or -errno. */
static int serve(struct bench_load *load, struct bench_client *client)
{
    /* An answer is never longer than what it answers, so there is room for all. */
    struct writer out = { .data = load->swarm->output, .size = load->swarm->buffer_size };
    struct mqtt_header header;
    struct bytes packets;
    struct bytes body;
    int64_t now_ns;
    int result = bench_swarm_receive(load->swarm, client, &packets);

    if (result <= 0)
        return result;
    now_ns = clock_now_ns();
    while ((result = bench_swarm_next(load->swarm, client, &packets, &header, &body)) == 1) {
        result = take_packet(load, client, &header, body, now_ns, &out);
        if (result < 0)
            return result;
    }
    if (result < 0)
        return result;
    result = bench_swarm_keep(load->swarm, client, packets);
    if (result == 0 && out.used > 0)
        result = bench_swarm_send(load->swarm, client, writer_written(&out));
    return result;
}

/* How long this turn may wait: until the next message is due, in the open loop. */
static int timeout_ms(const struct bench_load *load, int64_t now_ns)
{
    int64_t wait_ns;

    if (load->queue_count > 0)
        return 0;
    if (load->plan->rate == 0 || load->released >= load->quota)
        return TURN_MS;
    wait_ns = due_ns(load, load->released) - now_ns;
    if (wait_ns < SPIN_NS)
        return 0;
    return wait_ns / SPIN_NS < TURN_MS ? (int)(wait_ns / SPIN_NS) : TURN_MS;
}

/*
 * In the open loop, sends what has become due since `*sent_ns`: much that comes at once, as after a
 * pause of the server, is no reason to send late and then more at a time. Returns 0, or -errno.
 */
static int keep_pace(struct bench_load *load, int64_t *sent_ns)
{
    int64_t now_ns;

    if (!load->publishing || load->plan->rate == 0)
        return 0;
    now_ns = clock_now_ns();
    if (now_ns - *sent_ns < LOOK_NS)
        return 0;
    *sent_ns = now_ns;
    return send_due(load, now_ns);
}

/* Waits for what comes, and reads all that is ready. Returns 0, or -errno. */
static int serve_all(struct bench_load *load, int64_t now_ns)
{
    struct poll_event events[BENCH_BATCH];
    int count = bench_swarm_wait(load->swarm, events, timeout_ms(load, now_ns));

    for (int i = 0; i < count; i++) {
        struct bench_client *client = events[i].owner;
        int result = events[i].ready & POLL_READ ? serve(load, client) : 0;

        if (result == 0)
            result = keep_pace(load, &now_ns);
        if (result < 0)
            return result;
        if (events[i].ready & POLL_WRITE && client->number >= load->plan->subscribers)
            enqueue(load, &load->publishers[client->number - load->plan->subscribers]);
    }
    return count < 0 ? count : 0;
}

static bool is_delivered(const struct bench_load *load)
{
    return bench_tally_lost(&load->tally) == 0;
}

static bool is_published(const struct bench_load *load)
{
    return published_all(load) && load->unacknowledged == 0 &&
            (!load->waits_for_deliveries || is_delivered(load));
}

static bool is_greeted(const struct bench_load *load)
{
    return load->connacks_awaited == 0;
}

static bool is_granted(const struct bench_load *load)
{
    return load->subacks_awaited == 0;
}

static bool is_settled(const struct bench_load *load)
{
    return load->pongs_awaited == 0 && load->unacknowledged == 0;
}

/* Something was sent and not all of the answer came for too long: it will not come any more. */
static bool is_stalled(const struct bench_load *load, int64_t now_ns)
{
    bool waits_for_deliveries = load->waits_for_deliveries && !is_delivered(load);

    return (load->unacknowledged > 0 || waits_for_deliveries) &&
            now_ns - load->progress_ns > load->swarm->options->timeout_s * SECOND_NS;
}

/* What is worth telling while it runs: deliveries, or messages sent where nobody is there. */
static uint64_t work_done(const struct bench_load *load)
{
    return load->waits_for_deliveries ? load->tally.delivered : load->tally.sent;
}

/* Turns until `done`, a stall, or the deadline; the tally tells what a stall has left out. */
static int run_until(struct bench_load *load, bool (*done)(const struct bench_load *load))
{
    load->progress_ns = clock_now_ns();
    client_progress_init(&load->swarm->progress, true, 0, load->progress_ns / NS_PER_US);
    for (;;) {
        int64_t now_ns = clock_now_ns();
        int result;

        result = send_due(load, now_ns);
        if (result < 0 || done(load) || is_stalled(load, now_ns))
            return result;
        result = serve_all(load, now_ns);
        if (result < 0)
            return result;
        client_progress_tell(&load->swarm->progress, work_done(load), now_ns / NS_PER_US);
    }
}

static int send_subscribe(struct bench_load *load, uint32_t subscriber)
{
    struct bench_swarm *swarm = load->swarm;
    struct writer list = { .data = swarm->input, .size = swarm->buffer_size };
    struct writer out = { .data = swarm->output, .size = swarm->buffer_size };
    struct mqtt_subscribe subscribe = { .packet_id = 1 };

    for (uint32_t i = 0; i < load->plan->filters; i++) {
        char text[BENCH_TOPIC_SIZE];
        struct mqtt_subscription subscription = { .qos = load->letterhead.qos };

        bench_plan_filter(load->plan, subscriber, i, text);
        subscription.filter = bytes_of_text(text);
        mqtt_subscription_write(&list, &subscription, version_of(load));
    }
    subscribe.subscriptions = writer_written(&list);
    mqtt_subscribe_encode(&out, &subscribe, version_of(load));
    if (list.failed || out.failed)
        return bench_swarm_fail(
                swarm, &swarm->clients[subscriber], -EMSGSIZE, "too many filters for one packet");
    return bench_swarm_send(swarm, &swarm->clients[subscriber], writer_written(&out));
}

int bench_load_subscribe(struct bench_load *load)
{
    load->subacks_awaited = load->plan->subscribers;
    load->waits_for_deliveries = true;
    for (uint32_t i = 0; i < load->plan->subscribers; i++) {
        int result = send_subscribe(load, i);

        if (result < 0)
            return result;
    }
    return run_until(load, is_granted);
}

void bench_load_leave(struct bench_load *load)
{
    load->waits_for_deliveries = false;
    bench_swarm_leave(load->swarm, 0, load->plan->subscribers);
}

int bench_load_return(struct bench_load *load)
{
    load->waits_for_deliveries = true;
    load->connacks_awaited = load->plan->subscribers;
    for (uint32_t i = 0; i < load->plan->subscribers; i++) {
        int result = bench_swarm_begin(load->swarm, i);

        if (result < 0)
            return result;
    }
    return run_until(load, is_greeted);
}

int bench_load_publish(struct bench_load *load)
{
    int result;

    load->started_ns = clock_now_ns();
    load->publishing = true;
    if (load->swarm->options->seconds > 0)
        load->stop_ns = load->started_ns + load->swarm->options->seconds * SECOND_NS;
    result = run_until(load, is_published);
    load->publishing = false;
    return result;
}

int bench_load_await(struct bench_load *load)
{
    return run_until(load, is_delivered);
}

int bench_load_settle(struct bench_load *load)
{
    load->pongs_awaited = load->plan->publishers;
    for (uint32_t i = 0; i < load->plan->publishers; i++) {
        uint8_t packet[MQTT_HEADER_SIZE_MAX];
        struct writer out = { .data = packet, .size = sizeof(packet) };
        int result;

        mqtt_ping_encode(&out, MQTT_PINGREQ);
        result = bench_swarm_send(load->swarm, load->publishers[i].client, writer_written(&out));
        if (result < 0)
            return result;
    }
    return run_until(load, is_settled);
}

int bench_load_forget(struct bench_load *load)
{
    struct bench_client *client = load->publishers[0].client;
    struct writer out = { .data = load->swarm->output, .size = load->swarm->buffer_size };

    for (uint32_t i = 0; i < load->plan->channels; i++) {
        char topic[BENCH_TOPIC_SIZE];
        struct mqtt_publish publish = { .retain = true };
        int result;

        bench_plan_topic(load->plan, i, topic);
        publish.topic = bytes_of_text(topic);
        mqtt_publish_encode(&out, &publish, version_of(load));
        if (out.used < CHUNK_SIZE && i + 1 < load->plan->channels)
            continue;
        result = bench_swarm_send(load->swarm, client, writer_written(&out));
        if (result < 0)
            return result;
        out.used = 0;
    }
    return bench_load_settle(load);
}
