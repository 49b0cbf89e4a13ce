/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of MQTT-SN 1.2 as a state machine: datagrams and time go in, datagrams and events come
 * out. It makes no system call, keeps no clock and allocates nothing: all memory is yours. So it
 * runs on a microcontroller over whatever carries datagrams, and in a test without a network.
 *
 *     nj_sn_init(&sn, &setup);
 *     nj_sn_use_gateway(&sn, address);
 *     nj_sn_connect(&sn, &options, now_ms);
 *     for (;;) {
 *         send what nj_sn_output() gives, then nj_sn_sent(), until it gives nothing
 *         wait for a datagram, or until nj_sn_due_ms()
 *         give what has come to nj_sn_receive()
 *         while (nj_sn_next(&sn, &event, now_ms)) ...
 *         nj_sn_tick(&sn, now_ms)
 *     }
 *
 * `now_ms` is any clock that never goes back and is not negative. An engine is used by one thread
 * at a time; its functions may be called while an event is worked on.
 *
 * One request is under way at a time, as MQTT-SN has it for small devices: until an event tells its
 * end, the next one gets NJ_LATER. A request that is not answered is sent again; a gateway that
 * answers none is lost, which NJ_SN_EVENT_LOST tells. A message of QoS 1 or 2 outlives that: it is
 * sent again when a gateway has let the client in without a clean session.
 *
 * A message that comes is acknowledged when the next event is asked for, so that whoever dies while
 * he works on it gets it again. So ask once more before you go to sleep.
 */
#ifndef NIGHTJAR_SN_H
#define NIGHTJAR_SN_H

#include "nightjar/mqtt.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

enum {
    NJ_SN_ADDRESS_MAX = 20, /* bytes of an address in the form of your network */
    NJ_SN_OUT_MIN = 16,     /* bytes; the least that `out` of the setup must hold */
    NJ_SN_FRAME_MAX = 255   /* bytes that a forwarder's frame adds to a datagram */
};

/* ---- Topics ---- */

enum nj_sn_topic_kind {
    NJ_SN_NAME,       /* a name, for which gateway and client agree on an id by themselves */
    NJ_SN_PREDEFINED, /* an id that the gateway knows beforehand */
    NJ_SN_SHORT       /* a name of just two bytes, which needs no id */
};

/* What a message is about. In a subscription `name` may have wildcards, but for a short one's. */
struct nj_sn_topic {
    enum nj_sn_topic_kind kind;
    uint16_t id;          /* received: the id, or the two bytes of a short name; else of a
                             predefined topic alone */
    struct nj_bytes name; /* of a predefined topic that came: as setup.predefined has it */
};

static inline struct nj_sn_topic nj_sn_name(const char *name)
{
    struct nj_sn_topic topic;

    topic.kind = NJ_SN_NAME;
    topic.id = 0;
    topic.name = nj_text(name);
    return topic;
}

static inline struct nj_sn_topic nj_sn_predefined(uint16_t id)
{
    struct nj_sn_topic topic;

    topic.kind = NJ_SN_PREDEFINED;
    topic.id = id;
    topic.name = nj_bytes_of(NULL, 0);
    return topic;
}

static inline struct nj_sn_topic nj_sn_short(const char *two_bytes)
{
    struct nj_sn_topic topic = nj_sn_name(two_bytes);

    topic.kind = NJ_SN_SHORT;
    return topic;
}

/* ---- What the engine works in ---- */

/* A name that is known to gateway and client, or has been. All zero: free. */
struct nj_sn_known {
    uint16_t id;   /* 0: the gateway has yet to say it */
    uint16_t size; /* of the name */
    uint32_t used; /* when; the longest unused one gives way to a new one */
};

/* A gateway that has made itself known. All zero: free. */
struct nj_sn_gateway {
    bool present;
    uint8_t id;
    uint8_t address_size;
    uint8_t address[NJ_SN_ADDRESS_MAX];
    int64_t until_ms; /* when it counts as gone; INT64_MAX: it does not advertise */
};

/*
 * All is borrowed until nj_sn_init() is called again. Numbers that are 0 stand for what is said
 * beside them; times are those of MQTT-SN §7.2.
 */
