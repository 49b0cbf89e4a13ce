/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"

#include <stdlib.h>

#include "tests/harness/test.h"

/* The build says where the page is: OPTIONS_PAGE. */

static char *page_now(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    config_options_print(out);
    fclose(out);
    return text;
}

static void update(const char *text)
{
    FILE *file = fopen(OPTIONS_PAGE, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

TEST(the_page_of_options_says_what_the_table_says)
{
    char *wanted = page_now();
    size_t size = strlen(wanted);
    char *got = calloc(1, size + 2);
    FILE *file;

    assert_non_null(got);
    if (getenv("OPTIONS_PAGE_UPDATE"))
        update(wanted);
    file = fopen(OPTIONS_PAGE, "r");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, size + 1, file), size);
    fclose(file);
    assert_string_equal(got, wanted);
    free(got);
    free(wanted);
}
