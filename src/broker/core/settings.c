/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/settings.h"

#include "mqtt/topic.h"

void core_settings_init(struct core_settings *settings)
{
    *settings = (struct core_settings){
        .max_inflight_messages = 20,
        .max_queued_messages = 1000,
        .qos0_backlog_bytes_max = 16 << 20,
        .queue_full_policy = QUEUE_DROP_NEW,
        .receive_max = 20,
        .max_packet_size = 2000000,
        .connect_size_max = 100000,
        .topic_levels_max = 200,
        .topic_size_max = UINT16_MAX,
        .user_properties_max = 100,
        .packet_rate_max = 10000000,
        .connect_timeout_ms = 10000,
        .global_max_clients = -1,
        .global_max_connections = -1,
        .subscriptions_max = 100000,
        .flapping_max = 100,
        .flapping_window_ms = 60000,
        .id_fight_max = 20,
        .retain_available = true,
        .check_retain_source = true,
    };
}

void listener_settings_init(struct listener_settings *settings)
{
    *settings = (struct listener_settings){
        .max_connections = -1,
        .max_qos = 2,
        .max_topic_alias = 10,
        .max_topic_alias_broker = 10,
        .protocol_versions = 1 << 3 | 1 << 4 | 1 << 5,
        .allow_zero_length_clientid = true,
        .auto_id_prefix = "auto-",
    };
}

const char *settings_topic_limit_of_long(const struct core_settings *settings, struct bytes topic)
{
    if (topic.size > settings->topic_size_max)
        return "topic_size_max";
    return mqtt_topic_levels(topic) > settings->topic_levels_max ? "topic_levels_max" : NULL;
}
