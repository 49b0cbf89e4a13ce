/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of bench/sensors, in one thread. Each mode prints what it has measured as JSON.
 *
 *     sensors_load publish PORT PID CLIENTS SECONDS SIZE udp|tcp
 *     sensors_load idle PORT PID BEFORE CLIENTS ASLEEP SUBSCRIPTIONS
 *
 * `publish`: each client has one message of QoS 1 under way, as MQTT-SN allows no more, and sends
 * the next when that is acknowledged; over UDP as MQTT-SN with a registered topic, over TCP as MQTT
 * 3.1.1 with the same topic. `idle`: what CLIENTS more cost the server after the first BEFORE, in
 * memory of its own; the last ASLEEP of them sleep.
 *
 * All clients of UDP are one socket: each has a source address of its own in 127/8, which its
 * datagrams name and those for it come to. So the generator needs one call for many datagrams.
 */
#include "meter.h"

#include "cli/bench_histogram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    FRAME_SIZE_MAX = 2048,
    CLIENTS_MAX = 60000,
    PATIENCE_MS = 5000, /* without anything that comes, before it is given up */
    CONNECTING_MAX = 50,
    KEEPALIVE_S = 3600,
    SOCKET_BYTES = 1 << 20,
    FIRST_HOST = 0x7F010000, /* 127.1.0.0: the first client's */
};

struct frame {
    uint8_t data[FRAME_SIZE_MAX];
    size_t size;
};

struct load {
    uint16_t port;
    pid_t server;
    unsigned clients;
    size_t size; /* of a payload */
    int64_t end_ns;
    uint64_t done;
    unsigned under_way;
    int udp;
    int *tcp;
    int64_t *sent_ns;
    uint16_t *topics; /* the id that each client was given */
    uint16_t *next_ids;
    struct bench_histogram latency;
};

/* The server's memory of its own that is resident, in bytes. */
static int64_t server_anonymous(const struct load *load)
{
    int64_t kib = number_of(load->server, "smaps_rollup", "Anonymous:");

    if (kib < 0)
        give_up("the server's memory cannot be read");
    return kib * 1024;
}

static void *room(size_t count, size_t size)
{
    void *block = calloc(count, size);

    if (!block)
        give_up("no memory");
    return block;
}

static void put(struct frame *frame, const void *data, size_t size)
{
    memcpy(frame->data + frame->size, data, size);
    frame->size += size;
}

static void put_u16(struct frame *frame, unsigned value)
{
    put(frame, &(uint8_t[]){ (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

/* ---- Datagrams of many clients at one socket ---- */

struct control {
    _Alignas(struct cmsghdr) uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct batch {
    unsigned count;
    unsigned clients[BATCH];
    struct frame frames[BATCH];
    struct mmsghdr headers[BATCH];
    struct iovec pieces[BATCH];
    struct control controls[BATCH];
    struct sockaddr_in server;
};

static void prepare(struct batch *batch, const struct load *load)
{
    batch->server = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(load->port), .sin_addr = { htonl(INADDR_LOOPBACK) }
    };
    for (unsigned i = 0; i < BATCH; i++) {
        batch->pieces[i] = (struct iovec){ batch->frames[i].data, FRAME_SIZE_MAX };
        batch->headers[i].msg_hdr = (struct msghdr){ .msg_iov = &batch->pieces[i],
            .msg_iovlen = 1,
            .msg_control = &batch->controls[i],
            .msg_controllen = sizeof(batch->controls[i]) };
    }
}

static struct cmsghdr *control_head(struct control *control)
{
    return (struct cmsghdr *)(void *)control->room;
}

static struct in_pktinfo *information(struct control *control)
{
    return (struct in_pktinfo *)(void *)CMSG_DATA(control_head(control));
}

/* A frame of that client to be filled, behind those that are to be sent. */
static struct frame *add(struct batch *batch, unsigned client)
{
    unsigned place = batch->count++;

    *control_head(&batch->controls[place]) =
            (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)),
                .cmsg_level = IPPROTO_IP,
                .cmsg_type = IP_PKTINFO };
    *information(&batch->controls[place]) =
            (struct in_pktinfo){ .ipi_spec_dst = { htonl(FIRST_HOST + client) } };
    batch->clients[place] = client;
    batch->frames[place].size = 0;
    return &batch->frames[place];
}

static void send_all(struct batch *batch, const struct load *load)
{
    unsigned sent = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        batch->pieces[i].iov_len = batch->frames[i].size;
        batch->headers[i].msg_hdr.msg_name = &batch->server;
        batch->headers[i].msg_hdr.msg_namelen = sizeof(batch->server);
    }
    while (sent < batch->count) {
        int more = sendmmsg(load->udp, batch->headers + sent, batch->count - sent, 0);

        if (more <= 0)
            give_up(strerror(errno));
        sent += (unsigned)more;
    }
    batch->count = 0;
}

/* Waits for datagrams; gives up when none come. */
static void receive_all(struct batch *batch, const struct load *load)
{
    struct pollfd wait = { .fd = load->udp, .events = POLLIN };
    int count;

    if (poll(&wait, 1, PATIENCE_MS) != 1)
        give_up("a datagram is lost, or the server does not answer");
    for (unsigned i = 0; i < BATCH; i++) {
        batch->pieces[i].iov_len = FRAME_SIZE_MAX;
        batch->headers[i].msg_hdr.msg_name = NULL;
        batch->headers[i].msg_hdr.msg_namelen = 0;
        batch->headers[i].msg_hdr.msg_controllen = sizeof(batch->controls[i]);
    }
    count = recvmmsg(load->udp, batch->headers, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0)
        give_up("no server listens there");
    batch->count = (unsigned)count;
    for (unsigned i = 0; i < batch->count; i++) {
        batch->frames[i].size = batch->headers[i].msg_len;
        batch->clients[i] = ntohl(information(&batch->controls[i])->ipi_addr.s_addr) - FIRST_HOST;
        if (batch->clients[i] >= CLIENTS_MAX)
            give_up("a datagram for nobody has come");
    }
}

static int open_udp(void)
{
    static const int on = 1;
    static const int size = SOCKET_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = { .sin_family = AF_INET };

    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
            setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0)
        give_up("no socket of UDP");
    return fd;
}

