/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/client.h"
#include "tests/simulation/host.h"
#include "tests/simulation/oracle.h"

#include <inttypes.h>
#include <stddef.h>

/* A packet with what is known about it, for the checks below. */
struct delivery_seen {
    struct oracle *oracle;
    struct shadow *shadow;
    struct note *note;
    unsigned client;
    uint32_t message;
    const struct wire_packet *packet;
};

static _Noreturn void fail(const struct delivery_seen *seen, const char *what)
{
    const struct note *note = seen->note;
    const struct cell *cell = &note->cells[seen->client];

    world_fail(seen->oracle->world,
            "client %u got message %u (publisher %u topic %u qos %u%s%s, taken %u times, "
            "last at step %" PRIu64 ", expected %u received %u at qos %u) at qos %u%s%s id %u: %s",
            seen->client, seen->message, note->publisher, note->topic, note->qos,
            note->retain ? " retain" : "", note->will ? " will" : "", note->instances, note->step,
            cell->expected, cell->received, cell->qos, seen->packet->qos,
            seen->packet->retain ? " retain" : "", seen->packet->dup ? " dup" : "",
            seen->packet->id, what);
}

/* Ids of ordinary filters are the filter's number and 1. */
static unsigned identifiers_of(const struct delivery_seen *seen)
{
    unsigned identifiers = 0;

    for (unsigned i = 0; i < seen->packet->subscription_id_count; i++) {
        uint32_t id = seen->packet->subscription_ids[i];

        if (id == 0 || id > FILTERS)
            fail(seen, "a subscription identifier that was never given");
        if (identifiers >> (id - 1) & 1)
            fail(seen, "the same subscription identifier twice");
        identifiers |= 1u << (id - 1);
        if (!(seen->oracle->world->names.topics_of[id - 1] >> seen->note->topic & 1))
            fail(seen, "a subscription identifier whose filter does not match");
    }
    if (identifiers)
        world_count(seen->oracle->world, TALLY_SUBSCRIPTION_ID);
    return identifiers;
}

static void check_expiry(const struct delivery_seen *seen)
{
    const struct world *world = seen->oracle->world;
    int64_t waited_ms = world->now_ms - seen->note->first_ms;
    uint32_t left_s = seen->packet->numbers[WIRE_MESSAGE_EXPIRY];

    if (seen->shadow->version < 5 || seen->note->stripped)
        return;
    if (seen->note->expiry_s == 0) {
        if (wire_has(seen->packet, WIRE_MESSAGE_EXPIRY))
            fail(seen, "a message expiry that the publisher did not set");
        return;
    }
    if (!wire_has(seen->packet, WIRE_MESSAGE_EXPIRY))
        fail(seen, "the message expiry is missing");
    if (left_s > seen->note->expiry_s || left_s + waited_ms / 1000 + 2 < seen->note->expiry_s)
        fail(seen, "a wrong message expiry");
    world_count(seen->oracle->world, TALLY_EXPIRY_RECEIVED);
}

/* Whether a copy may have been lost, and told, before this one of the same message. */
static bool order_is_excused(const struct delivery_seen *seen)
{
    const struct plan *plan = &seen->oracle->world->plan;

    return (seen->note->instances > 1 || seen->note->retaken) &&
            (seen->note->cells[seen->client].lossy || plan->limited || plan->expires ||
                    plan->sizes_limited || plan->memory_refused_in > 0);
}

/* First deliveries come in the order of publishing, by publisher, topic and QoS. */
static void check_order(const struct delivery_seen *seen)
{
    const struct note *note = seen->note;
    const struct cell *cell = &note->cells[seen->client];
    uint32_t *last =
            &seen->shadow->order[note->publisher][note->topic][note->qos * 3 + seen->packet->qos];

    if (note->publisher == SERVER_PUBLISHER || note->will || cell->received > 1)
        return;
    if (cell->due <= *last && !order_is_excused(seen))
        fail(seen, "out of order");
    if (cell->due > *last)
        *last = cell->due;
}

