/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/persistence.h"

#include "broker/config/option.h"
#include "broker/config/value.h"
#include "broker/data_folder.h"
#include "broker/revival.h"
#include "broker/shard.h"
#include "broker/wish.h"
#include "loop/clock.h"
#include "store/pages.h"

#include <errno.h>
#include <stdlib.h>

static const char NOT_ASKED_FOR[] =
        "persistence is not set, so what is to outlive the server is kept; persistence false keeps "
        "all in memory";

static const char MOSQUITTO_FILE[] = "mosquitto.db";

/* ---- What keeps the server from starting ---- */

static const char *advice(int failure)
{
    static const struct {
        int failure;
        const char *text;
    } rows[] = {
        { -EACCES,
                "the server has no right to write there; let its user own the directory, or name "
                "another one with persistence_location" },
        { -EROFS,
                "nothing can be written there; name another directory with persistence_location" },
        { -ENOENT,
                "the folder that the directory is to lie in is not there; make it, or name another "
                "directory with persistence_location" },
        { -ENOTDIR, "name a directory with persistence_location" },
        { -ENOSPC, "make room on that disk, or name another directory with persistence_location" },
        { -EBADMSG,
                "nothing has been changed; nightjar ctl store check tells more, and nightjar ctl "
                "store salvage saves what can be read" },
        { -EPROTO,
                "another version has written there; start that one, or name another directory "
                "with persistence_location" },
        { -ENOMEM, "there is more than fits into memory; raise memory_limit" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].failure == failure)
            return rows[i].text;
    }
    return "persistence_location names another directory; with persistence false all is in memory";
}

static int refuse(const struct persistence *persistence, int failure, const char *problem)
{
    journal_tell(persistence->journal, EVENT_ERROR, "store.refused",
            field_text("directory", persistence->directory), field_text("problem", problem),
            field_text("text", advice(failure)));
    return failure;
}

static int refuse_plainly(const struct persistence *persistence, int failure)
{
    return refuse(persistence, failure, strerror(-failure));
}

/* Whoever starts a second server is told the line that it needs. */
static int refuse_busy(const struct persistence *persistence, const struct config *config)
{
    char text[STORE_PATH_MAX + 256];

    snprintf(text, sizeof(text),
            "another server has this directory; stop it, or give this one its own with the line "
            "\"persistence_location %s-%u\"",
            persistence->directory, config->listeners[0].settings.port);
    journal_tell(persistence->journal, EVENT_ERROR, "store.refused",
            field_text("directory", persistence->directory), field_text("problem", strerror(EBUSY)),
            field_text("text", text));
    return -EBUSY;
}

/* What the log or the archive has that no power cut can have made. */
static int refuse_broken(
        const struct persistence *persistence, const struct store_finding *finding, int failure)
{
    if (finding->log.file[0] == '\0')
        return refuse(
                persistence, failure, finding->archive ? finding->archive : strerror(-failure));
    journal_tell(persistence->journal, EVENT_ERROR, "store.refused",
            field_text("directory", persistence->directory), field_text("file", finding->log.file),
            field_number("offset", (int64_t)finding->log.offset),
            field_text("problem", finding->log.text ? finding->log.text : strerror(-failure)),
            field_text("text", advice(failure)));
    return failure;
}

/* ---- The folder ---- */

int persistence_claim(struct persistence *persistence, const struct config *config,
        const struct process_user *user, struct journal *journal)
{
    const struct data_folder_wishes wishes = {
        .configured = config->store.location,
        .variable = getenv(DATA_FOLDER_VARIABLE),
        .usual = DATA_FOLDER_USUAL,
        .is_root = process_is_root(),
    };
    int result;

    persistence->journal = journal;
    if (!config->store.kept) {
        journal_tell(journal, EVENT_INFO, "store.none",
                field_text("text",
                        "persistence is false: sessions and messages are in memory, and lost "
                        "when the server stops"));
        return 0;
    }
    data_folder_choose(&wishes, persistence->directory);
    persistence->durability = config->store.durability;
    persistence->is_asked_for = config_origin(config, "persistence", -1).file != NULL;
    result = data_folder_make(persistence->directory, user);
    if (result == 0)
        result = files_open(&persistence->files, &persistence->folder, persistence->directory);
    if (result == -EBUSY)
        return refuse_busy(persistence, config);
    if (result < 0)
        return refuse_plainly(persistence, result);
    result = wake_open(&persistence->wake);
    if (result < 0) {
        files_close(&persistence->folder);
        return refuse_plainly(persistence, result);
    }
    pthread_mutex_init(&persistence->asking, NULL);
    persistence->is_claimed = true;
    return 0;
}

/* ---- What core asks of a store ---- */

static uint64_t push(void *context, struct record_batch *batch)
{
    const struct shard *shard = context;

    return store_push(shard->group->persistence->store, batch);
}

static bool fetch(void *context, const struct storage_wish *wish)
{
    return wish_ask(context, wish);
}

