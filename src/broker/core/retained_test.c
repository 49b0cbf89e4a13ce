/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/retained.h"

#include "base/random.h"
#include "broker/core/index.h"
#include "mqtt/topic.h"
#include "tests/harness/locks.h"
#include "tests/harness/memory.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 32 };

struct fixture {
    struct test_memory memory;
    struct test_locks locks;
    struct retained *store;
};

static void unref(void *context, struct message *message)
{
    const struct test_memory *memory = context;

    message_unref(&memory->memory, message);
}

static void start(struct fixture *f, uint64_t entries_max)
{
    struct retained_setup setup = { .key = { { 3, 4 } }, .entries_max = entries_max };

    f->memory = test_memory_start();
    f->locks = test_locks_start();
    setup.memory = f->memory.memory;
    setup.locks = f->locks.locks;
    setup.unref = unref;
    setup.context = &f->memory;
    f->store = retained_new(&setup);
    assert_non_null(f->store);
}

static void end(struct fixture *f)
{
    assert_in_range(f->locks.state->held_max, 0, 1);
    retained_free(f->store);
    test_memory_end(&f->memory);
    test_locks_end(&f->locks);
}

static struct message *message_of(struct fixture *f, const char *topic, const char *payload)
{
    struct message *message = message_new(&f->memory.memory,
            &(struct message_parts){ .topic = bytes_of_text(topic),
                    .payload = bytes_of_text(payload),
                    .expires_ms = INT64_MAX });

    assert_non_null(message);
    return message;
}

/* Returns the revision; 0 when nothing was set. */
static uint64_t set_until(struct fixture *f, const char *topic, const char *payload,
        int64_t expires_ms, enum retained_result expected)
{
    struct message *message = message_of(f, topic, payload);
    enum retained_result result = retained_set(f->store, message, expires_ms, NULL);
    uint64_t revision = message->revision;

    assert_int_equal(result, expected);
    message_unref(&f->memory.memory, message);
    return revision;
}

static uint64_t set(struct fixture *f, const char *topic, const char *payload)
{
    return set_until(f, topic, payload, INT64_MAX, RETAINED_DONE);
}

static bool clear(struct fixture *f, const char *topic)
{
    struct message *message = message_of(f, topic, "");
    uint64_t before = retained_revision(f->store);
    bool removed = retained_clear(f->store, message, NULL) == RETAINED_DONE;

    assert_int_equal(message->revision, before + 1);
    assert_int_equal(retained_revision(f->store), before + 1);
    message_unref(&f->memory.memory, message);
    return removed;
}

/* ---- Reading all at once ---- */

enum { NOTED_MAX = 256, NOTE_MAX = 48 };

struct reading {
    size_t count;
    char notes[NOTED_MAX][NOTE_MAX]; /* "topic=payload" of the first ones, sorted in the end */
    char text[NOTED_MAX * NOTE_MAX]; /* these with a space behind each */
};

