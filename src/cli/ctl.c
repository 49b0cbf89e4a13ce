/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ctl.h"

#include "cli/ctl_show.h"
#include "cli/ctl_socket.h"
#include "cli/ctl_store.h"
#include "cli/options.h"

#include "base/nearest.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_NO = 1,
    EXIT_USAGE = 2,
    EXIT_NO_SERVER = 3,
    WORDS_MAX = 5, /* the command and what it is about */
    PAGE_ROWS = 1000,
    LIMIT_MAX = 100000000,
    PORT_MAX = 65535,
};

struct ctl_line {
    const char *words[WORDS_MAX];
    const char *socket;
    const char *id;
    const char *user;
    const char *address;
    const char *topic;
    const char *reason;
    int64_t listener; /* 0: not given */
    int64_t limit;
    bool connected;
    bool json;
    bool help;
};

#define FIELD(member) offsetof(struct ctl_line, member)

static const struct option rows[] = {
    { "socket", 's', OPTION_TEXT, FIELD(socket), 0, 0, "path",
            "the server's control socket; default: the usual places" },
    { "json", 'j', OPTION_SWITCH, FIELD(json), 0, 0, NULL,
            "print the answer as it comes, an object in a line" },
    { "id", 'i', OPTION_TEXT, FIELD(id), 0, 0, "pattern",
            "clients with such an id; * is any text, ? one byte" },
    { "user", 'u', OPTION_TEXT, FIELD(user), 0, 0, "name", "clients with this user name" },
    { "address", 'a', OPTION_TEXT, FIELD(address), 0, 0, "network",
            "clients that come from there, as 10.0.0.0/8" },
    { "listener", 'l', OPTION_NUMBER, FIELD(listener), 1, PORT_MAX, "port",
            "clients of, or the rules of, this listener" },
    { "connected", 'c', OPTION_SWITCH, FIELD(connected), 0, 0, NULL, "those connected now" },
    { "topic", 't', OPTION_TEXT, FIELD(topic), 0, 0, "topic",
            "subscriptions that a message to this topic matches" },
    { "limit", 'n', OPTION_NUMBER, FIELD(limit), 1, LIMIT_MAX, "n", "so many rows and no more" },
    { "reason", 'r', OPTION_TEXT, FIELD(reason), 0, 0, "text", "what the client is told" },
    { "help", 'h', OPTION_SWITCH, FIELD(help), 0, 0, NULL, "print this" },
};

static const struct options options = {
    .command = "nightjar ctl",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .argument = FIELD(words),
    .argument_max = WORDS_MAX,
    .arguments = "a word too many",
};

const struct options *ctl_option_table(void)
{
    return &options;
}

/* ---- The commands ---- */

struct ctl_command {
    const char *name;
    const char *arguments[WORDS_MAX]; /* the members that its words become */
    size_t words_min;
    const char *options; /* the letters of those that it takes, besides s, j and h */
    bool sizes_pages;    /* of what it lists, pages can be smaller than they are by themselves */
    const char *list;    /* what it lists, page by page; NULL: nothing */
    void (*show_page)(const json_t *rows, bool first);
    void (*show)(const json_t *answer);
    bool (*is_yes)(const json_t *answer);         /* NULL: always */
    int (*run)(const json_t *request, bool json); /* without a server; NULL: it is asked */
    const char *usage;
    const char *help;
};

static bool has_client(const json_t *answer)
{
    return json_is_object(json_object_get(answer, "client"));
}

static bool was_kicked(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "kicked"));
}

static bool was_lifted(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "lifted"));
}

static bool is_allowed(const json_t *answer)
{
    const json_t *rows_told = json_object_get(answer, "decisions");
    bool allowed = json_array_size(rows_told) > 0;

    for (size_t i = 0; i < json_array_size(rows_told); i++)
        allowed &= json_is_true(json_object_get(json_array_get(rows_told, i), "allowed"));
    return allowed;
}

static bool was_applied(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "applied"));
}

static bool is_same(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "usable")) &&
            json_array_size(json_object_get(answer, "differences")) == 0;
}

