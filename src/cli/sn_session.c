/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sn_session.h"

#include "cli/decode_sn.h"

#include "loop/clock.h"
#include "loop/signals.h"
#include "mqttsn/message.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    NS_PER_MS = 1000000,
    MS_PER_S = 1000,
    AGAIN_MS = 200,    /* before a connection that has ended is begun again */
    RECEIVED_MAX = 64, /* datagrams in one turn */
    OUT_SIZE = 2 * SN_DATAGRAM_MAX,
    TIME_TEXT_MAX = 32,
};

/* What the engine works in, and one datagram each way. */
struct sn_memory {
    uint8_t out[OUT_SIZE];
    struct nj_sn_known known[SN_KNOWN];
    char names[SN_KNOWN * SN_NAME_MAX];
    uint16_t held[SN_HELD];
    uint8_t received[SN_DATAGRAM_MAX];
    uint8_t framed[SN_DATAGRAM_MAX + NJ_SN_FRAME_MAX];
};

void sn_complain(const char *what, const char *why)
{
    fprintf(stderr, "Error: %s: %s\n", what, why);
}

void sn_complain_of_code(const char *what, uint8_t code)
{
    fprintf(stderr, "Error: %s: %s (code %u)\n", what, nj_sn_code_text(code), code);
}

/* ---- Datagrams ---- */

static void trace(const struct sn_session *session, struct nj_bytes datagram, bool is_ours)
{
    enum mqtt_sender sender = is_ours ? MQTT_FROM_CLIENT : MQTT_FROM_SERVER;
    struct bytes bytes = bytes_of(datagram.data, datagram.size);
    time_t now = time(NULL);
    char at[TIME_TEXT_MAX] = "";
    struct mqttsn_message message;
    struct tm parts;

    if (session->options->debug == 0)
        return;
    if (localtime_r(&now, &parts))
        strftime(at, sizeof(at), "%F %T", &parts);
    fprintf(stderr, "%s DEBUG %s ", at, is_ours ? "sent" : "received");
    if (session->options->debug > 1)
        decode_sn(stderr, bytes, sender);
    else if (mqttsn_message_read(&message, bytes, sender))
        fprintf(stderr, "%s, %zu bytes\n", mqttsn_type_name(message.type), bytes.size);
    else
        fprintf(stderr, "%zu bytes that are no message\n", bytes.size);
}

static struct nj_bytes node_id(const struct sn_session *session)
{
    return nj_text(session->options->node_id ? session->options->node_id : session->id);
}

static void send_datagram(struct sn_session *session, struct nj_bytes datagram)
{
    uint8_t *framed = session->memory->framed;
    size_t size = 0;

    trace(session, datagram, true);
    if (session->options->frames)
        size = nj_sn_wrap(framed, NJ_SN_FRAME_MAX, node_id(session), 0);
    memcpy(framed + size, datagram.data, datagram.size);
    session->transport.send(&session->transport, framed, size + datagram.size);
}

static void send_all(struct sn_session *session)
{
    struct nj_sn_datagram datagram;

    while (nj_sn_output(&session->sn, &datagram)) {
        send_datagram(session, datagram.data);
        nj_sn_sent(&session->sn);
    }
}

/* ---- Events ---- */

static void begin_connection(struct sn_session *session)
{
    const struct sn_options *options = session->options;
    const struct nj_sn_connect_options connect = {
        .client_id = nj_text(options->id ? options->id : session->id),
        .will_topic = nj_text(options->will_topic),
        .will_message = nj_text(options->will_payload),
        .will_qos = (uint8_t)options->will_qos,
        .will_retain = options->will_retain,
        .keep_alive_s = (uint16_t)options->keep_alive_s,
        .clean_session = !options->keep_session,
    };
    enum nj_error error = nj_sn_connect(&session->sn, &connect, session->now_ms);

    session->again_ms = SN_NEVER_MS;
    session->transport.renew(&session->transport);
    if (error == NJ_OK)
        return;
    sn_complain("CONNECT", nj_error_text(error));
    session->status = SN_STATUS_BAD;
    session->over = true;
}

