/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/oracle.h"

#include "tests/simulation/host.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    TIME_EXACT_MS = 110, /* how far from its time a timed thing may happen */
    TIME_SURE_MS = 250,  /* how long after its time it has happened */
};

/* In place of a turn: when all shards have had one since the server was started again. */
static const uint64_t AT_THE_START = UINT64_MAX - 1;

/* Of which what happens now is a part. */
static uint64_t this_turn(const struct oracle *oracle)
{
    return oracle->world->host->turns;
}

static const struct core_settings *settings_of(const struct oracle *oracle)
{
    return &oracle->world->plan.settings;
}

static struct shadow *shadow_of(struct oracle *oracle, unsigned client)
{
    return &oracle->shadows[client];
}

static bool memory_may_fail(const struct oracle *oracle)
{
    return oracle->world->plan.memory_refused_in > 0;
}

void oracle_open(struct oracle *oracle, struct world *world)
{
    *oracle = (struct oracle){ .world = world, .note_count = 1, .open_first = 1 };
    for (unsigned t = 0; t < TOPICS; t++)
        oracle->retained_fuzzy[t] = world->plan.memory_refused_in > 0;
}

void oracle_close(struct oracle *oracle)
{
    free(oracle->notes);
}

uint32_t oracle_note_new(struct oracle *oracle)
{
    if (oracle->note_count >= oracle->note_capacity) {
        oracle->note_capacity = oracle->note_capacity * 2 + 256;
        oracle->notes = realloc(oracle->notes, oracle->note_capacity * sizeof(*oracle->notes));
        if (!oracle->notes)
            abort();
    }
    oracle->notes[oracle->note_count] = (struct note){ .outcome = OUTCOME_OPEN };
    return oracle->note_count++;
}

static bool topic_matches(const struct oracle *oracle, unsigned filter, unsigned topic)
{
    return oracle->world->names.topics_of[filter] >> topic & 1;
}

/* Whether the session still stands in core: its connection may have ended without our knowing yet,
 * or its time may be up at any moment. */
static bool surely_lives(const struct oracle *oracle, const struct shadow *shadow)
{
    if (shadow->state != SESSION_LIVE || shadow->fuzzy)
        return false;
    if (shadow->link && shadow->ends_with_link)
        return shadow->link->connection &&
                connection_fate(shadow->link->connection) == CONNECTION_STAYS;
    return shadow->link || shadow->ends_ms == INT64_MAX ||
            oracle->world->now_ms < shadow->ends_ms - TIME_EXACT_MS;
}

static uint8_t delivered_qos(const struct oracle *oracle, uint8_t message, uint8_t granted)
{
    if (settings_of(oracle)->upgrade_outgoing_qos)
        return granted;
    return message < granted ? message : granted;
}

/* ---- Groups ---- */

static bool is_sure_member(const struct oracle *oracle, const struct shadow *shadow, unsigned group)
{
    return shadow->interests[FILTER_SHARED_FIRST + group].sure && surely_lives(oracle, shadow);
}

static bool group_has_sure_member(const struct oracle *oracle, unsigned group)
{
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        if (is_sure_member(oracle, &oracle->shadows[c], group))
            return true;
    }
    return false;
}

/* One whose session outlives the server, so that the group does. */
static bool group_has_lasting_member(const struct oracle *oracle, unsigned group)
{
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        if (oracle->shadows[c].lasting && is_sure_member(oracle, &oracle->shadows[c], group))
            return true;
    }
    return false;
}

static void void_group(struct oracle *oracle, unsigned group)
{
    for (uint32_t m = oracle->open_first; m < oracle->note_count; m++)
        oracle->notes[m].groups[group].must = false;
}

/* A group that has lost its last member has lost what it held. */
static void void_dead_group(struct oracle *oracle, unsigned group)
{
    if (!group_has_sure_member(oracle, group))
        void_group(oracle, group);
}

static void void_dead_groups(struct oracle *oracle)
{
    for (unsigned g = 0; g < GROUPS; g++)
        void_dead_group(oracle, g);
}

/* QoS 2 messages once sent end with their member. */
static void void_held_by(struct oracle *oracle, const struct shadow *shadow)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        if (!shadow->joined[g])
            continue;
        for (uint32_t m = oracle->open_first; m < oracle->note_count; m++) {
            if (oracle->notes[m].qos == 2 || settings_of(oracle)->upgrade_outgoing_qos)
                oracle->notes[m].groups[g].must = false;
        }
    }
}

/* ---- Routing ---- */

/* What one session is to get of a message; false when nothing. */
static bool match_session(
        struct oracle *oracle, const struct note *note, unsigned client, struct cell *out)
{
    const struct shadow *shadow = shadow_of(oracle, client);
    unsigned matched = 0;

