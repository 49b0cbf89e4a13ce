/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/store_news.h"

#include "store/store.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>

/* Counts what it is told. */
struct listener {
    unsigned events;
    char last[32];
    int64_t seconds;
    char reserve[16];
};

static void write_event(void *context, const struct event *event)
{
    struct listener *listener = context;

    listener->events++;
    snprintf(listener->last, sizeof(listener->last), "%s", event->name);
    for (size_t i = 0; i < event->field_count; i++) {
        if (strcmp(event->fields[i].name, "seconds") == 0)
            listener->seconds = event->fields[i].number;
        if (strcmp(event->fields[i].name, "reserve") == 0)
            snprintf(listener->reserve, sizeof(listener->reserve), "%s", event->fields[i].text);
    }
}

struct news {
    struct store_news news;
    struct listener listener;
};

static void look(struct news *n, int trouble, int64_t now_ms)
{
    struct journal journal = { EVENT_INFO, write_event, &n->listener };

    store_news_look(&n->news, trouble, "/data", &journal, now_ms);
}

static void expect(const struct news *n, unsigned events, const char *last)
{
    assert_int_equal(n->listener.events, events);
    assert_string_equal(n->listener.last, last);
}

TEST(a_full_disk_and_room_again_are_told_once_each)
{
    struct news n = { 0 };

    look(&n, 0, 500);
    assert_int_equal(n.listener.events, 0);
    look(&n, -ENOSPC, 1000);
    look(&n, -ENOSPC, 1001);
    expect(&n, 1, "store.full");
    assert_string_equal(n.listener.reserve, "used_up");
    look(&n, STORE_SCARCE, 2000);
    expect(&n, 2, "store.full");
    assert_string_equal(n.listener.reserve, "in_use");
    look(&n, 0, 64000);
    expect(&n, 3, "store.recovered");
    assert_int_equal(n.listener.seconds, 63);
    assert_int_equal(store_news_due_ms(&n.news), INT64_MAX);
}

TEST(what_comes_and_goes_is_told_now_and_then_and_the_last_of_it_always)
{
    struct news n = { 0 };

    for (int i = 0; i < STORE_NEWS_MAX / 2; i++) {
        look(&n, -ENOSPC, 1000 + i);
        look(&n, 0, 1000 + i);
    }
    expect(&n, STORE_NEWS_MAX, "store.recovered");
    look(&n, -ENOSPC, 2000);
    assert_int_equal(store_news_due_ms(&n.news), 1000 + STORE_NEWS_WINDOW_MS);
    look(&n, 0, 3000);
    assert_int_equal(store_news_due_ms(&n.news), INT64_MAX);
    look(&n, -ENOSPC, 4000);
    expect(&n, STORE_NEWS_MAX, "store.recovered");
    look(&n, -ENOSPC, 1000 + STORE_NEWS_WINDOW_MS);
    expect(&n, STORE_NEWS_MAX + 1, "store.full");
    look(&n, 0, 1001 + STORE_NEWS_WINDOW_MS);
    expect(&n, STORE_NEWS_MAX + 2, "store.recovered");
}

TEST(the_end_of_the_store_is_told_at_once)
{
    struct news n = { 0 };

    look(&n, -ENOSPC, 1000);
    look(&n, -EIO, 1001);
    expect(&n, 2, "store.failed");
    assert_int_equal(store_health(-EIO), STORAGE_DEAD);
    assert_int_equal(store_health(STORE_SCARCE), STORAGE_SCARCE);
    assert_int_equal(store_health(-ENOSPC), STORAGE_FULL);
    assert_int_equal(store_health(0), STORAGE_WELL);
}

/* A store of which one thread tells that it is full, and stands still before it notes that. */
struct full_store {
    atomic_int noted;
    int trouble;
    bool stands_still;
};

static int tell_trouble(void *context)
{
    struct full_store *store = context;
    int told = store->trouble;

    if (store->stands_still) {
        store->stands_still = false;
        store->trouble = 0; /* another thread makes room */
        store_news_note(&store->noted, tell_trouble, store);
    }
    return told;
}

TEST(a_thread_that_stood_still_leaves_no_old_word_of_the_store)
{
    struct full_store store = { .trouble = -ENOSPC };

    assert_true(store_news_note(&store.noted, tell_trouble, &store));
    assert_false(store_news_note(&store.noted, tell_trouble, &store));
    assert_int_equal(store.noted, -ENOSPC);
    store.stands_still = true;
    assert_true(store_news_note(&store.noted, tell_trouble, &store));
    assert_int_equal(store.noted, 0);
    assert_false(store_news_note(&store.noted, tell_trouble, &store));
}

TEST(the_slowest_commit_is_remembered_for_a_minute_or_two)
{
    struct slowest_commit slowest = { 0 };

    assert_int_equal(slowest_commit_ns(&slowest, 500, 0), 500);
    assert_int_equal(slowest_commit_ns(&slowest, 100, 59999), 500);
    assert_int_equal(slowest_commit_ns(&slowest, 100, 119999), 500);
    assert_int_equal(slowest_commit_ns(&slowest, 70, 120000), 100);
    assert_int_equal(slowest_commit_ns(&slowest, 0, 180000), 70);
    assert_int_equal(slowest_commit_ns(&slowest, 0, 600000), 0);
}