struct nj_sn_setup {
    uint8_t *out; /* holds the request that is under way; with a message to send also the one that
                     goes before it: CONNECT, a will's, REGISTER */
    size_t out_size;
    uint16_t datagram_max; /* bytes of the largest to send; 0: what fits into `out` */
    /* Names with their ids: known_count of them, with name_size bytes of `names` for each. A name
     * that is longer cannot be published, subscribed without wildcards, or received. With few of
     * them all topics get through, but their ids have to be told again and again. */
    struct nj_sn_known *known;
    uint16_t known_count;
    uint16_t name_size;
    char *names;
    const struct nj_sn_topic *predefined; /* that the gateway may use; their names may be empty */
    uint16_t predefined_count;
    uint16_t *held; /* ids of QoS 2 messages that come in, as many at a time; 0: free. With none
                       the gateway can send QoS 0 and 1 only */
    uint16_t held_count;
    struct nj_sn_gateway *gateways; /* for those that make themselves known; none: not looked at */
    uint16_t gateway_count;
    bool answers_search;      /* tell other clients of the gateway that is in use */
    uint32_t seed;            /* for delays that must not be the same on all devices */
    uint32_t retry_ms;        /* how long an answer may take; 0: 10,000 */
    uint8_t retries;          /* how often a request is sent again; 0: 3 */
    uint32_t wait_ms;         /* until a request is sent again that met congestion; 0: 300,000 */
    uint32_t search_ms;       /* the most by which the first SEARCHGW is delayed, and the time until
                                 the next one, which then doubles; 0: 5,000 */
    uint32_t gateway_info_ms; /* the most by which an answer to SEARCHGW is delayed; 0: 5,000 */
    uint8_t missed_max;       /* ADVERTISEs that may fail to come; 0: 3 */
};

/* The bytes pointed to are borrowed until the connection is over, or is begun again. */
struct nj_sn_connect_options {
    struct nj_bytes client_id;  /* 1 to 23 characters by the standard; some take others, too */
    struct nj_bytes will_topic; /* empty: no will */
    struct nj_bytes will_message;
    uint8_t will_qos;
    bool will_retain;
    uint16_t keep_alive_s; /* 0: none */
    bool clean_session;    /* begin anew: subscriptions, will and a message under way are dropped */
};

/* ---- Events ---- */

/* What the gateway has said of a request. Others than these are refusals too. */
enum nj_sn_code {
    NJ_SN_ACCEPTED = 0,
    NJ_SN_CONGESTION = 1,
    NJ_SN_INVALID_TOPIC_ID = 2,
    NJ_SN_NOT_SUPPORTED = 3
};

/* A code as a sentence. */
const char *nj_sn_code_text(unsigned code);

enum nj_sn_event_kind {
    NJ_SN_EVENT_CONNECTED,   /* the gateway has let the client in */
    NJ_SN_EVENT_REFUSED,     /* code; it has not */
    NJ_SN_EVENT_MESSAGE,     /* topic, payload, qos, retain, dup */
    NJ_SN_EVENT_DONE,        /* code; the request is over: published, registered, unsubscribed, the
                              will changed; of QoS 0 and -1: the message was sent */
    NJ_SN_EVENT_SUBSCRIBED,  /* code; qos that was granted */
    NJ_SN_EVENT_ASLEEP,      /* code: NJ_SN_CONGESTION where nj_sn_wake() got no answer; the radio
                               may be switched off */
    NJ_SN_EVENT_ENDED,       /* by_gateway; the connection is over: it has said so, or has answered
                               nj_sn_disconnect() */
    NJ_SN_EVENT_LOST,        /* the gateway does not answer; the connection is over. Try another one
                               (nj_sn_other_gateway()), then this one */
    NJ_SN_EVENT_GATEWAY,     /* gateway; it was not known yet */
    NJ_SN_EVENT_GATEWAY_GONE /* gateway; it has not advertised for too long */
};

struct nj_sn_event {
    enum nj_sn_event_kind kind;
    uint8_t code; /* enum nj_sn_code, or a number that is none of them */
    uint8_t qos;
    bool retain;
    bool dup;        /* it may have come before */
    bool by_gateway; /* unasked; to go on, connect again */
    bool unanswered; /* nj_sn_wake() got no answer; what waits is there for the next one */
    bool has_kept;   /* NJ_SN_EVENT_ENDED, LOST: a message is under way still, and goes on with
                        the next connection, unless that is a clean one */
    struct nj_sn_topic topic;
    struct nj_bytes payload;
    const struct nj_sn_gateway *gateway;
};

/* Something that the engine sends by itself, beside requests. */
struct nj_sn_note {
    uint8_t data[3 + NJ_SN_ADDRESS_MAX];
    uint8_t size; /* 0: there is none */
    bool broadcast;
};

