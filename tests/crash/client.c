/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void client_init(struct client *client, const char *name, enum nj_version version)
{
    memset(client, 0, sizeof(*client));
    snprintf(client->name, sizeof(client->name), "%s", name);
    client->version = version;
    client->expiry_s = UINT32_MAX;
    client->transport = -1;
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int transport;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    transport = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (transport < 0)
        return -1;
    if (connect(transport, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return transport;
    close(transport);
    return -1;
}

static bool say_connect(struct client *client, bool clean, int64_t now_ms)
{
    uint8_t memory[8];
    struct nj_properties properties = nj_properties_in(memory, sizeof(memory));
    struct nj_connect_options options = { .client_id = nj_text(client->name),
        .clean_start = clean };

    if (client->version == NJ_MQTT_5_0 && !clean) {
        nj_add_number(&properties, NJ_SESSION_EXPIRY_INTERVAL, client->expiry_s);
        options.properties = nj_properties_bytes(&properties);
    }
    return nj_engine_connect(&client->engine, &options, now_ms) == NJ_OK;
}

bool client_connect(struct client *client, const char *path, int epoll, bool clean, int64_t now_ms)
{
    const struct nj_engine_setup setup = {
        .version = client->version,
        .in = client->in,
        .in_size = sizeof(client->in),
        .out = client->out,
        .out_size = sizeof(client->out),
        .slots = client->slots,
        .slot_count = CLIENT_SLOTS,
        .held = client->held,
        .held_count = CLIENT_HELD,
    };
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client };

    client->transport = open_socket(path);
    if (client->transport < 0)
        return false;
    client->ready = false;
    client->over = false;
    nj_engine_init(&client->engine, &setup);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->transport, &event) == 0 &&
            say_connect(client, clean, now_ms) && client_flush(client))
        return true;
    client_cut(client);
    return false;
}

bool client_flush(struct client *client)
{
    for (;;) {
        struct nj_bytes output = nj_engine_output(&client->engine);
        ssize_t count;

        if (output.size == 0)
            return true;
        count = send(client->transport, output.data, output.size, MSG_NOSIGNAL);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        nj_engine_sent(&client->engine, (size_t)count);
    }
}

/* 1: something was read; 0: nothing is there now; -1: nothing will come. */
static int read_some(struct client *client)
{
    ssize_t count = recv(client->transport, client->read, sizeof(client->read), 0);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (count <= 0)
        return -1;
    nj_engine_receive(&client->engine, client->read, (size_t)count);
    return 1;
}

static void give_events(struct client *client, client_take take, void *context, int64_t now_ms)
{
    struct nj_event event;

    while (nj_engine_next(&client->engine, &event, now_ms)) {
        client->ready = client->ready || event.kind == NJ_EVENT_CONNECTED;
        client->over =
                client->over || event.kind == NJ_EVENT_ENDED || event.kind == NJ_EVENT_REFUSED;
        take(context, client, &event);
    }
}

bool client_run(struct client *client, client_take take, void *context, int64_t now_ms)
{
    int more = 1;

    while (more > 0) {
        bool writable;

        give_events(client, take, context, now_ms);
        writable = client_flush(client);
        if (client->over)
            break;
        if (nj_engine_may_receive(
                    &client->engine)) /* to the peer's end, even if it reads no more */
            more = read_some(client);
        else if (nj_engine_output(&client->engine).size > 0)
            more = writable ? 0 : -1;
    }
    if (more == 0)
        return true;
    client_cut(client);
    return false;
}

void client_cut(struct client *client)
{
    if (client->transport >= 0)
        close(client->transport);
    client->transport = -1;
    client->ready = false;
    nj_engine_closed(&client->engine);
}

unsigned client_in_flight(const struct client *client)
{
    unsigned count = 0;

    while (count < CLIENT_SLOTS && client->slots[count].id != 0)
        count++;
    return count;
}