static void note(struct fixture *f, struct reading *reading, struct message *message)
{
    struct bytes topic = message_topic(message), payload = message_payload(message);

    if (reading->count < NOTED_MAX)
        snprintf(reading->notes[reading->count], NOTE_MAX, "%.*s=%.*s", (int)topic.size,
                (const char *)topic.data, (int)payload.size, (const char *)payload.data);
    reading->count++;
    message_unref(&f->memory.memory, message);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Stripes are read in no order that a test could name. */
static void sort_notes(struct reading *reading)
{
    size_t count = reading->count < NOTED_MAX ? reading->count : NOTED_MAX;

    qsort(reading->notes, count, NOTE_MAX, by_text);
    for (size_t i = 0; i < count; i++) {
        strcat(reading->text, reading->notes[i]);
        strcat(reading->text, " ");
    }
}

static struct reading read_query(struct fixture *f, const struct retained_query *query)
{
    struct reading reading = { 0 };
    struct retained_cursor cursor = { 0 };
    struct message *slice[RETAINED_SLICE_MAX];

    while (!cursor.done) {
        size_t count = retained_read(f->store, query, &cursor, slice);

        for (size_t i = 0; i < count; i++)
            note(f, &reading, slice[i]);
    }
    assert_int_equal(retained_read(f->store, query, &cursor, slice), 0);
    retained_cursor_reset(f->store, &cursor);
    sort_notes(&reading);
    return reading;
}

static struct reading read_at(struct fixture *f, const char *filter, int64_t now_ms)
{
    return read_query(f, &(struct retained_query){ bytes_of_text(filter), UINT64_MAX, now_ms });
}

static void expect(struct fixture *f, const char *filter, const char *text)
{
    struct reading reading = read_at(f, filter, 0);

    assert_string_equal(reading.text, text);
}

SPEC_TEST("MQTT5-3.3.1-5 MQTT311-3.3.1-5 MQTT311-3.3.1-6", a_topic_keeps_its_newest_message)
{
    struct fixture f;

    start(&f, 0);
    set(&f, "a/b", "old");
    set(&f, "a/b", "new");
    set(&f, "a/c", "other");
    expect(&f, "a/b", "a/b=new ");
    expect(&f, "a/+", "a/b=new a/c=other ");
    expect(&f, "a", "");
    assert_int_equal(retained_count(f.store), 2);
    end(&f);
}

SPEC_TEST("MQTT5-3.3.1-6 MQTT5-3.3.1-7 MQTT311-3.3.1-10 MQTT311-3.3.1-11",
        a_cleared_topic_has_no_message)
{
    struct fixture f;

    start(&f, 0);
    assert_false(clear(&f, "a/b"));
    set(&f, "a/b", "1");
    assert_true(clear(&f, "a/b"));
    assert_false(clear(&f, "a/b"));
    expect(&f, "a/b", "");
    expect(&f, "#", "");
    assert_int_equal(retained_count(f.store), 0);
    end(&f);
}

SPEC_TEST("MQTT5-4.7.2-1 U5-4.7.1-1 MQTT311-4.7.2-1 U311-4.7.1-a", filters_read_what_they_match)
{
    struct fixture f;

    start(&f, 0);
    set(&f, "$SYS/x", "s");
    set(&f, "a", "1");
    set(&f, "a/b", "2");
    set(&f, "a/b/c", "3");
    set(&f, "a b", "4");
    set(&f, "/", "5");
    expect(&f, "a/#", "a/b/c=3 a/b=2 a=1 ");
    expect(&f, "a/b/#", "a/b/c=3 a/b=2 ");
    expect(&f, "a/+/c", "a/b/c=3 ");
    expect(&f, "+/+/+", "a/b/c=3 ");
    expect(&f, "/+", "/=5 ");
    expect(&f, "+/x", "");
    expect(&f, "$SYS/+", "$SYS/x=s ");
    expect(&f, "$SYS/#", "$SYS/x=s ");
    assert_int_equal(read_at(&f, "+", 0).count, 2);
    assert_int_equal(read_at(&f, "+/+", 0).count, 2);
    assert_int_equal(read_at(&f, "#", 0).count, 5);
    end(&f);
}

TEST(revisions_grow_by_one_with_each_change)
{
    struct fixture f;

    start(&f, 0);
    assert_int_equal(retained_revision(f.store), 0);
    assert_int_equal(set(&f, "a", "1"), 1);
    assert_int_equal(set(&f, "b/c/d", "1"), 2);
    assert_int_equal(set(&f, "a", "2"), 3);
    clear(&f, "a");
    assert_int_equal(retained_revision(f.store), 4);
    end(&f);
}

TEST(a_reader_gets_what_is_not_newer_than_its_start)
{
    struct fixture f;
    struct retained_query query = { .filter = BYTES("#") };

    start(&f, 0);
    set(&f, "a/1", "x");
    set(&f, "a/2", "x");
    query.revision_max = retained_revision(f.store);
    set(&f, "a/2", "newer");
    set(&f, "a/3", "newer");
    assert_string_equal(read_query(&f, &query).text, "a/1=x ");
    query.filter = BYTES("a/3");
    assert_string_equal(read_query(&f, &query).text, "");
    query.filter = BYTES("a/1");
    assert_string_equal(read_query(&f, &query).text, "a/1=x ");
    end(&f);
}

TEST(the_servers_own_are_counted_apart)
{
    struct fixture f;

    start(&f, 0);
    set(&f, "a", "1");
    set(&f, "$SYS/x", "2");
    set(&f, "$SYS/x", "3");
    assert_int_equal(retained_count(f.store), 2);
    assert_int_equal(retained_own_count(f.store), 1);
    end(&f);
}

TEST(a_full_store_still_replaces_and_clears)
{
    struct fixture f;

    start(&f, 2);
    set(&f, "a", "1");
    set(&f, "b", "1");
    assert_int_equal(set_until(&f, "c", "1", INT64_MAX, RETAINED_FULL), 0);
    assert_int_equal(retained_revision(f.store), 2);
    set(&f, "a", "2");
    clear(&f, "b");
    set(&f, "c", "3");
    assert_int_equal(retained_count(f.store), 2);
    expect(&f, "c", "c=3 ");
    end(&f);
}

TEST(the_longest_topics_work)
{
    struct fixture f;
    char *deep = malloc(UINT16_MAX + 1);

    assert_non_null(deep);
    memset(deep, '/', UINT16_MAX);
    deep[UINT16_MAX] = '\0';
    start(&f, 0);
    set(&f, deep, "1");
    deep[UINT16_MAX - 1] = 'x';
    set(&f, deep, "2");
    assert_int_equal(read_at(&f, deep, 0).count, 1);
    assert_int_equal(read_at(&f, "#", 0).count, 2);
    assert_int_equal(read_at(&f, "//+/#", 0).count, 2);
    assert_int_equal(read_at(&f, "//x/#", 0).count, 0);
    end(&f);
    free(deep);
}

/* ---- Expiry ---- */

TEST(an_expired_message_is_not_given_and_goes_away_when_found)
{
    struct fixture f;

    start(&f, 0);
    set_until(&f, "a/1", "x", 1000, RETAINED_DONE);
    set(&f, "a/2", "x");
    assert_string_equal(read_at(&f, "#", 999).text, "a/1=x a/2=x ");
    assert_string_equal(read_at(&f, "a/1", 1000).text, "");
    assert_string_equal(read_at(&f, "#", 1000).text, "a/2=x ");
    assert_int_equal(retained_count(f.store), 1);
    end(&f);
}

static unsigned stripe_with_expiry(const struct fixture *f)
{
    unsigned stripe = 0;

    while (retained_expiry_ms(f->store, stripe) == INT64_MAX)
        stripe++;
    return stripe;
}

TEST(a_sweep_looks_at_a_limited_number_and_tells_the_next_expiry)
{
    struct fixture f;
    char topic[TEXT_MAX];
    unsigned stripe;

    start(&f, 0);
    for (int i = 0; i < 100; i++) { /* all in one stripe; every other one expires at 1000 */
        snprintf(topic, sizeof(topic), "a/b/%d", i);
        set_until(&f, topic, "x", i % 2 ? 1000 : 2000 + i, RETAINED_DONE);
    }
    stripe = stripe_with_expiry(&f);
    assert_int_equal(retained_expiry_ms(f.store, stripe), 1000);
    assert_int_equal(retained_sweep(f.store, stripe, 999, 1000, NULL), 0);
    assert_int_equal(retained_sweep(f.store, stripe, 1000, 10, NULL) <= 10, true);
    assert_int_equal(retained_expiry_ms(f.store, stripe), 1000);
    set_until(&f, "a/b/", "before all others", 1500, RETAINED_DONE);
    clear(&f, "a/b/99");
    for (int i = 0; i < 10; i++)
        retained_sweep(f.store, stripe, 1000, 10, NULL);
    assert_int_equal(retained_expiry_ms(f.store, stripe), 1500);
    assert_int_equal(retained_count(f.store), 51);
    assert_int_equal(retained_sweep(f.store, stripe, 3000, 1000, NULL), 51);
    assert_int_equal(retained_expiry_ms(f.store, stripe), INT64_MAX);
    end(&f);
}

TEST(a_sweep_goes_on_when_its_next_entry_is_cleared)
{
    struct fixture f;
    char topic[TEXT_MAX];
    unsigned stripe;
    size_t swept;

    start(&f, 0);
    for (int i = 10; i < 30; i++) {
        snprintf(topic, sizeof(topic), "a/b/%d", i);
        set_until(&f, topic, "x", 1000, RETAINED_DONE);
    }
    stripe = stripe_with_expiry(&f);
    swept = retained_sweep(f.store, stripe, 1000, 5, NULL);
    clear(&f, "a/b/15");
    swept += retained_sweep(f.store, stripe, 1000, 5, NULL);
    for (int i = 20; i < 30; i++) {
        snprintf(topic, sizeof(topic), "a/b/%d", i);
        assert_int_equal(clear(&f, topic), i > 20);
    }
    assert_int_equal(swept, 10);
    assert_int_equal(retained_sweep(f.store, stripe, 1000, 5, NULL), 0);
    assert_int_equal(retained_count(f.store), 0);
    assert_int_equal(retained_expiry_ms(f.store, stripe), INT64_MAX);
    end(&f);
}

/* ---- Recovery ---- */

static void restore(struct fixture *f, const char *topic, uint64_t revision, int64_t expires_ms)
{
    char payload[TEXT_MAX];
    struct message *message;

    snprintf(payload, sizeof(payload), "%u", (unsigned)revision);
    message = message_of(f, topic, payload);
    message->revision = revision;
    assert_true(retained_restore(f->store, message, expires_ms));
    message_unref(&f->memory.memory, message);
}

TEST(recovery_keeps_the_highest_revision_in_whatever_order_they_come)
{
    struct fixture f;

    start(&f, 1); /* what is recovered obeys no limit */
    restore(&f, "a", 7, INT64_MAX);
    restore(&f, "a", 9, INT64_MAX);
    restore(&f, "a", 8, INT64_MAX);
    restore(&f, "b", 12, INT64_MIN); /* a clearing */
    restore(&f, "b", 11, INT64_MAX);
    restore(&f, "c", 3, INT64_MIN);
    restore(&f, "c", 4, INT64_MAX);
    assert_int_equal(retained_revision(f.store), 12);
    expect(&f, "+", "a=9 c=4 ");
    assert_int_equal(retained_count(f.store), 2);
    assert_int_equal(set(&f, "a", "x"), 13);
    end(&f);
}

/* ---- Slices, while the store changes ---- */

enum { MANY = 3000 };

/* Each of MANY topics: what is in the store, and how often a reader has got it. */
struct known {
    bool in;
    bool steady; /* it was there all the time */
    unsigned got;
};

static void name(char *topic, unsigned n)
{
    snprintf(topic, TEXT_MAX, "s/%u/%u/x", n % 7, n);
}

static void change(struct fixture *f, struct known *known, unsigned n)
{
    char topic[TEXT_MAX];

    name(topic, n);
    if (known[n].in)
        assert_true(clear(f, topic));
    else
        set(f, topic, "v");
    known[n].in = !known[n].in;
    known[n].steady = false;
}

static void take_slice(struct fixture *f, struct known *known, struct message **slice, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char topic[TEXT_MAX] = { 0 };
        unsigned level, n;

        memcpy(topic, slice[i]->data, slice[i]->topic_size);
        assert_int_equal(sscanf(topic, "s/%u/%u/x", &level, &n), 2);
        known[n].got++;
        message_unref(&f->memory.memory, slice[i]);
    }
}

