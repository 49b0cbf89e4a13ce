/* SPDX-License-Identifier: Apache-2.0 */
#include "check/campaign.h"

#include "check/pulse.h"
#include "loop/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Choosing ---- */

/* The id that begins there, up to a blank; its size. */
static size_t id_size(const char *at)
{
    return strcspn(at, " ");
}

static const char *next_id(const char *at)
{
    at += id_size(at);
    return at + strspn(at, " ");
}

/* Whether this is the case's id, its name, or the name of its test, "5.0_a_ping_is_answered". */
static bool is_wanted(
        const struct check_chapter *chapter, const struct check_case *test, const char *wanted)
{
    const char *version = check_version_text(chapter->version);
    size_t size = strlen(version);

    for (const char *at = test->statements ? test->statements : ""; *at; at = next_id(at)) {
        if (strlen(wanted) == id_size(at) && strncmp(at, wanted, id_size(at)) == 0)
            return true;
    }
    if (strncmp(wanted, version, size) == 0 && wanted[size] == '_')
        wanted += size + 1;
    return strcmp(test->name, wanted) == 0;
}

static size_t choose(struct campaign_entry *entries, const struct campaign_options *options)
{
    size_t count = 0;

    for (size_t i = 0; check_chapters[i]; i++) {
        const struct check_chapter *chapter = check_chapters[i];

        for (size_t j = 0; j < chapter->count; j++) {
            if (!(options->versions >> chapter->version & 1) ||
                    (options->only && !is_wanted(chapter, &chapter->cases[j], options->only)))
                continue;
            if (entries)
                entries[count] = (struct campaign_entry){ chapter, &chapter->cases[j], { 0 } };
            count++;
        }
    }
    return count;
}

