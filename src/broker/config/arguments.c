/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/arguments.h"

#include <errno.h>
#include <stdlib.h>

enum { PROBLEM_SIZE = ARGUMENTS_PROBLEM_MAX + 1 };

/* One option of the command line. It sets a flag or the action, or takes the word after it. */
struct argument {
    const char *letter; /* may be NULL */
    const char *name;
    size_t flag; /* offset of a bool; 0: none */
    enum arguments_action action;
    const char *wants; /* what the word after it is; NULL: none */
    int (*take)(struct arguments *arguments, const char *value, char *problem);
};

static int take_file(struct arguments *arguments, const char *value, char *problem)
{
    (void)problem;
    arguments->config_file = value;
    return 0;
}

static int take_port(struct arguments *arguments, const char *value, char *problem)
{
    char *end;
    long port = strtol(value, &end, 10);

    if (end == value || *end || port < 1 || port > UINT16_MAX) {
        snprintf(problem, PROBLEM_SIZE, "Error: -p %s is not a port; give a number, 1 to 65535.",
                value);
        return -EINVAL;
    }
    if (arguments->port_count == CONFIG_PORTS_MAX) {
        snprintf(problem, PROBLEM_SIZE,
                "Error: more than %d ports; write listeners to a file and give it with -c.",
                CONFIG_PORTS_MAX);
        return -EINVAL;
    }
    arguments->ports[arguments->port_count++] = (uint16_t)port;
    return 0;
}

static int take_keylog(struct arguments *arguments, const char *value, char *problem)
{
    (void)arguments;
    (void)value;
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
    { NULL, "--test-config", .action = ARGUMENTS_TEST_CONFIG },
    { NULL, "--tls-keylog", .wants = "a file", .take = take_keylog },
    { NULL, "--version", .action = ARGUMENTS_VERSION },
};

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

    if (!argument) {
        snprintf(problem, PROBLEM_SIZE,
                "Error: Unknown option '%s'; nightjar --help lists those that are known.", argv[i]);
        return -EINVAL;
    }
    if (argument->flag > 0)
        *(bool *)((char *)arguments + argument->flag) = true;
    if (argument->action != ARGUMENTS_RUN)
        arguments->action = argument->action;
    if (!argument->wants)
        return i;
    if (i + 1 == argc) {
        snprintf(problem, PROBLEM_SIZE, "Error: %s argument given, but not followed by %s.",
                argv[i], argument->wants);
        return -EINVAL;
    }
    return argument->take(arguments, argv[i + 1], problem) < 0 ? -EINVAL : i + 1;
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
          "       nightjar bench ...    measure this or another server; see nightjar bench --help\n"
          "       nightjar check ...    put this or another server to the standards, statement by\n"
          "                             statement; see nightjar check --help\n"
          "\n"
          " -c, --config-file FILE  read the configuration from FILE\n"
          " -d, --daemon            go to the background after starting\n"
          " -h, --help              print this\n"
          " -p, --port PORT         listen on PORT of this machine only, up to 10 times; not used\n"
          "                         where the configuration file opens a listener\n"
          " -q, --quiet             log nothing, whatever the file or -v say\n"
          " -v, --verbose           log everything, whatever the file says\n"
          "     --test-config       check the configuration, print what it amounts to, and end\n"
          "     --tls-keylog FILE   not there yet\n"
          "     --version           print the version\n"
          "\n"
          "Without -c it serves this machine only, on port 1883.\n"
          "Signals: HUP reads the configuration again, INT and TERM end the server.\n"
          "Exit status: 0; 1 when it cannot start; 3 when the command line or a file is wrong.\n",
            out);
}
