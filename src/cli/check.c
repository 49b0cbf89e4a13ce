/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check.h"

#include "base/bytes.h"
#include "check/report.h"
#include "check/socket.h"
#include "check/survey.h"
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_SERVER = 3,
    HOST_SIZE = 256,
    ADDRESSES_MAX = 8,
    PORT_DEFAULT = 1883,
    WINDOW_MS_MAX = 500, /* cases about time take a window for less than a second */
    JOBS_DEFAULT = 16,
    LIMIT_S_DEFAULT = 300,
};

struct check_options {
    const char *server;
    int64_t version; /* 3, 4 or 5: an enum mqtt_version; 0: all of them */
    const char *only;
    const char *user;
    const char *password;
    const char *refused_id;
    const char *denied_topic;
    const char *websocket;
    int64_t connect_timeout_s;
    int64_t patience_ms;
    int64_t window_ms;
    int64_t jobs;
    int64_t limit_s;
    bool alone;
    bool failed;
    bool json;
    bool list;
    bool help;
};

#define FIELD(name) offsetof(struct check_options, name)

static const struct option rows[] = {
    { "version", 'V', OPTION_VERSION, FIELD(version), 0, 0, OPTION_VERSIONS,
            "only this version of MQTT; without it, all that the server speaks" },
    { "only", 'o', OPTION_TEXT, FIELD(only), 0, 0, "ID", "only this statement, or case by name" },
    { "failed", 0, OPTION_SWITCH, FIELD(failed), 0, 0, NULL, "print only what failed" },
    { "json", 0, OPTION_SWITCH, FIELD(json), 0, 0, NULL, "print one JSON object" },
    { "list", 0, OPTION_SWITCH, FIELD(list), 0, 0, NULL, "print the cases and their statements" },
    { "user", 'u', OPTION_TEXT, FIELD(user), 0, 0, "NAME", "the user name to log in with" },
    { "password", 'P', OPTION_TEXT, FIELD(password), 0, 0, "TEXT",
            "its password; a wrong one is tried too" },
    { "denied-topic", 0, OPTION_TEXT, FIELD(denied_topic), 0, 0, "TOPIC",
            "that the user may neither publish nor subscribe to" },
    { "refused-id", 0, OPTION_TEXT, FIELD(refused_id), 0, 0, "ID",
            "a client id that the server refuses" },
    { "connect-timeout", 0, OPTION_NUMBER, FIELD(connect_timeout_s), 1, 60, "S",
            "after which the server closes without a CONNECT" },
    { "websocket", 0, OPTION_TEXT, FIELD(websocket), 0, 0, "HOST:PORT",
            "the server's WebSocket listener; HOST:PORT/PATH if it has a path" },
    { "alone", 0, OPTION_SWITCH, FIELD(alone), 0, 0, NULL,
            "nobody else uses the server: try ids of one letter, too" },
    { "timeout", 0, OPTION_NUMBER, FIELD(patience_ms), 100, 60000, "MS",
            "how long to wait for an answer; 3000 without it" },
    { "window", 0, OPTION_NUMBER, FIELD(window_ms), 10, WINDOW_MS_MAX, "MS",
            "how long to wait where nothing may come; 300 without it" },
    { "jobs", 'j', OPTION_NUMBER, FIELD(jobs), 1, CAMPAIGN_JOBS_MAX, "N",
            "cases at once; 16 without it" },
    { "limit", 0, OPTION_NUMBER, FIELD(limit_s), 1, 86400, "S",
            "begin no case after that long; 300 without it" },
    { "help", 0, OPTION_SWITCH, FIELD(help), 0, 0, NULL, "print this" },
};

static const struct options options = {
    .command = "nightjar check",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .argument = FIELD(server),
    .arguments = "one server is enough",
};

const struct options *check_option_table(void)
{
    return &options;
}

/* ---- Addresses ---- */

/* A server's place, taken apart: "host", "host:1883", "::1", "[::1]:1883/path". */
struct place {
    char host[HOST_SIZE];
    uint16_t port;
    const char *path; /* from its '/', "" where there is none */
};

