/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/record.h"

#include "cli/client_recording.h"
#include "cli/client_session.h"
#include "cli/client_subscriptions.h"

#include "base/list.h"
#include "loop/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { US_PER_MS = 1000 };

struct record {
    struct client_session session;
    FILE *file;
    uint64_t count;
    size_t answers;
    int64_t begin_us;
};

static struct record *record_of(struct client_session *session)
{
    return container_of(session, struct record, session);
}

static void connected(struct client_session *session, bool first)
{
    struct record *record = record_of(session);

    if (!first)
        return;
    record->begin_us = clock_now_ns() / US_PER_MS;
    if (!client_subscribe(session, &record->answers))
        client_session_end(session, CLIENT_STATUS_BAD);
}

/* The recording has a gap then. */
static void lost(struct client_session *session, const char *text)
{
    client_session_complain(session, text);
}

static void answered(struct client_session *session, uint64_t tag, struct nj_bytes codes)
{
    (void)tag;
    if (client_some_granted(codes))
        return;
    client_session_complain(session, "All subscription requests were denied.");
    client_session_end(session, CLIENT_STATUS_BAD);
}

static void message_came(struct client_session *session, const struct nj_message *message)
{
    struct record *record = record_of(session);
    const struct client_options *options = session->options;
    int64_t time_us = clock_now_ns() / US_PER_MS - record->begin_us;

    if (client_matches_one(&options->filtered_out, message->topic))
        return;
    if (!recording_write(record->file, message, time_us)) {
        client_session_complain(session, "The file cannot be written.");
        client_session_leave(session, CLIENT_STATUS_BAD);
        return;
    }
    record->count++;
    if (options->count > 0 && record->count == (uint64_t)options->count)
        client_session_end(session, CLIENT_STATUS_GOOD);
}

/* Who records for a time has what he wanted when it is over. */
static int status_of(int status)
{
    return status == CLIENT_STATUS_TIMED_OUT ? CLIENT_STATUS_GOOD : status;
}

static int run(const struct client_options *options, const struct client_tool *tool)
{
    static const struct client_hooks hooks = { connected, message_came, NULL, answered, NULL,
        lost };
    struct record record = {
        .session = { .options = options,
                .tool = tool,
                .hooks = &hooks,
                .input = -1,
                .comes_again = true },
    };
    bool to_stdout = strcmp(options->file, "-") == 0;
    int status;

    record.file = to_stdout ? stdout : fopen(options->file, "w");
    if (!record.file || !recording_begin(record.file)) {
        fprintf(stderr, "Error: %s: %s\n", options->file, strerror(errno));
        return CLIENT_STATUS_BAD;
    }
    status = status_of(client_session_run(&record.session));
    if (!to_stdout && fclose(record.file) != 0) {
        fprintf(stderr, "Error: %s: %s\n", options->file, strerror(errno));
        status = CLIENT_STATUS_BAD;
    }
    if (!options->quiet)
        fprintf(stderr, "%" PRIu64 " messages recorded\n", record.count);
    return status;
}

static const struct client_tool tool = { CLIENT_RECORD, "nightjar record", NULL,
    "FILE -t FILTER... [OPTIONS]",
    "Writes the messages of topic filters to a file, with their times and properties.", 0 };

int record_main(int argc, char **argv)
{
    return client_main(&tool, argc, argv, run);
}
