/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of pub, sub, rr, record or replay: a link as the options say, and the loop that lets it
 * run until the command is done, its time is over, or it fails.
 *
 * Exit statuses are those of Mosquitto's tools: 0; the code of a CONNACK that refuses (as its
 * version has it); 27 when the time is over; 7 when the connection was lost; 1 for all else.
 */
#ifndef CLI_CLIENT_SESSION_H
#define CLI_CLIENT_SESSION_H

#include "cli/client_options.h"
#include "cli/client_trace.h"

#include "nightjar/link.h"

enum client_status {
    CLIENT_STATUS_GOOD = 0,
    CLIENT_STATUS_BAD = 1,
    CLIENT_STATUS_LOST = 7,
    CLIENT_STATUS_TIMED_OUT = 27,
    CLIENT_STATUS_KILLED = 255, /* by a signal before the server has let us in */
};

enum { CLIENT_FAREWELL_MS = 5000 }; /* how long the end of a connection may take */

#define CLIENT_NEVER_US INT64_MAX

struct client_session;

/* What a command does; each may be NULL. */
struct client_hooks {
    /* The server has let us in, for the first time or again. */
    void (*connected)(struct client_session *session, bool first);
    void (*message)(struct client_session *session, const struct nj_message *message);
    void (*sent)(struct client_session *session, uint64_t tag, enum nj_error error, uint8_t reason,
            struct nj_bytes properties);
    void (*answered)(struct client_session *session, uint64_t tag, struct nj_bytes codes);
    /* Does what is due, in each turn. Returns when it wants to be called again. `readable`: the
     * session's input can be read. */
    int64_t (*work)(struct client_session *session, int64_t now_us, bool readable);
    /* The connection is lost, as `text` says; it is tried again. */
    void (*lost)(struct client_session *session, const char *text);
};

struct client_session {
    const struct client_options *options; /* borrowed */
    const struct client_tool *tool;       /* borrowed */
    const struct client_hooks *hooks;     /* borrowed */
    struct nj_link *link;
    struct client_trace *trace; /* NULL: none */
    int input;                  /* a descriptor to be read; -1: none */
    int signals;                /* -1: they are not caught */
    bool comes_again;           /* it connects again where the connection is lost */
    bool connected;             /* now */
    bool let_in;                /* it was connected once */
    bool ending;                /* the command is done */
    bool leaves;                /* and the last message could not be dealt with */
    uint8_t farewell;           /* the reason code of our DISCONNECT */
    int status;
};

/**
 * Reads the command line, and does what --help and --version want. `run_tool` gets the options.
 *
 * Returns the exit status.
 */
int client_main(const struct client_tool *tool, int argc, char **argv,
        int (*run_tool)(const struct client_options *options, const struct client_tool *tool));

/**
 * Runs a session until it ends; `session` has options, tool, hooks, and input (-1 or a descriptor).
 * Says on stderr why it fails, unless --quiet.
 *
 * Returns the exit status.
 */
int client_session_run(struct client_session *session);

/* The command is done; to be called by a hook. The first call counts. */
void client_session_end(struct client_session *session, int status);

/* The same, where the hook `message` could not deal with what it was told: it is not acknowledged,
 * so with QoS 1 and 2 it stays in the session. */
void client_session_leave(struct client_session *session, int status);

/* Says something on stderr, unless --quiet; `what` comes behind "Error: ". */
void client_session_complain(const struct client_session *session, const char *what);

#endif
