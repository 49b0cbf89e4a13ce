/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     link_load_LIBRARY publish|receive QOS VERSION COUNT
 *
 * Prints the processor time for a message, in nanoseconds. The peer is a process of its own which
 * knows as much of MQTT as this needs: it answers what a client sends, takes and counts messages,
 * or sends them as fast as it may.
 */
#include "link_load.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECT = 1,
    PUBLISH = 3,
    PUBACK,
    PUBREC,
    PUBREL,
    PUBCOMP,
    SUBSCRIBE = 8,
    PINGREQ = 12,
    DISCONNECT = 14,
};

enum {
    IN_SIZE = 256 << 10,
    OUT_SIZE = 64 << 10,
    PACKET_MAX = 128 /* no packet of the peer's is larger */
};

struct peer {
    const struct load *load;
    int fd;
    bool subscribed;
    bool told; /* the client has got the message that is behind all */
    bool over;
    uint64_t sent;
    uint64_t acknowledged;
    uint64_t taken;
    size_t in_used;
    size_t out_used;
    uint8_t in[IN_SIZE];
    uint8_t out[OUT_SIZE];
};

/* ---- What the client's file calls ---- */

static uint64_t cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

void load_begins(struct load *load)
{
    load->begun_ns = cpu_ns();
}

void load_ends(struct load *load)
{
    load->ended_ns = cpu_ns();
}

bool load_takes(struct load *load)
{
    if (load->taken == 0)
        load_begins(load);
    if (++load->taken > load->count)
        load_ends(load);
    return load->taken > load->count;
}

void load_fails(const char *what)
{
    fprintf(stderr, "link_load: %s\n", what);
    exit(1);
}

/* ---- The peer ---- */

static void flush(struct peer *peer)
{
    size_t done = 0;

    while (done < peer->out_used) {
        ssize_t count = send(peer->fd, peer->out + done, peer->out_used - done, MSG_NOSIGNAL);

        if (count <= 0)
            load_fails("the client has gone");
        done += (size_t)count;
    }
    peer->out_used = 0;
}

static void put(struct peer *peer, const void *data, size_t size)
{
    if (OUT_SIZE - peer->out_used < size)
        flush(peer);
    memcpy(peer->out + peer->out_used, data, size);
    peer->out_used += size;
}

static void put_answer(struct peer *peer, unsigned type, const uint8_t id[2])
{
    const uint8_t packet[] = { (uint8_t)(type << 4 | (type == PUBREL ? 2 : 0)), 2, id[0], id[1] };

    put(peer, packet, sizeof(packet));
}

static void put_message(struct peer *peer, uint8_t qos)
{
    const struct load *load = peer->load;
    const size_t topic_size = strlen(LOAD_TOPIC);
    uint16_t id = (uint16_t)(1 + peer->sent % UINT16_MAX);
    uint8_t packet[PACKET_MAX] = { (uint8_t)(PUBLISH << 4 | qos << 1) };
    size_t used = 2;

    packet[used++] = 0;
    packet[used++] = (uint8_t)topic_size;
    memcpy(packet + used, LOAD_TOPIC, topic_size);
    used += topic_size;
    if (qos > 0) {
        packet[used++] = (uint8_t)(id >> 8);
        packet[used++] = (uint8_t)id;
    }
    used += load->is_v5; /* no properties */
    memcpy(packet + used, load->payload, LOAD_PAYLOAD_SIZE);
    used += LOAD_PAYLOAD_SIZE;
    packet[1] = (uint8_t)(used - 2);
    put(peer, packet, used);
}

/* As many messages as may be under way; behind the last of them one that says so. */
static void put_messages(struct peer *peer)
{
    const struct load *load = peer->load;

    while (peer->subscribed && peer->sent < load->count &&
            (load->qos == 0 || peer->sent - peer->acknowledged < LOAD_WINDOW)) {
        put_message(peer, load->qos);
        peer->sent++;
    }
    if (peer->sent == load->count && !peer->told &&
            (load->qos == 0 || peer->acknowledged == load->count)) {
        put_message(peer, 0);
        peer->told = true;
    }
}