/* A read that gives this message, or READ_ANY; NULL when there is none. */
static uint32_t *find_read(const struct delivery_seen *seen, uint32_t message)
{
    uint32_t *reads = seen->shadow->reads[seen->note->topic];

    /* Of two copies the one that came without RETAIN may be the live one, though it came last. */
    if (!seen->packet->retain && message != READ_ANY)
        return NULL;
    for (unsigned r = 0; r < READS_MAX; r++) {
        if (reads[r] == message)
            return &reads[r];
    }
    return NULL;
}

/* What had left a server that was killed since may come once more, too. */
static void note_old_life(const struct delivery_seen *seen)
{
    seen->note->cells[seen->client].anew +=
            seen->oracle->world->clients[seen->client].robbed_now && seen->packet->qos < 2;
}

/* There is no other copy than the one that the store has for this session. */
static bool is_the_same_copy(const struct delivery_seen *seen)
{
    const struct note *note = seen->note;
    const struct cell *cell = &note->cells[seen->client];

    return note->instances == 1 && !note->retaken && !note->killed && note->will == WILL_NONE &&
            seen->shadow->lasting && !seen->packet->retain && cell->read == 0 && !cell->vague &&
            seen->oracle->world->names.filters_of[note->topic] >> FILTER_SHARED_FIRST == 0;
}

/* A copy that the server had delivered when it was killed comes once more. */
static bool receive_anew(const struct delivery_seen *seen)
{
    struct cell *cell = &seen->note->cells[seen->client];

    /* At QoS 0 only what was lost and is sent again. */
    if (seen->packet->qos == 2 || cell->anew == 0 ||
            (seen->packet->qos == 0 && !seen->note->killed))
        return false;
    if (seen->packet->qos == 1 && !seen->packet->dup && is_the_same_copy(seen))
        fail(seen, "again without DUP");
    cell->anew--;
    world_count(seen->oracle->world, TALLY_RECEIVED_ANEW);
    return true;
}

static void receive_retained(struct delivery_seen *seen, uint32_t *read)
{
    struct cell *cell = &seen->note->cells[seen->client];

    if (!read && receive_anew(seen))
        return;
    if (!read)
        fail(seen, cell->received + cell->read > 0 ? "once too often" : "it is not subscribed");
    *read = 0;
    cell->read++;
    world_count(seen->oracle->world, TALLY_RETAINED_READ);
}

/* The checks for what is a live copy, and surely so where it has no RETAIN or none was read. */
static void receive_live(const struct delivery_seen *seen, unsigned identifiers)
{
    struct cell *cell = &seen->note->cells[seen->client];

    cell->received++;
    if (!seen->packet->retain && !cell->retain_may_be[0] && !cell->vague)
        fail(seen, "RETAIN is missing though it is as published");
    if (cell->vague || (seen->packet->retain && (cell->read > 0 || find_read(seen, READ_ANY))))
        return;
    if (seen->packet->retain && !cell->retain_may_be[1])
        fail(seen, "RETAIN on a live message");
    check_order(seen);
    if (seen->note->instances > 1 || seen->note->retaken)
        return;
    if (seen->packet->qos != cell->qos)
        fail(seen, "at a wrong QoS");
    if (seen->shadow->version == 5 && identifiers != cell->identifiers)
        fail(seen, "with wrong subscription identifiers");
}

static void receive_ordinary(struct delivery_seen *seen, unsigned identifiers)
{
    struct cell *cell = &seen->note->cells[seen->client];
    uint32_t *read = find_read(seen, seen->message);
    bool is_will = seen->note->will != WILL_NONE;

    /* One that may come once more does not take another one's place. */
    if (seen->packet->retain && receive_anew(seen))
        return;
    /* Where nobody knows what was retained, a copy counts as a live one first. */
    if (!read && cell->received >= (is_will ? 1 : cell->expected))
        read = find_read(seen, READ_ANY);
    if (is_will)
        world_count(seen->oracle->world, TALLY_WILL_RECEIVED);
    if (read)
        receive_retained(seen, read);
    else if (is_will && cell->received++ > 0 && !receive_anew(seen))
        fail(seen, "a will twice");
    else if (!is_will && cell->received == cell->expected)
        receive_retained(seen, NULL);
    else if (!is_will)
        receive_live(seen, identifiers);
}

