/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/guard.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAYS = 8, /* visitors among whom one has to give way */
    SETS = GUARD_VISITORS_MAX / WAYS,
    MARKS = 512, /* by which different credentials are told apart */
    MARK_BITS = 64,
    PREFIX_BYTES = 8, /* of an IPv6 address */
};

static_assert((SETS & (SETS - 1)) == 0, "a hash picks a set by its last bits");
static_assert(GUARD_GUESSES_MAX <= MARKS / 2, "few credentials share a mark");

/* An address without its port; its zero value is nobody. */
struct visitor_key {
    uint8_t family; /* enum address_family */
    bool unproved;
    uint8_t bytes[PREFIX_BYTES];
};

/* Most visitors do nothing wrong, so only what all have lies here. */
struct visitor {
    struct visitor_key key;
    bool is_noted; /* something lies in its record */
    uint32_t handshakes;
    uint32_t connections;
    int64_t seen_ms;
    /* When all connections so far would have come at the allowed rate (a leaky bucket's level). */
    int64_t paced_us;
};

/* What a visitor has done wrong, or was refused. */
struct record {
    uint32_t failures; /* wrong logins until failures_end_ms, the same credentials included */
    uint32_t guesses;  /* of these, different ones: bits set in `marks` */
    uint32_t untold;   /* refused connections that the log has not been told of */
    bool told;         /* of this ban the log has been told */
    int64_t failures_end_ms;
    int64_t banned_until_ms;
    int64_t quiet_until_ms;
    uint64_t marks[MARKS / MARK_BITS];
};

static_assert(sizeof(struct visitor) <= 40, "every address that comes takes one");

struct guard {
    pthread_mutex_t mutex; /* guards all below; held for the search of one set */
    struct hash_key key;
    struct visitor visitors[GUARD_VISITORS_MAX]; /* a set is WAYS of them, one after the other */
    struct record records[GUARD_VISITORS_MAX];   /* the visitor's of the same place, if noted */
};

struct guard *guard_new(const struct hash_key *key)
{
    struct guard *guard = calloc(1, sizeof(*guard)); /* The system gives pages as they are used. */

    if (!guard)
        return NULL;
    pthread_mutex_init(&guard->mutex, NULL);
    guard->key = *key;
    return guard;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    pthread_mutex_destroy(&guard->mutex);
    free(guard);
}

/* ---- Visitors ---- */

static struct visitor_key key_of(struct guard_guest guest)
{
    const struct address *address = guest.address;
    struct visitor_key key = { .family = (uint8_t)address_family(address),
        .unproved = guest.unproved };

    if (key.family == ADDRESS_IPV4)
        memcpy(key.bytes, &address->socket.v4.sin_addr, sizeof(address->socket.v4.sin_addr));
    else if (key.family == ADDRESS_IPV6)
        memcpy(key.bytes, address->socket.v6.sin6_addr.s6_addr, PREFIX_BYTES);
    return key;
}

static struct visitor *set_of(struct guard *guard, const struct visitor_key *key)
{
    uint64_t set = hash_bytes(&guard->key, bytes_of(key, sizeof(*key))) & (SETS - 1);

    return &guard->visitors[set * WAYS];
}

/* NULL: it has none. */
static struct record *record_of(struct guard *guard, const struct visitor *visitor)
{
    return visitor && visitor->is_noted ? &guard->records[visitor - guard->visitors] : NULL;
}

static struct record *make_record(struct guard *guard, struct visitor *visitor)
{
    struct record *record = &guard->records[visitor - guard->visitors];

    if (!visitor->is_noted)
        *record = (struct record){ 0 };
    visitor->is_noted = true;
    return record;
}

static struct visitor *find(struct visitor set[], const struct visitor_key *key)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (memcmp(&set[i].key, key, sizeof(*key)) == 0)
            return &set[i];
    }
    return NULL;
}

/* A record of NULL is one with nothing in it, here and below. */
static bool is_banned(const struct record *record, int64_t now_ms)
{
    return record && record->banned_until_ms > now_ms;
}

static bool is_suspect(const struct record *record, int64_t now_ms)
{
    return record && record->failures > 0 && record->failures_end_ms > now_ms;
}

/* How much there is to lose of it. */
enum worth { WORTH_NOTHING, WORTH_SEEN, WORTH_SUSPECT, WORTH_BANNED, WORTH_COUNTED };

