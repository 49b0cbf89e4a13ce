/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/anonymous.h"

static enum mqtt_reason admit(void *context, const struct mqtt_connect *connect,
        const struct listener_settings *listener, void **identity)
{
    /* A name that nobody can check says nothing, so whoever gives one is anonymous too. */
    (void)context;
    (void)connect;
    (void)identity;
    return listener->allow_anonymous ? MQTT_SUCCESS : MQTT_NOT_AUTHORIZED;
}

struct access anonymous_access(void)
{
    return (struct access){ .admit = admit };
}
