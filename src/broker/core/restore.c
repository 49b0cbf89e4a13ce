/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/restore.h"

#include "broker/core/author.h"
#include "broker/core/backlog.h"
#include "broker/core/group.h"
#include "broker/core/keep.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/stored.h"
#include "broker/core/will.h"
#include "mqtt/outflow.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <assert.h>

/* Whose a queue is. */
struct owner {
    uint64_t queue;
    struct core *core;
    struct session *session; /* or */
    struct group *group;
    struct stored_session stored; /* of a session */
};

/* A message that is here already, maybe in other queues too. */
struct known {
    uint64_t id;
    struct message *message; /* a reference */
};

struct restoring {
    struct core *cores[SHARDS_MAX];
    unsigned count;
    struct memory memory;
    struct map owners;   /* by queue */
    struct map messages; /* by id */
    uint64_t orphaned;   /* the queue of nobody that was told last; 0: none was */
    uint64_t number_max; /* of queues and wills */
    struct restore_counts counts;
};

static struct bytes owner_key(const void *value)
{
    const struct owner *owner = value;

    return bytes_of(&owner->queue, sizeof(owner->queue));
}

static struct bytes known_key(const void *value)
{
    const struct known *known = value;

    return bytes_of(&known->id, sizeof(known->id));
}

static struct owner *find_owner(const struct restoring *restoring, uint64_t queue)
{
    return map_find(&restoring->owners, hash_mix(queue), bytes_of(&queue, sizeof(queue)));
}

static struct owner *add_owner(struct restoring *restoring, const struct owner *form)
{
    struct owner *owner = memory_take(&restoring->memory, sizeof(*owner));

    if (!owner)
        return NULL;
    *owner = *form;
    if (map_add(&restoring->owners, &restoring->memory, hash_mix(owner->queue), owner))
        return owner;
    memory_give(&restoring->memory, owner, sizeof(*owner));
    return NULL;
}

/* Who has nothing to do with a shard's own things does it on the first one. */
static struct core *any_core(const struct restoring *restoring)
{
    return restoring->cores[0];
}

static struct core *home_of(const struct restoring *restoring, struct bytes name)
{
    const struct core *core = any_core(restoring);

    return restoring->cores[core_home(core, core_hash(core, name))];
}

/* ---- Begin ---- */

struct restoring *restore_begin(struct core *const cores[], unsigned count, int64_t now_ms,
        int64_t wall_ms, struct doubts doubts)
{
    struct restoring *restoring = memory_take_zeroed(&cores[0]->memory, sizeof(*restoring));

    if (!restoring)
        return NULL;
    restoring->memory = cores[0]->memory;
    restoring->count = count;
    for (unsigned i = 0; i < count; i++) {
        restoring->cores[i] = cores[i];
        cores[i]->now_ms = now_ms;
        cores[i]->durable.doubts = doubts;
        core_set_wall(cores[i], wall_ms, now_ms);
    }
    map_init(&restoring->owners, owner_key);
    map_init(&restoring->messages, known_key);
    return restoring;
}

static void note_number(struct restoring *restoring, uint64_t number)
{
    if (restoring->number_max < number)
        restoring->number_max = number;
}

/* ---- What belongs to nobody ---- */

/* It is taken out of the store; where memory is short, by the next start. */
static enum restored forget_entry(struct restoring *restoring, unsigned table, struct bytes key)
{
    struct core *core = any_core(restoring);

    restoring->counts.orphans++;
    if (durable_is_on(core))
        records_remove(durable_batch(core), table, key);
    return RESTORED_NOTHING;
}

static void forget_queue(struct restoring *restoring, uint64_t queue)
{
    struct core *core = any_core(restoring);

    restoring->counts.orphans++;
    note_number(restoring, queue);
    if (restoring->orphaned == queue)
        return;
    restoring->orphaned = queue;
    if (durable_is_on(core))
        records_drop(durable_batch(core), queue);
}

/* ---- Sessions ---- */

