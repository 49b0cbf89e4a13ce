/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/findings.h"

#include <stdio.h>
#include <stdlib.h>

static const struct severity_row {
    const char *prefix;
    const char *event;
    enum event_level level;
} severity_rows[] = {
    [REPORT_ERROR] = { "Error: ", "config.error", EVENT_ERROR },
    [REPORT_WARNING] = { "Warning: ", "config.warning", EVENT_WARN },
    [REPORT_NOTICE] = { NULL, "config.notice", EVENT_INFO },
};

static void keep(void *context, enum report_severity severity, const char *text)
{
    struct findings *findings = context;
    size_t size = strlen(text) + 1;
    char *copy = findings->count < FINDINGS_MAX ? malloc(size) : NULL;

    if (!copy) {
        findings->left_out++;
        return;
    }
    memcpy(copy, text, size);
    findings->kept[findings->count++] = (struct finding){ severity, copy };
}

void findings_init(struct findings *findings)
{
    *findings = (struct findings){ .report = { .tell = keep, .context = findings } };
}

struct findings *findings_new(void)
{
    struct findings *findings = malloc(sizeof(*findings));

    if (findings)
        findings_init(findings);
    return findings;
}

void findings_free(struct findings *findings)
{
    if (!findings)
        return;
    findings_deinit(findings);
    free(findings);
}

void findings_deinit(struct findings *findings)
{
    for (unsigned i = 0; i < findings->count; i++)
        free(findings->kept[i].text);
    findings->count = 0;
}

void findings_print(const struct findings *findings)
{
    for (unsigned i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->kept[i];

        if (finding->severity != REPORT_NOTICE)
            fprintf(stderr, "%s%s\n", severity_rows[finding->severity].prefix, finding->text);
    }
    if (findings->left_out > 0)
        fprintf(stderr, "and %u more\n", findings->left_out);
}

void findings_tell(const struct findings *findings, const struct journal *journal)
{
    for (unsigned i = 0; i < findings->count; i++) {
        const struct severity_row *row = &severity_rows[findings->kept[i].severity];

        journal_tell(journal, row->level, row->event, field_text("text", findings->kept[i].text));
    }
    if (findings->left_out > 0)
        journal_tell(journal, EVENT_WARN, "config.findings_left_out",
                field_number("findings", findings->left_out));
}
