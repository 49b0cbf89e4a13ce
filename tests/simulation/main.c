/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "simulation [--seed N | --seeds A..B] [--shards N,N,...] [--steps N] [--trace]\n"
        "           [--complete]\n"
        "Runs the server's core with many clients, shards and failures in one thread, each\n"
        "seed with each number of shards, and ends with 1 at the first broken promise.\n"
        "  --steps     steps of each run, 10000\n"
        "  --trace     tells every packet\n"
        "  --complete  ends with 1 where something interesting never happened in all the runs\n";

struct options {
    uint64_t seed_first;
    uint64_t seed_last;
    uint64_t steps;
    unsigned shards[SHARDS_SIMULATED_MAX];
    unsigned shards_count;
    bool trace;
    bool complete;
};

/* The handlers of fatal signals have nothing else to look at. */
static volatile struct world_position position;

static void write_number(uint64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    (void)!write(STDERR_FILENO, digits + at, sizeof(digits) - at);
}

static void write_text(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void tell_crash(int signal_number)
{
    write_text("BROKEN at step ");
    write_number(position.step);
    write_text(": signal ");
    write_number((uint64_t)signal_number);
    write_text("\nreplay: simulation --seed ");
    write_number(position.seed);
    write_text(" --shards ");
    write_number(position.shards);
    write_text(" --steps ");
    write_number(position.steps);
    write_text(" --trace\n");
    _Exit(1);
}

static bool read_shards(struct options *options, const char *text)
{
    char *end;

    options->shards_count = 0;
    do {
        unsigned long shards = strtoul(text, &end, 10);

        if (shards < 1 || shards > SHARDS_SIMULATED_MAX || (*end && *end != ',') ||
                options->shards_count == SHARDS_SIMULATED_MAX)
            return false;
        options->shards[options->shards_count++] = (unsigned)shards;
        text = end + 1;
    } while (*end);
    return true;
}

static bool read_seeds(struct options *options, const char *text)
{
    char *end;

    options->seed_first = options->seed_last = strtoull(text, &end, 10);
    if (strncmp(end, "..", 2) == 0)
        options->seed_last = strtoull(end + 2, &end, 10);
    return *end == '\0' && options->seed_first <= options->seed_last;
}

static bool read_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--trace") == 0) {
            options->trace = true;
            continue;
        }
        if (strcmp(argv[i], "--complete") == 0) {
            options->complete = true;
            continue;
        }
        if (strcmp(argv[i], "--seed") == 0 || strcmp(argv[i], "--seeds") == 0) {
            if (!read_seeds(options, value))
                return false;
        } else if (strcmp(argv[i], "--shards") == 0) {
            if (!read_shards(options, value))
                return false;
        } else if (strcmp(argv[i], "--steps") == 0) {
            options->steps = strtoull(value, NULL, 10);
        } else {
            return false;
        }
        i++;
    }
    return true;
}

static void run(const struct options *options, uint64_t seed, unsigned shards, struct tally *tally)
{
    const struct world_setup setup = {
        .seed = seed,
        .shards = shards,
        .steps = options->steps,
        .trace = options->trace,
        .position = &position,
    };

    position.seed = seed;
    position.shards = shards;
    position.steps = options->steps;
    world_run(&setup, tally);
}

int main(int argc, char **argv)
{
    static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    struct options options = {
        .seed_first = 1, .seed_last = 1, .steps = 10000, .shards = { 1, 2, 4 }, .shards_count = 3
    };
    struct tally tally = { { 0 } };
    bool sharded = false;

    if (!read_options(&options, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    setvbuf(stdout, NULL, options.trace ? _IOLBF : _IOFBF, BUFSIZ);
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        signal(fatal[i], tell_crash);
    for (uint64_t seed = options.seed_first; seed <= options.seed_last; seed++) {
        for (unsigned s = 0; s < options.shards_count; s++) {
            run(&options, seed, options.shards[s], &tally);
            sharded |= options.shards[s] > 1;
        }
    }
    tally_print(&tally, stdout);
    printf("no promise broken\n");
    return options.complete && !tally_complete(&tally, sharded, stdout) ? 1 : 0;
}
