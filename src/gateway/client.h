/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of MQTT-SN, of 1.2 or of the draft of 2.0, as a translator: its datagrams and time go
 * in, datagrams for it and packets of MQTT 5.0 come out; the server's packets go in on the other
 * side. It knows neither socket nor clock, and to the server it is one more connection, with a
 * session like any other.
 *
 *     a datagram            gateway_client_receive()     what it causes:
 *     time                  gateway_client_tick()          datagrams, by port.send()
 *     the server's packets  gateway_client_take()          packets, in gateway_client_packets()
 *
 * What waits for a sleeping client, or for one that has to learn a topic's id first, waits in the
 * server: gateway_client_take() leaves such packets where they are.
 *
 * To the client only one REGISTER and one PUBLISH of QoS 1 or 2 are under way at a time; both are
 * repeated after settings.retry_ms, then after twice that and so on, up to settings.retry_max_ms,
 * and the client is given up after settings.retries_max times.
 */
#ifndef GATEWAY_CLIENT_H
#define GATEWAY_CLIENT_H

#include "base/buffer.h"
#include "base/list.h"
#include "gateway/phase.h"
#include "gateway/draft.h"
#include "gateway/predefined.h"
#include "gateway/said.h"
#include "gateway/topics.h"
#include "gateway/wills.h"
#include "mqtt/connect.h"
#include "mqtt/reason.h"
#include "mqttsn/late.h"
#include "mqttsn/message.h"

enum {
    GATEWAY_MESSAGE_SIZE_MIN = 60,   /* bytes of a datagram to a client: ZigBee's [SN-7.4-1] */
    GATEWAY_MESSAGE_SIZE_MAX = 8192, /* the server never splits packets of this size */
    GATEWAY_PENDING_MAX = 8,         /* requests of a client that the server has not answered */
    GATEWAY_PACKETS_MAX = 64 * 1024, /* bytes for the server; beyond it requests are refused */
    GATEWAY_SPARES_MAX = 64,         /* blocks that wait to be used again */
    GATEWAY_SPARE_BYTES_MAX = 256,   /* of a buffer that such a block keeps */
};

/* What all clients go by. */
struct gateway_settings {
    uint32_t retry_ms;     /* T_RETRY; this is the first wait, */
    uint32_t retry_max_ms; /* and this the longest one; where it is less, all are as the first */
    uint8_t retries_max;   /* N_RETRY */
    uint16_t topics_max;   /* names of one client that have ids */
    uint16_t message_size_max; /* bytes of a datagram to a client */
    struct gateway_predefined predefined;
};

struct gateway_client;

/* What all clients of a shard have in common; made by its owner, who gives it gateway_deinit(). */
struct gateway {
    struct memory memory; /* may fail at any time */
    struct gateway_settings settings;
    /* A datagram to the client; may get lost. */
    void (*send)(struct gateway_client *client, struct bytes datagram);
    /* The client's Will is this one from now on; NULL: it has none. */
    enum mqtt_reason (*change_will)(struct gateway_client *client, const struct mqtt_will *will);
    /* The id by which the server has let the client in; it outlives no call. */
    struct bytes (*client_id)(const struct gateway_client *client);
    /* For how long the server keeps the client's session once it has left; UINT32_MAX: for good. */
    uint32_t (*session_expiry_s)(const struct gateway_client *client);
    /* A Will could not be kept, or another one had to make room; NULL: nobody wants to know. */
    void (*will_lost)(struct gateway_client *client);
    /* The normal id that was given last to a client whose session may outlive its connection. No
     * two of them have one soon after each other, so an id that a client remembers, but the server
     * does not, as after its start, stands for nothing, and not for another topic. */
    uint16_t last_id;
    struct gateway_wills wills; /* from here on all is the gateway's own; see gateway_init() */
    struct gateway_wills ids;   /* the same of topic ids, so that neither takes the other's place */
    struct gateway_underway *spares;
    unsigned spare_count;
    uint32_t repeats; /* that have been put off so far; no two clients are to have the same wait */
};

/* Begins what is its own, the rest of which is zero. */
void gateway_init(struct gateway *gateway, struct hash_key key);

/* Forgets what is out of date; now and then. */
void gateway_tick(struct gateway *gateway, int64_t now_ms);

/* After its clients are gone; ends the Wills, too. */
void gateway_deinit(struct gateway *gateway);

/* A REGISTER that the client has not answered yet. */
struct gateway_registering {
    uint16_t topic_id; /* 0: there is none */
    uint16_t msg_id;
    uint8_t tries;
    int64_t due_ms;
};

/* A PUBLISH of QoS 1 or 2 that the client has not answered to the end. */
struct gateway_publishing {
    uint8_t awaits; /* an enum mqttsn_type, or 0: there is none */
    uint8_t tries;
    uint16_t msg_id; /* the server's packet id, too */
    uint16_t topic_id;
    int64_t due_ms; /* INT64_MAX: it waits for the server or for a REGACK */
    struct buffer datagram;
};

/* What the client has asked, and the server has not answered. */
struct gateway_pending {
    uint8_t type;       /* an enum mqttsn_type; 0: the place is free */
    uint8_t topic_type; /* of a SUBSCRIBE: an enum mqttsn_topic_type */
    uint16_t msg_id;
    uint16_t topic_id; /* what the answer says */
};

