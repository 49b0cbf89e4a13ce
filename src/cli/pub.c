/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pub.h"

#include "cli/client_progress.h"
#include "cli/client_session.h"
#include "cli/client_source.h"

#include "base/list.h"
#include "loop/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    US_PER_MS = 1000,
    US_PER_S = 1000000,
    UNWRITTEN_MAX = 100, /* messages of QoS 0 that were given to the link and are not written */
    PERIOD_US = 200000,  /* of the line that tells how far it is */
};

struct pub {
    struct client_session session;
    struct client_source source;
    struct client_progress progress;
    uint64_t given;   /* messages that the link has taken */
    uint64_t told;    /* of these, those whose end it has told */
    uint64_t refused; /* of these, those that the server has refused */
    uint64_t bytes;
    int64_t begin_us;
    int64_t next_us; /* no message before this */
};

static struct pub *pub_of(struct client_session *session)
{
    return container_of(session, struct pub, session);
}

/* ---- Sending ---- */

/* How many messages may be under way: with a pause in between one ends before the next begins. */
static uint64_t window(const struct client_options *options)
{
    if (options->repeat_delay_us > 0)
        return 1;
    return options->qos > 0 ? (uint64_t)options->in_flight_max : UNWRITTEN_MAX;
}

/* What the user is told of a message that cannot be sent. */
static const char *objection(enum nj_error error)
{
    switch (error) {
    case NJ_INVALID:
        return "Invalid input. Does your topic contain '+' or '#', or a property a wrong value?";
    case NJ_TOO_LARGE:
        return "Message payload is too large.";
    case NJ_NOT_OFFERED:
        return "Message QoS or retained messages not supported on broker, try a lower QoS; "
               "or the topic alias is above the broker's maximum.";
    case NJ_NO_MEMORY:
        return "Out of memory when trying to publish message.";
    case NJ_OK:
    case NJ_LATER:
    case NJ_NOT_CONNECTED:
    case NJ_UNKNOWN_ID:
    case NJ_TIMED_OUT:
    case NJ_FULL:
    case NJ_REFUSED:
    case NJ_LOST:
    case NJ_CLOSED:
    case NJ_IN_CALLBACK:
    case NJ_NO_ADDRESS:
    case NJ_NETWORK:
    case NJ_TLS:
    case NJ_WEBSOCKET:
    case NJ_FILE:
        break;
    }
    return nj_error_text(error);
}

/* Gives one message to the link. False: not now, or never. */
static bool send_payload(struct pub *pub, struct nj_bytes payload)
{
    const struct client_options *options = pub->session.options;
    struct nj_message message = {
        .topic = nj_text(options->topics.items[0]),
        .payload = payload,
        .qos = (uint8_t)options->qos,
        .retain = options->retain,
    };
    enum nj_error error;

    if (options->version == 5)
        message.properties =
                client_properties_bytes(&options->properties[CLIENT_PUBLISH_PROPERTIES]);
    error = nj_link_send(pub->session.link, &message, pub->given + 1);
    if (error == NJ_FULL || error == NJ_LATER || error == NJ_NOT_CONNECTED)
        return false;
    if (error != NJ_OK) {
        client_session_complain(&pub->session, objection(error));
        client_session_end(&pub->session, CLIENT_STATUS_BAD);
        return false;
    }
    pub->given++;
    pub->bytes += payload.size;
    return true;
}

/* The next payload, if there is one now. */
static bool next_payload(struct pub *pub, struct nj_bytes *payload)
{
    if (pub->source.lines)
        return client_source_line(&pub->source, payload);
    *payload = pub->source.whole;
    return pub->given < (uint64_t)pub->session.options->repeat;
}

static bool all_given(const struct pub *pub)
{
    struct nj_bytes ignored;

    if (!pub->source.lines)
        return pub->given >= (uint64_t)pub->session.options->repeat;
    return pub->source.ended && !client_source_line(&pub->source, &ignored);
}

/* When the message behind this one is due. */
static void pace(struct pub *pub, int64_t now_us)
{
    const struct client_options *options = pub->session.options;

    if (options->rate > 0)
        pub->next_us = pub->begin_us + (int64_t)pub->given * US_PER_S / options->rate;
    else if (options->repeat_delay_us > 0)
        pub->next_us = now_us + options->repeat_delay_us;
}

static void send_what_is_due(struct pub *pub, int64_t now_us)
{
    struct nj_bytes payload;

    while (now_us >= pub->next_us && pub->given - pub->told < window(pub->session.options) &&
            next_payload(pub, &payload) && send_payload(pub, payload)) {
        if (pub->source.lines)
            client_source_take(&pub->source, payload);
        pace(pub, now_us);
    }
}

/* ---- The session's turns ---- */

