/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_ROOM_MIN = 4096 };

uint8_t *record_batch_add(struct record_batch *batch, size_t size)
{
    size_t more = record_room(size);
    uint8_t *record;

    if (size > RECORD_SIZE_MAX || batch->size + more > BATCH_SIZE_MAX)
        return NULL;
    if (batch->size + more > batch->room) {
        size_t room = batch->room > 0 ? batch->room : BATCH_ROOM_MIN;
        uint8_t *data;

        while (room < batch->size + more)
            room *= 2;
        data = realloc(batch->data, room);
        if (!data)
            return NULL;
        batch->data = data;
        batch->room = room;
    }
    record = batch->data + batch->size;
    memset(record + more - RECORD_ALIGNMENT, 0, RECORD_ALIGNMENT);
    memset(record, 0, RECORD_HEAD_SIZE);
    for (unsigned i = 0; i < sizeof(uint32_t); i++)
        record[i] = (uint8_t)(size >> 8 * i);
    batch->size += more;
    batch->count++;
    return record + RECORD_HEAD_SIZE;
}

void record_batch_reset(struct record_batch *batch)
{
    free(batch->data);
    *batch = (struct record_batch){ 0 };
}