static void take_publish(struct peer *peer, uint8_t first, const uint8_t *body)
{
    const uint8_t *id = body + 2 + (body[0] << 8 | body[1]);
    unsigned qos = first >> 1 & 3;

    peer->taken += qos < 2;
    if (qos > 0)
        put_answer(peer, qos == 1 ? PUBACK : PUBREC, id);
}

static void take_subscribe(struct peer *peer, const uint8_t *body)
{
    bool is_v5 = peer->load->is_v5;
    const uint8_t suback[] = { 0x90, 4, body[0], body[1], 0, peer->load->qos };
    const uint8_t suback_v3[] = { 0x90, 3, body[0], body[1], peer->load->qos };

    put(peer, is_v5 ? suback : suback_v3, is_v5 ? sizeof(suback) : sizeof(suback_v3));
    peer->subscribed = true;
}

static void take_packet(struct peer *peer, uint8_t first, const uint8_t *body)
{
    static const uint8_t connack[] = { 0x20, 3, 0, 0, 0 }, connack_v3[] = { 0x20, 2, 0, 0 };
    static const uint8_t pingresp[] = { 0xd0, 0 };

    switch (first >> 4) {
    case CONNECT:
        put(peer, peer->load->is_v5 ? connack : connack_v3,
                peer->load->is_v5 ? sizeof(connack) : sizeof(connack_v3));
        break;
    case PUBLISH:
        take_publish(peer, first, body);
        break;
    case PUBREL:
        peer->taken++;
        put_answer(peer, PUBCOMP, body);
        break;
    case PUBREC:
        put_answer(peer, PUBREL, body);
        break;
    case PUBACK:
    case PUBCOMP:
        peer->acknowledged++;
        break;
    case SUBSCRIBE:
        take_subscribe(peer, body);
        break;
    case PINGREQ:
        put(peer, pingresp, sizeof(pingresp));
        break;
    case DISCONNECT:
        peer->over = true;
        break;
    default:
        load_fails("the client sends what it should not");
    }
}

/* Takes what is whole. No packet that comes has more than two bytes of size. */
static void take_packets(struct peer *peer)
{
    const uint8_t *at = peer->in;
    size_t left = peer->in_used;

    while (left >= 3 || (left == 2 && at[1] == 0)) {
        size_t head = at[1] < 0x80 ? 2 : 3;
        size_t size = head + (at[1] & 0x7f) + (head == 3 ? (size_t)at[2] << 7 : 0);

        if (size > left)
            break;
        take_packet(peer, at[0], at + head);
        at += size;
        left -= size;
    }
    memmove(peer->in, at, left);
    peer->in_used = left;
}

/* Serves one client until it says goodbye or closes. */
static void serve(int listener, const struct load *load)
{
    static struct peer peer;
    const int at_once = 1;

    peer = (struct peer){ .load = load, .fd = accept(listener, NULL, NULL) };
    setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    while (!peer.over) {
        ssize_t count = recv(peer.fd, peer.in + peer.in_used, IN_SIZE - peer.in_used, 0);

        if (count <= 0)
            break;
        peer.in_used += (size_t)count;
        take_packets(&peer);
        put_messages(&peer);
        flush(&peer);
    }
    if (load->receives ? !peer.told : peer.taken != load->count)
        load_fails("the peer has not got what it should");
}

static pid_t start_peer(struct load *load)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t pid;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(listener, 1) < 0 ||
            getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        load_fails("the peer cannot listen");
    load->port = ntohs(address.sin_port);
    pid = fork();
    if (pid < 0)
        load_fails("the peer cannot start");
    if (pid == 0) {
        serve(listener, load);
        exit(0);
    }
    close(listener);
    return pid;
}

int main(int argc, char **words)
{
    struct load load = { .payload = "0123456789abcdef0123456789abcde" };
    int status;
    pid_t peer;

    if (argc != 5)
        load_fails("publish|receive QOS VERSION COUNT");
    load.receives = strcmp(words[1], "receive") == 0;
    load.qos = (uint8_t)atoi(words[2]);
    load.is_v5 = strcmp(words[3], "5") == 0;
    load.count = strtoull(words[4], NULL, 10);
    peer = start_peer(&load);
    load_run(&load);
    if (waitpid(peer, &status, 0) != peer || status != 0)
        load_fails("not every message has arrived");
    printf("%.1f\n", (double)(load.ended_ns - load.begun_ns) / (double)load.count);
    return 0;
}
