/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/mount.h"

#include "broker/core/state.h"
#include "mqtt/packet.h"
#include "mqtt/topic.h"

/* Puts the mount point between the two. */
static enum mqtt_reason join(struct core *core, const struct listener_settings *listener,
        struct bytes before, struct bytes behind, struct bytes *out)
{
    struct bytes mount_point = bytes_of_text(listener->mount_point);
    struct writer writer = { .size = before.size + mount_point.size + behind.size };

    if (writer.size > MQTT_TEXT_SIZE_MAX)
        return MQTT_TOPIC_NAME_INVALID;
    core->scratch.size = 0;
    writer.data = buffer_room(&core->scratch, &core->memory, writer.size);
    if (!writer.data)
        return MQTT_QUOTA_EXCEEDED;
    writer_bytes(&writer, before);
    writer_bytes(&writer, mount_point);
    writer_bytes(&writer, behind);
    *out = writer_written(&writer);
    return MQTT_SUCCESS;
}

enum mqtt_reason mount_topic(
        struct core *core, const struct listener_settings *listener, struct bytes *topic)
{
    return join(core, listener, (struct bytes){ 0 }, *topic, topic);
}

enum mqtt_reason mount_filter(
        struct core *core, const struct listener_settings *listener, struct bytes *filter)
{
    struct bytes inner = *filter;
    struct bytes full = *filter;
    struct bytes share_name;
    enum mqtt_reason reason;

    if (mqtt_share_split(*filter, &share_name, &inner) == MQTT_SHARE_INVALID)
        return MQTT_TOPIC_FILTER_INVALID;
    reason = join(core, listener, bytes_first(*filter, filter->size - inner.size), inner, &full);
    if (reason == MQTT_QUOTA_EXCEEDED)
        return reason;
    if (reason != MQTT_SUCCESS || !mqtt_topic_filter_valid(full))
        return MQTT_TOPIC_FILTER_INVALID;
    *filter = full;
    return MQTT_SUCCESS;
}

bool unmount_topic(const struct listener_settings *listener, struct bytes *topic)
{
    struct bytes mount_point = bytes_of_text(listener->mount_point);

    /* A topic is not empty, so what is the mount point itself lies outside, too. */
    if (topic->size <= mount_point.size || !bytes_start_with(*topic, mount_point))
        return false;
    *topic = bytes_from(*topic, mount_point.size);
    return true;
}
