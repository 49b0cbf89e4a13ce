/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to an MQTT server that looks after itself: it finds the server, connects by TCP,
 * TLS, WebSocket or a Unix socket, connects again when the connection is lost, subscribes again
 * where the server has forgotten, and keeps messages until they are acknowledged, if you like in a
 * file. Linux. The engine below it (nightjar/engine.h) has none of this and runs anywhere.
 *
 * The smallest publisher and subscriber:
 *
 *     struct nj_link *link = nj_link_open("mqtt://localhost");
 *     enum nj_error error = nj_publish(link, "greeting/world", "hello", 1, 5000);
 *
 *     if (error != NJ_OK)
 *         fprintf(stderr, "%s\n", nj_link_failure(link));
 *     nj_link_free(link);
 *
 *     struct nj_link *link = nj_link_open("mqtt://localhost");
 *     struct nj_message message;
 *
 *     nj_subscribe(link, "greeting/#", 1, 5000);
 *     while (nj_receive(link, &message, NJ_FOREVER) == NJ_OK)
 *         printf("%.*s\n", (int)message.payload.size, (const char *)message.payload.data);
 *
 * Three ways to let it run:
 * - Calls that wait (nj_connect() and the others that begin with nj_ alone), for scripts. The link
 *   runs while one of them waits, and rests in between.
 * - A thread of its own: nj_link_start(). Callbacks run in that thread, and any thread may call.
 * - Your event loop: wait until nj_link_fd() can be read or nj_link_due_ms() have passed, then call
 *   nj_link_run_once() with 0.
 *
 * Without a thread of its own a link is used by one thread at a time. A server ends the connection
 * of a client of which it has heard nothing for one and a half times the keep alive. So run the
 * link at least that often, or start its thread; else it connects again when it runs next.
 *
 * Callbacks may make every call but those that wait (NJ_IN_CALLBACK) and those that say so.
 * A NULL link is one for which there was no memory: every function takes it, and fails.
 */
#ifndef NIGHTJAR_LINK_H
#define NIGHTJAR_LINK_H

#include "nightjar/engine.h"

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; nj_version_text() tells that of the library. What has the same first
 * number, and before 1.0 the same second, works with it. */
#define NJ_VERSION_MAJOR 0
#define NJ_VERSION_MINOR 1
#define NJ_VERSION_PATCH 0

const char *nj_version_text(void);

enum {
    NJ_FOREVER = -1,              /* as a time-out in milliseconds: none */
    NJ_REQUESTS_MAX = 256,        /* that wait for a response at a time */
    NJ_SUBSCRIPTIONS_MAX = 65536, /* that one link keeps */
    NJ_TRACED_MAX = 65536         /* bytes of a packet that the callback `packet` is shown */
};

struct nj_link;

/* ---- Options ---- */

enum nj_transport {
    NJ_TRANSPORT_TCP,           /* port 1883 */
    NJ_TRANSPORT_TLS,           /* port 8883 */
    NJ_TRANSPORT_WEBSOCKET,     /* port 80 */
    NJ_TRANSPORT_WEBSOCKET_TLS, /* port 443 */
    NJ_TRANSPORT_UNIX           /* a socket at `path` */
};

enum nj_tls_version { NJ_TLS_ANY, NJ_TLS_1_2, NJ_TLS_1_3 };

/* All NULL: the server's certificate must be for its host's name and be signed by an authority that
 * the system knows. */
