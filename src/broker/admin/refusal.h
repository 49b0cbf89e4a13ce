/* SPDX-License-Identifier: Apache-2.0 */
/* Why a connection is turned away before it is a client's: counted, logged and told in $SYS. */
#ifndef BROKER_ADMIN_REFUSAL_H
#define BROKER_ADMIN_REFUSAL_H

enum refusal {
    REFUSAL_DENIED,
    REFUSAL_NOT_ALLOWED,
    REFUSAL_LOGIN_FAILURES,
    REFUSAL_CONNECTION_RATE,
    REFUSAL_ADDRESS_CONNECTIONS,
    REFUSAL_ADDRESS_HANDSHAKES,
    REFUSAL_HANDSHAKES, /* ended to make room for others */
    REFUSAL_CONNECTIONS,
    REFUSAL_MEMORY,
    REFUSALS,
};

/* The option that says so, under which it is logged and counted. */
const char *refusal_name(enum refusal refusal);

#endif
