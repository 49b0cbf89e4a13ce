/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link, and what its files do for each other. Everything here is called with the link's lock held
 * and by whoever runs the link, unless it says otherwise.
 *
 * A connection goes through phases, and any failure leads back to LINK_RESTS, or with `once` to
 * LINK_OVER:
 *
 *     RESTS -> RESOLVES -> TRIES (addresses, one after the other) -> GREETS -> UP -> PARTS -> OVER
 */
#ifndef CLIENT_LINK_STATE_H
#define CLIENT_LINK_STATE_H

#include "client/link_file.h"
#include "client/link_options.h"
#include "client/link_queue.h"
#include "client/link_resolve.h"
#include "client/link_url.h"
#include "client/link_transport.h"

#include "loop/poll.h"
#include "loop/wake.h"

#include <pthread.h>

enum {
    LINK_READ_SIZE = 64 << 10,
    LINK_OUTPUT_MARK = 64 << 10, /* with so much output messages wait in the queue, not there */
};

enum link_phase {
    LINK_RESTS,    /* until due_ms, when it tries to connect */
    LINK_RESOLVES, /* the addresses are being found */
    LINK_TRIES,    /* until due_ms for the first byte to be written */
    LINK_GREETS,   /* CONNECT is on its way; the engine watches the time */
    LINK_UP,
    LINK_PARTS, /* DISCONNECT is to be written, until due_ms */
    LINK_OVER   /* for ever */
};

/* A message that is kept for nj_receive(). */
struct incoming {
    struct list link;
    struct nj_message message;
    uint8_t data[];
};

/* A message that the engine has shown and that nj_receive() is to give: nothing else is taken from
 * the engine meanwhile, so that it is acknowledged only afterwards. */
enum link_hold {
    HOLD_NONE,
    HOLD_OFFERED, /* nobody has asked for it yet */
    HOLD_GIVEN    /* nj_receive() has given it to its caller */
};

/* Bytes of a direction that are not a whole packet yet, for the trace. */
struct link_trace {
    uint8_t *data; /* of the packet, up to NJ_TRACED_MAX; NULL: there is no trace */
    size_t used;   /* of its bytes, also those that are not kept */
    size_t size;   /* of the packet; 0: its header is not whole */
};

/* What is used most comes first: so near to the beginning it is reached by shorter instructions. */
struct nj_link {
    enum link_phase phase;
    enum nj_error broken;  /* why every call fails; NJ_OK: they do not */
    struct stream *stream; /* NULL: there is no transport */
    int64_t now_ms;        /* when this turn began */
    int64_t due_ms;
    struct link_file *file;
    struct poll *poll;
    bool threaded;
    bool stops;
    bool stirred; /* somebody who waits may go on */
    bool has_wake;
    bool in_callback;
    bool tells;          /* the callback is that for messages */
    bool leaves;         /* and it leaves its message with the server */
    bool parts;          /* nj_link_disconnect() was called */
    bool heard;          /* a byte has come from the server */
    uint8_t reason;      /* of the last connection that failed */
    enum nj_error error; /* the same */
    enum link_hold hold;
    unsigned waiters;          /* calls that wait for something else than a message */
    int write_error;           /* writing failed with it; what came before is still to be read */
    struct nj_bytes client_id; /* the options', or the server's; to be freed */
    struct list asks;          /* SUBSCRIBE and UNSUBSCRIBE to be sent */
    struct list requests;
    struct nj_engine engine;

    struct link_queue queue;
    struct nj_bytes unread; /* of what was read, what the engine was not given yet */
    uint8_t *read;          /* what came, LINK_READ_SIZE */
    uint8_t *memory;        /* of all that the engine works in, and of the bytes read */
    struct nj_slot *slots;  /* behind them lie the ids that are held */
    uint16_t *held;
    size_t state_size;                  /* of both */
    struct nj_bytes connect_properties; /* ours among them; to be freed */
    struct link_resolve *resolve;
    struct tls_client *tls;
    struct link_url proxy; /* to connect through; no host: none */
    int address_count;
    int address_next;
    int64_t heard_ms; /* when a byte has come last */
    unsigned waits;   /* what the poll was told of the stream */
    uint32_t tries;   /* that have failed, since a connection that lasted */
    uint32_t downs;   /* connections that have ended or failed, ever */
    int64_t up_ms;    /* when the server let it in */
    bool had_session; /* the server has let it in before */
    bool tells_qos2;  /* the last event was a message of QoS 2 */
    uint8_t part_reason;
    struct wake wake;
    uint64_t written; /* bytes, ever */

