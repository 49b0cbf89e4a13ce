/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_session.h"

#include "loop/clock.h"
#include "loop/signals.h"
#include "mqtt/reason.h"
#include "nightjar/socks5.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    US_PER_MS = 1000,
    US_PER_S = 1000000,
    PORT_PLAIN = 1883,
    PORT_TLS = 8883,
    PACKET_MAX = 268435460, /* bytes; MQTT has no larger packet */
    CHANCE_SIZE = 18,       /* signs of an id, so that it has the 23 that MQTT 3.1 allows */
};

void client_session_complain(const struct client_session *session, const char *what)
{
    if (!session->options->quiet)
        fprintf(stderr, "Error: %s\n", what);
}

void client_session_end(struct client_session *session, int status)
{
    if (session->ending)
        return;
    session->ending = true;
    session->status = status;
}

void client_session_leave(struct client_session *session, int status)
{
    session->leaves = true;
    client_session_end(session, status);
}

static void disconnect(struct client_session *session)
{
    const struct client_properties *properties =
            &session->options->properties[CLIENT_DISCONNECT_PROPERTIES];
    uint8_t reason = session->options->version == 5 ? session->farewell : 0;

    if (session->leaves)
        nj_link_leave(session->link, reason, client_properties_bytes(properties));
    nj_link_disconnect(session->link, reason, client_properties_bytes(properties));
}

/* ---- What the link tells ---- */

/* The reason for which the server did not let us in, in the words and the code of its version. */
static void refuse(struct client_session *session, uint8_t reason)
{
    static const char *const texts[] = { "unknown reason", "unacceptable protocol version",
        "identifier rejected", "broker unavailable", "bad user name or password",
        "not authorised" };
    int version = (int)session->options->version;
    int code = version == 5 ? reason : mqtt_connack_code_v3((enum mqtt_reason)reason);

    if (version == 5 && reason == MQTT_UNSUPPORTED_VERSION && !session->options->quiet)
        fprintf(stderr,
                "Connection error: %s. Try connecting to an MQTT v5 broker, or use MQTT v3.x "
                "mode.\n",
                nj_reason_text(reason));
    else if (version == 5 && !session->options->quiet)
        fprintf(stderr, "Connection error: %s\n", nj_reason_text(reason));
    else if (!session->options->quiet)
        fprintf(stderr, "Connection error: Connection Refused: %s.\n", texts[code]);
    client_session_end(session, code > 0 ? code : CLIENT_STATUS_BAD);
}

static void on_connected(struct nj_link *link, void *context, const struct nj_connected *news)
{
    struct client_session *session = (struct client_session *)context;
    bool first = !session->let_in;

    (void)link;
    (void)news;
    session->connected = true;
    session->let_in = true;
    if (session->hooks->connected)
        session->hooks->connected(session, first);
}

static void on_down(struct nj_link *link, void *context, const struct nj_down *news)
{
    struct client_session *session = (struct client_session *)context;
    bool was_connected = session->connected;

    (void)link;
    session->connected = false;
    if (session->ending)
        return;
    if (news->error == NJ_REFUSED && !news->by_server) {
        refuse(session, news->reason);
    } else if (!session->let_in || !session->comes_again) {
        client_session_complain(session, news->text);
        client_session_end(session, session->let_in ? CLIENT_STATUS_LOST : CLIENT_STATUS_BAD);
    } else if (was_connected && session->hooks->lost) {
        session->hooks->lost(session, news->text);
    }
}

static void on_message(struct nj_link *link, void *context, const struct nj_message *message)
{
    struct client_session *session = (struct client_session *)context;

    (void)link;
    if (!session->ending && session->hooks->message)
        session->hooks->message(session, message);
    if (session->ending)
        disconnect(session); /* at once: those behind this message stay */
}

static void on_sent(struct nj_link *link, void *context, uint64_t tag, enum nj_error error,
        uint8_t reason, struct nj_bytes properties)
{
    struct client_session *session = (struct client_session *)context;

    (void)link;
    if (!session->ending && session->hooks->sent)
        session->hooks->sent(session, tag, error, reason, properties);
}

static void on_answered(struct nj_link *link, void *context, uint64_t tag, struct nj_bytes codes,
        struct nj_bytes properties)
{
    struct client_session *session = (struct client_session *)context;

    (void)link;
    (void)properties;
    if (!session->ending && session->hooks->answered)
        session->hooks->answered(session, tag, codes);
    if (session->ending)
        disconnect(session); /* at once, for messages may be behind the answer */
}

