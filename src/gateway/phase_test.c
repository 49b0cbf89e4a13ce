/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/phase.h"

#include "tests/harness/test.h"

#include <stdbool.h>

static bool is_over(enum gateway_phase phase)
{
    return phase == GATEWAY_DISCONNECTED || phase == GATEWAY_LOST;
}

SPEC_TEST("SN-6.14-1", every_pair_has_a_step)
{
    for (unsigned phase = 0; phase < GATEWAY_PHASES; phase++) {
        for (unsigned event = 0; event < GATEWAY_EVENTS; event++) {
            struct gateway_step step =
                    gateway_step((enum gateway_phase)phase, (enum gateway_event)event);

            assert_in_range(step.next, GATEWAY_NEW, GATEWAY_LOST);
            assert_in_range(step.action, GATEWAY_IGNORE, GATEWAY_EXPEL);
            if (step.next != (enum gateway_phase)phase)
                assert_int_not_equal(step.next, GATEWAY_NEW);
        }
        assert_non_null(gateway_phase_name((enum gateway_phase)phase));
    }
}

TEST(whoever_is_gone_stays_gone)
{
    for (unsigned event = 0; event < GATEWAY_EVENTS; event++) {
        struct gateway_step step = gateway_step(GATEWAY_LOST, (enum gateway_event)event);

        assert_int_equal(step.next, GATEWAY_LOST);
        assert_int_equal(step.action, GATEWAY_IGNORE);
        step = gateway_step(GATEWAY_DISCONNECTED, (enum gateway_event)event);
        assert_int_equal(step.next, GATEWAY_DISCONNECTED);
        assert_int_equal(step.action, GATEWAY_IGNORE);
    }
}

/* [SN-6.14-2] to [SN-6.14-4], [SN-6.14-9] */
TEST(silence_and_broken_rules_alone_lose_a_client)
{
    for (unsigned phase = GATEWAY_WILL_TOPIC; phase < GATEWAY_DISCONNECTED; phase++) {
        for (unsigned event = 0; event < GATEWAY_EVENTS; event++) {
            struct gateway_step step =
                    gateway_step((enum gateway_phase)phase, (enum gateway_event)event);

            if (step.next == GATEWAY_LOST)
                assert_true(event == GATEWAY_SILENCE || event == GATEWAY_GIVE_UP ||
                        event == GATEWAY_FAULT);
            if (event == GATEWAY_DISCONNECT)
                assert_true(is_over(step.next));
        }
    }
}
