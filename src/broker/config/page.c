/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/page.h"

#include <inttypes.h>

#include "broker/config/config.h"

static const char introduction[] =
        "# Options\n"
        "\n"
        "Every key that a configuration file may have: Mosquitto's, and ours. A file has one key\n"
        "and its value on a line; blanks or tabs stand between them, and a line that starts with\n"
        "`#` is a comment.\n"
        "\n"
        "In a value, `${NAME}` stands for that variable of the environment; NAME has capitals,\n"
        "digits and `_`. One that is not set is an error. Any other `${` means itself, and so\n"
        "does `$${NAME}`. A secret, such as a password, may be given as `file:PATH`: it is what\n"
        "that file has, less the end of its last line. Secrets are shown as `***`.\n"
        "\n"
        "\"Reload\" says whether SIGHUP applies a change (live) or the server must be started\n"
        "again (restart). A key that is \"not there yet\" or has \"no effect\" is passed over\n"
        "with a warning. One that is \"refused\" stops the start, as going on without what it\n"
        "asks for would not be safe.\n"
        "\n"
        "This page is made from the option table, `src/broker/config/option.c`, by the test\n"
        "`broker_config_page` with `OPTIONS_PAGE_UPDATE=1` in its environment.\n";

static bool is_of_server(const struct option *option)
{
    return option->scope == SCOPE_GLOBAL && option->opens == SCOPE_GLOBAL;
}

static bool is_of_bridge(const struct option *option)
{
    return option->scope == SCOPE_BRIDGE || option->opens == SCOPE_BRIDGE;
}

static bool is_of_plugin(const struct option *option)
{
    return option->scope == SCOPE_PLUGIN || option->opens == SCOPE_PLUGIN;
}

static bool is_of_listener(const struct option *option)
{
    return option_is_of_listener(option) && !is_of_plugin(option);
}

const struct page_section page_sections[PAGE_SECTIONS] = {
    { "The whole server", "These may stand anywhere.", is_of_server },
    { "Listeners", "These are about the `listener` before them.", is_of_listener },
    { "Bridges", "These are about the `connection` before them.", is_of_bridge },
    { "Plugins", "These load plugins, or are about the plugin before them.", is_of_plugin },
};

/* ---- Values ---- */

static void print_number(const struct option *option, FILE *out)
{
    if (option->max == INT64_MAX)
        fprintf(out, "%" PRId64 " or more", option->min);
    else
        fprintf(out, "%" PRId64 " to %" PRId64, option->min, option->max);
}

static void print_choices(const struct option *option, const struct page_style *style, FILE *out)
{
    for (const struct option_choice *choice = option->choices; choice->name; choice++) {
        if (choice > option->choices)
            fputs(style->between, out);
        style->word(choice->name, out);
    }
    if (option->type == OPTION_LOG_DEST) {
        fprintf(out, ", after ");
        style->word("file", out);
        fprintf(out, " a path");
    }
}

static void print_words(
        const char *const words[], size_t count, const struct page_style *style, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fputs(style->between, out);
        style->word(words[i], out);
    }
}

static void print_duration(const struct page_style *style, FILE *out)
{
    static const char *const units[] = { "s", "h", "d", "w", "m" };

    fprintf(out, "a number and ");
    print_words(units, sizeof(units) / sizeof(units[0]), style, out);
    fprintf(out, " (30 days) or ");
    style->word("y", out);
}

void page_values_print(const struct option *option, const struct page_style *style, FILE *out)
{
    static const char *const flags[] = { "true", "false" };

    switch (option->type) {
    case OPTION_FLAG:
        print_words(flags, sizeof(flags) / sizeof(flags[0]), style, out);
        break;
    case OPTION_NUMBER:
        print_number(option, out);
        break;
    case OPTION_BYTES:
        fprintf(out, "bytes, as 1000, 64k, 300M or 2G%s",
                strcmp(option->initial, "auto") == 0 ? "; auto" : "");
        break;
    case OPTION_DURATION:
        print_duration(style, out);
        break;
    case OPTION_WORD:
    case OPTION_WORDS:
    case OPTION_LOG_DEST:
        print_choices(option, style, out);
        break;
    case OPTION_DURABILITY:
        print_choices(option, style, out);
        fprintf(out, ", after ");
        style->word("interval", out);
        fprintf(out, " milliseconds, ");
        print_number(option, out);
        break;
    case OPTION_VERSIONS:
        fprintf(out, "a list of 3, 4 and 5");
        break;
    case OPTION_NETWORKS:
        fprintf(out, "addresses and networks, as 192.0.2.0/24; several lines add up");
        break;
    case OPTION_TEXT:
    case OPTION_LIST:
    case OPTION_LINES:
        fprintf(out, option->secret ? "text, or file: and a path" : "text");
        break;
    case OPTION_LISTENER:
        fprintf(out, "port, maybe an address; or 0 and a path");
        break;
    case OPTION_INCLUDE:
        fprintf(out, "directory");
        break;
    case OPTION_IGNORED:
        break;
    }
}

/* ---- docs/options.md ---- */

static void print_word(const char *text, FILE *out)
{
    fprintf(out, "`%s`", text);
}

static void print_option(const struct option *option, FILE *out)
{
    static const struct page_style markdown = { print_word, " " };

    fprintf(out, "| `%s`", option->name);
    if (option->alias)
        fprintf(out, ", `%s`", option->alias);
    fprintf(out, " | ");
    page_values_print(option, &markdown, out);
    if (option->initial)
        fprintf(out, " | `%s`", option->initial);
    else
        fprintf(out, " | ");
    fprintf(out, " | %s | %s |\n", option_effect(option), option->meaning);
}

void config_options_print(FILE *out)
{
    fputs(introduction, out);
    for (size_t i = 0; i < PAGE_SECTIONS; i++) {
        fprintf(out, "\n## %s\n\n%s\n\n", page_sections[i].title, page_sections[i].text);
        fprintf(out, "| key | values | default | reload | meaning |\n|---|---|---|---|---|\n");
        for (size_t j = 0; j < option_count; j++) {
            if (page_sections[i].has(&option_table[j]))
                print_option(&option_table[j], out);
        }
    }
}
