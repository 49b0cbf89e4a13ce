/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of `nightjar sn pub` or `sub`: an engine, the transport below it, and the loop around
 * both.
 */
#ifndef CLI_SN_SESSION_H
#define CLI_SN_SESSION_H

#include "cli/sn_options.h"
#include "cli/sn_transport.h"

enum {
    SN_DATAGRAM_MAX = 65535,
    SN_KNOWN = 128,     /* topics that have ids at a time */
    SN_NAME_MAX = 4096, /* bytes of a topic */
    SN_HELD = 16,       /* messages of QoS 2 that come in at a time */
    SN_ID_MAX = 32,     /* bytes of a client id that is made here */
    SN_STATUS_GOOD = 0,
    SN_STATUS_BAD = 1,        /* where the gateway refuses, its code, which is at least this */
    SN_STATUS_TIMED_OUT = 27, /* as nightjar sub has it */
};

struct sn_session;

/* What a command does when something happens. */
struct sn_hooks {
    void (*connected)(struct sn_session *session);
    void (*done)(struct sn_session *session, const struct nj_sn_event *event);
    void (*message)(struct sn_session *session, const struct nj_sn_event *event);
    void (*asleep)(struct sn_session *session);
    /* Does what it has to do, and says when it wants to do more. */
    int64_t (*work)(struct sn_session *session, bool readable);
};

struct sn_session {
    const struct sn_options *options; /* borrowed */
    const struct sn_hooks *hooks;
    int input;        /* a descriptor to wait for; -1: none */
    bool comes_again; /* connects again where the connection ends */
    bool connects;    /* false: all goes without a connection */

    /* For the hooks to read. */
    struct nj_sn sn;
    int64_t now_ms;
    bool connected;
    bool ending; /* sn_session_end() was called */
    int status;

    /* The session's own. */
    struct sn_transport transport;
    struct sn_memory *memory;
    bool was_connected;
    bool over;
    int64_t again_ms; /* when to connect again; SN_NEVER_MS: not at all */
    int64_t timeout_ms;
    int signals;
    char id[SN_ID_MAX];
};

/* Runs until it ends by itself, by sn_session_end(), a signal or the time of the options. Returns
 * the exit status. */
int sn_session_run(struct sn_session *session);

/* Says goodbye, and ends with that status. */
void sn_session_end(struct sn_session *session, int status);

/* Says on stderr what is wrong; `code` is the gateway's. */
void sn_complain(const char *what, const char *why);
void sn_complain_of_code(const char *what, uint8_t code);

#endif