static void set_times(struct core *core, struct session *session, const struct stored_session *from)
{
    session->expiry_interval_s = from->expiry_interval_s;
    session->expires_ms = durable_from_wall(core, from->expires_wall_ms);
    /* The server's end has ended its connection: it expires from now on. */
    if (from->connected && from->expiry_interval_s != SESSION_EXPIRY_NEVER)
        session->expires_ms = core->now_ms + (int64_t)from->expiry_interval_s * 1000;
    session->lasting->plain =
            from->expiry_interval_s == SESSION_EXPIRY_NEVER && from->will == 0 && !from->connected;
    session->lasting->gone = from->gone;
    session->lasting->was_absent = !from->connected && (!session->lasting->plain || from->gone);
}

static enum restored restore_session(
        struct restoring *restoring, struct bytes id, struct bytes value)
{
    struct core *core = home_of(restoring, id);
    struct owner owner = { .core = core };

    if (!stored_session_read(&owner.stored, value) || id.size > UINT16_MAX ||
            !mqtt_utf8_valid(id) || session_find_id(core, id) ||
            find_owner(restoring, owner.stored.queue))
        return RESTORE_BROKEN;
    owner.queue = owner.stored.queue;
    note_number(restoring, owner.queue);
    owner.session = session_restore(core, id);
    if (!owner.session || !session_make_lasting(core, owner.session, owner.queue))
        return RESTORE_NO_MEMORY;
    assert(owner.session->lasting); /* There is a store: it has told of it. */
    set_times(core, owner.session, &owner.stored);
    if (!add_owner(restoring, &owner))
        return RESTORE_NO_MEMORY;
    restoring->counts.sessions++;
    restoring->counts.expired += owner.session->expires_ms <= core->now_ms;
    return RESTORED;
}

/* ---- Subscriptions ---- */

static enum restored enter_index(struct core *core, const struct session *session,
        const struct stored_subscription *from, struct bytes filter)
{
    const struct subscriber subscriber = { .target = session_target(core, session),
        .queue = session_queue(session),
        .identifier = from->identifier,
        .qos = from->qos,
        .no_local = from->no_local,
        .retain_as_published = from->retain_as_published };
    enum index_result result;

    index_write_begin(core->hub->index);
    result = index_add(core->hub->index, filter, &subscriber);
    index_write_end(core->hub->index);
    return result == INDEX_NO_MEMORY ? RESTORE_NO_MEMORY : RESTORED;
}

static enum restored enter_group(struct restoring *restoring, const struct owner *owner,
        struct subscription *subscription, const struct stored_subscription *from)
{
    struct membership *membership = membership_restore(
            owner->core, owner->session, subscription, from->retain_as_published);
    struct bytes name = bytes_from(subscription_key(subscription), sizeof("$share/") - 1);

    return membership && group_restore(home_of(restoring, name), membership) ? RESTORED
                                                                             : RESTORE_NO_MEMORY;
}

static enum restored restore_subscription(
        struct restoring *restoring, struct bytes key, struct bytes value)
{
    struct stored_subscription stored;
    struct subscription *subscription;
    const struct owner *owner;
    struct bytes filter;
    struct bytes unused;
    uint64_t queue;

    if (!stored_filter_key_read(key, &queue, &filter) || !stored_subscription_read(&stored, value))
        return RESTORE_BROKEN;
    owner = find_owner(restoring, queue);
    if (!owner || !owner->session)
        return forget_entry(restoring, STORED_SUBSCRIPTIONS, key);
    if (session_subscription(owner->core, owner->session, filter))
        return RESTORE_BROKEN;
    subscription = session_add_subscription(owner->core, owner->session, filter);
    if (!subscription)
        return RESTORE_NO_MEMORY;
    subscription->qos = stored.qos;
    subscription->identifier = stored.identifier;
    subscription->no_local = stored.no_local;
    subscription->retain_as_published = stored.retain_as_published;
    restoring->counts.subscriptions++;
    if (mqtt_share_split(filter, &unused, &unused) == MQTT_SHARE_VALID)
        return enter_group(restoring, owner, subscription, &stored);
    return enter_index(owner->core, owner->session, &stored, filter);
}

static enum restored restore_group(
        struct restoring *restoring, struct bytes name, struct bytes value)
{
    struct owner owner = { .core = home_of(restoring, name) };

