/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/guard.h"

#include "tests/harness/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { START_MS = 1000000 };

/* A guard with settings, and the time. */
struct post {
    struct guard *guard;
    struct guard_settings settings;
    int64_t now_ms;
};

static void post_open(struct post *post)
{
    static const struct hash_key key = { { 1, 2 } };

    *post = (struct post){
        .guard = guard_new(&key),
        .settings = { .login_failures_window_s = 60, .login_ban_time_s = 100 },
        .now_ms = START_MS,
    };
    assert_non_null(post->guard);
}

static void post_close(struct post *post)
{
    guard_free(post->guard);
}

static struct address address_at(const char *host)
{
    struct address address;

    assert_int_equal(address_parse(&address, host, 4711), 0);
    return address;
}

static struct guard_guest guest_at(const struct address *address)
{
    return (struct guard_guest){ .address = address };
}

/* Opens a connection from there, and gives up what is counted for it. */
static enum guard_limit visit(struct post *post, const char *host)
{
    struct address address = address_at(host);
    unsigned counts = 0;
    enum guard_limit limit =
            guard_enter(post->guard, &post->settings, guest_at(&address), post->now_ms, &counts);

    guard_leave(post->guard, guest_at(&address), counts);
    return limit;
}

/* The same, and keeps it. */
static enum guard_limit stay(struct post *post, const char *host, unsigned *counts)
{
    struct address address = address_at(host);

    return guard_enter(post->guard, &post->settings, guest_at(&address), post->now_ms, counts);
}

static void leave(struct post *post, const char *host, unsigned counts)
{
    struct address address = address_at(host);

    guard_leave(post->guard, guest_at(&address), counts);
}

static struct guard_login mistake(struct post *post, const char *host, const char *secret)
{
    struct address address = address_at(host);

    return guard_login_failed(post->guard, &post->settings, guest_at(&address), BYTES("alice"),
            bytes_of_text(secret), post->now_ms);
}

/* So many logins with a password each. Returns the last answer. */
static struct guard_login guess(struct post *post, const char *host, unsigned count)
{
    struct guard_login login = { 0 };
    char secret[16];

    for (unsigned i = 0; i < count; i++) {
        snprintf(secret, sizeof(secret), "%u", i);
        login = mistake(post, host, secret);
    }
    return login;
}

static unsigned come_in(struct post *post, const char *host, unsigned tries)
{
    unsigned good = 0;

    for (unsigned i = 0; i < tries; i++)
        good += visit(post, host) == GUARD_GOOD;
    return good;
}

/* ---- Connections ---- */

TEST(without_limits_everyone_comes_in)
{
    struct post post;
    unsigned counts = 7;

    post_open(&post);
    assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
    assert_int_equal(counts, 0);
    post_close(&post);
}

TEST(an_address_has_two_seconds_worth_of_connections_and_then_its_rate)
{
    struct post post;

    post_open(&post);
    post.settings.connection_rate_max = 10;
    assert_int_equal(come_in(&post, "10.0.0.1", 100), 20);
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_CONNECTION_RATE);
    assert_int_equal(visit(&post, "10.0.0.2"), GUARD_GOOD);
    post.now_ms += 99;
    assert_int_equal(come_in(&post, "10.0.0.1", 10), 0);
    post.now_ms += 1;
    assert_int_equal(come_in(&post, "10.0.0.1", 10), 1);
    post.now_ms += 1000;
    assert_int_equal(come_in(&post, "10.0.0.1", 100), 10);
    post.now_ms += 3600000;
    assert_int_equal(come_in(&post, "10.0.0.1", 100), 20);
    post_close(&post);
}

TEST(an_ipv6_network_of_64_bits_is_one_address)
{
    struct post post;

    post_open(&post);
    post.settings.connection_rate_max = 1;
    assert_int_equal(come_in(&post, "2001:db8::1", 1), 1);
    assert_int_equal(come_in(&post, "2001:db8::ffff:2", 5), 1);
    assert_int_equal(come_in(&post, "2001:db8:0:1::1", 5), 2);
    post_close(&post);
}

