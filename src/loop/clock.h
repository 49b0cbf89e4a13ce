/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time it is: the only place that asks. The loop asks once a turn and passes the answer on.
 */
#ifndef LOOP_CLOCK_H
#define LOOP_CLOCK_H

#include <stdint.h>

/* Milliseconds since some fixed moment; never goes back and knows no clock change. */
int64_t clock_now_ms(void);

/* The same clock in nanoseconds, to measure with. */
int64_t clock_now_ns(void);

/* Milliseconds since 1970-01-01 UTC, for what is stored or shown; may jump. */
int64_t clock_wall_ms(void);

#endif