/* What is under way between client and server. A client has one only while there is such, and while
 * it is awake. */
struct gateway_underway {
    struct gateway_underway *next; /* of one that waits to be used again */
    struct gateway_client *client;
    struct list woken; /* the owner's, to list those who are awake by */
    struct gateway_registering registering;
    struct gateway_publishing publishing;
    struct gateway_pending pending[GATEWAY_PENDING_MAX];
    struct buffer packets; /* for the server */
};

/* What the server can, as it has said in its CONNACK; until then: all. */
struct gateway_server {
    uint16_t packet_size_max; /* UINT16_MAX where it takes larger ones: no client has such */
    uint16_t keep_alive_s;    /* 0: it wants no pings */
    uint8_t receive_max;      /* at most GATEWAY_PENDING_MAX */
    uint8_t qos_max : 2;
    bool retains : 1;
};

/*
 * All of it is the gateway's own; others use the functions. There are many of them, and most do
 * nothing: what not all of them need, and not all the time, lies in blocks of its own.
 */
struct gateway_client {
    struct gateway *gateway;
    struct gateway_underway *underway; /* NULL: nothing is */
    struct gateway_said *said; /* NULL before its CONNECT, and once it is in without a Will */
    struct gateway_topics topics;
    union {
        struct mqttsn_late late;     /* of 1.2 */
        struct gateway_draft *draft; /* of 2.0; see is_draft */
    };
    int64_t silence_ms; /* when it is lost; INT64_MAX: never */
    uint32_t ping_s;    /* when the server is to be told that we live; 0: never */
    struct gateway_server server;
    uint16_t keepalive_s;
    uint16_t sleep_s;
    uint8_t phase : 4; /* enum gateway_phase */
    bool unnamed : 1;  /* it has said no id */
    bool clean : 1;
    bool has_will : 1;
    bool will_retain : 1;
    uint8_t will_qos : 2;
    bool fresh : 1;     /* nothing but its CONNECT has come */
    bool joined : 1;    /* the server has been given its CONNECT */
    bool broken : 1;    /* memory was short, or the server has said what makes no sense */
    bool is_draft : 1;  /* it speaks 2.0 */
    bool may_draft : 1; /* a CONNECT of 2.0 is heard; the owner's to set, before anything comes */
    bool yielded : 1;   /* what its session has is another connection's */
};

/* The gateway is borrowed, as long as the client is there. */
void gateway_client_init(struct gateway_client *client, struct gateway *gateway);

/* It belongs to another shard's gateway from now on. */
void gateway_client_move(struct gateway_client *client, struct gateway *gateway);

/* Gives its memory back, without a word to anyone. */
void gateway_client_deinit(struct gateway_client *client);

/**
 * Takes a datagram from the client, which is looked at only. False: it is a CONNECT that begins
 * anew; this client has left the server then, and the caller is to give the datagram to a new one.
 */
bool gateway_client_receive(struct gateway_client *client, struct bytes datagram, int64_t now_ms);

/* The gateway's own client says what a stranger has sent by PUBWOS, which is looked at only. */
void gateway_client_speak(struct gateway_client *client, struct bytes datagram);

/* Packets for the server, from the first byte not consumed so far. */
struct bytes gateway_client_packets(const struct gateway_client *client);
void gateway_client_consume(struct gateway_client *client, size_t size);

/**
 * Takes packets from the server; `in` starts and ends with a whole one. Returns the bytes that are
 * done with: the rest must come again, first, when gateway_client_takes() says so.
 */
size_t gateway_client_take(struct gateway_client *client, struct bytes in, int64_t now_ms);

/* Whether it takes packets now. */
bool gateway_client_takes(const struct gateway_client *client);

/* Whether it has been woken and has answered everything: once nothing more waits for it in the
 * server, gateway_client_drained() is to be called. */
bool gateway_client_is_settled(const struct gateway_client *client);

/* Whether it is to be called in any case, for the client has what it wants of that at a time. */
bool gateway_client_is_sated(const struct gateway_client *client);

/* So many messages still wait, or more. */
void gateway_client_drained(struct gateway_client *client, uint64_t waiting, int64_t now_ms);

/* Does what is due. */
void gateway_client_tick(struct gateway_client *client, int64_t now_ms);

/* When that is to be called; INT64_MAX: not before something comes. */
int64_t gateway_client_due_ms(const struct gateway_client *client);

/* Another connection is to have its session, which it is still asked about; its end follows. */
void gateway_client_yield(struct gateway_client *client, int64_t now_ms);

/* The server has ended the connection. */
void gateway_client_end(struct gateway_client *client, int64_t now_ms);

/* It has left, or is lost: what is in gateway_client_packets() is its last word. */
bool gateway_client_is_over(const struct gateway_client *client);

/* What it has said in its CONNECT: its version, and its keep alive in seconds. */
static inline bool gateway_client_speaks_draft(const struct gateway_client *client)
{
    return client->is_draft;
}

static inline uint16_t gateway_client_keep_alive_s(const struct gateway_client *client)
{
    return client->keepalive_s;
}

static inline enum gateway_phase gateway_client_phase(const struct gateway_client *client)
{
    return (enum gateway_phase)client->phase;
}

#endif
