/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount points: what stands before every topic of a listener's clients (mount_point). A client says
 * and hears the short name; everything else of the server, access rights and the log too, knows the
 * full one. Where a listener has no mount point none of this is called.
 */
#ifndef BROKER_CORE_MOUNT_H
#define BROKER_CORE_MOUNT_H

#include "base/bytes.h"
#include "broker/core/settings.h"
#include "mqtt/reason.h"

struct core;

static inline bool is_mounted(const struct listener_settings *listener)
{
    return listener->mount_point[0] != '\0';
}

/*
 * Puts the full name in the place of *topic. It lies in the shard's scratch memory, until core
 * fills output or another name is mounted.
 *
 * Returns MQTT_SUCCESS, MQTT_TOPIC_NAME_INVALID where it is over 65,535 bytes, or
 * MQTT_QUOTA_EXCEEDED when memory is short.
 */
enum mqtt_reason mount_topic(
        struct core *core, const struct listener_settings *listener, struct bytes *topic);

/*
 * The same for a filter; of a shared one the mount point stands behind the share name.
 * MQTT_TOPIC_FILTER_INVALID: what comes out is no filter, as of "#" behind a mount point that does
 * not end in '/'.
 */
enum mqtt_reason mount_filter(
        struct core *core, const struct listener_settings *listener, struct bytes *filter);

/* Takes the mount point off a full name. False when the topic lies outside of it. */
bool unmount_topic(const struct listener_settings *listener, struct bytes *topic);

#endif
