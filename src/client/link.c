/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link_state.h"

#include "client/link_proxy.h"
#include "client/link_thread.h"
#include "loop/clock.h"

#include "mqtt/properties.h"
#include "mqtt/reason.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SHOWN_MAX = 100 }; /* bytes of a name in a sentence */

#define TEXT(number) #number
#define TEXT_OF(number) TEXT(number)

const char *nj_version_text(void)
{
    return TEXT_OF(NJ_VERSION_MAJOR) "." TEXT_OF(NJ_VERSION_MINOR) "." TEXT_OF(NJ_VERSION_PATCH);
}

/* ---- The lock ---- */

void link_lock(struct nj_link *link)
{
    if (link->threaded)
        pthread_mutex_lock(&link->mutex);
}

void link_unlock(struct nj_link *link)
{
    if (link->threaded)
        pthread_mutex_unlock(&link->mutex);
}

enum nj_error link_unlock_with(struct nj_link *link, enum nj_error result)
{
    link_unlock(link);
    return result;
}

void link_call(struct nj_link *link)
{
    link->in_callback = true;
    link_unlock(link);
}

void link_called(struct nj_link *link)
{
    link_lock(link);
    link->in_callback = false;
}

bool link_is_inside(const struct nj_link *link)
{
    /* What the link's thread writes without the lock is looked at by that thread alone. */
    return (!link->threaded || pthread_equal(link->thread, pthread_self())) && link->in_callback;
}

void link_poke(struct nj_link *link)
{
    if (link->threaded && !pthread_equal(link->thread, pthread_self()))
        wake_send(&link->wake);
}

uint64_t link_draw(void)
{
    uint64_t chance;

    if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
        chance = (uint64_t)clock_now_ns();
    return chance;
}

enum nj_error link_failed(struct nj_link *link, enum nj_error error, const char *what)
{
    return failure_tell(link->failure, error, "%s: %s", what, nj_error_text(error));
}

enum nj_error link_refused(
        struct nj_link *link, enum nj_error error, uint8_t reason, const char *what)
{
    link->reason = reason;
    return failure_tell(link->failure, error, "%s: %s", what,
            reason ? nj_reason_text(reason) : nj_error_text(error));
}

int link_shown(struct nj_bytes bytes)
{
    return bytes.size < SHOWN_MAX ? (int)bytes.size : SHOWN_MAX;
}

enum nj_error link_failed_to_send(
        struct nj_link *link, enum nj_error error, const struct nj_message *message)
{
    int size = link_shown(message->topic);

    if (error == NJ_FILE) /* it has said more */
        return error;
    return failure_tell(link->failure, error, "cannot publish to %.*s: %s", size,
            size > 0 ? (const char *)message->topic.data : "", nj_error_text(error));
}

/* ---- Making ---- */

static void init_lists(struct nj_link *link)
{
    list_init(&link->asks);
    list_init(&link->asks_flying);
    list_init(&link->subscription_list);
    list_init(&link->requests);
    list_init(&link->inbox);
}

static bool open_system(struct nj_link *link)
{
    if (wake_open(&link->wake) < 0)
        return false;
    link->has_wake = true;
    return poll_open(&link->poll) == 0 &&
            poll_add(link->poll, wake_fd(&link->wake), POLL_READ | POLL_NEWS, &link->wake) == 0;
}