TEST(connections_at_once_are_counted_until_they_end)
{
    struct post post;
    unsigned counts = 0;
    unsigned none = 0;

    post_open(&post);
    post.settings.max_connections_per_address = 2;
    assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
    assert_int_equal(counts, GUARD_COUNTS_CONNECTION);
    assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
    assert_int_equal(stay(&post, "10.0.0.1", &none), GUARD_CONNECTIONS);
    assert_int_equal(none, 0);
    assert_int_equal(stay(&post, "10.0.0.2", &none), GUARD_GOOD);
    leave(&post, "10.0.0.1", counts);
    assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
    post_close(&post);
}

TEST(handshakes_at_once_are_counted_until_they_are_over)
{
    struct post post;
    unsigned counts = 0;
    unsigned none = 0;

    post_open(&post);
    post.settings.handshakes_per_address_max = 1;
    post.settings.max_connections_per_address = 2;
    assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
    assert_int_equal(counts, GUARD_COUNTS_HANDSHAKE | GUARD_COUNTS_CONNECTION);
    assert_int_equal(stay(&post, "10.0.0.1", &none), GUARD_HANDSHAKES);
    leave(&post, "10.0.0.1", GUARD_COUNTS_HANDSHAKE);
    assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
    leave(&post, "10.0.0.1", GUARD_COUNTS_HANDSHAKE);
    assert_int_equal(stay(&post, "10.0.0.1", &none), GUARD_CONNECTIONS);
    post_close(&post);
}

TEST(those_beyond_the_first_handshakes_of_an_address_are_a_crowd)
{
    struct post post;
    unsigned counts = 0;

    post_open(&post);
    post.settings.handshakes_per_address_max = 100;
    for (int i = 0; i < 2 * GUARD_CROWD; i++) {
        assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
        assert_int_equal(counts,
                i < GUARD_CROWD ? GUARD_COUNTS_HANDSHAKE : GUARD_COUNTS_HANDSHAKE | GUARD_IS_CROWD);
    }
    leave(&post, "10.0.0.1", counts);
    assert_int_equal(stay(&post, "10.0.0.2", &counts), GUARD_GOOD);
    assert_int_equal(counts, GUARD_COUNTS_HANDSHAKE);
    post_close(&post);
}

TEST(a_refused_connection_costs_nothing)
{
    struct post post;
    unsigned counts = 0;
    unsigned none = 0;

    post_open(&post);
    post.settings.handshakes_per_address_max = 1;
    post.settings.connection_rate_max = 1;
    assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
    for (int i = 0; i < 10; i++)
        assert_int_equal(stay(&post, "10.0.0.1", &none), GUARD_HANDSHAKES);
    leave(&post, "10.0.0.1", counts);
    assert_int_equal(stay(&post, "10.0.0.1", &counts), GUARD_GOOD);
    post_close(&post);
}

TEST(unix_sockets_and_exempt_addresses_always_come_in)
{
    static const struct address none = { 0 };
    struct guard_suspect suspect;
    size_t position = 0;
    struct post post;
    unsigned counts;

    post_open(&post);
    post.settings.connection_rate_max = 1;
    post.settings.max_connections_per_address = 1;
    post.settings.login_failures_max = 1;
    post.settings.exempt.count = 1;
    assert_int_equal(network_parse(&post.settings.exempt.networks[0], BYTES("127.0.0.1")), 0);
    for (int i = 0; i < 10; i++) {
        counts = 7;
        assert_int_equal(
                guard_enter(post.guard, &post.settings, guest_at(&none), post.now_ms, &counts),
                GUARD_GOOD);
        assert_int_equal(counts, 0);
        assert_int_equal(stay(&post, "127.0.0.1", &counts), GUARD_GOOD);
        assert_int_equal(counts, 0);
        assert_false(mistake(&post, "127.0.0.1", "x").banned);
        assert_int_equal(mistake(&post, "127.0.0.1", "x").delay_ms, 0);
    }
    assert_true(mistake(&post, "127.0.0.2", "x").banned);
    assert_int_equal(guard_list(post.guard, &position, &suspect, 1, post.now_ms), 1);
    assert_int_equal(guard_list(post.guard, &position, &suspect, 1, post.now_ms), 0);
    post_close(&post);
}