static const struct ctl_command commands[] = {
    { "status", .options = "", .show = ctl_show_status, .usage = "",
            .help = "what the server is and does" },
    { "clients", .options = "iualcn", .list = "clients", .sizes_pages = true,
            .show_page = ctl_show_clients,
            .usage = "[-c] [-i pattern] [-u name] [-a network] [-l port] [-n n]",
            .help = "who is there; all or some" },
    { "client", { "id" }, 1, .options = "", .show = ctl_show_client, .is_yes = has_client,
            .usage = "id", .help = "all about one, also what became of its messages" },
    { "kick", { "id" }, 1, .options = "r", .show = ctl_show_kick, .is_yes = was_kicked,
            .usage = "id [-r text]", .help = "end a client's connection" },
    { "subscriptions", .options = "iuctn", .list = "subscriptions", .sizes_pages = true,
            .show_page = ctl_show_subscriptions,
            .usage = "[-c] [-i pattern] [-u name] [-t topic] [-n n]",
            .help = "who has subscribed to what" },
    { "explain", { "user", "client", "action", "topic" }, 4, .options = "l",
            .show = ctl_show_explain, .is_yes = is_allowed,
            .usage = "user client read|write|subscribe topic [-l port]",
            .help = "which rule allows or denies it; user - for none" },
    { "bans", .options = "", .list = "bans", .show_page = ctl_show_bans, .usage = "",
            .help = "addresses with wrong logins, and which are banned for them" },
    { "unban", { "address" }, 1, .options = "", .show = ctl_show_unban, .is_yes = was_lifted,
            .usage = "address", .help = "let an address in again, and forget its wrong logins" },
    { "reload", .options = "", .show = ctl_show_reload, .is_yes = was_applied, .usage = "",
            .help = "read the configuration again, as SIGHUP does, and wait" },
    { "diff", { "file" }, 0, .options = "", .show = ctl_show_diff, .is_yes = is_same,
            .usage = "[file]", .help = "what a reload, or this file, would change" },
    { "checkpoint", .options = "", .show = ctl_show_checkpoint, .usage = "",
            .help = "move what is in the log to the archive now, as SIGUSR1 does" },
    { "store", { "action", "directory", "to" }, 2, .options = "", .run = ctl_store,
            .usage = "check|dump|salvage directory [to]",
            .help = "look after the data directory of a server that is stopped" },
};

static const struct ctl_command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

const char *ctl_command_name(size_t index)
{
    return index < sizeof(commands) / sizeof(commands[0]) ? commands[index].name : NULL;
}

static void help(void)
{
    puts("Usage: nightjar ctl [options] command ...\n"
         "\n"
         "Asks or steers a running server of this machine: the one whose control socket is at\n"
         "/run/nightjar/control.sock, or below $XDG_RUNTIME_DIR, as status says. To ask a second\n"
         "server, let its configuration name a control_socket, and name the same by --socket.\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        printf("  %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].help);
    putchar('\n');
    options_help(&options);
    puts("\nExit status: 0; 1 when the answer is no: there is no such client, it is denied, a\n"
         "reload failed, something differs; 2 when the command line is wrong; 3 when no server\n"
         "answers.");
}

/* ---- The request ---- */

static int complain(const char *word, const char *what)
{
    fprintf(stderr, "nightjar ctl: %s: %s; see nightjar ctl --help\n", word, what);
    return -EINVAL;
}

static void complain_of_command(const char *word)
{
    struct nearest nearest = nearest_to(bytes_of_text(word));

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        nearest_offer(&nearest, commands[i].name);
    if (nearest.name)
        fprintf(stderr,
                "nightjar ctl: %s: no such command; did you mean %s? See nightjar ctl --help\n",
                word, nearest.name);
    else
        complain(word, "no such command");
}

static bool is_given(const struct ctl_line *line, const struct option *row)
{
    const void *field = (const uint8_t *)line + row->offset;

    switch (row->kind) {
    case OPTION_TEXT:
        return *(const char *const *)field != NULL;
    case OPTION_SWITCH:
        return *(const bool *)field;
    case OPTION_NUMBER:
    case OPTION_PAIR:
    case OPTION_COUNT:
    case OPTION_VERSION:
        return *(const int64_t *)field != 0;
    case OPTION_LIST: /* none of ours is one */
        break;
    }
    return false;
}

static json_t *value_of(const struct ctl_line *line, const struct option *row)
{
    const void *field = (const uint8_t *)line + row->offset;

    if (row->kind == OPTION_TEXT)
        return json_string(*(const char *const *)field);
    return row->kind == OPTION_SWITCH ? json_true() : json_integer(*(const int64_t *)field);
}