static void on_packet(
        struct nj_link *link, void *context, bool written, struct nj_bytes packet, size_t size)
{
    struct client_session *session = (struct client_session *)context;

    (void)link;
    client_trace_packet(session->trace, written, packet, size);
}

/* ---- From the command line to a link's options ---- */

static bool wants_tls(const struct client_options *options)
{
    return !options->no_tls &&
            (options->cafile || options->capath || options->psk || options->os_certs ||
                    options->port == PORT_TLS);
}

static bool set_tls(struct nj_link_options *out, const struct client_session *session)
{
    const struct client_options *options = session->options;
    const char *version = options->tls_version;

    out->tls = (struct nj_tls_options){
        .ca_file = options->cafile,
        .ca_folder = options->capath,
        .system_authorities = options->os_certs,
        .certificate_file = options->cert,
        .key_file = options->key,
        .psk_identity = options->psk_identity,
        .psk = options->psk,
        .ciphers = options->ciphers,
        .alpn = options->alpn,
        .engine = options->tls_engine,
        .engine_password = options->tls_engine_password,
        .engine_has_key = options->keyform && strcmp(options->keyform, "engine") == 0,
        .keylog_file = options->keylog,
        .any_name = options->insecure,
    };
    if (version && strcmp(version, "tlsv1.3") == 0)
        out->tls.version_min = NJ_TLS_1_3;
    else if (version && strcmp(version, "tlsv1.2") != 0 && strcmp(version, "tlsv1.1") != 0)
        return false;
    return true;
}

static void set_place(struct nj_link_options *out, const struct client_options *options)
{
    bool tls = wants_tls(options);

    out->host = options->host;
    out->path = options->unix_path;
    out->bind_address = options->bind_address;
    out->proxy = nj_socks5(options->proxy);
    if (options->unix_path)
        out->transport = NJ_TRANSPORT_UNIX;
    else if (options->websocket)
        out->transport = tls ? NJ_TRANSPORT_WEBSOCKET_TLS : NJ_TRANSPORT_WEBSOCKET;
    else
        out->transport = tls ? NJ_TRANSPORT_TLS : NJ_TRANSPORT_TCP;
    out->port = (uint16_t)(options->port > 0 ? options->port : tls ? PORT_TLS : PORT_PLAIN);
}

/* The properties of CONNECT that the link has options for go there, the others to `rest`. */
static void set_connect_properties(struct nj_link_options *out, struct nj_properties *rest,
        const struct client_options *options)
{
    struct nj_bytes from = client_properties_bytes(&options->properties[CLIENT_CONNECT_PROPERTIES]);
    struct nj_property_value value;

    while (nj_next_property(&from, &value)) {
        if (value.property == NJ_SESSION_EXPIRY_INTERVAL)
            out->session_expiry_s = value.number;
        else if (value.property == NJ_RECEIVE_MAXIMUM)
            out->receive_maximum = (uint16_t)value.number;
        else if (value.property == NJ_MAXIMUM_PACKET_SIZE)
            out->packet_size_max = value.number;
        else if (value.property == NJ_TOPIC_ALIAS_MAXIMUM)
            out->topic_aliases = (uint16_t)value.number;
        else if (value.property == NJ_USER_PROPERTY)
            nj_add_pair(rest, value.name, value.bytes);
        else if (value.bytes.data)
            nj_add_bytes(rest, value.property, value.bytes);
        else
            nj_add_number(rest, value.property, value.number);
    }
    out->properties = nj_properties_bytes(rest);
}

static void set_connection(struct nj_link_options *out, const struct client_options *options)
{
    const struct client_properties *farewell = &options->properties[CLIENT_DISCONNECT_PROPERTIES];

    out->version = (enum nj_version)options->version;
    out->client_id = options->id;
    out->user_name = options->user;
    out->password = nj_text(options->password);
    out->disconnect_properties = client_properties_bytes(farewell);
    out->keep_alive_s = (uint16_t)options->keep_alive_s;
    out->clean_start = !options->keep_session;
    if (options->version < 5)
        out->session_expiry_s = options->keep_session ? UINT32_MAX : 0;
    else if (options->session_expiry_s != CLIENT_EXPIRY_UNSET)
        out->session_expiry_s = (uint32_t)options->session_expiry_s;
    out->in_flight = (uint16_t)options->in_flight_max;
    /* So that no more come than are wanted; servers of 3.1.1 cannot be told. */
    if (options->version == 5 && options->count > 0 && options->count < options->in_flight_max)
        out->receive_maximum = (uint16_t)options->count;
    out->packet_size_max = PACKET_MAX;
    out->queue_bytes = PACKET_MAX; /* else a large message would never find room */
}

