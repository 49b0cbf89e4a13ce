/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What few connections have, or only for a moment: while they come in, where a rate is exceeded,
 * where topics have aliases. A connection has a block of it from when the first is needed.
 */
#ifndef BROKER_CORE_EXTRAS_H
#define BROKER_CORE_EXTRAS_H

#include "base/buffer.h"
#include "broker/core/aliases.h"
#include "broker/core/withheld.h"

struct acquaintance;
struct authentication;
struct connection;
struct core;
struct pending_suback;

struct extras {
    struct buffer connect;                 /* CONNECT's body, from then to CONNACK if that waits */
    struct acquaintance *acquaintance;     /* until it has come in; NULL: its transport has no
                                            * layers */
    struct authentication *authentication; /* NULL: CONNECT has named no method */
    struct pending_suback *suback;         /* that waits for groups; NULL: none */
    struct withheld withheld;              /* acknowledgements of what it published */
    struct aliases_in aliases_in;
    struct aliases_out aliases_out;
    int64_t identity_ends_ms;    /* INT64_MAX: never */
    int64_t throttled_until_ms;  /* left unread until then, for it was too fast; 0: it is not */
    uint32_t throttling_quiet_s; /* no log line of that until then; lasts for 136 years */
    uint32_t throttlings;        /* since the last one */
    uint32_t waits;              /* answers of groups that its SUBACK waits for */
    uint8_t verdict;             /* enum mqtt_reason; in PHASE_HELD */
};

/* The connection's, made where it has none. NULL when memory is short. */
struct extras *extras_of(const struct core *core, struct connection *connection);

/* A client that has come in needs them no more where nothing is left in them but its CONNECT. */
void extras_settle(const struct core *core, struct connection *connection);

/* With what the aliases own; all else must be gone. Fine where there are none. */
void extras_free(const struct core *core, struct connection *connection);

#endif
