/* SPDX-License-Identifier: Apache-2.0 */
#include "check/chapters.h"
#include "check/probe.h"

static void connects(struct check *check)
{
    probe_connected(check, "~a");
}

static const struct check_case cases[] = {
    { "MQTT311-3.1.4-4", CASE(connects) },
};

const struct check_chapter check_mqtt311_subscribe =
        CHAPTER("SUBSCRIBE and SUBACK", MQTT_3_1_1, cases);