    *out = (struct cell){ .must = true };
    for (unsigned f = 0; f < FILTER_SHARED_FIRST; f++) {
        const struct interest *interest = &shadow->interests[f];

        if (!interest->active || !topic_matches(oracle, f, note->topic))
            continue;
        if (interest->no_local && note->publisher == client) {
            world_count(oracle->world, TALLY_NO_LOCAL);
            continue;
        }
        /* A will may have been published a moment earlier than is known here. */
        if (!interest->sure || (note->will && interest->changed_ms >= note->taken_ms))
            out->must = false;
        out->vague |= !interest->sure;
        if (interest->qos > out->qos)
            out->qos = interest->qos;
        if (interest->identified)
            out->identifiers |= (uint16_t)(1u << f);
        out->retain_may_be[interest->retain_as_published && note->retain] = true;
        matched++;
    }
    if (matched > 1)
        world_count(oracle->world, TALLY_OVERLAPPED);
    out->qos = delivered_qos(oracle, note->qos, out->qos);
    return matched > 0;
}

static void route_to_session(struct oracle *oracle, struct note *note, unsigned client)
{
    const struct shadow *shadow = shadow_of(oracle, client);
    struct cell *cell = &note->cells[client];
    struct cell match;
    bool sure = surely_lives(oracle, shadow);

    if (shadow->fuzzy)
        note->may_match = true;
    if (shadow->state == SESSION_NONE || !match_session(oracle, note, client, &match))
        return;
    note->may_match = true;
    note->matched |= sure;
    if (cell->expected == 0)
        cell->due = note->rank;
    cell->expected++;
    cell->qos = match.qos > cell->qos ? match.qos : cell->qos;
    /* An empty message bears no number by which to know it. */
    cell->vague |= match.vague;
    cell->lossy |= match.qos == 0;
    if (match.must && sure && match.qos == 0 && !note->empty && shadow->link &&
            note->will == WILL_NONE)
        cell->link_serial = shadow->link->serial;
    cell->must |= match.must && sure && match.qos > 0 && !note->empty;
    note->kept |= match.must && sure && match.qos > 0 && shadow->lasting;
    cell->identifiers |= match.identifiers;
    cell->retain_may_be[0] |= match.retain_may_be[0];
    cell->retain_may_be[1] |= match.retain_may_be[1];
}

static void route_to_group(struct oracle *oracle, struct note *note, unsigned group)
{
    struct group_cell *cell = &note->groups[group];
    bool sure = group_has_sure_member(oracle, group);

    if (!topic_matches(oracle, FILTER_SHARED_FIRST + group, note->topic))
        return;
    /* A member's coming and leaving is told to the group's home by mail, which takes its time. */
    note->may_match |= oracle->group_lived[group];
    note->matched |= sure;
    cell->lasting =
            (cell->expected == 0 || cell->lasting) && group_has_lasting_member(oracle, group);
    cell->expected++;
    /* What is published at QoS 0 does not wait for a member, even where it would be upgraded. */
    cell->must |= sure && note->qos > 0 && !oracle->group_lossy[group] && !note->empty;
}

static void route(struct oracle *oracle, struct note *note)
{
    note->matched = note->may_match = false;
    for (unsigned c = 0; c < oracle->world->plan.clients; c++)
        route_to_session(oracle, note, c);
    for (unsigned g = 0; g < GROUPS; g++)
        route_to_group(oracle, note, g);
}

/* Whoever still was to read the topic's retained message gets this one instead. */
static void retain(struct oracle *oracle, uint32_t message)
{
    const struct note *note = &oracle->notes[message];

    if (!settings_of(oracle)->retain_available)
        return;
    oracle->retained[note->topic] = note->empty ? 0 : message;
    world_tell(oracle->world, "    topic %u retains message %u", note->topic, message);
    oracle->retained_ms[note->topic] = oracle->world->now_ms;
    oracle->retained_turn[note->topic] = this_turn(oracle);
    oracle->retained_fuzzy[note->topic] =
            memory_may_fail(oracle) || oracle->will_under_way[note->topic];
    oracle->cleared[note->topic] |= note->empty;
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        struct shadow *shadow = shadow_of(oracle, c);

        if (shadow->owed[note->topic] == 0)
            continue;
        shadow->owed[note->topic] = note->cells[c].must && !note->empty ? message : 0;
    }
}