/* ---- Steps that all clients take one after the other ---- */

/* Writes what that client asks, in the round that all of them are in. */
typedef void (*ask_function)(const struct load *load, unsigned client, struct frame *frame);

/* Each client from `first` to `end` asks once, and the answer is given to `take`. */
static void ask_all(struct load *load, unsigned first, unsigned end, ask_function ask,
        void (*take)(struct load *load, unsigned client, const struct frame *answer))
{
    static struct batch out;
    static struct batch in;
    unsigned asked = first;
    unsigned answered = first;

    prepare(&out, load);
    prepare(&in, load);
    while (answered < end) {
        while (asked < end && asked - answered < CONNECTING_MAX) {
            ask(load, asked, add(&out, asked));
            asked++;
        }
        send_all(&out, load);
        receive_all(&in, load);
        for (unsigned i = 0; i < in.count; i++)
            take(load, in.clients[i], &in.frames[i]);
        answered += in.count;
    }
}

static void expect(const struct frame *answer, const uint8_t *head, size_t size)
{
    if (answer->size < size || memcmp(answer->data, head, size) != 0)
        give_up("an answer is not the one that was expected");
}

static void ask_connect(const struct load *load, unsigned client, struct frame *frame)
{
    char id[16];
    int size = snprintf(id, sizeof(id), "sensor%u", client);

    (void)load;
    put(frame, &(uint8_t[]){ (uint8_t)(6 + size), 0x04, 0x04, 0x01 }, 4);
    put_u16(frame, KEEPALIVE_S);
    put(frame, id, (size_t)size);
}

static void take_connack(struct load *load, unsigned client, const struct frame *answer)
{
    (void)load, (void)client;
    expect(answer, (const uint8_t[]){ 3, 0x05, 0 }, 3);
}

static void ask_register(const struct load *load, unsigned client, struct frame *frame)
{
    char topic[24];
    int size = snprintf(topic, sizeof(topic), "load/%u", client);

    (void)load;
    put(frame, &(uint8_t[]){ (uint8_t)(6 + size), 0x0A, 0, 0, 0, 1 }, 6);
    put(frame, topic, (size_t)size);
}

static void take_regack(struct load *load, unsigned client, const struct frame *answer)
{
    expect(answer, (const uint8_t[]){ 7, 0x0B }, 2);
    if (answer->data[6] != 0)
        give_up("a topic is refused");
    load->topics[client] = (uint16_t)(answer->data[2] << 8 | answer->data[3]);
}

static void ask_subscribe(const struct load *load, unsigned client, struct frame *frame)
{
    char topic[24];
    int size = snprintf(topic, sizeof(topic), "to/sensor%u", client);

    (void)load;
    put(frame, &(uint8_t[]){ (uint8_t)(5 + size), 0x12, 0x20, 0, 1 }, 5);
    put(frame, topic, (size_t)size);
}

static void take_suback(struct load *load, unsigned client, const struct frame *answer)
{
    (void)load, (void)client;
    expect(answer, (const uint8_t[]){ 8, 0x13, 0x20 }, 3);
}

static void ask_sleep(const struct load *load, unsigned client, struct frame *frame)
{
    (void)load, (void)client;
    put(frame, &(uint8_t[]){ 4, 0x18 }, 2);
    put_u16(frame, KEEPALIVE_S);
}

