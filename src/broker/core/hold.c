/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/hold.h"

#include "broker/core/connection.h"
#include "broker/core/durable.h"
#include "broker/core/state.h"

/* Is there something that its client's next answer must wait for? */
static bool is_unsure(const struct core *core, const struct hold *hold)
{
    return hold && (hold->bound > core->durable.position || hold->bytes.size > 0);
}

bool hold_bind(struct core *core, struct connection *connection)
{
    struct hold *hold = connection->hold;

    if (!durable_is_on(core) || core->durable.storage.patience == STORAGE_NEVER_WAITS)
        return true;
    if (!hold) {
        hold = memory_take_zeroed(&core->memory, sizeof(*hold));
        if (!hold) {
            connection_condemn_for_memory(core, connection);
            return false;
        }
        list_init(&hold->link);
        hold->connection = connection;
        connection->hold = hold;
    }
    hold->bound = MARK_THIS_TURN;
    if (!list_linked(&hold->link))
        list_append(&core->durable.holders, &hold->link);
    return true;
}

bool hold_is_closed(const struct connection *connection)
{
    return connection->hold && (connection->hold->closing || connection->hold->closed > 0);
}

bool hold_is_full(const struct connection *connection)
{
    return connection->hold && connection->hold->bytes.size > 0;
}

void hold_close(struct core *core, struct connection *connection)
{
    if (is_unsure(core, connection->hold))
        connection->hold->closing = true;
}

void hold_connack(struct core *core, struct connection *connection)
{
    hold_close(core, connection);
    if (is_unsure(core, connection->hold))
        connection->hold->connack = true;
}

bool hold_has_connack(const struct connection *connection)
{
    return connection->hold && connection->hold->connack;
}

struct buffer *hold_buffer(struct core *core, struct connection *connection)
{
    return is_unsure(core, connection->hold) ? &connection->hold->bytes : &connection->control;
}

bool hold_written(struct core *core, struct connection *connection, size_t size)
{
    struct hold *hold = connection->hold;

    if (!is_unsure(core, hold) && !hold_is_closed(connection))
        return true;
    if (hold->closing)
        hold->closed = hold->bytes.size + (uint32_t)size;
    hold->closing = false;
    /* What is bound to no later turn than the bytes before it goes out with them. */
    if (hold->marks.count > 0 && hold->bound <= hold->marks.items[hold->marks.count - 1].position) {
        hold->marks.items[hold->marks.count - 1].amount += size;
    } else if (!marks_add(&hold->marks, &core->memory, size)) {
        connection_condemn_for_memory(core, connection);
        return false;
    }
    return true;
}

void holds_settle(struct core *core, uint64_t position)
{
    struct list *link;

    for (link = core->durable.holders.next; link != &core->durable.holders; link = link->next) {
        struct hold *hold = container_of(link, struct hold, link);

        marks_settle(&hold->marks, position);
        if (hold->bound == MARK_THIS_TURN)
            hold->bound = position;
    }
}

/* Memory is short for what the client is to be told. */
static void give_up(struct core *core, struct connection *connection)
{
    if (connection->phase < PHASE_DRAINING) {
        connection_condemn_for_memory(core, connection);
        return;
    }
    hold_free(core, connection); /* It has said goodbye, and does not wait for it. */
    connection_has_output(core, connection);
}

static void release(struct core *core, struct hold *hold, uint64_t durable)
{
    struct connection *connection = hold->connection;
    uint64_t size = marks_take(&hold->marks, durable);

    if (size > 0) {
        if (!buffer_append(&connection->control, &core->memory, bytes_of(hold->bytes.data, size))) {
            give_up(core, connection);
            return;
        }
        buffer_consume(&hold->bytes, &core->memory, size);
        hold->connack = false;
        connection_has_output(core, connection);
        hold->closed -= size < hold->closed ? (uint32_t)size : hold->closed;
    }
    /* Nothing may come of a turn to which a client was bound. */
    if (hold->bound <= durable && hold->bytes.size == 0) {
        list_remove(&hold->link);
        marks_reset(&hold->marks, &core->memory);
        connection_control_drained(core, connection);
    }
}

void holds_release(struct core *core, uint64_t durable)
{
    struct list *link = core->durable.holders.next;

    while (link != &core->durable.holders) {
        struct hold *hold = container_of(link, struct hold, link);

        link = link->next;
        release(core, hold, durable);
    }
}

void holds_end(struct core *core)
{
    static const struct ending dead = { .reason = MQTT_IMPLEMENTATION_ERROR,
        .name = "store_failed",
        .text = "the disk has failed, so what it has sent cannot be acknowledged",
        .tell = true,
        .keep_will = true };
    struct list *link;

    for (link = core->durable.holders.next; link != &core->durable.holders; link = link->next) {
        struct hold *hold = container_of(link, struct hold, link);

        if (hold->bytes.size > 0)
            connection_condemn(core, hold->connection, &dead);
    }
}

bool hold_is_heavy(const struct core *core, const struct connection *connection)
{
    const struct hold *hold = connection->hold;

    return hold &&
            (hold->bytes.size > HOLD_PAUSE_BYTES ||
                    (hold->bytes.size > 0 && core->durable.waiting > DURABLE_WAITING_MAX));
}

void hold_free(struct core *core, struct connection *connection)
{
    struct hold *hold = connection->hold;

    if (!hold)
        return;
    list_remove(&hold->link);
    marks_reset(&hold->marks, &core->memory);
    buffer_reset(&hold->bytes, &core->memory);
    memory_give(&core->memory, hold, sizeof(*hold));
    connection->hold = NULL;
}
