/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_data.h"

#include <stdlib.h>

enum { ROOM_FIRST = 64, BLOCK_SIZE = 64 << 10 };

struct import_block {
    struct import_block *next;
    size_t used;
    size_t size;
    uint8_t data[];
};

void import_data_deinit(struct import_data *data)
{
    while (data->blocks) {
        struct import_block *block = data->blocks;

        data->blocks = block->next;
        free(block);
    }
    free(data->messages.items);
    free(data->sessions.items);
    free(data->subscriptions.items);
    free(data->places.items);
    free(data->retained.items);
    *data = (struct import_data){ 0 };
}

void *import_list_add(struct import_list *list, size_t item_size)
{
    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : ROOM_FIRST;
        void *items = room <= SIZE_MAX / item_size ? realloc(list->items, room * item_size) : NULL;

        if (!items)
            return NULL;
        list->items = items;
        list->room = room;
    }
    return (uint8_t *)list->items + list->count++ * item_size;
}

uint8_t *import_data_take(struct import_data *data, size_t size)
{
    struct import_block *block = data->blocks;

    if (!block || block->size - block->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

        block = malloc(sizeof(*block) + room);
        if (!block)
            return NULL;
        *block = (struct import_block){ .next = data->blocks, .size = room };
        data->blocks = block;
    }
    block->used += size;
    return block->data + block->used - size;
}