static void take_disconnect(struct load *load, unsigned client, const struct frame *answer)
{
    (void)load, (void)client;
    expect(answer, (const uint8_t[]){ 2, 0x18 }, 2);
}

/* ---- publish ---- */

static void put_publish_sn(const struct load *load, unsigned client, struct frame *frame)
{
    static const uint8_t payload[FRAME_SIZE_MAX];
    size_t size = 7 + load->size;

    if (size > 255) {
        put(frame, &(uint8_t){ 1 }, 1);
        put_u16(frame, (unsigned)size + 2);
    } else {
        put(frame, &(uint8_t){ (uint8_t)size }, 1);
    }
    put(frame, &(uint8_t[]){ 0x0C, 0x20 }, 2);
    put_u16(frame, load->topics[client]);
    put_u16(frame, load->next_ids[client]);
    put(frame, payload, load->size);
}

static void begin_message(struct load *load, unsigned client, int64_t at_ns)
{
    load->sent_ns[client] = at_ns;
    load->next_ids[client] = load->next_ids[client] == UINT16_MAX ? 1 : load->next_ids[client] + 1;
    load->under_way++;
}

static void end_message(struct load *load, unsigned client, int64_t at_ns)
{
    bench_histogram_add(&load->latency, at_ns - load->sent_ns[client]);
    load->under_way--;
    load->done++;
}

static void publish_by_udp(struct load *load)
{
    static struct batch out;
    static struct batch in;
    int64_t at_ns = now_ns();

    prepare(&out, load);
    prepare(&in, load);
    for (unsigned i = 0; i < load->clients; i++) {
        begin_message(load, i, at_ns);
        put_publish_sn(load, i, add(&out, i));
        if (out.count == BATCH || i + 1 == load->clients)
            send_all(&out, load);
    }
    while (load->under_way > 0) {
        receive_all(&in, load);
        at_ns = now_ns();
        for (unsigned i = 0; i < in.count; i++) {
            unsigned client = in.clients[i];

            expect(&in.frames[i], (const uint8_t[]){ 7, 0x0D }, 2);
            end_message(load, client, at_ns);
            if (at_ns >= load->end_ns)
                continue;
            begin_message(load, client, at_ns);
            put_publish_sn(load, client, add(&out, client));
        }
        send_all(&out, load);
    }
}

static void put_publish_tcp(const struct load *load, unsigned client, struct frame *frame)
{
    static const uint8_t payload[FRAME_SIZE_MAX];
    char topic[24];
    int size = snprintf(topic, sizeof(topic), "load/%u", client);
    size_t rest = 4 + (size_t)size + load->size;

    put(frame, &(uint8_t){ 0x32 }, 1);
    if (rest > 127)
        put(frame, &(uint8_t[]){ (uint8_t)(rest | 0x80), (uint8_t)(rest >> 7) }, 2);
    else
        put(frame, &(uint8_t){ (uint8_t)rest }, 1);
    put_u16(frame, (unsigned)size);
    put(frame, topic, (size_t)size);
    put_u16(frame, load->next_ids[client]);
    put(frame, payload, load->size);
}

static void write_tcp(const struct load *load, unsigned client, const struct frame *frame)
{
    if (write(load->tcp[client], frame->data, frame->size) != (ssize_t)frame->size)
        give_up("a connection takes no message");
}

static void read_tcp(const struct load *load, unsigned client, uint8_t *data, size_t size)
{
    if (recv(load->tcp[client], data, size, MSG_WAITALL) != (ssize_t)size)
        give_up("a connection is gone");
}

static void connect_tcp(struct load *load, unsigned client)
{
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(load->port), .sin_addr = { htonl(INADDR_LOOPBACK) }
    };
    char id[16];
    int size = snprintf(id, sizeof(id), "sensor%u", client);
    struct frame frame = { .size = 0 };
    uint8_t connack[4];

    load->tcp[client] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(load->tcp[client], (struct sockaddr *)&server, sizeof(server)) < 0)
        give_up("no server listens there");
    put(&frame, &(uint8_t[]){ 0x10, (uint8_t)(12 + size) }, 2);
    put(&frame, "\0\4MQTT\4\2", 8);
    put_u16(&frame, KEEPALIVE_S);
    put_u16(&frame, (unsigned)size);
    put(&frame, id, (size_t)size);
    write_tcp(load, client, &frame);
    read_tcp(load, client, connack, sizeof(connack));
}

static void next_by_tcp(struct load *load, unsigned client, int64_t at_ns)
{
    struct frame frame;

    frame.size = 0;
    begin_message(load, client, at_ns);
    put_publish_tcp(load, client, &frame);
    write_tcp(load, client, &frame);
}