static void fail(struct sn_session *session, int status)
{
    session->ending = session->over = true;
    session->status = status;
}

/* The connection is over, unasked. */
static void lose(struct sn_session *session, const char *why)
{
    session->connected = false;
    if (session->ending) { /* The gateway's part of the goodbye is missing. */
        session->over = true;
    } else if (session->comes_again && session->was_connected) {
        session->again_ms = session->now_ms + AGAIN_MS;
    } else {
        sn_complain(session->options->host, why);
        fail(session, SN_STATUS_BAD);
    }
}

static void take_event(struct sn_session *session, const struct nj_sn_event *event)
{
    switch (event->kind) {
    case NJ_SN_EVENT_CONNECTED:
        session->connected = session->was_connected = true;
        session->hooks->connected(session);
        break;
    case NJ_SN_EVENT_REFUSED:
        sn_complain_of_code("CONNECT", event->code);
        fail(session, event->code);
        break;
    case NJ_SN_EVENT_MESSAGE:
        session->hooks->message(session, event);
        break;
    case NJ_SN_EVENT_DONE:
    case NJ_SN_EVENT_SUBSCRIBED:
        session->hooks->done(session, event);
        break;
    case NJ_SN_EVENT_ASLEEP:
        session->over |= session->ending;
        if (!session->ending)
            session->hooks->asleep(session);
        break;
    case NJ_SN_EVENT_ENDED:
        if (event->by_gateway)
            lose(session, "the gateway has ended the connection");
        session->over |= session->ending;
        break;
    case NJ_SN_EVENT_LOST:
        lose(session, "the gateway does not answer");
        break;
    case NJ_SN_EVENT_GATEWAY:
    case NJ_SN_EVENT_GATEWAY_GONE:
        break;
    }
}

/* Takes events until there are none, and sends what they cause. Returns whether there was one. */
static bool take_events(struct sn_session *session)
{
    struct nj_sn_event event;
    bool any = false;

    send_all(session);
    while (!session->over && nj_sn_next(&session->sn, &event, session->now_ms)) {
        take_event(session, &event);
        send_all(session);
        any = true;
    }
    send_all(session);
    return any;
}

static void receive_all(struct sn_session *session)
{
    for (int i = 0; i < RECEIVED_MAX && !session->over; i++) {
        uint8_t *data = session->memory->received;
        ssize_t size = session->transport.receive(&session->transport, data, SN_DATAGRAM_MAX);
        struct nj_bytes datagram = nj_bytes_of(data, size > 0 ? (size_t)size : 0);

        if (size < 0)
            return;
        if (session->options->frames && !nj_sn_unwrap(&datagram, node_id(session)))
            continue;
        trace(session, datagram, false);
        nj_sn_receive(&session->sn, nj_bytes_of(NULL, 0), datagram);
        take_events(session);
    }
}

/* ---- The end ---- */

void sn_session_end(struct sn_session *session, int status)
{
    enum nj_error error = NJ_NOT_CONNECTED;

    if (session->ending)
        return;
    session->ending = true;
    session->status = status;
    nj_sn_give_up(&session->sn);
    if (session->connected && session->options->sleep_s > 0)
        error = nj_sn_sleep(&session->sn, (uint16_t)session->options->sleep_s, session->now_ms);
    else if (session->connected)
        error = nj_sn_disconnect(&session->sn, session->now_ms);
    if (error != NJ_OK)
        session->over = true;
}

static void take_signals(struct sn_session *session)
{
    int number = signals_take(session->signals);

    if (number != SIGINT && number != SIGTERM && number != SIGHUP)
        return;
    if (session->ending)
        session->over = true; /* asked twice */
    sn_session_end(session, session->was_connected ? SN_STATUS_GOOD : SN_STATUS_BAD);
}

/* ---- The loop ---- */

static int64_t now_ms(void)
{
    return clock_now_ns() / NS_PER_MS;
}