static bool wants_input(const struct pub *pub)
{
    struct nj_bytes ignored;

    return pub->source.lines && !pub->source.ended && pub->session.connected &&
            !client_source_line(&pub->source, &ignored);
}

static int64_t work(struct client_session *session, int64_t now_us, bool readable)
{
    struct pub *pub = pub_of(session);

    if (readable && session->input >= 0 && !client_source_read(&pub->source))
        client_session_complain(session, "The input cannot be read any further.");
    if (session->connected)
        send_what_is_due(pub, now_us);
    session->input = wants_input(pub) ? pub->source.fd : -1;
    client_progress_tell(&pub->progress, pub->told, now_us);
    if (session->let_in && all_given(pub) && pub->told == pub->given)
        client_session_end(session, CLIENT_STATUS_GOOD);
    if (session->connected && pub->next_us > now_us && !all_given(pub))
        return pub->next_us;
    return pub->progress.shown ? now_us + PERIOD_US : CLIENT_NEVER_US;
}

static void connected(struct client_session *session, bool first)
{
    struct pub *pub = pub_of(session);

    if (!first)
        return;
    pub->begin_us = clock_now_ns() / US_PER_MS;
    pub->next_us = pub->begin_us;
}

static void sent(struct client_session *session, uint64_t tag, enum nj_error error, uint8_t reason,
        struct nj_bytes properties)
{
    struct pub *pub = pub_of(session);
    struct nj_property_value text;

    pub->told++;
    if (pub->session.options->repeat_delay_us > 0)
        pub->next_us = clock_now_ns() / US_PER_MS + pub->session.options->repeat_delay_us;
    if (error == NJ_OK)
        return;
    pub->refused++;
    if (session->options->quiet)
        return;
    fprintf(stderr, "Warning: Publish %" PRIu64 " failed: %s.\n", tag,
            error == NJ_REFUSED ? nj_reason_text(reason) : nj_error_text(error));
    if (nj_find_property(properties, NJ_REASON_STRING, &text))
        fprintf(stderr, "%.*s\n", (int)text.bytes.size, (const char *)text.bytes.data);
}

static void print_stats(const struct pub *pub, int64_t now_us)
{
    double seconds = (double)(now_us - pub->begin_us) / US_PER_S;

    fprintf(stderr,
            "%" PRIu64 " messages, %" PRIu64 " refused, %" PRIu64 " bytes, %.3f s, %.0f "
            "messages/s\n",
            pub->told, pub->refused, pub->bytes, seconds,
            seconds > 0 ? (double)pub->told / seconds : 0);
}

/* Nothing from standard input is an error, lest a pipeline that has failed clears what is retained:
 * -n says so where that is wanted. */
static bool open_source(struct client_source *source, const struct client_options *options)
{
    if (!client_source_open(source, options))
        return false;
    if (options->payload != CLIENT_PAYLOAD_STDIN || source->whole.size > 0)
        return true;
    fputs("Error: Zero length input.\nError loading input from stdin.\n", stderr);
    return false;
}

static int run(const struct client_options *options, const struct client_tool *tool)
{
    static const struct client_hooks hooks = { .connected = connected, .sent = sent, .work = work };
    struct pub pub = {
        .session = { .options = options, .tool = tool, .hooks = &hooks, .input = -1 },
    };
    bool many = options->repeat > 1 || options->payload == CLIENT_PAYLOAD_FILE_LINES;
    int status = CLIENT_STATUS_BAD;

    if (open_source(&pub.source, options)) {
        pub.session.comes_again = pub.source.lines;
        pub.begin_us = clock_now_ns() / US_PER_MS;
        client_progress_init(&pub.progress, many && !options->quiet && !options->debug,
                pub.source.lines ? 0 : (uint64_t)options->repeat, pub.begin_us);
        status = client_session_run(&pub.session);
        client_progress_end(&pub.progress, pub.told, clock_now_ns() / US_PER_MS);
        if (options->stats)
            print_stats(&pub, clock_now_ns() / US_PER_MS);
    }
    client_source_close(&pub.source);
    return status;
}

#define USAGE "-t TOPIC {-m TEXT | -n | -f FILE | -s | -l | --file-lines FILE} [OPTIONS]"
#define PURPOSE "Sends a message, or many, to a topic of an MQTT server."

static const struct client_tool tools[] = {
    { CLIENT_PUB, "nightjar pub", "mosquitto_pub", USAGE, PURPOSE, 0 },
    { CLIENT_PUB, "mosquitto_pub", "mosquitto_pub", USAGE, PURPOSE, 1 },
};

int pub_main(int argc, char **argv)
{
    return client_main(&tools[0], argc, argv, run);
}

int mosquitto_pub_main(int argc, char **argv)
{
    return client_main(&tools[1], argc, argv, run);
}
