/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/server.h"

#include "tests/harness/peer.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TURNS_MAX = 1000000, /* of one server_run() */
    LINE_MAX_SIZE = 256,
    HEAD_SIZE = 4096,
    HEAD_SIZE_SMALL = 32,
    START_MS = 1000,
    MUCH_SIZE = 64,
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

/* Who a client is: all that counts is how often it has proved it. */
struct test_identity {
    unsigned proofs;
};

static void *identity_new(struct server *server, unsigned proofs)
{
    struct test_identity *identity = malloc(sizeof(*identity));

    assert_non_null(identity);
    identity->proofs = proofs;
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
    struct access_verdict verdict = { .reason = judge_client(arrival->connect) };

    assert_int_equal(server->locks.state->held, 0);
    if (bytes_equal(arrival->connect->user_name, BYTES("later"))) {
        assert_true(server->waiting_count < SERVER_WAITING_MAX);
        server->waiting[server->waiting_count++] =
                (struct server_waiting){ server->turning, arrival->ticket };
        return (struct access_verdict){ .reason = MQTT_CONTINUE_AUTHENTICATION };
    }
    if (verdict.reason == MQTT_SUCCESS)
        verdict.identity = identity_new(server, 0);
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

static enum access_standing standing(void *context, void *identity)
{
    const struct server *server = context;

    assert_int_equal(server->locks.state->held, 0);
    assert_non_null(identity);
    if (server->withdrawn)
        return ACCESS_WITHDRAWN;
    return server->unreadable ? ACCESS_JUDGED : ACCESS_FREE;
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
    if (reason == MQTT_SUCCESS)
        answer->identity = identity_new(server, before ? before->proofs + 1 : 1);
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
    server_note(server, "server with %u shards", shards);
    return server;
}

void server_start(struct server *server)
{
    const struct hub_setup setup = { .shards = server->shard_count,
        .mailbox_slots = server->mailbox_slots,
        .key = { { 1, 2 } },
        .memory = server->memory.memory,
        .locks = server->locks.locks,
        .retained_max = server->settings.retained_max };

    if (server->hub)
        return;
    server->head = malloc(server->head_size);
    assert_non_null(server->head);
    server->hub = hub_new(&setup);
    assert_non_null(server->hub);
    for (unsigned i = 0; i < server->shard_count; i++) {
        const struct core_setup core_setup = { .hub = server->hub,
            .shard = i,
            .settings = &server->settings,
            .memory = server->memory.memory,
            .journal = { EVENT_DEBUG, count_event, server },
            .access = { admit, forget, allows, standing, authenticate, end_exchange, server },
            .seed = i + 1 };

        server->shards[i].core = core_new(&core_setup, server->now_ms);
        assert_non_null(server->shards[i].core);
        server->shards[i].due_ms = INT64_MAX;
    }
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

void server_end(struct server *server)
{
    if (server->hub) {
        server_run(server);
        check_ledgers(server);
    }
    peers_free(server);
    for (unsigned i = 0; server->hub && i < server->shard_count; i++)
        core_free(server->shards[i].core);
    if (server->hub)
        hub_free(server->hub);
    free(server->head);
    if (server->identities + server->exchanges > 0)
        server_fail(server, __FILE__, __LINE__, "%zu identities and %zu exchanges are kept",
                server->identities, server->exchanges);
    if (server->memory.state->blocks > 0)
        server_fail(server, __FILE__, __LINE__, "%zu blocks of %zu bytes are never given back",
                server->memory.state->blocks, server->memory.state->bytes);
    test_memory_end(&server->memory);
    test_locks_end(&server->locks);
    free(server);
}

/* ---- Turns, as core.h has them ---- */

static void turn(struct server *server, unsigned shard)
{
    struct core *core = server->shards[shard].core;
    uint64_t wake;

    server->turning = shard;
    server->shards[shard].awake = false;
    peers_read(server, shard);
    core_take_mail(core, server->now_ms);
    peers_write_full(server, shard);
    peers_take_parcels(server, shard);
    core_tick(core, server->now_ms);
    wake = core_end_turn(core);
    peers_write(server, shard);
    peers_wake(server, shard);
    for (unsigned i = 0; i < server->shard_count; i++)
        server->shards[i].awake |= wake >> i & 1;
    server->shards[shard].due_ms = core_due_ms(core);
    if (core_has_mail(core) || server->shards[shard].due_ms <= server->now_ms)
        server->shards[shard].awake = true;
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
        if (turns == TURNS_MAX)
            server_fail(server, __FILE__, __LINE__, "the server does not come to rest");
    }
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
    struct access_verdict verdict = { .reason = reason };

    assert_true(number < server->waiting_count);
    if (reason == MQTT_SUCCESS)
        verdict.identity = identity_new(server, 0);
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