    if (!stored_number_read(&owner.queue, value) || owner.queue == 0 ||
            find_owner(restoring, owner.queue))
        return RESTORE_BROKEN;
    note_number(restoring, owner.queue);
    owner.group = group_find_name(owner.core, name);
    if (!owner.group) /* It has lost its last member: its queue goes with the rest of nobody's. */
        return forget_entry(restoring, STORED_GROUPS, name);
    if (!group_restore_queue(owner.core, owner.group, owner.queue) || !add_owner(restoring, &owner))
        return RESTORE_NO_MEMORY;
    return RESTORED;
}

/* ---- Packet ids of QoS 2 ---- */

static enum restored restore_incoming(struct restoring *restoring, struct bytes key)
{
    const struct owner *owner;
    uint64_t queue;
    uint16_t id;

    if (!stored_packet_key_read(key, &queue, &id))
        return RESTORE_BROKEN;
    owner = find_owner(restoring, queue);
    if (!owner || !owner->session)
        return forget_entry(restoring, STORED_INCOMING, key);
    if (packet_ids_have(&owner->session->incoming, id))
        return RESTORE_BROKEN;
    return packet_ids_add(&owner->session->incoming, &owner->core->memory, id) ? RESTORED
                                                                               : RESTORE_NO_MEMORY;
}

/* Into flight, in order of sequence: they come nearly so. NULL when memory is short. */
static struct delivery *add_to_flight(struct core *core, struct session *session, uint64_t sequence)
{
    struct outgoing *outgoing = &session->receiver->outgoing;
    struct deliveries *flight = &outgoing->flight;
    struct delivery *delivery = deliveries_add(flight, &core->memory);
    uint32_t at = flight->count - 1;

    if (!delivery)
        return NULL;
    for (; at > 0 && deliveries_at(flight, at - 1)->sequence > sequence; at--)
        *deliveries_at(flight, at) = *deliveries_at(flight, at - 1);
    delivery = deliveries_at(flight, at);
    *delivery = (struct delivery){ .sequence = sequence };
    outgoing->flight_open++;
    if (outgoing->sequence <= sequence)
        outgoing->sequence = sequence + 1;
    return delivery;
}

/* A packet id that is in flight already names no other message. */
static bool is_in_flight(const struct session *session, uint64_t sequence)
{
    return outgoing_find(&session->receiver->outgoing, (uint16_t)(sequence % UINT16_MAX + 1));
}

static enum restored restore_release(
        struct restoring *restoring, struct bytes key, struct bytes value)
{
    const struct owner *owner;
    struct delivery *delivery;
    uint64_t sequence;
    uint64_t queue;
    uint16_t id;

    if (!stored_packet_key_read(key, &queue, &id) || !stored_number_read(&sequence, value) ||
            sequence >= UINT64_MAX / 2 || sequence % UINT16_MAX + 1 != id)
        return RESTORE_BROKEN;
    owner = find_owner(restoring, queue);
    if (!owner || !owner->session)
        return forget_entry(restoring, STORED_RELEASES, key);
    if (is_in_flight(owner->session, sequence))
        return RESTORE_BROKEN;
    delivery = add_to_flight(owner->core, owner->session, sequence);
    if (!delivery)
        return RESTORE_NO_MEMORY;
    delivery->qos = 2;
    delivery->state = OUT_WAIT_PUBCOMP;
    ledger_match(owner->core, &owner->session->receiver->ledger);
    return RESTORED;
}

/* ---- Retained messages and wills ---- */

/* NULL when memory is short. */
static struct message *make_message(struct core *core, const struct stored_message *from)
{
    const struct access *access = &core->access;
    struct author author = { .user = from->author_user, .client_id = from->author_client_id };
    struct message_parts parts = { .topic = from->topic,
        .forwarded = from->properties,
        .payload = from->payload,
        .qos = from->qos,
        .retain = from->retain,
        .expires_ms = durable_from_wall(core, from->expires_wall_ms) };

    if (from->authored && access->listener_number) {
        author.listener = access->listener_number(access->context, from->author_listener);
        parts.author = &author;
    }
    return core_message_new(core, &parts);
}

static enum restored restore_retained(
        struct restoring *restoring, struct bytes topic, struct bytes value)
{
    struct core *core = any_core(restoring);
    struct retained *retained = core->hub->retained;
    struct stored_message stored;
    struct message *message;
    bool kept;

