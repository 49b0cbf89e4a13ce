/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/server.h"
#include "cli/bench.h"
#include "cli/check.h"
#include "cli/passwd.h"

#include <stddef.h>
#include <string.h>

/* A word after the program's name chooses a command; without one that is known it is the server. */
static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "bench", bench_main },
    { "check", check_main },
    { "passwd", passwd_main },
};

/* A link of one of these names to this program stands for the command. */
static const struct command links[] = {
    { "mosquitto_passwd", passwd_main },
};

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 0 && i < sizeof(links) / sizeof(links[0]); i++) {
        if (strcmp(name_of(argv[0]), links[i].name) == 0)
            return links[i].run(argc, argv);
    }
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    return (int)server_main(argc, argv);
}
