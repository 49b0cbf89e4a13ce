/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of MQTT 3.1.1 or 5.0 as a state machine: bytes and time go in, bytes and events come
 * out. It makes no system call, keeps no clock and allocates nothing: all memory is yours. So it
 * runs on a microcontroller, in any event loop, and in a test without a network.
 *
 *     nj_engine_init(&engine, &setup);
 *     nj_engine_connect(&engine, &options, now_ms);
 *     for (;;) {
 *         wait for the transport, or until nj_engine_due_ms()
 *         if (nj_engine_may_receive(&engine))
 *             give what has come to nj_engine_receive()
 *         while (nj_engine_next(&engine, &event, now_ms)) ...
 *         nj_engine_tick(&engine, now_ms)
 *         write nj_engine_output() to the transport, then nj_engine_sent()
 *     }
 *
 * examples/engine is a whole program. `now_ms` is any clock that never goes back and is not
 * negative. An engine is used by one thread at a time; its functions may be called while an event
 * is worked on.
 *
 * A message that comes is acknowledged when the next event is asked for, so that whoever dies while
 * he works on it gets it again. So ask once more before you say goodbye.
 *
 * A message of QoS 1 or 2 that is sent has a slot until it is acknowledged, over connections as
 * well where the session goes on. The slot holds no message: NJ_EVENT_SEND_AGAIN asks for it. Who
 * keeps sessions over restarts keeps slots and held ids (see struct nj_engine_setup), as they are
 * before the output of that moment is sent, and gives them back. Whoever has kept nothing must
 * begin a new session (clean_start), or end when NJ_EVENT_CONNECTED says that one is present.
 *
 * The small engine: a third of the size, for MQTT 3.1.1 with QoS 0 and 1, in src/client/
 * engine_small.c in the place of engine.c. It takes the same calls, but for those that end in
 * _check..., _auth, _send_again and _give_up, which it has not. What it does not do is NJ_INVALID,
 * properties among it. Each connection begins a session of its own: messages that were in flight
 * are told as NJ_EVENT_LOST when the next one stands, to be sent anew if need be. Subscriptions are
 * asked for with QoS 0 or 1; a server that sends QoS 2 all the same ends the connection. It does
 * not look whether texts are UTF-8, ours nor the server's, nor whether filters are well-formed.
 */
#ifndef NIGHTJAR_ENGINE_H
#define NIGHTJAR_ENGINE_H

#include "nightjar/mqtt.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* The least that `in` and `out` of the setup must hold, in bytes. */
enum { NJ_BUFFER_MIN = 8 };

/* A message of QoS 1 or 2 that was sent and is not acknowledged. All zero: free. Slots are for the
 * engine to change; those that are filled come first, in the order of sending. */
struct nj_slot {
    uint32_t tag; /* yours: which message it is */
    uint16_t id;  /* its packet identifier */
    uint8_t state;
    bool again; /* it must be sent again, or its PUBREL */
};

/*
 * What the engine works in; all is borrowed until nj_engine_init() is called again.
 *
 * With no slots nothing can be sent with QoS 1 or 2. `held_count` goes to a server of MQTT 5.0 as
 * Receive Maximum. One of 3.1.1 does not learn it, and a message of QoS 2 for which no place is
 * left ends the connection (0x93): have as many as that server keeps in flight (Mosquitto: 20), or
 * none and subscribe with QoS 0 and 1 only.
 */
struct nj_engine_setup {
    enum nj_version version;
    uint8_t *in; /* for a packet that does not come in one piece; its size is the largest taken */
    size_t in_size;
    uint8_t *out; /* for what is to be sent; a packet must fit whole */
    size_t out_size;
    struct nj_slot *slots; /* as many messages of QoS 1 and 2 may be in flight */
    uint16_t slot_count;
    uint16_t *held; /* ids of QoS 2 messages that come in, as many at a time; 0: free */
    uint16_t held_count;
    /* For aliases that the server may use for topics (MQTT 5.0): alias_count times alias_size
     * bytes, each with room for two bytes and a topic. A server that gives an alias to a longer
     * topic ends the connection (0x97), so make room for the longest that comes, or have none. */
    uint8_t *aliases;
    uint16_t alias_count;
    uint16_t alias_size;
};

struct nj_connect_options {
    struct nj_bytes client_id;     /* empty: the server gives one */
    struct nj_bytes user_name;     /* empty: none */
    struct nj_bytes password;      /* empty: none */
    const struct nj_message *will; /* NULL: none */
    struct nj_bytes properties;    /* MQTT 5.0; Receive Maximum, Maximum Packet Size and Topic
                                      Alias Maximum are the engine's to say */
    uint16_t keep_alive_s;         /* 0: none */
    bool clean_start;              /* begin a new session; what is in slots is lost */
};

