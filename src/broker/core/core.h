/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker as a deterministic function: packets and now_ms go in, packets and deadlines come out.
 *
 * A `hub` is what the shards of one server share (subscription index, retained messages,
 * mailboxes). A `core` is what one shard owns: its connections, sessions and timers. All calls on a
 * core are made from one thread; the hub needs no call but at start and end. Neither knows a
 * descriptor or a clock.
 *
 * One turn of the program around it (design.md §4):
 *
 *     for each readable connection: core_receive()      decodes, routes, queues
 *     core_take_mail(); core_next_parcel()...            what other shards sent
 *     core_tick()                                        what has become due
 *     core_end_turn()                                    mail goes out; wake those shards
 *     while ((c = core_next_output())) core_fill(c)...   one write per connection
 *     while ((c = core_next_ready())) ...                read these again
 *
 * In a turn with much to receive, output may be written after any core_receive(), too, where there
 * is one shard: else an answer would leave before the mail that makes it true.
 *
 * Time: now_ms is monotonic, in milliseconds, and never goes back from one call to the next.
 */
#ifndef BROKER_CORE_CORE_H
#define BROKER_CORE_CORE_H

#include "base/bytes.h"
#include "base/event.h"
#include "base/hash.h"
#include "base/memory.h"
#include "broker/core/counters.h"
#include "broker/core/locks.h"
#include "broker/core/origin.h"
#include "broker/core/settings.h"
#include "broker/core/storage.h"
#include "mqtt/connect.h"
#include "mqtt/reason.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SHARDS_MAX = 64,
    MAILBOX_SLOTS_DEFAULT = 1024,
    OUTPUT_TAIL_MIN = 8192, /* payloads from this size on are sent by reference */
    VERDICT_DELAY_MAX_MS = 30000,
};

struct author;
struct core;
struct connection;
struct hub;
struct message;

/* ---- The hub ---- */

struct hub_setup {
    unsigned shards;        /* 1..SHARDS_MAX */
    uint32_t mailbox_slots; /* from each shard to each other one; a power of two, at least 1 */
    struct hash_key key;    /* of this process: keeps peers from choosing collisions and homes */
    struct memory memory;   /* must be safe to use from every shard's thread */
    struct locks locks;     /* for one shard: may do nothing */
    uint64_t retained_max;  /* 0: no limit */
};

/* NULL when memory is short. */
struct hub *hub_new(const struct hub_setup *setup);

/* Only after every core of it is freed. */
void hub_free(struct hub *hub);

/* ---- Who may come in, and what he may do ---- */

enum access_action {
    ACCESS_PUBLISH, /* wills included: at CONNECT, and again when they are due */
    ACCESS_SUBSCRIBE,
    ACCESS_RECEIVE, /* asked for each message of a session whose standing is ACCESS_JUDGED */
};

struct access_request {
    enum access_action action;
    void *identity; /* of the client; NULL: the authority has given none */
    struct bytes client_id;
    struct bytes topic; /* to subscribe: the filter, "$share/..." included */
    uint8_t qos;
    bool retain; /* to publish */
};

/* Names a connection of this shard, also after its end. */
struct access_ticket {
    uint32_t slot;
    uint32_t generation;
};

/* Who wants to come in. */
struct access_arrival {
    const struct mqtt_connect *connect;
    const struct listener_settings *listener;
    struct bytes peer;             /* "10.0.0.7:41312" */
    struct bytes certificate_name; /* the common name of its certificate; empty: none */
    struct access_ticket ticket;   /* for core_admitted() */
};

struct access_verdict {
    enum mqtt_reason reason; /* MQTT_SUCCESS, or a CONNACK code of MQTT 5.0 */
    void *identity;          /* with MQTT_SUCCESS */
    const char *text;        /* for the log: a lasting sentence; NULL: the reason says it all */
    /*
     * Core tells the client so much later, and leaves it unread until then: for what is to be tried
     * slowly only, as a wrong password. At most VERDICT_DELAY_MAX_MS. It takes the place of
     * connect_timeout, which was kept when CONNECT came; the log hears of a refusal at once.
     */
    uint32_t delay_ms;
};