/* False where the text is no place. */
static bool read_place(struct place *out, const char *text, uint16_t port)
{
    bool bracket = *text == '[';
    size_t colon = strcspn(text, ":/");
    /* Two colons or more are an IPv6 address's own. */
    bool bare = !bracket && text[colon] == ':' &&
            text[colon + 1 + strcspn(text + colon + 1, ":/")] == ':';
    const char *from = text + bracket;
    size_t size = strcspn(from, bracket ? "]" : bare ? "/" : ":/");
    const char *rest = from + size + bracket;
    char *end;
    unsigned long number;

    if (size == 0 || size >= sizeof(out->host) || (bracket && from[size] != ']'))
        return false;
    snprintf(out->host, sizeof(out->host), "%.*s", (int)size, from);
    out->port = port;
    if (*rest == ':') {
        number = strtoul(rest + 1, &end, 10);
        if (!isdigit((unsigned char)rest[1]) || number == 0 || number > UINT16_MAX)
            return false;
        out->port = (uint16_t)number;
        rest = end;
    }
    out->path = rest;
    return *rest == '\0' || *rest == '/';
}

/* Its first address that something listens on. Returns 0, or EXIT_NO_SERVER and says why. */
static int find_place(struct address *out, const struct place *place)
{
    struct address found[ADDRESSES_MAX];
    int count = address_resolve(found, ADDRESSES_MAX, place->host, place->port, ADDRESS_ANY);
    int result = count;

    for (int i = 0; i < count; i++) {
        result = socket_try(&found[i]);
        if (result >= 0) {
            *out = found[i];
            return 0;
        }
    }
    fprintf(stderr, "nightjar check: cannot connect to %s port %u: %s\n", place->host, place->port,
            count == -ENOENT           ? "no such host"
                    : count == -EAGAIN ? "the name server does not answer"
                                       : strerror(-result));
    return EXIT_NO_SERVER;
}

static int complain(const char *what, const char *text)
{
    fprintf(stderr, "nightjar check: %s: %s; see nightjar check --help\n", text, what);
    return EXIT_USAGE;
}

/* ---- What the options mean ---- */

static uint8_t versions_of(int64_t version)
{
    if (version != 0)
        return (uint8_t)(1 << version);
    return 1 << MQTT_3_1 | 1 << MQTT_3_1_1 | 1 << MQTT_5_0;
}

/* Six letters and digits that no other run has. */
static int name_run(char name[7])
{
    static const char digits[33] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t drawn[4];

    if (getrandom(drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn))
        return -EIO;
    memcpy(name, "nc", 2);
    for (size_t i = 0; i < sizeof(drawn); i++)
        name[2 + i] = digits[drawn[i] % 32];
    name[6] = '\0';
    return 0;
}

static struct check_target target_of(const struct check_options *read, const struct place *place)
{
    struct check_target target;

    check_target_init(&target);
    target.user = read->user;
    target.password = read->password;
    target.refused_id = read->refused_id;
    target.denied_topic = read->denied_topic;
    target.alone = read->alone;
    target.connect_timeout_ms = (uint32_t)read->connect_timeout_s * 1000;
    target.host = place->host;
    if (read->user && read->password) {
        target.wrong_user = read->user;
        target.wrong_password = "nightjar check: wrong";
    }
    return target;
}

/* ---- The run ---- */

static enum report_form form_of(const struct check_options *read)
{
    return read->json ? REPORT_JSON : read->failed ? REPORT_FAILED : REPORT_ALL;
}

/* Whether the server was lost while it was checked. */
static bool was_lost(const struct campaign *campaign)
{
    for (size_t i = 0; i < campaign->count; i++) {
        if (campaign->entries[i].result.unreachable)
            return true;
    }
    return false;
}

/* The exit code, once all is printed. */
static int conclude(
        const struct campaign *campaign, const char *server, const struct report_sums *sums)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "nightjar check: the report could not be written: %s\n", strerror(errno));
        return EXIT_NO_SERVER;
    }
    if (was_lost(campaign)) {
        fprintf(stderr,
                "nightjar check: %s: the server was lost on the way; the cases that failed "
                "say when, and the rest was skipped\n",
                server);
        return EXIT_NO_SERVER;
    }
    return sums->failed > 0 ? EXIT_FAILED : 0;
}

/* An interrupt waits until what the cases have left at the server is cleared. */
static void hold_interrupts(sigset_t *before)
{
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, before);
}

