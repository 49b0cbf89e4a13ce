/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/index.h"

#include "base/random.h"
#include "mqtt/topic.h"
#include "tests/harness/locks.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHARDS = 3 };

struct fixture {
    struct test_memory memory;
    struct test_memory scratch;
    struct test_locks locks;
    struct index *index;
    struct matches matches;
};

static struct fixture start(void)
{
    struct fixture f = { test_memory_start(), test_memory_start(), test_locks_start(), NULL,
        { 0 } };
    struct index_setup setup = { f.memory.memory, f.locks.locks, { { 1, 2 } }, SHARDS };

    f.index = index_new(&setup);
    assert_non_null(f.index);
    assert_true(matches_init(&f.matches, &f.scratch.memory, SHARDS));
    return f;
}

static void end(struct fixture *f)
{
    index_free(f->index);
    matches_deinit(&f->matches);
    test_memory_end(&f->memory);
    test_memory_end(&f->scratch);
    test_locks_end(&f->locks);
}

static struct target target_of(uint32_t n)
{
    return (struct target){ .shard = (uint16_t)(n % SHARDS), .slot = n, .generation = 1 };
}

static enum index_result add(
        struct fixture *f, const char *filter, const struct subscriber *subscriber)
{
    enum index_result result;

    index_write_begin(f->index);
    result = index_add(f->index, bytes_of_text(filter), subscriber);
    index_write_end(f->index);
    return result;
}

static enum index_result add_plain(struct fixture *f, const char *filter, uint32_t n)
{
    return add(f, filter, &(struct subscriber){ .target = target_of(n) });
}

static bool take_away(struct fixture *f, const char *filter, uint32_t n)
{
    struct target target = target_of(n);
    bool removed;

    index_write_begin(f->index);
    removed = index_remove(f->index, bytes_of_text(filter), &target);
    index_write_end(f->index);
    return removed;
}

static void match_publication(struct fixture *f, const struct publication *publication)
{
    f->locks.state->held_max = 0;
    assert_true(index_match(f->index, 1, publication, &f->matches));
    assert_int_equal(f->locks.state->held_max, 1);
}

static void match(struct fixture *f, const char *topic)
{
    match_publication(f, &(struct publication){ .topic = bytes_of_text(topic) });
}

/* The entry of a target in the last result; NULL when it has none. Fails when it has two. */
static const struct match *entry_of(const struct fixture *f, const struct target *target)
{
    const struct match_range *range = &f->matches.shards[target->shard];
    const struct match *found = NULL;

    for (uint32_t i = 0; i < range->count; i++) {
        const struct match *entry = &f->matches.entries[range->start + i];

        assert_int_equal(entry->target.shard, target->shard);
        if (target_equal(&entry->target, target)) {
            assert_null(found);
            found = entry;
        }
    }
    return found;
}

static bool matched(const struct fixture *f, uint32_t n)
{
    struct target target = target_of(n);

    return entry_of(f, &target) != NULL;
}

static bool filter_matches(const char *filter, const char *topic)
{
    struct fixture f = start();
    bool result;

    add_plain(&f, filter, 7);
    match(&f, topic);
    result = matched(&f, 7);
    assert_int_equal(f.matches.count, result);
    end(&f);
    return result;
}