/* What a client whom the authority has let in is to it now. */
enum access_standing {
    ACCESS_FREE,      /* it may receive everything */
    ACCESS_JUDGED,    /* whether it may receive a message is asked for each */
    ACCESS_WITHDRAWN, /* it would not be let in any more: its connection ends */
};

/* What a client says in an exchange of enhanced authentication. */
struct access_step {
    const struct mqtt_connect *connect; /* with the first step at CONNECT, else NULL */
    const struct listener_settings *listener;
    struct bytes peer;
    void *identity;      /* of a client that authenticates again; else NULL */
    struct bytes method; /* the same with each step of a connection */
    struct bytes data;   /* empty: none */
};

struct access_answer {
    /* For the client, at most MQTT_TEXT_SIZE_MAX bytes; empty: none. Good until the exchange's next
     * step or its end. */
    struct bytes data;
    void *identity;    /* with MQTT_SUCCESS */
    uint32_t delay_ms; /* as that of a verdict, where CONNECT's exchange ends with this answer */
};

/*
 * An authority, asked at the client's home shard and nowhere else. It answers at once, but for
 * admit(), and keeps nothing that it is given.
 *
 * An identity is the authority's own word for who a client is; requests name it. Each one that is
 * not NULL is given back by forget() once: when another takes its place, or when the session ends,
 * which keeps it while its client is absent; or at once, where its CONNECT is still refused for
 * something else.
 */
struct access {
    /*
     * Not asked where CONNECT names an authentication method. A reason that is
     * MQTT_CONTINUE_AUTHENTICATION says that the verdict comes later: by core_admitted(), once,
     * and not before this returns. Until then the client is left unread, and no limit of time is
     * core's: the authority sees to it that there is a verdict.
     */
    struct access_verdict (*admit)(void *context, const struct access_arrival *arrival);

    /* NULL: identities need not be given back. */
    void (*forget)(void *context, void *identity);

    /* The user name by which the authority knows a client; good while the identity is. NULL: it
     * knows none, and nobody comes in where the user name is the client id. */
    struct bytes (*name)(void *context, void *identity);

    /* NULL: everything is allowed. */
    bool (*allows)(void *context, const struct access_request *request);

    /*
     * Whether a client's right to publish goes by its listener, name and id alone, so that it can
     * be judged when the client is gone: then its retained messages keep these, and author_may()
     * says whether it might publish one now. NULL: nothing is asked later.
     */
    bool (*goes_by_name)(void *context, void *identity);
    bool (*author_may)(void *context, const struct author *author, struct bytes topic);

    /* What a listener is called that is the same over restarts, while its number may change; and
     * the number of the one that is called so now, UINT16_MAX: none is. Both or neither, and with
     * the above. */
    struct bytes (*listener_name)(void *context, uint16_t number);
    uint16_t (*listener_number)(void *context, struct bytes name);

    /* NULL: all are free. Asked when a client has come in or proved again who it is, when the delay
     * of its verdict is over, and after core_access_changed(). */
    enum access_standing (*standing)(void *context, void *identity);

    /*
     * NULL: no identity ends by itself. For how many milliseconds it is still good; INT64_MAX: for
     * good. Asked when core is given it, and again when they have passed; at 0 the client's
     * connection ends, unless it has proved again who it is. What is kept for an absent client
     * stays.
     */
    int64_t (*lasts_ms)(void *context, void *identity);

    /*
     * NULL: no authentication method is known. MQTT_CONTINUE_AUTHENTICATION: the client gets the
     * data and is to go on; MQTT_SUCCESS: it is who the identity says; else the exchange is over,
     * and the reason a CONNACK code of MQTT 5.0, such as MQTT_BAD_AUTHENTICATION_METHOD.
     *
     * *exchange is the authority's, NULL at the first step; where it is not NULL at the end,
     * end_exchange() gives it back, however the exchange or its connection has ended.
     * Source: MQTT 5.0 §4.12
     */
    enum mqtt_reason (*authenticate)(void *context, const struct access_step *step, void **exchange,
            struct access_answer *answer);
    void (*end_exchange)(void *context, void *exchange); /* NULL: they need not be given back */

    void *context;
};

/* ---- A shard ---- */