/* ---- Logins ---- */

TEST(wrong_logins_are_answered_later_and_later)
{
    static const uint32_t delays_ms[] = { 0, 0, 0, 100, 200, 400, 800, 1000, 1000 };
    struct post post;

    post_open(&post);
    post.settings.login_delay_max_ms = 1000;
    for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++)
        assert_int_equal(mistake(&post, "10.0.0.1", "old").delay_ms, delays_ms[i]);
    assert_int_equal(mistake(&post, "10.0.0.2", "old").delay_ms, 0);
    post.settings.login_delay_max_ms = 0;
    assert_int_equal(mistake(&post, "10.0.0.1", "old").delay_ms, 0);
    post.settings.login_delay_max_ms = UINT32_MAX;
    for (int i = 0; i < 100; i++)
        mistake(&post, "10.0.0.1", "old");
    assert_int_equal(mistake(&post, "10.0.0.1", "old").delay_ms, UINT32_MAX);
    post_close(&post);
}

TEST(after_so_many_different_wrong_logins_an_address_is_banned_for_a_time)
{
    struct post post;
    struct guard_login login;

    post_open(&post);
    post.settings.login_failures_max = 5;
    assert_false(guess(&post, "10.0.0.1", 4).banned);
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_GOOD);
    login = mistake(&post, "10.0.0.1", "the last");
    assert_true(login.banned);
    assert_int_equal(login.failures, 5);
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_LOGIN_FAILURES);
    assert_int_equal(visit(&post, "10.0.0.2"), GUARD_GOOD);
    post.now_ms += 99999;
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_LOGIN_FAILURES);
    post.now_ms += 1;
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_GOOD);
    assert_false(guess(&post, "10.0.0.1", 4).banned);
    post_close(&post);
}

TEST(the_same_credentials_again_are_no_second_guess)
{
    struct post post;
    struct address address = address_at("10.0.0.1");

    post_open(&post);
    post.settings.login_failures_max = 3;
    for (int i = 0; i < 1000; i++)
        assert_false(mistake(&post, "10.0.0.1", "old").banned);
    /* The same password for another name is another guess. */
    assert_false(guard_login_failed(
            post.guard, &post.settings, guest_at(&address), BYTES("bob"), BYTES("old"), post.now_ms)
                         .banned);
    assert_true(mistake(&post, "10.0.0.1", "new").banned);
    post_close(&post);
}

TEST(hundreds_of_different_credentials_are_told_apart)
{
    struct post post;
    unsigned guesses = 0;
    struct guard_login login;
    char secret[16];

    post_open(&post);
    post.settings.login_failures_max = GUARD_GUESSES_MAX;
    do {
        snprintf(secret, sizeof(secret), "%u", guesses++);
        login = mistake(&post, "10.0.0.1", secret);
    } while (!login.banned && guesses < 1000);
    assert_int_equal(login.failures, GUARD_GUESSES_MAX);
    /* 512 (ln 512 - ln 256) = 355 are expected. */
    assert_in_range(guesses, GUARD_GUESSES_MAX, 420);
    post_close(&post);
}

TEST(wrong_logins_are_forgotten_when_their_window_is_over)
{
    struct post post;

    post_open(&post);
    post.settings.login_failures_max = 5;
    post.settings.login_delay_max_ms = 5000;
    assert_false(guess(&post, "10.0.0.1", 4).banned);
    post.now_ms += 60000;
    assert_int_equal(guess(&post, "10.0.0.1", 4).delay_ms, 100);
    assert_true(mistake(&post, "10.0.0.1", "the last").banned);
    post_close(&post);
}

