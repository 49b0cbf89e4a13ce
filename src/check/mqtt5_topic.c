/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

static void connects(struct check *check)
{
    probe_connected(check, "~a");
}

static const struct check_case cases[] = {
    { "MQTT5-3.1.4-5", CASE(connects) },
};

const struct check_chapter check_mqtt5_topic = CHAPTER("Topics", MQTT_5_0, cases);
