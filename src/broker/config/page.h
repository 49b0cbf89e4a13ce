/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two pages about the options have in common: the one for the web (page.c) and the manual
 * page (manual.c). Both are made from the option table, so that neither says anything else than
 * what the program does.
 */
#ifndef BROKER_CONFIG_PAGE_H
#define BROKER_CONFIG_PAGE_H

#include <stdio.h>

#include "broker/config/option.h"

/* How a page writes what is to be typed as it stands. */
struct page_style {
    void (*word)(const char *text, FILE *out);
    const char *between; /* two such words */
};

/* A section, and the options that it is about. */
struct page_section {
    const char *title;
    const char *text;
    bool (*has)(const struct option *option);
};

enum { PAGE_SECTIONS = 4 };

extern const struct page_section page_sections[PAGE_SECTIONS];

/* Prints what values the option takes. */
void page_values_print(const struct option *option, const struct page_style *style, FILE *out);

#endif
