/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include "cli/bench_options.h"
#include "cli/check.h"
#include "cli/client_options.h"
#include "cli/ctl.h"
#include "cli/decode.h"
#include "cli/import.h"
#include "cli/options.h"
#include "cli/sn.h"

#include <stdio.h>
#include <string.h>

enum exit_code { EXIT_GOOD, EXIT_USAGE = 2 };

static void print_bash(void);
static void print_zsh(void);
static void print_fish(void);

static const struct {
    const char *name;
    void (*print)(void);
} shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };

enum { SHELLS = sizeof(shells) / sizeof(shells[0]) };

static const char *shell_name(size_t index)
{
    return index < SHELLS ? shells[index].name : NULL;
}

/* A command, and where its options are: in a table of its own, in that of the clients, or
 * nowhere; and what its words without a dash are. */
static const struct completed {
    const char *name;
    const struct options *(*table)(void);
    unsigned client;
    const char *help;
    const char *argument;               /* as an option's value is called; NULL: nothing known */
    const char *(*argument_at)(size_t); /* the words that it may be; NULL behind the last one */
} commands[] = {
    { "bench", bench_option_table, 0, "load a server and measure it", NULL, NULL },
    { "check", check_option_table, 0, "check a server against the standards", NULL, NULL },
    { "completion", NULL, 0, "print a script for the shell", NULL, shell_name },
    { "ctl", ctl_option_table, 0, "ask or steer a running server", "FILE", ctl_command_name },
    { "decode", decode_option_table, 0, "tell packets in words", NULL, NULL },
    { "import", import_option_table, 0, "bring over what Mosquitto has kept", "FILE", NULL },
    { "passwd", NULL, 0, "set passwords in a file", "FILE", NULL },
    { "pub", NULL, CLIENT_PUB, "send messages", NULL, NULL },
    { "record", NULL, CLIENT_RECORD, "write messages to a file", "FILE", NULL },
    { "replay", NULL, CLIENT_REPLAY, "play a recording back", "FILE", NULL },
    { "rr", NULL, CLIENT_RR, "send a request and print the response", NULL, NULL },
    { "shell", NULL, CLIENT_SHELL, "take commands", NULL, NULL },
    { "sn", sn_option_table_of_all, 0, "send and print messages by MQTT-SN", NULL, sn_tool_name },
    { "sub", NULL, CLIENT_SUB, "print messages", NULL, NULL },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* An option of whichever table. */
struct word {
    const char *name;  /* NULL: there is none */
    char letter;       /* 0: none */
    const char *value; /* what it takes, in the words of the help; NULL: nothing */
    const char *help;
};

/* The option at `index` of a command; false behind the last one. */
static bool word_at(const struct completed *command, size_t index, struct word *out)
{
    const struct options *table = command->table ? command->table() : NULL;
    size_t count = 0;
    const struct client_option *rows = client_options_rows(&count);

    if (table && index < table->count) {
        const struct option *row = &table->rows[index];

        *out = (struct word){ row->name, row->letter,
            row->kind != OPTION_SWITCH ? row->value : NULL, row->help };
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].tools & command->client) == 0 || index-- > 0)
            continue;
        *out = (struct word){ rows[i].name, rows[i].letter, rows[i].value, rows[i].help };
        return true;
    }
    return false;
}

/* ---- Values ---- */

enum offer {
    OFFER_NOTHING, /* it is the user's to say */
    OFFER_FILES,
    OFFER_FOLDERS,
    OFFER_WORDS,
};

/* What a value can be, by what the help calls it. Other calls with a | in it are the words. */
static const struct {
    const char *value;
    enum offer offer;
    const char *words;
} offers[] = {
    { "DIR", OFFER_FOLDERS, NULL },
    { "FILE", OFFER_FILES, NULL },
    { "PACKET NAME VALUE", OFFER_WORDS,
            "auth|connect|disconnect|publish|subscribe|unsubscribe|will" },
    { "PATH", OFFER_FILES, NULL },
    { "QOS", OFFER_WORDS, "0|1|2" },
    { "directory", OFFER_FOLDERS, NULL },
    { "path", OFFER_FILES, NULL },
};

/* What to offer for a value, and with OFFER_WORDS these, with a | between them. */
static enum offer offer_for(const char *value, const char **words)
{
    *words = value;
    for (size_t i = 0; value && i < sizeof(offers) / sizeof(offers[0]); i++) {
        if (strcmp(value, offers[i].value) != 0)
            continue;
        *words = offers[i].words;
        return offers[i].offer;
    }
    return value && strchr(value, '|') ? OFFER_WORDS : OFFER_NOTHING;
}

static void print_words(const char *words)
{
    for (; *words != '\0'; words++)
        putchar(*words == '|' ? ' ' : *words);
}

