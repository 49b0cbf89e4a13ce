/* SPDX-License-Identifier: Apache-2.0 */
#include "link_load.h"

#include <nightjar/link.h>

static void check(struct nj_link *link, enum nj_error error)
{
    if (error != NJ_OK)
        load_fails(nj_link_failure(link));
}

static void take_message(struct nj_link *link, void *context, const struct nj_message *message)
{
    (void)link;
    (void)message;
    load_takes(context);
}

static void publish(struct load *load, struct nj_link *link)
{
    const struct nj_message message = { .topic = nj_text(LOAD_TOPIC),
        .payload = nj_bytes_of(load->payload, sizeof(load->payload)),
        .qos = load->qos };
    uint64_t sent = 0;

    load_begins(load);
    while (sent < load->count || nj_link_pending(link) > 0) {
        while (sent < load->count && nj_link_send(link, &message, 0) == NJ_OK)
            sent++;
        check(link, nj_link_run_once(link, NJ_FOREVER));
    }
    load_ends(load);
}

void load_run(struct load *load)
{
    const struct nj_link_options options = {
        .host = "127.0.0.1",
        .port = load->port,
        .version = load->is_v5 ? NJ_MQTT_5_0 : NJ_MQTT_3_1_1,
        .once = true,
        .in_flight = LOAD_WINDOW,
        .receive_maximum = LOAD_WINDOW,
        .queue_messages = 2 * LOAD_WINDOW,
        .callbacks.message = take_message,
        .context = load,
    };
    struct nj_link *link = nj_link_new(&options);

    check(link, nj_connect(link, LOAD_PATIENCE_MS));
    if (load->receives) {
        check(link, nj_subscribe(link, LOAD_TOPIC, load->qos, LOAD_PATIENCE_MS));
        while (load->taken <= load->count)
            check(link, nj_link_run_once(link, NJ_FOREVER));
    } else {
        publish(load, link);
    }
    check(link, nj_disconnect(link, LOAD_PATIENCE_MS));
    nj_link_free(link);
}
