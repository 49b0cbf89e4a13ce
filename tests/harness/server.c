/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/server.h"

#include "broker/core/author.h"
#include "broker/core/message.h"
#include "tests/harness/peer.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TURNS_MAX = 1000000, /* of one server_run() */
    LINE_MAX_SIZE = 256,
    HEAD_SIZE = 4096,
    HEAD_SIZE_SMALL = 32,
    START_MS = 1000,
    WALL_MS = 1000000, /* of the wall clock, when now_ms is 0 */
    MUCH_SIZE = 64,
    NAME_SIZE_MAX = 31,
};

/* ---- What core calls ---- */

static void count_event(void *context, const struct event *event)
{
    struct server *server = context;

    assert_int_equal(server->locks.state->held, 0);
    server_note(server, "    event %s", event->name);
    for (unsigned i = 0; i < SERVER_EVENTS_MAX; i++) {
        struct server_event *seen = &server->events[i];

        if (!seen->name)
            seen->name = event->name;
        if (strcmp(seen->name, event->name) != 0)
            continue;
        seen->count++;
        return;
    }
    fail_msg("more than %d names of events", SERVER_EVENTS_MAX);
}

/* ---- The authority ---- */

/* Who a client is, and how often it has proved it. */
struct test_identity {
    unsigned proofs;
    char name[NAME_SIZE_MAX + 1];
};

static void *identity_new(struct server *server, struct bytes name, unsigned proofs)
{
    struct test_identity *identity = calloc(1, sizeof(*identity));

    assert_non_null(identity);
    identity->proofs = proofs;
    if (name.size > 0)
        memcpy(identity->name, name.data, name.size < NAME_SIZE_MAX ? name.size : NAME_SIZE_MAX);
    server->identities++;
    return identity;
}

static void forget(void *context, void *identity)
{
    struct server *server = context;

    assert_non_null(identity);
    server->identities--;
    free(identity);
}

static struct bytes name_of(void *context, void *identity)
{
    (void)context;
    assert_non_null(identity);
    return bytes_of_text(((struct test_identity *)identity)->name);
}

static bool contains(struct bytes bytes, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + size <= bytes.size; i++) {
        if (memcmp(bytes.data + i, text, size) == 0)
            return true;
    }
    return false;
}

static enum mqtt_reason judge_client(const struct mqtt_connect *connect)
{
    if (bytes_equal(connect->password, BYTES("wrong")))
        return MQTT_BAD_USER_NAME_OR_PASSWORD;
    if (bytes_equal(connect->user_name, BYTES("stranger")))
        return MQTT_NOT_AUTHORIZED;
    if (contains(connect->client_id, "refused"))
        return MQTT_CLIENT_ID_NOT_VALID;
    return MQTT_SUCCESS;
}

static struct access_verdict admit(void *context, const struct access_arrival *arrival)
{
    struct server *server = context;
    struct access_verdict verdict = { .reason = judge_client(arrival->connect),
        .delay_ms = server->delay_ms };

    assert_int_equal(server->locks.state->held, 0);
    if (bytes_equal(arrival->connect->user_name, BYTES("later"))) {
        assert_true(server->waiting_count < SERVER_WAITING_MAX);
        server->waiting[server->waiting_count++] =
                (struct server_waiting){ server->turning, arrival->ticket };
        return (struct access_verdict){ .reason = MQTT_CONTINUE_AUTHENTICATION };
    }
    if (verdict.reason == MQTT_SUCCESS)
        verdict.identity = identity_new(server, arrival->connect->user_name, 0);
    return verdict;
}

static bool has_level(struct bytes topic, struct bytes level)
{
    size_t start = 0;

    for (size_t i = 0; i <= topic.size; i++) {
        if (i < topic.size && topic.data[i] != '/')
            continue;
        if (bytes_equal(bytes_of(topic.data + start, i - start), level))
            return true;
        start = i + 1;
    }
    return false;
}