static int wait_ms(const struct sn_session *session, int64_t until_ms)
{
    int64_t due_ms = nj_sn_due_ms(&session->sn);
    int64_t wait;

    if (until_ms < due_ms)
        due_ms = until_ms;
    if (session->again_ms < due_ms)
        due_ms = session->again_ms;
    if (session->timeout_ms < due_ms)
        due_ms = session->timeout_ms;
    if (session->transport.due_ms < due_ms)
        due_ms = session->transport.due_ms;
    wait = due_ms - now_ms();
    if (due_ms == SN_NEVER_MS)
        return -1;
    return wait < 0 ? 0 : wait > INT32_MAX ? INT32_MAX : (int)wait;
}

/* Waits for something to do. Returns whether the input can be read. */
static bool wait_for_work(struct sn_session *session, int64_t until_ms)
{
    struct pollfd fds[] = {
        { .fd = session->transport.fd, .events = POLLIN },
        { .fd = session->signals, .events = POLLIN },
        { .fd = session->input, .events = POLLIN },
    };

    poll(fds, sizeof(fds) / sizeof(fds[0]), wait_ms(session, until_ms));
    session->now_ms = now_ms();
    if (fds[1].revents != 0)
        take_signals(session);
    if (fds[0].revents != 0 || session->now_ms >= session->transport.due_ms)
        receive_all(session);
    if (session->transport.failure && !session->over) {
        sn_complain(session->options->host, session->transport.failure);
        fail(session, SN_STATUS_BAD);
    }
    return fds[2].revents != 0;
}

static void take_time(struct sn_session *session)
{
    if (session->now_ms >= session->timeout_ms) {
        session->timeout_ms = SN_NEVER_MS;
        fputs("Timed out\n", stderr);
        sn_session_end(session, SN_STATUS_TIMED_OUT);
    }
    if (session->now_ms >= session->again_ms && !session->ending)
        begin_connection(session);
    nj_sn_tick(&session->sn, session->now_ms);
    take_events(session);
}

static void run(struct sn_session *session)
{
    bool readable = false;

    while (!session->over) {
        int64_t until_ms = SN_NEVER_MS;

        take_time(session);
        if (!session->ending)
            until_ms = session->hooks->work(session, readable);
        readable = false;
        /* What has happened may be work to do. */
        if (!take_events(session) && !session->over)
            readable = wait_for_work(session, until_ms);
    }
    send_all(session);
}

static void init_engine(struct sn_session *session)
{
    struct sn_memory *memory = session->memory;
    const struct nj_sn_setup setup = { .out = memory->out,
        .out_size = OUT_SIZE,
        .known = memory->known,
        .known_count = SN_KNOWN,
        .names = memory->names,
        .name_size = SN_NAME_MAX,
        .predefined = session->options->wanted,
        .predefined_count = (uint16_t)session->options->wanted_count,
        .held = memory->held,
        .held_count = SN_HELD,
        .retry_ms = (uint32_t)session->options->retry_ms,
        .retries = (uint8_t)session->options->retries };

    nj_sn_init(&session->sn, &setup);
}

static bool open_transport(struct sn_session *session)
{
    if (sn_options_ask_for_dtls(session->options))
        return sn_dtls_open(&session->transport, session->options);
    return sn_udp_open(&session->transport, session->options);
}

int sn_session_run(struct sn_session *session)
{
    session->status = SN_STATUS_BAD;
    session->signals = signals_open();
    session->memory = (struct sn_memory *)calloc(1, sizeof(*session->memory));
    session->now_ms = now_ms();
    session->again_ms = session->connects ? session->now_ms : SN_NEVER_MS;
    session->timeout_ms = session->options->timeout_s > 0
            ? session->now_ms + session->options->timeout_s * MS_PER_S
            : SN_NEVER_MS;
    snprintf(session->id, sizeof(session->id), "nightjar-sn-%d", (int)getpid());
    if (!session->memory) {
        sn_complain("nightjar sn", "memory is short");
    } else if (open_transport(session)) {
        init_engine(session);
        run(session);
        session->transport.close(&session->transport);
    }
    if (session->signals >= 0)
        signals_close(session->signals);
    free(session->memory);
    return session->status;
}