/* What cannot be done is refused before anything is. */
static const char *objection(const struct client_options *options)
{
    if (options->keyform && strcmp(options->keyform, "pem") != 0 &&
            strcmp(options->keyform, "engine") != 0)
        return "Problem setting key form, it must be one of 'pem' or 'engine'.";
    if (options->keyform && strcmp(options->keyform, "engine") == 0 && !options->tls_engine)
        return "--keyform engine needs --tls-engine.";
    if (options->version < 5 && options->password && !options->user)
        return "Problem setting username and/or password.";
    return NULL;
}

static void write_chance(FILE *out)
{
    static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t chance[CHANCE_SIZE] = { 0 };

    /* Without chance the server says that the id is taken, at the worst. */
    if (getrandom(chance, sizeof(chance), GRND_NONBLOCK) < 0)
        memset(chance, (int)getpid(), sizeof(chance));
    for (size_t i = 0; i < sizeof(chance); i++)
        fputc(signs[chance[i] % (sizeof(signs) - 1)], out);
}

/* "PREFIXpid" for -I; and MQTT 3.1 has no empty id, by which the server would choose one. */
static const char *client_id(char **made, const struct client_options *options)
{
    size_t size = 0;
    FILE *out;

    if (!options->id_prefix && (options->id || options->version != 3))
        return options->id;
    out = open_memstream(made, &size);
    if (!out)
        return NULL;
    fputs(options->id_prefix ? options->id_prefix : "mosq-", out);
    if (options->id_prefix)
        fprintf(out, "%ld", (long)getpid());
    else
        write_chance(out);
    fclose(out);
    return *made;
}

static struct nj_link *open_link(struct client_session *session, struct nj_properties *rest)
{
    const struct client_options *options = session->options;
    struct nj_message will = {
        .topic = nj_text(options->will_topic),
        .payload = nj_text(options->will_payload),
        .properties = client_properties_bytes(&options->properties[CLIENT_WILL_PROPERTIES]),
        .qos = (uint8_t)options->will_qos,
        .retain = options->will_retain,
    };
    struct nj_link_options out = {
        .will = options->will_topic ? &will : NULL,
        .once = !session->comes_again,
        .callbacks = { on_connected, on_down, on_message, on_sent, on_answered, NULL,
                session->trace ? on_packet : NULL },
        .context = session,
    };
    char *made = NULL;
    struct nj_link *link = NULL;

    set_place(&out, options);
    set_connection(&out, options);
    set_connect_properties(&out, rest, options);
    out.client_id = client_id(&made, options);
    if (session->trace && out.client_id)
        snprintf(session->trace->client_id, sizeof(session->trace->client_id), "%s", out.client_id);
    if (!set_tls(&out, session))
        client_session_complain(
                session, "Problem setting TLS options, check the options are valid.");
    else
        link = nj_link_new(&out);
    free(made);
    return link;
}

/* Makes the link; says what is wrong. */
static bool start(struct client_session *session)
{
    const struct client_properties *given =
            &session->options->properties[CLIENT_CONNECT_PROPERTIES];
    const char *wrong = objection(session->options);
    struct nj_properties rest;
    uint8_t *memory;

    if (wrong) {
        client_session_complain(session, wrong);
        return false;
    }
    memory = (uint8_t *)malloc(given->size + 1);
    if (!memory)
        return false;
    rest = nj_properties_in(memory, given->size);
    session->link = open_link(session, &rest);
    free(memory);
    return session->link != NULL;
}

/* ---- The loop ---- */

