/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribes a filter, publishes a message, and prints what comes until the connection ends. */
#include <nightjar/sn.h>

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

static int open_udp(const char *host, const char *port)
{
    struct addrinfo *address;
    int network;

    if (getaddrinfo(host, port, &(const struct addrinfo){ .ai_socktype = SOCK_DGRAM }, &address))
        return -1;
    network = socket(address->ai_family, SOCK_DGRAM, 0);
    if (connect(network, address->ai_addr, address->ai_addrlen) != 0)
        network = -1;
    freeaddrinfo(address);
    return network;
}

/* Sends what there is to send; then waits for a datagram until the engine is due. */
static void turn(struct nj_sn *sn, int network, void *memory, size_t size)
{
    struct pollfd pollfd = { .fd = network, .events = POLLIN };
    struct nj_sn_datagram datagram;
    int64_t left_ms;
    ssize_t count;

    for (; nj_sn_output(sn, &datagram); nj_sn_sent(sn))
        send(network, datagram.data.data, datagram.data.size, MSG_NOSIGNAL);
    left_ms = nj_sn_due_ms(sn) - now_ms();
    if (poll(&pollfd, 1, left_ms < 0 ? 0 : left_ms < 1000 ? (int)left_ms : 1000) <= 0)
        return;
    count = recv(network, memory, size, 0);
    nj_sn_receive(sn, nj_text(NULL), nj_bytes_of(memory, count > 0 ? (size_t)count : 0));
}

/* False when the connection is over. */
static bool take(struct nj_sn *sn, const struct nj_sn_event *event, char **words)
{
    const struct nj_sn_topic wanted = nj_sn_name(words[3]);
    const struct nj_sn_topic topic = nj_sn_name(words[4]);

    if (event->kind == NJ_SN_EVENT_CONNECTED)
        return nj_sn_subscribe(sn, &wanted, 1, now_ms()) == NJ_OK;
    if (event->kind == NJ_SN_EVENT_SUBSCRIBED)
        return nj_sn_publish(sn, &topic, nj_text(words[5]), 1, false, now_ms()) == NJ_OK;
    if (event->kind == NJ_SN_EVENT_MESSAGE)
        printf("%.*s %.*s\n", (int)event->topic.name.size, (const char *)event->topic.name.data,
                (int)event->payload.size, (const char *)event->payload.data);
    return event->kind == NJ_SN_EVENT_MESSAGE || event->kind == NJ_SN_EVENT_DONE;
}

int main(int argc, char **words)
{
    uint8_t out[512], given[512];
    struct nj_sn_known known[8] = { { 0 } };
    char names[8 * 64];
    const struct nj_sn_setup setup = { .out = out,
        .out_size = sizeof(out),
        .known = known,
        .known_count = 8,
        .names = names,
        .name_size = 64,
        .retry_ms = 2000 };
    const struct nj_sn_connect_options options = {
        .client_id = nj_text("bare"), .keep_alive_s = 60, .clean_session = true
    };
    int network = argc == 6 ? open_udp(words[1], words[2]) : -1;
    struct nj_sn sn;
    struct nj_sn_event event;
    bool goes_on = network >= 0;

    if (!goes_on)
        fprintf(stderr, "usage: bare HOST PORT FILTER TOPIC MESSAGE\n");
    setvbuf(stdout, NULL, _IOLBF, 0);
    nj_sn_init(&sn, &setup);
    nj_sn_connect(&sn, &options, now_ms());
    while (goes_on) {
        turn(&sn, network, given, sizeof(given));
        while (goes_on && nj_sn_next(&sn, &event, now_ms()))
            goes_on = take(&sn, &event, words);
        nj_sn_tick(&sn, now_ms());
    }
    return 1;
}
