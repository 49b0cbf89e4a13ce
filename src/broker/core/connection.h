/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection: one client's transport as core sees it, from its first byte to its end.
 */
#ifndef BROKER_CORE_CONNECTION_H
#define BROKER_CORE_CONNECTION_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timer.h"
#include "broker/core/core.h"
#include "broker/core/extras.h"
#include "broker/core/origin.h"
#include "mqtt/packet.h"

enum connection_phase {
    PHASE_EXPECT_CONNECT,
    PHASE_ADMITTING,      /* the authority's verdict on its CONNECT comes later; it is unread */
    PHASE_AUTHENTICATING, /* CONNECT asked for an exchange, which is under way */
    PHASE_HELD, /* the verdict is known, and is told when its delay is over; it is unread */
    PHASE_CONNECTED,
    PHASE_DRAINING, /* it has ended; what it still has to be told goes out */
    PHASE_DROPPED,  /* it has ended and the peer does not take its output */
};

enum {
    /* How long a connection that has ended may take for its last bytes. */
    DRAIN_MS = 2000,
    /* Acknowledgements and the like that a peer may leave unread before it is left unread too. */
    CONTROL_PAUSE_BYTES = 64 << 10,
    KEEP_ALIVE_GRACE_MS = 1500, /* of silence, for each second of Keep Alive */
};

/*
 * An idle client is to cost little: no hole is left between these, and what few clients need lies
 * in blocks of their own.
 */
struct connection {
    struct pooled pooled;
    uint8_t version;              /* enum mqtt_version, once CONNECT is read */
    uint8_t phase;                /* enum connection_phase */
    bool problem_information : 1; /* the client wants reason strings */
    bool unread : 1;              /* core_receive() has said CORE_WAIT because of them */
    bool paused : 1;              /* left unread until its control packets are out */
    bool publishes : 1;           /* its client has published at QoS 1 or 2 */
    bool acknowledged : 1; /* it has acknowledged something; connection_wants_haste() forgets it */
    bool heard : 1;        /* bytes of MQTT have come */
    bool moved : 1;        /* it has come home by parcel */
    bool clean_start : 1;  /* as its CONNECT said */
    bool counted : 1;      /* among the connections that have done CONNECT */
    bool expiry_zero : 1;  /* CONNECT's Session Expiry Interval was 0 or absent */
    struct list output;    /* in core->output or core->full while there is something to write */
    struct list ready; /* in core->stalled while it waits for mailboxes, in core->ready after, in
                         * core->condemned when it is to be ended */
    const struct ending *sentence; /* why it is; NULL: it is not */
    void *link;
    const struct listener_settings *listener;
    struct session *session; /* while connected */
    void *identity;          /* the authority's; NULL: none */
    struct origin origin;
    struct extras *extras; /* NULL: it has none of them */
    struct hold *hold;     /* what it is not told yet; NULL: it has never had to wait */
    struct buffer control; /* encoded packets that are not PUBLISH */
    struct timer timer;    /* until CONNACK, then throttling, keep alive or the identity's end, then
                           * draining */
    int64_t heard_ms;      /* the last packet */
    int64_t paid_ns;       /* see rate.h */
    uint32_t silence_max_ms;  /* one and a half times Keep Alive; 0: no limit */
    uint32_t packet_max;      /* Maximum Packet Size of the client */
    uint32_t connected_s;     /* when it came in; lasts for 136 years */
    uint16_t aliases_in_max;  /* that we announced; 0: none */
    uint16_t aliases_out_max; /* that both sides allow; 0: none */
};

/* What is kept of a struct introduction. */
struct acquaintance {
    size_t size; /* of this block; the texts lie in it */
    struct bytes user_name;
    struct bytes certificate_name;
    const char *tls_version;
    const char *tls_cipher;
};

/* NULL: its transport has no layers, or it has come in. */
static inline const struct acquaintance *connection_acquaintance(
        const struct connection *connection)
{
    return connection->extras ? connection->extras->acquaintance : NULL;
}

/* It has come in, or will not: what it was introduced with is forgotten. */
void connection_forget_acquaintance(struct core *core, struct connection *connection);

/* It may have to be put into `room`. */
static inline struct bytes connection_peer(
        const struct connection *connection, struct origin_room *room)
{
    return origin_text(&connection->origin, room);
}

/* How many of its acknowledgements are withheld. */
static inline uint32_t connection_withheld(const struct connection *connection)
{
    return connection->extras ? connection->extras->withheld.count : 0;
}

/* One more is, at the end; NULL when memory is short. There must be fewer than WITHHELD_MAX. */
struct acknowledgement *connection_withhold(struct core *core, struct connection *connection);

/* The newest one; NULL: there is none. */
static inline struct acknowledgement *connection_withheld_last(const struct connection *connection)
{
    return connection->extras ? withheld_last(&connection->extras->withheld) : NULL;
}

/* Whether it is left unread until it has answers, or less is withheld. */
static inline bool connection_must_wait(const struct connection *connection)
{
    const struct extras *extras = connection->extras;

    return extras && (extras->waits > 0 || extras->withheld.count >= WITHHELD_MAX);
}

/* Whether it is left unread because so much is withheld: it acknowledges nothing meanwhile. */
static inline bool connection_awaits_room(const struct connection *connection)
{
    return connection->unread && connection_withheld(connection) >= WITHHELD_MAX;
}