/* Milliseconds from now until then, as poll() takes them. */
static int wait_ms(int64_t then_us, int64_t now_us)
{
    int64_t wait = then_us - now_us;

    if (then_us == CLIENT_NEVER_US)
        return -1;
    if (wait <= 0)
        return 0;
    wait = (wait + US_PER_MS - 1) / US_PER_MS;
    return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static int sooner(int a_ms, int b_ms)
{
    return a_ms < 0 ? b_ms : b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

/* Someone wants us to end: the will is published then, as it is when the time is over. */
static void take_signals(struct client_session *session)
{
    int number = signals_take(session->signals);

    if (number != SIGINT && number != SIGTERM && number != SIGHUP)
        return;
    session->farewell = MQTT_DISCONNECT_WITH_WILL;
    client_session_end(session, session->let_in ? CLIENT_STATUS_GOOD : CLIENT_STATUS_KILLED);
}

static void time_out(struct client_session *session)
{
    session->farewell = MQTT_DISCONNECT_WITH_WILL;
    if (session->tool->bit != CLIENT_RECORD && !session->options->quiet)
        fputs("Timed out\n", stderr);
    client_session_end(session, CLIENT_STATUS_TIMED_OUT);
}

/* Waits for something to do, at most until `until_us`. Returns whether the input can be read. */
static bool wait_for_work(struct client_session *session, int64_t until_us)
{
    struct pollfd fds[] = {
        { .fd = nj_link_fd(session->link), .events = POLLIN },
        { .fd = session->signals, .events = POLLIN },
        { .fd = session->input, .events = POLLIN },
    };
    int timeout_ms =
            sooner(nj_link_due_ms(session->link), wait_ms(until_us, clock_now_ns() / US_PER_MS));

    if (poll(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms) < 0)
        return false;
    if (fds[1].revents != 0)
        take_signals(session);
    return fds[2].revents != 0;
}

/* Does what the link has to do; false when it has ended. */
static bool run_link(struct client_session *session)
{
    if (nj_link_run_once(session->link, 0) == NJ_OK)
        return true;
    if (!session->ending)
        client_session_complain(session, nj_link_failure(session->link));
    client_session_end(session, CLIENT_STATUS_BAD);
    return false;
}

static void run(struct client_session *session)
{
    int64_t begin_us = clock_now_ns() / US_PER_MS;
    int64_t over_us = session->options->timeout_s > 0
            ? begin_us + session->options->timeout_s * US_PER_S
            : CLIENT_NEVER_US;
    bool readable = false;

    while (run_link(session) && !session->ending) {
        int64_t now_us = clock_now_ns() / US_PER_MS;
        int64_t due_us = over_us;

        if (now_us >= over_us)
            time_out(session);
        if (!session->ending && session->hooks->work) {
            int64_t work_us = session->hooks->work(session, now_us, readable);

            due_us = work_us < due_us ? work_us : due_us;
        }
        if (session->ending)
            break;
        readable = wait_for_work(session, due_us);
    }
}

/* Lets the DISCONNECT out, with what must go before it. */
static void say_farewell(struct client_session *session)
{
    int64_t end_us = clock_now_ns() / US_PER_MS + CLIENT_FAREWELL_MS * US_PER_MS;

    disconnect(session);
    session->input = -1;
    while (run_link(session) && clock_now_ns() / US_PER_MS < end_us)
        wait_for_work(session, end_us);
}

int client_session_run(struct client_session *session)
{
    session->status = CLIENT_STATUS_BAD;
    session->signals = -1;
    if (session->options->debug) {
        session->trace = (struct client_trace *)calloc(1, sizeof(*session->trace));
        if (!session->trace)
            return CLIENT_STATUS_BAD;
        session->trace->version = (enum mqtt_version)session->options->version;
        session->trace->tells_subscribed = session->tool->bit == CLIENT_SUB;
    }
    if (start(session)) {
        signal(SIGPIPE, SIG_IGN);
        if ((session->tool->bit & (CLIENT_SUB | CLIENT_RECORD | CLIENT_SHELL)) != 0)
            session->signals = signals_open();
        run(session);
        say_farewell(session);
        if (session->signals >= 0)
            signals_close(session->signals);
    }
    nj_link_free(session->link);
    free(session->trace);
    return session->status;
}

int client_main(const struct client_tool *tool, int argc, char **argv,
        int (*run_tool)(const struct client_options *options, const struct client_tool *tool))
{
    struct client_options options;
    int status = CLIENT_STATUS_BAD;

    switch (client_options_read(&options, tool, argc, argv)) {
    case CLIENT_HELP:
        client_options_help(tool);
        status = tool->information_status;
        break;
    case CLIENT_VERSION:
        printf("%s version %s running on libnightjar %s.\n", tool->name, NIGHTJAR_VERSION,
                nj_version_text());
        status = tool->information_status;
        break;
    case CLIENT_WRONG:
        fprintf(stderr, "\nUse '%s --help' to see usage.\n", tool->name);
        break;
    case CLIENT_RUN:
        status = run_tool(&options, tool);
        break;
    }
    client_options_deinit(&options);
    return status;
}