/* Its members are the engine's own; small ones come first, where code reaches them cheapest. */
struct nj_sn {
    uint8_t state;
    uint8_t request; /* the type of the message that is under way; 0: none */
    uint8_t tries;   /* how often it was sent again */
    uint8_t pings;   /* PINGREQs that are not answered */
    uint8_t due;     /* an event that is to be told; 0: none */
    uint8_t pending; /* the type of the message that answers the last event; 0: none */
    uint8_t radius;  /* of our SEARCHGW, and of our GWINFO */
    uint8_t gateway_size;
    uint8_t late_rises;
    int8_t kept_qos;
    bool kept;       /* a message lies at the front of `out`, or its PUBREL is due */
    bool kept_sent;  /* in this connection or one before */
    bool kept_taken; /* the gateway has it; PUBREL is what remains */
    bool registered; /* its name was registered for it: no second time */
    bool to_send;    /* the request is to be sent, first or again */
    bool congested;  /* the request waits for the congestion to be over */
    bool has_will;   /* CONNECT has announced one */
    bool sleeps;     /* DISCONNECT has announced a sleep */
    uint16_t id;     /* of the request */
    uint16_t next_id;
    uint16_t kept_id;
    uint16_t name; /* what the request is about, among the known; or none */
    uint16_t pending_id;
    uint16_t pending_topic;
    uint16_t late_last; /* these three: to know late copies of QoS 2 by */
    size_t kept_size;
    size_t out_used;
    uint32_t uses;
    uint32_t search_interval_ms;
    uint64_t random;
    uint64_t late_over;
    int64_t request_ms; /* when the request is to be sent again; INT64_MAX: not at all */
    int64_t sent_ms;
    int64_t heard_ms;
    int64_t ping_ms;
    int64_t search_ms; /* when SEARCHGW is to be sent; INT64_MAX: not at all */
    int64_t info_ms;   /* when GWINFO is to be sent, in the same way */
    struct nj_bytes sender;
    struct nj_bytes datagram; /* that came, and is not taken yet */
    struct nj_sn_connect_options options;
    struct nj_sn_setup setup;
    struct nj_sn_note note;
    uint8_t gateway[NJ_SN_ADDRESS_MAX];
};

void nj_sn_init(struct nj_sn *sn, const struct nj_sn_setup *setup);

/* ---- Finding a gateway ---- */

/*
 * The gateway to speak with; its address, which is copied, is what you send to and what datagrams
 * come from. On a line with one other end it may be empty. NJ_OK; NJ_INVALID: it is too long;
 * NJ_LATER: there is a connection, which must end first.
 */
enum nj_error nj_sn_use_gateway(struct nj_sn *sn, struct nj_bytes address);

/*
 * Looks for gateways so many hops away (0: everywhere), after a random delay, until one is known.
 * NJ_SN_EVENT_GATEWAY tells of it. NJ_OK; NJ_NOT_OFFERED: the setup has no room for gateways.
 */
enum nj_error nj_sn_search(struct nj_sn *sn, uint8_t radius, int64_t now_ms);

/* A known gateway other than the one in use; if there is none, the one in use; NULL: none is known.
 * Borrowed until the next call that is not for reading only. */
const struct nj_sn_gateway *nj_sn_other_gateway(const struct nj_sn *sn);

/*
 * ---- Requests ----
 *
 * After NJ_OK just one event tells the end of the request. All of these may return
 * NJ_INVALID: an argument breaks the rules;
 * NJ_TOO_LARGE: it does not fit into `out`, datagram_max or name_size;
 * NJ_LATER: another request is under way, or its event has not been asked for;
 * NJ_NOT_CONNECTED: there is no connection, or the client sleeps.
 * When the result is not NJ_OK nothing was done.
 */

/* Begins a connection with the gateway in use; from any state, whatever is under way: a message
 * that is, is kept where the session is not a clean one. CONNECTED, REFUSED or LOST follows. */
enum nj_error nj_sn_connect(
        struct nj_sn *sn, const struct nj_sn_connect_options *options, int64_t now_ms);

/* Sends a message with QoS -1, 0, 1 or 2. A name that has no id yet is registered first. QoS -1
 * needs no connection, but a topic of another kind than NJ_SN_NAME. */
enum nj_error nj_sn_publish(struct nj_sn *sn, const struct nj_sn_topic *topic,
        struct nj_bytes payload, int qos, bool retain, int64_t now_ms);

