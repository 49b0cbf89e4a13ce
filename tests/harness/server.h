/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server within the test's own process: the broker's shards in one thread, with a false clock,
 * memory that is counted, and locks that check how they are used. Clients are peers (peer.h).
 *
 *     SERVER_TEST("MQTT5-3.12.4-1", ping_is_answered)
 *     {
 *         struct peer *a = peer_connected(server, "a", MQTT_5_0);
 *
 *         peer_send(a, "C0 00");
 *         peer_expect(a, "D0 00");
 *     }
 *
 * Each such test runs with one shard, with two and with four, and with two and a store in which
 * things become durable when the shards come to rest. Several shards have mailboxes of one slot and
 * an output buffer so small that most packets do not fit it at once. Peers arrive at the shards
 * in turn, so many have to move home.
 *
 * Everything that is sent is handled before the call returns; nothing happens by itself but by
 * clock_advance(). A test that fails prints what the peers and the server told each other.
 */
#ifndef TESTS_HARNESS_SERVER_H
#define TESTS_HARNESS_SERVER_H

#include "broker/core/core.h"
#include "tests/harness/locks.h"
#include "tests/harness/memory.h"
#include "tests/harness/model_store.h"
#include "tests/harness/test.h"

enum {
    SERVER_SHARDS_MAX = 4,
    SERVER_EVENTS_MAX = 64, /* different names of events */
    SERVER_WAITING_MAX = 64,
    TRANSCRIPT_MAX = 8192,
};

/* A client that is to learn later whether it comes in. */
struct server_waiting {
    unsigned shard;
    struct access_ticket ticket;
};

struct server_event {
    const char *name;
    unsigned count;
};

/*
 * Who may do what, for all tests (struct access):
 *
 * - The password 'wrong' is refused with 0x86, the user 'stranger' with 0x87, a client id that
 *   contains "refused" with 0x85.
 * - The user 'later' waits for server_admits().
 * - Each verdict on a CONNECT, and each answer that ends an exchange, is delayed by `delay_ms`.
 * - Nobody may publish to a topic, or subscribe to a filter, with a level "denied"; with a level
 *   "proven-again" only who has authenticated again. `unreadable`, `unwritable` and `withdrawn`
 *   below say more.
 * - The authentication method "CHALLENGE": the client is asked "ask" and must answer "answer"; then
 *   it is told "welcome", at CONNECT and at each re-authentication. To "more" it is asked "ask"
 *   again, to "much" 64 bytes of '?'; "answer" at once will do. All else is refused with 0x87.
 * - Who has proved who it is by "CHALLENGE" has rights that do not go by its name.
 * - A client's name is the user name in its CONNECT; by "CHALLENGE" it is "challenged".
 *
 * What the authority gives to core (an identity for each client, its state of each exchange) has to
 * be given back by the server's end.
 */

struct peer;

/*
 * The first fields may be changed by a test: `settings` and the listeners at any time, those before
 * them until the first peer comes, for the server starts with it.
 */
struct server {
    unsigned shard_count;
    uint32_t mailbox_slots;
    size_t head_size; /* of the buffer that is filled with output */
    bool may_refuse;  /* a transport may be refused: memory is made to fail */
    bool stores;      /* it has a store; else nothing outlives it */
    bool store_stops; /* nothing becomes durable before server_commits() */
    enum storage_patience patience;
    enum storage_health store_health;
    struct core_settings settings;
    struct listener_settings listener;
    struct listener_settings side_listener;
    bool at_side;                     /* peers that come now come to the side listener */
    struct introduction introduction; /* of each peer that comes; without a `peer`: none */
    const char *unreadable; /* nobody may receive a topic with this level; NULL: all may all */
    const char *unwritable; /* nobody may publish to it */
    const char *disgraced;  /* the user who might not publish now what he once has, at `listener` */
    bool withdrawn;         /* nobody would be let in who is in */
    bool is_held;           /* publishers are left unread; see server_holds() */
    bool is_full;           /* only the last of the memory is left */
    int64_t identities_end_ms; /* until when they are good; 0: for good */
    uint32_t delay_ms;         /* of verdicts */
    int64_t lag_ms;            /* since the turns of all shards but the first have begun */
    /* Called as core calls it for the link of that peer; NULL: nobody wants to know. */
    void (*taken_over)(void *context, struct peer *peer);
    void *taken_over_context;