static void read_while_changing(const char *filter, unsigned modulus, uint64_t seed)
{
    struct fixture f;
    struct known *known = calloc(MANY, sizeof(*known));
    struct random random = { seed };
    struct retained_query query = { bytes_of_text(filter), UINT64_MAX, 0 };
    struct retained_cursor cursor = { 0 };
    struct message *slice[RETAINED_SLICE_MAX];
    unsigned slices = 0;

    assert_non_null(known);
    start(&f, 0);
    for (unsigned n = 0; n < MANY; n++) {
        if (random_next(&random) % 4 > 0)
            change(&f, known, n);
        known[n].steady = known[n].in;
    }
    for (; !cursor.done; slices++) {
        size_t count = retained_read(f.store, &query, &cursor, slice);

        assert_in_range(count, 0, RETAINED_SLICE_MAX);
        take_slice(&f, known, slice, count);
        for (int i = 0; i < 100; i++)
            change(&f, known, (unsigned)(random_next(&random) % MANY));
    }
    for (unsigned n = 0; n < MANY; n++) {
        assert_in_range(known[n].got, 0, 1);
        if (known[n].steady)
            assert_int_equal(known[n].got, n % modulus == 0);
        if (n % modulus != 0)
            assert_int_equal(known[n].got, 0);
    }
    assert_true(slices > 1);
    end(&f);
    free(known);
}