TEST(who_was_wrong_is_suspect_while_that_counts_exempt_or_not)
{
    static const struct address none = { 0 };
    struct address address = address_at("10.0.0.1");
    struct address exempt = address_at("127.0.0.1");
    struct post post;

    post_open(&post);
    post.settings.exempt.count = 1;
    assert_int_equal(network_parse(&post.settings.exempt.networks[0], BYTES("127.0.0.1")), 0);
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_GOOD);
    assert_false(guard_suspects(post.guard, guest_at(&address), post.now_ms));
    assert_false(guard_suspects(post.guard, guest_at(&exempt), post.now_ms));
    assert_false(guard_suspects(post.guard, guest_at(&none), post.now_ms));
    mistake(&post, "10.0.0.1", "x");
    mistake(&post, "127.0.0.1", "x");
    assert_true(guard_suspects(post.guard, guest_at(&address), post.now_ms + 59999));
    assert_true(guard_suspects(post.guard, guest_at(&exempt), post.now_ms + 59999));
    assert_false(guard_suspects(post.guard, guest_at(&address), post.now_ms + 60000));
    post_close(&post);
}

TEST(who_was_inside_when_its_address_was_banned_does_not_prolong_that)
{
    struct post post;
    struct guard_login login;

    post_open(&post);
    post.settings.login_failures_max = 1;
    post.settings.login_delay_max_ms = 5000;
    assert_true(mistake(&post, "10.0.0.1", "one").banned);
    post.now_ms += 50000;
    login = mistake(&post, "10.0.0.1", "two");
    assert_false(login.banned);
    assert_int_equal(login.delay_ms, 5000);
    post.now_ms += 50000;
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_GOOD);
    post_close(&post);
}

TEST(a_limit_of_0_bans_nobody_and_lets_the_banned_in)
{
    struct post post;

    post_open(&post);
    post.settings.login_failures_max = 1;
    assert_true(mistake(&post, "10.0.0.1", "one").banned);
    post.settings.login_failures_max = 0;
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_GOOD);
    assert_false(guess(&post, "10.0.0.2", 300).banned);
    post_close(&post);
}

/* ---- What is told ---- */

static uint32_t refuse(struct post *post, const char *host)
{
    struct address address = address_at(host);

    return guard_note_refusal(post->guard, guest_at(&address), post->now_ms);
}

TEST(the_log_is_told_of_an_address_once_a_second_and_how_often_it_was)
{
    static const struct address none = { 0 };
    struct post post;

    post_open(&post);
    assert_int_equal(refuse(&post, "10.0.0.1"), 1);
    assert_int_equal(refuse(&post, "10.0.0.2"), 1);
    for (int i = 0; i < 50; i++)
        assert_int_equal(refuse(&post, "10.0.0.1"), 0);
    post.now_ms += GUARD_QUIET_MS;
    assert_int_equal(refuse(&post, "10.0.0.1"), 51);
    assert_int_equal(guard_note_refusal(post.guard, guest_at(&none), post.now_ms), 1);
    assert_int_equal(guard_note_refusal(post.guard, guest_at(&none), post.now_ms), 1);
    post_close(&post);
}

TEST(the_log_is_told_of_a_banned_address_once)
{
    struct post post;

    post_open(&post);
    post.settings.login_failures_max = 1;
    assert_true(mistake(&post, "10.0.0.1", "one").banned);
    assert_int_equal(refuse(&post, "10.0.0.1"), 1);
    for (int i = 0; i < 50; i++) {
        post.now_ms += GUARD_QUIET_MS;
        assert_int_equal(refuse(&post, "10.0.0.1"), 0);
    }
    post.now_ms += 100000;
    assert_int_equal(refuse(&post, "10.0.0.1"), 51);
    post_close(&post);
}

