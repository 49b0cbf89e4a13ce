/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/shell.h"

#include "cli/client_output.h"
#include "cli/client_session.h"
#include "cli/client_source.h"
#include "cli/client_subscriptions.h"
#include "cli/editor.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct shell {
    struct client_session session;
    struct client_output output;
    struct client_source source; /* where the input is no terminal */
    struct editor *editor;       /* where it is one */
    int64_t qos;
    char *topics[SHELL_TOPICS_MAX]; /* that were named or have come, for completion */
    size_t topic_count;
    size_t awaited; /* answers; the input waits for them */
    bool closed;    /* there is no more input */
    bool settles;   /* all is said, and the answer to the last question is awaited */
};

static struct shell *shell_of(struct client_session *session)
{
    return container_of(session, struct shell, session);
}

static void remember(struct shell *shell, struct nj_bytes topic)
{
    char *copy;

    for (size_t i = 0; i < shell->topic_count; i++)
        if (strlen(shell->topics[i]) == topic.size &&
                memcmp(shell->topics[i], topic.data, topic.size) == 0)
            return;
    if (shell->topic_count == SHELL_TOPICS_MAX)
        return;
    copy = strndup((const char *)topic.data, topic.size);
    if (copy)
        shell->topics[shell->topic_count++] = copy;
}

/* ---- Commands; each gets what stands behind its name ---- */

static void tell(const struct shell *shell, enum nj_error error)
{
    (void)shell;
    if (error != NJ_OK)
        printf("%s\n", nj_error_text(error));
}

static void send_message(struct shell *shell, char *rest, bool retain)
{
    char *payload = strchr(rest, ' ');
    struct nj_message message = { .qos = (uint8_t)shell->qos, .retain = retain };
    enum nj_error error;

    if (payload)
        *payload++ = '\0';
    message.topic = nj_text(rest);
    message.payload = nj_text(payload);
    error = nj_link_send(shell->session.link, &message, 0);
    if (error == NJ_OK) {
        remember(shell, message.topic);
        shell->awaited++;
    }
    tell(shell, error);
}

static void run_pub(struct shell *shell, char *rest)
{
    send_message(shell, rest, false);
}

static void run_retain(struct shell *shell, char *rest)
{
    send_message(shell, rest, true);
}

static void run_sub(struct shell *shell, char *rest)
{
    struct nj_subscription one = { .filter = nj_text(rest), .qos = (uint8_t)shell->qos };
    enum nj_error error = nj_link_subscribe(
            shell->session.link, &one, 1, nj_bytes_of(NULL, 0), CLIENT_SUBSCRIBED);

    shell->awaited += error == NJ_OK;
    tell(shell, error);
}

static void run_unsub(struct shell *shell, char *rest)
{
    struct nj_bytes filter = nj_text(rest);
    enum nj_error error = nj_link_unsubscribe(
            shell->session.link, &filter, 1, nj_bytes_of(NULL, 0), CLIENT_UNSUBSCRIBED);

    shell->awaited += error == NJ_OK;
    tell(shell, error);
}

static void run_qos(struct shell *shell, char *rest)
{
    if (strlen(rest) == 1 && rest[0] >= '0' && rest[0] <= '2')
        shell->qos = rest[0] - '0';
    else
        puts("give 0, 1 or 2");
}

static void run_topics(struct shell *shell, char *rest)
{
    (void)rest;
    for (size_t i = 0; i < shell->topic_count; i++)
        puts(shell->topics[i]);
}

static void run_quit(struct shell *shell, char *rest)
{
    (void)rest;
    if (shell->editor)
        client_session_end(&shell->session, CLIENT_STATUS_GOOD);
    shell->closed = true;
}

static void run_help(struct shell *shell, char *rest);

