/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user of Paho C relies on, one scenario a run:
 *
 *     paho_c_sync ADDRESS VERSION SCENARIO      (VERSION: 3, 4 or 5)
 *
 * Ends with 0 when all held, else with a line that says what did not.
 */
#include "client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
    const char *address;
    int version;
};

/* --- what the scenarios are made of ----------------------------------------------------------- */

static struct client *connected(const struct server *server, const char *id, bool durable)
{
    struct client_options options = { server->address, id, server->version, durable, NULL };

    return client_connect(&options);
}

static void publish(
        struct client *client, const char *topic, const char *payload, int qos, bool retained)
{
    /* Paho's structures want writable text, and do not write. */
    struct message message = { .topic = strdup(topic), .payload = strdup(payload),
        .size = strlen(payload), .qos = qos, .retained = retained };

    client_publish(client, &message);
    message_free(&message);
}

static void expect_message(
        struct client *client, const char *topic, const char *payload, int qos, bool retained)
{
    struct message message;

    CHECK(client_poll(client, &message, CLIENT_PATIENCE_MS));
    CHECK(strcmp(message.topic, topic) == 0);
    CHECK(strcmp(message.payload, payload) == 0);
    CHECK(message.qos == qos);
    CHECK(message.retained == retained);
    message_free(&message);
}

/* Nothing more has come: what the client sends to itself is the next that it gets. */
static void expect_no_more(struct client *client)
{
    char topic[32];

    snprintf(topic, sizeof(topic), "end/%p", (void *)client);
    client_subscribe(client, topic, 1, 0);
    publish(client, topic, "", 1, false);
    expect_message(client, topic, "", 1, false);
}

/* --- the scenarios ---------------------------------------------------------------------------- */

enum { STREAM_MESSAGES = 200 };

static void every_qos_in_order(const struct server *server)
{
    struct client *subscriber = connected(server, "subscriber", false);
    struct client *publisher = connected(server, "publisher", false);
    char payload[16];

    client_subscribe(subscriber, "a/+", 2, 0);
    for (int qos = 0; qos <= 2; qos++) {
        for (int i = 0; i < STREAM_MESSAGES; i++) {
            snprintf(payload, sizeof(payload), "%d", i);
            publish(publisher, "a/b", payload, qos, false);
        }
        for (int i = 0; i < STREAM_MESSAGES; i++) {
            snprintf(payload, sizeof(payload), "%d", i);
            expect_message(subscriber, "a/b", payload, qos, false);
        }
    }
    expect_no_more(subscriber);
    client_disconnect(publisher);
    client_disconnect(subscriber);
}

static void large_payload(const struct server *server)
{
    enum { SIZE = 1 << 20 };
    struct client *client = connected(server, "client", false);
    struct message sent = { .topic = strdup("large"), .payload = malloc(SIZE), .size = SIZE,
        .qos = 1 };
    struct message got;

    CHECK(sent.payload);
    for (size_t i = 0; i < SIZE; i++)
        sent.payload[i] = (char)(i % 251);
    client_subscribe(client, "large", 1, 0);
    client_publish(client, &sent);
    CHECK(client_poll(client, &got, CLIENT_PATIENCE_MS));
    CHECK(got.size == SIZE && memcmp(got.payload, sent.payload, SIZE) == 0);
    message_free(&got);
    message_free(&sent);
    client_disconnect(client);
}

static void retained_messages(const struct server *server)
{
    struct client *client = connected(server, "publisher", false);

    publish(client, "state", "old", 1, true);
    publish(client, "state", "new", 2, true);
    client_disconnect(client);

    client = connected(server, "late", false);
    client_subscribe(client, "state", 2, 0);
    expect_message(client, "state", "new", 2, true);
    publish(client, "state", "", 1, true);
    expect_message(client, "state", "", 1, false);
    client_disconnect(client);

    client = connected(server, "later", false);
    client_subscribe(client, "state", 2, 0);
    expect_no_more(client);
    client_disconnect(client);
}

