/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribes a filter, publishes a message, and prints what comes until the connection ends. */
#include <nightjar/engine.h>

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_tcp(const char *host, const char *port)
{
    struct addrinfo *address;
    int transport;

    if (getaddrinfo(host, port, &(const struct addrinfo){ .ai_socktype = SOCK_STREAM }, &address))
        return -1;
    transport = socket(address->ai_family, SOCK_STREAM, 0);
    return connect(transport, address->ai_addr, address->ai_addrlen) == 0 ? transport : -1;
}

/* Sends what there is to send; where there is nothing, waits for bytes until the engine is due. */
static bool turn(struct nj_engine *engine, int transport, void *memory, size_t size)
{
    struct nj_bytes output = nj_engine_output(engine);
    int64_t left_ms = nj_engine_due_ms(engine) - now_ms();
    struct pollfd pollfd = { .fd = transport, .events = POLLIN };
    ssize_t count;

    if (output.size > 0) {
        count = send(transport, output.data, output.size, MSG_NOSIGNAL);
        nj_engine_sent(engine, count > 0 ? (size_t)count : 0);
        return count > 0;
    }
    if (poll(&pollfd, 1, left_ms < 0 ? 0 : left_ms < 1000 ? (int)left_ms : 1000) <= 0)
        return true;
    count = recv(transport, memory, size, 0);
    nj_engine_receive(engine, memory, count > 0 ? (size_t)count : 0);
    return count > 0;
}

/* False when the connection is over. */
static bool take(struct nj_engine *engine, const struct nj_event *event, char **words)
{
    const struct nj_subscription wanted = { .filter = nj_text(words[3]), .qos = 1 };
    const struct nj_message message = { nj_text(words[4]), nj_text(words[5]), .qos = 1 };
    uint16_t id;

    if (event->kind == NJ_EVENT_CONNECTED)
        return nj_engine_subscribe(engine, &wanted, 1, nj_text(NULL), &id, now_ms()) == NJ_OK;
    if (event->kind == NJ_EVENT_SUBSCRIBED)
        return nj_engine_send(engine, &message, 0, &id, now_ms()) == NJ_OK;
    if (event->kind == NJ_EVENT_MESSAGE)
        printf("%.*s %.*s\n", (int)event->message.topic.size,
                (const char *)event->message.topic.data, (int)event->message.payload.size,
                (const char *)event->message.payload.data);
    return event->kind != NJ_EVENT_REFUSED && event->kind != NJ_EVENT_ENDED;
}

int main(int argc, char **words)
{
    uint8_t in[4096], out[4096], given[4096];
    struct nj_slot slots[4] = { { 0 } };
    const struct nj_engine_setup setup = { NJ_MQTT_3_1_1, in, sizeof(in), out, sizeof(out), slots,
        .slot_count = 4 };
    const struct nj_connect_options options = { .keep_alive_s = 60, .clean_start = true };
    int transport = argc == 6 ? open_tcp(words[1], words[2]) : -1;
    struct nj_engine engine;
    struct nj_event event;
    bool goes_on = transport >= 0;

    if (!goes_on)
        fprintf(stderr, "no server there; usage: engine HOST PORT FILTER TOPIC MESSAGE\n");
    setvbuf(stdout, NULL, _IOLBF, 0);
    nj_engine_init(&engine, &setup);
    nj_engine_connect(&engine, &options, now_ms());
    while (goes_on && turn(&engine, transport, given, sizeof(given))) {
        while (goes_on && nj_engine_next(&engine, &event, now_ms()))
            goes_on = take(&engine, &event, words);
        nj_engine_tick(&engine, now_ms());
    }
    return 1;
}
