/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/refusal.h"

const char *refusal_name(enum refusal refusal)
{
    static const char *const names[REFUSALS] = {
        [REFUSAL_DENIED] = "deny_address",
        [REFUSAL_NOT_ALLOWED] = "allow_address",
        [REFUSAL_LOGIN_FAILURES] = "login_failures_max",
        [REFUSAL_CONNECTION_RATE] = "connection_rate_max",
        [REFUSAL_ADDRESS_CONNECTIONS] = "max_connections_per_address",
        [REFUSAL_ADDRESS_HANDSHAKES] = "handshakes_per_address_max",
        [REFUSAL_HANDSHAKES] = "handshakes_max",
        [REFUSAL_CONNECTIONS] = "max_connections",
        [REFUSAL_MEMORY] = "memory_limit",
    };

    return names[refusal];
}
