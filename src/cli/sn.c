/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sn.h"

#include "cli/sn_options.h"
#include "cli/sn_pub.h"
#include "cli/sn_sub.h"

#include <stdio.h>
#include <string.h>

enum exit_code { EXIT_GOOD, EXIT_BAD };

static const struct sn_tool {
    const char *name;
    enum sn_tool_bit bit;
    const char *usage;
    const char *purpose;
    int (*run)(const struct sn_options *options);
} tools[] = {
    { "pub", SN_PUB, "{-t TOPIC | -T ID}... {-m TEXT | -f FILE | -l | -n | -s} [OPTIONS]",
            "Sends messages to a gateway of MQTT-SN.", sn_pub_run },
    { "sub", SN_SUB, "{-t FILTER | -T ID}... [OPTIONS]",
            "Prints the messages that a gateway of MQTT-SN sends.", sn_sub_run },
};

enum { TOOLS = sizeof(tools) / sizeof(tools[0]) };

const struct options *sn_option_table_of_all(void)
{
    return sn_option_table(SN_PUB | SN_SUB);
}

const char *sn_tool_name(size_t index)
{
    return index < TOOLS ? tools[index].name : NULL;
}

static int run(const struct sn_tool *tool, int argc, char **argv)
{
    struct sn_options options;

    if (sn_options_read(&options, tool->bit, argc, argv) < 0)
        return EXIT_BAD;
    if (options.version) {
        puts("nightjar " NIGHTJAR_VERSION);
        return EXIT_GOOD;
    }
    if (!options.help)
        return tool->run(&options);
    printf("Usage: nightjar sn %s %s\n%s\n\n", tool->name, tool->usage, tool->purpose);
    options_help(sn_option_table(tool->bit));
    return EXIT_GOOD;
}

int mqtt_sn_pub_main(int argc, char **argv)
{
    return run(&tools[0], argc, argv);
}

int mqtt_sn_sub_main(int argc, char **argv)
{
    return run(&tools[1], argc, argv);
}

int sn_main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < TOOLS; i++)
        if (strcmp(argv[1], tools[i].name) == 0)
            return run(&tools[i], argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("Usage: nightjar sn pub|sub [OPTIONS]\n"
             "A client of MQTT-SN; nightjar sn pub --help tells the options.");
        return EXIT_GOOD;
    }
    fputs("nightjar sn: say pub or sub; see nightjar sn --help\n", stderr);
    return EXIT_BAD;
}
