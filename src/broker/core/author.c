/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/author.h"

#include "base/writer.h"

#include <assert.h>

/* What stands before the author's names. */
struct author_head {
    uint16_t listener;
    uint16_t user_size;
    uint16_t id_size;
};

static struct bytes place(const struct message *message)
{
    struct bytes payload = message_payload(message);

    return bytes_of(payload.data + payload.size, sizeof(struct author_head));
}

static struct author_head read_head(const struct message *message)
{
    struct author_head head;

    memcpy(&head, place(message).data, sizeof(head));
    return head;
}

size_t author_room(const struct author *author)
{
    return sizeof(struct author_head) + author->user.size + author->client_id.size;
}

void author_give_message(const struct memory *memory, struct message *message)
{
    struct author_head head = read_head(message);

    memory_give(
            memory, message, message_size(message) + sizeof(head) + head.user_size + head.id_size);
}

void author_write(struct message *message, const struct author *author)
{
    const struct author_head head = { author->listener, (uint16_t)author->user.size,
        (uint16_t)author->client_id.size };
    struct writer out = { .data = message->data + (message_size(message) - sizeof(*message)),
        .size = author_room(author) };

    writer_bytes(&out, bytes_of(&head, sizeof(head)));
    writer_bytes(&out, author->user);
    writer_bytes(&out, author->client_id);
    assert(!out.failed);
    message->authored = true;
}

bool author_read(const struct message *message, struct author *out)
{
    const uint8_t *names;
    struct author_head head;

    if (!message->authored)
        return false;
    head = read_head(message);
    names = place(message).data + sizeof(head);
    *out = (struct author){ head.listener, bytes_of(names, head.user_size),
        bytes_of(names + head.user_size, head.id_size) };
    return true;
}