/* The memory is large, but only what is touched of it costs any. */
static bool init_engine(struct nj_link *link)
{
    const struct nj_link_options *options = &link->options;
    size_t slots_size = options->in_flight * sizeof(*link->slots);
    struct nj_engine_setup setup = {
        .version = options->version,
        .in_size = options->packet_size_max,
        .out_size = (size_t)options->packet_size_max + LINK_OUTPUT_MARK,
        .slot_count = options->in_flight,
        .held_count = options->receive_maximum,
        .alias_count = options->topic_aliases,
        .alias_size = options->topic_aliases > 0 ? UINT16_MAX : 0,
    };
    size_t aliases_size = (size_t)setup.alias_count * setup.alias_size;
    uint8_t *memory;

    link->state_size = slots_size + options->receive_maximum * sizeof(*link->held);
    memory = calloc(
            1, setup.in_size + setup.out_size + LINK_READ_SIZE + aliases_size + link->state_size);
    if (!memory)
        return false;
    link->memory = memory;
    setup.slots = link->slots = (void *)memory;
    memory += slots_size;
    setup.held = link->held = (void *)memory;
    memory += options->receive_maximum * sizeof(*link->held);
    link->read = memory;
    setup.in = memory += LINK_READ_SIZE;
    setup.out = memory += setup.in_size;
    setup.aliases = memory + setup.out_size;
    nj_engine_init(&link->engine, &setup);
    /* The server may hold ids of a program before, of which nothing is known here. None is 0. */
    link->engine.next_id = (uint16_t)(link_draw() | 1);
    return true;
}

/* Adds what the link has to say in CONNECT, where the program has not said it. */
static bool init_connect(struct nj_link *link)
{
    const struct nj_link_options *options = &link->options;
    struct nj_property_value given;
    struct nj_properties properties;
    size_t size = options->properties.size + 8;
    uint8_t *memory = malloc(size);

    if (!memory)
        return false;
    properties = nj_properties_in(memory, size);
    if (options->properties.size > 0)
        memcpy(memory, options->properties.data, options->properties.size);
    properties.used = options->properties.size;
    if (options->version == NJ_MQTT_5_0 && options->session_expiry_s > 0 &&
            !nj_find_property(options->properties, NJ_SESSION_EXPIRY_INTERVAL, &given))
        nj_add_number(&properties, NJ_SESSION_EXPIRY_INTERVAL, options->session_expiry_s);
    link->connect_properties = nj_properties_bytes(&properties);
    return true;
}

bool link_take_client_id(struct nj_link *link, struct nj_bytes id)
{
    char *copy = link_text_copy(id.data, id.size);

    if (!copy)
        return false;
    free((void *)(uintptr_t)link->client_id.data);
    link->client_id = nj_bytes_of(copy, id.size);
    return true;
}

/* All that needs memory and the system, but nothing that the options could be wrong about. */
static bool init(struct nj_link *link)
{
    return link_queue_init(&link->queue, &link->options) && open_system(link) &&
            link_take_client_id(link, nj_text(link->options.client_id)) && init_engine(link) &&
            init_connect(link) && link_trace_init(link);
}

static bool may_be_in(enum mqtt_type type, struct nj_bytes properties)
{
    struct mqtt_properties read = { 0 };

    return properties.size == 0 ||
            mqtt_properties_section_read(&read, bytes_of(properties.data, properties.size), type) ==
            MQTT_SUCCESS;
}

/*
 * Whether the properties may be in CONNECT and DISCONNECT; the engine would find out only when it
 * is too late to tell the caller of nj_link_new().
 */
static enum nj_error check_properties(struct nj_link *link)
{
    const struct nj_link_options *options = &link->options;
    bool has_some = options->properties.size > 0 || options->disconnect_properties.size > 0;

    if ((options->version != NJ_MQTT_5_0 && has_some) ||
            !may_be_in(MQTT_CONNECT, options->properties) ||
            !link_may_part(link, 0, options->disconnect_properties))
        return failure_tell(link->failure, NJ_INVALID, "the options are not good: %s",
                "properties or disconnect_properties are none of CONNECT's or DISCONNECT's");
    return NJ_OK;
}

/* What the engine says against CONNECT is said before anybody waits for a connection. */
static enum nj_error check_greeting(struct nj_link *link)
{
    enum nj_error error = link_greet(link);

    nj_engine_closed(&link->engine);
    return error;
}

/* All that can fail. */
static enum nj_error make(struct nj_link *link, const struct nj_link_options *options)
{
    enum nj_error error = link_options_copy(&link->options, options, link->failure);