static bool allows(void *context, const struct access_request *request)
{
    const struct server *server = context;
    const struct test_identity *identity = request->identity;

    assert_int_equal(server->locks.state->held, 0);
    assert_non_null(identity);
    assert_true(request->client_id.size > 0);
    if (has_level(request->topic, BYTES("proven-again")))
        return identity->proofs > 1;
    if (request->action == ACCESS_RECEIVE)
        return !has_level(request->topic, bytes_of_text(server->unreadable));
    if (request->action == ACCESS_PUBLISH && server->unwritable &&
            has_level(request->topic, bytes_of_text(server->unwritable)))
        return false;
    return !has_level(request->topic, BYTES("denied"));
}

static bool goes_by_name(void *context, void *identity)
{
    (void)context;
    assert_non_null(identity);
    return ((struct test_identity *)identity)->proofs == 0;
}

static bool author_may(void *context, const struct author *author, struct bytes topic)
{
    const struct server *server = context;

    assert_int_equal(server->locks.state->held, 0);
    assert_true(author->client_id.size > 0);
    assert_true(topic.size > 0);
    return !server->disgraced || !bytes_equal(author->user, bytes_of_text(server->disgraced)) ||
            author->listener != server->listener.number;
}

/* Of the listeners, 0 and 1, in this run; another one may have them the other way round. */
static struct bytes listener_name(void *context, uint16_t number)
{
    const struct server *server = context;

    return number == server->listener.number ? BYTES("main") : BYTES("side");
}

static uint16_t listener_number(void *context, struct bytes name)
{
    const struct server *server = context;

    return bytes_equal(name, BYTES("main")) ? server->listener.number
                                            : server->side_listener.number;
}

static enum access_standing standing(void *context, void *identity)
{
    const struct server *server = context;

    assert_int_equal(server->locks.state->held, 0);
    assert_non_null(identity);
    if (server->withdrawn)
        return ACCESS_WITHDRAWN;
    return server->unreadable ? ACCESS_JUDGED : ACCESS_FREE;
}

static int64_t lasts_ms(void *context, void *identity)
{
    const struct server *server = context;

    assert_non_null(identity);
    if (server->identities_end_ms == 0)
        return INT64_MAX;
    return server->identities_end_ms > server->now_ms ? server->identities_end_ms - server->now_ms
                                                      : 0;
}

/* What was told last lives as long as the exchange, and no longer. */
struct test_exchange {
    uint8_t told[MUCH_SIZE];
};

static struct bytes tell(struct test_exchange *exchange, const char *text)
{
    size_t size = strlen(text);

    memcpy(exchange->told, text, size);
    return bytes_of(exchange->told, size);
}

static enum mqtt_reason examine(
        struct test_exchange *exchange, bool first, struct bytes data, struct bytes *answer)
{
    if (bytes_equal(data, BYTES("answer"))) {
        *answer = tell(exchange, "welcome");
        return MQTT_SUCCESS;
    }
    if (bytes_equal(data, BYTES("much"))) {
        memset(exchange->told, '?', MUCH_SIZE);
        *answer = bytes_of(exchange->told, MUCH_SIZE);
        return MQTT_CONTINUE_AUTHENTICATION;
    }
    if (!first && !bytes_equal(data, BYTES("more")))
        return MQTT_NOT_AUTHORIZED;
    *answer = tell(exchange, "ask");
    return MQTT_CONTINUE_AUTHENTICATION;
}

static enum mqtt_reason authenticate(void *context, const struct access_step *step, void **exchange,
        struct access_answer *answer)
{
    struct server *server = context;
    const struct test_identity *before = step->identity;
    bool first = !*exchange;
    enum mqtt_reason reason = step->connect ? judge_client(step->connect) : MQTT_SUCCESS;

    assert_int_equal(server->locks.state->held, 0);
    assert_true(first || !step->connect);
    assert_true(!first || !step->connect == (before != NULL));
    if (!bytes_equal(step->method, BYTES("CHALLENGE")))
        return MQTT_BAD_AUTHENTICATION_METHOD;
    if (reason != MQTT_SUCCESS)
        return reason;
    if (first) {
        *exchange = malloc(sizeof(struct test_exchange));
        assert_non_null(*exchange);
        server->exchanges++;
    }
    reason = examine(*exchange, first, step->data, &answer->data);
    answer->delay_ms = server->delay_ms;
    if (reason == MQTT_SUCCESS)
        answer->identity =
                identity_new(server, BYTES("challenged"), before ? before->proofs + 1 : 1);
    return reason;
}