static void note_taken(struct oracle *oracle, uint32_t message)
{
    struct note *note = &oracle->notes[message];

    if (note->instances++ == 0)
        note->first_ms = oracle->world->now_ms;
    else
        world_count(oracle->world, TALLY_RESENT_TWICE_TAKEN);
    note->rank = ++oracle->ranks;
    note->step = oracle->world->step;
    note->taken_ms = oracle->world->now_ms;
    note->turn = this_turn(oracle);
    note->position = oracle->world->host->store.next;
    note->kept = false;
    route(oracle, note);
    if (note->retain)
        retain(oracle, message);
    if (note->empty)
        oracle->cleared[note->topic] = true;
}

void oracle_announced(struct oracle *oracle, uint32_t message)
{
    note_taken(oracle, message);
    oracle->notes[message].outcome = OUTCOME_ACCEPTED;
}

/*
 * The server knows it still, unless it refused it and the refusal is lost: then this is the first
 * time, for those who match now.
 */
static void route_again(struct oracle *oracle, uint32_t message)
{
    struct note *note = &oracle->notes[message];

    if (!oracle->world->plan.limited && !memory_may_fail(oracle) && !note->killed)
        return;
    note->retaken = true;
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        if (note->cells[c].expected > 0)
            continue;
        route_to_session(oracle, note, c);
        note->cells[c].must = false;
        note->cells[c].link_serial = 0;
    }
    if (note->retain)
        oracle->retained_fuzzy[note->topic] = true;
}

static void took_publish(
        struct oracle *oracle, struct shadow *shadow, const struct mark *mark, bool ended)
{
    if (mark->qos == 2) {
        /* The same again, not released yet: the server must not take it twice. */
        if (shadow->incoming[mark->id] == mark->message) {
            route_again(oracle, mark->message);
            return;
        }
        /* Where memory was short, perhaps it was not taken. */
        shadow->incoming[mark->id] = ended && memory_may_fail(oracle) ? 0 : mark->message;
    }
    note_taken(oracle, mark->message);
}

/* ---- Wills ---- */

/* Soon, if it is: what the topic retains then, nobody can say. */
static void will_is_retained(struct oracle *oracle, const struct note *note)
{
    if (!note->retain)
        return;
    oracle->retained_fuzzy[note->topic] = oracle->will_under_way[note->topic] = true;
    for (unsigned c = 0; c < oracle->world->plan.clients; c++)
        oracle->shadows[c].owed[note->topic] = 0;
}

/* It is published now or as soon as there is room; `due_ms` says since when. */
static void will_falls_due(struct oracle *oracle, struct shadow *shadow, int64_t due_ms)
{
    struct note *note = &oracle->notes[shadow->will];

    note->will = WILL_DUE;
    note->instances = 1;
    /* Nobody is told where memory is too short for it. */
    note->outcome = memory_may_fail(oracle) ? OUTCOME_OPEN : OUTCOME_ACCEPTED;
    note->rank = ++oracle->ranks;
    note->step = oracle->world->step;
    note->first_ms = note->taken_ms = due_ms;
    route(oracle, note);
    will_is_retained(oracle, note);
    shadow->will = 0;
    world_count(oracle->world, TALLY_WILL_DUE);
}

static void will_is_cancelled(struct oracle *oracle, struct shadow *shadow)
{
    oracle->notes[shadow->will].will = WILL_CANCELLED;
    oracle->notes[shadow->will].turn = this_turn(oracle);
    shadow->will = 0;
    world_count(oracle->world, TALLY_WILL_CANCELLED);
}

/* Nobody can say whether it was in time. */
static void will_may_come(struct oracle *oracle, struct shadow *shadow)
{
    struct note *note = &oracle->notes[shadow->will];

    note->will = WILL_MAY;
    note->instances = 1;
    will_is_retained(oracle, note);
    shadow->will = 0;
}

/* A CONNECT came while the old will waited, or while the old connection lived. */
static void will_meets_connect(struct oracle *oracle, struct shadow *shadow)
{
    bool taken_over = shadow->link != NULL;
    int64_t now_ms = oracle->world->now_ms;
    int64_t due_ms = taken_over ? INT64_MAX : shadow->will_due_ms;

    if (shadow->fuzzy || shadow->resumed == RESUMED_UNSURE)
        will_may_come(oracle, shadow);
    else if (taken_over && shadow->will_delay_s == 0)
        will_falls_due(oracle, shadow, now_ms);
    else if (shadow->resumed == RESUMED_NO)
        will_falls_due(oracle, shadow, due_ms < now_ms ? due_ms - TIME_EXACT_MS : now_ms);
    else if (due_ms != INT64_MAX && now_ms > due_ms - TIME_EXACT_MS)
        will_may_come(oracle, shadow);
    else
        will_is_cancelled(oracle, shadow);
}

/* ---- Sessions ---- */