struct storage persistence_storage(const struct persistence *persistence, struct shard *shard)
{
    static const enum storage_patience patiences[] = {
        [DURABILITY_GROUP] = STORAGE_WAITS,
        [DURABILITY_ALWAYS] = STORAGE_WAITS_MORE,
        [DURABILITY_INTERVAL] = STORAGE_NEVER_WAITS,
        [DURABILITY_NONE] = STORAGE_NEVER_WAITS,
    };

    if (!persistence->is_claimed)
        return (struct storage){ .push = NULL };
    return (struct storage){
        .push = push,
        .fetch = fetch,
        .context = shard,
        .patience = patiences[persistence->durability.kind],
    };
}

/* ---- Opening ---- */

static int condition_of(void *context)
{
    const struct persistence *persistence = context;

    return persistence->store ? store_condition(persistence->store) : 0;
}

/* On a thread of the store, or while it is being opened: then there is nobody to wake. */
static void store_has_changed(void *context)
{
    struct persistence *persistence = context;
    bool is_for_all = store_news_note(&persistence->trouble, condition_of, persistence);

    /* Sequentially consistent, as are a shard's mark that it is asleep and its look at this number
     * afterwards: it sees the new number, or we see it asleep. */
    atomic_fetch_add(&persistence->changes, 1);
    for (unsigned i = 0; i < persistence->group->count; i++)
        shard_rouse_for_store(&persistence->group->shards[i], is_for_all);
    if (is_for_all)
        wake_send(&persistence->wake);
}

static enum store_flush flush_of(const struct durability *durability)
{
    switch ((enum durability_kind)durability->kind) {
    case DURABILITY_GROUP:
    case DURABILITY_ALWAYS:
        break;
    case DURABILITY_INTERVAL:
        return FLUSH_INTERVAL;
    case DURABILITY_NONE:
        return FLUSH_NEVER;
    }
    return FLUSH_EACH;
}

static void tell_cut(const struct persistence *persistence, const struct store_finding *finding)
{
    if (finding->log.file[0] == '\0')
        return;
    journal_tell(persistence->journal, EVENT_WARN, "store.cut",
            field_text("directory", persistence->directory), field_text("file", finding->log.file),
            field_number("offset", (int64_t)finding->log.offset),
            field_number("bytes", (int64_t)finding->log.cut),
            field_text("text", finding->log.text));
}

/* LMDB would not survive a page that is broken. To look at all of a large archive takes long. */
enum { PAGES_ALL_MAX = 256 << 20 };
static int look_at_pages(const struct persistence *persistence, struct store_finding *finding)
{
    int result = pages_check(persistence->directory, PAGES_ALL_MAX, &finding->log.offset);

    if (result == -EBADMSG) {
        memcpy(finding->log.file, ARCHIVE_FILE, sizeof(ARCHIVE_FILE));
        finding->log.text = "a page is broken";
    }
    return result == -ENOENT ? 0 : result;
}

static int open_store(struct persistence *persistence, struct store_finding *finding)
{
    struct store_setup setup = {
        .files = &persistence->files,
        .archive = &persistence->archive,
        .flush = flush_of(&persistence->durability),
        .interval_ms = persistence->durability.interval_ms,
        .changed = store_has_changed,
        .context = persistence,
    };
    int result = data_folder_check(persistence->directory);

    if (result == 0)
        result = process_random(&setup.seed, sizeof(setup.seed));
    if (result == 0)
        result = look_at_pages(persistence, finding);
    if (finding->log.file[0] != '\0')
        return refuse_broken(persistence, finding, result);
    if (result == 0)
        result = archive_lmdb_open(&persistence->archived, &persistence->archive,
                persistence->directory, ARCHIVE_WRITES, 0);
    if (result < 0)
        return refuse_plainly(persistence, result);
    result = store_open(&persistence->store, &setup, finding);
    if (result < 0) {
        persistence->store = NULL;
        return refuse_broken(persistence, finding, result);
    }
    tell_cut(persistence, finding);
    return 0;
}

static void tell_opened(const struct persistence *persistence, const struct restore_counts *counts,
        const struct store_finding *finding, int64_t begun_ms)
{
    char durability[32];

    value_write(option_find(BYTES("durability")), &persistence->durability, durability,
            sizeof(durability));
    journal_tell(persistence->journal, EVENT_INFO, "store.opened",
            field_text("directory", persistence->directory), field_text("durability", durability),
            field_number("sessions", (int64_t)counts->sessions),
            field_number("subscriptions", (int64_t)counts->subscriptions),
            field_number("messages", (int64_t)counts->messages),
            field_number("retained", (int64_t)counts->retained),
            field_number("expired", (int64_t)counts->expired),
            field_number("orphans", (int64_t)counts->orphans),
            field_number("replayed", (int64_t)finding->replayed),
            field_number("ms", clock_now_ms() - begun_ms),
            field_text("text", persistence->is_asked_for ? "" : NOT_ASKED_FOR));
}