static void end_exchange(void *context, void *exchange)
{
    struct server *server = context;

    assert_non_null(exchange);
    server->exchanges--;
    free(exchange);
}

/* ---- Start and end ---- */

struct server *server_new(unsigned shards)
{
    struct server *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    server->shard_count = shards;
    server->mailbox_slots = 1;
    server->head_size = shards == 1 ? HEAD_SIZE : HEAD_SIZE_SMALL;
    server->now_ms = START_MS;
    server->memory = test_memory_start();
    server->locks = test_locks_start();
    core_settings_init(&server->settings);
    listener_settings_init(&server->listener);
    listener_settings_init(&server->side_listener);
    server->side_listener.number = 1;
    server->wall_ms = WALL_MS;
    model_store_init(&server->store);
    server_note(server, "server with %u shards", shards);
    return server;
}

struct server *server_round(unsigned round)
{
    static const struct {
        unsigned shards;
        bool stores;
    } rounds[] = { { 1, false }, { 2, false }, { 4, false }, { 2, true } };
    struct server *server;

    if (round == sizeof(rounds) / sizeof(rounds[0]))
        return NULL;
    server = server_new(rounds[round].shards);
    server->stores = rounds[round].stores;
    return server;
}

static void make_cores(struct server *server)
{
    const struct hub_setup setup = { .shards = server->shard_count,
        .mailbox_slots = server->mailbox_slots,
        .key = { { 1, 2 } },
        .memory = server->memory.memory,
        .locks = server->locks.locks,
        .retained_max = server->settings.retained_max };

    server->hub = hub_new(&setup);
    assert_non_null(server->hub);
    for (unsigned i = 0; i < server->shard_count; i++) {
        const struct core_setup core_setup = { .hub = server->hub,
            .shard = i,
            .settings = &server->settings,
            .memory = server->memory.memory,
            .journal = { EVENT_DEBUG, count_event, server },
            .access = { admit, forget, name_of, allows, goes_by_name, author_may, listener_name,
                    listener_number, standing, lasts_ms, authenticate, end_exchange, server },
            .storage = server->stores
                    ? model_store_face(&server->store, &server->shards[i].face, server->patience)
                    : (struct storage){ 0 },
            .is_held = &server->is_held,
            .is_full = &server->is_full,
            .taken_over = peer_taken_over,
            .wall_ms = server->now_ms + server->wall_ms,
            .seed = i + 1 };

        server->shards[i].core = core_new(&core_setup, server->now_ms);
        assert_non_null(server->shards[i].core);
        server->shards[i].face.core = server->shards[i].core;
        server->shards[i].due_ms = INT64_MAX;
        server->shards[i].awake = server->stores; /* Something of what is restored may be due. */
    }
}

static enum restored restore(struct server *server)
{
    struct core *cores[SERVER_SHARDS_MAX];

    for (unsigned i = 0; i < server->shard_count; i++)
        cores[i] = server->shards[i].core;
    return model_store_restore(&server->store, cores, server->shard_count, server->now_ms,
            server->now_ms + server->wall_ms, &server->restored);
}

void server_start(struct server *server)
{
    if (server->hub)
        return;
    server->head = malloc(server->head_size);
    assert_non_null(server->head);
    make_cores(server);
    if (server->stores)
        assert_int_equal(restore(server), RESTORED);
}

static void check_ledgers(const struct server *server)
{
    uint64_t accounted = server_count(server, delivered) + server_count(server, expired) +
            server_waiting(server);

    for (size_t i = 0; i < DROP_REASONS; i++)
        accounted +=
                server_count_at(server, offsetof(struct counters, dropped) + i * sizeof(counter));
    if (server_count(server, matched) != accounted)
        server_fail(server, __FILE__, __LINE__, "%llu messages matched, %llu are accounted for",
                (unsigned long long)server_count(server, matched), (unsigned long long)accounted);
}