/* The session is gone: nobody must get anything any more. What is still under way to the client may
 * arrive, so what it may get is only forgotten when its next session begins. */
static void session_ends(struct oracle *oracle, struct shadow *shadow)
{
    shadow->state = SESSION_NONE;
    shadow->left_turn = this_turn(oracle);
    shadow->fuzzy = false;
    void_held_by(oracle, shadow);
    for (unsigned f = 0; f < FILTERS; f++)
        shadow->interests[f].active = shadow->interests[f].sure = false;
    memset(shadow->owed, 0, sizeof(shadow->owed));
    void_dead_groups(oracle);
}

static void session_begins(struct oracle *oracle, struct shadow *shadow)
{
    unsigned client = (unsigned)(shadow - oracle->shadows);

    if (shadow->state == SESSION_LIVE)
        session_ends(oracle, shadow);
    for (uint32_t m = oracle->open_first; m < oracle->note_count; m++)
        oracle->notes[m].cells[client] = (struct cell){ .expected = 0 };
    *shadow = (struct shadow){
        .state = SESSION_LIVE,
        .incarnation = shadow->incarnation + 1,
        .resumed = RESUMED_NO,
        .left_turn = shadow->left_turn,
    };
}

static enum resumption decide_resumption(
        const struct oracle *oracle, const struct shadow *shadow, const struct call *call)
{
    int64_t now_ms = oracle->world->now_ms;

    if (call->clean)
        return RESUMED_NO;
    if (shadow->fuzzy)
        return RESUMED_UNSURE;
    if (shadow->state == SESSION_NONE || (shadow->link && shadow->ends_with_link))
        return RESUMED_NO;
    if (shadow->link || shadow->ends_ms == INT64_MAX || now_ms < shadow->ends_ms - TIME_EXACT_MS)
        return RESUMED_YES;
    return now_ms > shadow->ends_ms + TIME_SURE_MS ? RESUMED_NO : RESUMED_UNSURE;
}

/* Memory was short: nobody knows how far it got. */
static void took_half_connect(struct oracle *oracle, struct shadow *shadow, const struct call *call)
{
    if (shadow->will)
        will_may_come(oracle, shadow);
    shadow->will = call->will;
    if (shadow->will)
        will_may_come(oracle, shadow);
    shadow->state = SESSION_LIVE;
    shadow->fuzzy = true;
}

static void took_connect(struct oracle *oracle, struct link *link, bool refused)
{
    struct world *world = oracle->world;
    struct shadow *shadow = shadow_of(oracle, link->client);
    const struct call *call = &link->call;
    uint32_t limit_s = (uint32_t)settings_of(oracle)->session_expiry_s_max;

    if (refused && call->stranger)
        return;
    /* Its own old will may have filled its queue: then it was let in and ended at once. */
    if (refused &&
            !(world->plan.limited && settings_of(oracle)->queue_full_policy == QUEUE_DISCONNECT)) {
        if (!memory_may_fail(oracle) && !world->host->stopped)
            world_fail(world, "client %u was refused for no reason", link->client);
        took_half_connect(oracle, shadow, call);
        return;
    }
    if (call->stranger)
        world_fail(world, "client %u was let in as a stranger", link->client);
    shadow->resumed = decide_resumption(oracle, shadow, call);
    if (shadow->link)
        world_count(world, TALLY_TAKEN_OVER);
    if (shadow->will)
        will_meets_connect(oracle, shadow);
    if (shadow->resumed == RESUMED_NO) {
        if (shadow->state == SESSION_LIVE && call->clean)
            world_count(world, TALLY_CLEANED);
        session_begins(oracle, shadow);
    }
    shadow->fuzzy |= shadow->resumed == RESUMED_UNSURE;
    shadow->state = SESSION_LIVE;
    shadow->link = link;
    shadow->version = call->version;
    shadow->expiry_s = call->version == 5 ? call->expiry_s : call->clean ? 0 : UINT32_MAX;
    if (limit_s > 0 && shadow->expiry_s > limit_s)
        shadow->expiry_s = limit_s;
    shadow->ends_with_link = shadow->expiry_s == 0;
    if (shadow->resumed == RESUMED_NO)
        shadow->lasting = world->plan.stores && shadow->expiry_s > 0;
    shadow->greeted = shadow->has_left = false;
    shadow->came_turn = this_turn(oracle);
    shadow->had_will = call->will > 0;
    shadow->will = call->will;
    shadow->will_delay_s = call->will_delay_s;
}

/* What must be in the store before it is told is there. */
static void check_told(const struct oracle *oracle, const char *what, uint32_t which, uint64_t turn,
        uint64_t durable_at)
{
    if (!host_turn_is_before(oracle->world->host, turn, durable_at))
        world_fail(oracle->world,
                "%s %" PRIu32 " was told when the store was at %" PRIu64 ", before it was durable",
                what, which, durable_at);
}