static void print_arguments(const struct completed *command)
{
    const char *word;

    for (size_t i = 0; (word = command->argument_at(i)); i++)
        printf("%s%s", i > 0 ? " " : "", word);
}

/* In single quotes, as all three shells read them; `escaped` gets a backslash before it. */
static void print_quoted(const char *text, char escaped)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (*text == escaped && escaped != '\0')
            printf("\\%c", escaped);
        else
            putchar(*text);
    }
}

/* ---- bash and zsh: a case for each command, and in it one for the word before ---- */

/* "-q|--qos": as patterns of the word before. */
static void print_spellings(const struct word *word)
{
    if (word->letter)
        printf("-%c%s", word->letter, word->name ? "|" : "");
    if (word->name)
        printf("--%s", word->name);
}

/* Sets `offer`, and with words `values`, to what may stand behind the word before. */
static void print_offer(const char *value)
{
    const char *words;
    enum offer offer = offer_for(value, &words);

    if (offer == OFFER_WORDS) {
        fputs("offer=words values='", stdout);
        print_words(words);
        putchar('\'');
    } else {
        fputs(offer == OFFER_FILES               ? "offer=files"
                        : offer == OFFER_FOLDERS ? "offer=folders"
                                                 : "offer=nothing",
                stdout);
    }
}

static void print_values(const struct completed *command)
{
    struct word word;

    fputs("        case $before in\n", stdout);
    for (size_t at = 0; word_at(command, at, &word); at++) {
        if (!word.value)
            continue;
        fputs("        ", stdout);
        print_spellings(&word);
        fputs(") ", stdout);
        print_offer(word.value);
        fputs(" ;;\n", stdout);
    }
    fputs("        *) ", stdout);
    if (command->argument_at) {
        printf("offer=%s values='", command->argument ? "either" : "arguments");
        print_arguments(command);
        putchar('\'');
    } else {
        fputs(command->argument ? "offer=argument" : "offer=options", stdout);
    }
    fputs(" ;;\n        esac ;;\n", stdout);
}

/* ---- bash ---- */

static void print_bash_command(const struct completed *command)
{
    struct word word;

    printf("    %s) words='", command->name);
    for (size_t at = 0; word_at(command, at, &word); at++) {
        if (word.name)
            printf("--%s ", word.name);
        if (word.letter)
            printf("-%c ", word.letter);
    }
    fputs("'\n", stdout);
    print_values(command);
}

static void print_bash(void)
{
    fputs("# Made by `nightjar completion bash`.\n"
          "_nightjar()\n"
          "{\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} words= offer= values=\n"
          "    local command=${COMP_WORDS[0]##*/} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    if [[ $command == mosquitto_* ]]; then\n"
          "        command=${command#mosquitto_}\n"
          "    elif ((COMP_CWORD == 1)); then\n"
          "        command=\n"
          "    else\n"
          "        command=${COMP_WORDS[1]}\n"
          "    fi\n"
          "    case $command in\n"
          "    '') offer=words values='",
            stdout);
    for (size_t i = 0; i < COMMANDS; i++)
        printf("%s%s", i > 0 ? " " : "", commands[i].name);
    fputs("' ;;\n", stdout);
    for (size_t i = 0; i < COMMANDS; i++)
        print_bash_command(&commands[i]);
    fputs("    esac\n"
          "    case $offer in\n"
          "    arguments|argument|either|options)\n"
          "        if [[ $current == -* || $offer == options ]]; then\n"
          "            offer=words values=$words\n"
          "        fi ;;\n"
          "    esac\n"
          "    COMPREPLY=()\n"
          "    case $offer in\n"
          "    words|arguments|either)\n"
          "        COMPREPLY=($(compgen -W \"$values\" -- \"$current\")) ;;\n"
          "    esac\n"
          "    if [[ $offer == either && -z ${COMPREPLY[*]} ]]; then\n"
          "        offer=files\n"
          "    fi\n"
          "    case $offer in\n"
          "    folders) COMPREPLY=($(compgen -d -- \"$current\")) ;;\n"
          "    files|argument|'') COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
          "    esac\n"
          "}\n"
          "complete -o filenames -F _nightjar nightjar mosquitto_pub mosquitto_sub mosquitto_rr\n",
            stdout);
}

/* ---- zsh ---- */

static void print_zsh_command(const struct completed *command)
{
    struct word word;

    printf("%s)\n    found=(\n", command->name);
    for (size_t at = 0; word_at(command, at, &word); at++) {
        char letter[] = { word.letter, '\0' };
        const char *spellings[] = { word.name, word.letter ? letter : NULL };

        for (size_t i = 0; i < 2; i++) {
            if (!spellings[i])
                continue;
            printf("        '%s%s:", i == 0 ? "--" : "-", spellings[i]);
            print_quoted(word.help, ':');
            fputs("'\n", stdout);
        }
    }
    fputs("    )\n", stdout);
    print_values(command);
}