/* Options that the command does not take are wrong; the others are members of the request. */
static int add_options(
        json_t *request, const struct ctl_command *command, const struct ctl_line *line)
{
    for (size_t i = 0; i < options.count; i++) {
        const struct option *row = &rows[i];

        if (strchr("sjhn", row->letter) || !is_given(line, row))
            continue;
        if (!strchr(command->options, row->letter))
            return complain(row->name, "is no option of this command");
        if (json_object_set_new(request, row->name, value_of(line, row)) < 0)
            return complain(row->name, "is not valid UTF-8");
    }
    if (line->limit > 0 && !command->sizes_pages)
        return complain("limit", "is no option of this command");
    return 0;
}

static int add_words(
        json_t *request, const struct ctl_command *command, const struct ctl_line *line)
{
    for (size_t i = 0; i + 1 < WORDS_MAX; i++) {
        const char *word = line->words[i + 1];
        const char *name = command->arguments[i];
        bool is_nobody = word && name && strcmp(name, "user") == 0 && strcmp(word, "-") == 0;

        if (word && !name)
            return complain(word, "a word too many");
        if (!word && i < command->words_min)
            return complain(name, "is missing");
        if (word && json_object_set_new(request, name, json_string(is_nobody ? "" : word)) < 0)
            return complain(name, "is not valid UTF-8");
    }
    return 0;
}

/* ---- Answers ---- */

/* Asks once. Returns the inside of a good answer, for json_decref(); else NULL and a status. */
static json_t *ask(int fd, const json_t *request, bool raw, int *status)
{
    json_t *answer = ctl_ask(fd, request, raw);
    json_t *inside = NULL;

    if (!answer) {
        *status = EXIT_NO_SERVER;
    } else if (json_is_true(json_object_get(answer, "ok"))) {
        inside = json_incref(json_object_get(answer, "answer"));
    } else {
        const char *problem = json_string_value(json_object_get(answer, "problem"));

        *status = EXIT_USAGE;
        if (!raw)
            fprintf(stderr, "nightjar ctl: %s\n", problem ? problem : "an unknown answer");
    }
    json_decref(answer);
    return inside;
}

static int run_once(
        int fd, const struct ctl_command *command, const struct ctl_line *line, json_t *request)
{
    int status = 0;
    json_t *answer = ask(fd, request, line->json, &status);

    if (!answer)
        return status;
    if (!line->json)
        command->show(answer);
    status = !command->is_yes || command->is_yes(answer) ? 0 : EXIT_NO;
    json_decref(answer);
    return status;
}

/* Asks page by page until all is listed or the limit is met. */
static int run_list(
        int fd, const struct ctl_command *command, const struct ctl_line *line, json_t *request)
{
    int64_t left = line->limit > 0 ? line->limit : LIMIT_MAX;
    bool more = true;
    int status = 0;

    for (bool first = true; more && left > 0; first = false) {
        json_t *answer;
        json_t *next;

        if (command->sizes_pages)
            json_object_set_new(
                    request, "limit", json_integer(left < PAGE_ROWS ? left : PAGE_ROWS));
        answer = ask(fd, request, line->json, &status);
        if (!answer)
            return status;
        if (!line->json)
            command->show_page(json_object_get(answer, command->list), first);
        left -= (int64_t)json_array_size(json_object_get(answer, command->list));
        next = json_object_get(answer, "next");
        more = !json_is_null(next);
        if (more)
            json_object_set(request, "after", next);
        json_decref(answer);
    }
    return status;
}

static int run(const struct ctl_command *command, const struct ctl_line *line, json_t *request)
{
    int fd;
    int status;

    if (command->run)
        return command->run(request, line->json);
    fd = ctl_connect(line->socket);
    if (fd < 0)
        return EXIT_NO_SERVER;
    status = command->list ? run_list(fd, command, line, request)
                           : run_once(fd, command, line, request);
    close(fd);
    return status;
}

int ctl_main(int argc, char **argv)
{
    struct ctl_line line = { 0 };
    const struct ctl_command *command;
    json_t *request;
    int status = EXIT_USAGE;

    if (options_read(&options, &line, argc, argv) < 0)
        return EXIT_USAGE;
    if (line.help) {
        help();
        return 0;
    }
    command = line.words[0] ? find_command(line.words[0]) : NULL;
    if (!command) {
        if (line.words[0])
            complain_of_command(line.words[0]);
        else
            complain("command", "is missing");
        return EXIT_USAGE;
    }
    request = json_pack("{s:s}", "command", command->name);
    if (request && add_words(request, command, &line) == 0 &&
            add_options(request, command, &line) == 0)
        status = run(command, &line, request);
    json_decref(request);
    return status;
}
