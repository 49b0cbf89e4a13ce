/* SPDX-License-Identifier: Apache-2.0 */
#include "check/target.h"

#include <stddef.h>

void check_target_init(struct check_target *target)
{
    *target = (struct check_target){
        .maximum_qos = 2,
        .retain_available = true,
        .wildcards = true,
        .identifiers = true,
        .shared = true,
    };
}

bool check_target_offers(const struct check_target *target, enum check_need need)
{
    switch (need) {
    case NEED_NOTHING:
        return true;
    case NEED_LOGIN:
        return target->wrong_password != NULL;
    case NEED_REFUSED_ID:
        return target->refused_id != NULL;
    case NEED_RIGHTS:
        return target->denied_topic != NULL;
    case NEED_METHOD:
        return target->method != NULL;
    case NEED_QOS_LIMIT:
        return target->maximum_qos < 2;
    case NEED_NO_RETAIN:
        return !target->retain_available;
    case NEED_NO_WILDCARD:
        return !target->wildcards;
    case NEED_NO_IDENTIFIER:
        return !target->identifiers;
    case NEED_NO_SHARED:
        return !target->shared;
    case NEED_NO_EMPTY_ID:
        return target->refuses_empty_id;
    case NEED_KEEP_ALIVE_LIMIT:
        return target->keep_alive_s > 0;
    case NEED_EXPIRY_LIMIT:
        return target->expiry_s_max > 0;
    case NEED_PACKET_LIMIT:
        return target->packet_max > 0;
    case NEED_RECEIVE_LIMIT:
        return target->receive_max > 0;
    case NEED_ALIASES:
        return target->alias_max > 0;
    case NEED_NO_ALIASES:
        return target->alias_max == 0;
    case NEED_STATUS:
        return target->status_topic != NULL;
    case NEED_CONNECT_TIMEOUT:
        return target->connect_timeout_ms > 0;
    case NEED_WEBSOCKET:
        return target->websocket != NULL;
    case NEED_QOS_2:
        return target->maximum_qos == 2;
    case NEED_RETAIN:
        return target->retain_available;
    case NEED_WILDCARD:
        return target->wildcards;
    case NEED_IDENTIFIER:
        return target->identifiers;
    case NEED_SHARED:
        return target->shared;
    case CHECK_NEEDS:
        break;
    }
    return false;
}

const char *check_need_text(enum check_need need)
{
    static const char *const texts[CHECK_NEEDS] = {
        [NEED_NOTHING] = "",
        [NEED_LOGIN] = "binds a server that checks passwords; give one with --user and --password, "
                       "and a wrong one is tried",
        [NEED_REFUSED_ID] = "needs a client id that the server refuses; name it with --refused-id",
        [NEED_RIGHTS] = "needs a topic that the client may neither publish nor subscribe to; name "
                        "it with --denied-topic",
        [NEED_METHOD] = "binds a server with an authentication method; no exchange of one is known "
                        "for this server",
        [NEED_QOS_LIMIT] = "binds a server that announces a Maximum QoS; this one takes QoS 2",
        [NEED_NO_RETAIN] = "binds a server without retained messages; this one has them",
        [NEED_NO_WILDCARD] = "binds a server without wildcards; this one has them",
        [NEED_NO_IDENTIFIER] = "binds a server without subscription identifiers; this one has them",
        [NEED_NO_SHARED] = "binds a server without shared subscriptions; this one has them",
        [NEED_NO_EMPTY_ID] = "binds a server that refuses an empty client id; this one gives one",
        [NEED_KEEP_ALIVE_LIMIT] = "binds a server with a limit of Keep Alive; this one has none",
        [NEED_EXPIRY_LIMIT] =
                "binds a server with a limit of Session Expiry Interval; this one has "
                "none",
        [NEED_PACKET_LIMIT] = "binds a server that announces a Maximum Packet Size; this one does "
                              "not",
        [NEED_RECEIVE_LIMIT] = "binds a server that announces a Receive Maximum; this one does not",
        [NEED_ALIASES] = "binds a server that takes topic aliases; this one does not",
        [NEED_NO_ALIASES] = "binds a server that takes no topic aliases; this one does",
        [NEED_STATUS] = "needs a retained message under $SYS; none was found",
        [NEED_CONNECT_TIMEOUT] =
                "needs the time after which a transport without CONNECT is closed; "
                "give it with --connect-timeout",
        [NEED_WEBSOCKET] = "binds a server with a WebSocket listener; name it with --websocket",
        [NEED_QOS_2] = "needs QoS 2; this server announces a lower Maximum QoS",
        [NEED_RETAIN] = "needs retained messages; this server announces that it has none",
        [NEED_WILDCARD] = "needs wildcards; this server announces that it has none",
        [NEED_IDENTIFIER] = "needs subscription identifiers; this server announces that it has "
                            "none",
        [NEED_SHARED] = "needs shared subscriptions; this server announces that it has none",
    };

    return need < CHECK_NEEDS ? texts[need] : NULL;
}