static void print_zsh(void)
{
    fputs("#compdef nightjar mosquitto_pub mosquitto_sub mosquitto_rr\n"
          "# Made by `nightjar completion zsh`.\n"
          "_nightjar() {\n"
          "local command=${service#mosquitto_} before=${words[CURRENT-1]} offer= values=\n"
          "local -a found\n"
          "if [[ $command == nightjar ]]; then\n"
          "    if ((CURRENT == 2)); then\n"
          "        found=(\n",
            stdout);
    for (size_t i = 0; i < COMMANDS; i++) {
        printf("            '%s:", commands[i].name);
        print_quoted(commands[i].help, ':');
        fputs("'\n", stdout);
    }
    fputs("        )\n"
          "        _describe command found\n"
          "        return\n"
          "    fi\n"
          "    command=${words[2]}\n"
          "fi\n"
          "case $command in\n",
            stdout);
    for (size_t i = 0; i < COMMANDS; i++)
        print_zsh_command(&commands[i]);
    fputs("esac\n"
          "if [[ $offer == options || ( $offer == (argument*|either) && $PREFIX == -* ) ]]; then\n"
          "    _describe option found\n"
          "    return\n"
          "fi\n"
          "case $offer in\n"
          "words|arguments) found=(${=values}); _describe value found ;;\n"
          "either) found=(${=values}); _describe value found || _files ;;\n"
          "folders) _files -/ ;;\n"
          "files|argument|'') _files ;;\n"
          "esac\n"
          "}\n"
          "if [[ ${funcstack[1]} == _nightjar ]]; then # a file of fpath\n"
          "    _nightjar \"$@\"\n"
          "else # by source\n"
          "    compdef _nightjar nightjar mosquitto_pub mosquitto_sub mosquitto_rr\n"
          "fi\n",
            stdout);
}

/* ---- fish ---- */

static void print_fish_value(const char *value)
{
    const char *words;

    switch (offer_for(value, &words)) {
    case OFFER_NOTHING:
        fputs(" -x", stdout);
        break;
    case OFFER_FILES:
        fputs(" -r -F", stdout);
        break;
    case OFFER_FOLDERS:
        fputs(" -x -a '(__fish_complete_directories)'", stdout);
        break;
    case OFFER_WORDS:
        fputs(" -x -a '", stdout);
        print_words(words);
        putchar('\'');
        break;
    }
}

static void print_fish_option(const struct word *word, const char *program, const char *condition)
{
    printf("complete -c %s%s", program, condition);
    if (word->name)
        printf(" -l %s", word->name);
    if (word->letter)
        printf(" -s %c", word->letter);
    if (word->value)
        print_fish_value(word->value);
    fputs(" -d '", stdout);
    print_quoted(word->help, '\0');
    fputs("'\n", stdout);
}

static void print_fish_command(const struct completed *command)
{
    bool is_mosquittos = command->client & (CLIENT_PUB | CLIENT_SUB | CLIENT_RR);
    char condition[96];
    char program[32];
    struct word word;

    snprintf(condition, sizeof(condition), " -n '__fish_seen_subcommand_from %s'", command->name);
    snprintf(program, sizeof(program), "mosquitto_%s", command->name);
    printf("complete -c nightjar%s%s", command->argument ? "" : " -f", condition);
    if (command->argument_at) {
        fputs(" -a '", stdout);
        print_arguments(command);
        putchar('\'');
    }
    putchar('\n');
    if (is_mosquittos)
        printf("complete -c %s -f\n", program);
    for (size_t at = 0; word_at(command, at, &word); at++) {
        print_fish_option(&word, "nightjar", condition);
        if (is_mosquittos)
            print_fish_option(&word, program, "");
    }
}

static void print_fish(void)
{
    fputs("# Made by `nightjar completion fish`.\n", stdout);
    for (size_t i = 0; i < COMMANDS; i++) {
        printf("complete -c nightjar -f -n __fish_use_subcommand -a %s -d '", commands[i].name);
        print_quoted(commands[i].help, '\0');
        fputs("'\n", stdout);
    }
    for (size_t i = 0; i < COMMANDS; i++)
        print_fish_command(&commands[i]);
}

/* ---- The command ---- */

int completion_main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < SHELLS; i++) {
        if (strcmp(argv[1], shells[i].name) == 0) {
            shells[i].print();
            return EXIT_GOOD;
        }
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts("Usage: nightjar completion bash|zsh|fish\n"
             "Prints a script by which the shell completes commands, options and values. In bash\n"
             "and zsh:\n"
             "    source <(nightjar completion bash)\n"
             "in fish:\n"
             "    nightjar completion fish | source");
        return EXIT_GOOD;
    }
    fputs("nightjar completion: name one shell: bash, zsh or fish\n", stderr);
    return EXIT_USAGE;
}
