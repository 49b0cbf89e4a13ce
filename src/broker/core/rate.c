/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/rate.h"

#include <assert.h>

static const int64_t NS_PER_MS = 1000000;
static const uint64_t NS_PER_S = 1000000000;

enum {
    KIBIBYTE = 1024,
    BYTES_PER_S_MIN = 1000, /* below it what a large packet costs would not fit a number */
    PACKET_SIZE_MIN = 2,
};

struct rates rates_of(uint32_t packets_per_s, uint64_t bytes_per_s)
{
    struct rates rates = { 0, 0 };

    assert(packets_per_s <= NS_PER_S);
    assert(bytes_per_s == 0 || bytes_per_s >= BYTES_PER_S_MIN);
    if (packets_per_s > 0)
        rates.packet_ns = NS_PER_S / packets_per_s;
    if (bytes_per_s > 0)
        rates.kibibyte_ns = NS_PER_S * KIBIBYTE / bytes_per_s;
    return rates;
}

static uint64_t cost_ns(const struct rates *rates, uint64_t packets, uint64_t bytes)
{
    uint64_t of_packets = packets * rates->packet_ns;
    uint64_t of_bytes = bytes * rates->kibibyte_ns / KIBIBYTE;

    return of_packets > of_bytes ? of_packets : of_bytes;
}

bool rates_packets_count(const struct rates *rates, uint64_t packets, uint64_t bytes)
{
    return packets * rates->packet_ns >= bytes * rates->kibibyte_ns / KIBIBYTE;
}

/* What an idle client has saved up has its limit. */
static int64_t paid_until(int64_t paid_ns, int64_t now_ms)
{
    int64_t earliest_ns = (now_ms - RATE_BURST_MS) * NS_PER_MS;

    return paid_ns > earliest_ns ? paid_ns : earliest_ns;
}

/* Rounded up, so that what reaches it has used up all that was saved; one is always taken. */
static uint64_t quotient(uint64_t saved, uint64_t cost)
{
    return saved > cost ? (saved + cost - 1) / cost : 1;
}

struct rate_room rate_room(
        const struct rates *rates, int64_t paid_ns, int64_t now_ms, uint64_t size)
{
    struct rate_room room = { UINT64_MAX, UINT64_MAX };
    int64_t saved_ns = now_ms * NS_PER_MS - paid_until(paid_ns, now_ms);
    uint64_t left_ns = saved_ns > 0 ? (uint64_t)saved_ns : 0;

    if (cost_ns(rates, size / PACKET_SIZE_MIN, size) < left_ns)
        return room;
    if (rates->packet_ns > 0)
        room.packets = quotient(left_ns, rates->packet_ns);
    if (rates->kibibyte_ns > 0)
        room.bytes = quotient(left_ns * KIBIBYTE, rates->kibibyte_ns);
    return room;
}

int64_t rate_charge(const struct rates *rates, int64_t *paid_ns, int64_t now_ms, uint64_t packets,
        uint64_t bytes)
{
    int64_t ahead_ns;
    int64_t pause_ms;

    *paid_ns = paid_until(*paid_ns, now_ms) + (int64_t)cost_ns(rates, packets, bytes);
    ahead_ns = *paid_ns - now_ms * NS_PER_MS;
    if (ahead_ns < 0)
        return 0;
    pause_ms = (ahead_ns + NS_PER_MS - 1) / NS_PER_MS;
    return pause_ms > RATE_PAUSE_MIN_MS ? pause_ms : RATE_PAUSE_MIN_MS;
}
