/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/rate.h"

#include "tests/harness/test.h"

enum { START_MS = 1000000 };

TEST(without_limits_nothing_is_limited)
{
    struct rates rates = rates_of(0, 0);

    assert_false(rates_limit(&rates));
    rates = rates_of(1, 0);
    assert_true(rates_limit(&rates));
    rates = rates_of(0, 1000);
    assert_true(rates_limit(&rates));
}

/* Takes what there is room for of `packets` packets with `size` bytes each. */
static int64_t take(const struct rates *rates, int64_t *paid_ns, int64_t now_ms, uint64_t *packets,
        uint64_t size)
{
    struct rate_room room = rate_room(rates, *paid_ns, now_ms, *packets * size);
    uint64_t taken = 0;

    while (taken < *packets && taken < room.packets && taken * size < room.bytes)
        taken++;
    *packets -= taken;
    return rate_charge(rates, paid_ns, now_ms, taken, taken * size);
}

/* Lets a client send all the time for ten seconds. Returns how many packets were taken. */
static uint64_t flood(const struct rates *rates, uint64_t size)
{
    int64_t paid_ns = INT64_MIN;
    int64_t again_ms = START_MS;
    uint64_t taken = 0;

    for (int64_t now_ms = START_MS; now_ms < START_MS + 10000; now_ms++) {
        uint64_t packets = 100;
        int64_t pause_ms;

        if (now_ms < again_ms)
            continue;
        pause_ms = take(rates, &paid_ns, now_ms, &packets, size);
        taken += 100 - packets;
        again_ms = now_ms + pause_ms;
        assert_true(packets == 0 || pause_ms >= RATE_PAUSE_MIN_MS);
    }
    return taken;
}

TEST(flood_is_held_to_its_rate_and_one_second_more)
{
    const uint32_t packets[] = { 1, 7, 100, 3000 };
    struct rates rates;

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        rates = rates_of(packets[i], 0);
        assert_in_range(
                flood(&rates, 50), packets[i] * 11 - packets[i] / 100 - 10, packets[i] * 11 + 11);
        /* The dearer of the two counts. */
        rates = rates_of(packets[i], 1000000);
        assert_in_range(
                flood(&rates, 50), packets[i] * 11 - packets[i] / 100 - 10, packets[i] * 11 + 11);
    }
    rates = rates_of(1000000, 5000);
    assert_in_range(flood(&rates, 50), 1099, 1110);
}

TEST(client_within_its_rate_is_never_left_unread)
{
    struct rates rates = rates_of(1000, 50000);
    int64_t paid_ns = INT64_MIN;

    for (int64_t now_ms = START_MS; now_ms < START_MS + 60000; now_ms += 10) {
        uint64_t packets = 10;

        assert_int_equal(take(&rates, &paid_ns, now_ms, &packets, 50), 0);
        assert_int_equal(packets, 0);
    }
}

TEST(large_packet_is_taken_whole_and_paid_for)
{
    const uint64_t size = 268435460;
    struct rates rates = rates_of(1, 1000);
    int64_t paid_ns = INT64_MIN;
    uint64_t packets = 1;
    int64_t pause_ms = take(&rates, &paid_ns, START_MS, &packets, size);

    assert_int_equal(packets, 0);
    assert_int_equal(pause_ms, size - RATE_BURST_MS);
    assert_int_equal(rate_room(&rates, INT64_MIN, START_MS, size).packets, 1);
}

TEST(room_ends_where_a_pause_begins)
{
    for (uint32_t rate = 1; rate <= 1000000000 / 3; rate *= 3) {
        struct rates rates = rates_of(rate, rate >= 1000 ? rate : 0);

        for (int64_t saved_ns = 1; saved_ns <= 1000000000; saved_ns *= 10) {
            int64_t paid_ns = START_MS * INT64_C(1000000) - saved_ns;
            int64_t same_ns = paid_ns;
            struct rate_room room = rate_room(&rates, paid_ns, START_MS, UINT32_MAX / 16);

            if (room.packets != UINT64_MAX)
                assert_true(rate_charge(&rates, &paid_ns, START_MS, room.packets, 0) > 0);
            if (room.bytes != UINT64_MAX)
                assert_true(rate_charge(&rates, &same_ns, START_MS, 0, room.bytes) > 0);
        }
    }
}

TEST(dearer_of_the_two_has_the_name)
{
    const struct rates both = rates_of(10, 1000);
    const struct rates bytes = rates_of(0, 1000);

    assert_true(rates_packets_count(&both, 1, 99));
    assert_false(rates_packets_count(&both, 1, 101));
    assert_false(rates_packets_count(&bytes, 1, 1));
}