    if (!stored_message_read(&stored, value) || stored.topic.size > 0 || stored.payload.size == 0 ||
            !mqtt_utf8_valid(topic) || !mqtt_topic_name_valid(topic))
        return RESTORE_BROKEN;
    stored.topic = topic;
    message = make_message(core, &stored);
    if (!message)
        return RESTORE_NO_MEMORY;
    message->revision = retained_revision(retained) + 1;
    kept = retained_restore(
            retained, message, durable_from_wall(core, stored.retained_until_wall_ms));
    core_unref(core, message);
    restoring->counts.retained += kept;
    return kept ? RESTORED : RESTORE_NO_MEMORY;
}

/* Nobody's: no session that No Local could mean. */
static const struct target nobody = { .slot = UINT32_MAX };

static struct will *make_will(struct core *core, const struct stored_will *from, uint64_t number)
{
    struct will *will = memory_take(&core->memory, sizeof(*will));

    if (!will)
        return NULL;
    *will = (struct will){ .message = make_message(core, &from->message),
        .publisher = nobody,
        .delay_s = from->delay_s,
        .expiry_s = from->expiry_s,
        .expires = from->expires,
        .due_ms = core->now_ms,
        .number = number };
    list_init(&will->link);
    if (will->message)
        return will;
    memory_give(&core->memory, will, sizeof(*will));
    return NULL;
}

/* The will of a session that is there, as it would be after a lost connection. */
static void arm(const struct owner *owner, struct will *will)
{
    const struct stored_session *stored = &owner->stored;
    const struct core *core = owner->core;

    will->publisher = session_target(core, owner->session);
    if (stored->connected)
        will->due_ms = core->now_ms + (int64_t)will->delay_s * 1000;
    else if (stored->will_due_wall_ms < INT64_MAX)
        will->due_ms = durable_from_wall(core, stored->will_due_wall_ms);
    owner->session->will = will;
}

static enum restored restore_will(struct restoring *restoring, struct bytes key, struct bytes value)
{
    const struct owner *owner;
    struct stored_will stored;
    struct will *will;
    struct core *core;
    uint64_t number;

    if (!stored_number_read(&number, key) || number == 0 || !stored_will_read(&stored, value))
        return RESTORE_BROKEN;
    note_number(restoring, number);
    owner = find_owner(restoring, stored.queue);
    core = owner ? owner->core : any_core(restoring);
    will = make_will(core, &stored, number);
    if (!will)
        return RESTORE_NO_MEMORY;
    if (owner && owner->session && owner->stored.will == number && !owner->session->will)
        arm(owner, will);
    else
        list_append(&core->due_wills, &will->link); /* It was due, and had no room yet. */
    return RESTORED;
}

/* ---- Entries ---- */

enum restored restore_entry(
        struct restoring *restoring, unsigned table, struct bytes key, struct bytes value)
{
    switch (table) {
    case STORED_SESSIONS:
        return restore_session(restoring, key, value);
    case STORED_SUBSCRIPTIONS:
        return restore_subscription(restoring, key, value);
    case STORED_INCOMING:
        return restore_incoming(restoring, key);
    case STORED_RELEASES:
        return restore_release(restoring, key, value);
    case STORED_GROUPS:
        return restore_group(restoring, key, value);
    case STORED_RETAINED:
        return restore_retained(restoring, key, value);
    case STORED_WILLS:
        return restore_will(restoring, key, value);
    default:
        return RESTORE_BROKEN;
    }
}

/* ---- Messages ---- */

/* The message of an item, without a reference for the caller; NULL: broken, or memory is short. */
static struct message *find_message(
        struct restoring *restoring, const struct restore_item *item, enum restored *why)
{
    struct core *core = any_core(restoring);
    struct known *known = map_find(
            &restoring->messages, hash_mix(item->id), bytes_of(&item->id, sizeof(item->id)));
    bool broken = item->id == RECORD_NO_ID || (item->id & RECORD_IN_BATCH);
    struct message *message;

    if (known)
        return known->message;
    *why = RESTORE_BROKEN;
    message = broken ? NULL : durable_read(core, item->id, item->body, &broken);
    if (broken)
        return NULL;
    *why = RESTORE_NO_MEMORY;
    known = message ? memory_take(&restoring->memory, sizeof(*known)) : NULL;
    if (known)
        *known = (struct known){ item->id, message };
    if (known && map_add(&restoring->messages, &restoring->memory, hash_mix(item->id), known))
        return message;
    memory_give(&restoring->memory, known, sizeof(*known));
    if (message)
        core_unref(core, message);
    return NULL;
}