static enum worth worth_of(struct guard *guard, const struct visitor *visitor, int64_t now_ms)
{
    const struct record *record = record_of(guard, visitor);

    if (visitor->key.family == ADDRESS_ANY)
        return WORTH_NOTHING;
    if (visitor->handshakes + visitor->connections > 0)
        return WORTH_COUNTED;
    if (is_banned(record, now_ms))
        return WORTH_BANNED;
    return is_suspect(record, now_ms) ? WORTH_SUSPECT : WORTH_SEEN;
}

/* Who has to give way to a new one. */
static struct visitor *least_worth(struct guard *guard, struct visitor set[], int64_t now_ms)
{
    struct visitor *least = &set[0];

    for (size_t i = 1; i < WAYS; i++) {
        enum worth worth = worth_of(guard, &set[i], now_ms);
        enum worth least_worth = worth_of(guard, least, now_ms);

        if (worth < least_worth || (worth == least_worth && set[i].seen_ms < least->seen_ms))
            least = &set[i];
    }
    return least;
}

/* The visitor of that key, maybe in another one's place. NULL: all there are counted. */
static struct visitor *meet(struct guard *guard, const struct visitor_key *key, int64_t now_ms)
{
    struct visitor *set = set_of(guard, key);
    struct visitor *visitor = find(set, key);

    if (!visitor) {
        visitor = least_worth(guard, set, now_ms);
        if (worth_of(guard, visitor, now_ms) == WORTH_COUNTED)
            return NULL;
        *visitor = (struct visitor){ .key = *key };
    }
    visitor->seen_ms = now_ms;
    return visitor;
}

/* ---- Connections ---- */

/* Puts a connection into the leaky bucket. False when it is full. */
static bool keeps_pace(struct visitor *visitor, uint32_t rate_max, int64_t now_ms)
{
    int64_t step_us = INT64_C(1000000) / rate_max;
    int64_t now_us = now_ms * 1000;
    int64_t paced_us = visitor->paced_us > now_us ? visitor->paced_us : now_us;

    if (paced_us + step_us > now_us + GUARD_BURST_S * INT64_C(1000000))
        return false;
    visitor->paced_us = paced_us + step_us;
    return true;
}

static bool is_over(uint32_t count, uint32_t max)
{
    return max > 0 && count >= max;
}

/* An unproved address by that of the same number which is proved: another one is never banned. */
static bool is_kept_out(struct guard *guard, const struct visitor *visitor, int64_t now_ms)
{
    struct visitor_key key = visitor->key;

    key.unproved = false;
    return is_banned(record_of(guard, find(set_of(guard, &key), &key)), now_ms);
}

/* What it costs is taken last, so that it is not taken from one who is refused. */
static enum guard_limit judge(struct guard *guard, struct visitor *visitor,
        const struct guard_settings *settings, int64_t now_ms)
{
    if (settings->login_failures_max > 0 && is_kept_out(guard, visitor, now_ms))
        return GUARD_LOGIN_FAILURES;
    if (is_over(visitor->connections, settings->max_connections_per_address))
        return GUARD_CONNECTIONS;
    if (is_over(visitor->handshakes, settings->handshakes_per_address_max))
        return GUARD_HANDSHAKES;
    if (settings->connection_rate_max > 0 &&
            !keeps_pace(visitor, settings->connection_rate_max, now_ms))
        return GUARD_CONNECTION_RATE;
    return GUARD_GOOD;
}

static unsigned count(struct visitor *visitor, const struct guard_settings *settings)
{
    unsigned counts = 0;

    if (settings->handshakes_per_address_max > 0) {
        counts |= GUARD_COUNTS_HANDSHAKE;
        if (visitor->handshakes++ >= GUARD_CROWD)
            counts |= GUARD_IS_CROWD;
    }
    if (settings->max_connections_per_address > 0) {
        visitor->connections++;
        counts |= GUARD_COUNTS_CONNECTION;
    }
    return counts;
}

static bool is_nobody(const struct guard_settings *settings, const struct address *address)
{
    return address_family(address) == ADDRESS_ANY ||
            network_list_contains(&settings->exempt, address);
}

enum guard_limit guard_enter(struct guard *guard, const struct guard_settings *settings,
        struct guard_guest guest, int64_t now_ms, unsigned *counts)
{
    struct visitor_key key = key_of(guest);
    enum guard_limit limit = GUARD_GOOD;
    struct visitor *visitor;
    unsigned counted = 0;