SPEC_TEST("MQTT5-4.7.1-1 MQTT5-4.7.1-2 U5-4.7.1-1 MQTT311-4.7.1-2 MQTT311-4.7.1-3 U311-4.7.1-a",
        wildcards_stand_for_what_the_standard_says)
{
    assert_true(filter_matches("sport/tennis/player1/#", "sport/tennis/player1"));
    assert_true(filter_matches("sport/tennis/player1/#", "sport/tennis/player1/ranking"));
    assert_true(filter_matches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
    assert_true(filter_matches("sport/#", "sport"));
    assert_true(filter_matches("#", "a"));
    assert_true(filter_matches("#", "/"));
    assert_true(filter_matches("sport/tennis/+", "sport/tennis/player1"));
    assert_false(filter_matches("sport/tennis/+", "sport/tennis/player1/ranking"));
    assert_false(filter_matches("sport/+", "sport"));
    assert_true(filter_matches("sport/+", "sport/"));
    assert_true(filter_matches("+/+", "/finance"));
    assert_true(filter_matches("/+", "/finance"));
    assert_false(filter_matches("+", "/finance"));
    assert_true(filter_matches("+/tennis/#", "sport/tennis"));
    assert_false(filter_matches("a//b", "a/b"));
    assert_true(filter_matches("a//b", "a//b"));
}

SPEC_TEST("MQTT5-4.7.2-1 MQTT311-4.7.2-1", a_wildcard_at_the_start_never_matches_a_dollar_topic)
{
    assert_false(filter_matches("#", "$SYS/x"));
    assert_false(filter_matches("#", "$SYS"));
    assert_false(filter_matches("+/x", "$SYS/x"));
    assert_false(filter_matches("+", "$SYS"));
    assert_false(filter_matches("+/#", "$SYS/x"));
    assert_true(filter_matches("$SYS/#", "$SYS/x"));
    assert_true(filter_matches("$SYS/#", "$SYS"));
    assert_true(filter_matches("$SYS/+", "$SYS/x"));
    assert_true(filter_matches("+/$x", "a/$x"));
    assert_true(filter_matches("a/#", "a/$x"));
    assert_true(filter_matches("a/+", "a/$x"));
}

SPEC_TEST("MQTT5-4.7.3-4 MQTT311-4.7.3-4", levels_are_compared_as_bytes)
{
    assert_false(filter_matches("a", "A"));
    assert_false(filter_matches("\xc3\xa9", "e\xcc\x81"));
    assert_true(filter_matches("\xc3\xa9", "\xc3\xa9"));
    assert_false(filter_matches("a ", "a"));
}

SPEC_TEST("MQTT5-3.3.4-2 MQTT311-3.3.5-1",
        overlapping_subscriptions_give_one_entry_at_the_highest_qos)
{
    struct fixture f = start();
    struct target target = target_of(4);

    add(&f, "a/#", &(struct subscriber){ .target = target, .qos = 0 });
    add(&f, "a/b", &(struct subscriber){ .target = target, .qos = 2 });
    add(&f, "+/b", &(struct subscriber){ .target = target, .qos = 1, .retain_as_published = 1 });
    add_plain(&f, "a/b", 5);
    match(&f, "a/b");
    assert_int_equal(f.matches.count, 2);
    assert_int_equal(entry_of(&f, &target)->qos, 2);
    assert_true(entry_of(&f, &target)->retain_as_published);
    assert_true(matched(&f, 5));
    match(&f, "a/c");
    assert_int_equal(f.matches.count, 1);
    assert_int_equal(entry_of(&f, &target)->qos, 0);
    assert_false(entry_of(&f, &target)->retain_as_published);
    end(&f);
}

SPEC_TEST("MQTT5-3.3.4-3", an_entry_has_the_identifiers_of_all_that_match)
{
    static const char *filters[] = { "a/b", "a/#", "+/b", "+/+", "#", "a/+" };
    struct fixture f = start();
    struct target target = target_of(1), other = target_of(2);
    const uint32_t *ids;
    uint32_t seen = 0;

    for (uint32_t i = 0; i < 6; i++) { /* identifiers 0 (none), 1, 2, 3, 4, and 4 again */
        uint32_t id = i < 5 ? i : 4;

        add(&f, filters[i], &(struct subscriber){ .target = target, .identifier = id });
    }
    add(&f, "a/b", &(struct subscriber){ .target = other, .identifier = 268435455 });
    match(&f, "a/b");
    assert_int_equal(f.matches.count, 2);
    assert_int_equal(entry_of(&f, &other)->identifier_count, 1);
    assert_int_equal(match_identifiers(&f.matches, entry_of(&f, &other))[0], 268435455);
    assert_int_equal(entry_of(&f, &target)->identifier_count, 5);
    ids = match_identifiers(&f.matches, entry_of(&f, &target));
    for (int i = 0; i < 5; i++)
        seen += 1u << 4 * ids[i];
    assert_int_equal(seen, 0x21110);
    end(&f);
}

SPEC_TEST("MQTT5-3.8.3-3", no_local_keeps_a_publication_from_its_publisher_alone)
{
    struct fixture f = start();
    struct target me = target_of(1), you = target_of(2), successor = me;
    struct publication publication = { .topic = BYTES("a/b"), .publisher = &me };

    successor.generation++;
    add(&f, "a/b", &(struct subscriber){ .target = me, .no_local = 1, .qos = 2, .identifier = 3 });
    add(&f, "a/b", &(struct subscriber){ .target = you, .no_local = 1 });
    add(&f, "a/b", &(struct subscriber){ .target = successor, .no_local = 1 });
    match_publication(&f, &publication);
    assert_int_equal(f.matches.count, 2);
    assert_null(entry_of(&f, &me));
    assert_true(f.matches.publisher_matters);
    match(&f, "a/b");
    assert_int_equal(f.matches.count, 3);
    assert_true(f.matches.publisher_matters);

    /* Another subscription of the publisher, without No Local, still counts, and it alone. */
    add(&f, "a/#", &(struct subscriber){ .target = me, .qos = 1, .identifier = 4 });
    match_publication(&f, &publication);
    assert_int_equal(entry_of(&f, &me)->qos, 1);
    assert_int_equal(entry_of(&f, &me)->identifier_count, 1);
    assert_int_equal(entry_of(&f, &me)->identifier, 4);
    match(&f, "a/c");
    assert_false(f.matches.publisher_matters);
    end(&f);
}

SPEC_TEST("MQTT5-3.8.4-3 MQTT311-3.8.4-3", the_same_filter_again_replaces_the_subscription)
{
    struct fixture f = start();
    struct target target = target_of(1);

    assert_int_equal(
            add(&f, "a/+", &(struct subscriber){ .target = target, .qos = 2 }), INDEX_ADDED);
    assert_int_equal(add(&f, "a/+", &(struct subscriber){ .target = target, .identifier = 5 }),
            INDEX_REPLACED);
    assert_int_equal(add_plain(&f, "a/#", 1), INDEX_ADDED);
    assert_int_equal(index_count(f.index, 0).subscriptions, 2);
    take_away(&f, "a/#", 1);
    match(&f, "a/b");
    assert_int_equal(f.matches.count, 1);
    assert_int_equal(entry_of(&f, &target)->qos, 0);
    assert_int_equal(entry_of(&f, &target)->identifier, 5);
    end(&f);
}

TEST(a_retained_publication_is_for_subscriptions_that_are_older_than_its_revision)
{
    struct fixture f = start();
    struct target both = target_of(1), late = target_of(2);
    struct publication publication = { .topic = BYTES("a"), .revision = 10 };

    add(&f, "a", &(struct subscriber){ .target = both, .retained_from = 9, .identifier = 1 });
    add(&f, "#",
            &(struct subscriber){ .target = both, .retained_from = 10, .qos = 2, .identifier = 2 });
    add(&f, "a", &(struct subscriber){ .target = late, .retained_from = 10 });
    match_publication(&f, &publication);
    assert_int_equal(f.matches.count, 1);
    assert_int_equal(entry_of(&f, &both)->qos, 0);
    assert_int_equal(entry_of(&f, &both)->identifier, 1);
    match(&f, "a"); /* what is not retained is for all */
    assert_int_equal(f.matches.count, 2);
    assert_int_equal(entry_of(&f, &both)->identifier_count, 2);

    /* A subscription that is made again keeps its start, so it loses nothing. */
    add(&f, "a", &(struct subscriber){ .target = both, .retained_from = 12, .qos = 1 });
    match_publication(&f, &publication);
    assert_int_equal(f.matches.count, 1);
    assert_int_equal(entry_of(&f, &both)->qos, 1);
    end(&f);
}

TEST(a_session_and_a_group_with_the_same_numbers_are_two_targets)
{
    struct fixture f = start();
    struct target session = target_of(1), group = session;

    group.flags = TARGET_GROUP;
    add(&f, "a", &(struct subscriber){ .target = session });
    add(&f, "a", &(struct subscriber){ .target = group });
    add(&f, "#", &(struct subscriber){ .target = group });
    assert_int_equal(index_count(f.index, 0).subscriptions, 1);
    assert_int_equal(index_count(f.index, 0).groups, 2);
    match(&f, "a");
    assert_int_equal(f.matches.count, 2);
    assert_non_null(entry_of(&f, &session));
    assert_non_null(entry_of(&f, &group));
    end(&f);
}

TEST(an_index_without_subscriptions_has_no_nodes)
{
    static const char *filters[] = { "a/b/c", "a/b", "a/+/c", "#", "a/#", "+/+/#", "", "a//", "/" };
    enum { FILTERS = sizeof(filters) / sizeof(filters[0]) };
    struct fixture f = start();
    size_t bytes = f.memory.state->bytes;

    for (uint32_t i = 0; i < FILTERS; i++)
        add_plain(&f, filters[i], i);
    for (uint32_t i = 0; i < FILTERS; i++) {
        assert_false(take_away(&f, filters[i], i + 1));
        assert_false(take_away(&f, "a/b/c/d", i));
        assert_true(take_away(&f, filters[i], i));
        assert_false(take_away(&f, filters[i], i));
    }
    assert_int_equal(index_count(f.index, 0).nodes, 0);
    assert_int_equal(index_count(f.index, 0).subscriptions, 0);
    /* The table keeps its first, small segment. */
    assert_in_range(f.memory.state->bytes, bytes, bytes + 200);
    end(&f);
}

TEST(the_version_grows_with_each_change_and_with_nothing_else)
{
    struct fixture f = start();
    uint64_t version = index_version(f.index);

    match(&f, "a");
    assert_int_equal(f.matches.version, version);
    assert_false(take_away(&f, "a", 1));
    assert_int_equal(index_version(f.index), version);
    add_plain(&f, "a", 1);
    assert_true(index_version(f.index) > version);
    version = index_version(f.index);
    add_plain(&f, "a", 1);
    assert_true(index_version(f.index) > version);
    version = index_version(f.index);
    take_away(&f, "a", 1);
    assert_true(index_version(f.index) > version);
    match(&f, "a");
    assert_int_equal(f.matches.version, index_version(f.index));
    end(&f);
}

TEST(a_write_section_takes_a_whole_batch_under_all_locks)
{
    struct fixture f = start();
    char filter[16];

    f.locks.state->held_max = 0;
    index_write_begin(f.index);
    for (uint32_t i = 0; i < INDEX_BATCH_MAX; i++) {
        snprintf(filter, sizeof(filter), "a/%u", (unsigned)i);
        assert_int_equal(index_add(f.index, bytes_of_text(filter),
                                 &(struct subscriber){ .target = target_of(i) }),
                INDEX_ADDED);
    }
    assert_int_equal(f.locks.state->held, SHARDS);
    index_write_end(f.index);
    assert_int_equal(f.locks.state->held, 0);
    match(&f, "a/255");
    assert_true(matched(&f, 255));
    assert_int_equal(f.matches.count, 1);
    end(&f);
}

TEST(the_deepest_filter_needs_no_stack)
{
    enum { SIZE = UINT16_MAX }; /* that many slashes: 65,536 levels */
    struct fixture f = start();
    char *deep = malloc(SIZE + 1);

    assert_non_null(deep);
    memset(deep, '/', SIZE);
    deep[SIZE] = '\0';
    add_plain(&f, deep, 1);
    add_plain(&f, "//+/#", 2);
    match(&f, deep);
    assert_int_equal(f.matches.count, 2);
    assert_true(take_away(&f, deep, 1));
    assert_int_equal(index_count(f.index, 0).nodes, 4);

    for (size_t i = 0; i < SIZE; i += 2)
        deep[i] = '+';
    add_plain(&f, deep, 1); /* left for index_free() */
    free(deep);
    end(&f);
}

TEST(a_hundred_thousand_children_and_subscribers_are_found_at_once)
{
    enum { CROWD = 100000 };
    struct fixture f = start();
    char filter[32];

    for (uint32_t i = 0; i < CROWD; i++) {
        snprintf(filter, sizeof(filter), "a/%u/b", (unsigned)i);
        assert_int_equal(add_plain(&f, filter, i), INDEX_ADDED);
        assert_int_equal(add_plain(&f, "all", i), INDEX_ADDED);
    }
    add_plain(&f, "+", 5);
    match(&f, "a/77777/b");
    assert_int_equal(f.matches.count, 1);
    assert_true(matched(&f, 77777));
    match(&f, "all");
    assert_int_equal(f.matches.count, CROWD);
    assert_int_equal(f.matches.shards[0].count, (CROWD + 2) / SHARDS);
    for (uint32_t i = 0; i < CROWD; i++) {
        uint32_t n = (uint32_t)((uint64_t)i * 48271 %
                CROWD); /* each once: they have no divisor in common */

        snprintf(filter, sizeof(filter), "a/%u/b", (unsigned)n);
        assert_true(take_away(&f, filter, n));
        assert_true(take_away(&f, "all", n));
    }
    assert_int_equal(index_count(f.index, 0).nodes, 1);
    end(&f);
}

/* ---- Against a list of subscriptions and mqtt_topic_match() ---- */

enum { MODEL_TARGETS = 9, MODEL_MAX = 400, TEXT_MAX = 32 };

struct row {
    char filter[TEXT_MAX];
    struct subscriber subscriber;
};

struct model {
    struct random random;
    size_t count;
    struct row rows[MODEL_MAX];
};

static uint32_t draw(struct model *model, uint32_t limit)
{
    return (uint32_t)(random_next(&model->random) % limit);
}

static void draw_levels(struct model *model, char *text, bool wildcards)
{
    static const char *levels[] = { "a", "b", "", "$s", "+", "+" };
    uint32_t count = 1 + draw(model, 4);

    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            strcat(text, "/");
        if (wildcards && i + 1 == count && draw(model, 3) == 0)
            strcat(text, "#");
        else
            strcat(text, levels[draw(model, wildcards ? 6 : 4)]);
    }
    if (text[0] == '\0')
        strcpy(text, "a");
}

