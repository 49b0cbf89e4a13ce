/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/census.h"

#include "base/list.h"
#include "broker/admin/command.h"
#include "broker/core/ledger.h"
#include "broker/core/roster.h"
#include "broker/sensor.h"
#include "loop/clock.h"
#include "mqtt/topic.h"

#include <errno.h>

/* ---- What is asked of a shard ---- */

/* One shard's part of a page. */
struct page {
    struct awaited_errand awaited;
    const struct census_filter *filter;
    bool (*list)(struct page *page, struct shard *shard); /* at place->slot; false: no memory */
    json_t *rows;
    size_t rows_max;
    size_t bytes;
    unsigned looked_at; /* sessions and subscriptions, in this turn */
    struct census_place *place;
    bool failed; /* for want of memory */
};

static struct page *page_of(struct errand *errand)
{
    return container_of(container_of(errand, struct awaited_errand, errand), struct page, awaited);
}

static bool is_full(const struct page *page)
{
    return json_array_size(page->rows) >= page->rows_max || page->bytes >= CENSUS_BYTES_MAX;
}

static enum errand_state turn_page(struct errand *errand, struct shard *shard)
{
    struct page *page = page_of(errand);
    size_t rows_before = json_array_size(page->rows);
    uint32_t *slot = &page->place->slot;
    uint32_t slots = roster_slots(shard->core);

    page->looked_at = 0;
    while (*slot < slots && !is_full(page) && !page->failed) {
        if (page->looked_at >= CENSUS_SLICE ||
                json_array_size(page->rows) - rows_before >= CENSUS_SLICE_ROWS)
            return ERRAND_GOES_ON;
        page->looked_at++;
        page->failed = !page->list(page, shard);
    }
    return ERRAND_DONE;
}

/* Asks one shard after the other until the page is full or all have told. */
static json_t *list(struct shard_group *group, struct page *page)
{
    struct census_place *place = page->place;

    page->rows = json_array();
    page->failed = !page->rows || awaited_errand_init(&page->awaited, turn_page) < 0;
    if (page->failed) {
        json_decref(page->rows);
        return NULL;
    }
    if (page->rows_max > CENSUS_ROWS_MAX)
        page->rows_max = CENSUS_ROWS_MAX;
    while (!page->failed && place->shard < group->count) {
        shard_ask(&group->shards[place->shard], &page->awaited.errand);
        awaited_errand_wait(&page->awaited);
        if (is_full(page))
            break;
        *place = (struct census_place){ .shard = place->shard + 1 };
    }
    awaited_errand_deinit(&page->awaited);
    if (!page->failed)
        return page->rows;
    json_decref(page->rows);
    return NULL;
}

/* ---- Whom the filter lets through ---- */