/* A will that comes is due. */
static void check_will(struct delivery_seen *seen)
{
    if (seen->note->will == WILL_ARMED && !oracle_will_is_due(seen->oracle, seen->message))
        fail(seen, "a will whose client still lives");
    if (seen->note->will == WILL_CANCELLED)
        fail(seen, "a will that was cancelled");
}

/* True when the message came to the session as a member of a group. */
static bool receive_shared(struct delivery_seen *seen)
{
    struct note *note = seen->note;
    const struct cell *cell = &note->cells[seen->client];

    if (cell->received < cell->expected)
        return false;
    for (unsigned g = 0; g < GROUPS; g++) {
        unsigned filter = FILTER_SHARED_FIRST + g;

        if (!seen->shadow->joined[g] ||
                !(seen->oracle->world->names.topics_of[filter] >> note->topic & 1))
            continue;
        if (note->groups[g].received++ >= note->instances)
            world_count(seen->oracle->world, TALLY_SHARED_AGAIN);
        if (seen->packet->qos == 2 && note->groups[g].received_2++ >= note->instances)
            fail(seen, "QoS 2 to two members of a group");
        if (seen->packet->retain && !seen->shadow->joined_as_published[g])
            fail(seen, "RETAIN on a shared message");
        world_count(seen->oracle->world, TALLY_SHARED_RECEIVED);
        return true;
    }
    return false;
}

/* Nobody knows which groups the session is a member of. */
static void count_shared_unsure(const struct delivery_seen *seen)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        if (seen->oracle->world->names.topics_of[FILTER_SHARED_FIRST + g] >> seen->note->topic & 1)
            seen->note->groups[g].received++;
    }
}

/* This message, or a later one of its topic, settles what was to be read. */
static void settle_owed(const struct delivery_seen *seen)
{
    uint32_t *owed = &seen->shadow->owed[seen->note->topic];

    if (*owed && seen->note->retain && seen->note->rank >= seen->oracle->notes[*owed].rank)
        *owed = 0;
}

/* Exactly once means that the store has it before it goes out. */
static void check_durable(const struct delivery_seen *seen, uint64_t durable_at)
{
    const struct note *note = seen->note;

    if (seen->packet->qos < 2 || !seen->shadow->lasting || !note->kept || note->instances != 1 ||
            note->retaken || note->killed || note->will != WILL_NONE || seen->packet->retain)
        return;
    if (!host_turn_is_before(seen->oracle->world->host, note->turn, durable_at))
        fail(seen, "before it was durable");
}

void oracle_received(struct oracle *oracle, unsigned client, uint32_t message,
        const struct wire_packet *packet, uint64_t durable_at)
{
    struct delivery_seen seen = {
        .oracle = oracle,
        .shadow = &oracle->shadows[client],
        .client = client,
        .message = message,
        .packet = packet,
    };
    unsigned identifiers;

    if (message == 0 || message >= oracle->note_count)
        world_fail(
                oracle->world, "client %u got message %u, which does not exist", client, message);
    seen.note = &oracle->notes[message];
    if (seen.note->instances == 0 && seen.note->will == WILL_NONE)
        fail(&seen, "it was never published");
    if (packet->qos > seen.note->qos && !oracle->world->plan.settings.upgrade_outgoing_qos)
        fail(&seen, "at a QoS above the publisher's");
    if (packet->retain && !seen.note->retain)
        fail(&seen, "RETAIN though it was published without");
    world_count(oracle->world, TALLY_RECEIVED_0 + packet->qos);
    if (packet->payload.size != seen.note->size)
        fail(&seen, "with a payload of another size");
    if (seen.shadow->fuzzy) {
        count_shared_unsure(&seen);
        return;
    }
    check_will(&seen);
    check_durable(&seen, durable_at);
    identifiers = identifiers_of(&seen);
    check_expiry(&seen);
    settle_owed(&seen);
    if (!receive_shared(&seen))
        receive_ordinary(&seen, identifiers);
    note_old_life(&seen);
}