/* What a client speaks whose packets its transport has made of another protocol's. */
struct dialect {
    const char *version;  /* "SN 1.2"; NULL: it speaks MQTT itself */
    uint16_t keepalive_s; /* that it has asked for */
};

struct core_setup {
    struct hub *hub;
    unsigned shard;                       /* 0..shards-1, each once */
    const struct core_settings *settings; /* kept; must live until core_apply() gives others */
    struct memory memory;                 /* may fail at any time; blocks may be given back by
                                              another shard's table of the same kind */
    struct journal journal;
    struct access access;
    struct storage storage; /* all zero: nothing outlives the process */
    const bool *is_held;    /* publishers are left unread while it is true; borrowed. NULL: never */
    const bool *is_full; /* while it is true messages are refused, for want of memory; the same */
    /* What the client of that link speaks, for the log; NULL: everyone speaks MQTT. */
    struct dialect (*dialect_of)(const void *link);
    /* Another connection takes the session of that link over, which connection_client_id() and its
     * like still know; the connection ends then. NULL: nobody wants to know. */
    void (*taken_over)(void *link);
    int64_t wall_ms; /* the wall clock at now_ms */
    uint64_t seed;   /* for the ids that we assign */
};

/* NULL when memory is short. */
struct core *core_new(const struct core_setup *setup, int64_t now_ms);

/* Ends every connection and session without a word to anyone; links are the caller's to close. */
void core_free(struct core *core);

/* From now on these settings hold; queues already over a new limit are not cut. */
void core_apply(struct core *core, const struct core_settings *settings, int64_t now_ms);

/* The authority has other rules now: connections that it would not let in any more end, and what
 * waits for sessions that may not have it any more is dropped. */
void core_access_changed(struct core *core, int64_t now_ms);

/* The transport would not let this client in any more, for a reason that the log and its Reason
 * String give: the connection ends, its will is published. */
void core_withdraw(
        struct core *core, struct connection *connection, const char *text, int64_t now_ms);

/* The verdict on a connection that the authority let wait. It may have ended meanwhile: then the
 * identity is given back at once. */
void core_admitted(struct core *core, struct access_ticket ticket,
        const struct access_verdict *verdict, int64_t now_ms);

/* From now on events up to this level are told to the journal. */
void core_tell_up_to(struct core *core, enum event_level level);

/*
 * The store has come so far: what waits for records before that position goes out. To be called
 * when either has changed, before the turn's end, on every shard.
 */
void core_durable(struct core *core, uint64_t position, enum storage_health health, int64_t now_ms);

/* The answer to a wish of this core's; what it holds is borrowed. */
void core_fetched(struct core *core, const struct storage_answer *answer, int64_t now_ms);

/* Up to which position something here waits for the store; 0: nothing does. While it is above what
 * core_durable() has told last, the shard is to be woken by what the store tells. */
uint64_t core_waits_for(const struct core *core);

/* The wall clock has been set: what is stored from now on goes by it. Nothing else is moved. */
void core_set_wall(struct core *core, int64_t wall_ms, int64_t now_ms);

/* What this shard has counted; another thread may read it (relaxed, each number true by itself). */
const struct counters *core_counters(const struct core *core);

/* What the hub holds, for $SYS. The messages that the retained store was the last to hold are not
 * in any shard's counters: take messages_freed off their sum. */
struct hub_counts {
    uint64_t retained;
    uint64_t retained_own; /* of those, the server's below $SYS */
    uint64_t subscriptions;
    uint64_t shared_subscriptions;
    uint64_t messages_freed;
    uint64_t message_bytes_freed;
};
struct hub_counts hub_count(struct hub *hub, unsigned shard);

/* ---- Connections ---- */

struct arrival {
    void *link; /* the caller's object, handed back by connection_link() */
    const struct listener_settings *listener; /* borrowed for the life of the connection */
    struct bytes peer;                        /* "[2001:db8::7]:41312", for logs; copied */
    struct origin ipv4;                       /* instead, where peer is empty */
    /* When the transport came up; CONNECT is timed from it. One that has moved has a second more
     * at least. */
    int64_t accepted_ms;
    bool moved; /* came by parcel: this shard is its home */
};

/*
 * A new transport. NULL when a limit or memory forbids it, with the reason in *refusal (the caller
 * closes the transport; core has counted and told it).
 */
