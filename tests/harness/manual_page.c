/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/manual_page.h"

#include "tests/harness/test.h"

#include <ctype.h>
#include <stdlib.h>

enum { PAGE_SIZE = 1 << 16 };

static const char end_mark[] = ".\\\" End of the options.\n";

/* The caller's to be freed. */
static char *read_page(const char *path)
{
    FILE *file = fopen(path, "r");
    char *page = malloc(PAGE_SIZE);
    size_t used;

    assert_non_null(file);
    assert_non_null(page);
    used = fread(page, 1, PAGE_SIZE - 1, file);
    assert_true(used > 0 && used < PAGE_SIZE - 1);
    page[used] = '\0';
    fclose(file);
    return page;
}

static void write_page(const char *path, const char *page)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(page, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void manual_page_expect(
        const char *name, const char *table, void (*print)(FILE *out, unsigned tool), unsigned tool)
{
    char path[4096];
    char begin_mark[100];
    char *page;
    char *begin;
    char *end;
    char *wanted = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&wanted, &size);

    snprintf(path, sizeof(path), "%s/%s.1", MANUAL_PAGES, name);
    snprintf(begin_mark, sizeof(begin_mark), ".\\\" The options are made from a table: %s.\n",
            table);
    page = read_page(path);
    begin = strstr(page, begin_mark);
    end = strstr(page, end_mark);
    assert_non_null(begin);
    assert_non_null(end);
    fprintf(out, "%.*s%s", (int)(begin - page), page, begin_mark);
    print(out, tool);
    fputs(end, out);
    fclose(out);
    if (getenv("CLIENT_PAGES_UPDATE"))
        write_page(path, wanted);
    else
        assert_string_equal(page, wanted);
    free(page);
    free(wanted);
}

void manual_page_print_value(FILE *out, const char *value)
{
    if (!value)
        return;
    fputs(" Ar ", out);
    for (const char *at = value; *at != '\0'; at++)
        fputc(tolower((unsigned char)*at), out);
}

void manual_page_print_help(FILE *out, const char *help)
{
    fprintf(out, "%c%s.\n", toupper((unsigned char)help[0]), help + 1);
}