/* Whether the text fits a pattern with * and ?; its time is bounded by the product of both. */
static bool fits(const char *pattern, struct bytes text)
{
    const char *star = NULL;
    size_t star_at = 0;
    size_t at = 0;

    while (at < text.size) {
        if (*pattern == '*') {
            star = pattern++;
            star_at = at;
        } else if (*pattern != '\0' && (*pattern == '?' || (uint8_t)*pattern == text.data[at])) {
            pattern++;
            at++;
        } else if (star) {
            pattern = star + 1;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static struct bytes user_of(const struct client_view *view)
{
    return view->identity ? identity_user(view->identity) : (struct bytes){ 0 };
}

/* Also counts what looking at it takes: a long id to be compared is worth many short ones. */
static bool is_wanted(struct page *page, const struct client_view *view)
{
    const struct census_filter *filter = page->filter;
    struct stream_peer peer;

    page->looked_at += (unsigned)(view->id.size / CENSUS_LONG_ID);
    if ((filter->id && !fits(filter->id, view->id)) ||
            (filter->user && !bytes_equal(user_of(view), bytes_of_text(filter->user))) ||
            (filter->connected && !view->connected))
        return false;
    if (filter->port > 0 && (!view->connected || view->listener->port != filter->port))
        return false;
    if (!filter->has_network)
        return true;
    if (!view->connected)
        return false;
    stream_peer(((const struct link *)view->link)->stream, &peer);
    return network_contains(&filter->network, &peer.address);
}

/* ---- Clients ---- */

/* Inside, a device of MQTT-SN is a client of 5.0. */
static const char *version_name(const struct client_view *view, const struct sensor *sensor)
{
    if (sensor)
        return sensor_dialect_of(view->link).version;
    switch (view->version) {
    case MQTT_3_1:
        return "3.1";
    case MQTT_3_1_1:
        return "3.1.1";
    case MQTT_5_0:
        return "5.0";
    }
    return "";
}

/* Adds what is known of a client that is connected. False: memory is short. */
static bool add_connection(json_t *row, const struct client_view *view, int64_t now_ms)
{
    const struct link *link = view->link;
    const struct sensor *sensor = sensor_of(link->stream);
    struct origin_room room;
    struct stream_peer peer;
    json_t *more;
    int result;

    stream_peer(link->stream, &peer);
    more = json_pack("{s:o, s:i, s:s, s:b, s:i, s:I, s:I, s:s, s:s, s:b}", "peer",
            command_text(origin_text(view->origin, &room)), "listener", (int)view->listener->port,
            "version", version_name(view, sensor), "clean_start", view->clean_start, "keep_alive_s",
            (int)(sensor ? gateway_client_keep_alive_s(&sensor->client) : view->keep_alive_s),
            "connected_s", (json_int_t)((now_ms - view->connected_ms) / 1000), "silent_s",
            (json_int_t)((now_ms - view->heard_ms) / 1000), "tls", peer.tls_version, "cipher",
            peer.tls_cipher, "asleep",
            sensor && gateway_client_phase(&sensor->client) == GATEWAY_ASLEEP);
    result = more ? json_object_update(row, more) : -1;
    json_decref(more);
    return result == 0;
}

static json_t *expiry_of(const struct client_view *view, int64_t now_ms)
{
    if (view->expiry_interval_s == UINT32_MAX)
        return json_null();
    if (view->connected)
        return json_integer(view->expiry_interval_s);
    return json_integer((view->expires_ms - now_ms) / 1000);
}

/* One client as an object; NULL: memory is short. */
static json_t *describe(const struct client_view *view, int64_t now_ms)
{
    json_t *row = json_pack("{s:o, s:o, s:b, s:o, s:I, s:I, s:I, s:I}", "id",
            command_text(view->id), "user", command_text(user_of(view)), "connected",
            view->connected, "expires_s", expiry_of(view, now_ms), "subscriptions",
            (json_int_t)view->subscriptions, "queued", (json_int_t)view->queued, "in_flight",
            (json_int_t)view->in_flight, "queued_bytes", (json_int_t)view->queued_bytes);

    if (row && view->connected && !add_connection(row, view, now_ms)) {
        json_decref(row);
        return NULL;
    }
    return row;
}

static bool list_client(struct page *page, struct shard *shard)
{
    struct client_view view;
    json_t *row;

    if (!roster_client(shard->core, page->place->slot++, &view) || !is_wanted(page, &view))
        return true;
    page->bytes += view.id.size + user_of(&view).size;
    row = describe(&view, shard->now_ms);
    return row && json_array_append_new(page->rows, row) == 0;
}

json_t *census_clients(struct shard_group *group, const struct census_filter *filter, size_t rows,
        struct census_place *place)
{
    struct page page = { .filter = filter, .list = list_client, .rows_max = rows, .place = place };

    return list(group, &page);
}

/* ---- Subscriptions ---- */

/* Whether a message to the topic would match; a filter as the client wrote it. */
static bool matches(struct bytes filter, const char *topic)
{
    struct bytes share;

    if (!topic)
        return true;
    mqtt_share_split(filter, &share, &filter);
    return mqtt_topic_match(filter, bytes_of_text(topic));
}

static json_t *describe_subscription(const struct subscription_view *view)
{
    return json_pack("{s:o, s:i, s:I}", "filter", command_text(view->filter), "qos", (int)view->qos,
            "identifier", (json_int_t)view->identifier);
}

static bool add_subscription(struct page *page, const struct client_view *client,
        const struct subscription_view *subscription)
{
    json_t *row = describe_subscription(subscription);

    page->bytes += client->id.size + user_of(client).size + subscription->filter.size;
    if (row && json_object_set_new(row, "id", command_text(client->id)) == 0 &&
            json_object_set_new(row, "user", command_text(user_of(client))) == 0 &&
            json_object_set_new(row, "connected", json_boolean(client->connected)) == 0)
        return json_array_append_new(page->rows, row) == 0;
    json_decref(row);
    return false;
}

/* The next subscription of the client in that slot, or what is behind the last one. */
static bool list_subscription(struct page *page, struct shard *shard)
{
    struct census_place *place = page->place;
    struct subscription_view subscription;
    struct client_view client;

    if (!roster_client(shard->core, place->slot, &client) || !is_wanted(page, &client) ||
            !roster_subscription(shard->core, place->slot, &place->subscription, &subscription)) {
        place->slot++;
        place->subscription = 0;
        return true;
    }
    return !matches(subscription.filter, page->filter->topic) ||
            add_subscription(page, &client, &subscription);
}

json_t *census_subscriptions(struct shard_group *group, const struct census_filter *filter,
        size_t rows, struct census_place *place)
{
    struct page page = {
        .filter = filter, .list = list_subscription, .rows_max = rows, .place = place
    };

    return list(group, &page);
}

/* ---- One client ---- */

/* What is asked about one client. */
struct inquiry {
    struct awaited_errand awaited;
    struct bytes id;
    const char *text; /* of a kick */
    int result;
    json_t *answer; /* NULL: memory is short */
};

static struct inquiry *inquiry_of(struct errand *errand)
{
    return container_of(
            container_of(errand, struct awaited_errand, errand), struct inquiry, awaited);
}

/* Asks the client's home shard. Returns 0, or -errno where it cannot be asked. */
static int ask_home(struct shard_group *group, struct inquiry *inquiry,
        enum errand_state (*run)(struct errand *errand, struct shard *shard))
{
    int result = awaited_errand_init(&inquiry->awaited, run);

    if (result < 0)
        return result;
    shard_ask(&group->shards[hub_home(group->hub, inquiry->id)], &inquiry->awaited.errand);
    awaited_errand_wait(&inquiry->awaited);
    awaited_errand_deinit(&inquiry->awaited);
    return 0;
}

static json_t *describe_will(const struct client_will *will)
{
    if (!will->present)
        return json_null();
    return json_pack("{s:o, s:i, s:b, s:I, s:I}", "topic", command_text(will->topic), "qos",
            (int)will->qos, "retain", will->retain, "payload_bytes", (json_int_t)will->payload_size,
            "delay_s", (json_int_t)will->delay_s);
}

/* matched = delivered + waiting + expired + dropped, whatever reason it is dropped for. */
static json_t *describe_account(const struct client_view *view)
{
    const struct ledger *ledger = view->ledger;
    json_t *dropped = json_object();

    for (int reason = 0; dropped && reason < DROP_REASONS; reason++)
        json_object_set_new(dropped, drop_reason_name((enum drop_reason)reason),
                json_integer((json_int_t)ledger_dropped(ledger, (enum drop_reason)reason)));
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "matched", (json_int_t)ledger->matched,
            "delivered", (json_int_t)ledger->delivered, "waiting",
            (json_int_t)(view->queued + view->in_flight - view->of_groups), "expired",
            (json_int_t)ledger->expired, "dropped", dropped);
}

static json_t *describe_subscriptions(const struct core *core, uint32_t slot)
{
    struct subscription_view view;
    json_t *rows = json_array();
    uint32_t at = 0;

    while (rows && json_array_size(rows) < CENSUS_SUBSCRIPTIONS_MAX &&
            roster_subscription(core, slot, &at, &view)) {
        if (json_array_append_new(rows, describe_subscription(&view)) < 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

static enum errand_state look_at_client(struct errand *errand, struct shard *shard)
{
    struct inquiry *inquiry = inquiry_of(errand);
    struct client_view view;
    uint32_t slot;
    json_t *row;

    if (!roster_find(shard->core, inquiry->id, &slot) || !roster_client(shard->core, slot, &view)) {
        inquiry->answer = json_null();
        return ERRAND_DONE;
    }
    row = describe(&view, shard->now_ms);
    if (row && json_object_set_new(row, "will", describe_will(&view.will)) == 0 &&
            json_object_set_new(row, "account", describe_account(&view)) == 0 &&
            json_object_set_new(row, "filters", describe_subscriptions(shard->core, slot)) == 0)
        inquiry->answer = row;
    else
        json_decref(row);
    return ERRAND_DONE;
}

json_t *census_client(struct shard_group *group, struct bytes id)
{
    struct inquiry inquiry = { .id = id };

    return ask_home(group, &inquiry, look_at_client) < 0 ? NULL : inquiry.answer;
}

static enum errand_state kick(struct errand *errand, struct shard *shard)
{
    struct inquiry *inquiry = inquiry_of(errand);

    inquiry->result = (int)roster_kick(shard->core, inquiry->id, inquiry->text, shard->now_ms);
    return ERRAND_DONE;
}

int census_kick(struct shard_group *group, struct bytes id, const char *text)
{
    struct inquiry inquiry = { .id = id, .text = text };
    int result = ask_home(group, &inquiry, kick);

    return result < 0 ? result : inquiry.result;
}