/* Gets an id for a name ahead of the first message. */
enum nj_error nj_sn_register(struct nj_sn *sn, struct nj_bytes name, int64_t now_ms);

enum nj_error nj_sn_subscribe(
        struct nj_sn *sn, const struct nj_sn_topic *topic, uint8_t qos, int64_t now_ms);
enum nj_error nj_sn_unsubscribe(struct nj_sn *sn, const struct nj_sn_topic *topic, int64_t now_ms);

/* The will is from now on published there; an empty topic deletes it, with its message. */
enum nj_error nj_sn_change_will_topic(
        struct nj_sn *sn, struct nj_bytes topic, uint8_t qos, bool retain, int64_t now_ms);
enum nj_error nj_sn_change_will_message(struct nj_sn *sn, struct nj_bytes message, int64_t now_ms);

/* Says that the client sleeps, and calls for its messages within so many seconds, by nj_sn_wake().
 * Of a client that sleeps already it changes the time. */
enum nj_error nj_sn_sleep(struct nj_sn *sn, uint16_t duration_s, int64_t now_ms);

/* Calls for what has come in the meantime. The messages follow, then NJ_SN_EVENT_ASLEEP.
 * NJ_NOT_CONNECTED where the client does not sleep. */
enum nj_error nj_sn_wake(struct nj_sn *sn, int64_t now_ms);

/* Goes on with the session, to send something: a CONNECT without clean session and without will,
 * which keeps both. Also while the client sleeps. */
enum nj_error nj_sn_resume(struct nj_sn *sn, int64_t now_ms);

/* Says goodbye; the will is not published. ENDED follows, or LOST. */
enum nj_error nj_sn_disconnect(struct nj_sn *sn, int64_t now_ms);

/* Gives up what is under way, message included: whether the gateway has it nobody knows. No event
 * tells it. A connection that was not there yet is over. */
void nj_sn_give_up(struct nj_sn *sn);

/* ---- The network ---- */

struct nj_sn_datagram {
    struct nj_bytes data;
    struct nj_bytes to; /* the gateway's address */
    bool broadcast;     /* to all that are as near as `radius` says, not to `to` */
    uint8_t radius;     /* hops; 0: everywhere */
};

/* What to send next; false: nothing. Good until the next call that is not for reading only. */
bool nj_sn_output(const struct nj_sn *sn, struct nj_sn_datagram *out);

/* It is sent, or cannot be: what matters is sent again. */
void nj_sn_sent(struct nj_sn *sn);

/*
 * Gives a datagram that has come, and who has sent it; both borrowed until nj_sn_next() returns
 * false, for events point into them. Send first what nj_sn_output() gives: while an answer waits to
 * be sent, what comes is dropped.
 */
void nj_sn_receive(struct nj_sn *sn, struct nj_bytes sender, struct nj_bytes datagram);

/* The next event; false: there is none now. What it points to is good until the next call that is
 * not for reading only. */
bool nj_sn_next(struct nj_sn *sn, struct nj_sn_event *event, int64_t now_ms);

/* The message that nj_sn_next() has just told could not be dealt with, and is not acknowledged:
 * with QoS 1 and 2 the gateway keeps it, and sends it again, here or in the session's next
 * connection. */
void nj_sn_leave(struct nj_sn *sn);

/* When nj_sn_tick() wants to be called; INT64_MAX: not at all. */
int64_t nj_sn_due_ms(const struct nj_sn *sn);

/* Sends what is due: a request again, PINGREQ before the keep alive is over, SEARCHGW. */
void nj_sn_tick(struct nj_sn *sn, int64_t now_ms);

/*
 * ---- Behind a forwarder ----
 *
 * A forwarder takes datagrams of nodes without addresses to the gateway, each in a frame that names
 * the node. Who is forwarder for himself puts the frame before what nj_sn_output() gives, and
 * takes it off before nj_sn_receive().
 */

/* Writes the frame's bytes, which go before the datagram; returns how many, at most
 * NJ_SN_FRAME_MAX. 0: the node id has more than 252 bytes, the radius is above 3, or memory is
 * short. */
size_t nj_sn_wrap(void *memory, size_t size, struct nj_bytes node_id, uint8_t radius);

/* Takes the frame off: *datagram becomes what is within. False: it is no frame, or one of another
 * node. */
bool nj_sn_unwrap(struct nj_bytes *datagram, struct nj_bytes node_id);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
