/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sn_pub.h"

#include "cli/client_source.h"
#include "cli/sn_session.h"

#include "base/list.h"

#include <stdio.h>

struct sn_pub {
    struct sn_session session;
    struct client_source source;
    size_t topic;  /* the one that gets the message next */
    bool sending;  /* the gateway has not answered yet */
    bool has_line; /* of a source of lines */
    struct nj_bytes line;
    int status;
};

static struct sn_pub *pub_of(struct sn_session *session)
{
    return container_of(session, struct sn_pub, session);
}

/* The message to send now; false: there is none yet, or no more. */
static bool current(struct sn_pub *pub, struct nj_bytes *payload)
{
    if (!pub->source.lines) {
        *payload = pub->source.whole;
        return true;
    }
    if (!pub->has_line)
        pub->has_line = client_source_line(&pub->source, &pub->line);
    *payload = pub->line;
    return pub->has_line;
}

/* All topics have the message. */
static void take_next(struct sn_pub *pub)
{
    pub->topic = 0;
    if (!pub->source.lines) {
        sn_session_end(&pub->session, pub->status);
        return;
    }
    client_source_take(&pub->source, pub->line);
    pub->has_line = false;
}

static void send_next(struct sn_pub *pub)
{
    const struct sn_options *options = pub->session.options;
    struct nj_bytes payload;
    enum nj_error error;

    if (pub->sending || !current(pub, &payload))
        return;
    error = nj_sn_publish(&pub->session.sn, &options->wanted[pub->topic], payload,
            (int)options->qos, options->retain, pub->session.now_ms);
    pub->sending = error == NJ_OK;
    if (error != NJ_OK && error != NJ_LATER) {
        sn_complain("PUBLISH", nj_error_text(error));
        sn_session_end(&pub->session, SN_STATUS_BAD);
    }
}

static void connected(struct sn_session *session)
{
    (void)session; /* The work begins, or a message that was under way goes on. */
}

static void done(struct sn_session *session, const struct nj_sn_event *event)
{
    struct sn_pub *pub = pub_of(session);

    pub->sending = false;
    if (event->code != NJ_SN_ACCEPTED) {
        sn_complain_of_code("PUBLISH", event->code);
        pub->status = event->code;
    }
    if (++pub->topic == session->options->wanted_count)
        take_next(pub);
}

static void message_came(struct sn_session *session, const struct nj_sn_event *event)
{
    (void)session; /* Of a session that was there before; it is acknowledged. */
    (void)event;
}

static void asleep(struct sn_session *session)
{
    (void)session;
}

static int64_t work(struct sn_session *session, bool readable)
{
    struct sn_pub *pub = pub_of(session);
    struct nj_bytes line;
    bool has_more;

    if (readable && session->input >= 0 && !client_source_read(&pub->source)) {
        sn_complain("standard input", "it cannot be read");
        pub->status = SN_STATUS_BAD;
    }
    if (session->connected || !session->connects)
        send_next(pub);
    has_more = pub->source.lines && client_source_line(&pub->source, &line);
    /* Read no further than one chunk ahead of what is sent. */
    session->input = pub->source.lines && !pub->source.ended && !has_more ? pub->source.fd : -1;
    if (pub->source.lines && pub->source.ended && !has_more && !pub->sending)
        sn_session_end(session, pub->status);
    return SN_NEVER_MS;
}

/* As the source wants it said. */
static struct client_options source_options(const struct sn_options *options)
{
    if (options->file)
        return (struct client_options){ .payload = CLIENT_PAYLOAD_FILE,
            .payload_text = options->file };
    if (options->message)
        return (struct client_options){ .payload = CLIENT_PAYLOAD_TEXT,
            .payload_text = options->message };
    if (options->lines)
        return (struct client_options){ .payload = CLIENT_PAYLOAD_STDIN_LINES };
    return (struct client_options){ .payload = options->whole_input ? CLIENT_PAYLOAD_STDIN
                                                                    : CLIENT_PAYLOAD_NULL };
}

int sn_pub_run(const struct sn_options *options)
{
    static const struct sn_hooks hooks = { connected, done, message_came, asleep, work };
    const struct client_options from = source_options(options);
    struct sn_pub pub = {
        .session = { .options = options,
                .hooks = &hooks,
                .input = -1,
                .connects = options->qos >= 0,
                .comes_again = options->keep_session },
    };
    int status = SN_STATUS_BAD;

    if (client_source_open(&pub.source, &from)) {
        if (pub.source.lines)
            pub.session.input = pub.source.fd;
        status = sn_session_run(&pub.session);
    }
    client_source_close(&pub.source);
    return status;
}
