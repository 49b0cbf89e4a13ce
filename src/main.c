/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "broker/server.h"
#include "cli/bench.h"
#include "cli/check.h"
#include "cli/completion.h"
#include "cli/ctl.h"
#include "cli/decode.h"
#include "cli/import.h"
#include "cli/passwd.h"
#include "cli/pub.h"
#include "cli/record.h"
#include "cli/replay.h"
#include "cli/rr.h"
#include "cli/shell.h"
#include "cli/sn.h"
#include "cli/sub.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A word after the program's name chooses a command; without one that is known it is the server. */
static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "bench", bench_main },
    { "check", check_main },
    { "completion", completion_main },
    { "ctl", ctl_main },
    { "decode", decode_main },
    { "import", import_main },
    { "passwd", passwd_main },
    { "pub", pub_main },
    { "record", record_main },
    { "replay", replay_main },
    { "rr", rr_main },
    { "shell", shell_main },
    { "sn", sn_main },
    { "sub", sub_main },
};

/* A link of one of these names to this program stands for the command. */
static const struct command links[] = {
    { "mosquitto_passwd", passwd_main },
    { "mosquitto_pub", mosquitto_pub_main },
    { "mosquitto_rr", mosquitto_rr_main },
    { "mosquitto_sub", mosquitto_sub_main },
    { "mqtt-sn-pub", mqtt_sn_pub_main },
    { "mqtt-sn-sub", mqtt_sn_sub_main },
};

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The server takes no word without a dash first. */
static int complain(const char *word)
{
    struct nearest nearest = nearest_to(bytes_of_text(word));

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        nearest_offer(&nearest, commands[i].name);
    fprintf(stderr, "Error: Unknown command '%s'; ", word);
    if (nearest.name)
        fprintf(stderr, "did you mean nightjar %s? ", nearest.name);
    fputs("nightjar --help lists those that are known.\n", stderr);
    return SERVER_BAD_CONFIG;
}

static int run(int argc, char **argv)
{
    for (size_t i = 0; argc > 0 && i < sizeof(links) / sizeof(links[0]); i++) {
        if (strcmp(name_of(argv[0]), links[i].name) == 0)
            return links[i].run(argc, argv);
    }
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (argc > 1 && argv[1][0] != '-' && argv[1][0] != '\0')
        return complain(argv[1]);
    return (int)server_main(argc, argv);
}

/* Input and output that were closed before the start are nothing: else a connection would get one
 * of their numbers, and what is printed would go to the server. */
static void open_standard_files(void)
{
    int fd = 0;

    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR);
    if (fd >= 0)
        close(fd);
}

/* A disk that is full is an error, whatever the command says; a reader that has had enough is none,
 * as of `nightjar sub | head`. */
static int end_output(int status)
{
    struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
    bool wrong = fflush(stdout) != 0;

    wrong |= ferror(stdout) != 0;
    if (!wrong || (poll(&out, 1, 0) > 0 && out.revents & POLLERR))
        return status;
    fputs("Error: standard output cannot be written.\n", stderr);
    return status == 0 ? 1 : status;
}

int main(int argc, char **argv)
{
    open_standard_files();
    return end_output(run(argc, argv));
}