struct nj_tls_options {
    const char *ca_file;          /* PEM: authorities that may sign the server's certificate */
    const char *ca_folder;        /* the same, each in a file named by its hash */
    bool system_authorities;      /* the system's authorities beside those above */
    const char *certificate_file; /* PEM: our certificate, and the chain behind it */
    const char *key_file;         /* PEM: its key */
    const char *key_password;     /* of the key file */
    const char *psk_identity;     /* a pre-shared key in the place of certificates */
    const char *psk;              /* the key in hexadecimal digits */
    const char *server_name;      /* that the certificate must be for; NULL: the host */
    const char *ciphers;          /* of TLS 1.2, as OpenSSL names them; NULL: its choice */
    const char *suites;           /* of TLS 1.3 */
    const char *alpn;             /* the protocol to ask for, such as "mqtt"; NULL: none */
    enum nj_tls_version version_min;
    enum nj_tls_version version_max;
    const char *engine;  /* of OpenSSL, in whose device the key is; NULL: none. What it can do it
                                does for the whole program then */
    bool engine_has_key; /* key_file is the engine's name for the key */
    const char *engine_password; /* of that key: its SHA-1 in 40 hexadecimal digits; NULL: none, or
                                    the engine asks on the terminal */
    const char *keylog_file; /* secrets are added to it, by which tools such as Wireshark read what
                                is said; NULL: none */
    bool any_name;           /* insecure: the certificate may be for another host */
    bool any_certificate;    /* insecure: nothing is verified, so anybody may listen and answer */
};

/* A proxy to connect through, as nj_socks5() of nightjar/socks5.h gives it. */
struct nj_proxy {
    const struct nj_proxy_kind *kind; /* how to speak with it, from such a function */
    const char *url;                  /* NULL: no proxy */
};

/* What callbacks are told when the server lets the link in. Borrowed for the callback. */
struct nj_connected {
    bool session_present;
    struct nj_bytes properties; /* of CONNACK */
    struct nj_bytes client_id;  /* ours, or the one that the server gave */
};

/* What callbacks are told when a connection has ended or has not come about. */
struct nj_down {
    enum nj_error error;
    uint8_t reason;             /* NJ_REFUSED, NJ_NOT_CONNECTED: a reason code, see mqtt.h */
    bool by_server;             /* it has said DISCONNECT */
    struct nj_bytes properties; /* of the CONNACK or DISCONNECT */
    const char *text;           /* what went wrong, and where, as a sentence */
    int64_t retry_ms;           /* the next try is so far away; negative: there is none */
};

/* A callback that is NULL is not called. `context` is that of the options. */
struct nj_callbacks {
    void (*connected)(struct nj_link *link, void *context, const struct nj_connected *news);
    void (*down)(struct nj_link *link, void *context, const struct nj_down *news);

    /* The message is acknowledged when the callback has returned, but after nj_link_leave(). NULL:
     * nj_receive() gives them. */
    void (*message)(struct nj_link *link, void *context, const struct nj_message *message);

    /* The end of what nj_link_send() began, once for each. NJ_OK: the server has taken it, or with
     * QoS 0 it was written; NJ_REFUSED: the reason tells. The properties are of the answer. */
    void (*sent)(struct nj_link *link, void *context, uint64_t tag, enum nj_error error,
            uint8_t reason, struct nj_bytes properties);

    /* The server's answer to nj_link_subscribe() or nj_link_unsubscribe(): a code for each filter
     * (none from a server of 3.1.1 to the latter), QoS or from 0x80 a refusal. When the link
     * subscribes again by itself nothing is told, but what is refused then. What is larger than the
     * server takes is answered here, by 0x95. */
    void (*answered)(struct nj_link *link, void *context, uint64_t tag, struct nj_bytes codes,
            struct nj_bytes properties);

    /* An AUTH has come: nj_link_auth() may go on. */
    void (*auth)(struct nj_link *link, void *context, uint8_t reason, struct nj_bytes properties);

    /* Each packet that was written, or has come; for a trace. It has the first NJ_TRACED_MAX bytes;
     * size is that of the whole. */
    void (*packet)(
            struct nj_link *link, void *context, bool written, struct nj_bytes packet, size_t size);
};

/*
 * Zero, NULL and empty are good for all but the place of the server. Everything is copied.
 *
 * A session is what the server keeps for a client: its subscriptions, and messages that wait or are
 * in flight. It begins with the connection and ends `session_expiry_s` after it; so with 0 nothing
 * that is published meanwhile waits for a client that comes again, and QoS 2 is not exactly once
 * over two connections. For a session that lasts: a client id of your own, session_expiry_s above
 * 0, and no clean_start. In MQTT 3.1.1 every session_expiry_s but 0 means for ever, and a session
 * that clean_start began ends with its connection.
 *
 * With a file, messages of QoS 1 and 2 that were taken by nj_link_send() survive the end of the
 * program, also by kill -9, and go out when it runs again; so do the states that make QoS 2 exactly
 * once. A file belongs to one client id at one server, and to one link at a time.
 */
