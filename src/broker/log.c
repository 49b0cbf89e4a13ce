/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/log.h"

#include "broker/log_line.h"
#include "loop/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

enum {
    NAMES_MAX = 64, /* event names that are counted each by itself; the others count together */
    NO_FILE = -1,
};

struct rate {
    const char *name;
    int64_t second; /* that `lines` counts */
    unsigned lines;
    unsigned suppressed; /* since the last line about it */
};

struct log {
    pthread_mutex_t mutex; /* guards all below, and keeps lines in order */
    struct log_settings settings;
    int file;
    struct rate rates[NAMES_MAX];
};

/* ---- Where lines go ---- */

static void write_whole(int fd, struct bytes line)
{
    while (line.size > 0) {
        ssize_t size = write(fd, line.data, line.size);

        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return; /* there is nowhere left to say so */
        line = bytes_from(line, (size_t)size);
    }
}

struct type_row {
    const char *kind; /* the end of the topic below $SYS/broker/log/ */
    int priority;
};

static struct type_row type_row(enum log_type type)
{
    switch (type) {
    case LOG_TYPE_ERROR:
        return (struct type_row){ "E", LOG_ERR };
    case LOG_TYPE_WARNING:
        return (struct type_row){ "W", LOG_WARNING };
    case LOG_TYPE_NOTICE:
        return (struct type_row){ "N", LOG_NOTICE };
    case LOG_TYPE_INFORMATION:
        return (struct type_row){ "I", LOG_INFO };
    case LOG_TYPE_SUBSCRIBE:
        return (struct type_row){ "M/subscribe", LOG_NOTICE };
    case LOG_TYPE_UNSUBSCRIBE:
        return (struct type_row){ "M/unsubscribe", LOG_NOTICE };
    case LOG_TYPE_DEBUG:
    case LOG_TYPE_ALL:
        break;
    }
    return (struct type_row){ "D", LOG_DEBUG };
}

/* A record of a waiting line. */
struct pending {
    const char *kind;
    size_t size;
};

/* Beyond the bound lines are lost to the topic alone. */
static void keep_for_topic(struct log_source *source, const char *kind, struct bytes line)
{
    struct pending record = { kind, line.size };

    if (source->taking || source->pending_size + sizeof(record) + line.size > LOG_TOPIC_BYTES_MAX)
        return;
    if (!source->pending)
        source->pending = malloc(LOG_TOPIC_BYTES_MAX);
    if (!source->pending)
        return;
    memcpy(source->pending + source->pending_size, &record, sizeof(record));
    memcpy(source->pending + source->pending_size + sizeof(record), line.data, line.size);
    source->pending_size += sizeof(record) + line.size;
}

static void write_line(struct log_source *source, const struct event *event, enum log_type type)
{
    struct log *log = source->log;
    struct type_row row = type_row(type);
    unsigned to = log->settings.to.set;
    struct log_line line;
    struct bytes text;

    log_line_write(&line, event, &log->settings, clock_wall_ms());
    text = bytes_of(line.text, line.size);
    if (to & LOG_TO_STDERR)
        write_whole(STDERR_FILENO, text);
    if (to & LOG_TO_STDOUT)
        write_whole(STDOUT_FILENO, text);
    if (log->file != NO_FILE)
        write_whole(log->file, text);
    if (to & LOG_TO_TOPIC)
        keep_for_topic(source, row.kind, bytes_first(text, text.size - 1));
    if (to & LOG_TO_SYSLOG) {
        log_line_write_bare(&line, event, &log->settings);
        syslog(row.priority, "%.*s", (int)line.size, line.text);
    }
}

/* ---- How many lines go ---- */

static struct rate *find_rate(struct log *log, const char *name)
{
    for (size_t i = 0; i < NAMES_MAX - 1; i++) {
        struct rate *rate = &log->rates[i];

        if (!rate->name)
            rate->name = name;
        if (rate->name == name || strcmp(rate->name, name) == 0)
            return rate;
    }
    log->rates[NAMES_MAX - 1].name = "other";
    return &log->rates[NAMES_MAX - 1];
}

static void tell_suppressed(struct log_source *source, struct rate *rate)
{
    const struct field fields[] = {
        field_text("event", rate->name),
        field_number("lines", rate->suppressed),
    };
    struct event event = { EVENT_WARN, "log.suppressed", fields, 2 };

    if (rate->suppressed > 0)
        write_line(source, &event, LOG_TYPE_WARNING);
    rate->suppressed = 0;
}

/* A name whose second is over is told of at the next line of any name. */
static void tell_all_suppressed(struct log_source *source, int64_t second)
{
    struct log *log = source->log;

    for (size_t i = 0; i < NAMES_MAX; i++) {
        struct rate *rate = &log->rates[i];

        if (rate->second != second)
            tell_suppressed(source, rate);
    }
}

static bool rate_allows(struct log_source *source, const char *name)
{
    int64_t second = clock_now_ms() / 1000;
    struct rate *rate = find_rate(source->log, name);

    if (rate->second != second) {
        tell_all_suppressed(source, second);
        rate->second = second;
        rate->lines = 0;
    }
    if (rate->lines < LOG_LINES_MAX) {
        rate->lines++;
        return true;
    }
    rate->suppressed++;
    return false;
}

