/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sn_sub.h"

#include "cli/client_format.h"
#include "cli/sn_session.h"

#include "base/list.h"

#include <stdio.h>
#include <time.h>

enum { MS_PER_S = 1000, TIME_TEXT_MAX = 32, ID_TEXT_MAX = 8 };

struct sn_sub {
    struct sn_session session;
    size_t asked; /* subscriptions that were answered in this connection */
    size_t granted;
    bool asking;
    uint8_t refusal;
    bool settled; /* all are answered */
    int64_t shown;
    int64_t wake_ms; /* when to call for messages; SN_NEVER_MS: we do not sleep */
};

static struct sn_sub *sub_of(struct sn_session *session)
{
    return container_of(session, struct sn_sub, session);
}

/* ---- Subscribing ---- */

static void connected(struct sn_session *session)
{
    struct sn_sub *sub = sub_of(session);

    sub->asked = sub->granted = 0;
    sub->asking = sub->settled = false;
    sub->wake_ms = SN_NEVER_MS;
}

static void subscribe_next(struct sn_sub *sub)
{
    const struct sn_options *options = sub->session.options;
    enum nj_error error;

    if (sub->asking || sub->asked == options->wanted_count)
        return;
    error = nj_sn_subscribe(&sub->session.sn, &options->wanted[sub->asked], (uint8_t)options->qos,
            sub->session.now_ms);
    sub->asking = error == NJ_OK;
    if (error != NJ_OK && error != NJ_LATER) {
        sn_complain("SUBSCRIBE", nj_error_text(error));
        sn_session_end(&sub->session, SN_STATUS_BAD);
    }
}

static void done(struct sn_session *session, const struct nj_sn_event *event)
{
    struct sn_sub *sub = sub_of(session);

    sub->asking = false;
    sub->asked++;
    sub->granted += event->code == NJ_SN_ACCEPTED;
    if (event->code != NJ_SN_ACCEPTED) {
        sn_complain_of_code("SUBSCRIBE", event->code);
        sub->refusal = event->code;
    }
    sub->settled = sub->asked == session->options->wanted_count;
    if (sub->settled && sub->granted == 0)
        sn_session_end(session, sub->refusal);
}

/* ---- Messages ---- */

/* What is shown of a topic: a predefined one's id, for its name only the gateway knows. */
static struct nj_bytes topic_text(const struct nj_sn_topic *topic, char id[ID_TEXT_MAX])
{
    if (topic->kind != NJ_SN_PREDEFINED)
        return topic->name;
    snprintf(id, ID_TEXT_MAX, "%04x", topic->id);
    return nj_text(id);
}

static void print_time(void)
{
    char text[TIME_TEXT_MAX];
    time_t now = time(NULL);
    struct tm parts;

    if (localtime_r(&now, &parts) && strftime(text, sizeof(text), "%F %T ", &parts) > 0)
        fputs(text, stdout);
}

static void print_formatted(
        const char *format, const struct nj_sn_event *event, struct nj_bytes topic)
{
    struct client_message shown = { .message = { .topic = topic,
                                            .payload = event->payload,
                                            .qos = event->qos,
                                            .retain = event->retain,
                                            .dup = event->dup } };

    clock_gettime(CLOCK_REALTIME, &shown.time);
    if (!client_format_print(stdout, format, &shown, false))
        sn_complain("%J", "the payload is no JSON");
}

static void message_came(struct sn_session *session, const struct nj_sn_event *event)
{
    struct sn_sub *sub = sub_of(session);
    const struct sn_options *options = session->options;
    char id[ID_TEXT_MAX];
    struct nj_bytes topic = topic_text(&event->topic, id);

    if (session->ending) {
        nj_sn_leave(&session->sn);
        return;
    }
    if (options->format) {
        print_formatted(options->format, event, topic);
    } else {
        if (options->timed)
            print_time();
        if (options->timed || options->verbose)
            printf("%.*s: ", (int)topic.size, (const char *)topic.data);
        fwrite(event->payload.data, 1, event->payload.size, stdout);
    }
    putchar('\n');
    fflush(stdout);
    if (ferror(stdout)) {
        nj_sn_leave(&session->sn);
        sn_session_end(session, SN_STATUS_BAD);
    }
    sub->shown++;
}

/* ---- Sleep ---- */

static void asleep(struct sn_session *session)
{
    struct sn_sub *sub = sub_of(session);

    sub->wake_ms = session->now_ms + session->options->nap_s * MS_PER_S;
}

static int64_t work(struct sn_session *session, bool readable)
{
    struct sn_sub *sub = sub_of(session);
    const struct sn_options *options = session->options;

    (void)readable;
    /* Not at once, so that the last message is acknowledged before. */
    if (options->count > 0 && sub->shown >= options->count)
        sn_session_end(session, SN_STATUS_GOOD);
    if (!session->connected || session->ending)
        return SN_NEVER_MS;
    subscribe_next(sub);
    /* Until it sleeps, and while it collects its messages, this is too early, and nothing. */
    if (sub->settled && options->nap_s > 0 && sub->wake_ms == SN_NEVER_MS)
        nj_sn_sleep(&session->sn, (uint16_t)options->nap_s, session->now_ms);
    if (sub->wake_ms <= session->now_ms && nj_sn_wake(&session->sn, session->now_ms) == NJ_OK)
        sub->wake_ms = SN_NEVER_MS;
    return sub->wake_ms;
}

int sn_sub_run(const struct sn_options *options)
{
    static const struct sn_hooks hooks = { connected, done, message_came, asleep, work };
    struct sn_sub sub = {
        .session = { .options = options,
                .hooks = &hooks,
                .input = -1,
                .connects = true,
                .comes_again = true },
        .wake_ms = SN_NEVER_MS,
    };

    return sn_session_run(&sub.session);
}