static struct target draw_target(struct model *model)
{
    struct target target = target_of(draw(model, MODEL_TARGETS));

    target.flags = draw(model, 8) == 0 ? TARGET_GROUP : 0;
    return target;
}

static struct row *find_row(struct model *model, const char *filter, const struct target *target)
{
    for (size_t i = 0; i < model->count; i++) {
        struct row *row = &model->rows[i];

        if (strcmp(row->filter, filter) == 0 && target_equal(&row->subscriber.target, target))
            return row;
    }
    return NULL;
}

static void change(struct fixture *f, struct model *model)
{
    struct row row = { .subscriber = { .target = draw_target(model),
                               .qos = draw(model, 3),
                               .no_local = draw(model, 2),
                               .retain_as_published = draw(model, 4) == 0,
                               .identifier = draw(model, 3),
                               .retained_from = draw(model, 4) } };
    struct row *known;

    draw_levels(model, row.filter, true);
    known = find_row(model, row.filter, &row.subscriber.target);
    if (draw(model, MODEL_MAX) > model->count) {
        assert_int_equal(add(f, row.filter, &row.subscriber), known ? INDEX_REPLACED : INDEX_ADDED);
        if (known)
            row.subscriber.retained_from = known->subscriber.retained_from;
        *(known ? known : &model->rows[model->count++]) = row;
        return;
    }
    if (draw(model, 4) > 0) { /* else perhaps none that is there */
        known = &model->rows[draw(model, (uint32_t)model->count)];
        row = *known;
    }
    index_write_begin(f->index);
    assert_int_equal(
            index_remove(f->index, bytes_of_text(row.filter), &row.subscriber.target), !!known);
    index_write_end(f->index);
    if (known)
        *known = model->rows[--model->count];
}

