/* SPDX-License-Identifier: Apache-2.0 */
/* Paho C's synchronous client (paho-mqtt3c), which takes messages by a call-back all the same. */
#include "client.h"

#include <stdlib.h>

#include <MQTTClient.h>

#include "inbox.h"

struct client {
    MQTTClient paho;
    int version;
    struct inbox inbox;
};

static int on_message(void *context, char *topic, int topic_size, MQTTClient_message *paho)
{
    inbox_add(context,
            &(struct message){ topic, paho->payload, (size_t)paho->payloadlen, paho->qos,
                    paho->retained, paho->properties },
            (size_t)topic_size);
    MQTTClient_freeMessage(&paho);
    MQTTClient_free(topic);
    return 1;
}

static void on_delivered(void *context, MQTTClient_deliveryToken token)
{
    (void)token; /* there is one at a time */
    inbox_answer(context, true);
}

static void connect_v3(struct client *client, MQTTClient_connectOptions *options)
{
    CHECK(MQTTClient_connect(client->paho, options) == MQTTCLIENT_SUCCESS);
}

static void connect_v5(struct client *client, MQTTClient_connectOptions *options, bool durable)
{
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty forever = { .identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL };
    MQTTResponse response;

    forever.value.integer4 = 0xFFFFFFFF;
    if (durable)
        MQTTProperties_add(&properties, &forever);
    response = MQTTClient_connect5(client->paho, options, &properties, NULL);
    CHECK(response.reasonCode == MQTTREASONCODE_SUCCESS);
    MQTTResponse_free(response);
    MQTTProperties_free(&properties);
}

struct client *client_connect(const struct client_options *from)
{
    struct client *client = calloc(1, sizeof(*client));
    MQTTClient_createOptions creation = MQTTClient_createOptions_initializer;
    MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
    MQTTClient_connectOptions *options = from->version == 5 ? &v5 : &v3;
    MQTTClient_willOptions will = MQTTClient_willOptions_initializer;

    CHECK(client);
    client->version = from->version;
    creation.MQTTVersion = from->version;
    CHECK(MQTTClient_createWithOptions(&client->paho, from->address, from->id,
                  MQTTCLIENT_PERSISTENCE_NONE, NULL, &creation) == MQTTCLIENT_SUCCESS);
    inbox_init(&client->inbox);
    CHECK(MQTTClient_setCallbacks(client->paho, &client->inbox, NULL, on_message, on_delivered) ==
            MQTTCLIENT_SUCCESS);
    options->MQTTVersion = from->version;
    if (from->will) {
        will.topicName = from->will->topic;
        will.message = from->will->payload;
        will.qos = from->will->qos;
        will.retained = from->will->retained;
        options->will = &will;
    }
    if (from->version == 5) {
        v5.cleanstart = !from->durable;
        connect_v5(client, &v5, from->durable);
    } else {
        v3.cleansession = !from->durable;
        connect_v3(client, &v3);
    }
    return client;
}

void client_subscribe(struct client *client, const char *filter, int qos, int identifier)
{
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty property = { .identifier = MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER };
    MQTTResponse response;

    if (client->version < 5) {
        CHECK(MQTTClient_subscribe(client->paho, filter, qos) == MQTTCLIENT_SUCCESS);
        return;
    }
    property.value.integer4 = (unsigned)identifier;
    if (identifier > 0)
        MQTTProperties_add(&properties, &property);
    response = MQTTClient_subscribe5(client->paho, filter, qos, NULL, &properties);
    CHECK((int)response.reasonCode == qos);
    MQTTResponse_free(response);
    MQTTProperties_free(&properties);
}

void client_publish(struct client *client, const struct message *message)
{
    MQTTClient_message paho = MQTTClient_message_initializer;

    paho.payload = message->payload;
    paho.payloadlen = (int)message->size;
    paho.qos = message->qos;
    paho.retained = message->retained;
    paho.properties = message->properties;
    if (client->version == 5) {
        MQTTResponse response =
                MQTTClient_publishMessage5(client->paho, message->topic, &paho, NULL);

        CHECK(response.reasonCode == MQTTREASONCODE_SUCCESS);
        MQTTResponse_free(response);
    } else {
        CHECK(MQTTClient_publishMessage(client->paho, message->topic, &paho, NULL) ==
                MQTTCLIENT_SUCCESS);
    }
    if (message->qos > 0)
        inbox_await_success(&client->inbox);
}

bool client_poll(struct client *client, struct message *message, int timeout_ms)
{
    return inbox_take(&client->inbox, message, timeout_ms);
}

void client_disconnect(struct client *client)
{
    if (client->version == 5)
        CHECK(MQTTClient_disconnect5(client->paho, 0, MQTTREASONCODE_SUCCESS, NULL) ==
                MQTTCLIENT_SUCCESS);
    else
        CHECK(MQTTClient_disconnect(client->paho, 0) == MQTTCLIENT_SUCCESS);
    MQTTClient_destroy(&client->paho);
    inbox_deinit(&client->inbox);
    free(client);
}