void oracle_completed(struct oracle *oracle, unsigned client, uint16_t id, uint64_t durable_at)
{
    const struct shadow *shadow = shadow_of(oracle, client);

    if (shadow->lasting && !shadow->fuzzy && shadow->link)
        check_told(oracle, "PUBCOMP", id, shadow->released_turn[id], durable_at);
}

void oracle_released(
        struct oracle *oracle, unsigned client, uint16_t id, uint64_t turn, uint64_t durable_at)
{
    const struct shadow *shadow = shadow_of(oracle, client);

    if (shadow->lasting && !shadow->fuzzy && shadow->link)
        check_told(oracle, "PUBREL", id, turn, durable_at);
}

void oracle_greeted(struct oracle *oracle, unsigned client, uint64_t durable_at)
{
    struct shadow *shadow = shadow_of(oracle, client);

    shadow->greeted = true;
    if (shadow->lasting && !shadow->fuzzy && shadow->resumed == RESUMED_NO)
        check_told(oracle, "the session of client", client, shadow->came_turn, durable_at);
}

void oracle_settle(struct oracle *oracle, unsigned client, bool resumed)
{
    struct shadow *shadow = shadow_of(oracle, client);
    struct shadow old = *shadow;

    if (resumed) {
        shadow->resumed = RESUMED_YES;
        return; /* what it holds stays unknown */
    }
    session_begins(oracle, shadow);
    shadow->link = old.link;
    shadow->version = old.version;
    shadow->ends_with_link = old.ends_with_link;
    shadow->lasting = oracle->world->plan.stores && old.expiry_s > 0;
    shadow->came_turn = old.came_turn;
    shadow->had_will = old.had_will;
    shadow->expiry_s = old.expiry_s;
    shadow->will = old.will;
    shadow->will_delay_s = old.will_delay_s;
}

void oracle_link_ended(struct oracle *oracle, const struct link *link)
{
    struct world *world = oracle->world;
    struct shadow *shadow = shadow_of(oracle, link->client);

    if (shadow->link != link)
        return;
    shadow->link = NULL;
    shadow->left_turn = this_turn(oracle);
    if (shadow->fuzzy) {
        shadow->ends_ms = INT64_MAX; /* Nobody knows which session that was. */
        if (shadow->will)
            will_may_come(oracle, shadow);
        return;
    }
    shadow->ends_ms =
            shadow->expiry_s == UINT32_MAX ? INT64_MAX : world->now_ms + shadow->expiry_s * 1000LL;
    if (shadow->will) {
        shadow->will_due_ms = world->now_ms + shadow->will_delay_s * 1000LL;
        if (shadow->will_due_ms > shadow->ends_ms)
            shadow->will_due_ms = shadow->ends_ms;
        if (shadow->will_due_ms == world->now_ms)
            will_falls_due(oracle, shadow, world->now_ms);
    }
    if (shadow->ends_with_link)
        session_ends(oracle, shadow);
}

bool oracle_will_is_due(struct oracle *oracle, uint32_t message)
{
    struct shadow *shadow = shadow_of(oracle, oracle->notes[message].publisher);

    if (shadow->will != message || shadow->link ||
            oracle->world->now_ms < shadow->will_due_ms - TIME_EXACT_MS)
        return false;
    will_falls_due(oracle, shadow, shadow->will_due_ms - TIME_EXACT_MS);
    return true;
}

void oracle_pass_time(struct oracle *oracle)
{
    int64_t now_ms = oracle->world->now_ms;

    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        struct shadow *shadow = shadow_of(oracle, c);

        if (shadow->link || shadow->state == SESSION_NONE || shadow->fuzzy)
            continue;
        if (shadow->will && now_ms > shadow->will_due_ms + TIME_SURE_MS)
            will_falls_due(oracle, shadow, shadow->will_due_ms - TIME_EXACT_MS);
        if (shadow->ends_ms != INT64_MAX && now_ms > shadow->ends_ms + TIME_SURE_MS) {
            session_ends(oracle, shadow);
            world_count(oracle->world, TALLY_EXPIRED_SESSION);
        }
    }
}

/* ---- Subscriptions ---- */

/* A will that is retained falls due about now. */
static bool will_may_be_out(const struct oracle *oracle, unsigned topic)
{
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        const struct shadow *shadow = &oracle->shadows[c];
        const struct note *note = &oracle->notes[shadow->will];

        if (shadow->will && !shadow->link && note->topic == topic && note->retain &&
                oracle->world->now_ms >= shadow->will_due_ms - TIME_EXACT_MS)
            return true;
    }
    return false;
}

