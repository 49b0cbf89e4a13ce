/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

static void connects(struct check *check)
{
    probe_connected(check, "~a");
}

static const struct check_case cases[] = {
    { "V31-1", CASE(connects) },
};

const struct check_chapter check_mqtt31 = CHAPTER("MQTT 3.1", MQTT_3_1, cases);
