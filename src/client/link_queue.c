/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_queue.h"

#include <assert.h>
#include <stdlib.h>

bool link_queue_init(struct link_queue *queue, const struct nj_link_options *options)
{
    queue->flying = calloc(options->in_flight, sizeof(*queue->flying));
    queue->flying_max = options->in_flight;
    queue->count_max = options->queue_messages;
    queue->size_max = options->queue_bytes;
    queue->next_number = 1;
    list_init(&queue->waiting);
    list_init(&queue->written);
    return queue->flying != NULL;
}

static struct outgoing *outgoing_of(struct list *link)
{
    return container_of(link, struct outgoing, link);
}

static void free_all(struct list *list)
{
    struct list *link;

    while ((link = list_take_first(list)))
        free(outgoing_of(link));
}

void link_queue_deinit(struct link_queue *queue)
{
    free_all(&queue->waiting);
    free_all(&queue->written);
    for (size_t i = 0; queue->flying && i < queue->flying_max; i++)
        free(queue->flying[i]);
    free(queue->flying);
}

size_t link_message_size(const struct nj_message *message)
{
    return message->topic.size + message->payload.size + message->properties.size;
}

bool link_queue_has_room(const struct link_queue *queue, const struct nj_message *message)
{
    return queue->count < queue->count_max && queue->size <= queue->size_max &&
            link_message_size(message) <= queue->size_max - queue->size;
}

struct nj_bytes link_bytes_copy(uint8_t **to, struct nj_bytes from)
{
    struct nj_bytes bytes = nj_bytes_of(*to, from.size);

    if (from.size > 0)
        memcpy(*to, from.data, from.size);
    *to += from.size;
    return bytes;
}

void link_message_copy(struct nj_message *to, uint8_t *bytes, const struct nj_message *from)
{
    *to = *from;
    to->topic = link_bytes_copy(&bytes, from->topic);
    to->payload = link_bytes_copy(&bytes, from->payload);
    to->properties = link_bytes_copy(&bytes, from->properties);
}

/* Adds one to a list of the queue, with room for so many bytes. NULL: no memory. */
static struct outgoing *add(struct link_queue *queue, struct list *list, size_t size, uint64_t tag)
{
    struct outgoing *outgoing = malloc(sizeof(*outgoing) + size);

    if (!outgoing)
        return NULL;
    *outgoing = (struct outgoing){ .tag = tag, .size = size, .number = queue->next_number++ };
    queue->count++;
    queue->size += size;
    list_append(list, &outgoing->link);
    return outgoing;
}

struct outgoing *link_queue_add(
        struct link_queue *queue, const struct nj_message *message, uint64_t tag)
{
    struct outgoing *outgoing = add(queue, &queue->waiting, link_message_size(message), tag);

    if (outgoing)
        link_message_copy(&outgoing->message, outgoing->data, message);
    return outgoing;
}

struct outgoing *link_queue_add_written(struct link_queue *queue, uint64_t tag)
{
    return add(queue, &queue->written, 0, tag);
}

struct outgoing *link_queue_first(const struct link_queue *queue)
{
    return list_empty(&queue->waiting) ? NULL : outgoing_of(queue->waiting.next);
}

uint32_t link_queue_free_index(const struct link_queue *queue)
{
    size_t index = queue->flying_count; /* the likeliest */

    if (index < queue->flying_max && !queue->flying[index])
        return (uint32_t)index;
    for (index = 0; queue->flying[index]; index++)
        assert(index + 1 < queue->flying_max);
    return (uint32_t)index;
}

void link_queue_fly(struct link_queue *queue, struct outgoing *outgoing, uint32_t index)
{
    assert(!queue->flying[index]);
    list_remove(&outgoing->link);
    queue->flying[index] = outgoing;
    queue->flying_count++;
}

void link_queue_return(struct link_queue *queue, uint32_t index)
{
    struct outgoing *outgoing = queue->flying[index];
    struct list *behind = queue->waiting.next;

    while (behind != &queue->waiting && outgoing_of(behind)->number < outgoing->number)
        behind = behind->next;
    list_append(behind, &outgoing->link); /* that is, before it */
    queue->flying[index] = NULL;
    queue->flying_count--;
}

void link_queue_remove(struct link_queue *queue, struct outgoing *outgoing)
{
    size_t index = 0;

    while (index < queue->flying_max && queue->flying[index] != outgoing)
        index++;
    if (index < queue->flying_max) {
        queue->flying[index] = NULL;
        queue->flying_count--;
    }
    list_remove(&outgoing->link);
    queue->count--;
    queue->size -= outgoing->size;
}

struct outgoing *link_queue_find(const struct link_queue *queue, uint64_t number)
{
    for (struct list *link = queue->waiting.next; link != &queue->waiting; link = link->next) {
        if (outgoing_of(link)->number == number)
            return outgoing_of(link);
    }
    return NULL;
}
