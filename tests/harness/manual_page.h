/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages, for tests, in which the options are made from a table. */
#ifndef TESTS_HARNESS_MANUAL_PAGE_H
#define TESTS_HARNESS_MANUAL_PAGE_H

#include <stdio.h>

/*
 * Expects in a page, "nightjar-sub", what `print` writes between a line of comment that names the
 * table's file, "client_options.c", and its end mark. With CLIENT_PAGES_UPDATE in the environment
 * that is written anew instead. The build says where the pages are: MANUAL_PAGES.
 */
void manual_page_expect(const char *name, const char *table,
        void (*print)(FILE *out, unsigned tool), unsigned tool);

/* What a value is called there: in small letters. */
void manual_page_print_value(FILE *out, const char *value);

/* A sentence of a page, from a line of help. */
void manual_page_print_help(FILE *out, const char *help);

#endif
