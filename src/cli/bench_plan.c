/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_plan.h"

#include "mqtt/topic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * The wildcard mix is a tree of sites, devices and metrics. A subscriber watches 20 of the 40
 * sites, with one filter each: one metric of all devices by "+", or all of one device by "#".
 */
enum {
    SITES = 40,
    DEVICES = 8,
    METRICS = 4,
    SITE_STEP = 3, /* has no factor in common with 40, so neighbours watch different sites */
    SITES_WATCHED = 20,
    DEVICES_OF_AREA = 1000,
    WINDOW = 100,         /* QoS 0 */
    WINDOW_INFLIGHT = 20, /* QoS 1 and 2 */
    WINDOW_CONNECT = 64,
};

static void write_text(char *text, const char *prefix, uint32_t number)
{
    snprintf(text, BENCH_TOPIC_SIZE, "%s/%" PRIu32, prefix, number);
}

static void own_topic(const struct bench_plan *plan, uint32_t channel, char *text)
{
    write_text(text, plan->prefix, channel);
}

static void own_filter(
        const struct bench_plan *plan, uint32_t subscriber, uint32_t index, char *text)
{
    (void)index;
    write_text(text, plan->prefix, subscriber);
}

static void each_filter(
        const struct bench_plan *plan, uint32_t subscriber, uint32_t index, char *text)
{
    (void)subscriber;
    write_text(text, plan->prefix, index);
}

static void any_filter(
        const struct bench_plan *plan, uint32_t subscriber, uint32_t index, char *text)
{
    (void)subscriber;
    (void)index;
    snprintf(text, BENCH_TOPIC_SIZE, "%s%s/+", plan->scenario->shared ? "$share/bench/" : "",
            plan->prefix);
}

static void below_filter(
        const struct bench_plan *plan, uint32_t subscriber, uint32_t index, char *text)
{
    (void)subscriber;
    (void)index;
    snprintf(text, BENCH_TOPIC_SIZE, "%s/#", plan->prefix);
}

static void site_topic(const struct bench_plan *plan, uint32_t channel, char *text)
{
    snprintf(text, BENCH_TOPIC_SIZE, "%s/site%u/device%u/metric%u", plan->prefix, channel % SITES,
            channel / SITES % DEVICES, channel / SITES / DEVICES);
}

static void site_filter(
        const struct bench_plan *plan, uint32_t subscriber, uint32_t index, char *text)
{
    uint32_t site = (subscriber * SITE_STEP + index) % SITES;

    if (index % 2 == 0)
        snprintf(text, BENCH_TOPIC_SIZE, "%s/site%u/+/metric%u", plan->prefix, site,
                subscriber % METRICS);
    else
        snprintf(text, BENCH_TOPIC_SIZE, "%s/site%u/device%u/#", plan->prefix, site,
                subscriber % DEVICES);
}

static void many_filter(
        const struct bench_plan *plan, uint32_t subscriber, uint32_t index, char *text)
{
    (void)subscriber;
    snprintf(text, BENCH_TOPIC_SIZE, "%s%s/area%u/device%u/%s", plan->kind->share, plan->prefix,
            index / DEVICES_OF_AREA, index, plan->kind->end);
}

static const struct bench_filter_kind filter_kinds[] = {
    { "exact", "", "value" },
    { "plus", "", "+" },
    { "hash", "", "#" },
    { "shared", "$share/bench/", "value" },
};

enum { FILTER_KIND_COUNT = sizeof(filter_kinds) / sizeof(filter_kinds[0]) };

static const struct bench_scenario scenarios[] = {
    {
            .name = "p2p",
            .help = "N publishers, N subscribers, each pair with a topic of its own",
            .publishers = 50,
            .subscribers = 50,
            .count = 1000000,
            .filters = 1,
            .paired = true,
            .topic = own_topic,
            .filter = own_filter,
    },
    {
            .name = "fan-out",
            .help = "one publisher, N subscribers to its topic",
            .publishers = 1,
            .subscribers = 500,
            .count = 5000,
            .topic = own_topic,
            .filter = each_filter,
    },
    {
            .name = "fan-in",
            .help = "N publishers with a topic each, one subscriber to them all",
            .publishers = 100,
            .subscribers = 1,
            .count = 500000,
            .filters = 1,
            .topic = own_topic,
            .filter = any_filter,
    },
    {
            .name = "shared",
            .help = "N publishers, M subscribers that share one subscription",
            .publishers = 20,
            .subscribers = 20,
            .count = 500000,
            .filters = 1,
            .shared = true,
            .topic = own_topic,
            .filter = any_filter,
    },
    {
            .name = "wildcard",
            .help = "1280 topics, 100 subscribers with 20 filters each, half with +, half with #",
            .publishers = 10,
            .subscribers = 100,
            .count = 200000,
            .channels = SITES * DEVICES * METRICS,
            .filters = SITES_WATCHED,
            .topic = site_topic,
            .filter = site_filter,
    },
    {
            .name = "retained",
            .help = "stores retained messages, then N subscribers to # fetch them",
            .kind = BENCH_RETAINED,
            .publishers = 1,
            .subscribers = 1,
            .count = 100000,
            .filters = 1,
            .topic = own_topic,
            .filter = below_filter,
    },
    {
            .name = "offline",
            .help = "messages for clients that are away, at QoS 1 or 2; then these come for them",
            .kind = BENCH_OFFLINE,
            .publishers = 10,
            .subscribers = 10,
            .count = 10000,
            .filters = 1,
            .qos_min = 1,
            .paired = true,
            .topic = own_topic,
            .filter = own_filter,
    },
    {
            .name = "idle",
            .help = "connections that do nothing: memory for each, as a slope between two counts",
            .kind = BENCH_GROW,
    },
    {
            .name = "sessions",
            .help = "sessions of clients that are away: memory for each, likewise",
            .kind = BENCH_GROW,
            .grows = BENCH_SESSIONS,
    },
    {
            .name = "subscriptions",
            .help = "subscriptions of some clients: memory for each, likewise",
            .kind = BENCH_GROW,
            .grows = BENCH_SUBSCRIPTIONS,
            .subscribers = 100,
            .filter = many_filter,
    },
    {
            .name = "connect",
            .help = "CONNECT, CONNACK, DISCONNECT, again and again",
            .kind = BENCH_CONNECT,
            .count = 20000,
    },
};

