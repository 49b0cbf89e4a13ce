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
#include "broker/core/aliases.h"
#include "broker/core/core.h"
#include "broker/core/withheld.h"
#include "mqtt/packet.h"

enum connection_phase {
    PHASE_EXPECT_CONNECT,
    PHASE_ADMITTING,      /* the authority's verdict on its CONNECT comes later; it is unread */
    PHASE_AUTHENTICATING, /* CONNECT asked for an exchange, which is under way */
    PHASE_CONNECTED,
    PHASE_DRAINING, /* it has ended; what it still has to be told goes out */
    PHASE_DROPPED,  /* it has ended and the peer does not take its output */
};

enum {
    /* How long a connection that has ended may take for its last bytes. */
    DRAIN_MS = 2000,
    /* Acknowledgements and the like that a peer may leave unread before it is left unread too. */
    CONTROL_PAUSE_BYTES = 64 << 10,
};

struct connection {
    struct pooled pooled;
    uint16_t peer_size;
    uint8_t version;       /* enum mqtt_version, once CONNECT is read */
    uint8_t phase;         /* enum connection_phase */
    struct list output;    /* in core->output or core->full while there is something to write */
    struct list condemned; /* in core->condemned while it is to be ended */
    const struct ending *sentence; /* why */
    struct list ready; /* in core->stalled while it waits for mailboxes, in core->ready after */
    void *link;
    const struct listener_settings *listener;
    struct session *session;               /* while connected */
    void *identity;                        /* the authority's; NULL: none */
    struct authentication *authentication; /* NULL: CONNECT has named no method */
    struct buffer connect;                 /* CONNECT's body, from then to CONNACK if that waits */
    uint8_t *peer;
    struct acquaintance *acquaintance; /* until it has come in; NULL: its transport has no layers */
    struct buffer control;             /* encoded packets that are not PUBLISH */
    struct timer timer;                /* until CONNACK, then keep alive, then draining */
    int64_t heard_ms;                  /* the last packet */
    uint32_t silence_max_ms;           /* one and a half times Keep Alive; 0: no limit */
    uint32_t packet_max;               /* Maximum Packet Size of the client */
    struct aliases_in aliases_in;
    struct aliases_out aliases_out;
    struct withheld withheld;      /* acknowledgements of what it published */
    uint32_t waits;                /* answers of groups that its SUBACK waits for */
    struct pending_suback *suback; /* that waits for them; NULL: none */
    bool problem_information : 1;  /* the client wants reason strings */
    bool unread : 1;               /* core_receive() has said CORE_WAIT because of them */
    bool paused : 1;               /* left unread until its control packets are out */
    bool publishes : 1;            /* its client has published at QoS 1 or 2 */
    bool acknowledged : 1; /* it has acknowledged something; connection_wants_haste() forgets it */
    bool moved : 1;        /* it has come home by parcel */
    bool counted : 1;      /* among the connections that have done CONNECT */
    bool expiry_zero : 1;  /* CONNECT's Session Expiry Interval was 0 or absent */
};

/* What is kept of a struct introduction. */
struct acquaintance {
    size_t size; /* of this block; the texts lie in it */
    struct bytes user_name;
    const char *tls_version;
    const char *tls_cipher;
};

/* It has come in, or will not: what it was introduced with is forgotten. */
void connection_forget_acquaintance(struct core *core, struct connection *connection);

static inline struct bytes connection_peer_bytes(const struct connection *connection)
{
    return bytes_of(connection->peer, connection->peer_size);
}

/* It has output: core_next_output() will name it. */
void connection_has_output(struct core *core, struct connection *connection);

/* Room in its control buffer for a packet, or NULL when memory is short: then the connection is
 * condemned. Add what was written with connection_control_written(). */
uint8_t *connection_control_room(struct core *core, struct connection *connection, size_t size);
void connection_control_written(struct core *core, struct connection *connection, size_t size);

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

/* Refuses a CONNECT (or what should be one, `first` its first byte) that cannot be read, in the
 * manner of the version that its body, as far as it has come, speaks; `reason` is for the log and
 * where a CONNACK can say it. */
void connect_refuse(struct core *core, struct connection *connection, uint8_t first,
        struct bytes body, enum mqtt_reason reason);

/* The same for a CONNECT that is kept; `text` is for the log. */
void connect_refuse_kept(struct core *core, struct connection *connection, enum mqtt_reason reason,
        const char *text);

/* It is known who the client is: the CONNECT that was kept is judged again, and lets it in.
 * `data` goes into its CONNACK. */
void connect_resume(struct core *core, struct connection *connection, struct bytes data);

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