static enum restored fly(const struct owner *owner, struct message *message,
        const struct stored_place *place, uint64_t sequence)
{
    struct core *core = owner->core;
    struct session *session = owner->session;
    struct delivery form = { .sequence = sequence,
        .state = place->qos == 1 ? OUT_WAIT_PUBACK : OUT_WAIT_PUBREC,
        .flags = DELIVERY_NOTED };
    struct delivery *delivery;

    if (is_in_flight(session, sequence))
        return RESTORE_BROKEN;
    if (!backlog_set_place(core, &form, place))
        return RESTORE_NO_MEMORY;
    delivery = add_to_flight(core, session, sequence);
    if (!delivery) {
        delivery_forget(core, &form);
        return RESTORE_NO_MEMORY;
    }
    *delivery = form;
    delivery->message = message;
    message_ref(message);
    session->receiver->outgoing.flight_bytes += message->payload_size;
    ledger_match(core, &session->receiver->ledger);
    return RESTORED;
}

/* A group's message that its member was sent, or was about to be: it stays with him
 * [MQTT5-4.8.2-4]. */
static enum restored fly_shared(const struct owner *group, const struct owner *member,
        struct message *message, const struct stored_flight *flight)
{
    struct target session = session_target(member->core, member->session);
    struct delivery *delivery;
    struct hand *hand;

    if (is_in_flight(member->session, flight->sequence))
        return RESTORE_BROKEN;
    hand = group_restore_hand(group->core, group->group, message);
    delivery = hand ? add_to_flight(member->core, member->session, flight->sequence) : NULL;
    if (!delivery)
        return RESTORE_NO_MEMORY;
    group_restore_out(group->group, hand, session);
    hand->qos = flight->qos;
    hand->retain = flight->retain;
    hand->subscription_id = flight->subscription_id;
    *delivery = (struct delivery){ .message = message,
        .extra.hand = hand,
        .sequence = flight->sequence,
        .subscription_id = flight->subscription_id,
        .qos = flight->qos,
        .state = OUT_WAIT_PUBREC,
        .flags = (uint16_t)(DELIVERY_SHARED | (flight->retain ? DELIVERY_RETAIN : 0)) };
    message_ref(message);
    member->session->receiver->outgoing.flight_bytes += message->payload_size;
    member->session->receiver->hands++;
    return RESTORED;
}

static enum restored enqueue(const struct owner *owner, struct message *message, struct bytes tag)
{
    struct stored_place place;

    if (!stored_place_read(&place, tag))
        return RESTORE_BROKEN;
    if (owner->group)
        return group_restore_hand(owner->core, owner->group, message) ? RESTORED
                                                                      : RESTORE_NO_MEMORY;
    if (!backlog_enqueue(owner->core, owner->session, message, &place))
        return RESTORE_NO_MEMORY;
    ledger_match(owner->core, &owner->session->receiver->ledger);
    return RESTORED;
}

/* The member that had it is gone, and with him what he was sent [MQTT5-4.8.2-5]. */
static enum restored end_shared(const struct owner *owner, const struct restore_item *item)
{
    if (durable_is_on(owner->core))
        records_done(durable_batch(owner->core), owner->queue, item->id);
    return RESTORED_NOTHING;
}

static enum restored put_in_flight(struct restoring *restoring, const struct owner *owner,
        const struct restore_item *item, const struct stored_flight *flight)
{
    const struct owner *member = find_owner(restoring, flight->session);
    enum restored why = RESTORED;
    struct stored_place place;
    struct message *message;

    if (owner->group && flight->qos == 2 && (!member || !member->session))
        return end_shared(owner, item);
    message = find_message(restoring, item, &why);
    if (!message)
        return why;
    if (owner->group && flight->qos == 2)
        return fly_shared(owner, member, message, flight);
    if (owner->group)
        return enqueue(owner, message, item->tag);
    if (member != owner || !stored_place_read(&place, item->tag))
        return RESTORE_BROKEN;
    return fly(owner, message, &place, flight->sequence);
}

static bool has_expired(const struct owner *owner)
{
    return owner->session && owner->session->expires_ms <= owner->core->now_ms;
}