static void publish_by_tcp(struct load *load)
{
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[BATCH];

    for (unsigned i = 0; i < load->clients; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data = { .u32 = i } };

        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, load->tcp[i], &event) < 0)
            give_up("no poll");
        next_by_tcp(load, i, now_ns());
    }
    while (load->under_way > 0) {
        int count = epoll_wait(poll_fd, events, BATCH, PATIENCE_MS);

        if (count <= 0)
            give_up("the server does not answer");
        for (int i = 0; i < count; i++) {
            unsigned client = events[i].data.u32;
            uint8_t puback[4];
            int64_t at_ns;

            read_tcp(load, client, puback, sizeof(puback));
            at_ns = now_ns();
            end_message(load, client, at_ns);
            if (at_ns < load->end_ns)
                next_by_tcp(load, client, at_ns);
        }
    }
    close(poll_fd);
}

static void print_published(const struct load *load, int64_t began_ns, int64_t cpu_ns)
{
    double seconds = (double)(now_ns() - began_ns) / SECOND_NS;
    double messages = load->done > 0 ? (double)load->done : 1;

    printf("{\"messages\": %" PRIu64 ", \"per_s\": %.0f, \"cpu_us\": %.3f, \"p50_us\": %.0f, "
           "\"p99_us\": %.0f, \"max_us\": %.0f}\n",
            load->done, messages / seconds,
            (double)(cpu_ns_of(load->server) - cpu_ns) / 1000 / messages,
            (double)bench_histogram_percentile_ns(&load->latency, 50) / 1000,
            (double)bench_histogram_percentile_ns(&load->latency, 99) / 1000,
            (double)load->latency.max_ns / 1000);
}

/* CLIENTS SECONDS SIZE udp|tcp */
static void run_publish(struct load *load, char **words)
{
    bool over_udp = strcmp(words[3], "udp") == 0;
    int64_t began_ns;
    int64_t cpu_ns;

    load->clients = (unsigned)atoi(words[0]);
    load->size = (size_t)atoi(words[2]);
    if (load->clients == 0 || load->clients > CLIENTS_MAX || load->size > FRAME_SIZE_MAX - 64)
        give_up("so many clients, or bytes, are not measured");
    for (unsigned i = 0; i < load->clients && !over_udp; i++)
        connect_tcp(load, i);
    if (over_udp) {
        ask_all(load, 0, load->clients, ask_connect, take_connack);
        ask_all(load, 0, load->clients, ask_register, take_regack);
    }
    began_ns = now_ns();
    cpu_ns = cpu_ns_of(load->server);
    load->end_ns = began_ns + (int64_t)(atof(words[1]) * SECOND_NS);
    if (over_udp)
        publish_by_udp(load);
    else
        publish_by_tcp(load);
    print_published(load, began_ns, cpu_ns);
}

/* ---- idle ---- */

static void let_idle(struct load *load, unsigned first, unsigned end, bool subscribe)
{
    ask_all(load, first, end, ask_connect, take_connack);
    if (subscribe)
        ask_all(load, first, end, ask_subscribe, take_suback);
}

/* BEFORE CLIENTS ASLEEP SUBSCRIPTIONS */
static void run_idle(struct load *load, char **words)
{
    unsigned before = (unsigned)atoi(words[0]);
    unsigned clients = (unsigned)atoi(words[1]);
    unsigned asleep = (unsigned)atoi(words[2]);
    bool subscribe = atoi(words[3]) > 0;
    unsigned end = before + clients;
    int64_t at_first;

    if (clients == 0 || asleep > clients || end > CLIENTS_MAX)
        give_up("so many clients are not measured");
    let_idle(load, 0, before, subscribe);
    at_first = server_anonymous(load);
    let_idle(load, before, end, subscribe);
    ask_all(load, end - asleep, end, ask_sleep, take_disconnect);
    printf("{\"clients\": %u, \"bytes_per_client\": %.0f}\n", clients,
            (double)(server_anonymous(load) - at_first) / clients);
}

static const struct mode {
    const char *name;
    int words;
    void (*run)(struct load *load, char **words);
} modes[] = {
    { "publish", 4, run_publish },
    { "idle", 4, run_idle },
};

int main(int argc, char **argv)
{
    struct load *load = room(1, sizeof(*load));

    load->udp = open_udp();
    load->tcp = room(CLIENTS_MAX, sizeof(*load->tcp));
    load->sent_ns = room(CLIENTS_MAX, sizeof(*load->sent_ns));
    load->topics = room(CLIENTS_MAX, sizeof(*load->topics));
    load->next_ids = room(CLIENTS_MAX, sizeof(*load->next_ids));
    for (size_t i = 0; argc > 3 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].name) != 0 || argc - 4 != modes[i].words)
            continue;
        load->port = (uint16_t)atoi(argv[2]);
        load->server = atoi(argv[3]);
        modes[i].run(load, argv + 4);
        return 0;
    }
    give_up("see the first lines of bench/sensors_load.c");
}
