/* SPDX-License-Identifier: Apache-2.0 */
#include "link_load.h"

#include <mosquitto.h>
#include <poll.h>

/* What the callbacks of libmosquitto know. */
struct news {
    struct load *load;
    uint64_t acknowledged;
    bool connected;
    bool subscribed;
};

static void note_connected(struct mosquitto *client, void *context, int code)
{
    struct news *news = context;

    (void)client;
    if (code != 0)
        load_fails(mosquitto_connack_string(code));
    news->connected = true;
}

static void note_published(struct mosquitto *client, void *context, int id)
{
    struct news *news = context;

    (void)client;
    (void)id;
    news->acknowledged++;
}

static void take_message(
        struct mosquitto *client, void *context, const struct mosquitto_message *message)
{
    struct news *news = context;

    (void)client;
    (void)message;
    load_takes(news->load);
}

static void check(int error)
{
    if (error != MOSQ_ERR_SUCCESS)
        load_fails(mosquitto_strerror(error));
}

/* It writes at once as much as goes; where it does not, wait for that. */
static void wait_for_room(struct mosquitto *client)
{
    struct pollfd wait = { .fd = mosquitto_socket(client), .events = POLLOUT };

    while (mosquitto_want_write(client)) {
        poll(&wait, 1, LOAD_PATIENCE_MS);
        check(mosquitto_loop_write(client, 1));
    }
}

static void publish(struct load *load, struct mosquitto *client, const struct news *news)
{
    uint64_t sent = 0;

    load_begins(load);
    while (sent < load->count || news->acknowledged < load->count) {
        while (sent < load->count && sent - news->acknowledged < LOAD_WINDOW) {
            check(mosquitto_publish(
                    client, NULL, LOAD_TOPIC, LOAD_PAYLOAD_SIZE, load->payload, load->qos, false));
            sent++;
            wait_for_room(client);
        }
        if (load->qos > 0)
            check(mosquitto_loop(client, LOAD_PATIENCE_MS, 1));
    }
    load_ends(load);
}

void load_run(struct load *load)
{
    struct news news = { .load = load };
    struct mosquitto *client;

    mosquitto_lib_init();
    client = mosquitto_new("bench", true, &news);
    check(mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION,
            load->is_v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311));
    check(mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1));
    check(mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, LOAD_WINDOW));
    check(mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, LOAD_WINDOW));
    mosquitto_connect_callback_set(client, note_connected);
    mosquitto_publish_callback_set(client, note_published);
    mosquitto_message_callback_set(client, take_message);
    check(mosquitto_connect(client, "127.0.0.1", load->port, 60));
    while (!news.connected)
        check(mosquitto_loop(client, LOAD_PATIENCE_MS, 1));
    if (load->receives) {
        check(mosquitto_subscribe(client, NULL, LOAD_TOPIC, load->qos));
        while (load->taken <= load->count)
            check(mosquitto_loop(client, LOAD_PATIENCE_MS, 1));
        wait_for_room(client);
    } else {
        publish(load, client, &news);
    }
    check(mosquitto_disconnect(client));
    wait_for_room(client);
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
}
