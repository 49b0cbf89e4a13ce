/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of bench/durable: clients of QoS 1 at a Unix socket, in one thread. Each prints what it
 * has measured as a JSON object.
 *
 *     durable_load publish PATH PID PUBLISHERS WINDOW SECONDS SIZE present|absent
 *     durable_load fill PATH PID SESSIONS COUNT SIZE
 *     durable_load drain PATH PID SESSIONS COUNT
 *
 * Each publisher has a durable subscriber of its own, which is there or not. `fill` leaves COUNT
 * messages behind for SESSIONS absent subscribers, and `drain` fetches them.
 */
#include "meter.h"

#include "cli/bench_histogram.h"
#include "tests/crash/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

enum {
    EVENTS_MAX = 64,
    FILL_PUBLISHERS = 16,
    SIZE_MAX_BYTES = 16 << 10,
    PATIENCE_S = 60, /* without anything that comes, before it is given up */
    PEERS_MAX = 1024,
};

struct peer {
    struct client client;
    unsigned index;
    bool publisher;
    bool subscribed;
    bool resumes; /* its session is there: it need not subscribe */
    int64_t sent_ns[CLIENT_SLOTS];
};

struct load {
    const char *path;
    pid_t server;
    struct peer *peers;
    unsigned peer_count;
    unsigned publishers; /* the first of them */
    unsigned sessions;   /* topics, each with one subscriber */
    unsigned window;
    size_t size;
    int64_t end_ns; /* nothing is sent after that */
    uint64_t left;  /* to send */
    uint64_t sent;
    uint64_t acknowledged;
    uint64_t received;
    int epoll;
    struct bench_histogram latency;
    uint8_t payload[SIZE_MAX_BYTES];
};

/* What the server has used. */
struct usage {
    int64_t at_ns;
    int64_t cpu_ns;
    uint64_t written; /* bytes that it made the system write, by /proc/PID/io */
};

static struct usage usage_now(const struct load *load)
{
    int64_t written = number_of(load->server, "io", "write_bytes:");

    return (struct usage){ .at_ns = now_ns(),
        .cpu_ns = cpu_ns_of(load->server),
        .written = written > 0 ? (uint64_t)written : 0 };
}

/* ---- Peers ---- */

static void subscribe(struct peer *peer)
{
    struct nj_subscription wanted = { .qos = 1 };
    char filter[32];
    uint16_t id;

    snprintf(filter, sizeof(filter), "durable/%u", peer->index);
    wanted.filter = nj_text(filter);
    if (nj_engine_subscribe(&peer->client.engine, &wanted, 1, nj_text(NULL), &id, 0) != NJ_OK)
        give_up("a SUBSCRIBE cannot be sent");
}

static void publish(struct load *load, struct peer *peer)
{
    char topic[32];
    struct nj_message message = { .payload = nj_bytes_of(load->payload, load->size), .qos = 1 };
    uint16_t id;

    while (load->left > 0 && peer->client.ready && client_in_flight(&peer->client) < load->window &&
            now_ns() < load->end_ns) {
        uint32_t turn =
                (uint32_t)(load->publishers == load->sessions ? peer->index
                                                              : load->sent % load->sessions);
        uint32_t tag = (uint32_t)(load->sent % CLIENT_SLOTS);

        snprintf(topic, sizeof(topic), "durable/%u", turn);
        message.topic = nj_text(topic);
        while (peer->sent_ns[tag] != 0) /* one of the window's is free */
            tag = (tag + 1) % CLIENT_SLOTS;
        if (nj_engine_send(&peer->client.engine, &message, tag, &id, 0) != NJ_OK)
            return;
        peer->sent_ns[tag] = now_ns();
        load->left--;
        load->sent++;
    }
}

static void take(void *context, struct client *client, const struct nj_event *event)
{
    struct peer *peer = (struct peer *)client;
    struct load *load = context;

    switch (event->kind) {
    case NJ_EVENT_CONNECTED:
        if (peer->resumes && !event->session_present)
            give_up("a session is gone");
        if (!peer->publisher && !peer->resumes)
            subscribe(peer);
        break;
    case NJ_EVENT_SUBSCRIBED:
        peer->subscribed = true;
        break;
    case NJ_EVENT_MESSAGE:
        load->received++;
        break;
    case NJ_EVENT_DONE:
        if (event->reason >= 0x80)
            give_up(nj_reason_text(event->reason));
        bench_histogram_add(&load->latency, now_ns() - peer->sent_ns[event->tag]);
        peer->sent_ns[event->tag] = 0;
        load->acknowledged++;
        break;
    case NJ_EVENT_REFUSED:
    case NJ_EVENT_ENDED:
    case NJ_EVENT_SEND_AGAIN:
    case NJ_EVENT_LOST:
        give_up("a connection is lost");
        break;
    case NJ_EVENT_UNSUBSCRIBED:
    case NJ_EVENT_AUTH:
        break;
    }
}

static void turn(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->epoll, events, EVENTS_MAX, 100);

    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;

        if (!client_run(&peer->client, take, load, 0))
            give_up("the server has ended a connection");
        if (peer->publisher) {
            publish(load, peer);
            client_flush(&peer->client);
        }
    }
}

/* Turns until so much has come. */
static void await(struct load *load, const uint64_t *count, uint64_t wanted)
{
    int64_t end_ns = now_ns() + (int64_t)PATIENCE_S * SECOND_NS;
    uint64_t before = *count;

    while (*count < wanted) {
        turn(load);
        if (*count > before)
            end_ns = now_ns() + (int64_t)PATIENCE_S * SECOND_NS;
        before = *count;
        if (now_ns() > end_ns)
            give_up("messages do not come");
    }
}