struct nj_link_options {
    /*
     * Where the server is: mqtt://, mqtts://, ws://, wss:// and a host, with user:password@ before
     * it and :port behind it if need be, and with ws and wss the path (/mqtt where there is none);
     * or unix:// and a path, as unix:///run/mqtt.sock. Bytes may be written as %41.
     * NULL: the members below.
     */
    const char *url;
    enum nj_transport transport;
    const char *host; /* NULL: localhost */
    uint16_t port;    /* 0: the transport's own */
    const char *path; /* of the Unix socket, or of the WebSocket */

    const char *bind_address; /* a numeric address of this machine to connect from */

    struct nj_proxy proxy; /* to connect through; not to a Unix socket */
    struct nj_tls_options tls;

    enum nj_version version; /* 0: MQTT 5.0 */
    const char *client_id;   /* NULL: the server gives one */
    const char *user_name;   /* these two have more weight than those of the URL */
    struct nj_bytes password;
    const struct nj_message *will; /* what the server publishes if the connection is lost */
    struct nj_bytes properties;    /* MQTT 5.0, of CONNECT, but for those that are said here */
    struct nj_bytes disconnect_properties; /* of the DISCONNECT by nj_disconnect() and _free() */
    uint16_t keep_alive_s;                 /* 0: 60 */
    bool no_keep_alive;        /* a silent loss of the connection may never be found out */
    bool clean_start;          /* the first connection begins a new session */
    uint32_t session_expiry_s; /* UINT32_MAX: the session never ends by itself */

    bool once;             /* it does not try again when a connection fails or ends */
    uint32_t connect_ms;   /* how long one address of the server may take; 0: 10000. To find the
                              addresses takes as long as resolv.conf(5) lets it */
    uint32_t retry_min_ms; /* the first pause before it tries again; 0: 500. It doubles */
    uint32_t retry_max_ms; /* up to this; 0: 30000. Each is shortened by up to a half by lot */

    uint32_t queue_messages;  /* that are not done; more are NJ_FULL; 0: 10000 */
    size_t queue_bytes;       /* of topics, payloads and properties of these; 0: 64 MiB */
    bool qos0_waits;          /* QoS 0 too waits for a connection; else it is NJ_NOT_CONNECTED */
    uint32_t inbox_messages;  /* kept for nj_receive(); 0: 1000 */
    uint16_t in_flight;       /* messages of QoS 1 and 2 sent and not acknowledged; 0: 64 */
    uint16_t receive_maximum; /* messages of QoS 2 that come, and in 5.0 also of QoS 1; 0: 64 */
    uint32_t packet_size_max; /* bytes of a packet that comes or goes; 0: 16 MiB */
    uint16_t topic_aliases;   /* that the server may use; each takes up to 64 KiB */

    const char *file;    /* keeps messages of QoS 1 and 2; NULL: they live in memory alone */
    bool file_sync;      /* each write is flushed to the disk, to survive a power cut too; slow */
    uint64_t file_bytes; /* the file's limit; 0: 256 MiB. Beyond it is NJ_FULL */

    struct nj_callbacks callbacks;
    void *context;
};

/* ---- A link's life ---- */

/*
 * Makes a link. It begins to connect when it runs for the first time. NULL when memory is short.
 * Where the options are not good, or the file cannot be used, every call fails with that error, and
 * nj_link_failure() says why.
 */
struct nj_link *nj_link_new(const struct nj_link_options *options);

/* A link with a URL and nothing else said. */
struct nj_link *nj_link_open(const char *url);

/*
 * Ends the link: its thread is stopped, DISCONNECT is said as far as that goes without waiting, so
 * that the will is not published, and what is not acknowledged is dropped, but for what the file
 * keeps. No callback is called but `packet`, and those of requests that wait (NJ_CLOSED). Not from
 * a callback. NULL is fine.
 */
void nj_link_free(struct nj_link *link);