    if (!is_nobody(settings, guest.address)) {
        pthread_mutex_lock(&guard->mutex);
        visitor = meet(guard, &key, now_ms);
        if (visitor)
            limit = judge(guard, visitor, settings, now_ms);
        if (visitor && limit == GUARD_GOOD)
            counted = count(visitor, settings);
        pthread_mutex_unlock(&guard->mutex);
    }
    if (limit == GUARD_GOOD)
        *counts = counted;
    return limit;
}

void guard_leave(struct guard *guard, struct guard_guest guest, unsigned counts)
{
    struct visitor_key key = key_of(guest);
    struct visitor *visitor;

    if (counts == 0)
        return;
    pthread_mutex_lock(&guard->mutex);
    visitor = find(set_of(guard, &key), &key);
    assert(visitor);
    if (counts & GUARD_COUNTS_HANDSHAKE) {
        assert(visitor->handshakes > 0);
        visitor->handshakes--;
    }
    if (counts & GUARD_COUNTS_CONNECTION) {
        assert(visitor->connections > 0);
        visitor->connections--;
    }
    pthread_mutex_unlock(&guard->mutex);
}

static uint32_t note(struct record *record, int64_t now_ms)
{
    bool banned = is_banned(record, now_ms);
    uint32_t untold = ++record->untold;

    if (banned ? record->told : now_ms < record->quiet_until_ms)
        return 0;
    record->told |= banned;
    record->untold = 0;
    record->quiet_until_ms = now_ms + GUARD_QUIET_MS;
    return untold;
}

uint32_t guard_note_refusal(struct guard *guard, struct guard_guest guest, int64_t now_ms)
{
    struct visitor_key key = key_of(guest);
    struct visitor *visitor;
    uint32_t untold = 1;

    if (key.family == ADDRESS_ANY)
        return untold;
    pthread_mutex_lock(&guard->mutex);
    visitor = meet(guard, &key, now_ms);
    if (visitor)
        untold = note(make_record(guard, visitor), now_ms);
    pthread_mutex_unlock(&guard->mutex);
    return untold;
}

/* ---- Logins ---- */