enum restored restore_flight(struct restoring *restoring, const struct restore_item *item)
{
    const struct owner *owner = find_owner(restoring, item->queue);
    struct stored_flight flight;
    enum restored restored;

    if (!stored_flight_read(&flight, item->note))
        return RESTORE_BROKEN;
    if (!owner) {
        forget_queue(restoring, item->queue);
        return RESTORED_NOTHING;
    }
    if (has_expired(owner))
        return RESTORED_NOTHING; /* It ends with all that waits. */
    restored = put_in_flight(restoring, owner, item, &flight);
    restoring->counts.messages += restored == RESTORED;
    return restored;
}

enum restored restore_waiting(struct restoring *restoring, const struct restore_item *item)
{
    const struct owner *owner = find_owner(restoring, item->queue);
    enum restored restored = RESTORE_BROKEN;
    struct message *message;

    if (item->note.size > 0)
        return RESTORED; /* It is known: it is in flight. */
    if (!owner) {
        forget_queue(restoring, item->queue);
        return RESTORED_NOTHING;
    }
    if (has_expired(owner))
        return RESTORED_NOTHING;
    message = find_message(restoring, item, &restored);
    if (message)
        restored = enqueue(owner, message, item->tag);
    restoring->counts.messages += restored == RESTORED;
    return restored;
}

enum restored restore_queue(struct restoring *restoring, uint64_t queue, uint64_t count,
        uint64_t bytes, uint64_t after, uint64_t before)
{
    const struct owner *owner = find_owner(restoring, queue);

    if (!owner) {
        forget_queue(restoring, queue);
        return RESTORED_NOTHING;
    }
    if (has_expired(owner))
        return RESTORED_NOTHING;
    if (!owner->core->durable.storage.fetch)
        return RESTORE_EACH;
    *(owner->group ? &owner->group->spill.range : &owner->session->lasting->spill.range) =
            (struct spill_range){
                .count = count, .bytes = bytes, .after = after, .before = before
            };
    (owner->group ? &owner->group->ledger : &owner->session->receiver->ledger)->matched += count;
    counter_add(&owner->core->counters.matched, count);
    restoring->counts.messages += count;
    return RESTORED;
}

/* ---- The end ---- */

static void restoring_free(struct restoring *restoring)
{
    struct memory memory = restoring->memory;
    struct core *core = any_core(restoring);
    struct known *known;
    struct owner *owner;
    uint32_t at = 0;

    while ((known = map_next(&restoring->messages, &at))) {
        core_unref(core, known->message);
        memory_give(&memory, known, sizeof(*known));
    }
    for (at = 0; (owner = map_next(&restoring->owners, &at));)
        memory_give(&memory, owner, sizeof(*owner));
    map_deinit(&restoring->messages, &memory);
    map_deinit(&restoring->owners, &memory);
    memory_give(&memory, restoring, sizeof(*restoring));
}

/* Each has a member that lasts, and so a queue; where the store has lost that, a new one. */
static void name_groups(struct core *core)
{
    struct group *group;
    uint32_t slot = 0;

    while ((group = pool_next(&core->groups, &slot))) {
        if (group->queue == 0)
            group_restore_queue(core, group, 0);
    }
}

/* Its time runs from now on, also for the next start, so the store is told; where memory is short,
 * its time will begin anew then. */
static void begin_absence(const struct owner *owner)
{
    if (owner->stored.connected)
        keep_session(owner->core, owner->session, false);
    session_restored(owner->core, owner->session);
}

void restore_end(struct restoring *restoring, uint64_t queue_next, struct restore_counts *out)
{
    struct hub *hub = any_core(restoring)->hub;
    const struct owner *owner;
    uint32_t at = 0;

    *out = restoring->counts;
    note_number(restoring, queue_next);
    /* Relaxed: nothing runs yet. */
    atomic_store_explicit(&hub->queue_next, restoring->number_max, memory_order_relaxed);
    while ((owner = map_next(&restoring->owners, &at))) {
        if (owner->session)
            begin_absence(owner);
    }
    for (unsigned i = 0; i < restoring->count; i++)
        name_groups(restoring->cores[i]);
    restoring_free(restoring);
}

void restore_give_up(struct restoring *restoring)
{
    restoring_free(restoring);
}