static inline bool connection_is_throttled(const struct connection *connection)
{
    return connection->extras && connection->extras->throttled_until_ms > 0;
}

/* It has output: core_next_output() will name it. */
void connection_has_output(struct core *core, struct connection *connection);

/* Room in its control buffer for a packet, or NULL when memory is short: then the connection is
 * condemned. Add what was written with connection_control_written(). */
uint8_t *connection_control_room(struct core *core, struct connection *connection, size_t size);
void connection_control_written(struct core *core, struct connection *connection, size_t size);

/* The same for what tells the client that something is so: it waits for the store, where that must
 * have it first (hold.h). */
uint8_t *connection_answer_room(struct core *core, struct connection *connection, size_t size);
void connection_answer_written(struct core *core, struct connection *connection, size_t size);

/* A PUBACK, PUBREC, PUBREL or PUBCOMP, with the reason string where the client wants one and it
 * fits its Maximum Packet Size [MQTT5-3.4.2-2]. */
void connection_acknowledge(struct core *core, struct connection *connection, enum mqtt_type type,
        uint16_t packet_id, enum mqtt_reason reason);

/*
 * Ends the connection for this reason. A client of 5.0 that is connected is told by a DISCONNECT,
 * except where `tell` is false. Its session is detached before this returns; its will is published
 * unless `reason` is a normal disconnection. `text` is a sentence for the log.
 */
struct ending {
    enum mqtt_reason reason;
    const char *name; /* for the log: "keep_alive_timeout"; NULL: the reason's name */
    const char *text; /* more for the log, and the Reason String; may be NULL */
    bool tell;
    bool keep_will; /* false: a DISCONNECT with 0x00 discards it */
    bool quiet;     /* the log has been told already */
    bool at_once;   /* what it still has to be told is not sent */
};
void connection_end(struct core *core, struct connection *connection, const struct ending *ending);

/* connection_end() for what the client did wrong: told, will kept. Where it still authenticates, a
 * CONNACK tells it. */
void connection_fail(struct core *core, struct connection *connection, enum mqtt_reason reason,
        const char *text);

/* The same for a packet of that type that its decoder does not take. */
void connection_fail_packet(struct core *core, struct connection *connection, enum mqtt_type type,
        enum mqtt_reason reason);

/*
 * It is to end, but whoever found out may be in the middle of something that still needs it or its
 * session: core_settle() ends it. `sentence` must live until then; the first one counts.
 */
void connection_condemn(
        struct core *core, struct connection *connection, const struct ending *sentence);

/* The same, where there is no memory for what it must be told. */
void connection_condemn_for_memory(struct core *core, struct connection *connection);

/* Ends those that were condemned. */
void connections_end_condemned(struct core *core);

/* One more group is to answer before the SUBACK; the connection is left unread until it has. */
void connection_wait(struct connection *connection);

/* Where it was left unread for answers and all have come, it is read again. */
void connection_read_on(struct core *core, struct connection *connection);

/* One of them has. */
void connection_answered(struct core *core, struct connection *connection);

/* Sends those withheld acknowledgements whose turn has come. */
void connection_release(struct core *core, struct connection *connection);

/* Sends them all, whatever they wait for. */
void connection_wait_no_more(struct core *core, struct connection *connection);

struct target connection_target(const struct core *core, const struct connection *connection);
struct connection *connection_find(const struct core *core, struct target target);

/* Its timer is due. */
void connection_timer_due(struct core *core, struct connection *connection);

/* From now on it is of this identity; NULL: of none. The one before is given back. */
void connection_identify(struct core *core, struct connection *connection, void *identity);

/* Whether its client may do that; the request's identity is filled in here. */
bool connection_may(const struct core *core, const struct connection *connection,
        struct access_request request);

/* Starts keep alive: `keep_alive_s` is what is in force, 0 for none. */
void connection_keep_alive(struct core *core, struct connection *connection, uint16_t keep_alive_s);

/* Refuses a CONNECT, or what should be one, from its first bytes; `in` is all that has come. A
 * CONNACK says the reason where one can, the log the text as well. */
void connect_refuse(struct core *core, struct connection *connection, struct bytes in,
        enum mqtt_reason reason, const char *text);

/* The verdict on a CONNECT that is kept, its identity taken already: the client comes in, if the
 * settings still allow it, or is refused; where the verdict is delayed, then. */
void connect_decide(
        struct core *core, struct connection *connection, const struct access_verdict *verdict);

/* The delay is over. */
void connect_answer_held(struct core *core, struct connection *connection);

/* It has sent more than `limit` allows, and is left unread for so long. */
void connection_throttle(
        struct core *core, struct connection *connection, int64_t pause_ms, const char *limit);

/* The limits are others now: what clients have sent so far counts no more. */
void connections_forgive(struct core *core);

/* A group has answered: its code goes into the SUBACK that waits. */
struct membership;
void connection_answered_join(
        struct core *core, struct connection *connection, const struct membership *membership);

/* The SUBACK that waited for groups. */
void pending_suback_send(struct core *core, struct connection *connection);
void pending_suback_free(struct core *core, struct connection *connection);

/* Its control buffer has been written out: where it was left unread for that, it is read again. */
void connection_control_drained(struct core *core, struct connection *connection);

#endif