struct connection *core_accept(struct core *core, const struct arrival *arrival, int64_t now_ms,
        enum mqtt_reason *refusal);

/* What the layers under MQTT have found out about a peer. Copied. */
struct introduction {
    struct bytes peer; /* these two as in struct arrival: a proxy may have told another address */
    struct origin ipv4;
    const char *tls_version; /* such as "TLSv1.3"; "": there is no TLS */
    const char *tls_cipher;
    struct bytes user_name;        /* that the peer has proved to have; empty: none */
    struct bytes certificate_name; /* the common name of its certificate; empty: none */
};

/*
 * To be called once the layers are ready, which is when they first give bytes, and before
 * core_receive() gets those; for one that came by parcel, right after core_accept(). A transport
 * without layers needs no introduction. False when memory is short: the transport is to be closed.
 */
bool core_introduce(
        struct core *core, struct connection *connection, const struct introduction *introduction);

void *connection_link(const struct connection *connection);

/* True from when its CONNECT has been accepted until it ends. */
bool connection_is_in(const struct connection *connection);

/*
 * From now on its will is this one, or none for NULL, as if CONNECT had said so: for protocols in
 * which that can change. Returns MQTT_SUCCESS, or why not, which the log has been told where the
 * will itself is not allowed; then it keeps the one that it has.
 */
enum mqtt_reason core_change_will(struct core *core, struct connection *connection,
        const struct mqtt_will *will, int64_t now_ms);

/* The id of a connection's client, as long as its session is there; empty before it has one. */
struct bytes connection_client_id(const struct connection *connection);

/* For how long that session outlives the connection, in seconds; UINT32_MAX: for good. */
uint32_t connection_session_expiry_s(const struct connection *connection);

/* How many messages the session of a connection has queued or in flight. */
uint64_t connection_backlog(const struct connection *connection);

/* What it has said already was not heard in time, and that is not its fault: connect_timeout does
 * not strike before due_ms. Nothing happens where that does not count any more. */
void core_wait_longer(struct core *core, struct connection *connection, int64_t due_ms);

/* Ends a connection that may not come in, without a word to the log, which has been told by the
 * caller; core_close() is to follow. */
void core_turn_away(struct core *core, struct connection *connection, int64_t now_ms);

enum core_verdict {
    CORE_READ,  /* read on */
    CORE_AGAIN, /* write out what core_next_full() names, then call again with the rest */
    CORE_WAIT,  /* leave it unread until core_next_ready() names it */
    CORE_MOVE,  /* its home is another shard: send it there with core_send_parcel() */
    CORE_END,   /* nothing more will be read; close it when its fate says so */
};

/*
 * Asked after core_receive(): true when what came last was an acknowledgement and nothing will
 * answer it, of a client that publishes as well. Where the transport delays its own
 * acknowledgement, such a client's next PUBLISH may wait for it.
 */
bool connection_wants_haste(struct connection *connection);

struct core_received {
    enum core_verdict verdict;
    size_t used;   /* bytes of the input that are done with; the rest must come again, first */
    size_t wanted; /* bytes that the packet now begun has in all, where its header told; else 0 */
    unsigned home; /* with CORE_MOVE */
};

/* Takes what came in, from the first byte not used so far. After CORE_END it is never called again;
 * of a connection that has ended by something else all bytes are thrown away. */
struct core_received core_receive(
        struct core *core, struct connection *connection, struct bytes in, int64_t now_ms);

/*
 * After CORE_MOVE: gives the parcel (the link, the listener, the peer, and every unread byte from
 * the CONNECT on) to that shard. When it returns true the connection is gone from this shard and
 * the parcel belongs to the other one, whose core_next_parcel() returns it; there, core_accept()
 * with `moved` and then core_receive() of those bytes go on. False: no room now; the connection is
 * left as it was and core_next_ready() will name it.
 */
bool core_send_parcel(
        struct core *core, struct connection *connection, unsigned home, void *parcel);

/* The transport is closed (by whichever side); the connection is gone when this returns. */
void core_close(struct core *core, struct connection *connection, int64_t now_ms);

/* ---- Output ---- */

