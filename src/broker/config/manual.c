/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page nightjar.conf(5), in mdoc. */
#include <ctype.h>

#include "broker/config/config.h"
#include "broker/config/page.h"

static const char introduction[] =
        ".\\\" Made from the option table, src/broker/config/option.c, by the test\n"
        ".\\\" broker_config_page with OPTIONS_PAGE_UPDATE=1 in its environment.\n"
        ".Dd November 21, 2026\n"
        ".Dt NIGHTJAR.CONF 5\n"
        ".Os\n"
        ".Sh NAME\n"
        ".Nm nightjar.conf\n"
        ".Nd configuration of the MQTT server nightjar\n"
        ".Sh DESCRIPTION\n"
        ".Xr nightjar 8\n"
        "reads the file that its option\n"
        ".Fl c\n"
        "names, and no other one.\n"
        "The syntax is that of\n"
        ".Pa mosquitto.conf ,\n"
        "and every key of Mosquitto is known:\n"
        "it is honoured, or said to have no effect, or refused.\n"
        "Without a file every key has its default.\n"
        ".Ss Syntax\n"
        "A line has one key and its value, with blanks or tabs between them and maybe around\n"
        "them.\n"
        "A line that starts with\n"
        ".Sq #\n"
        "is a comment, an empty line is nothing.\n"
        "Keys are written in small letters.\n"
        "A line may end in a carriage return.\n"
        ".Bl -bullet\n"
        ".It\n"
        "Of a flag, a number or a word only the first word of the value counts; what follows is\n"
        "passed over, with a warning unless it starts with\n"
        ".Sq # .\n"
        "Numbers are decimal, hexadecimal after\n"
        ".Sq 0x ,\n"
        "or octal after\n"
        ".Sq 0 .\n"
        ".It\n"
        "A text is the rest of the line.\n"
        "It must be UTF-8, and may be up to 65535 bytes long.\n"
        "A\n"
        ".Sq #\n"
        "in it belongs to it.\n"
        ".It\n"
        "In a value\n"
        ".Ar ${NAME}\n"
        "stands for that variable of the environment, such as\n"
        ".Ev CREDENTIALS_DIRECTORY\n"
        "of a service's credentials.\n"
        "Its name has capitals, digits and\n"
        ".Sq _ ,\n"
        "and does not start with a digit; one that is not set is an error.\n"
        "Any other\n"
        ".Sq ${\n"
        "means itself, and\n"
        ".Ar $${NAME}\n"
        "means\n"
        ".Ar ${NAME} .\n"
        ".It\n"
        "A secret may be given as\n"
        ".Ar file:PATH .\n"
        "It is what that file has in its one line, and is shown as\n"
        ".Sq ***\n"
        "wherever values are shown.\n"
        ".It\n"
        "Where a flag, number or word is given twice, the last one counts.\n"
        "A text given twice is an error, but for\n"
        ".Cm user .\n"
        "Lines of\n"
        ".Cm log_dest ,\n"
        ".Cm log_type\n"
        "and\n"
        ".Cm include_dir\n"
        "add up.\n"
        ".It\n"
        "An unknown key, a value that is not allowed or is missing, and a key in a wrong place\n"
        "are errors.\n"
        "Each is told with its file and line, all of them in one run, and the server does not\n"
        "start.\n"
        ".El\n"
        ".Ss Listeners\n"
        "A\n"
        ".Cm listener\n"
        "line opens a listener, and the keys about listeners that follow it are about that one,\n"
        "to the end\n"
        "of the file.\n"
        ".Cm port\n"
        "and\n"
        ".Cm bind_address\n"
        "open or change the default listener, on port 1883.\n"
        "A key about listeners that stands before any\n"
        ".Cm listener\n"
        "line is about the default listener too, or is an error.\n"
        ".Pp\n"
        "Where no line opens a listener, the server is in local-only mode: it listens on\n"
        "127.0.0.1 and ::1,\n"
        "port 1883 or those of the option\n"
        ".Fl p ,\n"
        "and\n"
        ".Cm allow_anonymous\n"
        "is true.\n"
        ".Ss More files\n"
        ".Cm include_dir\n"
        "reads the files of a directory whose names end in\n"
        ".Pa .conf ,\n"
        "letter by letter in the order of the alphabet, capitals before small ones of the same\n"
        "letter.\n"
        "It counts in the main file only.\n"
        "Each file begins anew: what it says of listeners is about the listeners that it opens.\n"
        ".Ss Reload\n"
        "On SIGHUP the server reads its files again.\n"
        "A file with an error changes nothing.\n"
        "Which keys a running server takes over is said with each of them; the others keep\n"
        "their value, with\n"
        "a warning, until the server is started again.\n"
        "Listeners that are new are opened, and those that are gone are closed, with their\n"
        "clients.\n"
        "As the server is not root any more, it cannot open a port below 1024 then, nor an\n"
        "address that is still in use by the listener that it replaces; such a reload changes\n"
        "nothing.\n";

