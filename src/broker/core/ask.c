/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/ask.h"

#include "broker/core/connection.h"
#include "broker/core/state.h"

struct ask *ask_new(struct core *core, struct connection *publisher)
{
    struct ask *ask = memory_take(&core->memory, sizeof(*ask));

    if (!ask)
        return NULL;
    letter_init(&ask->letter);
    ask->connection = connection_target(core, publisher);
    ask->waiters = 1;
    ask->serial = connection_withheld_last(publisher)->serial;
    connection_withheld_last(publisher)->waits++;
    return ask;
}

void ask_cancel(struct core *core, struct ask *ask, struct connection *publisher)
{
    connection_withheld_last(publisher)->waits--;
    memory_give(&core->memory, ask, sizeof(*ask));
}

bool ask_wait(struct core *core, struct ask *ask, struct list *waiters)
{
    struct waiter *waiter = memory_take(&core->memory, sizeof(*waiter));

    if (!waiter)
        return false;
    waiter->ask = ask;
    list_init(&waiter->link);
    list_append(waiters, &waiter->link);
    ask->waiters++;
    return true;
}

static void send_back(struct core *core, struct ask *ask)
{
    core_post(core, ask->connection.shard, &ask->letter,
            &(struct mail){ .kind = MAIL_ASK_DONE, .of.ask = ask });
}

void ask_settle(struct core *core, struct ask *ask)
{
    if (--ask->waiters == 0)
        send_back(core, ask);
}

uint32_t ask_release(struct core *core, struct list *waiters)
{
    uint32_t released = 0;
    struct list *link;

    while ((link = list_take_first(waiters))) {
        struct waiter *waiter = container_of(link, struct waiter, link);
        struct ask *ask = waiter->ask;

        memory_give(&core->memory, waiter, sizeof(*waiter));
        if (--ask->waiters == 0)
            send_back(core, ask);
        released++;
    }
    return released;
}

void ask_returned(struct core *core, struct ask *ask)
{
    struct connection *publisher = connection_find(core, ask->connection);
    struct acknowledgement *waiting = publisher && publisher->extras
            ? withheld_find(&publisher->extras->withheld, ask->serial)
            : NULL;

    memory_give(&core->memory, ask, sizeof(*ask));
    if (!waiting)
        return;
    waiting->waits--;
    connection_release(core, publisher);
}