    uint8_t *kept;  /* slots and held, as they are in the file */
    uint64_t *done; /* numbers of messages that are done, and the file does not know */
    size_t done_count;
    size_t done_max;
    uint64_t needed;    /* bytes of the file about messages that are not done */
    int64_t rewrite_ms; /* before, it is not written anew, for that has failed */

    struct list asks_flying; /* sent and not answered */
    bool asks_late;          /* the first of `asks` cannot be sent before something else is over */
    void *subscriptions;     /* what the server has granted, as a tree of tsearch() */
    size_t subscription_count;
    struct list subscription_list; /* the same, in their order */
    size_t request_count;
    char *response_prefix;         /* that the server has named; NULL: it has not */
    struct waiter response_waiter; /* for the answer to that subscription */

    struct nj_message held_message;
    struct list inbox;
    size_t inbox_count;
    struct incoming *given; /* what nj_receive() gave last, where it is a copy */

    struct nj_bytes part_properties; /* to be freed */

    struct link_trace trace_in;
    struct link_trace trace_out;
    size_t traced; /* of the engine's output, bytes that were shown */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;

    struct nj_link_options options;
    struct address addresses[LINK_ADDRESSES_MAX];
    char response_topic[512]; /* "": it is not subscribed */
    char failure[FAILURE_SIZE];
    char shown[FAILURE_SIZE]; /* what nj_link_failure() gave last */
};

/* ---- link.c ---- */

void link_lock(struct nj_link *link);
void link_unlock(struct nj_link *link);

/* The same at the end of a call whose result this is; returns it. */
enum nj_error link_unlock_with(struct nj_link *link, enum nj_error result);

/* Around a callback: the lock is let go meanwhile. */
void link_call(struct nj_link *link);
void link_called(struct nj_link *link);

/* Whether the caller is a callback of this link. */
bool link_is_inside(const struct nj_link *link);

/* Notes an error as the last one, with a sentence: nj_error_text() of it behind what failed. */
enum nj_error link_failed(struct nj_link *link, enum nj_error error, const char *what);

/* The same of a message that cannot be sent. */
enum nj_error link_failed_to_send(
        struct nj_link *link, enum nj_error error, const struct nj_message *message);

/* The same where the server may have given a reason code, which is noted too; 0: it has not. */
enum nj_error link_refused(
        struct nj_link *link, enum nj_error error, uint8_t reason, const char *what);

/* So many bytes of a name are shown in a sentence. */
int link_shown(struct nj_bytes bytes);

/* Draws a number by lot. */
uint64_t link_draw(void);

/* Tells the loop in its thread that there is something to do. */
void link_poke(struct nj_link *link);

/* Goes by this client id from now on. False: no memory, and nothing has changed. */
bool link_take_client_id(struct nj_link *link, struct nj_bytes id);

/* Ends the connection with a DISCONNECT; NJ_OK, NJ_INVALID or NJ_NO_MEMORY. */
enum nj_error link_part(struct nj_link *link, uint8_t reason, struct nj_bytes properties);

/* Whether DISCONNECT may say so. */
bool link_may_part(const struct nj_link *link, uint8_t reason, struct nj_bytes properties);

/* ---- link_turn.c ---- */

/* One round: connects, waits up to timeout_ms, reads, tells, writes. */
void link_turn(struct nj_link *link, int timeout_ms);

/* Gives the engine the CONNECT that the options ask for; the results of nj_engine_connect(), with
 * a sentence. */
enum nj_error link_greet(struct nj_link *link);

/* In how many milliseconds it has something to do; -1: when the descriptor says so. */
int link_left_ms(const struct nj_link *link, int64_t now_ms);

/* The connection has ended or failed; the sentence is in link->failure. Where the engine has told
 * it the event says more; else NULL. */
void link_go_down(struct nj_link *link, enum nj_error error, const struct nj_event *event);

/* Closes the transport and whatever is on its way there. */
void link_close_transport(struct nj_link *link, enum stream_end end);

/* For ever: every call that waits, or comes, gets this error. */
void link_break(struct nj_link *link, enum nj_error error);

/* ---- link_events.c ---- */

/* Takes all that the engine has to tell, until nothing is left or somebody must come first. */
void link_take_events(struct nj_link *link);