void oracle_delivery_done(struct oracle *oracle, unsigned client, uint32_t message, uint8_t qos)
{
    const struct shadow *shadow = &oracle->shadows[client];
    struct note *note = &oracle->notes[message];

    if (oracle->world->plan.mixed || shadow->fuzzy)
        return;
    for (unsigned g = 0; g < GROUPS; g++) {
        if (!shadow->joined[g] ||
                !(oracle->world->names.topics_of[FILTER_SHARED_FIRST + g] >> note->topic & 1))
            continue;
        if (note->groups[g].acknowledged++ >= note->instances)
            world_fail(oracle->world,
                    "message %u at qos %u of group %u was acknowledged by client %u after another "
                    "member's acknowledgement was taken",
                    message, qos, g, client);
        return;
    }
}

/* ---- At rest ---- */

struct missing {
    uint64_t count;
    uint64_t held; /* of these, by a publisher that could have been made to wait */
    uint32_t first;
    int client; /* or -1 - group */
};

/* Whether somebody waits for its acknowledgement. */
static bool can_be_held(const struct note *note)
{
    return note->will == WILL_NONE && note->qos > 0;
}

static void miss(struct missing *missing, uint32_t message, int client, bool held)
{
    missing->held += held;
    if (missing->count++ > 0)
        return;
    missing->first = message;
    missing->client = client;
}

static bool has_expired(const struct oracle *oracle, const struct note *note)
{
    return note->expiry_s > 0 &&
            oracle->world->now_ms - note->first_ms >= note->expiry_s * INT64_C(1000);
}

/* Whether a copy had to come by now, and has not. */
static bool is_missing(const struct oracle *oracle, const struct note *note, unsigned client)
{
    const struct cell *cell = &note->cells[client];
    const struct shadow *shadow = &oracle->shadows[client];

    if (cell->received + cell->read > 0 || shadow->state == SESSION_NONE || shadow->fuzzy ||
            has_expired(oracle, note) || note->outcome == OUTCOME_REFUSED)
        return false;
    if (cell->must)
        return note->outcome == OUTCOME_ACCEPTED;
    return cell->link_serial > 0 && shadow->link && shadow->link->serial == cell->link_serial &&
            oracle->world->plan.memory_refused_in == 0;
}

static void check_note(struct oracle *oracle, uint32_t message, struct missing *missing)
{
    struct note *note = &oracle->notes[message];

    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        if (is_missing(oracle, note, c))
            miss(missing, message, (int)c, note->cells[c].must && can_be_held(note));
        note->cells[c] = (struct cell){ .expected = 0 };
    }
    for (unsigned g = 0; g < GROUPS; g++) {
        if (note->groups[g].must && note->groups[g].received == 0 &&
                note->outcome == OUTCOME_ACCEPTED && !has_expired(oracle, note))
            miss(missing, message, -1 - (int)g, can_be_held(note));
        note->groups[g].must = false;
    }
}

/* A member that is there and takes what the group has at QoS 1 or above. */
static bool group_has_taker(const struct oracle *oracle, unsigned group)
{
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        const struct shadow *shadow = &oracle->shadows[c];

        if (shadow->interests[FILTER_SHARED_FIRST + group].sure && shadow->link && !shadow->fuzzy)
            return true;
    }
    return false;
}

void oracle_check_groups(const struct oracle *oracle)
{
    const struct plan *plan = &oracle->world->plan;

    if (plan->limited || plan->sizes_limited || plan->refuses || plan->memory_refused_in > 0 ||
            plan->settings.upgrade_outgoing_qos)
        return;
    for (uint32_t m = oracle->open_first; m < oracle->note_count; m++) {
        const struct note *note = &oracle->notes[m];

        for (unsigned g = 0; g < GROUPS; g++) {
            /* At QoS 2 it may have been sent to the one that is away, and then stays with it. */
            if (note->qos == 1 && note->groups[g].must && note->groups[g].received == 0 &&
                    note->outcome == OUTCOME_ACCEPTED && !has_expired(oracle, note) &&
                    group_has_taker(oracle, g))
                world_fail(oracle->world, "message %u waits for a member of group %u that is away",
                        m, g);
        }
    }
}

