/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay.h"

#include "cli/client_recording.h"
#include "cli/client_session.h"

#include "base/list.h"
#include "loop/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { US_PER_MS = 1000, FULL_SPEED_PERMILLE = 1000, UNDER_WAY_MAX = 1000 };

struct replay {
    struct client_session session;
    struct recording recording;
    enum recording_result result; /* of the last message that was read */
    bool ready;                   /* that message is not sent yet */
    uint64_t given;
    uint64_t told;
    uint64_t refused;
    int64_t begin_us;
};

static struct replay *replay_of(struct client_session *session)
{
    return container_of(session, struct replay, session);
}

/* When the message that was read is due. */
static int64_t due_us(const struct replay *replay)
{
    int64_t permille = replay->session.options->speed_permille;

    if (permille == 0)
        return replay->begin_us;
    return replay->begin_us +
            (int64_t)((double)replay->recording.time_us * FULL_SPEED_PERMILLE / (double)permille);
}

static void read_next(struct replay *replay)
{
    if (replay->ready || replay->result != RECORDING_MESSAGE)
        return;
    replay->result = recording_next(&replay->recording);
    replay->ready = replay->result == RECORDING_MESSAGE;
}

/* Gives the message to the link. False: not now, or never. */
static bool send_one(struct replay *replay)
{
    struct nj_message message = replay->recording.message;
    enum nj_error error;

    if (replay->session.options->version < 5)
        message.properties = nj_bytes_of(NULL, 0);
    error = nj_link_send(replay->session.link, &message, replay->given);
    if (error == NJ_FULL || error == NJ_LATER || error == NJ_NOT_CONNECTED)
        return false;
    replay->ready = false;
    if (error == NJ_OK) {
        replay->given++;
        return true;
    }
    fprintf(stderr, "Error: line %zu: %s\n", replay->recording.number, nj_error_text(error));
    client_session_end(&replay->session, CLIENT_STATUS_BAD);
    return false;
}

static int64_t work(struct client_session *session, int64_t now_us, bool readable)
{
    struct replay *replay = replay_of(session);

    (void)readable;
    if (!session->connected)
        return CLIENT_NEVER_US;
    read_next(replay);
    while (replay->ready && now_us >= due_us(replay) &&
            replay->given - replay->told < UNDER_WAY_MAX && send_one(replay))
        read_next(replay);
    if (!replay->ready && replay->told == replay->given)
        client_session_end(session, CLIENT_STATUS_GOOD);
    return replay->ready && now_us < due_us(replay) ? due_us(replay) : CLIENT_NEVER_US;
}

static void connected(struct client_session *session, bool first)
{
    if (first)
        replay_of(session)->begin_us = clock_now_ns() / US_PER_MS;
}

static void sent(struct client_session *session, uint64_t tag, enum nj_error error, uint8_t reason,
        struct nj_bytes properties)
{
    struct replay *replay = replay_of(session);

    (void)tag;
    (void)properties;
    replay->told++;
    if (error == NJ_OK)
        return;
    replay->refused++;
    client_session_complain(
            session, error == NJ_REFUSED ? nj_reason_text(reason) : nj_error_text(error));
}

/* What is wrong with the file; NULL: nothing, so far as it was read. */
static const char *objection(enum recording_result result)
{
    switch (result) {
    case RECORDING_MESSAGE:
    case RECORDING_END:
        return NULL;
    case RECORDING_NONE:
        return "this is no recording; nightjar record makes one";
    case RECORDING_NEWER:
        return "this recording has a version that is not known here";
    case RECORDING_BROKEN:
        return "this line is no message";
    case RECORDING_FAILURE:
        break;
    }
    return "this line cannot be read, or is too long";
}

/* Plays it; what was read before it was found wrong is sent. */
static int play(struct replay *replay)
{
    const struct client_options *options = replay->session.options;
    const char *wrong;
    int status;

    read_next(replay); /* so that nobody connects for a file that is none */
    wrong = objection(replay->result);
    status = wrong ? CLIENT_STATUS_BAD : client_session_run(&replay->session);
    wrong = objection(replay->result);
    if (wrong) {
        fprintf(stderr, "Error: %s:%zu: %s\n", options->file, replay->recording.number, wrong);
        status = CLIENT_STATUS_BAD;
    }
    if (!options->quiet)
        fprintf(stderr, "%" PRIu64 " messages sent, %" PRIu64 " refused\n", replay->told,
                replay->refused);
    return status == CLIENT_STATUS_GOOD && replay->refused > 0 ? CLIENT_STATUS_BAD : status;
}

static int run(const struct client_options *options, const struct client_tool *tool)
{
    static const struct client_hooks hooks = { .connected = connected, .sent = sent, .work = work };
    bool from_stdin = strcmp(options->file, "-") == 0;
    struct replay replay = {
        .session = { .options = options,
                .tool = tool,
                .hooks = &hooks,
                .input = -1,
                .comes_again = true },
        .recording = { .in = from_stdin ? stdin : fopen(options->file, "r") },
        .result = RECORDING_MESSAGE,
    };
    int status;

    if (!replay.recording.in) {
        fprintf(stderr, "Error: %s: %s\n", options->file, strerror(errno));
        return CLIENT_STATUS_BAD;
    }
    status = play(&replay);
    recording_deinit(&replay.recording);
    if (!from_stdin)
        fclose(replay.recording.in);
    return status;
}

static const struct client_tool tool = { CLIENT_REPLAY, "nightjar replay", NULL,
    "FILE [--speed N] [OPTIONS]", "Publishes the messages of a recording again, at their times.",
    0 };

int replay_main(int argc, char **argv)
{
    return client_main(&tool, argc, argv, run);
}