/* Whether the server has let it in. */
bool nj_link_connected(const struct nj_link *link);

/* Messages given to nj_link_send() whose end `sent` has not told. */
size_t nj_link_pending(const struct nj_link *link);

/*
 * What went wrong last, as a sentence that says where, such as "cannot connect to
 * 127.0.0.1:1883: Connection refused"; "" when nothing did. It asks whether the port speaks TLS, or
 * another version, where the server leaves without a word. Good until this is called again.
 */
const char *nj_link_failure(struct nj_link *link);

/* The reason code that came with it from the server; 0: none. */
uint8_t nj_link_reason(const struct nj_link *link);

/* ---- Letting it run ---- */

/* Starts its own thread. NJ_OK, also when it runs already, NJ_NO_MEMORY, or as nj_link_new(). */
enum nj_error nj_link_start(struct nj_link *link);

/* Ends that thread, when the callback that it is in has returned. Not from a callback. */
void nj_link_stop(struct nj_link *link);

/* A descriptor that can be read (POLLIN) when nj_link_run_once() has something to do; always the
 * same one. Only to wait for. -1 when the link is of no use. */
int nj_link_fd(const struct nj_link *link);

/* After so many milliseconds nj_link_run_once() is to be called in any case; as poll() takes it, so
 * -1 is for ever. Ask before each wait. */
int nj_link_due_ms(const struct nj_link *link);

/*
 * Does what is to be done: connects, reads, calls callbacks, writes. Waits for something to do for
 * timeout_ms at most (0: not at all, NJ_FOREVER). NJ_OK, also when it has lost the connection and
 * will try again; NJ_IN_CALLBACK, NJ_INVALID (it has its own thread), or NJ_CLOSED and others when
 * there is nothing more to do, ever.
 */
enum nj_error nj_link_run_once(struct nj_link *link, int timeout_ms);

/* ---- Calls that do not wait ---- */

/*
 * Takes a message, to be sent when that is possible. `tag` is yours, and comes back in the callback
 * `sent`; with a file also after a restart of the program.
 *
 * NJ_OK: it was taken, with QoS 1 and 2 until the server has acknowledged it, over any number of
 * connections. What a server that lost the session may not have got is sent anew with QoS 1; with
 * QoS 2 `sent` tells NJ_LOST, for it might come twice.
 * NJ_INVALID: MQTT does not allow it, or with QoS 1 or 2 a topic alias stands without a topic;
 * NJ_LATER: with QoS 0 it does, and the message cannot go at once; NJ_TOO_LARGE: for a packet, the
 * queue or the file; NJ_FULL: one of the queue's limits or the file's is reached;
 * NJ_NOT_CONNECTED: QoS 0 without a connection; NJ_FILE: it could not be written; NJ_CLOSED,
 * NJ_NO_MEMORY, or as nj_link_new().
 */
enum nj_error nj_link_send(struct nj_link *link, const struct nj_message *message, uint64_t tag);

/*
 * Subscribes, now or as soon as it is connected, and again whenever the server has no session.
 * A filter that is subscribed already is changed.
 *
 * NJ_OK: `answered` tells the rest; NJ_INVALID, NJ_TOO_LARGE, NJ_FULL: NJ_SUBSCRIPTIONS_MAX;
 * NJ_CLOSED, NJ_NO_MEMORY, or as nj_link_new().
 */
enum nj_error nj_link_subscribe(struct nj_link *link, const struct nj_subscription subscriptions[],
        size_t count, struct nj_bytes properties, uint64_t tag);

/* The contrary; with the same results. */
enum nj_error nj_link_unsubscribe(struct nj_link *link, const struct nj_bytes filters[],
        size_t count, struct nj_bytes properties, uint64_t tag);

/* Sends an AUTH (MQTT 5.0); see nj_engine_auth(). */
enum nj_error nj_link_auth(struct nj_link *link, uint8_t reason, struct nj_bytes properties);

/*
 * Says DISCONNECT with that reason (3.1.1: 0) and ends the connection; the link does not connect
 * again. 0x04 lets the server publish the will. What is not acknowledged stays in the file.
 * NJ_OK, also when there is no connection; NJ_INVALID.
 */
