/* SPDX-License-Identifier: Apache-2.0 */
#include "link_load.h"

#include <MQTTClient.h>
#include <semaphore.h>
#include <stdio.h>

static void check(int error)
{
    if (error != MQTTCLIENT_SUCCESS)
        load_fails(MQTTClient_strerror(error));
}

static void connect_to(MQTTClient client, const struct load *load)
{
    MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
    MQTTClient_connectOptions *options = load->is_v5 ? &v5 : &v3;
    MQTTResponse response = MQTTResponse_initializer;

    options->reliable = 0;
    options->maxInflightMessages = LOAD_WINDOW;
    if (!load->is_v5) {
        options->MQTTVersion = MQTTVERSION_3_1_1;
        check(MQTTClient_connect(client, options));
        return;
    }
    response = MQTTClient_connect5(client, options, NULL, NULL);
    check((int)response.reasonCode);
    MQTTResponse_free(response);
}

static void send_one(MQTTClient client, const struct load *load)
{
    MQTTResponse response = MQTTResponse_initializer;

    if (!load->is_v5) {
        check(MQTTClient_publish(
                client, LOAD_TOPIC, LOAD_PAYLOAD_SIZE, load->payload, load->qos, 0, NULL));
        return;
    }
    response = MQTTClient_publish5(
            client, LOAD_TOPIC, LOAD_PAYLOAD_SIZE, load->payload, load->qos, 0, NULL, NULL);
    check((int)response.reasonCode);
    MQTTResponse_free(response);
}

/* What Paho's thread tells, which it has where there are callbacks. */
static void note_delivered(void *context, MQTTClient_deliveryToken token)
{
    (void)token;
    sem_post(context);
}

static int refuse_message(void *context, char *topic, int size, MQTTClient_message *message)
{
    (void)context;
    (void)topic;
    (void)size;
    (void)message;
    load_fails("a message comes that nobody has subscribed");
}

static void publish(struct load *load, MQTTClient client, sem_t *window)
{
    load_begins(load);
    for (uint64_t sent = 0; sent < load->count; sent++) {
        if (load->qos > 0)
            sem_wait(window);
        send_one(client, load);
    }
    for (unsigned i = 0; i < LOAD_WINDOW && load->qos > 0; i++)
        sem_wait(window);
    load_ends(load);
}

static void subscribe(MQTTClient client, const struct load *load)
{
    MQTTResponse response = MQTTResponse_initializer;

    if (!load->is_v5) {
        check(MQTTClient_subscribe(client, LOAD_TOPIC, load->qos));
        return;
    }
    response = MQTTClient_subscribe5(client, LOAD_TOPIC, load->qos, NULL, NULL);
    if ((int)response.reasonCode >= 0x80)
        load_fails("the peer does not let it subscribe");
    MQTTResponse_free(response);
}

static void receive(struct load *load, MQTTClient client)
{
    bool is_last = false;

    subscribe(client, load);
    while (!is_last) {
        MQTTClient_message *message = NULL;
        char *topic = NULL;
        int size;

        check(MQTTClient_receive(client, &topic, &size, &message, LOAD_PATIENCE_MS));
        if (!message)
            load_fails("no message comes");
        is_last = load_takes(load);
        MQTTClient_freeMessage(&message);
        MQTTClient_free(topic);
    }
}

void load_run(struct load *load)
{
    MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
    MQTTClient client;
    sem_t window;
    char uri[64];

    snprintf(uri, sizeof(uri), "tcp://127.0.0.1:%u", (unsigned)load->port);
    options.MQTTVersion = load->is_v5 ? MQTTVERSION_5 : MQTTVERSION_DEFAULT;
    check(MQTTClient_createWithOptions(
            &client, uri, "bench", MQTTCLIENT_PERSISTENCE_NONE, NULL, &options));
    sem_init(&window, 0, LOAD_WINDOW);
    if (!load->receives && load->qos > 0)
        check(MQTTClient_setCallbacks(client, &window, NULL, refuse_message, note_delivered));
    connect_to(client, load);
    if (load->receives)
        receive(load, client);
    else
        publish(load, client, &window);
    MQTTClient_disconnect(client, LOAD_PATIENCE_MS);
    MQTTClient_destroy(&client);
    sem_destroy(&window);
}
