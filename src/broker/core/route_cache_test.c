/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/route_cache.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

enum { SHARDS = 2, VERSION = 7 };

/* A result of matching with a gap between the shards' entries, as the index gives it. */
struct fixture {
    struct test_memory memory;
    struct route_cache cache;
    struct match entries[4];
    uint32_t identifiers[3];
    struct match_range ranges[SHARDS];
    struct matches matches;
};

static void start(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .memory = test_memory_start(),
        .entries = {
            { .target = { .slot = 1 }, .qos = 1, .identifier_count = 2, .identifier = 1 },
            { .target = { .slot = 99 } }, /* the gap */
            { .target = { .shard = 1, .slot = 2 }, .qos = 2, .identifier_count = 1,
                    .identifier = 5 },
            { .target = { .shard = 1, .slot = 3 } },
        },
        .identifiers = { 0, 8, 9 },
        .ranges = { { 0, 1 }, { 2, 2 } },
    };
    fixture->matches = (struct matches){ .version = VERSION,
        .count = 3,
        .identifier_count = 3,
        .entries = fixture->entries,
        .identifiers = fixture->identifiers,
        .shards = fixture->ranges };
    route_cache_init(&fixture->cache, &fixture->memory.memory, SHARDS);
}

static void end(struct fixture *fixture)
{
    route_cache_deinit(&fixture->cache);
    test_memory_end(&fixture->memory);
}

static bool is_known(const struct fixture *fixture, uint64_t hash, struct bytes topic)
{
    struct route route;

    return route_cache_find(&fixture->cache, hash, topic, VERSION, &route);
}

TEST(a_kept_route_is_found_whole)
{
    struct fixture fixture;
    struct route route;
    const struct match *entry;

    start(&fixture);
    assert_false(is_known(&fixture, 3, BYTES("t")));
    route_cache_keep(&fixture.cache, 3, BYTES("t"), &fixture.matches);
    memset(fixture.entries, 0, sizeof(fixture.entries));
    assert_true(route_cache_find(&fixture.cache, 3, BYTES("t"), VERSION, &route));
    assert_int_equal(route.count, 3);
    assert_int_equal(route.shards[0].count, 1);
    entry = &route.entries[route.shards[0].start];
    assert_int_equal(entry->target.slot, 1);
    assert_int_equal(route_identifiers(&route, entry)[0], 8);
    assert_int_equal(route_identifiers(&route, entry)[1], 9);
    assert_int_equal(route.shards[1].count, 2);
    entry = &route.entries[route.shards[1].start];
    assert_int_equal(entry[0].target.slot, 2);
    assert_int_equal(route_identifiers(&route, &entry[0])[0], 5);
    assert_int_equal(entry[1].target.slot, 3);
    end(&fixture);
}

TEST(another_version_topic_or_hash_is_not_known)
{
    struct fixture fixture;
    struct route route;

    start(&fixture);
    route_cache_keep(&fixture.cache, 3, BYTES("t"), &fixture.matches);
    assert_false(route_cache_find(&fixture.cache, 3, BYTES("t"), VERSION + 1, &route));
    assert_false(is_known(&fixture, 3, BYTES("u")));
    assert_false(is_known(&fixture, 3 + ROUTE_CACHE_SLOTS, BYTES("t")));
    /* It takes the place of the other. */
    route_cache_keep(&fixture.cache, 3 + ROUTE_CACHE_SLOTS, BYTES("u"), &fixture.matches);
    assert_false(is_known(&fixture, 3, BYTES("t")));
    assert_true(is_known(&fixture, 3 + ROUTE_CACHE_SLOTS, BYTES("u")));
    end(&fixture);
}

TEST(what_depends_on_the_publisher_or_is_large_is_not_kept)
{
    struct fixture fixture;

    start(&fixture);
    fixture.matches.publisher_matters = true;
    route_cache_keep(&fixture.cache, 3, BYTES("t"), &fixture.matches);
    assert_false(is_known(&fixture, 3, BYTES("t")));
    fixture.matches.publisher_matters = false;
    fixture.matches.count = ROUTE_CACHE_TARGETS_MAX + 1;
    route_cache_keep(&fixture.cache, 3, BYTES("t"), &fixture.matches);
    assert_false(is_known(&fixture, 3, BYTES("t")));
    end(&fixture);
}

TEST(a_route_to_nobody_is_kept_too)
{
    struct fixture fixture;
    struct route route;

    start(&fixture);
    fixture.matches.count = 0;
    fixture.matches.identifier_count = 0;
    memset(fixture.ranges, 0, sizeof(fixture.ranges));
    route_cache_keep(&fixture.cache, 3, BYTES("t"), &fixture.matches);
    assert_true(route_cache_find(&fixture.cache, 3, BYTES("t"), VERSION, &route));
    assert_int_equal(route.count, 0);
    end(&fixture);
}

TEST(without_memory_a_route_is_just_not_kept)
{
    for (uint64_t fail = 1; fail <= 2; fail++) {
        struct fixture fixture;

        start(&fixture);
        fixture.memory.state->fail_at = fail;
        fixture.memory.state->fail_until = fail;
        route_cache_keep(&fixture.cache, 3, BYTES("t"), &fixture.matches);
        assert_false(is_known(&fixture, 3, BYTES("t")));
        route_cache_keep(&fixture.cache, 3, BYTES("t"), &fixture.matches);
        assert_true(is_known(&fixture, 3, BYTES("t")));
        end(&fixture);
    }
}
