/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/store_news.h"

#include "store/store.h"

#include <errno.h>

enum { MINUTE_MS = 60000 };

enum storage_health store_health(int trouble)
{
    if (trouble == 0)
        return STORAGE_WELL;
    if (trouble == STORE_SCARCE)
        return STORAGE_SCARCE;
    return trouble == -ENOSPC ? STORAGE_FULL : STORAGE_DEAD;
}

bool store_news_note(atomic_int *trouble, int (*ask)(void *context), void *context)
{
    bool is_news = false;
    int asked;

    do {
        asked = ask(context);
        is_news |= atomic_exchange(trouble, asked) != asked;
        /* What another thread has changed before it noted that is seen by who noted after it. */
        atomic_thread_fence(memory_order_seq_cst);
    } while (ask(context) != asked);
    return is_news;
}

static void tell_full(const char *directory, const struct journal *journal, bool reserve)
{
    journal_tell(journal, EVENT_ERROR, "store.full", field_text("directory", directory),
            field_text("problem", strerror(ENOSPC)),
            field_text("reserve", reserve ? "in_use" : "used_up"),
            field_text("text",
                    reserve ? "what would have to be kept is refused, all else goes on, and who "
                              "comes for what waits for him is served; nothing that was "
                              "acknowledged is lost; make room on that disk, or have messages "
                              "taken, and it goes on by itself"
                            : "what would have to be kept is refused or left without "
                              "acknowledgement, all else goes on, and nothing that was "
                              "acknowledged is lost; make room on that disk, and it goes on by "
                              "itself"));
}

static void tell(const struct store_news *news, int trouble, const char *directory,
        const struct journal *journal, int64_t now_ms)
{
    switch (store_health(trouble)) {
    case STORAGE_WELL:
        journal_tell(journal, EVENT_INFO, "store.recovered", field_text("directory", directory),
                field_number("seconds", (now_ms - news->since_ms) / 1000),
                field_text("text", "there is room again: what has waited is on disk"));
        break;
    case STORAGE_SCARCE:
        tell_full(directory, journal, true);
        break;
    case STORAGE_FULL:
        tell_full(directory, journal, false);
        break;
    case STORAGE_DEAD:
        journal_tell(journal, EVENT_ERROR, "store.failed", field_text("directory", directory),
                field_text("problem", strerror(-trouble)),
                field_text("text",
                        "nobody knows what the disk has of the last write, so nothing more "
                        "is kept nor acknowledged that would have to be, until the server is "
                        "started again; all that was acknowledged is on disk; look at the disk "
                        "and the system's log first"));
        break;
    }
}

void store_news_look(struct store_news *news, int trouble, const char *directory,
        const struct journal *journal, int64_t now_ms)
{
    bool is_for_good = store_health(trouble) == STORAGE_DEAD;

    if (trouble == news->trouble) {
        news->due_ms = 0;
        return;
    }
    if (news->told == 0 || now_ms >= news->begun_ms + STORE_NEWS_WINDOW_MS) {
        news->begun_ms = now_ms;
        news->told = 0;
    }
    if (news->told == STORE_NEWS_MAX && !is_for_good) {
        news->due_ms = news->begun_ms + STORE_NEWS_WINDOW_MS;
        return;
    }
    tell(news, trouble, directory, journal, now_ms);
    if (news->trouble == 0)
        news->since_ms = now_ms;
    news->trouble = trouble;
    news->told++;
    news->due_ms = 0;
}

int64_t store_news_due_ms(const struct store_news *news)
{
    return news->due_ms > 0 ? news->due_ms : INT64_MAX;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t slowest_commit_ns(struct slowest_commit *slowest, int64_t latest_ns, int64_t now_ms)
{
    int64_t minute = now_ms / MINUTE_MS;

    if (minute != slowest->minute) {
        slowest->before_ns = minute == slowest->minute + 1 ? slowest->now_ns : 0;
        slowest->now_ns = 0;
        slowest->minute = minute;
    }
    slowest->now_ns = larger(slowest->now_ns, latest_ns);
    return larger(slowest->now_ns, slowest->before_ns);
}