static void expect_entry(struct fixture *f, const struct model *model,
        const struct publication *publication, const struct target *target)
{
    const struct match *entry = entry_of(f, target);
    uint32_t qos = 0, ids = 0, seen = 0, id_count = 0;
    bool any = false, retain = false;

    for (size_t i = 0; i < model->count; i++) {
        const struct subscriber *s = &model->rows[i].subscriber;

        if (!target_equal(&s->target, target) ||
                !mqtt_topic_match(bytes_of_text(model->rows[i].filter), publication->topic) ||
                (s->no_local && target_equal(target, publication->publisher)) ||
                (publication->revision && s->retained_from >= publication->revision))
            continue;
        any = true;
        qos = qos < s->qos ? s->qos : qos;
        retain = retain || s->retain_as_published;
        id_count += s->identifier > 0;
        ids += s->identifier == 1 ? 1 : s->identifier == 2 ? 1 << 16 : 0;
    }
    assert_int_equal(entry != NULL, any);
    if (!entry)
        return;
    assert_int_equal(entry->qos, qos);
    assert_int_equal(entry->retain_as_published, retain);
    assert_int_equal(entry->identifier_count, id_count);
    for (uint32_t i = 0; i < id_count; i++)
        seen += match_identifiers(&f->matches, entry)[i] == 1 ? 1 : 1 << 16;
    assert_int_equal(seen, ids);
}