    if (error == NJ_OK)
        error = check_properties(link);
    if (error == NJ_OK && !init(link))
        error = NJ_NO_MEMORY;
    if (error == NJ_OK)
        error = check_greeting(link);
    if (error == NJ_OK && link->options.proxy.url)
        error = link->options.proxy.kind->take(&link->proxy, &link->options, link->failure);
    if (error == NJ_OK)
        error = link_transport_prepare(&link->tls, &link->options, link->failure);
    return error == NJ_OK ? link_keep_open(link) : error;
}

struct nj_link *nj_link_new(const struct nj_link_options *options)
{
    struct nj_link *link = calloc(1, sizeof(*link));
    enum nj_error error;

    if (!link)
        return NULL;
    init_lists(link);
    pthread_mutex_init(&link->mutex, NULL);
    pthread_cond_init(&link->changed, NULL);
    error = make(link, options);
    if (error == NJ_NO_MEMORY) {
        nj_link_free(link);
        return NULL;
    }
    if (error != NJ_OK)
        link_break(link, error);
    return link;
}

struct nj_link *nj_link_open(const char *url)
{
    const struct nj_link_options options = { .url = url };

    return nj_link_new(&options);
}

static void free_inbox(struct nj_link *link)
{
    struct list *at;

    while ((at = list_take_first(&link->inbox)))
        free(container_of(at, struct incoming, link));
    free(link->given);
}

/* Says goodbye as far as that goes at once, without a word to the callbacks but a trace's. */
static void leave(struct nj_link *link)
{
    link->options.callbacks = (struct nj_callbacks){ .packet = link->options.callbacks.packet };
    link_request_end_all(link, NJ_CLOSED);
    if (link->hold == HOLD_GIVEN)
        link->hold = HOLD_NONE;
    if (link->phase == LINK_UP && !link->parts)
        link_part(link, 0, link->options.disconnect_properties);
    if (link->stream)
        link_turn(link, 0);
    link_break(link, NJ_CLOSED);
    link_close_transport(link, STREAM_END_CLEAN);
}

void nj_link_free(struct nj_link *link)
{
    if (!link)
        return;
    nj_link_stop(link);
    if (link->poll)
        leave(link);
    link_keep_close(link);
    link_ask_deinit(link);
    if (link->queue.waiting.next)
        link_queue_deinit(&link->queue);
    free_inbox(link);
    link_trace_deinit(link);
    link_transport_release(link->tls);
    poll_close(link->poll);
    if (link->has_wake)
        wake_close(&link->wake);
    free(link->memory);
    free(link->response_prefix);
    free((void *)(uintptr_t)link->client_id.data);
    free((void *)(uintptr_t)link->connect_properties.data);
    free((void *)(uintptr_t)link->part_properties.data);
    link_options_deinit(&link->options);
    pthread_cond_destroy(&link->changed);
    pthread_mutex_destroy(&link->mutex);
    free(link);
}

/* ---- What can be asked ---- */

/* To ask changes nothing but the lock. */
static struct nj_link *lock_const(const struct nj_link *link)
{
    struct nj_link *locked = (struct nj_link *)(uintptr_t)link;

    link_lock(locked);
    return locked;
}

bool nj_link_connected(const struct nj_link *link)
{
    bool connected;

    if (!link)
        return false;
    lock_const(link);
    connected = link->phase == LINK_UP;
    link_unlock((struct nj_link *)(uintptr_t)link);
    return connected;
}

const char *nj_link_failure(struct nj_link *link)
{
    if (!link)
        return nj_error_text(NJ_NO_MEMORY);
    link_lock(link);
    memcpy(link->shown, link->failure, sizeof(link->shown));
    link_unlock(link);
    return link->shown;
}

uint8_t nj_link_reason(const struct nj_link *link)
{
    uint8_t reason;

    if (!link)
        return 0;
    lock_const(link);
    reason = link->reason;
    link_unlock((struct nj_link *)(uintptr_t)link);
    return reason;
}

/* ---- Running ---- */

static void *run(void *context)
{
    struct nj_link *link = context;

    link_lock(link);
    while (!link->stops && link->phase != LINK_OVER)
        link_turn(link, -1);
    pthread_cond_broadcast(&link->changed);
    link_unlock(link);
    return NULL;
}

