/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/outflow.h"

#include "tests/harness/test.h"

static void step_is(enum mqtt_outflow_state state, enum mqtt_outflow_event event,
        enum mqtt_outflow_state next, enum mqtt_outflow_action action)
{
    struct mqtt_outflow_step step = mqtt_outflow_step(state, event);

    assert_int_equal(step.next, next);
    assert_int_equal(step.action, action);
}

SPEC_TEST("MQTT5-4.3.2-3 MQTT311-4.3.2-1", qos_1_ends_with_puback)
{
    step_is(OUT_WAIT_PUBACK, GOT_PUBACK, OUT_DONE, OUT_RELEASE_ID);
}

SPEC_TEST("MQTT5-4.3.3-3 MQTT5-4.3.3-4 MQTT5-4.3.3-5 MQTT311-4.3.3-1",
        qos_2_goes_by_pubrec_and_pubcomp)
{
    step_is(OUT_WAIT_PUBREC, GOT_PUBREC, OUT_WAIT_PUBCOMP, OUT_SEND_PUBREL);
    step_is(OUT_WAIT_PUBCOMP, GOT_PUBCOMP, OUT_DONE, OUT_RELEASE_ID);
}

SPEC_TEST("MQTT5-4.3.3-4 MQTT5-4.4.0-2", a_refusing_pubrec_ends_it)
{
    step_is(OUT_WAIT_PUBREC, GOT_PUBREC_ERROR, OUT_DONE, OUT_RELEASE_ID);
}

TEST(a_second_pubrec_gets_a_second_pubrel)
{
    step_is(OUT_WAIT_PUBCOMP, GOT_PUBREC, OUT_WAIT_PUBCOMP, OUT_SEND_PUBREL);
}

SPEC_TEST("MQTT5-4.4.0-1 MQTT311-4.4.0-1 MQTT5-4.3.3-6", a_resumed_session_sends_again)
{
    step_is(OUT_WAIT_PUBACK, OUT_RESUMED, OUT_WAIT_PUBACK, OUT_RESEND_PUBLISH);
    step_is(OUT_WAIT_PUBREC, OUT_RESUMED, OUT_WAIT_PUBREC, OUT_RESEND_PUBLISH);
    step_is(OUT_WAIT_PUBCOMP, OUT_RESUMED, OUT_WAIT_PUBCOMP, OUT_SEND_PUBREL);
}

TEST(answers_to_another_qos_are_protocol_errors)
{
    step_is(OUT_WAIT_PUBACK, GOT_PUBREC, OUT_WAIT_PUBACK, OUT_PROTOCOL_ERROR);
    step_is(OUT_WAIT_PUBACK, GOT_PUBREC_ERROR, OUT_WAIT_PUBACK, OUT_PROTOCOL_ERROR);
    step_is(OUT_WAIT_PUBACK, GOT_PUBCOMP, OUT_WAIT_PUBACK, OUT_PROTOCOL_ERROR);
    step_is(OUT_WAIT_PUBREC, GOT_PUBACK, OUT_WAIT_PUBREC, OUT_PROTOCOL_ERROR);
    step_is(OUT_WAIT_PUBREC, GOT_PUBCOMP, OUT_WAIT_PUBREC, OUT_PROTOCOL_ERROR);
    step_is(OUT_WAIT_PUBCOMP, GOT_PUBACK, OUT_WAIT_PUBCOMP, OUT_PROTOCOL_ERROR);
    step_is(OUT_WAIT_PUBCOMP, GOT_PUBREC_ERROR, OUT_WAIT_PUBCOMP, OUT_PROTOCOL_ERROR);
}

TEST(answers_to_nothing_are_passed_over)
{
    step_is(OUT_DONE, GOT_PUBACK, OUT_DONE, OUT_IGNORE);
    step_is(OUT_DONE, GOT_PUBREC, OUT_DONE, OUT_SEND_PUBREL_NOT_FOUND);
    step_is(OUT_DONE, GOT_PUBREC_ERROR, OUT_DONE, OUT_IGNORE);
    step_is(OUT_DONE, GOT_PUBCOMP, OUT_DONE, OUT_IGNORE);
    step_is(OUT_DONE, OUT_RESUMED, OUT_DONE, OUT_IGNORE);
}

TEST(every_pair_has_a_step_and_ids_are_released_once)
{
    for (unsigned state = OUT_WAIT_PUBACK; state <= OUT_DONE; state++) {
        for (unsigned event = GOT_PUBACK; event <= OUT_RESUMED; event++) {
            struct mqtt_outflow_step step = mqtt_outflow_step(
                    (enum mqtt_outflow_state)state, (enum mqtt_outflow_event)event);

            assert_int_equal(
                    step.action == OUT_RELEASE_ID, step.next == OUT_DONE && state != OUT_DONE);
            if (step.action == OUT_PROTOCOL_ERROR || step.action == OUT_IGNORE)
                assert_int_equal(step.next, state);
        }
    }
}
