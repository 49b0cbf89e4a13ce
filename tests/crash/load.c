/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/load.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,
    HEAD_SIZE = 8,       /* of a payload: stream, size, number */
    PAYLOAD_USUAL = 300, /* bytes at most, of most messages */
    LARGE_EVERY = 64,    /* messages, of which one is large */
    ALLOWANCE_MAX = 100, /* messages that are sent at once */
    AGAIN_MS = 20,       /* at most, before who found no server tries again */
    AWAY_MS = 1500,      /* at most, for who stays away */
    AWAY_EVERY = 8,      /* ends of a subscriber's connection, of which it stays away */
    CUT_EVERY_MS = 30,   /* on average, some connection is cut */
    CUT_PUBLISHER_EVERY = 4,
    TAKEN_OVER = 0x8e, /* a reason code */
    SESSION_EXPIRY_S = 3600,
};

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned draw(struct load *load, unsigned below)
{
    return (unsigned)(random_next(&load->random) % below);
}

/* ---- Who is who ---- */

static bool is_publisher(const struct participant *participant)
{
    return participant->index < LOAD_PUBLISHERS;
}

static bool is_member(const struct participant *participant)
{
    return participant->index >= LOAD_PUBLISHERS + LOAD_WATCHERS;
}

/* Of the ledger. */
static unsigned receiver_of(const struct participant *participant)
{
    unsigned number = participant->index - LOAD_PUBLISHERS;

    return is_member(participant) ? LOAD_WATCHERS + (number - LOAD_WATCHERS) / LOAD_MEMBERS
                                  : number;
}

/* A few watch a topic of every publisher, at QoS 1; all others everything of one, at QoS 2. */
static bool watches_topic(const struct participant *participant)
{
    return !is_member(participant) && receiver_of(participant) % 8 == 0;
}

static bool listens_to(const struct participant *participant, unsigned stream)
{
    unsigned receiver = receiver_of(participant);

    return watches_topic(participant) ? stream % LOAD_TOPICS == receiver / 8 % LOAD_TOPICS
                                      : stream / LOAD_TOPICS == receiver % LOAD_PUBLISHERS;
}

static uint8_t stream_qos(unsigned stream)
{
    return (uint8_t)(1 + stream % 2);
}

static bool stream_retained(unsigned stream)
{
    return stream % LOAD_TOPICS < LOAD_TOPICS / 2;
}

/* ---- Messages: all of one follows from its stream and number ---- */

static void topic_of(unsigned stream, char out[32])
{
    snprintf(out, 32, "load/%u/%u", stream / LOAD_TOPICS, stream % LOAD_TOPICS);
}

static size_t payload_size(unsigned stream, uint32_t number)
{
    struct random random = { (uint64_t)stream << 32 | number };
    uint64_t chance = random_next(&random);
    size_t room = chance % LARGE_EVERY == 0 ? LOAD_PAYLOAD_MAX : PAYLOAD_USUAL;

    return HEAD_SIZE + (chance >> 16) % (room - HEAD_SIZE);
}

static void fill_payload(uint8_t *out, size_t size, unsigned stream, uint32_t number)
{
    out[0] = (uint8_t)stream;
    out[1] = (uint8_t)(stream >> 8);
    out[2] = (uint8_t)size;
    out[3] = (uint8_t)(size >> 8);
    for (unsigned i = 0; i < 4; i++)
        out[4 + i] = (uint8_t)(number >> 8 * i);
    for (size_t i = HEAD_SIZE; i < size; i++)
        out[i] = (uint8_t)(number + stream + i);
}

static bool read_payload(struct nj_bytes payload, unsigned *stream, uint32_t *number)
{
    const uint8_t *in = payload.data;

    if (payload.size < HEAD_SIZE)
        return false;
    *stream = in[0] | (unsigned)in[1] << 8;
    *number = in[4] | (uint32_t)in[5] << 8 | (uint32_t)in[6] << 16 | (uint32_t)in[7] << 24;
    if (*stream >= LOAD_STREAMS || payload.size != payload_size(*stream, *number))
        return false;
    for (size_t i = HEAD_SIZE; i < payload.size; i++) {
        if (in[i] != (uint8_t)(*number + *stream + i))
            return false;
    }
    return true;
}

static struct nj_message message_of(
        struct load *load, unsigned stream, uint32_t number, char topic[32])
{
    size_t size = payload_size(stream, number);

    topic_of(stream, topic);
    fill_payload(load->payload, size, stream, number);
    return (struct nj_message){
        .topic = nj_text(topic),
        .payload = nj_bytes_of(load->payload, size),
        .qos = stream_qos(stream),
        .retain = stream_retained(stream),
    };
}