/* A read gives what is retained when it is asked for, and nothing later: that goes out live. */
static void expect_read(struct shadow *shadow, unsigned topic, uint32_t message)
{
    uint32_t *reads = shadow->reads[topic];
    unsigned r = 0;

    while (r < READS_MAX - 1 && reads[r])
        r++;
    reads[r] = message;
}

/* The subscriber is to read what is retained for this topic. */
static void expect_retained(struct oracle *oracle, struct shadow *shadow,
        const struct interest *interest, unsigned topic)
{
    uint32_t message = oracle->retained[topic];
    const struct note *note = &oracle->notes[message];
    unsigned client = (unsigned)(shadow - oracle->shadows);
    bool fuzzy;

    /* A filter's new read replaces its old one. */
    if (shadow->owed_for[topic] == interest - shadow->interests)
        shadow->owed[topic] = 0;
    fuzzy = oracle->retained_fuzzy[topic] || will_may_be_out(oracle, topic);
    expect_read(shadow, topic, fuzzy ? READ_ANY : message);
    world_tell(oracle->world, "    client %u is to read message %" PRIu32 " of topic %u%s", client,
            message, topic, fuzzy ? ", perhaps" : "");
    if (message == 0 || fuzzy || shadow->fuzzy || note->expiry_s > 0 ||
            settings_of(oracle)->retain_expiry_s > 0 || note->outcome == OUTCOME_REFUSED)
        return;
    if (delivered_qos(oracle, note->qos, interest->qos) == 0 ||
            (interest->no_local && note->publisher == client))
        return;
    shadow->owed[topic] = message;
    shadow->owed_for[topic] = (uint8_t)(interest - shadow->interests);
}

/* A will that is due is perhaps not matched yet, and then meets other subscriptions. */
static void void_wills_to(struct oracle *oracle, unsigned client)
{
    for (uint32_t m = oracle->open_first; m < oracle->note_count; m++) {
        if (oracle->notes[m].will == WILL_DUE)
            oracle->notes[m].cells[client].must = false;
    }
}

static void took_subscribe(struct oracle *oracle, struct shadow *shadow, const struct mark *mark)
{
    struct interest *interest = &shadow->interests[mark->filter];
    bool is_new = !interest->active;

    /* It may join the group anew, whose last member's session has expired just now. */
    if (names_filter_shared(mark->filter))
        void_dead_group(oracle, mark->filter - FILTER_SHARED_FIRST);
    *interest = (struct interest){
        .active = true,
        .sure = !memory_may_fail(oracle) && !names_filter_shared(mark->filter),
        .no_local = mark->no_local,
        .retain_as_published = mark->retain_as_published,
        .identified = mark->identified,
        .qos = mark->qos,
        .changed_ms = oracle->world->now_ms,
        .turn = this_turn(oracle),
    };
    world_count(oracle->world, TALLY_SUBSCRIBED);
    void_wills_to(oracle, (unsigned)(shadow - oracle->shadows));
    for (unsigned t = 0; t < TOPICS && mark->qos == 0; t++) {
        /* A read not done yet now gives it at QoS 0. */
        if (shadow->owed_for[t] == mark->filter)
            shadow->owed[t] = 0;
    }
    if (names_filter_shared(mark->filter)) {
        shadow->joined[mark->filter - FILTER_SHARED_FIRST] = true;
        oracle->group_lived[mark->filter - FILTER_SHARED_FIRST] = true;
        if (mark->qos == 0) {
            /* It may get what the group holds, and get it at QoS 0. */
            oracle->group_lossy[mark->filter - FILTER_SHARED_FIRST] = true;
            void_group(oracle, mark->filter - FILTER_SHARED_FIRST);
        }
        shadow->joined_as_published[mark->filter - FILTER_SHARED_FIRST] |=
                mark->retain_as_published;
        return;
    }
    if (mark->retain_handling == 2 ||
            (mark->retain_handling == 1 && !is_new && !memory_may_fail(oracle)))
        return;
    for (unsigned t = 0; t < TOPICS; t++) {
        if (topic_matches(oracle, mark->filter, t))
            expect_retained(oracle, shadow, interest, t);
    }
}

void oracle_granted(struct oracle *oracle, unsigned client, unsigned filter, uint64_t durable_at)
{
    const struct shadow *shadow = shadow_of(oracle, client);
    struct interest *interest = &shadow_of(oracle, client)->interests[filter];

    interest->sure = interest->active;
    if (shadow->lasting && !shadow->fuzzy && shadow->link && interest->active &&
            !memory_may_fail(oracle))
        check_told(oracle, "a subscription of client", client, interest->turn, durable_at);
}

