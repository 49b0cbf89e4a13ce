/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time); /* cannot fail for the two clocks asked here */
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t clock_now_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}