/* ---- Publishers ---- */

static unsigned stream_of_tag(const struct participant *publisher, uint32_t tag)
{
    return publisher->index * LOAD_TOPICS + tag % LOAD_TOPICS;
}

/* False: not now. */
static bool publish_one(struct load *load, struct participant *publisher)
{
    unsigned stream = stream_of_tag(publisher, publisher->next);
    char topic[32];
    struct nj_message message = message_of(load, stream, publisher->next / LOAD_TOPICS, topic);
    uint16_t id;

    if (!publisher->client.ready ||
            nj_engine_send(&publisher->client.engine, &message, publisher->next, &id,
                    load->now_ms) != NJ_OK)
        return false;
    ledger_sent(&load->ledger, stream);
    publisher->next++;
    client_flush(&publisher->client);
    return true;
}

static void send_again(
        struct load *load, struct participant *publisher, const struct nj_event *event)
{
    unsigned stream = stream_of_tag(publisher, event->tag);
    char topic[32];
    struct nj_message message = message_of(load, stream, event->tag / LOAD_TOPICS, topic);

    if (nj_engine_send_again(&publisher->client.engine, event->id, &message, load->now_ms) == NJ_OK)
        ledger_resent(&load->ledger, stream, event->tag / LOAD_TOPICS);
}

static void take_done(
        struct load *load, const struct participant *publisher, const struct nj_event *event)
{
    unsigned stream = stream_of_tag(publisher, event->tag);

    load->progress++;
    if (event->reason >= 0x80)
        ledger_note(&load->ledger, VERDICT_REFUSED, "%s: a message of stream %u was refused: %s",
                publisher->client.name, stream, nj_reason_text(event->reason));
    else
        ledger_acknowledged(&load->ledger, stream, event->tag / LOAD_TOPICS);
}

/* ---- Subscribers ---- */

static void subscribe(struct load *load, struct participant *participant)
{
    struct nj_subscription subscription = { .qos = 2, .retain_handling = 2 };
    unsigned receiver = receiver_of(participant);
    char filter[48];
    uint16_t id;

    if (is_member(participant)) {
        snprintf(filter, sizeof(filter), "$share/group%u/load/%u/#", receiver,
                receiver % LOAD_PUBLISHERS);
        subscription.retain_handling = 0;
    } else if (watches_topic(participant)) {
        snprintf(filter, sizeof(filter), "load/+/%u", receiver / 8 % LOAD_TOPICS);
        subscription.qos = 1;
    } else {
        snprintf(filter, sizeof(filter), "load/%u/#", receiver % LOAD_PUBLISHERS);
    }
    if (participant->client.version == NJ_MQTT_3_1_1)
        subscription.retain_handling = 0;
    subscription.filter = nj_text(filter);
    participant->asked = nj_engine_subscribe(&participant->client.engine, &subscription, 1,
                                 nj_text(NULL), &id, load->now_ms) == NJ_OK;
}

static void take_suback(
        struct load *load, struct participant *participant, const struct nj_event *event)
{
    if (event->codes.size != 1 || *(const uint8_t *)event->codes.data > 2) {
        ledger_note(
                &load->ledger, VERDICT_REFUSED, "%s may not subscribe", participant->client.name);
        return;
    }
    participant->subscribed = true;
    for (unsigned stream = 0; stream < LOAD_STREAMS; stream++) {
        if (listens_to(participant, stream))
            ledger_subscribed(&load->ledger, receiver_of(participant), stream);
    }
}

static bool has_topic(const struct nj_message *message, unsigned stream)
{
    char topic[32];

    topic_of(stream, topic);
    return message->topic.size == strlen(topic) &&
            memcmp(message->topic.data, topic, message->topic.size) == 0;
}

static void take_message(
        struct load *load, struct participant *participant, const struct nj_message *message)
{
    struct arrival arrival = {
        .qos = message->qos, .dup = message->dup, .ordered = !is_member(participant)
    };

    load->progress++;
    if (!read_payload(message->payload, &arrival.stream, &arrival.number) ||
            !has_topic(message, arrival.stream) || !listens_to(participant, arrival.stream)) {
        ledger_note(&load->ledger, VERDICT_BROKEN, "%s has got a message that nobody sent so",
                participant->client.name);
        return;
    }
    if (message->retain) /* as it was before the subscription */
        return;
    arrival.receiver = receiver_of(participant);
    ledger_arrived(&load->ledger, &arrival);
}

/* ---- Connections ---- */

