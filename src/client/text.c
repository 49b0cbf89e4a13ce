/* SPDX-License-Identifier: Apache-2.0 */
#include "nightjar/mqtt.h"

#include "mqtt/reason.h"

const char *nj_error_text(enum nj_error error)
{
    switch (error) {
    case NJ_OK:
        return "Good";
    case NJ_LATER:
        return "Not now: what is under way must get on first";
    case NJ_NOT_CONNECTED:
        return "Not connected";
    case NJ_INVALID:
        return "MQTT does not allow that argument";
    case NJ_TOO_LARGE:
        return "Too large for a buffer, or for what the server takes";
    case NJ_NOT_OFFERED:
        return "The server does not do this";
    case NJ_UNKNOWN_ID:
        return "Nothing is in flight under that id";
    case NJ_NO_MEMORY:
        return "No memory, descriptor or thread is left";
    case NJ_TIMED_OUT:
        return "It has not come about in time";
    case NJ_FULL:
        return "A limit is reached";
    case NJ_REFUSED:
        return "The server has refused it";
    case NJ_LOST:
        return "The server has lost the session, and may have taken the message or not";
    case NJ_CLOSED:
        return "The link is closed";
    case NJ_IN_CALLBACK:
        return "A callback may not make a call that waits";
    case NJ_NO_ADDRESS:
        return "The name of the host leads to no address";
    case NJ_NETWORK:
        return "There is no connection to the server";
    case NJ_TLS:
        return "No safe connection can be made by TLS";
    case NJ_WEBSOCKET:
        return "The server does not speak WebSocket there, or not by its rules";
    case NJ_FILE:
        return "The file for messages cannot be used";
    }
    return "Unknown";
}

const char *nj_reason_text(unsigned reason)
{
    return mqtt_reason_text((enum mqtt_reason)reason);
}