static const struct shell_command {
    const char *name;
    void (*run)(struct shell *shell, char *rest);
    const char *needs; /* what must stand behind it; NULL: nothing */
    const char *help;
} commands[] = {
    { "help", run_help, NULL, "print this" },
    { "pub", run_pub, "TOPIC [PAYLOAD]", "send a message" },
    { "qos", run_qos, "0|1|2", "quality of service of what follows" },
    { "quit", run_quit, NULL, "say goodbye" },
    { "retain", run_retain, "TOPIC [PAYLOAD]", "send a retained message; without payload, clear" },
    { "sub", run_sub, "FILTER", "subscribe" },
    { "topics", run_topics, NULL, "list topics that were sent or have come" },
    { "unsub", run_unsub, "FILTER", "unsubscribe" },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void run_help(struct shell *shell, char *rest)
{
    (void)shell;
    (void)rest;
    for (size_t i = 0; i < COMMANDS; i++)
        printf("%-6s %-16s %s\n", commands[i].name, commands[i].needs ? commands[i].needs : "",
                commands[i].help);
}

/* Runs a line; `line` is changed. */
static void run_line(struct shell *shell, char *line)
{
    char *name = line + strspn(line, " \t");
    size_t size = strcspn(name, " \t");
    char *rest = name + size + strspn(name + size, " \t");

    if (size == 0 || name[0] == '#')
        return;
    name[size] = '\0';
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (commands[i].needs && *rest == '\0')
            printf("%s %s: %s\n", name, commands[i].needs, commands[i].help);
        else
            commands[i].run(shell, rest);
        return;
    }
    printf("%s: no such command; help lists them\n", name);
}

/* ---- Input ---- */

static size_t candidates(
        void *context, const char *line, size_t size, const char *out[], size_t max)
{
    const struct shell *shell = (const struct shell *)context;
    size_t begin = size;
    size_t count = 0;
    bool first;

    while (begin > 0 && line[begin - 1] != ' ')
        begin--;
    first = begin == 0;
    for (size_t i = 0; i < (first ? COMMANDS : shell->topic_count) && count < max; i++) {
        const char *word = first ? commands[i].name : shell->topics[i];

        if (strncmp(word, line + begin, size - begin) == 0)
            out[count++] = word;
    }
    return count;
}

static void take_typed(struct shell *shell)
{
    const char *line;
    char *copy;

    switch (editor_take(shell->editor, &line)) {
    case EDITOR_MORE:
        break;
    case EDITOR_END:
        shell->closed = true;
        break;
    case EDITOR_LINE:
        editor_hide(shell->editor);
        copy = strdup(line);
        if (copy)
            run_line(shell, copy);
        free(copy);
        editor_show(shell->editor);
        break;
    }
}

/* Lines of another input run one after the other: each when the server has answered the one
 * before. */
static void take_lines(struct shell *shell)
{
    struct nj_bytes line;

    while (!shell->closed && shell->awaited == 0 && client_source_line(&shell->source, &line)) {
        char *copy = strndup((const char *)line.data, line.size);

        client_source_take(&shell->source, line);
        if (copy)
            run_line(shell, copy);
        free(copy);
        fflush(stdout);
    }
    shell->closed |= shell->source.ended && !client_source_line(&shell->source, &line);
}

/*
 * There is no more input, and all that was asked is answered. What was published with QoS 0 may
 * still be on its way to the server, and messages of it on theirs; a server answers in order, so
 * they are there when it has answered one question more. A person sees what has come.
 */
static void settle(struct shell *shell)
{
    struct nj_bytes filter = nj_text("nightjar/shell/end"); /* which nobody has subscribed */

    if (shell->editor || shell->settles ||
            nj_link_unsubscribe(shell->session.link, &filter, 1, nj_bytes_of(NULL, 0),
                    CLIENT_UNSUBSCRIBED) != NJ_OK) {
        client_session_end(&shell->session, CLIENT_STATUS_GOOD);
        return;
    }
    shell->settles = true;
    shell->awaited++;
}

