/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { WIDTH = 40, PERIOD_US = 100000, US_PER_S = 1000000 };

void client_progress_init(
        struct client_progress *progress, bool wanted, uint64_t total, int64_t now_us)
{
    *progress = (struct client_progress){
        .shown = wanted && isatty(STDERR_FILENO), .total = total, .begin_us = now_us
    };
}

static void print(const struct client_progress *progress, uint64_t done, int64_t now_us)
{
    int64_t took_us = now_us - progress->begin_us;
    double rate = took_us > 0 ? (double)done * US_PER_S / (double)took_us : 0;
    int filled = progress->total > 0 ? (int)(done * WIDTH / progress->total) : 0;

    fputs("\r[", stderr);
    for (int i = 0; i < WIDTH && progress->total > 0; i++)
        fputc(i < filled ? '#' : ' ', stderr);
    if (progress->total > 0)
        fprintf(stderr, "] %" PRIu64 " of %" PRIu64 ", %.0f/s\033[K", done, progress->total, rate);
    else
        fprintf(stderr, "%" PRIu64 "] %.0f/s\033[K", done, rate);
}

void client_progress_tell(struct client_progress *progress, uint64_t done, int64_t now_us)
{
    if (!progress->shown || now_us < progress->next_us)
        return;
    progress->next_us = now_us + PERIOD_US;
    print(progress, done, now_us);
}

void client_progress_end(struct client_progress *progress, uint64_t done, int64_t now_us)
{
    if (!progress->shown)
        return;
    print(progress, done, now_us);
    fputc('\n', stderr);
}

void client_progress_clear(const struct client_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
}
