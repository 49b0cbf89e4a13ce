/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/inflow.h"

#include "tests/harness/test.h"

static void step_is(enum mqtt_inflow_state state, enum mqtt_inflow_event event,
        enum mqtt_inflow_state next, enum mqtt_inflow_action action)
{
    struct mqtt_inflow_step step = mqtt_inflow_step(state, event);

    assert_int_equal(step.next, next);
    assert_int_equal(step.action, action);
}

SPEC_TEST("MQTT5-4.3.3-8 MQTT5-4.3.3-10 MQTT5-4.3.3-11 MQTT5-4.3.3-12 MQTT311-4.3.3-2",
        qos_2_is_delivered_once_and_freed_by_pubrel)
{
    step_is(IN_FREE, GOT_PUBLISH, IN_HELD, IN_DELIVER);
    step_is(IN_HELD, GOT_PUBLISH, IN_HELD, IN_SEND_PUBREC);
    step_is(IN_HELD, GOT_PUBREL, IN_FREE, IN_SEND_PUBCOMP);
}

SPEC_TEST("MQTT5-4.3.3-9", a_refused_message_holds_nothing)
{
    step_is(IN_FREE, GOT_PUBLISH_REFUSED, IN_FREE, IN_SEND_PUBREC_ERROR);
}

TEST(what_was_taken_is_not_refused_later)
{
    step_is(IN_HELD, GOT_PUBLISH_REFUSED, IN_HELD, IN_SEND_PUBREC);
}

SPEC_TEST("MQTT5-3.7.2-1 MQTT311-4.3.3-2", a_pubrel_for_nothing_is_answered_too)
{
    step_is(IN_FREE, GOT_PUBREL, IN_FREE, IN_SEND_PUBCOMP_NOT_FOUND);
}