enum nj_error nj_link_start(struct nj_link *link)
{
    int result;

    if (!link)
        return NJ_NO_MEMORY;
    if (link->broken != NJ_OK || link->threaded)
        return link->broken;
    link->threaded = true;
    link->stops = false;
    link_lock(link); /* it does not begin before link->thread is known */
    result = link_thread_start(&link->thread, run, link);
    link_unlock(link);
    if (result == 0)
        return NJ_OK;
    link->threaded = false;
    return link_failed(link, NJ_NO_MEMORY, "cannot start a thread");
}

void nj_link_stop(struct nj_link *link)
{
    if (!link || !link->threaded)
        return;
    link_lock(link);
    link->stops = true;
    link_unlock(link);
    wake_send(&link->wake);
    pthread_join(link->thread, NULL);
    link->threaded = false;
}

int nj_link_fd(const struct nj_link *link)
{
    return link && link->poll ? poll_fd(link->poll) : -1;
}

int nj_link_due_ms(const struct nj_link *link)
{
    int left;

    if (!link)
        return -1;
    lock_const(link);
    left = link_left_ms(link, clock_now_ms());
    link_unlock((struct nj_link *)(uintptr_t)link);
    return left;
}

enum nj_error nj_link_run_once(struct nj_link *link, int timeout_ms)
{
    if (!link)
        return NJ_NO_MEMORY;
    if (link_is_inside(link))
        return NJ_IN_CALLBACK;
    if (link->threaded)
        return NJ_INVALID;
    link_release_given(link);
    if (link->broken == NJ_OK) /* what is to be done already is not waited for */
        link_turn(link, nj_link_due_ms(link) == 0 ? 0 : timeout_ms);
    return link->broken;
}

/* ---- Authentication and the end ---- */

enum nj_error nj_link_auth(struct nj_link *link, uint8_t reason, struct nj_bytes properties)
{
    enum nj_error error;

    if (!link)
        return NJ_NO_MEMORY;
    link_lock(link);
    error = link->broken;
    if (error == NJ_OK)
        error = nj_engine_auth(&link->engine, reason, properties, link->now_ms);
    if (error != NJ_OK && error != link->broken)
        link_failed(link, error, "cannot send AUTH");
    link_poke(link);
    return link_unlock_with(link, error);
}

bool link_may_part(const struct nj_link *link, uint8_t reason, struct nj_bytes properties)
{
    bool is_v5 = link->options.version == NJ_MQTT_5_0;

    return (is_v5 || (reason == 0 && properties.size == 0)) &&
            mqtt_reason_allowed((enum mqtt_reason)reason, MQTT_DISCONNECT, MQTT_FROM_CLIENT) &&
            may_be_in(MQTT_DISCONNECT, properties);
}

enum nj_error link_part(struct nj_link *link, uint8_t reason, struct nj_bytes properties)
{
    char *copy;

    if (link->parts || link->broken != NJ_OK)
        return NJ_OK;
    if (properties.size > UINT16_MAX || !link_may_part(link, reason, properties))
        return link_failed(link, NJ_INVALID, "cannot disconnect");
    copy = link_text_copy(properties.data, properties.size);
    if (!copy)
        return link_failed(link, NJ_NO_MEMORY, "cannot disconnect");
    link->part_properties = nj_bytes_of(copy, properties.size);
    link->part_reason = reason;
    link->parts = true;
    link_poke(link);
    return NJ_OK;
}

enum nj_error nj_link_disconnect(struct nj_link *link, uint8_t reason, struct nj_bytes properties)
{
    if (!link)
        return NJ_NO_MEMORY;
    link_lock(link);
    return link_unlock_with(link, link_part(link, reason, properties));
}

enum nj_error nj_link_leave(struct nj_link *link, uint8_t reason, struct nj_bytes properties)
{
    enum nj_error error;

    if (link && !(link_is_inside(link) && link->tells))
        return NJ_INVALID;
    error = nj_link_disconnect(link, reason, properties);
    if (error == NJ_OK)
        link->leaves = true;
    return error;
}
