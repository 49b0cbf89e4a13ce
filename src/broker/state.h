/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running server is made of. For server.c and the files that do parts of its work on the
 * same thread.
 */
#ifndef BROKER_STATE_H
#define BROKER_STATE_H

#include "broker/admin/control.h"
#include "broker/config/arguments.h"
#include "broker/dump.h"
#include "broker/findings.h"
#include "broker/heartbeat.h"
#include "broker/keeper.h"
#include "broker/lookout.h"
#include "broker/notify.h"
#include "broker/persistence.h"
#include "broker/process.h"
#include "broker/shard.h"

/* What became of the last reload. */
struct last_reload {
    int64_t wall_ms; /* 0: there was none */
    int result;      /* of renewal_apply() */
};

struct server {
    struct arguments arguments;
    struct config *config;
    struct rulebook *rulebook;
    struct credentials *credentials;
    uint64_t readings; /* of credentials, the failed ones too */
    struct lookout lookout;
    struct log *log;
    struct log_source source; /* of the server's own thread */
    struct journal journal;
    struct keeper keeper;     /* where privileges were dropped and a file needs them */
    struct process_user user; /* with a name when there are privileges to drop */
    struct budget budget;
    struct budget_share hub_share;
    struct shard_group group;
    struct persistence persistence;
    struct hashers hashers;
    struct web_asker web;
    unsigned shards_made;
    unsigned shards_running;
    int signals;
    int64_t started_ms;        /* when clients were first served */
    struct findings *findings; /* of the configuration that runs */
    struct last_reload last_reload;
    struct control *control; /* NULL: there is no control socket */
    uid_t starter;           /* who has started the process */
    struct notify notify;
    struct heartbeat heartbeat; /* for the service manager's watchdog */
    struct dump dump;
};

#endif
