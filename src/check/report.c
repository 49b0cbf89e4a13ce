/* SPDX-License-Identifier: Apache-2.0 */
#include "check/report.h"

#include "check/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_WIDTH = 18 };

static const char *const outcomes[] = {
    [CHECK_PASS] = "PASS", [CHECK_FAIL] = "FAIL", [CHECK_SKIP] = "SKIP"
};

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- For people ---- */

/* Each line of the text, set in. */
static void print_lines(const char *text)
{
    while (*text) {
        int size = (int)strcspn(text, "\n");

        printf("          %.*s\n", size, text);
        text += size;
        text += *text == '\n';
    }
}

static void print_verdict(const struct campaign_verdict *verdict)
{
    const struct check_result *result = &verdict->entry->result;
    const char *id = verdict->id_size > 0 ? verdict->id : "combination";
    int size = (int)(verdict->id_size > 0 ? verdict->id_size : strlen(id));

    printf("%s  %-*.*s %s\n", outcomes[verdict->outcome], ID_WIDTH, size, id,
            verdict->entry->test->name);
    if (verdict->outcome == CHECK_FAIL && verdict->id_size > 0)
        printf("      statement: %s\n", check_ledger_text(verdict->id, verdict->id_size));
    if (verdict->outcome != CHECK_PASS)
        printf("      %s: %s\n", verdict->outcome == CHECK_FAIL ? "expected" : "why",
                text_or_empty(result->reason));
    if (verdict->outcome == CHECK_FAIL)
        print_lines(text_or_empty(result->transcript));
}

static void print_text(const struct campaign_verdict *verdicts, size_t count, bool failed_only,
        const struct report_sums *sums)
{
    const struct check_chapter *chapter = NULL;

    for (size_t i = 0; i < count; i++) {
        if (failed_only && verdicts[i].outcome != CHECK_FAIL)
            continue;
        if (verdicts[i].entry->chapter != chapter) {
            printf("%s", chapter ? "\n" : "");
            chapter = verdicts[i].entry->chapter;
            printf("MQTT %s: %s\n", check_version_text(chapter->version), chapter->title);
        }
        print_verdict(&verdicts[i]);
    }
    printf("%s%u passed, %u failed, %u skipped, of %zu statements and combinations\n",
            chapter ? "\n" : "", sums->passed, sums->failed, sums->skipped, count);
}

/* ---- For programs ---- */

static void print_string(const char *text, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte == '"' || byte == '\\')
            printf("\\%c", byte);
        else if (byte == '\n')
            printf("\\n");
        else if (byte < 0x20)
            printf("\\u%04x", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

static void print_member(const char *name, const char *text, size_t size)
{
    printf(",\n      \"%s\": ", name);
    print_string(text, size);
}

static void print_text_member(const char *name, const char *text)
{
    print_member(name, text, strlen(text));
}

static void print_json_verdict(const struct campaign_verdict *verdict)
{
    const struct check_result *result = &verdict->entry->result;

    printf("    {\n      \"result\": \"%s\"", outcomes[verdict->outcome]);
    print_text_member("version", check_version_text(verdict->version));
    if (verdict->id_size > 0) {
        print_member("id", verdict->id, verdict->id_size);
        print_text_member("statement", check_ledger_text(verdict->id, verdict->id_size));
    }
    print_text_member("case", verdict->entry->test->name);
    if (verdict->outcome != CHECK_PASS)
        print_text_member(
                verdict->outcome == CHECK_FAIL ? "expected" : "why", text_or_empty(result->reason));
    if (verdict->outcome == CHECK_FAIL)
        print_text_member("transcript", text_or_empty(result->transcript));
    printf("\n    }");
}

static void print_json(const struct campaign_verdict *verdicts, size_t count, const char *server,
        const struct report_sums *sums)
{
    printf("{\n  \"server\": ");
    print_string(server, strlen(server));
    printf(",\n  \"passed\": %u,\n  \"failed\": %u,\n  \"skipped\": %u,\n  \"statements\": [\n",
            sums->passed, sums->failed, sums->skipped);
    for (size_t i = 0; i < count; i++) {
        print_json_verdict(&verdicts[i]);
        printf("%s\n", i + 1 < count ? "," : "");
    }
    printf("  ]\n}\n");
}

int report_print(const struct campaign *campaign, const char *server, enum report_form form,
        struct report_sums *sums)
{
    struct campaign_verdict *verdicts;
    int64_t count = campaign_sum(&verdicts, campaign);

    if (count < 0)
        return (int)count;
    *sums = (struct report_sums){ 0 };
    for (int64_t i = 0; i < count; i++) {
        sums->passed += verdicts[i].outcome == CHECK_PASS;
        sums->failed += verdicts[i].outcome == CHECK_FAIL;
        sums->skipped += verdicts[i].outcome == CHECK_SKIP;
    }
    if (form == REPORT_JSON)
        print_json(verdicts, (size_t)count, server, sums);
    else
        print_text(verdicts, (size_t)count, form == REPORT_FAILED, sums);
    free(verdicts);
    return 0;
}
