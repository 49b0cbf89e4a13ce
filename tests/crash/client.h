/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the load: the engine of nightjar/engine.h on a Unix socket, for one thread that waits
 * for many with epoll. Its session outlives connections; slots and ids of messages in flight stay,
 * while each connection begins with the lowest packet identifier that is free, so that a server
 * which remembers one for too long is found out.
 */
#ifndef TESTS_CRASH_CLIENT_H
#define TESTS_CRASH_CLIENT_H

#include <nightjar/engine.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    CLIENT_PACKET_MAX = 24 << 10, /* bytes that come in */
    CLIENT_OUT = 64 << 10,
    CLIENT_READ = 16 << 10,
    CLIENT_SLOTS = 20,
    CLIENT_HELD = 20,
};

struct client {
    struct nj_engine engine;
    char name[32];
    enum nj_version version;
    uint32_t expiry_s; /* of its session, in MQTT 5.0; UINT32_MAX: never, which it begins as */
    int transport;     /* -1: no connection */
    bool ready;        /* the server has let it in */
    bool over;         /* the connection is to be closed */
    struct nj_slot slots[CLIENT_SLOTS];
    uint16_t held[CLIENT_HELD];
    uint8_t in[CLIENT_PACKET_MAX];
    uint8_t out[CLIENT_OUT];
    uint8_t read[CLIENT_READ];
};

/* Called for each event, in order. */
typedef void (*client_take)(void *context, struct client *client, const struct nj_event *event);

/* The client must stay where it is. */
void client_init(struct client *client, const char *name, enum nj_version version);

/*
 * Begins a connection to the socket at that path, and watches it with `epoll`, to which the client
 * is the data. `clean` begins a new session, which ends with the connection. False: nobody listens.
 */
bool client_connect(struct client *client, const char *path, int epoll, bool clean, int64_t now_ms);

/* Reads, gives the events, and writes, until it would wait. The connection is closed when this
 * returns false. */
bool client_run(struct client *client, client_take take, void *context, int64_t now_ms);

/* Writes what there is; true also when some of it must wait. */
bool client_flush(struct client *client);

/* Closes the connection without a word. */
void client_cut(struct client *client);

/* Messages that were sent and are not acknowledged. */
unsigned client_in_flight(const struct client *client);

#endif
