/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/reserved.h"

#include "tests/harness/test.h"

SPEC_TEST("U5-4.7.2-1 U311-4.7.2-a", topics_of_the_server_are_reserved)
{
    assert_true(topic_reserved(BYTES("$SYS/broker/uptime")));
    assert_true(topic_reserved(BYTES("$share/group/topic")));
    assert_true(topic_reserved(BYTES("$")));
    assert_false(topic_reserved(BYTES("a/$SYS")));
    assert_false(topic_reserved(BYTES("/")));
}

TEST(bridge_of_another_server_may_say_its_state)
{
    assert_false(topic_reserved(BYTES("$SYS/broker/connection/plant.bridge/state")));
    assert_true(topic_reserved(BYTES("$SYS/broker/connection/state")));
    assert_true(topic_reserved(BYTES("$SYS/broker/connection/a/b/state")));
}
