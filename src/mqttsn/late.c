/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/late.h"

#include <assert.h>

static_assert(MQTTSN_LATE_WINDOW <= 16, "there is a bit for each id in the window");

/* How far the id is behind the last one; ids count on behind 65535. */
static uint16_t behind(const struct mqttsn_late *late, uint16_t id)
{
    return (uint16_t)(late->last - id);
}

static bool is_over(const struct mqttsn_late *late, uint16_t id)
{
    return behind(late, id) < MQTTSN_LATE_WINDOW && (late->over >> behind(late, id) & 1);
}

bool mqttsn_late_is_copy(const struct mqttsn_late *late, uint16_t id)
{
    return late->rises >= MQTTSN_LATE_RISES_MIN && is_over(late, id);
}

void mqttsn_late_begin(struct mqttsn_late *late, uint16_t id)
{
    uint16_t step = (uint16_t)(id - late->last);

    if (late->last != 0 && behind(late, id) < MQTTSN_LATE_WINDOW && !is_over(late, id))
        return; /* It is under way, or was overtaken by those behind it. */
    if (late->last == 0 || step == 0 || step > MQTTSN_LATE_STEP_MAX) {
        *late = (struct mqttsn_late){ .last = id };
        return;
    }
    late->over = step < MQTTSN_LATE_WINDOW ? (uint16_t)(late->over << step) : 0;
    late->last = id;
    if (late->rises < MQTTSN_LATE_RISES_MIN)
        late->rises++;
}

void mqttsn_late_end(struct mqttsn_late *late, uint16_t id)
{
    if (late->last != 0 && behind(late, id) < MQTTSN_LATE_WINDOW)
        late->over |= (uint16_t)(1U << behind(late, id));
}