enum nj_event_kind {
    NJ_EVENT_CONNECTED,    /* session_present; properties */
    NJ_EVENT_REFUSED,      /* reason; properties; the connection is over */
    NJ_EVENT_MESSAGE,      /* message */
    NJ_EVENT_DONE,         /* id, tag: it was acknowledged; from 0x80 the reason is a refusal */
    NJ_EVENT_SEND_AGAIN,   /* id, tag: nj_engine_send_again() with that message, or
                              nj_engine_give_up(); until then it comes again */
    NJ_EVENT_LOST,         /* id, tag: the server has lost the session, and nobody knows whether it
                              had taken the message; the slot is free */
    NJ_EVENT_SUBSCRIBED,   /* id; codes, one byte for each filter: QoS, or from 0x80 a refusal */
    NJ_EVENT_UNSUBSCRIBED, /* id; codes (MQTT 5.0) */
    NJ_EVENT_AUTH,         /* reason; properties: nj_engine_auth() may go on */
    NJ_EVENT_ENDED         /* reason; properties of the server's DISCONNECT; the connection is over:
                             send what is left of the output, then close the transport */
};

struct nj_event {
    enum nj_event_kind kind;
    uint8_t reason; /* a reason code of MQTT 5.0, for 3.1.1 too; 0: success */
    bool session_present;
    bool by_server; /* NJ_EVENT_ENDED: it has said so; else we found that it must end */
    uint16_t id;
    uint32_t tag;
    struct nj_bytes properties;
    struct nj_bytes codes;
    struct nj_message message;
};

/* Its members are the engine's own; small ones come first, where code reaches them cheapest. */
struct nj_engine {
    uint8_t state;
    uint8_t fault;   /* the reason to end for; 0: none */
    uint8_t pending; /* the packet that is to be sent before the next event; 0: none */
    uint8_t maximum_qos;
    bool retain_available;
    bool clean_start;
    bool authenticates;  /* CONNECT had an authentication method */
    bool recovering;     /* slots of connections before are still to be looked at */
    bool again_later;    /* there was no room to send one of them again */
    bool stuck;          /* there was no room for PINGREQ, and nothing was sent since */
    uint16_t pending_id; /* of the packet `pending` */
    uint16_t next_id;
    uint16_t keep_alive_s;
    uint16_t quota;     /* slots that the server lets us fill */
    uint16_t alias_max; /* of topics; the server's */
    uint16_t asked[8];  /* ids of four SUBSCRIBE, then UNSUBSCRIBE, not answered; 0: free */
    struct nj_engine_setup setup;
    struct nj_bytes rest; /* of what came in, and is not taken yet */
    size_t in_used;
    size_t in_done; /* of that, the packet whose event is out */
    size_t out_used;
    size_t out_sent;
    uint32_t packet_max; /* that the server takes */
    int64_t sent_ms;
    int64_t ping_ms; /* when PINGREQ was sent, or CONNECT; -1: no answer is awaited */
};

/* Takes the setup. Slots and held ids that are not zero are those of a session to go on with. */
void nj_engine_init(struct nj_engine *engine, const struct nj_engine_setup *setup);

/*
 * ---- Doing ----
 *
 * All of these may return
 * NJ_INVALID: an argument breaks the rules of the version, properties included;
 * NJ_TOO_LARGE: it never fits into `out`, or is more than the server takes;
 * NJ_LATER: try again after nj_engine_sent(), or after the next event;
 * NJ_NOT_CONNECTED: NJ_EVENT_CONNECTED has not come, or the connection is over.
 * When the result is not NJ_OK nothing was done and no output was written, unless it says so.
 */

/*
 * Begins a connection on a new transport; what is left of one before is dropped, as by
 * nj_engine_closed(), but for NJ_INVALID. NJ_OK, NJ_INVALID, NJ_TOO_LARGE.
 */
enum nj_error nj_engine_connect(
        struct nj_engine *engine, const struct nj_connect_options *options, int64_t now_ms);

/*
 * Sends a message. With QoS 1 or 2 *id becomes its packet identifier, and NJ_EVENT_DONE tells its
 * end; `tag` comes with it. With QoS 0 id may be NULL.
 *
 * In MQTT 5.0 the topic may be empty where the properties have a topic alias that the server
 * learnt in this connection; which it has learnt is yours to know.
 *
 * NJ_LATER too while as many are in flight as the server takes, and, with QoS 1 and 2, until all of
 * the session before was sent again. NJ_NOT_OFFERED: the server does not take that QoS, retained
 * messages or that alias, or there are no slots.
 */