/* Returns how many targets matched. */
static uint32_t compare(struct fixture *f, struct model *model)
{
    struct target publisher = draw_target(model);
    struct publication publication = { .publisher = &publisher, .revision = draw(model, 5) };
    char topic[TEXT_MAX];
    uint32_t sum = 0;

    draw_levels(model, topic, false);
    publication.topic = bytes_of_text(topic);
    match_publication(f, &publication);
    for (uint32_t n = 0; n < MODEL_TARGETS; n++) {
        struct target target = target_of(n);

        expect_entry(f, model, &publication, &target);
        target.flags = TARGET_GROUP;
        expect_entry(f, model, &publication, &target);
    }
    for (uint16_t shard = 0; shard < SHARDS; shard++)
        sum += f->matches.shards[shard].count;
    assert_int_equal(f->matches.count, sum);
    return sum;
}

SPEC_TEST("MQTT5-3.3.4-2 MQTT5-3.3.4-3 MQTT5-3.8.3-3 MQTT5-3.8.4-3 MQTT5-4.7.2-1",
        the_index_agrees_with_matching_every_filter_by_itself)
{
    struct model *model = calloc(1, sizeof(*model));
    uint32_t found = 0;

    assert_non_null(model);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f = start();

        model->count = 0;
        model->random.state = seed;
        for (int step = 0; step < 1000; step++) {
            change(&f, model);
            found += compare(&f, model);
        }
        assert_int_equal(index_count(f.index, 0).subscriptions + index_count(f.index, 0).groups,
                model->count);
        end(&f);
    }
    assert_true(found > 20000); /* the draws are such that something is tested */
    free(model);
}