SPEC_TEST("MQTT5-3.3.1-9", a_read_in_slices_gives_once_what_stays_whatever_else_comes_and_goes)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        read_while_changing("#", 1, seed);
        read_while_changing("s/#", 1, seed);
        read_while_changing("+/+/+/+", 1, seed);
        read_while_changing("s/0/#", 7, seed);
        read_while_changing("+/0/+/x", 7, seed);
    }
}

TEST(a_read_that_is_given_up_holds_nothing)
{
    struct fixture f;
    struct retained_query query = { BYTES("#"), UINT64_MAX, 0 };
    struct retained_cursor cursor = { 0 };
    struct message *slice[RETAINED_SLICE_MAX];
    char topic[TEXT_MAX];
    size_t count;

    start(&f, 0);
    for (unsigned n = 0; n < MANY; n++) {
        name(topic, n);
        set(&f, topic, "v");
    }
    count = retained_read(f.store, &query, &cursor, slice);
    assert_int_equal(count, RETAINED_SLICE_MAX);
    assert_false(cursor.done);
    for (size_t i = 0; i < count; i++)
        message_unref(&f.memory.memory, slice[i]);
    retained_cursor_reset(f.store, &cursor);
    retained_cursor_reset(f.store, &cursor);
    assert_int_equal(read_at(&f, "#", 0).count, MANY);
    end(&f);
}