/* Whether messages must not be taken now. */
static inline bool link_is_paused(const struct nj_link *link)
{
    return link->hold != HOLD_NONE;
}

/* Where the engine has noted the id of the message of QoS 2 that is held; NULL: none is. */
uint16_t *link_held_id(const struct nj_link *link);

/* A message is over: it leaves the queue, and everybody concerned is told. The event is the
 * server's answer; NULL: there is none. */
void link_finish(struct nj_link *link, struct outgoing *outgoing, enum nj_error error,
        const struct nj_event *event);

/* A copy of a message; NULL: no memory. */
struct incoming *link_incoming_new(const struct nj_message *message);

/* Puts a copy aside for nj_receive(). False: there is no room or no memory. */
bool link_keep_incoming(struct nj_link *link, const struct nj_message *message);

/* ---- link_send.c ---- */

/* Gives the engine what waits, as far as it takes it. */
void link_feed(struct nj_link *link);

/* nj_link_send(), with a call that waits for its end, or NULL. *out, where it is not NULL, is the
 * message; NULL where it is done already. */
enum nj_error link_send(struct nj_link *link, const struct nj_message *message, uint64_t tag,
        struct waiter *waiter, struct outgoing **out);

/* ---- link_ask.c ---- */

/* A SUBSCRIBE, or where it has filters an UNSUBSCRIBE. Everything is borrowed but the waiter. */
struct link_question {
    const struct nj_subscription *subscriptions;
    const struct nj_bytes *filters;
    size_t count;
    struct nj_bytes properties;
    uint64_t tag;
    struct waiter *waiter; /* a call that waits for the answer; NULL */
};

/* nj_link_subscribe() or nj_link_unsubscribe(). */
enum nj_error link_ask(struct nj_link *link, const struct link_question *question);

/* Sends what waits. False: some of it must wait. */
bool link_ask_feed(struct nj_link *link);
void link_ask_answered(struct nj_link *link, const struct nj_event *event);

/* What was not answered is to be asked again. */
void link_ask_lost(struct nj_link *link);

/* The server has no session: all that was subscribed is to be subscribed again. */
void link_ask_renew(struct nj_link *link);

/* Nobody waits for it any more. */
void link_ask_forget(struct nj_link *link, const struct waiter *waiter);
void link_ask_deinit(struct nj_link *link);

/* ---- link_wait.c ---- */

/* Something has changed for calls that wait. */
void link_stir(struct nj_link *link);

/* When a time of so many milliseconds is over that begins now; INT64_MAX: never. */
int64_t link_end_of(int timeout_ms);

/* What nj_receive() gave last is over. */
void link_release_given(struct nj_link *link);

/* ---- link_request.c ---- */

/* nj_link_request(), of which the time is over at due_ms. */
enum nj_error link_request(struct nj_link *link, const struct nj_message *message, int64_t due_ms,
        nj_response response, void *context);

/* Whether the message is for the link itself. */
bool link_request_takes(struct nj_link *link, const struct nj_message *message);

/* The request was sent, or not. */
void link_request_sent(
        struct nj_link *link, struct link_request *request, enum nj_error error, uint8_t reason);
int64_t link_request_due_ms(const struct nj_link *link);
void link_request_tick(struct nj_link *link);

/* All of them end with this error. */
void link_request_end_all(struct nj_link *link, enum nj_error error);

/* ---- link_keep.c ---- */

/* Opens the file, where the options name one, and takes over what is in it. */
enum nj_error link_keep_open(struct nj_link *link);
void link_keep_close(struct nj_link *link);

/* Writes down a message that was added. */
enum nj_error link_keep_message(struct nj_link *link, const struct outgoing *outgoing);

/* Notes that a message is done. */
void link_keep_done(struct nj_link *link, const struct outgoing *outgoing);

/* Writes down what has changed, before it is told to the server. */
enum nj_error link_keep_states(struct nj_link *link);
enum nj_error link_keep_client(struct nj_link *link);

/* ---- link_trace.c ---- */

bool link_trace_init(struct nj_link *link);
void link_trace_deinit(struct nj_link *link);

/* A new connection begins. */
void link_trace_reset(struct nj_link *link);

/* Shows the output that was not shown yet; bytes of it were sent. */
void link_trace_output(struct nj_link *link);
void link_trace_sent(struct nj_link *link, size_t size);

/* Shows what has come up to the end of the next packet. Returns how many bytes that are. */
size_t link_trace_input(struct nj_link *link, struct nj_bytes bytes);

#endif