/* Connects with a will in a process of its own, which then ends by kill -9. */
static void die_with_will(const struct server *server, const struct client_will *will)
{
    pid_t child = fork();
    int status;

    CHECK(child >= 0);
    if (child == 0) {
        struct client_options options = { server->address, "dying", server->version, false, will };

        client_connect(&options);
        raise(SIGKILL);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void will_after_kill(const struct server *server)
{
    const struct client_will will = { "status", "offline", 1, true };
    struct client *watcher;
    struct message message;

    die_with_will(server, &will); /* first, for a fork takes no threads of Paho's along */
    watcher = connected(server, "watcher", false);
    client_subscribe(watcher, "status", 1, 0);

    /* It comes as a retained message, or as a new one when we were faster than the server. */
    CHECK(client_poll(watcher, &message, CLIENT_PATIENCE_MS));
    CHECK(strcmp(message.topic, "status") == 0 && strcmp(message.payload, "offline") == 0);
    CHECK(message.qos == 1);
    message_free(&message);
    client_disconnect(watcher);
}

static void durable_session(const struct server *server)
{
    struct client *client = connected(server, "durable", true);

    client_subscribe(client, "news", 2, 0);
    client_disconnect(client);

    client = connected(server, "publisher", false);
    publish(client, "news", "one", 1, false);
    publish(client, "news", "two", 2, false);
    client_disconnect(client);

    client = connected(server, "durable", true);
    expect_message(client, "news", "one", 1, false);
    expect_message(client, "news", "two", 2, false);
    expect_no_more(client);
    client_disconnect(client);
}

enum { MEMBERS = 2, JOBS = 100, POLL_MS = 10 };

/* Takes every job from whoever it was given to, and counts what each member got. */
static void take_jobs(struct client **members, int *given)
{
    bool seen[JOBS] = { false };

    for (int tries = 0; given[0] + given[1] < JOBS; tries++) {
        struct message message;
        int member = tries % MEMBERS;

        CHECK(tries < CLIENT_PATIENCE_MS / POLL_MS);
        if (!client_poll(members[member], &message, POLL_MS))
            continue;
        int job = atoi(message.payload);

        CHECK(job >= 0 && job < JOBS && !seen[job]);
        seen[job] = true;
        given[member]++;
        message_free(&message);
    }
}

static void shared_subscription(const struct server *server)
{
    struct client *members[MEMBERS] = {
        connected(server, "member 0", false), connected(server, "member 1", false) };
    int given[MEMBERS] = { 0 };
    char payload[16];

    for (int i = 0; i < MEMBERS; i++)
        client_subscribe(members[i], "$share/group/jobs", 1, 0);
    for (int i = 0; i < JOBS; i++) {
        snprintf(payload, sizeof(payload), "%d", i);
        publish(members[0], "jobs", payload, 1, false);
    }
    take_jobs(members, given);
    CHECK(given[0] > 0 && given[1] > 0);
    for (int i = 0; i < MEMBERS; i++)
        expect_no_more(members[i]);
    for (int i = 0; i < MEMBERS; i++)
        client_disconnect(members[i]);
}

static MQTTLenString len_string(char *text)
{
    return (MQTTLenString){ (int)strlen(text), text };
}

static bool is_text(const MQTTProperty *property, const char *text)
{
    size_t size = strlen(text);

    return property && (size_t)property->value.data.len == size &&
            memcmp(property->value.data.data, text, size) == 0;
}

static void properties_untouched(const struct server *server)
{
    struct client *client = connected(server, "client", false);
    struct message sent = { .topic = strdup("a"), .payload = strdup("x"), .size = 1, .qos = 1 };
    struct message got;
    char type[] = "text/plain", topic[] = "answers", data[] = "c0", name[] = "name", value[] = "v";
    MQTTProperty properties[] = {
        { .identifier = MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, .value.byte = 1 },
        { .identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, .value.integer4 = 1000 },
        { .identifier = MQTTPROPERTY_CODE_CONTENT_TYPE, .value.data = len_string(type) },
        { .identifier = MQTTPROPERTY_CODE_RESPONSE_TOPIC, .value.data = len_string(topic) },
        { .identifier = MQTTPROPERTY_CODE_CORRELATION_DATA, .value.data = len_string(data) },
        { .identifier = MQTTPROPERTY_CODE_USER_PROPERTY,
                .value = { .data = len_string(name), .value = len_string(value) } },
    };

    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
        CHECK(MQTTProperties_add(&sent.properties, &properties[i]) == 0);
    client_subscribe(client, "a", 1, 4711);
    client_publish(client, &sent);
    CHECK(client_poll(client, &got, CLIENT_PATIENCE_MS));
    MQTTProperties *all = &got.properties;
    const MQTTProperty *user =
            MQTTProperties_getProperty(all, MQTTPROPERTY_CODE_USER_PROPERTY);
    int expiry_s =
            MQTTProperties_getNumericValue(all, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL);

    CHECK(MQTTProperties_getNumericValue(all, MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR) == 1);
    CHECK(expiry_s >= 990 && expiry_s <= 1000);
    CHECK(is_text(MQTTProperties_getProperty(all, MQTTPROPERTY_CODE_CONTENT_TYPE), type));
    CHECK(is_text(MQTTProperties_getProperty(all, MQTTPROPERTY_CODE_RESPONSE_TOPIC), topic));
    CHECK(is_text(MQTTProperties_getProperty(all, MQTTPROPERTY_CODE_CORRELATION_DATA), data));
    CHECK(is_text(user, name) && user->value.value.len == 1 && *user->value.value.data == 'v');
    CHECK(MQTTProperties_getNumericValue(all, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER) == 4711);
    message_free(&got);
    message_free(&sent);
    client_disconnect(client);
}

/* --- the program ------------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(const struct server *server);
    } scenarios[] = {
        { "every_qos_in_order", every_qos_in_order },
        { "large_payload", large_payload },
        { "retained_messages", retained_messages },
        { "will_after_kill", will_after_kill },
        { "durable_session", durable_session },
        { "shared_subscription", shared_subscription },
        { "properties_untouched", properties_untouched },
    };

    if (argc != 4) {
        fprintf(stderr, "usage: %s ADDRESS VERSION SCENARIO\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(scenarios[i].name, argv[3]) == 0) {
            scenarios[i].run(&(struct server){ argv[1], atoi(argv[2]) });
            return 0;
        }
    }
    fprintf(stderr, "%s: no such scenario\n", argv[3]);
    return 2;
}
