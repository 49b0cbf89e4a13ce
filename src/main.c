/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/server.h"
#include "cli/bench.h"
#include "cli/check.h"

#include <stddef.h>
#include <string.h>

/* A word after the program's name chooses a command; without one that is known it is the server. */
static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "bench", bench_main },
    { "check", check_main },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    return (int)server_main(argc, argv);
}