static void write_event(void *context, const struct event *event)
{
    struct log_source *source = context;
    struct log *log = source->log;
    struct log_kind kind = log_kind_of(event);

    pthread_mutex_lock(&log->mutex);
    if ((log->settings.types & kind.type) && log->settings.to.set != 0 &&
            (log->settings.connection_messages || !kind.connection) &&
            rate_allows(source, event->name))
        write_line(source, event, kind.type);
    pthread_mutex_unlock(&log->mutex);
}

/* ---- The log ---- */

/* Root follows root's links alone: the folder may be of a user who is to get nothing by it. */
static bool may_follow(const char *path)
{
    struct stat status;

    return geteuid() != 0 || (lstat(path, &status) == 0 && status.st_uid == 0);
}

static int open_file(const struct log_settings *settings, int *out)
{
    const int how = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
    const char *path = settings->to.path;
    int fd = NO_FILE;

    if (settings->to.set & LOG_TO_FILE) {
        fd = open(path, how | O_NOFOLLOW, 0640);
        if (fd < 0 && errno == ELOOP && may_follow(path))
            fd = open(path, how, 0640);
        if (fd < 0)
            return -errno;
    }
    *out = fd;
    return 0;
}

static void close_file(int fd)
{
    if (fd != NO_FILE)
        close(fd);
}

static void open_syslog(const struct log_settings *settings)
{
    static const int local[] = { LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3, LOG_LOCAL4,
        LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7 };
    int32_t facility = settings->facility;

    if (settings->to.set & LOG_TO_SYSLOG)
        openlog("nightjar", LOG_PID | LOG_CONS,
                facility >= 0 && facility < 8 ? local[facility] : LOG_DAEMON);
}

int log_open(struct log **out, const struct log_settings *settings)
{
    struct log *log = calloc(1, sizeof(*log));
    int result;

    if (!log)
        return -ENOMEM;
    result = open_file(settings, &log->file);
    if (result < 0) {
        free(log);
        return result;
    }
    pthread_mutex_init(&log->mutex, NULL);
    log->settings = *settings;
    open_syslog(settings);
    *out = log;
    return 0;
}

void log_close(struct log *log)
{
    struct log_source last;

    if (!log)
        return;
    log_source_init(&last, log);
    tell_all_suppressed(&last, -1);
    log_source_deinit(&last);
    close_file(log->file);
    pthread_mutex_destroy(&log->mutex);
    free(log);
}

int log_apply(struct log *log, const struct log_settings *settings)
{
    int file = NO_FILE;
    int result = open_file(settings, &file);

    if (result < 0)
        return result;
    pthread_mutex_lock(&log->mutex);
    close_file(log->file);
    log->file = file;
    log->settings = *settings;
    open_syslog(settings);
    pthread_mutex_unlock(&log->mutex);
    return 0;
}

int log_reopen(struct log *log)
{
    struct log_settings same;

    pthread_mutex_lock(&log->mutex);
    same = log->settings;
    pthread_mutex_unlock(&log->mutex);
    return log_apply(log, &same);
}

void log_tell_failure(
        int result, const struct log_settings *settings, const struct journal *journal)
{
    if (result < 0)
        journal_tell(journal, EVENT_ERROR, "log.failed", field_text("file", settings->to.path),
                field_text("text", strerror(-result)));
}

/* Whether the open file is one that lies at the path itself, and nowhere else, too. */
static bool is_own_file(int fd, const char *path)
{
    struct stat opened;
    struct stat named;

    return fstat(fd, &opened) == 0 && S_ISREG(opened.st_mode) && opened.st_nlink == 1 &&
            lstat(path, &named) == 0 && named.st_ino == opened.st_ino &&
            named.st_dev == opened.st_dev;
}

void log_give_file(struct log *log, uid_t user, gid_t group)
{
    if (log->file == NO_FILE || !is_own_file(log->file, log->settings.to.path))
        return;
    /* Where this fails the file just cannot be opened anew, and that will be told then. */
    if (fchown(log->file, user, group) < 0)
        return;
}

enum event_level log_level(const struct log_settings *settings)
{
    if (settings->to.set == 0)
        return EVENT_ERROR;
    /* "New connection" is a notice to Mosquitto, to us only a detail before the client's event. */
    if (settings->format == LOG_FORMAT_MOSQUITTO && settings->types & LOG_TYPE_NOTICE)
        return EVENT_DEBUG;
    if (settings->types & (LOG_TYPE_DEBUG | LOG_TYPE_SUBSCRIBE | LOG_TYPE_UNSUBSCRIBE))
        return EVENT_DEBUG;
    if (settings->types & (LOG_TYPE_NOTICE | LOG_TYPE_INFORMATION))
        return EVENT_INFO;
    return settings->types & LOG_TYPE_WARNING ? EVENT_WARN : EVENT_ERROR;
}

/* ---- Sources ---- */

void log_source_init(struct log_source *source, struct log *log)
{
    *source = (struct log_source){ .log = log };
}

void log_source_deinit(struct log_source *source)
{
    free(source->pending);
    *source = (struct log_source){ 0 };
}

struct journal log_source_journal(struct log_source *source, enum event_level level)
{
    return (struct journal){ .level = level, .write = write_event, .context = source };
}

void log_source_take(struct log_source *source,
        void (*each)(void *context, const struct log_message *message), void *context)
{
    source->taking = true;
    for (size_t at = 0; at < source->pending_size;) {
        struct pending record;

        memcpy(&record, source->pending + at, sizeof(record));
        at += sizeof(record);
        each(context,
                &(struct log_message){ record.kind, bytes_of(source->pending + at, record.size) });
        at += record.size;
    }
    source->pending_size = 0;
    source->taking = false;
}