static void note_members(struct oracle *oracle, unsigned group)
{
    oracle->group_lived[group] = oracle->group_lossy[group] = false;
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        const struct shadow *shadow = &oracle->shadows[c];
        const struct interest *interest = &shadow->interests[FILTER_SHARED_FIRST + group];

        oracle->group_lived[group] |= interest->active || shadow->fuzzy;
        oracle->group_lossy[group] |= (interest->active && interest->qos == 0) || shadow->fuzzy;
    }
}

static void check_owed(struct oracle *oracle, struct missing *missing)
{
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        struct shadow *shadow = &oracle->shadows[c];

        for (unsigned t = 0; t < TOPICS; t++) {
            const struct note *note = &oracle->notes[shadow->owed[t]];

            /* Where a live copy was to come instead, that one is missed. */
            if (shadow->owed[t] && shadow->state == SESSION_LIVE && !shadow->fuzzy &&
                    note->outcome == OUTCOME_ACCEPTED && note->cells[c].expected == 0)
                miss(missing, shadow->owed[t], (int)c, can_be_held(note));
        }
        memset(shadow->owed, 0, sizeof(shadow->owed));
        memset(shadow->reads, 0, sizeof(shadow->reads));
    }
}

/* Losses that a named limit explains; a copy superseded is none. */
static uint64_t told_losses(const struct host *host)
{
    static const enum drop_reason reasons[] = { DROP_QUEUE_FULL, DROP_TOO_LARGE, DROP_NO_MEMORY,
        DROP_REFUSED, DROP_SLOW_READER, DROP_MAILBOX_FULL, DROP_MEMORY, DROP_UNREADABLE };
    uint64_t told = 0;

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        told += HOST_SUM(host, dropped[reasons[i]]);
    return told;
}

/* Backpressure makes the publisher wait instead; but nobody waits for a will. */
static uint64_t excused(const struct oracle *oracle, const struct missing *missing, uint64_t told)
{
    const struct plan *plan = &oracle->world->plan;

    if (plan->limited && plan->settings.queue_full_policy == QUEUE_BACKPRESSURE &&
            !plan->sizes_limited && !plan->refuses && !plan->relieves &&
            plan->memory_refused_in == 0)
        return missing->count - missing->held;
    return told - oracle->told + oracle->told_before;
}

void oracle_keep_losses(struct oracle *oracle)
{
    oracle->told_before += told_losses(oracle->world->host) - oracle->told;
    oracle->told = 0;
}

static void keep_open_wills(struct oracle *oracle)
{
    uint32_t first = oracle->note_count;

    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        uint32_t will = oracle->shadows[c].will;

        if (will && will < first)
            first = will;
    }
    oracle->open_first = first;
}

void oracle_check_rest(struct oracle *oracle)
{
    struct world *world = oracle->world;
    uint64_t told = told_losses(world->host);
    struct missing missing = { .count = 0 };

    check_owed(oracle, &missing);
    for (uint32_t m = oracle->open_first; m < oracle->note_count; m++)
        check_note(oracle, m, &missing);
    memset(oracle->will_under_way, 0, sizeof(oracle->will_under_way));
    for (unsigned g = 0; g < GROUPS; g++)
        note_members(oracle, g);
    if (missing.count > excused(oracle, &missing, told)) {
        const struct note *note = &oracle->notes[missing.first];

        world_fail(world,
                "%" PRIu64 " deliveries are missing and %" PRIu64
                " are excused; the first is message "
                "%u (publisher %u topic %u qos %u%s%s taken at step %" PRIu64 ") to %s %d",
                missing.count, excused(oracle, &missing, told), missing.first, note->publisher,
                note->topic, note->qos, note->retain ? " retain" : "", note->will ? " will" : "",
                note->step, missing.client < 0 ? "group" : "client",
                missing.client < 0 ? -1 - missing.client : missing.client);
    }
    world->tally.counts[TALLY_TOLD] += missing.count;
    oracle->told = told;
    oracle->told_before = 0;
    keep_open_wills(oracle);
}