    /* For reading. */
    int64_t now_ms;
    struct test_memory memory;
    struct hub *hub; /* NULL until it has started */
    struct model_store store;
    enum storage_health health_told;
    int64_t wall_ms;                /* of the wall clock, when now_ms is 0 */
    struct restore_counts restored; /* by the last start */
    struct {
        struct core *core;
        struct model_face face;
        bool awake;
        int64_t due_ms;
    } shards[SERVER_SHARDS_MAX];

    /* The harness's own. */
    struct test_locks locks;
    struct peer *peers;
    size_t identities; /* that core holds */
    size_t exchanges;
    struct server_waiting waiting[SERVER_WAITING_MAX]; /* in order of their CONNECTs */
    unsigned waiting_count;
    unsigned turning; /* the shard whose turn it is */
    unsigned arrivals;
    uint8_t *head;
    struct server_event events[SERVER_EVENTS_MAX];
    char transcript[TRANSCRIPT_MAX]; /* the last of what was said, for a test that fails */
    size_t transcript_size;
};

/* A server with the default settings, not started yet. */
struct server *server_new(unsigned shards);

/*
 * Ends all peers, then the server. Fails the test unless the counters add up (matched = delivered +
 * waiting + expired + dropped) and all memory and locks come back.
 */
void server_end(struct server *server);

/* Starts it, where a test wants that without a peer. */
void server_start(struct server *server);

/* Lets every shard take turns until none has anything to do. */
void server_run(struct server *server);

/* Holds publishers, or lets them go on. */
void server_holds(struct server *server, bool is_held);

/* Time passes; whatever becomes due on the way happens at its time. */
void clock_advance(struct server *server, int64_t ms);

/* The server publishes, as it does for $SYS. */
void server_announces(struct server *server, const char *topic, const char *payload, bool retain);

/* All that was told to the store so far is durable. */
void server_commits(struct server *server);

/*
 * The process is killed, and the server started again with so many shards: of what was told to the
 * store, that is there which was durable, and `batches` of what came next. All peers are closed.
 */
void server_crashes(struct server *server, unsigned shards, unsigned batches);

/* The server stops in order, and is started again. */
void server_stops(struct server *server, unsigned shards);

/* The two halves of it, for a start that fails or that finds something else than was left. */
void server_dies(struct server *server, unsigned batches);
enum restored server_rises(struct server *server, unsigned shards);

/* The same with as many shards as before, where memory fails the n-th time that restoring asks for
 * some, from 0. */
enum restored server_rises_failing(struct server *server, uint64_t n);

/* The verdict on the n-th client that waits for it; it may have ended. */
void server_admits(struct server *server, unsigned number, enum mqtt_reason reason);

/* The authority's fields above are changed: core_access_changed() on every shard. */
void server_changes_access(struct server *server);

/* The server stops: core_shut_down() on every shard. */
void server_shuts_down(struct server *server);

/* How many events of that name the server has told so far. */
unsigned server_told(const struct server *server, const char *name);

/* The sum over the shards of the counter at this offset of struct counters. */
uint64_t server_count_at(const struct server *server, size_t offset);
#define server_count(server, member) server_count_at((server), offsetof(struct counters, member))

/* Messages that wait on all shards: core_waiting(). */
uint64_t server_waiting(const struct server *server);

/* Ends the test as failed, with the transcript and this sentence. */
_Noreturn void server_fail(const struct server *server, const char *file, int line,
        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A line of the transcript. */
void server_note(struct server *server, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* A server as SERVER_TEST() has it in that round; NULL after the last one. */
struct server *server_round(unsigned round);

/* A test that is run with one shard, with two, with four, and with two and a store; see above. */
#define SERVER_TEST(ids, function)                                                                 \
    static void function##_with(struct server *server);                                            \
    SPEC_TEST(ids, function)                                                                       \
    {                                                                                              \
        struct server *server;                                                                     \
                                                                                                   \
        for (unsigned round = 0; (server = server_round(round)); round++) {                        \
            function##_with(server);                                                               \
            server_end(server);                                                                    \
        }                                                                                          \
    }                                                                                              \
    static void function##_with(struct server *server)

#endif
