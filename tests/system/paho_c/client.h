/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scenarios want of a client library: connect, subscribe, publish, take, each done when
 * it returns. sync.c gives it with Paho's MQTTClient, async.c with its MQTTAsync.
 *
 * Whatever does not succeed ends the program with a line that says what and where.
 */
#ifndef PAHO_C_CLIENT_H
#define PAHO_C_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <MQTTProperties.h>

enum { CLIENT_PATIENCE_MS = 90000 }; /* far more than anything here takes */

struct client_will {
    const char *topic;
    const char *payload;
    int qos;
    bool retained;
};

struct client_options {
    const char *address; /* "tcp://127.0.0.1:1883" */
    const char *id;
    int version;  /* 3, 4 or 5: MQTT 3.1, 3.1.1 or 5.0 */
    bool durable; /* the session outlives the connection */
    const struct client_will *will; /* NULL for none */
};

struct message {
    char *topic;
    char *payload; /* with a NUL behind it that does not count */
    size_t size;
    int qos;
    bool retained;
    MQTTProperties properties;
};

struct client;

/* A connected client, to be given back to client_disconnect(). */
struct client *client_connect(const struct client_options *options);

/* identifier: the subscription identifier (5.0), 0 for none. */
void client_subscribe(struct client *client, const char *filter, int qos, int identifier);

/* Returns when the message is acknowledged. */
void client_publish(struct client *client, const struct message *message);

/* The next message that came, within the time; true when there was one, for message_free(). */
bool client_poll(struct client *client, struct message *message, int timeout_ms);

/* Sends DISCONNECT and frees the client. */
void client_disconnect(struct client *client);

void message_free(struct message *message);

/* Ends the program with the line unless the condition holds. */
#define CHECK(condition) client_check((condition), #condition, __FILE__, __LINE__)
void client_check(bool holds, const char *what, const char *file, int line);

#endif
