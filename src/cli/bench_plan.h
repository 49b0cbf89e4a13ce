/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenarios: who publishes where, and who subscribes to what.
 *
 * A channel is a topic; channel c is published to by publisher c % publishers.
 */
#ifndef CLI_BENCH_PLAN_H
#define CLI_BENCH_PLAN_H

#include "cli/bench_options.h"

#include <stddef.h>

enum { BENCH_TOPIC_SIZE = 128, BENCH_PREFIX_SIZE = 32 };

/* How a scenario is run. */
enum bench_kind {
    BENCH_LOAD,     /* subscribe, then publish: messages on their way */
    BENCH_RETAINED, /* publish retained messages, then subscribe */
    BENCH_OFFLINE,  /* subscribe and leave, publish, come again */
    BENCH_GROW,     /* hold so many, then more */
    BENCH_CONNECT,  /* connect and disconnect again and again */
};

/* What BENCH_GROW has more and more of. */
enum bench_grows { BENCH_CONNECTIONS, BENCH_SESSIONS, BENCH_SUBSCRIPTIONS };

struct bench_plan;

/* What the filters of scenario subscriptions look like: before the topic, and its last level. */
struct bench_filter_kind {
    const char *name;
    const char *share;
    const char *end;
};

/* One row of the table; the numbers are what holds where no option says another. */
struct bench_scenario {
    const char *name;
    const char *help;
    enum bench_kind kind;
    uint32_t publishers;
    uint32_t subscribers;
    uint32_t count;
    uint32_t channels; /* 0: one for each publisher */
    uint32_t filters;  /* of one subscriber; 0: one for each publisher */
    uint8_t qos_min;   /* below it nothing of the scenario happens */
    enum bench_grows grows;
    bool paired; /* as many publishers as subscribers */
    bool shared; /* the subscribers share one subscription */
    void (*topic)(const struct bench_plan *plan, uint32_t channel, char *text);
    void (*filter)(const struct bench_plan *plan, uint32_t subscriber, uint32_t index, char *text);
};

/* What this run does, with all defaults filled in. */
struct bench_plan {
    const struct bench_scenario *scenario;
    uint32_t publishers;
    uint32_t subscribers;
    uint32_t channels;
    uint32_t filters; /* of each subscriber */
    uint32_t count;
    uint32_t window;
    uint8_t qos;
    int64_t rate;                         /* 0: closed loop */
    const struct bench_filter_kind *kind; /* of scenario subscriptions */
    char prefix[BENCH_PREFIX_SIZE];       /* of all topics; no other run has it */
};

/**
 * Makes the plan that the options ask for; `run` makes its topics differ from other runs'.
 * Says on stderr what does not fit.
 *
 * Returns 0, or -EINVAL.
 */
int bench_plan_init(struct bench_plan *plan, const struct bench_options *options, uint32_t run);

/* Writes the topic of a channel. */
void bench_plan_topic(
        const struct bench_plan *plan, uint32_t channel, char text[static BENCH_TOPIC_SIZE]);

/* Writes filter `index` of a subscriber, "$share/" and all. */
void bench_plan_filter(const struct bench_plan *plan, uint32_t subscriber, uint32_t index,
        char text[static BENCH_TOPIC_SIZE]);

/**
 * Finds the channels that a subscriber's filters match: wanted[c] for channel c.
 * A subscriber's filters never overlap, so each message comes once at most.
 */
void bench_plan_match(const struct bench_plan *plan, uint32_t subscriber, bool wanted[]);

/* Prints one line for each scenario to stdout. */
void bench_plan_help(void);

#endif