/* ---- Against mqtt_topic_match() ---- */

static void draw_levels(struct random *random, char *text, bool wildcards)
{
    static const char *levels[] = { "a", "b", "", "$s", "c", "+", "+", "+" };
    uint64_t count = 1 + random_next(random) % 4;

    text[0] = '\0';
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0)
            strcat(text, "/");
        if (wildcards && i + 1 == count && random_next(random) % 3 == 0)
            strcat(text, "#");
        else
            strcat(text, levels[random_next(random) % (wildcards ? 8 : 5)]);
    }
    if (text[0] == '\0')
        strcpy(text, "a");
}

enum { MODEL_MAX = 200 };

struct model {
    struct random random;
    size_t count;
    struct {
        char topic[TEXT_MAX];
        int64_t expires_ms;
        uint64_t revision;
    } rows[MODEL_MAX];
};

static void change_both(struct fixture *f, struct model *model, int64_t now_ms)
{
    char topic[TEXT_MAX];
    size_t i = 0;

    draw_levels(&model->random, topic, false);
    while (i < model->count && strcmp(model->rows[i].topic, topic) != 0)
        i++;
    if (random_next(&model->random) % 3 == 0 || (i == model->count && i == MODEL_MAX)) {
        clear(f, topic);
        if (i < model->count)
            model->rows[i] = model->rows[--model->count];
        return;
    }
    strcpy(model->rows[i].topic, topic);
    model->rows[i].expires_ms = now_ms + (int64_t)(random_next(&model->random) % 300);
    model->rows[i].revision = set_until(f, topic, "x", model->rows[i].expires_ms, RETAINED_DONE);
    model->count += i == model->count;
}

static void compare(struct fixture *f, struct model *model, int64_t now_ms)
{
    char filter[TEXT_MAX];
    uint64_t latest = retained_revision(f->store);
    struct retained_query query = { .now_ms = now_ms,
        .revision_max = latest - random_next(&model->random) % 20 % (latest + 1) };
    struct reading reading;
    size_t expected = 0;

    draw_levels(&model->random, filter, true);
    query.filter = bytes_of_text(filter);
    reading = read_query(f, &query);
    for (size_t i = 0; i < model->count; i++) {
        char entry[NOTE_MAX];

        if (model->rows[i].expires_ms <= now_ms || model->rows[i].revision > query.revision_max ||
                !mqtt_topic_match(query.filter, bytes_of_text(model->rows[i].topic)))
            continue;
        expected++;
        snprintf(entry, sizeof(entry), "%s=x ", model->rows[i].topic);
        assert_non_null(strstr(reading.text, entry));
    }
    assert_int_equal(reading.count, expected);
}

TEST(the_store_agrees_with_matching_every_topic_by_itself)
{
    struct model *model = calloc(1, sizeof(*model));

    assert_non_null(model);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f;

        start(&f, 0);
        model->count = 0;
        model->random.state = seed;
        for (int64_t now_ms = 0; now_ms < 1000; now_ms++) {
            change_both(&f, model, now_ms);
            compare(&f, model, now_ms);
            retained_sweep(f.store, (unsigned)now_ms % RETAINED_STRIPES, now_ms, 2, NULL);
        }
        end(&f);
    }
    free(model);
}

/* ---- The promise to subscribers (retained.h) ---- */

enum { PUBLICATIONS = 2, PUBLISHER_STEPS = 2 * PUBLICATIONS, SUBSCRIBER_STEPS = 2 };

/* A publisher and a subscriber of one topic, step by step. */
struct encounter {
    struct fixture f;
    struct index *index;
    struct matches matches;
    struct message *messages[PUBLICATIONS];
    unsigned got[PUBLICATIONS];
    unsigned published; /* steps so far */
    unsigned subscribed;
    uint64_t start;
};

