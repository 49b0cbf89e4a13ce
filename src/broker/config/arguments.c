/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/arguments.h"

#include "base/nearest.h"

#include <errno.h>
#include <stdlib.h>

enum { PROBLEM_SIZE = ARGUMENTS_PROBLEM_MAX + 1 };

/* One option of the command line. It sets a flag or the action, or takes the words after it. */
struct argument {
    const char *letter; /* may be NULL */
    const char *name;
    size_t flag; /* offset of a bool; 0: none */
    enum arguments_action action;
    const char *wants; /* what the words after it are; NULL: none */
    int words;         /* how many; 0 stands for 1 */
    int (*take)(struct arguments *arguments, char *const words[], char *problem);
};

static int take_file(struct arguments *arguments, char *const words[], char *problem)
{
    (void)problem;
    arguments->config_file = words[0];
    return 0;
}

/* Reads the value of a key. Returns the port, or -EINVAL. */
static int read_port(const char *key, const char *value, char *problem)
{
    char *end;
    long port = strtol(value, &end, 10);

    if (end != value && !*end && port >= 1 && port <= UINT16_MAX)
        return (int)port;
    snprintf(problem, PROBLEM_SIZE, "Error: %s %s is not a port; give a number, 1 to 65535.", key,
            value);
    return -EINVAL;
}

static int take_port(struct arguments *arguments, char *const words[], char *problem)
{
    int port = read_port("-p", words[0], problem);

    if (port < 0)
        return port;
    if (arguments->port_count == CONFIG_PORTS_MAX) {
        snprintf(problem, PROBLEM_SIZE,
                "Error: more than %d ports; write listeners to a file and give it with -c.",
                CONFIG_PORTS_MAX);
        return -EINVAL;
    }
    arguments->ports[arguments->port_count++] = (uint16_t)port;
    return 0;
}

static int take_listener(struct arguments *arguments, char *const words[], char *problem)
{
    arguments->explain.port = read_port("--listener", words[0], problem);
    return arguments->explain.port < 0 ? -EINVAL : 0;
}

static int take_explain(struct arguments *arguments, char *const words[], char *problem)
{
    static const char *const actions[] = { "read", "write", "subscribe" };

    arguments->explain.user = words[0];
    arguments->explain.client = words[1];
    arguments->explain.action = words[2];
    arguments->explain.topic = words[3];
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(words[2], actions[i]) == 0)
            return 0;
    }
    snprintf(problem, PROBLEM_SIZE,
            "Error: --explain: %s is no action; say read, write or subscribe.", words[2]);
    return -EINVAL;
}

static int take_diff(struct arguments *arguments, char *const words[], char *problem)
{
    (void)problem;
    arguments->other_file = words[0];
    return 0;
}

static int take_keylog(struct arguments *arguments, char *const words[], char *problem)
{
    (void)arguments;
    (void)words;
    snprintf(problem, PROBLEM_SIZE, "Error: --tls-keylog is not there yet; remove it.");
    return -EINVAL;
}

static const struct argument known[] = {
    { "-c", "--config-file", .wants = "a file", .take = take_file },
    { "-d", "--daemon", .flag = offsetof(struct arguments, daemon) },
    { "-h", "--help", .action = ARGUMENTS_HELP },
    { "-p", "--port", .wants = "a port", .take = take_port },
    { "-q", "--quiet", .flag = offsetof(struct arguments, quiet) },
    { "-v", "--verbose", .flag = offsetof(struct arguments, verbose) },
    { NULL, "--diff", .action = ARGUMENTS_DIFF, .wants = "a file", .take = take_diff },
    { NULL, "--explain", .action = ARGUMENTS_EXPLAIN,
            .wants = "a user, a client id, read, write or "
                     "subscribe, and a topic",
            .words = 4, .take = take_explain },
    { NULL, "--listener", .wants = "a port", .take = take_listener },
    { NULL, "--test-config", .action = ARGUMENTS_TEST_CONFIG },
    { NULL, "--tls-keylog", .wants = "a file", .take = take_keylog },
    { NULL, "--version", .action = ARGUMENTS_VERSION },
};

static int complain_of(const char *word, char *problem)
{
    struct nearest nearest = nearest_to(bytes_of_text(word));
    const char *name;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        nearest_offer(&nearest, known[i].name);
    name = nearest.name;
    snprintf(problem, PROBLEM_SIZE,
            "Error: Unknown option '%s'; %s%s%snightjar --help lists those that are known.", word,
            name ? "did you mean " : "", name ? name : "", name ? "? " : "");
    return -EINVAL;
}