/* ---- Short of memory ---- */

TEST(a_failed_addition_changes_nothing)
{
    static const char *filters[] = { "a/b/c/d", "a/b", "+/b/#", "#", "x/+", "a/b/c/d", "a/b/c/d" };
    struct fixture f = start();
    struct test_memory_state *state = f.memory.state;
    uint32_t failures = 0;

    for (uint32_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        struct index_counts before = index_count(f.index, 0);
        uint64_t version = index_version(f.index);
        size_t blocks = state->blocks;
        enum index_result result;

        for (uint64_t n = 1;; n++) {
            state->fail_at = state->fail_until = state->taken + n;
            result = add_plain(&f, filters[i], i);
            if (result != INDEX_NO_MEMORY)
                break;
            failures++;
            assert_int_equal(index_count(f.index, 0).nodes, before.nodes);
            assert_int_equal(index_count(f.index, 0).subscriptions, before.subscriptions);
            assert_int_equal(index_version(f.index), version);
            assert_in_range(state->blocks, blocks, blocks + 1); /* the table's first segment */
            match(&f, "a/b/c/d");
            assert_false(matched(&f, i));
        }
        assert_int_equal(result, INDEX_ADDED);
    }
    assert_true(failures > 10);
    end(&f);
}

TEST(a_failed_match_is_empty_and_the_next_one_whole)
{
    static const char *filters[] = { "a/b", "a/+", "+/b", "#", "+/+", "a/#" };
    uint64_t n = 0;
    bool whole;

    do {
        struct fixture f = start();
        struct publication publication = { .topic = BYTES("a/b") };

        for (uint32_t i = 0; i < 6; i++) {
            for (uint32_t k = 0; k < 20; k++)
                add(&f, filters[i],
                        &(struct subscriber){ .target = target_of(k + i), .identifier = 1 + i });
        }
        f.scratch.state->fail_at = f.scratch.state->fail_until = f.scratch.state->taken + ++n;
        whole = index_match(f.index, 0, &publication, &f.matches);
        assert_int_equal(f.matches.count, whole ? 25 : 0);
        assert_int_equal(f.matches.shards[1].count, whole ? 8 : 0);
        f.scratch.state->fail_at = 0;
        match(&f, "a/b");
        assert_int_equal(f.matches.count, 25);
        assert_int_equal(f.matches.identifier_count, 6 * 20 - 2);

        /* From now on it takes no memory. */
        f.scratch.state->fail_at = 1;
        f.scratch.state->fail_until = UINT64_MAX;
        match(&f, "a/b");
        assert_int_equal(f.matches.count, 25);
        end(&f);
    } while (!whole);
    assert_true(n > 10);
}

TEST(an_index_that_gets_no_memory_or_lock_is_not_made)
{
    struct test_memory memory = test_memory_start();
    struct test_locks locks = test_locks_start();
    struct index_setup setup = { memory.memory, locks.locks, { { 1, 2 } }, SHARDS };
    struct matches matches;

    for (uint64_t n = 1; n <= 2; n++) {
        memory.state->fail_at = memory.state->fail_until = memory.state->taken + n;
        assert_null(index_new(&setup));
    }
    memory.state->fail_at = memory.state->fail_until = memory.state->taken + 1;
    assert_false(matches_init(&matches, &memory.memory, SHARDS));
    locks.state->fail_at = locks.state->created + 2;
    assert_null(index_new(&setup));
    index_free(NULL);
    test_memory_end(&memory);
    test_locks_end(&locks);
}
