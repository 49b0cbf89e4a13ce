/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"

#include <stdlib.h>

#include "tests/harness/test.h"

/* The build says where the pages are: OPTIONS_PAGE and MANUAL_PAGE. */

static char *text_of(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

static void update(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_current(const char *path, void (*print)(FILE *out))
{
    char *wanted = text_of(print);
    size_t size = strlen(wanted);
    char *got = calloc(1, size + 2);
    FILE *file;

    assert_non_null(got);
    if (getenv("OPTIONS_PAGE_UPDATE"))
        update(path, wanted);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, size + 1, file), size);
    fclose(file);
    assert_string_equal(got, wanted);
    free(got);
    free(wanted);
}

TEST(the_page_of_options_says_what_the_table_says)
{
    expect_current(OPTIONS_PAGE, config_options_print);
}

TEST(the_manual_page_says_what_the_table_says)
{
    expect_current(MANUAL_PAGE, config_manual_print);
}