enum nj_error nj_engine_send(struct nj_engine *engine, const struct nj_message *message,
        uint32_t tag, uint16_t *id, int64_t now_ms);

/*
 * Answers NJ_EVENT_SEND_AGAIN with the same message; `dup` of it is not looked at. After NJ_LATER
 * the event comes again when output was sent. A server may take less than it did in the connection
 * before: after NJ_TOO_LARGE and NJ_NOT_OFFERED give it up.
 *
 * NJ_UNKNOWN_ID: that id is not to be sent again.
 */
enum nj_error nj_engine_send_again(
        struct nj_engine *engine, uint16_t id, const struct nj_message *message, int64_t now_ms);

/*
 * Answers NJ_EVENT_SEND_AGAIN by not sending it: the slot of a QoS 1 message is free at once; of
 * QoS 2 the server is made to release the id, which NJ_EVENT_DONE tells. Whether the message had
 * been taken nobody knows. NJ_UNKNOWN_ID: that id is not to be sent again.
 */
enum nj_error nj_engine_give_up(struct nj_engine *engine, uint16_t id);

/*
 * NJ_EVENT_SUBSCRIBED answers with the same id. Four may wait for an answer, then it is
 * NJ_LATER. What is not answered when the connection ends must be
 * asked for again.
 */
enum nj_error nj_engine_subscribe(struct nj_engine *engine,
        const struct nj_subscription subscriptions[], size_t count, struct nj_bytes properties,
        uint16_t *id, int64_t now_ms);

/* NJ_EVENT_UNSUBSCRIBED answers, in the same way. */
enum nj_error nj_engine_unsubscribe(struct nj_engine *engine, const struct nj_bytes filters[],
        size_t count, struct nj_bytes properties, uint16_t *id, int64_t now_ms);

/*
 * Whether the rules of the version allow it, for who does not send it yet. They change nothing, and
 * ask for no connection. NJ_OK, NJ_INVALID.
 */
enum nj_error nj_engine_check(const struct nj_engine *engine, const struct nj_message *message);
enum nj_error nj_engine_check_subscribe(const struct nj_engine *engine,
        const struct nj_subscription subscriptions[], size_t count, struct nj_bytes properties);
enum nj_error nj_engine_check_unsubscribe(const struct nj_engine *engine,
        const struct nj_bytes filters[], size_t count, struct nj_bytes properties);

/*
 * An AUTH, also before NJ_EVENT_CONNECTED: reason 0x18 goes on with an exchange, 0x19 begins one
 * anew. The properties need the authentication method of CONNECT's. MQTT 5.0 alone.
 */
enum nj_error nj_engine_auth(
        struct nj_engine *engine, uint8_t reason, struct nj_bytes properties, int64_t now_ms);

/*
 * Says goodbye; with reason 0 the will is not sent. In MQTT 3.1.1 there is no other. Then send the
 * output and close the transport; no event comes any more.
 */
enum nj_error nj_engine_disconnect(
        struct nj_engine *engine, uint8_t reason, struct nj_bytes properties, int64_t now_ms);

/* The transport is closed, by whichever side. Output and input are dropped; no event tells it. */
void nj_engine_closed(struct nj_engine *engine);

/* ---- The transport ---- */

/* What to send next; empty: nothing. Good until the next call that is not for reading only. */
struct nj_bytes nj_engine_output(const struct nj_engine *engine);

/* So many bytes of it are sent: no more than nj_engine_output() has given. */
void nj_engine_sent(struct nj_engine *engine, size_t size);

/*
 * Whether nj_engine_receive() may be called; to be asked when nj_engine_next() has returned false.
 * Not while something is left of what was given before:
 * each message that comes may need an answer, and when there is no room for it in `out`,
 * nj_engine_next() gives nothing until output was sent.
 */
bool nj_engine_may_receive(const struct nj_engine *engine);

/* Gives what has come; borrowed until nj_engine_next() has returned false and
 * nj_engine_may_receive() is true, for events point into it. */
void nj_engine_receive(struct nj_engine *engine, const void *data, size_t size);

/* The next event; false: there is none now. What it points to is good until this is called again,
 * or the connection is closed or begun. */
bool nj_engine_next(struct nj_engine *engine, struct nj_event *event, int64_t now_ms);

/* ---- Time ---- */

/* When nj_engine_tick() wants to be called; INT64_MAX: not at all. */
int64_t nj_engine_due_ms(const struct nj_engine *engine);

/*
 * Sends a PINGREQ when it is time. A server that does not answer it, or CONNECT or AUTH, within the
 * keep alive (at least ten seconds), or takes no output for so long, ends the connection: the next
 * event tells it (0x8D).
 */
void nj_engine_tick(struct nj_engine *engine, int64_t now_ms);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