static int64_t work(struct client_session *session, int64_t now_us, bool readable)
{
    struct shell *shell = shell_of(session);
    struct nj_bytes ignored;

    (void)now_us;
    if (shell->editor && readable && session->connected)
        take_typed(shell);
    if (!shell->editor) {
        if (readable && session->input >= 0)
            client_source_read(&shell->source);
        if (session->connected)
            take_lines(shell);
    }
    session->input = STDIN_FILENO;
    if (!session->connected || shell->closed ||
            (!shell->editor && client_source_line(&shell->source, &ignored)))
        session->input = -1;
    if (shell->closed && shell->awaited == 0 && session->let_in)
        settle(shell);
    return CLIENT_NEVER_US;
}

/* ---- What comes ---- */

static void begin_news(struct shell *shell)
{
    if (shell->editor)
        editor_hide(shell->editor);
}

static void end_news(struct shell *shell)
{
    fflush(stdout);
    if (shell->editor)
        editor_show(shell->editor);
}

/* Nothing is read from the input meanwhile. */
static void lost(struct client_session *session, const char *text)
{
    begin_news(shell_of(session));
    client_session_complain(session, text);
    end_news(shell_of(session));
}

static void connected(struct client_session *session, bool first)
{
    if (first || session->options->quiet)
        return;
    begin_news(shell_of(session));
    fputs("It is connected again.\n", stderr);
    end_news(shell_of(session));
}

static void message_came(struct client_session *session, const struct nj_message *message)
{
    struct shell *shell = shell_of(session);

    remember(shell, message->topic);
    begin_news(shell);
    client_output_message(&shell->output, message);
    end_news(shell);
}

static void answered(struct client_session *session, uint64_t tag, struct nj_bytes codes)
{
    struct shell *shell = shell_of(session);

    if (shell->awaited > 0)
        shell->awaited--;
    if (tag != CLIENT_SUBSCRIBED || client_some_granted(codes) || codes.size == 0)
        return;
    begin_news(shell);
    printf("%s\n", nj_reason_text(*(const uint8_t *)codes.data));
    end_news(shell);
}

static void sent(struct client_session *session, uint64_t tag, enum nj_error error, uint8_t reason,
        struct nj_bytes properties)
{
    struct shell *shell = shell_of(session);

    (void)tag;
    (void)properties;
    if (shell->awaited > 0)
        shell->awaited--;
    if (error == NJ_OK)
        return;
    begin_news(shell);
    puts(error == NJ_REFUSED ? nj_reason_text(reason) : nj_error_text(error));
    end_news(shell);
}

/* ---- The command ---- */

/* "~/.nightjar_history", to be freed; NULL: there is no home. */
static char *history_path(void)
{
    const char *home = getenv("HOME");
    char *path = NULL;
    size_t size = 0;
    FILE *out = home ? open_memstream(&path, &size) : NULL;

    if (out) {
        fprintf(out, "%s/.nightjar_history", home);
        fclose(out);
    }
    return path;
}

static int run(const struct client_options *options, const struct client_tool *tool)
{
    static const struct client_hooks hooks = { connected, message_came, sent, answered, work,
        lost };
    struct client_options lines = { .payload = CLIENT_PAYLOAD_STDIN_LINES };
    struct shell *shell = (struct shell *)calloc(1, sizeof(*shell));
    char *path = history_path();
    int status = CLIENT_STATUS_BAD;

    if (shell) {
        shell->session = (struct client_session){
            .options = options, .tool = tool, .hooks = &hooks, .input = -1, .comes_again = true
        };
        shell->qos = options->qos;
        client_output_init(&shell->output, options);
        if (isatty(STDIN_FILENO))
            shell->editor = editor_open("nightjar> ", path, candidates, shell);
        client_source_open(&shell->source, &lines);
        status = client_session_run(&shell->session);
        editor_close(shell->editor);
        client_source_close(&shell->source);
        client_output_deinit(&shell->output);
        for (size_t i = 0; i < shell->topic_count; i++)
            free(shell->topics[i]);
    }
    free(shell);
    free(path);
    return status;
}

static const struct client_tool tool = { CLIENT_SHELL, "nightjar shell", NULL, "[OPTIONS]",
    "Takes commands for an MQTT server: help lists them.", 0 };

int shell_main(int argc, char **argv)
{
    return client_main(&tool, argc, argv, run);
}
