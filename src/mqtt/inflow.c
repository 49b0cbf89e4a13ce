/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/inflow.h"

#include <assert.h>

struct mqtt_inflow_step mqtt_inflow_step(enum mqtt_inflow_state state, enum mqtt_inflow_event event)
{
    static const struct mqtt_inflow_step steps[IN_HELD + 1][GOT_PUBREL + 1] = {
        [IN_FREE][GOT_PUBLISH] = { IN_HELD, IN_DELIVER },
        [IN_FREE][GOT_PUBLISH_REFUSED] = { IN_FREE, IN_SEND_PUBREC_ERROR },
        [IN_FREE][GOT_PUBREL] = { IN_FREE, IN_SEND_PUBCOMP_NOT_FOUND },

        [IN_HELD][GOT_PUBLISH] = { IN_HELD, IN_SEND_PUBREC },
        [IN_HELD][GOT_PUBLISH_REFUSED] = { IN_HELD, IN_SEND_PUBREC },
        [IN_HELD][GOT_PUBREL] = { IN_FREE, IN_SEND_PUBCOMP },
    };

    assert(state <= IN_HELD);
    assert(event <= GOT_PUBREL);
    return steps[state][event];
}
