/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/client_id.h"

#include <assert.h>

bool client_id_init(struct client_id *id, const struct memory *memory, struct bytes from)
{
    uint8_t *block;

    assert(from.size <= UINT16_MAX);
    *id = (struct client_id){ .size = (uint16_t)from.size };
    if (from.size <= CLIENT_ID_NEAR_MAX) {
        if (from.size > 0)
            memcpy(id->near, from.data, from.size);
        return true;
    }
    block = memory_take(memory, from.size);
    if (!block) {
        id->size = 0;
        return false;
    }
    memcpy(block, from.data, from.size);
    memcpy(id->near, &block, sizeof(block));
    return true;
}

void client_id_deinit(struct client_id *id, const struct memory *memory)
{
    uint8_t *block;

    if (id->size > CLIENT_ID_NEAR_MAX) {
        memcpy(&block, id->near, sizeof(block));
        memory_give(memory, block, id->size);
    }
    id->size = 0;
}