/* ---- For those who look after the server ---- */

TEST(suspects_are_listed_in_slices)
{
    struct post post;
    struct guard_suspect suspects[2];
    char text[NETWORK_TEXT_SIZE];
    size_t position = 0;
    unsigned banned = 0;
    unsigned found = 0;
    size_t count;

    post_open(&post);
    post.settings.login_failures_max = 3;
    assert_int_equal(visit(&post, "10.0.0.9"), GUARD_GOOD);
    guess(&post, "10.0.0.1", 2);
    guess(&post, "10.0.0.2", 3);
    guess(&post, "2001:db8::1", 3);
    post.now_ms += 1000;
    do {
        count = guard_list(post.guard, &position, suspects, 2, post.now_ms);
        for (size_t i = 0; i < count; i++, found++) {
            network_format(&suspects[i].network, text);
            if (strcmp(text, "10.0.0.1") == 0)
                assert_int_equal(suspects[i].failures, 2);
            else if (strcmp(text, "10.0.0.2") != 0)
                assert_string_equal(text, "2001:db8::/64");
            banned += suspects[i].banned_ms == 99000;
        }
    } while (count == 2);
    assert_int_equal(found, 3);
    assert_int_equal(banned, 2);
    post_close(&post);
}

TEST(a_ban_can_be_lifted)
{
    static const struct address none = { 0 };
    struct post post;
    struct address address = address_at("10.0.0.1");
    struct address other = address_at("10.0.0.2");

    post_open(&post);
    post.settings.login_failures_max = 3;
    assert_true(guess(&post, "10.0.0.1", 3).banned);
    assert_false(guard_lift(post.guard, &other));
    assert_false(guard_lift(post.guard, &none));
    assert_true(guard_lift(post.guard, &address));
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_GOOD);
    assert_false(guess(&post, "10.0.0.1", 2).banned);
    assert_true(guard_lift(post.guard, &address));
    assert_false(guess(&post, "10.0.0.1", 2).banned);
    post_close(&post);
}

/* ---- The table's limit ---- */

static void host_of(unsigned number, char text[static 32])
{
    snprintf(text, 32, "10.%u.%u.%u", number >> 16 & 255, number >> 8 & 255, number & 255);
}

TEST(the_banned_stay_when_more_addresses_come_than_there_is_room_for)
{
    struct post post;
    char host[32];

    post_open(&post);
    post.settings.login_failures_max = 1;
    post.settings.handshakes_per_address_max = 10;
    assert_true(mistake(&post, "192.0.2.1", "one").banned);
    for (unsigned i = 0; i < 4 * GUARD_VISITORS_MAX; i++) {
        host_of(i, host);
        assert_int_equal(visit(&post, host), GUARD_GOOD);
    }
    assert_int_equal(visit(&post, "192.0.2.1"), GUARD_LOGIN_FAILURES);
    post_close(&post);
}

TEST(where_all_are_counted_a_new_one_comes_in_uncounted)
{
    struct post post;
    char host[32];
    unsigned counted = 0;

    post_open(&post);
    post.settings.handshakes_per_address_max = 1;
    for (unsigned i = 0; i < 2 * GUARD_VISITORS_MAX; i++) {
        unsigned counts = 0;

        host_of(i, host);
        assert_int_equal(stay(&post, host, &counts), GUARD_GOOD);
        counted += counts == GUARD_COUNTS_HANDSHAKE;
    }
    assert_in_range(counted, GUARD_VISITORS_MAX * 9 / 10, GUARD_VISITORS_MAX);
    post_close(&post);
}

/* ---- Threads ---- */

static void *come_and_go(void *context)
{
    struct post *post = context;
    char host[32];

    for (unsigned i = 0; i < 20000; i++) {
        host_of(i % 16, host);
        visit(post, host);
        if (i % 64 == 0)
            mistake(post, host, "x");
    }
    return NULL;
}

