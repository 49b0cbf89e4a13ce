/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions come, leave a backlog behind and expire, retained messages are replaced, queues are
 * drained, round after round: the files that the server keeps come to an end of their growth.
 *
 * ROUNDS in the environment says how many, in place of ROUNDS_DEFAULT; then as many again.
 */
#include "tests/crash/client.h"
#include "tests/crash/server.h"
#include "tests/harness/test.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

enum {
    ROUNDS_DEFAULT = 6,
    SUBSCRIBERS = 8, /* of a round */
    RETURNING = 2,   /* of them, who fetch what waits for them */
    MESSAGES = 4000,
    RETAINED = 200, /* topics, each set again in every round */
    PAYLOAD = 4000, /* bytes: a round has a segment of the log, and all are more than its window */
    EXPIRY_S = 1,
    EXPIRED_MS = 2500, /* after which it has expired, where nothing stands still */
    PATIENCE_MS = 30000,
    GROWTH_PERCENT = 140, /* that the files may have after all, of what they had after half */
};

struct churn {
    struct server server;
    struct client *subscribers;
    struct client *publisher;
    int epoll;
    unsigned received;
    unsigned answers; /* acknowledgements of any kind */
    uint8_t payload[PAYLOAD];
};

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void take(void *context, struct client *client, const struct nj_event *event)
{
    const struct nj_subscription wanted = {
        .filter = nj_text("churn/+"), .qos = 1, .retain_handling = 2
    };
    struct churn *churn = context;
    uint16_t id;

    assert_true(event->kind != NJ_EVENT_REFUSED && event->kind != NJ_EVENT_ENDED &&
            event->kind != NJ_EVENT_LOST);
    if (event->kind == NJ_EVENT_CONNECTED && client != churn->publisher && !event->session_present)
        assert_int_equal(
                nj_engine_subscribe(&client->engine, &wanted, 1, nj_text(NULL), &id, 0), NJ_OK);
    churn->received += event->kind == NJ_EVENT_MESSAGE;
    churn->answers += event->kind == NJ_EVENT_DONE || event->kind == NJ_EVENT_SUBSCRIBED;
}

static void turn(struct churn *churn)
{
    struct epoll_event events[SUBSCRIBERS + 1];
    int count = epoll_wait(churn->epoll, events, SUBSCRIBERS + 1, 1);

    for (int i = 0; i < count; i++)
        assert_true(client_run(events[i].data.ptr, take, churn, 0));
}

/* For as long as there is some progress. */
static void await(struct churn *churn, const unsigned *count, unsigned wanted)
{
    int64_t end_ms = clock_ms() + PATIENCE_MS;

    while (*count < wanted) {
        unsigned before = *count;

        turn(churn);
        if (*count > before)
            end_ms = clock_ms() + PATIENCE_MS;
        assert_true(clock_ms() < end_ms);
    }
}

static void connect_client(struct churn *churn, struct client *client)
{
    int64_t end_ms = clock_ms() + PATIENCE_MS;

    while (!client_connect(client, churn->server.socket, churn->epoll, false, 0))
        assert_true(clock_ms() < end_ms); /* it does not listen yet */
    while (!client->ready)
        turn(churn);
}

static void leave(struct client *client)
{
    nj_engine_disconnect(&client->engine, 0, nj_text(NULL), 0);
    client_flush(client);
    client_cut(client);
}

static void subscribe_all(struct churn *churn, unsigned round, uint32_t expiry_s)
{
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "round%u-%u", round, i);
        client_init(&churn->subscribers[i], name, NJ_MQTT_5_0);
        if (i >= RETURNING)
            churn->subscribers[i].expiry_s = expiry_s;
        churn->answers = 0;
        connect_client(churn, &churn->subscribers[i]);
        await(churn, &churn->answers, 1);
        leave(&churn->subscribers[i]);
    }
}

