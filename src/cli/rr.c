/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rr.h"

#include "cli/client_output.h"
#include "cli/client_session.h"
#include "cli/client_source.h"
#include "cli/client_subscriptions.h"

#include "base/list.h"
#include "loop/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { NS_PER_US = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

struct rr {
    struct client_session session;
    struct client_source source;
    struct client_output output;
    struct client_properties properties; /* of the request */
    bool asked;
    int64_t asked_ns;
};

static struct rr *rr_of(struct client_session *session)
{
    return container_of(session, struct rr, session);
}

static void connected(struct client_session *session, bool first)
{
    if (first && !client_subscribe_one(session, session->options->response_topic))
        client_session_end(session, CLIENT_STATUS_BAD);
}

static void ask(struct rr *rr)
{
    const struct client_options *options = rr->session.options;
    struct nj_message request = {
        .topic = nj_text(options->topics.items[0]),
        .payload = rr->source.whole,
        .properties = client_properties_bytes(&rr->properties),
        .qos = (uint8_t)options->qos,
    };
    enum nj_error error;

    rr->asked = true;
    rr->asked_ns = clock_now_ns();
    error = nj_link_send(rr->session.link, &request, 0);
    if (error == NJ_OK)
        return;
    client_session_complain(&rr->session, nj_error_text(error));
    client_session_end(&rr->session, CLIENT_STATUS_BAD);
}

static void answered(struct client_session *session, uint64_t tag, struct nj_bytes codes)
{
    (void)tag;
    if (client_some_granted(codes)) {
        ask(rr_of(session));
        return;
    }
    if (!session->options->quiet && codes.size > 0)
        fprintf(stderr, "%s\n", nj_reason_text(*(const uint8_t *)codes.data));
    client_session_end(session, CLIENT_STATUS_GOOD);
}

static void print_latency(int64_t ns)
{
    if (ns >= NS_PER_S)
        printf("Latency: %" PRId64 ".%09" PRId64 "\n", ns / NS_PER_S, ns % NS_PER_S);
    else if (ns >= NS_PER_MS)
        printf("Latency: %fms\n", (double)ns / NS_PER_MS);
    else if (ns >= NS_PER_US)
        printf("Latency: %fµs\n", (double)ns / NS_PER_US);
    else
        printf("Latency: %" PRId64 "ns\n", ns);
}

static void message_came(struct client_session *session, const struct nj_message *message)
{
    struct rr *rr = rr_of(session);
    int64_t took_ns = clock_now_ns() - rr->asked_ns;

    if (message->retain && session->options->fresh_only)
        return;
    if (!client_output_message(&rr->output, message))
        client_session_leave(session, CLIENT_STATUS_GOOD);
    if (session->options->latency && rr->asked)
        print_latency(took_ns);
    client_session_end(session, CLIENT_STATUS_GOOD);
}

static void sent(struct client_session *session, uint64_t tag, enum nj_error error, uint8_t reason,
        struct nj_bytes properties)
{
    (void)tag;
    (void)properties;
    if (error != NJ_OK)
        client_session_complain(
                session, error == NJ_REFUSED ? nj_reason_text(reason) : nj_error_text(error));
}

/* The properties of the command line, and where the answer is to go. */
static bool make_properties(struct rr *rr, const struct client_options *options)
{
    struct nj_bytes given =
            client_properties_bytes(&options->properties[CLIENT_PUBLISH_PROPERTIES]);
    struct nj_property_value value;

    if (options->version < 5)
        return true;
    if (nj_find_property(given, NJ_RESPONSE_TOPIC, &value)) {
        fputs("Error in PUBLISH properties: Duplicate response topic.\n", stderr);
        return false;
    }
    return client_properties_append(&rr->properties, given) &&
            client_properties_add_bytes(
                    &rr->properties, NJ_RESPONSE_TOPIC, nj_text(options->response_topic));
}

static int run(const struct client_options *options, const struct client_tool *tool)
{
    static const struct client_hooks hooks = { connected, message_came, sent, answered, NULL };
    struct rr rr = {
        .session = { .options = options, .tool = tool, .hooks = &hooks, .input = -1 },
    };
    int status = CLIENT_STATUS_BAD;

    client_output_init(&rr.output, options);
    if (client_source_open(&rr.source, options) && make_properties(&rr, options))
        status = client_session_run(&rr.session);
    client_source_close(&rr.source);
    client_output_deinit(&rr.output);
    client_properties_deinit(&rr.properties);
    return status;
}

#define USAGE "-t TOPIC -e TOPIC {-m TEXT | -n | -f FILE | -s} [OPTIONS]"
#define PURPOSE "Sends a request to a topic of an MQTT server and prints the response."

static const struct client_tool tools[] = {
    { CLIENT_RR, "nightjar rr", "mosquitto_rr", USAGE, PURPOSE, 0 },
    { CLIENT_RR, "mosquitto_rr", "mosquitto_rr", USAGE, PURPOSE, 1 },
};

int rr_main(int argc, char **argv)
{
    return client_main(&tools[0], argc, argv, run);
}

int mosquitto_rr_main(int argc, char **argv)
{
    return client_main(&tools[1], argc, argv, run);
}