static const struct argument *find(const char *word)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if ((known[i].letter && strcmp(word, known[i].letter) == 0) ||
                strcmp(word, known[i].name) == 0)
            return &known[i];
    }
    return NULL;
}

/* Does what argv[i] says; gives the index of the last word used, or -EINVAL. */
static int read_one(struct arguments *arguments, int i, int argc, char *const argv[], char *problem)
{
    const struct argument *argument = find(argv[i]);
    int words = argument && argument->words > 0 ? argument->words : 1;

    if (!argument)
        return complain_of(argv[i], problem);
    if (argument->flag > 0)
        *(bool *)((char *)arguments + argument->flag) = true;
    if (argument->action != ARGUMENTS_RUN)
        arguments->action = argument->action;
    if (!argument->wants)
        return i;
    if (argc - i <= words) {
        snprintf(problem, PROBLEM_SIZE, "Error: %s argument given, but not followed by %s.",
                argv[i], argument->wants);
        return -EINVAL;
    }
    return argument->take(arguments, argv + i + 1, problem) < 0 ? -EINVAL : i + words;
}

int arguments_read(struct arguments *out, int argc, char *const argv[], char *problem)
{
    struct arguments arguments = { .action = ARGUMENTS_RUN };

    /* What comes after a call for help does not matter. */
    for (int i = 1;
            i < argc && arguments.action != ARGUMENTS_HELP && arguments.action != ARGUMENTS_VERSION;
            i++) {
        i = read_one(&arguments, i, argc, argv, problem);
        if (i < 0)
            return i;
    }
    *out = arguments;
    return 0;
}

struct config_request arguments_request(const struct arguments *arguments)
{
    return (struct config_request){
        .file = arguments->config_file,
        .ports = arguments->ports,
        .port_count = arguments->port_count,
        .verbose = arguments->verbose,
        .quiet = arguments->quiet,
    };
}

void arguments_help(FILE *out)
{
    fputs("Nightjar is an MQTT 3.1, 3.1.1 and 5.0 server that reads a mosquitto.conf.\n"
          "\n"
          "Usage: nightjar [-c FILE] [-d] [-p PORT] [-q | -v]\n"
          "       nightjar passwd ...   set users' passwords; see nightjar passwd -h\n"
          "       nightjar ctl ...      ask or steer a running server; see nightjar ctl --help\n"
          "       nightjar bench ...    measure this or another server; see nightjar bench --help\n"
          "       nightjar check ...    put this or another server to the standards, statement by\n"
          "                             statement; see nightjar check --help\n"
          "       nightjar pub | sub | rr | shell | record | replay ...\n"
          "                             be a client; see --help of each\n"
          "       nightjar sn pub | sn sub ...\n"
          "                             be one of MQTT-SN\n"
          "       nightjar decode ...   tell packets in words; see nightjar decode --help\n"
          "       nightjar import ...   bring what Mosquitto has kept; see nightjar import --help\n"
          "       nightjar completion bash | zsh | fish\n"
          "                             let a shell complete all this\n"
          "\n"
          " -c, --config-file FILE  read the configuration from FILE\n"
          " -d, --daemon            go to the background after starting\n"
          " -h, --help              print this\n"
          " -p, --port PORT         listen on PORT of this machine only, up to 10 times; not used\n"
          "                         where the configuration file opens a listener\n"
          " -q, --quiet             log nothing, whatever the file or -v say\n"
          " -v, --verbose           log everything, whatever the file says\n"
          "     --diff FILE         print what FILE would change against -c, and end\n"
          "     --explain USER CLIENT read|write|subscribe TOPIC\n"
          "                         print which rule decides whether that is allowed, and end;\n"
          "                         USER is - for none\n"
          "     --listener PORT     with --explain, on the listener of that port only\n"
          "     --test-config       check the configuration, print what it amounts to, and end\n"
          "     --tls-keylog FILE   not there yet\n"
          "     --version           print the version\n"
          "\n"
          "Without -c it serves this machine only, on port 1883.\n"
          "Signals: HUP reads the configuration again, USR2 lists subscriptions in the log,\n"
          "RTMIN opens the log file anew, INT and TERM end the server.\n"
          "Exit status: 0; 1 when it cannot start, for what is denied, and for differences; 3\n"
          "when the command line or a file is wrong.\n",
            out);
}
