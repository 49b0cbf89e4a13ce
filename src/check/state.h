/* SPDX-License-Identifier: Apache-2.0 */
/* What a case in play consists of; for run.c, probe.c and clear.c alone. */
#ifndef CHECK_STATE_H
#define CHECK_STATE_H

#include "check/notation.h"
#include "check/run.h"

#include <setjmp.h>

/* The types of packets, and bits of their flags. */
enum {
    TYPE_CONNECT = 1,
    TYPE_PUBLISH = 3,
    TYPE_PUBACK = 4,
    TYPE_PUBREC = 5,
    TYPE_PUBCOMP = 7,
    TYPE_SUBSCRIBE = 8,
    TYPE_PINGRESP = 13,
    PUBLISH_RETAIN = 0x01,
    CONNECT_CLEAN = 0x02,
    CONNECT_WILL = 0x04,
    CONNECT_WILL_RETAIN = 0x20,
};

enum {
    CHECK_PACKETS_SIZE = 1 << 18, /* of what a case sends at once */
    CHECK_TEXT_SIZE = 16384,      /* of its notation */
    CHECK_IDS_MAX = 64,           /* client ids with a session that may outlive its connection */
    CHECK_ID_SIZE = 64,
    CHECK_HEARD_MAX = 1 << 22, /* bytes that wait at one client to be taken */
};

/* Bytes that grow. */
struct octets {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

struct probe {
    struct check *check;
    struct probe *next;
    unsigned number; /* from 1, in the order of coming */
    enum mqtt_version version;
    void *transport;    /* NULL once it is cut */
    bool closed;        /* by the server */
    bool connected;     /* a CONNACK has come */
    struct octets down; /* came, and was not taken */
    struct octets taken;
    struct octets connack;
    unsigned open;         /* QoS 1 and 2 PUBLISHes that are not finished */
    unsigned keep_alive_s; /* of its CONNECT; 0: none */
    int64_t sent_ms;       /* when it has sent last */
    size_t login_size;     /* bytes at the end of its CONNECT that nobody is to read */
};

struct check {
    struct check_setup setup;
    struct notation_scope scope;
    struct probe *probes;
    unsigned probe_count;
    enum check_need need; /* of the case */
    bool unreachable;     /* a transport could not be opened */
    bool late;            /* a client was silent for longer than it had told the server */
    bool clearing;        /* the case is over: what fails now is nobody's failure */
    int64_t until_ms;     /* what is not over by then fails: a server may go on for ever */

    /* What it leaves at the server. */
    struct {
        uint8_t id[CHECK_ID_SIZE];
        size_t size;
    } sessions[CHECK_IDS_MAX];
    size_t session_count;
    bool retained;

    jmp_buf end;
    enum check_outcome outcome;
    char reason[CHECK_TEXT_SIZE];
    char transcript[CHECK_REPORT_SIZE];
    size_t transcript_size;

    /* Scratch. */
    char text[CHECK_TEXT_SIZE];
    uint8_t packets[CHECK_PACKETS_SIZE];
};

/* Plays until it ends, by itself or by check_fail() or check_skip(). */
void check_play(
        struct check *check, void (*play)(struct check *check, const void *what), const void *what);

/* A line of the transcript. */
void check_note(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Skips the case where the server announces that it takes no such packet. */
void check_guard_sent(struct probe *probe, struct bytes packet);
void check_guard_received(struct probe *probe, struct bytes packet);

/* Notes what the packet leaves at the server. */
void check_clear_later(struct check *check, struct bytes packet);

/* The client id that a CONNACK has assigned may have a session. */
void check_clear_assigned(struct check *check, struct bytes connack);

/* Ends those sessions and retained messages. */
void check_clear(struct check *check);

/* The packet that stands first in these bytes; empty when there is no whole one. */
struct bytes check_first_packet(struct bytes bytes);

/* What follows its fixed header. */
struct bytes check_body(struct bytes packet);

#endif