/*
 * What to write next. `head` is the caller's scratch, reused for every connection. `tail` follows
 * it where a large payload ends the batch; it borrows from `owner`, which the caller gives back
 * with message_release() when the tail is written or the connection is closed.
 */
struct output {
    uint8_t *head;
    size_t head_size; /* of the buffer */
    size_t head_used;
    struct bytes tail;
    struct message *owner; /* NULL without a tail */
    size_t head_wanted;    /* not 0: one packet needs a head of this size; nothing was filled */
};

/*
 * Encodes what may be sent now, control packets first, until the head is full, a tail ends it, or
 * nothing is left. Returns true when there is more to send after this. The caller calls it only
 * when what it took before is written, so that a slow connection's messages wait in their queue.
 */
bool core_fill(
        struct core *core, struct connection *connection, struct output *out, int64_t now_ms);

void message_release(struct core *core, struct message *owner);

enum connection_fate {
    CONNECTION_STAYS,  /* also one that has ended while something is held back that it is told */
    CONNECTION_DRAINS, /* send its output, then close it */
    CONNECTION_DROPS,  /* close it now, its peer does not take what is left */
};
enum connection_fate connection_fate(const struct connection *connection);

/* The next connection that has output or a new fate; each comes once until something new happens.
 */
struct connection *core_next_output(struct core *core);

/*
 * The same, but only those that hold so much that they should be written before the turn ends: ask
 * after each core_receive() and core_take_mail(). A connection whose socket takes nothing now is
 * left as it is.
 */
struct connection *core_next_full(struct core *core);

/* The next connection that waited (CORE_WAIT or a parcel) and may be read again. */
struct connection *core_next_ready(struct core *core);

/* ---- Other shards, time, and the server's own voice ---- */

/* Handles the mail of all other shards; some of it stays for the next turn when much output has
 * come of it. */
void core_take_mail(struct core *core, int64_t now_ms);

/* The next parcel that came with the mail; NULL when there is none. */
void *core_next_parcel(struct core *core);

/* Publishes this turn's mail. Bit n of the result: shard n has mail, or room, that it waits for. */
uint64_t core_end_turn(struct core *core);

/*
 * True when there is mail for this shard, or room in another one's mailbox that something here
 * waits for: asked after it was marked asleep, before it sleeps. That publishers are not held any
 * more (is_held) is the caller's to wake it for.
 */
bool core_has_mail(struct core *core);

/*
 * Messages that wait here: queued, in flight, with groups and with their members. Walks all; for
 * tests and audits. matched = delivered + expired + dropped + this, summed over all shards.
 */
uint64_t core_waiting(const struct core *core);

/* Does what is due. */
void core_tick(struct core *core, int64_t now_ms);

/* Memory is nearly used up. */
struct shortage {
    uint64_t
            fat_bytes; /* what waits for one client is cut where it is more, not below half of it */
    bool (*lasts)(void *context); /* asked now and then while backlogs are cut: still too little? */
    void *context;
};

/*
 * Cuts the fattest backlogs: of QoS 0 first, then the oldest of QoS 1 and 2; counted as DROP_MEMORY
 * and told. Every shard is to be called while memory is short, for only those with the fattest ones
 * of all do something; see relief.h.
 */
struct relief {
    int64_t again_ms; /* when to call it again */
    bool in_vain;     /* no backlog is fat, on any shard: something else takes the memory */
};
struct relief core_relieve(struct core *core, const struct shortage *shortage, int64_t now_ms);

/* What has come of a connection's next packet is among the largest of what takes memory that others
 * need: it ends, told and counted. Its unread bytes may be thrown away. */
void core_evict(struct core *core, struct connection *connection, int64_t now_ms);

/*
 * When core next wants a turn; INT64_MAX: not until something comes. To be asked last of all, right
 * before the waiting: output that goes out and connections that close may start something.
 */
int64_t core_due_ms(struct core *core);

struct announcement {
    struct bytes topic;
    struct bytes payload;
    uint8_t qos;
    bool retain;
};

/* Publishes as the server ($SYS). False: a mailbox is full or memory short; say it again later. */
bool core_announce(struct core *core, const struct announcement *announcement, int64_t now_ms);

/* The server stops: every client is told (0x8B) and drained. */
void core_shut_down(struct core *core, int64_t now_ms);

#endif