static void took_unsubscribe(struct oracle *oracle, struct shadow *shadow, const struct mark *mark)
{
    struct interest *interest = &shadow->interests[mark->filter];
    unsigned client = (unsigned)(shadow - oracle->shadows);

    interest->active = interest->sure = false;
    interest->turn = this_turn(oracle);
    world_count(oracle->world, TALLY_UNSUBSCRIBED);
    if (names_filter_shared(mark->filter))
        void_dead_group(oracle, mark->filter - FILTER_SHARED_FIRST);
    for (unsigned t = 0; t < TOPICS; t++) {
        if (topic_matches(oracle, mark->filter, t))
            shadow->owed[t] = 0;
    }
    void_wills_to(oracle, client);
}

static void took_disconnect(struct oracle *oracle, struct shadow *shadow, const struct mark *mark)
{
    uint32_t limit_s = (uint32_t)settings_of(oracle)->session_expiry_s_max;

    shadow->has_left = true;
    if (shadow->will && mark->reason != 4)
        will_is_cancelled(oracle, shadow);
    if (!mark->has_expiry)
        return;
    shadow->expiry_s = mark->expiry_s;
    if (limit_s > 0 && shadow->expiry_s > limit_s)
        shadow->expiry_s = limit_s;
    shadow->ends_with_link = shadow->expiry_s == 0;
}

/* Nobody knows for whom. */
static void may_be_taken(struct oracle *oracle, struct note *note)
{
    note->instances += note->instances == 0;
    note->retaken = true;
    oracle->cleared[note->topic] |= note->empty;
}

static void took_pubrel(struct oracle *oracle, struct shadow *shadow, const struct mark *mark)
{
    /* A second one finds the id gone already. */
    if (shadow->incoming[mark->id] > 0)
        shadow->released_turn[mark->id] = this_turn(oracle);
    shadow->incoming[mark->id] = 0;
}

void oracle_took(struct oracle *oracle, struct link *link, const struct mark *mark, bool refused)
{
    struct shadow *shadow = shadow_of(oracle, link->client);

    if (mark->type == WIRE_CONNECT && !mark->wrong) {
        took_connect(oracle, link, refused);
        return;
    }
    if (shadow->link != link && shadow->fuzzy) {
        if (mark->type == WIRE_PUBLISH && !mark->wrong)
            may_be_taken(oracle, &oracle->notes[mark->message]);
        return;
    }
    if (shadow->link != link)
        world_fail(oracle->world, "client %u: a packet was taken from a connection that is not its",
                link->client);
    if (mark->wrong)
        return;
    if (mark->type == WIRE_PUBLISH)
        took_publish(oracle, shadow, mark, refused);
    else if (mark->type == WIRE_PUBREL)
        took_pubrel(oracle, shadow, mark);
    else if (mark->type == WIRE_SUBSCRIBE)
        took_subscribe(oracle, shadow, mark);
    else if (mark->type == WIRE_UNSUBSCRIBE)
        took_unsubscribe(oracle, shadow, mark);
    else if (mark->type == WIRE_DISCONNECT)
        took_disconnect(oracle, shadow, mark);
}

static void check_acknowledged(const struct oracle *oracle, uint32_t message, uint64_t durable_at)
{
    const struct note *note = &oracle->notes[message];

    if (note->instances != 1 || note->retaken || note->killed)
        return;
    if (note->kept)
        check_told(oracle, "message", message, note->turn, durable_at);
    if (note->retain && settings_of(oracle)->retain_available && durable_at < note->position)
        world_fail(oracle->world, "retained message %" PRIu32 " was told before it was durable",
                message);
}

void oracle_acknowledged(
        struct oracle *oracle, uint32_t message, bool accepted, uint64_t durable_at)
{
    struct note *note = &oracle->notes[message];

    world_count(oracle->world, accepted ? TALLY_ACCEPTED : TALLY_REFUSED);
    if (accepted && oracle->world->plan.stores)
        check_acknowledged(oracle, message, durable_at);
    if (note->outcome != OUTCOME_ACCEPTED)
        note->outcome = accepted ? OUTCOME_ACCEPTED : OUTCOME_REFUSED;
    if (!accepted && note->retain)
        oracle->retained_fuzzy[note->topic] = true;
}

/* ---- The server is killed ---- */

/* Whether what the store was told in that turn will be there again. */
static bool is_durable(const struct oracle *oracle, uint64_t turn)
{
    const struct host *host = oracle->world->host;

    if (turn == AT_THE_START)
        turn = host->started_turn;
    return host_turn_is_before(host, turn, host->store.durable);
}