int campaign_init(struct campaign *campaign, const struct campaign_options *options)
{
    size_t count = choose(NULL, options);
    struct campaign_entry *entries;

    if (count == 0)
        return -ENOENT;
    entries = calloc(count, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    choose(entries, options);
    *campaign = (struct campaign){ .entries = entries, .count = count };
    return 0;
}

void campaign_deinit(struct campaign *campaign)
{
    for (size_t i = 0; i < campaign->count; i++)
        check_result_deinit(&campaign->entries[i].result);
    free(campaign->entries);
}

/* ---- Playing ---- */

enum { TRIES = 5 }; /* of a case, as long as this process or the server stands still in its midst */

struct crew {
    struct campaign *campaign;
    const struct campaign_options *options;
    const struct check_target *target;
    const struct wire *wire;
    struct pulse pulse;
    int64_t until_ms;
    atomic_size_t next; /* entry to be played; relaxed, for the entries were there before */
    atomic_size_t done; /* how many were; relaxed, for people alone */
    atomic_bool gone;   /* the server cannot be reached; relaxed, for one case more does no harm */
};

/* Two more characters tell the cases of a run from each other. */
static void name_case(struct check_setup *setup, const char *run, size_t number)
{
    static const char digits[32] = "abcdefghijklmnopqrstuvwxyz234567";

    snprintf(setup->name, sizeof(setup->name), "%s%c%c", run, digits[number / 32 % 32],
            digits[number % 32]);
}

static void skip(struct campaign_entry *entry, const char *reason)
{
    entry->result = (struct check_result){ .outcome = CHECK_SKIP, .reason = strdup(reason) };
}

static void tell_progress(struct crew *crew)
{
    size_t done = atomic_fetch_add_explicit(&crew->done, 1, memory_order_relaxed) + 1;

    if (crew->options->progress)
        fprintf(stderr, "\r%zu of %zu%s", done, crew->campaign->count,
                done == crew->campaign->count ? "\n" : "");
}

/* Whether someone wants the run to end, by a signal that the caller has blocked. */
static bool is_interrupted(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
            (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

/* A failure while this process stood still is not the server's: a client that pings late, say. Nor
 * is one after an answer came so late that a client was silent for too long. */
static void play_in_time(
        struct crew *crew, struct campaign_entry *entry, const struct check_setup *setup)
{
    for (unsigned try = 1;; try++) {
        uint64_t stalls = pulse_stalls(&crew->pulse);

        check_run(&entry->result, entry->test, setup);
        if (entry->result.outcome != CHECK_FAIL || try == TRIES ||
                (!entry->result.late && pulse_stalls_till_now(&crew->pulse) == stalls))
            return;
        check_result_deinit(&entry->result);
    }
}

static void play(struct crew *crew, size_t number)
{
    struct campaign_entry *entry = &crew->campaign->entries[number];
    struct check_setup setup = {
        .target = crew->target, .wire = crew->wire, .version = entry->chapter->version
    };

    name_case(&setup, crew->options->name, number);
    if (atomic_load_explicit(&crew->gone, memory_order_relaxed))
        skip(entry, "the server could not be reached any more");
    else if (is_interrupted())
        skip(entry, "the run was interrupted");
    else if (clock_now_ms() < crew->until_ms)
        play_in_time(crew, entry, &setup);
    else
        skip(entry, "the time for the whole run was over");
    if (entry->result.unreachable)
        atomic_store_explicit(&crew->gone, true, memory_order_relaxed);
    tell_progress(crew);
}

static void *work(void *context)
{
    struct crew *crew = context;
    size_t number;

    while ((number = atomic_fetch_add_explicit(&crew->next, 1, memory_order_relaxed)) <
            crew->campaign->count)
        play(crew, number);
    return NULL;
}

int campaign_run(struct campaign *campaign, const struct campaign_options *options,
        const struct check_target *target, const struct wire *wire)
{
    struct crew crew = { .campaign = campaign,
        .options = options,
        .target = target,
        .wire = wire,
        .until_ms = clock_now_ms() + options->limit_ms };
    pthread_t threads[CAMPAIGN_JOBS_MAX];
    unsigned started = 0;
    int result = pulse_start(&crew.pulse);

    if (result != 0)
        return result;
    while (started < options->jobs && result == 0) {
        result = -pthread_create(&threads[started], NULL, work, &crew);
        started += result == 0;
    }
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pulse_stop(&crew.pulse);
    return started > 0 ? 0 : result;
}

/* ---- Summing up ---- */

static struct campaign_verdict *find(
        struct campaign_verdict *verdicts, size_t count, const char *id, enum mqtt_version version)
{
    for (size_t i = 0; i < count; i++) {
        if (verdicts[i].version == version && verdicts[i].id_size == id_size(id) &&
                strncmp(verdicts[i].id, id, id_size(id)) == 0)
            return &verdicts[i];
    }
    return NULL;
}

/* A failure counts more than a pass, and that more than what was skipped. */
static bool outweighs(enum check_outcome one, enum check_outcome other)
{
    return one == CHECK_FAIL ? other != CHECK_FAIL : one == CHECK_PASS && other == CHECK_SKIP;
}

int64_t campaign_sum(struct campaign_verdict **out, const struct campaign *campaign)
{
    size_t room = 1; /* so that there is a block for none as well */
    size_t count = 0;
    struct campaign_verdict *verdicts;

    for (size_t i = 0; i < campaign->count; i++) {
        const char *at = campaign->entries[i].test->statements;

        room++;
        for (; at && *at; at = next_id(at))
            room++;
    }
    verdicts = calloc(room, sizeof(*verdicts));
    if (!verdicts)
        return -ENOMEM;
    for (size_t i = 0; i < campaign->count; i++) {
        const struct campaign_entry *entry = &campaign->entries[i];
        const char *at = entry->test->statements ? entry->test->statements : "";

        do {
            struct campaign_verdict *known =
                    *at ? find(verdicts, count, at, entry->chapter->version) : NULL;

            if (!known)
                verdicts[count++] = (struct campaign_verdict){ at, id_size(at),
                    entry->chapter->version, entry->result.outcome, entry };
            else if (outweighs(entry->result.outcome, known->outcome)) {
                known->outcome = entry->result.outcome;
                known->entry = entry;
            }
            at = next_id(at);
        } while (*at);
    }
    *out = verdicts;
    return (int64_t)count;
}