static int run_cases(struct campaign *campaign, const struct campaign_options *chosen,
        const struct check_options *read, struct check_target *target, struct socket_doors *doors)
{
    struct wire wire = socket_wire(doors);
    struct report_sums sums = { 0 };
    char name[9];
    char *refusal;
    int result;

    if (read->patience_ms > 0)
        wire.patience_ms = read->patience_ms;
    if (read->window_ms > 0)
        wire.window_ms = read->window_ms;
    snprintf(name, sizeof(name), "%s77", chosen->name); /* the last two of 1,024 */
    refusal = check_survey(target, &wire, name);
    if (refusal) {
        fprintf(stderr,
                "nightjar check: %s: no version of MQTT works: no client is let in; does the "
                "server ask for --user and --password, or is this a port of TLS, of WebSocket or "
                "of something else? Only MQTT over TCP can be checked here.\n",
                read->server);
        free(refusal);
        return EXIT_NO_SERVER;
    }
    fprintf(stderr, "nightjar check: %s: %zu case%s; the report follows when the last is over\n",
            read->server, campaign->count, campaign->count == 1 ? "" : "s");
    result = campaign_run(campaign, chosen, target, &wire);
    if (result == 0)
        result = report_print(campaign, read->server, form_of(read), &sums);
    if (result < 0) {
        fprintf(stderr, "nightjar check: %s\n", strerror(-result));
        return EXIT_NO_SERVER;
    }
    return conclude(campaign, read->server, &sums);
}

static int open_doors(struct socket_doors *doors, struct check_target *target,
        const struct check_options *read, const struct place *place)
{
    struct place websocket;

    int code = find_place(&doors->plain, place);

    doors->websocket = (struct address){ 0 };
    if (code != 0 || !read->websocket)
        return code;
    if (!read_place(&websocket, read->websocket, PORT_DEFAULT))
        return complain("give HOST:PORT or HOST:PORT/PATH", read->websocket);
    target->websocket = *websocket.path ? websocket.path : "/";
    return find_place(&doors->websocket, &websocket);
}

/* Cases write these into texts between apostrophes. */
static bool holds_apostrophe(const struct check_options *read)
{
    const char *const texts[] = { read->denied_topic, read->refused_id, read->websocket };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i] && strchr(texts[i], '\''))
            return true;
    }
    return false;
}

static int check_server(const struct check_options *read)
{
    struct campaign_options chosen = { .only = read->only,
        .versions = versions_of(read->version),
        .jobs = (unsigned)read->jobs,
        .limit_ms = read->limit_s * 1000,
        .progress = isatty(STDERR_FILENO) };
    struct campaign campaign;
    struct check_target target;
    struct socket_doors doors;
    struct place place;
    sigset_t before;
    int code;

    if (!read_place(&place, read->server, PORT_DEFAULT) || *place.path)
        return complain("give HOST, HOST:PORT or [IPV6]:PORT, a port being 1 to 65535 and 1883 "
                        "without it",
                read->server);
    if (holds_apostrophe(read))
        return complain(
                "an apostrophe cannot be sent here", "--denied-topic, --refused-id or path");
    if (name_run(chosen.name) < 0)
        return complain("the system gives no random bytes", read->server);
    code = campaign_init(&campaign, &chosen);
    if (code == -ENOENT && read->only)
        return complain(read->version != 0
                        ? "no such statement or case of this version, --list names them"
                        : "no such statement or case, --list names them",
                read->only);
    if (code < 0)
        return complain(strerror(-code), "the cases");
    target = target_of(read, &place);
    code = open_doors(&doors, &target, read, &place);
    if (code == 0) {
        hold_interrupts(&before);
        code = run_cases(&campaign, &chosen, read, &target, &doors);
        sigprocmask(SIG_SETMASK, &before, NULL); /* One that came ends the program here. */
    }
    campaign_deinit(&campaign);
    return code;
}

static void list_cases(void)
{
    for (size_t i = 0; check_chapters[i]; i++) {
        for (size_t j = 0; j < check_chapters[i]->count; j++) {
            const struct check_case *test = &check_chapters[i]->cases[j];

            printf("%s\t%s_%s\n", test->statements ? test->statements : "combination",
                    check_version_text(check_chapters[i]->version), test->name);
        }
    }
}

int check_main(int argc, char **argv)
{
    struct check_options read = { .jobs = JOBS_DEFAULT, .limit_s = LIMIT_S_DEFAULT };

    if (options_read(&options, &read, argc, argv) < 0)
        return EXIT_USAGE;
    if (read.help) {
        printf("nightjar check HOST[:PORT] [options]\n"
               "Puts an MQTT server to the standards, statement by statement.\n");
        options_help(&options);
        return 0;
    }
    if (read.list) {
        list_cases();
        return 0;
    }
    if (!read.server)
        return complain("name the server", "nothing to check");
    return check_server(&read);
}
