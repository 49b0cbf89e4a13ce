/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sub.h"

#include "cli/client_output.h"
#include "cli/client_session.h"
#include "cli/client_subscriptions.h"
#include "cli/client_tree.h"

#include "base/list.h"
#include "loop/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    US_PER_MS = 1000,
    US_PER_S = 1000000,
    TREE_QUIET_US = 500000, /* with no message for so long, all retained ones have come */
};

struct sub {
    struct client_session session;
    struct client_output output;
    struct client_tree tree;
    bool tree_full;
    bool over;      /* no more messages are wanted; what was sent must still be acknowledged */
    uint64_t shown; /* messages that were not left out */
    uint64_t retained;
    uint64_t bytes;
    uint64_t in_second; /* messages since `second_us` */
    size_t answers;     /* of SUBSCRIBE and UNSUBSCRIBE that are awaited */
    int64_t begin_us;
    int64_t second_us;
    int64_t last_us; /* when the last message came, or the subscriptions were granted */
};

static struct sub *sub_of(struct client_session *session)
{
    return container_of(session, struct sub, session);
}

static int64_t now_us(void)
{
    return clock_now_ns() / US_PER_MS;
}

/* ---- Subscribing ---- */

static void connected(struct client_session *session, bool first)
{
    struct sub *sub = sub_of(session);

    if (!first)
        return;
    sub->begin_us = now_us();
    sub->second_us = sub->begin_us;
    if (!client_subscribe(session, &sub->answers) || !client_unsubscribe(session, &sub->answers))
        client_session_end(session, CLIENT_STATUS_BAD);
}

static void answered(struct client_session *session, uint64_t tag, struct nj_bytes codes)
{
    struct sub *sub = sub_of(session);

    sub->last_us = now_us();
    if (sub->answers > 0)
        sub->answers--;
    if (tag == CLIENT_SUBSCRIBED && !client_some_granted(codes)) {
        if (!session->options->quiet)
            fputs("All subscription requests were denied.\n", stderr);
        client_session_end(session, CLIENT_STATUS_GOOD);
    }
    if (session->options->exit_after_subscribe && sub->answers == 0)
        client_session_end(session, CLIENT_STATUS_GOOD);
}

/* ---- Messages ---- */

static void clear_retained(struct client_session *session, const struct nj_message *message)
{
    struct nj_message empty = { .topic = message->topic, .qos = 1, .retain = true };
    enum nj_error error = nj_link_send(session->link, &empty, 0);

    if (error != NJ_OK)
        client_session_complain(session, nj_error_text(error));
}

static void show(struct sub *sub, const struct nj_message *message)
{
    const struct client_options *options = sub->session.options;

    sub->shown++;
    sub->in_second++;
    sub->retained += message->retain;
    sub->bytes += message->payload.size;
    if (options->tree)
        sub->tree_full |= !client_tree_add(&sub->tree, message);
    else if (!options->message_rate && !client_output_message(&sub->output, message))
        client_session_leave(&sub->session, CLIENT_STATUS_GOOD);
}

/* No more messages are wanted: ends at once, or when the server has taken what was sent. */
static void end_if_settled(struct sub *sub)
{
    sub->over = true;
    if (nj_link_pending(sub->session.link) == 0)
        client_session_end(&sub->session, CLIENT_STATUS_GOOD);
}

static void message_came(struct client_session *session, const struct nj_message *message)
{
    struct sub *sub = sub_of(session);
    const struct client_options *options = session->options;

    if (sub->over)
        return;
    sub->last_us = now_us();
    if ((options->retained_only || options->tree) && !message->retain) {
        end_if_settled(sub);
        return;
    }
    if (message->retain && options->fresh_only)
        return;
    if (client_matches_one(&options->filtered_out, message->topic))
        return;
    if (options->remove_retained && message->retain)
        clear_retained(session, message);
    show(sub, message);
    if (options->count > 0 && sub->shown == (uint64_t)options->count)
        end_if_settled(sub);
}

/* ---- The session's turns ---- */

static int64_t tell_rate(struct sub *sub, int64_t now)
{
    while (now >= sub->second_us + US_PER_S) {
        printf("%" PRIu64 " messages/s\n", sub->in_second);
        fflush(stdout);
        sub->in_second = 0;
        sub->second_us += US_PER_S;
    }
    return sub->second_us + US_PER_S;
}

static int64_t work(struct client_session *session, int64_t now, bool readable)
{
    struct sub *sub = sub_of(session);
    const struct client_options *options = session->options;

    (void)readable;
    if (options->tree && session->let_in && sub->answers == 0 &&
            now >= sub->last_us + TREE_QUIET_US)
        sub->over = true;
    if (sub->over)
        end_if_settled(sub);
    if (options->tree && session->let_in && sub->answers == 0)
        return sub->last_us + TREE_QUIET_US;
    if (options->message_rate && session->let_in)
        return tell_rate(sub, now);
    return CLIENT_NEVER_US;
}

static void sent(struct client_session *session, uint64_t tag, enum nj_error error, uint8_t reason,
        struct nj_bytes properties)
{
    (void)tag;
    (void)properties;
    if (error != NJ_OK)
        client_session_complain(
                session, error == NJ_REFUSED ? nj_reason_text(reason) : nj_error_text(error));
}

static void print_stats(const struct sub *sub)
{
    double seconds = (double)(now_us() - sub->begin_us) / US_PER_S;

    fprintf(stderr,
            "%" PRIu64 " messages, %" PRIu64 " retained, %" PRIu64 " bytes, %.3f s, %.0f "
            "messages/s\n",
            sub->shown, sub->retained, sub->bytes, seconds,
            seconds > 0 ? (double)sub->shown / seconds : 0);
}

static int run(const struct client_options *options, const struct client_tool *tool)
{
    static const struct client_hooks hooks = { connected, message_came, sent, answered, work };
    struct sub sub = {
        .session = { .options = options,
                .tool = tool,
                .hooks = &hooks,
                .input = -1,
                .comes_again = true },
    };
    int status;

    sub.begin_us = now_us();
    client_output_init(&sub.output, options);
    status = client_session_run(&sub.session);
    if (options->tree)
        client_tree_print(&sub.tree, stdout);
    if (sub.tree_full)
        client_session_complain(&sub.session, "There are more topics than the tree can hold.");
    if (options->stats)
        print_stats(&sub);
    client_tree_deinit(&sub.tree);
    client_output_deinit(&sub.output);
    return status;
}

#define USAGE "{-t FILTER... | -U FILTER...} [OPTIONS]"
#define PURPOSE "Prints the messages that an MQTT server sends for topic filters."

static const struct client_tool tools[] = {
    { CLIENT_SUB, "nightjar sub", "mosquitto_sub", USAGE, PURPOSE, 0 },
    { CLIENT_SUB, "mosquitto_sub", "mosquitto_sub", USAGE, PURPOSE, 1 },
};

int sub_main(int argc, char **argv)
{
    return client_main(&tools[0], argc, argv, run);
}

int mosquitto_sub_main(int argc, char **argv)
{
    return client_main(&tools[1], argc, argv, run);
}