/* Who starts us with Mosquitto's configuration, and so in its directory, is not to miss what it has
 * kept without a word. */
static void tell_unread(const struct persistence *persistence, const struct restore_counts *counts)
{
    if (counts->sessions + counts->messages + counts->retained > 0 ||
            !data_folder_has(persistence->directory, MOSQUITTO_FILE))
        return;
    journal_tell(persistence->journal, EVENT_WARN, "store.unread",
            field_text("directory", persistence->directory), field_text("file", MOSQUITTO_FILE),
            field_text("text",
                    "what Mosquitto has kept there is not read; to have it, stop this server, "
                    "bring it to a new directory with nightjar import, and name that one with "
                    "persistence_location"));
}

int persistence_open(struct persistence *persistence, struct shard_group *group)
{
    int64_t begun_ms = clock_now_ms();
    struct store_finding finding = { .archive = NULL };
    struct revival revival;
    int result;

    if (!persistence->is_claimed)
        return 0;
    persistence->group = group;
    result = open_store(persistence, &finding);
    if (result < 0)
        return result;
    result = revival_run(&revival, persistence->store, group);
    if (result < 0)
        return refuse(persistence, result, revival.broken ? revival.broken : strerror(-result));
    tell_opened(persistence, &revival.counts, &finding, begun_ms);
    tell_unread(persistence, &revival.counts);
    return 0;
}

/* A disk that was full when the store was opened is told, too. */
int persistence_start(struct persistence *persistence)
{
    int result = persistence->store ? store_start(persistence->store) : 0;

    persistence->runs = persistence->store && result == 0;
    if (persistence->runs)
        store_has_changed(persistence);
    return result;
}

/* ---- The end ---- */

static void tell_closed(const struct persistence *persistence)
{
    struct store_figures figures;

    store_figures(persistence->store, &figures);
    if (figures.durable == figures.pushed)
        journal_tell(persistence->journal, EVENT_INFO, "store.closed",
                field_text("directory", persistence->directory));
    else
        journal_tell(persistence->journal, EVENT_WARN, "store.closed",
                field_text("directory", persistence->directory),
                field_number("lost", (int64_t)(figures.pushed - figures.durable)),
                field_text("text",
                        "so many records could not be written any more; none of them was "
                        "acknowledged"));
}

void persistence_stop(struct persistence *persistence)
{
    if (!persistence->runs)
        return;
    persistence->runs = false;
    store_stop(persistence->store);
    persistence_watch(persistence, clock_now_ms());
    tell_closed(persistence);
}

void persistence_close(struct persistence *persistence)
{
    if (!persistence->is_claimed)
        return;
    if (persistence->runs)
        store_stop(persistence->store);
    if (persistence->store)
        store_close(persistence->store);
    if (persistence->archived)
        archive_lmdb_close(persistence->archived);
    files_close(&persistence->folder);
    wake_close(&persistence->wake);
    pthread_mutex_destroy(&persistence->asking);
    *persistence = (struct persistence){ .store = NULL };
}

/* ---- A shard that runs ---- */

bool persistence_look(struct persistence *persistence, struct persistence_state *state)
{
    unsigned changes = atomic_load(&persistence->changes);

    if (!persistence->store || changes == state->changes)
        return false;
    *state = (struct persistence_state){
        .changes = changes,
        .position = store_durable(persistence->store),
        .health = store_health(atomic_load(&persistence->trouble)),
    };
    return true;
}

bool persistence_has_news(
        const struct persistence *persistence, const struct persistence_state *state)
{
    return atomic_load(&persistence->changes) != state->changes;
}

/* ---- The server's thread ---- */

int persistence_fd(const struct persistence *persistence)
{
    return persistence->store ? wake_fd(&persistence->wake) : -1;
}

void persistence_watch(struct persistence *persistence, int64_t now_ms)
{
    if (!persistence->store)
        return;
    wake_drain(&persistence->wake);
    store_news_look(&persistence->news, atomic_load(&persistence->trouble), persistence->directory,
            persistence->journal, now_ms);
}

int64_t persistence_due_ms(const struct persistence *persistence)
{
    return store_news_due_ms(&persistence->news);
}

bool persistence_checkpoint(struct persistence *persistence)
{
    if (persistence->store)
        store_checkpoint(persistence->store);
    return persistence->store != NULL;
}

/* ---- Any thread ---- */

bool persistence_count(
        struct persistence *persistence, struct persistence_figures *out, int64_t now_ms)
{
    *out = (struct persistence_figures){ .health = STORAGE_WELL };
    if (!persistence->store)
        return false;
    pthread_mutex_lock(&persistence->asking);
    store_figures(persistence->store, &out->store);
    out->slowest_ns = slowest_commit_ns(&persistence->slowest, out->store.commit_ns_max, now_ms);
    pthread_mutex_unlock(&persistence->asking);
    out->health = store_health(atomic_load(&persistence->trouble));
    return true;
}