static void free_cores(struct server *server)
{
    for (unsigned i = 0; server->hub && i < server->shard_count; i++)
        core_free(server->shards[i].core);
    if (server->hub)
        hub_free(server->hub);
    for (unsigned i = 0; server->hub && server->stores && i < server->shard_count; i++)
        model_face_reset(&server->shards[i].face);
    server->hub = NULL;
    server->waiting_count = 0;
    if (server->identities + server->exchanges > 0)
        server_fail(server, __FILE__, __LINE__, "%zu identities and %zu exchanges are kept",
                server->identities, server->exchanges);
    if (server->memory.state->blocks > 0)
        server_fail(server, __FILE__, __LINE__, "%zu blocks of %zu bytes are never given back",
                server->memory.state->blocks, server->memory.state->bytes);
}

void server_end(struct server *server)
{
    if (server->hub) {
        server_run(server);
        check_ledgers(server);
    }
    peers_free(server);
    free_cores(server);
    model_store_deinit(&server->store);
    free(server->head);
    test_memory_end(&server->memory);
    test_locks_end(&server->locks);
    free(server);
}

/* ---- Another start ---- */

void server_dies(struct server *server, unsigned batches)
{
    peers_lose(server);
    free_cores(server);
    while (batches > 0 && model_store_commit(&server->store))
        batches--;
    model_store_kill(&server->store);
    server_note(server, "-- killed");
}

static enum restored rise(struct server *server, uint64_t fail_at)
{
    struct test_memory_state *memory = server->memory.state;
    enum restored restored;

    make_cores(server);
    memory->fail_at = fail_at > 0 ? memory->taken + fail_at : 0;
    memory->fail_until = memory->fail_at;
    restored = restore(server);
    memory->fail_at = 0;
    if (restored == RESTORED)
        server_run(server);
    else
        free_cores(server);
    return restored;
}

enum restored server_rises(struct server *server, unsigned shards)
{
    server->shard_count = shards;
    return rise(server, 0);
}

enum restored server_rises_failing(struct server *server, uint64_t n)
{
    return rise(server, n + 1);
}

void server_crashes(struct server *server, unsigned shards, unsigned batches)
{
    server_dies(server, batches);
    assert_int_equal(server_rises(server, shards), RESTORED);
}

void server_stops(struct server *server, unsigned shards)
{
    server_shuts_down(server);
    server->store.stopped = true;
    server_crashes(server, shards, 0);
}

/* ---- Turns, as core.h has them ---- */

static void turn(struct server *server, unsigned shard)
{
    struct core *core = server->shards[shard].core;
    int64_t now_ms = server->now_ms;
    uint64_t wake;

    server->turning = shard;
    server->shards[shard].awake = false;
    peers_read(server, shard);
    server->now_ms -= shard > 0 ? server->lag_ms : 0;
    core_take_mail(core, server->now_ms);
    peers_write_full(server, shard);
    peers_take_parcels(server, shard);
    core_tick(core, server->now_ms);
    wake = core_end_turn(core);
    peers_write(server, shard);
    peers_wake(server, shard);
    for (unsigned i = 0; i < server->shard_count; i++)
        server->shards[i].awake |= wake >> i & 1;
    server->now_ms = now_ms;
    server->shards[shard].due_ms = core_due_ms(core);
    if (core_has_mail(core) || server->shards[shard].due_ms <= server->now_ms)
        server->shards[shard].awake = true;
}

/* What was pushed becomes durable when all shards have had a turn since; then wishes are granted,
 * one of each shard. True when something has come of it. */
static bool store_moves(struct server *server)
{
    bool moves = server->health_told != server->store_health;

    server->health_told = server->store_health;
    if (!server->store_stops && model_store_commit(&server->store)) {
        moves = true;
        model_store_commit_all(&server->store);
    }
    for (unsigned i = 0; i < server->shard_count; i++) {
        struct core *core = server->shards[i].core;

        core_durable(core, server->store.durable, server->store_health, server->now_ms);
        moves |= model_face_answer(&server->shards[i].face, server->now_ms);
    }
    for (unsigned i = 0; moves && i < server->shard_count; i++)
        server->shards[i].awake = true;
    return moves;
}

void server_commits(struct server *server)
{
    bool stops = server->store_stops;

    server_start(server);
    server->store_stops = false;
    server_run(server);
    server->store_stops = stops;
}