/* Sets the mark of these credentials. False when it was set already. */
static bool mark(
        const struct guard *guard, struct record *record, struct bytes user, struct bytes secret)
{
    uint64_t hashes[] = { hash_bytes(&guard->key, user), hash_bytes(&guard->key, secret) };
    uint64_t number = hash_bytes(&guard->key, bytes_of(hashes, sizeof(hashes))) % MARKS;
    uint64_t bit = UINT64_C(1) << number % MARK_BITS;
    uint64_t *word = &record->marks[number / MARK_BITS];

    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

static void forget_guesses(struct record *record)
{
    record->guesses = 0;
    memset(record->marks, 0, sizeof(record->marks));
}

static void forget_failures(struct record *record)
{
    record->failures = 0;
    forget_guesses(record);
}

static uint32_t delay_ms(const struct record *record, uint32_t max_ms)
{
    uint64_t wanted_ms = GUARD_LOGIN_DELAY_MS;

    if (record->failures <= GUARD_LOGINS_FREE)
        return 0;
    for (uint32_t i = GUARD_LOGINS_FREE + 1; i < record->failures && wanted_ms < max_ms; i++)
        wanted_ms *= 2;
    return wanted_ms < max_ms ? (uint32_t)wanted_ms : max_ms;
}

/* One more within the window, which begins with the first. */
static void count_failure(
        struct record *record, const struct guard_settings *settings, int64_t now_ms)
{
    if (record->failures_end_ms <= now_ms)
        forget_failures(record);
    if (record->failures == 0)
        record->failures_end_ms = now_ms + settings->login_failures_window_s * INT64_C(1000);
    record->failures++;
}

static struct guard_login judge_failure(
        struct record *record, bool unproved, const struct guard_settings *settings, int64_t now_ms)
{
    bool is_too_much = is_over(record->guesses, settings->login_failures_max);
    struct guard_login login = {
        .delay_ms = delay_ms(record, settings->login_delay_max_ms),
        .banned = is_too_much && !unproved,
        .would_ban = is_too_much && unproved,
        .failures = record->guesses,
    };

    if (login.banned) {
        record->banned_until_ms = now_ms + settings->login_ban_time_s * INT64_C(1000);
        record->told = false;
        forget_failures(record);
    } else if (login.would_ban) {
        forget_guesses(record);
    }
    return login;
}

struct guard_login guard_login_failed(struct guard *guard, const struct guard_settings *settings,
        struct guard_guest guest, struct bytes user, struct bytes secret, int64_t now_ms)
{
    bool exempt = network_list_contains(&settings->exempt, guest.address);
    struct visitor_key key = key_of(guest);
    struct guard_login login = { 0 };
    struct visitor *visitor;
    struct record *record;

    if (key.family == ADDRESS_ANY)
        return login;
    pthread_mutex_lock(&guard->mutex);
    visitor = meet(guard, &key, now_ms);
    record = visitor ? make_record(guard, visitor) : NULL;
    /* Those already inside when their address was banned do not make the ban last longer. */
    if (is_banned(record, now_ms) && !exempt) {
        login.delay_ms = settings->login_delay_max_ms;
    } else if (record) {
        count_failure(record, settings, now_ms);
        if (!exempt) {
            record->guesses += mark(guard, record, user, secret);
            login = judge_failure(record, guest.unproved, settings, now_ms);
        }
    }
    pthread_mutex_unlock(&guard->mutex);
    return login;
}

bool guard_suspects(struct guard *guard, struct guard_guest guest, int64_t now_ms)
{
    struct visitor_key key = key_of(guest);
    bool suspects;

    if (key.family == ADDRESS_ANY)
        return false;
    pthread_mutex_lock(&guard->mutex);
    suspects = is_suspect(record_of(guard, find(set_of(guard, &key), &key)), now_ms);
    pthread_mutex_unlock(&guard->mutex);
    return suspects;
}

/* ---- For those who look after the server ---- */

static struct guard_suspect suspect_of(
        const struct visitor *visitor, const struct record *record, int64_t now_ms)
{
    struct guard_suspect suspect = {
        .network = { .family = visitor->key.family },
        .failures = is_suspect(record, now_ms) ? record->guesses : 0,
        .banned_ms = is_banned(record, now_ms) ? record->banned_until_ms - now_ms : 0,
    };

    suspect.network.prefix = visitor->key.family == ADDRESS_IPV4 ? 32 : PREFIX_BYTES * 8;
    memcpy(suspect.network.bytes, visitor->key.bytes, sizeof(visitor->key.bytes));
    return suspect;
}

static bool read_suspect(
        struct guard *guard, size_t place, struct guard_suspect *out, int64_t now_ms)
{
    const struct visitor *visitor = &guard->visitors[place];
    const struct record *record;
    bool found;

    pthread_mutex_lock(&guard->mutex);
    record = record_of(guard, visitor);
    found = is_banned(record, now_ms) || (is_suspect(record, now_ms) && record->guesses > 0);
    if (found)
        *out = suspect_of(visitor, record, now_ms);
    pthread_mutex_unlock(&guard->mutex);
    return found;
}

size_t guard_list(struct guard *guard, size_t *position, struct guard_suspect out[], size_t max,
        int64_t now_ms)
{
    size_t written = 0;

    while (*position < GUARD_VISITORS_MAX && written < max)
        written += read_suspect(guard, (*position)++, &out[written], now_ms);
    return written;
}

static bool lift(struct guard *guard, struct guard_guest guest)
{
    struct visitor_key key = key_of(guest);
    struct record *record;
    bool had = false;

    if (key.family == ADDRESS_ANY)
        return false;
    pthread_mutex_lock(&guard->mutex);
    record = record_of(guard, find(set_of(guard, &key), &key));
    if (record) {
        had = record->banned_until_ms > 0 || record->failures > 0;
        record->banned_until_ms = 0;
        forget_failures(record);
    }
    pthread_mutex_unlock(&guard->mutex);
    return had;
}

bool guard_lift(struct guard *guard, const struct address *address)
{
    bool had = lift(guard, (struct guard_guest){ .address = address });

    return lift(guard, (struct guard_guest){ .address = address, .unproved = true }) || had;
}

bool guard_is_same(struct guard_guest a, struct guard_guest b)
{
    struct visitor_key key_a = key_of(a);
    struct visitor_key key_b = key_of(b);

    return memcmp(&key_a, &key_b, sizeof(key_a)) == 0;
}
