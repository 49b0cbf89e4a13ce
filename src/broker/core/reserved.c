/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/reserved.h"

#include "mqtt/topic.h"

bool topic_reserved(struct bytes topic)
{
    return topic.size > 0 && topic.data[0] == '$' &&
            !mqtt_topic_match(BYTES("$SYS/broker/connection/+/state"), topic);
}
