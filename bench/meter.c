/* SPDX-License-Identifier: Apache-2.0 */
#include "meter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Noreturn void give_up(const char *why)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
    exit(EXIT_FAILURE);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) < 0)
        give_up("a clock cannot be read");
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

int64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t cpu_ns_of(pid_t process)
{
    clockid_t clock;

    if (clock_getcpuclockid(process, &clock) != 0)
        give_up("the server is gone");
    return clock_ns(clock);
}

int64_t number_of(pid_t process, const char *file, const char *word)
{
    char path[40];
    char line[80];
    int64_t number = -1;
    FILE *lines;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)process, file);
    lines = fopen(path, "r");
    while (lines && fgets(line, sizeof(line), lines)) {
        if (strncmp(line, word, strlen(word)) == 0)
            sscanf(line + strlen(word), "%" SCNd64, &number);
    }
    if (lines)
        fclose(lines);
    return number;
}
