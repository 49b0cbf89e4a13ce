/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_output.h"

#include "cli/client_format.h"

#include "loop/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COLOUR_TOPIC "\033[36m"
#define COLOUR_NONE "\033[0m"
#define SCREEN_CLEAR "\033[2J"
#define LINE_CLEAR "\033[K"

void client_output_init(struct client_output *output, const struct client_options *options)
{
    *output = (struct client_output){
        .options = options,
        .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
        .random = { (uint64_t)clock_now_ns() ^ (uint64_t)getpid() << 32 },
    };
    if (options->watch)
        fputs(SCREEN_CLEAR, stdout);
}

/* The line of a topic, counted from 1; 0: there are too many, or memory is short. */
static size_t watched_line(struct client_output *output, struct nj_bytes topic)
{
    char **watched;
    size_t line = 0;

    for (; line < output->watched_count; line++)
        if (strlen(output->watched[line]) == topic.size &&
                memcmp(output->watched[line], topic.data, topic.size) == 0)
            return line + 1;
    if (line == CLIENT_WATCHED_MAX)
        return 0;
    watched = (char **)realloc(output->watched, (line + 1) * sizeof(*watched));
    if (!watched)
        return 0;
    output->watched = watched;
    watched[line] = strndup((const char *)topic.data, topic.size);
    if (!watched[line])
        return 0;
    output->watched_count++;
    return line + 1;
}

static void print_verbose(const struct client_output *output, const struct nj_message *message)
{
    bool newline = !output->options->no_newline;

    if (message->payload.size == 0 && !newline)
        return;
    if (output->colour)
        fputs(COLOUR_TOPIC, stdout);
    fwrite(message->topic.data, 1, message->topic.size, stdout);
    if (output->colour)
        fputs(COLOUR_NONE, stdout);
    putchar(' ');
    if (message->payload.size == 0)
        fputs("(null)", stdout);
    fwrite(message->payload.data, 1, message->payload.size, stdout);
    if (newline)
        putchar('\n');
}

static void print_formatted(const struct client_output *output, const struct nj_message *message)
{
    const struct client_options *options = output->options;
    struct client_message shown = { .message = *message };

    clock_gettime(CLOCK_REALTIME, &shown.time);
    if (!client_format_print(stdout, options->format, &shown, options->pretty) && !options->quiet)
        fprintf(stderr, "Error: Message payload is not valid JSON on topic %.*s.\n",
                (int)message->topic.size, (const char *)message->topic.data);
    if (!options->no_newline)
        putchar('\n');
}

bool client_output_message(struct client_output *output, const struct nj_message *message)
{
    const struct client_options *options = output->options;

    if ((int64_t)(random_next(&output->random) % CLIENT_PERMILLE) >= options->chance_permille)
        return true;
    if (options->watch) {
        size_t line = watched_line(output, message->topic);

        if (line == 0)
            return true;
        printf("\033[%zu;1H" LINE_CLEAR, line);
    }
    if (options->format) {
        print_formatted(output, message);
    } else if (options->verbose) {
        print_verbose(output, message);
    } else if (message->payload.size > 0) {
        fwrite(message->payload.data, 1, message->payload.size, stdout);
        if (!options->no_newline)
            putchar('\n');
    }
    fflush(stdout);
    return !ferror(stdout);
}

void client_output_deinit(struct client_output *output)
{
    for (size_t i = 0; i < output->watched_count; i++)
        free(output->watched[i]);
    free(output->watched);
}
