/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sn_options.h"

#include "tests/harness/manual_page.h"
#include "tests/harness/test.h"

static bool has_option(unsigned tool, const char *name)
{
    const struct options *table = sn_option_table(tool);

    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return true;
    return false;
}

static void print_option(FILE *out, const struct option *row)
{
    fputs(".It ", out);
    if (row->letter)
        fprintf(out, "Fl %c , ", row->letter);
    fprintf(out, "%s-%s", row->letter ? "" : "Fl ", row->name);
    manual_page_print_value(out, row->value);
    fputc('\n', out);
    manual_page_print_help(out, row->help);
}

/* Those that just these tools have. */
static void print_some(FILE *out, unsigned tools, const char *heading)
{
    const struct options *table = sn_option_table(SN_PUB | SN_SUB);

    fprintf(out, ".Pp\n%s\n.Bl -tag -width Ds\n", heading);
    for (size_t i = 0; i < table->count; i++) {
        const struct option *row = &table->rows[i];
        unsigned has = (has_option(SN_PUB, row->name) ? SN_PUB : 0u) |
                (has_option(SN_SUB, row->name) ? SN_SUB : 0u);

        if (has == tools)
            print_option(out, row);
    }
    fputs(".El\n", out);
}

static void print_options(FILE *out, unsigned tools)
{
    print_some(out, tools, "The options of both are:");
    print_some(out, SN_PUB, "Of pub alone:");
    print_some(out, SN_SUB, "Of sub alone:");
}

TEST(the_manual_page_lists_the_options_of_the_table)
{
    manual_page_expect("nightjar-sn", "sn_options.c", print_options, SN_PUB | SN_SUB);
}