void server_run(struct server *server)
{
    bool busy = true;

    for (unsigned turns = 0; busy; turns++) {
        busy = false;
        for (unsigned i = 0; i < server->shard_count; i++) {
            if (!server->shards[i].awake)
                continue;
            busy = true;
            turn(server, i);
        }
        if (!busy && server->stores)
            busy = store_moves(server);
        if (turns == TURNS_MAX)
            server_fail(server, __FILE__, __LINE__, "the server does not come to rest");
    }
}

void server_holds(struct server *server, bool is_held)
{
    server->is_held = is_held;
    for (unsigned i = 0; i < server->shard_count; i++)
        server->shards[i].awake = true;
    server_run(server);
}

void clock_advance(struct server *server, int64_t ms)
{
    int64_t until_ms = server->now_ms + ms;

    server_start(server);
    server_run(server);
    while (server->now_ms < until_ms) {
        int64_t next_ms = until_ms;

        for (unsigned i = 0; i < server->shard_count; i++) {
            if (server->shards[i].due_ms < next_ms)
                next_ms = server->shards[i].due_ms;
        }
        server->now_ms = next_ms;
        for (unsigned i = 0; i < server->shard_count; i++)
            server->shards[i].awake |= server->shards[i].due_ms <= next_ms;
        server_run(server);
    }
    server_note(server, "-- %lld ms", (long long)server->now_ms);
}

void server_announces(struct server *server, const char *topic, const char *payload, bool retain)
{
    const struct announcement announcement = {
        .topic = bytes_of_text(topic), .payload = bytes_of_text(payload), .retain = retain
    };

    server_start(server);
    assert_true(core_announce(server->shards[0].core, &announcement, server->now_ms));
    server->shards[0].awake = true;
    server_run(server);
}

void server_admits(struct server *server, unsigned number, enum mqtt_reason reason)
{
    struct server_waiting waiting = server->waiting[number];
    struct access_verdict verdict = { .reason = reason, .delay_ms = server->delay_ms };

    assert_true(number < server->waiting_count);
    if (reason == MQTT_SUCCESS)
        verdict.identity = identity_new(server, BYTES("later"), 0);
    core_admitted(server->shards[waiting.shard].core, waiting.ticket, &verdict, server->now_ms);
    server->shards[waiting.shard].awake = true;
    server_run(server);
}

void server_changes_access(struct server *server)
{
    server_start(server);
    for (unsigned i = 0; i < server->shard_count; i++) {
        core_access_changed(server->shards[i].core, server->now_ms);
        server->shards[i].awake = true;
    }
    server_run(server);
}

void server_shuts_down(struct server *server)
{
    for (unsigned i = 0; i < server->shard_count; i++) {
        core_shut_down(server->shards[i].core, server->now_ms);
        server->shards[i].awake = true;
    }
    server_run(server);
}

/* ---- What it has told and counted ---- */

unsigned server_told(const struct server *server, const char *name)
{
    for (unsigned i = 0; i < SERVER_EVENTS_MAX && server->events[i].name; i++) {
        if (strcmp(server->events[i].name, name) == 0)
            return server->events[i].count;
    }
    return 0;
}

uint64_t server_count_at(const struct server *server, size_t offset)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < server->shard_count; i++) {
        const uint8_t *counters = (const uint8_t *)core_counters(server->shards[i].core);

        sum += counter_read((const counter *)(const void *)(counters + offset));
    }
    return sum;
}

uint64_t server_waiting(const struct server *server)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < server->shard_count; i++)
        sum += core_waiting(server->shards[i].core);
    return sum;
}

/* ---- The transcript ---- */

void server_note(struct server *server, const char *format, ...)
{
    char *to = server->transcript;
    size_t half = server->transcript_size / 2;
    va_list arguments;

    if (server->transcript_size + LINE_MAX_SIZE > TRANSCRIPT_MAX) {
        server->transcript_size -= half;
        memmove(to, to + half, server->transcript_size);
    }
    va_start(arguments, format);
    vsnprintf(to + server->transcript_size, LINE_MAX_SIZE - 1, format, arguments);
    va_end(arguments);
    server->transcript_size += strlen(to + server->transcript_size);
    memcpy(to + server->transcript_size, "\n", 2);
    server->transcript_size++;
}

void server_fail(const struct server *server, const char *file, int line, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s\n", server->transcript);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    _fail(file, line);
    abort(); /* It does not return, but does not say so. */
}
