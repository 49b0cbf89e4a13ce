/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/extras.h"

#include "broker/core/connection.h"
#include "broker/core/state.h"

#include <assert.h>

struct extras *extras_of(const struct core *core, struct connection *connection)
{
    struct extras *extras = connection->extras;

    if (extras)
        return extras;
    extras = memory_take_zeroed(&core->memory, sizeof(*extras));
    if (!extras)
        return NULL;
    extras->identity_ends_ms = INT64_MAX;
    connection->extras = extras;
    return extras;
}

static bool are_empty(const struct extras *extras)
{
    return !extras->acquaintance && !extras->authentication && !extras->suback &&
            extras->withheld.serials == 0 && !extras->aliases_in.topics &&
            !extras->aliases_out.topics && extras->identity_ends_ms == INT64_MAX &&
            extras->throttled_until_ms == 0 && extras->throttlings == 0 && extras->waits == 0;
}

void extras_settle(const struct core *core, struct connection *connection)
{
    if (!connection->extras)
        return;
    buffer_reset(&connection->extras->connect, &core->memory);
    if (are_empty(connection->extras))
        extras_free(core, connection);
}

void extras_free(const struct core *core, struct connection *connection)
{
    struct extras *extras = connection->extras;

    if (!extras)
        return;
    assert(!extras->acquaintance && !extras->authentication && !extras->suback);
    assert(!extras->withheld.entries && !extras->connect.data);
    aliases_in_deinit(&extras->aliases_in, &core->memory);
    aliases_out_deinit(&extras->aliases_out, &core->memory);
    memory_give(&core->memory, extras, sizeof(*extras));
    connection->extras = NULL;
}