static const char example[] =
        ".Sh EXAMPLES\n"
        "Open to everyone on every address, and a second port for this machine only, with other\n"
        "limits:\n"
        ".Bd -literal -offset indent\n"
        "allow_anonymous true\n"
        "max_queued_messages 10000\n"
        "memory_limit 2000000000\n"
        "log_dest file /var/log/nightjar.log\n"
        "log_format json\n"
        "\n"
        "listener 1883\n"
        "max_connections 50000\n"
        "\n"
        "listener 1884 127.0.0.1\n"
        "max_topic_alias 100\n"
        ".Ed\n"
        ".Pp\n"
        "Without loss for a slow reader, whose publishers then wait:\n"
        ".Bd -literal -offset indent\n"
        "queue_full_policy backpressure\n"
        ".Ed\n"
        ".Sh SEE ALSO\n"
        ".Xr nightjar 8\n";

/* Keys whose effect is this stand in one list. */
struct unhonoured {
    enum option_status status;
    const char *title;
    const char *text;
};

static const struct unhonoured unhonoured[] = {
    { OPTION_NOT_YET, "KEYS THAT ARE NOT THERE YET",
            "These are passed over in this version, with a warning at the start unless they are "
            "set to their default." },
    { OPTION_NO_EFFECT, "KEYS WITHOUT EFFECT",
            "These are passed over, with a warning at the start unless they are set to their "
            "default." },
    { OPTION_REFUSED, "KEYS THAT ARE REFUSED",
            "These stop the start unless they are set to their default: going on without what they "
            "ask for would change who may do what, or what is delivered." },
};

/* In running text, where a letter in front keeps a dot from beginning a request. */
static void print_text(const char *text, FILE *out)
{
    fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

/* With minus signs, which can be copied, for hyphens, which cannot. */
static void print_word(const char *text, FILE *out)
{
    fputs("\\fB", out);
    for (; *text != '\0'; text++) {
        if (*text == '-')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputs("\\fR", out);
}

static void print_title(const char *title, FILE *out)
{
    fputs(".Sh ", out);
    for (; *title != '\0'; title++)
        fputc(toupper((unsigned char)*title), out);
    fputc('\n', out);
}

static void print_option(const struct option *option, FILE *out)
{
    static const struct page_style manual = { print_word, "\n" };

    fprintf(out, ".It Cm %s\n", option->name);
    print_text(option->meaning, out);
    fprintf(out, ".\nValues: ");
    page_values_print(option, &manual, out);
    fprintf(out, ".\n");
    if (option->initial) {
        fprintf(out, "Default: ");
        print_word(option->initial, out);
        fprintf(out, ".\n");
    }
    if (option->alias)
        fprintf(out, "Also called\n.Cm %s .\n", option->alias);
    fprintf(out, "%s\n", option->live ? "A reload applies it." : "Only a new start applies it.");
}

/* Those of a section that are honoured; nothing where none is. */
static void print_section(const struct page_section *section, FILE *out)
{
    bool any = false;

    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (!section->has(option) || option->status != OPTION_HONOURED)
            continue;
        if (!any) {
            print_title(section->title, out);
            fprintf(out, ".Bl -tag -width Ds\n");
        }
        any = true;
        print_option(option, out);
    }
    if (any)
        fprintf(out, ".El\n");
}

/* Keys that share a reason follow each other in the table, and share its telling here. */
static void print_unhonoured(const struct unhonoured *list, FILE *out)
{
    const char *reason = NULL;

    print_title(list->title, out);
    fprintf(out, "%s\n.Bl -tag -width Ds -compact\n", list->text);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option->status != list->status)
            continue;
        if (reason && option->reason != reason) {
            print_text(reason, out);
            fprintf(out, ".\n");
        }
        fprintf(out, ".It Cm %s\n", option->name);
        reason = option->reason;
    }
    print_text(reason, out);
    fprintf(out, ".\n.El\n");
}

void config_manual_print(FILE *out)
{
    fputs(introduction, out);
    for (size_t i = 0; i < PAGE_SECTIONS; i++)
        print_section(&page_sections[i], out);
    for (size_t i = 0; i < sizeof(unhonoured) / sizeof(unhonoured[0]); i++)
        print_unhonoured(&unhonoured[i], out);
    fputs(example, out);
}