enum nj_error nj_link_disconnect(struct nj_link *link, uint8_t reason, struct nj_bytes properties);

/*
 * The same, for the callback `message` where it could not deal with what it is told: the message
 * is not acknowledged, so with QoS 1 and 2 the server keeps it for whoever connects to this session
 * next. NJ_INVALID also where that callback does not run.
 */
enum nj_error nj_link_leave(struct nj_link *link, uint8_t reason, struct nj_bytes properties);

/* ---- Requests and responses (MQTT 5.0) ---- */

/*
 * Tells the end of a request: the response, which is borrowed, or with NULL why there is none:
 * NJ_TIMED_OUT, NJ_REFUSED (nobody subscribes that topic, or may not publish there), NJ_LOST,
 * NJ_CLOSED.
 */
typedef void (*nj_response)(struct nj_link *link, void *context, enum nj_error error,
        const struct nj_message *response);

/*
 * Sends a message with a Response Topic and Correlation Data of the link's own, and takes what
 * comes back. The link subscribes that topic once; it lies below what the server says in Response
 * Information (asked for where `properties` of the options do so), else below
 * "nightjar/response/".
 *
 * NJ_OK: `response` is called once, within timeout_ms. As nj_link_send(); NJ_INVALID too where the
 * message has one of these two properties, or the version is 3.1.1; NJ_FULL: NJ_REQUESTS_MAX;
 * NJ_NOT_CONNECTED: the server has not let the link in yet.
 */
enum nj_error nj_link_request(struct nj_link *link, const struct nj_message *request,
        int timeout_ms, nj_response response, void *context);

/*
 * Answers a request that has come, with its Correlation Data to its Response Topic; the topic of
 * `response` is not looked at. As nj_link_send(); NJ_INVALID too when it has no Response Topic.
 */
enum nj_error nj_link_respond(struct nj_link *link, const struct nj_message *request,
        const struct nj_message *response, uint64_t tag);

/* ---- Calls that wait ---- */

/*
 * Each waits for its end, at most timeout_ms (NJ_FOREVER). A connection is made where there is
 * none, and tried again until the time is over or, with `once`, until it has failed once; a server
 * that refuses the client ends the wait at once (NJ_REFUSED). When the time is over and the
 * connection is what was missing, the result says what it failed for, else NJ_TIMED_OUT.
 * NJ_IN_CALLBACK where it is called in a callback.
 */

/* Waits until the server has let it in. */
enum nj_error nj_connect(struct nj_link *link, int timeout_ms);

/*
 * Sends a message and waits for its end: QoS 1 and 2 until it is acknowledged, QoS 0 until it is
 * written. After NJ_TIMED_OUT it may arrive nevertheless: the link goes on with it.
 */
enum nj_error nj_send(struct nj_link *link, const struct nj_message *message, int timeout_ms);

/* The same, of two texts. */
enum nj_error nj_publish(
        struct nj_link *link, const char *topic, const char *payload, uint8_t qos, int timeout_ms);

/* Subscribes one filter. NJ_REFUSED: nj_link_reason() says why. */
enum nj_error nj_subscribe(struct nj_link *link, const char *filter, uint8_t qos, int timeout_ms);

enum nj_error nj_unsubscribe(struct nj_link *link, const char *filter, int timeout_ms);

/*
 * The next message; good until the next call on this link that waits or runs it, and only then
 * acknowledged. But those that come while another call waits are acknowledged then, and kept until
 * they are asked for; when inbox_messages are, nothing more is read. NJ_INVALID: there is a
 * callback for messages.
 */
enum nj_error nj_receive(struct nj_link *link, struct nj_message *message, int timeout_ms);

/* nj_link_request(), and waits for the response; that is good as a message of nj_receive(). */
enum nj_error nj_request(struct nj_link *link, const struct nj_message *request,
        struct nj_message *response, int timeout_ms);

/*
 * Waits until all that was sent is acknowledged, then says goodbye. The link does not connect
 * again. After NJ_TIMED_OUT it has said goodbye nevertheless.
 */
enum nj_error nj_disconnect(struct nj_link *link, int timeout_ms);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