/* Messages, and as the last ones those that are retained. */
static void publish_all(struct churn *churn)
{
    unsigned sent = 0;

    churn->answers = 0;
    while (churn->answers < MESSAGES + RETAINED) {
        bool retain = sent >= MESSAGES;
        char topic[32];
        struct nj_message message = {
            .payload = nj_bytes_of(churn->payload, PAYLOAD), .qos = 1, .retain = retain
        };
        uint16_t id;

        snprintf(topic, sizeof(topic), "churn/%u", retain ? sent : sent % 10);
        message.topic = nj_text(topic);
        if (sent < MESSAGES + RETAINED &&
                nj_engine_send(&churn->publisher->engine, &message, sent, &id, 0) == NJ_OK) {
            sent++;
            continue;
        }
        assert_true(client_flush(churn->publisher));
        turn(churn);
    }
}

static void drain(struct churn *churn, uint32_t expiry_s)
{
    for (unsigned i = 0; i < RETURNING; i++) {
        churn->received = 0;
        churn->subscribers[i].expiry_s = expiry_s;
        connect_client(churn, &churn->subscribers[i]);
        await(churn, &churn->received, MESSAGES + RETAINED);
        leave(&churn->subscribers[i]);
    }
}

/* What the files have when nothing is left but retained messages, which may be a while after that.
 * They are waited for while they have more than most_bytes. */
static unsigned long long run_rounds(struct churn *churn, unsigned first, unsigned count,
        uint32_t expiry_s, unsigned long long most_bytes)
{
    int64_t expired_ms;
    int64_t end_ms;
    unsigned long long bytes;

    for (unsigned round = first; round < first + count; round++) {
        subscribe_all(churn, round, expiry_s);
        publish_all(churn);
        drain(churn, expiry_s);
    }
    expired_ms = clock_ms() + EXPIRED_MS;
    end_ms = expired_ms + PATIENCE_MS;
    do {
        turn(churn);
        bytes = server_data_bytes(&churn->server);
    } while (clock_ms() < expired_ms || (bytes > most_bytes && clock_ms() < end_ms));
    printf("%llu MiB after %u rounds\n", bytes >> 20, first + count);
    return bytes;
}

/* Returns how much the files have grown, in percent of what they had after half of the rounds. */
static unsigned long long grow(uint32_t expiry_s)
{
    const char *wanted = getenv("ROUNDS");
    unsigned rounds = wanted ? (unsigned)strtoul(wanted, NULL, 10) : ROUNDS_DEFAULT;
    struct churn *churn = calloc(1, sizeof(*churn));
    unsigned long long half;
    unsigned long long all;

    signal(SIGPIPE, SIG_IGN);
    assert_non_null(churn);
    churn->epoll = epoll_create1(EPOLL_CLOEXEC);
    churn->subscribers = calloc(SUBSCRIBERS + 1, sizeof(*churn->subscribers));
    assert_true(churn->epoll >= 0 && churn->subscribers);
    churn->publisher = &churn->subscribers[SUBSCRIBERS];
    client_init(churn->publisher, "publisher", NJ_MQTT_5_0);
    server_init(&churn->server, "persistence true");
    server_start(&churn->server, 2);
    connect_client(churn, churn->publisher);
    half = run_rounds(churn, 0, rounds, expiry_s, ULLONG_MAX);
    all = run_rounds(churn, rounds, rounds, expiry_s, half * GROWTH_PERCENT / 100);
    assert_true(server_stop(&churn->server));
    server_deinit(&churn->server);
    client_cut(churn->publisher);
    free(churn->subscribers);
    free(churn);
    assert_true(half > 0);
    return all * 100 / half;
}

TEST(files_come_to_an_end_of_their_growth)
{
    assert_true(grow(EXPIRY_S) <= GROWTH_PERCENT);
}

/* And they grow where sessions stay: the judge sees it. */
TEST(files_grow_with_sessions_that_stay)
{
    assert_true(grow(UINT32_MAX) > GROWTH_PERCENT);
}