static void take_connected(
        struct load *load, struct participant *participant, const struct nj_event *event)
{
    if (event->session_present)
        ledger_note(&load->ledger, VERDICT_RESUMED, "-");
    else if (participant->known)
        ledger_note(&load->ledger, VERDICT_FORGOTTEN, "%s: its session is gone",
                participant->client.name);
    if (!event->session_present)
        participant->subscribed = false;
    participant->known = true;
}

static void take_event(void *context, struct client *client, const struct nj_event *event)
{
    struct participant *participant = (struct participant *)client;
    struct load *load = context;

    switch (event->kind) {
    case NJ_EVENT_CONNECTED:
        take_connected(load, participant, event);
        break;
    case NJ_EVENT_MESSAGE:
        take_message(load, participant, &event->message);
        break;
    case NJ_EVENT_DONE:
        take_done(load, participant, event);
        break;
    case NJ_EVENT_SEND_AGAIN:
        send_again(load, participant, event);
        break;
    case NJ_EVENT_SUBSCRIBED:
        take_suback(load, participant, event);
        break;
    case NJ_EVENT_REFUSED:
        ledger_note(&load->ledger, VERDICT_REFUSED, "%s may not connect: %s", client->name,
                nj_reason_text(event->reason));
        break;
    case NJ_EVENT_ENDED:
        if (event->by_server && event->reason == TAKEN_OVER) {
            ledger_note(&load->ledger, VERDICT_OVERTAKEN, "-");
            break;
        }
        ledger_note(&load->ledger, VERDICT_BROKEN, "%s: %s has ended the connection: %s",
                client->name, event->by_server ? "the server" : "it",
                nj_reason_text(event->reason));
        break;
    case NJ_EVENT_LOST: /* the session is, which is told */
    case NJ_EVENT_UNSUBSCRIBED:
    case NJ_EVENT_AUTH:
        break;
    }
}

static void plan_return(struct load *load, struct participant *participant)
{
    bool away = load->restless && !is_publisher(participant) && draw(load, AWAY_EVERY) == 0;

    participant->asked = false;
    participant->back_ms = load->now_ms + 1 + draw(load, away ? AWAY_MS : AGAIN_MS);
}

static void run(struct load *load, struct participant *participant)
{
    if (client_run(&participant->client, take_event, load, load->now_ms)) {
        if (participant->client.ready && !is_publisher(participant) && !participant->subscribed &&
                !participant->asked) {
            subscribe(load, participant);
            client_flush(&participant->client);
        }
    } else {
        plan_return(load, participant);
    }
}

/* Some lose their connection, some say goodbye; a publisher has much under way then. */
static void cut_one(struct load *load)
{
    unsigned below = draw(load, CUT_PUBLISHER_EVERY) == 0 ? LOAD_PUBLISHERS : LOAD_CLIENTS;
    struct participant *participant = &load->participants[draw(load, below)];

    if (participant->client.transport < 0)
        return;
    for (unsigned i = 0; is_publisher(participant) && i < CLIENT_SLOTS; i++)
        publish_one(load, participant);
    if (draw(load, 2) == 0 && participant->client.ready) {
        nj_engine_disconnect(&participant->client.engine, 0, nj_text(NULL), load->now_ms);
        client_flush(&participant->client);
    }
    client_cut(&participant->client);
    plan_return(load, participant);
}

static void bring_back(struct load *load)
{
    for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
        struct participant *participant = &load->participants[i];

        if (participant->client.transport >= 0 || participant->back_ms > load->now_ms)
            continue;
        if (!client_connect(&participant->client, load->path, load->epoll, false, load->now_ms))
            plan_return(load, participant);
    }
}

/* ---- The whole ---- */

bool load_init(struct load *load, const char *path, uint64_t seed)
{
    memset(load, 0, sizeof(*load));
    load->path = path;
    load->random.state = seed;
    load->now_ms = clock_ms();
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->participants = calloc(LOAD_CLIENTS, sizeof(*load->participants));
    if (load->epoll < 0 || !load->participants ||
            !ledger_init(&load->ledger, LOAD_STREAMS, LOAD_RECEIVERS))
        return false;
    for (unsigned stream = 0; stream < LOAD_STREAMS; stream++)
        load->ledger.streams[stream].qos = stream_qos(stream);
    for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
        struct participant *participant = &load->participants[i];
        char name[16];

        snprintf(name, sizeof(name), "client%u", i);
        client_init(&participant->client, name, i % 2 == 0 ? NJ_MQTT_5_0 : NJ_MQTT_3_1_1);
        /* Of those that expire the server writes when they come and go. */
        participant->client.expiry_s = i % 4 == 0 ? SESSION_EXPIRY_S : UINT32_MAX;
        participant->index = i;
        participant->back_ms = load->now_ms + (is_publisher(participant) ? 0 : draw(load, AWAY_MS));
    }
    return true;
}