static void connect_peer(struct load *load, struct peer *peer)
{
    if (!client_connect(&peer->client, load->path, load->epoll, false, 0))
        give_up("no server listens there");
    while (!peer->client.ready)
        turn(load);
}

static struct peer *new_peer(struct load *load, const char *kind, unsigned index)
{
    struct peer *peer = &load->peers[load->peer_count++];
    char name[32];

    snprintf(name, sizeof(name), "%s%u", kind, index);
    client_init(&peer->client, name, NJ_MQTT_3_1_1);
    peer->index = index;
    return peer;
}

/* Durable subscribers of all topics, who stay or leave. */
static void begin_sessions(struct load *load, bool present)
{
    for (unsigned i = 0; i < load->sessions; i++) {
        struct peer *peer = new_peer(load, "subscriber", i);

        connect_peer(load, peer);
        while (!peer->subscribed)
            turn(load);
        if (present)
            continue;
        nj_engine_disconnect(&peer->client.engine, 0, nj_text(NULL), 0);
        client_flush(&peer->client);
        client_cut(&peer->client);
    }
}

static void begin_publishers(struct load *load)
{
    unsigned first = load->peer_count;

    for (unsigned i = 0; i < load->publishers; i++) {
        struct peer *peer = new_peer(load, "publisher", i);

        peer->publisher = true;
        connect_peer(load, peer);
    }
    for (unsigned i = first; i < load->peer_count; i++) {
        publish(load, &load->peers[i]);
        client_flush(&load->peers[i].client);
    }
}

/* ---- What is measured ---- */

static void print(struct load *load, const struct usage *before, uint64_t count)
{
    struct usage after = usage_now(load);
    double seconds = (double)(after.at_ns - before->at_ns) / 1e9;
    double messages = count > 0 ? (double)count : 1;

    printf("{\"messages\": %" PRIu64 ", \"seconds\": %.3f, \"per_s\": %.0f, \"cpu_us\": %.3f, "
           "\"written\": %.1f, \"p50_us\": %.0f, \"p99_us\": %.0f}\n",
            count, seconds, messages / seconds,
            (double)(after.cpu_ns - before->cpu_ns) / 1000 / messages,
            (double)(after.written - before->written) / messages,
            (double)bench_histogram_percentile_ns(&load->latency, 50) / 1000,
            (double)bench_histogram_percentile_ns(&load->latency, 99) / 1000);
}

/* PUBLISHERS WINDOW SECONDS SIZE present|absent */
static void run_publish(struct load *load, char **words)
{
    bool present = strcmp(words[4], "present") == 0;
    struct usage before;

    load->publishers = (unsigned)atoi(words[0]);
    load->sessions = load->publishers;
    load->window = (unsigned)atoi(words[1]);
    load->size = (size_t)atoi(words[3]);
    begin_sessions(load, present);
    load->left = UINT64_MAX;
    before = usage_now(load);
    load->end_ns = before.at_ns + (int64_t)(atof(words[2]) * 1e9);
    begin_publishers(load);
    while (now_ns() < load->end_ns)
        turn(load);
    await(load, &load->acknowledged, load->sent);
    if (present)
        await(load, &load->received, load->sent);
    print(load, &before, load->sent);
}

/* SESSIONS COUNT SIZE */
static void run_fill(struct load *load, char **words)
{
    uint64_t count = strtoull(words[1], NULL, 10);
    struct usage before;

    load->publishers = FILL_PUBLISHERS;
    load->sessions = (unsigned)atoi(words[0]);
    load->window = CLIENT_SLOTS;
    load->size = (size_t)atoi(words[2]);
    begin_sessions(load, false);
    load->left = count;
    load->end_ns = INT64_MAX;
    before = usage_now(load);
    begin_publishers(load);
    await(load, &load->acknowledged, count);
    print(load, &before, load->sent);
}

/* SESSIONS COUNT */
static void run_drain(struct load *load, char **words)
{
    struct usage before;

    load->sessions = (unsigned)atoi(words[0]);
    before = usage_now(load);
    for (unsigned i = 0; i < load->sessions; i++) {
        struct peer *peer = new_peer(load, "subscriber", i);

        peer->resumes = true;
        connect_peer(load, peer);
    }
    await(load, &load->received, strtoull(words[1], NULL, 10));
    print(load, &before, load->received);
}

static const struct mode {
    const char *name;
    int words;
    void (*run)(struct load *load, char **words);
} modes[] = {
    { "publish", 5, run_publish },
    { "fill", 3, run_fill },
    { "drain", 2, run_drain },
};

int main(int argc, char **argv)
{
    struct load *load = calloc(1, sizeof(*load));

    if (!load)
        give_up("no memory");
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->peers = calloc(PEERS_MAX, sizeof(*load->peers));
    if (load->epoll < 0 || !load->peers)
        give_up("no memory");
    memset(load->payload, 'x', sizeof(load->payload));
    for (size_t i = 0; argc > 3 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].name) != 0 || argc - 4 != modes[i].words)
            continue;
        load->path = argv[2];
        load->server = atoi(argv[3]);
        modes[i].run(load, argv + 4);
        return 0;
    }
    give_up("see the first lines of bench/durable_load.c");
}
