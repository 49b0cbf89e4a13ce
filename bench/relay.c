/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What any server has to do for a message: it reads and writes it. For bench/compare, where it
 * shows how much of a latency is the machine's.
 *
 *     relay PORT
 *
 * Speaks as much MQTT as `nightjar bench p2p` needs at QoS 0: who connects is let in, who
 * subscribes is granted QoS 0, and all bytes of a publisher, from its first PUBLISH on, go as they
 * are to who has subscribed to that topic. Checks nothing, and takes it that a client's first
 * packets come whole, as they do on loopback. Ends by a signal.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CLIENTS_MAX = 1024, /* descriptors, too; more are closed at once */
    EVENTS_MAX = 64,
    READ_SIZE = 128 << 10,
    TOPIC_SIZE = 128,
    CONNECT = 1,
    PUBLISH = 3,
    SUBSCRIBE = 8,
};

struct client {
    bool is_in;
    int receiver; /* where all that it sends goes; 0: nowhere yet */
    char topic[TOPIC_SIZE];
};

struct relay {
    int poll;
    int listener;
    struct client clients[CLIENTS_MAX]; /* by descriptor */
    uint8_t input[READ_SIZE];
};

static bool watch(struct relay *relay, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    return epoll_ctl(relay->poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_relay(struct relay *relay, const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(port)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int yes = 1;

    relay->poll = epoll_create1(EPOLL_CLOEXEC);
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (relay->poll < 0 || relay->listener < 0)
        return false;
    setsockopt(relay->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    return bind(relay->listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
            listen(relay->listener, CLIENTS_MAX) == 0 && watch(relay, relay->listener);
}

static void let_in(struct relay *relay)
{
    int fd = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
    int yes = 1;

    if (fd < 0)
        return;
    if (fd >= CLIENTS_MAX || !watch(relay, fd)) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    memset(&relay->clients[fd], 0, sizeof(relay->clients[fd]));
}

static void end(struct relay *relay, int fd)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (relay->clients[i].receiver == fd)
            relay->clients[i].receiver = 0;
    }
    memset(&relay->clients[fd], 0, sizeof(relay->clients[fd]));
    close(fd);
}

/* A receiver that has gone is noticed when its own descriptor tells. */
static void write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t written = send(fd, data, size, MSG_NOSIGNAL);

        if (written <= 0)
            return;
        data += written;
        size -= (size_t)written;
    }
}

static void read_topic(char out[static TOPIC_SIZE], const uint8_t *at)
{
    unsigned size = (unsigned)at[0] << 8 | at[1];

    snprintf(out, TOPIC_SIZE, "%.*s", (int)size, (const char *)at + 2);
}

/* Says where all that a publisher sends goes. Returns 0 when nobody has subscribed. */
static int find_receiver(struct relay *relay, const uint8_t *packet)
{
    char topic[TOPIC_SIZE];

    read_topic(topic, packet + 2);
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (strcmp(relay->clients[i].topic, topic) == 0)
            return i;
    }
    return 0;
}

static void answer(struct relay *relay, int fd, size_t size)
{
    struct client *client = &relay->clients[fd];
    const uint8_t *in = relay->input;

    if (in[0] >> 4 == CONNECT && !client->is_in) {
        client->is_in = true;
        write_all(fd, (const uint8_t[]){ 0x20, 2, 0, 0 }, 4);
    } else if (in[0] >> 4 == SUBSCRIBE) {
        read_topic(client->topic, in + 4);
        write_all(fd, (const uint8_t[]){ 0x90, 3, in[2], in[3], 0 }, 5);
    } else if (in[0] >> 4 == PUBLISH) {
        client->receiver = find_receiver(relay, in);
        if (client->receiver > 0)
            write_all(client->receiver, in, size);
    }
}

static void serve(struct relay *relay, int fd)
{
    ssize_t size = recv(fd, relay->input, READ_SIZE, 0);

    if (size <= 0)
        end(relay, fd);
    else if (relay->clients[fd].receiver > 0)
        write_all(relay->clients[fd].receiver, relay->input, (size_t)size);
    else
        answer(relay, fd, (size_t)size);
}

int main(int argc, char **argv)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    struct epoll_event events[EVENTS_MAX];

    if (!relay || argc != 2 || !open_relay(relay, argv[1])) {
        fprintf(stderr, "relay: give a PORT that is free\n");
        free(relay);
        return 1;
    }
    for (;;) {
        int count = epoll_wait(relay->poll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == relay->listener)
                let_in(relay);
            else
                serve(relay, events[i].data.fd);
        }
    }
}