void load_deinit(struct load *load)
{
    for (unsigned i = 0; load->participants && i < LOAD_CLIENTS; i++)
        client_cut(&load->participants[i].client);
    free(load->participants);
    ledger_deinit(&load->ledger);
    if (load->epoll >= 0)
        close(load->epoll);
}

static void publish_some(struct load *load, int64_t elapsed_ms)
{
    unsigned refused = 0;

    load->allowance += (double)load->rate * (double)elapsed_ms / 1000;
    if (load->allowance > ALLOWANCE_MAX)
        load->allowance = ALLOWANCE_MAX;
    while (load->allowance >= 1 && refused < LOAD_PUBLISHERS) {
        if (publish_one(load, &load->participants[load->turn++ % LOAD_PUBLISHERS])) {
            load->allowance -= 1;
            refused = 0;
        } else {
            refused++;
        }
    }
}

void load_turn(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->epoll, events, EVENTS_MAX, 1);
    int64_t now_ms = clock_ms();
    int64_t elapsed_ms = now_ms - load->now_ms;

    load->now_ms = now_ms;
    for (int i = 0; i < count; i++)
        run(load, events[i].data.ptr);
    publish_some(load, elapsed_ms);
    if (load->restless && load->next_cut_ms <= now_ms) {
        load->next_cut_ms = now_ms + draw(load, 2 * CUT_EVERY_MS);
        cut_one(load);
    }
    bring_back(load);
}

bool load_settled(const struct load *load)
{
    for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
        const struct participant *participant = &load->participants[i];

        if (!participant->client.ready || client_in_flight(&participant->client) > 0 ||
                (!is_publisher(participant) && !participant->subscribed))
            return false;
    }
    return ledger_open(&load->ledger) == 0;
}

/* ---- Retained messages ---- */

struct newcomer {
    struct client client;
    struct load *load;
    uint32_t numbers[LOAD_STREAMS];
    unsigned count;
};

static void take_retained(void *context, struct client *client, const struct nj_event *event)
{
    const struct nj_subscription all = { .filter = nj_text("load/#"), .qos = 1 };
    struct newcomer *newcomer = context;
    unsigned stream;
    uint32_t number;
    uint16_t id;

    if (event->kind == NJ_EVENT_CONNECTED)
        nj_engine_subscribe(&client->engine, &all, 1, nj_text(NULL), &id, newcomer->load->now_ms);
    if (event->kind != NJ_EVENT_MESSAGE || !read_payload(event->message.payload, &stream, &number))
        return;
    if (newcomer->numbers[stream] == UINT32_MAX)
        newcomer->count++;
    newcomer->numbers[stream] = number;
}

static void await_retained(
        struct load *load, struct newcomer *newcomer, unsigned wanted, int64_t patience_ms)
{
    int64_t end_ms = clock_ms() + patience_ms;

    while (newcomer->count < wanted && newcomer->client.transport >= 0 && clock_ms() < end_ms) {
        struct epoll_event event;

        epoll_wait(load->epoll, &event, 1, 1);
        client_run(&newcomer->client, take_retained, newcomer, load->now_ms);
    }
}

static bool is_kept(const struct load *load, unsigned stream)
{
    return stream_retained(stream) && load->ledger.streams[stream].sent > 0;
}

void load_check_retained(struct load *load, int64_t patience_ms)
{
    struct newcomer *newcomer = calloc(1, sizeof(*newcomer));
    unsigned wanted = 0;

    if (!newcomer)
        abort();
    memset(newcomer->numbers, 0xff, sizeof(newcomer->numbers));
    newcomer->load = load;
    for (unsigned stream = 0; stream < LOAD_STREAMS; stream++)
        wanted += is_kept(load, stream);
    client_init(&newcomer->client, "newcomer", NJ_MQTT_3_1_1);
    client_connect(&newcomer->client, load->path, load->epoll, true, load->now_ms);
    await_retained(load, newcomer, wanted, patience_ms);
    for (unsigned stream = 0; stream < LOAD_STREAMS; stream++) {
        uint32_t last = load->ledger.streams[stream].sent - 1;

        if (is_kept(load, stream) && newcomer->numbers[stream] != last)
            ledger_note(&load->ledger, VERDICT_RETAINED,
                    "stream %u: message %d is retained, the last one is %u", stream,
                    (int)newcomer->numbers[stream], last);
    }
    client_cut(&newcomer->client);
    free(newcomer);
}
