/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"

#include <stddef.h>

const struct check_chapter *const check_chapters[] = {
    &check_mqtt5_format,
    &check_mqtt5_connect,
    &check_mqtt5_connack,
    &check_mqtt5_will,
    &check_mqtt5_session,
    &check_mqtt5_publish,
    &check_mqtt5_retained,
    &check_mqtt5_alias,
    &check_mqtt5_ack,
    &check_mqtt5_qos,
    &check_mqtt5_flow,
    &check_mqtt5_subscribe,
    &check_mqtt5_unsubscribe,
    &check_mqtt5_topic,
    &check_mqtt5_shared,
    &check_mqtt5_disconnect,
    &check_mqtt5_auth,
    &check_mqtt5_error,
    &check_mqtt311_format,
    &check_mqtt311_connect,
    &check_mqtt311_session,
    &check_mqtt311_publish,
    &check_mqtt311_retained,
    &check_mqtt311_qos,
    &check_mqtt311_subscribe,
    &check_mqtt311_topic,
    &check_mqtt31,
    &check_combination,
    &check_websocket,
    &check_websocket_311,
    &check_websocket_31,
    NULL,
};

const char *check_version_text(enum mqtt_version version)
{
    static const char *const texts[] = {
        [MQTT_3_1] = "3.1", [MQTT_3_1_1] = "3.1.1", [MQTT_5_0] = "5.0"
    };

    return texts[version];
}
