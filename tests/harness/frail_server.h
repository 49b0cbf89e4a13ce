/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for one client at a time that keeps to the rules of sessions and breaks off where a test
 * says: after the n-th packet in either direction. It notes each message that it has taken, as a
 * server does that takes one with its PUBLISH, and has messages of its own for the client.
 *
 * It listens on loopback, at a port that the system chooses, and waits no longer than it is told.
 */
#ifndef TESTS_HARNESS_FRAIL_SERVER_H
#define TESTS_HARNESS_FRAIL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAIL_MESSAGES_MAX = 64, FRAIL_TEXT_SIZE = 64, FRAIL_BUFFER_SIZE = 16384 };

/* A message taken from the client, and how often. */
struct frail_taken {
    char text[FRAIL_TEXT_SIZE];
    unsigned count;
};

/* A message for the client. */
struct frail_given {
    char text[FRAIL_TEXT_SIZE];
    uint16_t id;
    uint8_t qos;
    uint8_t state;
};

struct frail_server {
    int listener;
    int fd; /* of the client; -1: there is none */
    uint16_t port;
    uint8_t in[FRAIL_BUFFER_SIZE];
    size_t in_used;
    uint8_t version;
    bool greeted; /* CONNECT has come on this connection */

    unsigned packets;     /* so many have come or gone, ever */
    unsigned cut_at;      /* after so many it breaks off, once; 0: never */
    bool authenticates;   /* it asks for an AUTH before it lets anybody in */
    bool refuses;         /* it lets nobody in */
    bool forgets;         /* it has no session at each CONNECT */
    unsigned connections; /* that it has let in */
    unsigned goodbyes;    /* DISCONNECTs that have come */

    bool has_session;
    uint16_t held[FRAIL_MESSAGES_MAX]; /* ids of QoS 2 messages that are not released */
    struct frail_taken taken[FRAIL_MESSAGES_MAX];
    size_t taken_count;
    struct frail_given given[FRAIL_MESSAGES_MAX];
    size_t given_count;
    size_t subscribed; /* SUBSCRIBEs that have come */
};

void frail_server_open(struct frail_server *server);
void frail_server_close(struct frail_server *server);

/* Ends the connection, as a cable that is pulled. */
void frail_server_cut(struct frail_server *server);

/* Has a message for the client, which goes when there is one. */
void frail_server_give(struct frail_server *server, const char *text, uint8_t qos);

/* Accepts, reads and answers what is there. Waits for it at most so long. */
void frail_server_turn(struct frail_server *server, int timeout_ms);

/* How often it has taken that message. */
unsigned frail_server_taken(const struct frail_server *server, const char *text);

/* Whether the client has acknowledged all messages of the server's, and released all its own. */
bool frail_server_is_even(const struct frail_server *server);

#endif