TEST(threads_may_ask_at_once)
{
    struct post post;
    pthread_t threads[4];
    unsigned counts = 0;

    post_open(&post);
    post.settings.handshakes_per_address_max = 4;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &post), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(stay(&post, "10.0.0.3", &counts), GUARD_GOOD);
    assert_int_equal(stay(&post, "10.0.0.3", &counts), GUARD_HANDSHAKES);
    post_close(&post);
}

/* ---- Unproved addresses ---- */

/* The same as guess(), by datagrams that say where they come from. */
static struct guard_login guess_unproved(struct post *post, const char *host, unsigned count)
{
    struct address address = address_at(host);
    struct guard_guest guest = { .address = &address, .unproved = true };
    struct guard_login login = { 0 };
    char secret[16];

    for (unsigned i = 0; i < count; i++) {
        snprintf(secret, sizeof(secret), "%u", i);
        login = guard_login_failed(post->guard, &post->settings, guest, BYTES("alice"),
                bytes_of_text(secret), post->now_ms);
    }
    return login;
}

static enum guard_limit visit_unproved(struct post *post, const char *host)
{
    struct address address = address_at(host);
    struct guard_guest guest = { .address = &address, .unproved = true };
    unsigned counts = 0;
    enum guard_limit limit =
            guard_enter(post->guard, &post->settings, guest, post->now_ms, &counts);

    guard_leave(post->guard, guest, counts);
    return limit;
}

TEST(an_unproved_address_is_never_banned)
{
    struct address address = address_at("10.0.0.1");
    struct guard_login login;
    struct post post;

    post_open(&post);
    post.settings.login_failures_max = 5;
    post.settings.login_delay_max_ms = 400;
    assert_false(guess_unproved(&post, "10.0.0.1", 4).would_ban);
    login = guess_unproved(&post, "10.0.0.1", 5);
    assert_false(login.banned);
    assert_true(login.would_ban);
    assert_int_equal(login.failures, 5);
    assert_int_equal(login.delay_ms, 400);
    /* It is told again only after as many more. */
    login = guess_unproved(&post, "10.0.0.1", 1);
    assert_false(login.would_ban);
    assert_int_equal(login.delay_ms, 400);
    assert_int_equal(visit_unproved(&post, "10.0.0.1"), GUARD_GOOD);
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_GOOD);
    assert_false(guard_suspects(post.guard, guest_at(&address), post.now_ms));
    assert_int_equal(mistake(&post, "10.0.0.1", "x").delay_ms, 0);
    assert_true(guard_lift(post.guard, &address));
    assert_false(guard_lift(post.guard, &address));
    post_close(&post);
}

TEST(a_ban_of_an_address_holds_for_its_datagrams)
{
    struct post post;

    post_open(&post);
    post.settings.login_failures_max = 2;
    assert_true(guess(&post, "10.0.0.1", 2).banned);
    assert_int_equal(visit_unproved(&post, "10.0.0.1"), GUARD_LOGIN_FAILURES);
    assert_int_equal(visit_unproved(&post, "10.0.0.2"), GUARD_GOOD);
    post_close(&post);
}

TEST(who_forges_an_address_takes_no_place_of_its_owner)
{
    struct address address = address_at("10.0.0.1");
    struct guard_guest forger = { .address = &address, .unproved = true };
    struct post post;
    unsigned counts = 0;

    post_open(&post);
    post.settings.max_connections_per_address = 1;
    assert_int_equal(
            guard_enter(post.guard, &post.settings, forger, post.now_ms, &counts), GUARD_GOOD);
    assert_int_equal(visit_unproved(&post, "10.0.0.1"), GUARD_CONNECTIONS);
    assert_int_equal(visit(&post, "10.0.0.1"), GUARD_GOOD);
    assert_false(guard_is_same(forger, guest_at(&address)));
    guard_leave(post.guard, forger, counts);
    assert_int_equal(visit_unproved(&post, "10.0.0.1"), GUARD_GOOD);
    post_close(&post);
}