enum { SCENARIO_COUNT = sizeof(scenarios) / sizeof(scenarios[0]) };

static const struct bench_scenario *find_scenario(const char *name)
{
    for (size_t i = 0; name && i < SCENARIO_COUNT; i++) {
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    return NULL;
}

static const struct bench_filter_kind *find_filter_kind(const char *name)
{
    for (size_t i = 0; name && i < FILTER_KIND_COUNT; i++) {
        if (strcmp(filter_kinds[i].name, name) == 0)
            return &filter_kinds[i];
    }
    return name ? NULL : &filter_kinds[0];
}

static uint32_t either(int64_t given, uint32_t otherwise)
{
    return given > 0 ? (uint32_t)given : otherwise;
}

/* How many connections publish and subscribe. One number given for pairs means both. */
static void choose_sides(struct bench_plan *plan, const struct bench_options *options)
{
    const struct bench_scenario *scenario = plan->scenario;
    int64_t publishers = options->publishers;
    int64_t subscribers = options->subscribers;

    if (scenario->paired && publishers == 0)
        publishers = subscribers;
    if (scenario->paired && subscribers == 0)
        subscribers = publishers;
    plan->publishers = either(publishers, scenario->publishers);
    plan->subscribers = either(subscribers, scenario->subscribers);
}

static uint32_t default_window(const struct bench_plan *plan)
{
    if (plan->scenario->kind == BENCH_CONNECT)
        return WINDOW_CONNECT;
    return plan->qos == 0 ? WINDOW : WINDOW_INFLIGHT;
}

static int complain(const char *name, const char *what)
{
    fprintf(stderr, "nightjar bench: %s: %s\n", name, what);
    return -EINVAL;
}

int bench_plan_init(struct bench_plan *plan, const struct bench_options *options, uint32_t run)
{
    const struct bench_scenario *scenario = find_scenario(options->scenario);

    if (!scenario)
        return complain(options->scenario ? options->scenario : "no scenario",
                "give one of those that nightjar bench --help names");
    *plan = (struct bench_plan){
        .scenario = scenario,
        .count = either(options->count, scenario->count),
        .rate = options->rate,
    };
    plan->qos = (uint8_t)options->qos;
    if (plan->qos < scenario->qos_min)
        plan->qos = scenario->qos_min;
    plan->kind = find_filter_kind(options->filter);
    choose_sides(plan, options);
    plan->window = either(options->window, default_window(plan));
    plan->channels = scenario->channels ? scenario->channels : plan->publishers;
    if (scenario->kind == BENCH_RETAINED)
        plan->channels = plan->count;
    plan->filters = scenario->filters ? scenario->filters : plan->publishers;
    snprintf(plan->prefix, sizeof(plan->prefix), "bench/%08" PRIx32, run);
    if (!plan->kind)
        return complain(options->filter, "give exact, plus, hash or shared to --filter");
    if (scenario->paired && plan->publishers != plan->subscribers)
        return complain(scenario->name, "needs as many subscribers as publishers");
    if (scenario->kind != BENCH_GROW && plan->publishers > plan->channels)
        return complain(scenario->name, "has more publishers than topics; give fewer --publishers");
    if (scenario->kind != BENCH_LOAD && plan->rate > 0)
        return complain(scenario->name, "has no --rate");
    return 0;
}

void bench_plan_topic(
        const struct bench_plan *plan, uint32_t channel, char text[static BENCH_TOPIC_SIZE])
{
    plan->scenario->topic(plan, channel, text);
}

void bench_plan_filter(const struct bench_plan *plan, uint32_t subscriber, uint32_t index,
        char text[static BENCH_TOPIC_SIZE])
{
    plan->scenario->filter(plan, subscriber, index, text);
}

void bench_plan_match(const struct bench_plan *plan, uint32_t subscriber, bool wanted[])
{
    char text[BENCH_TOPIC_SIZE];
    char topic[BENCH_TOPIC_SIZE];

    memset(wanted, false, plan->channels * sizeof(*wanted));
    for (uint32_t index = 0; index < plan->filters; index++) {
        struct bytes filter;
        struct bytes share;

        bench_plan_filter(plan, subscriber, index, text);
        filter = bytes_of_text(text);
        mqtt_share_split(filter, &share, &filter);
        for (uint32_t channel = 0; channel < plan->channels; channel++) {
            bench_plan_topic(plan, channel, topic);
            wanted[channel] |= mqtt_topic_match(filter, bytes_of_text(topic));
        }
    }
}

void bench_plan_help(void)
{
    for (size_t i = 0; i < SCENARIO_COUNT; i++)
        printf("  %-13s %s\n", scenarios[i].name, scenarios[i].help);
}
