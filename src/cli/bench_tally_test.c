/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_tally.h"

#include "tests/harness/test.h"

static struct bench_tally tally_of(uint32_t receivers, uint32_t channels, bool shared)
{
    struct bench_tally tally;
    bool wanted[16];

    memset(wanted, true, sizeof(wanted));
    assert_int_equal(bench_tally_init(&tally, receivers, channels, shared), 0);
    for (uint32_t i = 0; i < receivers; i++)
        assert_int_equal(bench_tally_want(&tally, i, wanted), 0);
    return tally;
}

static void send_many(struct bench_tally *tally, uint32_t channel, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(bench_tally_send(tally, channel), i);
}

TEST(all_in_order_at_every_receiver_is_exact)
{
    struct bench_tally tally = tally_of(3, 2, false);

    send_many(&tally, 0, 100);
    send_many(&tally, 1, 100);
    assert_int_equal(tally.expected, 600);
    for (uint32_t i = 0; i < 600; i++)
        assert_true(bench_tally_receive(&tally, i % 3, i / 3 % 2, i / 6));
    assert_true(bench_tally_exact(&tally));
    bench_tally_deinit(&tally);
}

TEST(what_did_not_arrive_is_lost)
{
    struct bench_tally tally = tally_of(2, 1, false);

    send_many(&tally, 0, 3);
    assert_true(bench_tally_receive(&tally, 0, 0, 0));
    assert_true(bench_tally_receive(&tally, 0, 0, 2));
    assert_true(bench_tally_receive(&tally, 1, 0, 2));
    assert_int_equal(bench_tally_lost(&tally), 3);
    assert_int_equal(tally.out_of_order, 0);
    assert_false(bench_tally_exact(&tally));
    bench_tally_deinit(&tally);
}

TEST(a_late_message_is_out_of_order_and_not_lost)
{
    struct bench_tally tally = tally_of(1, 1, false);

    send_many(&tally, 0, 3);
    assert_true(bench_tally_receive(&tally, 0, 0, 1));
    assert_true(bench_tally_receive(&tally, 0, 0, 0));
    assert_true(bench_tally_receive(&tally, 0, 0, 2));
    assert_int_equal(bench_tally_lost(&tally), 0);
    assert_int_equal(tally.out_of_order, 1);
    assert_int_equal(tally.duplicated, 0);
    assert_false(bench_tally_exact(&tally));
    bench_tally_deinit(&tally);
}

TEST(a_second_copy_is_duplicated_also_after_a_gap)
{
    struct bench_tally tally = tally_of(1, 1, false);

    send_many(&tally, 0, 5000);
    assert_true(bench_tally_receive(&tally, 0, 0, 0));
    assert_false(bench_tally_receive(&tally, 0, 0, 0));
    assert_true(bench_tally_receive(&tally, 0, 0, 4000));
    assert_false(bench_tally_receive(&tally, 0, 0, 0));
    assert_false(bench_tally_receive(&tally, 0, 0, 4000));
    assert_true(bench_tally_receive(&tally, 0, 0, 4001));
    assert_int_equal(tally.duplicated, 3);
    assert_int_equal(tally.delivered, 3);
    bench_tally_deinit(&tally);
}

TEST(every_order_of_arrival_is_counted_once_each)
{
    struct bench_tally tally = tally_of(1, 1, false);

    send_many(&tally, 0, 10007);
    for (uint32_t i = 0; i < 10007; i++) /* 10007 is a prime, so this meets every number once */
        assert_true(bench_tally_receive(&tally, 0, 0, (uint32_t)((uint64_t)i * 5003 % 10007)));
    assert_int_equal(bench_tally_lost(&tally), 0);
    assert_int_equal(tally.duplicated, 0);
    assert_true(tally.out_of_order > 0);
    bench_tally_deinit(&tally);
}

TEST(what_was_never_sent_or_wanted_is_unexpected)
{
    struct bench_tally tally;
    const bool wanted[] = { false, true, false, true, false };

    assert_int_equal(bench_tally_init(&tally, 1, 5, false), 0);
    assert_int_equal(bench_tally_want(&tally, 0, wanted), 0);
    for (uint32_t i = 0; i < 5; i++)
        send_many(&tally, i, 1);
    assert_int_equal(tally.expected, 2);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(bench_tally_receive(&tally, 0, i, 0), wanted[i]);
    assert_false(bench_tally_receive(&tally, 0, 1, 1));
    assert_false(bench_tally_receive(&tally, 0, 70000, 0));
    assert_int_equal(tally.unexpected, 5);
    assert_int_equal(bench_tally_lost(&tally), 0);
    bench_tally_deinit(&tally);
}

TEST(a_shared_group_gets_each_message_once)
{
    struct bench_tally tally = tally_of(2, 1, true);

    send_many(&tally, 0, 4);
    assert_int_equal(tally.expected, 4);
    assert_true(bench_tally_receive(&tally, 0, 0, 1));
    assert_true(bench_tally_receive(&tally, 1, 0, 0));
    assert_true(bench_tally_receive(&tally, 1, 0, 2));
    assert_true(bench_tally_receive(&tally, 0, 0, 3));
    assert_true(bench_tally_exact(&tally));
    assert_false(bench_tally_receive(&tally, 1, 0, 3));
    assert_int_equal(tally.duplicated, 1);
    bench_tally_deinit(&tally);
}

TEST(a_shared_group_keeps_order_at_each_member)
{
    struct bench_tally tally = tally_of(2, 1, true);

    send_many(&tally, 0, 3);
    assert_true(bench_tally_receive(&tally, 0, 0, 2));
    assert_true(bench_tally_receive(&tally, 0, 0, 0));
    assert_true(bench_tally_receive(&tally, 1, 0, 1));
    assert_int_equal(tally.out_of_order, 1);
    bench_tally_deinit(&tally);
}
