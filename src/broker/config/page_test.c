/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

/* The build says where the pages are: OPTIONS_PAGE, MANUAL_PAGE and MOSQUITTO_PAGE. */

enum { PAGE_SIZE = 1 << 17 };

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

/* What the page has up to where it is made, and then what the table makes. */
static const char made_below[] = "in its environment. -->\n";

static void page_read(const char *path, char *page, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t used;

    assert_non_null(file);
    used = fread(page, 1, size - 1, file);
    page[used] = '\0';
    assert_true(used > 0 && used < size - 1);
    fclose(file);
}

TEST(the_page_about_mosquitto_says_what_the_tables_say)
{
    char *wanted = text_of(config_mosquitto_print);
    static char page[PAGE_SIZE];
    char *made;
    char *whole = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&whole, &size);

    page_read(MOSQUITTO_PAGE, page, sizeof(page));
    made = strstr(page, made_below);
    assert_non_null(made);
    made += strlen(made_below);
    assert_non_null(out);
    fprintf(out, "%.*s%s", (int)(made - page), page, wanted);
    fclose(out);
    if (getenv("OPTIONS_PAGE_UPDATE"))
        update(MOSQUITTO_PAGE, whole);
    else
        assert_string_equal(made, wanted);
    free(whole);
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