/* Nobody knows any more what is there, if anything is. */
static void forget_session(struct oracle *oracle, struct shadow *shadow)
{
    if (shadow->will)
        will_may_come(oracle, shadow);
    shadow->state = SESSION_LIVE;
    shadow->fuzzy = true;
    shadow->ends_ms = INT64_MAX;
    void_held_by(oracle, shadow);
}

static bool subscriptions_are_durable(const struct oracle *oracle, const struct shadow *shadow)
{
    for (unsigned f = 0; f < FILTERS; f++) {
        if (!is_durable(oracle, shadow->interests[f].turn))
            return false;
    }
    return true;
}

/* Is the store told how and when its client has gone? */
static bool leave_is_durable(const struct oracle *oracle, const struct shadow *shadow)
{
    return is_durable(oracle, shadow->left_turn) ||
            (shadow->state == SESSION_LIVE && shadow->expiry_s == UINT32_MAX && !shadow->had_will);
}

/* A link that was there is lost now. */
static void kill_session(struct oracle *oracle, struct shadow *shadow)
{
    struct link *link = shadow->link;
    bool known = shadow->greeted && !shadow->has_left;

    if (!link) {
        if (!leave_is_durable(oracle, shadow) || !subscriptions_are_durable(oracle, shadow))
            forget_session(oracle, shadow);
        return;
    }
    if (shadow->fuzzy || !known || !subscriptions_are_durable(oracle, shadow)) {
        shadow->link = NULL;
        forget_session(oracle, shadow);
        return;
    }
    if (!shadow->lasting && shadow->will)
        will_is_cancelled(oracle, shadow);
    oracle_link_ended(oracle, link);
    shadow->left_turn = AT_THE_START;
    if (shadow->lasting)
        world_count(oracle->world, TALLY_KEPT);
    else if (shadow->state == SESSION_LIVE)
        session_ends(oracle, shadow);
}

/* What was not acknowledged may be lost; what was acknowledged by its receiver may come again, but
 * not at QoS 2. */
static void kill_note(struct oracle *oracle, struct note *note, const bool mortal[GROUPS])
{
    bool open = note->outcome == OUTCOME_OPEN || note->will != WILL_NONE || note->qos == 0;

    note->killed |= open;
    /* Perhaps it was out for some, and is published anew; or nobody knows that it was cancelled. */
    if (note->will == WILL_DUE ||
            (note->will == WILL_CANCELLED && !is_durable(oracle, note->turn))) {
        note->will = WILL_MAY;
        will_is_retained(oracle, note);
    }
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        struct cell *cell = &note->cells[c];

        cell->must &= !open;
        cell->anew = (uint8_t)(cell->received + cell->read);
        if (note->will != WILL_NONE)
            cell->received = 0;
    }
    for (unsigned g = 0; g < GROUPS; g++) {
        note->groups[g].must &= !open && note->groups[g].lasting;
        note->groups[g].acknowledged = 0;
        if (mortal[g])
            note->groups[g].received_2 = 0;
    }
}

/* What is still to be read for a subscription is not read any further. */
static void kill_retained(struct oracle *oracle, unsigned topic)
{
    for (unsigned c = 0; c < oracle->world->plan.clients; c++)
        oracle->shadows[c].owed[topic] = 0;
    if (topic == TOPIC_SERVER) /* The server's own topics are not stored. */
        oracle->retained[topic] = 0;
    else if (!is_durable(oracle, oracle->retained_turn[topic]))
        oracle->retained_fuzzy[topic] = true;
}

void oracle_killed(struct oracle *oracle)
{
    oracle->killed_before = oracle->note_count;
    bool mortal[GROUPS] = { false };

    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        for (unsigned g = 0; g < GROUPS; g++)
            mortal[g] |= oracle->shadows[c].joined[g] && !oracle->shadows[c].lasting;
    }
    /* Those that are settled may have been read as retained ones since. */
    for (uint32_t m = 1; m < oracle->note_count; m++)
        kill_note(oracle, &oracle->notes[m], mortal);
    for (unsigned c = 0; c < oracle->world->plan.clients; c++) {
        const struct shadow *shadow = shadow_of(oracle, c);

        kill_session(oracle, shadow_of(oracle, c));
        world_tell(oracle->world, "    client %u: %s%s%s", c,
                shadow->state == SESSION_NONE ? "no session" : "a session",
                shadow->lasting ? " that lasts" : "", shadow->fuzzy ? ", perhaps" : "");
    }
    for (unsigned t = 0; t < TOPICS; t++)
        kill_retained(oracle, t);
    void_dead_groups(oracle);
    oracle_keep_losses(oracle);
}