/* Each publication is first set, then matched. */
static void publisher_step(struct encounter *e)
{
    unsigned n = e->published / 2;

    if (e->published++ % 2 == 0) {
        assert_int_equal(retained_set(e->f.store, e->messages[n], INT64_MAX, NULL), RETAINED_DONE);
        return;
    }
    assert_true(index_match(e->index, 0,
            &(struct publication){ BYTES("a/b"), NULL, e->messages[n]->revision }, &e->matches));
    e->got[n] += e->matches.count;
}

static void subscriber_step(struct encounter *e)
{
    struct retained_query query = { BYTES("a/+"), e->start, 0 };
    struct retained_cursor cursor = { 0 };
    struct message *slice[RETAINED_SLICE_MAX];

    if (e->subscribed++ == 0) {
        index_write_begin(e->index);
        e->start = retained_revision(e->f.store);
        index_add(e->index, BYTES("a/+"), &(struct subscriber){ .retained_from = e->start });
        index_write_end(e->index);
        return;
    }
    while (!cursor.done) {
        size_t count = retained_read(e->f.store, &query, &cursor, slice);

        for (size_t i = 0; i < count; i++) {
            e->got[slice[i] == e->messages[1]]++;
            message_unref(&e->f.memory.memory, slice[i]);
        }
    }
}

/* Bit n of `order`: the n-th step is the subscriber's. */
static void meet(unsigned order)
{
    struct encounter e = { 0 };
    unsigned first_set = 0; /* publications before the subscription */

    start(&e.f, 0);
    e.index =
            index_new(&(struct index_setup){ e.f.memory.memory, e.f.locks.locks, { { 1, 2 } }, 1 });
    assert_non_null(e.index);
    assert_true(matches_init(&e.matches, &e.f.memory.memory, 1));
    for (unsigned n = 0; n < PUBLICATIONS; n++)
        e.messages[n] = message_of(&e.f, "a/b", "x");
    for (unsigned step = 0; step < PUBLISHER_STEPS + SUBSCRIBER_STEPS; step++) {
        if (order >> step & 1)
            subscriber_step(&e);
        else
            publisher_step(&e);
        if (e.subscribed == 0)
            first_set = (e.published + 1) / 2;
    }
    /* The newest comes once. An older one may have been replaced before the subscriber read it. */
    assert_int_equal(e.got[1], 1);
    assert_in_range(e.got[0], first_set == 0, 1);
    if (first_set == 2)
        assert_int_equal(e.got[0], 0);
    for (unsigned n = 0; n < PUBLICATIONS; n++)
        message_unref(&e.f.memory.memory, e.messages[n]);
    matches_deinit(&e.matches);
    index_free(e.index);
    end(&e.f);
}

TEST(a_new_subscriber_misses_nothing_and_gets_nothing_twice_however_it_meets_a_publisher)
{
    unsigned met = 0;

    for (unsigned order = 0; order < 1u << (PUBLISHER_STEPS + SUBSCRIBER_STEPS); order++) {
        if (__builtin_popcount(order) != SUBSCRIBER_STEPS)
            continue;
        meet(order);
        met++;
    }
    assert_int_equal(met, 15);
}

/* ---- Short of memory ---- */

TEST(a_message_that_gets_no_memory_is_not_kept)
{
    struct fixture f;
    uint64_t n = 0;
    enum retained_result result;

    start(&f, 0);
    do {
        struct message *message = message_of(&f, "a/b", "x");

        f.memory.state->fail_at = f.memory.state->fail_until = f.memory.state->taken + ++n;
        result = retained_set(f.store, message, INT64_MAX, NULL);
        f.memory.state->fail_at = 0;
        assert_int_equal(retained_count(f.store), result == RETAINED_DONE);
        assert_int_equal(retained_revision(f.store), result == RETAINED_DONE);
        message_unref(&f.memory.memory, message);
        expect(&f, "a/b", result == RETAINED_DONE ? "a/b=x " : "");
    } while (result == RETAINED_NO_MEMORY);
    assert_int_equal(n, 3); /* the entry, and the table's first segment */
    end(&f);
}

TEST(a_store_that_gets_no_memory_or_lock_is_not_made)
{
    struct test_memory memory = test_memory_start();
    struct test_locks locks = test_locks_start();
    struct retained_setup setup = { .memory = memory.memory, .locks = locks.locks };

    memory.state->fail_at = memory.state->fail_until = 1;
    assert_null(retained_new(&setup));
    locks.state->fail_at = 10;
    assert_null(retained_new(&setup));
    retained_free(NULL);
    test_memory_end(&memory);
    test_locks_end(&locks);
}
