/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_options.h"

#include "tests/harness/manual_page.h"
#include "tests/harness/test.h"

static void print_flag(FILE *out, const struct client_option *row)
{
    fputs(".It ", out);
    if (row->letter)
        fprintf(out, "Fl %c%s", row->letter, row->name ? " , " : "");
    if (row->name)
        fprintf(out, "%s-%s", row->letter ? "" : "Fl ", row->name);
    manual_page_print_value(out, row->value);
    fputc('\n', out);
}

static void print_options(FILE *out, unsigned tool)
{
    size_t count;
    const struct client_option *rows = client_options_rows(&count);

    fputs(".Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].tools & tool) == 0)
            continue;
        print_flag(out, &rows[i]);
        manual_page_print_help(out, rows[i].help);
    }
    fputs(".El\n", out);
}

TEST(the_manual_pages_list_the_options_of_the_table)
{
    manual_page_expect("nightjar-pub", "client_options.c", print_options, CLIENT_PUB);
    manual_page_expect("nightjar-sub", "client_options.c", print_options, CLIENT_SUB);
    manual_page_expect("nightjar-rr", "client_options.c", print_options, CLIENT_RR);
    manual_page_expect("nightjar-record", "client_options.c", print_options, CLIENT_RECORD);
    manual_page_expect("nightjar-replay", "client_options.c", print_options, CLIENT_REPLAY);
    manual_page_expect("nightjar-shell", "client_options.c", print_options, CLIENT_SHELL);
}
