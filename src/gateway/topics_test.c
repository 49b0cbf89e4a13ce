/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/topics.h"

#include "gateway/predefined.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

SPEC_TEST("SN-5.3.11-1", no_id_is_0000_or_ffff)
{
    struct test_memory memory = test_memory_start();
    struct gateway_topics topics = { .max = 2 };

    for (unsigned i = 0; i < 70000; i++) {
        struct gateway_topic *topic =
                gateway_topics_add(&topics, &memory.memory, bytes_of(&i, sizeof(i)));

        assert_non_null(topic);
        assert_in_range(topic->id, 0x0001, 0xFFFE);
        topic->ours = true; /* it gives way to the next but one */
    }
    assert_int_equal(topics.count, 2);
    gateway_topics_deinit(&topics, &memory.memory);
    test_memory_end(&memory);
}

TEST(two_entries_never_share_an_id)
{
    struct test_memory memory = test_memory_start();
    struct gateway_topics topics = { .max = 4, .last_id = MQTTSN_TOPIC_ID_MAX - 1 };
    struct gateway_topic *a = gateway_topics_add(&topics, &memory.memory, BYTES("a"));
    struct gateway_topic *b = gateway_topics_add(&topics, &memory.memory, BYTES("b"));

    assert_int_equal(a->id, MQTTSN_TOPIC_ID_MAX);
    assert_int_equal(b->id, MQTTSN_TOPIC_ID_MIN);
    topics.last_id = MQTTSN_TOPIC_ID_MAX - 1;
    assert_int_equal(gateway_topics_add(&topics, &memory.memory, BYTES("c"))->id, 2);
    gateway_topics_deinit(&topics, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_full_table_refuses_what_a_client_asks)
{
    struct test_memory memory = test_memory_start();
    struct gateway_topics topics = { .max = 2 };

    assert_non_null(gateway_topics_add(&topics, &memory.memory, BYTES("a")));
    assert_non_null(gateway_topics_add(&topics, &memory.memory, BYTES("b")));
    assert_null(gateway_topics_add(&topics, &memory.memory, BYTES("c")));
    assert_non_null(gateway_topics_find_name(&topics, BYTES("a")));
    gateway_topics_find_name(&topics, BYTES("a"))->ours = true;
    assert_non_null(gateway_topics_add(&topics, &memory.memory, BYTES("c")));
    assert_null(gateway_topics_find_name(&topics, BYTES("a")));
    gateway_topics_deinit(&topics, &memory.memory);
    test_memory_end(&memory);
}

TEST(an_id_means_something_once_it_was_given)
{
    struct test_memory memory = test_memory_start();
    struct gateway_topics topics = { .max = 2 };
    struct gateway_topic *topic = gateway_topics_add(&topics, &memory.memory, BYTES("a"));

    assert_null(gateway_topics_find_id(&topics, topic->id));
    topic->given = topic->told = true;
    assert_ptr_equal(gateway_topics_find_id(&topics, topic->id), topic);
    gateway_topics_forget(&topics);
    assert_false(topic->told);
    assert_ptr_equal(gateway_topics_find_id(&topics, topic->id), topic);
    topic->type = MQTTSN_TOPIC_PREDEFINED;
    assert_null(gateway_topics_find_id(&topics, topic->id));
    gateway_topics_make_normal(&topics, topic);
    assert_ptr_equal(gateway_topics_find_id(&topics, topic->id), topic);
    gateway_topics_deinit(&topics, &memory.memory);
    test_memory_end(&memory);
}

TEST(short_memory_changes_nothing)
{
    struct test_memory memory = test_memory_start();
    struct gateway_topics topics = { .max = 4 };

    memory.state->fail_at = memory.state->fail_until = 1;
    assert_null(gateway_topics_add(&topics, &memory.memory, BYTES("a")));
    assert_int_equal(topics.count, 0);
    assert_null(topics.first);
    gateway_topics_deinit(&topics, &memory.memory);
    test_memory_end(&memory);
}

SPEC_TEST("SN-X-5", a_clients_own_predefined_id_comes_first)
{
    static const struct gateway_predefined_topic topics[] = {
        { 5, { (const uint8_t *)"a", 1 }, { (const uint8_t *)"of/a", 4 } },
        { 5, { 0 }, { (const uint8_t *)"of/all", 6 } },
    };
    const struct gateway_predefined predefined = { topics, 2 };

    assert_true(bytes_equal(gateway_predefined_find(&predefined, BYTES("a"), 5), BYTES("of/a")));
    assert_true(bytes_equal(gateway_predefined_find(&predefined, BYTES("b"), 5), BYTES("of/all")));
    assert_int_equal(gateway_predefined_find(&predefined, BYTES("a"), 6).size, 0);
}
