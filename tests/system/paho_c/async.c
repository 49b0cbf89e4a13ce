/* SPDX-License-Identifier: Apache-2.0 */
/* Paho C's asynchronous client (paho-mqtt3a): its threads answer by call-backs, which we await. */
#include "client.h"

#include <stdlib.h>

#include "inbox.h"

#include <MQTTAsync.h>

struct client {
    MQTTAsync paho;
    int version;
    struct inbox inbox;
};

/* Waits for the call-back of what has just been asked for; started: what the request returned. */
static void await_success(struct client *client, int started)
{
    CHECK(started == MQTTASYNC_SUCCESS);
    inbox_await_success(&client->inbox);
}

static void on_success(void *context, MQTTAsync_successData *data)
{
    (void)data;
    inbox_answer(context, true);
}

static void on_success5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    inbox_answer(context, true);
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
    (void)data;
    inbox_answer(context, false);
}

static void on_failure5(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    inbox_answer(context, false);
}

static int on_message(void *context, char *topic, int topic_size, MQTTAsync_message *paho)
{
    inbox_add(context,
            &(struct message){ topic, paho->payload, (size_t)paho->payloadlen, paho->qos,
                    paho->retained, paho->properties },
            (size_t)topic_size);
    MQTTAsync_freeMessage(&paho);
    MQTTAsync_free(topic);
    return 1;
}

/* The call-backs of a request, in the manner of the client's version. */
static MQTTAsync_responseOptions response_options(struct client *client)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

    options.context = &client->inbox;
    if (client->version == 5) {
        options.onSuccess5 = on_success5;
        options.onFailure5 = on_failure5;
    } else {
        options.onSuccess = on_success;
        options.onFailure = on_failure;
    }
    return options;
}

static struct client *client_new(const struct client_options *from)
{
    struct client *client = calloc(1, sizeof(*client));
    MQTTAsync_createOptions creation = MQTTAsync_createOptions_initializer;

    CHECK(client);
    client->version = from->version;
    inbox_init(&client->inbox);
    creation.MQTTVersion = from->version;
    CHECK(MQTTAsync_createWithOptions(&client->paho, from->address, from->id,
                  MQTTCLIENT_PERSISTENCE_NONE, NULL, &creation) == MQTTASYNC_SUCCESS);
    CHECK(MQTTAsync_setCallbacks(client->paho, &client->inbox, NULL, on_message, NULL) ==
            MQTTASYNC_SUCCESS);
    return client;
}

struct client *client_connect(const struct client_options *from)
{
    struct client *client = client_new(from);
    MQTTAsync_connectOptions v3 = MQTTAsync_connectOptions_initializer;
    MQTTAsync_connectOptions v5 = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions *options = from->version == 5 ? &v5 : &v3;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty forever = { .identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL };

    forever.value.integer4 = 0xFFFFFFFF;
    if (from->durable)
        MQTTProperties_add(&properties, &forever);
    v3.onSuccess = on_success;
    v3.onFailure = on_failure;
    v3.cleansession = !from->durable;
    v5.onSuccess5 = on_success5;
    v5.onFailure5 = on_failure5;
    v5.cleanstart = !from->durable;
    v5.connectProperties = &properties;
    options->MQTTVersion = from->version;
    options->context = &client->inbox;
    if (from->will) {
        will.topicName = from->will->topic;
        will.message = from->will->payload;
        will.qos = from->will->qos;
        will.retained = from->will->retained;
        options->will = &will;
    }
    await_success(client, MQTTAsync_connect(client->paho, options));
    MQTTProperties_free(&properties);
    return client;
}

void client_subscribe(struct client *client, const char *filter, int qos, int identifier)
{
    MQTTAsync_responseOptions options = response_options(client);
    MQTTProperty property = { .identifier = MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER };

    property.value.integer4 = (unsigned)identifier;
    if (identifier > 0)
        MQTTProperties_add(&options.properties, &property);
    await_success(client, MQTTAsync_subscribe(client->paho, filter, qos, &options));
    MQTTProperties_free(&options.properties);
}

void client_publish(struct client *client, const struct message *message)
{
    MQTTAsync_responseOptions options = response_options(client);
    MQTTAsync_message paho = MQTTAsync_message_initializer;

    paho.payload = message->payload;
    paho.payloadlen = (int)message->size;
    paho.qos = message->qos;
    paho.retained = message->retained;
    paho.properties = message->properties;
    await_success(
            client, MQTTAsync_sendMessage(client->paho, message->topic, &paho, &options));
}

bool client_poll(struct client *client, struct message *message, int timeout_ms)
{
    return inbox_take(&client->inbox, message, timeout_ms);
}

void client_disconnect(struct client *client)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

    options.context = &client->inbox;
    if (client->version == 5) {
        options.onSuccess5 = on_success5;
        options.onFailure5 = on_failure5;
    } else {
        options.onSuccess = on_success;
        options.onFailure = on_failure;
    }
    await_success(client, MQTTAsync_disconnect(client->paho, &options));
    MQTTAsync_destroy(&client->paho);
    inbox_deinit(&client->inbox);
    free(client);
}
